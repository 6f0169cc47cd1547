/*
 * tree.c - tests of routes: every way to write children, names, references, circles.
 */
#include "helper.h"

#include <string.h>

#define BASE                                         \
    "providers:\n"                                   \
    "  openai: { model_aliases: { four: gpt-4 } }\n" \
    "  anthropic:\n"                                 \
    "routes:\n"

static const struct config_child *child(const struct config_node *node, guint i)
{
    return g_ptr_array_index(node->children, i);
}

/* The names of the children, and the options, of the route `main`. */
static void main_is(const char *yaml, const char *names, const char *options)
{
    g_autofree char *text = g_strconcat(BASE, yaml, NULL);
    g_autoptr(config_t) c = helper_load(text);
    const struct config_node *node = config_find_route(c, "main")->root;
    g_autoptr(GString) found = g_string_new(NULL);
    for (guint i = 0; i < node->children->len; i++)
        g_string_append_printf(found, "%s%s", i ? " " : "", child(node, i)->name);
    g_assert_cmpstr(found->str, ==, names);
    g_assert_cmpstr(node->options, ==, options);
}

static void refuses(const char *yaml, const char *expected)
{
    g_autofree char *text = g_strconcat(BASE, yaml, NULL);
    helper_refuses(text, expected);
}

#define REST ",\"retries\":0,\"delay\":0}"

static void test_lists(void)
{
    main_is("  main: { failover: { try: [openai/gpt-4o, anthropic] } }", "openai/gpt-4o anthropic",
            "{\"try\":[{\"child\":0},{\"child\":1}]" REST);
    main_is("  main: { failover: [openai, anthropic] }", "openai anthropic",
            "{\"try\":[{\"child\":0},{\"child\":1}]" REST);
    main_is("  main: { failover: openai }", "openai", "{\"try\":[{\"child\":0}]" REST);
    main_is("  main: openai/org/model:7b", "openai/org/model:7b", "{\"try\":[{\"child\":0}]" REST);
    main_is("  main: { weighted: { across: [{ to: openai, weight: 7 }, anthropic] } }",
            "openai anthropic",
            "{\"across\":[{\"child\":0,\"weight\":7.0},{\"child\":1,\"weight\":1.0}]}");
    main_is("  main:\n    content:\n      - { contains: code, to: openai }\n"
            "      - { longer_than: 500, to: anthropic }\n      - openai\n",
            "openai anthropic openai#2",
            "{\"rules\":[{\"child\":0,\"contains\":[\"code\"]},{\"child\":1,\"longer_than\":500},"
            "{\"child\":2}]}");
}

static void test_maps(void)
{
    const char *weights =
        "{\"across\":[{\"child\":0,\"weight\":0.7},{\"child\":1,\"weight\":0.3}]}";
    main_is("  main: { weighted: { across: { openai: 0.7, anthropic: 0.3 } } }", "openai anthropic",
            weights);
    main_is("  main: { weighted: { openai: 0.7, anthropic: { weight: 0.3 } } }", "openai anthropic",
            weights);
    main_is("  main: { tenant: { enterprise: anthropic, \"*\": openai/a } }", "anthropic openai/a",
            "{\"cases\":[{\"child\":0,\"match\":\"enterprise\"},{\"child\":1,\"match\":\"*\"}]}");
    main_is("  main: { model: { cases: { \"gpt-*\": { to: openai } } } }", "openai",
            "{\"cases\":[{\"child\":0,\"match\":\"gpt-*\"}]}");
    main_is("  main: { model: [{ to: openai, match: x }] }", "openai",
            "{\"cases\":[{\"child\":0,\"match\":\"x\"}]}");
}

static void test_single_children(void)
{
    main_is("  main: { pair: { good: openai, cheap: { failover: anthropic } } }", "openai failover",
            "{\"good\":0,\"cheap\":1}");
    refuses("  main: { pair: { cheap: openai } }",
            "weir.yaml:5:11: pair needs 'good': the better one; add it");
}

static void test_nested(void)
{
    g_autoptr(config_t) c = helper_load(BASE "  main:\n    failover:\n"
                                             "      - { round-robin: [openai, anthropic] }\n"
                                             "      - { round-robin: [openai, other] }\n"
                                             "      - to: { weighted: { openai: 1, other: 2 } }\n"
                                             "      - other\n"
                                             "  other: anthropic/claude\n");
    const struct config_node *root = config_find_route(c, "main")->root;
    g_assert_cmpstr(root->path, ==, "main");
    g_assert_cmpstr(root->where, ==, "weir.yaml:6:5");
    g_assert_cmpint(child(root, 0)->kind, ==, CONFIG_NODE);
    g_assert_cmpstr(child(root, 0)->node->path, ==, "main/round-robin");
    g_assert_cmpstr(child(root, 1)->name, ==, "round-robin#2");
    g_assert_cmpstr(child(root, 1)->node->path, ==, "main/round-robin#2");
    g_assert_cmpstr(child(root, 1)->node->part->name, ==, "round-robin");
    g_assert_cmpstr(child(root, 2)->node->path, ==, "main/weighted");
    g_assert_cmpint(child(root, 3)->kind, ==, CONFIG_ROUTE);
    g_assert_true(child(root, 3)->route == config_find_route(c, "other"));
    g_assert_true(child(child(root, 1)->node, 1)->route == config_find_route(c, "other"));
}

