/*
 * resp_stream.c - events as those of a response: numbered from 0, every item begun and ended, every
 * text told again when it is whole, and the response at the end. The core gathers what is repeated.
 */
#include "responses.h"

#include <weir/sdk/sink.h>

enum { STREAM_EVENT_BYTES = 4096 };

/* One event being written. */
struct stream {
    const weir_dialect_config *cfg;
    struct resp_encoder *e;
    const weir_exchange *x;
    const weir_reply_sink *out;
    weir_writer w;
    char buf[STREAM_EVENT_BYTES]; /* only a longer event goes to the arena */
};

static void stream_init(struct stream *s, void *cfg, void *st, const weir_exchange *x,
                        const weir_reply_sink *out)
{
    s->cfg = (const weir_dialect_config *)cfg;
    s->e = (struct resp_encoder *)st;
    s->x = x;
    s->out = out;
}

static void event_open(struct stream *s, const char *type)
{
    weir_writer_init(&s->w, &s->x->arena, 0);
    s->w.buf = s->buf;
    s->w.cap = sizeof(s->buf);
    weir_write_bytes(&s->w, "event: ", 7);
    weir_write_bytes(&s->w, type, strlen(type));
    weir_write_bytes(&s->w, "\ndata: ", 7);
    weir_write_begin_object(&s->w);
    weir_write_key(&s->w, "type");
    weir_write_literal(&s->w, type);
    weir_write_key(&s->w, "sequence_number");
    weir_write_uint64(&s->w, s->e->sequence++);
}

static weir_result event_send(struct stream *s)
{
    weir_str bytes;

    weir_write_end_object(&s->w);
    weir_write_bytes(&s->w, "\n\n", 2);
    WEIR_TRY(weir_writer_finish(&s->w, &bytes));
    return s->out->bytes(s->out->ctx, bytes);
}

static weir_result send_response(struct stream *s, const char *type, const char *status,
                                 const weir_answer *answer, const weir_failure *failure)
{
    struct resp_answer a = { .id = weir_str_make(s->e->id, s->e->id_len),
                             .model = weir_str_make(s->e->model, s->e->model_len),
                             .created = s->e->created,
                             .status = status,
                             .answer = answer,
                             .failure = failure };

    event_open(s, type);
    weir_write_key(&s->w, "response");
    resp_write_response(&s->w, s->cfg, s->x, &a);
    return event_send(s);
}

static weir_result stream_start(struct stream *s, const weir_event *event)
{
    static const weir_header headers[] = {
        { { "content-type", 12 }, { "text/event-stream; charset=utf-8", 32 } },
        { { "cache-control", 13 }, { "no-cache", 8 } },
    };
    struct resp_encoder *e = s->e;
    char buf[48];
    weir_str id = resp_answer_id(s->x, event->id, buf);
    weir_str model = event->name;

    e->created = oai_created(s->cfg, s->x, event->extra);
    e->id_len = (uint16_t)id.len;
    memcpy(e->id, id.ptr, id.len);
    e->model_len = (uint16_t)(model.len < OAI_MODEL_MAX ? model.len : OAI_MODEL_MAX);
    if (e->model_len)
        memcpy(e->model, model.ptr, e->model_len);
    WEIR_TRY(s->out->head(s->out->ctx, 200, headers, 2));
    WEIR_TRY(send_response(s, "response.created", "in_progress", NULL, NULL));
    return send_response(s, "response.in_progress", "in_progress", NULL, NULL);
}

/* -- Blocks ----------------------------------------------------------------------------------- */

static int open_find(const struct resp_encoder *e, int32_t block)
{
    for (int i = e->open_count - 1; i >= 0; i--) {
        if (e->open[i].block == block)
            return i;
    }
    return -1;
}

/* The id of an item: the block's own if it brought one, else one that is made up. */
static weir_str open_id(const struct stream *s, int open, uint16_t kind, char buf[48])
{
    const struct resp_encoder *e = s->e;
    uint32_t output = e->open[open].output;

    if (e->named == output + 1)
        return weir_str_make(e->item_id, e->item_id_len);
    return resp_make_id(buf, resp_item_prefix(kind, e->open[open].custom), s->x, output);
}

