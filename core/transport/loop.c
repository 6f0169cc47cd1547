/*
 * loop.c - epoll, a binary heap of timers, a list of posted calls and a list of deferred tasks.
 *
 * A callback may end any watch, timer or task, its own included; what was already collected for
 * it in this iteration is then forgotten.
 */
#include "transport/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256 };

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
};

struct task_list {
    struct loop_task *first;
    struct loop_task **last; /* where the next one is linked in */
};

struct loop {
    int epoll_fd;
    struct loop_io wake; /* the eventfd that other threads write to */
    atomic_bool stopping;

    int64_t now;
    bool set_by_hand;
    int64_t unix_offset; /* wall clock minus monotonic clock */
    int64_t offset_at;   /* when that was measured */
    int64_t date_second; /* the second that `date` shows */
    char date[64];

    struct loop_timer **heap; /* 1-based: slot 0 means "not set" */
    uint32_t timers, heap_cap;

    struct task_list deferred; /* for the end of this iteration */
    struct task_list running;  /* being run now */

    pthread_mutex_t lock; /* of the posts */
    struct post *posts;
    struct post **posts_last;

    struct epoll_event ready[BATCH];
    int ready_count, ready_next;
};

/* ---- clocks ---- */

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void update_clock(struct loop *loop)
{
    if (loop->set_by_hand)
        return;
    loop->now = read_clock(CLOCK_MONOTONIC);
    /* Measured again once a second, so that a clock that was set is followed. */
    if (loop->now - loop->offset_at >= 1000000 || loop->offset_at == 0) {
        loop->unix_offset = read_clock(CLOCK_REALTIME) - loop->now;
        loop->offset_at = loop->now;
    }
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

int64_t loop_unix_now(const struct loop *loop)
{
    return loop->now + loop->unix_offset;
}

void loop_set_clock(struct loop *loop, int64_t now_us)
{
    loop->set_by_hand = true;
    loop->now = now_us;
}

int64_t loop_next_timer(const struct loop *loop)
{
    return loop->timers ? loop->heap[1]->at_us : INT64_MAX;
}

const char *loop_http_date(struct loop *loop)
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    int64_t second = loop_unix_now(loop) / 1000000;
    if (second == loop->date_second)
        return loop->date;
    time_t t = (time_t)second;
    struct tm tm;
    gmtime_r(&t, &tm);
    /* Not strftime(): its names follow the locale. */
    snprintf(loop->date, sizeof(loop->date), "%s, %02d %s %04d %02d:%02d:%02d GMT",
             days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
             tm.tm_min, tm.tm_sec);
    loop->date_second = second;
    return loop->date;
}

/* ---- watches ---- */

bool loop_watch(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
                void (*ready)(struct loop_io *, uint32_t))
{
    if (events == 0) {
        loop_unwatch(loop, io);
        return true;
    }
    struct epoll_event ev = { .events = events, .data.ptr = io };
    int op = io->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!(io->events == events && io->fd == fd) && epoll_ctl(loop->epoll_fd, op, fd, &ev) != 0)
        return false;
    io->fd = fd;
    io->events = events;
    io->ready = ready;
    return true;
}

void loop_unwatch(struct loop *loop, struct loop_io *io)
{
    if (io->events == 0)
        return;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
    io->events = 0;
    for (int i = loop->ready_next; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == io)
            loop->ready[i].data.ptr = NULL;
    }
}

static void run_ready(struct loop *loop)
{
    while (loop->ready_next < loop->ready_count) {
        struct epoll_event *ev = &loop->ready[loop->ready_next++];
        struct loop_io *io = ev->data.ptr;
        if (!io)
            continue;
        /* The watch may have been narrowed since the event was collected. */
        uint32_t events = ev->events & (io->events | EPOLLERR | EPOLLHUP);
        if (events)
            io->ready(io, events);
    }
}

/* ---- timers ---- */

static void heap_put(struct loop *loop, uint32_t slot, struct loop_timer *timer)
{
    loop->heap[slot] = timer;
    timer->slot = slot;
}

static void heap_up(struct loop *loop, uint32_t slot, struct loop_timer *timer)
{
    while (slot > 1 && loop->heap[slot / 2]->at_us > timer->at_us) {
        heap_put(loop, slot, loop->heap[slot / 2]);
        slot /= 2;
    }
    heap_put(loop, slot, timer);
}

static void heap_down(struct loop *loop, uint32_t slot, struct loop_timer *timer)
{
    for (;;) {
        uint32_t child = slot * 2;
        if (child > loop->timers)
            break;
        if (child < loop->timers && loop->heap[child + 1]->at_us < loop->heap[child]->at_us)
            child++;
        if (loop->heap[child]->at_us >= timer->at_us)
            break;
        heap_put(loop, slot, loop->heap[child]);
        slot = child;
    }
    heap_put(loop, slot, timer);
}

static void heap_place(struct loop *loop, uint32_t slot, struct loop_timer *timer)
{
    if (slot > 1 && loop->heap[slot / 2]->at_us > timer->at_us)
        heap_up(loop, slot, timer);
    else
        heap_down(loop, slot, timer);
}

