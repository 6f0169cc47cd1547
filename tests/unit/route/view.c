/*
 * view.c - tests of core/route/view.c: what a strategy is shown of its children, and which of them
 * it cannot have.
 */
#include "pair.h"
#include "base/str.h"
#include "model/failure.h"

static weir_result look(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    const weir_child *a = plant_child(ask, 0), *b = plant_child(ask, 1);

    (void)p;
    g_assert_cmpuint(a->blocked, ==, WEIR_BLOCKED_COOLDOWN);
    g_assert_cmpint(a->ready_us, ==, ask->now_us + 700 * MS);
    g_assert_cmpuint(b->blocked, ==, WEIR_BLOCKED_COOLDOWN);
    g_assert_cmpint(b->ready_us, ==, ask->now_us + 300 * MS);
    d->verb = WEIR_GIVE_UP;
    return WEIR_OK;
}

static void test_ready(struct kit *k, gconstpointer data)
{
    g_autofree char *message = NULL;

    (void)data;
    target_cool_down(k->a, clock_now() + 700 * MS);
    target_cool_down(k->b, clock_now() + 300 * MS);
    k->root->next = look;
    stroll_start(k->s, k->root);
    g_assert_cmpstr(stroll_over(k->s), ==, "rate_limit");
    g_assert_cmpint(k->s->ready_us, ==, clock_now() + 300 * MS);
    g_assert_cmpint(k->s->over->retry_after_us, ==, 300 * MS);
    g_assert_cmpuint(k->s->over->local, ==, 1);
    message = stroll_message(k->s);
    g_assert_nonnull(strstr(message, "a asked to be left alone"));
}

static weir_result look_silent(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    if (p->asks == 2) {
        const weir_child *a = plant_child(ask, 0);

        g_assert_cmpuint(a->blocked, ==, WEIR_BLOCKED_SILENT);
        g_assert_cmpint(a->ready_us, ==, INT64_MAX);
        g_assert_cmpuint(plant_try(ask, 0)->silent, ==, 1);
        g_assert_cmpuint(plant_child(ask, 1)->blocked, ==, 0);
        g_assert_cmpint(plant_child(ask, 1)->ready_us, ==, 0);
    }
    return plant_stubborn(p, ask, d);
}

/* A target that said nothing is not asked again in this request, however stubborn the strategy. */
static void test_silent(struct kit *k, gconstpointer data)
{
    (void)data;
    k->root->next = look_silent;
    stroll_start(k->s, k->root);
    stroll_fail_silent(k->s, 0);
    g_assert_cmpstr(k->s->log->str, ==, "a");
    g_assert_cmpstr(stroll_over(k->s), !=, "");
}

static void test_view_leaf(struct kit *k, gconstpointer data)
{
    static const char *const native[] = { "other.api", NULL };
    weir_child view;

    (void)data;
    walk_view(&k->s->walk, &k->root->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, 0);
    g_assert_cmpuint(view.can, ==, WEIR_CAN_STREAM | WEIR_CAN_TOOLS);
    g_assert_cmpint(view.ttft_us, ==, -1);
    g_assert_cmpint(view.max_retries, ==, 3);
    g_assert_true(view.state == k->root->children[0].state);
    k->s->facts.needs = WEIR_CAN_TOOLS | WEIR_CAN_AUDIO;
    walk_view(&k->s->walk, &k->root->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, WEIR_BLOCKED_CAPABILITY);
    g_assert_cmpint(view.ready_us, ==, INT64_MAX);
    k->s->facts.needs = 0;
    k->s->facts.op = WEIR_OP_EMBED;
    walk_view(&k->s->walk, &k->root->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, WEIR_BLOCKED_OPERATION);
    k->s->facts.op = WEIR_OP_CHAT;
    k->s->walk.native = S("openai.chat");
    walk_view(&k->s->walk, &k->root->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, WEIR_BLOCKED_OPERATION);
    plant_face.native = native;
    k->s->walk.native = S("other.api");
    walk_view(&k->s->walk, &k->root->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, 0);
    plant_face.native = NULL;
}

/* What is the question keeps a request away; what shapes the answer only where nothing may be lost.
 */
