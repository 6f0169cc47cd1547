/*
 * Answers that the dialect anthropic writes: as a stream and whole, failures, documents.
 */
#include "host.h"

static const weir_str none = { "", 0 };

/* A dialect with an exchange to write for. */
struct pen {
    const weir_dialect_v1 *face;
    void *cfg;
    void *state;
    struct host_exchange *e;
    struct host_reply reply;
    weir_events out;
};

static weir_result pen_event(void *ctx, const weir_event *event)
{
    struct pen *p = ctx;
    return p->face->event(p->cfg, p->state, &p->e->x, event, &p->reply.sink);
}

static void pen_init(struct pen *p, uint8_t op)
{
    weir_json no_options = { { "", 0 }, NULL, 0 };

    memset(p, 0, sizeof(*p));
    p->face = host_part(WEIR_PART_DIALECT);
    g_assert_cmpint(p->face->configure(&host_services, &no_options, &p->cfg, NULL), ==, WEIR_OK);
    p->state = g_malloc0(p->face->encoder_size);
    p->e = host_exchange_new(op, NULL, "m");
    host_reply_init(&p->reply);
    p->out = (weir_events){ p, pen_event };
}

static void pen_clear(struct pen *p)
{
    host_reply_clear(&p->reply);
    host_exchange_free(p->e);
    g_free(p->state);
    p->face->release(p->cfg);
}

static void block_end(struct pen *p, int32_t block, uint16_t kind, const char *extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_END);

    e.block = block;
    e.kind = kind;
    e.extra = weir_str_of(extra);
    g_assert_cmpint(pen_event(p, &e), ==, WEIR_OK);
}

static void finish(struct pen *p, uint16_t reason, const char *raw, const char *extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_FINISH);

    e.reason = reason;
    e.name = weir_str_of(raw);
    e.extra = weir_str_of(extra);
    g_assert_cmpint(pen_event(p, &e), ==, WEIR_OK);
    g_assert_cmpint(p->face->end(p->cfg, p->state, &p->e->x, &p->reply.sink), ==, WEIR_OK);
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START(usage)                                                                           \
    EVENT("message_start",                                                                     \
          ",\"message\":{\"id\":\"a\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"  \
          "\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{" usage \
          "}}")
#define OPEN(index, block) \
    EVENT("content_block_start", ",\"index\":" index ",\"content_block\":{" block "}")
#define DELTA(index, delta) \
    EVENT("content_block_delta", ",\"index\":" index ",\"delta\":{" delta "}")
#define CLOSE(index) EVENT("content_block_stop", ",\"index\":" index)
#define STOP         EVENT("message_stop", "")

