/*
 * reader.c - <weir/sdk/json.h>: looking things up, getting them out, and what they mean.
 */
#include <float.h>
#include <glib.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/sdk/json.h>

#include "arena.h"
#include "conformance.h"
#include "json/scan.h"

struct fixture {
    struct jscan_tokens tokens;
    struct test_arena arena;
    weir_json doc;
};

static void set_up(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    jscan_tokens_init(&f->tokens);
    test_arena_init(&f->arena, 1 << 20);
}

static void tear_down(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    test_arena_finish(&f->arena);
    jscan_tokens_finish(&f->tokens);
}

static const weir_json *load_n(struct fixture *f, const char *text, size_t len)
{
    weir_str bytes = { text, len };

    g_assert_cmpint(jscan(&f->tokens, bytes, &f->doc, NULL), ==, WEIR_OK);
    return &f->doc;
}

static const weir_json *load(struct fixture *f, const char *text)
{
    return load_n(f, text, strlen(text));
}

#define assert_str(str, literal)                                       \
    do {                                                               \
        weir_str str_ = (str);                                         \
        g_assert_cmpmem(str_.ptr, str_.len, literal, strlen(literal)); \
    } while (0)

static void test_find(struct fixture *f, gconstpointer unused)
{
    const weir_json *doc = load(f, "{\"a\":1,\"b\":{\"a\":2,\"c\":[3,{\"d\":4}]},\"\":5,\"ab\":6}");
    uint32_t b = weir_json_find(doc, 0, "b");

    (void)unused;
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "a")), "1");
    assert_str(weir_json_raw(doc, weir_json_find(doc, b, "a")), "2");
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "")), "5");
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "ab")), "6");
    assert_str(weir_json_raw(doc, weir_json_find_n(doc, 0, "abc", 2)), "6");
    g_assert_cmpuint(weir_json_find(doc, 0, "c"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_find(doc, b, "b"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_find(doc, weir_json_find(doc, b, "c"), "d"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_find(doc, WEIR_JSON_NONE, "a"), ==, WEIR_JSON_NONE);

    assert_str(weir_json_raw(doc, weir_json_path(doc, 0, "b.a")), "2");
    assert_str(weir_json_raw(doc, weir_json_path(doc, 0, "b.c.0")), "3");
    assert_str(weir_json_raw(doc, weir_json_path(doc, b, "c.1.d")), "4");
    g_assert_cmpuint(weir_json_path(doc, 0, "b.c.2"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_path(doc, 0, "b.c.x"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_path(doc, 0, "b.c.-1"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_path(doc, 0, "b.c.4294967296"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_path(doc, 0, "a.b"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_path(doc, 0, "x.y.z"), ==, WEIR_JSON_NONE);
}

/* The last one counts, however it is spelt: no second rule to slip past. */
static void test_duplicates(struct fixture *f, gconstpointer unused)
{
    const weir_json *doc;

    (void)unused;
    doc = load(f, "{\"model\":\"a\",\"x\":0,\"model\":\"b\"}");
    g_assert_true(weir_json_is(doc, weir_json_find(doc, 0, "model"), "b"));
    g_assert_cmpuint(weir_json_count(doc, 0), ==, 3);
    doc = load(f, "{\"model\":\"a\",\"\\u006dodel\":\"b\"}");
    g_assert_true(weir_json_is(doc, weir_json_find(doc, 0, "model"), "b"));
    doc = load(f, "{\"\\u006d\\u006Fdel\":\"a\",\"model\":\"b\",\"models\":\"c\"}");
    g_assert_true(weir_json_is(doc, weir_json_find(doc, 0, "model"), "b"));
}

static void test_keys(struct fixture *f, gconstpointer unused)
{
    const weir_json *doc = load(
        f, "{\"a\\u0000b\":1,\"\\ud83d\\ude00\":2,\"tab\\t\":3,\"\\ud800\":4,\"\\\\u0061\":5}");

    (void)unused;
    assert_str(weir_json_raw(doc, weir_json_find_n(doc, 0, "a\0b", 3)), "1");
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "\xF0\x9F\x98\x80")), "2");
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "tab\t")), "3");
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "\xEF\xBF\xBD")), "4");
    assert_str(weir_json_raw(doc, weir_json_find(doc, 0, "\\u0061")), "5");
    g_assert_cmpuint(weir_json_find(doc, 0, "a"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_find(doc, 0, "tab"), ==, WEIR_JSON_NONE);
    g_assert_cmpuint(weir_json_find(doc, 0, "tab\\t"), ==, WEIR_JSON_NONE);
    g_assert_false(weir_json_key_is(doc, 2, "a", 1)); /* the value 1, no key */
}

