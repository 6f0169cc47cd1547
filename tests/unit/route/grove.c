/*
 * grove.c - see grove.h.
 */
#include "grove.h"
#include "base/str.h"
#include "model/failure.h"

enum { PLANT_STATE = 16 };

static bool speaks(void *cfg, weir_str dialect)
{
    (void)cfg, (void)dialect;
    return true;
}

weir_provider_v1 plant_face = {
    .struct_size = sizeof(weir_provider_v1),
    .speaks = speaks,
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
    .can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS,
};

static struct config_provider config = { .max_retries = 3 };

struct provider plant_provider = {
    .config = &config,
    .face = &plant_face,
    .name = { "p", 1 },
    .base_url = { "http://p", 8 },
};

/* -- strategies --------------------------------------------------------------------------------
 */

static weir_result next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    static const char *const whys[] = { "start", "failed", "timer", "ready" };
    struct planted *p = cfg;

    p->asks++;
    g_string_append_printf(p->log, "%s%s", p->log->len ? " " : "", whys[ask->why]);
    return p->next(p, ask, d);
}

static void observe(void *cfg, void *state, void *child_state, const weir_outcome *outcome)
{
    struct planted *p = cfg;

    (void)state, (void)child_state;
    g_assert_cmpint(outcome->end_us, >=, outcome->start_us);
    if (outcome->failure)
        g_string_append_printf(p->log, " -%u:%s", outcome->child,
                               failure_class_name(outcome->failure->class_id));
    else
        g_string_append_printf(p->log, " +%u", outcome->child);
}

weir_result plant_listed(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    const weir_decision *next_one = &p->list[p->asks - 1];

    d->verb = next_one->verb;
    d->child = next_one->child;
    d->failure_class = next_one->failure_class;
    d->reason = next_one->reason;
    /* Times in a list count from now. */
    d->start_us = next_one->start_us ? ask->now_us + next_one->start_us : 0;
    d->ask_again_us = next_one->ask_again_us ? ask->now_us + next_one->ask_again_us : 0;
    return WEIR_OK;
}

weir_result plant_in_order(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p;
    d->verb = WEIR_WAIT;
    if (ask->why == WEIR_ASK_TIMER)
        return WEIR_OK;
    d->verb = ask->tries.count < ask->children.count ? WEIR_PICK : WEIR_GIVE_UP;
    d->child = ask->tries.count;
    return WEIR_OK;
}

weir_result plant_give_up(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = WEIR_GIVE_UP;
    return WEIR_OK;
}

weir_result plant_stubborn(struct planted *p, const weir_ask *ask, weir_decision *d)
{
    (void)p, (void)ask;
    d->verb = WEIR_PICK;
    d->child = 0;
    return WEIR_OK;
}

const weir_child *plant_child(const weir_ask *ask, uint32_t i)
{
    g_assert_cmpuint(i, <, ask->children.count);
    return (const void *)((const char *)ask->children.items + (size_t)i * ask->children.stride);
}

const weir_try *plant_try(const weir_ask *ask, uint32_t i)
{
    g_assert_cmpuint(i, <, ask->tries.count);
    return (const void *)((const char *)ask->tries.items + (size_t)i * ask->tries.stride);
}

/* -- trees -------------------------------------------------------------------------------------
 */

struct planted *plant(const char *path, plant_next what)
{
    struct planted *p = g_new0(struct planted, 1);

    p->part.name = "planted";
    p->part.strategy.next = next;
    p->part.strategy.observe = observe;
    pthread_mutex_init(&p->state.lock, NULL);
    p->state.state_size = p->state.child_size = PLANT_STATE;
    p->state.state = g_malloc0(PLANT_STATE + STATE_GUARD);
    p->node.part = &p->part;
    p->node.cfg = p;
    p->node.state = &p->state;
    p->node.path = path;
    p->node.children = p->children;
    p->next = what;
    p->log = g_string_new(NULL);
    return p;
}

void plant_free(struct planted *p)
{
    pthread_mutex_destroy(&p->state.lock);
    for (uint32_t i = 0; i < p->node.count; i++)
        g_free(p->children[i].state);
    g_free(p->state.state);
    g_string_free(p->log, TRUE);
    g_free(p);
}

static struct child *add_child(struct planted *p, int kind, const char *name)
{
    struct child *c = &p->children[p->node.count++];

