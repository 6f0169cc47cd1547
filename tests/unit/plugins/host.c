/*
 * host.c - see host.h.
 */
#include "host.h"

#include "json/scan.h"

#include <string.h>

extern const weir_plugin weir_plugin_v1;

const void *host_part(const char *face)
{
    for (uint32_t i = 0; i < weir_plugin_v1.part_count; i++) {
        if (g_str_equal(weir_plugin_v1.parts[i]->face, face))
            return weir_plugin_v1.parts[i]->vtable;
    }
    g_assert_not_reached();
}

/* -- Memory ----------------------------------------------------------------------------------- */

static void *arena_alloc(void *owner, size_t size)
{
    struct host_arena *a = owner;
    void *piece = g_malloc(size ? size : 1);

    memset(piece, 0xA5, size);
    g_ptr_array_add(a->pieces, piece);
    return piece;
}

void host_arena_init(struct host_arena *a)
{
    a->arena.owner = a;
    a->arena.alloc = arena_alloc;
    a->pieces = g_ptr_array_new_with_free_func(g_free);
}

void host_arena_clear(struct host_arena *a)
{
    g_ptr_array_unref(a->pieces);
}

weir_json host_scan(struct host_arena *a, const char *json)
{
    weir_json doc;

    g_assert_cmpint(jscan_arena(&a->arena, weir_str_of(json), &doc, NULL), ==, WEIR_OK);
    return doc;
}

char *host_text(weir_str s)
{
    return g_strndup(s.ptr, s.len);
}

static weir_result service_scan(const weir_arena *arena, weir_str bytes, weir_json *out,
                                size_t *offset)
{
    struct jscan_fault fault = { 0, NULL };
    weir_result result = jscan_arena(arena, bytes, out, &fault);

    if (offset)
        *offset = fault.offset;
    return result;
}

static const void *service_find(const weir_host *host, const char *id)
{
    static const weir_json_service json = { sizeof(json), 0, service_scan };

    return g_str_equal(id, WEIR_SERVICE_JSON) ? &json : NULL;
}

const weir_host host_services = { sizeof(weir_host), 1, 0, NULL, service_find };

/* -- Exchanges -------------------------------------------------------------------------------- */

struct host_exchange *host_exchange_new(uint8_t op, const char *body, const char *model)
{
    struct host_exchange *e = g_new0(struct host_exchange, 1);
    bool stream = false;

    host_arena_init(&e->arena);
    e->target.struct_size = sizeof(e->target);
    e->target.name = WEIR_S("test/model");
    e->target.provider = WEIR_S("test");
    e->target.base_url = WEIR_S("https://upstream.test/v1");
    e->target.model = weir_str_of(model);
    e->target.credential = WEIR_S("KEY");
    e->x.struct_size = sizeof(e->x);
    e->x.op = op;
    e->x.attempt = 1;
    e->x.id = WEIR_S("x-1");
    e->x.dialect = WEIR_S("openai.chat");
    e->x.unix_us = INT64_C(1700000000) * 1000000;
    e->x.seed = 42;
    e->x.arena = e->arena.arena;
    e->x.request = &e->request;
    e->x.target = &e->target;
    if (body) {
        char *copy = arena_alloc(&e->arena, strlen(body) + 1);

        e->request = host_scan(&e->arena, strcpy(copy, body));
        e->x.body = e->request.bytes;
        weir_json_bool(&e->request, weir_json_find(&e->request, 0, "stream"), &stream);
        e->x.stream = stream;
    }
    return e;
}

void host_exchange_free(struct host_exchange *e)
{
    host_arena_clear(&e->arena);
    g_free(e);
}

/* -- Requests --------------------------------------------------------------------------------- */

static weir_result sent_line(void *ctx, weir_str method, weir_str url)
{
    struct host_sent *s = ctx;

    g_assert_cmpuint(s->line->len, ==, 0);
    g_string_printf(s->line, "%.*s %.*s", (int)method.len, method.ptr, (int)url.len, url.ptr);
    return WEIR_OK;
}

static weir_result sent_header(void *ctx, weir_str name, weir_str value)
{
    struct host_sent *s = ctx;

    g_string_append_printf(s->headers, "%.*s: %.*s\n", (int)name.len, name.ptr, (int)value.len,
                           value.ptr);
    return WEIR_OK;
}

