/*
 * exchange.c - tests of core/engine: exchanges from the request to the last byte, with everything
 * that can happen in between.
 */
#include "kit.h"
#include "base/str.h"
#include "engine/stats.h"

#define MS INT64_C(1000)

#define PROVIDERS                                          \
    "providers:\n"                                         \
    "  mock: { plugin: mock, base_url: \"http://m-@\" }\n" \
    "  twin: { plugin: twin, base_url: \"http://t-@\" }\n" \
    "  sim: { plugin: sim, base_url: \"http://s-@\", reply: Hello., mark: false }\n"

#define ROUTE(children, rest) \
    PROVIDERS "routes:\n  main:\n    failover: { try: [" children "] }\n" rest

static bool has(const struct front *f, const char *text)
{
    return strstr(f->body->str, text) != NULL;
}

static bool has_header(const struct front *f, const char *line)
{
    return strstr(f->headers->str, line) != NULL;
}

/* "Hel", "lo", usage and the end, each 10 ms after the one before. */
static void script_hello(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: nothing\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:Hel\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:lo\n\ndata: u\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: f\n\n");
    kit_step(WEIR_STEP_END, 10 * MS, NULL);
}

/* -- commit -------------------------------------------------------------------------------------
 */

static void test_commit(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    script_hello();
    f = kit_chat(&k, "mock/m", true);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_true(has(f, "Hel"));
    g_assert_false(has(f, "[DONE]"));
    g_assert_true(has_header(f, "x-weir-provider: mock\n"));
    g_assert_true(has_header(f, "x-weir-model: m\n"));
    g_assert_true(has_header(f, "x-weir-attempts: 1\n"));
    kit_pass(&k, 10 * MS);
    g_assert_true(has(f, "lo"));
    kit_pass(&k, 30 * MS);
    g_assert_cmpuint(f->ends, ==, 1);
    g_assert_true(has(f, "[DONE]"));
    front_free(f);
    kit_end(&k);
}

/* What is passed through is what came, byte for byte, but for what the decoder hides. */
static void test_relay(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    script_hello();
    f = kit_chat(&k, "twin/m", true);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 100 * MS);
    g_assert_cmpstr(f->body->str, ==,
                    "data: nothing\n\ndata: t:Hel\n\ndata: t:lo\n\ndata: u\n\ndata: f\n\n");
    g_assert_true(has_header(f, "content-type: text/event-stream\n"));
    g_assert_cmpuint(f->ends, ==, 1);
    front_free(f);
    kit_end(&k);
}

static void test_whole(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    script_hello();
    f = kit_chat(&k, "mock/m", false);
    kit_pass(&k, 39 * MS);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 20 * MS);
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_cmpint(f->length, ==, (int64_t)f->body->len);
    g_assert_true(has(f, "\"Hello\""));
    g_assert_true(has(f, "\"completion_tokens\":5"));
    g_assert_true(g_str_has_prefix(f->body->str, "{\"provider\":\"mock\","));
    g_assert_cmpuint(f->ends, ==, 1);
    front_free(f);
    kit_end(&k);
}

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

    kit_begin(&k, ROUTE("mock/m, sim/echo", ""));
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

        kit_begin(&k, ROUTE("sim/silent, sim/echo", "    budget: { deadline: 200ms }\n"));
        f = kit_chat(&k, "main", stream);
        kit_pass(&k, 199 * MS);
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

/* -- cancelling ---------------------------------------------------------------------------------
 */

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

/* -- memory -------------------------------------------------------------------------------------
 */

/* An upstream that never comes to the point: what is held for the application is bounded. */
static void test_endless_preamble(void)
{
    static const char *const models[] = { "twin/m", "mock/m" };
    g_autofree char *noise = g_strnfill(400, 'n');
    g_autofree char *comment = g_strdup_printf(": %s\n\n", noise);
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS "limits: { hold_size: 1k }\n");
    for (size_t m = 0; m < G_N_ELEMENTS(models); m++) {
        kit_script(200);
        for (int i = 0; i < 40; i++)
            kit_step(WEIR_STEP_BYTES, 1 * MS, comment);
        kit_step(WEIR_STEP_BYTES, 1 * MS, "data: t:Hello\n\ndata: f\n\n");
        kit_step(WEIR_STEP_END, 0, NULL);
        f = kit_chat(&k, models[m], true);
        for (int i = 0; i < 60; i++)
            kit_pass(&k, 1 * MS);
        /* What is translated holds nothing of it. */
        g_assert_cmpuint(f->status, ==, m ? 200 : 502);
        g_assert_cmpuint(f->ends, ==, 1);
        front_free(f);
    }
    kit_end(&k);
}