/* Which item, and where in it. `index`: the member that numbers the part; NULL: it has none. */
static void event_place(struct stream *s, int open, uint16_t kind, const char *index)
{
    char buf[48];

    weir_write_key(&s->w, "item_id");
    weir_write_string(&s->w, open_id(s, open, kind, buf));
    weir_write_key(&s->w, "output_index");
    weir_write_uint64(&s->w, s->e->open[open].output);
    if (!index)
        return;
    weir_write_key(&s->w, index);
    weir_write_int64(&s->w, 0);
}

static weir_block block_of(const weir_event *event)
{
    weir_block b;

    memset(&b, 0, sizeof(b));
    b.struct_size = sizeof(b);
    b.kind = event->kind;
    b.text = event->text;
    b.id = event->id;
    b.name = event->name;
    b.extra = event->extra;
    return b;
}

static weir_result send_item(struct stream *s, const char *type, uint32_t output,
                             const weir_block *b, weir_str id, bool whole)
{
    event_open(s, type);
    weir_write_key(&s->w, "output_index");
    weir_write_uint64(&s->w, output);
    weir_write_key(&s->w, "item");
    resp_write_item(&s->w, s->cfg, s->x, b, id, whole);
    return event_send(s);
}

static weir_result send_part(struct stream *s, int open, const weir_block *b, bool whole)
{
    bool thought = b->kind == WEIR_BLOCK_REASONING;
    const char *type = whole ? "response.content_part.done" : "response.content_part.added";

    if (thought)
        type = whole ? "response.reasoning_summary_part.done"
                     : "response.reasoning_summary_part.added";
    event_open(s, type);
    event_place(s, open, b->kind, thought ? "summary_index" : "content_index");
    weir_write_key(&s->w, "part");
    if (thought) {
        weir_write_begin_object(&s->w);
        weir_write_key(&s->w, "type");
        weir_write_literal(&s->w, "summary_text");
        weir_write_key(&s->w, "text");
        weir_write_text(&s->w, whole ? b->text : weir_text_from(weir_str_make("", 0)));
        weir_write_end_object(&s->w);
    } else {
        resp_write_part(&s->w, s->cfg, s->x, b, whole);
    }
    return event_send(s);
}

static weir_result stream_begin(struct stream *s, const weir_event *event)
{
    struct resp_encoder *e = s->e;
    weir_block b = block_of(event);
    bool text = b.kind == WEIR_BLOCK_TEXT || b.kind == WEIR_BLOCK_REFUSAL;
    weir_str own;
    char buf[48];
    int open = e->open_count;

    if (!resp_item_prefix(b.kind, false)) /* told when it is whole, if at all */
        return WEIR_OK;
    if (open == RESP_OPEN)
        return WEIR_TOO_LARGE;
    memset(&e->open[open], 0, sizeof(e->open[open]));
    e->open[open].block = event->block;
    e->open[open].output = e->outputs++;
    e->open[open].custom = oai_is_custom(event->extra);
    e->open_count++;
    own = resp_block_id(s->cfg, s->x, event->extra);
    if (own.len && own.len <= RESP_ID_MAX) {
        e->named = e->open[open].output + 1;
        e->item_id_len = (uint16_t)own.len;
        memcpy(e->item_id, own.ptr, own.len);
    }
    WEIR_TRY(send_item(s, "response.output_item.added", e->open[open].output, &b,
                       open_id(s, open, b.kind, buf), false));
    return text ? send_part(s, open, &b, false) : WEIR_OK;
}

static const char *text_event(uint16_t kind, bool custom, bool done)
{
    switch (kind) {
    case WEIR_BLOCK_TEXT:
        return done ? "response.output_text.done" : "response.output_text.delta";
    case WEIR_BLOCK_REFUSAL:
        return done ? "response.refusal.done" : "response.refusal.delta";
    case WEIR_BLOCK_REASONING:
        return done ? "response.reasoning_summary_text.done"
                    : "response.reasoning_summary_text.delta";
    default:
        if (custom)
            return done ? "response.custom_tool_call_input.done"
                        : "response.custom_tool_call_input.delta";
        return done ? "response.function_call_arguments.done"
                    : "response.function_call_arguments.delta";
    }
}

