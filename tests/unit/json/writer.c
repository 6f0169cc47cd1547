/*
 * writer.c - <weir/sdk/write.h>: what comes out, and that it reads back as what went in.
 */
#include <float.h>
#include <glib.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/sdk/json.h>
#include <weir/sdk/write.h>

#include "arena.h"
#include "json/scan.h"

struct fixture {
    struct test_arena arena;
    weir_writer w;
};

static void set_up(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    test_arena_init(&f->arena, 1 << 22);
    weir_writer_init(&f->w, &f->arena.arena, 0);
}

static void tear_down(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    test_arena_finish(&f->arena);
}

static weir_str str(const char *ptr, size_t len)
{
    weir_str s = { ptr, len };
    return s;
}

/* Finishes, compares, and begins anew. */
static void expect(struct fixture *f, const char *expected)
{
    weir_str out;

    g_assert_cmpint(weir_writer_finish(&f->w, &out), ==, WEIR_OK);
    g_assert_cmpmem(out.ptr, out.len, expected, strlen(expected));
    weir_writer_init(&f->w, &f->arena.arena, 0);
}

/* What a sink was given, and how many of the pieces lie in `source`. */
struct sent {
    GString *bytes;
    weir_str source;
    unsigned pieces, own;
};

static weir_result on_piece(void *ctx, weir_str bytes)
{
    struct sent *sent = ctx;

    sent->pieces++;
    sent->own += bytes.ptr >= sent->source.ptr && bytes.ptr < sent->source.ptr + sent->source.len;
    g_string_append_len(sent->bytes, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

/* An array of two long strings and two short ones; `taken_back`: with a third that is not meant. */
static void write_long(weir_writer *w, weir_str source, bool taken_back)
{
    weir_text whole = { source.ptr, source.len, WEIR_FORM_JSON, 0 };
    weir_text half = { source.ptr, source.len / 2, WEIR_FORM_UTF8, 0 };
    weir_writer_mark mark;

    weir_writer_refer(w, source);
    weir_write_begin_array(w);
    weir_write_text(w, whole);
    weir_write_text(w, half);
    mark = weir_writer_here(w);
    if (taken_back) {
        weir_write_text(w, whole);
        weir_write_begin_object(w);
        weir_write_key(w, "begun");
        weir_writer_back(w, mark);
    }
    weir_write_literal(w, "short");
    weir_write_text(w, (weir_text){ source.ptr, 3, WEIR_FORM_JSON, 0 });
    weir_write_end_array(w);
}

static void test_long(struct fixture *f, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(2 * WEIR_WRITER_LONG, 'x');
    g_autofree char *half = g_strnfill(WEIR_WRITER_LONG, 'x');
    g_autofree char *expected = g_strdup_printf("[\"%s\",\"%s\",\"short\",\"xxx\"]", text, half);
    struct sent sent = { g_string_new(NULL), str(text, strlen(text)), 0, 0 };

    (void)unused;
    write_long(&f->w, sent.source, false);
    g_assert_cmpint(weir_writer_send(&f->w, on_piece, &sent), ==, WEIR_OK);
    g_assert_cmpstr(sent.bytes->str, ==, expected);
    g_assert_cmpuint(sent.own, ==, 2);
    g_assert_cmpuint(sent.pieces, ==, 5);
    expect(f, expected);
    write_long(&f->w, sent.source, true);
    expect(f, expected);
    weir_writer_refer(&f->w, sent.source);
    for (int i = 0; i < 40; i++)
        weir_write_bytes(&f->w, text, WEIR_WRITER_LONG);
    g_assert_cmpuint(f->w.piece_count, ==, 40);
    weir_write_begin_array(&f->w);
    g_assert_cmpint(weir_writer_send(&f->w, on_piece, &sent), ==, WEIR_INTERNAL);
    weir_writer_init(&f->w, &f->arena.arena, 0);
    g_string_free(sent.bytes, TRUE);
}

static void test_structure(struct fixture *f, gconstpointer unused)
{
    weir_writer *w = &f->w;

    (void)unused;
    expect(f, "");
    weir_write_begin_object(w);
    weir_write_key(w, "a");
    weir_write_int64(w, 1);
    weir_write_key(w, "b");
    weir_write_begin_array(w);
    weir_write_begin_array(w);
    weir_write_end_array(w);
    weir_write_begin_object(w);
    weir_write_end_object(w);
    weir_write_null(w);
    weir_write_bool(w, true);
    weir_write_bool(w, false);
    weir_write_end_array(w);
    weir_write_key(w, "c\n");
    weir_write_literal(w, "d");
    weir_write_end_object(w);
    expect(f, "{\"a\":1,\"b\":[[],{},null,true,false],\"c\\n\":\"d\"}");

    /* a fragment: members without the object around them */
    weir_write_key(w, "a");
    weir_write_null(w);
    weir_write_key(w, "b");
    weir_write_null(w);
    expect(f, "\"a\":null,\"b\":null");
}

static void test_unbalanced(struct fixture *f, gconstpointer unused)
{
    weir_str out;

    (void)unused;
    weir_write_begin_array(&f->w);
    g_assert_cmpint(weir_writer_finish(&f->w, &out), ==, WEIR_INTERNAL);
    g_assert_cmpuint(out.len, ==, 0);
    weir_write_end_array(&f->w);
    g_assert_cmpint(weir_writer_finish(&f->w, &out), ==, WEIR_OK);
    /* one end too many is not made good by a begin too many */
    weir_write_end_array(&f->w);
    weir_write_begin_array(&f->w);
    weir_write_end_array(&f->w);
    g_assert_cmpint(weir_writer_finish(&f->w, &out), ==, WEIR_INTERNAL);
}

static void test_strings(struct fixture *f, gconstpointer unused)
{
    static const struct {
        const char *text;
        size_t len;
        const char *json;
    } cases[] = {
        { "", 0, "\"\"" },
        { "plain and rather long, so that words are skipped", 48,
          "\"plain and rather long, so that words are skipped\"" },
        { "\"\\/\b\f\n\r\t", 8, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        { "\0\x01\x1F\x7F", 4, "\"\\u0000\\u0001\\u001f\x7F\"" },
        { "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
        { "a\xFFz", 3, "\"a\xEF\xBF\xBDz\"" },
        { "\xC3", 1, "\"\xEF\xBF\xBD\"" },
        { "\xE2\x82", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "\xC0\xAF\"", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\"" },
    };

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        weir_write_string(&f->w, str(cases[i].text, cases[i].len));
        expect(f, cases[i].json);
    }
    weir_write_string(&f->w, str(NULL, 0));
    expect(f, "\"\"");
}

/* Whatever the bytes, what is written is JSON; valid UTF-8 comes back as it was. */
static void test_any_bytes(struct fixture *f, gconstpointer unused)
{
    GRand *rand = g_rand_new_with_seed(8259);
    struct jscan_tokens tokens;

    (void)unused;
    jscan_tokens_init(&tokens);
    for (int i = 0; i < 20000; i++) {
        size_t len = (size_t)g_rand_int_range(rand, 0, 40);
        char *bytes = malloc(len ? len : 1);
        struct test_arena arena;
        weir_json doc;
        weir_str out;
        bool ascii = i % 2;

        for (size_t n = 0; n < len; n++)
            bytes[n] = (char)g_rand_int_range(rand, 0, ascii ? 128 : 256);
        test_arena_init(&arena, 1 << 16);
        weir_writer_init(&f->w, &arena.arena, i % 3 ? 0 : 10);
        weir_write_string(&f->w, str(bytes, len));
        g_assert_cmpint(weir_writer_finish(&f->w, &out), ==, WEIR_OK);
        g_assert_cmpint(jscan(&tokens, out, &doc, NULL), ==, WEIR_OK);
        if (ascii)
            g_assert_true(weir_json_key_is(&doc, 0, bytes, len));
        test_arena_finish(&arena);
        free(bytes);
    }
    jscan_tokens_finish(&tokens);
    g_rand_free(rand);
}

static void test_text(struct fixture *f, gconstpointer unused)
{
    weir_text json = { "a\\u0062\\n\\\"", 11, WEIR_FORM_JSON, 0 };
    weir_text utf8 = { "a\\u0062\n\"", 9, WEIR_FORM_UTF8, 0 };

    (void)unused;
    weir_write_begin_object(&f->w);
    weir_write_key_text(&f->w, json);
    weir_write_text(&f->w, json);
    weir_write_key_text(&f->w, utf8);
    weir_write_text(&f->w, utf8);
    weir_write_end_object(&f->w);
    expect(f, "{\"a\\u0062\\n\\\"\":\"a\\u0062\\n\\\"\","
              "\"a\\\\u0062\\n\\\"\":\"a\\\\u0062\\n\\\"\"}");
}

static void test_integers(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    weir_write_begin_array(&f->w);
    weir_write_int64(&f->w, 0);
    weir_write_int64(&f->w, -1);
    weir_write_int64(&f->w, INT64_MAX);
    weir_write_int64(&f->w, INT64_MIN);
    weir_write_uint64(&f->w, 0);
    weir_write_uint64(&f->w, UINT64_MAX);
    weir_write_end_array(&f->w);
    expect(f, "[0,-1,9223372036854775807,-9223372036854775808,0,18446744073709551615]");
}

static void test_doubles(struct fixture *f, gconstpointer unused)
{
    static const struct {
        double value;
        const char *json;
    } cases[] = {
        { 0.0, "0" },
        { -0.0, "-0" },
        { 1.0, "1" },
        { -3.0, "-3" },
        { 0.7, "0.7" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { -2.5, "-2.5" },
        { 1e15, "1000000000000000" },
        { 9007199254740992.0, "9007199254740992" },
        { 1e22, "1e+22" },
        { 1.5e-7, "1.5e-07" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { INFINITY, "null" },
        { -INFINITY, "null" },
        { NAN, "null" },
    };

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        weir_write_double(&f->w, cases[i].value);
        expect(f, cases[i].json);
    }
}

static void round_trip(double value)
{
    char buf[WEIR_NUMBER_ROOM];
    size_t len = weir_number_print_double(buf, value);
    double again;

    g_assert_cmpuint(len, <, sizeof(buf));
    g_assert_true(weir_number_to_double(buf, len, &again));
    g_assert_cmpmem(&again, sizeof(again), &value, sizeof(value));
}

static void test_doubles_round_trip(void)
{
    GRand *rand = g_rand_new_with_seed(754);

    round_trip(DBL_MIN);
    round_trip(DBL_TRUE_MIN);
    round_trip(-DBL_MAX);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
        double value;

        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            round_trip(value);
        round_trip(g_rand_double(rand));
        round_trip((double)g_rand_int(rand) / 100);
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
    weir_write_double(&f->w, 0.7);
    expect(f, "0.7");
    setlocale(LC_NUMERIC, "C");
}

static void test_splice(struct fixture *f, gconstpointer unused)
{
    struct jscan_tokens tokens;
    weir_json doc;
    weir_str text = weir_str_of("{\"s\":\"x\\n\",\"o\":{ \"a\" : 1 },\"e\":{ }}");

    (void)unused;
    jscan_tokens_init(&tokens);
    g_assert_cmpint(jscan(&tokens, text, &doc, NULL), ==, WEIR_OK);
    weir_write_begin_object(&f->w);
    weir_write_members(&f->w, weir_json_inner(&doc, weir_json_find(&doc, 0, "e")));
    weir_write_members(&f->w, weir_json_inner(&doc, weir_json_find(&doc, 0, "o")));
    weir_write_members(&f->w, str(NULL, 0));
    weir_write_members(&f->w, str("\r\n\t ", 4));
    weir_write_key(&f->w, "s");
    weir_write_value(&f->w, &doc, weir_json_find(&doc, 0, "s"));
    weir_write_key(&f->w, "r");
    weir_write_raw(&f->w, weir_str_of("[1]"));
    weir_write_members(&f->w, weir_str_of("\"t\":2,\"u\":3"));
    weir_write_end_object(&f->w);
    expect(f, "{\"a\" : 1 ,\"s\":\"x\\n\",\"r\":[1],\"t\":2,\"u\":3}");
    jscan_tokens_finish(&tokens);
}

/* Growing keeps what was written; running dry is reported at the end and harmless before. */
static void test_growth(void)
{
    GString *expected = g_string_new("[");
    struct test_arena arena;
    weir_result result = WEIR_NO_MEMORY;
    size_t refused = 0;

    for (int i = 0; i < 1000; i++)
        g_string_append_printf(expected, "%s\"item %d\"", i ? "," : "", i);
    g_string_append_c(expected, ']');

    for (size_t limit = 0; result != WEIR_OK; limit += 1000) {
        weir_writer w;
        weir_str out;

        test_arena_init(&arena, limit);
        weir_writer_init(&w, &arena.arena, 0);
        weir_write_begin_array(&w);
        for (int i = 0; i < 1000; i++) {
            char text[20];

            g_snprintf(text, sizeof(text), "item %d", i);
            weir_write_literal(&w, text);
        }
        weir_write_end_array(&w);
        result = weir_writer_finish(&w, &out);
        if (result) {
            g_assert_cmpint(result, ==, WEIR_NO_MEMORY);
            g_assert_cmpuint(out.len, ==, 0);
            refused++;
        } else {
            g_assert_cmpmem(out.ptr, out.len, expected->str, expected->len);
        }
        test_arena_finish(&arena);
    }
    g_assert_cmpuint(refused, >, 10);
    g_string_free(expected, TRUE);
}

/* A good guess is one allocation and no copy. */
static void test_guess(void)
{
    struct test_arena arena;
    weir_writer w;
    weir_str out;

    test_arena_init(&arena, 100);
    weir_writer_init(&w, &arena.arena, 100);
    for (int i = 0; i < 50; i++)
        weir_write_int64(&w, i % 10);
    g_assert_cmpint(weir_writer_finish(&w, &out), ==, WEIR_OK);
    g_assert_cmpuint(out.len, ==, 99);
    test_arena_finish(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, func) \
    g_test_add("/json/writer/" name, struct fixture, NULL, set_up, func, tear_down)
    ADD("structure", test_structure);
    ADD("long", test_long);
    ADD("unbalanced", test_unbalanced);
    ADD("strings", test_strings);
    ADD("any-bytes", test_any_bytes);
    ADD("text", test_text);
    ADD("integers", test_integers);
    ADD("doubles", test_doubles);
    ADD("locale", test_locale);
    ADD("splice", test_splice);
    g_test_add_func("/json/writer/doubles-round-trip", test_doubles_round_trip);
    g_test_add_func("/json/writer/growth", test_growth);
    g_test_add_func("/json/writer/guess", test_guess);
    return g_test_run();
}
