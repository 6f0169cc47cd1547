/*
 * format.h - the schema that an answer has to follow, whoever wrote it.
 */
#ifndef WEIR_SDK_FORMAT_H
#define WEIR_SDK_FORMAT_H

#include <weir/sdk/json.h>

/* The schema of a request's response_format, or NONE: OpenAI's {type: json_schema, json_schema:
 * {schema}}, or the same in a member beside the type, json_schema or json_object, as servers of
 * open models have it. `*where`: its JSON pointer, never NULL. */
static inline uint32_t weir_format_schema(const weir_json *doc, const char **where)
{
    uint32_t format = weir_json_find(doc, 0, "response_format");
    uint32_t type = weir_json_find(doc, format, "type");
    uint32_t schema = weir_json_path(doc, format, "json_schema.schema");
    bool strict = weir_json_is(doc, type, "json_schema");

    *where = "/response_format/json_schema/schema";
    if (strict && weir_json_is_object(doc, schema))
        return schema;
    *where = "/response_format/schema";
    schema = weir_json_find(doc, format, "schema");
    if (!strict && !weir_json_is(doc, type, "json_object"))
        return WEIR_JSON_NONE;
    return weir_json_is_object(doc, schema) ? schema : WEIR_JSON_NONE;
}

#endif
