/*
 * cheapest - picks the child that asks the least for this request.
 *
 *   cheapest:
 *     across: [openai/gpt-4o-mini, anthropic/claude-haiku-4-5, local/llama]
 *     output_tokens: 300
 *     on: [rate_limit, timeout, server_error]
 *
 * across         the children
 * output_tokens  how long answers are thought to be; a request that allows fewer counts with its
 *                own limit. Default 500.
 * on             failures that move the request to the next cheapest; any other ends the node. As
 *                in failover.
 *
 * The price is that of the estimated tokens of the question and those of the answer. A child
 * without known prices comes after those with, and one whose window the question does not fit comes
 * last: estimates may be wrong. Set a price of 0 in the configuration for what costs nothing. Among
 * equals chance decides.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define CHEAPEST_OPTIONS(O)                                      \
    WEIR_BALANCE_OPTIONS(O)                                      \
    O(INT, "output_tokens", "500", NULL, WEIR_OPTION_RELOADABLE, \
      "how long answers are thought to be")

static const weir_option cheapest_options[] = { CHEAPEST_OPTIONS(WEIR_OPTION_ROW) };

/* Of a question that nobody has measured. */
#define CHEAPEST_INPUT 1000

/* No sum of prices comes near; what is unknown counts one, what does not fit two of it. */
#define CHEAPEST_UNKNOWN 1e30

struct cheapest {
    uint32_t on; /* set of classes */
    int64_t output;
};

static weir_result cheapest_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct cheapest *c = (struct cheapest *)calloc(1, sizeof(*c));
    (void)host;

    if (!c)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    c->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    c->output = weir_option_int64(options, "output_tokens", 500);
    if (c->output < 0 || c->output > 1000000000) {
        free(c);
        return weir_error_set(error, WEIR_INVALID, "output_tokens", "must be from 0 to 1000000000");
    }
    *cfg = c;
    return WEIR_OK;
}

static void cheapest_release(void *cfg)
{
    free(cfg);
}

/* In millionths of a millionth of the currency unit. */
static double cheapest_cost(const void *cfg, const weir_ask *ask, uint32_t child)
{
    const struct cheapest *c = (const struct cheapest *)cfg;
    const weir_child *view = weir_child_at(ask, child);
    int64_t input = ask->facts->input_tokens >= 0 ? ask->facts->input_tokens : CHEAPEST_INPUT;
    double cost = CHEAPEST_UNKNOWN;

    if (view->price_in >= 0 && view->price_out >= 0)
        cost = (double)view->price_in * (double)input +
               (double)view->price_out * (double)weir_expected_output(ask->facts, c->output);
    if (view->context_window > 0 && ask->facts->input_tokens >= view->context_window)
        cost += 2 * CHEAPEST_UNKNOWN;
    return cost;
}

static weir_result cheapest_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct cheapest *c = (const struct cheapest *)cfg;
    double least = 0;
    uint32_t child;

    if (!weir_balance_open(ask, c->on, d))
        return WEIR_OK;
    child = weir_cheapest_open(c, ask, cheapest_cost, &least);
    if (least >= CHEAPEST_UNKNOWN)
        return weir_decide_pick(d, child, "no child with a known price is left");
    d->number[0] = (int64_t)(least / 1e6 < 9e18 ? least / 1e6 : 9e18);
    return weir_decide_pick(d, child, "the cheapest");
}

static const weir_strategy_v1 cheapest_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS | WEIR_NEEDS_PRICE,
    .options = WEIR_ARRAY_OF(cheapest_options),
    .configure = cheapest_configure,
    .release = cheapest_release,
    .next = cheapest_next,
};

static const weir_part cheapest_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "cheapest",
                                         &cheapest_face };
static const weir_part *const cheapest_parts[] = { &cheapest_part };

WEIR_PLUGIN("weir.cheapest", "1.0", cheapest_parts,
            WEIR_TEXT_PART("strategy", "cheapest", CHEAPEST_OPTIONS))
