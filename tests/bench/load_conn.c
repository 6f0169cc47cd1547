/*
 * load_conn.c - one connection of the load generator: a request out, an answer in and checked.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static char scratch[1 << 18];

int64_t load_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool load_connect(struct load_conn *c, int poll_fd, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    /* Blocking: on loopback this is over at once. */
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) < 0)
        return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &e) == 0;
}

void load_close(struct load_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->state = LOAD_IDLE;
}

static enum load_result flush(struct load_conn *c, int poll_fd, const struct load_request *r)
{
    bool wait = false;

    while (c->sent < r->len && !wait) {
        ssize_t n = send(c->fd, r->bytes + c->sent, r->len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
            return LOAD_BROKEN;
        wait = n < 0;
        c->sent += n > 0 ? (size_t)n : 0;
    }
    if (wait != c->waits_to_write) {
        struct epoll_event e = { .events = wait ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c };

        epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &e);
        c->waits_to_write = wait;
    }
    return LOAD_AGAIN;
}

enum load_result load_send(struct load_conn *c, int poll_fd, const struct load_request *r,
                           int64_t at_us)
{
    c->state = LOAD_HEAD;
    c->begun_us = at_us;
    c->sent = 0;
    c->head_len = 0;
    c->tail_len = 0;
    c->body_bytes = 0;
    return flush(c, poll_fd, r);
}

/* -- The answer ------------------------------------------------------------------------------- */

static void keep_tail(struct load_conn *c, const char *data, size_t len)
{
    size_t room = sizeof c->tail;

    c->body_bytes += len;
    if (len >= room) {
        memcpy(c->tail, data + len - room, room);
        c->tail_len = room;
        return;
    }
    if (c->tail_len + len > room) {
        size_t drop = c->tail_len + len - room;

        memmove(c->tail, c->tail + drop, c->tail_len - drop);
        c->tail_len -= drop;
    }
    memcpy(c->tail + c->tail_len, data, len);
    c->tail_len += len;
}

static bool as_wanted(const struct load_conn *c, const struct load_request *r)
{
    size_t n = strlen(r->tail);

    return c->status == r->status && c->tail_len >= n &&
           memcmp(c->tail + c->tail_len - n, r->tail, n) == 0;
}

/* Reads the complete, terminated head: status, and how the body is framed. */
static bool read_head(struct load_conn *c)
{
    const char *length = strcasestr(c->head, "\r\ncontent-length:");

    if (strncmp(c->head, "HTTP/1.1 ", 9) != 0)
        return false;
    c->status = (unsigned)strtoul(c->head + 9, NULL, 10);
    if (strcasestr(c->head, "\r\ntransfer-encoding: chunked")) {
        c->state = LOAD_SIZE;
        c->left = 0;
        return true;
    }
    if (!length)
        return false;
    c->left = strtoull(length + 17, NULL, 10);
    c->state = LOAD_LENGTH;
    return true;
}

/* Takes bytes up to the end of the head; returns how many, 0: it is bad or too long. */
static size_t eat_head(struct load_conn *c, const char *p, size_t len)
{
    size_t before = c->head_len;
    size_t n = sizeof c->head - 1 - before;

    n = len < n ? len : n;
    memcpy(c->head + before, p, n);
    c->head_len += n;
    c->head[c->head_len] = '\0';

    char *stop = strstr(c->head, "\r\n\r\n");

    if (!stop)
        return c->head_len < sizeof c->head - 1 ? n : 0;
    stop[2] = '\0';
    return read_head(c) ? (size_t)(stop + 4 - c->head) - before : 0;
}

/* The size line of a chunk, digit by digit: extensions are nothing a proxy here sends. */
static bool eat_size(struct load_conn *c, char byte)
{
    if (byte == '\n') {
        c->state = c->left ? LOAD_DATA : LOAD_LAST;
        return true;
    }
    if (byte == '\r')
        return true;

    const char *digits = "0123456789abcdef";
    const char *digit = strchr(digits, byte | 0x20);

    if (!digit || !*digit)
        return false;
    c->left = c->left * 16 + (uint64_t)(digit - digits);
    return true;
}

/* Takes some of the answer; returns how much, 0: it is broken. */
static size_t eat(struct load_conn *c, const char *p, size_t len)
{
    size_t n = len < c->left ? len : c->left;

    switch (c->state) {
    case LOAD_HEAD:
        return eat_head(c, p, len);
    case LOAD_LENGTH:
    case LOAD_DATA:
        keep_tail(c, p, n);
        c->left -= n;
        if (c->state == LOAD_DATA && !c->left)
            c->state = LOAD_DATA_END;
        return n;
    case LOAD_DATA_END:
        if (*p == '\n')
            c->state = LOAD_SIZE;
        return 1;
    case LOAD_SIZE:
        return eat_size(c, *p) ? 1 : 0;
    case LOAD_LAST: /* the empty line; trailers are not used here */
        if (*p == '\n')
            c->state = LOAD_IDLE;
        return 1;
    case LOAD_IDLE:
    default:
        return 0; /* nothing was asked */
    }
}

static enum load_result receive(struct load_conn *c, const struct load_request *r)
{
    ssize_t n = recv(c->fd, scratch, sizeof scratch, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return LOAD_AGAIN;
    if (n <= 0)
        return LOAD_BROKEN;
    for (size_t at = 0; at < (size_t)n;) {
        size_t took = eat(c, scratch + at, (size_t)n - at);

        if (!took)
            return LOAD_BROKEN;
        at += took;
        if (c->state == LOAD_LENGTH && !c->left)
            c->state = LOAD_IDLE;
    }
    if (c->state != LOAD_IDLE)
        return LOAD_AGAIN;
    return as_wanted(c, r) ? LOAD_DONE : LOAD_BROKEN;
}

enum load_result load_go_on(struct load_conn *c, int poll_fd, const struct load_request *r,
                            uint32_t events)
{
    if (events & EPOLLOUT && flush(c, poll_fd, r) == LOAD_BROKEN)
        return LOAD_BROKEN;
    return events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? receive(c, r) : LOAD_AGAIN;
}
