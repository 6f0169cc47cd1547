/*
 * Recorded exchanges through the decoder of the openai plugin.
 *
 * WEIR_WIRE names a folder of records (a JSON object per line, a file per API). Each answer is
 * decoded whole and in pieces, and what comes out is compared with what the test itself reads from
 * the record: text, calls, end and usage.
 */
#include "records.h"

#include <string.h>

static const char *const chats[] = {
    "openai.chat",        "groq.chat",       "deepseek.chat",       "xai.chat",
    "openrouter.chat",    "mistral.chat",    "azure.chat",          "perplexity.chat",
    "zai.chat",           "cerebras.chat",   "llamacpp.chat",       "together.chat",
    "huggingface.chat",   "doubleword.chat", "venice.chat",         "moonshot.chat",
    "alibaba.chat",       "baseten.chat",    "vercel_gateway.chat", "ollama.openai_chat",
    "gemini.openai_chat", "writer.chat",     "gpustack.chat",
};

/* What the record says, read without any of our code. */
struct expected {
    GString *text;
    GString *reasoning;
    GPtrArray *calls; /* of GString "name(arguments)" */
    GString *finish;
    json_int_t prompt, completion, total;
    bool failed;
    bool whole;
    bool unfinished; /* it need not say so, as long as it does not say that it has ended */
};

static void expect_content(struct expected *x, json_t *content)
{
    json_t *part;
    size_t i;

    if (json_is_string(content))
        g_string_append(x->text, json_string_value(content));
    json_array_foreach(content, i, part)
    {
        const char *text = json_string_value(json_object_get(part, "text"));

        if (text)
            g_string_append(x->text, text);
    }
}

static void expect_calls(struct expected *x, json_t *list, GArray *indexes, GPtrArray *ids)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        json_t *custom = json_object_get(item, "custom");
        json_t *function = custom ? custom : json_object_get(item, "function");
        json_t *arguments = json_object_get(function, custom ? "input" : "arguments");
        const char *name = json_string_value(json_object_get(function, "name"));
        const char *id = json_string_value(json_object_get(item, "id"));
        json_int_t index = json_integer_value(json_object_get(item, "index"));
        GString *call;

        if (name && *name &&
            (!indexes->len || g_array_index(indexes, json_int_t, indexes->len - 1) != index ||
             !id || !g_str_equal(id, g_ptr_array_index(ids, ids->len - 1)))) {
            g_ptr_array_add(x->calls, g_string_append_c(g_string_new(name), '('));
            g_array_append_val(indexes, index);
            g_ptr_array_add(ids, (char *)(id ? id : ""));
        }
        if (!x->calls->len)
            continue;
        call = g_ptr_array_index(x->calls, x->calls->len - 1);
        if (json_is_string(arguments))
            g_string_append(call, json_string_value(arguments));
    }
}

static void expect_choice(struct expected *x, json_t *choice, GArray *indexes, GPtrArray *ids)
{
    json_t *delta = json_object_get(choice, "delta");
    json_t *message = json_object_get(choice, "message");
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    const char *thought;

    if (json_integer_value(json_object_get(choice, "index")) != 0)
        return;
    /* Perplexity sends both: in a stream what is new and all so far, else nothing and all. */
    if (!json_is_object(delta) || (x->whole && json_is_object(message)))
        delta = message;
    expect_content(x, json_object_get(delta, "content"));
    thought = json_string_value(json_object_get(delta, "reasoning_content"));
    if (!thought)
        thought = json_string_value(json_object_get(delta, "reasoning"));
    if (thought)
        g_string_append(x->reasoning, thought);
    expect_calls(x, json_object_get(delta, "tool_calls"), indexes, ids);
    if (reason && *reason)
        g_string_assign(x->finish, reason);
}

static void expect_document(struct expected *x, json_t *doc, GArray *indexes, GPtrArray *ids)
{
    json_t *usage = json_object_get(doc, "usage");
    json_t *error = json_object_get(doc, "error");
    json_t *choice;
    size_t i;

    if (x->failed)
        return;
    x->failed = json_is_object(error) || json_is_string(error);
    json_array_foreach(json_object_get(doc, "choices"), i, choice)
    {
        expect_choice(x, choice, indexes, ids);
    }
    if (!json_is_object(usage))
        usage = json_object_get(json_object_get(doc, "x_groq"), "usage");
    if (json_is_object(usage)) {
        x->prompt = json_integer_value(json_object_get(usage, "prompt_tokens"));
        x->completion = json_integer_value(json_object_get(usage, "completion_tokens"));
        x->total = json_integer_value(json_object_get(usage, "total_tokens"));
    }
}

static void expect_stream(struct expected *x, const char *body, GPtrArray *documents,
                          GArray *indexes, GPtrArray *ids)
{
    g_auto(GStrv) lines = g_strsplit(body, "\n", -1);

    for (char **line = lines; *line; line++) {
        json_t *doc;

        if (!g_str_has_prefix(*line, "data:"))
            continue;
        doc = json_loads(*line + 5, 0, NULL);
        if (doc) {
            g_ptr_array_add(documents, doc);
            expect_document(x, doc, indexes, ids);
        }
    }
}

