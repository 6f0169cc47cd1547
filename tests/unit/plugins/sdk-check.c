/*
 * JSON that comes in pieces, and points in time, as the SDK's headers read them.
 */
#include <glib.h>
#include <weir/sdk/check.h>
#include <weir/sdk/retry.h>

struct check_case {
    const char *json;
    bool whole;
};

static const struct check_case cases[] = {
    { "{}", true },
    { " { \"a\" : [ 1, -2.5e+10, 0, true, false, null, \"\\u00e4\\n\" ] } ", true },
    { "[]", true },
    { "[[],{},[{\"a\":{}}]]", true },
    { "\"a\"", true },
    { "12", true },
    { "-0.5e3", true },
    { "null", true },
    { "", false },
    { "  ", false },
    { "{", false },
    { "{\"a\"", false },
    { "{\"a\":", false },
    { "{\"a\":}", false },
    { "{\"a\":1,}", false },
    { "{\"a\" 1}", false },
    { "{a:1}", false },
    { "{1:1}", false },
    { "{,}", false },
    { "[1,]", false },
    { "[1 2]", false },
    { "[1}", false },
    { "{\"a\":1]", false },
    { "]", false },
    { "{}{}", false },
    { "{} x", false },
    { "01", false },
    { "1.", false },
    { ".5", false },
    { "1e", false },
    { "-", false },
    { "+1", false },
    { "nul", false },
    { "nulL", false },
    { "truefalse", false },
    { "\"a", false },
    { "\"\\x\"", false },
    { "\"\\u12\"", false },
    { "\"\\u12g4\"", false },
    { "\"\t\"", false },
};

static void test_pieces(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        size_t len = strlen(cases[i].json);

        for (size_t step = 1; step <= 4; step++) {
            weir_json_check check = weir_json_check_begin();

            for (size_t at = 0; at < len; at += step)
                weir_json_check_bytes(&check,
                                      weir_str_make(cases[i].json + at, MIN(step, len - at)));
            if (weir_json_check_whole(&check) != cases[i].whole)
                g_error("'%s' in pieces of %zu", cases[i].json, step);
        }
    }
}

static void test_text(void)
{
    static const char inside[] = "{\\\"a\\\":\\\"\\\\n\\\"}";
    const weir_text escaped = { inside, sizeof(inside) - 1, WEIR_FORM_JSON, 0 };
    weir_json_check check = weir_json_check_begin();

    g_assert_false(weir_json_check_any(&check));
    weir_json_check_text(&check, escaped);
    g_assert_true(weir_json_check_any(&check));
    g_assert_true(weir_json_check_object(&check));
    check = weir_json_check_begin();
    weir_json_check_bytes(&check, WEIR_S("[1]"));
    g_assert_true(weir_json_check_whole(&check));
    g_assert_false(weir_json_check_object(&check));
}

static void test_depth(void)
{
    weir_json_check check = weir_json_check_begin();

    for (int i = 0; i < WEIR_CHECK_DEPTH; i++)
        weir_json_check_bytes(&check, WEIR_S("["));
    g_assert_cmpint(check.state, !=, WEIR_CHECK_BAD);
    for (int i = 0; i < WEIR_CHECK_DEPTH; i++)
        weir_json_check_bytes(&check, WEIR_S("]"));
    g_assert_true(weir_json_check_whole(&check));
    check = weir_json_check_begin();
    for (int i = 0; i <= WEIR_CHECK_DEPTH; i++)
        weir_json_check_bytes(&check, WEIR_S("["));
    g_assert_cmpint(check.state, ==, WEIR_CHECK_BAD);
}

static void test_time(void)
{
    static const struct {
        const char *text;
        int64_t unix_s;
    } times[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-07-24T00:00:00Z", 1784851200 },
        { "2000-02-29T23:59:59.999Z", 951868799 },
        { "2026-07-24T02:00:00+02:00", 1784851200 },
        { "2026-07-23T19:00:00-05:00", 1784851200 },
        { "2026-07-24T00:00:00", -1 },
        { "2026-07-24 00:00", -1 },
        { "2026-07-24T00:00:00.", -1 },
        { "2026-07-24T00:00:00+2", -1 },
        { "20x6-07-24T00:00:00Z", -1 },
        { "", -1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
        g_assert_cmpint(weir_rfc3339(weir_str_of(times[i].text)), ==, times[i].unix_s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/check/pieces", test_pieces);
    g_test_add_func("/sdk/check/text", test_text);
    g_test_add_func("/sdk/check/depth", test_depth);
    g_test_add_func("/sdk/time/rfc3339", test_time);
    return g_test_run();
}
