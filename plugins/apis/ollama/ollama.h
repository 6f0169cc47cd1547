/*
 * ollama.h - between the files of the ollama plugin: what provider part and dialect share.
 */
#ifndef WEIR_PLUGINS_OLLAMA_H
#define WEIR_PLUGINS_OLLAMA_H

#include <weir/provider.h>
#include <weir/sdk/dialect.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

#define OLM_DIALECT "ollama.chat"

/* The endpoints that differ in what they take or answer. */
enum {
    OLM_OTHER = 0,
    OLM_CHAT,
    OLM_GENERATE,
    OLM_EMBED,
    OLM_EMBEDDINGS, /* the old one, for a single text */
    OLM_TAGS,
    OLM_SHOW,
};

/* Which of them a path is of; what is behind a '?' does not count. */
unsigned olm_endpoint(weir_str path);

/* -- Provider part ---------------------------------------------------------------------------- */

/* The options of a provider, see options.h. */
struct olm_config {
    const weir_json_service *json; /* NULL: the host has none */
    char *keep_alive;
    int64_t num_ctx; /* 0: not set */
};

extern const weir_provider_v1 olm_provider;

/* A canonical request on its way to being one of Ollama's. */
struct olm_encoding {
    const struct olm_config *cfg;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_http_sink *out;
    weir_writer w;
    uint32_t vendor;   /* `vendor.ollama` of the request, or NONE */
    unsigned endpoint; /* OLM_CHAT, OLM_GENERATE, OLM_EMBED, OLM_EMBEDDINGS */
};

/* The endpoint that answers in the form the application may be relayed. */
unsigned olm_target_endpoint(const weir_exchange *x);

/* The body of a chat or embeddings request: canonical, or the application's own. */
weir_result olm_write_body(const struct olm_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out);

/* Tells that the value at /PART/PART/... was left out. `parts` are not escaped yet. */
weir_result olm_dropped(const struct olm_encoding *n, const char *why, const weir_str *parts,
                        size_t count);
/* The same for a member of the request. */
weir_result olm_dropped_top(const struct olm_encoding *n, const char *key, const char *why);
/* null, false, "", {} and [] ask for nothing. */
bool olm_says_nothing(const weir_json *doc, uint32_t value);
/* Tells of what an object, at /WHERE/WHERE/..., says in other APIs' words. */
weir_result olm_drop_vendors_at(const struct olm_encoding *n, uint32_t object,
                                const weir_str *where, size_t count);
/* The members of `vendor.ollama` of a message or tool; those of other APIs are told as dropped. */
weir_result olm_write_vendor(struct olm_encoding *n, uint32_t object, const weir_str *where,
                             size_t count);

enum { OLM_CALLERS = 8 };

/* A message that is being written. */
struct olm_message {
    struct olm_encoding *n;
    uint32_t message;
    uint32_t images; /* written so far */
    weir_str number; /* of the message */
    /* The last messages that called tools, for results that tell nothing but the call's id. */
    uint32_t callers[OLM_CALLERS];
    uint32_t caller_count;
    char digits[WEIR_NUMBER_ROOM];
};

void olm_message_at(struct olm_message *r, uint32_t message, uint32_t index);
/* All text of two kinds of block, without quotes. */
void olm_append_text(const struct olm_message *r, uint16_t kind, uint16_t other);
/* Goes on with `images`, which begins with the first one; other media are told as dropped. */
weir_result olm_append_images(struct olm_message *r);
void olm_end_images(struct olm_message *r);
/* Tells of members of parts that Ollama has no place for. */
weir_result olm_drop_part_members(const struct olm_message *r);

/* `messages` of a chat. */
weir_result olm_write_messages(struct olm_encoding *n);
/* `system`, `prompt` and `images` of generate. */
weir_result olm_write_prompt(struct olm_encoding *n);
weir_result olm_write_tools(struct olm_encoding *n);
/* `options`, `format`, `think`, `keep_alive`. */
weir_result olm_write_options(struct olm_encoding *n);

/* What is known of an answer that is being read. */
struct olm_decoder {
    int64_t retry_after_us; /* from the head; -1: not told */
    int32_t open;           /* number of the open block, if `kind` is set */
    int32_t next;           /* number of the next one */
    uint32_t calls;         /* tool calls so far */
    uint16_t status;
    uint8_t kind;    /* of the open block; 0: none is open */
    uint8_t lines;   /* the body is a stream */
    uint8_t started; /* `start` was emitted */
    uint8_t over;    /* finish or document was emitted */
    uint8_t failed;  /* an error was */
    uint8_t zero[5];
};

/* The head came; returns the framing. Emits `rate`. */
weir_result olm_decode_head(struct olm_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out);
/* One frame; returns WEIR_RELAY or WEIR_HIDE. */
weir_result olm_decode_frame(struct olm_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out);

