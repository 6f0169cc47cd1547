/*
 * host-decode.c - see host.h: bytes that a provider part is fed, and what it says of them.
 */
#include "host.h"

#include "json/scan.h"
#include "model/framer.h"

#include <string.h>

static const char *heard_kind(uint16_t kind)
{
#define KIND_NAME(id, number, name) \
    if (kind == number)             \
        return name;
    WEIR_BLOCK_KINDS(KIND_NAME)
#undef KIND_NAME
    return "?";
}

static char *heard_utf8(weir_text text)
{
    size_t len = weir_text_decode(text, NULL, 0);
    char *out = g_malloc0(len + 1);

    weir_text_decode(text, out, len);
    return out;
}

static gpointer heard_key(const weir_event *e)
{
    return GINT_TO_POINTER(1 + e->choice * 1000 + e->block);
}

/* Blocks are opened before their deltas, once, and closed; nothing comes after the end. */
static void heard_order(struct host_heard *h, const weir_event *e)
{
    gpointer key = heard_key(e);
    bool open = g_hash_table_contains(h->open, key);

    if (h->errors)
        h->broken = true;
    switch (e->type) {
    case WEIR_EVENT_BLOCK_START:
        h->broken = h->broken || open || h->finish->len;
        g_hash_table_insert(h->open, key, NULL);
        break;
    case WEIR_EVENT_DELTA:
        h->broken = h->broken || !open || h->finish->len;
        break;
    case WEIR_EVENT_BLOCK_END:
        h->broken = h->broken || !open;
        g_hash_table_remove(h->open, key);
        break;
    case WEIR_EVENT_USAGE:
        h->broken = h->broken || h->finish->len;
        break;
    case WEIR_EVENT_FINISH:
        h->broken = h->broken || g_hash_table_size(h->open);
        break;
    default:
        break;
    }
}

static void heard_delta(struct host_heard *h, const weir_event *e, const char *text)
{
    if (e->kind == WEIR_BLOCK_TEXT && e->choice < 4)
        g_string_append(h->text[e->choice], text);
    else if (e->kind == WEIR_BLOCK_REASONING)
        g_string_append(h->reasoning, text);
    else if (e->kind == WEIR_BLOCK_REFUSAL)
        g_string_append(h->refusal, text);
    else if (e->kind == WEIR_BLOCK_TOOL_CALL)
        g_string_append(g_hash_table_lookup(h->open, heard_key(e)), text);
}

static weir_result heard_event(void *ctx, const weir_event *e)
{
    struct host_heard *h = ctx;
    g_autofree char *text = heard_utf8(e->text);

    heard_order(h, e);
    switch (e->type) {
    case WEIR_EVENT_START:
        g_string_append_printf(h->log, "start %.*s %.*s", (int)e->id.len, e->id.ptr,
                               (int)e->name.len, e->name.ptr);
        break;
    case WEIR_EVENT_BLOCK_START:
        g_string_append_printf(h->log, "open %d.%d %s", e->choice, e->block, heard_kind(e->kind));
        if (e->kind == WEIR_BLOCK_TOOL_CALL) {
            GString *call = g_string_new_len(e->name.ptr, (gssize)e->name.len);

            g_ptr_array_add(e->choice ? h->other_calls : h->calls, g_string_append_c(call, '('));
            g_hash_table_insert(h->open, heard_key(e), call);
            g_string_append_printf(h->log, " %.*s %.*s", (int)e->id.len, e->id.ptr,
                                   (int)e->name.len, e->name.ptr);
        }
        break;
    case WEIR_EVENT_DELTA:
        g_string_append_printf(h->log, "delta %d.%d %s", e->choice, e->block, text);
        heard_delta(h, e, text);
        break;
    case WEIR_EVENT_BLOCK_END:
        g_string_append_printf(h->log, "close %d.%d", e->choice, e->block);
        break;
    case WEIR_EVENT_DOCUMENT:
        h->document = g_strdup(text);
        g_string_append(h->log, "document");
        break;
    case WEIR_EVENT_USAGE:
        h->usage = *e->usage;
        g_string_append_printf(h->log, "usage %d %d", (int)e->usage->input_total,
                               (int)e->usage->output_total);
        break;
    case WEIR_EVENT_RATE:
        h->rate = *e->rate;
        g_string_append(h->log, "rate");
        break;
    case WEIR_EVENT_FINISH:
        g_string_append_printf(h->finish, "%s%d:%.*s", h->finish->len ? " " : "", e->choice,
                               (int)e->name.len, e->name.ptr);
        g_string_append_printf(h->log, "finish %d %d", e->choice, e->reason);
        break;
    case WEIR_EVENT_ERROR:
        h->errors++;
        h->class_id = e->failure->class_id;
        h->http_status = e->failure->http_status;
        h->retry_after_us = e->failure->retry_after_us;
        h->message = host_text(e->failure->message);
        h->code = host_text(e->failure->code);
        g_string_append_printf(h->log, "error %s", weir_class_name(h->class_id));
        break;
    default:
        g_string_append_printf(h->log, "event %d", e->type);
        break;
    }
    if (e->extra.len)
        g_string_append_printf(h->log, " +%.*s", (int)e->extra.len, e->extra.ptr);
    g_string_append_c(h->log, '\n');
    return WEIR_OK;
}

