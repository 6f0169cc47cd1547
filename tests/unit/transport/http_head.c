/*
 * http_head.c - what is taken, what is refused, and that a cut head always asks for more.
 */
#include "transport/http.h"

#include <glib.h>
#include <string.h>

enum { LIMIT = 4096 };

static weir_header headers[HTTP_MAX_HEADERS];

#define HOST "Host: a\r\n"
#define END  "\r\n"

struct valid {
    const char *text;
    const char *method, *target, *path, *query;
    int64_t length;
    bool chunked, keep_alive, expect, upgrade;
};

static const struct valid valid[] = {
    { "GET / HTTP/1.1\r\n" HOST END, "GET", "/", "/", "", -1, false, true, false, false },
    { "\r\nGET / HTTP/1.1\r\n" HOST END, "GET", "/", "/", "", -1, false, true, false, false },
    { "POST /v1/x?a=b&c=/? HTTP/1.1\r\n" HOST "Content-Length: 12\r\n" END, "POST",
      "/v1/x?a=b&c=/?", "/v1/x", "a=b&c=/?", 12, false, true, false, false },
    { "POST /p? HTTP/1.1\r\nhOsT:a:80\r\ntransfer-ENCODING: \tChunked \t\r\n" END, "POST", "/p?",
      "/p", "", -1, true, true, false, false },
    { "GET http://a:80/p/?q=http://b/ HTTP/1.1\r\n" HOST END, "GET", "/p/?q=http://b/", "/p/",
      "q=http://b/", -1, false, true, false, false },
    { "GET HTTPS://[::1]:4/ HTTP/1.1\r\n" HOST END, "GET", "/", "/", "", -1, false, true, false,
      false },
    { "GET http://a HTTP/1.1\r\n" HOST END, "GET", "/", "/", "", -1, false, true, false, false },
    { "OPTIONS * HTTP/1.1\r\n" HOST END, "OPTIONS", "*", "*", "", -1, false, true, false, false },
    { "M!#$%&'*+-.^_`|~9 /%20 HTTP/1.7\r\n" HOST "Connection: foo , CLOSE\r\n" END,
      "M!#$%&'*+-.^_`|~9", "/%20", "/%20", "", -1, false, false, false, false },
    { "GET / HTTP/1.0\r\n" END, "GET", "/", "/", "", -1, false, false, false, false },
    { "GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n" END, "GET", "/", "/", "", -1, false,
      true, false, false },
    { "PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 0\r\n" END, "PUT", "/",
      "/", "", 0, false, true, true, false },
    { "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: upgrade\r\n" END, "GET", "/",
      "/", "", -1, false, true, false, true },
    { "GET / HTTP/1.1\r\n" HOST "X:\r\nY: \t \r\nZ: caf\xc3\xa9\ta  b\r\n" END, "GET", "/", "/", "",
      -1, false, true, false, false },
    { "GET / HTTP/1.1\r\nHost:\r\n" END, "GET", "/", "/", "", -1, false, true, false, false },
};

static void assert_str(weir_str got, const char *want)
{
    g_assert_cmpmem(got.ptr, got.len, want, strlen(want));
}

static void test_valid(void)
{
    static struct http_head h = { .headers = headers };
    const char *why;
    for (size_t i = 0; i < G_N_ELEMENTS(valid); i++) {
        const struct valid *v = &valid[i];
        size_t len = strlen(v->text);
        g_test_message("case %zu", i);
        for (size_t cut = 0; cut < len; cut++) {
            /* In memory of its own, so that reading past the cut is seen. */
            char *part = g_memdup2(v->text, cut);
            int r = http_head_parse(&h, false, part, cut, LIMIT, &why);
            g_assert_cmpint(r, ==, HTTP_MORE);
            g_free(part);
        }
        g_autofree char *with_body = g_strconcat(v->text, "GET", NULL);
        int r = http_head_parse(&h, false, with_body, len + 3, LIMIT, &why);
        g_assert_cmpint(r, ==, (int)len);
        assert_str(h.method, v->method);
        assert_str(h.target, v->target);
        assert_str(h.path, v->path);
        assert_str(h.query, v->query);
        g_assert_cmpint(h.content_length, ==, v->length);
        g_assert_true(h.chunked == v->chunked);
        g_assert_true(h.keep_alive == v->keep_alive);
        g_assert_true(h.expect_continue == v->expect);
        g_assert_true(h.upgrade == v->upgrade);
    }
}