/* One object of a stream, or a whole answer, of chat or generate. */
weir_result olm_decode_chat(struct olm_decoder *d, const weir_exchange *x, const weir_json *doc,
                            const weir_events *out);
/* Embeddings, a list of models, or what is known of one. */
weir_result olm_decode_document(struct olm_decoder *d, const weir_exchange *x, const weir_json *doc,
                                const weir_events *out);
/* Whether an object reports an error. */
bool olm_is_error(const weir_json *doc);
/* Emits the error that a body or a line stands for. `json` may be NULL. */
weir_result olm_emit_error(struct olm_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out);
weir_result olm_emit_protocol(struct olm_decoder *d, const char *message, const weir_events *out);

/* An array of numbers without white space, as tokens of a conversation are named on both sides. */
weir_str olm_compact(const weir_arena *arena, weir_str json);

/* -- Dialect ---------------------------------------------------------------------------------- */

extern const weir_dialect_v1 olm_dialect;

/* Content type of what is no stream. */
#define OLM_JSON "application/json; charset=utf-8"

/* A request as the dialect reads it. */
struct olm_request {
    const weir_dialect_config *cfg;
    const weir_ingress *in;
    const weir_json *doc;
    const weir_request_sink *out;
    unsigned endpoint;
};

/* Facts of a chat, generate or embeddings request; refuses what is none. */
weir_result olm_read_body(const struct olm_request *r, uint8_t op);
/* The name without ":latest", which says nothing. */
weir_str olm_plain_name(weir_str model);
/* The application's key, bare; empty if it sent none. */
weir_str olm_application_key(const weir_ingress *in);
weir_result olm_refuse(const struct olm_request *r, const char *message, const char *param);

/* The canonical request. */
weir_result olm_translate(const struct olm_request *r);

/* Where a message stands among the others: a result finds its call by that. */
struct olm_turn {
    uint32_t number;  /* of the message */
    uint32_t caller;  /* the last message before it that called tools, or NONE */
    uint32_t called;  /* number of that message */
    uint32_t results; /* results behind that message, before this one */
};

weir_result olm_translate_message(const struct olm_request *r, weir_writer *w, uint32_t message,
                                  const struct olm_turn *turn);
/* `content`: a string, or parts where there are images. Tokens may be NONE. */
void olm_translate_content(const struct olm_request *r, weir_writer *w, uint32_t text,
                           uint32_t images);
/* Members of an object that are not in the list, as `vendor.ollama`. */
void olm_translate_vendor(const struct olm_request *r, weir_writer *w, uint32_t object,
                          const char *const *known);
/* Whether a key is in a list that ends with NULL. */
bool olm_listed(const weir_json *doc, uint32_t key, const char *const *list);

enum { OLM_MODEL_MAX = 192, OLM_LAST_MAX = 768 };

/* State of a stream that is being written. */
struct olm_encoder {
    weir_usage usage; /* struct_size 0: none came */
    uint32_t calls;
    uint16_t model_len;
    uint16_t id_len;
    uint16_t name_len;
    uint16_t last_len; /* 0: none yet, or it was sent */
    uint8_t done;
    uint8_t open;   /* a call is: its id and name are below */
    uint8_t custom; /* that call is to a tool of free text */
    uint8_t missed; /* a call was left out: its arguments are no object */
    char model[OLM_MODEL_MAX];
    char id[OLM_MODEL_MAX];
    char name[OLM_MODEL_MAX];
    char last[OLM_LAST_MAX]; /* the line that says `done` */
};

weir_result olm_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out);
weir_result olm_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out);
weir_result olm_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                             const weir_reply_sink *out);
weir_result olm_write_failure(void *cfg, void *st, const weir_exchange *x,
                              const weir_failure *failure, const weir_reply_sink *out);
weir_result olm_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out);

/* "created_at": a time. */
void olm_write_created(weir_writer *w, int64_t unix_us);
/* How an answer ended. */
struct olm_end {
    uint16_t reason; /* WEIR_FINISH_* */
    weir_str raw;
    weir_str extra;          /* of the finish event */
    int64_t total_us;        /* -1: not known */
    const weir_usage *usage; /* NULL: none came */
};

/* `done: true` and what stands behind it. */
void olm_write_done(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                    const struct olm_end *end);
/* A call of an answer. */
struct olm_call {
    uint32_t index;
    bool custom; /* free text, which this API has no call for */
    weir_str id;
    weir_str name;
    weir_text arguments;
};

/* Whether `extra` of a block says that its call is to a tool of free text. */
bool olm_is_custom(weir_str extra);
/* One entry of `tool_calls`. False: the call was cut, or is no JSON. Nothing is written then, since
 * applications run what they are given. */
bool olm_write_call(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                    const struct olm_call *call);
/* `logprobs` of an extra, if it has any. */
void olm_write_logprobs(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                        weir_str extra);

#endif
