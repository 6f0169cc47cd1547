/*
 * purity.c - the strategies of the build, as they are loaded: the same configuration, ask and state
 * bytes give the same decision and the same state bytes, and every decision can be obeyed.
 */
#include "../engine/kit.h"
#include "base/str.h"

enum { CHILDREN = 4, TRIES = 6, STATE = 512, ROUNDS = 3000 };

/* One ask with everything it points to. */
struct scene {
    weir_ask ask;
    weir_facts facts;
    weir_budget budget;
    weir_child children[CHILDREN];
    weir_try tries[TRIES];
    weir_failure failures[TRIES];
    uint64_t state[STATE / 8];
    uint64_t child_state[CHILDREN][STATE / 8];
};

static void make_children(struct scene *s, GRand *r, const struct node *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        bool blocked = g_rand_int_range(r, 0, 3) == 0;

        s->children[i] = (weir_child){
            .struct_size = sizeof(weir_child),
            .name = n->children[i].name,
            .state = s->child_state[i],
            .blocked = blocked ? 1u << g_rand_int_range(r, 0, 10) : 0,
            .ready_us = blocked ? s->ask.now_us + g_rand_int_range(r, 1, 1000000) : 0,
            .inflight = (uint32_t)g_rand_int_range(r, 0, 50),
            .ttft_us = g_rand_int_range(r, -1, 1000000),
            .ttft_p95_us = -1,
            .tpot_ns = -1,
            .headroom_ppm = 1000000,
            .max_retries = g_rand_int_range(r, -1, 4),
            .price_in = g_rand_int_range(r, -1, 1000),
            .price_out = g_rand_int_range(r, -1, 1000),
            .can = g_rand_boolean(r) ? WEIR_CAN_TOOLS : 0,
            .context_window = g_rand_int_range(r, -1, 200),
        };
    }
}

static void make_tries(struct scene *s, GRand *r, uint32_t children)
{
    s->ask.tries.count = s->ask.why == WEIR_ASK_START ? 0 : (uint32_t)g_rand_int_range(r, 1, TRIES);
    for (uint32_t i = 0; i < s->ask.tries.count; i++) {
        bool running = s->ask.why == WEIR_ASK_TIMER && i == 0;

        s->failures[i] = (weir_failure){
            .struct_size = sizeof(weir_failure),
            .class_id = (uint16_t)g_rand_int_range(r, 1, WEIR_CLASS_COUNT),
            .retry_after_us = g_rand_int_range(r, -1, 2000000),
        };
        s->tries[i] = (weir_try){
            .struct_size = sizeof(weir_try),
            .child = (uint32_t)g_rand_int_range(r, 0, (gint32)children),
            .running = running,
            .silent = !running && g_rand_boolean(r),
            .start_us = 1000 + i,
            .end_us = running ? 0 : 2000 + i,
            .failure = running ? NULL : &s->failures[i],
        };
    }
}

static void make_scene(struct scene *s, GRand *r, const struct node *n)
{
    static const char *const models[] = { "a", "gpt-4", "default", "" };
    static const char *const texts[] = { "some CODE", "xaab", "long enough", "" };
    static const char *const tenants[] = { "t1", "u1", "v", "" };

    s->facts = (weir_facts){ .struct_size = sizeof(weir_facts),
                             .model = str_of(models[g_rand_int_range(r, 0, 4)]),
                             .text = str_of(texts[g_rand_int_range(r, 0, 4)]),
                             .tenant = str_of(tenants[g_rand_int_range(r, 0, 4)]),
                             .needs = g_rand_boolean(r) ? WEIR_CAN_TOOLS : 0,
                             .prefix_hash = (uint64_t)g_rand_int_range(r, 0, 3),
                             .input_tokens = g_rand_int_range(r, -1, 100),
                             .output_tokens = -1 };
    s->budget = (weir_budget){ .struct_size = sizeof(weir_budget),
                               .attempts_left = (uint32_t)g_rand_int_range(r, 0, 5),
                               .deadline_us = 5000000 + g_rand_int_range(r, 0, 2000000),
                               .money_left = -1 };
    s->ask = (weir_ask){
        .struct_size = sizeof(weir_ask),
        .why = (uint32_t)g_rand_int_range(r, WEIR_ASK_START, WEIR_ASK_TIMER + 1),
        .now_us = 5000000,
        .seed = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r),
        .facts = &s->facts,
        .budget = &s->budget,
        .state = s->state,
        .children = { s->children, n->count, sizeof(s->children[0]) },
        .tries = { s->tries, 0, sizeof(s->tries[0]) },
    };
    make_children(s, r, n);
    make_tries(s, r, n->count);
}

/* What the walk could do with a decision. */
static void can_be_obeyed(const struct scene *s, const weir_decision *d)
{
    g_assert_cmpuint(d->verb, >=, WEIR_PICK);
    g_assert_cmpuint(d->verb, <=, WEIR_REFUSE);
    if (d->verb == WEIR_PICK) {
        g_assert_cmpuint(d->child, <, s->ask.children.count);
        g_assert_cmpuint(s->children[d->child].blocked, ==, 0);
    }
    if (d->shadow_child != WEIR_NO_CHILD) {
        g_assert_cmpuint(d->verb, ==, WEIR_PICK);
        g_assert_cmpuint(d->shadow_child, <, s->ask.children.count);
        g_assert_cmpuint(d->shadow_child, !=, d->child);
    }
    g_assert_nonnull(d->reason);
}

