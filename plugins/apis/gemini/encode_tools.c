/*
 * encode_tools.c - tools, the choice among them, and schemas.
 *
 * Schemas go out as JSON Schema, which the API takes since Gemini 2.5; for older models, or where
 * the configuration says so, as the subset of OpenAPI that it began with.
 */
#include "gemini.h"

#include <weir/sdk/choice.h>
#include <weir/sdk/schema.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

static const struct gem_place top = { "", 0, NULL, 0 };

/* What the API reads of JSON Schema. */
static const char *const json_keywords[] = { "$id",
                                             "$defs",
                                             "$ref",
                                             "$anchor",
                                             "type",
                                             "format",
                                             "title",
                                             "description",
                                             "enum",
                                             "items",
                                             "prefixItems",
                                             "minItems",
                                             "maxItems",
                                             "minimum",
                                             "maximum",
                                             "anyOf",
                                             "oneOf",
                                             "properties",
                                             "required",
                                             "additionalProperties",
                                             "propertyOrdering",
                                             "definitions",
                                             "nullable",
                                             "pattern",
                                             "minLength",
                                             "maxLength",
                                             "minProperties",
                                             "maxProperties",
                                             "default",
                                             "example",
                                             NULL };

static const char *const openapi_keywords[] = {
    "type",    "format",    "title",      "description",   "nullable",
    "enum",    "items",     "minItems",   "maxItems",      "minimum",
    "maximum", "anyOf",     "properties", "required",      "propertyOrdering",
    "pattern", "minLength", "maxLength",  "minProperties", "maxProperties",
    "default", "example",   NULL
};

/* Where a schema's losses are told. */
struct schema_report {
    const struct gem_encoding *e;
    const struct gem_place *at;
    const char *tail;
};

static weir_result schema_dropped(void *ctx, weir_str pointer, const char *why)
{
    const struct schema_report *r = (const struct schema_report *)ctx;
    weir_str parts[3] = { weir_str_of(r->tail), pointer, weir_str_make("", 1) };
    weir_str tail = weir_str_join(&r->e->x->arena, parts, 3); /* with the byte that ends it */

    return tail.ptr ? gem_dropped(r->e, r->at, tail.ptr, why) : WEIR_NO_MEMORY;
}

weir_result gem_write_schema(struct gem_encoding *e, const char *json_key, const char *openapi_key,
                             uint32_t schema, const struct gem_place *at, const char *tail)
{
    bool json = e->cfg->schema == GEM_SCHEMA_JSON ||
                (e->cfg->schema == GEM_SCHEMA_AUTO && (e->takes & GEM_JSON_SCHEMA));
    struct schema_report report = { e, at, tail };
    weir_schema_rules rules =
        weir_schema_rules_make(json ? json_keywords : openapi_keywords, schema_dropped, &report);

    rules.flags = json ? WEIR_SCHEMA_NO_CONST
                       : WEIR_SCHEMA_NO_CONST | WEIR_SCHEMA_NO_REFS | WEIR_SCHEMA_NULLABLE |
                             WEIR_SCHEMA_TEXT_ENUMS | WEIR_SCHEMA_ONE_TYPE | WEIR_SCHEMA_STRICT;
    weir_write_key(&e->w, json ? json_key : openapi_key);
    return weir_schema_write(&e->w, e->doc, schema, &rules);
}

/* -- Tools ------------------------------------------------------------------------------------ */

static weir_result tool_function(struct gem_encoding *e, uint32_t tool, uint32_t function,
                                 const struct gem_place *at)
{
    const weir_json *doc = e->doc;
    uint32_t description = weir_json_find(doc, function, "description");
    uint32_t parameters = weir_json_find(doc, function, "parameters");
    uint32_t vendor;

    static const char *const of_tool[] = { "type", "function", "cache_control", "vendor", NULL };
    static const char *const of_function[] = { "name", "description", "parameters", "strict",
                                               NULL };

    WEIR_TRY(gem_vendor(e, tool, at, &vendor));
    if (tool != function)
        WEIR_TRY(gem_drop_unknown(e, at, tool, "", of_tool));
    WEIR_TRY(gem_drop_unknown(e, at, function, tool != function ? "function" : "", of_function));
    if (weir_json_find(doc, tool, "cache_control") != WEIR_JSON_NONE)
        WEIR_TRY(gem_dropped(e, at, "cache_control", "the Gemini API caches by itself"));
    if (weir_json_type(doc, weir_json_find(doc, function, "strict")) == WEIR_JSON_TRUE)
        WEIR_TRY(gem_dropped(e, at, "function/strict", "the Gemini API has no strict tools"));
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "name");
    weir_write_text(&e->w, weir_json_text(doc, weir_json_find(doc, function, "name")));
    if (weir_json_is_string(doc, description)) {
        weir_write_key(&e->w, "description");
        weir_write_value(&e->w, doc, description);
    }
    if (weir_json_count(doc, parameters)) /* none at all, for functions that take nothing */
        WEIR_TRY(gem_write_schema(e, "parametersJsonSchema", "parameters", parameters, at,
                                  tool == function ? "parameters" : "function/parameters"));
    gem_write_beside(e, vendor);
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

static bool tool_is_server(const weir_json *doc, uint32_t tool)
{
    return weir_json_is(doc, weir_json_find(doc, tool, "type"), "server_tool");
}

