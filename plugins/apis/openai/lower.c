/*
 * lower.c - canonical messages in OpenAI's plain form.
 *
 * Only messages that hold an extension are written anew: an assistant's ordered content is divided
 * into `content`, `tool_calls` and, where the vendor takes it, reasoning; is_error and
 * cache_control are left out. So is reasoning that another provider signed or encrypted, also of a
 * request that is in this API already. What is left out is told.
 */
#include "openai.h"

#include <weir/sdk/blocks.h>
#include <weir/sdk/sink.h>

/* A message that is being looked at. */
struct lower {
    const struct oai_config *cfg;
    const weir_exchange *x;
    const weir_json *doc;
    const weir_http_sink *out;
    uint32_t message;
    uint32_t number; /* of the message */
};

static weir_result lower_dropped(const struct lower *l, const char *what, const char *why)
{
    char number[WEIR_NUMBER_ROOM];
    weir_str parts[4] = { WEIR_S("/messages/"), WEIR_S(""), WEIR_S("/"), weir_str_of(what) };
    weir_str pointer;

    parts[1] = weir_str_make(number, weir_number_print_uint64(number, l->number));
    pointer = weir_str_join(&l->x->arena, parts, 4);
    if (!pointer.ptr)
        return WEIR_NO_MEMORY;
    return l->out->dropped(l->out->ctx, pointer, weir_str_of(why));
}

static bool lower_is_assistant(const weir_json *doc, uint32_t message)
{
    return weir_json_is(doc, weir_json_find(doc, message, "role"), "assistant");
}

/* Whether a part of an assistant's content is one that OpenAI does not have there. */
static bool lower_is_ordered(const weir_json *doc, uint32_t part)
{
    uint32_t type = weir_json_find(doc, part, "type");
    return !weir_json_is(doc, type, "text") && !weir_json_is(doc, type, "refusal");
}

static bool lower_is_result(const weir_json *doc, uint32_t message)
{
    uint32_t role = weir_json_find(doc, message, "role");
    return weir_json_is(doc, role, "tool") || weir_json_is(doc, role, "function");
}

/* A part that stands behind the results of tools: in them OpenAI takes nothing but text. */
static bool lower_is_lifted(const weir_json *doc, uint32_t part)
{
    return weir_json_is_object(doc, part) && lower_is_ordered(doc, part) &&
           weir_json_find(doc, part, "api") == WEIR_JSON_NONE;
}

static bool lower_lifts(const weir_json *doc, uint32_t message)
{
    if (!lower_is_result(doc, message))
        return false;
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, message, "content"), part)
    {
        if (lower_is_lifted(doc, part))
            return true;
    }
    return false;
}

/* Whether content is left when all has gone that cannot stay. */
static bool lower_has_content(const weir_json *doc, uint32_t message)
{
    uint32_t content = weir_json_find(doc, message, "content");
    bool result = lower_is_result(doc, message);

    WEIR_JSON_EACH_ITEM(doc, content, part)
    {
        if (weir_json_find(doc, part, "api") == WEIR_JSON_NONE &&
            !(result && lower_is_lifted(doc, part)))
            return true;
    }
    return weir_json_is_string(doc, content);
}

/* OpenAI lets an assistant be silent that calls, refuses or speaks. */
static bool lower_may_lack(const weir_json *doc, uint32_t message)
{
    return lower_is_assistant(doc, message) &&
           (weir_json_count(doc, weir_json_find(doc, message, "tool_calls")) ||
            weir_json_is_string(doc, weir_json_find(doc, message, "refusal")) ||
            weir_json_is_object(doc, weir_json_find(doc, message, "function_call")) ||
            weir_json_is_object(doc, weir_json_find(doc, message, "audio")));
}

