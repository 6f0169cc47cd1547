/*
 * responses.h - between the files that speak the Responses API: provider part and dialect.
 */
#ifndef WEIR_PLUGINS_OPENAI_RESPONSES_H
#define WEIR_PLUGINS_OPENAI_RESPONSES_H

#include "openai.h"

/* What this API calls itself in canonical requests: in `vendor`, and as `api`. */
#define RESP_API "openai_responses"
/* Id of the dialect. */
#define RESP_DIALECT "openai.responses"

/* -- Provider part ---------------------------------------------------------------------------- */

/* Whether this provider has the API; see the option `responses`. */
bool resp_spoken(const struct oai_config *cfg);
/* Whether an attempt goes to the Responses API; the same for every call of it. */
bool resp_is_used(const struct oai_config *cfg, const weir_exchange *x);
/* The body of a chat or count request. */
weir_result resp_write_body(const weir_exchange *x, const weir_http_sink *out);

enum {
    RESP_ITEMS = 48, /* items open at once */
    RESP_PARTS = 64, /* texts open at once, over all items */
};

/* An item that was added and is not done. */
struct resp_item {
    int64_t index; /* output_index */
    int32_t block; /* its open block; -1: none */
    uint16_t kind; /* WEIR_BLOCK_* of the block it becomes; 0: a message, each part for itself */
    uint16_t zero;
    int64_t parts[2]; /* parts below this number have begun; [1]: of the summary */
};

/* A text that comes in pieces, to be compared with the whole. */
struct resp_part {
    int64_t item;   /* output_index */
    int64_t number; /* content_index or summary_index */
    uint64_t hash;
    uint64_t len;
    int32_t block;      /* -1: nobody reads it */
    uint16_t annotated; /* annotations that have been told */
    uint8_t what;       /* RESP_TEXT, ... */
    uint8_t zero;
};

struct resp_decoder {
    int64_t retry_after_us;
    int64_t sequence; /* of the last event, plus 1; 0: none was numbered */
    int64_t outputs;  /* the highest output_index of an item so far, plus 1 */
    uint16_t status;
    uint8_t whole;
    uint8_t started;
    uint8_t over;
    uint8_t failed;
    uint8_t called; /* tools of the application were called */
    uint8_t zero;
    int32_t next;   /* number of the next block */
    int32_t audio;  /* number of the open audio block, plus 1 */
    uint32_t items; /* that came */
    uint16_t item_count;
    uint16_t part_count;
    struct resp_item *item; /* RESP_ITEMS of them, in memory that stays */
    struct resp_part *part; /* RESP_PARTS of them, the same */
};

weir_result resp_decode_head(struct resp_decoder *d, const weir_exchange *x,
                             const weir_response_head *head, const weir_events *out);
weir_result resp_decode_frame(const struct oai_config *cfg, struct resp_decoder *d,
                              const weir_exchange *x, const weir_frame *frame,
                              const weir_events *out);

/* -- Between the files of the decoder --------------------------------------------------------- */

/* A document that is being read. */
struct resp_reading {
    const struct oai_config *cfg;
    struct resp_decoder *d;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_events *out;
};

/* Which of an item's texts a part is. */
enum {
    RESP_TEXT = 1,
    RESP_REFUSAL = 2,
    RESP_REASONING = 3,
    RESP_SUMMARY = 4,
    RESP_ARGUMENTS = 5, /* of functions, custom tools, MCP; code */
};

weir_result resp_protocol(struct resp_reading *r, const char *message);
/* An id, signature or ciphertext that only this provider can read. */
weir_result resp_owned(struct resp_reading *r, uint32_t value);
int32_t resp_block_open(struct resp_reading *r, uint16_t kind, weir_str id, weir_str name,
                        weir_str extra, weir_result *result);

/* An item that has not been seen before, with all that is in it. */
weir_result resp_item_whole(struct resp_reading *r, uint32_t item);
weir_result resp_item_added(struct resp_reading *r);
weir_result resp_item_done(struct resp_reading *r);
/* The item that an event is about; NULL: none such is open. */
struct resp_item *resp_item_find(struct resp_reading *r);
/* Opens the block of a reasoning item, or divides its texts. */
weir_result resp_thought_open(struct resp_reading *r, struct resp_item *item, uint32_t id);

/* Texts in pieces. `whole` is the token of the text when it is complete. */
struct resp_part *resp_part_find(struct resp_decoder *d, int64_t item, int64_t number,
                                 uint8_t what);
weir_result resp_part_added(struct resp_reading *r, const char *index);
weir_result resp_part_done(struct resp_reading *r, const char *index);
weir_result resp_text_delta(struct resp_reading *r, uint8_t what, const char *index);
weir_result resp_text_done(struct resp_reading *r, uint8_t what, const char *index,
                           const char *member);
weir_result resp_text_whole(struct resp_reading *r, struct resp_part *part, uint32_t whole);
weir_result resp_text_end(struct resp_reading *r, struct resp_part *part, uint32_t content);
struct resp_part *resp_part_begin(struct resp_reading *r, struct resp_item *item, int64_t number,
                                  uint8_t what, weir_result *result);
void resp_part_forget(struct resp_decoder *d, struct resp_part *part);
weir_result resp_annotation(struct resp_reading *r);
/* Items that are open are told by the whole output: some of them get no event of their own when
 * they are done (lists of MCP tools). */
