/*
 * open.c - opening a client, and what is said when it cannot be.
 */
#include "fixture.h"

#include <glib/gstdio.h>

static void refuses(const char *yaml, const char *where, const char *what)
{
    weir_error error;

    g_assert_null(weir_client_open_text(yaml, &error));
    g_assert_cmpint(error.result, ==, WEIR_INVALID);
    if (!g_str_has_prefix(error.message, where) || !strstr(error.message, what))
        g_error("expected \"%s ... %s\", got \"%s\"", where, what, error.message);
}

static void test_bad_text(void)
{
    refuses("providers:\n  sim: { plugin: sim, mrak: false }\n", "text:2:23:", "mark");
    refuses("providers: [\n", "text:2:1:", "not YAML");
    refuses("providers: { sim: { plugin: smi } }\n", "text:1:", "sim");
    refuses("nonsense: 1\n", "text:1:1:", "nonsense");
    g_assert_null(weir_client_open_text("providers: [\n", NULL));
}

/* The plugin's own word counts too. */
static void test_bad_option(void)
{
    refuses("providers: { sim: { plugin: sim, status: 200 } }\n", "", "400 to 599");
}

/* A long list of faults is cut between two characters, and says so. */
static void test_long_error(void)
{
    GString *yaml = g_string_new("providers:\n  sim: { plugin: sim }\n");
    weir_error error;

    for (int i = 0; i < 50; i++)
        g_string_append_printf(yaml, "größe%d: 1\n", i);
    g_assert_null(weir_client_open_text(yaml->str, &error));
    g_assert_true(g_str_has_suffix(error.message, "..."));
    g_assert_true(g_utf8_validate(error.message, -1, NULL));
    g_assert_cmpuint(strlen(error.message), >, 400);
    g_string_free(yaml, TRUE);
}

static void test_file(void)
{
    g_autofree char *folder = g_dir_make_tmp("weir-client-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "weir.yaml", NULL);
    weir_client *client;
    weir_response *r;
    weir_error error;

    g_assert_null(weir_client_open(path, &error));
    g_assert_cmpint(error.result, ==, WEIR_NOT_FOUND);
    g_assert_nonnull(strstr(error.message, path));
    g_assert_true(g_file_set_contents(path, fixture_yaml, -1, NULL));
    client = weir_client_open(path, &error);
    g_assert_nonnull(client);
    g_assert_cmpstr(weir_client_notes(client), ==, "");
    r = fixture_ask(client, "main", "hello");
    fixture_no_failure(r);
    weir_response_free(r);
    weir_client_close(client);
    g_unlink(path);
    g_rmdir(folder);
}

static void test_environment(void)
{
    weir_error error;
    weir_client *client = weir_client_open_environment(&error);
    weir_response *r;

    g_assert_nonnull(client);
    g_assert_nonnull(strstr(weir_client_notes(client), "simulator"));
    r = fixture_ask(client, NULL, "hello");
    fixture_no_failure(r);
    g_assert_nonnull(strstr(weir_response_text(r, 0).ptr, "simulated"));
    weir_response_free(r);
    weir_client_close(client);
}

static void test_odds(void)
{
    g_assert_cmpstr(weir_version(), ==, WEIR_VERSION);
    g_assert_cmpint(weir_log_levels("nonsense"), ==, WEIR_INVALID);
    g_assert_cmpint(weir_log_levels("error"), ==, WEIR_OK);
    weir_client_close(NULL);
    weir_request_free(NULL);
    weir_response_free(NULL);
    weir_call_release(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* What the machine offers is not what is tested. */
    g_unsetenv("OPENAI_API_KEY");
    g_setenv("OLLAMA_HOST", "127.0.0.1:1", TRUE);
    g_test_add_func("/client/open/bad-text", test_bad_text);
    g_test_add_func("/client/open/bad-option", test_bad_option);
    g_test_add_func("/client/open/long-error", test_long_error);
    g_test_add_func("/client/open/file", test_file);
    g_test_add_func("/client/open/environment", test_environment);
    g_test_add_func("/client/open/odds", test_odds);
    return g_test_run();
}
