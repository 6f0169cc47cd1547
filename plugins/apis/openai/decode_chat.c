/*
 * decode_chat.c - a chat.completion or one of its chunks, as events.
 *
 * A whole answer is read like a chunk: `message` for `delta`. Where vendors differ from OpenAI the
 * place says which.
 */
#include "decode.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static const weir_str oai_nothing = { "", 0 };

weir_result oai_block_close(struct oai_reading *r)
{
    uint16_t kind = r->choice->kind;

    if (!kind)
        return WEIR_OK;
    r->choice->kind = 0;
    if (kind == WEIR_BLOCK_TOOL_CALL) /* more of its arguments may come: it ends with the choice */
        return WEIR_OK;
    return weir_emit_block_end(r->out, r->number, r->choice->open, kind);
}

weir_result oai_block_open(struct oai_reading *r, uint16_t kind, weir_str id, weir_str name)
{
    weir_event e;

    if (r->choice->kind == kind && kind != WEIR_BLOCK_TOOL_CALL)
        return WEIR_OK;
    r->plain = false;
    WEIR_TRY(oai_block_close(r));
    r->choice->kind = (uint8_t)kind;
    r->choice->open = r->choice->next++;
    e = weir_event_make(WEIR_EVENT_BLOCK_START);
    e.choice = r->number;
    e.block = r->choice->open;
    e.kind = kind;
    e.id = id;
    e.name = name;
    e.extra = r->open_extra;
    r->open_extra = oai_nothing;
    return r->out->emit(r->out->ctx, &e);
}

weir_result oai_block_delta(struct oai_reading *r, weir_text text)
{
    weir_str extra = r->extra;

    r->plain = r->plain && !extra.len && text.len;
    r->extra = oai_nothing;
    return weir_emit_delta(r->out, r->number, r->choice->open, r->choice->kind, text, extra);
}

bool oai_is_or_null(const weir_json *doc, uint32_t value, unsigned types)
{
    return value == WEIR_JSON_NONE || weir_json_is_null(doc, value) ||
           (types >> weir_json_type(doc, value) & 1u);
}

/* A string member as content of that kind; null and empty ones are nothing. */
static weir_result decode_text(struct oai_reading *r, uint16_t kind, uint32_t value)
{
    weir_text text = weir_json_text(r->doc, value);

    if (r->d->failed)
        return WEIR_OK;
    if (!oai_is_or_null(r->doc, value, 1u << WEIR_JSON_STRING))
        return oai_emit_protocol(r->d, "a text of the answer is no string", r->out);
    if (!text.len)
        return WEIR_OK;
    if (r->choice->ended)
        return oai_emit_protocol(r->d, OAI_AFTER_END, r->out);
    WEIR_TRY(oai_block_open(r, kind, oai_nothing, oai_nothing));
    r->plain = r->plain && !r->text;
    r->text = value;
    return oai_block_delta(r, text);
}

/* A member of the document as `extra`: key and value as they stand there. */
static weir_str decode_member(const weir_json *doc, uint32_t key, uint32_t value)
{
    weir_str from = weir_json_raw(doc, key);
    weir_str to = weir_json_raw(doc, value);

    from.len = (size_t)(to.ptr + to.len - from.ptr);
    return from;
}

/* null, {} and [] say nothing. */
static bool decode_says_nothing(const weir_json *doc, uint32_t value)
{
    return weir_json_is_null(doc, value) || weir_json_is(doc, value, "") ||
           (weir_json_type(doc, value) >= WEIR_JSON_ARRAY && weir_json_count(doc, value) == 0);
}

/* What a part has that cannot be read. NULL: nothing. */
static const char *decode_part_fault(const weir_json *doc, uint32_t part)
{
    const unsigned string = 1u << WEIR_JSON_STRING;

    if (!weir_json_is_object(doc, part)) /* a text, or read as one */
        return NULL;
    if (!oai_is_or_null(doc, weir_json_find(doc, part, "type"), string))
        return "the type of a part of the answer is no string";
    if (!oai_is_or_null(doc, weir_json_find(doc, part, "thinking"), string | 1u << WEIR_JSON_ARRAY))
        return "a thinking of the answer is no text";
    return NULL;
}

