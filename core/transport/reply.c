/*
 * reply.c - replies, written into the connection's buffer and flushed once an iteration.
 */
#include "transport/server_private.h"
#include "transport/http_scan.h"

#include <stdio.h>
#include <string.h>

static struct request *request_of(struct http_request *req)
{
    return (struct request *)(void *)req;
}

/* How a reply is framed. */
struct framing {
    unsigned status;
    int64_t length; /* -1: not told */
    bool chunked;
    bool close;
    bool keep_alive_10; /* an HTTP/1.0 application that asked to keep the connection */
};

static char *put(char *p, const char *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

static char *put_text(char *p, const char *text)
{
    return put(p, text, strlen(text));
}

static char *put_number(char *p, uint64_t n)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return put(p, digits + i, sizeof(digits) - i);
}

/* Headers that this file writes itself: a second one would be a smuggler's tool. */
static bool is_ours(weir_str name)
{
    switch (name.len) {
    case 4:
        return http_name_is(name, "date");
    case 10:
        return http_name_is(name, "connection");
    case 14:
        return http_name_is(name, "content-length");
    case 17:
        return http_name_is(name, "transfer-encoding");
    default:
        return false;
    }
}

/* Control characters become spaces. */
static char *put_value(char *p, weir_str value)
{
    const char *end = value.ptr + value.len;
    if (!value.len)
        return p;
    char *to = p;
    p = put(p, value.ptr, value.len);
    for (const char *at = http_value_end(value.ptr, end); at < end;
         at = http_value_end(at + 1, end))
        to[at - value.ptr] = ' ';
    return p;
}

/* A header that is not one is left out. */
static char *put_header(char *p, const weir_header *h)
{
    const char *name_end = h->name.ptr + h->name.len;
    if (h->name.len == 0 || http_token_end(h->name.ptr, name_end) != name_end || is_ours(h->name))
        return p;
    p = put(p, h->name.ptr, h->name.len);
    p = put(p, ": ", 2);
    p = put_value(p, h->value);
    return put(p, "\r\n", 2);
}

static char *put_framing(char *p, const struct framing *f)
{
    if (f->chunked) {
        p = put_text(p, "Transfer-Encoding: chunked\r\n");
    } else if (f->length >= 0) {
        p = put_text(p, "Content-Length: ");
        p = put_number(p, (uint64_t)f->length);
        p = put(p, "\r\n", 2);
    }
    if (f->close)
        p = put_text(p, "Connection: close\r\n");
    else if (f->keep_alive_10)
        p = put_text(p, "Connection: keep-alive\r\n");
    return p;
}

/* Writes a head into `out`; returns its length, 0 when out of memory. */
static size_t put_head(struct conn *c, const struct framing *f, const weir_header *headers,
                       size_t count)
{
    size_t need = 256; /* more than all that is not the caller's */
    for (size_t i = 0; i < count; i++)
        need += headers[i].name.len + headers[i].value.len + 4;
    if (!buf_reserve(&c->out, need)) {
        c->broken = true;
        conn_defer(c);
        return 0;
    }
    char *begin = c->out.mem + c->out.end;
    char *p = put_text(begin, "HTTP/1.1 ");
    p = put_number(p, f->status);
    *p++ = ' ';
    p = put_text(p, http_reason(f->status));
    p = put_text(p, "\r\nDate: ");
    p = put(p, loop_http_date(c->server->loop), 29);
    p = put(p, "\r\n", 2);
    for (size_t i = 0; i < count; i++)
        p = put_header(p, &headers[i]);
    p = put_framing(p, f);
    p = put(p, "\r\n", 2);
    c->out.end += (size_t)(p - begin);
    conn_pushed(c);
    return (size_t)(p - begin);
}

static bool has_no_body(unsigned status)
{
    return status == 204 || status == 304;
}

