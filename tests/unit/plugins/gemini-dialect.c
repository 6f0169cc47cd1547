/*
 * The dialect gemini: what it reads of requests, and how it writes answers, failures and documents.
 */
#include "gemini.h"

#include <string.h>

#define GENERATE    "/v1beta/models/m:generateContent"
#define STREAM      "/v1beta/models/m:streamGenerateContent"
#define USER(parts) "{\"contents\":[{\"role\":\"user\",\"parts\":[" parts "]}]}"

/* -- Requests --------------------------------------------------------------------------------- */

static void test_facts(void)
{
    struct told t;

    told_read(
        &t, "POST", STREAM "?alt=sse&key=K", NULL,
        "{\"contents\":[{\"parts\":[{\"text\":\"12345678\"},{\"inline_data\":{\"mime_type\":"
        "\"image/png\",\"data\":\"A\"}}]}],\"tools\":[{}],\"provider\":\"p\",\"generationConfig\":{"
        "\"maxOutputTokens\":9,\"seed\":1,\"candidateCount\":2,\"responseSchema\":{},"
        "\"thinkingConfig\":{\"thinkingBudget\":5}}}");
    g_assert_cmpstr(t.model, ==, "m");
    g_assert_cmpstr(t.key, ==, "K");
    g_assert_true(weir_str_is(t.facts.provider, "p"));
    g_assert_cmpint(t.facts.op, ==, WEIR_OP_CHAT);
    g_assert_cmpint(t.facts.stream, ==, 1);
    g_assert_cmpint(t.facts.output_tokens, ==, 9);
    g_assert_cmpint(t.facts.messages, ==, 1);
    g_assert_cmpint(t.facts.input_tokens, ==, 4 + 800 + (8 + 4) / 4);
    g_assert_cmpuint(t.facts.needs, ==,
                     WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_IMAGES | WEIR_CAN_JSON_SCHEMA |
                         WEIR_CAN_REASONING | WEIR_CAN_CHOICES | WEIR_CAN_SEED);
    told_clear(&t);
}

static const struct {
    const char *path;
    const char *headers;
    const char *model;
    const char *key;
    uint8_t op;
} paths[] = {
    { GENERATE, "x-goog-api-key: A\n", "m", "A", WEIR_OP_CHAT },
    { "/v1/models/m:generateContent", "authorization: Bearer B\n", "m", "B", WEIR_OP_CHAT },
    { "/v1beta/models/openai/gpt-5:generateContent", "", "openai/gpt-5", "", WEIR_OP_CHAT },
    { "/v1beta/tunedModels/t:generateContent", "", "tunedModels/t", "", WEIR_OP_CHAT },
    { "/v1beta/models/m:countTokens", "", "m", "", WEIR_OP_COUNT },
};

static void test_paths(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        struct told t;

        told_read(&t, "POST", paths[i].path, paths[i].headers, USER("{\"text\":\"a\"}"));
        g_assert_cmpstr(t.model, ==, paths[i].model);
        g_assert_cmpstr(t.key, ==, paths[i].key);
        g_assert_cmpint(t.facts.op, ==, paths[i].op);
        told_clear(&t);
    }
}

static void test_opaque(void)
{
    struct told t;

    told_read(
        &t, "POST", GENERATE, NULL,
        "{\"cachedContent\":\"cachedContents/c\",\"contents\":[{\"parts\":[{\"fileData\":{"
        "\"fileUri\":\"gs://b/f\"}},{\"fileData\":{\"fileUri\":\"https://e/f\"}},{\"text\":\"\","
        "\"thoughtSignature\":\"S\"}]}]}");
    g_assert_cmpstr(t.opaque->str, ==, "gs://b/f! S cachedContents/c! ");
    told_clear(&t);
    told_read(&t, "DELETE", "/v1beta/cachedContents/c", NULL, NULL);
    g_assert_cmpstr(t.opaque->str, ==, "cachedContents/c! ");
    g_assert_cmpint(t.facts.op, ==, WEIR_OP_FORWARD);
    told_clear(&t);
    told_read(&t, "POST", "/v1beta/cachedContents", "content-type: application/json\n",
              "{\"model\":\"models/m\"}");
    g_assert_cmpstr(t.model, ==, "m");
    told_clear(&t);
}

