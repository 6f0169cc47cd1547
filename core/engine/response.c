/*
 * response.c - an attempt's response: bytes to frames, frames to events, events onwards.
 *
 * The decoder sees every frame before the application does. So usage, errors and the end are known
 * even when the bytes are only passed through.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "transport/http.h"

/* -- events of the decoder ----------------------------------------------------------------------
 */

/* Whether filters and dialects see the events, or only we do. */
static bool is_shown(const struct attempt *a)
{
    return a->mode != REPLY_RELAY && a->mode != REPLY_NONE;
}

static weir_result on_ordered(void *ctx, const weir_event *event)
{
    struct attempt *a = ctx;
    weir_result r;

    if (!is_shown(a)) {
        if (a->delivered)
            delivered_event(a->delivered, event);
        return WEIR_OK;
    }
    r = a->exchange->filter_events ? filters_event(a, event) : reply_event(a, event);
    if (r < 0 && r != WEIR_PROTOCOL)
        a->refused = true;
    return r;
}

static void note_usage(struct attempt *a, const weir_event *event)
{
    if (event->usage)
        usage_merge(&a->usage, event->usage);
}

static void note_rate(struct attempt *a, const weir_rate *rate)
{
    int64_t now = loop_now(a->exchange->worker->loop);

    if (!rate)
        return;
    if (a->target->number)
        learned_headers(&a->target->learned, rate, now);
    if (a->provider->limits.rule.unlearned)
        return;
    /* The vendor says that nothing is left until then. */
    if (rate->requests_left == 0 && rate->requests_reset_us > 0)
        target_leave_alone(a->target, now, rate->requests_reset_us);
    if (rate->tokens_left == 0 && rate->tokens_reset_us > 0)
        target_leave_alone(a->target, now, rate->tokens_reset_us);
}

static weir_result on_event(void *ctx, const weir_event *event)
{
    struct attempt *a = ctx;
    const weir_events next = { a, on_ordered };
    weir_event stamped;
    bool had_content = a->order.content;
    weir_result r;

    if (a->over)
        return WEIR_STOPPED;
    switch (event->type) {
    case WEIR_EVENT_USAGE:
        note_usage(a, event);
        break;
    case WEIR_EVENT_RATE:
        note_rate(a, event->rate);
        return WEIR_OK;
    case WEIR_EVENT_WARNING:
        exchange_warn(a->exchange,
                      &(struct warning){ event->id, { event->text.ptr, event->text.len }, a });
        return WEIR_OK;
    case WEIR_EVENT_ERROR:
        if (!a->failure && event->failure) {
            a->failure = failure_copy(&a->exchange->arena, event->failure);
            failure_redact(a->failure, a->provider->key);
        }
        a->order.failed = true;
        return WEIR_OK;
    case WEIR_EVENT_CREDENTIAL:
        return WEIR_OK;
    case WEIR_EVENT_OWNED:
        owned_note(a, event->text);
        return WEIR_OK;
    default:
        break;
    }
    if (is_shown(a)) {
        stamped = *event;
        stamped.at_us = loop_now(a->exchange->worker->loop);
        if (event->type == WEIR_EVENT_USAGE && event->usage)
            stamped.usage = &a->usage; /* all that is known so far, and not what this one names */
        event = &stamped;
    }
    r = order_event(&a->order, event, &next);
    if (r < 0 && !a->over && !a->refused) /* should the decoder not pass it on */
        a->misplaced = true;
    if (a->order.content && !had_content && !a->first_us) {
        a->first_us = loop_now(a->exchange->worker->loop);
        if (a->running)
            attempt_arm(a); /* silence is measured from here on */
    }
    return r;
}

/* -- frames ----------------------------------------------------------------------------------- */

static bool looks_like_json(weir_str data)
{
    return data.len && data.ptr[0] == '{'; /* not '[': "[DONE]" is no JSON and is not meant to be */
}

/* Scans a frame that may be JSON. The events of a stream are alike: what agrees is not scanned
 * again, and the decoder hears of it. */
