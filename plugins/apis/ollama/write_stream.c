/*
 * write_stream.c - events as lines of JSON, the way Ollama sends them: an object for each piece,
 * calls whole, and a last one that says `done`.
 */
#include "ollama.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/sink.h>

enum { STREAM_LINE_BYTES = 4096 };

/* One line being written. */
struct stream_line {
    const weir_dialect_config *cfg;
    struct olm_encoder *e;
    const weir_exchange *x;
    const weir_event *event;
    const weir_reply_sink *out;
    bool generate;
    weir_writer w;
    char buf[STREAM_LINE_BYTES]; /* a stream may be long: only a longer line goes to the arena */
};

/* Microseconds since the attempt began; -1: the event has no time. */
static int64_t line_passed(const struct stream_line *l)
{
    return l->event->at_us >= l->x->now_us && l->x->now_us > 0 ? l->event->at_us - l->x->now_us
                                                               : -1;
}

static void line_open(struct stream_line *l)
{
    int64_t passed = line_passed(l);

    weir_writer_init(&l->w, &l->x->arena, 0);
    l->w.buf = l->buf;
    l->w.cap = sizeof(l->buf);
    weir_write_begin_object(&l->w);
    weir_write_key(&l->w, "model");
    weir_write_string(&l->w, weir_str_make(l->e->model, l->e->model_len));
    olm_write_created(&l->w, l->x->unix_us + (passed > 0 ? passed : 0));
    if (l->generate)
        return;
    weir_write_key(&l->w, "message");
    weir_write_begin_object(&l->w);
    weir_write_key(&l->w, "role");
    weir_write_literal(&l->w, "assistant");
}

/* `content` or `response`, which every line has. */
static void line_text(struct stream_line *l, weir_text text)
{
    weir_write_key(&l->w, l->generate ? "response" : "content");
    weir_write_text(&l->w, text);
}

static void line_close_message(struct stream_line *l)
{
    if (!l->generate)
        weir_write_end_object(&l->w);
}

/* JSON that came from elsewhere (arguments, log probabilities) may stand on several lines. A raw
 * line break is never part of a string, so that all of them can go. */
static void line_join(weir_writer *w)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->len; i++) {
        if (w->buf[i] != '\n' && w->buf[i] != '\r')
            w->buf[kept++] = w->buf[i];
    }
    w->len = kept;
}

static weir_result line_close(struct stream_line *l, weir_str *bytes)
{
    weir_write_end_object(&l->w);
    line_join(&l->w);
    weir_write_byte(&l->w, '\n');
    return weir_writer_finish(&l->w, bytes);
}

static weir_result line_send(struct stream_line *l)
{
    weir_str bytes;

    WEIR_TRY(line_close(l, &bytes));
    return l->out->bytes(l->out->ctx, bytes);
}

static weir_result line_send_more(struct stream_line *l)
{
    line_close_message(l);
    olm_write_logprobs(&l->w, l->cfg, &l->x->arena, l->event->extra);
    weir_write_key(&l->w, "done");
    weir_write_bool(&l->w, false);
    return line_send(l);
}

static uint16_t stream_keep(char *to, weir_str from)
{
    size_t len = from.len < OLM_MODEL_MAX ? from.len : OLM_MODEL_MAX;

    if (len)
        memcpy(to, from.ptr, len);
    return (uint16_t)len;
}

static weir_result stream_start(struct stream_line *l)
{
    static const weir_header headers[] = {
        { { "content-type", 12 }, { "application/x-ndjson", 20 } },
    };

    l->e->model_len =
        stream_keep(l->e->model, l->event->name.len ? l->event->name : l->x->asked_model);
    return l->out->head(l->out->ctx, 200, headers, 1);
}

