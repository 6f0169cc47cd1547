/*
 * decode.c - head and framing of an answer, and which reader a frame belongs to.
 */
#include "decode.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>

weir_result ant_decode_head(struct ant_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out)
{
    weir_str type = weir_header_find(head->headers, head->header_count, "content-type");
    weir_rate rate;

    d->status = (uint16_t)head->status;
    d->retry_after_us = weir_retry_after_us(head->headers, head->header_count, x->unix_us);
    d->counts.input = d->counts.cache_read = d->counts.cache_write = -1;
    d->counts.cache_write_1h = d->counts.output = d->counts.thinking = -1;
    if (weir_rate_read(head->headers, head->header_count, x->unix_us, &rate))
        WEIR_TRY(weir_emit_rate(out, &rate));
    if (x->op == WEIR_OP_FORWARD)
        return WEIR_FRAME_RAW;
    d->whole = head->status < 200 || head->status >= 300 || x->op != WEIR_OP_CHAT ||
               !weir_str_mentions(type, "event-stream");
    return d->whole ? WEIR_FRAME_WHOLE : WEIR_FRAME_SSE;
}

static weir_result decode_whole(struct ant_reading *r, const weir_frame *frame)
{
    struct ant_decoder *d = r->d;

    if (d->status < 200 || d->status >= 300 || (frame->json && ant_is_error(frame->json)))
        return ant_emit_error(d, r->x, frame->json, frame->data, r->out);
    if (!frame->json || !weir_json_is_object(frame->json, 0))
        return ant_emit_protocol(d, "the answer is not a JSON object", r->out);
    switch (r->x->op) {
    case WEIR_OP_CHAT:
        return ant_decode_message(r);
    case WEIR_OP_COUNT:
        return ant_decode_count(r);
    default:
        return ant_decode_models(r);
    }
}

static weir_result decode_stream(struct ant_reading *r, const weir_frame *frame)
{
    if (!frame->json || !weir_json_is_object(frame->json, 0))
        return ant_emit_protocol(r->d, "an event of the stream is not a JSON object", r->out);
    if (ant_is_error(frame->json))
        return ant_emit_error(r->d, r->x, frame->json, frame->data, r->out);
    return ant_decode_event(r);
}

static weir_result decode_forwarded(struct ant_decoder *d, const weir_frame *frame,
                                    const weir_events *out)
{
    if (frame->flags & WEIR_FRAME_END) {
        d->over = 1;
        WEIR_TRY(weir_emit_finish(out, 0, WEIR_FINISH_STOP, weir_str_make("", 0)));
    }
    return WEIR_RELAY;
}

weir_result ant_decode_frame(struct ant_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out)
{
    struct ant_reading r = { d, x, frame->json, out };

    if (d->failed)
        return WEIR_HIDE;
    /* Behind message_stop nothing counts any more; some servers send a [DONE] there. */
    if (d->over || (frame->flags & WEIR_FRAME_CUT))
        return WEIR_RELAY;
    if (x->op == WEIR_OP_FORWARD)
        return decode_forwarded(d, frame, out);
    if (d->whole)
        WEIR_TRY(decode_whole(&r, frame));
    else if (weir_str_trim(frame->data).len)
        WEIR_TRY(decode_stream(&r, frame));
    return d->failed ? WEIR_HIDE : WEIR_RELAY;
}
