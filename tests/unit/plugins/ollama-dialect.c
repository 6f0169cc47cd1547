/*
 * The dialect ollama: what it makes of requests.
 */
#include "ollama-read.h"

#include <string.h>

static void *configured;

#define CHAT(more)  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]" more "}"
#define FLOW        ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"
#define CANON(more) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]" more "}"

struct translate_case {
    const char *name;
    const char *path;
    const char *body;
    const char *expected;
};

static const struct translate_case translations[] = {
    { "plain", "/api/chat", CHAT(""), CANON(FLOW) },
    { "whole", "/api/chat", CHAT(",\"stream\":false"), CANON(",\"stream\":false") },
    { "provider", "/api/chat", CHAT(",\"provider\":\"p\""), CANON(FLOW) },
    { "options", "/api/chat",
      CHAT(",\"options\":{\"temperature\":0.5,\"top_k\":4,\"num_predict\":7,\"stop\":[\"x\"],"
           "\"num_ctx\":9,\"seed\":null,\"top_p\":\"high\"},\"keep_alive\":\"5m\",\"shift\":false,"
           "\"truncate\":null"),
      CANON(FLOW ",\"temperature\":0.5,\"top_k\":4,\"max_tokens\":7,\"stop\":[\"x\"],\"vendor\":{"
                 "\"ollama\":{\"keep_alive\":\"5m\",\"shift\":false,\"options\":{\"num_ctx\":9,"
                 "\"top_p\":\"high\"}}}") },
    { "without-limit", "/api/chat", CHAT(",\"options\":{\"num_predict\":-1}"),
      CANON(FLOW ",\"vendor\":{\"ollama\":{\"options\":{\"num_predict\":-1}}}") },
    { "format-json", "/api/chat", CHAT(",\"format\":\"json\""),
      CANON(FLOW ",\"response_format\":{\"type\":\"json_object\"}") },
    { "format-none", "/api/chat", CHAT(",\"format\":\"\",\"options\":{},\"tools\":[]"),
      CANON(FLOW) },
    { "format-schema", "/api/chat", CHAT(",\"format\":{\"type\":\"object\"}"),
      CANON(FLOW ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                 "\"format\",\"schema\":{\"type\":\"object\"}}}") },
    { "think", "/api/chat", CHAT(",\"think\":true"),
      CANON(FLOW ",\"reasoning_budget_tokens\":-1") },
    { "think-off", "/api/chat", CHAT(",\"think\":false"),
      CANON(FLOW ",\"reasoning_budget_tokens\":0") },
    { "think-level", "/api/chat", CHAT(",\"think\":\"low\""),
      CANON(FLOW ",\"reasoning_effort\":\"low\"") },
    { "logprobs", "/api/chat", CHAT(",\"logprobs\":true,\"top_logprobs\":2"),
      CANON(FLOW ",\"logprobs\":true,\"top_logprobs\":2") },
    { "tools", "/api/chat",
      CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"x\":1}}]"),
      CANON(FLOW ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"x\":1}}]") },
    { "images", "/api/chat",
      "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"a\","
      "\"images\":[\"/9j/4AAQ\",\"R0lGODdh\"]},{\"role\":\"user\",\"content\":\"\",\"images\":["
      "\"AAAA\"]}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/jpeg;base64,/9j/4AAQ\"}},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/gif;base64,R0lGODdh\"}}]},"
      "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
      "\"data:image/png;base64,AAAA\"}}]}],\"stream\":false}" },
    { "results-by-name", "/api/chat",
      "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"assistant\",\"thinking\":\"hm\","
      "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"function\":{"
      "\"name\":\"g\"}},{\"function\":{\"name\":\"f\",\"arguments\":{}}}]},"
      "{\"role\":\"tool\",\"tool_name\":\"g\",\"content\":\"1\"},"
      "{\"role\":\"tool\",\"tool_name\":\"f\",\"content\":\"2\"},"
      "{\"role\":\"tool\",\"tool_name\":\"f\",\"content\":\"3\"},"
      "{\"role\":\"tool\",\"tool_name\":\"h\",\"content\":\"4\"}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"reasoning_content\":\"hm\","
      "\"content\":\"\",\"tool_calls\":[{\"id\":\"c00000000\",\"type\":\"function\",\"function\":{"
      "\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"c00000001\",\"type\":"
      "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}},{\"id\":\"c00000002\","
      "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
      "{\"role\":\"tool\",\"content\":\"1\",\"name\":\"g\",\"tool_call_id\":\"c00000001\"},"
      "{\"role\":\"tool\",\"content\":\"2\",\"name\":\"f\",\"tool_call_id\":\"c00000000\"},"
      "{\"role\":\"tool\",\"content\":\"3\",\"name\":\"f\",\"tool_call_id\":\"c00000002\"},"
      "{\"role\":\"tool\",\"content\":\"4\",\"name\":\"h\",\"tool_call_id\":\"c00040000\"}],"
      "\"stream\":false}" },
    { "results-by-place-and-id", "/api/chat",
      "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"assistant\",\"content\":\"\","
      "\"tool_calls\":[{\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":{}},\"x\":2},"
      "{\"id\":\"j\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]},"
      "{\"role\":\"tool\",\"content\":\"1\"},{\"role\":\"tool\",\"content\":\"2\"},"
      "{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":\"3\",\"y\":1}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      "{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
      "\"vendor\":{\"ollama\":{\"x\":2}}},{\"id\":\"j\",\"type\":\"function\",\"function\":{"
      "\"name\":\"f\",\"arguments\":\"{}\"}}]},"
      "{\"role\":\"tool\",\"content\":\"1\",\"tool_call_id\":\"i\"},"
      "{\"role\":\"tool\",\"content\":\"2\",\"tool_call_id\":\"j\"},"
      "{\"role\":\"tool\",\"content\":\"3\",\"tool_call_id\":\"i\",\"vendor\":{\"ollama\":{\"y\":"
      "1}}}],\"stream\":false}" },
    { "generate", "/api/generate",
      "{\"model\":\"m\",\"prompt\":\"a\",\"system\":\"s\",\"images\":[\"iVBORw0KGgo\"],\"suffix\":"
      "\"z\",\"raw\":true,\"context\":[1,2],\"think\":true}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{"
      "\"url\":\"data:image/png;base64,iVBORw0KGgo\"}}]}]" FLOW
      ",\"reasoning_budget_tokens\":-1,\"vendor\":{\"ollama\":{\"suffix\":\"z\",\"raw\":true,"
      "\"context\":[1,2]}}}" },
    { "embed", "/api/embed",
      "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"dimensions\":3,\"truncate\":true,\"options\":{"
      "\"num_ctx\":1}}",
      "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"dimensions\":3,\"vendor\":{\"ollama\":{"
      "\"truncate\":true,\"options\":{\"num_ctx\":1}}}}" },
    { "embeddings", "/api/embeddings", "{\"model\":\"m\",\"prompt\":\"a\"}",
      "{\"model\":\"m\",\"input\":\"a\"}" },
};

