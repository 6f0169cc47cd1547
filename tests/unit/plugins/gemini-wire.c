/*
 * Recorded exchanges of the Gemini API, and our own, through both parts of the plugin.
 *
 * WEIR_WIRE names a folder of records; tests/wire/cases holds ours. Each answer is decoded whole
 * and in pieces, and compared with what the test itself reads from the record. Each request is
 * translated and written again, and must mean the same.
 */
#include "gemini.h"

#include <string.h>

static const char *const chats[] = { "gemini.generateContent", "gemini.streamGenerateContent",
                                     "vertex.generateContent", "vertex.streamGenerateContent" };

/* -- What the record says, read without any of our code --------------------------------------- */

struct expected {
    GString *text;
    GString *reasoning;
    json_t *calls; /* [name, args] */
    GString *finish;
    json_int_t input, output;
    bool failed;
    bool partial; /* calls come in pieces */
    bool choices; /* there are several candidates */
};

static json_int_t count(json_t *usage, const char *key)
{
    json_t *value = json_object_get(usage, key);

    return json_is_integer(value) ? json_integer_value(value) : 0;
}

static void expect_part(struct expected *x, json_t *part)
{
    const char *text = json_string_value(json_object_get(part, "text"));
    json_t *call = json_object_get(part, "functionCall");
    json_t *args = json_object_get(call, "args");

    if (text)
        g_string_append(json_is_true(json_object_get(part, "thought")) ? x->reasoning : x->text,
                        text);
    if (json_object_get(call, "willContinue") || json_object_get(call, "partialArgs"))
        x->partial = true;
    if (json_object_get(call, "name"))
        json_array_append_new(x->calls, json_pack("[O,o]", json_object_get(call, "name"),
                                                  args ? json_incref(args) : json_object()));
}

static void expect_document(struct expected *x, json_t *doc)
{
    json_t *usage = json_object_get(doc, "usageMetadata"), *candidate, *part;
    size_t i, k;

    if (json_is_array(doc)) {
        json_array_foreach(doc, i, candidate)
        {
            expect_document(x, candidate);
        }
        return;
    }
    if (json_object_get(doc, "error") ||
        (!json_array_size(json_object_get(doc, "candidates")) &&
         json_object_get(json_object_get(doc, "promptFeedback"), "blockReason")))
        x->failed = true;
    if (json_object_get(usage, "promptTokenCount")) {
        x->input = count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount");
        x->output = count(usage, "candidatesTokenCount") + count(usage, "thoughtsTokenCount");
        if (x->input + x->output != count(usage, "totalTokenCount"))
            x->input = x->output = -1;
    }
    json_array_foreach(json_object_get(doc, "candidates"), i, candidate)
    {
        json_t *reason = json_object_get(candidate, "finishReason");

        if (json_integer_value(json_object_get(candidate, "index")) != 0) {
            x->choices = true;
            continue;
        }
        json_array_foreach(json_object_get(json_object_get(candidate, "content"), "parts"), k, part)
        {
            expect_part(x, part);
        }
        if (json_is_string(reason))
            g_string_assign(x->finish, json_string_value(reason));
        else if (json_is_integer(reason))
            g_string_printf(x->finish, "%d", (int)json_integer_value(reason));
    }
}

static void expect_body(struct expected *x, const char *body)
{
    g_auto(GStrv) lines = g_strsplit(body, "\n", -1);
    json_t *doc = json_loads(body, JSON_ALLOW_NUL, NULL);

    if (doc) {
        expect_document(x, doc);
        json_decref(doc);
        return;
    }
    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "data:"))
            continue;
        doc = json_loads(*line + 5, JSON_ALLOW_NUL, NULL);
        expect_document(x, doc);
        json_decref(doc);
    }
}

/* -- Answers ---------------------------------------------------------------------------------- */

static void compare_calls(const char *id, const struct expected *x, const struct host_heard *h)
{
    if (h->calls->len != json_array_size(x->calls))
        g_error("%s: %u calls are not %zu:\n%s", id, h->calls->len, json_array_size(x->calls),
                h->log->str);
    for (guint i = 0; i < h->calls->len; i++) {
        const GString *call = g_ptr_array_index(h->calls, i);
        json_t *expected = json_array_get(x->calls, i), *args;
        const char *name = json_string_value(json_array_get(expected, 0));
        g_autofree char *inner = NULL;

        g_assert_true(g_str_has_prefix(call->str, name));
        inner = g_strndup(call->str + strlen(name) + 1, call->len - strlen(name) - 2);
        args = json_loads(inner, 0, NULL);
        if (!json_is_object(args) ||
            (!x->partial && !json_equal(args, json_array_get(expected, 1))))
            g_error("%s: call %s is not that of the record", id, call->str);
        json_decref(args);
    }
}

