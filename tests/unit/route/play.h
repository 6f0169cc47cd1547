/*
 * play.h - a node of the tree whose children are played under a simulated clock: how many requests
 * they have, how quick they are. No time passes while it runs.
 */
#pragma once

#include "route/tree.h"

enum { CHILDREN = 4, RUNNING = 20000 };

/* A request at a child. */
struct job {
    uint32_t child;
    int64_t start_us, first_us, end_us, tokens;
};

/* A node of the tree with children that are played. */
struct play {
    const struct node *node;
    weir_ask ask;
    weir_facts facts;
    weir_budget budget;
    weir_child child[CHILDREN];
    weir_try tries[2];
    uint64_t state[64];
    uint64_t child_state[CHILDREN][64];
    GRand *rand;
    /* How the children are: */
    int64_t ttft_us[CHILDREN], tpot_us[CHILDREN];
    bool queue; /* each serves one at a time */
    int64_t free_us[CHILDREN];
    int64_t seen_us[CHILDREN]; /* when its estimates were last fed */
    struct job *jobs;
    uint32_t count;
};

/* The root of that route. */
struct play *play_new(const struct tree *tree, const char *route);
void play_free(struct play *p);

weir_decision play_ask(struct play *p, uint32_t why);

/* The child that a new request goes to; it must go to one. */
uint32_t play_pick(struct play *p);

/* Gives the child a request; how long it takes there, in microseconds. */
int64_t play_start(struct play *p, uint32_t child);

/* The next request comes, `mean_us` after the last on average. */
void play_wait(struct play *p, int64_t mean_us);

/* How quick the children are. */
void play_all_alike(struct play *p, int64_t ttft_us, int64_t tpot_us);
