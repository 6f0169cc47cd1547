/*
 * schema.h - writes a JSON Schema for vendors that understand only part of it.
 *
 *     weir_schema_rules rules = weir_schema_rules_make(keywords, on_dropped, ctx);
 *     rules.flags = WEIR_SCHEMA_NO_REFS | WEIR_SCHEMA_NULLABLE;
 *     result = weir_schema_write(&w, doc, schema, &rules);
 *
 * Keywords that are not listed are left out. What can be said another way is: a const as an enum of
 * one, a type with null as `nullable`, several types as anyOf, references as what they refer to.
 * The rest is told. A schema that refers to itself is unrolled once and cut off; depth and size of
 * what is written are bounded.
 */
#ifndef WEIR_SDK_SCHEMA_H
#define WEIR_SDK_SCHEMA_H

#include <weir/sdk/schema_run.h>

static inline weir_result weir_schema_write_at(struct weir_schema_run *r, uint32_t schema,
                                               const struct weir_schema_at *at);

/* -- Types ------------------------------------------------------------------------------------ */

/* How many types a `type` names, null not counted. */
static inline uint32_t weir_schema_types(const struct weir_schema_run *r, uint32_t type, bool *null)
{
    uint32_t count = 0;

    if (weir_json_is_string(r->doc, type)) {
        *null = *null || weir_json_is(r->doc, type, "null");
        return !weir_json_is(r->doc, type, "null");
    }
    WEIR_JSON_EACH_ITEM(r->doc, type, item)
    {
        if (weir_json_is(r->doc, item, "null"))
            *null = true;
        else
            count++;
    }
    return count;
}

static inline void weir_schema_type(struct weir_schema_run *r, uint32_t type, bool *nullable)
{
    bool null = false;
    uint32_t count = weir_schema_types(r, type, &null);

    if (weir_json_is_string(r->doc, type) && (!null || !weir_schema_is(r, WEIR_SCHEMA_NULLABLE))) {
        weir_write_key(r->w, "type");
        weir_write_value(r->w, r->doc, type);
        return;
    }
    if (null && weir_schema_is(r, WEIR_SCHEMA_NULLABLE))
        *nullable = true;
    if (!weir_schema_is(r, WEIR_SCHEMA_ONE_TYPE) && !(*nullable && count == 1)) {
        weir_write_key(r->w, "type");
        weir_write_value(r->w, r->doc, type);
        return;
    }
    if (count > 1) {
        weir_write_key(r->w, "anyOf");
        weir_write_begin_array(r->w);
    }
    WEIR_JSON_EACH_ITEM(r->doc, type, item)
    {
        if (weir_json_is(r->doc, item, "null") && *nullable)
            continue;
        if (count > 1)
            weir_write_begin_object(r->w);
        weir_write_key(r->w, "type");
        weir_write_value(r->w, r->doc, item);
        if (count > 1)
            weir_write_end_object(r->w);
    }
    if (count > 1)
        weir_write_end_array(r->w);
}

/* -- Keywords that hold schemas --------------------------------------------------------------- */

static inline weir_result weir_schema_map(struct weir_schema_run *r, const char *name, uint32_t map,
                                          const struct weir_schema_at *at)
{
    weir_write_key(r->w, name);
    weir_write_begin_object(r->w);
    WEIR_JSON_EACH_MEMBER(r->doc, map, key, value)
    {
        struct weir_schema_at list = weir_schema_inside(at, weir_str_of(name), WEIR_JSON_NONE);
        struct weir_schema_at inside;

        list.depth = at->depth;
        inside = weir_schema_inside(&list, weir_json_inner(r->doc, key), WEIR_JSON_NONE);
        weir_write_key_text(r->w, weir_json_text(r->doc, key));
        WEIR_TRY(weir_schema_write_at(r, value, &inside));
    }
    weir_write_end_object(r->w);
    return WEIR_OK;
}

static inline bool weir_schema_is_null(const struct weir_schema_run *r, uint32_t schema)
{
    uint32_t type = weir_json_find(r->doc, schema, "type");

    return weir_json_is(r->doc, type, "null") ||
           (weir_json_is_null(r->doc, weir_json_find(r->doc, schema, "const")) &&
            weir_json_count(r->doc, schema) == 1);
}

