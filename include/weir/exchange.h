/*
 * exchange.h - one request of an application, as parts see it.
 */
#ifndef WEIR_EXCHANGE_H
#define WEIR_EXCHANGE_H

#include <weir/base.h>
#include <weir/event.h>
#include <weir/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Operations: id, number, name. */
#define WEIR_OPS(X)                \
    X(CHAT, 0, "chat")             \
    X(EMBED, 1, "embed")           \
    X(MODELS, 2, "models")         \
    X(COUNT, 3, "count")           \
    X(FORWARD, 4, "forward")       \
    X(CREDENTIAL, 5, "credential") \
    X(PROBE, 6, "probe")

#define WEIR_OP_ENUM(id, number, name) WEIR_OP_##id = number,
enum { WEIR_OPS(WEIR_OP_ENUM) WEIR_OP_COUNT_ };
#undef WEIR_OP_ENUM

/* The bit of an operation in `ops` masks. */
#define WEIR_OP_BIT(op) (1u << (op))

/* Where an attempt goes. */
typedef struct weir_target {
    uint32_t struct_size;
    uint32_t zero;
    weir_str name;       /* provider/model, as configured */
    weir_str provider;   /* the provider's name in the configuration */
    weir_str base_url;   /* without a slash at its end */
    weir_str model;      /* what to ask the vendor for; empty for operations without one */
    weir_str credential; /* API key or access token; empty: none. Secret: only into the request */
    weir_str catalogue;  /* what is known of the model: a JSON object, or empty */
} weir_target;

struct weir_answer;

/*
 * What provider parts, dialects and filters are told. Valid as long as the exchange (target: the
 * attempt). `request` is canonical, or in the provider part's own API if `native` is set; it is
 * empty (count 0) for operations without a JSON body.
 */
typedef struct weir_exchange {
    uint32_t struct_size;
    uint8_t op;       /* WEIR_OP_* */
    uint8_t stream;   /* the application asked for a stream */
    uint8_t native;   /* `request` is in the provider part's own API */
    uint8_t foreign;  /* opaque state in the request is another provider's: leave it out, and say so
                         with `dropped` */
    uint32_t attempt; /* from 1; 0 outside an attempt */
    uint32_t zero2;
    weir_str id;      /* of the exchange, as in the log */
    weir_str dialect; /* id of the API that the application speaks */
    int64_t now_us;
    int64_t unix_us;
    uint64_t seed; /* random, fixed for the exchange */
    weir_arena arena;
    const weir_json *request;
    weir_str body;              /* the body as bytes (forward: as it came, maybe empty) */
    weir_str method;            /* of the application's request */
    weir_str path;              /* the same: path and query, from the slash on, without keys */
    const weir_header *headers; /* of the application's request */
    uint32_t header_count;
    uint32_t asked_usage; /* 1: the application itself asked for usage in the stream */
    weir_str asked_model; /* the model the application named; may be empty */
    const weir_target *target;
    const struct weir_answer *answer; /* in `end` of a dialect with WEIR_DIALECT_GATHERED: all that
                                         was streamed; else NULL */
    weir_arena keep; /* memory as long as the exchange in every call, for state that grows; what
                        `arena` gives while frames are read is gone behind the call */
} weir_exchange;

/* Facts about a request that routing may use. Filled by a dialect, completed by the core; what
 * nobody filled in is empty, 0 or -1. Strings are borrowed as long as the exchange. */
typedef struct weir_facts {
    uint32_t struct_size;
    uint8_t op;
    uint8_t stream;
    uint16_t zero;
    uint32_t needs;    /* WEIR_CAN_* */
    uint32_t messages; /* how many */
    weir_str model;    /* as asked for, undecoded aliases and all */
    weir_str provider; /* explicitly asked for; empty: none */
    weir_str tenant;
    weir_str user;    /* the end user the application names */
    weir_str session; /* what ties requests of one conversation together; empty: unknown */
    weir_str dialect;
    int64_t body_bytes;
    int64_t input_tokens;    /* estimate, see weir/canonical.md; -1: unknown */
    int64_t output_tokens;   /* the limit asked for; -1: none */
    uint64_t prefix_hash;    /* of what prompt caches key on; 0: not computed */
    weir_str text;           /* the last user message, decoded and bounded, for strategies that need
                                TEXT; else empty */
    const weir_header *tags; /* headers and tags that the configuration exposes; for strategies that
                                need METADATA also "metadata.NAME", the texts of that object in the
                                request */
    uint32_t tag_count;
    uint32_t asked_usage; /* see weir_exchange */
    weir_str all_text;    /* every message, a line between two, decoded and bounded, for strategies
                             that need ALL_TEXT; else empty */
    weir_str key;         /* the name of the application's key in the configuration */
} weir_facts;

#ifdef __cplusplus
}
#endif

#endif
