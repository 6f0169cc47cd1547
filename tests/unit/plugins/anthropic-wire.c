/*
 * Recorded and scripted exchanges of the Messages API through the plugin anthropic.
 *
 * Every answer is decoded whole and in pieces and compared with what the test itself reads from the
 * record; then written by the dialect and decoded again.
 *
 * WEIR_WIRE names a folder of records (a JSON object per line, a file per API); the cases of our
 * own have the same form.
 */
#include "host.h"
#include "records.h"

#include "base/arena.h"
#include "model/gather.h"

#include <string.h>

/* -- Answers ---------------------------------------------------------------------------------- */

/* What the record says, read without any of our code. */
struct expected {
    GString *text;
    GString *reasoning;
    GPtrArray *calls; /* of GString "name(arguments)" */
    GString *finish;
    json_int_t input, cached, written, output;
    bool failed;
    bool broken; /* it says that it does not keep to the protocol */
};

static struct expected expected_new(void)
{
    return (struct expected){
        .text = g_string_new(NULL),
        .reasoning = g_string_new(NULL),
        .calls = g_ptr_array_new(),
        .finish = g_string_new(NULL),
    };
}

static void expected_free(struct expected *x)
{
    g_string_free(x->text, TRUE);
    g_string_free(x->reasoning, TRUE);
    g_string_free(x->finish, TRUE);
    for (guint i = 0; i < x->calls->len; i++)
        g_string_free(g_ptr_array_index(x->calls, i), TRUE);
    g_ptr_array_unref(x->calls);
}

static void expect_usage(struct expected *x, json_t *usage, bool output)
{
    static const char *const names[] = { "input_tokens", "cache_read_input_tokens",
                                         "cache_creation_input_tokens" };
    json_int_t *const to[] = { &x->input, &x->cached, &x->written };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (json_is_integer(json_object_get(usage, names[i])))
            *to[i] = json_integer_value(json_object_get(usage, names[i]));
    }
    if (output && json_is_integer(json_object_get(usage, "output_tokens")))
        x->output = json_integer_value(json_object_get(usage, "output_tokens"));
}

static void append(GString *to, json_t *string)
{
    if (json_is_string(string))
        g_string_append_len(to, json_string_value(string), (gssize)json_string_length(string));
}

static void expect_block(struct expected *x, json_t *block, bool whole)
{
    const char *type = json_string_value(json_object_get(block, "type"));
    GString *call;

    append(x->text, json_object_get(block, "text"));
    append(x->reasoning, json_object_get(block, "thinking"));
    if (!g_str_equal(type, "tool_use"))
        return;
    call = g_string_new(json_string_value(json_object_get(block, "name")));
    g_string_append_c(call, '(');
    if (whole || json_object_size(json_object_get(block, "input"))) {
        char *input = json_dumps(json_object_get(block, "input"), 0);

        g_string_append(call, input);
        free(input);
    }
    g_ptr_array_add(x->calls, call);
}

static void expect_message(struct expected *x, json_t *message)
{
    json_t *block;
    size_t i;

    json_array_foreach(json_object_get(message, "content"), i, block)
    {
        expect_block(x, block, true);
    }
    expect_usage(x, json_object_get(message, "usage"), true);
    append(x->finish, json_object_get(message, "stop_reason"));
}

static void expect_event(struct expected *x, json_t *event, bool *call)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    json_t *delta = json_object_get(event, "delta");
    json_t *block = json_object_get(event, "content_block");

    if (!type)
        return;
    if (g_str_equal(type, "message"))
        expect_message(x, event);
    if (g_str_equal(type, "message_start"))
        expect_usage(x, json_object_get(json_object_get(event, "message"), "usage"), false);
    if (g_str_equal(type, "content_block_start")) {
        expect_block(x, block, false);
        *call = g_str_equal(json_string_value(json_object_get(block, "type")), "tool_use");
    }
    append(x->text, json_object_get(delta, "text"));
    append(x->reasoning, json_object_get(delta, "thinking"));
    if (*call)
        append(g_ptr_array_index(x->calls, x->calls->len - 1),
               json_object_get(delta, "partial_json"));
    if (g_str_equal(type, "message_delta")) {
        append(x->finish, json_object_get(delta, "stop_reason"));
        expect_usage(x, json_object_get(event, "usage"), true);
    }
}

