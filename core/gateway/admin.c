/*
 * admin.c - see admin.h.
 */
#include "gateway/admin.h"
#include "base/str.h"
#include "engine/stats.h"

static void reply(struct http_request *req, unsigned status, const char *type, weir_str body)
{
    const weir_header headers[] = { { S("content-type"), str_of(type) }, GUARD_CHALLENGE };

    http_reply_whole(req, status, headers, status == 401 ? 2 : 1, body);
}

static void reply_metrics(struct engine *engine, struct http_request *req)
{
    g_autofree char *text = stats_text(engine->workers, engine->count);

    reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", str_of(text));
}

/* Errors take the form most applications can read. Everything in them is ours: nothing of the
 * request is repeated. */
static void reply_unknown(const struct generation *generation, struct http_request *req)
{
    struct endpoint_match match;
    unsigned status = generation_match(generation, req->head.method, req->head.path,
                                       req->head.headers, req->head.header_count, &match);

    if (status == 405 || str_is(req->head.path, "/reload"))
        reply(req, 405, "application/json",
              S("{\"error\":{\"message\":\"this path is not served with this method\","
                "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"method_not_allowed\"}"
                "}"));
    else
        reply(req, 404, "application/json",
              S("{\"error\":{\"message\":\"no API is served at this path; OpenAI's is at /v1, and "
                "/healthz, /readyz, /metrics and /reload are the gateway's own\","
                "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"unknown_url\"}}"));
}

bool admin_is_probe(const struct http_request *req)
{
    return str_is(req->head.path, "/healthz") || str_is(req->head.path, "/readyz");
}

bool admin_is_reload(const struct http_request *req)
{
    return str_is(req->head.path, "/reload") && str_is(req->head.method, "POST");
}

/* Every path that is the gateway's own and not for everybody. */
static bool is_admin_path(weir_str path)
{
    return str_is(path, "/metrics") || str_is(path, "/reload");
}

bool admin_refuses(struct http_request *req, const struct admission *in)
{
    bool foreign = in->class_id == WEIR_CLASS_PERMISSION;
    bool unknown = in->class_id == WEIR_CLASS_AUTHENTICATION;
    g_autofree char *body = NULL;

    if (!foreign && (in->admin || !is_admin_path(req->head.path)))
        return false;
    body = g_strdup_printf("{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\","
                           "\"param\":null,\"code\":\"%s\"}}",
                           in->why ? in->why
                                   : "this is for administrators: send an admin key, or "
                                     "ask at the address of admin.listen",
                           unknown ? "invalid_api_key" : "permission_denied");
    reply(req, unknown ? 401 : 403, "application/json", str_of(body));
    return true;
}

void admin_answer(struct worker *worker, struct http_request *req, bool draining)
{
    weir_str path = req->head.path;
    bool get = str_is(req->head.method, "GET") || str_is(req->head.method, "HEAD");

    if (get && str_is(path, "/healthz"))
        reply(req, 200, "application/json", S("{\"status\":\"ok\"}\n"));
    else if (get && str_is(path, "/readyz"))
        reply(req, draining ? 503 : 200, "application/json",
              draining ? S("{\"status\":\"draining\"}\n") : S("{\"status\":\"ready\"}\n"));
    else if (get && str_is(path, "/metrics"))
        reply_metrics(worker->engine, req);
    else
        reply_unknown(worker->generation->generation, req);
}

/* The words are our own; only quotes need care. */
static void put_words(GString *out, const char *words)
{
    for (const char *p = words; *p; p++)
        g_string_append_c(out, *p == '"' || *p == '\\' || *p < 0x20 ? '\'' : *p);
}

weir_str admin_refusal(const struct worker *worker, unsigned status, const char *why)
{
    static _Thread_local char body[512];
    const struct config *c = worker->generation->generation->config;
    g_autoptr(GString) out = g_string_new("{\"error\":{\"message\":\"");

    put_words(out, why);
    if (status == 413) {
        g_autofree char *json = g_format_size_full(c->json_bytes, G_FORMAT_SIZE_IEC_UNITS);
        g_autofree char *other = g_format_size_full(c->forward_bytes, G_FORMAT_SIZE_IEC_UNITS);

        g_string_append_printf(out,
                               ": %s for JSON (limits: json_size), %s for what is forwarded "
                               "(limits: forward_size)",
                               json, other);
    }
    g_string_append_printf(out,
                           "\",\"type\":\"invalid_request_error\",\"param\":null,"
                           "\"code\":\"http_%u\"}}",
                           status);
    g_strlcpy(body, out->str, sizeof body);
    return str_of(body);
}
