/*
 * pick.h - what balancers have in common: which children may be picked, how loaded they are, draws
 * by chance, the median of what peers know.
 *
 * A balancer offers WEIR_BALANCE_OPTIONS, reads `on` with weir_classes_read(), and begins its
 * next() with weir_balance_open(). All of it is pure: chance comes from ask->seed.
 */
#ifndef WEIR_SDK_PICK_H
#define WEIR_SDK_PICK_H

#include <weir/sdk/strategy.h>

/* The two options of every balancer; both may be given to O as rows of its own table. */
#define WEIR_BALANCE_OPTIONS(O)                                                                 \
    O(CHILDREN, "across", NULL, NULL, WEIR_OPTION_REQUIRED, "children that share the requests") \
    WEIR_ON_OPTION(O)
#define WEIR_ON_OPTION(O)                                                                    \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")

/* -- which children --------------------------------------------------------------------------- */

/* "gpt-4o" of "openai/gpt-4o" and "openai/gpt-4o#2"; empty if the name tells no model. */
static inline weir_str weir_child_model(const weir_child *child)
{
    weir_str model = weir_str_make("", 0);

    for (size_t i = 0; i < child->name.len; i++) {
        if (child->name.ptr[i] == '/') {
            model = weir_str_skip(child->name, i + 1);
            break;
        }
    }
    for (size_t i = model.len; i-- > 0 && model.ptr[i] != '/';) {
        if (model.ptr[i] == '#')
            model.len = i;
    }
    return model;
}

/* Whether a request that was too long for `small` may fit `child`: its window is larger, or one of
 * the two is unknown and it is not the same model. */
static inline bool weir_child_larger(const weir_child *child, const weir_child *small)
{
    weir_str model = weir_child_model(child);

    if (child->context_window > 0 && small->context_window > 0)
        return child->context_window > small->context_window;
    return model.len == 0 || !weir_str_equal(model, weir_child_model(small));
}

/* Whether nothing that this request met says that it is too long for the child. */
static inline bool weir_child_fits(const weir_ask *ask, uint32_t child)
{
    for (uint32_t i = 0; i < ask->tries.count; i++) {
        const weir_try *t = weir_try_at(ask, i);

        if (t->failure && weir_class_of(t->failure) == WEIR_CLASS_CONTEXT_LENGTH &&
            t->child < ask->children.count &&
            !weir_child_larger(weir_child_at(ask, child), weir_child_at(ask, t->child)))
            return false;
    }
    return true;
}

/* Whether the child may be picked now: not blocked, and after a failure not tried and not too
 * small. */
static inline bool weir_child_open(const weir_ask *ask, uint32_t child)
{
    if (ask->why != WEIR_ASK_FAILED && ask->why != WEIR_ASK_TIMER)
        return !weir_child_at(ask, child)->blocked;
    return weir_child_fresh(ask, child) && weir_child_fits(ask, child);
}

/* How many children may be picked. */
static inline uint32_t weir_open_count(const weir_ask *ask)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < ask->children.count; i++)
        n += weir_child_open(ask, i);
    return n;
}

/* The nth of those, from 0; WEIR_NO_CHILD if there are fewer. */
static inline uint32_t weir_open_at(const weir_ask *ask, uint32_t nth)
{
    for (uint32_t i = 0; i < ask->children.count; i++) {
        if (weir_child_open(ask, i) && nth-- == 0)
            return i;
    }
    return WEIR_NO_CHILD;
}

/* The beginning of a balancer's next(). False: there is nothing to choose, `d` says why. */
static inline bool weir_balance_open(const weir_ask *ask, uint32_t on, weir_decision *d)
{
    const weir_try *last = ask->why == WEIR_ASK_FAILED ? weir_last_failed(ask) : NULL;

    if (ask->why == WEIR_ASK_TIMER || (ask->why == WEIR_ASK_FAILED && !last)) {
        weir_decide_wait(d, "for what runs");
        return false;
    }
    if (last && !weir_classes_have(on, last->failure)) {
        weir_decide_give_up(d, last->failure, "the failure is not in `on`");
        return false;
    }
    if (weir_open_count(ask) == 0) {
        weir_decide_give_up(d, last ? last->failure : NULL, "no child is left");
        return false;
    }
    return true;
}

