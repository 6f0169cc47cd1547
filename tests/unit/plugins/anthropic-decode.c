/*
 * Answers as servers of the Messages API send them, and the events that must come of them.
 */
#include "host.h"

#define SSE               "content-type: text/event-stream\n"
#define JSON              "content-type: application/json\n"
#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START                                                                           \
    EVENT("message_start", ",\"message\":{\"id\":\"a\",\"model\":\"m\",\"content\":[]," \
                           "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}")
#define OPEN(index, block) \
    EVENT("content_block_start", ",\"index\":" index ",\"content_block\":{" block "}")
#define DELTA(index, delta) \
    EVENT("content_block_delta", ",\"index\":" index ",\"delta\":{" delta "}")
#define CLOSE(index) EVENT("content_block_stop", ",\"index\":" index)
#define END(reason)                                                                           \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\"},\"usage\":{\"output_" \
                           "tokens\":2}")
#define STOP EVENT("message_stop", "")
#define TEXT(index, text)                          \
    OPEN(index, "\"type\":\"text\",\"text\":\"\"") \
    DELTA(index, "\"type\":\"text_delta\",\"text\":\"" text "\"") CLOSE(index)
#define CALL(index, fragment)                                                     \
    OPEN(index, "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}") \
    DELTA(index, "\"type\":\"input_json_delta\",\"partial_json\":\"" fragment "\"") CLOSE(index)
#define BEGUN "start a m\nusage 3 -1\n"
#define DONE  "usage 3 2\nfinish 0 "

static void *configured;

static struct host_heard *hear_at(uint8_t op, const char *request, const char *model,
                                  unsigned status, const char *headers, const char *body, bool cut)
{
    struct host_exchange *e = host_exchange_new(op, request, model);
    struct host_heard *h = host_decode(host_part(WEIR_PART_PROVIDER), configured, e, status,
                                       headers, weir_str_of(body), 3, cut);

    g_assert_false(h->broken);
    host_exchange_free(e);
    return h;
}

static struct host_heard *hear(uint8_t op, unsigned status, const char *headers, const char *body)
{
    return hear_at(op, "{\"stream\":true}", "m", status, headers, body, false);
}

/* -- Events ----------------------------------------------------------------------------------- */

struct log_case {
    const char *name;
    const char *body;
    const char *log;
};

