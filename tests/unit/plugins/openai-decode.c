/*
 * Answers as servers of the OpenAI API send them, and the events that must come of them.
 */
#include "host.h"

#define SSE  "content-type: text/event-stream\n"
#define JSON "content-type: application/json\n"
#define CHUNK(delta, finish)                                                         \
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" delta \
    ",\"finish_reason\":" finish "}]}\n\n"
#define STOP       CHUNK("{}", "\"stop\"")
#define DONE       "data: [DONE]\n\n"
#define CALL(rest) CHUNK("{\"tool_calls\":[" rest "]}", "null")
#define ENDED      CHUNK("{}", "\"tool_calls\"")

static void *configured;

static struct host_heard *hear(uint8_t op, unsigned status, const char *headers, const char *body,
                               bool cut)
{
    struct host_exchange *e = host_exchange_new(op, "{\"stream\":true}", "m");
    struct host_heard *h;

    h = host_decode(host_part(WEIR_PART_PROVIDER), configured, e, status, headers,
                    weir_str_of(body), 3, cut);
    g_assert_false(h->broken);
    host_exchange_free(e);
    return h;
}

/* -- Events ----------------------------------------------------------------------------------- */

struct log_case {
    const char *name;
    const char *body;
    const char *log;
};

static const struct log_case streams[] = {
    { "text",
      CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null")
          CHUNK("{\"content\":\"a\\nb\"}", "null") STOP
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n" DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nb\nusage 3 2\nclose 0.0\nfinish 0 1\n" },
    { "no-done", CHUNK("{\"content\":\"a\"}", "\"length\""),
      "start a m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 2\n" },
    { "reasoning-first",
      CHUNK("{\"reasoning_content\":\"hm\"}", "null")
          CHUNK("{\"content\":\"a\",\"reasoning_content\":null}", "null") STOP DONE,
      "start a m\nopen 0.0 reasoning\ndelta 0.0 hm\nclose 0.0\nopen 0.1 text\ndelta 0.1 a\n"
      "close 0.1\nfinish 0 1\n" },
    { "reasoning-as-reasoning", CHUNK("{\"content\":\"\",\"reasoning\":\"hm\"}", "null") STOP DONE,
      "start a m\nopen 0.0 reasoning\ndelta 0.0 hm\nclose 0.0\nfinish 0 1\n" },
    { "refusal", CHUNK("{\"refusal\":\"no\"}", "null") STOP DONE,
      "start a m\nopen 0.0 refusal\ndelta 0.0 no\nclose 0.0\nfinish 0 1\n" },
    { "call-in-fragments",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}")
          CALL("{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\"\"}}")
              CALL("{\"index\":0,\"function\":{\"arguments\":\":1}\"}}") ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {\"x\"\ndelta 0.0 :1}\nclose 0.0\n"
      "finish 0 3\n" },
    { "two-calls-in-one-chunk",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
           "{\"index\":1,\"id\":\"j\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}")
          ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nopen 0.1 tool_call j g\n"
      "delta 0.1 {}\nclose 0.0\nclose 0.1\nfinish 0 3\n" },
    { "all-calls-index-0",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          CALL("{\"index\":0,\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
              ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nopen 0.1 tool_call j f\n"
      "delta 0.1 {}\nclose 0.0\nclose 0.1\nfinish 0 3\n" },
    { "calls-without-ids",
      CALL("{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          CALL("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}}") ENDED DONE,
      "start a m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {}\n"
      "open 0.1 tool_call call_9e3779b97f4a7c3f f\ndelta 0.1 []\nclose 0.0\nclose 0.1\nfinish 0 "
      "3\n" },
    { "calls-without-index",
      CALL("{\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}")
          CALL("{\"function\":{\"arguments\":\"}\"}}")
              CALL("{\"id\":\"j\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}") ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {\ndelta 0.0 }\n"
      "open 0.1 tool_call j g\ndelta 0.1 {}\nclose 0.0\nclose 0.1\nfinish 0 3\n" },
    { "name-again-with-every-fragment",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}")
          CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}")
              ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {\ndelta 0.0 }\nclose 0.0\nfinish 0 3\n" },
    { "id-before-name",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"arguments\":\"\"}}")
          CALL("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}") ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nclose 0.0\nfinish 0 3\n" },
    { "arguments-as-object",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}")
          ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {\"x\":1}\nclose 0.0\nfinish 0 3\n" },
    { "stop-with-a-call",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          STOP DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nclose 0.0\nfinish 0 3\n" },
    { "function-call",
      CHUNK("{\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}}", "null")
          CHUNK("{\"function_call\":{\"arguments\":\"{}\"}}", "null")
              CHUNK("{}", "\"function_call\"") DONE,
      "start a m\nopen 0.0 tool_call call_000000000000002a f\ndelta 0.0 {}\nclose 0.0\n"
      "finish 0 7\n" },
    { "extras",
      "data: {\"id\":\"a\",\"model\":\"m\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,"
      "\"delta\":{\"content\":\"a\"},\"logprobs\":{\"c\":1},\"other\":2,\"none\":null,"
      "\"finish_reason\":\"stop\"}]}\n\n" DONE,
      "start a m +\"system_fingerprint\":\"fp\"\nopen 0.0 text\ndelta 0.0 a +\"logprobs\":{\"c\":1}"
      "\ndelta 0.0  +\"other\":2\nclose 0.0\nfinish 0 1\n" },
    { "created",
      "data: "
      "{\"id\":\"a\",\"model\":\"m\",\"created\":17,\"choices\":[{\"delta\":{\"content\":\"a\"},"
      "\"finish_reason\":\"stop\"}]}\n\n" DONE,
      "start a m +\"created\":17\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nfinish 0 1\n" },
    { "signed-reasoning",
      CHUNK("{\"reasoning_details\":[{\"signature\":\"s\"},{\"data\":\"d\"},{\"text\":\"t\"}]}",
            "null") STOP DONE,
      "start a m\nevent 12\nevent 12\nfinish 0 1\n" },
    { "audio-id", CHUNK("{\"audio\":{\"id\":\"x\",\"data\":\"AA==\"}}", "null") STOP DONE,
      "start a m\nopen 0.0 audio\nevent 12\ndelta 0.0  +\"audio\":{\"id\":\"x\",\"data\":"
      "\"AA==\"}\nclose 0.0\nfinish 0 1\n" },
    { "two-choices",
      "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},"
      "\"finish_reason\":\"stop\"},{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":"
      "\"stop\"}]}\n\n" DONE,
      "start a m\nopen 1.0 text\ndelta 1.0 b\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nclose 1.0\n"
      "finish 0 1\nfinish 1 1\n" },
    { "thinking-parts",
      CHUNK(
          "{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]"
          "},{\"type\":\"text\",\"text\":\"a\"}]}",
          "null") STOP DONE,
      "start a m\nopen 0.0 reasoning\ndelta 0.0 hm\nclose 0.0\nopen 0.1 text\ndelta 0.1 a\n"
      "close 0.1\nfinish 0 1\n" },
    { "done-without-reason", CHUNK("{\"content\":\"a\"}", "null") DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "end-without-anything", CHUNK("{\"content\":\"a\"}", "null"),
      "start a m\nopen 0.0 text\ndelta 0.0 a\n" }, /* the host raises protocol */
    { "one-choice-of-two-ended",
      "data: "
      "{\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}},"
      "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
      "start a m\nopen 1.0 text\ndelta 1.0 b\n" },
    { "garbage", CHUNK("{\"content\":\"a\"}", "null") "data: {nonsense\n\n" STOP DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "error-in-stream",
      CHUNK("{\"content\":\"a\"}",
            "null") "data: {\"error\":{\"message\":\"x\",\"code\":502}}\n\n" DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nerror server_error\n" },
    { "arguments-of-parallel-calls-in-turns",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}")
          CALL("{\"index\":1,\"id\":\"j\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}")
              CALL("{\"index\":0,\"function\":{\"arguments\":\"}\"}}") ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {\nopen 0.1 tool_call j g\n"
      "delta 0.1 {}\ndelta 0.0 }\nclose 0.0\nclose 0.1\nfinish 0 3\n" },
    { "text-after-the-end", STOP CHUNK("{\"content\":\"a\"}", "null") DONE,
      "start a m\nerror protocol\n" },
    { "the-last-event-twice",
      CHUNK("{\"content\":\"a\"}", "\"stop\"") CHUNK("{\"content\":\"a\"}", "\"stop\"") DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nerror protocol\n" },
    { "an-end-of-each-call", /* Together */
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          ENDED CALL(
              "{\"index\":1,\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
              ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nopen 0.1 tool_call j f\ndelta 0.1 {}\n"
      "close 0.0\nclose 0.1\nfinish 0 3\n" },
    { "another-end", /* OpenRouter */
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          ENDED CHUNK("{\"content\":\"a\"}", "\"stop\"") DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nopen 0.1 text\ndelta 0.1 a\nclose 0.1\n"
      "close 0.0\nfinish 0 3\n" },
    { "call-after-the-end",
      STOP CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          DONE,
      "start a m\nerror protocol\n" },
    { "arguments-after-the-end",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}")
          ENDED CALL("{\"index\":0,\"function\":{\"arguments\":\"}\"}}") DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {\nerror protocol\n" },
    { "nothing-after-the-end",
      CHUNK("{\"content\":\"a\"}", "\"stop\"") CHUNK("{\"content\":\"\"}", "null") STOP
      "data: {\"choices\":null,\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n" DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nusage 3 2\nclose 0.0\nfinish 0 1\n" },
    { "a-call-is-missing",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          CALL("{\"index\":2,\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
              ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nerror protocol\n" },
    { "a-call-is-missing-after-text",
      CHUNK("{\"content\":\"a\"}", "null")
          CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
              CALL("{\"index\":2,\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
                  ENDED DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nopen 0.1 tool_call i f\n"
      "delta 0.1 {}\nerror protocol\n" },
    { "the-first-call-is-missing",
      CALL("{\"index\":1,\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          ENDED DONE,
      "start a m\nerror protocol\n" },
    { "calls-numbered-among-blocks", /* of those who have the numbers of Anthropic's blocks */
      CHUNK("{\"content\":\"a\"}", "null")
          CALL("{\"index\":1,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
              CHUNK("{\"content\":\"b\"}", "null") CALL(
                  "{\"index\":3,\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
                  ENDED DONE,
      "start a m\nopen 0.0 text\ndelta 0.0 a\nclose 0.0\nopen 0.1 tool_call i f\n"
      "delta 0.1 {}\nopen 0.2 text\ndelta 0.2 b\nclose 0.2\nopen 0.3 tool_call j f\n"
      "delta 0.3 {}\nclose 0.1\nclose 0.3\nfinish 0 3\n" },
    { "arguments-of-no-call",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
          CALL("{\"index\":1,\"function\":{\"arguments\":\"{}\"}}") ENDED DONE,
      "start a m\nopen 0.0 tool_call i f\ndelta 0.0 {}\nerror protocol\n" },
    { "call-without-a-name",
      CALL("{\"index\":0,\"id\":\"i\",\"function\":{\"arguments\":\"{}\"}}") ENDED DONE,
      "start a m\nerror protocol\n" },
};

/* What cannot be read is no end of an answer, in a stream and whole. */
static const char *const wrong[] = {
    "{\"choices\":7}",
    "{\"choices\":[7]}",
    "{\"choices\":[{\"index\":0,\"DELTA\":7,\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"index\":\"0\",\"DELTA\":{},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"index\":0,\"DELTA\":{},\"finish_reason\":7}]}",
    "{\"choices\":[{\"index\":0,\"DELTA\":{\"content\":7},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"index\":0,\"DELTA\":{\"content\":{}},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"index\":0,\"DELTA\":{\"content\":[7]},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"content\":[{\"type\":7,\"text\":\"a\"}]},\"finish_reason\":"
    "\"stop\"}]"
    "}",
    "{\"choices\":[{\"DELTA\":{\"content\":[{\"type\":\"thinking\",\"thinking\":7}]},"
    "\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":"
    "\"text\","
    "\"text\":7}]}]},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"reasoning_content\":7},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"refusal\":[]},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"tool_calls\":7},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"tool_calls\":[7]},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"tool_calls\":[{\"function\":7}]},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":7}}]},"
    "\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"DELTA\":{\"function_call\":7},\"finish_reason\":\"stop\"}]}",
};

static void test_wrong_types(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        for (int stream = 0; stream < 2; stream++) {
            GString *body = g_string_new(wrong[i]);
            struct host_heard *h;

            g_string_replace(body, "DELTA", stream ? "delta" : "message", 0);
            if (stream) {
                g_string_prepend(body, CHUNK("{\"content\":\"a\"}", "null") "data: ");
                g_string_append(body, "\n\n" STOP DONE);
            }
            h = hear(WEIR_OP_CHAT, 200, stream ? SSE : JSON, body->str, false);
            g_test_message("%s", body->str);
            g_assert_cmpint(h->errors, ==, 1);
            g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
            g_assert_cmpuint(h->finish->len, ==, 0);
            host_heard_free(h);
            g_string_free(body, TRUE);
        }
    }
}

/* The same of the Responses API. */
static void test_wrong_items(void)
{
    static const char *const items[] = {
        "{\"type\":\"message\",\"content\":7}",
        "{\"type\":\"message\",\"content\":[7]}",
        "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":7}]}",
        "{\"type\":\"reasoning\",\"summary\":7}",
        "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":7}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
        g_autofree char *body =
            g_strconcat("{\"status\":\"completed\",\"output\":[", items[i], "]}", NULL);
        struct host_exchange *e =
            host_exchange_new(WEIR_OP_CHAT, "{\"input\":\"a\"}", "gpt-5-codex");
        struct host_heard *h = host_decode(host_part(WEIR_PART_PROVIDER), configured, e, 200, JSON,
                                           weir_str_of(body), 3, false);

        g_assert_cmpint(h->errors, ==, 1);
        g_assert_cmpint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
        g_assert_cmpuint(h->finish->len, ==, 0);
        g_assert_cmpstr(h->message, ==, "an item of the answer has a member of a wrong type");
        host_heard_free(h);
        host_exchange_free(e);
    }
}

static void test_stream(gconstpointer data)
{
    const struct log_case *c = data;
    struct host_heard *h = hear(WEIR_OP_CHAT, 200, SSE, c->body, false);

    g_assert_cmpstr(h->log->str, ==, c->log);
    host_heard_free(h);
}

static void test_cut(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, 200, SSE, CHUNK("{\"content\":\"a\"}", "\"stop\""), true);

    g_assert_cmpstr(h->log->str, ==, "start a m\nopen 0.0 text\ndelta 0.0 a\n");
    host_heard_free(h);
}

/* -- Failures --------------------------------------------------------------------------------- */

static const struct {
    unsigned status;
    const char *body;
    uint16_t class_id;
    const char *message;
} failures[] = {
    { 401, "{\"error\":{\"message\":\"bad key\",\"code\":\"invalid_api_key\"}}",
      WEIR_CLASS_AUTHENTICATION, "bad key" },
    { 401, "{\"detail\":\"Invalid API Key\"}", WEIR_CLASS_AUTHENTICATION, "Invalid API Key" },
    { 403, "<html>forbidden</html>", WEIR_CLASS_PERMISSION,
      "the answer says no more than its status" },
    { 404, "{\"error\":{\"message\":\"no such model\",\"code\":\"model_not_found\"}}",
      WEIR_CLASS_NOT_FOUND, "no such model" },
    { 400, "{\"error\":{\"message\":\"m\",\"param\":\"x\",\"type\":\"invalid_request_error\"}}",
      WEIR_CLASS_INVALID_REQUEST, "m" },
    { 400, "{\"error\":{\"message\":\"m\",\"code\":\"context_length_exceeded\"}}",
      WEIR_CLASS_CONTEXT_LENGTH, "m" },
    { 400, "{\"error\":{\"message\":\"prompt too long; exceeded max context length by 7 tokens\"}}",
      WEIR_CLASS_CONTEXT_LENGTH, "prompt too long; exceeded max context length by 7 tokens" },
    { 400, "{\"error\":{\"message\":\"m\",\"code\":\"content_filter\"}}", WEIR_CLASS_CONTENT_FILTER,
      "m" },
    { 400, "{\"object\":\"error\",\"message\":\"Invalid model: x\",\"type\":\"invalid_model\"}",
      WEIR_CLASS_NOT_FOUND, "Invalid model: x" },
    { 400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"a \\\"b\\\"\"}",
      WEIR_CLASS_INVALID_REQUEST, "a \"b\"" },
    { 422, "{\"detail\":[{\"msg\":\"x\"}]}", WEIR_CLASS_INVALID_REQUEST, "[{\"msg\":\"x\"}]" },
    { 429, "{\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}",
      WEIR_CLASS_RATE_LIMIT, "slow" },
    { 429, "{\"error\":{\"message\":\"pay\",\"type\":\"insufficient_quota\"}}", WEIR_CLASS_QUOTA,
      "pay" },
    { 402, "{\"error\":{\"message\":\"pay\"}}", WEIR_CLASS_QUOTA, "pay" },
    { 500, "oops", WEIR_CLASS_SERVER_ERROR, "oops" },
    { 503, "", WEIR_CLASS_OVERLOADED, "the answer says no more than its status" },
    { 504, "", WEIR_CLASS_TIMEOUT, "the answer says no more than its status" },
    { 529, "[{\"error\":{\"message\":\"busy\"}}]", WEIR_CLASS_OVERLOADED, "busy" },
    { 200, "{\"error\":{\"message\":\"m\",\"code\":429}}", WEIR_CLASS_RATE_LIMIT, "m" },
    { 200, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}",
      WEIR_CLASS_INVALID_REQUEST, "m" },
    { 200, "{\"choices\":[]}", WEIR_CLASS_PROTOCOL, "the answer has no choices" },
    { 200, "hello", WEIR_CLASS_PROTOCOL, "the answer is not JSON" },
    { 302, "", WEIR_CLASS_PROTOCOL, "the answer says no more than its status" },
};

