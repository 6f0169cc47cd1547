/*
 * cancel.c - tests of core/engine: applications that go away, and an engine that stops.
 */
#include "exchange.h"
#include "base/str.h"

/* The front goes away at its n-th call, from inside that call. */
static void test_cancel_inside(void)
{
    static const char *const models[] = {
        "mock/m",    "twin/m",       "sim/echo+count:3",     "main",
        "sim/cut:2", "nobody/knows", "sim/fail:server_error"
    };

    for (size_t m = 0; m < G_N_ELEMENTS(models) * 2; m++) {
        bool more = true;

        for (uint32_t n = 1; more; n++) {
            struct kit k;
            struct front *f;

            kit_begin(&k, ROUTE("sim/refused, mock/m", ""));
            script_hello();
            kit_cancel_at = n;
            f = kit_chat(&k, models[m / 2], m % 2);
            kit_cancel_at = 0;
            for (int i = 0; i < 20; i++)
                kit_pass(&k, 10 * MS);
            g_assert_true(f->ended);
            more = f->calls >= n;
            if (more) {
                g_assert_cmpuint(f->ends, ==, 0);
                g_assert_cmpuint(f->aborts, ==, 0);
            }
            front_free(f);
            kit_end(&k);
        }
    }
}

/* The application goes away at any moment. */
static void test_cancel_any_time(void)
{
    static const char *const models[] = { "mock/m", "twin/m", "main", "sim/silent",
                                          "sim/head:15ms+slow:10ms+count:3" };

    for (size_t m = 0; m < G_N_ELEMENTS(models) * 2; m++) {
        for (int steps = 0; steps < 8; steps++) {
            struct kit k;
            struct front *f;

            kit_begin(&k, ROUTE("sim/retry-after:30ms+head:10ms, mock/m", ""));
            script_hello();
            f = kit_chat(&k, models[m / 2], m % 2);
            for (int i = 0; i < steps && !f->ended; i++)
                kit_pass(&k, 10 * MS);
            if (!f->ended) {
                f->ended = true; /* no further call is right */
                exchange_cancel(f->e, 0);
                g_assert_cmpint(kit_inflight(), ==, 0);
            }
            kit_pass(&k, 1000 * MS);
            front_free(f);
            kit_end(&k);
        }
    }
}

/* A forwarded answer is committed with its head: the front may go away before any of the body. */
static void test_cancel_forwarded(void)
{
    bool more = true;

    for (uint32_t n = 1; more; n++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, "providers: { sim: { plugin: sim } }\n");
        kit_cancel_at = n;
        f = kit_ask(&k, "POST", "/v1/anything", "{\"model\":\"sim/x\"}");
        kit_cancel_at = 0;
        for (int i = 0; i < 5; i++)
            kit_pass(&k, 10 * MS);
        g_assert_true(f->ended);
        more = f->calls >= n;
        g_assert_cmpuint(f->ends, ==, !more);
        g_assert_cmpuint(f->status, ==, n > 1 ? 200 : 0);
        front_free(f);
        kit_end(&k);
    }
}

/* What an application has cancelled says nothing about the target. */
static void test_cancel_blames_nobody(void)
{
    struct kit k;

    kit_begin(&k, PROVIDERS "breaker: { failures: 2, cooldown: 10s }\n");
    for (int i = 0; i < 5; i++) {
        struct front *f = kit_chat(&k, "sim/silent", true);

        kit_pass(&k, 10 * MS);
        f->ended = true;
        exchange_cancel(f->e, 0);
        kit_pass(&k, 10 * MS);
        front_free(f);
    }
    {
        const struct provider *p = tree_provider(k.engine->generation->tree, S("sim"));
        struct target *t = target_get(p->name, p->base_url, S("silent"));

        g_assert_cmpuint(t->failures, ==, 0);
        g_assert_cmpuint(target_estimate(t).error_ppm, ==, 0);
    }
    kit_end(&k);
}

static void test_engine_stops(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    f = kit_chat(&k, "sim/silent", true);
    kit_pass(&k, 10 * MS);
    f->ended = true;
    while (k.w->exchanges)
        exchange_cancel(k.w->exchanges, 0);
    front_free(f);
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exchange/cancel-inside", test_cancel_inside);
    g_test_add_func("/exchange/cancel-forwarded", test_cancel_forwarded);
    g_test_add_func("/exchange/cancel-any-time", test_cancel_any_time);
    g_test_add_func("/exchange/cancel-blames-nobody", test_cancel_blames_nobody);
    g_test_add_func("/exchange/engine-stops", test_engine_stops);
    return g_test_run();
}
