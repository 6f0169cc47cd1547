/*
 * response.c - see response.h; and the accessors of weir.h.
 */
#include "client/response.h"
#include "base/str.h"
#include "client/client.h"
#include "client/pack.h"
#include "model/failure.h"

#include <weir/sdk/str.h>

struct response_call {
    weir_str id, name, arguments;
};

struct response_choice {
    weir_str text, reasoning, refusal;
    struct response_call *calls;
    uint32_t call_count;
    uint32_t reason;
};

/* -- life ------------------------------------------------------------------------------------- */

struct weir_response *response_new(struct generation *generation)
{
    struct weir_response *r = g_new0(struct weir_response, 1);

    arena_init(&r->outcome.memory, 0);
    arena_init(&r->memory, 0);
    gather_init(&r->gather, &r->memory);
    r->outcome.provider = r->outcome.model = r->json = S("");
    r->generation = generation_ref(generation);
    r->decoded = g_byte_array_new();
    g_mutex_init(&r->lock);
    return r;
}

void weir_response_free(weir_response *r)
{
    if (!r)
        return;
    arena_reset(&r->outcome.memory);
    arena_reset(&r->memory);
    arena_thread_trim(); /* nobody would do it when the application's thread ends */
    client_init_lock();
    generation_unref(r->generation);
    client_init_unlock();
    g_byte_array_unref(r->decoded);
    g_mutex_clear(&r->lock);
    g_free(r);
}

void response_fail(struct weir_response *r, const weir_failure *failure)
{
    if (!r->outcome.failure)
        r->outcome.failure = failure_copy(&r->outcome.memory, failure);
}

/* -- events ----------------------------------------------------------------------------------- */

/* Applications get text, not the inside of a JSON string. */
static void decode_text(struct weir_response *r, weir_event *event)
{
    if (event->text.form == WEIR_FORM_UTF8)
        return;
    g_byte_array_set_size(r->decoded, (guint)event->text.len + 1);
    event->text.len = weir_text_decode(event->text, (char *)r->decoded->data, event->text.len);
    event->text.ptr = (char *)r->decoded->data;
    event->text.form = WEIR_FORM_UTF8;
}

/* A reply that no dialect of ours wrote: a document. */
static void take_document(struct weir_response *r, weir_str bytes)
{
    const weir_str parts[] = { r->gather.document, bytes, S("\0") };
    weir_arena arena = arena_abi(&r->memory);

    r->gather.document = weir_str_join(&arena, parts, G_N_ELEMENTS(parts));
    r->gather.has_document = true;
    if (r->gather.document.len)
        r->gather.document.len--;
}

bool response_take(struct weir_response *r, weir_str bytes, weir_on_event on_event, void *ctx)
{
    weir_event event;
    weir_usage usage;

    while (bytes.len) {
        size_t used = unpack_event(bytes, &event, &usage);

        if (!used) {
            take_document(r, bytes);
            return true;
        }
        bytes = weir_str_skip(bytes, used);
        if (gather_event(&r->gather, &event) < 0) {
            r->too_large = true;
            return false;
        }
        decode_text(r, &event);
        if (on_event && on_event(ctx, &event))
            return false;
    }
    return true;
}

/* -- what the accessors give ------------------------------------------------------------------ */

static const weir_block *block_at(const weir_answer *a, uint32_t i)
{
    return (const weir_block *)a->blocks.items + i;
}

/* The decoded text of all blocks of one kind. */
static weir_str join_text(struct weir_response *r, uint32_t choice, uint16_t kind)
{
    size_t room = 0, used = 0;
    char *text;

    for (uint32_t i = 0; i < r->answer->blocks.count; i++) {
        const weir_block *b = block_at(r->answer, i);

        if ((uint32_t)b->choice == choice && b->kind == kind)
            room += b->text.len; /* decoding makes nothing longer */
    }
    if (!room)
        return S("");
    text = arena_alloc(&r->memory, room + 1);
    if (!text) {
        r->too_large = true;
        return S("");
    }
    for (uint32_t i = 0; i < r->answer->blocks.count; i++) {
        const weir_block *b = block_at(r->answer, i);

        if ((uint32_t)b->choice == choice && b->kind == kind)
            used += weir_text_decode(b->text, text + used, room - used);
    }
    text[used] = '\0';
    return (weir_str){ text, used };
}

