/*
 * coin - a strategy that tosses a coin for every request.
 *
 *   cc $(pkg-config --cflags --libs weir-plugin) -o coin.so coin.c
 *
 *   routes:
 *     either:
 *       coin: { between: [openai, acme/bard], heads: 0.7 }
 *
 * between  the children; the first is heads, the others share tails
 * heads    how likely the first one is
 *
 * A strategy answers one question: which child next? It never sees bytes or sockets, and takes
 * chance and time only from what it is asked with, so that every decision can be explained later.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/strategy.h>

#define COIN_OPTIONS(O)                                                                      \
    O(CHILDREN, "between", NULL, NULL, WEIR_OPTION_REQUIRED, "children; the first is heads") \
    O(NUMBER, "heads", "0.5", NULL, 0, "how likely the first one is, from 0 to 1")

static const weir_option coin_options[] = { COIN_OPTIONS(WEIR_OPTION_ROW) };

struct coin {
    double heads;
};

static weir_result coin_configure(const weir_host *host, const weir_json *options, void **cfg,
                                  weir_error *error)
{
    double heads = weir_option_double(options, "heads", 0.5);
    struct coin *coin;
    (void)host;

    if (!(heads >= 0 && heads <= 1))
        return weir_error_set(error, WEIR_INVALID, "heads", "must be from 0 to 1");
    coin = (struct coin *)calloc(1, sizeof(*coin));
    if (!coin)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    coin->heads = heads;
    *cfg = coin;
    return WEIR_OK;
}

static void coin_release(void *cfg)
{
    free(cfg);
}

/* Asked when a request comes and again when a try failed; the core retries nothing by itself. */
static weir_result coin_next(void *cfg, const weir_ask *ask, weir_decision *decision)
{
    const weir_try *failed = weir_last_failed(ask);
    uint32_t count = weir_child_count(ask);
    uint64_t seed = ask->seed;
    uint32_t side = 0;

    if (failed && !weir_classes_have(WEIR_CLASSES_DEFAULT, failed->failure))
        return weir_decide_give_up(decision, failed->failure, "another child would not help");
    if (count > 1 && (double)(weir_random(&seed) >> 11) * 0x1p-53 >= ((struct coin *)cfg)->heads)
        side = 1 + (uint32_t)(weir_random(&seed) % (count - 1));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t child = (side + i) % count;

        if (weir_child_fresh(ask, child)) /* may be picked, and was not tried yet */
            return weir_decide_pick(decision, child, "the coin said so");
    }
    return weir_decide_give_up(decision, failed ? failed->failure : NULL, "no child is left");
}

static const weir_strategy_v1 coin_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .options = WEIR_ARRAY_OF(coin_options),
    .configure = coin_configure,
    .release = coin_release,
    .next = coin_next,
};

static const weir_part coin_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "coin", &coin_face };
static const weir_part *const coin_parts[] = { &coin_part };

WEIR_PLUGIN("org.example.coin", "1.0", coin_parts, WEIR_TEXT_PART("strategy", "coin", COIN_OPTIONS))
