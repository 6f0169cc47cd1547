/*
 * write_stream.c - events as chunks of a stream: server-sent events with alt=sse, else the elements
 * of one JSON array, as they come.
 *
 * A function call is one part, and its signature, which is told last, belongs to it. So the chunk
 * of a call is begun with its arguments, once they are known to be good, and closed with its end;
 * WEIR_DIALECT_WHOLE_CALLS sees to it that nothing comes in between.
 */
#include "gemini.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/sink.h>

enum { STREAM_CHUNK_BYTES = 4096 };

/* One chunk being written. */
struct stream_chunk {
    const weir_dialect_config *cfg;
    struct gem_encoder *e;
    const weir_exchange *x;
    const weir_reply_sink *out;
    weir_writer w;
    char buf[STREAM_CHUNK_BYTES]; /* a stream may be long: only a longer chunk goes to the arena */
};

static void chunk_buffer(struct stream_chunk *c)
{
    weir_writer_init(&c->w, &c->x->arena, 0);
    c->w.buf = c->buf;
    c->w.cap = sizeof(c->buf);
}

/* {"candidates":[{"content":{"parts":[{ and what makes it a piece of the stream */
static void chunk_open(struct stream_chunk *c)
{
    const char *before = !c->e->array ? "data: " : c->e->pieces ? "\n,\n" : "[";

    c->e->pieces++;
    chunk_buffer(c);
    weir_write_bytes(&c->w, before, strlen(before));
    weir_write_bytes(&c->w, "{\"candidates\":[{\"content\":{\"parts\":[", 36);
}

/* A line end would end the event: between JSON values a blank does as well, and within strings
 * there is none. */
static void chunk_flatten(struct stream_chunk *c)
{
    for (size_t i = 0; !c->e->array && i < c->w.len; i++) {
        if (c->w.buf[i] == '\n' || c->w.buf[i] == '\r')
            c->w.buf[i] = ' ';
    }
}

static weir_result chunk_send(struct stream_chunk *c)
{
    weir_str bytes = weir_str_make(c->w.buf, c->w.len);

    return c->w.failed ? WEIR_NO_MEMORY : c->out->bytes(c->out->ctx, bytes);
}

/* Sends what is written of a chunk that goes on. */
static weir_result chunk_flush(struct stream_chunk *c)
{
    chunk_flatten(c);
    return chunk_send(c);
}

/* From behind the part to the end. `finish` empty: the candidate goes on. */
static weir_result chunk_close(struct stream_chunk *c, int32_t choice, weir_str finish,
                               weir_str extra)
{
    struct gem_encoder *e = c->e;
    weir_writer *w = &c->w;

    weir_write_bytes(w, "],\"role\":\"model\"}", 17);
    w->comma = true;
    if (finish.len) {
        weir_write_key(w, "finishReason");
        weir_write_string(w, finish);
    }
    weir_write_key(w, "index");
    weir_write_int64(w, choice);
    gem_write_candidate_extra(w, c->cfg->json, &c->x->arena, extra);
    weir_write_bytes(w, "}]", 2);
    w->comma = true;
    if (finish.len && e->usage.struct_size) {
        weir_write_key(w, "usageMetadata");
        gem_write_usage(w, &e->usage);
    }
    weir_write_key(w, "modelVersion");
    weir_write_string(w, weir_str_make(e->model, e->model_len));
    weir_write_key(w, "responseId");
    weir_write_string(w, weir_str_make(e->id, e->id_len));
    weir_write_byte(w, '}');
    chunk_flatten(c);
    if (!e->array)
        weir_write_bytes(w, "\r\n\r\n", 4);
    return chunk_send(c);
}

static weir_result stream_start(struct stream_chunk *c, const weir_event *event)
{
    static const weir_header sse = { { "content-type", 12 }, { "text/event-stream", 17 } };
    static const weir_header array = { { "content-type", 12 },
                                       { "application/json; charset=UTF-8", 31 } };
    struct gem_encoder *e = c->e;
    weir_str id = event->id.len && event->id.len <= GEM_ANSWER_ID_MAX ? event->id : c->x->id;
    weir_str model = event->name;

    e->started = 1;
    e->array = !gem_path_sse(c->x->path);
    e->id_len = (uint16_t)(id.len < GEM_ANSWER_ID_MAX ? id.len : GEM_ANSWER_ID_MAX);
    if (e->id_len)
        memcpy(e->id, id.ptr, e->id_len);
    e->model_len = (uint16_t)(model.len < GEM_MODEL_MAX ? model.len : GEM_MODEL_MAX);
    if (e->model_len)
        memcpy(e->model, model.ptr, e->model_len);
    return c->out->head(c->out->ctx, 200, e->array ? &array : &sse, 1);
}

/* -- Text ------------------------------------------------------------------------------------- */

