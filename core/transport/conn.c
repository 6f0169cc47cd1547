/*
 * conn.c - one connection: events in, bytes out, time limits, the ways it ends.
 *
 * EPOLLIN and EPOLLRDHUP stay armed for as long as reading makes sense, also while a reply is
 * awaited: that is how an application that leaves is noticed at once. What counts as leaving is a
 * reset, or a FIN behind which no pipelined request waits: an application that half-closes after
 * its last request is taken for gone, as most proxies do. Its answer is only sent if it was ready
 * by then.
 *
 * Functions that the loop calls are bracketed by enter() and leave(): inside, a connection may be
 * closed by anybody, and its memory goes with the last bracket.
 */
#include "transport/server_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void on_turn(struct loop_task *task);
static void on_timer(struct loop_timer *timer);
static void on_ready(struct loop_io *io, uint32_t events);

/* ---- what is waited for ---- */

static bool wants_read(const struct conn *c)
{
    if (c->eof)
        return false;
    switch (c->state) {
    case CONN_IDLE:
    case CONN_HEAD:
        return !c->more;
    case CONN_BODY:
        return !c->req->paused;
    case CONN_BUSY:
        /* What is sent ahead waits in the room behind the request; no room, no reading. */
        return c->in.end < c->in.cap && (c->req->in == &c->in || request_pending(c->req) == 0);
    case CONN_LINGER:
        return true;
    default:
        return false;
    }
}

static uint32_t wanted_events(const struct conn *c)
{
    uint32_t events = 0;
    if (c->blocked)
        events |= EPOLLOUT;
    if (wants_read(c))
        events |= EPOLLIN | EPOLLRDHUP;
    else if (!c->eof && !c->half_closed)
        events |= EPOLLRDHUP;
    /* Errors and hang-ups are always told; edge-triggered and nothing else means: only those. */
    return events ? events : EPOLLET;
}

void conn_settle(struct conn *c)
{
    struct loop *loop = c->server->loop;
    uint32_t events = wanted_events(c);
    if (events != c->io.events && !loop_watch(loop, &c->io, c->io.fd, events, on_ready))
        c->broken = true;
    if (c->broken)
        conn_defer(c);
    /* A timer that fires too early costs less than one moved with every request. */
    int64_t next = c->read_deadline < c->write_deadline ? c->read_deadline : c->write_deadline;
    if (next != NEVER_US && (c->timer.slot == 0 || c->timer.at_us > next))
        loop_timer_set(loop, &c->timer, next, on_timer);
}

static void enter(struct conn *c)
{
    c->depth++;
}

static void leave(struct conn *c)
{
    if (--c->depth)
        return;
    if (c->closed)
        free(c);
    else
        conn_settle(c);
}

void conn_defer(struct conn *c)
{
    if (!c->closed)
        loop_defer(c->server->loop, &c->turn, on_turn);
}

/* ---- beginning and end ---- */

struct conn *conn_new(struct http_server *s, int fd, int listen_fd, const char *peer)
{
    size_t peer_size = strnlen(peer, PEER_MAX - 1) + 1;
    struct conn *c = calloc(1, sizeof(*c) + peer_size);
    if (!c)
        return NULL;
    c->server = s;
    c->listen_fd = listen_fd;
    c->read_deadline = loop_now(s->loop) + s->limits.idle_us;
    c->write_deadline = NEVER_US;
    memcpy(c->peer, peer, peer_size - 1);
    if (!loop_watch(s->loop, &c->io, fd, EPOLLIN | EPOLLRDHUP, on_ready)) {
        free(c);
        return NULL;
    }
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    conn_settle(c);
    return c;
}

static void conn_close(struct conn *c)
{
    struct http_server *s = c->server;
    loop_unwatch(s->loop, &c->io);
    loop_timer_clear(s->loop, &c->timer);
    loop_defer_cancel(s->loop, &c->turn);
    close(c->io.fd);
    buf_free(&c->in);
    buf_free(&c->out);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->closed = true;
    server_conn_gone(s);
    if (c->depth == 0)
        free(c);
}

static void forget_request(struct conn *c, bool tell)
{
    struct request *r = c->req;
    if (!r)
        return;
    c->req = NULL;
    c->state = CONN_CLOSING;
    if (tell)
        c->server->app.gone(c->server->app.ctx, &r->pub, 0);
    buf_free(&r->body);
    server_request_put(c->server, r);
}

static void reset_on_close(struct conn *c)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void conn_lost(struct conn *c)
{
    if (c->closed)
        return;
    /* Unsent reply bytes mean that what was sent must not be taken for the whole. */
    if (buf_len(&c->out) || (c->req && c->req->reply_started))
        reset_on_close(c);
    forget_request(c, true);
    conn_close(c);
}

