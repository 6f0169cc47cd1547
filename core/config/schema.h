/*
 * schema.h - the keys of one map as a table: name, type, where the value goes.
 */
#pragma once

#include "config/load.h"

enum key_type {
    KEY_OTHER, /* known, read elsewhere */
    KEY_STRING,
    KEY_BOOL,
    KEY_UINT,     /* guint */
    KEY_INT,      /* gint */
    KEY_INT64,    /* gint64 */
    KEY_DURATION, /* gint64, microseconds */
    KEY_SIZE,     /* gsize */
    KEY_SIZE64,   /* guint64 */
};

struct key {
    const char *name;
    enum key_type type;
    gsize offset;    /* of the value in the struct being filled */
    gint64 min, max; /* KEY_UINT, KEY_INT, KEY_INT64, KEY_SIZE*: max 0 means no more than fits */
};

/* Reads the keys of `map` (may be NULL or written as nothing) into `to`; keys that are not there
 * leave it as it is. Unknown keys are faults unless `options` (may be NULL) has them. `what` is
 * how messages name the map: "limits", or NULL for the top level. */
void schema_read(struct load *l, const struct ynode *map, const char *what, const struct key *keys,
                 guint count, const struct plugin_part *options, void *to);

/* Notes a fault for every key of `map` that is not among `names`. */
void schema_known(struct load *l, const struct ynode *map, const char *what,
                  const char *const *names);

/* Whether `n` is a map; notes a fault if it is neither that nor nothing. `n` may be NULL. */
gboolean schema_is_map(struct load *l, const struct ynode *n, const char *what);
