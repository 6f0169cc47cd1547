/*
 * target.c - tests of core/route/target.c: breaker, cool-down, limits and estimators. Time is what
 * is passed in.
 */
#include "route/target.h"
#include "base/str.h"
#include "model/failure.h"

#include <glib.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define T0     (1000 * SECOND)

static const struct target_limits no_limits;
static const struct target_breaker breaker = { .failures = 3, .cooldown_us = 10 * SECOND };

static struct target *fresh(void)
{
    static int number;
    g_autofree char *name = g_strdup_printf("m%d", number++);

    return target_get(S("test"), S("http://test"), str_of(name));
}

static uint32_t blocked(struct target *t, int64_t now, int64_t *ready)
{
    int64_t unused;

    return target_blocked(t, &no_limits, now, ready ? ready : &unused);
}

/* One attempt from `start` to `end`. class_id 0: success. */
static void attempt(struct target *t, int64_t start, int64_t end, unsigned class_id)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = (uint16_t)class_id,
                             .retry_after_us = -1 };
    struct target_result r = { .failure = class_id ? &failure : NULL,
                               .now_us = end,
                               .start_us = start,
                               .used_tokens = -1,
                               .output_tokens = -1 };

    g_assert_true(target_begin(t, &no_limits, start, 0));
    target_end(t, &no_limits, &breaker, &r);
}

static void end_late(struct target *t, int64_t start, int64_t end, unsigned class_id)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = (uint16_t)class_id,
                             .retry_after_us = -1 };
    struct target_result r = { .failure = class_id ? &failure : NULL,
                               .now_us = end,
                               .start_us = start,
                               .used_tokens = -1,
                               .output_tokens = -1 };

    target_end(t, &no_limits, &breaker, &r);
}

/* -- the table ----------------------------------------------------------------------------------
 */

static void test_get(void)
{
    struct target *t = target_get(S("p"), S("http://a"), S("m"));

    g_assert_true(t == target_get(S("p"), S("http://a"), S("m")));
    g_assert_true(t != target_get(S("p"), S("http://b"), S("m")));
    g_assert_true(t != target_get(S("q"), S("http://a"), S("m")));
    g_assert_cmpstr(t->name, ==, "p/m");
    g_assert_true(t->name == target_get(S("p"), S("http://b"), S("m"))->name); /* see stats.c */
    g_assert_cmpstr(target_get(S("p"), S("http://a"), S(""))->name, ==, "p");
    g_assert_cmpuint(blocked(t, T0, NULL), ==, 0);
}

static void count_one(void *ctx, struct target *t)
{
    (void)t;
    ++*(guint *)ctx;
}

/* Names that applications make up are not kept whatever their length, and are fit to be shown. */
static void test_names(void)
{
    g_autofree char *a = g_strnfill(TARGET_NAME_MAX + 1, 'a');
    g_autofree char *b = g_strnfill(1 << 20, 'b');
    struct target *t = target_get(S("long"), S("http://long"), str_of(a));

    g_assert_cmpstr(t->name, ==, "long/*");
    g_assert_true(t == target_get(S("long"), S("http://long"), str_of(b)));
    t = target_get(S("long"), S("http://long"), str_of(a + 1));
    g_assert_cmpstr(t->name + 5, ==, a + 1);
    t = target_get(S("long"), S("http://long"),
                   S("b\xff"
                     "d"));
    g_assert_true(g_utf8_validate(t->name, -1, NULL));
}

/* Applications can name models without end; the table must not grow with them, and must not
 * forget those it has. Runs last: the table stays full. */
static void test_full(void)
{
    struct target *old = target_get(S("p"), S("http://old"), S("m")), *over;
    guint count = 0;

    for (int i = 0; i < TARGET_MAX + 10; i++) {
        g_autofree char *name = g_strdup_printf("full-%d", i);

        target_get(S("p"), S("http://full"), str_of(name));
    }
    over = target_get(S("p"), S("http://full"), S("one-more"));
    g_assert_true(over == target_get(S("p"), S("http://full"), S("and-another")));
    g_assert_true(over != target_get(S("q"), S("http://full"), S("and-another")));
    g_assert_true(old == target_get(S("p"), S("http://old"), S("m")));
    target_each(count_one, &count);
    g_assert_cmpuint(count, <=, TARGET_MAX + 2);
}

