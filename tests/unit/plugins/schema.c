/*
 * Schemas as vendors take them that understand only part of JSON Schema.
 */
#include "host.h"

#include <weir/sdk/schema.h>

static const char *const some[] = { "type",     "description", "properties", "items",    "enum",
                                    "required", "anyOf",       "format",     "nullable", "minItems",
                                    "$ref",     "$defs",       NULL };

struct losses {
    GString *pointers;
    bool refuse;
};

static weir_result lost(void *ctx, weir_str pointer, const char *why)
{
    struct losses *l = ctx;

    g_assert_nonnull(why);
    g_string_append_len(l->pointers, pointer.ptr, (gssize)pointer.len);
    g_string_append_c(l->pointers, '\n');
    return l->refuse ? WEIR_UNSUPPORTED : WEIR_OK;
}

enum {
    LITTLE = WEIR_SCHEMA_NO_CONST | WEIR_SCHEMA_NO_REFS | WEIR_SCHEMA_NULLABLE |
             WEIR_SCHEMA_ONE_TYPE | WEIR_SCHEMA_TEXT_ENUMS | WEIR_SCHEMA_STRICT,
    REFS = WEIR_SCHEMA_NO_REFS,
};

static const struct {
    const char *name;
    unsigned flags;
    const char *schema;
    const char *expected;
    const char *lost;
} cases[] = {
    { "as-it-is", 0,
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}", "" },
    { "unknown-keywords", 0,
      "{\"$schema\":\"x\",\"title\":\"t\",\"properties\":{\"a\":{\"not\":{},\"type\":\"string\"}},"
      "\"additionalProperties\":false}",
      "{\"properties\":{\"a\":{\"type\":\"string\"}}}", "/properties/a/not\n" },
    { "open-objects", 0, "{\"additionalProperties\":true}", "{}", "/additionalProperties\n" },
    { "a-property-called-like-a-keyword", LITTLE,
      "{\"properties\":{\"const\":{\"type\":\"string\"},\"$ref\":{\"type\":\"string\"}}}",
      "{\"properties\":{\"const\":{\"type\":\"string\"},\"$ref\":{\"type\":\"string\"}}}", "" },
    { "const", WEIR_SCHEMA_NO_CONST, "{\"const\":\"a\"}", "{\"type\":\"string\",\"enum\":[\"a\"]}",
      "" },
    { "const-of-a-number", LITTLE, "{\"const\":1,\"type\":\"integer\"}", "{\"type\":\"integer\"}",
      "/const\n" },
    { "enum-of-numbers", LITTLE, "{\"type\":\"integer\",\"enum\":[1,2]}", "{\"type\":\"integer\"}",
      "/enum\n" },
    { "enum-with-null", LITTLE, "{\"enum\":[\"a\",null]}", "{\"enum\":[\"a\"],\"nullable\":true}",
      "" },
    { "nullable", LITTLE, "{\"type\":[\"string\",\"null\"]}",
      "{\"type\":\"string\",\"nullable\":true}", "" },
    { "several-types", LITTLE, "{\"type\":[\"string\",\"integer\",\"null\"]}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}],\"nullable\":true}", "" },
    { "optional", LITTLE,
      "{\"anyOf\":[{\"$ref\":\"#/$defs/"
      "a\"},{\"type\":\"null\"}],\"description\":\"near\",\"$defs\":{\"a\":{"
      "\"type\":\"string\",\"description\":\"far\"}}}",
      "{\"description\":\"near\",\"type\":\"string\",\"nullable\":true}", "" },
    { "any-of-several", LITTLE,
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"},{\"type\":\"null\"}]}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}],\"nullable\":true}", "" },
    { "one-of", LITTLE, "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}", "" },
    { "all-of-one", LITTLE, "{\"allOf\":[{\"type\":\"string\"}],\"description\":\"d\"}",
      "{\"description\":\"d\",\"type\":\"string\"}", "" },
    { "all-of-several", LITTLE, "{\"allOf\":[{\"type\":\"string\"},{}]}", "{}", "/allOf\n" },
    { "references", REFS,
      "{\"properties\":{\"a\":{\"$ref\":\"#/$defs/x~1y\"},\"b\":{\"$ref\":\"#/properties/"
      "a\"}},\"$defs\":{"
      "\"x/y\":{\"type\":\"string\"}}}",
      "{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}}}", "" },
    { "references-kept", 0,
      "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"const\":1,\"type\":\"string\"}}}",
      "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\"}}}", "/$defs/a/const\n" },
    { "cyclic", REFS,
      "{\"$ref\":\"#/$defs/"
      "n\",\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":"
      "\"#/$defs/n\"}}}}}",
      "{\"type\":\"object\",\"properties\":{\"next\":{}}}", "/properties/next/$ref\n" },
    { "refers-to-itself", REFS, "{\"$ref\":\"#\"}", "{}", "/$ref\n" },
    { "refers-to-nothing", REFS, "{\"$ref\":\"#/$defs/z\"}", "{}", "/$ref\n" },
    { "refers-elsewhere", REFS, "{\"$ref\":\"https://h/s\"}", "{}", "/$ref\n" },
    { "arrays-of-anything", LITTLE, "{\"type\":\"array\"}",
      "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "/items\n" },
    { "required-of-nothing", LITTLE, "{\"properties\":{\"a\":{}},\"required\":[\"a\",\"b\"]}",
      "{\"properties\":{\"a\":{}},\"required\":[\"a\"]}", "/required\n" },
    { "formats", LITTLE,
      "{\"properties\":{\"a\":{\"format\":\"uuid\"},\"b\":{\"format\":\"date-time\"}}}",
      "{\"properties\":{\"a\":{},\"b\":{\"format\":\"date-time\"}}}", "/properties/a/format\n" },
    { "true-and-false", 0, "{\"properties\":{\"a\":true,\"b\":false,\"c\":7}}",
      "{\"properties\":{\"a\":{},\"b\":{},\"c\":{}}}", "/properties/b\n/properties/c\n" },
    { "no-schema", 0, "[]", "{}", "\n" },
    { "duplicates", 0, "{\"type\":\"string\",\"type\":\"number\"}", "{\"type\":\"number\"}", "" },
};

static weir_result run(const char *schema, unsigned flags, struct losses *l, char **written)
{
    struct host_arena arena;
    weir_schema_rules rules = weir_schema_rules_make(some, lost, l);
    weir_result result;
    weir_json doc;
    weir_writer w;
    weir_str out;

    l->pointers = g_string_new(NULL);
    rules.flags = flags;
    host_arena_init(&arena);
    doc = host_scan(&arena, schema);
    weir_writer_init(&w, &arena.arena, 0);
    result = weir_schema_write(&w, &doc, 0, &rules);
    *written = NULL;
    if (result == WEIR_OK) {
        g_assert_cmpint(weir_writer_finish(&w, &out), ==, WEIR_OK);
        *written = host_text(out);
        host_scan(&arena, *written); /* it is JSON */
    }
    host_arena_clear(&arena);
    return result;
}

/* field: 3.2.8, 3.3.2, 3.3.3 */
static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct losses l = { NULL, false };
        g_autofree char *written = NULL;

        g_test_message("%s", cases[i].name);
        g_assert_cmpint(run(cases[i].schema, cases[i].flags, &l, &written), ==, WEIR_OK);
        g_assert_cmpstr(written, ==, cases[i].expected);
        g_assert_cmpstr(l.pointers->str, ==, cases[i].lost);
        g_string_free(l.pointers, TRUE);
    }
}

