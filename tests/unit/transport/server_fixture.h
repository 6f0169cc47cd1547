/*
 * server_fixture.h - an HTTP server over loopback, its app, and clients stepped in the same thread.
 *
 * The app does what the path says:
 *   /echo    holds the body and sends it back      /stream  the same, piece by piece
 *   /wait    holds the body and leaves `held`      /now     replies from `head`
 */
#pragma once

#include "transport/server_private.h"

#include <glib.h>

enum { BODY_LIMIT = 1000000 };

#define CHUNKED "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"

struct app {
    int heads, ends, gone, refusals, writable, drained;
    unsigned gone_status, refusal_status;
    struct http_request *held; /* of /wait */
    GString *body;             /* what came of the last body */
    size_t pieces;
    bool pause;  /* /stream pauses after each piece */
    bool nested; /* /stream pauses in `head` */
};

extern struct app app;
extern struct loop *loop;
extern struct http_server *server;
extern struct http_limits limits;

/* A server with `limits` as they stand, or with the defaults; and its end. */
void begin(void);
void begin_default(void);
void end(void);

struct client {
    int fd;
    GString *in;
    bool eof, reset;
    struct http_head head; /* of the last reply taken */
    weir_header headers[HTTP_MAX_HEADERS];
    GString *body;
};

/* A connected client; `rcvbuf` 0 leaves the socket as it is. */
struct client *client_new_with(int rcvbuf);
struct client *client_new(void);
void client_free(struct client *c);
void client_close(struct client *c);
void client_read(struct client *c);

/* Sends all of it, reading and serving meanwhile. Stops early when the server has ended it. */
size_t client_send_len(struct client *c, const char *bytes, size_t len);
void client_send(struct client *c, const char *text);

/* One iteration of the loop; then what came is read. */
void step(struct client *c);

#define WAIT(c, condition) \
    while (!(condition))   \
    step(c)

/* Takes one reply that has arrived whole; `no_body` for the answers to HEAD. */
bool take_reply(struct client *c, bool no_body);
/* Waits for one; returns its status. */
unsigned reply(struct client *c);

/* A request of /now is served. */
void assert_served(struct client *c);
/* Sends a request of /wait and returns it. */
struct http_request *await_wait(struct client *c, const char *version);

/* `len` bytes that differ from place to place. */
char *pattern(size_t len);
