/*
 * Answers as Ollama sends them, and the events that must come of them.
 */
#include "host.h"

#define LINES "content-type: application/x-ndjson\n"
#define JSON  "content-type: application/json; charset=utf-8\n"
#define LINE(message) \
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\"," message "},\"done\":false}\n"
#define TEXT(text) LINE("\"content\":\"" text "\"")
#define DONE(more)                                                                     \
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":" \
    "true" more "}\n"
#define STOP             DONE(",\"done_reason\":\"stop\"")
#define CALL(name, args) "{\"function\":{\"name\":\"" name "\",\"arguments\":" args "}}"
#define CALLS(list)      LINE("\"content\":\"\",\"tool_calls\":[" list "]")

static void *configured;

static struct host_heard *hear(uint8_t op, bool stream, unsigned status, const char *headers,
                               const char *body, bool cut)
{
    struct host_exchange *e =
        host_exchange_new(op, stream ? "{\"stream\":true}" : "{\"stream\":false}", "m");
    struct host_heard *h;

    h = host_decode(host_part(WEIR_PART_PROVIDER), configured, e, status, headers,
                    weir_str_of(body), 3, cut);
    g_assert_false(h->broken);
    host_exchange_free(e);
    return h;
}

/* -- Streams ---------------------------------------------------------------------------------- */

struct log_case {
    const char *name;
    const char *body;
    const char *log;
};