/* -- breaker ------------------------------------------------------------------------------------
 */

static void test_opens(void)
{
    struct target *t = fresh();
    int64_t ready;

    attempt(t, T0, T0 + 1, WEIR_CLASS_SERVER_ERROR);
    attempt(t, T0, T0 + 1, WEIR_CLASS_TIMEOUT);
    g_assert_cmpuint(blocked(t, T0 + 2, NULL), ==, 0);
    attempt(t, T0, T0 + 3, WEIR_CLASS_CONNECTION);
    g_assert_cmpuint(blocked(t, T0 + 4, &ready), ==, WEIR_BLOCKED_BREAKER);
    g_assert_cmpint(ready, ==, T0 + 3 + 10 * SECOND);
    g_assert_cmpint(t->inflight, ==, 0);
}

/* Consecutive means consecutive; what says nothing about health does not count either way. */
static void test_consecutive(void)
{
    struct target *t = fresh();

    for (int i = 0; i < 10; i++) {
        attempt(t, T0, T0 + 1, WEIR_CLASS_SERVER_ERROR);
        attempt(t, T0, T0 + 1, WEIR_CLASS_SERVER_ERROR);
        attempt(t, T0, T0 + 1, WEIR_CLASS_NONE);
    }
    for (int i = 0; i < 10; i++) {
        attempt(t, T0, T0 + 1, WEIR_CLASS_RATE_LIMIT);
        attempt(t, T0, T0 + 1, WEIR_CLASS_INVALID_REQUEST);
        attempt(t, T0, T0 + 1, WEIR_CLASS_CANCELLED);
    }
    g_assert_cmpuint(blocked(t, T0 + 2, NULL), ==, 0);
    attempt(t, T0, T0 + 1, WEIR_CLASS_SERVER_ERROR);
    attempt(t, T0, T0 + 1, WEIR_CLASS_CANCELLED);
    attempt(t, T0, T0 + 1, WEIR_CLASS_SERVER_ERROR);
    attempt(t, T0, T0 + 1, WEIR_CLASS_CANCELLED);
    attempt(t, T0, T0 + 1, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(blocked(t, T0 + 2, NULL), ==, WEIR_BLOCKED_BREAKER);
}

static int64_t open_at(struct target *t, int64_t now)
{
    for (int i = 0; i < 3; i++)
        attempt(t, now, now, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpint(t->open_us, >, now);
    return t->open_us;
}

static void test_doubles(void)
{
    struct target *t = fresh();
    int64_t now = open_at(t, T0), expected = 20 * SECOND;

    for (int i = 0; i < 12; i++) {
        attempt(t, now, now, WEIR_CLASS_SERVER_ERROR); /* one failed probe is enough */
        g_assert_cmpint(t->open_us - now, ==, MIN(expected, 300 * SECOND));
        expected *= 2;
        now = t->open_us;
    }
    attempt(t, now, now, WEIR_CLASS_NONE);
    g_assert_cmpuint(blocked(t, now, NULL), ==, 0);
    g_assert_cmpint(open_at(t, now) - now, ==, 10 * SECOND); /* from the beginning again */
}

/* A cool-down that is configured longer than the bound of the doubling is what it is. */
static void test_long_cooldown(void)
{
    const struct target_breaker slow = { .failures = 1, .cooldown_us = 1000 * SECOND };
    weir_failure failure = { .struct_size = sizeof(failure), .class_id = WEIR_CLASS_SERVER_ERROR };
    struct target *t = fresh();
    struct target_result r = { .failure = &failure, .now_us = T0, .start_us = T0 };

    g_assert_true(target_begin(t, &no_limits, T0, 0));
    target_end(t, &no_limits, &slow, &r);
    g_assert_cmpint(t->open_us, ==, T0 + 1000 * SECOND);
}

static void test_off(void)
{
    const struct target_breaker off = { 0 };
    weir_failure failure = { .struct_size = sizeof(failure), .class_id = WEIR_CLASS_SERVER_ERROR };
    struct target *t = fresh();
    struct target_result r = { .failure = &failure, .now_us = T0, .start_us = T0 };

    for (int i = 0; i < 100; i++) {
        g_assert_true(target_begin(t, &no_limits, T0, 0));
        target_end(t, &no_limits, &off, &r);
    }
    g_assert_cmpuint(blocked(t, T0, NULL), ==, 0);
}

static void test_probe(void)
{
    struct target *t = fresh();
    int64_t now = open_at(t, T0);

    g_assert_cmpuint(blocked(t, now - 1, NULL), ==, WEIR_BLOCKED_BREAKER);
    g_assert_false(target_begin(t, &no_limits, now - 1, 0)); /* still open */
    g_assert_cmpuint(blocked(t, now, NULL), ==, 0);
    g_assert_true(target_begin(t, &no_limits, now, 0));
    g_assert_cmpuint(blocked(t, now + 1, NULL), ==, WEIR_BLOCKED_BREAKER);
    g_assert_false(target_begin(t, &no_limits, now + 1, 0));
    g_assert_cmpint(t->inflight, ==, 1);
    end_late(t, now, now + 5, WEIR_CLASS_NONE);
    g_assert_cmpuint(blocked(t, now + 6, NULL), ==, 0);
    g_assert_cmpint(t->inflight, ==, 0);
}

/* A probe that was cancelled, or that met the application's own mistake, lets the next one try. */
static void test_probe_undecided(void)
{
    const unsigned classes[] = { WEIR_CLASS_CANCELLED, WEIR_CLASS_INVALID_REQUEST };

    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        struct target *t = fresh();
        int64_t now = open_at(t, T0);

        attempt(t, now, now + 1, classes[i]);
        g_assert_cmpuint(blocked(t, now + 2, NULL), ==, 0);
        g_assert_true(target_begin(t, &no_limits, now + 2, 0));
        g_assert_false(target_begin(t, &no_limits, now + 3, 0));
    }
}

/* Attempts from before the breaker opened end while the probe runs: the probe stays the one. */
static void test_probe_stragglers(void)
{
    const unsigned classes[] = { WEIR_CLASS_CANCELLED, WEIR_CLASS_RATE_LIMIT };

    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        struct target *t = fresh();
        int64_t now;

        g_assert_true(target_begin(t, &no_limits, T0, 0));
        now = open_at(t, T0);
        g_assert_true(target_begin(t, &no_limits, now, 0));
        end_late(t, T0, now + 1, classes[i]);
        g_assert_false(target_begin(t, &no_limits, now + 2, 0));
    }
}

