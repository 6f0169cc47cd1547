/*
 * splice.c - tests of core/model/splice.c and delivered.c: a second answer takes over where the
 * first broke off, exactly there, or not at all.
 *
 * Answers are written as words: "+0t" begins block 0 as text ("r" reasoning, "f" refusal, "i"
 * image, "c:NAME" a call), "0=WORDS" is a delta ('_' is a blank), "-0" an end, "!" the finish, "u"
 * usage.
 */
#include "model/splice.h"
#include "base/str.h"

#include <stdlib.h>

struct stage {
    struct delivered d;
    struct splice s;
    GString *log;
};

static uint16_t kind_of(char c)
{
    return c == 't'   ? WEIR_BLOCK_TEXT
           : c == 'r' ? WEIR_BLOCK_REASONING
           : c == 'f' ? WEIR_BLOCK_REFUSAL
           : c == 'i' ? WEIR_BLOCK_IMAGE
                      : WEIR_BLOCK_TOOL_CALL;
}

static weir_event event_of(const char *word, uint16_t kinds[16])
{
    static const weir_usage usage = { .struct_size = sizeof(usage), .input_total = 7 };
    weir_event e = { .struct_size = sizeof(e) };
    const char *rest = strpbrk(word, "=trfic");

    e.block = atoi(*word == '+' || *word == '-' ? word + 1 : word);
    if (*word == '+') {
        e.type = WEIR_EVENT_BLOCK_START;
        e.kind = kinds[e.block] = kind_of(*rest);
        if (*rest == 'c')
            e.name = str_of(rest + 2);
    } else if (*word == '-') {
        e.type = WEIR_EVENT_BLOCK_END;
        e.kind = kinds[e.block];
    } else if (*word == '!') {
        e.type = WEIR_EVENT_FINISH;
    } else if (*word == 'u') {
        e.type = WEIR_EVENT_USAGE;
        e.usage = &usage;
    } else if (*word == 's') {
        e.type = WEIR_EVENT_START;
    } else {
        e.type = WEIR_EVENT_DELTA;
        e.kind = kinds[e.block];
        e.text = (weir_text){ rest + 1, strlen(rest + 1), WEIR_FORM_JSON, 0 };
    }
    return e;
}

/* What reaches the application is remembered there, as in the engine. */
static weir_result hear(void *ctx, const weir_event *e)
{
    static const char kinds[] = "?trcf";
    struct stage *g = ctx;

    if (e->type == WEIR_EVENT_BLOCK_START)
        g_string_append_printf(g->log, "+%d%c ", e->block,
                               e->kind == WEIR_BLOCK_TOOL_CALL ? 'c' : kinds[e->kind]);
    else if (e->type == WEIR_EVENT_DELTA)
        g_string_append_printf(g->log, "%d=%.*s ", e->block, S_ARG(e->text));
    else if (e->type == WEIR_EVENT_BLOCK_END)
        g_string_append_printf(g->log, "-%d ", e->block);
    else
        g_string_append(g->log, e->type == WEIR_EVENT_FINISH ? "! " : "u ");
    delivered_event(&g->d, e);
    return WEIR_OK;
}

static void each_word(const char *words, weir_result (*take)(struct stage *, const weir_event *),
                      struct stage *g)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    uint16_t kinds[16] = { 0 };

    for (char **word = list; *word; word++) {
        weir_event e;

        g_strdelimit(*word, "_", ' ');
        e = event_of(*word, kinds);
        if (**word && take(g, &e) < 0)
            return;
    }
}

static weir_result deliver(struct stage *g, const weir_event *e)
{
    delivered_event(&g->d, e);
    return WEIR_OK;
}

static weir_result hold_against(struct stage *g, const weir_event *e)
{
    const weir_events next = { g, hear };
    weir_result r = splice_event(&g->s, e, &next);

    g_assert_true((r < 0) == g->s.diverged);
    if (r < 0)
        g_string_append(g->log, "diverged ");
    return r;
}

/* What the application hears of `second` when `first` has been delivered. */
static char *splice_on(const char *first, const char *second, const char *again)
{
    struct stage g = { .log = g_string_new(NULL) };

    delivered_init(&g.d, 1000);
    each_word(first, deliver, &g);
    g_assert_true(delivered_open(&g.d));
    if (again)
        splice_init_on(&g.s, &g.d, str_of(again));
    else
        splice_init(&g.s, &g.d);
    each_word(second, hold_against, &g);
    splice_free(&g.s);
    delivered_free(&g.d);
    return g_string_free(g.log, FALSE);
}

