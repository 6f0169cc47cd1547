/*
 * worker.h - one thread of the engine: a loop, its connections to providers, its counters.
 *
 * Workers share nothing but target records and node states. Each holds its own reference to the
 * current generation, so that a request touches no shared counter.
 */
#pragma once

#include "engine/generation.h"
#include "engine/lists.h"
#include "engine/queue.h"
#include "json/scan.h"
#include "transport/loop.h"
#include "transport/upstream.h"

struct engine;
struct exchange;
struct stats;

/* A generation as one worker holds it. */
struct worker_generation {
    struct generation *generation;
    uint32_t exchanges;     /* that run on it */
    struct up_pool **pools; /* by provider number; made at first use */
    bool current;
};

struct worker {
    struct engine *engine;
    uint32_t number;
    struct loop *loop;
    struct worker_generation *generation; /* the current one */
    GPtrArray *pools;                     /* of struct pool_entry: every pool of this worker */
    struct exchange *exchanges;           /* all that run, for the end */
    uint32_t exchange_count; /* this and the next by worker_count(): /metrics reads them */
    uint32_t waiting;        /* of them in the wait queue */
    uint32_t shadows;        /* of them copies, */
    uint64_t shadow_bytes;   /* ... and how much their requests' bodies come to */
    struct queue queue;
    struct jscan_tokens tokens; /* for frames: good for one call */
    struct arena scratch;       /* for calls whose memory nobody keeps */
    struct stats *stats;
    struct access_log *log;
    struct access_log *decisions; /* lines of another file */
    uint64_t random;
    struct model_lists *lists; /* as lister_lists() last saw them */
    uint32_t lists_version;
};

struct worker *worker_new(struct engine *engine, uint32_t number, struct generation *generation);
/* On the worker's thread, when its loop has ended: gives back all but the counters, which another
 * worker may be adding up for /metrics. */
void worker_end(struct worker *w);
/* When all threads have ended. */
void worker_free(struct worker *w);

static inline void worker_count(uint32_t *counter, int by)
{
    __atomic_store_n(counter, *counter + (uint32_t)by, __ATOMIC_RELAXED);
}

/* On the worker's thread: new exchanges use `generation` from now on. */
void worker_switch(struct worker *w, struct generation *generation);

/* The pool for a provider of a generation this worker holds. */
struct up_pool *worker_pool(struct worker *w, struct worker_generation *g,
                            const struct provider *provider);

struct worker_generation *worker_generation_hold(struct worker *w);
void worker_generation_release(struct worker *w, struct worker_generation *g);

uint64_t worker_random(struct worker *w);
