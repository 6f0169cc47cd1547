/*
 * Requests of the provider part openai, and both directions of its dialect.
 */
#include "host.h"

static void *configure(const char *json)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_arena arena;
    weir_json options;
    void *cfg = NULL;

    host_arena_init(&arena);
    options = host_scan(&arena, json);
    g_assert_cmpint(face->configure(&host_services, &options, &cfg, NULL), ==, WEIR_OK);
    host_arena_clear(&arena);
    return cfg;
}

struct encode_case {
    const char *options;
    bool native;
    const char *model;
    const char *body;
    const char *expected;
    const char *dropped;
};

static const struct encode_case bodies[] = {
    /* nothing has to change: every byte stays */
    { "{}", true, "m", "{ \"model\" : \"m\",\n \"x\": 1.50 }",
      "{ \"model\" : \"m\",\n \"x\": 1.50 }", "" },
    /* every occurrence of a duplicated key */
    { "{}", true, "m", "{\"model\":\"a\",\"x\":1,\"mod\\u0065l\":\"b\"}",
      "{\"model\":\"m\",\"x\":1,\"mod\\u0065l\":\"m\"}", "" },
    { "{}", true, "m", "{\"x\":1}", "{\"x\":1,\"model\":\"m\"}", "" },
    { "{}", true, "m", "{}", "{\"model\":\"m\"}", "" },
    { "{}", true, "m", "{\"provider\":\"p\",\"model\":\"m\"}", "{\"model\":\"m\"}", "" },
    { "{}", true, "m", "{\"model\":\"m\", \"provider\":\"p\"}", "{\"model\":\"m\"}", "" },
    { "{}", true, "m", "{\"provider\":{\"order\":[]},\"model\":\"m\"}",
      "{\"provider\":{\"order\":[]},\"model\":\"m\"}", "" },
    { "{}", true, "m", "{\"model\":\"m\",\"stream\":true}",
      "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", "" },
    { "{}", true, "m",
      "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"a\":1,"
      "\"include_usage\":false}}",
      "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"a\":1,\"include_usage\":true}}", "" },
    { "{\"usage_in_stream\":false}", true, "m", "{\"model\":\"m\",\"stream\":true}",
      "{\"model\":\"m\",\"stream\":true}", "" },
    /* canonical: extensions are brought into the plain form or dropped */
    { "{}", false, "m",
      "{\"model\":\"m\",\"top_k\":3,\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "/top_k\n" },
    { "{}", false, "m",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\","
      "\"text\":\"hm\"},{\"type\":\"text\",\"text\":\"a\\n\"},{\"type\":\"tool_call\",\"id\":\"i\","
      "\"name\":\"f\",\"arguments\":\"{}\"}]},{\"role\":\"tool\",\"tool_call_id\":\"i\","
      "\"content\":"
      "\"x\",\"is_error\":true}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\\n\",\"tool_calls\":["
      "{"
      "\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{"
      "\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":\"x\"}]}",
      "/messages/0/content\n/messages/1/is_error\n" },
    /* a call with free text instead of JSON */
    { "{}", false, "m",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_call\","
      "\"id\":\"i\",\"name\":\"f\",\"arguments\":\"1 + 1\",\"custom\":true}]}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{"
      "\"id\":"
      "\"i\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"1 + 1\"}}]}]}",
      "" },
    { "{\"reasoning_field\":\"reasoning_content\"}", false, "m",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\","
      "\"reasoning_content\":\"hm\"}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\","
      "\"reasoning_content\":\"hm\"}]}",
      "" },
};

static void test_bodies(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);

    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        const struct encode_case *c = &bodies[i];
        struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, c->body, c->model);
        void *cfg = configure(c->options);
        struct host_sent *s;

        e->x.native = c->native;
        s = host_encode(face, cfg, e);
        g_assert_cmpstr(s->line->str, ==, "POST /chat/completions");
        g_assert_nonnull(strstr(s->headers->str, "authorization: Bearer KEY\n"));
        g_assert_cmpstr(s->body->str, ==, c->expected);
        g_assert_cmpstr(s->dropped->str, ==, c->dropped);
        host_sent_free(s);
        face->release(cfg);
        host_exchange_free(e);
    }
}

static void test_places(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = configure("{\"key_header\":\"api-key\",\"query\":\"api-version=1\"}");
    struct host_exchange *e = host_exchange_new(WEIR_OP_MODELS, NULL, "");
    struct host_sent *s = host_encode(face, cfg, e);

    g_assert_cmpstr(s->line->str, ==, "GET /models?api-version=1");
    g_assert_cmpstr(s->headers->str, ==, "api-key: KEY\n");
    host_sent_free(s);
    e->x.op = WEIR_OP_FORWARD;
    e->x.method = WEIR_S("DELETE");
    e->x.path = WEIR_S("/v1/files/f?x=1");
    e->target.credential = WEIR_S("");
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->line->str, ==, "DELETE /files/f?x=1&api-version=1");
    g_assert_cmpstr(s->headers->str, ==, "");
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