static void test_failures(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        struct host_heard *h =
            hear(WEIR_OP_CHAT, failures[i].status, JSON, failures[i].body, false);

        g_test_message("%u %s", failures[i].status, failures[i].body);
        g_assert_cmpint(h->errors, ==, 1);
        g_assert_cmpstr(weir_class_name(h->class_id), ==, weir_class_name(failures[i].class_id));
        g_assert_cmpstr(h->message, ==, failures[i].message);
        g_assert_cmpuint(h->finish->len, ==, 0);
        host_heard_free(h);
    }
}

static void test_limits(void)
{
    struct host_heard *h =
        hear(WEIR_OP_CHAT, 429,
             JSON "retry-after: 7\nx-ratelimit-limit-requests: 10\n"
                  "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1m19.156s\n",
             "{}", false);

    g_assert_cmpint(h->retry_after_us, ==, 7000000);
    g_assert_cmpint(h->rate.requests_limit, ==, 10);
    g_assert_cmpint(h->rate.requests_left, ==, 0);
    g_assert_cmpint(h->rate.requests_reset_us, ==, 79156000);
    g_assert_cmpint(h->rate.tokens_limit, ==, -1);
    host_heard_free(h);
    h = hear(WEIR_OP_CHAT, 429, JSON,
             "{\"error\":{\"message\":\"m\",\"metadata\":{\"headers\":{\"X-RateLimit-Reset\":"
             "\"1700000005000\"}}}}",
             false);
    g_assert_cmpint(h->retry_after_us, ==, 5000000);
    host_heard_free(h);
}

