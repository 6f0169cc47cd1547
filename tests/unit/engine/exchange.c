/*
 * exchange.c - tests of core/engine: exchanges from the request to the last byte, and requests that
 * get nowhere.
 */
#include "exchange.h"
#include "base/str.h"
#include "engine/stats.h"

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

/* The name goes into what has a place for it, if the configuration says so; of named events into
 * the first. */
static void test_relay_labelled(void)
{
    static const char *const expected[] = {
        "data: {\"provider\":\"twin\",\"n\":1}\n\ndata: t:x\n\n"
        "data: {\"provider\":\"twin\",\"n\":2}\n\ndata: f\n\n",
        "event: a\ndata: {\"provider\":\"twin\",\"n\":1}\n\ndata: t:x\n\n"
        "event: b\ndata: {\"n\":2}\n\ndata: f\n\n",
    };

    for (int named = 0; named < 2; named++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, PROVIDERS "expose: body\n");
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 0,
                 named ? "event: a\ndata: {\"n\":1}\n\ndata: t:x\n\n"
                       : "data: {\"n\":1}\n\ndata: t:x\n\n");
        kit_step(WEIR_STEP_BYTES, 0,
                 named ? "event: b\ndata: {\"n\":2}\n\ndata: f\n\n"
                       : "data: {\"n\":2}\n\ndata: f\n\n");
        kit_step(WEIR_STEP_END, 0, NULL);
        f = kit_chat(&k, "twin/m", true);
        kit_pass(&k, 10 * MS);
        g_assert_cmpstr(f->body->str, ==, expected[named]);
        g_assert_cmpuint(f->ends, ==, 1);
        front_free(f);
        kit_end(&k);
    }
}

static struct front *clerk_chat(struct kit *k, const char *model)
{
    g_autofree char *text = g_strdup_printf("{\"model\":\"%s\"}", model);

    return kit_ask(k, "POST", "/clerk-chat", g_intern_string(text));
}

/* A dialect gets the order it asks for; nothing is committed that it has not written. */
static void test_sequence(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: 1:{\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: 2:{\"b\":2}\n\ndata: 1:}\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:x\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: u\n\ndata: f\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
    f = clerk_chat(&k, "mock/m");
    kit_pass(&k, 20 * MS);
    g_assert_cmpuint(f->status, ==, 0);
    kit_pass(&k, 10 * MS);
    kit_pass(&k, 10 * MS);
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_cmpstr(f->body->str, ==, "<1 {} 1> <2 {\"b\":2} 2> <0 x 0> finish ");
    g_assert_cmpuint(f->ends, ==, 1);
    front_free(f);
    kit_end(&k);
}

/* So another target can take over from half a call. */
static void test_half_call(void)
{
    static const char *const last[] = { "data: f\n\n", "data: x:server_error\n\n" };

    for (size_t i = 0; i < G_N_ELEMENTS(last); i++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, ROUTE("mock/m, sim/echo", ""));
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 0, "data: 1:{\"a\":\n\n");
        kit_step(WEIR_STEP_BYTES, 10 * MS, last[i]);
        kit_step(WEIR_STEP_END, 0, NULL);
        f = clerk_chat(&k, "main");
        kit_pass(&k, 10 * MS);
        kit_pass(&k, 10 * MS);
        g_assert_true(has_header(f, "x-weir-provider: sim\n"));
        g_assert_true(has(f, "finish"));
        g_assert_false(has(f, "<1"));
        front_free(f);
        kit_end(&k);
    }
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
    g_test_add_func("/exchange/relay-labelled", test_relay_labelled);
    g_test_add_func("/exchange/sequence", test_sequence);
    g_test_add_func("/exchange/half-call", test_half_call);
    g_test_add_func("/exchange/whole", test_whole);
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
