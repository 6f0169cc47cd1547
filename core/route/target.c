/*
 * target.c - see target.h.
 */
#include "route/target.h"
#include "base/str.h"
#include "model/failure.h"

#include <glib.h>
#include <math.h>

#define LOAD(p)     __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELAXED)
#define ADD(p, v)   __atomic_add_fetch(&(p), (v), __ATOMIC_RELAXED)

enum {
    PROBE_LOST_US = 120 * 1000 * 1000, /* a probe not heard of for this long is given up */
};

/* No promise of a vendor holds longer: it is asked again, and may promise again. */
#define RETRY_AFTER_MAX_US (INT64_C(24) * 3600 * 1000 * 1000)

#define DECAY_US 10e6 /* estimators forget with this time constant */

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *table;
static GHashTable *names; /* each once: counters are kept by the pointer */

/* Not g_intern_string(): its table is the process's, and there may be thousands of these. */
static const char *keep_name(const char *name)
{
    char *kept;

    if (!names)
        names = g_hash_table_new(g_str_hash, g_str_equal);
    kept = g_hash_table_lookup(names, name);
    if (!kept) {
        kept = g_strdup(name);
        g_hash_table_add(names, kept);
    }
    return kept;
}

static struct target *make_target(const char *name)
{
    struct target *t = g_new0(struct target, 1);
    g_autofree char *valid = g_utf8_make_valid(name, -1); /* it is a label of metrics */

    t->name = keep_name(valid);
    t->estimates = (struct target_estimates){ -1, -1, -1, 0, 0 };
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

static char *make_key(weir_str provider, weir_str base_url, weir_str model)
{
    return g_strdup_printf("%.*s %.*s %.*s", S_ARG(provider), S_ARG(base_url), S_ARG(model));
}

static struct target *find_or_make(weir_str provider, weir_str base_url, weir_str model, guint most)
{
    g_autofree char *key = NULL;
    g_autofree char *name = NULL;
    struct target *t;
    bool shared = model.len > TARGET_NAME_MAX || str_is(model, TARGET_LIST);

