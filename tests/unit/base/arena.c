/*
 * arena.c - alignment, limits, and that everything comes back.
 */
#include "base/arena.h"

#include <glib.h>
#include <string.h>

static void test_pieces_are_aligned_and_apart(void)
{
    struct arena a;
    arena_init(&a, 0);
    unsigned char *p[300];
    for (size_t i = 0; i < 300; i++) {
        p[i] = arena_alloc(&a, i * 7);
        g_assert_nonnull(p[i]);
        g_assert_cmpuint((uintptr_t)p[i] % 16, ==, 0);
        memset(p[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < i * 7; j++)
            g_assert_cmpuint(p[i][j], ==, (unsigned char)i);
    }
    arena_reset(&a);
    g_assert_null(a.head);
    g_assert_cmpuint(a.total, ==, 0);
}

static void test_limit(void)
{
    struct arena a;
    arena_init(&a, 100000);
    size_t got = 0;
    while (arena_alloc(&a, 1000))
        got += 1000;
    g_assert_cmpuint(a.total, <=, 100000);
    g_assert_cmpuint(got, >=, 90000);
    g_assert_null(arena_alloc(&a, SIZE_MAX));
    g_assert_null(arena_alloc(&a, SIZE_MAX - 20));
    g_assert_null(arena_copy(&a, (weir_str){ "x", SIZE_MAX }).ptr);
    g_assert_null(arena_zalloc(&a, 90000));
    arena_reset(&a);
    g_assert_nonnull(arena_alloc(&a, 90000));
    arena_reset(&a);
}

static void test_large_piece_does_not_waste_the_chunk(void)
{
    struct arena a;
    arena_init(&a, 0);
    char *before = arena_alloc(&a, 16);
    char *large = arena_alloc(&a, 3 * 1024 * 1024);
    char *after = arena_alloc(&a, 16);
    g_assert_nonnull(large);
    memset(large, 1, 3 * 1024 * 1024);
    g_assert_true(after == before + 16);
    arena_reset(&a);
}

/* What is held is at most half as much again as what was asked for, from the first chunk on. */
static void test_little_is_held_unused(void)
{
    struct arena a;
    arena_init(&a, 0);
    for (size_t used = 0; used < 1000000; used += 64) {
        g_assert_nonnull(arena_alloc(&a, 64));
        g_assert_cmpuint(a.total, <=, MAX(8 * 1024, used + used / 2 + 1024));
    }
    arena_reset(&a);
}

static void test_copy(void)
{
    struct arena a;
    arena_init(&a, 0);
    weir_str s = arena_copy(&a, (weir_str){ "abc", 3 });
    g_assert_cmpstr(s.ptr, ==, "abc");
    g_assert_cmpuint(s.len, ==, 3);
    weir_str empty = arena_copy(&a, (weir_str){ NULL, 0 });
    g_assert_nonnull(empty.ptr);
    g_assert_cmpuint(empty.len, ==, 0);
    char *zero = arena_zalloc(&a, 100);
    for (int i = 0; i < 100; i++)
        g_assert_cmpint(zero[i], ==, 0);
    weir_arena abi = arena_abi(&a);
    g_assert_nonnull(abi.alloc(abi.owner, 10));
    arena_reset(&a);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/arena/aligned", test_pieces_are_aligned_and_apart);
    g_test_add_func("/base/arena/limit", test_limit);
    g_test_add_func("/base/arena/large", test_large_piece_does_not_waste_the_chunk);
    g_test_add_func("/base/arena/little-unused", test_little_is_held_unused);
    g_test_add_func("/base/arena/copy", test_copy);
    int rc = g_test_run();
    arena_thread_trim();
    return rc;
}
