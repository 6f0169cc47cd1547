/*
 * gather.h - collects events into a whole answer: for requests that did not ask for a stream, for
 * the library's accessors, and for the log.
 */
#pragma once

#include "base/arena.h"

#include <weir/dialect.h>

struct gather_block;
struct gather_choice;

struct gather {
    struct arena *arena;
    struct gather_block *blocks, **blocks_end;
    struct gather_choice *choices, **choices_end;
    struct gather_block *last; /* the block written to last: nearly always the next one too */
    uint32_t block_count, choice_count;
    weir_str id, model;
    weir_usage usage;
    weir_str document; /* of a document event */
    bool has_document;
};

void gather_init(struct gather *g, struct arena *arena);

/* Takes one event. WEIR_NO_MEMORY when the arena's limit is reached. */
weir_result gather_event(struct gather *g, const weir_event *event);

/* The answer, in the arena: blocks by choice and index, choices by number. */
const weir_answer *gather_answer(struct gather *g);
