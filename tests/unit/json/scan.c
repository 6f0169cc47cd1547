/*
 * scan.c - the scanner: what it accepts, what it says about it, and that both of its builds and
 * Jansson agree.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "conformance.h"
#include "json/scan.h"
#include "json/value.h"
#include "oracle.h"
#include "portable.h"

/* Scans a copy of exactly the right size, so that memory checkers see a read past its end, with
 * both builds, which must agree. The copy is the caller's. */
static char *scan_both(struct jscan_tokens *t, const char *ptr, size_t len, weir_json *doc,
                       struct jscan_fault *fault, weir_result *result)
{
    struct jscan_tokens other;
    struct jscan_fault other_fault;
    weir_json other_doc;
    char *copy = malloc(len ? len : 1);
    weir_str bytes = { copy, len };

    memcpy(copy, ptr, len);
    jscan_tokens_init(&other);
    *result = jscan(t, bytes, doc, fault);
    g_assert_cmpint(jscan_portable(&other, bytes, &other_doc, &other_fault), ==, *result);
    g_assert_cmpuint(other_fault.offset, ==, fault->offset);
    g_assert_cmpstr(other_fault.what, ==, fault->what);
    g_assert_cmpmem(doc->tok, doc->count * sizeof(weir_token), other_doc.tok,
                    other_doc.count * sizeof(weir_token));
    jscan_tokens_finish(&other);
    return copy;
}

static weir_result scan_once(const char *ptr, size_t len, struct jscan_fault *fault)
{
    struct jscan_tokens t;
    weir_json doc;
    weir_result result;

    jscan_tokens_init(&t);
    free(scan_both(&t, ptr, len, &doc, fault, &result));
    jscan_tokens_finish(&t);
    return result;
}

static void expect(const weir_str *cases, size_t count, weir_result expected)
{
    for (size_t i = 0; i < count; i++) {
        struct jscan_fault fault;
        weir_result result = scan_once(cases[i].ptr, cases[i].len, &fault);

        if (result != expected)
            g_error("case %zu, \"%.*s\": %d (%s at %zu)", i, (int)cases[i].len, cases[i].ptr,
                    (int)result, fault.what ? fault.what : "accepted", fault.offset);
    }
}

static void test_accepted(void)
{
    expect(conformance_accepted, G_N_ELEMENTS(conformance_accepted), WEIR_OK);
    expect(conformance_far_numbers, G_N_ELEMENTS(conformance_far_numbers), WEIR_OK);
    expect(conformance_far_integers, G_N_ELEMENTS(conformance_far_integers), WEIR_OK);
    expect(conformance_tiny_numbers, G_N_ELEMENTS(conformance_tiny_numbers), WEIR_OK);
    expect(conformance_lone_surrogates, G_N_ELEMENTS(conformance_lone_surrogates), WEIR_OK);
}

static void test_refused(void)
{
    expect(conformance_refused, G_N_ELEMENTS(conformance_refused), WEIR_INVALID);
}

/* No document but a number stays one when its end is cut off. */
static void test_cut(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(conformance_accepted); i++) {
        weir_str whole = conformance_accepted[i];
        struct jscan_fault fault;

        if (whole.ptr[0] != '[' && whole.ptr[0] != '{' && whole.ptr[0] != '"')
            continue;
        while (g_ascii_isspace(whole.ptr[whole.len - 1]))
            whole.len--;
        for (size_t len = 0; len < whole.len; len++)
            g_assert_cmpint(scan_once(whole.ptr, len, &fault), ==, WEIR_INVALID);
    }
}

static weir_result scan_nested(size_t levels, const char *open, const char *inside,
                               const char *close, struct jscan_fault *fault)
{
    GString *text = g_string_new(NULL);
    weir_result result;

    for (size_t i = 0; i < levels; i++)
        g_string_append(text, open);
    g_string_append(text, inside);
    for (size_t i = 0; i < levels; i++)
        g_string_append(text, close);
    result = scan_once(text->str, text->len, fault);
    g_string_free(text, TRUE);
    return result;
}

