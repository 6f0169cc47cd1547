/*
 * exchange.c - the life and death of an exchange. See exchange.h.
 */
#include "engine/exchange.h"
#include "base/str.h"
#include "engine/access.h"
#include "engine/stats.h"
#include "model/failure.h"

enum { EXCHANGE_MEMORY = 1 << 30 };

static void free_exchange(struct loop_task *task)
{
    struct exchange *e = (struct exchange *)((char *)task - offsetof(struct exchange, cleanup));
    struct worker *w = e->worker;
    struct worker_generation *wg = e->wg;

    arena_reset(&e->arena);
    g_slice_free(struct exchange, e);
    worker_generation_release(w, wg);
}

static void on_deadline(struct loop_timer *timer)
{
    struct exchange *e = (struct exchange *)((char *)timer - offsetof(struct exchange, timer));
    weir_failure *failure;

    if (e->over)
        return;
    if (e->waiting && loop_now(e->worker->loop) < e->walk.budget.deadline_us) {
        e->waiting = false;
        worker_count(&e->worker->waiting, -1);
        loop_timer_set(e->worker->loop, &e->timer, e->walk.budget.deadline_us, on_deadline);
        walk_start(&e->walk, e->root);
        return;
    }
    failure = failure_format(&e->arena, WEIR_CLASS_BUDGET,
                             "no answer within the request's deadline of %.1f s",
                             (double)(e->walk.budget.deadline_us - e->start_us) / 1e6);
    exchange_fail(e, failure);
}

void exchange_budget(struct exchange *e)
{
    int64_t limit = e->route && e->route->config->deadline_us ? e->route->config->deadline_us
                                                              : 600 * G_USEC_PER_SEC;

    e->walk.budget = (weir_budget){
        .struct_size = sizeof(weir_budget),
        .attempts_left = e->route && e->route->config->attempts ? e->route->config->attempts : 16,
        .deadline_us = e->start_us + limit,
        .money_left = -1,
    };
    loop_timer_set(e->worker->loop, &e->timer, e->walk.budget.deadline_us, on_deadline);
}

/* "wr" and sixteen hexadecimal digits. */
static void make_id(char id[20], uint64_t random)
{
    static const char hex[] = "0123456789abcdef";

    id[0] = 'w', id[1] = 'r';
    for (int i = 17; i > 1; i--, random >>= 4)
        id[i] = hex[random & 15];
    id[18] = '\0';
}

struct exchange *exchange_new(struct worker *w, const struct exchange_start *start)
{
    struct exchange *e = g_slice_new0(struct exchange);

    e->worker = w;
    e->wg = worker_generation_hold(w);
    e->generation = e->wg->generation;
    e->start_us = start->start_us;
    e->unix_us = loop_unix_now(w->loop);
    e->front_ops = start->front_ops;
    e->front = start->front;
    e->dialect = start->match->endpoint->dialect;
    e->speaker = start->speaker ? start->speaker : e->dialect;
    e->attempts_end = &e->attempts;
    arena_init(&e->arena, EXCHANGE_MEMORY);
    e->seed = worker_random(w);
    make_id(e->id, worker_random(w));
    if (start->peer)
        g_strlcpy(e->peer, start->peer, sizeof e->peer);
    e->in = (weir_ingress){
        .struct_size = sizeof(e->in),
        .endpoint = start->match->endpoint->number,
        .id = str_of(e->id),
        .method = start->method,
        .path = start->path,
        .query = start->query,
        .headers = start->headers,
        .header_count = start->header_count,
        .unix_us = e->unix_us,
        .arena = arena_abi(&e->arena),
        .capture_count = start->match->capture_count,
    };
    e->target_path = start->target;
    e->facts = (weir_facts){
        .struct_size = sizeof(weir_facts),
        .op = start->match->endpoint->abi->op,
        .input_tokens = -1,
        .output_tokens = -1,
    };
    exchange_captures(e, start->match);
    e->next = w->exchanges;
    if (e->next)
        e->next->prev = e;
    w->exchanges = e;
    worker_count(&w->exchange_count, 1);
    exchange_budget(e);
    return e;
}

weir_exchange exchange_view(struct exchange *e)
{
    return (weir_exchange){
        .struct_size = sizeof(weir_exchange),
        .op = e->facts.op,
        .stream = e->facts.stream,
        .id = str_of(e->id),
        .dialect = str_of(e->dialect->face->id),
        .now_us = loop_now(e->worker->loop),
        .unix_us = loop_unix_now(e->worker->loop),
        .seed = e->seed,
        .arena = e->in.arena,
        .request = e->translated ? &e->canonical : &e->json,
        .body = e->in.body,
        .method = e->in.method,
        .path = e->target_path,
        .headers = e->in.headers,
        .header_count = e->in.header_count,
        .asked_usage = e->facts.asked_usage,
        .asked_model = e->facts.model,
    };
}

