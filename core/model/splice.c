/*
 * splice.c - see splice.h.
 */
#include "model/splice.h"
#include "base/str.h"
#include "model/failure.h"

#include <jansson.h>
#include <weir/sdk/text.h>

enum state {
    SWALLOWED, /* of no further interest */
    COMPARED,  /* with what was delivered, as it comes */
    ENDED,     /* agrees to its end, which is still to be told */
    HELD,      /* a call whose like was delivered whole: compared when it has ended */
    PASSED,
};

void splice_init(struct splice *s, const struct delivered *d)
{
    *s = (struct splice){ .d = d, .due = d->count, .base = d->highest + 1 };
    s->scratch = g_string_new(NULL);
    usage_clear(&s->usage);
}

void splice_init_on(struct splice *s, const struct delivered *d, weir_str again)
{
    splice_init(s, d);
    s->goes_on = true;
    s->again = again;
    s->next = s->due;
}

void splice_free(struct splice *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->blocks[i].held)
            g_string_free(s->blocks[i].held, TRUE);
    }
    g_free(s->blocks);
    if (s->scratch)
        g_string_free(s->scratch, TRUE);
    s->blocks = NULL;
    s->scratch = NULL;
    s->count = 0;
}

static weir_result diverge(struct splice *s)
{
    s->diverged = true;
    return WEIR_PROTOCOL;
}

/* -- passing on ------------------------------------------------------------------------------- */

static weir_result pass_as(const weir_event *event, int32_t number, const weir_events *next)
{
    weir_event out = *event;

    out.block = number;
    return next->emit(next->ctx, &out);
}

/* Whether a delivered block that is still open has its end in this answer; reasoning always has. */
static bool has_ended(struct splice *s, uint32_t at)
{
    if (s->d->blocks[at].kind == WEIR_BLOCK_REASONING)
        return true;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->blocks[i].state != ENDED || s->blocks[i].at != at)
            continue;
        s->blocks[i].state = SWALLOWED;
        return true;
    }
    return false;
}

/* From here on the application hears this answer. */
static weir_result begin_passing(struct splice *s, const weir_events *next)
{
    weir_event event = { .struct_size = sizeof(event), .type = WEIR_EVENT_BLOCK_END };
    weir_result r = WEIR_OK;

    if (s->past)
        return WEIR_OK;
    s->past = true;
    for (uint32_t i = 0; i < s->due && r >= 0; i++) {
        if (!s->d->blocks[i].open || !has_ended(s, i))
            continue;
        event.kind = s->d->blocks[i].kind;
        r = pass_as(&event, s->d->blocks[i].number, next);
    }
    if (r < 0 || !s->has_usage)
        return r;
    event = (weir_event){ .struct_size = sizeof(event), .type = WEIR_EVENT_USAGE };
    event.usage = &s->usage;
    return next->emit(next->ctx, &event);
}

static weir_result pass(struct splice *s, const weir_event *event, int32_t number,
                        const weir_events *next)
{
    weir_result r = begin_passing(s, next);

    return r < 0 ? r : pass_as(event, number, next);
}

static weir_result pass_text(struct splice *s, const weir_event *event, int32_t number,
                             weir_str text, const weir_events *next)
{
    weir_event rest = *event;

    if (!text.len)
        return WEIR_OK;
    rest.text = weir_text_from(text);
    rest.extra = S("");
    return pass(s, &rest, number, next);
}

/* -- comparing -------------------------------------------------------------------------------- */

static weir_str delivered_of(const struct splice *s, const struct splice_block *b)
{
    const GString *text = s->d->blocks[b->at].text;

    return (weir_str){ text->str, text->len };
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(weir_str text, size_t at)
{
    while (at < text.len && is_space(text.ptr[at]))
        at++;
    return at;
}

/* What a call's arguments mean; empty ones mean no arguments. */
static json_t *meaning(weir_str arguments)
{
    if (skip_space(arguments, 0) == arguments.len)
        return json_object();
    return json_loadb(arguments.ptr, arguments.len, JSON_DECODE_ANY, NULL);
}

static bool same_arguments(weir_str a, weir_str b)
{
    json_t *x, *y;
    bool same;

    if (str_eq(a, b))
        return true;
    x = meaning(a);
    y = meaning(b);
    same = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

/* Whether a block has come as far as what was delivered of its like. Ends the waiting of a call. */
static bool agrees(struct splice *s, struct splice_block *b)
{
    switch (b->state) {
    case COMPARED:
        return b->pos == delivered_of(s, b).len;
    case HELD:
        if (!same_arguments((weir_str){ b->held->str, b->held->len }, delivered_of(s, b)))
            return false;
        b->state = SWALLOWED;
        return true;
    default:
        return true;
    }
}

static bool all_agree(struct splice *s, const struct splice_block *but)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (&s->blocks[i] != but && !agrees(s, &s->blocks[i]))
            return false;
    }
    return s->next == s->due;
}

