/*
 * json.h - how JSON crosses the border: the original bytes and a flat table of tokens over them.
 *
 * The core scans a body once; every part then reads the same table. Nothing is copied or
 * unescaped until somebody has to look. <weir/sdk/json.h> has a reader over this table and a
 * writer.
 *
 * One rule for duplicate keys, everywhere: all are accepted and the last one counts. Whoever
 * replaces a member replaces every occurrence, so that a receiver with another rule sees the same.
 */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEIR_JSON_NULL = 1,
    WEIR_JSON_FALSE = 2,
    WEIR_JSON_TRUE = 3,
    WEIR_JSON_NUMBER = 4,
    WEIR_JSON_STRING = 5,
    WEIR_JSON_ARRAY = 6,
    WEIR_JSON_OBJECT = 7,
};

enum {
    WEIR_TOKEN_KEY = 1,     /* this string is an object key; its value is the next token */
    WEIR_TOKEN_ESCAPED = 2, /* this string contains a backslash */
};

/*
 * One value, in document order. Frozen: 16 bytes.
 *
 * `start` and `len` are the span in the bytes: of a string the part between the quotes, of
 * everything else the whole value, brackets included. `next` is the index of the first token after
 * this value and all it contains, so that siblings are a hop away. An object's children alternate
 * key, value. `depth` is 0 for the document itself; a container at the depth limit is refused.
 */
typedef struct weir_token {
    uint32_t start;
    uint32_t len;
    uint32_t next;
    uint8_t type;
    uint8_t flags;
    uint16_t depth;
} weir_token;

/* A scanned document: token 0 is the document itself. Frozen. */
typedef struct weir_json {
    weir_str bytes;
    const weir_token *tok;
    size_t count;
} weir_json;

#ifdef __cplusplus
}
#endif

#endif
