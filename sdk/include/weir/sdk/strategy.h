/*
 * strategy.h - reads a weir_ask and fills a weir_decision.
 */
#ifndef WEIR_SDK_STRATEGY_H
#define WEIR_SDK_STRATEGY_H

#include <weir/sdk/failure.h>
#include <weir/strategy.h>

static inline uint32_t weir_child_count(const weir_ask *ask)
{
    return ask->children.count;
}

static inline const weir_child *weir_child_at(const weir_ask *ask, uint32_t i)
{
    return (const weir_child *)(const void *)((const char *)ask->children.items +
                                              (size_t)i * ask->children.stride);
}

static inline const weir_try *weir_try_at(const weir_ask *ask, uint32_t i)
{
    return (const weir_try *)(const void *)((const char *)ask->tries.items +
                                            (size_t)i * ask->tries.stride);
}

/* How often this request has been at that child through this node. */
static inline uint32_t weir_tries_at(const weir_ask *ask, uint32_t child)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < ask->tries.count; i++)
        n += weir_try_at(ask, i)->child == child;
    return n;
}

/* The try that ended last, or NULL. */
static inline const weir_try *weir_last_failed(const weir_ask *ask)
{
    const weir_try *last = NULL;

    for (uint32_t i = 0; i < ask->tries.count; i++) {
        const weir_try *t = weir_try_at(ask, i);

        if (!t->running && t->failure && (!last || t->end_us >= last->end_us))
            last = t;
    }
    return last;
}

/* Whether a child may be picked, and this request has not been there yet. */
static inline bool weir_child_fresh(const weir_ask *ask, uint32_t child)
{
    return !weir_child_at(ask, child)->blocked && weir_tries_at(ask, child) == 0;
}

static inline weir_result weir_decide_pick(weir_decision *d, uint32_t child, const char *reason)
{
    d->verb = WEIR_PICK;
    d->child = child;
    d->reason = reason;
    return WEIR_OK;
}

/* `failure` (may be NULL) is passed on to the parent. */
static inline weir_result weir_decide_give_up(weir_decision *d, const weir_failure *failure,
                                              const char *reason)
{
    d->verb = WEIR_GIVE_UP;
    d->failure_class = failure ? failure->class_id : 0;
    d->reason = reason;
    return WEIR_OK;
}

static inline weir_result weir_decide_wait(weir_decision *d, const char *reason)
{
    d->verb = WEIR_WAIT;
    d->reason = reason;
    return WEIR_OK;
}

static inline weir_result weir_decide_refuse(weir_decision *d, uint16_t failure_class,
                                             const char *reason)
{
    d->verb = WEIR_REFUSE;
    d->failure_class = failure_class;
    d->reason = reason;
    return WEIR_OK;
}

/* The next number of a small generator (splitmix64); `*state` starts as ask->seed. */
static inline uint64_t weir_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A hash of `s`, different for different `seed`. The same on every machine. */
static inline uint64_t weir_hash(uint64_t seed, weir_str s)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325) ^ seed;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001B3);
    return weir_random(&h);
}

#endif