/* A probe nobody hears of any more is given up. */
static void test_probe_lost(void)
{
    struct target *t = fresh();
    int64_t now = open_at(t, T0);

    g_assert_true(target_begin(t, &no_limits, now, 0));
    g_assert_false(target_begin(t, &no_limits, now + 119 * SECOND, 0));
    g_assert_cmpuint(blocked(t, now + 121 * SECOND, NULL), ==, 0);
    g_assert_true(target_begin(t, &no_limits, now + 121 * SECOND, 0));
}

struct race {
    struct target *t;
    int64_t now;
    gint *go, *won;
};

static gpointer race(gpointer data)
{
    struct race *r = data;

    while (!g_atomic_int_get(r->go))
        ;
    if (target_begin(r->t, &no_limits, r->now, 0))
        g_atomic_int_inc(r->won);
    return NULL;
}

static void test_probe_threads(void)
{
    for (int round = 0; round < 200; round++) {
        struct target *t = fresh();
        gint go = 0, won = 0;
        struct race r = { t, open_at(t, T0), &go, &won };
        GThread *a = g_thread_new("a", race, &r), *b = g_thread_new("b", race, &r);

        g_atomic_int_set(&go, 1);
        g_thread_join(a);
        g_thread_join(b);
        g_assert_cmpint(won, ==, 1);
    }
}

/* -- cool-down ----------------------------------------------------------------------------------
 */

