/*
 * resume.c - an answer that breaks off after it began to reach the application is carried on by
 * another attempt, where the route says so (mid_stream).
 *
 * The attempt that was committed first keeps the word: it holds the state of the dialect's encoder,
 * and whoever carries the answer on speaks through it. While bytes are passed through there is no
 * encoder; it is told what they said when it is needed.
 */
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <weir/sdk/json.h>
#include <weir/sdk/write.h>

static enum config_mid_stream way_of(const struct exchange *e)
{
    return e->route ? e->route->config->mid_stream : CONFIG_MID_STREAM_ERROR;
}

bool resume_remember(struct attempt *a)
{
    struct exchange *e = a->exchange;

    if (way_of(e) == CONFIG_MID_STREAM_ERROR || !e->facts.stream || a->splice ||
        e->facts.op != WEIR_OP_CHAT || e->copy_of)
        return true;
    a->delivered = arena_alloc(&e->arena, sizeof(*a->delivered));
    if (!a->delivered)
        return false;
    delivered_init(a->delivered, e->generation->config->hold_bytes);
    return true;
}

/* -- the break -------------------------------------------------------------------------------- */

/* Whether the text so far can be given to another model to go on from. */
static bool goes_on(const struct exchange *e)
{
    return way_of(e) == CONFIG_MID_STREAM_CONTINUE && delivered_has_text(e->voice->delivered);
}

bool resume_begin(struct attempt *a, weir_failure *failure)
{
    struct exchange *e = a->exchange;
    struct attempt *voice = e->voice;

    if (!voice || !voice->delivered || !delivered_open(voice->delivered) || !e->front || a->refused)
        return false;
    if (goes_on(e) && !delivered_is_text(voice->delivered))
        return false;
    if (voice->sequence) /* what it held back was never said */
        sequence_clear(voice->sequence);
    if (!e->broken)
        e->broken = failure;
    e->walk.prefill = goes_on(e);
    return true;
}

/* -- another attempt -------------------------------------------------------------------------- */

static size_t trailing_space(const GString *text)
{
    size_t len = text->len;

    while (len && g_ascii_isspace(text->str[len - 1]))
        len--;
    return text->len - len;
}

/* The canonical request with the text so far as the assistant's last message. */
static bool write_prefill(struct attempt *a, weir_str text)
{
    static const char said[] = "{\"role\":\"assistant\",\"content\":";
    struct exchange *e = a->exchange;
    uint32_t messages = weir_json_find(&e->canonical, 0, "messages");
    weir_str whole = e->canonical.bytes, list = weir_json_raw(&e->canonical, messages);
    size_t end = (size_t)(list.ptr - whole.ptr) + list.len - 1; /* before the ']' */
    weir_writer w;

    if (!weir_json_is_array(&e->canonical, messages))
        return false;
    weir_writer_init(&w, &e->in.arena, whole.len + text.len + 64);
    weir_write_bytes(&w, whole.ptr, end);
    if (weir_json_count(&e->canonical, messages))
        weir_write_bytes(&w, ",", 1);
    weir_write_bytes(&w, said, sizeof said - 1);
    weir_write_text(&w, weir_text_from(text));
    weir_write_bytes(&w, "}", 1);
    weir_write_bytes(&w, whole.ptr + end, whole.len - end);
    a->prefilled = arena_zalloc(&e->arena, sizeof(*a->prefilled));
    if (!a->prefilled || weir_writer_finish(&w, &a->x.body) < 0 ||
        jscan_arena(&e->in.arena, a->x.body, a->prefilled, NULL) < 0)
        return false;
    a->x.request = a->prefilled;
    return true;
}

/* Vendors do not take a prefill that ends with white space. */
static bool prepare_to_go_on(struct attempt *a)
{
    struct exchange *e = a->exchange;
    struct delivered *d = e->voice->delivered;
    GString *text = delivered_text(d);
    size_t space = trailing_space(text);
    weir_str all = arena_copy(&e->arena, (weir_str){ text->str, text->len });
    weir_str shown = { all.ptr, all.len - (all.len ? space : 0) };

    g_string_free(text, TRUE);
    if (!all.len)
        return false;
    splice_init_on(a->splice, d, (weir_str){ all.ptr + shown.len, space });
    a->x.native = 0;
    return exchange_translate(e) && write_prefill(a, shown);
}

bool resume_prepare(struct attempt *a)
{
    struct exchange *e = a->exchange;

    a->splice = arena_zalloc(&e->arena, sizeof(*a->splice));
    if (!a->splice)
        return false;
    if (goes_on(e))
        return prepare_to_go_on(a);
    splice_init(a->splice, e->voice->delivered);
    return true;
}

/* -- its events ------------------------------------------------------------------------------- */

static weir_result on_new(void *ctx, const weir_event *event)
{
    struct attempt *a = ctx;

    if (!a->committed) {
        if (!reply_catch_up(a->exchange->voice))
            return WEIR_NO_MEMORY;
        reply_take_over(a);
    }
    return reply_event(a->exchange->voice, event);
}

weir_result resume_event(struct attempt *a, const weir_event *event)
{
    const weir_events next = { a, on_new };

    return splice_event(a->splice, event, &next);
}

void resume_free(struct attempt *a)
{
    if (a->delivered)
        delivered_free(a->delivered);
    if (a->splice)
        splice_free(a->splice);
}
