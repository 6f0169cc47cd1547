/*
 * block.c - the per-thread lists of blocks to reuse.
 *
 * Under AddressSanitizer nothing is kept, so that a use after free is seen as one.
 */
#include "base/block.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define KEEP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP 0
#endif
#endif
#ifndef KEEP
#define KEEP BLOCK_KEEP
#endif

struct spare {
    struct spare *next;
};

struct spares {
    struct spare *first;
    int count;
};

static _Thread_local struct spares whole, half;

static void *get(struct spares *list, size_t size)
{
    struct spare *s = list->first;
    if (!s)
        return malloc(size);
    list->first = s->next;
    list->count--;
    return s;
}

static void put(struct spares *list, void *block)
{
    struct spare *s = block;
    if (!s)
        return;
    if (list->count >= KEEP) {
        free(s);
        return;
    }
    s->next = list->first;
    list->first = s;
    list->count++;
}

static void trim(struct spares *list)
{
    while (list->first) {
        struct spare *s = list->first;
        list->first = s->next;
        free(s);
    }
    list->count = 0;
}

void *block_get(void)
{
    return get(&whole, BLOCK_SIZE);
}

void *block_get_half(void)
{
    return get(&half, BLOCK_HALF);
}

void block_put(void *block)
{
    put(&whole, block);
}

void block_put_half(void *block)
{
    put(&half, block);
}

void block_trim(void)
{
    trim(&whole);
    trim(&half);
}
