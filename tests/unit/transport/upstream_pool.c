/*
 * upstream_pool.c - the upstream client: connecting, keeping connections, waiting for one.
 */
#include "upstream_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_keep_alive(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { HEAD }, { SEND, HELLO },
                                          { HEAD }, { SEND, HELLO }, { END } };
    struct client c;

    (void)arg;
    for (unsigned i = 0; i < 3; i++) {
        up_get(f, &c, script);
        up_assert_whole(&c, UP_COMPLETE, "hello");
        g_assert_true(c.report.fresh == (i == 0));
        up_assert_stats(f, 1, 0, 1, i);
        client_clear(&c);
    }
    g_assert_cmpint(f->server.accepted, ==, 1);
}

/* What must not be reused: the answer is whole, the connection ends. */
static void test_not_reused(struct up_fix *f, gconstpointer arg)
{
    struct step script[] = { { HEAD }, { SEND, arg }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    up_get(f, &c, script);
    up_assert_whole(&c, UP_COMPLETE, "hello");
    run_until(f->loop, f->server.peers[0]->finished);
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

/* An answer to nothing that comes between two requests must not become the second one's. */
static void test_junk_while_idle(struct up_fix *f, gconstpointer arg)
{
    static const struct step first[] = {
        { HEAD },     { SEND, HELLO }, { GATE }, { SEND, OK_HEAD "Content-Length: 4\r\n\r\nevil" },
        { WAIT_EOF }, { CLOSE }
    };
    static const struct step second[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct client c;

    (void)arg;
    up_get(f, &c, first);
    client_clear(&c);
    f->server.scripts[1] = second;
    server_open_gate(&f->server);
    /* The loop has not run since: only looking again can tell. */
    client_init(&c, f->pool);
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.dones);
    up_assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_true(c.report.fresh);
    client_clear(&c);
}

/* ---- connecting ---- */

static int unused_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void test_refused(struct up_fix *f, gconstpointer arg)
{
    int port = unused_port();
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d", port);
    g_autofree char *want =
        g_strdup_printf("could not connect to 127.0.0.1:%d: Connection refused", port);
    struct client c;

    (void)arg;
    f->origin.url = url;
    up_again(f);
    up_get(f, &c, NULL);
    g_assert_cmpint(c.report.end, ==, UP_CONNECT_FAILED);
    g_assert_cmpstr(c.report.message, ==, want);
    g_assert_false(c.report.request_started);
    g_assert_cmpint(c.report.connected_us, ==, 0);
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_unresolved(struct up_fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    f->origin.url = "http://nonexistent.invalid:8080";
    f->origin.connect_timeout_us = 5 * G_USEC_PER_SEC;
    up_again(f);
    up_get(f, &c, NULL);
    if (c.report.end == UP_CONNECT_TIMEOUT) {
        g_test_skip("the resolver here does not answer in time for .invalid");
    } else {
        g_assert_cmpint(c.report.end, ==, UP_RESOLVE_FAILED);
        g_assert_cmpstr(c.report.message, ==, "could not resolve the name nonexistent.invalid");
    }
    client_clear(&c);
}

static void test_not_a_url(struct up_fix *f, gconstpointer arg)
{
    static const char *const urls[] = { "", "ftp://127.0.0.1/", "http://", "127.0.0.1 x" };
    struct client c;

    (void)arg;
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        f->origin.url = urls[i];
        up_again(f);
        up_get(f, &c, NULL);
        g_assert_cmpint(c.report.end, ==, UP_CONNECT_FAILED);
        g_assert_nonnull(strstr(c.report.message, "is not a http:// or https:// URL"));
        client_clear(&c);
    }
}

/* A listener whose backlog is full does not answer: Linux drops the SYN. */
static void test_connect_timeout(struct up_fix *f, gconstpointer arg)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fill[4];
    struct client c;

    (void)arg;
    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(listen(fd, 0), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fill[i], (struct sockaddr *)&at, sizeof(at)) == 0)
            g_test_message("connected at once");
    }
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d", ntohs(at.sin_port));
    f->origin.url = url;
    f->origin.connect_timeout_us = 150 * 1000;
    up_again(f);
    up_get(f, &c, NULL);
    g_assert_cmpint(c.report.end, ==, UP_CONNECT_TIMEOUT);
    g_assert_nonnull(strstr(c.report.message, "within 150 ms"));
    client_clear(&c);
    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++)
        close(fill[i]);
    close(fd);
}