static const struct {
    const char *path;
    const char *body;
    const char *param;
} refusals[] = {
    { GENERATE, "nonsense", "" },
    { GENERATE, "[]", "" },
    { GENERATE, "{}", "contents" },
    { GENERATE, "{\"contents\":7}", "contents" },
    { GENERATE, "{\"contents\":[7]}", "contents" },
    { "/v1beta/models/m:embedContent", "{}", "content" },
    { "/v1beta/models/m:batchEmbedContents", "{\"requests\":[]}", "content" },
};

static void test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        struct told t;

        told_read(&t, "POST", refusals[i].path, NULL, refusals[i].body);
        g_assert_nonnull(t.refusal);
        g_assert_cmpstr(t.param, ==, refusals[i].param);
        told_clear(&t);
    }
}

static const struct {
    const char *path;
    const char *body;
    const char *canonical;
} translations[] = {
    { STREAM, USER("{\"text\":\"a\"}"),
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true,"
      "\"stream_options\":{\"include_usage\":true}}" },
    { GENERATE,
      "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},{"
      "\"functionCall\":"
      "{\"name\":\"f\",\"args\":{\"a\":\"\\\"\"}},\"thoughtSignature\":\"S\"}]},{\"role\":\"user\","
      "\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"error\":\"e\"}}},{\"text\":"
      "\"b\"}]}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\","
      "\"text\":\"hm\"},{\"type\":\"tool_call\",\"id\":\"gcall_15\",\"name\":\"f\",\"arguments\":"
      "\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\",\"thought_signature\":\"S\"}]},{\"role\":\"tool\","
      "\"content\":\"e\","
      "\"tool_call_id\":\"gcall_15\",\"name\":\"f\",\"is_error\":true},{\"role\":\"user\","
      "\"content\":"
      "\"b\"}]}" },
    { GENERATE,
      "{\"contents\":[],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{"
      "\"type\":"
      "\"OBJECT\",\"properties\":{\"type\":{\"type\":\"STRING\",\"nullable\":true},\"n\":{\"type\":"
      "\"ARRAY\","
      "\"max_items\":\"3\",\"items\":{\"type\":\"NUMBER\"}}}},\"behavior\":\"BLOCKING\"}]},{"
      "\"google_search\":{}}],"
      "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]"
      "}},"
      "\"generationConfig\":{\"responseMimeType\":\"application/json\",\"thinkingConfig\":{"
      "\"thinkingLevel\":\"HIGH\",\"includeThoughts\":false},\"speechConfig\":{\"a\":1}},"
      "\"labels\":{}}",
      "{\"model\":\"m\",\"messages\":[],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
      "\"f\","
      "\"parameters\":{\"type\":\"object\",\"properties\":{\"type\":{\"type\":[\"string\",\"null\"]"
      "},\"n\":{"
      "\"type\":\"array\",\"maxItems\":3,\"items\":{\"type\":\"number\"}}}}},\"vendor\":{"
      "\"gemini\":{"
      "\"behavior\":\"BLOCKING\"}}},{\"type\":\"server_tool\",\"api\":\"gemini\",\"tool\":{"
      "\"google_search\":{}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}"
      "},"
      "\"response_format\":{\"type\":\"json_object\"},\"reasoning_effort\":\"high\","
      "\"reasoning_summary\":\"none\",\"vendor\":{\"gemini\":{\"labels\":{},\"generationConfig\":{"
      "\"speechConfig\":{\"a\":1}}}}}" },
    /* results of MCP servers, in the role that Google's SDK gives them */
    { "/v1beta/models/m:generateContent",
      "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"i\",\"name\":"
      "\"f\"}}]},"
      "{\"role\":\"model\",\"parts\":[{\"functionResponse\":{\"id\":\"i\",\"name\":\"f\","
      "\"response\":{"
      "\"result\":\"r\"}}}]}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_call\","
      "\"id\":"
      "\"i\",\"name\":\"f\",\"arguments\":\"{}\"}]},{\"role\":\"tool\",\"content\":\"r\",\"tool_"
      "call_id\":"
      "\"i\",\"name\":\"f\"}]}" },
    { "/v1beta/models/m:embedContent",
      "{\"content\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]},\"taskType\":\"CLUSTERING\","
      "\"outputDimensionality\":3}",
      "{\"model\":\"m\",\"input\":\"ab\",\"task_type\":\"CLUSTERING\",\"dimensions\":3}" },
    { "/v1beta/models/m:batchEmbedContents",
      "{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}},{\"content\":{\"parts\":{"
      "\"text\":"
      "\"b\"}}}]}",
      "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}" },
};

