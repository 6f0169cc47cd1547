/*
 * encode_top.c - a canonical request written anew: the members at the top.
 *
 * The API refuses members that it does not know, so what has no place in it is left out and told.
 */
#include "encode.h"

#include <weir/sdk/sink.h>

static bool vendor_has(const struct ant_encoding *e, const char *name)
{
    return weir_json_find(e->doc, e->vendor, name) != WEIR_JSON_NONE;
}

/* -- Members at the top ----------------------------------------------------------------------- */

/* Whether a member is written in the canonical words, and not overruled by Anthropic's own. */
static uint32_t top_find(const struct ant_encoding *e, const char *canonical, const char *theirs)
{
    uint32_t value = weir_json_find(e->doc, 0, canonical);

    if (value == WEIR_JSON_NONE || weir_json_is_null(e->doc, value) || vendor_has(e, theirs))
        return WEIR_JSON_NONE;
    return value;
}

static bool plan_thinks(const struct ant_encoding *e)
{
    return e->plan.thinking == ANT_THINKING_ENABLED || e->plan.thinking == ANT_THINKING_ADAPTIVE;
}

static weir_result encode_temperature(struct ant_encoding *e)
{
    uint32_t value = top_find(e, "temperature", "temperature");
    double degree;

    if (!weir_json_double(e->doc, value, &degree))
        return value == WEIR_JSON_NONE ? WEIR_OK
                                       : ant_drop(e, "/temperature", "it is not a number");
    if (plan_thinks(e) && (degree < 1 || degree > 1))
        return ant_drop(e, "/temperature", "a model that thinks has none to set");
    if (!e->traits.sampling)
        return ant_drop(e, "/temperature", "this model has none to set");
    weir_write_key(&e->w, "temperature");
    if (degree > 1) {
        weir_write_int64(&e->w, 1);
        return ant_drop(e, "/temperature", "lowered to 1, the highest there is");
    }
    weir_write_value(&e->w, e->doc, value);
    return WEIR_OK;
}

static weir_result encode_top_p(struct ant_encoding *e)
{
    uint32_t value = top_find(e, "top_p", "top_p");
    double p;

    if (value == WEIR_JSON_NONE)
        return WEIR_OK;
    if (!weir_json_double(e->doc, value, &p))
        return ant_drop(e, "/top_p", "it is not a number");
    if (!e->traits.sampling)
        return ant_drop(e, "/top_p", "this model has none to set");
    if (plan_thinks(e) && p < 0.95)
        return ant_drop(e, "/top_p", "a model that thinks takes none below 0.95");
    if (!e->traits.sampling_both && !plan_thinks(e) &&
        weir_json_is_number(e->doc, weir_json_find(e->doc, 0, "temperature")))
        return ant_drop(e, "/top_p", "this model takes no top_p beside a temperature");
    weir_write_key(&e->w, "top_p");
    weir_write_value(&e->w, e->doc, value);
    return WEIR_OK;
}

static weir_result encode_top_k(struct ant_encoding *e)
{
    uint32_t value = top_find(e, "top_k", "top_k");

    if (value == WEIR_JSON_NONE)
        return WEIR_OK;
    if (!e->traits.sampling || plan_thinks(e))
        return ant_drop(e, "/top_k", "this model, or one that thinks, has none to set");
    weir_write_key(&e->w, "top_k");
    weir_write_value(&e->w, e->doc, value);
    return WEIR_OK;
}

static weir_result encode_stop(struct ant_encoding *e)
{
    uint32_t stop = top_find(e, "stop", "stop_sequences");
    bool blank = false;

    if (weir_json_is_string(e->doc, stop) && !ant_is_blank(weir_json_text(e->doc, stop))) {
        weir_write_key(&e->w, "stop_sequences");
        weir_write_begin_array(&e->w);
        weir_write_value(&e->w, e->doc, stop);
        weir_write_end_array(&e->w);
        return WEIR_OK;
    }
    blank = weir_json_is_string(e->doc, stop);
    if (weir_json_count(e->doc, stop)) {
        weir_write_key(&e->w, "stop_sequences");
        weir_write_begin_array(&e->w);
        WEIR_JSON_EACH_ITEM(e->doc, stop, item)
        {
            if (ant_is_blank(weir_json_text(e->doc, item)))
                blank = true;
            else
                weir_write_value(&e->w, e->doc, item);
        }
        weir_write_end_array(&e->w);
    }
    return blank ? ant_drop(e, "/stop", "a stop sequence must be more than white space") : WEIR_OK;
}

