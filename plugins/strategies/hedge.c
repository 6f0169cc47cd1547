/*
 * hedge - asks a second child when the first is late with its first token; who is first answers.
 *
 *   hedge:
 *     try: [openai/gpt-4o, azure/gpt-4o]
 *     quantile: 0.95
 *     ratio: 0.05
 *     max_cost: 0.02
 *     on: [rate_limit, timeout, server_error]
 *
 * try            children in order of preference
 * after          a first token that takes longer than this is late
 * quantile       instead: one that takes longer than this share of those seen from the same child.
 *                Default 0.95. Until 20 were seen nothing is late.
 * ratio          at most this share of the requests gets a second attempt. Default 0.05.
 * max_cost       most that a second attempt may be thought to cost, in the currency of the prices;
 *                what has no known price gets none. Not written: no limit but the request's budget.
 * output_tokens  how long answers are thought to be, for max_cost. Default 500.
 * on             failures that move on; any other ends the node. As in failover.
 *
 * There is one second attempt at most. The loser is cancelled by the core, and is in the log with
 * what it used. What failed before it was late goes to the next child, as in failover; that is no
 * hedge and costs nothing of the ratio. An answer that is not streamed has its first token when it
 * is complete.
 */
#include <math.h>

#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define HEDGE_OPTIONS(O)                                                                    \
    O(CHILDREN, "try", NULL, NULL, WEIR_OPTION_REQUIRED, "children in order of preference") \
    WEIR_ON_OPTION(O)                                                                       \
    O(DURATION, "after", NULL, NULL, WEIR_OPTION_RELOADABLE, "when a first token is late")  \
    O(NUMBER, "quantile", NULL, NULL, WEIR_OPTION_RELOADABLE,                               \
      "or: later than this share of those seen; default 0.95")                              \
    O(NUMBER, "ratio", "0.05", NULL, WEIR_OPTION_RELOADABLE,                                \
      "share of the requests that may get a second attempt")                                \
    O(NUMBER, "max_cost", NULL, NULL, WEIR_OPTION_RELOADABLE,                               \
      "most that a second attempt may cost")                                                \
    O(INT, "output_tokens", "500", NULL, WEIR_OPTION_RELOADABLE,                            \
      "how long answers are thought to be")

static const weir_option hedge_options[] = { HEDGE_OPTIONS(WEIR_OPTION_ROW) };

#define HEDGE_WHOLE 1000000 /* one second attempt, in millionths */

/* Times are counted in steps of an eighth of a doubling, from 1 ms on: 8 times 17 doublings reach
 * two minutes. Counts are halved at HEDGE_FORGET, so that what was long ago fades. */
enum { HEDGE_STEPS = 8 * 17, HEDGE_ENOUGH = 20, HEDGE_FORGET = 2000 };

struct hedge {
    uint32_t on;      /* set of classes */
    int64_t after_us; /* -1: by quantile */
    double quantile;
    int64_t ratio;   /* millionths earned by a request */
    double max_cost; /* in millionths of the currency unit; below 0: no limit */
    int64_t output;
};

struct hedge_state {
    int64_t credit; /* of second attempts, in millionths */
};

struct hedge_child {
    uint32_t seen; /* the sum of the counts */
    uint16_t count[HEDGE_STEPS];
};

/* What is wrong with the options, at `option`; NULL: nothing. */
static const char *hedge_wrong(const struct hedge *h, bool both, double ratio, const char **option)
{
    *option = "quantile";
    if (both)
        return "stands beside after; write one of the two";
    if (!(h->quantile >= 0.5 && h->quantile <= 0.999))
        return "must be from 0.5 to 0.999";
    *option = "ratio";
    if (!(ratio >= 0 && ratio <= 1))
        return "must be from 0 to 1";
    *option = "max_cost";
    if (!(h->max_cost < 1e15))
        return "must be below 1000000000";
    *option = "output_tokens";
    return h->output < 0 || h->output > 1000000000 ? "must be from 0 to 1000000000" : NULL;
}

static weir_result hedge_configure(const weir_host *host, const weir_json *options, void **cfg,
                                   weir_error *error)
{
    struct hedge *h = (struct hedge *)calloc(1, sizeof(*h));
    double ratio = weir_option_double(options, "ratio", 0.05);
    const char *wrong, *option;
    bool both = weir_json_find(options, 0, "after") != WEIR_JSON_NONE &&
                weir_json_find(options, 0, "quantile") != WEIR_JSON_NONE;
    (void)host;

    if (!h)
        return weir_error_memory(error);
    h->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    h->after_us = weir_option_int64(options, "after", -1);
    h->quantile = weir_option_double(options, "quantile", 0.95);
    h->max_cost = weir_option_double(options, "max_cost", -1) * 1e6;
    h->output = weir_option_int64(options, "output_tokens", 500);
    wrong = hedge_wrong(h, both, ratio, &option);
    if (wrong) {
        free(h);
        return weir_error_set(error, WEIR_INVALID, option, wrong);
    }
    h->ratio = (int64_t)(ratio * HEDGE_WHOLE); /* rounded down: it is a cap */
    *cfg = h;
    return WEIR_OK;
}

static void hedge_release(void *cfg)
{
    free(cfg);
}

static uint32_t hedge_step(int64_t us)
{
    double step = us > 1000 ? log2((double)us / 1000) * 8 : 0;

    return step < HEDGE_STEPS - 1 ? (uint32_t)step : HEDGE_STEPS - 1;
}

