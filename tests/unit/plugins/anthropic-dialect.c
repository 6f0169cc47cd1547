/*
 * The dialect anthropic: facts and refusals, the canonical form of requests, answers as a stream
 * and whole, failures, documents.
 */
#include "told.h"

/* -- Requests --------------------------------------------------------------------------------- */

/* Reads and translates a request to the endpoint of that pattern. */
static void read_body(struct told *t, const char *pattern, const char *body,
                      const weir_header *headers, uint32_t count)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    const weir_endpoint *endpoints = face->endpoints.items;
    weir_ingress in = { .struct_size = sizeof(in),
                        .method = WEIR_S("POST"),
                        .headers = headers,
                        .header_count = count,
                        .body = weir_str_of(body) };
    void *cfg = host_dialect();
    weir_result result;
    weir_json json;

    told_init(t);
    in.arena = t->arena.arena;
    while (!g_str_equal(endpoints[in.endpoint].pattern, pattern))
        in.endpoint++;
    if (body[0] == '{' || body[0] == '[') {
        json = host_scan(&t->arena, body);
        in.json = endpoints[in.endpoint].op == WEIR_OP_FORWARD ? NULL : &json;
    }
    result = face->read(cfg, &in, &t->sink);
    g_assert_cmpint(result, ==, t->refusal ? WEIR_STOPPED : WEIR_OK);
    if (t->refusal)
        g_assert_cmpint(t->class_id, ==, WEIR_CLASS_INVALID_REQUEST);
    if (in.json && !t->refusal)
        g_assert_cmpint(face->translate(cfg, &in, &t->sink), ==, WEIR_OK);
    face->release(cfg);
}

/* A request of Claude Code, with all its habits. */
static const char code[] =
    "{\"model\":\"claude-opus-4-7\",\"max_tokens\":32000,\"stream\":true,\"metadata\":{\"user_id\":"
    "\"user_1_account__session_2\"},\"system\":[{\"type\":\"text\",\"text\":\"12345678\"},{"
    "\"type\":"
    "\"text\",\"text\":\"1234\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"thinking\":{"
    "\"type\":"
    "\"enabled\",\"budget_tokens\":9},\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],"
    "\"messages\":"
    "[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_"
    "id\":"
    "\"file_1\"}},{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":\"u\"}},{\"type\":"
    "\"text\",\"text\":\"1234\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
    "\"thinking\":\"12\",\"signature\":\"sig\"},{\"type\":\"redacted_thinking\",\"data\":\"red\"},"
    "{\"type\":\"web_search_tool_result\",\"content\":[{\"encrypted_content\":\"enc\"}]},{\"type\":"
    "\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
    "\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"content\":\"12\"}]}],\"container\":\"con\","
    "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}}}";

static void test_facts(void)
{
    const weir_header headers[] = { { WEIR_S("X-Api-Key"), WEIR_S("app-key") },
                                    { WEIR_S("authorization"), WEIR_S("Bearer other") } };
    struct told t;

    read_body(&t, "/v1/messages", code, headers, 2);
    g_assert_null(t.refusal);
    g_assert_cmpstr(t.key, ==, "app-key");
    g_assert_true(weir_str_is(t.facts.model, "claude-opus-4-7"));
    g_assert_true(weir_str_is(t.facts.user, "user_1_account__session_2"));
    g_assert_true(weir_str_is(t.facts.session, "user_1_account__session_2"));
    g_assert_cmpint(t.facts.op, ==, WEIR_OP_CHAT);
    g_assert_true(t.facts.stream);
    g_assert_cmpuint(t.facts.messages, ==, 3);
    g_assert_cmpint(t.facts.output_tokens, ==, 32000);
    g_assert_cmpuint(t.facts.needs, ==,
                     WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_IMAGES | WEIR_CAN_DOCUMENTS |
                         WEIR_CAN_REASONING | WEIR_CAN_JSON_SCHEMA);
    g_assert_cmpstr(t.opaque->str, ==, "file_1! sig red enc con! ");
    told_clear(&t);

    read_body(&t, "/v1/messages/count_tokens",
              "{\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"},{\"role\":"
              "\"assistant\",\"content\":\"1\"}],\"provider\":\"p\",\"stream\":true}",
              headers + 1, 1);
    g_assert_cmpstr(t.key, ==, "other");
    g_assert_cmpint(t.facts.op, ==, WEIR_OP_COUNT);
    g_assert_false(t.facts.stream);
    g_assert_cmpint(t.facts.input_tokens, ==, 3 + 2 * 4);
    g_assert_cmpint(t.facts.output_tokens, ==, -1);
    g_assert_cmpuint(t.facts.needs, ==, WEIR_CAN_PREFILL);
    g_assert_true(weir_str_is(t.facts.provider, "p"));
    g_assert_null(strstr(t.body->str, "provider"));
    told_clear(&t);
}

