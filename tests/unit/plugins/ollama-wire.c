/*
 * Exchanges with Ollama, recorded (WEIR_WIRE names a folder of them) and written by us, through
 * both parts of the plugin.
 *
 * Each answer is decoded whole and in pieces, and what comes out is compared with what the test
 * itself reads from the record. Each request is translated and encoded again, and has lost nothing.
 */
#include "ollama-read.h"
#include "records.h"

#include <string.h>

/* -- Records ---------------------------------------------------------------------------------- */

/* Calls `each` for the records of an API; returns how many there were. */
static guint wire_records(const char *folder, const char *api, void (*each)(json_t *record))
{
    g_auto(GStrv) lines = wire_lines(folder, api);
    guint count = 0;

    for (char **line = lines; line && *line && **line; line++) {
        json_t *record = wire_record(*line);

        each(record);
        json_decref(record);
        count++;
    }
    return count;
}

/* Those of our own have to be there, the recorded ones may. */
static void replay_each(const char *api, void (*each)(json_t *record))
{
    g_autofree char *own = wire_cases();
    guint count = wire_records(own, api, each) + wire_records(g_getenv("WEIR_WIRE"), api, each);

    if (!count)
        g_test_skip("there are no records of this API");
}

static const char *wire_id(json_t *record)
{
    return json_string_value(json_object_get(record, "id"));
}

/* -- Answers ---------------------------------------------------------------------------------- */

/* What a record says, read without any of our code. */
struct expected {
    GString *text;
    GString *reasoning;
    GPtrArray *calls; /* of char *, "name(arguments)" */
    char *finish;     /* NULL: it did not come to an end */
    json_int_t input, output;
    bool failed;
};

static void expect_calls(struct expected *x, json_t *list)
{
    json_t *call;
    size_t i;

    json_array_foreach(list, i, call)
    {
        json_t *function = json_object_get(call, "function");
        char *arguments = json_dumps(json_object_get(function, "arguments"),
                                     JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);

        g_ptr_array_add(x->calls,
                        g_strdup_printf("%s(%s)",
                                        json_string_value(json_object_get(function, "name")),
                                        arguments));
        free(arguments);
    }
}