static void expect_stream(struct expected *x, const char *body)
{
    g_auto(GStrv) lines = g_strsplit(body, "\n", -1);
    bool call = false;

    for (char **line = lines; *line; line++) {
        json_t *event;

        if (!g_str_has_prefix(*line, "data:"))
            continue;
        event = json_loads(*line + 5, 0, NULL);
        if (!event)
            continue;
        if (json_object_get(event, "error"))
            x->failed = true;
        expect_event(x, event, &call);
        /* One answer: what a recorder put behind it is another. */
        if (g_strcmp0(json_string_value(json_object_get(event, "type")), "message_stop") == 0) {
            json_decref(event);
            break;
        }
        json_decref(event);
    }
}

/* Whether two texts are the same JSON. */
static bool same_json(const char *a, const char *b)
{
    json_t *x = json_loads(*a ? a : "{}", 0, NULL), *y = json_loads(*b ? b : "{}", 0, NULL);
    bool same = x && y && json_equal(x, y);

    json_decref(x);
    json_decref(y);
    return same;
}

/* "name(arguments" with or without the bracket behind it. */
static bool same_call(const char *a, const char *b)
{
    const char *x = strchr(a, '('), *y = strchr(b, '(');
    g_autofree char *inside_a = g_strndup(x + 1, strlen(x + 1) - g_str_has_suffix(x, ")"));
    g_autofree char *inside_b = g_strndup(y + 1, strlen(y + 1) - g_str_has_suffix(y, ")"));

    return x - a == y - b && strncmp(a, b, (size_t)(x - a)) == 0 && same_json(inside_a, inside_b);
}

static void compare(const char *id, const struct expected *x, const struct host_heard *h)
{
    g_autofree char *finish = g_strdup_printf("0:%s", x->finish->str);

    if (h->broken)
        g_error("%s: events out of order:\n%s", id, h->log->str);
    if (x->failed || x->broken) {
        /* A body that only ends too early is for the host to find. */
        if ((h->errors != 1 && !(x->broken && h->errors == 0)) || h->finish->len)
            g_error("%s: an error was not seen:\n%s", id, h->log->str);
        return;
    }
    if (h->errors)
        g_error("%s: %s: %s\n%s", id, weir_class_name(h->class_id), h->message, h->log->str);
    if (!g_str_equal(h->text[0]->str, x->text->str))
        g_error("%s: text\n'%s'\nis not\n'%s'", id, h->text[0]->str, x->text->str);
    if (!g_str_equal(h->reasoning->str, x->reasoning->str))
        g_error("%s: reasoning\n'%s'\nis not\n'%s'", id, h->reasoning->str, x->reasoning->str);
    if (h->calls->len != x->calls->len)
        g_error("%s: %u calls are not %u", id, h->calls->len, x->calls->len);
    for (guint i = 0; i < x->calls->len; i++) {
        const char *is = ((GString *)g_ptr_array_index(h->calls, i))->str;
        const char *was = ((GString *)g_ptr_array_index(x->calls, i))->str;

        if (!same_call(is, was) && !g_str_equal(x->finish->str, "max_tokens"))
            g_error("%s: call %s is not %s", id, is, was);
    }
    if (!g_str_equal(h->finish->str, finish))
        g_error("%s: finish %s is not %s\n%s", id, h->finish->str, finish, h->log->str);
    if (h->usage.input_total != x->input + x->cached + x->written ||
        h->usage.output_total != x->output)
        g_error("%s: usage %d %d is not %d %d", id, (int)h->usage.input_total,
                (int)h->usage.output_total, (int)(x->input + x->cached + x->written),
                (int)x->output);
}

static bool is_stream(const char *headers)
{
    return strstr(headers, "event-stream") != NULL;
}

static uint8_t record_op(json_t *record)
{
    const char *path =
        json_string_value(json_object_get(json_object_get(record, "request"), "path"));

    return path && strstr(path, "count_tokens") ? WEIR_OP_COUNT : WEIR_OP_CHAT;
}

static bool says_broken(json_t *record)
{
    json_t *feature;
    size_t i;

    json_array_foreach(json_object_get(record, "features"), i, feature)
    {
        if (g_str_equal(json_string_value(feature), "broken"))
            return true;
    }
    return false;
}

