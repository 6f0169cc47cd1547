/*
 * view.c - what a strategy is shown of its children.
 *
 * A leaf is seen through its target record and what this request needs. An inner child is the sum
 * of its leaves: blocked if all of them are, ready when the first is.
 */
#include "base/str.h"
#include "route/needs.h"
#include "route/opaque.h"
#include "route/walk.h"

#include <stdio.h>

static bool is_silent(const struct walk *walk, const struct target *target)
{
    for (uint32_t i = 0; i < walk->silent_count; i++) {
        if (walk->silent[i] == target)
            return true;
    }
    return false;
}

/* A strategy is shown its leaves at every ask, and names are looked up by their bytes. */
static struct walk_leaf *look_up(struct walk *walk, const struct child *leaf)
{
    struct walk_leaf *l = walk->leaves;

    for (unsigned i = 0; i < WALK_LEAVES; i++) {
        if (l[i].leaf == leaf)
            return &l[i];
    }
    l = &walk->leaves[walk->leaf_next++ % WALK_LEAVES];
    l->leaf = leaf;
    l->model = S("");
    l->found = provider_model(leaf->provider, walk->forced ? walk->asked : leaf->model, walk->asked,
                              &l->model);
    l->target = target_get(leaf->provider->name, leaf->provider->base_url, l->model);
    return l;
}

bool walk_leaf(struct walk *walk, const struct child *leaf, weir_str *model, struct target **target)
{
    const struct walk_leaf *l;

    if (walk->facts->op == WEIR_OP_MODELS) {
        *model = walk->asked;
        *target = target_get(leaf->provider->name, leaf->provider->base_url, S(TARGET_LIST));
        return true;
    }
    if (leaf->target) {
        *model = leaf->model;
        *target = leaf->target;
        return true;
    }
    l = look_up(walk, leaf);
    *model = l->model;
    *target = l->target;
    return l->found;
}

int64_t walk_price(const struct walk *walk, const struct provider *p, const struct target *target,
                   weir_str model)
{
    return catalogue_estimate(known_of(p->known, p->config, target, model),
                              walk->facts->input_tokens, walk->facts->output_tokens);
}

/* Whether the attempt would cost more than is left. What nobody knows the price of is let pass. */
static bool is_too_dear(const struct walk *walk, const struct catalogue_record *known)
{
    int64_t left = walk->budget.money_left;

    return left >= 0 && known && known->priced &&
           (left == 0 || catalogue_estimate(known, walk->facts->input_tokens,
                                            walk->facts->output_tokens) > left);
}

const struct limits *walk_limits(const struct walk *walk, const struct provider *p)
{
    static const struct limits none;

    return walk->facts->op == WEIR_OP_MODELS ? &none : &p->limits;
}

static unsigned leaf_limit_words(struct walk *walk, const struct child *leaf, char *text,
                                 size_t size)
{
    const struct provider *p = leaf->provider;
    const struct limits *limits = walk_limits(walk, p);
    int64_t now = loop_now(walk->loop), ready;
    enum limit_kind kind = limit_blocks(limits, now, walk->tokens, &ready);
    struct target *t;
    weir_str model;
    char words[64];

    walk_leaf(walk, leaf, &model, &t);
    if (kind) {
        limit_words(&limits->rule, kind, words, sizeof words);
        snprintf(text, size, "provider %s is at its configured rate limit of %s", p->config->name,
                 words);
    } else if (!limits->rule.unlearned && learned_ready(&t->learned, now)) {
        snprintf(text, size, "%s is at the %.0f requests a minute that its vendor lets through",
                 t->name, (double)learned_ceiling(&t->learned) / 1000);
    } else {
        snprintf(text, size, "%s would cost more than is left of the route's money (%.6f dollars)",
                 t->name, (double)walk->budget.money_left / 1e6);
        return WEIR_CLASS_BUDGET;
    }
    return WEIR_CLASS_RATE_LIMIT;
}

unsigned walk_limit_words(struct walk *walk, const struct child *child, char *text, size_t size)
{
    weir_child view;

    for (int depth = 0; child->kind == CHILD_NODE && depth < WALK_MAX_DEPTH; depth++) {
        const struct node *node = child->node;

        for (uint32_t i = 0; i < node->count; i++) {
            walk_view(walk, &node->children[i], &view);
            if (i + 1 == node->count || (view.blocked & WEIR_BLOCKED_LIMIT)) {
                child = &node->children[i];
                break;
            }
        }
    }
    if (child->kind == CHILD_LEAF)
        return leaf_limit_words(walk, child, text, size);
    snprintf(text, size, "%.*s is at a limit", S_ARG(child->name));
    return WEIR_CLASS_RATE_LIMIT;
}

