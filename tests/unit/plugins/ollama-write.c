/*
 * The dialect ollama: answers, streamed and whole, failures and documents.
 */
#include "ollama-read.h"

#include <string.h>

static void *configured;

/* Events into the dialect. */
struct pipe {
    const weir_dialect_v1 *face;
    struct host_exchange *e;
    struct host_reply reply;
    void *state;
};

static void pipe_init(struct pipe *p, uint8_t op, const char *path, const char *asked)
{
    p->face = host_part(WEIR_PART_DIALECT);
    p->e = host_exchange_new(op, "{\"stream\":true}", "m");
    p->e->x.path = weir_str_of(path);
    p->e->x.asked_model = weir_str_of(asked);
    p->e->x.now_us = 1000;
    p->state = g_malloc0(p->face->encoder_size);
    host_reply_init(&p->reply);
}

static void pipe_clear(struct pipe *p)
{
    host_reply_clear(&p->reply);
    host_exchange_free(p->e);
    g_free(p->state);
}

/* State moves between two calls. */
static weir_result pipe_event(void *ctx, const weir_event *event)
{
    struct pipe *p = ctx;
    void *moved = g_memdup2(p->state, p->face->encoder_size);
    weir_event late = *event;

    memset(p->state, 0xA5, p->face->encoder_size);
    g_free(p->state);
    p->state = moved;
    late.at_us = 2500;
    return p->face->event(configured, p->state, &p->e->x, &late, &p->reply.sink);
}

static void say(struct pipe *p, uint16_t kind, const char *text, const char *extra)
{
    const weir_events out = { p, pipe_event };

    weir_emit_block_start(&out, 0, kind, kind, WEIR_S("i"), WEIR_S("f"));
    weir_emit_delta(&out, 0, kind, kind, weir_text_from(weir_str_of(text)), weir_str_of(extra));
    weir_emit_block_end(&out, 0, kind, kind);
}

static void say_custom(struct pipe *p, const char *text)
{
    const weir_events out = { p, pipe_event };
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_START);

    e.kind = WEIR_BLOCK_TOOL_CALL;
    e.id = WEIR_S("i");
    e.name = WEIR_S("f");
    e.extra = WEIR_S("\"type\":\"custom\"");
    out.emit(out.ctx, &e);
    weir_emit_delta(&out, 0, 0, e.kind, weir_text_from(weir_str_of(text)), WEIR_S(""));
    weir_emit_block_end(&out, 0, 0, e.kind);
}

static void finish(struct pipe *p, uint16_t reason, const char *raw, const char *extra)
{
    const weir_events out = { p, pipe_event };
    weir_event e = weir_event_make(WEIR_EVENT_FINISH);
    weir_usage u = weir_usage_unknown();

    u.input_total = 3;
    weir_emit_usage(&out, &u);
    e.reason = reason;
    e.name = weir_str_of(raw);
    e.extra = weir_str_of(extra);
    pipe_event(p, &e);
    /* Not before nothing can go wrong any more. */
    g_assert_null(strstr(p->reply.bytes->str, "\"done\":true"));
    g_assert_cmpint(p->face->end(configured, p->state, &p->e->x, &p->reply.sink), ==, WEIR_OK);
}

#define AT "\"created_at\":\"2023-11-14T22:13:20.001500000Z\""
#define SAID(m) \
    "{\"model\":\"v\"," AT ",\"message\":{\"role\":\"assistant\"," m "},\"done\":false}\n"
#define ENDED(m)           \
    "{\"model\":\"v\"," AT \
    ",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true," m "}\n"