static void test_depth(void)
{
    struct jscan_fault fault;

    g_assert_cmpint(scan_nested(128, "[", "", "]", &fault), ==, WEIR_OK);
    g_assert_cmpint(scan_nested(128, "[", "1", "]", &fault), ==, WEIR_OK);
    g_assert_cmpint(scan_nested(128, "{\"a\":", "1", "}", &fault), ==, WEIR_OK);
    g_assert_cmpint(scan_nested(129, "[", "", "]", &fault), ==, WEIR_TOO_LARGE);
    g_assert_cmpuint(fault.offset, ==, 128);
    g_assert_nonnull(strstr(fault.what, "128"));
    g_assert_cmpint(scan_nested(129, "{\"a\":", "1", "}", &fault), ==, WEIR_TOO_LARGE);
    g_assert_cmpint(scan_nested(500, "[", "", "]", &fault), ==, WEIR_TOO_LARGE);
    g_assert_cmpint(scan_nested(100000, "[", "", "", &fault), ==, WEIR_TOO_LARGE);
    g_assert_cmpint(scan_nested(50000, "[{\"\":", "\n", "", &fault), ==, WEIR_TOO_LARGE);
}

static void test_table(void)
{
    static const char text[] = " {\"a\" : [1, \"x\\n\"], \"\\u0062\":{}, \"c\":null} ";
    static const weir_token expected[] = {
        { 1, 41, 9, WEIR_JSON_OBJECT, 0, 0 },
        { 3, 1, 2, WEIR_JSON_STRING, WEIR_TOKEN_KEY, 1 },
        { 8, 10, 5, WEIR_JSON_ARRAY, 0, 1 },
        { 9, 1, 4, WEIR_JSON_NUMBER, 0, 2 },
        { 13, 3, 5, WEIR_JSON_STRING, WEIR_TOKEN_ESCAPED, 2 },
        { 21, 6, 6, WEIR_JSON_STRING, WEIR_TOKEN_KEY | WEIR_TOKEN_ESCAPED, 1 },
        { 29, 2, 7, WEIR_JSON_OBJECT, 0, 1 },
        { 34, 1, 8, WEIR_JSON_STRING, WEIR_TOKEN_KEY, 1 },
        { 37, 4, 9, WEIR_JSON_NULL, 0, 1 },
    };
    struct jscan_tokens t;
    struct jscan_fault fault;
    weir_json doc;
    weir_result result;
    char *copy;

    jscan_tokens_init(&t);
    copy = scan_both(&t, text, sizeof(text) - 1, &doc, &fault, &result);
    g_assert_cmpint(result, ==, WEIR_OK);
    g_assert_cmpuint(doc.count, ==, G_N_ELEMENTS(expected));
    for (size_t i = 0; i < doc.count; i++)
        g_assert_cmpmem(&doc.tok[i], sizeof(weir_token), &expected[i], sizeof(weir_token));
    g_assert_true(doc.bytes.ptr == copy && doc.bytes.len == sizeof(text) - 1);
    free(copy);
    jscan_tokens_finish(&t);
}

static void test_fault(void)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *what;
    } cases[] = {
        { "", 0, "empty" },
        { "[1", 2, "too early" },
        { "{\"a\"", 4, "too early" },
        { "[1 2]", 3, "comma or ]" },
        { "{\"a\":1 \"b\":2}", 7, "comma or }" },
        { "{\"a\" 1}", 5, "colon" },
        { "{a:1}", 1, "key in double quotes" },
        { "[1,]", 3, "value was expected" },
        { "[nope]", 1, "null, true and false" },
        { "[01]", 2, "begin with 0" },
        { "[-x]", 2, "digit" },
        { "[\"a\tb\"]", 3, "control character" },
        { "[\"\\x\"]", 3, "escape" },
        { "[\"\\u12G4\"]", 6, "hexadecimal" },
        { "[\"ab\xFFg\"]", 4, "UTF-8" },
        { "{} {}", 3, "follows the end" },
        { "\xEF\xBB\xBF{}", 0, "byte order mark" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct jscan_fault fault;

        g_assert_cmpint(scan_once(cases[i].text, strlen(cases[i].text), &fault), ==, WEIR_INVALID);
        g_assert_cmpuint(fault.offset, ==, cases[i].offset);
        if (!strstr(fault.what, cases[i].what))
            g_error("\"%s\": %s", cases[i].text, fault.what);
    }
}

/* Every byte value at every place of strings of many lengths: no stride of 8 or 16 misses one. */
static void test_alignment(void)
{
    char text[64];
    struct jscan_fault fault;

    for (size_t len = 1; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                /* a backslash escapes the letter behind it, a quote ends the string early */
                bool good = (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') ||
                            (byte == '\\' && at + 1 < len);
                weir_result result;

                memset(text, 'n', sizeof(text));
                text[0] = '"';
                text[1 + at] = (char)byte;
                text[1 + len] = '"';
                result = scan_once(text, len + 2, &fault);
                g_assert_cmpint(result, ==, good ? WEIR_OK : WEIR_INVALID);
            }
        }
    }
}

