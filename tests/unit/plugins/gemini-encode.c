/*
 * Requests of the provider part gemini.
 */
#include "gemini.h"

#include <string.h>

#define OPTIONS "{\"version\":\"v1beta\"}"

struct encode_case {
    const char *name;
    const char *model;
    const char *body;
    const char *expected;
    const char *dropped;
};

#define USER(content) "{\"role\":\"user\",\"content\":" content "}"
#define ASKS(rest)    "{\"messages\":[" USER("\"q\"") "]" rest "}"
#define SAYS(rest)    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}]" rest "}"
#define CONFIG(inner) SAYS(",\"generationConfig\":{" inner "}")

static const struct encode_case bodies[] = {
    { "plain", "gemini-2.5-flash", ASKS(""), SAYS(""), "" },
    { "systems-come-first", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"developer\",\"content\":"
      "[{\"type\":\"text\",\"text\":\"b\"}]}," USER("\"q\"") "]}",
      "{\"systemInstruction\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]},\"contents\":[{"
      "\"role\":"
      "\"user\",\"parts\":[{\"text\":\"q\"}]}]}",
      "" },
    { "system-in-the-middle", "gemini-2.5-flash",
      "{\"messages\":[" USER("\"q\"") ",{\"role\":\"system\",\"content\":\"a\"}]}",
      "{\"systemInstruction\":{\"parts\":[{\"text\":\"a\"}]},\"contents\":[{\"role\":\"user\","
      "\"parts\":[{\"text\":\"q\"}]}]}",
      "/messages/1/role\n" },
    { "turns-of-one-role-are-one", "gemini-2.5-flash",
      "{\"messages\":[" USER("\"a\"") "," USER(
          "\"b\"") ",{\"role\":\"assistant\",\"content\":\"c\"},"
                   "{\"role\":\"assistant\",\"content\":\"d\",\"reasoning_content\":\"hm\"}," USER(
                       "\"\"") "]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]},{\"role\":"
      "\"model\",\"parts\":[{\"text\":\"c\"},{\"text\":\"hm\",\"thought\":true},{\"text\":\"d\"}]}]"
      "}",
      "" },
    { "media", "gemini-2.5-flash",
      "{\"messages\":[" USER(
          "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/webp;base64,AAAA\"}},"
          "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/"
          "a.png?x\",\"detail\":\"low\"}},"
          "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"BBBB\",\"format\":\"mp3\"}},"
          "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"CCCC\"}},"
          "{\"type\":\"file\",\"file\":{\"file_id\":\"file-abc\"}}]") "]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"image/webp\","
      "\"data\":\"AAAA\"}},{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":\"https://h/"
      "a.png?x\"}},"
      "{\"inlineData\":{\"mimeType\":\"audio/"
      "mp3\",\"data\":\"BBBB\"}},{\"inlineData\":{\"mimeType\":"
      "\"application/pdf\",\"data\":\"CCCC\"}},{\"text\":\"\"}]}]}",
      "/messages/0/content/1/image_url/detail\n/messages/0/content/3/file/filename\n"
      "/messages/0/content/4\n" },
    { "instructions-only", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"developer\",\"content\":"
      "\"b\"}]}",
      "{\"systemInstruction\":{\"parts\":[{\"text\":\"a\"}]},\"contents\":[{\"role\":\"user\","
      "\"parts\":[{\"text\":\"b\"}]}]}",
      "/messages/1/role\n" },
    { "members-of-nobody", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"user\",\"name\":\"n\",\"odd\":1,\"content\":[{\"type\":\"text\","
      "\"text\":\"q\",\"signature\":\"s\",\"mark\":{\"a\":1},\"cache_control\":{},\"none\":null}]},"
      "{\"role\":\"assistant\",\"name\":\"m\",\"content\":[{\"type\":\"reasoning\",\"text\":\"hm\","
      "\"signature\":\"s\"}],\"vendor\":{\"openai_responses\":{\"x\":1,\"y\":2}}}],\"vendor\":{"
      "\"anthropic\":{\"metadata\":{}}},\"tools\":[{\"type\":\"function\",\"odd\":1,\"function\":{"
      "\"name\":\"f\",\"even\":2}}]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]},{\"role\":\"model\","
      "\"parts\":["
      "{\"text\":\"hm\",\"thought\":true}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":"
      "\"f\"}]}]}",
      "/vendor/anthropic/metadata\n/messages/0/name\n/messages/0/odd\n"
      "/messages/0/content/0/cache_control\n/messages/0/content/0/signature\n"
      "/messages/0/content/0/mark\n/messages/1/name\n/messages/1/vendor/openai_responses/x\n"
      "/messages/1/vendor/openai_responses/y\n/messages/1/content/0/signature\n"
      "/tools/0/odd\n/tools/0/function/even\n" },
    { "description-of-a-format", "gemini-2.5-flash",
      ASKS(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
           "\"description\":\"d\",\"schema\":{\"type\":\"object\"}}}"),
      CONFIG(
          "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\"}"),
      "/response_format/json_schema/description\n" },
    { "urls-of-older-models", "gemini-2.0-flash",
      "{\"messages\":[" USER(
          "[{\"type\":\"text\",\"text\":\"q\"},{\"type\":\"image_url\",\"image_url\":"
          "{\"url\":\"https://h/a.png\"}}]") "]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"},{\"text\":\"\"}]}]}",
      "/messages/0/content/1\n" },
    { "calls-and-results", "gemini-2.5-flash",
      "{\"messages\":[" USER(
          "\"q\"") ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":"
                   "\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{"
                   "\\\"x\\\":1}\"}},{\"id\":"
                   "\"gcall_1\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
                   "\"\"}}]},"
                   "{\"role\":\"tool\",\"tool_call_id\":\"gcall_1\",\"content\":\"{\\\"a\\\":1}\"},"
                   "{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":\"failed\",\"is_error\":"
                   "true},"
                   "{\"role\":\"tool\",\"tool_call_id\":\"z\",\"content\":[{\"type\":\"text\","
                   "\"text\":\"[1]\"}]}]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]},{\"role\":\"model\","
      "\"parts\":["
      "{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":{\"x\":1}}},{\"functionCall\":{"
      "\"name\":"
      "\"g\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"g\","
      "\"response\":{\"a\":1}}},{\"functionResponse\":{\"id\":\"i\",\"name\":\"f\",\"response\":{"
      "\"error\":\"failed\"}}},{\"functionResponse\":{\"id\":\"z\",\"name\":\"unknown\","
      "\"response\":{"
      "\"result\":\"[1]\"}}}]}]}",
      "/messages/4/tool_call_id\n" },
    { "arguments-that-are-none", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"i\",\"function\":{\"name\":"
      "\"f\","
      "\"arguments\":\"[1\"}}]}]}",
      "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"i\",\"name\":"
      "\"f\","
      "\"args\":{}}}]}]}",
      "/messages/0/content/0/arguments\n" },
    { "first-call-of-a-step-is-signed", "gemini-3-pro-preview",
      "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_call\",\"id\":\"i\","
      "\"name\":"
      "\"f\",\"arguments\":\"{}\"},{\"type\":\"tool_call\",\"id\":\"j\",\"name\":\"f\","
      "\"arguments\":"
      "\"{}\"}]}," USER(
          "\"q\"") ",{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_call\",\"id\":"
                   "\"k\",\"name\":\"f\",\"arguments\":\"{}\",\"thought_signature\":\"U0lH\"}]}]}",
      "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"i\",\"name\":"
      "\"f\","
      "\"args\":{}},\"thoughtSignature\":\"skip_thought_signature_validator\"},{\"functionCall\":{"
      "\"id\":\"j\",\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}"
      ","
      "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"k\",\"name\":\"f\",\"args\":{}},"
      "\"thoughtSignature\":\"U0lH\"}]}]}",
      "" },
    { "signature-of-the-chat-dialect", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"i\",\"function\":{\"name\":"
      "\"f\","
      "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"U0lH\"}}}]}]}",
      "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"i\",\"name\":"
      "\"f\","
      "\"args\":{}},\"thoughtSignature\":\"U0lH\"}]}]}",
      "" },
    { "blocks-of-others", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"server_tool\",\"api\":"
      "\"anthropic\",\"block\":{\"x\":1}},{\"type\":\"server_tool\",\"api\":\"gemini\",\"block\":{"
      "\"executableCode\":{}}},{\"type\":\"reasoning\",\"redacted_data\":\"z\"},{\"type\":\"text\","
      "\"text\":\"a\",\"vendor\":{\"gemini\":{\"partMetadata\":{}},\"anthropic\":{}}}]}]}",
      "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"executableCode\":{}},{\"text\":\"a\","
      "\"partMetadata\":{}}]}]}",
      "/messages/0/content/0\n/messages/0/content/2\n/messages/0/content/3/vendor/anthropic\n" },
    { "tool-media-of-new-models", "gemini-3-flash",
      "{\"messages\":[{\"role\":\"tool\",\"name\":\"f\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"a\"},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\","
      "\"response\":{"
      "\"result\":\"a\"},\"parts\":[{\"inlineData\":{\"mimeType\":\"image/"
      "png\",\"data\":\"AAAA\"}}]}}]}]}",
      "" },
    { "tool-media-of-others", "gemini-2.5-flash",
      "{\"messages\":[{\"role\":\"tool\",\"name\":\"f\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"a\"},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]}",
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\","
      "\"response\":{"
      "\"result\":\"a\"}}},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}]}]}",
      "" },
    { "tools", "gemini-2.5-flash",
      ASKS(
          ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
          "\"strict\":true,\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}}"
          ","
          "\"additionalProperties\":false}}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}},"
          "{\"type\":\"server_tool\",\"api\":\"gemini\",\"tool\":{\"googleSearch\":{}}},"
          "{\"type\":\"server_tool\",\"api\":\"anthropic\",\"tool\":{}},{\"type\":\"custom\","
          "\"custom\":{\"name\":\"c\"}}],\"tool_choice\":\"required\""),
      SAYS(",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
           "\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
           "\"number\","
           "\"enum\":[1]}},\"additionalProperties\":false}},{\"name\":\"g\"}]},{\"googleSearch\":{}"
           "}],"
           "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"),
      "/tools/0/function/strict\n/tools/4\n/tools/3\n" },
    { "tools-of-older-models", "gemini-2.0-flash",
      ASKS(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{"
           "\"type\":"
           "\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]},\"b\":{\"$ref\":\"#/"
           "$defs/b\"},"
           "\"c\":{\"type\":\"integer\",\"not\":{}}},\"$defs\":{\"b\":{\"type\":\"array\"}}}}}],"
           "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"),
      SAYS(
          ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type\":"
          "\"object\","
          "\"properties\":{\"a\":{\"type\":\"string\",\"nullable\":true},\"b\":{\"type\":\"array\","
          "\"items\":{\"type\":\"string\"}},\"c\":{\"type\":\"integer\"}}}}]}],\"toolConfig\":{"
          "\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}}"),
      "/tools/0/function/parameters/properties/b/items\n"
      "/tools/0/function/parameters/properties/c/not\n" },
    { "settings", "gemini-2.5-flash",
      ASKS(
          ",\"max_tokens\":9,\"temperature\":0.50,\"top_p\":1,\"top_k\":2,\"seed\":3,\"n\":2,"
          "\"presence_penalty\":0.1,\"frequency_penalty\":0.2,\"logprobs\":true,\"top_logprobs\":4,"
          "\"stop\":\"x\",\"modalities\":[\"text\",\"image\"],\"response_format\":{\"type\":"
          "\"json_object\"},\"logit_bias\":{\"1\":2},\"user\":\"u\",\"store\":false,"
          "\"parallel_tool_calls\":true,\"service_tier\":\"flex\""),
      SAYS(
          ",\"generationConfig\":{\"maxOutputTokens\":9,\"temperature\":0.50,\"topP\":1,\"topK\":2,"
          "\"seed\":3,\"candidateCount\":2,\"presencePenalty\":0.1,\"frequencyPenalty\":0.2,"
          "\"responseLogprobs\":true,\"logprobs\":4,\"stopSequences\":[\"x\"],\"responseMimeType\":"
          "\"application/"
          "json\",\"responseModalities\":[\"TEXT\",\"IMAGE\"]},\"serviceTier\":\"flex\""),
      "/logit_bias\n/user\n" },
    { "too-many-stops", "gemini-2.5-flash", ASKS(",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]"),
      CONFIG("\"stopSequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]"), "/stop\n" },
    { "one-call-at-a-time", "gemini-2.5-flash", ASKS(",\"parallel_tool_calls\":false"), SAYS(""),
      "/parallel_tool_calls\n" },
    { "schema", "gemini-2.5-flash",
      ASKS(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
           "\"schema\":{"
           "\"type\":\"object\",\"not\":{}}}}"),
      CONFIG(
          "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\"}"),
      "/response_format/json_schema/schema/not\n" },
    { "effort-2.5", "gemini-2.5-flash",
      ASKS(",\"reasoning_effort\":\"medium\",\"reasoning_summary\":\"auto\""),
      CONFIG("\"thinkingConfig\":{\"thinkingBudget\":8192,\"includeThoughts\":true}"), "" },
    { "effort-none", "gemini-2.5-flash", ASKS(",\"reasoning_effort\":\"none\""),
      CONFIG("\"thinkingConfig\":{\"thinkingBudget\":0}"), "" },
    { "effort-none-2.5-pro", "gemini-2.5-pro", ASKS(",\"reasoning_effort\":\"none\""),
      CONFIG("\"thinkingConfig\":{\"thinkingBudget\":128}"), "/reasoning_effort\n" },
    { "effort-3", "gemini-3-pro", ASKS(",\"reasoning_effort\":\"high\""),
      CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"high\"}"), "" },
    { "budget-beats-effort", "gemini-3-pro",
      ASKS(",\"reasoning_effort\":\"high\",\"reasoning_budget_tokens\":100"),
      CONFIG("\"thinkingConfig\":{\"thinkingBudget\":100}"), "" },
    { "effort-of-older-models", "gemini-2.0-flash", ASKS(",\"reasoning_effort\":\"high\""),
      SAYS(""), "/reasoning_effort\n" },
    { "own-words", "gemini-2.5-flash",
      ASKS(",\"temperature\":1,\"tool_choice\":\"auto\",\"vendor\":{\"gemini\":{\"safetySettings\":"
           "[],"
           "\"generationConfig\":{\"speechConfig\":{}},\"toolConfig\":{\"functionCallingConfig\":{"
           "\"mode\":\"VALIDATED\"}}},\"ollama\":{\"x\":1}}"),
      SAYS(",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"VALIDATED\"}},"
           "\"generationConfig\":{"
           "\"temperature\":1,\"speechConfig\":{}},\"safetySettings\":[]"),
      "/vendor/ollama/x\n" },
};

static void test_body(gconstpointer data)
{
    const struct encode_case *c = data;
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider(OPTIONS);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, c->body, c->model);
    struct host_sent *sent = host_encode(face, cfg, e);

    g_assert_cmpstr(sent->body->str, ==, c->expected);
    g_assert_cmpstr(sent->dropped->str, ==, c->dropped);
    host_sent_free(sent);
    host_exchange_free(e);
    face->release(cfg);
}

