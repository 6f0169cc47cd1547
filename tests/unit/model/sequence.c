/*
 * sequence.c - tests of core/model/sequence.c: one block at a time, tool calls in one piece.
 */
#include "model/sequence.h"
#include "base/str.h"

#include <glib.h>

struct stage {
    struct sequence s;
    GString *log;
    weir_events next;
    weir_result answer; /* what the receiver says */
};

static weir_result hear(void *ctx, const weir_event *e)
{
    static const char *const names[] = {
        "?", "start", "open", "delta", "close", "document", "usage"
    };
    struct stage *g = ctx;

    g_string_append(g->log, e->type == WEIR_EVENT_FINISH    ? "finish"
                            : e->type < G_N_ELEMENTS(names) ? names[e->type]
                                                            : "?");
    if (e->type >= WEIR_EVENT_BLOCK_START && e->type <= WEIR_EVENT_BLOCK_END)
        g_string_append_printf(g->log, "%d.%d/%d", e->choice, e->block, e->kind);
    if (e->type == WEIR_EVENT_FINISH)
        g_string_append_printf(g->log, "%d", e->choice);
    if (e->id.len)
        g_string_append_printf(g->log, "#%.*s", S_ARG(e->id));
    if (e->name.len)
        g_string_append_printf(g->log, "@%.*s", S_ARG(e->name));
    if (e->text.len)
        g_string_append_printf(g->log, "%s%.*s", e->text.form == WEIR_FORM_JSON ? "~" : "=",
                               S_ARG(e->text));
    if (e->extra.len)
        g_string_append_printf(g->log, "+%.*s", S_ARG(e->extra));
    g_string_append_c(g->log, ' ');
    return g->answer;
}

static void begin(struct stage *g, uint32_t flags, size_t limit)
{
    sequence_init(&g->s, flags, limit);
    g->log = g_string_new(NULL);
    g->next = (weir_events){ g, hear };
}

static void setup(struct stage *g, gconstpointer data)
{
    begin(g, GPOINTER_TO_UINT(data), 4096);
}

static void teardown(struct stage *g, gconstpointer data)
{
    (void)data;
    sequence_clear(&g->s);
    g_string_free(g->log, TRUE);
}

/* The event's strings are gone as soon as it has been taken. */
static weir_result send(struct stage *g, weir_event event)
{
    g_autofree char *id = g_strndup(event.id.ptr, event.id.len);
    g_autofree char *name = g_strndup(event.name.ptr, event.name.len);
    g_autofree char *text = g_strndup(event.text.ptr, event.text.len);
    g_autofree char *extra = g_strndup(event.extra.ptr, event.extra.len);

    event.struct_size = sizeof(event);
    event.id.ptr = id;
    event.name.ptr = name;
    event.text.ptr = text;
    event.extra.ptr = extra;
    return sequence_event(&g->s, &event, &g->next);
}

#define EVENT(what, ...) ((weir_event){ .type = WEIR_EVENT_##what, __VA_ARGS__ })
#define TEXT(s)                             \
    {                                       \
        s, sizeof(s) - 1, WEIR_FORM_UTF8, 0 \
    }
#define JSON(s)                             \
    {                                       \
        s, sizeof(s) - 1, WEIR_FORM_JSON, 0 \
    }

static void ok(struct stage *g, weir_event event)
{
    g_assert_cmpint(send(g, event), ==, WEIR_OK);
}

/* What has been heard since the last time. */
static void heard(struct stage *g, const char *expected)
{
    g_assert_cmpstr(g->log->str, ==, expected);
    g_string_truncate(g->log, 0);
}

static void open_block(struct stage *g, int32_t choice, int32_t block, uint16_t kind)
{
    ok(g, EVENT(BLOCK_START, .choice = choice, .block = block, .kind = kind));
}

