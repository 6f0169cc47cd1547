/*
 * round-robin - one child after the other, request by request.
 *
 *   round-robin:
 *     across: [openai/gpt-4o, azure/gpt-4o]
 *     on: [rate_limit, timeout, server_error]
 *
 * across  the children
 * on      failures that move the request to the next child; any other ends the node. As in
 *         failover.
 *
 * Blocked children are passed over, and the turn goes to the one behind them, so that the others
 * share evenly. A failed request tries the children behind the failed one, each once; that does not
 * move the turn, so a child that fails fast does not gather requests. What was too long for one
 * child goes to one with a larger window only.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define ROUND_ROBIN_OPTIONS(O)                                                               \
    O(CHILDREN, "across", NULL, NULL, WEIR_OPTION_REQUIRED, "children that take turns")      \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")

static const weir_option round_robin_options[] = { ROUND_ROBIN_OPTIONS(WEIR_OPTION_ROW) };

struct round_robin {
    uint32_t on; /* set of classes */
};

struct round_robin_state {
    uint32_t turn; /* whose it is, if it may */
};

static weir_result round_robin_configure(const weir_host *host, const weir_json *options,
                                         void **cfg, weir_error *error)
{
    struct round_robin *r = (struct round_robin *)calloc(1, sizeof(*r));
    (void)host;

    if (!r)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    r->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    *cfg = r;
    return WEIR_OK;
}

static void round_robin_release(void *cfg)
{
    free(cfg);
}

/* The first child from `from` on, around the circle, that may be picked; WEIR_NO_CHILD if there is
 * none. */
static uint32_t round_robin_from(const weir_ask *ask, uint32_t from)
{
    uint32_t count = weir_child_count(ask);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t child = (from + i) % count;

        if (weir_child_open(ask, child))
            return child;
    }
    return WEIR_NO_CHILD;
}

static weir_result round_robin_failed(const struct round_robin *r, const weir_ask *ask,
                                      weir_decision *d)
{
    const weir_try *last = weir_last_failed(ask);
    uint32_t child;

    if (!last)
        return weir_decide_wait(d, "for what runs");
    if (!weir_classes_have(r->on, last->failure))
        return weir_decide_give_up(d, last->failure, "the failure is not in `on`");
    child = round_robin_from(ask, last->child + 1);
    if (child == WEIR_NO_CHILD)
        return weir_decide_give_up(d, last->failure, "no child is left");
    return weir_decide_pick(d, child, "next after the failed one");
}

static weir_result round_robin_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    struct round_robin_state *state = (struct round_robin_state *)ask->state;
    uint32_t child;

    if (ask->why == WEIR_ASK_FAILED)
        return round_robin_failed((const struct round_robin *)cfg, ask, d);
    if (ask->why == WEIR_ASK_TIMER)
        return weir_decide_wait(d, "for what runs");
    child = round_robin_from(ask, state->turn);
    if (child == WEIR_NO_CHILD)
        return weir_decide_give_up(d, NULL, "no child is left");
    d->number[0] = state->turn;
    state->turn = (child + 1) % weir_child_count(ask);
    return weir_decide_pick(d, child, "its turn");
}

static const weir_strategy_v1 round_robin_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .state_size = sizeof(struct round_robin_state),
    .state_version = 1,
    .options = WEIR_ARRAY_OF(round_robin_options),
    .configure = round_robin_configure,
    .release = round_robin_release,
    .next = round_robin_next,
};

static const weir_part round_robin_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "round-robin",
                                            &round_robin_face };
static const weir_part *const round_robin_parts[] = { &round_robin_part };

WEIR_PLUGIN("weir.round-robin", "1.0", round_robin_parts,
            WEIR_TEXT_PART("strategy", "round-robin", ROUND_ROBIN_OPTIONS))
