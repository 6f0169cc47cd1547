/*
 * trace.c - see trace.h.
 */
#include "route/trace.h"

#include <string.h>

enum { TRACE_ASKS = 256, TRACE_BYTES = 256 * 1024 };

static void *copy(struct trace *t, struct walk *walk, const void *bytes, size_t size)
{
    void *out = size && bytes ? arena_alloc(walk->arena, size) : NULL;

    t->full |= size && bytes && !out;
    t->bytes += size;
    return out ? memcpy(out, bytes, size) : NULL;
}

static void copy_tries(struct trace *t, struct trace_ask *a, struct walk *walk)
{
    weir_array *tries = &a->ask.tries;
    weir_try *out = arena_alloc(walk->arena, sizeof(*out) * (tries->count + 1));

    t->full |= !out;
    for (uint32_t i = 0; out && i < tries->count; i++)
        out[i] = *(const weir_try *)((const char *)tries->items + (size_t)i * tries->stride);
    t->bytes += sizeof(*out) * tries->count;
    *tries = (weir_array){ out, tries->count, sizeof(*out) };
}

static void copy_children(struct trace *t, struct trace_ask *a, struct walk *walk)
{
    const struct node *n = a->node;
    weir_child *children =
        copy(t, walk, a->ask.children.items, sizeof(*children) * a->ask.children.count);

    a->targets = arena_zalloc(walk->arena, sizeof(*a->targets) * (n->count + 1));
    a->ask.children.items = children;
    a->ask.children.stride = sizeof(*children);
    t->full |= !a->targets;
    for (uint32_t i = 0; !t->full && i < n->count; i++) {
        struct target *target;
        weir_str model;

        children[i].state = copy(t, walk, children[i].state, n->part->strategy.child_state_size);
        if (n->children[i].kind != CHILD_LEAF)
            continue;
        walk_leaf(walk, &n->children[i], &model, &target);
        a->targets[i] = target;
    }
}

void trace_asking(struct trace *t, struct walk *walk, const struct node *node, const weir_ask *ask)
{
    struct trace_ask *a;

    if (t->full || t->count == TRACE_ASKS || t->bytes > TRACE_BYTES) {
        t->full = true;
        return;
    }
    a = arena_zalloc(walk->arena, sizeof(*a));
    if (!a) {
        t->full = true;
        return;
    }
    a->node = node;
    a->ask = *ask;
    a->ask.budget = copy(t, walk, ask->budget, sizeof(*ask->budget));
    a->ask.state = copy(t, walk, ask->state, node->part->strategy.state_size);
    copy_tries(t, a, walk);
    copy_children(t, a, walk);
    if (t->full)
        return;
    t->count++;
    *(t->first ? &t->last->next : &t->first) = a;
    t->last = a;
}

void trace_decided(struct trace *t, const weir_decision *decision)
{
    if (!t->full && t->last)
        t->last->decision = *decision;
}

const char *trace_why(uint32_t why)
{
    static const char *const names[] = { "start", "failed", "timer", "ready" };

    return why < sizeof names / sizeof names[0] ? names[why] : "?";
}

const char *trace_verb(uint32_t verb)
{
    static const char *const names[] = { "none", "pick", "wait", "give_up", "refuse" };

    return verb < sizeof names / sizeof names[0] ? names[verb] : "none";
}

void trace_blocks(uint32_t blocked, char *out, size_t size)
{
#define WEIR_BLOCK_NAME(id, bit, name) [bit] = name,
    static const char *const names[32] = { WEIR_BLOCKS(WEIR_BLOCK_NAME) };
#undef WEIR_BLOCK_NAME
    size_t used = 0;

    *out = '\0';
    for (uint32_t i = 0; i < 32; i++) {
        const char *name = names[i] ? names[i] : "other";

        if (!(blocked & 1u << i) || used + strlen(name) + 3 > size)
            continue;
        if (used)
            used += (size_t)(stpcpy(out + used, ", ") - (out + used));
        used += (size_t)(stpcpy(out + used, name) - (out + used));
    }
}
