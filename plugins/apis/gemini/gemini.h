/*
 * gemini.h - between the files of the gemini plugin: what provider part and dialect share.
 */
#ifndef WEIR_PLUGINS_GEMINI_H
#define WEIR_PLUGINS_GEMINI_H

#include <weir/provider.h>
#include <weir/sdk/dialect.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

#include "decode.h"
#include "names.h"

#define GEM_DIALECT "gemini.generateContent"

/* What a model's name is without "models/". */
static inline weir_str gem_model_bare(weir_str model)
{
    return weir_str_starts(model, "models/") ? weir_str_skip(model, 7) : model;
}

/* The method at the end of a path, "generateContent"; empty: it has none. */
static inline weir_str gem_path_method(weir_str path)
{
    weir_str bare = weir_str_split(&path, '?');
    size_t at = bare.len;

    while (at && bare.ptr[at - 1] != ':' && bare.ptr[at - 1] != '/')
        at--;
    return at && bare.ptr[at - 1] == ':' ? weir_str_skip(bare, at) : weir_str_make("", 0);
}

/* Whether a path with its query asks for server-sent events. */
static inline bool gem_path_sse(weir_str path)
{
    weir_str query = path;

    for (weir_str_split(&query, '?'); query.len;) {
        weir_str pair = weir_str_split(&query, '&');

        if (weir_str_is(pair, "alt=sse") || weir_str_is(pair, "$alt=sse") ||
            weir_str_is(pair, "%24alt=sse"))
            return true;
    }
    return false;
}

/* -- Provider part ---------------------------------------------------------------------------- */

enum { GEM_SCHEMA_AUTO, GEM_SCHEMA_JSON, GEM_SCHEMA_OPENAPI };

/* The options of a provider, see provider.c. */
struct gem_config {
    const weir_json_service *json; /* NULL: the host has none */
    char *version;
    char *key_header;
    int schema; /* GEM_SCHEMA_* */
};

extern const weir_provider_v1 gem_provider;

/* What a model is known to take; see models.c. */
enum {
    GEM_TAKES_LEVEL = 1,     /* thinkingLevel */
    GEM_TAKES_BUDGET = 2,    /* thinkingBudget */
    GEM_ALWAYS_THINKS = 4,   /* and cannot be kept from it */
    GEM_SIGNS_CALLS = 8,     /* calls in a conversation must be signed */
    GEM_FETCHES_URLS = 16,   /* fileData may hold any public URL */
    GEM_JSON_SCHEMA = 32,    /* parametersJsonSchema, responseJsonSchema */
    GEM_MEDIA_IN_TOOLS = 64, /* functionResponse may hold media */
};
unsigned gem_model_takes(weir_str model);

/* The body of a request for x->op. */
weir_result gem_write_body(const struct gem_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out);

/* "models/NAME" as it stands in bodies. */
weir_str gem_model_resource(const weir_arena *arena, weir_str model);

/* -- Between the files of the encoder --------------------------------------------------------- */

/* A request that is being written. */
struct gem_encoding {
    const struct gem_config *cfg;
    const weir_exchange *x;
    const weir_json *doc; /* x->request */
    const weir_http_sink *out;
    unsigned takes; /* GEM_TAKES_LEVEL, ... */
    weir_writer w;
};

/* A place in the request: /list/index/sub/subindex. `list` empty: the request itself; `sub` NULL:
 * the item. */
struct gem_place {
    const char *list;
    uint32_t index;
    const char *sub;
    uint32_t subindex;
};
/* Tells the sink what was left out: `tail` (may be empty) at a place. */
weir_result gem_dropped(const struct gem_encoding *e, const struct gem_place *at, const char *tail,
                        const char *why);
/* The object under `vendor.gemini` of a request, message, part or tool; NONE: there is none. Other
 * vendors' members are told as dropped. */
