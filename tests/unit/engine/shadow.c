/*
 * shadow.c - tests of core/engine/shadow.c: a copy of a request goes its own way, and the request
 * knows nothing of it.
 */
#include "kit.h"
#include "base/str.h"
#include "engine/stats.h"

#define MS INT64_C(1000)

#define CONFIG(tree, rest)                                                           \
    "providers:\n"                                                                   \
    "  mock: { plugin: mock, base_url: \"http://m-@\" }\n"                           \
    "  twin: { plugin: twin, base_url: \"http://t-@\" }\n"                           \
    "  sim: { plugin: sim, base_url: \"http://s-@\", reply: Hello., mark: false }\n" \
    "routes:\n  main: { " tree " }\n" rest

#define SHADOW(to, copy) CONFIG("shadow: { to: " to ", copy: " copy " }", "")

/* What the copy is answered: "Hel", "lo", usage and the end, each 10 ms after the one before. */
static void script_hello(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:Hel\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:lo\n\ndata: u\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: f\n\n");
    kit_step(WEIR_STEP_END, 10 * MS, NULL);
}

static void script_error(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: x:server_error\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
}

/* As if it never came. */
static void script_silence(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 3600 * 1000 * MS, "data: f\n\n");
}

/* How many copies ended so: "ok", a class, or "not_sent". */
static int counted(struct kit *k, const char *class)
{
    g_autofree char *text = stats_text(&k->w, 1);
    g_autofree char *line =
        g_strdup_printf("weir_shadows_total{route=\"main\",class=\"%s\"} ", class);
    const char *found = strstr(text, line);

    return found ? atoi(found + strlen(line)) : 0;
}

/* Without what is every reply's own. */
static char *headers_of(const struct front *f)
{
    g_auto(GStrv) lines = g_strsplit(f->headers->str, "\n", -1);
    GString *out = g_string_new(NULL);

    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "x-weir-id:"))
            g_string_append_printf(out, "%s\n", *line);
    }
    return g_string_free(out, FALSE);
}

static void ended_well(const struct front *f)
{
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_cmpuint(f->ends, ==, 1);
    g_assert_nonnull(strstr(f->body->str, "Hello."));
}

/* -- the request ------------------------------------------------------------------------------ */

/* What it got, without the second in which it was made. */
static char *body_of(struct front *f)
{
    GRegex *second = g_regex_new("\"created\":[0-9]+", 0, 0, NULL);
    char *body = g_regex_replace_literal(second, f->body->str, -1, 0, "\"created\":0", 0, NULL);

    g_regex_unref(second);
    return body;
}

/* The application gets the same bytes, at the same time, whatever becomes of the copy. */
static void test_same_reply(void)
{
    static void (*const scripts[])(void) = { script_hello, script_error, script_silence };

    for (int stream = 0; stream < 2; stream++) {
        g_autofree char *headers = NULL, *body = NULL;
        struct kit k;
        struct front *f;

        kit_begin(&k, CONFIG("failover: [sim/m]", ""));
        f = kit_chat(&k, "main", stream);
        kit_pass(&k, 0);
        ended_well(f);
        headers = headers_of(f);
        body = body_of(f);
        front_free(f);
        kit_end(&k);
        for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
            g_autofree char *now = NULL, *same = NULL;

            kit_begin(&k, SHADOW("sim/m", "mock/m"));
            scripts[i]();
            f = kit_chat(&k, "main", stream);
            kit_pass(&k, 0);
            ended_well(f);
            now = headers_of(f);
            g_assert_cmpstr(now, ==, headers);
            same = body_of(f);
            g_assert_cmpstr(same, ==, body);
            g_assert_cmpuint(kit_mock.asked, ==, 1);
            kit_pass(&k, 11 * 60 * 1000 * MS); /* the deadline of the copy's own */
            g_assert_cmpuint(k.w->shadows, ==, 0);
            g_assert_cmpuint(k.w->shadow_bytes, ==, 0);
            g_assert_cmpint(counted(&k, "ok"), ==, i == 0);
            front_free(f);
            kit_end(&k);
        }
    }
}

/* What is asked of the copy's target is what was asked, however long the request is over and its
 * memory gone. */
