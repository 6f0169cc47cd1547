/*
 * Requests of the provider part openai.
 */
#include "host.h"

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
    /* a budget becomes an effort where the model is known to take one */
    { "{}", false, "gpt-5", "{\"model\":\"gpt-5\",\"reasoning_budget_tokens\":1024}",
      "{\"model\":\"gpt-5\",\"reasoning_effort\":\"low\"}", "/reasoning_budget_tokens\n" },
    { "{}", false, "openai/o3", "{\"model\":\"openai/o3\",\"reasoning_budget_tokens\":20000}",
      "{\"model\":\"openai/o3\",\"reasoning_effort\":\"high\"}", "/reasoning_budget_tokens\n" },
    { "{}", false, "gpt-4o", "{\"model\":\"gpt-4o\",\"reasoning_budget_tokens\":1024}",
      "{\"model\":\"gpt-4o\"}", "/reasoning_budget_tokens\n" },
    { "{}", false, "gpt-5", "{\"model\":\"gpt-5\",\"reasoning_budget_tokens\":0}",
      "{\"model\":\"gpt-5\"}", "/reasoning_budget_tokens\n" },
    /* words that only OpenAI has, and others for the same */
    { "{}", false, "m",
      "{\"model\":\"m\",\"max_tokens\":3,\"messages\":[{\"role\":\"developer\",\"content\":\"a\"}]"
      "}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"a\"}],"
      "\"max_completion_tokens\":3}",
      "" },
    { "{\"base_url\":\"https://api.deepseek.com\"}", false, "m",
      "{\"model\":\"m\",\"max_completion_tokens\":3,\"messages\":[{\"role\":\"developer\","
      "\"content\":"
      "\"a\",\"name\":\"n\"},{\"role\":\"user\",\"content\":\"b\"}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"a\",\"name\":\"n\"},{"
      "\"role\":"
      "\"user\",\"content\":\"b\"}],\"max_tokens\":3}",
      "" },
    { "{\"base_url\":\"https://api.deepseek.com\"}", false, "m",
      "{\"model\":\"m\",\"max_completion_tokens\":3,\"max_tokens\":4,\"messages\":[]}",
      "{\"model\":\"m\",\"max_tokens\":3,\"messages\":[]}", "" },
    { "{\"base_url\":\"https://api.deepseek.com\"}", true, "m",
      "{\"model\":\"m\",\"max_completion_tokens\":3,\"messages\":[{\"role\":\"developer\"}]}",
      "{\"model\":\"m\",\"max_completion_tokens\":3,\"messages\":[{\"role\":\"developer\"}]}", "" },
    { "{\"base_url\":\"https://openrouter.ai/api/v1\"}", false, "openai/gpt-5",
      "{\"model\":\"openai/gpt-5\",\"max_tokens\":3,\"messages\":[]}",
      "{\"model\":\"openai/gpt-5\",\"messages\":[],\"max_completion_tokens\":3}", "" },
    { "{\"base_url\":\"https://openrouter.ai/api/v1\"}", false, "openai/gpt-oss-20b",
      "{\"model\":\"openai/gpt-oss-20b\",\"max_tokens\":3,\"messages\":[]}",
      "{\"model\":\"openai/gpt-oss-20b\",\"max_tokens\":3,\"messages\":[]}", "" },
    { "{\"wording\":\"classic\"}", false, "gpt-4",
      "{\"model\":\"gpt-4\",\"max_completion_tokens\":3,\"messages\":[]}",
      "{\"model\":\"gpt-4\",\"messages\":[],\"max_tokens\":3}", "" },
    /* what is another API's own */
    { "{}", false, "m",
      "{\"model\":\"m\",\"vendor\":{\"openai_responses\":{\"truncation\":\"auto\"}},\"tools\":[{"
      "\"type\":"
      "\"server_tool\",\"api\":\"anthropic\",\"tool\":{}}],\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "/vendor/openai_responses/truncation\n/tools/0\n" },
    /* every member by its name */
    { "{}", false, "m",
      "{\"model\":\"m\",\"vendor\":{\"gemini\":{\"safetySettings\":[],\"a\":{\"b\":{\"c\":{\"d\":1}"
      "}}}},"
      "\"cache_control\":{},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"},"
      "\"cache_control\":{},\"vendor\":{\"anthropic\":{\"x\":1}}}],\"messages\":[{\"role\":"
      "\"user\","
      "\"cache_control\":{},\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{},"
      "\"vendor\":{\"gemini\":{\"y\":2}}}]}]}",
      "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/cache_control\n/vendor/gemini/safetySettings\n/vendor/gemini/a/b/c\n"
      "/messages/0/cache_control\n/messages/0/content/0/cache_control\n"
      "/messages/0/content/0/vendor/gemini/y\n/tools/0/cache_control\n/tools/0/vendor/anthropic/"
      "x\n" },
    /* no message without content */
    { "{}", false, "m",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"},{\"role\":\"assistant\",\"content\":[]},{"
      "\"role\":\"user\",\"content\":[{\"type\":\"opaque\",\"api\":\"gemini\",\"block\":{\"x\":1}}]"
      "}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"assistant\","
      "\"content\":\"\"},{\"role\":\"user\",\"content\":\"\"}]}",
      "/messages/2/content/0\n" },
    /* what results hold beside text stands behind all of them */
    { "{}", false, "m",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":[{"
      "\"type\":"
      "\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}}]},{\"role\":"
      "\"tool\",\"tool_call_id\":\"j\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}"
      ","
      "\"cache_control\":{}}]},{\"role\":\"user\",\"content\":\"b\"}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":[{"
      "\"type\":"
      "\"text\",\"text\":\"a\"}]},{\"role\":\"tool\",\"tool_call_id\":\"j\",\"content\":\"\"},{"
      "\"role\":"
      "\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}},{\"type\":"
      "\"file\","
      "\"file\":{\"file_id\":\"f\"}}]},{\"role\":\"user\",\"content\":\"b\"}]}",
      "/messages/1/content/0/cache_control\n" },
    /* opaque state of blocks, and blocks of another API */
    { "{\"reasoning_field\":\"reasoning\"}", false, "m",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\","
      "\"text\":\"hm\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"a\",\"citations\":[]},"
      "{\"type\":\"opaque\",\"api\":\"gemini\",\"block\":{\"executableCode\":{}}}]}]}",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":"
      "\"hm\"}]}",
      "/messages/0/content\n/messages/0/content/0/signature\n/messages/0/content/1/citations\n"
      "/messages/0/content/2\n" },
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
        void *cfg = host_provider(c->options);
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

/* What another provider signed goes to nobody else; of a native request only that goes. */
static void test_foreign(void)
{
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"is_error\":"
        "true,"
        "\"reasoning_details\":[{\"signature\":\"s\"}]},{\"role\":\"user\", \"content\":\"b\"}]}";
    static const char *const expected[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"},"
        "{\"role\":\"user\", \"content\":\"b\"}]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"is_error\":"
        "true},"
        "{\"role\":\"user\", \"content\":\"b\"}]}",
    };
    static const char *const dropped[] = { "/messages/0/reasoning_details\n/messages/0/is_error\n",
                                           "/messages/0/reasoning_details\n" };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);

    for (int native = 0; native < 2; native++) {
        struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, body, "m");
        void *cfg = host_provider("{}");
        struct host_sent *s;

        e->x.native = (uint8_t)native;
        e->x.foreign = 1;
        s = host_encode(face, cfg, e);
        g_assert_cmpstr(s->body->str, ==, expected[native]);
        g_assert_cmpstr(s->dropped->str, ==, dropped[native]);
        host_sent_free(s);
        face->release(cfg);
        host_exchange_free(e);
    }
}