/* A decoder at work. */
struct feed {
    const weir_provider_v1 *face;
    void *cfg;
    struct host_exchange *e;
    struct host_heard *h;
    void *state;
    GString *buffer;
};

/* State must not hold pointers: it moves. */
static void feed_move(struct feed *f)
{
    void *moved = g_memdup2(f->state, f->face->decoder_size);

    memset(f->state, 0xA5, f->face->decoder_size);
    g_free(f->state);
    f->state = moved;
}

static void feed_frame(struct feed *f, weir_str name, weir_str data, uint32_t flags)
{
    const weir_events out = { f->h, heard_event };
    struct host_arena arena;
    char *copy = g_strndup(data.ptr, data.len);
    weir_frame frame = { sizeof(frame), flags, name, { copy, data.len }, NULL };
    weir_json doc;
    weir_result result;

    host_arena_init(&arena);
    if (data.len && jscan_arena(&arena.arena, frame.data, &doc, NULL) == WEIR_OK)
        frame.json = &doc;
    else if (data.len && (copy[0] == '{' || copy[0] == '['))
        frame.flags |= WEIR_FRAME_BAD_JSON;
    result = f->face->frame(f->cfg, f->state, &f->e->x, &frame, &out);
    g_assert_cmpint(result, >=, 0);
    if (result == WEIR_RELAY && data.len)
        g_string_append_printf(f->h->relayed, "%s\n", copy);
    memset(copy, 0xA5, data.len);
    g_free(copy);
    host_arena_clear(&arena);
    feed_move(f);
}

/* Takes whole events off the front of the buffer. */
static void feed_sse(struct feed *f)
{
    char *end;

    while ((end = strstr(f->buffer->str, "\n\n"))) {
        g_autofree char *block = g_strndup(f->buffer->str, (gsize)(end - f->buffer->str));
        g_auto(GStrv) lines = g_strsplit(block, "\n", -1);
        g_autoptr(GString) data = g_string_new(NULL);
        const char *name = "";
        bool any = false;

        g_string_erase(f->buffer, 0, end + 2 - f->buffer->str);
        for (char **line = lines; *line; line++) {
            if (g_str_has_prefix(*line, "event:"))
                name = g_strstrip(*line + 6);
            if (!g_str_has_prefix(*line, "data:"))
                continue;
            g_string_append_printf(data, "%s%s", any ? "\n" : "",
                                   *line + ((*line)[5] == ' ' ? 6 : 5));
            any = true;
        }
        if (any)
            feed_frame(f, weir_str_of(name), weir_str_make(data->str, data->len), 0);
    }
}

/* Takes whole lines off the front of the buffer. */
static void feed_lines(struct feed *f)
{
    char *end;

    while ((end = memchr(f->buffer->str, '\n', f->buffer->len))) {
        gsize len = (gsize)(end - f->buffer->str);

        feed_frame(f, WEIR_S(""), weir_str_make(f->buffer->str, len), 0);
        g_string_erase(f->buffer, 0, (gssize)len + 1);
    }
}

/* Takes whole elements of an array off the front of the buffer. */
static void feed_array(struct feed *f, struct framer *framer)
{
    struct framer_frame element;
    int64_t used;

    while ((used = framer_next(framer, f->buffer->str, f->buffer->len, false, &element)) > 0) {
        feed_frame(f, WEIR_S(""), element.frame.data, 0);
        g_string_erase(f->buffer, 0, used);
    }
}

