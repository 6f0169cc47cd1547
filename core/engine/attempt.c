/*
 * attempt.c - one try at one target: the request out, the time limits, the end.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <stdarg.h>
#include <stdio.h>

/* -- what the provider part writes ------------------------------------------------------------ */

static bool inside(weir_str whole, weir_str part)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

/* Bytes of the request's body are taken by reference; nothing else outlives the call. */
static weir_str keep(struct attempt *a, weir_str bytes)
{
    struct exchange *e = a->exchange;

    if (inside(e->in.body, bytes) || (e->translated && inside(e->canonical_bytes, bytes)))
        return bytes;
    return arena_copy(&e->arena, bytes);
}

static weir_result on_line(void *ctx, weir_str method, weir_str url)
{
    struct attempt *a = ctx;

    a->method = keep(a, method);
    a->url = keep(a, url);
    return WEIR_OK;
}

static bool grow(struct arena *arena, void **array, uint32_t count, uint32_t *cap, size_t size)
{
    uint32_t more = *cap ? *cap * 2 : 8;
    void *bigger;

    if (count < *cap)
        return true;
    bigger = arena_alloc(arena, more * size);
    if (!bigger)
        return false;
    if (count)
        memcpy(bigger, *array, count * size);
    *array = bigger;
    *cap = more;
    return true;
}

/* A header with a control character in it would be another request altogether. */
static bool is_clean(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t')
            return false;
    }
    return true;
}

static weir_result on_header(void *ctx, weir_str name, weir_str value)
{
    struct attempt *a = ctx;
    struct arena *arena = &a->exchange->arena;

    if (!name.len || !is_clean(name) || !is_clean(value))
        return WEIR_INVALID;
    if (!grow(arena, (void **)&a->headers, a->header_count, &a->header_cap, sizeof(*a->headers)))
        return WEIR_NO_MEMORY;
    a->headers[a->header_count].name = arena_copy(arena, name);
    a->headers[a->header_count++].value = arena_copy(arena, value);
    return WEIR_OK;
}

static weir_result on_body(void *ctx, weir_str bytes)
{
    struct attempt *a = ctx;

    if (!bytes.len)
        return WEIR_OK;
    if (!grow(&a->exchange->arena, (void **)&a->body, a->body_count, &a->body_cap,
              sizeof(*a->body)))
        return WEIR_NO_MEMORY;
    a->body[a->body_count++] = keep(a, bytes);
    return WEIR_OK;
}

static weir_result on_dropped(void *ctx, weir_str pointer, weir_str why)
{
    struct attempt *a = ctx;
    const struct route *route = a->exchange->route;

    if (!route || !route->config->strict_loss) {
        exchange_warn(a->exchange, pointer, why);
        return WEIR_OK;
    }
    a->failure = failure_format(&a->exchange->arena, WEIR_CLASS_UNSUPPORTED,
                                "%.*s cannot be expressed at %s: %.*s", S_ARG(pointer),
                                a->target->name, S_ARG(why));
    if (a->failure)
        a->failure->param = arena_copy(&a->exchange->arena, pointer);
    return WEIR_UNSUPPORTED;
}

static weir_result on_script(void *ctx, const weir_script *script)
{
    struct attempt *a = ctx;

    a->script = script_copy(&a->exchange->arena, script);
    return a->script ? WEIR_OK : WEIR_NO_MEMORY;
}

