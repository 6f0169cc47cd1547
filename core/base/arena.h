/*
 * arena.h - memory that is given back all at once.
 *
 * One arena serves one exchange. The first chunk is embedded by the owner's allocation pattern
 * (recycled through a per-thread list), so that a small request allocates nothing from malloc.
 */
#pragma once

#include <weir/base.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *head; /* the chunk being filled; older ones behind it */
    size_t used;              /* bytes taken from `head` */
    size_t total;             /* bytes in all chunks */
    size_t limit;             /* `total` may not pass this */
};

/* Makes an empty arena. Allocates nothing yet. `limit` in bytes; 0 means 256 MiB. */
void arena_init(struct arena *a, size_t limit);

/* Gives everything back. The arena is empty and usable afterwards. */
void arena_reset(struct arena *a);

/* `size` bytes aligned to 16, not zeroed; NULL past the limit. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);

/* A copy of bytes. An empty weir_str with ptr NULL means that the limit was reached. */
weir_str arena_copy(struct arena *a, weir_str s);

/* The arena as parts see it. */
weir_arena arena_abi(struct arena *a);

/* Returns the memory that this thread keeps for reuse. Called when a worker thread ends. */
void arena_thread_trim(void);
