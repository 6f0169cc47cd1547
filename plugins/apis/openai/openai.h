/*
 * openai.h - between the files of the openai plugin: what provider part and dialect share.
 */
#ifndef WEIR_PLUGINS_OPENAI_H
#define WEIR_PLUGINS_OPENAI_H

#include <weir/dialect.h>
#include <weir/provider.h>
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
    bool usage_in_stream;
};

extern const weir_provider_v1 oai_provider;

/* Whether usage in the stream is asked for by us and has to be hidden again. */
bool oai_forces_usage(const struct oai_config *cfg, const weir_exchange *x);

/* The body of a chat or embeddings request. */
weir_result oai_write_body(const struct oai_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out);

/* The canonical messages in OpenAI's form, as a JSON array; empty if they are in it already. What
 * is left out is told to the sink. */
weir_result oai_lower_messages(const struct oai_config *cfg, const weir_exchange *x,
                               const weir_http_sink *out, weir_str *json);

/* -- Dialect ---------------------------------------------------------------------------------- */

/* What the dialect keeps from configure. */
struct oai_dialect_config {
    const weir_json_service *json; /* NULL: the host has none */
};

extern const weir_dialect_v1 oai_dialect;

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
/* A document: as it is, or the one entry of it that was asked for. */
weir_result oai_write_document(const struct oai_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out);

/* Head and body of an answer that is one JSON document. */
weir_result oai_reply_json(const weir_reply_sink *out, uint32_t status, weir_str json);
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
