/*
 * order.c - see order.h.
 */
#include "model/order.h"
#include "model/failure.h"

#include <string.h>

static bool is_finished(const struct order *o, int32_t choice)
{
    return (o->finished[choice / 64] >> (choice % 64)) & 1;
}

static bool is_cut(const struct order *o, int32_t choice)
{
    return (o->cut[choice / 64] >> (choice % 64)) & 1;
}

static int find_open(const struct order *o, int32_t choice, int32_t block)
{
    for (int i = o->open_count - 1; i >= 0; i--) {
        if (o->open[i].choice == choice && o->open[i].block == block)
            return i;
    }
    return -1;
}

/* Nothing comes before the start of the answer. */
static weir_result start(struct order *o, const weir_events *next)
{
    weir_event event = { .struct_size = sizeof(event), .type = WEIR_EVENT_START };

    o->started = true;
    return next->emit(next->ctx, &event);
}

/* Half a call can only be the last thing of its choice. */
static weir_result broke_off(struct order *o)
{
    o->cut_short = true;
    return WEIR_PROTOCOL;
}

static void follow(struct order *o, int32_t choice)
{
    for (int i = 0; i < o->open_count; i++) {
        if (o->open[i].choice == choice)
            o->open[i].followed = true;
    }
}

/* Room for one more open block: most answers have one or two at a time. */
static weir_result open_room(struct order *o)
{
    unsigned cap = o->open_cap ? o->open_cap * 2u : 4;
    struct order_open *room;

    if (o->open_count < o->open_cap)
        return WEIR_OK;
    if (o->open_count == ORDER_MAX_OPEN)
        return WEIR_PROTOCOL;
    room = o->memory.alloc(o->memory.owner, cap * sizeof(*room));
    if (!room)
        return WEIR_NO_MEMORY;
    if (o->open_count)
        memcpy(room, o->open, o->open_count * sizeof(*room));
    o->open = room;
    o->open_cap = (uint8_t)cap;
    return WEIR_OK;
}

/* Begins the block of an event, as the last of the open ones. */
static weir_result open_block(struct order *o, const weir_event *event, const weir_events *next)
{
    weir_event opening = *event;
    struct order_open *b;
    weir_result r;

    r = open_room(o);
    if (r < 0)
        return r;
    if (event->kind == WEIR_BLOCK_TOOL_CALL && !event->name.len)
        return WEIR_PROTOCOL; /* which tool it is for cannot be made up */
    if (is_cut(o, event->choice))
        return broke_off(o);
    follow(o, event->choice);
    b = &o->open[o->open_count];
    b->choice = event->choice;
    b->block = event->block;
    b->kind = event->kind;
    b->followed = false;
    b->args = call_args_begin(event->type == WEIR_EVENT_BLOCK_START && event->extra.len &&
                              call_is_custom(event->extra));
    o->open_count++;
    opening.type = WEIR_EVENT_BLOCK_START;
    if (event->type != WEIR_EVENT_BLOCK_START) {
        opening.text.len = 0;
        opening.extra.len = 0;
    }
    return next->emit(next->ctx, &opening);
}

static weir_result close_at(struct order *o, int i, const weir_event *event,
                            const weir_events *next)
{
    weir_event closing = event ? *event : (weir_event){ .struct_size = sizeof(closing) };

    closing.type = WEIR_EVENT_BLOCK_END;
    closing.kind = o->open[i].kind;
    closing.choice = o->open[i].choice;
    closing.block = o->open[i].block;
    if (closing.kind == WEIR_BLOCK_TOOL_CALL && !call_args_whole(&o->open[i].args)) {
        if (o->open[i].followed)
            return broke_off(o);
        o->cut[closing.choice / 64] |= 1ull << (closing.choice % 64);
    }
    o->open_count--;
    for (int k = i; k < o->open_count; k++)
        o->open[k] = o->open[k + 1];
    return next->emit(next->ctx, &closing);
}

static weir_result close_choice(struct order *o, int32_t choice, const weir_events *next)
{
    for (int i = 0; i < o->open_count;) {
        weir_result r;

        if (o->open[i].choice != choice) {
            i++;
            continue;
        }
        r = close_at(o, i, NULL, next);
        if (r < 0)
            return r;
    }
    return WEIR_OK;
}

