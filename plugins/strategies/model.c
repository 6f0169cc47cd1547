/*
 * model - chooses by the name of the model that was asked for.
 *
 *   model:
 *     models:
 *       gpt-4o-mini: openai/gpt-4o-mini
 *       "gpt-*": openai
 *       "claude-*": anthropic
 *       default: main
 *
 * models  which name goes where, first match first. In a name '*' stands for any run of
 *         characters; `*` and `default` match every request, also one that names no model. An
 *         exact name does not beat a glob written before it: order alone decides.
 *
 * A request that nothing matches is refused with no_route. If the child that matched cannot serve,
 * the node gives up: put a failover inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/strategy.h>

#define MODEL_OPTIONS(O)                                    \
    O(CHILDREN, "models", NULL, NULL, WEIR_OPTION_REQUIRED, \
      "model names, with '*' for any characters, and where they go")
#define MODEL_CHILD_OPTIONS(O) \
    O(STRING, "name", NULL, NULL, WEIR_OPTION_REQUIRED, "model name; '*' for any characters")

static const weir_option model_options[] = { MODEL_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option model_child_options[] = { MODEL_CHILD_OPTIONS(WEIR_OPTION_ROW) };
static const weir_children model_children = { sizeof(weir_children), 0, NULL, "name" };

/* One line of the table. */
struct model_rule {
    char *pattern;
    uint32_t child;
};

struct model {
    uint32_t count;
    struct model_rule rules[];
};

static void model_release(void *cfg)
{
    struct model *m = (struct model *)cfg;

    for (uint32_t i = 0; m && i < m->count; i++)
        free(m->rules[i].pattern);
    free(m);
}

static weir_result model_configure(const weir_host *host, const weir_json *options, void **cfg,
                                   weir_error *error)
{
    uint32_t list = weir_json_find(options, 0, "models");
    uint32_t count = weir_json_count(options, list);
    struct model *m = (struct model *)calloc(1, sizeof(*m) + (size_t)count * sizeof(m->rules[0]));
    (void)host;

    if (!m)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        uint32_t name = weir_json_find(options, item, "name");
        size_t len = weir_json_unescape(options, name, NULL, 0);
        struct model_rule *rule = &m->rules[m->count];
        int64_t child = -1;

        weir_json_int64(options, weir_json_find(options, item, "child"), &child);
        if (!len || child < 0 || child >= UINT32_MAX) {
            model_release(m);
            return weir_error_set(error, WEIR_INVALID, "name",
                                  "every child needs the name of a model; '*' matches all");
        }
        rule->pattern = (char *)calloc(1, len + 1);
        if (!rule->pattern) {
            model_release(m);
            return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
        }
        weir_json_unescape(options, name, rule->pattern, len);
        rule->child = (uint32_t)child;
        m->count++;
    }
    *cfg = m;
    return WEIR_OK;
}

static bool model_matches(const struct model_rule *rule, weir_str asked)
{
    return strcmp(rule->pattern, "default") == 0 || weir_glob(weir_str_of(rule->pattern), asked);
}

static weir_result model_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct model *m = (const struct model *)cfg;

    if (ask->why == WEIR_ASK_FAILED) {
        const weir_try *last = weir_last_failed(ask);
        return weir_decide_give_up(d, last ? last->failure : NULL, "the child that matched failed");
    }
    if (ask->why == WEIR_ASK_TIMER)
        return weir_decide_wait(d, "for what runs");
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t child = m->rules[i].child;

        if (child >= weir_child_count(ask) || !model_matches(&m->rules[i], ask->facts->model))
            continue;
        d->number[0] = i;
        if (weir_child_at(ask, child)->blocked)
            return weir_decide_give_up(d, NULL, "the child that matched is blocked");
        return weir_decide_pick(d, child, "matches the model's name");
    }
    return weir_decide_refuse(d, WEIR_CLASS_NO_ROUTE, "no name matches the model");
}

static const weir_strategy_v1 model_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .options = WEIR_ARRAY_OF(model_options),
    .child_options = WEIR_ARRAY_OF(model_child_options),
    .children = &model_children,
    .configure = model_configure,
    .release = model_release,
    .next = model_next,
};

static const weir_part model_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "model",
                                      &model_face };
static const weir_part *const model_parts[] = { &model_part };

WEIR_PLUGIN("weir.model", "1.0", model_parts,
            WEIR_TEXT_PART("strategy", "model", MODEL_OPTIONS) WEIR_TEXT_CHILD(MODEL_CHILD_OPTIONS))
