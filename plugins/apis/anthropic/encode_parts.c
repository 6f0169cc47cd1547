/*
 * encode_parts.c - what a message is made of: parts of the user's, blocks of the assistant's,
 * results of tools.
 */
#include "encode.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/base64.h>
#include <weir/sdk/media.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* A block that is being written. `value` is what may have cache_control and Anthropic's words. */
static void block_begin(struct ant_encoding *e, const char *type)
{
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "type");
    weir_write_literal(&e->w, type);
}

static void block_end(struct ant_encoding *e, uint32_t value)
{
    ant_encode_cache(e, value);
    ant_encode_vendor(e, value);
    weir_write_end_object(&e->w);
}

static void write_member(struct ant_encoding *e, const char *key, weir_str value)
{
    weir_write_key(&e->w, key);
    weir_write_string(&e->w, value);
}

static weir_result encode_text(struct ant_encoding *e, weir_text text, uint32_t value,
                               uint32_t number)
{
    if (ant_is_blank(text))
        return text.len ? ant_drop_part(e, number, "the API takes no blank text") : WEIR_OK;
    block_begin(e, "text");
    weir_write_key(&e->w, "text");
    weir_write_text(&e->w, text);
    block_end(e, value);
    return WEIR_OK;
}

/* -- Media ------------------------------------------------------------------------------------ */

static void source_begin(struct ant_encoding *e, const char *type)
{
    weir_write_key(&e->w, "source");
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "type");
    weir_write_literal(&e->w, type);
}

static void encode_source(struct ant_encoding *e, const weir_media *m, weir_str type)
{
    if (m->file_id.len) {
        source_begin(e, "file");
        write_member(e, "file_id", m->file_id);
    } else if (m->url.len) {
        source_begin(e, "url");
        write_member(e, "url", m->url);
    } else {
        source_begin(e, "base64");
        write_member(e, "media_type", type);
        write_member(e, "data", m->data);
    }
    weir_write_end_object(&e->w);
}

static weir_result encode_image(struct ant_encoding *e, const weir_media *m, uint32_t part,
                                uint32_t number)
{
    block_begin(e, "image");
    encode_source(e, m, m->type.len ? m->type : WEIR_S("image/png"));
    block_end(e, part);
    if (m->detail != WEIR_JSON_NONE && !weir_json_is(e->doc, m->detail, "auto") &&
        !weir_json_is_null(e->doc, m->detail))
        return ant_drop_part(e, number, "the Anthropic API takes no detail of an image");
    return WEIR_OK;
}

/* The bytes of a text document as text. False: they are no base64. */
static bool document_text(struct ant_encoding *e, weir_str base64, weir_str *text)
{
    size_t room = base64.len / 4 * 3 + 3;
    unsigned char *bytes = (unsigned char *)e->x->arena.alloc(e->x->arena.owner, room);
    int64_t len = bytes ? weir_base64_decode(base64, bytes) : -1;

    *text = weir_str_make((const char *)bytes, len < 0 ? 0 : (size_t)len);
    return len >= 0;
}

static bool document_is_pdf(const weir_media *m)
{
    return weir_str_is_nocase(m->type, "application/pdf") ||
           (!m->type.len && (weir_str_ends(m->name, ".pdf") || weir_str_starts(m->data, "JVBER")));
}

static weir_result encode_document(struct ant_encoding *e, const weir_media *m, uint32_t part,
                                   uint32_t number)
{
    bool bytes = !m->url.len && !m->file_id.len;
    weir_str text = weir_str_make("", 0);

    if (bytes && weir_str_starts(m->type, "image/"))
        return encode_image(e, m, part, number);
    if (m->file_id.len && e->x->foreign)
        return ant_drop_part(e, number, "the file is another provider's");
    if (bytes && !document_is_pdf(m) &&
        (!weir_str_starts(m->type, "text/") || !document_text(e, m->data, &text)))
        return ant_drop_part(e, number, "the Anthropic API takes PDF and text only");
    block_begin(e, "document");
    if (!bytes || document_is_pdf(m)) {
        encode_source(e, m, WEIR_S("application/pdf"));
    } else {
        source_begin(e, "text");
        write_member(e, "media_type", WEIR_S("text/plain"));
        write_member(e, "data", text);
        weir_write_end_object(&e->w);
    }
    if (m->name.len)
        write_member(e, "title", m->name);
    block_end(e, part);
    return WEIR_OK;
}