static void test_ipv6(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct client c;

    (void)arg;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        g_test_skip("no IPv6 loopback here");
        if (fd >= 0)
            close(fd);
        return;
    }
    g_assert_cmpint(listen(fd, 4), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
    g_autofree char *label = g_strdup_printf("[::1]:%d", ntohs(at.sin6_port));
    g_autofree char *url = g_strdup_printf("http://%s/v1", label);
    server_swap(&f->server, fd);
    f->origin.url = url;
    up_again(f);
    up_get(f, &c, script);
    up_assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_nonnull(strstr(f->server.peers[0]->got->str, label));
    client_clear(&c);
}

static void test_proxy(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { SEND, "HTTP/1.1 200 Connection established\r\n\r\n" },
        { HEAD }, { SEND, HELLO },
        { HEAD }, { SEND, HELLO },
        { END }
    };
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%d", f->server.port);
    struct client c;

    (void)arg;
    f->origin.url = "http://origin.invalid:8080";
    f->origin.proxy = proxy;
    up_again(f);
    for (int i = 0; i < 2; i++) {
        up_get(f, &c, script);
        up_assert_whole(&c, UP_COMPLETE, "hello");
        client_clear(&c);
    }
    const char *got = f->server.peers[0]->got->str;
    g_assert_true(g_str_has_prefix(got, "CONNECT origin.invalid:8080 HTTP/1."));
    g_assert_nonnull(
        strstr(got, "\r\n\r\nGET /v1/x?y=z HTTP/1.1\r\nHost: origin.invalid:8080\r\n"));
    up_assert_stats(f, 1, 0, 1, 1);
}

static void test_proxy_refuses(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD },
                                          { SEND,
                                            "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno" },
                                          { WAIT_EOF },
                                          { CLOSE } };
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%d", f->server.port);
    struct client c;

    (void)arg;
    f->origin.url = "http://origin.invalid:8080";
    f->origin.proxy = proxy;
    up_again(f);
    up_get(f, &c, script);
    g_assert_cmpint(c.report.end, ==, UP_CONNECT_FAILED);
    g_assert_nonnull(strstr(c.report.message, "403"));
    client_clear(&c);
}

/* ---- the pool ---- */

static void test_queue(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD },        { GATE }, { SEND, HELLO }, { HEAD },
                                          { SEND, HELLO }, { HEAD }, { SEND, HELLO }, { END } };
    struct up_pool_stats s;
    struct client c[4];

    (void)arg;
    f->origin.max_connections = 1;
    up_again(f);
    f->server.scripts[0] = script;
    for (int i = 0; i < 4; i++) {
        client_init(&c[i], f->pool);
        client_start(&c[i], "GET", "/", NULL);
    }
    up_pool_stats(f->pool, &s);
    g_assert_cmpuint(s.waiting, ==, 3);
    up_cancel(&c[2].call);
    run_until(f->loop, f->server.accepted == 1);
    settle(f->loop);
    g_assert_cmpint(c[0].dones + c[1].dones + c[3].dones, ==, 0);
    server_open_gate(&f->server);
    run_until(f->loop, c[1].dones);
    g_assert_cmpint(c[0].dones, ==, 1);
    run_until(f->loop, c[3].dones);
    g_assert_cmpint(c[2].dones, ==, 0);
    g_assert_cmpint(f->server.accepted, ==, 1);
    for (int i = 0; i < 4; i++)
        client_clear(&c[i]);
    up_assert_stats(f, 1, 0, 1, 2);
}

