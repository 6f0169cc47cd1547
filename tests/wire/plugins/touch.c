/*
 * touch - a filter that writes every request anew, with nothing changed: the first member gets the
 * value it has. A request that was changed is not passed through as bytes, nor is an answer that is
 * looked at.
 */
#include <weir/plugin.h>

static weir_result touch_request(void *cfg, void *st, const weir_exchange *x,
                                 const weir_edit_sink *out)
{
    const weir_json *doc = x->request;
    const weir_token *value;
    uint32_t quote;
    weir_str raw;

    (void)cfg;
    (void)st;
    if (!doc || doc->count < 3 || doc->tok[0].type != WEIR_JSON_OBJECT)
        return WEIR_OK;
    value = &doc->tok[2];
    quote = value->type == WEIR_JSON_STRING;
    raw.ptr = doc->bytes.ptr + value->start - quote;
    raw.len = value->len + (size_t)2 * quote;
    return out->replace(out->ctx, 2, raw);
}

static weir_result touch_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                               const weir_events *next)
{
    (void)cfg;
    (void)st;
    (void)x;
    return next->emit(next->ctx, event);
}

static const weir_filter_v1 touch_face = {
    .struct_size = sizeof(weir_filter_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
    .sees = WEIR_SEES_REQUEST | WEIR_SEES_EVENTS,
    .request = touch_request,
    .event = touch_event,
};

static const weir_part touch_part = { sizeof(weir_part), 0, WEIR_PART_FILTER, "touch",
                                      &touch_face };
static const weir_part *const touch_parts[] = { &touch_part };

WEIR_PLUGIN("test.touch", "1.0", touch_parts, WEIR_TEXT_PART("filter", "touch", WEIR_NO_OPTIONS))