static void close_block(struct stage *g, int32_t choice, int32_t block, uint16_t kind)
{
    ok(g, EVENT(BLOCK_END, .choice = choice, .block = block, .kind = kind));
}

static void say(struct stage *g, int32_t choice, int32_t block, const char *text)
{
    ok(g, EVENT(DELTA, .choice = choice, .block = block, .kind = WEIR_BLOCK_TEXT,
                .text = { text, strlen(text), WEIR_FORM_UTF8, 0 }));
}

enum { TXT = WEIR_BLOCK_TEXT, CALL = WEIR_BLOCK_TOOL_CALL };

/* -- SEQUENTIAL ------------------------------------------------------------------------------- */

/* Blocks that come one by one already pass event by event. */
static void test_passes(struct stage *g, gconstpointer data)
{
    (void)data;
    ok(g, EVENT(START, .id = S("m")));
    open_block(g, 0, 0, TXT);
    heard(g, "start#m open0.0/1 ");
    say(g, 0, 0, "a");
    heard(g, "delta0.0/1=a ");
    close_block(g, 0, 0, TXT);
    open_block(g, 0, 1, CALL);
    heard(g, "close0.0/1 open0.1/3 ");
    close_block(g, 0, 1, CALL);
    ok(g, EVENT(USAGE));
    ok(g, EVENT(FINISH));
    heard(g, "close0.1/3 usage finish0 ");
    g_assert_cmpuint(g->s.held, ==, 0);
    g_assert_cmpuint(g->s.arena.total, ==, 0);
}

/* What is opened inside another waits, and comes as it began. */
/* field: 3.2.1 */
static void test_interleaved(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, TXT);
    open_block(g, 0, 1, CALL);
    ok(g, EVENT(BLOCK_START, .block = 2, .kind = CALL, .id = S("c2"), .name = S("f"),
                .extra = S("\"x\":1")));
    say(g, 0, 2, "{");
    say(g, 0, 1, "1");
    say(g, 0, 0, "a");
    say(g, 0, 2, "}");
    close_block(g, 0, 2, CALL);
    heard(g, "open0.0/1 delta0.0/1=a ");
    close_block(g, 0, 0, TXT);
    heard(g, "close0.0/1 open0.1/3 delta0.1/3=1 ");
    say(g, 0, 1, "2"); /* its turn: it passes */
    heard(g, "delta0.1/1=2 ");
    close_block(g, 0, 1, CALL);
    heard(g, "close0.1/3 open0.2/3#c2@f+\"x\":1 delta0.2/3={} close0.2/3 ");
    ok(g, EVENT(FINISH));
    heard(g, "finish0 ");
    g_assert_cmpuint(g->s.arena.total, ==, 0);
}

/* Members that belong to a piece of text stay with it. */
static void test_extra(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, TXT);
    open_block(g, 0, 1, TXT);
    say(g, 0, 1, "a");
    say(g, 0, 1, "b");
    ok(g, EVENT(DELTA, .block = 1, .kind = TXT, .text = TEXT("c"), .extra = S("\"l\":1")));
    ok(g, EVENT(DELTA, .block = 1, .kind = TXT, .text = TEXT("d"), .extra = S("\"l\":2")));
    say(g, 0, 1, "e");
    ok(g, EVENT(BLOCK_END, .block = 1, .kind = TXT, .extra = S("\"s\":\"t\"")));
    heard(g, "open0.0/1 ");
    close_block(g, 0, 0, TXT);
    heard(g, "close0.0/1 open0.1/1 delta0.1/1=ab delta0.1/1=c+\"l\":1 delta0.1/1=d+\"l\":2 "
             "delta0.1/1=e close0.1/1+\"s\":\"t\" ");
}