static bool lower_needed(const weir_json *doc, uint32_t message)
{
    uint32_t content = weir_json_find(doc, message, "content");
    bool assistant = lower_is_assistant(doc, message);

    if (weir_json_find(doc, message, "is_error") != WEIR_JSON_NONE ||
        weir_json_find(doc, message, "cache_control") != WEIR_JSON_NONE ||
        weir_json_find(doc, message, "vendor") != WEIR_JSON_NONE ||
        (assistant && weir_json_find(doc, message, "reasoning_content") != WEIR_JSON_NONE))
        return true;
    if (lower_lifts(doc, message) ||
        (!lower_has_content(doc, message) && !lower_may_lack(doc, message)))
        return true;
    WEIR_JSON_EACH_ITEM(doc, content, part)
    {
        if (weir_json_find(doc, part, "cache_control") != WEIR_JSON_NONE ||
            weir_json_find(doc, part, "vendor") != WEIR_JSON_NONE ||
            weir_json_find(doc, part, "api") != WEIR_JSON_NONE ||
            (assistant && weir_json_find(doc, part, "annotations") != WEIR_JSON_NONE) ||
            (assistant && lower_is_ordered(doc, part)))
            return true;
    }
    return false;
}

/* Opaque reasoning (OpenRouter) that another provider made. */
static bool lower_has_foreign(const struct lower *l, uint32_t message)
{
    return l->x->foreign && weir_json_find(l->doc, message, "reasoning_details") != WEIR_JSON_NONE;
}

/* A developer is the system to all but OpenAI. */
static bool lower_is_developer(const struct lower *l, uint32_t message)
{
    return !l->x->native &&
           weir_json_is(l->doc, weir_json_find(l->doc, message, "role"), "developer") &&
           oai_is_classic(l->cfg, l->x);
}

static bool lower_wanted(const struct lower *l, uint32_t message)
{
    return (!l->x->native && lower_needed(l->doc, message)) || lower_has_foreign(l, message) ||
           lower_is_developer(l, message);
}

/* A string of several pieces of text. */
static void lower_write_joined(weir_writer *w, const struct lower *l, uint16_t kind)
{
    weir_blocks blocks = weir_blocks_of(l->doc, l->message);
    weir_message_block b;

    weir_write_comma(w);
    weir_write_byte(w, '"');
    while (weir_blocks_next(&blocks, &b)) {
        if (b.kind != kind)
            continue;
        if (b.text.form == WEIR_FORM_JSON)
            weir_write_bytes(w, b.text.ptr, b.text.len);
        else
            weir_write_escaped(w, b.text.ptr, b.text.len);
    }
    weir_write_byte(w, '"');
}

static void lower_write_calls(weir_writer *w, const struct lower *l)
{
    weir_blocks blocks = weir_blocks_of(l->doc, l->message);
    weir_message_block b;

    weir_write_key(w, "tool_calls");
    weir_write_begin_array(w);
    while (weir_blocks_next(&blocks, &b)) {
        if (b.kind != WEIR_BLOCK_TOOL_CALL)
            continue;
        weir_write_begin_object(w);
        weir_write_key(w, "id");
        weir_write_text(w, b.id);
        weir_write_key(w, "type");
        weir_write_literal(w, b.custom ? "custom" : "function");
        weir_write_key(w, b.custom ? "custom" : "function");
        weir_write_begin_object(w);
        weir_write_key(w, "name");
        weir_write_text(w, b.name);
        weir_write_key(w, b.custom ? "input" : "arguments");
        weir_write_text(w, b.text);
        weir_write_end_object(w);
        weir_write_end_object(w);
    }
    weir_write_end_array(w);
}

/* How many blocks of each kind a message has. */
static void lower_count(const struct lower *l, uint32_t counts[16])
{
    weir_blocks blocks = weir_blocks_of(l->doc, l->message);
    weir_message_block b;

    memset(counts, 0, 16 * sizeof(counts[0]));
    while (weir_blocks_next(&blocks, &b))
        counts[b.kind < 16 ? b.kind : 0]++;
}

