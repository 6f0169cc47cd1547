/*
 * options.c - tests of option tables: normal forms, defaults, faults.
 */
#include "config/options.h"
#include "helper.h"

#include <string.h>

#define PROVIDERS "providers:\n  sim: { plugin: sim"

static void options_are(const char *yaml, const char *expected)
{
    g_autofree char *text = g_strdup_printf(PROVIDERS "%s }\n", yaml);
    g_autoptr(config_t) c = helper_load(text);
    g_assert_cmpstr(config_find_provider(c, "sim")->options, ==, expected);
}

static void test_normal(void)
{
    options_are("", "{\"delay\":10000,\"size\":1024,\"echo\":true}");
    options_are(", delay: 1.5s, size: 2MB, echo: off",
                "{\"delay\":1500000,\"size\":2097152,\"echo\":false}");
    options_are(", delay: \"2\", script: { a: [1, 2.5, yes, true, null, \"1\"], b: {} }",
                "{\"delay\":2000000,\"size\":1024,\"echo\":true,\"script\":{\"a\":[1,2.5,\"yes\","
                "true,null,\"1\"],\"b\":{}}}");
}

static void test_texts(void)
{
    g_autoptr(config_t) c =
        helper_load("providers:\n  openai:\n    api_key: ${OPENAI_API_KEY}\n    organization: 007\n"
                    "    headers: { x-team: blue, x-host: \"${HOST}\" }\n"
                    "    admin_key: ${ANTHROPIC_API_KEY}\n");
    g_assert_cmpstr(config_find_provider(c, "openai")->options, ==,
                    "{\"organization\":\"007\",\"headers\":{\"x-team\":\"blue\",\"x-host\":"
                    "\"10.0.0.7\"},\"admin_key\":\"sk-anthropic-secret\",\"api\":\"chat\"}");
    g_assert_cmpstr(config_find_provider(c, "openai")->api_key, ==, "sk-openai-secret");
}

static void test_faults(void)
{
    helper_refuses(PROVIDERS ", delay: soon }\n",
                   "weir.yaml:2:30: providers.sim.delay must be a duration such as 250ms, 30s, 5m, "
                   "1h or a number of seconds, not 'soon'");
    helper_refuses(PROVIDERS ", dealy: 1s }\n",
                   "weir.yaml:2:23: unknown key 'dealy' in providers.sim (did you mean 'delay'?)");
    helper_refuses(
        "providers: { openai: { api: completions, headers: [a], admin_key: sk-x } }\n",
        "weir.yaml:1:29: providers.openai.api must be one of chat, responses, not "
        "'completions'\n"
        "weir.yaml:1:51: providers.openai.headers must be a map of texts, not a list\n"
        "weir.yaml:1:67: providers.openai.admin_key is a secret and may not stand in the "
        "file; write ${NAME} or file:PATH");
}

static void test_classes(void)
{
    g_autoptr(config_t) c = helper_load(
        PROVIDERS " }\nroutes: { main: { failover: { try: sim, on: [server_error, quota] } } }\n");
    g_assert_cmpstr(config_find_route(c, "main")->root->options, ==,
                    "{\"try\":[{\"child\":0}],\"on\":[\"server_error\",\"quota\"],\"retries\":0,"
                    "\"delay\":0}");
    g_autoptr(GError) error = NULL;
    g_assert_null(helper_try(
        PROVIDERS " }\nroutes: { main: { failover: { try: sim, on: [ratelimit] } } }\n", &error));
    g_assert_true(g_str_has_prefix(error->message, "weir.yaml:3:46: failover.on must be one of "
                                                   "authentication, "));
    g_assert_true(g_str_has_suffix(error->message, "not 'ratelimit' (did you mean 'rate_limit'?)"));
    g_clear_error(&error);
    /* "none" is no failure. */
    g_assert_null(
        helper_try(PROVIDERS " }\nroutes: { main: { failover: { try: sim, on: none } } }", &error));
}

static void test_filters(void)
{
    g_autoptr(config_t) c =
        helper_load("filters: [noop, { guard: { limit: 3 }, on_error: continue }]");
    const struct config_filter *guard = g_ptr_array_index(c->filters, 1);
    g_assert_cmpstr(guard->part->name, ==, "guard");
    g_assert_cmpstr(guard->options, ==, "{\"deny\":[\"secret\",\"password\"],\"limit\":3}");
    g_assert_true(guard->continue_on_error);
    g_assert_false(
        ((const struct config_filter *)g_ptr_array_index(c->filters, 0))->continue_on_error);
    helper_refuses("filters:\n  - guard\n",
                   "weir.yaml:2:5: filter guard needs 'limit': how many; add it");
    helper_refuses(
        "filters:\n  - nop\n",
        "weir.yaml:2:5: no plugin offers a filter called 'nop' (did you mean 'noop'?); "
        "there is: guard, noop. Install nop.so in the plugin folder, or correct the name");
    helper_refuses("filters:\n  - { noop: {}, on_eror: continue }\n",
                   "weir.yaml:2:17: 'on_eror' stands beside the filter 'noop' (did you mean "
                   "'on_error'?); put its options under its name, and each filter into an item of "
                   "its own");
    helper_refuses("filters:\n  - noop: { x: 1 }\n",
                   "weir.yaml:2:13: filter noop has no options; remove 'x'");
}

static void test_dialects(void)
{
    g_autoptr(config_t) c = helper_load("");
    g_assert_cmpstr(g_hash_table_lookup(c->dialect_options, "openai"), ==, "{\"strict\":false}");
    g_autoptr(config_t) d = helper_load("dialects: { openai: { strict: true } }");
    g_assert_cmpstr(g_hash_table_lookup(d->dialect_options, "openai"), ==, "{\"strict\":true}");
    helper_refuses("dialects:\n  openai: { strikt: true }\n",
                   "weir.yaml:2:13: unknown key 'strikt' in dialects.openai (did you mean "
                   "'strict'?)");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/normal", test_normal);
    g_test_add_func("/options/texts", test_texts);
    g_test_add_func("/options/faults", test_faults);
    g_test_add_func("/options/classes", test_classes);
    g_test_add_func("/options/filters", test_filters);
    g_test_add_func("/options/dialects", test_dialects);
    return g_test_run();
}