static const char *text_index(uint16_t kind)
{
    if (kind == WEIR_BLOCK_TOOL_CALL)
        return NULL;
    return kind == WEIR_BLOCK_REASONING ? "summary_index" : "content_index";
}

static void text_logprobs(struct stream *s, const weir_json *extra)
{
    weir_write_key(&s->w, "logprobs");
    weir_write_begin_array(&s->w);
    WEIR_JSON_EACH_ITEM(extra, weir_json_path(extra, 0, "logprobs.content"), item)
    {
        weir_write_value(&s->w, extra, item);
    }
    weir_write_end_array(&s->w);
}

static weir_result text_annotations(struct stream *s, int open, const weir_json *extra)
{
    WEIR_JSON_EACH_ITEM(extra, weir_json_find(extra, 0, "annotations"), item)
    {
        event_open(s, "response.output_text.annotation.added");
        event_place(s, open, WEIR_BLOCK_TEXT, "content_index");
        weir_write_key(&s->w, "annotation_index");
        weir_write_uint64(&s->w, s->e->open[open].annotations++);
        weir_write_key(&s->w, "annotation");
        resp_write_flat(&s->w, extra, item);
        WEIR_TRY(event_send(s));
    }
    return WEIR_OK;
}

static weir_result stream_delta(struct stream *s, const weir_event *event)
{
    static const weir_json nothing = { { "", 0 }, NULL, 0 };
    int open = open_find(s->e, event->block);
    bool text = event->kind == WEIR_BLOCK_TEXT;
    weir_json extra;

    if (open < 0)
        return WEIR_OK;
    if (event->kind == WEIR_BLOCK_REASONING && event->text.len && !s->e->open[open].part) {
        weir_block b = block_of(event);

        s->e->open[open].part = 1;
        WEIR_TRY(send_part(s, open, &b, false));
    }
    if (!text || !weir_extra_scan(s->cfg, &s->x->arena, event->extra, &extra))
        extra = nothing;
    if (event->text.len || weir_json_path(&extra, 0, "logprobs.content.0") != WEIR_JSON_NONE) {
        event_open(s, text_event(event->kind, s->e->open[open].custom, false));
        event_place(s, open, event->kind, text_index(event->kind));
        weir_write_key(&s->w, "delta");
        weir_write_text(&s->w, event->text);
        if (text)
            text_logprobs(s, &extra);
        WEIR_TRY(event_send(s));
    }
    return text ? text_annotations(s, open, &extra) : WEIR_OK;
}

/* The text again, now that it is whole. */
static weir_result send_text(struct stream *s, int open, const weir_block *b)
{
    bool custom = s->e->open[open].custom;
    const char *member = b->kind == WEIR_BLOCK_REFUSAL ? "refusal" : "text";
    weir_json extra;

    if (b->kind == WEIR_BLOCK_TOOL_CALL)
        member = custom ? "input" : "arguments";
    event_open(s, text_event(b->kind, custom, true));
    event_place(s, open, b->kind, text_index(b->kind));
    weir_write_key(&s->w, member);
    weir_write_text(&s->w, b->text);
    if (b->kind == WEIR_BLOCK_TOOL_CALL && !custom) {
        weir_write_key(&s->w, "name");
        weir_write_string(&s->w, b->name);
    }
    if (b->kind == WEIR_BLOCK_TEXT) {
        weir_write_key(&s->w, "logprobs");
        weir_write_begin_array(&s->w);
        if (weir_extra_scan(s->cfg, &s->x->arena, b->extra, &extra)) {
            WEIR_JSON_EACH_MEMBER(&extra, 0, key, value)
            {
                if (!weir_json_is(&extra, key, "logprobs"))
                    continue;
                WEIR_JSON_EACH_ITEM(&extra, weir_json_find(&extra, value, "content"), item)
                {
                    weir_write_value(&s->w, &extra, item);
                }
            }
        }
        weir_write_end_array(&s->w);
    }
    return event_send(s);
}