static const struct log_case streams[] = {
    { "text", START EVENT("ping", "") TEXT("0", "a\\n") END("end_turn") STOP,
      BEGUN "open 0.0 text\ndelta 0.0 a\n\nclose 0.0\n" DONE "1\n" },
    { "finish-is-held", START TEXT("0", "a") END("end_turn"),
      BEGUN "open 0.0 text\ndelta 0.0 a\nclose 0.0\nusage 3 2\n" },
    { "thinking",
      START OPEN("0", "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
          DELTA("0", "\"type\":\"thinking_delta\",\"thinking\":\"h\"")
              DELTA("0", "\"type\":\"signature_delta\",\"signature\":\"s\"") CLOSE("0")
                  END("end_turn") STOP,
      BEGUN "open 0.0 reasoning\ndelta 0.0 h\nevent 12\nclose 0.0 +\"signature\":\"s\"\n" DONE
            "1\n" },
    { "redacted",
      START OPEN("0", "\"type\":\"redacted_thinking\",\"data\":\"d\"") CLOSE("0") END("end_turn")
          STOP,
      BEGUN "open 0.0 reasoning\nevent 12\nclose 0.0 +\"redacted_data\":\"d\"\n" DONE "1\n" },
    { "call", START CALL("0", "{\\\"x\\\":1}") END("tool_use") STOP,
      BEGUN "open 0.0 tool_call i f\ndelta 0.0 {\"x\":1}\nclose 0.0\n" DONE "3\n" },
    { "call-without-input", START CALL("0", "") END("tool_use") STOP,
      BEGUN "open 0.0 tool_call i f\ndelta 0.0 {}\nclose 0.0\n" DONE "3\n" },
    { "call-by-a-program",
      START OPEN("0", "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"x\":1},"
                      "\"caller\":{\"type\":\"p\"},\"toolset_name\":null") CLOSE("0")
          END("tool_use") STOP,
      BEGUN "open 0.0 tool_call i f +\"caller\":{\"type\":\"p\"}\ndelta 0.0 {\"x\":1}\n"
            "close 0.0\n" DONE "3\n" },
    { "call-cut-by-the-limit", START CALL("0", "{\\\"x\\\":") END("max_tokens") STOP,
      BEGUN "open 0.0 tool_call i f\ndelta 0.0 {\"x\":\nclose 0.0\n" DONE "2\n" },
    { "server-tool",
      START OPEN("0", "\"type\":\"server_tool_use\",\"id\":\"i\",\"input\":{},\"name\":\"f\"")
          DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":\"")
              DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":\"\\\"\\\\u00e4\\\"}\"")
                  CLOSE("0") OPEN("1", "\"type\":\"x_tool_result\",\"content\":[{\"file_id\":"
                                       "\"f\"}]") CLOSE("1") END("pause_turn") STOP,
      BEGUN "open 0.0 server_tool\nclose 0.0 +\"api\":\"anthropic\",\"block\":{\"type\":\"server_"
            "tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"q\":\"\\u00e4\"}}\nopen 0.1 "
            "server_tool\nevent 12\nclose 0.1 +\"api\":\"anthropic\",\"block\":{\"type\":\"x_tool_"
            "result\",\"content\":[{\"file_id\":\"f\"}]}\n" DONE "8\n" },
    { "unknown-block",
      START OPEN("0", "\"type\":\"x\"") DELTA("0", "\"type\":\"x_delta\"") CLOSE("0")
          END("end_turn") STOP,
      BEGUN "open 0.0 opaque\nclose 0.0 +\"api\":\"anthropic\",\"block\":{\"type\":\"x\"}\n"
            "event 10\n" DONE "1\n" },
    { "citation",
      START OPEN("0", "\"type\":\"text\",\"text\":\"\"")
          DELTA("0", "\"type\":\"citations_delta\",\"citation\":{\"url\":\"u\",\"title\":\"t\","
                     "\"encrypted_index\":\"e\"}") CLOSE("0") END("end_turn") STOP,
      BEGUN "open 0.0 text\nevent 12\ndelta 0.0  +\"annotations\":[{\"type\":\"url_citation\","
            "\"url_citation\":{\"url\":\"u\",\"title\":\"t\"}}],\"citations\":[{\"url\":\"u\","
            "\"title\":\"t\",\"encrypted_index\":\"e\"}]\nclose 0.0\n" DONE "1\n" },
    { "end-with-more",
      START EVENT("message_delta",
                  ",\"delta\":{\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"x\","
                  "\"container\":{\"id\":\"c\"}},\"usage\":{\"output_tokens\":2,"
                  "\"server_tool_use\":{\"n\":1}}") STOP,
      BEGUN "event 12\nusage 3 2\nfinish 0 5 +\"stop_sequence\":\"x\",\"container\":{\"id\":\"c\"},"
            "\"server_tool_use\":{\"n\":1}\n" },
    { "behind-the-end", START TEXT("0", "a") END("refusal") STOP "data: [DONE]\n\n" START,
      BEGUN "open 0.0 text\ndelta 0.0 a\nclose 0.0\n" DONE "6\n" },
};

static void test_stream(gconstpointer data)
{
    const struct log_case *c = data;
    struct host_heard *h = hear(WEIR_OP_CHAT, 200, SSE, c->body);

    g_assert_cmpstr(h->log->str, ==, c->log);
    host_heard_free(h);
}

