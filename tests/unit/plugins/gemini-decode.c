/*
 * Answers as the Gemini API sends them, and the events that must come of them. The answers are the
 * records of tests/wire/cases.
 */
#include "gemini.h"

#include <string.h>

#define WHOLE  "gemini.generateContent"
#define STREAM "gemini.streamGenerateContent"
#define SSE    "content-type: text/event-stream\n"
#define JSON   "content-type: application/json\n"
#define SIGNED " +\"thought_signature\":\"c2lnbmF0dXJl\"\n"

static json_t *find_record(const char *api, const char *name)
{
    g_autofree char *folder = wire_cases();
    g_autofree char *id = g_strconcat(api, "-", name, NULL);
    g_auto(GStrv) lines = wire_lines(folder, api);

    for (char **line = lines; line && *line && **line; line++) {
        json_t *record = json_loads(*line, 0, NULL);

        if (g_str_equal(json_string_value(json_object_get(record, "id")), id))
            return record;
        json_decref(record);
    }
    g_error("no record %s", id);
}

static struct host_heard *hear_x(struct host_exchange *e, unsigned status, const char *headers,
                                 const char *body, size_t split, bool cut)
{
    void *cfg = host_provider("{\"version\":\"v1beta\"}");
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_heard *h =
        host_decode(face, cfg, e, status, headers, weir_str_of(body), split, cut);

    g_assert_false(h->broken);
    face->release(cfg);
    return h;
}

static struct host_heard *hear(uint8_t op, bool stream, unsigned status, const char *headers,
                               const char *body, bool cut)
{
    struct host_exchange *e = host_exchange_new(op, "{}", "m");
    struct host_heard *h;

    e->x.stream = stream;
    h = hear_x(e, status, headers, body, 5, cut);
    host_exchange_free(e);
    return h;
}

static struct host_heard *hear_record(const char *api, const char *name, const char *dialect)
{
    json_t *record = find_record(api, name), *response = json_object_get(record, "response");
    g_autofree char *body = wire_body(response), *headers = wire_headers(response);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
    struct host_heard *h;

    e->x.stream = json_is_true(json_object_get(record, "streaming"));
    e->x.dialect = weir_str_of(dialect);
    h = hear_x(e, (unsigned)json_integer_value(json_object_get(response, "status")), headers, body,
               0, false);
    host_exchange_free(e);
    json_decref(record);
    return h;
}

/* -- Events ----------------------------------------------------------------------------------- */

struct log_case {
    const char *api;
    const char *name;
    const char *log;
};