/* -- Usage ------------------------------------------------------------------------------------ */

static const struct {
    const char *usage;
    int64_t input, uncached, read, output, text, reasoning;
} usages[] = {
    { "\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15", 10, 10, -1, 5, -1, -1 },
    { "\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\"prompt_tokens_details\":"
      "{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":3}",
      10, 6, 4, 5, 2, 3 },
    { "\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\"prompt_cache_hit_tokens\""
      ":8,\"prompt_cache_miss_tokens\":2",
      10, 2, 8, 5, -1, -1 },
    /* xAI: reasoning is beside the completion */
    { "\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":115,"
      "\"completion_tokens_details\":{\"reasoning_tokens\":100}",
      10, 10, -1, 105, 5, 100 },
    /* Mistral: audio is beside the prompt */
    { "\"prompt_tokens\":11,\"completion_tokens\":15,\"total_tokens\":401,\"prompt_tokens_details\""
      ":{\"audio_tokens\":375,\"cached_tokens\":9}",
      386, 377, 9, 15, -1, -1 },
    /* more cached than there was, and the total says that it is not beside */
    { "\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\"num_cached_tokens\":64",
      10, -1, -1, 5, -1, -1 },
    { "\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":79,\"num_cached_tokens\":64",
      74, 10, 64, 5, -1, -1 },
    /* no counts at all */
    { "\"prompt_tokens\":9223372036854775807,\"completion_tokens\":5,\"total_tokens\":"
      "9223372036854775807,\"prompt_tokens_details\":{\"cached_tokens\":9223372036854775807}",
      -1, -1, -1, 5, -1, -1 },
};