static void replay(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    static const size_t splits[] = { 0, 1, 7, 61 };
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response);
    g_autofree char *headers = wire_headers(response);
    struct expected x = expected_new();
    struct host_exchange *e = host_exchange_new(record_op(record), "{}", "m");
    char *log = NULL;

    e->x.stream = is_stream(headers);
    x.failed = status >= 400;
    x.broken = says_broken(record);
    if (e->x.op == WEIR_OP_COUNT)
        goto done;
    if (!x.failed && e->x.stream)
        expect_stream(&x, body);
    else if (!x.failed)
        expect_message(&x, json_object_get(response, "body"));
    if (!e->x.stream && json_object_get(json_object_get(response, "body"), "error"))
        x.failed = true;
    for (size_t i = 0; i < G_N_ELEMENTS(splits); i++) {
        struct host_heard *h = host_decode(face, cfg, e, (unsigned)status, headers,
                                           weir_str_of(body), splits[i], false);

        compare(id, &x, h);
        if (log)
            g_assert_cmpstr(log, ==, h->log->str);
        g_free(log);
        log = g_strdup(h->log->str);
        host_heard_free(h);
    }
done:
    g_free(log);
    host_exchange_free(e);
    expected_free(&x);
}

/* -- Answers, written and read again ---------------------------------------------------------- */

/* What listens to a decoder besides the host: the dialect writes every event, or they are gathered
 * for it. */
static struct relay {
    const weir_provider_v1 *provider;
    const weir_dialect_v1 *face;
    void *cfg;
    void *state;
    struct host_exchange *e;
    struct host_reply reply;
    struct arena arena;
    struct gather gather;
    GString *owned;
    const weir_events *out; /* the host's */
    bool failed;
    bool stream;
    bool writes; /* false: it only listens */
} relay;

static weir_result relay_event(void *ctx, const weir_event *event)
{
    struct relay *r = ctx;

    if (event->type == WEIR_EVENT_ERROR)
        r->failed = true;
    if (event->type == WEIR_EVENT_OWNED)
        g_string_append_printf(r->owned, "%.*s\n", (int)event->text.len, event->text.ptr);
    if (r->writes && r->stream && !r->failed)
        g_assert_cmpint(r->face->event(r->cfg, r->state, &r->e->x, event, &r->reply.sink), ==,
                        WEIR_OK);
    else if (r->writes)
        g_assert_cmpint(gather_event(&r->gather, event), ==, WEIR_OK);
    return r->out->emit(r->out->ctx, event);
}

static weir_result relay_frame(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                               const weir_events *out)
{
    const weir_events tee = { &relay, relay_event };

    relay.out = out;
    return relay.provider->frame(cfg, st, x, frame, &tee);
}

/* The face of the provider part with the relay in between. */
static weir_provider_v1 relay_face(const weir_provider_v1 *face)
{
    weir_provider_v1 tapped = *face;

    relay.provider = face;
    tapped.frame = relay_frame;
    return tapped;
}

static void relay_init(struct host_exchange *e, bool stream)
{
    weir_json none = { { "", 0 }, NULL, 0 };

    memset(&relay, 0, sizeof(relay));
    relay.face = host_part(WEIR_PART_DIALECT);
    relay.e = e;
    relay.stream = stream;
    relay.writes = true;
    relay.owned = g_string_new(NULL);
    g_assert_cmpint(relay.face->configure(&host_services, &none, &relay.cfg, NULL), ==, WEIR_OK);
    relay.state = g_malloc0(relay.face->encoder_size);
    host_reply_init(&relay.reply);
    arena_init(&relay.arena, 64 << 20);
    gather_init(&relay.gather, &relay.arena);
}

static void relay_clear(void)
{
    host_reply_clear(&relay.reply);
    arena_reset(&relay.arena);
    g_free(relay.state);
    relay.face->release(relay.cfg);
    g_string_free(relay.owned, TRUE);
}

