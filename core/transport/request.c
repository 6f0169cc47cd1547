/*
 * request.c - one request: from its head through its body to its end.
 *
 * The app may end or abort the request in any callback; `c->req` tells afterwards.
 */
#include "transport/server_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- the body ---- */

size_t request_pending(const struct request *r)
{
    const struct buf *in = &r->conn->in;
    if (r->in == in)
        return in->end - r->raw;
    return (r->body.end - r->raw) + (in->end - r->head_end);
}

/* Whether the application has gone: nothing can follow, and nothing it sent ahead is waiting. */
static void check_gone(struct conn *c)
{
    if (c->closed || !c->req || !c->eof)
        return;
    bool body_cut = c->state == CONN_BODY && !c->req->held;
    if (body_cut || (c->state == CONN_BUSY && request_pending(c->req) == 0))
        conn_lost(c);
}

static void deliver(struct conn *c, size_t from, size_t to, bool end)
{
    struct request *r = c->req;
    const struct http_app *app = &c->server->app;
    weir_str bytes = { to > from ? r->in->mem + from : NULL, to - from };
    if (end) {
        r->body_done = true;
        c->state = CONN_BUSY;
        c->read_deadline = NEVER_US;
    }
    app->body(app->ctx, &r->pub, bytes, end);
}

/* Decodes what was read. `*from`, `*to` are the new data. 1: the body is whole; 0; HTTP_BAD. */
static int decode(struct request *r, size_t *from, size_t *to, const char **why)
{
    size_t used = r->in->end - r->raw;
    size_t got;
    int whole;
    *from = r->raw;
    if (r->pub.head.chunked) {
        whole = http_chunks_decode(&r->chunks, r->in->mem + r->raw, &used, &got, why);
    } else {
        if (used > r->left)
            used = (size_t)r->left;
        got = used;
        r->left -= used;
        whole = r->left == 0;
    }
    *to = r->raw + got;
    r->total += got;
    r->pub.bytes_in += used;
    if (whole == 1)
        r->raw += used;
    else
        r->in->end = r->raw = *to;
    return whole;
}

static void feed(struct conn *c)
{
    struct request *r = c->req;
    size_t from, to;
    const char *why;
    if (r->paused) {
        r->held = true;
        return;
    }
    int whole = decode(r, &from, &to, &why);
    if (whole < 0) {
        request_fail(c, 400, why);
        return;
    }
    if (r->total > r->pub.body_limit) {
        request_fail(c, 413, "the request's body is larger than the limit");
        return;
    }
    if (r->mode == HTTP_BODY_HOLD) {
        if (whole)
            deliver(c, r->data, to, true);
    } else if (whole || to > from) {
        deliver(c, from, to, whole == 1);
        if (!c->closed && c->req && !whole)
            r->in->end = r->raw = r->data;
    }
    check_gone(c);
}

void request_resume(struct conn *c)
{
    c->req->held = false;
    if (c->state == CONN_BODY)
        feed(c);
}

/* The body moves out from behind its head, which stays where it is. */
static bool move_body(struct conn *c, size_t room)
{
    struct request *r = c->req;
    size_t have = c->in.end - r->data;
    if (!buf_reserve(&r->body, have + room) ||
        !buf_add(&r->body, have ? c->in.mem + r->data : NULL, have))
        return false;
    c->in.end = r->head_end;
    r->raw -= r->data;
    r->data = 0;
    r->in = &r->body;
    return true;
}

/* Makes room for the next read and returns how much to read; 0: out of memory. */
static size_t body_room(struct conn *c)
{
    struct request *r = c->req;
    bool known = !r->pub.head.chunked;
    size_t room = CONN_DIRECT, least = ROOM_MIN;
    if (known && r->mode == HTTP_BODY_HOLD)
        room = least = r->left < BODY_STEP ? (size_t)r->left : BODY_STEP;
    else if (known && r->left < ROOM_MIN)
        least = (size_t)r->left;

    if (r->in->cap - r->in->end < least) {
        bool ok = r->in == &c->in ? move_body(c, room) : buf_reserve(&r->body, room);
        if (!ok)
            return 0;
    }
    size_t have = r->in->cap - r->in->end;
    return known && r->left < have ? (size_t)r->left : have;
}

