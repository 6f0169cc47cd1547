/*
 * balance.c - the balancers of the build under a simulated clock: shares, tails, affinity, caps of
 * hedging. How least-latency meets slow and cold children is in latency.c.
 */
#include "../engine/kit.h"
#include "base/str.h"
#include "play.h"

#include <math.h>

static struct config *config;
static struct tree *tree;

/* -- weighted --------------------------------------------------------------------------------- */

static void test_weighted(void)
{
    static const double share[] = { 0.6, 0.25, 0.15 };
    struct play *p = play_new(tree, "weighted");
    double picks[3] = { 0 };

    for (int n = 1; n <= 100000; n++) {
        picks[play_pick(p)]++;
        for (int i = 0; i < 3; i++) /* smooth: never far from the share, at no point */
            g_assert_cmpfloat(fabs(picks[i] - share[i] * n), <, 1.5);
    }
    for (int i = 0; i < 3; i++)
        g_assert_cmpfloat(fabs(picks[i] / 100000 - share[i]), <, 0.01 * share[i]);
    play_free(p);
}

/* -- random-two ------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The p99 of 20,000 requests where one of four children is at a fifth of the others' speed. */
static int64_t p99(bool by_strategy)
{
    enum { REQUESTS = 20000 };
    struct play *p = play_new(tree, "random-two");
    int64_t *took = g_new0(int64_t, REQUESTS), result;

    play_all_alike(p, 10000, 100);
    p->ttft_us[0] *= 5;
    p->tpot_us[0] *= 5;
    p->queue = true;
    for (int i = 0; i < REQUESTS; i++) {
        play_wait(p, 25000); /* so rarely that also the slow one could bear a quarter of them */
        took[i] = play_start(p, by_strategy ? play_pick(p)
                                            : (uint32_t)g_rand_int_range(p->rand, 0, CHILDREN));
    }
    qsort(took, REQUESTS, sizeof took[0], by_time);
    result = took[REQUESTS * 99 / 100];
    g_free(took);
    play_free(p);
    return result;
}

static void test_random_two(void)
{
    g_assert_cmpint(p99(true) * 2, <=, p99(false));
}

/* -- least-busy, headroom, cheapest ----------------------------------------------------------- */

static void test_least_busy(void)
{
    struct play *p = play_new(tree, "least-busy");

    for (uint32_t i = 0; i < CHILDREN; i++)
        p->child[i].inflight_tokens = 1000 + (i != 2);
    for (int i = 0; i < 100; i++)
        g_assert_cmpuint(play_pick(p), ==, 2);
    p->child[2].blocked = WEIR_BLOCKED_BREAKER;
    for (int i = 0; i < 100; i++)
        g_assert_cmpuint(play_pick(p), !=, 2);
    play_free(p);
}

static void test_headroom(void)
{
    struct play *p = play_new(tree, "headroom");

    for (uint32_t i = 0; i < CHILDREN; i++)
        p->child[i].headroom_ppm = 100000 * (i + 1);
    g_assert_cmpuint(play_pick(p), ==, 3);
    p->child[2].headroom_ppm = 400001; /* no more to speak of: the less busy */
    p->child[3].inflight = 1;
    g_assert_cmpuint(play_pick(p), ==, 2);
    play_free(p);
}

static void test_cheapest(void)
{
    struct play *p = play_new(tree, "cheapest");

    p->facts.input_tokens = 1000;
    p->child[0].price_in = 100, p->child[0].price_out = 5000;
    p->child[1].price_in = 1000, p->child[1].price_out = 1000;
    p->child[2].price_in = 2000, p->child[2].price_out = 2000;
    g_assert_cmpuint(play_pick(p), ==, 1); /* 500 tokens of answer are expected */
    p->facts.output_tokens = 10;
    g_assert_cmpuint(play_pick(p), ==, 0);
    p->child[0].context_window = 500;
    p->child[1].blocked = WEIR_BLOCKED_LIMIT;
    g_assert_cmpuint(play_pick(p), ==, 2);
    p->child[2].blocked = WEIR_BLOCKED_LIMIT;
    g_assert_cmpuint(play_pick(p), ==, 3); /* unknown, but it may fit */
    play_free(p);
}

