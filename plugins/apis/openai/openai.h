/*
 * openai.h - between the files of the openai plugin: what provider part and dialect share.
 */
#ifndef WEIR_PLUGINS_OPENAI_H
#define WEIR_PLUGINS_OPENAI_H

#include <weir/provider.h>
#include <weir/sdk/dialect.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

#include "decode.h"

/* -- Provider part ---------------------------------------------------------------------------- */

/* The options of a provider, see provider.c. */
struct oai_config {
    const weir_json_service *json; /* NULL: the host has none */
    char *organization;
    char *project;
    char *key_header;
    char *query;
    char *reasoning_field;
    char *responses; /* auto, yes, no */
    char *api;       /* auto, chat, responses */
    char *wording;   /* auto, current, classic */
    char *base_url;
    bool usage_in_stream;
};

extern const weir_provider_v1 oai_provider;

/* Whether usage in the stream is asked for by us and has to be hidden again. */
bool oai_forces_usage(const struct oai_config *cfg, const weir_exchange *x);

/* Whether a translated request says what is newer in OpenAI's API as all its followers know it:
 * max_tokens, and the role system. */
bool oai_is_classic(const struct oai_config *cfg, const weir_exchange *x);

/* The body of a chat or embeddings request. */
weir_result oai_write_body(const struct oai_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out);

/* The canonical messages in OpenAI's form, as a JSON array; empty if they are in it already. What
 * is left out is told to the sink. */
weir_result oai_lower_messages(const struct oai_config *cfg, const weir_exchange *x,
                               const weir_http_sink *out, weir_str *json);

/* Likewise the canonical tools. `*none`: none of them can be sent. */
weir_result oai_lower_tools(const weir_exchange *x, const weir_http_sink *out, weir_str *json,
                            bool *none);

/* Likewise tool_choice: of the tools that may be called, those that can be sent. */
weir_result oai_lower_choice(const weir_exchange *x, const weir_http_sink *out, weir_str *json);

/* How hard to think, for a budget in tokens; NULL: as the model likes. */
const char *oai_effort_of(int64_t budget);

/* A place in the request: `at` + "/list/number"; empty `ptr`: no memory. */
weir_str oai_at(const weir_exchange *x, weir_str at, const char *list, uint32_t number);
/* Tells that the member `what` of the thing at `at` is not sent. */
weir_result oai_drop(const weir_exchange *x, const weir_http_sink *out, weir_str at, weir_str what,
                     const char *why);
/* The same of what is under `vendor`, member by member, but for what is under `own`; NULL: all. */
weir_result oai_drop_vendors(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                             uint32_t object, const char *own);
/* The same, and of cache_control. */
weir_result oai_drop_extensions(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                                uint32_t object, const char *own);
/* The same of members that a block of an assistant's ordered message has beside its own. */
weir_result oai_drop_unwritten(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                               uint32_t block);

/* Tells of a part or tool that only another API has, by its type. */
weir_result oai_drop_foreign_part(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                                  uint32_t part);

/* -- Dialect ---------------------------------------------------------------------------------- */

extern const weir_dialect_v1 oai_dialect;

/* Content type of what is no stream. */
#define OAI_JSON "application/json"

/* Facts of a chat or embeddings request; refuses what is none. */
weir_result oai_read_body(const weir_ingress *in, uint8_t op, const weir_request_sink *out);
/* The application's key, bare; empty if it sent none. */
weir_str oai_application_key(const weir_ingress *in);

enum {
    OAI_MODEL_MAX = 192,
    OAI_ANSWER_ID_MAX = 96,
};

/* State of a stream that is being written. */
struct oai_encoder {
    int64_t created;
    weir_usage usage; /* struct_size 0: none came */
    uint16_t id_len;
    uint16_t model_len;
    uint16_t call_count;
    uint8_t calls[OAI_CHOICES]; /* tool calls begun in each choice */
    uint8_t role[OAI_CHOICES];  /* the role was told */
    struct {
        int32_t block;
        uint16_t choice;
        uint8_t index;
        uint8_t custom;
    } call[OAI_CALLS];
    char id[OAI_ANSWER_ID_MAX];
    char model[OAI_MODEL_MAX];
};

weir_result oai_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out);
weir_result oai_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out);
weir_result oai_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                             const weir_reply_sink *out);
weir_result oai_write_failure(void *cfg, void *st, const weir_exchange *x,
                              const weir_failure *failure, const weir_reply_sink *out);
/* {message, type, param, code} */
void oai_write_error(weir_writer *w, const weir_failure *failure);
/* A document: as it is, or the one entry of it that was asked for. */
weir_result oai_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out);

/* Embeddings: as numbers or base64, as was asked for. */
weir_result oai_write_embeddings(const weir_dialect_config *cfg, const weir_exchange *x,
                                 weir_str json, const weir_reply_sink *out);

/* Opaque state of a block of reasoning as entries of reasoning_details; `text` NULL: it was told
 * already. Nothing if `extra` has none. */
void oai_write_details(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                       weir_str extra, const weir_text *text);
bool oai_has_details(weir_str extra);
/* That of a call as its `extra_content`; false if it has none. */
bool oai_write_thought(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                       weir_str extra);
/* When the answer was made: what its start says, or now. Unix time in seconds. */
int64_t oai_created(const weir_dialect_config *cfg, const weir_exchange *x, weir_str extra);
/* Messages with such state in the ordered form; empty: there are none. */
weir_result oai_raise_messages(const weir_json *doc, const weir_arena *arena, weir_str *json);

/* The word OpenAI has for the end of a choice; `*raw` is told beside it if it has none. */
const char *oai_finish_word(uint16_t reason, bool *has_word);
void oai_write_usage(weir_writer *w, const weir_usage *usage);
/* Whether a call is one to a custom tool, by its extra. */
bool oai_is_custom(weir_str extra);
/* Whether the application speaks of functions, as before there were tools. */
bool oai_is_legacy(const weir_exchange *x);
/* Members of `extra` that belong into the message, or those that belong beside it. */
void oai_write_extra(weir_writer *w, const weir_json_service *json, const weir_arena *arena,
                     weir_str extra, bool message);

#endif
