/*
 * foolish.c - strategies that misbehave: none may hang or crash anything, and the failure says
 * whose fault it was. Tests of core/route/walk.c.
 */
#include "grove.h"
#include "base/str.h"

/* A root with one leaf, walked with a foolish strategy until it is over. */
static void misbehaves(plant_next next, unsigned fail_with, const char *what, uint32_t most_asks)
{
    struct stroll *s = stroll_new();
    struct planted *root = plant("main/odd", next);
    g_autofree char *message = NULL;

    s->walk.budget.attempts_left = 1000;
    s->fail_with = fail_with;
    plant_leaf(root, "a");
    stroll_start(s, root);
    for (int i = 0; i < 1000 && !s->overs; i++)
        stroll_pass(s, 1000);
    g_assert_cmpstr(stroll_over(s), ==, "internal");
    message = stroll_message(s);
    g_assert_nonnull(strstr(message, "planted"));
    g_assert_nonnull(strstr(message, "main/odd"));
    g_assert_nonnull(strstr(message, what));
    g_assert_cmpuint(root->asks, <=, most_asks);
    stroll_free(s);
    plant_free(root);
}

static weir_result out_of_range(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p;
    d->verb = WEIR_PICK;
    d->child = ask->children.count;
    return WEIR_OK;
}

static weir_result pick_nothing(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = WEIR_PICK; /* the child stays WEIR_NO_CHILD */
    return WEIR_OK;
}

static weir_result copy_to_nobody(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p;
    d->verb = WEIR_PICK;
    d->child = 0;
    d->shadow_child = ask->children.count;
    return WEIR_OK;
}

static weir_result undecided(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask, (void)d;
    return WEIR_OK;
}

static weir_result unknown_verb(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = 99;
    return WEIR_OK;
}

static weir_result broken(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask, (void)d;
    return WEIR_INTERNAL;
}

static weir_result wait_and_wait(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p;
    d->verb = WEIR_WAIT;
    d->ask_again_us = ask->now_us + 1;
    return WEIR_OK;
}

static weir_result wait_for_the_past(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = WEIR_WAIT;
    d->ask_again_us = 1;
    return WEIR_OK;
}

/* Picks the same child, later and later, so that it never runs. */
static weir_result ask_again_only(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p;
    d->verb = WEIR_PICK;
    d->child = 0;
    d->ask_again_us = ask->now_us + 1;
    return WEIR_OK;
}

static weir_result write_beyond(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    ((char *)ask->state)[p->state.state_size] = 1;
    d->verb = WEIR_PICK;
    d->child = 0;
    return WEIR_OK;
}

static weir_result write_beyond_child(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    ((char *)p->children[0].state)[p->state.child_size + STATE_GUARD - 1] = 1;
    d->verb = WEIR_PICK;
    d->child = 0;
    (void)ask;
    return WEIR_OK;
}

static void test_state(void)
{
    misbehaves(write_beyond, 0, "wrote beyond its state", 1);
    misbehaves(write_beyond_child, 0, "wrote beyond its state", 1);
}

static void test_range(void)
{
    misbehaves(out_of_range, 0, "a child that does not exist", 1);
    misbehaves(pick_nothing, 0, "a child that does not exist", 1);
    misbehaves(copy_to_nobody, 0, "a copy to a child that does not exist", 1);
}

static void test_undecided(void)
{
    misbehaves(undecided, 0, "no decision", 1);
    misbehaves(unknown_verb, 0, "no decision", 1);
    misbehaves(broken, 0, "failed", 1);
}

static void test_stubborn(void)
{
    misbehaves(plant_stubborn, WEIR_CLASS_SERVER_ERROR, "too often", 20);
}

static void test_waiting(void)
{
    misbehaves(wait_and_wait, 0, "too often", 20);
    misbehaves(wait_for_the_past, 0, "too often", 20);
    misbehaves(ask_again_only, 0, "too often", 20);
}

static weir_result much_later(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = WEIR_PICK;
    d->child = 0;
    d->start_us = INT64_MAX;
    return WEIR_OK;
}

static weir_result asked_much_later(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = WEIR_WAIT;
    d->ask_again_us = INT64_MAX;
    return WEIR_OK;
}

