/*
 * resp_input.c - canonical messages as `instructions` and the items of `input`.
 *
 * A message of somebody else than the assistant is one item; resp_said.c has the others.
 */
#include "responses.h"

#include <weir/sdk/blocks.h>
#include <weir/sdk/media.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

weir_result resp_input_dropped(const struct resp_encode *r, const char *what, const char *why)
{
    return resp_dropped(r, "messages", r->number, what, why);
}

static void input_string(weir_writer *w, const char *key, weir_str value)
{
    if (!value.len)
        return;
    weir_write_key(w, key);
    weir_write_string(w, value);
}

/* "data:TYPE;base64,DATA" */
static void input_data_url(weir_writer *w, const char *key, const weir_media *m, const char *type)
{
    weir_write_key(w, key);
    weir_write_comma(w);
    weir_write_bytes(w, "\"data:", 6);
    if (m->type.len)
        weir_write_escaped(w, m->type.ptr, m->type.len);
    else
        weir_write_bytes(w, type, strlen(type));
    weir_write_bytes(w, ";base64,", 8);
    weir_write_escaped(w, m->data.ptr, m->data.len);
    weir_write_byte(w, '"');
}

/* What a part has beside what it is, and this API has as well. */
static void input_beside(struct resp_encode *r, uint32_t part)
{
    uint32_t mark = weir_json_find(r->doc, part, "prompt_cache_breakpoint");

    if (mark != WEIR_JSON_NONE) {
        weir_write_key(r->w, "prompt_cache_breakpoint");
        weir_write_value(r->w, r->doc, mark);
    }
    resp_merge(r->w, r->doc, part);
}

static void input_image(struct resp_encode *r, uint32_t part, const weir_media *m)
{
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "input_image");
    if (m->data.len)
        input_data_url(r->w, "image_url", m, "image/png");
    else
        input_string(r->w, "image_url", m->url);
    input_string(r->w, "file_id", m->file_id);
    if (weir_json_is_string(r->doc, m->detail)) {
        weir_write_key(r->w, "detail");
        weir_write_value(r->w, r->doc, m->detail);
    }
    input_beside(r, part);
    weir_write_end_object(r->w);
}

static void input_file(struct resp_encode *r, uint32_t part, const weir_media *m)
{
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "input_file");
    input_string(r->w, "file_id", m->file_id);
    input_string(r->w, "file_url", m->url);
    input_string(r->w, "filename", m->name);
    if (m->data.len) {
        if (!m->name.len) {
            weir_write_key(r->w, "filename");
            weir_write_literal(r->w, "file.pdf");
        }
        input_data_url(r->w, "file_data", m, "application/pdf");
    }
    input_beside(r, part);
    weir_write_end_object(r->w);
}

static void input_audio(struct resp_encode *r, uint32_t part, const weir_media *m)
{
    uint32_t audio = weir_json_find(r->doc, part, "input_audio");

    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "input_audio");
    weir_write_key(r->w, "input_audio");
    if (weir_json_is_object(r->doc, audio)) {
        weir_write_value(r->w, r->doc, audio);
    } else {
        weir_write_begin_object(r->w);
        input_string(r->w, "data", m->data);
        input_string(r->w, "format", weir_str_skip(m->type, strlen("audio/")));
        weir_write_end_object(r->w);
    }
    resp_merge(r->w, r->doc, part);
    weir_write_end_object(r->w);
}

static void input_text(struct resp_encode *r, uint32_t part, weir_text text)
{
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "input_text");
    weir_write_key(r->w, "text");
    weir_write_text(r->w, text);
    input_beside(r, part);
    weir_write_end_object(r->w);
}

/* Media of a part; an image may have a file_id beside, or in place of, its url. */
static bool input_media(struct resp_encode *r, uint32_t part, weir_media *m)
{
    uint32_t image = weir_json_find(r->doc, part, "image_url");
    bool found = weir_media_read(r->doc, part, m, &r->x->arena);

    if (weir_json_is_object(r->doc, image) && !m->file_id.len) {
        m->file_id = weir_json_str(r->doc, weir_json_find(r->doc, image, "file_id"), &r->x->arena);
        if (!m->file_id.len)
            m->file_id =
                weir_json_str(r->doc, weir_json_find(r->doc, part, "file_id"), &r->x->arena);
        if (m->file_id.len)
            m->kind = WEIR_MEDIA_IMAGE;
    }
    return found || m->file_id.len;
}

/* A part that only another API has. */
weir_result resp_input_foreign(const struct resp_encode *r, uint32_t part)
{
    const char *why = weir_vendor_why(&r->x->arena, r->doc, part);

    return why ? resp_input_dropped(r, "content", why) : WEIR_NO_MEMORY;
}

