/*
 * dial.h - one connection being made by libcurl: name, socket, proxy tunnel, TLS.
 *
 * A dial has a CURLM of its own, because a TLS connection must stay with the multi it was made in,
 * and looking it up among others would take longer the more there are. When a plaintext connection
 * is ready its socket is taken over and nothing of libcurl stays behind.
 */
#pragma once

#include "transport/loop.h"
#include "transport/tls.h"
#include "transport/upstream.h"

#include <sys/types.h>

struct dial;

/* Where to and how. Lives as long as the dials made with it; one thread's. */
struct dial_plan {
    const char *url;     /* scheme://host:port/ */
    const char *label;   /* "host:port", for messages */
    const char *host;    /* for messages */
    const char *proxy;   /* as in up_origin */
    bool verify;         /* check certificates, host name included */
    const char *ca_file; /* as in up_origin */
    tls_store *store;    /* loaded when first needed; the plan's owner gives it back */
    long timeout_ms;
    void *share; /* CURLSH: names and TLS sessions, for one thread */
};

/* A CURLSH for dial_plan.share; NULL: out of memory. */
void *dial_share_new(void);
void dial_share_free(void *share);

/*
 * Starts dialling. `done` is called once, from the loop, never from inside this: `end` is
 * UP_COMPLETE when connected, otherwise why not, with a `message` for a person. The dial stays with
 * the caller, who may free it inside. NULL: libcurl could not be set up.
 */
struct dial *dial_new(struct loop *loop, struct dial_plan *plan,
                      void (*done)(void *arg, enum up_end end, const char *message), void *arg);

/* Ends the dialling, or the connection unless its socket was taken. Takes NULL. */
void dial_free(struct dial *dial);

/* After `done`: the connected socket. */
int dial_socket(struct dial *dial);

/* After `done`: true if the socket carries our bytes as they are. It then belongs to the caller,
 * who frees the dial. False: the dial must stay, and the bytes go through it. */
bool dial_take_socket(struct dial *dial);

enum { DIAL_AGAIN = -1, DIAL_FAILED = -2 };

/* How many bytes went; 0 bytes received is the orderly end. */
ssize_t dial_send(struct dial *dial, const void *bytes, size_t len);
ssize_t dial_recv(struct dial *dial, void *bytes, size_t room);

/* What went wrong last in dial_send() or dial_recv(). */
const char *dial_error(const struct dial *dial);
