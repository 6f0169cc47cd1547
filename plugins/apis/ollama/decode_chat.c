/*
 * decode_chat.c - an object of a chat or generate answer, as events.
 *
 * A stream is a row of objects, the last of which says `done`; a whole answer is one object that
 * says all of it. `message` holds what a chat says, generate has the same members at the top and
 * calls its text `response`.
 */
#include "ollama.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/call_id.h>
#include <weir/sdk/date.h>
#include <weir/sdk/sink.h>

/* An object that is being read. */
struct chat_reading {
    struct olm_decoder *d;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_events *out;
    weir_str extra; /* waits for the next delta */
};

static const weir_str chat_nothing = { "", 0 };

static weir_result chat_close(struct chat_reading *r)
{
    uint16_t kind = r->d->kind;

    r->d->kind = 0;
    return kind ? weir_emit_block_end(r->out, 0, r->d->open, kind) : WEIR_OK;
}

static weir_result chat_open(struct chat_reading *r, uint16_t kind, weir_str id, weir_str name)
{
    if (r->d->kind == kind && kind != WEIR_BLOCK_TOOL_CALL)
        return WEIR_OK;
    WEIR_TRY(chat_close(r));
    r->d->kind = (uint8_t)kind;
    r->d->open = r->d->next++;
    return weir_emit_block_start(r->out, 0, r->d->open, kind, id, name);
}

static weir_result chat_delta(struct chat_reading *r, weir_text text)
{
    weir_str extra = r->extra;

    r->extra = chat_nothing;
    return weir_emit_delta(r->out, 0, r->d->open, r->d->kind, text, extra);
}

static weir_result chat_text(struct chat_reading *r, uint16_t kind, uint32_t value)
{
    weir_text text = weir_json_text(r->doc, value);

    if (!text.len)
        return WEIR_OK;
    WEIR_TRY(chat_open(r, kind, chat_nothing, chat_nothing));
    return chat_delta(r, text);
}

/* Arguments are an object. Some servers send OpenAI's string, and none at all for a tool without
 * parameters. */
static weir_text chat_arguments(const weir_json *doc, uint32_t arguments)
{
    weir_text text = weir_json_text(doc, arguments);

    if (weir_json_is_object(doc, arguments))
        return weir_arguments_text(doc, arguments);
    return text.len ? text : weir_text_from(WEIR_S("{}"));
}

/* -- What is no answer ------------------------------------------------------------------------ */

/* Whether a member is of that type, null, or not there. */
static bool chat_is(const struct chat_reading *r, uint32_t object, const char *name, unsigned type)
{
    uint32_t value = weir_json_find(r->doc, object, name);

    return value == WEIR_JSON_NONE || weir_json_is_null(r->doc, value) ||
           weir_json_type(r->doc, value) == type;
}

static bool chat_fits_call(const struct chat_reading *r, uint32_t call)
{
    uint32_t function = weir_json_find(r->doc, call, "function");

    return weir_json_is_object(r->doc, function) &&
           weir_json_is_string(r->doc, weir_json_find(r->doc, function, "name")) &&
           chat_is(r, call, "id", WEIR_JSON_STRING) &&
           (chat_is(r, function, "arguments", WEIR_JSON_OBJECT) ||
            chat_is(r, function, "arguments", WEIR_JSON_STRING));
}

/* What an object must not be, in words; NULL: it is fine. Passing over a member of a wrong type
 * would deliver an answer with a hole in it. */
static const char *chat_fault(const struct chat_reading *r, uint32_t message)
{
    uint32_t done = weir_json_find(r->doc, 0, "done");
    uint32_t calls = weir_json_find(r->doc, message, "tool_calls");

    if (!weir_json_is_object(r->doc, message))
        return "the message of the answer is not an object";
    if (message == 0 && weir_json_find(r->doc, 0, "response") == WEIR_JSON_NONE)
        return "the answer has no message";
    if (!chat_is(r, message, message ? "content" : "response", WEIR_JSON_STRING) ||
        !chat_is(r, message, "thinking", WEIR_JSON_STRING))
        return "the text of the answer is not a string";
    if (!chat_is(r, message, "tool_calls", WEIR_JSON_ARRAY))
        return "the tool calls of the answer are not a list";
    WEIR_JSON_EACH_ITEM(r->doc, calls, call)
    {
        if (!chat_fits_call(r, call))
            return "a tool call is not {function: {name, arguments}}";
    }
    if (done != WEIR_JSON_NONE && !weir_json_is_bool(r->doc, done))
        return "the answer does not say whether it is done";
    return NULL;
}

