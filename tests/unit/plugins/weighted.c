/*
 * Tests of the strategy weighted.
 */
#include "host.h"

static struct host_node *node(const char *weights)
{
    g_autofree char *options = g_strdup_printf("{\"across\":[%s]}", weights);
    return host_node_new(host_part(WEIR_PART_STRATEGY), options, 3);
}

#define W(child, weight) "{\"child\":" #child ",\"weight\":" #weight "}"

static void test_exact(void)
{
    struct host_node *n = node(W(0, 0.7) "," W(1, 0.3) "," W(2, 0));
    uint32_t picks[3] = { 0, 0, 0 };

    for (uint32_t round = 1; round <= 10; round++) {
        for (uint32_t i = 0; i < 10; i++)
            picks[host_ask(n, WEIR_ASK_START).child]++;
        g_assert_cmpuint(picks[0], ==, 7 * round);
        g_assert_cmpuint(picks[1], ==, 3 * round);
    }
    g_assert_cmpuint(picks[2], ==, 0);
    host_node_free(n);
}

static void test_smooth(void)
{
    struct host_node *n = node(W(0, 5) "," W(1, 1) "," W(2, 1));
    static const uint32_t expected[] = { 0, 0, 1, 0, 2, 0, 0 };

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
            g_assert_cmpuint(host_ask(n, WEIR_ASK_START).child, ==, expected[i]);
    }
    host_node_free(n);
}

static void test_blocked(void)
{
    struct host_node *n = node(W(0, 2) "," W(1, 1) "," W(2, 1));
    uint32_t picks[3] = { 0, 0, 0 };

    n->child[0].blocked = WEIR_BLOCKED_LIMIT;
    for (int i = 0; i < 100; i++)
        picks[host_ask(n, WEIR_ASK_START).child]++;
    g_assert_cmpuint(picks[1], ==, 50);
    g_assert_cmpuint(picks[2], ==, 50);
    host_node_free(n);
}

static void test_zero_is_last(void)
{
    struct host_node *n = node(W(0, 1) "," W(1, 0) "," W(2, 0));

    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).child, ==, 0);
    host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).child, ==, 1);
    host_node_reset(n);
    n->child[0].blocked = WEIR_BLOCKED_BREAKER;
    n->child[1].blocked = WEIR_BLOCKED_BREAKER;
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).child, ==, 2);
    host_node_free(n);
}

/* A child that fails at once must not gather first picks, nor be tried twice. */
static void test_failed(void)
{
    struct host_node *n = node(W(0, 1) "," W(1, 3) "," W(2, 1));
    uint32_t first[3] = { 0, 0, 0 }, second[3] = { 0, 0, 0 };

    for (int i = 0; i < 500; i++) {
        weir_decision d;
        uint32_t child;

        host_node_reset(n);
        child = host_ask(n, WEIR_ASK_START).child;
        first[child]++;
        host_node_failed(n, child, WEIR_CLASS_SERVER_ERROR);
        d = host_ask(n, WEIR_ASK_FAILED);
        g_assert_cmpuint(d.child, !=, child);
        if (child == 0)
            second[d.child]++;
    }
    g_assert_cmpuint(first[0], ==, 100);
    g_assert_cmpuint(first[1], ==, 300);
    g_assert_cmpuint(second[1], >, second[2]);
    g_assert_cmpuint(second[2], >, 0);
    host_node_free(n);
}

static void test_configure(void)
{
    const weir_strategy_v1 *face = host_part(WEIR_PART_STRATEGY);
    weir_error error = { .struct_size = sizeof(error) };
    struct host_arena arena;
    weir_json doc;
    void *cfg = NULL;

    host_arena_init(&arena);
    doc = host_scan(&arena, "{\"across\":[" W(0, -1) "]}");
    g_assert_cmpint(face->configure(&host_services, &doc, &cfg, &error), ==, WEIR_INVALID);
    g_assert_cmpstr(error.option, ==, "weight");
    host_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/weighted/exact", test_exact);
    g_test_add_func("/weighted/smooth", test_smooth);
    g_test_add_func("/weighted/blocked", test_blocked);
    g_test_add_func("/weighted/zero-is-last", test_zero_is_last);
    g_test_add_func("/weighted/failed", test_failed);
    g_test_add_func("/weighted/configure", test_configure);
    return g_test_run();
}