static void text_part(struct stream_chunk *c, uint16_t kind, weir_text text, weir_str signature)
{
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "text");
    weir_write_text(&c->w, text);
    if (kind == WEIR_BLOCK_REASONING) {
        weir_write_key(&c->w, "thought");
        weir_write_bool(&c->w, true);
    }
    if (signature.len) {
        weir_write_key(&c->w, "thoughtSignature");
        weir_write_raw(&c->w, signature);
    }
    weir_write_end_object(&c->w);
}

static weir_result stream_text(struct stream_chunk *c, const weir_event *event)
{
    weir_str nothing = weir_str_make("", 0);

    if (!event->text.len && !event->extra.len)
        return WEIR_OK;
    chunk_open(c);
    text_part(c, event->kind, event->text, nothing);
    return chunk_close(c, event->choice, nothing, event->extra);
}

/* A signature that came with the end of a text stands on a part without any. */
static weir_result stream_text_end(struct stream_chunk *c, const weir_event *event)
{
    weir_str nothing = weir_str_make("", 0);
    weir_str signature =
        gem_extra_member(c->cfg->json, &c->x->arena, event->extra, "thought_signature");

    if (!signature.len)
        return WEIR_OK;
    chunk_open(c);
    text_part(c, event->kind, weir_text_from(nothing), signature);
    return chunk_close(c, event->choice, nothing, nothing);
}

/* -- Calls ------------------------------------------------------------------------------------ */

/* Only its signature is written yet, if it came: whether there is a call, its arguments tell. */
static weir_result stream_call_begin(struct stream_chunk *c, const weir_event *event)
{
    struct gem_encoder *e = c->e;
    weir_str signature =
        gem_extra_member(c->cfg->json, &c->x->arena, event->extra, "thought_signature");

    if (event->id.len > GEM_CALL_ID_MAX || event->name.len > GEM_CALL_NAME_MAX)
        return WEIR_TOO_LARGE;
    e->open = GEM_CALL_BEGUN;
    e->custom = weir_str_mentions(event->extra, "\"type\":\"custom\"");
    e->is_signed = signature.len > 0;
    e->call_id_len = (uint16_t)event->id.len;
    e->call_name_len = (uint16_t)event->name.len;
    if (event->id.len)
        memcpy(e->call_id, event->id.ptr, event->id.len);
    if (event->name.len)
        memcpy(e->call_name, event->name.ptr, event->name.len);
    if (!signature.len)
        return WEIR_OK;
    chunk_open(c);
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "thoughtSignature");
    weir_write_raw(&c->w, signature);
    return chunk_flush(c);
}

/* Goes on with the part of a call, behind its signature if that is written. */
static void call_part(struct stream_chunk *c)
{
    if (c->e->is_signed) {
        chunk_buffer(c);
        c->w.comma = true;
        return;
    }
    chunk_open(c);
    weir_write_begin_object(&c->w);
}

/* A call that was cut, or is no JSON, is left out: applications run what they are given. A
 * signature that was written stands on an empty text. */
static weir_result call_miss(struct stream_chunk *c, int32_t choice)
{
    weir_str nothing = weir_str_make("", 0);

    c->e->missed |= UINT64_C(1) << (choice & 63);
    c->e->open = GEM_CALL_NONE;
    if (!c->e->is_signed)
        return WEIR_OK;
    call_part(c);
    weir_write_key(&c->w, "text");
    weir_write_literal(&c->w, "");
    weir_write_end_object(&c->w);
    return chunk_close(c, choice, nothing, nothing);
}

static weir_result stream_call_args(struct stream_chunk *c, const weir_event *event)
{
    struct gem_encoder *e = c->e;
    weir_str args = WEIR_S("");

    if (e->open != GEM_CALL_BEGUN)
        return WEIR_OK;
    if (!e->custom && !weir_arguments_good(c->cfg->json, &c->x->arena, event->text, &args))
        return call_miss(c, event->choice);
    e->open = GEM_CALL_TOLD;
    call_part(c);
    weir_write_key(&c->w, "functionCall");
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "id");
    weir_write_string(&c->w, weir_str_make(e->call_id, e->call_id_len));
    weir_write_key(&c->w, "name");
    weir_write_string(&c->w, weir_str_make(e->call_name, e->call_name_len));
    weir_write_key(&c->w, "args");
    if (e->custom) {
        weir_write_begin_object(&c->w);
        weir_write_key(&c->w, "input");
        weir_write_text(&c->w, event->text);
        weir_write_end_object(&c->w);
    } else {
        weir_write_raw(&c->w, args);
    }
    return chunk_flush(c);
}

static weir_result stream_call_end(struct stream_chunk *c, const weir_event *event)
{
    weir_str nothing = weir_str_make("", 0);
    weir_str signature =
        gem_extra_member(c->cfg->json, &c->x->arena, event->extra, "thought_signature");

    if (c->e->open != GEM_CALL_TOLD)
        return WEIR_OK;
    chunk_buffer(c);
    weir_write_byte(&c->w, '}');
    c->w.comma = true;
    if (signature.len && !c->e->is_signed) {
        weir_write_key(&c->w, "thoughtSignature");
        weir_write_raw(&c->w, signature);
    }
    weir_write_byte(&c->w, '}');
    c->e->open = GEM_CALL_NONE;
    return chunk_close(c, event->choice, nothing, nothing);
}