static void heap_grow(struct loop *loop)
{
    uint32_t cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
    struct loop_timer **heap = realloc(loop->heap, cap * sizeof(struct loop_timer *));
    /* A lost time limit would be a hang later on: better to stop here, where it can be seen. */
    if (!heap)
        abort();
    loop->heap = heap;
    loop->heap_cap = cap;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_us,
                    void (*fire)(struct loop_timer *))
{
    /* Later than this iteration, so that a timer that sets itself again cannot spin inside one. */
    timer->at_us = at_us > loop->now ? at_us : loop->now + 1;
    timer->fire = fire;
    if (timer->slot) {
        heap_place(loop, timer->slot, timer);
        return;
    }
    if (loop->timers + 2 > loop->heap_cap)
        heap_grow(loop);
    heap_up(loop, ++loop->timers, timer);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    uint32_t slot = timer->slot;
    if (!slot)
        return;
    timer->slot = 0;
    struct loop_timer *last = loop->heap[loop->timers--];
    if (last != timer)
        heap_place(loop, slot, last);
}

static void run_timers(struct loop *loop)
{
    while (loop->timers && loop->heap[1]->at_us <= loop->now) {
        struct loop_timer *timer = loop->heap[1];
        loop_timer_clear(loop, timer);
        timer->fire(timer);
    }
}

/* ---- deferred tasks ---- */

static void tasks_clear(struct task_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

void loop_defer(struct loop *loop, struct loop_task *task, void (*run)(struct loop_task *))
{
    task->run = run;
    if (task->queued)
        return;
    task->queued = true;
    task->next = NULL;
    *loop->deferred.last = task;
    loop->deferred.last = &task->next;
}

static bool tasks_remove(struct task_list *list, struct loop_task *task)
{
    for (struct loop_task **at = &list->first; *at; at = &(*at)->next) {
        if (*at != task)
            continue;
        *at = task->next;
        if (list->last == &task->next)
            list->last = at;
        return true;
    }
    return false;
}

void loop_defer_cancel(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        return;
    task->queued = false;
    if (!tasks_remove(&loop->running, task))
        tasks_remove(&loop->deferred, task);
}

/* What is deferred from here on waits for the next iteration, which then does not wait. */
static void run_deferred(struct loop *loop)
{
    if (!loop->deferred.first)
        return;
    loop->running.first = loop->deferred.first;
    loop->running.last = loop->deferred.last;
    tasks_clear(&loop->deferred);
    while (loop->running.first) {
        struct loop_task *task = loop->running.first;
        loop->running.first = task->next;
        if (!task->next)
            loop->running.last = &loop->running.first;
        task->queued = false;
        task->run(task);
    }
}

/* ---- other threads ---- */

static void wake_up(struct loop *loop)
{
    uint64_t one = 1;
    /* The only failure is a counter that is full, and then the loop is awake already. */
    ssize_t n = write(loop->wake.fd, &one, sizeof(one));
    (void)n;
}

bool loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct post *post = malloc(sizeof(*post));
    if (!post)
        return false;
    *post = (struct post){ .fn = fn, .arg = arg };
    pthread_mutex_lock(&loop->lock);
    bool first = !loop->posts;
    *loop->posts_last = post;
    loop->posts_last = &post->next;
    pthread_mutex_unlock(&loop->lock);
    if (first)
        wake_up(loop);
    return true;
}

static struct post *take_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct post *posts = loop->posts;
    loop->posts = NULL;
    loop->posts_last = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    return posts;
}

/* The eventfd: what it announces is looked at after the timers. */
static void on_wake(struct loop_io *io, uint32_t events)
{
    uint64_t count;
    ssize_t n = read(io->fd, &count, sizeof(count));
    (void)n;
    (void)events;
}

static void run_posts(struct loop *loop)
{
    struct post *post = take_posts(loop);
    while (post) {
        struct post *next = post->next;
        post->fn(post->arg);
        free(post);
        post = next;
    }
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake_up(loop);
}

/* ---- running ---- */

/* How long epoll may wait, in its milliseconds, rounded up so as not to spin before a timer. */
static int wait_ms(const struct loop *loop, int64_t wait_us)
{
    if (loop->deferred.first)
        return 0;
    if (loop->timers) {
        int64_t left = loop->heap[1]->at_us - read_clock(CLOCK_MONOTONIC);
        if (left < 0)
            left = 0;
        if (wait_us < 0 || left < wait_us)
            wait_us = left;
    }
    if (wait_us < 0)
        return -1;
    int64_t ms = (wait_us + 999) / 1000;
    return ms > 3600 * 1000 ? 3600 * 1000 : (int)ms;
}

void loop_step(struct loop *loop, int64_t wait_us)
{
    int n = epoll_wait(loop->epoll_fd, loop->ready, BATCH, wait_ms(loop, wait_us));
    loop->ready_count = n > 0 ? n : 0;
    loop->ready_next = 0;
    update_clock(loop);
    run_ready(loop);
    loop->ready_count = 0;
    run_timers(loop);
    run_posts(loop);
    run_deferred(loop);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->stopping))
        loop_step(loop, -1);
    atomic_store(&loop->stopping, false);
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return NULL;
    pthread_mutex_init(&loop->lock, NULL);
    loop->posts_last = &loop->posts;
    tasks_clear(&loop->deferred);
    tasks_clear(&loop->running);
    loop->date_second = -1;
    update_clock(loop);
    loop->wake.fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->epoll_fd < 0 || fd < 0 || !loop_watch(loop, &loop->wake, fd, EPOLLIN, on_wake)) {
        if (fd >= 0)
            close(fd);
        loop_free(loop);
        return NULL;
    }
    return loop;
}

/* What was posted and has not run is dropped. */
void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->wake.events)
        close(loop->wake.fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    struct post *post = take_posts(loop);
    while (post) {
        struct post *next = post->next;
        free(post);
        post = next;
    }
    pthread_mutex_destroy(&loop->lock);
    free(loop->heap);
    free(loop);
}
