/*
 * dialect.c - the dialect "openai": its paths, and which reader and writer they belong to.
 *
 * Paths work with and without /v1, as the SDKs are configured either way. What is under /v1 and not
 * listed is forwarded as it is.
 */
#include "openai.h"

#include <weir/sdk/configure.h>
#include <weir/sdk/failure.h>
#include <weir/sdk/splice.h>

#define ENDPOINT(op, method, pattern)                                    \
    {                                                                    \
        sizeof(weir_endpoint), WEIR_OP_##op, 0, 0, method, pattern, NULL \
    }

static const weir_endpoint endpoints[] = {
    ENDPOINT(CHAT, "POST", "/v1/chat/completions"),
    ENDPOINT(CHAT, "POST", "/chat/completions"),
    ENDPOINT(EMBED, "POST", "/v1/embeddings"),
    ENDPOINT(EMBED, "POST", "/embeddings"),
    ENDPOINT(MODELS, "GET", "/v1/models"),
    ENDPOINT(MODELS, "GET", "/models"),
    ENDPOINT(MODELS, "GET", "/v1/models/{model}"),
    ENDPOINT(MODELS, "GET", "/models/{model}"),
    /* provider/model, with the slash as it is */
    ENDPOINT(MODELS, "GET", "/v1/models/{provider}/{model}"),
    ENDPOINT(MODELS, "GET", "/models/{provider}/{model}"),
    ENDPOINT(FORWARD, "*", "/v1/**"),
};

static weir_result dialect_configure(const weir_host *host, const weir_json *options, void **cfg,
                                     weir_error *error)
{
    struct oai_dialect_config *c = (struct oai_dialect_config *)calloc(1, sizeof(*c));
    (void)options;

    if (!c)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    c->json = host ? (const weir_json_service *)host->service(host, WEIR_SERVICE_JSON) : NULL;
    *cfg = c;
    return WEIR_OK;
}

static void dialect_release(void *cfg)
{
    free(cfg);
}

static weir_facts dialect_facts(const weir_ingress *in, uint8_t op)
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

static weir_result dialect_read_models(const weir_ingress *in, const weir_request_sink *out)
{
    weir_facts f = dialect_facts(in, WEIR_OP_MODELS);

    if (in->capture_count == 1) {
        f.model = in->captures[0];
    } else if (in->capture_count == 2) {
        weir_str parts[3] = { in->captures[0], WEIR_S("/"), in->captures[1] };

        f.model = weir_str_join(&in->arena, parts, 3);
        if (!f.model.ptr)
            return WEIR_NO_MEMORY;
    }
    return out->facts(out->ctx, &f, oai_application_key(in));
}

/* A JSON body that is forwarded usually names a model, and that tells the provider. */
static weir_result dialect_read_forward(const struct oai_dialect_config *cfg,
                                        const weir_ingress *in, const weir_request_sink *out)
{
    weir_str type = weir_header_find(in->headers, in->header_count, "content-type");
    weir_facts f = dialect_facts(in, WEIR_OP_FORWARD);
    weir_json doc;
    bool stream = false;

    if (cfg->json && in->body.len && weir_str_starts(type, "application/json") &&
        cfg->json->scan(&in->arena, in->body, &doc, NULL) == WEIR_OK) {
        uint32_t provider = weir_json_find(&doc, 0, "provider");

        f.model = weir_json_str(&doc, weir_json_find(&doc, 0, "model"), &in->arena);
        if (weir_json_is_string(&doc, provider))
            f.provider = weir_json_str(&doc, provider, &in->arena);
        weir_json_bool(&doc, weir_json_find(&doc, 0, "stream"), &stream);
        f.stream = stream;
    }
    return out->facts(out->ctx, &f, oai_application_key(in));
}

static weir_result dialect_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    uint8_t op = endpoints[in->endpoint].op;

    switch (op) {
    case WEIR_OP_MODELS:
        return dialect_read_models(in, out);
    case WEIR_OP_FORWARD:
        return dialect_read_forward((const struct oai_dialect_config *)cfg, in, out);
    default:
        return oai_read_body(in, op, out);
    }
}

/* The canonical request is this API's own, but for what is addressed to us. */
static weir_result dialect_translate(void *cfg, const weir_ingress *in,
                                     const weir_request_sink *out)
{
    weir_splice edit = weir_splice_remove("provider");
    bool ours = in->json && weir_json_is_string(in->json, weir_json_find(in->json, 0, "provider"));

    (void)cfg;
    if (!in->json)
        return WEIR_OK;
    return weir_splice_write(in->json, 0, &edit, ours ? 1 : 0, out->body, out->ctx);
}

static weir_result dialect_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    if (event->type == WEIR_EVENT_DOCUMENT)
        return oai_write_document((const struct oai_dialect_config *)cfg, x,
                                  weir_text_to_utf8(&x->arena, event->text), out);
    return oai_stream_event(cfg, st, x, event, out);
}

const weir_dialect_v1 oai_dialect = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = sizeof(struct oai_encoder),
    .id = "openai.chat",
    .endpoints = WEIR_ARRAY_OF(endpoints),
    .configure = dialect_configure,
    .release = dialect_release,
    .read = dialect_read,
    .translate = dialect_translate,
    .event = dialect_event,
    .answer = oai_write_answer,
    .failure = oai_write_failure,
    .end = oai_stream_end,
};
