/*
 * resp_decode.c - answers of the Responses API as events: which reader an event of the stream
 * belongs to, and how an answer begins and ends.
 *
 * Strict where it matters: numbers of events must rise by one, texts told again when they are whole
 * must be what came in pieces, and only response.completed or response.incomplete is an end.
 */
#include "responses.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>

weir_result resp_protocol(struct resp_reading *r, const char *message)
{
    r->d->failed = 1;
    return weir_emit_protocol(r->out, r->d->status, message);
}

weir_result resp_owned(struct resp_reading *r, uint32_t value)
{
    weir_event e = weir_event_make(WEIR_EVENT_OWNED);

    e.text = weir_json_text(r->doc, value);
    return e.text.len ? r->out->emit(r->out->ctx, &e) : WEIR_OK;
}

weir_result resp_decode_head(struct resp_decoder *d, const weir_exchange *x,
                             const weir_response_head *head, const weir_events *out)
{
    weir_str type = weir_header_find(head->headers, head->header_count, "content-type");
    bool good = head->status >= 200 && head->status < 300;
    weir_rate rate;

    d->item = (struct resp_item *)x->keep.alloc(x->keep.owner, RESP_ITEMS * sizeof(*d->item));
    d->part = (struct resp_part *)x->keep.alloc(x->keep.owner, RESP_PARTS * sizeof(*d->part));
    if (!d->item || !d->part)
        return WEIR_NO_MEMORY;
    d->status = (uint16_t)head->status;
    d->retry_after_us = weir_retry_after_us(head->headers, head->header_count, x->unix_us);
    if (weir_rate_read(head->headers, head->header_count, x->unix_us, &rate))
        WEIR_TRY(weir_emit_rate(out, &rate));
    d->whole = !good || x->op != WEIR_OP_CHAT || !weir_str_mentions(type, "event-stream");
    if (d->whole && good && !type.len && x->stream && x->op == WEIR_OP_CHAT)
        d->whole = 0; /* some servers stream without saying so */
    return d->whole ? WEIR_FRAME_WHOLE : WEIR_FRAME_SSE;
}

/* -- Failures --------------------------------------------------------------------------------- */

/* Error bodies are the same as those of Chat Completions. */
static weir_result decode_error(struct resp_reading *r, const weir_json *json, weir_str data)
{
    struct oai_decoder d;

    memset(&d, 0, sizeof(d));
    d.status = r->d->status;
    d.retry_after_us = r->d->retry_after_us;
    r->d->failed = 1;
    return oai_emit_error(&d, r->x, json, data, r->out);
}

/* response.failed: the response has the error. */
static weir_result decode_failed(struct resp_reading *r, uint32_t response)
{
    weir_str text = weir_json_raw(r->doc, response);
    weir_json inner;

    if (weir_json_is_object(r->doc, weir_json_find(r->doc, response, "error")) && r->cfg->json &&
        r->cfg->json->scan(&r->x->arena, text, &inner, NULL) == WEIR_OK)
        return decode_error(r, &inner, text);
    return decode_error(r, NULL, WEIR_S("the model stopped with an error"));
}

/* -- Begin and end ---------------------------------------------------------------------------- */

static weir_result decode_start(struct resp_reading *r, uint32_t response)
{
    const weir_json *doc = r->doc;
    uint32_t created = weir_json_find(doc, response, "created_at");
    uint32_t tier = weir_json_find(doc, response, "service_tier");
    uint32_t id = weir_json_find(doc, response, "id");
    weir_str extra;
    weir_writer w;

    if (r->d->started)
        return WEIR_OK;
    r->d->started = 1;
    weir_writer_init(&w, &r->x->arena, 0);
    if (weir_json_is_number(doc, created)) {
        weir_write_key(&w, "created");
        weir_write_value(&w, doc, created);
    }
    if (weir_json_is_string(doc, tier)) {
        weir_write_key(&w, "service_tier");
        weir_write_value(&w, doc, tier);
    }
    WEIR_TRY(weir_writer_finish(&w, &extra));
    WEIR_TRY(resp_owned(r, id));
    WEIR_TRY(resp_owned(r, weir_json_path(doc, response, "conversation.id")));
    return weir_emit_start(r->out, weir_json_str(doc, id, &r->x->arena),
                           weir_json_str(doc, weir_json_find(doc, response, "model"), &r->x->arena),
                           extra);
}

