/*
 * order.c - tests of core/model/order.c: the order that dialects rely on, whatever a decoder emits.
 */
#include "model/order.h"
#include "base/arena.h"
#include "base/str.h"

#include <glib.h>

struct heard {
    GString *log;
    weir_result answer; /* what the receiver says */
    weir_usage usage;
    uint16_t reason;
};

static const char *type_name(unsigned type)
{
    static const char *const names[] = { "?",      "start",    "open",    "delta",
                                         "close",  "document", "usage",   "rate",
                                         "finish", "error",    "warning", "credential" };

    return type < G_N_ELEMENTS(names) ? names[type] : "?";
}

static weir_result hear(void *ctx, const weir_event *e)
{
    struct heard *h = ctx;

    g_string_append_printf(h->log, "%s", type_name(e->type));
    if (e->type == WEIR_EVENT_BLOCK_START || e->type == WEIR_EVENT_DELTA ||
        e->type == WEIR_EVENT_BLOCK_END)
        g_string_append_printf(h->log, "%d.%d/%d", e->choice, e->block, e->kind);
    if (e->type == WEIR_EVENT_FINISH)
        if (e->type == WEIR_EVENT_FINISH) {
            g_string_append_printf(h->log, "%d", e->choice);
            h->reason = e->reason;
        }
    if (e->id.len)
        g_string_append_printf(h->log, "#%.*s", S_ARG(e->id));
    if (e->text.len)
        g_string_append_printf(h->log, "=%.*s", S_ARG(e->text));
    if (e->extra.len)
        g_string_append_printf(h->log, "+%.*s", S_ARG(e->extra));
    if (e->usage)
        h->usage = *e->usage;
    g_string_append_c(h->log, ' ');
    return h->answer;
}

static const weir_usage counts = { .struct_size = sizeof(counts) };

struct guard {
    struct arena memory;
    struct order order;
    struct heard heard;
    weir_events next;
};

static void setup(struct guard *g, gconstpointer data)
{
    (void)data;
    arena_init(&g->memory, 0);
    g->order = (struct order){ .memory = arena_abi(&g->memory) };
    g->heard.log = g_string_new(NULL);
    g->next = (weir_events){ &g->heard, hear };
}

static void teardown(struct guard *g, gconstpointer data)
{
    (void)data;
    g_string_free(g->heard.log, TRUE);
    arena_reset(&g->memory);
}

static weir_result send(struct guard *g, weir_event event)
{
    event.struct_size = sizeof(event);
    return order_event(&g->order, &event, &g->next);
}

#define EVENT(what, ...) ((weir_event){ .type = WEIR_EVENT_##what, __VA_ARGS__ })
#define TEXT(s)                             \
    {                                       \
        s, sizeof(s) - 1, WEIR_FORM_UTF8, 0 \
    }

static void ok(struct guard *g, weir_event event)
{
    g_assert_cmpint(send(g, event), ==, WEIR_OK);
}

static void heard_is(struct guard *g, const char *expected)
{
    g_assert_cmpstr(g->heard.log->str, ==, expected);
}

/* A decoder that emits deltas and a finish, nothing else. */
static void test_forgotten(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a"), .extra = S("\"x\":1")));
    g_assert_true(g->order.content);
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("b")));
    g_assert_false(order_complete(&g->order));
    ok(g, EVENT(FINISH, .reason = WEIR_FINISH_STOP));
    g_assert_true(order_complete(&g->order));
    heard_is(g, "start open0.0/1 delta0.0/1=a+\"x\":1 delta0.0/1=b close0.0/1 finish0 ");
}

static void test_whole(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(START, .id = S("m1")));
    ok(g, EVENT(BLOCK_START, .kind = WEIR_BLOCK_TEXT));
    g_assert_false(g->order.content);
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a")));
    ok(g, EVENT(BLOCK_END, .kind = WEIR_BLOCK_TEXT));
    ok(g, EVENT(USAGE, .usage = &counts));
    ok(g, EVENT(FINISH));
    heard_is(g, "start#m1 open0.0/1 delta0.0/1=a close0.0/1 usage finish0 ");
}

static void test_late(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a")));
    ok(g, EVENT(START, .id = S("late")));
    ok(g, EVENT(FINISH));
    g_string_truncate(g->heard.log, 0);
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("late")));
    ok(g, EVENT(BLOCK_START, .block = 3, .kind = WEIR_BLOCK_TEXT));
    ok(g, EVENT(BLOCK_END, .kind = WEIR_BLOCK_TEXT));
    ok(g, EVENT(FINISH, .reason = WEIR_FINISH_LENGTH));
    heard_is(g, "");
    g_assert_true(order_complete(&g->order));
    g_assert_cmpuint(g->order.finished_count, ==, 1);
}

