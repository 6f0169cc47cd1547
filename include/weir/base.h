/*
 * base.h - the words every other header is made of: strings, results, failures.
 *
 * Conventions of the whole ABI (CONTRACT.md numbers them):
 *
 *  - Every struct that crosses the border begins with `uint32_t struct_size`, set by whoever fills
 *    the struct in, and only ever grows at its end. The few structs marked "frozen" never change
 *    and carry no size.
 *  - Inputs are borrowed for the duration of the call. Outputs are pushed into a sink, which
 *    copies what it keeps. No pointer ever changes owner.
 *  - Times are int64_t microseconds and end in `_us`. Monotonic unless named `unix_`.
 *  - Thread tags: [init] runs while a configuration is loaded, on one thread at a time, and may
 *    take its time. [any] runs on whichever thread owns the exchange or node at that moment, never
 *    on two at once for the same one, and must not block. [safe] may be called from any thread at
 *    any time.
 */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes owned by somebody else; not terminated. Frozen. */
typedef struct weir_str {
    const char *ptr;
    size_t len;
} weir_str;

/* What the bytes of a weir_text are. */
enum {
    WEIR_FORM_UTF8 = 0, /* plain UTF-8 */
    WEIR_FORM_JSON = 1, /* the inside of a JSON string, escapes and all, without the quotes */
};

/* Text that is carried in the form it arrived in, so that nobody unescapes what nobody reads.
 * Frozen. */
typedef struct weir_text {
    const char *ptr;
    size_t len;
    uint32_t form; /* WEIR_FORM_* */
    uint32_t zero;
} weir_text;

/* An array of sized structs: element i is at (const char *)items + i * stride, so that host and
 * plugin may disagree about the element's size. Frozen. */
typedef struct weir_array {
    const void *items;
    uint32_t count;
    uint32_t stride;
} weir_array;

/* One HTTP header field. Names are compared ignoring case. Frozen. */
typedef struct weir_header {
    weir_str name;
    weir_str value;
} weir_header;

/* Memory that lives as long as the exchange (or call) it was handed out with; nobody frees it.
 * alloc [any] gives `size` bytes aligned to 16, or NULL when the limit is reached. Frozen. */
typedef struct weir_arena {
    void *owner;
    void *(*alloc)(void *owner, size_t size);
} weir_arena;

/*
 * Results. Functions return WEIR_OK or one of the negative values; a few return small positive
 * values that their declaration names. A sink that answers with a negative value wants no more:
 * stop and return that value.
 */
#define WEIR_RESULTS(X)                                           \
    X(OK, 0, "success")                                           \
    X(INVALID, -1, "an argument, option or input is not valid")   \
    X(UNSUPPORTED, -2, "this part does not do that")              \
    X(NO_MEMORY, -3, "out of memory")                             \
    X(TOO_LARGE, -4, "a limit was exceeded")                      \
    X(PROTOCOL, -5, "the other side broke its own protocol")      \
    X(STOPPED, -6, "the receiver wants no more")                  \
    X(NOT_FOUND, -7, "no such thing")                             \
    X(TOO_NEW, -8, "built for a newer ABI than this host speaks") \
    X(INTERNAL, -9, "a defect")

typedef int32_t weir_result;

#define WEIR_RESULT_ENUM(name, value, text) WEIR_##name = value,
enum { WEIR_RESULTS(WEIR_RESULT_ENUM) };
#undef WEIR_RESULT_ENUM

/*
 * Failure classes: id, number, config name, family, whether only this gateway raises it.
 *
 * The family is frozen: a plugin that meets a class newer than itself treats it as its family. In
 * lists such as `on:` a family's name stands for all its members.
 */
