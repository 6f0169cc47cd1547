/*
 * owned.c - tests of core/engine/owned.c: a conversation goes back to whoever made what it carries.
 */
#include "kit.h"
#include "base/str.h"

#define MS INT64_C(1000)

/* Three that take chat as it is, and one that does not. */
#define PROVIDERS                                                                 \
    "providers:\n"                                                                \
    "  one: { plugin: twin, base_url: \"http://a-@\", models: [m] }\n"            \
    "  two: { plugin: twin, base_url: \"http://b-@\", models: [m, n] }\n"         \
    "  three: { plugin: twin, base_url: \"http://c-@\", models: [o] }\n"          \
    "  four: { plugin: mock, base_url: \"http://d-@\", models: [p] }\n"           \
    "routes:\n"                                                                   \
    "  main: { failover: { try: [one/m, two/m], retries: 0 } }\n"                 \
    "  loose: { failover: { try: [one/m, two/m], retries: 0 }, opaque: strip }\n" \
    "  mixed: { failover: { try: [four/p, three/o], retries: 0 } }\n"             \
    "  strange: { failover: { try: [four/p], retries: 0 } }\n"                    \
    "default_route: main\n"

/* An answer that says "hi" and, unless it is NULL, that `owned` is its maker's. */
static void script_owned(const char *owned)
{
    g_autofree char *text = g_strdup_printf("data: %s%s\n\ndata: t:hi\n\ndata: f\n\n",
                                            owned ? "o:" : "nothing", owned ? owned : "");

    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, g_intern_string(text));
    kit_step(WEIR_STEP_END, 0, NULL);
}

static void script_failing(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 0, "data: x:server_error\n\n");
    kit_step(WEIR_STEP_END, 0, NULL);
}

/* `carried` stands among the user's content (a file: required) or in the reasoning before it. */
static struct front *ask(struct kit *k, const char *model, const char *file, const char *reasoning)
{
    g_autoptr(GString) body = g_string_new(NULL);
    struct front *f;

    g_string_printf(body, "{\"model\":\"%s\",\"messages\":[", model);
    if (reasoning)
        g_string_append_printf(body,
                               "{\"role\":\"assistant\",\"content\":\"hi\",\"reasoning_details\":"
                               "[{\"type\":\"reasoning.encrypted\",\"data\":\"%s\"}]},",
                               reasoning);
    g_string_append(body, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}");
    if (file)
        g_string_append_printf(body, ",{\"type\":\"file\",\"file\":{\"file_id\":\"%s\"}}", file);
    g_string_append(body, "]}],\"stream\":true}");
    f = kit_ask(k, "POST", "/v1/chat/completions", g_intern_string(body->str));
    kit_pass(k, 0);
    kit_pass(k, 10 * MS);
    return f;
}

/* Who served it; the status if nobody did. */
static void served_by(struct front *f, const char *expected)
{
    g_autofree char *line = g_strdup_printf("x-weir-provider: %s\n", expected);

    if (g_ascii_isdigit(*expected)) {
        g_assert_cmpuint(f->status, ==, (unsigned)atoi(expected));
    } else {
        g_assert_cmpuint(f->status, ==, 200);
        if (!strstr(f->headers->str, line))
            g_error("not %s but %s", expected, f->headers->str);
    }
    front_free(f);
}

static void says(const struct front *f, const char *text)
{
    if (!strstr(f->body->str, text))
        g_error("'%s' is not in %s", text, f->body->str);
}

/* Provider two answers, and owns the value. */
static void two_makes(struct kit *k, const char *value)
{
    script_owned(value);
    served_by(ask(k, "two/m", NULL, NULL), "two");
    script_owned(NULL);
}

static void test_required(void)
{
    struct kit k;

    kit_begin(&k, PROVIDERS);
    two_makes(&k, "file-1");
    served_by(ask(&k, "main", NULL, NULL), "one");
    served_by(ask(&k, "main", "file-1", NULL), "two");
    g_assert_false(kit_mock.foreign);
    served_by(ask(&k, "loose", "file-1", NULL), "two");
    kit_end(&k);
}

/* Who cannot be asked is not stood in for. */
/* field: 3.7.3 */
static void test_owner_fails(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    two_makes(&k, "file-2");
    two_makes(&k, "sig-2");
    script_failing();
    kit_mock.asked = 0;
    f = ask(&k, "main", "file-2", NULL);
    g_assert_nonnull(strstr(f->headers->str, "x-weir-warnings: file_id: only provider two, which "
                                             "made it, could be asked\n"));
    served_by(f, "502");
    g_assert_cmpuint(kit_mock.asked, ==, 1);
    served_by(ask(&k, "main", NULL, "sig-2"), "502");
    g_assert_cmpuint(kit_mock.asked, ==, 2);
    served_by(ask(&k, "loose", NULL, "sig-2"), "502"); /* here the other one was asked as well */
    g_assert_cmpuint(kit_mock.asked, ==, 4);
    kit_end(&k);
}