/* -- affinity --------------------------------------------------------------------------------- */

static void test_affinity(void)
{
    enum { KEYS = 4000 };
    struct play *p = play_new(tree, "affinity");
    uint8_t *was = g_new0(uint8_t, KEYS);
    uint32_t share[CHILDREN] = { 0 };

    for (int i = 0; i < KEYS; i++) {
        g_autofree char *key = g_strdup_printf("session %d", i);

        p->facts.session = str_of(key);
        was[i] = (uint8_t)play_pick(p);
        share[was[i]]++;
        g_assert_cmpuint(play_pick(p), ==, was[i]);
    }
    for (int i = 0; i < CHILDREN; i++)
        g_assert_cmpfloat(fabs(share[i] / (double)KEYS - 0.25), <, 0.03);
    p->child[1].blocked = WEIR_BLOCKED_BREAKER; /* it leaves: only its own keys move */
    for (int i = 0; i < KEYS; i++) {
        g_autofree char *key = g_strdup_printf("session %d", i);
        uint32_t now;

        p->facts.session = str_of(key);
        now = play_pick(p);
        g_assert_true(was[i] == 1 ? now != 1 : now == was[i]);
    }
    g_free(was);
    play_free(p);
}

/* One key with everything: no child has more than its bound in flight. */
static void test_affinity_bound(void)
{
    struct play *p = play_new(tree, "affinity");

    p->facts.session = S("the only one");
    for (uint32_t n = 1; n <= 1000; n++) {
        uint32_t child = play_pick(p);

        p->child[child].inflight++;
        g_assert_cmpfloat(p->child[child].inflight, <=, MAX(8, ceil(1.5 * n / CHILDREN)));
    }
    play_free(p);
}

/* -- hedge ------------------------------------------------------------------------------------ */

/* A request whose first child is late. Whether it got a second attempt. */
static bool hedged(struct play *p)
{
    weir_decision d = play_ask(p, WEIR_ASK_START);

    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, ==, 0);
    g_assert_cmpint(d.ask_again_us, ==, p->ask.now_us + 500000);
    p->tries[0] =
        (weir_try){ .struct_size = sizeof(weir_try), .running = 1, .start_us = p->ask.now_us };
    p->ask.tries.count = 1;
    p->ask.now_us = d.ask_again_us;
    d = play_ask(p, WEIR_ASK_TIMER);
    p->ask.tries.count = 0;
    g_assert_true(d.verb == WEIR_WAIT || (d.verb == WEIR_PICK && d.child == 1));
    return d.verb == WEIR_PICK;
}

static void test_hedge_ratio(void)
{
    struct play *p = play_new(tree, "hedge");
    int second = 0;

    for (int n = 1; n <= 10000; n++) {
        second += hedged(p);
        g_assert_cmpint(second, <=, n / 20);
    }
    g_assert_cmpint(second, >=, 490);
    play_free(p);
}

/* 100 tokens in, 500 out; at most 0.01 of the currency. */
static void test_hedge_cost(void)
{
    static const struct {
        int64_t in, out, money;
        bool allowed;
    } rows[] = {
        { 10000000, 17000000, -1, true },   /* 0.0095 */
        { 10000000, 19000000, -1, false },  /* 0.0105 */
        { -1, -1, -1, false },              /* nobody knows */
        { 10000000, 17000000, 9000, false } /* more than the request has left */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct play *p = play_new(tree, "hedge-cost");

        p->child[1].price_in = rows[i].in;
        p->child[1].price_out = rows[i].out;
        p->budget.money_left = rows[i].money;
        g_assert_true(hedged(p) == rows[i].allowed);
        play_free(p);
    }
}

