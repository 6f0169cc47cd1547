/*
 * Recorded answers of the Responses API, and scripted ones of our own, through both sides of the
 * openai plugin.
 *
 * They are decoded whole and in pieces and compared with what the test itself reads from the
 * record; then what came out is written by the dialect, streamed and whole, and decoded again: the
 * same must be in it.
 */
#include "responses.h"

#include "base/arena.h"
#include "model/gather.h"

#include <string.h>

/* -- What the record says, read without any of our code ---------------------------------------- */

struct expected {
    GString *text, *reasoning, *refusal;
    GPtrArray *calls; /* of GString "name(arguments)" */
    const char *status;
    json_int_t input, output;
    bool failed;
};

static void expect_list(GString *to, json_t *list, const char *member, const char *type,
                        const char *between)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(json_object_get(item, member));

        if (!text || (type && !g_str_equal(json_string_value(json_object_get(item, "type")), type)))
            continue;
        if (to->len && *text)
            g_string_append(to, between);
        g_string_append(to, text);
    }
}

static void expect_item(struct expected *x, json_t *item)
{
    const char *type = json_string_value(json_object_get(item, "type"));

    if (g_str_equal(type, "message")) {
        expect_list(x->text, json_object_get(item, "content"), "text", "output_text", "");
        expect_list(x->refusal, json_object_get(item, "content"), "refusal", "refusal", "");
    } else if (g_str_equal(type, "reasoning")) {
        GString *thoughts = g_string_new(NULL);

        expect_list(thoughts, json_object_get(item, "summary"), "text", NULL, "\n\n");
        if (!thoughts->len)
            expect_list(thoughts, json_object_get(item, "content"), "text", NULL, "\n\n");
        g_string_append(x->reasoning, thoughts->str);
        g_string_free(thoughts, TRUE);
    } else if (g_str_equal(type, "function_call") || g_str_equal(type, "custom_tool_call")) {
        const char *input = json_string_value(
            json_object_get(item, g_str_equal(type, "function_call") ? "arguments" : "input"));
        GString *call = g_string_new(json_string_value(json_object_get(item, "name")));

        g_string_append_printf(call, "(%s)", input);
        g_ptr_array_add(x->calls, call);
    }
}

static void expect_response(struct expected *x, json_t *response, bool items)
{
    json_t *usage = json_object_get(response, "usage");
    json_t *item;
    size_t i;

    x->status = json_string_value(json_object_get(response, "status"));
    x->failed = x->failed || g_strcmp0(x->status, "failed") == 0;
    if (json_is_object(usage)) {
        x->input = json_integer_value(json_object_get(usage, "input_tokens"));
        x->output = json_integer_value(json_object_get(usage, "output_tokens"));
    }
    if (!items)
        return;
    json_array_foreach(json_object_get(response, "output"), i, item)
    {
        expect_item(x, item);
    }
}

static void expect_stream(struct expected *x, const char *body, bool whole, GPtrArray *documents)
{
    g_auto(GStrv) lines = g_strsplit(body, "\n", -1);

    for (char **line = lines; *line && !x->failed; line++) {
        json_t *doc = g_str_has_prefix(*line, "data:") ? json_loads(*line + 5, 0, NULL) : NULL;
        const char *type = json_string_value(json_object_get(doc, "type"));

        if (!doc)
            continue;
        g_ptr_array_add(documents, doc);
        if (g_strcmp0(type, "error") == 0)
            x->failed = true;
        else if (g_strcmp0(type, "response.output_item.done") == 0)
            expect_item(x, json_object_get(doc, "item"));
        else if (json_is_object(json_object_get(doc, "response")))
            expect_response(x, json_object_get(doc, "response"),
                            whole && g_str_has_prefix(type, "response.incomplete"));
    }
}

static void expected_init(struct expected *x)
{
    memset(x, 0, sizeof(*x));
    x->text = g_string_new(NULL);
    x->reasoning = g_string_new(NULL);
    x->refusal = g_string_new(NULL);
    x->calls = g_ptr_array_new();
    x->input = x->output = -1;
}

static void expected_clear(struct expected *x)
{
    g_string_free(x->text, TRUE);
    g_string_free(x->reasoning, TRUE);
    g_string_free(x->refusal, TRUE);
    for (guint i = 0; i < x->calls->len; i++)
        g_string_free(g_ptr_array_index(x->calls, i), TRUE);
    g_ptr_array_unref(x->calls);
}