/* Why it ended, in the vendor's word and in ours. */
static uint16_t decode_reason(struct resp_reading *r, uint32_t response, weir_str *raw)
{
    const weir_json *doc = r->doc;
    uint32_t status = weir_json_find(doc, response, "status");
    uint32_t why = weir_json_path(doc, response, "incomplete_details.reason");

    *raw = weir_json_str(doc, status, &r->x->arena);
    if (weir_json_is(doc, status, "incomplete")) {
        if (weir_json_is_string(doc, why))
            *raw = weir_json_str(doc, why, &r->x->arena);
        if (weir_json_is(doc, why, "max_output_tokens") || weir_json_is(doc, why, "max_tokens"))
            return WEIR_FINISH_LENGTH;
        return weir_json_is(doc, why, "content_filter") ? WEIR_FINISH_CONTENT_FILTER
                                                        : WEIR_FINISH_UNKNOWN;
    }
    if (weir_json_is(doc, status, "queued") || weir_json_is(doc, status, "in_progress"))
        return WEIR_FINISH_PAUSE; /* it goes on in the background */
    return r->d->called ? WEIR_FINISH_TOOL_CALLS : WEIR_FINISH_STOP;
}

static weir_result decode_finish(struct resp_reading *r, uint32_t response)
{
    weir_usage usage;
    uint16_t reason;
    weir_str raw;

    if (resp_usage_read(r->doc, weir_json_find(r->doc, response, "usage"), &usage))
        WEIR_TRY(weir_emit_usage(r->out, &usage));
    reason = decode_reason(r, response, &raw);
    r->d->over = 1;
    return weir_emit_finish(r->out, 0, reason, raw);
}

static weir_result decode_output(struct resp_reading *r, uint32_t response)
{
    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, response, "output"), item)
    {
        WEIR_TRY(resp_item_whole(r, item));
        if (r->d->failed)
            return WEIR_OK;
    }
    return WEIR_OK;
}

/* response.completed, or incomplete: then an item may be left in the middle. */
static weir_result decode_end(struct resp_reading *r, uint32_t response, bool incomplete)
{
    if (!oai_is_or_null(r->doc, weir_json_find(r->doc, response, "output"), 1u << WEIR_JSON_ARRAY))
        return resp_protocol(r, "the output of the answer is no array");
    WEIR_TRY(decode_start(r, response));
    WEIR_TRY(resp_items_end(r, weir_json_find(r->doc, response, "output")));
    if (r->d->failed)
        return WEIR_OK;
    if (r->d->item_count && !incomplete)
        return resp_protocol(r, "the response was completed before its items were");
    WEIR_TRY(resp_close_all(r));
    if (!r->d->items) /* some tell everything at the end only */
        WEIR_TRY(decode_output(r, response));
    return r->d->failed ? WEIR_OK : decode_finish(r, response);
}

/* -- Whole answers ---------------------------------------------------------------------------- */

static weir_result decode_count(struct resp_reading *r)
{
    int64_t n;
    weir_writer w;
    weir_str text;

    if (!weir_json_int64(r->doc, weir_json_find(r->doc, 0, "input_tokens"), &n) || n < 0)
        return resp_protocol(r, "the count has no input_tokens");
    weir_writer_init(&w, &r->x->arena, 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "input_tokens");
    weir_write_int64(&w, n);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &text));
    r->d->over = 1;
    return weir_emit_document(r->out, text);
}

static weir_result decode_response(struct resp_reading *r)
{
    uint32_t status = weir_json_find(r->doc, 0, "status");
    bool going =
        weir_json_is(r->doc, status, "queued") || weir_json_is(r->doc, status, "in_progress");

    if (!weir_json_is_array(r->doc, weir_json_find(r->doc, 0, "output")))
        return resp_protocol(r, "the answer has no output");
    if (weir_json_is(r->doc, status, "failed"))
        return decode_failed(r, 0);
    if (weir_json_is(r->doc, status, "cancelled"))
        return decode_error(r, NULL, WEIR_S("the response was cancelled"));
    if (going && !r->x->native)
        return resp_protocol(r, "the answer is not complete, and goes on in the background");
    WEIR_TRY(decode_start(r, 0));
    WEIR_TRY(decode_output(r, 0));
    return r->d->failed ? WEIR_OK : decode_finish(r, 0);
}

static weir_result decode_whole(struct resp_reading *r, const weir_frame *frame)
{
    if (r->d->status < 200 || r->d->status >= 300 || (frame->json && oai_is_error(frame->json)))
        return decode_error(r, frame->json, frame->data);
    if (!frame->json)
        return resp_protocol(r, "the answer is not JSON");
    return r->x->op == WEIR_OP_COUNT ? decode_count(r) : decode_response(r);
}

