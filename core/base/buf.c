/*
 * buf.c - growing, eating and recycling.
 *
 * Bytes are moved to the front only when at least as many have been eaten as are left, so that
 * filling and eating in turn costs each byte at most one move.
 */
#include "base/buf.h"
#include "base/block.h"

#include <stdlib.h>
#include <string.h>

static void release(char *mem, size_t cap)
{
    if (cap == BLOCK_SIZE)
        block_put(mem);
    else
        free(mem);
}

static size_t grown_cap(const struct buf *b, size_t need)
{
    if (need <= BLOCK_SIZE)
        return BLOCK_SIZE;
    size_t cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;
    return cap < need ? need : cap;
}

static bool grow(struct buf *b, size_t need)
{
    size_t len = buf_len(b);
    size_t cap = grown_cap(b, need);

    /* realloc() can remap a large run without touching its bytes. */
    if (b->start == 0 && b->cap > BLOCK_SIZE) {
        char *mem = realloc(b->mem, cap);
        if (!mem)
            return false;
        b->mem = mem;
        b->cap = cap;
        return true;
    }
    char *mem = cap == BLOCK_SIZE ? block_get() : malloc(cap);
    if (!mem)
        return false;
    if (len)
        memcpy(mem, buf_at(b), len);
    if (b->mem)
        release(b->mem, b->cap);
    *b = (struct buf){ .mem = mem, .end = len, .cap = cap };
    return true;
}

bool buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->end >= more)
        return true;
    size_t len = buf_len(b);
    if (more > SIZE_MAX - len)
        return false;
    if (b->cap - len >= more && b->start >= len) {
        memcpy(b->mem, buf_at(b), len);
        b->start = 0;
        b->end = len;
        return true;
    }
    return grow(b, len + more);
}

bool buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return true;
    if (!buf_reserve(b, len))
        return false;
    memcpy(b->mem + b->end, bytes, len);
    b->end += len;
    return true;
}

void buf_fit(struct buf *b, size_t slack)
{
    size_t len = buf_len(b), cap = len + slack;
    char *mem = b->mem && cap < b->cap ? malloc(cap) : NULL;

    if (!mem)
        return;
    memcpy(mem, buf_at(b), len);
    release(b->mem, b->cap);
    *b = (struct buf){ .mem = mem, .end = len, .cap = cap };
}

void buf_eat(struct buf *b, size_t len)
{
    b->start += len;
    if (b->start >= b->end)
        buf_free(b);
}

void buf_free(struct buf *b)
{
    if (b->mem)
        release(b->mem, b->cap);
    *b = (struct buf){ 0 };
}

void buf_thread_trim(void)
{
    block_trim();
}
