/*
 * Recorded requests of the Messages API, translated by the dialect anthropic and encoded back by
 * its provider part: what comes out means what went in, or what is missing was told.
 */
#include "told.h"
#include "records.h"

/* -- What a request means --------------------------------------------------------------------- */

static bool says_nothing(const char *key, json_t *value)
{
    if (json_is_null(value))
        return true;
    if (g_str_equal(key, "is_error") || g_str_equal(key, "stream") ||
        g_str_equal(key, "disable_parallel_tool_use") || g_str_equal(key, "strict"))
        return json_is_false(value);
    return false;
}

/* Without members that mean the same as none. */
static void drop_empty(json_t *value)
{
    const char *key;
    json_t *child;
    void *next;
    size_t i;

    json_array_foreach(value, i, child)
    {
        drop_empty(child);
    }
    json_object_foreach_safe(value, next, key, child)
    {
        if (says_nothing(key, child))
            json_object_del(value, key);
        else if (!g_str_equal(key, "input_schema") && !g_str_equal(key, "input") &&
                 !g_str_equal(key, "schema"))
            drop_empty(child);
    }
}

/* A string as the list of one text block that it stands for. */
static void spread_text(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (!json_is_string(value))
        return;
    if (json_string_length(value))
        json_object_set_new(object, key, json_pack("[{s:s,s:O}]", "type", "text", "text", value));
    else
        json_object_del(object, key);
}

static bool is_blank(json_t *block)
{
    const char *text = json_string_value(json_object_get(block, "text"));
    g_autofree char *copy = g_strdup(text ? text : "x");

    return !*g_strstrip(copy);
}

/* Content as a list, without blank texts. */
static void even_content(json_t *message)
{
    json_t *content, *block;
    size_t i;

    spread_text(message, "content");
    content = json_object_get(message, "content");
    for (i = 0; i < json_array_size(content);) {
        block = json_array_get(content, i);
        if (g_strcmp0(json_string_value(json_object_get(block, "type")), "tool_result") == 0) {
            even_content(block);
            if (!json_array_size(json_object_get(block, "content")))
                json_object_del(block, "content");
        }
        if (is_blank(block))
            json_array_remove(content, i);
        else
            i++;
    }
}

static bool is_result(json_t *block)
{
    return g_strcmp0(json_string_value(json_object_get(block, "type")), "tool_result") == 0;
}

/* Results of tools first. */
static void results_first(json_t *message)
{
    json_t *sorted = json_array(), *block;
    size_t i;

    for (int results = 1; results >= 0; results--) {
        json_array_foreach(json_object_get(message, "content"), i, block)
        {
            if (is_result(block) == (results == 1))
                json_array_append(sorted, block);
        }
    }
    json_object_set_new(message, "content", sorted);
}

/* Messages of the user one after the other are one. */
static void even_messages(json_t *request)
{
    json_t *even = json_array(), *message, *last = NULL;
    size_t i;

    json_array_foreach(json_object_get(request, "messages"), i, message)
    {
        const char *role = json_string_value(json_object_get(message, "role"));

        even_content(message);
        if (!json_array_size(json_object_get(message, "content")))
            continue;
        if (last && g_str_equal(role, "user") &&
            g_str_equal(json_string_value(json_object_get(last, "role")), "user")) {
            json_array_extend(json_object_get(last, "content"),
                              json_object_get(message, "content"));
        } else {
            json_array_append(even, message);
            last = message;
        }
        if (g_str_equal(role, "user"))
            results_first(last);
    }
    json_object_set_new(request, "messages", even);
}

static json_t *meaning(json_t *request)
{
    json_t *m = json_deep_copy(request);
    json_t *format = json_object_get(m, "output_format"), *config;

    drop_empty(m);
    spread_text(m, "system");
    if (!json_array_size(json_object_get(m, "tools")))
        json_object_del(m, "tools");
    if (json_is_array(json_object_get(m, "system")) &&
        !json_array_size(json_object_get(m, "system")))
        json_object_del(m, "system");
    even_messages(m);
    if (format) { /* where it stood before */
        config = json_object_get(m, "output_config");
        if (!config) {
            config = json_object();
            json_object_set_new(m, "output_config", config);
        }
        json_object_set(config, "format", format);
        json_object_del(m, "output_format");
    }
    return m;
}