/* -- Streams ---------------------------------------------------------------------------------- */

/* Sound comes without an item. */
static weir_result decode_audio(struct resp_reading *r, const char *member)
{
    uint32_t delta = weir_json_find(r->doc, 0, "delta");
    weir_str none = weir_str_make("", 0), extra;
    weir_result result = WEIR_OK;
    weir_writer w;

    if (!r->d->audio) {
        r->d->audio = resp_block_open(r, WEIR_BLOCK_AUDIO, none, none, none, &result) + 1;
        WEIR_TRY(result);
    }
    weir_writer_init(&w, &r->x->arena, 0);
    weir_write_key(&w, "audio");
    weir_write_begin_object(&w);
    weir_write_key(&w, member);
    weir_write_text(&w, weir_json_text(r->doc, delta));
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    return weir_emit_delta(r->out, 0, r->d->audio - 1, WEIR_BLOCK_AUDIO, weir_text_from(none),
                           extra);
}

enum {
    EV_RESPONSE,
    EV_COMPLETED,
    EV_INCOMPLETE,
    EV_FAILED,
    EV_ERROR,
    EV_ITEM_ADDED,
    EV_ITEM_DONE,
    EV_PART_ADDED,
    EV_PART_DONE,
    EV_DELTA,
    EV_DONE,
    EV_ANNOTATION,
    EV_AUDIO,
};

static const struct event_row {
    const char *type;
    int how;
    uint8_t what;
    const char *index;  /* member that numbers the part; NULL: there is one */
    const char *member; /* that has the whole text; sound: which half it is */
} event_rows[] = {
    { "response.output_text.delta", EV_DELTA, RESP_TEXT, "content_index", NULL },
    { "response.function_call_arguments.delta", EV_DELTA, RESP_ARGUMENTS, NULL, NULL },
    { "response.reasoning_summary_text.delta", EV_DELTA, RESP_SUMMARY, "summary_index", NULL },
    { "response.reasoning_text.delta", EV_DELTA, RESP_REASONING, "content_index", NULL },
    { "response.refusal.delta", EV_DELTA, RESP_REFUSAL, "content_index", NULL },
    { "response.custom_tool_call_input.delta", EV_DELTA, RESP_ARGUMENTS, NULL, NULL },
    { "response.mcp_call_arguments.delta", EV_DELTA, RESP_ARGUMENTS, NULL, NULL },
    { "response.code_interpreter_call_code.delta", EV_DELTA, RESP_ARGUMENTS, NULL, NULL },
    { "response.output_text.done", EV_DONE, RESP_TEXT, "content_index", "text" },
    { "response.function_call_arguments.done", EV_DONE, RESP_ARGUMENTS, NULL, "arguments" },
    { "response.reasoning_summary_text.done", EV_DONE, RESP_SUMMARY, "summary_index", "text" },
    { "response.reasoning_text.done", EV_DONE, RESP_REASONING, "content_index", "text" },
    { "response.refusal.done", EV_DONE, RESP_REFUSAL, "content_index", "refusal" },
    { "response.custom_tool_call_input.done", EV_DONE, RESP_ARGUMENTS, NULL, "input" },
    { "response.mcp_call_arguments.done", EV_DONE, RESP_ARGUMENTS, NULL, "arguments" },
    { "response.code_interpreter_call_code.done", EV_DONE, RESP_ARGUMENTS, NULL, "code" },
    { "response.output_text.annotation.added", EV_ANNOTATION, 0, NULL, NULL },
    { "response.content_part.added", EV_PART_ADDED, 0, "content_index", NULL },
    { "response.content_part.done", EV_PART_DONE, 0, "content_index", NULL },
    { "response.reasoning_summary_part.added", EV_PART_ADDED, 0, "summary_index", NULL },
    { "response.reasoning_summary_part.done", EV_PART_DONE, 0, "summary_index", NULL },
    { "response.reasoning_part.added", EV_PART_ADDED, 0, "content_index", NULL },
    { "response.reasoning_part.done", EV_PART_DONE, 0, "content_index", NULL },
    { "response.output_item.added", EV_ITEM_ADDED, 0, NULL, NULL },
    { "response.output_item.done", EV_ITEM_DONE, 0, NULL, NULL },
    { "response.created", EV_RESPONSE, 0, NULL, NULL },
    { "response.in_progress", EV_RESPONSE, 0, NULL, NULL },
    { "response.queued", EV_RESPONSE, 0, NULL, NULL },
    { "response.completed", EV_COMPLETED, 0, NULL, NULL },
    { "response.incomplete", EV_INCOMPLETE, 0, NULL, NULL },
    { "response.failed", EV_FAILED, 0, NULL, NULL },
    { "response.cancelled", EV_FAILED, 0, NULL, NULL },
    { "error", EV_ERROR, 0, NULL, NULL },
    { "response.audio.delta", EV_AUDIO, 0, NULL, "data" },
    { "response.audio.transcript.delta", EV_AUDIO, 0, NULL, "transcript" },
};