void exchange_warn(struct exchange *e, weir_str topic, weir_str text)
{
    struct warning *w;

    for (uint32_t i = 0; i < e->warning_count; i++) {
        if (str_eq(e->warnings[i].topic, topic) && str_eq(e->warnings[i].text, text))
            return;
    }
    if (e->warning_count == EXCHANGE_MAX_WARNINGS)
        return;
    w = &e->warnings[e->warning_count++];
    w->topic = arena_copy(&e->arena, topic);
    w->text = arena_copy(&e->arena, text);
}

/* -- the end ---------------------------------------------------------------------------------- */

static void close_front(struct exchange *e)
{
    void *front = e->front;

    e->front = NULL;
    if (!front)
        return;
    if (e->closing == CLOSING_END)
        e->front_ops->end(front);
    else
        e->front_ops->abort(front);
}

void exchange_finish(struct exchange *e)
{
    const weir_failure lost = failure_local(WEIR_CLASS_CANCELLED, S("no longer needed"));
    struct worker *w = e->worker;

    if (e->over)
        return;
    e->over = true;
    e->end_us = loop_now(w->loop);
    walk_stop(&e->walk);
    loop_timer_clear(w->loop, &e->timer);
    if (e->waiting)
        worker_count(&w->waiting, -1);
    for (struct attempt *a = e->attempts; a; a = a->next)
        attempt_cancel(a, &lost);
    if (e->started) {
        stats_exchange(w->stats, e);
        if (e->generation->log_each)
            access_log_exchange(w->log, e);
    }
    for (struct attempt *a = e->attempts; a; a = a->next) {
        if (a->player)
            script_stop(a);
        buf_free(&a->held);
        framer_finish(&a->framer);
    }
    if (e->local)
        buf_free(&e->local->held);
    buf_free(&e->upload);
    if (e->next)
        e->next->prev = e->prev;
    if (e->prev)
        e->prev->next = e->next;
    else
        w->exchanges = e->next;
    worker_count(&w->exchange_count, -1);
    close_front(e);
    loop_defer(w->loop, &e->cleanup, free_exchange);
}

void exchange_cancel(struct exchange *e, unsigned status)
{
    struct attempt *a = e->winner;

    if (e->over)
        return;
    e->front = NULL;
    /* It has read the last byte it wanted and goes before the provider's connection has ended. */
    if (a && a->running && !a->raw && order_complete(&a->order)) {
        attempt_succeed(a);
        return;
    }
    e->started = true;
    e->status = status ? status : 499; /* as nginx counts a client that went away */
    e->failure =
        failure_format(&e->arena, status ? WEIR_CLASS_INVALID_REQUEST : WEIR_CLASS_CANCELLED,
                       status ? "the request was not received whole" : "the application went away");
    exchange_finish(e);
}

void exchange_fail(struct exchange *e, const weir_failure *failure)
{
    if (e->over)
        return;
    e->failure = failure_copy(&e->arena, failure);
    walk_stop(&e->walk);
    if (e->front)
        reply_failure(e, failure);
    exchange_finish(e);
}

void exchange_refuse(struct exchange *e, unsigned class_id, const char *message)
{
    weir_failure failure = failure_local(class_id, str_of(message));

    e->started = true;
    exchange_fail(e, &failure);
}

void exchange_writable(struct exchange *e)
{
    for (struct attempt *a = e->attempts; a; a = a->next) {
        if (a->running && a->committed)
            attempt_pause(a, false);
    }
}

/* -- what the walk says ----------------------------------------------------------------------- */

enum { QUEUE_WAIT_US = 30 * 1000 * 1000 };

/* Whether it is worth waiting for `ready_us`: only for what heals by a promised time (a vendor's
 * Retry-After, a limit of our own), and not for long. */
static bool worth_waiting(const struct exchange *e, const weir_failure *failure, int64_t ready_us)
{
    if (ready_us == INT64_MAX || ready_us <= 0)
        return false;
    if (failure_family(failure->class_id) != WEIR_CLASS_RATE_LIMIT)
        return false;
    if (e->facts.op == WEIR_OP_FORWARD || e->walk.budget.attempts_left == 0 || e->walk.running)
        return false;
    if (e->worker->waiting >= e->generation->config->queue)
        return false;
    return ready_us < e->walk.budget.deadline_us && ready_us < e->start_us + QUEUE_WAIT_US;
}

static void walk_over(struct walk *walk, const weir_failure *failure, int64_t ready_us)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));
    weir_failure final;

    if (e->over || e->winner)
        return;
    if (worth_waiting(e, failure, ready_us)) {
        walk_stop(walk);
        e->waiting = true;
        worker_count(&e->worker->waiting, 1);
        loop_timer_set(e->worker->loop, &e->timer, ready_us + 1000, on_deadline);
        return;
    }
    final = *failure;
    if (final.retry_after_us < 0 && ready_us != INT64_MAX && ready_us > 0)
        final.retry_after_us = ready_us - loop_now(e->worker->loop);
    exchange_fail(e, &final);
}

const struct walk_ops exchange_walk_ops = {
    .attempt = attempt_start,
    .over = walk_over,
};
