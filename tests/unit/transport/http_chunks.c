/*
 * http_chunks.c - decoding in place, in every split, and what is refused.
 */
#include "transport/http.h"

#include <glib.h>
#include <string.h>

/* Feeds `text` in pieces of `step` bytes. Returns the last result; data and use are gathered. */
static int feed(const char *text, size_t len, size_t step, GString *data, size_t *used)
{
    struct http_chunks c = { 0 };
    const char *why = NULL;
    int r = 0;
    g_string_truncate(data, 0);
    *used = 0;
    while (r == 0 && *used < len) {
        size_t n = MIN(step, len - *used), out = 0;
        char *piece = g_memdup2(text + *used, n);
        size_t given = n;
        r = http_chunks_decode(&c, piece, &n, &out, &why);
        g_assert_cmpuint(n, <=, given);
        g_assert_cmpuint(out, <=, n);
        if (r == 0)
            g_assert_cmpuint(n, ==, given);
        if (r < 0)
            g_assert_cmpuint(strlen(why), >, 0);
        g_string_append_len(data, piece, (gssize)out);
        *used += n;
        g_free(piece);
    }
    return r;
}

static void test_every_split(void)
{
    const char *text = "5\r\nhello\r\n00A;x=\"y z\";q\r\n, wor\r\n!ld\r\n1 ;e\r\n.\r\n0\r\nT: "
                       "v\r\nU:\r\n\r\nGET /";
    size_t len = strlen(text);
    g_autoptr(GString) data = g_string_new(NULL);
    for (size_t step = 1; step <= len; step++) {
        size_t used;
        g_assert_cmpint(feed(text, len, step, data, &used), ==, 1);
        g_assert_cmpstr(data->str, ==, "hello, wor\r\n!ld.");
        g_assert_cmpuint(used, ==, len - 5);
    }
    for (size_t cut = 0; cut < len - 5; cut++) {
        size_t used;
        g_assert_cmpint(feed(text, cut, 7, data, &used), ==, 0);
    }
}

static void test_empty_and_done(void)
{
    char text[] = "0\r\n\r\nrest";
    struct http_chunks c = { 0 };
    size_t len = strlen(text), out;
    const char *why;
    g_assert_cmpint(http_chunks_decode(&c, text, &len, &out, &why), ==, 1);
    g_assert_cmpuint(len, ==, 5);
    g_assert_cmpuint(out, ==, 0);
    len = 4;
    g_assert_cmpint(http_chunks_decode(&c, text + 5, &len, &out, &why), ==, 1);
    g_assert_cmpuint(len, ==, 0);
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "0x5\r\n",
        " 5\r\n",
        "5\n",
        "5\rx",
        "5 5\r\n",
        "5 \r\n",
        "5;a\n",
        "5;a\rb",
        "5;\x01\r\n",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rx",
        "0\r\n\n",
        "0\r\n X: y\r\n",
        "0\r\nX\r\n",
        "0\r\nX: a\n",
        "0\r\nX: a\r\r",
        "0\r\n: a\r\n",
        "0\r\n\rx",
        "1234567890abcdef0\r\n",
        "0000000000000000\r\n",
        ";a\r\n",
    };
    g_autoptr(GString) data = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        size_t used;
        g_test_message("case %zu", i);
        for (size_t step = 1; step <= strlen(bad[i]); step++)
            g_assert_cmpint(feed(bad[i], strlen(bad[i]), step, data, &used), ==, HTTP_BAD);
    }
}

static void test_endless_lines_are_refused(void)
{
    g_autoptr(GString) data = g_string_new(NULL);
    g_autofree char *fill = g_strnfill(100000, 'a');
    size_t used;
    g_autofree char *extension = g_strconcat("5;", fill, NULL);
    g_assert_cmpint(feed(extension, strlen(extension), 999, data, &used), ==, HTTP_BAD);
    g_autofree char *trailer = g_strconcat("0\r\nX:", fill, NULL);
    g_assert_cmpint(feed(trailer, strlen(trailer), 999, data, &used), ==, HTTP_BAD);
    g_autoptr(GString) trailers = g_string_new("0\r\n");
    for (int i = 0; i < 10000; i++)
        g_string_append(trailers, "X: y\r\n");
    g_assert_cmpint(feed(trailers->str, trailers->len, 999, data, &used), ==, HTTP_BAD);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http-chunks/splits", test_every_split);
    g_test_add_func("/http-chunks/done", test_empty_and_done);
    g_test_add_func("/http-chunks/refused", test_refused);
    g_test_add_func("/http-chunks/endless", test_endless_lines_are_refused);
    return g_test_run();
}
