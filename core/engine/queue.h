/*
 * queue.h - exchanges of one worker that wait for a limit to pass or a target to recover.
 *
 * In order of priority, then of arrival. Those who wait for the same thing have the same key: when
 * the first of them tries again and gets nowhere, the others need not try. Newcomers cannot
 * overtake: what is free goes to who waits the moment it is free. Whatever happens, nobody waits
 * past its own last moment.
 */
#pragma once

#include "transport/loop.h"

struct exchange;
struct worker;

/* As part of an exchange. */
struct waiter {
    struct exchange *next, *prev;
    uint64_t key;
    int64_t ready_us; /* to be tried again then */
    int64_t last_us;  /* whatever comes, it is tried then; it does not wait any more */
    int priority;
};

/* As part of a worker. */
struct queue {
    struct exchange *first, *last;
    struct loop_timer timer;
    struct loop_task task;
    bool looking; /* inside queue_look() */
};

/* Makes `e` wait. False: there is no room for it; somebody of lower priority has to go first. */
bool queue_join(struct exchange *e, uint64_t key, int64_t ready_us, int64_t last_us);
void queue_leave(struct exchange *e);

/* Something has ended: who waits for it may be tried, at the end of this iteration. */
void queue_wake(struct worker *w);