/* field: 3.4.1, 3.4.3 */
static void test_usage(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(usages); i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}"
            "],\"usage\":{%s}}",
            usages[i].usage);
        struct host_heard *h = hear(WEIR_OP_CHAT, 200, JSON, body, false);

        g_assert_cmpint(h->usage.input_total, ==, usages[i].input);
        g_assert_cmpint(h->usage.input_uncached, ==, usages[i].uncached);
        g_assert_cmpint(h->usage.input_cache_read, ==, usages[i].read);
        g_assert_cmpint(h->usage.output_total, ==, usages[i].output);
        g_assert_cmpint(h->usage.output_text, ==, usages[i].text);
        g_assert_cmpint(h->usage.output_reasoning, ==, usages[i].reasoning);
        host_heard_free(h);
    }
}

/* -- Pass-through and documents --------------------------------------------------------------- */

#define USAGE_CHUNK \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n"

static void test_forced_usage(void)
{
    static const char body[] = CHUNK("{\"content\":\"a\"}", "\"stop\"") USAGE_CHUNK DONE;
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{\"stream\":true}", "m");
    struct host_heard *h;

    e->x.native = 1;
    for (e->x.asked_usage = 0; e->x.asked_usage < 2; e->x.asked_usage++) {
        h = host_decode(host_part(WEIR_PART_PROVIDER), configured, e, 200, SSE, weir_str_of(body),
                        0, false);
        g_assert_cmpint(h->usage.input_total, ==, 3);
        g_assert_cmpint(strstr(h->relayed->str, "usage") != NULL, ==, e->x.asked_usage);
        g_assert_nonnull(strstr(h->relayed->str, "[DONE]"));
        host_heard_free(h);
    }
    host_exchange_free(e);
}

