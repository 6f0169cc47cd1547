/*
 * Tests of the strategy content.
 */
#include "router.h"

#define RULES                                                       \
    "\"rules\":[{\"child\":0,\"contains\":[\"code\",\"Program\"]}," \
    "{\"child\":1,\"contains\":[\"creative\",\"story\"]},"          \
    "{\"child\":1,\"longer_than\":500}"
#define OTHERWISE ",{\"child\":2}]"

static uint32_t pick(struct host_node *n, const char *text)
{
    n->facts.text = weir_str_of(text);
    return router_pick(n);
}

static void test_rules(void)
{
    struct host_node *n = router("{" RULES OTHERWISE "}", 3);
    g_autofree char *at = g_strnfill(500, 'x'), *over = g_strnfill(501, 'x');

    g_assert_cmpuint(pick(n, "Why does my CODE not run?"), ==, 0);
    g_assert_cmpuint(pick(n, "programming"), ==, 0);
    g_assert_cmpuint(pick(n, "a story about code"), ==, 0); /* the first rule wins */
    g_assert_cmpuint(pick(n, "A Creative tale"), ==, 1);
    g_assert_cmpuint(pick(n, at), ==, 2);
    g_assert_cmpuint(pick(n, over), ==, 1);
    g_assert_cmpuint(pick(n, ""), ==, 2);
    router_stays(n, 2);
    host_node_free(n);
    n = router("{" RULES "]}", 2);
    router_refuses(n);
    host_node_free(n);
}

static void test_code_points(void)
{
    struct host_node *n = router("{\"rules\":[{\"child\":0,\"longer_than\":3},{\"child\":1}]}", 2);

    g_assert_cmpuint(pick(n, "äöü"), ==, 1);
    g_assert_cmpuint(pick(n, "äöüß"), ==, 0);
    g_assert_cmpuint(pick(n, "\U0001F600\U0001F600\U0001F600"), ==, 1);
    host_node_free(n);
}

static void test_case(void)
{
    struct host_node *n = router("{\"rules\":[{\"child\":0,\"contains\":[\"ÜBER\",\"привет\","
                                 "\"ΣΟΦΌΣ\",\"łódź\"]},{\"child\":1}]}",
                                 2);

    g_assert_cmpuint(pick(n, "ganz Über allem"), ==, 0);
    g_assert_cmpuint(pick(n, "ПРИВЕТ"), ==, 0);
    g_assert_cmpuint(pick(n, "ο σοφός"), ==, 0);
    g_assert_cmpuint(pick(n, "ŁÓDŹ"), ==, 0);
    g_assert_cmpuint(pick(n, "uber"), ==, 1);
    g_assert_cmpuint(pick(n, "\xff\xc3"), ==, 1); /* no UTF-8 is no crash */
    host_node_free(n);
}

static void test_regex(void)
{
    struct host_node *n = router("{\"rules\":[{\"child\":0,\"matches\":\"trans(late|fer) .*into\","
                                 "\"longer_than\":20},{\"child\":1}]}",
                                 2);

    g_assert_cmpuint(pick(n, "Please TRANSLATE this into French"), ==, 0);
    g_assert_cmpuint(pick(n, "translate x into"), ==, 1); /* both must hold */
    g_assert_cmpuint(pick(n, "into translate, and some more text"), ==, 1);
    host_node_free(n);
}

static void test_all_text(void)
{
    struct host_node *n = router("{\"look_at\":\"all\"," RULES OTHERWISE "}", 3);

    n->facts.all_text = WEIR_S("You write code.\nHi");
    g_assert_cmpuint(pick(n, "Hi"), ==, 0);
    host_node_free(n);
    n = router("{\"look_at\":\"last_user\"," RULES OTHERWISE "}", 3);
    n->facts.all_text = WEIR_S("You write code.\nHi");
    g_assert_cmpuint(pick(n, "Hi"), ==, 2);
    host_node_free(n);
}

/* Patterns that make a backtracking matcher hang, on as much text as there may be. */
static void test_bounded(void)
{
    struct host_node *n = router("{\"rules\":[{\"child\":0,\"matches\":\"(a+)+$|(a|aa)+b\"},"
                                 "{\"child\":0,\"contains\":[\"aaaaaaaab\"]},{\"child\":1}]}",
                                 2);
    g_autofree char *text = g_strnfill(64 * 1024, 'a');
    gint64 start = g_get_monotonic_time();

    text[16 * 1024 - 1] = '!';
    g_assert_cmpuint(pick(n, text), ==, 1);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * G_USEC_PER_SEC);
    host_node_free(n);
}

static void test_configure(void)
{
    router_invalid("{\"rules\":[{\"child\":0,\"matches\":\"(\"}]}", "matches", "'(' is not valid");
    router_invalid("{\"rules\":[{\"child\":0,\"matches\":\"(a)\\\\1\"}]}", "matches", "back ref");
    router_invalid("{\"rules\":[{\"child\":0,\"matches\":\"((a{100}){100}){100}\"}]}", "matches",
                   "repeats too much");
    router_invalid("{\"rules\":[{\"child\":0,\"longer_than\":16001}]}", "longer_than", "16000");
    router_invalid("{\"rules\":[{\"child\":0,\"contains\":[]}]}", "contains", "from 1 to");
    router_invalid("{\"rules\":[{\"child\":0,\"contains\":[\"\"]}]}", "contains", "from 1 to");
    router_invalid("{\"rules\":[{\"child\":0},{\"child\":0,\"contains\":[\"a\"]}]}", "rules",
                   "make it the last");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/content/rules", test_rules);
    g_test_add_func("/content/code-points", test_code_points);
    g_test_add_func("/content/case", test_case);
    g_test_add_func("/content/regex", test_regex);
    g_test_add_func("/content/all-text", test_all_text);
    g_test_add_func("/content/bounded", test_bounded);
    g_test_add_func("/content/configure", test_configure);
    return g_test_run();
}
