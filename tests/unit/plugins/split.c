/*
 * Tests of the strategy split.
 */
#include "router.h"

enum { ASKERS = 20000 };

static struct host_node *node(const char *more, double first)
{
    g_autofree char *options =
        g_strdup_printf("{\"into\":[{\"child\":0,\"percent\":%g},{\"child\":1,\"percent\":%g}]%s}",
                        first, 100 - first, more);
    return router(options, 2);
}

/* Who goes to child 1, of ASKERS tenants. */
static void draw(struct host_node *n, bool *second)
{
    for (int i = 0; i < ASKERS; i++) {
        g_autofree char *name = g_strdup_printf("tenant-%d", i);

        n->facts.tenant = weir_str_of(name);
        second[i] = router_pick(n) == 1;
    }
}

static int count(const bool *second)
{
    int n = 0;

    for (int i = 0; i < ASKERS; i++)
        n += second[i];
    return n;
}

static void test_sticky(void)
{
    static bool first[ASKERS], again[ASKERS], more[ASKERS], other[ASKERS];
    struct host_node *n = node(",\"by\":\"tenant\"", 95);
    int both = 0;

    draw(n, first);
    n->ask.seed = 12345;
    draw(n, again);
    g_assert_cmpmem(first, sizeof first, again, sizeof again);
    g_assert_cmpint(count(first), >, ASKERS * 4 / 100);
    g_assert_cmpint(count(first), <, ASKERS * 6 / 100);
    host_node_free(n);
    n = node(",\"by\":\"tenant\"", 80); /* who was in the canary stays in it */
    draw(n, more);
    for (int i = 0; i < ASKERS; i++)
        g_assert_true(more[i] || !first[i]);
    host_node_free(n);
    n = node(",\"by\":\"tenant\",\"salt\":\"other\"", 95);
    draw(n, other);
    for (int i = 0; i < ASKERS; i++)
        both += first[i] && other[i];
    g_assert_cmpint(both, <, ASKERS / 100);
    host_node_free(n);
}

static void test_drawn(void)
{
    struct host_node *n = node(",\"by\":\"request\"", 70);
    int second = 0;

    n->facts.tenant = n->facts.session = WEIR_S("one");
    for (int i = 0; i < ASKERS; i++) {
        n->ask.seed = (uint64_t)i;
        second += router_pick(n) == 1;
    }
    g_assert_cmpint(second, >, ASKERS * 29 / 100);
    g_assert_cmpint(second, <, ASKERS * 31 / 100);
    host_node_free(n);
}

/* A conversation is known by its session, or else by how it begins. */
static void test_conversation(void)
{
    struct host_node *n = node(",\"by\":\"conversation\"", 50);
    uint32_t child;

    n->facts.prefix_hash = 77;
    child = router_pick(n);
    for (uint64_t seed = 0; seed < 50; seed++) {
        n->ask.seed = seed;
        g_assert_cmpuint(router_pick(n), ==, child);
    }
    n->facts.session = WEIR_S("s");
    child = router_pick(n);
    for (uint64_t hash = 0; hash < 50; hash++) {
        n->facts.prefix_hash = hash;
        g_assert_cmpuint(router_pick(n), ==, child);
    }
    router_stays(n, child);
    host_node_free(n);
}

static void test_nothing(void)
{
    struct host_node *n = node(",\"by\":\"request\"", 100);

    for (uint64_t seed = 0; seed < 2000; seed++) {
        n->ask.seed = seed;
        g_assert_cmpuint(router_pick(n), ==, 0);
    }
    host_node_free(n);
}

static void test_configure(void)
{
    router_invalid("{\"into\":[{\"child\":0,\"percent\":90},{\"child\":1,\"percent\":5}]}", "into",
                   "make 95; let them make 100");
    router_invalid("{\"into\":[{\"child\":0,\"percent\":-1}]}", "percent", "from 0 to 100");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/split/sticky", test_sticky);
    g_test_add_func("/split/drawn", test_drawn);
    g_test_add_func("/split/conversation", test_conversation);
    g_test_add_func("/split/nothing", test_nothing);
    g_test_add_func("/split/configure", test_configure);
    return g_test_run();
}
