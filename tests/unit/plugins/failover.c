/*
 * Tests of the strategy failover.
 */
#include "host.h"

#define TWO "{\"try\":[{\"child\":0},{\"child\":1}],\"retries\":0,\"delay\":0}"

static struct host_node *node(const char *options, uint32_t count)
{
    return host_node_new(host_part(WEIR_PART_STRATEGY), options, count);
}

static void expect_pick(weir_decision d, uint32_t child)
{
    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, ==, child);
}

static void test_order(void)
{
    struct host_node *n = node(TWO, 2);
    weir_decision d;

    expect_pick(host_ask(n, WEIR_ASK_START), 0);
    host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
    expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    host_node_failed(n, 1, WEIR_CLASS_RATE_LIMIT);
    d = host_ask(n, WEIR_ASK_FAILED);
    g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
    g_assert_cmpuint(d.failure_class, ==, WEIR_CLASS_RATE_LIMIT);
    host_node_free(n);
}

static void test_default_classes(void)
{
    static const uint16_t stops[] = { WEIR_CLASS_INVALID_REQUEST, WEIR_CLASS_CONTENT_FILTER,
                                      WEIR_CLASS_CANCELLED, WEIR_CLASS_POLICY, WEIR_CLASS_BUDGET };

    for (uint16_t c = 1; c < WEIR_CLASS_COUNT; c++) {
        struct host_node *n = node(TWO, 2);
        bool stop = false;

        for (size_t i = 0; i < G_N_ELEMENTS(stops); i++)
            stop = stop || stops[i] == c;
        host_ask(n, WEIR_ASK_START);
        host_node_failed(n, 0, c);
        g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).verb, ==, stop ? WEIR_GIVE_UP : WEIR_PICK);
        host_node_free(n);
    }
}

static void test_families(void)
{
    struct host_node *n = node("{\"try\":[{\"child\":0},{\"child\":1}],\"on\":[\"server_error\","
                               "\"timeout\"],\"retries\":0,\"delay\":0}",
                               2);
    static const uint16_t in[] = { WEIR_CLASS_OVERLOADED, WEIR_CLASS_PROTOCOL,
                                   WEIR_CLASS_CONNECTION };

    for (size_t i = 0; i < G_N_ELEMENTS(in); i++) {
        host_node_reset(n);
        host_ask(n, WEIR_ASK_START);
        host_node_failed(n, 0, in[i]);
        expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    }
    host_node_reset(n);
    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_RATE_LIMIT);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).verb, ==, WEIR_GIVE_UP);
    /* a class of the future, known by its family */
    host_node_reset(n);
    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_TIMEOUT);
    n->failure[0].class_id = 99;
    expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    host_node_free(n);
}

static void test_retries(void)
{
    struct host_node *n =
        node("{\"try\":[{\"child\":0},{\"child\":1}],\"retries\":2,\"delay\":1000000,"
             "\"jitter\":\"none\"}",
             2);
    weir_decision d;

    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
    d = host_ask(n, WEIR_ASK_FAILED);
    expect_pick(d, 0);
    g_assert_cmpint(d.start_us, ==, n->ask.now_us + 1000000);
    host_node_failed(n, 0, WEIR_CLASS_RATE_LIMIT);
    n->failure[1].retry_after_us = 7000000; /* a floor over the delay */
    d = host_ask(n, WEIR_ASK_FAILED);
    expect_pick(d, 0);
    g_assert_cmpint(d.start_us, ==, n->ask.now_us + 7000000);
    host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
    d = host_ask(n, WEIR_ASK_FAILED);
    expect_pick(d, 1);
    g_assert_cmpint(d.start_us, ==, 0);
    host_node_free(n);
}

/* Nothing is said: the provider's number counts, and where it says nothing either, it is one. */
static void test_retries_unsaid(void)
{
    struct host_node *n = node("{\"try\":[{\"child\":0},{\"child\":1}],\"jitter\":\"none\"}", 2);
    weir_decision d;

    for (int32_t told = -1; told < 3; told++) {
        host_node_reset(n);
        n->child[0].max_retries = told;
        host_ask(n, WEIR_ASK_START);
        for (int32_t i = 0; i < (told < 0 ? 1 : told); i++) {
            host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
            d = host_ask(n, WEIR_ASK_FAILED);
            expect_pick(d, 0);
            g_assert_cmpint(d.start_us - n->ask.now_us, ==, 200000 << i);
        }
        host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
        expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    }
    host_node_free(n);
}

