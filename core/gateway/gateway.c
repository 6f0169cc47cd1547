/*
 * gateway.c - see gateway.h.
 */
#include "gateway/gateway.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "gateway/admin.h"

struct gateway_worker {
    struct gateway *gateway;
    struct worker *worker;
    struct http_server *server;
    bool draining;
};

struct gateway {
    struct engine *engine;
    struct gateway_worker *workers;
    int *sockets;
    guint socket_count;
    gint busy; /* workers that have not drained */
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* -- the front: replies go to a connection ------------------------------------------------------
 */

static void front_head(void *front, unsigned status, const weir_header *headers, size_t count,
                       int64_t length)
{
    http_reply_start(front, status, headers, count, length);
}

static void front_bytes(void *front, const void *bytes, size_t len)
{
    http_reply_write(front, bytes, len);
}

static void front_end(void *front)
{
    struct http_request *req = front;

    req->app_data = NULL;
    http_reply_end(req);
}

static void front_abort(void *front)
{
    struct http_request *req = front;

    req->app_data = NULL;
    http_reply_abort(req);
}

static bool front_full(void *front)
{
    return http_reply_full(front);
}

static void front_pause(void *front, bool paused)
{
    http_request_pause(front, paused);
}

static const struct front_ops http_front = {
    .head = front_head,
    .bytes = front_bytes,
    .end = front_end,
    .abort = front_abort,
    .full = front_full,
    .pause = front_pause,
};

/* -- requests -----------------------------------------------------------------------------------
 */

enum { UNKNOWN_BODY = 256 * 1024 }; /* of a request nobody serves */

/* A body that is held can be sent to another target; a large one is passed on as it comes. */
static bool comes_in_pieces(const struct http_request *req, const struct config *config)
{
    return req->head.chunked || req->head.content_length > (int64_t)config->hold_bytes;
}

static enum http_body_mode on_head(void *ctx, struct http_request *req)
{
    struct gateway_worker *gw = ctx;
    const struct generation *g = gw->worker->generation->generation;
    struct endpoint_match match;
    struct exchange_start start = {
        .front_ops = &http_front,
        .front = req,
        .match = &match,
        .method = req->head.method,
        .target = req->head.target,
        .path = req->head.path,
        .query = req->head.query,
        .headers = req->head.headers,
        .header_count = req->head.header_count,
        .peer = req->peer,
        .start_us = req->start_us,
    };
    unsigned status = generation_match(g, req->head.method, req->head.path, req->head.headers,
                                       req->head.header_count, &match);

    req->body_limit = g->config->json_bytes;
    if (status != 200) { /* answered when the body is there, so that the connection can go on */
        req->body_limit = MIN(req->body_limit, UNKNOWN_BODY);
        return HTTP_BODY_HOLD;
    }
    req->app_data = exchange_new(gw->worker, &start);
    if (match.endpoint->abi->op != WEIR_OP_FORWARD)
        return HTTP_BODY_HOLD;
    req->body_limit = g->config->forward_bytes;
    if (!comes_in_pieces(req, g->config))
        return HTTP_BODY_HOLD;
    return HTTP_BODY_STREAM;
}

static void on_body(void *ctx, struct http_request *req, weir_str bytes, bool end)
{
    struct gateway_worker *gw = ctx;

    struct exchange *e = req->app_data;

    if (e && e->facts.op == WEIR_OP_FORWARD && comes_in_pieces(req, e->generation->config)) {
        /* Ending the exchange ends the request: it is not to be touched after these. */
        if (!e->started)
            exchange_stream(e, req->head.chunked ? INT64_MAX : req->head.content_length);
        exchange_body(e, bytes, end);
        return;
    }
    if (!end)
        return;
    if (e)
        exchange_request(e, bytes);
    else
        admin_answer(gw->worker, req, gw->draining);
}

static void on_writable(void *ctx, struct http_request *req)
{
    (void)ctx;
    if (req->app_data)
        exchange_writable(req->app_data);
}

static void on_gone(void *ctx, struct http_request *req, unsigned status)
{
    (void)ctx;
    if (req->app_data)
        exchange_cancel(req->app_data, status);
    req->app_data = NULL;
}

static weir_str on_refusal(void *ctx, unsigned status, const char *why)
{
    const struct gateway_worker *gw = ctx;

    return admin_refusal(gw->worker, status, why);
}

/* -- workers ------------------------------------------------------------------------------------
 */

static struct http_limits limits_of(const struct config *c)
{
    struct http_limits l = http_limits_default;

    l.head_bytes = c->head_bytes;
    l.head_us = c->head_us;
    l.body_idle_us = c->body_us;
    l.idle_us = c->idle_us;
    l.write_idle_us = c->write_us;
    l.connections = c->connections;
    return l;
}

static void begin_worker(struct worker *w, void *ctx)
{
    struct gateway *g = ctx;
    struct gateway_worker *gw = &g->workers[w->number];
    struct http_limits limits = limits_of(w->generation->generation->config);
    const struct http_app app = {
        .ctx = gw,
        .head = on_head,
        .body = on_body,
        .writable = on_writable,
        .gone = on_gone,
        .refusal = on_refusal,
    };

    gw->gateway = g;
    gw->worker = w;
    for (guint i = w->number; i < g->socket_count; i += g->engine->count) {
        if (gw->server)
            http_server_listen(gw->server, g->sockets[i]);
        else
            gw->server = http_server_new(w->loop, g->sockets[i], &limits, &app);
    }
}

static void end_worker(struct worker *w, void *ctx)
{
    struct gateway *g = ctx;

    if (g->workers[w->number].server)
        http_server_free(g->workers[w->number].server);
    g->workers[w->number].server = NULL;
}

struct gateway *gateway_new(struct engine *engine, const int *sockets, guint socket_count)
{
    struct gateway *g = g_new0(struct gateway, 1);

    g->engine = engine;
    g->sockets = g_memdup2(sockets, socket_count * sizeof(*sockets));
    g->socket_count = socket_count;
    g->workers = g_new0(struct gateway_worker, engine->count);
    return g;
}

void gateway_start(struct gateway *g)
{
    engine_start(g->engine, begin_worker, end_worker, g);
}

static void worker_drained(void *ctx)
{
    struct gateway *g = ctx;

    if (g_atomic_int_dec_and_test(&g->busy))
        g->drained(g->drained_ctx);
}

static void drain_worker(void *arg)
{
    struct gateway_worker *gw = arg;

    gw->draining = true;
    if (gw->server)
        http_server_drain(gw->server, worker_drained, gw->gateway);
    else
        worker_drained(gw->gateway);
}

void gateway_drain(struct gateway *g, void (*drained)(void *ctx), void *ctx)
{
    g->drained = drained;
    g->drained_ctx = ctx;
    g_atomic_int_set(&g->busy, (gint)g->engine->count);
    for (guint i = 0; i < g->engine->count; i++)
        loop_post(g->engine->workers[i]->loop, drain_worker, &g->workers[i]);
}

void gateway_free(struct gateway *g)
{
    if (!g)
        return;
    g_free(g->sockets);
    g_free(g->workers);
    g_free(g);
}