static const struct log_case logs[] = {
    { WHOLE, "thought",
      "start r-1 gemini-2.5-flash\nopen 0.0 reasoning\ndelta 0.0 hm\nclose 0.0\nopen 0.1 text\n"
      "delta 0.1 yes\nevent 12\nclose 0.1" SIGNED "usage 5 10\nfinish 0 1\n" },
    { WHOLE, "call",
      "start r-1 gemini-2.5-flash\nevent 12\nopen 0.0 tool_call fc-1 weather\n"
      "delta 0.0 {\"city\": \"Köln\", \"n\": [1, {\"a\": null}]}\nclose 0.0" SIGNED
      "usage 9 4\nfinish 0 3\n" },
    { WHOLE, "parallel-calls",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 Both.\nevent 12\nclose 0.0\n"
      "open 0.1 tool_call gcall_000000000000002a weather\ndelta 0.1 {\"city\": \"A\"}\n"
      "close 0.1" SIGNED
      "open 0.2 tool_call gcall_9e3779b97f4a7c3f weather\ndelta 0.2 {\"city\": \"B\"}\n"
      "close 0.2\nopen 0.3 tool_call gcall_3c6ef372fe94f854 weather\ndelta 0.3 {}\nclose 0.3\n"
      "usage 3 2\nfinish 0 3\n" },
    { WHOLE, "image-out",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 Here:\nclose 0.0\n"
      "open 0.1 image +\"media_type\":\"image/png\"\ndelta 0.1 iVBORw0KGgo=\nevent 12\n"
      "close 0.1" SIGNED
      "open 0.2 opaque\nclose 0.2 +\"api\":\"gemini\",\"block\":{\"inlineData\": {\"mimeType\": "
      "\"image/png\", \"data\": \"iVBORw0KGgo=\"}, \"thought\": true}\nusage 4 1290\nfinish 0 "
      "1\n" },
    { WHOLE, "unknown-parts",
      "start r-1 gemini-2.5-flash\nopen 0.0 opaque\nclose 0.0 +\"api\":\"gemini\",\"block\":{"
      "\"somethingNew\": {\"a\": 1}}\nopen 0.1 server_tool\nclose 0.1 "
      "+\"api\":\"gemini\",\"block\":"
      "{\"toolCall\": {\"id\": \"t\", \"toolType\": \"GOOGLE_SEARCH_WEB\", \"args\": {}}}\n"
      "open 0.2 server_tool\nclose 0.2 +\"api\":\"gemini\",\"block\":{\"toolResponse\": {\"id\": "
      "\"t\", \"toolType\": \"GOOGLE_SEARCH_WEB\"}}\nopen 0.3 text\nevent 12\nclose 0.3" SIGNED
      "open 0.4 text\ndelta 0.4 x +\"partMetadata\":{\"k\": 1}\nusage 3 2\nclose 0.4\n"
      "finish 0 1\n" },
    { WHOLE, "choices",
      "start  m\nopen 0.0 text\ndelta 0.0 a\nopen 1.0 text\ndelta 1.0 b\nusage 2 2\nclose 0.0\n"
      "close 1.0\nfinish 0 1\nfinish 1 2\n" },
    { WHOLE, "thoughts-to-the-limit", "start  m\nusage 4 10\nfinish 0 2\n" },
    { WHOLE, "recitation", "start  m\nusage 3 0\nfinish 0 4\n" },
    { WHOLE, "new-reason",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 x\nusage 3 2\nclose 0.0\n"
      "finish 0 0\n" },
    { WHOLE, "enum-ints",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 x\nusage 3 2\nclose 0.0\n"
      "finish 0 1\n" },
    { WHOLE, "wrong-total",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 x\nusage 17 -1\nclose 0.0\n"
      "finish 0 1\n" },
    { WHOLE, "prompt-blocked", "error content_filter\n" },
    { WHOLE, "malformed-call", "start  m\nerror server_error\n" },
    { STREAM, "thoughts",
      "start r-1 gemini-2.5-flash\nopen 0.0 reasoning\ndelta 0.0 hm \nusage 3 2\ndelta 0.0 so\n"
      "close 0.0\nopen 0.1 text\ndelta 0.1 an\ndelta 0.1 swer\nevent 12\nclose 0.1" SIGNED
      "usage 3 6\nfinish 0 1\n" },
    { STREAM, "call-in-pieces",
      "start r-1 gemini-2.5-flash\nevent 12\nopen 0.0 tool_call gcall_000000000000002a plan" SIGNED
      "delta 0.0 {\"steps\":[{\"title\":\"Go \\\"ho\ndelta 0.0 me\\\"\\n✓\"\n"
      "delta 0.0 ,\"cost\":1.5},{\"title\":\"b\",\"done\":true\n"
      "delta 0.0 }],\"odd key\":{\"x\":null\ndelta 0.0 }}\nclose 0.0\n"
      "open 0.1 tool_call gcall_9e3779b97f4a7c3f empty\ndelta 0.1 {}\nclose 0.1\n"
      "open 0.2 tool_call gcall_3c6ef372fe94f854 one\ndelta 0.2 {\"a\":\"x\"\ndelta 0.2 }\n"
      "close 0.2\nusage 4 20\nfinish 0 3\n" },
    { STREAM, "array-error-inside",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 a\nerror overloaded\n" },
    { STREAM, "array-cut",
      "start r-1 gemini-2.5-flash\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { STREAM, "array-empty", "error protocol\n" },
    { STREAM, "choices",
      "start  m\nopen 0.0 text\ndelta 0.0 a\nopen 1.0 text\ndelta 1.0 x\ndelta 1.0 y\n"
      "delta 0.0 b\nusage 1 4\nclose 0.0\nclose 1.0\nfinish 0 2\nfinish 1 1\n" },
    { STREAM, "audio",
      "start r-1 gemini-2.5-flash\nopen 0.0 audio +\"media_type\":\"audio/L16;rate=24000\"\n"
      "delta 0.0 AAE=\nclose 0.0\nopen 0.1 audio +\"media_type\":\"audio/L16;rate=24000\"\n"
      "delta 0.1 AgM=\nclose 0.1\nusage 1 9\nfinish 0 1\n" },
};

static void test_log(gconstpointer data)
{
    const struct log_case *c = data;
    struct host_heard *h = hear_record(c->api, c->name, "openai.chat");

    g_assert_cmpstr(h->log->str, ==, c->log);
    host_heard_free(h);
}

/* Applications of this API know its words for an answer that went wrong. */
static void test_no_answer_natively(void)
{
    struct host_heard *h = hear_record(WHOLE, "malformed-call", "gemini.generateContent");

    g_assert_cmpstr(h->finish->str, ==, "0:MALFORMED_FUNCTION_CALL");
    g_assert_cmpint(h->errors, ==, 0);
    host_heard_free(h);
}

static void test_sources(void)
{
    struct host_heard *h = hear_record(WHOLE, "grounding", "openai.chat");

    g_assert_nonnull(strstr(h->log->str,
                            "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":"
                            "{\"url\":\"https://example.com/1\",\"title\":\"one\"}}]"));
    g_assert_nonnull(strstr(h->log->str, "\"groundingMetadata\":{\"webSearchQueries\""));
    host_heard_free(h);
}

/* -- Calls in pieces -------------------------------------------------------------------------- */

#define CALL(inside, end)                                                                       \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":" inside "}]}" end "}]}" \
    "\n\n"
#define BEGUN              CALL("{\"name\":\"f\",\"willContinue\":true}", "")
#define ARGS(args)         CALL("{\"partialArgs\":[" args "],\"willContinue\":true}", "")
#define ENDED(why)         CALL("{}", ",\"finishReason\":\"" why "\"")
#define VALUE(path, value) "{\"jsonPath\":\"" path "\"," value "}"

static const struct {
    const char *name;
    const char *body;
    const char *call; /* NULL: it fails */
} pieces[] = {
    { "nested",
      BEGUN ARGS(VALUE("$.a[0][0].b", "\"numberValue\":1"))
          ARGS(VALUE("$.a[0][1].b", "\"numberValue\":2"))
              ARGS(VALUE("$.a[1][0].b", "\"numberValue\":3")) ENDED("STOP"),
      "f({\"a\":[[{\"b\":1},{\"b\":2}],[{\"b\":3}]]})" },
    { "quoted-names",
      BEGUN ARGS(VALUE("$['a.b'].c", "\"stringValue\":\"x\"") "," VALUE(
          "$['it\\\\'s']", "\"boolValue\":false")) ENDED("STOP"),
      "f({\"a.b\":{\"c\":\"x\"},\"it's\":false})" },
    { "string-left-open",
      BEGUN ARGS(VALUE("$.a", "\"stringValue\":\"x\",\"willContinue\":true")) ENDED("STOP"),
      "f({\"a\":\"x\"})" },
    { "name-comes-again",
      BEGUN ARGS(VALUE("$.a", "\"numberValue\":1") "," VALUE("$.b", "\"numberValue\":1") "," VALUE(
          "$.a", "\"numberValue\":2")) ENDED("STOP"),
      NULL },
    { "object-comes-again",
      BEGUN ARGS(VALUE("$.a.x", "\"numberValue\":1") "," VALUE(
          "$.b", "\"numberValue\":1") "," VALUE("$.a.y", "\"numberValue\":2")) ENDED("STOP"),
      NULL },
    { "index-left-out",
      BEGUN ARGS(VALUE("$.a[0]", "\"numberValue\":1") "," VALUE("$.a[2]", "\"numberValue\":1"))
          ENDED("STOP"),
      NULL },
    { "first-index-is-not-0", BEGUN ARGS(VALUE("$.a[1]", "\"numberValue\":1")) ENDED("STOP"),
      NULL },
    { "array-and-object",
      BEGUN ARGS(VALUE("$.a[0]", "\"numberValue\":1") "," VALUE("$.a.b", "\"numberValue\":1"))
          ENDED("STOP"),
      NULL },
    { "arguments-are-an-array", BEGUN ARGS(VALUE("$[0]", "\"numberValue\":1")) ENDED("STOP"),
      NULL },
    { "no-path", BEGUN ARGS(VALUE("a", "\"numberValue\":1")) ENDED("STOP"), NULL },
    { "no-end", BEGUN "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n", NULL },
    { "another-begins", BEGUN CALL("{\"name\":\"g\",\"args\":{}}", ",\"finishReason\":\"STOP\""),
      NULL },
    { "no-name", CALL("{\"args\":{}}", ",\"finishReason\":\"STOP\""), NULL },
    /* cut by the limit: the core sees that the arguments are not complete */
    { "limit",
      BEGUN ARGS(VALUE(
          "$.a",
          "\"stringValue\":\"x\",\"willContinue\":true")) "data: "
                                                          "{\"candidates\":[{\"finishReason\":"
                                                          "\"MAX_TOKENS\"}]}\n\n",
      "f({\"a\":\"x)" },
};

static void test_pieces(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        struct host_heard *h = hear(WEIR_OP_CHAT, true, 200, SSE, pieces[i].body, false);

        g_test_message("%s", pieces[i].name);
        if (pieces[i].call) {
            g_assert_cmpint(h->errors, ==, 0);
            g_assert_cmpuint(h->calls->len, ==, 1);
            g_assert_cmpstr(((GString *)g_ptr_array_index(h->calls, 0))->str, ==, pieces[i].call);
        } else {
            g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
            g_assert_cmpstr(h->finish->str, ==, "");
        }
        host_heard_free(h);
    }
}

/* -- The end ---------------------------------------------------------------------------------- */

#define TEXT(end) "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}" end "}]}\n\n"

/* Nothing but a body that ended cleanly is an end: not a reason, if the connection broke. */
static void test_cut(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, true, 200, SSE, TEXT(",\"finishReason\":\"STOP\""), true);

    g_assert_cmpstr(h->finish->str, ==, "");
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, true, 200, JSON, "[{\"candidates\":[{\"finishReason\":\"STOP\"}]}",
             true);
    g_assert_cmpstr(h->finish->str, ==, "");
    host_heard_free(h);
}