/* -- chance ----------------------------------------------------------------------------------- */

/* From 0 to below n; 0 if n is. */
static inline uint64_t weir_random_below(uint64_t *state, uint64_t n)
{
    uint64_t limit, draw;

    if (n == 0)
        return 0;
    limit = UINT64_MAX - UINT64_MAX % n; /* beyond it some numbers would come more often */
    do
        draw = weir_random(state);
    while (draw >= limit);
    return draw % n;
}

/* -- load ------------------------------------------------------------------------------------- */

/* What a request in flight counts besides its tokens: also a short one is work, and of some the
 * tokens are not known. */
#define WEIR_LOAD_PER_REQUEST 100

/* How busy a child is, in tokens. */
static inline int64_t weir_child_load(const weir_child *child)
{
    int64_t tokens = child->inflight_tokens > 0 ? child->inflight_tokens : 0;

    return tokens + (int64_t)child->inflight * WEIR_LOAD_PER_REQUEST;
}

/* What a strategy prefers little of. */
typedef double (*weir_cost_fn)(const void *cfg, const weir_ask *ask, uint32_t child);

/* The open child that costs least, equals by chance; WEIR_NO_CHILD if none is open. A cost below 0
 * leaves the child out. */
static inline uint32_t weir_cheapest_open(const void *cfg, const weir_ask *ask, weir_cost_fn cost,
                                          double *least)
{
    uint64_t seed = ask->seed;
    uint32_t best = WEIR_NO_CHILD, equals = 0;

    for (uint32_t i = 0; i < ask->children.count; i++) {
        double c = weir_child_open(ask, i) ? cost(cfg, ask, i) : -1;

        if (c < 0 || (best != WEIR_NO_CHILD && c > *least))
            continue;
        equals = best != WEIR_NO_CHILD && c >= *least ? equals + 1 : 1;
        if (weir_random_below(&seed, equals) == 0)
            best = i;
        *least = c;
    }
    return best;
}

/* -- what peers know -------------------------------------------------------------------------- */

/* The median of those values that are known (0 or more), at most the first 64; -1: none is. */
typedef int64_t (*weir_known_fn)(const weir_child *child);

static inline int64_t weir_peers_median(const weir_ask *ask, weir_known_fn known)
{
    int64_t sorted[64];
    uint32_t n = 0;

    for (uint32_t i = 0; i < ask->children.count && n < 64; i++) {
        int64_t value = known(weir_child_at(ask, i));
        uint32_t at = n;

        if (value < 0)
            continue;
        for (; at > 0 && sorted[at - 1] > value; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = value;
        n++;
    }
    return n ? sorted[(n - 1) / 2] : -1;
}

/* -- tokens ----------------------------------------------------------------------------------- */

/* How many tokens the answer is thought to have: `usual`, unless the request allows fewer. */
static inline int64_t weir_expected_output(const weir_facts *facts, int64_t usual)
{
    return facts->output_tokens >= 0 && facts->output_tokens < usual ? facts->output_tokens : usual;
}

/* -- shares ----------------------------------------------------------------------------------- */

/* A share of something that is never exceeded: each occasion earns a part, each use costs a whole
 * one. In millionths; kept in a state block, zero at first. */
static inline void weir_share_earn(int64_t *credit, int64_t part, int64_t most)
{
    *credit += part;
    if (*credit > most)
        *credit = most;
}

static inline bool weir_share_take(int64_t *credit, int64_t whole)
{
    if (*credit < whole)
        return false;
    *credit -= whole;
    return true;
}

#endif