/* What ran at a vendor of this API begins and ends at once. */
static weir_result stream_verbatim(struct stream *s, const weir_block *b)
{
    weir_str none = weir_str_make("", 0);
    uint32_t output = s->e->outputs;
    weir_writer probe;

    weir_writer_init(&probe, &s->x->arena, 0);
    if (!resp_write_item(&probe, s->cfg, s->x, b, none, true))
        return WEIR_OK;
    s->e->outputs++;
    WEIR_TRY(send_item(s, "response.output_item.added", output, b, none, true));
    return send_item(s, "response.output_item.done", output, b, none, true);
}

static weir_result stream_block_end(struct stream *s, const weir_event *event)
{
    struct resp_encoder *e = s->e;
    weir_block b = block_of(event);
    int open = open_find(e, event->block);
    bool part = b.kind != WEIR_BLOCK_TOOL_CALL;
    char buf[48];

    if (!resp_item_prefix(b.kind, false))
        return stream_verbatim(s, &b);
    if (open < 0)
        return WEIR_OK;
    if (b.kind != WEIR_BLOCK_REASONING || e->open[open].part) {
        WEIR_TRY(send_text(s, open, &b));
        if (part)
            WEIR_TRY(send_part(s, open, &b, true));
    }
    WEIR_TRY(send_item(s, "response.output_item.done", e->open[open].output, &b,
                       open_id(s, open, b.kind, buf), true));
    e->open[open] = e->open[--e->open_count];
    return WEIR_OK;
}

weir_result resp_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_reply_sink *out)
{
    struct stream s;

    stream_init(&s, cfg, st, x, out);
    if (event->type == WEIR_EVENT_START)
        return stream_start(&s, event);
    if (event->choice != 0) /* there is one answer here */
        return WEIR_OK;
    switch (event->type) {
    case WEIR_EVENT_BLOCK_START:
        return stream_begin(&s, event);
    case WEIR_EVENT_DELTA:
        return stream_delta(&s, event);
    case WEIR_EVENT_BLOCK_END:
        return stream_block_end(&s, event);
    default:
        return WEIR_OK; /* usage and end are told with the whole answer */
    }
}

weir_result resp_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    const char *status;
    struct stream s;

    stream_init(&s, cfg, st, x, out);
    if (!x->answer)
        return WEIR_UNSUPPORTED;
    status = resp_status(x->answer);
    return send_response(&s, *status == 'i' ? "response.incomplete" : "response.completed", status,
                         x->answer, NULL);
}

weir_result resp_write_failure(void *cfg, void *st, const weir_exchange *x, const weir_failure *f,
                               const weir_reply_sink *out)
{
    struct stream s;
    weir_json error;
    weir_writer w;
    weir_str json;

    if (!st)
        return oai_write_failure(cfg, NULL, x, f, out);
    stream_init(&s, cfg, st, x, out);
    weir_writer_init(&w, &x->arena, f->message.len + 160);
    oai_write_error(&w, f);
    WEIR_TRY(weir_writer_finish(&w, &json));
    event_open(&s, "error");
    /* Both ways of telling it: some clients read the one, some the other. */
    if (s.cfg->json && s.cfg->json->scan(&x->arena, json, &error, NULL) == WEIR_OK) {
        weir_write_key(&s.w, "code");
        weir_write_value(&s.w, &error, weir_json_find(&error, 0, "code"));
        weir_write_key(&s.w, "message");
        weir_write_value(&s.w, &error, weir_json_find(&error, 0, "message"));
        weir_write_key(&s.w, "param");
        weir_write_value(&s.w, &error, weir_json_find(&error, 0, "param"));
    }
    weir_write_key(&s.w, "error");
    weir_write_raw(&s.w, json);
    WEIR_TRY(event_send(&s));
    if (!s.e->id_len) /* the response was passed through: it is not ours */
        return WEIR_OK;
    return send_response(&s, "response.failed", "failed", NULL, f);
}