static void compare(const char *id, const struct expected *x, const struct host_heard *h)
{
    if (x->failed) {
        if (h->errors != 1 || h->finish->len)
            WRONG("%s: an error was not seen:\n%s", id, h->log->str);
        return;
    }
    if (h->errors)
        WRONG("%s: %s: %s", id, weir_class_name(h->class_id), h->message);
    if (h->broken)
        WRONG("%s: events out of order:\n%s", id, h->log->str);
    if (!h->finish->len)
        WRONG("%s: it has no end:\n%s", id, h->log->str);
    if (!g_str_equal(h->text[0]->str, x->text->str))
        WRONG("%s: text\n'%s'\nis not\n'%s'", id, h->text[0]->str, x->text->str);
    if (!g_str_equal(h->reasoning->str, x->reasoning->str))
        WRONG("%s: reasoning\n'%s'\nis not\n'%s'", id, h->reasoning->str, x->reasoning->str);
    if (!g_str_equal(h->refusal->str, x->refusal->str))
        WRONG("%s: refusal\n'%s'\nis not\n'%s'", id, h->refusal->str, x->refusal->str);
    if (h->calls->len != x->calls->len)
        WRONG("%s: %u calls are not %u", id, h->calls->len, x->calls->len);
    for (guint i = 0; i < x->calls->len; i++) {
        GString *call = g_ptr_array_index(x->calls, i);

        if (!g_string_equal(call, g_ptr_array_index(h->calls, i)))
            WRONG("%s: call %s is not %s", id, ((GString *)g_ptr_array_index(h->calls, i))->str,
                  call->str);
    }
    if (x->input >= 0 && x->output >= 0 &&
        (h->usage.input_total != x->input || h->usage.output_total != x->output))
        WRONG("%s: usage %d %d is not %d %d", id, (int)h->usage.input_total,
              (int)h->usage.output_total, (int)x->input, (int)x->output);
}

/* -- Out through the dialect ------------------------------------------------------------------- */

/* A provider part whose events are written by the dialect as well, streamed and gathered. */
struct tee {
    const weir_provider_v1 *face;
    void *cfg;
    const weir_dialect_v1 *dialect;
    void *dialect_cfg;
    void *encoder;
    struct arena arena;
    struct gather gather;
    struct host_reply reply;
    bool failed;
    const weir_exchange *x;
    const weir_events *out;
};

static weir_result tee_emit(void *ctx, const weir_event *event)
{
    struct tee *t = ctx;
    weir_event told = *event;
    weir_result r;

    t->failed |= event->type == WEIR_EVENT_ERROR;
    r = gather_event(&t->gather, event);
    g_assert_cmpint(r, ==, WEIR_OK);
    if (event->type == WEIR_EVENT_BLOCK_END) {
        const weir_block *b = gather_block(&t->gather, event->choice, event->block);

        g_assert_nonnull(b);
        told.text = b->text;
        told.id = b->id;
        told.name = b->name;
        told.extra = b->extra;
    }
    r = t->dialect->event(t->dialect_cfg, t->encoder, t->x, &told, &t->reply.sink);
    g_assert_cmpint(r, ==, WEIR_OK);
    return t->out->emit(t->out->ctx, event);
}

static weir_result tee_head(void *cfg, void *st, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out)
{
    struct tee *t = cfg;

    return t->face->head(t->cfg, st, x, head, out);
}

static weir_result tee_frame(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out)
{
    struct tee *t = cfg;
    const weir_events both = { t, tee_emit };

    t->x = x;
    t->out = out;
    return t->face->frame(t->cfg, st, x, frame, &both);
}

static void tee_init(struct tee *t, const weir_provider_v1 *face, void *cfg)
{
    static const weir_json none = { { "{}", 2 }, NULL, 0 };

    memset(t, 0, sizeof(*t));
    t->face = face;
    t->cfg = cfg;
    t->dialect = host_part_named(WEIR_PART_DIALECT, "openai-responses");
    g_assert_cmpint(t->dialect->configure(&host_services, &none, &t->dialect_cfg, NULL), ==,
                    WEIR_OK);
    t->encoder = g_malloc0(t->dialect->encoder_size);
    arena_init(&t->arena, 0);
    gather_init(&t->gather, &t->arena);
    host_reply_init(&t->reply);
}

static void tee_clear(struct tee *t)
{
    t->dialect->release(t->dialect_cfg);
    g_free(t->encoder);
    arena_reset(&t->arena);
    host_reply_clear(&t->reply);
}

/* Every event has the next number, and there is one end, which is the last. */
static void check_numbers(const char *id, const char *body)
{
    g_auto(GStrv) lines = g_strsplit(body, "\n", -1);
    json_int_t next = 0;
    int ends = 0;

    for (char **line = lines; *line; line++) {
        json_t *doc = g_str_has_prefix(*line, "data: ") ? json_loads(*line + 6, 0, NULL) : NULL;
        const char *type = json_string_value(json_object_get(doc, "type"));

        if (!g_str_has_prefix(*line, "data: "))
            continue;
        if (!doc || ends || json_integer_value(json_object_get(doc, "sequence_number")) != next++)
            WRONG("%s: a bad event was written: %s", id, *line);
        ends += g_strcmp0(type, "response.completed") == 0 ||
                g_strcmp0(type, "response.incomplete") == 0;
        json_decref(doc);
    }
    if (ends != 1)
        WRONG("%s: what was written has no end:\n%s", id, body);
}

