/*
 * view.c - what a strategy is shown of its children.
 *
 * A leaf is seen through its target record and what this request needs. An inner child is the sum
 * of its leaves: blocked if all of them are, ready when the first is.
 */
#include "base/str.h"
#include "route/walk.h"

static bool is_silent(const struct walk *walk, const struct target *target)
{
    for (uint32_t i = 0; i < walk->silent_count; i++) {
        if (walk->silent[i] == target)
            return true;
    }
    return false;
}

bool walk_leaf(struct walk *walk, const struct child *leaf, weir_str *model, struct target **target)
{
    weir_str fixed = leaf->model;
    bool found = true;

    *model = leaf->model;
    if (!leaf->target) {
        if (walk->forced)
            fixed = walk->asked;
        found = provider_model(leaf->provider, fixed, walk->asked, model);
    }
    *target = leaf->target ? leaf->target
                           : target_get(leaf->provider->name, leaf->provider->base_url, *model);
    return found;
}

static void view_leaf(struct walk *walk, const struct child *leaf, weir_child *view)
{
    const struct provider *p = leaf->provider;
    struct target_estimates e;
    struct target *t;
    weir_str model;
    int64_t ready;
    bool found = walk_leaf(walk, leaf, &model, &t);
    uint32_t lasting = 0;

    view->can = p->face->can;
    if (!found && (walk->facts->op == WEIR_OP_CHAT || walk->facts->op == WEIR_OP_EMBED))
        lasting |= WEIR_BLOCKED_MODEL;
    if ((!(p->face->ops & WEIR_OP_BIT(walk->facts->op)) && !p->stand_in) ||
        (walk->native.len && !provider_speaks(p, walk->native)))
        lasting |= WEIR_BLOCKED_OPERATION;
    if (walk->facts->needs & ~view->can)
        lasting |= WEIR_BLOCKED_CAPABILITY;
    if (p->stand_in)
        lasting |= WEIR_BLOCKED_BREAKER;
    if (is_silent(walk, t))
        lasting |= WEIR_BLOCKED_SILENT;
    view->blocked = target_blocked(t, &p->limits, loop_now(walk->loop), &ready) | lasting;
    view->ready_us = lasting ? INT64_MAX : ready;
    e = target_estimate(t);
    view->inflight = (uint32_t)__atomic_load_n(&t->inflight, __ATOMIC_RELAXED);
    view->inflight_tokens = __atomic_load_n(&t->inflight_tokens, __ATOMIC_RELAXED);
    view->ttft_us = e.ttft_us;
    view->ttft_p95_us = e.ttft_p95_us;
    view->tpot_ns = e.tpot_ns;
    view->samples = e.samples;
    view->error_ppm = e.error_ppm;
    view->headroom_ppm = 1000000;
    view->max_retries = p->config->max_retries;
    view->price_in = view->price_out = -1;
}

static int64_t lower(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static void view_node(struct walk *walk, const struct node *node, weir_child *view, int depth)
{
    uint32_t blocked = 0;
    int64_t ready = INT64_MAX;
    bool free = false;

    view->can = 0;
    view->max_retries = -1;
    view->ttft_us = view->ttft_p95_us = view->tpot_ns = view->price_in = view->price_out = -1;
    for (uint32_t i = 0; i < node->count && depth < WALK_MAX_DEPTH; i++) {
        weir_child below = { .struct_size = sizeof(below) };

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
        view->error_ppm =
            i == 0 || below.error_ppm < view->error_ppm ? below.error_ppm : view->error_ppm;
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
