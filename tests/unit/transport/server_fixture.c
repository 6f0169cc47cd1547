/*
 * server_fixture.c - the app, the set-up and the client of the server's tests.
 */
#include "server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct app app;
struct loop *loop;
struct http_server *server;
struct http_limits limits;
static int listen_fd;
static uint16_t port;

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

static const struct http_app app_table = {
    .ctx = &app,
    .head = app_head,
    .body = app_body,
    .writable = app_writable,
    .gone = app_gone,
    .refusal = app_refusal,
};

/* ---- set up ---- */

void begin(void)
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

void begin_default(void)
{
    limits = http_limits_default;
    begin();
}

void end(void)
{
    http_server_free(server);
    loop_free(loop);
    close(listen_fd);
    g_string_free(app.body, TRUE);
    buf_thread_trim();
}

/* ---- the client ---- */

struct client *client_new_with(int rcvbuf)
{
    struct client *c = g_new0(struct client, 1);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons(port);
    c->head.headers = c->headers;
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

struct client *client_new(void)
{
    return client_new_with(0);
}

void client_free(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    g_string_free(c->in, TRUE);
    g_string_free(c->body, TRUE);
    g_free(c);
}

void client_close(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

void client_read(struct client *c)
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

size_t client_send_len(struct client *c, const char *bytes, size_t len)
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

void client_send(struct client *c, const char *text)
{
    g_assert_cmpuint(client_send_len(c, text, strlen(text)), ==, strlen(text));
}

void step(struct client *c)
{
    loop_step(loop, 1000);
    if (c && c->fd >= 0)
        client_read(c);
}

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

bool take_reply(struct client *c, bool no_body)
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

unsigned reply(struct client *c)
{
    WAIT(c, take_reply(c, false));
    return c->head.status;
}

void assert_served(struct client *c)
{
    client_send(c, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    g_assert_cmpuint(reply(c), ==, 200);
    g_assert_cmpstr(c->body->str, ==, "now");
}

char *pattern(size_t len)
{
    char *p = g_malloc(len);
    for (size_t i = 0; i < len; i++)
        p[i] = (char)('a' + i % 23 + i / 4096 % 3);
    return p;
}

struct http_request *await_wait(struct client *c, const char *version)
{
    int ends = app.ends;
    g_autofree char *text = g_strdup_printf("GET /wait HTTP/%s\r\nHost: a\r\n\r\n", version);
    client_send(c, text);
    WAIT(c, app.held && app.ends == ends + 1);
    struct http_request *req = app.held;
    app.held = NULL;
    return req;
}
