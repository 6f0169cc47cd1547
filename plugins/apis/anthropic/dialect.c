/*
 * dialect.c - the dialect "anthropic": its paths, and which reader and writer they belong to.
 *
 * Some paths are OpenAI's as well; the header anthropic-version, which every client of this API
 * sends, tells them apart. What is not listed is forwarded as it is.
 */
#include "anthropic.h"

#include <weir/sdk/failure.h>

static const weir_endpoint endpoints[] = {
    WEIR_ENDPOINT(CHAT, "POST", "/v1/messages"),
    WEIR_ENDPOINT(COUNT, "POST", "/v1/messages/count_tokens"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1/messages/**"),
    WEIR_ENDPOINT_WHEN(MODELS, "GET", "/v1/models", "anthropic-version"),
    WEIR_ENDPOINT_WHEN(MODELS, "GET", "/v1/models/{model}", "anthropic-version"),
    /* provider/model, with the slash as it is */
    WEIR_ENDPOINT_WHEN(MODELS, "GET", "/v1/models/{provider}/{model}", "anthropic-version"),
    WEIR_ENDPOINT_WHEN(FORWARD, "*", "/v1/**", "anthropic-version"),
};

weir_str ant_application_key(const weir_ingress *in)
{
    weir_str key = weir_header_find(in->headers, in->header_count, "x-api-key");

    return key.len ? key : weir_application_bearer(in);
}

static weir_result dialect_read_models(const weir_ingress *in, const weir_request_sink *out)
{
    weir_facts f = weir_facts_make(in, WEIR_OP_MODELS);

    WEIR_TRY(weir_captured_model(in, &f.model));
    return out->facts(out->ctx, &f, ant_application_key(in));
}

/* A JSON body that is forwarded may name a model, and that tells the provider. */
static weir_result dialect_read_forward(const weir_dialect_config *cfg, const weir_ingress *in,
                                        const weir_request_sink *out)
{
    weir_facts f = weir_facts_make(in, WEIR_OP_FORWARD);
    bool stream = false;
    weir_json doc;

    if (weir_forwarded_json(cfg, in, &doc)) {
        f.model = weir_json_str(&doc, weir_json_find(&doc, 0, "model"), &in->arena);
        /* A batch: that of its first request. */
        if (!f.model.len)
            f.model =
                weir_json_str(&doc, weir_json_path(&doc, 0, "requests.0.params.model"), &in->arena);
        weir_json_bool(&doc, weir_json_find(&doc, 0, "stream"), &stream);
        f.stream = stream;
    }
    return out->facts(out->ctx, &f, ant_application_key(in));
}

static weir_result dialect_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    uint8_t op = endpoints[in->endpoint].op;

    switch (op) {
    case WEIR_OP_MODELS:
        return dialect_read_models(in, out);
    case WEIR_OP_FORWARD:
        return dialect_read_forward((const weir_dialect_config *)cfg, in, out);
    default:
        return ant_read_body(in, op, out);
    }
}

static weir_result dialect_translate(void *cfg, const weir_ingress *in,
                                     const weir_request_sink *out)
{
    (void)cfg;
    return in->json ? ant_translate(in, out) : WEIR_OK;
}

static weir_result dialect_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    if (event->type == WEIR_EVENT_DOCUMENT)
        return ant_write_document((const weir_dialect_config *)cfg, x,
                                  weir_text_to_utf8(&x->arena, event->text), out);
    return ant_stream_event(cfg, st, x, event, out);
}

const weir_dialect_v1 ant_dialect = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = sizeof(struct ant_encoder),
    .id = "anthropic.messages",
    .endpoints = WEIR_ARRAY_OF(endpoints),
    .configure = weir_dialect_configure,
    .release = weir_dialect_release,
    .read = dialect_read,
    .translate = dialect_translate,
    .event = dialect_event,
    .answer = ant_write_answer,
    .failure = ant_write_failure,
    .end = ant_stream_end,
    .flags = WEIR_DIALECT_SEQUENTIAL,
};