/* A block in Anthropic's own form. What it holds that is opaque makes it useless elsewhere. */
static weir_result encode_verbatim(struct ant_encoding *e, uint32_t part, uint32_t number)
{
    uint32_t block = weir_json_find(e->doc, part, "block");
    const char *why = weir_vendor_why(&e->x->arena, e->doc, part);

    if (!why)
        return WEIR_NO_MEMORY;
    if (!weir_json_is(e->doc, weir_json_find(e->doc, part, "api"), "anthropic") ||
        !weir_json_is_object(e->doc, block))
        return ant_drop_part(e, number, why);
    if (e->x->foreign)
        return ant_drop_part(e, number, "it belongs to the provider that made it");
    weir_write_value(&e->w, e->doc, block);
    return WEIR_OK;
}

/* Members that have no place in a part, a block, or a call. */
static weir_result part_drop(struct ant_encoding *e, uint32_t part, uint32_t number)
{
    static const char *const known[] = {
        "type",      "text",   "refusal",       "image_url",     "input_audio", "file",  "source",
        "api",       "block",  "cache_control", "vendor",        "annotations", "id",    "name",
        "arguments", "custom", "signature",     "redacted_data", "function",    "index", NULL
    };

    return ant_drop_unknown(e, "messages", number, e->part, part, known);
}

weir_result ant_encode_part(struct ant_encoding *e, uint32_t part, uint32_t number)
{
    uint32_t type = weir_json_find(e->doc, part, "type");
    weir_media media;

    WEIR_TRY(ant_drop_part_vendors(e, part, number));
    WEIR_TRY(part_drop(e, part, number));
    if (weir_json_is_string(e->doc, part))
        return encode_text(e, weir_json_text(e->doc, part), part, number);
    switch (weir_block_kind(e->doc, type)) {
    case WEIR_BLOCK_TEXT:
        return encode_text(e, weir_block_member(e->doc, part, "text"), part, number);
    case WEIR_BLOCK_REFUSAL:
        return encode_text(e, weir_block_member(e->doc, part, "refusal"), part, number);
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        return encode_verbatim(e, part, number);
    default:
        break;
    }
    if (!weir_media_read(e->doc, part, &media, &e->x->arena))
        return ant_drop_part(e, number, "the Anthropic API has no such part");
    if (media.kind == WEIR_MEDIA_IMAGE)
        return encode_image(e, &media, part, number);
    if (media.kind == WEIR_MEDIA_FILE)
        return encode_document(e, &media, part, number);
    return ant_drop_part(e, number, "the Anthropic API takes no audio");
}

/* -- Calls and results ------------------------------------------------------------------------ */

/* An id in the characters that the API takes; the same for a call and its result. */
static void write_id(struct ant_encoding *e, weir_str id)
{
    char *clean = (char *)e->x->arena.alloc(e->x->arena.owner, id.len ? id.len : 1);

    for (size_t i = 0; clean && i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '_' || c == '-';

        clean[i] = ok ? (char)c : '_';
    }
    weir_write_string(&e->w, weir_str_make(clean ? clean : "", clean ? id.len : 0));
}

/* The id of the n-th call in the old spelling, which has none. */
static weir_str legacy_id(char buf[48], uint32_t n)
{
    memcpy(buf, "call_", 5);
    return weir_str_make(buf, 5 + weir_number_print_uint64(buf + 5, n));
}

static weir_result encode_call(struct ant_encoding *e, const weir_message_block *b, uint32_t number)
{
    weir_str object = WEIR_S("{}");
    bool good = true;

    if (!b->custom && e->cfg->json)
        good = weir_arguments_object(e->cfg->json, &e->x->arena, b->text, &object);
    block_begin(e, "tool_use");
    weir_write_key(&e->w, "id");
    write_id(e, weir_text_to_utf8(&e->x->arena, b->id));
    weir_write_key(&e->w, "name");
    weir_write_text(&e->w, b->name);
    weir_write_key(&e->w, "input");
    if (b->custom || !good) { /* free text, or what the model wrote instead of JSON */
        weir_write_begin_object(&e->w);
        weir_write_key(&e->w, "input");
        weir_write_text(&e->w, b->text);
        weir_write_end_object(&e->w);
    } else {
        weir_write_raw(&e->w, object);
    }
    block_end(e, b->token);
    return good ? WEIR_OK
                : ant_drop_in(e, "messages", number, "tool_calls",
                              "arguments that are no JSON object were sent as text");
}

static weir_result encode_thought(struct ant_encoding *e, const weir_message_block *b,
                                  uint32_t number)
{
    weir_text signature = weir_block_member(e->doc, b->token, "signature");
    weir_text redacted = weir_block_member(e->doc, b->token, "redacted_data");

    if (e->x->foreign && (signature.len || redacted.len))
        return ant_drop_part(e, number, "only the provider that thought it can read it");
    if (redacted.len) {
        block_begin(e, "redacted_thinking");
        weir_write_key(&e->w, "data");
        weir_write_text(&e->w, redacted);
    } else if (signature.len) {
        block_begin(e, "thinking");
        weir_write_key(&e->w, "thinking");
        weir_write_text(&e->w, b->text);
        weir_write_key(&e->w, "signature");
        weir_write_text(&e->w, signature);
    } else {
        return ant_drop_part(e, number,
                             "reasoning without Anthropic's signature cannot be sent back");
    }
    block_end(e, b->token);
    return WEIR_OK;
}

