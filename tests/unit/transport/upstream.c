/*
 * upstream.c - the upstream client against a scripted server: framing, reuse, retry, cancel.
 */
#include "upstream_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define HELLO   OK_HEAD "Content-Length: 5\r\n\r\nhello"

struct fix {
    struct loop *loop;
    struct server server;
    struct up_origin origin;
    char *url;
    struct up_pool *pool;
};

static void setup(struct fix *f, gconstpointer arg)
{
    (void)arg;
    f->loop = loop_new();
    server_start(&f->server, f->loop);
    f->url = g_strdup_printf("http://127.0.0.1:%d/ignored?x=1", f->server.port);
    f->origin = (struct up_origin){ .url = f->url,
                                    .proxy = "",
                                    .connect_timeout_us = 10 * G_USEC_PER_SEC,
                                    .max_idle = 4,
                                    .idle_timeout_us = 60 * G_USEC_PER_SEC };
    f->pool = up_pool_new(f->loop, &f->origin);
}

/* A pool that differs from the usual one. */
static void again(struct fix *f)
{
    up_pool_free(f->pool);
    f->pool = up_pool_new(f->loop, &f->origin);
}

static void teardown(struct fix *f, gconstpointer arg)
{
    (void)arg;
    up_pool_free(f->pool);
    server_stop(&f->server);
    g_free(f->url);
    loop_free(f->loop);
    buf_thread_trim();
}

static void assert_stats(struct fix *f, unsigned idle, unsigned busy, unsigned dialled,
                         unsigned reused)
{
    struct up_pool_stats s;

    up_pool_stats(f->pool, &s);
    g_assert_cmpuint(s.idle, ==, idle);
    g_assert_cmpuint(s.busy, ==, busy);
    g_assert_cmpuint(s.dialled, ==, dialled);
    g_assert_cmpuint(s.reused, ==, reused);
}

/* One GET against one script; the caller looks at what became of it. */
static void get(struct fix *f, struct client *c, const struct step *script)
{
    f->server.scripts[f->server.accepted] = script;
    client_init(c, f->pool);
    client_start(c, "GET", "/v1/x?y=z", NULL);
    run_until(f->loop, c->dones);
}

static void assert_whole(const struct client *c, enum up_end end, const char *body)
{
    g_assert_cmpstr(c->report.message, ==, "");
    g_assert_cmpint(c->report.end, ==, end);
    g_assert_cmpint(c->ends, ==, 1);
    g_assert_cmpint(c->dones, ==, 1);
    g_assert_cmpstr(c->body->str, ==, body);
}

/* ---- requests and plain answers ---- */

static void test_simple(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    (void)arg;
    get(f, &c, script);
    assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_cmpuint(c.status, ==, 200);
    g_autofree char *want =
        g_strdup_printf("GET /v1/x?y=z HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", f->server.port);
    g_assert_cmpstr(f->server.peers[0]->got->str, ==, want);
    g_assert_true(c.report.fresh);
    g_assert_true(c.report.request_started);
    g_assert_cmpuint(c.report.bytes_out, ==, strlen(want));
    g_assert_cmpuint(c.report.bytes_in, ==, strlen(HELLO));
    g_assert_cmpint(c.report.connected_us, >, 0);
    g_assert_cmpint(c.report.sent_us, >=, c.report.connected_us);
    assert_stats(f, 1, 0, 1, 0);
    client_clear(&c);
}

static void test_head_written(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { BYTES, NULL, 6 }, { SEND, HELLO },
                                          { HEAD }, { SEND, HELLO },    { END } };
    weir_header headers[] = { { str("X-One"), str("1") }, { str("Empty"), str("") } };
    weir_str spans[] = { str("ab"), str(""), str("cdef"), { NULL, 0 } };
    struct client c;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_send(&c, &(struct up_request){ .method = str("PUT"),
                                          .path = str("/p"),
                                          .headers = headers,
                                          .header_count = 2,
                                          .body = spans,
                                          .body_count = 4,
                                          .body_stream = -1 });
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "hello");
    const char *got = f->server.peers[0]->got->str;
    g_assert_true(g_str_has_prefix(got, "PUT /p HTTP/1.1\r\nHost: 127.0.0.1:"));
    g_assert_nonnull(strstr(got, "\r\nX-One: 1\r\nEmpty: \r\nContent-Length: 6\r\n\r\nabcdef"));
    client_clear(&c);

    /* A POST without a body says so. */
    client_init(&c, f->pool);
    client_start(&c, "POST", "/q", NULL);
    run_until(f->loop, c.dones);
    g_assert_nonnull(strstr(f->server.peers[0]->got->str, "\r\nContent-Length: 0\r\n\r\n"));
    g_assert_false(c.report.fresh);
    client_clear(&c);
}