static void test_own_memory(void)
{
    static const char asked[] =
        "{\"model\":\"main\",\"messages\":[{\"role\":\"user\",\"content\":\"for the copy\"}]}";
    static const char *const copies[] = { "mock/m", "twin/m" };

    for (size_t i = 0; i < G_N_ELEMENTS(copies); i++) {
        g_autofree char *yaml = g_strdup_printf(
            SHADOW("sim/m", "{ failover: { try: [%s], retries: 1, delay: 500ms } }"), copies[i]);
        char *body = g_strdup(asked);
        g_auto(GStrv) seen = NULL;
        struct kit k;
        struct front *f;

        kit_begin(&k, yaml);
        script_error();
        f = kit_ask(&k, "POST", "/v1/chat/completions", body);
        kit_pass(&k, 0);
        ended_well(f);
        g_assert_cmpuint(kit_mock.asked, ==, 1);
        memset(body, 'x', strlen(body));
        g_free(body);
        script_hello();
        kit_pass(&k, 2000 * MS);
        kit_pass(&k, 100 * MS);
        g_assert_cmpuint(kit_mock.asked, ==, 2);
        g_assert_cmpint(counted(&k, "ok"), ==, 1);
        seen = g_strsplit(kit_mock.seen->str, "\n", -1);
        g_assert_cmpstr(seen[0], ==, seen[1]);
        g_assert_nonnull(strstr(seen[0], "for the copy"));
        front_free(f);
        kit_end(&k);
    }
}

/* What a filter made of a request is what is copied; its answer passes no filter. */
static void test_filters(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, CONFIG("shadow: { to: sim/m, copy: twin/m }", "filters: [edit, sick-event]\n"));
    script_hello();
    f = kit_chat(&k, "main", true);
    kit_pass(&k, 0);
    kit_pass(&k, 100 * MS);
    g_assert_nonnull(strstr(kit_mock.seen->str, "\"content\":\"edited\""));
    g_assert_null(strstr(kit_mock.seen->str, "\"hi\""));
    g_assert_cmpint(counted(&k, "ok"), ==, 1);
    front_free(f);
    kit_end(&k);
}

/* An application that leaves takes nothing with it. */
static void test_application_leaves(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, SHADOW("sim/head:1s", "mock/m"));
    script_hello();
    f = kit_chat(&k, "main", true);
    kit_pass(&k, 15 * MS);
    g_assert_cmpuint(k.w->shadows, ==, 1);
    exchange_cancel(f->e, 0);
    kit_pass(&k, 5 * MS);
    g_assert_cmpuint(k.w->shadows, ==, 1);
    kit_pass(&k, 50 * MS);
    g_assert_cmpint(counted(&k, "ok"), ==, 1);
    front_free(f);
    kit_end(&k);
}

/* It finishes on the generation that it began with. */
static void test_reload(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, SHADOW("sim/m", "mock/m"));
    script_hello();
    f = kit_chat(&k, "main", true);
    kit_pass(&k, 15 * MS);
    ended_well(f);
    kit_switch(&k, CONFIG("failover: [sim/m]", ""));
    kit_pass(&k, 50 * MS);
    g_assert_cmpint(counted(&k, "ok"), ==, 1);
    front_free(f);
    kit_end(&k);
}

/* -- whether there is one ---------------------------------------------------------------------- */

/* Asks once; returns how often the copy's target was asked. */
static uint32_t copies(const char *yaml, const char *path, const char *body)
{
    struct kit k;
    struct front *f;
    uint32_t n;

    kit_begin(&k, yaml);
    script_hello();
    f = kit_ask(&k, *body ? "POST" : "GET", path, body);
    for (int i = 0; i < 20; i++)
        kit_pass(&k, 500 * MS);
    n = kit_mock.asked;
    g_assert_cmpuint(k.w->shadows, ==, 0);
    front_free(f);
    kit_end(&k);
    return n;
}