/* With another provider's state in the request. */
static void test_foreign(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider(OPTIONS);
    struct host_exchange *e = host_exchange_new(
        WEIR_OP_CHAT,
        "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\",\"text\":"
        "\"hm\","
        "\"thought_signature\":\"A\"},{\"type\":\"tool_call\",\"id\":\"i\",\"name\":\"f\","
        "\"arguments\":"
        "\"{}\",\"thought_signature\":\"B\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"file\","
        "\"file\":{\"file_url\":\"gs://b/c\"}}]}]}",
        "gemini-3-pro");
    struct host_sent *sent;

    e->x.foreign = 1;
    sent = host_encode(face, cfg, e);
    g_assert_null(strstr(sent->body->str, "\"A\""));
    g_assert_null(strstr(sent->body->str, "\"B\""));
    g_assert_nonnull(strstr(sent->body->str, "skip_thought_signature_validator"));
    g_assert_cmpstr(sent->dropped->str, ==,
                    "/messages/0/content/0/thought_signature\n"
                    "/messages/0/content/1/thought_signature\n/messages/1/content/0\n");
    host_sent_free(sent);
    host_exchange_free(e);
    face->release(cfg);
}

/* -- Paths and headers ------------------------------------------------------------------------ */

static const struct {
    const char *options;
    uint8_t op;
    bool stream;
    bool native;
    const char *path;
    const char *model;
    const char *body;
    const char *line;
    const char *sent;
} lines[] = {
    { OPTIONS, WEIR_OP_CHAT, false, false, "/v1/chat/completions", "m", "{}",
      "POST /v1beta/models/m:generateContent", NULL },
    { OPTIONS, WEIR_OP_CHAT, true, false, "/v1/chat/completions", "models/m", "{}",
      "POST /v1beta/models/m:streamGenerateContent?alt=sse", NULL },
    { OPTIONS, WEIR_OP_CHAT, true, false, "", "tunedModels/t 1", "{}",
      "POST /v1beta/tunedModels/t%201:streamGenerateContent?alt=sse", NULL },
    { "{\"version\":\"\"}", WEIR_OP_CHAT, false, false, "", "m", "{}",
      "POST /models/m:generateContent", NULL },
    /* natively: as the application asked, but for the model and keys */
    { OPTIONS, WEIR_OP_CHAT, true, true, "/v1beta/models/alias:streamGenerateContent", "m",
      "{\"contents\":[], \"x\":1.50}", "POST /v1beta/models/m:streamGenerateContent",
      "{\"contents\":[], \"x\":1.50}" },
    { OPTIONS, WEIR_OP_CHAT, true, true,
      "/v1/models/alias:streamGenerateContent?key=K&alt=sse&prettyPrint=false", "m",
      "{\"provider\":\"p\",\"contents\":[],\"model\":\"models/alias\"}",
      "POST /v1/models/m:streamGenerateContent?alt=sse&prettyPrint=false",
      "{\"contents\":[],\"model\":\"models/m\"}" },
    { OPTIONS, WEIR_OP_EMBED, false, true, "/v1beta/models/alias:batchEmbedContents", "m",
      "{\"requests\":[{\"model\":\"models/alias\",\"content\":{}}]}",
      "POST /v1beta/models/m:batchEmbedContents",
      "{\"requests\":[{\"model\":\"models/m\",\"content\":{}}]}" },
    { OPTIONS, WEIR_OP_COUNT, false, true, "/v1beta/models/alias:countTokens", "m",
      "{\"generateContentRequest\":{\"model\":\"models/alias\"}}",
      "POST /v1beta/models/m:countTokens",
      "{\"generateContentRequest\":{\"model\":\"models/m\"}}" },
    { OPTIONS, WEIR_OP_EMBED, false, false, "", "e",
      "{\"input\":\"a\",\"dimensions\":8,\"task_type\":\"RETRIEVAL_QUERY\",\"title\":\"t\"}",
      "POST /v1beta/models/e:embedContent",
      "{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":\"a\"}]},\"taskType\":"
      "\"RETRIEVAL_QUERY\",\"title\":\"t\",\"outputDimensionality\":8}" },
    { OPTIONS, WEIR_OP_EMBED, false, false, "", "e", "{\"input\":[\"a\",\"b\"]}",
      "POST /v1beta/models/e:batchEmbedContents",
      "{\"requests\":[{\"model\":\"models/"
      "e\",\"content\":{\"parts\":[{\"text\":\"a\"}]}},{\"model\":"
      "\"models/e\",\"content\":{\"parts\":[{\"text\":\"b\"}]}}]}" },
    { OPTIONS, WEIR_OP_COUNT, false, false, "", "m", ASKS(""), "POST /v1beta/models/m:countTokens",
      "{\"generateContentRequest\":{\"model\":\"models/"
      "m\",\"contents\":[{\"role\":\"user\",\"parts\":["
      "{\"text\":\"q\"}]}]}}" },
    { OPTIONS, WEIR_OP_MODELS, false, false, "", "", NULL, "GET /v1beta/models?pageSize=1000", "" },
    { OPTIONS, WEIR_OP_FORWARD, false, false, "/v1beta/files?pageSize=2&key=K", "", NULL,
      "GET /v1beta/files?pageSize=2", "" },
};