static void test_stream(void)
{
    weir_usage usage = weir_usage_unknown();
    struct pen p;

    pen_init(&p, WEIR_OP_CHAT);
    weir_emit_start(&p.out, WEIR_S("a"), WEIR_S("m"), none);
    g_assert_cmpuint(p.reply.status, ==, 200);
    usage.input_total = 10;
    usage.input_cache_read = 4;
    weir_emit_usage(&p.out, &usage);
    g_assert_cmpuint(p.reply.bytes->len, ==, 0);
    weir_emit_block_start(&p.out, 0, 3, WEIR_BLOCK_REASONING, none, none);
    weir_emit_delta(&p.out, 0, 3, WEIR_BLOCK_REASONING, weir_text_from(WEIR_S("h")), none);
    block_end(&p, 3, WEIR_BLOCK_REASONING, "\"signature\":\"s\"");
    weir_emit_block_start(&p.out, 0, 4, WEIR_BLOCK_REASONING, none, none);
    block_end(&p, 4, WEIR_BLOCK_REASONING, "\"redacted_data\":\"d\"");
    weir_emit_block_start(&p.out, 0, 5, WEIR_BLOCK_TEXT, none, none);
    weir_emit_text(&p.out, 0, 5, weir_text_from(WEIR_S("\"")));
    block_end(&p, 5, WEIR_BLOCK_TEXT, "");
    weir_emit_block_start(&p.out, 0, 7, WEIR_BLOCK_TOOL_CALL, WEIR_S("i"), WEIR_S("f"));
    weir_emit_delta(&p.out, 0, 7, WEIR_BLOCK_TOOL_CALL, weir_text_from(WEIR_S("{}")), none);
    block_end(&p, 7, WEIR_BLOCK_TOOL_CALL, "");
    usage.output_total = 2;
    weir_emit_usage(&p.out, &usage);
    finish(&p, WEIR_FINISH_TOOL_CALLS, "tool_calls", "");
    g_assert_cmpstr(
        p.reply.bytes->str, ==,
        START("\"input_tokens\":6,\"cache_read_input_tokens\":4,\"output_tokens\":0")
            OPEN("0", "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
                DELTA("0", "\"type\":\"thinking_delta\",\"thinking\":\"h\"")
                    DELTA("0", "\"type\":\"signature_delta\",\"signature\":\"s\"") CLOSE("0")
                        OPEN("1", "\"type\":\"redacted_thinking\",\"data\":\"d\"") CLOSE("1")
                            OPEN("2", "\"type\":\"text\",\"text\":\"\"")
                                DELTA("2", "\"type\":\"text_delta\",\"text\":\"\\\"\"") CLOSE("2")
                                    OPEN("3", "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\","
                                              "\"input\":{}")
                                        DELTA("3", "\"type\":\"input_json_delta\",\"partial_json\":"
                                                   "\"{}\"") CLOSE("3")
                                            EVENT("message_delta",
                                                  ",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_"
                                                  "sequence\":null},\"usage\":{\"input_tokens\":6,"
                                                  "\"cache_read_input_tokens\":4,\"output_tokens\":"
                                                  "2}") STOP);
    pen_clear(&p);
}

/* What the API has no place for is left out, and numbers no holes. */
static void test_stream_places(void)
{
    static const char call[] = "\"api\":\"anthropic\",\"block\":{\"type\":\"server_tool_use\","
                               "\"input\":{\"q\":1},\"id\":\"s\"}";
    weir_event e = weir_event_make(WEIR_EVENT_DELTA);
    struct pen p;

    pen_init(&p, WEIR_OP_CHAT);
    weir_emit_start(&p.out, none, WEIR_S("m"), none);
    weir_emit_block_start(&p.out, 0, 0, WEIR_BLOCK_AUDIO, none, none);
    block_end(&p, 0, WEIR_BLOCK_AUDIO, "");
    weir_emit_block_start(&p.out, 0, 1, WEIR_BLOCK_SERVER_TOOL, none, WEIR_S("x"));
    block_end(&p, 1, WEIR_BLOCK_SERVER_TOOL, "\"api\":\"gemini\",\"block\":{\"a\":1}");
    weir_emit_block_start(&p.out, 0, 2, WEIR_BLOCK_REASONING, none, none);
    block_end(&p, 2, WEIR_BLOCK_REASONING, "\"encrypted_content\":\"e\"");
    g_assert_cmpuint(p.reply.bytes->len, ==, 0);
    weir_emit_block_start(&p.out, 0, 3, WEIR_BLOCK_SERVER_TOOL, none, WEIR_S("x"));
    block_end(&p, 3, WEIR_BLOCK_SERVER_TOOL, call);
    weir_emit_block_start(&p.out, 0, 4, WEIR_BLOCK_TEXT, none, none);
    e.block = 4;
    e.kind = WEIR_BLOCK_TEXT;
    e.extra = WEIR_S("\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\","
                     "\"title\":\"t\"}}],\"logprobs\":{}");
    pen_event(&p, &e);
    block_end(&p, 4, WEIR_BLOCK_TEXT, "");
    weir_emit_block_start(&p.out, 1, 5, WEIR_BLOCK_TEXT, none, none); /* another choice */
    finish(&p, WEIR_FINISH_STOP_SEQUENCE, "x", "\"stop_sequence\":\"END\"");
    g_assert_cmpstr(strstr(p.reply.bytes->str, "event: content_block_start"), ==,
                    OPEN("0", "\"type\":\"server_tool_use\",\"input\":{},\"id\":\"s\"")
                        DELTA("0", "\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":1}"
                                   "\"") CLOSE("0") OPEN("1", "\"type\":\"text\",\"text\":\"\"")
                            DELTA("1", "\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_"
                                       "search_result_location\",\"url\":\"u\",\"title\":\"t\","
                                       "\"cited_text\":\"\",\"encrypted_index\":\"\"}") CLOSE("1")
                                EVENT("message_delta",
                                      ",\"delta\":{\"stop_reason\":\"stop_sequence\",\"stop_"
                                      "sequence\":\"END\"},\"usage\":{\"input_tokens\":0,\"output_"
                                      "tokens\":0}") STOP);
    g_assert_nonnull(strstr(p.reply.bytes->str, "\"id\":\"x-1\""));
    pen_clear(&p);
}

