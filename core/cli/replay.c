/*
 * replay.c - see replay.h.
 */
#include "cli/replay.h"
#include "base/str.h"
#include "cli/recorded.h"
#include "model/failure.h"
#include "route/trace.h"

#include <string.h>

enum {
    LASTING = WEIR_BLOCKED_CAPABILITY | WEIR_BLOCKED_LOSS | WEIR_BLOCKED_PREFILL |
              WEIR_BLOCKED_MODEL | WEIR_BLOCKED_OPERATION | WEIR_BLOCKED_SILENT,
    MAX_RESTARTS = 8, /* of a walk that waits for a target to be ready */
    TEXT_NEEDS = WEIR_NEEDS_TEXT | WEIR_NEEDS_ALL_TEXT | WEIR_NEEDS_METADATA,
};

/* An attempt that runs. */
struct shot {
    struct shot *next;
    struct walk_try *t;
    const struct outcome *outcome;
    int64_t end_us;
    bool cancelled;
};

struct run {
    struct replay *r;
    struct replayed *out;
    const json_t *record, *asks, *attempts;
    struct walk walk;
    struct arena arena;
    weir_facts facts;
    struct shot *shots;
    struct loop_timer restart;
    const struct node *root;
    size_t cursor; /* the recorded ask that is next */
    size_t seen;   /* asks whose views have been taken over */
    guint64 used;  /* recorded attempts that have been given out, by number */
    int64_t asked_us;
    uint64_t random;
    guint restarts;
    bool same, exact; /* so far as recorded; ... and this ask is */
    bool over;
};

/* -- views ------------------------------------------------------------------------------------ */

static void take_views(struct run *run, const json_t *ask)
{
    const json_t *child;
    size_t i;

    json_array_foreach(json_object_get(ask, "children"), i, child)
    {
        const char *target = json_string_value(json_object_get(child, "target"));
        weir_child *view;

        if (!target)
            continue;
        view = g_new0(weir_child, 1);
        RECORD_FIELDS(child, fields_child, view);
        g_hash_table_replace(run->r->views, g_strdup(target), view);
    }
}

/* What had been seen by now. While all is as recorded, an ask's views are not older than the ask;
 * those of a pick that waited for its time are in the ask that follows. */
static void catch_up(struct run *run)
{
    int64_t now = loop_now(run->r->loop);
    size_t limit = json_array_size(run->asks);

    if (run->same)
        limit = MIN(limit, run->cursor + (now > run->asked_us));
    for (; run->seen < limit; run->seen++) {
        const json_t *ask = json_array_get(run->asks, run->seen);

        if (record_number(ask, "now_us") > now)
            break;
        take_views(run, ask);
    }
}

static void on_leaf(struct walk *walk, const struct target *target, weir_child *view)
{
    struct run *run = (struct run *)((char *)walk - offsetof(struct run, walk));
    int64_t now = loop_now(run->r->loop);
    const weir_child *last;
    uint32_t passing;

    catch_up(run);
    last = g_hash_table_lookup(run->r->views, target->name);
    if (!last)
        return;
    passing = last->ready_us > now ? last->blocked & ~(uint32_t)LASTING : 0;
    view->blocked = (view->blocked & LASTING) | passing;
    view->ready_us = view->blocked & LASTING ? INT64_MAX : passing ? last->ready_us : 0;
    view->inflight = last->inflight;
    view->inflight_tokens = last->inflight_tokens;
    view->ttft_us = last->ttft_us;
    view->ttft_p95_us = last->ttft_p95_us;
    view->tpot_ns = last->tpot_ns;
    view->samples = last->samples;
    view->error_ppm = last->error_ppm;
    view->headroom_ppm = last->headroom_ppm;
}

/* -- asking ----------------------------------------------------------------------------------- */

static bool same_children(const json_t *recorded, const weir_ask *ask)
{
    const weir_child *children = ask->children.items;
    const json_t *child;
    size_t i;

    if (json_array_size(recorded) != ask->children.count)
        return false;
    json_array_foreach(recorded, i, child)
    {
        if (!str_eq(record_text(child, "name"), children[i].name))
            return false;
    }
    return true;
}

static bool same_tries(const json_t *recorded, const weir_ask *ask)
{
    const json_t *t;
    size_t i;

    if (json_array_size(recorded) != ask->tries.count)
        return false;
    json_array_foreach(recorded, i, t)
    {
        const weir_try *now =
            (const weir_try *)((const char *)ask->tries.items + i * ask->tries.stride);

        if (record_number(t, "child") != now->child)
            return false;
    }
    return true;
}

