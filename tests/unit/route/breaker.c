/*
 * breaker.c - tests of the breaker in core/route/target.c: when it opens, and who probes.
 */
#include "target_fixture.h"

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
        attempt(t, T0, T0 + 1, WEIR_CLASS_QUOTA);
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

/* Half of them fail, never many in a row. */
static void test_rate(void)
{
    const struct target_breaker rate = {
        .rate_percent = 50, .requests = 20, .window_us = 10 * SECOND, .cooldown_us = SECOND
    };
    weir_failure failure = { .struct_size = sizeof(failure), .class_id = WEIR_CLASS_SERVER_ERROR };
    int64_t opened[2] = { 0 };

    for (int percent = 40; percent <= 60; percent += 20) {
        struct target *t = fresh();

        for (int i = 0; i < 400; i++) {
            int64_t now = T0 + i * SECOND / 10;
            struct target_result r = { .failure = i * percent / 100 != (i + 1) * percent / 100
                                                      ? &failure
                                                      : NULL,
                                       .now_us = now,
                                       .start_us = now,
                                       .used_tokens = -1 };

            if (!target_begin(t, &no_limits, now, 0))
                continue;
            target_end(t, &no_limits, &rate, &r);
            opened[percent == 60] += t->open_us > now;
        }
    }
    g_assert_cmpint(opened[0], ==, 0);
    g_assert_cmpint(opened[1], >, 0);
}

/* A target that is away for a minute and back is asked again within seconds, and meanwhile it is
 * asked ever less often. */
static void test_minute(void)
{
    const struct target_breaker as_configured = { .failures = 5,
                                                  .rate_percent = 50,
                                                  .requests = 20,
                                                  .window_us = 30 * SECOND,
                                                  .cooldown_us = 2 * SECOND,
                                                  .cooldown_max_us = 10 * SECOND };
    weir_failure failure = { .struct_size = sizeof(failure), .class_id = WEIR_CLASS_CONNECTION };
    struct target *t = fresh();
    int64_t back = 0;
    int asked = 0;

    for (int64_t now = T0; !back; now += SECOND / 100) {
        bool away = now < T0 + MINUTE;
        struct target_result r = {
            .failure = away ? &failure : NULL, .now_us = now, .start_us = now, .used_tokens = -1
        };

        if (!target_begin(t, &no_limits, now, 0))
            continue;
        asked += away;
        back = away ? 0 : now;
        target_end(t, &no_limits, &as_configured, &r);
    }
    g_assert_cmpint(back - T0 - MINUTE, <=, 10 * SECOND);
    g_assert_cmpint(asked, <=, 5 + 9);
    g_assert_cmpuint(blocked(t, back, NULL), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
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
    g_test_add_func("/target/breaker/rate", test_rate);
    g_test_add_func("/target/breaker/minute", test_minute);
    return g_test_run();
}