/* The last text of a prefilled answer may not end in white space. */
static weir_result encode_prefill(struct ant_encoding *e, weir_text text, uint32_t value,
                                  uint32_t number)
{
    weir_str plain = weir_text_to_utf8(&e->x->arena, text);
    size_t len = plain.len;

    while (len && (plain.ptr[len - 1] == ' ' ||
                   (plain.ptr[len - 1] >= '\t' && plain.ptr[len - 1] <= '\r')))
        len--;
    if (len == plain.len || !len)
        return encode_text(e, text, value, number);
    WEIR_TRY(encode_text(e, weir_text_from(weir_str_make(plain.ptr, len)), value, number));
    return ant_drop_part(e, number,
                         "white space at the end of an answer that is begun was cut off");
}

static weir_result encode_block(struct ant_encoding *e, const weir_message_block *b,
                                uint32_t number, bool prefill)
{
    switch (b->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REFUSAL:
        return prefill ? encode_prefill(e, b->text, b->token, number)
                       : encode_text(e, b->text, b->token, number);
    case WEIR_BLOCK_REASONING:
        return encode_thought(e, b, number);
    case WEIR_BLOCK_TOOL_CALL:
        return encode_call(e, b, number);
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        return encode_verbatim(e, b->token, number);
    default:
        return ant_drop_part(e, number, "the Anthropic API has no such block in an answer");
    }
}

/* The old spelling of a call: {name, arguments} beside the content. */
static weir_result encode_legacy_call(struct ant_encoding *e, uint32_t message, uint32_t number,
                                      uint32_t *calls)
{
    uint32_t function = weir_json_find(e->doc, message, "function_call");
    weir_message_block b;
    char id[48];

    if (!weir_json_is_object(e->doc, function))
        return WEIR_OK;
    weir_block_read_call(e->doc, function, &b);
    b.id = weir_text_from(legacy_id(id, ++*calls));
    return encode_call(e, &b, number);
}

weir_result ant_encode_assistant(struct ant_encoding *e, uint32_t message, uint32_t number,
                                 bool last, uint32_t *calls)
{
    weir_blocks blocks = weir_blocks_of(e->doc, message);
    weir_message_block b, next;
    bool more = weir_blocks_next(&blocks, &b);
    bool plain =
        weir_json_count(e->doc, weir_json_find(e->doc, message, "tool_calls")) ||
        weir_json_is_string(e->doc, weir_json_find(e->doc, message, "reasoning_content")) ||
        !weir_json_is_array(e->doc, weir_json_find(e->doc, message, "content"));

    e->part = plain ? WEIR_JSON_NONE : 0;
    while (more) {
        more = weir_blocks_next(&blocks, &next);
        WEIR_TRY(ant_drop_part_vendors(e, b.token, number));
        WEIR_TRY(part_drop(e, b.token, number));
        e->cached = more ? WEIR_JSON_NONE : message;
        WEIR_TRY(encode_block(e, &b, number, last && !more));
        e->part += !plain;
        b = next;
    }
    e->cached = WEIR_JSON_NONE;
    return encode_legacy_call(e, message, number, calls);
}

weir_result ant_encode_result(struct ant_encoding *e, uint32_t message, uint32_t number,
                              uint32_t calls)
{
    uint32_t content = weir_json_find(e->doc, message, "content");
    uint32_t id = weir_json_find(e->doc, message, "tool_call_id");
    bool failed = false;
    char made[48];

    block_begin(e, "tool_result");
    weir_write_key(&e->w, "tool_use_id");
    write_id(e, weir_json_is_string(e->doc, id) ? weir_json_str(e->doc, id, &e->x->arena)
                                                : legacy_id(made, calls));
    if (weir_json_is_string(e->doc, content) && e->doc->tok[content].len) {
        weir_write_key(&e->w, "content");
        weir_write_value(&e->w, e->doc, content);
    } else if (weir_json_is_array(e->doc, content)) {
        weir_write_key(&e->w, "content");
        weir_write_begin_array(&e->w);
        e->part = 0;
        WEIR_JSON_EACH_ITEM(e->doc, content, part)
        {
            WEIR_TRY(ant_encode_part(e, part, number));
            e->part++;
        }
        weir_write_end_array(&e->w);
    }
    weir_json_bool(e->doc, weir_json_find(e->doc, message, "is_error"), &failed);
    if (failed) {
        weir_write_key(&e->w, "is_error");
        weir_write_bool(&e->w, true);
    }
    block_end(e, message);
    return ant_drop_vendors(e, message, "messages", number);
}
