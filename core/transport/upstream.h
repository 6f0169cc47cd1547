/*
 * upstream.h - requests to providers: pooled HTTP/1.1 connections dialled by libcurl.
 *
 * libcurl resolves, connects, tunnels through proxies and speaks TLS (CONNECT_ONLY); from there on
 * the bytes are ours. One pool serves one origin on one worker. A call is embedded in its owner
 * and never blocks. Time limits other than connecting are the owner's.
 */
#pragma once

#include "transport/http.h"
#include "transport/loop.h"
#include "base/buf.h"

struct up_pool;
struct up_conn;

struct up_origin {
    const char *url;            /* scheme://host[:port]; the rest is ignored */
    const char *proxy;          /* NULL: what the environment says, as libcurl reads it; "": none */
    const char *ca_file;        /* NULL: the system's certificates */
    bool insecure;              /* do not verify the peer (tests); never the default */
    int64_t connect_timeout_us; /* DNS + TCP + proxy + TLS together */
    uint32_t max_connections;   /* 0: unlimited. Calls beyond it wait, in order */
    uint32_t max_idle;          /* kept open for reuse */
    int64_t idle_timeout_us;    /* kept no longer than this */
};

struct up_pool *up_pool_new(struct loop *loop, const struct up_origin *origin);
/* Idle connections end; running calls must have been cancelled or be done. */
void up_pool_free(struct up_pool *pool);

/* How a call ended. */
enum up_end {
    UP_COMPLETE,  /* the body ended as its framing said */
    UP_CLOSED,    /* no framing was given and the peer closed: complete as far as HTTP knows */
    UP_CUT,       /* the connection ended before the head or inside the body */
    UP_GARBAGE,   /* not HTTP */
    UP_TOO_LARGE, /* head over its limit, or held body over `hold_limit` */
    UP_RESOLVE_FAILED,
    UP_CONNECT_FAILED,
    UP_TLS_FAILED, /* handshake or certificate */
    UP_CONNECT_TIMEOUT,
    UP_SEND_FAILED,
    UP_STOPPED, /* a callback asked to stop */
};

struct up_report {
    enum up_end end;
    bool fresh;           /* the connection was made for this call */
    bool request_started; /* at least one byte of the request was written */
    uint64_t bytes_in;    /* response bytes read, head included */
    uint64_t bytes_out;
    int64_t connected_us; /* when the connection was ready; 0: never */
    int64_t sent_us;      /* when the last request byte was written; 0: not all were */
    char message[200];    /* for a person; "" when complete */
};

struct up_request {
    weir_str method;
    weir_str path;              /* with query; the pool's origin goes into Host */
    const weir_header *headers; /* Host, Content-Length, Connection are added here */
    uint32_t header_count;
    const weir_str *body; /* spans, sent in order; must stay valid until the call is over */
    uint32_t body_count;
    int64_t body_stream; /* -1: body is all. Otherwise the body comes through
                            up_body_push(): its length, or INT64_MAX for chunked */
    size_t head_limit;   /* response head bytes; 0: 64 KiB */
    uint64_t hold_limit; /* bytes that may wait unconsumed; 0: 64 MiB */
};

struct up_call;

struct up_ops {
    /* The final head (1xx are swallowed). Negative: stop. Spans are valid for the call. */
    int (*head)(struct up_call *call, const struct http_head *head);
    /*
     * Body bytes, chunked framing removed. Returns how many were consumed; what is left is
     * presented again, in front of what comes next and without being copied again. `end` is true
     * once, with the last bytes (maybe none). Negative: stop. When `end` comes and the body was
     * cut, `done` follows with UP_CUT instead: `end` is only ever true for a complete body.
     */
    int64_t (*body)(struct up_call *call, const char *bytes, size_t len, bool end);
    /* Exactly once, last; not after up_cancel(). The call may be reused or freed inside. */
    void (*done)(struct up_call *call, const struct up_report *report);
    /* The connection is ready; streamed request bodies may be pushed (again). May be NULL. */
    void (*writable)(struct up_call *call);
};

/* Embedded in its owner; the fields belong to the transport, but for `ops`. */
struct up_call {
    const struct up_ops *ops;
    struct up_pool *pool;
    struct up_conn *conn;
    struct up_call *next, *prev;
    struct up_request request;
    struct up_report report;
    uint8_t state;
    bool paused;
    bool retried;
};

/*
 * Starts a call. `request` is copied, what it points to is borrowed until the call is over. A kept
 * connection that turns out to be dead is replaced once, silently, if and only if no response byte
 * has come. `done` is never called from inside up_start().
 */
void up_start(struct up_pool *pool, struct up_call *call, const struct up_ops *ops,
              const struct up_request *request);

/* Ends the call now; its connection is closed unless it never started. No callback follows. */
void up_cancel(struct up_call *call);

/* Stops and resumes the reading of the response: backpressure reaches the provider through TCP. */
void up_pause(struct up_call *call, bool paused);

/* Streamed request bodies. False: nothing was taken, because more than 256 KiB wait already or the
 * connection is not ready; push again after `writable`. */
bool up_body_push(struct up_call *call, weir_str bytes);
void up_body_finish(struct up_call *call);

/* Numbers for /metrics and for tests. */
struct up_pool_stats {
    uint32_t idle, busy, waiting;
    uint64_t dialled, reused, stale_retries;
};
void up_pool_stats(const struct up_pool *pool, struct up_pool_stats *stats);

/* Once a process, before the first thread starts; false if libcurl cannot be set up. */
bool up_global_init(void);