/* The time within which the child's first token came as often as the quantile says; -1: too little
 * is known. */
static int64_t hedge_usual(const struct hedge *h, const struct hedge_child *child)
{
    double want = h->quantile * child->seen, sum = 0;

    if (child->seen < HEDGE_ENOUGH)
        return -1;
    for (uint32_t i = 0; i < HEDGE_STEPS; i++) {
        sum += child->count[i];
        if (sum >= want)
            return (int64_t)(1000 * exp2((i + 1) / 8.0));
    }
    return -1;
}

/* Picks the first child; asks to be asked again when it is late. */
static weir_result hedge_first(const struct hedge *h, const weir_ask *ask, weir_decision *d,
                               const char *reason)
{
    uint32_t child = weir_open_at(ask, 0);
    int64_t late = h->after_us;

    if (late < 0)
        late = hedge_usual(h, (const struct hedge_child *)weir_child_at(ask, child)->state);
    if (late >= 0 && h->ratio > 0) {
        d->ask_again_us = ask->now_us + (late > 0 ? late : 1);
        d->number[0] = late;
    }
    return weir_decide_pick(d, child, reason);
}

/* Whether a second attempt at the child is within what it may cost. */
static bool hedge_affordable(const struct hedge *h, const weir_ask *ask, const weir_child *child)
{
    int64_t input = ask->facts->input_tokens >= 0 ? ask->facts->input_tokens : 0;
    bool known = child->price_in >= 0 && child->price_out >= 0;
    double cost = ((double)child->price_in * (double)input +
                   (double)child->price_out * (double)weir_expected_output(ask->facts, h->output)) /
                  1e6;

    if (h->max_cost >= 0 && !(known && ask->facts->input_tokens >= 0 && cost <= h->max_cost))
        return false;
    return !known || !ask->budget || ask->budget->money_left < 0 ||
           cost <= (double)ask->budget->money_left;
}

static uint32_t hedge_running(const weir_ask *ask, bool *committed)
{
    uint32_t n = 0;

    *committed = false;
    for (uint32_t i = 0; i < ask->tries.count; i++) {
        n += weir_try_at(ask, i)->running != 0;
        *committed |= weir_try_at(ask, i)->committed != 0;
    }
    return n;
}

static weir_result hedge_late(const struct hedge *h, const weir_ask *ask, weir_decision *d)
{
    struct hedge_state *state = (struct hedge_state *)ask->state;
    uint32_t child = weir_open_at(ask, 0);
    bool committed;

    if (hedge_running(ask, &committed) != 1 || committed)
        return weir_decide_wait(d, "for what runs");
    if (child == WEIR_NO_CHILD)
        return weir_decide_wait(d, "late, but no other child is left");
    if (ask->budget && ask->budget->attempts_left == 0)
        return weir_decide_wait(d, "late, but the budget allows no further attempt");
    if (!hedge_affordable(h, ask, weir_child_at(ask, child)))
        return weir_decide_wait(d, "late, but a second attempt may cost too much");
    if (!weir_share_take(&state->credit, HEDGE_WHOLE))
        return weir_decide_wait(d, "late, but the share of second attempts is used up");
    d->number[0] = state->credit;
    return weir_decide_pick(d, child, "the first token is late");
}

static weir_result hedge_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct hedge *h = (const struct hedge *)cfg;
    struct hedge_state *state = (struct hedge_state *)ask->state;
    bool committed;

    if (ask->why == WEIR_ASK_TIMER)
        return hedge_late(h, ask, d);
    if (ask->why == WEIR_ASK_FAILED && hedge_running(ask, &committed) > 0)
        return weir_decide_wait(d, "for what runs");
    if (ask->why == WEIR_ASK_START)
        weir_share_earn(&state->credit, h->ratio, 10 * HEDGE_WHOLE);
    if (!weir_balance_open(ask, h->on, d))
        return WEIR_OK;
    return hedge_first(h, ask, d, ask->why == WEIR_ASK_FAILED ? "next in order" : "first in order");
}

/* A loser took at least as long as it ran: left out, only the quick ones would be seen. */
static void hedge_observe(void *cfg, void *node, void *state, const weir_outcome *outcome)
{
    struct hedge_child *child = (struct hedge_child *)state;
    bool lost = outcome->failure && weir_class_of(outcome->failure) == WEIR_CLASS_CANCELLED;
    int64_t first = outcome->first_us > 0 ? outcome->first_us : lost ? outcome->end_us : 0;
    (void)cfg, (void)node;

    if (first <= outcome->start_us)
        return;
    child->count[hedge_step(first - outcome->start_us)]++;
    if (++child->seen < HEDGE_FORGET)
        return;
    child->seen = 0;
    for (uint32_t i = 0; i < HEDGE_STEPS; i++)
        child->seen += child->count[i] /= 2;
}

static const weir_strategy_v1 hedge_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS | WEIR_NEEDS_PRICE,
    .state_size = sizeof(struct hedge_state),
    .child_state_size = sizeof(struct hedge_child),
    .state_version = 1,
    .options = WEIR_ARRAY_OF(hedge_options),
    .configure = hedge_configure,
    .release = hedge_release,
    .next = hedge_next,
    .observe = hedge_observe,
};

static const weir_part hedge_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "hedge",
                                      &hedge_face };
static const weir_part *const hedge_parts[] = { &hedge_part };

WEIR_PLUGIN("weir.hedge", "1.0", hedge_parts, WEIR_TEXT_PART("strategy", "hedge", HEDGE_OPTIONS))
