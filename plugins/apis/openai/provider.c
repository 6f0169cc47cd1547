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
#include "responses.h"

#include <weir/sdk/configure.h>
#include <weir/sdk/forward.h>

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
    free(c->responses);
    free(c->api);
    free(c->wording);
    free(c->base_url);
    free(c);
}

static weir_result provider_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct oai_config *c = (struct oai_config *)calloc(1, sizeof(*c));

    if (!c)
        return weir_error_memory(error);
    c->json = weir_host_json(host);
    c->organization = weir_option_string(options, "organization");
    c->project = weir_option_string(options, "project");
    c->key_header = weir_option_string(options, "key_header");
    c->query = weir_option_string(options, "query");
    c->reasoning_field = weir_option_string(options, "reasoning_field");
    c->responses = weir_option_string(options, "responses");
    c->api = weir_option_string(options, "api");
    c->wording = weir_option_string(options, "wording");
    c->base_url = weir_option_string(options, "base_url");
    c->usage_in_stream = weir_option_bool(options, "usage_in_stream", true);
    if (!c->organization || !c->project || !c->key_header || !c->query || !c->reasoning_field ||
        !c->responses || !c->api || !c->wording || !c->base_url) {
        provider_release(c);
        return weir_error_memory(error);
    }
    *cfg = c;
    return WEIR_OK;
}

bool oai_forces_usage(const struct oai_config *cfg, const weir_exchange *x)
{
    return cfg->usage_in_stream && x->op == WEIR_OP_CHAT && x->stream && !x->asked_usage;
}

/* The path with the configured query behind it. */
static weir_result provider_url(const struct oai_config *cfg, const weir_exchange *x, weir_str path,
                                weir_str *url)
{
    bool has_query = path.len && memchr(path.ptr, '?', path.len);
    weir_str parts[3] = { path, weir_str_of(has_query ? "&" : "?"), weir_str_of(cfg->query) };

    *url = cfg->query[0] ? weir_str_join(&x->arena, parts, 3) : path;
    return url->ptr ? WEIR_OK : WEIR_NO_MEMORY;
}

static weir_result provider_line(const struct oai_config *cfg, const weir_exchange *x,
                                 const char *method, weir_str path, const weir_http_sink *out)
{
    weir_str url;

    WEIR_TRY(provider_url(cfg, x, path, &url));
    return weir_http_line(out, method, url);
}

static weir_result provider_headers(const struct oai_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    WEIR_TRY(weir_http_key(out, x, cfg->key_header, "authorization"));
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
    return resp_is_used(cfg, x) ? resp_write_body(x, out) : oai_write_body(cfg, x, out);
}

/* A forwarded body names the model as we do: in JSON it is put right, if it can be read. */
static weir_result provider_forward_body(const struct oai_config *cfg, const weir_exchange *x,
                                         const weir_http_sink *out)
{
    weir_str model = x->target->model;
    weir_json doc;

    if (!model.len || !weir_forward_scan(cfg->json, x, &doc) ||
        weir_str_equal(weir_json_inner(&doc, weir_json_find(&doc, 0, "model")), model))
        return weir_forward_plain(x, out);
    return weir_forward_named(&doc, x, "model", model, out);
}

/* A path that is passed on: under the base URL, whose /v1 is not doubled. */
static weir_result provider_forward(const struct oai_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str method = weir_str_copy(&x->arena, x->method);
    weir_str url;

    if (!method.ptr)
        return WEIR_NO_MEMORY;
    WEIR_TRY(provider_url(cfg, x, weir_path_under(x->target->base_url, "/v1", x->path), &url));
    WEIR_TRY(out->line(out->ctx, method, url));
    WEIR_TRY(provider_headers(cfg, x, out));
    WEIR_TRY(weir_forward_headers(x, out));
    return provider_forward_body(cfg, x, out);
}