weir_result gem_vendor(const struct gem_encoding *e, uint32_t object, const struct gem_place *at,
                       uint32_t *vendor);

/* Tells of members of an object that are not listed and ask for something; `under` stands before
 * their keys, "function" or nothing. */
weir_result gem_drop_unknown(const struct gem_encoding *e, const struct gem_place *at,
                             uint32_t object, const char *under, const char *const *known);

/* The calls of a conversation by their ids; see encode_calls.c. */
struct gem_calls {
    struct gem_known_call *slots;
    uint32_t mask; /* slots, less one */
    uint32_t zero;
};
weir_result gem_calls_init(const struct gem_encoding *e, struct gem_calls *calls);
/* A later call of the same id takes the place of the one before. */
void gem_calls_add(struct gem_calls *calls, weir_text id, weir_text name);
/* False: there was no such call. */
bool gem_calls_find(const struct gem_calls *calls, weir_text id, weir_text *name);

/* Contents on their way. */
struct gem_contents {
    struct gem_encoding *e;
    uint32_t message;
    uint32_t turn;          /* instructions that are sent as the turn of the user, or NONE */
    struct gem_place at;    /* the message, then the part of it */
    const char *role;       /* of the content that is open; NULL: none is */
    bool called;            /* it has a function call */
    uint32_t results;       /* the first of the results of tools that came just now, or NONE */
    uint32_t results_at;    /* its number */
    struct gem_calls calls; /* so far */
};
/* Tells of what was left out: `tail` at the place where the contents are. */
weir_result gem_contents_dropped(const struct gem_contents *c, const char *tail, const char *why);
/* Tells of what stands in a block and is not sent. */
weir_result gem_contents_unknown(struct gem_contents *c, uint32_t block);
/* Begins a part of a content of that role. */
void gem_contents_part(struct gem_contents *c, const char *role);
/* Ids that were made up here are not sent: the API never gave them. */
bool gem_contents_known_id(weir_text id);
/* A message that holds the result of a tool. */
weir_result gem_contents_tool(struct gem_contents *c);
/* What it holds beside text, for models that do not look for it in results: it stands behind the
 * last of them. */
weir_result gem_contents_tool_media(struct gem_contents *c);

weir_result gem_write_contents(struct gem_encoding *e);
weir_result gem_write_tools(struct gem_encoding *e);
weir_result gem_write_config(struct gem_encoding *e);
/* A schema as the value of a key: which form and key depends on the model. It stands at `tail` of
 * the place. */
weir_result gem_write_schema(struct gem_encoding *e, const char *json_key, const char *openapi_key,
                             uint32_t schema, const struct gem_place *at, const char *tail);
/* The part `inlineData` or `fileData`, with what stands under `vendor` (or NONE) beside it.
 * `*written` false: nothing was, and that was told. */
weir_result gem_write_media(struct gem_encoding *e, uint32_t part, uint32_t vendor,
                            const struct gem_place *at, bool *written);
/* Members of `vendor` (or NONE) that stand beside the rest of a part. */
void gem_write_beside(struct gem_encoding *e, uint32_t vendor);
/* Writes `ours`, a JSON object, with the members of `theirs` put over it, objects in objects as
 * well. */
void gem_write_merged(weir_writer *w, const weir_json *ours, uint32_t a, const weir_json *theirs,
                      uint32_t b);

/* -- Dialect ---------------------------------------------------------------------------------- */

extern const weir_dialect_v1 gem_dialect;

/* Content type of what is no stream. */
#define GEM_JSON "application/json; charset=UTF-8"

enum {
    GEM_METHOD_NONE,
    GEM_METHOD_GENERATE,
    GEM_METHOD_STREAM,
    GEM_METHOD_COUNT,
    GEM_METHOD_EMBED,
    GEM_METHOD_EMBED_BATCH,
};

/* Facts of a request with a body; refuses what is none. */
weir_result gem_read_body(const weir_ingress *in, uint8_t op, weir_str model, bool stream,
                          const weir_request_sink *out);
