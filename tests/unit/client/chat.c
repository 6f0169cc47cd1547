/*
 * chat.c - calls that wait: whole and streamed answers, failures, what the accessors give.
 */
#include "fixture.h"

static weir_client *client;

static void test_whole(void)
{
    weir_response *r = fixture_ask(client, "sim/echo", "Grüße,\n\"wörtlich\" \\");

    fixture_no_failure(r);
    g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, "Grüße,\n\"wörtlich\" \\");
    g_assert_cmpuint(weir_response_text(r, 0).len, ==, strlen("Grüße,\n\"wörtlich\" \\"));
    g_assert_cmpuint(weir_response_choices(r), ==, 1);
    g_assert_cmpstr(weir_response_provider(r).ptr, ==, "sim");
    g_assert_cmpstr(weir_response_model(r).ptr, ==, "echo");
    g_assert_cmpuint(weir_response_attempts(r), ==, 1);
    g_assert_cmpuint(weir_response_finish(r, 0), ==, WEIR_FINISH_STOP);
    g_assert_cmpstr(weir_finish_name(weir_response_finish(r, 0)), ==, "stop");
    g_assert_cmpstr(weir_response_text(r, 7).ptr, ==, "");
    weir_response_free(r);
}

static void test_failover(void)
{
    weir_response *r = fixture_ask(client, NULL, "hello");

    fixture_no_failure(r);
    g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, "hello");
    g_assert_cmpstr(weir_response_provider(r).ptr, ==, "sim");
    g_assert_cmpuint(weir_response_attempts(r), ==, 2);
    weir_response_free(r);
}

static void test_provider(void)
{
    weir_request *request = fixture_request("count:3", "x");
    weir_response *r;

    weir_request_provider(request, "sim");
    r = weir_chat(client, request);
    fixture_no_failure(r);
    g_assert_cmpint(weir_response_usage(r)->output_total, ==, 3);
    weir_response_free(r);
    weir_request_free(request);
}

static void test_usage(void)
{
    weir_response *r = fixture_ask(client, "sim/reason:7+count:5", "x");

    fixture_no_failure(r);
    g_assert_cmpint(weir_response_usage(r)->output_total, ==, 12);
    g_assert_cmpint(weir_response_usage(r)->output_reasoning, ==, 7);
    g_assert_cmpint(weir_response_usage(r)->input_total, >, 0);
    g_assert_cmpuint(weir_response_reasoning(r, 0).len, >, 0);
    weir_response_free(r);

    r = fixture_ask(client, "sim/no-usage", "x");
    fixture_no_failure(r);
    g_assert_cmpint(weir_response_usage(r)->output_total, ==, -1);
    g_assert_null(strstr(weir_response_json(r).ptr, "\"usage\""));
    weir_response_free(r);
}

static void test_json(void)
{
    weir_response *r = fixture_ask(client, "sim/echo", "a \"b\"");
    const char *json = weir_response_json(r).ptr;

    g_assert_nonnull(strstr(json, "\"object\":\"chat.completion\""));
    g_assert_nonnull(strstr(json, "\"content\":\"a \\\"b\\\"\""));
    g_assert_nonnull(strstr(json, "\"finish_reason\":\"stop\""));
    g_assert_true(json == weir_response_json(r).ptr);
    weir_response_free(r);
}

/* -- streams ---------------------------------------------------------------------------------- */

struct seen {
    GString *text;
    guint starts, deltas, finishes, usages, after_stop;
    guint stop_at; /* deltas; 0: never */
    GThread *thread;
};

static int on_event(void *ctx, const weir_event *event)
{
    struct seen *s = ctx;

    s->thread = g_thread_self();
    s->after_stop += s->stop_at && s->deltas >= s->stop_at;
    s->starts += event->type == WEIR_EVENT_START;
    s->finishes += event->type == WEIR_EVENT_FINISH;
    s->usages += event->type == WEIR_EVENT_USAGE;
    if (event->type != WEIR_EVENT_DELTA)
        return 0;
    g_assert_cmpuint(event->text.form, ==, WEIR_FORM_UTF8);
    g_string_append_len(s->text, event->text.ptr, (gssize)event->text.len);
    s->deltas++;
    return s->deltas == s->stop_at;
}

static weir_response *stream(const char *model, const char *text, struct seen *s)
{
    weir_request *request = fixture_request(model, text);
    weir_response *r;

    s->text = g_string_new(NULL);
    r = weir_chat_stream(client, request, on_event, s);
    weir_request_free(request);
    return r;
}

