/*
 * reply.h - what the files that write replies share: the head, and the way to the front.
 *
 * All of it is called on the exchange's own worker, and borrows what it is given for the call.
 */
#pragma once

#include "base/crumb.h"
#include "engine/exchange.h"

enum { MAX_REPLY_HEADERS = 160 };

struct head {
    weir_header headers[MAX_REPLY_HEADERS];
    size_t count;
};

/* Those past the last place are left out. */
static inline void head_add(struct head *h, weir_str name, weir_str value)
{
    if (h->count < MAX_REPLY_HEADERS)
        h->headers[h->count++] = (weir_header){ name, value };
}

/* A number in decimal, in the exchange's memory. */
weir_str head_number(struct exchange *e, uint64_t n);

/* What every reply says of how it came about. `a`: the attempt whose answer it is, or NULL. */
void head_add_own(struct exchange *e, const struct attempt *a, struct head *h);

/* Once. `length`: of the body in bytes; -1: it is not known yet. */
void head_send(struct exchange *e, unsigned status, const struct head *h, int64_t length);

/* Runs for every piece of a stream. Nothing, where nobody listens any more. */
static inline void reply_send(struct exchange *e, weir_str bytes)
{
    if (!e->front || !bytes.len)
        return;
    e->bytes_out += bytes.len;
    e->front_ops->bytes(e->front, bytes.ptr, bytes.len);
}

/* The crumb of the dialect that writes; crumb_leave() takes it back. */
static inline uint32_t reply_enter(const struct exchange *e)
{
    return crumb_enter(e->speaker->part ? e->speaker->part->crumb : 0);
}

/* After the head was sent: the dialect's error event, then the end of a connection that nobody can
 * take for the end of an answer. */
void reply_break(struct exchange *e, const weir_failure *failure);
