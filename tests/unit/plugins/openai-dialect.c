/*
 * The dialect openai: what it reads of a request, and what it writes of an answer.
 */
#include "told.h"

static void read_body(struct told *t, const char *body, void *cfg)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    const weir_header key = { WEIR_S("Authorization"), WEIR_S("Bearer app-key") };
    weir_ingress in = { .struct_size = sizeof(in),
                        .method = WEIR_S("POST"),
                        .headers = &key,
                        .header_count = 1,
                        .body = weir_str_of(body) };
    weir_result result;
    weir_json json;

    told_init(t);
    in.arena = t->arena.arena;
    if (body[0] == '{' || body[0] == '[') {
        json = host_scan(&t->arena, body);
        in.json = &json;
    }
    result = face->read(cfg, &in, &t->sink);
    g_assert_cmpint(result, ==, t->refusal ? WEIR_STOPPED : WEIR_OK);
    if (in.json && !t->refusal)
        g_assert_cmpint(face->translate(cfg, &in, &t->sink), ==, WEIR_OK);
}

static void test_facts(void)
{
    void *cfg = host_dialect();
    struct told t;

    read_body(&t,
              "{\"model\":\"m\\u0031\",\"provider\":\"p\",\"stream\":true,\"stream_options\":{"
              "\"include_usage\":true},\"max_tokens\":7,\"n\":2,\"user\":\"u\",\"tools\":[{}],"
              "\"prompt_cache_key\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
              "\"image_url\"},{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]}]}",
              cfg);
    g_assert_null(t.refusal);
    g_assert_true(weir_str_is(t.facts.model, "m1"));
    g_assert_true(weir_str_is(t.facts.provider, "p"));
    g_assert_true(weir_str_is(t.facts.user, "u"));
    g_assert_true(weir_str_is(t.facts.session, "s"));
    g_assert_cmpint(t.facts.stream, ==, 1);
    g_assert_cmpint(t.facts.asked_usage, ==, 1);
    g_assert_cmpint(t.facts.output_tokens, ==, 7);
    g_assert_cmpuint(t.facts.messages, ==, 1);
    g_assert_cmpuint(t.facts.needs, ==,
                     WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_IMAGES | WEIR_CAN_DOCUMENTS |
                         WEIR_CAN_CHOICES);
    g_assert_cmpstr(t.opaque->str, ==, "file-1! ");
    g_assert_cmpstr(t.key, ==, "app-key");
    g_assert_null(strstr(t.body->str, "provider"));
    told_clear(&t);
    read_body(&t, "{\"messages\":[],\"max_tokens\":-9000000000}", cfg);
    g_assert_cmpint(t.facts.output_tokens, ==, -1);
    told_clear(&t);
    read_body(&t, "{\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]}", cfg);
    g_assert_cmpint(t.facts.input_tokens, ==, 2 + 4);
    g_assert_cmpuint(t.facts.model.len, ==, 0);
    told_clear(&t);
    g_free(cfg);
}

static void test_refusals(void)
{
    static const char *const cases[][2] = {
        { "hello", "" },
        { "[]", "" },
        { "{\"model\":\"m\"}", "messages" },
        { "{\"model\":1,\"messages\":[]}", "model" },
        { "{\"messages\":\"hi\"}", "messages" },
        { "{\"messages\":[\"hi\"]}", "messages" },
    };
    void *cfg = host_dialect();

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct told t;

        read_body(&t, cases[i][0], cfg);
        g_assert_nonnull(t.refusal);
        g_assert_cmpstr(t.param, ==, cases[i][1]);
        told_clear(&t);
    }
    g_free(cfg);
}

/* An answer decoded by the provider part and written by the dialect. */
struct pipe {
    const weir_dialect_v1 *face;
    void *cfg;
    void *state;
    struct host_exchange *e;
    struct host_reply reply;
};

static void pipe_init(struct pipe *p, const char *request)
{
    p->face = host_part(WEIR_PART_DIALECT);
    p->cfg = host_dialect();
    p->state = g_malloc0(p->face->encoder_size);
    p->e = host_exchange_new(WEIR_OP_CHAT, request, "m");
    host_reply_init(&p->reply);
}

static void pipe_clear(struct pipe *p)
{
    host_reply_clear(&p->reply);
    host_exchange_free(p->e);
    g_free(p->state);
    g_free(p->cfg);
}

static weir_result pipe_event(void *ctx, const weir_event *event)
{
    struct pipe *p = ctx;
    return p->face->event(p->cfg, p->state, &p->e->x, event, &p->reply.sink);
}

#define CHUNK                                                                                    \
    "data: "                                                                                     \
    "{\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\"," \
    "\"choices\":["