static const struct log_case streams[] = {
    { "text",
      TEXT("a") TEXT("\\nb")
          DONE(",\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2"),
      "start  m\nopen 0.0 text\ndelta 0.0 a\ndelta 0.0 \nb\nusage 3 2\nclose 0.0\nfinish 0 1\n" },
    { "prompt-not-counted", TEXT("a") DONE(",\"done_reason\":\"length\",\"eval_count\":2"),
      "start  m\nopen 0.0 text\ndelta 0.0 a\nusage -1 2\nclose 0.0\nfinish 0 2\n" },
    { "counts-that-cannot-be",
      TEXT("a") DONE(",\"done_reason\":\"stop\",\"prompt_eval_count\":9223372036854775807,"
                     "\"eval_count\":2"),
      "start  m\nopen 0.0 text\ndelta 0.0 a\nusage -1 2\nclose 0.0\nfinish 0 1\n" },
    { "no-reason-no-counts", TEXT("a") DONE(""),
      "start  m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 1\n" },
    { "odd-reason", TEXT("a") DONE(",\"done_reason\":\"custom\""),
      "start  m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 0\n" },
    { "load", DONE(",\"done_reason\":\"load\""), "start  m\nfinish 0 1\n" },
    { "thinking",
      LINE("\"content\":\"\",\"thinking\":\"h\"") LINE("\"content\":\"\",\"thinking\":\"m\"")
          TEXT("a") STOP,
      "start  m\nopen 0.0 reasoning\ndelta 0.0 h\ndelta 0.0 m\nclose 0.0\nopen 0.1 text\n"
      "delta 0.1 a\nclose 0.1\nfinish 0 1\n" },
    { "thinking-and-text-in-one-line", LINE("\"content\":\"a\",\"thinking\":\"hm\"") STOP,
      "start  m\nopen 0.0 reasoning\ndelta 0.0 hm\nclose 0.0\nopen 0.1 text\ndelta 0.1 a\n"
      "close 0.1\nfinish 0 1\n" },
    { "call-with-id",
      CALLS("{\"id\":\"i\",\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{\"x\":1}}}")
          STOP,
      "start  m\nopen 0.0 tool_call i f\ndelta 0.0 {\"x\":1}\nclose 0.0\nfinish 0 3\n" },
    { "two-calls-in-one-line", CALLS(CALL("f", "{}") "," CALL("f", "{\"a\": []}")) STOP,
      "start  m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {}\nclose 0.0\n"
      "open 0.1 tool_call call_9e3779b97f4a7c3f f\ndelta 0.1 {\"a\": []}\nclose 0.1\n"
      "finish 0 3\n" },
    { "calls-over-lines", CALLS(CALL("f", "{}")) CALLS(CALL("g", "{}")) STOP,
      "start  m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {}\nclose 0.0\n"
      "open 0.1 tool_call call_9e3779b97f4a7c3f g\ndelta 0.1 {}\nclose 0.1\nfinish 0 3\n" },
    { "text-call-text", TEXT("a") CALLS(CALL("f", "{}")) TEXT("b") STOP,
      "start  m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\n"
      "open 0.1 tool_call call_000000000000002a f\ndelta 0.1 {}\nclose 0.1\nopen 0.2 text\n"
      "delta 0.2 b\nclose 0.2\nfinish 0 3\n" },
    { "arguments-as-string", CALLS(CALL("f", "\"{\\\"x\\\":1}\"")) STOP,
      "start  m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {\"x\":1}\nclose 0.0\n"
      "finish 0 3\n" },
    { "arguments-null", CALLS(CALL("f", "null")) STOP,
      "start  m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {}\nclose 0.0\n"
      "finish 0 3\n" },
    { "length-in-a-call", CALLS(CALL("f", "{}")) DONE(",\"done_reason\":\"length\""),
      "start  m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {}\nclose 0.0\n"
      "finish 0 2\n" },
    { "created",
      "{\"model\":\"m\",\"created_at\":\"2024-05-24T21:02:00.855283-07:00\",\"message\":{"
      "\"content\":\"a\"},\"done\":true,\"done_reason\":\"stop\",\"load_duration\":5}\n",
      "start  m +\"created\":1716609720\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\n"
      "finish 0 1 +\"load_duration\":5\n" },
    { "logprobs-and-strange-members",
      "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"logprobs\":[{\"token\":\"a\"}],"
      "\"remote_host\":\"h\",\"none\":null,\"done\":false}\n" STOP,
      "start  m\nopen 0.0 text\n"
      "delta 0.0 a +\"logprobs\":{\"content\":[{\"token\":\"a\"}]},\"remote_host\":\"h\"\n"
      "close 0.0\nfinish 0 1\n" },
    { "generate",
      "{\"model\":\"m\",\"response\":\"a\",\"thinking\":\"hm\",\"done\":false}\n"
      "{\"model\":\"m\",\"response\":\"\",\"done\":true,\"done_reason\":\"stop\","
      "\"context\":[1, 2 ,3]}\n",
      "start  m\nopen 0.0 reasoning\ndelta 0.0 hm\nclose 0.0\nopen 0.1 text\ndelta 0.1 a\n"
      "close 0.1\nevent 12\nfinish 0 1 +\"context\":[1, 2 ,3]\n" },
    { "blank-lines", "\n" TEXT("a") "\r\n\n" STOP "\n",
      "start  m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 1\n" },
    { "after-the-end", TEXT("a") STOP TEXT("b") "garbage\n",
      "start  m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 1\n" },
    { "ends-early", TEXT("a"), "start  m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "nothing-at-all", "", "error protocol\n" },
    { "garbage", TEXT("a") "{\"message\":{\"conte\n" STOP,
      "start  m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "not-an-object", TEXT("a") "[1]\n" STOP,
      "start  m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "call-without-a-name", CALLS("{\"function\":{\"arguments\":{}}}") STOP, "error protocol\n" },
    { "call-with-an-empty-name", CALLS(CALL("", "{}")) STOP, "start  m\nerror protocol\n" },
    { "arguments-a-number", TEXT("a") CALLS(CALL("f", "7")) STOP,
      "start  m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "calls-no-list", LINE("\"content\":\"\",\"tool_calls\":7") STOP, "error protocol\n" },
    { "text-a-number", LINE("\"content\":7") STOP, "error protocol\n" },
    { "thinking-a-number", LINE("\"content\":\"\",\"thinking\":7") STOP, "error protocol\n" },
    { "message-a-number", "{\"message\":7,\"done\":false}\n" STOP, "error protocol\n" },
    { "no-message", "{\"model\":\"m\",\"done\":false}\n" STOP, "error protocol\n" },
    { "done-a-number", "{\"message\":{\"content\":\"a\"},\"done\":1}\n" STOP, "error protocol\n" },
    { "text-null", LINE("\"content\":null,\"tool_calls\":null") STOP, "start  m\nfinish 0 1\n" },
    { "error-after-text", TEXT("a") "{\"error\":\"it broke\"}\n" STOP,
      "start  m\nopen 0.0 text\ndelta 0.0 a\nerror server_error\n" },
    { "error-tells-its-class", "{\"error\":\"model \\\"m\\\" not found, try pulling it first\"}\n",
      "error not_found\n" },
};

static void test_streams(gconstpointer data)
{
    const struct log_case *c = data;
    struct host_heard *h = hear(WEIR_OP_CHAT, true, 200, LINES, c->body, false);

    g_assert_cmpstr(h->log->str, ==, c->log);
    host_heard_free(h);
}