static void test_stream(void)
{
    struct pipe p;
    const weir_events out = { &p, pipe_event };

    pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "asked");
    weir_emit_start(&out, WEIR_S("id"), WEIR_S("v"), WEIR_S("\"created\":1"));
    say(&p, WEIR_BLOCK_REASONING, "hm", "");
    say(&p, WEIR_BLOCK_TEXT, "a\n", "\"logprobs\":{\"content\":[{\"token\":\"a\"}]},\"x\":1");
    say(&p, WEIR_BLOCK_TOOL_CALL, "{\n\"x\":\r\n 1}", "");
    say_custom(&p, "free text");
    say(&p, WEIR_BLOCK_AUDIO, "AAAA", "");
    say(&p, WEIR_BLOCK_REFUSAL, "no", "");
    finish(&p, WEIR_FINISH_TOOL_CALLS, "tool_calls", "\"load_duration\":5,\"y\":1");
    g_assert_cmpuint(p.reply.status, ==, 200);
    g_assert_cmpstr(p.reply.headers->str, ==, "content-type: application/x-ndjson\n");
    g_assert_cmpstr(
        p.reply.bytes->str, ==,
        SAID("\"content\":\"\",\"thinking\":\"hm\"") "{\"model\":\"v\"," AT
                                                     ",\"message\":{\"role\":\"assistant\","
                                                     "\"content\":\"a\\n\"},"
                                                     "\"logprobs\":[{\"token\":\"a\"}],\"done\":"
                                                     "false}\n" SAID(
                                                         "\"content\":\"\",\"tool_calls\":[{\"id\":"
                                                         "\"i\",\"function\":{\"index\":0,\"name\":"
                                                         "\"f\",\"arguments\":{\"x\": 1}}}]")
                                                         SAID("\"content\":\"\",\"tool_calls\":[{"
                                                              "\"id\":\"i\",\"function\":{"
                                                              "\"index\":1,\"name\":"
                                                              "\"f\",\"arguments\":{\"input\":"
                                                              "\"free text\"}}}]")
                                                             SAID("\"content\":\"no\"")
                                                                 ENDED("\"done_reason\":\"stop\","
                                                                       "\"load_duration\":5,"
                                                                       "\"total_duration\":1500000,"
                                                                       "\"prompt_eval_count\":3"));
    pipe_clear(&p);
}

static void test_stream_generate(void)
{
    struct pipe p;
    const weir_events out = { &p, pipe_event };

    pipe_init(&p, WEIR_OP_CHAT, "/api/generate", "asked");
    weir_emit_start(&out, WEIR_S(""), WEIR_S(""), WEIR_S(""));
    say(&p, WEIR_BLOCK_REASONING, "hm", "");
    say(&p, WEIR_BLOCK_TEXT, "a", "");
    finish(&p, WEIR_FINISH_LENGTH, "max_tokens", "\"context\":[1],\"total_duration\":9");
    g_assert_cmpstr(p.reply.bytes->str, ==,
                    "{\"model\":\"asked\"," AT ",\"response\":\"\",\"thinking\":\"hm\",\"done\":"
                    "false}\n{\"model\":\"asked\"," AT ",\"response\":\"a\",\"done\":false}\n"
                    "{\"model\":\"asked\"," AT ",\"response\":\"\",\"done\":true,\"done_reason\":"
                    "\"length\",\"total_duration\":9,\"context\":[1],\"prompt_eval_count\":3}\n");
    pipe_clear(&p);
}