/* field: 3.3.2 */
static void test_refused(void)
{
    struct losses l = { NULL, true };
    char *written;

    g_assert_cmpint(run("{\"not\":{}}", 0, &l, &written), ==, WEIR_UNSUPPORTED);
    g_assert_null(written);
    g_string_free(l.pointers, TRUE);
}

/* Each definition names the next one twice: 2^40 schemas, if nobody counts. */
static void test_bounded(void)
{
    struct losses l = { NULL, false };
    GString *schema = g_string_new("{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    g_autofree char *written = NULL;

    for (int i = 0; i < 40; i++)
        g_string_append_printf(schema,
                               "\"d%d\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/d%d\"},\"b\":{"
                               "\"$ref\":\"#/$defs/d%d\"}}},",
                               i, i + 1, i + 1);
    g_string_append(schema, "\"d40\":{}}}");
    g_assert_cmpint(run(schema->str, REFS, &l, &written), ==, WEIR_OK);
    g_assert_cmpuint(l.pointers->len, >, 0);
    g_assert_cmpuint(strlen(written), <, 1 << 20);
    g_string_free(schema, TRUE);
    g_string_free(l.pointers, TRUE);
}

static void test_deep(void)
{
    struct losses l = { NULL, false };
    GString *schema = g_string_new(NULL);
    g_autofree char *written = NULL;

    for (int i = 0; i < 60; i++)
        g_string_append(schema, "{\"items\":");
    g_string_append(schema, "{}");
    for (int i = 0; i < 60; i++)
        g_string_append_c(schema, '}');
    g_assert_cmpint(run(schema->str, 0, &l, &written), ==, WEIR_OK);
    g_assert_cmpuint(l.pointers->len, >, 0);
    g_string_free(schema, TRUE);
    g_string_free(l.pointers, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/cases", test_cases);
    g_test_add_func("/schema/refused", test_refused);
    g_test_add_func("/schema/bounded", test_bounded);
    g_test_add_func("/schema/deep", test_deep);
    return g_test_run();
}
