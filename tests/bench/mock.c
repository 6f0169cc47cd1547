/*
 * mock.c - see mock.h. One thread, level-triggered epoll.
 *
 *   mock PLAIN_PORT TLS_PORT FAIL_PORT CERTIFICATE KEY
 *
 * Listens on 127.0.0.1, says "ready" and runs until it is ended. What comes to FAIL_PORT gets 503.
 */
#include "mock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* All waiters of a line wait equally long, so each line is in order of time. */
struct line {
    struct mock_conn *first, *last;
};

static int poll_fd;
static SSL_CTX *tls;
static struct line lines[2];
static struct mock_conn *graveyard;
static char scratch[1 << 16];

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void watch(struct mock_conn *c, int how, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = c };

    epoll_ctl(poll_fd, how, c->fd, &e);
}

/* -- Lines ------------------------------------------------------------------------------------ */

static void enqueue(struct mock_conn *c, int64_t due)
{
    struct line *l = &lines[c->answer->queue];

    c->due_us = due;
    c->next = NULL;
    c->prev = l->last;
    if (l->last)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
    c->queued = true;
}

static void dequeue(struct mock_conn *c)
{
    struct line *l = &lines[c->answer->queue];

    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    c->queued = false;
}

/* Events of this round may still name it, so it is freed after the round. */
static void end(struct mock_conn *c)
{
    if (c->dead)
        return;
    if (c->queued)
        dequeue(c);
    if (c->ssl)
        SSL_free(c->ssl);
    close(c->fd);
    c->dead = true;
    c->next = graveyard;
    graveyard = c;
}

static void bury(void)
{
    while (graveyard) {
        struct mock_conn *c = graveyard;

        graveyard = c->next;
        free(c);
    }
}

/* -- Bytes ------------------------------------------------------------------------------------ */

/* Like read and write: -1 with errno EAGAIN if there is nothing to do now. */
static ssize_t tls_result(SSL *ssl, int n)
{
    int why;

    if (n > 0)
        return n;
    why = SSL_get_error(ssl, n);
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
    return -1;
}

static ssize_t take(struct mock_conn *c, void *to, size_t room)
{
    return c->ssl ? tls_result(c->ssl, SSL_read(c->ssl, to, (int)room)) : read(c->fd, to, room);
}

/* Throws away up to `n` bytes; TCP does that without copying them. */
static ssize_t skip(struct mock_conn *c, uint64_t n)
{
    if (!c->ssl)
        return recv(c->fd, NULL, n, MSG_TRUNC);
    return take(c, scratch, n < sizeof scratch ? n : sizeof scratch);
}

static bool flush(struct mock_conn *c)
{
    while (c->sent < c->to) {
        const char *from = c->answer->bytes + c->sent;
        size_t len = c->to - c->sent;
        ssize_t n = c->ssl ? tls_result(c->ssl, SSL_write(c->ssl, from, (int)len))
                           : write(c->fd, from, len);

        if (n < 0 && errno == EAGAIN) {
            if (!c->waits_to_write)
                watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            c->waits_to_write = true;
            return true;
        }
        if (n <= 0)
            return false;
        c->sent += (size_t)n;
    }
    if (c->waits_to_write)
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    c->waits_to_write = false;
    return true;
}

/* Sends the next piece. Behind a slow reader, pieces come together, as they would from a server. */
static void step(struct mock_conn *c, int64_t now)
{
    const struct mock_answer *a = c->answer;

    c->to = a->ends[c->piece++];
    if (!flush(c))
        end(c);
    else if (c->piece < a->pieces)
        enqueue(c, now + a->gap_us);
}

/* -- Requests --------------------------------------------------------------------------------- */

static bool content_length(const char *head, uint64_t *out)
{
    static const char name[] = "\r\ncontent-length:";
    const char *at = strcasestr(head, name);

    if (!at)
        return false;
    *out = strtoull(at + sizeof name - 1, NULL, 10);
    return true;
}

