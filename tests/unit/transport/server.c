/*
 * server.c - the HTTP server: requests, bodies and refusals.
 */
#include "server_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* The head stays whole for as long as the reply is awaited, however many headers it has. */
static void test_many_headers(void)
{
    static const int counts[] = { FEW_HEADERS - 1, FEW_HEADERS, HTTP_MAX_HEADERS - 1 };
    begin_default();
    struct client *c = client_new();
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autoptr(GString) head = g_string_new("GET /wait HTTP/1.1\r\nHost: a\r\n");
        for (int n = 1; n <= counts[i]; n++)
            g_string_append_printf(head, "X-%d: %d\r\n", n, n);
        g_string_append(head, "\r\n");
        app.held = NULL;
        client_send(c, head->str);
        WAIT(c, app.held && app.ends == (int)i + 1);
        g_autofree char *last = g_strdup_printf("%d", counts[i]);
        g_autofree char *name = g_strdup_printf("x-%d", counts[i]);
        weir_str value = http_header(&app.held->head, name);
        g_assert_cmpuint(app.held->head.header_count, ==, (unsigned)counts[i] + 1);
        g_assert_cmpmem(value.ptr, value.len, last, strlen(last));
        http_reply_whole(app.held, 200, NULL, 0, (weir_str){ "xyz", 3 });
        g_assert_cmpuint(reply(c), ==, 200);
    }
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
        { 400, "GET http://u@a/echo HTTP/1.1\r\nHost: a\r\n\r\n" },
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    alarm(120);
    g_test_add_func("/server/keep-alive", test_keep_alive);
    g_test_add_func("/server/reply-head", test_reply_head);
    g_test_add_func("/server/http-1.0", test_http_10);
    g_test_add_func("/server/no-body", test_no_body_replies);
    g_test_add_func("/server/many-headers", test_many_headers);
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
    return g_test_run();
}
