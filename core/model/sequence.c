/*
 * sequence.c - see sequence.h.
 *
 * What waits is a list in the order in which it began: blocks, and the ends of choices. A block at
 * the head of the list whose turn has come leaves it; its later events then pass straight on.
 */
#include "model/sequence.h"
#include "base/str.h"
#include "model/call.h"
#include "model/gather.h"

/* A delta that waits. Deltas that carry nothing but text become one. */
struct delta {
    struct delta *next;
    weir_text text;
    weir_str extra;
    size_t cap, extra_cap;
};

struct sequence_item {
    struct sequence_item *next;
    weir_event first; /* the block's start, or the choice's `finish`; strings in the arena */
    weir_event last;  /* the block's end, once `ended` */
    struct delta *deltas, **deltas_end;
    bool ended;
};

void sequence_init(struct sequence *s, uint32_t flags, size_t limit)
{
    *s = (struct sequence){ .flags = flags, .limit = limit };
    s->items_end = &s->items;
    /* Texts double as they grow, and an escaped byte is six: the limit itself is counted. */
    arena_init(&s->arena, limit * 16 + (1u << 20));
}

void sequence_clear(struct sequence *s)
{
    s->items = NULL;
    s->items_end = &s->items;
    s->held = 0;
    arena_reset(&s->arena);
}

/* -- what is held ----------------------------------------------------------------------------- */

static bool count(struct sequence *s, size_t bytes)
{
    s->held += bytes;
    return s->held <= s->limit;
}

static bool keep(struct sequence *s, weir_str *str)
{
    weir_str copy = str->len ? arena_copy(&s->arena, *str) : S("");
    bool kept = copy.len == str->len;

    *str = copy;
    return kept;
}

/* A copy that outlives the call. Events that are held carry only these members. */
static weir_result keep_event(struct sequence *s, weir_event *to, const weir_event *event)
{
    *to = (weir_event){
        .struct_size = sizeof(*to),
        .type = event->type,
        .kind = event->kind,
        .reason = event->reason,
        .choice = event->choice,
        .block = event->block,
        .id = event->id,
        .name = event->name,
        .extra = event->extra,
        .at_us = event->at_us,
    };
    if (!count(s, sizeof(*to) + to->id.len + to->name.len + to->extra.len))
        return WEIR_TOO_LARGE;
    return keep(s, &to->id) && keep(s, &to->name) && keep(s, &to->extra) ? WEIR_OK : WEIR_NO_MEMORY;
}

static weir_result hold(struct sequence *s, const weir_event *event)
{
    struct sequence_item *item = arena_zalloc(&s->arena, sizeof(*item));
    weir_result r;

    if (!item)
        return WEIR_NO_MEMORY;
    r = keep_event(s, &item->first, event);
    if (r < 0)
        return r;
    item->deltas_end = &item->deltas;
    *s->items_end = item;
    s->items_end = &item->next;
    return WEIR_OK;
}

static struct delta *add_delta(struct sequence *s, struct sequence_item *item)
{
    struct delta *d = arena_zalloc(&s->arena, sizeof(*d));

    if (!d || !count(s, sizeof(*d)))
        return NULL;
    *item->deltas_end = d;
    item->deltas_end = &d->next;
    return d;
}

static bool is_whole(const struct sequence *s, const struct sequence_item *item)
{
    return item->first.kind == WEIR_BLOCK_TOOL_CALL && s->flags & WEIR_DIALECT_WHOLE_CALLS;
}

static struct delta *last_delta(const struct sequence_item *item)
{
    return item->deltas ? (struct delta *)((char *)item->deltas_end - offsetof(struct delta, next))
                        : NULL;
}

static weir_result hold_delta(struct sequence *s, struct sequence_item *item,
                              const weir_event *event)
{
    struct delta *d = last_delta(item);
    bool together = d && (is_whole(s, item) || (!d->extra.len && !event->extra.len));
    weir_result r;

    if (!together)
        d = add_delta(s, item);
    if (!d || !count(s, event->text.len + event->extra.len))
        return WEIR_TOO_LARGE;
    r = gather_text(&s->arena, &d->text, &d->cap, event->text);
    if (r < 0)
        return r;
    return gather_extra(&s->arena, &d->extra, &d->extra_cap, event->extra);
}

/* -- giving out ------------------------------------------------------------------------------- */

static weir_result give(struct sequence *s, const weir_events *next, const weir_event *event)
{
    s->content |= event->type == WEIR_EVENT_DELTA && event->text.len;
    return next->emit(next->ctx, event);
}

static weir_result give_delta(struct sequence *s, const struct sequence_item *item,
                              const struct delta *d, const weir_events *next)
{
    weir_event event = item->first;

    event.type = WEIR_EVENT_DELTA;
    event.id = event.name = S("");
    event.text = d->text;
    event.extra = d->extra;
    return give(s, next, &event);
}