static bool has_header(const struct attempt *a, weir_str name)
{
    for (uint32_t i = 0; i < a->header_count; i++) {
        if (a->headers[i].name.len == name.len &&
            g_ascii_strncasecmp(a->headers[i].name.ptr, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

/* The application's own credentials and what belongs to its connection never cross. */
static bool may_cross(const struct attempt *a, weir_str name)
{
    static const char *const never[] = { "authorization",
                                         "cookie",
                                         "host",
                                         "connection",
                                         "keep-alive",
                                         "transfer-encoding",
                                         "te",
                                         "trailer",
                                         "upgrade",
                                         "expect",
                                         "accept-encoding",
                                         "content-length" };
    char lower[64];

    if (name.len >= sizeof lower)
        return false;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = g_ascii_tolower(name.ptr[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(never); i++) {
        if (str_is((weir_str){ lower, name.len }, never[i]))
            return false;
    }
    for (const char *const *glob = a->provider->face->forward_headers; glob && *glob; glob++) {
        if (str_glob((weir_str){ lower, name.len }, str_of(*glob)))
            return true;
    }
    return false;
}

/* Headers of the application that the provider part lists, unless it has written them itself. */
static weir_result add_app_headers(struct attempt *a)
{
    const struct exchange *e = a->exchange;

    for (uint32_t i = 0; i < e->in.header_count; i++) {
        const weir_header *h = &e->in.headers[i];
        weir_result r;

        if (!may_cross(a, h->name) || has_header(a, h->name))
            continue;
        r = on_header(a, h->name, h->value);
        if (r < 0)
            return r;
    }
    return WEIR_OK;
}

static weir_result encode(struct attempt *a)
{
    const weir_http_sink sink = {
        .struct_size = sizeof(sink),
        .ctx = a,
        .line = on_line,
        .header = on_header,
        .body = on_body,
        .dropped = on_dropped,
        .script = on_script,
    };
    uint32_t crumb = crumb_enter(a->provider->crumb);
    weir_result r = a->provider->face->encode(a->provider->cfg, &a->x, &sink);

    if (r >= 0 && !a->script)
        r = add_app_headers(a);
    if (r >= 0 && !a->script)
        r = a->provider->face->sign(a->provider->cfg, &a->x, a->method, a->url, a->headers,
                                    a->header_count, a->body, a->body_count, &sink);
    crumb_leave(crumb);
    return r;
}

/* -- time limits ------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The next moment at which some limit runs out. */
static int64_t next_limit(const struct attempt *a)
{
    const struct config_timeouts *l = &a->limits;
    bool streamed = a->x.stream != 0;
    int64_t at = INT64_MAX;

    if (l->total_us)
        at = earlier(at, a->start_us + l->total_us);
    if (l->first_byte_us && streamed && !a->head_us)
        at = earlier(at, a->start_us + l->first_byte_us);
    if (l->first_token_us && streamed && !a->first_us)
        at = earlier(at, a->start_us + l->first_token_us);
    if (l->idle_us && streamed && a->first_us)
        at = earlier(at, a->active_us + l->idle_us);
    return at;
}

static void limit_failed(struct attempt *a, int64_t now)
{
    const struct config_timeouts *l = &a->limits;
    const char *what = "total";
    int64_t limit = l->total_us;

    if (l->first_byte_us && a->x.stream && !a->head_us && now >= a->start_us + l->first_byte_us) {
        what = "first_byte";
        limit = l->first_byte_us;
    } else if (l->first_token_us && a->x.stream && !a->first_us &&
               now >= a->start_us + l->first_token_us) {
        what = "first_token";
        limit = l->first_token_us;
    } else if (l->idle_us && a->x.stream && a->first_us && now >= a->active_us + l->idle_us) {
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
    if (a->complete) { /* the answer was whole; only the connection did not end */
        response_done(a, false, "");
        return;
    }
    if (at > now) { /* it moved while the timer ran: activity only notes the time */
        if (at != INT64_MAX)
            loop_timer_set(loop, &a->timer, at, on_limit);
        return;
    }
    limit_failed(a, now);
}

static void arm_limits(struct attempt *a)
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

static bool is_absolute(weir_str url)
{
    return str_begins(url, S("http://")) || str_begins(url, S("https://"));
}

/* The path to ask for: behind the base URL's own path, or the path of an absolute URL. */
static weir_str request_path(struct attempt *a)
{
    weir_str base = a->provider->base_url, url = a->url, path;
    const char *slashes, *slash;
    char *joined;

    if (is_absolute(url))
        base = url, url = S("");
    slashes = memmem(base.ptr, base.len, "://", 3);
    if (!slashes)
        return url;
    slash = memchr(slashes + 3, '/', base.len - (size_t)(slashes + 3 - base.ptr));
    if (!slash)
        return url.len ? url : S("/");
    path = (weir_str){ slash, base.len - (size_t)(slash - base.ptr) };
    if (!url.len)
        return path;
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
    arm_limits(a);
    if (a->script) {
        a->request_sent = true;
        script_start(a, a->script);
    } else {
        up_start(worker_pool(e->worker, e->wg, a->provider), &a->call, &call_ops, &request);
    }
}

/* -- beginning -------------------------------------------------------------------------------- */

static bool speaks(const struct provider *p, const char *dialect)
{
    for (const char *const *id = p->face->native; id && *id; id++) {
        if (strcmp(*id, dialect) == 0)
            return true;
    }
    return false;
}

static enum reply_mode choose_mode(const struct attempt *a)
{
    const struct exchange *e = a->exchange;

    if (speaks(a->provider, e->dialect->face->id) && e->speaker == e->dialect && !e->filter_events)
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
    t->attempt = a;
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
    a->x.native = speaks(a->provider, e->dialect->face->id) && !e->edited;
    if (a->x.native) {
        a->x.request = &e->json;
        a->x.body = e->in.body;
    } else if (e->facts.op == WEIR_OP_CHAT || e->facts.op == WEIR_OP_EMBED) {
        if (!exchange_translate(e)) {
            a->failure = failure_format(&e->arena, WEIR_CLASS_INTERNAL,
                                        "the request could not be put into canonical form");
            return false;
        }
        a->x.request = &e->canonical;
        a->x.body = e->canonical_bytes;
    }
    a->mode = choose_mode(a);
    if (!make_state(a))
        return false;
    r = encode(a);
    if (r >= 0 && !a->script && (!a->method.len || !a->url.len))
        r = WEIR_INTERNAL;
    if (r < 0 && !a->failure)
        a->failure = failure_format(
            &e->arena, r == WEIR_UNSUPPORTED ? WEIR_CLASS_UNSUPPORTED : WEIR_CLASS_INTERNAL,
            "provider part %s could not write the request for %s (result %d)",
            a->provider->config->part->name, a->target->name, (int)r);
    return r >= 0;
}

static int64_t estimated_tokens(const struct exchange *e)
{
    int64_t in = e->facts.input_tokens > 0 ? e->facts.input_tokens : 0;

    return in + (e->facts.output_tokens > 0 ? e->facts.output_tokens : 0);
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
    return (u->input_total > 0 ? u->input_total : 0) + (u->output_total > 0 ? u->output_total : 0);
}

/* The books: once per attempt, whichever way it ended. */
static void close_books(struct attempt *a, weir_failure *failure)
{
    struct exchange *e = a->exchange;
    struct target_result result = {
        .failure = failure,
        .now_us = loop_now(e->worker->loop),
        .start_us = a->start_us,
        .first_us = a->x.stream ? a->first_us : 0,
        .booked_tokens = a->booked_tokens,
        .used_tokens = used_tokens(&a->usage),
        .output_tokens = a->usage.output_total,
    };

    a->over = true;
    a->end_us = result.now_us;
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
    bool silent = kept && kept->class_id == WEIR_CLASS_TIMEOUT && !kept->http_status;

    if (a->over)
        return;
    stop_transport(a);
    close_books(a, kept);
    buf_free(&a->held);
    if (a->committed || !may_repeat(a, kept)) {
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
    if (failure) {
        failure->local = 0;
        failure->http_status = (uint16_t)a->status;
    }
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
    if (a->script)
        script_pause(a, paused);
    else
        up_pause(&a->call, paused);
}
