/*
 * micro_strategy.c - what one decision of a strategy costs across the plugin border, per child.
 *
 *   micro_strategy PLUGINS
 */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHILDREN_MAX = 64 };

struct node {
    const weir_strategy_v1 *face;
    void *cfg;
    weir_child child[CHILDREN_MAX];
    char names[CHILDREN_MAX][16];
    weir_budget budget;
    weir_facts facts;
    weir_ask ask;
};

static void decide(void *ctx)
{
    struct node *n = ctx;
    weir_decision d = { .struct_size = sizeof d,
                        .child = WEIR_NO_CHILD,
                        .shadow_child = WEIR_NO_CHILD };

    n->ask.seed = n->ask.seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    n->ask.now_us++;
    if (n->face->next(n->cfg, &n->ask, &d) != WEIR_OK || d.verb != WEIR_PICK) {
        fprintf(stderr, "no child was picked\n");
        exit(1);
    }
}

static void configure(struct node *n, const char *key, const char *child, uint32_t count)
{
    char text[CHILDREN_MAX * 48 + 64];
    size_t at = (size_t)sprintf(text, "{\"%s\":[", key);

    for (uint32_t i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "%s{\"child\":%u%s}", i ? "," : "", i, child);
    strcpy(text + at, strcmp(key, "try") == 0 ? "],\"retries\":0,\"delay\":0}" : "]}");

    weir_json options = micro_scan((weir_str){ text, strlen(text) });
    weir_error error = { .struct_size = sizeof error };

    if (n->face->configure(&micro_host, &options, &n->cfg, &error) != WEIR_OK) {
        fprintf(stderr, "%s is not accepted\n", text);
        exit(1);
    }
}

static void measure(const char *plugins, const char *name, const char *key, const char *child,
                    uint32_t count)
{
    struct node *n = calloc(1, sizeof *n);
    char title[64];

    micro_arena_reset();
    n->face = micro_part(plugins, name, WEIR_PART_STRATEGY);
    configure(n, key, child, count);
    for (uint32_t i = 0; i < count; i++) {
        size_t len = (size_t)sprintf(n->names[i], "child%u", i);

        n->child[i] = (weir_child){ .struct_size = sizeof(weir_child),
                                    .name = { n->names[i], len },
                                    .state = calloc(1, n->face->child_state_size + 1) };
    }
    n->budget.struct_size = sizeof n->budget;
    n->budget.attempts_left = 16;
    n->budget.deadline_us = INT64_MAX;
    n->facts.struct_size = sizeof n->facts;
    n->ask = (weir_ask){ .struct_size = sizeof n->ask,
                         .why = WEIR_ASK_START,
                         .now_us = 1000,
                         .facts = &n->facts,
                         .budget = &n->budget,
                         .state = calloc(1, n->face->state_size + 1),
                         .children = { n->child, count, sizeof(weir_child) },
                         .tries = { NULL, 0, sizeof(weir_try) } };
    snprintf(title, sizeof title, "%s, %u children", name, count);

    double ns = micro_ns(decide, n);

    micro_report(title, ns / count, "ns/child");
}

int main(int argc, char **argv)
{
    static const uint32_t counts[] = { 2, 8, CHILDREN_MAX };

    if (argc != 2)
        return 2;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        measure(argv[1], "failover", "try", "", counts[i]);
        measure(argv[1], "round-robin", "across", "", counts[i]);
        measure(argv[1], "weighted", "across", ",\"weight\":0.5", counts[i]);
    }
    return 0;
}
