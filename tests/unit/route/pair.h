/*
 * pair.h - a walk over the smallest tree there is a choice in: a root with two leaves.
 */
#pragma once

#include "grove.h"

enum { MS = 1000 };

struct kit {
    struct stroll *s;
    struct planted *root;
    struct target *a, *b;
};

/* A root with two leaves. */
static inline void setup(struct kit *k, gconstpointer data)
{
    (void)data;
    k->s = stroll_new();
    k->root = plant("main", plant_in_order);
    k->a = plant_leaf(k->root, "a");
    k->b = plant_leaf(k->root, "b");
}

static inline void teardown(struct kit *k, gconstpointer data)
{
    (void)data;
    stroll_free(k->s);
    plant_free(k->root);
}

static inline void follow(struct kit *k, const weir_decision *list)
{
    k->root->next = plant_listed;
    k->root->list = list;
}

/* Adds a test of such a walk. */
#define PAIR_TEST(path, fn) g_test_add(path, struct kit, NULL, setup, fn, teardown)
