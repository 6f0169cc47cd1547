/*
 * Recorded requests of the Responses API, and scripted ones of our own, translated by the dialect
 * and encoded back by the provider part: nothing may be lost.
 */
#include "responses.h"
#include "told.h"

#include <string.h>

/* Members that say nothing, and spellings that say the same. */
static json_t *normal(json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    void *next;

    json_array_foreach(value, i, item)
    {
        normal(item);
    }
    json_object_foreach_safe(value, next, key, item)
    {
        normal(item);
        if (json_is_null(item) || (json_is_array(item) && !json_array_size(item)) ||
            (g_str_equal(key, "status") && g_strcmp0(json_string_value(item), "completed") == 0))
            json_object_del(value, key);
    }
    return value;
}

/* A string as the one part of its message. */
static void normal_content(json_t *item, const char *member, const char *type)
{
    json_t *content = json_object_get(item, member), *text;
    size_t i;

    if (json_is_string(content))
        json_object_set_new(item, member, json_pack("[{s:s,s:O}]", "type", type, "text", content));
    content = json_object_get(item, member);
    json_array_foreach(content, i, text)
    {
        const char *is = json_string_value(json_object_get(text, "type"));

        if (g_strcmp0(is, "input_text") == 0 || g_strcmp0(is, "output_text") == 0 ||
            g_strcmp0(is, "text") == 0)
            json_object_set_new(text, "type", json_string(type));
    }
}

static json_t *normal_request(json_t *request)
{
    json_t *input, *item, *text = json_object_get(request, "text");
    const char *instructions = json_string_value(json_object_get(request, "instructions"));
    size_t i;

    normal(request);
    json_object_del(request, "model");
    input = json_object_get(request, "input");
    if (json_is_string(input))
        json_object_set_new(request, "input",
                            json_pack("[{s:s,s:O}]", "role", "user", "content", input));
    input = json_object_get(request, "input");
    if (!json_is_array(input)) {
        input = json_array();
        json_object_set_new(request, "input", input);
    }
    json_array_foreach(input, i, item)
    {
        const char *type = json_string_value(json_object_get(item, "type"));

        if (!type || g_str_equal(type, "message")) {
            json_object_del(item, "type");
            normal_content(
                item, "content",
                g_strcmp0(json_string_value(json_object_get(item, "role")), "assistant") == 0
                    ? "output_text"
                    : "input_text");
        } else if (g_str_has_suffix(type, "_output")) {
            normal_content(item, "output", "input_text");
        }
    }
    if (instructions) /* the same thing in another place */
        json_array_insert_new(input, 0,
                              json_pack("{s:s,s:[{s:s,s:s}]}", "role", "system", "content", "type",
                                        "input_text", "text", instructions));
    json_object_del(request, "instructions");
    if (json_is_object(text) && !json_object_size(text))
        json_object_del(request, "text");
    return normal(request);
}

static void check_same(const char *id, json_t *was, const char *now)
{
    json_t *is = json_loads(now, JSON_REJECT_DUPLICATES, NULL);
    json_t *want = json_deep_copy(was);

    if (!is)
        WRONG("%s: what was written is not JSON:\n%s", id, now);
    normal_request(is);
    normal_request(want);
    if (!json_equal(is, want))
        WRONG("%s: the request\n%s\nis not\n%s", id,
              json_dumps(is, JSON_SORT_KEYS | JSON_INDENT(1)),
              json_dumps(want, JSON_SORT_KEYS | JSON_INDENT(1)));
    json_decref(is);
    json_decref(want);
}

static void translate_back(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *request = json_object_get(json_object_get(record, "request"), "body");
    const weir_dialect_v1 *dialect = host_part_named(WEIR_PART_DIALECT, "openai-responses");
    static const weir_json none = { { "{}", 2 }, NULL, 0 };
    weir_ingress in = { .struct_size = sizeof(in) };
    struct told told;
    weir_json json;
    void *dialect_cfg;
    char *body;

    if (!json_is_object(request))
        return;
    told_init(&told);
    body = json_dumps(request, 0);
    json = host_scan(&told.arena, body);
    in.body = json.bytes;
    in.json = &json;
    in.arena = told.arena.arena;
    g_assert_cmpint(dialect->configure(&host_services, &none, &dialect_cfg, NULL), ==, WEIR_OK);
    g_assert_cmpint(dialect->read(dialect_cfg, &in, &told.sink), <=, WEIR_OK);
    if (!told.refusal)
        g_assert_cmpint(dialect->translate(dialect_cfg, &in, &told.sink), <=, WEIR_OK);
    if (!told.refusal) {
        struct host_exchange *out = host_exchange_new(WEIR_OP_CHAT, told.body->str, "m");
        struct host_sent *sent;

        out->x.dialect = WEIR_S("openai.responses");
        sent = host_encode(face, cfg, out);
        if (sent->dropped->len)
            WRONG("%s: dropped %s", id, sent->dropped->str);
        check_same(id, request, sent->body->str);
        host_sent_free(sent);
        host_exchange_free(out);
    }
    dialect->release(dialect_cfg);
    told_clear(&told);
    free(body);
}

static void test_requests(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, RESPONSES, translate_back);
}

/* Our own: some of them are meant to fail. */
static void test_scripted(void)
{
    g_autofree char *folder = wire_cases();

    wire_each(folder, "openai.responses", RESPONSES, translate_back);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(responses_apis); i++) {
        g_autofree char *path = g_strconcat("/responses-wire/requests/", responses_apis[i], NULL);

        g_test_add_data_func(path, responses_apis[i], test_requests);
    }
    g_test_add_func("/responses-wire/requests/scripted", test_scripted);
    return g_test_run();
}
