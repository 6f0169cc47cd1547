/*
 * filters.c - filters on the way in and on the way back.
 *
 * Requests pass them in the order of the configuration, events in reverse. A filter that only looks
 * costs the translation it asked for; one that changes a request ends request pass-through.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <stdlib.h>
#include <weir/sdk/json.h>

bool filters_select(struct exchange *e)
{
    const GPtrArray *all = e->generation->filters;

    if (!all->len)
        return true;
    e->filters = arena_alloc(&e->arena, sizeof(*e->filters) * all->len);
    for (guint i = 0; e->filters && i < all->len; i++) {
        const struct filter *f = g_ptr_array_index(all, i);

        if (!(f->face->ops & WEIR_OP_BIT(e->facts.op)) || (f->route && f->route != e->route))
            continue;
        e->filters[e->filter_count++] = f;
        e->filter_state_size += (f->face->state_size + 15u) & ~15u;
        if (f->face->sees & WEIR_SEES_EVENTS)
            e->filter_events = e->facts.op != WEIR_OP_FORWARD;
    }
    e->filter_state = arena_zalloc(&e->arena, e->filter_state_size + 16);
    if (e->filters && e->filter_state)
        return true;
    exchange_refuse(e, WEIR_CLASS_INTERNAL, "out of memory"); /* never past a filter unseen */
    return false;
}

/* The state block of filter `number` inside a run of them. */
static void *state_of(const struct exchange *e, void *blocks, uint32_t number)
{
    size_t at = 0;

    for (uint32_t i = 0; i < number; i++)
        at += (e->filters[i]->face->state_size + 15u) & ~15u;
    return (char *)blocks + at;
}

/* -- requests -----------------------------------------------------------------------------------
 */

struct edit {
    uint32_t token;
    weir_str json;
};

enum { MAX_EDITS = 64 };

struct editing {
    struct exchange *e;
    struct edit edits[MAX_EDITS];
    uint32_t count;
    bool answered;         /* by the filter's own events */
    weir_failure *refusal; /* carried out when the filter has returned: it borrows the request */
};

static weir_result on_replace(void *ctx, uint32_t token, weir_str json)
{
    struct editing *ed = ctx;
    weir_json check;

    if (token >= ed->e->canonical.count)
        return WEIR_INVALID;
    if (ed->e->canonical.tok[token].flags & WEIR_TOKEN_KEY)
        return WEIR_INVALID;
    if (ed->count == MAX_EDITS)
        return WEIR_TOO_LARGE;
    if (jscan(&ed->e->worker->tokens, json, &check, NULL) < 0)
        return WEIR_INVALID;
    ed->edits[ed->count].token = token;
    ed->edits[ed->count++].json = arena_copy(&ed->e->arena, json);
    return WEIR_OK;
}

static weir_result on_refuse(void *ctx, const weir_failure *failure)
{
    struct editing *ed = ctx;

    ed->refusal = failure_copy(&ed->e->arena, failure);
    if (!failure->class_id)
        ed->refusal->class_id = ed->refusal->family = WEIR_CLASS_POLICY;
    ed->refusal->local = 1;
    return WEIR_STOPPED;
}

/* A filter's own answer travels like a provider's: gathered or streamed by the dialect. */
static weir_result on_answer(void *ctx, const weir_event *event)
{
    struct editing *ed = ctx;

    ed->answered = true;
    return reply_local_event(ed->e, event);
}

static int by_token(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;

    return x->token < y->token ? -1 : x->token > y->token;
}

static bool apply(struct editing *ed)
{
    struct exchange *e = ed->e;
    weir_str old = e->canonical.bytes;
    size_t size = old.len, at = 0, used = 0;
    weir_json edited;
    char *bytes;

    if (!ed->count)
        return true;
    qsort(ed->edits, ed->count, sizeof(*ed->edits), by_token);
    for (uint32_t i = 0; i < ed->count; i++)
        size += ed->edits[i].json.len;
    bytes = arena_alloc(&e->arena, size);
    if (!bytes)
        return false;
    for (uint32_t i = 0; i < ed->count; i++) {
        weir_str was = weir_json_raw(&e->canonical, ed->edits[i].token);
        size_t from = (size_t)(was.ptr - old.ptr);

        if (from < at) /* inside what an earlier edit replaced */
            return false;
        memcpy(bytes + used, old.ptr + at, from - at);
        used += from - at;
        memcpy(bytes + used, ed->edits[i].json.ptr, ed->edits[i].json.len);
        used += ed->edits[i].json.len;
        at = from + was.len;
    }
    memcpy(bytes + used, old.ptr + at, old.len - at);
    used += old.len - at;
    if (jscan_arena(&e->in.arena, (weir_str){ bytes, used }, &edited, NULL) < 0)
        return false;
    e->canonical = edited;
    e->canonical_bytes = edited.bytes;
    e->edited = true;
    return true;
}