void request_read_body(struct conn *c)
{
    struct request *r = c->req;
    size_t room = body_room(c);
    if (room == 0) {
        request_fail(c, 503, "out of memory");
        return;
    }
    ssize_t n = conn_recv(c, r->in->mem + r->in->end, room);
    if (n == 0) {
        conn_lost(c);
        return;
    }
    if (n < 0)
        return;
    r->in->end += (size_t)n;
    c->read_deadline = loop_now(c->server->loop) + c->server->limits.body_idle_us;
    feed(c);
}

void request_read_ahead(struct conn *c)
{
    ssize_t n = conn_recv(c, c->in.mem + c->in.end, c->in.cap - c->in.end);
    if (n > 0)
        c->in.end += (size_t)n;
    else if (n == 0)
        check_gone(c);
}

static void begin_body(struct conn *c)
{
    struct request *r = c->req;
    const struct http_head *head = &r->pub.head;
    if (head->content_length > 0 && (uint64_t)head->content_length > r->pub.body_limit) {
        request_fail(c, 413, "the request's body is larger than the limit");
        return;
    }
    /* Who has begun to send does not wait to be told. */
    if (head->expect_continue && !r->reply_started && c->in.end == r->head_end) {
        static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
        conn_push(c, go, sizeof(go) - 1);
    }
    if (!r->paused)
        c->read_deadline = loop_now(c->server->loop) + c->server->limits.body_idle_us;
    if (c->in.end > r->head_end)
        feed(c);
}

/* ---- the head ---- */

/*
 * Upgrades are refused, so that no application waits in another protocol; but for h2c, which
 * clients offer unasked with ordinary requests and which RFC 9110 7.8 lets us overlook.
 */
static bool refuses_upgrade(const struct http_head *head)
{
    return head->upgrade && !http_name_is(http_header(head, "upgrade"), "h2c");
}

static bool unknown_expectation(const struct http_head *head)
{
    return head->minor > 0 && !head->expect_continue && http_header(head, "expect").ptr;
}

/* A request may be in progress for long, and few have as many headers as are allowed: they move
 * from where they were parsed to as much room as they need. */
static bool keep_headers(struct request *r)
{
    struct http_head *head = &r->pub.head;
    size_t size = head->header_count * sizeof(*head->headers);
    weir_header *room = r->few;
    if (head->header_count > FEW_HEADERS)
        room = r->many = malloc(size);
    if (!room)
        return false;
    memcpy(room, head->headers, size);
    head->headers = room;
    return true;
}

static void attach(struct conn *c, struct request *r, size_t head_len)
{
    memset(&r->conn, 0, sizeof(*r) - offsetof(struct request, conn));
    r->conn = c;
    r->in = &c->in;
    r->head_end = r->data = r->raw = c->in.start + head_len;
    r->left = r->pub.head.content_length > 0 ? (uint64_t)r->pub.head.content_length : 0;
    r->body_done = !r->pub.head.chunked && r->left == 0;
    r->reply_left = -1;
    r->pub.body_limit = 0;
    r->pub.app_data = NULL;
    r->pub.listen_fd = c->listen_fd;
    memcpy(r->pub.peer, c->peer, strlen(c->peer) + 1);
    r->pub.start_us = c->head_start ? c->head_start : loop_now(c->server->loop);
    r->pub.bytes_in = head_len;
    r->pub.bytes_out = 0;
    c->req = r;
    c->state = CONN_BODY;
    c->read_deadline = NEVER_US;
}