/* -- What is ---------------------------------------------------------------------------------- */

static weir_result chat_call(struct chat_reading *r, uint32_t call)
{
    const weir_json *doc = r->doc;
    uint32_t function = weir_json_find(doc, call, "function");
    weir_str id = weir_json_str(doc, weir_json_find(doc, call, "id"), &r->x->arena);
    weir_str name = weir_json_str(doc, weir_json_find(doc, function, "name"), &r->x->arena);
    char made[WEIR_CALL_ID_LEN];

    if (!name.len)
        return olm_emit_protocol(r->d, "a tool call came without a name", r->out);
    if (!id.len)
        id = weir_call_id(r->x->seed, 0, r->d->calls, made);
    r->d->calls++;
    WEIR_TRY(chat_open(r, WEIR_BLOCK_TOOL_CALL, id, name));
    WEIR_TRY(chat_delta(r, chat_arguments(doc, weir_json_find(doc, function, "arguments"))));
    return chat_close(r);
}

static weir_result chat_start(struct chat_reading *r)
{
    const weir_json *doc = r->doc;
    weir_str created = weir_json_str(doc, weir_json_find(doc, 0, "created_at"), &r->x->arena);
    int64_t unix_us = weir_date_read(created);
    weir_str extra;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    if (unix_us > 0) {
        weir_write_key(&w, "created");
        weir_write_int64(&w, unix_us / 1000000);
    }
    WEIR_TRY(weir_writer_finish(&w, &extra));
    r->d->started = 1;
    return weir_emit_start(r->out, chat_nothing,
                           weir_json_str(doc, weir_json_find(doc, 0, "model"), &r->x->arena),
                           extra);
}

/* Members at the top that are read by name, or that say nothing of the answer. */
static bool chat_knows(const weir_json *doc, uint32_t key)
{
    static const char *const known[] = {
        "model",          "created_at",        "message",
        "response",       "thinking",          "tool_calls",
        "done",           "done_reason",       "context",
        "logprobs",       "prompt_eval_count", "eval_count",
        "total_duration", "load_duration",     "prompt_eval_duration",
        "eval_duration",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (weir_json_is(doc, key, known[i]))
            return true;
    }
    return false;
}

static void chat_copy(weir_writer *w, const weir_json *doc, uint32_t key, uint32_t value)
{
    weir_write_key_text(w, weir_json_text(doc, key));
    weir_write_value(w, doc, value);
}

/* What has no event of its own: log probabilities, in OpenAI's place, and members nobody knows. */
static weir_result chat_extra(struct chat_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t logprobs = weir_json_find(doc, 0, "logprobs");
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    if (weir_json_count(doc, logprobs)) {
        weir_write_key(&w, "logprobs");
        weir_write_begin_object(&w);
        weir_write_key(&w, "content");
        weir_write_value(&w, doc, logprobs);
        weir_write_end_object(&w);
    }
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        if (!chat_knows(doc, key) && !olm_says_nothing(doc, value))
            chat_copy(&w, doc, key, value);
    }
    return weir_writer_finish(&w, &r->extra);
}

static weir_result chat_message(struct chat_reading *r, uint32_t message, const char *text)
{
    const weir_json *doc = r->doc;

    WEIR_TRY(chat_text(r, WEIR_BLOCK_REASONING, weir_json_find(doc, message, "thinking")));
    WEIR_TRY(chat_text(r, WEIR_BLOCK_TEXT, weir_json_find(doc, message, text)));
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, message, "tool_calls"), call)
    {
        WEIR_TRY(chat_call(r, call));
        if (r->d->failed)
            return WEIR_OK;
    }
    /* Nothing was said that it could have gone with: it follows what was said before. */
    if (r->extra.len && r->d->kind)
        return chat_delta(r, weir_text_from(chat_nothing));
    return WEIR_OK;
}

