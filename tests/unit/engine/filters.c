/*
 * filters.c - tests of core/engine/filters.c: what filters may do to requests and answers, and who
 * is blamed when they fail.
 */
#include "kit.h"
#include "base/str.h"

#define MS INT64_C(1000)

#define CONFIG(filters)                                    \
    "providers:\n"                                         \
    "  mock: { plugin: mock, base_url: \"http://m-@\" }\n" \
    "  twin: { plugin: twin, base_url: \"http://t-@\" }\n" \
    "breaker: { failures: 1 }\n"                           \
    "filters: [" filters "]\n"

static bool has(const struct front *f, const char *text)
{
    return strstr(f->body->str, text) != NULL;
}

static void script_hello(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hello\n\ndata: u\n\n");
    kit_step(WEIR_STEP_BYTES, 0, "data: f\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
}

/* One chat through the filters; what was answered. */
static struct front *chat(struct kit *k, const char *filters, const char *model, bool stream)
{
    struct front *f;

    kit_begin(k, filters);
    script_hello();
    f = kit_chat(k, model, stream);
    for (int i = 0; i < 3; i++)
        kit_pass(k, 1 * MS);
    g_assert_true(f->ended);
    return f;
}

static void done(struct kit *k, struct front *f)
{
    front_free(f);
    kit_end(k);
}

/* Requests pass in the order of the list, events in reverse: the first filter is outermost. */
static void test_event_order(void)
{
    static const char *const models[] = { "mock/m", "twin/m" };

    for (int i = 0; i < 4; i++) {
        struct kit k;
        struct front *f = chat(&k, CONFIG("mark-a, mark-b"), models[i / 2], i % 2);

        g_assert_cmpuint(f->ends, ==, 1);
        g_assert_true(has(f, "[a[bHellob]a]"));
        done(&k, f);
    }
}

/* What is edited is what the provider sees, even one that would have taken the request as it was.
 */
static void test_edit(void)
{
    static const char *const models[] = { "mock/m", "twin/m" };

    for (int i = 0; i < 2; i++) {
        struct kit k;
        struct front *f = chat(&k, CONFIG("edit"), models[i], true);

        g_assert_cmpuint(f->ends, ==, 1);
        g_assert_nonnull(strstr(kit_mock.seen->str, "\"content\":\"edited\""));
        g_assert_null(strstr(kit_mock.seen->str, "\"hi\""));
        done(&k, f);
    }
}

static void test_refuse(void)
{
    struct kit k;
    struct front *f = chat(&k, CONFIG("refuse, edit"), "mock/m", true);

    g_assert_cmpuint(f->status, >=, 400);
    g_assert_cmpuint(f->status, <, 500);
    g_assert_true(has(f, "not in this house"));
    g_assert_cmpuint(kit_mock.asked, ==, 0);
    g_assert_cmpuint(f->ends, ==, 1);
    done(&k, f);
}

static void test_answer(void)
{
    for (int stream = 0; stream < 2; stream++) {
        struct kit k;
        struct front *f = chat(&k, CONFIG("answer, refuse"), "mock/m", stream);

        g_assert_cmpuint(f->status, ==, 200);
        g_assert_true(has(f, "from the filter"));
        g_assert_cmpint(has(f, "[DONE]"), ==, stream);
        g_assert_cmpuint(kit_mock.asked, ==, 0);
        g_assert_cmpuint(f->ends, ==, 1);
        done(&k, f);
    }
}

/* An answer without an end is not sent as if it had one. */
static void test_half_answer(void)
{
    for (int stream = 0; stream < 2; stream++) {
        struct kit k;
        struct front *f = chat(&k, CONFIG("half"), "mock/m", stream);

        g_assert_cmpuint(f->status, ==, 500);
        g_assert_false(has(f, "from the filter"));
        g_assert_false(has(f, "[DONE]"));
        done(&k, f);
    }
}

static void test_sick_request(void)
{
    struct kit k;
    struct front *f = chat(&k, CONFIG("sick-request"), "mock/m", true);

    g_assert_cmpuint(f->status, ==, 500);
    g_assert_true(has(f, "sick-request"));
    g_assert_cmpuint(kit_mock.asked, ==, 0);
    done(&k, f);
    f = chat(&k, CONFIG("{ sick-request: {}, on_error: continue }"), "mock/m", true);
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_true(has(f, "Hello"));
    g_assert_nonnull(strstr(f->headers->str, "x-weir-warnings: sick-request"));
    done(&k, f);
}

/* A filter that fails on an answer is no fault of the target: its health stays, and no other target
 * is asked. */
static void test_sick_event(void)
{
    for (int stream = 0; stream < 2; stream++) {
        struct kit k;
        struct front *f = chat(&k, CONFIG("sick-event"), "mock/m", stream);
        const struct provider *p = tree_provider(k.engine->generation->tree, S("mock"));
        struct target *t = target_get(p->name, p->base_url, S("m"));
        int64_t ready;

        g_assert_cmpuint(f->status, ==, 500);
        g_assert_false(has(f, "Hello"));
        g_assert_cmpuint(kit_mock.asked, ==, 1);
        g_assert_cmpuint(target_blocked(t, &p->limits, clock_now(), 1, &ready), ==, 0);
        g_assert_cmpuint(target_estimate(t).error_ppm, ==, 0);
        done(&k, f);
        f = chat(&k, CONFIG("{ sick-event: {}, on_error: continue }"), "mock/m", stream);
        g_assert_cmpuint(f->ends, ==, 1);
        g_assert_true(has(f, "Hello"));
        done(&k, f);
    }
}

/* A filter of one route does not touch the others. */
static void test_of_route(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, CONFIG("mark-a") "routes:\n"
                                   "  one: { failover: { try: [mock/m] }, filters: [mark-b] }\n"
                                   "  two: { failover: { try: [mock/m] } }\n");
    script_hello();
    for (int i = 0; i < 2; i++) {
        f = kit_chat(&k, i ? "two" : "one", true);
        for (int n = 0; n < 3; n++)
            kit_pass(&k, 1 * MS);
        g_assert_true(has(f, i ? "[aHelloa]" : "[a[bHellob]a]"));
        front_free(f);
    }
    kit_end(&k);
}

