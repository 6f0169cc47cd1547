/*
 * opaque.c - state of other vendors that travels through chat messages: reasoning_details, as
 * OpenRouter has them, and extra_content of a call, as Google has it. Written from what decoders
 * tell of blocks, and read back into ordered messages.
 */
#include "openai.h"

#include <weir/sdk/blocks.h>

/* -- Writing ---------------------------------------------------------------------------------- */

int64_t oai_created(const weir_dialect_config *cfg, const weir_exchange *x, weir_str extra)
{
    int64_t created = -1;
    weir_json doc;

    if (weir_str_mentions(extra, "\"created\"") && weir_extra_scan(cfg, &x->arena, extra, &doc))
        weir_json_int64(&doc, weir_json_find(&doc, 0, "created"), &created);
    return created > 0 ? created : x->unix_us / 1000000;
}

static void detail_member(weir_writer *w, const weir_json *doc, const char *from, const char *to)
{
    uint32_t value = weir_json_find(doc, 0, from);

    if (!weir_json_is_string(doc, value))
        return;
    weir_write_key(w, to);
    weir_write_value(w, doc, value);
}

static void detail_encrypted(weir_writer *w, const weir_json *doc, const char *from)
{
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "reasoning.encrypted");
    detail_member(w, doc, from, "data");
    if (*from == 'e')
        detail_member(w, doc, "item_id", "id");
    weir_write_end_object(w);
}

bool oai_has_details(weir_str extra)
{
    return weir_str_mentions(extra, "\"signature\"") ||
           weir_str_mentions(extra, "\"encrypted_content\"") ||
           weir_str_mentions(extra, "\"redacted_data\"");
}

void oai_write_details(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                       weir_str extra, const weir_text *text)
{
    weir_json doc;

    if (!oai_has_details(extra) || !weir_extra_scan(cfg, &x->arena, extra, &doc))
        return;
    if (weir_json_is_string(&doc, weir_json_find(&doc, 0, "signature"))) {
        weir_write_begin_object(w);
        weir_write_key(w, "type");
        weir_write_literal(w, "reasoning.text");
        if (text) {
            weir_write_key(w, "text");
            weir_write_text(w, *text);
        }
        detail_member(w, &doc, "signature", "signature");
        weir_write_end_object(w);
    }
    if (weir_json_is_string(&doc, weir_json_find(&doc, 0, "encrypted_content")))
        detail_encrypted(w, &doc, "encrypted_content");
    if (weir_json_is_string(&doc, weir_json_find(&doc, 0, "redacted_data")))
        detail_encrypted(w, &doc, "redacted_data");
}

bool oai_write_thought(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                       weir_str extra)
{
    uint32_t signature;
    weir_json doc;

    if (!weir_str_mentions(extra, "\"thought_signature\"") ||
        !weir_extra_scan(cfg, &x->arena, extra, &doc))
        return false;
    signature = weir_json_find(&doc, 0, "thought_signature");
    if (!weir_json_is_string(&doc, signature))
        return false;
    weir_write_key(w, "extra_content");
    weir_write_begin_object(w);
    weir_write_key(w, "google");
    weir_write_begin_object(w);
    weir_write_key(w, "thought_signature");
    weir_write_value(w, &doc, signature);
    weir_write_end_object(w);
    weir_write_end_object(w);
    return true;
}

/* -- Reading ---------------------------------------------------------------------------------- */

static uint32_t raise_thought(const weir_json *doc, uint32_t call)
{
    return weir_json_path(doc, call, "extra_content.google.thought_signature");
}

static bool raise_needed(const weir_json *doc, uint32_t message)
{
    if (!weir_json_is(doc, weir_json_find(doc, message, "role"), "assistant"))
        return false;
    if (weir_json_count(doc, weir_json_find(doc, message, "reasoning_details")))
        return true;
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, message, "tool_calls"), call)
    {
        if (weir_json_is_string(doc, raise_thought(doc, call)))
            return true;
    }
    return false;
}

static void raise_member(weir_writer *w, const weir_json *doc, uint32_t object, const char *from,
                         const char *to)
{
    uint32_t value = weir_json_find(doc, object, from);

    if (!weir_json_is_string(doc, value))
        return;
    weir_write_key(w, to);
    weir_write_value(w, doc, value);
}

/* The reasoning of a message: what details say, with the text that stands beside them where they
 * have none of their own. */
