/*
 * models_ask.c - asks the configured providers for their models, as the gateway does.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "cli/models.h"
#include "engine/engine.h"
#include "engine/inquiry.h"
#include "model/failure.h"
#include "transport/upstream.h"

#include <signal.h>

/* One round of asking; shared by the thread that waits and the loop's. */
struct round {
    struct engine *engine;
    GPtrArray *answers;
    gint64 limit_us;
    GMutex lock; /* guards what follows */
    GCond changed;
    guint open; /* inquiries that have not ended */
};

struct question {
    struct round *round;
    struct models_answer *answer;
};

static void answer_free(gpointer data)
{
    struct models_answer *a = data;

    model_list_unref(a->list);
    g_free(a->failure);
    g_free(a);
}

static void close_one(struct round *r)
{
    g_mutex_lock(&r->lock);
    r->open--;
    g_cond_signal(&r->changed);
    g_mutex_unlock(&r->lock);
}

static void on_answer(void *ctx, weir_str document, const weir_failure *failure)
{
    struct question *q = ctx;
    struct models_answer *a = q->answer;
    const char *why = NULL;

    if (failure)
        a->failure = g_strdup_printf("%s: %.*s", failure_class_name(failure->class_id),
                                     S_ARG(failure->message));
    else if (!(a->list = model_list_read(a->provider->name, document, &why)))
        a->failure = g_strdup_printf("protocol: %s", why);
    close_one(q->round);
    g_free(q);
}

/* On the loop's thread. */
static void ask_all(void *arg)
{
    struct round *r = arg;
    struct worker *w = r->engine->workers[0];
    const struct tree *tree = w->generation->generation->tree;

    for (guint i = 0; i < r->answers->len; i++) {
        struct models_answer *a = g_ptr_array_index(r->answers, i);
        const struct provider *p = tree_provider(tree, str_of(a->provider->name));
        struct question *q;

        a->asked = a->provider->list_models && p && inquiry_possible(p);
        if (!a->asked) {
            close_one(r);
            continue;
        }
        q = g_new0(struct question, 1);
        q->round = r;
        q->answer = a;
        inquiry_start(w, p, r->limit_us, on_answer, q);
    }
}

static void wait_for_all(struct round *r)
{
    g_mutex_lock(&r->lock);
    while (r->open)
        g_cond_wait(&r->changed, &r->lock);
    g_mutex_unlock(&r->lock);
}

static GPtrArray *blank_answers(const struct config *config, const char *only)
{
    GPtrArray *answers = g_ptr_array_new_with_free_func(answer_free);

    for (guint i = 0; i < config->providers->len; i++) {
        const struct config_provider *p = g_ptr_array_index(config->providers, i);
        struct models_answer *a;

        if (only && strcmp(p->name, only) != 0)
            continue;
        a = g_new0(struct models_answer, 1);
        a->provider = p;
        g_ptr_array_add(answers, a);
    }
    return answers;
}

GPtrArray *models_ask(struct config *config, const char *only, gint64 limit_us, GError **error)
{
    struct round r = { .limit_us = limit_us };

    signal(SIGPIPE, SIG_IGN);
    crumb_open();
    if (!up_global_init()) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_IO, "libcurl cannot be set up");
        return NULL;
    }
    config->access_log = CONFIG_LOG_OFF; /* nothing is served */
    g_clear_pointer(&config->decisions_file, g_free);
    r.engine = engine_new(config, 1, error);
    if (!r.engine)
        return NULL;
    r.answers = blank_answers(config, only);
    r.open = r.answers->len;
    g_mutex_init(&r.lock);
    g_cond_init(&r.changed);
    engine_start(r.engine, NULL, NULL, NULL);
    if (loop_post(r.engine->workers[0]->loop, ask_all, &r))
        wait_for_all(&r);
    engine_free(r.engine);
    g_cond_clear(&r.changed);
    g_mutex_clear(&r.lock);
    return r.answers;
}