/* What the request does not live to see is giving up, at once. */
static void test_endless_delay(void)
{
    const plant_next late[] = { much_later, asked_much_later };

    for (size_t i = 0; i < G_N_ELEMENTS(late); i++) {
        struct stroll *s = stroll_new();
        struct planted *root = plant("main/odd", late[i]);
        g_autofree char *message = NULL;

        s->walk.budget.deadline_us = clock_now() + 60000000;
        plant_leaf(root, "a");
        stroll_start(s, root);
        g_assert_cmpstr(stroll_over(s), ==, "budget");
        message = stroll_message(s);
        g_assert_nonnull(strstr(message, "strategy planted at main/odd waits for longer"));
        g_assert_cmpuint(root->asks, ==, 1);
        stroll_free(s);
        plant_free(root);
    }
}

/* Waiting for nothing is giving up. */
static void test_wait_for_nothing(void)
{
    static const weir_decision list[] = { { .verb = WEIR_WAIT } };
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", plant_listed);

    root->list = list;
    plant_leaf(root, "a");
    stroll_start(s, root);
    g_assert_cmpstr(stroll_over(s), ==, "no_provider");
    stroll_free(s);
    plant_free(root);
}

static void test_blocked(void)
{
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", plant_stubborn);

    target_cool_down(plant_leaf(root, "a"), clock_now() + 1000000);
    plant_leaf(root, "b");
    stroll_start(s, root);
    g_assert_cmpuint(s->count, ==, 0);
    g_assert_cmpuint(root->asks, <=, 16 + 4 * 2);
    g_assert_cmpuint(root->asks, >, 2);
    g_assert_cmpstr(stroll_over(s), ==, "internal");
    stroll_free(s);
    plant_free(root);
}

static void test_no_children(void)
{
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", plant_stubborn);

    stroll_start(s, root);
    g_assert_cmpstr(stroll_over(s), ==, "internal");
    stroll_free(s);
    plant_free(root);
}

/* A fool above fools: the asks of each level multiply. They must stay bounded in number, in memory
 * and on the stack. */
static void test_nested(void)
{
    enum { DEPTH = 8 };
    struct stroll *s = stroll_new();
    struct planted *levels[DEPTH];
    uint64_t asks = 0;

    for (int i = 0; i < DEPTH; i++) {
        levels[i] = plant("level", i + 1 < DEPTH ? plant_stubborn : plant_give_up);
        if (i)
            plant_node(levels[i - 1], levels[i]);
    }
    plant_leaf(levels[DEPTH - 1], "a");
    stroll_start(s, levels[0]);
    g_assert_cmpstr(stroll_over(s), ==, "internal");
    for (int i = 0; i < DEPTH; i++) {
        asks += levels[i]->asks;
        plant_free(levels[i]);
    }
    g_assert_cmpuint(asks, <=, WALK_MAX_ASKS);
    g_assert_cmpuint(s->arena.total, <, 64 << 20);
    stroll_free(s);
}

/* The same with leaves that fail each time, one at a time. */
static void test_nested_failing(void)
{
    enum { DEPTH = 4 };
    struct stroll *s = stroll_new();
    struct planted *levels[DEPTH];

    s->walk.budget.attempts_left = 30;
    s->fail_with = WEIR_CLASS_SERVER_ERROR;
    for (int i = 0; i < DEPTH; i++) {
        levels[i] = plant("level", plant_stubborn);
        if (i)
            plant_node(levels[i - 1], levels[i]);
    }
    plant_leaf(levels[DEPTH - 1], "a");
    stroll_start(s, levels[0]);
    for (int i = 0; i < 10000 && !s->overs; i++)
        stroll_pass(s, 1);
    g_assert_cmpuint(s->count, ==, 30);
    g_assert_cmpstr(stroll_over(s), ==, "server_error");
    stroll_free(s);
    for (int i = 0; i < DEPTH; i++)
        plant_free(levels[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/foolish/range", test_range);
    g_test_add_func("/foolish/state", test_state);
    g_test_add_func("/foolish/undecided", test_undecided);
    g_test_add_func("/foolish/stubborn", test_stubborn);
    g_test_add_func("/foolish/waiting", test_waiting);
    g_test_add_func("/foolish/endless-delay", test_endless_delay);
    g_test_add_func("/foolish/wait-for-nothing", test_wait_for_nothing);
    g_test_add_func("/foolish/blocked", test_blocked);
    g_test_add_func("/foolish/no-children", test_no_children);
    g_test_add_func("/foolish/nested", test_nested);
    g_test_add_func("/foolish/nested-failing", test_nested_failing);
    return g_test_run();
}
