/*
 * gateway.h - the HTTP side of the engine: requests in, exchanges made, replies out.
 */
#pragma once

#include "engine/engine.h"
#include "transport/server.h"

struct gateway;

/* The sockets are divided among the workers: socket i goes to worker i % workers. Not owned. */
struct gateway *gateway_new(struct engine *engine, const int *sockets, guint socket_count);

/* Starts the workers. */
void gateway_start(struct gateway *g);

/* Stops accepting; `drained` is called on some worker's thread when the last reply is out. */
void gateway_drain(struct gateway *g, void (*drained)(void *ctx), void *ctx);

/* Frees what the gateway holds; the engine must have been stopped. */
void gateway_free(struct gateway *g);
