/*
 * engine.c - see engine.h.
 */
#include "engine/engine.h"
#include "base/crash.h"
#include "base/crumb.h"
#include "engine/exchange.h"
#include "engine/lister.h"
#include "route/owner.h"

struct engine *engine_new(struct config *config, guint workers, GError **error)
{
    struct generation *generation = generation_new(config, error);
    struct engine *engine;

    if (!generation)
        return NULL;
    owner_configure(config->owners, config->owner_us);
    engine = g_new0(struct engine, 1);
    engine->config = config_ref(config);
    engine->generation = generation;
    engine->count = workers;
    engine->workers = g_new0(struct worker *, workers);
    engine->threads = g_new0(GThread *, workers);
    for (guint i = 0; i < workers; i++)
        engine->workers[i] = worker_new(engine, i, generation);
    return engine;
}

static gpointer run_worker(gpointer data)
{
    struct worker *w = data;
    struct engine *engine = w->engine;

    crumb_thread();
    crumb_crash_thread();
    if (engine->worker_begin)
        engine->worker_begin(w, engine->ctx);
    loop_run(w->loop);
    if (engine->lister && w->number == 0)
        lister_stop(engine->lister);
    while (w->exchanges)
        exchange_cancel(w->exchanges, 0);
    if (engine->worker_end)
        engine->worker_end(w, engine->ctx);
    loop_step(w->loop, 0); /* what was deferred: the exchanges' memory, the log's last lines */
    loop_step(w->loop, 0);
    worker_end(w);
    return NULL;
}

void engine_list_models(struct engine *engine)
{
    engine->lister = lister_new(engine);
}

void engine_start(struct engine *engine, void (*begin)(struct worker *, void *),
                  void (*end)(struct worker *, void *), void *ctx)
{
    engine->worker_begin = begin;
    engine->worker_end = end;
    engine->ctx = ctx;
    for (guint i = 0; i < engine->count; i++)
        engine->threads[i] = g_thread_new("weir-worker", run_worker, engine->workers[i]);
}

/* A generation on its way to one worker. */
struct handover {
    struct worker *worker;
    struct generation *generation;
};

static void take_over(void *arg)
{
    struct handover *h = arg;

    worker_switch(h->worker, h->generation);
    generation_unref(h->generation);
    g_free(h);
}

bool engine_switch(struct engine *engine, struct config *config, GError **error)
{
    struct generation *generation = generation_new(config, error);

    if (!generation)
        return false;
    for (guint i = 0; i < engine->count; i++) {
        struct handover *h = g_new0(struct handover, 1);

        h->worker = engine->workers[i];
        h->generation = generation_ref(generation);
        loop_post(engine->workers[i]->loop, take_over, h);
    }
    if (engine->lister)
        lister_reload(engine->lister);
    owner_configure(config->owners, config->owner_us);
    generation_unref(engine->generation);
    config_unref(engine->config);
    engine->generation = generation;
    engine->config = config_ref(config);
    return true;
}

void engine_stop(struct engine *engine)
{
    for (guint i = 0; i < engine->count; i++) {
        if (engine->threads[i])
            loop_stop(engine->workers[i]->loop);
    }
    for (guint i = 0; i < engine->count; i++) {
        if (engine->threads[i])
            g_thread_join(engine->threads[i]);
        else
            worker_end(engine->workers[i]);
    }
    /* Only now: each of them could be looking at the others. */
    for (guint i = 0; i < engine->count; i++) {
        worker_free(engine->workers[i]);
        engine->threads[i] = NULL;
        engine->workers[i] = NULL;
    }
    engine->count = 0;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    engine_stop(engine);
    lister_free(engine->lister);
    generation_unref(engine->generation);
    config_unref(engine->config);
    g_free(engine->workers);
    g_free(engine->threads);
    g_free(engine);
}