/* A part of a message, or of a tool's result. */
static weir_result input_part(struct resp_encode *r, uint32_t part)
{
    uint32_t text = weir_json_find(r->doc, part, "text");
    weir_media m;

    if (weir_json_is_string(r->doc, part)) {
        input_text(r, part, weir_json_text(r->doc, part));
        return WEIR_OK;
    }
    if (weir_json_is_string(r->doc, text)) {
        input_text(r, part, weir_json_text(r->doc, text));
        return WEIR_OK;
    }
    if (weir_json_is(r->doc, weir_json_find(r->doc, part, "api"), RESP_API) && !r->x->foreign) {
        weir_write_value(r->w, r->doc, weir_json_find(r->doc, part, "block"));
        return WEIR_OK;
    }
    if (weir_json_find(r->doc, part, "api") != WEIR_JSON_NONE)
        return resp_input_foreign(r, part);
    if (!input_media(r, part, &m))
        return resp_input_dropped(r, "content", "the Responses API has no such part");
    if (m.file_id.len && r->x->foreign)
        return resp_input_dropped(r, "content", "a file of another provider");
    if (m.kind == WEIR_MEDIA_AUDIO && !m.data.len)
        return resp_input_dropped(r, "content", "the Responses API takes audio as bytes only");
    if (m.kind == WEIR_MEDIA_IMAGE)
        input_image(r, part, &m);
    else if (m.kind == WEIR_MEDIA_AUDIO)
        input_audio(r, part, &m);
    else
        input_file(r, part, &m);
    return WEIR_OK;
}

static weir_result input_content(struct resp_encode *r, const char *key, uint32_t content)
{
    weir_write_key(r->w, key);
    if (!weir_json_is_array(r->doc, content)) {
        weir_write_text(r->w, weir_json_text(r->doc, content));
        return WEIR_OK;
    }
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(r->doc, content, part)
    {
        WEIR_TRY(input_part(r, part));
    }
    weir_write_end_array(r->w);
    return WEIR_OK;
}

static weir_result input_plain(struct resp_encode *r)
{
    uint32_t role = weir_json_find(r->doc, r->message, "role");

    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "message");
    weir_write_key(r->w, "role");
    weir_write_text(r->w, weir_json_text(r->doc, role));
    WEIR_TRY(input_content(r, "content", weir_json_find(r->doc, r->message, "content")));
    resp_merge(r->w, r->doc, r->message);
    weir_write_end_object(r->w);
    return WEIR_OK;
}

/* -- Results of tools ------------------------------------------------------------------------- */

/* Whether the call that a result belongs to was one to a custom tool. */
static bool result_is_custom(const struct resp_encode *r, weir_text id)
{
    if (!r->custom)
        return false;
    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, 0, "messages"), message)
    {
        weir_blocks blocks = weir_blocks_of(r->doc, message);
        weir_message_block b;

        if (message == r->message)
            return false;
        if (!weir_json_is(r->doc, weir_json_find(r->doc, message, "role"), "assistant"))
            continue;
        while (weir_blocks_next(&blocks, &b)) {
            if (b.kind == WEIR_BLOCK_TOOL_CALL && b.custom && weir_text_equal(b.id, id))
                return true;
        }
    }
    return false;
}

static weir_result input_result(struct resp_encode *r)
{
    const weir_json *doc = r->doc;
    uint32_t id = weir_json_find(doc, r->message, "tool_call_id");
    bool is_error = false;

    if (!weir_json_is_string(doc, id)) /* the old spelling has a name instead */
        id = weir_json_find(doc, r->message, "name");
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, result_is_custom(r, weir_json_text(doc, id))
                                 ? "custom_tool_call_output"
                                 : "function_call_output");
    weir_write_key(r->w, "call_id");
    weir_write_text(r->w, weir_json_text(doc, id));
    WEIR_TRY(input_content(r, "output", weir_json_find(doc, r->message, "content")));
    resp_merge(r->w, doc, r->message);
    weir_write_end_object(r->w);
    weir_json_bool(doc, weir_json_find(doc, r->message, "is_error"), &is_error);
    if (is_error)
        return resp_input_dropped(r, "is_error", "the Responses API does not mark failed tools");
    return WEIR_OK;
}

/* -- All of it -------------------------------------------------------------------------------- */