static GArray *feed_headers(const char *headers, char ***lines)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(weir_header));

    *lines = g_strsplit(headers, "\n", -1);
    for (char **line = *lines; *line; line++) {
        char *colon = strstr(*line, ": ");
        weir_header h;

        if (!colon)
            continue;
        h.name = weir_str_make(*line, (size_t)(colon - *line));
        h.value = weir_str_of(colon + 2);
        g_array_append_val(list, h);
    }
    return list;
}

static struct host_heard *heard_new(void)
{
    struct host_heard *h = g_new0(struct host_heard, 1);

    h->log = g_string_new(NULL);
    h->relayed = g_string_new(NULL);
    for (int i = 0; i < 4; i++)
        h->text[i] = g_string_new(NULL);
    h->reasoning = g_string_new(NULL);
    h->refusal = g_string_new(NULL);
    h->calls = g_ptr_array_new();
    h->other_calls = g_ptr_array_new();
    h->finish = g_string_new(NULL);
    h->open = g_hash_table_new(NULL, NULL);
    return h;
}

struct host_heard *host_decode(const weir_provider_v1 *face, void *cfg, struct host_exchange *e,
                               unsigned status, const char *headers, weir_str body, size_t split,
                               bool cut)
{
    struct host_heard *h = heard_new();
    struct feed f = { face, cfg, e, h, g_malloc0(face->decoder_size), g_string_new(NULL) };
    const weir_events out = { h, heard_event };
    g_auto(GStrv) lines = NULL;
    GArray *list = feed_headers(headers, &lines);
    weir_response_head head = { sizeof(head), status, (const weir_header *)(void *)list->data,
                                list->len, 0 };
    weir_result framing = face->head(cfg, f.state, &e->x, &head, &out);
    struct framer framer;

    g_assert_cmpint(framing, >=, 0);
    framer_init(&framer, (unsigned)framing);
    for (size_t at = 0; at < body.len; at += split) {
        split = split ? split : body.len;
        g_string_append_len(f.buffer, body.ptr + at, (gssize)MIN(split, body.len - at));
        if (framing == WEIR_FRAME_SSE)
            feed_sse(&f);
        else if (framing == WEIR_FRAME_LINES)
            feed_lines(&f);
        else if (framing == WEIR_FRAME_ARRAY)
            feed_array(&f, &framer);
        else if (framing == WEIR_FRAME_RAW) {
            feed_frame(&f, WEIR_S(""), weir_str_make(f.buffer->str, f.buffer->len), 0);
            g_string_truncate(f.buffer, 0);
        }
    }
    if ((framing == WEIR_FRAME_WHOLE || framing == WEIR_FRAME_LINES) && !cut)
        feed_frame(&f, WEIR_S(""), weir_str_make(f.buffer->str, f.buffer->len), WEIR_FRAME_END);
    else
        feed_frame(&f, WEIR_S(""), WEIR_S(""), cut ? WEIR_FRAME_CUT : WEIR_FRAME_END);
    for (guint i = 0; i < h->calls->len; i++)
        g_string_append_c(g_ptr_array_index(h->calls, i), ')');
    framer_finish(&framer);
    g_string_free(f.buffer, TRUE);
    g_array_unref(list);
    g_free(f.state);
    return h;
}

void host_heard_free(struct host_heard *h)
{
    g_string_free(h->log, TRUE);
    g_string_free(h->relayed, TRUE);
    for (int i = 0; i < 4; i++)
        g_string_free(h->text[i], TRUE);
    g_string_free(h->reasoning, TRUE);
    g_string_free(h->refusal, TRUE);
    for (guint i = 0; i < h->calls->len; i++)
        g_string_free(g_ptr_array_index(h->calls, i), TRUE);
    g_ptr_array_unref(h->calls);
    for (guint i = 0; i < h->other_calls->len; i++)
        g_string_free(g_ptr_array_index(h->other_calls, i), TRUE);
    g_ptr_array_unref(h->other_calls);
    g_string_free(h->finish, TRUE);
    g_hash_table_unref(h->open);
    g_free(h->message);
    g_free(h->code);
    g_free(h->document);
    g_free(h);
}