static weir_result provider_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const struct oai_config *c = (const struct oai_config *)cfg;

    switch (x->op) {
    case WEIR_OP_CHAT:
        return provider_post(c, x, resp_is_used(c, x) ? "/responses" : "/chat/completions", out);
    case WEIR_OP_COUNT:
        return resp_spoken(c) ? provider_post(c, x, "/responses/input_tokens", out)
                              : WEIR_UNSUPPORTED;
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
    if (resp_is_used((const struct oai_config *)cfg, x))
        return resp_decode_head((struct resp_decoder *)st, x, head, out);
    return oai_decode_head((struct oai_decoder *)st, x, head, out);
}

static weir_result provider_frame(void *cfg, void *st, const weir_exchange *x,
                                  const weir_frame *frame, const weir_events *out)
{
    const struct oai_config *c = (const struct oai_config *)cfg;
    bool forced = x->native && oai_forces_usage(c, x);

    if (resp_is_used(c, x))
        return resp_decode_frame(c, (struct resp_decoder *)st, x, frame, out);
    return oai_decode_frame((struct oai_decoder *)st, x, frame, forced, out);
}

/* Models that are not served by Chat Completions. */
static bool provider_only_responses(weir_str model)
{
    static const char *const globs[] = { "o1-pro*", "o3-pro*",        "gpt-5*-pro*",
                                         "*codex*", "computer-use-*", "*deep-research*" };

    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
        if (weir_glob(weir_str_of(globs[i]), model))
            return true;
    }
    return false;
}

/* Whether the vendor is OpenAI itself, or Azure with OpenAI's present API. */
static bool provider_is_openai(const struct oai_config *cfg)
{
    weir_str url = weir_str_of(cfg->base_url);

    return !url.len || weir_str_starts(url, "https://api.openai.com") ||
           (weir_str_mentions(url, ".azure.com") && weir_str_mentions(url, "/openai/v1"));
}

/* A model of OpenAI's, whoever passes it on; not one that anybody can serve. */
static bool provider_has_openai_model(weir_str model)
{
    static const char *const globs[] = { "gpt-*", "chatgpt-*", "codex-*", "ft:gpt-*",
                                         "o1*",   "o3*",       "o4*" };
    weir_str rest = model;

    while (rest.len) /* "openai/gpt-5" */
        model = weir_str_split(&rest, '/');
    if (weir_glob(WEIR_S("gpt-oss*"), model))
        return false;
    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
        if (weir_glob(weir_str_of(globs[i]), model))
            return true;
    }
    return false;
}

bool oai_is_classic(const struct oai_config *cfg, const weir_exchange *x)
{
    if (strcmp(cfg->wording, "classic") == 0 || strcmp(cfg->wording, "current") == 0)
        return cfg->wording[1] == 'l';
    return !provider_is_openai(cfg) &&
           !weir_str_mentions(weir_str_of(cfg->base_url), ".openai.azure.com") &&
           !provider_has_openai_model(x->target->model);
}

bool resp_spoken(const struct oai_config *cfg)
{
    if (strcmp(cfg->responses, "yes") == 0 || strcmp(cfg->responses, "no") == 0)
        return cfg->responses[0] == 'y';
    return provider_is_openai(cfg);
}

bool resp_is_used(const struct oai_config *cfg, const weir_exchange *x)
{
    if (x->op == WEIR_OP_COUNT)
        return true;
    if (x->op != WEIR_OP_CHAT)
        return false;
    if (x->native)
        return weir_str_is(x->dialect, RESP_DIALECT);
    if (strcmp(cfg->api, "chat") == 0 || strcmp(cfg->api, "responses") == 0)
        return cfg->api[0] == 'r';
    return resp_spoken(cfg) && provider_only_responses(x->target->model);
}

static bool provider_speaks(void *cfg, weir_str dialect)
{
    return !weir_str_is(dialect, RESP_DIALECT) || resp_spoken((const struct oai_config *)cfg);
}

/* State of either decoder. */
union provider_state {
    struct oai_decoder chat;
    struct resp_decoder responses;
};

static const char *const provider_native[] = { "openai.chat", RESP_DIALECT, NULL };
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
           WEIR_OP_BIT(WEIR_OP_FORWARD) | WEIR_OP_BIT(WEIR_OP_COUNT),
    .decoder_size = sizeof(union provider_state),
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
    .speaks = provider_speaks,
};