/* Whether more of a block can be told: its like is open, and of a text nothing came behind it. */
static bool can_grow(const struct splice *s, const struct splice_block *b)
{
    const struct delivered_block *d = &s->d->blocks[b->at];

    if (!d->open || d->kind == WEIR_BLOCK_TOOL_CALL)
        return d->open;
    for (uint32_t i = b->at + 1; i < s->due; i++) {
        if (s->d->blocks[i].kind != WEIR_BLOCK_REASONING)
            return false;
    }
    return true;
}

/* How many bytes of `text` agree with what was delivered, or -1. */
static int64_t compare_text(const struct splice *s, struct splice_block *b, weir_str text)
{
    weir_str was = delivered_of(s, b);
    size_t n = was.len - b->pos < text.len ? was.len - b->pos : text.len;

    if (n && memcmp(was.ptr + b->pos, text.ptr, n) != 0)
        return -1;
    b->pos += n;
    return (int64_t)n;
}

/* Likewise for a call's arguments: white space outside strings means nothing. */
static int64_t compare_arguments(const struct splice *s, struct splice_block *b, weir_str text)
{
    weir_str was = delivered_of(s, b);
    size_t at = 0;

    for (;;) {
        char c;

        if (!b->in_string)
            b->pos = skip_space(was, b->pos);
        if (b->pos == was.len)
            return (int64_t)at;
        if (!b->in_string)
            at = skip_space(text, at);
        if (at == text.len)
            return (int64_t)at;
        c = text.ptr[at++];
        if (c != was.ptr[b->pos++])
            return -1;
        if (b->in_string && !b->escaped && c == '"')
            b->in_string = false;
        else if (!b->in_string && c == '"')
            b->in_string = true;
        b->escaped = b->in_string && !b->escaped && c == '\\';
    }
}

/* The text of a delta as UTF-8, good until the next. */
static weir_str plain_text(struct splice *s, weir_text text)
{
    g_string_set_size(s->scratch, text.len);
    return (weir_str){ s->scratch->str, weir_text_decode(text, s->scratch->str, text.len) };
}

static weir_result on_compared(struct splice *s, struct splice_block *b, const weir_event *event,
                               const weir_events *next)
{
    weir_str text = plain_text(s, event->text);
    int64_t n;

    n = event->kind == WEIR_BLOCK_TOOL_CALL ? compare_arguments(s, b, text)
                                            : compare_text(s, b, text);
    if (n < 0)
        return diverge(s);
    if ((size_t)n == text.len)
        return WEIR_OK;
    if (!can_grow(s, b) || !all_agree(s, b))
        return diverge(s);
    b->state = PASSED;
    return pass_text(s, event, b->out, (weir_str){ text.ptr + n, text.len - (size_t)n }, next);
}

/* What was delivered, but was not shown to the model, and comes again. */
static weir_result on_again(struct splice *s, const struct splice_block *b, const weir_event *event,
                            const weir_events *next)
{
    weir_str text = plain_text(s, event->text);
    size_t n = 0;

    while (n < text.len && n < s->again.len && text.ptr[n] == s->again.ptr[n])
        n++;
    s->again = n == text.len ? (weir_str){ s->again.ptr + n, s->again.len - n } : S("");
    return pass_text(s, event, b->out, (weir_str){ text.ptr + n, text.len - n }, next);
}

/* -- blocks ----------------------------------------------------------------------------------- */

static struct splice_block *find(const struct splice *s, int32_t number)
{
    for (uint32_t i = s->count; i > 0; i--) {
        if (s->blocks[i - 1].number == number)
            return &s->blocks[i - 1];
    }
    return NULL;
}

static struct splice_block *add_block(struct splice *s, const weir_event *event, enum state state)
{
    if (s->count == DELIVERED_MAX_BLOCKS * 2)
        return NULL;
    if ((s->count & (s->count - 1)) == 0)
        s->blocks = g_renew(struct splice_block, s->blocks, s->count ? s->count * 2 : 1);
    s->blocks[s->count] = (struct splice_block){ .number = event->block,
                                                 .out = s->base + event->block,
                                                 .state = (uint8_t)state };
    return &s->blocks[s->count++];
}

/* The text that the second answer was asked to go on with, if it is still open. */
static const struct delivered_block *open_text(const struct splice *s)
{
    for (uint32_t i = s->due; i > 0; i--) {
        const struct delivered_block *b = &s->d->blocks[i - 1];

        if (b->kind != WEIR_BLOCK_REASONING)
            return b->kind == WEIR_BLOCK_TEXT && b->open ? b : NULL;
    }
    return NULL;
}

