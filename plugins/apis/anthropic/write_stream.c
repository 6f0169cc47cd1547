/*
 * write_stream.c - events as a stream of the Messages API: message_start, each block from start to
 * stop, message_delta with the reason for the end and the counts, message_stop.
 *
 * The start is written with the first thing that has to follow it, so that counts which come right
 * behind it stand in it.
 */
#include "anthropic.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/sink.h>

enum { STREAM_EVENT_BYTES = 4096 };

/* One event being written. */
struct stream {
    const weir_dialect_config *cfg;
    struct ant_encoder *e;
    const weir_exchange *x;
    const weir_reply_sink *out;
    weir_writer w;
    char buf[STREAM_EVENT_BYTES]; /* a stream may be long: only a longer event goes to the arena */
};

/* "event: NAME\ndata: {"type":"NAME"" */
static void event_open(struct stream *s, const char *name)
{
    weir_writer *w = &s->w;

    weir_writer_init(w, &s->x->arena, 0);
    w->buf = s->buf;
    w->cap = sizeof(s->buf);
    weir_write_bytes(w, "event: ", 7);
    weir_write_bytes(w, name, strlen(name));
    weir_write_bytes(w, "\ndata: ", 7);
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, name);
}

static weir_result event_send(struct stream *s)
{
    weir_str bytes;

    weir_write_end_object(&s->w);
    weir_write_bytes(&s->w, "\n\n", 2);
    WEIR_TRY(weir_writer_finish(&s->w, &bytes));
    return s->out->bytes(s->out->ctx, bytes);
}

static void event_index(struct stream *s, int32_t index)
{
    weir_write_key(&s->w, "index");
    weir_write_int64(&s->w, index);
}

/* -- The message ------------------------------------------------------------------------------ */

static weir_result stream_start(struct stream *s, const weir_event *event)
{
    static const weir_header headers[] = {
        { { "content-type", 12 }, { "text/event-stream; charset=utf-8", 32 } },
        { { "cache-control", 13 }, { "no-cache", 8 } },
    };
    struct ant_encoder *e = s->e;
    weir_str id = event->id.len && event->id.len <= ANT_ANSWER_ID_MAX ? event->id : s->x->id;
    weir_str model = event->name;

    e->id_len = (uint16_t)(id.len < ANT_ANSWER_ID_MAX ? id.len : ANT_ANSWER_ID_MAX);
    if (e->id_len)
        memcpy(e->id, id.ptr, e->id_len);
    e->model_len = (uint16_t)(model.len < ANT_MODEL_MAX ? model.len : ANT_MODEL_MAX);
    if (e->model_len)
        memcpy(e->model, model.ptr, e->model_len);
    return s->out->head(s->out->ctx, 200, headers, 2);
}

/* message_start, if it was not written yet. */
static weir_result stream_open(struct stream *s)
{
    struct ant_encoder *e = s->e;
    weir_usage unknown = weir_usage_unknown();
    weir_writer *w = &s->w;

    if (e->opened)
        return WEIR_OK;
    e->opened = 1;
    event_open(s, "message_start");
    weir_write_key(w, "message");
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, weir_str_make(e->id, e->id_len));
    weir_write_key(w, "type");
    weir_write_literal(w, "message");
    weir_write_key(w, "role");
    weir_write_literal(w, "assistant");
    weir_write_key(w, "model");
    weir_write_string(w, weir_str_make(e->model, e->model_len));
    weir_write_key(w, "content");
    weir_write_begin_array(w);
    weir_write_end_array(w);
    weir_write_key(w, "stop_reason");
    weir_write_null(w);
    weir_write_key(w, "stop_sequence");
    weir_write_null(w);
    weir_write_key(w, "usage");
    weir_write_begin_object(w);
    ant_write_usage(w, e->usage.struct_size ? &e->usage : &unknown);
    weir_write_end_object(w);
    weir_write_end_object(w);
    return event_send(s);
}

