/*
 * recorded.h - reads what stands in a decision record. Of what is missing or of another type, a
 * number is 0 and a text is empty. Texts live as long as the record.
 */
#pragma once

#include "base/arena.h"
#include "cli/replay.h"
#include "engine/fields.h"

int64_t record_number(const json_t *o, const char *key);
weir_str record_text(const json_t *o, const char *key);
bool record_is(const json_t *o, const char *key, const char *value);

/* Members of fields.h; those that are missing stay as they are. */
void record_fields(const json_t *o, const struct field *fields, size_t count, void *to);
#define RECORD_FIELDS(o, fields, to) record_fields(o, fields, G_N_ELEMENTS(fields), to)

/* State bytes, if there are `size` of them. */
void record_state(const json_t *o, void *to, size_t size);

/* False: there is no failure. */
bool record_failure(const json_t *o, weir_failure *failure);
void record_outcome(const json_t *attempt, struct outcome *o);
void record_facts(const json_t *from, struct arena *arena, weir_facts *f);

/* Millionths; prices per million tokens. -1: it is not known. */
int64_t record_cost(const weir_usage *u, int64_t in, int64_t out);
void record_add_cost(struct replayed *out, int64_t cost);
