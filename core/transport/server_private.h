/*
 * server_private.h - what the files of the HTTP server share: connections and their request.
 *
 *   server.c    listening, accepting, draining
 *   conn.c      one connection: events, time limits, flushing, closing
 *   request.c   one request: its head, its body, its end
 *   reply.c     writing replies
 *
 * A connection's `in` buffer holds [head][body, if it fits][what the application sent ahead]. It is
 * neither grown nor moved while a request is in progress, so that spans of the head stay valid; a
 * body that does not fit gets a buffer of its own, sized from its Content-Length.
 */
#pragma once

#include "base/buf.h"
#include "transport/server.h"

#include <sys/types.h>

enum {
    CONN_BUDGET = 64,            /* pipelined requests served before others get their turn */
    CONN_DIRECT = 16 * 1024,     /* a reply piece from this size on is sent without a copy */
    LINGER_BYTES = 256 * 1024,   /* discarded after a reply that ends the connection... */
    LINGER_US = 2 * 1000 * 1000, /* ...so that the answer is read, not lost to a reset */
    BODY_STEP = 4 * 1024 * 1024, /* at most this much room is made on a Content-Length's word */
    ROOM_MIN = 4 * 1024,         /* less room than this is not worth a read */
    SMALL_HEAD = 4 * 1024,       /* a head (and body) up to this size moves to memory of its size */
    HEAD_SLACK = 512,            /* with some room for what is sent ahead */
    HEAD_READ = 2 * 1024,        /* read first where a large body is expected behind the head */
    ACCEPT_RETRY_US = 100 * 1000, /* after accept() ran out of descriptors or memory */
    ACCEPT_BATCH = 64,            /* connections taken at once */
    SPARE_REQUESTS = 64,          /* kept for reuse */
    FEW_HEADERS = 24,             /* of a request: so many have their place in it */
};

#define NEVER_US INT64_MAX

enum conn_state {
    CONN_IDLE,    /* nothing of a request is there */
    CONN_HEAD,    /* part of a head is */
    CONN_BODY,    /* the app has the head, the body is being read */
    CONN_BUSY,    /* nothing more to read of this request; the reply is awaited */
    CONN_CLOSING, /* what is left of the reply is sent, then the connection ends */
    CONN_LINGER,  /* our side is shut, what still comes is discarded */
};

enum { PEER_MAX = 56 }; /* bytes of "[address]:port", with the end */

struct conn {
    struct loop_io io;
    struct loop_timer timer; /* one for all limits: may fire early and is then set again */
    struct loop_task turn;
    struct http_server *server;
    struct conn *next, *prev;
    struct request *req; /* NULL: none, or its reply has ended */
    struct buf in, out;
    int64_t read_deadline, write_deadline;
    int64_t head_start; /* when the first byte of a head was read; 0: not yet */
    uint32_t discarded;
    int listen_fd;
    uint8_t state;
    uint8_t depth;    /* of our functions on the stack: who frees a closed connection */
    bool closed;      /* the descriptor is gone, the memory goes with the last function */
    bool eof;         /* the application's FIN was read */
    bool half_closed; /* it is there, maybe behind bytes that are not wanted yet */
    bool more;        /* `in` holds bytes nobody has looked at */
    bool blocked;     /* the socket took no more */
    bool over;        /* out_high was passed, out_low not yet seen again */
    bool linger;      /* the application may still be sending when the reply ends */
    bool broken;      /* a write failed inside a reply call; the turn ends the connection */
    bool large;       /* the last body did not fit behind its head: the next one will not either */
    char peer[];      /* at most PEER_MAX */
};

_Static_assert(sizeof(struct conn) < 300, "an idle connection is small");

struct request {
    struct http_request pub;      /* first: the app's pointer is ours */
    weir_header few[FEW_HEADERS]; /* where the head's headers are, ... */
    weir_header *many;            /* ... or here, if there are more; else NULL */
    /* All from here on is zero to begin. */
    struct conn *conn;
    struct request *next; /* in the list of spares */
    struct buf body;      /* a body that does not fit behind its head */
    struct buf *in;       /* where the body is: &body or &conn->in */
    size_t head_end;      /* offset in conn->in */
    size_t data;          /* offset in *in of the body's first byte */
    size_t raw;           /* offset in *in of what has not been decoded; the end, when done */
    uint64_t left;        /* of Content-Length */
    uint64_t total;       /* decoded so far */
    struct http_chunks chunks;
    int64_t reply_left; /* -1: length not told */
    uint8_t mode;       /* enum http_body_mode */
    bool body_done;
    bool paused;
    bool held; /* bytes came while paused */
    bool reply_started;
    bool reply_chunked;
    bool reply_overrun; /* more was written than told */
    bool swallow;       /* the reply has no body on the wire */
    bool close;         /* the connection ends with this reply */
};

struct listener {
    struct loop_io io;
    struct http_server *server;
    struct listener *next;
    int fd;
};

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    struct http_app app;
    struct listener *listeners;
    struct conn *conns;
    uint32_t count;
    bool accept_paused;
    bool draining;
    struct loop_timer accept_retry;
    struct loop_task drain_task;
    void (*drained)(void *ctx);
    void *drained_ctx;
    struct request *spares;
    uint32_t spare_count;
};

/* server.c */
struct request *server_request_get(struct http_server *s); /* NULL: out of memory */
void server_request_put(struct http_server *s, struct request *r);
void server_conn_gone(struct http_server *s);

/* conn.c */
struct conn *conn_new(struct http_server *s, int fd, int listen_fd, const char *peer);
void conn_free_all(struct http_server *s);
/* Queues the turn: flush, go on with what is pipelined, close if done. */
void conn_defer(struct conn *c);
/* Brings the watch and the timer in line with the state; needed only outside of a turn. */
void conn_settle(struct conn *c);
/* Adds to what is to be sent. A failure shows in `broken` and ends the connection in its turn. */
void conn_push(struct conn *c, const void *bytes, size_t len);
/* After something was added to `out` by hand. */
void conn_pushed(struct conn *c);
/* Ends the connection now; the app hears `gone` if a request is in progress. */
void conn_lost(struct conn *c);
/* Sends what the socket takes, then resets. The request is forgotten without `gone`. */
void conn_abort(struct conn *c);
/* Ends the connection when `out` is sent. */
void conn_finish(struct conn *c, bool linger);
ssize_t conn_recv(struct conn *c, void *into, size_t room); /* -1: nothing now, or lost */

/* request.c */
/* Takes one request from `in`. False: there is none, or the connection ends. */
bool request_take(struct conn *c);
void request_read_body(struct conn *c);
void request_read_ahead(struct conn *c);
/* Looks at bytes that came while the app had paused. */
void request_resume(struct conn *c);
/* Bytes behind the current request. */
size_t request_pending(const struct request *r);
/* The reply has ended: on to the next request, or to the end of the connection. */
void request_done(struct conn *c);
/* The application broke HTTP, or took too long, after the app saw the head. */
void request_fail(struct conn *c, unsigned status, const char *why);

/* reply.c */
/* Answers for the app and ends the connection; no request is in progress. */
void reply_refusal(struct conn *c, unsigned status, const char *why, bool head_only);
