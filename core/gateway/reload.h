/*
 * reload.h - POST /reload: an administrator has the configuration read again, and hears what came
 * of it.
 *
 * Reading is done on the control thread; the request waits for it without holding anybody up.
 */
#pragma once

#include "transport/loop.h"
#include "transport/server.h"

#include <glib.h>

/* [control thread] Reads the configuration again. NULL: it is in force; else why it is not, to be
 * freed. */
typedef char *(*reload_fn)(void *ctx);

/* The requests of one worker that wait. Its own thread's. */
struct reload_desk;
struct reload_desk *reload_desk_new(struct loop *loop, reload_fn reload, void *ctx);
void reload_desk_free(struct reload_desk *desk); /* NULL is fine */

/* Answers the request when it is done: 200, or 422 and the reason. */
void reload_ask(struct reload_desk *desk, struct http_request *req);
/* The request has gone: it is not to be touched again. */
void reload_gone(struct reload_desk *desk, const struct http_request *req);