static void test_refused_requests(struct fix *f, gconstpointer arg)
{
    weir_header cases[] = {
        { str("X"), str("a\r\nY: b") },
        { str("X"), str("a\nb") },
        { str("X"), { "a\0b", 3 } },
        { str("X Y"), str("a") },
        { str(""), str("a") },
        { str("X\r\nY"), str("a") },
        { str("Host"), str("other") },
        { str("CONTENT-length"), str("3") },
        { str("Transfer-Encoding"), str("chunked") },
    };
    static const char *const paths[] = { "", "x", "/a b", "/a\r\nX: y", "http://h/" };
    struct client c;

    (void)arg;
    for (size_t i = 0; i < G_N_ELEMENTS(cases) + G_N_ELEMENTS(paths) + 1; i++) {
        struct up_request r = { .method = str("GET"), .path = str("/"), .body_stream = -1 };
        if (i < G_N_ELEMENTS(cases)) {
            r.headers = &cases[i];
            r.header_count = 1;
        } else if (i < G_N_ELEMENTS(cases) + G_N_ELEMENTS(paths)) {
            r.path = str(paths[i - G_N_ELEMENTS(cases)]);
        } else {
            r.method = str("GET /x HTTP/1.1\r\n");
        }
        client_init(&c, f->pool);
        client_send(&c, &r);
        run_until(f->loop, c.dones);
        g_assert_cmpint(c.report.end, ==, UP_GARBAGE);
        g_assert_true(g_str_has_prefix(c.report.message, "the request was not sent: "));
        g_assert_false(c.report.request_started);
        client_clear(&c);
    }
    g_assert_cmpint(f->server.accepted, ==, 0);
}

static void test_keep_alive(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { HEAD }, { SEND, HELLO },
                                          { HEAD }, { SEND, HELLO }, { END } };
    struct client c;

    (void)arg;
    for (unsigned i = 0; i < 3; i++) {
        get(f, &c, script);
        assert_whole(&c, UP_COMPLETE, "hello");
        g_assert_true(c.report.fresh == (i == 0));
        assert_stats(f, 1, 0, 1, i);
        client_clear(&c);
    }
    g_assert_cmpint(f->server.accepted, ==, 1);
}

/* What must not be reused: the answer is whole, the connection ends. */
static void test_not_reused(struct fix *f, gconstpointer arg)
{
    struct step script[] = { { HEAD }, { SEND, arg }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    get(f, &c, script);
    assert_whole(&c, UP_COMPLETE, "hello");
    run_until(f->loop, f->server.peers[0]->finished);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

/* An answer to nothing that comes between two requests must not become the second one's. */
static void test_junk_while_idle(struct fix *f, gconstpointer arg)
{
    static const struct step first[] = {
        { HEAD },     { SEND, HELLO }, { GATE }, { SEND, OK_HEAD "Content-Length: 4\r\n\r\nevil" },
        { WAIT_EOF }, { CLOSE }
    };
    static const struct step second[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct client c;

    (void)arg;
    get(f, &c, first);
    client_clear(&c);
    f->server.scripts[1] = second;
    server_open_gate(&f->server);
    /* The loop has not run since: only looking again can tell. */
    client_init(&c, f->pool);
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_true(c.report.fresh);
    client_clear(&c);
}

/* ---- framing ---- */

struct framing_case {
    const char *name, *method, *answer, *body;
    enum up_end end;
    unsigned status;
    bool close; /* behind the answer */
    bool kept;
};

static const struct framing_case framing_cases[] = {
    { "length", "GET", HELLO, "hello", UP_COMPLETE, 200, false, true },
    { "empty", "GET", OK_HEAD "Content-Length: 0\r\n\r\n", "", UP_COMPLETE, 200, false, true },
    { "chunked", "GET",
      OK_HEAD
      "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nTrailer: x\r\n\r\n",
      "hello", UP_COMPLETE, 200, false, true },
    { "to-close", "GET", OK_HEAD "\r\nhello", "hello", UP_CLOSED, 200, true, false },
    { "http-1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nhello", "hello", UP_CLOSED, 200, true, false },
    { "interim", "GET",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" HELLO, "hello",
      UP_COMPLETE, 200, false, true },
    { "204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", UP_COMPLETE, 204, false, true },
    { "304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", UP_COMPLETE, 304,
      false, true },
    { "head", "HEAD", OK_HEAD "Content-Length: 5\r\n\r\n", "", UP_COMPLETE, 200, false, true },
    { "error", "GET", "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", "no", UP_COMPLETE, 500,
      false, true },
};

static void run_framing(struct fix *f, const struct framing_case *k, enum step_op op)
{
    struct step script[] = {
        { HEAD }, { op, k->answer }, { k->close ? CLOSE : WAIT_EOF }, { END }
    };
    struct client c;

    f->server.scripts[f->server.accepted] = script;
    client_init(&c, f->pool);
    client_start(&c, k->method, "/", NULL);
    run_until(f->loop, c.dones);
    assert_whole(&c, k->end, k->body);
    g_assert_cmpuint(c.status, ==, k->status);
    assert_stats(f, k->kept, 0, 1, 0);
    client_clear(&c);
    again(f);
    settle(f->loop);
}

/* In one piece, and split at every byte. */
static void test_framing(struct fix *f, gconstpointer arg)
{
    run_framing(f, arg, SEND);
    run_framing(f, arg, SEND_EACH);
}

/* ---- answers that are wrong ---- */

struct bad_case {
    const char *name, *answer;
    enum up_end end;
    const char *message; /* part of it */
    const char *body;    /* what is handed over all the same */
    bool reset;
};

static const struct bad_case bad_cases[] = {
    { "length-cut", OK_HEAD "Content-Length: 9\r\n\r\nhello", UP_CUT, "inside its answer", "hello",
      false },
    { "length-reset", OK_HEAD "Content-Length: 9\r\n\r\nhello", UP_CUT, "reset", "hello", true },
    { "chunked-cut", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", UP_CUT,
      "inside its answer", "hello", false },
    { "chunk-cut", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nhello", UP_CUT,
      "inside its answer", "hello", false },
    { "to-close-reset", OK_HEAD "\r\nhello", UP_CUT, "reset", "hello", true },
    { "silent", "", UP_CUT, "before it had answered", "", false },
    { "head-cut", "HTTP/1.1 200 OK\r\nContent-Le", UP_CUT, "before it had answered", "", false },
    { "interim-cut", "HTTP/1.1 100 Continue\r\n\r\n", UP_CUT, "before it had answered", "", false },
    { "garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", UP_GARBAGE, "did not answer in HTTP", "", false },
    { "two-lengths", OK_HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", UP_GARBAGE,
      "did not answer in HTTP", "", false },
    { "bad-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nxx\r\n", UP_GARBAGE,
      "did not answer in HTTP", "", false },
    { "switch", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", UP_GARBAGE, "protocol",
      "", false },
};

static void test_bad(struct fix *f, gconstpointer arg)
{
    const struct bad_case *k = arg;
    struct step script[] = { { HEAD },
                             { *k->answer ? SEND : GATE, k->answer },
                             { GATE },
                             { k->reset ? RESET : CLOSE },
                             { END } };
    struct client c;

    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_start(&c, "GET", "/", NULL);
    settle(f->loop); /* what was sent is read, so that a reset does not overtake it */
    server_open_gate(&f->server);
    server_open_gate(&f->server);
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, k->end);
    if (!strstr(c.report.message, k->message))
        g_error("the message is: %s", c.report.message);
    g_assert_cmpint(c.ends, ==, 0);
    g_assert_cmpstr(c.body->str, ==, k->body);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_interim_flood(struct fix *f, gconstpointer arg)
{
    GString *flood = g_string_new(NULL);
    struct client c;

    (void)arg;
    for (int i = 0; i < 100; i++)
        g_string_append(flood, "HTTP/1.1 100 Continue\r\n\r\n");
    struct step script[] = { { HEAD }, { SEND, flood->str }, { END } };
    get(f, &c, script);
    g_assert_cmpint(c.report.end, ==, UP_GARBAGE);
    client_clear(&c);
    g_string_free(flood, TRUE);
}

static void test_large_head(struct fix *f, gconstpointer arg)
{
    g_autofree char *filler = g_strnfill(5000, 'x');
    g_autofree char *answer = g_strdup_printf(OK_HEAD "X: %s\r\nContent-Length: 0\r\n\r\n", filler);
    struct step script[] = { { HEAD }, { SEND, answer }, { END } };
    struct up_request r = {
        .method = str("GET"), .path = str("/"), .body_stream = -1, .head_limit = 4096
    };
    struct client c;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_send(&c, &r);
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, UP_TOO_LARGE);
    g_assert_nonnull(strstr(c.report.message, "4096"));
    client_clear(&c);
}

/* ---- handing the body over ---- */

/* Consumes whole groups of three and leaves the rest. */
static int64_t by_three(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)c;
    (void)bytes;
    return end ? (int64_t)len : (int64_t)(len - len % 3);
}

static void test_partial(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD },
                                          { SEND, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n" },
                                          { SEND_EACH,
                                            "4\r\nabcd\r\n1\r\ne\r\n6\r\nfghijk\r\n0\r\n\r\n" },
                                          { END } };
    struct client c;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.on_body = by_three;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "abcdefghijk");
    g_assert_cmpuint(c.largest, <=, 3);
    client_clear(&c);
}

