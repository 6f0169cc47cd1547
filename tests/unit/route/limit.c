/*
 * limit.c - tests of core/route/limit.c and learned.c: what is let through, on a clock that is
 * passed in.
 */
#include "route/limit.h"
#include "base/str.h"
#include "route/learned.h"

#include <glib.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define T0     (1000 * SECOND)

static struct limits fresh(struct limit_rule rule)
{
    static int number;
    g_autofree char *name = g_strdup_printf("l%d", number++);

    return limit_pair(&rule, "test", str_of(name), S(""));
}

/* -- requests -----------------------------------------------------------------------------------
 */

/* Whenever it is let: the moments at which requests went through. */
static GArray *hammer(const struct limits *l, int64_t tokens, int64_t minutes)
{
    GArray *at = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t now = T0, ready;

    while (now < T0 + minutes * MINUTE) {
        if (limit_take(l, now, tokens, &ready)) {
            g_assert_cmpint(ready, >, now);
            now = ready;
            continue;
        }
        limit_settle(l, now, tokens, tokens);
        g_array_append_val(at, now);
    }
    return at;
}

/* In no window more than the limit and one burst, however it is laid; all in all, nearly all. Of
 * the windows that end at a request the worst begins where the count was furthest behind the limit.
 */
static void check(const GArray *at, double per_minute, double burst, int64_t minutes)
{
    double behind = G_MAXDOUBLE;

    for (guint i = 0; i < at->len; i++) {
        double due = per_minute * (double)(g_array_index(at, int64_t, i) - T0) / (double)MINUTE;

        behind = MIN(behind, i - due);
        g_assert_cmpfloat(i + 1 - due - behind, <=, burst + 1e-6);
    }
    g_assert_cmpfloat(at->len, >=, 0.98 * per_minute * (double)minutes);
}

static void test_requests(void)
{
    static const int64_t rates[] = { 1, 2, 7, 60, 600, 3500, 100003 };

    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
        struct limits l = fresh((struct limit_rule){ .requests_per_minute = rates[i] });
        g_autoptr(GArray) at = hammer(&l, 0, 10);

        check(at, (double)rates[i], MAX((double)rates[i] / 50, 1), 10);
    }
}

static void test_burst(void)
{
    struct limits l = fresh((struct limit_rule){ .requests_per_minute = 100, .burst_percent = 30 });
    g_autoptr(GArray) at = hammer(&l, 0, 5);

    check(at, 100, 30, 5);
    g_assert_cmpint(g_array_index(at, int64_t, 29), ==, T0); /* at once */
    g_assert_cmpint(g_array_index(at, int64_t, 30), >, T0);
}

/* After a silence there is no more than one burst. */
static void test_no_saving(void)
{
    struct limits l = fresh((struct limit_rule){ .requests_per_minute = 600 });
    int64_t ready, now = T0 + 600 * MINUTE;
    int count = 0;

    g_assert_cmpint(limit_take(&l, T0, 0, &ready), ==, LIMIT_NONE);
    while (!limit_take(&l, now, 0, &ready))
        count++;
    g_assert_cmpint(count, ==, 12);
    g_assert_cmpint(ready, ==, now + SECOND / 10);
}

struct crowd {
    const struct limits *l;
    gint *taken;
};

static gpointer rush(gpointer data)
{
    const struct crowd *c = data;
    int64_t ready;

    for (int i = 0; i < 20000; i++) {
        if (!limit_take(c->l, T0, 0, &ready))
            g_atomic_int_inc(c->taken);
    }
    return NULL;
}

/* Workers share what there is; together they get no more of it. */
/* field: 3.6.1, 3.6.3 */
static void test_threads(void)
{
    struct limits l = fresh((struct limit_rule){ .requests_per_minute = 50000 });
    gint taken = 0;
    struct crowd c = { &l, &taken };
    GThread *a = g_thread_new("a", rush, &c), *b = g_thread_new("b", rush, &c);

    g_thread_join(a);
    g_thread_join(b);
    g_assert_cmpint(taken, ==, 1000);
    l = fresh((struct limit_rule){ .concurrency = 1000 });
    taken = 0;
    a = g_thread_new("a", rush, &c);
    b = g_thread_new("b", rush, &c);
    g_thread_join(a);
    g_thread_join(b);
    g_assert_cmpint(taken, ==, 1000);
    g_assert_cmpint(l.used->inflight, ==, 1000);
}

/* -- tokens -------------------------------------------------------------------------------------
 */

static void test_tokens(void)
{
    struct limits l = fresh((struct limit_rule){ .tokens_per_minute = 90000 });
    g_autoptr(GArray) at = hammer(&l, 100, 10);

    check(at, 900, 18, 10);
}