static void test_iterate(struct fixture *f, gconstpointer unused)
{
    const weir_json *doc = load(f, "{\"list\":[1,[2,2],{\"x\":3},\"4\"],\"none\":[],\"empty\":{}}");
    uint32_t list = weir_json_find(doc, 0, "list");
    GString *seen = g_string_new(NULL);

    (void)unused;
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        weir_str name = weir_json_inner(doc, key);
        weir_str raw = weir_json_raw(doc, value);

        g_string_append_printf(seen, "%.*s=%.*s;", (int)name.len, name.ptr, (int)raw.len, raw.ptr);
    }
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        weir_str raw = weir_json_raw(doc, item);

        g_string_append_printf(seen, "%.*s;", (int)raw.len, raw.ptr);
    }
    g_assert_cmpstr(seen->str, ==,
                    "list=[1,[2,2],{\"x\":3},\"4\"];none=[];empty={};1;[2,2];{\"x\":3};\"4\";");

    g_string_truncate(seen, 0);
    WEIR_JSON_EACH_ITEM(doc, 0, item)
    {
        g_string_append_printf(seen, "object %u", item);
    }
    WEIR_JSON_EACH_MEMBER(doc, list, key, value)
    {
        g_string_append_printf(seen, "array %u %u", key, value);
    }
    WEIR_JSON_EACH_ITEM(doc, WEIR_JSON_NONE, item)
    {
        g_string_append_printf(seen, "none %u", item);
    }
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "none"), item)
    {
        g_string_append_printf(seen, "empty %u", item);
    }
    g_assert_cmpstr(seen->str, ==, "");
    g_string_free(seen, TRUE);

    g_assert_cmpuint(weir_json_count(doc, 0), ==, 3);
    g_assert_cmpuint(weir_json_count(doc, list), ==, 4);
    g_assert_cmpuint(weir_json_count(doc, weir_json_find(doc, 0, "empty")), ==, 0);
    g_assert_cmpuint(weir_json_count(doc, weir_json_item(doc, list, 0)), ==, 0);
    g_assert_cmpuint(weir_json_count(doc, WEIR_JSON_NONE), ==, 0);
    assert_str(weir_json_inner(doc, list), "1,[2,2],{\"x\":3},\"4\"");
    assert_str(weir_json_raw(doc, weir_json_item(doc, list, 3)), "\"4\"");
    assert_str(weir_json_raw(doc, WEIR_JSON_NONE), "");
    g_assert_cmpuint(weir_json_item(doc, list, 4), ==, WEIR_JSON_NONE);
}