static void test_targets(void)
{
    g_autoptr(config_t) c = helper_load(BASE "  main: { failover: [openai/four, openai] }\n");
    const struct config_node *root = config_find_route(c, "main")->root;
    g_assert_cmpstr(child(root, 0)->name, ==, "openai/four");
    g_assert_cmpstr(child(root, 0)->model, ==, "gpt-4");
    g_assert_true(child(root, 0)->provider == config_find_provider(c, "openai"));
    g_assert_null(child(root, 1)->model);
}

static void test_reserved(void)
{
    g_autoptr(config_t) c = helper_load(
        BASE "  main: { failover: openai, filters: noop, loss: strict, mid_stream: splice,\n"
             "    opaque: strip,\n"
             "    timeout: { total: 30s }, budget: { deadline: 2m, attempts: 6, money: 0.25 },\n"
             "    priority: -3 }\n"
             "  quick: { failover: openai, timeout: 5s, budget: 9s }\n");
    const struct config_route *main = config_find_route(c, "main");
    const struct config_route *quick = config_find_route(c, "quick");
    g_assert_cmpuint(main->filters->len, ==, 1);
    g_assert_true(main->strict_loss);
    g_assert_true(main->opaque_strip);
    g_assert_false(quick->opaque_strip);
    g_assert_cmpint(main->mid_stream, ==, CONFIG_MID_STREAM_SPLICE);
    g_assert_cmpint(main->timeouts.total_us, ==, 30000000);
    g_assert_cmpint(main->timeouts.idle_us, ==, 0);
    g_assert_cmpint(main->budget.deadline_us, ==, 120000000);
    g_assert_cmpuint(main->budget.attempts, ==, 6);
    g_assert_cmpint(main->budget.money, ==, 250000);
    g_assert_cmpint(main->priority, ==, -3);
    g_assert_cmpint(quick->priority, ==, 0);
    g_assert_cmpint(quick->timeouts.total_us, ==, 5000000);
    g_assert_cmpint(quick->budget.deadline_us, ==, 9000000);
    g_assert_cmpint(quick->mid_stream, ==, CONFIG_MID_STREAM_ERROR);
    refuses("  main: { failover: openai, opaque: keep }",
            "weir.yaml:5:37: opaque must be one of owner, strip, not 'keep'");
    refuses("  main: { failover: openai, mid_stream: resume, loss: none, timeout: { idle: 0 } }",
            "weir.yaml:5:41: mid_stream must be one of error, splice, continue, not 'resume'\n"
            "weir.yaml:5:55: loss must be one of allow, strict, not 'none'\n"
            "weir.yaml:5:78: routes.main.timeout cannot be 0 here; remove it to use the "
            "provider's, or set 0 there for no limit");
}

static void test_strategy_faults(void)
{
    refuses(
        "  main: { failovr: [openai] }",
        "weir.yaml:5:11: no plugin offers a strategy called 'failovr' (did you mean "
        "'failover'?); there is: content, failover, model, pair, round-robin, tenant, weighted. "
        "Install failovr.so in the plugin folder, or correct the name");
    refuses("  main: { failover: openai, filter: noop }",
            "weir.yaml:5:29: unknown key 'filter' in routes.main (did you mean 'filters'?)");
    refuses("  main: { failover: openai, weighted: { openai: 1 } }",
            "weir.yaml:5:29: route 'main' has two strategies, 'failover' and 'weighted'; keep one, "
            "or nest one in the other");
    refuses("  main: { loss: strict }",
            "weir.yaml:5:9: route 'main' has no strategy; add one of: content, failover, model, "
            "pair, round-robin, tenant, weighted");
    refuses("  main: { failover: { tri: [openai] } }",
            "weir.yaml:5:11: failover needs 'try': children in order; add it\n"
            "weir.yaml:5:23: unknown key 'tri' in failover (did you mean 'try'?)");
    refuses("  main: { failover: { try: [] } }",
            "weir.yaml:5:28: failover has no children; name at least one");
    refuses("  main:\n", "weir.yaml:5:8: route 'main' must be a target such as openai/gpt-4o, "
                         "another route, or a map with a strategy such as failover: [a, b]");
}