static void stream_usage(struct stream *s, const weir_usage *usage)
{
    weir_usage *u = &s->e->usage;
    int64_t *to = &u->input_total;
    const int64_t *from = &usage->input_total;
    size_t count = (sizeof(*u) - offsetof(weir_usage, input_total)) / sizeof(int64_t);

    if (!u->struct_size)
        *u = weir_usage_unknown();
    for (size_t i = 0; i < count; i++) {
        if (from[i] >= 0)
            to[i] = from[i];
    }
}

static weir_result stream_finish(struct stream *s, const weir_event *event)
{
    weir_usage unknown = weir_usage_unknown();
    weir_json extra;
    bool more = weir_extra_scan(s->cfg, &s->x->arena, event->extra, &extra);
    uint32_t context = more ? weir_json_find(&extra, 0, "context_management") : WEIR_JSON_NONE;

    if (s->e->broken)
        WEIR_TRY(weir_arguments_missed(event->reason));
    WEIR_TRY(stream_open(s));
    s->e->ended = 1;
    event_open(s, "message_delta");
    weir_write_key(&s->w, "delta");
    weir_write_begin_object(&s->w);
    ant_write_stop(&s->w, event->reason, event->name, more ? &extra : NULL);
    weir_write_end_object(&s->w);
    weir_write_key(&s->w, "usage");
    weir_write_begin_object(&s->w);
    ant_write_usage(&s->w, s->e->usage.struct_size ? &s->e->usage : &unknown);
    weir_write_end_object(&s->w);
    if (context != WEIR_JSON_NONE) {
        weir_write_key(&s->w, "context_management");
        weir_write_value(&s->w, &extra, context);
    }
    return event_send(s);
}

/* -- Blocks ----------------------------------------------------------------------------------- */

/* content_block_start up to the block's own members. */
static weir_result block_open(struct stream *s, const char *type)
{
    WEIR_TRY(stream_open(s));
    s->e->held = 0;
    event_open(s, "content_block_start");
    event_index(s, s->e->next);
    weir_write_key(&s->w, "content_block");
    weir_write_begin_object(&s->w);
    weir_write_key(&s->w, "type");
    weir_write_literal(&s->w, type);
    return WEIR_OK;
}

static weir_result block_send(struct stream *s)
{
    weir_write_end_object(&s->w);
    return event_send(s);
}

static void delta_open(struct stream *s, const char *type)
{
    event_open(s, "content_block_delta");
    event_index(s, s->e->next);
    weir_write_key(&s->w, "delta");
    weir_write_begin_object(&s->w);
    weir_write_key(&s->w, "type");
    weir_write_literal(&s->w, type);
}

static weir_result block_stop(struct stream *s)
{
    event_open(s, "content_block_stop");
    event_index(s, s->e->next++);
    return event_send(s);
}

static weir_result text_open(struct stream *s)
{
    WEIR_TRY(block_open(s, "text"));
    weir_write_key(&s->w, "text");
    weir_write_literal(&s->w, "");
    return block_send(s);
}

static weir_result thinking_open(struct stream *s)
{
    WEIR_TRY(block_open(s, "thinking"));
    weir_write_key(&s->w, "thinking");
    weir_write_literal(&s->w, "");
    weir_write_key(&s->w, "signature");
    weir_write_literal(&s->w, "");
    return block_send(s);
}

static weir_result call_open(struct stream *s, const weir_event *event)
{
    static const char *const more[] = { "caller", "toolset_name" };
    weir_json extra;
    bool has_more = weir_extra_scan(s->cfg, &s->x->arena, event->extra, &extra);

    WEIR_TRY(block_open(s, "tool_use"));
    weir_write_key(&s->w, "id");
    weir_write_string(&s->w, event->id);
    weir_write_key(&s->w, "name");
    weir_write_string(&s->w, event->name);
    weir_write_key(&s->w, "input");
    weir_write_begin_object(&s->w);
    weir_write_end_object(&s->w);
    for (size_t i = 0; has_more && i < sizeof(more) / sizeof(more[0]); i++) {
        uint32_t value = weir_json_find(&extra, 0, more[i]);

        if (value == WEIR_JSON_NONE)
            continue;
        weir_write_key(&s->w, more[i]);
        weir_write_value(&s->w, &extra, value);
    }
    return block_send(s);
}