/* A forwarded JSON body gets the model that the target has. */
static void test_forward_model(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    const weir_header type = { WEIR_S("content-type"), WEIR_S("application/json") };
    void *cfg = configure("{}");
    struct host_exchange *e = host_exchange_new(WEIR_OP_FORWARD, NULL, "real");
    struct host_sent *s;

    e->x.method = WEIR_S("POST");
    e->x.path = WEIR_S("/v1/responses");
    e->x.body = WEIR_S("{\"model\": \"openai/real\", \"input\": 1}");
    e->x.headers = &type;
    e->x.header_count = 1;
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->body->str, ==, "{\"model\": \"real\", \"input\": 1}");
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

/* -- Dialect ---------------------------------------------------------------------------------- */

/* What a request sink was told. */
struct told {
    weir_facts facts;
    char *key;
    char *refusal;
    char *param;
    GString *body;
    GString *opaque;
    const weir_json *json;
};

static weir_result told_facts(void *ctx, const weir_facts *facts, weir_str key)
{
    struct told *t = ctx;

    t->facts = *facts;
    t->key = host_text(key);
    return WEIR_OK;
}

static weir_result told_body(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct told *)ctx)->body, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

static weir_result told_opaque(void *ctx, uint32_t token, bool required)
{
    struct told *t = ctx;
    weir_str text = weir_json_inner(t->json, token);

    g_string_append_printf(t->opaque, "%.*s%s ", (int)text.len, text.ptr, required ? "!" : "");
    return WEIR_OK;
}

static weir_result told_refuse(void *ctx, const weir_failure *failure)
{
    struct told *t = ctx;

    t->refusal = host_text(failure->message);
    t->param = host_text(failure->param);
    return WEIR_OK;
}

static void read_body(struct told *t, struct host_arena *arena, const char *body, void *cfg)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    const weir_header key = { WEIR_S("Authorization"), WEIR_S("Bearer app-key") };
    const weir_request_sink sink = { sizeof(sink), 0,    t,    told_facts, told_body,
                                     told_opaque,  NULL, NULL, told_refuse };
    weir_ingress in = { .struct_size = sizeof(in),
                        .method = WEIR_S("POST"),
                        .headers = &key,
                        .header_count = 1,
                        .body = weir_str_of(body),
                        .arena = arena->arena };
    weir_json json;

    memset(t, 0, sizeof(*t));
    t->body = g_string_new(NULL);
    t->opaque = g_string_new(NULL);
    if (body[0] == '{' || body[0] == '[') {
        json = host_scan(arena, body);
        in.json = &json;
        t->json = &json;
    }
    g_assert_cmpint(face->read(cfg, &in, &sink), >=, WEIR_OK);
    if (in.json && !t->refusal)
        g_assert_cmpint(face->translate(cfg, &in, &sink), ==, WEIR_OK);
    t->json = NULL;
}

static void told_clear(struct told *t)
{
    g_free(t->key);
    g_free(t->refusal);
    g_free(t->param);
    g_string_free(t->body, TRUE);
    g_string_free(t->opaque, TRUE);
}

static void *dialect_cfg(void)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    weir_json none = { { "", 0 }, NULL, 0 };
    void *cfg = NULL;

    g_assert_cmpint(face->configure(&host_services, &none, &cfg, NULL), ==, WEIR_OK);
    return cfg;
}

static void test_facts(void)
{
    void *cfg = dialect_cfg();
    struct host_arena arena;
    struct told t;

    host_arena_init(&arena);
    read_body(&t, &arena,
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
    read_body(&t, &arena, "{\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]}", cfg);
    g_assert_cmpint(t.facts.input_tokens, ==, 2 + 4);
    g_assert_cmpuint(t.facts.model.len, ==, 0);
    told_clear(&t);
    host_arena_clear(&arena);
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
    void *cfg = dialect_cfg();

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct host_arena arena;
        struct told t;

        host_arena_init(&arena);
        read_body(&t, &arena, cases[i][0], cfg);
        g_assert_nonnull(t.refusal);
        g_assert_cmpstr(t.param, ==, cases[i][1]);
        told_clear(&t);
        host_arena_clear(&arena);
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
    p->cfg = dialect_cfg();
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
    g_test_add_func("/openai/provider/bodies", test_bodies);
    g_test_add_func("/openai/provider/places", test_places);
    g_test_add_func("/openai/provider/forward-model", test_forward_model);
    g_test_add_func("/openai/dialect/facts", test_facts);
    g_test_add_func("/openai/dialect/refusals", test_refusals);
    g_test_add_func("/openai/dialect/stream", test_stream);
    g_test_add_func("/openai/dialect/failure", test_failure);
    g_test_add_func("/openai/dialect/answer", test_answer);
    g_test_add_func("/openai/dialect/one-model", test_one_model);
    return g_test_run();
}