    g_assert_cmpuint(p->node.count, <=, G_N_ELEMENTS(p->children));
    c->kind = kind;
    c->name = str_of(name);
    c->state = g_malloc0(PLANT_STATE + STATE_GUARD);
    return c;
}

struct target *plant_leaf(struct planted *p, const char *name)
{
    static int number;
    g_autofree char *unique = g_strdup_printf("%s-%d", name, number++);
    struct child *c = add_child(p, CHILD_LEAF, name);

    c->provider = &plant_provider;
    c->model = c->name;
    c->target = target_get(S("p"), S("http://p"), str_of(unique));
    return c->target;
}

void plant_node(struct planted *p, struct planted *below)
{
    add_child(p, CHILD_NODE, below->node.path)->node = &below->node;
}

/* -- the owner ---------------------------------------------------------------------------------
 */

static struct stroll *stroll_of(struct walk *walk)
{
    return (struct stroll *)((char *)walk - offsetof(struct stroll, walk));
}

static void on_failing(struct loop_timer *timer)
{
    struct stroll *s = (struct stroll *)((char *)timer - offsetof(struct stroll, failing));

    stroll_fail(s, s->count - 1, s->fail_with);
}

static void on_attempt(struct walk *walk, struct walk_try *t, const struct child *leaf,
                       struct target *target, weir_str model)
{
    struct stroll *s = stroll_of(walk);

    g_assert_nonnull(target);
    g_assert_true(str_eq(model, leaf->model));
    g_assert_cmpuint(s->count, <, G_N_ELEMENTS(s->tries));
    g_assert_cmpuint(t->abi.running, ==, 1);
    s->tries[s->count++] = t;
    walk->budget.attempts_left--;
    g_string_append_printf(s->log, "%s%.*s", s->log->len ? " " : "", S_ARG(leaf->name));
    if (s->fail_with)
        loop_timer_set(s->loop, &s->failing, loop_now(s->loop), on_failing);
}

static void on_over(struct walk *walk, const weir_failure *failure, int64_t ready_us)
{
    struct stroll *s = stroll_of(walk);

    g_assert_nonnull(failure);
    s->over = failure;
    s->ready_us = ready_us;
    s->overs++;
}

static const struct walk_ops ops = { .attempt = on_attempt, .over = on_over };

struct stroll *stroll_new(void)
{
    struct stroll *s = g_new0(struct stroll, 1);

    arena_init(&s->arena, 0);
    s->loop = loop_new();
    s->log = g_string_new(NULL);
    s->facts = (weir_facts){ .struct_size = sizeof(weir_facts), .op = WEIR_OP_CHAT };
    s->walk = (struct walk){
        .ops = &ops,
        .loop = s->loop,
        .arena = &s->arena,
        .facts = &s->facts,
        .budget = { .struct_size = sizeof(weir_budget),
                    .attempts_left = 100,
                    .deadline_us = INT64_MAX,
                    .money_left = -1 },
        .seed = 1,
    };
    loop_step(s->loop, 0);
    return s;
}

void stroll_free(struct stroll *s)
{
    walk_stop(&s->walk);
    loop_timer_clear(s->loop, &s->failing);
    loop_free(s->loop);
    g_string_free(s->log, TRUE);
    arena_reset(&s->arena);
    arena_thread_trim();
    g_free(s);
}

void stroll_start(struct stroll *s, struct planted *root)
{
    walk_start(&s->walk, &root->node, WEIR_ASK_START);
}

void stroll_pass(struct stroll *s, int64_t us)
{
    clock_pass(us);
    loop_step(s->loop, 0);
    loop_step(s->loop, 0);
}

void stroll_fail(struct stroll *s, uint32_t i, unsigned class_id)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = (uint16_t)class_id,
                             .retry_after_us = -1,
                             .message = S("upstream said so") };

    g_assert_cmpuint(i, <, s->count);
    walk_failed(&s->walk, s->tries[i], failure_copy(&s->arena, &failure), false);
}

void stroll_fail_silent(struct stroll *s, uint32_t i)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = WEIR_CLASS_TIMEOUT,
                             .retry_after_us = -1 };

    walk_failed(&s->walk, s->tries[i], failure_copy(&s->arena, &failure), true);
}

const char *stroll_over(const struct stroll *s)
{
    g_assert_cmpuint(s->overs, <=, 1);
    return s->over ? failure_class_name(s->over->class_id) : "";
}

char *stroll_message(const struct stroll *s)
{
    return g_strndup(s->over->message.ptr, s->over->message.len);
}
