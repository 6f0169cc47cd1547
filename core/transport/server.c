/*
 * server.c - listening sockets, accepting within limits, draining.
 */
#include "transport/server_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

const struct http_limits http_limits_default = {
    .head_bytes = 64 * 1024,
    .head_us = 10 * 1000000,
    .body_idle_us = 30 * 1000000,
    .idle_us = 75 * 1000000,
    .write_idle_us = 60 * 1000000,
    .connections = 10000,
    .out_high = 256 * 1024,
    .out_low = 64 * 1024,
};

static void on_accept(struct loop_io *io, uint32_t events);

/* ---- requests to reuse ---- */

struct request *server_request_get(struct http_server *s)
{
    struct request *r = s->spares;
    if (!r) {
        r = malloc(sizeof(*r));
        if (r)
            r->many = NULL;
        return r;
    }
    s->spares = r->next;
    s->spare_count--;
    return r;
}

void server_request_put(struct http_server *s, struct request *r)
{
    free(r->many);
    r->many = NULL;
    if (s->spare_count >= SPARE_REQUESTS) {
        free(r);
        return;
    }
    r->next = s->spares;
    s->spares = r;
    s->spare_count++;
}

/* ---- accepting ---- */

static void pause_accepting(struct http_server *s)
{
    s->accept_paused = true;
    for (struct listener *l = s->listeners; l; l = l->next)
        loop_unwatch(s->loop, &l->io);
}

static void resume_accepting(struct http_server *s)
{
    if (!s->accept_paused || s->draining || s->count >= s->limits.connections)
        return;
    s->accept_paused = false;
    for (struct listener *l = s->listeners; l; l = l->next)
        loop_watch(s->loop, &l->io, l->fd, EPOLLIN, on_accept);
}

static void on_accept_retry(struct loop_timer *timer)
{
    resume_accepting(
        (struct http_server *)(void *)((char *)timer - offsetof(struct http_server, accept_retry)));
}

static void format_peer(const struct sockaddr_storage *from, char *peer, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(peer, size, "%s:%u", host, ntohs(in->sin_port));
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)from;
        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
        snprintf(peer, size, "[%s]:%u", host, ntohs(in->sin6_port));
    } else {
        snprintf(peer, size, "local");
    }
}

static void take_connection(struct listener *l, int fd, const struct sockaddr_storage *from)
{
    struct http_server *s = l->server;
    char peer[PEER_MAX];
    int on = 1;
    format_peer(from, peer, sizeof(peer));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (conn_new(s, fd, l->fd, peer))
        s->count++;
    else
        close(fd);
}

static void on_accept(struct loop_io *io, uint32_t events)
{
    struct listener *l = (struct listener *)(void *)io;
    struct http_server *s = l->server;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        if (s->count >= s->limits.connections) {
            pause_accepting(s);
            return;
        }
        struct sockaddr_storage from = { 0 };
        socklen_t len = sizeof(from);
        int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(l, fd, &from);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        /* Out of descriptors or memory: the listener stays ready, so it must not be watched. */
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            pause_accepting(s);
            loop_timer_set(s->loop, &s->accept_retry, loop_now(s->loop) + ACCEPT_RETRY_US,
                           on_accept_retry);
        }
        return;
    }
}

/* ---- life ---- */

bool http_server_listen(struct http_server *s, int listen_fd)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        return false;
    l->server = s;
    l->fd = listen_fd;
    if (!s->accept_paused && !loop_watch(s->loop, &l->io, listen_fd, EPOLLIN, on_accept)) {
        free(l);
        return false;
    }
    l->next = s->listeners;
    s->listeners = l;
    return true;
}

struct http_server *http_server_new(struct loop *loop, int listen_fd,
                                    const struct http_limits *limits, const struct http_app *app)
{
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->loop = loop;
    s->limits = limits ? *limits : http_limits_default;
    s->app = *app;
    if (!http_server_listen(s, listen_fd)) {
        free(s);
        return NULL;
    }
    return s;
}

static void on_drained(struct loop_task *task)
{
    struct http_server *s =
        (struct http_server *)(void *)((char *)task - offsetof(struct http_server, drain_task));
    void (*drained)(void *) = s->drained;
    s->drained = NULL;
    if (drained)
        drained(s->drained_ctx);
}

void server_conn_gone(struct http_server *s)
{
    s->count--;
    resume_accepting(s);
    if (s->draining && s->count == 0)
        loop_defer(s->loop, &s->drain_task, on_drained);
}

void http_server_drain(struct http_server *s, void (*drained)(void *ctx), void *ctx)
{
    if (s->draining)
        return;
    s->draining = true;
    s->drained = drained;
    s->drained_ctx = ctx;
    pause_accepting(s);
    for (struct conn *c = s->conns; c; c = c->next)
        conn_defer(c);
    if (s->count == 0)
        loop_defer(s->loop, &s->drain_task, on_drained);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    s->draining = true;
    s->drained = NULL;
    pause_accepting(s);
    conn_free_all(s);
    loop_defer_cancel(s->loop, &s->drain_task);
    loop_timer_clear(s->loop, &s->accept_retry);
    while (s->listeners) {
        struct listener *l = s->listeners;
        s->listeners = l->next;
        free(l);
    }
    while (s->spares) {
        struct request *r = s->spares;
        s->spares = r->next;
        free(r);
    }
    free(s);
}

uint32_t http_server_connections(const struct http_server *s)
{
    return s->count;
}
