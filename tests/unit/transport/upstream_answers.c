/*
 * upstream_answers.c - the upstream client: framing, broken answers, handing bodies over.
 */
#include "upstream_fixture.h"

#include <string.h>

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

static void run_framing(struct up_fix *f, const struct framing_case *k, enum step_op op)
{
    struct step script[] = {
        { HEAD }, { op, k->answer }, { k->close ? CLOSE : WAIT_EOF }, { END }
    };
    struct client c;

    f->server.scripts[f->server.accepted] = script;
    client_init(&c, f->pool);
    client_start(&c, k->method, "/", NULL);
    run_until(f->loop, c.dones);
    up_assert_whole(&c, k->end, k->body);
    g_assert_cmpuint(c.status, ==, k->status);
    up_assert_stats(f, k->kept, 0, 1, 0);
    client_clear(&c);
    up_again(f);
    settle(f->loop);
}

/* In one piece, and split at every byte. */
static void test_framing(struct up_fix *f, gconstpointer arg)
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

static void test_bad(struct up_fix *f, gconstpointer arg)
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
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_interim_flood(struct up_fix *f, gconstpointer arg)
{
    GString *flood = g_string_new(NULL);
    struct client c;

    (void)arg;
    for (int i = 0; i < 100; i++)
        g_string_append(flood, "HTTP/1.1 100 Continue\r\n\r\n");
    struct step script[] = { { HEAD }, { SEND, flood->str }, { END } };
    up_get(f, &c, script);
    g_assert_cmpint(c.report.end, ==, UP_GARBAGE);
    client_clear(&c);
    g_string_free(flood, TRUE);
}

static void test_large_head(struct up_fix *f, gconstpointer arg)
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

static void test_partial(struct up_fix *f, gconstpointer arg)
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
    up_assert_whole(&c, UP_COMPLETE, "abcdefghijk");
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

static void fill_call(struct up_fix *f, struct client *c, const struct step *script, uint64_t hold)
{
    f->server.scripts[0] = script;
    client_init(c, f->pool);
    c->pattern = true;
    client_start(c, "GET", "/", NULL);
    c->call.request.hold_limit = hold;
}

#define BIG_HEAD OK_HEAD "Content-Length: 2000000\r\n\r\n"

static void test_hold(struct up_fix *f, gconstpointer arg)
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

static void test_hold_limit(struct up_fix *f, gconstpointer arg)
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

static void test_pause(struct up_fix *f, gconstpointer arg)
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

/* All of the answer, and the end of the connection, came while the call was paused. */
static void test_pause_in_head(struct up_fix *f, gconstpointer arg)
{
    struct step script[] = { { HEAD }, { SEND, arg }, { CLOSE } };
    struct client c;

    f->server.scripts[0] = script;
    client_init(&c, f->pool);
    c.on_head = client_pause_head;
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

static void test_stop(struct up_fix *f, gconstpointer arg)
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

#define ADD(path, fn, arg) \
    g_test_add("/upstream/" path, struct up_fix, arg, up_setup, fn, up_teardown)

static void add_answers(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(framing_cases); i++) {
        g_autofree char *path = g_strdup_printf("/upstream/framing/%s", framing_cases[i].name);
        g_test_add(path, struct up_fix, &framing_cases[i], up_setup, test_framing, up_teardown);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        g_autofree char *path = g_strdup_printf("/upstream/bad/%s", bad_cases[i].name);
        g_test_add(path, struct up_fix, &bad_cases[i], up_setup, test_bad, up_teardown);
    }
    ADD("bad/interim-flood", test_interim_flood, NULL);
    ADD("bad/large-head", test_large_head, NULL);
    ADD("body/partial", test_partial, NULL);
    ADD("body/hold", test_hold, NULL);
    ADD("body/hold-limit", test_hold_limit, NULL);
    ADD("body/pause", test_pause, NULL);
    ADD("body/pause-in-head", test_pause_in_head, HELLO);
    ADD("body/pause-in-head-cut", test_pause_in_head, OK_HEAD "Content-Length: 9\r\n\r\nhello");
    ADD("body/stop", test_stop, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(up_global_init());
    add_answers();
    return g_test_run();
}