/* The one connection is cancelled or fails: the next in the queue gets a new one. */
static void test_queue_moves_on(struct up_fix *f, gconstpointer arg)
{
    struct step first[] = { { HEAD }, { GATE }, { CLOSE } };
    static const struct step second[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct client c[2];

    f->origin.max_connections = 1;
    up_again(f);
    f->server.scripts[0] = first;
    f->server.scripts[1] = second;
    for (int i = 0; i < 2; i++) {
        client_init(&c[i], f->pool);
        client_start(&c[i], "GET", "/", NULL);
    }
    run_until(f->loop, f->server.accepted == 1);
    settle(f->loop);
    if (arg)
        up_cancel(&c[0].call);
    else
        server_open_gate(&f->server);
    run_until(f->loop, c[1].dones);
    g_assert_cmpint(c[0].dones, ==, arg ? 0 : 1);
    up_assert_whole(&c[1], UP_COMPLETE, "hello");
    for (int i = 0; i < 2; i++)
        client_clear(&c[i]);
}

static void test_idle_closed_by_peer(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { GATE }, { CLOSE } };
    struct client c;

    (void)arg;
    up_get(f, &c, script);
    up_assert_stats(f, 1, 0, 1, 0);
    server_open_gate(&f->server);
    settle(f->loop);
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_idle_timeout(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    (void)arg;
    f->origin.idle_timeout_us = 20 * 1000;
    up_again(f);
    up_get(f, &c, script);
    run_until(f->loop, f->server.peers[0]->finished);
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_max_idle(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { GATE }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE }
    };
    struct client c[3];

    (void)arg;
    f->origin.max_idle = 2;
    up_again(f);
    for (int i = 0; i < 3; i++) {
        f->server.scripts[i] = script;
        client_init(&c[i], f->pool);
        client_start(&c[i], "GET", "/", NULL);
    }
    run_until(f->loop, f->server.accepted == 3);
    settle(f->loop);
    up_assert_stats(f, 0, 3, 3, 0);
    for (int i = 0; i < 3; i++)
        server_open_gate(&f->server);
    run_until(f->loop, c[0].dones && c[1].dones && c[2].dones);
    up_assert_stats(f, 2, 0, 3, 0);
    for (int i = 0; i < 3; i++)
        client_clear(&c[i]);
}

/* `done` starts the next call on the connection that has just become free; then frees it all. */
static void chain(struct client *c)
{
    int *left = c->data;

    if (--*left == 0) {
        up_pool_free(c->pool);
        c->pool = NULL;
        return;
    }
    int dones = c->dones;
    c->dones = c->heads = c->ends = 0;
    g_string_truncate(c->body, 0);
    client_start(c, "GET", "/", NULL);
    c->dones = dones - 1;
}

static void test_done_goes_on(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { HEAD },     { SEND, HELLO },
                                          { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;
    int left = 3;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.data = &left;
    c.on_done = chain;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, left == 0);
    f->pool = NULL;
    run_until(f->loop, f->server.peers[0]->finished);
    g_assert_cmpint(f->server.accepted, ==, 1);
    client_clear(&c);
}

#define ADD(path, fn, arg) \
    g_test_add("/upstream/" path, struct up_fix, arg, up_setup, fn, up_teardown)

static void add_pool(void)
{
    ADD("reuse/not-with-junk", test_not_reused, HELLO "HTTP/1.1 200 OK\r\n");
    ADD("reuse/not-with-junk-chunked", test_not_reused,
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nx");
    ADD("reuse/not-if-told", test_not_reused,
        OK_HEAD "Connection: close\r\nContent-Length: 5\r\n\r\nhello");
    ADD("reuse/not-1.0", test_not_reused,
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello");
    ADD("reuse/junk-while-idle", test_junk_while_idle, NULL);
    ADD("reuse/keep-alive", test_keep_alive, NULL);
    ADD("connect/refused", test_refused, NULL);
    ADD("connect/unresolved", test_unresolved, NULL);
    ADD("connect/not-a-url", test_not_a_url, NULL);
    ADD("connect/timeout", test_connect_timeout, NULL);
    ADD("connect/ipv6", test_ipv6, NULL);
    ADD("connect/proxy", test_proxy, NULL);
    ADD("connect/proxy-refuses", test_proxy_refuses, NULL);
    ADD("pool/queue", test_queue, NULL);
    ADD("pool/queue-after-failure", test_queue_moves_on, NULL);
    ADD("pool/queue-after-cancel", test_queue_moves_on, "cancel");
    ADD("pool/closed-by-peer", test_idle_closed_by_peer, NULL);
    ADD("pool/idle-timeout", test_idle_timeout, NULL);
    ADD("pool/max-idle", test_max_idle, NULL);
    ADD("pool/done-goes-on", test_done_goes_on, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(up_global_init());
    add_pool();
    return g_test_run();
}