static void test_retry_after(void)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = WEIR_CLASS_RATE_LIMIT,
                             .retry_after_us = 30 * SECOND };
    struct target_result r = { .failure = &failure, .now_us = T0, .start_us = T0 };
    struct target *t = fresh();
    int64_t ready;

    g_assert_true(target_begin(t, &no_limits, T0, 0));
    target_end(t, &no_limits, &breaker, &r);
    g_assert_cmpuint(blocked(t, T0, &ready), ==, WEIR_BLOCKED_COOLDOWN);
    g_assert_cmpint(ready, ==, T0 + 30 * SECOND);
    target_cool_down(t, T0 + 10 * SECOND);
    blocked(t, T0, &ready);
    g_assert_cmpint(ready, ==, T0 + 30 * SECOND); /* only extended */
    target_cool_down(t, T0 + 40 * SECOND);
    blocked(t, T0, &ready);
    g_assert_cmpint(ready, ==, T0 + 40 * SECOND);
    attempt(t, T0, T0, WEIR_CLASS_NONE); /* a success does not shorten it */
    g_assert_cmpuint(blocked(t, T0, NULL), ==, WEIR_BLOCKED_COOLDOWN);
    g_assert_cmpuint(blocked(t, T0 + 40 * SECOND, NULL), ==, 0);
}

/* A vendor (or a plugin) that says "in a million years" is asked again tomorrow. */
static void test_retry_after_absurd(void)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = WEIR_CLASS_RATE_LIMIT,
                             .retry_after_us = INT64_MAX };
    struct target_result r = { .failure = &failure, .now_us = T0, .start_us = T0 };
    struct target *t = fresh();

    g_assert_true(target_begin(t, &no_limits, T0, 0));
    target_end(t, &no_limits, &breaker, &r);
    g_assert_cmpuint(blocked(t, T0, NULL), ==, WEIR_BLOCKED_COOLDOWN);
    g_assert_cmpuint(blocked(t, T0 + 25 * 60 * MINUTE, NULL), ==, 0);
}

/* -- limits -------------------------------------------------------------------------------------
 */

/* Asks as often as it is let, for so many minutes; how many requests got through. */
static int64_t hammer(struct target *t, const struct target_limits *limits, int64_t tokens,
                      int64_t minutes)
{
    struct target_result r = { .used_tokens = tokens, .booked_tokens = tokens };
    int64_t count = 0;

    for (int64_t now = T0; now < T0 + minutes * MINUTE;) {
        int64_t ready;

        if (target_blocked(t, limits, now, &ready)) {
            g_assert_cmpint(ready, >, now);
            now = ready;
            continue;
        }
        g_assert_true(target_begin(t, limits, now, tokens));
        r.now_us = r.start_us = now;
        target_end(t, limits, &breaker, &r);
        count++;
    }
    return count;
}

static void test_requests_per_minute(void)
{
    static const int64_t rates[] = { 1, 2, 7, 60, 600, 3500 };

    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
        const struct target_limits limits = { .requests_per_minute = rates[i] };
        int64_t burst = MAX(rates[i] / 50, 1), n = hammer(fresh(), &limits, 0, 10);

        g_assert_cmpint(n, >=, rates[i] * 10);
        g_assert_cmpint(n, <=, rates[i] * 10 + burst + 2);
    }
}

static void test_tokens_per_minute(void)
{
    const struct target_limits limits = { .tokens_per_minute = 90000 };
    int64_t n = hammer(fresh(), &limits, 1000, 10);

    g_assert_cmpint(n, >=, 900);
    g_assert_cmpint(n, <=, 900 + 3);
}

/* What was booked and not used is given back, what was used beyond it is booked. */
static void test_settle(void)
{
    const struct target_limits limits = { .tokens_per_minute = 60000 };
    struct target *t = fresh();
    struct target_result r = { .now_us = T0, .start_us = T0, .booked_tokens = 30000 };
    int64_t ready;

    g_assert_true(target_begin(t, &limits, T0, 30000));
    g_assert_cmpint(t->inflight_tokens, ==, 30000);
    g_assert_cmpuint(target_blocked(t, &limits, T0, &ready), ==, WEIR_BLOCKED_LIMIT);
    g_assert_cmpint(ready, >, T0 + 28 * SECOND);
    r.used_tokens = 100;
    target_end(t, &limits, &breaker, &r);
    g_assert_cmpint(t->inflight_tokens, ==, 0);
    g_assert_cmpuint(target_blocked(t, &limits, T0, &ready), ==, 0);
    g_assert_true(target_begin(t, &limits, T0, 0));
    r.booked_tokens = 0;
    r.used_tokens = 60000;
    target_end(t, &limits, &breaker, &r);
    g_assert_cmpuint(target_blocked(t, &limits, T0 + 58 * SECOND, &ready), ==, WEIR_BLOCKED_LIMIT);
    g_assert_cmpuint(target_blocked(t, &limits, T0 + 60 * SECOND, &ready), ==, 0);
    /* Unknown use: what was booked stays. */
    t = fresh();
    g_assert_true(target_begin(t, &limits, T0, 30000));
    r.booked_tokens = 30000;
    r.used_tokens = -1;
    target_end(t, &limits, &breaker, &r);
    g_assert_cmpuint(target_blocked(t, &limits, T0, &ready), ==, WEIR_BLOCKED_LIMIT);
    g_assert_cmpint(t->inflight_tokens, ==, 0);
}

