/*
 * failover - asks its children in order until one answers.
 *
 *   failover:
 *     try: [openai/gpt-4o, anthropic, local]
 *     on: [rate_limit, timeout, server_error]
 *     same: [rate_limit, server_error]
 *     retries: 2
 *     delay: 500ms
 *
 * try        children in order of preference
 * on         failures that move on; any other ends the node. A family's name stands for all its
 *            members (server_error includes overloaded and protocol, timeout includes connection).
 *            Not written: everything but invalid_request, content_filter, cancelled, policy and
 *            budget. invalid_request never moves on, even if it is named.
 * same       those of them for which the same child is asked again first. Not written: rate_limit,
 *            server_error and timeout. Of these, only what time may heal is ever sent again.
 * retries    further tries at the same child; not written: the child's provider says
 *            (max_retries), or one: most 500s and lost connections are over at once. None
 *            at a child that is a node: what is within has tried already
 * delay      before the first further try at the same child. Default 200ms.
 * backoff    by how much the delay grows from one such try to the next. Default 2.
 * max_delay  it grows no further than this. Default 30s, or delay if that is longer.
 * jitter     `full`: each delay is drawn between nothing and what it has grown to, so that many
 *            requests that failed together do not come back together; `none`: it is waited out
 *
 * A Retry-After of the failure is waited for at least, whatever the jitter. What was too long for
 * one child goes to one with a larger window only. Blocked children are passed over. If none is
 * left the node gives up with the last failure; if only time is missing, the core waits and walks
 * the tree again.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/pick.h>

#define FAILOVER_OPTIONS(O)                                                                  \
    O(CHILDREN, "try", NULL, NULL, WEIR_OPTION_REQUIRED, "children in order of preference")  \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")                                                                      \
    O(INT, "retries", NULL, NULL, WEIR_OPTION_RELOADABLE,                                    \
      "further tries at the same child; default: its provider's max_retries, or 1")          \
    O(DURATION, "delay", "200ms", NULL, WEIR_OPTION_RELOADABLE,                              \
      "before the first further try at the same child")                                      \
    O(CLASSES, "same", NULL, NULL, WEIR_OPTION_RELOADABLE,                                   \
      "failures for which the same child is asked again; default: rate_limit, "              \
      "server_error, timeout")                                                               \
    O(NUMBER, "backoff", "2", NULL, WEIR_OPTION_RELOADABLE, "by how much the delay grows")   \
    O(DURATION, "max_delay", NULL, NULL, WEIR_OPTION_RELOADABLE,                             \
      "the longest it grows to; default 30s, or delay if longer")                            \
    O(STRING, "jitter", "full", "full|none", WEIR_OPTION_RELOADABLE,                         \
      "whether delays are drawn by chance")

static const weir_option failover_options[] = { FAILOVER_OPTIONS(WEIR_OPTION_ROW) };

struct failover {
    uint32_t on;     /* set of classes */
    int64_t retries; /* per child */
    bool told;       /* not: as the child's provider says */
    uint32_t same;   /* set of classes */
    int64_t delay_us;
    int64_t max_delay_us;
    double backoff;
    bool jitter;
};

enum { FAILOVER_RETRIES = 1 };

#define FAILOVER_DELAY_US     INT64_C(200000)
#define FAILOVER_MAX_DELAY_US INT64_C(30000000)

/* What a further try at the same child may heal. */
#define FAILOVER_HEALS                                                                           \
    (1u << WEIR_CLASS_RATE_LIMIT | 1u << WEIR_CLASS_OVERLOADED | 1u << WEIR_CLASS_SERVER_ERROR | \
     1u << WEIR_CLASS_TIMEOUT | 1u << WEIR_CLASS_CONNECTION | 1u << WEIR_CLASS_PROTOCOL)