static void test_translations(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(translations); i++) {
        struct told t;

        told_read(&t, "POST", translations[i].path, NULL, translations[i].body);
        g_assert_cmpstr(t.body->str, ==, translations[i].canonical);
        g_assert_cmpstr(t.dropped->str, ==, "");
        told_clear(&t);
    }
}

/* -- Streams ---------------------------------------------------------------------------------- */

static void block_end(const weir_events *out, int32_t block, uint16_t kind, const char *extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_END);

    e.block = block;
    e.kind = kind;
    e.extra = weir_str_of(extra);
    out->emit(out->ctx, &e);
}

/* Reasoning, text, a call and the end. */
static void write_answer(struct writing *w, bool call, bool finish)
{
    const weir_events out = { w, writing_event };
    weir_usage usage = weir_usage_unknown();
    weir_text args = { "{\\\"a\\\":\\\"\\\\n\\\"}", 0, WEIR_FORM_JSON, 0 };
    weir_str none = WEIR_S("");

    args.len = strlen(args.ptr);
    weir_emit_start(&out, WEIR_S("r"), WEIR_S("model"), none);
    weir_emit_block_start(&out, 0, 0, WEIR_BLOCK_REASONING, none, none);
    weir_emit_delta(&out, 0, 0, WEIR_BLOCK_REASONING, weir_text_from(WEIR_S("hm")), none);
    block_end(&out, 0, WEIR_BLOCK_REASONING, "\"thought_signature\":\"S\"");
    weir_emit_block_start(&out, 0, 1, WEIR_BLOCK_TEXT, none, none);
    weir_emit_text(&out, 0, 1, weir_text_from(WEIR_S("a\n")));
    block_end(&out, 1, WEIR_BLOCK_TEXT, "");
    if (call) {
        weir_emit_block_start(&out, 0, 2, WEIR_BLOCK_TOOL_CALL, WEIR_S("i"), WEIR_S("f"));
        weir_emit_delta(&out, 0, 2, WEIR_BLOCK_TOOL_CALL, args, none);
    }
    if (!finish)
        return;
    block_end(&out, 2, WEIR_BLOCK_TOOL_CALL, "\"thought_signature\":\"T\"");
    usage.input_total = 3, usage.output_total = 5, usage.output_reasoning = 2;
    weir_emit_usage(&out, &usage);
    weir_emit_finish(&out, 0, WEIR_FINISH_TOOL_CALLS, WEIR_S("tool_calls"));
    g_assert_cmpint(w->face->end(w->cfg, w->st, &w->e->x, &w->reply.sink), ==, WEIR_OK);
}

#define CHUNK(part, more) \
    "{\"candidates\":[{\"content\":{\"parts\":[" part "],\"role\":\"model\"}" more "}]"
