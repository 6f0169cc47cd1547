/*
 * encode_message.c - canonical messages as Ollama's: text in one string, images beside it as bare
 * base64, thinking, calls whose arguments are objects, and results that name their tool.
 *
 * Order inside a message is lost: Ollama has none.
 */
#include "ollama.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/blocks.h>
#include <weir/sdk/media.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* How many parts or calls are looked through for one: a search for each of very many must not take
 * for ever. What is behind them is told or named less exactly. */
enum { MESSAGE_LOOKS = 256 };

void olm_message_at(struct olm_message *r, uint32_t message, uint32_t index)
{
    r->message = message;
    r->number = weir_str_make(r->digits, weir_number_print_uint64(r->digits, index));
}

static weir_result message_dropped(const struct olm_message *r, const char *member, const char *why)
{
    weir_str parts[3] = { WEIR_S("messages"), r->number, weir_str_of(member) };

    return olm_dropped(r->n, why, parts, 3);
}

/* Tells of a part of `content`. */
static weir_result message_part_dropped(const struct olm_message *r, uint32_t part, weir_str member,
                                        const char *why)
{
    const weir_json *doc = r->n->doc;
    weir_str parts[5] = { WEIR_S("messages"), r->number, WEIR_S("content"), WEIR_S(""), member };
    char digits[WEIR_NUMBER_ROOM];
    uint32_t index = 0;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, r->message, "content"), item)
    {
        if (index == MESSAGE_LOOKS)
            break;
        if (item == part) {
            parts[3] = weir_str_make(digits, weir_number_print_uint64(digits, index));
            return olm_dropped(r->n, why, parts, member.len ? 5 : 4);
        }
        index++;
    }
    return olm_dropped(r->n, why, parts, 3);
}

void olm_append_text(const struct olm_message *r, uint16_t kind, uint16_t other)
{
    weir_blocks blocks = weir_blocks_of(r->n->doc, r->message);
    weir_writer *w = &r->n->w;
    weir_message_block b;

    while (weir_blocks_next(&blocks, &b)) {
        if (b.kind != kind && b.kind != other)
            continue;
        if (b.text.form == WEIR_FORM_JSON)
            weir_write_bytes(w, b.text.ptr, b.text.len);
        else
            weir_write_escaped(w, b.text.ptr, b.text.len);
    }
}

/* All text of these kinds as one string. */
static void message_text(const struct olm_message *r, uint16_t kind, uint16_t other)
{
    weir_write_comma(&r->n->w);
    weir_write_byte(&r->n->w, '"');
    olm_append_text(r, kind, other);
    weir_write_byte(&r->n->w, '"');
}

static weir_result message_image(struct olm_message *r, const weir_message_block *b)
{
    const weir_json *doc = r->n->doc;
    weir_media m;

    if (!weir_media_read(doc, b->token, &m, &r->n->x->arena))
        return message_part_dropped(r, b->token, WEIR_S(""),
                                    "Ollama takes text and images, no files and no audio");
    if (m.kind != WEIR_MEDIA_IMAGE && weir_media_kind(m.type) != WEIR_MEDIA_IMAGE)
        return message_part_dropped(r, b->token, WEIR_S(""),
                                    "Ollama takes text and images, no files and no audio");
    if (!m.data.len)
        return message_part_dropped(r, b->token, WEIR_S(""),
                                    "Ollama takes images as bytes, not by their address");
    if (!r->images++) {
        weir_write_key(&r->n->w, "images");
        weir_write_begin_array(&r->n->w);
    }
    weir_write_string(&r->n->w, m.data);
    if (m.detail != WEIR_JSON_NONE && !weir_json_is_null(doc, m.detail) &&
        !weir_json_is(doc, m.detail, "auto"))
        return message_part_dropped(r, b->token, WEIR_S("image_url"),
                                    "Ollama knows no detail of images");
    return WEIR_OK;
}

weir_result olm_append_images(struct olm_message *r)
{
    weir_blocks blocks = weir_blocks_of(r->n->doc, r->message);
    weir_message_block b;
    const char *why;

    while (weir_blocks_next(&blocks, &b)) {
        switch (b.kind) {
        case WEIR_BLOCK_TEXT:
        case WEIR_BLOCK_REASONING:
        case WEIR_BLOCK_TOOL_CALL:
        case WEIR_BLOCK_REFUSAL:
            break;
        case WEIR_BLOCK_CITATION:
            WEIR_TRY(message_part_dropped(r, b.token, WEIR_S(""), "Ollama has no such blocks"));
            break;
        case WEIR_BLOCK_SERVER_TOOL:
        case WEIR_BLOCK_OPAQUE:
            why = weir_vendor_why(&r->n->x->arena, r->n->doc, b.token);
            WEIR_TRY(why ? message_part_dropped(r, b.token, WEIR_S(""), why) : WEIR_NO_MEMORY);
            break;
        default: /* images, and what may be one */
            WEIR_TRY(message_image(r, &b));
            break;
        }
    }
    return WEIR_OK;
}