static void scan(struct attempt *a, weir_frame *frame, weir_json *json, struct jagain_changes *c)
{
    struct jscan_tokens *tokens = &a->exchange->worker->tokens;
    bool whole = a->framer.framing == WEIR_FRAME_WHOLE;
    weir_result r;

    if (a->framer.framing == WEIR_FRAME_RAW || !frame->data.len ||
        !(whole || looks_like_json(frame->data)))
        return;
    r = whole ? jscan(tokens, frame->data, json, NULL)
              : jagain_scan(&a->last, tokens, frame->data, json, c);
    if (r == WEIR_OK)
        frame->json = json;
    else if (looks_like_json(frame->data))
        frame->flags |= WEIR_FRAME_BAD_JSON;
    if (c->alike) {
        frame->alike = 1;
        frame->changed_count = c->count;
        frame->changed = c->token;
    }
}

/* A decoder's answer to one frame, or a negative result. */
static weir_result decode(struct attempt *a, struct framer_frame *f)
{
    struct worker *w = a->exchange->worker;
    const weir_events events = { a, on_event };
    struct jagain_changes changes;
    weir_json json;
    weir_result r;
    uint32_t crumb;

    changes.alike = false;
    scan(a, &f->frame, &json, &changes);
    a->x.now_us = loop_now(w->loop);
    a->x.arena = arena_abi(&w->scratch);
    crumb = crumb_enter(a->provider->crumb);
    r = a->provider->face->frame(a->provider->cfg, a->decoder, &a->x, &f->frame, &events);
    crumb_leave(crumb);
    a->x.arena = a->exchange->in.arena;
    arena_reset(&w->scratch);
    return r;
}

/* Whether the decoder, or the order of its events, found the response wanting. */
static bool gone_wrong(struct attempt *a, weir_result r, const struct framer_frame *f)
{
    if (a->over)
        return true;
    if (a->order.failed && !a->raw && !a->spare) {
        weir_failure *failure = a->failure;

        a->failure = NULL;
        if (failure)
            attempt_fail(a, failure);
        else
            attempt_fail_as(a, WEIR_CLASS_SERVER_ERROR, "%s reported an error without a word",
                            a->target->name);
        return true;
    }
    if (a->splice && a->splice->diverged) {
        attempt_diverge(a);
        return true;
    }
    if (a->refused) {
        exchange_fail(a->exchange,
                      failure_format(&a->exchange->arena, WEIR_CLASS_INTERNAL,
                                     "the answer of %s could not be passed on: a filter failed, "
                                     "or it is too large",
                                     a->target->name));
        return true;
    }
    if (a->order.cut_short) {
        attempt_fail_as(a, WEIR_CLASS_PROTOCOL, "%s: a tool call was cut short", a->target->name);
        return true;
    }
    if (r < 0 || a->misplaced) {
        attempt_fail_as(a, WEIR_CLASS_PROTOCOL, "%s: the response could not be read (result %d)",
                        a->target->name, (int)r);
        return true;
    }
    if ((f->frame.flags & WEIR_FRAME_BAD_JSON) && !a->raw && !a->spare) {
        attempt_fail_as(a, WEIR_CLASS_PROTOCOL, "%s sent malformed JSON", a->target->name);
        return true;
    }
    return false;
}

/* Streams are committed with the first content. A whole answer waits for the end of the response,
 * see response_done(): it would be read, and its connection closed, while we still thought it under
 * way, and so end in the books as cancelled. */
static bool ready_to_commit(const struct attempt *a)
{
    if (a->committed || a->order.failed || a->splice)
        return false;
    if (a->raw)
        return true;
    if (a->spare)
        return false;
    if (a->mode == REPLY_STREAM && a->sequence &&
        !a->sequence->content) /* what there is, is still held */
        return a->x.stream && order_complete(&a->order);
    return a->x.stream && (a->order.content || order_complete(&a->order));
}

/* Frames that are relayed and lie side by side go out as one piece: one chunk, one copy. */
static weir_result flush_run(struct attempt *a)
{
    weir_str run = a->run;

    a->run.len = 0;
    return run.len ? reply_relay(a, run) : WEIR_OK;
}

static weir_result relay(struct attempt *a, weir_str raw)
{
    weir_result r;

    if (a->run.len && a->run.ptr + a->run.len == raw.ptr &&
        !a->exchange->generation->config->expose_body) {
        a->run.len += raw.len;
        return WEIR_OK;
    }
    r = flush_run(a);
    a->run = raw;
    return r;
}

