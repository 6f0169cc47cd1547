/*
 * walk.c - see walk.h.
 *
 * A visit is one node being asked in one request. Its tries are the history the strategy sees. When
 * a visit gives up, it is a failed try of the visit above it, and that one is asked; when the
 * topmost gives up, the walk is over.
 */
#include "route/walk.h"
#include "base/crumb.h"
#include "base/str.h"
#include "model/failure.h"
#include "route/needs.h"
#include "route/strategy.h"

struct visit {
    struct walk *walk;
    const struct node *node;
    struct visit *parent;
    struct walk_try *parent_try;
    struct loop_timer timer;
    weir_child *views;
    struct walk_try *tries;
    uint32_t try_count, try_cap;
    uint32_t asks;
    uint32_t why;     /* it is to be asked for, when it is the walk's `due` */
    uint32_t pending; /* the child to start when the timer fires; WEIR_NO_CHILD: ask instead */
    uint16_t depth;
    bool over;
};

static void visit_ask(struct visit *v, uint32_t why);

/* -- tries ------------------------------------------------------------------------------------ */

/* Tries are handed out by address (attempts hold them), so they are made in an array that never
 * moves: as many as a node can be asked. */
static uint32_t asks_allowed(const struct node *node)
{
    return 16 + 4 * node->count;
}

static struct walk_try *add_try(struct visit *v, uint32_t child)
{
    struct walk_try *t;

    if (v->try_count == v->try_cap)
        return NULL;
    t = &v->tries[v->try_count++];
    *t = (struct walk_try){
        .abi = { .struct_size = sizeof(weir_try),
                 .child = child,
                 .running = 1,
                 .start_us = loop_now(v->walk->loop) },
        .visit = v,
    };
    return t;
}

static void end_try(struct walk_try *t, const weir_failure *failure)
{
    t->abi.running = 0;
    t->abi.end_us = loop_now(t->visit->walk->loop);
    t->abi.failure = failure;
}

static void observe(struct walk_try *t, int64_t first_us, const weir_usage *usage)
{
    struct visit *v = t->visit;
    const struct node *n = v->node;
    weir_outcome outcome = {
        .struct_size = sizeof(outcome),
        .child = t->abi.child,
        .now_us = loop_now(v->walk->loop),
        .start_us = t->abi.start_us,
        .first_us = first_us,
        .end_us = t->abi.end_us,
        .failure = t->abi.failure,
        .usage = usage,
    };
    uint32_t crumb;
    bool kept;

    if (!n->part->strategy.observe)
        return;
    pthread_mutex_lock(&n->state->lock);
    crumb = crumb_enter(n->part->crumb);
    n->part->strategy.observe(n->cfg, n->state->state, n->children[t->abi.child].state, &outcome);
    crumb_leave(crumb);
    kept = strategy_kept_state(n);
    pthread_mutex_unlock(&n->state->lock);
    if (!kept)
        strategy_fault(v->walk, n, STRATEGY_WROTE_BEYOND);
}

/* -- giving up -------------------------------------------------------------------------------- */