static weir_result on_block(struct order *o, const weir_event *event, const weir_events *next)
{
    weir_result r;
    int i;

    if (is_finished(o, event->choice))
        return WEIR_OK;
    i = find_open(o, event->choice, event->block);
    if (event->type == WEIR_EVENT_BLOCK_END)
        return i < 0 ? WEIR_OK : close_at(o, i, event, next);
    if (i < 0) {
        r = open_block(o, event, next);
        if (r < 0)
            return r;
        i = o->open_count - 1;
    }
    if (event->kind == WEIR_BLOCK_TOOL_CALL || event->text.len)
        o->content = true;
    if (event->type != WEIR_EVENT_DELTA)
        return WEIR_OK;
    if (event->kind != o->open[i].kind) /* what is said of one thing is not said of another */
        return WEIR_PROTOCOL;
    if (event->kind == WEIR_BLOCK_TOOL_CALL)
        call_args_add(&o->open[i].args, event->text);
    return next->emit(next->ctx, event);
}

/* Reasons that tell the application by themselves that the answer is not whole. */
static bool tells_of_cut(unsigned reason)
{
    return reason == WEIR_FINISH_LENGTH || reason == WEIR_FINISH_CONTENT_FILTER ||
           reason == WEIR_FINISH_REFUSAL;
}

static weir_result on_finish(struct order *o, const weir_event *event, const weir_events *next)
{
    weir_event told = *event;
    weir_result r;

    if (is_finished(o, event->choice))
        return WEIR_OK;
    r = close_choice(o, event->choice, next);
    if (r < 0)
        return r;
    if (is_cut(o, event->choice)) {
        if (!tells_of_cut(event->reason))
            return broke_off(o);
        /* A refusal is a whole answer in most APIs; this one was stopped. */
        if (event->reason == WEIR_FINISH_REFUSAL)
            told.reason = WEIR_FINISH_CONTENT_FILTER;
    }
    o->finished[event->choice / 64] |= 1ull << (event->choice % 64);
    o->finished_count++;
    return next->emit(next->ctx, &told);
}

/* Dialects read all of it, as this host knows it. */
static weir_result on_usage(const weir_event *event, const weir_events *next)
{
    weir_event told = *event;
    weir_usage usage;

    if (!event->usage)
        return WEIR_OK;
    usage_clear(&usage);
    usage_merge(&usage, event->usage);
    told.usage = &usage;
    return next->emit(next->ctx, &told);
}

weir_result order_event(struct order *o, const weir_event *event, const weir_events *next)
{
    weir_result r;

    if (o->failed)
        return WEIR_OK;
    switch (event->type) {
    case WEIR_EVENT_START:
        if (o->started)
            return WEIR_OK;
        o->started = true;
        return next->emit(next->ctx, event);
    case WEIR_EVENT_BLOCK_START:
    case WEIR_EVENT_DELTA:
    case WEIR_EVENT_BLOCK_END:
    case WEIR_EVENT_FINISH:
        if (event->choice < 0 || event->choice >= ORDER_MAX_CHOICES)
            return WEIR_PROTOCOL;
        if (event->choice >= o->choice_count)
            o->choice_count = (uint16_t)(event->choice + 1);
        r = o->started ? WEIR_OK : start(o, next);
        if (r < 0)
            return r;
        return event->type == WEIR_EVENT_FINISH ? on_finish(o, event, next)
                                                : on_block(o, event, next);
    case WEIR_EVENT_USAGE:
        return on_usage(event, next);
    case WEIR_EVENT_DOCUMENT:
        o->document = true;
        return next->emit(next->ctx, event);
    case WEIR_EVENT_ERROR:
        o->failed = true;
        return next->emit(next->ctx, event);
    default:
        return next->emit(next->ctx, event);
    }
}

bool order_complete(const struct order *o)
{
    if (o->failed)
        return false;
    return o->document || (o->finished_count > 0 && o->finished_count == o->choice_count);
}
