/*
 * framer.c - tests of core/model/framer.c: every framing, fed at once and split at every byte.
 *
 * Two things must hold whatever the split: the frames are the same, and the raw spans strung
 * together are the body, for that is what pass-through relays.
 */
#include "model/framer.h"
#include "base/str.h"

#include <glib.h>

/* What came out of a body: "name|data;" for each frame, and all raw spans strung together. */
struct outcome {
    GString *frames;
    GString *raw;
    guint ends;  /* frames with WEIR_FRAME_END */
    int64_t bad; /* the negative result, or 0 */
};

static void outcome_clear(struct outcome *o)
{
    g_string_free(o->frames, TRUE);
    g_string_free(o->raw, TRUE);
}

static void note_frame(struct outcome *o, const struct framer_frame *f, bool blanks)
{
    g_assert_cmpuint(f->frame.struct_size, ==, sizeof(weir_frame));
    g_string_append_len(o->raw, f->raw.ptr, (gssize)f->raw.len);
    if (f->frame.flags & WEIR_FRAME_END)
        o->ends++;
    if (!f->frame.data.len && !blanks)
        return;
    g_string_append_len(o->frames, f->frame.name.ptr, (gssize)f->frame.name.len);
    g_string_append_c(o->frames, '|');
    g_string_append_len(o->frames, f->frame.data.ptr, (gssize)f->frame.data.len);
    g_string_append_c(o->frames, ';');
}

/* Takes what can be taken, from a copy of exactly that size, so that ASan sees a byte too far. */
static void take(struct framer *f, GString *waiting, bool end, bool blanks, struct outcome *o)
{
    g_autofree char *copy = g_memdup2(waiting->str, waiting->len);
    size_t used = 0;

    while (!f->ended && !o->bad) {
        struct framer_frame frame = { 0 };
        int64_t n = framer_next(f, copy ? copy + used : NULL, waiting->len - used, end, &frame);

        if (n < 0) {
            o->bad = n;
            break;
        }
        g_assert_cmpuint((size_t)n, <=, waiting->len - used);
        if (n == 0 && !f->ended)
            break;
        used += (size_t)n;
        note_frame(o, &frame, blanks);
    }
    g_string_erase(waiting, 0, (gssize)used);
}

/* Feeds `body` in pieces that end at the bytes `first` and `second`. */
static struct outcome feed(unsigned framing, weir_str body, size_t first, size_t second,
                           bool end_alone, bool blanks)
{
    struct outcome o = { g_string_new(NULL), g_string_new(NULL), 0, 0 };
    g_autoptr(GString) waiting = g_string_new(NULL);
    const size_t cuts[] = { first, second, body.len };
    struct framer f;
    size_t at = 0;

    framer_init(&f, framing);
    for (size_t i = 0; i < G_N_ELEMENTS(cuts) && !o.bad; i++) {
        bool last = i + 1 == G_N_ELEMENTS(cuts);

        g_string_append_len(waiting, body.ptr + at, (gssize)(cuts[i] - at));
        at = cuts[i];
        take(&f, waiting, last && !end_alone, blanks, &o);
        if (last && end_alone && !o.bad)
            take(&f, waiting, true, blanks, &o);
    }
    if (!o.bad) {
        g_assert_true(f.ended);
        g_assert_cmpuint(o.ends, ==, 1);
        g_assert_cmpuint(waiting->len, ==, 0);
    }
    framer_finish(&f);
    return o;
}

static void same(const struct outcome *o, weir_str body, const char *expected)
{
    g_assert_cmpint(o->bad, ==, 0);
    g_assert_cmpstr(o->frames->str, ==, expected);
    g_assert_cmpmem(o->raw->str, o->raw->len, body.ptr, body.len);
}

/* The body gives these frames however it is cut in three. */
static void frames_are(unsigned framing, const char *text, const char *expected)
{
    weir_str body = str_of(text);

    for (size_t i = 0; i <= body.len; i++) {
        for (size_t k = i; k <= body.len; k += k == i ? 1 : 3) {
            struct outcome o = feed(framing, body, i, k, (i + k) % 2, false);

            same(&o, body, expected);
            outcome_clear(&o);
        }
    }
}

/* However it is cut, the body is refused, and what was relayed before is its beginning. */
static void refused(unsigned framing, const char *text)
{
    weir_str body = str_of(text);

    for (size_t i = 0; i <= body.len; i++) {
        struct outcome o = feed(framing, body, i, i, i % 2, false);

        g_assert_cmpint(o.bad, ==, WEIR_PROTOCOL);
        g_assert_cmpuint(o.raw->len, <=, body.len);
        g_assert_cmpmem(o.raw->str, o.raw->len, body.ptr, o.raw->len);
        outcome_clear(&o);
    }
}

/* -- SSE ---------------------------------------------------------------------------------------
 */