#define WEIR_CLASSES(X)                                          \
    X(NONE, 0, "none", NONE, 0)                                  \
    X(AUTHENTICATION, 1, "authentication", AUTHENTICATION, 0)    \
    X(PERMISSION, 2, "permission", PERMISSION, 0)                \
    X(NOT_FOUND, 3, "not_found", NOT_FOUND, 0)                   \
    X(INVALID_REQUEST, 4, "invalid_request", INVALID_REQUEST, 0) \
    X(CONTEXT_LENGTH, 5, "context_length", INVALID_REQUEST, 0)   \
    X(CONTENT_FILTER, 6, "content_filter", CONTENT_FILTER, 0)    \
    X(RATE_LIMIT, 7, "rate_limit", RATE_LIMIT, 0)                \
    X(QUOTA, 8, "quota", RATE_LIMIT, 0)                          \
    X(OVERLOADED, 9, "overloaded", SERVER_ERROR, 0)              \
    X(SERVER_ERROR, 10, "server_error", SERVER_ERROR, 0)         \
    X(TIMEOUT, 11, "timeout", TIMEOUT, 0)                        \
    X(CONNECTION, 12, "connection", TIMEOUT, 0)                  \
    X(PROTOCOL, 13, "protocol", SERVER_ERROR, 0)                 \
    X(CANCELLED, 14, "cancelled", CANCELLED, 0)                  \
    X(NO_PROVIDER, 15, "no_provider", INTERNAL, 1)               \
    X(NO_ROUTE, 16, "no_route", INTERNAL, 1)                     \
    X(UNSUPPORTED, 17, "unsupported", INTERNAL, 1)               \
    X(BUDGET, 18, "budget", INTERNAL, 1)                         \
    X(POLICY, 19, "policy", INTERNAL, 1)                         \
    X(INTERNAL, 20, "internal", INTERNAL, 1)

#define WEIR_CLASS_ENUM(id, number, name, family, local) WEIR_CLASS_##id = number,
enum { WEIR_CLASSES(WEIR_CLASS_ENUM) WEIR_CLASS_COUNT };
#undef WEIR_CLASS_ENUM

/*
 * How something failed, as data. Pushed in `error` events by provider parts, read by strategies,
 * dialects and filters. Strings are borrowed for the call.
 */
typedef struct weir_failure {
    uint32_t struct_size;
    uint16_t class_id;    /* WEIR_CLASS_* */
    uint16_t family;      /* WEIR_CLASS_* of the family; 0 = let the host fill it in */
    uint16_t http_status; /* what the upstream answered, or 0 if it did not */
    uint16_t local;       /* 1: raised here, no upstream was at fault */
    uint32_t zero;
    int64_t retry_after_us; /* how long to leave the target alone; -1 = not told */
    weir_str code;          /* the vendor's own code, e.g. "insufficient_quota"; may be empty */
    weir_str message;       /* for a person */
    weir_str param;         /* which field was at fault; may be empty */
} weir_failure;

/* Where [init] functions explain themselves. Allocated by the caller; `message` is terminated. */
typedef struct weir_error {
    uint32_t struct_size;
    weir_result result;
    char option[64];   /* the option at fault, or "" */
    char message[440]; /* what is wrong and what to do about it */
} weir_error;

/* Bits of weir_facts.needs and weir_child.can: what a request uses, what a target can do. */
#define WEIR_CAPABILITIES(X)               \
    X(STREAM, 0, "stream")                 \
    X(TOOLS, 1, "tools")                   \
    X(PARALLEL_TOOLS, 2, "parallel_tools") \
    X(IMAGES, 3, "images")                 \
    X(AUDIO, 4, "audio")                   \
    X(DOCUMENTS, 5, "documents")           \
    X(JSON_MODE, 6, "json_mode")           \
    X(JSON_SCHEMA, 7, "json_schema")       \
    X(REASONING, 8, "reasoning")           \
    X(LOGPROBS, 9, "logprobs")             \
    X(CHOICES, 10, "choices")              \
    X(SEED, 11, "seed")                    \
    X(PREFILL, 12, "prefill")              \
    X(EMBEDDINGS, 13, "embeddings")

#define WEIR_CAPABILITY_ENUM(id, bit, name) WEIR_CAN_##id = 1u << bit,
enum { WEIR_CAPABILITIES(WEIR_CAPABILITY_ENUM) };
#undef WEIR_CAPABILITY_ENUM

#ifdef __cplusplus
}
#endif

#endif
