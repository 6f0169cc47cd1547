/*
 * router.h - what the tests of routers share.
 */
#pragma once

#include "host.h"

/* A node with children a, b, ...; freed with host_node_free(). */
static inline struct host_node *router(const char *options, uint32_t count)
{
    struct host_node *n = host_node_new(host_part(WEIR_PART_STRATEGY), options, count);

    for (uint32_t i = 0; i < count; i++) {
        n->child[i].can = UINT32_MAX;
        n->child[i].price_in = n->child[i].price_out = -1;
        n->child[i].context_window = n->child[i].max_output_tokens = -1;
    }
    n->facts.input_tokens = n->facts.output_tokens = -1;
    return n;
}

/* The child that a new request goes to. */
static inline uint32_t router_pick(struct host_node *n)
{
    weir_decision d;

    host_node_reset(n);
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_nonnull(d.reason);
    return d.child;
}

static inline void router_refuses(struct host_node *n)
{
    weir_decision d;

    host_node_reset(n);
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_REFUSE);
    g_assert_cmpuint(d.failure_class, ==, WEIR_CLASS_NO_ROUTE);
}

/* A child that is blocked or failed ends the node: `child` is the one that would be picked. */
static inline void router_stays(struct host_node *n, uint32_t child)
{
    host_node_reset(n);
    n->child[child].blocked = WEIR_BLOCKED_BREAKER;
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).verb, ==, WEIR_GIVE_UP);
    n->child[child].blocked = 0;
    g_assert_cmpuint(host_ask(n, WEIR_ASK_START).child, ==, child);
    host_node_failed(n, child, WEIR_CLASS_TIMEOUT);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).failure_class, ==, WEIR_CLASS_TIMEOUT);
    host_node_reset(n);
}

/* These options are refused with an error at `option` that says `says`. */
static inline void router_invalid(const char *options, const char *option, const char *says)
{
    const weir_strategy_v1 *face = host_part(WEIR_PART_STRATEGY);
    weir_error error = { .struct_size = sizeof(error) };
    struct host_arena arena;
    weir_json doc;
    void *cfg = NULL;

    host_arena_init(&arena);
    doc = host_scan(&arena, options);
    g_assert_cmpint(face->configure(&host_services, &doc, &cfg, &error), ==, WEIR_INVALID);
    g_assert_cmpstr(error.option, ==, option);
    g_assert_nonnull(strstr(error.message, says));
    host_arena_clear(&arena);
}
