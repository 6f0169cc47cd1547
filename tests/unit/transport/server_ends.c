/*
 * server_ends.c - the HTTP server: time limits, leaving, replies, and how connections end.
 */
#include "server_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
        /* Chunked framing tells by itself that it is not whole; elsewhere only a reset can. */
        g_assert_cmpint(c->reset, ==, how > 0);
        g_assert_null(strstr(c->in->str, "\r\n0\r\n"));
        /* What was written before is not lost with the connection. */
        if (how < 2)
            g_assert_nonnull(strstr(c->in->str, "abc"));
        g_assert_cmpint(app.gone, ==, 0);
        client_free(c);
        while (http_server_connections(server))
            loop_step(loop, 100);
    }
    end();
}

/* ---- the server ---- */

static void on_drained(void *ctx)
{
    g_assert_true(ctx == &app);
    app.drained++;
}

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