/* All functions, as one list. */
static weir_result tools_functions(struct gem_encoding *e, bool *any)
{
    const weir_json *doc = e->doc;
    uint32_t tools = weir_json_find(doc, 0, "tools");
    uint32_t functions = weir_json_find(doc, 0, "functions");
    struct gem_place at = { "tools", 0, NULL, 0 };

    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        uint32_t function = weir_json_find(doc, tool, "function");

        if (weir_json_is_object(doc, function)) {
            *any = true;
            WEIR_TRY(tool_function(e, tool, function, &at));
        } else if (!tool_is_server(doc, tool)) {
            WEIR_TRY(gem_dropped(e, &at, "", "the Gemini API has no such tool"));
        }
        at.index++;
    }
    at.list = "functions";
    at.index = 0;
    WEIR_JSON_EACH_ITEM(doc, functions, function)
    {
        *any = true;
        WEIR_TRY(tool_function(e, function, function, &at));
        at.index++;
    }
    return WEIR_OK;
}

/* Tools that run at Google, each as it was. */
static weir_result tools_server(struct gem_encoding *e)
{
    struct gem_place at = { "tools", 0, NULL, 0 };

    WEIR_JSON_EACH_ITEM(e->doc, weir_json_find(e->doc, 0, "tools"), tool)
    {
        uint32_t verbatim = weir_json_find(e->doc, tool, "tool");
        const char *why;

        if (!tool_is_server(e->doc, tool)) {
            at.index++;
            continue;
        }
        why = weir_vendor_why(&e->x->arena, e->doc, tool);
        if (!why)
            return WEIR_NO_MEMORY;
        if (!weir_json_is(e->doc, weir_json_find(e->doc, tool, "api"), "gemini") ||
            !weir_json_is_object(e->doc, verbatim))
            WEIR_TRY(gem_dropped(e, &at, "", why));
        else
            weir_write_value(&e->w, e->doc, verbatim);
        at.index++;
    }
    return WEIR_OK;
}

/* -- The choice ------------------------------------------------------------------------------- */

static void choice_open(struct gem_encoding *e, const char *mode)
{
    weir_write_key(&e->w, "toolConfig");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "functionCallingConfig");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "mode");
    weir_write_literal(&e->w, mode);
}

static void choice_close(struct gem_encoding *e)
{
    weir_write_end_object(&e->w);
    weir_write_end_object(&e->w);
}

static void choice_one(struct gem_encoding *e, uint32_t name)
{
    choice_open(e, "ANY");
    weir_write_key(&e->w, "allowedFunctionNames");
    weir_write_begin_array(&e->w);
    weir_write_text(&e->w, weir_json_text(e->doc, name));
    weir_write_end_array(&e->w);
    choice_close(e);
}

/* {mode, tools}. Which functions may be called can only be said if one must be. */
static weir_result choice_allowed(struct gem_encoding *e, uint32_t allowed)
{
    const weir_json *doc = e->doc;
    bool must = weir_choice_is_required(doc, weir_json_find(doc, allowed, "mode"));

    choice_open(e, must ? "ANY" : "VALIDATED");
    weir_write_key(&e->w, "allowedFunctionNames");
    weir_write_begin_array(&e->w);
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, allowed, "tools"), tool)
    {
        uint32_t name = weir_json_path(doc, tool, "function.name");

        if (name == WEIR_JSON_NONE)
            name = weir_json_find(doc, tool, "name");
        if (weir_json_is_string(doc, name))
            weir_write_value(&e->w, doc, name);
    }
    weir_write_end_array(&e->w);
    choice_close(e);
    return WEIR_OK;
}

static weir_result tools_choice(struct gem_encoding *e)
{
    const weir_json *doc = e->doc;
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");
    uint32_t allowed, name;

    if (choice == WEIR_JSON_NONE)
        choice = weir_json_find(doc, 0, "function_call");
    allowed = weir_json_find(doc, choice, "allowed_tools");
    name = weir_json_path(doc, choice, "function.name");
    if (name == WEIR_JSON_NONE)
        name = weir_json_find(doc, choice, "name");
    if (weir_json_is(doc, choice, "auto")) {
        choice_open(e, "AUTO");
        choice_close(e);
    } else if (weir_json_is(doc, choice, "none")) {
        choice_open(e, "NONE");
        choice_close(e);
    } else if (weir_choice_is_required(doc, choice)) {
        choice_open(e, "ANY");
        choice_close(e);
    } else if (weir_json_is_object(doc, allowed)) {
        return choice_allowed(e, allowed);
    } else if (weir_json_is_string(doc, name)) {
        choice_one(e, name);
    } else if (choice != WEIR_JSON_NONE && !weir_json_is_null(doc, choice)) {
        return gem_dropped(e, &top, "tool_choice", "the Gemini API has no such choice");
    }
    return WEIR_OK;
}

weir_result gem_write_tools(struct gem_encoding *e)
{
    bool any = weir_json_count(e->doc, weir_json_find(e->doc, 0, "tools")) ||
               weir_json_count(e->doc, weir_json_find(e->doc, 0, "functions"));
    weir_writer outer = e->w;
    bool functions = false;
    weir_str list;

    if (!any)
        return tools_choice(e);
    weir_writer_init(&e->w, &e->x->arena, 1024);
    WEIR_TRY(tools_functions(e, &functions));
    WEIR_TRY(weir_writer_finish(&e->w, &list));
    e->w = outer;
    weir_write_key(&e->w, "tools");
    weir_write_begin_array(&e->w);
    if (functions) {
        weir_write_begin_object(&e->w);
        weir_write_key(&e->w, "functionDeclarations");
        weir_write_begin_array(&e->w);
        weir_write_raw(&e->w, list);
        weir_write_end_array(&e->w);
        weir_write_end_object(&e->w);
    }
    WEIR_TRY(tools_server(e));
    weir_write_end_array(&e->w);
    return tools_choice(e);
}
