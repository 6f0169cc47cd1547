/*
 * encode_tools.c - tools, and which of them the model may or must call.
 */
#include "decode.h"
#include "encode.h"

#include <weir/sdk/choice.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* The schema of a tool: an object that says so. */
static weir_result tool_schema(struct ant_encoding *e, uint32_t schema, bool strict,
                               uint32_t number)
{
    weir_writer *w = &e->w;

    weir_write_key(w, "input_schema");
    if (!weir_json_is_object(e->doc, schema)) {
        weir_write_begin_object(w);
        weir_write_key(w, "type");
        weir_write_literal(w, "object");
        weir_write_key(w, "properties");
        weir_write_begin_object(w);
        weir_write_end_object(w);
        weir_write_end_object(w);
        return schema == WEIR_JSON_NONE || weir_json_is_null(e->doc, schema)
                   ? WEIR_OK
                   : ant_drop_in(e, "tools", number, "function/parameters", "it is not an object");
    }
    if (strict) {
        char pointer[64];

        snprintf(pointer, sizeof(pointer), "/tools/%u/function/parameters", number);
        return ant_encode_schema(e, schema, pointer);
    }
    if (weir_json_find(e->doc, schema, "type") != WEIR_JSON_NONE) {
        weir_write_value(w, e->doc, schema);
        return WEIR_OK;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "object");
    weir_write_members(w, weir_json_inner(e->doc, schema));
    weir_write_end_object(w);
    return WEIR_OK;
}

static weir_result tool_function(struct ant_encoding *e, uint32_t tool, uint32_t function,
                                 uint32_t number)
{
    const weir_json *doc = e->doc;
    uint32_t description = weir_json_find(doc, function, "description");
    uint32_t name = weir_json_find(doc, function, "name");
    bool strict = false;

    if (!weir_json_is_string(doc, name))
        return ant_drop_in(e, "tools", number, "function/name", "a tool needs a name");
    weir_json_bool(doc, weir_json_find(doc, function, "strict"), &strict);
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "name");
    weir_write_value(&e->w, doc, name);
    if (weir_json_is_string(doc, description)) {
        weir_write_key(&e->w, "description");
        weir_write_value(&e->w, doc, description);
    }
    WEIR_TRY(tool_schema(e, weir_json_find(doc, function, "parameters"), strict && e->traits.format,
                         number));
    if (strict && e->traits.format) {
        weir_write_key(&e->w, "strict");
        weir_write_bool(&e->w, true);
    }
    ant_encode_cache(e, tool);
    ant_encode_vendor(e, tool);
    weir_write_end_object(&e->w);
    if (strict && !e->traits.format)
        WEIR_TRY(ant_drop_in(e, "tools", number, "function/strict",
                             "this model does not keep to a schema strictly"));
    return ant_drop_vendors(e, tool, "tools", number);
}

/* Names of the tools that may be called at all, or NONE: all of them. */
static uint32_t tool_allowed(const struct ant_encoding *e)
{
    uint32_t choice = weir_json_find(e->doc, 0, "tool_choice");

    if (!weir_json_is(e->doc, weir_json_find(e->doc, choice, "type"), "allowed_tools"))
        return WEIR_JSON_NONE;
    return weir_json_path(e->doc, choice, "allowed_tools.tools");
}

static bool tool_is_allowed(const struct ant_encoding *e, uint32_t name)
{
    uint32_t allowed = tool_allowed(e);

    if (!weir_json_is_array(e->doc, allowed))
        return true;
    WEIR_JSON_EACH_ITEM(e->doc, allowed, item)
    {
        uint32_t one = weir_json_path(e->doc, item, "function.name");

        if (!weir_json_is_string(e->doc, one))
            one = weir_json_find(e->doc, item, "name");
        if (weir_json_is_string(e->doc, one) &&
            weir_text_equal(weir_json_text(e->doc, one), weir_json_text(e->doc, name)))
            return true;
    }
    return false;
}

static weir_result tool_write(struct ant_encoding *e, uint32_t tool, uint32_t number)
{
    const weir_json *doc = e->doc;
    uint32_t type = weir_json_find(doc, tool, "type");
    uint32_t function = weir_json_find(doc, tool, "function");

    if (weir_json_is(doc, type, "server_tool")) {
        const char *why = weir_vendor_why(&e->x->arena, doc, tool);

        if (!why)
            return WEIR_NO_MEMORY;
        if (!weir_json_is(doc, weir_json_find(doc, tool, "api"), "anthropic"))
            return ant_drop_in(e, "tools", number, "", why);
        weir_write_value(&e->w, doc, weir_json_find(doc, tool, "tool"));
        return WEIR_OK;
    }
    if (weir_json_is_object(doc, function)) {
        static const char *const known[] = { "type", "function", "cache_control", "vendor", NULL };

        WEIR_TRY(ant_drop_unknown(e, "tools", number, WEIR_JSON_NONE, tool, known));
        if (!tool_is_allowed(e, weir_json_find(doc, function, "name")))
            return ant_drop_in(e, "tools", number, "", "it is none of those that may be called");
        return tool_function(e, tool, function, number);
    }
    return ant_drop_in(e, "tools", number, "", "the Anthropic API has no such tool");
}

