/*
 * failures.c - tests of core/engine: targets that fail, break off or say nothing, and exchanges
 * that wait for one.
 */
#include "exchange.h"

/* -- failures -----------------------------------------------------------------------------------
 */

static void test_failover(void)
{
    static const char *const bad[] = { "data: x:overloaded\n\n", "data: {\"not json\n\n" };

    for (size_t i = 0; i < G_N_ELEMENTS(bad) * 2; i++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, ROUTE("mock/m, sim/echo", ""));
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 10 * MS, "data: nothing\n\n");
        kit_step(WEIR_STEP_BYTES, 10 * MS, bad[i / 2]);
        kit_step(WEIR_STEP_STALL, 0, NULL);
        f = kit_chat(&k, "main", i % 2);
        kit_pass(&k, 10 * MS);
        g_assert_cmpuint(f->status, ==, 0);
        kit_pass(&k, 10 * MS);
        kit_pass(&k, 10 * MS);
        g_assert_cmpuint(f->status, ==, 200);
        g_assert_true(has_header(f, "x-weir-provider: sim\n"));
        g_assert_true(has_header(f, "x-weir-attempts: 2\n"));
        g_assert_cmpuint(f->ends, ==, 1);
        g_assert_false(has(f, "nothing"));
        front_free(f);
        kit_end(&k);
    }
}

/* Ways for an answer to break after it began to reach the application. */
static void breaks(const char *model, uint32_t what, const char *bytes)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, ROUTE("mock/m, sim/echo", "    mid_stream: error\n"));
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hello\n\n");
    kit_step(what, 10 * MS, bytes);
    kit_step(WEIR_STEP_END, 10 * MS, NULL);
    f = kit_chat(&k, model, true);
    kit_pass(&k, 0);
    g_assert_true(has(f, "Hello"));
    kit_pass(&k, 10 * MS);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->ends, ==, 0);
    g_assert_cmpuint(f->aborts, ==, 1);
    g_assert_false(has(f, "[DONE]"));
    g_assert_true(has(f, "error"));
    front_free(f);
    kit_end(&k);
}

static void test_broken_stream(void)
{
    static const char *const models[] = { "main", "mock/m", "twin/m" };

    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        breaks(models[i], WEIR_STEP_BYTES, "data: x:server_error\n\n");
        breaks(models[i], WEIR_STEP_BYTES, "data: {\"half");
        breaks(models[i], WEIR_STEP_CUT, NULL);
        breaks(models[i], WEIR_STEP_END, NULL);
    }
}

/* Nothing of an unstreamed answer is seen before all of it is there. */
static void test_broken_whole(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hello\n\n");
    kit_step(WEIR_STEP_CUT, 10 * MS, NULL);
    f = kit_chat(&k, "mock/m", false);
    kit_pass(&k, 0);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->status, >=, 500);
    g_assert_false(has(f, "Hello"));
    g_assert_true(has(f, "mock"));
    g_assert_cmpuint(f->ends, ==, 1);
    front_free(f);
    kit_end(&k);
}

/* The answer was whole, only the connection did not end: that is no failure. */
static void test_lingering(void)
{
    static const char *const models[] = { "mock/m", "twin/m" };

    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, PROVIDERS "timeout: { idle: 100ms }\n");
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 0, "data: t:Hello\n\ndata: u\n\ndata: f\n\n");
        kit_step(WEIR_STEP_STALL, 0, NULL);
        f = kit_chat(&k, models[i], true);
        kit_pass(&k, 0);
        g_assert_true(has(f, "Hello"));
        kit_pass(&k, 2001 * MS); /* it is waited for a little, then let go */
        g_assert_cmpuint(f->aborts, ==, 0);
        g_assert_cmpuint(f->ends, ==, 1);
        front_free(f);
        kit_end(&k);
    }
}

/* -- time ---------------------------------------------------------------------------------------
 */

static void test_idle(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS "timeout: { idle: 100ms }\n");
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hello\n\n");
    kit_step(WEIR_STEP_BYTES, 90 * MS, "data: t:again\n\n");
    kit_step(WEIR_STEP_STALL, 0, NULL);
    f = kit_chat(&k, "mock/m", true);
    kit_pass(&k, 0);
    kit_pass(&k, 90 * MS);
    kit_pass(&k, 99 * MS);
    g_assert_cmpuint(f->aborts, ==, 0);
    kit_pass(&k, 2 * MS);
    g_assert_cmpuint(f->aborts, ==, 1);
    g_assert_true(has(f, "idle"));
    front_free(f);
    kit_end(&k);
}

/* A target that says nothing is given up for another. */
static void test_first_token(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, ROUTE("mock/m, sim/echo", "    timeout: { first_token: 100ms }\n"));
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 50 * MS, "data: nothing\n\n");
    kit_step(WEIR_STEP_STALL, 0, NULL);
    f = kit_chat(&k, "main", true);
    kit_pass(&k, 50 * MS);
    kit_pass(&k, 49 * MS);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 2 * MS);
    kit_pass(&k, 1 * MS);
    g_assert_true(has_header(f, "x-weir-provider: sim\n"));
    g_assert_cmpuint(f->ends, ==, 1);
    front_free(f);
    kit_end(&k);
}

