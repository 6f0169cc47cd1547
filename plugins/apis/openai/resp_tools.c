/*
 * resp_tools.c - tools, tool_choice, text format and reasoning in this API's form, from the
 * canonical one: the members that Chat Completions puts one level deeper.
 */
#include "responses.h"

#include <weir/sdk/format.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

static void tools_member(struct resp_encode *r, uint32_t object, const char *name)
{
    uint32_t value = weir_json_find(r->doc, object, name);

    if (value == WEIR_JSON_NONE)
        return;
    weir_write_key(r->w, name);
    weir_write_value(r->w, r->doc, value);
}

/* Functions are strict here unless told otherwise, and in Chat Completions the other way round. */
static void tools_function(struct resp_encode *r, uint32_t tool, uint32_t function)
{
    const weir_json *doc = r->doc;
    bool said = weir_json_is_bool(doc, weir_json_find(doc, function, "strict"));
    uint32_t parameters = weir_json_find(doc, function, "parameters");

    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "function");
    tools_member(r, function, "name");
    tools_member(r, function, "description");
    weir_write_key(r->w, "parameters");
    if (weir_json_is_object(doc, parameters) || weir_str_is(r->x->dialect, RESP_DIALECT))
        weir_write_raw(r->w, parameters == WEIR_JSON_NONE ? WEIR_S("null")
                                                          : weir_json_raw(doc, parameters));
    else
        weir_write_raw(r->w, WEIR_S("{\"type\":\"object\",\"properties\":{}}"));
    if (said || !weir_str_is(r->x->dialect, RESP_DIALECT)) {
        bool strict = false;

        weir_json_bool(doc, weir_json_find(doc, function, "strict"), &strict);
        weir_write_key(r->w, "strict");
        weir_write_bool(r->w, strict);
    }
    resp_merge(r->w, doc, tool);
    weir_write_end_object(r->w);
}

/* A grammar stands beside its type here, and under its name there. */
static void tools_custom_format(struct resp_encode *r, uint32_t format)
{
    uint32_t grammar = weir_json_find(r->doc, format, "grammar");

    weir_write_key(r->w, "format");
    if (!weir_json_is_object(r->doc, grammar)) {
        weir_write_value(r->w, r->doc, format);
        return;
    }
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "grammar");
    weir_write_members(r->w, weir_json_inner(r->doc, grammar));
    weir_write_end_object(r->w);
}

static void tools_custom(struct resp_encode *r, uint32_t tool, uint32_t custom)
{
    uint32_t format = weir_json_find(r->doc, custom, "format");

    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "custom");
    tools_member(r, custom, "name");
    tools_member(r, custom, "description");
    if (weir_json_is_object(r->doc, format))
        tools_custom_format(r, format);
    resp_merge(r->w, r->doc, tool);
    weir_write_end_object(r->w);
}

static weir_result tools_dropped(struct resp_encode *r, uint32_t number, uint32_t tool)
{
    const char *why = weir_vendor_why(&r->x->arena, r->doc, tool);

    return why ? resp_dropped(r, "tools", number, "", why) : WEIR_NO_MEMORY;
}

/* The members of a tool that have no place beside what it is: {type, function}. */
static weir_result tools_unknown(struct resp_encode *r, uint32_t tool, uint32_t number)
{
    static const weir_str known[] = {
        { "type", 4 }, { "function", 8 }, { "custom", 6 }, { "vendor", 6 }, { "cache_control", 13 }
    };

    WEIR_JSON_EACH_MEMBER(r->doc, tool, key, value)
    {
        weir_str name;

        if (weir_json_is_null(r->doc, value) ||
            weir_json_key_in(r->doc, key, known, sizeof(known) / sizeof(known[0])))
            continue;
        name = weir_json_str(r->doc, key, &r->x->arena);
        name = weir_str_make(weir_pointer_tail(&r->x->arena, &name, 1), name.len);
        if (!name.ptr)
            return WEIR_NO_MEMORY;
        WEIR_TRY(resp_dropped(r, "tools", number, name.ptr,
                              "tools of the Responses API have no such member"));
    }
    return WEIR_OK;
}

