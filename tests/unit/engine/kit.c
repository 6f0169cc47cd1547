/*
 * kit.c - see kit.h.
 */
#include "kit.h"
#include "base/str.h"
#include "config/load.h"
#include "model/failure.h"
#include "plugin/normalise.h"

#include <weir/sdk/json.h>

struct kit_mock kit_mock;
int kit_configured;
uint32_t kit_cancel_at;

/* -- the mock provider --------------------------------------------------------------------------
 */

void kit_script(unsigned status)
{
    static const weir_header type = { { "content-type", 12 }, { "text/event-stream", 17 } };

    kit_mock.count = 0;
    kit_mock.script = (weir_script){
        .struct_size = sizeof(weir_script), .status = status, .headers = &type, .header_count = 1
    };
}

void kit_step(uint32_t what, int64_t after_us, const char *bytes)
{
    g_assert_cmpuint(kit_mock.count, <, G_N_ELEMENTS(kit_mock.steps));
    kit_mock.steps[kit_mock.count++] = (weir_step){
        .struct_size = sizeof(weir_step),
        .what = what,
        .after_us = after_us,
        .bytes = str_of(bytes),
    };
    kit_mock.script.steps =
        (weir_array){ kit_mock.steps, kit_mock.count, sizeof(kit_mock.steps[0]) };
}

static weir_result mock_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    (void)cfg;
    if (!kit_mock.seen)
        kit_mock.seen = g_string_new(NULL);
    g_string_append_len(kit_mock.seen, x->body.ptr, (gssize)x->body.len);
    g_string_append_c(kit_mock.seen, '\n');
    kit_mock.seeds[kit_mock.asked++ % G_N_ELEMENTS(kit_mock.seeds)] = x->seed;
    return out->script(out->ctx, &kit_mock.script);
}

static weir_result mock_event(const weir_events *out, weir_event event)
{
    event.struct_size = sizeof(event);
    return out->emit(out->ctx, &event);
}

static weir_result mock_frame(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                              const weir_events *out)
{
    weir_str d = frame->data;
    weir_usage usage;
    weir_failure failure = { .struct_size = sizeof(failure),
                             .retry_after_us = -1,
                             .message = S("the mock failed") };

    (void)cfg, (void)st;
    usage_clear(&usage);
    usage.input_total = 3;
    usage.output_total = 5;
    if (str_begins(d, S("t:")))
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_DELTA,
                                             .kind = WEIR_BLOCK_TEXT,
                                             .text = { d.ptr + 2, d.len - 2, 0, 0 } });
    if (str_is(d, "u"))
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_USAGE, .usage = &usage });
    if (str_is(d, "f"))
        return mock_event(out,
                          (weir_event){ .type = WEIR_EVENT_FINISH, .reason = WEIR_FINISH_STOP });
    if (str_is(d, "k")) { /* vendors repeat what they were sent */
        g_autofree char *text = g_strdup_printf("%.*s is no key", S_ARG(x->target->credential));

        failure.class_id = WEIR_CLASS_AUTHENTICATION;
        failure.message = str_of(text);
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_ERROR, .failure = &failure });
    }
    if (str_begins(d, S("x:"))) {
        failure.class_id = (uint16_t)failure_class_find((weir_str){ d.ptr + 2, d.len - 2 });
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_ERROR, .failure = &failure });
    }
    return WEIR_RELAY;
}

static weir_result mock_configure(const weir_host *host, const weir_json *options, void **cfg,
                                  weir_error *error)
{
    (void)host, (void)options, (void)error;
    kit_configured++;
    *cfg = g_malloc(1); /* so that ASan sees who uses it too late */
    return WEIR_OK;
}

static void mock_release(void *cfg)
{
    kit_configured--;
    g_free(cfg);
}

static const char *const twin_native[] = { "openai.chat", NULL };

#define MOCK_FACE(...)                                                               \
    {                                                                                \
        .struct_size = sizeof(weir_provider_v1), .ops = WEIR_OP_BIT(WEIR_OP_CHAT),   \
        .decoder_size = 16, .can = ~0u, .default_base_url = "http://mock",           \
        .configure = mock_configure, .release = mock_release, .encode = mock_encode, \
        .frame = mock_frame, __VA_ARGS__                                             \
    }
static const weir_provider_v1 mock_face = MOCK_FACE(.native = NULL);
static const weir_provider_v1 twin_face = MOCK_FACE(.native = twin_native);

/* -- a dialect ----------------------------------------------------------------------------------
 */

enum { STERN_READ, STERN_TRANSLATE, STERN_ANSWER };

static int stern_inside; /* calls of it that run: it is never entered from inside one */