/* What could not be passed on is missed, even if the filter before it says nothing, and is not
 * passed on a second time because that filter may be gone on without. */
static void test_deaf(void)
{
    static const char *const configs[] = {
        CONFIG("deaf") "limits: { hold_size: 1k }\n",
        CONFIG("{ deaf: {}, on_error: continue }") "limits: { hold_size: 1k }\n"
    };
    g_autofree char *text = g_strnfill(2000, 'n');
    g_autofree char *event = g_strdup_printf("data: t:%s\n\n", text);

    for (size_t i = 0; i < G_N_ELEMENTS(configs); i++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, configs[i]);
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 0, event);
        kit_step(WEIR_STEP_BYTES, 0, "data: f\n\n");
        kit_step(WEIR_STEP_END, 0, NULL);
        f = kit_chat(&k, "mock/m", true);
        for (int n = 0; n < 3; n++)
            kit_pass(&k, 1 * MS);
        g_assert_cmpuint(f->status, ==, 500);
        g_assert_false(has(f, "[DONE]"));
        g_assert_cmpuint(f->ends, ==, 1);
        done(&k, f);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/filters/event-order", test_event_order);
    g_test_add_func("/filters/edit", test_edit);
    g_test_add_func("/filters/refuse", test_refuse);
    g_test_add_func("/filters/answer", test_answer);
    g_test_add_func("/filters/half-answer", test_half_answer);
    g_test_add_func("/filters/sick-request", test_sick_request);
    g_test_add_func("/filters/sick-event", test_sick_event);
    g_test_add_func("/filters/deaf", test_deaf);
    g_test_add_func("/filters/of-route", test_of_route);
    return g_test_run();
}