static void fail_endless(struct attempt *a)
{
    attempt_fail_as(a, WEIR_CLASS_PROTOCOL,
                    "%s sent more than limits.hold_size without coming to the point",
                    a->target->name);
}

static bool take_frame(struct attempt *a, struct framer_frame *f)
{
    uint32_t events = a->delivered ? a->delivered->events : 0;
    weir_result r = decode(a, f), sent = WEIR_OK;
    bool ready;

    /* What came before a fault was good, and goes out before it is told. */
    if (r < 0 || a->order.failed || (f->frame.flags & WEIR_FRAME_BAD_JSON))
        sent = flush_run(a);
    /* What such a frame told before the fault is not relayed: it is unknown what was delivered. */
    if (a->mode == REPLY_RELAY && a->delivered && a->delivered->events != events &&
        (r < 0 || a->order.failed || (f->frame.flags & WEIR_FRAME_BAD_JSON)))
        a->delivered->lost = true;
    if (gone_wrong(a, r, f))
        return false;
    if (a->mode == REPLY_RELAY && r != WEIR_HIDE && f->raw.len)
        sent = relay(a, f->raw);
    ready = ready_to_commit(a);
    if (sent >= 0 && ready)
        sent = flush_run(a);
    if (sent < 0) {
        fail_endless(a);
        return false;
    }
    if (ready)
        reply_commit(a);
    if (!a->over && !a->raw && !a->complete_us && !a->framer.ended && order_complete(&a->order))
        attempt_complete(a);
    return !a->over;
}

/* -- what the transport brings ------------------------------------------------------------------
 */

/* Response headers that cross to the application when the bytes are passed through. */
static bool crosses(const struct attempt *a, weir_str name)
{
    static const char *const kept[] = { "content-type", "x-request-id", "request-id",
                                        "x-ratelimit-*", NULL };
    static const char *const dropped[] = {
        "connection", "keep-alive", "proxy-authenticate",        "te",       "trailer",
        "upgrade",    "date",       "transfer-encoding",         "server",   "content-length",
        "set-cookie", "alt-svc",    "strict-transport-security", "x-weir-*", NULL,
    };

    if (a->exchange->facts.op == WEIR_OP_FORWARD)
        return !http_name_listed(name, dropped);
    return http_name_listed(name, kept) ||
           http_name_listed(name, a->provider->face->forward_headers);
}

static void keep_headers(struct attempt *a, const weir_header *headers, uint32_t count)
{
    struct arena *arena = &a->exchange->arena;
    weir_header *kept = arena_alloc(arena, sizeof(*kept) * (count + 1));

    a->relay_headers = kept;
    for (uint32_t i = 0; kept && i < count; i++) {
        if (!crosses(a, headers[i].name))
            continue;
        kept[a->relay_header_count].name = arena_copy(arena, headers[i].name);
        kept[a->relay_header_count++].value = arena_copy(arena, headers[i].value);
    }
}

/* A forwarded request's failure that another target may mend: then its response is only kept. */
static bool may_be_mended(const struct attempt *a)
{
    if (a->status == 429 || a->status == 503)
        return true;
    return a->status >= 500 && str_is(a->exchange->in.method, "GET");
}

static void note_retry_after(struct attempt *a, const weir_header *headers, uint32_t count)
{
    a->retry_after_us = -1;
    for (uint32_t i = 0; i < count; i++) {
        weir_str v = headers[i].value;
        int64_t seconds = 0;
        size_t n = 0;

        if (!http_name_is(headers[i].name, "retry-after"))
            continue;
        while (n < v.len && n < 7 && v.ptr[n] >= '0' && v.ptr[n] <= '9')
            seconds = seconds * 10 + (v.ptr[n++] - '0');
        if (n && n == v.len)
            a->retry_after_us = seconds * 1000000;
    }
}

/* The response of a forwarded request that failed: kept, in case nobody does better. */
static void keep_spare(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_failure *failure =
        failure_format(&e->arena, failure_class_of_status(a->status), "%s answered with status %u",
                       a->target->name, a->status);

    a->spare_body = arena_copy(&e->arena, (weir_str){ buf_at(&a->held), buf_len(&a->held) });
    failure->local = 0;
    failure->http_status = (uint16_t)a->status;
    failure->retry_after_us = a->retry_after_us;
    attempt_fail(a, failure);
}

