/*
 * encode_schema.c - a JSON schema in the form that constrained answers need: objects are closed,
 * and keywords that the API refuses are left out and told.
 */
#include "encode.h"

#include <weir/sdk/sink.h>

enum { SCHEMA_DEPTH = 64 };

struct schema {
    struct ant_encoding *e;
    const char *pointer;
    bool opened;  /* an object was open and is closed now */
    bool dropped; /* a keyword was left out */
};

static bool schema_refused(const weir_json *doc, uint32_t key, uint32_t value)
{
    static const char *const refused[] = { "minimum",
                                           "maximum",
                                           "exclusiveMinimum",
                                           "exclusiveMaximum",
                                           "multipleOf",
                                           "minLength",
                                           "maxLength",
                                           "maxItems",
                                           "uniqueItems",
                                           "minProperties",
                                           "maxProperties",
                                           "patternProperties",
                                           "propertyNames",
                                           "not",
                                           "if",
                                           "then",
                                           "else",
                                           "contains" };
    int64_t n = 0;

    if (weir_json_is(doc, key, "minItems"))
        return !weir_json_int64(doc, value, &n) || n > 1;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (weir_json_is(doc, key, refused[i]))
            return true;
    }
    return false;
}

/* Values that hold schemas by name. */
static bool schema_is_map(const weir_json *doc, uint32_t key)
{
    return weir_json_is(doc, key, "properties") || weir_json_is(doc, key, "$defs") ||
           weir_json_is(doc, key, "definitions");
}

/* Values that are a schema, or a list of them. */
static bool schema_is_nested(const weir_json *doc, uint32_t key)
{
    static const char *const names[] = { "items", "anyOf", "allOf", "oneOf", "prefixItems" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (weir_json_is(doc, key, names[i]))
            return true;
    }
    return false;
}

static void schema_write(struct schema *s, uint32_t value, unsigned depth);

static void schema_write_map(struct schema *s, uint32_t map, unsigned depth)
{
    weir_writer *w = &s->e->w;

    if (!weir_json_is_object(s->e->doc, map)) {
        weir_write_value(w, s->e->doc, map);
        return;
    }
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(s->e->doc, map, key, value)
    {
        weir_write_key_text(w, weir_json_text(s->e->doc, key));
        schema_write(s, value, depth + 1);
    }
    weir_write_end_object(w);
}

static void schema_write_nested(struct schema *s, uint32_t value, unsigned depth)
{
    weir_writer *w = &s->e->w;

    if (!weir_json_is_array(s->e->doc, value)) {
        schema_write(s, value, depth + 1);
        return;
    }
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(s->e->doc, value, item)
    {
        schema_write(s, item, depth + 1);
    }
    weir_write_end_array(w);
}

static bool schema_is_object(const weir_json *doc, uint32_t schema)
{
    uint32_t type = weir_json_find(doc, schema, "type");

    if (weir_json_is(doc, type, "object"))
        return true;
    WEIR_JSON_EACH_ITEM(doc, type, item)
    {
        if (weir_json_is(doc, item, "object"))
            return true;
    }
    return type == WEIR_JSON_NONE &&
           weir_json_is_object(doc, weir_json_find(doc, schema, "properties"));
}

static void schema_write(struct schema *s, uint32_t value, unsigned depth)
{
    const weir_json *doc = s->e->doc;
    weir_writer *w = &s->e->w;
    uint32_t more = weir_json_find(doc, value, "additionalProperties");
    bool object = schema_is_object(doc, value);

    if (!weir_json_is_object(doc, value) || depth > SCHEMA_DEPTH) {
        weir_write_value(w, doc, value);
        return;
    }
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, value, key, member)
    {
        if (weir_json_is(doc, key, "additionalProperties") && object)
            continue;
        if (schema_refused(doc, key, member)) {
            s->dropped = true;
            continue;
        }
        weir_write_key_text(w, weir_json_text(doc, key));
        if (schema_is_map(doc, key))
            schema_write_map(s, member, depth);
        else if (schema_is_nested(doc, key))
            schema_write_nested(s, member, depth);
        else
            weir_write_value(w, doc, member);
    }
    if (object) {
        weir_write_key(w, "additionalProperties");
        weir_write_bool(w, false);
        /* Not to say is the same for most; an open object is one that was asked for. */
        s->opened =
            s->opened || (more != WEIR_JSON_NONE && weir_json_type(doc, more) != WEIR_JSON_FALSE);
    }
    weir_write_end_object(w);
}

weir_result ant_encode_schema(struct ant_encoding *e, uint32_t schema, const char *pointer)
{
    struct schema s = { e, pointer, false, false };

    if (ant_is_own(e)) { /* as its application knows that it must be */
        weir_write_value(&e->w, e->doc, schema);
        return WEIR_OK;
    }
    schema_write(&s, schema, 0);
    if (s.dropped)
        WEIR_TRY(ant_drop(e, pointer,
                          "keywords that the Anthropic API does not take were left "
                          "out"));
    return s.opened ? ant_drop(e, pointer, "objects take no members but those that are named")
                    : WEIR_OK;
}