static void test_sse_breaks(void)
{
    frames_are(WEIR_FRAME_SSE, "data: a\n\ndata: b\n\n", "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "data: a\r\rdata: b\r\r", "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "data: a\n\r\ndata: b\r\n\ndata: c\r\n\rdata: d\n\r",
               "|a;|b;|c;|d;");
}

static void test_sse_fields(void)
{
    frames_are(WEIR_FRAME_SSE, "event: delta\ndata: x\nid: 7\nretry: 10\n\n", "delta|x;");
    frames_are(WEIR_FRAME_SSE, "data:x\n\ndata:  y \n\n", "|x;| y ;");
    frames_are(WEIR_FRAME_SSE, "event: old\nevent: new\ndata: x\n\ndata: y\n\n", "new|x;|y;");
    frames_are(WEIR_FRAME_SSE, "database: no\ndata : no\n data: no\ndata: yes\n\n", "|yes;");
    frames_are(WEIR_FRAME_SSE, "data: a: b:c\n\n", "|a: b:c;");
}

static void test_sse_lines(void)
{
    frames_are(WEIR_FRAME_SSE, "data: a\ndata: b\r\ndata:c\rdata: d\n\n", "|a\nb\nc\nd;");
    frames_are(WEIR_FRAME_SSE, "data:\ndata: b\n\n", "|\nb;");
    frames_are(WEIR_FRAME_SSE, "data: a\ndata\ndata\n\n", "|a\n\n;");
    frames_are(WEIR_FRAME_SSE, "data: a\nevent: e\n: note\ndata: b\n\n", "e|a\nb;");
}