/* Why nothing could be asked, in words, when no try was made. */
static const weir_failure *blocked_failure(struct walk *walk, const struct child *children,
                                           const weir_child *views, uint32_t n, int64_t ready)
{
    static const struct {
        uint32_t bit;
        uint16_t class_id;
        const char *why;
    } reasons[] = {
        { WEIR_BLOCKED_LIMIT, WEIR_CLASS_RATE_LIMIT, "" }, /* it says which by itself */
        { WEIR_BLOCKED_COOLDOWN, WEIR_CLASS_RATE_LIMIT, "asked to be left alone for a while" },
        { WEIR_BLOCKED_BREAKER, WEIR_CLASS_OVERLOADED, "kept failing and is being rested" },
        { WEIR_BLOCKED_SILENT, WEIR_CLASS_TIMEOUT, "did not answer in time" },
        { WEIR_BLOCKED_MODEL, WEIR_CLASS_NO_ROUTE,
          "has no model to send: name one in the request or set its default_model" },
        { WEIR_BLOCKED_OPERATION, WEIR_CLASS_UNSUPPORTED, "does not offer this operation" },
        { WEIR_BLOCKED_CAPABILITY, WEIR_CLASS_UNSUPPORTED,
          "cannot do something this request needs" },
        { WEIR_BLOCKED_LOSS, WEIR_CLASS_UNSUPPORTED, "would lose part of this request" },
        { WEIR_BLOCKED_PREFILL, WEIR_CLASS_UNSUPPORTED,
          "does not go on from an answer that broke off" },
        { WEIR_BLOCKED_OWNER, WEIR_CLASS_UNSUPPORTED,
          "cannot read what another provider made for this request" },
    };
    weir_failure *failure;
    char names[200];

    for (size_t r = 0; r < sizeof reasons / sizeof reasons[0]; r++) {
        for (uint32_t i = 0; i < n; i++) {
            if (!(views[i].blocked & reasons[r].bit) || children[i].copy)
                continue;
            names[0] = '\0';
            if (reasons[r].bit == WEIR_BLOCKED_CAPABILITY)
                needs_names(needs_missing(walk->facts->needs, views[i].can, walk->strict), names,
                            sizeof names);
            if (reasons[r].bit == WEIR_BLOCKED_LIMIT) {
                unsigned class_id = walk_limit_words(walk, &children[i], names, sizeof names);

                if (class_id == WEIR_CLASS_BUDGET && ready != INT64_MAX)
                    continue; /* time will help: at another, that can be paid */
                failure = failure_format(walk->arena, class_id, "%s", names);
            } else {
                failure = failure_format(walk->arena, reasons[r].class_id, "%.*s %s%s%s",
                                         S_ARG(views[i].name), reasons[r].why, names[0] ? ": " : "",
                                         names);
            }
            if (ready != INT64_MAX && ready > 0)
                failure->retry_after_us = ready - loop_now(walk->loop);
            return failure;
        }
    }
    return failure_format(walk->arena, WEIR_CLASS_NO_PROVIDER, "no target could be asked");
}

const weir_failure *walk_refusal(struct walk *walk, const struct child *child)
{
    weir_child view;

    walk_view(walk, child, &view);
    return view.blocked ? blocked_failure(walk, child, &view, 1, view.ready_us) : NULL;
}

/* The account to give of a node that gave up: what an upstream said beats what we said. */
static const weir_failure *best_failure(const struct visit *v)
{
    const weir_failure *best = NULL;

    for (uint32_t i = 0; i < v->try_count; i++) {
        const weir_failure *failure = v->tries[i].abi.failure;

        if (failure && (!best || !failure->local || best->local))
            best = failure;
    }
    return best;
}

static int64_t earliest_ready(struct visit *v)
{
    int64_t ready = INT64_MAX;

    for (uint32_t i = 0; i < v->node->count; i++) {
        weir_child *view = &v->views[i];

        walk_view(v->walk, &v->node->children[i], view);
        if (view->blocked && view->ready_us < ready && !v->node->children[i].copy)
            ready = view->ready_us;
    }
    return ready;
}

static void visit_over(struct visit *v, const weir_failure *failure, int64_t ready)
{
    struct walk *walk = v->walk;

    v->over = true;
    loop_timer_clear(walk->loop, &v->timer);
    if (!v->parent) {
        walk->ops->over(walk, failure, ready);
        return;
    }
    end_try(v->parent_try, failure);
    observe(v->parent_try, 0, NULL);
    if (!v->parent->over)
        visit_ask(v->parent, WEIR_ASK_FAILED);
}

static bool has_running(const struct visit *v)
{
    for (uint32_t i = 0; i < v->try_count; i++) {
        if (v->tries[i].abi.running)
            return true;
    }
    return false;
}