/* The start and the deltas so far of a block, and its end, if that has come. */
static weir_result give_block(struct sequence *s, const struct sequence_item *item,
                              const weir_events *next)
{
    static const struct delta empty = { .text = { "", 0, WEIR_FORM_UTF8, 0 }, .extra = { "", 0 } };
    struct delta none = { .text = { "{}", 2, WEIR_FORM_UTF8, 0 } };
    weir_result r = give(s, next, &item->first);

    if (r >= 0 && is_whole(s, item)) {
        const struct delta *d = item->deltas ? item->deltas : &empty;
        bool as_is = call_is_custom(item->first.extra) || !call_is_blank(d->text);

        none.extra = d->extra;
        r = give_delta(s, item, as_is ? d : &none, next);
    } else {
        for (const struct delta *d = item->deltas; r >= 0 && d; d = d->next)
            r = give_delta(s, item, d, next);
    }
    return r >= 0 && item->ended ? give(s, next, &item->last) : r;
}

static void take_out(struct sequence *s, struct sequence_item **at)
{
    struct sequence_item *item = *at;

    *at = item->next;
    if (s->items_end == &item->next)
        s->items_end = at;
}

/* Not SEQUENTIAL: only calls are held, and those that have ended go. */
static weir_result give_calls(struct sequence *s, const weir_events *next)
{
    struct sequence_item **at = &s->items;

    while (*at) {
        struct sequence_item *item = *at;
        weir_result r = WEIR_OK;

        if (!item->ended) {
            at = &item->next;
            continue;
        }
        take_out(s, at);
        r = give_block(s, item, next);
        if (r < 0)
            return r;
    }
    return WEIR_OK;
}

/* Whatever stands first, as long as its turn has come. */
static weir_result give_sequence(struct sequence *s, const weir_events *next)
{
    while (!s->open && s->items) {
        const struct sequence_item *item = s->items;
        weir_result r;

        if (item->first.type != WEIR_EVENT_FINISH && is_whole(s, item) && !item->ended)
            return WEIR_OK;
        take_out(s, &s->items);
        if (item->first.type == WEIR_EVENT_FINISH) {
            r = give(s, next, &item->first);
        } else {
            s->open = !item->ended;
            s->choice = item->first.choice;
            s->block = item->first.block;
            r = give_block(s, item, next);
        }
        if (r < 0)
            return r;
    }
    return WEIR_OK;
}

static weir_result give_ready(struct sequence *s, const weir_events *next)
{
    weir_result r =
        s->flags & WEIR_DIALECT_SEQUENTIAL ? give_sequence(s, next) : give_calls(s, next);

    if (!s->items && s->held)
        sequence_clear(s);
    return r;
}

/* -- events coming in ------------------------------------------------------------------------- */

static struct sequence_item *find_item(const struct sequence *s, const weir_event *event)
{
    for (struct sequence_item *i = s->items; i; i = i->next) {
        if (!i->ended && i->first.type == WEIR_EVENT_BLOCK_START &&
            i->first.choice == event->choice && i->first.block == event->block)
            return i;
    }
    return NULL;
}

static weir_result begin_block(struct sequence *s, const weir_event *event, const weir_events *next)
{
    bool whole = event->kind == WEIR_BLOCK_TOOL_CALL && s->flags & WEIR_DIALECT_WHOLE_CALLS;

    if (whole || (s->flags & WEIR_DIALECT_SEQUENTIAL && (s->open || s->items)))
        return hold(s, event);
    if (s->flags & WEIR_DIALECT_SEQUENTIAL) {
        s->open = true;
        s->choice = event->choice;
        s->block = event->block;
    }
    return give(s, next, event);
}

static weir_result on_block(struct sequence *s, const weir_event *event, const weir_events *next)
{
    bool current = s->open && s->choice == event->choice && s->block == event->block;
    struct sequence_item *item = current || !s->items ? NULL : find_item(s, event);
    weir_result r;

    if (!item && event->type == WEIR_EVENT_BLOCK_START)
        return begin_block(s, event, next);
    if (item && event->type == WEIR_EVENT_DELTA)
        return hold_delta(s, item, event);
    if (item && event->type == WEIR_EVENT_BLOCK_END) {
        r = keep_event(s, &item->last, event);
        item->ended = true;
        return r < 0 ? r : give_ready(s, next);
    }
    r = give(s, next, event);
    if (r < 0 || !current || event->type != WEIR_EVENT_BLOCK_END)
        return r;
    s->open = false;
    return give_ready(s, next);
}

weir_result sequence_event(struct sequence *s, const weir_event *event, const weir_events *next)
{
    switch (event->type) {
    case WEIR_EVENT_BLOCK_START:
    case WEIR_EVENT_DELTA:
    case WEIR_EVENT_BLOCK_END:
        return on_block(s, event, next);
    case WEIR_EVENT_FINISH:
        if (s->flags & WEIR_DIALECT_SEQUENTIAL && (s->open || s->items))
            return hold(s, event);
        return give(s, next, event);
    default:
        return give(s, next, event);
    }
}
