/*
 * Tests of the strategy shadow.
 */
#include "router.h"

enum { ASKERS = 20000 };

static struct host_node *node(const char *more)
{
    g_autofree char *options = g_strdup_printf("{\"to\":0,\"copy\":1%s}", more);

    return router(options, 2);
}

static weir_decision decide(struct host_node *n)
{
    weir_decision d;

    host_node_reset(n);
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, ==, 0);
    g_assert_nonnull(d.reason);
    return d;
}

static bool copies(struct host_node *n)
{
    weir_decision d = decide(n);

    g_assert_true(d.shadow_child == 1 || d.shadow_child == WEIR_NO_CHILD);
    return d.shadow_child == 1;
}

static void test_all(void)
{
    struct host_node *n = node("");

    for (uint64_t seed = 0; seed < 1000; seed++) {
        n->ask.seed = seed;
        g_assert_true(copies(n));
    }
    host_node_free(n);
    n = node(",\"percent\":0");
    for (uint64_t seed = 0; seed < 1000; seed++) {
        n->ask.seed = seed;
        g_assert_false(copies(n));
    }
    host_node_free(n);
}

static void test_drawn(void)
{
    struct host_node *n = node(",\"percent\":30,\"by\":\"request\"");
    int count = 0;

    n->facts.tenant = WEIR_S("one");
    for (int i = 0; i < ASKERS; i++) {
        n->ask.seed = (uint64_t)i;
        count += copies(n);
    }
    g_assert_cmpint(count, >, ASKERS * 29 / 100);
    g_assert_cmpint(count, <, ASKERS * 31 / 100);
    host_node_free(n);
}

/* All of an asker's requests are copied, or none; with more, none is taken away. */
static void test_sticky(void)
{
    struct host_node *few = node(",\"percent\":5,\"by\":\"user\"");
    struct host_node *more = node(",\"percent\":20,\"by\":\"user\"");
    struct host_node *other = node(",\"percent\":5,\"by\":\"user\",\"salt\":\"other\"");
    int count = 0, both = 0;

    for (int i = 0; i < ASKERS; i++) {
        g_autofree char *name = g_strdup_printf("user-%d", i);
        bool copied;

        few->facts.user = more->facts.user = other->facts.user = weir_str_of(name);
        copied = copies(few);
        few->ask.seed++;
        g_assert_true(copies(few) == copied);
        g_assert_true(!copied || copies(more));
        count += copied;
        both += copied && copies(other);
    }
    g_assert_cmpint(count, >, ASKERS * 4 / 100);
    g_assert_cmpint(count, <, ASKERS * 6 / 100);
    g_assert_cmpint(both, <, ASKERS / 100);
    host_node_free(few);
    host_node_free(more);
    host_node_free(other);
}

/* A copy that cannot be sent is no reason for anything; a request that cannot is not copied. */
static void test_blocked(void)
{
    struct host_node *n = node("");
    weir_decision d;

    n->child[1].blocked = WEIR_BLOCKED_BREAKER;
    g_assert_false(copies(n));
    n->child[1].blocked = 0;
    n->child[0].blocked = WEIR_BLOCKED_BREAKER;
    host_node_reset(n);
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
    g_assert_cmpuint(d.shadow_child, ==, WEIR_NO_CHILD);
    n->child[0].blocked = 0;
    router_stays(n, 0);
    host_node_free(n);
}

static void test_operations(void)
{
    struct host_node *n = node("");

    for (uint8_t op = 0; op < WEIR_OP_COUNT_; op++) {
        n->facts.op = op;
        g_assert_true(copies(n) == (op == WEIR_OP_CHAT || op == WEIR_OP_EMBED));
    }
    host_node_free(n);
}

static void test_configure(void)
{
    router_invalid("{\"to\":0,\"copy\":1,\"percent\":-1}", "percent", "from 0 to 100");
    router_invalid("{\"to\":0,\"copy\":1,\"percent\":101}", "percent", "from 0 to 100");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shadow/all", test_all);
    g_test_add_func("/shadow/drawn", test_drawn);
    g_test_add_func("/shadow/sticky", test_sticky);
    g_test_add_func("/shadow/blocked", test_blocked);
    g_test_add_func("/shadow/operations", test_operations);
    g_test_add_func("/shadow/configure", test_configure);
    return g_test_run();
}