/* Mistral: content as a list of parts, thinking among them. */
static weir_result decode_parts(struct oai_reading *r, uint32_t list, uint16_t kind)
{
    const weir_json *doc = r->doc;

    WEIR_JSON_EACH_ITEM(doc, list, part)
    {
        uint32_t type = weir_json_find(doc, part, "type");
        uint32_t thinking = weir_json_find(doc, part, "thinking");
        const char *fault = decode_part_fault(doc, part);

        if (r->d->failed)
            return WEIR_OK;
        if (fault)
            return oai_emit_protocol(r->d, fault, r->out);
        if (!weir_json_is_object(doc, part)) {
            WEIR_TRY(decode_text(r, kind, part));
        } else if (weir_json_is(doc, type, "text")) {
            WEIR_TRY(decode_text(r, kind, weir_json_find(doc, part, "text")));
        } else if (weir_json_is(doc, type, "refusal")) {
            WEIR_TRY(decode_text(r, WEIR_BLOCK_REFUSAL, weir_json_find(doc, part, "refusal")));
        } else if (weir_json_is_string(doc, thinking)) {
            WEIR_TRY(decode_text(r, WEIR_BLOCK_REASONING, thinking));
        } else if (weir_json_is_array(doc, thinking) && kind == WEIR_BLOCK_TEXT) {
            WEIR_TRY(decode_parts(r, thinking, WEIR_BLOCK_REASONING));
        } else if (kind == WEIR_BLOCK_TEXT) {
            r->plain = false;
            if (r->choice->ended)
                return oai_emit_protocol(r->d, OAI_AFTER_END, r->out);
            WEIR_TRY(oai_block_open(r, WEIR_BLOCK_CITATION, oai_nothing, oai_nothing));
            WEIR_TRY(weir_emit_delta(r->out, r->number, r->choice->open, WEIR_BLOCK_CITATION,
                                     weir_text_from(oai_nothing), weir_json_inner(doc, part)));
        }
    }
    return WEIR_OK;
}

static weir_result decode_content(struct oai_reading *r, uint32_t content)
{
    if (weir_json_is_array(r->doc, content))
        return decode_parts(r, content, WEIR_BLOCK_TEXT);
    return decode_text(r, WEIR_BLOCK_TEXT, content);
}

/* Members that decode_delta reads itself, and names that mean something else where what is left
 * over is written, beside the message. */
static bool decode_knows_delta(const weir_json *doc, uint32_t key)
{
    static const weir_str known[] = {
        { "role", 4 },           { "content", 7 }, { "reasoning_content", 17 },
        { "reasoning", 9 },      { "refusal", 7 }, { "tool_calls", 10 },
        { "function_call", 13 }, { "name", 4 },    { "index", 5 },
        { "delta", 5 },          { "message", 7 }, { "finish_reason", 13 }
    };

    return weir_json_key_in(doc, key, known, sizeof(known) / sizeof(known[0]));
}

static bool decode_knows_choice(const weir_json *doc, uint32_t key)
{
    static const weir_str known[] = {
        { "index", 5 }, { "delta", 5 }, { "message", 7 }, { "finish_reason", 13 }
    };

    return weir_json_key_in(doc, key, known, sizeof(known) / sizeof(known[0]));
}

/* The key of the first member that is not known and says something. */
static uint32_t decode_first_extra(const weir_json *doc, uint32_t object,
                                   bool (*known)(const weir_json *doc, uint32_t key))
{
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        if (!known(doc, key) && !decode_says_nothing(doc, value))
            return key;
    }
    return WEIR_JSON_NONE;
}

/* What only this vendor can read when it comes back. */
static weir_result decode_owned(const struct oai_reading *r, uint32_t value)
{
    weir_event e = weir_event_make(WEIR_EVENT_OWNED);

    e.text = weir_json_text(r->doc, value);
    return e.text.len ? r->out->emit(r->out->ctx, &e) : WEIR_OK;
}

/* OpenRouter: signatures and encrypted reasoning. */
static weir_result decode_details(const struct oai_reading *r, uint32_t details)
{
    WEIR_JSON_EACH_ITEM(r->doc, details, detail)
    {
        WEIR_TRY(decode_owned(r, weir_json_find(r->doc, detail, "signature")));
        WEIR_TRY(decode_owned(r, weir_json_find(r->doc, detail, "data")));
    }
    return WEIR_OK;
}

/* Sends unknown members of `object`, but for the one at `sent`, as `extra` of empty deltas. Without
 * an open block there is nowhere to put them. */
static weir_result decode_extras(struct oai_reading *r, uint32_t object,
                                 bool (*known)(const weir_json *doc, uint32_t key), uint32_t sent)
{
    WEIR_JSON_EACH_MEMBER(r->doc, object, key, value)
    {
        if (key == sent || known(r->doc, key) || decode_says_nothing(r->doc, value))
            continue;
        if (weir_json_is(r->doc, key, "reasoning_details"))
            WEIR_TRY(decode_details(r, value));
        if (!r->choice->kind)
            continue;
        r->extra = decode_member(r->doc, key, value);
        WEIR_TRY(oai_block_delta(r, weir_text_from(oai_nothing)));
    }
    return WEIR_OK;
}