static int64_t keep_all(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)c;
    if (!end)
        return 0;
    for (size_t i = 0; i < len; i++)
        g_assert_cmpint(bytes[i], ==, pattern_at(i));
    return (int64_t)len;
}

static void fill_call(struct fix *f, struct client *c, const struct step *script, uint64_t hold)
{
    f->server.scripts[0] = script;
    client_init(c, f->pool);
    c->pattern = true;
    client_start(c, "GET", "/", NULL);
    c->call.request.hold_limit = hold;
}

enum { BIG = 2 * 1000 * 1000 };
#define BIG_HEAD OK_HEAD "Content-Length: 2000000\r\n\r\n"

static void test_hold(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { SEND, BIG_HEAD }, { SEND_FILL, NULL, BIG }, { END }
    };
    struct client c;

    (void)arg;
    fill_call(f, &c, script, 0);
    c.on_body = keep_all;
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    g_assert_cmpuint(c.count, ==, BIG);
    g_assert_false(c.wrong);
    client_clear(&c);
}

static void test_hold_limit(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { SEND, BIG_HEAD }, { SEND_FILL, NULL, BIG }, { END }
    };
    struct client c;

    (void)arg;
    fill_call(f, &c, script, 100000);
    c.on_body = keep_all;
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, UP_TOO_LARGE);
    g_assert_cmpint(c.ends, ==, 0);
    client_clear(&c);
}

/* Pauses at every delivery; the test resumes. What the server got rid of stays bounded. */
static int64_t pause_each(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)bytes;
    if (!end)
        up_pause(&c->call, true);
    return (int64_t)len;
}

