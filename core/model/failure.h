/*
 * failure.h - failure classes by name, and failures that outlive the call that made them.
 */
#pragma once

#include "base/arena.h"

#include <weir/event.h>

/* "rate_limit"; "internal" for numbers we do not know. */
const char *failure_class_name(unsigned class_id);

/* WEIR_CLASS_* by config name, or -1. */
int failure_class_find(weir_str name);

unsigned failure_family(unsigned class_id);

/* Whether the class says something about the target's health (breaker, error rate). */
bool failure_is_unhealthy(unsigned class_id);

/* A failure raised here: `message` is borrowed. */
weir_failure failure_local(unsigned class_id, weir_str message);

/* A copy whose strings live in the arena; the family is filled in. Never NULL: when the arena is
 * full, a failure that says so and is good until this thread needs the next such. */
weir_failure *failure_copy(struct arena *arena, const weir_failure *failure);

/* A local failure with a formatted message in the arena. Never NULL, as above. */
weir_failure *failure_format(struct arena *arena, unsigned class_id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes every occurrence of a secret out of a failure whose strings are the caller's own (see
 * failure_copy()): vendors repeat keys they do not know. */
void failure_redact(weir_failure *failure, weir_str secret);

/* The class that an HTTP status says when the body says nothing. */
unsigned failure_class_of_status(unsigned status);

/* Sets every field of a usage to "not reported". */
void usage_clear(weir_usage *usage);

/* Takes over the fields that `later` names. A count past 2^50 is none, and is not taken. */
void usage_merge(weir_usage *usage, const weir_usage *later);

bool usage_is_empty(const weir_usage *usage);

const char *op_name(unsigned op);