/* -- reloading ----------------------------------------------------------------------------------
 */

static void test_reload(void)
{
    struct generation *old;
    struct front *f, *g;
    struct kit k;

    kit_begin(&k, PROVIDERS);
    script_hello();
    f = kit_chat(&k, "mock/m", true);
    kit_pass(&k, 20 * MS);
    old = f->e->generation;
    g_assert_cmpint(kit_configured, ==, 2);
    kit_switch(&k, "providers:\n  mock: { plugin: mock, base_url: \"http://n-@\" }\n");
    g_assert_true(f->e->generation == old);
    g_assert_true(k.engine->generation != old);
    g_assert_cmpint(kit_configured, ==, 3);
    g = kit_chat(&k, "mock/m", true);
    g_assert_true(g->e->generation == k.engine->generation);
    kit_pass(&k, 20 * MS);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->ends, ==, 1);
    kit_pass(&k, 0);
    g_assert_cmpint(kit_configured, ==, 1); /* the old one is gone with its last exchange */
    kit_pass(&k, 50 * MS);
    g_assert_cmpuint(g->ends, ==, 1);
    g_assert_true(has(f, "lo"));
    front_free(f);
    front_free(g);
    kit_end(&k);
}

/* A waiting exchange walks its own generation's tree when its time comes. */
static void test_reload_waiting(void)
{
    struct front *f;
    struct kit k;

    kit_begin(&k, ROUTE("sim/retry-after:2s", "    budget: { attempts: 2 }\n"));
    f = kit_chat(&k, "main", true);
    kit_pass(&k, 0);
    g_assert_cmpuint(k.w->waiting, ==, 1);
    kit_switch(&k, "providers:\n  mock: { plugin: mock, base_url: \"http://n-@\" }\n");
    kit_pass(&k, 2002 * MS);
    kit_pass(&k, 1 * MS);
    g_assert_cmpuint(f->status, ==, 429);
    front_free(f);
    kit_end(&k);
}

/* -- requests that get nowhere ------------------------------------------------------------------
 */

static void test_bad_requests(void)
{
    static const char *const bodies[] = {
        "", "{", "[]", "{}", "{\"model\":5}", "{\"model\":\"nobody/knows\",\"messages\":[]}"
    };
    struct kit k;

    kit_begin(&k, PROVIDERS);
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        struct front *f = kit_ask(&k, "POST", "/v1/chat/completions", bodies[i]);

        g_assert_cmpuint(f->status, >=, 400);
        g_assert_cmpuint(f->status, <, 500);
        g_assert_true(has(f, "\"error\""));
        g_assert_cmpuint(f->ends, ==, 1);
        g_assert_true(has_header(f, "x-weir-attempts: 0\n"));
        kit_pass(&k, 0);
        front_free(f);
    }
    kit_end(&k);
}

static void test_models(void)
{
    struct front *f;
    struct kit k;

    kit_begin(&k, ROUTE("mock/some-model", ""));
    f = kit_ask(&k, "GET", "/v1/models", "");
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_true(has(f, "\"main\""));
    g_assert_true(has(f, "\"mock/some-model\""));
    g_assert_cmpuint(f->ends, ==, 1);
    kit_pass(&k, 0);
    front_free(f);
    kit_end(&k);
}

/* A dialect may end the exchange whenever it is asked something, and is never asked again from
 * inside. */