static void test_child_faults(void)
{
    refuses("  main: { failover: [openia/gpt-4o, mian] }",
            "weir.yaml:5:22: 'openia/gpt-4o' is neither a provider nor a route (did you mean "
            "'openai'?)\n"
            "weir.yaml:5:37: 'mian' is neither a provider nor a route (did you mean 'main'?)");
    refuses("  main: { failover: [openai/] }",
            "weir.yaml:5:22: 'openai/' names no model; write 'openai' for any model, or "
            "'openai/MODEL'");
    refuses("  main: { weighted: { acros: { openai: 1 } } }",
            "weir.yaml:5:23: 'acros' is neither a provider nor a route (did you mean 'across'?)\n"
            "weir.yaml:5:32: unknown key 'openai' in a child of weighted; there is: to, weight");
    refuses("  main: { weighted: [{ to: openai, wieght: 2 }] }",
            "weir.yaml:5:36: unknown key 'wieght' in a child of weighted (did you mean 'weight'?)");
    refuses("  main: { weighted: { openai: heavy } }",
            "weir.yaml:5:31: a child of weighted.weight must be a number, not 'heavy'");
    refuses(
        "  main: { failover: [{ failover: openai, delay: 1s }] }",
        "weir.yaml:5:42: 'delay' cannot stand beside 'failover' in a nested node; write { to: { "
        "failover: ... }, delay: ... } if it is an option of the child");
    refuses("  main: { failover: { try: { openai: 1, anthropic: 2 } } }",
            "weir.yaml:5:28: the children of failover are a list; write - before each");
    refuses("  main: { tenant: [openai] }",
            "weir.yaml:5:20: a child of tenant needs 'match': what to match; add it");
}

static void test_names(void)
{
    refuses("  openai: anthropic", "weir.yaml:5:3: 'openai' is a provider already, in "
                                   "weir.yaml:2:3; rename one of them");
    refuses("  auto: openai", "weir.yaml:5:3: the route name 'auto' is reserved for requests that "
                              "name no model; choose another");
    refuses("  openai/x: openai", "weir.yaml:5:3: the route name 'openai/x' would be taken for a "
                                  "model of the provider 'openai'; rename it");
    refuses("  a b: openai", "weir.yaml:5:3: the route name 'a b' may hold letters, digits and . _ "
                             "- / : only");
    helper_refuses("providers: { default: { plugin: sim } }",
                   "weir.yaml:1:14: the provider name 'default' is reserved for requests that name "
                   "no model; choose another");
}

static void test_circles(void)
{
    refuses("  a: { failover: [openai, b] }\n  b: { failover: [{ failover: c }] }\n  c: a\n",
            "weir.yaml:5:3: the routes a -> b -> c -> a lead in a circle; take one of them out of "
            "it");
    refuses("  a: a\n",
            "weir.yaml:5:3: the routes a -> a lead in a circle; take one of them out of "
            "it");
    /* Two ways to one route are no circle. */
    g_autoptr(config_t) c =
        helper_load(BASE "  a: { failover: [b, c] }\n  b: { failover: c }\n  c: openai\n");
    g_assert_nonnull(c);
}

static void test_long_chains(void)
{
    for (int upwards = 0; upwards < 2; upwards++) {
        g_autoptr(GString) text = g_string_new(BASE);
        g_autoptr(GError) error = NULL;
        for (int i = 0; i < 500; i++)
            g_string_append_printf(text, "  r%d: r%d\n", i, upwards ? i + 1 : (i ? i - 1 : 500));
        g_string_append(text, "  r500: openai\n");
        g_assert_null(helper_try(text->str, &error));
        g_assert_nonnull(strstr(error->message, "more than 64 routes lead into each other"));
    }
}

static void test_wide(void)
{
    g_autoptr(GString) text = g_string_new(BASE "  r0: openai\n");
    for (int i = 1; i < 40; i++)
        g_string_append_printf(text, "  r%d: { failover: [r%d, r%d] }\n", i, i - 1, i - 1);
    g_autoptr(GError) error = NULL;
    g_assert_null(helper_try(text->str, &error));
    g_assert_true(g_str_has_prefix(
        error->message, "weir.yaml:18:3: route 'r13' leads to more than 4096 targets, counted each "
                        "time they are reached; make it smaller"));
}

static void test_without_failover(void)
{
    struct config_source source = { "weir.yaml", "providers: { sim: }\nroutes: { main: sim }\n",
                                    (char **)helper_env };
    g_autoptr(GError) error = NULL;
    g_assert_null(config_load_with(&source, fake_registry_poor(), &error));
    g_assert_cmpstr(
        error->message, ==,
        "weir.yaml:2:17: a target by itself needs the strategy 'failover', which is not "
        "there; install failover.so, or write a strategy");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tree/lists", test_lists);
    g_test_add_func("/tree/maps", test_maps);
    g_test_add_func("/tree/single-children", test_single_children);
    g_test_add_func("/tree/nested", test_nested);
    g_test_add_func("/tree/targets", test_targets);
    g_test_add_func("/tree/reserved", test_reserved);
    g_test_add_func("/tree/strategy-faults", test_strategy_faults);
    g_test_add_func("/tree/child-faults", test_child_faults);
    g_test_add_func("/tree/names", test_names);
    g_test_add_func("/tree/circles", test_circles);
    g_test_add_func("/tree/long-chains", test_long_chains);
    g_test_add_func("/tree/wide", test_wide);
    g_test_add_func("/tree/without-failover", test_without_failover);
    return g_test_run();
}
