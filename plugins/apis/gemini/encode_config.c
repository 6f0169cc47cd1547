/*
 * encode_config.c - generationConfig: sampling, limits, the form of the answer, thinking.
 */
#include "gemini.h"

#include <weir/sdk/choice.h>
#include <weir/sdk/format.h>
#include <weir/sdk/sink.h>

static const struct gem_place top = { "", 0, NULL, 0 };

enum { STOP_MAX = 5 };

static bool config_given(const weir_json *doc, uint32_t value)
{
    return value != WEIR_JSON_NONE && !weir_json_is_null(doc, value);
}

/* Members that only change their name. */
static void config_plain(struct gem_encoding *e)
{
    static const struct {
        const char *from;
        const char *to;
    } table[] = {
        { "temperature", "temperature" },
        { "top_p", "topP" },
        { "top_k", "topK" },
        { "seed", "seed" },
        { "n", "candidateCount" },
        { "presence_penalty", "presencePenalty" },
        { "frequency_penalty", "frequencyPenalty" },
        { "logprobs", "responseLogprobs" },
        { "top_logprobs", "logprobs" },
    };
    uint32_t limit = weir_json_find(e->doc, 0, "max_completion_tokens");

    if (!config_given(e->doc, limit))
        limit = weir_json_find(e->doc, 0, "max_tokens");
    if (config_given(e->doc, limit)) {
        weir_write_key(&e->w, "maxOutputTokens");
        weir_write_value(&e->w, e->doc, limit);
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint32_t value = weir_json_find(e->doc, 0, table[i].from);

        if (!config_given(e->doc, value))
            continue;
        weir_write_key(&e->w, table[i].to);
        weir_write_value(&e->w, e->doc, value);
    }
}

static weir_result config_stop(struct gem_encoding *e)
{
    uint32_t stop = weir_json_find(e->doc, 0, "stop");
    int count = 0;

    if (!weir_json_is_string(e->doc, stop) && !weir_json_count(e->doc, stop))
        return WEIR_OK;
    weir_write_key(&e->w, "stopSequences");
    weir_write_begin_array(&e->w);
    if (weir_json_is_string(e->doc, stop))
        weir_write_value(&e->w, e->doc, stop);
    WEIR_JSON_EACH_ITEM(e->doc, stop, item)
    {
        if (count++ < STOP_MAX)
            weir_write_value(&e->w, e->doc, item);
    }
    weir_write_end_array(&e->w);
    if (count > STOP_MAX)
        return gem_dropped(e, &top, "stop", "the Gemini API takes 5 stop sequences at most");
    return WEIR_OK;
}

static weir_result config_format(struct gem_encoding *e)
{
    const weir_json *doc = e->doc;
    uint32_t format = weir_json_find(doc, 0, "response_format");
    uint32_t type = weir_json_find(doc, format, "type");
    const char *where;
    uint32_t schema = weir_format_schema(doc, &where);

    if (weir_json_is(doc, type, "text") || !config_given(doc, format))
        return WEIR_OK;
    if (!weir_json_is(doc, type, "json_object") && !weir_json_is(doc, type, "json_schema"))
        return gem_dropped(e, &top, "response_format", "the Gemini API has no such format");
    if (weir_choice_forces(doc))
        return gem_dropped(e, &top, "response_format", "the answer is the call of a tool");
    if (weir_json_text(doc, weir_json_path(doc, format, "json_schema.description")).len)
        WEIR_TRY(gem_dropped(e, &top, "response_format/json_schema/description",
                             "the Gemini API has no description of a format"));
    weir_write_key(&e->w, "responseMimeType");
    weir_write_literal(&e->w, "application/json");
    if (schema != WEIR_JSON_NONE)
        return gem_write_schema(e, "responseJsonSchema", "responseSchema", schema, &top, where + 1);
    return WEIR_OK;
}

static void config_modalities(struct gem_encoding *e)
{
    uint32_t modalities = weir_json_find(e->doc, 0, "modalities");

    if (!weir_json_count(e->doc, modalities))
        return;
    weir_write_key(&e->w, "responseModalities");
    weir_write_begin_array(&e->w);
    WEIR_JSON_EACH_ITEM(e->doc, modalities, item)
    {
        weir_str name = weir_json_inner(e->doc, item);
        char upper[16];
        size_t len = name.len < sizeof(upper) ? name.len : sizeof(upper);

        for (size_t i = 0; i < len; i++)
            upper[i] =
                (char)(name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? name.ptr[i] - 32 : name.ptr[i]);
        weir_write_string(&e->w, weir_str_make(upper, len));
    }
    weir_write_end_array(&e->w);
}