static json_int_t expect_count(json_t *doc, const char *name)
{
    json_t *value = json_object_get(doc, name);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void expect_object(struct expected *x, json_t *doc)
{
    json_t *message = json_object_get(doc, "message");
    const char *reason = json_string_value(json_object_get(doc, "done_reason"));
    json_t *at = message ? message : doc;
    json_t *text = json_object_get(at, message ? "content" : "response");
    json_t *thinking = json_object_get(at, "thinking");

    if (x->failed || x->finish)
        return;
    x->failed = json_is_string(json_object_get(doc, "error"));
    if (json_is_string(text))
        g_string_append(x->text, json_string_value(text));
    if (json_is_string(thinking))
        g_string_append(x->reasoning, json_string_value(thinking));
    expect_calls(x, json_object_get(at, "tool_calls"));
    if (!json_is_true(json_object_get(doc, "done")))
        return;
    x->finish = g_strdup(reason ? reason : "");
    x->input = expect_count(doc, "prompt_eval_count");
    x->output = expect_count(doc, "eval_count");
}

static void expect(struct expected *x, json_t *response)
{
    const char *text = json_string_value(json_object_get(response, "body_text"));
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    *x = (struct expected){ g_string_new(NULL),
                            g_string_new(NULL),
                            g_ptr_array_new_with_free_func(g_free),
                            NULL,
                            -1,
                            -1,
                            json_integer_value(json_object_get(response, "status")) >= 400 };
    if (!text)
        expect_object(x, json_object_get(response, "body"));
    for (char **line = lines; *line; line++) {
        json_t *doc = json_loads(*line, JSON_ALLOW_NUL, NULL);

        if (doc)
            expect_object(x, doc);
        json_decref(doc);
    }
    x->failed = x->failed || !x->finish;
}

static void expected_clear(struct expected *x)
{
    g_string_free(x->text, TRUE);
    g_string_free(x->reasoning, TRUE);
    g_ptr_array_unref(x->calls);
    g_free(x->finish);
}

/* A call as the events told it, with its arguments in the order of their names. */
static char *heard_call(const GString *call)
{
    const char *open = strchr(call->str, '(');
    g_autofree char *name = g_strndup(call->str, (gsize)(open - call->str));
    json_t *arguments =
        json_loadb(open + 1, strlen(open + 1) - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *dumped = json_dumps(arguments, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    char *both = g_strdup_printf("%s(%s)", name, dumped);

    free(dumped);
    json_decref(arguments);
    return both;
}

static void compare(const char *id, const struct expected *x, const struct host_heard *h)
{
    g_autofree char *finish = g_strdup_printf("0:%s", x->finish ? x->finish : "");

    if (x->failed) {
        if (h->errors != 1 || h->finish->len)
            g_error("%s: an error was not seen:\n%s", id, h->log->str);
        return;
    }
    if (h->errors)
        g_error("%s: %s: %s", id, weir_class_name(h->class_id), h->message);
    if (h->broken)
        g_error("%s: events out of order:\n%s", id, h->log->str);
    if (!g_str_equal(h->text[0]->str, x->text->str))
        g_error("%s: text\n'%s'\nis not\n'%s'", id, h->text[0]->str, x->text->str);
    if (!g_str_equal(h->reasoning->str, x->reasoning->str))
        g_error("%s: reasoning\n'%s'\nis not\n'%s'", id, h->reasoning->str, x->reasoning->str);
    if (h->calls->len != x->calls->len)
        g_error("%s: %u calls are not %u", id, h->calls->len, x->calls->len);
    for (guint i = 0; i < x->calls->len; i++) {
        g_autofree char *call = heard_call(g_ptr_array_index(h->calls, i));

        if (!g_str_equal(call, g_ptr_array_index(x->calls, i)))
            g_error("%s: call %s is not %s", id, call, (char *)g_ptr_array_index(x->calls, i));
    }
    if (!g_str_equal(h->finish->str, finish))
        g_error("%s: finish %s is not %s", id, h->finish->str, finish);
    if (x->input < 0 && x->output < 0)
        g_assert_cmpuint(h->usage.struct_size, ==, 0);
    else if (h->usage.input_total != x->input || h->usage.output_total != x->output)
        g_error("%s: usage %d %d is not %d %d", id, (int)h->usage.input_total,
                (int)h->usage.output_total, (int)x->input, (int)x->output);
}

static void *provider_cfg;

static void replay_chat(json_t *record)
{
    static const size_t splits[] = { 0, 1, 7, 61 };
    json_t *response = json_object_get(record, "response");
    bool stream = json_is_true(json_object_get(record, "streaming"));
    unsigned status = (unsigned)json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response);
    g_autofree char *headers = wire_headers(response);
    g_autofree char *log = NULL;
    struct expected x;
    struct host_exchange *e =
        host_exchange_new(WEIR_OP_CHAT, stream ? "{\"stream\":true}" : "{}", "m");

    expect(&x, response);
    for (size_t i = 0; i < G_N_ELEMENTS(splits); i++) {
        struct host_heard *h = host_decode(host_part(WEIR_PART_PROVIDER), provider_cfg, e, status,
                                           headers, weir_str_of(body), splits[i], false);

        compare(wire_id(record), &x, h);
        if (log)
            g_assert_cmpstr(log, ==, h->log->str);
        g_free(log);
        log = g_strdup(h->log->str);
        host_heard_free(h);
    }
    host_exchange_free(e);
    expected_clear(&x);
}

/* Cut behind any of its lines but the last, a stream has no end. */
static void replay_cut(json_t *record)
{
    json_t *response = json_object_get(record, "response");
    const char *text = json_string_value(json_object_get(response, "body_text"));
    g_autofree char *headers = wire_headers(response);
    const char *last = text ? strstr(text, "\"done\":true") : NULL;
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{\"stream\":true}", "m");

    for (const char *at = text; last && (at = strchr(at, '\n')) && at < last; at++) {
        for (int cut = 0; cut < 2; cut++) {
            struct host_heard *h = host_decode(
                host_part(WEIR_PART_PROVIDER), provider_cfg, e, 200, headers,
                weir_str_make(text, (size_t)(at - text) - (at - text > 9 && cut ? 9 : 0)), 0, cut);

            g_assert_cmpuint(h->finish->len, ==, 0);
            if (!cut)
                g_assert_cmpint(h->errors, ==, 1);
            host_heard_free(h);
        }
    }
    host_exchange_free(e);
}

static void replay_embed(json_t *record)
{
    json_t *response = json_object_get(record, "response");
    json_t *told = json_object_get(response, "body");
    g_autofree char *body = wire_body(response);
    struct host_exchange *e = host_exchange_new(WEIR_OP_EMBED, "{}", "m");
    struct host_heard *h =
        host_decode(host_part(WEIR_PART_PROVIDER), provider_cfg, e, 200,
                    "content-type: application/json\n", weir_str_of(body), 0, false);
    json_t *document, *item, *list;
    size_t i;

    g_assert_nonnull(h->document);
    document = json_loads(h->document, 0, NULL);
    list = json_object_get(told, "embeddings");
    g_assert_cmpuint(json_array_size(json_object_get(document, "data")), ==, json_array_size(list));
    json_array_foreach(json_object_get(document, "data"), i, item)
    {
        g_assert_cmpint(json_integer_value(json_object_get(item, "index")), ==, (json_int_t)i);
        g_assert_true(json_equal(json_object_get(item, "embedding"), json_array_get(list, i)));
    }
    g_assert_cmpint(h->usage.input_total, ==, expect_count(told, "prompt_eval_count"));
    json_decref(document);
    host_heard_free(h);
    host_exchange_free(e);
}

static void replay_tags(json_t *record)
{
    json_t *response = json_object_get(record, "response");
    json_t *told = json_object_get(json_object_get(response, "body"), "models");
    g_autofree char *body = wire_body(response);
    struct host_exchange *e = host_exchange_new(WEIR_OP_MODELS, NULL, "");
    struct host_heard *h =
        host_decode(host_part(WEIR_PART_PROVIDER), provider_cfg, e, 200,
                    "content-type: application/json\n", weir_str_of(body), 0, false);
    json_t *document, *item;
    size_t i;

    g_assert_nonnull(h->document);
    document = json_loads(h->document, 0, NULL);
    g_assert_cmpuint(json_array_size(json_object_get(document, "data")), ==, json_array_size(told));
    json_array_foreach(json_object_get(document, "data"), i, item)
    {
        json_t *model = json_array_get(told, i);
        g_autofree char *name = g_strdup(json_string_value(json_object_get(model, "name")));

        if (g_str_has_suffix(name, ":latest"))
            name[strlen(name) - strlen(":latest")] = '\0';
        g_assert_cmpstr(json_string_value(json_object_get(item, "id")), ==, name);
        g_assert_cmpint(expect_count(item, "created"), >, 0);
        g_assert_true(
            json_equal(json_object_get(item, "details"), json_object_get(model, "details")));
    }
    json_decref(document);
    host_heard_free(h);
    host_exchange_free(e);
}

/* -- Requests --------------------------------------------------------------------------------- */

/* Whether a value says as little as no value. */
static bool is_nothing(json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && !json_string_length(value)) ||
           (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value));
}