static void test_view_needs(struct kit *k, gconstpointer data)
{
    const uint32_t question = WEIR_CAN_IMAGES | WEIR_CAN_AUDIO | WEIR_CAN_DOCUMENTS |
                              WEIR_CAN_TOOLS | WEIR_CAN_CHOICES | WEIR_CAN_EMBEDDINGS |
                              WEIR_CAN_PREFILL;

    (void)data;
    plant_face.can = 0;
    for (uint32_t bit = 1; bit <= WEIR_CAN_EMBEDDINGS; bit <<= 1) {
        for (int strict = 0; strict < 2; strict++) {
            weir_child view;

            k->s->facts.needs = bit;
            k->s->walk.strict = strict;
            plant_face.can = 0;
            walk_view(&k->s->walk, &k->root->children[0], &view);
            g_assert_cmpuint(view.blocked, ==,
                             strict || bit & question ? WEIR_BLOCKED_CAPABILITY : 0);
            plant_face.can = bit;
            walk_view(&k->s->walk, &k->root->children[0], &view);
            g_assert_cmpuint(view.blocked, ==, 0);
        }
    }
    plant_face.can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS;
}

/* The application is told what is missing. */
static void test_needs_told(struct kit *k, gconstpointer data)
{
    g_autofree char *message = NULL;

    (void)data;
    k->root->next = plant_give_up;
    k->s->facts.needs = WEIR_CAN_IMAGES | WEIR_CAN_TOOLS | WEIR_CAN_SEED | WEIR_CAN_PREFILL;
    stroll_start(k->s, k->root);
    message = stroll_message(k->s);
    g_assert_cmpstr(message, ==, "a cannot do something this request needs: images, prefill");
}

/* Who waited is asked anew, and told why. */
static void test_asked_ready(struct kit *k, gconstpointer data)
{
    (void)data;
    k->root->next = plant_in_order;
    target_cool_down(k->a, clock_now() + 1000 * MS);
    target_cool_down(k->b, clock_now() + 1000 * MS);
    stroll_start(k->s, k->root);
    g_assert_cmpuint(k->s->overs, ==, 1);
    g_assert_cmpint(k->s->ready_us, ==, clock_now() + 1000 * MS);
    g_string_truncate(k->root->log, 0);
    stroll_pass(k->s, 1000 * MS);
    walk_start(&k->s->walk, &k->root->node, WEIR_ASK_READY);
    g_assert_cmpstr(k->root->log->str, ==, "ready");
    g_assert_cmpuint(k->s->count, ==, 1);
    g_assert_cmpstr(k->s->log->str, ==, "a");
}

static void test_view_node(struct kit *k, gconstpointer data)
{
    struct limits none = { 0 };
    struct planted *top = plant("top", plant_in_order);
    weir_child view;

    (void)data;
    plant_node(top, k->root);
    target_begin(k->a, &none, clock_now(), 10);
    target_begin(k->b, &none, clock_now(), 5);
    target_begin(k->b, &none, clock_now(), 5);
    target_cool_down(k->a, clock_now() + 700 * MS);
    walk_view(&k->s->walk, &top->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, 0);
    g_assert_cmpint(view.ready_us, ==, 0);
    g_assert_cmpuint(view.inflight, ==, 3);
    g_assert_cmpint(view.inflight_tokens, ==, 20);
    g_assert_cmpuint(view.can, ==, WEIR_CAN_STREAM | WEIR_CAN_TOOLS);
    target_cool_down(k->b, clock_now() + 300 * MS);
    walk_view(&k->s->walk, &top->children[0], &view);
    g_assert_cmpuint(view.blocked, ==, WEIR_BLOCKED_COOLDOWN);
    g_assert_cmpint(view.ready_us, ==, clock_now() + 300 * MS);
    plant_free(top);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    PAIR_TEST("/walk/ready", test_ready);
    PAIR_TEST("/walk/silent", test_silent);
    PAIR_TEST("/walk/view-leaf", test_view_leaf);
    PAIR_TEST("/walk/view-needs", test_view_needs);
    PAIR_TEST("/walk/needs-told", test_needs_told);
    PAIR_TEST("/walk/asked-ready", test_asked_ready);
    PAIR_TEST("/walk/view-node", test_view_node);
    return g_test_run();
}