/* Behind a backslash eight characters are good, and u with four digits. */
static void test_escapes(void)
{
    struct jscan_fault fault;

    for (int byte = 1; byte < 256; byte++) {
        char text[] = "[\"\\?\"]";
        char digit[] = "[\"\\u00?0\"]";

        text[3] = (char)byte;
        digit[6] = (char)byte;
        g_assert_cmpint(scan_once(text, strlen(text), &fault), ==,
                        strchr("\"\\/bfnrt", byte) ? WEIR_OK : WEIR_INVALID);
        g_assert_cmpint(scan_once(digit, strlen(digit), &fault), ==,
                        strchr("0123456789abcdefABCDEF", byte) ? WEIR_OK : WEIR_INVALID);
    }
}

/* Every first byte before every kind of later ones, cut at every length, against GLib. */
static void test_utf8(void)
{
    static const unsigned char edge[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                          0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xFF };
    unsigned char bytes[4];

    for (unsigned lead = 0x80; lead < 0x100; lead++) {
        bytes[0] = (unsigned char)lead;
        for (size_t len = 1; len <= 4; len++) {
            for (size_t n = 0; n < 13 * 13 * 13; n++) {
                size_t got;
                bool valid;

                bytes[1] = edge[n % 13];
                bytes[2] = edge[n / 13 % 13];
                bytes[3] = edge[n / 169];
                got = weir_utf8_length((const char *)bytes, len);
                g_assert_cmpuint(got, <=, len);
                valid = g_utf8_get_char_validated((const char *)bytes, (gssize)len) < 0x80000000;
                g_assert_cmpint(got != 0, ==, valid);
                if (got)
                    g_assert_true(g_utf8_validate_len((const char *)bytes, got, NULL));
            }
        }
    }
}

static void test_reuse(void)
{
    struct jscan_tokens t;
    struct jscan_fault fault;
    weir_json doc;
    GString *many = g_string_new("[0");
    weir_str small = { "[1,2]", 5 };
    const weir_token *tok;

    for (int i = 0; i < 200000; i++)
        g_string_append(many, ",0");
    g_string_append_c(many, ']');

    weir_str large = { many->str, many->len };

    jscan_tokens_init(&t);
    g_assert_cmpint(jscan(&t, small, &doc, NULL), ==, WEIR_OK);
    tok = doc.tok;
    g_assert_cmpint(jscan(&t, small, &doc, &fault), ==, WEIR_OK);
    g_assert_true(doc.tok == tok);

    g_assert_cmpint(jscan(&t, large, &doc, &fault), ==, WEIR_OK);
    g_assert_cmpuint(doc.count, ==, 200002);
    g_assert_cmpuint(doc.tok[0].next, ==, 200002);
    g_assert_cmpuint(t.cap, >, JSCAN_KEEP_TOKENS);

    g_assert_cmpint(jscan(&t, small, &doc, &fault), ==, WEIR_OK);
    g_assert_cmpuint(t.cap, <=, JSCAN_KEEP_TOKENS);
    g_assert_cmpuint(doc.count, ==, 3);
    jscan_tokens_finish(&t);
    g_assert_null(t.tok);
    g_string_free(many, TRUE);
}

/* A failure leaves the document empty and the table fit for the next. */
static void test_after_failure(void)
{
    struct jscan_tokens t;
    weir_json doc;
    weir_str bad = { "[1,2", 4 };
    weir_str good = { "[3]", 3 };

    jscan_tokens_init(&t);
    g_assert_cmpint(jscan(&t, bad, &doc, NULL), ==, WEIR_INVALID);
    g_assert_cmpuint(doc.count, ==, 0);
    g_assert_null(doc.tok);
    g_assert_cmpint(jscan(&t, good, &doc, NULL), ==, WEIR_OK);
    g_assert_cmpuint(doc.count, ==, 2);
    jscan_tokens_finish(&t);
}

/* The length alone is refused: nothing is read. */
static void test_too_large(void)
{
    struct jscan_tokens t;
    struct jscan_fault fault;
    weir_json doc;
    weir_str bytes = { "[]", (size_t)UINT32_MAX + 1 };

    if (sizeof(size_t) <= sizeof(uint32_t)) {
        g_test_skip("no such length here");
        return;
    }
    jscan_tokens_init(&t);
    g_assert_cmpint(jscan(&t, bytes, &doc, &fault), ==, WEIR_TOO_LARGE);
    g_assert_nonnull(strstr(fault.what, "4 GiB"));
    jscan_tokens_finish(&t);
}

