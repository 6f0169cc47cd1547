/*
 * limit.c - see limit.h.
 */
#include "route/limit.h"
#include "base/str.h"

#include <glib.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)

#define DEBT_MAX_NS (INT64_C(24) * 3600 * 1000000000)

/* -- GCRA ------------------------------------------------------------------------------------- */

int64_t gcra_cost_ns(int64_t units, int64_t per_minute)
{
    double ns = (double)units * (double)LIMIT_MINUTE_NS / (double)per_minute;

    if (ns > (double)DEBT_MAX_NS || ns < -(double)DEBT_MAX_NS)
        return units > 0 ? DEBT_MAX_NS : -DEBT_MAX_NS;
    if (per_minute > INT64_MAX / LIMIT_MINUTE_NS) /* what is left of a unit would not fit */
        return (int64_t)ns + 1;
    return units / per_minute * LIMIT_MINUTE_NS +
           (units % per_minute * LIMIT_MINUTE_NS + per_minute - 1) / per_minute;
}

bool gcra_take(int64_t *tat, int64_t cost, int64_t burst, int64_t now)
{
    int64_t seen = LOAD(*tat);

    do {
        if (gcra_ready_ns(seen, cost, burst, now))
            return false;
    } while (!__atomic_compare_exchange_n(tat, &seen, (seen > now ? seen : now) + cost, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

void gcra_add(int64_t *tat, int64_t cost, int64_t now)
{
    int64_t seen = LOAD(*tat), next;

    do {
        next = (seen > now ? seen : now) + cost;
        if (next > now + DEBT_MAX_NS) /* a vendor that cannot count */
            next = now + DEBT_MAX_NS;
    } while (
        !__atomic_compare_exchange_n(tat, &seen, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

uint32_t gcra_left_ppm(int64_t tat, int64_t burst, int64_t now)
{
    if (tat <= now)
        return 1000000;
    return tat - now >= burst ? 0 : (uint32_t)((double)(burst - (tat - now)) / (double)burst * 1e6);
}

/* -- records ---------------------------------------------------------------------------------- */

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *table; /* "kind name place" -> struct limit */

static struct limit *get(const char *kind, weir_str name, weir_str place, bool stranger)
{
    static guint made; /* for strangers */
    g_autofree char *key = g_strdup_printf("%s %.*s %.*s", kind, S_ARG(name), S_ARG(place));
    g_autofree char *shown = g_strndup(name.ptr, name.len);
    struct limit *l;

    pthread_mutex_lock(&table_lock);
    if (!table)
        table = g_hash_table_new(g_str_hash, g_str_equal);
    l = g_hash_table_lookup(table, key);
    if (!l && (!stranger || made < LIMIT_MAX)) {
        l = g_new0(struct limit, 1);
        l->name = g_utf8_make_valid(shown, -1);
        g_hash_table_insert(table, g_steal_pointer(&key), l);
        made += stranger;
    }
    pthread_mutex_unlock(&table_lock);
    return l;
}

struct limit *limit_get(const char *kind, weir_str name)
{
    struct limit *l = name.len <= 256 ? get(kind, name, S(""), true) : NULL;

    return l ? l : get(kind, S("*"), S(""), false);
}

struct limits limit_pair(const struct limit_rule *rule, const char *kind, weir_str name,
                         weir_str place)
{
    bool any = rule->requests_per_minute || rule->tokens_per_minute || rule->concurrency;

    return (struct limits){ *rule, any ? get(kind, name, place, false) : NULL };
}

void limit_each(void (*each)(void *ctx, const char *kind, const struct limit *l), void *ctx)
{
    GHashTableIter iter;
    gpointer key, value;

    pthread_mutex_lock(&table_lock);
    if (table) {
        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
            g_autofree char *kind = g_strndup(key, strcspn(key, " "));

            each(ctx, kind, value);
        }
    }
    pthread_mutex_unlock(&table_lock);
}

/* -- the question ----------------------------------------------------------------------------- */

static int64_t burst_ns(const struct limit_rule *r, int64_t per_minute)
{
    int64_t percent = r->burst_percent ? r->burst_percent : LIMIT_BURST_PERCENT;
    int64_t burst = LIMIT_MINUTE_NS / 100 * percent, unit = gcra_cost_ns(1, per_minute);

    return burst > unit ? burst : unit;
}

/* What is booked of an estimate: what would take more than a minute is asked for by mistake, and
 * with nothing estimated a debt still counts. */
static int64_t token_cost(const struct limit_rule *r, int64_t tokens)
{
    if (tokens < 1)
        tokens = 1;
    return gcra_cost_ns(tokens < r->tokens_per_minute ? tokens : r->tokens_per_minute,
                        r->tokens_per_minute);
}

/* When so many tokens may pass, in nanoseconds; 0: now. */
static int64_t tokens_ready(const struct limits *l, int64_t tokens, int64_t now)
{
    const struct limit_rule *r = &l->rule;
    int64_t hold = LOAD(l->used->tokens_hold);
    int64_t at = gcra_ready_ns(LOAD(l->used->tokens_tat), token_cost(r, tokens),
                               burst_ns(r, r->tokens_per_minute), now);

    if (at > hold)
        __atomic_store_n(&l->used->tokens_hold, at, __ATOMIC_RELAXED);
    return hold > now && hold > at ? hold : at;
}

enum limit_kind limit_blocks(const struct limits *l, int64_t now_us, int64_t tokens,
                             int64_t *ready_us)
{
    const struct limit_rule *r = &l->rule;
    enum limit_kind kind = LIMIT_NONE;
    int64_t now = now_us * 1000, at, latest = 0;

    *ready_us = 0;
    if (!l->used)
        return LIMIT_NONE;
    if (r->concurrency > 0 && LOAD(l->used->inflight) >= r->concurrency) {
        kind = LIMIT_CONCURRENCY;
        latest = now + LIMIT_SLOT_WAIT_US * INT64_C(1000);
    }
    if (r->requests_per_minute > 0) {
        at = gcra_ready_ns(LOAD(l->used->requests_tat), gcra_cost_ns(1, r->requests_per_minute),
                           burst_ns(r, r->requests_per_minute), now);
        if (at > latest)
            kind = LIMIT_REQUESTS, latest = at;
    }
    if (r->tokens_per_minute > 0 && tokens >= 0) {
        at = tokens_ready(l, tokens, now);
        if (at > latest)
            kind = LIMIT_TOKENS, latest = at;
    }
    *ready_us = (latest + 999) / 1000;
    return kind;
}

/* What was taken, in the order of take_all(): up to `last`. */
static void give_back(const struct limits *l, int64_t tokens, enum limit_kind last)
{
    const struct limit_rule *r = &l->rule;
    struct limit *u = l->used;

    if (r->concurrency > 0)
        __atomic_sub_fetch(&u->inflight, 1, __ATOMIC_RELAXED);
    if (last != LIMIT_CONCURRENCY && r->requests_per_minute > 0)
        __atomic_sub_fetch(&u->requests_tat, gcra_cost_ns(1, r->requests_per_minute),
                           __ATOMIC_RELAXED);
    if (last == LIMIT_TOKENS && r->tokens_per_minute > 0 && tokens >= 0)
        __atomic_sub_fetch(&u->tokens_tat, token_cost(r, tokens), __ATOMIC_RELAXED);
}

/* One after the other. */
static enum limit_kind take_all(const struct limits *l, int64_t now, int64_t tokens)
{
    const struct limit_rule *r = &l->rule;
    struct limit *u = l->used;

    if (r->concurrency > 0 &&
        __atomic_add_fetch(&u->inflight, 1, __ATOMIC_RELAXED) > r->concurrency) {
        __atomic_sub_fetch(&u->inflight, 1, __ATOMIC_RELAXED);
        return LIMIT_CONCURRENCY;
    }
    if (r->requests_per_minute > 0 &&
        !gcra_take(&u->requests_tat, gcra_cost_ns(1, r->requests_per_minute),
                   burst_ns(r, r->requests_per_minute), now)) {
        give_back(l, tokens, LIMIT_CONCURRENCY);
        return LIMIT_REQUESTS;
    }
    if (r->tokens_per_minute > 0 && tokens >= 0 &&
        (tokens_ready(l, tokens, now) || !gcra_take(&u->tokens_tat, token_cost(r, tokens),
                                                    burst_ns(r, r->tokens_per_minute), now))) {
        give_back(l, tokens, LIMIT_REQUESTS);
        return LIMIT_TOKENS;
    }
    return LIMIT_NONE;
}

enum limit_kind limit_take(const struct limits *l, int64_t now_us, int64_t tokens,
                           int64_t *ready_us)
{
    enum limit_kind kind = l->used ? take_all(l, now_us * 1000, tokens) : LIMIT_NONE;

    *ready_us = 0;
    if (kind && !limit_blocks(l, now_us, tokens, ready_us)) /* it has just become free */
        *ready_us = now_us + 1;
    return kind;
}

void limit_return(const struct limits *l, int64_t tokens)
{
    if (l->used)
        give_back(l, tokens, LIMIT_TOKENS);
}

void limit_settle(const struct limits *l, int64_t now_us, int64_t booked, int64_t used)
{
    const struct limit_rule *r = &l->rule;

    if (!l->used)
        return;
    if (r->concurrency > 0)
        __atomic_sub_fetch(&l->used->inflight, 1, __ATOMIC_RELAXED);
    if (r->tokens_per_minute > 0 && booked >= 0 && used >= 0) {
        gcra_add(&l->used->tokens_tat,
                 gcra_cost_ns(used, r->tokens_per_minute) - token_cost(r, booked), now_us * 1000);
        if (used < booked) /* who is held back may come sooner */
            __atomic_store_n(&l->used->tokens_hold, 0, __ATOMIC_RELAXED);
    }
}

uint32_t limit_headroom(const struct limits *l, int64_t now_us)
{
    const struct limit_rule *r = &l->rule;
    uint32_t left = 1000000, ppm;

    if (!l->used)
        return left;
    if (r->requests_per_minute > 0) {
        ppm = gcra_left_ppm(LOAD(l->used->requests_tat), burst_ns(r, r->requests_per_minute),
                            now_us * 1000);
        left = ppm < left ? ppm : left;
    }
    if (r->tokens_per_minute > 0) {
        ppm = gcra_left_ppm(LOAD(l->used->tokens_tat), burst_ns(r, r->tokens_per_minute),
                            now_us * 1000);
        left = ppm < left ? ppm : left;
    }
    if (r->concurrency > 0) {
        int64_t busy = LOAD(l->used->inflight);

        ppm = busy >= r->concurrency
                  ? 0
                  : (uint32_t)((r->concurrency - busy) * 1000000 / r->concurrency);
        left = ppm < left ? ppm : left;
    }
    return left;
}

void limit_words(const struct limit_rule *rule, enum limit_kind kind, char *text, size_t size)
{
    if (kind == LIMIT_REQUESTS)
        snprintf(text, size, "%" PRId64 " requests a minute", rule->requests_per_minute);
    else if (kind == LIMIT_TOKENS)
        snprintf(text, size, "%" PRId64 " tokens a minute", rule->tokens_per_minute);
    else
        snprintf(text, size, "%" PRId64 " requests at once", rule->concurrency);
}