/* What is passed through: all but the frame that holds the error. */
static void test_relayed(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, true, 200, SSE,
             TEXT("") "data: {\"error\":{\"code\":500,\"message\":\"m\"}}\n\n", false);

    g_assert_cmpstr(h->relayed->str, ==,
                    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n");
    g_assert_cmpint(h->class_id, ==, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpint(h->http_status, ==, 500);
    host_heard_free(h);
}

/* A member of a wrong type is no hole in an answer that ends well. */
static void test_wrong_types(void)
{
    static const char *const wrong[] = {
        "\"candidates\":7",
        "\"candidates\":[7]",
        "\"candidates\":[{\"content\":7}]",
        "\"candidates\":[{\"content\":{\"parts\":7}}]",
        "\"candidates\":[{\"content\":{\"parts\":[7]}}]",
        "\"candidates\":[{\"content\":{\"parts\":[{\"text\":7}]}}]",
        "\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":7}]}}]",
        "\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":7}}]}}"
        "]",
        "\"candidates\":[{\"finishReason\":{}}]",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *body =
            g_strdup_printf(TEXT("") "data: {%s}\n\n" TEXT(",\"finishReason\":\"STOP\""), wrong[i]);
        struct host_heard *h = hear(WEIR_OP_CHAT, true, 200, SSE, body, false);

        g_test_message("%s", wrong[i]);
        g_assert_cmpint(h->errors, ==, 1);
        g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
        g_assert_cmpstr(h->finish->str, ==, "");
        host_heard_free(h);
    }
}