/* The members of anyOf but null; one that is left alone takes the place of the whole. */
static inline weir_result weir_schema_list(struct weir_schema_run *r, const char *from,
                                           const char *name, uint32_t list, bool *nullable,
                                           const struct weir_schema_at *at)
{
    bool takes_null = weir_schema_is(r, WEIR_SCHEMA_NULLABLE) && strcmp(name, "anyOf") == 0;
    uint32_t index = 0;

    weir_write_key(r->w, name);
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(r->doc, list, item)
    {
        struct weir_schema_at inside = weir_schema_inside(at, weir_str_of(from), index++);

        if (takes_null && weir_schema_is_null(r, item))
            *nullable = true;
        else
            WEIR_TRY(weir_schema_write_at(r, item, &inside));
    }
    weir_write_end_array(r->w);
    return WEIR_OK;
}

static inline weir_result weir_schema_one(struct weir_schema_run *r, const char *name,
                                          uint32_t schema, const struct weir_schema_at *at)
{
    struct weir_schema_at inside = weir_schema_inside(at, weir_str_of(name), WEIR_JSON_NONE);

    weir_write_key(r->w, name);
    return weir_schema_write_at(r, schema, &inside);
}

/* -- Other keywords --------------------------------------------------------------------------- */

static inline bool weir_schema_all_text(const weir_json *doc, uint32_t list)
{
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        if (!weir_json_is_string(doc, item) && !weir_json_is_null(doc, item))
            return false;
    }
    return true;
}

static inline weir_result weir_schema_enum(struct weir_schema_run *r, uint32_t list, bool *nullable,
                                           const struct weir_schema_at *at)
{
    bool text = weir_schema_is(r, WEIR_SCHEMA_TEXT_ENUMS);

    if (text && !weir_schema_all_text(r->doc, list))
        return weir_schema_drop(r, at, weir_str_of("enum"), "only strings can be enumerated");
    weir_write_key(r->w, "enum");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(r->doc, list, item)
    {
        if (text && weir_json_is_null(r->doc, item))
            *nullable = true;
        else
            weir_write_value(r->w, r->doc, item);
    }
    weir_write_end_array(r->w);
    return WEIR_OK;
}

/* A const; where none of its kind can be enumerated, at least its type. */
static inline weir_result weir_schema_const(struct weir_schema_run *r, uint32_t schema,
                                            uint32_t value, const struct weir_schema_at *at)
{
    static const char *const types[] = { "",       "null",   "boolean", "boolean",
                                         "number", "string", "array",   "object" };
    unsigned type = weir_json_type(r->doc, value);

    if (weir_json_find(r->doc, schema, "type") == WEIR_JSON_NONE &&
        weir_json_find(r->doc, schema, "enum") == WEIR_JSON_NONE) {
        weir_write_key(r->w, "type");
        weir_write_literal(r->w, types[type]);
    }
    if (weir_schema_is(r, WEIR_SCHEMA_TEXT_ENUMS) && type != WEIR_JSON_STRING)
        return weir_schema_drop(r, at, weir_str_of("const"), "only strings can be enumerated");
    weir_write_key(r->w, "enum");
    weir_write_begin_array(r->w);
    weir_write_value(r->w, r->doc, value);
    weir_write_end_array(r->w);
    return WEIR_OK;
}

static inline weir_result weir_schema_required(struct weir_schema_run *r, uint32_t schema,
                                               uint32_t list, const struct weir_schema_at *at)
{
    uint32_t properties = weir_json_find(r->doc, schema, "properties");
    bool all = true;

    if ((uint64_t)weir_json_count(r->doc, properties) * weir_json_count(r->doc, list) >
        WEIR_SCHEMA_LOOKUPS)
        return weir_schema_drop(r, at, weir_str_of("required"), "there are too many to check");
    weir_write_key(r->w, "required");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(r->doc, list, item)
    {
        weir_str name = weir_json_str(r->doc, item, r->w->arena);

        if (weir_json_find_n(r->doc, properties, name.ptr, name.len) != WEIR_JSON_NONE)
            weir_write_value(r->w, r->doc, item);
        else
            all = false;
    }
    weir_write_end_array(r->w);
    return all ? WEIR_OK
               : weir_schema_drop(r, at, weir_str_of("required"), "only properties can be");
}