static uint32_t chat_copies(const char *yaml)
{
    return copies(yaml, "/v1/chat/completions",
                  "{\"model\":\"main\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
}

static void test_how_many(void)
{
    g_assert_cmpuint(chat_copies(SHADOW("sim/m", "mock/m")), ==, 1);
    g_assert_cmpuint(chat_copies(CONFIG("shadow: { to: sim/m, copy: mock/m, percent: 0 }", "")), ==,
                     0);
    /* once, however often the node is asked */
    g_assert_cmpuint(
        chat_copies(CONFIG("failover: { try: [ { shadow: { to: \"sim/fail:server_error\", copy: "
                           "mock/m } } ], retries: 2, delay: 10ms }",
                           "")),
        ==, 1);
    /* one for each node */
    g_assert_cmpuint(chat_copies(SHADOW("{ shadow: { to: sim/m, copy: mock/m } }", "twin/m")), ==,
                     2);
    /* none of a copy */
    g_assert_cmpuint(chat_copies(SHADOW("sim/m", "{ shadow: { to: mock/m, copy: twin/m } }")), ==,
                     1);
    /* none where nobody answers: the target has no model to send */
    g_assert_cmpuint(chat_copies(SHADOW("sim", "mock/m")), ==, 0);
}

static void test_operations(void)
{
    g_assert_cmpuint(copies(SHADOW("mock/m", "twin/m"), "/clerk-count", "{\"model\":\"main\"}"), ==,
                     1);
    g_assert_cmpuint(copies(SHADOW("twin/m", "twin/n") "default_route: main\n", "/clerk/7", ""), ==,
                     1);
}

/* More than may be are left out, and counted; the request is served all the same. */
static void test_cap(void)
{
    struct kit k;
    struct front *f[3];

    kit_begin(&k, CONFIG("shadow: { to: sim/m, copy: mock/m }", "limits: { shadows: 2 }\n"));
    script_hello();
    for (int i = 0; i < 3; i++)
        f[i] = kit_chat(&k, "main", false);
    kit_pass(&k, 0);
    g_assert_cmpuint(k.w->shadows, ==, 2);
    for (int i = 0; i < 3; i++) {
        ended_well(f[i]);
        front_free(f[i]);
    }
    kit_pass(&k, 100 * MS);
    g_assert_cmpint(counted(&k, "ok"), ==, 2);
    g_assert_cmpint(counted(&k, "not_sent"), ==, 1);
    f[0] = kit_chat(&k, "main", false); /* there is room again */
    kit_pass(&k, 0);
    kit_pass(&k, 100 * MS);
    g_assert_cmpint(counted(&k, "ok"), ==, 3);
    front_free(f[0]);
    kit_end(&k);
}

/* -- what it counts for ------------------------------------------------------------------------ */

/* Not for the tenant, who did not ask for it; a provider's limits are what the provider bears. */
static void test_limits(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, CONFIG("shadow: { to: sim/m, copy: mock/m }",
                         "tenants: { \"*\": { concurrency: 1 } }\n"));
    script_hello();
    for (int i = 0; i < 2; i++) {
        f = kit_chat(&k, "main", false);
        kit_pass(&k, 0);
        ended_well(f);
        front_free(f);
        g_assert_cmpuint(k.w->shadows, ==, (unsigned)i + 1);
    }
    kit_pass(&k, 100 * MS);
    kit_end(&k);
    kit_begin(&k, "providers:\n"
                  "  mock: { plugin: mock, base_url: \"http://m-@\", rate_limit: { concurrency: 1 "
                  "} }\n"
                  "  sim: { plugin: sim, base_url: \"http://s-@\", reply: Hello. }\n"
                  "routes: { main: { shadow: { to: sim/m, copy: mock/m } } }\n");
    script_hello();
    for (int i = 0; i < 2; i++) {
        f = kit_chat(&k, "main", false);
        kit_pass(&k, 0);
        ended_well(f);
        front_free(f);
    }
    g_assert_cmpuint(kit_mock.asked, ==, 1); /* the second found the target at its limit */
    g_assert_cmpuint(k.w->waiting, ==, 0);
    kit_pass(&k, 100 * MS);
    kit_end(&k);
}

/* Who only gets copies has no say in where requests may go, and none in how the node stands. */
static void test_has_no_say(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, "providers:\n"
                  "  one: { plugin: twin, base_url: \"http://a-@\", models: [m] }\n"
                  "  two: { plugin: twin, base_url: \"http://b-@\", models: [m] }\n"
                  "routes: { main: { shadow: { to: one/m, copy: two/m } } }\n"
                  "default_route: main\n");
    script_hello();
    f = kit_ask(&k, "POST", "/v1/chat/completions",
                "{\"model\":\"main\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                "\"file\",\"file\":{\"file_id\":\"file-nobody-knows\"}}]}]}");
    kit_pass(&k, 0);
    kit_pass(&k, 100 * MS);
    g_assert_cmpuint(f->status, ==, 200); /* not: both could have made it */
    front_free(f);
    kit_end(&k);
}

/* When all is over, so is it, and it is told. */
static void test_stopped(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, SHADOW("sim/m", "mock/m"));
    script_silence();
    f = kit_chat(&k, "main", false);
    kit_pass(&k, 0);
    ended_well(f);
    g_assert_nonnull(k.w->exchanges);
    exchange_cancel(k.w->exchanges, 0);
    g_assert_cmpint(counted(&k, "cancelled"), ==, 1);
    front_free(f);
    f = kit_chat(&k, "main", false); /* and one that has not begun to walk */
    exchange_cancel(k.w->exchanges, 0);
    g_assert_cmpint(counted(&k, "cancelled"), ==, 2);
    kit_pass(&k, 0);
    ended_well(f);
    front_free(f);
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shadow/same-reply", test_same_reply);
    g_test_add_func("/shadow/own-memory", test_own_memory);
    g_test_add_func("/shadow/filters", test_filters);
    g_test_add_func("/shadow/application-leaves", test_application_leaves);
    g_test_add_func("/shadow/reload", test_reload);
    g_test_add_func("/shadow/how-many", test_how_many);
    g_test_add_func("/shadow/operations", test_operations);
    g_test_add_func("/shadow/cap", test_cap);
    g_test_add_func("/shadow/limits", test_limits);
    g_test_add_func("/shadow/has-no-say", test_has_no_say);
    g_test_add_func("/shadow/stopped", test_stopped);
    return g_test_run();
}
