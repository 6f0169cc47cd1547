/*
 * upstream_fixture.h - a scripted server in the loop under test, and a call that records.
 *
 * The n-th connection that is accepted runs the n-th script. A step that cannot go on waits, so
 * tests are exact about what has been sent and read without ever sleeping.
 */
#pragma once

#include "transport/upstream.h"

#include <glib.h>

/* Most steps of a script are a word. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum step_op {
    END,       /* of the script: does nothing more, leaves the connection open */
    HEAD,      /* waits for a request head */
    BYTES,     /* waits for `n` more bytes */
    UNTIL,     /* waits until what has come ends in `text` */
    SEND,      /* `text` */
    SEND_EACH, /* `text`, byte by byte, each one in an iteration of its own */
    SEND_FILL, /* `n` bytes of the pattern, as fast as they are taken */
    GATE,      /* waits until the test opens it */
    WAIT_EOF,  /* waits for the client to close */
    CLOSE,     /* in order */
    RESET,     /* not in order */
    SLOW,      /* from here on at most `n` bytes are read an iteration */
};

struct step {
    enum step_op op;
    const char *text;
    size_t n;
};

enum { MAX_SCRIPTS = 8 };

struct server;

/* One accepted connection. */
struct peer {
    struct loop_io io;
    struct loop_task task;
    struct server *server;
    int fd;
    const struct step *step;
    size_t at;   /* progress in the step */
    size_t slow; /* 0: reads all there is */
    GString *got;
    size_t read; /* of `got`: what steps have consumed */
    bool eof;
    bool finished;
};

struct server {
    struct loop_io io;
    struct loop *loop;
    int fd;
    int port;
    const struct step *scripts[MAX_SCRIPTS];
    struct peer *peers[MAX_SCRIPTS];
    int accepted;
    int gates; /* how many GATE steps may pass */
};

void server_start(struct server *s, struct loop *loop);
/* Listens on `fd`, which it takes, instead. */
void server_swap(struct server *s, int fd);
void server_stop(struct server *s);
void server_open_gate(struct server *s);

/* A call and what became of it. */
struct client {
    struct up_call call;
    struct up_pool *pool;
    int heads, bodies, ends, dones, writables;
    unsigned status;
    GString *body;
    size_t largest; /* most bytes presented at once */
    bool wrong;     /* body bytes differ from the pattern; only looked at if `pattern` */
    bool pattern;   /* do not gather the body, check it */
    size_t count;   /* body bytes consumed */
    struct up_report report;
    /* Hooks; NULL: consume everything. */
    int (*on_head)(struct client *c, const struct http_head *head);
    int64_t (*on_body)(struct client *c, const char *bytes, size_t len, bool end);
    void (*on_done)(struct client *c);
    void (*on_writable)(struct client *c);
    void *data;
    weir_str span; /* the body of client_start() */
};

void client_init(struct client *c, struct up_pool *pool);
void client_clear(struct client *c);
/* `body` may be NULL. */
void client_start(struct client *c, const char *method, const char *path, const char *body);
void client_send(struct client *c, const struct up_request *request);

/* A hook that pauses the call when its head has come. */
int client_pause_head(struct client *c, const struct http_head *head);

enum { BIG = 2 * 1000 * 1000 };

/* Byte `i` of the pattern that SEND_FILL sends. */
char pattern_at(size_t i);

weir_str str(const char *text);

/* Runs the loop until `condition`, and fails the test if that takes too long. */
#define run_until(loop, condition)                                                \
    do {                                                                          \
        int64_t limit_ = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;            \
        while (!(condition)) {                                                    \
            if (g_get_monotonic_time() > limit_)                                  \
                g_error("%s:%d: never came: %s", __FILE__, __LINE__, #condition); \
            loop_step((loop), 20000);                                             \
        }                                                                         \
    } while (0)

/* Lets everything happen that is ready to. */
void settle(struct loop *loop);

/* ---- a server, a pool ---- */

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define HELLO   OK_HEAD "Content-Length: 5\r\n\r\nhello"

struct up_fix {
    struct loop *loop;
    struct server server;
    struct up_origin origin;
    char *url;
    struct up_pool *pool;
};

void up_setup(struct up_fix *f, gconstpointer arg);
void up_teardown(struct up_fix *f, gconstpointer arg);
/* Makes the pool anew, as `origin` now says. */
void up_again(struct up_fix *f);
/* One GET, until it is done. The next connection, if one is made, runs `script`. */
void up_get(struct up_fix *f, struct client *c, const struct step *script);
void up_assert_stats(struct up_fix *f, unsigned idle, unsigned busy, unsigned dialled,
                     unsigned reused);
/* The call ended like this, once, with all of this body. */
void up_assert_whole(const struct client *c, enum up_end end, const char *body);