static void is_pure(const struct node *n)
{
    const weir_strategy_v1 *face = &n->part->strategy;
    g_autoptr(GRand) r = g_rand_new_with_seed(42);
    struct scene *s = g_new0(struct scene, 1);
    uint64_t before[STATE / 8], after[STATE / 8];
    uint64_t children_before[CHILDREN][STATE / 8], children_after[CHILDREN][STATE / 8];

    g_assert_cmpuint(face->state_size, <=, STATE);
    g_assert_cmpuint(face->child_state_size, <=, STATE);
    g_assert_cmpuint(n->count, <=, CHILDREN);
    for (int round = 0; round < ROUNDS; round++) {
        weir_decision one = { .struct_size = sizeof(one),
                              .child = WEIR_NO_CHILD,
                              .shadow_child = WEIR_NO_CHILD };
        weir_decision two = one;
        struct scene asked;

        make_scene(s, r, n);
        memcpy(before, s->state, sizeof before);
        memcpy(children_before, s->child_state, sizeof children_before);
        memcpy(&asked, s, sizeof asked);
        g_assert_cmpint(face->next(n->cfg, &s->ask, &one), ==, WEIR_OK);
        memcpy(after, s->state, sizeof after);
        memcpy(children_after, s->child_state, sizeof children_after);
        memcpy(s->state, before, sizeof before);
        memcpy(s->child_state, children_before, sizeof children_before);
        g_assert_cmpmem(s, sizeof *s, &asked, sizeof asked); /* nothing else was written to */
        g_assert_cmpint(face->next(n->cfg, &s->ask, &two), ==, WEIR_OK);
        g_assert_cmpmem(&one, sizeof one, &two, sizeof two);
        g_assert_cmpmem(s->state, sizeof after, after, sizeof after);
        g_assert_cmpmem(s->child_state, sizeof children_after, children_after,
                        sizeof children_after);
        can_be_obeyed(s, &one);
    }
    g_free(s);
}

static struct config *config;
static struct tree *tree;

/* The routes whose strategies are asked. */
static const char *const routes[] = { "failover",      "patient",    "round-robin", "weighted",
                                      "model",         "random-two", "least-busy",  "headroom",
                                      "least-latency", "affinity",   "cheapest",    "hedge",
                                      "tenant",        "content",    "match",       "split",
                                      "cost",          "capability", "shadow",      NULL };

/* Every strategy of the build has a route that is asked, so that none is left out. */
static void test_all(void)
{
    static const char *const of_the_kit[] = { "spy", "blind", NULL };
    g_autoptr(GPtrArray) parts = plugin_parts(config->plugins, PLUGIN_STRATEGY);

    for (guint i = 0; i < parts->len; i++) {
        const struct plugin_part *part = parts->pdata[i];
        const struct route *route = tree_route(tree, str_of(part->name));

        if (g_strv_contains(of_the_kit, part->name))
            continue;
        g_test_message("%s", part->name);
        g_assert_nonnull(route);
        g_assert_true(g_strv_contains(routes, part->name));
        g_assert_true(route->root->part == part);
    }
}

static void test_route(gconstpointer name)
{
    is_pure(tree_route(tree, str_of(name))->root);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int result;

    g_test_init(&argc, &argv, NULL);
    config =
        kit_config("providers: { sim: { plugin: sim } }\n"
                   "routes:\n"
                   "  failover: { failover: { try: [sim/a, sim/b, sim/c, sim/d] } }\n"
                   "  patient: { failover: { try: [sim/a, sim/b], retries: 3, delay: 500ms } }\n"
                   "  round-robin: { round-robin: { across: [sim/a, sim/b, sim/c, sim/d] } }\n"
                   "  random-two: { random-two: [sim/a, sim/b, sim/c, sim/d] }\n"
                   "  least-busy: { least-busy: [sim/a, sim/b, sim/c, sim/d] }\n"
                   "  headroom: { headroom: [sim/a, sim/b, sim/c, sim/d] }\n"
                   "  least-latency: { least-latency: [sim/a, sim/b, sim/c, sim/d] }\n"
                   "  affinity: { affinity: [sim/a, sim/b, sim/c, sim/d] }\n"
                   "  cheapest: { cheapest: [sim/a, sim/b, sim/c, sim/d] }\n"
                   "  hedge: { hedge: { try: [sim/a, sim/b, sim/c, sim/d], after: 1s } }\n"
                   "  weighted: { weighted: { sim/a: 5, sim/b: 3, sim/c: 0, sim/d: 0.1 } }\n"
                   "  model: { model: { \"gpt-*\": sim/a, default: sim/b } }\n"
                   "  tenant: { tenant: { \"t*\": sim/a, \"/^u/\": sim/b, \"*\": sim/c } }\n"
                   "  content: { content: [ { contains: code, to: sim/a }, "
                   "{ matches: \"a+b\", to: sim/b }, { longer_than: 3, to: sim/c } ] }\n"
                   "  match: { match: [ { when: { model: \"gpt*\" }, to: sim/a }, "
                   "{ when: { tokens_over: 5, not: { has: tools } }, to: sim/b } ] }\n"
                   "  split: { split: { sim/a: 60, sim/b: 40 } }\n"
                   "  shadow: { shadow: { to: sim/a, copy: sim/b, percent: 50, by: tenant } }\n"
                   "  cost: { cost: [sim/a, sim/b, sim/c] }\n"
                   "  capability: { capability: [sim/a, sim/b, sim/c] }\n");
    tree = tree_build(config, &error);
    g_assert_no_error(error);
    for (size_t i = 0; routes[i]; i++) {
        g_autofree char *path = g_strdup_printf("/purity/%s", routes[i]);

        g_test_add_data_func(path, routes[i], test_route);
    }
    g_test_add_func("/purity/all", test_all);
    result = g_test_run();
    tree_free(tree);
    config_unref(config);
    return result;
}
