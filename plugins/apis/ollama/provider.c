/*
 * provider.c - the provider part "ollama": where requests go and with which headers.
 *
 *   providers:
 *     local: { plugin: ollama }
 *     cloud: { plugin: ollama, base_url: https://ollama.com, api_key: "${OLLAMA_API_KEY}" }
 *
 * The options stand in options.h. Requests of the same API pass through to the endpoint they came
 * by, with only the model changed; see encode.c.
 */
#include "ollama.h"

#include "options.h"

#include <weir/sdk/configure.h>
#include <weir/sdk/forward.h>

static const weir_option provider_options[] = { OLLAMA_OPTIONS(WEIR_OPTION_ROW) };

static void provider_release(void *cfg)
{
    struct olm_config *c = (struct olm_config *)cfg;

    if (!c)
        return;
    free(c->keep_alive);
    free(c);
}

static weir_result provider_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct olm_config *c = (struct olm_config *)calloc(1, sizeof(*c));

    if (!c)
        return weir_error_memory(error);
    c->json = weir_host_json(host);
    c->keep_alive = weir_option_string(options, "keep_alive");
    c->num_ctx = weir_option_int64(options, "num_ctx", 0);
    if (!c->keep_alive || c->num_ctx < 0) {
        weir_result result = c->keep_alive
                                 ? weir_error_set(error, WEIR_INVALID, "num_ctx",
                                                  "num_ctx is a number of tokens, e.g. 32768")
                                 : weir_error_memory(error);

        provider_release(c);
        return result;
    }
    *cfg = c;
    return WEIR_OK;
}

unsigned olm_endpoint(weir_str path)
{
    static const struct {
        const char *path;
        unsigned endpoint;
    } table[] = {
        { "/api/chat", OLM_CHAT },   { "/api/generate", OLM_GENERATE },
        { "/api/embed", OLM_EMBED }, { "/api/embeddings", OLM_EMBEDDINGS },
        { "/api/tags", OLM_TAGS },   { "/api/show", OLM_SHOW },
    };
    weir_str bare = weir_str_split(&path, '?');

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_ends(bare, table[i].path))
            return table[i].endpoint;
    }
    return OLM_OTHER;
}

unsigned olm_target_endpoint(const weir_exchange *x)
{
    unsigned asked = weir_str_is(x->dialect, OLM_DIALECT) ? olm_endpoint(x->path) : OLM_OTHER;

    if (x->op == WEIR_OP_EMBED)
        return asked == OLM_EMBEDDINGS ? OLM_EMBEDDINGS : OLM_EMBED;
    return asked == OLM_GENERATE ? OLM_GENERATE : OLM_CHAT;
}

/* The base URL may end in /api, as ollama.com's is written. */
static weir_result provider_line(const weir_exchange *x, weir_str method, weir_str path,
                                 const weir_http_sink *out)
{
    WEIR_TRY(out->line(out->ctx, method, weir_path_under(x->target->base_url, "/api", path)));
    return weir_http_bearer(out, &x->arena, x->target->credential);
}

static weir_result provider_post(const struct olm_config *cfg, const weir_exchange *x,
                                 const weir_http_sink *out)
{
    static const char *const paths[] = {
        [OLM_CHAT] = "/api/chat",
        [OLM_GENERATE] = "/api/generate",
        [OLM_EMBED] = "/api/embed",
        [OLM_EMBEDDINGS] = "/api/embeddings",
    };
    bool lines = x->stream && x->op == WEIR_OP_CHAT;

    WEIR_TRY(provider_line(x, WEIR_S("POST"), weir_str_of(paths[olm_target_endpoint(x)]), out));
    WEIR_TRY(weir_http_header(out, "content-type", WEIR_S("application/json")));
    WEIR_TRY(weir_http_header(out, "accept",
                              weir_str_of(lines ? "application/x-ndjson" : "application/json")));
    return olm_write_body(cfg, x, out);
}