static void prune(json_t *object)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value)
    {
        if (is_nothing(value))
            json_object_del(object, key);
    }
}

/* Ids that were not there are made up; "function" is all a call can be. */
static void prune_message(json_t *message, json_t *original)
{
    json_t *calls = json_object_get(message, "tool_calls");
    json_t *call;
    size_t i;

    json_array_foreach(calls, i, call)
    {
        json_t *before = json_array_get(json_object_get(original, "tool_calls"), i);

        json_object_del(call, "type");
        if (!json_object_get(before, "id"))
            json_object_del(call, "id");
        json_object_del(json_object_get(call, "function"), "index");
    }
    if (!json_object_get(original, "tool_call_id"))
        json_object_del(message, "tool_call_id");
    if (!json_object_get(original, "tool_name"))
        json_object_del(message, "tool_name");
    prune(message);
}

static json_t *pruned(json_t *body, json_t *original)
{
    json_t *copy = json_deep_copy(body);
    json_t *message;
    size_t i;

    if (!json_object_get(copy, "stream") && !json_object_get(copy, "input"))
        json_object_set_new(copy, "stream", json_true());
    json_array_foreach(json_object_get(copy, "messages"), i, message)
    {
        prune_message(message, json_array_get(json_object_get(original, "messages"), i));
    }
    json_object_set_new(copy, "model", json_string("m"));
    prune(copy);
    return copy;
}