static weir_str text_of(struct weir_response *r, weir_text text)
{
    char *copy = arena_alloc(&r->memory, text.len + 1);
    size_t len = copy ? weir_text_decode(text, copy, text.len) : 0;

    if (!copy) {
        r->too_large = true;
        return S("");
    }
    copy[len] = '\0';
    return (weir_str){ copy, len };
}

static void add_calls(struct weir_response *r, uint32_t choice)
{
    struct response_choice *c = &r->choices[choice];

    c->calls = arena_alloc(&r->memory, sizeof(*c->calls) * (r->answer->blocks.count + 1));
    for (uint32_t i = 0; c->calls && i < r->answer->blocks.count; i++) {
        const weir_block *b = block_at(r->answer, i);

        if ((uint32_t)b->choice != choice || b->kind != WEIR_BLOCK_TOOL_CALL)
            continue;
        c->calls[c->call_count++] = (struct response_call){
            .id = b->id.ptr ? b->id : S(""),
            .name = b->name.ptr ? b->name : S(""),
            .arguments = text_of(r, b->text),
        };
    }
}

static uint32_t count_choices(const weir_answer *a)
{
    int32_t count = 0;

    for (uint32_t i = 0; i < a->choices.count; i++)
        count = MAX(count, ((const weir_choice *)a->choices.items)[i].choice + 1);
    for (uint32_t i = 0; i < a->blocks.count; i++)
        count = MAX(count, block_at(a, i)->choice + 1);
    return (uint32_t)count;
}

static void make_choices(struct weir_response *r)
{
    const weir_answer *a = r->answer = gather_answer(&r->gather);

    if (a)
        r->choices = arena_zalloc(&r->memory, sizeof(*r->choices) * (count_choices(a) + 1));
    if (!r->choices) {
        r->too_large = true;
        return;
    }
    r->choice_count = count_choices(a);
    for (uint32_t i = 0; i < r->choice_count; i++) {
        r->choices[i].text = join_text(r, i, WEIR_BLOCK_TEXT);
        r->choices[i].reasoning = join_text(r, i, WEIR_BLOCK_REASONING);
        r->choices[i].refusal = join_text(r, i, WEIR_BLOCK_REFUSAL);
        add_calls(r, i);
    }
    for (uint32_t i = 0; i < a->choices.count; i++) {
        const weir_choice *c = (const weir_choice *)a->choices.items + i;

        if (c->choice >= 0)
            r->choices[c->choice].reason = c->reason;
    }
}

void response_complete(struct weir_response *r)
{
    weir_failure failure = failure_local(WEIR_CLASS_INTERNAL, S("the answer is too large"));

    make_choices(r);
    if (!r->too_large)
        return;
    /* It was stopped for that; "cancelled" is not why. */
    r->outcome.failure = failure_copy(&r->outcome.memory, &failure);
}

/* -- the answer as JSON ----------------------------------------------------------------------- */

static weir_result json_head(void *ctx, uint32_t status, const weir_header *headers, uint32_t count)
{
    (void)ctx, (void)status, (void)headers, (void)count;
    return WEIR_OK;
}

static weir_result json_bytes(void *ctx, weir_str bytes)
{
    struct weir_response *r = ctx;
    const weir_str parts[] = { r->json, bytes, S("\0") };
    weir_arena arena = arena_abi(&r->memory);
    weir_str joined = weir_str_join(&arena, parts, G_N_ELEMENTS(parts));

    if (!joined.len)
        return WEIR_NO_MEMORY;
    r->json = (weir_str){ joined.ptr, joined.len - 1 };
    return WEIR_OK;
}