static bool same_question(const struct run *run, const json_t *rec, const struct node *node,
                          const weir_ask *ask)
{
    return run->same && rec && record_is(rec, "node", node->path) &&
           record_number(rec, "why") == ask->why &&
           same_tries(json_object_get(rec, "tries"), ask) &&
           same_children(json_object_get(rec, "children"), ask);
}

static void restore_tries(struct run *run, const json_t *rec, weir_ask *ask)
{
    const json_t *t;
    size_t i;

    json_array_foreach(json_object_get(rec, "tries"), i, t)
    {
        weir_try *abi = (weir_try *)((char *)ask->tries.items + i * ask->tries.stride);
        weir_failure *failure = arena_zalloc(&run->arena, sizeof(*failure));

        RECORD_FIELDS(t, fields_try, abi);
        abi->failure = failure && record_failure(t, failure) ? failure : NULL;
    }
}

static void on_asking(struct walk *walk, const struct node *node, weir_ask *ask)
{
    struct run *run = (struct run *)((char *)walk - offsetof(struct run, walk));
    const weir_strategy_v1 *s = &node->part->strategy;
    const json_t *rec = json_array_get(run->asks, run->cursor), *child;
    weir_child *children = (weir_child *)ask->children.items;
    bool keep;
    size_t i;

    run->exact = same_question(run, rec, node, ask);
    if (!run->exact) {
        run->same = false;
        return;
    }
    run->cursor++;
    run->asked_us = ask->now_us = record_number(rec, "now_us");
    keep = record_is(rec, "strategy", node->part->name) &&
           record_number(rec, "state_version") == s->state_version;
    RECORD_FIELDS(rec, fields_budget, &walk->budget);
    if (keep)
        record_state(rec, ask->state, s->state_size);
    json_array_foreach(json_object_get(rec, "children"), i, child)
    {
        RECORD_FIELDS(child, fields_child, &children[i]);
        if (keep)
            record_state(child, children[i].state, s->child_state_size);
    }
    restore_tries(run, rec, ask);
}

static weir_str child_name(const weir_ask *ask, uint32_t child)
{
    const weir_child *children = ask->children.items;

    return child < ask->children.count ? children[child].name : S("");
}

static char *words(const weir_decision *d, const weir_ask *ask)
{
    weir_str child = child_name(ask, d->child), copy = child_name(ask, d->shadow_child);

    return g_strdup_printf("%s%s%.*s%s%.*s", trace_verb(d->verb), child.len ? " " : "",
                           S_ARG(child), copy.len ? ", a copy to " : "", S_ARG(copy));
}

/* A copy more or less makes no difference to the request. */
static bool same_way(const weir_decision *d, const weir_decision *rec)
{
    return d->verb == rec->verb && d->child == rec->child && d->start_us == rec->start_us &&
           d->ask_again_us == rec->ask_again_us && d->failure_class == rec->failure_class;
}

static void on_decided(struct walk *walk, const struct node *node, const weir_ask *ask,
                       weir_decision *d)
{
    struct run *run = (struct run *)((char *)walk - offsetof(struct run, walk));
    weir_decision rec = { .struct_size = sizeof(rec) };
    const json_t *then;

    if (!run->exact)
        return;
    then = json_object_get(json_array_get(run->asks, run->cursor - 1), "decision");
    RECORD_FIELDS(then, fields_decision, &rec);
    if ((node->part->strategy.needs & TEXT_NEEDS) &&
        !json_is_true(json_object_get(run->record, "has_text"))) {
        rec.reason = "as recorded";
        *d = rec;
        run->out->assumed++;
        return;
    }
    run->out->asked++;
    if (same_way(d, &rec) && d->shadow_child == rec.shadow_child)
        return;
    run->same = same_way(d, &rec);
    run->out->changed++;
    if (run->out->was)
        return;
    run->out->was = words(&rec, ask);
    run->out->is = words(d, ask);
}

/* -- attempts --------------------------------------------------------------------------------- */

static void finish(struct run *run, bool failed)
{
    run->over = true;
    run->out->failed = failed;
    run->out->took_us = loop_now(run->r->loop) - record_number(run->record, "start_us");
    walk_stop(&run->walk);
}