static void test_documents(void)
{
    static const char embed[] = "{\"object\":\"list\",\"data\":[{\"embedding\":[1]}],\"usage\":{"
                                "\"prompt_tokens\":4,\"total_tokens\":4}}";
    struct host_heard *h = hear(WEIR_OP_EMBED, 200, JSON, embed, false);

    g_assert_cmpstr(h->document, ==, embed);
    g_assert_cmpint(h->usage.input_total, ==, 4);
    host_heard_free(h);
    h = hear(WEIR_OP_MODELS, 200, JSON, "[{\"id\":\"x\"}]", false);
    g_assert_cmpstr(h->document, ==, "{\"object\":\"list\",\"data\":[{\"id\":\"x\"}]}");
    host_heard_free(h);
    h = hear(WEIR_OP_MODELS, 200, JSON, "{\"models\":7}", false);
    g_assert_cmpuint(h->class_id, ==, WEIR_CLASS_PROTOCOL);
    host_heard_free(h);
    h = hear(WEIR_OP_FORWARD, 418, JSON, "teapot", false);
    g_assert_cmpint(h->errors, ==, 0);
    g_assert_cmpstr(h->relayed->str, ==, "tea\npot\n");
    host_heard_free(h);
}

int main(int argc, char **argv)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_arena arena;
    weir_json options;
    int result;

    g_test_init(&argc, &argv, NULL);
    host_arena_init(&arena);
    options = host_scan(&arena, "{}");
    g_assert_cmpint(face->configure(&host_services, &options, &configured, NULL), ==, WEIR_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        g_autofree char *path = g_strconcat("/openai/decode/", streams[i].name, NULL);
        g_test_add_data_func(path, &streams[i], test_stream);
    }
    g_test_add_func("/openai/decode/wrong-types", test_wrong_types);
    g_test_add_func("/openai/decode/wrong-items", test_wrong_items);
    g_test_add_func("/openai/decode/cut", test_cut);
    g_test_add_func("/openai/decode/failures", test_failures);
    g_test_add_func("/openai/decode/limits", test_limits);
    g_test_add_func("/openai/decode/usage", test_usage);
    g_test_add_func("/openai/decode/forced-usage", test_forced_usage);
    g_test_add_func("/openai/decode/documents", test_documents);
    result = g_test_run();
    face->release(configured);
    host_arena_clear(&arena);
    return result;
}
