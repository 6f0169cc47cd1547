/*
 * noop - sees every request and every event and passes all of it on unchanged.
 *
 *   filters: [noop]
 *
 * It keeps requests and answers from being passed through as bytes, which makes it a measure of
 * what translation costs, a check that translation loses nothing, and a filter to start from.
 */
#include <weir/plugin.h>

static weir_result noop_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_events *next)
{
    (void)cfg;
    (void)st;
    (void)x;
    return next->emit(next->ctx, event);
}

static weir_result noop_request(void *cfg, void *st, const weir_exchange *x,
                                const weir_edit_sink *out)
{
    (void)cfg;
    (void)st;
    (void)x;
    (void)out;
    return WEIR_OK;
}

static const weir_filter_v1 noop_face = {
    .struct_size = sizeof(weir_filter_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_EMBED),
    .sees = WEIR_SEES_REQUEST | WEIR_SEES_EVENTS,
    .request = noop_request,
    .event = noop_event,
};

static const weir_part noop_part = { sizeof(weir_part), 0, WEIR_PART_FILTER, "noop", &noop_face };
static const weir_part *const noop_parts[] = { &noop_part };

WEIR_PLUGIN("weir.noop", "1.0", noop_parts, WEIR_TEXT_PART("filter", "noop", WEIR_NO_OPTIONS))
