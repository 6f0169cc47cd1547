/*
 * upstream.c - the upstream client against a scripted server: requests, retry, cancel.
 */
#include "upstream_fixture.h"

#include <string.h>

/* ---- requests and plain answers ---- */

static void test_simple(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { SEND, HELLO }, { WAIT_EOF }, { CLOSE } };
    struct client c;

    (void)arg;
    up_get(f, &c, script);
    up_assert_whole(&c, UP_COMPLETE, "hello");
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
    up_assert_stats(f, 1, 0, 1, 0);
    client_clear(&c);
}

static void test_head_written(struct up_fix *f, gconstpointer arg)
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
    up_assert_whole(&c, UP_COMPLETE, "hello");
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

static void test_refused_requests(struct up_fix *f, gconstpointer arg)
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

/* ---- request bodies ---- */

static void test_large_request(struct up_fix *f, gconstpointer arg)
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
    up_assert_whole(&c, UP_COMPLETE, "hello");
    const GString *got = f->server.peers[0]->got;
    g_assert_true(memcmp(got->str + got->len - BIG, body, BIG) == 0);
    g_assert_cmpuint(c.report.bytes_out, ==, got->len);
    up_assert_stats(f, 1, 0, 1, 0);
    client_clear(&c);
}

/* Refused before all of it was sent: the answer counts, the connection does not live on. */
static void test_early_answer(struct up_fix *f, gconstpointer arg)
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
    up_assert_whole(&c, UP_COMPLETE, "no");
    g_assert_cmpuint(c.status, ==, 413);
    g_assert_cmpint(c.report.sent_us, ==, 0);
    up_assert_stats(f, 0, 0, 1, 0);
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

static void test_stream(struct up_fix *f, gconstpointer arg)
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
    up_assert_whole(&c, UP_COMPLETE, "hello");
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
    up_assert_stats(f, 1, 0, 1, 0);
    client_clear(&c);
}

/* Finished before there is a connection. */
static void test_stream_empty(struct up_fix *f, gconstpointer arg)
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
    up_assert_whole(&c, UP_COMPLETE, "hello");
    client_clear(&c);
}

static void push_wrong(struct client *c)
{
    if (c->data)
        up_body_push(&c->call, str("four"));
    up_body_finish(&c->call);
}

/* A body that is not as long as announced must not reach the peer as a whole one. */
static void test_stream_length(struct up_fix *f, gconstpointer arg)
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

static unsigned retries(struct up_fix *f)
{
    struct up_pool_stats s;

    up_pool_stats(f->pool, &s);
    return (unsigned)s.stale_retries;
}

/* One call that leaves its connection behind, and one that is given it: `first` says what becomes
 * of that, `second` what a new connection does. */
static void stale(struct up_fix *f, struct client *c, const struct step *first,
                  const struct step *second)
{
    up_get(f, c, first);
    up_assert_whole(c, UP_COMPLETE, "hello");
    client_clear(c);
    f->server.scripts[1] = f->server.scripts[2] = second;
    client_init(c, f->pool);
    client_start(c, "POST", "/again", "body");
    run_until(f->loop, c->dones);
}

static void test_retry(struct up_fix *f, gconstpointer arg)
{
    struct step first[] = { { HEAD }, { SEND, HELLO }, { HEAD }, { arg ? RESET : CLOSE } };
    static const struct step second[] = { { UNTIL, "\r\n\r\nbody" }, { SEND, HELLO }, { END } };
    struct client c;

    stale(f, &c, first, second);
    up_assert_whole(&c, UP_COMPLETE, "hello");
    g_assert_true(c.report.fresh);
    g_assert_cmpuint(retries(f), ==, 1);
    g_assert_cmpuint(c.report.bytes_out, ==, f->server.peers[1]->got->len);
    client_clear(&c);
}

static void test_retry_once(struct up_fix *f, gconstpointer arg)
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

static void test_no_retry_after_byte(struct up_fix *f, gconstpointer arg)
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

static void test_no_retry_of_stream(struct up_fix *f, gconstpointer arg)
{
    static const struct step first[] = {
        { HEAD }, { SEND, HELLO }, { HEAD }, { UNTIL, "piece\r\n" }, { CLOSE }
    };
    struct client c;

    (void)arg;
    up_get(f, &c, first);
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

static void test_no_retry_of_fresh(struct up_fix *f, gconstpointer arg)
{
    static const struct step script[] = { { HEAD }, { CLOSE } };
    struct client c;

    (void)arg;
    up_get(f, &c, script);
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

static void test_cancel_in(struct up_fix *f, gconstpointer arg)
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
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

static void test_cancel_outside(struct up_fix *f, gconstpointer arg)
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
    up_assert_stats(f, 0, 0, 1, 0);
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
    c.on_head = client_pause_head;
    client_start(&c, "GET", "/", NULL);
    run_until(f->loop, c.heads);
    up_cancel(&c.call);
    run_until(f->loop, f->server.peers[n + 1]->finished);

    g_assert_cmpint(c.dones, ==, 0);
    up_assert_stats(f, 0, 0, 3, 0);
    client_clear(&c);
}

/* A request that the peer does not read: blocked in sending. */
static void test_cancel_sending(struct up_fix *f, gconstpointer arg)
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
    up_assert_stats(f, 0, 0, 1, 0);
    client_clear(&c);
}

#define ADD(path, fn, arg) \
    g_test_add("/upstream/" path, struct up_fix, arg, up_setup, fn, up_teardown)

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(up_global_init());
    add_requests();
    return g_test_run();
}
