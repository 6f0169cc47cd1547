/*
 * tree.c - tests of core/route/tree.c: what is remembered across rebuilds, and which model a leaf
 * sends.
 */
#include "../engine/kit.h"
#include "base/str.h"

#define PROVIDERS                                                         \
    "providers:\n"                                                        \
    "  mock: { plugin: mock, base_url: \"http://m\" }\n"                  \
    "  sim: { plugin: sim, base_url: \"http://s\", default_model: std,\n" \
    "         model_aliases: { short: long, std2: std }, models: [known, \"fam-*\"] }\n"

#define ROUTES(main) PROVIDERS "routes:\n  main: " main "\n"

static struct tree *build(const char *yaml, struct config **config)
{
    g_autoptr(GError) error = NULL;
    struct tree *tree;

    *config = kit_config(yaml);
    tree = tree_build(*config, &error);
    g_assert_no_error(error);
    tree_adopt(tree);
    return tree;
}

/* A tree that is built, looked at and freed: states must outlive it. */
static void with(const char *yaml, void (*look)(struct node *root, void *data), void *data)
{
    struct config *config;
    struct tree *tree = build(yaml, &config);

    look(tree_route(tree, S("main"))->root, data);
    tree_free(tree);
    config_unref(config);
    g_assert_cmpint(kit_configured, ==, 0);
}

/* -- state --------------------------------------------------------------------------------------
 */

static void set_turn(struct node *root, void *data)
{
    (void)data;
    g_assert_cmpuint(root->state->state_size, >=, 4);
    *(uint32_t *)root->state->state = 7;
}

static void turn_is(struct node *root, void *data)
{
    g_assert_cmpuint(*(uint32_t *)root->state->state, ==, *(uint32_t *)data);
}

static void has_no_state(struct node *root, void *data)
{
    (void)data;
    g_assert_cmpuint(root->state->state_size, ==, 0);
}

static void test_state_kept(void)
{
    uint32_t seven = 7, nought = 0;
    const char *one = ROUTES("{ round-robin: { across: [sim/a, sim/b] } }");
    const char *two = ROUTES("{ round-robin: { across: [sim/c, sim/d, mock/e] } }");

    with(one, set_turn, NULL);
    with(one, turn_is, &seven);
    with(two, turn_is, &seven); /* other children, the same node */
    with(ROUTES("{ failover: { try: [sim/a] } }"), has_no_state, NULL);
    with(one, turn_is, &nought); /* it went with its strategy */
}

static void test_state_version(void)
{
    const char *yaml = ROUTES("{ round-robin: { across: [sim/a, sim/b] } }");
    uint32_t seven = 7, nought = 0;
    struct config *config = kit_config(yaml);
    struct plugin_part *part =
        (gpointer)plugin_find(config->plugins, PLUGIN_STRATEGY, "round-robin");

    config_unref(config);
    with(yaml, set_turn, NULL);
    part->strategy.state_version++;
    with(yaml, turn_is, &nought);
    with(yaml, set_turn, NULL);
    with(yaml, turn_is, &seven);
    part->strategy.state_size += 16;
    with(yaml, turn_is, &nought);
    with(yaml, set_turn, NULL);
    part->strategy.child_state_size += 16;
    with(yaml, turn_is, &nought);
    part->strategy.state_version--;
    part->strategy.state_size -= 16;
    part->strategy.child_state_size -= 16;
}

/* Two trees at once, as during a reload: one state. */
static void test_state_shared(void)
{
    const char *yaml = ROUTES("{ weighted: { sim/a: 1, sim/b: 2 } }");
    struct config *c1, *c2;
    struct tree *t1 = build(yaml, &c1), *t2 = build(yaml, &c2);
    struct node *n1 = tree_route(t1, S("main"))->root, *n2 = tree_route(t2, S("main"))->root;

    g_assert_true(n1->state == n2->state);
    g_assert_true(n1->children[0].state == n2->children[0].state);
    g_assert_true(n1->children[0].state != n1->children[1].state);
    tree_free(t1);
    config_unref(c1);
    *(int64_t *)n2->children[1].state = 5;
    tree_free(t2);
    config_unref(c2);
}

static void credit_is(struct node *root, void *data)
{
    const char *const *names = data;

    for (uint32_t i = 0; i < root->count; i++) {
        bool kept = str_is(root->children[i].name, names[0]);

        g_assert_cmpint(*(int64_t *)root->children[i].state, ==, kept ? 99 : 0);
    }
}

static void set_credit(struct node *root, void *data)
{
    (void)data;
    *(int64_t *)root->children[1].state = 99;
}

/* Children find theirs by name, wherever they stand. */
static void test_child_state(void)
{
    const char *b[] = { "mock/b" };

    with(ROUTES("{ weighted: { mock/a: 1, mock/b: 2 } }"), set_credit, NULL);
    with(ROUTES("{ weighted: { mock/b: 1, mock/c: 2, mock/a: 1 } }"), credit_is, b);
    with(ROUTES("{ weighted: { mock/c: 2 } }"), credit_is, b);
    with(ROUTES("{ weighted: { mock/a: 1, mock/b: 2 } }"), credit_is, b);
}

/* -- shape --------------------------------------------------------------------------------------
 */

