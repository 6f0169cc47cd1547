/*
 * grove.h - route trees made by hand, with strategies that are functions of the test, and an owner
 * that only takes notes: what core/route/walk.c needs around it.
 */
#pragma once

#include "clock.h"
#include "route/walk.h"

struct planted;

/* What a strategy of a test does. `p->asks` counts this ask already. */
typedef weir_result (*plant_next)(struct planted *p, const weir_ask *ask, weir_decision *d);

/* A node with its strategy. Give it leaves and nodes before it is walked. */
struct planted {
    struct node node;
    struct plugin_part part;
    struct node_state state;
    struct child children[32];
    plant_next next;
    const weir_decision *list; /* for plant_listed: the decisions, one after the other */
    uint32_t asks;
    GString *log; /* "start", "failed", "timer" for each ask; outcomes as "+0" and "-0:class" */
};

struct planted *plant(const char *path, plant_next next);
void plant_free(struct planted *p);

/* A leaf with a target record nobody else has. */
struct target *plant_leaf(struct planted *p, const char *name);
void plant_node(struct planted *p, struct planted *below);

/* What a leaf's provider can do; the same for all. */
extern weir_provider_v1 plant_face;
extern struct provider plant_provider;

/* Strategies. */
weir_result plant_listed(struct planted *p, const weir_ask *ask, weir_decision *d);
/* In order, one try each, then gives up; waits at other asks. */
weir_result plant_in_order(struct planted *p, const weir_ask *ask, weir_decision *d);
weir_result plant_give_up(struct planted *p, const weir_ask *ask, weir_decision *d);
/* Child 0, whatever happened. */
weir_result plant_stubborn(struct planted *p, const weir_ask *ask, weir_decision *d);

const weir_child *plant_child(const weir_ask *ask, uint32_t i);
const weir_try *plant_try(const weir_ask *ask, uint32_t i);

/* One request. */
struct stroll {
    struct walk walk;
    struct arena arena;
    struct loop *loop;
    weir_facts facts;
    struct walk_try *tries[512]; /* attempts, in order of start */
    uint32_t count;
    GString *log; /* names of the leaves that were tried */
    const weir_failure *over;
    int64_t ready_us;
    uint32_t overs;
    unsigned fail_with; /* class that attempts fail with at once; 0: they run */
    struct loop_timer failing;
};

struct stroll *stroll_new(void);
void stroll_free(struct stroll *s);
void stroll_start(struct stroll *s, struct planted *root);

/* Moves the clock and runs what is due. */
void stroll_pass(struct stroll *s, int64_t us);

/* Attempt number `i` ends. */
void stroll_fail(struct stroll *s, uint32_t i, unsigned class_id);
void stroll_fail_silent(struct stroll *s, uint32_t i);

/* How the walk ended; "" if it has not. */
const char *stroll_over(const struct stroll *s);
char *stroll_message(const struct stroll *s);