void conn_abort(struct conn *c)
{
    if (c->closed)
        return;
    /* In chunked framing the missing last chunk says it, and what was written (an error event, as a
     * rule) arrives for certain; a reset could overtake it. */
    if (c->req && c->req->reply_chunked) {
        forget_request(c, false);
        conn_finish(c, true);
        return;
    }
    if (buf_len(&c->out) && !c->blocked)
        (void)!send(c->io.fd, buf_at(&c->out), buf_len(&c->out), MSG_NOSIGNAL);
    reset_on_close(c);
    forget_request(c, false);
    conn_close(c);
}

void conn_finish(struct conn *c, bool linger)
{
    buf_free(&c->in);
    c->more = false;
    c->linger = linger;
    c->state = CONN_CLOSING;
    c->read_deadline = NEVER_US;
    conn_defer(c);
}

/* Everything is sent. Closing with unread bytes would reset, and the answer could be lost. */
static void end_sent(struct conn *c)
{
    if (!c->linger || c->eof || shutdown(c->io.fd, SHUT_WR) != 0) {
        conn_close(c);
        return;
    }
    c->state = CONN_LINGER;
    c->read_deadline = loop_now(c->server->loop) + LINGER_US;
}

void conn_free_all(struct http_server *s)
{
    while (s->conns)
        conn_lost(s->conns);
}

/* ---- writing ---- */

static void note_blocked(struct conn *c)
{
    c->blocked = true;
    if (c->write_deadline == NEVER_US)
        c->write_deadline = loop_now(c->server->loop) + c->server->limits.write_idle_us;
}

/* The result of one send of `len` bytes: what was taken. A failure sets `broken`. */
static size_t note_sent(struct conn *c, ssize_t n, size_t len)
{
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        c->broken = true;
        return 0;
    }
    if (n > 0)
        c->write_deadline = NEVER_US;
    if (n < 0 || (size_t)n < len)
        note_blocked(c);
    return n > 0 ? (size_t)n : 0;
}

void conn_pushed(struct conn *c)
{
    if (buf_len(&c->out) > c->server->limits.out_high)
        c->over = true;
    conn_defer(c);
}

/* Sends `out` and the piece in one call; returns how much of the piece was taken. */
static size_t send_direct(struct conn *c, const char *bytes, size_t len)
{
    size_t queued = buf_len(&c->out);
    struct iovec iov[2] = {
        { .iov_base = queued ? buf_at(&c->out) : NULL, .iov_len = queued },
        { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len },
    };
    struct msghdr msg = { .msg_iov = queued ? iov : iov + 1, .msg_iovlen = queued ? 2 : 1 };
    size_t n = note_sent(c, sendmsg(c->io.fd, &msg, MSG_NOSIGNAL), queued + len);
    if (n < queued) {
        buf_eat(&c->out, n);
        return 0;
    }
    buf_free(&c->out);
    return n - queued;
}

void conn_push(struct conn *c, const void *bytes, size_t len)
{
    const char *p = bytes;
    if (c->broken || c->closed)
        return;
    if (len >= CONN_DIRECT && !c->blocked) {
        size_t n = send_direct(c, p, len);
        p += n;
        len -= n;
    }
    if (!buf_add(&c->out, p, len))
        c->broken = true;
    conn_pushed(c);
}

static void flush(struct conn *c)
{
    struct http_server *s = c->server;
    size_t len = buf_len(&c->out);
    if (len && !c->blocked && !c->broken) {
        ssize_t n = send(c->io.fd, buf_at(&c->out), len, MSG_NOSIGNAL);
        buf_eat(&c->out, note_sent(c, n, len));
    }
    if (c->broken) {
        conn_lost(c);
        return;
    }
    if (c->over && buf_len(&c->out) <= s->limits.out_low) {
        c->over = false;
        if (c->req && c->req->reply_started && s->app.writable)
            s->app.writable(s->app.ctx, &c->req->pub);
    }
    if (!c->closed && c->state == CONN_CLOSING && buf_len(&c->out) == 0)
        end_sent(c);
}

/* ---- reading ---- */

