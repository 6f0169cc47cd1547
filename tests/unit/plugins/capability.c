/*
 * Tests of the strategy capability.
 */
#include "router.h"

static void test_first_that_can(void)
{
    struct host_node *n = router("{\"try\":[{\"child\":0},{\"child\":1},{\"child\":2}]}", 3);

    n->child[0].can = 0;
    n->child[1].can = WEIR_CAN_TOOLS;
    g_assert_cmpuint(router_pick(n), ==, 0);
    n->facts.needs = WEIR_CAN_TOOLS;
    g_assert_cmpuint(router_pick(n), ==, 1);
    n->facts.needs = WEIR_CAN_TOOLS | WEIR_CAN_IMAGES;
    g_assert_cmpuint(router_pick(n), ==, 2);
    n->child[2].can = 0;
    host_node_reset(n);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).verb, ==, WEIR_GIVE_UP);
    host_node_free(n);
}

static void test_size(void)
{
    struct host_node *n = router("{\"try\":[{\"child\":0},{\"child\":1}]}", 2);

    n->child[0].context_window = 8000;
    n->child[0].max_output_tokens = 2000;
    n->facts.input_tokens = 7000;
    g_assert_cmpuint(router_pick(n), ==, 0);
    n->facts.output_tokens = 1001;
    g_assert_cmpuint(router_pick(n), ==, 1);
    n->facts.input_tokens = 10;
    g_assert_cmpuint(router_pick(n), ==, 0);
    n->facts.output_tokens = 2001;
    g_assert_cmpuint(router_pick(n), ==, 1);
    host_node_free(n);
}

static void test_moves_on(void)
{
    struct host_node *n = router("{\"try\":[{\"child\":0},{\"child\":1},{\"child\":2}]}", 3);

    n->child[1].blocked = WEIR_BLOCKED_BREAKER;
    g_assert_cmpuint(router_pick(n), ==, 0);
    host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).child, ==, 2);
    host_node_failed(n, 2, WEIR_CLASS_OVERLOADED);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).failure_class, ==, WEIR_CLASS_OVERLOADED);
    host_node_reset(n);
    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_INVALID_REQUEST);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).verb, ==, WEIR_GIVE_UP);
    host_node_free(n);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capability/first-that-can", test_first_that_can);
    g_test_add_func("/capability/size", test_size);
    g_test_add_func("/capability/moves-on", test_moves_on);
    return g_test_run();
}