static void test_pause(struct fix *f, gconstpointer arg)
{
    enum { HUGE_BODY = 40 * 1000 * 1000 };
    static const struct step script[] = { { HEAD },
                                          { SEND, OK_HEAD "Content-Length: 40000000\r\n\r\n" },
                                          { SEND_FILL, NULL, HUGE_BODY },
                                          { END } };
    struct client c;

    (void)arg;
    fill_call(f, &c, script, 0);
    c.on_body = pause_each;
    run_until(f->loop, c.bodies);
    settle(f->loop);
    g_assert_cmpint(c.bodies, ==, 1);
    g_assert_cmpuint(c.largest, <=, 512 * 1024);
    g_assert_cmpuint(f->server.peers[0]->at, <, HUGE_BODY / 2);
    while (!c.dones) {
        int before = c.bodies;
        up_pause(&c.call, false);
        run_until(f->loop, c.bodies > before || c.dones);
    }
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    g_assert_cmpuint(c.count, ==, HUGE_BODY);
    g_assert_false(c.wrong);
    client_clear(&c);
}

static int pause_head(struct client *c, const struct http_head *head)
{
    (void)head;
    up_pause(&c->call, true);
    return 0;
}

/* All of the answer, and the end of the connection, came while the call was paused. */
static void test_pause_in_head(struct fix *f, gconstpointer arg)
{
    struct step script[] = { { HEAD }, { SEND, arg }, { CLOSE } };
    struct client c;

    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.on_head = pause_head;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.heads);
    settle(f->loop);
    g_assert_cmpint(c.bodies + c.dones, ==, 0);
    up_pause(&c.call, false);
    run_until(f->loop, c.dones);
    g_assert_cmpstr(c.body->str, ==, "hello");
    g_assert_cmpint(c.report.end, ==, strstr(arg, ": 9") ? UP_CUT : UP_COMPLETE);
    client_clear(&c);
}

static int stop_head(struct client *c, const struct http_head *head)
{
    (void)c;
    (void)head;
    return -1;
}

static int64_t stop_body(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)c;
    (void)bytes;
    (void)len;
    (void)end;
    return -1;
}

static void test_stop(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    for (int i = 0; i < 2; i++) {
        (void)arg;
        f->server.scripts[i] = script;
        client_init(&c, f->pool);
        if (i == 0)
            c.on_head = stop_head;
        else
            c.on_body = stop_body;
        client_start(&c, "GET", "/", NULL);
        run_until(f->loop, c.dones);
        g_assert_cmpint(c.report.end, ==, UP_STOPPED);
        g_assert_cmpint(c.bodies, ==, i);
        run_until(f->loop, f->server.peers[i]->finished);
        client_clear(&c);
    }
}

/* ---- request bodies ---- */

static void test_large_request(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { SLOW, NULL, 30000 }, { HEAD }, { BYTES, NULL, BIG }, { SEND, HELLO }, { END }
    };
    g_autofree char *body = g_malloc(BIG);
    struct client c;

    (void)arg;
    for (size_t i = 0; i < BIG; i++)
        body[i] = pattern_at(i);
    weir_str spans[] = { { body, 1000 }, { body + 1000, BIG - 1001 }, { body + BIG - 1, 1 } };
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_send(&c, &(struct up_request){ .method = str("POST"),
                                          .path = str("/"),
                                          .body = spans,
                                          .body_count = 3,
                                          .body_stream = -1 });
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "hello");
    const GString *got = f->server.peers[0]->got;
    g_assert_true(memcmp(got->str + got->len - BIG, body, BIG) == 0);
    g_assert_cmpuint(c.report.bytes_out, ==, got->len);
    assert_stats(f, 1, 0, 1, 0);
    client_clear(&c);
}

/* Refused before all of it was sent: the answer counts, the connection does not live on. */
static void test_early_answer(struct fix *f, gconstpointer arg)
{
    static const char refusal[] = "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno";
    struct step script[] = { { SLOW, NULL, 1000 }, { HEAD }, { SEND, refusal }, { CLOSE } };
    g_autofree char *body = g_strnfill(20 * 1000 * 1000, 'x');
    struct client c;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_start(&c, "POST", "/", body);
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "no");
    g_assert_cmpuint(c.status, ==, 413);
    g_assert_cmpint(c.report.sent_us, ==, 0);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

enum { STREAM = 3 * 1000 * 1000, PIECE = 10000 };

struct stream {
    size_t pushed;
    int refused;
    char piece[PIECE];
};

static void push_more(struct client *c)
{
    struct stream *s = c->data;

    while (s->pushed < STREAM) {
        for (size_t i = 0; i < PIECE; i++)
            s->piece[i] = pattern_at(s->pushed + i);
        if (!up_body_push(&c->call, (weir_str){ s->piece, PIECE })) {
            s->refused++;
            return;
        }
        s->pushed += PIECE;
    }
    up_body_finish(&c->call);
}

/* The data of a chunked body. */
static GString *dechunk(const char *bytes, size_t len)
{
    g_autofree char *copy = g_memdup2(bytes, len);
    struct http_chunks chunks = { 0 };
    const char *why;
    size_t out;

    g_assert_cmpint(http_chunks_decode(&chunks, copy, &len, &out, &why), ==, 1);
    return g_string_new_len(copy, (gssize)out);
}

