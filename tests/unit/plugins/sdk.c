/*
 * The helpers of the SDK that the parts share: splices, times, globs, blocks of a message.
 */
#include "host.h"

#include <weir/sdk/blocks.h>
#include <weir/sdk/retry.h>
#include <weir/sdk/splice.h>

const weir_plugin weir_plugin_v1; /* host.c looks for one */

static weir_result collect(void *ctx, weir_str bytes)
{
    g_string_append_len(ctx, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

static void test_splice(void)
{
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        /* remove r, replace x by 9, set n to 7 */
        { "{}", "{\"n\":7}" },
        { "{\"r\":1}", "{\"n\":7}" },
        { "{\"r\":1,\"r\":2}", "{\"n\":7}" },
        { "{\"r\":1,\"a\":2}", "{\"a\":2,\"n\":7}" },
        { "{\"a\":2,\"r\":1}", "{\"a\":2,\"n\":7}" },
        { " { \"a\" : 2 , \"r\" : {\"r\":1} , \"b\" : 3 } ",
          " { \"a\" : 2 , \"b\" : 3,\"n\":7 } " },
        { "{\"r\":1,\"r\":2,\"a\":3,\"r\":4}", "{\"a\":3,\"n\":7}" },
        { "{\"x\":1,\"n\":[1,2],\"x\":\"s\"}", "{\"x\":9,\"n\":7,\"x\":9}" },
        { "{\"r\":1,\"x\":2,\"r\":3,\"n\":4,\"r\":5}", "{\"x\":9,\"n\":7}" },
        { "{\"x\\u0000\":1,\"\\u0072\":1}", "{\"x\\u0000\":1,\"n\":7}" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        weir_splice edits[] = { weir_splice_remove("r"), weir_splice_replace("x", WEIR_S("9")),
                                weir_splice_set("n", WEIR_S("7")) };
        g_autoptr(GString) out = g_string_new(NULL);
        struct host_arena arena;
        weir_json doc;

        host_arena_init(&arena);
        doc = host_scan(&arena, cases[i].in);
        g_assert_cmpint(weir_splice_write(&doc, 0, edits, 3, collect, out), ==, WEIR_OK);
        g_assert_cmpstr(out->str, ==, cases[i].out);
        host_scan(&arena, out->str);
        host_arena_clear(&arena);
    }
}

static void test_times(void)
{
    static const struct {
        const char *text;
        int64_t us;
    } durations[] = { { "1m19.156s", 79156000 },
                      { "13ms", 13000 },
                      { "6s", 6000000 },
                      { "2.5", 2500000 },
                      { "1h", 3600000000 },
                      { "1d2h", 93600000000 },
                      { "0", 0 },
                      { "", -1 },
                      { "soon", -1 },
                      { "5x", -1 },
                      { "-1", -1 },
                      { "99999999999999", -2 } };
    const int64_t now = INT64_C(784111777) * 1000000;
    weir_header h = { WEIR_S("Retry-After"), WEIR_S("Sun, 06 Nov 1994 08:49:47 GMT") };

    for (size_t i = 0; i < G_N_ELEMENTS(durations); i++)
        g_assert_cmpint(weir_duration_us(weir_str_of(durations[i].text)), ==,
                        durations[i].us == -2 ? WEIR_DURATION_MAX_US : durations[i].us);
    g_assert_cmpint(weir_retry_after_us(&h, 1, now), ==, 10000000);
    g_assert_cmpint(weir_retry_after_us(&h, 1, now + 60000000), ==, 0);
    h.value = WEIR_S("never");
    g_assert_cmpint(weir_retry_after_us(&h, 1, now), ==, -1);
    g_assert_cmpint(weir_retry_after_us(&h, 0, now), ==, -1);
    h.name = WEIR_S("retry-after-ms");
    h.value = WEIR_S("1500");
    g_assert_cmpint(weir_retry_after_us(&h, 1, now), ==, 1500000);
}

static void test_globs(void)
{
    g_assert_true(weir_glob(WEIR_S("gpt-*"), WEIR_S("gpt-4o")));
    g_assert_true(weir_glob(WEIR_S("*"), WEIR_S("")));
    g_assert_true(weir_glob(WEIR_S("a*b*c"), WEIR_S("aXbYbc")));
    g_assert_true(weir_glob(WEIR_S(""), WEIR_S("")));
    g_assert_false(weir_glob(WEIR_S("gpt-*"), WEIR_S("GPT-4")));
    g_assert_false(weir_glob(WEIR_S("a*b"), WEIR_S("abc")));
    g_assert_false(weir_glob(WEIR_S("abc"), WEIR_S("ab")));
}

/* Both ways of writing a message read alike. */
static void test_blocks(void)
{
    static const char *const messages[] = {
        "{\"reasoning_content\":\"h\",\"content\":\"t\",\"refusal\":\"r\",\"tool_calls\":[{\"id\":"
        "\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}",
        "{\"content\":[{\"type\":\"reasoning\",\"text\":\"h\"},{\"type\":\"text\",\"text\":\"t\"},{"
        "\"type\":\"refusal\",\"refusal\":\"r\"},{\"type\":\"tool_call\",\"id\":\"i\",\"name\":"
        "\"f\",\"arguments\":\"{}\"}]}",
    };
    static const uint16_t kinds[] = { WEIR_BLOCK_REASONING, WEIR_BLOCK_TEXT, WEIR_BLOCK_REFUSAL,
                                      WEIR_BLOCK_TOOL_CALL };
    static const char *const texts[] = { "h", "t", "r", "{}" };

    for (size_t i = 0; i < 2; i++) {
        struct host_arena arena;
        weir_message_block b;

        host_arena_init(&arena);
        weir_json doc = host_scan(&arena, messages[i]);
        weir_blocks blocks = weir_blocks_of(&doc, 0);

        for (size_t k = 0; k < 4; k++) {
            g_assert_true(weir_blocks_next(&blocks, &b));
            g_assert_cmpuint(b.kind, ==, kinds[k]);
            g_assert_true(weir_text_is(b.text, texts[k]));
        }
        g_assert_true(weir_text_is(b.id, "i") && weir_text_is(b.name, "f"));
        g_assert_false(weir_blocks_next(&blocks, &b));
        host_arena_clear(&arena);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/splice", test_splice);
    g_test_add_func("/sdk/times", test_times);
    g_test_add_func("/sdk/globs", test_globs);
    g_test_add_func("/sdk/blocks", test_blocks);
    return g_test_run();
}