static void raise_reasoning(weir_writer *w, const weir_json *doc, uint32_t message)
{
    uint32_t details = weir_json_find(doc, message, "reasoning_details");
    uint32_t text = weir_json_find(doc, message, "reasoning_content");
    bool beside = true;

    if (!weir_json_is_string(doc, text))
        text = weir_json_find(doc, message, "reasoning");
    WEIR_JSON_EACH_ITEM(doc, details, detail)
    {
        beside = beside && weir_json_find(doc, detail, "text") == WEIR_JSON_NONE &&
                 weir_json_find(doc, detail, "summary") == WEIR_JSON_NONE;
    }
    if (!weir_json_count(doc, details) && weir_json_is_string(doc, text)) {
        weir_write_begin_object(w);
        weir_write_key(w, "type");
        weir_write_literal(w, "reasoning");
        weir_write_key(w, "text");
        weir_write_text(w, weir_json_text(doc, text));
        weir_write_end_object(w);
        return;
    }
    WEIR_JSON_EACH_ITEM(doc, details, detail)
    {
        bool known = weir_json_is_string(doc, weir_json_find(doc, detail, "id"));
        uint32_t own = weir_json_find(doc, detail, "text");

        if (!weir_json_is_string(doc, own))
            own = weir_json_find(doc, detail, "summary");
        if (beside)
            own = text;
        beside = false;
        weir_write_begin_object(w);
        weir_write_key(w, "type");
        weir_write_literal(w, "reasoning");
        weir_write_key(w, "text");
        weir_write_text(w, weir_json_text(doc, own));
        raise_member(w, doc, detail, "signature", "signature");
        raise_member(w, doc, detail, "data", known ? "encrypted_content" : "redacted_data");
        if (known && weir_json_is_string(doc, weir_json_find(doc, detail, "data")))
            raise_member(w, doc, detail, "id", "item_id");
        weir_write_end_object(w);
    }
}

static void raise_block(weir_writer *w, const weir_json *doc, const weir_message_block *b)
{
    uint32_t thought = raise_thought(doc, b->token);

    if (b->kind != WEIR_BLOCK_TOOL_CALL && weir_json_is_object(doc, b->token)) {
        weir_write_value(w, doc, b->token);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    if (b->kind != WEIR_BLOCK_TOOL_CALL) {
        weir_write_literal(w, b->kind == WEIR_BLOCK_REFUSAL ? "refusal" : "text");
        weir_write_key(w, b->kind == WEIR_BLOCK_REFUSAL ? "refusal" : "text");
        weir_write_text(w, b->text);
    } else {
        weir_write_literal(w, "tool_call");
        weir_write_key(w, "id");
        weir_write_text(w, b->id);
        weir_write_key(w, "name");
        weir_write_text(w, b->name);
        weir_write_key(w, "arguments");
        weir_write_text(w, b->text);
        if (b->custom) {
            weir_write_key(w, "custom");
            weir_write_bool(w, true);
        }
        if (weir_json_is_string(doc, thought)) {
            weir_write_key(w, "thought_signature");
            weir_write_value(w, doc, thought);
        }
    }
    weir_write_end_object(w);
}

static void raise_message(weir_writer *w, const weir_json *doc, uint32_t message)
{
    static const char *const written[] = { "content",           "refusal",   "tool_calls",
                                           "reasoning_content", "reasoning", "reasoning_details" };
    weir_blocks blocks = weir_blocks_of(doc, message);
    weir_message_block b;

    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, message, key, value)
    {
        bool skip = false;

        for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
            skip = skip || weir_json_is(doc, key, written[i]);
        if (skip)
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    weir_write_key(w, "content");
    weir_write_begin_array(w);
    raise_reasoning(w, doc, message);
    while (weir_blocks_next(&blocks, &b)) {
        if (b.kind != WEIR_BLOCK_REASONING)
            raise_block(w, doc, &b);
    }
    weir_write_end_array(w);
    weir_write_end_object(w);
}

weir_result oai_raise_messages(const weir_json *doc, const weir_arena *arena, weir_str *json)
{
    uint32_t messages = weir_json_find(doc, 0, "messages");
    bool needed = false;
    weir_writer w;

    *json = weir_str_make("", 0);
    WEIR_JSON_EACH_ITEM(doc, messages, message)
    {
        needed = needed || raise_needed(doc, message);
    }
    if (!needed)
        return WEIR_OK;
    weir_writer_init(&w, arena, weir_json_raw(doc, messages).len + 256);
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, messages, item)
    {
        if (raise_needed(doc, item))
            raise_message(&w, doc, item);
        else
            weir_write_value(&w, doc, item);
    }
    weir_write_end_array(&w);
    return weir_writer_finish(&w, json);
}
