/*
 * dialect.h - what every dialect needs: its table of paths, the JSON service, the key an
 * application sent, facts to fill in, replies of one document.
 */
#ifndef WEIR_SDK_DIALECT_H
#define WEIR_SDK_DIALECT_H

#include <weir/dialect.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/json.h>
#include <weir/sdk/str.h>

/* A row of the table of endpoints: WEIR_ENDPOINT(CHAT, "POST", "/v1/chat/completions"). */
#define WEIR_ENDPOINT(op, method, pattern) WEIR_ENDPOINT_ROW(op, 0, method, pattern, NULL)
/* One that needs a header to be there. */
#define WEIR_ENDPOINT_WHEN(op, method, pattern, header) \
    WEIR_ENDPOINT_ROW(op, 0, method, pattern, header)
/* One that may be asked without a key. */
#define WEIR_ENDPOINT_OPEN(op, method, pattern) WEIR_ENDPOINT_ROW(op, 1, method, pattern, NULL)
#define WEIR_ENDPOINT_ROW(op, optional_key, method, pattern, header)                    \
    {                                                                                   \
        sizeof(weir_endpoint), WEIR_OP_##op, (optional_key), 0, method, pattern, header \
    }

/* The config object of a dialect without options. */
typedef struct weir_dialect_config {
    const weir_json_service *json; /* NULL: the host has none */
} weir_dialect_config;

/* `configure` of such a dialect. */
static inline weir_result weir_dialect_configure(const weir_host *host, const weir_json *options,
                                                 void **cfg, weir_error *error)
{
    weir_dialect_config *c = (weir_dialect_config *)calloc(1, sizeof(*c));

    (void)options;
    if (!c)
        return weir_error_memory(error);
    c->json = weir_host_json(host);
    *cfg = c;
    return WEIR_OK;
}

/* Its `release`. */
static inline void weir_dialect_release(void *cfg)
{
    free(cfg);
}

/* The token of "Authorization: Bearer ..."; empty if there is none. */
static inline weir_str weir_application_bearer(const weir_ingress *in)
{
    weir_str value = weir_header_find(in->headers, in->header_count, "authorization");

    if (value.len > 7 && weir_str_is_nocase(weir_str_make(value.ptr, 7), "bearer "))
        return weir_str_trim(weir_str_skip(value, 7));
    return weir_str_make("", 0);
}

/* Facts of which nothing is known but the operation and the size. */
static inline weir_facts weir_facts_make(const weir_ingress *in, uint8_t op)
{
    weir_facts f;

    memset(&f, 0, sizeof(f));
    f.struct_size = sizeof(f);
    f.op = op;
    f.body_bytes = (int64_t)in->body.len;
    f.input_tokens = -1;
    f.output_tokens = -1;
    return f;
}

/* The model that a path names: "{model}", or "{provider}/{model}" as its two segments. Empty: none.
 * WEIR_NO_MEMORY. */
static inline weir_result weir_captured_model(const weir_ingress *in, weir_str *model)
{
    weir_str parts[3];

    *model = weir_str_make("", 0);
    if (in->capture_count == 1)
        *model = in->captures[0];
    if (in->capture_count < 2)
        return WEIR_OK;
    parts[0] = in->captures[0];
    parts[1] = weir_str_make("/", 1);
    parts[2] = in->captures[1];
    *model = weir_str_join(&in->arena, parts, 3);
    return model->ptr ? WEIR_OK : WEIR_NO_MEMORY;
}

/* The body of a request that the host has not scanned, if it says that it is JSON and is. */
static inline bool weir_forwarded_json(const weir_dialect_config *cfg, const weir_ingress *in,
                                       weir_json *doc)
{
    weir_str type = weir_header_find(in->headers, in->header_count, "content-type");

    return cfg->json && in->body.len && weir_str_starts(type, "application/json") &&
           cfg->json->scan(&in->arena, in->body, doc, NULL) == WEIR_OK;
}

/* Members without the braces around them (weir_event.extra) as a document, in the arena. False:
 * there are none, or they cannot be read. `service` may be NULL. */
static inline bool weir_members_scan(const weir_json_service *service, const weir_arena *arena,
                                     weir_str members, weir_json *doc)
{
    weir_str parts[3], json;

    if (!members.len || !service)
        return false;
    parts[0] = weir_str_make("{", 1);
    parts[1] = members;
    parts[2] = weir_str_make("}", 1);
    json = weir_str_join(arena, parts, 3);
    return json.ptr && service->scan(arena, json, doc, NULL) == WEIR_OK;
}

static inline bool weir_extra_scan(const weir_dialect_config *cfg, const weir_arena *arena,
                                   weir_str extra, weir_json *doc)
{
    return weir_members_scan(cfg ? cfg->json : NULL, arena, extra, doc);
}

/* Head and body of a reply that is one document. */
static inline weir_result weir_reply_document(const weir_reply_sink *out, uint32_t status,
                                              const char *content_type, weir_str json)
{
    weir_header type;

    type.name = weir_str_of("content-type");
    type.value = weir_str_of(content_type);
    WEIR_TRY(out->head(out->ctx, status, &type, 1));
    return out->bytes(out->ctx, json);
}

#endif
