/*
 * gateway.c - see gateway.h.
 */
#include "gateway/gateway.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "gateway/admin.h"
#include "gateway/guard.h"

struct gateway_worker {
    struct gateway *gateway;
    struct worker *worker;
    struct http_server *server;
    struct guard *guard;
    struct reload_desk *reloads; /* NULL: there is no POST /reload */
    bool draining;
};

struct gateway {
    struct engine *engine;
    struct gateway_worker *workers;
    int *sockets;
    guint socket_count;
    reload_fn reload;
    void *reload_ctx;
    guint8 *doors; /* DOOR_*, by descriptor of the listening socket */
    gint busy;     /* workers that have not drained */
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* -- the front: replies go to a connection ------------------------------------------------------
 */

/* A forwarded answer brings its vendor's. */
static bool has_challenge(const weir_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (http_name_is(headers[i].name, "www-authenticate"))
            return true;
    }
    return false;
}

static void front_head(void *front, unsigned status, const weir_header *headers, size_t count,
                       int64_t length)
{
    const struct http_request *req = front;
    const struct exchange *e = req->app_data;
    weir_header all[HTTP_MAX_HEADERS + GUARD_CORS + 1];
    size_t more = guard_cors(e->generation->config, req, all);

    if (status == 401 && !has_challenge(headers, count))
        all[more++] = GUARD_CHALLENGE;
    if (more && count <= HTTP_MAX_HEADERS) {
        memcpy(all + more, headers, count * sizeof(*headers));
        headers = all;
        count += more;
    }
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

/* A request that has its dialect; `in` says whether it may go on. */
static enum http_body_mode begin(struct gateway_worker *gw, struct http_request *req,
                                 const struct endpoint_match *match, const struct admission *in)
{
    const struct config *config = gw->worker->generation->generation->config;
    const struct exchange_start start = {
        .front_ops = &http_front,
        .front = req,
        .match = match,
        .method = req->head.method,
        .target = req->head.target,
        .path = req->head.path,
        .query = req->head.query,
        .headers = req->head.headers,
        .header_count = req->head.header_count,
        .peer = req->peer,
        .start_us = req->start_us,
        .key = in->key,
        .admin = in->admin,
    };
    struct exchange *e = exchange_new(gw->worker, &start);

    req->app_data = e;
    if (in->class_id && (in->class_id != WEIR_CLASS_AUTHENTICATION || in->sent ||
                         !match->endpoint->abi->optional_key)) {
        exchange_refuse(e, in->class_id, in->why); /* and with it the request, body and all */
        return HTTP_BODY_REFUSE;
    }
    if (match->endpoint->abi->op != WEIR_OP_FORWARD)
        return HTTP_BODY_HOLD;
    req->body_limit = config->forward_bytes;
    return comes_in_pieces(req, config) ? HTTP_BODY_STREAM : HTTP_BODY_HOLD;
}

static enum http_body_mode on_head(void *ctx, struct http_request *req)
{
    struct gateway_worker *gw = ctx;
    const struct generation *g = gw->worker->generation->generation;
    unsigned door = gw->gateway->doors[req->listen_fd];
    struct admission in;
    struct endpoint_match match;

    req->body_limit = MIN(g->config->json_bytes, UNKNOWN_BODY);
    if (admin_is_probe(req)) /* whoever asks for health has no key, and any name for us */
        return HTTP_BODY_HOLD;
    in = guard_admit(gw->guard, g->config, door, req);
    if (in.class_id != WEIR_CLASS_PERMISSION && guard_preflight(req))
        return HTTP_BODY_REFUSE;
    if (!(door & DOOR_ADMIN) &&
        generation_match(g, req->head.method, req->head.path, req->head.headers,
                         req->head.header_count, &match) == 200) {
        req->body_limit = g->config->json_bytes;
        return begin(gw, req, &match, &in);
    }
    if (admin_refuses(req, &in))
        return HTTP_BODY_REFUSE;
    return HTTP_BODY_HOLD; /* answered when the body is there, so that the connection can go on */
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
    else if (gw->reloads && admin_is_reload(req))
        reload_ask(gw->reloads, req);
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
    struct gateway_worker *gw = ctx;

    reload_gone(gw->reloads, req);
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
    gw->guard = guard_new();
    if (g->reload)
        gw->reloads = reload_desk_new(w->loop, g->reload, g->reload_ctx);
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
    guard_free(g->workers[w->number].guard);
    g->workers[w->number].guard = NULL;
    reload_desk_free(g->workers[w->number].reloads);
    g->workers[w->number].reloads = NULL;
}

struct gateway *gateway_new(struct engine *engine, const int *sockets, guint socket_count,
                            guint admin_count)
{
    struct gateway *g = g_new0(struct gateway, 1);
    int last = 0;

    g->engine = engine;
    g->sockets = g_memdup2(sockets, socket_count * sizeof(*sockets));
    g->socket_count = socket_count;
    for (guint i = 0; i < socket_count; i++)
        last = MAX(last, sockets[i]);
    g->doors = g_new0(guint8, last + 1);
    for (guint i = 0; i < socket_count; i++)
        g->doors[sockets[i]] =
            (guint8)(guard_door(sockets[i]) | (i + admin_count >= socket_count ? DOOR_ADMIN : 0));
    g->workers = g_new0(struct gateway_worker, engine->count);
    return g;
}

void gateway_on_reload(struct gateway *g, reload_fn reload, void *ctx)
{
    g->reload = reload;
    g->reload_ctx = ctx;
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
    g_free(g->doors);
    g_free(g->workers);
    g_free(g);
}