static void compare(const char *id, const struct expected *x, const struct host_heard *h)
{
    if (x->failed) {
        if (h->errors > 1 || (!h->errors && !x->unfinished) || h->finish->len)
            g_error("%s: an error was not seen:\n%s", id, h->log->str);
        return;
    }
    if (h->errors && x->finish->len)
        g_error("%s: %s: %s", id, weir_class_name(h->class_id), h->message);
    if (h->broken)
        g_error("%s: events out of order:\n%s", id, h->log->str);
    if (!g_str_equal(h->text[0]->str, x->text->str))
        g_error("%s: text\n'%s'\nis not\n'%s'", id, h->text[0]->str, x->text->str);
    if (x->reasoning->len && !g_str_equal(h->reasoning->str, x->reasoning->str))
        g_error("%s: reasoning\n'%s'\nis not\n'%s'", id, h->reasoning->str, x->reasoning->str);
    if (h->calls->len < x->calls->len)
        g_error("%s: %u calls are not %u", id, h->calls->len, x->calls->len);
    for (guint i = 0; i < x->calls->len; i++) {
        GString *call = g_string_append_c(g_ptr_array_index(x->calls, i), ')');

        if (!g_string_equal(call, g_ptr_array_index(h->calls, i)))
            g_error("%s: call %s is not %s", id, ((GString *)g_ptr_array_index(h->calls, i))->str,
                    call->str);
        g_string_truncate(call, call->len - 1);
    }
    if (x->finish->len) {
        g_autofree char *first = g_strdup_printf("0:%s", x->finish->str);

        if (!g_str_has_prefix(h->finish->str, first))
            g_error("%s: finish %s is not %s", id, h->finish->str, first);
    }
    if (x->total && (h->usage.input_total + h->usage.output_total != x->total ||
                     h->usage.input_total < x->prompt || h->usage.output_total < x->completion))
        g_error("%s: usage %d %d is not of %d", id, (int)h->usage.input_total,
                (int)h->usage.output_total, (int)x->total);
}

static void replay(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    static const size_t splits[] = { 0, 1, 7, 61 };
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response);
    g_autofree char *headers = wire_headers(response);
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(json_int_t));
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    struct expected x = { g_string_new(NULL),
                          g_string_new(NULL),
                          g_ptr_array_new(),
                          g_string_new(NULL),
                          0,
                          0,
                          0,
                          status >= 400 || wire_has_feature(record, "must_fail"),
                          0,
                          wire_has_feature(record, "must_fail") };
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
    char *log = NULL;

    e->x.stream = strstr(headers, "event-stream") != NULL;
    x.whole = !e->x.stream;
    if (!x.failed && e->x.stream)
        expect_stream(&x, body, documents, indexes, ids);
    else if (!x.failed)
        expect_document(&x, json_object_get(response, "body"), indexes, ids);
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
    g_string_free(x.text, TRUE);
    g_string_free(x.reasoning, TRUE);
    g_string_free(x.finish, TRUE);
    for (guint i = 0; i < x.calls->len; i++)
        g_string_free(g_ptr_array_index(x.calls, i), TRUE);
    g_ptr_array_unref(x.calls);
}

/* Embeddings: the document is the body, usage what it says. */
static void replay_embeddings(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    json_t *response = json_object_get(record, "response");
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    json_t *usage = json_object_get(json_object_get(response, "body"), "usage");
    g_autofree char *body = wire_body(response);
    struct host_exchange *e = host_exchange_new(WEIR_OP_EMBED, "{}", "m");
    struct host_heard *h =
        host_decode(face, cfg, e, (unsigned)status, "content-type: application/json\n",
                    weir_str_of(body), 0, false);

    if (status >= 400) {
        g_assert_cmpint(h->errors, ==, 1);
    } else {
        g_assert_cmpstr(h->document, ==, body);
        g_assert_cmpint(h->usage.input_total, ==,
                        json_integer_value(json_object_get(usage, "prompt_tokens")));
    }
    host_heard_free(h);
    host_exchange_free(e);
}

static void test_chat(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, NULL, replay);
}

/* Our own; those that must fail say so. */
static void test_scripted(void)
{
    g_autofree char *folder = wire_cases();

    wire_each(folder, "openai.chat", NULL, replay);
}

static void test_embeddings(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, NULL, replay_embeddings);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(chats); i++) {
        g_autofree char *path = g_strconcat("/wire/", chats[i], NULL);
        g_test_add_data_func(path, chats[i], test_chat);
    }
    g_test_add_func("/wire/scripted", test_scripted);
    g_test_add_data_func("/wire/openai.embeddings", "openai.embeddings", test_embeddings);
    return g_test_run();
}
