/*
 * reply.c - from events (or relayed bytes) to the application.
 *
 * Nothing is sent before the commit: what the dialect writes, or what is relayed, is held. From
 * the commit on it goes straight out, and no other target can take over.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/label.h"
#include "engine/reply.h"
#include "model/failure.h"
#include "transport/http.h"

/* -- the provider's name in bodies ------------------------------------------------------------ */

static bool is_streamed(const struct attempt *a)
{
    return a->raw || (a->mode != REPLY_WHOLE && a->x.stream);
}

/* "provider" as the first member of what is sent: of what we write always, also where we go on for
 * bytes that were passed through; of the latter where the configuration wants it in bodies. */
static bool wants_provider(const struct attempt *a)
{
    const struct exchange *e = a->exchange;

    return a->provider && !a->raw && e->facts.op == WEIR_OP_CHAT &&
           (e->generation->config->expose_body || a->mode != REPLY_RELAY ||
            (e->winner && e->winner != a));
}

static weir_str content_type_of(const struct attempt *a)
{
    bool relayed = a->mode == REPLY_RELAY;
    const weir_header *headers = relayed ? a->relay_headers : a->reply_headers;
    uint32_t count = relayed ? a->relay_header_count : a->reply_header_count;

    for (uint32_t i = 0; i < count; i++) {
        if (http_name_is(headers[i].name, "content-type"))
            return headers[i].value;
    }
    return S("");
}

/* A copy of `s` with the member in it; `s` itself if there is no place for it. */
static weir_str with_provider(struct attempt *a, struct arena *arena, weir_str s)
{
    const struct exchange *e = a->exchange;

    if (!a->label) {
        a->label = arena_alloc(&a->exchange->arena, sizeof(*a->label));
        if (!a->label)
            return s;
        label_init(a->label, is_streamed(a) ? label_form_of(content_type_of(a)) : LABEL_WHOLE);
    }
    return label_add(a->label, arena, s, (e->winner ? e->winner : a)->provider->name);
}

/* -- what the dialect writes ------------------------------------------------------------------ */

static weir_result on_head(void *ctx, uint32_t status, const weir_header *headers, uint32_t count)
{
    struct attempt *a = ctx;
    struct arena *arena = &a->exchange->arena;

    if (a->dry)
        return WEIR_OK;
    a->reply_status = status;
    a->reply_header_count = 0;
    for (uint32_t i = 0; i < count && i < G_N_ELEMENTS(a->reply_headers); i++) {
        weir_header *to = &a->reply_headers[a->reply_header_count++];

        to->name = arena_copy(arena, headers[i].name);
        to->value = arena_copy(arena, headers[i].value);
    }
    return WEIR_OK;
}

static void check_full(struct exchange *e)
{
    if (e->front && e->front_ops->full(e->front))
        attempt_pause(e->winner, true);
}

static weir_result write_bytes(struct attempt *a, weir_str bytes)
{
    /* Whole answers are bounded where they come in; a stream has to come to the point. */
    if (!a->committed && a->x.stream &&
        buf_len(&a->held) + bytes.len > a->exchange->generation->config->hold_bytes)
        return WEIR_TOO_LARGE;
    if (!a->committed)
        return buf_add(&a->held, bytes.ptr, bytes.len) ? WEIR_OK : WEIR_NO_MEMORY;
    reply_send(a->exchange, bytes);
    check_full(a->exchange);
    return WEIR_OK;
}

/* Pieces of a stream. The scratch memory is good until they have been handed on. */
static weir_result write_piece(struct attempt *a, weir_str bytes)
{
    if (is_streamed(a) && wants_provider(a))
        bytes = with_provider(a, &a->exchange->worker->scratch, bytes);
    return write_bytes(a, bytes);
}

