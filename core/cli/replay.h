/*
 * replay.h - a recorded request, routed again through a tree.
 *
 * The same walk asks the same strategies. As long as they decide as recorded, they see exactly what
 * was recorded: views, tries, state, clock, seed. From the first other decision on, views are the
 * last ones recorded of each target, and an attempt that was not made then ends like one of the
 * target's recorded attempts, drawn by the record's own seed.
 */
#pragma once

#include "engine/generation.h"

#include <jansson.h>

/* How a recorded attempt ended. */
struct outcome {
    int64_t took_us, first_us; /* first: after its start; 0: none */
    bool failed, silent;
    weir_failure failure; /* strings are interned */
    weir_usage usage;
};

struct replay {
    const struct generation *generation;
    const char *route;   /* NULL: the recorded one */
    GHashTable *pools;   /* target name -> GArray of struct outcome */
    GHashTable *views;   /* target name -> weir_child as recorded last */
    GHashTable *targets; /* target name -> struct replay_target: what was asked in the replay */
    struct loop *loop;
};

struct replay_target {
    guint asked, drawn, failed;
};

/* What became of one record. */
struct replayed {
    char *why_not;        /* it could not be replayed; else NULL */
    guint asked, changed; /* decisions made again on the same question; of them other ones */
    guint assumed;        /* taken as recorded: they stand on text that is not in the record */
    bool diverged;
    bool unknown;   /* it came to a target without samples: no estimate */
    guint drawn;    /* attempts that ended as drawn */
    char *was, *is; /* the first decision that differs; NULL: none */
    bool failed;    /* what follows is an estimate if `drawn` */
    int64_t took_us;
    int64_t cost; /* millionths; -1: a price or count is missing */
};

void replay_init(struct replay *r, const struct generation *generation);
void replay_clear(struct replay *r);

/* It is the record of a copy that a request left behind (shadow): nothing but an outcome. */
bool replay_is_copy(const json_t *record);

/* First pass: takes a record's attempts into the pools. */
void replay_learn(struct replay *r, const json_t *record);
/* Second pass. `out` is cleared with replayed_clear(). */
void replay_one(struct replay *r, const json_t *record, struct replayed *out);
void replayed_clear(struct replayed *out);

/* What the record itself says came of it. */
void replay_recorded(const json_t *record, struct replayed *out);
