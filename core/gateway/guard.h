/*
 * guard.h - who is let in, decided from the head of a request alone: before its body is read, and
 * before anybody is asked on its behalf.
 */
#pragma once

#include "config/config.h"
#include "transport/server.h"

/* What is known of a listening socket. */
enum {
    DOOR_LOCAL = 1, /* only this machine can come in by it */
    DOOR_HOST = 2,  /* ... by TCP: a browser can, for a page from anywhere */
    DOOR_ADMIN = 4, /* it is there for admin paths only */
};

/* The bits for a bound socket, but for DOOR_ADMIN. */
unsigned guard_door(int fd);

/* One per worker: what the keys of requests are hashed with. */
struct guard;
struct guard *guard_new(void);
void guard_free(struct guard *g);

struct admission {
    const struct config_key *key; /* by which it was let in; NULL: none */
    bool admin;                   /* it may ask what only an administrator may */
    bool sent;                    /* a key, known or not */
    unsigned class_id;            /* of the refusal: permission (what is foreign), authentication;
                                     0: it is let in */
    const char *why;              /* for the application; static */
};

/* Looks at host, origin and key. Where keys are configured, those in the request are blotted out:
 * nobody sees them behind this. */
struct admission guard_admit(struct guard *g, const struct config *c, unsigned door,
                             struct http_request *req);

/* Answers the question of a browser whether a page may send a request; the origin was found good.
 * False: it is no such question. */
bool guard_preflight(struct http_request *req);

enum { GUARD_CORS = 3 };

/* The headers by which a browser lets the page read the reply. How many: 0 or GUARD_CORS. */
size_t guard_cors(const struct config *c, const struct http_request *req,
                  weir_header headers[GUARD_CORS]);

/* What goes with every 401. */
#define GUARD_CHALLENGE ((weir_header){ S("www-authenticate"), S("Bearer realm=\"weir\"") })