/* Choices are blocks of one another; a choice ends when what began before has ended. */
static void test_choices(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, TXT);
    open_block(g, 1, 0, TXT);
    say(g, 1, 0, "one");
    close_block(g, 1, 0, TXT);
    ok(g, EVENT(FINISH, .choice = 1));
    ok(g, EVENT(USAGE));
    say(g, 0, 0, "zero");
    heard(g, "open0.0/1 usage delta0.0/1=zero ");
    close_block(g, 0, 0, TXT);
    heard(g, "close0.0/1 open1.0/1 delta1.0/1=one close1.0/1 finish1 ");
    ok(g, EVENT(FINISH, .choice = 0));
    heard(g, "finish0 ");
}

/* The number of a block that has ended may be used again. */
static void test_again(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 9, TXT);
    for (int i = 0; i < 2; i++) {
        open_block(g, 0, 0, TXT);
        say(g, 0, 0, i ? "b" : "a");
        close_block(g, 0, 0, TXT);
    }
    close_block(g, 0, 9, TXT);
    heard(g, "open0.9/1 close0.9/1 open0.0/1 delta0.0/1=a close0.0/1 open0.0/1 delta0.0/1=b "
             "close0.0/1 ");
}

static void test_limit(struct stage *g, gconstpointer data)
{
    g_autofree char *large = g_strnfill(3000, 'x');

    (void)data;
    open_block(g, 0, 0, TXT);
    open_block(g, 0, 1, TXT);
    say(g, 0, 1, large);
    g_assert_cmpint(
        send(g, EVENT(DELTA, .block = 1, .kind = TXT, .text = { large, 3000, WEIR_FORM_UTF8, 0 })),
        ==, WEIR_TOO_LARGE);
}

/* The limit is what waits at a time, not what has waited. */
static void test_limit_is_given_back(struct stage *g, gconstpointer data)
{
    g_autofree char *large = g_strnfill(3000, 'x');

    (void)data;
    open_block(g, 0, 0, TXT);
    for (int32_t i = 0; i < 100; i++) {
        open_block(g, 0, i + 1, TXT);
        say(g, 0, i + 1, large);
        close_block(g, 0, i, TXT);
    }
    g_assert_cmpuint(g->s.held, ==, 0);
}

static void test_receiver_stops(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, TXT);
    open_block(g, 0, 1, TXT);
    say(g, 0, 1, "b");
    g->answer = WEIR_STOPPED;
    g_assert_cmpint(send(g, EVENT(BLOCK_END, .block = 0, .kind = TXT)), ==, WEIR_STOPPED);
    heard(g, "open0.0/1 close0.0/1 ");
}

/* -- WHOLE_CALLS ------------------------------------------------------------------------------ */

static void call_piece(struct stage *g, int32_t block, weir_text text)
{
    ok(g, EVENT(DELTA, .block = block, .kind = CALL, .text = text));
}

/* Text goes on while a call is put together; calls come as they end. */
static void test_whole(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, TXT);
    ok(g, EVENT(BLOCK_START, .block = 1, .kind = CALL, .id = S("c1"), .name = S("f")));
    open_block(g, 0, 2, CALL);
    call_piece(g, 1, (weir_text)TEXT("{\"a\":"));
    say(g, 0, 0, "t");
    call_piece(g, 2, (weir_text)TEXT("{}"));
    heard(g, "open0.0/1 delta0.0/1=t ");
    close_block(g, 0, 2, CALL);
    heard(g, "open0.2/3 delta0.2/3={} close0.2/3 ");
    call_piece(g, 1, (weir_text)TEXT("1}"));
    ok(g, EVENT(BLOCK_END, .block = 1, .kind = CALL, .extra = S("\"s\":1")));
    heard(g, "open0.1/3#c1@f delta0.1/3={\"a\":1} close0.1/3+\"s\":1 ");
    close_block(g, 0, 0, TXT);
    ok(g, EVENT(FINISH));
    heard(g, "close0.0/1 finish0 ");
    g_assert_cmpuint(g->s.arena.total, ==, 0);
}

