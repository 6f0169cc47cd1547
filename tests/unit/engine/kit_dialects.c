/*
 * kit_dialects.c - the dialects of the kit: one that refuses, one with a shorthand of its own.
 */
#include "kit_parts.h"
#include "base/str.h"
#include "model/failure.h"

#include <weir/sdk/json.h>

/* -- stern --------------------------------------------------------------------------------------
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

/* -- clerk --------------------------------------------------------------------------------------
 */

enum { CLERK_FORWARD, CLERK_COUNT, CLERK_CHAT, CLERK_MODELS, CLERK_MODEL };

static weir_result clerk_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    weir_facts facts = { .struct_size = sizeof(facts), .input_tokens = 7, .output_tokens = -1 };

    (void)cfg;
    facts.stream = in->endpoint == CLERK_CHAT;
    if (in->endpoint == CLERK_COUNT || in->endpoint == CLERK_CHAT)
        facts.model = weir_json_inner(in->json, weir_json_find(in->json, 0, "model"));
    if (in->endpoint == CLERK_MODEL)
        facts.model = in->captures[0];
    out->facts(out->ctx, &facts, S(""));
    if (in->endpoint != CLERK_FORWARD)
        return WEIR_OK;
    return out->opaque(
        out->ctx, (weir_text){ in->captures[0].ptr, in->captures[0].len, WEIR_FORM_UTF8, 0 }, true);
}

static weir_result clerk_translate(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    (void)cfg, (void)in;
    return out->body(out->ctx, S("{\"messages\":[]}"));
}

static weir_result clerk_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                               const weir_reply_sink *out)
{
    g_autofree char *word = NULL;

    (void)cfg, (void)st, (void)x;
    if (event->type == WEIR_EVENT_BLOCK_START)
        word = g_strdup_printf("<%d ", event->block);
    if (event->type == WEIR_EVENT_DELTA)
        word = g_strdup_printf("%.*s ", S_ARG(event->text));
    if (event->type == WEIR_EVENT_BLOCK_END)
        word = g_strdup_printf("%d> ", event->block);
    if (event->type == WEIR_EVENT_FINISH)
        word = g_strdup("finish ");
    if (word)
        return out->bytes(out->ctx, str_of(word));
    if (event->type != WEIR_EVENT_DOCUMENT)
        return WEIR_OK;
    out->head(out->ctx, 200, NULL, 0);
    return out->bytes(out->ctx, (weir_str){ event->text.ptr, event->text.len });
}

static weir_result clerk_failure(void *cfg, void *st, const weir_exchange *x,
                                 const weir_failure *failure, const weir_reply_sink *out)
{
    g_autofree char *text =
        g_strdup_printf("%s: %.*s", failure_class_name(failure->class_id), S_ARG(failure->message));

    (void)cfg, (void)st, (void)x;
    out->head(out->ctx, 400, NULL, 0);
    return out->bytes(out->ctx, str_of(text));
}

#define CLERK(number, what, path)                                                                \
    [CLERK_##number] = { .struct_size = sizeof(weir_endpoint),                                   \
                         .op = WEIR_OP_##what,                                                   \
                         .method = CLERK_##number == CLERK_COUNT || CLERK_##number == CLERK_CHAT \
                                       ? "POST"                                                  \
                                       : "GET",                                                  \
                         .pattern = path }
static const weir_endpoint clerk_endpoints[] = {
    CLERK(FORWARD, FORWARD, "/clerk/{id}"),
    CLERK(COUNT, COUNT, "/clerk-count"),
    CLERK(CHAT, CHAT, "/clerk-chat"),
    CLERK(MODELS, MODELS, "/clerk-models"),
    CLERK(MODEL, MODELS, "/clerk-models/{model}"),
};

static const weir_dialect_v1 clerk_face = {
    .struct_size = sizeof(weir_dialect_v1),
    .id = "clerk",
    .endpoints = { clerk_endpoints, G_N_ELEMENTS(clerk_endpoints), sizeof(weir_endpoint) },
    .read = clerk_read,
    .translate = clerk_translate,
    .event = clerk_event,
    .answer = stern_whole,
    .failure = clerk_failure,
    .flags = WEIR_DIALECT_SEQUENTIAL | WEIR_DIALECT_WHOLE_CALLS,
};

const struct kit_part kit_dialects[] = {
    KIT_PART(DIALECT, "stern", &stern_face),
    KIT_PART(DIALECT, "clerk", &clerk_face),
    { 0 },
};
