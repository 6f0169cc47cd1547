/*
 * translate_tools.c - functionDeclarations as tools, tools of Google as they are, and schemas.
 *
 * `parameters` is a schema of the API's own: types in capitals, `nullable`, numbers as strings, and
 * names in two spellings. In the canonical form it is JSON Schema.
 */
#include "gemini.h"

enum { SCHEMA_DEPTH = 48 };

static void schema_write(struct gem_translation *t, uint32_t schema, int depth);

static void schema_map(struct gem_translation *t, uint32_t map, int depth)
{
    weir_write_begin_object(&t->w);
    WEIR_JSON_EACH_MEMBER(t->doc, map, key, value)
    {
        weir_write_key_text(&t->w, weir_json_text(t->doc, key));
        schema_write(t, value, depth + 1);
    }
    weir_write_end_object(&t->w);
}

static void schema_list(struct gem_translation *t, uint32_t list, int depth)
{
    weir_write_begin_array(&t->w);
    WEIR_JSON_EACH_ITEM(t->doc, list, item)
    {
        schema_write(t, item, depth + 1);
    }
    weir_write_end_array(&t->w);
}

/* The type in small letters; some send its number. */
static void schema_type_word(struct gem_translation *t, uint32_t type)
{
    static const char *const types[] = { "",        "string", "number", "integer",
                                         "boolean", "array",  "object", "null" };
    weir_str name = weir_json_inner(t->doc, type);
    int64_t number = 0;
    char lower[32];
    size_t len = name.len < sizeof(lower) ? name.len : sizeof(lower);

    if (weir_json_int64(t->doc, type, &number) && number > 0 && number < 8) {
        weir_write_literal(&t->w, types[number]);
        return;
    }
    if (!weir_json_is_string(t->doc, type)) {
        weir_write_value(&t->w, t->doc, type);
        return;
    }
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)weir_ascii_lower((unsigned char)name.ptr[i]);
    weir_write_string(&t->w, weir_str_make(lower, len));
}

static void schema_type(struct gem_translation *t, uint32_t type, bool nullable)
{
    weir_write_key(&t->w, "type");
    if (!nullable || !weir_json_is_string(t->doc, type)) {
        schema_type_word(t, type);
        return;
    }
    weir_write_begin_array(&t->w);
    schema_type_word(t, type);
    weir_write_literal(&t->w, "null");
    weir_write_end_array(&t->w);
}

/* Counts are 64-bit numbers, which this API writes as strings. */
static bool schema_is_count(const weir_json *doc, uint32_t key, const char **name)
{
    static const char *const counts[] = { "minItems",  "maxItems",      "minLength",
                                          "maxLength", "minProperties", "maxProperties" };

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (gem_key_is(doc, key, counts[i])) {
            *name = counts[i];
            return true;
        }
    }
    return false;
}

static void schema_count(struct gem_translation *t, const char *name, uint32_t value)
{
    weir_str text = weir_json_inner(t->doc, value);
    int64_t n;

    weir_write_key(&t->w, name);
    if (weir_json_is_string(t->doc, value) && weir_number_to_int64(text.ptr, text.len, &n))
        weir_write_int64(&t->w, n);
    else
        weir_write_value(&t->w, t->doc, value);
}

static void schema_member(struct gem_translation *t, uint32_t key, uint32_t value, bool nullable,
                          int depth)
{
    const weir_json *doc = t->doc;
    const char *name;

    if (gem_key_is(doc, key, "nullable")) {
        return; /* said with the type */
    } else if (gem_key_is(doc, key, "type")) {
        schema_type(t, value, nullable);
    } else if (gem_key_is(doc, key, "properties") || weir_json_is(doc, key, "$defs")) {
        weir_write_key_text(&t->w, weir_json_text(doc, key));
        schema_map(t, value, depth);
    } else if (gem_key_is(doc, key, "anyOf") || gem_key_is(doc, key, "oneOf")) {
        weir_write_key(&t->w, gem_key_is(doc, key, "anyOf") ? "anyOf" : "oneOf");
        schema_list(t, value, depth);
    } else if (gem_key_is(doc, key, "items") || gem_key_is(doc, key, "additionalProperties")) {
        weir_write_key(&t->w, gem_key_is(doc, key, "items") ? "items" : "additionalProperties");
        schema_write(t, value, depth + 1);
    } else if (gem_key_is(doc, key, "propertyOrdering")) {
        weir_write_key(&t->w, "propertyOrdering");
        weir_write_value(&t->w, doc, value);
    } else if (schema_is_count(doc, key, &name)) {
        schema_count(t, name, value);
    } else {
        weir_write_key_text(&t->w, weir_json_text(doc, key));
        weir_write_value(&t->w, doc, value);
    }
}