static void filter_broke(struct exchange *e, const struct filter *f)
{
    exchange_fail(e, failure_format(&e->arena, WEIR_CLASS_INTERNAL,
                                    "filter %s failed; set continue_on_error to go on without it",
                                    f->part->name));
}

static bool run_request(struct exchange *e, const struct filter *f, void *state)
{
    struct editing *ed = arena_zalloc(&e->arena, sizeof(*ed));
    weir_edit_sink sink = {
        .struct_size = sizeof(sink),
        .ctx = ed,
        .replace = on_replace,
        .answer = on_answer,
        .refuse = on_refuse,
    };
    weir_exchange x;
    weir_result r;
    uint32_t crumb;

    if (!ed) {
        filter_broke(e, f);
        return false;
    }
    ed->e = e;
    if (e->facts.op == WEIR_OP_CHAT || e->facts.op == WEIR_OP_EMBED ||
        e->facts.op == WEIR_OP_COUNT) {
        if (!exchange_translate(e)) {
            filter_broke(e, f);
            return false;
        }
    }
    x = exchange_view(e);
    crumb = crumb_enter(f->part->crumb);
    r = f->face->request(f->cfg, state, &x, &sink);
    crumb_leave(crumb);
    if (ed->refusal)
        exchange_fail(e, ed->refusal);
    else if (ed->answered)
        reply_local_end(e);
    if (ed->refusal || ed->answered)
        return false;
    if (r >= 0 && apply(ed))
        return true;
    if (f->config->continue_on_error) {
        exchange_warn(e, &(struct warning){ str_of(f->part->name),
                                            S("the filter failed and was passed over") });
        return true;
    }
    filter_broke(e, f);
    return false;
}

bool filters_request(struct exchange *e)
{
    for (uint32_t i = 0; i < e->filter_count; i++) {
        const struct filter *f = e->filters[i];

        if (!(f->face->sees & WEIR_SEES_REQUEST))
            continue;
        if (!run_request(e, f, state_of(e, e->filter_state, i)))
            return false;
    }
    return true;
}

/* -- events -------------------------------------------------------------------------------------
 */

/* Where an event is on its way through the filters of an attempt. */
struct passing {
    struct attempt *a;
    uint32_t left;      /* filters still to pass */
    weir_result behind; /* how it went there; the filter may not know */
};

static weir_result pass(struct attempt *a, uint32_t left, const weir_event *event);

static weir_result on_next(void *ctx, const weir_event *event)
{
    struct passing *p = ctx;

    weir_result r = p->behind < 0 ? p->behind : pass(p->a, p->left, event);

    if (r < 0)
        p->behind = r;
    return r;
}

static weir_result pass(struct attempt *a, uint32_t left, const weir_event *event)
{
    const struct exchange *e = a->exchange;

    while (left > 0) {
        const struct filter *f = e->filters[--left];
        struct passing p = { a, left, WEIR_OK };
        const weir_events next = { &p, on_next };
        weir_result r;
        uint32_t crumb;

        if (!(f->face->sees & WEIR_SEES_EVENTS))
            continue;
        crumb = crumb_enter(f->part->crumb);
        r = f->face->event(f->cfg, state_of(e, a->filter_state, left), &a->x, event, &next);
        crumb_leave(crumb);
        if (p.behind < 0)
            return p.behind;
        if (r < 0 && f->config->continue_on_error && !a->over)
            continue;
        return r;
    }
    return reply_event(a, event);
}

weir_result filters_event(struct attempt *a, const weir_event *event)
{
    return pass(a, a->exchange->filter_count, event);
}