struct refused {
    int result;
    const char *text;
};

static const struct refused refused[] = {
    /* the request line */
    { HTTP_BAD, "\n" },
    { HTTP_BAD, "\r\n\r\nGET / HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, " GET / HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "G\tET / HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET\t/ HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET  / HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET /  HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET / HTTP/1.1 \r\n" HOST END },
    { HTTP_BAD, "GET / HTTP/1.1\n" HOST END },
    { HTTP_BAD, "GET / HTTP/1.1\r" HOST END },
    { HTTP_BAD, "GET /\r\n" },
    { HTTP_BAD, "GET /\n" },
    { HTTP_BAD, "GET / http/1.1\r\n" HOST END },
    { HTTP_BAD, "GET / HTTP/1\r\n" HOST END },
    { HTTP_BAD, "GET / HTTP/1.10\r\n" HOST END },
    { HTTP_BAD, "GET / HTTP/11\r\n" HOST END },
    { HTTP_BAD, "GET / HTTP/x.1\r\n" HOST END },
    { HTTP_BAD, "GET /a\x01 HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET /a#b HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http:///a HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http:// HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http://u@a/ HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http://a\\b/ HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http://a#/ HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http://a/#b HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http:/a HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET ftp://a/ HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET http://a/ HTTP/1.1\r\n" END },
    { HTTP_BAD, "GET a:80 HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "GET * HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "options * HTTP/1.1\r\n" HOST END },
    { HTTP_BAD, "\x16\x03\x01\x02" },
    { HTTP_METHOD, "CONNECT a:443 HTTP/1.1\r\n" HOST END },
    { HTTP_VERSION, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    { HTTP_VERSION, "GET / HTTP/0.9\r\n" HOST END },
    { HTTP_VERSION, "GET / HTTP/3.0\r\n" HOST END },
    /* headers */
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n Host: a\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X : a\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST ": a\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X\xc3: a\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: a\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x01"
                "aaaaaaaaaa\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "X: a\r\n\n" },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST "\rX" },
    { HTTP_BAD, "GET / HTTP/1.1\r\nX: a\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\n" HOST HOST END },
    { HTTP_BAD, "GET / HTTP/1.1\r\nHost: a b\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\nHost: a, b\r\n" END },
    { HTTP_BAD, "GET / HTTP/1.1\r\nHost: http://a\r\n" END },
    /* framing */
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END },
    { HTTP_BAD,
      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" END },
    { HTTP_BAD,
      "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END },
    { HTTP_BAD, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END },
};

static void test_refused(void)
{
    static struct http_head h = { .headers = headers };
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        const char *why = NULL;
        size_t len = strlen(refused[i].text);
        g_test_message("case %zu", i);
        g_assert_cmpint(http_head_parse(&h, false, refused[i].text, len, LIMIT, &why), ==,
                        refused[i].result);
        g_assert_cmpuint(strlen(why), >, 0);
    }
    /* A NUL is a control character like the others. */
    static const char nul[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
    const char *why;
    g_assert_cmpint(http_head_parse(&h, false, nul, sizeof(nul) - 1, LIMIT, &why), ==, HTTP_BAD);
}

static void test_limits(void)
{
    static struct http_head h = { .headers = headers };
    const char *why;
    g_autoptr(GString) s = g_string_new("GET / HTTP/1.1\r\n" HOST);
    for (int i = 1; i < HTTP_MAX_HEADERS; i++)
        g_string_append(s, "X: y\r\n");
    g_string_append(s, END);
    g_assert_cmpint(http_head_parse(&h, false, s->str, s->len, s->len, &why), ==, (int)s->len);
    g_assert_cmpuint(h.header_count, ==, HTTP_MAX_HEADERS);
    g_assert_cmpint(http_head_parse(&h, false, s->str, s->len, s->len - 1, &why), ==, HTTP_LARGE);
    g_string_insert(s, 16, "X: y\r\n");
    g_assert_cmpint(http_head_parse(&h, false, s->str, s->len, 65536, &why), ==, HTTP_LARGE);
    /* Without an end in sight the limit decides, not the end of what was received. */
    g_string_assign(s, "GET /");
    for (int i = 0; i < 2000; i++)
        g_string_append_c(s, 'a');
    g_assert_cmpint(http_head_parse(&h, false, s->str, s->len, 2006, &why), ==, HTTP_MORE);
    g_assert_cmpint(http_head_parse(&h, false, s->str, s->len, 2005, &why), ==, HTTP_LARGE);
}

static void test_headers(void)
{
    static struct http_head h = { .headers = headers };
    const char *why;
    const char *text = "GET / HTTP/1.1\r\nhost: a\r\nX-One:  1 2\t\r\nx-one: 3\r\nEmpty:\r\n\r\n";
    g_assert_cmpint(http_head_parse(&h, false, text, strlen(text), LIMIT, &why), >, 0);
    assert_str(http_header(&h, "x-one"), "1 2");
    g_assert_nonnull(http_header(&h, "empty").ptr);
    g_assert_null(http_header(&h, "x-on").ptr);
    g_assert_null(http_header(&h, "x-ones").ptr);
    g_assert_true(http_name_is((weir_str){ "Ab-C", 4 }, "ab-c"));
    g_assert_false(http_name_is((weir_str){ "Ab-C", 3 }, "ab-c"));
    g_assert_false(http_name_is((weir_str){ "[", 1 }, "{"));
}

static void test_responses(void)
{
    static struct http_head h = { .headers = headers };
    const char *why;
    const char *text =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 7\r\n\r\n";
    for (size_t cut = 0; cut < strlen(text); cut++)
        g_assert_cmpint(http_head_parse(&h, true, text, cut, LIMIT, &why), ==, HTTP_MORE);
    g_assert_cmpint(http_head_parse(&h, true, text, strlen(text), LIMIT, &why), ==,
                    (int)strlen(text));
    g_assert_cmpuint(h.status, ==, 429);
    assert_str(h.reason, "Too Many Requests");
    g_assert_cmpint(h.content_length, ==, 7);
    g_assert_true(h.response && h.keep_alive);

    const char *bare[] = { "HTTP/1.1 200 \r\n\r\n", "HTTP/1.0 200\r\n\r\n" };
    for (size_t i = 0; i < G_N_ELEMENTS(bare); i++) {
        g_assert_cmpint(http_head_parse(&h, true, bare[i], strlen(bare[i]), LIMIT, &why), >, 0);
        g_assert_cmpuint(h.reason.len, ==, 0);
        g_assert_true(h.keep_alive == (i == 0));
    }
    const char *bad[] = { "HTTP/1.1 20 OK\r\n\r\n",   "HTTP/1.1 2000 OK\r\n\r\n",
                          "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
                          "ICY 200 OK\r\n\r\n",       "HTTP/1.1 200 O\x01K\r\n\r\n" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(http_head_parse(&h, true, bad[i], strlen(bad[i]), LIMIT, &why), ==,
                        HTTP_BAD);
    g_assert_cmpstr(http_reason(404), ==, "Not Found");
    g_assert_cmpstr(http_reason(299), ==, "Status");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http-head/valid", test_valid);
    g_test_add_func("/http-head/refused", test_refused);
    g_test_add_func("/http-head/limits", test_limits);
    g_test_add_func("/http-head/headers", test_headers);
    g_test_add_func("/http-head/responses", test_responses);
    return g_test_run();
}