    if (model.len > TARGET_NAME_MAX)
        model = S("*");
    pthread_mutex_lock(&table_lock);
    if (!table)
        table = g_hash_table_new(g_str_hash, g_str_equal);
    key = make_key(provider, base_url, model);
    t = g_hash_table_lookup(table, key);
    if (!t && g_hash_table_size(table) >= most) {
        model = S("*");
        shared = true;
        g_free(key);
        key = make_key(provider, base_url, model);
        t = g_hash_table_lookup(table, key);
    }
    if (!t) {
        name = model.len ? g_strdup_printf("%.*s/%.*s", S_ARG(provider), S_ARG(model))
                         : g_strdup_printf("%.*s", S_ARG(provider));
        t = make_target(name);
        t->number = shared ? 0 : g_hash_table_size(table) + 1;
        g_hash_table_insert(table, g_steal_pointer(&key), t);
    }
    pthread_mutex_unlock(&table_lock);
    return t;
}

struct target *target_configured(weir_str provider, weir_str base_url, weir_str model)
{
    return find_or_make(provider, base_url, model, TARGET_MAX);
}

/* What this thread asked for lately: leaves without a model are looked up at every ask, and the
 * table is shared. Records are never freed, so a hit stays good. */
struct recent {
    uint64_t hash;
    struct target *target;
    uint16_t len[3];
    char key[120];
};

enum { RECENT = 32 };

static _Thread_local struct recent recent[RECENT];

static uint64_t hash_of(const weir_str part[3])
{
    uint64_t h = 0;

    for (int i = 0; i < 3; i++) {
        size_t at = 0;

        for (; at + 8 <= part[i].len; at += 8) {
            uint64_t word;

            memcpy(&word, part[i].ptr + at, 8);
            h = (h ^ word) * 0x9E3779B97F4A7C15u;
            h ^= h >> 32;
        }
        for (; at < part[i].len; at++)
            h = (h ^ (unsigned char)part[i].ptr[at]) * 0x100000001B3u;
        h = (h ^ part[i].len) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    return h;
}

static bool recent_is(const struct recent *r, uint64_t hash, const weir_str part[3])
{
    size_t at = 0;

    if (!r->target || r->hash != hash)
        return false;
    for (int i = 0; i < 3; i++) {
        if (r->len[i] != part[i].len ||
            (part[i].len && memcmp(r->key + at, part[i].ptr, part[i].len) != 0))
            return false;
        at += part[i].len;
    }
    return true;
}

static void remember(struct recent *r, uint64_t hash, const weir_str part[3], struct target *t)
{
    size_t at = 0;

    if (part[0].len + part[1].len + part[2].len > sizeof r->key)
        return;
    for (int i = 0; i < 3; i++) {
        if (part[i].len)
            memcpy(r->key + at, part[i].ptr, part[i].len);
        r->len[i] = (uint16_t)part[i].len;
        at += part[i].len;
    }
    r->hash = hash;
    r->target = t;
}

struct target *target_get(weir_str provider, weir_str base_url, weir_str model)
{
    const weir_str part[3] = { provider, base_url, model };
    uint64_t hash = hash_of(part);
    struct recent *r = &recent[hash % RECENT];

    struct target *t;

    if (recent_is(r, hash, part))
        return r->target;
    t = find_or_make(provider, base_url, model, TARGET_ASKED_MAX);
    remember(r, hash, part, t);
    return t;
}

static void block(uint32_t *blocked, int64_t *ready, uint32_t bit, int64_t until)
{
    *blocked |= bit;
    if (until > *ready)
        *ready = until;
}

/* Whether what the vendor's answers teach is kept to. A shared record has not one rate. */
static bool learns(const struct target *t, const struct limits *limits)
{
    return t->number && !limits->rule.unlearned;
}

uint32_t target_blocked(struct target *t, const struct limits *limits, int64_t now_us,
                        int64_t tokens, int64_t *ready_us)
{
    int64_t open = LOAD(t->open_us), cool = LOAD(t->cooldown_us), probe, until;
    uint32_t blocked = 0;

    *ready_us = 0;
    if (cool > now_us)
        block(&blocked, ready_us, WEIR_BLOCKED_COOLDOWN, cool);
    if (open) {
        probe = LOAD(t->probe_us);
        if (open > now_us)
            block(&blocked, ready_us, WEIR_BLOCKED_BREAKER, open);
        else if (probe && now_us - probe < PROBE_LOST_US)
            block(&blocked, ready_us, WEIR_BLOCKED_BREAKER, now_us + 1000000);
    }
    if (limits->used && limit_blocks(limits, now_us, tokens, &until))
        block(&blocked, ready_us, WEIR_BLOCKED_LIMIT, until);
    until = learns(t, limits) ? learned_ready(&t->learned, now_us) : 0;
    if (until)
        block(&blocked, ready_us, WEIR_BLOCKED_LIMIT, until);
    return blocked;
}

/* Claims the probe of a half-open breaker. False: it is open, or another probe runs. */
static bool breaker_lets(struct target *t, int64_t now_us, bool claim)
{
    int64_t open = LOAD(t->open_us), probe;

    if (!open)
        return true;
    probe = LOAD(t->probe_us);
    if (open > now_us || (probe && now_us - probe < PROBE_LOST_US))
        return false;
    return !claim || __atomic_compare_exchange_n(&t->probe_us, &probe, now_us, false,
                                                 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool target_begin(struct target *t, const struct limits *limits, int64_t now_us, int64_t tokens)
{
    int64_t ready;

    if (!breaker_lets(t, now_us, false) || limit_take(limits, now_us, tokens, &ready))
        return false;
    if ((learns(t, limits) && !learned_take(&t->learned, now_us)) ||
        !breaker_lets(t, now_us, true)) {
        limit_return(limits, tokens);
        return false;
    }
    ADD(t->inflight, 1);
    if (tokens > 0)
        ADD(t->inflight_tokens, tokens);
    return true;
}

void target_cool_down(struct target *t, int64_t until_us)
{
    int64_t seen = LOAD(t->cooldown_us);

    if (!t->number) /* shared: one model's refusal says nothing of the others */
        return;
    while (seen < until_us && !__atomic_compare_exchange_n(&t->cooldown_us, &seen, until_us, true,
                                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void target_leave_alone(struct target *t, int64_t now_us, int64_t for_us)
{
    target_cool_down(t, now_us + (for_us < RETRY_AFTER_MAX_US ? for_us : RETRY_AFTER_MAX_US));
}

static void breaker_failure(struct target *t, const struct target_breaker *breaker, bool rate,
                            int64_t now_us)
{
    bool half_open = LOAD(t->open_us) != 0;
    uint32_t failures = ADD(t->failures, 1);
    int64_t cooldown = breaker->cooldown_us, most = breaker->cooldown_max_us;

    if (!half_open && !rate && (breaker->failures <= 0 || failures < breaker->failures))
        return;
    most = cooldown > most ? cooldown : most;
    for (uint32_t i = LOAD(t->opened); i > 0 && cooldown > 0 && cooldown < most; i--)
        cooldown *= 2;
    if (cooldown > most)
        cooldown = most;
    if (LOAD(t->open_us) <= now_us) {
        ADD(t->opened, 1);
        STORE(t->open_us, now_us + cooldown);
        STORE(t->probe_us, 0);
    }
}

/* Under the lock. Whether so many of the last requests failed that the breaker opens. A window
 * that is over counts half in the next. */
static bool breaker_rate(struct target *t, const struct target_breaker *breaker, bool bad,
                         int64_t now_us)
{
    uint32_t all;

    if (!breaker->rate_percent)
        return false;
    if (now_us - t->window_us >= breaker->window_us) {
        bool idle = now_us - t->window_us >= 2 * breaker->window_us;

        t->window_good = idle ? 0 : t->window_good / 2;
        t->window_bad = idle ? 0 : t->window_bad / 2;
        t->window_us = now_us;
    }
    if (bad)
        t->window_bad++;
    else
        t->window_good++;
    all = t->window_good + t->window_bad;
    if (!bad || all < breaker->requests ||
        (int64_t)t->window_bad * 100 < all * breaker->rate_percent)
        return false;
    t->window_good = t->window_bad = 0;
    return true;
}

/* The attempt answered, though not with an answer: if it was the probe, the next one may be. An
 * attempt from before the breaker opened does not free somebody else's. */
static void probe_release(struct target *t, int64_t start_us)
{
    int64_t mine = start_us;

    if (mine)
        __atomic_compare_exchange_n(&t->probe_us, &mine, 0, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
}

static void breaker_success(struct target *t)
{
    if (LOAD(t->failures))
        STORE(t->failures, 0);
    if (LOAD(t->open_us)) {
        STORE(t->open_us, 0);
        STORE(t->opened, 0);
        STORE(t->probe_us, 0);
    }
}

/* A peak-EWMA: jumps up to what is worse, sinks towards what is better as time passes. */
static int64_t peak(int64_t estimate, int64_t sample, double weight)
{
    if (estimate < 0 || sample > estimate)
        return sample;
    return estimate + (int64_t)((double)(sample - estimate) * weight);
}

/* Readers take no lock: each field is stored whole. */
static void publish(struct target *t, const struct target_estimates *e)
{
    STORE(t->estimates.ttft_us, e->ttft_us);
    STORE(t->estimates.ttft_p95_us, e->ttft_p95_us);
    STORE(t->estimates.tpot_ns, e->tpot_ns);
    STORE(t->estimates.samples, e->samples);
    STORE(t->estimates.error_ppm, e->error_ppm);
}

static void estimate(struct target *t, const struct target_result *r)
{
    int64_t since = r->now_us - t->updated_us;
    double weight = t->updated_us ? 1.0 - exp(-(double)(since > 0 ? since : 0) / DECAY_US) : 1.0;
    struct target_estimates copy = t->estimates, *e = &copy;
    int64_t first = r->first_us ? r->first_us - r->start_us : -1;

    if (weight < 0.05)
        weight = 0.05;
    if (r->failure ? failure_is_unhealthy(r->failure->class_id) : true) {
        t->error_rate += ((r->failure ? 1.0 : 0.0) - t->error_rate) * weight;
        e->error_ppm = (uint32_t)(t->error_rate * 1e6);
    }
    if (!r->failure && first >= 0) {
        e->ttft_us = peak(e->ttft_us, first, weight);
        /* A quantile tracker: steps up nineteen times as far as down. */
        if (e->ttft_p95_us < 0)
            e->ttft_p95_us = first;
        else
            e->ttft_p95_us += (first > e->ttft_p95_us ? 19 : -1) * (e->ttft_p95_us / 100 + 1);
        e->samples++;
        if (r->output_tokens > 1)
            e->tpot_ns =
                peak(e->tpot_ns, (r->end_us - r->first_us) * 1000 / r->output_tokens, weight);
    }
    t->updated_us = r->now_us;
    publish(t, e);
}

/* Tokens used, as far as the limit goes; -1: unknown. A vendor that turned the request down, or was
 * not reached, did not count it. */
static int64_t spent(const struct target_result *r)
{
    const weir_failure *f = r->failure;

    if (r->used_tokens < 0 && f && (f->http_status >= 400 || f->class_id == WEIR_CLASS_CONNECTION))
        return 0;
    return r->used_tokens;
}

/* What the vendor allows: an answer, or a 429. */
static void learn(struct target *t, const struct limits *limits, const struct target_result *r)
{
    int64_t pause;

    if (!learns(t, limits)) {
        learned_forget(&t->learned);
        return;
    }
    if (!r->failure) {
        learned_accept(&t->learned, r->now_us);
        return;
    }
    if (r->failure->class_id != WEIR_CLASS_RATE_LIMIT || r->failure->local)
        return;
    pause = learned_refuse(&t->learned, r->start_us, r->now_us);
    if (pause)
        target_cool_down(t, r->now_us + pause);
}

void target_end(struct target *t, const struct limits *limits, const struct target_breaker *breaker,
                const struct target_result *r)
{
    unsigned class_id = r->failure ? r->failure->class_id : WEIR_CLASS_NONE;
    bool unhealthy = r->failure && failure_is_unhealthy(class_id), rate = false;

    ADD(t->inflight, -1);
    if (r->booked_tokens > 0)
        ADD(t->inflight_tokens, -r->booked_tokens);
    limit_settle(limits, r->now_us, r->booked_tokens, spent(r));
    if (r->failure && r->failure->retry_after_us > 0)
        target_leave_alone(t, r->now_us, r->failure->retry_after_us);
    if (class_id != WEIR_CLASS_CANCELLED) {
        pthread_mutex_lock(&t->lock);
        estimate(t, r);
        learn(t, limits, r);
        if (!r->failure || unhealthy)
            rate = breaker_rate(t, breaker, unhealthy, r->now_us);
        pthread_mutex_unlock(&t->lock);
    }
    if (!r->failure)
        breaker_success(t);
    else if (unhealthy)
        breaker_failure(t, breaker, rate, r->now_us);
    else
        probe_release(t, r->start_us);
}

struct target_estimates target_estimate(struct target *t)
{
    return (struct target_estimates){
        .ttft_us = LOAD(t->estimates.ttft_us),
        .ttft_p95_us = LOAD(t->estimates.ttft_p95_us),
        .tpot_ns = LOAD(t->estimates.tpot_ns),
        .samples = LOAD(t->estimates.samples),
        .error_ppm = LOAD(t->estimates.error_ppm),
    };
}

void target_each(void (*each)(void *ctx, struct target *t), void *ctx)
{
    GHashTableIter iter;
    gpointer value;

    pthread_mutex_lock(&table_lock);
    if (table) {
        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, NULL, &value))
            each(ctx, value);
    }
    pthread_mutex_unlock(&table_lock);
}
