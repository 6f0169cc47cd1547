/*
 * upstream_fixture.c - a scripted server in the loop under test, and a call that records.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4() */
#endif

#include "upstream_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

weir_str str(const char *text)
{
    return (weir_str){ text, text ? strlen(text) : 0 };
}

char pattern_at(size_t i)
{
    return (char)('a' + (i * 7 + i / 251) % 26);
}

void settle(struct loop *loop)
{
    for (int i = 0; i < 30; i++)
        loop_step(loop, 1000);
}

/* ---- the server ---- */

static void peer_end(struct peer *p, bool reset)
{
    struct linger hard = { 1, 0 };

    loop_unwatch(p->server->loop, &p->io);
    loop_defer_cancel(p->server->loop, &p->task);
    if (reset)
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(p->fd);
    p->fd = -1;
    p->finished = true;
}

static void peer_read(struct peer *p)
{
    char bytes[65536];
    ssize_t n;

    while (!p->eof) {
        n = recv(p->fd, bytes, p->slow ? p->slow : sizeof(bytes), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            p->eof = true;
        if (n <= 0)
            return;
        g_string_append_len(p->got, bytes, n);
        if (p->slow)
            return;
    }
}

static bool send_some(struct peer *p, const char *bytes, size_t len)
{
    ssize_t n = send(p->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN)
        p->eof = true;
    if (n > 0)
        p->at += (size_t)n;
    return n > 0;
}

static bool send_fill(struct peer *p)
{
    char bytes[16384];

    while (p->at < p->step->n) {
        size_t len = MIN(sizeof(bytes), p->step->n - p->at);
        for (size_t i = 0; i < len; i++)
            bytes[i] = pattern_at(p->at + i);
        if (!send_some(p, bytes, len))
            return false;
    }
    return true;
}

/* Whether the step is over. */
static bool run_step(struct peer *p)
{
    const struct step *s = p->step;
    const char *end;

    switch (s->op) {
    case HEAD:
        end = strstr(p->got->str + p->read, "\r\n\r\n");
        if (end)
            p->read = (size_t)(end - p->got->str) + 4;
        return end != NULL;
    case BYTES:
        if (p->got->len - p->read < s->n)
            return false;
        p->read += s->n;
        return true;
    case UNTIL:
        if (!g_str_has_suffix(p->got->str + p->read, s->text))
            return false;
        p->read = p->got->len;
        return true;
    case SEND:
        return send_some(p, s->text + p->at, strlen(s->text) - p->at) && p->at == strlen(s->text);
    case SEND_EACH:
        send_some(p, s->text + p->at, 1);
        return p->at == strlen(s->text);
    case SEND_FILL:
        return send_fill(p);
    case GATE:
        if (p->server->gates == 0)
            return false;
        p->server->gates--;
        return true;
    case WAIT_EOF:
        return p->eof;
    case SLOW:
        p->slow = s->n;
        return true;
    default:
        return false;
    }
}

static void peer_task(struct loop_task *task);
static void peer_ready(struct loop_io *io, uint32_t events);

static void peer_run(struct peer *p)
{
    struct loop *loop = p->server->loop;

    peer_read(p);
    while (p->step && p->step->op != END) {
        if (p->step->op == CLOSE || p->step->op == RESET) {
            peer_end(p, p->step->op == RESET);
            return;
        }
        if (!run_step(p)) {
            bool more = p->step->op == SEND_EACH;
            if (more)
                loop_defer(loop, &p->task, peer_task);
            break;
        }
        p->step++;
        p->at = 0;
    }
    bool sending = p->step && (p->step->op == SEND_FILL || p->step->op == SEND);
    loop_watch(loop, &p->io, p->fd, (p->eof ? 0 : EPOLLIN) | (sending && !p->eof ? EPOLLOUT : 0),
               peer_ready);
}

static void peer_task(struct loop_task *task)
{
    peer_run((struct peer *)((char *)task - G_STRUCT_OFFSET(struct peer, task)));
}

static void peer_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    peer_run((struct peer *)((char *)io - G_STRUCT_OFFSET(struct peer, io)));
}

static void on_accept(struct loop_io *io, uint32_t events)
{
    struct server *s = (struct server *)((char *)io - G_STRUCT_OFFSET(struct server, io));
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int one = 1;

    (void)events;
    if (fd < 0)
        return;
    g_assert_cmpint(s->accepted, <, MAX_SCRIPTS);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct peer *p = g_new0(struct peer, 1);
    p->server = s;
    p->fd = fd;
    p->got = g_string_new(NULL);
    p->step = s->scripts[s->accepted];
    s->peers[s->accepted++] = p;
    peer_run(p);
}

void server_start(struct server *s, struct loop *loop)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    *s = (struct server){ .loop = loop };
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(listen(s->fd, 16), ==, 0);
    g_assert_cmpint(getsockname(s->fd, (struct sockaddr *)&at, &len), ==, 0);
    s->port = ntohs(at.sin_port);
    g_assert_true(loop_watch(loop, &s->io, s->fd, EPOLLIN, on_accept));
}

void server_swap(struct server *s, int fd)
{
    loop_unwatch(s->loop, &s->io);
    close(s->fd);
    s->fd = fd;
    g_assert_true(loop_watch(s->loop, &s->io, s->fd, EPOLLIN, on_accept));
}

