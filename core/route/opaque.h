/*
 * opaque.h - what a request carries that only the provider that made it can read, and where the
 * request may go for that.
 *
 *  - What is required and known goes to its owner, and nowhere else.
 *  - What is not required does the same, unless the route says `opaque: strip`: then any target may
 *    be asked, and others than the owner are told to leave it out (weir_exchange.foreign).
 *  - What is required and unknown (the table forgot it, another gateway made it) may go only to a
 *    provider that speaks the application's API as it is, if there is just one of them.
 *  - What is neither stays in for such providers; others leave it out.
 *
 * Two providers of one part with the same address and key read each other's.
 */
#pragma once

#include "route/tree.h"

enum { OPAQUE_MAX_OWNERS = 4 };

/* Owners of what is known, each with the first value that is theirs. */
struct opaque_owners {
    const struct provider *provider[OPAQUE_MAX_OWNERS];
    weir_text value[OPAQUE_MAX_OWNERS];
    uint32_t count;
    bool more; /* than there is room for */
};

struct opaque {
    const struct tree *tree;
    weir_str dialect;              /* the application's API */
    struct opaque_owners required; /* more than one: nobody can read all of it */
    struct opaque_owners optional;
    weir_text unknown_required; /* the first; empty: none */
    bool unknown_optional;
    bool strip;
};

/* Takes note of one value. It is borrowed. */
void opaque_add(struct opaque *o, weir_text value, bool required, int64_t now_us);

/* Whether the request may go to the provider. */
bool opaque_allows(const struct opaque *o, const struct provider *p);

/* Whether it has to leave out what is not its own. */
bool opaque_is_foreign(const struct opaque *o, const struct provider *p);

/* The only owner of what is required; NULL: there is none, or more than one. */
const struct provider *opaque_owner(const struct opaque *o);

/* The providers among the leaves below `node` that the request may go to, each once, at most `max`;
 * where that is a guess, only those that serve the operation. Returns how many they are. */
uint32_t opaque_candidates(const struct opaque *o, const struct node *node, unsigned op,
                           const struct provider **found, uint32_t max);