/* What breaks the protocol ends as that, and never well. */
static const struct log_case breaches[] = {
    { "no-start", TEXT("0", "a") END("end_turn") STOP, NULL },
    { "start-twice", START START, NULL },
    { "no-reason", START TEXT("0", "a") STOP, NULL },
    { "reason-twice", START END("end_turn") END("end_turn") STOP, NULL },
    { "block-behind-the-reason", START END("end_turn") TEXT("0", "a") STOP, NULL },
    { "block-left-open", START OPEN("0", "\"type\":\"text\"") END("end_turn") STOP, NULL },
    { "block-in-block", START OPEN("0", "\"type\":\"text\"") OPEN("1", "\"type\":\"text\""), NULL },
    { "block-left-out", START TEXT("0", "a") TEXT("2", "b"), NULL },
    { "block-again", START TEXT("0", "a") TEXT("0", "b"), NULL },
    { "block-without-type", START OPEN("0", "\"x\":1"), NULL },
    { "delta-of-no-block", START DELTA("0", "\"type\":\"text_delta\",\"text\":\"a\""), NULL },
    { "delta-of-another",
      START OPEN("0", "\"type\":\"text\"") DELTA("1", "\"type\":\"text_delta\",\"text\":\"a\""),
      NULL },
    { "delta-of-another-kind",
      START OPEN("0", "\"type\":\"text\"") DELTA("0", "\"type\":\"thinking_delta\""), NULL },
    { "thought-behind-its-signature",
      START OPEN("0", "\"type\":\"thinking\",\"signature\":\"s\"")
          DELTA("0", "\"type\":\"thinking_delta\",\"thinking\":\"a\""),
      NULL },
    { "stop-twice", START TEXT("0", "a") CLOSE("0"), NULL },
    { "call-without-name", START OPEN("0", "\"type\":\"tool_use\",\"id\":\"i\""), NULL },
    { "call-not-whole", START CALL("0", "{\\\"x\\\":") END("tool_use") STOP, NULL },
    { "call-with-a-hole", START CALL("0", "{\\\"x\\\":}") END("tool_use") STOP, NULL },
    { "call-no-object", START CALL("0", "[]") END("tool_use") STOP, NULL },
    { "call-not-whole-and-on", START CALL("0", "{") TEXT("1", "a"), NULL },
    { "input-twice",
      START OPEN("0", "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"x\":1}")
          DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":\"{}\""),
      NULL },
    { "text-a-number",
      START OPEN("0", "\"type\":\"text\"") DELTA("0", "\"type\":\"text_delta\",\"text\":7"), NULL },
    { "first-text-a-number", START OPEN("0", "\"type\":\"text\",\"text\":7"), NULL },
    { "thought-a-number",
      START OPEN("0", "\"type\":\"thinking\"")
          DELTA("0", "\"type\":\"thinking_delta\",\"thinking\":7"),
      NULL },
    { "delta-a-number",
      START OPEN("0", "\"type\":\"text\"") "data: {\"type\":\"content_block_delta\",\"index\":0,"
                                           "\"delta\":7}\n\n",
      NULL },
    { "input-a-number",
      START OPEN("0", "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":7"), NULL },
    { "fragment-a-number",
      START OPEN("0", "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}")
          DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":7"),
      NULL },
    { "no-type", START "data: {}\n\n", NULL },
    { "no-json", START "data: {\n\n", NULL },
    { "no-object", START "data: []\n\n", NULL },
};

static void test_breach(gconstpointer data)
{
    const struct log_case *c = data;
    struct host_heard *h = hear(WEIR_OP_CHAT, 200, SSE, c->body);

    g_assert_cmpint(h->errors, ==, 1);
    g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
    g_assert_cmpstr(h->finish->str, ==, "");
    host_heard_free(h);
}

static void test_cut(void)
{
    struct host_heard *h = hear_at(WEIR_OP_CHAT, "{\"stream\":true}", "m", 200, SSE,
                                   START TEXT("0", "a") END("end_turn"), true);

    g_assert_cmpstr(h->finish->str, ==, "");
    host_heard_free(h);
}

