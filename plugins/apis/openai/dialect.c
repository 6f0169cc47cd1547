/*
 * dialect.c - the dialect "openai": its paths, and which reader and writer they belong to.
 *
 * Paths work with and without /v1, as the SDKs are configured either way. What is under /v1 and not
 * listed is forwarded as it is.
 */
#include "openai.h"

#include <weir/sdk/failure.h>
#include <weir/sdk/splice.h>

static const weir_endpoint endpoints[] = {
    WEIR_ENDPOINT(CHAT, "POST", "/v1/chat/completions"),
    WEIR_ENDPOINT(CHAT, "POST", "/chat/completions"),
    WEIR_ENDPOINT(EMBED, "POST", "/v1/embeddings"),
    WEIR_ENDPOINT(EMBED, "POST", "/embeddings"),
    WEIR_ENDPOINT(MODELS, "GET", "/v1/models"),
    WEIR_ENDPOINT(MODELS, "GET", "/models"),
    WEIR_ENDPOINT(MODELS, "GET", "/v1/models/{model}"),
    WEIR_ENDPOINT(MODELS, "GET", "/models/{model}"),
    /* provider/model, with the slash as it is */
    WEIR_ENDPOINT(MODELS, "GET", "/v1/models/{provider}/{model}"),
    WEIR_ENDPOINT(MODELS, "GET", "/models/{provider}/{model}"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1/**"),
};

static weir_result dialect_read_models(const weir_ingress *in, const weir_request_sink *out)
{
    weir_facts f = weir_facts_make(in, WEIR_OP_MODELS);

    WEIR_TRY(weir_captured_model(in, &f.model));
    return out->facts(out->ctx, &f, oai_application_key(in));
}

/* A JSON body that is forwarded usually names a model, and that tells the provider. */
static weir_result dialect_read_forward(const weir_dialect_config *cfg, const weir_ingress *in,
                                        const weir_request_sink *out)
{
    weir_facts f = weir_facts_make(in, WEIR_OP_FORWARD);
    weir_json doc;
    bool stream = false;

    if (weir_forwarded_json(cfg, in, &doc)) {
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
        return dialect_read_forward((const weir_dialect_config *)cfg, in, out);
    default:
        return oai_read_body(in, op, out);
    }
}

/* The canonical request is this API's own, but for what is addressed to us. */
static weir_result dialect_translate(void *cfg, const weir_ingress *in,
                                     const weir_request_sink *out)
{
    weir_splice edits[2];
    size_t count = 0;
    weir_str messages;

    (void)cfg;
    if (!in->json)
        return WEIR_OK;
    if (weir_json_is_string(in->json, weir_json_find(in->json, 0, "provider")))
        edits[count++] = weir_splice_remove("provider");
    WEIR_TRY(oai_raise_messages(in->json, &in->arena, &messages));
    if (messages.len)
        edits[count++] = weir_splice_replace("messages", messages);
    return weir_splice_write(in->json, 0, edits, count, out->body, out->ctx);
}

static weir_result dialect_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    if (event->type == WEIR_EVENT_DOCUMENT)
        return oai_write_document((const weir_dialect_config *)cfg, x,
                                  weir_text_to_utf8(&x->arena, event->text), out);
    return oai_stream_event(cfg, st, x, event, out);
}

const weir_dialect_v1 oai_dialect = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = sizeof(struct oai_encoder),
    .id = "openai.chat",
    .endpoints = WEIR_ARRAY_OF(endpoints),
    .configure = weir_dialect_configure,
    .release = weir_dialect_release,
    .read = dialect_read,
    .translate = dialect_translate,
    .event = dialect_event,
    .answer = oai_write_answer,
    .failure = oai_write_failure,
    .end = oai_stream_end,
};