void olm_end_images(struct olm_message *r)
{
    if (r->images)
        weir_write_end_array(&r->n->w);
    r->images = 0;
}

/* Members of parts that are read, or gone with the part. */
static bool message_knows_part(const weir_json *doc, uint32_t key)
{
    static const char *const known[] = { "type",   "text",  "image_url", "input_audio", "file",
                                         "source", "id",    "name",      "arguments",   "custom",
                                         "api",    "block", "refusal",   "vendor" };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (weir_json_is(doc, key, known[i]))
            return true;
    }
    return false;
}

static bool message_is_opaque(weir_str name)
{
    static const char *const opaque[] = { "signature", "redacted_data", "thought_signature",
                                          "encrypted_content", "item_id" };

    for (size_t i = 0; i < sizeof(opaque) / sizeof(opaque[0]); i++) {
        if (weir_str_is(name, opaque[i]))
            return true;
    }
    return false;
}

weir_result olm_drop_part_members(const struct olm_message *r)
{
    const weir_json *doc = r->n->doc;
    weir_str where[5] = { WEIR_S("messages"), r->number, WEIR_S("content"), WEIR_S(""),
                          WEIR_S("") };
    uint32_t index = 0;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, r->message, "content"), part)
    {
        char digits[WEIR_NUMBER_ROOM];

        where[3] = weir_str_make(digits, weir_number_print_uint64(digits, index++));
        WEIR_TRY(olm_drop_vendors_at(r->n, part, where, 4));
        WEIR_JSON_EACH_MEMBER(doc, part, key, value)
        {
            if (message_knows_part(doc, key) || olm_says_nothing(doc, value))
                continue;
            where[4] = weir_json_str(doc, key, &r->n->x->arena);
            WEIR_TRY(olm_dropped(r->n,
                                 message_is_opaque(where[4])
                                     ? "only the provider that made it can read it"
                                     : "Ollama has no such member",
                                 where, 5));
        }
    }
    return WEIR_OK;
}

/* -- Calls and their results ------------------------------------------------------------------ */