static void test_hedge_quantile(void)
{
    struct play *p = play_new(tree, "hedge-quantile");
    const struct node *n = p->node;
    weir_outcome o = { .struct_size = sizeof(o), .start_us = 1000000 };
    weir_decision d;

    for (int i = 0; i < 5000; i++) {
        if (i == 19) /* too few to say */
            g_assert_cmpint(play_ask(p, WEIR_ASK_START).ask_again_us, ==, 0);
        o.first_us = o.start_us + g_rand_int_range(p->rand, 100000, 200000);
        o.end_us = o.first_us + 1000000;
        n->part->strategy.observe(n->cfg, p->state, p->child_state[0], &o);
    }
    d = play_ask(p, WEIR_ASK_START);
    g_assert_cmpint(d.ask_again_us - p->ask.now_us, >=, 185000);
    g_assert_cmpint(d.ask_again_us - p->ask.now_us, <=, 215000);
    play_free(p);
}

/* An answer that has begun is not raced; what failed moves on without being counted. */
static void test_hedge_not(void)
{
    struct play *p = play_new(tree, "hedge");
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = WEIR_CLASS_SERVER_ERROR,
                             .family = WEIR_CLASS_SERVER_ERROR };
    weir_decision d;

    for (int i = 0; i < 100; i++)
        play_ask(p, WEIR_ASK_START);
    p->tries[0] = (weir_try){ .struct_size = sizeof(weir_try), .running = 1, .committed = 1 };
    p->ask.tries.count = 1;
    g_assert_cmpuint(play_ask(p, WEIR_ASK_TIMER).verb, ==, WEIR_WAIT);
    p->tries[0] = (weir_try){ .struct_size = sizeof(weir_try), .failure = &failure, .end_us = 1 };
    d = play_ask(p, WEIR_ASK_FAILED);
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, ==, 1);
    p->tries[1] = (weir_try){ .struct_size = sizeof(weir_try), .child = 1, .running = 1 };
    p->ask.tries.count = 2;
    g_assert_cmpuint(play_ask(p, WEIR_ASK_FAILED).verb, ==, WEIR_WAIT);
    play_free(p);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int result;

    g_test_init(&argc, &argv, NULL);
    config = kit_config(
        "providers: { sim: { plugin: sim } }\n"
        "routes:\n"
        "  weighted: { weighted: { sim/a: 60, sim/b: 25, sim/c: 15 } }\n"
        "  random-two: { random_two: [sim/a, sim/b, sim/c, sim/d] }\n"
        "  least-busy: { least_busy: [sim/a, sim/b, sim/c, sim/d] }\n"
        "  headroom: { headroom: [sim/a, sim/b, sim/c, sim/d] }\n"
        "  cheapest: { cheapest: [sim/a, sim/b, sim/c, sim/d] }\n"
        "  affinity: { affinity: { across: [sim/a, sim/b, sim/c, sim/d] } }\n"
        "  hedge: { hedge: { try: [sim/a, sim/b], after: 500ms } }\n"
        "  hedge-cost: { hedge: { try: [sim/a, sim/b], after: 500ms, ratio: 1, max_cost: 0.01 } }\n"
        "  hedge-quantile: { hedge: { try: [sim/a, sim/b] } }\n");
    tree = tree_build(config, &error);
    g_assert_no_error(error);
    g_test_add_func("/balance/weighted", test_weighted);
    g_test_add_func("/balance/random-two", test_random_two);
    g_test_add_func("/balance/least-busy", test_least_busy);
    g_test_add_func("/balance/headroom", test_headroom);
    g_test_add_func("/balance/cheapest", test_cheapest);
    g_test_add_func("/balance/affinity", test_affinity);
    g_test_add_func("/balance/affinity-bound", test_affinity_bound);
    g_test_add_func("/balance/hedge-ratio", test_hedge_ratio);
    g_test_add_func("/balance/hedge-cost", test_hedge_cost);
    g_test_add_func("/balance/hedge-quantile", test_hedge_quantile);
    g_test_add_func("/balance/hedge-not", test_hedge_not);
    result = g_test_run();
    tree_free(tree);
    config_unref(config);
    return result;
}
