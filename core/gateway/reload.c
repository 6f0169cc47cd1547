/*
 * reload.c - see reload.h.
 */
#include "gateway/reload.h"
#include "base/str.h"

#include <jansson.h>

struct reload_desk {
    struct loop *loop;
    reload_fn reload;
    void *ctx;
    GPtrArray *waiting; /* of struct ask */
};

struct ask {
    struct reload_desk *desk;
    struct http_request *req; /* NULL: it has gone */
    char *why;                /* it did not work */
};

struct reload_desk *reload_desk_new(struct loop *loop, reload_fn reload, void *ctx)
{
    struct reload_desk *desk = g_new0(struct reload_desk, 1);

    desk->loop = loop;
    desk->reload = reload;
    desk->ctx = ctx;
    desk->waiting = g_ptr_array_new();
    return desk;
}

void reload_desk_free(struct reload_desk *desk)
{
    if (!desk)
        return;
    g_ptr_array_unref(desk->waiting);
    g_free(desk);
}

static void answer(struct http_request *req, const char *why)
{
    const weir_header headers[] = { { S("content-type"), S("application/json") } };
    json_t *body =
        why ? json_pack("{s:{s:s,s:s,s:n,s:s}}", "error", "message", why, "type",
                        "invalid_request_error", "param", "code", "invalid_configuration")
            : json_pack("{s:s}", "status", "reloaded");
    char *text = json_dumps(body, JSON_COMPACT);

    http_reply_whole(req, why ? 422 : 200, headers, 1, str_of(text ? text : "{}"));
    free(text);
    json_decref(body);
}

/* On the worker's thread again. */
static void done(void *arg)
{
    struct ask *ask = arg;

    g_ptr_array_remove_fast(ask->desk->waiting, ask);
    if (ask->req)
        answer(ask->req, ask->why);
    g_free(ask->why);
    g_free(ask);
}

/* On the control thread. */
static gboolean run(gpointer data)
{
    struct ask *ask = data;
    struct reload_desk *desk = ask->desk;

    ask->why = desk->reload(desk->ctx);
    loop_post(desk->loop, done, ask);
    return G_SOURCE_REMOVE;
}

void reload_ask(struct reload_desk *desk, struct http_request *req)
{
    struct ask *ask = g_new0(struct ask, 1);

    ask->desk = desk;
    ask->req = req;
    g_ptr_array_add(desk->waiting, ask);
    g_idle_add(run, ask);
}

void reload_gone(struct reload_desk *desk, const struct http_request *req)
{
    for (guint i = 0; desk && i < desk->waiting->len; i++) {
        struct ask *ask = g_ptr_array_index(desk->waiting, i);

        if (ask->req == req)
            ask->req = NULL;
    }
}