/* A connection that broke is nobody's end; the host tells of it. */
static void test_cut(void)
{
    struct host_heard *h = hear(WEIR_OP_CHAT, true, 200, LINES, TEXT("a"), true);

    g_assert_cmpstr(h->log->str, ==, "start  m\nopen 0.0 text\ndelta 0.0 a\n");
    host_heard_free(h);
}

/* Servers that stream without saying so, and answers that are one object. */
static void test_framing(void)
{
    static const char whole[] = "{\n \"model\": \"m\",\n \"message\": {\"content\": \"a\"},\n"
                                " \"done\": true, \"done_reason\": \"stop\"\n}\n";
    static const char log[] = "start  m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 1\n";
    struct host_heard *h = hear(WEIR_OP_CHAT, true, 200, JSON, TEXT("a") STOP, false);

    g_assert_cmpstr(h->log->str, ==, log);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, false, 200, LINES, TEXT("a") STOP, false);
    g_assert_cmpstr(h->log->str, ==, log);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, false, 200, JSON, whole, false);
    g_assert_cmpstr(h->log->str, ==, log);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, false, 200, JSON, "{\"message\":{\"content\":\"a\"},\"done\":false}",
             false);
    g_assert_cmpuint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
    host_heard_free(h);
}

/* Frames of a failure stay with us. */
static void test_relay(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, true, 200, LINES, TEXT("a") "{\"error\":\"it broke\"}\n", false);

    g_assert_cmpstr(h->relayed->str, ==, TEXT("a"));
    host_heard_free(h);
}

/* -- Errors ----------------------------------------------------------------------------------- */

static const struct error_case {
    unsigned status;
    const char *body;
    uint16_t class_id;
    const char *message;
} errors[] = {
    { 404, "{\"error\":\"model 'm' not found\"}", WEIR_CLASS_NOT_FOUND, "model 'm' not found" },
    { 400, "{\"error\":\"m does not support tools\"}", WEIR_CLASS_INVALID_REQUEST,
      "m does not support tools" },
    { 500, "{\"error\":\"input length exceeds maximum context length\"}", WEIR_CLASS_CONTEXT_LENGTH,
      "input length exceeds maximum context length" },
    { 400, "{\"error\":\"invalid options: temperature\"}", WEIR_CLASS_INVALID_REQUEST,
      "invalid options: temperature" },
    { 401, "{\"error\":\"unauthorized\",\"signin_url\":\"https://x\"}", WEIR_CLASS_AUTHENTICATION,
      "unauthorized" },
    { 403, "{\"error\":\"this model requires a subscription\"}", WEIR_CLASS_PERMISSION,
      "this model requires a subscription" },
    { 429, "{\"error\":\"too many concurrent requests\"}", WEIR_CLASS_RATE_LIMIT,
      "too many concurrent requests" },
    { 429, "{\"error\":\"you have reached your weekly usage limit\"}", WEIR_CLASS_QUOTA,
      "you have reached your weekly usage limit" },
    { 503, "{\"error\":\"server busy, please try again\"}", WEIR_CLASS_OVERLOADED,
      "server busy, please try again" },
    { 500, "{\"error\":\"model runner has unexpectedly stopped\"}", WEIR_CLASS_SERVER_ERROR,
      "model runner has unexpectedly stopped" },
    { 502, "<html>Bad Gateway</html>", WEIR_CLASS_SERVER_ERROR,
      "the answer says no more than its status" },
    { 404, "404 page not found", WEIR_CLASS_NOT_FOUND, "404 page not found" },
    { 400, "{\"error\":{\"message\":\"no\",\"code\":1}}", WEIR_CLASS_INVALID_REQUEST, "no" },
    { 500, "", WEIR_CLASS_SERVER_ERROR, "the answer says no more than its status" },
    { 200, "{\"error\":\"it broke\"}", WEIR_CLASS_SERVER_ERROR, "it broke" },
    { 200, "not JSON", WEIR_CLASS_PROTOCOL, "the answer is not a JSON object" },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        const struct error_case *c = &errors[i];
        struct host_heard *h =
            hear(WEIR_OP_CHAT, false, c->status, JSON "retry-after: 3\n", c->body, false);

        g_assert_cmpint(h->errors, ==, 1);
        g_assert_cmpuint(h->class_id, ==, c->class_id);
        g_assert_cmpuint(h->http_status, ==, c->status);
        g_assert_cmpstr(h->message, ==, c->message);
        if (h->class_id != WEIR_CLASS_PROTOCOL)
            g_assert_cmpint(h->retry_after_us, ==, 3000000);
        host_heard_free(h);
    }
}

/* -- Documents -------------------------------------------------------------------------------- */

