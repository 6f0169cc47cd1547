/*
 * response.h - what came back, as it is put together from packed events.
 *
 * Two threads may write to one response before it is complete: the loop's thread its outcome, the
 * thread that waits everything else. So the two have their memory apart.
 */
#pragma once

#include "engine/exchange.h"

#include <weir/weir.h>

/* How the exchange went, as the engine tells it. */
struct outcome {
    struct arena memory;
    const weir_failure *failure; /* NULL: none */
    weir_str provider, model;
    uint32_t attempts;
    uint32_t warning_count;
    weir_str warnings[EXCHANGE_MAX_WARNINGS];
};

struct weir_response {
    struct outcome outcome;
    struct arena memory;
    struct gather gather;
    struct generation *generation; /* its dialect writes the answer as JSON */
    GByteArray *decoded;           /* text of the event that is being told */
    const weir_answer *answer;     /* once complete */
    struct response_choice *choices;
    uint32_t choice_count;
    bool too_large;
    GMutex lock; /* guards `json` */
    weir_str json;
};

/* Takes a reference to `generation`. */
struct weir_response *response_new(struct generation *generation);

/* Notes a failure, if there is none yet. On the thread that owns the outcome. */
void response_fail(struct weir_response *r, const weir_failure *failure);

/* Takes packed events, and tells them to `on_event` (may be NULL). False: it wants no more. */
bool response_take(struct weir_response *r, weir_str bytes, weir_on_event on_event, void *ctx)
    __attribute__((warn_unused_result));

/* Nothing more comes: makes what the accessors give. Once. */
void response_complete(struct weir_response *r);