/* An end without a start is nothing; the same start twice opens one block. */
static void test_ends(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(BLOCK_END, .block = 2));
    ok(g, EVENT(BLOCK_START, .block = 1, .kind = WEIR_BLOCK_TEXT));
    ok(g, EVENT(BLOCK_START, .block = 1, .kind = WEIR_BLOCK_TEXT));
    /* The kind an end names is the block's own, whatever the decoder said. */
    ok(g,
       EVENT(BLOCK_END, .block = 1, .kind = WEIR_BLOCK_AUDIO, .extra = S("\"signature\":\"s\"")));
    ok(g, EVENT(BLOCK_END, .block = 1));
    heard_is(g, "start open0.1/1 close0.1/1+\"signature\":\"s\" ");
}

static void test_choices(struct guard *g, gconstpointer data)
{
    (void)data;
    for (int32_t c = 0; c < 3; c++)
        ok(g, EVENT(DELTA, .choice = c, .kind = WEIR_BLOCK_TEXT, .text = TEXT("x")));
    ok(g, EVENT(BLOCK_START, .choice = 1, .block = 1, .kind = WEIR_BLOCK_TOOL_CALL, .id = S("t"),
                .name = S("f")));
    g_string_truncate(g->heard.log, 0);
    ok(g, EVENT(FINISH, .choice = 1));
    heard_is(g, "close1.0/1 close1.1/3 finish1 ");
    ok(g, EVENT(FINISH, .choice = 0));
    g_assert_false(order_complete(&g->order));
    ok(g, EVENT(FINISH, .choice = 2));
    g_assert_true(order_complete(&g->order));
    /* One that shows up late has yet to finish. */
    ok(g, EVENT(DELTA, .choice = 3, .kind = WEIR_BLOCK_TEXT, .text = TEXT("x")));
    g_assert_false(order_complete(&g->order));
}

static void test_choice_range(struct guard *g, gconstpointer data)
{
    const int32_t bad[] = { -1, ORDER_MAX_CHOICES, G_MAXINT32, G_MININT32 };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(send(g, EVENT(DELTA, .choice = bad[i], .text = TEXT("x"))), ==,
                        WEIR_PROTOCOL);
        g_assert_cmpint(send(g, EVENT(FINISH, .choice = bad[i])), ==, WEIR_PROTOCOL);
    }
    heard_is(g, "");
    for (int32_t c = 0; c < ORDER_MAX_CHOICES; c++)
        ok(g, EVENT(FINISH, .choice = c));
    g_assert_true(order_complete(&g->order));
}

static void test_too_many_open(struct guard *g, gconstpointer data)
{
    (void)data;
    for (int32_t b = 0; b < ORDER_MAX_OPEN; b++)
        ok(g, EVENT(BLOCK_START, .block = b, .kind = WEIR_BLOCK_TEXT));
    g_assert_cmpint(send(g, EVENT(BLOCK_START, .block = 1000)), ==, WEIR_PROTOCOL);
    /* Room is what is closed, not what has been. */
    ok(g, EVENT(BLOCK_END, .block = 17));
    ok(g, EVENT(BLOCK_START, .block = 1000, .kind = WEIR_BLOCK_TEXT));
    g_string_truncate(g->heard.log, 0);
    ok(g, EVENT(DELTA, .block = 63, .kind = WEIR_BLOCK_TEXT, .text = TEXT("x")));
    heard_is(g, "delta0.63/1=x ");
}

/* A call is content by itself, reasoning counts, an empty delta does not. */
static void test_content(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT));
    g_assert_false(g->order.content);
    ok(g, EVENT(DELTA, .block = 1, .kind = WEIR_BLOCK_REASONING, .text = TEXT("hm")));
    g_assert_true(g->order.content);
    teardown(g, data);
    setup(g, data);
    ok(g, EVENT(BLOCK_START, .kind = WEIR_BLOCK_TOOL_CALL, .name = S("f")));
    g_assert_true(g->order.content);
}

static void test_error(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a")));
    ok(g, EVENT(ERROR));
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("b")));
    ok(g, EVENT(FINISH));
    ok(g, EVENT(DOCUMENT));
    ok(g, EVENT(USAGE, .usage = &counts));
    heard_is(g, "start open0.0/1 delta0.0/1=a error ");
    g_assert_false(order_complete(&g->order));
}

