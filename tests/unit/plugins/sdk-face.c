/*
 * What dialects and provider parts share in the SDK: keys, paths, facts, forwarded bodies.
 */
#include "host.h"

#include <weir/sdk/dialect.h>
#include <weir/sdk/forward.h>
#include <weir/sdk/reading.h>

/* Tests of headers alone have no plugin in them. */
const weir_plugin weir_plugin_v1;

static void test_path(void)
{
    static const struct {
        const char *base, *path, *url;
    } cases[] = {
        { "https://a.test/v1", "/v1/models", "/models" },
        { "https://a.test/v1", "/v1", "" },
        { "https://a.test/v1", "/v1beta/models", "/v1beta/models" },
        { "https://a.test/v1", "/files/v1/x", "/files/v1/x" },
        { "https://a.test", "/v1/models", "/v1/models" },
        { "https://a.test/v1", "", "" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        weir_str url =
            weir_path_under(weir_str_of(cases[i].base), "/v1", weir_str_of(cases[i].path));
        g_autofree char *text = host_text(url);

        g_assert_cmpstr(text, ==, cases[i].url);
    }
}

static void test_bearer(void)
{
    weir_header header = { WEIR_S("Authorization"), WEIR_S("bearer   sk-1 ") };
    weir_ingress in = { .struct_size = sizeof(in), .headers = &header, .header_count = 1 };

    g_assert_true(weir_str_is(weir_application_bearer(&in), "sk-1"));
    header.value = WEIR_S("Basic c2stMQ==");
    g_assert_cmpuint(weir_application_bearer(&in).len, ==, 0);
    header.value = WEIR_S("Bearer ");
    g_assert_cmpuint(weir_application_bearer(&in).len, ==, 0);
    in.header_count = 0;
    g_assert_cmpuint(weir_application_bearer(&in).len, ==, 0);
}

static void test_captured(void)
{
    struct host_arena arena;
    weir_str captures[2] = { WEIR_S("groq"), WEIR_S("llama") };
    weir_ingress in = { .struct_size = sizeof(in), .captures = captures };
    weir_str model;

    host_arena_init(&arena);
    in.arena = arena.arena;
    g_assert_cmpint(weir_captured_model(&in, &model), ==, WEIR_OK);
    g_assert_cmpuint(model.len, ==, 0);
    in.capture_count = 1;
    g_assert_cmpint(weir_captured_model(&in, &model), ==, WEIR_OK);
    g_assert_true(weir_str_is(model, "groq"));
    in.capture_count = 2;
    g_assert_cmpint(weir_captured_model(&in, &model), ==, WEIR_OK);
    g_assert_true(weir_str_is(model, "groq/llama"));
    host_arena_clear(&arena);
}

static void test_options(void)
{
    static const char *const choices[] = { "auto", "one", "two", NULL };
    struct host_arena arena;
    weir_json options;
    char *names;

    host_arena_init(&arena);
    options = host_scan(&arena, "{\"list\":[\"a\",\"b\\u0063\"],\"choice\":\"two\",\"odd\":\"x\"}");
    names = weir_option_names(&options, "list");
    g_assert_cmpstr(names, ==, "a,bc");
    free(names);
    names = weir_option_names(&options, "none");
    g_assert_cmpstr(names, ==, "");
    free(names);
    g_assert_cmpuint(weir_option_choice(&options, "choice", choices), ==, 2);
    g_assert_cmpuint(weir_option_choice(&options, "odd", choices), ==, 0);
    g_assert_cmpuint(weir_option_choice(&options, "none", choices), ==, 0);
    host_arena_clear(&arena);
}

/* What a reading says. */
struct told {
    weir_facts facts;
    GString *opaque;
    char *param;
    char *code;
    int said;
};

static weir_result told_facts(void *ctx, const weir_facts *facts, weir_str key)
{
    struct told *t = ctx;

    g_assert_true(weir_str_is(key, "k"));
    t->facts = *facts;
    t->said++;
    return WEIR_OK;
}

static weir_result told_opaque(void *ctx, weir_text value, bool required)
{
    struct told *t = ctx;

    g_string_append_printf(t->opaque, "%.*s%s ", (int)value.len, value.ptr, required ? "!" : "");
    return WEIR_OK;
}

static weir_result told_refuse(void *ctx, const weir_failure *failure)
{
    struct told *t = ctx;

    g_assert_cmpuint(failure->class_id, ==, WEIR_CLASS_INVALID_REQUEST);
    g_assert_cmpuint(failure->local, ==, 1);
    t->param = host_text(failure->param);
    t->code = host_text(failure->code);
    t->said++;
    return WEIR_OK;
}

static void test_reading(void)
{
    struct host_arena arena;
    struct told t = { .opaque = g_string_new(NULL) };
    const weir_request_sink sink = {
        .struct_size = sizeof(sink),
        .ctx = &t,
        .facts = told_facts,
        .opaque = told_opaque,
        .refuse = told_refuse,
    };
    weir_ingress in = { .struct_size = sizeof(in) };
    weir_reading r;
    weir_json doc;

    host_arena_init(&arena);
    doc = host_scan(&arena, "{\"model\":\"m\",\"provider\":7,\"id\":\"r-1\",\"n\":5,\"empty\":\"\","
                            "\"text\":\"12345\",\"tools\":[{}],\"none\":[]}");
    in.body = doc.bytes;
    in.json = &doc;
    in.arena = arena.arena;
    r = weir_reading_begin(&in, WEIR_OP_CHAT, &sink);
    weir_reading_names(&r, weir_json_find(&doc, 0, "model"));
    weir_reading_message(&r);
    weir_reading_media(&r, WEIR_CAN_AUDIO);
    weir_reading_text(&r, weir_json_find(&doc, 0, "text"));
    weir_reading_tools(&r, weir_json_find(&doc, 0, "none"));
    g_assert_cmpuint(r.facts.needs, ==, WEIR_CAN_AUDIO);
    weir_reading_tools(&r, weir_json_find(&doc, 0, "tools"));
    weir_reading_stream(&r, true, false);
    g_assert_cmpint(weir_reading_opaque(&r, weir_json_find(&doc, 0, "id"), true), ==, WEIR_OK);
    g_assert_cmpint(weir_reading_opaque(&r, weir_json_find(&doc, 0, "n"), true), ==, WEIR_OK);
    g_assert_cmpint(weir_reading_opaque(&r, weir_json_find(&doc, 0, "empty"), true), ==, WEIR_OK);
    g_assert_cmpint(weir_reading_opaque(&r, WEIR_JSON_NONE, true), ==, WEIR_OK);
    g_assert_cmpint(weir_reading_end(&r, WEIR_S("k")), ==, WEIR_OK);
    g_assert_cmpint(t.said, ==, 1);
    g_assert_cmpstr(t.opaque->str, ==, "r-1! ");
    g_assert_true(weir_str_is(t.facts.model, "m"));
    g_assert_cmpuint(t.facts.provider.len, ==, 0); /* no string */
    g_assert_cmpint(t.facts.messages, ==, 1);
    g_assert_cmpint(t.facts.input_tokens, ==, 3 + 4 + 400); /* "12345" and [{}] are 9 bytes */
    g_assert_cmpuint(t.facts.needs, ==, WEIR_CAN_AUDIO | WEIR_CAN_TOOLS | WEIR_CAN_STREAM);
    g_assert_cmpuint(t.facts.asked_usage, ==, 0);
    /* Whatever the host answers, nothing may be said after a refusal. */
    g_assert_cmpint(weir_reading_refuse(&r, "no", "model", "odd"), ==, WEIR_STOPPED);
    g_assert_cmpint(t.said, ==, 2);
    g_assert_cmpstr(t.param, ==, "model");
    g_assert_cmpstr(t.code, ==, "odd");
    g_free(t.param);
    g_free(t.code);
    g_string_free(t.opaque, TRUE);
    host_arena_clear(&arena);
}

struct piece {
    GString *body, *headers;
};

static weir_result piece_header(void *ctx, weir_str name, weir_str value)
{
    struct piece *p = ctx;

    g_string_append_printf(p->headers, "%.*s: %.*s\n", (int)name.len, name.ptr, (int)value.len,
                           value.ptr);
    return WEIR_OK;
}

static weir_result piece_body(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct piece *)ctx)->body, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

