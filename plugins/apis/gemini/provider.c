/*
 * provider.c - the provider part "gemini": where requests go and with which headers.
 *
 *   providers:
 *     gemini: { plugin: gemini, api_key: "${GEMINI_API_KEY}" }
 *     vertex: { plugin: gemini, key_header: authorization, version: "", api_key: ...,
 *               base_url:
 * https://aiplatform.googleapis.com/v1/projects/P/locations/global/publishers/google }
 *
 * The options stand in options.h. Requests of the same API pass through with only the model and our
 * own member changed; see encode.c.
 */
#include "gemini.h"

#include "options.h"

#include <weir/sdk/configure.h>
#include <weir/sdk/forward.h>

static const weir_option provider_options[] = { GEMINI_OPTIONS(WEIR_OPTION_ROW) };

static void provider_release(void *cfg)
{
    struct gem_config *c = (struct gem_config *)cfg;

    if (!c)
        return;
    free(c->version);
    free(c->key_header);
    free(c);
}

static weir_result provider_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    static const char *const schemas[] = { "auto", "json", "openapi", NULL }; /* GEM_SCHEMA_* */
    struct gem_config *c = (struct gem_config *)calloc(1, sizeof(*c));

    if (!c)
        return weir_error_memory(error);
    c->json = weir_host_json(host);
    c->version = weir_option_string(options, "version");
    c->key_header = weir_option_string(options, "key_header");
    c->schema = weir_option_choice(options, "schema", schemas);
    if (!c->version || !c->key_header) {
        provider_release(c);
        return weir_error_memory(error);
    }
    *cfg = c;
    return WEIR_OK;
}

/* -- Paths ------------------------------------------------------------------------------------ */

/* Writes bytes of a path; what has a meaning in URLs is escaped. */
static void path_escaped(weir_writer *w, weir_str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~/@", c));

        if (plain) {
            weir_write_byte(w, (char)c);
        } else {
            weir_write_byte(w, '%');
            weir_write_byte(w, hex[c >> 4]);
            weir_write_byte(w, hex[c & 15]);
        }
    }
}

/* The version to speak: the application's own, if it speaks this API and the provider has one. */
static weir_str path_version(const struct gem_config *cfg, const weir_exchange *x)
{
    static const char *const known[] = { "v1", "v1alpha", "v1beta", "v1beta1" };
    weir_str rest = weir_str_skip(x->path, 1);
    weir_str first = weir_str_split(&rest, '/');

    for (size_t i = 0; x->native && cfg->version[0] && i < sizeof(known) / sizeof(known[0]); i++) {
        if (weir_str_is(first, known[i]))
            return first;
    }
    return weir_str_of(cfg->version);
}

static void path_open(weir_writer *w, const struct gem_config *cfg, const weir_exchange *x)
{
    weir_str version = path_version(cfg, x);

    if (version.len) {
        weir_write_byte(w, '/');
        weir_write_bytes(w, version.ptr, version.len);
    }
    weir_write_byte(w, '/');
}

/* The application's query, without keys: they are the gateway's and not the vendor's. */
static void path_query(weir_writer *w, const weir_exchange *x)
{
    weir_str query = x->path;
    bool any = false;

    for (weir_str_split(&query, '?'); query.len;) {
        weir_str pair = weir_str_split(&query, '&');

        if (!pair.len || weir_str_starts(pair, "key=") || weir_str_starts(pair, "access_token="))
            continue;
        weir_write_byte(w, any ? '&' : '?');
        weir_write_bytes(w, pair.ptr, pair.len);
        any = true;
    }
}

/* What a canonical request is asked with. */
static weir_str path_canonical_method(const weir_exchange *x)
{
    uint32_t input = weir_json_find(x->request, 0, "input");

    switch (x->op) {
    case WEIR_OP_EMBED:
        return weir_json_is_array(x->request, input) ? WEIR_S("batchEmbedContents")
                                                     : WEIR_S("embedContent");
    case WEIR_OP_COUNT:
        return WEIR_S("countTokens");
    default:
        return x->stream ? WEIR_S("streamGenerateContent") : WEIR_S("generateContent");
    }
}

static weir_result path_of_model(const struct gem_config *cfg, const weir_exchange *x,
                                 weir_str *url)
{
    weir_str resource = gem_model_resource(&x->arena, x->target->model);
    weir_str method = x->native ? gem_path_method(x->path) : path_canonical_method(x);
    weir_writer w;

    if (!resource.ptr)
        return WEIR_NO_MEMORY;
    weir_writer_init(&w, &x->arena, resource.len + 128);
    path_open(&w, cfg, x);
    path_escaped(&w, resource);
    weir_write_byte(&w, ':');
    weir_write_bytes(&w, method.ptr, method.len);
    if (x->native)
        path_query(&w, x);
    else if (x->op == WEIR_OP_CHAT && x->stream)
        weir_write_bytes(&w, "?alt=sse", 8);
    return weir_writer_finish(&w, url);
}