static inline bool weir_schema_format_fits(const struct weir_schema_run *r, uint32_t format)
{
    static const char *const formats[] = {
        "date-time", "enum", "float", "double", "int32", "int64"
    };

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (weir_json_is(r->doc, format, formats[i]))
            return true;
    }
    return false;
}

/* Keywords that say nothing about what is valid, or that every vendor goes by anyway. */
static inline bool weir_schema_silent(const struct weir_schema_run *r, uint32_t key, uint32_t value)
{
    static const char *const silent[] = { "$schema",    "$id",      "$comment", "$anchor",
                                          "$defs",      "title",    "examples", "definitions",
                                          "deprecated", "readOnly", "writeOnly" };

    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        if (weir_json_is(r->doc, key, silent[i]))
            return true;
    }
    return weir_json_is(r->doc, key, "additionalProperties") &&
           weir_json_type(r->doc, value) == WEIR_JSON_FALSE;
}

/* -- Schemas ---------------------------------------------------------------------------------- */

static inline weir_result weir_schema_unknown(struct weir_schema_run *r, uint32_t key,
                                              uint32_t value, const struct weir_schema_at *at)
{
    if (weir_schema_silent(r, key, value))
        return WEIR_OK;
    return weir_schema_drop(r, at, weir_json_inner(r->doc, key), "this vendor has no such keyword");
}

/* oneOf where there is only anyOf. */
static inline bool weir_schema_is_list(const struct weir_schema_run *r, uint32_t key,
                                       const char **from, const char **name)
{
    static const char *const lists[] = { "anyOf", "oneOf", "allOf", "prefixItems" };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (!weir_json_is(r->doc, key, lists[i]))
            continue;
        *from = *name = lists[i];
        if (i == 1 && !weir_schema_keeps(r, "oneOf"))
            *name = "anyOf";
        return weir_schema_keeps(r, *name);
    }
    return false;
}

static inline weir_result weir_schema_keyword(struct weir_schema_run *r, uint32_t schema,
                                              uint32_t key, uint32_t value, bool *nullable,
                                              const struct weir_schema_at *at)
{
    const weir_json *doc = r->doc;
    const char *from, *name;

    if (weir_json_is(doc, key, "const") && weir_schema_is(r, WEIR_SCHEMA_NO_CONST))
        return weir_schema_const(r, schema, value, at);
    if (weir_schema_is_list(r, key, &from, &name))
        return weir_schema_list(r, from, name, value, nullable, at);
    if (weir_schema_is(r, WEIR_SCHEMA_NO_REFS) &&
        (weir_json_is(doc, key, "$defs") || weir_json_is(doc, key, "definitions")))
        return WEIR_OK;
    if (!weir_schema_keeps_key(r, key))
        return weir_schema_unknown(r, key, value, at);
    if (weir_json_is(doc, key, "type")) {
        weir_schema_type(r, value, nullable);
        return WEIR_OK;
    }
    if (weir_json_is(doc, key, "properties"))
        return weir_schema_map(r, "properties", value, at);
    if (weir_json_is(doc, key, "$defs"))
        return weir_schema_map(r, "$defs", value, at);
    if (weir_json_is(doc, key, "definitions"))
        return weir_schema_map(r, "definitions", value, at);
    if (weir_json_is(doc, key, "items") && !weir_json_is_array(doc, value))
        return weir_schema_one(r, "items", value, at);
    if (weir_json_is(doc, key, "additionalProperties") && weir_json_is_object(doc, value))
        return weir_schema_one(r, "additionalProperties", value, at);
    if (weir_json_is(doc, key, "enum"))
        return weir_schema_enum(r, value, nullable, at);
    if (weir_schema_is(r, WEIR_SCHEMA_STRICT) && weir_json_is(doc, key, "required"))
        return weir_schema_required(r, schema, value, at);
    if (weir_schema_is(r, WEIR_SCHEMA_STRICT) && weir_json_is(doc, key, "format") &&
        !weir_schema_format_fits(r, value))
        return weir_schema_drop(r, at, weir_str_of("format"), "this vendor has no such format");
    if (weir_json_is(doc, key, "nullable") && weir_schema_is(r, WEIR_SCHEMA_NULLABLE)) {
        weir_json_bool(doc, value, nullable);
        return WEIR_OK;
    }
    weir_write_key_text(r->w, weir_json_text(doc, key));
    weir_write_value(r->w, doc, value);
    return WEIR_OK;
}