static void test_reasons(void)
{
    static const struct {
        uint16_t reason;
        const char *raw;
        const char *said;
    } cases[] = {
        { WEIR_FINISH_STOP, "end_turn", "\"done_reason\":\"stop\"" },
        { WEIR_FINISH_STOP, "unload", "\"done_reason\":\"unload\"" },
        { WEIR_FINISH_STOP_SEQUENCE, "x", "\"done_reason\":\"stop\"" },
        { WEIR_FINISH_CONTENT_FILTER, "SAFETY",
          "\"done_reason\":\"stop\",\"native_done_reason\":\"SAFETY\"" },
        { WEIR_FINISH_PAUSE, "", "\"done_reason\":\"stop\",\"native_done_reason\":\"pause\"" },
        { 999, "new", "\"done_reason\":\"stop\",\"native_done_reason\":\"new\"" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *said = NULL;
        struct pipe p;

        pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
        finish(&p, cases[i].reason, cases[i].raw, "");
        said = g_strconcat("\"done\":true,", cases[i].said,
                           ",\"total_duration\":1500000,\"prompt_eval_count\":3}\n", NULL);
        g_assert_true(g_str_has_suffix(p.reply.bytes->str, said));
        pipe_clear(&p);
    }
}

/* Another choice is none of this API's. */
static void test_one_choice(void)
{
    struct pipe p;
    const weir_events out = { &p, pipe_event };

    pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
    weir_emit_block_start(&out, 1, 0, WEIR_BLOCK_TEXT, WEIR_S(""), WEIR_S(""));
    weir_emit_text(&out, 1, 0, weir_text_from(WEIR_S("b")));
    weir_emit_finish(&out, 1, WEIR_FINISH_STOP, WEIR_S("stop"));
    g_assert_cmpstr(p.reply.bytes->str, ==, "");
    pipe_clear(&p);
}

static void test_failure(void)
{
    struct pipe p;
    weir_failure f = weir_failure_make(WEIR_CLASS_RATE_LIMIT, 429, WEIR_S("slow \"down\""));

    pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
    p.face->failure(configured, p.state, &p.e->x, &f, &p.reply.sink);
    g_assert_cmpuint(p.reply.status, ==, 0);
    g_assert_cmpstr(p.reply.bytes->str, ==, "{\"error\":\"slow \\\"down\\\"\"}\n");
    pipe_clear(&p);
    pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
    p.face->failure(configured, NULL, &p.e->x, &f, &p.reply.sink);
    g_assert_cmpuint(p.reply.status, ==, 429);
    g_assert_cmpstr(p.reply.bytes->str, ==, "{\"error\":\"slow \\\"down\\\"\"}");
    pipe_clear(&p);
    /* a class that is newer than we are counts as its family */
    f = weir_failure_make(999, 0, WEIR_S(""));
    f.family = WEIR_CLASS_TIMEOUT;
    pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
    p.face->failure(configured, NULL, &p.e->x, &f, &p.reply.sink);
    g_assert_cmpuint(p.reply.status, ==, 504);
    pipe_clear(&p);
}

static weir_block block(uint16_t kind, int32_t choice, const char *text, const char *extra)
{
    return (weir_block){ .struct_size = sizeof(weir_block),
                         .kind = kind,
                         .choice = choice,
                         .text = weir_text_from(weir_str_of(text)),
                         .id = WEIR_S("i"),
                         .name = WEIR_S("f"),
                         .extra = weir_str_of(extra) };
}

static void test_answer(void)
{
    const weir_block blocks[] = {
        block(WEIR_BLOCK_REASONING, 0, "hm", ""),
        block(WEIR_BLOCK_TEXT, 0, "a",
              "\"logprobs\":{\"content\":[{\"token\":\"x\"}]},\"logprobs\":{\"content\":[{"
              "\"token\":\"y\"}]}"),
        block(WEIR_BLOCK_TOOL_CALL, 0, "{}", ""),
        block(WEIR_BLOCK_TEXT, 0, "b", ""),
        block(WEIR_BLOCK_TEXT, 1, "c", ""),
    };
    const weir_choice choices[] = {
        { sizeof(weir_choice), 0, WEIR_FINISH_TOOL_CALLS, 0, 0, WEIR_S("stop"),
          WEIR_S("\"eval_duration\":4") },
        { sizeof(weir_choice), 1, WEIR_FINISH_LENGTH, 0, 0, WEIR_S("length"), WEIR_S("") },
    };
    weir_usage u = weir_usage_unknown();
    const weir_answer a = { .struct_size = sizeof(a),
                            .model = WEIR_S("v"),
                            .blocks = WEIR_ARRAY_OF(blocks),
                            .choices = WEIR_ARRAY_OF(choices),
                            .usage = &u };
    struct pipe p;

    u.output_total = 2;
    pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
    p.face->answer(configured, &p.e->x, &a, &p.reply.sink);
    g_assert_cmpstr(p.reply.headers->str, ==, "content-type: application/json; charset=utf-8\n");
    g_assert_cmpstr(
        p.reply.bytes->str, ==,
        "{\"model\":\"v\",\"created_at\":\"2023-11-14T22:13:20.000000000Z\",\"message\":{\"role\":"
        "\"assistant\",\"content\":\"ab\",\"thinking\":\"hm\",\"tool_calls\":[{\"id\":\"i\","
        "\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{}}}]},\"logprobs\":[{\"token\":"
        "\"x\"},{\"token\":\"y\"}],\"done\":true,\"done_reason\":\"stop\",\"eval_duration\":4,"
        "\"eval_count\":2}");
    pipe_clear(&p);
    pipe_init(&p, WEIR_OP_CHAT, "/api/generate", "");
    p.face->answer(configured, &p.e->x, &a, &p.reply.sink);
    g_assert_nonnull(strstr(p.reply.bytes->str, "\"response\":\"ab\",\"thinking\":\"hm\","));
    pipe_clear(&p);
}

/* An application would run a call that was cut: it is left out. */
static void test_broken_calls(void)
{
    static const struct {
        const char *arguments;
        uint16_t reason;
        weir_result result;
    } cases[] = {
        { "{\"a\":", WEIR_FINISH_LENGTH, WEIR_OK },
        { "{\"a\":}", WEIR_FINISH_CONTENT_FILTER, WEIR_OK },
        { "{}{}", WEIR_FINISH_TOOL_CALLS, WEIR_PROTOCOL },
        { "[]", WEIR_FINISH_STOP, WEIR_PROTOCOL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const weir_block blocks[] = { block(WEIR_BLOCK_TOOL_CALL, 0, cases[i].arguments, "") };
        const weir_choice choices[] = { { .struct_size = sizeof(weir_choice),
                                          .reason = cases[i].reason } };
        const weir_answer a = { .struct_size = sizeof(a),
                                .blocks = WEIR_ARRAY_OF(blocks),
                                .choices = WEIR_ARRAY_OF(choices) };
        weir_event e = weir_event_make(WEIR_EVENT_FINISH);
        struct pipe p;

        pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
        say(&p, WEIR_BLOCK_TOOL_CALL, cases[i].arguments, "");
        g_assert_cmpstr(p.reply.bytes->str, ==, "");
        e.reason = cases[i].reason;
        g_assert_cmpint(pipe_event(&p, &e), ==, cases[i].result);
        pipe_clear(&p);
        pipe_init(&p, WEIR_OP_CHAT, "/api/chat", "");
        g_assert_cmpint(p.face->answer(configured, &p.e->x, &a, &p.reply.sink), ==,
                        cases[i].result);
        g_assert_null(strstr(p.reply.bytes->str, "\"function\""));
        pipe_clear(&p);
    }
}

/* -- Documents -------------------------------------------------------------------------------- */

#define MODEL                                                                                \
    "{\"id\":\"gpt-x\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"openai\"," \
    "\"context_window\":128000,\"capabilities\":[\"stream\",\"tools\",\"images\",\"reasoning\"]}"
#define NO_DETAILS                                                                           \
    "\"details\":{\"parent_model\":\"\",\"format\":\"\",\"family\":\"openai\",\"families\":" \
    "[\"openai\"],\"parameter_size\":\"\",\"quantization_level\":\"\"}"
#define OWN_MODEL                                                                              \
    "{\"id\":\"llama\",\"created\":0,\"size\":5,\"digest\":\"sha256-0123456789\",\"details\":" \
    "{\"family\":\"llama\"}}"

static const struct document_case {
    uint8_t op;
    const char *path;
    const char *asked;
    const char *document;
    unsigned status;
    const char *expected;
} documents[] = {
    { WEIR_OP_EMBED, "/api/embed", "m",
      "{\"data\":[{\"index\":0,\"embedding\":[0.5,1]},{\"index\":1,\"embedding\":\"AACAPwAAAMA=\"}]"
      ","
      "\"model\":\"v\",\"usage\":{\"prompt_tokens\":4}}",
      200, "{\"model\":\"v\",\"embeddings\":[[0.5,1],[1,-2]],\"prompt_eval_count\":4}" },
    { WEIR_OP_EMBED, "/api/embed", "m", "{\"data\":[]}", 200,
      "{\"model\":\"m\",\"embeddings\":[]}" },
    { WEIR_OP_EMBED, "/api/embeddings", "m",
      "{\"data\":[{\"embedding\":[0.5]}],\"usage\":{\"prompt_tokens\":4}}", 200,
      "{\"embedding\":[0.5]}" },
    { WEIR_OP_MODELS, "/api/tags", "", "{\"data\":[" MODEL "," OWN_MODEL "]}", 200,
      "{\"models\":[{\"name\":\"gpt-x\",\"model\":\"gpt-x\",\"modified_at\":"
      "\"2023-11-14T22:13:20.000000000Z\",\"size\":0,\"digest\":"
      "\"0e77ef67c13cc3cd9278efd4f433aac29d84da7904c0d674e755e9f809f6ba81\"," NO_DETAILS "},"
      "{\"name\":\"llama\",\"model\":\"llama\",\"modified_at\":\"1970-01-01T00:00:00.000000000Z\","
      "\"size\":5,\"digest\":\"sha256-0123456789\",\"details\":{\"family\":\"llama\"}}]}" },
    { WEIR_OP_MODELS, "/api/show", "gpt-x", "{\"data\":[" OWN_MODEL "," MODEL "]}", 200,
      "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\"," NO_DETAILS
      ",\"model_info\":{\"general.architecture\":\"openai\",\"general.basename\":\"gpt-x\","
      "\"openai.context_length\":128000},\"capabilities\":[\"completion\",\"tools\",\"vision\","
      "\"thinking\"],\"modified_at\":\"2023-11-14T22:13:20.000000000Z\"}" },
    { WEIR_OP_MODELS, "/api/show", "llama", "{\"data\":[" OWN_MODEL "]}", 200,
      "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\",\"details\":{\"family\":\"llama\"}"
      ","
      "\"model_info\":{\"general.architecture\":\"weir\",\"general.basename\":\"llama\"},"
      "\"modified_at\":\"1970-01-01T00:00:00.000000000Z\"}" },
    { WEIR_OP_MODELS, "/api/show", "e",
      "{\"data\":[{\"id\":\"e\",\"owned_by\":\"x\",\"capabilities\":[\"embeddings\"]}]}", 200,
      "\"capabilities\":[\"embedding\"]" },
    { WEIR_OP_MODELS, "/api/show", "none", "{\"data\":[" MODEL "]}", 404,
      "{\"error\":\"model 'none' not found\"}" },
};

static void test_documents(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        const struct document_case *c = &documents[i];
        struct pipe p;
        const weir_events out = { &p, pipe_event };

        pipe_init(&p, c->op, c->path, c->asked);
        g_assert_cmpint(weir_emit_document(&out, weir_str_of(c->document)), ==, WEIR_OK);
        g_assert_cmpuint(p.reply.status, ==, c->status);
        if (c->expected[0] == '{')
            g_assert_cmpstr(p.reply.bytes->str, ==, c->expected);
        else
            g_assert_nonnull(strstr(p.reply.bytes->str, c->expected));
        pipe_clear(&p);
    }
}

int main(int argc, char **argv)
{
    int failed;

    g_test_init(&argc, &argv, NULL);
    configured = host_dialect();
    g_test_add_func("/ollama/stream", test_stream);
    g_test_add_func("/ollama/stream-generate", test_stream_generate);
    g_test_add_func("/ollama/reasons", test_reasons);
    g_test_add_func("/ollama/one-choice", test_one_choice);
    g_test_add_func("/ollama/failure", test_failure);
    g_test_add_func("/ollama/answer", test_answer);
    g_test_add_func("/ollama/broken-calls", test_broken_calls);
    g_test_add_func("/ollama/documents", test_documents);
    failed = g_test_run();
    told_release(configured);
    return failed;
}
