/*
 * event.h - an answer, as a stream of events.
 *
 * Provider parts emit them, filters see and change them, dialects write them. The core keeps the
 * order honest: `start` before content, blocks opened before their deltas and closed before
 * `finish`, `finish` once per choice, nothing after `error`. What only the provider part can know
 * is its duty: `usage` before `finish`, and `finish` only after the vendor's own terminal signal.
 *
 * The lists may grow. A part ignores a type or kind it does not know.
 */
#ifndef WEIR_EVENT_H
#define WEIR_EVENT_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which members of weir_event a type uses, besides `extra`, which any may carry. */
enum {
    WEIR_EVENT_START = 1,       /* id: of the answer; name: model as the vendor names it */
    WEIR_EVENT_BLOCK_START = 2, /* choice, block, kind; tool_call: id and name */
    WEIR_EVENT_DELTA = 3,       /* choice, block, kind, text (tool_call: argument bytes) */
    WEIR_EVENT_BLOCK_END = 4,   /* choice, block, kind */
    WEIR_EVENT_DOCUMENT = 5,    /* text: one canonical JSON document (embed, models, count) */
    WEIR_EVENT_USAGE = 6,       /* usage; a later report replaces the fields it names */
    WEIR_EVENT_RATE = 7,        /* rate: the vendor's limit headers, parsed */
    WEIR_EVENT_FINISH = 8,      /* choice, reason; name: the vendor's own word for it */
    WEIR_EVENT_ERROR = 9,       /* failure; ends the attempt */
    WEIR_EVENT_WARNING = 10,    /* id: JSON pointer or topic; text: what was dropped or odd */
    WEIR_EVENT_CREDENTIAL = 11, /* text: the credential; at_us: unix time it expires, 0 = never */
    WEIR_EVENT_OWNED = 12, /* text: an id, signature or ciphertext in this answer that only this
                              provider can read when it comes back. Reported when passed through
                              as well; the core keeps a hash of it */
};

/* Kinds of block: id, number, name in canonical JSON. */
#define WEIR_BLOCK_KINDS(X)          \
    X(TEXT, 1, "text")               \
    X(REASONING, 2, "reasoning")     \
    X(TOOL_CALL, 3, "tool_call")     \
    X(REFUSAL, 4, "refusal")         \
    X(AUDIO, 5, "audio")             \
    X(IMAGE, 6, "image")             \
    X(CITATION, 7, "citation")       \
    X(SERVER_TOOL, 8, "server_tool") \
    X(OPAQUE, 9, "opaque")

#define WEIR_BLOCK_ENUM(id, number, name) WEIR_BLOCK_##id = number,
enum { WEIR_BLOCK_KINDS(WEIR_BLOCK_ENUM) };
#undef WEIR_BLOCK_ENUM

/* Why a choice ended: id, number, name. */
#define WEIR_FINISH_REASONS(X)             \
    X(UNKNOWN, 0, "unknown")               \
    X(STOP, 1, "stop")                     \
    X(LENGTH, 2, "length")                 \
    X(TOOL_CALLS, 3, "tool_calls")         \
    X(CONTENT_FILTER, 4, "content_filter") \
    X(STOP_SEQUENCE, 5, "stop_sequence")   \
    X(REFUSAL, 6, "refusal")               \
    X(FUNCTION_CALL, 7, "function_call")   \
    X(PAUSE, 8, "pause")

#define WEIR_FINISH_ENUM(id, number, name) WEIR_FINISH_##id = number,
enum { WEIR_FINISH_REASONS(WEIR_FINISH_ENUM) };
#undef WEIR_FINISH_ENUM

/*
 * Tokens, cumulative. -1: not reported. What the totals include is fixed: `input_total` is
 * uncached + cache_read + cache_write; `output_total` is text + reasoning.
 */
typedef struct weir_usage {
    uint32_t struct_size;
    uint32_t zero;
    int64_t input_total;
    int64_t input_uncached;
    int64_t input_cache_read;
    int64_t input_cache_write;
    int64_t input_cache_write_1h;
    int64_t input_audio;
    int64_t input_image;
    int64_t output_total;
    int64_t output_text;
    int64_t output_reasoning;
    int64_t output_audio;
    int64_t output_image;
} weir_usage;

/* What a vendor says about its limits. -1: not told. Reset times are durations from now. */
typedef struct weir_rate {
    uint32_t struct_size;
    uint32_t zero;
    int64_t requests_limit;
    int64_t requests_left;
    int64_t requests_reset_us;
    int64_t tokens_limit;
    int64_t tokens_left;
    int64_t tokens_reset_us;
} weir_rate;

typedef struct weir_event {
    uint32_t struct_size;
    uint16_t type;   /* WEIR_EVENT_* */
    uint16_t kind;   /* WEIR_BLOCK_* */
    uint16_t reason; /* WEIR_FINISH_* */
    uint16_t zero;
    int32_t choice; /* from 0 */
    int32_t block;  /* the emitter's own number for the block, unique in its choice */
    weir_text text;
    weir_str id;
    weir_str name;
    weir_str extra; /* raw JSON members, without the braces: logprobs, signatures, vendor fields */
    const weir_usage *usage;
    const weir_rate *rate;
    const weir_failure *failure;
    int64_t at_us; /* when it came; filled in by the core */
} weir_event;

/*
 * Where events go. [any] Negative: stop and return it. Strings are borrowed for the call.
 */
typedef struct weir_events {
    void *ctx;
    weir_result (*emit)(void *ctx, const weir_event *event);
} weir_events;

#ifdef __cplusplus
}
#endif

#endif