static void visit_give_up(struct visit *v)
{
    const weir_failure *failure = best_failure(v);
    int64_t ready;

    if (has_running(v)) /* it cannot give up on what it has running: that is waiting */
        return;
    ready = earliest_ready(v);
    if (!failure)
        failure = blocked_failure(v->walk, v->node->children, v->views, v->node->count, ready);
    visit_over(v, failure, ready);
}

/* What it would begin or wait for comes when the request is over. */
static void visit_too_late(struct visit *v)
{
    const weir_failure *failure = best_failure(v);
    int64_t ready = earliest_ready(v);

    if (has_running(v))
        return;
    if (!failure && ready == INT64_MAX)
        failure = failure_format(v->walk->arena, WEIR_CLASS_BUDGET,
                                 "strategy %s at %s waits for longer than the request may take",
                                 v->node->part->name, v->node->path);
    if (!failure)
        failure = blocked_failure(v->walk, v->node->children, v->views, v->node->count, ready);
    visit_over(v, failure, ready);
}

/* -- picking ---------------------------------------------------------------------------------- */

static struct visit *visit_new(struct walk *walk, const struct node *node, struct walk_try *parent)
{
    struct visit *v = arena_zalloc(walk->arena, sizeof(*v));
    uint32_t cap = asks_allowed(node);

    if (!v)
        return NULL;
    v->walk = walk;
    v->node = node;
    v->parent = parent ? parent->visit : NULL;
    v->parent_try = parent;
    v->depth = (uint16_t)(parent ? parent->visit->depth + 1 : 0);
    v->pending = WEIR_NO_CHILD;
    v->try_cap = cap;
    v->views = arena_alloc(walk->arena, sizeof(*v->views) * (node->count + 1));
    v->tries = arena_alloc(walk->arena, sizeof(*v->tries) * cap);
    return v->views && v->tries ? v : NULL;
}

static void fail_try(struct walk_try *t, const weir_failure *failure)
{
    end_try(t, failure);
    visit_ask(t->visit, WEIR_ASK_FAILED);
}

/* The end of all tries: what the last one met is the better account, if there was one. */
static void budget_spent(struct walk *walk)
{
    const weir_failure *failure = walk->last_failure;

    if (walk->running)
        return; /* what runs may still answer */
    if (!failure)
        failure =
            failure_format(walk->arena, WEIR_CLASS_BUDGET, "the route's budget allows no attempt");
    walk->ops->over(walk, failure, INT64_MAX);
}

static void visit_pick(struct visit *v, uint32_t number)
{
    struct walk *walk = v->walk;
    const struct child *child = &v->node->children[number];
    struct walk_try *t = add_try(v, number);
    weir_child view;
    struct target *target;
    weir_str model;

    if (!t) {
        visit_over(v, strategy_fault(walk, v->node, "tried too often"), INT64_MAX);
        return;
    }
    walk_view(walk, child, &view);
    if (view.blocked) {
        fail_try(t, blocked_failure(walk, child, &view, 1, view.ready_us));
        return;
    }
    if (child->kind == CHILD_LEAF) {
        if (walk->budget.attempts_left == 0) {
            end_try(t, failure_format(walk->arena, WEIR_CLASS_BUDGET,
                                      "the route's budget allows no further attempt"));
            budget_spent(walk);
            return;
        }
        walk_leaf(walk, child, &model, &target);
        walk->running++;
        walk->ops->attempt(walk, t, child, target, model);
        return;
    }
    t->below = v->depth + 1 < WALK_MAX_DEPTH ? visit_new(walk, child->node, t) : NULL;
    if (!t->below) {
        fail_try(t, failure_format(walk->arena, WEIR_CLASS_INTERNAL,
                                   "the route tree is nested too deeply at %s", v->node->path));
        return;
    }
    visit_ask(t->below, WEIR_ASK_START);
}

/* -- asking ----------------------------------------------------------------------------------- */

static void on_timer(struct loop_timer *timer)
{
    struct visit *v = (struct visit *)((char *)timer - offsetof(struct visit, timer));
    uint32_t child = v->pending;

    v->pending = WEIR_NO_CHILD;
    if (v->over || v->walk->stopped)
        return;
    if (child != WEIR_NO_CHILD)
        visit_pick(v, child);
    else
        visit_ask(v, WEIR_ASK_TIMER);
}