/* A request for too many tokens is turned down by the vendor; nobody else is to wait for it. */
static void test_absurd(void)
{
    const struct target_limits limits = { .tokens_per_minute = 60000 };
    const weir_failure failure = { .struct_size = sizeof(failure),
                                   .class_id = WEIR_CLASS_INVALID_REQUEST,
                                   .http_status = 400,
                                   .retry_after_us = -1 };
    struct target_result r = {
        .now_us = T0, .start_us = T0, .booked_tokens = INT32_MAX, .used_tokens = -1
    };
    struct target *t = fresh();
    int64_t ready;

    g_assert_true(target_begin(t, &limits, T0, INT32_MAX));
    g_assert_cmpuint(target_blocked(t, &limits, T0 + 61 * SECOND, &ready), ==, 0);
    r.failure = &failure;
    target_end(t, &limits, &breaker, &r);
    g_assert_cmpuint(target_blocked(t, &limits, T0, &ready), ==, 0);
    g_assert_true(target_begin(t, &limits, T0, 10));
    r = (struct target_result){
        .now_us = T0, .start_us = T0, .booked_tokens = 10, .used_tokens = INT64_MAX
    };
    target_end(t, &limits, &breaker, &r); /* a vendor that cannot count */
    g_assert_cmpuint(target_blocked(t, &limits, T0, &ready), ==, WEIR_BLOCKED_LIMIT);
}

/* An idle target has no more than one burst saved up. */
static void test_no_saving(void)
{
    const struct target_limits limits = { .requests_per_minute = 60 };
    struct target *t = fresh();
    struct target_result r = { .used_tokens = -1 };
    int64_t ready, count = 0, now = T0 + 600 * MINUTE;

    g_assert_true(target_begin(t, &limits, T0, 0));
    target_end(t, &limits, &breaker, &r);
    while (!target_blocked(t, &limits, now, &ready)) {
        g_assert_true(target_begin(t, &limits, now, 0));
        count++;
    }
    g_assert_cmpint(count, <=, 2);
}

/* -- estimators ---------------------------------------------------------------------------------
 */

static void answered(struct target *t, int64_t start, int64_t first, int64_t end, int64_t tokens)
{
    struct target_result r = { .now_us = end,
                               .start_us = start,
                               .end_us = end,
                               .first_us = first,
                               .used_tokens = -1,
                               .output_tokens = tokens };

    g_assert_true(target_begin(t, &no_limits, start, 0));
    target_end(t, &no_limits, &breaker, &r);
}

static void test_cold(void)
{
    struct target_estimates e = target_estimate(fresh());

    g_assert_cmpint(e.ttft_us, ==, -1);
    g_assert_cmpint(e.ttft_p95_us, ==, -1);
    g_assert_cmpint(e.tpot_ns, ==, -1);
    g_assert_cmpuint(e.samples, ==, 0);
    g_assert_cmpuint(e.error_ppm, ==, 0);
}

