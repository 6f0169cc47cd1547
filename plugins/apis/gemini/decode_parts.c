/*
 * decode_parts.c - the parts of a candidate's content, as blocks.
 *
 * A part is one of text, functionCall, inlineData and so on; beside it stand `thought` (it is
 * reasoning) and `thoughtSignature`, which must come back with the part it stood on. In a stream a
 * signature may follow its text on a part of its own that is empty otherwise.
 */
#include "decode.h"

#include "names.h"

#include <weir/sdk/media.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static const weir_str nothing = { "", 0 };

/* Raw members `"key":value`; nothing for a value that is not there. */
static weir_result parts_member(struct gem_reading *r, const char *key, uint32_t value,
                                weir_str *extra)
{
    weir_writer w;

    *extra = nothing;
    if (value == WEIR_JSON_NONE)
        return WEIR_OK;
    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, value).len + strlen(key) + 4);
    weir_write_key(&w, key);
    weir_write_raw(&w, gem_flat(r, value));
    return weir_writer_finish(&w, extra);
}

/* The end of a block that has a signature. */
static weir_result parts_sign(struct gem_reading *r, uint32_t signature)
{
    weir_str extra;

    WEIR_TRY(gem_emit_owned(r->out, weir_json_text(r->doc, signature)));
    WEIR_TRY(parts_member(r, "thought_signature", signature, &extra));
    return gem_block_close(r, extra);
}

static const char *const text_known[] = { "text", "thought", "thoughtSignature", NULL };

/* What stands beside a text and nobody knows. */
static weir_result parts_beside(struct gem_reading *r, uint32_t part, weir_str *extra)
{
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    WEIR_JSON_EACH_MEMBER(r->doc, part, key, value)
    {
        if (gem_key_listed(r->doc, key, text_known))
            continue;
        weir_write_key_text(&w, weir_json_text(r->doc, key));
        weir_write_raw(&w, gem_flat(r, value));
    }
    return weir_writer_finish(&w, extra);
}

static weir_result parts_text(struct gem_reading *r, uint32_t part, uint32_t text, bool thought,
                              uint32_t signature)
{
    uint16_t kind = thought ? WEIR_BLOCK_REASONING : WEIR_BLOCK_TEXT;
    weir_text words = weir_json_text(r->doc, text);
    bool open = r->choice->kind == WEIR_BLOCK_TEXT || r->choice->kind == WEIR_BLOCK_REASONING;
    weir_str extra;

    if (words.len) {
        WEIR_TRY(parts_beside(r, part, &extra));
        WEIR_TRY(gem_block_open(r, kind, nothing, nothing, nothing));
        if (r->d->failed)
            return WEIR_OK;
        WEIR_TRY(gem_block_delta(r, words, extra));
    } else if (signature != WEIR_JSON_NONE && (!open || (thought && r->choice->kind != kind))) {
        WEIR_TRY(gem_block_open(r, kind, nothing, nothing, nothing));
    }
    if (signature == WEIR_JSON_NONE || r->d->failed)
        return WEIR_OK;
    return parts_sign(r, signature);
}

/* Bytes: each part is a block of its own, since pieces of base64 do not add up. */
static weir_result parts_bytes(struct gem_reading *r, uint32_t blob, uint32_t signature)
{
    const weir_json *doc = r->doc;
    uint32_t type = gem_find(doc, blob, "mimeType");
    weir_str name = weir_json_str(doc, type, &r->x->arena);
    uint16_t kind = weir_media_kind(name) == WEIR_MEDIA_IMAGE ? WEIR_BLOCK_IMAGE : WEIR_BLOCK_AUDIO;
    weir_str extra;

    WEIR_TRY(parts_member(r, "media_type", type, &extra));
    WEIR_TRY(gem_block_open(r, kind, nothing, nothing, extra));
    if (r->d->failed)
        return WEIR_OK;
    WEIR_TRY(gem_block_delta(r, weir_json_text(doc, gem_find(doc, blob, "data")), nothing));
    return signature == WEIR_JSON_NONE ? gem_block_close(r, nothing) : parts_sign(r, signature);
}

/* A part that only this API understands, as it is. */
static weir_result parts_verbatim(struct gem_reading *r, uint32_t part, uint16_t kind,
                                  weir_str type, uint32_t signature)
{
    weir_str extra;
    weir_writer w;

    WEIR_TRY(gem_emit_owned(r->out, weir_json_text(r->doc, signature)));
    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, part).len + 32);
    weir_write_key(&w, "api");
    weir_write_literal(&w, "gemini");
    weir_write_key(&w, "block");
    weir_write_raw(&w, gem_flat(r, part));
    WEIR_TRY(weir_writer_finish(&w, &extra));
    WEIR_TRY(gem_block_open(r, kind, nothing, type, nothing));
    return r->d->failed ? WEIR_OK : gem_block_close(r, extra);
}

/* Files that an answer names belong to who made them. */
static weir_result parts_file(struct gem_reading *r, uint32_t part, uint32_t file,
                              uint32_t signature)
{
    WEIR_TRY(gem_emit_owned(r->out, weir_json_text(r->doc, gem_find(r->doc, file, "fileUri"))));
    return parts_verbatim(r, part, WEIR_BLOCK_OPAQUE, WEIR_S("fileData"), signature);
}

/* The key of the member that says what a part is. */
static uint32_t parts_kind(const weir_json *doc, uint32_t part)
{
    static const char *const beside[] = { "thought", "thoughtSignature", NULL };
    uint32_t found = WEIR_JSON_NONE;

    WEIR_JSON_EACH_MEMBER(doc, part, key, value)
    {
        (void)value;
        if (gem_key_is(doc, key, "text") || gem_key_is(doc, key, "functionCall") ||
            gem_key_is(doc, key, "inlineData"))
            return key;
        if (found == WEIR_JSON_NONE && !gem_key_listed(doc, key, beside))
            found = key;
    }
    return found;
}

weir_result gem_decode_part(struct gem_reading *r, uint32_t part)
{
    static const char *const tools[] = { "executableCode", "codeExecutionResult", "toolCall",
                                         "toolResponse",   "functionResponse",    NULL };
    const weir_json *doc = r->doc;
    uint32_t key = parts_kind(doc, part), value = key + 1;
    uint32_t signature = gem_find(doc, part, "thoughtSignature");
    weir_str type = weir_json_inner(doc, key);
    bool thought = false;

    weir_json_bool(doc, gem_find(doc, part, "thought"), &thought);
    if (!weir_json_is_string(doc, signature) || !doc->tok[signature].len)
        signature = WEIR_JSON_NONE;
    if (key == WEIR_JSON_NONE)
        return parts_text(r, part, WEIR_JSON_NONE, thought, signature);
    if (gem_name_is(type, "text"))
        return parts_text(r, part, value, thought, signature);
    if (gem_name_is(type, "functionCall"))
        return gem_decode_call(r, value, signature);
    if (gem_name_is(type, "inlineData") && !thought) {
        uint32_t media = gem_find(doc, value, "mimeType");

        if (weir_media_kind(weir_json_inner(doc, media)) != WEIR_MEDIA_FILE)
            return parts_bytes(r, value, signature);
    }
    if (gem_name_is(type, "fileData"))
        return parts_file(r, part, value, signature);
    return parts_verbatim(
        r, part, gem_key_listed(doc, key, tools) ? WEIR_BLOCK_SERVER_TOOL : WEIR_BLOCK_OPAQUE, type,
        signature);
}