static weir_result stern_refuse(const weir_request_sink *out)
{
    const weir_failure failure = { .struct_size = sizeof(failure),
                                   .class_id = WEIR_CLASS_INVALID_REQUEST,
                                   .retry_after_us = -1,
                                   .message = S("sit up straight") };

    return out->refuse(out->ctx, &failure);
}

static weir_result stern_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    const weir_facts facts = {
        .struct_size = sizeof(facts), .model = S("mock/m"), .input_tokens = -1, .output_tokens = -1
    };
    weir_result r;

    (void)cfg;
    stern_inside++;
    r = out->facts(out->ctx, &facts, S(""));
    if (in->endpoint == STERN_READ)
        r = stern_refuse(out);
    if (in->endpoint == STERN_ANSWER)
        r = out->answer(out->ctx, 203, S("text/plain"), S("by itself"));
    stern_inside--;
    return r;
}

static weir_result stern_translate(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    weir_result r;

    (void)cfg, (void)in;
    stern_inside++;
    r = stern_refuse(out);
    stern_inside--;
    return r;
}

static weir_result stern_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                               const weir_reply_sink *out)
{
    (void)cfg, (void)st, (void)x, (void)event, (void)out;
    return WEIR_OK;
}

static weir_result stern_whole(void *cfg, const weir_exchange *x, const weir_answer *answer,
                               const weir_reply_sink *out)
{
    (void)cfg, (void)x, (void)answer, (void)out;
    return WEIR_OK;
}

static weir_result stern_failure(void *cfg, void *st, const weir_exchange *x,
                                 const weir_failure *failure, const weir_reply_sink *out)
{
    (void)cfg, (void)st, (void)x;
    g_assert_cmpint(stern_inside, ==, 0);
    out->head(out->ctx, 400, NULL, 0);
    return out->bytes(out->ctx, failure->message);
}

#define STERN(path)                                                                 \
    {                                                                               \
        .struct_size = sizeof(weir_endpoint), .op = WEIR_OP_CHAT, .method = "POST", \
        .pattern = path                                                             \
    }
static const weir_endpoint stern_endpoints[] = {
    [STERN_READ] = STERN("/stern/read"),
    [STERN_TRANSLATE] = STERN("/stern/translate"),
    [STERN_ANSWER] = STERN("/stern/answer"),
};

static const weir_dialect_v1 stern_face = {
    .struct_size = sizeof(weir_dialect_v1),
    .id = "stern",
    .endpoints = { stern_endpoints, G_N_ELEMENTS(stern_endpoints), sizeof(weir_endpoint) },
    .read = stern_read,
    .translate = stern_translate,
    .event = stern_event,
    .answer = stern_whole,
    .failure = stern_failure,
};

/* -- filters ------------------------------------------------------------------------------------
 */

static weir_result mark(const weir_event *event, const weir_events *next, const char *before,
                        const char *after)
{
    g_autofree char *text = NULL;
    weir_event changed = *event;

    if (event->type != WEIR_EVENT_DELTA)
        return next->emit(next->ctx, event);
    text = g_strdup_printf("%s%.*s%s", before, S_ARG(event->text), after);
    changed.text.ptr = text;
    changed.text.len = strlen(text);
    return next->emit(next->ctx, &changed);
}

static weir_result mark_a(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                          const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    return mark(event, next, "[a", "a]");
}

static weir_result mark_b(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                          const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    return mark(event, next, "[b", "b]");
}

static weir_result edit(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    uint32_t messages = weir_json_find(x->request, 0, "messages");
    uint32_t last = 0;

    (void)cfg, (void)st;
    WEIR_JSON_EACH_ITEM(x->request, messages, item)
    last = item;
    return out->replace(out->ctx, weir_json_find(x->request, last, "content"), S("\"edited\""));
}

static weir_result refuse(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .retry_after_us = -1,
                             .message = S("not in this house") };

    (void)cfg, (void)st, (void)x;
    return out->refuse(out->ctx, &failure);
}

static weir_result half(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    (void)cfg, (void)st, (void)x;
    out->answer(out->ctx, &(weir_event){ .struct_size = sizeof(weir_event),
                                         .type = WEIR_EVENT_DELTA,
                                         .kind = WEIR_BLOCK_TEXT,
                                         .text = { "from the filter", 15, 0, 0 } });
    return WEIR_OK;
}

static weir_result answer(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out)
{
    half(cfg, st, x, out);
    out->answer(out->ctx, &(weir_event){ .struct_size = sizeof(weir_event),
                                         .type = WEIR_EVENT_FINISH,
                                         .reason = WEIR_FINISH_STOP });
    return WEIR_OK;
}