static void gives(const char *first, const char *second, const char *expected)
{
    g_autofree char *log = splice_on(first, second, NULL);

    g_assert_cmpstr(g_strchomp(log), ==, expected);
}

static void test_text(void)
{
    gives("s +0t 0=Hello", "s +0t 0=Hello 0=_world -0 !", "0= world -0 !");
    gives("s +0t 0=Hello", "s +0t 0=He 0=llo_wor 0=ld -0 !", "0= wor 0=ld -0 !");
    gives("s +0t 0=Hello", "s +3t 3=Hello -3 !", "-0 !");
    gives("s +0t 0=Hel 0=lo", "s +0t 0=H\\u0065llo! -0 !", "0=! -0 !");
    gives("s +0t 0=one -0 +1t 1=tw", "s +0t 0=one -0 +1t 1=two -1 !", "1=o -1 !");
    gives("s +0t 0=one -0", "s +0t 0=one -0 +1t 1=two -1 !", "+2t 2=two -2 !");
}

static void test_divergence(void)
{
    gives("s +0t 0=Hello", "s +0t 0=Hi", "diverged");
    gives("s +0t 0=Hello", "s +0t 0=Hel -0", "diverged");
    gives("s +0t 0=Hello", "s +0t 0=Hel !", "diverged");
    gives("s +0t 0=Hello", "s +0f 0=Hello", "diverged");
    gives("s +0t 0=Hello", "s +0c:f 0={}", "diverged");
    gives("s +0t 0=one -0 +1t 1=tw", "s +0t 0=onetw", "diverged");
    gives("s +0t 0=one -0 +1t 1=tw", "s +0t 0=one -0 !", "diverged");
    gives("s +0t 0=one +1c:f 1={", "s +0t 0=one! ", "diverged");
}

/* A decoder may end its blocks only with the answer. */
static void test_late_ends(void)
{
    gives("s +0t 0=one +1t 1=tw", "s +0t 0=one +1t 1=two -0 -1 !", "1=o -0 -1 !");
    gives("s +0t 0=one +1t 1=tw", "s +0t 0=one -0 +1t 1=two -1 !", "-0 1=o -1 !");
}

static void test_reasoning(void)
{
    gives("s +0r 0=hm -0 +1t 1=Yes", "s +0r 0=well -0 +1t 1=Yes, -1 !", "1=, -1 !");
    gives("s +0r 0=hm", "s +0r 0=well -0 +1t 1=Yes -1 !", "-0 +2t 2=Yes -2 !");
    gives("s +0t 0=Yes", "s +0r 0=well -0 +1t 1=Yes, -1 +2r 2=more -2 !", "0=, -0 +3r 3=more -3 !");
}

static void test_calls(void)
{
    gives("s +0c:f 0={\"a\":1} -0", "s +0c:f 0={_\"a\"_:_1_} -0 +1c:g 1={} -1 !", "+2c 2={} -2 !");
    gives("s +0c:f 0={\"a\":1,\"b\":2} -0", "s +0c:f 0={\"b\":2,\"a\":1.0} -0", "diverged");
    gives("s +0c:f 0={\"a\":1,\"b\":2} -0", "s +0c:f 0={\"b\":2, 0=\"a\":1} -0 !", "!");
    gives("s +0c:f 0={\"a\":", "s +0c:f 0={\"a\"_:_1 0=} -0 !", "0= 1 0=} -0 !");
    gives("s +0c:f 0={\"a\":\"x_y", "s +0c:f 0={\"a\":\"x_yz\"} -0 !", "0=z\"} -0 !");
    gives("s +0c:f 0={\"a\":\"x_y", "s +0c:f 0={\"a\":\"xy\"}", "diverged");
    gives("s +0c:f 0={\"a\":1} -0", "s +0c:g 0={}", "diverged");
    gives("s +0c:f 0={\"a\":1} -0", "s +0c:f 0={\"a\":2} -0", "diverged");
    gives("s +0c:f", "s +0c:f 0={} -0 !", "0={} -0 !");
    gives("s +0c:f 0={} -0 +1c:g 1={", "s +0c:f +1c:g 0={} 1={\"b\":2} -0 -1 !", "1=\"b\":2} -1 !");
}

/* The usage reported is the one of the answer that went on. */
static void test_usage(void)
{
    gives("s +0t 0=Hello u", "s u +0t 0=Hello! -0 u !", "u 0=! -0 u !");
    gives("s +0t 0=Hello", "s u +0t 0=Ha", "diverged");
}

static void goes_on(const char *first, const char *second, const char *again, const char *expected)
{
    g_autofree char *log = splice_on(first, second, again);

    g_assert_cmpstr(g_strchomp(log), ==, expected);
}