static void test_answer(void)
{
    const weir_block blocks[] = {
        { sizeof(weir_block), WEIR_BLOCK_REASONING, 0, 0, 0, { "h\\n", 3, WEIR_FORM_JSON, 0 } },
        { sizeof(weir_block), WEIR_BLOCK_TEXT, 0, 0, 1, { "a\n", 2, WEIR_FORM_UTF8, 0 } },
        { sizeof(weir_block), WEIR_BLOCK_TEXT, 0, 0, 2, { "", 0, WEIR_FORM_UTF8, 0 } },
        { sizeof(weir_block),
          WEIR_BLOCK_TOOL_CALL,
          0,
          0,
          3,
          { "{\\\"x\\\":1}", 9, WEIR_FORM_JSON, 0 },
          WEIR_S("i"),
          WEIR_S("f") },
    };
    const weir_choice choice = { .struct_size = sizeof(choice),
                                 .reason = WEIR_FINISH_LENGTH,
                                 .raw_reason = WEIR_S("model_context_window_exceeded"),
                                 .extra = WEIR_S("\"container\":{\"id\":\"c\"}") };
    weir_usage usage = weir_usage_unknown();
    const weir_answer answer = { .struct_size = sizeof(answer),
                                 .id = WEIR_S("a"),
                                 .model = WEIR_S("m"),
                                 .blocks = { blocks, 4, sizeof(blocks[0]) },
                                 .choices = { &choice, 1, sizeof(choice) },
                                 .usage = &usage };
    struct pen p;

    usage.input_total = usage.input_uncached = 3;
    usage.input_cache_write = 9;
    usage.input_cache_write_1h = 4;
    usage.output_total = 5;
    usage.output_reasoning = 2;
    pen_init(&p, WEIR_OP_CHAT);
    g_assert_cmpint(p.face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_OK);
    g_assert_cmpstr(
        p.reply.bytes->str, ==,
        "{\"id\":\"a\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{"
        "\"type\":\"thinking\",\"thinking\":\"h\\n\",\"signature\":\"\"},{\"type\":\"text\","
        "\"text\":\"a\\n\"},{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"x\":1}}"
        "],\"stop_reason\":\"model_context_window_exceeded\",\"stop_sequence\":null,\"container\":"
        "{\"id\":\"c\"},\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":9,\"cache_"
        "creation\":{\"ephemeral_5m_input_tokens\":5,\"ephemeral_1h_input_tokens\":4},\"output_"
        "tokens\":5,\"output_tokens_details\":{\"thinking_tokens\":2}}}");
    pen_clear(&p);
}