static void test_no_retry(void)
{
    static const uint16_t hopeless[] = { WEIR_CLASS_CONTEXT_LENGTH, WEIR_CLASS_AUTHENTICATION,
                                         WEIR_CLASS_PERMISSION,     WEIR_CLASS_NOT_FOUND,
                                         WEIR_CLASS_UNSUPPORTED,    WEIR_CLASS_QUOTA };
    struct host_node *n = node("{\"try\":[{\"child\":0},{\"child\":1}],\"retries\":3}", 2);

    for (size_t i = 0; i < G_N_ELEMENTS(hopeless); i++) {
        host_node_reset(n);
        host_ask(n, WEIR_ASK_START);
        host_node_failed(n, 0, hopeless[i]);
        expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    }
    host_node_reset(n);
    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_TIMEOUT);
    n->tries[0].silent = 1;
    expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    /* a wait beyond the deadline is not begun */
    host_node_reset(n);
    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_RATE_LIMIT);
    n->failure[0].retry_after_us = 60000000;
    n->budget.deadline_us = n->ask.now_us + 1000000;
    expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    host_node_free(n);
}

/* What becomes of a failure of the first child: asked again, handed to the second, or the end. */
static void test_table(void)
{
    enum { SAME, OTHER, STOP };
    static const struct {
        uint16_t class_id;
        uint8_t then;
    } rows[] = {
        { WEIR_CLASS_AUTHENTICATION, OTHER }, { WEIR_CLASS_PERMISSION, OTHER },
        { WEIR_CLASS_NOT_FOUND, OTHER },      { WEIR_CLASS_INVALID_REQUEST, STOP },
        { WEIR_CLASS_CONTEXT_LENGTH, OTHER }, { WEIR_CLASS_CONTENT_FILTER, STOP },
        { WEIR_CLASS_RATE_LIMIT, SAME },      { WEIR_CLASS_QUOTA, OTHER },
        { WEIR_CLASS_OVERLOADED, SAME },      { WEIR_CLASS_SERVER_ERROR, SAME },
        { WEIR_CLASS_TIMEOUT, SAME },         { WEIR_CLASS_CONNECTION, SAME },
        { WEIR_CLASS_PROTOCOL, SAME },        { WEIR_CLASS_CANCELLED, STOP },
        { WEIR_CLASS_NO_PROVIDER, OTHER },    { WEIR_CLASS_NO_ROUTE, OTHER },
        { WEIR_CLASS_UNSUPPORTED, OTHER },    { WEIR_CLASS_BUDGET, STOP },
        { WEIR_CLASS_POLICY, STOP },          { WEIR_CLASS_INTERNAL, OTHER },
    };
    struct host_node *n = node("{\"try\":[{\"child\":0},{\"child\":1}],\"retries\":1}", 2);

    g_assert_cmpuint(G_N_ELEMENTS(rows), ==, WEIR_CLASS_COUNT - 1);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        weir_decision d;

        host_node_reset(n);
        host_ask(n, WEIR_ASK_START);
        host_node_failed(n, 0, rows[i].class_id);
        d = host_ask(n, WEIR_ASK_FAILED);
        if (rows[i].then == STOP)
            g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
        else
            expect_pick(d, rows[i].then == OTHER);
    }
    host_node_free(n);
}

/* Naming them: a refusal then moves on, an invalid request does not even so; `same` narrows. */
static void test_named(void)
{
    struct host_node *n = node("{\"try\":[{\"child\":0},{\"child\":1}],\"retries\":5,\"on\":["
                               "\"content_filter\",\"invalid_request\",\"rate_limit\","
                               "\"server_error\"],\"same\":[\"rate_limit\",\"content_filter\"]}",
                               2);
    static const struct {
        uint16_t class_id;
        uint32_t verb, child;
    } rows[] = { { WEIR_CLASS_CONTENT_FILTER, WEIR_PICK, 1 },
                 { WEIR_CLASS_INVALID_REQUEST, WEIR_GIVE_UP, WEIR_NO_CHILD },
                 { WEIR_CLASS_RATE_LIMIT, WEIR_PICK, 0 },
                 { WEIR_CLASS_SERVER_ERROR, WEIR_PICK, 1 } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        weir_decision d;

        host_node_reset(n);
        host_ask(n, WEIR_ASK_START);
        host_node_failed(n, 0, rows[i].class_id);
        d = host_ask(n, WEIR_ASK_FAILED);
        g_assert_cmpuint(d.verb, ==, rows[i].verb);
        g_assert_cmpuint(d.child, ==, rows[i].child);
    }
    host_node_free(n);
}