static weir_result sent_body(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct host_sent *)ctx)->body, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

static weir_result sent_dropped(void *ctx, weir_str pointer, weir_str why)
{
    g_assert_cmpuint(why.len, >, 0);
    g_string_append_len(((struct host_sent *)ctx)->dropped, pointer.ptr, (gssize)pointer.len);
    g_string_append_c(((struct host_sent *)ctx)->dropped, '\n');
    return WEIR_OK;
}

static weir_result sent_script(void *ctx, const weir_script *script)
{
    struct host_sent *s = ctx;

    s->scripted = true;
    s->status = script->status;
    s->head_us = script->head_after_us;
    for (uint32_t i = 0; i < script->header_count; i++)
        g_string_append_printf(s->reply_header, "%.*s: %.*s\n", (int)script->headers[i].name.len,
                               script->headers[i].name.ptr, (int)script->headers[i].value.len,
                               script->headers[i].value.ptr);
    for (uint32_t i = 0; i < script->steps.count; i++) {
        const weir_step *step =
            (const void *)((const char *)script->steps.items + (size_t)i * script->steps.stride);

        s->total_us += step->after_us;
        s->end = step->what;
        if (step->what == WEIR_STEP_BYTES)
            g_string_append_len(s->reply, step->bytes.ptr, (gssize)step->bytes.len);
        else
            g_assert_cmpuint(i + 1, ==, script->steps.count);
    }
    return WEIR_OK;
}

struct host_sent *host_encode(const weir_provider_v1 *face, void *cfg, struct host_exchange *e)
{
    struct host_sent *s = g_new0(struct host_sent, 1);
    const weir_http_sink sink = { sizeof(sink), 0,          s, sent_line, sent_header, sent_body,
                                  sent_dropped, sent_script };

    s->line = g_string_new(NULL);
    s->headers = g_string_new(NULL);
    s->body = g_string_new(NULL);
    s->dropped = g_string_new(NULL);
    s->reply = g_string_new(NULL);
    s->reply_header = g_string_new(NULL);
    g_assert_cmpint(face->encode(cfg, &e->x, &sink), ==, WEIR_OK);
    return s;
}

void host_sent_free(struct host_sent *s)
{
    g_string_free(s->line, TRUE);
    g_string_free(s->headers, TRUE);
    g_string_free(s->body, TRUE);
    g_string_free(s->dropped, TRUE);
    g_string_free(s->reply, TRUE);
    g_string_free(s->reply_header, TRUE);
    g_free(s);
}

/* -- Responses -------------------------------------------------------------------------------- */

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

    g_assert_cmpint(framing, >=, 0);
    for (size_t at = 0; at < body.len; at += split) {
        split = split ? split : body.len;
        g_string_append_len(f.buffer, body.ptr + at, (gssize)MIN(split, body.len - at));
        if (framing == WEIR_FRAME_SSE)
            feed_sse(&f);
        else if (framing == WEIR_FRAME_RAW) {
            feed_frame(&f, WEIR_S(""), weir_str_make(f.buffer->str, f.buffer->len), 0);
            g_string_truncate(f.buffer, 0);
        }
    }
    if (framing == WEIR_FRAME_WHOLE && !cut)
        feed_frame(&f, WEIR_S(""), weir_str_make(f.buffer->str, f.buffer->len), WEIR_FRAME_END);
    else
        feed_frame(&f, WEIR_S(""), WEIR_S(""), cut ? WEIR_FRAME_CUT : WEIR_FRAME_END);
    for (guint i = 0; i < h->calls->len; i++)
        g_string_append_c(g_ptr_array_index(h->calls, i), ')');
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

/* -- Replies ---------------------------------------------------------------------------------- */

static weir_result reply_head(void *ctx, uint32_t status, const weir_header *headers,
                              uint32_t count)
{
    struct host_reply *r = ctx;

    g_assert_cmpuint(r->status, ==, 0);
    r->status = status;
    for (uint32_t i = 0; i < count; i++)
        g_string_append_printf(r->headers, "%.*s: %.*s\n", (int)headers[i].name.len,
                               headers[i].name.ptr, (int)headers[i].value.len,
                               headers[i].value.ptr);
    return WEIR_OK;
}

static weir_result reply_bytes(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct host_reply *)ctx)->bytes, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

