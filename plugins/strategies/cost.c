/*
 * cost - the child that serves the request for the least money.
 *
 *   cost: [openai/gpt-4o, anthropic, gemini]
 *   cost: { among: [openai/gpt-4o, anthropic], output_tokens: 2000 }
 *
 * among          children; the cheapest is taken that can do what the request needs, takes its
 *                tokens, and is not blocked. Of equal prices the first; children without a known
 *                price come after all others, in order
 * output_tokens  how long an answer is thought to be where the request sets no limit
 * on             failures that move on to the next cheapest; any other ends the node. As in
 * failover
 */
#include <weir/plugin.h>
#include <weir/sdk/pick.h>
#include <weir/sdk/router.h>

#define COST_OPTIONS(O)                                                                      \
    O(CHILDREN, "among", NULL, NULL, WEIR_OPTION_REQUIRED, "children to choose from")        \
    O(INT, "output_tokens", "500", NULL, WEIR_OPTION_RELOADABLE,                             \
      "length of an answer where the request sets no limit")                                 \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")

static const weir_option cost_options[] = { COST_OPTIONS(WEIR_OPTION_ROW) };

struct cost {
    uint32_t on; /* set of classes */
    int64_t output_tokens;
};

static weir_result cost_configure(const weir_host *host, const weir_json *options, void **cfg,
                                  weir_error *error)
{
    struct cost *c = (struct cost *)calloc(1, sizeof(*c));
    (void)host;

    if (!c)
        return weir_error_memory(error);
    c->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    c->output_tokens = weir_option_int64(options, "output_tokens", 500);
    if (c->output_tokens < 0 || c->output_tokens > 10000000) {
        free(c);
        return weir_error_set(error, WEIR_INVALID, "output_tokens", "must be from 0 to 10000000");
    }
    *cfg = c;
    return WEIR_OK;
}

static void cost_release(void *cfg)
{
    free(cfg);
}

/* Of the request at that child, in millionths of the currency unit; -1: not known. */
static double cost_of(const struct cost *c, const weir_ask *ask, uint32_t child)
{
    const weir_child *at = weir_child_at(ask, child);
    int64_t input = ask->facts->input_tokens, output = ask->facts->output_tokens;

    if (at->price_in < 0 || at->price_out < 0)
        return -1;
    input = input > 0 ? input : 1;
    output = output > 0 ? output : c->output_tokens;
    return ((double)input * (double)at->price_in + (double)output * (double)at->price_out) / 1e6;
}

static bool cost_is_less(double price, double than)
{
    return price >= 0 && (than < 0 || price < than);
}

static weir_result cost_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct cost *c = (const struct cost *)cfg;
    const weir_try *last = weir_last_failed(ask);
    uint32_t best = WEIR_NO_CHILD;
    double least = -1;

    if (ask->why == WEIR_ASK_TIMER)
        return weir_decide_wait(d, "for what runs");
    if (ask->why == WEIR_ASK_FAILED && last && !weir_classes_have(c->on, last->failure))
        return weir_decide_give_up(d, last->failure, "the failure is not in `on`");
    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        double price = cost_of(c, ask, i);

        if (!weir_child_serves(ask, i) || !weir_child_fresh(ask, i) || !weir_child_fits(ask, i))
            continue;
        if (best == WEIR_NO_CHILD || cost_is_less(price, least)) {
            best = i;
            least = price;
        }
    }
    if (best == WEIR_NO_CHILD)
        return weir_decide_give_up(d, last ? last->failure : NULL,
                                   "no child is left that can serve it");
    d->number[0] = least < 0 ? -1 : least < 9e18 ? (int64_t)least : INT64_MAX;
    return weir_decide_pick(d, best, least < 0 ? "no price is known" : "the cheapest");
}

static const weir_strategy_v1 cost_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS | WEIR_NEEDS_PRICE,
    .options = WEIR_ARRAY_OF(cost_options),
    .configure = cost_configure,
    .release = cost_release,
    .next = cost_next,
};

static const weir_part cost_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "cost", &cost_face };
static const weir_part *const cost_parts[] = { &cost_part };

WEIR_PLUGIN("weir.cost", "1.0", cost_parts, WEIR_TEXT_PART("strategy", "cost", COST_OPTIONS))