static void test_stream(void)
{
    const weir_str none = { "", 0 };
    weir_usage usage = weir_usage_unknown();
    struct pipe p;

    pipe_init(&p, "{\"stream\":true}");
    const weir_events out = { &p, pipe_event };

    usage.input_total = 3;
    usage.output_total = 2;
    p.e->x.asked_usage = 1;
    weir_emit_start(&out, WEIR_S("a"), WEIR_S("m"), none);
    weir_emit_block_start(&out, 0, 5, WEIR_BLOCK_TEXT, none, none);
    weir_emit_text(&out, 0, 5, weir_text_from(WEIR_S("\"")));
    weir_emit_block_end(&out, 0, 5, WEIR_BLOCK_TEXT);
    weir_emit_block_start(&out, 0, 7, WEIR_BLOCK_TOOL_CALL, WEIR_S("i"), WEIR_S("f"));
    weir_emit_delta(&out, 0, 7, WEIR_BLOCK_TOOL_CALL, weir_text_from(WEIR_S("{}")), none);
    weir_emit_block_end(&out, 0, 7, WEIR_BLOCK_TOOL_CALL);
    weir_emit_usage(&out, &usage);
    weir_emit_finish(&out, 0, WEIR_FINISH_TOOL_CALLS, WEIR_S("tool_use"));
    p.face->end(p.cfg, p.state, &p.e->x, &p.reply.sink);
    g_assert_cmpuint(p.reply.status, ==, 200);
    g_assert_cmpstr(
        p.reply.bytes->str, ==,
        CHUNK
        "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}"
        "\n\n" CHUNK
        "{\"index\":0,\"delta\":{\"content\":\"\\\"\"},\"finish_reason\":null}]}\n\n" CHUNK
        "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]},\"finish_reason\":null}]}\n\n" CHUNK
        "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]"
        "},\"finish_reason\":null}]}\n\n" CHUNK
        "{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n" CHUNK
        "],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n"
        "data: [DONE]\n\n");
    pipe_clear(&p);
}

/* The vendor's time, if it told one. */
static void test_created(void)
{
    static const struct {
        const char *extra, *expected;
    } cases[] = {
        { "\"system_fingerprint\":\"x\",\"created\":1600000000", "\"created\":1600000000," },
        { "\"created\":-1", "\"created\":1700000000," },
        { "", "\"created\":1700000000," },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const weir_choice choice = { .struct_size = sizeof(choice), .reason = WEIR_FINISH_STOP };
        const weir_answer answer = { .struct_size = sizeof(answer),
                                     .id = WEIR_S("a"),
                                     .model = WEIR_S("m"),
                                     .extra = weir_str_of(cases[i].extra),
                                     .choices = { &choice, 1, sizeof(choice) } };
        struct pipe p;

        pipe_init(&p, "{\"stream\":true}");
        const weir_events out = { &p, pipe_event };

        weir_emit_start(&out, WEIR_S("a"), WEIR_S("m"), answer.extra);
        weir_emit_finish(&out, 0, WEIR_FINISH_STOP, WEIR_S(""));
        g_assert_nonnull(strstr(p.reply.bytes->str, cases[i].expected));
        pipe_clear(&p);
        pipe_init(&p, "{}");
        g_assert_cmpint(p.face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_OK);
        g_assert_nonnull(strstr(p.reply.bytes->str, cases[i].expected));
        pipe_clear(&p);
    }
}

/* The Responses API has no word for arguments that are none: the call says it, and the response
 * does not say of the provider what it never said. */
static void test_cut_call(void)
{
    static const struct {
        uint16_t reason;
        const char *status, *details;
    } cases[] = {
        { WEIR_FINISH_TOOL_CALLS, "\"status\":\"completed\",\"error\"",
          "\"incomplete_details\":null" },
        { WEIR_FINISH_STOP, "\"status\":\"completed\",\"error\"", "\"incomplete_details\":null" },
        { WEIR_FINISH_CONTENT_FILTER, "\"status\":\"incomplete\",\"error\"",
          "\"incomplete_details\":{\"reason\":\"content_filter\"}" },
        { WEIR_FINISH_LENGTH, "\"status\":\"incomplete\",\"error\"",
          "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}" },
    };
    const weir_dialect_v1 *face = host_part_named(WEIR_PART_DIALECT, "openai-responses");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const weir_choice choice = { .struct_size = sizeof(choice), .reason = cases[i].reason };
        const weir_block block = { .struct_size = sizeof(block),
                                   .kind = WEIR_BLOCK_TOOL_CALL,
                                   .id = WEIR_S("i"),
                                   .name = WEIR_S("f"),
                                   .text = weir_text_from(WEIR_S("{\"a\":")) };
        const weir_answer answer = { .struct_size = sizeof(answer),
                                     .id = WEIR_S("a"),
                                     .model = WEIR_S("m"),
                                     .blocks = { &block, 1, sizeof(block) },
                                     .choices = { &choice, 1, sizeof(choice) } };
        struct pipe p;

        pipe_init(&p, "{\"input\":\"a\"}");
        g_assert_cmpint(face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_OK);
        g_assert_nonnull(
            strstr(p.reply.bytes->str, "\"type\":\"function_call\",\"status\":\"incomplete\""));
        g_assert_nonnull(strstr(p.reply.bytes->str, cases[i].status));
        g_assert_nonnull(strstr(p.reply.bytes->str, cases[i].details));
        pipe_clear(&p);
    }
}

