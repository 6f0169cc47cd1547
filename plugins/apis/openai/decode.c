/*
 * decode.c - head and framing of an answer, and which reader a frame belongs to.
 */
#include "decode.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

weir_result oai_decode_head(struct oai_decoder *d, const weir_exchange *x,
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
    d->whole = head->status < 200 || head->status >= 300 || x->op != WEIR_OP_CHAT ||
               !weir_str_mentions(type, "event-stream");
    /* Some servers stream without saying so. */
    if (d->whole && !type.len && x->stream && head->status == 200 && x->op == WEIR_OP_CHAT)
        d->whole = 0;
    return d->whole ? WEIR_FRAME_WHOLE : WEIR_FRAME_SSE;
}

/* An embeddings answer is canonical as it is. */
static weir_result decode_embeddings(struct oai_decoder *d, const weir_json *doc,
                                     const weir_events *out)
{
    weir_usage usage;

    if (!weir_json_is_array(doc, weir_json_find(doc, 0, "data")))
        return oai_emit_protocol(d, "the embeddings answer has no data", out);
    if (oai_usage_read(doc, weir_json_find(doc, 0, "usage"), &usage))
        WEIR_TRY(weir_emit_usage(out, &usage));
    d->over = 1;
    return weir_emit_document(out, doc->bytes);
}

/* A list of models: with `data` as OpenAI sends it, or a bare array as some others do. */
static weir_result decode_models(struct oai_decoder *d, const weir_exchange *x,
                                 const weir_json *doc, const weir_events *out)
{
    weir_writer w;
    weir_str text;

    if (weir_json_is_object(doc, 0) && weir_json_is_array(doc, weir_json_find(doc, 0, "data"))) {
        d->over = 1;
        return weir_emit_document(out, doc->bytes);
    }
    if (!weir_json_is_array(doc, 0))
        return oai_emit_protocol(d, "the list of models has no data", out);
    weir_writer_init(&w, &x->arena, doc->bytes.len + 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "object");
    weir_write_literal(&w, "list");
    weir_write_key(&w, "data");
    weir_write_value(&w, doc, 0);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &text));
    d->over = 1;
    return weir_emit_document(out, text);
}

static weir_result decode_whole(struct oai_decoder *d, const weir_exchange *x,
                                const weir_frame *frame, const weir_events *out)
{
    struct oai_reading r = { .d = d, .x = x, .doc = frame->json, .out = out };

    if (d->status < 200 || d->status >= 300 || (frame->json && oai_is_error(frame->json)))
        return oai_emit_error(d, x, frame->json, frame->data, out);
    if (!frame->json)
        return oai_emit_protocol(d, "the answer is not JSON", out);
    switch (x->op) {
    case WEIR_OP_EMBED:
        return decode_embeddings(d, frame->json, out);
    case WEIR_OP_CHAT:
        WEIR_TRY(oai_decode_chunk(&r));
        return d->failed ? WEIR_OK : oai_decode_finish(&r);
    default:
        return decode_models(d, x, frame->json, out);
    }
}

/* Whether every choice has said why it ended. */
static bool decode_ended(struct oai_decoder *d)
{
    for (uint16_t i = 0; i < d->choice_count; i++) {
        const struct oai_choice *c = oai_choice(d, i);

        if (c->seen && !c->ended)
            return false;
    }
    return d->choice_count > 0;
}

/* A chunk of nothing but usage, which servers send last when asked for it. */
static bool decode_only_usage(const weir_json *doc)
{
    uint32_t choices = weir_json_find(doc, 0, "choices");

    return weir_json_is_object(doc, weir_json_find(doc, 0, "usage")) &&
           weir_json_count(doc, choices) == 0;
}

static weir_result decode_event(struct oai_decoder *d, const weir_exchange *x,
                                const weir_frame *frame, bool forced_usage, const weir_events *out)
{
    struct oai_reading r = { .d = d, .x = x, .doc = frame->json, .out = out };

    weir_result result;

    if (oai_decode_again(d, frame, out, &result))
        return result < 0 ? result : WEIR_RELAY;
    if (weir_str_is(weir_str_trim(frame->data), "[DONE]")) {
        if (!decode_ended(d))
            WEIR_TRY(oai_emit_protocol(d, "the stream ended without a finish_reason", out));
        else
            WEIR_TRY(oai_decode_finish(&r));
        return d->failed ? WEIR_HIDE : WEIR_RELAY;
    }
    if (!frame->json) {
        WEIR_TRY(oai_emit_protocol(d, "an event of the stream is not JSON", out));
        return WEIR_HIDE;
    }
    d->text_token = 0;
    if (oai_is_error(frame->json)) {
        WEIR_TRY(oai_emit_error(d, x, frame->json, frame->data, out));
        return WEIR_HIDE;
    }
    WEIR_TRY(oai_decode_chunk(&r));
    if (d->failed || (forced_usage && decode_only_usage(frame->json)))
        return WEIR_HIDE;
    return WEIR_RELAY;
}

static weir_result decode_forwarded(struct oai_decoder *d, const weir_frame *frame,
                                    const weir_events *out)
{
    if (frame->flags & WEIR_FRAME_END) {
        d->over = 1;
        WEIR_TRY(weir_emit_finish(out, 0, WEIR_FINISH_STOP, weir_str_make("", 0)));
    }
    return WEIR_RELAY;
}

weir_result oai_decode_frame(struct oai_decoder *d, const weir_exchange *x, const weir_frame *frame,
                             bool forced_usage, const weir_events *out)
{
    weir_result result = WEIR_RELAY;

    if (d->failed)
        return WEIR_HIDE;
    if (d->over || (frame->flags & WEIR_FRAME_CUT))
        return WEIR_RELAY;
    if (x->op == WEIR_OP_FORWARD)
        return decode_forwarded(d, frame, out);
    if (d->whole) {
        WEIR_TRY(decode_whole(d, x, frame, out));
        return d->failed ? WEIR_HIDE : WEIR_RELAY;
    }
    if (weir_str_trim(frame->data).len) {
        result = decode_event(d, x, frame, forced_usage, out);
        if (result < 0 || d->failed)
            return result;
    }
    /* The [DONE] is optional with some vendors: a reason for every choice and a body that was
     * complete will do. */
    if ((frame->flags & WEIR_FRAME_END) && !d->over && decode_ended(d)) {
        struct oai_reading r = { .d = d, .x = x, .out = out };
        WEIR_TRY(oai_decode_finish(&r));
    }
    return d->failed ? WEIR_HIDE : result;
}