static void compare_written(const char *id, const struct host_heard *a, const struct host_heard *b)
{
    if (b->errors || b->broken)
        g_error("%s: %s\n%s", id, b->message, relay.reply.bytes->str);
    g_assert_cmpstr(b->text[0]->str, ==, a->text[0]->str);
    g_assert_cmpstr(b->reasoning->str, ==, a->reasoning->str);
    g_assert_cmpstr(b->finish->str, ==, a->finish->str);
    /* a call that was cut is left out of a whole answer */
    if (!g_str_equal(a->finish->str, "0:max_tokens"))
        g_assert_cmpuint(b->calls->len, ==, a->calls->len);
    for (guint i = 0; i < b->calls->len; i++)
        g_assert_true(same_call(((GString *)g_ptr_array_index(b->calls, i))->str,
                                ((GString *)g_ptr_array_index(a->calls, i))->str) ||
                      g_str_equal(a->finish->str, "0:max_tokens"));
    g_assert_cmpint(b->usage.input_total, ==, a->usage.input_total);
    g_assert_cmpint(b->usage.input_cache_read, ==, a->usage.input_cache_read);
    g_assert_cmpint(b->usage.input_cache_write, ==, a->usage.input_cache_write);
    g_assert_cmpint(b->usage.output_total, ==, a->usage.output_total);
    g_assert_cmpint(b->usage.output_reasoning, ==, a->usage.output_reasoning);
}

static void written(const weir_provider_v1 *face, void *cfg, json_t *record, bool stream)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    json_t *response = json_object_get(record, "response");
    json_int_t status = json_integer_value(json_object_get(response, "status"));
    g_autofree char *body = wire_body(response);
    g_autofree char *headers = wire_headers(response);
    g_autofree char *owned = NULL;
    struct host_exchange *e = host_exchange_new(WEIR_OP_CHAT, "{}", "m");
    struct host_heard *first, *again;
    weir_provider_v1 tapped;

    relay_init(e, stream);
    tapped = relay_face(face);
    e->x.stream = is_stream(headers);
    first = host_decode(&tapped, cfg, e, (unsigned)status, headers, weir_str_of(body), 0, false);
    if (!relay.failed && first->finish->len) {
        if (stream)
            g_assert_cmpint(relay.face->end(relay.cfg, relay.state, &e->x, &relay.reply.sink), ==,
                            WEIR_OK);
        else
            g_assert_cmpint(relay.face->answer(relay.cfg, &e->x, gather_answer(&relay.gather),
                                               &relay.reply.sink),
                            ==, WEIR_OK);
        relay.writes = false;
        owned = g_strdup(relay.owned->str);
        g_string_truncate(relay.owned, 0);
        e->x.stream = stream;
        again =
            host_decode(&tapped, cfg, e, 200, relay.reply.headers->str,
                        weir_str_make(relay.reply.bytes->str, relay.reply.bytes->len), 0, false);
        compare_written(id, first, again);
        g_assert_cmpstr(relay.owned->str, ==, owned);
        host_heard_free(again);
    }
    host_heard_free(first);
    relay_clear();
    host_exchange_free(e);
}

static void written_both(const weir_provider_v1 *face, void *cfg, json_t *record)
{
    if (record_op(record) == WEIR_OP_COUNT)
        return;
    written(face, cfg, record, true);
    written(face, cfg, record, false);
}

static void test_answers(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, NULL, replay);
}

static void test_written(gconstpointer api)
{
    wire_each(g_getenv("WEIR_WIRE"), api, NULL, written_both);
}

/* Our own cases, which every clone has. */
static void test_cases(void)
{
    g_autofree char *folder = wire_cases();

    wire_each(folder, "anthropic.messages", NULL, replay);
    wire_each(folder, "anthropic.messages", NULL, written_both);
    wire_each(folder, "anthropic/odd", NULL, replay);
    wire_each(folder, "anthropic/odd", NULL, written_both);
    wire_each(folder, "anthropic/broken", NULL, replay);
}

int main(int argc, char **argv)
{
    static const char *const apis[] = { "anthropic.messages", "vertex.anthropic" };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(apis); i++) {
        g_autofree char *answers = g_strconcat("/anthropic/wire/answers/", apis[i], NULL);
        g_autofree char *again = g_strconcat("/anthropic/wire/written/", apis[i], NULL);

        g_test_add_data_func(answers, apis[i], test_answers);
        g_test_add_data_func(again, apis[i], test_written);
    }
    g_test_add_func("/anthropic/wire/cases", test_cases);
    return g_test_run();
}