/* More than a burst: each has to find its tokens whole, and then passes. */
static void test_large(void)
{
    struct limits l = fresh((struct limit_rule){ .tokens_per_minute = 90000 });
    g_autoptr(GArray) at = hammer(&l, 30000, 10);

    check(at, 3, 1, 10);
}

/* Small ones that come all the time do not keep a large one out. */
static void test_fair(void)
{
    struct limits l = fresh((struct limit_rule){ .tokens_per_minute = 60000 });
    int64_t ready, now = T0, large = 0, used = 0;

    for (; now < T0 + 2 * MINUTE; now += SECOND / 100) {
        if (!limit_take(&l, now, 30000, &ready)) {
            large++;
            used += 30000;
        }
        while (!limit_take(&l, now, 100, &ready))
            used += 100;
    }
    g_assert_cmpint(large, >=, 3);
    g_assert_cmpint(used, >=, 118000);
    g_assert_cmpint(used, <=, 120000 + 30000);
}

/* Estimates are wrong: what was used too much is a debt, and paid. Over the limit is at most what
 * was in flight and estimated too low. */
static void test_debt(void)
{
    struct limits l = fresh((struct limit_rule){ .tokens_per_minute = 60000 });
    int64_t ready, used = 0, late[8], ends[8];
    uint32_t running = 0;

    for (int64_t now = T0; now < T0 + 10 * MINUTE; now += SECOND / 50) {
        while (running && ends[0] <= now) { /* each takes 3 s and twice what was thought */
            limit_settle(&l, now, late[0], late[0] * 2);
            used += late[0] * 2;
            running--;
            memmove(late, late + 1, sizeof *late * running);
            memmove(ends, ends + 1, sizeof *ends * running);
        }
        if (running < 8 && !limit_take(&l, now, 1000, &ready)) {
            late[running] = 1000;
            ends[running++] = now + 3 * SECOND;
        }
        /* limit, burst, and 1000 too few for each in flight */
        g_assert_cmpint(used, <=, (now - T0) / 1000 + 1200 + 8 * 1000);
    }
    g_assert_cmpint(used, >=, 588000);
}

static void test_settle(void)
{
    struct limits l = fresh((struct limit_rule){ .tokens_per_minute = 60000 });
    int64_t ready;

    g_assert_cmpint(limit_take(&l, T0, 30000, &ready), ==, LIMIT_NONE);
    g_assert_cmpint(limit_blocks(&l, T0, 1, &ready), ==, LIMIT_TOKENS);
    limit_settle(&l, T0, 30000, 100); /* given back */
    g_assert_cmpint(limit_take(&l, T0, 100, &ready), ==, LIMIT_NONE);
    limit_settle(&l, T0, 100, 60000);
    g_assert_cmpint(limit_blocks(&l, T0 + 58 * SECOND, 1, &ready), ==, LIMIT_TOKENS);
    g_assert_cmpint(limit_blocks(&l, T0 + 61 * SECOND, 1, &ready), ==, LIMIT_NONE);
    l = fresh((struct limit_rule){ .tokens_per_minute = 60000 });
    limit_take(&l, T0, 30000, &ready);
    limit_settle(&l, T0, 30000, -1); /* nobody knows: what was booked stays */
    g_assert_cmpint(limit_blocks(&l, T0 + 28 * SECOND, 1, &ready), ==, LIMIT_TOKENS);
    limit_settle(&l, T0, 0, INT64_MAX); /* a vendor that cannot count: not for longer than a day */
    g_assert_cmpint(limit_blocks(&l, T0, 1, &ready), ==, LIMIT_TOKENS);
    g_assert_cmpint(limit_blocks(&l, T0 + 25 * 60 * MINUTE, 1, &ready), ==, LIMIT_NONE);
}

/* -- together -----------------------------------------------------------------------------------
 */

static void test_concurrency(void)
{
    struct limits l = fresh((struct limit_rule){ .concurrency = 2, .requests_per_minute = 60000 });
    int64_t ready;

    g_assert_cmpint(limit_take(&l, T0, 0, &ready), ==, LIMIT_NONE);
    g_assert_cmpuint(limit_headroom(&l, T0), ==, 500000);
    g_assert_cmpint(limit_take(&l, T0, 0, &ready), ==, LIMIT_NONE);
    g_assert_cmpint(limit_take(&l, T0, 0, &ready), ==, LIMIT_CONCURRENCY);
    g_assert_cmpint(ready, >, T0);
    limit_settle(&l, T0, 0, 0);
    g_assert_cmpint(limit_take(&l, T0, 0, &ready), ==, LIMIT_NONE);
    g_assert_cmpint(l.used->inflight, ==, 2);
}

