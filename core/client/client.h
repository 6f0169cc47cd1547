/*
 * client.h - between the files of this folder: the library as a front of the engine.
 *
 * One client is one engine with one worker. A call is posted to the worker's loop, becomes an
 * exchange there, and is read by the openai dialect, because the canonical request is what that
 * dialect reads. Its reply is written by a dialect of our own (front.c), which packs events
 * (pack.h); they are unpacked into the response either on the loop's thread (asynchronous calls)
 * or on the thread that waits (all others).
 */
#pragma once

#include "client/request.h"
#include "client/response.h"
#include "engine/engine.h"
#include "engine/exchange.h"

#include <weir/weir.h>

struct weir_client {
    gint refs;
    struct engine *engine; /* NULL once closed */
    char *notes;
    struct generation *generation; /* the only one */
    GThread *thread;               /* the loop's; atomic, set before the first call begins */
    GMutex lock;                   /* no post comes after `closing` */
    gint closing;                  /* atomic */
    struct weir_call *calls;       /* that run; the loop's thread only */
};

struct weir_call {
    gint refs;
    struct weir_client *client;
    struct weir_call *next, *prev; /* in client->calls */
    /* what is asked */
    weir_str method, path, body;
    struct arena memory; /* of the body */
    weir_on_event on_event;
    weir_on_done on_done; /* NULL: somebody waits */
    void *ctx;
    /* the loop's side */
    struct exchange *exchange; /* NULL: not begun, or over */
    struct dialect speaker;    /* our own, with this call as its configuration */
    gint cancelled;            /* atomic */
    bool linked;
    /* the reader's side; filled in by the loop's thread and handed over with `over` */
    struct weir_response *response;
    GMutex lock; /* guards what follows */
    GCond changed;
    GByteArray *queue; /* packed events that wait for the thread that waits */
    bool full;         /* the exchange waits for the queue to be emptied */
    bool over;
};

/* -- client.c */

/* Runs fn(arg) on the loop's thread. False: the client is being closed; fn will not run. */
bool client_post(struct weir_client *c, void (*fn)(void *arg), void *arg)
    __attribute__((warn_unused_result));

struct weir_client *client_ref(struct weir_client *c);
void client_unref(struct weir_client *c);

/* Configuring and releasing plugins is for one thread at a time, over all clients. */
void client_init_lock(void);
void client_init_unlock(void);

/* -- call.c */

struct weir_call *call_ref(struct weir_call *call);
void call_unref(struct weir_call *call);

/* On the loop's thread. Packed events come, or a reply that is none (a document). */
void call_bytes(struct weir_call *call, const void *bytes, size_t len);
/* Whether the exchange shall wait before it brings more. */
bool call_full(struct weir_call *call);
/* The exchange is over and the response has its outcome. */
void call_over(struct weir_call *call);

/* -- front.c */

/* On the loop's thread: makes the exchange and hands it the request. May end the call. */
void front_begin(struct weir_call *call);
/* On the loop's thread: the exchange stops, and the call ends with class cancelled. */
void front_cancel(struct weir_call *call, const char *why);
/* Ends a call that has no exchange (any more). */
void front_refuse(struct weir_call *call, unsigned class_id, const char *why);