static void test_arena(void)
{
    struct test_arena a;
    struct jscan_tokens t;
    struct jscan_fault fault;
    weir_json doc, same;
    GString *text = g_string_new("[[]");
    size_t limit = 0;

    /* far more tokens than the length suggests, so that the table must grow */
    for (int i = 0; i < 3000; i++)
        g_string_append(text, ",[0]");
    g_string_append_c(text, ']');

    weir_str bytes = { text->str, text->len };

    jscan_tokens_init(&t);
    g_assert_cmpint(jscan(&t, bytes, &same, NULL), ==, WEIR_OK);
    for (weir_result result = WEIR_NO_MEMORY; result; limit += 50000) {
        test_arena_init(&a, limit);
        result = jscan_arena(&a.arena, bytes, &doc, &fault);
        if (result) {
            g_assert_cmpint(result, ==, WEIR_NO_MEMORY);
            g_assert_nonnull(strstr(fault.what, "memory"));
            g_assert_cmpuint(doc.count, ==, 0);
        } else {
            g_assert_cmpmem(doc.tok, doc.count * sizeof(weir_token), same.tok,
                            same.count * sizeof(weir_token));
        }
        test_arena_finish(&a);
    }
    g_assert_cmpuint(limit, >, 50000);
    jscan_tokens_finish(&t);
    g_string_free(text, TRUE);
}

static void check_oracle(const char *ptr, size_t len, unsigned *accepted)
{
    struct jscan_tokens t;
    struct jscan_fault fault;
    weir_json doc;
    weir_result result, again;
    const char *wrong;
    char *copy;

    jscan_tokens_init(&t);
    copy = scan_both(&t, ptr, len, &doc, &fault, &again);
    wrong = oracle_check(copy, len, &result);
    if (wrong) {
        char *bytes = g_strndup(copy, len);
        char *shown = g_strescape(bytes, NULL);
        g_error("%s: %s", wrong, shown);
    }
    g_assert_cmpint(result, ==, again);
    *accepted += result == WEIR_OK;
    free(copy);
    jscan_tokens_finish(&t);
}

static void test_oracle(void)
{
    unsigned accepted = 0;

#define CHECK_ALL(cases)                             \
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) \
    check_oracle((cases)[i].ptr, (cases)[i].len, &accepted)
    CHECK_ALL(conformance_accepted);
    g_assert_cmpuint(accepted, ==, G_N_ELEMENTS(conformance_accepted));
    CHECK_ALL(conformance_far_numbers);
    CHECK_ALL(conformance_far_integers);
    CHECK_ALL(conformance_tiny_numbers);
    CHECK_ALL(conformance_lone_surrogates);
    accepted = 0;
    CHECK_ALL(conformance_refused);
    g_assert_cmpuint(accepted, ==, 0);
#undef CHECK_ALL
}

/* One random change: a byte, a cut, a repetition or a word that JSON knows. */
static void mutate(GString *text, GRand *rand)
{
    static const char *words[] = { "{",   "}",        "[",        "]",       ",",
                                   ":",   "\"",       "null",     "true",    "1e400",
                                   "-0",  "1.5e3",    "\\ud834",  "\\udd1e", "\\u00",
                                   "\\n", "\xC3\xA9", "\xED\xA0", "\"a\":",  "\"\\u0061\":1,",
                                   " " };
    gssize at = g_rand_int_range(rand, 0, (gint32)text->len + 1);
    gssize len = g_rand_int_range(rand, 0, 9);
    const char *word = words[g_rand_int_range(rand, 0, G_N_ELEMENTS(words))];

    len = MIN(len, (gssize)text->len - at);
    switch (g_rand_int_range(rand, 0, 6)) {
    case 0:
        if ((gsize)at < text->len)
            text->str[at] = (char)g_rand_int_range(rand, 0, 256);
        break;
    case 1:
        g_string_erase(text, at, len);
        break;
    case 2: {
        char *piece = g_strndup(text->str + at, (gsize)len);
        g_string_insert(text, g_rand_int_range(rand, 0, (gint32)text->len + 1), piece);
        g_free(piece);
        break;
    }
    default:
        g_string_insert(text, at, word);
    }
}

