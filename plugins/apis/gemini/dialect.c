/*
 * dialect.c - the dialect "gemini": its paths, and which reader and writer they belong to.
 *
 * The method stands behind the model, ":generateContent", and so does whether a stream is asked
 * for. Under /v1 only what no other dialect serves is listed. A name with a slash, provider/model,
 * is two segments.
 */
#include "gemini.h"

#include <weir/sdk/failure.h>

#define METHODS(prefix)                                               \
    WEIR_ENDPOINT(CHAT, "POST", prefix ":generateContent"),           \
        WEIR_ENDPOINT(CHAT, "POST", prefix ":streamGenerateContent"), \
        WEIR_ENDPOINT(COUNT, "POST", prefix ":countTokens"),          \
        WEIR_ENDPOINT(EMBED, "POST", prefix ":embedContent"),         \
        WEIR_ENDPOINT(EMBED, "POST", prefix ":batchEmbedContents")

static const weir_endpoint endpoints[] = {
    METHODS("/v1beta/models/{model}"),
    METHODS("/v1beta/models/{provider}/{model}"),
    METHODS("/v1beta/tunedModels/{model}"),
    METHODS("/v1/models/{model}"),
    METHODS("/v1/models/{provider}/{model}"),
    METHODS("/v1/tunedModels/{model}"),
    METHODS("/v1alpha/models/{model}"),
    METHODS("/v1alpha/models/{provider}/{model}"),
    WEIR_ENDPOINT(MODELS, "GET", "/v1beta/models"),
    WEIR_ENDPOINT(MODELS, "GET", "/v1beta/models/{model}"),
    WEIR_ENDPOINT(MODELS, "GET", "/v1beta/models/{provider}/{model}"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1beta/**"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1alpha/**"),
    WEIR_ENDPOINT(FORWARD, "*", "/upload/v1beta/**"),
};

/* The model that the path names. */
static weir_result dialect_model(const weir_ingress *in, weir_str *model)
{
    weir_str parts[2] = { WEIR_S("tunedModels/"), WEIR_S("") };

    if (!strstr(endpoints[in->endpoint].pattern, "/tunedModels/") || !in->capture_count)
        return weir_captured_model(in, model);
    parts[1] = in->captures[0];
    *model = weir_str_join(&in->arena, parts, 2);
    return model->ptr ? WEIR_OK : WEIR_NO_MEMORY;
}

static bool dialect_streams(const weir_ingress *in)
{
    return weir_str_ends(weir_str_of(endpoints[in->endpoint].pattern), ":streamGenerateContent");
}

static weir_result dialect_read_models(const weir_ingress *in, const weir_request_sink *out)
{
    weir_facts f = weir_facts_make(in, WEIR_OP_MODELS);

    WEIR_TRY(dialect_model(in, &f.model));
    return out->facts(out->ctx, &f, gem_application_key(in));
}

/* Names of caches, files and operations belong to the provider that gave them; a cache that is made
 * names its model. */
static weir_result dialect_read_forward(const weir_dialect_config *cfg, const weir_ingress *in,
                                        const weir_request_sink *out)
{
    static const char *const owned[] = { "cachedContents/", "files/", "operations/" };
    weir_str rest = weir_str_skip(in->path, 1);
    weir_facts f = weir_facts_make(in, WEIR_OP_FORWARD);
    weir_json doc;

    weir_str_split(&rest, '/');
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        if (weir_str_starts(rest, owned[i]) && rest.len > strlen(owned[i]))
            WEIR_TRY(out->opaque(out->ctx, weir_text_from(rest), true));
    }
    f.stream = gem_path_sse(in->path);
    if (weir_forwarded_json(cfg, in, &doc))
        f.model = gem_model_bare(weir_json_str(&doc, weir_json_find(&doc, 0, "model"), &in->arena));
    return out->facts(out->ctx, &f, gem_application_key(in));
}

static weir_result dialect_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    uint8_t op = endpoints[in->endpoint].op;
    weir_str model;

    if (op == WEIR_OP_MODELS)
        return dialect_read_models(in, out);
    if (op == WEIR_OP_FORWARD)
        return dialect_read_forward((const weir_dialect_config *)cfg, in, out);
    WEIR_TRY(dialect_model(in, &model));
    return gem_read_body(in, op, model, dialect_streams(in), out);
}

static weir_result dialect_translate(void *cfg, const weir_ingress *in,
                                     const weir_request_sink *out)
{
    uint8_t op = endpoints[in->endpoint].op;
    weir_str model;

    if (!in->json)
        return WEIR_OK;
    WEIR_TRY(dialect_model(in, &model));
    if (op == WEIR_OP_EMBED)
        return gem_translate_embed(
            in, model,
            weir_str_ends(weir_str_of(endpoints[in->endpoint].pattern), ":batchEmbedContents"),
            out);
    return gem_translate_chat((const weir_dialect_config *)cfg, in, op, model, dialect_streams(in),
                              out);
}

static weir_result dialect_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    if (event->type == WEIR_EVENT_DOCUMENT)
        return gem_write_document((const weir_dialect_config *)cfg, x,
                                  weir_text_to_utf8(&x->arena, event->text), out);
    return gem_stream_event(cfg, st, x, event, out);
}

const weir_dialect_v1 gem_dialect = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = sizeof(struct gem_encoder),
    .id = GEM_DIALECT,
    .endpoints = WEIR_ARRAY_OF(endpoints),
    .configure = weir_dialect_configure,
    .release = weir_dialect_release,
    .read = dialect_read,
    .translate = dialect_translate,
    .event = dialect_event,
    .answer = gem_write_answer,
    .failure = gem_write_failure,
    .end = gem_stream_end,
    .flags = WEIR_DIALECT_WHOLE_CALLS,
};
