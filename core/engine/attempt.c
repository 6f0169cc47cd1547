/*
 * attempt.c - one try at one target: its beginning, its time limits, its end.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <stdarg.h>
#include <stdio.h>

enum { END_WAIT_US = 2 * 1000 * 1000 };

/* -- time limits ------------------------------------------------------------------------------ */

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

static int64_t either(int64_t route, int64_t provider)
{
    return route ? route : provider;
}

static void set_limits(struct attempt *a)
{
    const struct config_timeouts *p = &a->provider->config->timeouts;
    const struct config_route *config = a->exchange->route ? a->exchange->route->config : NULL;
    struct config_timeouts none = { 0 };
    const struct config_timeouts *r = config ? &config->timeouts : &none;

    a->limits = (struct config_timeouts){
        .connect_us = either(r->connect_us, p->connect_us),
        .first_byte_us = either(r->first_byte_us, p->first_byte_us),
        .first_token_us = either(r->first_token_us, p->first_token_us),
        .idle_us = either(r->idle_us, p->idle_us),
        .total_us = either(r->total_us, p->total_us),
    };
    if (a->exchange->facts.op == WEIR_OP_FORWARD) /* an upload takes the time it takes */
        a->limits.first_byte_us = a->limits.first_token_us = 0;
}

/* -- the transport ---------------------------------------------------------------------------- */

static struct attempt *attempt_of(struct up_call *call)
{
    return (struct attempt *)((char *)call - offsetof(struct attempt, call));
}

static int on_head(struct up_call *call, const struct http_head *head)
{
    return response_head(attempt_of(call), head->status, head->headers, head->header_count);
}

static int64_t on_response_body(struct up_call *call, const char *bytes, size_t len, bool end)
{
    return response_body(attempt_of(call), bytes, len, end);
}

static unsigned class_of_end(enum up_end end)
{
    switch (end) {
    case UP_CONNECT_TIMEOUT:
        return WEIR_CLASS_TIMEOUT;
    case UP_RESOLVE_FAILED:
    case UP_CONNECT_FAILED:
    case UP_TLS_FAILED:
    case UP_SEND_FAILED:
        return WEIR_CLASS_CONNECTION;
    default:
        return WEIR_CLASS_PROTOCOL;
    }
}

static void on_done(struct up_call *call, const struct up_report *report)
{
    struct attempt *a = attempt_of(call);

    a->running = false;
    a->bytes_in = report->bytes_in;
    a->bytes_out = report->bytes_out;
    a->request_sent = report->request_started;
    if (a->over)
        return;
    switch (report->end) {
    case UP_COMPLETE:
    case UP_CLOSED:
        response_done(a, false, "");
        return;
    case UP_STOPPED:
    case UP_CUT:
        response_done(a, true, report->message);
        return;
    default:
        attempt_fail_as(a, class_of_end(report->end), "%s: %s", a->target->name, report->message);
    }
}

static void on_writable(struct up_call *call)
{
    exchange_upload(attempt_of(call)->exchange);
}

static const struct up_ops call_ops = {
    .head = on_head,
    .body = on_response_body,
    .done = on_done,
    .writable = on_writable,
};

/* The path to ask for, behind the base URL's own. */
static weir_str request_path(struct attempt *a)
{
    weir_str base = a->provider->base_url, url = a->url, path;
    const char *slashes, *slash;
    char *joined;

    slashes = memmem(base.ptr, base.len, "://", 3);
    if (!slashes)
        return url;
    slash = memchr(slashes + 3, '/', base.len - (size_t)(slashes + 3 - base.ptr));
    if (!slash)
        return url;
    path = (weir_str){ slash, base.len - (size_t)(slash - base.ptr) };
    joined = arena_alloc(&a->exchange->arena, path.len + url.len);
    if (!joined)
        return url;
    memcpy(joined, path.ptr, path.len);
    memcpy(joined + path.len, url.ptr, url.len);
    return (weir_str){ joined, path.len + url.len };
}

static void send_request(struct attempt *a)
{
    struct exchange *e = a->exchange;
    struct up_request request = {
        .method = a->method,
        .path = request_path(a),
        .headers = a->headers,
        .header_count = a->header_count,
        .body = a->body,
        .body_count = a->body_count,
        .body_stream = e->body_stream ? e->body_stream : -1,
        .head_limit = e->generation->config->head_bytes,
        .hold_limit = e->generation->config->json_bytes,
    };

    a->running = true;
    attempt_arm(a);
    if (a->script) {
        a->request_sent = true;
        script_start(a, a->script);
    } else {
        up_start(worker_pool(e->worker, e->wg, a->provider), &a->call, &call_ops, &request);
    }
}

/* -- beginning -------------------------------------------------------------------------------- */

static enum reply_mode choose_mode(const struct attempt *a)
{
    const struct exchange *e = a->exchange;