weir_result resp_items_end(struct resp_reading *r, uint32_t output);
/* Blocks that are open when the answer ends before its items do. */
weir_result resp_close_all(struct resp_reading *r);
/* A `usage` object; false if it holds none. */
bool resp_usage_read(const weir_json *doc, uint32_t usage, weir_usage *out);

/* -- What both directions write --------------------------------------------------------------- */

/* One annotation in the form of Chat Completions, which has its members under its type. */
void resp_write_annotation(weir_writer *w, const weir_json *doc, uint32_t annotation);

/* A request that is being written in this API's form. */
struct resp_encode {
    const weir_exchange *x;
    const weir_json *doc;      /* canonical */
    const weir_http_sink *out; /* NULL: what is left out is not told (it was before) */
    weir_writer *w;
    uint32_t message;
    uint32_t number; /* of the message */
    bool custom;     /* some earlier call is to a custom tool */
};

/* vendor.openai_responses of an object; NONE if it has none. */
uint32_t resp_vendor(const weir_json *doc, uint32_t object);
/* Members under vendor.openai_responses of `object`, but for `item`. */
void resp_merge(weir_writer *w, const weir_json *doc, uint32_t object);
/* What was left out: /<list>/<number>/<what>. */
weir_result resp_dropped(const struct resp_encode *r, const char *list, uint32_t number,
                         const char *what, const char *why);
/* `input`, and `instructions` if the first message is one. */
weir_result resp_write_input(struct resp_encode *r);
/* The items of a message of the assistant. */
weir_result resp_write_said(struct resp_encode *r);
/* Tells that `what` of the message at hand was left out, or a part that only another API has. */
weir_result resp_input_dropped(const struct resp_encode *r, const char *what, const char *why);
weir_result resp_input_foreign(const struct resp_encode *r, uint32_t part);
weir_result resp_write_tools(struct resp_encode *r);
weir_result resp_write_tool_choice(struct resp_encode *r);
void resp_write_text_config(struct resp_encode *r);
void resp_write_reasoning(struct resp_encode *r);

/* -- Dialect ---------------------------------------------------------------------------------- */

extern const weir_dialect_v1 resp_dialect;

/* What is known of the answer as a whole. */
struct resp_answer {
    weir_str id;
    weir_str model;
    int64_t created;
    const char *status;
    const weir_answer *answer;   /* NULL: nothing has come yet */
    const weir_failure *failure; /* NULL: it has not failed */
};

enum {
    RESP_ID_MAX = 160,
    RESP_OPEN = 128, /* blocks open at once, as many as the core lets be open */
};

/* State of a stream that is being written. */
struct resp_encoder {
    int64_t created;
    uint32_t sequence;
    uint32_t outputs; /* items begun */
    uint32_t named;   /* item that has an id of its own, plus 1: the one in `item_id` */
    uint16_t id_len;
    uint16_t model_len;
    uint16_t item_id_len;
    uint16_t open_count;
    struct {
        int32_t block;
        uint32_t output;
        uint32_t annotations;
        uint8_t custom;
        uint8_t part; /* a part of it was begun */
        uint16_t zero;
    } open[RESP_OPEN];
    char id[RESP_ID_MAX];
    char model[OAI_MODEL_MAX];
    char item_id[RESP_ID_MAX];
};

/* An id made up for a place of the exchange: always the same. 32 digits behind the prefix. */
weir_str resp_make_id(char buf[48], const char *prefix, const weir_exchange *x, uint32_t place);
/* An item of the output. `id` is for those that have none of their own. False: this API has no such
 * item. `text` false: as it begins. */
bool resp_write_item(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                     const weir_block *block, weir_str id, bool whole);
/* The part of a message's item. */
void resp_write_part(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                     const weir_block *block, bool whole);
/* Whether a kind becomes an item whatever is in it. */
const char *resp_item_prefix(uint16_t kind, bool custom);
/* The id that a block brings along, in the arena; empty: none. */
weir_str resp_block_id(const weir_dialect_config *cfg, const weir_exchange *x, weir_str extra);
/* An annotation in this API's form. */
void resp_write_flat(weir_writer *w, const weir_json *doc, uint32_t annotation);
/* The response object, with what was asked for. */
void resp_write_response(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                         const struct resp_answer *a);
const char *resp_status(const weir_answer *answer);
weir_str resp_answer_id(const weir_exchange *x, weir_str id, char buf[48]);

weir_result resp_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                              const weir_reply_sink *out);
weir_result resp_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_reply_sink *out);
weir_result resp_stream_end(void *cfg, void *st, const weir_exchange *x,
                            const weir_reply_sink *out);
weir_result resp_write_failure(void *cfg, void *st, const weir_exchange *x,
                               const weir_failure *failure, const weir_reply_sink *out);

/* `forward`: the body need not be JSON, and names little. */
weir_result resp_read_forward(const weir_dialect_config *cfg, const weir_ingress *in,
                              const weir_request_sink *out);
weir_result resp_read(const weir_ingress *in, uint8_t op, const weir_request_sink *out);
weir_result resp_translate(void *cfg, const weir_ingress *in, const weir_request_sink *out);
/* `messages`: instructions and input. */
weir_result resp_translate_input(weir_writer *w, const weir_json *doc);
void resp_translate_tools(weir_writer *w, const weir_json *doc, uint32_t tools);
/* False: it has no canonical form. */
bool resp_translate_tool_choice(weir_writer *w, const weir_json *doc, uint32_t choice);

#endif