/* Delays double, are drawn evenly from nothing to what they have grown to, and stay below the
 * most; a Retry-After is a floor whatever is drawn. */
static void test_backoff(void)
{
    struct host_node *n = node("{\"try\":[{\"child\":0}],\"retries\":9,\"delay\":1000000,"
                               "\"max_delay\":5000000}",
                               1);
    static const int64_t most[] = { 1000000, 2000000, 4000000, 5000000, 5000000 };

    for (size_t tries = 0; tries < G_N_ELEMENTS(most); tries++) {
        double sum = 0;

        host_node_failed(n, 0, WEIR_CLASS_SERVER_ERROR);
        for (int i = 0; i < 2000; i++) {
            weir_decision d = host_ask(n, WEIR_ASK_FAILED);
            int64_t wait = d.start_us - n->ask.now_us;

            expect_pick(d, 0);
            g_assert_cmpint(wait, >=, 0);
            g_assert_cmpint(wait, <=, most[tries]);
            sum += (double)wait / (double)most[tries];
        }
        g_assert_cmpfloat(sum / 2000, >, 0.45);
        g_assert_cmpfloat(sum / 2000, <, 0.55);
    }
    n->failure[G_N_ELEMENTS(most) - 1].retry_after_us = 9000000;
    g_assert_cmpint(host_ask(n, WEIR_ASK_FAILED).start_us, ==, n->ask.now_us + 9000000);
    host_node_free(n);
}

/* What was too long goes to a larger window, past those no larger; to an unknown one if need be. */
static void test_window(void)
{
    struct host_node *n = node("{\"try\":[{\"child\":0},{\"child\":1},{\"child\":2}]}", 3);

    n->child[0].context_window = 8000;
    n->child[1].context_window = 8000;
    n->child[2].context_window = 128000;
    host_ask(n, WEIR_ASK_START);
    host_node_failed(n, 0, WEIR_CLASS_CONTEXT_LENGTH);
    expect_pick(host_ask(n, WEIR_ASK_FAILED), 2);
    host_node_failed(n, 2, WEIR_CLASS_CONTEXT_LENGTH);
    g_assert_cmpuint(host_ask(n, WEIR_ASK_FAILED).verb, ==, WEIR_GIVE_UP);
    n->child[1].context_window = -1; /* may be larger than the largest known */
    expect_pick(host_ask(n, WEIR_ASK_FAILED), 1);
    host_node_free(n);
}

static void test_blocked(void)
{
    struct host_node *n = node(TWO, 2);
    weir_decision d;

    n->child[0].blocked = WEIR_BLOCKED_BREAKER;
    expect_pick(host_ask(n, WEIR_ASK_START), 1);
    host_node_failed(n, 1, WEIR_CLASS_SERVER_ERROR);
    d = host_ask(n, WEIR_ASK_FAILED);
    g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
    n->child[1].blocked = WEIR_BLOCKED_COOLDOWN;
    n->child[1].ready_us = n->ask.now_us + 5;
    host_node_reset(n);
    d = host_ask(n, WEIR_ASK_START);
    g_assert_cmpuint(d.verb, ==, WEIR_GIVE_UP);
    g_assert_cmpuint(d.failure_class, ==, 0);
    host_node_free(n);
}

static void test_configure(void)
{
    const weir_strategy_v1 *face = host_part(WEIR_PART_STRATEGY);
    weir_error error = { .struct_size = sizeof(error) };
    struct host_arena arena;
    weir_json doc;
    void *cfg = NULL;

    host_arena_init(&arena);
    doc = host_scan(&arena, "{\"try\":[{\"child\":0}],\"retries\":-1}");
    g_assert_cmpint(face->configure(&host_services, &doc, &cfg, &error), ==, WEIR_INVALID);
    g_assert_cmpstr(error.option, ==, "retries");
    host_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/failover/order", test_order);
    g_test_add_func("/failover/default-classes", test_default_classes);
    g_test_add_func("/failover/families", test_families);
    g_test_add_func("/failover/retries", test_retries);
    g_test_add_func("/failover/retries-unsaid", test_retries_unsaid);
    g_test_add_func("/failover/no-retry", test_no_retry);
    g_test_add_func("/failover/table", test_table);
    g_test_add_func("/failover/named", test_named);
    g_test_add_func("/failover/backoff", test_backoff);
    g_test_add_func("/failover/window", test_window);
    g_test_add_func("/failover/blocked", test_blocked);
    g_test_add_func("/failover/configure", test_configure);
    return g_test_run();
}