void host_reply_init(struct host_reply *r)
{
    memset(r, 0, sizeof(*r));
    r->sink.struct_size = sizeof(r->sink);
    r->sink.ctx = r;
    r->sink.head = reply_head;
    r->sink.bytes = reply_bytes;
    r->headers = g_string_new(NULL);
    r->bytes = g_string_new(NULL);
}

void host_reply_clear(struct host_reply *r)
{
    g_string_free(r->headers, TRUE);
    g_string_free(r->bytes, TRUE);
}

/* -- Strategies ------------------------------------------------------------------------------- */

struct host_node *host_node_new(const weir_strategy_v1 *face, const char *options, uint32_t count)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    struct host_node *n = g_new0(struct host_node, 1);
    struct host_arena arena;
    weir_json doc;

    host_arena_init(&arena);
    doc = host_scan(&arena, options);
    g_assert_cmpint(face->configure(&host_services, &doc, &n->cfg, NULL), ==, WEIR_OK);
    host_arena_clear(&arena);
    n->face = face;
    n->count = count;
    n->state = g_malloc0(face->state_size + 1);
    for (uint32_t i = 0; i < count; i++) {
        n->child_state[i] = g_malloc0(face->child_state_size + 1);
        n->child[i].struct_size = sizeof(weir_child);
        n->child[i].name = weir_str_of(names[i]);
        n->child[i].state = n->child_state[i];
    }
    n->budget.struct_size = sizeof(n->budget);
    n->budget.deadline_us = INT64_MAX;
    n->facts.struct_size = sizeof(n->facts);
    n->ask.struct_size = sizeof(n->ask);
    n->ask.now_us = 1000;
    n->ask.facts = &n->facts;
    n->ask.budget = &n->budget;
    n->ask.state = n->state;
    n->ask.children = (weir_array){ n->child, count, sizeof(weir_child) };
    n->ask.tries = (weir_array){ n->tries, 0, sizeof(weir_try) };
    return n;
}

void host_node_free(struct host_node *n)
{
    n->face->release(n->cfg);
    for (uint32_t i = 0; i < n->count; i++)
        g_free(n->child_state[i]);
    g_free(n->state);
    g_free(n);
}

weir_decision host_ask(struct host_node *n, uint32_t why)
{
    weir_decision first = { .struct_size = sizeof(first),
                            .child = WEIR_NO_CHILD,
                            .shadow_child = WEIR_NO_CHILD };
    weir_decision again = first;
    g_autofree void *state = g_memdup2(n->state, n->face->state_size + 1);
    void *states[8];

    n->ask.why = why;
    n->ask.seed = n->ask.seed * 6364136223846793005u + 1442695040888963407u;
    for (uint32_t i = 0; i < n->count; i++)
        states[i] = g_memdup2(n->child_state[i], n->face->child_state_size + 1);
    g_assert_cmpint(n->face->next(n->cfg, &n->ask, &first), ==, WEIR_OK);

    n->ask.state = state;
    for (uint32_t i = 0; i < n->count; i++)
        n->child[i].state = states[i];
    g_assert_cmpint(n->face->next(n->cfg, &n->ask, &again), ==, WEIR_OK);
    g_assert_cmpmem(&first, sizeof(first), &again, sizeof(again));
    g_assert_cmpmem(state, n->face->state_size, n->state, n->face->state_size);
    n->ask.state = n->state;
    for (uint32_t i = 0; i < n->count; i++) {
        g_assert_cmpmem(states[i], n->face->child_state_size, n->child_state[i],
                        n->face->child_state_size);
        n->child[i].state = n->child_state[i];
        g_free(states[i]);
    }
    return first;
}

void host_node_reset(struct host_node *n)
{
    n->ask.tries.count = 0;
}

void host_node_failed(struct host_node *n, uint32_t child, uint16_t class_id)
{
    uint32_t i = n->ask.tries.count++;

    n->ask.now_us += 1000;
    n->failure[i] = weir_failure_make(class_id, 0, WEIR_S("failed"));
    n->tries[i] = (weir_try){ .struct_size = sizeof(weir_try),
                              .child = child,
                              .start_us = n->ask.now_us - 500,
                              .end_us = n->ask.now_us,
                              .failure = &n->failure[i] };
}