static void test_stream(void)
{
    struct seen s = { 0 };
    weir_response *r = stream("sim/echo", "one two \"three\"\n\xf0\x9f\x8c\x8a", &s);

    fixture_no_failure(r);
    g_assert_cmpstr(s.text->str, ==, "one two \"three\"\n\xf0\x9f\x8c\x8a");
    g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, s.text->str);
    g_assert_cmpuint(s.deltas, >, 1);
    g_assert_cmpuint(s.starts, ==, 1);
    g_assert_cmpuint(s.finishes, ==, 1);
    g_assert_cmpuint(s.usages, >, 0);
    g_assert_true(s.thread == g_thread_self());
    g_assert_cmpint(weir_response_usage(r)->output_total, >, 0);
    g_assert_nonnull(strstr(weir_response_json(r).ptr, "one two"));
    g_string_free(s.text, TRUE);
    weir_response_free(r);
}

/* Nothing of the attempt that failed is told. */
static void test_stream_failover(void)
{
    struct seen s = { 0 };
    weir_response *r = stream("main", "hello", &s);

    fixture_no_failure(r);
    g_assert_cmpstr(s.text->str, ==, "hello");
    g_assert_cmpuint(s.starts, ==, 1);
    g_assert_cmpuint(weir_response_attempts(r), ==, 2);
    g_string_free(s.text, TRUE);
    weir_response_free(r);
}

/* More than the queue holds: the stream has to be held up and taken up again. */
static void test_stream_long(void)
{
    struct seen s = { 0 };
    weir_response *r = stream("sim/count:20000", "x", &s);

    fixture_no_failure(r);
    g_assert_cmpuint(s.deltas, >=, 20000);
    g_assert_cmpuint(s.text->len, ==, weir_response_text(r, 0).len);
    g_assert_cmpint(weir_response_usage(r)->output_total, ==, 20000);
    g_string_free(s.text, TRUE);
    weir_response_free(r);
}

static void test_stream_cut(void)
{
    struct seen s = { 0 };
    weir_response *r = stream("sim/count:20+cut:5", "x", &s);

    fixture_failed(r, WEIR_CLASS_PROTOCOL);
    g_assert_cmpuint(s.finishes, ==, 0);
    g_assert_cmpuint(s.text->len, >, 0);
    g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, s.text->str);
    g_assert_cmpstr(weir_response_provider(r).ptr, ==, "sim");
    g_assert_cmpuint(weir_response_json(r).len, ==, 0);
    g_string_free(s.text, TRUE);
    weir_response_free(r);
}

/* The callback has had enough; with 100 s to go, it would be noticed if the call went on. */
static void test_stream_stop(void)
{
    struct seen s = { .stop_at = 3 };
    weir_response *r = stream("sim/count:10000+slow:10ms", "x", &s);

    fixture_failed(r, WEIR_CLASS_CANCELLED);
    g_assert_cmpuint(s.deltas, ==, 3);
    g_assert_cmpuint(s.after_stop, ==, 0);
    g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, s.text->str);
    g_string_free(s.text, TRUE);
    weir_response_free(r);
}

/* -- tools ------------------------------------------------------------------------------------ */

static void test_tools(void)
{
    weir_request *request = fixture_request("sim/tools", "What is the weather in Kiel?");
    weir_response *r, *next;

    weir_request_tool(request, "weather", "Tells the weather",
                      "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},"
                      "\"required\":[\"city\"]}");
    r = weir_chat(client, request);
    fixture_no_failure(r);
    g_assert_cmpuint(weir_response_finish(r, 0), ==, WEIR_FINISH_TOOL_CALLS);
    g_assert_cmpuint(weir_response_tool_calls(r, 0), ==, 1);
    g_assert_cmpstr(weir_response_tool_name(r, 0, 0).ptr, ==, "weather");
    g_assert_cmpuint(weir_response_tool_id(r, 0, 0).len, >, 0);
    g_assert_true(g_str_has_prefix(weir_response_tool_arguments(r, 0, 0).ptr, "{\"city\":"));
    g_assert_cmpstr(weir_response_tool_name(r, 0, 1).ptr, ==, "");

    g_assert_cmpint(weir_request_answer(request, r), ==, WEIR_OK);
    weir_request_tool_result(request, weir_response_tool_id(r, 0, 0).ptr, "windy");
    weir_request_user(request, "And now?");
    weir_request_model(request, "sim/echo");
    next = weir_chat(client, request);
    fixture_no_failure(next);
    g_assert_cmpstr(weir_response_text(next, 0).ptr, ==, "And now?");
    weir_response_free(next);
    weir_response_free(r);
    weir_request_free(request);
}

/* -- other operations ------------------------------------------------------------------------- */

static void test_embed(void)
{
    weir_request *request =
        weir_request_from_json("{\"model\":\"sim/embed\",\"input\":\"some text\"}", NULL);
    weir_response *r = weir_embed(client, request);

    fixture_no_failure(r);
    g_assert_nonnull(strstr(weir_response_json(r).ptr, "\"embedding\":["));
    g_assert_cmpuint(weir_response_choices(r), ==, 0);
    weir_response_free(r);
    weir_request_free(request);
}

