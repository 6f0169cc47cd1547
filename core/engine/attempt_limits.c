/*
 * attempt_limits.c - how long an attempt may take, and what ends it then.
 */
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

/* For the connection to end, once the answer is whole. */
enum { END_WAIT_US = 2 * 1000 * 1000 };

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_connecting(const struct attempt *a)
{
    return a->limits.connect_us && !a->script && !a->call.report.connected_us;
}

/* The next moment at which some limit runs out. */
static int64_t next_limit(const struct attempt *a)
{
    const struct config_timeouts *l = &a->limits;
    bool streamed = a->x.stream != 0;
    int64_t at = INT64_MAX;

    if (a->complete_us) /* the answer is whole: only the end of the connection is waited for */
        return a->complete_us + END_WAIT_US;

    if (l->total_us)
        at = earlier(at, a->start_us + l->total_us);
    if (is_connecting(a)) /* the provider's own limit is the pool's; a route's may be shorter */
        at = earlier(at, a->start_us + l->connect_us);
    if (l->first_byte_us && streamed && !a->head_us)
        at = earlier(at, a->start_us + l->first_byte_us);
    if (l->first_token_us && streamed && !a->first_us)
        at = earlier(at, a->start_us + l->first_token_us);
    if (l->idle_us && streamed && a->first_us && !a->paused)
        at = earlier(at, a->active_us + l->idle_us);
    return at;
}

static void limit_failed(struct attempt *a, int64_t now)
{
    const struct config_timeouts *l = &a->limits;
    const char *what = "total";
    int64_t limit = l->total_us;

    if (is_connecting(a) && now >= a->start_us + l->connect_us) {
        what = "connect";
        limit = l->connect_us;
    } else if (l->first_byte_us && a->x.stream && !a->head_us &&
               now >= a->start_us + l->first_byte_us) {
        what = "first_byte";
        limit = l->first_byte_us;
    } else if (l->first_token_us && a->x.stream && !a->first_us &&
               now >= a->start_us + l->first_token_us) {
        what = "first_token";
        limit = l->first_token_us;
    } else if (l->idle_us && a->x.stream && a->first_us && !a->paused &&
               now >= a->active_us + l->idle_us) {
        what = "idle";
        limit = l->idle_us;
    }
    attempt_fail_as(a, WEIR_CLASS_TIMEOUT, "%s: nothing came within the %s limit of %.3g s",
                    a->target->name, what, (double)limit / 1e6);
}

static void on_limit(struct loop_timer *timer)
{
    struct attempt *a = (struct attempt *)((char *)timer - offsetof(struct attempt, timer));
    struct loop *loop = a->exchange->worker->loop;
    int64_t at = next_limit(a), now = loop_now(loop);

    if (a->over)
        return;
    if (at > now) { /* it moved while the timer ran: activity only notes the time */
        if (at != INT64_MAX)
            loop_timer_set(loop, &a->timer, at, on_limit);
        return;
    }
    if (a->complete_us)
        response_done(a, false, "");
    else
        limit_failed(a, now);
}

void attempt_complete(struct attempt *a)
{
    struct loop *loop = a->exchange->worker->loop;

    a->complete_us = loop_now(loop);
    loop_timer_set(loop, &a->timer, a->complete_us + END_WAIT_US, on_limit);
}

void attempt_arm(struct attempt *a)
{
    int64_t at = next_limit(a);

    if (at != INT64_MAX)
        loop_timer_set(a->exchange->worker->loop, &a->timer, at, on_limit);
}

static int64_t either(int64_t route, int64_t model, int64_t provider)
{
    return route ? route : model ? model : provider;
}

/* Where nothing is said of it: a target that keeps silent must leave time for another one, and of
 * an answer that comes as a whole nothing is heard before its end. */
static int64_t usual_total(const struct attempt *a)
{
    const struct exchange *e = a->exchange;
    int64_t half = (e->walk.budget.deadline_us - a->start_us) / 2;
    uint32_t tried = 0;

    for (const struct attempt *one = e->attempts; one; one = one->next)
        tried++;
    if (e->facts.stream || e->facts.op == WEIR_OP_FORWARD || !e->route ||
        tried >= e->route->config->targets)
        return CONFIG_TOTAL_US;
    return earlier(half > 0 ? half : 1, CONFIG_TOTAL_US);
}

void attempt_limits(struct attempt *a)
{
    const struct config_timeouts *p = &a->provider->config->timeouts;
    const struct config_route *config = a->exchange->route ? a->exchange->route->config : NULL;
    struct config_timeouts none = { 0 };
    const struct config_timeouts *r = config ? &config->timeouts : &none;
    const struct config_timeouts *m = config_model_timeouts(a->provider->config, a->model);

    if (!m)
        m = &none;
    a->limits = (struct config_timeouts){
        .connect_us = either(r->connect_us, m->connect_us, p->connect_us),
        .first_byte_us = either(r->first_byte_us, m->first_byte_us, p->first_byte_us),
        .first_token_us = either(r->first_token_us, m->first_token_us, p->first_token_us),
        .idle_us = either(r->idle_us, m->idle_us, p->idle_us),
        .total_us = either(r->total_us, m->total_us, p->total_us),
    };
    if (a->limits.total_us == CONFIG_TOTAL_UNSAID)
        a->limits.total_us = usual_total(a);
    if (a->exchange->facts.op == WEIR_OP_FORWARD) /* an upload takes the time it takes */
        a->limits.first_byte_us = a->limits.first_token_us = 0;
}