ssize_t conn_recv(struct conn *c, void *into, size_t room)
{
    ssize_t n = recv(c->io.fd, into, room, 0);
    if (n > 0)
        return n;
    if (n == 0) {
        c->eof = true;
        return 0;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        conn_lost(c);
    return -1;
}

static void process(struct conn *c)
{
    struct http_server *s = c->server;
    int budget = CONN_BUDGET;
    while (!c->closed && c->state <= CONN_HEAD && buf_len(&c->in)) {
        /* Others want their turn, or the application does not read what it asked for. */
        if (budget-- == 0 || buf_len(&c->out) > s->limits.out_high) {
            c->more = true;
            conn_defer(c);
            return;
        }
        if (!request_take(c))
            break;
    }
    c->more = false;
}

static void read_head(struct conn *c)
{
    if (c->in.cap - c->in.end < ROOM_MIN && !buf_reserve(&c->in, CONN_DIRECT)) {
        conn_lost(c);
        return;
    }
    size_t room = c->in.cap - c->in.end;
    /* What is not read here need not be moved to where the body has its place. */
    if (c->large && room > HEAD_READ)
        room = HEAD_READ;
    ssize_t n = conn_recv(c, c->in.mem + c->in.end, room);
    if (n > 0) {
        if (c->head_start == 0)
            c->head_start = loop_now(c->server->loop);
        c->in.end += (size_t)n;
        if (buf_len(&c->in) <=
            SMALL_HEAD) /* it stays as long as the answer takes, and that is long */
            buf_fit(&c->in, HEAD_SLACK);
        process(c);
        if ((size_t)n == room && !c->closed && c->state == CONN_BODY && wants_read(c))
            request_read_body(c); /* there is more */
        return;
    }
    if (n == 0)
        conn_finish(c, false);
    else if (!c->closed && buf_len(&c->in) == 0)
        buf_free(&c->in);
}

static void discard(struct conn *c)
{
    char scratch[16 * 1024];
    ssize_t n = conn_recv(c, scratch, sizeof(scratch));
    if (n < 0)
        return;
    c->discarded += (uint32_t)n;
    if (n == 0 || c->discarded > LINGER_BYTES)
        conn_close(c);
}

/* A FIN has come, maybe behind bytes that are not wanted yet. */
static void note_half_closed(struct conn *c)
{
    char byte;
    c->half_closed = true;
    if (c->state == CONN_BUSY && request_pending(c->req) == 0 &&
        recv(c->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        conn_lost(c);
}

static void on_readable(struct conn *c, uint32_t events)
{
    if (!wants_read(c)) {
        if (events & EPOLLRDHUP)
            note_half_closed(c);
        return;
    }
    switch (c->state) {
    case CONN_IDLE:
    case CONN_HEAD:
        read_head(c);
        return;
    case CONN_BODY:
        request_read_body(c);
        return;
    case CONN_BUSY:
        request_read_ahead(c);
        return;
    default:
        discard(c);
        return;
    }
}

/* ---- what the loop calls ---- */

/* The server drains: nobody is coming. A request that is already in the socket is still served. */
static void end_idle(struct conn *c)
{
    if (wants_read(c))
        read_head(c);
    if (!c->closed && c->state == CONN_IDLE && !c->more)
        conn_finish(c, false);
}

static void go_on(struct conn *c)
{
    if (!c->closed && c->req && c->req->held && !c->req->paused)
        request_resume(c);
    if (!c->closed && c->more && buf_len(&c->out) <= c->server->limits.out_low)
        process(c);
    if (!c->closed && c->server->draining && c->state == CONN_IDLE && !c->more)
        end_idle(c);
}

static void on_turn(struct loop_task *task)
{
    struct conn *c = (struct conn *)(void *)((char *)task - offsetof(struct conn, turn));
    enter(c);
    flush(c);
    go_on(c);
    leave(c);
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct conn *c = (struct conn *)(void *)io;
    enter(c);
    if (events & (EPOLLERR | EPOLLHUP)) {
        conn_lost(c);
    } else {
        if (events & EPOLLOUT) {
            c->blocked = false;
            flush(c);
            go_on(c);
        }
        if (!c->closed && (events & (EPOLLIN | EPOLLRDHUP)))
            on_readable(c, events);
    }
    leave(c);
}

static void on_read_deadline(struct conn *c)
{
    c->read_deadline = NEVER_US;
    switch (c->state) {
    case CONN_IDLE:
        /* With more to serve it is the application that does not read: another limit's business. */
        if (!c->more)
            conn_finish(c, false);
        return;
    case CONN_HEAD:
        reply_refusal(c, 408, "the request's head did not arrive in time", false);
        return;
    case CONN_BODY:
        request_fail(c, 408, "the request's body did not arrive in time");
        return;
    case CONN_LINGER:
        conn_close(c);
        return;
    default:
        return;
    }
}

static void on_timer(struct loop_timer *timer)
{
    struct conn *c = (struct conn *)(void *)((char *)timer - offsetof(struct conn, timer));
    int64_t now = loop_now(c->server->loop);
    enter(c);
    if (c->write_deadline <= now)
        conn_lost(c);
    else if (c->read_deadline <= now)
        on_read_deadline(c);
    leave(c);
}
