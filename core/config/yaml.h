/*
 * yaml.h - a configuration file as a small tree that remembers where everything stands.
 *
 * Strict: keys are plain scalars and unique, one document a file, no tags but !!str. Anchors,
 * aliases and merge keys (<<) work; an alias shares the node it names, so nodes are never changed
 * after parsing (but see expand.h). Depth and size, aliases counted at each use, are bounded.
 */
#pragma once

#include "config/fault.h"

enum {
    YAML_LIMIT_DEPTH = 64,
    YAML_LIMIT_NODES = 100000, /* aliases counted as what they stand for */
    YAML_LIMIT_BYTES = 4 << 20,
};

enum ynode_kind { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };

struct ynode {
    enum ynode_kind kind;
    struct place at;
    /* Scalars. */
    char *raw;              /* as written, without quotes; what messages may show */
    char *text;             /* its value; differs from `raw` where variables were resolved */
    gboolean plain;         /* not quoted */
    guint variables;        /* how many ${...} it holds */
    gboolean given_default; /* a non-empty default stood in for a variable */
    gboolean bad;           /* a fault was noted already: readers fail without another */
    /* Lists and maps. A map has as many `keys` (scalars) as `values`. */
    GPtrArray *keys;
    GPtrArray *values;
    GHashTable *index; /* maps: key text -> 1 + position */
    gsize weight;      /* nodes below, itself included, aliases expanded */
};

/* Owns the nodes of all files that were parsed into it. */
struct ytree {
    GPtrArray *nodes; /* of struct ynode */
    GPtrArray *files; /* of strings */
};

struct ytree *ytree_new(void);
void ytree_free(struct ytree *t);
typedef struct ytree ytree;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ytree, ytree_free)

/* Parses one file; `name` is what messages call it. The root, or NULL with faults noted. An empty
 * file is an empty map. */
struct ynode *ytree_parse(struct ytree *t, const char *name, const char *text, gsize len,
                          struct faults *faults);

/* A new node at `at`, owned by the tree. */
struct ynode *ynode_new(struct ytree *t, enum ynode_kind kind, const struct place *at);

/* Adds an entry to a map; FALSE if the key is there already. */
gboolean ynode_add(struct ynode *map, struct ynode *key, struct ynode *value);

/* The value of `key`, or NULL. `map` may be NULL. */
struct ynode *ynode_get(const struct ynode *map, const char *key);
/* The key itself, for its place. */
struct ynode *ynode_key(const struct ynode *map, const char *key);

/* Nothing was written: an empty plain scalar, ~ or null. */
gboolean ynode_is_null(const struct ynode *n);

static inline guint ynode_count(const struct ynode *n)
{
    return n->values ? n->values->len : 0;
}

static inline struct ynode *ynode_at(const struct ynode *n, guint i)
{
    return g_ptr_array_index(n->values, i);
}

static inline struct ynode *ynode_key_at(const struct ynode *n, guint i)
{
    return g_ptr_array_index(n->keys, i);
}

/* For messages: "'abc'" as written and shortened, "a list", "a map", "nothing". Free with
 * g_free(). */
char *ynode_show(const struct ynode *n);