static void test_document(struct guard *g, gconstpointer data)
{
    (void)data;
    g_assert_false(order_complete(&g->order));
    ok(g, EVENT(USAGE, .usage = &counts));
    g_assert_false(order_complete(&g->order));
    ok(g, EVENT(DOCUMENT, .text = TEXT("{}")));
    g_assert_true(order_complete(&g->order));
    heard_is(g, "usage document={} ");
}

/* What the receiver says is handed back, and nothing more is sent to it. */
static void test_receiver_stops(struct guard *g, gconstpointer data)
{
    (void)data;
    g->heard.answer = WEIR_STOPPED;
    g_assert_cmpint(send(g, EVENT(DELTA, .text = TEXT("x"))), ==, WEIR_STOPPED);
    heard_is(g, "start ");
}

static void call(struct guard *g, int32_t choice, const char *text)
{
    ok(g, EVENT(BLOCK_START, .choice = choice, .kind = WEIR_BLOCK_TOOL_CALL, .name = S("f")));
    ok(g, EVENT(DELTA, .choice = choice, .kind = WEIR_BLOCK_TOOL_CALL,
                .text = { text, strlen(text), WEIR_FORM_UTF8, 0 }));
}

/* Half a call is never the end of an answer, closed by the decoder or not. */
/* field: 3.2.2 */
static void test_cut_call(struct guard *g, gconstpointer data)
{
    for (int closed = 0; closed < 2; closed++) {
        teardown(g, data);
        setup(g, data);
        call(g, 0, "{\"a\":");
        if (closed)
            ok(g, EVENT(BLOCK_END, .kind = WEIR_BLOCK_TOOL_CALL));
        g_assert_false(g->order.cut_short);
        g_assert_cmpint(send(g, EVENT(FINISH, .reason = WEIR_FINISH_TOOL_CALLS)), ==,
                        WEIR_PROTOCOL);
        g_assert_true(g->order.cut_short);
        g_assert_false(order_complete(&g->order));
        /* Nor is it when it is said again. */
        g_assert_cmpint(send(g, EVENT(FINISH, .reason = WEIR_FINISH_STOP)), ==, WEIR_PROTOCOL);
        heard_is(g, "start open0.0/3 delta0.0/3={\"a\": close0.0/3 ");
    }
}

/* What a decoder says of another kind than the block is of has no place in it. */
static void test_other_kind(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_REASONING, .text = TEXT("hm")));
    g_assert_cmpint(send(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a"))), ==,
                    WEIR_PROTOCOL);
    heard_is(g, "start open0.0/2 delta0.0/2=hm ");
}

/* Dialects may add counts up. */
static void test_counts(struct guard *g, gconstpointer data)
{
    weir_usage large = counts;

    (void)data;
    large.input_total = INT64_MAX;
    large.output_total = 7;
    large.output_text = -5;
    ok(g, EVENT(USAGE, .usage = &large));
    g_assert_cmpint(g->heard.usage.input_total, ==, -1);
    g_assert_cmpint(g->heard.usage.output_total, ==, 7);
    g_assert_cmpint(g->heard.usage.output_text, ==, -1);
    ok(g, EVENT(USAGE)); /* without any */
    heard_is(g, "usage ");
}

/* A block that a decoder forgot to begin is begun for it; not a call, which has a name. */
static void test_nameless_call(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a")));
    g_assert_cmpint(
        send(g, EVENT(DELTA, .block = 1, .kind = WEIR_BLOCK_TOOL_CALL, .text = TEXT("{}"))), ==,
        WEIR_PROTOCOL);
    g_assert_cmpint(send(g, EVENT(BLOCK_START, .block = 1, .kind = WEIR_BLOCK_TOOL_CALL)), ==,
                    WEIR_PROTOCOL);
    heard_is(g, "start open0.0/1 delta0.0/1=a ");
}

/* Only the last thing of a choice can have broken off, whatever the reason. */
static void test_cut_call_followed(struct guard *g, gconstpointer data)
{
    for (int closed = 0; closed < 2; closed++) {
        weir_event next = EVENT(BLOCK_START, .block = 1, .kind = WEIR_BLOCK_TEXT);
        weir_event end = EVENT(FINISH, .reason = WEIR_FINISH_LENGTH);

        teardown(g, data);
        setup(g, data);
        call(g, 0, "{\"a\":");
        if (closed)
            ok(g, EVENT(BLOCK_END, .kind = WEIR_BLOCK_TOOL_CALL));
        else
            ok(g, next);
        g_assert_false(g->order.cut_short);
        g_assert_cmpint(send(g, closed ? next : end), ==, WEIR_PROTOCOL);
        g_assert_true(g->order.cut_short);
    }
}