#define LIST(data) "{\"object\":\"list\",\"data\":[" data "]"
#define EMBEDDING(index, embedding) \
    "{\"object\":\"embedding\",\"index\":" index ",\"embedding\":" embedding "}"

static const struct document_case {
    uint8_t op;
    const char *body;
    const char *document; /* NULL: an error */
} documents[] = {
    { WEIR_OP_EMBED,
      "{\"model\":\"m:latest\",\"embeddings\":[[0.5,-1],[2,3e-2]],\"prompt_eval_count\":4}",
      LIST(EMBEDDING("0", "[0.5,-1]") "," EMBEDDING(
          "1", "[2,3e-2]")) ",\"model\":\"m:latest\",\"usage\":{\"prompt_tokens\":4,\"total_"
                            "tokens\":4}}" },
    { WEIR_OP_EMBED, "{\"embeddings\":[[1]]}", LIST(EMBEDDING("0", "[1]")) ",\"model\":\"m\"}" },
    { WEIR_OP_EMBED, "{\"embedding\":[1,2]}", LIST(EMBEDDING("0", "[1,2]")) ",\"model\":\"m\"}" },
    { WEIR_OP_EMBED, "{\"embeddings\":[1]}", NULL },
    { WEIR_OP_EMBED, "{\"model\":\"m\"}", NULL },
    { WEIR_OP_MODELS,
      "{\"models\":[{\"name\":\"a:latest\",\"model\":\"a:latest\",\"modified_at\":"
      "\"1970-01-02T00:00:00+01:00\",\"size\":5,\"digest\":\"d\",\"details\":{\"family\":\"f\"},"
      "\"other\":1},{\"name\":\"b:7b\"},{\"size\":1}]}",
      LIST("{\"id\":\"a\",\"object\":\"model\",\"created\":82800,\"owned_by\":\"ollama\","
           "\"size\":5,\"digest\":\"d\",\"details\":{\"family\":\"f\"}},"
           "{\"id\":\"b:7b\",\"object\":\"model\",\"created\":0,\"owned_by\":\"ollama\"}") "}" },
    { WEIR_OP_MODELS, "{\"models\":null}", LIST("") "}" },
    { WEIR_OP_MODELS,
      "{\"details\":{\"family\":\"f\"},\"model_info\":{\"general.architecture\":\"f\","
      "\"f.context_length\":4096},\"capabilities\":[\"completion\",\"tools\",\"vision\","
      "\"thinking\",\"insert\"]}",
      LIST("{\"id\":\"m\",\"object\":\"model\",\"created\":0,\"owned_by\":\"ollama\","
           "\"context_window\":4096,\"capabilities\":[\"stream\",\"tools\",\"images\","
           "\"reasoning\"],\"details\":{\"family\":\"f\"}}") "}" },
    { WEIR_OP_MODELS, "{\"object\":\"list\"}", NULL },
};

static void test_documents(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        const struct document_case *c = &documents[i];
        struct host_heard *h = hear(c->op, false, 200, JSON, c->body, false);

        g_assert_cmpstr(h->document, ==, c->document);
        g_assert_cmpint(h->errors, ==, !c->document);
        if (!c->document)
            g_assert_cmpuint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
        host_heard_free(h);
    }
}

/* What is passed on is neither read nor changed. */
static void test_forwarded(void)
{
    struct host_heard *h =
        hear(WEIR_OP_FORWARD, true, 200, LINES, "{\"status\":\"pulling\"}\n", false);

    g_assert_cmpstr(h->relayed->str, ==, "{\"s\ntat\nus\"\n:\"p\null\ning\n\"}\n\n");
    g_assert_cmpstr(h->log->str, ==, "finish 0 1\n");
    host_heard_free(h);
}

int main(int argc, char **argv)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    weir_json none = { { "", 0 }, NULL, 0 };
    int failed;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(face->configure(&host_services, &none, &configured, NULL), ==, WEIR_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        g_autofree char *path = g_strconcat("/ollama/stream/", streams[i].name, NULL);
        g_test_add_data_func(path, &streams[i], test_streams);
    }
    g_test_add_func("/ollama/cut", test_cut);
    g_test_add_func("/ollama/framing", test_framing);
    g_test_add_func("/ollama/relay", test_relay);
    g_test_add_func("/ollama/errors", test_errors);
    g_test_add_func("/ollama/documents", test_documents);
    g_test_add_func("/ollama/forwarded", test_forwarded);
    failed = g_test_run();
    face->release(configured);
    return failed;
}
