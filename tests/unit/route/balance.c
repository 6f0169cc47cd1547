/*
 * balance.c - the balancers of the build under a simulated clock: shares, tails, slow and cold
 * children, affinity, caps of hedging. No time passes while they run.
 */
#include "../engine/kit.h"
#include "base/str.h"

#include <math.h>

enum { CHILDREN = 4, RUNNING = 20000 };

/* A request at a child. */
struct job {
    uint32_t child;
    int64_t start_us, first_us, end_us, tokens;
};

/* A node of the tree with children that are played. */
struct play {
    const struct node *node;
    weir_ask ask;
    weir_facts facts;
    weir_budget budget;
    weir_child child[CHILDREN];
    weir_try tries[2];
    uint64_t state[64];
    uint64_t child_state[CHILDREN][64];
    GRand *rand;
    /* How the children are: */
    int64_t ttft_us[CHILDREN], tpot_us[CHILDREN];
    bool queue; /* each serves one at a time */
    int64_t free_us[CHILDREN];
    int64_t seen_us[CHILDREN]; /* when its estimates were last fed */
    struct job *jobs;
    uint32_t count;
};

static struct config *config;
static struct tree *tree;

static struct play *play_new(const char *route)
{
    struct play *p = g_new0(struct play, 1);

    p->node = tree_route(tree, str_of(route))->root;
    g_assert_cmpuint(p->node->count, <=, CHILDREN);
    g_assert_cmpuint(p->node->part->strategy.state_size, <=, sizeof p->state);
    g_assert_cmpuint(p->node->part->strategy.child_state_size, <=, sizeof p->child_state[0]);
    p->rand = g_rand_new_with_seed(7);
    p->jobs = g_new0(struct job, RUNNING);
    p->facts =
        (weir_facts){ .struct_size = sizeof(weir_facts), .input_tokens = 100, .output_tokens = -1 };
    p->budget = (weir_budget){ sizeof(weir_budget), 10, INT64_MAX, -1 };
    p->ask = (weir_ask){ .struct_size = sizeof(weir_ask),
                         .now_us = 1000000000,
                         .seed = 1,
                         .facts = &p->facts,
                         .budget = &p->budget,
                         .state = p->state,
                         .children = { p->child, p->node->count, sizeof(weir_child) },
                         .tries = { p->tries, 0, sizeof(weir_try) } };
    for (uint32_t i = 0; i < p->node->count; i++)
        p->child[i] = (weir_child){ .struct_size = sizeof(weir_child),
                                    .name = p->node->children[i].name,
                                    .state = p->child_state[i],
                                    .ttft_us = -1,
                                    .ttft_p95_us = -1,
                                    .tpot_ns = -1,
                                    .headroom_ppm = 1000000,
                                    .max_retries = -1,
                                    .price_in = -1,
                                    .price_out = -1,
                                    .context_window = -1,
                                    .max_output_tokens = -1 };
    return p;
}

static void play_free(struct play *p)
{
    g_rand_free(p->rand);
    g_free(p->jobs);
    g_free(p);
}

static weir_decision play_ask(struct play *p, uint32_t why)
{
    weir_decision d = { .struct_size = sizeof(d), .child = WEIR_NO_CHILD };

    p->ask.why = why;
    p->ask.seed = (uint64_t)g_rand_int(p->rand) << 32 | g_rand_int(p->rand);
    g_assert_cmpint(p->node->part->strategy.next(p->node->cfg, &p->ask, &d), ==, WEIR_OK);
    return d;
}

static uint32_t play_pick(struct play *p)
{
    weir_decision d = play_ask(p, WEIR_ASK_START);

    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, <, p->node->count);
    return d.child;
}

/* Peak-EWMA as target records have it: up at once, down with a time constant of 10 s. */
static int64_t peak(int64_t old, int64_t now, double weight)
{
    if (old < 0 || now > old)
        return now;
    return old + (int64_t)((double)(now - old) * weight);
}

static void job_over(struct play *p, const struct job *j)
{
    weir_child *c = &p->child[j->child];
    double weight = 1 - exp(-(double)(j->end_us - p->seen_us[j->child]) / 10e6);

    c->inflight--;
    c->inflight_tokens -= j->tokens;
    c->ttft_us = peak(c->ttft_us, j->first_us - j->start_us, weight);
    c->tpot_ns = peak(c->tpot_ns, (j->end_us - j->first_us) * 1000 / j->tokens, weight);
    c->samples++;
    p->seen_us[j->child] = j->end_us;
}

static void play_until(struct play *p, int64_t now_us)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        if (p->jobs[i].end_us <= now_us)
            job_over(p, &p->jobs[i]);
        else
            p->jobs[kept++] = p->jobs[i];
    }
    p->count = kept;
    p->ask.now_us = now_us;
}

/* Gives the child a request; how long it takes there, in microseconds. */
static int64_t play_start(struct play *p, uint32_t child)
{
    int64_t now = p->ask.now_us, begin = now, tokens = g_rand_int_range(p->rand, 50, 150);
    struct job *j = &p->jobs[p->count++];

    g_assert_cmpuint(p->count, <=, RUNNING);
    if (p->queue && p->free_us[child] > now)
        begin = p->free_us[child];
    *j = (struct job){ child, now, begin + p->ttft_us[child], 0, tokens };
    j->end_us = j->first_us + tokens * p->tpot_us[child];
    p->free_us[child] = j->end_us;
    p->child[child].inflight++;
    p->child[child].inflight_tokens += tokens;
    return j->end_us - now;
}

