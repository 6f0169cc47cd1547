/*
 * engine.h - the engine as a whole: the current generation and the worker threads that serve it.
 *
 * The gateway and the library both stand on this. All functions are for the control thread, unless
 * tagged otherwise.
 */
#pragma once

#include "engine/worker.h"

struct engine {
    struct config *config;
    struct generation *generation;
    struct worker **workers;
    GThread **threads;
    guint count;
    struct lister *lister; /* NULL: providers are not asked for their models */
    void (*worker_begin)(struct worker *w, void *ctx);
    void (*worker_end)(struct worker *w, void *ctx);
    void *ctx;
};

/* Makes the first generation and the workers; nothing runs yet. Takes a reference to `config`. */
struct engine *engine_new(struct config *config, guint workers, GError **error);

/* Before engine_start(): providers are asked for their models while the engine runs. */
void engine_list_models(struct engine *engine);

/* Starts the worker threads. `begin` and `end` run on each worker's thread, before and after its
 * loop. */
void engine_start(struct engine *engine, void (*begin)(struct worker *, void *),
                  void (*end)(struct worker *, void *), void *ctx);

/* Makes a generation of `config` and hands it to every worker. On failure everything stays. */
bool engine_switch(struct engine *engine, struct config *config, GError **error);

/* Ends the loops and the threads. Exchanges still running are cancelled. */
void engine_stop(struct engine *engine);
void engine_free(struct engine *engine);
