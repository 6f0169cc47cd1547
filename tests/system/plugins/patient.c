/*
 * patient.c - a provider with a wire format of its own, well or ill as the build asks.
 *
 * It needs no network: its answers are scripted responses of the form "SAY text". The tests build
 * it with these definitions:
 *   PATIENT_NAME     name of the part and tail of the id (a string)
 *   PATIENT_SAYS     what it answers (a string)
 *   PATIENT_CANARY   a file that a constructor writes: whoever finds it knows that code ran
 *   PATIENT_INIT     1: crashes in init, 2: hangs in it, 3: refuses, 4: exits
 *   PATIENT_ABI      the ABI major it claims in note and symbol
 * At run time the model "crash" makes encode crash, and "crash-late" makes frame crash.
 */
#ifdef PATIENT_ABI
#include <weir/base.h>
#include <weir/plugin.h>
#undef WEIR_ABI_MAJOR
#define WEIR_ABI_MAJOR PATIENT_ABI
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/plugin.h>
#ifdef PATIENT_CANARY
#include <stdio.h>
#endif

#ifndef PATIENT_NAME
#define PATIENT_NAME "patient"
#endif
#ifndef PATIENT_SAYS
#define PATIENT_SAYS "I am well"
#endif

#define STR(literal)                   \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

#ifdef PATIENT_CANARY
__attribute__((constructor)) static void patient_constructor(void)
{
    FILE *f = fopen(PATIENT_CANARY, "w");
    if (f)
        fclose(f);
}
#endif

static int patient_is(weir_str model, const char *name)
{
    return model.len == strlen(name) && memcmp(model.ptr, name, model.len) == 0;
}

static weir_result patient_configure(const weir_host *host, const weir_json *options, void **cfg,
                                     weir_error *error)
{
    static char nothing;
    (void)host;
    (void)options;
    (void)error;
    *cfg = &nothing;
    return WEIR_OK;
}

static void patient_release(void *cfg)
{
    (void)cfg;
}

static weir_result patient_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    static const weir_header type = { STR("content-type"), STR("text/x-patient") };
    weir_step steps[2] = { { sizeof(weir_step), WEIR_STEP_BYTES, 0, STR("SAY " PATIENT_SAYS) },
                           { sizeof(weir_step), WEIR_STEP_END, 0, { NULL, 0 } } };
    weir_script script = {
        sizeof(weir_script), 200, 0, &type, 1, 0, { steps, 2, sizeof(weir_step) }
    };
    (void)cfg;
    if (patient_is(x->target->model, "crash"))
        abort();
    return out->script(out->ctx, &script);
}

static weir_result patient_emit(const weir_events *out, weir_event event)
{
    event.struct_size = sizeof(event);
    return out->emit(out->ctx, &event);
}

static weir_result patient_frame(void *cfg, void *st, const weir_exchange *x,
                                 const weir_frame *frame, const weir_events *out)
{
    weir_usage usage;
    weir_result r;
    (void)cfg;
    (void)st;
    if (patient_is(x->target->model, "crash-late"))
        abort();
    if (frame->data.len < 4 || memcmp(frame->data.ptr, "SAY ", 4) != 0)
        return WEIR_RELAY;
    memset(&usage, 0xff, sizeof(usage));
    usage.struct_size = sizeof(usage);
    usage.zero = 0;
    usage.input_total = 2;
    usage.output_total = 3;
    if ((r = patient_emit(out, (weir_event){ .type = WEIR_EVENT_START,
                                             .id = STR("p-1"),
                                             .name = STR("patient-1") })) < 0 ||
        (r = patient_emit(
             out, (weir_event){ .type = WEIR_EVENT_BLOCK_START, .kind = WEIR_BLOCK_TEXT })) < 0 ||
        (r = patient_emit(out, (weir_event){ .type = WEIR_EVENT_DELTA,
                                             .kind = WEIR_BLOCK_TEXT,
                                             .text = { frame->data.ptr + 4, frame->data.len - 4,
                                                       WEIR_FORM_UTF8, 0 } })) < 0 ||
        (r = patient_emit(
             out, (weir_event){ .type = WEIR_EVENT_BLOCK_END, .kind = WEIR_BLOCK_TEXT })) < 0 ||
        (r = patient_emit(out, (weir_event){ .type = WEIR_EVENT_USAGE, .usage = &usage })) < 0 ||
        (r = patient_emit(
             out, (weir_event){ .type = WEIR_EVENT_FINISH, .reason = WEIR_FINISH_STOP })) < 0)
        return r;
    return WEIR_RELAY;
}

static const char *const patient_models[] = { PATIENT_NAME "-*", NULL };

static const weir_provider_v1 patient_provider = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
    .can = WEIR_CAN_STREAM,
    .model_globs = patient_models,
    .default_base_url = "http://patient.invalid",
    .configure = patient_configure,
    .release = patient_release,
    .encode = patient_encode,
    .frame = patient_frame,
};

static const weir_part patient_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, PATIENT_NAME,
                                        &patient_provider };
static const weir_part *const patient_parts[] = { &patient_part };

#ifdef PATIENT_INIT
static weir_result patient_init(const weir_host *host, weir_error *error)
{
    (void)host;
    (void)error;
    if (PATIENT_INIT == 1)
        abort();
    while (PATIENT_INIT == 2)
        pause();
    if (PATIENT_INIT == 4)
        _exit(3);
    memcpy(error->message, "no, thank you", sizeof("no, thank you"));
    return WEIR_INVALID;
}
#define PATIENT_INIT_FUNCTION patient_init
#else
#define PATIENT_INIT_FUNCTION NULL
#endif

WEIR_NOTE("test.patient." PATIENT_NAME, "1.0",
          WEIR_TEXT_PART("provider", PATIENT_NAME, WEIR_NO_OPTIONS))

extern __attribute__((visibility("default"))) const weir_plugin weir_plugin_v1;
const weir_plugin weir_plugin_v1 = {
    WEIR_PLUGIN_MAGIC,
    sizeof(weir_plugin),
    WEIR_ABI_MAJOR,
    WEIR_ABI_MINOR,
    0,
    0,
    "test.patient." PATIENT_NAME,
    "1.0",
    patient_parts,
    1,
    0,
    NULL,
    PATIENT_INIT_FUNCTION,
};
