/*
 * failure.c - tests of core/model/failure.c: classes by name and status, copies, usage.
 */
#include "model/failure.h"
#include "base/str.h"

#include <glib.h>
#include <weir/exchange.h>

static void test_names(void)
{
    for (unsigned c = 1; c < WEIR_CLASS_COUNT; c++)
        g_assert_cmpint(failure_class_find(str_of(failure_class_name(c))), ==, (int)c);
    g_assert_cmpint(failure_class_find(S("none")), ==, -1);
    g_assert_cmpint(failure_class_find(S("rate_limi")), ==, -1);
    g_assert_cmpint(failure_class_find(S("rate_limit_")), ==, -1);
    g_assert_cmpint(failure_class_find(S("")), ==, -1);
    g_assert_cmpstr(failure_class_name(4711), ==, "internal");
}

static void test_families(void)
{
    for (unsigned c = 1; c < WEIR_CLASS_COUNT; c++)
        g_assert_cmpuint(failure_family(failure_family(c)), ==, failure_family(c));
    g_assert_cmpuint(failure_family(WEIR_CLASS_PROTOCOL), ==, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(failure_family(WEIR_CLASS_CONNECTION), ==, WEIR_CLASS_TIMEOUT);
    g_assert_cmpuint(failure_family(4711), ==, WEIR_CLASS_INTERNAL);
}

/* What a person did wrong, or what we did, says nothing about a target's health. */
static void test_health(void)
{
    const unsigned ill[] = { WEIR_CLASS_OVERLOADED, WEIR_CLASS_SERVER_ERROR, WEIR_CLASS_TIMEOUT,
                             WEIR_CLASS_CONNECTION, WEIR_CLASS_PROTOCOL };
    unsigned count = 0;

    for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
        count += failure_is_unhealthy(c);
    g_assert_cmpuint(count, ==, G_N_ELEMENTS(ill));
    for (size_t i = 0; i < G_N_ELEMENTS(ill); i++)
        g_assert_true(failure_is_unhealthy(ill[i]));
}

static void test_status(void)
{
    static const struct {
        unsigned status, class_id;
    } rows[] = {
        { 400, WEIR_CLASS_INVALID_REQUEST }, { 401, WEIR_CLASS_AUTHENTICATION },
        { 402, WEIR_CLASS_QUOTA },           { 403, WEIR_CLASS_PERMISSION },
        { 404, WEIR_CLASS_NOT_FOUND },       { 408, WEIR_CLASS_TIMEOUT },
        { 422, WEIR_CLASS_INVALID_REQUEST }, { 429, WEIR_CLASS_RATE_LIMIT },
        { 500, WEIR_CLASS_SERVER_ERROR },    { 502, WEIR_CLASS_SERVER_ERROR },
        { 503, WEIR_CLASS_OVERLOADED },      { 504, WEIR_CLASS_TIMEOUT },
        { 529, WEIR_CLASS_OVERLOADED },      { 599, WEIR_CLASS_SERVER_ERROR },
        { 200, WEIR_CLASS_PROTOCOL },        { 302, WEIR_CLASS_PROTOCOL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpuint(failure_class_of_status(rows[i].status), ==, rows[i].class_id);
}

static void test_copy(void)
{
    char code[] = "code", message[] = "message", param[] = "param";
    struct arena arena;
    weir_failure from = {
        .struct_size = sizeof(from),
        .class_id = WEIR_CLASS_OVERLOADED,
        .family = WEIR_CLASS_TIMEOUT, /* wrong: the host knows better */
        .http_status = 529,
        .retry_after_us = 7,
        .code = S(code),
        .message = S(message),
        .param = S(param),
    };
    const weir_failure *to;

    arena_init(&arena, 0);
    to = failure_copy(&arena, &from);
    memset(code, 'x', 4), memset(message, 'x', 7), memset(param, 'x', 5);
    g_assert_true(str_is(to->code, "code"));
    g_assert_true(str_is(to->message, "message"));
    g_assert_true(str_is(to->param, "param"));
    g_assert_cmpuint(to->family, ==, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(to->http_status, ==, 529);
    g_assert_cmpint(to->retry_after_us, ==, 7);
    arena_reset(&arena);
    arena_thread_trim();
}

/* Failures of plugins older and newer than we are. */
static void test_copy_versions(void)
{
    struct arena arena;
    weir_failure old = { .struct_size = offsetof(weir_failure, code),
                         .class_id = WEIR_CLASS_QUOTA,
                         .code = { (const char *)1, 99 } };
    weir_failure newer = { .struct_size = sizeof(newer) + 64,
                           .class_id = 4711,
                           .family = WEIR_CLASS_RATE_LIMIT };
    weir_failure unknown = { .struct_size = sizeof(unknown), .class_id = 4711, .family = 4711 };
    weir_failure none = { .struct_size = sizeof(none) };

    arena_init(&arena, 0);
    g_assert_cmpuint(failure_copy(&arena, &old)->code.len, ==, 0);
    g_assert_cmpuint(failure_copy(&arena, &old)->class_id, ==, WEIR_CLASS_QUOTA);
    g_assert_cmpuint(failure_copy(&arena, &newer)->class_id, ==, WEIR_CLASS_RATE_LIMIT);
    g_assert_cmpuint(failure_copy(&arena, &newer)->struct_size, ==, sizeof(weir_failure));
    g_assert_cmpuint(failure_copy(&arena, &unknown)->class_id, ==, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(failure_copy(&arena, &none)->class_id, ==, WEIR_CLASS_SERVER_ERROR);
    arena_reset(&arena);
    arena_thread_trim();
}

static void test_format(void)
{
    g_autofree char *big = g_strnfill(4000, 'a');
    struct arena arena;
    const weir_failure *f;

    arena_init(&arena, 0);
    f = failure_format(&arena, WEIR_CLASS_NO_ROUTE, "%d of %s", 3, "four");
    g_assert_true(str_is(f->message, "3 of four"));
    g_assert_cmpuint(f->local, ==, 1);
    g_assert_cmpuint(f->family, ==, WEIR_CLASS_INTERNAL);
    g_assert_cmpint(f->retry_after_us, ==, -1);
    f = failure_format(&arena, WEIR_CLASS_NO_ROUTE, "%s", big);
    g_assert_cmpuint(f->message.len, >, 100);
    g_assert_cmpuint(f->message.len, <, 4000);
    arena_reset(&arena);
    arena_thread_trim();
}

static void test_full_arena(void)
{
    const weir_failure from = failure_local(WEIR_CLASS_POLICY, S("never"));
    struct arena arena;

    arena_init(&arena, 8);
    g_assert_cmpuint(failure_copy(&arena, &from)->class_id, ==, WEIR_CLASS_INTERNAL);
    g_assert_true(
        str_is(failure_format(&arena, WEIR_CLASS_POLICY, "never")->message, "out of memory"));
    arena_reset(&arena);
}

static void test_redact(void)
{
    static const struct {
        const char *secret, *before, *after;
    } rows[] = {
        { "sk-secret", "sk-secret", "[key]" },
        { "sk-secret", "no sk-secret, sk-secret.", "no [key], [key]." },
        { "sk-secret", "sk-secresk-secretsk-secre", "sk-secre[key]sk-secre" },
        { "sk-secret", "nothing", "nothing" },
        { "sk-secret", "", "" },
        { "ollama", "ollama is not there", "ollama is not there" },
    };
    struct arena arena;

    arena_init(&arena, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        weir_failure *f = failure_format(&arena, WEIR_CLASS_POLICY, "%s", rows[i].before);

        f->param = arena_copy(&arena, f->message);
        failure_redact(f, str_of(rows[i].secret));
        g_assert_true(str_is(f->message, rows[i].after));
        g_assert_true(str_is(f->param, rows[i].after));
    }
    arena_reset(&arena);
    arena_thread_trim();
}

static void test_usage(void)
{
    weir_usage u, later, old;

    memset(&u, 0xA5, sizeof u);
    usage_clear(&u);
    g_assert_true(usage_is_empty(&u));
    g_assert_cmpint(u.input_total, ==, -1);
    g_assert_cmpint(u.output_image, ==, -1);
    usage_clear(&later);
    later.output_image = 0; /* reported: nought is not "not reported" */
    usage_merge(&u, &later);
    g_assert_cmpint(u.output_image, ==, 0);
    g_assert_cmpint(u.input_total, ==, -1);
    g_assert_false(usage_is_empty(&u));
    u.input_total = 5;
    later.input_total = 9;
    later.output_image = -1;
    usage_merge(&u, &later);
    g_assert_cmpint(u.input_total, ==, 9);
    g_assert_cmpint(u.output_image, ==, 0);
    later.input_total = INT64_MAX; /* no count */
    usage_merge(&u, &later);
    g_assert_cmpint(u.input_total, ==, 9);
    /* A reporter that knows only the first fields. */
    memset(&old, 0x11, sizeof old);
    old.struct_size = offsetof(weir_usage, input_uncached);
    old.input_total = 3;
    usage_merge(&u, &old);
    g_assert_cmpint(u.input_total, ==, 3);
    g_assert_cmpint(u.input_uncached, ==, -1);
}

static void test_ops(void)
{
    g_assert_cmpstr(op_name(WEIR_OP_CHAT), ==, "chat");
    g_assert_cmpstr(op_name(WEIR_OP_PROBE), ==, "probe");
    g_assert_cmpstr(op_name(WEIR_OP_COUNT_), ==, "unknown");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/failure/names", test_names);
    g_test_add_func("/failure/families", test_families);
    g_test_add_func("/failure/health", test_health);
    g_test_add_func("/failure/status", test_status);
    g_test_add_func("/failure/copy", test_copy);
    g_test_add_func("/failure/copy-versions", test_copy_versions);
    g_test_add_func("/failure/format", test_format);
    g_test_add_func("/failure/full-arena", test_full_arena);
    g_test_add_func("/failure/redact", test_redact);
    g_test_add_func("/failure/usage", test_usage);
    g_test_add_func("/failure/ops", test_ops);
    return g_test_run();
}
