/*
 * provider.c - the provider part "anthropic": where requests go and with which headers.
 *
 *   providers:
 *     anthropic: { plugin: anthropic, api_key: "${ANTHROPIC_API_KEY}" }
 *     subscription: { plugin: anthropic, api_key: ..., key_header: authorization }
 *
 * The options stand in options.h. Requests of the same API pass through with only the model and our
 * own members changed; see encode.c.
 */
#include "anthropic.h"

#include "decode.h"
#include "options.h"

#include <weir/sdk/configure.h>
#include <weir/sdk/forward.h>

static const weir_option provider_options[] = { ANTHROPIC_OPTIONS(WEIR_OPTION_ROW) };

static void provider_release(void *cfg)
{
    struct ant_config *c = (struct ant_config *)cfg;

    if (!c)
        return;
    free(c->version);
    free(c->beta);
    free(c->key_header);
    free(c);
}

static weir_result provider_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    static const char *const thinking[] = { "auto", "adaptive", "enabled", "none", NULL };
    static const char *const schema[] = { "auto", "format", "tool", "instruction", NULL };
    struct ant_config *c = (struct ant_config *)calloc(1, sizeof(*c));

    if (!c)
        return weir_error_memory(error);
    c->json = weir_host_json(host);
    c->version = weir_option_string(options, "version");
    c->beta = weir_option_names(options, "beta");
    c->key_header = weir_option_string(options, "key_header");
    c->max_tokens = weir_option_int64(options, "max_tokens", 4096);
    c->thinking = weir_option_choice(options, "thinking", thinking);
    c->schema = weir_option_choice(options, "structured_output", schema);
    if (!c->version || !c->beta || !c->key_header) {
        provider_release(c);
        return weir_error_memory(error);
    }
    if (c->max_tokens < 1) {
        provider_release(c);
        return weir_error_set(error, WEIR_INVALID, "max_tokens", "must be 1 or more");
    }
    *cfg = c;
    return WEIR_OK;
}

/* What is configured, with what the application asked for before it. */
static weir_result provider_beta(const struct ant_config *cfg, const weir_exchange *x,
                                 const weir_http_sink *out)
{
    weir_str all = weir_str_make("", 0);

    if (!cfg->beta[0])
        return WEIR_OK; /* the application's own crosses as it is */
    for (uint32_t i = 0; i < x->header_count; i++) {
        weir_str parts[3] = { all, weir_str_of(","), weir_str_trim(x->headers[i].value) };

        if (!weir_str_is_nocase(x->headers[i].name, "anthropic-beta") || !parts[2].len)
            continue;
        if (!all.len)
            parts[1].len = 0;
        all = weir_str_join(&x->arena, parts, 3);
        if (!all.ptr)
            return WEIR_NO_MEMORY;
    }
    weir_str parts[3] = { all, weir_str_make(",", all.len ? 1 : 0), weir_str_of(cfg->beta) };

    all = weir_str_join(&x->arena, parts, 3);
    return all.ptr ? weir_http_header(out, "anthropic-beta", all) : WEIR_NO_MEMORY;
}

static weir_result provider_headers(const struct ant_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str sent = weir_header_find(x->headers, x->header_count, "anthropic-version");

    WEIR_TRY(weir_http_key(out, x, cfg->key_header, "x-api-key"));
    if (!sent.len)
        WEIR_TRY(weir_http_header(out, "anthropic-version",
                                  weir_str_of(cfg->version[0] ? cfg->version : "2023-06-01")));
    return provider_beta(cfg, x, out);
}

/* A path under the base URL, whose /v1 is not doubled. */
static weir_str provider_path(const weir_exchange *x, weir_str path)
{
    return weir_path_under(x->target->base_url, "/v1", path);
}

/* Pass-through: the query is the application's, "?beta=true" as its SDK sends it. */
static weir_result provider_url(const weir_exchange *x, const char *path, weir_str *url)
{
    const char *query =
        x->native && x->path.len ? (const char *)memchr(x->path.ptr, '?', x->path.len) : NULL;
    weir_str parts[2] = { provider_path(x, weir_str_of(path)), weir_str_make("", 0) };

    if (query)
        parts[1] = weir_str_make(query, (size_t)(x->path.ptr + x->path.len - query));
    *url = weir_str_join(&x->arena, parts, 2);
    return url->ptr ? WEIR_OK : WEIR_NO_MEMORY;
}