static void compare(const char *id, const struct expected *x, const struct host_heard *h)
{
    g_autofree char *finish = g_strdup_printf("0:%s", x->finish->str);

    if (h->broken)
        g_error("%s: events out of order:\n%s", id, h->log->str);
    if (x->failed || !x->finish->len) {
        if (h->errors != 1 || h->finish->len)
            g_error("%s: an error was not seen:\n%s", id, h->log->str);
        return;
    }
    if (h->errors && (x->text->len || json_array_size(x->calls)))
        g_error("%s: %s: %s", id, weir_class_name(h->class_id), h->message);
    if (h->errors)
        return;
    if (!g_str_equal(h->text[0]->str, x->text->str))
        g_error("%s: text\n'%s'\nis not\n'%s'", id, h->text[0]->str, x->text->str);
    if (!x->choices && !g_str_equal(h->reasoning->str, x->reasoning->str))
        g_error("%s: reasoning\n'%s'\nis not\n'%s'", id, h->reasoning->str, x->reasoning->str);
    compare_calls(id, x, h);
    if (!g_str_has_prefix(h->finish->str, finish))
        g_error("%s: finish %s is not %s", id, h->finish->str, finish);
    if (x->input > 0 &&
        (h->usage.input_total != x->input || MAX(h->usage.output_total, 0) != x->output))
        g_error("%s: usage %d %d is not %d %d", id, (int)h->usage.input_total,
                (int)h->usage.output_total, (int)x->input, (int)x->output);
}

static void replay_answer(json_t *record)
{
    static const size_t splits[] = { 0, 1, 7, 61 };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{\"version\":\"v1beta\"}");
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response), *headers = wire_headers(response);
    struct expected x = { g_string_new(NULL),
                          g_string_new(NULL),
                          json_array(),
                          g_string_new(NULL),
                          0,
                          0,
                          status >= 400,
                          false,
                          false };
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
    char *log = NULL;

    e->x.stream = json_is_true(json_object_get(record, "streaming"));
    if (!x.failed)
        expect_body(&x, body);
    for (size_t i = 0; i < G_N_ELEMENTS(splits); i++) {
        struct host_heard *h = host_decode(face, cfg, e, (unsigned)status, headers,
                                           weir_str_of(body), splits[i], false);

        compare(id, &x, h);
        if (log)
            g_assert_cmpstr(log, ==, h->log->str);
        g_free(log);
        log = g_strdup(h->log->str);
        host_heard_free(h);
    }
    g_free(log);
    host_exchange_free(e);
    face->release(cfg);
    g_string_free(x.text, TRUE);
    g_string_free(x.reasoning, TRUE);
    g_string_free(x.finish, TRUE);
    json_decref(x.calls);
}

/* -- Requests --------------------------------------------------------------------------------- */

static void same(const char *id, const char *canonical, json_t *before, json_t *after)
{
    before = gemini_normal(before);
    after = gemini_normal(after);
    if (!json_equal(before, after)) {
        char *a = json_dumps(before, JSON_SORT_KEYS), *b = json_dumps(after, JSON_SORT_KEYS);

        g_error("%s: the request is another one\n%s\n%s\n%s", id, a, b, canonical);
    }
    json_decref(before);
    json_decref(after);
}

static void replay_request(json_t *record)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg;
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *request = json_object_get(record, "request"), *body = json_object_get(request, "body");
    const char *path = json_string_value(json_object_get(request, "path"));
    const char *method = strrchr(path, ':');
    g_autofree char *ours = NULL;
    struct host_exchange *e;
    struct host_sent *sent;
    struct told told;
    char *text;

    if (!json_is_object(body) || !method || !strstr(path, "models/") ||
        (!json_object_get(body, "contents") && !json_object_get(body, "generateContentRequest")))
        return;
    cfg = host_provider("{\"version\":\"v1beta\"}");
    ours = g_strconcat("/v1beta/models/", "gemini-2.5-flash", method, NULL);
    text = json_dumps(body, 0);
    told_read(&told, "POST", ours, NULL, text);
    free(text);
    if (told.refusal)
        g_error("%s: refused: %s", id, told.refusal);
    if (told.dropped->len)
        g_error("%s: dropped on the way in: %s", id, told.dropped->str);
    e = host_exchange_new(told.facts.op, told.body->str, "gemini-3-pro");
    sent = host_encode(face, cfg, e);
    if (sent->dropped->len)
        g_error("%s: dropped on the way out: %s\n%s", id, sent->dropped->str, told.body->str);
    body = json_loads(sent->body->str, JSON_ALLOW_NUL, NULL);
    g_assert_nonnull(body);
    same(id, told.body->str, json_deep_copy(json_object_get(request, "body")), body);
    host_sent_free(sent);
    host_exchange_free(e);
    told_clear(&told);
    face->release(cfg);
}

