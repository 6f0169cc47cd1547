/*
 * schema.c - an example of what a JSON schema allows: the first of what may be chosen, the least
 * of what is bounded, every property of an object.
 */
#include "sim.h"

enum { SCHEMA_DEPTH = 12 };

/* Follows "#/$defs/name" inside the request: the schema's root is the nearest place above that
 * has the first name. Searching every object is fine for a simulator. */
static uint32_t schema_resolve(const weir_json *doc, uint32_t ref)
{
    weir_str path = weir_json_inner(doc, ref);
    weir_str group;

    if (!weir_str_starts(path, "#/"))
        return WEIR_JSON_NONE;
    path = weir_str_skip(path, 2);
    group = weir_str_split(&path, '/');
    for (uint32_t i = 0; i < doc->count; i++) {
        uint32_t defs = weir_json_find_n(doc, i, group.ptr, group.len);
        uint32_t found = weir_json_find_n(doc, defs, path.ptr, path.len);

        if (found != WEIR_JSON_NONE)
            return found;
    }
    return WEIR_JSON_NONE;
}

static void schema_write_string(weir_writer *w, const weir_json *doc, uint32_t schema)
{
    uint32_t format = weir_json_find(doc, schema, "format");
    int64_t least = 0;

    weir_json_int64(doc, weir_json_find(doc, schema, "minLength"), &least);
    if (weir_json_is(doc, format, "date"))
        weir_write_literal(w, "2025-01-01");
    else if (weir_json_is(doc, format, "date-time"))
        weir_write_literal(w, "2025-01-01T00:00:00Z");
    else if (weir_json_is(doc, format, "email"))
        weir_write_literal(w, "user@example.com");
    else if (weir_json_is(doc, format, "uri"))
        weir_write_literal(w, "https://example.com/");
    else
        weir_write_literal(w, least <= 9 ? "simulated" : "simulated, as long as it takes to be so");
}

static void schema_write_number(weir_writer *w, const weir_json *doc, uint32_t schema)
{
    uint32_t least = weir_json_find(doc, schema, "minimum");
    uint32_t most = weir_json_find(doc, schema, "maximum");

    if (weir_json_is_number(doc, least))
        weir_write_value(w, doc, least);
    else if (weir_json_is_number(doc, most))
        weir_write_value(w, doc, most);
    else
        weir_write_int64(w, 1);
}

static void schema_write_object(weir_writer *w, const weir_json *doc, uint32_t schema, int depth)
{
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, weir_json_find(doc, schema, "properties"), key, value)
    {
        weir_write_key_text(w, weir_json_text(doc, key));
        sim_write_example(w, doc, value, depth + 1);
    }
    weir_write_end_object(w);
}

/* The type; of several the first that is not null. */
static uint32_t schema_type(const weir_json *doc, uint32_t schema)
{
    uint32_t type = weir_json_find(doc, schema, "type");

    WEIR_JSON_EACH_ITEM(doc, type, item)
    {
        if (!weir_json_is(doc, item, "null"))
            return item;
    }
    return type;
}

void sim_write_example(weir_writer *w, const weir_json *doc, uint32_t schema, int depth)
{
    static const char *const unions[] = { "anyOf", "oneOf", "allOf" };
    uint32_t type = schema_type(doc, schema);
    uint32_t ref = weir_json_find(doc, schema, "$ref");
    uint32_t fixed = weir_json_find(doc, schema, "const");

    if (fixed == WEIR_JSON_NONE)
        fixed = weir_json_item(doc, weir_json_find(doc, schema, "enum"), 0);
    for (size_t i = 0; i < 3 && ref == WEIR_JSON_NONE; i++) {
        uint32_t first = weir_json_item(doc, weir_json_find(doc, schema, unions[i]), 0);

        if (first != WEIR_JSON_NONE && depth < SCHEMA_DEPTH) {
            sim_write_example(w, doc, first, depth + 1);
            return;
        }
    }
    if (depth >= SCHEMA_DEPTH)
        weir_write_null(w);
    else if (ref != WEIR_JSON_NONE)
        sim_write_example(w, doc, schema_resolve(doc, ref), depth + 1);
    else if (fixed != WEIR_JSON_NONE)
        weir_write_value(w, doc, fixed);
    else if (weir_json_is(doc, type, "string"))
        schema_write_string(w, doc, schema);
    else if (weir_json_is(doc, type, "integer") || weir_json_is(doc, type, "number"))
        schema_write_number(w, doc, schema);
    else if (weir_json_is(doc, type, "boolean"))
        weir_write_bool(w, true);
    else if (weir_json_is(doc, type, "null"))
        weir_write_null(w);
    else if (weir_json_is(doc, type, "array")) {
        weir_write_begin_array(w);
        sim_write_example(w, doc, weir_json_find(doc, schema, "items"), depth + 1);
        weir_write_end_array(w);
    } else {
        schema_write_object(w, doc, schema, depth);
    }
}
