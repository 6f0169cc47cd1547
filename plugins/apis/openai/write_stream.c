/*
 * write_stream.c - events as chat.completion.chunk events, the way OpenAI sends them: the role
 * first, tool calls numbered from 0, a reason for the end, usage if it was asked for, [DONE].
 */
#include "openai.h"

#include <weir/sdk/sink.h>

enum { STREAM_CHUNK_BYTES = 4096 };

/* One chunk being written. */
struct stream_chunk {
    const weir_dialect_config *cfg;
    struct oai_encoder *e;
    const weir_exchange *x;
    const weir_reply_sink *out;
    weir_writer w;
    char buf[STREAM_CHUNK_BYTES]; /* a stream may be long: only a longer chunk goes to the arena */
};

static void chunk_init(struct stream_chunk *c, void *cfg, void *st, const weir_exchange *x,
                       const weir_reply_sink *out)
{
    c->cfg = (const weir_dialect_config *)cfg;
    c->e = (struct oai_encoder *)st;
    c->x = x;
    c->out = out;
}

/* "data: {...,"choices":[" */
static void chunk_open(struct stream_chunk *c)
{
    weir_writer *w = &c->w;

    weir_writer_init(w, &c->x->arena, 0);
    w->buf = c->buf;
    w->cap = sizeof(c->buf);
    weir_write_bytes(w, "data: ", 6);
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, weir_str_make(c->e->id, c->e->id_len));
    weir_write_key(w, "object");
    weir_write_literal(w, "chat.completion.chunk");
    weir_write_key(w, "created");
    weir_write_int64(w, c->e->created);
    weir_write_key(w, "model");
    weir_write_string(w, weir_str_make(c->e->model, c->e->model_len));
    weir_write_key(w, "choices");
    weir_write_begin_array(w);
}

static weir_result chunk_send(struct stream_chunk *c)
{
    weir_str bytes;

    weir_write_end_object(&c->w);
    weir_write_bytes(&c->w, "\n\n", 2);
    WEIR_TRY(weir_writer_finish(&c->w, &bytes));
    return c->out->bytes(c->out->ctx, bytes);
}

static void choice_open(struct stream_chunk *c, int32_t choice)
{
    chunk_open(c);
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "index");
    weir_write_int64(&c->w, choice);
    weir_write_key(&c->w, "delta");
    weir_write_begin_object(&c->w);
}

/* Closes the delta and the choice. `reason` NULL: not over. */
static weir_result choice_send(struct stream_chunk *c, weir_str extra, const char *reason)
{
    oai_write_extra(&c->w, c->cfg->json, &c->x->arena, extra, true);
    weir_write_end_object(&c->w);
    oai_write_extra(&c->w, c->cfg->json, &c->x->arena, extra, false);
    weir_write_key(&c->w, "finish_reason");
    if (reason)
        weir_write_literal(&c->w, reason);
    else
        weir_write_null(&c->w);
    weir_write_end_object(&c->w);
    weir_write_end_array(&c->w);
    return chunk_send(c);
}

/* The first chunk of a choice tells the role and nothing else. */
static weir_result stream_role(struct stream_chunk *c, int32_t choice, bool with_text)
{
    if (c->e->role[choice])
        return WEIR_OK;
    c->e->role[choice] = 1;
    choice_open(c, choice);
    weir_write_key(&c->w, "role");
    weir_write_literal(&c->w, "assistant");
    weir_write_key(&c->w, "content");
    if (with_text)
        weir_write_literal(&c->w, "");
    else
        weir_write_null(&c->w);
    return choice_send(c, weir_str_make("", 0), NULL);
}