/* The same in the Responses API: no ciphertext of others, and no id of an item that needs it. */
static void test_foreign_items(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{}");
    struct host_exchange *e = host_exchange_new(
        WEIR_OP_CHAT,
        "{\"model\":\"gpt-5\",\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":"
        "\"reasoning\","
        "\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"c\"},{\"type\":\"message\",\"id\":"
        "\"msg_1\",\"role\":\"assistant\",\"content\":[]},{\"type\":\"function_call\",\"id\":\"fc_"
        "1\","
        "\"call_id\":\"i\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"web_search_call\","
        "\"id\":"
        "\"ws_1\"}]}",
        "gpt-5");
    struct host_sent *s;

    e->x.native = 1;
    e->x.foreign = 1;
    e->x.dialect = WEIR_S("openai.responses");
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(
        s->body->str, ==,
        "{\"model\":\"gpt-5\",\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":"
        "\"message\",\"role\":\"assistant\",\"content\":[]},{\"type\":\"function_call\","
        "\"call_id\":\"i\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
        "\"web_search_call\",\"id\":\"ws_1\"}]}");
    g_assert_cmpstr(s->dropped->str, ==, "/input/1\n/input/2/id\n/input/3/id\n");
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

/* Canonical requests to the Responses API. */
static void test_responses(void)
{
    static const struct {
        const char *body, *expected, *dropped;
    } cases[] = {
        { "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":"
          "\"a\"}],\"stop\":\"x\",\"n\":1,\"max_tokens\":9,\"tools\":[{\"type\":\"function\","
          "\"function\":{\"name\":\"f\"}}]}",
          "{\"model\":\"gpt-5-codex\",\"instructions\":\"S\",\"input\":[{\"type\":\"message\","
          "\"role\":"
          "\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
          "\"parameters\":{"
          "\"type\":\"object\",\"properties\":{}},\"strict\":false}],\"max_output_tokens\":9,"
          "\"store\":"
          "false,\"include\":[\"reasoning.encrypted_content\"]}",
          "/stop\n" },
        { "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\","
          "\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":\"s\",\"input\":"
          "\"l\"}}]},"
          "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\",\"is_error\":true}],"
          "\"store\":true}",
          "{\"model\":\"gpt-5-codex\",\"input\":[{\"type\":\"custom_tool_call\",\"call_id\":\"c\","
          "\"name\":"
          "\"s\",\"input\":\"l\"},{\"type\":\"custom_tool_call_output\",\"call_id\":\"c\","
          "\"output\":\"r\"}]"
          ",\"store\":true}",
          "/messages/0/content\n/messages/1/is_error\n" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_completion_tokens\":\"9\","
          "\"max_tokens\":7,\"store\":true}",
          "{\"model\":\"gpt-5-codex\",\"input\":[{\"type\":\"message\",\"role\":\"user\","
          "\"content\":\"a\"}],\"max_output_tokens\":7,\"store\":true}",
          "/max_completion_tokens\n" },
        /* Mistral's word for a choice, names, and what is another API's own */
        { "{\"messages\":[{\"role\":\"system\",\"name\":\"n\",\"content\":\"S\"},{\"role\":"
          "\"user\","
          "\"name\":\"u\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}}]}],"
          "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"},\"cache_control\":{}}],"
          "\"tool_choice\":\"any\",\"store\":true,\"vendor\":{\"gemini\":{\"safetySettings\":[]},"
          "\"openai_responses\":{\"truncation\":\"auto\"}}}",
          "{\"model\":\"gpt-5-codex\",\"instructions\":\"S\",\"input\":[{\"type\":\"message\","
          "\"role\":"
          "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]}],\"tools\":[{\"type\":"
          "\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}},"
          "\"strict\":"
          "false}],\"tool_choice\":\"required\",\"store\":true,\"truncation\":\"auto\"}",
          "/messages/0/name\n/messages/1/name\n/messages/1/content/0/cache_control\n"
          "/tools/0/cache_control\n/vendor/gemini/safetySettings\n" },
    };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{}");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, cases[i].body, "gpt-5-codex");
        struct host_sent *s = host_encode(face, cfg, e);

        g_assert_cmpstr(s->line->str, ==, "POST /responses");
        g_assert_cmpstr(s->body->str, ==, cases[i].expected);
        g_assert_cmpstr(s->dropped->str, ==, cases[i].dropped);
        host_sent_free(s);
        host_exchange_free(e);
    }
    face->release(cfg);
}