/* The application reads slowly: the target is not to blame for the silence that follows. */
static void test_slow_reader(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS "timeout: { idle: 100ms }\n");
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:Hel\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:lo\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: f\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
    f = kit_chat(&k, "mock/m", true);
    f->full = true;
    kit_pass(&k, 10 * MS);
    g_assert_true(has(f, "Hel"));
    for (int i = 0; i < 10; i++)
        kit_pass(&k, 100 * MS);
    g_assert_false(has(f, "lo\""));
    g_assert_cmpuint(f->aborts, ==, 0);
    f->full = false;
    exchange_writable(f->e);
    for (int i = 0; i < 4; i++)
        kit_pass(&k, 10 * MS);
    g_assert_true(has(f, "lo"));
    g_assert_cmpuint(f->ends, ==, 1);
    front_free(f);
    /* Nothing comes after it reads again: now the silence is the target's. */
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hel\n\n");
    kit_step(WEIR_STEP_STALL, 0, NULL);
    f = kit_chat(&k, "mock/m", true);
    f->full = true;
    kit_pass(&k, 0);
    kit_pass(&k, 500 * MS);
    g_assert_cmpuint(f->aborts, ==, 0);
    exchange_writable(f->e);
    kit_pass(&k, 90 * MS);
    g_assert_cmpuint(f->aborts, ==, 0);
    kit_pass(&k, 20 * MS);
    g_assert_cmpuint(f->aborts, ==, 1);
    front_free(f);
    kit_end(&k);
}

static void test_deadline(void)
{
    for (int stream = 0; stream < 2; stream++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, ROUTE("sim/silent, mock/m", "    budget: { deadline: 200ms }\n"));
        kit_script(200);
        kit_step(WEIR_STEP_STALL, 0, NULL);
        f = kit_chat(&k, "main", stream);
        kit_pass(&k, 110 * MS);
        kit_pass(&k, 89 * MS);
        g_assert_cmpuint(f->status, ==, 0);
        g_assert_cmpint(kit_inflight(), ==, 1);
        kit_pass(&k, 2 * MS);
        g_assert_cmpuint(f->status, >=, 400);
        g_assert_true(has(f, "deadline"));
        g_assert_cmpuint(f->ends, ==, 1);
        front_free(f);
        kit_end(&k);
    }
}

/* Of an answer that comes as a whole a silent target gets half of the time, while there is another.
 */
static void test_deadline_is_shared(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, ROUTE("sim/silent, sim/echo", "    budget: { deadline: 200ms }\n"));
    f = kit_chat(&k, "main", false);
    kit_pass(&k, 99 * MS);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 2 * MS);
    kit_pass(&k, 0);
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_true(has_header(f, "x-weir-attempts: 2\n"));
    front_free(f);
    kit_end(&k);
}

/* The route's attempts are spent: the last failure is told. */
static void test_attempts(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, ROUTE("mock/a, mock/b, sim/echo", "    budget: { attempts: 2 }\n"));
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: x:overloaded\n\n");
    f = kit_chat(&k, "main", false);
    kit_pass(&k, 0);
    kit_pass(&k, 0);
    g_assert_cmpuint(f->status, ==, 503);
    g_assert_true(has_header(f, "x-weir-attempts: 2\n"));
    g_assert_true(has_header(f, "x-should-retry: false\n"));
    g_assert_cmpuint(kit_mock.asked, ==, 2);
    /* The number a part gets to be random with is the exchange's, not the attempt's. */
    g_assert_cmpuint(kit_mock.seeds[0], ==, kit_mock.seeds[1]);
    front_free(f);
    kit_end(&k);
}

/* -- waiting ------------------------------------------------------------------------------------
 */

static void test_waiting(void)
{
    struct kit k;
    struct front *first, *second, *third;

    kit_begin(&k,
              ROUTE("sim/retry-after:2s", "    budget: { attempts: 2 }\nlimits: { queue: 2 }\n"));
    first = kit_chat(&k, "main", true);
    kit_pass(&k, 0);
    g_assert_cmpuint(k.w->waiting, ==, 1);
    g_assert_cmpuint(first->status, ==, 0);
    /* One that comes while the target cools down is not sent there. */
    second = kit_chat(&k, "main", true);
    g_assert_cmpuint(k.w->waiting, ==, 2);
    /* There is no more room: it is told when to come again. */
    third = kit_chat(&k, "main", true);
    g_assert_cmpuint(third->status, ==, 429);
    g_assert_true(has_header(third, "retry-after: 2\n"));
    g_assert_true(has_header(third, "x-weir-attempts: 0\n"));
    exchange_cancel(second->e, 0);
    g_assert_cmpuint(k.w->waiting, ==, 1);
    kit_pass(&k, 2002 * MS);
    kit_pass(&k, 1 * MS);
    g_assert_cmpuint(k.w->waiting, ==, 0);
    g_assert_cmpuint(first->status, ==, 429);
    g_assert_true(has_header(first, "x-weir-attempts: 2\n"));
    front_free(first);
    front_free(second);
    front_free(third);
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exchange/failover", test_failover);
    g_test_add_func("/exchange/broken-stream", test_broken_stream);
    g_test_add_func("/exchange/broken-whole", test_broken_whole);
    g_test_add_func("/exchange/lingering", test_lingering);
    g_test_add_func("/exchange/idle", test_idle);
    g_test_add_func("/exchange/first-token", test_first_token);
    g_test_add_func("/exchange/slow-reader", test_slow_reader);
    g_test_add_func("/exchange/deadline", test_deadline);
    g_test_add_func("/exchange/deadline-is-shared", test_deadline_is_shared);
    g_test_add_func("/exchange/attempts", test_attempts);
    g_test_add_func("/exchange/waiting", test_waiting);
    return g_test_run();
}
