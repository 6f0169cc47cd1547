/*
 * upstream_private.h - what the parts of the upstream client share.
 *
 *   upstream_pool.c      connections: dialled, kept, reused, dropped; calls that wait for one
 *   upstream_call.c      the public calls: start, cancel, pause, push; how a call ends
 *   upstream_request.c   the request: its head, and writing it
 *   upstream_response.c  the response: reading it, its framing, handing it over
 *   upstream_io.c        bytes in and out, plaintext or through libcurl
 *
 * A connection belongs to one call or to none. Callbacks run from the loop only, and each may end
 * its call, so whoever called one looks at `conn->call` before going on.
 */
#pragma once

#include "transport/dial.h"
#include "transport/upstream.h"

#include <glib.h>
#include <sys/uio.h>

enum {
    UP_BLOCK = 16 * 1024,       /* the least room for a read; the most of a TLS record */
    UP_WAKE_BYTES = 256 * 1024, /* read from one connection before others have their turn */
    UP_PUSH_HIGH = 256 * 1024,  /* pushed body bytes that may wait */
    UP_PUSH_LOW = 64 * 1024,    /* below it `writable` is called again */
    UP_INTERIM_MAX = 8,         /* 1xx responses before a final one */
    UP_HEAD_LIMIT = 64 * 1024,  /* if the request does not say */
    UP_HOLD_LIMIT = 64 << 20,   /* if the request does not say */
};

/* up_call.state: one of these, ... */
enum {
    CALL_OVER, /* or never started */
    CALL_WAITING,
    CALL_FAILING, /* `done` is due */
    CALL_ACTIVE,  /* has a connection, though maybe one that is still being dialled */
    CALL_STATE_MASK = 0x0f,
    CALL_FINISHED = 0x80, /* ... and this: up_body_finish() was called */
};

/* The request on its way out. */
struct up_tx {
    struct buf out; /* the head, and what was pushed */
    uint32_t span;  /* the body span being sent ... */
    size_t offset;  /* ... and how much of it has been */
    int64_t left;   /* bytes still to be pushed, if the length is known */
    bool blocked;   /* the socket takes no more at present */
    bool done;      /* all has been written */
    bool failed;    /* writing is over: the connection does not take it */
    bool pushed;    /* body bytes were pushed: they are gone and cannot be sent again */
    bool refused;   /* a push was turned down and `writable` is owed */
};

enum up_framing { RX_HEAD, RX_LENGTH, RX_CHUNKED, RX_TO_CLOSE };

/* The response on its way in. `in` holds first `held` bytes of body that wait for being consumed,
 * then what has not been looked at. */
struct up_rx {
    struct buf in;
    size_t held;
    size_t shown; /* of `held`: what has been presented already */
    enum up_framing framing;
    uint64_t left; /* RX_LENGTH */
    struct http_chunks chunks;
    uint8_t interim;
    bool keep;     /* the peer lets the connection live */
    bool any;      /* a byte has come */
    bool complete; /* all has come */
    bool ended;    /* nothing more will come: the connection ended ... */
    bool broken;   /* ... and not in an orderly way */
};

struct up_conn {
    struct loop_io io;
    struct loop_task task;
    struct up_pool *pool;
    struct up_call *call; /* NULL: kept for reuse */
    GList link;           /* in pool->idle or pool->busy */
    struct dial *dial;    /* being dialled, or what the bytes go through; NULL: our own socket */
    int fd;               /* -1: not connected yet */
    int error;            /* errno of the last failure on our own socket */
    int64_t idle_until_us;
    const char *doom; /* why the request can only fail, found where `done` must not be called */
    uint8_t entered;  /* callbacks may be running: do not free */
    bool closed;
    bool reused;
    bool writable_due;
    bool read_due;
    bool write_due;
    struct up_tx tx;
    struct up_rx rx;
};

struct up_calls {
    struct up_call *first, *last;
};

struct up_pool {
    struct loop *loop;
    struct dial_plan plan;
    char *url, *label, *host, *proxy, *ca_file;
    char *host_header; /* with the port, unless it is the scheme's */
    bool secure;
    char fault[200]; /* why nothing can be dialled, or "" */
    uint32_t max_connections, max_idle;
    int64_t idle_timeout_us;
    GQueue idle; /* the latest used first */
    GQueue busy;
    struct loop_timer idle_timer;
    struct up_calls waiting;
    struct up_calls failing;
    struct loop_task fail_task;
    struct up_pool_stats stats;
};

/* ---- upstream_io.c: bytes written or read, or DIAL_AGAIN, DIAL_FAILED; 0 read is the end ---- */
ssize_t up_io_write(struct up_conn *conn, struct iovec *iov, int count);
ssize_t up_io_read(struct up_conn *conn, void *bytes, size_t room);
/* Nothing has come that nobody asked for, not even the end. */
bool up_io_quiet(struct up_conn *conn);
const char *up_io_error(const struct up_conn *conn);
/* Waits for what the connection's state asks for. */
void up_io_watch(struct up_conn *conn);

/* ---- upstream_pool.c ---- */
void up_calls_add(struct up_calls *list, struct up_call *call);
void up_calls_remove(struct up_calls *list, struct up_call *call);
/* Gives the call a kept or a new connection, or lets it wait. Calls nothing back. */
void up_pool_serve(struct up_pool *pool, struct up_call *call);
/* Gives it a new connection. Calls nothing back. */
void up_pool_dial(struct up_pool *pool, struct up_call *call);
/* Lets those that wait have what has become free. Calls nothing back. */
void up_pool_dispatch(struct up_pool *pool);
/* The connection has no call any more: keep it for the next. */
void up_pool_keep(struct up_conn *conn);
/* Ends the connection at once. It is freed when no callback of it runs any more. */
void up_conn_close(struct up_conn *conn);
/* Around everything that calls back. After leaving, `conn` may be gone. */
void up_conn_enter(struct up_conn *conn);
void up_conn_leave(struct up_conn *conn);

/* ---- upstream_call.c ---- */
/* Ends the call that has no connection, later and from the loop. */
void up_call_fail_later(struct up_call *call, enum up_end end, const char *message);
/* The connection is ready, and the call's: begins the request. Calls nothing back. */
void up_call_begin(struct up_conn *conn, struct up_call *call, bool reused);
/* Ends the call, calling `done`; the connection is kept if it can be. */
void up_call_over(struct up_conn *conn, enum up_end end, const char *message);
/* Ends the call, unless it may be begun again with a new connection. */
void up_call_failed(struct up_conn *conn, enum up_end end, const char *message);
/* Runs the connection's due work, from the loop and soon. */
void up_call_defer(struct up_conn *conn);

/* ---- upstream_request.c ---- */
bool up_request_valid(const struct up_request *request, char *why, size_t why_size);
/* NULL, or why the request cannot be sent. */
const char *up_tx_begin(struct up_conn *conn);
const char *up_tx_finish(struct up_conn *conn);
/* Writes what can be written. Calls nothing back. */
void up_tx_run(struct up_conn *conn);

/* ---- upstream_response.c ---- */
/* Reads what has come and hands it over, unless the call is paused. */
void up_rx_run(struct up_conn *conn);