static void test_failure(void)
{
    weir_failure f = weir_failure_make(WEIR_CLASS_OVERLOADED, 529, WEIR_S("busy"));
    struct pipe p;

    pipe_init(&p, "{\"stream\":true}");
    p.face->failure(p.cfg, NULL, &p.e->x, &f, &p.reply.sink);
    g_assert_cmpuint(p.reply.status, ==, 503);
    g_assert_cmpstr(p.reply.bytes->str, ==,
                    "{\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"param\":null,"
                    "\"code\":\"overloaded\"}}");
    g_string_truncate(p.reply.bytes, 0);
    p.face->failure(p.cfg, p.state, &p.e->x, &f, &p.reply.sink);
    g_assert_true(g_str_has_prefix(p.reply.bytes->str, "data: {\"error\":"));
    g_assert_null(strstr(p.reply.bytes->str, "[DONE]"));
    pipe_clear(&p);
}

static void test_answer(void)
{
    const weir_block blocks[] = {
        { sizeof(weir_block), WEIR_BLOCK_REASONING, 0, 0, 0, { "h\\n", 3, WEIR_FORM_JSON, 0 } },
        { sizeof(weir_block), WEIR_BLOCK_TEXT, 0, 0, 1, { "a\n", 2, WEIR_FORM_UTF8, 0 } },
        { sizeof(weir_block), WEIR_BLOCK_TEXT, 0, 0, 2, { "b", 1, WEIR_FORM_UTF8, 0 } },
    };
    const weir_choice choice = { .struct_size = sizeof(choice),
                                 .reason = WEIR_FINISH_PAUSE,
                                 .raw_reason = WEIR_S("pause_turn") };
    const weir_answer answer = { .struct_size = sizeof(answer),
                                 .id = WEIR_S("a"),
                                 .model = WEIR_S("m"),
                                 .blocks = { blocks, 3, sizeof(blocks[0]) },
                                 .choices = { &choice, 1, sizeof(choice) } };
    struct pipe p;

    pipe_init(&p, "{}");
    g_assert_cmpint(p.face->answer(p.cfg, &p.e->x, &answer, &p.reply.sink), ==, WEIR_OK);
    g_assert_cmpstr(
        p.reply.bytes->str, ==,
        "{\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"m\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"reasoning_content\":"
        "\"h\\n\",\"content\":\"a\\nb\",\"refusal\":null},\"finish_reason\":\"stop\","
        "\"native_finish_reason\":\"pause_turn\"}]}");
    pipe_clear(&p);
}

static void test_one_model(void)
{
    weir_event event = weir_event_make(WEIR_EVENT_DOCUMENT);
    struct pipe p;

    pipe_init(&p, NULL);
    p.e->x.op = WEIR_OP_MODELS;
    p.e->x.asked_model = WEIR_S("y");
    event.text = weir_text_from(WEIR_S("{\"data\":[{\"id\":\"x\"},{\"id\":\"y\"}]}"));
    g_assert_cmpint(pipe_event(&p, &event), ==, WEIR_OK);
    g_assert_cmpstr(p.reply.bytes->str, ==, "{\"id\":\"y\"}");
    p.reply.status = 0;
    p.e->x.asked_model = WEIR_S("z");
    g_assert_cmpint(pipe_event(&p, &event), ==, WEIR_OK);
    g_assert_cmpuint(p.reply.status, ==, 404);
    pipe_clear(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openai/dialect/facts", test_facts);
    g_test_add_func("/openai/dialect/refusals", test_refusals);
    g_test_add_func("/openai/dialect/stream", test_stream);
    g_test_add_func("/openai/dialect/created", test_created);
    g_test_add_func("/openai/dialect/cut-call", test_cut_call);
    g_test_add_func("/openai/dialect/failure", test_failure);
    g_test_add_func("/openai/dialect/answer", test_answer);
    g_test_add_func("/openai/dialect/one-model", test_one_model);
    return g_test_run();
}