static void test_stream(struct fix *f, gconstpointer arg)
{
    bool chunked = arg != NULL;
    struct step script[] = { { SLOW, NULL, 50000 },
                             { HEAD },
                             { chunked ? UNTIL : BYTES, "\r\n0\r\n\r\n", STREAM },
                             { SEND, HELLO },
                             { END } };
    struct stream s = { 0 };
    struct client c;

    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.data = &s;
    c.on_writable = push_more;
    client_send(&c, &(struct up_request){ .method = str("POST"),
                                          .path = str("/"),
                                          .body_stream = chunked ? INT64_MAX : STREAM });
    g_assert_false(up_body_push(&c.call, str("too early")));
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_cmpint(s.refused, >, 0);
    g_assert_cmpint(c.writables, >, 1);
    const GString *got = f->server.peers[0]->got;
    const char *body = strstr(got->str, "\r\n\r\n") + 4;
    size_t len = got->len - (size_t)(body - got->str);
    g_assert_true(!!strstr(got->str, "Transfer-Encoding: chunked\r\n") == chunked);
    GString *data = chunked ? dechunk(body, len) : g_string_new_len(body, (gssize)len);
    g_assert_cmpuint(data->len, ==, STREAM);
    for (size_t i = 0; i < STREAM; i++) {
        if (data->str[i] != pattern_at(i))
            g_error("byte %zu differs", i);
    }
    g_string_free(data, TRUE);
    assert_stats(f, 1, 0, 1, 0);
    client_clear(&c);
}

/* Finished before there is a connection. */
static void test_stream_empty(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { UNTIL, "\r\n\r\n0\r\n\r\n" },
                                          { SEND, HELLO },
                                          { END } };
    struct client c;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_send(&c, &(struct up_request){
                        .method = str("POST"), .path = str("/"), .body_stream = INT64_MAX });
    up_body_finish(&c.call);
    run_until(f->loop, c.dones);
    assert_whole(&c, UP_COMPLETE, "hello");
    client_clear(&c);
}

static void push_wrong(struct client *c)
{
    if (c->data)
        up_body_push(&c->call, str("four"));
    up_body_finish(&c->call);
}

/* A body that is not as long as announced must not reach the peer as a whole one. */
static void test_stream_length(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { WAIT_EOF }, { CLOSE } };
    struct client c;

    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.data = (void *)(uintptr_t)arg;
    c.on_writable = push_wrong;
    client_send(&c,
                &(struct up_request){ .method = str("POST"), .path = str("/"), .body_stream = 3 });
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, UP_SEND_FAILED);
    g_assert_nonnull(strstr(c.report.message, arg ? "longer" : "shorter"));
    run_until(f->loop, f->server.peers[0]->finished);
    client_clear(&c);
}

/* ---- the retry ---- */

static unsigned retries(struct fix *f)
{
    struct up_pool_stats s;

    up_pool_stats(f->pool, &s);
    return (unsigned)s.stale_retries;
}

/* `arg`: the script of the first connection; the second one always answers, unless told not to. */
static void stale(struct fix *f, struct client *c, const struct step *first,
                  const struct step *second)
{
    get(f, c, first);
    assert_whole(c, UP_COMPLETE, "hello");
    client_clear(c);
    f->server.scripts[1] = f->server.scripts[2] = second;
    client_init(c, f->pool);
    client_start(c, "POST", "/again", "body");
    run_until(f->loop, c->dones);
}

static void test_retry(struct fix *f, gconstpointer arg)
{
    struct step first[] = { { HEAD }, { SEND, HELLO }, { HEAD }, { arg ? RESET : CLOSE } };
    static const struct step second[] = { { UNTIL, "\r\n\r\nbody" }, { SEND, HELLO }, { END } };
    struct client c;

    stale(f, &c, first, second);
    assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_true(c.report.fresh);
    g_assert_cmpuint(retries(f), ==, 1);
    g_assert_cmpuint(c.report.bytes_out, ==, f->server.peers[1]->got->len);
    client_clear(&c);
}

static void test_retry_once(struct fix *f, gconstpointer arg)
{
    static const struct step first[] = { { HEAD }, { SEND, HELLO }, { HEAD }, { CLOSE } };
    static const struct step second[] = { { HEAD }, { CLOSE } };
    struct client c;

    (void)arg;
    stale(f, &c, first, second);
    g_assert_cmpint(c.report.end, ==, UP_CUT);
    g_assert_true(c.report.request_started);
    g_assert_cmpuint(retries(f), ==, 1);
    g_assert_cmpint(f->server.accepted, ==, 2);
    client_clear(&c);
}

static void test_no_retry_after_byte(struct fix *f, gconstpointer arg)
{
    static const struct step first[] = {
        { HEAD }, { SEND, HELLO }, { HEAD }, { SEND, "H" }, { CLOSE }
    };
    static const struct step second[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct client c;

    (void)arg;
    stale(f, &c, first, second);
    g_assert_cmpint(c.report.end, ==, UP_CUT);
    g_assert_cmpuint(retries(f), ==, 0);
    g_assert_cmpint(f->server.accepted, ==, 1);
    client_clear(&c);
}

static void push_once(struct client *c)
{
    g_assert_true(up_body_push(&c->call, str("piece")));
}

static void test_no_retry_of_stream(struct fix *f, gconstpointer arg)
{
    static const struct step first[] = {
        { HEAD }, { SEND, HELLO }, { HEAD }, { UNTIL, "piece\r\n" }, { CLOSE }
    };
    struct client c;

    (void)arg;
    get(f, &c, first);
    client_clear(&c);
    client_init(&c, f->pool);
    c.on_writable = push_once;
    client_send(&c, &(struct up_request){
                        .method = str("POST"), .path = str("/"), .body_stream = INT64_MAX });
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, UP_CUT);
    g_assert_cmpuint(retries(f), ==, 0);
    client_clear(&c);
}

