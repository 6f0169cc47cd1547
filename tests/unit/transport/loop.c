/*
 * loop.c - order within an iteration, and that ending something inside a callback ends it.
 */
#include "transport/loop.h"

#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static GString *trace;

/* ---- watches ---- */

struct watched {
    struct loop_io io;
    struct watched *victim;
    int calls;
    uint32_t events;
};

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct watched *w = (struct watched *)(void *)io;
    w->calls++;
    w->events = events;
    if (w->victim)
        loop_unwatch(loop, &w->victim->io);
}

static void test_unwatch_forgets_what_was_collected(void)
{
    int a[2], b[2];
    struct watched wa = { 0 }, wb = { 0 };
    loop = loop_new();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, a), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, b), ==, 0);
    wa.victim = &wb;
    wb.victim = &wa;
    g_assert_true(loop_watch(loop, &wa.io, a[0], EPOLLIN, on_ready));
    g_assert_true(loop_watch(loop, &wb.io, b[0], EPOLLIN, on_ready));
    g_assert_cmpint(write(a[1], "x", 1), ==, 1);
    g_assert_cmpint(write(b[1], "x", 1), ==, 1);
    loop_step(loop, 0);
    loop_step(loop, 0);
    /* Whichever came first ended the other; it stays ready itself. */
    g_assert_cmpint(MIN(wa.calls, wb.calls), ==, 0);
    g_assert_cmpint(MAX(wa.calls, wb.calls), ==, 2);
    loop_free(loop);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void test_watch_changes(void)
{
    int a[2];
    struct watched w = { 0 };
    loop = loop_new();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, a), ==, 0);
    g_assert_true(loop_watch(loop, &w.io, a[0], EPOLLIN, on_ready));
    loop_step(loop, 0);
    g_assert_cmpint(w.calls, ==, 0);
    g_assert_true(loop_watch(loop, &w.io, a[0], EPOLLIN | EPOLLOUT, on_ready));
    loop_step(loop, 0);
    g_assert_cmpint(w.calls, ==, 1);
    g_assert_cmpuint(w.events, ==, EPOLLOUT);
    g_assert_true(loop_watch(loop, &w.io, a[0], 0, on_ready));
    loop_step(loop, 0);
    g_assert_cmpint(w.calls, ==, 1);
    g_assert_false(loop_watch(loop, &w.io, -1, EPOLLIN, on_ready));
    loop_unwatch(loop, &w.io);
    loop_free(loop);
    close(a[0]);
    close(a[1]);
}

/* ---- timers ---- */

struct timed {
    struct loop_timer timer;
    int64_t due;
    int fired;
};

static int64_t last_due;
static int fired_count;

static void on_fire(struct loop_timer *timer)
{
    struct timed *t = (struct timed *)(void *)timer;
    g_assert_cmpint(t->due, >=, last_due);
    g_assert_cmpint(t->due, <=, loop_now(loop));
    last_due = t->due;
    t->fired++;
    fired_count++;
}

static void test_timers_fire_in_order(void)
{
    enum { N = 500 };
    static struct timed t[N];
    memset(t, 0, sizeof(t));
    loop = loop_new();
    last_due = fired_count = 0;
    GRand *rand = g_rand_new_with_seed(3);
    int64_t base = loop_now(loop);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            t[i].due = base + g_rand_int_range(rand, 1, 20000);
            loop_timer_set(loop, &t[i].timer, t[i].due, on_fire);
        }
    }
    for (int i = 0; i < N; i += 3)
        loop_timer_clear(loop, &t[i].timer);
    loop_timer_clear(loop, &t[0].timer);
    int want = N - (N + 2) / 3;
    while (fired_count < want)
        loop_step(loop, -1);
    for (int i = 0; i < N; i++) {
        g_assert_cmpint(t[i].fired, ==, i % 3 ? 1 : 0);
        g_assert_cmpuint(t[i].timer.slot, ==, 0);
    }
    g_rand_free(rand);
    loop_free(loop);
}

