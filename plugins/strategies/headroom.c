/*
 * headroom - picks the child with the most left of its rate limits.
 *
 *   headroom:
 *     across: [openai/gpt-4o, azure/gpt-4o]
 *     on: [rate_limit, timeout, server_error]
 *
 * across  the children
 * on      failures that move the request to another child; any other ends the node. As in
 *         failover.
 *
 * What counts is the share that is left of the tightest limit, ours or the vendor's: accounts of
 * different size run dry together. Children within one hundredth of each other count as equal; of
 * those the less busy is picked. A failed request goes on among the children not yet tried.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

static const weir_option headroom_options[] = { WEIR_BALANCE_OPTIONS(WEIR_OPTION_ROW) };

#define HEADROOM_STEP 10000 /* one hundredth, in millionths */

struct headroom {
    uint32_t on; /* set of classes */
};

static weir_result headroom_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct headroom *h = (struct headroom *)calloc(1, sizeof(*h));
    (void)host;

    if (!h)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    h->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    *cfg = h;
    return WEIR_OK;
}

static void headroom_release(void *cfg)
{
    free(cfg);
}

/* Steps of headroom that are gone, and behind the point how busy the child is. */
static double headroom_cost(const void *cfg, const weir_ask *ask, uint32_t child)
{
    const weir_child *c = weir_child_at(ask, child);
    uint32_t left = c->headroom_ppm < 1000000 ? c->headroom_ppm : 1000000;
    double load = (double)weir_child_load(c);
    (void)cfg;

    return (1000000 - left) / HEADROOM_STEP + load / (load + 1e6);
}

static weir_result headroom_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct headroom *h = (const struct headroom *)cfg;
    double least = 0;
    uint32_t child;

    if (!weir_balance_open(ask, h->on, d))
        return WEIR_OK;
    child = weir_cheapest_open(h, ask, headroom_cost, &least);
    d->number[0] = weir_child_at(ask, child)->headroom_ppm;
    return weir_decide_pick(d, child, "the most left of its limits");
}

static const weir_strategy_v1 headroom_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS,
    .options = WEIR_ARRAY_OF(headroom_options),
    .configure = headroom_configure,
    .release = headroom_release,
    .next = headroom_next,
};

static const weir_part headroom_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "headroom",
                                         &headroom_face };
static const weir_part *const headroom_parts[] = { &headroom_part };

WEIR_PLUGIN("weir.headroom", "1.0", headroom_parts,
            WEIR_TEXT_PART("strategy", "headroom", WEIR_BALANCE_OPTIONS))
