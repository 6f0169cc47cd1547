/*
 * decode_stream.c - a message, whole or as the events of a stream.
 *
 * message_start, then each block from its start over its deltas to its stop, then message_delta
 * with the reason for the end, then message_stop. What breaks this order is no answer: a lost event
 * must not look like a short one.
 */
#include "decode.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

/* Members of a message that are told elsewhere. */
static bool stream_knows(const weir_json *doc, uint32_t key)
{
    static const char *const known[] = { "id",
                                         "type",
                                         "role",
                                         "content",
                                         "model",
                                         "stop_reason",
                                         "usage",
                                         "stop_sequence",
                                         "stop_details",
                                         "container",
                                         "context_management" };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (weir_json_is(doc, key, known[i]))
            return true;
    }
    return false;
}

static weir_result stream_start(struct ant_reading *r, uint32_t message)
{
    const weir_json *doc = r->doc;
    uint32_t tier = weir_json_path(doc, message, "usage.service_tier");
    weir_str extra;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    if (weir_json_is_string(doc, tier)) {
        weir_write_key(&w, "service_tier");
        weir_write_value(&w, doc, tier);
    }
    WEIR_JSON_EACH_MEMBER(doc, message, key, value)
    {
        if (stream_knows(doc, key) || weir_json_is_null(doc, value))
            continue;
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_value(&w, doc, value);
    }
    WEIR_TRY(weir_writer_finish(&w, &extra));
    r->d->started = 1;
    return weir_emit_start(
        r->out, weir_json_str(doc, weir_json_find(doc, message, "id"), &r->x->arena),
        weir_json_str(doc, weir_json_find(doc, message, "model"), &r->x->arena), extra);
}

weir_result ant_decode_message(struct ant_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t content = weir_json_find(doc, 0, "content");
    uint32_t usage = weir_json_find(doc, 0, "usage");

    if (!weir_json_is_array(doc, content))
        return ant_emit_protocol(r->d, "the answer has no content", r->out);
    WEIR_TRY(stream_start(r, 0));
    WEIR_JSON_EACH_ITEM(doc, content, block)
    {
        WEIR_TRY(ant_block_begin(r, block));
        if (!r->d->failed)
            WEIR_TRY(ant_block_end(r));
        if (r->d->failed)
            return WEIR_OK;
    }
    ant_usage_read(r, usage, true);
    WEIR_TRY(ant_end_read(r, 0, 0, usage));
    if (r->d->failed)
        return WEIR_OK;
    WEIR_TRY(ant_usage_emit(r));
    return ant_end_emit(r);
}

static weir_result event_message_start(struct ant_reading *r)
{
    uint32_t message = weir_json_find(r->doc, 0, "message");

    if (r->d->started)
        return ant_emit_protocol(r->d, "a second message_start came", r->out);
    if (!weir_json_is_object(r->doc, message))
        return ant_emit_protocol(r->d, "message_start has no message", r->out);
    WEIR_TRY(stream_start(r, message));
    /* What it says of the output is where counting begins. */
    ant_usage_read(r, weir_json_find(r->doc, message, "usage"), false);
    return ant_usage_emit(r);
}

/* Whether an event names the block it should. `next`: one that begins. */
static bool event_index_is(const struct ant_reading *r, int32_t index)
{
    int64_t told = -1;

    weir_json_int64(r->doc, weir_json_find(r->doc, 0, "index"), &told);
    return told == index;
}

static weir_result event_block_start(struct ant_reading *r)
{
    struct ant_decoder *d = r->d;
    uint32_t block = weir_json_find(r->doc, 0, "content_block");

    if (d->open)
        return ant_emit_protocol(d, "a block began before the one before it ended", r->out);
    if (d->ended)
        return ant_emit_protocol(d, "a block began behind the end of the message", r->out);
    if (!event_index_is(r, d->next))
        return ant_emit_protocol(d, "a block began out of order", r->out);
    return ant_block_begin(r, block);
}

static weir_result event_block_delta(struct ant_reading *r)
{
    if (!r->d->open || !event_index_is(r, r->d->next - 1))
        return ant_emit_protocol(r->d, "a delta came for a block that is not open", r->out);
    return ant_block_delta(r, weir_json_find(r->doc, 0, "delta"));
}

static weir_result event_block_stop(struct ant_reading *r)
{
    if (!r->d->open || !event_index_is(r, r->d->next - 1))
        return ant_emit_protocol(r->d, "a block stopped that is not open", r->out);
    return ant_block_end(r);
}

static weir_result event_message_delta(struct ant_reading *r)
{
    struct ant_decoder *d = r->d;
    uint32_t delta = weir_json_find(r->doc, 0, "delta");
    uint32_t usage = weir_json_find(r->doc, 0, "usage");

    if (d->open)
        return ant_emit_protocol(d, "the message ended inside a block", r->out);
    if (d->ended)
        return ant_emit_protocol(d, "a second reason for the end came", r->out);
    ant_usage_read(r, usage, true);
    /* Without a reason it only tells usage. */
    if (weir_json_is_string(r->doc, weir_json_find(r->doc, delta, "stop_reason")))
        WEIR_TRY(ant_end_read(r, delta, 0, usage));
    return d->failed ? WEIR_OK : ant_usage_emit(r);
}

static weir_result event_message_stop(struct ant_reading *r)
{
    if (!r->d->ended)
        return ant_emit_protocol(r->d, "the message stopped without a stop_reason", r->out);
    return ant_end_emit(r);
}

weir_result ant_decode_event(struct ant_reading *r)
{
    static const struct {
        const char *type;
        weir_result (*read)(struct ant_reading *r);
    } events[] = {
        { "content_block_delta", event_block_delta }, /* the most frequent first */
        { "content_block_start", event_block_start }, { "content_block_stop", event_block_stop },
        { "message_delta", event_message_delta },     { "message_stop", event_message_stop },
    };
    uint32_t type = weir_json_find(r->doc, 0, "type");

    if (weir_json_is(r->doc, type, "message_start"))
        return event_message_start(r);
    /* Vertex: asked for a stream of a model that has none, all of it at once. */
    if (weir_json_is(r->doc, type, "message") && !r->d->started)
        return ant_decode_message(r);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (!weir_json_is(r->doc, type, events[i].type))
            continue;
        if (!r->d->started)
            return ant_emit_protocol(r->d, "the stream does not begin with message_start", r->out);
        return events[i].read(r);
    }
    if (!weir_json_is_string(r->doc, type))
        return ant_emit_protocol(r->d, "an event of the stream has no type", r->out);
    return WEIR_OK; /* ping, and what is to come */
}
