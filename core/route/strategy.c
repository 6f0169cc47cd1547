/*
 * strategy.c - see strategy.h.
 */
#include "route/strategy.h"
#include "base/log.h"
#include "model/failure.h"

#include <string.h>

enum { PAUSE_US = 10000000 }; /* between two lines of the log about a node */

const weir_failure *strategy_fault(struct walk *walk, const struct node *node, const char *what)
{
    struct node_state *s = node->state;
    int64_t now = loop_now(walk->loop), told = __atomic_load_n(&s->told_us, __ATOMIC_RELAXED);

    __atomic_fetch_add(&s->faults, 1, __ATOMIC_RELAXED);
    if ((!told || now - told >= PAUSE_US) &&
        __atomic_compare_exchange_n(&s->told_us, &told, now, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        log_write(LOG_LEVEL_WARNING, "route", "strategy %s at %s %s", node->part->name, node->path,
                  what);
    return failure_format(walk->arena, WEIR_CLASS_INTERNAL, "strategy %s at %s %s",
                          node->part->name, node->path, what);
}

/* Whether what lies behind a block is as it was; it is again afterwards. */
static bool guard_held(void *block, size_t size)
{
    static const char nothing[STATE_GUARD];
    char *guard = (char *)block + size;

    if (memcmp(guard, nothing, STATE_GUARD) == 0)
        return true;
    memset(guard, 0, STATE_GUARD);
    return false;
}

bool strategy_kept_state(const struct node *node)
{
    const struct node_state *s = node->state;
    bool kept = guard_held(s->state, s->state_size);

    for (uint32_t i = 0; s->child_size && i < node->count; i++)
        kept &= guard_held(node->children[i].state, s->child_size);
    return kept;
}