static void test_forward(void)
{
    struct host_exchange *e =
        host_exchange_new(WEIR_OP_FORWARD, "{\"a\":1,\"model\":\"x\"}", "new");
    const weir_json_service *json =
        (const weir_json_service *)host_services.service(&host_services, WEIR_SERVICE_JSON);
    weir_header headers[] = { { WEIR_S("Content-Type"), WEIR_S("application/json; v=1") },
                              { WEIR_S("accept"), WEIR_S("*/*") },
                              { WEIR_S("cookie"), WEIR_S("c") } };
    struct piece p = { g_string_new(NULL), g_string_new(NULL) };
    const weir_http_sink sink = {
        .struct_size = sizeof(sink), .ctx = &p, .header = piece_header, .body = piece_body
    };
    weir_json doc;

    e->x.headers = headers;
    e->x.header_count = G_N_ELEMENTS(headers);
    g_assert_cmpint(weir_forward_headers(&e->x, &sink), ==, WEIR_OK);
    g_assert_cmpint(weir_http_key(&sink, &e->x, "", "x-api-key"), ==, WEIR_OK);
    g_assert_cmpint(weir_http_key(&sink, &e->x, "Authorization", "x-api-key"), ==, WEIR_OK);
    e->target.credential = WEIR_S("");
    g_assert_cmpint(weir_http_key(&sink, &e->x, "x-other", "x-api-key"), ==, WEIR_OK);
    g_assert_cmpstr(p.headers->str, ==,
                    "content-type: application/json; v=1\naccept: */*\nx-api-key: KEY\n"
                    "authorization: Bearer KEY\n");
    g_assert_true(weir_forward_scan(json, &e->x, &doc));
    g_assert_cmpint(weir_forward_named(&doc, &e->x, "model", WEIR_S("n\"w"), &sink), ==, WEIR_OK);
    g_assert_cmpstr(p.body->str, ==, "{\"a\":1,\"model\":\"n\\\"w\"}");
    g_assert_false(weir_forward_scan(NULL, &e->x, &doc));
    headers[0].value = WEIR_S("text/plain");
    g_assert_false(weir_forward_scan(json, &e->x, &doc));
    g_string_free(p.body, TRUE);
    g_string_free(p.headers, TRUE);
    host_exchange_free(e);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/face/path", test_path);
    g_test_add_func("/sdk/face/bearer", test_bearer);
    g_test_add_func("/sdk/face/captured", test_captured);
    g_test_add_func("/sdk/face/options", test_options);
    g_test_add_func("/sdk/face/reading", test_reading);
    g_test_add_func("/sdk/face/forward", test_forward);
    return g_test_run();
}