/* What one limit refuses is not booked at the others. */
static void test_all_or_nothing(void)
{
    struct limits l = fresh((struct limit_rule){
        .requests_per_minute = 60, .tokens_per_minute = 60000, .concurrency = 5 });
    int64_t ready;

    g_assert_cmpint(limit_take(&l, T0, 30000, &ready), ==, LIMIT_NONE);
    g_assert_cmpint(limit_take(&l, T0 + 2 * SECOND, 100, &ready), ==, LIMIT_TOKENS);
    g_assert_cmpint(l.used->inflight, ==, 1);
    limit_settle(&l, T0 + 2 * SECOND, 30000, 0);
    g_assert_cmpint(limit_take(&l, T0 + 2 * SECOND, 100, &ready), ==, LIMIT_NONE);
    limit_return(&l, 100);
    g_assert_cmpint(limit_take(&l, T0 + 2 * SECOND, 100, &ready), ==, LIMIT_NONE);
}

static void test_none(void)
{
    struct limits l = fresh((struct limit_rule){ 0 });
    int64_t ready;

    g_assert_null(l.used);
    for (int i = 0; i < 1000; i++)
        g_assert_cmpint(limit_take(&l, T0, 1 << 30, &ready), ==, LIMIT_NONE);
    limit_settle(&l, T0, 1 << 30, 1 << 30);
    g_assert_cmpuint(limit_headroom(&l, T0), ==, 1000000);
}

/* Strangers' names are not kept without end. Runs last: the table stays full. */
static void test_full(void)
{
    struct limit *over;

    for (int i = 0; i < LIMIT_MAX + 10; i++) {
        g_autofree char *name = g_strdup_printf("t%d", i);

        limit_get("tenant", str_of(name));
    }
    over = limit_get("tenant", S("one more"));
    g_assert_cmpstr(over->name, ==, "*");
    g_assert_true(over == limit_get("tenant", S("another")));
    g_assert_cmpstr(fresh((struct limit_rule){ .concurrency = 1 }).used->name, !=, "*");
    g_assert_cmpstr(limit_get("tenant", S("t1"))->name, ==, "t1");
}

/* -- what the vendor allows -----------------------------------------------------------------------
 */

/* A vendor with a limit it does not tell, asked more than that; each answer takes `latency`. */
struct vendor {
    int64_t per_minute, latency;
    int64_t tat;
    int64_t window, in_window; /* of a vendor that counts by the minute */
    bool by_minute;
};

static bool vendor_lets(struct vendor *v, int64_t now)
{
    int64_t cost = gcra_cost_ns(1, v->per_minute);

    if (!v->by_minute)
        return gcra_take(&v->tat, cost, MAX(LIMIT_MINUTE_NS / 50, cost), now * 1000);
    if (now / MINUTE != v->window)
        v->window = now / MINUTE, v->in_window = 0;
    return v->in_window < v->per_minute && ++v->in_window;
}

struct pending {
    int64_t start, end;
    bool good;
};

/* Three times as many requests as it allows, for so long; counts from `from` on. */
static void overload(struct vendor *v, int64_t from, int64_t until, int64_t *good, int64_t *bad)
{
    struct learned l = { 0 };
    g_autoptr(GArray) running = g_array_new(FALSE, FALSE, sizeof(struct pending));
    int64_t gap = MINUTE / v->per_minute / 3, pause = 0;
    guint first = 0;

    *good = *bad = 0;
    for (int64_t now = T0; now < T0 + until; now += gap) {
        for (; first < running->len; first++) {
            struct pending *p = &g_array_index(running, struct pending, first);
            int64_t stay = 0;

            if (p->end > now)
                break;
            if (p->good)
                learned_accept(&l, p->end);
            else
                stay = learned_refuse(&l, p->start, p->end);
            pause = MAX(pause, stay ? p->end + stay : 0);
            if (p->start >= T0 + from)
                ++*(p->good ? good : bad);
        }
        if (pause > now || learned_ready(&l, now) || !learned_take(&l, now))
            continue;
        struct pending p = { now, now + v->latency, vendor_lets(v, now) };
        g_array_append_val(running, p);
    }
}