static weir_result begin_new(struct splice *s, const weir_event *event, const weir_events *next)
{
    const struct delivered_block *on = s->goes_on && !s->past ? open_text(s) : NULL;
    struct splice_block *b;

    if (!all_agree(s, NULL))
        return diverge(s);
    b = add_block(s, event, PASSED);
    if (!b)
        return diverge(s);
    if (on && event->kind == WEIR_BLOCK_TEXT) {
        b->out = on->number;
        return begin_passing(s, next);
    }
    s->again = S("");
    return pass(s, event, b->out, next);
}

static weir_result on_start(struct splice *s, const weir_event *event, const weir_events *next)
{
    const struct delivered_block *was;
    struct splice_block *b;

    if (event->kind == WEIR_BLOCK_REASONING && !s->past)
        return add_block(s, event, SWALLOWED) ? WEIR_OK : diverge(s);
    while (s->next < s->due && s->d->blocks[s->next].kind == WEIR_BLOCK_REASONING)
        s->next++;
    if (s->next == s->due)
        return begin_new(s, event, next);
    was = &s->d->blocks[s->next];
    if (was->kind != event->kind || (was->name && !str_is(event->name, was->name)))
        return diverge(s);
    b = add_block(s, event, was->kind == WEIR_BLOCK_TOOL_CALL && !was->open ? HELD : COMPARED);
    if (!b)
        return diverge(s);
    b->at = s->next++;
    b->out = was->number;
    b->held = b->state == HELD ? g_string_new(NULL) : NULL;
    return WEIR_OK;
}

static weir_result on_delta(struct splice *s, const weir_event *event, const weir_events *next)
{
    struct splice_block *b = find(s, event->block);
    weir_str text;

    if (!b)
        return diverge(s);
    switch (b->state) {
    case COMPARED:
        return on_compared(s, b, event, next);
    case HELD:
        text = plain_text(s, event->text);
        /* White space and escapes differ; more than that is another call. */
        if (b->held->len + text.len > 8 * delivered_of(s, b).len + 1024)
            return diverge(s);
        g_string_append_len(b->held, text.ptr, (gssize)text.len);
        return WEIR_OK;
    case PASSED:
        return s->again.len ? on_again(s, b, event, next) : pass(s, event, b->out, next);
    default:
        return WEIR_OK;
    }
}

static weir_result on_end(struct splice *s, const weir_event *event, const weir_events *next)
{
    struct splice_block *b = find(s, event->block);

    if (!b)
        return diverge(s);
    if (b->state == PASSED)
        return pass(s, event, b->out, next);
    if (b->state == SWALLOWED)
        return WEIR_OK;
    if (b->state == COMPARED && event->kind == WEIR_BLOCK_TOOL_CALL)
        b->pos = skip_space(delivered_of(s, b), b->pos);
    if (!agrees(s, b))
        return diverge(s);
    b->state = s->d->blocks[b->at].open ? ENDED : SWALLOWED;
    if (b->state == SWALLOWED || !all_agree(s, b))
        return WEIR_OK;
    if (!s->past)
        return begin_passing(s, next);
    b->state = SWALLOWED;
    return pass_as(event, b->out, next);
}

static weir_result on_finish(struct splice *s, const weir_event *event, const weir_events *next)
{
    while (s->next < s->due && s->d->blocks[s->next].kind == WEIR_BLOCK_REASONING)
        s->next++;
    if (!all_agree(s, NULL))
        return diverge(s);
    return pass(s, event, event->block, next);
}

weir_result splice_event(struct splice *s, const weir_event *event, const weir_events *next)
{
    if (s->diverged)
        return WEIR_PROTOCOL;
    switch (event->type) {
    case WEIR_EVENT_START:
        return WEIR_OK;
    case WEIR_EVENT_USAGE:
        if (s->past || !event->usage)
            return next->emit(next->ctx, event);
        usage_merge(&s->usage, event->usage);
        s->has_usage = true;
        return WEIR_OK;
    case WEIR_EVENT_BLOCK_START:
        return event->choice ? diverge(s) : on_start(s, event, next);
    case WEIR_EVENT_DELTA:
        return event->choice ? diverge(s) : on_delta(s, event, next);
    case WEIR_EVENT_BLOCK_END:
        return event->choice ? diverge(s) : on_end(s, event, next);
    case WEIR_EVENT_FINISH:
        return event->choice ? diverge(s) : on_finish(s, event, next);
    default:
        return diverge(s);
    }
}
