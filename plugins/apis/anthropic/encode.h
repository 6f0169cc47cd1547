/*
 * encode.h - between the files that write a request of the Messages API.
 */
#ifndef WEIR_PLUGINS_ANTHROPIC_ENCODE_H
#define WEIR_PLUGINS_ANTHROPIC_ENCODE_H

#include "anthropic.h"

#include <weir/sdk/blocks.h>

/* How the request will be, decided before it is written: its parts depend on one another. */
struct ant_plan {
    int64_t max_tokens;
    int64_t budget;      /* thinking {enabled}: its tokens */
    uint8_t thinking;    /* ANT_THINKING_*; AUTO: nothing is said */
    uint8_t schema;      /* ANT_SCHEMA_*; AUTO: no schema is asked for */
    bool forced;         /* the model must call a tool */
    const char *effort;  /* NULL: none */
    const char *display; /* of the thinking; NULL: not said */
};

/* A request that is being written. */
struct ant_encoding {
    const struct ant_config *cfg;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_http_sink *out;
    struct ant_traits traits;
    struct ant_plan plan;
    uint32_t vendor;       /* members in Anthropic's words, or NONE */
    uint32_t schema;       /* of the answer, or NONE */
    const char *schema_at; /* its JSON pointer */
    uint32_t cached; /* whose cache_control the next block has if it has none itself, or NONE */
    uint32_t part;   /* number of the part that is being written; NONE: it has none */
    bool counting;
    bool only_system; /* there is no message but system messages: they speak as the user */
    weir_writer w;
};

/* Tells that something was left out. `pointer` is complete, or a member of message `number`. */
weir_result ant_drop(const struct ant_encoding *e, const char *pointer, const char *why);
weir_result ant_drop_in(const struct ant_encoding *e, const char *list, uint32_t number,
                        const char *member, const char *why);
/* The same of the part that is being written, of message `number`. */
weir_result ant_drop_part(const struct ant_encoding *e, uint32_t number, const char *why);
/* Tells of the members of `object`, one of that list, that are not among `known`. `part`: the
 * object is a part of the content, of that number; or NONE. */
weir_result ant_drop_unknown(const struct ant_encoding *e, const char *list, uint32_t number,
                             uint32_t part, uint32_t object, const char *const *known);
weir_result ant_drop_key(const struct ant_encoding *e, weir_text key, const char *why);

/* Writes the whole body. */
weir_result ant_encode_canonical(struct ant_encoding *e);

/* Limits, thinking, effort, schema. */
weir_result ant_plan_make(struct ant_encoding *e);

/* "system" and "messages", keys included. */
weir_result ant_encode_messages(struct ant_encoding *e);
/* The blocks of a message, one after the other, into an open array. `number`: of the message. */
weir_result ant_encode_part(struct ant_encoding *e, uint32_t part, uint32_t number);
weir_result ant_encode_assistant(struct ant_encoding *e, uint32_t message, uint32_t number,
                                 bool last, uint32_t *calls);
weir_result ant_encode_result(struct ant_encoding *e, uint32_t message, uint32_t number,
                              uint32_t calls);
/* "tools" and "tool_choice". */
weir_result ant_encode_tools(struct ant_encoding *e);
/* A schema in the form that constrained answers need. `pointer` names it where parts are lost. */
weir_result ant_encode_schema(struct ant_encoding *e, uint32_t schema, const char *pointer);

/* The members of a value in Anthropic's words, or NONE. */
uint32_t ant_vendor_of(const weir_json *doc, uint32_t value);
/* cache_control of a value, and its members in Anthropic's words; into an open object. */
void ant_encode_cache(struct ant_encoding *e, uint32_t value);
void ant_encode_vendor(struct ant_encoding *e, uint32_t value);
/* Tells of members in other vendors' words. `list`, `number`: where; NULL: at the top. */
weir_result ant_drop_vendors(struct ant_encoding *e, uint32_t value, const char *list,
                             uint32_t number);
/* The same of the part that is being written. */
weir_result ant_drop_part_vendors(struct ant_encoding *e, uint32_t value, uint32_t number);
/* Whether a text is nothing but white space. */
bool ant_is_blank(weir_text text);
/* Whether a text is one that the API refuses. What was written for this API stays as it is. */
bool ant_leaves_out(const struct ant_encoding *e, weir_text text);
/* Whether the application speaks this API itself. */
bool ant_is_own(const struct ant_encoding *e);

#endif