/* A type of a vendor that is not OpenAI: "openrouter:web_search". */
static bool tools_is_others(const weir_json *doc, uint32_t type)
{
    weir_str name = weir_json_inner(doc, type);

    return name.len && memchr(name.ptr, ':', name.len);
}

static weir_result tools_one(struct resp_encode *r, uint32_t tool, uint32_t number)
{
    const weir_json *doc = r->doc;
    uint32_t type = weir_json_find(doc, tool, "type");
    uint32_t function = weir_json_find(doc, tool, "function");
    uint32_t custom = weir_json_find(doc, tool, "custom");
    weir_str at;

    if (weir_json_is(doc, type, "server_tool")) {
        if (!weir_json_is(doc, weir_json_find(doc, tool, "api"), RESP_API))
            return tools_dropped(r, number, tool);
        weir_write_value(r->w, doc, weir_json_find(doc, tool, "tool"));
        return WEIR_OK;
    }
    if (tools_is_others(doc, type))
        return resp_dropped(r, "tools", number, "", "it runs at another vendor");
    if (weir_json_is_object(doc, function))
        tools_function(r, tool, function);
    else if (weir_json_is_object(doc, custom))
        tools_custom(r, tool, custom);
    else
        weir_write_value(r->w, doc, tool); /* OpenAI's own, already in this form */
    if (!r->out)
        return WEIR_OK;
    if (weir_json_is_object(doc, function) || weir_json_is_object(doc, custom))
        WEIR_TRY(tools_unknown(r, tool, number));
    at = oai_at(r->x, WEIR_S(""), "tools", number);
    return at.ptr ? oai_drop_extensions(r->x, r->out, at, tool, RESP_API) : WEIR_NO_MEMORY;
}

weir_result resp_write_tools(struct resp_encode *r)
{
    const weir_json *doc = r->doc;
    uint32_t tools = weir_json_find(doc, 0, "tools");
    uint32_t functions = weir_json_find(doc, 0, "functions");
    uint32_t number = 0;

    if (!weir_json_is_array(doc, tools) && !weir_json_is_array(doc, functions))
        return WEIR_OK;
    weir_write_key(r->w, "tools");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        WEIR_TRY(tools_one(r, tool, number++));
    }
    WEIR_JSON_EACH_ITEM(doc, functions, function)
    {
        tools_function(r, function, function);
    }
    weir_write_end_array(r->w);
    return WEIR_OK;
}

/* {type, name} of a tool that is named; as it is if it is not one of ours. */
static void choice_named(struct resp_encode *r, uint32_t choice)
{
    const weir_json *doc = r->doc;
    bool custom = weir_json_is(doc, weir_json_find(doc, choice, "type"), "custom");
    uint32_t named = weir_json_find(doc, choice, custom ? "custom" : "function");

    if (!weir_json_is_object(doc, named)) {
        weir_write_value(r->w, doc, choice);
        return;
    }
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, custom ? "custom" : "function");
    tools_member(r, named, "name");
    weir_write_end_object(r->w);
}

static void choice_allowed(struct resp_encode *r, uint32_t allowed)
{
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "allowed_tools");
    tools_member(r, allowed, "mode");
    weir_write_key(r->w, "tools");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, allowed, "tools"), tool)
    {
        choice_named(r, tool);
    }
    weir_write_end_array(r->w);
    weir_write_end_object(r->w);
}

weir_result resp_write_tool_choice(struct resp_encode *r)
{
    const weir_json *doc = r->doc;
    uint32_t vendor = weir_json_find(doc, resp_vendor(doc, 0), "tool_choice");
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");
    uint32_t legacy = weir_json_find(doc, 0, "function_call");
    uint32_t allowed = weir_json_find(doc, choice, "allowed_tools");

    if (vendor == WEIR_JSON_NONE && (choice == WEIR_JSON_NONE || weir_json_is_null(doc, choice)) &&
        (legacy == WEIR_JSON_NONE || weir_json_is_null(doc, legacy)))
        return WEIR_OK;
    weir_write_key(r->w, "tool_choice");
    if (vendor != WEIR_JSON_NONE) {
        weir_write_value(r->w, doc, vendor);
    } else if (weir_json_is_object(doc, allowed)) {
        choice_allowed(r, allowed);
    } else if (weir_json_is_object(doc, choice)) {
        choice_named(r, choice);
    } else if (weir_json_is(doc, choice, "any")) { /* Mistral's word */
        weir_write_literal(r->w, "required");
    } else if (choice != WEIR_JSON_NONE && !weir_json_is_null(doc, choice)) {
        weir_write_value(r->w, doc, choice);
    } else if (weir_json_is_object(doc, legacy)) {
        weir_write_begin_object(r->w);
        weir_write_key(r->w, "type");
        weir_write_literal(r->w, "function");
        tools_member(r, legacy, "name");
        weir_write_end_object(r->w);
    } else {
        weir_write_value(r->w, doc, legacy);
    }
    return WEIR_OK;
}

