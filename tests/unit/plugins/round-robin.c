/*
 * Tests of the strategy round-robin.
 */
#include "host.h"

#define THREE "{\"across\":[{\"child\":0},{\"child\":1},{\"child\":2}]}"

static struct host_node *node(uint32_t count)
{
    return host_node_new(host_part(WEIR_PART_STRATEGY), THREE, count);
}

static void test_even(void)
{
    struct host_node *n = node(2);
    uint32_t picks[2] = { 0, 0 };

    for (uint32_t i = 0; i < 100; i++) {
        weir_decision d = host_ask(n, WEIR_ASK_START);

        g_assert_cmpuint(d.child, ==, i % 2);
        picks[d.child]++;
    }
    g_assert_cmpuint(picks[0], ==, 50);
    host_node_free(n);
}

static void test_blocked(void)
{
    struct host_node *n = node(4);
    uint32_t picks[4] = { 0, 0, 0, 0 };

    n->child[1].blocked = WEIR_BLOCKED_COOLDOWN;
    for (uint32_t i = 0; i < 99; i++)
        picks[host_ask(n, WEIR_ASK_START).child]++;
    g_assert_cmpuint(picks[0], ==, 33);
    g_assert_cmpuint(picks[1], ==, 0);
    g_assert_cmpuint(picks[2], ==, 33);
    g_assert_cmpuint(picks[3], ==, 33);
    for (uint32_t i = 0; i < 4; i++)
        n->child[i].blocked = WEIR_BLOCKED_BREAKER;
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).verb, ==, WEIR_GIVE_UP);
    host_node_free(n);
}

static void test_failed(void)
{
    struct host_node *n = node(3);
    weir_decision d = host_ask(n, WEIR_ASK_START);

    g_assert_cmpuint(d.child, ==, 0);
    host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).child, ==, 1);
    host_node_failed(n, 1, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).child, ==, 2);
    host_node_failed(n, 2, WEIR_CLASS_OVERLOADED);
    d = host_ask(n, WEIR_ASK_FAILED);
    g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
    g_assert_cmpuint(d.failure_class, ==, WEIR_CLASS_OVERLOADED);
    /* the turn went on by one only */
    host_node_reset(n);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).child, ==, 1);
    host_node_failed(n, 1, WEIR_CLASS_INVALID_REQUEST);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).verb, ==, WEIR_GIVE_UP);
    host_node_free(n);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/round-robin/even", test_even);
    g_test_add_func("/round-robin/blocked", test_blocked);
    g_test_add_func("/round-robin/failed", test_failed);
    return g_test_run();
}
