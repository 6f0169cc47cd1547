/*
 * encode_options.c - sampling, form of the answer, thinking, and what only Ollama has.
 */
#include "ollama.h"

#include <weir/sdk/format.h>
#include <weir/sdk/sink.h>

/* Parameters that Ollama has among its options, by both names. */
static const struct {
    const char *canonical;
    const char *ollama;
} numbers[] = {
    { "temperature", "temperature" },
    { "top_p", "top_p" },
    { "top_k", "top_k" },
    { "seed", "seed" },
    { "frequency_penalty", "frequency_penalty" },
    { "presence_penalty", "presence_penalty" },
};

/* Whether the application said it in Ollama's own words: those count. */
static bool options_own(const struct olm_encoding *n, const char *name)
{
    uint32_t options = weir_json_find(n->doc, n->vendor, "options");

    return weir_json_find(n->doc, options, name) != WEIR_JSON_NONE;
}

static weir_result options_number(struct olm_encoding *n, const char *from, const char *to)
{
    uint32_t value = weir_json_find(n->doc, 0, from);

    if (value == WEIR_JSON_NONE || weir_json_is_null(n->doc, value) || options_own(n, to))
        return WEIR_OK;
    if (!weir_json_is_number(n->doc, value))
        return olm_dropped_top(n, from, "it is not a number");
    weir_write_key(&n->w, to);
    weir_write_value(&n->w, n->doc, value);
    return WEIR_OK;
}

static void options_stop(struct olm_encoding *n)
{
    uint32_t stop = weir_json_find(n->doc, 0, "stop");

    if (olm_says_nothing(n->doc, stop) || stop == WEIR_JSON_NONE || options_own(n, "stop"))
        return;
    weir_write_key(&n->w, "stop");
    if (weir_json_is_array(n->doc, stop)) {
        weir_write_value(&n->w, n->doc, stop);
        return;
    }
    weir_write_begin_array(&n->w);
    weir_write_value(&n->w, n->doc, stop);
    weir_write_end_array(&n->w);
}

static weir_result options_sampling(struct olm_encoding *n)
{
    uint32_t own = weir_json_find(n->doc, n->vendor, "options");
    uint32_t limit = weir_json_find(n->doc, 0, "max_completion_tokens");
    weir_writer_mark before = weir_writer_here(&n->w);
    size_t start;

    weir_write_key(&n->w, "options");
    weir_write_begin_object(&n->w);
    start = n->w.len;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        WEIR_TRY(options_number(n, numbers[i].canonical, numbers[i].ollama));
    WEIR_TRY(options_number(
        n, weir_json_is_number(n->doc, limit) ? "max_completion_tokens" : "max_tokens",
        "num_predict"));
    options_stop(n);
    if (n->cfg->num_ctx && !options_own(n, "num_ctx")) {
        weir_write_key(&n->w, "num_ctx");
        weir_write_int64(&n->w, n->cfg->num_ctx);
    }
    if (weir_json_is_object(n->doc, own))
        weir_write_members(&n->w, weir_json_inner(n->doc, own));
    if (n->w.len == start && !n->w.failed) { /* nothing was said: not even the name */
        weir_writer_back(&n->w, before);
        return WEIR_OK;
    }
    weir_write_end_object(&n->w);
    return WEIR_OK;
}

/* Its name says nothing, and answers are held to it anyway. */
static weir_result options_schema_rest(const struct olm_encoding *n, uint32_t json_schema)
{
    WEIR_JSON_EACH_MEMBER(n->doc, json_schema, key, value)
    {
        weir_str parts[3] = { WEIR_S("response_format"), WEIR_S("json_schema"), WEIR_S("") };

        if (weir_json_is(n->doc, key, "schema") || weir_json_is(n->doc, key, "name") ||
            weir_json_is(n->doc, key, "strict") || olm_says_nothing(n->doc, value))
            continue;
        parts[2] = weir_json_str(n->doc, key, &n->x->arena);
        WEIR_TRY(olm_dropped(n, "Ollama takes the schema alone", parts, 3));
    }
    return WEIR_OK;
}

static weir_result options_format(struct olm_encoding *n)
{
    uint32_t format = weir_json_find(n->doc, 0, "response_format");
    uint32_t type = weir_json_find(n->doc, format, "type");
    const char *where;
    uint32_t schema = weir_format_schema(n->doc, &where);

    if (format == WEIR_JSON_NONE || weir_json_is_null(n->doc, format) ||
        weir_json_is(n->doc, type, "text") ||
        weir_json_find(n->doc, n->vendor, "format") != WEIR_JSON_NONE)
        return WEIR_OK;
    if (schema != WEIR_JSON_NONE) {
        weir_write_key(&n->w, "format");
        weir_write_value(&n->w, n->doc, schema);
        return options_schema_rest(n, weir_json_find(n->doc, format, "json_schema"));
    }
    if (!weir_json_is(n->doc, type, "json_object") && !weir_json_is(n->doc, type, "json_schema"))
        return olm_dropped_top(n, "response_format", "Ollama knows JSON and schemas only");
    weir_write_key(&n->w, "format");
    weir_write_literal(&n->w, "json");
    if (weir_json_is(n->doc, type, "json_schema"))
        return olm_dropped_top(n, "response_format", "it has no schema: any JSON will do");
    return WEIR_OK;
}