#define TAIL   ",\"modelVersion\":\"model\",\"responseId\":\"r\"}"
#define CHUNK1 CHUNK("{\"text\":\"hm\",\"thought\":true}", ",\"index\":0") TAIL
#define CHUNK2 \
    CHUNK("{\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"S\"}", ",\"index\":0") TAIL
#define CHUNK3 CHUNK("{\"text\":\"a\\n\"}", ",\"index\":0") TAIL
#define CHUNK4                                                                        \
    CHUNK("{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":{\"a\":\"\\n\"}}," \
          "\"thoughtSignature\":\"T\"}",                                              \
          ",\"index\":0")                                                             \
    TAIL
#define CHUNK5                                                               \
    CHUNK("{\"text\":\"\"}", ",\"finishReason\":\"STOP\",\"index\":0")       \
    ",\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":3," \
    "\"totalTokenCount\":8,\"thoughtsTokenCount\":2}" TAIL

static void test_stream_events(void)
{
    struct writing w;

    writing_begin(&w, WEIR_OP_CHAT, STREAM "?alt=sse");
    write_answer(&w, true, true);
    g_assert_cmpstr(w.reply.headers->str, ==, "content-type: text/event-stream\n");
    g_assert_cmpstr(w.reply.bytes->str, ==,
                    "data: " CHUNK1 "\r\n\r\ndata: " CHUNK2 "\r\n\r\ndata: " CHUNK3
                    "\r\n\r\ndata: " CHUNK4 "\r\n\r\ndata: " CHUNK5 "\r\n\r\n");
    writing_end(&w);
}

static void test_stream_array(void)
{
    struct writing w;

    writing_begin(&w, WEIR_OP_CHAT, STREAM);
    write_answer(&w, true, true);
    g_assert_cmpstr(w.reply.headers->str, ==, "content-type: application/json; charset=UTF-8\n");
    g_assert_cmpstr(w.reply.bytes->str, ==,
                    "[" CHUNK1 "\n,\n" CHUNK2 "\n,\n" CHUNK3 "\n,\n" CHUNK4 "\n,\n" CHUNK5 "\n]");
    writing_end(&w);
}

/* -- Calls that are no calls ------------------------------------------------------------------ */

static const struct {
    const char *arguments;
    const char *extra; /* of the start */
    uint16_t reason;
    const char *part; /* NULL: none */
    weir_result result;
} calls[] = {
    { "{\"a\":", "", WEIR_FINISH_LENGTH, NULL, WEIR_OK },
    { "{\"a\":}", "", WEIR_FINISH_LENGTH, NULL, WEIR_OK },
    { "{}{}", "", WEIR_FINISH_CONTENT_FILTER, NULL, WEIR_OK },
    { "{}{}", "", WEIR_FINISH_TOOL_CALLS, NULL, WEIR_PROTOCOL },
    { "7", "", WEIR_FINISH_STOP, NULL, WEIR_PROTOCOL },
    { "{\"a\":", "\"type\":\"custom\"", WEIR_FINISH_LENGTH,
      "{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":{\"input\":\"{\\\"a\\\":\"}}}",
      WEIR_OK },
    { "{\"a\":", "\"thought_signature\":\"S\"", WEIR_FINISH_LENGTH,
      "{\"thoughtSignature\":\"S\",\"text\":\"\"}", WEIR_OK },
    { "{\"a\":1}", "\"thought_signature\":\"S\"", WEIR_FINISH_TOOL_CALLS,
      "{\"thoughtSignature\":\"S\",\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":{\"a\":1}"
      "}}",
      WEIR_OK },
};

/* An application would run a call that was cut: it is left out. */
static void test_broken_calls(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        struct writing w;
        const weir_events out = { &w, writing_event };
        weir_event e = weir_event_make(WEIR_EVENT_BLOCK_START);
        g_autoptr(GString) all = g_string_new("[");

        writing_begin(&w, WEIR_OP_CHAT, STREAM);
        weir_emit_start(&out, WEIR_S("r"), WEIR_S("model"), WEIR_S(""));
        e.kind = WEIR_BLOCK_TOOL_CALL;
        e.id = WEIR_S("i");
        e.name = WEIR_S("f");
        e.extra = weir_str_of(calls[i].extra);
        out.emit(out.ctx, &e);
        weir_emit_delta(&out, 0, 0, WEIR_BLOCK_TOOL_CALL,
                        weir_text_from(weir_str_of(calls[i].arguments)), WEIR_S(""));
        block_end(&out, 0, WEIR_BLOCK_TOOL_CALL, "");
        e = weir_event_make(WEIR_EVENT_FINISH);
        e.reason = calls[i].reason;
        g_assert_cmpint(w.face->event(w.cfg, w.st, &w.e->x, &e, &w.reply.sink), ==,
                        calls[i].result);
        if (calls[i].part) {
            g_string_append_printf(all, CHUNK("%s", ",\"index\":0") TAIL, calls[i].part);
            g_assert_true(g_str_has_prefix(w.reply.bytes->str, all->str));
        } else {
            g_assert_null(strstr(w.reply.bytes->str, "functionCall"));
        }
        writing_end(&w);
    }
}

static void test_broken_calls_whole(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        const weir_block block = { .struct_size = sizeof(block),
                                   .kind = WEIR_BLOCK_TOOL_CALL,
                                   .text = weir_text_from(weir_str_of(calls[i].arguments)),
                                   .id = WEIR_S("i"),
                                   .name = WEIR_S("f"),
                                   .extra = weir_str_of(calls[i].extra) };
        const weir_choice choice = { .struct_size = sizeof(choice), .reason = calls[i].reason };
        const weir_answer answer = { .struct_size = sizeof(answer),
                                     .blocks = { &block, 1, sizeof(block) },
                                     .choices = { &choice, 1, sizeof(choice) } };
        bool call = calls[i].part && strstr(calls[i].part, "functionCall");
        struct writing w;

        writing_begin(&w, WEIR_OP_CHAT, "/v1beta/models/m:generateContent");
        g_assert_cmpint(w.face->answer(w.cfg, &w.e->x, &answer, &w.reply.sink), ==,
                        calls[i].result);
        g_assert_cmpint(strstr(w.reply.bytes->str, "functionCall") != NULL, ==, call);
        writing_end(&w);
    }
}

/* -- Failures --------------------------------------------------------------------------------- */

#define BROKEN                                                                               \
    "{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\",\"details\":[" \
    "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"overloaded\"}]}}"

static void fail(struct writing *w, void *st)
{
    weir_failure f = weir_failure_make(WEIR_CLASS_OVERLOADED, 503, WEIR_S("busy"));

    g_assert_cmpint(w->face->failure(w->cfg, st, &w->e->x, &f, &w->reply.sink), ==, WEIR_OK);
}

static void test_broken_streams(void)
{
    struct writing w;

    writing_begin(&w, WEIR_OP_CHAT, STREAM "?alt=sse");
    write_answer(&w, false, false);
    fail(&w, w.st);
    g_assert_true(g_str_has_suffix(w.reply.bytes->str, "\r\n\r\ndata: " BROKEN "\r\n\r\n"));
    writing_end(&w);
    /* an array stays open */
    writing_begin(&w, WEIR_OP_CHAT, STREAM);
    write_answer(&w, false, false);
    fail(&w, w.st);
    g_assert_true(g_str_has_suffix(w.reply.bytes->str, CHUNK3 "\n,\n" BROKEN));
    writing_end(&w);
    /* in the middle of a call */
    writing_begin(&w, WEIR_OP_CHAT, STREAM);
    write_answer(&w, true, false);
    fail(&w, w.st);
    g_assert_true(g_str_has_suffix(w.reply.bytes->str, "}]}}]}\n,\n" BROKEN));
    g_string_append_c(w.reply.bytes, ']');
    json_decref(json_loads(w.reply.bytes->str, 0, NULL));
    writing_end(&w);
    /* what was relayed is not in our state */
    writing_begin(&w, WEIR_OP_CHAT, STREAM);
    fail(&w, w.st);
    g_assert_cmpstr(w.reply.bytes->str, ==, "\n,\n" BROKEN);
    writing_end(&w);
    /* nothing but the head */
    writing_begin(&w, WEIR_OP_CHAT, STREAM);
    weir_emit_start(&(weir_events){ &w, writing_event }, WEIR_S("r"), WEIR_S("m"), WEIR_S(""));
    fail(&w, w.st);
    g_assert_cmpstr(w.reply.bytes->str, ==, "[" BROKEN);
    writing_end(&w);
}

static const struct {
    uint16_t class_id;
    unsigned status;
    const char *word;
} classes[] = {
    { WEIR_CLASS_AUTHENTICATION, 401, "UNAUTHENTICATED" },
    { WEIR_CLASS_PERMISSION, 403, "PERMISSION_DENIED" },
    { WEIR_CLASS_NOT_FOUND, 404, "NOT_FOUND" },
    { WEIR_CLASS_INVALID_REQUEST, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_CONTEXT_LENGTH, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_CONTENT_FILTER, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_RATE_LIMIT, 429, "RESOURCE_EXHAUSTED" },
    { WEIR_CLASS_QUOTA, 429, "RESOURCE_EXHAUSTED" },
    { WEIR_CLASS_OVERLOADED, 503, "UNAVAILABLE" },
    { WEIR_CLASS_SERVER_ERROR, 502, "INTERNAL" },
    { WEIR_CLASS_TIMEOUT, 504, "DEADLINE_EXCEEDED" },
    { WEIR_CLASS_CONNECTION, 502, "UNAVAILABLE" },
    { WEIR_CLASS_PROTOCOL, 502, "INTERNAL" },
    { WEIR_CLASS_CANCELLED, 499, "CANCELLED" },
    { WEIR_CLASS_NO_PROVIDER, 404, "NOT_FOUND" },
    { WEIR_CLASS_NO_ROUTE, 404, "NOT_FOUND" },
    { WEIR_CLASS_UNSUPPORTED, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_BUDGET, 504, "DEADLINE_EXCEEDED" },
    { WEIR_CLASS_POLICY, 403, "PERMISSION_DENIED" },
    { WEIR_CLASS_INTERNAL, 500, "INTERNAL" },
    { 99, 502, "INTERNAL" }, /* newer than we: its family */
};

static void test_failures(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        weir_failure f = weir_failure_make(classes[i].class_id, 0, WEIR_S("why \"it\""));
        json_t *doc, *error;
        struct writing w;

        if (classes[i].class_id == 99)
            f.family = WEIR_CLASS_SERVER_ERROR;
        f.retry_after_us = 1500000;
        f.param = WEIR_S("contents");
        writing_begin(&w, WEIR_OP_CHAT, GENERATE);
        w.face->failure(w.cfg, NULL, &w.e->x, &f, &w.reply.sink);
        g_assert_cmpuint(w.reply.status, ==, classes[i].status);
        doc = json_loads(w.reply.bytes->str, 0, NULL);
        error = json_object_get(doc, "error");
        g_assert_cmpint(json_integer_value(json_object_get(error, "code")), ==,
                        (int)classes[i].status);
        g_assert_cmpstr(json_string_value(json_object_get(error, "status")), ==, classes[i].word);
        g_assert_cmpstr(json_string_value(json_object_get(error, "message")), ==, "why \"it\"");
        g_assert_nonnull(strstr(w.reply.bytes->str, "\"retryDelay\":\"2s\""));
        g_assert_nonnull(strstr(w.reply.bytes->str, "\"field\":\"contents\""));
        json_decref(doc);
        writing_end(&w);
    }
}