static weir_result decode_delta(struct oai_reading *r, uint32_t delta)
{
    const weir_json *doc = r->doc;
    uint32_t reasoning = weir_json_find(doc, delta, "reasoning_content");
    uint32_t function = weir_json_find(doc, delta, "function_call");
    uint32_t audio = weir_json_find(doc, delta, "audio");

    if (!oai_is_or_null(doc, function, 1u << WEIR_JSON_OBJECT))
        return oai_emit_protocol(r->d, "a function_call of the answer is no object", r->out);
    if (reasoning == WEIR_JSON_NONE || weir_json_is_null(doc, reasoning)) /* OpenRouter, Groq */
        reasoning = weir_json_find(doc, delta, "reasoning");
    WEIR_TRY(decode_text(r, WEIR_BLOCK_REASONING, reasoning));
    WEIR_TRY(decode_content(r, weir_json_find(doc, delta, "content")));
    WEIR_TRY(decode_text(r, WEIR_BLOCK_REFUSAL, weir_json_find(doc, delta, "refusal")));
    if (r->d->failed)
        return WEIR_OK;
    if (weir_json_is_object(doc, audio)) {
        WEIR_TRY(oai_block_open(r, WEIR_BLOCK_AUDIO, oai_nothing, oai_nothing));
        WEIR_TRY(decode_owned(r, weir_json_find(doc, audio, "id")));
    }
    WEIR_TRY(oai_decode_calls(r, weir_json_find(doc, delta, "tool_calls")));
    if (weir_json_is_object(doc, function) && !r->d->failed)
        WEIR_TRY(oai_decode_function(r, function));
    r->plain = r->plain && !r->choice->called && !r->d->pending;
    return WEIR_OK;
}

static uint16_t decode_reason(const weir_json *doc, uint32_t reason)
{
    static const struct {
        const char *raw;
        uint16_t reason;
    } table[] = {
        { "stop", WEIR_FINISH_STOP },
        { "eos", WEIR_FINISH_STOP }, /* Together */
        { "end_turn", WEIR_FINISH_STOP },
        { "stop_sequence", WEIR_FINISH_STOP_SEQUENCE },
        { "length", WEIR_FINISH_LENGTH },
        { "max_tokens", WEIR_FINISH_LENGTH },
        { "model_length", WEIR_FINISH_LENGTH }, /* Mistral */
        { "tool_calls", WEIR_FINISH_TOOL_CALLS },
        { "function_call", WEIR_FINISH_FUNCTION_CALL },
        { "content_filter", WEIR_FINISH_CONTENT_FILTER },
        { "refusal", WEIR_FINISH_REFUSAL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_json_is(doc, reason, table[i].raw))
            return table[i].reason;
    }
    return WEIR_FINISH_UNKNOWN;
}

/* The number of a word, which is kept if it is new. */
static uint16_t decode_word(struct oai_decoder *d, weir_str raw)
{
    uint8_t len = (uint8_t)(raw.len < OAI_REASON_MAX ? raw.len : OAI_REASON_MAX);
    uint16_t i = 0;

    while (i < OAI_WORDS && d->words[i].len) {
        if (d->words[i].len == len && memcmp(d->words[i].text, raw.ptr, len) == 0)
            return (uint16_t)(i + 1);
        i++;
    }
    if (i == OAI_WORDS || !len)
        return 0;
    d->words[i].len = len;
    memcpy(d->words[i].text, raw.ptr, len);
    return (uint16_t)(i + 1);
}

static weir_str decode_word_of(const struct oai_decoder *d, uint16_t number)
{
    return number ? weir_str_make(d->words[number - 1].text, d->words[number - 1].len)
                  : oai_nothing;
}

static weir_result decode_end(struct oai_reading *r, uint32_t reason)
{
    weir_str raw = weir_json_inner(r->doc, reason);
    bool is_string = weir_json_is_string(r->doc, reason);

    if (is_string && (weir_str_is(raw, "error") ||                         /* OpenRouter */
                      weir_str_is(raw, "insufficient_system_resource"))) { /* DeepSeek */
        weir_failure f = weir_failure_make(weir_str_is(raw, "error") ? WEIR_CLASS_SERVER_ERROR
                                                                     : WEIR_CLASS_OVERLOADED,
                                           r->d->status, WEIR_S("the model stopped with an error"));

        f.code = raw;
        r->d->failed = 1;
        return weir_emit_error(r->out, &f);
    }
    /* An empty reason in a stream is none. A whole answer ends here, told why or not. */
    if (!r->d->whole && (!is_string || !raw.len))
        return WEIR_OK;
    r->choice->ended = 1;
    r->plain = false;
    if (!is_string)
        return WEIR_OK;
    r->choice->reason = decode_reason(r->doc, reason);
    r->choice->word = decode_word(r->d, raw);
    return WEIR_OK;
}