static void dispatch(struct conn *c, struct request *r)
{
    const struct http_app *app = &c->server->app;
    enum http_body_mode mode = app->head(app->ctx, &r->pub);
    if (c->closed || !c->req)
        return;
    r->mode = (uint8_t)mode;
    if (mode == HTTP_BODY_REFUSE)
        c->state = CONN_BUSY;
    else if (r->body_done)
        deliver(c, 0, 0, true);
    else
        begin_body(c);
    check_gone(c);
}

static bool refuse_head(struct conn *c, struct request *r, unsigned status, const char *why)
{
    bool head_only = status != 400 && http_name_is(r->pub.head.method, "head");
    server_request_put(c->server, r);
    reply_refusal(c, status, why, head_only);
    return false;
}

static bool await_rest(struct conn *c, struct request *r)
{
    int64_t now = loop_now(c->server->loop);
    server_request_put(c->server, r);
    if (c->eof) {
        conn_finish(c, false);
        return false;
    }
    if (c->head_start == 0)
        c->head_start = now;
    c->state = CONN_HEAD;
    c->read_deadline = c->head_start + c->server->limits.head_us;
    return false;
}

bool request_take(struct conn *c)
{
    struct request *r = server_request_get(c->server);
    weir_header headers[HTTP_MAX_HEADERS];
    const char *why;
    if (!r) {
        conn_lost(c);
        return false;
    }
    r->pub.head.headers = headers;
    int n = http_head_parse(&r->pub.head, false, buf_at(&c->in), buf_len(&c->in),
                            c->server->limits.head_bytes, &why);
    switch (n) {
    case HTTP_MORE:
        return await_rest(c, r);
    case HTTP_BAD:
        return refuse_head(c, r, 400, why);
    case HTTP_LARGE:
        return refuse_head(c, r, 431, why);
    case HTTP_METHOD:
        return refuse_head(c, r, 501, why);
    case HTTP_VERSION:
        return refuse_head(c, r, 505, why);
    default:
        break;
    }
    if (refuses_upgrade(&r->pub.head))
        return refuse_head(c, r, 501, "protocol upgrades are not served here");
    if (unknown_expectation(&r->pub.head))
        return refuse_head(c, r, 417, "the only expectation met here is 100-continue");
    if (!keep_headers(r))
        return refuse_head(c, r, 503, "out of memory");
    attach(c, r, (size_t)n);
    dispatch(c, r);
    return true;
}

/* ---- the end ---- */

static void keep_open(struct conn *c, struct request *r)
{
    c->large = r->in == &r->body;
    if (r->in == &r->body && r->raw < r->body.end) {
        /* What came behind a chunked body: its buffer becomes the connection's. */
        buf_free(&c->in);
        c->in = r->body;
        c->in.start = r->raw;
        r->body = (struct buf){ 0 };
    } else {
        c->in.start = r->in == &c->in ? r->raw : r->head_end;
        buf_eat(&c->in, 0);
    }
    c->state = CONN_IDLE;
    c->head_start = 0;
    c->read_deadline = loop_now(c->server->loop) + c->server->limits.idle_us;
    c->more = buf_len(&c->in) > 0;
    if (c->eof && !c->more)
        conn_finish(c, false);
    else
        conn_defer(c);
}

void request_done(struct conn *c)
{
    struct request *r = c->req;
    bool keep = r->body_done && !r->close && !c->server->draining;
    c->req = NULL;
    if (keep)
        keep_open(c, r);
    else
        conn_finish(c, !r->body_done || request_pending(r) > 0);
    buf_free(&r->body);
    server_request_put(c->server, r);
}

void request_fail(struct conn *c, unsigned status, const char *why)
{
    struct request *r = c->req;
    const struct http_app *app = &c->server->app;
    if (r->reply_started) {
        conn_lost(c);
        return;
    }
    bool head_only = http_name_is(r->pub.head.method, "head");
    c->req = NULL;
    c->state = CONN_CLOSING;
    app->gone(app->ctx, &r->pub, status);
    buf_free(&r->body);
    server_request_put(c->server, r);
    reply_refusal(c, status, why, head_only);
}