/* -- Other blocks ----------------------------------------------------------------------------- */

static weir_result stream_media_begin(struct stream_chunk *c, const weir_event *event)
{
    weir_str type = gem_extra_member(c->cfg->json, &c->x->arena, event->extra, "media_type");

    if (!type.len || type.len > GEM_MEDIA_MAX)
        type = event->kind == WEIR_BLOCK_IMAGE ? WEIR_S("\"image/png\"") : WEIR_S("\"audio/wav\"");
    c->e->media_len = (uint8_t)type.len;
    memcpy(c->e->media, type.ptr, type.len);
    return WEIR_OK;
}

static weir_result stream_media(struct stream_chunk *c, const weir_event *event)
{
    weir_str nothing = weir_str_make("", 0);

    if (!event->text.len)
        return WEIR_OK;
    chunk_open(c);
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "inlineData");
    weir_write_begin_object(&c->w);
    weir_write_key(&c->w, "mimeType");
    weir_write_raw(&c->w, weir_str_make(c->e->media, c->e->media_len));
    weir_write_key(&c->w, "data");
    weir_write_text(&c->w, event->text);
    weir_write_end_object(&c->w);
    weir_write_end_object(&c->w);
    return chunk_close(c, event->choice, nothing, nothing);
}

static weir_result stream_verbatim(struct stream_chunk *c, const weir_event *event)
{
    weir_str nothing = weir_str_make("", 0);
    weir_str api = gem_extra_member(c->cfg->json, &c->x->arena, event->extra, "api");
    weir_str block = gem_extra_member(c->cfg->json, &c->x->arena, event->extra, "block");

    if (!weir_str_is(api, "\"gemini\"") || !block.len)
        return WEIR_OK;
    chunk_open(c);
    weir_write_raw(&c->w, block);
    return chunk_close(c, event->choice, nothing, nothing);
}

/* -- Events ----------------------------------------------------------------------------------- */

static weir_result stream_begin(struct stream_chunk *c, const weir_event *event)
{
    switch (event->kind) {
    case WEIR_BLOCK_TOOL_CALL:
        return stream_call_begin(c, event);
    case WEIR_BLOCK_IMAGE:
    case WEIR_BLOCK_AUDIO:
        return stream_media_begin(c, event);
    default:
        return WEIR_OK;
    }
}

static weir_result stream_delta(struct stream_chunk *c, const weir_event *event)
{
    switch (event->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REASONING:
    case WEIR_BLOCK_REFUSAL:
        return stream_text(c, event);
    case WEIR_BLOCK_TOOL_CALL:
        return stream_call_args(c, event);
    case WEIR_BLOCK_IMAGE:
    case WEIR_BLOCK_AUDIO:
        return stream_media(c, event);
    default:
        return WEIR_OK;
    }
}

static weir_result stream_block_end(struct stream_chunk *c, const weir_event *event)
{
    switch (event->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REASONING:
        return stream_text_end(c, event);
    case WEIR_BLOCK_TOOL_CALL:
        return stream_call_end(c, event);
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        return stream_verbatim(c, event);
    default:
        return WEIR_OK;
    }
}

static weir_result stream_finish(struct stream_chunk *c, const weir_event *event)
{
    weir_str nothing = weir_str_make("", 0);

    if (c->e->missed >> (event->choice & 63) & 1)
        WEIR_TRY(weir_arguments_missed(event->reason));
    chunk_open(c);
    text_part(c, WEIR_BLOCK_TEXT, weir_text_from(nothing), nothing);
    return chunk_close(c, event->choice, gem_finish_word(event->reason, event->name), event->extra);
}

weir_result gem_stream_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out)
{
    struct stream_chunk c;

    c.cfg = (const weir_dialect_config *)cfg;
    c.e = (struct gem_encoder *)st;
    c.x = x;
    c.out = out;
    switch (event->type) {
    case WEIR_EVENT_START:
        return stream_start(&c, event);
    case WEIR_EVENT_BLOCK_START:
        return stream_begin(&c, event);
    case WEIR_EVENT_DELTA:
        return stream_delta(&c, event);
    case WEIR_EVENT_BLOCK_END:
        return stream_block_end(&c, event);
    case WEIR_EVENT_USAGE:
        c.e->usage = *event->usage; /* told with the end */
        c.e->usage.struct_size = sizeof(weir_usage);
        return WEIR_OK;
    case WEIR_EVENT_FINISH:
        return stream_finish(&c, event);
    default:
        return WEIR_OK;
    }
}

weir_result gem_stream_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    const struct gem_encoder *e = (const struct gem_encoder *)st;

    (void)cfg, (void)x;
    if (!e->array)
        return WEIR_OK;
    return out->bytes(out->ctx, weir_str_of(e->pieces ? "\n]" : "[]"));
}