/* What is wrong with the options, at `option`; NULL: nothing. */
static const char *failover_wrong(const struct failover *f, const char **option)
{
    *option = "retries";
    if (f->retries < 0 || f->retries > 100)
        return "must be from 0 to 100";
    *option = "backoff";
    if (!(f->backoff >= 1 && f->backoff <= 100))
        return "must be from 1 to 100";
    *option = "max_delay";
    return f->max_delay_us < f->delay_us ? "must not be shorter than delay" : NULL;
}

static weir_result failover_configure(const weir_host *host, const weir_json *options, void **cfg,
                                      weir_error *error)
{
    struct failover *f = (struct failover *)calloc(1, sizeof(*f));
    uint32_t jitter = weir_json_find(options, 0, "jitter");
    const char *wrong, *option;
    (void)host;

    if (!f)
        return weir_error_memory(error);
    f->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT) &
            ~(1u << WEIR_CLASS_INVALID_REQUEST);
    f->same = FAILOVER_HEALS &
              weir_classes_read(options, weir_json_find(options, 0, "same"), FAILOVER_HEALS);
    f->told = weir_json_find(options, 0, "retries") != WEIR_JSON_NONE;
    f->retries = weir_option_int64(options, "retries", 0);
    f->delay_us = weir_option_int64(options, "delay", FAILOVER_DELAY_US);
    f->max_delay_us = weir_option_int64(
        options, "max_delay",
        f->delay_us > FAILOVER_MAX_DELAY_US ? f->delay_us : FAILOVER_MAX_DELAY_US);
    f->backoff = weir_option_double(options, "backoff", 2);
    f->jitter = !weir_json_is(options, jitter, "none");
    wrong = failover_wrong(f, &option);
    if (wrong) {
        free(f);
        return weir_error_set(error, WEIR_INVALID, option, wrong);
    }
    *cfg = f;
    return WEIR_OK;
}

static void failover_release(void *cfg)
{
    free(cfg);
}

static uint64_t failover_retries(const struct failover *f, const weir_child *child)
{
    if (f->told)
        return (uint64_t)f->retries;
    return child->max_retries >= 0 ? (uint64_t)child->max_retries : FAILOVER_RETRIES;
}

/* How long to let a child be after its `tries` tries so far. */
static int64_t failover_delay(const struct failover *f, const weir_ask *ask, uint32_t tries)
{
    double delay = (double)f->delay_us;
    uint64_t seed = ask->seed;

    for (uint32_t i = 1; i < tries && delay < (double)f->max_delay_us; i++)
        delay *= f->backoff;
    if (delay > (double)f->max_delay_us)
        delay = (double)f->max_delay_us;
    if (!f->jitter)
        return (int64_t)delay;
    return (int64_t)weir_random_below(&seed, (uint64_t)delay + 1);
}

/* When to ask the same child again, or -1 if not at all. */
static int64_t failover_retry_at(const struct failover *f, const weir_ask *ask, const weir_try *t)
{
    const weir_child *child = weir_child_at(ask, t->child);
    uint32_t tries = weir_tries_at(ask, t->child);
    int64_t wait;

    if (!weir_classes_have(f->same, t->failure) || t->silent ||
        tries > failover_retries(f, child) || child->blocked)
        return -1;
    wait = failover_delay(f, ask, tries);
    if (t->failure->retry_after_us > wait)
        wait = t->failure->retry_after_us;
    if (ask->budget && wait >= ask->budget->deadline_us - ask->now_us)
        return -1;
    return ask->now_us + wait;
}

static weir_result failover_first(const weir_ask *ask, weir_decision *d, const weir_failure *last)
{
    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        if (weir_child_open(ask, i))
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
        return failover_first(ask, d, NULL);
    if (ask->why != WEIR_ASK_FAILED || !last)
        return weir_decide_wait(d, "for what runs");
    d->number[0] = last->child;
    if (!weir_classes_have(f->on, last->failure))
        return weir_decide_give_up(d, last->failure, "the failure is not in `on`");
    at = failover_retry_at(f, ask, last);
    if (at < 0)
        return failover_first(ask, d, last->failure);
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