static void test_models(void)
{
    weir_response *r = weir_models(client);

    fixture_no_failure(r);
    g_assert_nonnull(strstr(weir_response_json(r).ptr, "\"id\":\"main\""));
    g_assert_nonnull(strstr(weir_response_json(r).ptr, "\"id\":\"sim/echo\""));
    g_assert_cmpuint(weir_response_attempts(r), ==, 0);
    g_assert_cmpstr(weir_response_provider(r).ptr, ==, "");
    weir_response_free(r);
}

/* -- failures --------------------------------------------------------------------------------- */

static void test_failures(void)
{
    static const struct {
        const char *model;
        unsigned class_id;
        unsigned status;
    } rows[] = {
        { "sim/fail:authentication", WEIR_CLASS_AUTHENTICATION, 401 },
        { "sim/fail:context_length", WEIR_CLASS_CONTEXT_LENGTH, 400 },
        { "sim/fail:rate_limit", WEIR_CLASS_RATE_LIMIT, 429 },
        { "sim/fail:overloaded", WEIR_CLASS_OVERLOADED, 503 },
        { "sim/fail:server_error", WEIR_CLASS_SERVER_ERROR, 500 },
        { "sim/fail:connection", WEIR_CLASS_CONNECTION, 0 },
        { "sim/fail:protocol", WEIR_CLASS_PROTOCOL, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        weir_response *r = fixture_ask(client, rows[i].model, "x");
        const weir_failure *f = weir_response_failure(r);

        fixture_failed(r, rows[i].class_id);
        g_assert_cmpstr(weir_failure_name(f), ==, strchr(rows[i].model, ':') + 1);
        if (rows[i].status)
            g_assert_cmpuint(f->http_status, ==, rows[i].status);
        g_assert_cmpuint(f->message.len, ==, strlen(f->message.ptr));
        g_assert_cmpuint(f->message.len, >, 0);
        g_assert_cmpuint(weir_response_attempts(r), >, 0);
        g_assert_cmpstr(weir_response_provider(r).ptr, ==, "sim");
        g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, "");
        weir_response_free(r);
    }
}

static void test_retry_after(void)
{
    weir_response *r = fixture_ask(client, "sim/status:400+retry-after:90s", "x");

    g_assert_nonnull(weir_response_failure(r));
    g_assert_cmpuint(weir_response_failure(r)->http_status, ==, 400);
    g_assert_cmpint(weir_response_failure(r)->retry_after_us, ==, 90 * G_USEC_PER_SEC);
    weir_response_free(r);
}

static void test_unknown_model(void)
{
    weir_response *r = fixture_ask(client, "mian", "x");

    fixture_failed(r, WEIR_CLASS_NO_ROUTE);
    g_assert_nonnull(strstr(weir_response_failure(r)->message.ptr, "'main'"));
    g_assert_cmpstr(weir_response_failure(r)->param.ptr, ==, "model");
    g_assert_cmpuint(weir_response_attempts(r), ==, 0);
    weir_response_free(r);
}

static void test_faulty_request(void)
{
    weir_request *request = fixture_request("sim/echo", "x");
    weir_response *r;

    g_assert_cmpint(weir_request_member(request, "metadata", "{\"a\":}"), ==, WEIR_INVALID);
    g_assert_cmpint(weir_request_user(request, "still going"), ==, WEIR_OK);
    r = weir_chat(client, request);
    fixture_failed(r, WEIR_CLASS_INVALID_REQUEST);
    g_assert_nonnull(strstr(weir_response_failure(r)->message.ptr, "metadata is not JSON"));
    g_assert_cmpuint(weir_response_attempts(r), ==, 0);
    weir_response_free(r);
    weir_request_free(request);
}

int main(int argc, char **argv)
{
    int code;

    g_test_init(&argc, &argv, NULL);
    client = fixture_open();
    g_test_add_func("/client/chat/whole", test_whole);
    g_test_add_func("/client/chat/failover", test_failover);
    g_test_add_func("/client/chat/provider", test_provider);
    g_test_add_func("/client/chat/usage", test_usage);
    g_test_add_func("/client/chat/json", test_json);
    g_test_add_func("/client/chat/stream", test_stream);
    g_test_add_func("/client/chat/stream-failover", test_stream_failover);
    g_test_add_func("/client/chat/stream-long", test_stream_long);
    g_test_add_func("/client/chat/stream-cut", test_stream_cut);
    g_test_add_func("/client/chat/stream-stop", test_stream_stop);
    g_test_add_func("/client/chat/tools", test_tools);
    g_test_add_func("/client/chat/embed", test_embed);
    g_test_add_func("/client/chat/models", test_models);
    g_test_add_func("/client/chat/failures", test_failures);
    g_test_add_func("/client/chat/retry-after", test_retry_after);
    g_test_add_func("/client/chat/unknown-model", test_unknown_model);
    g_test_add_func("/client/chat/faulty-request", test_faulty_request);
    code = g_test_run();
    weir_client_close(client);
    return code;
}