/* Calls may come in turns, as long as each becomes whole. */
static void test_calls_in_turns(struct guard *g, gconstpointer data)
{
    (void)data;
    call(g, 0, "{\"a\":");
    ok(g, EVENT(BLOCK_START, .block = 1, .kind = WEIR_BLOCK_TOOL_CALL, .name = S("g")));
    call(g, 0, "1}");
    ok(g, EVENT(DELTA, .block = 1, .kind = WEIR_BLOCK_TOOL_CALL, .text = TEXT("{")));
    ok(g, EVENT(FINISH, .reason = WEIR_FINISH_LENGTH));
    g_assert_true(order_complete(&g->order));
}

/* Most APIs take a refusal for a whole answer, but this one was stopped. */
static void test_cut_call_refused(struct guard *g, gconstpointer data)
{
    (void)data;
    call(g, 0, "{");
    ok(g, EVENT(FINISH, .reason = WEIR_FINISH_REFUSAL, .name = S("refusal")));
    g_assert_cmpint(g->heard.reason, ==, WEIR_FINISH_CONTENT_FILTER);
    ok(g, EVENT(FINISH, .choice = 1, .reason = WEIR_FINISH_REFUSAL));
    g_assert_cmpint(g->heard.reason, ==, WEIR_FINISH_REFUSAL);
}

/* These reasons say themselves that something is missing. */
static void test_cut_call_told(struct guard *g, gconstpointer data)
{
    const uint16_t reasons[] = { WEIR_FINISH_LENGTH, WEIR_FINISH_CONTENT_FILTER,
                                 WEIR_FINISH_REFUSAL };

    (void)data;
    for (int32_t c = 0; c < (int32_t)G_N_ELEMENTS(reasons); c++) {
        call(g, c, "{");
        ok(g, EVENT(FINISH, .choice = c, .reason = reasons[c]));
    }
    g_assert_true(order_complete(&g->order));
}

/* One choice's call says nothing of another's. */
static void test_whole_calls(struct guard *g, gconstpointer data)
{
    (void)data;
    call(g, 70, "{");
    call(g, 6, "{\"a\":");
    call(g, 6, "{}}");
    ok(g, EVENT(FINISH, .choice = 6, .reason = WEIR_FINISH_STOP));
    /* Without arguments. */
    ok(g, EVENT(BLOCK_START, .choice = 7, .kind = WEIR_BLOCK_TOOL_CALL, .name = S("f")));
    ok(g, EVENT(FINISH, .choice = 7, .reason = WEIR_FINISH_TOOL_CALLS));
    ok(g, EVENT(BLOCK_START, .choice = 8, .kind = WEIR_BLOCK_TOOL_CALL, .name = S("f"),
                .extra = S("\"type\":\"custom\"")));
    call(g, 8, "ls {");
    ok(g, EVENT(FINISH, .choice = 8, .reason = WEIR_FINISH_TOOL_CALLS));
    g_assert_cmpint(send(g, EVENT(FINISH, .choice = 70)), ==, WEIR_PROTOCOL);
}

/* The books want it, whenever it comes. */
static void test_late_usage(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(DELTA, .kind = WEIR_BLOCK_TEXT, .text = TEXT("a")));
    ok(g, EVENT(FINISH));
    ok(g, EVENT(USAGE, .usage = &counts));
    heard_is(g, "start open0.0/1 delta0.0/1=a close0.0/1 finish0 usage ");
}

/* Types newer than this list pass. */
static void test_unknown(struct guard *g, gconstpointer data)
{
    (void)data;
    ok(g, (weir_event){ .type = 4711 });
    heard_is(g, "? ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/order/" name, struct guard, NULL, setup, fn, teardown)
    ADD("forgotten", test_forgotten);
    ADD("whole", test_whole);
    ADD("late", test_late);
    ADD("ends", test_ends);
    ADD("choices", test_choices);
    ADD("choice-range", test_choice_range);
    ADD("too-many-open", test_too_many_open);
    ADD("content", test_content);
    ADD("error", test_error);
    ADD("document", test_document);
    ADD("receiver-stops", test_receiver_stops);
    ADD("cut-call", test_cut_call);
    ADD("cut-call-told", test_cut_call_told);
    ADD("cut-call-followed", test_cut_call_followed);
    ADD("cut-call-refused", test_cut_call_refused);
    ADD("calls-in-turns", test_calls_in_turns);
    ADD("nameless-call", test_nameless_call);
    ADD("other-kind", test_other_kind);
    ADD("counts", test_counts);
    ADD("whole-calls", test_whole_calls);
    ADD("late-usage", test_late_usage);
    ADD("unknown", test_unknown);
    return g_test_run();
}