/* As a ten-minute average within 5 % of what it allows, with 2 % of 429s at most. */
static void test_learned(void)
{
    static const int64_t rates[] = { 60, 300, 600, 3000, 20000 };
    static const int64_t latencies[] = { SECOND / 100, SECOND / 2, 5 * SECOND };

    for (size_t i = 0; i < G_N_ELEMENTS(rates) * G_N_ELEMENTS(latencies); i++) {
        struct vendor v = { .per_minute = rates[i / G_N_ELEMENTS(latencies)],
                            .latency = latencies[i % G_N_ELEMENTS(latencies)] };
        double average;
        int64_t good, bad;

        overload(&v, 5 * MINUTE, 15 * MINUTE, &good, &bad);
        average = (double)good / 10 / (double)v.per_minute;
        g_test_message("%d a minute, %.2f s: %.3f of it, %.4f 429s", (int)v.per_minute,
                       (double)v.latency / 1e6, average, (double)bad / (double)(good + bad));
        g_assert_cmpfloat(average, >=, 0.95);
        g_assert_cmpfloat(average, <=, 1.05);
        g_assert_cmpfloat((double)bad, <=, 0.02 * (double)(good + bad));
    }
}

/* Also of a vendor that counts by the minute, and with the beginning, when nothing was known. */
static void test_learned_from_nothing(void)
{
    for (int by_minute = 0; by_minute < 2; by_minute++) {
        struct vendor v = { .per_minute = 1200, .latency = SECOND / 5, .by_minute = by_minute };
        int64_t good, bad;

        overload(&v, 0, 10 * MINUTE, &good, &bad);
        g_test_message("%d: %.3f, %.4f", by_minute, (double)good / 12000,
                       (double)bad / (double)(good + bad));
        g_assert_cmpfloat((double)good, >=, 0.95 * 12000);
        g_assert_cmpfloat((double)bad, <=, 0.02 * (double)(good + bad));
    }
}

/* A vendor that lets more through is found out; a few requests teach nothing. */
static void test_learned_changes(void)
{
    struct learned l = { 0 };
    int64_t now = T0, low;

    for (int i = 0; i < 5; i++)
        learned_accept(&l, now += SECOND);
    learned_refuse(&l, now, now);
    g_assert_cmpint(learned_ceiling(&l), ==, 0);
    for (int i = 0; i < 60; i++)
        learned_accept(&l, now += SECOND);
    learned_refuse(&l, now, now + 1000);
    now += 1000;
    low = learned_ceiling(&l);
    g_assert_cmpint(low, >, 40000);
    g_assert_cmpint(low, <, 80000);
    learned_refuse(&l, now - SECOND, now); /* of before the cut */
    g_assert_cmpint(learned_ceiling(&l), ==, low);
    for (int64_t until = now + 60 * MINUTE; now < until; now += SECOND / 100) {
        if (learned_take(&l, now))
            learned_accept(&l, now);
    }
    g_assert_cmpint(learned_ceiling(&l), >, 4 * low);
    now += 20 * MINUTE; /* it is not used up any more */
    learned_accept(&l, now);
    g_assert_cmpint(learned_ceiling(&l), ==, 0);
}

static void test_headers(void)
{
    weir_rate rate = { .struct_size = sizeof(rate),
                       .requests_limit = 100,
                       .requests_left = 40,
                       .requests_reset_us = 10 * SECOND,
                       .tokens_limit = 1000,
                       .tokens_left = 250,
                       .tokens_reset_us = 5 * SECOND };
    struct learned l = { 0 };

    g_assert_cmpuint(learned_headroom(&l, T0), ==, 1000000);
    learned_headers(&l, &rate, T0);
    g_assert_cmpuint(learned_headroom(&l, T0), ==, 250000);
    g_assert_cmpuint(learned_headroom(&l, T0 + 6 * SECOND), ==, 400000);
    g_assert_cmpuint(learned_headroom(&l, T0 + 11 * SECOND), ==, 1000000);
    rate.requests_limit = rate.tokens_limit = -1;
    learned_headers(&l, &rate, T0);
    g_assert_cmpint(l.requests.limit, ==, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limit/requests", test_requests);
    g_test_add_func("/limit/burst", test_burst);
    g_test_add_func("/limit/no-saving", test_no_saving);
    g_test_add_func("/limit/threads", test_threads);
    g_test_add_func("/limit/tokens", test_tokens);
    g_test_add_func("/limit/large", test_large);
    g_test_add_func("/limit/fair", test_fair);
    g_test_add_func("/limit/debt", test_debt);
    g_test_add_func("/limit/settle", test_settle);
    g_test_add_func("/limit/concurrency", test_concurrency);
    g_test_add_func("/limit/all-or-nothing", test_all_or_nothing);
    g_test_add_func("/limit/none", test_none);
    g_test_add_func("/learned/ceiling", test_learned);
    g_test_add_func("/learned/from-nothing", test_learned_from_nothing);
    g_test_add_func("/learned/changes", test_learned_changes);
    g_test_add_func("/learned/headers", test_headers);
    g_test_add_func("/limit/full", test_full);
    return g_test_run();
}