static weir_result message_call(struct olm_message *r, const weir_message_block *b)
{
    struct olm_encoding *n = r->n;
    weir_writer *w = &n->w;
    weir_str object;
    bool good = n->cfg->json && !b->custom &&
                weir_arguments_object(n->cfg->json, &n->x->arena, b->text, &object);

    weir_write_begin_object(w);
    if (b->id.len) {
        weir_write_key(w, "id");
        weir_write_text(w, b->id);
    }
    weir_write_key(w, "function");
    weir_write_begin_object(w);
    weir_write_key(w, "name");
    weir_write_text(w, b->name);
    weir_write_key(w, "arguments");
    if (good) {
        weir_write_raw(w, object);
    } else { /* free text has to stand in an object */
        weir_write_begin_object(w);
        weir_write_key(w, "input");
        weir_write_text(w, b->text);
        weir_write_end_object(w);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
    if (good)
        return WEIR_OK;
    return message_dropped(r, "tool_calls",
                           "arguments that are no JSON object are sent as {\"input\": ...}");
}

static uint32_t message_count(const struct olm_message *r, uint16_t kind)
{
    weir_blocks blocks = weir_blocks_of(r->n->doc, r->message);
    weir_message_block b;
    uint32_t count = 0;

    while (weir_blocks_next(&blocks, &b))
        count += b.kind == kind;
    return count;
}

static weir_result message_calls(struct olm_message *r)
{
    weir_blocks blocks = weir_blocks_of(r->n->doc, r->message);
    uint32_t count = message_count(r, WEIR_BLOCK_TOOL_CALL);
    uint32_t old = weir_json_find(r->n->doc, r->message, "function_call");
    weir_message_block b;

    if (!count && !weir_json_is_object(r->n->doc, old))
        return WEIR_OK;
    weir_write_key(&r->n->w, "tool_calls");
    weir_write_begin_array(&r->n->w);
    while (weir_blocks_next(&blocks, &b)) {
        if (b.kind == WEIR_BLOCK_TOOL_CALL)
            WEIR_TRY(message_call(r, &b));
    }
    if (!count) { /* the old spelling */
        weir_block_read_call(r->n->doc, old, &b);
        WEIR_TRY(message_call(r, &b));
    }
    weir_write_end_array(&r->n->w);
    r->callers[r->caller_count++ % OLM_CALLERS] = r->message;
    return WEIR_OK;
}

/* The name of the call with that id, or empty. */
static weir_text message_tool_name(const struct olm_message *r, weir_text id)
{
    uint32_t count = r->caller_count < OLM_CALLERS ? r->caller_count : OLM_CALLERS;

    for (uint32_t i = 1; i <= count; i++) {
        uint32_t caller = r->callers[(r->caller_count - i) % OLM_CALLERS];
        weir_blocks blocks = weir_blocks_of(r->n->doc, caller);
        weir_message_block b;

        for (int look = 0; look < MESSAGE_LOOKS && weir_blocks_next(&blocks, &b); look++) {
            if (b.kind == WEIR_BLOCK_TOOL_CALL && weir_text_equal(b.id, id))
                return b.name;
        }
    }
    return weir_text_from(weir_str_make("", 0));
}

static weir_result message_result(struct olm_message *r)
{
    const weir_json *doc = r->n->doc;
    weir_text id = weir_block_member(doc, r->message, "tool_call_id");
    weir_text name = weir_block_member(doc, r->message, "name");
    bool is_error = false;

    if (!name.len && id.len)
        name = message_tool_name(r, id);
    if (name.len) {
        weir_write_key(&r->n->w, "tool_name");
        weir_write_text(&r->n->w, name);
    }
    if (id.len) {
        weir_write_key(&r->n->w, "tool_call_id");
        weir_write_text(&r->n->w, id);
    }
    weir_json_bool(doc, weir_json_find(doc, r->message, "is_error"), &is_error);
    return is_error ? message_dropped(r, "is_error", "Ollama does not mark failed tools") : WEIR_OK;
}

/* -- Messages --------------------------------------------------------------------------------- */

/* Members that are not written elsewhere. */
static weir_result message_rest(const struct olm_message *r, bool tool)
{
    static const char *const known[] = {
        "role",         "content",  "refusal", "tool_calls",   "reasoning_content",
        "tool_call_id", "is_error", "vendor",  "function_call"
    };
    const weir_json *doc = r->n->doc;

    WEIR_JSON_EACH_MEMBER(doc, r->message, key, value)
    {
        bool found = olm_says_nothing(doc, value) || (tool && weir_json_is(doc, key, "name"));
        weir_str parts[3] = { WEIR_S("messages"), r->number, WEIR_S("") };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found = found || weir_json_is(doc, key, known[i]);
        if (found)
            continue;
        parts[2] = weir_json_str(doc, key, &r->n->x->arena);
        WEIR_TRY(olm_dropped(r->n, "Ollama has no such member", parts, 3));
    }
    return WEIR_OK;
}

static weir_result message_write(struct olm_message *r)
{
    const weir_json *doc = r->n->doc;
    uint32_t role = weir_json_find(doc, r->message, "role");
    bool tool = weir_json_is(doc, role, "tool") || weir_json_is(doc, role, "function");
    weir_str where[2] = { WEIR_S("messages"), r->number };
    weir_writer *w = &r->n->w;

    weir_write_begin_object(w);
    weir_write_key(w, "role");
    if (tool)
        weir_write_literal(w, "tool");
    else if (weir_json_is(doc, role, "developer"))
        weir_write_literal(w, "system");
    else
        weir_write_text(w, weir_json_text(doc, role));
    weir_write_key(w, "content");
    message_text(r, WEIR_BLOCK_TEXT, WEIR_BLOCK_REFUSAL);
    if (message_count(r, WEIR_BLOCK_REASONING)) {
        weir_write_key(w, "thinking");
        message_text(r, WEIR_BLOCK_REASONING, WEIR_BLOCK_REASONING);
    }
    WEIR_TRY(olm_append_images(r));
    olm_end_images(r);
    WEIR_TRY(message_calls(r));
    if (tool)
        WEIR_TRY(message_result(r));
    WEIR_TRY(olm_drop_part_members(r));
    WEIR_TRY(message_rest(r, tool));
    WEIR_TRY(olm_write_vendor(r->n, r->message, where, 2));
    weir_write_end_object(w);
    return WEIR_OK;
}

weir_result olm_write_messages(struct olm_encoding *n)
{
    struct olm_message r;
    uint32_t index = 0;

    memset(&r, 0, sizeof(r));
    r.n = n;
    weir_write_key(&n->w, "messages");
    weir_write_begin_array(&n->w);
    WEIR_JSON_EACH_ITEM(n->doc, weir_json_find(n->doc, 0, "messages"), message)
    {
        olm_message_at(&r, message, index++);
        WEIR_TRY(message_write(&r));
    }
    weir_write_end_array(&n->w);
    return WEIR_OK;
}