/* -- Thinking --------------------------------------------------------------------------------- */

/* The budget that Google's own OpenAI endpoint takes an effort for. */
static int64_t thinking_budget(const weir_json *doc, uint32_t effort)
{
    static const struct {
        const char *effort;
        int64_t tokens;
    } table[] = { { "none", 0 },      { "minimal", 1024 }, { "low", 1024 },
                  { "medium", 8192 }, { "high", 24576 },   { "xhigh", 32768 } };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_json_is(doc, effort, table[i].effort))
            return table[i].tokens;
    }
    return -1;
}

static weir_result thinking_level(struct gem_encoding *e, uint32_t effort)
{
    static const char *const words[] = { "minimal", "low", "medium", "high", NULL };
    bool none = weir_json_is(e->doc, effort, "none");

    weir_write_key(&e->w, "thinkingLevel");
    for (const char *const *word = words; *word; word++) {
        if (weir_json_is(e->doc, effort, *word)) {
            weir_write_literal(&e->w, *word);
            return WEIR_OK;
        }
    }
    weir_write_literal(&e->w, none ? "low" : "high");
    if (none)
        return gem_dropped(e, &top, "reasoning_effort",
                           "this model always thinks; it is set to low");
    return gem_dropped(e, &top, "reasoning_effort",
                       "the Gemini API has no such effort; it is high");
}

static weir_result thinking_effort(struct gem_encoding *e, uint32_t effort)
{
    int64_t budget = thinking_budget(e->doc, effort);

    if (e->takes & GEM_TAKES_LEVEL)
        return thinking_level(e, effort);
    weir_write_key(&e->w, "thinkingBudget");
    if (budget == 0 && (e->takes & GEM_ALWAYS_THINKS)) {
        weir_write_int64(&e->w, 128); /* the least there is */
        return gem_dropped(e, &top, "reasoning_effort", "this model cannot be kept from thinking");
    }
    weir_write_int64(&e->w, budget);
    return WEIR_OK;
}

static weir_result config_thinking(struct gem_encoding *e)
{
    const weir_json *doc = e->doc;
    uint32_t effort = weir_json_find(doc, 0, "reasoning_effort");
    uint32_t budget = weir_json_find(doc, 0, "reasoning_budget_tokens");
    uint32_t summary = weir_json_find(doc, 0, "reasoning_summary");
    bool counts = weir_json_is_number(doc, budget), shown = weir_json_is_string(doc, summary);

    if (!weir_json_is_string(doc, effort) && !counts && !shown)
        return WEIR_OK;
    if (!(e->takes & (GEM_TAKES_LEVEL | GEM_TAKES_BUDGET))) {
        if (!counts && (!weir_json_is_string(doc, effort) || weir_json_is(doc, effort, "none")))
            return WEIR_OK;
        return gem_dropped(e, &top, counts ? "reasoning_budget_tokens" : "reasoning_effort",
                           "this model does not think");
    }
    weir_write_key(&e->w, "thinkingConfig");
    weir_write_begin_object(&e->w);
    if (counts) {
        weir_write_key(&e->w, "thinkingBudget");
        weir_write_value(&e->w, doc, budget);
    } else if (weir_json_is_string(doc, effort)) {
        WEIR_TRY(thinking_effort(e, effort));
    }
    if (shown) {
        weir_write_key(&e->w, "includeThoughts");
        weir_write_bool(&e->w, !weir_json_is(doc, summary, "none"));
    }
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

weir_result gem_write_config(struct gem_encoding *e)
{
    weir_writer outer = e->w;
    weir_str members;

    weir_writer_init(&e->w, &e->x->arena, 256);
    config_plain(e);
    WEIR_TRY(config_stop(e));
    WEIR_TRY(config_format(e));
    config_modalities(e);
    WEIR_TRY(config_thinking(e));
    WEIR_TRY(weir_writer_finish(&e->w, &members));
    e->w = outer;
    if (!members.len)
        return WEIR_OK;
    weir_write_key(&e->w, "generationConfig");
    weir_write_begin_object(&e->w);
    weir_write_members(&e->w, members);
    weir_write_end_object(&e->w);
    return WEIR_OK;
}
