/*
 * decode.h - turns what servers of the OpenAI API answer into events. Shared by every part whose
 * vendor speaks it, the simulator included.
 *
 * All state of an answer is in struct oai_decoder, which is zeroed at the start of an attempt and
 * holds no pointers.
 */
#ifndef WEIR_PLUGINS_OPENAI_DECODE_H
#define WEIR_PLUGINS_OPENAI_DECODE_H

#include <weir/provider.h>

enum {
    OAI_CHOICES = 128, /* the API's own limit for n */
    OAI_CALLS = 96,    /* tool calls in one answer, over all choices */
    OAI_REASON_MAX = 23,
    OAI_WORDS = 8, /* different ones in one answer; further ones are not told */
    OAI_ID_MAX = 64,
};

/* One choice of the answer. */
struct oai_choice {
    int32_t open; /* number of the open block, if `kind` is set */
    int32_t next; /* number of the next block */
    uint8_t kind; /* of the open block; 0: none is open */
    uint8_t seen;
    uint8_t ended;  /* a finish reason came */
    uint8_t called; /* it has tool calls */
    uint16_t reason;
    uint16_t word; /* the vendor's word for it: number in oai_decoder.words, from 1; 0: none */
};

/* A vendor's word for a reason. Choices share them: the state of an answer is zeroed each time, and
 * is kept small. */
struct oai_word {
    uint8_t len;
    char text[OAI_REASON_MAX];
};

/* One tool call that was begun. */
struct oai_call {
    int32_t index; /* as the vendor counts; -1: it does not */
    int32_t block;
    uint32_t id_hash; /* 0: it came without an id */
    uint16_t choice;
    uint16_t zero;
};

struct oai_decoder {
    int64_t retry_after_us; /* from the head; -1: not told */
    uint16_t status;
    uint8_t whole;   /* the body is one document, not a stream */
    uint8_t started; /* `start` was emitted */
    uint8_t over;    /* finish or document was emitted */
    uint8_t failed;  /* an error was */
    uint16_t choice_count;
    uint16_t call_count;
    uint16_t call_last; /* index + 1 of the call that had the last fragment */
    /* A call whose id came before its name. */
    uint8_t pending;
    uint8_t pending_len;
    uint16_t pending_choice;
    int32_t pending_index;
    char pending_id[OAI_ID_MAX];
    /* Where the chunk before was one more piece of text and nothing else: the token it stood in.
     * A frame that is alike is no more than that either. 0: it was not. */
    uint32_t text_token;
    uint32_t noise_token; /* a member that nobody reads: it may change as well; 0: none */
    uint16_t text_choice;
    uint16_t zero;
    struct oai_word words[OAI_WORDS];
    struct oai_choice first;   /* nearly always the only one */
    struct oai_choice *others; /* OAI_CHOICES - 1 of them, in memory that stays; NULL: none came */
    struct oai_call *call;     /* OAI_CALLS of them, the same; NULL: none was begun */
};

static inline struct oai_choice *oai_choice(struct oai_decoder *d, int32_t number)
{
    return number ? &d->others[number - 1] : &d->first;
}

/* The head came; returns the framing. Emits `rate`. */
weir_result oai_decode_head(struct oai_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out);

/* One frame; returns WEIR_RELAY or WEIR_HIDE. `forced_usage`: the usage in the stream was asked for
 * by us and not by the application, so a chunk that holds nothing else is hidden. */
weir_result oai_decode_frame(struct oai_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             bool forced_usage, const weir_events *out);

/* Extra of a call to a tool that takes free text instead of JSON ("custom" tools). */
#define OAI_CUSTOM "\"type\":\"custom\""

/* -- Between the files of the decoder --------------------------------------------------------- */

/* What a chunk and a whole answer have in common: the place in the document where it is read. */
struct oai_reading {
    struct oai_decoder *d;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_events *out;
    int32_t number;            /* of the choice being read */
    struct oai_choice *choice; /* the same */
    weir_str extra;            /* a member nobody knows, waiting for the next delta */
    weir_str open_extra;       /* what the next block starts with */
    uint32_t text;             /* token of the piece of text; 0: none was told */
    bool plain;                /* nothing but one piece of text was told so far */
};

/* Chat: `start` if it is the first, then every choice and usage. */
weir_result oai_decode_chunk(struct oai_reading *r);
/* The same for a frame that is alike: true, with the result, if it is one more piece of text. */
bool oai_decode_again(struct oai_decoder *d, const weir_frame *frame, const weir_events *out,
                      weir_result *result);
/* Chat: blocks closed and every choice finished; what came is known to be all. */
weir_result oai_decode_finish(struct oai_reading *r);

/* Whether a member is not there, null, or of one of these types (bits 1 << WEIR_JSON_...). */
bool oai_is_or_null(const weir_json *doc, uint32_t value, unsigned types);

#define OAI_AFTER_END "the answer goes on after its finish_reason"

/* Makes sure that a block of that kind is open, and closes another one. */
weir_result oai_block_open(struct oai_reading *r, uint16_t kind, weir_str id, weir_str name);
weir_result oai_block_close(struct oai_reading *r);
/* A delta of the open block, with `extra` if one waits. */
weir_result oai_block_delta(struct oai_reading *r, weir_text text);

/* A `tool_calls` array or one legacy `function_call` object. */
weir_result oai_decode_calls(struct oai_reading *r, uint32_t list);
weir_result oai_decode_function(struct oai_reading *r, uint32_t function);
/* Ends the blocks of all calls: until then, arguments may come for any of them. */
weir_result oai_calls_end(struct oai_reading *r);

/* A call was begun and never named. */
bool oai_calls_pending(const struct oai_decoder *d);

/* A `usage` object as cumulative numbers; false if it holds none. */
bool oai_usage_read(const weir_json *doc, uint32_t usage, weir_usage *out);

/* Emits the error that a body, or an `error` inside a good answer, stands for. `json` may be
 * NULL. */
weir_result oai_emit_error(struct oai_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out);
weir_result oai_emit_protocol(struct oai_decoder *d, const char *message, const weir_events *out);
/* Whether a document reports an error. */
bool oai_is_error(const weir_json *doc);

#endif
