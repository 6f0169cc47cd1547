/*
 * fits.c - what was too long for one child goes to one with a larger window only, by every strategy
 * that moves on after a failure.
 */
#include "../engine/kit.h"
#include "base/str.h"

enum { CHILDREN = 4 };

static struct config *config;
static struct tree *tree;

/* What the strategy says after the first child found the request too long. */
static weir_decision after_too_long(const char *route, const int64_t window[CHILDREN])
{
    static uint64_t state[64], child_state[CHILDREN][64];
    const struct node *node = tree_route(tree, str_of(route))->root;
    const weir_failure failure = { .struct_size = sizeof(failure),
                                   .class_id = WEIR_CLASS_CONTEXT_LENGTH,
                                   .family = WEIR_CLASS_INVALID_REQUEST,
                                   .retry_after_us = -1 };
    const weir_facts facts = { .struct_size = sizeof(facts),
                               .input_tokens = 10,
                               .output_tokens = -1 };
    const weir_budget budget = { sizeof(budget), 10, INT64_MAX, -1 };
    const weir_try tries[] = {
        { .struct_size = sizeof(weir_try), .child = 0, .failure = &failure }
    };
    weir_child children[CHILDREN];
    weir_ask ask = { .struct_size = sizeof(ask),
                     .why = WEIR_ASK_FAILED,
                     .now_us = 1000000,
                     .seed = 5,
                     .facts = &facts,
                     .budget = &budget,
                     .state = state,
                     .children = { children, node->count, sizeof(weir_child) },
                     .tries = { tries, 1, sizeof(weir_try) } };
    weir_decision d = { .struct_size = sizeof(d), .child = WEIR_NO_CHILD };

    for (uint32_t i = 0; i < node->count; i++)
        children[i] = (weir_child){ .struct_size = sizeof(weir_child),
                                    .name = node->children[i].name,
                                    .state = child_state[i],
                                    .ttft_us = -1,
                                    .ttft_p95_us = -1,
                                    .tpot_ns = -1,
                                    .headroom_ppm = 1000000,
                                    .max_retries = 5,
                                    .price_in = -1,
                                    .price_out = -1,
                                    .context_window = window[i],
                                    .max_output_tokens = -1 };
    g_assert_cmpint(node->part->strategy.next(node->cfg, &ask, &d), ==, WEIR_OK);
    return d;
}

static void test_route(gconstpointer name)
{
    const char *route = name;
    weir_decision d;

    d = after_too_long(route, (const int64_t[]){ 100, 100, 50, 200 });
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, ==, 3);
    d = after_too_long(route, (const int64_t[]){ 100, 100, 50, 100 });
    g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
    g_assert_cmpuint(d.failure_class, ==, WEIR_CLASS_CONTEXT_LENGTH);
    d = after_too_long(route,
                       (const int64_t[]){ 100, 100, -1, 100 }); /* another model: who knows */
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, ==, 2);
}

static void not_a_router(gpointer data, gpointer names)
{
    static const char *const routers[] = { "model",  "tenant", "content", "match", "split",
                                           "shadow", "spy",    "blind",   NULL };
    const struct plugin_part *part = data;

    if (!g_strv_contains(routers, part->name))
        g_ptr_array_add(names, (gpointer)part->name);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) parts = NULL, names = g_ptr_array_new();
    g_autoptr(GString) text = g_string_new("providers: { sim: { plugin: sim } }\nroutes:\n");
    g_autoptr(GError) error = NULL;
    int result;

    g_test_init(&argc, &argv, NULL);
    config = kit_config(text->str);
    parts = plugin_parts(config->plugins, PLUGIN_STRATEGY);
    g_ptr_array_foreach(parts, not_a_router, names);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "  %s: { %s: [sim/a, sim/b, sim/c, sim/d] }\n",
                               (char *)names->pdata[i], (char *)names->pdata[i]);
    config_unref(config);
    config = kit_config(text->str);
    tree = tree_build(config, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_strdup_printf("/fits/%s", (char *)names->pdata[i]);

        g_test_add_data_func(path, names->pdata[i], test_route);
    }
    result = g_test_run();
    tree_free(tree);
    config_unref(config);
    return result;
}
