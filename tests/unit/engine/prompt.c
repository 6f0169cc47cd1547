/*
 * prompt.c - tests of core/engine/prompt.c: what strategies are told of a request's text, and that
 * being told costs an answer nothing.
 */
#include "kit.h"

#define MS INT64_C(1000)

#define CONFIG                                             \
    "providers:\n"                                         \
    "  mock: { plugin: mock, base_url: \"http://m-@\" }\n" \
    "  twin: { plugin: twin, base_url: \"http://t-@\" }\n" \
    "routes:\n"                                            \
    "  spied: { spy: { try: [twin/m] } }\n"                \
    "  unseen: { blind: { try: [twin/m] } }\n"             \
    "  inside: { blind: { try: [spied] } }\n"

static void script_hello(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: t:Hello\n\ndata: u\n\ndata: f\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
}

/* Sends a chat request; what the strategy was told. */
static char *told(const char *path, const char *body)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, CONFIG);
    script_hello();
    f = kit_ask(&k, "POST", path, body);
    for (int i = 0; i < 3; i++)
        kit_pass(&k, 1 * MS);
    g_assert_true(f->ended);
    g_assert_cmpuint(f->status, ==, 200);
    g_assert_null(strstr(f->headers->str, "x-weir-warnings"));
    front_free(f);
    kit_end(&k);
    return g_strdup(kit_facts->str);
}

static char *told_of(const char *model, const char *members)
{
    g_autofree char *body = g_strdup_printf("{\"model\":\"%s\",%s}", model, members);

    return told("/v1/chat/completions", body);
}

static void test_text(void)
{
    g_autofree char *plain = told_of(
        "spied", "\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
                 "{\"role\":\"user\",\"content\":\"one\"},"
                 "{\"role\":\"assistant\",\"content\":\"two\"},"
                 "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"th\\u00e9\"},"
                 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://x/\"}},"
                 "{\"type\":\"text\",\"text\":\"four\"}]}]");

    g_assert_true(g_str_has_prefix(
        plain, "text=th\xc3\xa9\nfour all=be brief\none\ntwo\nth\xc3\xa9\nfour prefix="));
}

/* The bound cuts between code points. */
static void test_bound(void)
{
    GString *long_text = g_string_new("\"messages\":[{\"role\":\"user\",\"content\":\"x");
    g_autofree char *plain = NULL;

    for (int i = 0; i < 40000; i++)
        g_string_append(long_text, "\xc3\xa9");
    g_string_append(long_text, "\"}]");
    plain = told_of("spied", long_text->str);
    g_assert_true(g_utf8_validate(plain, -1, NULL));
    g_assert_true(g_str_has_prefix(plain, "text=x\xc3\xa9"));
    g_assert_cmpint(strstr(plain, " all=") - plain, ==, 5 + 64 * 1024 - 1);
    g_string_free(long_text, TRUE);
}

static char *prefix_of(const char *members)
{
    g_autofree char *all = told_of("spied", members);

    return g_strdup(strstr(all, "prefix="));
}

/* What a growing conversation keeps in front decides, and nothing behind it. */
static void test_prefix(void)
{
    g_autofree char *first = prefix_of("\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                                       "{\"role\":\"user\",\"content\":\"one\"}]");
    g_autofree char *later =
        prefix_of("\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                  "{\"role\":\"user\",\"content\":\"one\"},"
                  "{\"role\":\"assistant\",\"content\":\"two\"},"
                  "{\"role\":\"user\",\"content\":\"three\"}],\"temperature\":0");
    g_autofree char *other = prefix_of("\"messages\":[{\"role\":\"system\",\"content\":\"t\"},"
                                       "{\"role\":\"user\",\"content\":\"one\"}]");
    g_autofree char *tools =
        prefix_of("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
                  "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                  "{\"role\":\"user\",\"content\":\"one\"}]");

    g_assert_cmpstr(first, ==, later);
    g_assert_cmpstr(first, !=, other);
    g_assert_cmpstr(first, !=, tools);
    g_assert_cmpstr(first, !=, "prefix=0");
}

static void test_metadata(void)
{
    g_autofree char *all = told_of("spied", "\"metadata\":{\"team\":\"blue\",\"n\":3,\"u\":\"y\"},"
                                            "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]");

    g_assert_true(g_str_has_suffix(all, " metadata.team=blue metadata.u=y"));
}

/* Who does not ask is not told; who asks below is. */
static void test_needs(void)
{
    static const char body[] = "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
    g_autofree char *unseen = told_of("unseen", body);
    g_autofree char *inside = told_of("inside", body);

    g_assert_cmpstr(unseen, ==, "text= all= prefix=0");
    g_assert_true(g_str_has_prefix(inside, "text=a all=a prefix="));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/prompt/text", test_text);
    g_test_add_func("/engine/prompt/bound", test_bound);
    g_test_add_func("/engine/prompt/prefix", test_prefix);
    g_test_add_func("/engine/prompt/metadata", test_metadata);
    g_test_add_func("/engine/prompt/needs", test_needs);
    return g_test_run();
}