static void test_no_retry_of_fresh(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { CLOSE } };
    struct client c;

    (void)arg;
    get(f, &c, script);
    g_assert_cmpint(c.report.end, ==, UP_CUT);
    g_assert_cmpint(f->server.accepted, ==, 1);
    client_clear(&c);
}

/* ---- cancelling ---- */

static int cancel_head(struct client *c, const struct http_head *head)
{
    (void)head;
    up_cancel(&c->call);
    return 0;
}

static int64_t cancel_body(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)bytes;
    (void)end;
    up_cancel(&c->call);
    memset(&c->call, 0xee, sizeof(c->call));
    return (int64_t)len;
}

static void cancel_writable(struct client *c)
{
    up_cancel(&c->call);
}

static void test_cancel_in(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    struct up_request r = { .method = str("POST"), .path = str("/"), .body_stream = -1 };
    if (strcmp(arg, "head") == 0)
        c.on_head = cancel_head;
    else if (strcmp(arg, "body") == 0)
        c.on_body = cancel_body;
    else
        c.on_writable = cancel_writable, r.body_stream = INT64_MAX;
    client_send(&c, &r);
    run_until(f->loop, f->server.accepted == 1 && f->server.peers[0]->finished);
    g_assert_cmpint(c.dones, ==, 0);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_cancel_outside(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { SEND, OK_HEAD "Content-Length: 9\r\n\r\nhello" }, { WAIT_EOF }, { CLOSE }
    };
    struct client c;

    (void)arg;
    f->server.scripts[0] = f->server.scripts[1] = script;

    /* just started: being dialled */
    client_init(&c, f->pool);
    client_start(&c, "GET", "/", NULL);
    up_cancel(&c.call);
    assert_stats(f, 0, 0, 1, 0);
    up_cancel(&c.call);

    /* failing, not told yet */
    client_start(&c, "GET", "no path", NULL);
    up_cancel(&c.call);
    settle(f->loop);
    g_assert_cmpint(c.dones, ==, 0);

    /* inside the answer: the peer sees it at once */
    int n = f->server.accepted;
    f->server.scripts[n] = script;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.bodies);
    up_cancel(&c.call);
    run_until(f->loop, f->server.peers[n]->finished);

    /* while paused, with bytes waiting */
    f->server.scripts[n + 1] = script;
    client_clear(&c);
    client_init(&c, f->pool);
    c.on_head = pause_head;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.heads);
    up_cancel(&c.call);
    run_until(f->loop, f->server.peers[n + 1]->finished);

    g_assert_cmpint(c.dones, ==, 0);
    assert_stats(f, 0, 0, 3, 0);
    client_clear(&c);
}

/* A request that the peer does not read: blocked in sending. */
static void test_cancel_sending(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { SLOW, NULL, 1 }, { WAIT_EOF }, { END } };
    g_autofree char *body = g_strnfill(20 * 1000 * 1000, 'x');
    struct client c;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    client_start(&c, "POST", "/", body);
    run_until(f->loop, c.call.report.request_started);
    settle(f->loop);
    up_cancel(&c.call);
    memset(body, 0, 100);
    settle(f->loop);
    g_assert_cmpint(c.dones, ==, 0);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

/* ---- connecting ---- */

static int unused_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void test_refused(struct fix *f, gconstpointer arg)
{
    int port = unused_port();
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d", port);
    g_autofree char *want =
        g_strdup_printf("could not connect to 127.0.0.1:%d: Connection refused", port);
    struct client c;

    (void)arg;
    f->origin.url = url;
    again(f);
    get(f, &c, NULL);
    g_assert_cmpint(c.report.end, ==, UP_CONNECT_FAILED);
    g_assert_cmpstr(c.report.message, ==, want);
    g_assert_false(c.report.request_started);
    g_assert_cmpint(c.report.connected_us, ==, 0);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_unresolved(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    f->origin.url = "http://nonexistent.invalid:8080";
    f->origin.connect_timeout_us = 5 * G_USEC_PER_SEC;
    again(f);
    get(f, &c, NULL);
    if (c.report.end == UP_CONNECT_TIMEOUT) {
        g_test_skip("the resolver here does not answer in time for .invalid");
    } else {
        g_assert_cmpint(c.report.end, ==, UP_RESOLVE_FAILED);
        g_assert_cmpstr(c.report.message, ==, "could not resolve the name nonexistent.invalid");
    }
    client_clear(&c);
}

static void test_not_a_url(struct fix *f, gconstpointer arg)
{
    static const char *const urls[] = { "", "ftp://127.0.0.1/", "http://", "127.0.0.1 x" };
    struct client c;

    (void)arg;
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        f->origin.url = urls[i];
        again(f);
        get(f, &c, NULL);
        g_assert_cmpint(c.report.end, ==, UP_CONNECT_FAILED);
        g_assert_nonnull(strstr(c.report.message, "is not a http:// or https:// URL"));
        client_clear(&c);
    }
}

/* A listener whose backlog is full does not answer: Linux drops the SYN. */
static void test_connect_timeout(struct fix *f, gconstpointer arg)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fill[4];
    struct client c;

    (void)arg;
    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(listen(fd, 0), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fill[i], (struct sockaddr *)&at, sizeof(at)) == 0)
            g_test_message("connected at once");
    }
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d", ntohs(at.sin_port));
    f->origin.url = url;
    f->origin.connect_timeout_us = 150 * 1000;
    again(f);
    get(f, &c, NULL);
    g_assert_cmpint(c.report.end, ==, UP_CONNECT_TIMEOUT);
    g_assert_nonnull(strstr(c.report.message, "within 150 ms"));
    client_clear(&c);
    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++)
        close(fill[i]);
    close(fd);
}