/* field: 3.2.1 */
static void test_no_arguments(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, CALL);
    close_block(g, 0, 0, CALL);
    heard(g, "open0.0/3 delta0.0/3={} close0.0/3 ");
    open_block(g, 0, 1, CALL);
    call_piece(g, 1, (weir_text)JSON(" \\n"));
    close_block(g, 0, 1, CALL);
    heard(g, "open0.1/3 delta0.1/3={} close0.1/3 ");
    ok(g, EVENT(BLOCK_START, .block = 2, .kind = CALL, .extra = S("\"type\":\"custom\"")));
    close_block(g, 0, 2, CALL);
    heard(g, "open0.2/3+\"type\":\"custom\" delta0.2/3 close0.2/3 ");
}

/* Pieces of both forms become one text. */
static void test_forms(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, CALL);
    call_piece(g, 0, (weir_text)TEXT("{\"a\":"));
    call_piece(g, 0, (weir_text)JSON("\\\"b\\\""));
    call_piece(g, 0, (weir_text)TEXT("}"));
    close_block(g, 0, 0, CALL);
    heard(g, "open0.0/3 delta0.0/3~{\\\"a\\\":\\\"b\\\"} close0.0/3 ");
}

static void test_content(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, CALL);
    call_piece(g, 0, (weir_text)TEXT("{}"));
    g_assert_false(g->s.content);
    close_block(g, 0, 0, CALL);
    g_assert_true(g->s.content);
}

/* -- both ------------------------------------------------------------------------------------- */

/* A call that is put together keeps its place in the sequence. */
static void test_both(struct stage *g, gconstpointer data)
{
    (void)data;
    open_block(g, 0, 0, CALL);
    call_piece(g, 0, (weir_text)TEXT("{\"a\":"));
    open_block(g, 0, 1, TXT);
    say(g, 0, 1, "t");
    open_block(g, 0, 2, CALL);
    close_block(g, 0, 2, CALL);
    heard(g, "");
    call_piece(g, 0, (weir_text)TEXT("1}"));
    close_block(g, 0, 0, CALL);
    heard(g, "open0.0/3 delta0.0/3={\"a\":1} close0.0/3 open0.1/1 delta0.1/1=t ");
    close_block(g, 0, 1, TXT);
    ok(g, EVENT(FINISH));
    heard(g, "close0.1/1 open0.2/3 delta0.2/3={} close0.2/3 finish0 ");
    g_assert_cmpuint(g->s.arena.total, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(flags, name, fn) \
    g_test_add("/sequence/" name, struct stage, GUINT_TO_POINTER(flags), setup, fn, teardown)
    ADD(WEIR_DIALECT_SEQUENTIAL, "passes", test_passes);
    ADD(WEIR_DIALECT_SEQUENTIAL, "interleaved", test_interleaved);
    ADD(WEIR_DIALECT_SEQUENTIAL, "extra", test_extra);
    ADD(WEIR_DIALECT_SEQUENTIAL, "choices", test_choices);
    ADD(WEIR_DIALECT_SEQUENTIAL, "again", test_again);
    ADD(WEIR_DIALECT_SEQUENTIAL, "limit", test_limit);
    ADD(WEIR_DIALECT_SEQUENTIAL, "limit-is-given-back", test_limit_is_given_back);
    ADD(WEIR_DIALECT_SEQUENTIAL, "receiver-stops", test_receiver_stops);
    ADD(WEIR_DIALECT_WHOLE_CALLS, "whole", test_whole);
    ADD(WEIR_DIALECT_WHOLE_CALLS, "no-arguments", test_no_arguments);
    ADD(WEIR_DIALECT_WHOLE_CALLS, "forms", test_forms);
    ADD(WEIR_DIALECT_WHOLE_CALLS, "content", test_content);
    ADD(WEIR_DIALECT_SEQUENTIAL | WEIR_DIALECT_WHOLE_CALLS, "both", test_both);
    return g_test_run();
}
