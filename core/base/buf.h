/*
 * buf.h - a growable run of bytes that is filled at the end and eaten from the front.
 *
 * An empty buf owns no memory, so that an idle connection costs none. Blocks of the common size
 * are recycled per thread.
 */
#pragma once

#include <weir/base.h>

struct buf {
    char *mem;
    size_t start; /* first unread byte */
    size_t end;   /* one past the last byte */
    size_t cap;
};

static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline char *buf_at(const struct buf *b)
{
    return b->mem ? b->mem + b->start : NULL;
}

/* Makes room for `more` bytes after the end, moving or growing as needed. False: out of memory. */
bool buf_reserve(struct buf *b, size_t more);

/* Appends a copy. False: out of memory; nothing was appended. */
bool buf_add(struct buf *b, const void *bytes, size_t len);

/* Moves what there is to memory of just its size and `slack` bytes more, for what will lie still
 * for long. Out of memory it stays where it is. */
void buf_fit(struct buf *b, size_t slack);

/* Eats `len` bytes from the front; an emptied buf gives its memory back. */
void buf_eat(struct buf *b, size_t len);

/* Gives the memory back. */
void buf_free(struct buf *b);

/* Returns the blocks this thread keeps for reuse. Called when a worker thread ends. */
void buf_thread_trim(void);
