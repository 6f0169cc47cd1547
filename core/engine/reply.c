/*
 * reply.c - from events (or relayed bytes) to the application.
 *
 * Nothing is sent before the commit: what the dialect writes, or what is relayed, is held. From
 * the commit on it goes straight out, and no other target can take over.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "transport/http.h"

#include <stdio.h>

/* -- head and bytes to the front -------------------------------------------------------------- */

enum { MAX_REPLY_HEADERS = 160 };

struct head {
    weir_header headers[MAX_REPLY_HEADERS];
    size_t count;
};

static void add_header(struct head *h, weir_str name, weir_str value)
{
    if (h->count < MAX_REPLY_HEADERS)
        h->headers[h->count++] = (weir_header){ name, value };
}

/* One header for all warnings: "pointer: why; pointer: why", without what headers cannot hold. */
static weir_str warnings_text(struct exchange *e)
{
    char *text = arena_alloc(&e->arena, 1024);
    size_t used = 0;

    for (uint32_t i = 0; text && i < e->warning_count; i++) {
        const struct warning *w = &e->warnings[i];
        int n = snprintf(text + used, 1024 - used, "%s%.*s: %.*s", i ? "; " : "", S_ARG(w->topic),
                         S_ARG(w->text));

        if (n < 0 || (size_t)n >= 1024 - used)
            break;
        used += (size_t)n;
    }
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            text[i] = ' ';
    }
    return (weir_str){ text, text ? used : 0 };
}

static weir_str number_text(struct exchange *e, uint64_t n)
{
    char digits[24];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return arena_copy(&e->arena, (weir_str){ digits + at, sizeof digits - at });
}

/* What every reply says of how it came about. */
static void add_own_headers(struct exchange *e, const struct attempt *a, struct head *h)
{
    add_header(h, S("x-weir-id"), str_of(e->id));
    if (a && a->provider) {
        add_header(h, S("x-weir-provider"), a->provider->name);
        if (a->model.len)
            add_header(h, S("x-weir-model"), a->model);
    }
    add_header(h, S("x-weir-attempts"), number_text(e, e->attempt_count));
    if (e->warning_count)
        add_header(h, S("x-weir-warnings"), warnings_text(e));
}

static void send_head(struct exchange *e, unsigned status, const struct head *h, int64_t length)
{
    e->status = status;
    e->head_sent = true;
    if (e->front)
        e->front_ops->head(e->front, status, h->headers, h->count, length);
}

static void send_bytes(struct exchange *e, weir_str bytes)
{
    if (!e->front || !bytes.len)
        return;
    e->bytes_out += bytes.len;
    e->front_ops->bytes(e->front, bytes.ptr, bytes.len);
}

/* -- the provider's name in bodies ------------------------------------------------------------ */

static bool is_streamed(const struct attempt *a)
{
    return a->raw || (a->mode != REPLY_WHOLE && a->x.stream);
}

/* "provider" as the first member of what is sent, where the configuration wants it in bodies. */
static bool wants_provider(const struct attempt *a)
{
    const struct exchange *e = a->exchange;

    return a->provider && !a->raw && e->facts.op == WEIR_OP_CHAT &&
           (e->generation->config->expose_body || a->mode != REPLY_RELAY);
}

/* The place behind the first brace of a JSON object (behind "data:" in a stream); 0: there is none.
 */
static size_t object_start(weir_str s, bool event)
{
    size_t at = 0;

    if (event) {
        if (!str_begins(s, S("data:")))
            return 0;
        at = 5;
    }
    while (at < s.len && (s.ptr[at] == ' ' || s.ptr[at] == '\n'))
        at++;
    return at < s.len && s.ptr[at] == '{' ? at + 1 : 0;
}

/* A copy of `s` with the member in it; `s` itself if it holds no object, or memory is short. */
static weir_str with_provider(struct attempt *a, struct arena *arena, weir_str s, bool event)
{
    size_t at = object_start(s, event), used;
    weir_str name = a->provider->name;
    char *copy = at ? arena_alloc(arena, s.len + name.len + 16) : NULL;

    if (!copy)
        return s;
    memcpy(copy, s.ptr, at);
    used = at + (size_t)sprintf(copy + at, "\"provider\":\"%.*s\"", S_ARG(name));
    if (at < s.len && s.ptr[at] != '}')
        copy[used++] = ',';
    memcpy(copy + used, s.ptr + at, s.len - at);
    return (weir_str){ copy, used + s.len - at };
}