static weir_result options_effort(struct olm_encoding *n, uint32_t effort)
{
    static const struct {
        const char *canonical;
        const char *ollama;
    } near[] = { { "minimal", "low" }, { "xhigh", "high" }, { "max", "high" } };

    if (weir_json_is(n->doc, effort, "none")) {
        weir_write_key(&n->w, "think");
        weir_write_bool(&n->w, false);
        return WEIR_OK;
    }
    if (weir_json_is(n->doc, effort, "low") || weir_json_is(n->doc, effort, "medium") ||
        weir_json_is(n->doc, effort, "high")) {
        weir_write_key(&n->w, "think");
        weir_write_value(&n->w, n->doc, effort);
        return WEIR_OK;
    }
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        if (!weir_json_is(n->doc, effort, near[i].canonical))
            continue;
        weir_write_key(&n->w, "think");
        weir_write_literal(&n->w, near[i].ollama);
        return olm_dropped_top(n, "reasoning_effort", "Ollama knows low, medium and high only");
    }
    return olm_dropped_top(n, "reasoning_effort", "Ollama knows no such effort");
}

/* `think` is a switch, or a level for models that have levels. */
static weir_result options_think(struct olm_encoding *n)
{
    uint32_t budget = weir_json_find(n->doc, 0, "reasoning_budget_tokens");
    uint32_t effort = weir_json_find(n->doc, 0, "reasoning_effort");
    int64_t tokens;

    if (weir_json_find(n->doc, n->vendor, "think") != WEIR_JSON_NONE)
        return WEIR_OK;
    if (weir_json_int64(n->doc, budget, &tokens)) {
        weir_write_key(&n->w, "think");
        weir_write_bool(&n->w, tokens != 0);
        return tokens > 0 ? olm_dropped_top(n, "reasoning_budget_tokens",
                                            "Ollama thinks as long as the model likes")
                          : WEIR_OK;
    }
    if (effort == WEIR_JSON_NONE || weir_json_is_null(n->doc, effort))
        return WEIR_OK;
    return options_effort(n, effort);
}

/* A number stays a number: 300 is seconds, "300" is refused. */
static void options_keep_alive(struct olm_encoding *n)
{
    weir_str value = weir_str_of(n->cfg->keep_alive);
    int64_t seconds;

    if (!value.len || weir_json_find(n->doc, n->vendor, "keep_alive") != WEIR_JSON_NONE)
        return;
    weir_write_key(&n->w, "keep_alive");
    if (weir_number_to_int64(value.ptr, value.len, &seconds))
        weir_write_int64(&n->w, seconds);
    else
        weir_write_string(&n->w, value);
}

/* Members that only one of the two endpoints has. */
static bool options_fits(const struct olm_encoding *n, uint32_t key)
{
    static const char *const generate[] = { "suffix", "template", "context", "raw", "prompt" };

    for (size_t i = 0; i < sizeof(generate) / sizeof(generate[0]); i++) {
        if (weir_json_is(n->doc, key, generate[i]))
            return n->endpoint == OLM_GENERATE;
    }
    return true;
}

/* What the application said in Ollama's own words; the options are in their place already. */
static weir_result options_vendor(struct olm_encoding *n)
{
    const weir_json *doc = n->doc;

    WEIR_JSON_EACH_MEMBER(doc, n->vendor, key, value)
    {
        weir_str parts[3] = { WEIR_S("vendor"), WEIR_S("ollama"), WEIR_S("") };

        if (weir_json_is(doc, key, "options") && weir_json_is_object(doc, value))
            continue;
        if (options_fits(n, key)) {
            weir_write_key_text(&n->w, weir_json_text(doc, key));
            weir_write_value(&n->w, doc, value);
            continue;
        }
        parts[2] = weir_json_str(doc, key, &n->x->arena);
        WEIR_TRY(olm_dropped(n, "a chat has no such member", parts, 3));
    }
    return olm_drop_vendors_at(n, 0, NULL, 0);
}

weir_result olm_write_options(struct olm_encoding *n)
{
    WEIR_TRY(options_sampling(n));
    WEIR_TRY(options_format(n));
    WEIR_TRY(options_think(n));
    options_keep_alive(n);
    return options_vendor(n);
}