/* The application's key, bare; empty if it sent none. */
weir_str gem_application_key(const weir_ingress *in);
/* The request within a countTokens request, or the document itself. */
uint32_t gem_request_root(const weir_json *doc, uint8_t op);

weir_result gem_translate_chat(const weir_dialect_config *cfg, const weir_ingress *in, uint8_t op,
                               weir_str model, bool stream, const weir_request_sink *out);
weir_result gem_translate_embed(const weir_ingress *in, weir_str model, bool batch,
                                const weir_request_sink *out);

/* A request on its way to the canonical form. */
struct gem_translation {
    const weir_ingress *in;
    const weir_json *doc;
    uint32_t root; /* of the request */
    const weir_request_sink *out;
    const weir_json_service *json;
    weir_writer w;
    uint32_t contents;
    uint32_t calls; /* the last content that has function calls; NONE: none had */
};
weir_result gem_translate_contents(struct gem_translation *t);
weir_result gem_translate_tools(struct gem_translation *t);
/* A schema of the API's own kind, or JSON Schema in a place for either, as JSON Schema. */
void gem_translate_schema(struct gem_translation *t, uint32_t schema);
/* Members of `object` that are not listed, as they are and without braces. */
weir_str gem_members_but(const weir_arena *arena, const weir_json *doc, uint32_t object,
                         const char *const *known);
/* `vendor: {gemini: {members}}`; nothing if there are none. */
void gem_write_vendor(weir_writer *w, weir_str members);

enum { GEM_MODEL_MAX = 192, GEM_ANSWER_ID_MAX = 96, GEM_MEDIA_MAX = 64 };
enum { GEM_CALL_ID_MAX = 1024, GEM_CALL_NAME_MAX = 256 };

/* How far the part of a call is: not written but for its signature, written but for its end. */
enum { GEM_CALL_NONE = 0, GEM_CALL_BEGUN = 1, GEM_CALL_TOLD = 2 };

/* State of a stream that is being written. */
struct gem_encoder {
    weir_usage usage;  /* struct_size 0: none came */
    uint64_t missed;   /* choices of which a call was left out: bit by number, modulo 64 */
    uint8_t started;   /* the head was written */
    uint8_t array;     /* the elements of a JSON array, not events */
    uint8_t open;      /* a function call waits for the end of its block */
    uint8_t custom;    /* that call is to a tool of free text */
    uint8_t is_signed; /* its signature was written */
    uint8_t media_len; /* of the block that is open */
    uint8_t zero[2];
    uint32_t pieces; /* chunks written */
    uint16_t id_len;
    uint16_t model_len;
    uint16_t call_id_len; /* of the call that is open */
    uint16_t call_name_len;
    char id[GEM_ANSWER_ID_MAX];
    char model[GEM_MODEL_MAX];
    char media[GEM_MEDIA_MAX];
    char call_id[GEM_CALL_ID_MAX];
    char call_name[GEM_CALL_NAME_MAX];
};

weir_result gem_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out);
weir_result gem_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out);
weir_result gem_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                             const weir_reply_sink *out);
weir_result gem_write_failure(void *cfg, void *st, const weir_exchange *x,
                              const weir_failure *failure, const weir_reply_sink *out);
weir_result gem_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out);

/* The word this API has for the end of a choice; the vendor's own, if it is one of this API. */
weir_str gem_finish_word(uint16_t reason, weir_str raw);
void gem_write_usage(weir_writer *w, const weir_usage *usage);
/* The members of `extra` that stand in a candidate. */
void gem_write_candidate_extra(weir_writer *w, const weir_json_service *json,
                               const weir_arena *arena, weir_str extra);
/* A member of `extra`, raw; empty: it is not there. */
weir_str gem_extra_member(const weir_json_service *json, const weir_arena *arena, weir_str extra,
                          const char *name);

#endif