static weir_result encode_tier(struct ant_encoding *e)
{
    uint32_t tier = top_find(e, "service_tier", "service_tier");
    bool standard =
        weir_json_is(e->doc, tier, "default") || weir_json_is(e->doc, tier, "standard_only");

    if (tier == WEIR_JSON_NONE)
        return WEIR_OK;
    if (!standard && !weir_json_is(e->doc, tier, "auto"))
        return ant_drop(e, "/service_tier", "the Anthropic API has no such tier");
    weir_write_key(&e->w, "service_tier");
    weir_write_literal(&e->w, standard ? "standard_only" : "auto");
    return WEIR_OK;
}

static void encode_user(struct ant_encoding *e)
{
    uint32_t user = top_find(e, "user", "metadata");

    if (!weir_json_is_string(e->doc, user))
        user = top_find(e, "safety_identifier", "metadata");
    if (!weir_json_is_string(e->doc, user) || !e->doc->tok[user].len)
        return;
    weir_write_key(&e->w, "metadata");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "user_id");
    weir_write_value(&e->w, e->doc, user);
    weir_write_end_object(&e->w);
}

static void encode_thinking(struct ant_encoding *e)
{
    static const char *const types[] = { "", "adaptive", "enabled", "disabled" };
    const struct ant_plan *p = &e->plan;

    if (p->thinking == ANT_THINKING_AUTO || vendor_has(e, "thinking"))
        return;
    weir_write_key(&e->w, "thinking");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "type");
    weir_write_literal(&e->w, types[p->thinking]);
    if (p->thinking == ANT_THINKING_ENABLED) {
        weir_write_key(&e->w, "budget_tokens");
        weir_write_int64(&e->w, p->budget);
    }
    if (p->display && p->thinking != ANT_THINKING_NONE) {
        weir_write_key(&e->w, "display");
        weir_write_literal(&e->w, p->display);
    }
    weir_write_end_object(&e->w);
}

/* Ours, and what the application has in Anthropic's words. */
static weir_result encode_output_config(struct ant_encoding *e)
{
    uint32_t theirs = weir_json_find(e->doc, e->vendor, "output_config");
    bool format = e->plan.schema == ANT_SCHEMA_FORMAT &&
                  weir_json_find(e->doc, theirs, "format") == WEIR_JSON_NONE;
    bool effort = e->plan.effort && weir_json_find(e->doc, theirs, "effort") == WEIR_JSON_NONE;

    if (!format && !effort && !weir_json_count(e->doc, theirs))
        return WEIR_OK;
    weir_write_key(&e->w, "output_config");
    weir_write_begin_object(&e->w);
    if (effort) {
        weir_write_key(&e->w, "effort");
        weir_write_literal(&e->w, e->plan.effort);
    }
    if (format) {
        weir_write_key(&e->w, "format");
        weir_write_begin_object(&e->w);
        weir_write_key(&e->w, "type");
        weir_write_literal(&e->w, "json_schema");
        weir_write_key(&e->w, "schema");
        WEIR_TRY(ant_encode_schema(e, e->schema, e->schema_at));
        weir_write_end_object(&e->w);
    }
    weir_write_members(&e->w, weir_json_inner(e->doc, theirs));
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

/* Members that a count has as well; the rest says how an answer is made. */
static bool vendor_counts(const weir_json *doc, uint32_t key)
{
    static const char *const names[] = { "thinking", "mcp_servers", "context_management", "speed",
                                         "output_format" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (weir_json_is(doc, key, names[i]))
            return true;
    }
    return false;
}

/* What is routed, or written in canonical form, is not to be said otherwise. */
static bool vendor_is_ours(const weir_json *doc, uint32_t key)
{
    static const char *const names[] = { "model", "messages",    "system",       "stream",
                                         "tools", "tool_choice", "cache_control" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (weir_json_is(doc, key, names[i]))
            return true;
    }
    return false;
}

static weir_result encode_vendor_top(struct ant_encoding *e)
{
    WEIR_JSON_EACH_MEMBER(e->doc, e->vendor, key, value)
    {
        if (vendor_is_ours(e->doc, key)) {
            WEIR_TRY(ant_drop(e, "/vendor/anthropic", "it says otherwise what is said already"));
            continue;
        }
        if (weir_json_is(e->doc, key, "output_config") ||
            (e->counting && !vendor_counts(e->doc, key)))
            continue;
        weir_write_key_text(&e->w, weir_json_text(e->doc, key));
        weir_write_value(&e->w, e->doc, value);
    }
    return WEIR_OK;
}

/* Canonical members that are read above, in ant_plan_make, or by the core. */
static bool top_knows(const weir_json *doc, uint32_t key)
{
    static const char *const known[] = { "model",
                                         "messages",
                                         "stream",
                                         "stream_options",
                                         "max_tokens",
                                         "max_completion_tokens",
                                         "temperature",
                                         "top_p",
                                         "top_k",
                                         "stop",
                                         "tools",
                                         "tool_choice",
                                         "functions",
                                         "function_call",
                                         "parallel_tool_calls",
                                         "response_format",
                                         "reasoning_effort",
                                         "reasoning_budget_tokens",
                                         "reasoning_summary",
                                         "user",
                                         "safety_identifier",
                                         "service_tier",
                                         "cache_control",
                                         "vendor" };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (weir_json_is(doc, key, known[i]))
            return true;
    }
    return false;
}

