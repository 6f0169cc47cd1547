/*
 * block.h - blocks of 16 and of 8 KiB, recycled per thread.
 *
 * The first read of a request and the reply being written are one block each, and the first chunk
 * of an arena is a half one, so that a small exchange hardly asks malloc. A block is plain malloc
 * memory of its size: memory of that size from elsewhere may be put as well.
 */
#pragma once

#include <stddef.h>

enum {
    BLOCK_SIZE = 16 * 1024,
    BLOCK_HALF = 8 * 1024, /* what lives as long as a stream must not be large */
    BLOCK_KEEP = 64,       /* blocks of each size a thread keeps: 1.5 MiB */
};

/* A block of BLOCK_SIZE or BLOCK_HALF bytes, not zeroed; NULL when out of memory. */
void *block_get(void);
void *block_get_half(void);

/* Takes a block back; NULL is ignored. */
void block_put(void *block);
void block_put_half(void *block);

/* Frees what this thread keeps. */
void block_trim(void);
