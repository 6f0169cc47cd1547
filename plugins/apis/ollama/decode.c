/*
 * decode.c - head and framing of an answer, and which reader a frame belongs to.
 */
#include "ollama.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>

weir_result olm_decode_head(struct olm_decoder *d, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out)
{
    weir_str type = weir_header_find(head->headers, head->header_count, "content-type");
    weir_rate rate;

    d->status = (uint16_t)head->status;
    d->retry_after_us = weir_retry_after_us(head->headers, head->header_count, x->unix_us);
    if (weir_rate_read(head->headers, head->header_count, x->unix_us, &rate))
        WEIR_TRY(weir_emit_rate(out, &rate));
    if (x->op == WEIR_OP_FORWARD)
        return WEIR_FRAME_RAW;
    /* Some servers stream as application/json. */
    d->lines = head->status >= 200 && head->status < 300 && x->op == WEIR_OP_CHAT &&
               (x->stream || weir_str_mentions(type, "ndjson"));
    return d->lines ? WEIR_FRAME_LINES : WEIR_FRAME_WHOLE;
}

static weir_result decode_forwarded(struct olm_decoder *d, const weir_frame *frame,
                                    const weir_events *out)
{
    if (frame->flags & WEIR_FRAME_END) {
        d->over = 1;
        WEIR_TRY(weir_emit_finish(out, 0, WEIR_FINISH_STOP, weir_str_make("", 0)));
    }
    return WEIR_RELAY;
}

/* A whole body, or an object of a stream. */
static weir_result decode_object(struct olm_decoder *d, const weir_exchange *x,
                                 const weir_frame *frame, const weir_events *out)
{
    if (d->status < 200 || d->status >= 300 || (frame->json && olm_is_error(frame->json)))
        return olm_emit_error(d, x, frame->json, frame->data, out);
    if (!frame->json || !weir_json_is_object(frame->json, 0))
        return olm_emit_protocol(d,
                                 d->lines ? "a line of the stream is not a JSON object"
                                          : "the answer is not a JSON object",
                                 out);
    if (x->op == WEIR_OP_CHAT)
        return olm_decode_chat(d, x, frame->json, out);
    return olm_decode_document(d, x, frame->json, out);
}

weir_result olm_decode_frame(struct olm_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out)
{
    if (d->failed)
        return WEIR_HIDE;
    if (d->over || (frame->flags & WEIR_FRAME_CUT))
        return WEIR_RELAY;
    if (x->op == WEIR_OP_FORWARD)
        return decode_forwarded(d, frame, out);
    if (!d->lines || weir_str_trim(frame->data).len)
        WEIR_TRY(decode_object(d, x, frame, out));
    if (!d->failed && !d->over && (frame->flags & WEIR_FRAME_END))
        WEIR_TRY(olm_emit_protocol(d, "the answer ended before it was done", out));
    return d->failed ? WEIR_HIDE : WEIR_RELAY;
}
