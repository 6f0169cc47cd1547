/*
 * decode.h - turns what servers of the Messages API answer into events.
 *
 * All state of an answer is in struct ant_decoder, which is zeroed at the start of an attempt and
 * holds no pointers.
 */
#ifndef WEIR_PLUGINS_ANTHROPIC_DECODE_H
#define WEIR_PLUGINS_ANTHROPIC_DECODE_H

#include <weir/provider.h>
#include <weir/sdk/check.h>

enum {
    ANT_HELD_MAX = 24 * 1024,
    ANT_WORD_MAX = 48,
};

/* The tool that stands for an answer in a schema, where the model has no other way. */
#define ANT_SCHEMA_TOOL_NAME "json_answer"

/* What the open block takes. */
enum {
    ANT_OPEN_NONE = 0,
    ANT_OPEN_TEXT = 1,
    ANT_OPEN_THINKING = 2,
    ANT_OPEN_CALL = 3,       /* fragments of the arguments */
    ANT_OPEN_SERVER = 4,     /* fragments of a server tool's input, put together in `held` */
    ANT_OPEN_COMPACTION = 5, /* one delta with all of it */
    ANT_OPEN_ENDED = 6,      /* its end was told: it only waits for its stop */
    ANT_OPEN_ANSWER = 7,     /* a call that is the answer itself, see ANT_SCHEMA_TOOL_NAME */
};

/* Token counts as Anthropic tells them; -1: not told. */
struct ant_counts {
    int64_t input; /* without what the cache had or took */
    int64_t cache_read;
    int64_t cache_write;
    int64_t cache_write_1h;
    int64_t output;
    int64_t thinking;
};

struct ant_decoder {
    int64_t retry_after_us; /* from the head; -1: not told */
    struct ant_counts counts;
    uint16_t status;
    uint8_t whole;       /* the body is one document, not a stream */
    uint8_t started;     /* `start` was emitted */
    uint8_t over;        /* finish or document was emitted */
    uint8_t failed;      /* an error was */
    uint8_t ended;       /* the reason for the end came */
    uint8_t incomplete;  /* a tool's input broke off: only a limit on the length explains it */
    uint8_t open;        /* ANT_OPEN_* */
    uint8_t given;       /* the open block came with its input */
    uint8_t lost;        /* `held` had no room */
    uint8_t schema_tool; /* a call of ANT_SCHEMA_TOOL_NAME is the answer itself */
    uint8_t answered;    /* it was called */
    uint8_t word_len;
    uint16_t reason; /* WEIR_FINISH_* */
    int32_t next;    /* index of the next block; the open one is the one before */
    uint32_t held_len;
    uint32_t held_cap;
    weir_json_check input;   /* of the open block */
    char word[ANT_WORD_MAX]; /* the vendor's word for the reason */
    char *held; /* a server tool being called; behind the blocks, extra of the finish */
};

/* The head came; returns the framing. Emits `rate`. */
weir_result ant_decode_head(struct ant_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out);

/* One frame; returns WEIR_RELAY or WEIR_HIDE. */
weir_result ant_decode_frame(struct ant_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out);

/* -- Between the files of the decoder --------------------------------------------------------- */

/* The document that is being read. */
struct ant_reading {
    struct ant_decoder *d;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_events *out;
};

/* A whole message, from its start to its finish. */
weir_result ant_decode_message(struct ant_reading *r);
/* One event of a stream. */
weir_result ant_decode_event(struct ant_reading *r);

/* A block of the content, from a stream's start of it or from a whole message. */
weir_result ant_block_begin(struct ant_reading *r, uint32_t block);
weir_result ant_block_delta(struct ant_reading *r, uint32_t delta);
weir_result ant_block_end(struct ant_reading *r);
/* Puts `bytes` behind what is held. False: there is no room for so much, and nothing was added. */
bool ant_hold(struct ant_reading *r, weir_str bytes);

/* Reads what a `usage` object tells into d->counts. */
void ant_usage_read(struct ant_reading *r, uint32_t usage, bool with_output);
/* Tells them. */
weir_result ant_usage_emit(struct ant_reading *r);
/* The reason for the end, and what is told with it; kept until the message stops. `at`: the object
 * with stop_reason; `beside`: the one with context_management. */
weir_result ant_end_read(struct ant_reading *r, uint32_t at, uint32_t beside, uint32_t usage);
weir_result ant_end_emit(struct ant_reading *r);

/* A list of models, as canonical document. */
weir_result ant_decode_models(struct ant_reading *r);
/* The answer to count_tokens, the same. */
weir_result ant_decode_count(struct ant_reading *r);

/* Tells that this provider alone can read these members of a value, wherever they are in it. */
weir_result ant_owned_emit(struct ant_reading *r, uint32_t value);
weir_result ant_owned_string(struct ant_reading *r, uint32_t string);

/* Emits the error that a body, or an error event, stands for. `json` may be NULL. */
weir_result ant_emit_error(struct ant_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out);
weir_result ant_emit_protocol(struct ant_decoder *d, const char *message, const weir_events *out);
/* Whether a document reports an error. */
bool ant_is_error(const weir_json *doc);

#endif
