/*
 * decode.h - turns what the Gemini API answers into events.
 *
 * All state of an answer is in struct gem_decoder, which is zeroed at the start of an attempt and
 * holds no pointers.
 */
#ifndef WEIR_PLUGINS_GEMINI_DECODE_H
#define WEIR_PLUGINS_GEMINI_DECODE_H

#include <weir/provider.h>

enum {
    GEM_CHOICES = 16, /* the API's own limit is 8 */
    GEM_REASON_MAX = 48,
    GEM_PATH_MAX = 512, /* of an argument that is told in pieces */
    GEM_LEVELS = 32,    /* how deep such an argument may lie */
    GEM_CLOSED = 64,    /* names in such arguments that must not come again */
};

/* How ids of calls begin that came without one. The API never sees them: it did not make them. */
#define GEM_MADE_ID "gcall_"

/* One candidate of the answer. */
struct gem_choice {
    int32_t open; /* number of the open block, if `kind` is set */
    int32_t next; /* number of the next block */
    uint8_t kind; /* of the open block; 0: none is open */
    uint8_t seen;
    uint8_t ended;  /* a finish reason came */
    uint8_t called; /* it has function calls */
    uint16_t reason;
    uint8_t raw_len;
    uint8_t zero;
    char raw[GEM_REASON_MAX]; /* the vendor's word for it */
};

/* A function call whose arguments come in pieces, each with the path it belongs to. There is one at
 * a time. */
struct gem_partial {
    uint8_t active;
    uint8_t in_string; /* the last value is a string that goes on */
    uint8_t levels;    /* steps of `path` */
    uint8_t closed_count;
    uint16_t choice;
    uint16_t path_len;
    uint16_t end[GEM_LEVELS];    /* where each step ends in `path` */
    char path[GEM_PATH_MAX];     /* of the last value, "$.a[0].b" */
    uint32_t closed[GEM_CLOSED]; /* hashes of paths that must not come again */
};

struct gem_decoder {
    int64_t retry_after_us; /* from the head; -1: not told */
    uint16_t status;
    uint8_t framing; /* WEIR_FRAME_* */
    uint8_t started; /* `start` was emitted */
    uint8_t over;    /* finish or document was emitted */
    uint8_t failed;  /* an error was */
    uint16_t choice_count;
    uint32_t calls; /* that came without an id; their number makes one */
    uint32_t zero;
    struct gem_choice choice[GEM_CHOICES];
    struct gem_partial partial;
};

/* The head came; returns the framing. */
weir_result gem_decode_head(struct gem_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out);

/* One frame; returns WEIR_RELAY or WEIR_HIDE. */
weir_result gem_decode_frame(struct gem_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out);

/* -- Between the files of the decoder --------------------------------------------------------- */

/* The place in a document where it is read. */
struct gem_reading {
    struct gem_decoder *d;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_events *out;
    int32_t number;            /* of the candidate being read */
    struct gem_choice *choice; /* the same */
};

/* One GenerateContentResponse, whole or a chunk: `start` if it is the first, parts, usage. */
weir_result gem_decode_response(struct gem_reading *r);
/* Blocks closed and every candidate finished; what came is known to be all. */
weir_result gem_decode_finish(struct gem_reading *r);

/* One part of a candidate's content. */
weir_result gem_decode_part(struct gem_reading *r, uint32_t part);
/* Makes sure that a block of that kind is open, and closes another one. */
weir_result gem_block_open(struct gem_reading *r, uint16_t kind, weir_str id, weir_str name,
                           weir_str extra);
/* Closes the open block, if there is one. `extra` may be empty. */
weir_result gem_block_close(struct gem_reading *r, weir_str extra);
weir_result gem_block_delta(struct gem_reading *r, weir_text text, weir_str extra);
/* A value as it stands there, but without line ends: it may have to go into an event of a stream.
 */
weir_str gem_flat(const struct gem_reading *r, uint32_t value);
/* A signature was seen: it is only of use where it came from. */
weir_result gem_emit_owned(const weir_events *out, weir_text value);

/* A functionCall, whole or a piece of one. `signature` is that of its part, or NONE. */
weir_result gem_decode_call(struct gem_reading *r, uint32_t call, uint32_t signature);
/* A call that came in pieces ends here. */
weir_result gem_partial_end(struct gem_reading *r, weir_str extra);

/* `groundingMetadata` and `citationMetadata` of a candidate as annotations; empty: there are none
 * to tell. */
weir_result gem_annotations(struct gem_reading *r, uint32_t candidate, weir_str *extra);

/* A `usageMetadata` object as cumulative numbers; false if it holds none. */
bool gem_usage_read(const weir_json *doc, uint32_t usage, weir_usage *out);

/* Embeddings, models and counts as canonical documents. */
weir_result gem_decode_document(struct gem_decoder *d, const weir_exchange *x, const weir_json *doc,
                                const weir_events *out);

/* The error object of a document, wherever it stands; NONE: it reports none. */
uint32_t gem_error_find(const weir_json *doc);
/* Emits the error that a body, or an `error` inside a good answer, stands for. `json` may be
 * NULL. */
weir_result gem_emit_error(struct gem_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out);
weir_result gem_emit_protocol(struct gem_decoder *d, const char *message, const weir_events *out);
/* The prompt was refused: promptFeedback. */
weir_result gem_emit_blocked(struct gem_reading *r, uint32_t feedback);
/* A candidate ended in a way that left no answer. */
weir_result gem_emit_no_answer(struct gem_decoder *d, weir_str reason, weir_str message,
                               const weir_events *out);

#endif