/* -- Usage ------------------------------------------------------------------------------------ */

/* field: 3.4.1, 3.4.3, 3.4.5 */
static void test_usage(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, 200, JSON,
             "{\"type\":\"message\",\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{"
             "\"input_tokens\":5,\"cache_read_input_tokens\":70,\"cache_creation_input_tokens\":600"
             ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":200,\"ephemeral_1h_input_tokens\":"
             "400},\"output_tokens\":9,\"output_tokens_details\":{\"thinking_tokens\":4}}}");

    g_assert_cmpint(h->usage.input_total, ==, 675);
    g_assert_cmpint(h->usage.input_uncached, ==, 5);
    g_assert_cmpint(h->usage.input_cache_read, ==, 70);
    g_assert_cmpint(h->usage.input_cache_write, ==, 600);
    g_assert_cmpint(h->usage.input_cache_write_1h, ==, 400);
    g_assert_cmpint(h->usage.output_total, ==, 9);
    g_assert_cmpint(h->usage.output_reasoning, ==, 4);
    g_assert_cmpint(h->usage.output_text, ==, 5);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, 200, JSON,
             "{\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":5,"
             "\"cache_read_input_tokens\":null,\"output_tokens\":-9}}");
    g_assert_cmpint(h->usage.input_total, ==, 5);
    g_assert_cmpint(h->usage.input_cache_read, ==, -1);
    g_assert_cmpint(h->usage.output_total, ==, -1);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, 200, JSON,
             "{\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":5,"
             "\"cache_read_input_tokens\":9223372036854775807,\"output_tokens\":"
             "9223372036854775807}}");
    g_assert_cmpint(h->usage.input_total, ==, 5);
    g_assert_cmpint(h->usage.input_cache_read, ==, -1);
    g_assert_cmpint(h->usage.output_total, ==, -1);
    host_heard_free(h);
}

/* -- Failures --------------------------------------------------------------------------------- */

struct error_case {
    unsigned status;
    const char *type;
    const char *message;
    uint16_t class_id;
};

static const struct error_case errors[] = {
    { 400, "invalid_request_error", "x", WEIR_CLASS_INVALID_REQUEST },
    { 400, "invalid_request_error", "Prompt is too long: 9 > 8", WEIR_CLASS_CONTEXT_LENGTH },
    { 400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 1",
      WEIR_CLASS_CONTEXT_LENGTH },
    { 400, "invalid_request_error", "Your credit balance is too low", WEIR_CLASS_QUOTA },
    { 400, "invalid_request_error", "Output blocked by content filtering policy",
      WEIR_CLASS_CONTENT_FILTER },
    { 401, "authentication_error", "x", WEIR_CLASS_AUTHENTICATION },
    { 402, "billing_error", "x", WEIR_CLASS_QUOTA },
    { 403, "permission_error", "x", WEIR_CLASS_PERMISSION },
    { 404, "not_found_error", "x", WEIR_CLASS_NOT_FOUND },
    { 413, "request_too_large", "x", WEIR_CLASS_CONTEXT_LENGTH },
    { 429, "rate_limit_error", "x", WEIR_CLASS_RATE_LIMIT },
    { 429, "rate_limit_error", "reached its spend limit", WEIR_CLASS_QUOTA },
    { 500, "api_error", "x", WEIR_CLASS_SERVER_ERROR },
    { 504, "timeout_error", "x", WEIR_CLASS_TIMEOUT },
    { 529, "overloaded_error", "x", WEIR_CLASS_OVERLOADED },
    { 529, "what", "x", WEIR_CLASS_OVERLOADED },
    { 418, "what", "x", WEIR_CLASS_INVALID_REQUEST },
    { 200, "overloaded_error", "x", WEIR_CLASS_OVERLOADED },
    { 200, "what", "x", WEIR_CLASS_SERVER_ERROR },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        const struct error_case *c = &errors[i];
        g_autofree char *body =
            g_strdup_printf("{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}",
                            c->type, c->message);
        g_autofree char *event = g_strdup_printf("%sevent: error\ndata: %s\n\n", START, body);
        struct host_heard *h = hear(WEIR_OP_CHAT, c->status, JSON "retry-after: 7\n", body);

        g_assert_cmpint(h->class_id, ==, c->class_id);
        g_assert_cmpint(h->http_status, ==, c->status);
        g_assert_cmpstr(h->message, ==, c->message);
        g_assert_cmpstr(h->code, ==, c->type);
        g_assert_cmpint(h->retry_after_us, ==, 7000000);
        host_heard_free(h);
        if (c->status != 200)
            continue;
        h = hear(WEIR_OP_CHAT, 200, SSE, event);
        g_assert_cmpint(h->class_id, ==, c->class_id);
        g_assert_cmpint(h->errors, ==, 1);
        host_heard_free(h);
    }
}