/* A prompt that was cached is not counted, by older versions: then there is no number. */
static weir_result chat_usage(struct chat_reading *r)
{
    weir_usage u = weir_usage_unknown();

    weir_json_int64(r->doc, weir_json_find(r->doc, 0, "prompt_eval_count"), &u.input_total);
    weir_json_int64(r->doc, weir_json_find(r->doc, 0, "eval_count"), &u.output_total);
    u.input_total = weir_usage_count(u.input_total);
    u.output_total = weir_usage_count(u.output_total);
    return u.input_total >= 0 || u.output_total >= 0 ? weir_emit_usage(r->out, &u) : WEIR_OK;
}

/* Older versions tell no reason. A model that was only loaded has nothing more to say either. */
static uint16_t chat_reason(const struct chat_reading *r, uint32_t reason)
{
    static const char *const stops[] = { "stop", "load", "unload", "tool_calls", "" };

    if (weir_json_is(r->doc, reason, "length"))
        return WEIR_FINISH_LENGTH;
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (!weir_json_is_string(r->doc, reason) || weir_json_is(r->doc, reason, stops[i]))
            return r->d->calls ? WEIR_FINISH_TOOL_CALLS : WEIR_FINISH_STOP;
    }
    return WEIR_FINISH_UNKNOWN;
}

/* Times, and the conversation as tokens, which only this server can read. */
static weir_result chat_totals(struct chat_reading *r, weir_str *extra)
{
    static const char *const members[] = { "total_duration", "load_duration",
                                           "prompt_eval_duration", "eval_duration", "context" };
    const weir_json *doc = r->doc;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t value = weir_json_find(doc, 0, members[i]);

        if (!weir_json_is_number(doc, value) && !weir_json_count(doc, value))
            continue;
        weir_write_key(&w, members[i]);
        weir_write_value(&w, doc, value);
    }
    return weir_writer_finish(&w, extra);
}

static weir_result chat_owned(struct chat_reading *r)
{
    uint32_t context = weir_json_find(r->doc, 0, "context");
    weir_event e = weir_event_make(WEIR_EVENT_OWNED);
    weir_str tokens;

    if (!weir_json_is_array(r->doc, context) || !weir_json_count(r->doc, context))
        return WEIR_OK;
    tokens = olm_compact(&r->x->arena, weir_json_raw(r->doc, context));
    if (!tokens.ptr)
        return WEIR_NO_MEMORY;
    e.text = weir_text_from(tokens);
    return r->out->emit(r->out->ctx, &e);
}

static weir_result chat_finish(struct chat_reading *r, uint32_t reason)
{
    weir_event e = weir_event_make(WEIR_EVENT_FINISH);

    WEIR_TRY(chat_close(r));
    WEIR_TRY(chat_owned(r));
    e.reason = chat_reason(r, reason);
    e.name = weir_json_str(r->doc, reason, &r->x->arena);
    WEIR_TRY(chat_totals(r, &e.extra));
    r->d->over = 1;
    return r->out->emit(r->out->ctx, &e);
}

weir_result olm_decode_chat(struct olm_decoder *d, const weir_exchange *x, const weir_json *doc,
                            const weir_events *out)
{
    struct chat_reading r = { d, x, doc, out, chat_nothing };
    uint32_t message = weir_json_find(doc, 0, "message");
    const char *fault;
    bool done = false;

    if (message == WEIR_JSON_NONE)
        message = 0;
    fault = chat_fault(&r, message);
    if (fault)
        return olm_emit_protocol(d, fault, out);
    if (!d->started)
        WEIR_TRY(chat_start(&r));
    WEIR_TRY(chat_extra(&r));
    WEIR_TRY(chat_message(&r, message, message ? "content" : "response"));
    weir_json_bool(doc, weir_json_find(doc, 0, "done"), &done);
    if (d->failed || !done)
        return WEIR_OK;
    WEIR_TRY(chat_usage(&r));
    return chat_finish(&r, weir_json_find(doc, 0, "done_reason"));
}