/* A total without a number for the output does not say that there was none, and takes none back. */
static void test_usage_not_told(void)
{
    struct host_heard *h = hear(WEIR_OP_CHAT, false, 200, JSON,
                                "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
                                "\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
                                "\"promptTokenCount\":8,\"totalTokenCount\":8}}",
                                false);

    g_assert_cmpint(h->usage.input_total, ==, 8);
    g_assert_cmpint(h->usage.output_total, ==, -1);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, true, 200, SSE,
             TEXT(",\"finishReason\":\"STOP\"") "data: {\"usageMetadata\":{\"promptTokenCount\":8,"
                                                "\"totalTokenCount\":8}}\n\n",
             false);
    g_assert_cmpint(h->usage.output_total, ==, -1);
    host_heard_free(h);
}

/* field: 3.4.1, 3.4.3 */
static void test_usage(void)
{
    struct host_heard *h = hear_record(WHOLE, "cached", "");

    g_assert_cmpint(h->usage.input_total, ==, 1000);
    g_assert_cmpint(h->usage.input_cache_read, ==, 900);
    g_assert_cmpint(h->usage.input_uncached, ==, 100);
    host_heard_free(h);
    h = hear_record(WHOLE, "thought", "");
    g_assert_cmpint(h->usage.output_total, ==, 10);
    g_assert_cmpint(h->usage.output_text, ==, 1);
    g_assert_cmpint(h->usage.output_reasoning, ==, 9);
    host_heard_free(h);
    h = hear_record(WHOLE, "code-execution", "");
    g_assert_cmpint(h->usage.input_total, ==, 33); /* with what the tool read */
    host_heard_free(h);
    h = hear_record(WHOLE, "media-in", "");
    g_assert_cmpint(h->usage.input_audio, ==, 32);
    g_assert_cmpint(h->usage.input_image, ==, 258);
    host_heard_free(h);
    h = hear_record(WHOLE, "image-out", "");
    g_assert_cmpint(h->usage.output_image, ==, 1290);
    host_heard_free(h);
}

