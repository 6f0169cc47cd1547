/*
 * weighted - shares requests among its children by weight.
 *
 *   weighted:
 *     across: { openai: 0.7, anthropic: 0.3 }
 *     on: [rate_limit, timeout, server_error]
 *
 * across  the children with their weights; any numbers, only their proportion counts. A child with
 *         weight 0 is picked only when no other is left.
 * on      failures that move the request to another child; any other ends the node. As in
 *         failover.
 *
 * First picks are spread smoothly (a a b a a b, not a a a a b b) and exactly. Blocked children are
 * left out and their share falls to the others. After a failure one of the children not yet tried
 * is drawn by weight; such a draw is not counted against the child's share, or else a child that
 * fails fast would gather ever more first picks. What was too long for one child goes to one with a
 * larger window only.
 */
#include <math.h>

#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define WEIGHTED_OPTIONS(O)                                                                  \
    O(CHILDREN, "across", NULL, NULL, WEIR_OPTION_REQUIRED, "children with their weights")   \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")
#define WEIGHTED_CHILD_OPTIONS(O) \
    O(NUMBER, "weight", "1", NULL, WEIR_OPTION_RELOADABLE, "share of the requests")

static const weir_option weighted_options[] = { WEIGHTED_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option weighted_child_options[] = { WEIGHTED_CHILD_OPTIONS(WEIR_OPTION_ROW) };
static const weir_children weighted_children = { sizeof(weir_children), 0, "weight", NULL };

/* Weights are kept as millionths, so that sums are exact. */
#define WEIGHTED_UNIT 1000000.0
#define WEIGHTED_MAX  1000000.0

struct weighted {
    uint32_t on; /* set of classes */
    uint32_t count;
    int64_t weight[]; /* by child */
};

/* Per child: how far it is ahead of (negative) or behind its share. */
struct weighted_child {
    int64_t credit;
};

static weir_result weighted_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    uint32_t across = weir_json_find(options, 0, "across");
    uint32_t count = weir_json_count(options, across);
    int64_t total = 0;
    struct weighted *w =
        (struct weighted *)calloc(1, sizeof(*w) + (size_t)count * sizeof(w->weight[0]));
    (void)host;

    if (!w)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    w->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    w->count = count;
    WEIR_JSON_EACH_ITEM(options, across, item)
    {
        int64_t child = -1;
        double weight = 1;

        weir_json_double(options, weir_json_find(options, item, "weight"), &weight);
        if (!(weight >= 0 && weight <= WEIGHTED_MAX)) {
            free(w);
            return weir_error_set(error, WEIR_INVALID, "weight", "must be from 0 to 1000000");
        }
        if (weir_json_int64(options, weir_json_find(options, item, "child"), &child) &&
            child >= 0 && child < count)
            total += w->weight[child] = llround(weight * WEIGHTED_UNIT);
    }
    if (total == 0) {
        free(w);
        return weir_error_set(error, WEIR_INVALID, "weight",
                              "is 0 for all children; give more to those that are to be asked");
    }
    *cfg = w;
    return WEIR_OK;
}

static void weighted_release(void *cfg)
{
    free(cfg);
}

static int64_t weighted_of(const struct weighted *w, uint32_t child)
{
    return child < w->count ? w->weight[child] : 0;
}

/* A child of weight 0 that may be picked, for when no other can be. */
static weir_result weighted_spare(const weir_ask *ask, weir_decision *d, const weir_failure *last)
{
    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        if (weir_child_open(ask, i))
            return weir_decide_pick(d, i, "only children of weight 0 are left");
    }
    return weir_decide_give_up(d, last, "no child is left");
}

/* Smooth weighted round robin: everybody earns its weight, the richest is picked and pays what all
 * have earned. */
static weir_result weighted_turn(const struct weighted *w, const weir_ask *ask, weir_decision *d)
{
    struct weighted_child *best = NULL;
    int64_t total = 0;

    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        const weir_child *child = weir_child_at(ask, i);
        struct weighted_child *state = (struct weighted_child *)child->state;

        if (child->blocked || weighted_of(w, i) == 0)
            continue;
        state->credit += weighted_of(w, i);
        total += weighted_of(w, i);
        if (!best || state->credit > best->credit) {
            best = state;
            d->child = i;
        }
    }
    if (!best)
        return weighted_spare(ask, d, NULL);
    best->credit -= total;
    d->number[0] = weighted_of(w, d->child);
    d->number[1] = total;
    return weir_decide_pick(d, d->child, "its share");
}

static weir_result weighted_failed(const struct weighted *w, const weir_ask *ask, weir_decision *d)
{
    const weir_try *last = weir_last_failed(ask);
    uint64_t seed = ask->seed;
    int64_t total = 0, draw;

    if (!last)
        return weir_decide_wait(d, "for what runs");
    if (!weir_classes_have(w->on, last->failure))
        return weir_decide_give_up(d, last->failure, "the failure is not in `on`");
    for (uint32_t i = 0; i < weir_child_count(ask); i++)
        total += weir_child_open(ask, i) ? weighted_of(w, i) : 0;
    if (total == 0)
        return weighted_spare(ask, d, last->failure);
    draw = (int64_t)(weir_random(&seed) % (uint64_t)total);
    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        draw -= weir_child_open(ask, i) ? weighted_of(w, i) : 0;
        if (draw < 0)
            return weir_decide_pick(d, i, "drawn among those not tried");
    }
    return WEIR_INTERNAL;
}

static weir_result weighted_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct weighted *w = (const struct weighted *)cfg;

    if (ask->why == WEIR_ASK_FAILED)
        return weighted_failed(w, ask, d);
    if (ask->why == WEIR_ASK_TIMER)
        return weir_decide_wait(d, "for what runs");
    return weighted_turn(w, ask, d);
}

static const weir_strategy_v1 weighted_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .child_state_size = sizeof(struct weighted_child),
    .state_version = 1,
    .options = WEIR_ARRAY_OF(weighted_options),
    .child_options = WEIR_ARRAY_OF(weighted_child_options),
    .children = &weighted_children,
    .configure = weighted_configure,
    .release = weighted_release,
    .next = weighted_next,
};

static const weir_part weighted_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "weighted",
                                         &weighted_face };
static const weir_part *const weighted_parts[] = { &weighted_part };

WEIR_PLUGIN("weir.weighted", "1.0", weighted_parts,
            WEIR_TEXT_PART("strategy", "weighted", WEIGHTED_OPTIONS)
                WEIR_TEXT_CHILD(WEIGHTED_CHILD_OPTIONS))