/* An application would run a call that was cut: it is left out. */
static void test_broken_call(void)
{
    weir_block block = { .struct_size = sizeof(block),
                         .kind = WEIR_BLOCK_TOOL_CALL,
                         .text = { "{\"x\":", 5, WEIR_FORM_UTF8, 0 },
                         .id = WEIR_S("i"),
                         .name = WEIR_S("f") };
    weir_choice choice = { .struct_size = sizeof(choice), .reason = WEIR_FINISH_LENGTH };
    const weir_answer answer = { .struct_size = sizeof(answer),
                                 .blocks = { &block, 1, sizeof(block) },
                                 .choices = { &choice, 1, sizeof(choice) } };
    struct pen p;

    pen_init(&p, WEIR_OP_CHAT);
    g_assert_cmpint(p.face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_OK);
    g_assert_nonnull(strstr(p.reply.bytes->str, "\"content\":[],\"stop_reason\":\"max_tokens\""));
    choice.reason = WEIR_FINISH_TOOL_CALLS;
    g_assert_cmpint(p.face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_PROTOCOL);
    pen_clear(&p);
    pen_init(&p, WEIR_OP_CHAT);
    block.extra = WEIR_S("\"type\":\"custom\"");
    g_assert_cmpint(p.face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_OK);
    g_assert_nonnull(strstr(p.reply.bytes->str, "\"input\":{\"input\":\"{\\\"x\\\":\"}"));
    pen_clear(&p);
}

/* What was streamed cannot be left out any more: no answer ends well behind it, and nothing follows
 * it. Brackets that pair are not enough. */
static void test_broken_stream(void)
{
    weir_event end = weir_event_make(WEIR_EVENT_FINISH);
    struct pen p;

    pen_init(&p, WEIR_OP_CHAT);
    weir_emit_start(&p.out, WEIR_S("a"), WEIR_S("m"), none);
    weir_emit_block_start(&p.out, 0, 0, WEIR_BLOCK_TOOL_CALL, WEIR_S("i"), WEIR_S("f"));
    weir_emit_delta(&p.out, 0, 0, WEIR_BLOCK_TOOL_CALL, weir_text_from(WEIR_S("{\"\"x")), none);
    weir_emit_delta(&p.out, 0, 0, WEIR_BLOCK_TOOL_CALL, weir_text_from(WEIR_S(":1}")), none);
    block_end(&p, 0, WEIR_BLOCK_TOOL_CALL, "");
    g_assert_cmpint(weir_emit_block_start(&p.out, 0, 1, WEIR_BLOCK_TEXT, none, none), ==,
                    WEIR_PROTOCOL);
    end.reason = WEIR_FINISH_TOOL_CALLS;
    g_assert_cmpint(pen_event(&p, &end), ==, WEIR_PROTOCOL);
    g_assert_null(strstr(p.reply.bytes->str, "message_delta"));
    finish(&p, WEIR_FINISH_LENGTH, "length", "");
    g_assert_nonnull(strstr(p.reply.bytes->str, "\"stop_reason\":\"max_tokens\""));
    pen_clear(&p);
}

struct failure_case {
    uint16_t class_id;
    uint16_t upstream;
    unsigned status;
    const char *type;
};

static const struct failure_case failures[] = {
    { WEIR_CLASS_AUTHENTICATION, 401, 401, "authentication_error" },
    { WEIR_CLASS_PERMISSION, 403, 403, "permission_error" },
    { WEIR_CLASS_NOT_FOUND, 404, 404, "not_found_error" },
    { WEIR_CLASS_INVALID_REQUEST, 422, 400, "invalid_request_error" },
    { WEIR_CLASS_CONTEXT_LENGTH, 400, 400, "invalid_request_error" },
    { WEIR_CLASS_CONTEXT_LENGTH, 413, 413, "request_too_large" },
    { WEIR_CLASS_CONTENT_FILTER, 400, 400, "invalid_request_error" },
    { WEIR_CLASS_RATE_LIMIT, 429, 429, "rate_limit_error" },
    { WEIR_CLASS_QUOTA, 429, 402, "billing_error" },
    { WEIR_CLASS_OVERLOADED, 503, 529, "overloaded_error" },
    { WEIR_CLASS_SERVER_ERROR, 500, 500, "api_error" },
    { WEIR_CLASS_TIMEOUT, 0, 504, "timeout_error" },
    { WEIR_CLASS_CONNECTION, 0, 502, "api_error" },
    { WEIR_CLASS_PROTOCOL, 200, 502, "api_error" },
    { WEIR_CLASS_NO_ROUTE, 0, 404, "not_found_error" },
    { WEIR_CLASS_UNSUPPORTED, 0, 400, "invalid_request_error" },
    { WEIR_CLASS_BUDGET, 0, 504, "timeout_error" },
    { WEIR_CLASS_POLICY, 0, 403, "permission_error" },
    { WEIR_CLASS_INTERNAL, 0, 500, "api_error" },
};