/* The body that comes of a canonical request. */
static char *encoded(const char *canonical, const char *path, uint8_t op)
{
    struct host_exchange *e = host_exchange_new(op, canonical, "m");
    struct host_sent *s;
    char *body;

    e->x.dialect = WEIR_S("ollama.chat");
    e->x.path = weir_str_of(path);
    s = host_encode(host_part(WEIR_PART_PROVIDER), provider_cfg, e);
    g_assert_cmpstr(s->dropped->str, ==, "");
    g_assert_true(g_str_has_suffix(s->line->str, path));
    body = g_strdup(s->body->str);
    host_sent_free(s);
    host_exchange_free(e);
    return body;
}

static void replay_request(json_t *record)
{
    json_t *request = json_object_get(record, "request");
    const char *path = json_string_value(json_object_get(request, "path"));
    json_t *body = json_object_get(request, "body");
    uint8_t op = strstr(path, "embed") ? WEIR_OP_EMBED : WEIR_OP_CHAT;
    g_autofree char *again = NULL;
    json_t *before, *after, *loaded;
    char *text;
    struct told t;
    void *cfg;

    if (!json_is_object(body))
        return;
    cfg = host_dialect();
    text = json_dumps(body, 0);
    told_read(&t, cfg, NULL, path, text);
    free(text);
    if (t.refusal)
        g_error("%s: refused: %s", wire_id(record), t.refusal);
    if (!t.status) { /* else it only loads the model */
        again = encoded(t.body->str, path, op);
        loaded = json_loads(again, JSON_ALLOW_NUL, NULL);
        before = pruned(body, body);
        after = pruned(loaded, body);
        if (!json_equal(before, after))
            g_error("%s: %s\nis not %s\nby way of %s", wire_id(record), again,
                    json_dumps(before, 0), t.body->str);
        json_decref(loaded);
        json_decref(before);
        json_decref(after);
    }
    told_clear(&t);
    told_release(cfg);
}

/* -- Tests ------------------------------------------------------------------------------------ */

static void test_chat(gconstpointer api)
{
    replay_each(api, replay_chat);
}

static void test_cut(gconstpointer api)
{
    replay_each(api, replay_cut);
}

static void test_requests(gconstpointer api)
{
    replay_each(api, replay_request);
}

static void test_embed(void)
{
    replay_each("ollama.embed", replay_embed);
}

static void test_tags(void)
{
    replay_each("ollama.tags", replay_tags);
}

int main(int argc, char **argv)
{
    static const char *const chats[] = { "ollama.chat", "ollama.generate" };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    weir_json none = { { "", 0 }, NULL, 0 };
    int failed;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(face->configure(&host_services, &none, &provider_cfg, NULL), ==, WEIR_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(chats); i++) {
        g_autofree char *answers = g_strconcat("/wire/answers/", chats[i], NULL);
        g_autofree char *cut = g_strconcat("/wire/cut/", chats[i], NULL);
        g_autofree char *requests = g_strconcat("/wire/requests/", chats[i], NULL);

        g_test_add_data_func(answers, chats[i], test_chat);
        g_test_add_data_func(cut, chats[i], test_cut);
        g_test_add_data_func(requests, chats[i], test_requests);
    }
    g_test_add_data_func("/wire/requests/ollama.embed", "ollama.embed", test_requests);
    g_test_add_func("/wire/answers/ollama.embed", test_embed);
    g_test_add_func("/wire/answers/ollama.tags", test_tags);
    failed = g_test_run();
    face->release(provider_cfg);
    return failed;
}
