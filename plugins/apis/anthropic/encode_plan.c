/*
 * encode_plan.c - limits, thinking, effort and schema of a request, which hang together.
 *
 * Thinking takes its tokens from max_tokens, excludes a forced tool, and, with a fixed budget,
 * wants every turn that called tools to begin with what was thought.
 */
#include "encode.h"

#include <weir/sdk/choice.h>
#include <weir/sdk/format.h>

enum {
    PLAN_BUDGET_MIN = 1024,
    PLAN_BUDGET_LOW = 2048,
    PLAN_BUDGET_MEDIUM = 8192,
    PLAN_BUDGET_HIGH = 24576,
};

/* -- Schema ----------------------------------------------------------------------------------- */

static bool plan_asks_thinking(const weir_json *doc)
{
    uint32_t effort = weir_json_find(doc, 0, "reasoning_effort");
    int64_t budget = 0;

    if (weir_json_int64(doc, weir_json_find(doc, 0, "reasoning_budget_tokens"), &budget))
        return budget != 0;
    return weir_json_is_string(doc, effort) && !weir_json_is(doc, effort, "none");
}

/* How a schema is asked for. A tool that must be called leaves no room for other tools, nor for
 * thinking; one that the application makes the model call leaves none for a schema, unless the API
 * has a place for it. AUTO: it is not asked for. */
static uint8_t plan_schema_way(const struct ant_config *cfg, const weir_exchange *x)
{
    bool format = ant_traits_of(x->target->model).format;
    const char *where;

    if (weir_format_schema(x->request, &where) == WEIR_JSON_NONE)
        return ANT_SCHEMA_AUTO;
    if (cfg->schema == ANT_SCHEMA_FORMAT || (cfg->schema == ANT_SCHEMA_AUTO && format))
        return ANT_SCHEMA_FORMAT;
    if (weir_choice_forces(x->request))
        return ANT_SCHEMA_AUTO;
    if (cfg->schema != ANT_SCHEMA_AUTO)
        return cfg->schema;
    return weir_choice_has_tools(x->request) || plan_asks_thinking(x->request)
               ? ANT_SCHEMA_INSTRUCTION
               : ANT_SCHEMA_TOOL;
}

bool ant_schema_by_tool(const struct ant_config *cfg, const weir_exchange *x)
{
    return x->op == WEIR_OP_CHAT && !x->native && x->request && x->request->count && x->target &&
           plan_schema_way(cfg, x) == ANT_SCHEMA_TOOL;
}

static weir_result plan_format(struct ant_encoding *e)
{
    uint32_t format = weir_json_find(e->doc, 0, "response_format");
    uint32_t type = weir_json_find(e->doc, format, "type");

    e->schema = weir_format_schema(e->doc, &e->schema_at);
    e->plan.schema = plan_schema_way(e->cfg, e->x);
    if (weir_choice_forces(e->doc) && ((e->schema != WEIR_JSON_NONE && !e->plan.schema) ||
                                       weir_json_is(e->doc, type, "json_object"))) {
        e->schema = WEIR_JSON_NONE;
        return ant_drop(e, "/response_format", "the answer is the call of a tool");
    }
    if (e->schema != WEIR_JSON_NONE && e->plan.schema != ANT_SCHEMA_TOOL &&
        weir_json_is_string(e->doc, weir_json_path(e->doc, format, "json_schema.description")))
        WEIR_TRY(ant_drop(e, "/response_format/json_schema/description",
                          "the Anthropic API takes none of a schema"));
    if (e->plan.schema == ANT_SCHEMA_TOOL)
        e->plan.forced = true;
    if (e->plan.schema == ANT_SCHEMA_INSTRUCTION)
        return ant_drop(e, e->schema_at, "this model is asked for it in words only");
    if (weir_json_is(e->doc, type, "json_object") && e->schema == WEIR_JSON_NONE) {
        e->plan.schema = ANT_SCHEMA_INSTRUCTION;
        return ant_drop(e, "/response_format",
                        "the Anthropic API has no JSON mode: it is asked for in words");
    }
    if (format == WEIR_JSON_NONE || weir_json_is_null(e->doc, format) ||
        weir_json_is(e->doc, type, "text") || e->schema != WEIR_JSON_NONE)
        return WEIR_OK;
    return ant_drop(e, "/response_format", "the Anthropic API has no such format");
}

/* -- Limits ----------------------------------------------------------------------------------- */

/* The limit that the catalogue knows; -1: none. */
static int64_t plan_model_limit(const struct ant_encoding *e)
{
    const weir_json_service *json = e->cfg->json;
    int64_t limit = -1;
    weir_json doc;

    if (json && e->x->target->catalogue.len &&
        json->scan(&e->x->arena, e->x->target->catalogue, &doc, NULL) == WEIR_OK)
        weir_json_int64(&doc, weir_json_find(&doc, 0, "max_output_tokens"), &limit);
    return limit;
}

