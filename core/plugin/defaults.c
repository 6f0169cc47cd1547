/*
 * defaults.c - what is called where a part has no function of its own, so that nobody who calls a
 * part ever tests for NULL.
 */
#include <string.h>

#include "plugin/error.h"
#include "plugin/normalise.h"

/* -- All faces --------------------------------------------------------------------------------- */

static weir_result no_configure(const weir_host *host, const weir_json *options, void **cfg,
                                weir_error *error)
{
    (void)host;
    (void)options;
    (void)error;
    *cfg = NULL;
    return WEIR_OK;
}

static void no_release(void *cfg)
{
    (void)cfg;
}

static const char *const empty_list[] = { NULL };

/* -- Provider ---------------------------------------------------------------------------------- */

static gboolean is_event_stream(const weir_header *h)
{
    static const char name[] = "content-type", type[] = "text/event-stream";
    gsize len = sizeof(type) - 1;
    return h->name.len == sizeof(name) - 1 &&
           g_ascii_strncasecmp(h->name.ptr, name, h->name.len) == 0 && h->value.len >= len &&
           g_ascii_strncasecmp(h->value.ptr, type, len) == 0 &&
           (h->value.len == len || strchr("; \t", h->value.ptr[len]));
}

static weir_result default_head(void *cfg, void *st, const weir_exchange *x,
                                const weir_response_head *head, const weir_events *out)
{
    (void)cfg;
    (void)st;
    (void)x;
    (void)out;
    for (uint32_t i = 0; i < head->header_count; i++) {
        if (is_event_stream(&head->headers[i])) {
            return WEIR_FRAME_SSE;
        }
    }
    return WEIR_FRAME_WHOLE;
}

static weir_result no_sign(void *cfg, const weir_exchange *x, weir_str method, weir_str url,
                           const weir_header *headers, uint32_t header_count, const weir_str *body,
                           uint32_t body_count, const weir_http_sink *out)
{
    (void)cfg;
    (void)x;
    (void)method;
    (void)url;
    (void)headers;
    (void)header_count;
    (void)body;
    (void)body_count;
    (void)out;
    return WEIR_OK;
}

static bool speaks_all(void *cfg, weir_str dialect)
{
    (void)cfg;
    (void)dialect;
    return true;
}

/* -- Dialect ----------------------------------------------------------------------------------- */

static weir_result no_translate(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    (void)cfg;
    (void)in;
    (void)out;
    return WEIR_UNSUPPORTED;
}

static weir_result no_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    (void)cfg;
    (void)st;
    (void)x;
    (void)out;
    return WEIR_OK;
}

/* -- Strategy ---------------------------------------------------------------------------------- */

static void no_observe(void *cfg, void *state, void *child_state, const weir_outcome *outcome)
{
    (void)cfg;
    (void)state;
    (void)child_state;
    (void)outcome;
}

/* -- Filter ------------------------------------------------------------------------------------ */

static weir_result pass_request(void *cfg, void *st, const weir_exchange *x,
                                const weir_edit_sink *out)
{
    (void)cfg;
    (void)st;
    (void)x;
    (void)out;
    return WEIR_OK;
}

static weir_result pass_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_events *next)
{
    (void)cfg;
    (void)st;
    (void)x;
    return next->emit(next->ctx, event);
}

/* -- Filling in -------------------------------------------------------------------------------- */

#define FILL(field, with)     \
    do {                      \
        if (!(field)) {       \
            (field) = (with); \
        }                     \
    } while (0)

static gboolean need(const struct plugin_part *part, gboolean there, const char *function,
                     GError **error)
{
    return there || plugin_refuse(error,
                                  "the %s \"%s\" has no %s, which every %s must have: write "
                                  "it",
                                  plugin_face_name(part->face), part->name, function,
                                  plugin_face_name(part->face));
}

static gboolean provider(struct plugin_part *part, GError **error)
{
    weir_provider_v1 *v = &part->provider;
    FILL(v->native, empty_list);
    FILL(v->forward_headers, empty_list);
    FILL(v->model_globs, empty_list);
    FILL(v->configure, no_configure);
    FILL(v->release, no_release);
    FILL(v->head, default_head);
    FILL(v->sign, no_sign);
    FILL(v->speaks, speaks_all);
    return need(part, v->encode != NULL, "encode", error) &&
           need(part, v->frame != NULL, "frame", error);
}

static gboolean dialect(struct plugin_part *part, GError **error)
{
    weir_dialect_v1 *v = &part->dialect;
    FILL(v->id, part->name);
    FILL(v->configure, no_configure);
    FILL(v->release, no_release);
    FILL(v->translate, no_translate);
    FILL(v->end, no_end);
    return need(part, v->read != NULL, "read", error) &&
           need(part, v->event != NULL, "event", error) &&
           need(part, v->answer != NULL, "answer", error) &&
           need(part, v->failure != NULL, "failure", error);
}

static gboolean strategy(struct plugin_part *part, GError **error)
{
    weir_strategy_v1 *v = &part->strategy;
    FILL(v->configure, no_configure);
    FILL(v->release, no_release);
    FILL(v->observe, no_observe);
    return need(part, v->next != NULL, "next", error);
}

static gboolean filter(struct plugin_part *part)
{
    weir_filter_v1 *v = &part->filter;
    FILL(v->configure, no_configure);
    FILL(v->release, no_release);
    FILL(v->request, pass_request);
    FILL(v->event, pass_event);
    return TRUE;
}

gboolean plugin_defaults(struct plugin_part *part, GError **error)
{
    switch (part->face) {
    case PLUGIN_PROVIDER:
        return provider(part, error);
    case PLUGIN_DIALECT:
        return dialect(part, error);
    case PLUGIN_STRATEGY:
        return strategy(part, error);
    default:
        return filter(part);
    }
}
