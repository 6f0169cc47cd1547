/*
 * Requests of the provider part ollama.
 */
#include "host.h"

#define M(messages) "{\"model\":\"a\",\"messages\":[" messages "]"
#define U           "{\"role\":\"user\",\"content\":\"a\"}"
#define BEGIN       "{\"model\":\"m\",\"messages\":["
#define WHOLE       "],\"stream\":false"
#define UW          BEGIN U WHOLE
#define TOOL(name)  "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"}}"

/* -- Canonical chats -------------------------------------------------------------------------- */

struct encode_case {
    const char *name;
    const char *body;
    const char *expected;
    const char *dropped;
};

static const struct encode_case chats[] = {
    { "plain", M(U) "}", UW "}", "" },
    { "stream", M(U) ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
      BEGIN U "],\"stream\":true}", "" },
    { "roles",
      M("{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"developer\",\"content\":\"d\"},"
        "{\"role\":\"assistant\",\"content\":\"\\n\"}") "}",
      BEGIN "{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"system\",\"content\":\"d\"},"
            "{\"role\":\"assistant\",\"content\":\"\\n\"}" WHOLE "}",
      "" },
    { "parts",
      M("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
        "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
        "{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,BBBB\",\"detail\":\"high\"}},{\"type\":\"file\",\"file\":{"
        "\"file_data\":\"data:image/gif;base64,CCCC\"}}]}") "}",
      BEGIN "{\"role\":\"user\",\"content\":\"ab\",\"images\":[\"AAAA\",\"BBBB\",\"CCCC\"]}" WHOLE
            "}",
      "/messages/0/content/3/image_url\n" },
    { "parts-not-sent",
      M("{\"role\":\"user\",\"name\":\"n\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
        "\"url\":\"https://x/y.png\"}},{\"type\":\"input_audio\",\"input_audio\":{\"data\":"
        "\"AAAA\",\"format\":\"wav\"}},{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}},"
        "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\"},\"x\":1},"
        "{\"type\":\"strange\"}]}") "}",
      BEGIN "{\"role\":\"user\",\"content\":\"a\"}" WHOLE "}",
      "/messages/0/content/0\n/messages/0/content/1\n/messages/0/content/2\n"
      "/messages/0/content/4\n/messages/0/content/3/cache_control\n/messages/0/content/3/x\n/"
      "messages/0/name\n" },
    { "calls",
      M("{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\",\"tool_calls\":[{"
        "\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"{\\\"x\\\":1}\"}},{\"id\":\"j\",\"type\":\"function\",\"function\":{\"name\":\"g\","
        "\"arguments\":\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"j\",\"content\":\"r\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"i\",\"is_error\":true,\"content\":[{\"type\":"
        "\"text\",\"text\":\"no\"}]},{\"role\":\"tool\",\"tool_call_id\":\"k\",\"content\":\"\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"k\",\"name\":\"h\",\"content\":\"\"}") "}",
      BEGIN "{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\",\"tool_calls\":[{\"id\":"
            "\"i\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"id\":\"j\","
            "\"function\":{\"name\":\"g\",\"arguments\":{}}}]},{\"role\":\"tool\",\"content\":"
            "\"r\",\"tool_name\":\"g\",\"tool_call_id\":\"j\"},{\"role\":\"tool\",\"content\":"
            "\"no\",\"tool_name\":\"f\",\"tool_call_id\":\"i\"},{\"role\":\"tool\",\"content\":"
            "\"\",\"tool_call_id\":\"k\"},{\"role\":\"tool\",\"content\":\"\",\"tool_name\":\"h\","
            "\"tool_call_id\":\"k\"}" WHOLE "}",
      "/messages/2/is_error\n" },
    { "calls-that-are-no-object",
      M("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"i\",\"type\":"
        "\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"1 + 1\"}},{\"id\":\"j\",\"type\":"
        "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"x\\\":\"}}]}") "}",
      BEGIN "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"i\",\"function\":{"
            "\"name\":\"f\",\"arguments\":{\"input\":\"1 + 1\"}}},{\"id\":\"j\",\"function\":{"
            "\"name\":\"g\",\"arguments\":{\"input\":\"{\\\"x\\\":\"}}}]}" WHOLE "}",
      "/messages/0/tool_calls\n/messages/0/tool_calls\n" },
    { "ordered",
      M("{\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\",\"text\":\"hm\","
        "\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_call\",\"id\":"
        "\"i\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"refusal\",\"refusal\":\"no\"},"
        "{\"type\":\"opaque\",\"api\":\"x\",\"block\":{}}]}") "}",
      BEGIN "{\"role\":\"assistant\",\"content\":\"ano\",\"thinking\":\"hm\",\"tool_calls\":[{"
            "\"id\":\"i\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]}" WHOLE "}",
      "/messages/0/content/4\n/messages/0/content/0/signature\n" },
    { "old-spelling",
      M("{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":"
        "\"{}\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}") ",\"functions\":[{"
                                                                             "\"name\":\"f\"}],"
                                                                             "\"function_call\":"
                                                                             "\"auto\"}",
      BEGIN
      "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":"
      "\"f\",\"arguments\":{}}}]},{\"role\":\"tool\",\"content\":\"r\",\"tool_name\":\"f\"}" WHOLE
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
      "" },
    { "tools",
      M(U) ",\"tools\":[{\"cache_control\":{},\"function\":{\"name\":\"f\","
           "\"parameters\":{\"type\":\"object\"},\"strict\":true}},{\"type\":\"custom\",\"custom\":"
           "{\"name\":\"c\"}},{\"type\":\"server_tool\",\"api\":\"anthropic\",\"tool\":{}},"
           "{\"type\":\"server_tool\",\"api\":\"ollama\",\"tool\":{\"type\":\"x\"}}],"
           "\"tool_choice\":\"auto\",\"parallel_tool_calls\":true}",
      UW ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
         "\"object\"}}},{\"type\":\"x\"}]}",
      "/tools/0/cache_control\n/tools/0/function/strict\n/tools/1\n/tools/2\n" },
    { "choice-none", M(U) ",\"tools\":[" TOOL("f") "],\"tool_choice\":\"none\"}", UW "}", "" },
    { "choice-required",
      M(U) ",\"tools\":[" TOOL("f") "],\"tool_choice\":\"required\",\"parallel_tool_calls\":false}",
      UW ",\"tools\":[" TOOL("f") "]}", "/tool_choice\n/parallel_tool_calls\n" },
    { "choice-one", M(U) ",\"tools\":[" TOOL("f") "," TOOL("g") "],\"tool_choice\":" TOOL("g") "}",
      UW ",\"tools\":[" TOOL("g") "]}", "/tool_choice\n" },
    { "choice-allowed",
      M(U) ",\"tools\":[" TOOL("f") "," TOOL("g") "," TOOL(
          "h") "],\"tool_choice\":{\"type\":"
               "\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\",\"tools\":[" TOOL(
                   "f") "," TOOL("h") "]}}}",
      UW ",\"tools\":[" TOOL("f") "," TOOL("h") "]}", "" },
    { "options",
      M(U) ",\"temperature\":0.20,\"top_p\":1,\"top_k\":3,\"seed\":7,\"max_tokens\":5,"
           "\"max_completion_tokens\":9,\"stop\":\"x\",\"presence_penalty\":1,"
           "\"frequency_penalty\":2}",
      UW ",\"options\":{\"temperature\":0.20,\"top_p\":1,\"top_k\":3,\"seed\":7,"
         "\"frequency_penalty\":2,\"presence_penalty\":1,\"num_predict\":9,\"stop\":[\"x\"]}}",
      "" },
    { "options-odd", M(U) ",\"temperature\":\"hot\",\"top_p\":null,\"stop\":[\"a\",\"b\"]}",
      UW ",\"options\":{\"stop\":[\"a\",\"b\"]}}", "/temperature\n" },
    { "own-words",
      M(U) ",\"temperature\":1,\"vendor\":{\"ollama\":{\"keep_alive\":\"5m\",\"options\":{"
           "\"num_ctx\":9,\"temperature\":2},\"raw\":true},\"gemini\":{\"x\":1}}}",
      UW ",\"options\":{\"num_ctx\":9,\"temperature\":2},\"keep_alive\":\"5m\"}",
      "/vendor/ollama/raw\n/vendor/gemini/x\n" },
    { "own-words-of-a-message",
      M("{\"role\":\"user\",\"content\":\"a\",\"vendor\":{\"ollama\":{\"x\":1},\"a/b~\":{}}}") "}",
      BEGIN "{\"role\":\"user\",\"content\":\"a\",\"x\":1}" WHOLE "}",
      "/messages/0/vendor/a~1b~0\n" },
    { "json", M(U) ",\"response_format\":{\"type\":\"json_object\"}}", UW ",\"format\":\"json\"}",
      "" },
    { "text", M(U) ",\"response_format\":{\"type\":\"text\"}}", UW "}", "" },
    { "schema",
      M(U) ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
           "\"strict\":true,\"description\":\"d\",\"schema\":{\"type\":\"object\"}}}}",
      UW ",\"format\":{\"type\":\"object\"}}", "/response_format/json_schema/description\n" },
    { "schema-without-one",
      M(U) ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\"}}}",
      UW ",\"format\":\"json\"}", "/response_format\n" },
    { "grammar", M(U) ",\"response_format\":{\"type\":\"grammar\"}}", UW "}",
      "/response_format\n" },
    { "effort-none", M(U) ",\"reasoning_effort\":\"none\"}", UW ",\"think\":false}", "" },
    { "effort-high", M(U) ",\"reasoning_effort\":\"high\"}", UW ",\"think\":\"high\"}", "" },
    { "effort-minimal", M(U) ",\"reasoning_effort\":\"minimal\"}", UW ",\"think\":\"low\"}",
      "/reasoning_effort\n" },
    { "effort-strange", M(U) ",\"reasoning_effort\":\"much\"}", UW "}", "/reasoning_effort\n" },
    { "budget", M(U) ",\"reasoning_effort\":\"low\",\"reasoning_budget_tokens\":1000}",
      UW ",\"think\":true}", "/reasoning_budget_tokens\n" },
    { "budget-none", M(U) ",\"reasoning_budget_tokens\":0}", UW ",\"think\":false}", "" },
    { "budget-any", M(U) ",\"reasoning_budget_tokens\":-1}", UW ",\"think\":true}", "" },
    { "logprobs", M(U) ",\"logprobs\":true,\"top_logprobs\":2}",
      UW ",\"logprobs\":true,\"top_logprobs\":2}", "" },
    { "rest",
      M(U) ",\"n\":2,\"user\":\"u\",\"metadata\":{},\"store\":false,\"service_tier\":\"auto\","
           "\"logit_bias\":{\"1\":2},\"cache_control\":{\"type\":\"ephemeral\"},\"provider\":\"p\","
           "\"previous_response_id\":\"r\"}",
      UW "}", "/n\n/user\n/logit_bias\n/cache_control\n/previous_response_id\n" },
    { "defaults", M(U) ",\"n\":1,\"modalities\":[\"text\"],\"user\":null}", UW "}", "" },
};

static void test_chats(gconstpointer data)
{
    const struct encode_case *c = data;
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, c->body, "m");
    void *cfg = host_provider("{}");
    struct host_sent *s = host_encode(face, cfg, e);

    g_assert_cmpstr(s->line->str, ==, "POST /api/chat");
    g_assert_nonnull(strstr(s->headers->str, "authorization: Bearer KEY\n"));
    g_assert_cmpstr(s->body->str, ==, c->expected);
    g_assert_cmpstr(s->dropped->str, ==, c->dropped);
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

/* -- Other bodies ----------------------------------------------------------------------------- */

static const struct place_case {
    uint8_t op;
    bool native;
    const char *dialect;
    const char *path;
    const char *body; /* NULL: none */
    const char *line;
    const char *expected;
    const char *dropped;
} places[] = {
    /* the application's own: nothing but the model changes */
    { WEIR_OP_CHAT, true, "ollama.chat", "/api/chat", "{ \"model\" : \"a:latest\",\n \"x\": 1.50 }",
      "POST /api/chat", "{ \"model\" : \"m\",\n \"x\": 1.50 }", "" },
    { WEIR_OP_CHAT, true, "ollama.chat", "/api/chat", "{ \"model\" : \"m\" , \"x\":2}",
      "POST /api/chat", "{ \"model\" : \"m\" , \"x\":2}", "" },
    { WEIR_OP_CHAT, true, "ollama.chat", "/api/chat",
      "{\"model\":\"a\",\"provider\":\"p\",\"mod\\u0065l\":\"b\"}", "POST /api/chat",
      "{\"model\":\"m\",\"mod\\u0065l\":\"m\"}", "" },
    { WEIR_OP_CHAT, true, "ollama.chat", "/api/generate?x=1", "{\"prompt\":\"a\"}",
      "POST /api/generate", "{\"prompt\":\"a\",\"model\":\"m\"}", "" },
    { WEIR_OP_EMBED, true, "ollama.chat", "/api/embed", "{\"model\":\"m\",\"input\":\"a\"}",
      "POST /api/embed", "{\"model\":\"m\",\"input\":\"a\"}", "" },
    { WEIR_OP_EMBED, true, "ollama.chat", "/api/embeddings", "{\"model\":\"m\",\"prompt\":\"a\"}",
      "POST /api/embeddings", "{\"model\":\"m\",\"prompt\":\"a\"}", "" },
    /* changed by a filter: the answer must fit the endpoint that was asked */
    { WEIR_OP_CHAT, false, "ollama.chat", "/api/generate",
      M("{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":[{\"type\":"
        "\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,AAAA\"}}]}") ",\"temperature\":1,\"vendor\":{\"ollama\":{"
                                              "\"suffix\":\"z\",\"context\":[1]}}}",
      "POST /api/generate",
      "{\"model\":\"m\",\"system\":\"s\",\"prompt\":\"a\",\"images\":[\"AAAA\"],\"stream\":false,"
      "\"options\":{\"temperature\":1},\"suffix\":\"z\",\"context\":[1]}",
      "" },
    { WEIR_OP_CHAT, false, "ollama.chat", "/api/generate",
      M(U ",{\"role\":\"assistant\",\"content\":\"b\"}," U) ",\"tools\":[" TOOL("f") "]}",
      "POST /api/generate", "{\"model\":\"m\",\"prompt\":\"a\\n\\nb\\n\\na\",\"stream\":false}",
      "/messages/1\n/tools\n" },
    { WEIR_OP_EMBED, false, "ollama.chat", "/api/embeddings", "{\"model\":\"a\",\"input\":\"b\"}",
      "POST /api/embeddings", "{\"model\":\"m\",\"prompt\":\"b\"}", "" },
    /* another dialect's path says nothing */
    { WEIR_OP_CHAT, false, "openai.chat", "/api/generate", M(U) "}", "POST /api/chat", UW "}", "" },
    { WEIR_OP_EMBED, false, "openai.chat", "/v1/embeddings",
      "{\"model\":\"a\",\"input\":[\"b\",\"c\"],\"dimensions\":8,\"encoding_format\":\"base64\","
      "\"user\":\"u\",\"vendor\":{\"ollama\":{\"truncate\":false},\"gemini\":{}}}",
      "POST /api/embed",
      "{\"model\":\"m\",\"input\":[\"b\",\"c\"],\"dimensions\":8,\"truncate\":false}",
      "/user\n/vendor/gemini\n" },
    { WEIR_OP_MODELS, false, "openai.chat", "/v1/models", NULL, "GET /api/tags", "", "" },
    { WEIR_OP_MODELS, true, "ollama.chat", "/api/tags", NULL, "GET /api/tags", "", "" },
    { WEIR_OP_MODELS, true, "ollama.chat", "/api/show", "{\"model\":\"test/m\"}", "POST /api/show",
      "{\"model\":\"m\"}", "" },
    /* passed on: only a provider's name is ours to take out */
    { WEIR_OP_FORWARD, true, "ollama.chat", "/api/pull", "{ \"model\":\"test/m\" }",
      "POST /api/pull", "{ \"model\":\"m\" }", "" },
    { WEIR_OP_FORWARD, true, "ollama.chat", "/api/delete", "{\"model\":\"other\"}",
      "POST /api/delete", "{\"model\":\"other\"}", "" },
    { WEIR_OP_FORWARD, true, "ollama.chat", "/api/blobs/sha256:1", "\"bytes\"",
      "POST /api/blobs/sha256:1", "\"bytes\"", "" },
};

static void test_places(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        const struct place_case *c = &places[i];
        struct host_exchange *e = host_exchange_new(c->op, c->body, "m");
        void *cfg = host_provider("{}");
        struct host_sent *s;

        e->x.native = c->native;
        e->x.dialect = weir_str_of(c->dialect);
        e->x.method = WEIR_S("POST");
        e->x.path = weir_str_of(c->path);
        s = host_encode(face, cfg, e);
        g_assert_cmpstr(s->line->str, ==, c->line);
        g_assert_cmpstr(s->body->str, ==, c->expected);
        g_assert_cmpstr(s->dropped->str, ==, c->dropped);
        host_sent_free(s);
        face->release(cfg);
        host_exchange_free(e);
    }
}

/* The base URL may end in /api, and an Ollama of one's own needs no key. */
static void test_base_url(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, M(U) "}", "m");
    void *cfg = host_provider("{}");
    struct host_sent *s;

    e->target.base_url = WEIR_S("https://ollama.com/api");
    e->target.credential = WEIR_S("");
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->line->str, ==, "POST /chat");
    g_assert_null(strstr(s->headers->str, "authorization"));
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

static void test_options(void)
{
    static const struct {
        const char *options;
        const char *body;
        const char *expected;
    } cases[] = {
        { "{\"num_ctx\":4096,\"keep_alive\":\"30m\"}", M(U) "}",
          UW ",\"options\":{\"num_ctx\":4096},\"keep_alive\":\"30m\"}" },
        { "{\"keep_alive\":\"-1\"}", M(U) "}", UW ",\"keep_alive\":-1}" },
        { "{\"num_ctx\":4096,\"keep_alive\":\"30m\"}",
          M(U) ",\"vendor\":{\"ollama\":{\"keep_alive\":0,\"options\":{\"num_ctx\":9}}}}",
          UW ",\"options\":{\"num_ctx\":9},\"keep_alive\":0}" },
    };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_arena arena;
    weir_json bad;
    weir_error error;
    void *cfg;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, cases[i].body, "m");
        struct host_sent *s;

        cfg = host_provider(cases[i].options);
        s = host_encode(face, cfg, e);
        g_assert_cmpstr(s->body->str, ==, cases[i].expected);
        host_sent_free(s);
        face->release(cfg);
        host_exchange_free(e);
    }
    host_arena_init(&arena);
    bad = host_scan(&arena, "{\"num_ctx\":-1}");
    g_assert_cmpint(face->configure(&host_services, &bad, &cfg, &error), ==, WEIR_INVALID);
    g_assert_cmpstr(error.option, ==, "num_ctx");
    host_arena_clear(&arena);
}

static weir_result quiet_text(void *ctx, weir_str a, weir_str b)
{
    (void)ctx, (void)a, (void)b;
    return WEIR_OK;
}

/* Tokens are not text: no server but the one they came from can read them. */
static void test_embed_tokens(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    const weir_http_sink sink = { sizeof(sink), 0,    NULL,       quiet_text,
                                  quiet_text,   NULL, quiet_text, NULL };
    struct host_exchange *e = host_exchange_new(WEIR_OP_EMBED, "{\"input\":[1,2]}", "m");
    void *cfg = host_provider("{}");

    g_assert_cmpint(face->encode(cfg, &e->x, &sink), ==, WEIR_UNSUPPORTED);
    face->release(cfg);
    host_exchange_free(e);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(chats); i++) {
        g_autofree char *path = g_strconcat("/ollama/chat/", chats[i].name, NULL);
        g_test_add_data_func(path, &chats[i], test_chats);
    }
    g_test_add_func("/ollama/places", test_places);
    g_test_add_func("/ollama/base-url", test_base_url);
    g_test_add_func("/ollama/options", test_options);
    g_test_add_func("/ollama/embed-tokens", test_embed_tokens);
    return g_test_run();
}