static void test_lines(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        void *cfg = host_provider(lines[i].options);
        struct host_exchange *e = host_exchange_new(lines[i].op, lines[i].body, lines[i].model);
        struct host_sent *sent;

        e->x.stream = lines[i].stream;
        e->x.native = lines[i].native;
        e->x.path = weir_str_of(lines[i].path);
        e->x.method = WEIR_S("GET");
        sent = host_encode(face, cfg, e);
        g_assert_cmpstr(sent->line->str, ==, lines[i].line);
        if (lines[i].sent)
            g_assert_cmpstr(sent->body->str, ==, lines[i].sent);
        g_assert_cmpstr(sent->dropped->str, ==, "");
        g_assert_nonnull(strstr(sent->headers->str, "x-goog-api-key: KEY\n"));
        host_sent_free(sent);
        host_exchange_free(e);
        face->release(cfg);
    }
}

static void test_bearer(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{\"version\":\"\",\"key_header\":\"authorization\"}");
    struct host_exchange *e = host_exchange_new(WEIR_OP_MODELS, NULL, "");
    struct host_sent *sent = host_encode(face, cfg, e);

    g_assert_cmpstr(sent->headers->str, ==, "authorization: Bearer KEY\n");
    host_sent_free(sent);
    host_exchange_free(e);
    face->release(cfg);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *path = g_strconcat("/body/", bodies[i].name, NULL);

        g_test_add_data_func(path, &bodies[i], test_body);
    }
    g_test_add_func("/foreign", test_foreign);
    g_test_add_func("/lines", test_lines);
    g_test_add_func("/bearer", test_bearer);
    return g_test_run();
}
