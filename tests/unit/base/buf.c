/*
 * buf.c - bytes come out as they went in, and an empty buf owns nothing.
 */
#include "base/buf.h"
#include "base/block.h"

#include <glib.h>
#include <string.h>

static void test_empty_owns_nothing(void)
{
    struct buf b = { 0 };
    g_assert_true(buf_add(&b, NULL, 0));
    g_assert_null(b.mem);
    g_assert_true(buf_add(&b, "hello", 5));
    g_assert_cmpuint(b.cap, ==, BLOCK_SIZE);
    buf_eat(&b, 2);
    g_assert_cmpmem(buf_at(&b), buf_len(&b), "llo", 3);
    buf_eat(&b, 3);
    g_assert_null(b.mem);
    g_assert_cmpuint(b.cap, ==, 0);
    buf_eat(&b, 0);
    buf_free(&b);
}

/* Adds and eats runs of changing length, against a counter as the model. */
static void test_model(void)
{
    struct buf b = { 0 };
    GRand *rand = g_rand_new_with_seed(7);
    unsigned char in = 0, out = 0;
    size_t held = 0;
    for (int i = 0; i < 3000; i++) {
        size_t add = (size_t)g_rand_int_range(rand, 0, i % 50 ? 3000 : 100000);
        g_assert_true(buf_reserve(&b, add));
        g_assert_cmpuint(b.cap - b.end, >=, add);
        for (size_t j = 0; j < add; j++)
            g_assert_true(buf_add(&b, &(unsigned char){ in++ }, 1));
        held += add;
        g_assert_cmpuint(buf_len(&b), ==, held);
        size_t eat = (size_t)g_rand_int_range(rand, 0, (gint32)held + 1);
        for (size_t j = 0; j < eat; j++)
            g_assert_cmpuint((unsigned char)buf_at(&b)[j], ==, out++);
        buf_eat(&b, eat);
        held -= eat;
    }
    g_rand_free(rand);
    buf_free(&b);
}

static void test_exact_size_is_kept(void)
{
    struct buf b = { 0 };
    g_assert_true(buf_reserve(&b, 2000000));
    g_assert_cmpuint(b.cap, ==, 2000000);
    const char *mem = b.mem;
    b.end = 1000;
    g_assert_true(buf_reserve(&b, 2000000 - 1000));
    g_assert_true(b.mem == mem);
    g_assert_false(buf_reserve(&b, SIZE_MAX - 10));
    g_assert_true(b.mem == mem);
    buf_free(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/buf/empty", test_empty_owns_nothing);
    g_test_add_func("/base/buf/model", test_model);
    g_test_add_func("/base/buf/exact", test_exact_size_is_kept);
    int rc = g_test_run();
    buf_thread_trim();
    return rc;
}