/* The text of a system message that comes first is what `instructions` are. */
static bool input_instructions(struct resp_encode *r, uint32_t message)
{
    uint32_t content = weir_json_find(r->doc, message, "content");

    if (r->number || !weir_json_is(r->doc, weir_json_find(r->doc, message, "role"), "system") ||
        !weir_json_is_string(r->doc, content) ||
        weir_json_find(r->doc, message, "vendor") != WEIR_JSON_NONE)
        return false;
    weir_write_key(r->w, "instructions");
    weir_write_value(r->w, r->doc, content);
    return true;
}

static weir_result input_message(struct resp_encode *r)
{
    uint32_t role = weir_json_find(r->doc, r->message, "role");

    if (weir_json_is(r->doc, role, "assistant"))
        return resp_write_said(r);
    if (weir_json_is(r->doc, role, "tool") || weir_json_is(r->doc, role, "function"))
        return input_result(r);
    return input_plain(r);
}

/* Members of a part that are not written, nor told elsewhere. What an assistant said takes no mark
 * for the cache. */
static weir_result input_tell_part(const struct resp_encode *r, weir_str at, uint32_t part)
{
    bool said = weir_json_is(r->doc, weir_json_find(r->doc, r->message, "role"), "assistant");
    static const weir_str known[] = {
        { "type", 4 },         { "text", 4 },         { "refusal", 7 }, { "image_url", 9 },
        { "file_id", 7 },      { "input_audio", 11 }, { "file", 4 },    { "source", 6 },
        { "annotations", 11 }, { "id", 2 },           { "name", 4 },    { "arguments", 9 },
        { "function", 8 },     { "custom", 6 },       { "item_id", 7 }, { "encrypted_content", 17 },
        { "api", 3 },          { "block", 5 },        { "vendor", 6 },  { "cache_control", 13 },
    };

    WEIR_JSON_EACH_MEMBER(r->doc, part, key, value)
    {
        weir_str name;
        const char *tail;

        if (weir_json_is_null(r->doc, value) ||
            (!said && weir_json_is(r->doc, key, "prompt_cache_breakpoint")) ||
            weir_json_key_in(r->doc, key, known, sizeof(known) / sizeof(known[0])))
            continue;
        name = weir_json_str(r->doc, key, &r->x->arena);
        tail = weir_pointer_tail(&r->x->arena, &name, 1);
        if (!tail)
            return WEIR_NO_MEMORY;
        WEIR_TRY(oai_drop(r->x, r->out, at, weir_str_of(tail),
                          "the Responses API has no such member there"));
    }
    return WEIR_OK;
}

/* What a message has beside that, and is not written. */
static weir_result input_tell(const struct resp_encode *r)
{
    uint32_t role = weir_json_find(r->doc, r->message, "role"), number = 0;
    bool result = weir_json_is(r->doc, role, "tool") || weir_json_is(r->doc, role, "function");
    weir_str at = oai_at(r->x, WEIR_S(""), "messages", r->number);

    if (!r->out)
        return WEIR_OK;
    if (!at.ptr)
        return WEIR_NO_MEMORY;
    if (!result && weir_json_is_string(r->doc, weir_json_find(r->doc, r->message, "name")))
        WEIR_TRY(oai_drop(r->x, r->out, at, WEIR_S("name"),
                          "messages of the Responses API have no names"));
    WEIR_TRY(oai_drop_extensions(r->x, r->out, at, r->message, RESP_API));
    if (weir_json_find(r->doc, r->message, "reasoning_details") != WEIR_JSON_NONE)
        WEIR_TRY(oai_drop(r->x, r->out, at, WEIR_S("reasoning_details"), "another API's own"));
    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, r->message, "content"), part)
    {
        weir_str place = oai_at(r->x, at, "content", number++);

        if (!place.ptr)
            return WEIR_NO_MEMORY;
        WEIR_TRY(oai_drop_extensions(r->x, r->out, place, part, RESP_API));
        WEIR_TRY(input_tell_part(r, place, part));
    }
    return WEIR_OK;
}

weir_result resp_write_input(struct resp_encode *r)
{
    uint32_t messages = weir_json_find(r->doc, 0, "messages");
    uint32_t first = weir_json_first_item(r->doc, messages);
    uint32_t skip = WEIR_JSON_NONE;

    r->number = 0;
    if (weir_json_item(r->doc, messages, 1) != WEIR_JSON_NONE && input_instructions(r, first))
        skip = first;
    weir_write_key(r->w, "input");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(r->doc, messages, message)
    {
        r->message = message;
        if (message != skip)
            WEIR_TRY(input_message(r));
        WEIR_TRY(input_tell(r));
        r->number++;
    }
    weir_write_end_array(r->w);
    return WEIR_OK;
}