static void test_translations(gconstpointer data)
{
    const struct translate_case *c = data;
    struct told t;

    told_read(&t, configured, NULL, c->path, c->body);
    g_assert_null(t.refusal);
    g_assert_cmpstr(t.body->str, ==, c->expected);
    g_assert_cmpstr(t.key, ==, "app-key");
    told_clear(&t);
}

static void test_facts(void)
{
    struct told t;

    told_read(&t, configured, NULL, "/api/chat",
              "{\"model\":\"a/b:latest\",\"messages\":[{\"role\":\"user\",\"content\":\"12345\","
              "\"images\":[\"A\"]},{\"role\":\"user\"}],\"tools\":[1],\"format\":\"json\","
              "\"think\":\"low\",\"logprobs\":true,\"options\":{\"seed\":1,\"num_predict\":9}}");
    g_assert_cmpstr(t.model, ==, "a/b");
    g_assert_cmpuint(t.facts.needs, ==,
                     WEIR_CAN_STREAM | WEIR_CAN_IMAGES | WEIR_CAN_TOOLS | WEIR_CAN_JSON_MODE |
                         WEIR_CAN_REASONING | WEIR_CAN_LOGPROBS | WEIR_CAN_SEED);
    g_assert_cmpint(t.facts.stream, ==, 1);
    g_assert_cmpint(t.facts.asked_usage, ==, 1);
    g_assert_cmpint(t.facts.messages, ==, 2);
    g_assert_cmpint(t.facts.output_tokens, ==, 9);
    g_assert_cmpint(t.facts.input_tokens, ==, (5 + 3 + 3) / 4 + 2 * 4 + 800);
    told_clear(&t);
    told_read(&t, configured, NULL, "/api/chat",
              CHAT(",\"stream\":false,\"think\":false,\"format\":{},\"options\":{\"num_predict\":"
                   "-2}"));
    g_assert_cmpuint(t.facts.needs, ==, WEIR_CAN_JSON_SCHEMA);
    g_assert_cmpint(t.facts.stream, ==, 0);
    g_assert_cmpint(t.facts.asked_usage, ==, 0);
    g_assert_cmpint(t.facts.output_tokens, ==, -1);
    told_clear(&t);
    told_read(&t, configured, NULL, "/api/embed", "{\"model\":\":latest\",\"input\":\"a\"}");
    g_assert_cmpuint(t.facts.needs, ==, WEIR_CAN_EMBEDDINGS);
    g_assert_cmpstr(t.model, ==, ":latest");
    told_clear(&t);
}