static void test_failures(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        const struct failure_case *c = &failures[i];
        weir_failure f = weir_failure_make(c->class_id, c->upstream, WEIR_S("why"));
        g_autofree char *body =
            g_strdup_printf("{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"why\"},"
                            "\"request_id\":\"x-1\"}",
                            c->type);
        g_autofree char *event = g_strdup_printf("event: error\ndata: %s\n\n", body);
        struct pen p;

        pen_init(&p, WEIR_OP_CHAT);
        g_assert_cmpint(p.face->failure(p.cfg, NULL, &p.e->x, &f, &p.reply.sink), ==, WEIR_OK);
        g_assert_cmpuint(p.reply.status, ==, c->status);
        g_assert_cmpstr(p.reply.bytes->str, ==, body);
        g_string_truncate(p.reply.bytes, 0);
        g_assert_cmpint(p.face->failure(p.cfg, p.state, &p.e->x, &f, &p.reply.sink), ==, WEIR_OK);
        g_assert_cmpstr(p.reply.bytes->str, ==, event);
        pen_clear(&p);
    }
}

static void test_documents(void)
{
    static const char models[] =
        "{\"data\":[{\"id\":\"x\",\"created\":1784851200,\"name\":\"X\",\"context_window\":9,"
        "\"max_output_tokens\":8},{\"id\":\"y\",\"created\":951782400}]}";
    weir_event event = weir_event_make(WEIR_EVENT_DOCUMENT);
    struct pen p;

    pen_init(&p, WEIR_OP_COUNT);
    event.text = weir_text_from(WEIR_S("{\"input_tokens\":9}"));
    g_assert_cmpint(pen_event(&p, &event), ==, WEIR_OK);
    g_assert_cmpstr(p.reply.bytes->str, ==, "{\"input_tokens\":9}");
    pen_clear(&p);

    pen_init(&p, WEIR_OP_MODELS);
    event.text = weir_text_from(weir_str_of(models));
    g_assert_cmpint(pen_event(&p, &event), ==, WEIR_OK);
    g_assert_cmpstr(p.reply.bytes->str, ==,
                    "{\"data\":[{\"type\":\"model\",\"id\":\"x\",\"display_name\":\"X\",\"created_"
                    "at\":\"2026-07-24T00:00:00Z\",\"max_input_tokens\":9,\"max_tokens\":8},{"
                    "\"type\":\"model\",\"id\":\"y\",\"display_name\":\"y\",\"created_at\":\"2000-"
                    "02-29T00:00:00Z\"}],\"has_more\":false,\"first_id\":\"x\",\"last_id\":\"y\"}");
    pen_clear(&p);

    pen_init(&p, WEIR_OP_MODELS);
    p.e->x.asked_model = WEIR_S("y");
    g_assert_cmpint(pen_event(&p, &event), ==, WEIR_OK);
    g_assert_true(g_str_has_prefix(p.reply.bytes->str, "{\"type\":\"model\",\"id\":\"y\""));
    p.reply.status = 0;
    p.e->x.asked_model = WEIR_S("z");
    g_assert_cmpint(pen_event(&p, &event), ==, WEIR_OK);
    g_assert_cmpuint(p.reply.status, ==, 404);
    pen_clear(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/anthropic/write/stream", test_stream);
    g_test_add_func("/anthropic/write/stream-places", test_stream_places);
    g_test_add_func("/anthropic/write/answer", test_answer);
    g_test_add_func("/anthropic/write/broken-call", test_broken_call);
    g_test_add_func("/anthropic/write/broken-stream", test_broken_stream);
    g_test_add_func("/anthropic/write/failures", test_failures);
    g_test_add_func("/anthropic/write/documents", test_documents);
    return g_test_run();
}
