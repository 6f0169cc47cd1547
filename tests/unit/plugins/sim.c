/*
 * The simulator: what it answers, that it answers the same again, and that its own decoder reads
 * what it says as what was ordered.
 */
#include "host.h"

#define ASK "{\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"hello world\"}]%s}"

static const weir_provider_v1 *face;

/* One answer, sent and heard. */
struct run {
    struct host_sent *sent;
    struct host_heard *heard;
};

static struct run run(const char *options, const char *model, bool stream, const char *rest)
{
    g_autofree char *body = g_strdup_printf(ASK, stream ? "true" : "false", rest);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, body, model);
    void *cfg = host_provider(options);
    struct run r = { host_encode(face, cfg, e), NULL };

    g_assert_true(r.sent->scripted);
    if (r.sent->status)
        r.heard = host_decode(face, cfg, e, r.sent->status, r.sent->reply_header->str,
                              weir_str_make(r.sent->reply->str, r.sent->reply->len), 5,
                              r.sent->end != WEIR_STEP_END);
    face->release(cfg);
    host_exchange_free(e);
    return r;
}

static void run_clear(struct run *r)
{
    host_sent_free(r->sent);
    if (r->heard)
        host_heard_free(r->heard);
}

static void test_echo(void)
{
    for (int stream = 0; stream < 2; stream++) {
        struct run r = run("{}", "echo", stream, "");

        g_assert_cmpstr(r.heard->text[0]->str, ==, "[simulated by Weir] hello world");
        g_assert_cmpstr(r.heard->finish->str, ==, "0:stop");
        g_assert_nonnull(strstr(r.heard->log->str, " sim/echo"));
        g_assert_nonnull(strstr(r.sent->reply_header->str, "x-weir-simulated: 1"));
        g_assert_cmpint(r.heard->usage.output_total, >, 2);
        run_clear(&r);
    }
}

static void test_same_again(void)
{
    struct run a = run("{\"seed\":1}", "any", true, "");
    struct run b = run("{\"seed\":1}", "any", true, "");
    struct run c = run("{\"seed\":2}", "any", true, "");
    struct run d = run("{\"seed\":1}", "any", true, ",\"user\":\"x\"");

    g_assert_cmpstr(a.sent->reply->str, ==, b.sent->reply->str);
    g_assert_cmpstr(a.heard->text[0]->str, !=, c.heard->text[0]->str);
    g_assert_cmpstr(a.heard->text[0]->str, !=, d.heard->text[0]->str);
    run_clear(&a);
    run_clear(&b);
    run_clear(&c);
    run_clear(&d);
}

static void test_count(void)
{
    struct run r = run("{\"first_token\":1000,\"tokens_per_second\":100}", "count:50", true, "");

    g_assert_cmpint(r.heard->usage.output_total, ==, 50);
    g_assert_cmpint(r.sent->total_us, ==, 1000 + 49 * 10000);
    run_clear(&r);
    r = run("{}", "count:50", true, ",\"max_tokens\":7");
    g_assert_cmpint(r.heard->usage.output_total, ==, 7);
    g_assert_cmpstr(r.heard->finish->str, ==, "0:length");
    run_clear(&r);
    r = run("{}", "reason:5+count:3", true, "");
    g_assert_cmpint(r.heard->usage.output_reasoning, ==, 5);
    g_assert_cmpint(r.heard->usage.output_text, ==, 3);
    g_assert_cmpuint(r.heard->reasoning->len, >, 0);
    run_clear(&r);
}

/* Every class of a vendor comes back as itself. */
static void test_classes(void)
{
    for (uint16_t c = WEIR_CLASS_AUTHENTICATION; c <= WEIR_CLASS_SERVER_ERROR; c++) {
        g_autofree char *model = g_strdup_printf("fail:%s+retry-after:2s", weir_class_name(c));
        struct run r = run("{}", model, true, "");

        g_assert_cmpint(r.heard->errors, ==, 1);
        g_assert_cmpstr(weir_class_name(r.heard->class_id), ==, weir_class_name(c));
        g_assert_cmpint(r.heard->retry_after_us, ==, 2000000);
        run_clear(&r);
    }
    struct run r = run("{}", "fail:protocol", false, "");
    g_assert_cmpuint(r.heard->class_id, ==, WEIR_CLASS_PROTOCOL);
    run_clear(&r);
    r = run("{}", "fail:connection", false, "");
    g_assert_cmpuint(r.sent->end, ==, WEIR_STEP_REFUSED);
    run_clear(&r);
    r = run("{}", "status:503", true, "");
    g_assert_cmpuint(r.sent->status, ==, 503);
    g_assert_cmpuint(r.heard->class_id, ==, WEIR_CLASS_OVERLOADED);
    run_clear(&r);
    r = run("{}", "fail:rate_limt", true, "");
    g_assert_cmpuint(r.heard->class_id, ==, WEIR_CLASS_INVALID_REQUEST);
    g_assert_nonnull(strstr(r.heard->message, "fail:rate_limt"));
    run_clear(&r);
}