static void text_format(struct resp_encode *r, uint32_t format)
{
    const weir_json *doc = r->doc;
    uint32_t schema = weir_json_find(doc, format, "json_schema");
    const char *where;

    weir_write_key(r->w, "format");
    if (!weir_json_is_object(doc, schema)) {
        if (weir_format_schema(doc, &where) == WEIR_JSON_NONE) {
            weir_write_value(r->w, doc, format);
            return;
        }
        schema = format; /* its members stand beside the type */
    }
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "json_schema");
    if (weir_json_find(doc, schema, "name") == WEIR_JSON_NONE) {
        weir_write_key(r->w, "name");
        weir_write_literal(r->w, "answer");
    }
    WEIR_JSON_EACH_MEMBER(doc, schema, key, value)
    {
        if (weir_json_is(doc, key, "type"))
            continue;
        weir_write_key_text(r->w, weir_json_text(doc, key));
        weir_write_value(r->w, doc, value);
    }
    weir_write_end_object(r->w);
}

void resp_write_text_config(struct resp_encode *r)
{
    const weir_json *doc = r->doc;
    uint32_t format = weir_json_find(doc, 0, "response_format");
    uint32_t verbosity = weir_json_find(doc, 0, "verbosity");
    uint32_t vendor = weir_json_find(doc, resp_vendor(doc, 0), "text");

    if (!weir_json_is_object(doc, format) && !weir_json_is_string(doc, verbosity) &&
        !weir_json_is_object(doc, vendor))
        return;
    weir_write_key(r->w, "text");
    weir_write_begin_object(r->w);
    if (weir_json_is_object(doc, format))
        text_format(r, format);
    if (weir_json_is_string(doc, verbosity)) {
        weir_write_key(r->w, "verbosity");
        weir_write_value(r->w, doc, verbosity);
    }
    if (weir_json_is_object(doc, vendor))
        weir_write_members(r->w, weir_json_inner(doc, vendor));
    weir_write_end_object(r->w);
}

void resp_write_reasoning(struct resp_encode *r)
{
    const weir_json *doc = r->doc;
    uint32_t effort = weir_json_find(doc, 0, "reasoning_effort");
    uint32_t summary = weir_json_find(doc, 0, "reasoning_summary");
    uint32_t vendor = weir_json_find(doc, resp_vendor(doc, 0), "reasoning");
    const char *budgeted = NULL;
    int64_t budget = -1;
    bool shown = weir_json_is_string(doc, summary) && !weir_json_is(doc, summary, "none");

    if (weir_json_int64(doc, weir_json_find(doc, 0, "reasoning_budget_tokens"), &budget))
        budgeted = oai_effort_of(budget);
    if (!weir_json_is_string(doc, effort) && !budgeted && !shown &&
        !weir_json_is_object(doc, vendor))
        return;
    weir_write_key(r->w, "reasoning");
    weir_write_begin_object(r->w);
    if (budgeted || weir_json_is_string(doc, effort)) {
        weir_write_key(r->w, "effort");
        if (budgeted)
            weir_write_literal(r->w, budgeted);
        else
            weir_write_value(r->w, doc, effort);
    }
    if (shown) {
        weir_write_key(r->w, "summary");
        weir_write_value(r->w, doc, summary);
    }
    if (weir_json_is_object(doc, vendor))
        weir_write_members(r->w, weir_json_inner(doc, vendor));
    weir_write_end_object(r->w);
}