static void test_stern_dialect(void)
{
    static const struct {
        const char *path, *body;
        unsigned status;
    } rows[] = { { "/stern/read", "sit up straight", 400 },
                 { "/stern/translate", "sit up straight", 400 },
                 { "/stern/answer", "by itself", 203 } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, PROVIDERS);
        script_hello();
        f = kit_ask(&k, "POST", rows[i].path, "{}");
        g_assert_cmpuint(f->status, ==, rows[i].status);
        g_assert_cmpstr(f->body->str, ==, rows[i].body);
        g_assert_cmpuint(f->ends, ==, 1);
        kit_pass(&k, 100 * MS);
        g_assert_cmpuint(kit_mock.asked, ==, 0);
        front_free(f);
        kit_end(&k);
    }
}

static void test_key_is_not_repeated(void)
{
    for (int stream = 0; stream < 2; stream++) {
        struct kit k;
        struct front *f;

        g_setenv("KIT_KEY", "sk-0123456789", TRUE);
        kit_begin(&k,
                  "providers:\n"
                  "  mock: { plugin: mock, base_url: \"http://m-@\", api_key: \"${KIT_KEY}\" }\n");
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 0, "data: k\n\n");
        f = kit_chat(&k, "mock/m", stream);
        kit_pass(&k, 1 * MS);
        g_assert_true(has(f, "[key] is no key"));
        g_assert_false(has(f, "sk-0123456789"));
        g_assert_cmpuint(f->ends, ==, 1);
        front_free(f);
        kit_end(&k);
    }
}

/* Every family of metrics stands in one piece, and is introduced once. */
static void test_metrics(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *text = NULL, *family = g_strdup("");
    g_auto(GStrv) lines = NULL;
    struct kit k;

    kit_begin(&k, PROVIDERS);
    script_hello();
    for (int i = 0; i < 2; i++) {
        struct front *f = kit_chat(&k, i ? "twin/m" : "mock/m", true);

        kit_pass(&k, 100 * MS);
        g_assert_cmpuint(f->ends, ==, 1);
        front_free(f);
    }
    text = stats_text(k.engine->workers, 1);
    lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        g_auto(GStrv) words = g_strsplit_set(*l, " {", -1);

        if (g_str_has_prefix(*l, "# TYPE ")) {
            g_free(family);
            family = g_strdup(words[2]);
            g_assert_true(g_hash_table_add(seen, g_strdup(family)));
        } else if (**l && **l != '#') {
            g_assert_true(g_str_has_prefix(words[0], family));
        }
    }
    g_assert_true(g_hash_table_contains(seen, "weir_requests_total"));
    g_assert_true(g_hash_table_contains(seen, "weir_target_up"));
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exchange/commit", test_commit);
    g_test_add_func("/exchange/relay", test_relay);
    g_test_add_func("/exchange/whole", test_whole);
    g_test_add_func("/exchange/failover", test_failover);
    g_test_add_func("/exchange/broken-stream", test_broken_stream);
    g_test_add_func("/exchange/broken-whole", test_broken_whole);
    g_test_add_func("/exchange/lingering", test_lingering);
    g_test_add_func("/exchange/idle", test_idle);
    g_test_add_func("/exchange/first-token", test_first_token);
    g_test_add_func("/exchange/slow-reader", test_slow_reader);
    g_test_add_func("/exchange/deadline", test_deadline);
    g_test_add_func("/exchange/attempts", test_attempts);
    g_test_add_func("/exchange/waiting", test_waiting);
    g_test_add_func("/exchange/cancel-inside", test_cancel_inside);
    g_test_add_func("/exchange/cancel-forwarded", test_cancel_forwarded);
    g_test_add_func("/exchange/cancel-any-time", test_cancel_any_time);
    g_test_add_func("/exchange/cancel-blames-nobody", test_cancel_blames_nobody);
    g_test_add_func("/exchange/engine-stops", test_engine_stops);
    g_test_add_func("/exchange/endless-preamble", test_endless_preamble);
    g_test_add_func("/exchange/reload", test_reload);
    g_test_add_func("/exchange/reload-waiting", test_reload_waiting);
    g_test_add_func("/exchange/bad-requests", test_bad_requests);
    g_test_add_func("/exchange/models", test_models);
    g_test_add_func("/exchange/metrics", test_metrics);
    g_test_add_func("/exchange/stern-dialect", test_stern_dialect);
    g_test_add_func("/exchange/key-is-not-repeated", test_key_is_not_repeated);
    return g_test_run();
}
