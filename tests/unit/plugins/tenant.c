/*
 * Tests of the strategy tenant.
 */
#include "router.h"

#define TENANTS                                                                          \
    "\"tenants\":[{\"child\":0,\"name\":\"enterprise\"},{\"child\":1,\"name\":\"t-*\"}," \
    "{\"child\":2,\"name\":\"/^(x|y)[0-9]+$/\"}"

static void test_names(void)
{
    struct host_node *n =
        router("{\"by\":\"tenant\"," TENANTS ",{\"child\":3,\"name\":\"*\"}]}", 4);

    n->facts.tenant = WEIR_S("enterprise");
    g_assert_cmpuint(router_pick(n), ==, 0);
    router_stays(n, 0);
    n->facts.tenant = WEIR_S("t-1");
    g_assert_cmpuint(router_pick(n), ==, 1);
    n->facts.tenant = WEIR_S("x12");
    g_assert_cmpuint(router_pick(n), ==, 2);
    n->facts.tenant = WEIR_S("enterprises");
    g_assert_cmpuint(router_pick(n), ==, 3);
    n->facts.tenant = WEIR_S("");
    g_assert_cmpuint(router_pick(n), ==, 3);
    host_node_free(n);
}

static void test_no_default(void)
{
    struct host_node *n = router("{\"by\":\"tenant\"," TENANTS "]}", 3);

    router_refuses(n);
    n->facts.tenant = WEIR_S("other");
    router_refuses(n);
    host_node_free(n);
}

static void by(const char *what, void (*set)(weir_facts *))
{
    g_autofree char *options = g_strdup_printf("{\"by\":\"%s\"," TENANTS "]}", what);
    struct host_node *n = router(options, 3);

    router_refuses(n);
    set(&n->facts);
    g_assert_cmpuint(router_pick(n), ==, 0);
    host_node_free(n);
}

static void set_user(weir_facts *f)
{
    f->user = WEIR_S("enterprise");
}

static void set_key(weir_facts *f)
{
    f->key = WEIR_S("enterprise");
}

static void set_tags(weir_facts *f)
{
    static const weir_header tags[] = { { WEIR_S("x-team"), WEIR_S("enterprise") },
                                        { WEIR_S("metadata.team"), WEIR_S("enterprise") } };

    f->tags = tags;
    f->tag_count = 2;
}

static void test_by(void)
{
    by("user", set_user);
    by("key", set_key);
    by("X-Team", set_tags);
    by("metadata.team", set_tags);
}

static void test_configure(void)
{
    router_invalid("{\"tenants\":[{\"child\":0,\"name\":\"\"}]}", "name", "'*' matches all");
    router_invalid("{\"tenants\":[{\"child\":0,\"name\":\"/(/\"}]}", "name", "not valid");
    router_invalid("{\"tenants\":[{\"child\":0,\"name\":\"*\"},{\"child\":0,\"name\":\"a\"}]}",
                   "tenants", "last");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tenant/names", test_names);
    g_test_add_func("/tenant/no-default", test_no_default);
    g_test_add_func("/tenant/by", test_by);
    g_test_add_func("/tenant/configure", test_configure);
    return g_test_run();
}
