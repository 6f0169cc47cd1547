/*
 * scan.h - turns the bytes of a JSON document into a table of tokens (weir/json.h), once.
 *
 * The scanner accepts exactly RFC 8259 in strict UTF-8: no byte order mark, no overlong forms, no
 * encoded surrogates, no control characters inside strings, nothing after the document but white
 * space. Numbers are checked for their form, not for their range. An escaped surrogate without
 * its partner ("\uD800") is good RFC 8259 and is accepted; whoever unescapes it gets U+FFFD.
 */
#ifndef WEIR_CORE_JSON_SCAN_H
#define WEIR_CORE_JSON_SCAN_H

#include <weir/json.h>

enum {
    /* Containers that may be open at once. The token depth of a value never exceeds it. */
    JSCAN_DEPTH_MAX = 128,
    /* A reused table that grew past this many tokens (1 MiB) is cut back by the next scan that can
     * do with less. */
    JSCAN_KEEP_TOKENS = 65536,
};

/* Token memory for one scan after another. Belongs to one thread at a time. */
struct jscan_tokens {
    weir_token *tok;
    size_t cap;
};

/* Where a document stopped being JSON, and how. `what` is static text such as "a colon was
 * expected". */
struct jscan_fault {
    size_t offset; /* bytes from the start */
    const char *what;
};

void jscan_tokens_init(struct jscan_tokens *t);
void jscan_tokens_finish(struct jscan_tokens *t);

/*
 * Scans one whole document. `out` borrows `bytes` and the table, and is good until the table is
 * used again; it is empty after a failure. `fault` may be NULL.
 *
 * WEIR_INVALID: not JSON. WEIR_TOO_LARGE: nested deeper than JSCAN_DEPTH_MAX, or more than
 * UINT32_MAX bytes. WEIR_NO_MEMORY. In all three cases `fault` says where and what.
 */
weir_result jscan(struct jscan_tokens *t, weir_str bytes, weir_json *out, struct jscan_fault *fault)
    __attribute__((warn_unused_result));

/* The same with the tokens in `arena`, so that `out` lives as long as the arena and `bytes` do. */
weir_result jscan_arena(const weir_arena *arena, weir_str bytes, weir_json *out,
                        struct jscan_fault *fault) __attribute__((warn_unused_result));

#endif
