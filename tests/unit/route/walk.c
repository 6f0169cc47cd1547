/*
 * walk.c - tests of core/route/walk.c: how a tree is asked, and what it hears.
 */
#include "pair.h"
#include "base/str.h"
#include "model/failure.h"

static void test_failover(struct kit *k, gconstpointer data)
{
    weir_usage usage;

    (void)data;
    usage_clear(&usage);
    stroll_start(k->s, k->root);
    g_assert_cmpstr(k->s->log->str, ==, "a");
    stroll_fail(k->s, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(k->s->log->str, ==, "a b");
    g_assert_cmpuint(k->s->walk.running, ==, 1);
    walk_committed(&k->s->walk, k->s->tries[1]);
    g_assert_cmpuint(k->s->tries[1]->abi.committed, ==, 1);
    walk_succeeded(&k->s->walk, k->s->tries[1], 0, &usage);
    g_assert_cmpstr(k->root->log->str, ==, "start -0:server_error failed +1");
    g_assert_cmpstr(stroll_over(k->s), ==, "");
    g_assert_cmpuint(k->s->walk.running, ==, 0);
}

/* The account of a walk that failed is what an upstream said last. */
static void test_all_failed(struct kit *k, gconstpointer data)
{
    (void)data;
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_AUTHENTICATION);
    stroll_fail(k->s, 1, WEIR_CLASS_OVERLOADED);
    g_assert_cmpstr(stroll_over(k->s), ==, "overloaded");
    g_assert_cmpint(k->s->ready_us, ==, INT64_MAX);
}

/* A failure of our own does not hide what an upstream said. */
static void test_upstream_beats_local(struct kit *k, gconstpointer data)
{
    (void)data;
    target_cool_down(k->b, clock_now() + 1000 * MS);
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_AUTHENTICATION);
    g_assert_cmpstr(stroll_over(k->s), ==, "authentication");
    g_assert_cmpint(k->s->ready_us, ==, clock_now() + 1000 * MS);
}

static void test_delay(struct kit *k, gconstpointer data)
{
    static const weir_decision list[] = {
        { .verb = WEIR_PICK, .child = 0 },
        { .verb = WEIR_PICK, .child = 0, .start_us = 50 * MS },
        { .verb = WEIR_GIVE_UP },
    };

    (void)data;
    follow(k, list);
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_OVERLOADED);
    g_assert_cmpstr(k->s->log->str, ==, "a");
    stroll_pass(k->s, 49 * MS);
    g_assert_cmpstr(k->s->log->str, ==, "a");
    stroll_pass(k->s, 1 * MS);
    g_assert_cmpstr(k->s->log->str, ==, "a a");
    g_assert_cmpint(k->s->tries[1]->abi.start_us, ==, clock_now());
    stroll_fail(k->s, 1, WEIR_CLASS_OVERLOADED);
    g_assert_cmpstr(stroll_over(k->s), ==, "overloaded");
}

/* A child that went away while the delay ran is not asked. */
static void test_delay_blocked(struct kit *k, gconstpointer data)
{
    static const weir_decision list[] = {
        { .verb = WEIR_PICK, .child = 0, .start_us = 50 * MS },
        { .verb = WEIR_GIVE_UP },
    };

    (void)data;
    follow(k, list);
    stroll_start(k->s, k->root);
    target_cool_down(k->a, clock_now() + 1000 * MS);
    stroll_pass(k->s, 50 * MS);
    g_assert_cmpuint(k->s->count, ==, 0);
    g_assert_cmpstr(k->root->log->str, ==, "start failed");
    g_assert_cmpstr(stroll_over(k->s), ==, "rate_limit");
}

static weir_result hedge(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    d->verb = WEIR_WAIT;
    if (ask->why == WEIR_ASK_START) {
        d->verb = WEIR_PICK;
        d->child = 0;
        d->ask_again_us = ask->now_us + 100 * MS;
    } else if (ask->why == WEIR_ASK_TIMER && p->asks == 2) {
        g_assert_cmpuint(ask->tries.count, ==, 1);
        g_assert_cmpuint(plant_try(ask, 0)->running, ==, 1);
        g_assert_null(plant_try(ask, 0)->failure);
        d->verb = WEIR_PICK;
        d->child = 1;
    }
    return WEIR_OK;
}

