/*
 * trace.h - what the nodes of a tree were asked in one request, and what they said.
 *
 * Kept in the request's own memory, as strategies saw it: views, tries and state bytes are copies.
 */
#pragma once

#include "route/walk.h"

struct trace_ask {
    struct trace_ask *next;
    const struct node *node;
    const struct target **targets; /* by child; NULL: the child is a node */
    weir_ask ask;                  /* arrays, budget and state are copies */
    weir_decision decision;        /* verb 0: the strategy failed */
};

struct trace {
    struct trace_ask *first, *last;
    uint32_t count;
    size_t bytes;
    uint64_t seed; /* the walk's, before the first ask */
    bool full;     /* there was more than is kept */
};

/* For walk_ops: before a node is asked, and when it has answered. */
void trace_asking(struct trace *trace, struct walk *walk, const struct node *node,
                  const weir_ask *ask);
void trace_decided(struct trace *trace, const weir_decision *decision);

/* "start", "failed", "timer", "ready"; "pick", "wait", "give_up", "refuse". */
const char *trace_why(uint32_t why);
const char *trace_verb(uint32_t verb);

/* The names of WEIR_BLOCKED_* bits with ", " between them; "" for none. */
void trace_blocks(uint32_t blocked, char *out, size_t size);