/* -- what the dialect writes ------------------------------------------------------------------ */

static weir_result on_head(void *ctx, uint32_t status, const weir_header *headers, uint32_t count)
{
    struct attempt *a = ctx;
    struct arena *arena = &a->exchange->arena;

    a->reply_status = status;
    a->reply_header_count = 0;
    for (uint32_t i = 0; i < count && i < G_N_ELEMENTS(a->reply_headers); i++) {
        weir_header *to = &a->reply_headers[a->reply_header_count++];

        to->name = arena_copy(arena, headers[i].name);
        to->value = arena_copy(arena, headers[i].value);
    }
    return WEIR_OK;
}

static void check_full(struct attempt *a)
{
    struct exchange *e = a->exchange;

    if (e->front && e->front_ops->full(e->front))
        attempt_pause(a, true);
}

static weir_result write_bytes(struct attempt *a, weir_str bytes)
{
    /* Whole answers are bounded where they come in; a stream has to come to the point. */
    if (!a->committed && a->x.stream &&
        buf_len(&a->held) + bytes.len > a->exchange->generation->config->hold_bytes)
        return WEIR_TOO_LARGE;
    if (!a->committed)
        return buf_add(&a->held, bytes.ptr, bytes.len) ? WEIR_OK : WEIR_NO_MEMORY;
    send_bytes(a->exchange, bytes);
    check_full(a);
    return WEIR_OK;
}

/* Pieces of a stream. The scratch memory is good until they have been handed on. */
static weir_result write_piece(struct attempt *a, weir_str bytes)
{
    if (is_streamed(a) && wants_provider(a))
        bytes = with_provider(a, &a->exchange->worker->scratch, bytes, true);
    return write_bytes(a, bytes);
}

static weir_result on_bytes(void *ctx, weir_str bytes)
{
    return write_piece(ctx, bytes);
}

static weir_reply_sink sink_for(struct attempt *a)
{
    return (weir_reply_sink){
        .struct_size = sizeof(weir_reply_sink),
        .ctx = a,
        .head = on_head,
        .bytes = on_bytes,
    };
}

static uint32_t enter(const struct exchange *e)
{
    return crumb_enter(e->speaker->part ? e->speaker->part->crumb : 0);
}

weir_result reply_event(struct attempt *a, const weir_event *event)
{
    struct exchange *e = a->exchange;
    weir_reply_sink sink = sink_for(a);
    weir_result r;
    uint32_t crumb;

    if (a->mode == REPLY_WHOLE)
        return gather_event(&a->gather, event);
    crumb = enter(e);
    r = e->speaker->face->event(e->speaker->cfg, a->encoder, &a->x, event, &sink);
    crumb_leave(crumb);
    return r;
}

weir_result reply_relay(struct attempt *a, weir_str bytes)
{
    return write_piece(a, bytes);
}

static weir_str held_bytes(const struct attempt *a)
{
    return (weir_str){ buf_at(&a->held), buf_len(&a->held) };
}

/* -- commit -------------------------------------------------------------------------------------
 */

/* Writes a gathered answer (or document) through the dialect into `held`. */
static weir_result write_whole(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_reply_sink sink = sink_for(a);
    const weir_answer *answer;
    weir_result r;
    uint32_t crumb;

    if (a->gather.has_document) {
        weir_event event = {
            .struct_size = sizeof(event),
            .type = WEIR_EVENT_DOCUMENT,
            .text = { a->gather.document.ptr, a->gather.document.len, WEIR_FORM_UTF8, 0 },
            .usage = &a->usage,
        };
        crumb = enter(e);
        r = e->speaker->face->event(e->speaker->cfg, a->encoder, &a->x, &event, &sink);
        crumb_leave(crumb);
        return r;
    }
    answer = gather_answer(&a->gather);
    if (!answer)
        return WEIR_NO_MEMORY;
    crumb = enter(e);
    r = e->speaker->face->answer(e->speaker->cfg, &a->x, answer, &sink);
    crumb_leave(crumb);
    return r;
}

static void cancel_others(struct exchange *e, const struct attempt *winner)
{
    const weir_failure lost =
        failure_local(WEIR_CLASS_CANCELLED, S("another attempt answered first"));

    for (struct attempt *a = e->attempts; a; a = a->next) {
        if (a != winner)
            attempt_cancel(a, &lost);
    }
}

