/*
 * server.c - the HTTP server over loopback, with clients stepped in the same thread.
 *
 * The app does what the path says:
 *   /echo    holds the body and sends it back      /stream  the same, piece by piece
 *   /wait    holds the body and leaves `held`      /now     replies from `head`
 */
#include "transport/server.h"
#include "transport/server_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_LIMIT = 1000000 };

static struct loop *loop;
static struct http_server *server;
static struct http_limits limits;
static int listen_fd;
static uint16_t port;

static struct {
    int heads, ends, gone, refusals, writable, drained;
    unsigned gone_status, refusal_status;
    struct http_request *held; /* of /wait */
    GString *body;             /* what came of the last body */
    size_t pieces;
    bool pause;  /* /stream pauses after each piece */
    bool nested; /* /stream pauses in `head` */
} app;

/* ---- the app ---- */

static bool path_is(const struct http_request *req, const char *path)
{
    return http_name_is(req->head.path, path);
}

static enum http_body_mode app_head(void *ctx, struct http_request *req)
{
    g_assert_true(ctx == &app);
    app.heads++;
    req->body_limit = BODY_LIMIT;
    req->app_data = &app;
    if (path_is(req, "/now")) {
        bool body = req->head.chunked || req->head.content_length > 0;
        http_reply_whole(req, 200, NULL, 0, (weir_str){ "now", 3 });
        return body ? HTTP_BODY_REFUSE : HTTP_BODY_HOLD;
    }
    if (path_is(req, "/wait"))
        app.held = req;
    g_string_truncate(app.body, 0);
    app.pieces = 0;
    if (!path_is(req, "/stream"))
        return HTTP_BODY_HOLD;
    app.held = req;
    http_request_pause(req, app.nested);
    return HTTP_BODY_STREAM;
}

static void app_body(void *ctx, struct http_request *req, weir_str bytes, bool end)
{
    g_assert_true(ctx == &app && req->app_data == &app);
    app.ends += end;
    app.pieces++;
    g_string_append_len(app.body, bytes.ptr ? bytes.ptr : "", (gssize)bytes.len);
    if (path_is(req, "/wait"))
        return;
    if (end) {
        const weir_header headers[] = {
            { { "X-Method", 8 }, req->head.method },
            { { "X-Bad", 5 }, { "a\r\nb", 4 } },
            { { "bad name", 8 }, { "x", 1 } },
            { { "Content-Length", 14 }, { "999", 3 } },
        };
        app.held = NULL;
        http_reply_whole(req, 200, headers, 4, (weir_str){ app.body->str, app.body->len });
    } else {
        http_request_pause(req, app.pause);
    }
}

static void app_writable(void *ctx, struct http_request *req)
{
    g_assert_true(ctx == &app && req == app.held);
    app.writable++;
}

static void app_gone(void *ctx, struct http_request *req, unsigned status)
{
    g_assert_true(ctx == &app && req->app_data == &app);
    app.gone++;
    app.gone_status = status;
    app.held = NULL;
}

static weir_str app_refusal(void *ctx, unsigned status, const char *why)
{
    g_assert_true(ctx == &app);
    g_assert_cmpuint(strlen(why), >, 0);
    app.refusals++;
    app.refusal_status = status;
    return (weir_str){ "{\"no\":1}", 8 };
}

static void on_drained(void *ctx)
{
    g_assert_true(ctx == &app);
    app.drained++;
}

static const struct http_app app_table = {
    .ctx = &app,
    .head = app_head,
    .body = app_body,
    .writable = app_writable,
    .gone = app_gone,
    .refusal = app_refusal,
};

/* ---- set up ---- */

