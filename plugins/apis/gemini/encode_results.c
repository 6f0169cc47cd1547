/*
 * encode_results.c - results of tools as functionResponse parts of the user.
 */
#include "gemini.h"

#include <weir/sdk/blocks.h>

/* The name of the call that a result belongs to: of the nearest one before it with that id. */
static weir_text tool_name(const struct gem_contents *c)
{
    const weir_json *doc = c->e->doc;
    weir_text id = weir_json_text(doc, weir_json_find(doc, c->message, "tool_call_id"));
    weir_text name;

    if (gem_calls_find(&c->calls, id, &name))
        return name;
    return weir_json_text(doc, weir_json_find(doc, c->message, "name"));
}

/* All text of a result, as one. */
static weir_result tool_text(const struct gem_contents *c, weir_str *text)
{
    weir_blocks blocks = weir_blocks_of(c->e->doc, c->message);
    weir_message_block b;
    weir_writer w;

    weir_writer_init(&w, &c->e->x->arena, 0);
    while (weir_blocks_next(&blocks, &b)) {
        weir_str piece = weir_text_to_utf8(&c->e->x->arena, b.text);

        if (b.kind != WEIR_BLOCK_TEXT || !piece.len)
            continue;
        if (w.len)
            weir_write_byte(&w, '\n');
        weir_write_bytes(&w, piece.ptr, piece.len);
    }
    return weir_writer_finish(&w, text);
}

/* A result must be an object: one that is none is put into one. */
static void tool_response(struct gem_contents *c, weir_str text, bool is_error)
{
    weir_writer *w = &c->e->w;
    const weir_json_service *json = c->e->cfg->json;
    weir_str plain = weir_str_trim(text);
    bool object = false;
    weir_json doc;

    weir_write_key(w, "response");
    if (plain.len && *plain.ptr == '{' && json)
        object = json->scan(&c->e->x->arena, plain, &doc, NULL) == WEIR_OK &&
                 weir_json_is_object(&doc, 0);
    if (object && !is_error) {
        weir_write_raw(w, plain);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, is_error ? "error" : "result");
    if (object)
        weir_write_raw(w, plain);
    else
        weir_write_string(w, text);
    weir_write_end_object(w);
}

/* Media of a result: within it, or behind it for models that do not look there. */
static weir_result tool_media(struct gem_contents *c, bool within)
{
    weir_blocks blocks = weir_blocks_of(c->e->doc, c->message);
    weir_writer *w = &c->e->w;
    bool any = false, written;
    weir_message_block b;

    for (c->at.subindex = 0; weir_blocks_next(&blocks, &b); c->at.subindex++) {
        uint32_t vendor = weir_json_path(c->e->doc, b.token, "vendor.gemini");

        if (b.media == WEIR_JSON_NONE) {
            if (b.kind != WEIR_BLOCK_TEXT && within)
                WEIR_TRY(gem_contents_dropped(c, "", "the Gemini API has no such part"));
            continue;
        }
        if (within && !any) {
            weir_write_key(w, "parts");
            weir_write_begin_array(w);
        }
        if (within)
            weir_write_begin_object(w);
        else
            gem_contents_part(c, "user");
        any = true;
        WEIR_TRY(gem_write_media(c->e, b.token, vendor, &c->at, &written));
        if (!written) {
            weir_write_key(w, "text");
            weir_write_literal(w, "");
        }
        weir_write_end_object(w);
    }
    if (within && any)
        weir_write_end_array(w);
    return WEIR_OK;
}

weir_result gem_contents_tool(struct gem_contents *c)
{
    struct gem_encoding *e = c->e;
    weir_text id = weir_json_text(e->doc, weir_json_find(e->doc, c->message, "tool_call_id"));
    weir_text name = tool_name(c);
    bool within = e->takes & GEM_MEDIA_IN_TOOLS, is_error = false;
    uint32_t vendor;
    weir_str text;

    weir_json_bool(e->doc, weir_json_find(e->doc, c->message, "is_error"), &is_error);
    c->at.sub = NULL;
    WEIR_TRY(gem_vendor(e, c->message, &c->at, &vendor));
    WEIR_TRY(tool_text(c, &text));
    if (!name.len) {
        WEIR_TRY(gem_contents_dropped(c, "tool_call_id", "no call before it has that id"));
        name = weir_text_from(WEIR_S("unknown"));
    }
    c->at.sub = "content";
    gem_contents_part(c, "user");
    weir_write_key(&e->w, "functionResponse");
    weir_write_begin_object(&e->w);
    if (gem_contents_known_id(id)) {
        weir_write_key(&e->w, "id");
        weir_write_text(&e->w, id);
    }
    weir_write_key(&e->w, "name");
    weir_write_text(&e->w, name);
    tool_response(c, text, is_error);
    if (within)
        WEIR_TRY(tool_media(c, true));
    gem_write_beside(e, vendor);
    weir_write_end_object(&e->w);
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

weir_result gem_contents_tool_media(struct gem_contents *c)
{
    c->at.sub = "content";
    return c->e->takes & GEM_MEDIA_IN_TOOLS ? WEIR_OK : tool_media(c, false);
}
