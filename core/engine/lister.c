/*
 * lister.c - see lister.h.
 */
#include "engine/lister.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/inquiry.h"
#include "engine/lists.h"
#include "model/failure.h"

enum {
    LIMIT_US = 30 * 1000 * 1000, /* of one inquiry */
    RETRY_US = 30 * 1000 * 1000, /* after the first failure; then twice that, and so on */
    RETRY_DOUBLED = 10,
};

/* One provider that is asked. */
struct source {
    struct lister *lister;
    char *name;
    char *base_url;
    char *key;               /* all that decides what it answers */
    struct model_list *list; /* the last good one; NULL: none yet */
    struct inquiry *running;
    struct loop_timer timer;
    uint32_t failures; /* in a row */
};

struct lister {
    struct worker *worker;
    GPtrArray *sources; /* of struct source; the worker's thread only */
    GMutex lock;        /* guards what follows */
    struct model_lists *lists;
    uint32_t version; /* of `lists`; atomic */
};

static const struct config *config_of(const struct lister *l)
{
    return l->worker->generation->generation->config;
}

static void source_free(gpointer data)
{
    struct source *s = data;

    if (s->running)
        inquiry_cancel(s->running);
    loop_timer_clear(s->lister->worker->loop, &s->timer);
    model_list_unref(s->list);
    g_free(s->name);
    g_free(s->base_url);
    g_free(s->key);
    g_free(s);
}

/* -- showing ---------------------------------------------------------------------------------- */

static void publish(struct lister *l)
{
    struct model_lists *all = model_lists_new(), *before;

    for (guint i = 0; i < l->sources->len; i++) {
        const struct source *s = g_ptr_array_index(l->sources, i);

        if (s->list)
            model_lists_add(all, s->list);
    }
    g_mutex_lock(&l->lock);
    before = l->lists;
    l->lists = all;
    __atomic_add_fetch(&l->version, 1, __ATOMIC_RELEASE);
    g_mutex_unlock(&l->lock);
    model_lists_unref(before);
}

const struct model_lists *lister_lists(struct worker *w)
{
    struct lister *l = w->engine->lister;

    if (!l || __atomic_load_n(&l->version, __ATOMIC_ACQUIRE) == w->lists_version)
        return w->lists;
    g_mutex_lock(&l->lock);
    model_lists_unref(w->lists);
    w->lists = model_lists_ref(l->lists);
    w->lists_version = l->version;
    g_mutex_unlock(&l->lock);
    return w->lists;
}

/* -- asking ----------------------------------------------------------------------------------- */

static void ask_at(struct source *s, int64_t at_us);

/* The next time. One that failed is asked again earlier than one that answered. */
static void ask_later(struct source *s)
{
    int64_t wait = config_of(s->lister)->models_refresh_us, retry = RETRY_US;

    for (uint32_t i = 1; i < s->failures && i < RETRY_DOUBLED; i++)
        retry *= 2;
    if (s->failures && retry < wait)
        wait = retry;
    ask_at(s, loop_now(s->lister->worker->loop) + wait);
}

static void failed(struct source *s, const char *class, weir_str message)
{
    if (s->failures++)
        return;
    log_write(LOG_LEVEL_WARNING, "models", "provider %s does not tell its models (%s: %.*s); %s",
              s->name, class, S_ARG(message),
              s->list ? "those it told last stay listed" : "those configured are listed");
}

static void succeeded(struct source *s, struct model_list *list)
{
    if (s->failures)
        log_write(LOG_LEVEL_INFO, "models", "provider %s tells its models again", s->name);
    s->failures = 0;
    model_list_unref(s->list);
    s->list = list;
    publish(s->lister);
}

static void on_answer(void *ctx, weir_str document, const weir_failure *failure)
{
    struct source *s = ctx;
    const char *why = NULL;
    struct model_list *list = failure ? NULL : model_list_read(s->name, document, &why);

    s->running = NULL;
    if (list)
        succeeded(s, list);
    else if (failure)
        failed(s, failure_class_name(failure->class_id), failure->message);
    else
        failed(s, "protocol", str_of(why));
    ask_later(s);
}

static void ask(struct loop_timer *timer)
{
    struct source *s = (struct source *)((char *)timer - offsetof(struct source, timer));
    struct worker *w = s->lister->worker;
    const struct provider *p = tree_provider(w->generation->generation->tree, str_of(s->name));

    if (p && !s->running)
        s->running = inquiry_start(w, p, LIMIT_US, on_answer, s);
}

static void ask_at(struct source *s, int64_t at_us)
{
    loop_timer_set(s->lister->worker->loop, &s->timer, at_us, ask);
}

/* -- whom ------------------------------------------------------------------------------------- */

static struct source *source_new(struct lister *l, const struct provider *p, char *key)
{
    struct source *s = g_new0(struct source, 1);

    s->lister = l;
    s->name = g_strdup(p->config->name);
    s->base_url = g_strdup(p->config->base_url);
    s->key = key;
    ask_at(s, loop_now(l->worker->loop));
    return s;
}

static struct source *take_by_name(GPtrArray *sources, const char *name)
{
    for (guint i = 0; i < sources->len; i++) {
        struct source *s = g_ptr_array_index(sources, i);

        if (strcmp(s->name, name) == 0)
            return g_ptr_array_steal_index_fast(sources, i);
    }
    return NULL;
}

static bool is_asked(const struct lister *l, const struct provider *p)
{
    return config_of(l)->models_refresh_us > 0 && p->config->list_models && inquiry_possible(p);
}

/* The source of a provider: as it was, if nothing about the provider changed; else a new one, to
 * which the old one's list is left if it asks at the same place. */
static struct source *source_for(struct lister *l, GPtrArray *old, const struct provider *p)
{
    const struct config_provider *c = p->config;
    char *key = g_strjoin("\n", c->part->name, c->base_url, c->api_key ? c->api_key : "",
                          c->options ? c->options : "", NULL);
    struct source *before = take_by_name(old, c->name), *s;

    if (before && strcmp(before->key, key) == 0) {
        g_free(key);
        return before;
    }
    s = source_new(l, p, key);
    if (before && strcmp(before->base_url, s->base_url) == 0)
        s->list = g_steal_pointer(&before->list);
    if (before)
        source_free(before);
    return s;
}

static void reload(void *arg)
{
    struct lister *l = arg;
    const struct tree *tree = l->worker->generation->generation->tree;
    GPtrArray *old = l->sources;

    l->sources = g_ptr_array_new_with_free_func(source_free);
    for (guint i = 0; i < tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(tree->providers, i);

        if (is_asked(l, p))
            g_ptr_array_add(l->sources, source_for(l, old, p));
    }
    g_ptr_array_unref(old);
    publish(l);
}

struct lister *lister_new(struct engine *engine)
{
    struct lister *l = g_new0(struct lister, 1);

    g_mutex_init(&l->lock);
    l->worker = engine->workers[0];
    l->sources = g_ptr_array_new_with_free_func(source_free);
    lister_reload(l);
    return l;
}

void lister_reload(struct lister *l)
{
    loop_post(l->worker->loop, reload, l);
}

void lister_stop(struct lister *l)
{
    g_ptr_array_set_size(l->sources, 0);
}

void lister_free(struct lister *l)
{
    if (!l)
        return;
    g_ptr_array_unref(l->sources);
    model_lists_unref(l->lists);
    g_mutex_clear(&l->lock);
    g_free(l);
}
