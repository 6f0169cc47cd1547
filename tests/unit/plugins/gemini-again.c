/*
 * Answers there and back: what the decoder makes of a record, the dialect writes as a stream of
 * events, as an array and as one answer; read again, each must say the same.
 */
#include "gemini.h"

#include "base/arena.h"
#include "model/framer.h"
#include "model/gather.h"

#include <string.h>

#define GENERATE "/v1beta/models/m:generateContent"
#define STREAM   "/v1beta/models/m:streamGenerateContent"

/* Where the events of a record go. */
struct both {
    struct writing *stream;
    struct gather gather;
};

/* A call that has ended, whole, as the core gives it. */
static weir_result both_call(struct both *b, const weir_event *end)
{
    const weir_block *block = gather_block(&b->gather, end->choice, end->block);
    weir_event e = *end;

    e.type = WEIR_EVENT_BLOCK_START;
    e.id = block->id;
    e.name = block->name;
    e.extra = block->extra;
    writing_event(b->stream, &e);
    e = *end;
    e.type = WEIR_EVENT_DELTA;
    e.extra = WEIR_S("");
    e.text = block->text;
    writing_event(b->stream, &e);
    return writing_event(b->stream, end);
}

static weir_result both_event(void *ctx, const weir_event *event)
{
    struct both *b = ctx;

    if (event->type == WEIR_EVENT_OWNED || event->type == WEIR_EVENT_ERROR)
        return WEIR_OK;
    gather_event(&b->gather, event);
    if (event->kind == WEIR_BLOCK_TOOL_CALL)
        return event->type == WEIR_EVENT_BLOCK_END ? both_call(b, event) : WEIR_OK;
    return writing_event(b->stream, event);
}

/* Decodes a body; its events go to `out`. */
static void decode(struct host_exchange *e, const char *headers, const char *body,
                   const weir_events *out)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{\"version\":\"v1beta\"}"), *st = g_malloc0(face->decoder_size);
    weir_header type = { WEIR_S("content-type"),
                         weir_str_of(strstr(headers, "event-stream") ? "text/event-stream"
                                                                     : "application/json") };
    weir_response_head head = { sizeof(head), 200, &type, 1, 0 };
    struct framer_frame frame;
    struct framer framer;
    size_t used = 0, len = strlen(body);
    int64_t n;

    framer_init(&framer, (unsigned)face->head(cfg, st, &e->x, &head, out));
    while (!framer.ended &&
           (n = framer_next(&framer, body + used, len - used, true, &frame)) >= 0) {
        g_autofree char *data =
            g_strndup(frame.frame.data.len ? frame.frame.data.ptr : "", frame.frame.data.len);
        weir_json json;

        used += (size_t)n;
        frame.frame.data.ptr = data;
        if (*data) {
            json = host_scan(&e->arena, data);
            frame.frame.json = &json;
        }
        face->frame(cfg, st, &e->x, &frame.frame, out);
        if (n == 0)
            break;
    }
    framer_finish(&framer);
    face->release(cfg);
    g_free(st);
}

static void same_calls(const char *id, GPtrArray *a, GPtrArray *b)
{
    if (a->len != b->len)
        g_error("%s: %u calls are not %u", id, b->len, a->len);
    for (guint i = 0; i < a->len; i++) {
        json_t *x, *y;
        const char *one = ((GString *)g_ptr_array_index(a, i))->str;
        const char *two = ((GString *)g_ptr_array_index(b, i))->str;

        x = json_loads(strchr(one, '(') + 1, JSON_DISABLE_EOF_CHECK, NULL);
        y = json_loads(strchr(two, '(') + 1, JSON_DISABLE_EOF_CHECK, NULL);
        if (!json_equal(x, y))
            g_error("%s: %s is not %s", id, two, one);
        json_decref(x);
        json_decref(y);
    }
}

/* Reads what the dialect has written like any other answer. */
static void same_again(const char *id, const struct host_heard *h, const struct host_reply *reply,
                       bool stream)
{
    g_auto(GStrv) lines = g_strsplit(reply->bytes->str, "\r\n", -1);
    g_autofree char *body = g_strjoinv("\n", lines);
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    void *cfg = host_provider("{\"version\":\"v1beta\"}");
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
    struct host_heard *again;

    e->x.stream = stream;
    e->x.dialect = WEIR_S("gemini.generateContent");
    again = host_decode(face, cfg, e, 200, reply->headers->str, weir_str_of(body), 0, false);
    if (again->errors || again->broken)
        g_error("%s: %s\n%s", id, again->log->str, body);
    g_assert_cmpstr(again->text[0]->str, ==, h->text[0]->str);
    g_assert_cmpstr(again->text[1]->str, ==, h->text[1]->str);
    g_assert_cmpstr(again->reasoning->str, ==, h->reasoning->str);
    same_calls(id, h->calls, again->calls);
    if (h->usage.input_total >= 0 && h->usage.output_total >= 0) {
        g_assert_cmpint(again->usage.input_total, ==, h->usage.input_total);
        g_assert_cmpint(again->usage.output_total, ==, h->usage.output_total);
    }
    host_heard_free(again);
    host_exchange_free(e);
    face->release(cfg);
}

static void there_and_back(json_t *record)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    g_autofree char *body = wire_body(response), *headers = wire_headers(response);
    void *cfg = host_provider("{\"version\":\"v1beta\"}");

    for (int array = 0; array < 2; array++) {
        struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
        struct writing w, whole;
        struct both both = { .stream = &w };
        const weir_events out = { &both, both_event };
        struct host_heard *h;
        struct arena arena;

        e->x.stream = json_is_true(json_object_get(record, "streaming"));
        e->x.dialect = WEIR_S("gemini.generateContent");
        h = host_decode(face, cfg, e,
                        (unsigned)json_integer_value(json_object_get(response, "status")), headers,
                        weir_str_of(body), 0, false);
        arena_init(&arena, 16 << 20);
        gather_init(&both.gather, &arena);
        writing_begin(&w, WEIR_OP_CHAT, array ? STREAM : STREAM "?alt=sse");
        writing_begin(&whole, WEIR_OP_CHAT, GENERATE);
        if (!h->errors) {
            decode(e, headers, body, &out);
            w.face->end(w.cfg, w.st, &w.e->x, &w.reply.sink);
            same_again(id, h, &w.reply, true);
            whole.face->answer(whole.cfg, &whole.e->x, gather_answer(&both.gather),
                               &whole.reply.sink);
            same_again(id, h, &whole.reply, false);
        }
        writing_end(&w);
        writing_end(&whole);
        arena_reset(&arena);
        host_heard_free(h);
        host_exchange_free(e);
    }
    face->release(cfg);
}

static void each_record(const char *folder, const char *api)
{
    g_auto(GStrv) lines = wire_lines(folder, api);

    for (char **line = lines; line && *line && **line; line++) {
        json_t *record = json_loads(*line, JSON_ALLOW_NUL, NULL);

        there_and_back(record);
        json_decref(record);
    }
}

static void test_there_and_back(gconstpointer api)
{
    g_autofree char *folder = wire_cases();

    each_record(folder, api);
    each_record(g_getenv("WEIR_WIRE"), api);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/again/whole", "gemini.generateContent", test_there_and_back);
    g_test_add_data_func("/again/stream", "gemini.streamGenerateContent", test_there_and_back);
    return g_test_run();
}