static void set_timer(struct visit *v, int64_t at_us, uint32_t pending)
{
    v->pending = pending;
    loop_timer_set(v->walk->loop, &v->timer, at_us, on_timer);
}

static void misbehaved(struct visit *v, const char *what)
{
    visit_over(v, strategy_fault(v->walk, v->node, what), INT64_MAX);
}

/* A copy goes to a child whose answer nobody gets. False: there is no such child. */
static bool visit_copy(struct visit *v, uint32_t number)
{
    if (number >= v->node->count) {
        misbehaved(v, "sent a copy to a child that does not exist");
        return false;
    }
    if (v->walk->ops->copy)
        v->walk->ops->copy(v->walk, &v->node->children[number]);
    return true;
}

static void visit_obey(struct visit *v, const weir_decision *d)
{
    struct walk *walk = v->walk;
    int64_t now = loop_now(walk->loop);

    switch (d->verb) {
    case WEIR_PICK:
        if (d->child >= v->node->count) {
            misbehaved(v, "picked a child that does not exist");
            return;
        }
        if (d->shadow_child != WEIR_NO_CHILD && !visit_copy(v, d->shadow_child))
            return;
        if (d->start_us > now) {
            if (d->start_us > walk->budget.deadline_us)
                visit_too_late(v);
            else
                set_timer(v, d->start_us, d->child);
            return;
        }
        if (d->ask_again_us > now)
            set_timer(v, d->ask_again_us, WEIR_NO_CHILD);
        visit_pick(v, d->child);
        return;
    case WEIR_WAIT:
        if (d->ask_again_us > walk->budget.deadline_us)
            visit_too_late(v);
        else if (d->ask_again_us > 0)
            set_timer(v, d->ask_again_us, WEIR_NO_CHILD);
        else
            visit_give_up(v);
        return;
    case WEIR_GIVE_UP:
        visit_give_up(v);
        return;
    case WEIR_REFUSE: {
        const weir_failure *failure = best_failure(v);
        unsigned class_id = d->failure_class ? d->failure_class : WEIR_CLASS_POLICY;

        if (!failure || failure->class_id != class_id)
            failure = failure_format(walk->arena, class_id, "%s",
                                     d->reason ? d->reason : "refused by the route");
        walk->ops->over(walk, failure, INT64_MAX);
        return;
    }
    default:
        misbehaved(v, "gave no decision");
    }
}

static void ask(struct visit *v)
{
    struct walk *walk = v->walk;
    const struct node *n = v->node;
    weir_decision decision = {
        .struct_size = sizeof(decision),
        .child = WEIR_NO_CHILD,
        .shadow_child = WEIR_NO_CHILD,
    };
    weir_ask question = {
        .struct_size = sizeof(question),
        .why = v->why,
        .now_us = loop_now(walk->loop),
        .seed = walk->seed = walk->seed * 6364136223846793005ull + 1442695040888963407ull,
        .facts = walk->facts,
        .budget = &walk->budget,
        .state = n->state->state,
        .children = { v->views, n->count, sizeof(*v->views) },
        .tries = { v->tries, v->try_count, sizeof(*v->tries) },
    };
    weir_result result;
    uint32_t crumb;
    bool kept;

    if (walk->stopped || v->over)
        return;
    if (++v->asks > asks_allowed(n)) {
        misbehaved(v, "was asked too often without an end");
        return;
    }
    if (++walk->asks > WALK_MAX_ASKS) { /* nobody above it is asked either */
        walk->ops->over(walk,
                        failure_format(walk->arena, WEIR_CLASS_INTERNAL,
                                       "the route was asked too often without an end, at last "
                                       "strategy %s at %s",
                                       n->part->name, n->path),
                        INT64_MAX);
        return;
    }
    loop_timer_clear(walk->loop, &v->timer);
    for (uint32_t i = 0; i < n->count; i++)
        walk_view(walk, &n->children[i], &v->views[i]);
    pthread_mutex_lock(&n->state->lock);
    if (walk->ops->asking)
        walk->ops->asking(walk, n, &question);
    crumb = crumb_enter(n->part->crumb);
    result = n->part->strategy.next(n->cfg, &question, &decision);
    crumb_leave(crumb);
    if (walk->ops->decided)
        walk->ops->decided(walk, n, &question, &decision);
    kept = strategy_kept_state(n);
    pthread_mutex_unlock(&n->state->lock);
    if (!kept)
        misbehaved(v, STRATEGY_WROTE_BEYOND);
    else if (result < 0)
        misbehaved(v, "failed");
    else
        visit_obey(v, &decision);
}