static weir_result sick_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    return event->type == WEIR_EVENT_DELTA ? WEIR_INTERNAL : next->emit(next->ctx, event);
}

/* Does not listen to what it is told. */
static weir_result deaf(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                        const weir_events *next)
{
    (void)cfg, (void)st, (void)x;
    next->emit(next->ctx, event);
    return WEIR_OK;
}

static weir_result sick_request(void *cfg, void *st, const weir_exchange *x,
                                const weir_edit_sink *out)
{
    (void)cfg, (void)st, (void)x, (void)out;
    return WEIR_INTERNAL;
}

#define FILTER(name, what, ...)                                                        \
    static const weir_filter_v1 name##_face = { .struct_size = sizeof(weir_filter_v1), \
                                                .ops = WEIR_OP_BIT(WEIR_OP_CHAT),      \
                                                .sees = what,                          \
                                                __VA_ARGS__ }

FILTER(mark_a, WEIR_SEES_EVENTS, .event = mark_a);
FILTER(mark_b, WEIR_SEES_EVENTS, .event = mark_b);
FILTER(edit, WEIR_SEES_REQUEST, .request = edit);
FILTER(refuse, WEIR_SEES_REQUEST, .request = refuse);
FILTER(answer, WEIR_SEES_REQUEST, .request = answer);
FILTER(half, WEIR_SEES_REQUEST, .request = half);
FILTER(sick_event, WEIR_SEES_EVENTS, .event = sick_event);
FILTER(deaf, WEIR_SEES_EVENTS, .event = deaf);
FILTER(sick_request, WEIR_SEES_REQUEST, .request = sick_request);

static const struct {
    enum plugin_face face;
    weir_part part;
} parts[] = {
    { PLUGIN_PROVIDER, { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "mock", &mock_face } },
    { PLUGIN_PROVIDER, { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "twin", &twin_face } },
    { PLUGIN_DIALECT, { sizeof(weir_part), 0, WEIR_PART_DIALECT, "stern", &stern_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "mark-a", &mark_a_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "mark-b", &mark_b_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "edit", &edit_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "refuse", &refuse_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "answer", &answer_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "half", &half_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "sick-event", &sick_event_face } },
    { PLUGIN_FILTER, { sizeof(weir_part), 0, WEIR_PART_FILTER, "deaf", &deaf_face } },
    { PLUGIN_FILTER,
      { sizeof(weir_part), 0, WEIR_PART_FILTER, "sick-request", &sick_request_face } },
};

/* -- the registry -------------------------------------------------------------------------------
 */

static struct plugin_registry *registry(void)
{
    static struct plugin_part ours[G_N_ELEMENTS(parts)];
    static char id[] = "test.kit";
    static struct plugin_file file = { .id = id };
    static struct plugin_registry *r;
    const char *directories[] = { g_getenv("WEIR_PLUGIN_PATH"), NULL };
    const struct plugin_search search = { .directories = directories };

    if (r)
        return r;
    r = plugin_scan(&search, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(GError) error = NULL;

        ours[i].file = &file;
        if (!plugin_normalise(&ours[i], parts[i].face, &parts[i].part, &error))
            g_error("%s", error->message);
        g_hash_table_insert(r->by_name[parts[i].face], (gpointer)ours[i].name, &ours[i]);
    }
    return r;
}

/* -- the engine ---------------------------------------------------------------------------------
 */

/* Different for each test, so that none finds the target records of another. */
static int kit_number;

struct config *kit_config(const char *yaml)
{
    g_autofree char *number = g_strdup_printf("%d", kit_number);
    g_auto(GStrv) pieces = g_strsplit(yaml, "@", -1);
    g_autofree char *own = g_strjoinv(number, pieces);
    g_autofree char *text = g_strconcat("log: { access: \"off\" }\n", own, NULL);
    const struct config_source source = { "weir.yaml", text, NULL };
    g_autoptr(GError) error = NULL;
    struct config *config = config_load_with(&source, registry(), &error);

    if (!config)
        g_error("%s", error->message);
    return config;
}

void kit_begin(struct kit *k, const char *yaml)
{
    g_autoptr(config_t) config = NULL;
    g_autoptr(GError) error = NULL;

    kit_number++;
    config = kit_config(yaml);
    k->engine = engine_new(config, 1, &error);
    g_assert_no_error(error);
    k->w = k->engine->workers[0];
    if (kit_mock.seen)
        g_string_truncate(kit_mock.seen, 0);
    kit_mock.asked = 0;
    kit_pass(k, 0);
}