static void test_ipv6(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct client c;

    (void)arg;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        g_test_skip("no IPv6 loopback here");
        if (fd >= 0)
            close(fd);
        return;
    }
    g_assert_cmpint(listen(fd, 4), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
    g_autofree char *label = g_strdup_printf("[::1]:%d", ntohs(at.sin6_port));
    g_autofree char *url = g_strdup_printf("http://%s/v1", label);
    server_swap(&f->server, fd);
    f->origin.url = url;
    again(f);
    get(f, &c, script);
    assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_nonnull(strstr(f->server.peers[0]->got->str, label));
    client_clear(&c);
}

static void test_proxy(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { SEND, "HTTP/1.1 200 Connection established\r\n\r\n" },
        { HEAD }, { SEND, HELLO },
        { HEAD }, { SEND, HELLO },
        { END }
    };
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%d", f->server.port);
    struct client c;

    (void)arg;
    f->origin.url = "http://origin.invalid:8080";
    f->origin.proxy = proxy;
    again(f);
    for (int i = 0; i < 2; i++) {
        get(f, &c, script);
        assert_whole(&c, UP_COMPLETE, "hello");
        client_clear(&c);
    }
    const char *got = f->server.peers[0]->got->str;
    g_assert_true(g_str_has_prefix(got, "CONNECT origin.invalid:8080 HTTP/1."));
    g_assert_nonnull(
        strstr(got, "\r\n\r\nGET /v1/x?y=z HTTP/1.1\r\nHost: origin.invalid:8080\r\n"));
    assert_stats(f, 1, 0, 1, 1);
}

static void test_proxy_refuses(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD },
                                          { SEND,
                                            "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno" },
                                          { WAIT_EOF },
                                          { CLOSE } };
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%d", f->server.port);
    struct client c;

    (void)arg;
    f->origin.url = "http://origin.invalid:8080";
    f->origin.proxy = proxy;
    again(f);
    get(f, &c, script);
    g_assert_cmpint(c.report.end, ==, UP_CONNECT_FAILED);
    g_assert_nonnull(strstr(c.report.message, "403"));
    client_clear(&c);
}

/* ---- the pool ---- */

static void test_queue(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD },        { GATE }, { SEND, HELLO }, { HEAD },
                                          { SEND, HELLO }, { HEAD }, { SEND, HELLO }, { END } };
    struct up_pool_stats s;
    struct client c[4];

    (void)arg;
    f->origin.max_connections = 1;
    again(f);
    f->server.scripts[0] = script;
    for (int i = 0; i < 4; i++) {
        client_init(&c[i], f->pool);
        client_start(&c[i], "GET", "/", NULL);
    }
    up_pool_stats(f->pool, &s);
    g_assert_cmpuint(s.waiting, ==, 3);
    up_cancel(&c[2].call);
    run_until(f->loop, f->server.accepted == 1);
    settle(f->loop);
    g_assert_cmpint(c[0].dones + c[1].dones + c[3].dones, ==, 0);
    server_open_gate(&f->server);
    run_until(f->loop, c[1].dones);
    g_assert_cmpint(c[0].dones, ==, 1);
    run_until(f->loop, c[3].dones);
    g_assert_cmpint(c[2].dones, ==, 0);
    g_assert_cmpint(f->server.accepted, ==, 1);
    for (int i = 0; i < 4; i++)
        client_clear(&c[i]);
    assert_stats(f, 1, 0, 1, 2);
}

/* The one connection is cancelled or fails: the next in the queue gets a new one. */
static void test_queue_moves_on(struct fix *f, gconstpointer arg)
{
    struct step first[] = { { HEAD }, { GATE }, { CLOSE } };
    static const struct step second[] = { { HEAD }, { SEND, HELLO }, { END } };
    struct client c[2];

    f->origin.max_connections = 1;
    again(f);
    f->server.scripts[0] = first;
    f->server.scripts[1] = second;
    for (int i = 0; i < 2; i++) {
        client_init(&c[i], f->pool);
        client_start(&c[i], "GET", "/", NULL);
    }
    run_until(f->loop, f->server.accepted == 1);
    settle(f->loop);
    if (arg)
        up_cancel(&c[0].call);
    else
        server_open_gate(&f->server);
    run_until(f->loop, c[1].dones);
    g_assert_cmpint(c[0].dones, ==, arg ? 0 : 1);
    assert_whole(&c[1], UP_COMPLETE, "hello");
    for (int i = 0; i < 2; i++)
        client_clear(&c[i]);
}

static void test_idle_closed_by_peer(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { GATE }, { CLOSE } };
    struct client c;

    (void)arg;
    get(f, &c, script);
    assert_stats(f, 1, 0, 1, 0);
    server_open_gate(&f->server);
    settle(f->loop);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_idle_timeout(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    (void)arg;
    f->origin.idle_timeout_us = 20 * 1000;
    again(f);
    get(f, &c, script);
    run_until(f->loop, f->server.peers[0]->finished);
    assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_max_idle(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = {
        { HEAD }, { GATE }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE }
    };
    struct client c[3];

    (void)arg;
    f->origin.max_idle = 2;
    again(f);
    for (int i = 0; i < 3; i++) {
        f->server.scripts[i] = script;
        client_init(&c[i], f->pool);
        client_start(&c[i], "GET", "/", NULL);
    }
    run_until(f->loop, f->server.accepted == 3);
    settle(f->loop);
    assert_stats(f, 0, 3, 3, 0);
    for (int i = 0; i < 3; i++)
        server_open_gate(&f->server);
    run_until(f->loop, c[0].dones && c[1].dones && c[2].dones);
    assert_stats(f, 2, 0, 3, 0);
    for (int i = 0; i < 3; i++)
        client_clear(&c[i]);
}

