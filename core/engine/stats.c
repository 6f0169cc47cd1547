/*
 * stats.c - see stats.h.
 *
 * A worker adds to its own tables under its own lock, which nobody else takes but a reader of
 * /metrics. Keys are interned names, so that looking one up compares pointers.
 */
#include "engine/stats.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "engine/prometheus.h"
#include "model/failure.h"

struct stats {
    pthread_mutex_t lock;
    GHashTable *rows; /* struct stats_row, by its own key */
};

static guint row_hash(gconstpointer key)
{
    const struct stats_row *r = key;

    return g_direct_hash(r->a) ^ (g_direct_hash(r->b) * 31u) ^ (r->n * 0x9e3779b1u) ^ r->kind;
}

static gboolean row_equal(gconstpointer x, gconstpointer y)
{
    const struct stats_row *r = x, *s = y;

    return r->kind == s->kind && r->a == s->a && r->b == s->b && r->n == s->n;
}

struct stats *stats_new(void)
{
    struct stats *s = g_new0(struct stats, 1);

    pthread_mutex_init(&s->lock, NULL);
    s->rows = g_hash_table_new_full(row_hash, row_equal, g_free, NULL);
    return s;
}

void stats_free(struct stats *s)
{
    if (!s)
        return;
    g_hash_table_unref(s->rows);
    pthread_mutex_destroy(&s->lock);
    g_free(s);
}

static struct stats_row *row(GHashTable *rows, enum stats_kind kind, const char *a, const char *b,
                             uint32_t n)
{
    struct stats_row key = { .kind = kind, .a = a, .b = b, .n = n };
    struct stats_row *r = g_hash_table_lookup(rows, &key);

    if (r)
        return r;
    r = g_new0(struct stats_row, 1);
    *r = key;
    g_hash_table_add(rows, r);
    return r;
}

static void observe(struct stats_row *r, double seconds)
{
    int i = 0;

    while (i < STATS_BUCKETS && seconds > stats_bounds[i])
        i++;
    r->bucket[i]++;
    r->count++;
    r->sum += seconds;
}

static void add_tokens(GHashTable *rows, const char *target, const weir_usage *u)
{
    const int64_t values[STATS_TOKEN_KINDS] = { u->input_total, u->output_total,
                                                u->input_cache_read, u->input_cache_write,
                                                u->output_reasoning };

    for (uint32_t i = 0; i < STATS_TOKEN_KINDS; i++) {
        if (values[i] > 0)
            row(rows, STATS_TOKENS, target, NULL, i)->count += (uint64_t)values[i];
    }
}

static void add_attempt(GHashTable *rows, const struct attempt *a)
{
    const char *target = a->target->name;
    unsigned class_id = a->failure ? a->failure->class_id : WEIR_CLASS_NONE;

    row(rows, STATS_ATTEMPTS, target, NULL, class_id)->count++;
    add_tokens(rows, target, &a->usage);
    if (a->failure)
        return;
    observe(row(rows, STATS_ATTEMPT_SECONDS, target, NULL, 0),
            (double)(a->end_us - a->start_us) / 1e6);
    if (!a->x.stream || !a->first_us)
        return;
    observe(row(rows, STATS_TTFT, target, NULL, 0), (double)(a->first_us - a->start_us) / 1e6);
    if (a->usage.output_total > 1)
        observe(row(rows, STATS_TPOT, target, NULL, 0),
                (double)(a->end_us - a->first_us) / 1e6 / (double)a->usage.output_total);
}

static const char *route_of(const struct exchange *e)
{
    return e->route ? e->route->name : "";
}

static void add_request(GHashTable *rows, const struct exchange *e)
{
    const char *route = route_of(e);

    row(rows, STATS_REQUESTS, route, e->dialect->name, e->facts.op << 16 | e->status)->count++;
    observe(row(rows, STATS_SECONDS, route, e->dialect->name, e->facts.op),
            (double)(e->end_us - e->start_us) / 1e6);
    if (e->failure)
        row(rows, STATS_FAILURES, route, NULL, e->failure->class_id)->count++;
}

void stats_no_shadow(struct stats *s, const struct exchange *e)
{
    pthread_mutex_lock(&s->lock);
    row(s->rows, STATS_SHADOWS, route_of(e), NULL, STATS_NOT_SENT)->count++;
    pthread_mutex_unlock(&s->lock);
}

void stats_exchange(struct stats *s, struct exchange *e)
{
    pthread_mutex_lock(&s->lock);
    if (e->copy_of)
        row(s->rows, STATS_SHADOWS, route_of(e), NULL, e->failure ? e->failure->class_id : 0)
            ->count++;
    else
        add_request(s->rows, e);
    for (const struct attempt *a = e->attempts; a; a = a->next) {
        if (a->begun)
            add_attempt(s->rows, a);
    }
    pthread_mutex_unlock(&s->lock);
}

static void merge(GHashTable *all, struct stats *s)
{
    GHashTableIter iter;
    gpointer key;

    pthread_mutex_lock(&s->lock);
    g_hash_table_iter_init(&iter, s->rows);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const struct stats_row *from = key;
        struct stats_row *to = row(all, from->kind, from->a, from->b, from->n);

        to->count += from->count;
        to->sum += from->sum;
        for (int i = 0; i <= STATS_BUCKETS; i++)
            to->bucket[i] += from->bucket[i];
    }
    pthread_mutex_unlock(&s->lock);
}

char *stats_text(struct worker *const *workers, guint count)
{
    g_autoptr(GHashTable) all = g_hash_table_new_full(row_hash, row_equal, g_free, NULL);
    uint32_t inflight = 0, waiting = 0;

    for (guint i = 0; i < count; i++) {
        merge(all, workers[i]->stats);
        inflight += __atomic_load_n(&workers[i]->exchange_count, __ATOMIC_RELAXED);
        waiting += __atomic_load_n(&workers[i]->waiting, __ATOMIC_RELAXED);
    }
    return prometheus_text(all, inflight, waiting);
}
