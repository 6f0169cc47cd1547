/*
 * translate.c - a request in canonical form: what stands beside the messages.
 *
 * What the canonical form has no word for stays in Anthropic's words, under vendor.anthropic, so
 * that it is lost on no way back.
 */
#include "translate.h"

void ant_translate_member(struct translation *t, uint32_t object, const char *from, const char *to)
{
    uint32_t value = weir_json_find(t->doc, object, from);

    if (value == WEIR_JSON_NONE || weir_json_is_null(t->doc, value))
        return;
    weir_write_key(&t->w, to);
    weir_write_value(&t->w, t->doc, value);
}

static bool is_one_of(const weir_json *doc, uint32_t key, const char *const *names)
{
    for (; *names; names++) {
        if (weir_json_is(doc, key, *names))
            return true;
    }
    return false;
}

static bool has_rest(const struct translation *t, uint32_t object, const char *const *known)
{
    WEIR_JSON_EACH_MEMBER(t->doc, object, key, value)
    {
        if (!weir_json_is_null(t->doc, value) && !is_one_of(t->doc, key, known))
            return true;
    }
    return false;
}

void ant_translate_rest(struct translation *t, uint32_t object, const char *const *known,
                        weir_str first)
{
    if (!first.len && !has_rest(t, object, known))
        return;
    weir_write_key(&t->w, "vendor");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "anthropic");
    weir_write_begin_object(&t->w);
    weir_write_raw(&t->w, first);
    WEIR_JSON_EACH_MEMBER(t->doc, object, key, value)
    {
        if (weir_json_is_null(t->doc, value) || is_one_of(t->doc, key, known))
            continue;
        weir_write_key_text(&t->w, weir_json_text(t->doc, key));
        weir_write_value(&t->w, t->doc, value);
    }
    weir_write_end_object(&t->w);
    weir_write_end_object(&t->w);
}

/* -- Tools ------------------------------------------------------------------------------------ */

static void translate_function(struct translation *t, uint32_t tool)
{
    static const char *const known[] = { "name",   "description",   "input_schema",
                                         "strict", "cache_control", NULL };

    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, "function");
    weir_write_key(&t->w, "function");
    weir_write_begin_object(&t->w);
    ant_translate_member(t, tool, "name", "name");
    ant_translate_member(t, tool, "description", "description");
    ant_translate_member(t, tool, "input_schema", "parameters");
    ant_translate_member(t, tool, "strict", "strict");
    weir_write_end_object(&t->w);
    ant_translate_member(t, tool, "cache_control", "cache_control");
    ant_translate_rest(t, tool, known, weir_str_make("", 0));
    weir_write_end_object(&t->w);
}

/* A tool that Anthropic defines, whoever runs it. */
static void translate_server_tool(struct translation *t, uint32_t tool)
{
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, "server_tool");
    weir_write_key(&t->w, "api");
    weir_write_literal(&t->w, "anthropic");
    weir_write_key(&t->w, "tool");
    weir_write_value(&t->w, t->doc, tool);
    weir_write_end_object(&t->w);
}

static void translate_tools(struct translation *t)
{
    uint32_t tools = weir_json_find(t->doc, 0, "tools");

    if (!weir_json_is_array(t->doc, tools))
        return;
    weir_write_key(&t->w, "tools");
    weir_write_begin_array(&t->w);
    WEIR_JSON_EACH_ITEM(t->doc, tools, tool)
    {
        uint32_t type = weir_json_find(t->doc, tool, "type");

        if (!weir_json_is_string(t->doc, type) || weir_json_is(t->doc, type, "custom"))
            translate_function(t, tool);
        else
            translate_server_tool(t, tool);
    }
    weir_write_end_array(&t->w);
}