static void test_types(struct fixture *f, gconstpointer unused)
{
    const weir_json *doc = load(f, "[null,true,false,1,\"1\",[],{}]");
    int64_t integer = 77;
    double real = 77;
    bool yes = false;

    (void)unused;
    g_assert_true(weir_json_is_array(doc, 0));
    g_assert_true(weir_json_is_null(doc, 1));
    g_assert_true(weir_json_is_bool(doc, 2) && weir_json_is_bool(doc, 3));
    g_assert_true(weir_json_is_number(doc, 4));
    g_assert_true(weir_json_is_string(doc, 5));
    g_assert_true(weir_json_is_object(doc, 7));
    g_assert_cmpuint(weir_json_type(doc, 8), ==, 0);
    g_assert_true(weir_json_bool(doc, 2, &yes) && yes);
    g_assert_true(weir_json_bool(doc, 3, &yes) && !yes);
    for (uint32_t i = 0; i < 9; i++) {
        if (i != 4) {
            g_assert_false(weir_json_int64(doc, i, &integer));
            g_assert_false(weir_json_double(doc, i, &real));
        }
        if (i != 2 && i != 3)
            g_assert_false(weir_json_bool(doc, i, &yes));
        if (i != 5)
            g_assert_cmpuint(weir_json_text(doc, i).len, ==, 0);
    }
    g_assert_cmpint(integer, ==, 77);
    g_assert_cmpfloat(real, ==, 77);
}

static void test_int64(struct fixture *f, gconstpointer unused)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "42", true, 42 },
        { "-42", true, -42 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "18446744073709551616", false, 0 },
        { "18446744073709551615", false, 0 },
        { "100000000000000000000", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "1E0", false, 0 },
    };

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t value = 0;

        g_assert_cmpint(weir_json_int64(load(f, cases[i].text), 0, &value), ==, cases[i].good);
        g_assert_cmpint(value, ==, cases[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(conformance_far_integers); i++) {
        const weir_json *doc =
            load_n(f, conformance_far_integers[i].ptr, conformance_far_integers[i].len);
        int64_t value;
        double real;

        g_assert_false(weir_json_int64(doc, 1, &value));
        g_assert_true(weir_json_double(doc, 1, &real));
    }
}

static void assert_double(struct fixture *f, const char *text, double expected)
{
    double value = 0;

    g_assert_true(weir_json_double(load(f, text), 0, &value));
    if (memcmp(&value, &expected, sizeof(value)) != 0)
        g_error("%.60s is %.17g, not %.17g", text, value, expected);
}

static void test_double(struct fixture *f, gconstpointer unused)
{
    static const char *same[] = {
        "0.1",
        "0.7",
        "1.5",
        "-2.5e-3",
        "123456789012345678",
        "1e22",
        "1e23",
        "8.5e22",
        "1e-23",
        "9007199254740993",
        "9007199254740993.0000000000000000000000000000001",
        "2.5e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "4.9e-324",
        "5e-324",
        "0.000000000000000000000000000001",
        "100000000000000000000000000000000000000e-38",
        "179769313486231570e291",
        "3.14159265358979",
        "0.30000000000000004",
        "1e-400",
        "-1e-400",
        "12345678901234567890123456789",
    };
    GString *text = g_string_new(NULL);
    double value;

    (void)unused;
    assert_double(f, "0", 0.0);
    assert_double(f, "-0", -0.0);
    assert_double(f, "-0.0e5", -0.0);
    assert_double(f, "1E2", 100.0);
    assert_double(f, "0e99999999999999999999", 0.0);
    for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
        assert_double(f, same[i], g_ascii_strtod(same[i], NULL));

    for (size_t i = 0; i < G_N_ELEMENTS(conformance_far_numbers); i++) {
        load_n(f, conformance_far_numbers[i].ptr, conformance_far_numbers[i].len);
        g_assert_false(weir_json_double(&f->doc, 1, &value));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(conformance_tiny_numbers); i++) {
        load_n(f, conformance_tiny_numbers[i].ptr, conformance_tiny_numbers[i].len);
        g_assert_true(weir_json_double(&f->doc, 1, &value));
        g_assert_cmpfloat(value, ==, 0);
    }

    /* more digits than are kept, before and behind the point */
    g_string_assign(text, "9007199254740993.");
    for (int i = 0; i < 2000; i++)
        g_string_append_c(text, '0');
    assert_double(f, text->str, 9007199254740992.0);
    g_string_append_c(text, '1');
    assert_double(f, text->str, 9007199254740994.0);
    g_string_assign(text, "1");
    for (int i = 0; i < 2000; i++)
        g_string_append_c(text, '0');
    g_string_append(text, "e-2000");
    assert_double(f, text->str, 1.0);
    g_string_free(text, TRUE);
}

