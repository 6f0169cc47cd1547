/*
 * failover - asks its children in order until one answers.
 *
 *   failover:
 *     try: [openai/gpt-4o, anthropic, local]
 *     on: [rate_limit, timeout, server_error]
 *     retries: 2
 *     delay: 500ms
 *
 * try      children in order of preference
 * on       failures that move on; any other ends the node. A family's name stands for all its
 *          members (server_error includes overloaded and protocol, timeout includes connection).
 *          Not written: everything but invalid_request, content_filter, cancelled, policy and
 *          budget. context_length is among them: the next model may take more.
 * retries  further tries at the same child, for failures that time may heal; not written: the
 *          child's provider says (max_retries), or none
 * delay    between tries at the same child; a Retry-After of the failure is waited for as well
 *
 * Blocked children are passed over. If none is left the node gives up with the last failure; if
 * only time is missing, the core waits and walks the tree again.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/strategy.h>

#define FAILOVER_OPTIONS(O)                                                                  \
    O(CHILDREN, "try", NULL, NULL, WEIR_OPTION_REQUIRED, "children in order of preference")  \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")                                                                      \
    O(INT, "retries", NULL, NULL, WEIR_OPTION_RELOADABLE,                                    \
      "further tries at the same child; default: its provider's max_retries, or none")       \
    O(DURATION, "delay", "0", NULL, WEIR_OPTION_RELOADABLE, "between tries at the same child")

static const weir_option failover_options[] = { FAILOVER_OPTIONS(WEIR_OPTION_ROW) };

struct failover {
    uint32_t on;     /* set of classes */
    int64_t retries; /* per child */
    bool told;       /* not: as the child's provider says */
    int64_t delay_us;
};

static weir_result failover_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct failover *f;
    (void)host;

    f = (struct failover *)calloc(1, sizeof(*f));
    if (!f)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    f->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    f->told = weir_json_find(options, 0, "retries") != WEIR_JSON_NONE;
    f->retries = weir_option_int64(options, "retries", 0);
    f->delay_us = weir_option_int64(options, "delay", 0);
    if (f->retries < 0 || f->retries > 100) {
        free(f);
        return weir_error_set(error, WEIR_INVALID, "retries", "must be from 0 to 100");
    }
    *cfg = f;
    return WEIR_OK;
}

static void failover_release(void *cfg)
{
    free(cfg);
}

/* Whether the same request at the same child may fare better later. */
static bool failover_heals(const weir_try *t)
{
    switch (weir_class_of(t->failure)) {
    case WEIR_CLASS_RATE_LIMIT:
    case WEIR_CLASS_OVERLOADED:
    case WEIR_CLASS_SERVER_ERROR:
    case WEIR_CLASS_TIMEOUT:
    case WEIR_CLASS_CONNECTION:
    case WEIR_CLASS_PROTOCOL:
        return !t->silent;
    default:
        return false;
    }
}

static uint64_t failover_retries(const struct failover *f, const weir_child *child)
{
    int64_t retries = f->told ? f->retries : child->max_retries;

    return retries > 0 ? (uint64_t)retries : 0;
}

/* When to ask the same child again, or -1 if not at all. */
static int64_t failover_retry_at(const struct failover *f, const weir_ask *ask, const weir_try *t)
{
    const weir_child *child = weir_child_at(ask, t->child);
    int64_t wait = f->delay_us;
    int64_t at;

    if (!failover_heals(t) || weir_tries_at(ask, t->child) > failover_retries(f, child) ||
        child->blocked)
        return -1;
    if (t->failure->retry_after_us > wait)
        wait = t->failure->retry_after_us;
    at = ask->now_us + wait;
    return ask->budget && at >= ask->budget->deadline_us ? -1 : at;
}

static weir_result failover_first(const weir_ask *ask, weir_decision *d, const weir_failure *last,
                                  bool again)
{
    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        if (again ? !weir_child_at(ask, i)->blocked : weir_child_fresh(ask, i))
            return weir_decide_pick(d, i, last ? "next in order" : "first in order");
    }
    return weir_decide_give_up(d, last, "no child is left");
}

static weir_result failover_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct failover *f = (const struct failover *)cfg;
    const weir_try *last = weir_last_failed(ask);
    int64_t at;

    if (ask->why == WEIR_ASK_START || ask->why == WEIR_ASK_READY)
        return failover_first(ask, d, NULL, true);
    if (ask->why != WEIR_ASK_FAILED || !last)
        return weir_decide_wait(d, "for what runs");
    d->number[0] = last->child;
    if (!weir_classes_have(f->on, last->failure))
        return weir_decide_give_up(d, last->failure, "the failure is not in `on`");
    at = failover_retry_at(f, ask, last);
    if (at < 0)
        return failover_first(ask, d, last->failure, false);
    d->start_us = at;
    d->number[1] = at - ask->now_us;
    return weir_decide_pick(d, last->child, "the same again");
}

static const weir_strategy_v1 failover_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .options = WEIR_ARRAY_OF(failover_options),
    .configure = failover_configure,
    .release = failover_release,
    .next = failover_next,
};

static const weir_part failover_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "failover",
                                         &failover_face };
static const weir_part *const failover_parts[] = { &failover_part };

WEIR_PLUGIN("weir.failover", "1.0", failover_parts,
            WEIR_TEXT_PART("strategy", "failover", FAILOVER_OPTIONS))
