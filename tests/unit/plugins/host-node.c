/*
 * host-node.c - see host.h: nodes of strategies.
 */
#include "host.h"

struct host_node *host_node_new(const weir_strategy_v1 *face, const char *options, uint32_t count)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    struct host_node *n = g_new0(struct host_node, 1);
    struct host_arena arena;
    weir_json doc;

    host_arena_init(&arena);
    doc = host_scan(&arena, options);
    g_assert_cmpint(face->configure(&host_services, &doc, &n->cfg, NULL), ==, WEIR_OK);
    host_arena_clear(&arena);
    n->face = face;
    n->count = count;
    n->state = g_malloc0(face->state_size + 1);
    for (uint32_t i = 0; i < count; i++) {
        n->child_state[i] = g_malloc0(face->child_state_size + 1);
        n->child[i].struct_size = sizeof(weir_child);
        n->child[i].name = weir_str_of(names[i]);
        n->child[i].state = n->child_state[i];
    }
    n->budget.struct_size = sizeof(n->budget);
    n->budget.deadline_us = INT64_MAX;
    n->facts.struct_size = sizeof(n->facts);
    n->ask.struct_size = sizeof(n->ask);
    n->ask.now_us = 1000;
    n->ask.facts = &n->facts;
    n->ask.budget = &n->budget;
    n->ask.state = n->state;
    n->ask.children = (weir_array){ n->child, count, sizeof(weir_child) };
    n->ask.tries = (weir_array){ n->tries, 0, sizeof(weir_try) };
    return n;
}

void host_node_free(struct host_node *n)
{
    n->face->release(n->cfg);
    for (uint32_t i = 0; i < n->count; i++)
        g_free(n->child_state[i]);
    g_free(n->state);
    g_free(n);
}

weir_decision host_ask(struct host_node *n, uint32_t why)
{
    weir_decision first = { .struct_size = sizeof(first),
                            .child = WEIR_NO_CHILD,
                            .shadow_child = WEIR_NO_CHILD };
    weir_decision again = first;
    g_autofree void *state = g_memdup2(n->state, n->face->state_size + 1);
    void *states[8];

    n->ask.why = why;
    n->ask.seed = n->ask.seed * 6364136223846793005u + 1442695040888963407u;
    for (uint32_t i = 0; i < n->count; i++)
        states[i] = g_memdup2(n->child_state[i], n->face->child_state_size + 1);
    g_assert_cmpint(n->face->next(n->cfg, &n->ask, &first), ==, WEIR_OK);

    n->ask.state = state;
    for (uint32_t i = 0; i < n->count; i++)
        n->child[i].state = states[i];
    g_assert_cmpint(n->face->next(n->cfg, &n->ask, &again), ==, WEIR_OK);
    g_assert_cmpmem(&first, sizeof(first), &again, sizeof(again));
    g_assert_cmpmem(state, n->face->state_size, n->state, n->face->state_size);
    n->ask.state = n->state;
    for (uint32_t i = 0; i < n->count; i++) {
        g_assert_cmpmem(states[i], n->face->child_state_size, n->child_state[i],
                        n->face->child_state_size);
        n->child[i].state = n->child_state[i];
        g_free(states[i]);
    }
    return first;
}

void host_node_reset(struct host_node *n)
{
    n->ask.tries.count = 0;
}

void host_node_failed(struct host_node *n, uint32_t child, uint16_t class_id)
{
    uint32_t i = n->ask.tries.count++;

    n->ask.now_us += 1000;
    n->failure[i] = weir_failure_make(class_id, 0, WEIR_S("failed"));
    n->tries[i] = (weir_try){ .struct_size = sizeof(weir_try),
                              .child = child,
                              .start_us = n->ask.now_us - 500,
                              .end_us = n->ask.now_us,
                              .failure = &n->failure[i] };
}
