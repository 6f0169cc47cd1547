/*
 * queue.c - see queue.h.
 */
#include "engine/queue.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

enum { SHUT_MAX = 16 }; /* keys that were found shut in one look; with more, it ends */

/* Keys nobody gets past just now. */
struct shut {
    uint64_t key[SHUT_MAX];
    int64_t ready_us[SHUT_MAX];
    uint32_t count;
};

static struct worker *worker_of(struct queue *q)
{
    return (struct worker *)((char *)q - offsetof(struct worker, queue));
}

static void look(struct queue *q);

static void on_timer(struct loop_timer *timer)
{
    look((struct queue *)((char *)timer - offsetof(struct queue, timer)));
}

static void on_wake(struct loop_task *task)
{
    look((struct queue *)((char *)task - offsetof(struct queue, task)));
}

static void arm(struct queue *q)
{
    struct loop *loop = worker_of(q)->loop;
    int64_t at = INT64_MAX;

    for (const struct exchange *e = q->first; e; e = e->waiter.next) {
        int64_t due = MIN(e->waiter.ready_us, e->waiter.last_us);

        at = MIN(at, due);
    }
    if (at != INT64_MAX)
        loop_timer_set(loop, &q->timer, at, on_timer);
    else
        loop_timer_clear(loop, &q->timer);
}

/* Puts it behind all that come first. Those who were tried and wait again keep their place. */
static void insert(struct queue *q, struct exchange *e)
{
    struct exchange *before = q->last;

    while (before &&
           (before->waiter.priority < e->waiter.priority ||
            (before->waiter.priority == e->waiter.priority && before->start_us > e->start_us)))
        before = before->waiter.prev;
    e->waiter.prev = before;
    e->waiter.next = before ? before->waiter.next : q->first;
    *(before ? &before->waiter.next : &q->first) = e;
    *(e->waiter.next ? &e->waiter.next->waiter.prev : &q->last) = e;
}

/* The last has to go for one that comes before it. */
static bool make_room(struct queue *q, int priority)
{
    struct exchange *last = q->last;
    weir_failure *failure;

    if (!last || last->waiter.priority >= priority)
        return false;
    failure = failure_format(&last->arena, WEIR_CLASS_RATE_LIMIT,
                             "the wait queue is full, and requests of higher priority came");
    failure->retry_after_us = 1000000;
    exchange_fail(last, failure);
    return true;
}

bool queue_join(struct exchange *e, uint64_t key, int64_t ready_us, int64_t last_us)
{
    struct worker *w = e->worker;
    int priority = exchange_priority(e);

    if (w->waiting >= e->generation->config->queue && !make_room(&w->queue, priority))
        return false;
    if (w->waiting >= e->generation->config->queue) /* there is no queue at all */
        return false;
    e->waiter = (struct waiter){ NULL, NULL, key, ready_us, last_us, priority };
    e->waiting = true;
    worker_count(&w->waiting, 1);
    insert(&w->queue, e);
    if (!w->queue.looking)
        arm(&w->queue);
    return true;
}

void queue_leave(struct exchange *e)
{
    struct queue *q = &e->worker->queue;

    e->waiting = false;
    worker_count(&e->worker->waiting, -1);
    *(e->waiter.prev ? &e->waiter.prev->waiter.next : &q->first) = e->waiter.next;
    *(e->waiter.next ? &e->waiter.next->waiter.prev : &q->last) = e->waiter.prev;
    if (!q->looking)
        arm(q);
}

static bool is_shut(const struct shut *shut, struct exchange *e)
{
    for (uint32_t i = 0; i < shut->count; i++) {
        if (shut->key[i] != e->waiter.key)
            continue;
        e->waiter.ready_us = MAX(e->waiter.ready_us, shut->ready_us[i]);
        return true;
    }
    return false;
}

/* The next whose time has come. */
static struct exchange *next_due(struct queue *q, const struct shut *shut, int64_t now)
{
    for (struct exchange *e = q->first; e; e = e->waiter.next) {
        bool closed = is_shut(shut, e);

        if (e->waiter.last_us <= now || (!closed && e->waiter.ready_us <= now))
            return e;
    }
    return NULL;
}

/* Lets those whose time has come try, the first first. */
static void look(struct queue *q)
{
    struct shut shut = { .count = 0 };
    int64_t now = loop_now(worker_of(q)->loop);
    struct exchange *e;

    if (q->looking)
        return;
    q->looking = true;
    while (shut.count < SHUT_MAX && (e = next_due(q, &shut, now))) {
        queue_leave(e);
        exchange_again(e);
        if (!e->waiting)
            continue;
        e->waiter.ready_us = MAX(e->waiter.ready_us, now + 1);
        shut.key[shut.count] = e->waiter.key;
        shut.ready_us[shut.count++] = e->waiter.ready_us;
    }
    q->looking = false;
    arm(q);
}

void queue_wake(struct worker *w)
{
    struct queue *q = &w->queue;

    if (!q->first)
        return;
    /* Who waits for the end of something was given a guess, and may be tried now. */
    for (struct exchange *e = q->first; e; e = e->waiter.next) {
        if (e->waiter.ready_us <= loop_now(w->loop) + LIMIT_SLOT_WAIT_US)
            e->waiter.ready_us = loop_now(w->loop);
    }
    loop_defer(w->loop, &q->task, on_wake);
}