static void test_double_random(struct fixture *f, gconstpointer unused)
{
    GRand *rand = g_rand_new_with_seed(754);

    (void)unused;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        uint64_t bits = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
        double value;

        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        g_ascii_formatd(text, sizeof(text), i % 2 ? "%.16e" : "%.8e", value);
        assert_double(f, text, g_ascii_strtod(text, NULL));
    }
    g_rand_free(rand);
}

static void test_locale(struct fixture *f, gconstpointer unused)
{
    static const char *names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ps_AF.UTF-8" };
    const char *set = NULL;

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(names) && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (!set) {
        g_test_skip("no locale here that writes a decimal comma");
        return;
    }
    assert_double(f, "0.5", 0.5);
    assert_double(f, "123456789.12345678901", 123456789.12345678901);
    setlocale(LC_NUMERIC, "C");
}

static void test_strings(struct fixture *f, gconstpointer unused)
{
    static const struct {
        const char *json;
        const char *text;
        size_t len;
    } cases[] = {
        { "\"\"", "", 0 },
        { "\"plain\"", "plain", 5 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"a\\u0000b\"", "a\0b", 3 },
        { "\"\\u00e9\\u20AC\\u007f\"", "\xC3\xA9\xE2\x82\xAC\x7F", 6 },
        { "\"\\ud834\\udd1e\"", "\xF0\x9D\x84\x9E", 4 },
        { "\"\\uDBFF\\uDFFF\"", "\xF4\x8F\xBF\xBF", 4 },
        { "\"\\ud800\"", "\xEF\xBF\xBD", 3 },
        { "\"\\udfff\"", "\xEF\xBF\xBD", 3 },
        { "\"\\ud800\\ud834\\udd1e\"", "\xEF\xBF\xBD\xF0\x9D\x84\x9E", 7 },
        { "\"\\udd1e\\ud834\"", "\xEF\xBF\xBD\xEF\xBF\xBD", 6 },
        { "\"\\ud800\\u0041\"",
          "\xEF\xBF\xBD"
          "A",
          4 },
        { "\"\\ud800\\n\"", "\xEF\xBF\xBD\n", 4 },
        { "\"\\ud800x\"", "\xEF\xBF\xBDx", 4 },
        { "\"\xE2\x82\xAC \\u0041 end\"", "\xE2\x82\xAC A end", 9 },
    };

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const weir_json *doc = load(f, cases[i].json);
        weir_str whole = weir_json_str(doc, 0, &f->arena.arena);
        char buf[32];

        g_assert_cmpmem(whole.ptr, whole.len, cases[i].text, cases[i].len);
        g_assert_true(weir_json_key_is(doc, 0, cases[i].text, cases[i].len));
        g_assert_false(weir_json_key_is(doc, 0, "other", 5));
        for (size_t room = 0; room <= cases[i].len + 1; room++) {
            memset(buf, '#', sizeof(buf));
            g_assert_cmpuint(weir_json_unescape(doc, 0, buf, room), ==, cases[i].len);
            g_assert_cmpmem(buf, MIN(room, cases[i].len), cases[i].text, MIN(room, cases[i].len));
            for (size_t n = MIN(room, cases[i].len); n < sizeof(buf); n++)
                g_assert_cmpint(buf[n], ==, '#');
        }
    }
}

