/*
 * gather.c - tests of core/model/gather.c: streams put together again.
 */
#include "model/gather.h"
#include "base/str.h"
#include "model/failure.h"

#include <glib.h>

struct kit {
    struct arena arena;
    struct gather gather;
};

static void setup(struct kit *k, gconstpointer data)
{
    (void)data;
    arena_init(&k->arena, 0);
    gather_init(&k->gather, &k->arena);
}

static void teardown(struct kit *k, gconstpointer data)
{
    (void)data;
    arena_reset(&k->arena);
    arena_thread_trim();
}

#define EVENT(what, ...) \
    (&(weir_event){ .struct_size = sizeof(weir_event), .type = WEIR_EVENT_##what, __VA_ARGS__ })
#define UTF8(s)                             \
    {                                       \
        s, sizeof(s) - 1, WEIR_FORM_UTF8, 0 \
    }
#define JSON(s)                             \
    {                                       \
        s, sizeof(s) - 1, WEIR_FORM_JSON, 0 \
    }

static void ok(struct kit *k, const weir_event *event)
{
    g_assert_cmpint(gather_event(&k->gather, event), ==, WEIR_OK);
}

static const weir_block *block(const weir_answer *a, uint32_t i)
{
    g_assert_cmpuint(i, <, a->blocks.count);
    return (const weir_block *)a->blocks.items + i;
}

static void text_is(const weir_block *b, uint32_t form, const char *expected)
{
    g_assert_cmpuint(b->text.form, ==, form);
    g_assert_cmpmem(b->text.ptr, b->text.len, expected, strlen(expected));
}

static void delta(struct kit *k, int32_t choice, int32_t number, weir_text text)
{
    ok(k, EVENT(DELTA, .choice = choice, .block = number, .kind = WEIR_BLOCK_TEXT, .text = text));
}

static void test_forms(struct kit *k, gconstpointer data)
{
    const weir_answer *a;

    (void)data;
    delta(k, 0, 0,
          (weir_text)UTF8("a\"b\\c\n\x01"
                          "\xC3\xA9"));
    delta(k, 0, 0, (weir_text)JSON("\\u00e9\\n"));
    delta(k, 0, 0, (weir_text)UTF8("\""));
    delta(k, 0, 1, (weir_text)JSON("x"));
    delta(k, 0, 1, (weir_text)UTF8("\ty"));
    delta(k, 0, 2, (weir_text)UTF8("plain "));
    delta(k, 0, 2, (weir_text)UTF8("\"still\""));
    delta(k, 0, 3, (weir_text)UTF8(""));
    delta(k, 0, 3, (weir_text)JSON("\\\""));
    a = gather_answer(&k->gather);
    text_is(block(a, 0), WEIR_FORM_JSON, "a\\\"b\\\\c\\u000a\\u0001\xC3\xA9\\u00e9\\n\\\"");
    text_is(block(a, 1), WEIR_FORM_JSON, "x\\u0009y");
    text_is(block(a, 2), WEIR_FORM_UTF8, "plain \"still\"");
    text_is(block(a, 3), WEIR_FORM_JSON, "\\\"");
}

/* By choice, then by the order in which they were opened, whatever numbers the emitter uses. */
static void test_order(struct kit *k, gconstpointer data)
{
    const weir_answer *a;

    (void)data;
    delta(k, 1, 9, (weir_text)UTF8("1a"));
    delta(k, 0, 5, (weir_text)UTF8("0a"));
    delta(k, 1, 2, (weir_text)UTF8("1b"));
    delta(k, 0, 5, (weir_text)UTF8("+"));
    delta(k, 1, 9, (weir_text)UTF8("+"));
    ok(k, EVENT(FINISH, .choice = 1, .reason = WEIR_FINISH_LENGTH, .name = S("max")));
    ok(k, EVENT(FINISH, .choice = 0, .reason = WEIR_FINISH_STOP, .extra = S("\"a\":1")));
    a = gather_answer(&k->gather);
    g_assert_cmpuint(a->blocks.count, ==, 3);
    g_assert_cmpuint(a->blocks.stride, ==, sizeof(weir_block));
    text_is(block(a, 0), WEIR_FORM_UTF8, "0a+");
    text_is(block(a, 1), WEIR_FORM_UTF8, "1a+");
    text_is(block(a, 2), WEIR_FORM_UTF8, "1b");
    g_assert_cmpint(block(a, 1)->index, ==, 0);
    g_assert_cmpint(block(a, 2)->index, ==, 1);
    g_assert_cmpint(block(a, 2)->choice, ==, 1);
    g_assert_cmpuint(a->choices.count, ==, 2);
    {
        const weir_choice *c = a->choices.items;

        g_assert_cmpint(c[0].choice, ==, 0);
        g_assert_cmpint(c[0].reason, ==, WEIR_FINISH_STOP);
        g_assert_true(str_is(c[0].extra, "\"a\":1"));
        g_assert_cmpint(c[1].reason, ==, WEIR_FINISH_LENGTH);
        g_assert_true(str_is(c[1].raw_reason, "max"));
    }
}

static void test_head(struct kit *k, gconstpointer data)
{
    weir_usage first, second;
    const weir_answer *a;

    (void)data;
    usage_clear(&first);
    usage_clear(&second);
    first.input_total = 10;
    first.output_total = 1;
    second.output_total = 7;
    ok(k, EVENT(START, .id = S("id-1"), .name = S("model-1")));
    ok(k, EVENT(BLOCK_START, .kind = WEIR_BLOCK_TOOL_CALL, .id = S("call"), .name = S("look")));
    ok(k, EVENT(DELTA, .kind = WEIR_BLOCK_TOOL_CALL, .text = JSON("{}")));
    ok(k, EVENT(USAGE, .usage = &first));
    ok(k, EVENT(USAGE, .usage = &second));
    ok(k, EVENT(USAGE));
    ok(k, EVENT(WARNING));
    a = gather_answer(&k->gather);
    g_assert_true(str_is(a->id, "id-1"));
    g_assert_true(str_is(a->model, "model-1"));
    g_assert_true(str_is(block(a, 0)->id, "call"));
    g_assert_true(str_is(block(a, 0)->name, "look"));
    g_assert_cmpint(block(a, 0)->kind, ==, WEIR_BLOCK_TOOL_CALL);
    g_assert_cmpint(a->usage->input_total, ==, 10);
    g_assert_cmpint(a->usage->output_total, ==, 7);
    g_assert_cmpint(a->usage->output_text, ==, -1);
}

static void test_extra(struct kit *k, gconstpointer data)
{
    const weir_answer *a;

    (void)data;
    ok(k, EVENT(BLOCK_START, .kind = WEIR_BLOCK_REASONING));
    ok(k, EVENT(DELTA, .kind = WEIR_BLOCK_REASONING, .text = UTF8("t"), .extra = S("\"a\":1")));
    ok(k, EVENT(BLOCK_END, .extra = S("\"signature\":\"s\"")));
    a = gather_answer(&k->gather);
    g_assert_true(str_is(block(a, 0)->extra, "\"a\":1,\"signature\":\"s\""));
    text_is(block(a, 0), WEIR_FORM_UTF8, "t");
}

/* Log probabilities come with every token: what is kept must not grow with the square. */
static void test_extra_many(struct kit *k, gconstpointer data)
{
    enum { COUNT = 5000 };
    static const char piece[] = "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.1}]}";
    const weir_answer *a;

    (void)data;
    for (int i = 0; i < COUNT; i++)
        ok(k, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = UTF8("a"), .extra = S(piece)));
    a = gather_answer(&k->gather);
    g_assert_cmpuint(block(a, 0)->extra.len, ==, sizeof(piece) * COUNT - 1);
    g_assert_cmpuint(k->arena.total, <, 8 * sizeof(piece) * COUNT);
}

static void test_document(struct kit *k, gconstpointer data)
{
    (void)data;
    ok(k, EVENT(DOCUMENT, .text = UTF8("{\"data\":[]}")));
    g_assert_true(k->gather.has_document);
    g_assert_true(str_is(k->gather.document, "{\"data\":[]}"));
}

static void test_empty(struct kit *k, gconstpointer data)
{
    const weir_answer *a = gather_answer(&k->gather);

    (void)data;
    g_assert_cmpuint(a->blocks.count, ==, 0);
    g_assert_cmpuint(a->choices.count, ==, 0);
    g_assert_cmpint(a->usage->input_total, ==, -1);
}

/* A long answer in small pieces arrives whole. */
static void test_long(struct kit *k, gconstpointer data)
{
    const weir_answer *a;

    (void)data;
    for (int i = 0; i < 100000; i++)
        delta(k, 0, 0, (weir_text)UTF8("0123456789"));
    a = gather_answer(&k->gather);
    g_assert_cmpuint(block(a, 0)->text.len, ==, 1000000);
    for (size_t i = 0; i < 1000000; i++)
        g_assert_cmpint(block(a, 0)->text.ptr[i], ==, '0' + (int)(i % 10));
}

/* -- limits: whatever does not fit is refused, never left out ------------------------------------
 */

static void small(struct gather *g, struct arena *arena)
{
    arena_init(arena, 64 * 1024);
    gather_init(g, arena);
    while (arena_alloc(arena, 16))
        ;
}

static void refuses(const weir_event *event)
{
    struct arena arena;
    struct gather g;

    small(&g, &arena);
    g_assert_cmpint(gather_event(&g, event), ==, WEIR_NO_MEMORY);
    arena_reset(&arena);
}

static void test_limits(void)
{
    refuses(EVENT(DELTA, .text = UTF8("x")));
    refuses(EVENT(BLOCK_START, .id = S("x")));
    refuses(EVENT(FINISH));
    refuses(EVENT(START, .id = S("x")));
    refuses(EVENT(DOCUMENT, .text = UTF8("{}")));
    arena_thread_trim();
}

static void test_limit_reached(void)
{
    struct arena arena;
    struct gather g;
    weir_result r = WEIR_OK;
    const weir_event *more = EVENT(DELTA, .text = UTF8("0123456789abcdef"));

    arena_init(&arena, 64 * 1024);
    gather_init(&g, &arena);
    for (int i = 0; i < 10000 && r == WEIR_OK; i++)
        r = gather_event(&g, more);
    g_assert_cmpint(r, ==, WEIR_NO_MEMORY);
    arena_reset(&arena);
    arena_init(&arena, 64 * 1024);
    gather_init(&g, &arena);
    r = gather_event(&g, EVENT(BLOCK_START, .kind = WEIR_BLOCK_TEXT));
    while (arena_alloc(&arena, 16))
        ;
    r = gather_event(&g, EVENT(BLOCK_END, .extra = S("\"signature\":\"s\"")));
    g_assert_cmpint(r, ==, WEIR_NO_MEMORY);
    arena_reset(&arena);
    arena_thread_trim();
}

/* For dialects that repeat what they have written. */
static void test_block(struct kit *k, gconstpointer data)
{
    const weir_block *b;

    (void)data;
    ok(k, EVENT(BLOCK_START, .block = 7, .kind = WEIR_BLOCK_TOOL_CALL, .id = S("c"), .name = S("f"),
                .extra = S("\"a\":1")));
    ok(k, EVENT(DELTA, .block = 7, .kind = WEIR_BLOCK_TOOL_CALL, .text = UTF8("{\"x\"")));
    ok(k, EVENT(DELTA, .block = 7, .kind = WEIR_BLOCK_TOOL_CALL, .text = UTF8(":1}")));
    ok(k, EVENT(BLOCK_END, .block = 7, .kind = WEIR_BLOCK_TOOL_CALL, .extra = S("\"b\":2")));
    b = gather_block(&k->gather, 0, 7);
    g_assert_nonnull(b);
    text_is(b, WEIR_FORM_UTF8, "{\"x\":1}");
    g_assert_true(str_is(b->id, "c"));
    g_assert_true(str_is(b->name, "f"));
    g_assert_true(str_is(b->extra, "\"a\":1,\"b\":2"));
    g_assert_null(gather_block(&k->gather, 1, 7));
    g_assert_null(gather_block(&k->gather, 0, 8));
}

/* Nothing keeps an emitter from giving the number of a block that has ended to another one. */
static void test_number_again(struct kit *k, gconstpointer data)
{
    const weir_answer *a;

    (void)data;
    ok(k, EVENT(BLOCK_START, .block = 0, .kind = WEIR_BLOCK_TEXT));
    delta(k, 0, 0, (weir_text)UTF8("first"));
    ok(k, EVENT(BLOCK_END, .block = 0, .kind = WEIR_BLOCK_TEXT, .extra = S("\"item_id\":\"m1\"")));
    ok(k, EVENT(BLOCK_START, .block = 1, .kind = WEIR_BLOCK_TEXT));
    ok(k,
       EVENT(BLOCK_START, .block = 0, .kind = WEIR_BLOCK_TOOL_CALL, .id = S("c"), .name = S("f")));
    delta(k, 0, 1, (weir_text)UTF8("other"));
    ok(k, EVENT(DELTA, .block = 0, .kind = WEIR_BLOCK_TOOL_CALL, .text = UTF8("{}")));
    ok(k, EVENT(BLOCK_END, .block = 1, .kind = WEIR_BLOCK_TEXT));
    ok(k, EVENT(BLOCK_END, .block = 0, .kind = WEIR_BLOCK_TOOL_CALL));
    text_is(gather_block(&k->gather, 0, 0), WEIR_FORM_UTF8, "{}");
    a = gather_answer(&k->gather);
    g_assert_cmpuint(a->blocks.count, ==, 3);
    text_is(block(a, 0), WEIR_FORM_UTF8, "first");
    g_assert_true(str_is(block(a, 0)->extra, "\"item_id\":\"m1\""));
    text_is(block(a, 1), WEIR_FORM_UTF8, "other");
    text_is(block(a, 2), WEIR_FORM_UTF8, "{}");
    g_assert_cmpuint(block(a, 2)->kind, ==, WEIR_BLOCK_TOOL_CALL);
    g_assert_true(str_is(block(a, 2)->name, "f"));
    g_assert_cmpint(block(a, 2)->index, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/gather/" name, struct kit, NULL, setup, fn, teardown)
    ADD("forms", test_forms);
    ADD("order", test_order);
    ADD("head", test_head);
    ADD("extra", test_extra);
    ADD("extra-many", test_extra_many);
    ADD("document", test_document);
    ADD("empty", test_empty);
    ADD("long", test_long);
    ADD("block", test_block);
    ADD("number-again", test_number_again);
    g_test_add_func("/gather/limits", test_limits);
    g_test_add_func("/gather/limit-reached", test_limit_reached);
    return g_test_run();
}