/* `done` starts the next call on the connection that has just become free; then frees it all. */
static void chain(struct client *c)
{
    int *left = c->data;

    if (--*left == 0) {
        up_pool_free(c->pool);
        c->pool = NULL;
        return;
    }
    int dones = c->dones;
    c->dones = c->heads = c->ends = 0;
    g_string_truncate(c->body, 0);
    client_start(c, "GET", "/", NULL);
    c->dones = dones - 1;
}

static void test_done_goes_on(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { HEAD },     { SEND, HELLO },
                                          { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;
    int left = 3;

    (void)arg;
    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.data = &left;
    c.on_done = chain;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, left == 0);
    f->pool = NULL;
    run_until(f->loop, f->server.peers[0]->finished);
    g_assert_cmpint(f->server.accepted, ==, 1);
    client_clear(&c);
}

#define ADD(path, fn, arg) g_test_add("/upstream/" path, struct fix, arg, setup, fn, teardown)

static void add_answers(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(framing_cases); i++) {
        g_autofree char *path = g_strdup_printf("/upstream/framing/%s", framing_cases[i].name);
        g_test_add(path, struct fix, &framing_cases[i], setup, test_framing, teardown);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        g_autofree char *path = g_strdup_printf("/upstream/bad/%s", bad_cases[i].name);
        g_test_add(path, struct fix, &bad_cases[i], setup, test_bad, teardown);
    }
    ADD("bad/interim-flood", test_interim_flood, NULL);
    ADD("bad/large-head", test_large_head, NULL);
    ADD("reuse/not-with-junk", test_not_reused, HELLO "HTTP/1.1 200 OK\r\n");
    ADD("reuse/not-with-junk-chunked", test_not_reused,
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nx");
    ADD("reuse/not-if-told", test_not_reused,
        OK_HEAD "Connection: close\r\nContent-Length: 5\r\n\r\nhello");
    ADD("reuse/not-1.0", test_not_reused,
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello");
    ADD("reuse/junk-while-idle", test_junk_while_idle, NULL);
    ADD("body/partial", test_partial, NULL);
    ADD("body/hold", test_hold, NULL);
    ADD("body/hold-limit", test_hold_limit, NULL);
    ADD("body/pause", test_pause, NULL);
    ADD("body/pause-in-head", test_pause_in_head, HELLO);
    ADD("body/pause-in-head-cut", test_pause_in_head, OK_HEAD "Content-Length: 9\r\n\r\nhello");
    ADD("body/stop", test_stop, NULL);
}

static void add_requests(void)
{
    ADD("request/simple", test_simple, NULL);
    ADD("request/head", test_head_written, NULL);
    ADD("request/refused", test_refused_requests, NULL);
    ADD("request/large", test_large_request, NULL);
    ADD("request/early-answer", test_early_answer, NULL);
    ADD("request/stream-length", test_stream, NULL);
    ADD("request/stream-chunked", test_stream, "chunked");
    ADD("request/stream-empty", test_stream_empty, NULL);
    ADD("request/stream-short", test_stream_length, NULL);
    ADD("request/stream-long", test_stream_length, "long");
    ADD("retry/closed", test_retry, NULL);
    ADD("retry/reset", test_retry, "reset");
    ADD("retry/once", test_retry_once, NULL);
    ADD("retry/not-after-a-byte", test_no_retry_after_byte, NULL);
    ADD("retry/not-a-stream", test_no_retry_of_stream, NULL);
    ADD("retry/not-fresh", test_no_retry_of_fresh, NULL);
    ADD("cancel/in-head", test_cancel_in, "head");
    ADD("cancel/in-body", test_cancel_in, "body");
    ADD("cancel/in-writable", test_cancel_in, "writable");
    ADD("cancel/outside", test_cancel_outside, NULL);
    ADD("cancel/sending", test_cancel_sending, NULL);
}

static void add_pool(void)
{
    ADD("reuse/keep-alive", test_keep_alive, NULL);
    ADD("connect/refused", test_refused, NULL);
    ADD("connect/unresolved", test_unresolved, NULL);
    ADD("connect/not-a-url", test_not_a_url, NULL);
    ADD("connect/timeout", test_connect_timeout, NULL);
    ADD("connect/ipv6", test_ipv6, NULL);
    ADD("connect/proxy", test_proxy, NULL);
    ADD("connect/proxy-refuses", test_proxy_refuses, NULL);
    ADD("pool/queue", test_queue, NULL);
    ADD("pool/queue-after-failure", test_queue_moves_on, NULL);
    ADD("pool/queue-after-cancel", test_queue_moves_on, "cancel");
    ADD("pool/closed-by-peer", test_idle_closed_by_peer, NULL);
    ADD("pool/idle-timeout", test_idle_timeout, NULL);
    ADD("pool/max-idle", test_max_idle, NULL);
    ADD("pool/done-goes-on", test_done_goes_on, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(up_global_init());
    add_requests();
    add_answers();
    add_pool();
    return g_test_run();
}