static weir_result stream_block_start(struct stream *s, const weir_event *event)
{
    struct ant_encoder *e = s->e;

    if (e->broken) /* half a call can only be the last */
        return WEIR_PROTOCOL;
    e->open = 1;
    e->block = event->block;
    e->kind = (uint8_t)event->kind;
    e->filled = 0;
    e->custom = event->kind == WEIR_BLOCK_TOOL_CALL && ant_is_custom(event->extra);
    e->held = 1;
    e->input = weir_json_check_begin();
    switch (event->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REFUSAL:
        return text_open(s);
    case WEIR_BLOCK_TOOL_CALL:
        return call_open(s, event);
    default: /* what it is, its first delta or its end will tell */
        return WEIR_OK;
    }
}

static weir_result delta_citations(struct stream *s, weir_str extra)
{
    weir_json doc;

    if (!weir_extra_scan(s->cfg, &s->x->arena, extra, &doc))
        return WEIR_OK;
    for (uint32_t i = 0; i < ant_count_citations(&doc); i++) {
        delta_open(s, "citations_delta");
        weir_write_key(&s->w, "citation");
        ant_write_citation(&s->w, &doc, i);
        weir_write_end_object(&s->w);
        WEIR_TRY(event_send(s));
    }
    return WEIR_OK;
}

/* Free text as JSON inside a string: escaped twice. */
static weir_result delta_custom(struct stream *s, weir_text text)
{
    weir_writer inner;
    weir_str escaped;

    weir_writer_init(&inner, &s->x->arena, text.len + 32);
    if (!s->e->filled)
        weir_write_bytes(&inner, "{\"input\":\"", 10);
    if (text.form == WEIR_FORM_JSON)
        weir_write_bytes(&inner, text.ptr, text.len);
    else
        weir_write_escaped(&inner, text.ptr, text.len);
    WEIR_TRY(weir_writer_finish(&inner, &escaped));
    s->e->filled = 1;
    delta_open(s, "input_json_delta");
    weir_write_key(&s->w, "partial_json");
    weir_write_string(&s->w, escaped);
    return block_send(s);
}

static weir_result stream_delta(struct stream *s, const weir_event *event)
{
    struct ant_encoder *e = s->e;
    const char *type = NULL, *key = NULL;

    if (!e->open || e->block != event->block)
        return WEIR_INVALID;
    switch (e->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REFUSAL:
        type = "text_delta", key = "text";
        break;
    case WEIR_BLOCK_REASONING:
        type = "thinking_delta", key = "thinking";
        break;
    case WEIR_BLOCK_TOOL_CALL:
        type = "input_json_delta", key = "partial_json";
        break;
    default:
        return WEIR_OK;
    }
    if (event->text.len && e->custom)
        return delta_custom(s, event->text);
    if (event->text.len) {
        if (e->held && e->kind == WEIR_BLOCK_REASONING)
            WEIR_TRY(thinking_open(s));
        e->filled = 1;
        if (e->kind == WEIR_BLOCK_TOOL_CALL)
            weir_json_check_text(&e->input, event->text);
        delta_open(s, type);
        weir_write_key(&s->w, key);
        weir_write_text(&s->w, event->text);
        WEIR_TRY(block_send(s));
    }
    return e->kind == WEIR_BLOCK_TEXT ? delta_citations(s, event->extra) : WEIR_OK;
}

static weir_result end_reasoning(struct stream *s, const weir_json *extra)
{
    uint32_t redacted = extra ? weir_json_find(extra, 0, "redacted_data") : WEIR_JSON_NONE;
    uint32_t signature = extra ? weir_json_find(extra, 0, "signature") : WEIR_JSON_NONE;

    if (s->e->held && weir_json_is_string(extra, redacted)) {
        WEIR_TRY(block_open(s, "redacted_thinking"));
        weir_write_key(&s->w, "data");
        weir_write_value(&s->w, extra, redacted);
        WEIR_TRY(block_send(s));
        return block_stop(s);
    }
    if (signature == WEIR_JSON_NONE)
        return s->e->held ? WEIR_OK : block_stop(s);
    if (s->e->held)
        WEIR_TRY(thinking_open(s));
    delta_open(s, "signature_delta");
    weir_write_key(&s->w, "signature");
    weir_write_value(&s->w, extra, signature);
    WEIR_TRY(block_send(s));
    return block_stop(s);
}

