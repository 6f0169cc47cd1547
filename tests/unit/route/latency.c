/*
 * latency.c - least-latency under a simulated clock: children that become slow, and children that
 * nothing is known of.
 */
#include "../engine/kit.h"
#include "base/str.h"
#include "play.h"

static struct config *config;
static struct tree *tree;

static uint32_t run_one(struct play *p, int64_t gap_us)
{
    uint32_t child;

    play_wait(p, gap_us);
    child = play_pick(p);
    play_start(p, child);
    return child;
}

static void run(struct play *p, int requests, int64_t gap_us, uint32_t picks[CHILDREN])
{
    memset(picks, 0, CHILDREN * sizeof picks[0]);
    for (int i = 0; i < requests; i++)
        picks[run_one(p, gap_us)]++;
}

/* A child that becomes five times slower, under so many requests at so many children. */
struct slowing {
    const char *route;
    int64_t gap_us;
    bool sparse; /* about one under way at each: what is slow is known at once */
};

/* After 50 requests, or when its first slow answer is in, it gets less than a tenth of any 50; and
 * of the first 50 as well, where anything could be known of them. */
static void slows(const struct slowing *how, guint32 seed)
{
    enum { REQUESTS = 1500, WINDOW = 50 };
    struct play *p = play_new(tree, how->route);
    uint32_t picks[CHILDREN], in_window = 0, known = 0;
    bool slow[REQUESTS];
    int64_t since;

    g_rand_set_seed(p->rand, seed);
    play_all_alike(p, 200000, 2000);
    run(p, 2000, how->gap_us, picks);
    for (uint32_t i = 0; i < p->node->count; i++)
        g_assert_cmpuint(picks[i], >, 1200 / p->node->count);
    p->ttft_us[0] *= 5;
    p->tpot_us[0] *= 5;
    since = p->ask.now_us;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        slow[i] = run_one(p, how->gap_us) == 0;
        in_window += slow[i];
        if (i >= WINDOW)
            in_window -= slow[i - WINDOW];
        if (i + 1 == WINDOW && how->sparse)
            g_assert_cmpuint(in_window, <, WINDOW / 10);
        if (!known && i + 1 >= WINDOW && p->ask.now_us - since >= 5 * 400000)
            known = i + 1;
        if (known && i + 1 >= known + WINDOW)
            g_assert_cmpuint(in_window, <, WINDOW / 10);
    }
    g_assert_cmpuint(known, >=, WINDOW);
    play_all_alike(p, 200000, 2000); /* and back: it is found out */
    run(p, 3000, 30000, picks);
    run(p, 1000, 30000, picks);
    g_assert_cmpuint(picks[0], >, 400 / p->node->count);
    play_free(p);
}

static void test_slow(void)
{
    static const struct slowing rows[] = {
        { "two", 30000, false },   { "two", 500000, true },   { "three", 30000, false },
        { "three", 100000, true }, { "four", 5000, false },   { "four", 30000, false },
        { "four", 100000, true },  { "four", 2000000, true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (guint32 seed = 1; seed <= 5; seed++)
            slows(&rows[i], seed);
    }
}

/* One that nothing is known of gets its share of trials, and never more than two at once, however
 * long its first answer takes and however many requests come. */
static void test_cold(void)
{
    static const int64_t gaps[] = { 5000, 30000, 200000 };

    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
        struct play *p = play_new(tree, "four");
        uint32_t picks[CHILDREN];

        play_all_alike(p, 200000, 2000);
        p->child[3].blocked = WEIR_BLOCKED_BREAKER;
        run(p, 500, gaps[i], picks);
        g_assert_cmpuint(picks[3], ==, 0);
        p->child[3].blocked = 0;
        p->ttft_us[3] = INT64_C(1) << 40;
        run(p, 1000, gaps[i], picks);
        g_assert_cmpuint(picks[3], >=, 1);
        g_assert_cmpuint(picks[3], <=, 2);
        play_free(p);
    }
}

/* A quick one is used as soon as it is known, and not flooded then either: it never has more to do
 * than the busiest of the others, or nearly. */
static void test_cold_quick(void)
{
    static const int64_t gaps[] = { 5000, 30000, 200000 };

    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
        struct play *p = play_new(tree, "four");
        uint32_t picks[CHILDREN];

        play_all_alike(p, 200000, 2000);
        p->child[3].blocked = WEIR_BLOCKED_BREAKER;
        run(p, 500, gaps[i], picks);
        p->child[3].blocked = 0;
        for (int n = 0; n < 1000; n++) {
            uint32_t most = 2;

            for (int c = 0; c < 3; c++)
                most = MAX(most, p->child[c].inflight);
            run_one(p, gaps[i]);
            g_assert_cmpuint(p->child[3].inflight, <=,
                             p->child[3].ttft_us < 0 ? 2 : most + most / 4 + 1);
        }
        run(p, 1000, gaps[i], picks);
        g_assert_cmpuint(picks[3], >, 100);
        play_free(p);
    }
}

/* Long answers do not make a child look slow; which is best depends on how long the answer is. */
static void test_lengths(void)
{
    struct play *p = play_new(tree, "four");

    p->child[0].ttft_us = 100000, p->child[0].tpot_ns = 20000000;
    p->child[1].ttft_us = 900000, p->child[1].tpot_ns = 5000000;
    p->child[2].blocked = p->child[3].blocked = WEIR_BLOCKED_BREAKER;
    p->facts.output_tokens = 5;
    g_assert_cmpuint(play_pick(p), ==, 0);
    p->facts.output_tokens = 400;
    g_assert_cmpuint(play_pick(p), ==, 1);
    play_free(p);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int result;

    g_test_init(&argc, &argv, NULL);
    config = kit_config("providers: { sim: { plugin: sim } }\n"
                        "routes:\n"
                        "  two: { least_latency: { across: [sim/a, sim/b] } }\n"
                        "  three: { least_latency: { across: [sim/a, sim/b, sim/c] } }\n"
                        "  four: { least_latency: { across: [sim/a, sim/b, sim/c, sim/d] } }\n");
    tree = tree_build(config, &error);
    g_assert_no_error(error);
    g_test_add_func("/latency/slow", test_slow);
    g_test_add_func("/latency/cold", test_cold);
    g_test_add_func("/latency/cold-quick", test_cold_quick);
    g_test_add_func("/latency/lengths", test_lengths);
    result = g_test_run();
    tree_free(tree);
    config_unref(config);
    return result;
}
