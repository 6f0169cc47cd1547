/*
 * opaque.c - see opaque.h.
 */
#include "route/opaque.h"
#include "base/str.h"
#include "route/owner.h"
#include "route/walk.h"

/* -- what the request carries ----------------------------------------------------------------- */

static bool same(const struct provider *a, const struct provider *b)
{
    return a == b || (a->config->part == b->config->part && str_eq(a->base_url, b->base_url) &&
                      str_eq(a->key, b->key));
}

static bool has(const struct opaque_owners *owners, const struct provider *p)
{
    for (uint32_t i = 0; i < owners->count; i++) {
        if (same(owners->provider[i], p))
            return true;
    }
    return false;
}

static void add_owner(struct opaque_owners *owners, const struct provider *p, weir_text value)
{
    if (has(owners, p))
        return;
    if (owners->count == OPAQUE_MAX_OWNERS) {
        owners->more = true;
        return;
    }
    owners->provider[owners->count] = p;
    owners->value[owners->count++] = value;
}

/* A provider that is configured no more, or is another one by now, owns nothing. */
static const struct provider *find_owner(const struct opaque *o, weir_text value, int64_t now_us)
{
    const struct provider *p;
    struct owner owner;

    if (!owner_find(value, now_us, &owner))
        return NULL;
    p = tree_provider(o->tree, str_of(owner.provider));
    return p && strcmp(p->config->part->name, owner.part) == 0 ? p : NULL;
}

void opaque_add(struct opaque *o, weir_text value, bool required, int64_t now_us)
{
    const struct provider *owner = find_owner(o, value, now_us);

    if (owner)
        add_owner(required ? &o->required : &o->optional, owner, value);
    else if (!required)
        o->unknown_optional = true;
    else if (!o->unknown_required.len)
        o->unknown_required = value;
}

/* -- where it may go -------------------------------------------------------------------------- */

bool opaque_allows(const struct opaque *o, const struct provider *p)
{
    const struct opaque_owners *r = &o->required;

    if (r->more || r->count > 1 || (r->count && !has(r, p)))
        return false;
    if (o->unknown_required.len && !provider_speaks(p, o->dialect))
        return false;
    if (r->count || o->strip || !o->optional.count)
        return true;
    return has(&o->optional, p);
}

bool opaque_is_foreign(const struct opaque *o, const struct provider *p)
{
    /* To leave out what is foreign is to leave out all: not where the request needs some of it. */
    if (o->required.count || o->unknown_required.len)
        return false;
    if (o->optional.count > 1 || (o->optional.count && !has(&o->optional, p)))
        return true;
    return o->unknown_optional && !provider_speaks(p, o->dialect);
}

const struct provider *opaque_owner(const struct opaque *o)
{
    return o->required.count == 1 ? o->required.provider[0] : NULL;
}

/* -- who is left ------------------------------------------------------------------------------ */

struct search {
    const struct opaque *o;
    unsigned op;
    const struct provider **found;
    uint32_t count, max;
};

static void look_at(struct search *s, const struct provider *p)
{
    bool able = !p->stand_in && p->face->ops & WEIR_OP_BIT(s->op);

    if ((s->o->unknown_required.len && !able) || !opaque_allows(s->o, p))
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        if (same(s->found[i], p))
            return;
    }
    if (s->count < s->max)
        s->found[s->count++] = p;
}

static void look_below(struct search *s, const struct node *node, int depth)
{
    for (uint32_t i = 0; i < node->count && depth < WALK_MAX_DEPTH; i++) {
        if (node->children[i].copy)
            continue;
        if (node->children[i].kind == CHILD_LEAF)
            look_at(s, node->children[i].provider);
        else
            look_below(s, node->children[i].node, depth + 1);
    }
}

uint32_t opaque_candidates(const struct opaque *o, const struct node *node, unsigned op,
                           const struct provider **found, uint32_t max)
{
    struct search s = { .o = o, .op = op, .found = found, .max = max };

    if (node)
        look_below(&s, node, 0);
    return s.count;
}
