/*
 * encode_contents.c - canonical messages as systemInstruction and contents.
 *
 * There are two roles, user and model, and turns of the same role become one: results of parallel
 * calls have to stand in one content. A content is begun with its first part, so that messages
 * which say nothing leave none behind.
 */
#include "gemini.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/blocks.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* What Google documents for calls that it did not sign itself. */
#define PLACEHOLDER "skip_thought_signature_validator"

weir_result gem_contents_dropped(const struct gem_contents *c, const char *tail, const char *why)
{
    return gem_dropped(c->e, &c->at, tail, why);
}

static void contents_close(struct gem_contents *c)
{
    if (!c->role)
        return;
    weir_write_end_array(&c->e->w);
    weir_write_end_object(&c->e->w);
    c->role = NULL;
    c->called = false;
}

void gem_contents_part(struct gem_contents *c, const char *role)
{
    weir_writer *w = &c->e->w;

    if (!c->role || strcmp(c->role, role) != 0) {
        contents_close(c);
        c->role = role;
        weir_write_begin_object(w);
        weir_write_key(w, "role");
        weir_write_literal(w, role);
        weir_write_key(w, "parts");
        weir_write_begin_array(w);
    }
    weir_write_begin_object(w);
}

void gem_write_beside(struct gem_encoding *e, uint32_t vendor)
{
    static const char *const merged[] = { "fileData", "inlineData", NULL };

    WEIR_JSON_EACH_MEMBER(e->doc, vendor, key, value)
    {
        if (gem_key_listed(e->doc, key, merged))
            continue;
        weir_write_key_text(&e->w, weir_json_text(e->doc, key));
        weir_write_value(&e->w, e->doc, value);
    }
}

weir_result gem_contents_unknown(struct gem_contents *c, uint32_t block)
{
    static const char *const known[] = { "type",
                                         "text",
                                         "refusal",
                                         "reasoning",
                                         "thought_signature",
                                         "vendor",
                                         "cache_control",
                                         "image_url",
                                         "input_audio",
                                         "file",
                                         "video_url",
                                         "audio",
                                         "source",
                                         "id",
                                         "name",
                                         "arguments",
                                         "function",
                                         "custom",
                                         "input",
                                         "index",
                                         "extra_content",
                                         "annotations",
                                         "api",
                                         "block",
                                         "signature",
                                         NULL };

    if (!weir_json_is_object(c->e->doc, block))
        return WEIR_OK;
    if (weir_json_find(c->e->doc, block, "cache_control") != WEIR_JSON_NONE)
        WEIR_TRY(gem_contents_dropped(c, "cache_control", "the Gemini API caches by itself"));
    if (weir_json_text(c->e->doc, weir_json_find(c->e->doc, block, "signature")).len)
        WEIR_TRY(gem_contents_dropped(c, "signature", "it is of use only to the API that made it"));
    return gem_drop_unknown(c->e, &c->at, block, "", known);
}

/* The signature of a block, unless it is somebody else's. */
static weir_result contents_signature(struct gem_contents *c, uint32_t block, uint32_t *signature)
{
    const weir_json *doc = c->e->doc;

    *signature = weir_json_find(doc, block, "thought_signature");
    if (!weir_json_is_string(doc, *signature) || !doc->tok[*signature].len)
        *signature = WEIR_JSON_NONE;
    if (*signature == WEIR_JSON_NONE || !c->e->x->foreign)
        return WEIR_OK;
    *signature = WEIR_JSON_NONE;
    return gem_contents_dropped(c, "thought_signature", "it is another provider's");
}

static void contents_sign(struct gem_contents *c, uint32_t signature)
{
    if (signature == WEIR_JSON_NONE)
        return;
    weir_write_key(&c->e->w, "thoughtSignature");
    weir_write_value(&c->e->w, c->e->doc, signature);
}

/* -- Parts of users and systems --------------------------------------------------------------- */

