/*
 * documents.c - tests of what is answered with one document: counts and lists of models.
 */
#include "kit.h"
#include "base/str.h"

#define MS INT64_C(1000)

#define PROVIDERS                                                                        \
    "providers:\n"                                                                       \
    "  mock: { plugin: mock, base_url: \"http://m-@\", models: [m], default_model: m,\n" \
    "          model_aliases: { other: m }, rate_limit: { tokens_per_minute: 1 },\n"     \
    "          max_retries: 0 }\n"                                                       \
    "  twin: { plugin: twin, base_url: \"http://t-@\", models: [\"t-*\"] }\n"            \
    "routes:\n"                                                                          \
    "  main: { failover: { try: [twin/t-1, mock] } }\n"                                  \
    "  none: { failover: { try: [twin/t-1] } }\n"                                        \
    "default_route: main\n"

static struct front *count(struct kit *k, const char *model)
{
    g_autofree char *text = g_strdup_printf("{\"model\":\"%s\",\"words\":1}", model);
    struct front *f = kit_ask(k, "POST", "/clerk-count", g_intern_string(text));

    kit_pass(k, 0);
    kit_pass(k, 10 * MS);
    return f;
}

static void is(struct front *f, unsigned status, const char *body)
{
    g_assert_cmpstr(f->body->str, ==, body);
    g_assert_cmpuint(f->status, ==, status);
    front_free(f);
}

/* Who cannot count is passed over; who can gets the canonical request, as for a chat. */
static void test_count(void)
{
    static const char *const models[] = { "main", "mock/m", "m", "" };

    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        struct kit k;
        struct front *f;

        kit_begin(&k, PROVIDERS);
        kit_script(200);
        kit_step(WEIR_STEP_BYTES, 0, "data: d:{\"input_tokens\":3}\n\n");
        kit_step(WEIR_STEP_END, 0, NULL);
        f = count(&k, models[i]);
        g_assert_nonnull(strstr(f->headers->str, "x-weir-provider: mock\n"));
        is(f, 200, "{\"input_tokens\":3}");
        g_assert_cmpstr(kit_mock.seen->str, ==, "{\"messages\":[]}\n");
        /* Nothing was booked: the next is not held up by the provider's limit. */
        is(count(&k, models[i]), 200, "{\"input_tokens\":3}");
        kit_end(&k);
    }
}

static void test_cannot_count(void)
{
    struct kit k;

    kit_begin(&k, PROVIDERS);
    is(count(&k, "none"), 400, "unsupported: twin/t-1 does not offer this operation");
    is(count(&k, "twin/t-1"), 400, "unsupported: twin does not offer this operation");
    kit_end(&k);
}

/* An answer without its document is none. */
static void test_no_count(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: nothing\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
    f = count(&k, "mock/m");
    g_assert_true(g_str_has_prefix(f->body->str, "protocol: "));
    front_free(f);
    kit_end(&k);
}

static struct front *models(struct kit *k, const char *path)
{
    struct front *f = kit_ask(k, "GET", path, "");

    kit_pass(k, 0);
    return f;
}

static void test_models(void)
{
    static const char *const names[] = { "main", "none", "m", "mock/m", "other", "t-1" };
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    f = models(&k, "/clerk-models");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *entry = g_strdup_printf("{\"id\":\"%s\",\"object\":\"model\"", names[i]);

        g_assert_nonnull(strstr(f->body->str, entry));
    }
    front_free(f);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strconcat("/clerk-models/", names[i], NULL);
        g_autofree char *start =
            g_strdup_printf("{\"object\":\"list\",\"data\":[{\"id\":\"%s\",", names[i]);

        if (strchr(names[i], '/'))
            continue;
        f = models(&k, g_intern_string(path));
        g_assert_cmpuint(f->status, ==, 200);
        g_assert_true(g_str_has_prefix(f->body->str, start));
        g_assert_cmpuint(g_strrstr(f->body->str, "\"id\"") - f->body->str, ==, 26);
        front_free(f);
    }
    kit_end(&k);
}

static void test_no_model(void)
{
    struct kit k;

    kit_begin(&k, PROVIDERS);
    is(models(&k, "/clerk-models/mian"), 400,
       "not_found: model 'mian' is not configured; did you mean 'main'?");
    /* Its name belongs to a provider, which has no list to look in. */
    is(models(&k, "/clerk-models/t-99"), 400, "unsupported: twin does not offer this operation");
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/count", test_count);
    g_test_add_func("/documents/cannot-count", test_cannot_count);
    g_test_add_func("/documents/no-count", test_no_count);
    g_test_add_func("/documents/models", test_models);
    g_test_add_func("/documents/no-model", test_no_model);
    return g_test_run();
}