/* Whoever stands before the API has forms of his own. */
static void test_odd_errors(void)
{
    static const char *const cases[][2] = {
        { "{\"error\":\"no\"}", "no" },
        { "{\"message\":\"no\"}", "no" },
        { "no\n", "no" },
        { "<html>", "the answer says no more than its status" },
        { "", "the answer says no more than its status" },
        { "[]", "the answer says no more than its status" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct host_heard *h = hear(WEIR_OP_CHAT, 502, JSON, cases[i][0]);

        g_assert_cmpint(h->class_id, ==, WEIR_CLASS_SERVER_ERROR);
        g_assert_cmpstr(h->message, ==, cases[i][1]);
        host_heard_free(h);
    }
}

static void test_rate(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, 200,
             SSE "anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 7"
                 "\nanthropic-ratelimit-requests-reset: 2023-11-14T22:13:50Z\n"
                 "anthropic-ratelimit-tokens-limit: 900\nanthropic-ratelimit-tokens-remaining: 80\n"
                 "anthropic-ratelimit-tokens-reset: 2023-11-14T23:13:20.5+01:00\n",
             START END("end_turn") STOP);

    g_assert_cmpint(h->rate.requests_limit, ==, 50);
    g_assert_cmpint(h->rate.requests_left, ==, 7);
    g_assert_cmpint(h->rate.requests_reset_us, ==, 30 * 1000000);
    g_assert_cmpint(h->rate.tokens_limit, ==, 900);
    g_assert_cmpint(h->rate.tokens_left, ==, 80);
    g_assert_cmpint(h->rate.tokens_reset_us, ==, 0);
    host_heard_free(h);
}

/* -- Whole answers and documents -------------------------------------------------------------- */

static void test_whole(void)
{
    static const char *const broken[] = {
        "{}",
        "[]",
        "x",
        "{\"content\":[]}",
        "{\"content\":[],\"stop_reason\":null}",
        "{\"content\":[1],\"stop_reason\":\"end_turn\"}",
        "{\"content\":[{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":[1]}],"
        "\"stop_reason\":\"tool_use\"}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        struct host_heard *h = hear(WEIR_OP_CHAT, 200, JSON, broken[i]);

        g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
        g_assert_cmpstr(h->finish->str, ==, "");
        host_heard_free(h);
    }
}