/* A call comes as start, one delta, end: it is written with the delta. */
static weir_result stream_call(struct stream_line *l)
{
    struct olm_encoder *e = l->e;
    const struct olm_call call = { e->calls, e->custom, weir_str_make(e->id, e->id_len),
                                   weir_str_make(e->name, e->name_len), l->event->text };

    if (!e->open)
        return WEIR_INVALID;
    e->open = 0;
    line_open(l);
    line_text(l, weir_text_from(weir_str_make("", 0)));
    weir_write_key(&l->w, "tool_calls");
    weir_write_begin_array(&l->w);
    if (!olm_write_call(&l->w, l->cfg, &l->x->arena, &call)) {
        e->missed = 1;
        return WEIR_OK;
    }
    e->calls++;
    weir_write_end_array(&l->w);
    return line_send_more(l);
}

static weir_result stream_delta(struct stream_line *l)
{
    const weir_event *event = l->event;
    weir_text none = weir_text_from(weir_str_make("", 0));
    bool text = event->kind == WEIR_BLOCK_TEXT || event->kind == WEIR_BLOCK_REFUSAL;

    if (event->kind == WEIR_BLOCK_TOOL_CALL)
        return stream_call(l);
    /* Kinds that this API has no word for are left out. */
    if (!text && event->kind != WEIR_BLOCK_REASONING)
        return WEIR_OK;
    if (!event->text.len && !weir_str_mentions(event->extra, "\"logprobs\""))
        return WEIR_OK;
    line_open(l);
    line_text(l, text ? event->text : none);
    if (!text) {
        weir_write_key(&l->w, "thinking");
        weir_write_text(&l->w, event->text);
    }
    return line_send_more(l);
}

/* Clients stop reading at the line that says `done`, so that it is kept until nothing can go wrong
 * any more. Only a `context` makes it too long for that: an Ollama sent it, as the last there was.
 */
static weir_result stream_keep_last(struct stream_line *l)
{
    struct olm_encoder *e = l->e;
    weir_str line;

    WEIR_TRY(line_close(l, &line));
    if (line.len > sizeof(e->last))
        return l->out->bytes(l->out->ctx, line);
    memcpy(e->last, line.ptr, line.len);
    e->last_len = (uint16_t)line.len;
    return WEIR_OK;
}

static weir_result stream_finish(struct stream_line *l)
{
    struct olm_encoder *e = l->e;
    struct olm_end end = { l->event->reason, l->event->name, l->event->extra, line_passed(l),
                           e->usage.struct_size ? &e->usage : NULL };

    if (e->done)
        return WEIR_OK;
    if (e->missed)
        WEIR_TRY(weir_arguments_missed(end.reason));
    e->done = 1;
    line_open(l);
    line_text(l, weir_text_from(weir_str_make("", 0)));
    line_close_message(l);
    olm_write_done(&l->w, l->cfg, &l->x->arena, &end);
    return stream_keep_last(l);
}

weir_result olm_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    const struct olm_encoder *e = (const struct olm_encoder *)st;

    (void)cfg, (void)x;
    return e->last_len ? out->bytes(out->ctx, weir_str_make(e->last, e->last_len)) : WEIR_OK;
}

weir_result olm_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out)
{
    struct stream_line l;

    if (event->choice != 0) /* this API has one answer */
        return WEIR_OK;
    l.cfg = (const weir_dialect_config *)cfg;
    l.e = (struct olm_encoder *)st;
    l.x = x;
    l.event = event;
    l.out = out;
    l.generate = olm_endpoint(x->path) == OLM_GENERATE;
    switch (event->type) {
    case WEIR_EVENT_START:
        return stream_start(&l);
    case WEIR_EVENT_BLOCK_START:
        if (event->kind != WEIR_BLOCK_TOOL_CALL)
            return WEIR_OK;
        l.e->open = 1;
        l.e->custom = olm_is_custom(event->extra);
        l.e->id_len = stream_keep(l.e->id, event->id);
        l.e->name_len = stream_keep(l.e->name, event->name);
        return WEIR_OK;
    case WEIR_EVENT_DELTA:
        return stream_delta(&l);
    case WEIR_EVENT_USAGE:
        l.e->usage = *event->usage; /* told at the end */
        l.e->usage.struct_size = sizeof(weir_usage);
        return WEIR_OK;
    case WEIR_EVENT_FINISH:
        return stream_finish(&l);
    default:
        return WEIR_OK;
    }
}
