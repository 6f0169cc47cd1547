/*
 * target.c - tests of core/route/target.c: the table, cool-down, limits and estimators.
 */
#include "target_fixture.h"

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
    /* What the configuration names later on still has its own. */
    g_assert_cmpstr(target_configured(S("p"), S("http://full"), S("named"))->name, ==, "p/named");
    g_assert_true(target_configured(S("p"), S("http://full"), S("named")) ==
                  target_get(S("p"), S("http://full"), S("named")));
    target_each(count_one, &count);
    g_assert_cmpuint(count, <=, TARGET_MAX + 2);
}

/* -- cool-down ----------------------------------------------------------------------------------
 */

/* field: 3.5.3 */
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

/* A provider's limits count for all its targets; what is blocked books nothing. */
static void test_limits(void)
{
    const struct limit_rule rule = { .requests_per_minute = 60, .concurrency = 1 };
    const struct limits limits = limit_pair(&rule, "provider", S("shared"), S(""));
    struct target_result r = { .now_us = T0, .start_us = T0, .used_tokens = -1 };
    struct target *a = fresh(), *b = fresh();
    int64_t ready;

    g_assert_true(target_begin(a, &limits, T0, 10));
    g_assert_cmpuint(target_blocked(b, &limits, T0, 10, &ready), ==, WEIR_BLOCKED_LIMIT);
    g_assert_cmpint(ready, ==, T0 + SECOND * 8 / 10);          /* the burst is 1.2 of them */
    g_assert_false(target_begin(b, &limits, T0 + SECOND, 10)); /* one at once */
    g_assert_cmpint(b->inflight, ==, 0);
    r.booked_tokens = 10;
    target_end(a, &limits, &breaker, &r);
    g_assert_cmpuint(target_blocked(b, &limits, T0 + SECOND, 10, &ready), ==, 0);
    g_assert_true(target_begin(b, &limits, T0 + SECOND, 10));
    g_assert_false(target_begin(a, &limits, T0 + SECOND, 10));
}

/* A breaker that stays shut leaves the limits as they were. */
static void test_limits_probe(void)
{
    const struct limit_rule rule = { .requests_per_minute = 60 };
    const struct limits limits = limit_pair(&rule, "provider", S("probed"), S(""));
    struct target *t = fresh();
    int64_t now = open_at(t, T0), ready;

    g_assert_false(target_begin(t, &limits, now - 1, 0));
    g_assert_cmpint(limit_blocks(&limits, now - 1, 0, &ready), ==, LIMIT_NONE);
}

/* What a vendor turned down, or never saw, it did not count. */
static void test_limits_spent(void)
{
    const struct limit_rule rule = { .tokens_per_minute = 60000 };
    const struct limits limits = limit_pair(&rule, "provider", S("spent"), S(""));
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
    g_assert_cmpuint(target_blocked(t, &limits, T0, 1, &ready), ==, WEIR_BLOCKED_LIMIT);
    g_assert_cmpuint(target_blocked(t, &limits, T0 + 61 * SECOND, 1, &ready), ==, 0);
    r.failure = &failure;
    target_end(t, &limits, &breaker, &r);
    g_assert_cmpuint(target_blocked(t, &limits, T0, 1, &ready), ==, 0);
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
    g_test_add_func("/target/retry-after", test_retry_after);
    g_test_add_func("/target/retry-after-absurd", test_retry_after_absurd);
    g_test_add_func("/target/limits/shared", test_limits);
    g_test_add_func("/target/limits/probe", test_limits_probe);
    g_test_add_func("/target/limits/spent", test_limits_spent);
    g_test_add_func("/target/estimates/cold", test_cold);
    g_test_add_func("/target/estimates/peak", test_peak_and_decay);
    g_test_add_func("/target/estimates/unstreamed", test_unstreamed);
    g_test_add_func("/target/estimates/errors", test_errors);
    g_test_add_func("/target/estimates/cancelled", test_cancelled);
    g_test_add_func("/target/table/full", test_full);
    return g_test_run();
}
