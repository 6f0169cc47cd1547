/*
 * lists.c - tests of core/engine/lists.c: lists as strangers write them.
 */
#include "base/str.h"
#include "engine/lists.h"

#include <string.h>

static struct model_list *list_from(const char *document)
{
    const char *why = NULL;
    struct model_list *l = model_list_read("p", str_of(document), &why);

    g_assert_cmpint(l == NULL, ==, why != NULL);
    return l;
}

static const struct listed_model *model(const struct model_list *l, guint i)
{
    return &g_array_index(l->models, struct listed_model, i);
}

static void test_read(void)
{
    struct model_list *l = list_from(
        "{\"object\":\"list\",\"more\":[1],\"data\":["
        "{\"id\":\"a\",\"object\":\"model\",\"created\":5,\"owned_by\":\"them\",\"name\":\"A "
        "\\u00e9\","
        "\"context_window\":1000,\"max_output_tokens\":10,\"capabilities\":[\"tools\",\"stream\","
        "\"flying\",7]},"
        "{\"id\":\"b/c:d\"},"
        "{\"id\":\"a\",\"created\":6}]}");

    g_assert_cmpuint(l->models->len, ==, 2);
    g_assert_cmpstr(model(l, 0)->id, ==, "a");
    g_assert_cmpstr(model(l, 0)->name, ==, "A é");
    g_assert_cmpstr(model(l, 0)->owner, ==, "them");
    g_assert_cmpint(model(l, 0)->created, ==, 5); /* the first of two counts */
    g_assert_cmpint(model(l, 0)->context_window, ==, 1000);
    g_assert_cmpint(model(l, 0)->max_output_tokens, ==, 10);
    g_assert_cmpuint(model(l, 0)->can, ==, WEIR_CAN_TOOLS | WEIR_CAN_STREAM);
    g_assert_cmpstr(model(l, 1)->id, ==, "b/c:d");
    g_assert_null(model(l, 1)->name);
    g_assert_cmpint(model(l, 1)->context_window, ==, -1);
    g_assert_true(g_hash_table_lookup(l->by_id, "a") == model(l, 0));
    model_list_unref(l);
}

static void test_odd(void)
{
    static const char *const none[] = { "", "[]", "{}", "{\"data\":{}}", "{\"data\":[}", "null" };
    static const char *const empty[] = {
        "{\"data\":[]}",
        "{\"data\":[1,null,\"a\",[],{}]}",
        "{\"data\":[{\"id\":5}]}",
        "{\"data\":[{\"id\":\"\"}]}",
        "{\"data\":[{\"id\":\"two words\"}]}",
        "{\"data\":[{\"id\":\"a\\u0000b\"}]}",
        "{\"data\":[{\"id\":\"a\\nb\"}]}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_null(list_from(none[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(empty); i++) {
        struct model_list *l = list_from(empty[i]);

        g_assert_cmpuint(l->models->len, ==, 0);
        model_list_unref(l);
    }
}

static void test_bounds(void)
{
    g_autoptr(GString) text = g_string_new("{\"data\":[");
    g_autofree char *long_id = g_strnfill(LIST_MAX_ID + 1, 'x');
    struct model_list *l;

    g_string_append_printf(text, "{\"id\":\"%s\"}", long_id);
    for (int i = 0; i < LIST_MAX_MODELS + 10; i++)
        g_string_append_printf(text, ",{\"id\":\"m%d\",\"context_window\":-5}", i);
    g_string_append(text, "]}");
    l = list_from(text->str);
    g_assert_cmpuint(l->models->len, ==, LIST_MAX_MODELS);
    g_assert_cmpint(model(l, 0)->context_window, ==, -1);
    model_list_unref(l);
}

static void test_all(void)
{
    struct model_lists *all = model_lists_new();
    struct model_list *l = list_from("{\"data\":[{\"id\":\"a\"}]}");

    model_lists_add(all, l);
    model_list_unref(l);
    g_assert_true(model_lists_of(all, S("p")) == l);
    g_assert_null(model_lists_of(all, S("q")));
    g_assert_null(model_lists_of(NULL, S("p")));
    g_assert_true(model_lists_has(all, S("p"), S("a")));
    g_assert_false(model_lists_has(all, S("p"), S("b")));
    g_assert_false(model_lists_has(all, S("q"), S("a")));
    g_assert_false(model_lists_has(all, S("p"), (weir_str){ "a\0b", 3 }));
    g_assert_false(model_lists_has(NULL, S("p"), S("a")));
    model_lists_unref(all);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lists/read", test_read);
    g_test_add_func("/lists/odd", test_odd);
    g_test_add_func("/lists/bounds", test_bounds);
    g_test_add_func("/lists/all", test_all);
    return g_test_run();
}