static weir_result provider_post(const struct ant_config *cfg, const weir_exchange *x,
                                 const char *path, const weir_http_sink *out)
{
    weir_str url;

    WEIR_TRY(provider_url(x, path, &url));
    WEIR_TRY(weir_http_line(out, "POST", url));
    WEIR_TRY(provider_headers(cfg, x, out));
    WEIR_TRY(weir_http_header(out, "content-type", WEIR_S("application/json")));
    WEIR_TRY(weir_http_header(out, "accept",
                              weir_str_of(x->stream ? "text/event-stream" : "application/json")));
    return ant_write_body(cfg, x, out);
}

/* A forwarded body that names a model at its top gets the target's. */
static weir_result provider_forward_body(const struct ant_config *cfg, const weir_exchange *x,
                                         const weir_http_sink *out)
{
    weir_json doc;

    if (!x->target->model.len || !weir_forward_scan(cfg->json, x, &doc))
        return weir_forward_plain(x, out);
    return weir_forward_named(&doc, x, "model", x->target->model, out);
}

static weir_result provider_forward(const struct ant_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str method = weir_str_copy(&x->arena, x->method);

    if (!method.ptr)
        return WEIR_NO_MEMORY;
    WEIR_TRY(out->line(out->ctx, method, provider_path(x, x->path)));
    WEIR_TRY(provider_headers(cfg, x, out));
    WEIR_TRY(weir_forward_headers(x, out));
    return provider_forward_body(cfg, x, out);
}

static weir_result provider_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const struct ant_config *c = (const struct ant_config *)cfg;

    switch (x->op) {
    case WEIR_OP_CHAT:
        return provider_post(c, x, "/v1/messages", out);
    case WEIR_OP_COUNT:
        return provider_post(c, x, "/v1/messages/count_tokens", out);
    case WEIR_OP_MODELS:
        WEIR_TRY(weir_http_line(out, "GET", provider_path(x, WEIR_S("/v1/models?limit=1000"))));
        return provider_headers(c, x, out);
    case WEIR_OP_FORWARD:
        return provider_forward(c, x, out);
    default:
        return WEIR_UNSUPPORTED;
    }
}

static weir_result provider_head(void *cfg, void *st, const weir_exchange *x,
                                 const weir_response_head *head, const weir_events *out)
{
    struct ant_decoder *d = (struct ant_decoder *)st;

    d->schema_tool = ant_schema_by_tool((const struct ant_config *)cfg, x);
    return ant_decode_head(d, x, head, out);
}

static weir_result provider_frame(void *cfg, void *st, const weir_exchange *x,
                                  const weir_frame *frame, const weir_events *out)
{
    (void)cfg;
    return ant_decode_frame((struct ant_decoder *)st, x, frame, out);
}

static const char *const provider_native[] = { "anthropic.messages", NULL };
/* Content-Type and Accept are ours to write; see above. */
static const char *const provider_forward_headers[] = { "anthropic-*", "idempotency-key", NULL };
static const char *const provider_globs[] = { "claude-*", NULL };

const weir_provider_v1 ant_provider = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_COUNT) | WEIR_OP_BIT(WEIR_OP_MODELS) |
           WEIR_OP_BIT(WEIR_OP_FORWARD),
    .decoder_size = sizeof(struct ant_decoder),
    .can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_PARALLEL_TOOLS | WEIR_CAN_IMAGES |
           WEIR_CAN_DOCUMENTS | WEIR_CAN_JSON_SCHEMA | WEIR_CAN_REASONING | WEIR_CAN_PREFILL,
    .native = provider_native,
    .forward_headers = provider_forward_headers,
    .model_globs = provider_globs,
    .default_base_url = "https://api.anthropic.com",
    .key_variable = "ANTHROPIC_API_KEY",
    .options = WEIR_ARRAY_OF(provider_options),
    .configure = provider_configure,
    .release = provider_release,
    .encode = provider_encode,
    .head = provider_head,
    .frame = provider_frame,
};