void reply_refusal(struct conn *c, unsigned status, const char *why, bool head_only)
{
    const struct http_app *app = &c->server->app;
    weir_str body = { NULL, 0 };
    if (app->refusal)
        body = app->refusal(app->ctx, status, why);
    const weir_header type = { { "Content-Type", 12 }, { "application/json", 16 } };
    struct framing f = { .status = status, .length = (int64_t)body.len, .close = true };
    put_head(c, &f, &type, body.len ? 1 : 0);
    if (!head_only && body.len)
        conn_push(c, body.ptr, body.len);
    conn_finish(c, true);
}

void http_reply_start(struct http_request *req, unsigned status, const weir_header *headers,
                      size_t count, int64_t length)
{
    struct request *r = request_of(req);
    struct conn *c = r->conn;
    const struct http_head *head = &req->head;
    bool is_head = head->method.len == 4 && memcmp(head->method.ptr, "HEAD", 4) == 0;
    if (r->reply_started)
        return;
    r->reply_started = true;
    r->swallow = is_head || has_no_body(status);
    r->reply_left = length;
    r->close = !head->keep_alive || !r->body_done || c->server->draining;

    struct framing f = { .status = status, .length = has_no_body(status) ? -1 : length };
    if (length < 0 && !r->swallow) {
        if (head->minor > 0)
            f.chunked = r->reply_chunked = true;
        else
            r->close = true; /* HTTP/1.0 knows no other end */
    }
    f.close = r->close;
    f.keep_alive_10 = head->minor == 0;
    req->bytes_out += put_head(c, &f, headers, count);
}

static void write_chunk(struct request *r, const char *bytes, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    char size[20];
    size_t at = sizeof(size), n = len;
    size[--at] = '\n';
    size[--at] = '\r';
    for (; n; n >>= 4)
        size[--at] = hex[n & 15];
    conn_push(r->conn, size + at, sizeof(size) - at);
    conn_push(r->conn, bytes, len);
    conn_push(r->conn, "\r\n", 2);
    r->pub.bytes_out += sizeof(size) - at + len + 2;
}

void http_reply_write(struct http_request *req, const void *bytes, size_t len)
{
    struct request *r = request_of(req);
    if (len == 0)
        return;
    if (r->reply_left >= 0) {
        if (len > (uint64_t)r->reply_left) {
            r->reply_overrun = true;
            len = (size_t)r->reply_left;
        }
        r->reply_left -= (int64_t)len;
    }
    if (r->swallow || len == 0)
        return;
    if (r->reply_chunked) {
        write_chunk(r, bytes, len);
        return;
    }
    conn_push(r->conn, bytes, len);
    req->bytes_out += len;
}

void http_reply_end(struct http_request *req)
{
    struct request *r = request_of(req);
    bool wrong_length = r->reply_left > 0 || r->reply_overrun;
    if (!r->reply_started || (wrong_length && !r->swallow)) {
        conn_abort(r->conn);
        return;
    }
    if (r->reply_chunked) {
        conn_push(r->conn, "0\r\n\r\n", 5);
        req->bytes_out += 5;
    }
    request_done(r->conn);
}

void http_reply_abort(struct http_request *req)
{
    conn_abort(request_of(req)->conn);
}

void http_reply_whole(struct http_request *req, unsigned status, const weir_header *headers,
                      size_t count, weir_str body)
{
    http_reply_start(req, status, headers, count, (int64_t)body.len);
    http_reply_write(req, body.ptr, body.len);
    http_reply_end(req);
}

bool http_reply_full(const struct http_request *req)
{
    const struct conn *c = ((const struct request *)(const void *)req)->conn;
    return buf_len(&c->out) > c->server->limits.out_high;
}

bool http_reply_started(const struct http_request *req)
{
    return ((const struct request *)(const void *)req)->reply_started;
}

void http_request_pause(struct http_request *req, bool paused)
{
    struct request *r = request_of(req);
    struct conn *c = r->conn;
    if (r->paused == paused)
        return;
    r->paused = paused;
    if (c->state == CONN_BODY && !r->body_done)
        c->read_deadline =
            paused ? NEVER_US : loop_now(c->server->loop) + c->server->limits.body_idle_us;
    conn_defer(c); /* whose turn resumes and settles */
}
