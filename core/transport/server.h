/*
 * server.h - the HTTP server of one worker: connections in, requests to the app, replies out.
 *
 * A connection serves one request at a time; pipelined ones wait in its buffer. The app learns of
 * a request when its head is there, and again when its body is (or in pieces, if it asked so).
 * Replies are written into the connection's buffer and flushed once an iteration.
 */
#pragma once

#include "transport/http.h"
#include "transport/loop.h"

struct http_limits {
    size_t head_bytes;     /* 64 KiB */
    int64_t head_us;       /* from first byte of a head to its last; 10 s */
    int64_t body_idle_us;  /* between two reads of a body; 30 s */
    int64_t idle_us;       /* keep-alive connection without a request; 75 s */
    int64_t write_idle_us; /* an application that reads nothing of its answer; 60 s */
    uint32_t connections;  /* per worker; beyond it new ones wait in the backlog */
    size_t out_high;       /* reply bytes unsent before http_reply_full(); 256 KiB */
    size_t out_low;        /* and when `writable` is called again; 64 KiB */
};

extern const struct http_limits http_limits_default;

enum http_body_mode {
    HTTP_BODY_HOLD,   /* collect it; `body` is called once, with all of it */
    HTTP_BODY_STREAM, /* `body` is called with each piece as it comes */
    HTTP_BODY_REFUSE, /* the app has replied already; the rest is not read, the connection ends */
};

struct http_request {
    struct http_head head; /* spans stay valid until the reply has ended */
    uint64_t body_limit;   /* set by the app in `head`; past it 413 is sent for the app */
    void *app_data;
    int listen_fd;      /* the listening socket by which it came */
    char peer[64];      /* "127.0.0.1:40312", for the log */
    int64_t start_us;   /* when its first byte was read */
    uint64_t bytes_in;  /* head and body so far */
    uint64_t bytes_out; /* reply bytes handed over so far, head included */
};

struct http_app {
    void *ctx;
    /* The head is complete. The app sets body_limit and says how it wants the body. It may reply at
     * once (then HTTP_BODY_REFUSE unless there is no body). */
    enum http_body_mode (*head)(void *ctx, struct http_request *req);
    /* HOLD: the whole body, valid until the reply ended; `end` is true. Called without bytes when
     * there is no body. STREAM: a piece, valid for the call; `end` with the last (maybe empty) one.
     * Reading pauses while http_request_pause() is in force. */
    void (*body)(void *ctx, struct http_request *req, weir_str bytes, bool end);
    /* The reply's unsent bytes fell below out_low after http_reply_full() was true. */
    void (*writable)(void *ctx, struct http_request *req);
    /* The application went away, or broke HTTP, before the reply ended. No reply call may follow;
     * `req` is invalid afterwards. `status` is what was sent on the app's behalf (400, 408, 413)
     * or 0. Not called for requests whose head never became complete. */
    void (*gone)(void *ctx, struct http_request *req, unsigned status);
    /* A malformed, slow or oversized request was answered without the app having seen it. The app
     * returns the body to send (static storage; content-type application/json). May be NULL. */
    weir_str (*refusal)(void *ctx, unsigned status, const char *why);
};

struct http_server;

/* Takes the listening socket (not owned, non-blocking). `app` is copied. */
struct http_server *http_server_new(struct loop *loop, int listen_fd,
                                    const struct http_limits *limits, const struct http_app *app);

/* Takes one more listening socket. */
bool http_server_listen(struct http_server *s, int listen_fd);

/* Stops accepting; idle connections end now, busy ones after their reply (Connection: close).
 * `drained` is called once, from the loop, when none is left. */
void http_server_drain(struct http_server *s, void (*drained)(void *ctx), void *ctx);

/* Ends every connection at once; `gone` is called for requests in progress. */
void http_server_free(struct http_server *s);

uint32_t http_server_connections(const struct http_server *s);

/*
 * Replies. `length` is the body's length, or -1 for chunked (HTTP/1.0: until close). Date,
 * Connection, Content-Length and Transfer-Encoding are added here and must not be in `headers`.
 * For HEAD the body is swallowed.
 */
void http_reply_start(struct http_request *req, unsigned status, const weir_header *headers,
                      size_t count, int64_t length);
void http_reply_write(struct http_request *req, const void *bytes, size_t len);
/* Ends the reply. `req` may be freed or reused by the time this returns: it is the app's last
 * touch. With a length told, writing less than it makes this an abort. */
void http_reply_end(struct http_request *req);
/* Ends the connection without a clean end, so that nobody takes what was sent for the whole:
 * without the last chunk, else by a reset. */
void http_reply_abort(struct http_request *req);
/* start + write + end. */
void http_reply_whole(struct http_request *req, unsigned status, const weir_header *headers,
                      size_t count, weir_str body);
/* Whether more than out_high bytes wait; the writer should pause until `writable`. */
bool http_reply_full(const struct http_request *req);
bool http_reply_started(const struct http_request *req);

/* Pauses or resumes the reading of a streamed body. */
void http_request_pause(struct http_request *req, bool paused);