/*
 * A schema may be several on top of one another: a reference with a description beside it, an anyOf
 * of one and null. They are written as one, the outer ones first.
 */
struct weir_schema_layers {
    uint32_t schema[WEIR_SCHEMA_LAYERS];
    uint32_t entered[WEIR_SCHEMA_LAYERS]; /* the key that led further; NONE: none did */
    uint32_t count;
    bool nullable;
};

/* What a schema refers to, unless it cannot be followed. */
static inline weir_result weir_schema_follow(struct weir_schema_run *r, uint32_t ref,
                                             const struct weir_schema_at *at, uint32_t *to)
{
    const char *why = NULL;

    *to =
        weir_schema_resolve(r->doc, r->root, weir_json_str(r->doc, ref, r->w->arena), r->w->arena);
    if (*to == WEIR_JSON_NONE)
        why = "what it refers to is not in the schema";
    for (uint32_t i = 0; i < r->ref_count && !why; i++) {
        if (r->refs[i] == *to)
            why = "a schema within itself cannot be said; it is cut off here";
    }
    if (!why && r->ref_count == WEIR_SCHEMA_REFS)
        why = "references go too deep; it is cut off here";
    if (why) {
        *to = WEIR_JSON_NONE;
        return weir_schema_drop(r, at, weir_str_of("$ref"), why);
    }
    r->refs[r->ref_count++] = *to;
    return WEIR_OK;
}

/* The only schema in an allOf, or beside null in an anyOf; NONE: there is none, or more. */
static inline uint32_t weir_schema_only(const struct weir_schema_run *r, uint32_t key, bool *null)
{
    bool any = weir_json_is(r->doc, key, "anyOf") || weir_json_is(r->doc, key, "oneOf");
    bool with_null = false;
    uint32_t found = WEIR_JSON_NONE, count = 0;

    if (any ? !weir_schema_is(r, WEIR_SCHEMA_NULLABLE)
            : weir_schema_keeps(r, "allOf") || !weir_json_is(r->doc, key, "allOf"))
        return WEIR_JSON_NONE;
    WEIR_JSON_EACH_ITEM(r->doc, key + 1, item)
    {
        if (any && weir_schema_is_null(r, item)) {
            with_null = true;
        } else {
            found = item;
            count++;
        }
    }
    if (count != 1)
        return WEIR_JSON_NONE;
    *null = *null || with_null;
    return found;
}

static inline weir_result weir_schema_collect(struct weir_schema_run *r, uint32_t schema,
                                              const struct weir_schema_at *at,
                                              struct weir_schema_layers *l)
{
    while (l->count < WEIR_SCHEMA_LAYERS && weir_json_is_object(r->doc, schema)) {
        uint32_t here = l->count++, next = WEIR_JSON_NONE;

        l->schema[here] = schema;
        l->entered[here] = WEIR_JSON_NONE;
        WEIR_JSON_EACH_MEMBER(r->doc, schema, key, value)
        {
            if (next != WEIR_JSON_NONE)
                break;
            if (weir_json_is(r->doc, key, "$ref") && weir_schema_is(r, WEIR_SCHEMA_NO_REFS)) {
                l->entered[here] = key;
                WEIR_TRY(weir_schema_follow(r, value, at, &next));
                continue;
            }
            next = weir_schema_only(r, key, &l->nullable);
            if (next != WEIR_JSON_NONE)
                l->entered[here] = key;
        }
        schema = next;
    }
    return WEIR_OK;
}

/* Whether a member is written: it led nowhere, no outer schema has it, and it is the last of its
 * name. */