    if (provider_speaks(a->provider, str_of(e->dialect->face->id)) && e->speaker == e->dialect &&
        !e->filter_events)
        return REPLY_RELAY;
    return e->facts.stream ? REPLY_STREAM : REPLY_WHOLE;
}

static struct attempt *attempt_new(struct exchange *e, struct walk_try *t, const struct child *leaf,
                                   struct target *target, weir_str model)
{
    struct attempt *a = arena_zalloc(&e->arena, sizeof(*a));
    const struct provider *p = leaf->provider;

    if (!a)
        return NULL;
    a->exchange = e;
    a->t = t;
    a->provider = p;
    a->target = target;
    a->model = arena_copy(&e->arena, model);
    a->number = e->attempt_count + 1;
    a->start_us = a->active_us = loop_now(e->worker->loop);
    a->abi_target = (weir_target){
        .struct_size = sizeof(weir_target),
        .name = str_of(target->name),
        .provider = p->name,
        .base_url = p->base_url,
        .model = a->model,
        .credential = p->key,
    };
    usage_clear(&a->usage);
    *e->attempts_end = a;
    e->attempts_end = &a->next;
    return a;
}

/* State blocks of the decoder, the encoder and the filters, all zero. */
static bool make_state(struct attempt *a)
{
    struct exchange *e = a->exchange;

    a->decoder = arena_zalloc(&e->arena, a->provider->face->decoder_size + 16u);
    a->encoder = arena_zalloc(&e->arena, e->speaker->face->encoder_size + 16u);
    a->filter_state = arena_alloc(&e->arena, e->filter_state_size + 16);
    if (a->mode == REPLY_WHOLE)
        gather_init(&a->gather, &e->arena);
    if (a->filter_state && e->filter_state_size)
        memcpy(a->filter_state, e->filter_state, e->filter_state_size);
    return a->decoder && a->encoder && a->filter_state;
}

static bool prepare(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_result r;

    a->x = exchange_view(e);
    a->x.attempt = a->number;
    a->x.target = &a->abi_target;
    a->x.native = provider_speaks(a->provider, str_of(e->dialect->face->id)) && !e->edited;
    if (a->x.native) {
        a->x.request = &e->json;
        a->x.body = e->in.body;
    } else if (e->facts.op == WEIR_OP_CHAT || e->facts.op == WEIR_OP_EMBED) {
        if (!exchange_translate(e)) {
            a->failure = e->loss ? e->loss
                                 : failure_format(&e->arena, WEIR_CLASS_INTERNAL,
                                                  "the request could not be put into canonical "
                                                  "form");
            return false;
        }
        a->x.request = &e->canonical;
        a->x.body = e->canonical_bytes;
    }
    a->mode = choose_mode(a);
    if (!make_state(a))
        return false;
    r = attempt_encode(a);
    if (r >= 0 && !a->script && (!a->method.len || !str_begins(a->url, S("/"))))
        r = WEIR_INTERNAL;
    if (r < 0 && !a->failure)
        a->failure = failure_format(
            &e->arena, r == WEIR_UNSUPPORTED ? WEIR_CLASS_UNSUPPORTED : WEIR_CLASS_INTERNAL,
            "provider part %s could not write the request for %s (result %d)",
            a->provider->config->part->name, a->target->name, (int)r);
    return r >= 0;
}

/* Applications and vendors say what they like: sums of these have to fit. */
static int64_t bounded(int64_t tokens)
{
    return tokens < 0 ? 0 : tokens > INT32_MAX ? INT32_MAX : tokens;
}

static int64_t estimated_tokens(const struct exchange *e)
{
    return bounded(e->facts.input_tokens) + bounded(e->facts.output_tokens);
}

/* A failure before anything was sent: told from the loop, never from inside the walk's call. */
static void fail_soon(struct loop_timer *timer)
{
    struct attempt *a = (struct attempt *)((char *)timer - offsetof(struct attempt, timer));

    if (!a->over)
        attempt_fail(a, a->failure);
}

void attempt_start(struct walk *walk, struct walk_try *t, const struct child *leaf,
                   struct target *target, weir_str model)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));
    struct attempt *a = attempt_new(e, t, leaf, target, model);
    struct loop *loop = e->worker->loop;

    if (!a) {
        weir_failure failure = failure_local(WEIR_CLASS_INTERNAL, S("out of memory"));

        exchange_fail(e, &failure);
        return;
    }
    if (prepare(a)) {
        a->booked_tokens = estimated_tokens(e);
        a->begun = target_begin(target, &a->provider->limits, loop_now(loop), a->booked_tokens);
        if (!a->begun)
            a->failure = failure_format(&e->arena, WEIR_CLASS_OVERLOADED,
                                        "%s is being probed by another request", target->name);
    }
    if (e->over) /* the dialect refused the request while it was translated */
        return;
    if (!a->begun) {
        if (!a->failure)
            a->failure = failure_format(&e->arena, WEIR_CLASS_INTERNAL, "out of memory");
        loop_timer_set(loop, &a->timer, loop_now(loop), fail_soon);
        return;
    }
    walk->budget.attempts_left--;
    e->attempt_count++;
    set_limits(a);
    send_request(a);
}