/* Asks the visit, now or, inside another ask, when that one is through. A decision leads to one
 * further ask at most, so there is never more than one to remember. */
static void visit_ask(struct visit *v, uint32_t why)
{
    struct walk *walk = v->walk;

    v->why = why;
    walk->due = v;
    if (walk->asking)
        return;
    walk->asking = true;
    while (walk->due) {
        struct visit *next = walk->due;

        walk->due = NULL;
        ask(next);
    }
    walk->asking = false;
}

/* -- from the owner --------------------------------------------------------------------------- */

void walk_start(struct walk *walk, const struct node *root, uint32_t why)
{
    struct visit *again = why == WEIR_ASK_READY ? walk->root : NULL;

    walk->stopped = false;
    walk->asks = 0;
    if (again && again->node == root) { /* who waits long asks often, in the same memory */
        again->try_count = again->asks = 0;
        again->over = false;
    } else {
        walk->root = visit_new(walk, root, NULL);
    }
    if (walk->root)
        visit_ask(walk->root, why);
    else
        walk->ops->over(walk, failure_format(walk->arena, WEIR_CLASS_INTERNAL, "out of memory"),
                        INT64_MAX);
}

void walk_failed(struct walk *walk, struct walk_try *t, const weir_failure *failure, bool silent)
{
    const struct child *leaf = &t->visit->node->children[t->abi.child];
    struct target *target;
    weir_str model;

    walk->running--;
    walk->last_failure = failure;
    t->abi.silent = silent;
    end_try(t, failure);
    /* What was too long for a model stays so: it is not asked the same in another place either. */
    if ((silent || failure->class_id == WEIR_CLASS_CONTEXT_LENGTH) &&
        walk->silent_count < WALK_MAX_SILENT) {
        walk_leaf(walk, leaf, &model, &target);
        walk->silent[walk->silent_count++] = target;
    }
    observe(t, 0, NULL);
    if (!walk->stopped)
        visit_ask(t->visit, WEIR_ASK_FAILED);
}

void walk_committed(struct walk *walk, struct walk_try *t)
{
    (void)walk;
    for (; t; t = t->visit->parent_try)
        t->abi.committed = 1;
}

void walk_succeeded(struct walk *walk, struct walk_try *t, int64_t first_us,
                    const weir_usage *usage)
{
    walk->running--;
    for (; t; t = t->visit->parent_try) {
        end_try(t, NULL);
        observe(t, first_us, usage);
    }
}

void walk_lost(struct walk *walk, struct walk_try *t, const weir_failure *failure)
{
    walk->running--;
    for (; t; t = t->visit->parent_try) {
        end_try(t, failure);
        observe(t, 0, NULL);
        if (has_running(t->visit)) /* the try above goes on with that one */
            return;
    }
}

static void stop_visit(struct visit *v)
{
    loop_timer_clear(v->walk->loop, &v->timer);
    for (uint32_t i = 0; i < v->try_count; i++) {
        if (v->tries[i].below)
            stop_visit(v->tries[i].below);
    }
}

void walk_stop(struct walk *walk)
{
    walk->stopped = true;
    if (walk->root)
        stop_visit(walk->root);
}