static void write_again(const char *id, const struct expected *x, const weir_provider_v1 *face,
                        void *cfg, struct host_exchange *e, unsigned status, const char *headers,
                        const char *body)
{
    struct tee t;
    weir_provider_v1 teed = *face;
    struct host_heard *h;
    struct host_reply whole;

    tee_init(&t, face, cfg);
    teed.head = tee_head;
    teed.frame = tee_frame;
    h = host_decode(&teed, &t, e, status, headers, weir_str_of(body), 0, false);
    host_heard_free(h);
    if (!t.failed) {
        e->x.answer = gather_answer(&t.gather);
        g_assert_cmpint(t.dialect->end(t.dialect_cfg, t.encoder, &e->x, &t.reply.sink), ==,
                        WEIR_OK);
        check_numbers(id, t.reply.bytes->str);
        h = host_decode(face, cfg, e, 200, "content-type: text/event-stream\n",
                        weir_str_of(t.reply.bytes->str), 0, false);
        compare(id, x, h);
        host_heard_free(h);
        host_reply_init(&whole);
        g_assert_cmpint(t.dialect->answer(t.dialect_cfg, &e->x, e->x.answer, &whole.sink), ==,
                        WEIR_OK);
        h = host_decode(face, cfg, e, 200, "content-type: application/json\n",
                        weir_str_of(whole.bytes->str), 0, false);
        compare(id, x, h);
        host_heard_free(h);
        host_reply_clear(&whole);
        e->x.answer = NULL;
    }
    tee_clear(&t);
}

/* -- Answers ----------------------------------------------------------------------------------- */

/* What the record is about, if it is not an answer, or not a sound one; see the texts. */
static bool is_excused(json_t *record, const char *body)
{
    const char *fidelity = json_string_value(json_object_get(record, "fidelity"));
    const char *object = json_string_value(
        json_object_get(json_object_get(json_object_get(record, "response"), "body"), "object"));

    /* an answer of another API, filed here by its path */
    if (g_strcmp0(object, "chat.completion") == 0 ||
        strstr(body, "\"object\":\"response.delta\"") || strstr(body, "\"object\": \"thread.") ||
        strstr(body, "\"object\":\"thread."))
        return true;
    /* cut or mended by hand by who recorded it */
    return g_strcmp0(fidelity, "edited") == 0;
}

static void replay(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    static const size_t splits[] = { 0, 1, 7, 61 };
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response);
    g_autofree char *headers = wire_headers(response);
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    bool sse = strstr(headers, "event-stream") != NULL, excused = is_excused(record, body);
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
    struct expected x;
    char *log = NULL;

    expected_init(&x);
    e->x.dialect = WEIR_S("openai.responses");
    e->x.stream = sse;
    x.failed = status >= 400 || wire_has_feature(record, "must_fail");
    if (!x.failed && sse)
        expect_stream(&x, body, wire_has_feature(record, "text_in_output"), documents);
    else if (!x.failed)
        expect_response(&x, json_object_get(response, "body"), true);
    e->x.native = g_strcmp0(x.status, "queued") == 0;
    for (size_t i = 0; i < G_N_ELEMENTS(splits); i++) {
        struct host_heard *h = host_decode(face, cfg, e, (unsigned)status, headers,
                                           weir_str_of(body), splits[i], false);

        if (!excused)
            compare(id, &x, h);
        if (log)
            g_assert_cmpstr(log, ==, h->log->str);
        g_free(log);
        log = g_strdup(h->log->str);
        host_heard_free(h);
    }
    if (!excused && !x.failed && !e->x.native)
        write_again(id, &x, face, cfg, e, (unsigned)status, headers, body);
    g_free(log);
    host_exchange_free(e);
    expected_clear(&x);
}

static void test_answers(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, RESPONSES, replay);
}

/* Our own: some of them are meant to fail. */
static void test_scripted(void)
{
    g_autofree char *folder = wire_cases();

    wire_each(folder, "openai.responses", RESPONSES, replay);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(responses_apis); i++) {
        g_autofree char *path = g_strconcat("/responses-wire/answers/", responses_apis[i], NULL);

        g_test_add_data_func(path, responses_apis[i], test_answers);
    }
    g_test_add_func("/responses-wire/answers/scripted", test_scripted);
    return g_test_run();
}