/* Takes the head off what was read, and what lies there of the body. */
static bool read_head(struct mock_conn *c)
{
    ssize_t n = take(c, c->head + c->head_len, sizeof c->head - 1 - c->head_len);
    char *stop;

    if (n < 0)
        return errno == EAGAIN;
    if (n == 0)
        return false;
    c->head_len += (size_t)n;
    c->head[c->head_len] = '\0';
    stop = strstr(c->head, "\r\n\r\n");
    if (!stop)
        return c->head_len < sizeof c->head - 1;

    size_t got = c->head_len - (size_t)(stop + 4 - c->head);
    const char *line = memchr(c->head, '\r', c->head_len);

    stop[2] = '\0';
    c->answer =
        c->fails ? mock_answer(MOCK_FAIL) : mock_answer_for(c->head, (size_t)(line - c->head));
    if (!content_length(c->head, &c->body_left)) {
        c->body_left = 0;
        if (strncmp(c->head, "POST", 4) == 0)
            c->answer = mock_answer(MOCK_REFUSE);
    }
    c->body_left -= got < c->body_left ? got : c->body_left;
    c->head_len = 0;
    c->piece = 0;
    c->sent = c->to = 0;
    return true;
}

static void on_readable(struct mock_conn *c)
{
    /* Idle: wants a head. Busy with an answer: only the end of the connection can come. */
    bool idle = !c->answer || (!c->body_left && c->piece == c->answer->pieces && c->sent == c->to);

    if (c->queued || !idle) {
        if (c->answer && c->body_left) {
            ssize_t n = skip(c, c->body_left);

            if (n == 0 || (n < 0 && errno != EAGAIN)) {
                end(c);
                return;
            }
            c->body_left -= n > 0 ? (uint64_t)n : 0;
            if (!c->body_left)
                step(c, now_us());
            return;
        }
        if (take(c, scratch, sizeof scratch) == 0 || errno != EAGAIN)
            end(c);
        return;
    }
    c->answer = NULL;
    if (!read_head(c))
        end(c);
    else if (c->answer && !c->body_left)
        step(c, now_us());
}

static void on_event(struct mock_conn *c, uint32_t events)
{
    if (c->dead)
        return;
    if (events & EPOLLOUT && !flush(c)) {
        end(c);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        on_readable(c);
        /* Decrypted bytes are invisible to epoll. */
        while (!c->dead && c->ssl && SSL_pending(c->ssl) > 0 && c->body_left)
            on_readable(c);
    }
}

/* -- Life ------------------------------------------------------------------------------------- */

static int listen_on(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0) {
        fprintf(stderr, "mock: cannot listen on port %d: %s\n", port, strerror(errno));
        exit(1);
    }
    return fd;
}

static void accept_all(int listener, bool with_tls, bool fails)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct mock_conn *c = calloc(1, sizeof *c);

        if (!c)
            abort();
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        c->fd = fd;
        c->fails = fails;
        if (with_tls) {
            c->ssl = SSL_new(tls);
            SSL_set_fd(c->ssl, fd);
            SSL_set_accept_state(c->ssl);
        }
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void tls_setup(const char *certificate, const char *key)
{
    tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "mock: cannot use %s and %s\n", certificate, key);
        exit(1);
    }
}

/* Sends what is due; returns how long nothing will be, in µs, -1: for ever. */
static int64_t run_lines(void)
{
    int64_t now = now_us();
    int64_t wait = -1;

    for (int i = 0; i < 2; i++) {
        struct mock_conn *c;

        while ((c = lines[i].first) && c->due_us <= now) {
            int64_t due = c->due_us;

            dequeue(c);
            step(c, due); /* not `now`: being late must not add up */
        }
        if (c && (wait < 0 || c->due_us - now < wait))
            wait = c->due_us - now;
    }
    return wait;
}

static void loop(const int listeners[3])
{
    struct epoll_event events[512];

    for (;;) {
        int64_t wait = run_lines();
        struct timespec t = { wait / 1000000, wait % 1000000 * 1000 };
        int n = epoll_pwait2(poll_fd, events, 512, wait < 0 ? NULL : &t, NULL);

        for (int i = 0; i < n; i++) {
            const int *which = events[i].data.ptr;

            if (which >= listeners && which < listeners + 3)
                accept_all(*which, which == listeners + 1, which == listeners + 2);
            else
                on_event(events[i].data.ptr, events[i].events);
        }
        bury();
    }
}

int main(int argc, char **argv)
{
    static int listeners[3];

    if (argc != 6) {
        fprintf(stderr, "usage: mock PLAIN_PORT TLS_PORT FAIL_PORT CERTIFICATE KEY\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1);
    signal(SIGPIPE, SIG_IGN);
    mock_answers_init();
    tls_setup(argv[4], argv[5]);
    poll_fd = epoll_create1(0);
    for (int i = 0; i < 3; i++) {
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = &listeners[i] };

        listeners[i] = listen_on(atoi(argv[i + 1]));
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, listeners[i], &e);
    }
    puts("ready");
    fflush(stdout);
    loop(listeners);
    return 0;
}