static void test_mutations(void)
{
    static const char *seeds[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \\n\"}],\"n\":1}",
        "[0,-1,1.25,1e3,\"a\",\"b\\\\\",null,true,false,[],{}]",
        "{\"a\":{\"b\":{\"c\":[1,[2,[3]]]}},\"a\":\"again\"}",
        "[\"\\ud834\\udd1e\",\"\xE2\x82\xAC and a rather long string that takes several strides\"]",
        "{\"x\":1}",
        "[]",
        "\"s\"",
        "-12.5e-3",
    };
    GRand *rand = g_rand_new_with_seed(8259);
    unsigned accepted = 0;
    unsigned rounds = 40000;

    for (unsigned i = 0; i < rounds; i++) {
        GString *text = g_string_new(seeds[g_rand_int_range(rand, 0, G_N_ELEMENTS(seeds))]);
        int changes = g_rand_int_range(rand, 1, 4);

        while (changes--)
            mutate(text, rand);
        check_oracle(text->str, text->len, &accepted);
        g_string_free(text, TRUE);
    }
    /* both outcomes were tried often, or this proves little */
    g_assert_cmpuint(accepted, >, rounds / 20);
    g_assert_cmpuint(accepted, <, rounds - rounds / 20);
    g_rand_free(rand);
}

/* Long strings with escapes anywhere, also at the edges of what is looked at together, and now and
 * then something that is none. */
static void test_runs(void)
{
    static const char *const pieces[] = { "\\\\",     "\\\"", "\\n", "\\/",     "\\t",
                                          "\\\\\\\\", "\\b",  "\\f", "\\u0041", "\xC3\xA9",
                                          "/",        "\"",   "\\x", "\x01" };
    enum { GOOD = 11 };
    GRand *rand = g_rand_new_with_seed(5);
    unsigned accepted = 0, rounds = 20000;

    for (unsigned i = 0; i < rounds; i++) {
        GString *text = g_string_new("\"");
        bool good = g_rand_boolean(rand);
        struct jscan_fault fault;

        while (text->len < 300) {
            unsigned plain = (unsigned)g_rand_int_range(rand, 0, 3) * 23;
            bool odd = !good && g_rand_int_range(rand, 0, 20) == 0;

            g_string_append_printf(text, "%.*s", (int)plain,
                                   "the quick brown fox jumps over the lazy dog, again");
            g_string_append(text, pieces[odd ? g_rand_int_range(rand, GOOD, G_N_ELEMENTS(pieces))
                                             : g_rand_int_range(rand, 0, GOOD)]);
        }
        g_string_append_c(text, '"');
        accepted += scan_once(text->str, text->len, &fault) == WEIR_OK;
        g_string_free(text, TRUE);
    }
    g_assert_cmpuint(accepted, >=, rounds / 3);
    g_assert_cmpuint(accepted, <, rounds);
    g_rand_free(rand);
}

#if JSCAN_SSE2
/* What a processor without the widest registers does; all other tests go with what this one has. */
static void test_narrower(void)
{
    const char *(*widest)(const char *, const char *, uint8_t *) = jvalue_skip_long;

    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi")) {
        g_test_skip("this processor has no AVX2");
        return;
    }
    jvalue_skip_long = jvalue_skip_avx2;
    test_alignment();
    test_escapes();
    test_runs();
    test_oracle();
    test_mutations();
    jvalue_skip_long = widest;
}
#endif

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#if JSCAN_SSE2
    g_test_add_func("/json/scan/narrower", test_narrower);
#endif
    g_test_add_func("/json/scan/accepted", test_accepted);
    g_test_add_func("/json/scan/refused", test_refused);
    g_test_add_func("/json/scan/cut", test_cut);
    g_test_add_func("/json/scan/depth", test_depth);
    g_test_add_func("/json/scan/table", test_table);
    g_test_add_func("/json/scan/fault", test_fault);
    g_test_add_func("/json/scan/alignment", test_alignment);
    g_test_add_func("/json/scan/escapes", test_escapes);
    g_test_add_func("/json/scan/runs", test_runs);
    g_test_add_func("/json/scan/utf8", test_utf8);
    g_test_add_func("/json/scan/reuse", test_reuse);
    g_test_add_func("/json/scan/after-failure", test_after_failure);
    g_test_add_func("/json/scan/too-large", test_too_large);
    g_test_add_func("/json/scan/arena", test_arena);
    g_test_add_func("/json/scan/oracle", test_oracle);
    g_test_add_func("/json/scan/mutations", test_mutations);
    return g_test_run();
}