static weir_result user_part(struct gem_contents *c, const weir_message_block *b)
{
    struct gem_encoding *e = c->e;
    uint32_t vendor, signature;
    bool written;

    WEIR_TRY(gem_vendor(e, weir_json_is_object(e->doc, b->token) ? b->token : WEIR_JSON_NONE,
                        &c->at, &vendor));
    WEIR_TRY(gem_contents_unknown(c, b->token));
    WEIR_TRY(contents_signature(c, b->token, &signature));
    if (b->kind == WEIR_BLOCK_TEXT || b->kind == WEIR_BLOCK_REFUSAL) {
        if (!b->text.len && signature == WEIR_JSON_NONE && vendor == WEIR_JSON_NONE)
            return WEIR_OK;
        gem_contents_part(c, "user");
        weir_write_key(&e->w, "text");
        weir_write_text(&e->w, b->text);
        contents_sign(c, signature);
        gem_write_beside(e, vendor);
        weir_write_end_object(&e->w);
        return WEIR_OK;
    }
    if (b->media == WEIR_JSON_NONE)
        return gem_contents_dropped(c, "", "the Gemini API has no such part");
    gem_contents_part(c, "user");
    WEIR_TRY(gem_write_media(e, b->token, vendor, &c->at, &written));
    if (!written) { /* a part that is begun has to be something */
        weir_write_key(&e->w, "text");
        weir_write_literal(&e->w, "");
    }
    contents_sign(c, signature);
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

/* A block that only this API understands, as it was. */
static weir_result contents_verbatim(struct gem_contents *c, const weir_message_block *b,
                                     const char *role)
{
    const weir_json *doc = c->e->doc;
    uint32_t block = weir_json_find(doc, b->token, "block");
    const char *why = weir_vendor_why(&c->e->x->arena, doc, b->token);

    if (!why)
        return WEIR_NO_MEMORY;
    if (!weir_json_is(doc, weir_json_find(doc, b->token, "api"), "gemini") ||
        !weir_json_is_object(doc, block))
        return gem_contents_dropped(c, "", why);
    gem_contents_part(c, role);
    WEIR_JSON_EACH_MEMBER(doc, block, key, value)
    {
        if (c->e->x->foreign && gem_key_is(doc, key, "thoughtSignature")) {
            WEIR_TRY(gem_contents_dropped(c, "block/thoughtSignature", "it is another provider's"));
            continue;
        }
        weir_write_key_text(&c->e->w, weir_json_text(doc, key));
        weir_write_value(&c->e->w, doc, value);
    }
    weir_write_end_object(&c->e->w);
    return WEIR_OK;
}

static weir_result contents_user(struct gem_contents *c)
{
    weir_blocks blocks = weir_blocks_of(c->e->doc, c->message);
    weir_message_block b;

    for (c->at.subindex = 0; weir_blocks_next(&blocks, &b); c->at.subindex++) {
        if (b.kind == WEIR_BLOCK_SERVER_TOOL || b.kind == WEIR_BLOCK_OPAQUE)
            WEIR_TRY(contents_verbatim(c, &b, "user"));
        else
            WEIR_TRY(user_part(c, &b));
    }
    return WEIR_OK;
}

/* -- What the model said ---------------------------------------------------------------------- */

static weir_result model_text(struct gem_contents *c, const weir_message_block *b)
{
    struct gem_encoding *e = c->e;
    bool thought = b->kind == WEIR_BLOCK_REASONING;
    uint32_t signature, vendor;

    WEIR_TRY(contents_signature(c, b->token, &signature));
    WEIR_TRY(gem_vendor(e, weir_json_is_object(e->doc, b->token) ? b->token : WEIR_JSON_NONE,
                        &c->at, &vendor));
    if (!b->text.len && signature == WEIR_JSON_NONE && vendor == WEIR_JSON_NONE) {
        if (thought && weir_json_is_object(e->doc, b->token))
            return gem_contents_dropped(c, "", "reasoning that only its maker can read");
        return WEIR_OK;
    }
    WEIR_TRY(gem_contents_unknown(c, b->token));
    gem_contents_part(c, "model");
    weir_write_key(&e->w, "text");
    weir_write_text(&e->w, b->text);
    if (thought) {
        weir_write_key(&e->w, "thought");
        weir_write_bool(&e->w, true);
    }
    contents_sign(c, signature);
    gem_write_beside(e, vendor);
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

bool gem_contents_known_id(weir_text id)
{
    return id.len && !weir_str_starts(weir_str_make(id.ptr, id.len), GEM_MADE_ID);
}

/* The arguments of a call as an object, whatever they were. */
static weir_result model_arguments(struct gem_contents *c, const weir_message_block *b)
{
    struct gem_encoding *e = c->e;
    weir_str object = WEIR_S("{}");

    if (b->custom) {
        weir_write_begin_object(&e->w);
        weir_write_key(&e->w, "input");
        weir_write_text(&e->w, b->text);
        weir_write_end_object(&e->w);
        return WEIR_OK;
    }
    if (!e->cfg->json || !weir_arguments_object(e->cfg->json, &e->x->arena, b->text, &object))
        WEIR_TRY(gem_contents_dropped(c, "arguments", "the arguments of a call must be an object"));
    weir_write_raw(&e->w, object);
    return WEIR_OK;
}

static weir_result model_call(struct gem_contents *c, const weir_message_block *b)
{
    struct gem_encoding *e = c->e;
    uint32_t signature, vendor;

    WEIR_TRY(contents_signature(c, b->token, &signature));
    WEIR_TRY(gem_vendor(e, b->token, &c->at, &vendor));
    if (signature == WEIR_JSON_NONE) /* as the chat dialect carries it */
        signature = weir_json_path(e->doc, b->token, "extra_content.google.thought_signature");
    if (e->x->foreign)
        signature = WEIR_JSON_NONE;
    WEIR_TRY(gem_contents_unknown(c, b->token));
    gem_contents_part(c, "model");
    weir_write_key(&e->w, "functionCall");
    weir_write_begin_object(&e->w);
    if (gem_contents_known_id(b->id)) {
        weir_write_key(&e->w, "id");
        weir_write_text(&e->w, b->id);
    }
    weir_write_key(&e->w, "name");
    weir_write_text(&e->w, b->name);
    weir_write_key(&e->w, "args");
    WEIR_TRY(model_arguments(c, b));
    weir_write_end_object(&e->w);
    contents_sign(c, signature);
    if (signature == WEIR_JSON_NONE && !c->called && (e->takes & GEM_SIGNS_CALLS)) {
        weir_write_key(&e->w, "thoughtSignature");
        weir_write_literal(&e->w, PLACEHOLDER);
    }
    gem_write_beside(e, vendor);
    weir_write_end_object(&e->w);
    c->called = true;
    if (b->id.len)
        gem_calls_add(&c->calls, b->id, b->name);
    return WEIR_OK;
}

static weir_result model_media(struct gem_contents *c, const weir_message_block *b)
{
    struct gem_encoding *e = c->e;
    uint32_t signature, vendor;
    bool written;

    WEIR_TRY(contents_signature(c, b->token, &signature));
    WEIR_TRY(gem_vendor(e, b->token, &c->at, &vendor));
    gem_contents_part(c, "model");
    WEIR_TRY(gem_write_media(e, b->token, vendor, &c->at, &written));
    if (!written) {
        weir_write_key(&e->w, "text");
        weir_write_literal(&e->w, "");
    }
    contents_sign(c, signature);
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

static weir_result contents_model(struct gem_contents *c)
{
    weir_blocks blocks = weir_blocks_of(c->e->doc, c->message);
    weir_message_block b;

    for (c->at.subindex = 0; weir_blocks_next(&blocks, &b); c->at.subindex++) {
        switch (b.kind) {
        case WEIR_BLOCK_TEXT:
        case WEIR_BLOCK_REASONING:
        case WEIR_BLOCK_REFUSAL:
            WEIR_TRY(model_text(c, &b));
            break;
        case WEIR_BLOCK_TOOL_CALL:
            WEIR_TRY(model_call(c, &b));
            break;
        case WEIR_BLOCK_IMAGE:
        case WEIR_BLOCK_AUDIO:
            WEIR_TRY(model_media(c, &b));
            break;
        case WEIR_BLOCK_SERVER_TOOL:
        case WEIR_BLOCK_OPAQUE:
            WEIR_TRY(contents_verbatim(c, &b, "model"));
            break;
        default:
            if (b.media != WEIR_JSON_NONE)
                WEIR_TRY(model_media(c, &b));
            else
                WEIR_TRY(gem_contents_dropped(c, "", "the Gemini API has no such part"));
        }
    }
    return WEIR_OK;
}

/* -- All messages ----------------------------------------------------------------------------- */

static bool contents_is_system(const weir_json *doc, uint32_t message)
{
    uint32_t role = weir_json_find(doc, message, "role");

    return weir_json_is(doc, role, "system") || weir_json_is(doc, role, "developer");
}

static bool contents_is_result(const weir_json *doc, uint32_t message)
{
    uint32_t role = weir_json_find(doc, message, "role");

    return weir_json_is(doc, role, "tool") || weir_json_is(doc, role, "function");
}

/* This API needs a turn of the user: where there are instructions only, the last of them is that.
 * NONE: there is a turn. */
static uint32_t contents_turn(const weir_json *doc)
{
    uint32_t last = WEIR_JSON_NONE;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "messages"), message)
    {
        if (!contents_is_system(doc, message))
            return WEIR_JSON_NONE;
        last = message;
    }
    return last;
}

/* Members of a message beside what it says. */
static weir_result contents_beside(struct gem_contents *c, uint32_t message)
{
    static const char *const known[] = { "role",        "content",
                                         "name",        "refusal",
                                         "reasoning",   "reasoning_content",
                                         "tool_calls",  "tool_call_id",
                                         "is_error",    "function_call",
                                         "vendor",      "cache_control",
                                         "annotations", NULL };
    const struct gem_place at = { "messages", c->at.index, NULL, 0 };
    uint32_t vendor;

    if (weir_json_is_string(c->e->doc, weir_json_find(c->e->doc, message, "name")) &&
        !contents_is_result(c->e->doc, message))
        WEIR_TRY(gem_dropped(c->e, &at, "name", "the Gemini API has no names in messages"));
    if (!contents_is_result(c->e->doc, message)) /* a result has a place for them */
        WEIR_TRY(gem_vendor(c->e, message, &at, &vendor));
    return gem_drop_unknown(c->e, &at, message, "", known);
}

static weir_result contents_message(struct gem_contents *c)
{
    const weir_json *doc = c->e->doc;
    uint32_t role = weir_json_find(doc, c->message, "role");

    WEIR_TRY(contents_beside(c, c->message));
    if (weir_json_find(doc, c->message, "cache_control") != WEIR_JSON_NONE)
        WEIR_TRY(gem_dropped(c->e, &(struct gem_place){ "messages", c->at.index, NULL, 0 },
                             "cache_control", "the Gemini API caches by itself"));
    if (weir_json_is(doc, role, "assistant"))
        return contents_model(c);
    if (contents_is_result(doc, c->message))
        return gem_contents_tool(c);
    return contents_user(c);
}

/* Everything that systems and developers say stands in one place, before all else. */
static weir_result contents_system(struct gem_contents *c)
{
    const weir_json *doc = c->e->doc;
    weir_writer *w = &c->e->w;
    bool any = false, behind = false;

    c->at.index = 0;
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "messages"), message)
    {
        weir_blocks blocks = weir_blocks_of(doc, message);
        bool system = contents_is_system(doc, message) && message != c->turn;
        weir_message_block b;
        uint32_t vendor;

        if (system)
            WEIR_TRY(contents_beside(c, message));
        if (system && behind)
            WEIR_TRY(gem_dropped(c->e, &(struct gem_place){ "messages", c->at.index, NULL, 0 },
                                 "role", "instructions stand before the conversation"));
        behind = behind || !system;
        for (c->at.subindex = 0; system && weir_blocks_next(&blocks, &b); c->at.subindex++) {
            if (b.kind != WEIR_BLOCK_TEXT) {
                WEIR_TRY(gem_contents_dropped(c, "", "instructions are text only"));
                continue;
            }
            WEIR_TRY(gem_vendor(c->e, weir_json_is_object(doc, b.token) ? b.token : WEIR_JSON_NONE,
                                &c->at, &vendor));
            WEIR_TRY(gem_contents_unknown(c, b.token));
            if (!any) {
                weir_write_key(w, "systemInstruction");
                weir_write_begin_object(w);
                weir_write_key(w, "parts");
                weir_write_begin_array(w);
            }
            any = true;
            weir_write_begin_object(w);
            weir_write_key(w, "text");
            weir_write_text(w, b.text);
            gem_write_beside(c->e, vendor);
            weir_write_end_object(w);
        }
        c->at.index++;
    }
    if (any) {
        weir_write_end_array(w);
        weir_write_end_object(w);
    }
    return WEIR_OK;
}