static void test_documents(void)
{
    struct host_heard *h = hear(WEIR_OP_COUNT, 200, JSON, "{ \"input_tokens\": 9, \"x\": 1 }");

    g_assert_cmpstr(h->document, ==, "{\"input_tokens\":9}");
    host_heard_free(h);
    h = hear(WEIR_OP_COUNT, 200, JSON, "{\"input_tokens\":-1}");
    g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
    host_heard_free(h);
    h = hear(
        WEIR_OP_MODELS, 200, JSON,
        "{\"data\":[{\"type\":\"model\",\"id\":\"c\",\"display_name\":\"C\",\"created_at\":"
        "\"2026-07-24T00:00:00Z\",\"max_input_tokens\":9,\"max_tokens\":8,\"capabilities\":{"
        "\"image_input\":{\"supported\":true},\"pdf_input\":{\"supported\":false}}},{\"id\":1},"
        "{\"id\":\"d\"}]}");
    g_assert_cmpstr(
        h->document, ==,
        "{\"object\":\"list\",\"data\":[{\"id\":\"c\",\"object\":\"model\",\"created\":1784851200,"
        "\"owned_by\":\"anthropic\",\"name\":\"C\",\"context_window\":9,\"max_output_tokens\":8,"
        "\"capabilities\":[\"stream\",\"tools\",\"parallel_tools\",\"images\"]},{\"id\":\"d\","
        "\"object\":\"model\",\"created\":0,\"owned_by\":\"anthropic\"}]}");
    host_heard_free(h);
}

static void test_forward(void)
{
    struct host_heard *h = hear(WEIR_OP_FORWARD, 200, JSON, "{\"x\":1}");

    g_assert_cmpstr(h->relayed->str, ==, "{\"x\n\":1\n}\n");
    g_assert_cmpstr(h->finish->str, ==, "0:");
    host_heard_free(h);
}

/* -- A schema asked for by a tool ------------------------------------------------------------- */

static void test_schema_tool(void)
{
    static const char request[] =
        "{\"stream\":true,\"messages\":[],\"response_format\":{\"type\":\"json_schema\","
        "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}}";
    static const char stream[] =
        START OPEN("0", "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"json_answer\",\"input\":{}")
            DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":1}\"")
                CLOSE("0") END("tool_use") STOP;
    struct host_heard *h =
        hear_at(WEIR_OP_CHAT, request, "claude-3-5-haiku-latest", 200, SSE, stream, false);

    g_assert_cmpstr(h->log->str, ==,
                    BEGUN "open 0.0 text\ndelta 0.0 {\"x\":1}\nclose 0.0\n" DONE "1\n");
    host_heard_free(h);
    /* where the model has another way, a tool of that name is the application's */
    h = hear_at(WEIR_OP_CHAT, request, "claude-opus-4-7", 200, SSE, stream, false);
    g_assert_cmpuint(h->calls->len, ==, 1);
    host_heard_free(h);
}

int main(int argc, char **argv)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_arena arena;
    weir_json options;

    g_test_init(&argc, &argv, NULL);
    host_arena_init(&arena);
    options = host_scan(&arena, "{}");
    g_assert_cmpint(face->configure(&host_services, &options, &configured, NULL), ==, WEIR_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        g_autofree char *path = g_strconcat("/anthropic/decode/stream/", streams[i].name, NULL);
        g_test_add_data_func(path, &streams[i], test_stream);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(breaches); i++) {
        g_autofree char *path = g_strconcat("/anthropic/decode/breach/", breaches[i].name, NULL);
        g_test_add_data_func(path, &breaches[i], test_breach);
    }
    g_test_add_func("/anthropic/decode/cut", test_cut);
    g_test_add_func("/anthropic/decode/usage", test_usage);
    g_test_add_func("/anthropic/decode/errors", test_errors);
    g_test_add_func("/anthropic/decode/odd-errors", test_odd_errors);
    g_test_add_func("/anthropic/decode/rate", test_rate);
    g_test_add_func("/anthropic/decode/whole", test_whole);
    g_test_add_func("/anthropic/decode/documents", test_documents);
    g_test_add_func("/anthropic/decode/forward", test_forward);
    g_test_add_func("/anthropic/decode/schema-tool", test_schema_tool);

    int result = g_test_run();

    face->release(configured);
    host_arena_clear(&arena);
    return result;
}