/* The answer itself, as a tool that must be called. */
static weir_result tool_schema_answer(struct ant_encoding *e)
{
    uint32_t description = weir_json_path(e->doc, 0, "response_format.json_schema.description");

    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "name");
    weir_write_literal(&e->w, ANT_SCHEMA_TOOL_NAME);
    weir_write_key(&e->w, "description");
    if (weir_json_is_string(e->doc, description))
        weir_write_value(&e->w, e->doc, description);
    else
        weir_write_literal(&e->w, "Takes the answer.");
    WEIR_TRY(tool_schema(e, e->schema, false, 0));
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

/* Whether answers call one tool at a time only. */
static bool choice_is_single(const struct ant_encoding *e)
{
    bool parallel = true;

    weir_json_bool(e->doc, weir_json_find(e->doc, 0, "parallel_tool_calls"), &parallel);
    return !parallel;
}

static void choice_write(struct ant_encoding *e, const char *type, weir_text name)
{
    weir_write_key(&e->w, "tool_choice");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "type");
    weir_write_literal(&e->w, type);
    if (name.len) {
        weir_write_key(&e->w, "name");
        weir_write_text(&e->w, name);
    }
    if (choice_is_single(e) && strcmp(type, "none") != 0) {
        weir_write_key(&e->w, "disable_parallel_tool_use");
        weir_write_bool(&e->w, true);
    }
    weir_write_end_object(&e->w);
}

static weir_result encode_choice(struct ant_encoding *e)
{
    const weir_json *doc = e->doc;
    const weir_text no_name = { "", 0, WEIR_FORM_UTF8, 0 };
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");
    uint32_t word = weir_json_is_object(doc, choice) ? weir_json_find(doc, choice, "type") : choice;
    weir_text name;

    if (choice == WEIR_JSON_NONE) {
        choice = weir_json_find(doc, 0, "function_call");
        word = choice;
    }
    if (weir_json_is(doc, word, "allowed_tools")) {
        word = weir_json_path(doc, choice, "allowed_tools.mode");
        WEIR_TRY(ant_drop(e, "/tool_choice/allowed_tools/tools", "only those tools are sent"));
    }
    name = weir_block_member(doc, weir_json_find(doc, choice, "function"), "name");
    if (!name.len)
        name = weir_block_member(doc, choice, "name");
    if (weir_json_is(doc, word, "none"))
        choice_write(e, "none", no_name);
    else if (weir_choice_is_required(doc, word))
        choice_write(e, "any", no_name);
    else if (name.len && !weir_json_is(doc, word, "custom"))
        choice_write(e, "tool", name);
    else if (weir_json_is(doc, word, "auto"))
        choice_write(e, "auto", no_name);
    else if (choice_is_single(e))
        choice_write(e, "auto", no_name);
    if (choice == WEIR_JSON_NONE || weir_json_is_null(doc, choice) || name.len ||
        weir_json_is(doc, word, "none") || weir_choice_is_required(doc, word) ||
        weir_json_is(doc, word, "auto"))
        return WEIR_OK;
    return ant_drop(e, "/tool_choice", "the Anthropic API has no such choice");
}

/* Whether some tool was to be called, be it one that this API does not have. */
static bool choice_is_made(const struct ant_encoding *e)
{
    return e->plan.forced ||
           weir_json_is(e->doc, weir_json_path(e->doc, 0, "tool_choice.type"), "custom");
}

weir_result ant_encode_tools(struct ant_encoding *e)
{
    uint32_t tools = weir_json_find(e->doc, 0, "tools");
    uint32_t functions = weir_json_find(e->doc, 0, "functions");
    weir_writer_mark before = weir_writer_here(&e->w);
    size_t empty;
    uint32_t number = 0;

    weir_write_key(&e->w, "tools");
    weir_write_begin_array(&e->w);
    empty = e->w.len;
    WEIR_JSON_EACH_ITEM(e->doc, tools, tool)
    {
        WEIR_TRY(tool_write(e, tool, number++));
    }
    WEIR_JSON_EACH_ITEM(e->doc, functions, function)
    {
        WEIR_TRY(tool_function(e, function, function, number++));
    }
    if (e->plan.schema == ANT_SCHEMA_TOOL)
        WEIR_TRY(tool_schema_answer(e));
    weir_write_end_array(&e->w);
    if (e->w.len == empty + 1 && !e->w.failed) { /* no tool: then no choice either */
        weir_writer_back(&e->w, before);
        return choice_is_made(e) ? ant_drop(e, "/tool_choice", "there is no tool left to choose")
                                 : WEIR_OK;
    }
    if (e->plan.schema == ANT_SCHEMA_TOOL) {
        choice_write(e, "tool", weir_text_from(WEIR_S(ANT_SCHEMA_TOOL_NAME)));
        return WEIR_OK;
    }
    return encode_choice(e);
}