static void test_forward_facts(void)
{
    const weir_header type = { WEIR_S("content-type"), WEIR_S("application/json") };
    struct told t;

    read_body(&t, "/v1/messages/**", "{\"requests\":[{\"params\":{\"model\":\"m\"}}]}", &type, 1);
    g_assert_cmpint(t.facts.op, ==, WEIR_OP_FORWARD);
    g_assert_true(weir_str_is(t.facts.model, "m"));
    told_clear(&t);
}

static void test_refusals(void)
{
    static const char *const cases[][2] = {
        { "hello", "" },
        { "[]", "" },
        { "{\"model\":\"m\"}", "messages" },
        { "{\"model\":1,\"messages\":[]}", "model" },
        { "{\"messages\":[],\"max_tokens\":\"1\"}", "max_tokens" },
        { "{\"messages\":[],\"max_tokens\":-1}", "max_tokens" },
        { "{\"messages\":[],\"system\":{}}", "system" },
        { "{\"messages\":\"hi\"}", "messages" },
        { "{\"messages\":[\"hi\"]}", "messages" },
        { "{\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]}", "messages" },
        { "{\"messages\":[{\"role\":\"user\"}]}", "messages" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[\"a\"]}]}", "messages" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct told t;

        read_body(&t, "/v1/messages", cases[i][0], NULL, 0);
        g_assert_nonnull(t.refusal);
        g_assert_cmpstr(t.param, ==, cases[i][1]);
        told_clear(&t);
    }
}

struct translate_case {
    const char *name;
    const char *body;
    const char *canonical;
};

/* `body` is what stands beside the messages, or the messages. */
static const struct translate_case translations[] = {
    { "plain",
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":5,\"system\":\"s\"",
      "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"}]"
      ","
      "\"max_completion_tokens\":5" },
    { "results",
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"i\",\"content\":[{\"type\":\"text\",\"text\":\"r\"}],"
      "\"is_error\":true,\"cache_control\":{\"type\":\"ephemeral\"},\"toolset_name\":\"n\"},{"
      "\"type\":\"tool_result\",\"tool_use_id\":\"j\"}]}]",
      "\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":[{\"type\":\"text\","
      "\"text\":\"r\"}],\"is_error\":true,\"cache_control\":{\"type\":\"ephemeral\"},\"vendor\":{"
      "\"anthropic\":{\"toolset_name\":\"n\"}}},{\"role\":\"tool\",\"tool_call_id\":\"j\","
      "\"content\":\"\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\"}]}]" },
    { "assistant-plain",
      "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"t\","
      "\"citations\":null},{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"x\":"
      "\"y\"}}]}]",
      "\"messages\":[{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":[{\"id\":\"i\","
      "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\\\"y\\\"}\"}}"
      "]}]" },
    { "assistant-ordered",
      "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":"
      "\"h\","
      "\"signature\":\"s\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"},{\"type\":\"tool_use\","
      "\"id\":\"i\",\"name\":\"f\",\"input\":{},\"caller\":{\"type\":\"p\"}},{\"type\":\"x_tool_"
      "result\",\"x\":1},{\"type\":\"new\"},{\"type\":\"text\",\"text\":\"t\"}]}]",
      "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\",\"text\":\"h\","
      "\"signature\":\"s\"},{\"type\":\"reasoning\",\"text\":\"\",\"redacted_data\":\"d\"},{"
      "\"type\":\"tool_call\",\"id\":\"i\",\"name\":\"f\",\"arguments\":\"{}\",\"vendor\":{"
      "\"anthropic\":{\"caller\":{\"type\":\"p\"}}}},{\"type\":\"server_tool\",\"api\":"
      "\"anthropic\",\"block\":{\"type\":\"x_tool_result\",\"x\":1}},{\"type\":\"opaque\",\"api\":"
      "\"anthropic\",\"block\":{\"type\":\"new\"}},{\"type\":\"text\",\"text\":\"t\"}]}]" },
    { "media",
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":"
      "\"base64\",\"media_type\":\"image/png\",\"data\":\"AA==\"}},{\"type\":\"image\",\"source\":{"
      "\"type\":\"url\",\"url\":\"u\"}},{\"type\":\"document\",\"title\":\"n\",\"source\":{"
      "\"type\":"
      "\"text\",\"media_type\":\"text/plain\",\"data\":\"hi\"},\"citations\":{\"enabled\":true}},{"
      "\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"f\"}}]}]",
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
      "\"url\":"
      "\"data:image/png;base64,AA==\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}},{"
      "\"type\":\"file\",\"file\":{\"filename\":\"n\",\"file_data\":\"data:text/plain;base64,aGk=\""
      "},\"vendor\":{\"anthropic\":{\"citations\":{\"enabled\":true}}}},{\"type\":\"file\","
      "\"file\":"
      "{\"file_id\":\"f\"}}]}]" },
    { "tools",
      "\"messages\":[],\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"a\":1},"
      "\"strict\":true,\"cache_control\":{\"type\":\"ephemeral\"},\"defer_loading\":true},{"
      "\"type\":"
      "\"bash_20250124\",\"name\":\"bash\"}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_"
      "tool_use\":true}",
      "\"messages\":[],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"description\":\"d\",\"parameters\":{\"a\":1},\"strict\":true},\"cache_control\":{\"type\":"
      "\"ephemeral\"},\"vendor\":{\"anthropic\":{\"defer_loading\":true}}},{\"type\":\"server_"
      "tool\""
      ",\"api\":\"anthropic\",\"tool\":{\"type\":\"bash_20250124\",\"name\":\"bash\"}}],\"tool_"
      "choice\":\"required\",\"parallel_tool_calls\":false" },
    { "choice", "\"messages\":[],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}",
      "\"messages\":[],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}" },
    { "thinking-enabled", "\"messages\":[],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":9}",
      "\"messages\":[],\"reasoning_budget_tokens\":9" },
    { "thinking-adaptive",
      "\"messages\":[],\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"},\"output_config"
      "\":{\"effort\":\"high\",\"task_budget\":{\"x\":1}}",
      "\"messages\":[],\"reasoning_budget_tokens\":-1,\"reasoning_summary\":\"none\",\"reasoning_"
      "effort\":\"high\",\"vendor\":{\"anthropic\":{\"output_config\":{\"task_budget\":{\"x\":1}}}"
      "}" },
    { "thinking-disabled", "\"messages\":[],\"thinking\":{\"type\":\"disabled\"}",
      "\"messages\":[],\"reasoning_budget_tokens\":0" },
    { "thinking-new", "\"messages\":[],\"thinking\":{\"type\":\"between_tools\"}",
      "\"messages\":[],\"vendor\":{\"anthropic\":{\"thinking\":{\"type\":\"between_tools\"}}}" },
    { "the-rest",
      "\"messages\":[],\"stop_sequences\":[\"x\"],\"metadata\":{\"user_id\":\"u\"},\"service_"
      "tier\":"
      "\"standard_only\",\"container\":\"c\",\"mcp_servers\":[],\"stream\":true,\"top_k\":1,"
      "\"inference_geo\":null",
      "\"messages\":[],\"stream\":true,\"top_k\":1,\"stop\":[\"x\"],\"user\":\"u\",\"service_"
      "tier\":"
      "\"default\",\"vendor\":{\"anthropic\":{\"container\":\"c\",\"mcp_servers\":[]}}" },
    { "schema", "\"messages\":[],\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"a\":1}}",
      "\"messages\":[],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
      "\"answer\",\"schema\":{\"a\":1},\"strict\":true}}" },
};

static void test_translate(gconstpointer data)
{
    const struct translate_case *c = data;
    g_autofree char *body = g_strdup_printf("{%s}", c->body);
    g_autofree char *canonical = g_strdup_printf("{%s}", c->canonical);
    struct told t;

    read_body(&t, "/v1/messages", body, NULL, 0);
    g_assert_cmpstr(t.refusal, ==, NULL);
    g_assert_cmpstr(t.body->str, ==, canonical);
    told_clear(&t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/anthropic/dialect/facts", test_facts);
    g_test_add_func("/anthropic/dialect/forward-facts", test_forward_facts);
    g_test_add_func("/anthropic/dialect/refusals", test_refusals);
    for (size_t i = 0; i < G_N_ELEMENTS(translations); i++) {
        g_autofree char *path = g_strconcat("/anthropic/translate/", translations[i].name, NULL);

        g_test_add_data_func(path, &translations[i], test_translate);
    }
    return g_test_run();
}