static void test_shared_route(void)
{
    struct config *config;
    struct tree *tree = build(PROVIDERS "routes:\n"
                                        "  one: { failover: { try: [two, sim/a, two] } }\n"
                                        "  two: { round-robin: { across: [sim/b, mock] } }\n",
                              &config);
    const struct node *one = tree_route(tree, S("one"))->root;
    const struct node *two = tree_route(tree, S("two"))->root;

    g_assert_cmpint(one->children[0].kind, ==, CHILD_NODE);
    g_assert_true(one->children[0].node == two);
    g_assert_true(one->children[2].node == two);
    g_assert_cmpint(one->children[1].kind, ==, CHILD_LEAF);
    g_assert_nonnull(one->children[1].target);
    g_assert_null(two->children[1].target); /* the model is the one asked for */
    g_assert_null(tree_route(tree, S("three")));
    g_assert_null(tree_provider(tree, S("si")));
    g_assert_true(tree_provider(tree, S("sim")) == one->children[1].provider);
    g_assert_nonnull(tree_provider(tree, S("sim"))->direct);
    tree_free(tree);
    config_unref(config);
}

/* -- models -------------------------------------------------------------------------------------
 */

static void model_is(const struct provider *p, const char *fixed, const char *asked,
                     const char *expected)
{
    weir_str model = S("untouched");
    bool found = provider_model(p, str_of(fixed), str_of(asked), &model);
    g_autofree char *text = g_strndup(model.ptr, model.len);

    g_assert_cmpint(found, ==, expected != NULL);
    g_assert_cmpstr(text, ==, expected ? expected : "untouched");
}

static void test_model(void)
{
    struct config *config;
    struct tree *tree = build(PROVIDERS, &config);
    const struct provider *sim = tree_provider(tree, S("sim"));
    const struct provider *mock = tree_provider(tree, S("mock"));

    model_is(sim, "fixed", "known", "fixed");
    model_is(sim, "short", "", "long");        /* a fixed name may be an alias */
    model_is(sim, "", "short", "long");        /* aliased */
    model_is(sim, "", "known", "known");       /* listed */
    model_is(sim, "", "fam-1", "fam-1");       /* listed by a pattern */
    model_is(sim, "", "sim-fast", "sim-fast"); /* claimed by its part */
    model_is(sim, "", "std", "std");
    model_is(sim, "", "gpt-4o", "std"); /* another's: the default */
    model_is(sim, "", "", "std");
    model_is(mock, "", "gpt-4o", NULL);
    model_is(mock, "", "", NULL);
    model_is(mock, "x", "", "x");
    g_assert_true(provider_lists(sim, S("short")));
    g_assert_true(provider_lists(sim, S("std")));
    g_assert_false(provider_lists(sim, S("long")));
    g_assert_false(provider_lists(sim, S("sim-fast")));
    g_assert_true(provider_claims(sim, S("sim-fast")));
    g_assert_false(provider_claims(mock, S("sim-fast")));
    tree_free(tree);
    config_unref(config);
}

/* What a strategy is shown of prices and of what a model is known to lack. */
static void test_known(void)
{
    static const char yaml[] =
        "providers:\n"
        "  mock:\n"
        "    plugin: mock\n"
        "    base_url: \"http://priced\"\n"
        "    catalogue:\n"
        "      dear: { price: { input: 5, output: 20.5 }, lacks: [tools] }\n"
        "      cheap: { price: { input: 0.25, output: 30 } }\n"
        "routes:\n  main: { failover: { try: [mock/dear, mock/unknown, { failover: { try: "
        "[mock/dear, mock/unknown, mock/cheap] } }] } }\n";
    struct config *config;
    struct tree *tree = build(yaml, &config);
    const struct node *root = tree_route(tree, S("main"))->root;
    const weir_facts facts = { .struct_size = sizeof(facts), .needs = WEIR_CAN_TOOLS };
    struct loop *loop = loop_new();
    struct walk walk = { .facts = &facts, .loop = loop, .budget.money_left = -1 };
    weir_child view;

    walk_view(&walk, &root->children[0], &view);
    g_assert_cmpint(view.price_in, ==, 5000000);
    g_assert_cmpint(view.price_out, ==, 20500000);
    g_assert_false(view.can & WEIR_CAN_TOOLS);
    g_assert_true(view.can & WEIR_CAN_IMAGES);
    g_assert_cmpuint(view.blocked, ==, WEIR_BLOCKED_CAPABILITY);
    walk_view(&walk, &root->children[1], &view);
    g_assert_cmpint(view.price_in, ==, -1);
    g_assert_cmpint(view.price_out, ==, -1);
    g_assert_true(view.can & WEIR_CAN_TOOLS);
    g_assert_cmpuint(view.blocked, ==, 0);
    walk_view(&walk, &root->children[2], &view);
    g_assert_cmpint(view.price_in, ==, 250000); /* the lowest of what is known below */
    g_assert_cmpint(view.price_out, ==, 20500000);
    g_assert_cmpuint(view.blocked, ==, 0);
    loop_free(loop);
    tree_free(tree);
    config_unref(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tree/state/kept", test_state_kept);
    g_test_add_func("/tree/state/version", test_state_version);
    g_test_add_func("/tree/state/shared", test_state_shared);
    g_test_add_func("/tree/state/child", test_child_state);
    g_test_add_func("/tree/shared-route", test_shared_route);
    g_test_add_func("/tree/model", test_model);
    g_test_add_func("/tree/known", test_known);
    return g_test_run();
}
