/*
 * anthropic.h - between the files of the anthropic plugin: what provider part and dialect share.
 */
#ifndef WEIR_PLUGINS_ANTHROPIC_H
#define WEIR_PLUGINS_ANTHROPIC_H

#include <weir/provider.h>
#include <weir/sdk/check.h>
#include <weir/sdk/dialect.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

/* -- Provider part ---------------------------------------------------------------------------- */

/* Ways of asking for thinking, and for an answer in a schema. */
enum { ANT_THINKING_AUTO, ANT_THINKING_ADAPTIVE, ANT_THINKING_ENABLED, ANT_THINKING_NONE };
enum { ANT_SCHEMA_AUTO, ANT_SCHEMA_FORMAT, ANT_SCHEMA_TOOL, ANT_SCHEMA_INSTRUCTION };

/* The options of a provider, see provider.c. */
struct ant_config {
    const weir_json_service *json; /* NULL: the host has none */
    char *version;
    char *beta; /* separated by commas; may be empty */
    char *key_header;
    int64_t max_tokens;
    uint8_t thinking; /* ANT_THINKING_* */
    uint8_t schema;   /* ANT_SCHEMA_* */
};

extern const weir_provider_v1 ant_provider;

/* The body of a chat or count request. */
weir_result ant_write_body(const struct ant_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out);

/* Whether the answer in a schema is asked for as a call of the tool ANT_SCHEMA_TOOL_NAME. */
bool ant_schema_by_tool(const struct ant_config *cfg, const weir_exchange *x);

/* What a model takes, by its name. */
struct ant_traits {
    bool adaptive;      /* thinking {type: adaptive} */
    bool enabled;       /* thinking {type: enabled, budget_tokens} */
    bool effort;        /* output_config.effort */
    bool effort_xhigh;  /* with xhigh */
    bool effort_max;    /* with max */
    bool sampling;      /* temperature, top_p, top_k */
    bool sampling_both; /* temperature beside top_p */
    bool format;        /* output_config.format, strict tools */
    bool system_later;  /* system messages between others */
};

struct ant_traits ant_traits_of(weir_str model);

/* -- Dialect ---------------------------------------------------------------------------------- */

extern const weir_dialect_v1 ant_dialect;

/* Content type of what is no stream. */
#define ANT_JSON "application/json"

/* Facts of a chat or count request; refuses what is none. */
weir_result ant_read_body(const weir_ingress *in, uint8_t op, const weir_request_sink *out);
/* The application's key, bare; empty if it sent none. */
weir_str ant_application_key(const weir_ingress *in);
/* Writes the canonical request. */
weir_result ant_translate(const weir_ingress *in, const weir_request_sink *out);

enum {
    ANT_ANSWER_ID_MAX = 96,
    ANT_MODEL_MAX = 192,
};

/* State of a stream that is being written. */
struct ant_encoder {
    weir_usage usage; /* struct_size 0: none came */
    int32_t next;     /* index of the next block */
    int32_t block;    /* the emitter's number of the open one */
    uint16_t id_len;
    uint16_t model_len;
    uint8_t opened;        /* message_start was written */
    uint8_t open;          /* a block is open */
    uint8_t kind;          /* its kind, WEIR_BLOCK_* */
    uint8_t held;          /* it is begun with what its end brings */
    uint8_t filled;        /* a fragment of it was written */
    uint8_t custom;        /* it is a call with free text */
    uint8_t ended;         /* message_delta was written */
    uint8_t broken;        /* a call's input that was written is no object */
    weir_json_check input; /* of the open call */
    char id[ANT_ANSWER_ID_MAX];
    char model[ANT_MODEL_MAX];
};

weir_result ant_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out);
weir_result ant_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out);
weir_result ant_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                             const weir_reply_sink *out);
weir_result ant_write_failure(void *cfg, void *st, const weir_exchange *x,
                              const weir_failure *failure, const weir_reply_sink *out);
/* A document: models or a count. */
weir_result ant_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out);

/* Members of `usage`, without the braces around them. */
void ant_write_usage(weir_writer *w, const weir_usage *usage);
/* stop_reason and stop_sequence. */
void ant_write_stop(weir_writer *w, uint16_t reason, weir_str raw, const weir_json *extra);
/* How many sources of a text an extra tells of. */
uint32_t ant_count_citations(const weir_json *extra);
/* One of them, as the object that `citations` has. */
void ant_write_citation(weir_writer *w, const weir_json *extra, uint32_t number);
/* `input` of a call: its arguments, an object, or free text as the one member of one. */
void ant_write_input(weir_writer *w, weir_str object, weir_text arguments, bool custom);
/* Whether a call is one to a tool that takes free text, by its extra. */
bool ant_is_custom(weir_str extra);

#endif