static void write_json(struct weir_response *r)
{
    const struct dialect *d = generation_dialect(r->generation, "openai.chat");
    const weir_reply_sink sink = {
        .struct_size = sizeof(sink), .ctx = r, .head = json_head, .bytes = json_bytes
    };
    weir_answer answer = *r->answer;
    weir_exchange x = {
        .struct_size = sizeof(x),
        .op = WEIR_OP_CHAT,
        .dialect = S("openai.chat"),
        .now_us = g_get_monotonic_time(),
        .unix_us = g_get_real_time(),
        .arena = arena_abi(&r->memory),
        .keep = arena_abi(&r->memory),
    };

    if (usage_is_empty(answer.usage))
        answer.usage = NULL; /* absent, not zero */
    if (d->face->answer(d->cfg, &x, &answer, &sink) < 0)
        r->json = S("");
}

weir_str weir_response_json(const weir_response *response)
{
    weir_response *r = (weir_response *)response; /* what it keeps is made when it is asked for */

    if (r->outcome.failure)
        return S("");
    if (r->gather.has_document)
        return r->gather.document;
    g_mutex_lock(&r->lock);
    if (!r->json.len)
        write_json(r);
    g_mutex_unlock(&r->lock);
    return r->json;
}

/* -- accessors -------------------------------------------------------------------------------- */

static const struct response_choice *choice_at(const struct weir_response *r, uint32_t i)
{
    static const struct response_choice none = { .text = { "", 0 },
                                                 .reasoning = { "", 0 },
                                                 .refusal = { "", 0 } };

    return i < r->choice_count ? &r->choices[i] : &none;
}

static const struct response_call *call_at(const struct weir_response *r, uint32_t choice,
                                           uint32_t i)
{
    static const struct response_call none = { { "", 0 }, { "", 0 }, { "", 0 } };
    const struct response_choice *c = choice_at(r, choice);

    return i < c->call_count ? &c->calls[i] : &none;
}

const weir_failure *weir_response_failure(const weir_response *r)
{
    return r->outcome.failure;
}

const char *weir_failure_name(const weir_failure *failure)
{
    return failure_class_name(failure->class_id);
}

uint32_t weir_response_choices(const weir_response *r)
{
    return r->choice_count;
}

weir_str weir_response_text(const weir_response *r, uint32_t choice)
{
    return choice_at(r, choice)->text;
}

weir_str weir_response_reasoning(const weir_response *r, uint32_t choice)
{
    return choice_at(r, choice)->reasoning;
}

weir_str weir_response_refusal(const weir_response *r, uint32_t choice)
{
    return choice_at(r, choice)->refusal;
}

uint32_t weir_response_tool_calls(const weir_response *r, uint32_t choice)
{
    return choice_at(r, choice)->call_count;
}

weir_str weir_response_tool_id(const weir_response *r, uint32_t choice, uint32_t call)
{
    return call_at(r, choice, call)->id;
}

weir_str weir_response_tool_name(const weir_response *r, uint32_t choice, uint32_t call)
{
    return call_at(r, choice, call)->name;
}

weir_str weir_response_tool_arguments(const weir_response *r, uint32_t choice, uint32_t call)
{
    return call_at(r, choice, call)->arguments;
}

uint32_t weir_response_finish(const weir_response *r, uint32_t choice)
{
    return choice_at(r, choice)->reason;
}

const char *weir_finish_name(uint32_t reason)
{
    switch (reason) {
#define NAME(id, number, name) \
    case number:               \
        return name;
        WEIR_FINISH_REASONS(NAME)
#undef NAME
    default:
        return "unknown";
    }
}

const weir_usage *weir_response_usage(const weir_response *r)
{
    return &r->gather.usage;
}

weir_str weir_response_provider(const weir_response *r)
{
    return r->outcome.provider;
}

weir_str weir_response_model(const weir_response *r)
{
    return r->outcome.model;
}

uint32_t weir_response_attempts(const weir_response *r)
{
    return r->outcome.attempts;
}

uint32_t weir_response_warnings(const weir_response *r)
{
    return r->outcome.warning_count;
}

weir_str weir_response_warning(const weir_response *r, uint32_t i)
{
    return i < r->outcome.warning_count ? r->outcome.warnings[i] : S("");
}