static void test_going_on(void)
{
    goes_on("s +0t 0=Hello", "s +0t 0=_world -0 !", "", "0= world -0 !");
    goes_on("s +0t 0=Hello_", "s +0t 0=_ 0=world -0 !", " ", "0=world -0 !");
    goes_on("s +0t 0=Hello_", "s +0t 0=world -0 !", " ", "0=world -0 !");
    goes_on("s +0t 0=Hello", "s +0r 0=hm -0 +1t 1=! -1 !", "", "0=! -0 !");
    goes_on("s +0t 0=Hello -0", "s +0t 0=More -0 !", "", "+1t 1=More -1 !");
    goes_on("s +0t 0=Hello", "s +0c:f 0={} -0 !", "", "+1c 1={} -1 !");
}

static void remembers(const char *words, bool open, bool text)
{
    struct stage g = { 0 };

    delivered_init(&g.d, 20);
    each_word(words, deliver, &g);
    g_assert_cmpint(delivered_open(&g.d), ==, open);
    g_assert_cmpint(delivered_is_text(&g.d), ==, text);
    delivered_free(&g.d);
}

static void test_delivered(void)
{
    remembers("s +0t 0=a", true, true);
    remembers("s +0r 0=a -0 +1t 1=b", true, true);
    remembers("s +0c:f 0={", true, false);
    remembers("s +0i 0=a", false, true);
    remembers("s +0t 0=a -0 !", false, true);
    remembers("s +0t 0=aaaaaaaaaaaa 0=aaaaaaaaaaaa", false, true);
}

static weir_result write_down(void *ctx, const weir_event *e)
{
    GString *log = ctx;

    if (e->type == WEIR_EVENT_START)
        g_string_append_printf(log, "s(%.*s,%.*s) ", S_ARG(e->id), S_ARG(e->name));
    else if (e->type == WEIR_EVENT_BLOCK_START)
        g_string_append_printf(log, "+%d:%d(%.*s,%.*s) ", e->block, e->kind, S_ARG(e->id),
                               S_ARG(e->name));
    else if (e->type == WEIR_EVENT_DELTA)
        g_string_append_printf(log, "%d=%.*s ", e->block, S_ARG(e->text));
    else
        g_string_append_printf(log, "-%d ", e->block);
    return strstr(log->str, "stop") ? WEIR_NO_MEMORY : WEIR_OK;
}

/* An encoder that heard none of it is told all of it: names, blocks, and as many pieces. */
static void test_again(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    const weir_events to = { log, write_down };
    weir_event e = { .struct_size = sizeof(e), .type = WEIR_EVENT_START };
    struct stage g = { .log = NULL };

    delivered_init(&g.d, 1000);
    e.id = S("id-1");
    e.name = S("m-2");
    delivered_event(&g.d, &e);
    each_word("+0r 0=hm_ 0=so -0 +1t 1=a\\u00e4 1=\\u00e4b", deliver, &g);
    e = (weir_event){ .struct_size = sizeof(e),
                      .type = WEIR_EVENT_BLOCK_START,
                      .kind = WEIR_BLOCK_TOOL_CALL,
                      .block = 2,
                      .id = S("call-1"),
                      .name = S("look") };
    delivered_event(&g.d, &e);
    g_assert_cmpint(delivered_replay(&g.d, &to), ==, WEIR_OK);
    g_assert_cmpstr(log->str, ==,
                    "s(id-1,m-2) +0:2(,) 0=hm 0= so -0 +1:1(,) 1=aä 1=äb +2:3(call-1,look) ");

    e.type = WEIR_EVENT_DELTA;
    e.text = (weir_text){ "stop", 4, WEIR_FORM_JSON, 0 };
    delivered_event(&g.d, &e);
    g_string_truncate(log, 0);
    g_assert_cmpint(delivered_replay(&g.d, &to), <, 0);
    g_assert_true(g_str_has_suffix(log->str, "2=stop "));
    delivered_free(&g.d);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/splice/text", test_text);
    g_test_add_func("/splice/divergence", test_divergence);
    g_test_add_func("/splice/late-ends", test_late_ends);
    g_test_add_func("/splice/reasoning", test_reasoning);
    g_test_add_func("/splice/calls", test_calls);
    g_test_add_func("/splice/usage", test_usage);
    g_test_add_func("/splice/going-on", test_going_on);
    g_test_add_func("/splice/delivered", test_delivered);
    g_test_add_func("/splice/again", test_again);
    return g_test_run();
}
