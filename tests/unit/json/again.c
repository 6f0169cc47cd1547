/*
 * again.c - scanning again what looks like the document before gives what scanning anew gives.
 */
#include <glib.h>
#include <string.h>

#include "json/again.h"

struct bench {
    struct jagain again;
    struct jscan_tokens spare, fresh;
};

static void clear(struct bench *b)
{
    jagain_finish(&b->again);
    jscan_tokens_finish(&b->spare);
    jscan_tokens_finish(&b->fresh);
}

/* Scans both ways and compares. Returns the changes. */
static struct jagain_changes take(struct bench *b, const char *text, size_t len)
{
    weir_str bytes = { text, len };
    struct jagain_changes changes;
    weir_json again, fresh;
    weir_result r = jagain_scan(&b->again, &b->spare, bytes, &again, &changes);

    g_assert_cmpint(r, ==, jscan(&b->fresh, bytes, &fresh, NULL));
    if (r != WEIR_OK)
        return changes;
    g_assert_cmpuint(again.count, ==, fresh.count);
    g_assert_true(again.bytes.ptr == text && again.bytes.len == len);
    g_assert_cmpmem(again.tok, again.count * sizeof(weir_token), fresh.tok,
                    fresh.count * sizeof(weir_token));
    return changes;
}

static void expect(struct bench *b, const char *text, int count)
{
    struct jagain_changes changes = take(b, text, strlen(text));

    g_assert_cmpint(changes.alike ? (int)changes.count : -1, ==, count);
}

/* -1: not alike. */
static void test_alike(void)
{
    struct bench b = { 0 };

    expect(&b, "{\"a\":\"x\",\"n\":1,\"l\":[\"y\"]}", -1);
    expect(&b, "{\"a\":\"x\",\"n\":1,\"l\":[\"y\"]}", 0);
    expect(&b, "{\"a\":\"longer\",\"n\":1,\"l\":[\"y\"]}", 1);
    expect(&b, "{\"a\":\"\",\"n\":1,\"l\":[\"y\"]}", 1);
    expect(&b, "{\"a\":\"\\n\\\"\",\"n\":1,\"l\":[\"y\"]}", 1);
    expect(&b, "{\"a\":\"\\n\\\"\",\"n\":-12.5e3,\"l\":[\"\xC3\xA4\"]}", 2);
    expect(&b, "{\"a\":\"plain\",\"n\":1,\"l\":[\"z\"]}", 3);
    clear(&b);
}

static void test_not_alike(void)
{
    static const char *const others[] = {
        "{\"b\":\"x\",\"n\":1}",         "{\"a\":null,\"n\":1}",    "{\"a\":\"x\",\"n\":\"1\"}",
        "{\"a\":\"x\",\"n\":1} ",        "{\"a\":\"x\", \"n\":1}",  "{\"a\":\"x\",\"n\":[1]}",
        "{\"a\":\"x\",\"n\":1,\"o\":2}", "{\"a\":[\"x\"],\"n\":1}",
    };
    struct bench b = { 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        take(&b, "{\"a\":\"x\",\"n\":1}", 15);
        expect(&b, others[i], -1);
    }
    clear(&b);
}

/* What is alike but for a fault is a fault. */
static void test_faults(void)
{
    static const char *const bad[] = {
        "{\"a\":\"x\",\"n\":01}",
        "{\"a\":\"\\x\",\"n\":1}",
        "{\"a\":\"x\",\"n\":1.}",
        "{\"a\":\"x\",\"n\":-}",
        "{\"a\":\"\x01\",\"n\":1}",
        "{\"a\":\"x\",\"n\":1",
        "{\"a\":\"x",
        "{\"a\":\"\xC3\",\"n\":1}",
        "{\"a\":\"x\",\"n\":1}}",
        "{\"a\":\"x\",\"n\":1a}",
        "{\"a\":\"x\"\",\"n\":1}",
        "",
    };
    struct bench b = { 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        weir_json out;
        struct jagain_changes changes;

        take(&b, "{\"a\":\"x\",\"n\":1}", 15);
        g_assert_cmpint(
            jagain_scan(&b.again, &b.spare, (weir_str){ bad[i], strlen(bad[i]) }, &out, &changes),
            <, 0);
    }
    clear(&b);
}

/* A document that grows too many changes, and one too large to be kept. */
static void test_limits(void)
{
    g_autoptr(GString) large = g_string_new("[\"");
    struct bench b = { 0 };

    expect(&b, "[1,2,3,4,5]", -1);
    expect(&b, "[6,7,8,9,5]", 4);
    expect(&b, "[1,2,3,4,6]", -1);
    while (large->len <= JAGAIN_MAX_BYTES)
        g_string_append_c(large, 'x');
    g_string_append(large, "\"]");
    expect(&b, large->str, -1);
    expect(&b, large->str, -1);
    clear(&b);
}

/* Edits at random, most of which leave something that is still JSON or nearly so. */
static void test_random(void)
{
    static const char alphabet[] = "\"\\,:{}[]0123456789-.eEabnull \t\xC3\xA4u";
    static const char base[] =
        "{\"id\":\"chatcmpl-1\",\"created\":1722852000,\"choices\":[{\"index\":0,\"delta\":{"
        "\"content\":\" word\"},\"finish_reason\":null}],\"usage\":{\"n\":12,\"m\":-1.5e3},"
        "\"obfuscation\":\"abc\"}";
    struct bench b = { 0 };
    uint64_t x = 88172645463325252ull;
    char text[512];

    for (int round = 0; round < 200000; round++) {
        size_t len = sizeof base - 1, at, cut;

        memcpy(text, base, len);
        for (int edits = (int)(x % 4); edits >= 0; edits--) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            at = (size_t)(x >> 8) % len;
            switch (x % 3) {
            case 0:
                text[at] = alphabet[(x >> 40) % (sizeof alphabet - 1)];
                break;
            case 1: /* a byte more */
                memmove(text + at + 1, text + at, len++ - at);
                text[at] = alphabet[(x >> 40) % (sizeof alphabet - 1)];
                break;
            default: /* a few less */
                cut = MIN((x >> 40) % 4, len - at - 1);
                memmove(text + at, text + at + cut, len - at - cut);
                len -= cut;
            }
        }
        take(&b, text, len);
        if (round % 3 == 0)
            take(&b, base, sizeof base - 1);
    }
    clear(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/again/alike", test_alike);
    g_test_add_func("/json/again/not-alike", test_not_alike);
    g_test_add_func("/json/again/faults", test_faults);
    g_test_add_func("/json/again/limits", test_limits);
    g_test_add_func("/json/again/random", test_random);
    return g_test_run();
}
