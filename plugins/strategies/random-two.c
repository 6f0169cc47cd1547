/*
 * random-two - draws two children by chance and picks the one with less in flight.
 *
 *   random-two:
 *     across: [local-1/llama, local-2/llama, local-3/llama]
 *     on: [rate_limit, timeout, server_error]
 *
 * across  the children
 * on      failures that move the request to another child; any other ends the node. As in
 *         failover.
 *
 * What is in flight is counted in tokens: a long prompt is more work than many short ones. That
 * is nearly as even as asking for the least busy of all, and many gateways that do it side by side
 * do not all run to the same child. A slow child keeps its tokens longer and so gets fewer
 * requests. A failed request goes on among the children not yet tried.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

static const weir_option random_two_options[] = { WEIR_BALANCE_OPTIONS(WEIR_OPTION_ROW) };

struct random_two {
    uint32_t on; /* set of classes */
};

static weir_result random_two_configure(const weir_host *host, const weir_json *options, void **cfg,
                                        weir_error *error)
{
    struct random_two *r = (struct random_two *)calloc(1, sizeof(*r));
    (void)host;

    if (!r)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    r->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    *cfg = r;
    return WEIR_OK;
}

static void random_two_release(void *cfg)
{
    free(cfg);
}

static weir_result random_two_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct random_two *r = (const struct random_two *)cfg;
    uint64_t seed = ask->seed;
    uint32_t count, one, two;
    int64_t load_one, load_two;

    if (!weir_balance_open(ask, r->on, d))
        return WEIR_OK;
    count = weir_open_count(ask);
    one = (uint32_t)weir_random_below(&seed, count);
    if (count == 1)
        return weir_decide_pick(d, weir_open_at(ask, 0), "the only one left");
    two = (uint32_t)weir_random_below(&seed, count - 1);
    two = weir_open_at(ask, two + (two >= one)); /* another one, each as likely */
    one = weir_open_at(ask, one);
    load_one = weir_child_load(weir_child_at(ask, one));
    load_two = weir_child_load(weir_child_at(ask, two));
    d->number[0] = load_one < load_two ? load_one : load_two;
    d->number[1] = load_one < load_two ? load_two : load_one;
    return weir_decide_pick(d, load_two < load_one ? two : one, "the less busy of two");
}

static const weir_strategy_v1 random_two_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS,
    .options = WEIR_ARRAY_OF(random_two_options),
    .configure = random_two_configure,
    .release = random_two_release,
    .next = random_two_next,
};

static const weir_part random_two_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "random-two",
                                           &random_two_face };
static const weir_part *const random_two_parts[] = { &random_two_part };

WEIR_PLUGIN("weir.random-two", "1.0", random_two_parts,
            WEIR_TEXT_PART("strategy", "random-two", WEIR_BALANCE_OPTIONS))
