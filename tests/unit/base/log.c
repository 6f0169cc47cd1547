/*
 * log.c - what is written, by level and topic, and what a line looks like.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

/* A pipe in the place of standard error: one read gives one line if one write wrote it. */
static int listening[2], before;

static void listen_start(void)
{
    g_assert_cmpint(pipe2(listening, O_CLOEXEC | O_DIRECT | O_NONBLOCK), ==, 0);
    before = fcntl(2, F_DUPFD_CLOEXEC, 10);
    g_assert_cmpint(dup2(listening[1], 2), ==, 2);
}

static void listen_stop(void)
{
    g_assert_cmpint(dup2(before, 2), ==, 2);
    close(before);
    close(listening[0]);
    close(listening[1]);
}

static char *next_line(void)
{
    char text[8192];
    ssize_t n = read(listening[0], text, sizeof(text));
    return n > 0 ? g_strndup(text, (gsize)n) : NULL;
}

static void test_levels(void)
{
    g_assert_true(log_on(LOG_LEVEL_INFO, "plugin"));
    g_assert_false(log_on(LOG_LEVEL_DEBUG, "plugin"));
    g_assert_true(log_setup("warning,plugin=debug,route=none"));
    g_assert_true(log_on(LOG_LEVEL_DEBUG, "plugin"));
    g_assert_false(log_on(LOG_LEVEL_INFO, "plug"));
    g_assert_false(log_on(LOG_LEVEL_INFO, "config"));
    g_assert_true(log_on(LOG_LEVEL_WARNING, "config"));
    g_assert_false(log_on(LOG_LEVEL_ERROR, "route"));
    g_assert_true(log_setup("plugin=error"));
    g_assert_false(log_on(LOG_LEVEL_WARNING, "plugin"));
    g_assert_true(log_on(LOG_LEVEL_INFO, "config"));
}

static void test_bad_setup(void)
{
    static const char *const bad[] = {
        "loud",    "INFO",         "info,plugin=",      "info,=debug",
        "info,,x", "plugin:debug", "info plugin=debug", "a=debug,b"
    };
    g_assert_true(log_setup("error"));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(log_setup(bad[i]));
        g_assert_false(log_on(LOG_LEVEL_WARNING, "plugin")); /* as it was */
    }
    g_autoptr(GString) many = g_string_new("info");
    for (int i = 0; i < 17; i++) {
        g_string_append_printf(many, ",t%d=debug", i);
    }
    g_assert_false(log_setup(many->str));
}

static void test_line(void)
{
    g_assert_true(log_setup("info"));
    listen_start();
    errno = EACCES;
    log_write(LOG_LEVEL_WARNING, "config", "%s: %m\n\x1b[31m", "a");
    int after = errno;
    log_write(LOG_LEVEL_DEBUG, "config", "unheard");
    g_autofree char *line = next_line();
    g_autofree char *none = next_line();
    listen_stop();
    g_assert_cmpint(after, ==, EACCES);
    g_assert_null(none);
    g_assert_true(g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z "
                                       "warning config: a: Permission denied  \\[31m\\n$",
                                       line, 0, 0));
}

static void test_long_line(void)
{
    g_autofree char *text = g_strnfill(10000, 'x');
    listen_start();
    log_write(LOG_LEVEL_ERROR, "plugin", "%s", text);
    g_autofree char *line = next_line();
    listen_stop();
    g_assert_cmpuint(strlen(line), <=, 4096);
    g_assert_cmpuint(strlen(line), >, 4000);
    g_assert_true(g_str_has_suffix(line, "xxx...\n"));
}

/* Nobody reads: the line is lost, the caller goes on. */
static void test_full_pipe(void)
{
    listen_start();
    for (int i = 0; i < 2000; i++) {
        log_write(LOG_LEVEL_ERROR, "plugin", "line %d", i);
    }
    g_autofree char *line = next_line();
    listen_stop();
    g_assert_true(g_str_has_suffix(line, "line 0\n"));
}

static gpointer chatter(gpointer data)
{
    for (int i = 0; i < 200; i++) {
        log_write(LOG_LEVEL_INFO, data, "%d", i);
        g_assert_true(log_on(LOG_LEVEL_ERROR, data));
    }
    return NULL;
}

static void test_threads(void)
{
    GThread *thread[3];
    listen_start();
    for (int i = 0; i < 3; i++) {
        thread[i] = g_thread_new("chatter", chatter, (gpointer) "plugin");
    }
    for (int i = 0; i < 200; i++) {
        g_assert_true(log_setup(i % 2 ? "info" : "error,plugin=info"));
    }
    for (int i = 0; i < 3; i++) {
        g_thread_join(thread[i]);
    }
    char *line;
    while ((line = next_line())) {
        g_assert_true(g_str_has_suffix(line, "\n"));
        g_assert_nonnull(strstr(line, "Z info plugin: "));
        g_free(line);
    }
    listen_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/levels", test_levels);
    g_test_add_func("/base/log/bad-setup", test_bad_setup);
    g_test_add_func("/base/log/line", test_line);
    g_test_add_func("/base/log/long-line", test_long_line);
    g_test_add_func("/base/log/full-pipe", test_full_pipe);
    g_test_add_func("/base/log/threads", test_threads);
    return g_test_run();
}
