/*
 * Tests of the strategy model.
 */
#include "router.h"

static uint32_t pick(struct host_node *n, const char *model)
{
    weir_decision d;

    host_node_reset(n);
    n->facts.model = weir_str_of(model);
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    return d.child;
}

static struct host_node *node(const char *last)
{
    g_autofree char *options =
        g_strdup_printf("{\"models\":[{\"child\":0,\"name\":\"gpt-4o-mini\"},{\"child\":1,\"name\":"
                        "\"gpt-*\"},{\"child\":3,\"name\":\"gpt-5\"},{\"child\":2,\"name\":"
                        "\"%s\"}]}",
                        last);
    return host_node_new(host_part(WEIR_PART_STRATEGY), options, 4);
}

static void test_first_match(void)
{
    struct host_node *n = node("*-large");
    weir_decision d;

    g_assert_cmpuint(pick(n, "gpt-4o-mini"), ==, 0);
    g_assert_cmpuint(pick(n, "gpt-4o"), ==, 1);
    g_assert_cmpuint(pick(n, "gpt-5"), ==, 1); /* order, not exactness */
    g_assert_cmpuint(pick(n, "mistral-large"), ==, 2);
    host_node_reset(n);
    n->facts.model = WEIR_S("claude");
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_REFUSE);
    g_assert_cmpuint(d.failure_class, ==, WEIR_CLASS_NO_ROUTE);
    host_node_free(n);
}

static void test_default(void)
{
    struct host_node *n = node("default");

    g_assert_cmpuint(pick(n, "claude"), ==, 2);
    g_assert_cmpuint(pick(n, ""), ==, 2);
    host_node_free(n);
    n = node("*");
    g_assert_cmpuint(pick(n, ""), ==, 2);
    host_node_free(n);
}

static void test_blocked_and_failed(void)
{
    struct host_node *n = node("*");

    n->facts.model = WEIR_S("gpt-4o");
    n->child[1].blocked = WEIR_BLOCKED_BREAKER;
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).verb, ==, WEIR_GIVE_UP);
    n->child[1].blocked = 0;
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).child, ==, 1);
    host_node_failed(n, 1, WEIR_CLASS_TIMEOUT);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).failure_class, ==, WEIR_CLASS_TIMEOUT);
    host_node_free(n);
}

static void test_configure(void)
{
    router_invalid("{\"models\":[{\"child\":0,\"name\":\"*\"},{\"child\":0,\"name\":\"a\"}]}",
                   "models", "make it the last");
    router_invalid("{\"models\":[{\"child\":0,\"name\":\"default\"},{\"child\":0,\"name\":"
                   "\"a\"}]}",
                   "models", "make it the last");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/first-match", test_first_match);
    g_test_add_func("/model/default", test_default);
    g_test_add_func("/model/blocked-and-failed", test_blocked_and_failed);
    g_test_add_func("/model/configure", test_configure);
    return g_test_run();
}