/* What no model could keep to is told of, and the default stands in for it. */
static weir_result plan_limit(struct ant_encoding *e, int64_t limit)
{
    const char *pointer = "/max_completion_tokens";
    uint32_t value = weir_json_find(e->doc, 0, pointer + 1);

    if (value == WEIR_JSON_NONE || weir_json_is_null(e->doc, value)) {
        pointer = "/max_tokens";
        value = weir_json_find(e->doc, 0, pointer + 1);
    }
    e->plan.max_tokens = -1;
    if (value == WEIR_JSON_NONE || weir_json_is_null(e->doc, value))
        return WEIR_OK;
    if (!weir_json_int64(e->doc, value, &e->plan.max_tokens) || e->plan.max_tokens < 0) {
        e->plan.max_tokens = -1;
        return ant_drop(e, pointer, "it is no number of tokens");
    }
    if (limit > 0 && e->plan.max_tokens > limit) {
        e->plan.max_tokens = limit;
        return ant_drop(e, pointer, "lowered to what the model can write");
    }
    return WEIR_OK;
}

/* -- Thinking --------------------------------------------------------------------------------- */

/* Whether the tools that are still at work were called without a thought that can be sent back. */
static bool plan_thought_is_missing(const struct ant_encoding *e)
{
    uint32_t messages = weir_json_find(e->doc, 0, "messages");
    bool missing = false;

    WEIR_JSON_EACH_ITEM(e->doc, messages, message)
    {
        uint32_t role = weir_json_find(e->doc, message, "role");
        weir_blocks blocks = weir_blocks_of(e->doc, message);
        bool calls = false, thought = false;
        weir_message_block b;

        if (weir_json_is(e->doc, role, "tool") || weir_json_is(e->doc, role, "function"))
            continue;
        missing = false;
        if (!weir_json_is(e->doc, role, "assistant"))
            continue;
        while (weir_blocks_next(&blocks, &b)) {
            calls = calls || b.kind == WEIR_BLOCK_TOOL_CALL;
            thought =
                thought ||
                (b.kind == WEIR_BLOCK_REASONING && !e->x->foreign &&
                 (weir_json_is_string(e->doc, weir_json_find(e->doc, b.token, "signature")) ||
                  weir_json_is_string(e->doc, weir_json_find(e->doc, b.token, "redacted_data"))));
        }
        missing = calls && !thought;
    }
    return missing;
}

/* A tool must be called. */
static bool plan_is_forced(const struct ant_encoding *e)
{
    return e->plan.forced || weir_choice_forces(e->doc);
}

static weir_result plan_no_thinking(struct ant_encoding *e, const char *why)
{
    bool budget = weir_json_is_number(e->doc, weir_json_find(e->doc, 0, "reasoning_budget_tokens"));

    e->plan.thinking = ANT_THINKING_AUTO;
    return ant_drop(e, budget ? "/reasoning_budget_tokens" : "/reasoning_effort", why);
}

/* OpenAI's words for effort, and those that Anthropic has besides. */
static weir_result plan_effort(struct ant_encoding *e, int64_t *budget)
{
    static const struct {
        const char *asked;
        const char *effort;
        int64_t budget;
    } table[] = {
        { "minimal", "low", PLAN_BUDGET_MIN },      { "low", "low", PLAN_BUDGET_LOW },
        { "medium", "medium", PLAN_BUDGET_MEDIUM }, { "high", "high", PLAN_BUDGET_HIGH },
        { "xhigh", "xhigh", PLAN_BUDGET_HIGH },     { "max", "max", PLAN_BUDGET_HIGH },
    };
    uint32_t effort = weir_json_find(e->doc, 0, "reasoning_effort");

    *budget = 0;
    if (!weir_json_is_string(e->doc, effort) || weir_json_is(e->doc, effort, "none"))
        return WEIR_OK;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!weir_json_is(e->doc, effort, table[i].asked))
            continue;
        *budget = table[i].budget;
        if (!e->traits.effort)
            return WEIR_OK;
        e->plan.effort = table[i].effort;
        if ((!e->traits.effort_xhigh && strcmp(e->plan.effort, "xhigh") == 0) ||
            (!e->traits.effort_max && strcmp(e->plan.effort, "max") == 0)) {
            e->plan.effort = "high";
            return ant_drop(e, "/reasoning_effort", "lowered to high, the most of this model");
        }
        return WEIR_OK;
    }
    return ant_drop(e, "/reasoning_effort", "the Anthropic API has no such effort");
}

/* What the model's name, or the configuration, says about the way. */
static uint8_t plan_way(const struct ant_encoding *e)
{
    if (e->cfg->thinking != ANT_THINKING_AUTO)
        return e->cfg->thinking;
    if (e->traits.adaptive)
        return ANT_THINKING_ADAPTIVE;
    return e->traits.enabled ? ANT_THINKING_ENABLED : ANT_THINKING_NONE;
}