/* The tokens of a conversation are named alike, however they are written. */
static void test_context(void)
{
    struct told t;

    told_read(&t, configured, NULL, "/api/generate",
              "{\"model\":\"m\",\"prompt\":\"a\",\"context\":[1, 2,\n3]}");
    g_assert_cmpstr(t.opaque->str, ==, "[1,2,3]! ");
    told_clear(&t);
    told_read(&t, configured, NULL, "/api/generate",
              "{\"model\":\"m\",\"prompt\":\"a\",\"context\":[]}");
    g_assert_cmpstr(t.opaque->str, ==, "");
    told_clear(&t);
}

static const struct refuse_case {
    const char *path;
    const char *body;
    const char *param;
} refusals[] = {
    { "/api/chat", "[]", "" },
    { "/api/chat", "{", "" },
    { "/api/chat", "{\"model\":1}", "model" },
    { "/api/chat", "{\"messages\":{}}", "messages" },
    { "/api/chat", "{\"messages\":[1]}", "messages" },
    { "/api/chat", "{\"messages\":[{\"content\":\"a\"}]}", "messages" },
    { "/api/chat", "{\"messages\":[{\"role\":\"user\",\"content\":[1]}]}", "messages" },
    { "/api/chat", "{\"messages\":[{\"role\":\"user\",\"images\":\"a\"}]}", "messages" },
    { "/api/chat", "{\"messages\":[{\"role\":\"user\",\"tool_calls\":{}}]}", "messages" },
    { "/api/chat", "{\"messages\":[],\"tools\":{}}", "tools" },
    { "/api/chat", "{\"messages\":[],\"options\":[]}", "options" },
    { "/api/generate", "{\"prompt\":[]}", "prompt" },
    { "/api/generate", "{\"prompt\":\"a\",\"images\":{}}", "images" },
    { "/api/embed", "{\"model\":\"m\"}", "input" },
    { "/api/embed", "{\"input\":{}}", "input" },
    { "/api/embeddings", "{\"prompt\":[\"a\"]}", "prompt" },
    { "/api/show", "", "" },
    { "/api/show", "{}", "model" },
};

