/*
 * decode.c - head and framing of an answer, and which reader a frame belongs to.
 *
 * A stream is server-sent events if alt=sse was asked for, else the elements of one JSON array. It
 * has no marker for its end: every candidate has said why it ended, and the body ended cleanly.
 */
#include "decode.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>

weir_result gem_decode_head(struct gem_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out)
{
    weir_str type = weir_header_find(head->headers, head->header_count, "content-type");

    (void)out;
    d->status = (uint16_t)head->status;
    d->retry_after_us = weir_retry_after_us(head->headers, head->header_count, x->unix_us);
    d->framing = WEIR_FRAME_WHOLE;
    if (x->op == WEIR_OP_FORWARD)
        d->framing = WEIR_FRAME_RAW;
    else if (head->status < 200 || head->status >= 300 || x->op != WEIR_OP_CHAT)
        d->framing = WEIR_FRAME_WHOLE; /* errors of streams come as one document */
    else if (weir_str_mentions(type, "event-stream"))
        d->framing = WEIR_FRAME_SSE;
    else if (x->stream)
        d->framing = WEIR_FRAME_ARRAY;
    return d->framing;
}

weir_result gem_emit_owned(const weir_events *out, weir_text value)
{
    weir_event e = weir_event_make(WEIR_EVENT_OWNED);

    if (!value.len)
        return WEIR_OK;
    e.text = value;
    return out->emit(out->ctx, &e);
}

weir_str gem_flat(const struct gem_reading *r, uint32_t value)
{
    weir_str raw = weir_json_raw(r->doc, value), flat;
    char *to;

    if (!raw.len || (!memchr(raw.ptr, '\n', raw.len) && !memchr(raw.ptr, '\r', raw.len)))
        return raw;
    to = (char *)r->x->arena.alloc(r->x->arena.owner, raw.len);
    flat = weir_str_make(to, 0);
    for (size_t i = 0; to && i < raw.len; i++) {
        if (raw.ptr[i] != '\n' &&
            raw.ptr[i] != '\r') /* strings hold none: they are escaped there */
            to[flat.len++] = raw.ptr[i];
    }
    return flat;
}

/* A body that was to be one document. Where a stream was asked for, some answer with the array of
 * its chunks all the same. */
static weir_result decode_whole(struct gem_decoder *d, const weir_exchange *x,
                                const weir_frame *frame, const weir_events *out)
{
    struct gem_reading r = { .d = d, .x = x, .doc = frame->json, .out = out };

    if (d->status < 200 || d->status >= 300)
        return gem_emit_error(d, x, frame->json, frame->data, out);
    if (!frame->json)
        return gem_emit_protocol(d, "the answer is not JSON", out);
    if (gem_error_find(frame->json) != WEIR_JSON_NONE)
        return gem_emit_error(d, x, frame->json, frame->data, out);
    if (x->op != WEIR_OP_CHAT)
        return gem_decode_document(d, x, frame->json, out);
    WEIR_TRY(gem_decode_response(&r));
    return d->failed ? WEIR_OK : gem_decode_finish(&r);
}

/* An event of a stream, or an element of an array. */
static weir_result decode_chunk(struct gem_decoder *d, const weir_exchange *x,
                                const weir_frame *frame, const weir_events *out)
{
    struct gem_reading r = { .d = d, .x = x, .doc = frame->json, .out = out };

    if (weir_str_is(weir_str_trim(frame->data), "[DONE]")) /* proxies that are used to OpenAI */
        return WEIR_OK;
    if (!frame->json)
        return gem_emit_protocol(d, "a chunk of the stream is not JSON", out);
    if (gem_error_find(frame->json) != WEIR_JSON_NONE)
        return gem_emit_error(d, x, frame->json, frame->data, out);
    return gem_decode_response(&r);
}

static weir_result decode_forwarded(struct gem_decoder *d, const weir_frame *frame,
                                    const weir_events *out)
{
    if (frame->flags & WEIR_FRAME_END) {
        d->over = 1;
        WEIR_TRY(weir_emit_finish(out, 0, WEIR_FINISH_STOP, weir_str_make("", 0)));
    }
    return WEIR_RELAY;
}

weir_result gem_decode_frame(struct gem_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out)
{
    if (d->failed)
        return WEIR_HIDE;
    if (d->over || (frame->flags & WEIR_FRAME_CUT))
        return WEIR_RELAY;
    if (x->op == WEIR_OP_FORWARD)
        return decode_forwarded(d, frame, out);
    if (d->framing == WEIR_FRAME_WHOLE) {
        WEIR_TRY(decode_whole(d, x, frame, out));
        return d->failed ? WEIR_HIDE : WEIR_RELAY;
    }
    if (weir_str_trim(frame->data).len)
        WEIR_TRY(decode_chunk(d, x, frame, out));
    if ((frame->flags & WEIR_FRAME_END) && !d->failed) {
        struct gem_reading r = { .d = d, .x = x, .out = out };

        WEIR_TRY(gem_decode_finish(&r));
    }
    return d->failed ? WEIR_HIDE : WEIR_RELAY;
}
