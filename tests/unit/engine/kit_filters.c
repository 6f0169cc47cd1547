/*
 * kit_filters.c - the filters of the kit.
 */
#include "kit_parts.h"
#include "base/str.h"

#include <weir/sdk/json.h>

static weir_result mark(const weir_event *event, const weir_events *next, const char *before,
                        const char *after)
{
    g_autofree char *text = NULL;
    weir_event changed = *event;

    if (event->type != WEIR_EVENT_DELTA)
        return next->emit(next->ctx, event);
    text = g_strdup_printf("%s%.*s%s", before, S_ARG(event->text), after);
    changed.text.ptr = text;
    changed.text.len = strlen(text);
    return next->emit(next->ctx, &changed);
}

static weir_result mark_a(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                          const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    return mark(event, next, "[a", "a]");
}

static weir_result mark_b(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                          const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    return mark(event, next, "[b", "b]");
}

static weir_result edit(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    uint32_t messages = weir_json_find(x->request, 0, "messages");
    uint32_t last = 0;

    (void)cfg, (void)st;
    WEIR_JSON_EACH_ITEM(x->request, messages, item)
    last = item;
    return out->replace(out->ctx, weir_json_find(x->request, last, "content"), S("\"edited\""));
}

static weir_result refuse(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .retry_after_us = -1,
                             .message = S("not in this house") };

    (void)cfg, (void)st, (void)x;
    return out->refuse(out->ctx, &failure);
}

static weir_result half(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    (void)cfg, (void)st, (void)x;
    out->answer(out->ctx, &(weir_event){ .struct_size = sizeof(weir_event),
                                         .type = WEIR_EVENT_DELTA,
                                         .kind = WEIR_BLOCK_TEXT,
                                         .text = { "from the filter", 15, 0, 0 } });
    return WEIR_OK;
}

static weir_result answer(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    half(cfg, st, x, out);
    out->answer(out->ctx, &(weir_event){ .struct_size = sizeof(weir_event),
                                         .type = WEIR_EVENT_FINISH,
                                         .reason = WEIR_FINISH_STOP });
    return WEIR_OK;
}

static weir_result sick_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    return event->type == WEIR_EVENT_DELTA ? WEIR_INTERNAL : next->emit(next->ctx, event);
}

/* Does not listen to what it is told. */
static weir_result deaf(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                        const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    next->emit(next->ctx, event);
    return WEIR_OK;
}

static weir_result sick_request(void *cfg, void *st, const weir_exchange *x,
                                const weir_edit_sink *out)
{
    (void)cfg, (void)st, (void)x, (void)out;
    return WEIR_INTERNAL;
}

#define FILTER(name, what, ...)                                                        \
    static const weir_filter_v1 name##_face = { .struct_size = sizeof(weir_filter_v1), \
                                                .ops = WEIR_OP_BIT(WEIR_OP_CHAT),      \
                                                .sees = what,                          \
                                                __VA_ARGS__ }

FILTER(mark_a, WEIR_SEES_EVENTS, .event = mark_a);
FILTER(mark_b, WEIR_SEES_EVENTS, .event = mark_b);
FILTER(edit, WEIR_SEES_REQUEST, .request = edit);
FILTER(refuse, WEIR_SEES_REQUEST, .request = refuse);
FILTER(answer, WEIR_SEES_REQUEST, .request = answer);
FILTER(half, WEIR_SEES_REQUEST, .request = half);
FILTER(sick_event, WEIR_SEES_EVENTS, .event = sick_event);
FILTER(deaf, WEIR_SEES_EVENTS, .event = deaf);
FILTER(sick_request, WEIR_SEES_REQUEST, .request = sick_request);

const struct kit_part kit_filters[] = {
    KIT_PART(FILTER, "mark-a", &mark_a_face),
    KIT_PART(FILTER, "mark-b", &mark_b_face),
    KIT_PART(FILTER, "edit", &edit_face),
    KIT_PART(FILTER, "refuse", &refuse_face),
    KIT_PART(FILTER, "answer", &answer_face),
    KIT_PART(FILTER, "half", &half_face),
    KIT_PART(FILTER, "sick-event", &sick_event_face),
    KIT_PART(FILTER, "deaf", &deaf_face),
    KIT_PART(FILTER, "sick-request", &sick_request_face),
    { 0 },
};