static void translate_choice(struct translation *t)
{
    uint32_t choice = weir_json_find(t->doc, 0, "tool_choice");
    uint32_t type = weir_json_find(t->doc, choice, "type");
    bool single = false;

    if (weir_json_is(t->doc, type, "tool")) {
        weir_write_key(&t->w, "tool_choice");
        weir_write_begin_object(&t->w);
        weir_write_key(&t->w, "type");
        weir_write_literal(&t->w, "function");
        weir_write_key(&t->w, "function");
        weir_write_begin_object(&t->w);
        ant_translate_member(t, choice, "name", "name");
        weir_write_end_object(&t->w);
        weir_write_end_object(&t->w);
    } else if (weir_json_is_string(t->doc, type)) {
        weir_write_key(&t->w, "tool_choice");
        if (weir_json_is(t->doc, type, "any"))
            weir_write_literal(&t->w, "required");
        else
            weir_write_value(&t->w, t->doc, type); /* auto, none */
    }
    if (weir_json_bool(t->doc, weir_json_find(t->doc, choice, "disable_parallel_tool_use"),
                       &single)) {
        weir_write_key(&t->w, "parallel_tool_calls");
        weir_write_bool(&t->w, !single);
    }
}

/* -- Thinking and the form of the answer ------------------------------------------------------ */

/* False: it is of a type that has no canonical form. */
static bool translate_thinking(struct translation *t)
{
    uint32_t thinking = weir_json_find(t->doc, 0, "thinking");
    uint32_t type = weir_json_find(t->doc, thinking, "type");
    uint32_t display = weir_json_find(t->doc, thinking, "display");
    bool disabled = weir_json_is(t->doc, type, "disabled");
    int64_t budget = -1;

    if (!weir_json_is_object(t->doc, thinking))
        return thinking == WEIR_JSON_NONE || weir_json_is_null(t->doc, thinking);
    if (weir_json_is(t->doc, type, "enabled") &&
        !weir_json_int64(t->doc, weir_json_find(t->doc, thinking, "budget_tokens"), &budget))
        return false;
    if (!disabled && !weir_json_is(t->doc, type, "enabled") &&
        !weir_json_is(t->doc, type, "adaptive"))
        return false;
    weir_write_key(&t->w, "reasoning_budget_tokens");
    weir_write_int64(&t->w, disabled ? 0 : budget);
    if (weir_json_is(t->doc, display, "omitted") || weir_json_is(t->doc, display, "summarized")) {
        weir_write_key(&t->w, "reasoning_summary");
        weir_write_literal(&t->w, weir_json_is(t->doc, display, "omitted") ? "none" : "auto");
    }
    return true;
}

/* The schema of the answer, where it stands today, or where it stood. */
static uint32_t format_of(const weir_json *doc)
{
    uint32_t format = weir_json_path(doc, 0, "output_config.format");

    if (!weir_json_is_object(doc, format))
        format = weir_json_find(doc, 0, "output_format");
    return weir_json_is(doc, weir_json_find(doc, format, "type"), "json_schema") ? format
                                                                                 : WEIR_JSON_NONE;
}

static void translate_format(struct translation *t)
{
    uint32_t format = format_of(t->doc);

    if (format == WEIR_JSON_NONE)
        return;
    weir_write_key(&t->w, "response_format");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, "json_schema");
    weir_write_key(&t->w, "json_schema");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "name");
    weir_write_literal(&t->w, "answer");
    ant_translate_member(t, format, "schema", "schema");
    weir_write_key(&t->w, "strict");
    weir_write_bool(&t->w, true);
    weir_write_end_object(&t->w);
    weir_write_end_object(&t->w);
}

/* -- Everything ------------------------------------------------------------------------------- */

/* Anthropic's words that have to be taken apart: members of an object that are not among `known`,
 * as one member of that name. */