/* -- ending ----------------------------------------------------------------------------------- */

static void stop_transport(struct attempt *a)
{
    loop_timer_clear(a->exchange->worker->loop, &a->timer);
    if (!a->running)
        return;
    a->running = false;
    if (a->script) {
        script_stop(a);
        return;
    }
    a->bytes_in = a->call.report.bytes_in;
    a->bytes_out = a->call.report.bytes_out;
    a->request_sent = a->call.report.request_started;
    up_cancel(&a->call);
}

static int64_t used_tokens(const weir_usage *u)
{
    if (u->input_total < 0 && u->output_total < 0)
        return -1;
    return bounded(u->input_total) + bounded(u->output_total);
}

/* The books: once per attempt, whichever way it ended. */
static void close_books(struct attempt *a, weir_failure *failure)
{
    struct exchange *e = a->exchange;
    struct target_result result = {
        .failure = failure,
        .now_us = loop_now(e->worker->loop),
        .start_us = a->start_us,
        .end_us = a->complete_us ? a->complete_us : loop_now(e->worker->loop),
        .first_us = a->x.stream ? a->first_us : 0,
        .booked_tokens = a->booked_tokens,
        .used_tokens = used_tokens(&a->usage),
        .output_tokens = a->usage.output_total,
    };

    a->over = true;
    a->end_us = result.end_us;
    a->failure = failure;
    if (a->begun)
        target_end(a->target, &a->provider->limits, &e->generation->breaker, &result);
}

void attempt_cancel(struct attempt *a, const weir_failure *failure)
{
    if (a->over)
        return;
    stop_transport(a);
    close_books(a, failure_copy(&a->exchange->arena, failure));
    walk_lost(&a->exchange->walk, a->t, a->failure);
}

/* What has been sent to the application and what the vendor did decide whether a forwarded request
 * may be sent again: a GET always, others only if the vendor cannot have acted on it. */
static bool may_repeat(const struct attempt *a, const weir_failure *failure)
{
    const struct exchange *e = a->exchange;

    if (a->body_sent) /* the pieces are gone */
        return false;
    if (e->facts.op != WEIR_OP_FORWARD || str_is(e->in.method, "GET") || !a->request_sent)
        return true;
    return failure->http_status == 429 || failure->http_status == 503;
}

void attempt_fail(struct attempt *a, const weir_failure *failure)
{
    struct exchange *e = a->exchange;
    weir_failure *kept = failure_copy(&e->arena, failure);
    bool silent;

    if (a->over)
        return;
    if (a->ending) { /* the connection is good, and is given back first */
        a->late = a->late ? a->late : kept;
        return;
    }
    silent = kept->class_id == WEIR_CLASS_TIMEOUT && !kept->http_status;
    stop_transport(a);
    close_books(a, kept);
    buf_free(&a->held);
    if (a->committed || !a->t || !may_repeat(a, kept)) { /* no try: a filter's own answer */
        if (a->t)
            walk_lost(&e->walk, a->t, kept);
        exchange_fail(e, kept);
        return;
    }
    walk_failed(&e->walk, a->t, kept, silent);
}

void attempt_fail_as(struct attempt *a, unsigned class_id, const char *format, ...)
{
    char text[512];
    weir_failure failure;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    failure = failure_local(class_id, str_of(text));
    failure.local = 0;
    attempt_fail(a, &failure);
}

/* A forwarded request's error response goes to the application as it is; the books call it what it
 * was. */
static weir_failure *forwarded_failure(const struct attempt *a)
{
    weir_failure *failure;

    if (!a->raw || a->status < 400)
        return NULL;
    failure = failure_format(&a->exchange->arena, failure_class_of_status(a->status),
                             "%s answered with status %u", a->target->name, a->status);
    failure->local = 0;
    failure->http_status = (uint16_t)a->status;
    return failure;
}

void attempt_succeed(struct attempt *a)
{
    struct exchange *e = a->exchange;

    stop_transport(a);
    e->failure = forwarded_failure(a);
    close_books(a, e->failure);
    walk_succeeded(&e->walk, a->t, a->first_us, &a->usage);
    reply_finish(a);
    exchange_finish(e);
}

void attempt_pause(struct attempt *a, bool paused)
{
    if (!a->running)
        return;
    if (a->paused && !paused) { /* the target's time begins again */
        a->active_us = loop_now(a->exchange->worker->loop);
        a->paused = false;
        attempt_arm(a);
    }
    a->paused = paused;
    if (a->script)
        script_pause(a, paused);
    else
        up_pause(&a->call, paused);
}
