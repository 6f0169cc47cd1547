/*
 * capability - the first child that can serve what the request needs.
 *
 *   capability: [local, openai/gpt-4o-mini, openai/gpt-4o]
 *
 * try  children in order of preference: the first is taken that can do what the request needs
 *      (tools, images, a schema, ...), takes as many tokens as are asked for and estimated, and is
 *      not blocked. What is not known of a child does not speak against it
 * on   failures that move on to the next such child; any other ends the node. As in failover
 */
#include <weir/plugin.h>
#include <weir/sdk/pick.h>
#include <weir/sdk/router.h>

#define CAPABILITY_OPTIONS(O)                                                                \
    O(CHILDREN, "try", NULL, NULL, WEIR_OPTION_REQUIRED, "children in order of preference")  \
    O(CLASSES, "on", NULL, NULL, WEIR_OPTION_RELOADABLE,                                     \
      "failures that move on; default: all but invalid_request, content_filter, cancelled, " \
      "policy, budget")

static const weir_option capability_options[] = { CAPABILITY_OPTIONS(WEIR_OPTION_ROW) };

struct capability {
    uint32_t on; /* set of classes */
};

static weir_result capability_configure(const weir_host *host, const weir_json *options, void **cfg,
                                        weir_error *error)
{
    struct capability *c = (struct capability *)calloc(1, sizeof(*c));
    (void)host;

    if (!c)
        return weir_error_memory(error);
    c->on = weir_classes_read(options, weir_json_find(options, 0, "on"), WEIR_CLASSES_DEFAULT);
    *cfg = c;
    return WEIR_OK;
}

static void capability_release(void *cfg)
{
    free(cfg);
}

static weir_result capability_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct capability *c = (const struct capability *)cfg;
    const weir_try *last = weir_last_failed(ask);
    bool some = false;

    if (ask->why == WEIR_ASK_TIMER)
        return weir_decide_wait(d, "for what runs");
    if (ask->why == WEIR_ASK_FAILED && last && !weir_classes_have(c->on, last->failure))
        return weir_decide_give_up(d, last->failure, "the failure is not in `on`");
    for (uint32_t i = 0; i < weir_child_count(ask); i++) {
        if (!weir_child_serves(ask, i))
            continue;
        some = true;
        d->number[0] = i;
        if (weir_child_fresh(ask, i) && weir_child_fits(ask, i))
            return weir_decide_pick(d, i, "the first that can serve it");
    }
    return weir_decide_give_up(d, last ? last->failure : NULL,
                               some ? "who can serve it is blocked or failed"
                                    : "no child can do what the request needs");
}

static const weir_strategy_v1 capability_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TOKENS,
    .options = WEIR_ARRAY_OF(capability_options),
    .configure = capability_configure,
    .release = capability_release,
    .next = capability_next,
};

static const weir_part capability_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "capability",
                                           &capability_face };
static const weir_part *const capability_parts[] = { &capability_part };

WEIR_PLUGIN("weir.capability", "1.0", capability_parts,
            WEIR_TEXT_PART("strategy", "capability", CAPABILITY_OPTIONS))