static void test_peak_and_decay(void)
{
    struct target *t = fresh();
    int64_t now = T0, before;

    answered(t, now, now + 100000, now + 1100000, 100);
    g_assert_cmpint(target_estimate(t).ttft_us, ==, 100000);
    g_assert_cmpint(target_estimate(t).tpot_ns, ==, 10000000); /* 1 s for 100 tokens */
    now += 2 * SECOND;
    answered(t, now, now + 900000, now + 1000000, 1);
    g_assert_cmpint(target_estimate(t).ttft_us, ==, 900000); /* up at once */
    before = target_estimate(t).ttft_us;
    for (int i = 0; i < 20; i++) {
        now += SECOND;
        answered(t, now, now + 100000, now + 200000, 1);
        g_assert_cmpint(target_estimate(t).ttft_us, <, before); /* down slowly */
        before = target_estimate(t).ttft_us;
    }
    g_assert_cmpint(before, <, 300000);
    g_assert_cmpint(before, >=, 100000);
    now += 100 * SECOND; /* after a long silence the new counts for all */
    answered(t, now, now + 50000, now + 60000, 1);
    g_assert_cmpint(target_estimate(t).ttft_us, <, 55000);
    g_assert_cmpuint(target_estimate(t).samples, ==, 23);
}

/* Unstreamed answers say nothing about the first token, failures nothing about speed. */
static void test_unstreamed(void)
{
    struct target *t = fresh();

    answered(t, T0, 0, T0 + SECOND, 100);
    attempt(t, T0, T0 + SECOND, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpint(target_estimate(t).ttft_us, ==, -1);
    g_assert_cmpuint(target_estimate(t).samples, ==, 0);
}

static void test_errors(void)
{
    struct target *t = fresh();
    uint32_t high;

    attempt(t, T0, T0, WEIR_CLASS_SERVER_ERROR);
    high = target_estimate(t).error_ppm;
    g_assert_cmpuint(high, >, 500000);
    g_assert_cmpuint(high, <=, 1000000);
    attempt(t, T0 + SECOND, T0 + SECOND, WEIR_CLASS_INVALID_REQUEST); /* not the target's fault */
    g_assert_cmpuint(target_estimate(t).error_ppm, ==, high);
    for (int i = 2; i < 100; i++)
        attempt(t, T0 + i * SECOND, T0 + i * SECOND, WEIR_CLASS_NONE);
    g_assert_cmpuint(target_estimate(t).error_ppm, <, 1000);
}

/* Hedges that lost leave no trace but the count. */
static void test_cancelled(void)
{
    struct target *t = fresh();
    struct target_estimates before, after;

    answered(t, T0, T0 + 1000, T0 + 2000, 10);
    before = target_estimate(t);
    attempt(t, T0 + SECOND, T0 + 9 * SECOND, WEIR_CLASS_CANCELLED);
    after = target_estimate(t);
    g_assert_cmpmem(&before, sizeof before, &after, sizeof after);
    g_assert_cmpint(t->inflight, ==, 0);
    g_assert_cmpuint(t->failures, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/target/get", test_get);
    g_test_add_func("/target/names", test_names);
    g_test_add_func("/target/breaker/opens", test_opens);
    g_test_add_func("/target/breaker/consecutive", test_consecutive);
    g_test_add_func("/target/breaker/doubles", test_doubles);
    g_test_add_func("/target/breaker/long-cooldown", test_long_cooldown);
    g_test_add_func("/target/breaker/off", test_off);
    g_test_add_func("/target/probe/single", test_probe);
    g_test_add_func("/target/probe/undecided", test_probe_undecided);
    g_test_add_func("/target/probe/stragglers", test_probe_stragglers);
    g_test_add_func("/target/probe/lost", test_probe_lost);
    g_test_add_func("/target/probe/threads", test_probe_threads);
    g_test_add_func("/target/retry-after", test_retry_after);
    g_test_add_func("/target/retry-after-absurd", test_retry_after_absurd);
    g_test_add_func("/target/limits/requests", test_requests_per_minute);
    g_test_add_func("/target/limits/tokens", test_tokens_per_minute);
    g_test_add_func("/target/limits/settle", test_settle);
    g_test_add_func("/target/limits/absurd", test_absurd);
    g_test_add_func("/target/limits/no-saving", test_no_saving);
    g_test_add_func("/target/estimates/cold", test_cold);
    g_test_add_func("/target/estimates/peak", test_peak_and_decay);
    g_test_add_func("/target/estimates/unstreamed", test_unstreamed);
    g_test_add_func("/target/estimates/errors", test_errors);
    g_test_add_func("/target/estimates/cancelled", test_cancelled);
    g_test_add_func("/target/table/full", test_full);
    return g_test_run();
}