static void commit_head(struct attempt *a)
{
    struct exchange *e = a->exchange;
    struct head h;
    unsigned status = a->mode == REPLY_RELAY ? a->status : a->reply_status ? a->reply_status : 200;
    int64_t length = is_streamed(a) ? -1 : (int64_t)buf_len(&a->held);

    h.count = 0; /* the rest is large, and not looked at */
    if (a->mode == REPLY_RELAY) {
        for (uint32_t i = 0; i < a->relay_header_count; i++)
            add_header(&h, a->relay_headers[i].name, a->relay_headers[i].value);
    } else {
        for (uint32_t i = 0; i < a->reply_header_count; i++)
            add_header(&h, a->reply_headers[i].name, a->reply_headers[i].value);
    }
    add_own_headers(e, a, &h);
    send_head(e, status, &h, length);
}

void reply_commit(struct attempt *a)
{
    struct exchange *e = a->exchange;

    if (a->mode == REPLY_WHOLE && write_whole(a) < 0) {
        attempt_fail_as(a, WEIR_CLASS_INTERNAL, "the answer of %s could not be written",
                        a->target ? a->target->name : "a filter");
        return;
    }
    if (!is_streamed(a) && wants_provider(a)) {
        weir_str body = with_provider(a, &e->arena, held_bytes(a), false);

        if (body.ptr != buf_at(&a->held)) {
            buf_eat(&a->held, buf_len(&a->held));
            if (!buf_add(&a->held, body.ptr, body.len))
                return;
        }
    }
    a->committed = true;
    e->winner = a;
    e->first_us = loop_now(e->worker->loop);
    if (a->t)
        walk_committed(&e->walk, a->t);
    cancel_others(e, a);
    commit_head(a);
    send_bytes(e, held_bytes(a));
    buf_free(&a->held);
    check_full(a);
}

void reply_finish(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_reply_sink sink = sink_for(a);

    if (a->mode == REPLY_STREAM && !a->order.document && a->x.stream) {
        uint32_t crumb = enter(e);

        e->speaker->face->end(e->speaker->cfg, a->encoder, &a->x, &sink);
        crumb_leave(crumb);
    }
    e->closing = CLOSING_END;
}

/* -- failures -----------------------------------------------------------------------------------
 */

/* A reply that is written whole before it is sent, outside any attempt. */
struct plain {
    struct exchange *e;
    struct head head;
    unsigned status;
    struct buf body;
};

static weir_result plain_head(void *ctx, uint32_t status, const weir_header *headers,
                              uint32_t count)
{
    struct plain *p = ctx;

    p->status = status;
    for (uint32_t i = 0; i < count; i++)
        add_header(&p->head, arena_copy(&p->e->arena, headers[i].name),
                   arena_copy(&p->e->arena, headers[i].value));
    return WEIR_OK;
}

static weir_result plain_bytes(void *ctx, weir_str bytes)
{
    struct plain *p = ctx;

    return buf_add(&p->body, bytes.ptr, bytes.len) ? WEIR_OK : WEIR_NO_MEMORY;
}

/* The last attempt that got as far as sending. */
static struct attempt *last_attempt(const struct exchange *e)
{
    struct attempt *last = NULL;

    for (struct attempt *a = e->attempts; a; a = a->next)
        last = a->begun || !last ? a : last;
    return last && last->begun ? last : NULL;
}

/* After the commit: the dialect's error event, then the end of a connection that nobody can take
 * for the end of an answer. */
static void fail_stream(struct exchange *e, const weir_failure *failure)
{
    struct attempt *a = e->winner;
    weir_reply_sink sink = sink_for(a);
    uint32_t crumb;

    if (is_streamed(a) && !a->raw) {
        crumb = enter(e);
        e->speaker->face->failure(e->speaker->cfg, a->encoder, &a->x, failure, &sink);
        crumb_leave(crumb);
    }
    e->closing = CLOSING_ABORT;
}

static void add_failure_headers(struct exchange *e, const weir_failure *failure, struct head *h)
{
    if (failure->retry_after_us > 0)
        add_header(h, S("retry-after"),
                   number_text(e, (uint64_t)(failure->retry_after_us + 999999) / 1000000));
    /* What could be done about it was done here: the SDKs' own retries would only repeat it. */
    if (e->attempt_count > 0)
        add_header(h, S("x-should-retry"), S("false"));
}