/* -- Embeddings and counts -------------------------------------------------------------------- */

/* The document of an answer; NULL: it was an error. */
static json_t *replay_document(json_t *record, uint8_t op)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{\"version\":\"v1beta\"}");
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response"), *document = NULL;
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response), *headers = wire_headers(response);
    struct host_exchange *e = host_exchange_new(op, "{}", "m");
    struct host_heard *h =
        host_decode(face, cfg, e, (unsigned)status, headers, weir_str_of(body), 0, false);

    if (status >= 400 ? h->errors != 1 : h->errors != 0 || !h->document)
        g_error("%s: %s", id, h->log->str);
    if (h->document)
        document = json_loads(h->document, 0, NULL);
    host_heard_free(h);
    host_exchange_free(e);
    face->release(cfg);
    return document;
}

static void replay_embeddings(json_t *record)
{
    json_t *document = replay_document(record, WEIR_OP_EMBED), *item;
    json_t *body = json_object_get(json_object_get(record, "response"), "body");
    json_t *list = json_object_get(body, "embeddings");
    json_t *one = json_object_get(json_object_get(body, "embedding"), "values");
    size_t i;

    if (!document)
        return;
    json_array_foreach(json_object_get(document, "data"), i, item)
    {
        json_t *values = one ? one : json_object_get(json_array_get(list, i), "values");

        g_assert_true(json_equal(json_object_get(item, "embedding"), values));
        g_assert_cmpint(json_integer_value(json_object_get(item, "index")), ==, (int)i);
    }
    g_assert_cmpuint(i, ==, one ? 1 : json_array_size(list));
    json_decref(document);
}

static void replay_count(json_t *record)
{
    json_t *document = replay_document(record, WEIR_OP_COUNT);
    json_t *body = json_object_get(json_object_get(record, "response"), "body");

    if (!document)
        return;
    g_assert_true(json_equal(json_object_get(document, "input_tokens"),
                             json_object_get(body, "totalTokens")));
    json_decref(document);
    replay_request(record);
}

static void replay_models(json_t *record)
{
    json_t *document = replay_document(record, WEIR_OP_MODELS), *data;
    json_t *body = json_object_get(json_object_get(record, "response"), "body");
    const char *name;

    data = json_object_get(document, "data");
    g_assert_cmpuint(json_array_size(data), ==, json_array_size(json_object_get(body, "models")));
    name = json_string_value(json_object_get(json_array_get(data, 0), "id"));
    g_assert_false(g_str_has_prefix(name, "models/"));
    json_decref(document);
}

/* -- All of them ------------------------------------------------------------------------------ */

static void each_record(const char *folder, const char *api, void (*each)(json_t *record))
{
    g_auto(GStrv) lines = wire_lines(folder, api);

    if (!lines) {
        g_test_skip("there are no records of this API");
        return;
    }
    for (char **line = lines; *line && **line; line++) {
        json_t *record = json_loads(*line, JSON_ALLOW_NUL, NULL);

        g_assert_nonnull(record);
        each(record);
        json_decref(record);
    }
}

static void test_answers(gconstpointer api)
{
    each_record(g_getenv("WEIR_WIRE"), api, replay_answer);
}

static void test_requests(gconstpointer api)
{
    each_record(g_getenv("WEIR_WIRE"), api, replay_request);
}

static void test_embeddings(gconstpointer api)
{
    each_record(g_getenv("WEIR_WIRE"), api, replay_embeddings);
}

static void test_counts(gconstpointer api)
{
    each_record(g_getenv("WEIR_WIRE"), api, replay_count);
}

static void test_models(gconstpointer api)
{
    each_record(g_getenv("WEIR_WIRE"), api, replay_models);
}

static void test_own_answers(gconstpointer api)
{
    g_autofree char *folder = wire_cases();

    each_record(folder, api, replay_answer);
}

static void test_own_requests(gconstpointer api)
{
    g_autofree char *folder = wire_cases();

    each_record(folder, api, replay_request);
}

static void add(const char *what, const char *api, void (*test)(gconstpointer api))
{
    g_autofree char *path = g_strdup_printf("/%s/%s", what, api);

    g_test_add_data_func(path, api, test);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(chats); i++) {
        add("answers", chats[i], test_answers);
        add("requests", chats[i], test_requests);
    }
    add("embeddings", "gemini.embedContent", test_embeddings);
    add("embeddings", "gemini.batchEmbedContents", test_embeddings);
    add("counts", "gemini.countTokens", test_counts);
    add("counts", "vertex.countTokens", test_counts);
    add("models", "gemini.models", test_models);
    for (size_t i = 0; i < 2; i++) {
        add("own-answers", chats[i], test_own_answers);
        add("own-requests", chats[i], test_own_requests);
    }
    return g_test_run();
}