static void test_text_form(struct fixture *f, gconstpointer unused)
{
    const weir_json *doc = load(f, "[\"plain\",\"esc\\u0061ped\"]");
    weir_text plain = weir_json_text(doc, 1);
    weir_text escaped = weir_json_text(doc, 2);
    weir_str utf8 = weir_text_to_utf8(&f->arena.arena, plain);
    size_t left = f->arena.left;

    (void)unused;
    g_assert_cmpuint(plain.form, ==, WEIR_FORM_UTF8);
    g_assert_cmpuint(escaped.form, ==, WEIR_FORM_JSON);
    g_assert_cmpuint(escaped.len, ==, strlen("esc\\u0061ped"));
    g_assert_true(utf8.ptr == plain.ptr); /* nothing to decode, nothing copied */
    assert_str(weir_text_to_utf8(&f->arena.arena, escaped), "escaped");
    g_assert_cmpuint(f->arena.left, <, left);

    f->arena.left = 0;
    utf8 = weir_text_to_utf8(&f->arena.arena, escaped);
    g_assert_null(utf8.ptr);
    g_assert_cmpuint(utf8.len, ==, 0);
    assert_str(weir_text_to_utf8(&f->arena.arena, plain), "plain");
}

static weir_text as_json(const char *text)
{
    weir_text t = { text, strlen(text), WEIR_FORM_JSON, 0 };
    return t;
}

static weir_text as_utf8(const char *text)
{
    return weir_text_from(weir_str_of(text));
}

static void test_text_equal(void)
{
    g_assert_true(weir_text_equal(as_utf8("ab"), as_utf8("ab")));
    g_assert_true(weir_text_equal(as_utf8(""), as_json("")));
    g_assert_true(weir_text_equal(as_json("a\\u0062c"), as_utf8("abc")));
    g_assert_true(weir_text_equal(as_utf8("abc"), as_json("\\u0061\\u0062c")));
    g_assert_true(weir_text_equal(as_json("\\u00e9\\n"), as_json("\xC3\xA9\\u000a")));
    g_assert_true(weir_text_equal(as_utf8("\\n"), as_json("\\\\n")));
    g_assert_false(weir_text_equal(as_utf8("\\n"), as_json("\\n")));
    g_assert_false(weir_text_equal(as_utf8("ab"), as_utf8("abc")));
    g_assert_false(weir_text_equal(as_json("a\\n"), as_utf8("a")));
    g_assert_false(weir_text_equal(as_utf8("a"), as_json("a\\n")));
    g_assert_false(weir_text_equal(as_json("\\u0061"), as_json("\\u0062")));
    g_assert_true(weir_text_is(as_json("st\\u006fp"), "stop"));
    g_assert_false(weir_text_is(as_json("st\\u006fp"), "stops"));
}

/* Text from elsewhere may be cut anywhere: nothing is read past its end or made longer. */
static void test_text_malformed(void)
{
    static const char whole[] = "a\\n\\u00e9\\ud834\\udd1e\\x\\";
    static const struct {
        const char *json;
        const char *text;
    } cases[] = {
        { "\\", "\\" },
        { "a\\", "a\\" },
        { "\\q", "\\q" },
        { "\\u", "\\u" },
        { "\\u12", "\\u12" },
        { "\\u12g4\\n", "\\u12g4\n" },
        { "\\ud834\\u12", "\xEF\xBF\xBD\\u12" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_true(weir_text_is(as_json(cases[i].json), cases[i].text));
    for (size_t len = 0; len < sizeof(whole); len++) {
        char *copy = malloc(len ? len : 1);
        char *buf = malloc(len ? len : 1);
        weir_text text = { copy, len, WEIR_FORM_JSON, 0 };

        memcpy(copy, whole, len);
        g_assert_cmpuint(weir_text_decode(text, buf, len), <=, len);
        free(copy);
        free(buf);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) \
    g_test_add("/json/reader/" name, struct fixture, NULL, set_up, func, tear_down)
    ADD("find", test_find);
    ADD("duplicates", test_duplicates);
    ADD("keys", test_keys);
    ADD("iterate", test_iterate);
    ADD("types", test_types);
    ADD("int64", test_int64);
    ADD("double", test_double);
    ADD("double-random", test_double_random);
    ADD("locale", test_locale);
    ADD("strings", test_strings);
    ADD("text-form", test_text_form);
    g_test_add_func("/json/reader/text-equal", test_text_equal);
    g_test_add_func("/json/reader/text-malformed", test_text_malformed);
    return g_test_run();
}