static void test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        struct told t;

        told_read(&t, configured, NULL, refusals[i].path, refusals[i].body);
        g_assert_nonnull(t.refusal);
        g_assert_cmpstr(t.param, ==, refusals[i].param);
        g_assert_cmpuint(t.facts.struct_size, ==, 0);
        told_clear(&t);
    }
}

/* What needs no provider. */
static void test_own_answers(void)
{
    static const struct {
        const char *method;
        const char *path;
        const char *type;
        const char *answer;
    } cases[] = {
        { "GET", "/", "text/plain; charset=utf-8", "Ollama is running" },
        { "HEAD", "/", "text/plain; charset=utf-8", "Ollama is running" },
        { "GET", "/api/ps", "application/json; charset=utf-8", "{\"models\":[]}" },
        { "GET", "/api/version", "application/json; charset=utf-8", "{\"version\":\"0.13.0\"}" },
    };
    struct told t;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        told_read(&t, configured, cases[i].method, cases[i].path, "");
        g_assert_cmpuint(t.status, ==, 200);
        g_assert_cmpstr(t.type, ==, cases[i].type);
        g_assert_cmpstr(t.answer, ==, cases[i].answer);
        told_clear(&t);
    }
    /* a model that is nobody's to load is loaded */
    told_read(&t, configured, NULL, "/api/generate", "{\"model\":\"m\"}");
    g_assert_cmpstr(t.answer, ==,
                    "{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20.000000000Z\","
                    "\"response\":\"\",\"done\":true,\"done_reason\":\"load\"}");
    g_assert_cmpstr(t.model, ==, "m");
    told_clear(&t);
    told_read(&t, configured, NULL, "/api/chat",
              "{\"model\":\"m\",\"messages\":[],\"keep_alive\":0}");
    g_assert_cmpstr(t.answer, ==,
                    "{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20.000000000Z\","
                    "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
                    "\"done_reason\":\"unload\"}");
    told_clear(&t);
}

static void test_other_paths(void)
{
    struct told t;

    told_read(&t, configured, "GET", "/api/tags", "");
    g_assert_cmpuint(t.facts.op, ==, WEIR_OP_MODELS);
    g_assert_cmpuint(t.facts.model.len, ==, 0);
    told_clear(&t);
    told_read(&t, configured, NULL, "/api/show", "{\"name\":\"m:latest\"}");
    g_assert_cmpuint(t.facts.op, ==, WEIR_OP_MODELS);
    g_assert_cmpstr(t.model, ==, "m");
    told_clear(&t);
    told_read(&t, configured, NULL, "/api/pull", "{\"model\":\"p/m:latest\",\"stream\":false}");
    g_assert_cmpuint(t.facts.op, ==, WEIR_OP_FORWARD);
    g_assert_cmpstr(t.model, ==, "p/m:latest");
    g_assert_cmpint(t.facts.stream, ==, 0);
    told_clear(&t);
    told_read(&t, configured, "HEAD", "/api/blobs/sha256:1", "");
    g_assert_cmpuint(t.facts.op, ==, WEIR_OP_FORWARD);
    told_clear(&t);
}

int main(int argc, char **argv)
{
    int failed;

    g_test_init(&argc, &argv, NULL);
    configured = host_dialect();
    for (size_t i = 0; i < G_N_ELEMENTS(translations); i++) {
        g_autofree char *path = g_strconcat("/ollama/translate/", translations[i].name, NULL);
        g_test_add_data_func(path, &translations[i], test_translations);
    }
    g_test_add_func("/ollama/facts", test_facts);
    g_test_add_func("/ollama/context", test_context);
    g_test_add_func("/ollama/refusals", test_refusals);
    g_test_add_func("/ollama/own-answers", test_own_answers);
    g_test_add_func("/ollama/other-paths", test_other_paths);
    failed = g_test_run();
    told_release(configured);
    return failed;
}