/* A budget where only effort can be told. */
static const char *plan_effort_of(int64_t budget)
{
    return budget <= PLAN_BUDGET_LOW ? "low" : budget <= PLAN_BUDGET_MEDIUM ? "medium" : "high";
}

static weir_result plan_fixed_budget(struct ant_encoding *e, int64_t budget, bool explicit_)
{
    struct ant_plan *p = &e->plan;

    if (p->max_tokens >= 0 && p->max_tokens <= PLAN_BUDGET_MIN)
        return plan_no_thinking(e, "max_tokens leaves no room for thinking");
    if (plan_thought_is_missing(e))
        return plan_no_thinking(e, "the tools were called without a thought that can be sent back");
    p->thinking = ANT_THINKING_ENABLED;
    p->budget = budget < PLAN_BUDGET_MIN ? PLAN_BUDGET_MIN : budget;
    if (p->max_tokens >= 0 && p->budget >= p->max_tokens) {
        p->budget = p->max_tokens - p->max_tokens / 4;
        if (p->budget < PLAN_BUDGET_MIN)
            p->budget = PLAN_BUDGET_MIN;
        return explicit_ ? ant_drop(e, "/reasoning_budget_tokens",
                                    "lowered: it must be less than max_tokens")
                         : WEIR_OK;
    }
    if (explicit_ && budget < PLAN_BUDGET_MIN)
        return ant_drop(e, "/reasoning_budget_tokens", "raised to 1024, the least there is");
    return WEIR_OK;
}

static weir_result plan_thinking(struct ant_encoding *e)
{
    uint32_t summary = weir_json_find(e->doc, 0, "reasoning_summary");
    uint8_t way = plan_way(e);
    int64_t told = -2, budget;
    bool explicit_ =
        weir_json_int64(e->doc, weir_json_find(e->doc, 0, "reasoning_budget_tokens"), &told);
    bool shown = weir_json_is_string(e->doc, summary) && !weir_json_is(e->doc, summary, "none");

    WEIR_TRY(plan_effort(e, &budget));
    if (e->traits.adaptive && weir_json_is_string(e->doc, summary))
        e->plan.display = shown ? "summarized" : "omitted";
    if (weir_json_find(e->doc, e->vendor, "thinking") != WEIR_JSON_NONE)
        return WEIR_OK; /* in Anthropic's own words */
    if (explicit_ ? told == 0
                  : weir_json_is(e->doc, weir_json_find(e->doc, 0, "reasoning_effort"), "none")) {
        e->plan.thinking =
            e->traits.adaptive || e->traits.enabled ? ANT_THINKING_NONE : ANT_THINKING_AUTO;
        return WEIR_OK;
    }
    if (!explicit_ && !budget && !(shown && way == ANT_THINKING_ADAPTIVE))
        return WEIR_OK;
    /* In Anthropic's own words effort says nothing of thinking. */
    if (!explicit_ && ant_is_own(e))
        return e->traits.effort ? WEIR_OK : plan_no_thinking(e, "this model is told no effort");
    if (way == ANT_THINKING_NONE)
        return plan_no_thinking(e, "this model does not think");
    if (plan_is_forced(e) && !e->counting)
        return plan_no_thinking(e, "a model that must call a tool does not think");
    /* A budget that was told is kept where the model takes one. */
    if (way == ANT_THINKING_ADAPTIVE && explicit_ && told > 0 && e->traits.enabled &&
        e->cfg->thinking == ANT_THINKING_AUTO)
        way = ANT_THINKING_ENABLED;
    if (way == ANT_THINKING_ENABLED)
        return plan_fixed_budget(e,
                                 told > 0 ? told
                                 : budget ? budget
                                          : PLAN_BUDGET_MEDIUM,
                                 explicit_ && told > 0);
    e->plan.thinking = ANT_THINKING_ADAPTIVE;
    if (told <= 0)
        return WEIR_OK;
    if (!e->plan.effort && e->traits.effort)
        e->plan.effort = plan_effort_of(told);
    return ant_drop(e, "/reasoning_budget_tokens", "this model is told an effort, not a budget");
}

weir_result ant_plan_make(struct ant_encoding *e)
{
    struct ant_plan *p = &e->plan;
    int64_t limit = plan_model_limit(e);

    WEIR_TRY(plan_format(e));
    WEIR_TRY(plan_limit(e, limit));
    WEIR_TRY(plan_thinking(e));
    p->forced = plan_is_forced(e);
    if (p->max_tokens >= 0)
        return WEIR_OK;
    p->max_tokens = limit > 0 ? limit : e->cfg->max_tokens;
    /* The default is meant for the answer itself. */
    if (p->thinking == ANT_THINKING_ENABLED) {
        if (limit <= 0)
            p->max_tokens += p->budget;
        else if (p->budget >= limit)
            p->budget = limit - limit / 4;
    }
    return WEIR_OK;
}
