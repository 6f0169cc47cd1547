/*
 * block.h - 16 KiB blocks, recycled per thread.
 *
 * The first read of a request, the reply being written and the first chunk of an arena are all one
 * block, so that a small exchange asks malloc for nothing. A block is plain malloc memory of
 * BLOCK_SIZE bytes: memory of that size from elsewhere may be put as well.
 */
#pragma once

#include <stddef.h>

enum {
    BLOCK_SIZE = 16 * 1024,
    BLOCK_KEEP = 64, /* blocks a thread keeps: 1 MiB */
};

/* A block, not zeroed; NULL when out of memory. */
void *block_get(void);

/* Takes a block back; NULL is ignored. */
void block_put(void *block);

/* Frees what this thread keeps. */
void block_trim(void);
