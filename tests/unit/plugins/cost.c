/*
 * Tests of the strategy cost.
 */
#include "router.h"

static struct host_node *node(void)
{
    struct host_node *n = router("{\"among\":[{\"child\":0},{\"child\":1},{\"child\":2}],"
                                 "\"output_tokens\":500}",
                                 3);

    n->child[1].price_in = 1000000; /* cheap to read, dear to write */
    n->child[1].price_out = 10000000;
    n->child[2].price_in = 3000000;
    n->child[2].price_out = 3000000;
    return n;
}

/* Which is cheaper depends on the request; what has no price is last. */
static void test_cheapest(void)
{
    struct host_node *n = node();
    weir_decision d;

    n->facts.input_tokens = 1000;
    n->facts.output_tokens = 100;
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.child, ==, 1);
    g_assert_cmpint(d.number[0], ==, 2000);
    n->facts.output_tokens = 1000;
    g_assert_cmpuint(router_pick(n), ==, 2);
    n->facts.output_tokens = -1; /* 500 */
    g_assert_cmpuint(router_pick(n), ==, 2);
    n->facts.input_tokens = 2000;
    g_assert_cmpuint(router_pick(n), ==, 1);
    host_node_free(n);
}

static void test_capable(void)
{
    struct host_node *n = node();

    n->facts.input_tokens = 5000;
    n->facts.needs = WEIR_CAN_IMAGES;
    n->child[1].can = WEIR_CAN_TOOLS;
    g_assert_cmpuint(router_pick(n), ==, 2);
    n->child[2].context_window = 4000;
    g_assert_cmpuint(router_pick(n), ==, 0);
    n->child[0].blocked = WEIR_BLOCKED_LIMIT;
    host_node_reset(n);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).verb, ==, WEIR_GIVE_UP);
    host_node_free(n);
}

static void test_moves_on(void)
{
    struct host_node *n = node();

    n->facts.input_tokens = 10000;
    g_assert_cmpuint(router_pick(n), ==, 1);
    host_node_failed(n, 1, WEIR_CLASS_RATE_LIMIT);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).child, ==, 2);
    host_node_failed(n, 2, WEIR_CLASS_INVALID_REQUEST);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).verb, ==, WEIR_GIVE_UP);
    host_node_free(n);
}

static void test_configure(void)
{
    router_invalid("{\"among\":[{\"child\":0}],\"output_tokens\":-1}", "output_tokens", "from 0");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cost/cheapest", test_cheapest);
    g_test_add_func("/cost/capable", test_capable);
    g_test_add_func("/cost/moves-on", test_moves_on);
    g_test_add_func("/cost/configure", test_configure);
    return g_test_run();
}
