/*
 * router.h - what routers share: they send a request to the child that a rule names, and nowhere
 * else.
 */
#ifndef WEIR_SDK_ROUTER_H
#define WEIR_SDK_ROUTER_H

#include <weir/sdk/configure.h>
#include <weir/sdk/str.h>
#include <weir/sdk/strategy.h>

/* The child of an element of a list of children; WEIR_NO_CHILD: it names none. */
static inline uint32_t weir_route_child(const weir_json *options, uint32_t item)
{
    int64_t child = -1;

    weir_json_int64(options, weir_json_find(options, item, "child"), &child);
    return child >= 0 && child < UINT32_MAX ? (uint32_t)child : WEIR_NO_CHILD;
}

/* A rule that takes every request can only be the last: those behind it would never be looked at.
 * `rest` is how many there are. */
static inline weir_result weir_route_rest(uint32_t rest, const char *option, weir_error *error)
{
    return rest == 0 ? WEIR_OK
                     : weir_error_set(error, WEIR_INVALID, option,
                                      "a rule that takes every request stands before others, which "
                                      "nothing would reach; make it the last");
}

/* Whether the ask is about what was decided before; then the decision is made: a router does not
 * choose again. */
static inline bool weir_route_is_over(const weir_ask *ask, weir_decision *d)
{
    const weir_try *last = weir_last_failed(ask);

    if (ask->why == WEIR_ASK_FAILED)
        weir_decide_give_up(d, last ? last->failure : NULL, "the child that matched failed");
    else if (ask->why == WEIR_ASK_TIMER)
        weir_decide_wait(d, "for what runs");
    else
        return false;
    return true;
}

/* To the child of rule number `rule`. If it is blocked the node gives up. */
static inline weir_result weir_route_to(const weir_ask *ask, weir_decision *d, uint32_t child,
                                        uint32_t rule, const char *reason)
{
    d->number[0] = rule;
    if (child >= weir_child_count(ask) || weir_child_at(ask, child)->blocked)
        return weir_decide_give_up(d, NULL, "the child that matched is blocked");
    return weir_decide_pick(d, child, reason);
}

/* Whether a child can do what the request needs and takes as much as it says. What is not known of
 * a child does not speak against it. */
static inline bool weir_child_serves(const weir_ask *ask, uint32_t child)
{
    const weir_child *c = weir_child_at(ask, child);
    const weir_facts *f = ask->facts;
    int64_t output = f->output_tokens > 0 ? f->output_tokens : 0;

    if (f->needs & ~c->can)
        return false;
    if (c->max_output_tokens > 0 && output > c->max_output_tokens)
        return false;
    return c->context_window <= 0 || f->input_tokens <= 0 ||
           f->input_tokens <= c->context_window - output;
}

#endif
