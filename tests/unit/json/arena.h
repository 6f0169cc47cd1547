/*
 * arena.h - a weir_arena for tests: every piece is a malloc of its own, so that memory checkers
 * see its edges, and it can be told to run dry.
 */
#ifndef WEIR_TEST_JSON_ARENA_H
#define WEIR_TEST_JSON_ARENA_H

#include <stdlib.h>

#include <weir/base.h>

struct test_arena {
    weir_arena arena;
    size_t left; /* bytes it will still hand out */
    struct test_piece {
        struct test_piece *next;
        void *zero; /* keeps what follows aligned to 16 */
    } * pieces;
};

static inline void *test_arena_alloc(void *owner, size_t size)
{
    struct test_arena *a = owner;
    struct test_piece *piece;

    if (size > a->left)
        return NULL;
    piece = malloc(sizeof(*piece) + size);
    if (!piece)
        return NULL;
    a->left -= size;
    piece->next = a->pieces;
    a->pieces = piece;
    return piece + 1;
}

static inline void test_arena_init(struct test_arena *a, size_t limit)
{
    a->arena.owner = a;
    a->arena.alloc = test_arena_alloc;
    a->left = limit;
    a->pieces = NULL;
}

static inline void test_arena_finish(struct test_arena *a)
{
    while (a->pieces) {
        struct test_piece *next = a->pieces->next;

        free(a->pieces);
        a->pieces = next;
    }
}

#endif