/* -- Documents -------------------------------------------------------------------------------- */

static const struct {
    uint8_t op;
    const char *path;
    const char *asked;
    const char *document;
    const char *expected;
} documents[] = {
    { WEIR_OP_EMBED, "/v1beta/models/m:embedContent", "",
      "{\"data\":[{\"embedding\":\"AACAPwAAAD8=\"}],\"usage\":{\"prompt_tokens\":2}}",
      "{\"embedding\":{\"values\":[1,0.5]},\"usageMetadata\":{\"promptTokenCount\":2}}" },
    { WEIR_OP_EMBED, "/v1beta/models/m:batchEmbedContents", "",
      "{\"data\":[{\"embedding\":[1]},{\"embedding\":[2.50]}]}",
      "{\"embeddings\":[{\"values\":[1]},{\"values\":[2.50]}]}" },
    { WEIR_OP_COUNT, "/v1beta/models/m:countTokens", "", "{\"input_tokens\":7}",
      "{\"totalTokens\":7}" },
    { WEIR_OP_MODELS, "/v1beta/models", "",
      "{\"data\":[{\"id\":\"a/"
      "b\",\"context_window\":9},{\"id\":\"e\",\"name\":\"E\",\"capabilities\":["
      "\"embeddings\"]}]}",
      "{\"models\":[{\"name\":\"models/a/b\",\"displayName\":\"a/b\",\"inputTokenLimit\":9,"
      "\"supportedGenerationMethods\":[\"generateContent\",\"streamGenerateContent\","
      "\"countTokens\"]},"
      "{\"name\":\"models/"
      "e\",\"displayName\":\"E\",\"supportedGenerationMethods\":[\"embedContent\","
      "\"batchEmbedContents\"]}]}" },
    { WEIR_OP_MODELS, "/v1beta/models/e", "e", "{\"data\":[{\"id\":\"d\"},{\"id\":\"e\"}]}",
      "{\"name\":\"models/"
      "e\",\"displayName\":\"e\",\"supportedGenerationMethods\":[\"generateContent\","
      "\"streamGenerateContent\",\"countTokens\"]}" },
};

