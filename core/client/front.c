/*
 * front.c - the two ends of an exchange that the library takes: the dialect that writes the reply,
 * and the front it goes to.
 *
 * The dialect writes events instead of bytes of some API. So the engine's own rules hold for the
 * library too: nothing comes out before the commit, and only from the attempt that answers.
 */
#include "base/str.h"
#include "client/client.h"
#include "client/pack.h"
#include "model/failure.h"

#include <weir/sdk/str.h>

/* -- the dialect ------------------------------------------------------------------------------ */

static weir_result speak(const weir_exchange *x, const weir_event *event,
                         const weir_reply_sink *out)
{
    weir_str bytes;
    weir_result r = pack_event(&x->arena, event, &bytes);

    return r < 0 ? r : out->bytes(out->ctx, bytes);
}

static weir_result speaker_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    (void)cfg, (void)st;
    return speak(x, event, out);
}

static weir_result speak_block(const weir_exchange *x, const weir_block *b,
                               const weir_reply_sink *out)
{
    weir_event event = {
        .struct_size = sizeof(event),
        .type = WEIR_EVENT_BLOCK_START,
        .kind = b->kind,
        .choice = b->choice,
        .block = b->index,
        .id = b->id,
        .name = b->name,
        .extra = b->extra,
    };
    weir_result r = speak(x, &event, out);

    event.id = event.name = event.extra = (weir_str){ 0 };
    event.type = WEIR_EVENT_DELTA;
    event.text = b->text;
    if (r >= 0 && b->text.len)
        r = speak(x, &event, out);
    event.type = WEIR_EVENT_BLOCK_END;
    event.text = (weir_text){ 0 };
    return r < 0 ? r : speak(x, &event, out);
}

static const void *element(weir_array a, uint32_t i)
{
    return (const char *)a.items + (size_t)i * a.stride;
}

/* A whole answer is told as the events it could have come as: there is one reader only. */
static weir_result speaker_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                                  const weir_reply_sink *out)
{
    weir_event start = { .struct_size = sizeof(start), .type = WEIR_EVENT_START };
    weir_event usage = { .struct_size = sizeof(usage), .type = WEIR_EVENT_USAGE };
    weir_result r;

    (void)cfg;
    start.id = answer->id;
    start.name = answer->model;
    usage.usage = answer->usage;
    r = speak(x, &start, out);
    for (uint32_t i = 0; r >= 0 && i < answer->blocks.count; i++)
        r = speak_block(x, element(answer->blocks, i), out);
    if (r >= 0 && answer->usage)
        r = speak(x, &usage, out);
    for (uint32_t i = 0; r >= 0 && i < answer->choices.count; i++) {
        const weir_choice *c = element(answer->choices, i);
        weir_event finish = {
            .struct_size = sizeof(finish),
            .type = WEIR_EVENT_FINISH,
            .choice = c->choice,
            .reason = c->reason,
            .name = c->raw_reason,
            .extra = c->extra,
        };

        r = speak(x, &finish, out);
    }
    return r;
}

static weir_result speaker_failure(void *cfg, void *st, const weir_exchange *x,
                                   const weir_failure *failure, const weir_reply_sink *out)
{
    struct weir_call *call = cfg;

    (void)st, (void)x, (void)out;
    response_fail(call->response, failure);
    return WEIR_OK;
}

static weir_result speaker_end(void *cfg, void *st, const weir_exchange *x,
                               const weir_reply_sink *out)
{
    (void)cfg, (void)st, (void)x, (void)out;
    return WEIR_OK;
}

static const weir_dialect_v1 speaker_face = {
    .struct_size = sizeof(weir_dialect_v1),
    .id = "weir.client",
    .event = speaker_event,
    .answer = speaker_answer,
    .failure = speaker_failure,
    .end = speaker_end,
};

/* -- the front -------------------------------------------------------------------------------- */

static void front_head(void *front, unsigned status, const weir_header *headers, size_t count,
                       int64_t length)
{
    (void)front, (void)status, (void)headers, (void)count, (void)length;
}

static void front_bytes(void *front, const void *bytes, size_t len)
{
    call_bytes(front, bytes, len);
}

/* Who answered, after how many attempts; asked before the exchange goes. */
static void note_outcome(struct weir_call *call)
{
    const struct exchange *e = call->exchange;
    const struct attempt *last = e->winner;
    struct outcome *o = &call->response->outcome;
    const struct warning *w;
    uint32_t at = 0;

    for (const struct attempt *a = e->attempts; a && !e->winner; a = a->next)
        last = a->begun ? a : last;
    if (last && last->provider) {
        o->provider = arena_copy(&o->memory, last->provider->name);
        o->model = arena_copy(&o->memory, last->model);
    }
    o->attempts = e->attempt_count;
    while ((w = exchange_warning(e, &at))) {
        const weir_str parts[] = { w->topic, S(": "), w->text, S("\0") };
        weir_arena arena = arena_abi(&o->memory);
        weir_str text = weir_str_join(&arena, parts, G_N_ELEMENTS(parts));

        if (text.len)
            o->warnings[o->warning_count++] = (weir_str){ text.ptr, text.len - 1 };
    }
    if (e->failure)
        response_fail(call->response, e->failure);
}

static void front_end(void *front)
{
    struct weir_call *call = front;

    note_outcome(call);
    call->exchange = NULL;
    call_over(call);
}

static void front_abort(void *front)
{
    struct weir_call *call = front;
    weir_failure broken = failure_local(WEIR_CLASS_PROTOCOL, S("the answer broke off"));

    note_outcome(call);
    response_fail(call->response, &broken); /* unless there is a better word for it */
    call->exchange = NULL;
    call_over(call);
}

static bool front_full(void *front)
{
    return call_full(front);
}

static const struct front_ops client_front = {
    .head = front_head,
    .bytes = front_bytes,
    .end = front_end,
    .abort = front_abort,
    .full = front_full,
};

/* -- beginning and ending --------------------------------------------------------------------- */

void front_begin(struct weir_call *call)
{
    struct worker *w = call->client->engine->workers[0];
    const struct generation *g = w->generation->generation;
    struct endpoint_match match;
    struct exchange_start start = {
        .front_ops = &client_front,
        .front = call,
        .match = &match,
        .speaker = &call->speaker,
        .method = call->method,
        .target = call->path,
        .path = call->path,
        .start_us = loop_now(w->loop),
    };

    call->speaker = (struct dialect){ .face = &speaker_face, .name = "client", .cfg = call };
    if (generation_match(g, call->method, call->path, NULL, 0, &match) != 200) {
        front_refuse(call, WEIR_CLASS_UNSUPPORTED, "no dialect offers this operation");
        return;
    }
    call->exchange = exchange_new(w, &start);
    if (call->exchange)
        exchange_request(call->exchange, call->body);
    else
        front_refuse(call, WEIR_CLASS_INTERNAL, "out of memory");
}

void front_refuse(struct weir_call *call, unsigned class_id, const char *why)
{
    weir_failure failure = failure_local(class_id, str_of(why));

    response_fail(call->response, &failure);
    call_over(call);
}

void front_cancel(struct weir_call *call, const char *why)
{
    struct exchange *e = call->exchange;

    note_outcome(call);
    call->exchange = NULL;
    exchange_cancel(e, 0);
    front_refuse(call, WEIR_CLASS_CANCELLED, why);
}