/* Who has the Responses API. */
static void test_speaks(void)
{
    static const struct {
        const char *options;
        bool speaks;
    } cases[] = {
        { "{}", true },
        { "{\"base_url\":\"https://api.openai.com/v1\"}", true },
        { "{\"base_url\":\"https://x.openai.azure.com/openai/v1\"}", true },
        { "{\"base_url\":\"https://api.groq.com/openai/v1\"}", false },
        { "{\"base_url\":\"https://api.x.ai/v1\",\"responses\":\"yes\"}", true },
        { "{\"base_url\":\"https://api.openai.com/v1\",\"responses\":\"no\"}", false },
    };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        void *cfg = host_provider(cases[i].options);

        g_assert_true(face->speaks(cfg, WEIR_S("openai.responses")) == cases[i].speaks);
        g_assert_true(face->speaks(cfg, WEIR_S("openai.chat")));
        face->release(cfg);
    }
}

static void test_places(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{\"key_header\":\"api-key\",\"query\":\"api-version=1\"}");
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
    void *cfg = host_provider("{}");
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openai/provider/bodies", test_bodies);
    g_test_add_func("/openai/provider/foreign", test_foreign);
    g_test_add_func("/openai/provider/foreign-items", test_foreign_items);
    g_test_add_func("/openai/responses", test_responses);
    g_test_add_func("/openai/speaks", test_speaks);
    g_test_add_func("/openai/provider/places", test_places);
    g_test_add_func("/openai/provider/forward-model", test_forward_model);
    return g_test_run();
}