/* Whether a member asks for nothing: what happens without it. */
static bool top_says_nothing(const weir_json *doc, uint32_t key, uint32_t value)
{
    double number = 1;
    bool yes = true;

    if (weir_json_is_null(doc, value) ||
        (weir_json_type(doc, value) >= WEIR_JSON_ARRAY && !weir_json_count(doc, value)))
        return true;
    if (weir_json_is(doc, key, "provider"))
        return weir_json_is_string(doc, value);
    if (weir_json_bool(doc, value, &yes))
        return !yes;
    weir_json_double(doc, value, &number);
    if (weir_json_is(doc, key, "n"))
        return !(number > 1);
    if (weir_json_is(doc, key, "frequency_penalty") || weir_json_is(doc, key, "presence_penalty"))
        return !(number > 0) && !(number < 0);
    if (weir_json_is(doc, key, "modalities"))
        return weir_json_count(doc, value) == 1 &&
               weir_json_is(doc, weir_json_item(doc, value, 0), "text");
    return false;
}

static weir_result encode_drop_rest(struct ant_encoding *e)
{
    WEIR_JSON_EACH_MEMBER(e->doc, 0, key, value)
    {
        if (!top_knows(e->doc, key) && !top_says_nothing(e->doc, key, value))
            WEIR_TRY(ant_drop_key(e, weir_json_text(e->doc, key),
                                  "the Anthropic API has no such parameter"));
    }
    return ant_drop_vendors(e, 0, NULL, 0);
}

/* What a count has no use for. */
static weir_result encode_answer_members(struct ant_encoding *e)
{
    if (e->counting)
        return WEIR_OK;
    if (!vendor_has(e, "max_tokens")) {
        weir_write_key(&e->w, "max_tokens");
        weir_write_int64(&e->w, e->plan.max_tokens);
    }
    if (e->x->stream) {
        weir_write_key(&e->w, "stream");
        weir_write_bool(&e->w, true);
    }
    WEIR_TRY(encode_temperature(e));
    WEIR_TRY(encode_top_p(e));
    WEIR_TRY(encode_top_k(e));
    WEIR_TRY(encode_stop(e));
    WEIR_TRY(encode_tier(e));
    encode_user(e);
    return WEIR_OK;
}

weir_result ant_encode_canonical(struct ant_encoding *e)
{
    size_t len = e->doc->bytes.len;

    weir_writer_init(&e->w, &e->x->arena, (len < 4096 ? len : 4096) + 512);
    weir_writer_refer(&e->w, e->doc->bytes);
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "model");
    if (e->x->target->model.len)
        weir_write_string(&e->w, e->x->target->model);
    else
        weir_write_text(&e->w, weir_json_text(e->doc, weir_json_find(e->doc, 0, "model")));
    WEIR_TRY(ant_plan_make(e));
    WEIR_TRY(encode_answer_members(e));
    encode_thinking(e);
    WEIR_TRY(encode_output_config(e));
    WEIR_TRY(ant_encode_messages(e));
    WEIR_TRY(ant_encode_tools(e));
    ant_encode_cache(e, 0);
    WEIR_TRY(encode_vendor_top(e));
    WEIR_TRY(encode_drop_rest(e));
    weir_write_end_object(&e->w);
    return weir_writer_send(&e->w, e->out->body, e->out->ctx);
}
