/*
 * provider.c - the provider part "openai": where requests go and with which headers.
 *
 *   providers:
 *     openai: { plugin: openai, api_key: "${OPENAI_API_KEY}" }
 *     groq:   { plugin: openai, base_url: https://api.groq.com/openai/v1, api_key: ... }
 *     azure:  { plugin: openai, base_url: https://NAME.openai.azure.com/openai/v1,
 *               key_header: api-key, api_key: ... }
 *
 * The options stand in options.h. Requests of the same API pass through with only the model, our
 * own members and stream_options changed; see encode.c.
 */
#include "openai.h"

#include "options.h"

#include <weir/sdk/configure.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/splice.h>

static const weir_option provider_options[] = { OPENAI_OPTIONS(WEIR_OPTION_ROW) };

static void provider_release(void *cfg)
{
    struct oai_config *c = (struct oai_config *)cfg;

    if (!c)
        return;
    free(c->organization);
    free(c->project);
    free(c->key_header);
    free(c->query);
    free(c->reasoning_field);
    free(c);
}

static weir_result provider_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct oai_config *c = (struct oai_config *)calloc(1, sizeof(*c));

    if (!c)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    c->json = host ? (const weir_json_service *)host->service(host, WEIR_SERVICE_JSON) : NULL;
    c->organization = weir_option_string(options, "organization");
    c->project = weir_option_string(options, "project");
    c->key_header = weir_option_string(options, "key_header");
    c->query = weir_option_string(options, "query");
    c->reasoning_field = weir_option_string(options, "reasoning_field");
    c->usage_in_stream = weir_option_bool(options, "usage_in_stream", true);
    if (!c->organization || !c->project || !c->key_header || !c->query || !c->reasoning_field) {
        provider_release(c);
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    }
    *cfg = c;
    return WEIR_OK;
}

bool oai_forces_usage(const struct oai_config *cfg, const weir_exchange *x)
{
    return cfg->usage_in_stream && x->op == WEIR_OP_CHAT && x->stream && !x->asked_usage;
}

/* The path with the configured query behind it. */
static weir_result provider_line(const struct oai_config *cfg, const weir_exchange *x,
                                 const char *method, weir_str path, const weir_http_sink *out)
{
    bool has_query = path.len && memchr(path.ptr, '?', path.len);
    weir_str parts[3] = { path, weir_str_of(has_query ? "&" : "?"), weir_str_of(cfg->query) };
    weir_str url = cfg->query[0] ? weir_str_join(&x->arena, parts, 3) : path;

    return url.ptr ? weir_http_line(out, method, url) : WEIR_NO_MEMORY;
}

static weir_result provider_headers(const struct oai_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str key = x->target->credential;

    if (!cfg->key_header[0] || weir_str_is_nocase(weir_str_of(cfg->key_header), "authorization"))
        WEIR_TRY(weir_http_bearer(out, &x->arena, key));
    else if (key.len)
        WEIR_TRY(weir_http_header(out, cfg->key_header, key));
    if (cfg->organization[0])
        WEIR_TRY(weir_http_header(out, "openai-organization", weir_str_of(cfg->organization)));
    if (cfg->project[0])
        WEIR_TRY(weir_http_header(out, "openai-project", weir_str_of(cfg->project)));
    return WEIR_OK;
}

static weir_result provider_post(const struct oai_config *cfg, const weir_exchange *x,
                                 const char *path, const weir_http_sink *out)
{
    WEIR_TRY(provider_line(cfg, x, "POST", weir_str_of(path), out));
    WEIR_TRY(provider_headers(cfg, x, out));
    WEIR_TRY(weir_http_header(out, "content-type", WEIR_S("application/json")));
    WEIR_TRY(weir_http_header(out, "accept",
                              weir_str_of(x->stream ? "text/event-stream" : "application/json")));
    return oai_write_body(cfg, x, out);
}

static bool provider_has_prefix(weir_str path)
{
    return weir_str_starts(path, "/v1/") || weir_str_is(path, "/v1");
}

/* A forwarded body names the model as we do: in JSON it is put right, if it can be read. */
static weir_result provider_forward_body(const struct oai_config *cfg, const weir_exchange *x,
                                         weir_str type, const weir_http_sink *out)
{
    weir_str model = x->target->model;
    weir_splice edit = weir_splice_replace("model", weir_str_make("", 0));
    weir_json doc;
    weir_writer w;

    if (!x->body.len)
        return WEIR_OK;
    if (!model.len || !cfg->json || !weir_str_starts(type, "application/json") ||
        cfg->json->scan(&x->arena, x->body, &doc, NULL) != WEIR_OK ||
        !weir_json_is_object(&doc, 0) ||
        weir_str_equal(weir_json_inner(&doc, weir_json_find(&doc, 0, "model")), model))
        return out->body(out->ctx, x->body);
    weir_writer_init(&w, &x->arena, model.len + 8);
    weir_write_string(&w, model);
    WEIR_TRY(weir_writer_finish(&w, &edit.json));
    return weir_splice_write(&doc, 0, &edit, 1, out->body, out->ctx);
}