static void view_leaf(struct walk *walk, const struct child *leaf, weir_child *view)
{
    const struct provider *p = leaf->provider;
    const struct limits *limits = walk_limits(walk, p);
    const struct catalogue_record *known;
    int64_t now = loop_now(walk->loop);
    struct target_estimates e;
    struct target *t;
    weir_str model;
    int64_t ready;
    bool found = walk_leaf(walk, leaf, &model, &t);
    uint32_t lasting = 0;

    known = known_of(p->known, p->config, t, model);
    view->can = p->face->can & ~(known ? known->lacks : 0);
    if (!found && (walk->facts->op == WEIR_OP_CHAT || walk->facts->op == WEIR_OP_EMBED ||
                   walk->facts->op == WEIR_OP_COUNT))
        lasting |= WEIR_BLOCKED_MODEL;
    if ((!(p->face->ops & WEIR_OP_BIT(walk->facts->op)) && !p->stand_in) ||
        (walk->native.len && !provider_speaks(p, walk->native)))
        lasting |= WEIR_BLOCKED_OPERATION;
    if (needs_missing(walk->facts->needs, view->can, walk->strict))
        lasting |= WEIR_BLOCKED_CAPABILITY;
    if (walk->prefill && !(view->can & WEIR_CAN_PREFILL))
        lasting |= WEIR_BLOCKED_PREFILL;
    if (walk->opaque && !opaque_allows(walk->opaque, p))
        lasting |= WEIR_BLOCKED_OWNER;
    if (p->stand_in)
        lasting |= WEIR_BLOCKED_BREAKER;
    if (is_silent(walk, t))
        lasting |= WEIR_BLOCKED_SILENT;
    if (is_too_dear(walk, known))
        lasting |= WEIR_BLOCKED_LIMIT;
    view->blocked = target_blocked(t, limits, now, walk->tokens, &ready) | lasting;
    view->ready_us = lasting ? INT64_MAX : ready;
    e = target_estimate(t);
    view->inflight = (uint32_t)__atomic_load_n(&t->inflight, __ATOMIC_RELAXED);
    view->inflight_tokens = __atomic_load_n(&t->inflight_tokens, __ATOMIC_RELAXED);
    view->ttft_us = e.ttft_us;
    view->ttft_p95_us = e.ttft_p95_us;
    view->tpot_ns = e.tpot_ns;
    view->samples = e.samples;
    view->error_ppm = e.error_ppm;
    view->headroom_ppm = limits->rule.unlearned ? 1000000 : learned_headroom(&t->learned, now);
    if (limits->used)
        view->headroom_ppm = MIN(view->headroom_ppm, limit_headroom(limits, now));
    view->max_retries = p->config->max_retries;
    view->price_in = known ? known->price.input : -1;
    view->price_out = known ? known->price.output : -1;
    view->context_window = known ? known->context_window : -1;
    view->max_output_tokens = known ? known->max_output_tokens : -1;
    if (walk->ops && walk->ops->leaf)
        walk->ops->leaf(walk, t, view);
}

static int64_t lower(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int64_t higher(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void view_node(struct walk *walk, const struct node *node, weir_child *view, int depth)
{
    uint32_t blocked = 0;
    int64_t ready = INT64_MAX;
    bool free = false, any = false;

    view->can = 0;
    view->max_retries = 0; /* what is within decides of its own tries */
    view->ttft_us = view->ttft_p95_us = view->tpot_ns = view->price_in = view->price_out = -1;
    view->context_window = view->max_output_tokens = -1;
    for (uint32_t i = 0; i < node->count && depth < WALK_MAX_DEPTH; i++) {
        weir_child below = { .struct_size = sizeof(below) };

        if (node->children[i].copy)
            continue;
        if (node->children[i].kind == CHILD_LEAF)
            view_leaf(walk, &node->children[i], &below);
        else
            view_node(walk, node->children[i].node, &below, depth + 1);
        free |= below.blocked == 0;
        blocked |= below.blocked;
        ready = below.ready_us < ready ? below.ready_us : ready;
        view->can |= below.can;
        view->inflight += below.inflight;
        view->inflight_tokens += below.inflight_tokens;
        view->samples += below.samples;
        view->ttft_us = lower(view->ttft_us, below.ttft_us);
        view->ttft_p95_us = lower(view->ttft_p95_us, below.ttft_p95_us);
        view->tpot_ns = lower(view->tpot_ns, below.tpot_ns);
        view->price_in = lower(view->price_in, below.price_in);
        view->price_out = lower(view->price_out, below.price_out);
        view->context_window = higher(view->context_window, below.context_window);
        view->max_output_tokens = higher(view->max_output_tokens, below.max_output_tokens);
        view->error_ppm =
            !any || below.error_ppm < view->error_ppm ? below.error_ppm : view->error_ppm;
        any = true;
        view->headroom_ppm =
            below.headroom_ppm > view->headroom_ppm ? below.headroom_ppm : view->headroom_ppm;
    }
    view->blocked = free ? 0 : blocked;
    view->ready_us = free ? 0 : ready;
}

void walk_view(struct walk *walk, const struct child *child, weir_child *view)
{
    *view =
        (weir_child){ .struct_size = sizeof(*view), .name = child->name, .state = child->state };
    if (child->kind == CHILD_LEAF)
        view_leaf(walk, child, view);
    else
        view_node(walk, child->node, view, 0);
}