/* No fault ends like an answer that is complete. */
static void test_faults(void)
{
    static const struct {
        const char *model;
        uint32_t end;
        int errors;
    } faults[] = {
        { "echo+cut:2", WEIR_STEP_CUT, 0 },
        { "echo+half-chunk:2", WEIR_STEP_CUT, 0 },
        { "echo+stall:2", WEIR_STEP_STALL, 0 },
        { "echo+garbage:2", WEIR_STEP_END, 1 },
        { "echo+error-in-200:2", WEIR_STEP_END, 1 },
        { "echo+no-finish", WEIR_STEP_END, 0 },
        { "echo+cut", WEIR_STEP_CUT, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        struct run r = run("{}", faults[i].model, true, "");

        g_assert_cmpuint(r.sent->end, ==, faults[i].end);
        g_assert_cmpint(r.heard->errors, ==, faults[i].errors);
        g_assert_cmpuint(r.heard->finish->len, ==, 0);
        run_clear(&r);
        r = run("{}", faults[i].model, false, "");
        g_assert_cmpuint(r.heard->finish->len, ==, 0);
        run_clear(&r);
    }
    struct run r = run("{}", "echo+no-done", true, "");
    g_assert_cmpstr(r.heard->finish->str, ==, "0:stop");
    run_clear(&r);
}

#define SCHEMA                                                                                  \
    "{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"]},"  \
    "\"n\":{\"type\":\"integer\",\"minimum\":3},\"l\":{\"type\":\"array\",\"items\":{\"$ref\":" \
    "\"#/$defs/d\"}}},\"$defs\":{\"d\":{\"type\":\"boolean\"}}}"
#define VALUE "{\"s\":\"x\",\"n\":3,\"l\":[true]}"

static void test_tools_and_json(void)
{
    static const char tools[] = ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
                                "\"parameters\":" SCHEMA "}}]";
    static const char format[] = ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                                 "\"schema\":" SCHEMA "}}";

    for (int stream = 0; stream < 2; stream++) {
        struct run r = run("{}", "tools", stream, tools);

        g_assert_cmpuint(r.heard->calls->len, ==, 1);
        g_assert_cmpstr(((GString *)g_ptr_array_index(r.heard->calls, 0))->str, ==, "f(" VALUE ")");
        g_assert_cmpstr(r.heard->finish->str, ==, "0:tool_calls");
        run_clear(&r);
        r = run("{}", "any", stream, tools);
        g_assert_cmpuint(r.heard->calls->len, ==, 0);
        run_clear(&r);
        r = run("{}", "any", stream, format);
        g_assert_cmpstr(r.heard->text[0]->str, ==, VALUE);
        run_clear(&r);
    }
}

static void test_embeddings(void)
{
    void *cfg = host_provider("{}");
    struct host_exchange *e =
        host_exchange_new(WEIR_OP_EMBED, "{\"input\":[\"a\",\"b\",\"a\"],\"dimensions\":4}", "m");
    struct host_sent *s = host_encode(face, cfg, e);
    struct host_heard *h = host_decode(face, cfg, e, s->status, s->reply_header->str,
                                       weir_str_make(s->reply->str, s->reply->len), 0, false);
    weir_json doc = host_scan(&e->arena, h->document);
    double square = 0;

    WEIR_JSON_EACH_ITEM(&doc, weir_json_path(&doc, 0, "data.1.embedding"), item)
    {
        double x = 0;

        weir_json_double(&doc, item, &x);
        square += x * x;
    }
    g_assert_cmpfloat_with_epsilon(square, 1, 1e-5);
    g_assert_true(weir_str_equal(weir_json_raw(&doc, weir_json_path(&doc, 0, "data.0.embedding")),
                                 weir_json_raw(&doc, weir_json_path(&doc, 0, "data.2.embedding"))));
    host_heard_free(h);
    host_sent_free(s);
    host_exchange_free(e);

    e = host_exchange_new(WEIR_OP_EMBED,
                          "{\"input\":\"a\",\"dimensions\":4,\"encoding_format\":\"base64\"}", "m");
    s = host_encode(face, cfg, e);
    doc = host_scan(&e->arena, s->reply->str);
    weir_str text = weir_json_inner(&doc, weir_json_path(&doc, 0, "data.0.embedding"));
    g_autofree char *base64 = host_text(text);
    gsize len;
    g_autofree guchar *bytes = g_base64_decode(base64, &len);
    g_assert_cmpuint(text.len, ==, 24);
    g_assert_cmpuint(len, ==, 16);
    host_sent_free(s);
    host_exchange_free(e);
    face->release(cfg);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    face = host_part(WEIR_PART_PROVIDER);
    g_test_add_func("/sim/echo", test_echo);
    g_test_add_func("/sim/same-again", test_same_again);
    g_test_add_func("/sim/count", test_count);
    g_test_add_func("/sim/classes", test_classes);
    g_test_add_func("/sim/faults", test_faults);
    g_test_add_func("/sim/tools-and-json", test_tools_and_json);
    g_test_add_func("/sim/embeddings", test_embeddings);
    return g_test_run();
}