static void on_fire_again(struct loop_timer *timer)
{
    fired_count++;
    loop_timer_set(loop, timer, 0, on_fire_again);
}

static void test_timer_in_the_past_waits_an_iteration(void)
{
    struct loop_timer timer = { 0 };
    loop = loop_new();
    fired_count = 0;
    loop_timer_set(loop, &timer, 0, on_fire_again);
    for (int i = 1; i <= 5; i++) {
        loop_step(loop, 1000000);
        g_assert_cmpint(fired_count, ==, i);
    }
    loop_free(loop);
}

/* ---- tasks, posts ---- */

static struct loop_task task_a, task_b, task_c;

static void run_c(struct loop_task *task)
{
    (void)task;
    g_string_append_c(trace, 'c');
}

static void run_b(struct loop_task *task)
{
    (void)task;
    g_string_append_c(trace, 'b');
}

static void run_a(struct loop_task *task)
{
    g_string_append_c(trace, 'a');
    loop_defer_cancel(loop, &task_b);
    loop_defer(loop, task, run_a);
}

static void test_deferred(void)
{
    loop = loop_new();
    trace = g_string_new(NULL);
    loop_defer(loop, &task_a, run_a);
    loop_defer(loop, &task_b, run_b);
    loop_defer(loop, &task_c, run_c);
    loop_defer(loop, &task_c, run_c);
    loop_step(loop, -1);
    g_assert_cmpstr(trace->str, ==, "ac");
    loop_defer(loop, &task_b, run_b);
    loop_step(loop, -1); /* does not wait: a task is queued */
    g_assert_cmpstr(trace->str, ==, "aca");
    loop_defer(loop, &task_c, run_c);
    loop_defer_cancel(loop, &task_c);
    loop_defer(loop, &task_b, run_b);
    loop_defer_cancel(loop, &task_a);
    loop_step(loop, 0);
    g_assert_cmpstr(trace->str, ==, "acab");
    g_string_free(trace, TRUE);
    loop_free(loop);
}

static int posted;

static void on_post(void *arg)
{
    g_assert_cmpint(GPOINTER_TO_INT(arg), ==, posted);
    if (++posted == 1000)
        loop_stop(loop);
}

static void *post_thread(void *arg)
{
    for (int i = 0; i < 1000; i++)
        g_assert_true(loop_post(loop, on_post, GINT_TO_POINTER(i)));
    return arg;
}

static void test_posts_come_in_order(void)
{
    loop = loop_new();
    posted = 0;
    GThread *thread = g_thread_new("post", post_thread, NULL);
    loop_run(loop);
    g_assert_cmpint(posted, ==, 1000);
    g_thread_join(thread);
    /* A stop before the run is not lost; what was posted and not run is dropped. */
    loop_stop(loop);
    loop_run(loop);
    g_assert_true(loop_post(loop, on_post, NULL));
    loop_free(loop);
}

static void test_clock(void)
{
    loop = loop_new();
    int64_t drift = loop_unix_now(loop) - g_get_real_time();
    g_assert_cmpint(ABS(drift), <, 60 * 1000000);
    const char *date = loop_http_date(loop);
    g_assert_cmpuint(strlen(date), ==, 29);
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(loop_unix_now(loop) / 1000000);
    g_autofree char *clock = g_date_time_format(t, "%Y %H:%M:%S GMT");
    g_assert_true(g_str_has_suffix(date, clock));
    loop_free(loop);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_test_add_func("/loop/unwatch", test_unwatch_forgets_what_was_collected);
    g_test_add_func("/loop/watch", test_watch_changes);
    g_test_add_func("/loop/timers", test_timers_fire_in_order);
    g_test_add_func("/loop/timer-past", test_timer_in_the_past_waits_an_iteration);
    g_test_add_func("/loop/deferred", test_deferred);
    g_test_add_func("/loop/posts", test_posts_come_in_order);
    g_test_add_func("/loop/clock", test_clock);
    return g_test_run();
}
