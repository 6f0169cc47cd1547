/*
 * loop.h - one flat, level-triggered epoll loop per worker thread.
 *
 * An iteration: wait, run what became ready, run due timers, run what was posted from other
 * threads, then run what was deferred (the one flush per dirty connection). Everything here belongs
 * to the thread that runs the loop, but for loop_post() and loop_stop().
 */
#pragma once

#include <stdint.h>
#include <stdbool.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_task;

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);

/* One iteration that waits at most `wait_us` (-1: as long as it takes). For tests and embedders. */
void loop_step(struct loop *loop, int64_t wait_us);

/* [safe] Ends loop_run() after the current iteration. */
void loop_stop(struct loop *loop);

/* Monotonic clock in microseconds, read once an iteration. */
int64_t loop_now(const struct loop *loop);

/* Wall clock in microseconds since 1970, consistent with loop_now(). */
int64_t loop_unix_now(const struct loop *loop);

/* From now on the clock stands at `now_us` and is only moved by this. For rehearsals and replays,
 * which do not wait; nothing outside may be waited for. */
void loop_set_clock(struct loop *loop, int64_t now_us);

/* When the next timer is due; INT64_MAX: none is set. */
int64_t loop_next_timer(const struct loop *loop);

/* "Sun, 06 Nov 1994 08:49:37 GMT", remade once a second; 29 characters. */
const char *loop_http_date(struct loop *loop);

/* A watched file descriptor, embedded in its owner. */
struct loop_io {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT, ... being waited for */
    void (*ready)(struct loop_io *io, uint32_t events);
};

/* Starts, changes or (events 0) ends the watch. loop_unwatch() must come before close(fd), and may
 * be called inside any callback: nothing already collected is delivered to it afterwards. */
bool loop_watch(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
                void (*ready)(struct loop_io *, uint32_t));
void loop_unwatch(struct loop *loop, struct loop_io *io);

/* A one-shot timer, embedded in its owner; zero it before first use. */
struct loop_timer {
    int64_t at_us;
    uint32_t slot; /* 0: not set */
    void (*fire)(struct loop_timer *timer);
};

/* Sets or moves the timer. The past means the next iteration. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_us,
                    void (*fire)(struct loop_timer *));
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Something to run once at the end of this iteration, embedded in its owner; zero before use.
 * Queueing it twice runs it once. */
struct loop_task {
    struct loop_task *next;
    bool queued;
    void (*run)(struct loop_task *task);
};

void loop_defer(struct loop *loop, struct loop_task *task, void (*run)(struct loop_task *));
void loop_defer_cancel(struct loop *loop, struct loop_task *task);

/* [safe] Runs `fn(arg)` on the loop's thread, in order of posting. False: out of memory. */
bool loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);
