/*
 * block.c - the per-thread list of blocks to reuse.
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

static _Thread_local struct spare *spares;
static _Thread_local int spare_count;

void *block_get(void)
{
    struct spare *s = spares;
    if (!s)
        return malloc(BLOCK_SIZE);
    spares = s->next;
    spare_count--;
    return s;
}

void block_put(void *block)
{
    struct spare *s = block;
    if (!s)
        return;
    if (spare_count >= KEEP) {
        free(s);
        return;
    }
    s->next = spares;
    spares = s;
    spare_count++;
}

void block_trim(void)
{
    while (spares) {
        struct spare *s = spares;
        spares = s->next;
        free(s);
    }
    spare_count = 0;
}