/* -- Errors ----------------------------------------------------------------------------------- */

#define ERROR(code, status, rest) \
    "{\"error\":{\"code\":" code ",\"message\":\"m\",\"status\":\"" status "\"" rest "}}"

static const struct {
    unsigned status;
    const char *body;
    uint16_t class_id;
    int64_t retry_us;
} errors[] = {
    { 400, ERROR("400", "INVALID_ARGUMENT", ""), WEIR_CLASS_INVALID_REQUEST, -1 },
    { 400, "[" ERROR("400", "INVALID_ARGUMENT", "") "]", WEIR_CLASS_INVALID_REQUEST, -1 },
    { 400,
      ERROR("400", "INVALID_ARGUMENT",
            ",\"details\":[{\"@type\":\"type.googleapis.com/"
            "google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]"),
      WEIR_CLASS_AUTHENTICATION, -1 },
    { 400,
      "{\"error\":{\"code\":400,\"message\":\"The input token count (1250074) exceeds the maximum "
      "number of tokens allowed (1048576).\",\"status\":\"INVALID_ARGUMENT\"}}",
      WEIR_CLASS_CONTEXT_LENGTH, -1 },
    { 400,
      "{\"error\":{\"code\":400,\"message\":\"User location is not supported for the API use.\","
      "\"status\":\"FAILED_PRECONDITION\"}}",
      WEIR_CLASS_PERMISSION, -1 },
    { 401, ERROR("401", "UNAUTHENTICATED", ""), WEIR_CLASS_AUTHENTICATION, -1 },
    { 403, ERROR("403", "PERMISSION_DENIED", ""), WEIR_CLASS_PERMISSION, -1 },
    { 404, ERROR("404", "NOT_FOUND", ""), WEIR_CLASS_NOT_FOUND, -1 },
    { 429,
      ERROR("429", "RESOURCE_EXHAUSTED",
            ",\"details\":[{\"@type\":\"type.googleapis.com/"
            "google.rpc.RetryInfo\",\"retryDelay\":\"48.5s\"}]"),
      WEIR_CLASS_RATE_LIMIT, 48500000 },
    { 429,
      ERROR("429", "RESOURCE_EXHAUSTED",
            ",\"details\":[{\"@type\":\"type.googleapis.com/"
            "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":"
            "\"GenerateRequestsPerDayPerProject\"}]}]"),
      WEIR_CLASS_QUOTA, -1 },
    { 500, ERROR("500", "INTERNAL", ""), WEIR_CLASS_SERVER_ERROR, -1 },
    { 503, ERROR("503", "UNAVAILABLE", ""), WEIR_CLASS_OVERLOADED, -1 },
    { 504, ERROR("504", "DEADLINE_EXCEEDED", ""), WEIR_CLASS_TIMEOUT, -1 },
    { 200, ERROR("429", "RESOURCE_EXHAUSTED", ""), WEIR_CLASS_RATE_LIMIT, -1 },
    { 502, "<html></html>", WEIR_CLASS_SERVER_ERROR, -1 },
    { 404, "", WEIR_CLASS_NOT_FOUND, -1 },
    { 503, "{\"error\":\"busy\"}", WEIR_CLASS_OVERLOADED, -1 },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        struct host_heard *h =
            hear(WEIR_OP_CHAT, false, errors[i].status, JSON, errors[i].body, false);

        g_assert_cmpint(h->errors, ==, 1);
        g_assert_cmpint(h->class_id, ==, errors[i].class_id);
        g_assert_cmpint(h->retry_after_us, ==, errors[i].retry_us);
        g_assert_cmpuint(strlen(h->message), >, 0);
        host_heard_free(h);
    }
}