static uint64_t draw(struct run *run)
{
    uint64_t x = run->random += 0x9e3779b97f4a7c15ull; /* splitmix64 */

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* The attempt that was made at the target in this very request, each once. */
static const json_t *recorded_attempt(struct run *run, const char *target)
{
    const json_t *a;
    size_t i;

    json_array_foreach(run->attempts, i, a)
    {
        if (i >= 64 || (run->used >> i & 1) || !record_is(a, "target", target))
            continue;
        if (!run->same &&
            record_is(a, "class", "cancelled")) /* how it would have ended is not known */
            continue;
        run->used |= (guint64)1 << i;
        return a;
    }
    return NULL;
}

static const struct outcome *find_outcome(struct run *run, const char *target, int64_t *end_us)
{
    const json_t *a = recorded_attempt(run, target);
    GArray *pool = g_hash_table_lookup(run->r->pools, target);
    struct outcome *o;

    if (a && (o = arena_alloc(&run->arena, sizeof(*o)))) {
        record_outcome(a, o);
        *end_us = run->same ? record_number(a, "end_us") : loop_now(run->r->loop) + o->took_us;
        return o;
    }
    if (!pool)
        return NULL;
    o = &g_array_index(pool, struct outcome, draw(run) % pool->len);
    *end_us = loop_now(run->r->loop) + o->took_us;
    run->out->drawn++;
    return o;
}

static struct replay_target *count(struct replay *r, const char *name)
{
    struct replay_target *t = g_hash_table_lookup(r->targets, name);

    if (!t) {
        t = g_new0(struct replay_target, 1);
        g_hash_table_insert(r->targets, g_strdup(name), t);
    }
    t->asked++;
    return t;
}

static void on_attempt(struct walk *walk, struct walk_try *t, const struct child *leaf,
                       struct target *target, weir_str model)
{
    struct run *run = (struct run *)((char *)walk - offsetof(struct run, walk));
    const struct provider *p = leaf->provider;
    const struct catalogue_record *known = known_of(p->known, p->config, target, model);
    struct shot *shot = arena_zalloc(&run->arena, sizeof(*shot));
    struct replay_target *at = count(run->r, target->name);
    guint drawn = run->out->drawn;

    walk->budget.attempts_left--;
    if (shot)
        shot->outcome = find_outcome(run, target->name, &shot->end_us);
    if (!shot || !shot->outcome) {
        run->out->unknown = true;
        finish(run, false);
        return;
    }
    at->drawn += run->out->drawn - drawn;
    at->failed += shot->outcome->failed;
    record_add_cost(run->out, record_cost(&shot->outcome->usage, known ? known->price.input : -1,
                                          known ? known->price.output : -1));
    shot->t = t;
    shot->cancelled =
        shot->outcome->failed && shot->outcome->failure.class_id == WEIR_CLASS_CANCELLED;
    shot->next = run->shots;
    run->shots = shot;
}

static void end_shot(struct run *run, struct shot *shot)
{
    const struct outcome *o = shot->outcome;
    bool more = run->cursor < json_array_size(run->asks);

    if (!o->failed) {
        walk_succeeded(&run->walk, shot->t,
                       o->first_us ? shot->end_us - o->took_us + o->first_us : 0, &o->usage);
        finish(run, false);
    } else if (shot->cancelled) {
        walk_lost(&run->walk, shot->t, &o->failure);
    } else if (run->same ? more : !o->first_us) {
        walk_failed(&run->walk, shot->t, &o->failure, o->silent);
    } else { /* after the answer began: there is no other target */
        walk_lost(&run->walk, shot->t, &o->failure);
        finish(run, true);
    }
}

static void on_restart(struct loop_timer *timer)
{
    struct run *run = (struct run *)((char *)timer - offsetof(struct run, restart));

    walk_start(&run->walk, run->root, WEIR_ASK_READY);
}

static void on_over(struct walk *walk, const weir_failure *failure, int64_t ready_us)
{
    struct run *run = (struct run *)((char *)walk - offsetof(struct run, walk));
    const json_t *next = run->same ? json_array_get(run->asks, run->cursor) : NULL;
    bool waits = next || (!run->same && ready_us > 0 && ready_us < walk->budget.deadline_us &&
                          failure_family(failure->class_id) == WEIR_CLASS_RATE_LIMIT);

    if (!waits || run->restarts++ == MAX_RESTARTS) {
        finish(run, true);
        return;
    }
    walk_stop(walk);
    loop_timer_set(run->r->loop, &run->restart,
                   next ? record_number(next, "now_us") : ready_us + 1000, on_restart);
}

static const struct walk_ops replay_ops = {
    .attempt = on_attempt,
    .over = on_over,
    .asking = on_asking,
    .decided = on_decided,
    .leaf = on_leaf,
};

/* -- one record ------------------------------------------------------------------------------- */

static struct shot **next_shot(struct run *run)
{
    struct shot **best = NULL;

    for (struct shot **s = &run->shots; *s; s = &(*s)->next) {
        if (!best || (*s)->end_us < (*best)->end_us)
            best = s;
    }
    return best;
}

/* When something happens next: as recorded, or what comes first. INT64_MAX: nothing does. */
static int64_t next_time(struct run *run)
{
    const json_t *ask = run->same ? json_array_get(run->asks, run->cursor) : NULL;
    struct shot **shot = next_shot(run);

    if (ask)
        return record_number(ask, "now_us");
    return MIN(loop_next_timer(run->r->loop), shot ? (*shot)->end_us : INT64_MAX);
}

/* Answers first, then timers, as the gateway's loop does it. */
static void drive(struct run *run)
{
    struct loop *loop = run->r->loop;

    while (!run->over) {
        size_t cursor = run->cursor;
        int64_t at = next_time(run);
        bool as_recorded = run->same, any = false;
        struct shot **shot;

        if (at == INT64_MAX || at > run->walk.budget.deadline_us) {
            finish(run, true);
            break;
        }
        loop_set_clock(loop, MAX(at, loop_now(loop)));
        while (!run->over && (shot = next_shot(run)) && (*shot)->end_us <= loop_now(loop)) {
            struct shot *s = *shot;

            *shot = s->next;
            any = true;
            end_shot(run, s);
        }
        any |= loop_next_timer(loop) <= loop_now(loop);
        if (!run->over)
            loop_step(loop, 0);
        if (as_recorded && run->cursor == cursor && !any)
            run->same = false; /* what happened then does not happen now */
    }
    run->shots = NULL;
    loop_timer_clear(loop, &run->restart);
}

static const struct node *root_of(const struct replay *r, const json_t *record,
                                  const struct route **route)
{
    const struct tree *tree = r->generation->tree;
    weir_str name = r->route ? str_of(r->route) : record_text(record, "route");
    const struct provider *p;

    *route = name.len ? tree_route(tree, name) : NULL;
    if (*route || name.len)
        return *route ? (*route)->root : NULL;
    p = tree_provider(tree, record_text(record, "provider"));
    return p ? p->direct : NULL;
}

static void begin(struct run *run, const struct route *route)
{
    const json_t *record = run->record;
    const struct config_route *config = route ? route->config : NULL;
    struct config_budget budget = config_budget_of(run->r->generation->config, config);
    int64_t start = record_number(record, "start_us");

    run->random = strtoull(record_text(record, "seed").ptr, NULL, 10);
    record_facts(json_object_get(record, "facts"), &run->arena, &run->facts);
    run->walk = (struct walk){
        .ops = &replay_ops,
        .loop = run->r->loop,
        .arena = &run->arena,
        .facts = &run->facts,
        .asked = record_text(record, "asked"),
        .native = record_text(record, "native"),
        .forced = json_is_true(json_object_get(record, "forced")),
        .strict = config && config->strict_loss,
        .seed = run->random,
        .budget = { .struct_size = sizeof(weir_budget),
                    .attempts_left = budget.attempts,
                    .deadline_us = start + budget.deadline_us,
                    .money_left = budget.money ? budget.money : -1 },
    };
    loop_set_clock(run->r->loop, record_number(json_array_get(run->asks, 0), "now_us"));
    walk_start(&run->walk, run->root, WEIR_ASK_START);
}

void replay_one(struct replay *r, const json_t *record, struct replayed *out)
{
    struct run run = { .r = r, .out = out, .record = record, .same = true };
    const struct route *route;

    memset(out, 0, sizeof(*out));
    run.asks = json_object_get(record, "asks");
    run.attempts = json_object_get(record, "attempts");
    if (record_number(record, "version") != 1 || !json_array_size(run.asks)) {
        out->why_not = g_strdup("it is no decision record that this version of weir can read");
        return;
    }
    run.root = root_of(r, record, &route);
    if (!run.root) {
        weir_str name = r->route ? str_of(r->route) : record_text(record, "route");

        name = name.len ? name : record_text(record, "provider");
        out->why_not = g_strdup_printf("the configuration has no '%.*s'", S_ARG(name));
        return;
    }
    arena_init(&run.arena, 64 << 20);
    begin(&run, route);
    drive(&run);
    out->diverged = !run.same || run.cursor < json_array_size(run.asks);
    if (!out->diverged) {
        struct replayed then;

        replay_recorded(record, &then);
        out->failed = then.failed;
        out->took_us = then.took_us;
    }
    for (size_t i = 0; i < json_array_size(run.asks); i++)
        take_views(&run, json_array_get(run.asks, i));
    arena_reset(&run.arena);
}

void replay_init(struct replay *r, const struct generation *generation)
{
    *r = (struct replay){
        .generation = generation,
        .loop = loop_new(),
        .pools =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref),
        .views = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .targets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
}

void replay_clear(struct replay *r)
{
    g_hash_table_unref(r->pools);
    g_hash_table_unref(r->views);
    g_hash_table_unref(r->targets);
    loop_free(r->loop);
}

void replayed_clear(struct replayed *out)
{
    g_free(out->why_not);
    g_free(out->was);
    g_free(out->is);
}