static void test_documents(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        struct writing w;

        writing_begin(&w, documents[i].op, documents[i].path);
        w.e->x.asked_model = weir_str_of(documents[i].asked);
        weir_emit_document(&(weir_events){ &w, writing_event }, weir_str_of(documents[i].document));
        g_assert_cmpuint(w.reply.status, ==, 200);
        g_assert_cmpstr(w.reply.bytes->str, ==, documents[i].expected);
        writing_end(&w);
    }
}

static void test_no_such_model(void)
{
    struct writing w;

    writing_begin(&w, WEIR_OP_MODELS, "/v1beta/models/x");
    w.e->x.asked_model = WEIR_S("x");
    weir_emit_document(&(weir_events){ &w, writing_event }, WEIR_S("{\"data\":[]}"));
    g_assert_cmpuint(w.reply.status, ==, 404);
    writing_end(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/facts", test_facts);
    g_test_add_func("/paths", test_paths);
    g_test_add_func("/opaque", test_opaque);
    g_test_add_func("/refusals", test_refusals);
    g_test_add_func("/translations", test_translations);
    g_test_add_func("/stream/events", test_stream_events);
    g_test_add_func("/stream/array", test_stream_array);
    g_test_add_func("/stream/broken", test_broken_streams);
    g_test_add_func("/calls/stream", test_broken_calls);
    g_test_add_func("/calls/whole", test_broken_calls_whole);
    g_test_add_func("/failures", test_failures);
    g_test_add_func("/documents", test_documents);
    g_test_add_func("/no-such-model", test_no_such_model);
    return g_test_run();
}
