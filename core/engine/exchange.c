/*
 * exchange.c - the life and death of an exchange. See exchange.h.
 */
#include "engine/exchange.h"
#include "base/str.h"
#include "engine/access.h"
#include "engine/decisions.h"
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
    failure = failure_format(&e->arena, WEIR_CLASS_BUDGET,
                             "no answer within the request's deadline of %.1f s",
                             (double)(e->walk.budget.deadline_us - e->start_us) / 1e6);
    exchange_fail(e, failure);
}

void exchange_budget(struct exchange *e)
{
    struct config_budget said =
        config_budget_of(e->generation->config, e->route ? e->route->config : NULL);
    int64_t limit = said.deadline_us;

    if (e->asked_us > 0 && e->asked_us < limit)
        limit = e->asked_us;
    e->walk.budget = (weir_budget){
        .struct_size = sizeof(weir_budget),
        .attempts_left = said.attempts,
        .deadline_us = e->start_us + limit,
        .money_left = said.money ? said.money : -1,
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

/* What every exchange begins with; `wg` is held for it. */
static inline struct exchange *exchange_on(struct worker *w, struct worker_generation *wg)
{
    struct exchange *e = g_slice_new0(struct exchange);

    e->worker = w;
    e->wg = wg;
    e->generation = wg->generation;
    e->unix_us = loop_unix_now(w->loop);
    e->attempts_end = &e->attempts;
    arena_init(&e->arena, EXCHANGE_MEMORY);
    e->seed = worker_random(w);
    make_id(e->id, worker_random(w));
    e->next = w->exchanges;
    if (e->next)
        e->next->prev = e;
    w->exchanges = e;
    worker_count(&w->exchange_count, 1);
    return e;
}

struct exchange *exchange_new(struct worker *w, const struct exchange_start *start)
{
    struct exchange *e = exchange_on(w, worker_generation_hold(w));

    e->start_us = start->start_us;
    e->front_ops = start->front_ops;
    e->front = start->front;
    e->rehearsal = start->rehearsal;
    e->key = start->key;
    e->admin = start->admin;
    e->dialect = start->match->endpoint->dialect;
    e->speaker = start->speaker ? start->speaker : e->dialect;
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
    e->target_path = start->query.len ? exchange_public_target(e, start) : start->target;
    e->facts = (weir_facts){
        .struct_size = sizeof(weir_facts),
        .op = start->match->endpoint->abi->op,
        .input_tokens = -1,
        .output_tokens = -1,
    };
    exchange_captures(e, start->match);
    exchange_budget(e);
    return e;
}

struct exchange *exchange_copy(const struct exchange *e)
{
    struct exchange *c = exchange_on(e->worker, e->wg);

    c->wg->exchanges++;
    c->start_us = loop_now(c->worker->loop);
    c->key = e->key;
    c->dialect = c->speaker = e->dialect;
    c->in = (weir_ingress){
        .struct_size = sizeof(c->in),
        .id = str_of(c->id),
        .unix_us = c->unix_us,
        .arena = arena_abi(&c->arena),
    };
    return c;
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
        .keep = arena_abi(&e->arena),
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

void exchange_warn(struct exchange *e, const struct warning *warning)
{
    struct warning *w;

    if (!e->warnings)
        e->warnings = arena_alloc(&e->arena, EXCHANGE_MAX_WARNINGS * sizeof(*w));
    if (!e->warnings || e->warning_count == EXCHANGE_MAX_WARNINGS)
        return;
    for (uint32_t i = 0; i < e->warning_count; i++) {
        w = &e->warnings[i];
        if (w->of == warning->of && str_eq(w->topic, warning->topic) &&
            str_eq(w->text, warning->text))
            return;
    }
    w = &e->warnings[e->warning_count++];
    *w = *warning;
    w->topic = arena_copy(&e->arena, warning->topic);
    w->text = arena_copy(&e->arena, warning->text);
}

const struct warning *exchange_warning(const struct exchange *e, uint32_t *at)
{
    const struct attempt *winner = e->winner;

    while (*at < e->warning_count) {
        const struct warning *w = &e->warnings[(*at)++];

        if (!winner || (w->of ? w->of == winner : !w->translation || !winner->x.native))
            return w;
    }
    return NULL;
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
        queue_leave(e);
    for (struct attempt *a = e->attempts; a; a = a->next)
        attempt_cancel(a, &lost);
    exchange_settle(e);
    if (e->started) {
        stats_exchange(w->stats, e);
        if (e->generation->log_each)
            access_log_exchange(w->log, e);
        if (e->trace)
            decisions_log(e);
    }
    for (struct attempt *a = e->attempts; a; a = a->next) {
        if (a->player)
            script_stop(a);
        buf_free(&a->held);
        framer_finish(&a->framer);
        jagain_finish(&a->last);
        if (a->sequence)
            sequence_clear(a->sequence);
        resume_free(a);
    }
    if (e->local)
        buf_free(&e->local->held);
    if (e->local && e->local->sequence)
        sequence_clear(e->local->sequence);
    buf_free(&e->upload);
    if (e->next)
        e->next->prev = e->prev;
    if (e->prev)
        e->prev->next = e->next;
    else
        w->exchanges = e->next;
    worker_count(&w->exchange_count, -1);
    if (e->copy_of)
        shadow_over(e);
    close_front(e);
    loop_defer(w->loop, &e->cleanup, free_exchange);
}

void exchange_cancel(struct exchange *e, unsigned status)
{
    const weir_failure stopped =
        failure_local(WEIR_CLASS_CANCELLED, S("the gateway stopped before the copy was answered"));
    struct attempt *a = e->winner;

    if (e->over)
        return;
    e->front = NULL;
    /* It has read the last byte it wanted and goes before the provider's connection has ended. */
    if (a && a->running && !a->raw && order_complete(&a->order)) {
        attempt_succeed(a);
        return;
    }
    if (e->copy_of) { /* nobody waits for it, so nobody can have gone */
        exchange_fail(e, &stopped);
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

/* Whether some target has said when it will answer, and the request is not at fault. */
static bool is_promised(const struct exchange *e, const weir_failure *failure)
{
    if (failure_family(failure->class_id) == WEIR_CLASS_RATE_LIMIT)
        return true;
    if (failure->local || failure_family(failure->class_id) == WEIR_CLASS_INVALID_REQUEST ||
        failure->class_id == WEIR_CLASS_CONTENT_FILTER)
        return false;
    for (const struct attempt *a = e->attempts; a; a = a->next) {
        if (a->failure && a->failure->class_id == WEIR_CLASS_RATE_LIMIT &&
            a->failure->retry_after_us > 0)
            return true;
    }
    return false;
}

/* -- what the walk says ----------------------------------------------------------------------- */

/* Whether it is worth waiting for `ready_us`: only for what heals by a promised time (a vendor's
 * Retry-After, a limit of our own), and not for long. */
static bool worth_waiting(const struct exchange *e, const weir_failure *failure, int64_t ready_us)
{
    if (ready_us == INT64_MAX || ready_us <= 0)
        return false;
    if (!is_promised(e, failure))
        return false;
    if (e->facts.op == WEIR_OP_FORWARD || e->walk.budget.attempts_left == 0 || e->walk.running ||
        e->copy_of) /* it would take the place of those whose answer somebody waits for */
        return false;
    return ready_us < e->walk.budget.deadline_us &&
           MAX(ready_us, loop_now(e->worker->loop)) < e->start_us + e->generation->config->wait_us;
}

/* Those with the same key wait for the same targets, for all that is known here. */
static uint64_t queue_key(const struct exchange *e)
{
    uint64_t key = (uintptr_t)e->root ^ (uint64_t)e->facts.needs << 32;

    for (size_t i = 0; i < e->walk.asked.len; i++)
        key = (key ^ (unsigned char)e->walk.asked.ptr[i]) * 0x100000001B3u;
    return key;
}

static void walk_over(struct walk *walk, const weir_failure *failure, int64_t ready_us)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));
    weir_failure final;

    if (e->over || (e->winner && !e->broken))
        return;
    if (e->broken) { /* nobody could go on */
        exchange_fail(e, e->broken);
        return;
    }
    if (worth_waiting(e, failure, ready_us) &&
        queue_join(e, queue_key(e), ready_us, e->start_us + e->generation->config->wait_us)) {
        walk_stop(walk);
        return;
    }
    final = *failure;
    if (final.retry_after_us < 0 && ready_us != INT64_MAX && ready_us > 0)
        final.retry_after_us = ready_us - loop_now(e->worker->loop);
    if (e->opaque)
        owned_explain(e);
    exchange_fail(e, &final);
}

static void asking(struct walk *walk, const struct node *node, weir_ask *ask)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));

    if (e->trace)
        trace_asking(e->trace, walk, node, ask);
}

static void decided(struct walk *walk, const struct node *node, const weir_ask *ask,
                    weir_decision *decision)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));

    (void)node, (void)ask;
    if (e->trace)
        trace_decided(e->trace, decision);
}

const struct walk_ops exchange_walk_ops = {
    .attempt = attempt_start,
    .over = walk_over,
    .asking = asking,
    .decided = decided,
    .copy = shadow_due,
};