/* Nothing comes after the end of a choice. OpenRouter, for Gemini, ends one after a call and again,
 * for another reason, with a little text: such an event takes the first end back. */
static void decode_go_on(struct oai_reading *r, uint32_t reason)
{
    bool is_string = weir_json_is_string(r->doc, reason);
    weir_str raw = weir_json_inner(r->doc, reason);

    if (!r->choice->ended || !is_string || !raw.len || decode_word(r->d, raw) == r->choice->word)
        return;
    r->choice->ended = 0;
}

/* What makes a choice none: the type of something that it cannot be read without. NULL: nothing. */
static const char *decode_choice_fault(const weir_json *doc, uint32_t choice)
{
    const unsigned object = 1u << WEIR_JSON_OBJECT;

    if (!weir_json_is_object(doc, choice))
        return "a choice of the answer is no object";
    if (!oai_is_or_null(doc, weir_json_find(doc, choice, "delta"), object) ||
        !oai_is_or_null(doc, weir_json_find(doc, choice, "message"), object))
        return "a message of the answer is no object";
    if (!oai_is_or_null(doc, weir_json_find(doc, choice, "index"), 1u << WEIR_JSON_NUMBER))
        return "the index of a choice is no number";
    if (!oai_is_or_null(doc, weir_json_find(doc, choice, "finish_reason"), 1u << WEIR_JSON_STRING))
        return "a finish_reason of the answer is no string";
    return NULL;
}

/* Room for the other choices, once there is more than one. */
static bool decode_more_choices(struct oai_reading *r)
{
    size_t size = (OAI_CHOICES - 1) * sizeof(struct oai_choice);
    void *room = r->x->keep.alloc(r->x->keep.owner, size);

    r->d->others = (struct oai_choice *)room;
    if (room)
        memset(room, 0, size);
    return room != NULL;
}

static weir_result decode_choice(struct oai_reading *r, uint32_t choice)
{
    const char *fault = decode_choice_fault(r->doc, choice);
    const weir_json *doc = r->doc;
    uint32_t delta = weir_json_find(doc, choice, "delta");
    uint32_t first;
    int64_t number = 0;

    if (fault)
        return oai_emit_protocol(r->d, fault, r->out);
    if (r->d->whole || !weir_json_is_object(doc, delta)) {
        uint32_t message = weir_json_find(doc, choice, "message");
        delta = weir_json_is_object(doc, message) ? message : delta;
    }
    weir_json_int64(doc, weir_json_find(doc, choice, "index"), &number);
    if (number < 0 || number >= OAI_CHOICES)
        return oai_emit_protocol(r->d, "the answer has a choice with an impossible index", r->out);
    if (number && !r->d->others && !decode_more_choices(r))
        return WEIR_NO_MEMORY;
    r->number = (int32_t)number;
    r->choice = oai_choice(r->d, r->number);
    r->choice->seen = 1;
    if (r->d->choice_count <= number)
        r->d->choice_count = (uint16_t)(number + 1);

    decode_go_on(r, weir_json_find(doc, choice, "finish_reason"));

    /* The first unknown member travels with the content, further ones behind it. */
    first = decode_first_extra(doc, choice, decode_knows_choice);
    r->extra = first == WEIR_JSON_NONE ? oai_nothing : decode_member(doc, first, first + 1);
    WEIR_TRY(decode_delta(r, delta));
    if (r->d->failed)
        return WEIR_OK;
    WEIR_TRY(decode_extras(r, choice, decode_knows_choice, r->extra.len ? WEIR_JSON_NONE : first));
    r->extra = oai_nothing;
    WEIR_TRY(decode_extras(r, delta, decode_knows_delta, WEIR_JSON_NONE));
    return decode_end(r, weir_json_find(doc, choice, "finish_reason"));
}

