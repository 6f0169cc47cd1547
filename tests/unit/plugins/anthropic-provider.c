/*
 * The provider part anthropic: how little changes in a request that is passed through, where
 * requests go, with which headers.
 */
#include "host.h"

/* -- Pass-through ----------------------------------------------------------------------------- */

static void test_native(void)
{
    static const char *const cases[][2] = {
        /* nothing has to change: every byte stays */
        { "{ \"model\" : \"m\",\n \"x\": 1.50, \"messages\":[] }",
          "{ \"model\" : \"m\",\n \"x\": 1.50, \"messages\":[] }" },
        /* every occurrence of a duplicated key */
        { "{\"model\":\"a\",\"x\":1,\"mod\\u0065l\":\"b\"}",
          "{\"model\":\"m\",\"x\":1,\"mod\\u0065l\":\"m\"}" },
        { "{\"provider\":\"p\",\"model\":\"m\"}", "{\"model\":\"m\"}" },
        { "{\"provider\":{},\"model\":\"m\"}", "{\"provider\":{},\"model\":\"m\"}" },
        { "{}", "{\"model\":\"m\"}" },
    };
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, cases[i][0], "m");
        void *cfg = host_provider("{}");
        struct host_sent *s;

        e->x.native = 1;
        e->x.path = WEIR_S("/v1/messages?beta=true");
        s = host_encode(face, cfg, e);
        g_assert_cmpstr(s->line->str, ==, "POST /messages?beta=true");
        g_assert_cmpstr(s->body->str, ==, cases[i][1]);
        g_assert_cmpstr(s->dropped->str, ==, "");
        host_sent_free(s);
        face->release(cfg);
        host_exchange_free(e);
    }
}

/* What another provider made is taken out, and told. */
/* field: 3.2.4, 3.2.8 */
static void test_native_foreign(void)
{
    static const char body[] =
        "{\"model\":\"a\",\"max_tokens\":9000,\"thinking\":{\"type\":\"enabled\",\"budget_"
        "tokens\":2000},\"metadata\":{\"user_id\":\"u\"},\"messages\":[{\"role\":\"user\","
        "\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"h\",\"signature\":\"s\"},{\"type\":\"web_search_tool_result\","
        "\"content\":[]},{\"type\":\"text\",\"text\":\"t\",\"citations\":[{\"encrypted_index"
        "\":\"e\"}]}]},{\"role\":\"user\",\"content\":\"b\"}]}";
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, body, "m");
    void *cfg = host_provider("{}");
    struct host_sent *s;

    e->x.native = 1;
    e->x.foreign = 1;
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->body->str, ==,
                    "{\"model\":\"m\",\"max_tokens\":9000,\"metadata\":{\"user_id\":\"u\"},"
                    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000},\"messages\":[{"
                    "\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{"
                    "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"t\"}]}"
                    ",{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]}]}");
    g_assert_cmpstr(s->dropped->str, ==,
                    "/messages/1/content/0\n/messages/1/content/1\n/messages/1/content/2\n");
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

/* Anthropic's words do not change what was routed. */
static void test_vendor_model(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_exchange *e =
        host_exchange_new(WEIR_OP_CHAT,
                          "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                          "\"text\":\"a\",\"vendor\":{\"anthropic\":{\"text\":\"b\"}}}]}],"
                          "\"vendor\":{\"anthropic\":{\"model\":\"other\",\"speed\":\"fast\"}}}",
                          "m");
    void *cfg = host_provider("{}");
    struct host_sent *s = host_encode(face, cfg, e);

    g_assert_cmpstr(s->body->str, ==,
                    "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
                    "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"speed\":\"fast\"}");
    g_assert_cmpstr(s->dropped->str, ==,
                    "/messages/0/content/0/vendor/anthropic\n/vendor/anthropic\n");
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

/* -- Where it goes ---------------------------------------------------------------------------- */

static char *headers_of(const char *options, const weir_header *headers, uint32_t count)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_exchange *e = host_exchange_new(WEIR_OP_MODELS, NULL, "");
    void *cfg = host_provider(options);
    struct host_sent *s;
    char *all;

    e->target.base_url = WEIR_S("https://upstream.test");
    e->x.headers = headers;
    e->x.header_count = count;
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->line->str, ==, "GET /v1/models?limit=1000");
    all = g_strdup(s->headers->str);
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
    return all;
}

