/*
 * gateway.h - the HTTP side of the engine: requests in, exchanges made, replies out.
 */
#pragma once

#include "engine/engine.h"
#include "gateway/reload.h"
#include "transport/server.h"

struct gateway;

/* The sockets are divided among the workers: socket i goes to worker i % workers. Not owned. The
 * last `admin_count` of them are for admin paths only. */
struct gateway *gateway_new(struct engine *engine, const int *sockets, guint socket_count,
                            guint admin_count);

/* Before it starts: what POST /reload does; without it that path is not there. */
void gateway_on_reload(struct gateway *g, reload_fn reload, void *ctx);

/* Starts the workers. */
void gateway_start(struct gateway *g);

/* Stops accepting; `drained` is called on some worker's thread when the last reply is out. */
void gateway_drain(struct gateway *g, void (*drained)(void *ctx), void *ctx);

/* Frees what the gateway holds; the engine must have been stopped. */
void gateway_free(struct gateway *g);