/* A path that is passed on: under the base URL, whose /v1 is not doubled. */
static weir_result provider_forward(const struct oai_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str type = weir_header_find(x->headers, x->header_count, "content-type");
    weir_str accept = weir_header_find(x->headers, x->header_count, "accept");
    weir_str path = x->path;
    weir_str method = weir_str_copy(&x->arena, x->method);

    if (!method.ptr)
        return WEIR_NO_MEMORY;
    if (weir_str_ends(x->target->base_url, "/v1") && provider_has_prefix(path))
        path = weir_str_skip(path, 3);
    if (cfg->query[0]) {
        weir_str parts[3] = { path, weir_str_of(memchr(path.ptr, '?', path.len) ? "&" : "?"),
                              weir_str_of(cfg->query) };
        path = weir_str_join(&x->arena, parts, 3);
    }
    if (!path.ptr)
        return WEIR_NO_MEMORY;
    WEIR_TRY(out->line(out->ctx, method, path));
    WEIR_TRY(provider_headers(cfg, x, out));
    if (type.len)
        WEIR_TRY(weir_http_header(out, "content-type", type));
    if (accept.len)
        WEIR_TRY(weir_http_header(out, "accept", accept));
    return provider_forward_body(cfg, x, type, out);
}

static weir_result provider_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const struct oai_config *c = (const struct oai_config *)cfg;

    switch (x->op) {
    case WEIR_OP_CHAT:
        return provider_post(c, x, "/chat/completions", out);
    case WEIR_OP_EMBED:
        return provider_post(c, x, "/embeddings", out);
    case WEIR_OP_MODELS:
        WEIR_TRY(provider_line(c, x, "GET", WEIR_S("/models"), out));
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
    (void)cfg;
    return oai_decode_head((struct oai_decoder *)st, x, head, out);
}

static weir_result provider_frame(void *cfg, void *st, const weir_exchange *x,
                                  const weir_frame *frame, const weir_events *out)
{
    bool forced = x->native && oai_forces_usage((const struct oai_config *)cfg, x);

    return oai_decode_frame((struct oai_decoder *)st, x, frame, forced, out);
}

static const char *const provider_native[] = { "openai.chat", NULL };
/* Content-Type and Accept are ours to write; see above. */
static const char *const provider_forward_headers[] = { "openai-*", "idempotency-key",
                                                        "x-client-request-id", NULL };
static const char *const provider_globs[] = { "gpt-*",
                                              "o1*",
                                              "o3*",
                                              "o4*",
                                              "chatgpt-*",
                                              "codex-*",
                                              "text-embedding-*",
                                              "dall-e-*",
                                              "gpt-image*",
                                              "whisper-*",
                                              "tts-*",
                                              "omni-moderation*",
                                              "text-moderation*",
                                              "davinci-*",
                                              "babbage-*",
                                              "computer-use-*",
                                              "ft:gpt-*",
                                              "sora-*",
                                              NULL };

const weir_provider_v1 oai_provider = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_EMBED) | WEIR_OP_BIT(WEIR_OP_MODELS) |
           WEIR_OP_BIT(WEIR_OP_FORWARD),
    .decoder_size = sizeof(struct oai_decoder),
    .can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_PARALLEL_TOOLS | WEIR_CAN_IMAGES |
           WEIR_CAN_AUDIO | WEIR_CAN_DOCUMENTS | WEIR_CAN_JSON_MODE | WEIR_CAN_JSON_SCHEMA |
           WEIR_CAN_REASONING | WEIR_CAN_LOGPROBS | WEIR_CAN_CHOICES | WEIR_CAN_SEED |
           WEIR_CAN_EMBEDDINGS,
    .native = provider_native,
    .forward_headers = provider_forward_headers,
    .model_globs = provider_globs,
    .default_base_url = "https://api.openai.com/v1",
    .key_variable = "OPENAI_API_KEY",
    .options = WEIR_ARRAY_OF(provider_options),
    .configure = provider_configure,
    .release = provider_release,
    .encode = provider_encode,
    .head = provider_head,
    .frame = provider_frame,
};