/* -- There and back --------------------------------------------------------------------------- */

/* The canonical request; NULL: it was refused. */
static char *translate(const char *body, uint32_t endpoint, char **refusal)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    weir_ingress in = { .struct_size = sizeof(in),
                        .endpoint = endpoint,
                        .method = WEIR_S("POST"),
                        .body = weir_str_of(body) };
    void *cfg = host_dialect();
    char *canonical = NULL;
    struct told t;
    weir_json json;

    told_init(&t);
    in.arena = t.arena.arena;
    json = host_scan(&t.arena, body);
    in.json = &json;
    g_assert_cmpint(face->read(cfg, &in, &t.sink), ==, t.refusal ? WEIR_STOPPED : WEIR_OK);
    if (!t.refusal) {
        g_assert_cmpint(face->translate(cfg, &in, &t.sink), ==, WEIR_OK);
        canonical = g_strdup(t.body->str);
    }
    *refusal = g_strdup(t.refusal);
    told_clear(&t);
    face->release(cfg);
    return canonical;
}

static void there_and_back(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *request = json_object_get(json_object_get(record, "request"), "body");
    const char *path =
        json_string_value(json_object_get(json_object_get(record, "request"), "path"));
    bool count = path && strstr(path, "count_tokens");
    const char *model = json_string_value(json_object_get(request, "model"));
    g_autofree char *canonical = NULL;
    g_autofree char *refusal = NULL;
    struct host_exchange *e;
    struct host_sent *sent;
    json_t *before, *after;
    char *body;

    if (!json_is_object(request) || !json_object_get(request, "messages"))
        return;
    body = json_dumps(request, 0);
    canonical = translate(body, count ? 1 : 0, &refusal);
    if (!canonical)
        g_error("%s: refused: %s", id, refusal);
    e = host_exchange_new(count ? WEIR_OP_COUNT : WEIR_OP_CHAT, canonical, model ? model : "m");
    e->x.dialect = WEIR_S("anthropic.messages");
    e->target.base_url = WEIR_S("https://upstream.test");
    sent = host_encode(face, cfg, e);
    g_assert_cmpstr(sent->line->str, ==,
                    count ? "POST /v1/messages/count_tokens" : "POST /v1/messages");
    after = json_loads(sent->body->str, 0, NULL);
    if (!after)
        g_error("%s: not JSON: %s", id, sent->body->str);
    if (!model)
        json_object_del(after, "model");
    before = meaning(request);
    json_t *back = meaning(after);
    if (!json_equal(before, back) && !sent->dropped->len) {
        char *a = json_dumps(before, JSON_SORT_KEYS), *b = json_dumps(back, JSON_SORT_KEYS);

        g_test_fail_printf("%s:\n%s\nbecame\n%s\nby way of\n%s", id, a, b, canonical);
        free(a);
        free(b);
    }
    if (sent->dropped->len)
        g_test_message("%s: %s", id, sent->dropped->str);
    json_decref(before);
    json_decref(back);
    json_decref(after);
    free(body);
    host_sent_free(sent);
    host_exchange_free(e);
}

static void test_wire(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, NULL, there_and_back);
}

static void test_cases(gconstpointer api)
{
    g_autofree char *folder = wire_cases();

    wire_each(folder, api, NULL, there_and_back);
    wire_each(folder, "anthropic/count_tokens", NULL, there_and_back);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/anthropic/requests/wire/messages", "anthropic.messages", test_wire);
    g_test_add_data_func("/anthropic/requests/wire/count", "anthropic.count_tokens", test_wire);
    g_test_add_data_func("/anthropic/requests/wire/vertex", "vertex.anthropic", test_wire);
    g_test_add_data_func("/anthropic/requests/cases", "anthropic.messages", test_cases);
    return g_test_run();
}