/* Notes a result of a tool; behind the last of several, writes what they hold beside text: the
 * results of parallel calls stand together. `message` NONE: there is none left. */
static weir_result contents_results(struct gem_contents *c, uint32_t messages, uint32_t message)
{
    const weir_json *doc = c->e->doc;
    struct gem_place at = c->at;

    if (message != WEIR_JSON_NONE && contents_is_result(doc, message)) {
        if (c->results == WEIR_JSON_NONE) {
            c->results = message;
            c->results_at = c->at.index;
        }
        return WEIR_OK;
    }
    c->at.index = c->results_at;
    for (uint32_t m = c->results; m != message && m != WEIR_JSON_NONE;
         m = weir_json_next(doc, messages, m)) {
        c->message = m;
        WEIR_TRY(gem_contents_tool_media(c));
        c->at.index++;
    }
    c->results = WEIR_JSON_NONE;
    c->at = at;
    return WEIR_OK;
}

weir_result gem_write_contents(struct gem_encoding *e)
{
    uint32_t messages = weir_json_find(e->doc, 0, "messages");
    struct gem_contents c;

    memset(&c, 0, sizeof(c));
    c.e = e;
    c.at.list = "messages";
    c.at.sub = "content";
    WEIR_TRY(gem_calls_init(e, &c.calls));
    c.turn = contents_turn(e->doc);
    c.results = WEIR_JSON_NONE;
    WEIR_TRY(contents_system(&c));
    weir_write_key(&e->w, "contents");
    weir_write_begin_array(&e->w);
    c.at.index = 0;
    WEIR_JSON_EACH_ITEM(e->doc, messages, message)
    {
        WEIR_TRY(contents_results(&c, messages, message));
        c.message = message;
        c.at.sub = "content";
        if (message == c.turn)
            WEIR_TRY(gem_dropped(e, &(struct gem_place){ "messages", c.at.index, NULL, 0 }, "role",
                                 "the Gemini API needs a turn of the user"));
        if (message == c.turn || !contents_is_system(e->doc, message))
            WEIR_TRY(contents_message(&c));
        c.at.index++;
    }
    WEIR_TRY(contents_results(&c, messages, WEIR_JSON_NONE));
    contents_close(&c);
    weir_write_end_array(&e->w);
    return WEIR_OK;
}