static weir_result lower_assistant(const struct lower *l, weir_writer *w)
{
    uint32_t n[16];
    uint32_t other = 0;

    lower_count(l, n);
    weir_write_key(w, "content");
    if (n[WEIR_BLOCK_TEXT])
        lower_write_joined(w, l, WEIR_BLOCK_TEXT);
    else if (n[WEIR_BLOCK_REFUSAL] || n[WEIR_BLOCK_TOOL_CALL] || lower_may_lack(l->doc, l->message))
        weir_write_null(w);
    else
        weir_write_literal(w, "");
    if (n[WEIR_BLOCK_REFUSAL]) {
        weir_write_key(w, "refusal");
        lower_write_joined(w, l, WEIR_BLOCK_REFUSAL);
    }
    if (n[WEIR_BLOCK_TOOL_CALL])
        lower_write_calls(w, l);
    if (n[WEIR_BLOCK_REASONING] && l->cfg->reasoning_field[0]) {
        weir_write_key(w, l->cfg->reasoning_field);
        lower_write_joined(w, l, WEIR_BLOCK_REASONING);
    } else if (n[WEIR_BLOCK_REASONING]) {
        WEIR_TRY(lower_dropped(l, "content", "earlier reasoning is not sent to this vendor"));
    }
    for (uint16_t kind = 0; kind < 16; kind++) {
        if (kind != WEIR_BLOCK_TEXT && kind != WEIR_BLOCK_REFUSAL && kind != WEIR_BLOCK_TOOL_CALL &&
            kind != WEIR_BLOCK_REASONING)
            other += n[kind];
    }
    if (other)
        return lower_dropped(l, "content", "the OpenAI API has no such blocks in an answer");
    return WEIR_OK;
}

/* A part as it is, but for the extensions. */
static void lower_write_part(const struct lower *l, weir_writer *w, uint32_t part)
{
    if (!weir_json_is_object(l->doc, part)) {
        weir_write_value(w, l->doc, part);
        return;
    }
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(l->doc, part, key, value)
    {
        if (weir_json_is(l->doc, key, "cache_control") || weir_json_is(l->doc, key, "vendor"))
            continue;
        weir_write_key_text(w, weir_json_text(l->doc, key));
        weir_write_value(w, l->doc, value);
    }
    weir_write_end_object(w);
}

/* The content of a message that is not an assistant's. */
static void lower_write_content(const struct lower *l, weir_writer *w, uint32_t content)
{
    bool result = lower_is_result(l->doc, l->message);

    if (!lower_has_content(l->doc, l->message)) {
        weir_write_literal(w, "");
        return;
    }
    if (!weir_json_is_array(l->doc, content)) {
        weir_write_value(w, l->doc, content);
        return;
    }
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(l->doc, content, part)
    {
        if (weir_json_find(l->doc, part, "api") == WEIR_JSON_NONE && /* told by lower_tell */
            !(result && lower_is_lifted(l->doc, part)))
            lower_write_part(l, w, part);
    }
    weir_write_end_array(w);
}

/* What results from `first` on hold beside text, as a message of the user behind them. `end`: the
 * message after the last one, or NONE. */
static void lower_write_lifted(const struct lower *l, weir_writer *w, uint32_t messages,
                               uint32_t first, uint32_t end)
{
    bool open = false;

    for (uint32_t m = first; m != end && m != WEIR_JSON_NONE;
         m = weir_json_next(l->doc, messages, m)) {
        WEIR_JSON_EACH_ITEM(l->doc, weir_json_find(l->doc, m, "content"), part)
        {
            if (!lower_is_lifted(l->doc, part))
                continue;
            if (!open) {
                weir_write_begin_object(w);
                weir_write_key(w, "role");
                weir_write_literal(w, "user");
                weir_write_key(w, "content");
                weir_write_begin_array(w);
            }
            open = true;
            lower_write_part(l, w, part);
        }
    }
    if (!open)
        return;
    weir_write_end_array(w);
    weir_write_end_object(w);
}

/* Members that are extensions, or that lower_assistant has written. */
static bool lower_skips(const struct lower *l, uint32_t key, bool assistant)
{
    static const char *const written[] = { "content", "refusal", "tool_calls",
                                           "reasoning_content" };

    if (l->x->foreign && weir_json_is(l->doc, key, "reasoning_details"))
        return true;
    if (l->x->native)
        return false;
    if (weir_json_is(l->doc, key, "vendor") || weir_json_is(l->doc, key, "is_error") ||
        weir_json_is(l->doc, key, "cache_control"))
        return true;
    for (size_t i = 0; assistant && i < sizeof(written) / sizeof(written[0]); i++) {
        if (weir_json_is(l->doc, key, written[i]))
            return true;
    }
    return false;
}