static weir_result stream_start(struct stream_chunk *c, const weir_event *event)
{
    static const weir_header headers[] = {
        { { "content-type", 12 }, { "text/event-stream; charset=utf-8", 32 } },
        { { "cache-control", 13 }, { "no-cache", 8 } },
    };
    struct oai_encoder *e = c->e;
    weir_str id = event->id.len && event->id.len <= OAI_ANSWER_ID_MAX ? event->id : c->x->id;
    weir_str model = event->name;

    e->created = oai_created(c->cfg, c->x, event->extra);
    e->id_len = (uint16_t)(id.len < OAI_ANSWER_ID_MAX ? id.len : OAI_ANSWER_ID_MAX);
    if (e->id_len)
        memcpy(e->id, id.ptr, e->id_len);
    e->model_len = (uint16_t)(model.len < OAI_MODEL_MAX ? model.len : OAI_MODEL_MAX);
    if (e->model_len)
        memcpy(e->model, model.ptr, e->model_len);
    return c->out->head(c->out->ctx, 200, headers, 2);
}

/* The place of a call in the state, or -1. */
static int stream_call_find(struct oai_encoder *e, int32_t choice, int32_t block)
{
    for (uint16_t i = e->call_count; i > 0; i--) {
        if (e->call[i - 1].choice == choice && e->call[i - 1].block == block)
            return i - 1;
    }
    return -1;
}

/* Opens the object that a call's name and arguments stand in. `id` NULL: not the first fragment. */
static void call_open(struct stream_chunk *c, int call, const weir_str *id)
{
    const char *type = c->e->call[call].custom ? "custom" : "function";
    weir_writer *w = &c->w;

    if (oai_is_legacy(c->x)) {
        weir_write_key(w, "function_call");
        weir_write_begin_object(w);
        return;
    }
    weir_write_key(w, "tool_calls");
    weir_write_begin_array(w);
    weir_write_begin_object(w);
    weir_write_key(w, "index");
    weir_write_int64(w, c->e->call[call].index);
    if (id) {
        weir_write_key(w, "id");
        weir_write_string(w, *id);
        weir_write_key(w, "type");
        weir_write_literal(w, type);
    }
    weir_write_key(w, type);
    weir_write_begin_object(w);
}

static void call_close(struct stream_chunk *c, int call, weir_text arguments)
{
    weir_write_key(&c->w, c->e->call[call].custom ? "input" : "arguments");
    weir_write_text(&c->w, arguments);
    weir_write_end_object(&c->w);
    if (!oai_is_legacy(c->x)) {
        weir_write_end_object(&c->w);
        weir_write_end_array(&c->w);
    }
}

static weir_result stream_call_begin(struct stream_chunk *c, const weir_event *event)
{
    struct oai_encoder *e = c->e;
    int call = e->call_count;

    if (call == OAI_CALLS)
        return WEIR_TOO_LARGE;
    e->call[call].choice = (uint16_t)event->choice;
    e->call[call].block = event->block;
    e->call[call].index = e->calls[event->choice]++;
    e->call[call].custom = oai_is_custom(event->extra);
    e->call_count++;

    WEIR_TRY(stream_role(c, event->choice, false));
    choice_open(c, event->choice);
    call_open(c, call, &event->id);
    weir_write_key(&c->w, "name");
    weir_write_string(&c->w, event->name);
    call_close(c, call, weir_text_from(weir_str_make("", 0)));
    return choice_send(c, e->call[call].custom ? weir_str_make("", 0) : event->extra, NULL);
}

static weir_result stream_call_delta(struct stream_chunk *c, const weir_event *event)
{
    int call = stream_call_find(c->e, event->choice, event->block);

    if (call < 0)
        return WEIR_INVALID;
    choice_open(c, event->choice);
    call_open(c, call, NULL);
    call_close(c, call, event->text);
    return choice_send(c, event->extra, NULL);
}

/* Kinds that this API has no word for are left out. */
static const char *stream_member(uint16_t kind)
{
    switch (kind) {
    case WEIR_BLOCK_TEXT:
        return "content";
    case WEIR_BLOCK_REASONING:
        return "reasoning_content";
    case WEIR_BLOCK_REFUSAL:
        return "refusal";
    default:
        return NULL;
    }
}