/* -- Documents -------------------------------------------------------------------------------- */

static void test_documents(void)
{
    struct host_heard *h = hear(WEIR_OP_EMBED, false, 200, JSON,
                                "{\"embeddings\":[{\"values\":[1,0.5]},{\"values\":[2]}]}", false);

    g_assert_cmpstr(
        h->document, ==,
        "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
        "\"embedding\":[1,0.5]},{\"object\":\"embedding\",\"index\":1,\"embedding\":[2]}],"
        "\"model\":\"m\"}");
    host_heard_free(h);
    h = hear(WEIR_OP_COUNT, false, 200, JSON, "{\"totalTokens\":12}", false);
    g_assert_cmpstr(h->document, ==, "{\"input_tokens\":12}");
    host_heard_free(h);
    h = hear(WEIR_OP_COUNT, false, 200, JSON, "{}", false);
    g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
    host_heard_free(h);
    h = hear(WEIR_OP_EMBED, false, 200, JSON, "{\"embeddings\":[{}]}", false);
    g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
    host_heard_free(h);
    h = hear(WEIR_OP_MODELS, false, 200, JSON,
             "{\"models\":[{\"name\":\"models/g\",\"displayName\":\"G\",\"inputTokenLimit\":9,"
             "\"supportedGenerationMethods\":[\"embedContent\"]}]}",
             false);
    g_assert_cmpstr(
        h->document, ==,
        "{\"object\":\"list\",\"data\":[{\"id\":\"g\",\"object\":\"model\",\"created\":0,"
        "\"owned_by\":\"google\",\"name\":\"G\",\"context_window\":9,\"capabilities\":["
        "\"embeddings\"],\"supportedGenerationMethods\":[\"embedContent\"]}]}");
    host_heard_free(h);
}

static void test_forwarded(void)
{
    struct host_heard *h = hear(WEIR_OP_FORWARD, false, 200, JSON, "{\"name\":\"files/1\"}", false);

    g_assert_cmpstr(h->finish->str, ==, "0:");
    host_heard_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(logs); i++) {
        g_autofree char *path = g_strdup_printf("/log/%s/%s", logs[i].api, logs[i].name);

        g_test_add_data_func(path, &logs[i], test_log);
    }
    g_test_add_func("/no-answer-natively", test_no_answer_natively);
    g_test_add_func("/sources", test_sources);
    g_test_add_func("/calls-in-pieces", test_pieces);
    g_test_add_func("/cut", test_cut);
    g_test_add_func("/relayed", test_relayed);
    g_test_add_func("/usage", test_usage);
    g_test_add_func("/usage-not-told", test_usage_not_told);
    g_test_add_func("/wrong-types", test_wrong_types);
    g_test_add_func("/errors", test_errors);
    g_test_add_func("/documents", test_documents);
    g_test_add_func("/forwarded", test_forwarded);
    return g_test_run();
}
