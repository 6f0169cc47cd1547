/*
 * order.h - keeps a decoder's events in the order that event.h promises.
 *
 * Decoders are other people's code; dialects rely on the order. So one guard stands between them:
 * it opens and closes blocks a decoder forgot, drops what comes too late, and knows whether an
 * answer is complete.
 */
#pragma once

#include "model/call.h"

#include <weir/base.h>

enum {
    ORDER_MAX_CHOICES = 128,
    ORDER_MAX_OPEN = 128, /* blocks open at once over all choices */
};

/* A block that was begun and not ended. */
struct order_open {
    int32_t choice;
    int32_t block;
    uint16_t kind;
    bool followed;         /* another block of the choice began later */
    struct call_args args; /* of a tool call */
};

/* Zeroed to begin, but for `memory`. */
struct order {
    weir_arena memory; /* for the open blocks: as long as the answer */
    bool started;
    bool failed;
    bool content; /* a non-empty delta of any kind, or a tool call, has come */
    bool document;
    uint8_t open_count;
    uint8_t open_cap;
    uint16_t finished_count;
    uint16_t choice_count; /* highest choice seen, plus one */
    bool cut_short;        /* a choice ended with a tool call whose arguments are not complete */
    uint64_t finished[ORDER_MAX_CHOICES / 64];
    uint64_t cut[ORDER_MAX_CHOICES / 64]; /* choices with such a call */
    struct order_open *open;
};

/*
 * Passes `event` on to `next`, preceded by whatever has to come first. Returns what `next` returns,
 * WEIR_PROTOCOL if the event can have no place (a choice out of range, too many open blocks, a tool
 * call without a name, half a tool call that something else follows or that a reason ends which
 * does not tell of it: then `cut_short` is set), and WEIR_OK for an event that is dropped because
 * it comes too late. A refusal in the middle of a tool call is passed on as
 * WEIR_FINISH_CONTENT_FILTER.
 *
 * Usage that comes after a `finish` passes: it belongs into the books. That it comes before is the
 * provider part's duty, since only it knows whether there will be any.
 */
weir_result order_event(struct order *o, const weir_event *event, const weir_events *next);

/* Whether the answer is whole: a document, or every choice that was seen has finished. */
bool order_complete(const struct order *o);