static void rest_of(struct translation *t, weir_writer *w, const char *name,
                    const char *const *known)
{
    uint32_t object = weir_json_find(t->doc, 0, name);

    if (!has_rest(t, object, known))
        return;
    weir_write_key(w, name);
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(t->doc, object, key, value)
    {
        if (weir_json_is_null(t->doc, value) || is_one_of(t->doc, key, known))
            continue;
        weir_write_key_text(w, weir_json_text(t->doc, key));
        weir_write_value(w, t->doc, value);
    }
    weir_write_end_object(w);
}

static weir_result translate_vendor(struct translation *t, bool thinking_told)
{
    static const char *const none[] = { NULL };
    static const char *const in_config[] = { "effort", "format", NULL };
    static const char *const known[] = {
        "model",    "messages", "system",         "max_tokens",    "stream",       "temperature",
        "top_p",    "top_k",    "stop_sequences", "metadata",      "tools",        "tool_choice",
        "thinking", "provider", "output_config",  "output_format", "service_tier", "cache_control",
        NULL
    };
    static const char *const user_only[] = { "user_id", NULL };
    uint32_t metadata = weir_json_find(t->doc, 0, "metadata");
    weir_str first;
    weir_writer w;

    weir_writer_init(&w, t->arena, 0);
    if (has_rest(t, metadata, user_only))
        rest_of(t, &w, "metadata", none);
    if (!thinking_told) {
        weir_write_key(&w, "thinking");
        weir_write_value(&w, t->doc, weir_json_find(t->doc, 0, "thinking"));
    }
    rest_of(t, &w, "output_config", in_config);
    if (format_of(t->doc) == WEIR_JSON_NONE &&
        weir_json_is_object(t->doc, weir_json_find(t->doc, 0, "output_format"))) {
        weir_write_key(&w, "output_format");
        weir_write_value(&w, t->doc, weir_json_find(t->doc, 0, "output_format"));
    }
    WEIR_TRY(weir_writer_finish(&w, &first));
    ant_translate_rest(t, 0, known, first);
    return WEIR_OK;
}

static void translate_tier(struct translation *t)
{
    uint32_t tier = weir_json_find(t->doc, 0, "service_tier");

    if (!weir_json_is_string(t->doc, tier))
        return;
    weir_write_key(&t->w, "service_tier");
    if (weir_json_is(t->doc, tier, "standard_only"))
        weir_write_literal(&t->w, "default");
    else
        weir_write_value(&t->w, t->doc, tier);
}

weir_result ant_translate(const weir_ingress *in, const weir_request_sink *out)
{
    struct translation t;
    bool thinking_told;
    weir_str body;

    memset(&t, 0, sizeof(t));
    t.doc = in->json;
    t.arena = &in->arena;
    weir_writer_init(&t.w, t.arena, in->json->bytes.len + in->json->bytes.len / 4 + 512);
    weir_write_begin_object(&t.w);
    ant_translate_member(&t, 0, "model", "model");
    ant_translate_messages(&t);
    ant_translate_member(&t, 0, "max_tokens", "max_completion_tokens");
    ant_translate_member(&t, 0, "stream", "stream");
    ant_translate_member(&t, 0, "temperature", "temperature");
    ant_translate_member(&t, 0, "top_p", "top_p");
    ant_translate_member(&t, 0, "top_k", "top_k");
    ant_translate_member(&t, 0, "stop_sequences", "stop");
    translate_tools(&t);
    translate_choice(&t);
    thinking_told = translate_thinking(&t);
    ant_translate_member(&t, weir_json_find(t.doc, 0, "output_config"), "effort",
                         "reasoning_effort");
    translate_format(&t);
    ant_translate_member(&t, weir_json_find(t.doc, 0, "metadata"), "user_id", "user");
    translate_tier(&t);
    ant_translate_member(&t, 0, "cache_control", "cache_control");
    WEIR_TRY(translate_vendor(&t, thinking_told));
    weir_write_end_object(&t.w);
    WEIR_TRY(weir_writer_finish(&t.w, &body));
    return out->body(out->ctx, body);
}
