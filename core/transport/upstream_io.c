/*
 * upstream_io.c - bytes in and out of a connection: our own socket, or through libcurl.
 */
#include "transport/upstream_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static ssize_t failed(struct up_conn *conn)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return DIAL_AGAIN;
    conn->error = errno;
    return DIAL_FAILED;
}

ssize_t up_io_write(struct up_conn *conn, struct iovec *iov, int count)
{
    if (conn->dial)
        return dial_send(conn->dial, iov[0].iov_base, iov[0].iov_len);

    struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)count };
    ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n >= 0 ? n : failed(conn);
}

ssize_t up_io_read(struct up_conn *conn, void *bytes, size_t room)
{
    if (conn->dial)
        return dial_recv(conn->dial, bytes, room);

    ssize_t n = recv(conn->fd, bytes, room, MSG_DONTWAIT);
    return n >= 0 ? n : failed(conn);
}

bool up_io_quiet(struct up_conn *conn)
{
    char byte;

    if (conn->dial)
        return dial_recv(conn->dial, &byte, 1) == DIAL_AGAIN;
    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

const char *up_io_error(const struct up_conn *conn)
{
    return conn->dial ? dial_error(conn->dial) : g_strerror(conn->error);
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct up_conn *conn = (struct up_conn *)((char *)io - G_STRUCT_OFFSET(struct up_conn, io));

    if (!conn->call) {
        /* Over TLS it may be no more than a session ticket. */
        if (!up_io_quiet(conn))
            up_conn_close(conn);
        return;
    }
    up_conn_enter(conn);
    if (!conn->call->paused)
        up_rx_run(conn);
    if (conn->call && conn->tx.blocked && !conn->closed)
        up_tx_run(conn);
    if (conn->call && !conn->closed) {
        /* A connection that hung up is reported whatever is waited for: stop waiting at all until
         * somebody wants to read. */
        if (conn->call->paused && (events & (EPOLLHUP | EPOLLERR)))
            loop_unwatch(conn->pool->loop, io);
        else
            up_io_watch(conn);
    }
    up_conn_leave(conn);
}

void up_io_watch(struct up_conn *conn)
{
    bool paused = conn->call && conn->call->paused;
    uint32_t events = (paused || conn->rx.ended ? 0 : EPOLLIN) | (conn->tx.blocked ? EPOLLOUT : 0);

    if (events == conn->io.events)
        return;
    if (!loop_watch(conn->pool->loop, &conn->io, conn->fd, events, on_ready)) {
        conn->doom = "the connection cannot be watched: out of memory";
        up_call_defer(conn);
    }
}