static void test_hedge(struct kit *k, gconstpointer data)
{
    (void)data;
    k->root->next = hedge;
    stroll_start(k->s, k->root);
    stroll_pass(k->s, 99 * MS);
    g_assert_cmpstr(k->s->log->str, ==, "a");
    stroll_pass(k->s, 1 * MS);
    g_assert_cmpstr(k->s->log->str, ==, "a b");
    g_assert_cmpuint(k->s->walk.running, ==, 2);
    /* The first fails: the second is still there, so nothing is over. */
    stroll_fail(k->s, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(stroll_over(k->s), ==, "");
    walk_succeeded(&k->s->walk, k->s->tries[1], 0, NULL);
    g_assert_cmpstr(k->root->log->str, ==, "start timer -0:server_error failed +1");
}

/* Strategies hear of tries that nobody waits for any more. */
static void test_lost(struct kit *k, gconstpointer data)
{
    const weir_failure lost = failure_local(WEIR_CLASS_CANCELLED, S("not needed"));
    struct planted *above = plant("above", plant_in_order);
    weir_usage usage;

    (void)data;
    usage_clear(&usage);
    plant_node(above, k->root);
    k->root->next = hedge;
    stroll_start(k->s, above);
    stroll_pass(k->s, 100 * MS);
    g_assert_cmpstr(k->s->log->str, ==, "a b");
    walk_committed(&k->s->walk, k->s->tries[1]);
    walk_lost(&k->s->walk, k->s->tries[0], &lost);
    g_assert_cmpstr(above->log->str, ==, "start"); /* its try goes on with the other one */
    walk_succeeded(&k->s->walk, k->s->tries[1], 0, &usage);
    g_assert_cmpstr(k->root->log->str, ==, "start timer -0:cancelled +1");
    g_assert_cmpstr(above->log->str, ==, "start +0");
    g_assert_cmpuint(k->s->walk.running, ==, 0);
    plant_free(above);
}

/* So do all above one that was the last. */
static void test_lost_nested(struct kit *k, gconstpointer data)
{
    const weir_failure lost = failure_local(WEIR_CLASS_CANCELLED, S("not needed"));
    struct planted *above = plant("above", plant_in_order);

    (void)data;
    plant_node(above, k->root);
    stroll_start(k->s, above);
    walk_lost(&k->s->walk, k->s->tries[0], &lost);
    g_assert_cmpstr(k->root->log->str, ==, "start -0:cancelled");
    g_assert_cmpstr(above->log->str, ==, "start -0:cancelled");
    g_assert_cmpuint(k->s->walk.running, ==, 0);
    plant_free(above);
}

/* Giving up while something runs means waiting for it. */
static void test_give_up_running(struct kit *k, gconstpointer data)
{
    static const weir_decision list[] = {
        { .verb = WEIR_PICK, .child = 0, .ask_again_us = 10 * MS },
        { .verb = WEIR_PICK, .child = 1 },
        { .verb = WEIR_GIVE_UP },
        { .verb = WEIR_GIVE_UP },
    };

    (void)data;
    follow(k, list);
    stroll_start(k->s, k->root);
    stroll_pass(k->s, 10 * MS);
    stroll_fail(k->s, 1, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(stroll_over(k->s), ==, "");
    stroll_fail(k->s, 0, WEIR_CLASS_TIMEOUT);
    g_assert_cmpstr(stroll_over(k->s), !=, "");
}

static void test_no_timer_after_done(struct kit *k, gconstpointer data)
{
    static const weir_decision list[] = {
        { .verb = WEIR_PICK, .child = 0, .ask_again_us = 10 * MS },
        { .verb = WEIR_GIVE_UP },
    };

    (void)data;
    follow(k, list);
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_SERVER_ERROR);
    stroll_pass(k->s, 1000 * MS);
    g_assert_cmpuint(k->root->asks, ==, 2);
}

static void test_stop(struct kit *k, gconstpointer data)
{
    static const weir_decision list[] = { { .verb = WEIR_WAIT, .ask_again_us = 10 * MS } };
    struct planted *below = plant("main/below", plant_listed);

    (void)data;
    below->list = list;
    plant_leaf(below, "c");
    plant_node(k->root, below);
    follow(k, (const weir_decision[]){ { .verb = WEIR_PICK, .child = 2, .ask_again_us = 5 * MS } });
    stroll_start(k->s, k->root);
    g_assert_cmpuint(below->asks, ==, 1);
    walk_stop(&k->s->walk);
    stroll_pass(k->s, 1000 * MS);
    g_assert_cmpuint(below->asks, ==, 1);
    g_assert_cmpuint(k->root->asks, ==, 1);
    walk_stop(&k->s->walk);
    plant_free(below);
}

/* What ends after the stop is noted, and nobody is asked. */
static void test_stop_then_failed(struct kit *k, gconstpointer data)
{
    (void)data;
    stroll_start(k->s, k->root);
    walk_stop(&k->s->walk);
    stroll_fail(k->s, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(k->root->log->str, ==, "start -0:server_error");
    g_assert_cmpstr(stroll_over(k->s), ==, "");
}

/* -- nested nodes -------------------------------------------------------------------------------
 */

static weir_result expect_below_failed(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    if (ask->why == WEIR_ASK_FAILED && ask->tries.count == 1) {
        const weir_try *t = plant_try(ask, 0);

        g_assert_cmpuint(t->running, ==, 0);
        g_assert_cmpuint(t->child, ==, 0);
        g_assert_cmpuint(t->failure->class_id, ==, WEIR_CLASS_OVERLOADED);
    }
    return plant_in_order(p, ask, d);
}

static void test_nested(void)
{
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", expect_below_failed);
    struct planted *below = plant("main/in", plant_in_order);

    plant_node(root, below);
    plant_leaf(root, "c");
    plant_leaf(below, "a");
    plant_leaf(below, "b");
    stroll_start(s, root);
    stroll_fail(s, 0, WEIR_CLASS_RATE_LIMIT);
    stroll_fail(s, 1, WEIR_CLASS_OVERLOADED);
    g_assert_cmpstr(s->log->str, ==, "a b c");
    walk_succeeded(&s->walk, s->tries[2], 0, NULL);
    g_assert_cmpstr(below->log->str, ==, "start -0:rate_limit failed -1:overloaded failed");
    g_assert_cmpstr(root->log->str, ==, "start -0:overloaded failed +1");
    stroll_free(s);
    plant_free(root);
    plant_free(below);
}

/* Success and commit are told all the way up. */
static void test_nested_success(void)
{
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", plant_in_order), *below = plant("in", plant_in_order);

    plant_node(root, below);
    plant_leaf(below, "a");
    stroll_start(s, root);
    walk_committed(&s->walk, s->tries[0]);
    g_assert_cmpuint(s->tries[0]->visit != NULL, ==, 1);
    walk_succeeded(&s->walk, s->tries[0], 0, NULL);
    g_assert_cmpstr(root->log->str, ==, "start +0");
    g_assert_cmpstr(below->log->str, ==, "start +0");
    stroll_free(s);
    plant_free(root);
    plant_free(below);
}

static void test_refuse(void)
{
    static const weir_decision list[] = {
        { .verb = WEIR_REFUSE, .failure_class = WEIR_CLASS_NO_ROUTE, .reason = "not for you" }
    };
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", plant_in_order), *below = plant("in", plant_listed);
    g_autofree char *message = NULL;

    below->list = list;
    plant_node(root, below);
    plant_leaf(root, "b");
    plant_leaf(below, "a");
    stroll_start(s, root);
    g_assert_cmpstr(stroll_over(s), ==, "no_route");
    message = stroll_message(s);
    g_assert_cmpstr(message, ==, "not for you");
    g_assert_cmpint(s->ready_us, ==, INT64_MAX);
    g_assert_cmpuint(root->asks, ==, 1);
    g_assert_cmpuint(s->count, ==, 0);
    stroll_free(s);
    plant_free(root);
    plant_free(below);
}

/* The same route twice in a tree: two visits, one node. */
static void test_shared_node(void)
{
    struct stroll *s = stroll_new();
    struct planted *root = plant("main", plant_in_order), *below = plant("in", plant_in_order);

    plant_node(root, below);
    plant_node(root, below);
    plant_leaf(below, "a");
    stroll_start(s, root);
    stroll_fail(s, 0, WEIR_CLASS_SERVER_ERROR);
    stroll_fail(s, 1, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(s->log->str, ==, "a a");
    g_assert_cmpstr(stroll_over(s), ==, "server_error");
    stroll_free(s);
    plant_free(root);
    plant_free(below);
}

static void test_too_deep(void)
{
    enum { DEPTH = WALK_MAX_DEPTH + 2 };
    struct stroll *s = stroll_new();
    struct planted *nodes[DEPTH];

    for (int i = 0; i < DEPTH; i++)
        nodes[i] = plant("level", plant_in_order);
    for (int i = 0; i + 1 < DEPTH; i++) {
        plant_node(nodes[i], nodes[i + 1]);
        plant_leaf(nodes[i], "never"); /* so that no level is blocked as a whole */
    }
    for (int i = 0; i + 1 < DEPTH; i++)
        nodes[i]->next = plant_stubborn;
    plant_leaf(nodes[DEPTH - 1], "x");
    stroll_start(s, nodes[0]);
    g_assert_cmpstr(stroll_over(s), ==, "internal");
    stroll_free(s);
    for (int i = 0; i < DEPTH; i++)
        plant_free(nodes[i]);
}

/* -- budgets ------------------------------------------------------------------------------------
 */

static void test_deadline(struct kit *k, gconstpointer data)
{
    static const weir_decision list[] = {
        { .verb = WEIR_PICK, .child = 0 },
        { .verb = WEIR_PICK, .child = 0, .start_us = 51 * MS },
    };

    (void)data;
    k->s->walk.budget.deadline_us = clock_now() + 50 * MS;
    follow(k, list);
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_OVERLOADED);
    g_assert_cmpstr(stroll_over(k->s), ==, "overloaded");
}

static void test_attempts(struct kit *k, gconstpointer data)
{
    (void)data;
    k->s->walk.budget.attempts_left = 2;
    k->root->next = plant_stubborn;
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_OVERLOADED);
    stroll_fail(k->s, 1, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(k->s->log->str, ==, "a a");
    g_assert_cmpstr(stroll_over(k->s), ==, "server_error");
}

static void test_no_attempts(struct kit *k, gconstpointer data)
{
    (void)data;
    k->s->walk.budget.attempts_left = 0;
    stroll_start(k->s, k->root);
    g_assert_cmpstr(stroll_over(k->s), ==, "budget");
}

static weir_result hedge_on(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    /* What is over and did not succeed has a failure: strategies rely on that. */
    for (uint32_t i = 0; i < ask->tries.count; i++) {
        if (!plant_try(ask, i)->running)
            g_assert_nonnull(plant_try(ask, i)->failure);
    }
    d->verb = p->asks < 4 ? WEIR_PICK : WEIR_GIVE_UP;
    d->child = ask->tries.count % 2;
    if (p->asks < 3)
        d->ask_again_us = ask->now_us + 10 * MS;
    return WEIR_OK;
}

/* The last attempt of the budget runs while a hedge asks for one more: what runs may answer. */
static void test_attempts_hedged(struct kit *k, gconstpointer data)
{
    (void)data;
    k->s->walk.budget.attempts_left = 1;
    k->root->next = hedge_on;
    stroll_start(k->s, k->root);
    stroll_pass(k->s, 10 * MS);
    g_assert_cmpstr(k->s->log->str, ==, "a");
    g_assert_cmpstr(stroll_over(k->s), ==, "");
    stroll_pass(k->s, 10 * MS);
    stroll_fail(k->s, 0, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpstr(stroll_over(k->s), ==, "server_error");
}

static weir_result remember_seed(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    uint64_t *seen = p->state.state;

    g_assert_true(ask->state == p->state.state);
    g_assert_cmpuint(ask->seed, !=, *seen);
    *seen = ask->seed;
    return plant_in_order(p, ask, d);
}

static void test_seed(struct kit *k, gconstpointer data)
{
    (void)data;
    k->root->next = remember_seed;
    stroll_start(k->s, k->root);
    stroll_fail(k->s, 0, WEIR_CLASS_SERVER_ERROR);
    stroll_fail(k->s, 1, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpuint(k->root->asks, ==, 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    PAIR_TEST("/walk/failover", test_failover);
    PAIR_TEST("/walk/all-failed", test_all_failed);
    PAIR_TEST("/walk/upstream-beats-local", test_upstream_beats_local);
    PAIR_TEST("/walk/lost", test_lost);
    PAIR_TEST("/walk/lost-nested", test_lost_nested);
    PAIR_TEST("/walk/delay", test_delay);
    PAIR_TEST("/walk/delay-blocked", test_delay_blocked);
    PAIR_TEST("/walk/hedge", test_hedge);
    PAIR_TEST("/walk/give-up-running", test_give_up_running);
    PAIR_TEST("/walk/no-timer-after-done", test_no_timer_after_done);
    PAIR_TEST("/walk/stop", test_stop);
    PAIR_TEST("/walk/stop-then-failed", test_stop_then_failed);
    g_test_add_func("/walk/nested", test_nested);
    g_test_add_func("/walk/nested-success", test_nested_success);
    g_test_add_func("/walk/refuse", test_refuse);
    g_test_add_func("/walk/shared-node", test_shared_node);
    g_test_add_func("/walk/too-deep", test_too_deep);
    PAIR_TEST("/walk/deadline", test_deadline);
    PAIR_TEST("/walk/attempts", test_attempts);
    PAIR_TEST("/walk/no-attempts", test_no_attempts);
    PAIR_TEST("/walk/attempts-hedged", test_attempts_hedged);
    PAIR_TEST("/walk/seed", test_seed);
    return g_test_run();
}
