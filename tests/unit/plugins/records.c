/*
 * records.c - see records.h.
 */
#include "records.h"

#include <string.h>

char *wire_body(json_t *response)
{
    const char *text = json_string_value(json_object_get(response, "body_text"));
    char *dumped, *copy;

    if (text) {
        g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
        g_autofree char *joined = g_strjoinv("\n", lines);
        bool events = g_str_has_prefix(joined, "data:") || g_str_has_prefix(joined, "event:") ||
                      g_str_has_prefix(joined, ":");

        return g_strconcat(joined, events && !g_str_has_suffix(joined, "\n\n") ? "\n\n" : "", NULL);
    }
    dumped = json_dumps(json_object_get(response, "body"), JSON_ENCODE_ANY);
    copy = g_strdup(dumped ? dumped : "");
    free(dumped);
    return copy;
}

char *wire_headers(json_t *response)
{
    GString *all = g_string_new(NULL);
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(response, "headers"), name, value)
    {
        g_string_append_printf(all, "%s: %s\n", name, json_string_value(value));
    }
    return g_string_free(all, FALSE);
}

bool wire_has_feature(json_t *record, const char *name)
{
    json_t *feature;
    size_t i;

    json_array_foreach(json_object_get(record, "features"), i, feature)
    {
        if (g_str_equal(json_string_value(feature), name))
            return true;
    }
    return false;
}

char **wire_lines(const char *folder, const char *api)
{
    g_autofree char *name = g_strconcat(api, ".jsonl", NULL);
    g_autofree char *path = folder ? g_build_filename(folder, name, NULL) : NULL;
    g_autofree char *text = NULL;

    if (!folder || !g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    return g_strsplit(text, "\n", -1);
}

json_t *wire_record(const char *line)
{
    json_t *record = json_loads(line, JSON_ALLOW_NUL, NULL);

    if (!record) {
        /* Jansson refuses integers past 64 bits; some vendors answer with such a seed. */
        g_autoptr(GRegex) seeds = g_regex_new("\"seed\": ?[0-9]{19,}", 0, 0, NULL);
        g_autofree char *small = g_regex_replace(seeds, line, -1, 0, "\"seed\": 1", 0, NULL);

        record = json_loads(small, JSON_ALLOW_NUL, NULL);
    }
    g_assert_nonnull(record);
    return record;
}

char *wire_cases(void)
{
    return g_test_build_filename(G_TEST_DIST, "..", "wire", "cases", NULL);
}

void wire_each(const char *folder, const char *api, const char *options, wire_each_fn each)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    g_auto(GStrv) lines = wire_lines(folder, api);
    void *cfg;

    if (!lines) {
        g_test_skip(folder ? "there are no records of this API"
                           : "WEIR_WIRE does not name a folder of recorded exchanges");
        return;
    }
    cfg = host_provider(options ? options : "{}");
    for (char **line = lines; *line && **line; line++) {
        json_t *record = wire_record(*line);

        each(face, cfg, record);
        json_decref(record);
    }
    face->release(cfg);
}