/* A vendor's own words do not say whose they are; the application must know. */
static weir_str name_provider(struct exchange *e, const struct attempt *a,
                              const weir_failure *failure)
{
    weir_str name, message = failure->message;
    char *text;

    if (!a || failure->local)
        return message;
    name = a->provider->name;
    if (message.len && memmem(message.ptr, message.len, name.ptr, name.len))
        return message;
    text = arena_alloc(&e->arena, name.len + message.len + 32);
    if (!text)
        return message;
    return (weir_str){ text,
                       (size_t)sprintf(text, "provider %.*s: %.*s", S_ARG(name), S_ARG(message)) };
}

/* A forwarded request that nobody could serve: the last vendor's own answer. */
static void reply_spare(struct attempt *a, const weir_failure *failure)
{
    struct exchange *e = a->exchange;
    struct head h;

    h.count = 0;
    for (uint32_t i = 0; i < a->relay_header_count; i++) {
        if (!http_name_is(a->relay_headers[i].name, "retry-after"))
            add_header(&h, a->relay_headers[i].name, a->relay_headers[i].value);
    }
    add_failure_headers(e, failure, &h);
    add_own_headers(e, a, &h);
    send_head(e, a->status, &h, (int64_t)a->spare_body.len);
    send_bytes(e, a->spare_body);
    e->closing = CLOSING_END;
}

void reply_failure(struct exchange *e, const weir_failure *failure)
{
    struct plain p = { .e = e };
    weir_reply_sink sink = {
        .struct_size = sizeof(sink), .ctx = &p, .head = plain_head, .bytes = plain_bytes
    };
    struct attempt *a = last_attempt(e);
    weir_failure told = *failure;
    weir_exchange x = a ? a->x : exchange_view(e);
    uint32_t crumb;

    if (e->head_sent) {
        fail_stream(e, failure);
        return;
    }
    if (a && a->spare && !failure->local) {
        reply_spare(a, failure);
        return;
    }
    told.message = name_provider(e, a, failure);
    crumb = enter(e);
    e->speaker->face->failure(e->speaker->cfg, NULL, &x, &told, &sink);
    crumb_leave(crumb);
    add_failure_headers(e, failure, &p.head);
    add_own_headers(e, a, &p.head);
    send_head(e, p.status ? p.status : 500, &p.head, (int64_t)buf_len(&p.body));
    send_bytes(e, (weir_str){ buf_at(&p.body), buf_len(&p.body) });
    e->closing = CLOSING_END;
    buf_free(&p.body);
}

void reply_plain(struct exchange *e, unsigned status, weir_str content_type, weir_str body)
{
    struct head h;

    h.count = 0;
    add_header(&h, S("content-type"), content_type);
    add_own_headers(e, NULL, &h);
    send_head(e, status, &h, (int64_t)body.len);
    send_bytes(e, body);
    e->closing = CLOSING_END;
}

/* -- answers of our own -------------------------------------------------------------------------
 */

static weir_result on_local(void *ctx, const weir_event *event)
{
    return reply_event(ctx, event);
}

weir_result reply_local_event(struct exchange *e, const weir_event *event)
{
    weir_events next = { NULL, on_local };
    struct attempt *a = e->local;
    weir_result r;

    if (!a) {
        a = e->local = arena_zalloc(&e->arena, sizeof(*a));
        if (!a)
            return WEIR_NO_MEMORY;
        a->exchange = e;
        a->mode = e->facts.stream ? REPLY_STREAM : REPLY_WHOLE;
        a->x = exchange_view(e);
        a->encoder = arena_zalloc(&e->arena, e->speaker->face->encoder_size + 16u);
        usage_clear(&a->usage);
        gather_init(&a->gather, &e->arena);
        if (!a->encoder)
            return WEIR_NO_MEMORY;
    }
    if (event->type == WEIR_EVENT_DOCUMENT)
        a->mode = REPLY_WHOLE;
    next.ctx = a;
    r = order_event(&a->order, event, &next);
    a->refused |= r < 0;
    return r;
}

void reply_local_end(struct exchange *e)
{
    struct attempt *a = e->local;

    if (!e->over && (!a || a->refused || !order_complete(&a->order))) {
        exchange_fail(e, failure_format(&e->arena, WEIR_CLASS_INTERNAL,
                                        "a filter's own answer is not complete"));
    } else if (!e->over) {
        reply_commit(a);
        if (!e->over)
            reply_finish(a);
        exchange_finish(e);
    }
}
