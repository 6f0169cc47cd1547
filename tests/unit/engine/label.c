/*
 * label.c - tests of core/engine/label.c: the provider's name in what goes out, however it is cut
 * up.
 */
#include "engine/label.h"
#include "base/str.h"

#include <glib.h>

#define P "\"provider\":\"p\""

struct label_case {
    enum label_form form;
    const char *in, *out;
};

static const struct label_case cases[] = {
    { LABEL_WHOLE, "{\"a\":1}", "{" P ",\"a\":1}" },
    { LABEL_WHOLE, " \n{ }", " \n{ " P "}" },
    { LABEL_WHOLE, "{\"a\":{}}{\"b\":1}", "{" P ",\"a\":{}}{\"b\":1}" },
    { LABEL_WHOLE, "[{\"a\":1}]", "[{\"a\":1}]" },
    { LABEL_WHOLE, "", "" },
    { LABEL_WHOLE, "no {\"a\":1}", "no {\"a\":1}" },
    /* events without names are all of one kind */
    { LABEL_EVENTS, "data: {\"a\":1}\n\ndata:{}\n\ndata: [DONE]\n\n",
      "data: {" P ",\"a\":1}\n\ndata:{" P "}\n\ndata: [DONE]\n\n" },
    { LABEL_EVENTS, ": hello\n\nid: 7\r\ndata: {\"a\":1}\r\nretry: 1\r\n\r\n",
      ": hello\n\nid: 7\r\ndata: {" P ",\"a\":1}\r\nretry: 1\r\n\r\n" },
    { LABEL_EVENTS, "data: {\"a\":\ndata: {\"b\":1}}\n\ndata: {}\n\n",
      "data: {" P ",\"a\":\ndata: {\"b\":1}}\n\ndata: {" P "}\n\n" },
    { LABEL_EVENTS, "data: 1\n\ndata\n\ndatas: {}\n\n", "data: 1\n\ndata\n\ndatas: {}\n\n" },
    /* of those with names the first says it */
    { LABEL_EVENTS,
      "event: message_start\ndata: {\"type\":\"x\",\"m\":{}}\n\nevent: ping\ndata: {\"t\":1}\n\n",
      "event: message_start\ndata: {" P
      ",\"type\":\"x\",\"m\":{}}\n\nevent: ping\ndata: {\"t\":1}\n\n" },
    { LABEL_LINES, "{\"a\":1}\n{\"b\":\"\\n{\"}\r\n\n{}\n",
      "{" P ",\"a\":1}\n{" P ",\"b\":\"\\n{\"}\r\n\n{" P "}\n" },
    { LABEL_LINES, "x {\"a\":1}\n{\"b\":1}", "x {\"a\":1}\n{" P ",\"b\":1}" },
    { LABEL_ARRAY, "[{\"a\":{\"b\":[{}]},\"c\":\"}]{\\\"{\"},\r\n{}\n, {\"d\":1}]",
      "[{" P ",\"a\":{\"b\":[{}]},\"c\":\"}]{\\\"{\"},\r\n{" P "}\n, {" P ",\"d\":1}]" },
    { LABEL_ARRAY, "[]", "[]" },
    { LABEL_ARRAY, "data: {}", "data: {}" },
};

/* Cut into pieces of `step` bytes. */
static char *labelled(const struct label_case *c, size_t step)
{
    struct arena arena;
    struct label l;
    GString *out = g_string_new(NULL);
    size_t len = strlen(c->in);

    arena_init(&arena, 0);
    label_init(&l, c->form);
    for (size_t at = 0; at < len; at += step) {
        g_autofree char *piece = g_strndup(c->in + at, MIN(step, len - at));
        weir_str added = label_add(&l, &arena, str_of(piece), S("p"));

        g_string_append_len(out, added.ptr, (gssize)added.len);
    }
    arena_reset(&arena);
    return g_string_free(out, FALSE);
}

static void test_pieces(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].in) + 1; step++) {
            g_autofree char *out = labelled(&cases[i], step);

            g_assert_cmpstr(out, ==, cases[i].out);
        }
    }
}

/* What needs no label is not copied. */
static void test_untouched(void)
{
    weir_str piece = S("data: [DONE]\n\n");
    struct arena arena;
    struct label l;

    arena_init(&arena, 0);
    label_init(&l, LABEL_EVENTS);
    g_assert_true(label_add(&l, &arena, piece, S("p")).ptr == piece.ptr);
    g_assert_cmpuint(arena.total, ==, 0);
}

static void test_forms(void)
{
    g_assert_cmpint(label_form_of(S("text/event-stream; charset=utf-8")), ==, LABEL_EVENTS);
    g_assert_cmpint(label_form_of(S("application/x-ndjson")), ==, LABEL_LINES);
    g_assert_cmpint(label_form_of(S("application/json")), ==, LABEL_ARRAY);
    g_assert_cmpint(label_form_of(S("")), ==, LABEL_ARRAY);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/label/pieces", test_pieces);
    g_test_add_func("/label/untouched", test_untouched);
    g_test_add_func("/label/forms", test_forms);
    return g_test_run();
}