void kit_switch(struct kit *k, const char *yaml)
{
    g_autoptr(config_t) config = kit_config(yaml);
    g_autoptr(GError) error = NULL;

    g_assert_true(engine_switch(k->engine, config, &error));
    kit_pass(k, 0);
}

static void add_inflight(void *ctx, struct target *t)
{
    *(int64_t *)ctx += t->inflight;
    g_assert_cmpint(t->inflight, >=, 0);
    g_assert_cmpint(t->inflight_tokens, >=, 0);
}

int64_t kit_inflight(void)
{
    int64_t n = 0;

    target_each(add_inflight, &n);
    return n;
}

void kit_end(struct kit *k)
{
    kit_pass(k, 0);
    g_assert_cmpuint(k->w->exchange_count, ==, 0);
    g_assert_cmpuint(k->w->waiting, ==, 0);
    g_assert_null(k->w->exchanges);
    g_assert_cmpint(kit_inflight(), ==, 0);
    g_assert_cmpuint(k->w->generation->exchanges, ==, 0);
    engine_free(k->engine);
    g_assert_cmpint(kit_configured, ==, 0);
}

void kit_pass(struct kit *k, int64_t us)
{
    clock_pass(us);
    for (int i = 0; i < 4; i++) {
        clock_pass(1); /* what was set for now is due in the next iteration */
        loop_step(k->w->loop, 0);
    }
}

/* -- fronts -------------------------------------------------------------------------------------
 */

/* False: the call ended the exchange. */
static bool called(struct front *f)
{
    g_assert_false(f->ended);
    if (++f->calls != f->cancel_at)
        return true;
    f->ended = true;
    exchange_cancel(f->e, 0);
    return false;
}

static void on_head(void *front, unsigned status, const weir_header *headers, size_t count,
                    int64_t length)
{
    struct front *f = front;

    g_assert_cmpuint(f->status, ==, 0);
    if (!called(f))
        return;
    f->status = status;
    f->length = length;
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(f->headers, "%.*s: %.*s\n", S_ARG(headers[i].name),
                               S_ARG(headers[i].value));
}

static void on_bytes(void *front, const void *bytes, size_t len)
{
    struct front *f = front;

    g_assert_cmpuint(f->status, !=, 0);
    if (called(f))
        g_string_append_len(f->body, bytes, (gssize)len);
}

static void on_end(void *front)
{
    struct front *f = front;

    g_assert_false(f->ended);
    g_assert_cmpuint(f->status, !=, 0);
    if (f->length >= 0)
        g_assert_cmpint((int64_t)f->body->len, ==, f->length);
    f->ended = true;
    f->ends++;
}

static void on_abort(void *front)
{
    struct front *f = front;

    g_assert_false(f->ended);
    f->ended = true;
    f->aborts++;
}

static bool is_full(void *front)
{
    return ((struct front *)front)->full;
}

static const struct front_ops ops = { on_head, on_bytes, on_end, on_abort, is_full };

/* The exchange to be, so that a front can cancel at its first call. */
static struct front *open_front(struct kit *k, const char *method, const char *path)
{
    static const weir_header headers[] = { { S("content-type"), S("application/json") } };
    struct endpoint_match match;
    struct front *f = g_new0(struct front, 1);
    struct exchange_start start = {
        .front_ops = &ops,
        .front = f,
        .match = &match,
        .method = str_of(method),
        .target = str_of(path),
        .path = str_of(path),
        .headers = headers,
        .header_count = 1,
        .start_us = loop_now(k->w->loop),
    };

    g_assert_cmpuint(generation_match(k->w->generation->generation, start.method, start.path,
                                      headers, 1, &match),
                     ==, 200);
    f->headers = g_string_new(NULL);
    f->body = g_string_new(NULL);
    f->cancel_at = kit_cancel_at;
    f->e = exchange_new(k->w, &start);
    return f;
}

struct front *kit_ask(struct kit *k, const char *method, const char *path, const char *body)
{
    struct front *f = open_front(k, method, path);

    exchange_request(f->e, str_of(body));
    return f;
}

struct front *kit_chat(struct kit *k, const char *model, bool stream)
{
    struct front *f = open_front(k, "POST", "/v1/chat/completions");
    g_autofree char *text = g_strdup_printf(
        "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]%s}", model,
        stream ? ",\"stream\":true" : "");
    /* Lives as long as the process: exchanges borrow it. */
    const char *body = g_intern_string(text);

    exchange_request(f->e, str_of(body));
    return f;
}

void front_free(struct front *f)
{
    g_string_free(f->headers, TRUE);
    g_string_free(f->body, TRUE);
    g_free(f);
}