static void test_sse_odd_ends(void)
{
    frames_are(WEIR_FRAME_SSE, "data: a\n\ndata: b", "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "data: a\n\ndata: b\n", "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "data: a\r\n\r\ndata: b\r", "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "", "");
    frames_are(WEIR_FRAME_SSE, "\n\n\n", "");
    frames_are(WEIR_FRAME_SSE, "data: a\n\n\n\n", "|a;");
}

static void test_sse_comments(void)
{
    const char *text = ": hello\n\n:\ndata: a\n\n: OPENROUTER PROCESSING\n\ndata: b\n\n";
    struct outcome o;

    frames_are(WEIR_FRAME_SSE, text, "|a;|b;");
    /* A comment comes out as a frame with no data, so that it can be relayed when it comes. */
    o = feed(WEIR_FRAME_SSE, str_of(text), 0, 0, true, true);
    same(&o, str_of(text), "|;|a;|;|b;|;");
    outcome_clear(&o);
}

static void test_sse_bom(void)
{
    frames_are(WEIR_FRAME_SSE,
               "\xEF\xBB\xBF"
               "data: a\n\ndata: b\n\n",
               "|a;|b;");
    frames_are(WEIR_FRAME_SSE, "\xEF\xBB\xBF: note\ndata: a\n\n", "|a;");
    /* Only the first one is a mark. */
    frames_are(WEIR_FRAME_SSE,
               "data: a\n\n\xEF\xBB\xBF"
               "data: b\n\n",
               "|a;");
}

/* An event bigger than any buffer, in small pieces: the cost must not grow with its square. */
static void test_sse_huge(void)
{
    enum { SIZE = 4 << 20, STEP = 512 };
    g_autoptr(GString) body = g_string_new("data: ");
    struct framer f;
    struct framer_frame frame = { 0 };
    int64_t n = 0;

    for (int i = 0; i < SIZE / 16; i++)
        g_string_append(body, "0123456789abcdef");
    g_string_append(body, "\n\n");
    framer_init(&f, WEIR_FRAME_SSE);
    for (size_t len = 0; len < body->len; len += STEP) {
        n = framer_next(&f, body->str, len, false, &frame);
        g_assert_cmpint(n, ==, 0);
    }
    n = framer_next(&f, body->str, body->len, false, &frame);
    g_assert_cmpint(n, ==, (int64_t)body->len);
    g_assert_cmpuint(frame.frame.data.len, ==, SIZE);
    g_assert_cmpuint(frame.frame.flags, ==, 0);
    framer_finish(&f);
}

/* -- the other framings -------------------------------------------------------------------------
 */

static void test_lines(void)
{
    frames_are(WEIR_FRAME_LINES, "{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}",
               "|{\"a\":1};|{\"b\":2};|{\"c\":3};");
    frames_are(WEIR_FRAME_LINES, "a\n\n\nb\n", "|a;|b;");
    frames_are(WEIR_FRAME_LINES, "a\rb\n", "|a\rb;");
    frames_are(WEIR_FRAME_LINES, "", "");
    frames_are(WEIR_FRAME_LINES, "\n", "");
}

static void test_array(void)
{
    frames_are(WEIR_FRAME_ARRAY, "[{\"a\":1},{\"b\":[2]}]", "|{\"a\":1};|{\"b\":[2]};");
    frames_are(WEIR_FRAME_ARRAY, "[{\"a\":1}\n,\r\n{\"b\":2}\n]\n", "|{\"a\":1};|{\"b\":2};");
    frames_are(WEIR_FRAME_ARRAY, " [ ] ", "");
    frames_are(WEIR_FRAME_ARRAY, "[{\"s\":\"]}[{\\\"\\\\\"},{\"t\":\"\\\\\"}]",
               "|{\"s\":\"]}[{\\\"\\\\\"};|{\"t\":\"\\\\\"};");
    frames_are(WEIR_FRAME_ARRAY, "[1,true , null,\"a,]\",-2.5e3]",
               "|1;|true;|null;|\"a,]\";|-2.5e3;");
    frames_are(WEIR_FRAME_ARRAY, "[[1,[2]],[]]", "|[1,[2]];|[];");
}

/* Vendors send an error as an object where an array was due. */
static void test_array_error(void)
{
    frames_are(WEIR_FRAME_ARRAY, "{\"error\":{\"code\":429}}\n", "|{\"error\":{\"code\":429}};");
    frames_are(WEIR_FRAME_ARRAY, "\n{\"error\":1}", "|{\"error\":1};");
    frames_are(WEIR_FRAME_ARRAY, "", "");
    /* What is cut off reaches the decoder, which sees that it is no JSON. */
    frames_are(WEIR_FRAME_ARRAY, "[{\"a\":1},{\"b\":", "|{\"a\":1};|{\"b\":;");
}

static void test_array_garbage(void)
{
    refused(WEIR_FRAME_ARRAY, "[{\"a\":1}]x");
    refused(WEIR_FRAME_ARRAY, "[] []");
    refused(WEIR_FRAME_ARRAY, "[{\"a\":1}}]");
    refused(WEIR_FRAME_ARRAY, ",");
    refused(WEIR_FRAME_ARRAY, "  ]");
    refused(WEIR_FRAME_ARRAY, "[}");
}

/* An element of megabytes (an image), in small pieces. */
static void test_array_huge(void)
{
    enum { SIZE = 4 << 20, STEP = 512 };
    g_autoptr(GString) body = g_string_new("[{\"data\":\"");
    struct framer_frame frame = { 0 };
    struct framer f;

    for (int i = 0; i < SIZE / 16; i++)
        g_string_append(body, "0123456789]}\\\"{[");
    g_string_append(body, "\"},");
    framer_init(&f, WEIR_FRAME_ARRAY);
    for (size_t len = 0; len < body->len; len += STEP)
        g_assert_cmpint(framer_next(&f, body->str, len, false, &frame), ==, 0);
    g_assert_cmpint(framer_next(&f, body->str, body->len, false, &frame), ==,
                    (int64_t)body->len - 1);
    g_assert_cmpuint(frame.frame.data.len, ==, body->len - 2);
    framer_finish(&f);
}

static void test_whole(void)
{
    frames_are(WEIR_FRAME_WHOLE, "{\"a\":1}\n\n", "|{\"a\":1}\n\n;");
    frames_are(WEIR_FRAME_WHOLE, "", "");
    frames_are(99, "who knows", "|who knows;"); /* a framing newer than us is a whole body */
}

static void test_raw(void)
{
    struct outcome o = feed(WEIR_FRAME_RAW, S("abcdef"), 2, 3, false, false);

    same(&o, S("abcdef"), "|ab;|c;|def;");
    outcome_clear(&o);
    o = feed(WEIR_FRAME_RAW, S("abc"), 3, 3, true, false);
    same(&o, S("abc"), "|abc;");
    outcome_clear(&o);
}

/* Nothing comes after the end. */
static void test_ended(void)
{
    struct framer_frame frame = { 0 };
    struct framer f;

    framer_init(&f, WEIR_FRAME_LINES);
    g_assert_cmpint(framer_next(&f, "a\n", 2, true, &frame), ==, 2);
    g_assert_cmpuint(frame.frame.flags, ==, WEIR_FRAME_END);
    g_assert_true(f.ended);
    g_assert_cmpint(framer_next(&f, "b\n", 2, true, &frame), ==, 0);
    framer_finish(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/framer/sse/breaks", test_sse_breaks);
    g_test_add_func("/framer/sse/fields", test_sse_fields);
    g_test_add_func("/framer/sse/lines", test_sse_lines);
    g_test_add_func("/framer/sse/ends", test_sse_odd_ends);
    g_test_add_func("/framer/sse/comments", test_sse_comments);
    g_test_add_func("/framer/sse/bom", test_sse_bom);
    g_test_add_func("/framer/sse/huge", test_sse_huge);
    g_test_add_func("/framer/lines", test_lines);
    g_test_add_func("/framer/array", test_array);
    g_test_add_func("/framer/array/error", test_array_error);
    g_test_add_func("/framer/array/garbage", test_array_garbage);
    g_test_add_func("/framer/array/huge", test_array_huge);
    g_test_add_func("/framer/whole", test_whole);
    g_test_add_func("/framer/raw", test_raw);
    g_test_add_func("/framer/ended", test_ended);
    return g_test_run();
}
