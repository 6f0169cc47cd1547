/*
 * walk.h - one request's way through a route tree.
 *
 * The walk asks nodes, keeps their history, and tells its owner which leaf to try. The owner tells
 * it how the tries end. All of it runs on the exchange's thread.
 */
#pragma once

#include "route/tree.h"
#include "transport/loop.h"

struct walk;
struct visit;
struct opaque;

enum {
    WALK_MAX_DEPTH = 16,
    WALK_MAX_SILENT = 16,
    WALK_MAX_ASKS = 4096, /* over all nodes: each has its own bound, but those multiply */
    WALK_LEAVES = 4,      /* looked up once a walk; more than so many, again and again */
};

/* What a leaf without a model of its own stands for in this walk. */
struct walk_leaf {
    const struct child *leaf; /* NULL: not looked up yet */
    struct target *target;
    weir_str model;
    bool found;
};

/* One try at one child. The ABI's part comes first: strategies read an array of these. */
struct walk_try {
    weir_try abi;
    struct visit *visit; /* the node whose try it is */
    struct visit *below; /* the child's own visit, if the child is a node */
};

/* What the owner is told to do. */
struct walk_ops {
    /* Start an attempt at `leaf`. Never fails on the spot: a failure is reported later through
     * walk_failed(). */
    void (*attempt)(struct walk *walk, struct walk_try *t, const struct child *leaf,
                    struct target *target, weir_str model);
    /* The tree has no answer. `failure` is the best account of why; `ready_us` is when a blocked
     * leaf may be asked again (INT64_MAX: none heals by time). */
    void (*over)(struct walk *walk, const weir_failure *failure, int64_t ready_us);
    /* A node is asked, and has answered; for records and for replaying them, which may change the
     * views, the state and the decision. Under the node's lock. May be NULL. */
    void (*asking)(struct walk *walk, const struct node *node, weir_ask *ask);
    void (*decided)(struct walk *walk, const struct node *node, const weir_ask *ask,
                    weir_decision *decision);
    /* A child gets a copy of the request, for all that the walk knows at once. May be NULL. */
    void (*copy)(struct walk *walk, const struct child *child);
    /* How a leaf stands, where that is not this process's to say (a replay). May be NULL. */
    void (*leaf)(struct walk *walk, const struct target *target, weir_child *view);
};

struct walk {
    const struct walk_ops *ops;
    struct loop *loop;
    struct arena *arena;
    const weir_facts *facts;
    weir_budget budget; /* kept up to date by the owner */
    weir_str asked;     /* the model, after the resolution of names */
    bool forced;        /* `asked` is sent as it is by leaves without a model */
    bool strict;        /* loss: strict */
    bool prefill;       /* only targets that go on from a partial answer */
    weir_str native;    /* forward: only providers that take this dialect natively; else empty */
    const struct opaque *opaque; /* what only some provider can read; NULL: nothing */
    uint64_t seed;
    int64_t tokens; /* that an attempt is expected to use; -1: none that count */
    struct visit *root;
    struct walk_leaf leaves[WALK_LEAVES];
    uint8_t leaf_next; /* of `leaves`, to be overwritten */
    struct target *silent[WALK_MAX_SILENT];
    uint32_t silent_count;
    uint32_t running; /* attempts */
    const weir_failure *last_failure;
    struct visit *due; /* to be asked next; asking is a loop, not a recursion */
    uint32_t asks;
    bool asking;
    bool stopped;
};

/* Begins at a node. May call ops before it returns. `why`: WEIR_ASK_START, or WEIR_ASK_READY after
 * the tree had no answer and it was waited for a blocked leaf. */
void walk_start(struct walk *walk, const struct node *root, uint32_t why);

/* Why that child may not be picked now; NULL: it may. */
const weir_failure *walk_refusal(struct walk *walk, const struct child *child);

/* An attempt failed. `silent`: by saying nothing, so that its target is not asked again. */
void walk_failed(struct walk *walk, struct walk_try *t, const weir_failure *failure, bool silent);

/* An attempt's answer begins to reach the application. */
void walk_committed(struct walk *walk, struct walk_try *t);

/* An attempt succeeded: tells the strategies above it. */
void walk_succeeded(struct walk *walk, struct walk_try *t, int64_t first_us,
                    const weir_usage *usage);

/* An attempt ended and nobody is to be asked for another: tells the strategies above it. */
void walk_lost(struct walk *walk, struct walk_try *t, const weir_failure *failure);

/* No further asks, no timers. */
void walk_stop(struct walk *walk);

/* Fills in how a leaf or node stands for this request. For `weir routes` and the walk itself. */
void walk_view(struct walk *walk, const struct child *child, weir_child *view);

/* What a request at a target is expected to cost, in millionths of a dollar; -1: nobody knows. */
int64_t walk_price(const struct walk *walk, const struct provider *p, const struct target *target,
                   weir_str model);

/* The limits that count for this request at a provider: a list of models is nobody's quota. */
const struct limits *walk_limits(const struct walk *walk, const struct provider *p);

/* Which limit a child with WEIR_BLOCKED_LIMIT is at: its class, and words into `text`. */
unsigned walk_limit_words(struct walk *walk, const struct child *child, char *text, size_t size);

/* The record and model that a leaf stands for in this request. False: there is no model to send. */
bool walk_leaf(struct walk *walk, const struct child *leaf, weir_str *model,
               struct target **target);