static inline bool weir_schema_counts(const struct weir_schema_run *r,
                                      const struct weir_schema_layers *l, uint32_t layer,
                                      uint32_t key)
{
    weir_str name = weir_json_str(r->doc, key, r->w->arena);

    if (key == l->entered[layer] ||
        weir_json_find_n(r->doc, l->schema[layer], name.ptr, name.len) != key + 1)
        return false;
    for (uint32_t i = 0; i < layer; i++) {
        if (weir_json_find_n(r->doc, l->schema[i], name.ptr, name.len) != WEIR_JSON_NONE)
            return false;
    }
    return true;
}

static inline bool weir_schema_has(const struct weir_schema_run *r,
                                   const struct weir_schema_layers *l, const char *keyword,
                                   const char *value)
{
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t found = weir_json_find(r->doc, l->schema[i], keyword);

        if (found != WEIR_JSON_NONE && (!value || weir_json_is(r->doc, found, value)))
            return true;
    }
    return false;
}

static inline weir_result weir_schema_need_items(struct weir_schema_run *r,
                                                 const struct weir_schema_layers *l,
                                                 const struct weir_schema_at *at)
{
    if (!weir_schema_is(r, WEIR_SCHEMA_STRICT) || !weir_schema_has(r, l, "type", "array") ||
        weir_schema_has(r, l, "items", NULL))
        return WEIR_OK;
    weir_write_key(r->w, "items");
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "string");
    weir_write_end_object(r->w);
    return weir_schema_drop(r, at, weir_str_of("items"),
                            "an array of anything cannot be said; it is one of strings");
}

static inline weir_result weir_schema_object(struct weir_schema_run *r, uint32_t schema,
                                             const struct weir_schema_at *at)
{
    uint32_t refs = r->ref_count;
    struct weir_schema_layers l;

    memset(&l, 0, sizeof(l));
    WEIR_TRY(weir_schema_collect(r, schema, at, &l));
    weir_write_begin_object(r->w);
    for (uint32_t i = 0; i < l.count; i++) {
        WEIR_JSON_EACH_MEMBER(r->doc, l.schema[i], key, value)
        {
            if (weir_schema_counts(r, &l, i, key))
                WEIR_TRY(weir_schema_keyword(r, l.schema[i], key, value, &l.nullable, at));
        }
    }
    WEIR_TRY(weir_schema_need_items(r, &l, at));
    if (l.nullable) {
        weir_write_key(r->w, "nullable");
        weir_write_bool(r->w, true);
    }
    weir_write_end_object(r->w);
    r->ref_count = refs;
    return WEIR_OK;
}

static inline weir_result weir_schema_write_at(struct weir_schema_run *r, uint32_t schema,
                                               const struct weir_schema_at *at)
{
    bool full = at->depth >= WEIR_SCHEMA_DEPTH || r->nodes >= WEIR_SCHEMA_NODES ||
                weir_json_count(r->doc, schema) > WEIR_SCHEMA_KEYWORDS;

    r->nodes++;
    if (weir_json_is_object(r->doc, schema) && !full)
        return weir_schema_object(r, schema, at);
    weir_write_begin_object(r->w); /* anything goes */
    weir_write_end_object(r->w);
    if (full)
        return weir_schema_drop(r, at, weir_str_make("", 0), "the schema is too deep or too large");
    if (weir_json_type(r->doc, schema) == WEIR_JSON_TRUE)
        return WEIR_OK;
    return weir_schema_drop(r, at, weir_str_make("", 0), "this is no schema that can be said");
}

/* Writes the schema as one value. What the sink of losses says, if that is negative. */
static inline weir_result weir_schema_write(weir_writer *w, const weir_json *doc, uint32_t schema,
                                            const weir_schema_rules *rules)
{
    struct weir_schema_run r;
    struct weir_schema_at at;

    memset(&r, 0, sizeof(r));
    r.w = w;
    r.doc = doc;
    r.root = schema;
    r.rules = rules;
    memset(&at, 0, sizeof(at));
    at.name = weir_str_make("", 0);
    at.index = WEIR_JSON_NONE;
    return weir_schema_write_at(&r, schema, &at);
}

#endif
