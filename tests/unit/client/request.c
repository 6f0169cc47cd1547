/*
 * request.c - the builder: what is sent is what was said, byte by byte where JSON was given.
 */
#include "client/request.h"

#include <string.h>

static void writes(weir_request *request, bool stream, const char *expected)
{
    struct arena arena;
    weir_failure failure;
    weir_str json;

    arena_init(&arena, 0);
    g_assert_true(request_write(request, stream, &arena, &json, &failure));
    g_assert_cmpstr(json.ptr, ==, expected);
    arena_reset(&arena);
    arena_thread_trim();
    weir_request_free(request);
}

static void faulty(weir_request *request, const char *expected)
{
    struct arena arena;
    weir_failure failure;
    weir_str json;

    arena_init(&arena, 0);
    g_assert_false(request_write(request, false, &arena, &json, &failure));
    g_assert_cmpuint(failure.class_id, ==, WEIR_CLASS_INVALID_REQUEST);
    g_assert_cmpstr(failure.message.ptr, ==, expected);
    arena_reset(&arena);
    arena_thread_trim();
    weir_request_free(request);
}

static void test_messages(void)
{
    weir_request *r = weir_request_new("main");

    weir_request_system(r, "Be \"brief\".\n");
    weir_request_user(r, "1 + 1?");
    weir_request_assistant(r, "2");
    weir_request_user(r, "Sure?");
    writes(r, true,
           "{\"model\":\"main\",\"messages\":["
           "{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\\u000a\"},"
           "{\"role\":\"user\",\"content\":\"1 + 1?\"},"
           "{\"role\":\"assistant\",\"content\":\"2\"},"
           "{\"role\":\"user\",\"content\":\"Sure?\"}],\"stream\":true}");
}

static void test_images(void)
{
    weir_request *r = weir_request_new(NULL);

    weir_request_user(r, "What is this?");
    weir_request_image_url(r, "https://example.org/a.png");
    weir_request_image(r, "image/png", "\x89PNG", 4);
    weir_request_system(r, "-");
    weir_request_image_url(r, "b");
    writes(r, false,
           "{\"messages\":[{\"role\":\"user\",\"content\":["
           "{\"type\":\"text\",\"text\":\"What is this?\"},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.org/a.png\"}},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw==\"}}]},"
           "{\"role\":\"system\",\"content\":\"-\"},"
           "{\"role\":\"user\",\"content\":["
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"b\"}}]}],\"stream\":false}");
}

static void test_tools(void)
{
    weir_request *r = weir_request_new(NULL);

    weir_request_tool(r, "now", NULL, NULL);
    weir_request_tool(r, "add", "Adds", "{ \"type\": \"object\" }");
    weir_request_assistant(r, "Let me see.");
    weir_request_tool_call(r, "c1", "now", "{}");
    weir_request_tool_call(r, "c2", "add", "{\"a\":1}");
    weir_request_tool_result(r, "c1", "noon");
    weir_request_tool_call(r, "c3", "now", "{}");
    writes(r, false,
           "{\"messages\":[{\"role\":\"assistant\",\"content\":\"Let me see.\",\"tool_calls\":["
           "{\"id\":\"c1\",\"type\":\"function\","
           "\"function\":{\"name\":\"now\",\"arguments\":\"{}\"}},"
           "{\"id\":\"c2\",\"type\":\"function\","
           "\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
           "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"noon\"},"
           "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
           "{\"id\":\"c3\",\"type\":\"function\","
           "\"function\":{\"name\":\"now\",\"arguments\":\"{}\"}}]}],"
           "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"now\"}},"
           "{\"type\":\"function\",\"function\":{\"name\":\"add\",\"description\":\"Adds\","
           "\"parameters\":{ \"type\": \"object\" }}}],\"stream\":false}");
}

static void test_parameters(void)
{
    weir_request *r = weir_request_new("a");

    weir_request_model(r, "b");
    weir_request_provider(r, "p");
    weir_request_max_tokens(r, 100);
    weir_request_temperature(r, 0.1);
    weir_request_seed(r, INT64_MIN);
    weir_request_stop(r, "END");
    weir_request_stop(r, "\"");
    weir_request_schema(r, "s", "{}");
    weir_request_member(r, "logprobs", "true");
    weir_request_member(r, "top_p", "1e-2");
    weir_request_member(r, "logprobs", NULL);
    writes(r, false,
           "{\"model\":\"b\",\"messages\":[],\"provider\":\"p\",\"max_completion_tokens\":100,"
           "\"temperature\":0.1,\"seed\":-9223372036854775808,\"stop\":[\"END\",\"\\\"\"],"
           "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\","
           "\"strict\":true,\"schema\":{}}},\"top_p\":1e-2,\"stream\":false}");
}

static void test_raw(void)
{
    weir_request *r = weir_request_from_json(
        " { \"model\" : \"m\", \"stream\":true, \"seed\":123456789012345678901234567890,"
        "\"x\\\"y\": [ 1 ,2 ], \"model\":\"last\", \"stop\":\"a\","
        "\"messages\":[ {\"role\":\"user\", \"content\":\"h\\u0069\"} ] }",
        NULL);

    weir_request_stop(r, "b");
    weir_request_assistant(r, "so");
    writes(r, false,
           "{\"model\":\"last\",\"seed\":123456789012345678901234567890,\"x\\\"y\":[ 1 ,2 ],"
           "\"stop\":[\"a\",\"b\"],\"messages\":[{\"role\":\"user\", \"content\":\"h\\u0069\"},"
           "{\"role\":\"assistant\",\"content\":\"so\"}],\"stream\":false}");
}

static void test_bad_raw(void)
{
    weir_error error;

    g_assert_null(weir_request_from_json("[1]", &error));
    g_assert_null(weir_request_from_json("{\"a\":1", &error));
    g_assert_cmpint(error.result, ==, WEIR_INVALID);
    g_assert_nonnull(strstr(error.message, "byte 6"));
    g_assert_null(weir_request_from_json(NULL, NULL));
}

/* The first fault is the one that is told, and a fault leaves what was there. */
static void test_faults(void)
{
    weir_request *r = weir_request_new("m");

    g_assert_cmpint(weir_request_user(r, "caf\xe9"), ==, WEIR_INVALID);
    g_assert_cmpint(weir_request_tool(r, "t", NULL, "{"), ==, WEIR_INVALID);
    faulty(r, "the text of a message is not UTF-8");
    r = weir_request_new("m");
    g_assert_cmpint(weir_request_schema(r, "s", "nope"), ==, WEIR_INVALID);
    faulty(r, "the schema of the answer is not JSON: a value was expected: null, "
              "true and false are the only words at byte 0");
    r = weir_request_new("m");
    g_assert_cmpint(weir_request_image(r, "image/png; x", "a", 1), ==, WEIR_INVALID);
    g_assert_cmpint(weir_request_temperature(r, -1), ==, WEIR_INVALID);
    g_assert_cmpint(weir_request_stop(r, NULL), ==, WEIR_INVALID);
    faulty(r, "the media type of a picture must be like image/png");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/request/messages", test_messages);
    g_test_add_func("/client/request/images", test_images);
    g_test_add_func("/client/request/tools", test_tools);
    g_test_add_func("/client/request/parameters", test_parameters);
    g_test_add_func("/client/request/raw", test_raw);
    g_test_add_func("/client/request/bad-raw", test_bad_raw);
    g_test_add_func("/client/request/faults", test_faults);
    return g_test_run();
}