/* Top-level members that are not told with the start. */
static bool decode_knows_top(const weir_json *doc, uint32_t key)
{
    static const weir_str known[] = { { "id", 2 },           { "object", 6 },  { "created", 7 },
                                      { "model", 5 },        { "choices", 7 }, { "usage", 5 },
                                      { "obfuscation", 11 }, { "p", 1 },       { "error", 5 } };

    return weir_json_key_in(doc, key, known, sizeof(known) / sizeof(known[0]));
}

static weir_result decode_start(struct oai_reading *r)
{
    const weir_json *doc = r->doc;
    weir_str extra;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        if (weir_json_key_is(doc, key, "created", 7) && weir_json_is_number(doc, value))
            weir_write_raw(&w, decode_member(doc, key, value));
        if (!decode_knows_top(doc, key) && !decode_says_nothing(doc, value))
            weir_write_raw(&w, decode_member(doc, key, value));
    }
    WEIR_TRY(weir_writer_finish(&w, &extra));
    r->d->started = 1;
    return weir_emit_start(r->out, weir_json_str(doc, weir_json_find(doc, 0, "id"), &r->x->arena),
                           weir_json_str(doc, weir_json_find(doc, 0, "model"), &r->x->arena),
                           extra);
}

/* Whether a chunk that was one piece of text is followed by others like it, and how to know them.
 */
static void decode_remember(struct oai_reading *r, uint32_t choices)
{
    uint32_t noise = weir_json_find(r->doc, 0, "obfuscation");

    if (!r->plain || !r->text || weir_json_count(r->doc, choices) != 1)
        return;
    r->d->text_token = r->text;
    r->d->text_choice = (uint16_t)r->number;
    r->d->noise_token = weir_json_is_string(r->doc, noise) ? noise : 0;
}

bool oai_decode_again(struct oai_decoder *d, const weir_frame *frame, const weir_events *out,
                      weir_result *result)
{
    const struct oai_choice *c = oai_choice(d, d->text_choice);
    weir_text text;

    if (!frame->alike || !d->text_token)
        return false;
    for (uint32_t i = 0; i < frame->changed_count; i++) {
        if (frame->changed[i] != d->text_token && frame->changed[i] != d->noise_token)
            return false;
    }
    text = weir_json_text(frame->json, d->text_token);
    *result = text.len ? weir_emit_delta(out, d->text_choice, c->open, c->kind, text, oai_nothing)
                       : WEIR_OK;
    return true;
}

weir_result oai_decode_chunk(struct oai_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t choices = weir_json_find(doc, 0, "choices");
    uint32_t usage = weir_json_find(doc, 0, "usage");
    weir_usage numbers;

    if (!weir_json_is_object(doc, 0))
        return oai_emit_protocol(r->d, "the answer is not a JSON object", r->out);
    if (!oai_is_or_null(doc, choices, 1u << WEIR_JSON_ARRAY))
        return oai_emit_protocol(r->d, "the choices of the answer are no array", r->out);
    if (r->d->whole && weir_json_count(doc, choices) == 0)
        return oai_emit_protocol(r->d, "the answer has no choices", r->out);
    r->plain = r->d->started;
    if (!r->d->started)
        WEIR_TRY(decode_start(r));
    WEIR_JSON_EACH_ITEM(doc, choices, choice)
    {
        WEIR_TRY(decode_choice(r, choice));
        if (r->d->failed)
            return WEIR_OK;
    }
    if (!weir_json_is_object(doc, usage)) /* Groq */
        usage = weir_json_find(doc, weir_json_find(doc, 0, "x_groq"), "usage");
    if (oai_usage_read(doc, usage, &numbers))
        return weir_emit_usage(r->out, &numbers);
    decode_remember(r, choices);
    return WEIR_OK;
}

weir_result oai_decode_finish(struct oai_reading *r)
{
    struct oai_decoder *d = r->d;

    if (oai_calls_pending(d))
        return oai_emit_protocol(d, "a tool call came without a name", r->out);
    for (uint16_t i = 0; i < d->choice_count; i++) {
        r->number = i;
        r->choice = oai_choice(d, i);
        WEIR_TRY(oai_block_close(r));
    }
    WEIR_TRY(oai_calls_end(r));
    d->over = 1;
    for (uint16_t i = 0; i < d->choice_count; i++) {
        const struct oai_choice *c = oai_choice(d, i);
        uint16_t reason = c->reason;

        if (!c->seen)
            continue;
        /* Asked for one certain tool, OpenAI says "stop"; some vendors always do. */
        if (c->called && reason == WEIR_FINISH_STOP)
            reason = WEIR_FINISH_TOOL_CALLS;
        WEIR_TRY(weir_emit_finish(r->out, i, reason, decode_word_of(d, c->word)));
    }
    return WEIR_OK;
}