static void begin(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(listen_fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(listen(listen_fd, 1024), ==, 0);
    g_assert_cmpint(getsockname(listen_fd, (struct sockaddr *)&at, &len), ==, 0);
    port = ntohs(at.sin_port);
    memset(&app, 0, sizeof(app));
    app.body = g_string_new(NULL);
    loop = loop_new();
    server = http_server_new(loop, listen_fd, &limits, &app_table);
    g_assert_nonnull(server);
}

static void begin_default(void)
{
    limits = http_limits_default;
    begin();
}

static void end(void)
{
    http_server_free(server);
    loop_free(loop);
    close(listen_fd);
    g_string_free(app.body, TRUE);
    buf_thread_trim();
}

/* ---- the client ---- */

struct client {
    int fd;
    GString *in;
    bool eof, reset;
    struct http_head head; /* of the last reply taken */
    GString *body;
};

static struct client *client_new_with(int rcvbuf)
{
    struct client *c = g_new0(struct client, 1);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons(port);
    c->in = g_string_new(NULL);
    c->body = g_string_new(NULL);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (rcvbuf)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
    g_assert_cmpint(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), ==, 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return c;
}

static struct client *client_new(void)
{
    return client_new_with(0);
}

static void client_free(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    g_string_free(c->in, TRUE);
    g_string_free(c->body, TRUE);
    g_free(c);
}

static void client_close(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

static void client_read(struct client *c)
{
    char bytes[65536];
    while (!c->eof && !c->reset) {
        ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
        if (n > 0)
            g_string_append_len(c->in, bytes, n);
        else if (n == 0)
            c->eof = true;
        else if (errno == EAGAIN)
            return;
        else
            c->reset = true;
    }
}

/* Sends all of it, reading and serving meanwhile. Stops early when the server has ended it. */
static size_t client_send_len(struct client *c, const char *bytes, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(c->fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        if (errno != EAGAIN)
            break;
        loop_step(loop, 1000);
        client_read(c);
    }
    return sent;
}

static void client_send(struct client *c, const char *text)
{
    g_assert_cmpuint(client_send_len(c, text, strlen(text)), ==, strlen(text));
}

static void step(struct client *c)
{
    loop_step(loop, 1000);
    if (c && c->fd >= 0)
        client_read(c);
}

#define WAIT(c, condition) \
    while (!(condition))   \
    step(c)

/* Takes a chunked body from the front of `in` if all of it is there. */
static bool take_chunked(struct client *c, size_t from)
{
    struct http_chunks chunks = { 0 };
    const char *why;
    size_t len = c->in->len - from, out;
    g_autofree char *copy = g_memdup2(c->in->str + from, len);
    if (http_chunks_decode(&chunks, copy, &len, &out, &why) != 1)
        return false;
    g_string_append_len(c->body, copy, (gssize)out);
    g_string_erase(c->in, 0, (gssize)(from + len));
    return true;
}

/* Takes one reply that has arrived whole. */
static bool take_reply(struct client *c, bool no_body)
{
    const char *why;
    int n = http_head_parse(&c->head, true, c->in->str, c->in->len, 65536, &why);
    g_assert_cmpint(n, >=, 0);
    if (n == 0)
        return false;
    g_string_truncate(c->body, 0);
    if (c->head.chunked && !no_body)
        return take_chunked(c, (size_t)n);
    size_t len = c->head.content_length < 0 || no_body ? 0 : (size_t)c->head.content_length;
    if (c->in->len < (size_t)n + len)
        return false;
    g_string_append_len(c->body, c->in->str + n, (gssize)len);
    /* The spans of the head go with the bytes; status, framing and body are kept. */
    g_string_erase(c->in, 0, n + (gssize)len);
    return true;
}

static unsigned reply(struct client *c)
{
    WAIT(c, take_reply(c, false));
    return c->head.status;
}

static void assert_served(struct client *c)
{
    client_send(c, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpstr(c->body->str, ==, "now");
}

/* ---- requests ---- */

static void test_keep_alive(void)
{
    begin_default();
    struct client *c = client_new();
    for (int i = 0; i < 5; i++) {
        client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        g_assert_cmpuint(reply(c), ==, 200);
        g_assert_cmpstr(c->body->str, ==, "hello");
        g_assert_cmpint(c->head.content_length, ==, 5);
        assert_served(c);
    }
    g_assert_cmpuint(http_server_connections(server), ==, 1);
    client_send(c, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_false(c->head.keep_alive);
    WAIT(c, c->eof);
    WAIT(c, http_server_connections(server) == 0);
    g_assert_cmpint(app.heads, ==, 11);
    g_assert_cmpint(app.gone, ==, 0);
    client_free(c);
    end();
}

static void test_reply_head(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT(c, strstr(c->in->str, "\r\n\r\n"));
    g_assert_true(g_str_has_prefix(c->in->str, "HTTP/1.1 200 OK\r\nDate: "));
    g_assert_nonnull(strstr(c->in->str, "\r\nX-Method: GET\r\n"));
    g_assert_nonnull(strstr(c->in->str, "\r\nX-Bad: a  b\r\n"));
    g_assert_null(strstr(c->in->str, "bad name"));
    g_assert_null(strstr(c->in->str, "999"));
    g_assert_cmpuint(reply(c), ==, 200);
    client_free(c);
    end();
}

static void test_http_10(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_true(c->head.keep_alive);
    client_send(c, "GET /wait HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    WAIT(c, app.held && app.ends == 1);
    struct http_request *req = app.held;
    g_assert_cmpint(req->peer[0], ==, '1');
    http_reply_start(req, 200, NULL, 0, -1);
    http_reply_write(req, "abc", 3);
    http_reply_end(req);
    WAIT(c, c->eof);
    g_assert_true(g_str_has_suffix(c->in->str, "\r\n\r\nabc"));
    g_assert_null(strstr(c->in->str, "chunked"));
    g_assert_nonnull(strstr(c->in->str, "Connection: close"));
    client_free(c);

    c = client_new();
    client_send(c, "GET /now HTTP/1.0\r\n\r\n");
    WAIT(c, c->eof);
    g_assert_cmpuint(reply(c), ==, 200);
    client_free(c);
    end();
}

static void test_no_body_replies(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT(c, take_reply(c, true));
    g_assert_cmpint(c->head.content_length, ==, 3);
    static const unsigned statuses[] = { 204, 304 };
    for (int i = 0; i < 2; i++) {
        client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        WAIT(c, app.held && app.ends == i + 1);
        struct http_request *req = app.held;
        app.held = NULL;
        http_reply_whole(req, statuses[i], NULL, 0, (weir_str){ "xyz", 3 });
        g_assert_cmpuint(reply(c), ==, statuses[i]);
        g_assert_cmpint(c->head.content_length, ==, -1);
        g_assert_false(c->head.chunked);
    }
    assert_served(c);
    g_assert_cmpuint(c->in->len, ==, 0);
    client_free(c);
    end();
}

static void test_pipelining(void)
{
    enum { N = 20000 };
    begin_default();
    struct client *c = client_new(), *other = client_new();
    g_autoptr(GString) all = g_string_new(NULL);
    for (int i = 0; i < N; i++)
        g_string_append_printf(all, "GET /%s?%d HTTP/1.1\r\nHost: a\r\n\r\n",
                               i % 2 ? "now" : "echo", i);
    size_t sent = 0;
    int replies = 0;
    bool other_served = false;
    client_send(other, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    while (replies < N) {
        ssize_t n = send(c->fd, all->str + sent, all->len - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        loop_step(loop, 0);
        client_read(c);
        client_read(other);
        /* One iteration never serves more than its budget from one connection. */
        if (!other_served && other->in->len) {
            other_served = true;
            g_assert_cmpint(app.heads, <=, 4 * CONN_BUDGET);
        }
        size_t at = 0;
        const char *why;
        int len;
        while ((len = http_head_parse(&c->head, true, c->in->str + at, c->in->len - at, 65536,
                                      &why)) > 0 &&
               c->in->len - at >= (size_t)len + (size_t)c->head.content_length) {
            g_assert_cmpint(c->head.content_length, ==, replies % 2 ? 3 : 0);
            at += (size_t)len + (size_t)c->head.content_length;
            replies++;
        }
        g_string_erase(c->in, 0, (gssize)at);
    }
    g_assert_true(other_served);
    g_assert_cmpint(app.heads, ==, N + 1);
    client_free(c);
    client_free(other);
    end();
}

/* The pipelined requests of who does not read the answers are not served without end. */
static void test_pipelining_without_reading(void)
{
    begin_default();
    limits.out_high = 20000;
    struct client *c = client_new_with(4096);
    g_autofree char *body = g_strnfill(9000, 'x');
    g_autofree char *one =
        g_strdup_printf("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n%s", body);
    size_t len = strlen(one);
    int sent = 0, still = 0;
    size_t part = 0;
    while (still < 200) {
        ssize_t n = send(c->fd, one + part, len - part, MSG_NOSIGNAL);
        still = n > 0 ? 0 : still + 1;
        part += n > 0 ? (size_t)n : 0;
        if (part == len) {
            part = 0;
            sent++;
        }
        g_assert_cmpint(sent, <, 20000);
        loop_step(loop, 0);
    }
    g_assert_cmpuint(server->conns->out.cap, <, 600000);
    g_assert_cmpuint(server->conns->in.cap, <, 70000);
    int served = 0;
    while (served < sent) {
        WAIT(c, take_reply(c, false));
        g_assert_cmpuint(c->body->len, ==, 9000);
        served++;
    }
    client_free(c);
    end();
}

/* ---- bodies ---- */

#define CHUNKED "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void test_chunked_in_every_split(void)
{
    static const char *const paths[] = { "/echo", "/stream" };
    begin_default();
    for (int p = 0; p < 2; p++) {
        g_autofree char *text = g_strdup_printf("POST %s HTTP/1.1\r\n" CHUNKED
                                                "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n"
                                                "GET /now HTTP/1.1\r\nHost: a\r\n\r\n",
                                                paths[p]);
        struct client *c = client_new();
        for (size_t cut = 1; cut < strlen(text); cut++) {
            int heads = app.heads;
            client_send_len(c, text, cut);
            for (int i = 0; i < 3; i++)
                loop_step(loop, 0);
            client_send(c, text + cut);
            g_assert_cmpuint(reply(c), ==, 200);
            g_assert_cmpstr(c->body->str, ==, "hello world");
            g_assert_cmpuint(reply(c), ==, 200);
            g_assert_cmpstr(c->body->str, ==, "now");
            g_assert_cmpint(app.heads, ==, heads + 2);
        }
        client_free(c);
    }
    end();
}

static char *pattern(size_t len)
{
    char *p = g_malloc(len);
    for (size_t i = 0; i < len; i++)
        p[i] = (char)('a' + i % 23 + i / 4096 % 3);
    return p;
}

/* Large bodies of both framings through both modes; spans of the head stay as they were. */
static void test_large_bodies(void)
{
    static const size_t sizes[] = { 16000, 16384, 57000, 900000 };
    begin_default();
    struct client *c = client_new();
    for (size_t i = 0; i < G_N_ELEMENTS(sizes) * 4; i++) {
        size_t len = sizes[i / 4];
        bool chunked = i & 1;
        g_autofree char *body = pattern(len);
        g_autoptr(GString) text = g_string_new("POST ");
        g_string_append(text, i & 2 ? "/stream" : "/echo");
        g_string_append(text, " HTTP/1.1\r\nHost: a\r\n");
        if (chunked) {
            g_string_append(text, "Transfer-Encoding: chunked\r\n\r\n");
            for (size_t at = 0; at < len; at += 7000) {
                size_t n = MIN(7000, len - at);
                g_string_append_printf(text, "%zx\r\n", n);
                g_string_append_len(text, body + at, (gssize)n);
                g_string_append(text, "\r\n");
            }
            g_string_append(text, "0\r\n\r\n");
        } else {
            g_string_append_printf(text, "Content-Length: %zu\r\n\r\n", len);
            g_string_append_len(text, body, (gssize)len);
        }
        g_string_append(text, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
        g_assert_cmpuint(client_send_len(c, text->str, text->len), ==, text->len);
        g_assert_cmpuint(reply(c), ==, 200);
        g_assert_cmpmem(c->body->str, c->body->len, body, len);
        g_assert_cmpuint(reply(c), ==, 200);
        g_assert_cmpstr(c->body->str, ==, "now");
    }
    client_free(c);
    end();
}

static void test_pause(void)
{
    begin_default();
    app.pause = app.nested = true;
    struct client *c = client_new();
    g_autofree char *body = pattern(500000);
    client_send(c, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    WAIT(c, app.heads == 1);
    /* Nothing is read while paused: the socket fills up. */
    size_t sent = 0;
    for (int i = 0; i < 50; i++) {
        ssize_t n = send(c->fd, body + sent, 500000 - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        loop_step(loop, 0);
    }
    g_assert_cmpuint(app.pieces, ==, 0);
    while (app.ends == 0) {
        size_t before = app.pieces;
        http_request_pause(app.held, false);
        WAIT(c, app.pieces > before);
        for (int i = 0; i < 3; i++) {
            ssize_t n = send(c->fd, body + sent, 500000 - sent, MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
            loop_step(loop, 0);
        }
        if (app.ends == 0)
            g_assert_cmpuint(app.pieces, ==, before + 1);
    }
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpmem(c->body->str, c->body->len, body, 500000);
    client_free(c);
    end();
}

static void test_expect(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 3\r\n\r\n");
    WAIT(c, c->in->len);
    g_assert_cmpstr(c->in->str, ==, "HTTP/1.1 100 Continue\r\n\r\n");
    g_string_truncate(c->in, 0);
    client_send(c, "abc");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpstr(c->body->str, ==, "abc");
    /* Not asked for once the body is on its way, and not without a body. */
    client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 3\r\n\r\nabc");
    g_assert_cmpuint(reply(c), ==, 200);
    client_send(c, "GET /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    /* Refused by the app: the answer comes instead, and the connection ends. */
    client_send(c, "POST /now HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 3\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_false(c->head.keep_alive);
    WAIT(c, c->eof);
    client_free(c);

    c = client_new();
    client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: cake\r\nContent-Length: 3\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 417);
    WAIT(c, c->eof);
    client_free(c);
    end();
}

static void test_body_limit(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 1000001\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 413);
    g_assert_cmpint(app.gone, ==, 1);
    g_assert_cmpuint(app.gone_status, ==, 413);
    g_assert_cmpuint(app.refusal_status, ==, 413);
    g_assert_cmpstr(c->body->str, ==, "{\"no\":1}");
    WAIT(c, c->eof);
    client_free(c);

    /* A client that sends on regardless can still read the answer. */
    c = client_new();
    client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    g_autofree char *body = pattern(200000);
    g_assert_cmpuint(client_send_len(c, body, 200000), ==, 200000);
    g_assert_cmpuint(reply(c), ==, 413);
    WAIT(c, c->eof);
    g_assert_false(c->reset);
    client_close(c);
    WAIT(c, http_server_connections(server) == 0);
    client_free(c);

    /* Chunked: as soon as the limit is passed, and with the memory of the limit at most. */
    c = client_new();
    client_send(c, "POST /echo HTTP/1.1\r\n" CHUNKED "ffffffff\r\n");
    for (int i = 0; i < 20 && !c->in->len && !c->reset && !c->eof; i++)
        client_send_len(c, body, 200000);
    WAIT(c, app.gone == 3);
    g_assert_cmpuint(app.gone_status, ==, 413);
    g_assert_cmpint(app.ends, ==, 0);
    client_free(c);
    end();
}

/* ---- refusals ---- */

static void test_refusals(void)
{
    static const struct {
        unsigned status;
        const char *text;
    } cases[] = {
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { 400,
          "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0b"
               "chunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n" },
        { 400, "POST /echo HTTP/1.1\r\nHost: a\nTransfer-Encoding: chunked\r\n\r\n" },
        { 400, "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { 400, "GET /echo HTTP/1.1\r\n\r\n" },
        { 400, "GET http://a/echo HTTP/1.1\r\nHost: a\r\n\r\n" },
        { 400, "GET /echo\r\n" },
        { 501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { 501,
          "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" },
        { 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    };
    begin_default();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct client *c = client_new();
        g_test_message("case %zu", i);
        /* Behind it a request that must not be served. */
        client_send(c, cases[i].text);
        client_send(c, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
        g_assert_cmpuint(reply(c), ==, cases[i].status);
        g_assert_false(c->head.keep_alive);
        WAIT(c, c->eof || c->reset);
        g_assert_false(c->reset);
        g_assert_cmpuint(c->in->len, ==, 0);
        client_free(c);
    }
    g_assert_cmpint(app.heads, ==, 0);
    g_assert_cmpint(app.gone, ==, 0);
    g_assert_cmpint(app.refusals, ==, G_N_ELEMENTS(cases));

    /* h2c is offered unasked with ordinary requests, and overlooked. */
    struct client *c = client_new();
    client_send(c, "GET /now HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                   "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    client_free(c);
    end();
}

static void test_bad_chunks(void)
{
    static const char *const bad[] = { "x\r\n", "5\nhello\r\n0\r\n\r\n", "3\r\nhello\r\n0\r\n\r\n",
                                       "5 \r\nhello\r\n0\r\n\r\n", "0\r\nGET / HTTP/1.1\r\n\r\n" };
    begin_default();
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct client *c = client_new();
        client_send(c, "POST /echo HTTP/1.1\r\n" CHUNKED);
        client_send(c, bad[i]);
        g_assert_cmpuint(reply(c), ==, 400);
        WAIT(c, c->eof);
        g_assert_cmpint(app.gone, ==, (int)i + 1);
        g_assert_cmpuint(app.gone_status, ==, 400);
        g_assert_cmpint(app.ends, ==, 0);
        client_free(c);
    }
    end();
}

static void test_large_head(void)
{
    limits = http_limits_default;
    limits.head_bytes = 40000;
    begin();
    struct client *c = client_new();
    g_autofree char *fill = g_strnfill(39000, 'x');
    client_send(c, "GET /now HTTP/1.1\r\nHost: a\r\nX: ");
    client_send(c, fill);
    client_send(c, "\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    client_send(c, "GET /now HTTP/1.1\r\nHost: a\r\nX: ");
    client_send(c, fill);
    client_send(c, fill);
    g_assert_cmpuint(reply(c), ==, 431);
    WAIT(c, c->eof);
    client_free(c);
    end();
}

/* ---- time ---- */

static void test_slow_head_and_body(void)
{
    limits = http_limits_default;
    limits.head_us = limits.body_idle_us = 20000;
    begin();
    struct client *c = client_new();
    client_send(c, "GET /now HT");
    g_assert_cmpuint(reply(c), ==, 408);
    WAIT(c, c->eof);
    g_assert_cmpint(app.heads, ==, 0);
    client_free(c);

    c = client_new();
    client_send(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    g_assert_cmpuint(reply(c), ==, 408);
    WAIT(c, c->eof);
    g_assert_cmpint(app.gone, ==, 1);
    g_assert_cmpuint(app.gone_status, ==, 408);
    client_free(c);
    end();
}

static void test_idle_and_unread(void)
{
    limits = http_limits_default;
    limits.idle_us = limits.write_idle_us = 30000;
    begin();
    struct client *c = client_new();
    WAIT(c, c->eof); /* nothing was ever sent */
    g_assert_cmpuint(c->in->len, ==, 0);
    client_free(c);
    c = client_new();
    assert_served(c);
    WAIT(c, c->eof);
    g_assert_cmpuint(c->in->len, ==, 0);
    client_free(c);

    /* A request that takes its time is not idle; an application that does not read is. */
    c = client_new_with(4096);
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    int64_t until = g_get_monotonic_time() + 3 * limits.idle_us;
    while (g_get_monotonic_time() < until)
        loop_step(loop, 10000);
    g_assert_cmpint(app.gone, ==, 0);
    g_autofree char *body = pattern(8000000);
    http_reply_start(app.held, 200, NULL, 0, 9000000);
    http_reply_write(app.held, body, 8000000);
    g_assert_true(http_reply_full(app.held));
    while (app.gone == 0)
        loop_step(loop, -1);
    g_assert_cmpuint(app.gone_status, ==, 0);
    g_assert_cmpuint(http_server_connections(server), ==, 0);
    WAIT(c, c->reset || c->eof);
    g_assert_true(c->reset);
    client_free(c);
    end();
}

/* ---- leaving ---- */

static void assert_gone_once(struct client *c, int before)
{
    client_close(c);
    WAIT(c, http_server_connections(server) == 0);
    for (int i = 0; i < 3; i++)
        loop_step(loop, 0);
    g_assert_cmpint(app.gone, ==, before + 1);
    g_assert_cmpuint(app.gone_status, ==, 0);
    client_free(c);
}

static void test_leaving_at_every_stage(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "GET /wa");
    WAIT(c, http_server_connections(server) == 1);
    for (int i = 0; i < 3; i++)
        loop_step(loop, 0);
    client_close(c);
    WAIT(c, http_server_connections(server) == 0);
    g_assert_cmpint(app.gone, ==, 0);
    client_free(c);

    c = client_new(); /* inside the body */
    client_send(c, "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
    WAIT(c, app.held);
    assert_gone_once(c, 0);

    c = client_new(); /* waiting for the reply */
    client_send(c, "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    WAIT(c, app.held && app.ends == 1);
    assert_gone_once(c, 1);

    c = client_new(); /* before the reply, with the FIN right behind the request */
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(c->fd, SHUT_WR);
    WAIT(c, app.gone == 3);
    client_free(c);

    c = client_new(); /* inside the reply */
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT(c, app.held && app.ends == 3);
    http_reply_start(app.held, 200, NULL, 0, -1);
    http_reply_write(app.held, "abc", 3);
    WAIT(c, c->in->len);
    assert_gone_once(c, 3);

    c = client_new(); /* with a full buffer in front of an idle reader */
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT(c, app.held && app.ends == 4);
    g_autofree char *body = pattern(8000000);
    http_reply_start(app.held, 200, NULL, 0, -1);
    http_reply_write(app.held, body, 8000000);
    loop_step(loop, 0);
    assert_gone_once(c, 4);

    c = client_new(); /* while a streamed body is paused: a reset */
    app.nested = true;
    client_send(c, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    WAIT(c, app.held);
    struct linger now = { 1, 0 };
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    assert_gone_once(c, 5);
    end();
}

/* A FIN behind pipelined requests is no reason to drop the one that is being served. */
static void test_half_close_behind_pipelined(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(c->fd, SHUT_WR);
    WAIT(c, app.held && app.ends == 1);
    for (int i = 0; i < 5; i++)
        loop_step(loop, 0);
    g_assert_cmpint(app.gone, ==, 0);
    struct http_request *req = app.held;
    http_reply_whole(req, 200, NULL, 0, (weir_str){ "first", 5 });
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpstr(c->body->str, ==, "first");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpstr(c->body->str, ==, "now");
    WAIT(c, c->eof);
    WAIT(c, http_server_connections(server) == 0);
    client_free(c);
    end();
}

/* What is sent ahead while a reply is awaited is bounded. */
static void test_read_ahead_is_bounded(void)
{
    begin_default();
    struct client *c = client_new();
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT(c, app.held && app.ends == 1);
    g_autoptr(GString) ahead = g_string_new(NULL);
    for (int i = 0; i < 2000; i++)
        g_string_append(ahead, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    size_t sent = 0;
    for (int i = 0; i < 50; i++) {
        ssize_t n = send(c->fd, ahead->str + sent, ahead->len - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        loop_step(loop, 0);
    }
    g_assert_cmpuint(server->conns->in.cap, <=, 65536);
    g_assert_cmpint(app.heads, ==, 1);
    struct http_request *req = app.held;
    http_reply_whole(req, 200, NULL, 0, (weir_str){ "x", 1 });
    client_send_len(c, ahead->str + sent, ahead->len - sent);
    for (int i = 0; i < 2001; i++)
        g_assert_cmpuint(reply(c), ==, 200);
    client_free(c);
    end();
}

/* ---- replies ---- */

static void test_backpressure(void)
{
    begin_default();
    struct client *c = client_new_with(4096);
    client_send(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT(c, app.held && app.ends == 1);
    struct http_request *req = app.held;
    enum { PIECE = 5000, TOTAL = PIECE * 4000 };
    g_autofree char *piece = pattern(PIECE);
    size_t written = 0, read = 0, most = 0;
    int waits = 0;
    http_reply_start(req, 200, NULL, 0, TOTAL);
    while (read < TOTAL) {
        while (written < TOTAL && !http_reply_full(req)) {
            http_reply_write(req, piece, PIECE);
            written += PIECE;
        }
        most = MAX(most, server->conns->out.cap);
        if (written < TOTAL) {
            int before = app.writable;
            while (app.writable == before)
                step(c);
            waits++;
        } else if (app.held) {
            app.held = NULL;
            http_reply_end(req);
        } else {
            step(c);
        }
        size_t head = 0;
        if (read == 0) {
            const char *end_of_head = strstr(c->in->str, "\r\n\r\n");
            head = end_of_head ? (size_t)(end_of_head + 4 - c->in->str) : c->in->len;
        }
        for (size_t i = head; i < c->in->len; i += 997)
            g_assert_cmpint(c->in->str[i], ==, piece[(read + i - head) % PIECE]);
        read += c->in->len - head;
        if (c->in->len > head)
            g_string_truncate(c->in, 0);
    }
    g_assert_cmpuint(read, ==, TOTAL);
    g_assert_cmpint(waits, >, 3);
    g_assert_cmpuint(most, <=, 2 * (limits.out_high + PIECE));
    assert_served(c);
    client_free(c);
    end();
}

static struct http_request *await_wait(struct client *c, const char *version)
{
    int ends = app.ends;
    g_autofree char *text = g_strdup_printf("GET /wait HTTP/%s\r\nHost: a\r\n\r\n", version);
    client_send(c, text);
    WAIT(c, app.held && app.ends == ends + 1);
    struct http_request *req = app.held;
    app.held = NULL;
    return req;
}

static void test_chunked_reply(void)
{
    begin_default();
    struct client *c = client_new();
    struct http_request *req = await_wait(c, "1.1");
    http_reply_start(req, 200, NULL, 0, -1);
    g_assert_true(http_reply_started(req));
    http_reply_write(req, "hello", 5);
    http_reply_write(req, "", 0);
    step(c);
    g_autofree char *body = pattern(300000);
    http_reply_write(req, body, 300000);
    http_reply_end(req);
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpuint(c->body->len, ==, 300005);
    g_assert_cmpmem(c->body->str + 5, 300000, body, 300000);
    assert_served(c);
    client_free(c);
    end();
}

static void test_byte_counts(void)
{
    static const char text[] = "POST /wait HTTP/1.1\r\n" CHUNKED "5;x=y\r\nhello\r\n0\r\n\r\n";
    begin_default();
    struct client *c = client_new();
    client_send(c, text);
    WAIT(c, app.held && app.ends == 1);
    struct http_request *req = app.held;
    g_assert_cmpuint(req->bytes_in, ==, sizeof(text) - 1);
    g_assert_cmpint(req->start_us, <=, loop_now(loop));
    g_assert_cmpint(req->start_us, >, 0);
    g_assert_true(g_str_has_prefix(req->peer, "127.0.0.1:"));
    http_reply_start(req, 200, NULL, 0, -1);
    http_reply_write(req, "hello", 5);
    g_assert_cmpuint(req->bytes_out, >, 20);
    uint64_t out = req->bytes_out;
    WAIT(c, c->in->len >= out);
    g_assert_cmpuint(c->in->len, ==, out);
    http_reply_end(req);
    g_assert_cmpuint(reply(c), ==, 200);
    client_free(c);
    end();
}

static void test_abort_is_no_clean_end(void)
{
    begin_default();
    for (int how = 0; how < 5; how++) {
        struct client *c = client_new();
        struct http_request *req = await_wait(c, how == 1 ? "1.0" : "1.1");
        /* Chunked; until close; too short; too long; ended without a beginning. */
        if (how < 4)
            http_reply_start(req, 200, NULL, 0, how < 2 ? -1 : how == 2 ? 4 : 2);
        if (how < 4)
            http_reply_write(req, "abc", 3);
        if (how < 2)
            http_reply_abort(req);
        else
            http_reply_end(req);
        WAIT(c, c->eof || c->reset);
        g_assert_true(c->reset);
        g_assert_null(strstr(c->in->str, "\r\n0\r\n"));
        /* What was written before is not lost with the connection. */
        if (how < 2)
            g_assert_nonnull(strstr(c->in->str, "abc"));
        g_assert_cmpint(app.gone, ==, 0);
        g_assert_cmpuint(http_server_connections(server), ==, 0);
        client_free(c);
    }
    end();
}

/* ---- the server ---- */

static void test_drain(void)
{
    begin_default();
    struct client *idle = client_new(), *busy = client_new(), *late = client_new();
    assert_served(idle);
    assert_served(late);
    struct http_request *req = await_wait(busy, "1.1");
    /* Already in the socket when draining begins: served. */
    client_send(late, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    http_server_drain(server, on_drained, &app);
    WAIT(idle, idle->eof);
    g_assert_cmpuint(reply(late), ==, 200);
    g_assert_false(late->head.keep_alive);
    WAIT(late, late->eof);
    g_assert_cmpuint(http_server_connections(server), ==, 1);
    g_assert_cmpint(app.drained, ==, 0);
    http_reply_whole(req, 200, NULL, 0, (weir_str){ "x", 1 });
    g_assert_cmpuint(reply(busy), ==, 200);
    g_assert_false(busy->head.keep_alive);
    WAIT(busy, busy->eof);
    WAIT(busy, app.drained);
    for (int i = 0; i < 3; i++)
        loop_step(loop, 0);
    g_assert_cmpint(app.drained, ==, 1);
    client_free(idle);
    client_free(busy);
    client_free(late);
    end();
}

static void test_free_tells(void)
{
    begin_default();
    struct client *c = client_new(), *d = client_new();
    await_wait(c, "1.1");
    client_send(d, "GET /wa");
    WAIT(d, http_server_connections(server) == 2);
    http_server_free(server);
    server = NULL;
    g_assert_cmpint(app.gone, ==, 1);
    client_free(c);
    client_free(d);
    end();
}

static void test_connection_limit(void)
{
    limits = http_limits_default;
    limits.connections = 2;
    begin();
    struct client *a = client_new(), *b = client_new(), *waiting = client_new();
    assert_served(a);
    assert_served(b);
    client_send(waiting, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 5; i++)
        step(waiting);
    g_assert_cmpuint(waiting->in->len, ==, 0);
    g_assert_cmpuint(http_server_connections(server), ==, 2);
    client_close(a);
    g_assert_cmpuint(reply(waiting), ==, 200);
    client_free(a);
    client_free(b);
    client_free(waiting);
    end();
}

static void test_idle_memory(void)
{
    enum { N = 300 };
    begin_default();
    struct client *c[N];
    for (int i = 0; i < N; i++)
        c[i] = client_new();
    WAIT(c[0], http_server_connections(server) == N);
    for (int i = 0; i < N; i++)
        assert_served(c[i]);
    for (struct conn *conn = server->conns; conn; conn = conn->next) {
        g_assert_null(conn->in.mem);
        g_assert_null(conn->out.mem);
        g_assert_null(conn->req);
    }
    g_assert_cmpuint(server->spare_count, <=, 2);
    for (int i = 0; i < N; i++)
        client_free(c[i]);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    alarm(120);
    g_test_add_func("/server/keep-alive", test_keep_alive);
    g_test_add_func("/server/reply-head", test_reply_head);
    g_test_add_func("/server/http-1.0", test_http_10);
    g_test_add_func("/server/no-body", test_no_body_replies);
    g_test_add_func("/server/pipelining", test_pipelining);
    g_test_add_func("/server/pipelining-unread", test_pipelining_without_reading);
    g_test_add_func("/server/chunked-splits", test_chunked_in_every_split);
    g_test_add_func("/server/large-bodies", test_large_bodies);
    g_test_add_func("/server/pause", test_pause);
    g_test_add_func("/server/expect", test_expect);
    g_test_add_func("/server/body-limit", test_body_limit);
    g_test_add_func("/server/refusals", test_refusals);
    g_test_add_func("/server/bad-chunks", test_bad_chunks);
    g_test_add_func("/server/large-head", test_large_head);
    g_test_add_func("/server/slow", test_slow_head_and_body);
    g_test_add_func("/server/idle-unread", test_idle_and_unread);
    g_test_add_func("/server/leaving", test_leaving_at_every_stage);
    g_test_add_func("/server/half-close", test_half_close_behind_pipelined);
    g_test_add_func("/server/read-ahead", test_read_ahead_is_bounded);
    g_test_add_func("/server/backpressure", test_backpressure);
    g_test_add_func("/server/chunked-reply", test_chunked_reply);
    g_test_add_func("/server/byte-counts", test_byte_counts);
    g_test_add_func("/server/abort", test_abort_is_no_clean_end);
    g_test_add_func("/server/drain", test_drain);
    g_test_add_func("/server/free", test_free_tells);
    g_test_add_func("/server/connection-limit", test_connection_limit);
    g_test_add_func("/server/idle-memory", test_idle_memory);
    return g_test_run();
}