/* A block of Anthropic's own, as it was; the input of a call as the delta it came in. */
static weir_result end_verbatim(struct stream *s, const weir_json *extra)
{
    uint32_t block = extra ? weir_json_find(extra, 0, "block") : WEIR_JSON_NONE;
    uint32_t input;

    if (!weir_json_is_object(extra, block) ||
        !weir_json_is(extra, weir_json_find(extra, 0, "api"), "anthropic"))
        return WEIR_OK; /* there is no place for it here */
    input = weir_json_find(extra, block, "input");
    WEIR_TRY(stream_open(s));
    event_open(s, "content_block_start");
    event_index(s, s->e->next);
    weir_write_key(&s->w, "content_block");
    weir_write_begin_object(&s->w);
    WEIR_JSON_EACH_MEMBER(extra, block, key, value)
    {
        weir_write_key_text(&s->w, weir_json_text(extra, key));
        if (value == input)
            weir_write_raw(&s->w, WEIR_S("{}"));
        else
            weir_write_value(&s->w, extra, value);
    }
    WEIR_TRY(block_send(s));
    if (weir_json_count(extra, input)) {
        delta_open(s, "input_json_delta");
        weir_write_key(&s->w, "partial_json");
        weir_write_string(&s->w, weir_json_raw(extra, input));
        WEIR_TRY(block_send(s));
    }
    return block_stop(s);
}

static weir_result stream_block_end(struct stream *s, const weir_event *event)
{
    static const weir_json none = { { "", 0 }, NULL, 0 };
    struct ant_encoder *e = s->e;
    weir_json extra = none;

    if (!e->open || e->block != event->block)
        return WEIR_INVALID;
    e->open = 0;
    switch (e->kind) {
    case WEIR_BLOCK_REASONING:
        weir_extra_scan(s->cfg, &s->x->arena, event->extra, &extra);
        return end_reasoning(s, &extra);
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        weir_extra_scan(s->cfg, &s->x->arena, event->extra, &extra);
        return end_verbatim(s, &extra);
    case WEIR_BLOCK_TEXT:
        WEIR_TRY(delta_citations(s, event->extra));
        return block_stop(s);
    case WEIR_BLOCK_REFUSAL:
        return block_stop(s);
    case WEIR_BLOCK_TOOL_CALL:
        if (e->custom && e->filled) {
            delta_open(s, "input_json_delta");
            weir_write_key(&s->w, "partial_json");
            weir_write_literal(&s->w, "\"}");
            WEIR_TRY(block_send(s));
        }
        e->broken = weir_json_check_any(&e->input) && !weir_json_check_object(&e->input);
        return block_stop(s);
    default:
        return WEIR_OK;
    }
}

/* -- Events ----------------------------------------------------------------------------------- */

weir_result ant_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out)
{
    struct stream s;

    s.cfg = (const weir_dialect_config *)cfg;
    s.e = (struct ant_encoder *)st;
    s.x = x;
    s.out = out;
    if (event->choice != 0) /* a message is one answer */
        return WEIR_OK;
    switch (event->type) {
    case WEIR_EVENT_START:
        return stream_start(&s, event);
    case WEIR_EVENT_BLOCK_START:
        return stream_block_start(&s, event);
    case WEIR_EVENT_DELTA:
        return stream_delta(&s, event);
    case WEIR_EVENT_BLOCK_END:
        return stream_block_end(&s, event);
    case WEIR_EVENT_USAGE:
        stream_usage(&s, event->usage);
        return WEIR_OK;
    case WEIR_EVENT_FINISH:
        return stream_finish(&s, event);
    default:
        return WEIR_OK;
    }
}

weir_result ant_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    const struct ant_encoder *e = (const struct ant_encoder *)st;

    (void)cfg, (void)x;
    if (!e->ended)
        return WEIR_OK;
    return out->bytes(out->ctx,
                      WEIR_S("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}