static void schema_write(struct gem_translation *t, uint32_t schema, int depth)
{
    uint32_t type = gem_find(t->doc, schema, "type");
    bool nullable = false;

    if (!weir_json_is_object(t->doc, schema) || depth > SCHEMA_DEPTH) {
        weir_write_value(&t->w, t->doc, schema);
        return;
    }
    weir_json_bool(t->doc, gem_find(t->doc, schema, "nullable"), &nullable);
    weir_write_begin_object(&t->w);
    WEIR_JSON_EACH_MEMBER(t->doc, schema, key, value)
    {
        schema_member(t, key, value, nullable, depth);
    }
    if (nullable && !weir_json_is_string(t->doc, type)) { /* nothing that null could be added to */
        weir_write_key(&t->w, "nullable");
        weir_write_bool(&t->w, true);
    }
    weir_write_end_object(&t->w);
}

void gem_translate_schema(struct gem_translation *t, uint32_t schema)
{
    schema_write(t, schema, 0);
}

/* -- Tools ------------------------------------------------------------------------------------ */

static void tool_function(struct gem_translation *t, uint32_t declaration)
{
    static const char *const known[] = { "name", "description", "parameters",
                                         "parametersJsonSchema", NULL };
    const weir_json *doc = t->doc;
    uint32_t json = gem_find(doc, declaration, "parametersJsonSchema");
    uint32_t openapi = gem_find(doc, declaration, "parameters");
    uint32_t description = gem_find(doc, declaration, "description");

    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, "function");
    weir_write_key(&t->w, "function");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "name");
    weir_write_text(&t->w, weir_json_text(doc, gem_find(doc, declaration, "name")));
    if (weir_json_is_string(doc, description)) {
        weir_write_key(&t->w, "description");
        weir_write_value(&t->w, doc, description);
    }
    if (weir_json_is_object(doc, json)) {
        weir_write_key(&t->w, "parameters");
        weir_write_value(&t->w, doc, json);
    } else if (weir_json_is_object(doc, openapi)) {
        weir_write_key(&t->w, "parameters");
        gem_translate_schema(t, openapi);
    }
    weir_write_end_object(&t->w);
    gem_write_vendor(&t->w, gem_members_but(&t->in->arena, doc, declaration, known));
    weir_write_end_object(&t->w);
}

/* One of Google's own, as {"googleSearch":{...}}. */
static void tool_server(struct gem_translation *t, uint32_t key, uint32_t value)
{
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, "server_tool");
    weir_write_key(&t->w, "api");
    weir_write_literal(&t->w, "gemini");
    weir_write_key(&t->w, "tool");
    weir_write_begin_object(&t->w);
    weir_write_key_text(&t->w, weir_json_text(t->doc, key));
    weir_write_value(&t->w, t->doc, value);
    weir_write_end_object(&t->w);
    weir_write_end_object(&t->w);
}

static void tool_write(struct gem_translation *t, uint32_t tool)
{
    WEIR_JSON_EACH_MEMBER(t->doc, tool, key, value)
    {
        if (!gem_key_is(t->doc, key, "functionDeclarations")) {
            tool_server(t, key, value);
            continue;
        }
        if (weir_json_is_object(t->doc, value))
            tool_function(t, value);
        WEIR_JSON_EACH_ITEM(t->doc, value, declaration)
        {
            tool_function(t, declaration);
        }
    }
}

weir_result gem_translate_tools(struct gem_translation *t)
{
    uint32_t tools = gem_find(t->doc, t->root, "tools");

    if (!weir_json_count(t->doc, tools))
        return WEIR_OK;
    weir_write_key(&t->w, "tools");
    weir_write_begin_array(&t->w);
    if (weir_json_is_object(t->doc, tools))
        tool_write(t, tools);
    WEIR_JSON_EACH_ITEM(t->doc, tools, tool)
    {
        tool_write(t, tool);
    }
    weir_write_end_array(&t->w);
    return WEIR_OK;
}