void server_stop(struct server *s)
{
    for (int i = 0; i < s->accepted; i++) {
        if (!s->peers[i]->finished)
            peer_end(s->peers[i], false);
        g_string_free(s->peers[i]->got, TRUE);
        g_free(s->peers[i]);
    }
    loop_unwatch(s->loop, &s->io);
    close(s->fd);
}

void server_open_gate(struct server *s)
{
    s->gates++;
    for (int i = 0; i < s->accepted; i++) {
        if (!s->peers[i]->finished)
            peer_run(s->peers[i]);
    }
}

/* ---- the client ---- */

static int take_head(struct up_call *call, const struct http_head *head)
{
    struct client *c = (struct client *)call;

    g_assert_cmpint(c->dones, ==, 0);
    c->heads++;
    c->status = head->status;
    return c->on_head ? c->on_head(c, head) : 0;
}

static int64_t take_body(struct up_call *call, const char *bytes, size_t len, bool end)
{
    struct client *c = (struct client *)call;

    g_assert_cmpint(c->heads, ==, 1);
    g_assert_cmpint(c->ends, ==, 0);
    c->bodies++;
    c->ends += end;
    c->largest = MAX(c->largest, len);
    int64_t used = c->on_body ? c->on_body(c, bytes, len, end) : (int64_t)len;
    if (used > 0 && c->pattern) {
        for (int64_t i = 0; i < used; i++)
            c->wrong |= bytes[i] != pattern_at(c->count + (size_t)i);
    } else if (used > 0) {
        g_string_append_len(c->body, bytes, used);
    }
    if (used > 0)
        c->count += (size_t)used;
    return used;
}

static void take_done(struct up_call *call, const struct up_report *report)
{
    struct client *c = (struct client *)call;

    c->dones++;
    c->report = *report;
    if (c->on_done)
        c->on_done(c);
}

static void take_writable(struct up_call *call)
{
    struct client *c = (struct client *)call;

    c->writables++;
    if (c->on_writable)
        c->on_writable(c);
}

static const struct up_ops client_ops = { take_head, take_body, take_done, take_writable };

void client_init(struct client *c, struct up_pool *pool)
{
    *c = (struct client){ .pool = pool, .body = g_string_new(NULL) };
}

void client_clear(struct client *c)
{
    g_string_free(c->body, TRUE);
    c->body = NULL;
}

void client_send(struct client *c, const struct up_request *request)
{
    up_start(c->pool, &c->call, &client_ops, request);
    g_assert_cmpint(c->dones + c->heads, ==, 0);
}

void client_start(struct client *c, const char *method, const char *path, const char *body)
{
    c->span = str(body);
    client_send(c, &(struct up_request){ .method = str(method),
                                         .path = str(path),
                                         .body = &c->span,
                                         .body_count = body ? 1 : 0,
                                         .body_stream = -1 });
}

int client_pause_head(struct client *c, const struct http_head *head)
{
    (void)head;
    up_pause(&c->call, true);
    return 0;
}

/* ---- a server, a pool ---- */

void up_setup(struct up_fix *f, gconstpointer arg)
{
    (void)arg;
    f->loop = loop_new();
    server_start(&f->server, f->loop);
    f->url = g_strdup_printf("http://127.0.0.1:%d/ignored?x=1", f->server.port);
    f->origin = (struct up_origin){ .url = f->url,
                                    .proxy = "",
                                    .connect_timeout_us = 10 * G_USEC_PER_SEC,
                                    .max_idle = 4,
                                    .idle_timeout_us = 60 * G_USEC_PER_SEC };
    f->pool = up_pool_new(f->loop, &f->origin);
}

/* A pool that differs from the usual one. */
void up_again(struct up_fix *f)
{
    up_pool_free(f->pool);
    f->pool = up_pool_new(f->loop, &f->origin);
}

void up_teardown(struct up_fix *f, gconstpointer arg)
{
    (void)arg;
    up_pool_free(f->pool);
    server_stop(&f->server);
    g_free(f->url);
    loop_free(f->loop);
    buf_thread_trim();
}

void up_assert_stats(struct up_fix *f, unsigned idle, unsigned busy, unsigned dialled,
                     unsigned reused)
{
    struct up_pool_stats s;

    up_pool_stats(f->pool, &s);
    g_assert_cmpuint(s.idle, ==, idle);
    g_assert_cmpuint(s.busy, ==, busy);
    g_assert_cmpuint(s.dialled, ==, dialled);
    g_assert_cmpuint(s.reused, ==, reused);
}

/* One GET against one script; the caller looks at what became of it. */
void up_get(struct up_fix *f, struct client *c, const struct step *script)
{
    f->server.scripts[f->server.accepted] = script;
    client_init(c, f->pool);
    client_start(c, "GET", "/v1/x?y=z", NULL);
    run_until(f->loop, c->dones);
}

void up_assert_whole(const struct client *c, enum up_end end, const char *body)
{
    g_assert_cmpstr(c->report.message, ==, "");
    g_assert_cmpint(c->report.end, ==, end);
    g_assert_cmpint(c->ends, ==, 1);
    g_assert_cmpint(c->dones, ==, 1);
    g_assert_cmpstr(c->body->str, ==, body);
}
