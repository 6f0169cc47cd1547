/*
 * sequence.h - events in the order that a dialect asks for (weir_dialect_v1.flags).
 *
 * Some APIs stream one block at a time, some give a tool call only as a whole; vendors stream as
 * they like. What comes too early for such a dialect is held here. Only they pay for it.
 */
#pragma once

#include "base/arena.h"

#include <weir/dialect.h>

struct sequence_item;

struct sequence {
    struct arena arena; /* what is held; emptied whenever nothing is */
    uint32_t flags;
    bool open;    /* a block is being passed on as it comes */
    bool content; /* text of some block has been given out */
    int32_t choice, block;
    size_t held, limit; /* bytes */
    struct sequence_item *items, **items_end;
};

/* `flags` are the dialect's; at most `limit` bytes are held at a time. */
void sequence_init(struct sequence *s, uint32_t flags, size_t limit);

/* Forgets what is held. */
void sequence_clear(struct sequence *s);

/*
 * Takes the next event, ordered as order.h has it, and gives out what its turn has come for:
 *
 *  - SEQUENTIAL: one block from its start to its end, then the one that began next. A `finish`
 *    comes after the blocks that began before it.
 *  - WHOLE_CALLS: a tool call when it has ended: start, one delta with all arguments ("{}" when
 *    there are none, unless they are free text), end. Of an answer that was cut off (`length`) they
 *    may be cut off too.
 *
 * Usage and all other events pass at once: they belong to no block, and `finish` never overtakes
 * them. WEIR_TOO_LARGE: more would have to be held than may be. Else what `next` returns.
 */
weir_result sequence_event(struct sequence *s, const weir_event *event, const weir_events *next);