/* What is left out of the parts, and of the message itself. */
static weir_result lower_tell(const struct lower *l)
{
    uint32_t content = weir_json_find(l->doc, l->message, "content"), number = 0;
    bool assistant = lower_is_assistant(l->doc, l->message);
    weir_str at = oai_at(l->x, WEIR_S(""), "messages", l->number);

    if (!at.ptr)
        return WEIR_NO_MEMORY;
    WEIR_TRY(oai_drop_extensions(l->x, l->out, at, l->message, NULL));
    WEIR_JSON_EACH_ITEM(l->doc, content, part)
    {
        weir_str place = oai_at(l->x, at, "content", number++);

        if (!place.ptr)
            return WEIR_NO_MEMORY;
        WEIR_TRY(oai_drop_extensions(l->x, l->out, place, part, NULL));
        if (weir_json_find(l->doc, part, "api") != WEIR_JSON_NONE)
            WEIR_TRY(oai_drop_foreign_part(l->x, l->out, place, part));
        else if (assistant)
            WEIR_TRY(oai_drop_unwritten(l->x, l->out, place, part));
    }
    return WEIR_OK;
}

static weir_result lower_message(const struct lower *l, weir_writer *w)
{
    const weir_json *doc = l->doc;
    bool assistant = !l->x->native && lower_is_assistant(doc, l->message);
    bool is_error = false;

    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, l->message, key, value)
    {
        if (lower_skips(l, key, assistant))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        if (weir_json_is(doc, key, "role") && lower_is_developer(l, l->message))
            weir_write_literal(w, "system");
        else if (!l->x->native && weir_json_is(doc, key, "content"))
            lower_write_content(l, w, value);
        else
            weir_write_value(w, doc, value);
    }
    if (assistant) {
        WEIR_TRY(lower_assistant(l, w));
    } else if (!l->x->native && weir_json_find(doc, l->message, "content") == WEIR_JSON_NONE) {
        weir_write_key(w, "content");
        weir_write_literal(w, "");
    }
    weir_write_end_object(w);
    if (lower_has_foreign(l, l->message))
        WEIR_TRY(lower_dropped(l, "reasoning_details", "another provider made it"));
    if (!l->x->native)
        WEIR_TRY(lower_tell(l));
    weir_json_bool(doc, weir_json_find(doc, l->message, "is_error"), &is_error);
    if (is_error && !l->x->native)
        return lower_dropped(l, "is_error", "the OpenAI API does not mark failed tools");
    return WEIR_OK;
}

weir_result oai_lower_messages(const struct oai_config *cfg, const weir_exchange *x,
                               const weir_http_sink *out, weir_str *json)
{
    const weir_json *doc = x->request;
    uint32_t messages = weir_json_find(doc, 0, "messages");
    struct lower l = { cfg, x, doc, out, 0, 0 };
    uint32_t results = WEIR_JSON_NONE; /* the first of those that came just now */
    bool needed = false;
    weir_writer w;

    *json = weir_str_make("", 0);
    WEIR_JSON_EACH_ITEM(doc, messages, message)
    {
        needed = needed || lower_wanted(&l, message);
    }
    if (!needed)
        return WEIR_OK;
    weir_writer_init(&w, &x->arena, weir_json_raw(doc, messages).len + 256);
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, messages, item)
    {
        l.message = item;
        if (!x->native && !lower_is_result(doc, item)) {
            lower_write_lifted(&l, &w, messages, results, item);
            results = WEIR_JSON_NONE;
        } else if (!x->native && results == WEIR_JSON_NONE) {
            results = item;
        }
        if (lower_wanted(&l, item))
            WEIR_TRY(lower_message(&l, &w));
        else
            weir_write_value(&w, doc, item);
        l.number++;
    }
    lower_write_lifted(&l, &w, messages, results, WEIR_JSON_NONE);
    weir_write_end_array(&w);
    return weir_writer_finish(&w, json);
}