/* The next request comes, `mean_us` after the last on average. */
static void play_wait(struct play *p, int64_t mean_us)
{
    double gap = -log(1 - g_rand_double(p->rand)) * (double)mean_us;

    play_until(p, p->ask.now_us + (int64_t)gap);
}

static void children_are(struct play *p, int64_t ttft_us, int64_t tpot_us)
{
    for (uint32_t i = 0; i < CHILDREN; i++) {
        p->ttft_us[i] = ttft_us;
        p->tpot_us[i] = tpot_us;
    }
}

/* -- weighted --------------------------------------------------------------------------------- */

static void test_weighted(void)
{
    static const double share[] = { 0.6, 0.25, 0.15 };
    struct play *p = play_new("weighted");
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
    struct play *p = play_new("random-two");
    int64_t *took = g_new0(int64_t, REQUESTS), result;

    children_are(p, 10000, 100);
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
    struct play *p = play_new("least-busy");

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
    struct play *p = play_new("headroom");

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
    struct play *p = play_new("cheapest");

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

/* -- least-latency ---------------------------------------------------------------------------- */

static void run(struct play *p, int requests, uint32_t picks[CHILDREN])
{
    memset(picks, 0, CHILDREN * sizeof picks[0]);
    for (int i = 0; i < requests; i++) {
        uint32_t child;

        play_wait(p, 30000);
        child = play_pick(p);
        picks[child]++;
        play_start(p, child);
    }
}

static void test_slow(void)
{
    struct play *p = play_new("least-latency");
    uint32_t picks[CHILDREN];

    children_are(p, 200000, 2000);
    run(p, 2000, picks);
    for (int i = 0; i < CHILDREN; i++)
        g_assert_cmpuint(picks[i], >, 300);
    p->ttft_us[0] *= 5;
    p->tpot_us[0] *= 5;
    run(p, 50, picks);
    run(p, 500, picks);
    g_assert_cmpuint(picks[0], <, 50);
    children_are(p, 200000, 2000); /* and back: it is found out */
    run(p, 3000, picks);
    run(p, 1000, picks);
    g_assert_cmpuint(picks[0], >, 100);
    play_free(p);
}

/* One that nothing is known of gets its share of trials, and not many at once, however long its
 * first answer takes. */
static void test_cold(void)
{
    struct play *p = play_new("least-latency");
    uint32_t picks[CHILDREN];

    children_are(p, 200000, 2000);
    p->child[3].blocked = WEIR_BLOCKED_BREAKER;
    run(p, 500, picks);
    g_assert_cmpuint(picks[3], ==, 0);
    p->child[3].blocked = 0;
    p->ttft_us[3] = INT64_C(1) << 40;
    run(p, 1000, picks);
    g_assert_cmpuint(picks[3], >=, 1);
    g_assert_cmpuint(picks[3], <=, 2);
    play_free(p);

    p = play_new("least-latency"); /* a quick one is used as soon as it is known */
    children_are(p, 200000, 2000);
    p->child[3].blocked = WEIR_BLOCKED_BREAKER;
    run(p, 500, picks);
    p->child[3].blocked = 0;
    run(p, 100, picks);
    g_assert_cmpuint(picks[3], <, 40);
    run(p, 1000, picks);
    g_assert_cmpuint(picks[3], >, 100);
    play_free(p);
}

/* Long answers do not make a child look slow; which is best depends on how long the answer is. */
static void test_lengths(void)
{
    struct play *p = play_new("least-latency");

    p->child[0].ttft_us = 100000, p->child[0].tpot_ns = 20000000;
    p->child[1].ttft_us = 900000, p->child[1].tpot_ns = 5000000;
    p->child[2].blocked = p->child[3].blocked = WEIR_BLOCKED_BREAKER;
    p->facts.output_tokens = 5;
    g_assert_cmpuint(play_pick(p), ==, 0);
    p->facts.output_tokens = 400;
    g_assert_cmpuint(play_pick(p), ==, 1);
    play_free(p);
}

/* -- affinity --------------------------------------------------------------------------------- */

static void test_affinity(void)
{
    enum { KEYS = 4000 };
    struct play *p = play_new("affinity");
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
    struct play *p = play_new("affinity");

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
    struct play *p = play_new("hedge");
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
        struct play *p = play_new("hedge-cost");

        p->child[1].price_in = rows[i].in;
        p->child[1].price_out = rows[i].out;
        p->budget.money_left = rows[i].money;
        g_assert_true(hedged(p) == rows[i].allowed);
        play_free(p);
    }
}

static void test_hedge_quantile(void)
{
    struct play *p = play_new("hedge-quantile");
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
    struct play *p = play_new("hedge");
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
        "  least-latency: { least_latency: { across: [sim/a, sim/b, sim/c, sim/d] } }\n"
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
    g_test_add_func("/balance/least-latency-slow", test_slow);
    g_test_add_func("/balance/least-latency-cold", test_cold);
    g_test_add_func("/balance/least-latency-lengths", test_lengths);
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
