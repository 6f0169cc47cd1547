/*
 * least-busy - picks the child with the least in flight.
 *
 *   least-busy:
 *     across: [local-1/llama, local-2/llama]
 *     by: requests
 *     on: [rate_limit, timeout, server_error]
 *
 * across  the children
 * by      what is counted: `tokens` (default) of the requests in flight, or `requests`
 * on      failures that move the request to another child; any other ends the node. As in
 *         failover.
 *
 * Among equals chance decides. A failed request goes on among the children not yet tried.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define LEAST_BUSY_OPTIONS(O) \
    WEIR_BALANCE_OPTIONS(O)   \
    O(STRING, "by", "tokens", "tokens|requests", WEIR_OPTION_RELOADABLE, "what is counted")

static const weir_option least_busy_options[] = { LEAST_BUSY_OPTIONS(WEIR_OPTION_ROW) };

struct least_busy {
    uint32_t on; /* set of classes */
    bool requests;
};

static weir_result least_busy_configure(const weir_host *host, const weir_json *options, void **cfg,
                                        weir_error *error)
{
    struct least_busy *b = (struct least_busy *)calloc(1, sizeof(*b));
    (void)host;

    if (!b)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    b->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    b->requests = weir_json_is(options, weir_json_find(options, 0, "by"), "requests");
    *cfg = b;
    return WEIR_OK;
}

static void least_busy_release(void *cfg)
{
    free(cfg);
}

static double least_busy_cost(const void *cfg, const weir_ask *ask, uint32_t child)
{
    const struct least_busy *b = (const struct least_busy *)cfg;
    const weir_child *c = weir_child_at(ask, child);

    return b->requests ? (double)c->inflight : (double)weir_child_load(c);
}

static weir_result least_busy_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct least_busy *b = (const struct least_busy *)cfg;
    double least = 0;
    uint32_t child;

    if (!weir_balance_open(ask, b->on, d))
        return WEIR_OK;
    child = weir_cheapest_open(b, ask, least_busy_cost, &least);
    d->number[0] = (int64_t)least;
    return weir_decide_pick(d, child, "the least in flight");
}

static const weir_strategy_v1 least_busy_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS,
    .options = WEIR_ARRAY_OF(least_busy_options),
    .configure = least_busy_configure,
    .release = least_busy_release,
    .next = least_busy_next,
};

static const weir_part least_busy_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "least-busy",
                                           &least_busy_face };
static const weir_part *const least_busy_parts[] = { &least_busy_part };

WEIR_PLUGIN("weir.least-busy", "1.0", least_busy_parts,
            WEIR_TEXT_PART("strategy", "least-busy", LEAST_BUSY_OPTIONS))
