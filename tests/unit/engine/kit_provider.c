/*
 * kit_provider.c - the provider parts of the kit: a mock that plays a script.
 */
#include "kit_parts.h"
#include "base/str.h"
#include "model/failure.h"

struct kit_mock kit_mock;
int kit_configured;

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
    g_strlcpy(kit_mock.catalogue, "", sizeof kit_mock.catalogue);
    if (x->target->catalogue.len)
        g_snprintf(kit_mock.catalogue, sizeof kit_mock.catalogue, "%.*s",
                   S_ARG(x->target->catalogue));
    kit_mock.foreign = x->foreign;
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
    if (d.len > 2 && d.ptr[0] >= '1' && d.ptr[0] <= '9' && d.ptr[1] == ':')
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_DELTA,
                                             .kind = WEIR_BLOCK_TOOL_CALL,
                                             .block = d.ptr[0] - '0',
                                             .name = S("tool"),
                                             .text = { d.ptr + 2, d.len - 2, 0, 0 } });
    if (str_begins(d, S("d:")))
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_DOCUMENT,
                                             .text = { d.ptr + 2, d.len - 2, 0, 0 } });
    if (str_begins(d, S("o:")))
        return mock_event(
            out, (weir_event){ .type = WEIR_EVENT_OWNED, .text = { d.ptr + 2, d.len - 2, 0, 0 } });
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
    if (str_begins(d, S("d:")))
        return mock_event(out, (weir_event){ .type = WEIR_EVENT_DOCUMENT,
                                             .text = { d.ptr + 2, d.len - 2, 0, 0 } });
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

static const char *const twin_native[] = { "openai.chat", "clerk", NULL };

#define MOCK_FACE(...)                                                                           \
    {                                                                                            \
        .struct_size = sizeof(weir_provider_v1), .decoder_size = 16, .can = ~0u,                 \
        .default_base_url = "http://mock", .configure = mock_configure, .release = mock_release, \
        .encode = mock_encode, .frame = mock_frame, __VA_ARGS__                                  \
    }
static const weir_provider_v1 mock_face =
    MOCK_FACE(.ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_COUNT) |
                     WEIR_OP_BIT(WEIR_OP_MODELS));
static const weir_provider_v1 twin_face =
    MOCK_FACE(.native = twin_native,
              .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_FORWARD));

const struct kit_part kit_providers[] = {
    KIT_PART(PROVIDER, "mock", &mock_face),
    KIT_PART(PROVIDER, "twin", &twin_face),
    { 0 },
};