/*
 * A body that is passed on keeps its model name, which is one of Ollama's own: pulling or deleting
 * another model than was named would be worse than an error. Only "provider/model" loses the
 * provider, which is a name of ours.
 */
static weir_result provider_forward_body(const struct olm_config *cfg, const weir_exchange *x,
                                         const weir_http_sink *out)
{
    weir_str parts[3] = { x->target->provider, WEIR_S("/"), x->target->model };
    weir_str full = weir_str_join(&x->arena, parts, 3);
    weir_json doc;

    if (!full.ptr)
        return WEIR_NO_MEMORY;
    if (!cfg->json || !weir_str_starts(weir_str_trim(x->body), "{") ||
        cfg->json->scan(&x->arena, x->body, &doc, NULL) != WEIR_OK ||
        !weir_text_equal(weir_json_text(&doc, weir_json_find(&doc, 0, "model")),
                         weir_text_from(full)))
        return weir_forward_plain(x, out);
    return weir_forward_named(&doc, x, "model", x->target->model, out);
}

/* A request that is sent on as it came. */
static weir_result provider_forward(const struct olm_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str method = weir_str_copy(&x->arena, x->method);

    if (!method.ptr)
        return WEIR_NO_MEMORY;
    WEIR_TRY(provider_line(x, method, x->path, out));
    WEIR_TRY(weir_forward_headers(x, out));
    return provider_forward_body(cfg, x, out);
}

static weir_result provider_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const struct olm_config *c = (const struct olm_config *)cfg;

    switch (x->op) {
    case WEIR_OP_CHAT:
    case WEIR_OP_EMBED:
        return provider_post(c, x, out);
    case WEIR_OP_MODELS:
        if (x->native && olm_endpoint(x->path) == OLM_SHOW)
            return provider_forward(c, x, out);
        return provider_line(x, WEIR_S("GET"), WEIR_S("/api/tags"), out);
    case WEIR_OP_FORWARD:
        return provider_forward(c, x, out);
    default:
        return WEIR_UNSUPPORTED;
    }
}

static weir_result provider_head(void *cfg, void *st, const weir_exchange *x,
                                 const weir_response_head *head, const weir_events *out)
{
    (void)cfg;
    return olm_decode_head((struct olm_decoder *)st, x, head, out);
}

static weir_result provider_frame(void *cfg, void *st, const weir_exchange *x,
                                  const weir_frame *frame, const weir_events *out)
{
    (void)cfg;
    return olm_decode_frame((struct olm_decoder *)st, x, frame, out);
}

static const char *const provider_native[] = { OLM_DIALECT, NULL };
/* Content-Type and Accept are ours to write; see above. */
static const char *const provider_forward_headers[] = { NULL };
/* Nobody else names models like that; what it has it lists by the shorter name. */
static const char *const provider_globs[] = { "*:latest", NULL };

const weir_provider_v1 olm_provider = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_EMBED) | WEIR_OP_BIT(WEIR_OP_MODELS) |
           WEIR_OP_BIT(WEIR_OP_FORWARD),
    .decoder_size = sizeof(struct olm_decoder),
    .can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_PARALLEL_TOOLS | WEIR_CAN_IMAGES |
           WEIR_CAN_JSON_MODE | WEIR_CAN_JSON_SCHEMA | WEIR_CAN_REASONING | WEIR_CAN_LOGPROBS |
           WEIR_CAN_SEED | WEIR_CAN_PREFILL | WEIR_CAN_EMBEDDINGS,
    .native = provider_native,
    .forward_headers = provider_forward_headers,
    .model_globs = provider_globs,
    .default_base_url = "http://localhost:11434",
    .options = WEIR_ARRAY_OF(provider_options),
    .configure = provider_configure,
    .release = provider_release,
    .encode = provider_encode,
    .head = provider_head,
    .frame = provider_frame,
};