static weir_result on_bytes(void *ctx, weir_str bytes)
{
    struct attempt *a = ctx;

    return a->dry ? WEIR_OK : write_piece(a, bytes);
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

static bool is_gathered(const struct attempt *a)
{
    return (a->exchange->speaker->face->flags & WEIR_DIALECT_GATHERED) && a->x.stream;
}

/* For dialects that repeat what they have written: the end of a block tells all of it. */
static weir_result gather_streamed(struct attempt *a, const weir_event *event, weir_event *told)
{
    weir_result r = gather_event(&a->gather, event);
    const weir_block *b;

    if (r < 0 || event->type != WEIR_EVENT_BLOCK_END)
        return r;
    b = gather_block(&a->gather, event->choice, event->block);
    if (b) {
        told->text = b->text;
        told->id = b->id;
        told->name = b->name;
        told->extra = b->extra;
    }
    return WEIR_OK;
}

/* The dialect's state block, zeroed at first. NULL: out of memory. */
static void *encoder(struct attempt *a)
{
    struct exchange *e = a->exchange;

    if (!a->encoder)
        a->encoder = arena_zalloc(&e->arena, e->speaker->face->encoder_size + 16u);
    return a->encoder;
}

static weir_result write_event(void *ctx, const weir_event *event)
{
    struct attempt *a = ctx;
    struct exchange *e = a->exchange;
    weir_reply_sink sink = sink_for(a);
    weir_event told;
    weir_result r;
    uint32_t crumb;

    if (a->delivered && !a->dry)
        delivered_event(a->delivered, event);
    if (!encoder(a))
        return WEIR_NO_MEMORY;
    if (is_gathered(a)) {
        told = *event;
        r = gather_streamed(a, event, &told);
        if (r < 0)
            return r;
        event = &told;
    }
    crumb = reply_enter(e);
    r = e->speaker->face->event(e->speaker->cfg, a->encoder, &a->x, event, &sink);
    crumb_leave(crumb);
    return r;
}

/* For dialects that ask for an order of their own. */
static weir_result write_in_sequence(struct attempt *a, const weir_event *event, uint32_t flags)
{
    const weir_events next = { a, write_event };

    if (!a->sequence) {
        a->sequence = arena_alloc(&a->exchange->arena, sizeof(*a->sequence));
        if (!a->sequence)
            return WEIR_NO_MEMORY;
        sequence_init(a->sequence, flags, a->exchange->generation->config->hold_bytes);
    }
    return sequence_event(a->sequence, event, &next);
}

weir_result reply_event(struct attempt *a, const weir_event *event)
{
    uint32_t flags = a->exchange->speaker->face->flags;

    if (a->splice)
        return resume_event(a, event);
    if (a->mode == REPLY_WHOLE)
        return gather_event(&a->gather, event);
    if (flags & (WEIR_DIALECT_SEQUENTIAL | WEIR_DIALECT_WHOLE_CALLS))
        return write_in_sequence(a, event, flags);
    return write_event(a, event);
}

static weir_result write_again(void *ctx, const weir_event *event)
{
    return reply_event(ctx, event);
}

bool reply_catch_up(struct attempt *a)
{
    const weir_events to = { a, write_again };
    bool good = true;

    if (a->mode == REPLY_RELAY && !a->encoder) {
        a->dry = true;
        good = delivered_replay(a->delivered, &to) >= 0;
        a->dry = false;
        if (a->sequence) /* what it held back has long been said */
            sequence_clear(a->sequence);
    }
    return good;
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
        if (!encoder(a))
            return WEIR_NO_MEMORY;
        crumb = reply_enter(e);
        r = e->speaker->face->event(e->speaker->cfg, a->encoder, &a->x, &event, &sink);
        crumb_leave(crumb);
        return r;
    }
    answer = gather_answer(&a->gather);
    if (!answer)
        return WEIR_NO_MEMORY;
    crumb = reply_enter(e);
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
            head_add(&h, a->relay_headers[i].name, a->relay_headers[i].value);
    } else {
        for (uint32_t i = 0; i < a->reply_header_count; i++)
            head_add(&h, a->reply_headers[i].name, a->reply_headers[i].value);
    }
    head_add_own(e, a, &h);
    head_send(e, status, &h, length);
}

/* From here on this attempt is the one that answers. */
static void take_the_word(struct attempt *a)
{
    struct exchange *e = a->exchange;

    a->committed = true;
    e->winner = e->voice = a;
    e->first_us = loop_now(e->worker->loop);
    if (a->t)
        walk_committed(&e->walk, a->t);
    cancel_others(e, a);
}

static void fail_unwritten(struct attempt *a, weir_result r)
{
    const char *name = a->target ? a->target->name : "a filter";

    if (r == WEIR_PROTOCOL)
        attempt_fail_as(a, WEIR_CLASS_PROTOCOL, "%s: the answer has what is no answer", name);
    else
        attempt_fail_as(a, WEIR_CLASS_INTERNAL, "the answer of %s could not be written", name);
}

void reply_commit(struct attempt *a)
{
    struct exchange *e = a->exchange;
    weir_result r;

    if (a->mode == REPLY_NONE) {
        take_the_word(a);
        return;
    }
    r = a->mode == REPLY_WHOLE ? write_whole(a) : WEIR_OK;
    if (r < 0) {
        fail_unwritten(a, r);
        return;
    }
    if (!is_streamed(a) && wants_provider(a)) {
        weir_str body = with_provider(a, &e->arena, held_bytes(a));

        if (body.ptr != buf_at(&a->held)) {
            buf_eat(&a->held, buf_len(&a->held));
            if (!buf_add(&a->held, body.ptr, body.len))
                return;
        }
    }
    take_the_word(a);
    commit_head(a);
    reply_send(e, held_bytes(a));
    buf_free(&a->held);
    check_full(e);
}

void reply_take_over(struct attempt *a)
{
    struct exchange *e = a->exchange;

    a->committed = true;
    e->winner = a;
    if (e->voice->label) /* another name from here on */
        label_init(e->voice->label, (enum label_form)e->voice->label->form);
    walk_committed(&e->walk, a->t);
    cancel_others(e, a);
}

void reply_finish(struct attempt *ended)
{
    struct exchange *e = ended->exchange;
    struct attempt *a = e->voice;
    weir_reply_sink sink = sink_for(a);

    if ((a->mode == REPLY_STREAM || ended != a) && !a->order.document && a->x.stream &&
        encoder(a)) {
        uint32_t crumb;

        if (is_gathered(a))
            a->x.answer = gather_answer(&a->gather);
        crumb = reply_enter(e);
        e->speaker->face->end(e->speaker->cfg, a->encoder, &a->x, &sink);
        crumb_leave(crumb);
    }
    e->closing = CLOSING_END;
}

void reply_break(struct exchange *e, const weir_failure *failure)
{
    struct attempt *a = e->voice;
    weir_reply_sink sink = sink_for(a);
    uint32_t crumb;

    if (is_streamed(a) && !a->raw && encoder(a)) {
        crumb = reply_enter(e);
        e->speaker->face->failure(e->speaker->cfg, a->encoder, &a->x, failure, &sink);
        crumb_leave(crumb);
    }
    e->closing = CLOSING_ABORT;
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
        a->order.memory = arena_abi(&e->arena);
        a->mode = e->facts.stream ? REPLY_STREAM : REPLY_WHOLE;
        a->x = exchange_view(e);
        usage_clear(&a->usage);
        gather_init(&a->gather, &e->arena);
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
