/*
 * attempt.c - one try at one target: its beginning and its end.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <stdarg.h>
#include <stdio.h>

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

    if (e->broken) /* the rest of an answer */
        return REPLY_STREAM;
    if (e->copy_of)
        return REPLY_NONE;
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
    const struct catalogue_record *known;

    if (!a)
        return NULL;
    a->exchange = e;
    a->order.memory = arena_abi(&e->arena);
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
    known = known_of(p->known, p->config, target, a->model);
    if (known)
        a->abi_target.catalogue = str_of(known->text);
    usage_clear(&a->usage);
    *e->attempts_end = a;
    e->attempts_end = &a->next;
    return a;
}

/* The filters' state blocks. The decoder's is made when the response begins, so that a request that
 * waits for one does not hold it; the encoder's when it is first used: what is relayed needs none.
 */
static bool make_state(struct attempt *a)
{
    struct exchange *e = a->exchange;

    a->filter_state = arena_alloc(&e->arena, e->filter_state_size + 16);
    if (a->mode == REPLY_WHOLE || (e->speaker->face->flags & WEIR_DIALECT_GATHERED))
        gather_init(&a->gather, &e->arena);
    if (a->filter_state && e->filter_state_size)
        memcpy(a->filter_state, e->filter_state, e->filter_state_size);
    return a->filter_state && resume_remember(a);
}

/* The part will not write the request: for the last thing it named as dropped, if it named one. */
static weir_failure *unsupported(struct attempt *a)
{
    struct exchange *e = a->exchange;
    const struct warning *last = e->warning_count ? &e->warnings[e->warning_count - 1] : NULL;
    weir_failure *failure;

    if (!last || last->of != a)
        return failure_format(&e->arena, WEIR_CLASS_UNSUPPORTED,
                              "%s cannot be asked for this (%s): provider part %s has no way to",
                              a->target->name, op_name(e->facts.op),
                              a->provider->config->part->name);
    failure =
        failure_format(&e->arena, WEIR_CLASS_UNSUPPORTED, "%.*s cannot be expressed at %s: %.*s",
                       S_ARG(last->topic), a->target->name, S_ARG(last->text));
    failure->param = last->topic;
    return failure;
}

static bool prepare(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_result r;

    a->x = exchange_view(e);
    a->x.attempt = a->number;
    a->x.target = &a->abi_target;
    a->x.native = provider_speaks(a->provider, str_of(e->dialect->face->id)) && !e->edited;
    a->x.foreign = e->opaque && opaque_is_foreign(e->opaque, a->provider);
    if (a->x.native) {
        a->x.request = &e->json;
        a->x.body = e->in.body;
    } else if (e->facts.op == WEIR_OP_CHAT || e->facts.op == WEIR_OP_EMBED ||
               e->facts.op == WEIR_OP_COUNT) {
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
    if (e->broken && !resume_prepare(a))
        return false;
    if (!make_state(a))
        return false;
    r = attempt_encode(a);
    if (r >= 0 && !a->script && (!a->method.len || !str_begins(a->url, S("/"))))
        r = WEIR_INTERNAL;
    if (r == WEIR_UNSUPPORTED && !a->failure)
        a->failure = unsupported(a);
    if (r < 0 && !a->failure)
        a->failure = failure_format(&e->arena, WEIR_CLASS_INTERNAL,
                                    "provider part %s could not write the request for %s "
                                    "(result %d)",
                                    a->provider->config->part->name, a->target->name, (int)r);
    return r >= 0;
}

/* A failure before anything was sent: told from the loop, never from inside the walk's call. */
static void fail_soon(struct loop_timer *timer)
{
    struct attempt *a = (struct attempt *)((char *)timer - offsetof(struct attempt, timer));

    if (!a->over)
        attempt_fail(a, a->failure);
}

/* Somebody else was quicker between the look at the target and the attempt. */
static weir_failure *taken(struct walk *walk, const struct child *leaf, const struct target *target)
{
    const weir_failure *why = walk_refusal(walk, leaf);
    weir_failure *failure =
        why ? failure_copy(walk->arena, why)
            : failure_format(walk->arena, WEIR_CLASS_OVERLOADED,
                             "what %s had left went to another request", target->name);

    if (!why)
        failure->retry_after_us = LIMIT_SLOT_WAIT_US;
    return failure;
}

void attempt_start(struct walk *walk, struct walk_try *t, const struct child *leaf,
                   struct target *target, weir_str model)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));
    struct attempt *a = attempt_new(e, t, leaf, target, model);
    struct loop *loop = e->worker->loop;
    bool ready;

    if (!a) {
        weir_failure failure = failure_local(WEIR_CLASS_INTERNAL, S("out of memory"));

        exchange_fail(e, &failure);
        return;
    }
    ready = prepare(a);
    if (ready && e->rehearsal) {
        walk->budget.attempts_left--;
        e->attempt_count++;
        a->failure = failure_copy(&e->arena, e->rehearsal);
    } else if (ready) {
        a->booked_tokens = walk->tokens;
        a->begun =
            target_begin(target, walk_limits(walk, a->provider), loop_now(loop), a->booked_tokens);
        if (!a->begun)
            a->failure = taken(walk, leaf, target);
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
    exchange_spend(a);
    attempt_limits(a);
    send_request(a);
    if (e->shadows && !e->over)
        shadow_send(e);
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
        .used_tokens = attempt_tokens(a),
        .output_tokens = a->usage.output_total,
    };

    a->over = true;
    a->end_us = result.end_us;
    a->failure = failure;
    if (!a->begun)
        return;
    target_end(a->target, walk_limits(&e->walk, a->provider), &a->provider->config->breaker,
               &result);
    exchange_spent(a);
    queue_wake(e->worker);
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

/* What the strategies hear of a failure. A target that does not take the answer that it was to go
 * on from found fault with what was added, not with the request: others may be asked. */
static const weir_failure *told_failure(const struct attempt *a, const weir_failure *failure)
{
    struct exchange *e = a->exchange;

    if (!a->prefilled || failure->class_id != WEIR_CLASS_INVALID_REQUEST)
        return failure;
    return failure_format(&e->arena, e->broken->class_id, "%s does not go on: %.*s",
                          a->target->name, S_ARG(failure->message));
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
    if (a->committed && resume_begin(a, kept)) {
        walk_failed(&e->walk, a->t, kept, silent);
        return;
    }
    if (a->committed || !a->t || !may_repeat(a, kept)) { /* no try: a filter's own answer */
        if (a->t)
            walk_lost(&e->walk, a->t, kept);
        exchange_fail(e, kept);
        return;
    }
    walk_failed(&e->walk, a->t, told_failure(a, kept), silent);
}

void attempt_diverge(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_failure *books =
        failure_format(&e->arena, WEIR_CLASS_CANCELLED,
                       "%s: its answer is another than the one that broke off", a->target->name);
    weir_failure *told =
        failure_format(&e->arena, e->broken->class_id, "%.*s", S_ARG(books->message));

    if (a->over)
        return;
    stop_transport(a);
    close_books(a, books);
    walk_failed(&e->walk, a->t, told, false);
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