int response_head(struct attempt *a, unsigned status, const weir_header *headers, uint32_t count)
{
    const weir_response_head head = {
        .struct_size = sizeof(head),
        .status = status,
        .headers = headers,
        .header_count = count,
    };
    const weir_events events = { a, on_event };
    weir_result r;
    uint32_t crumb;

    a->status = status;
    a->head_us = a->active_us = a->x.now_us = loop_now(a->exchange->worker->loop);
    /* A forwarded request's response is the vendor's business, but for what another try may mend.
     */
    a->raw = a->exchange->facts.op == WEIR_OP_FORWARD;
    if (a->mode == REPLY_RELAY)
        keep_headers(a, headers, count);
    a->decoder = arena_zalloc(&a->exchange->arena, a->provider->face->decoder_size + 16u);
    if (!a->decoder) {
        attempt_fail_as(a, WEIR_CLASS_INTERNAL, "out of memory");
        return -1;
    }
    crumb = crumb_enter(a->provider->crumb);
    r = a->provider->face->head(a->provider->cfg, a->decoder, &a->x, &head, &events);
    crumb_leave(crumb);
    if (a->over)
        return -1;
    if (r < 0) {
        attempt_fail_as(a, WEIR_CLASS_PROTOCOL,
                        "%s: the head of the response could not be read (result %d)",
                        a->target->name, (int)r);
        return -1;
    }
    if (a->raw && may_be_mended(a)) {
        a->raw = false;
        a->spare = true;
        r = WEIR_FRAME_WHOLE;
        note_retry_after(a, headers, count);
    }
    framer_init(&a->framer, (unsigned)r);
    /* A stream was asked for and a whole answer came: the application gets its stream. */
    if (a->mode == REPLY_RELAY && a->x.stream && !a->raw && r == WEIR_FRAME_WHOLE)
        a->mode = REPLY_STREAM;
    if (a->raw)
        reply_commit(a);
    return a->over ? -1 : 0;
}

/* Takes what there is frame by frame. The bytes used, or -1 if something went wrong. */
static int64_t take_frames(struct attempt *a, const char *bytes, size_t len, bool end)
{
    struct framer_frame f;
    size_t used = 0;
    int64_t n;

    while (!a->framer.ended) {
        n = framer_next(&a->framer, bytes + used, len - used, end, &f);
        if (n < 0) {
            flush_run(a);
            attempt_fail_as(a, WEIR_CLASS_PROTOCOL, "%s: the response could not be framed",
                            a->target->name);
            return -1;
        }
        if (n == 0 && !a->framer.ended)
            break;
        used += (size_t)n;
        if (!take_frame(a, &f))
            return -1;
    }
    if (flush_run(a) < 0) {
        fail_endless(a);
        return -1;
    }
    return (int64_t)(a->framer.ended ? len : used);
}

int64_t response_body(struct attempt *a, const char *bytes, size_t len, bool end)
{
    int64_t used;

    a->active_us = loop_now(a->exchange->worker->loop);
    a->ending = end;
    used = take_frames(a, bytes ? bytes : "", len, end); /* an empty buffer has no memory */
    a->ending = false;
    /* With the last bytes taken, the transport is done at once, and the connection fit for others.
     */
    return a->late && !a->over ? (int64_t)len : used;
}

void response_done(struct attempt *a, bool cut, const char *message)
{
    struct framer_frame f = { .frame = { .struct_size = sizeof(weir_frame),
                                         .flags = WEIR_FRAME_CUT } };

    if (a->late) {
        attempt_fail(a, a->late);
        return;
    }
    if (cut && !order_complete(&a->order) && a->head_us && !a->raw) {
        weir_result r = decode(a, &f); /* the decoder may know a better word for it */

        if (gone_wrong(a, r, &f))
            return;
    }
    if (a->spare && !cut) {
        keep_spare(a);
        return;
    }
    if (a->raw ? !cut : order_complete(&a->order)) {
        if (!a->committed)
            reply_commit(a);
        if (!a->over)
            attempt_succeed(a);
        return;
    }
    if (!cut)
        message = a->x.stream ? "the stream ended without its end marker"
                              : "the response does not hold an answer";
    attempt_fail_as(a, WEIR_CLASS_PROTOCOL, "%s: %s", a->target->name,
                    *message ? message : "the connection ended early");
}
