/*
 * models.c - tests of the model list: what the configuration says, what providers told last, and
 * that no request ever asks them; and what attempts are told of their model.
 */
#include "kit.h"
#include "base/str.h"
#include "engine/lister.h"
#include "engine/stats.h"

#include <string.h>

#define SECOND INT64_C(1000000)
#define MOCK                                                                              \
    "providers:\n  mock: { plugin: mock, base_url: \"http://mm-@\", default_model: std, " \
    "max_retries: 0 }\n"

/* The mock answers with a document (JSON), or with what `frame` says. */
static void script_frame(const char *frame)
{
    static char *text;

    g_free(text);
    text = g_strdup_printf("data: %s\n\n", frame);
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 1000, text);
    kit_step(WEIR_STEP_END, 1000, NULL);
}

static void script_list(const char *ids)
{
    g_auto(GStrv) names = g_strsplit(ids, " ", -1);
    g_autoptr(GString) frame = g_string_new("d:{\"object\":\"list\",\"data\":[");

    for (char **n = names; *n; n++)
        g_string_append_printf(frame, "%s{\"id\":\"%s\",\"created\":77,\"context_window\":4242}",
                               n == names ? "" : ",", *n);
    g_string_append(frame, "]}");
    script_frame(frame->str);
}

/* Lets a script come to its end. */
static void settle(struct kit *k)
{
    for (int i = 0; i < 5; i++)
        kit_pass(k, 10 * 1000);
}

/* What GET /v1/models says; answered before this returns, or it is none. */
static char *listed(struct kit *k)
{
    struct front *f = kit_ask(k, "GET", "/v1/models", "");
    char *body;

    g_assert_cmpuint(f->status, ==, 200);
    g_assert_cmpuint(f->ends, ==, 1);
    body = g_strdup(f->body->str);
    front_free(f);
    return body;
}

static bool lists(struct kit *k, const char *id)
{
    g_autofree char *body = listed(k), *member = g_strdup_printf("\"id\":\"%s\"", id);

    return strstr(body, member) != NULL;
}

static void begin(struct kit *k, const char *yaml)
{
    kit_begin(k, yaml);
    engine_list_models(k->engine);
}

static void end(struct kit *k)
{
    lister_stop(k->engine->lister);
    kit_end(k);
}

/* -- asking ----------------------------------------------------------------------------------- */

static void test_first(void)
{
    struct kit k;

    script_list("live-1 live-2");
    begin(&k, MOCK);
    g_assert_true(lists(&k, "std")); /* nobody waits for the first answer */
    g_assert_false(lists(&k, "live-1"));
    g_assert_cmpuint(kit_mock.asked, ==, 0);
    settle(&k);
    g_assert_cmpuint(kit_mock.asked, ==, 1);
    g_assert_true(lists(&k, "std"));
    g_assert_true(lists(&k, "live-1"));
    g_assert_true(lists(&k, "mock/live-2"));
    for (int i = 0; i < 20; i++)
        g_free(listed(&k));
    g_assert_cmpuint(kit_mock.asked, ==, 1); /* requests ask nobody */
    end(&k);
}

static void test_details(void)
{
    struct kit k;
    struct front *f;

    script_list("live-1 odd");
    begin(&k, MOCK "    \n");
    settle(&k);
    f = kit_ask(&k, "GET", "/v1/models/live-1", "");
    g_assert_cmpstr(f->body->str, ==,
                    "{\"id\":\"live-1\",\"object\":\"model\",\"created\":77,\"owned_by\":\"mock\","
                    "\"context_window\":4242}");
    front_free(f);
    end(&k);
}

/* A plain name that would lead to another provider is not listed as one. */
static void test_names_another(void)
{
    struct kit k;

    script_list("sim/x");
    begin(&k, MOCK "  sim: { plugin: sim, base_url: \"http://ss-@\", list_models: no }\n");
    settle(&k);
    g_assert_false(lists(&k, "sim/x"));
    g_assert_true(lists(&k, "mock/sim/x"));
    end(&k);
}

