/*
 * gemini-normal.c - requests of the Gemini API in a form in which two that mean the same are equal.
 *
 * Written without the code that is tested: names in one spelling, one part in a list of one, turns
 * of the same role as one turn, schemas of either kind as one kind.
 */
#include "gemini.h"

#include <string.h>

/* Objects whose keys are somebody's own. */
static bool keeps_names(const char *key)
{
    static const char *const own[] = { "args", "response", "labels", "customMetadata", "headers" };

    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        if (g_str_equal(key, own[i]))
            return true;
    }
    return false;
}

static char *camel(const char *name)
{
    GString *out = g_string_new(NULL);

    for (const char *p = name; *p; p++) {
        if (*p == '_' && p != name && g_ascii_islower(p[1]))
            g_string_append_c(out, g_ascii_toupper(*++p));
        else
            g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

static bool is_schema(const char *key)
{
    return g_str_equal(key, "parameters") || g_str_equal(key, "parametersJsonSchema") ||
           g_str_equal(key, "responseSchema") || g_str_equal(key, "responseJsonSchema");
}

/* -- Schemas ---------------------------------------------------------------------------------- */

static json_t *schema(json_t *from);

static json_t *schema_children(const char *key, json_t *value)
{
    json_t *out, *child;
    const char *name;
    size_t i;

    if (g_str_equal(key, "properties") || g_str_equal(key, "$defs")) {
        out = json_object();
        json_object_foreach(value, name, child)
        {
            json_object_set_new(out, name, schema(child));
        }
        return out;
    }
    if (json_is_array(value) && (g_str_equal(key, "anyOf") || g_str_equal(key, "oneOf"))) {
        out = json_array();
        json_array_foreach(value, i, child)
        {
            json_array_append_new(out, schema(child));
        }
        return out;
    }
    if (json_is_object(value) &&
        (g_str_equal(key, "items") || g_str_equal(key, "additionalProperties")))
        return schema(value);
    if ((g_str_has_prefix(key, "min") || g_str_has_prefix(key, "max")) && json_is_string(value))
        return json_integer(g_ascii_strtoll(json_string_value(value), NULL, 10));
    return json_incref(value);
}

static void schema_type(json_t *out, json_t *type)
{
    static const char *const numbered[] = { "",        "string", "number", "integer",
                                            "boolean", "array",  "object", "null" };
    json_t *item;
    size_t i;

    if (json_is_integer(type))
        json_object_set_new(out, "type", json_string(numbered[json_integer_value(type) & 7]));
    if (json_is_string(type)) {
        g_autofree char *lower = g_ascii_strdown(json_string_value(type), -1);

        json_object_set_new(out, "type", json_string(lower));
        return;
    }
    json_array_foreach(type, i, item)
    {
        if (g_str_equal(json_string_value(item), "null"))
            json_object_set_new(out, "nullable", json_true());
        else
            schema_type(out, item);
    }
}

static json_t *schema(json_t *from)
{
    static const char *const silent[] = { "$schema", "$comment", "$id", "examples", "title" };
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach(from, key, value)
    {
        g_autofree char *name = g_str_equal(key, "$defs") ? g_strdup(key) : camel(key);
        bool skip = false;

        for (size_t i = 0; i < G_N_ELEMENTS(silent); i++)
            skip = skip || g_str_equal(name, silent[i]);
        if (skip)
            continue;
        if (g_str_equal(name, "type"))
            schema_type(out, value);
        else if (g_str_equal(name, "const"))
            json_object_set_new(out, "enum", json_pack("[O]", value));
        else if (g_str_equal(name, "nullable") && !json_is_true(value))
            continue;
        else
            json_object_set_new(out, name, schema_children(name, value));
    }
    return out;
}

/* -- Names ------------------------------------------------------------------------------------ */

static json_t *names(json_t *from)
{
    json_t *out, *value;
    const char *key;
    size_t i;

    if (json_is_array(from)) {
        out = json_array();
        json_array_foreach(from, i, value)
        {
            json_array_append_new(out, names(value));
        }
        return out;
    }
    if (!json_is_object(from))
        return json_incref(from);
    out = json_object();
    json_object_foreach(from, key, value)
    {
        g_autofree char *name = camel(key);

        if (json_is_null(value))
            continue;
        if (is_schema(name) && json_is_object(value))
            json_object_set_new(out, g_str_has_prefix(name, "param") ? "parameters" : "schema",
                                schema(value));
        else
            json_object_set_new(out, name, keeps_names(name) ? json_incref(value) : names(value));
    }
    return out;
}

/* -- Contents --------------------------------------------------------------------------------- */

static json_t *as_list(json_t *value)
{
    if (json_is_array(value))
        return json_incref(value);
    return value ? json_pack("[O]", value) : json_array();
}

static bool says_nothing(json_t *part)
{
    const char *text = json_string_value(json_object_get(part, "text"));

    return json_object_size(part) == 0 || (text && !*text && json_object_size(part) == 1);
}

static json_t *normal_part(json_t *part)
{
    json_t *call = json_object_get(part, "functionCall");
    const char *signature = json_string_value(json_object_get(part, "thoughtSignature"));

    if (call && !json_object_get(call, "args"))
        json_object_set_new(call, "args", json_object());
    if (signature && g_str_equal(signature, "skip_thought_signature_validator"))
        json_object_del(part, "thoughtSignature");
    if (json_is_false(json_object_get(part, "thought")))
        json_object_del(part, "thought");
    return part;
}

/* A result without an id is that of a call before it. */
static void find_id(json_t *contents, json_t *result)
{
    json_t *content, *part;
    size_t i, k;

    if (!result || json_object_get(result, "id"))
        return;
    json_array_foreach(contents, i, content)
    {
        json_array_foreach(json_object_get(content, "parts"), k, part)
        {
            json_t *call = json_object_get(part, "functionCall");

            if (call && json_object_get(call, "id") &&
                json_equal(json_object_get(call, "name"), json_object_get(result, "name")))
                json_object_set(result, "id", json_object_get(call, "id"));
        }
    }
}

static json_t *normal_contents(json_t *contents)
{
    json_t *out = json_array(), *list = as_list(contents), *content, *part;
    size_t i, k;

    json_array_foreach(list, i, content)
    {
        const char *told = json_string_value(json_object_get(content, "role"));
        bool model = told && g_str_equal(told, "model");
        json_t *parts = as_list(json_object_get(content, "parts"));
        json_t *last = json_array_get(out, json_array_size(out) - 1);

        json_array_foreach(parts, k, part)
        {
            /* Some put a result behind its call, in the model's turn. */
            bool result = json_object_get(part, "functionResponse") != NULL;
            const char *role = model && !result ? "model" : "user";

            if (says_nothing(normal_part(part)))
                continue;
            find_id(out, json_object_get(part, "functionResponse"));
            if (!last || !g_str_equal(json_string_value(json_object_get(last, "role")), role)) {
                last = json_pack("{s:s,s:[]}", "role", role, "parts");
                json_array_append_new(out, last);
            }
            json_array_append(json_object_get(last, "parts"), part);
        }
        json_decref(parts);
    }
    json_decref(list);
    return out;
}

static json_t *normal_system(json_t *system)
{
    json_t *parts, *out, *part;
    size_t i;

    if (json_is_string(system))
        return json_pack("{s:[{s:O}]}", "parts", "text", system);
    parts = as_list(json_object_get(system, "parts"));
    out = json_pack("{s:[]}", "parts");
    json_array_foreach(parts, i, part)
    {
        if (!says_nothing(normal_part(part)))
            json_array_append(json_object_get(out, "parts"), part);
    }
    json_decref(parts);
    if (!json_array_size(json_object_get(out, "parts")))
        json_object_clear(out);
    return out;
}

/* -- Tools and settings ----------------------------------------------------------------------- */

/* All functions first, then each of the other tools by itself. */
static json_t *normal_tools(json_t *tools)
{
    json_t *functions = json_array(), *others = json_array(), *list = as_list(tools), *tool, *value;
    const char *key;
    size_t i;

    json_array_foreach(list, i, tool)
    {
        json_object_foreach(tool, key, value)
        {
            if (g_str_equal(key, "functionDeclarations"))
                json_array_extend(functions, value);
            else
                json_array_append_new(others, json_pack("{s:O}", key, value));
        }
    }
    json_decref(list);
    return json_pack("{s:o,s:o}", "functions", functions, "others", others);
}

static void upper_words(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key), *item;
    size_t i;

    if (json_is_string(value)) {
        g_autofree char *upper = g_ascii_strup(json_string_value(value), -1);
        json_object_set_new(object, key, json_string(upper));
    }
    json_array_foreach(value, i, item)
    {
        g_autofree char *upper = g_ascii_strup(json_string_value(item), -1);
        json_array_set_new(value, i, json_string(upper));
    }
}

static void normal_config(json_t *config)
{
    json_t *thinking = json_object_get(config, "thinkingConfig");
    json_t *stop = json_object_get(config, "stopSequences");

    upper_words(config, "responseModalities");
    upper_words(thinking, "thinkingLevel");
    if (json_object_get(config, "schema"))
        json_object_set_new(config, "responseMimeType", json_string("application/json"));
    if (json_is_array(stop) && !json_array_size(stop))
        json_object_del(config, "stopSequences");
    if (json_is_object(thinking) && !json_object_size(thinking))
        json_object_del(config, "thinkingConfig");
}

static void drop_empty(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (value && (json_is_null(value) || (json_is_object(value) && !json_object_size(value)) ||
                  (json_is_array(value) && !json_array_size(value))))
        json_object_del(object, key);
}

json_t *gemini_normal(json_t *request)
{
    static const char *const maybe_empty[] = { "generationConfig", "toolConfig", "tools",
                                               "safetySettings", "systemInstruction" };
    json_t *out = names(request), *calling, *inner;

    json_decref(request);
    inner = json_object_get(out, "generateContentRequest");
    if (inner) {
        json_incref(inner);
        json_decref(out);
        out = inner;
    }
    json_object_del(out, "model");
    json_object_set_new(out, "contents", normal_contents(json_object_get(out, "contents")));
    if (json_object_get(out, "systemInstruction"))
        json_object_set_new(out, "systemInstruction",
                            normal_system(json_object_get(out, "systemInstruction")));
    normal_config(json_object_get(out, "generationConfig"));
    calling = json_object_get(json_object_get(out, "toolConfig"), "functionCallingConfig");
    upper_words(calling, "mode");
    for (size_t i = 0; i < G_N_ELEMENTS(maybe_empty); i++)
        drop_empty(out, maybe_empty[i]);
    if (json_object_get(out, "tools"))
        json_object_set_new(out, "tools", normal_tools(json_object_get(out, "tools")));
    return out;
}
