/*
 * worker.c - see worker.h.
 */
#include "engine/worker.h"
#include "base/str.h"
#include "engine/access.h"
#include "engine/stats.h"

#include <sys/random.h>

/* A pool and the settings it was made with; generations that agree on them share it. */
struct pool_entry {
    char *key;
    struct up_pool *pool;
    uint32_t users; /* worker generations that refer to it */
};

static void pool_entry_free(gpointer data)
{
    struct pool_entry *e = data;

    up_pool_free(e->pool);
    g_free(e->key);
    g_free(e);
}

struct worker *worker_new(struct engine *engine, uint32_t number, struct generation *generation)
{
    struct worker *w = g_new0(struct worker, 1);

    w->engine = engine;
    w->number = number;
    w->loop = loop_new();
    w->pools = g_ptr_array_new_with_free_func(pool_entry_free);
    w->stats = stats_new();
    w->log = access_log_new(w->loop);
    w->decisions = access_log_new(w->loop);
    jscan_tokens_init(&w->tokens);
    arena_init(&w->scratch, 0);
    if (getrandom(&w->random, sizeof w->random, 0) < 0)
        w->random = (uint64_t)g_get_monotonic_time() ^ (uintptr_t)w;
    worker_switch(w, generation);
    return w;
}

static char *pool_key(const struct config_provider *c)
{
    return g_strdup_printf("%s|%s|%s|%d|%" G_GINT64_FORMAT "|%u", c->base_url,
                           c->proxy ? c->proxy : "-", c->ca_file ? c->ca_file : "-", c->insecure,
                           c->timeouts.connect_us, c->max_connections);
}

static struct pool_entry *pool_for(struct worker *w, const struct config_provider *c)
{
    g_autofree char *key = pool_key(c);
    struct up_origin origin = {
        .url = c->base_url,
        .proxy = c->proxy,
        .ca_file = c->ca_file,
        .insecure = c->insecure,
        .connect_timeout_us = c->timeouts.connect_us,
        .max_connections = c->max_connections,
        .max_idle = 64,
        .idle_timeout_us = 60 * G_USEC_PER_SEC,
    };
    struct pool_entry *e;

    for (guint i = 0; i < w->pools->len; i++) {
        e = g_ptr_array_index(w->pools, i);
        if (strcmp(e->key, key) == 0)
            return e;
    }
    e = g_new0(struct pool_entry, 1);
    e->key = g_steal_pointer(&key);
    e->pool = up_pool_new(w->loop, &origin);
    g_ptr_array_add(w->pools, e);
    return e;
}

struct up_pool *worker_pool(struct worker *w, struct worker_generation *g,
                            const struct provider *provider)
{
    struct up_pool **slot = &g->pools[provider->number];

    if (!*slot) {
        struct pool_entry *e = pool_for(w, provider->config);

        e->users++;
        *slot = e->pool;
    }
    return *slot;
}

static void forget_pools(struct worker *w, struct worker_generation *g)
{
    for (guint n = 0; n < g->generation->tree->providers->len; n++) {
        for (guint i = 0; g->pools[n] && i < w->pools->len; i++) {
            struct pool_entry *e = g_ptr_array_index(w->pools, i);

            if (e->pool != g->pools[n])
                continue;
            if (--e->users == 0)
                g_ptr_array_remove_index_fast(w->pools, i);
            break;
        }
    }
}

static void generation_drop(struct worker *w, struct worker_generation *g)
{
    forget_pools(w, g);
    generation_unref(g->generation);
    g_free(g->pools);
    g_free(g);
}

void worker_switch(struct worker *w, struct generation *generation)
{
    struct worker_generation *old = w->generation;
    struct worker_generation *g = g_new0(struct worker_generation, 1);

    g->generation = generation_ref(generation);
    g->pools = g_new0(struct up_pool *, generation->tree->providers->len + 1);
    g->current = true;
    w->generation = g;
    access_log_target(w->log, generation->config->access_log, generation->config->access_file);
    access_log_target(w->decisions,
                      generation->config->decisions_file ? CONFIG_LOG_FILE : CONFIG_LOG_OFF,
                      generation->config->decisions_file);
    if (!old)
        return;
    /* What the old one has open is worth keeping if the new one goes to the same places. */
    for (guint i = 0; i < generation->tree->providers->len; i++)
        worker_pool(w, g, g_ptr_array_index(generation->tree->providers, i));
    old->current = false;
    if (old->exchanges == 0)
        generation_drop(w, old);
}

struct worker_generation *worker_generation_hold(struct worker *w)
{
    w->generation->exchanges++;
    return w->generation;
}

void worker_generation_release(struct worker *w, struct worker_generation *g)
{
    if (--g->exchanges == 0 && !g->current)
        generation_drop(w, g);
}

uint64_t worker_random(struct worker *w)
{
    uint64_t x = w->random += 0x9e3779b97f4a7c15ull; /* splitmix64 */

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

void worker_end(struct worker *w)
{
    generation_drop(w, w->generation);
    model_lists_unref(w->lists);
    g_ptr_array_unref(w->pools);
    access_log_free(w->log);
    access_log_free(w->decisions);
    jscan_tokens_finish(&w->tokens);
    arena_reset(&w->scratch);
    loop_free(w->loop);
    arena_thread_trim();
    buf_thread_trim();
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    stats_free(w->stats);
    g_free(w);
}