static void test_headers(void)
{
    const weir_header sent[] = {
        { WEIR_S("Anthropic-Version"), WEIR_S("2099-01-01") },
        { WEIR_S("anthropic-beta"), WEIR_S("a-1") },
        { WEIR_S("Anthropic-Beta"), WEIR_S("b-1,c-1") },
    };
    g_autofree char *plain = headers_of("{}", NULL, 0);
    g_autofree char *bearer = headers_of("{\"key_header\":\"Authorization\"}", NULL, 0);
    g_autofree char *told = headers_of("{}", sent, 3);
    g_autofree char *beta = headers_of("{\"beta\":[\"d-1\",\"e-1\"],\"version\":\"v\"}", sent, 3);
    g_autofree char *alone = headers_of("{\"beta\":[\"d-1\"],\"version\":\"v\"}", NULL, 0);

    g_assert_cmpstr(plain, ==, "x-api-key: KEY\nanthropic-version: 2023-06-01\n");
    g_assert_cmpstr(bearer, ==, "authorization: Bearer KEY\nanthropic-version: 2023-06-01\n");
    /* the application's own cross by themselves */
    g_assert_cmpstr(told, ==, "x-api-key: KEY\n");
    g_assert_cmpstr(beta, ==, "x-api-key: KEY\nanthropic-beta: a-1,b-1,c-1,d-1,e-1\n");
    g_assert_cmpstr(alone, ==, "x-api-key: KEY\nanthropic-version: v\nanthropic-beta: d-1\n");
}

static void test_forward(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    const weir_header type = { WEIR_S("content-type"), WEIR_S("application/json") };
    void *cfg = host_provider("{}");
    struct host_exchange *e = host_exchange_new(WEIR_OP_FORWARD, NULL, "real");
    struct host_sent *s;

    e->x.method = WEIR_S("POST");
    e->x.path = WEIR_S("/v1/complete?x=1");
    e->x.body = WEIR_S("{\"model\": \"anthropic/real\", \"prompt\": 1}");
    e->x.headers = &type;
    e->x.header_count = 1;
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->line->str, ==, "POST /complete?x=1");
    g_assert_cmpstr(s->body->str, ==, "{\"model\": \"real\", \"prompt\": 1}");
    host_sent_free(s);
    /* a batch names models further down: it stays as it is */
    e->x.path = WEIR_S("/v1/messages/batches");
    e->x.body = WEIR_S("{\"requests\":[{\"params\":{\"model\":\"m\"}}]}");
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->line->str, ==, "POST /messages/batches");
    g_assert_cmpstr(s->body->str, ==, "{\"requests\":[{\"params\":{\"model\":\"m\"}}]}");
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

static void test_options(void)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    weir_error error = { .struct_size = sizeof(error) };
    struct host_arena arena;
    weir_json options;
    void *cfg = NULL;

    host_arena_init(&arena);
    options = host_scan(&arena, "{\"max_tokens\":0}");
    g_assert_cmpint(face->configure(&host_services, &options, &cfg, &error), ==, WEIR_INVALID);
    g_assert_cmpstr(error.option, ==, "max_tokens");
    g_assert_cmpstr(error.message, !=, "");
    host_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/anthropic/provider/native", test_native);
    g_test_add_func("/anthropic/provider/native-foreign", test_native_foreign);
    g_test_add_func("/anthropic/provider/vendor-model", test_vendor_model);
    g_test_add_func("/anthropic/provider/headers", test_headers);
    g_test_add_func("/anthropic/provider/forward", test_forward);
    g_test_add_func("/anthropic/provider/options", test_options);
    return g_test_run();
}
