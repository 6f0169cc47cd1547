/*
 * call.c - tests of core/model/call.c: arguments that are all there, and such as are not.
 */
#include "model/call.h"
#include "base/str.h"

#include <glib.h>

/* Whether the text is whole, given in pieces of `step` bytes. */
static bool whole(const char *text, uint32_t form, size_t step)
{
    struct call_args args = call_args_begin(false);
    size_t len = strlen(text);

    for (size_t at = 0; at < len; at += step)
        call_args_add(&args, (weir_text){ text + at, MIN(step, len - at), form, 0 });
    return call_args_whole(&args);
}

static const struct {
    const char *text;
    bool whole;
} cases[] = {
    { "", true },
    { " \n", true },
    { "{}", true },
    { " {\"a\": [1, {\"b\": null}]}\n", true },
    { "{\"}\": \"]\"}", true },
    { "{\"a\": \"\\\"}\"}", true },
    { "{\"a\": \"\\\\\"}", true },
    { "{", false },
    { "{\"a\": 1", false },
    { "{\"a\": [1}", false },
    { "{\"a\": \"}", false },
    { "{\"a\": \"\\\"}", false },
    { "{}}", false },
    { "{} {}", false },
    { "{}x", false },
    { "}", false },
    { "null", false },
    { "[]", false },
    { "\"{}\"", false },
};

static void test_utf8(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (size_t step = 1; step < 40; step += 19)
            g_assert_cmpint(whole(cases[i].text, WEIR_FORM_UTF8, step), ==, cases[i].whole);
    }
}

/* As it stands inside a JSON string, escaped in the two ways there are. */
static void test_json(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) plain = g_string_new(NULL);
        g_autoptr(GString) hex = g_string_new(NULL);

        for (const char *c = cases[i].text; *c; c++) {
            g_string_append_printf(hex, "\\u%04x", (unsigned)*c);
            if (*c == '"' || *c == '\\')
                g_string_append_c(plain, '\\');
            g_string_append(plain, *c == '\n' ? "\\n" : (const char[]){ *c, 0 });
        }
        g_assert_cmpint(whole(plain->str, WEIR_FORM_JSON, 1000), ==, cases[i].whole);
        g_assert_cmpint(whole(hex->str, WEIR_FORM_JSON, 6), ==, cases[i].whole);
    }
}

/* Deeper than can be counted is no object of ours; it must not wrap round. */
static void test_deep(void)
{
    g_autoptr(GString) text = g_string_new("{\"a\":");

    for (int i = 0; i < 254; i++)
        g_string_append_c(text, '[');
    for (int i = 0; i < 254; i++)
        g_string_append_c(text, ']');
    g_string_append_c(text, '}');
    g_assert_true(whole(text->str, WEIR_FORM_UTF8, 7));
    g_string_truncate(text, 5);
    for (int i = 0; i < 256; i++)
        g_string_append_c(text, '[');
    g_string_append_c(text, '}');
    g_assert_false(whole(text->str, WEIR_FORM_UTF8, 7));
}

static void test_free_text(void)
{
    struct call_args args = call_args_begin(true);

    call_args_add(&args, (weir_text){ "rm -rf {", 8, WEIR_FORM_UTF8, 0 });
    g_assert_true(call_args_whole(&args));
}

static void test_custom(void)
{
    g_assert_true(call_is_custom(S("\"type\":\"custom\"")));
    g_assert_true(call_is_custom(S("\"a\":{\"b\":[1]},\"type\" : \n\"custom\",\"x\":1")));
    g_assert_true(call_is_custom(S("\"a\":\"\\\"type\",\"type\":\"custom\"")));
    g_assert_false(call_is_custom(S("")));
    g_assert_false(call_is_custom(S("\"type\":\"function\"")));
    g_assert_false(call_is_custom(S("\"a\":{\"type\":\"custom\"}")));
    g_assert_false(call_is_custom(S("\"a\":\"\\\"type\\\":\\\"custom\\\"\"")));
    g_assert_false(call_is_custom(S("\"type\"")));
    g_assert_false(call_is_custom(S("\"type\":")));
    g_assert_false(call_is_custom(S("\"type\":\"custo")));
    g_assert_false(call_is_custom(S("\"a")));
}

static void test_blank(void)
{
    g_assert_true(call_is_blank((weir_text){ "", 0, WEIR_FORM_UTF8, 0 }));
    g_assert_true(call_is_blank((weir_text){ " \\n\\t", 5, WEIR_FORM_JSON, 0 }));
    g_assert_false(call_is_blank((weir_text){ " \\n\\t", 5, WEIR_FORM_UTF8, 0 }));
    g_assert_false(call_is_blank((weir_text){ "\\u0020{", 7, WEIR_FORM_JSON, 0 }));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/call/utf8", test_utf8);
    g_test_add_func("/call/json", test_json);
    g_test_add_func("/call/deep", test_deep);
    g_test_add_func("/call/free-text", test_free_text);
    g_test_add_func("/call/custom", test_custom);
    g_test_add_func("/call/blank", test_blank);
    return g_test_run();
}
