/*
 * affinity - sends what belongs together to the same child, so that prompt caches are hit.
 *
 *   affinity:
 *     across: [local-1/llama, local-2/llama, local-3/llama]
 *     by: session
 *     bound: 1.5
 *     on: [rate_limit, timeout, server_error]
 *
 * across  the children
 * by      what ties requests together: `session`, `prefix` (the beginning of the prompt, as far as
 *         caches key on it), `user` (the end user, else the tenant) or `tenant`. Default `auto`:
 * the first of these that the request tells. bound   a child is passed over while it has more than
 * so many times the average in flight; 0: no bound. Default 1.5. A handful of requests in flight is
 * never too many. on      failures that move the request to the next child; any other ends the
 * node. As in failover.
 *
 * Each key has an order of the children of its own (rendezvous hashing by the children's names):
 * when a child is added or leaves, only its own share moves, and every gateway with the same
 * configuration has the same order. A request without a key goes to the least busy child.
 */
#include <math.h>

#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define AFFINITY_OPTIONS(O)                                                                      \
    WEIR_BALANCE_OPTIONS(O)                                                                      \
    O(STRING, "by", "auto", "auto|session|prefix|user|tenant", 0, "what ties requests together") \
    O(NUMBER, "bound", "1.5", NULL, WEIR_OPTION_RELOADABLE,                                      \
      "times the average in flight at which a child is passed over; 0: no bound")

static const weir_option affinity_options[] = { AFFINITY_OPTIONS(WEIR_OPTION_ROW) };

/* So many requests in flight are never too many, whatever the average. */
#define AFFINITY_FLOOR 8

enum { AFFINITY_SESSION = 1, AFFINITY_PREFIX = 2, AFFINITY_USER = 4, AFFINITY_TENANT = 8 };

struct affinity {
    uint32_t on; /* set of classes */
    uint32_t by; /* AFFINITY_*: the first of these that is told */
    double bound;
};

static uint32_t affinity_by(const weir_json *options)
{
    uint32_t by = weir_json_find(options, 0, "by");

    if (weir_json_is(options, by, "session"))
        return AFFINITY_SESSION;
    if (weir_json_is(options, by, "prefix"))
        return AFFINITY_PREFIX;
    if (weir_json_is(options, by, "user"))
        return AFFINITY_USER | AFFINITY_TENANT;
    if (weir_json_is(options, by, "tenant"))
        return AFFINITY_TENANT;
    return AFFINITY_SESSION | AFFINITY_PREFIX | AFFINITY_USER | AFFINITY_TENANT;
}

static weir_result affinity_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct affinity *a = (struct affinity *)calloc(1, sizeof(*a));
    (void)host;

    if (!a)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    a->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    a->by = affinity_by(options);
    a->bound = weir_option_double(options, "bound", 1.5);
    if (a->bound != 0 && !(a->bound >= 1 && a->bound <= 1000)) {
        free(a);
        return weir_error_set(error, WEIR_INVALID, "bound", "must be 0, or from 1 to 1000");
    }
    *cfg = a;
    return WEIR_OK;
}

static void affinity_release(void *cfg)
{
    free(cfg);
}

/* What ties the request to others, hashed; 0: nothing does. Each kind has keys of its own. */
static uint64_t affinity_key(const struct affinity *a, const weir_facts *f)
{
    if ((a->by & AFFINITY_SESSION) && f->session.len)
        return weir_hash(AFFINITY_SESSION, f->session) | 1;
    if ((a->by & AFFINITY_PREFIX) && f->prefix_hash)
        return f->prefix_hash;
    if ((a->by & AFFINITY_USER) && f->user.len)
        return weir_hash(AFFINITY_USER, f->user) | 1;
    if ((a->by & AFFINITY_TENANT) && f->tenant.len)
        return weir_hash(AFFINITY_TENANT, f->tenant) | 1;
    return 0;
}

/* How many a child may have in flight, this request included. */
static double affinity_room(const struct affinity *a, const weir_ask *ask)
{
    double inflight = 1, count = 0, room;

    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        if (!weir_child_open(ask, i))
            continue;
        inflight += weir_child_at(ask, i)->inflight;
        count++;
    }
    room = ceil(a->bound * inflight / count);
    return room > AFFINITY_FLOOR ? room : AFFINITY_FLOOR;
}

/* The open child that comes first in the key's order; `room` > 0: among those that have room. */
static uint32_t affinity_first(const weir_ask *ask, uint64_t key, double room)
{
    uint32_t first = WEIR_NO_CHILD;
    uint64_t best = 0;

    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        const weir_child *c = weir_child_at(ask, i);
        uint64_t score;

        if (!weir_child_open(ask, i) || (room > 0 && c->inflight + 1 > room))
            continue;
        score = weir_hash(key, c->name);
        if (first == WEIR_NO_CHILD || score > best) {
            first = i;
            best = score;
        }
    }
    return first;
}

static double affinity_load(const void *cfg, const weir_ask *ask, uint32_t child)
{
    (void)cfg;
    return (double)weir_child_load(weir_child_at(ask, child));
}

static weir_result affinity_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct affinity *a = (const struct affinity *)cfg;
    uint64_t key = affinity_key(a, ask->facts);
    uint32_t first, child;
    double least = 0;

    if (!weir_balance_open(ask, a->on, d))
        return WEIR_OK;
    if (!key)
        return weir_decide_pick(d, weir_cheapest_open(a, ask, affinity_load, &least),
                                "nothing ties it to others: the least busy");
    first = affinity_first(ask, key, 0);
    d->number[0] = first;
    if (a->bound == 0)
        return weir_decide_pick(d, first, "first in its order");
    d->number[1] = (int64_t)affinity_room(a, ask);
    child = affinity_first(ask, key, affinity_room(a, ask));
    if (child == WEIR_NO_CHILD || child == first)
        return weir_decide_pick(d, first, "first in its order");
    return weir_decide_pick(d, child, "the first in its order has too much in flight");
}

static const weir_strategy_v1 affinity_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_PREFIX_HASH | WEIR_NEEDS_TOKENS,
    .options = WEIR_ARRAY_OF(affinity_options),
    .configure = affinity_configure,
    .release = affinity_release,
    .next = affinity_next,
};

static const weir_part affinity_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "affinity",
                                         &affinity_face };
static const weir_part *const affinity_parts[] = { &affinity_part };

WEIR_PLUGIN("weir.affinity", "1.0", affinity_parts,
            WEIR_TEXT_PART("strategy", "affinity", AFFINITY_OPTIONS))
