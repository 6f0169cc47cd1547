/*
 * dialect.c - the dialect "ollama": its paths, and which reader and writer they belong to.
 *
 * What a gateway has no models to do with (pull, push, create, copy, delete, blobs) is forwarded to
 * an Ollama as it is. Nothing is loaded here, so that /api/ps lists nothing.
 */
#include "ollama.h"

#include <weir/sdk/failure.h>

/* The version whose API this dialect speaks: thinking levels, ids of calls, log probabilities.
 * Clients ask for it to learn what they may use. */
#define OLM_VERSION "0.13.0"

/* In the order of `paths`. */
static const weir_endpoint endpoints[] = {
    WEIR_ENDPOINT(CHAT, "POST", "/api/chat"),   WEIR_ENDPOINT(CHAT, "POST", "/api/generate"),
    WEIR_ENDPOINT(EMBED, "POST", "/api/embed"), WEIR_ENDPOINT(EMBED, "POST", "/api/embeddings"),
    WEIR_ENDPOINT(MODELS, "GET", "/api/tags"),  WEIR_ENDPOINT(MODELS, "POST", "/api/show"),
    WEIR_ENDPOINT(MODELS, "GET", "/api/ps"),    WEIR_ENDPOINT_OPEN(MODELS, "GET", "/api/version"),
    WEIR_ENDPOINT_OPEN(MODELS, "GET", "/"),     WEIR_ENDPOINT_OPEN(MODELS, "HEAD", "/"),
    WEIR_ENDPOINT(FORWARD, "*", "/api/**"),
};

enum { PATH_PS = 6, PATH_VERSION = 7, PATH_ROOT = 8, PATH_ROOT_HEAD = 9 };

static struct olm_request dialect_request(void *cfg, const weir_ingress *in,
                                          const weir_request_sink *out)
{
    static const weir_json no_json = { { "", 0 }, NULL, 0 };
    struct olm_request r;

    memset(&r, 0, sizeof(r));
    r.cfg = (const weir_dialect_config *)cfg;
    r.in = in;
    r.doc = in->json ? in->json : &no_json;
    r.out = out;
    r.endpoint = olm_endpoint(in->path);
    return r;
}

/* The body of a request that the host has not scanned. Ollama does not look at its content type,
 * and curl sends another. */
static bool dialect_scan(const struct olm_request *r, weir_json *doc)
{
    weir_str body = weir_str_trim(r->in->body);

    return r->cfg->json && body.len && *body.ptr == '{' &&
           r->cfg->json->scan(&r->in->arena, body, doc, NULL) == WEIR_OK;
}

/* The model that a body names, in either spelling. */
static weir_str dialect_model(const struct olm_request *r, const weir_json *doc)
{
    weir_str model = weir_json_str(doc, weir_json_find(doc, 0, "model"), &r->in->arena);

    return model.len ? model : weir_json_str(doc, weir_json_find(doc, 0, "name"), &r->in->arena);
}

static weir_result dialect_read_show(const struct olm_request *r)
{
    weir_facts f = weir_facts_make(r->in, WEIR_OP_MODELS);
    weir_json doc;

    if (!dialect_scan(r, &doc))
        return olm_refuse(r, "the request body is not a JSON object", "");
    f.model = olm_plain_name(dialect_model(r, &doc));
    if (!f.model.len)
        return olm_refuse(r, "model is required", "model");
    return r->out->facts(r->out->ctx, &f, olm_application_key(r->in));
}

/* A JSON body that is forwarded usually names a model, and that may tell the provider. */
static weir_result dialect_read_forward(const struct olm_request *r)
{
    weir_facts f = weir_facts_make(r->in, WEIR_OP_FORWARD);
    bool stream = true;
    weir_json doc;

    if (dialect_scan(r, &doc)) {
        f.model = dialect_model(r, &doc);
        weir_json_bool(&doc, weir_json_find(&doc, 0, "stream"), &stream);
    }
    f.stream = stream;
    return r->out->facts(r->out->ctx, &f, olm_application_key(r->in));
}

static weir_result dialect_read_models(const struct olm_request *r)
{
    weir_facts f = weir_facts_make(r->in, WEIR_OP_MODELS);
    const weir_request_sink *out = r->out;

    switch (r->in->endpoint) {
    case PATH_PS:
        return out->answer(out->ctx, 200, WEIR_S(OLM_JSON), WEIR_S("{\"models\":[]}"));
    case PATH_VERSION:
        return out->answer(out->ctx, 200, WEIR_S(OLM_JSON),
                           WEIR_S("{\"version\":\"" OLM_VERSION "\"}"));
    case PATH_ROOT:
    case PATH_ROOT_HEAD:
        return out->answer(out->ctx, 200, WEIR_S("text/plain; charset=utf-8"),
                           WEIR_S("Ollama is running"));
    default:
        break;
    }
    if (r->endpoint == OLM_SHOW)
        return dialect_read_show(r);
    return out->facts(out->ctx, &f, olm_application_key(r->in));
}

static weir_result dialect_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    struct olm_request r = dialect_request(cfg, in, out);
    uint8_t op = endpoints[in->endpoint].op;

    switch (op) {
    case WEIR_OP_MODELS:
        return dialect_read_models(&r);
    case WEIR_OP_FORWARD:
        return dialect_read_forward(&r);
    default:
        return olm_read_body(&r, op);
    }
}

static weir_result dialect_translate(void *cfg, const weir_ingress *in,
                                     const weir_request_sink *out)
{
    struct olm_request r = dialect_request(cfg, in, out);

    return in->json ? olm_translate(&r) : WEIR_OK;
}

static weir_result dialect_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    if (event->type == WEIR_EVENT_DOCUMENT)
        return olm_write_document((const weir_dialect_config *)cfg, x,
                                  weir_text_to_utf8(&x->arena, event->text), out);
    return olm_stream_event(cfg, st, x, event, out);
}

const weir_dialect_v1 olm_dialect = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = sizeof(struct olm_encoder),
    .id = OLM_DIALECT,
    .endpoints = WEIR_ARRAY_OF(endpoints),
    .configure = weir_dialect_configure,
    .release = weir_dialect_release,
    .read = dialect_read,
    .translate = dialect_translate,
    .event = dialect_event,
    .end = olm_stream_end,
    .answer = olm_write_answer,
    .failure = olm_write_failure,
    .flags = WEIR_DIALECT_WHOLE_CALLS,
};