static void test_optional(void)
{
    struct kit k;

    kit_begin(&k, PROVIDERS);
    two_makes(&k, "sig-3");
    served_by(ask(&k, "main", NULL, "sig-3"), "two");
    g_assert_false(kit_mock.foreign);
    served_by(ask(&k, "loose", NULL, "sig-3"), "one");
    g_assert_true(kit_mock.foreign);
    /* Asked for by name, it is asked; the rest is left out. */
    served_by(ask(&k, "one/m", NULL, "sig-3"), "one");
    g_assert_true(kit_mock.foreign);
    served_by(ask(&k, "two/m", NULL, "sig-3"), "two");
    g_assert_false(kit_mock.foreign);
    kit_end(&k);
}

/* A model's name alone leaves the choice to us. */
static void test_by_model(void)
{
    struct kit k;

    kit_begin(&k, PROVIDERS);
    two_makes(&k, "file-4");
    served_by(ask(&k, "m", NULL, NULL), "one");
    served_by(ask(&k, "m", "file-4", NULL), "two");
    served_by(ask(&k, "o", "file-4", NULL), "400"); /* three's model */
    kit_end(&k);
}

static void test_elsewhere(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    two_makes(&k, "file-5");
    two_makes(&k, "sig-5");
    f = ask(&k, "mixed", "file-5", NULL);
    says(f, "file_id 'file-5' belongs to provider two, which route mixed does not lead to");
    says(f, "\"param\":\"file_id\"");
    served_by(f, "400");
    f = ask(&k, "mixed", NULL, "sig-5");
    says(f, "set opaque: strip on the route");
    served_by(f, "400");
    f = ask(&k, "one/m", "file-5", NULL);
    says(f, "belongs to provider two");
    served_by(f, "400");
    kit_end(&k);
}

static void test_unknown(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    script_owned(NULL);
    f = ask(&k, "main", "file-x", NULL);
    says(f, "file_id 'file-x' is not known here, and both one and two could have made it");
    served_by(f, "400");
    served_by(ask(&k, "mixed", "file-x", NULL), "three"); /* the only one that can have */
    f = ask(&k, "strange", "file-x", NULL);
    says(f, "none of the targets speaks the API it came from");
    served_by(f, "400");
    served_by(ask(&k, "one/m", "file-x", NULL), "one");
    /* What is not needed stays in for those, and is left out for others. */
    served_by(ask(&k, "main", NULL, "sig-x"), "one");
    g_assert_false(kit_mock.foreign);
    served_by(ask(&k, "mixed", NULL, "sig-x"), "four");
    g_assert_true(kit_mock.foreign);
    kit_end(&k);
}

/* An id in a path leads to its owner, wherever the default route would. */
static void test_forwarded(void)
{
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    script_owned("id 7");
    served_by(ask(&k, "three/o", NULL, NULL), "three");
    script_owned(NULL);
    f = kit_ask(&k, "GET", "/clerk/id%207", "");
    kit_pass(&k, 10 * MS);
    served_by(f, "three");
    f = kit_ask(&k, "GET", "/clerk/other", "");
    kit_pass(&k, 10 * MS);
    says(f, "id 'other' is not known here, and both one and two could have made it");
    front_free(f);
    kit_end(&k);
}

/* A value too long for a message is shortened. */
static void test_long(void)
{
    g_autofree char *value = g_strnfill(500, 'v');
    struct kit k;
    struct front *f;

    kit_begin(&k, PROVIDERS);
    f = ask(&k, "main", value, NULL);
    says(f, "vvv...'");
    g_assert_cmpuint(f->body->len, <, 500);
    front_free(f);
    kit_end(&k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/owned/required", test_required);
    g_test_add_func("/owned/owner-fails", test_owner_fails);
    g_test_add_func("/owned/optional", test_optional);
    g_test_add_func("/owned/by-model", test_by_model);
    g_test_add_func("/owned/elsewhere", test_elsewhere);
    g_test_add_func("/owned/unknown", test_unknown);
    g_test_add_func("/owned/forwarded", test_forwarded);
    g_test_add_func("/owned/long", test_long);
    return g_test_run();
}
