/*
 * model - chooses by the name of the model that was asked for.
 *
 *   model:
 *     models:
 *       gpt-4o-mini: openai/gpt-4o-mini
 *       "gpt-*": openai
 *       "claude-*": anthropic
 *       "/^(o[0-9]|chatgpt)/": openai
 *       default: main
 *
 * models  which name goes where, first match first. In a name '*' stands for any run of
 *         characters; `*` and `default` match every request, also one that names no model. An
 *         exact name does not beat a glob written before it: order alone decides. Between slashes
 *         stands a regular expression (see weir/sdk/pattern.h), found anywhere in the name.
 *
 * A request that nothing matches is refused with no_route. If the child that matched cannot serve,
 * the node gives up: put a failover inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/pattern.h>
#include <weir/sdk/router.h>

#define MODEL_OPTIONS(O)                                    \
    O(CHILDREN, "models", NULL, NULL, WEIR_OPTION_REQUIRED, \
      "model names, with '*' for any characters, and where they go")
#define MODEL_CHILD_OPTIONS(O)                          \
    O(STRING, "name", NULL, NULL, WEIR_OPTION_REQUIRED, \
      "model name; '*' for any characters, /regular expression/")

static const weir_option model_options[] = { MODEL_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option model_child_options[] = { MODEL_CHILD_OPTIONS(WEIR_OPTION_ROW) };
static const weir_children model_children = { sizeof(weir_children), 0, NULL, "name" };

/* One line of the table. */
struct model_rule {
    struct weir_pattern name;
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
        weir_pattern_clear(&m->rules[i].name);
    free(m);
}

static weir_result model_read(struct model *m, const weir_json *options, uint32_t item,
                              weir_error *error)
{
    struct model_rule *rule = &m->rules[m->count++];
    uint32_t name = weir_json_find(options, item, "name");

    rule->child = weir_route_child(options, item);
    if (!weir_json_unescape(options, name, NULL, 0) || rule->child == WEIR_NO_CHILD)
        return weir_error_set(error, WEIR_INVALID, "name",
                              "every child needs the name of a model; '*' matches all");
    return weir_pattern_read(&rule->name, options, name, "name", error);
}

static weir_result model_configure(const weir_host *host, const weir_json *options, void **cfg,
                                   weir_error *error)
{
    uint32_t list = weir_json_find(options, 0, "models");
    uint32_t count = weir_json_count(options, list);
    struct model *m = (struct model *)calloc(1, sizeof(*m) + (size_t)count * sizeof(m->rules[0]));
    weir_result result = WEIR_OK;
    (void)host;

    if (!m)
        return weir_error_memory(error);
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        result = model_read(m, options, item, error);
        if (result == WEIR_OK && weir_pattern_is_any(&m->rules[m->count - 1].name))
            result = weir_route_rest(count - m->count, "models", error);
        if (result != WEIR_OK) {
            model_release(m);
            return result;
        }
    }
    *cfg = m;
    return WEIR_OK;
}

static weir_result model_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct model *m = (const struct model *)cfg;

    if (weir_route_is_over(ask, d))
        return WEIR_OK;
    for (uint32_t i = 0; i < m->count; i++) {
        if (weir_pattern_matches(&m->rules[i].name, ask->facts->model))
            return weir_route_to(ask, d, m->rules[i].child, i, "matches the model's name");
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