/* -- Requests --------------------------------------------------------------------------------- */

static weir_result provider_headers(const struct gem_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    return weir_http_key(out, x, cfg->key_header, "x-goog-api-key");
}

static weir_result provider_post(const struct gem_config *cfg, const weir_exchange *x,
                                 const weir_http_sink *out)
{
    weir_str url;

    WEIR_TRY(path_of_model(cfg, x, &url));
    WEIR_TRY(weir_http_line(out, "POST", url));
    WEIR_TRY(provider_headers(cfg, x, out));
    WEIR_TRY(weir_http_header(out, "content-type", WEIR_S("application/json")));
    return gem_write_body(cfg, x, out);
}

static weir_result provider_models(const struct gem_config *cfg, const weir_exchange *x,
                                   const weir_http_sink *out)
{
    weir_writer w;
    weir_str url;

    weir_writer_init(&w, &x->arena, 64);
    path_open(&w, cfg, x);
    weir_write_bytes(&w, "models?pageSize=1000", 20);
    WEIR_TRY(weir_writer_finish(&w, &url));
    WEIR_TRY(weir_http_line(out, "GET", url));
    return provider_headers(cfg, x, out);
}

/* Caches and tuned models name a model in the body, "models/NAME"; it is put right. */
static weir_result provider_forward_body(const struct gem_config *cfg, const weir_exchange *x,
                                         const weir_http_sink *out)
{
    weir_json doc;

    if (!x->target->model.len || !weir_forward_scan(cfg->json, x, &doc) ||
        !weir_json_is_string(&doc, weir_json_find(&doc, 0, "model")))
        return weir_forward_plain(x, out);
    return weir_forward_named(&doc, x, "model", gem_model_resource(&x->arena, x->target->model),
                              out);
}

static weir_result provider_forward(const struct gem_config *cfg, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    weir_str path = x->path, url;
    weir_writer w;

    path = weir_str_split(&path, '?');
    weir_writer_init(&w, &x->arena, 256);
    weir_write_bytes(&w, path.ptr, path.len);
    path_query(&w, x);
    WEIR_TRY(weir_writer_finish(&w, &url));
    WEIR_TRY(out->line(out->ctx, x->method, url));
    WEIR_TRY(provider_headers(cfg, x, out));
    WEIR_TRY(weir_forward_headers(x, out));
    return provider_forward_body(cfg, x, out);
}

static weir_result provider_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const struct gem_config *c = (const struct gem_config *)cfg;

    switch (x->op) {
    case WEIR_OP_CHAT:
    case WEIR_OP_EMBED:
    case WEIR_OP_COUNT:
        return provider_post(c, x, out);
    case WEIR_OP_MODELS:
        return provider_models(c, x, out);
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
    return gem_decode_head((struct gem_decoder *)st, x, head, out);
}

static weir_result provider_frame(void *cfg, void *st, const weir_exchange *x,
                                  const weir_frame *frame, const weir_events *out)
{
    (void)cfg;
    return gem_decode_frame((struct gem_decoder *)st, x, frame, out);
}

static const char *const provider_native[] = { GEM_DIALECT, NULL };
/* Keys are kept back by the core, whatever header they come in. */
static const char *const provider_forward_headers[] = { "x-goog-*", "x-server-timeout", NULL };
static const char *const provider_globs[] = { "gemini-*",
                                              "gemma-*",
                                              "learnlm-*",
                                              "text-embedding-00*",
                                              "embedding-001",
                                              "gemini-embedding-*",
                                              "models/*",
                                              "tunedModels/*",
                                              "imagen-*",
                                              "veo-*",
                                              "lyria-*",
                                              "aqa",
                                              NULL };

const weir_provider_v1 gem_provider = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_EMBED) | WEIR_OP_BIT(WEIR_OP_MODELS) |
           WEIR_OP_BIT(WEIR_OP_COUNT) | WEIR_OP_BIT(WEIR_OP_FORWARD),
    .decoder_size = sizeof(struct gem_decoder),
    .can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_PARALLEL_TOOLS | WEIR_CAN_IMAGES |
           WEIR_CAN_AUDIO | WEIR_CAN_DOCUMENTS | WEIR_CAN_JSON_MODE | WEIR_CAN_JSON_SCHEMA |
           WEIR_CAN_REASONING | WEIR_CAN_LOGPROBS | WEIR_CAN_CHOICES | WEIR_CAN_SEED |
           WEIR_CAN_PREFILL | WEIR_CAN_EMBEDDINGS,
    .native = provider_native,
    .forward_headers = provider_forward_headers,
    .model_globs = provider_globs,
    .default_base_url = "https://generativelanguage.googleapis.com",
    .key_variable = "GEMINI_API_KEY",
    .options = WEIR_ARRAY_OF(provider_options),
    .configure = provider_configure,
    .release = provider_release,
    .encode = provider_encode,
    .head = provider_head,
    .frame = provider_frame,
};