static const struct event_row *event_row_of(const weir_json *doc)
{
    weir_text type = weir_json_text(doc, weir_json_find(doc, 0, "type"));

    for (size_t i = 0; i < sizeof(event_rows) / sizeof(event_rows[0]); i++) {
        if (weir_text_is(type, event_rows[i].type))
            return &event_rows[i];
    }
    return NULL;
}

/* What is said about an item that runs at the vendor ("searching") has no event of ours, but its
 * item must be there. */
static weir_result decode_mention(struct resp_reading *r)
{
    uint32_t index = weir_json_find(r->doc, 0, "output_index");

    if (weir_json_is_number(r->doc, index) && !resp_item_find(r))
        return resp_protocol(r, "an event is about an item that is not there");
    return WEIR_OK;
}

static weir_result decode_row(struct resp_reading *r, const struct event_row *row, weir_str data)
{
    uint32_t response = weir_json_find(r->doc, 0, "response");

    if (!oai_is_or_null(r->doc, response, 1u << WEIR_JSON_OBJECT))
        return resp_protocol(r, "the response that an event is about is no object");
    switch (row->how) {
    case EV_DELTA:
        return resp_text_delta(r, row->what, row->index);
    case EV_DONE:
        return resp_text_done(r, row->what, row->index, row->member);
    case EV_ANNOTATION:
        return resp_annotation(r);
    case EV_PART_ADDED:
        return resp_part_added(r, row->index);
    case EV_PART_DONE:
        return resp_part_done(r, row->index);
    case EV_ITEM_ADDED:
        return resp_item_added(r);
    case EV_ITEM_DONE:
        return resp_item_done(r);
    case EV_RESPONSE:
        return decode_start(r, response);
    case EV_COMPLETED:
        return decode_end(r, response, false);
    case EV_INCOMPLETE:
        return decode_end(r, response, true);
    case EV_FAILED:
        return decode_failed(r, response);
    case EV_AUDIO:
        return decode_audio(r, row->member);
    default:
        return decode_error(r, r->doc, data);
    }
}

/* Events are numbered, by those who number them, without a gap. */
static bool decode_in_order(struct resp_reading *r)
{
    int64_t n;

    if (!weir_json_int64(r->doc, weir_json_find(r->doc, 0, "sequence_number"), &n))
        return true;
    if (n < 0 || n == INT64_MAX || (r->d->sequence && n != r->d->sequence))
        return false;
    r->d->sequence = n + 1;
    return true;
}

static weir_result decode_event(struct resp_reading *r, const weir_frame *frame)
{
    const struct event_row *row;

    if (weir_str_is(weir_str_trim(frame->data), "[DONE]"))
        return resp_protocol(r, "the stream ended without response.completed");
    if (!frame->json || !weir_json_is_object(frame->json, 0))
        return resp_protocol(r, "an event of the stream is not a JSON object");
    row = event_row_of(frame->json);
    if (!row && oai_is_error(frame->json))
        return decode_error(r, frame->json, frame->data);
    if ((!row || row->how != EV_ERROR) && !decode_in_order(r))
        return resp_protocol(r, "an event of the stream is missing, or came twice");
    return row ? decode_row(r, row, frame->data) : decode_mention(r);
}

weir_result resp_decode_frame(const struct oai_config *cfg, struct resp_decoder *d,
                              const weir_exchange *x, const weir_frame *frame,
                              const weir_events *out)
{
    struct resp_reading r = { .cfg = cfg, .d = d, .x = x, .doc = frame->json, .out = out };

    if (d->failed)
        return WEIR_HIDE;
    if (d->over || (frame->flags & WEIR_FRAME_CUT))
        return WEIR_RELAY;
    if (d->whole)
        WEIR_TRY(decode_whole(&r, frame));
    else if (weir_str_trim(frame->data).len)
        WEIR_TRY(decode_event(&r, frame));
    if ((frame->flags & WEIR_FRAME_END) && !d->over && !d->failed)
        WEIR_TRY(resp_protocol(&r, "the stream ended without response.completed"));
    return d->failed ? WEIR_HIDE : WEIR_RELAY;
}