static void test_last_good(void)
{
    struct kit k;

    script_list("one");
    begin(&k, MOCK);
    settle(&k);
    g_assert_true(lists(&k, "one"));
    script_frame("x:server_error");
    kit_pass(&k, 600 * SECOND);
    settle(&k);
    g_assert_cmpuint(kit_mock.asked, ==, 2);
    g_assert_true(lists(&k, "one"));
    script_frame("d:[\"no list\"]");
    kit_pass(&k, 30 * SECOND); /* asked again earlier than after an answer */
    settle(&k);
    g_assert_cmpuint(kit_mock.asked, ==, 3);
    g_assert_true(lists(&k, "one"));
    script_list("two");
    kit_pass(&k, 30 * SECOND); /* but not at once for ever */
    g_assert_cmpuint(kit_mock.asked, ==, 3);
    kit_pass(&k, 31 * SECOND);
    settle(&k);
    g_assert_cmpuint(kit_mock.asked, ==, 4);
    g_assert_true(lists(&k, "two"));
    g_assert_false(lists(&k, "one"));
    end(&k);
}

/* One that says nothing is given up, and neither log nor counters hear of any of it. */
static void test_silent(void)
{
    struct kit k;
    g_autofree char *metrics = NULL;

    kit_script(200);
    kit_step(WEIR_STEP_STALL, 0, NULL);
    begin(&k, MOCK);
    settle(&k);
    g_assert_cmpuint(k.w->exchange_count, ==, 1);
    kit_pass(&k, 30 * SECOND);
    kit_pass(&k, 1000);
    g_assert_cmpuint(k.w->exchange_count, ==, 0);
    g_assert_true(lists(&k, "std"));
    metrics = stats_text(k.engine->workers, k.engine->count);
    g_assert_null(strstr(metrics, "timeout"));
    g_assert_nonnull(strstr(metrics, "op=\"models\",status=\"200\"} 1\n"));
    end(&k);
}

static void test_not_asked(void)
{
    struct kit k;

    script_list("live");
    begin(&k, "models_refresh: 0\n" MOCK);
    kit_pass(&k, 3600 * SECOND);
    g_assert_cmpuint(kit_mock.asked, ==, 0);
    end(&k);
    begin(&k, "providers:\n  mock: { plugin: mock, base_url: \"http://mm-@\", list_models: no }\n");
    kit_pass(&k, 3600 * SECOND);
    g_assert_cmpuint(kit_mock.asked, ==, 0);
    end(&k);
}

static void test_reload(void)
{
    struct kit k;

    script_list("live");
    begin(&k, MOCK);
    settle(&k);
    kit_switch(&k, MOCK "routes: { r: { failover: { try: [mock] } } }\n");
    settle(&k);
    g_assert_cmpuint(kit_mock.asked, ==, 1); /* nothing about the provider changed */
    g_assert_true(lists(&k, "live"));
    kit_switch(&k, "providers:\n  mock: { plugin: mock, base_url: \"http://other\" }\n");
    g_assert_false(lists(&k, "live")); /* what another place told means nothing here */
    settle(&k);
    g_assert_cmpuint(kit_mock.asked, ==, 2);
    g_assert_true(lists(&k, "live"));
    kit_switch(&k, "providers:\n  sim: { plugin: sim, list_models: no }\n");
    g_assert_false(lists(&k, "live"));
    end(&k);
}

static void test_stopped(void)
{
    struct kit k;

    kit_script(200);
    kit_step(WEIR_STEP_STALL, 0, NULL);
    begin(&k, MOCK);
    settle(&k);
    g_assert_cmpuint(k.w->exchange_count, ==, 1);
    end(&k);
}

/* -- resolving -------------------------------------------------------------------------------- */

static const char *sent(struct kit *k, const char *name, const char *expected)
{
    static char found[256];
    struct front *f = kit_chat(k, name, false);
    g_autofree char *line = g_strdup_printf("x-weir-model: %s\n", expected);

    settle(k);
    g_snprintf(found, sizeof found, "%s",
               strstr(f->headers->str, line) ? "it was" : f->headers->str);
    front_free(f);
    return found;
}

