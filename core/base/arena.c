/*
 * arena.c - bump allocation in a list of chunks.
 *
 * The first chunk is a recycled half block; what does not fit gets a chunk of its own size, or one
 * of half of what there is: the number of chunks stays small, and a stream that lives for minutes
 * holds little that it does not need.
 */
#include "base/arena.h"
#include "base/block.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALIGN = 16,
    CHUNK_MAX = 1024 * 1024, /* growing stops here */
};

static const size_t default_limit = (size_t)256 * 1024 * 1024;

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* of the whole chunk, this header included */
};

_Static_assert(sizeof(struct arena_chunk) % ALIGN == 0, "what follows the header is aligned");

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){ .limit = limit ? limit : default_limit };
}

void arena_reset(struct arena *a)
{
    while (a->head) {
        struct arena_chunk *chunk = a->head;
        a->head = chunk->older;
        if (chunk->size == BLOCK_HALF)
            block_put_half(chunk);
        else
            free(chunk);
    }
    a->used = 0;
    a->total = 0;
}

static size_t next_chunk_size(const struct arena *a, size_t need)
{
    size_t size = a->head ? a->total / 2 : BLOCK_HALF;
    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size > a->limit - a->total)
        size = a->limit - a->total;
    return size < need ? need : size;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t size)
{
    size_t need = size + sizeof(struct arena_chunk);
    if (need > a->limit - a->total)
        return NULL;
    size_t chunk_size = next_chunk_size(a, need);
    struct arena_chunk *chunk = chunk_size == BLOCK_HALF ? block_get_half() : malloc(chunk_size);
    if (!chunk)
        return NULL;
    chunk->size = chunk_size;
    a->total += chunk_size;

    /* A large piece gets its own chunk behind the one being filled, whose rest stays in use. */
    if (a->head && chunk_size == need && a->head->size - a->used > sizeof(*chunk)) {
        chunk->older = a->head->older;
        a->head->older = chunk;
        return chunk;
    }
    chunk->older = a->head;
    a->head = chunk;
    a->used = need;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > a->limit || size > SIZE_MAX - 64)
        return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (size == 0)
        size = ALIGN;
    if (a->head && a->head->size - a->used >= size) {
        char *p = (char *)a->head + a->used;
        a->used += size;
        return p;
    }
    struct arena_chunk *chunk = add_chunk(a, size);
    return chunk ? chunk + 1 : NULL;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    if (p)
        memset(p, 0, size);
    return p;
}

weir_str arena_copy(struct arena *a, weir_str s)
{
    char *p = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;
    if (!p)
        return (weir_str){ NULL, 0 };
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return (weir_str){ p, s.len };
}

static void *abi_alloc(void *owner, size_t size)
{
    return arena_alloc(owner, size);
}

weir_arena arena_abi(struct arena *a)
{
    return (weir_arena){ .owner = a, .alloc = abi_alloc };
}

void arena_thread_trim(void)
{
    block_trim();
}
