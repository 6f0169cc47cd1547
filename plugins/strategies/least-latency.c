/*
 * least-latency - picks the child from which the whole answer is expected first.
 *
 *   least-latency:
 *     across: [openai/gpt-4o, azure/gpt-4o]
 *     output_tokens: 300
 *     trial: 0.02
 *     on: [rate_limit, timeout, server_error]
 *
 * across         the children
 * output_tokens  how long answers are thought to be; a request that allows fewer counts with its
 *                own limit. Default 500.
 * trial          share of the requests that may go to a child of which nothing is known, or
 *                nothing new. Default 0.02; 0: never.
 * on             failures that move the request to another child; any other ends the node. As in
 *                failover.
 *
 * Expected is the time to the first token, and for each token of the answer the time per token:
 * long answers do not make a child look slow. That counts once for the request and once for each
 * in flight there, so that a child that slows down is avoided before its first answer is in. A
 * child of which nothing is known is tried a little at a time, and never with many at once; while
 * nothing is known of any, the least busy is picked.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define LEAST_LATENCY_OPTIONS(O)                                 \
    WEIR_BALANCE_OPTIONS(O)                                      \
    O(INT, "output_tokens", "500", NULL, WEIR_OPTION_RELOADABLE, \
      "how long answers are thought to be")                      \
    O(NUMBER, "trial", "0.02", NULL, WEIR_OPTION_RELOADABLE,     \
      "share of the requests that try what nothing is known of")

static const weir_option least_latency_options[] = { LEAST_LATENCY_OPTIONS(WEIR_OPTION_ROW) };

#define LEAST_LATENCY_WHOLE    1000000  /* one trial, in millionths */
#define LEAST_LATENCY_STALE_US 10000000 /* after so long without a pick a child may be tried */
#define LEAST_LATENCY_COLD_MAX 2        /* in flight at a child of which nothing is known */

struct least_latency {
    uint32_t on; /* set of classes */
    int64_t output;
    int64_t trial; /* millionths earned by a request */
};

struct least_latency_state {
    int64_t credit; /* of trials, in millionths */
};

struct least_latency_child {
    int64_t picked_us; /* when it was last picked here; 0: never */
};

static weir_result least_latency_configure(const weir_host *host, const weir_json *options,
                                           void **cfg, weir_error *error)
{
    struct least_latency *l = (struct least_latency *)calloc(1, sizeof(*l));
    double trial = weir_option_double(options, "trial", 0.02);
    (void)host;

    if (!l)
        return weir_error_memory(error);
    l->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    l->output = weir_option_int64(options, "output_tokens", 500);
    if (l->output < 0 || l->output > 1000000000) {
        free(l);
        return weir_error_set(error, WEIR_INVALID, "output_tokens", "must be from 0 to 1000000000");
    }
    if (!(trial >= 0 && trial <= 0.5)) {
        free(l);
        return weir_error_set(error, WEIR_INVALID, "trial", "must be from 0 to 0.5");
    }
    l->trial = (int64_t)(trial * LEAST_LATENCY_WHOLE + 0.5);
    *cfg = l;
    return WEIR_OK;
}

static void least_latency_release(void *cfg)
{
    free(cfg);
}

static int64_t least_latency_tpot(const weir_child *child)
{
    return child->tpot_ns;
}

static bool least_latency_cold(const weir_child *child)
{
    return child->ttft_us < 0;
}

/* In microseconds, times what it has to share them with; below 0: nothing is known of the child. */
static double least_latency_cost(const void *cfg, const weir_ask *ask, uint32_t child)
{
    const struct least_latency *l = (const struct least_latency *)cfg;
    const weir_child *c = weir_child_at(ask, child);
    int64_t tpot = c->tpot_ns >= 0 ? c->tpot_ns : weir_peers_median(ask, least_latency_tpot);
    double time = (double)c->ttft_us;

    if (least_latency_cold(c))
        return -1;
    if (tpot > 0)
        time += (double)tpot / 1e3 * (double)weir_expected_output(ask->facts, l->output);
    return (time + 1) * (1 + c->inflight) * (1 + c->error_ppm / 1e6);
}

static double least_latency_load(const void *cfg, const weir_ask *ask, uint32_t child)
{
    (void)cfg;
    return (double)weir_child_load(weir_child_at(ask, child));
}

/* The child that has waited longest for a trial; WEIR_NO_CHILD: none needs one. */
static uint32_t least_latency_trial(const weir_ask *ask)
{
    uint32_t oldest = WEIR_NO_CHILD;
    int64_t since = INT64_MAX;

    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        const weir_child *c = weir_child_at(ask, i);
        int64_t picked = ((const struct least_latency_child *)c->state)->picked_us;

        if (!weir_child_open(ask, i) || picked >= since)
            continue;
        if (least_latency_cold(c) ? c->inflight >= LEAST_LATENCY_COLD_MAX
                                  : picked > ask->now_us - LEAST_LATENCY_STALE_US)
            continue;
        oldest = i;
        since = picked;
    }
    return oldest;
}

static weir_result least_latency_pick(const weir_ask *ask, weir_decision *d, uint32_t child,
                                      const char *reason)
{
    ((struct least_latency_child *)weir_child_at(ask, child)->state)->picked_us = ask->now_us;
    return weir_decide_pick(d, child, reason);
}

static weir_result least_latency_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct least_latency *l = (const struct least_latency *)cfg;
    struct least_latency_state *state = (struct least_latency_state *)ask->state;
    double least = 0;
    uint32_t child, trial;

    if (!weir_balance_open(ask, l->on, d))
        return WEIR_OK;
    child = weir_cheapest_open(l, ask, least_latency_cost, &least);
    if (child == WEIR_NO_CHILD)
        return least_latency_pick(ask, d, weir_cheapest_open(l, ask, least_latency_load, &least),
                                  "nothing is known of any: the least busy");
    d->number[0] = (int64_t)(least < 9e18 ? least : 9e18);
    if (ask->why == WEIR_ASK_START || ask->why == WEIR_ASK_READY) {
        weir_share_earn(&state->credit, l->trial, LEAST_LATENCY_WHOLE);
        trial = least_latency_trial(ask);
        if (trial != WEIR_NO_CHILD && trial != child &&
            weir_share_take(&state->credit, LEAST_LATENCY_WHOLE))
            return least_latency_pick(ask, d, trial, "a trial: nothing new is known of it");
    }
    return least_latency_pick(ask, d, child, "the answer is expected from it first");
}

static const weir_strategy_v1 least_latency_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS,
    .state_size = sizeof(struct least_latency_state),
    .child_state_size = sizeof(struct least_latency_child),
    .state_version = 1,
    .options = WEIR_ARRAY_OF(least_latency_options),
    .configure = least_latency_configure,
    .release = least_latency_release,
    .next = least_latency_next,
};

static const weir_part least_latency_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY,
                                              "least-latency", &least_latency_face };
static const weir_part *const least_latency_parts[] = { &least_latency_part };

WEIR_PLUGIN("weir.least-latency", "1.0", least_latency_parts,
            WEIR_TEXT_PART("strategy", "least-latency", LEAST_LATENCY_OPTIONS))
