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
    weir_str id, model, extra;
    weir_usage usage;
    weir_str document; /* of a document event */
    bool has_document;
};

void gather_init(struct gather *g, struct arena *arena);

/* Takes one event. WEIR_NO_MEMORY when the arena's limit is reached. */
weir_result gather_event(struct gather *g, const weir_event *event);

/* What is known of the block begun last under the emitter's number; NULL: none was. */
const weir_block *gather_block(struct gather *g, int32_t choice, int32_t number);

/* The answer, in the arena: blocks by choice and index, choices by number. */
const weir_answer *gather_answer(struct gather *g);

/*
 * Adds to a text that grows in the arena, whose room is `*cap` bytes (0 at first, with an empty
 * text). Text in both forms becomes JSON-escaped as a whole. WEIR_NO_MEMORY at the arena's limit.
 */
weir_result gather_text(struct arena *arena, weir_text *to, size_t *cap, weir_text text);

/* The same for the members of an object: they are strung together with commas. */
weir_result gather_extra(struct arena *arena, weir_str *to, size_t *cap, weir_str extra);