static void test_resolve(void)
{
    struct kit k;
    struct front *f;

    script_list("live std-alias");
    begin(&k, MOCK
          "  sim: { plugin: sim, base_url: \"http://ss-@\", list_models: no, models: [std-alias] "
          "}\n");
    f = kit_chat(&k, "live", false);
    g_assert_cmpuint(f->status, ==, 404); /* not known yet */
    front_free(f);
    settle(&k);
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hi\n\ndata: u\n\ndata: f\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
    g_assert_cmpstr(sent(&k, "live", "live"), ==, "it was"); /* and not the default model */
    f = kit_chat(&k, "std-alias", false);
    settle(&k);
    g_assert_nonnull(strstr(f->headers->str, "x-weir-provider: sim\n")); /* configured goes first */
    front_free(f);
    f = kit_chat(&k, "liv", false);
    g_assert_cmpuint(f->status, ==, 404);
    front_free(f);
    end(&k);
}

/* -- what is known of the model --------------------------------------------------------------- */

static void script_chat(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hi\n\ndata: u\n\ndata: f\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
}

#define KNOWN                                                                           \
    "providers:\n  mock:\n    plugin: mock\n    base_url: \"http://kk-@\"\n"            \
    "    catalogue:\n      m: { context_window: 5, lacks: tools }\n      n*: { price: " \
    "{ input: 2, output: 3 } }\n"

static void test_target(void)
{
    struct kit k;

    kit_begin(&k, KNOWN);
    script_chat();
    g_assert_cmpstr(sent(&k, "mock/m", "m"), ==, "it was");
    g_assert_cmpstr(kit_mock.catalogue, ==, "{\"lacks\":[\"tools\"],\"context_window\":5}");
    g_assert_cmpstr(sent(&k, "mock/n1", "n1"), ==, "it was");
    g_assert_nonnull(strstr(kit_mock.catalogue, "\"price\":{\"input\":2,\"output\":3}"));
    g_assert_cmpstr(sent(&k, "mock/other", "other"), ==, "it was");
    g_assert_cmpstr(kit_mock.catalogue, ==, "");
    kit_switch(&k, "providers:\n  mock: { plugin: mock, base_url: \"http://kk-@\", catalogue: { m: "
                   "{ context_window: 6 } } }\n");
    g_assert_cmpstr(sent(&k, "mock/m", "m"), ==, "it was"); /* the same target, another catalogue */
    g_assert_cmpstr(kit_mock.catalogue, ==, "{\"context_window\":6}");
    kit_end(&k);
}

static struct front *ask_with_tools(struct kit *k, const char *model)
{
    g_autofree char *text = g_strdup_printf(
        "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":["
        "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
        model);
    struct front *f = kit_ask(k, "POST", "/v1/chat/completions", g_intern_string(text));

    settle(k);
    return f;
}

static void test_lacking(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, KNOWN "routes: { r: { failover: { try: [mock/m, mock/n1] } } }\n");
    script_chat();
    f = ask_with_tools(&k, "mock/m");
    g_assert_cmpuint(f->status, >=, 400);
    g_assert_cmpuint(kit_mock.asked, ==, 0);
    front_free(f);
    f = ask_with_tools(&k, "r");
    g_assert_nonnull(strstr(f->headers->str, "x-weir-model: n1\n"));
    front_free(f);
    g_assert_cmpstr(sent(&k, "r", "m"), ==, "it was");
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/models/first", test_first);
    g_test_add_func("/models/details", test_details);
    g_test_add_func("/models/names-another", test_names_another);
    g_test_add_func("/models/last-good", test_last_good);
    g_test_add_func("/models/silent", test_silent);
    g_test_add_func("/models/not-asked", test_not_asked);
    g_test_add_func("/models/reload", test_reload);
    g_test_add_func("/models/stopped", test_stopped);
    g_test_add_func("/models/resolve", test_resolve);
    g_test_add_func("/models/target", test_target);
    g_test_add_func("/models/lacking", test_lacking);
    return g_test_run();
}