static weir_result stream_delta(struct stream_chunk *c, const weir_event *event)
{
    const char *member = stream_member(event->kind);

    if (event->kind == WEIR_BLOCK_TOOL_CALL)
        return stream_call_delta(c, event);
    if (!event->extra.len && (!member || !event->text.len))
        return WEIR_OK;
    WEIR_TRY(stream_role(c, event->choice, true));
    choice_open(c, event->choice);
    if (member && event->text.len) {
        weir_write_key(&c->w, member);
        weir_write_text(&c->w, event->text);
    }
    return choice_send(c, event->extra, NULL);
}

/* The opaque state of a block, now that it has ended. */
static weir_result stream_block_end(struct stream_chunk *c, const weir_event *event)
{
    int call = stream_call_find(c->e, event->choice, event->block);
    weir_json doc;

    if (event->kind == WEIR_BLOCK_REASONING && oai_has_details(event->extra)) {
        WEIR_TRY(stream_role(c, event->choice, true));
        choice_open(c, event->choice);
        weir_write_key(&c->w, "reasoning_details");
        weir_write_begin_array(&c->w);
        oai_write_details(&c->w, c->cfg, c->x, event->extra, NULL);
        weir_write_end_array(&c->w);
        return choice_send(c, weir_str_make("", 0), NULL);
    }
    if (event->kind != WEIR_BLOCK_TOOL_CALL || call < 0 || oai_is_legacy(c->x) ||
        !weir_str_mentions(event->extra, "\"thought_signature\"") ||
        !weir_extra_scan(c->cfg, &c->x->arena, event->extra, &doc) ||
        !weir_json_is_string(&doc, weir_json_find(&doc, 0, "thought_signature")))
        return WEIR_OK;
    choice_open(c, event->choice);
    weir_write_key(&c->w, "tool_calls");
    weir_write_begin_array(&c->w);
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "index");
    weir_write_int64(&c->w, c->e->call[call].index);
    oai_write_thought(&c->w, c->cfg, c->x, event->extra);
    weir_write_end_object(&c->w);
    weir_write_end_array(&c->w);
    return choice_send(c, weir_str_make("", 0), NULL);
}

static weir_result stream_finish(struct stream_chunk *c, const weir_event *event)
{
    bool has_word;
    const char *word = oai_finish_word(event->reason, &has_word);

    WEIR_TRY(stream_role(c, event->choice, true));
    choice_open(c, event->choice);
    if (has_word || !event->name.len)
        return choice_send(c, event->extra, word);
    /* The vendor's own word stands beside ours. */
    weir_writer w;
    weir_str extra;

    weir_writer_init(&w, &c->x->arena, 64);
    weir_write_members(&w, event->extra);
    weir_write_key(&w, "native_finish_reason");
    weir_write_string(&w, event->name);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    return choice_send(c, extra, word);
}

weir_result oai_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out)
{
    struct stream_chunk c;

    chunk_init(&c, cfg, st, x, out);
    if (event->choice < 0 || event->choice >= OAI_CHOICES)
        return WEIR_TOO_LARGE;
    switch (event->type) {
    case WEIR_EVENT_START:
        return stream_start(&c, event);
    case WEIR_EVENT_BLOCK_START:
        return event->kind == WEIR_BLOCK_TOOL_CALL ? stream_call_begin(&c, event) : WEIR_OK;
    case WEIR_EVENT_DELTA:
        return stream_delta(&c, event);
    case WEIR_EVENT_BLOCK_END:
        return event->extra.len ? stream_block_end(&c, event) : WEIR_OK;
    case WEIR_EVENT_USAGE:
        c.e->usage = *event->usage; /* told at the end */
        c.e->usage.struct_size = sizeof(weir_usage);
        return WEIR_OK;
    case WEIR_EVENT_FINISH:
        return stream_finish(&c, event);
    default:
        return WEIR_OK;
    }
}

weir_result oai_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    struct stream_chunk c;

    chunk_init(&c, cfg, st, x, out);
    if (x->asked_usage && c.e->usage.struct_size) {
        chunk_open(&c);
        weir_write_end_array(&c.w);
        weir_write_key(&c.w, "usage");
        oai_write_usage(&c.w, &c.e->usage);
        WEIR_TRY(chunk_send(&c));
    }
    return out->bytes(out->ctx, WEIR_S("data: [DONE]\n\n"));
}
