/*
 * translate_messages.c - system, user and assistant messages in canonical form.
 *
 * Results of tools become messages of their own, before what the user says beside them. An
 * assistant's blocks stay in order where order or opaque state would be lost; else the plain form
 * says the same.
 */
#include "translate.h"

#include <weir/sdk/base64.h>

static const weir_str nothing = { "", 0 };

static void member_literal(struct translation *t, const char *key, const char *value)
{
    weir_write_key(&t->w, key);
    weir_write_literal(&t->w, value);
}

static bool block_is(const struct translation *t, uint32_t block, const char *type)
{
    return weir_json_is(t->doc, weir_json_find(t->doc, block, "type"), type);
}

/* A block that only Anthropic can read. */
static void write_verbatim(struct translation *t, uint32_t block, const char *type)
{
    weir_write_begin_object(&t->w);
    member_literal(t, "type", type);
    member_literal(t, "api", "anthropic");
    weir_write_key(&t->w, "block");
    weir_write_value(&t->w, t->doc, block);
    weir_write_end_object(&t->w);
}

/* What ends every part: cache_control and the members that are not known. */
static void part_end(struct translation *t, uint32_t block, const char *const *known)
{
    ant_translate_member(t, block, "cache_control", "cache_control");
    ant_translate_rest(t, block, known, nothing);
    weir_write_end_object(&t->w);
}

/* -- Parts of the user ------------------------------------------------------------------------ */

static void write_text_part(struct translation *t, uint32_t block)
{
    static const char *const known[] = { "type", "text", "cache_control", NULL };

    weir_write_begin_object(&t->w);
    member_literal(t, "type", "text");
    weir_write_key(&t->w, "text");
    weir_write_text(&t->w, weir_json_text(t->doc, weir_json_find(t->doc, block, "text")));
    part_end(t, block, known);
}

/* The inside of a text as it is escaped already, or not. */
static void write_inside(weir_writer *w, weir_text text)
{
    if (text.form == WEIR_FORM_JSON)
        weir_write_bytes(w, text.ptr, text.len);
    else
        weir_write_escaped(w, text.ptr, text.len);
}

/* "data:TYPE;base64,DATA" */
static void write_data_url(struct translation *t, weir_text type, weir_text data)
{
    weir_write_comma(&t->w);
    weir_write_bytes(&t->w, "\"data:", 6);
    write_inside(&t->w, type);
    weir_write_bytes(&t->w, ";base64,", 8);
    write_inside(&t->w, data);
    weir_write_byte(&t->w, '"');
}

/* The address or the bytes of a source. False: it has neither. */
static bool write_source(struct translation *t, uint32_t source, const char *url_key,
                         const char *data_key)
{
    weir_text url = weir_json_text(t->doc, weir_json_find(t->doc, source, "url"));
    weir_text type = weir_json_text(t->doc, weir_json_find(t->doc, source, "media_type"));
    weir_text data = weir_json_text(t->doc, weir_json_find(t->doc, source, "data"));

    if (url.len) {
        weir_write_key(&t->w, url_key);
        weir_write_text(&t->w, url);
        return true;
    }
    weir_write_key(&t->w, data_key);
    write_data_url(t, type, data);
    return true;
}

static bool source_is(const struct translation *t, uint32_t source, const char *type)
{
    return block_is(t, source, type) &&
           (weir_json_text(t->doc, weir_json_find(t->doc, source, "url")).len ||
            weir_json_text(t->doc, weir_json_find(t->doc, source, "data")).len);
}

static void write_image(struct translation *t, uint32_t block)
{
    static const char *const known[] = { "type", "source", "cache_control", NULL };
    uint32_t source = weir_json_find(t->doc, block, "source");

    if (!source_is(t, source, "base64") && !source_is(t, source, "url")) {
        write_verbatim(t, block, "opaque"); /* a file, which is its provider's */
        return;
    }
    weir_write_begin_object(&t->w);
    member_literal(t, "type", "image_url");
    weir_write_key(&t->w, "image_url");
    weir_write_begin_object(&t->w);
    write_source(t, source, "url", "url");
    weir_write_end_object(&t->w);
    part_end(t, block, known);
}

/* Text as a data URL, the form that files have. */
static bool write_text_file(struct translation *t, uint32_t source)
{
    weir_str text = weir_json_str(t->doc, weir_json_find(t->doc, source, "data"), t->arena);
    size_t len = weir_base64_size(text.len);
    char *data = (char *)t->arena->alloc(t->arena->owner, len ? len : 1);

    if (!data)
        return false;
    weir_base64_encode((const unsigned char *)text.ptr, text.len, data);
    weir_write_key(&t->w, "file_data");
    write_data_url(t, weir_text_from(WEIR_S("text/plain")),
                   weir_text_from(weir_str_make(data, len)));
    return true;
}

static void write_document(struct translation *t, uint32_t block)
{
    static const char *const known[] = { "type", "source", "title", "cache_control", NULL };
    uint32_t source = weir_json_find(t->doc, block, "source");
    bool text = source_is(t, source, "text");
    bool file = block_is(t, source, "file");

    if (!text && !file && !source_is(t, source, "base64") && !source_is(t, source, "url")) {
        write_verbatim(t, block, "opaque");
        return;
    }
    weir_write_begin_object(&t->w);
    member_literal(t, "type", "file");
    weir_write_key(&t->w, "file");
    weir_write_begin_object(&t->w);
    ant_translate_member(t, block, "title", "filename");
    if (file)
        ant_translate_member(t, source, "file_id", "file_id");
    else if (text)
        write_text_file(t, source);
    else
        write_source(t, source, "file_url", "file_data");
    weir_write_end_object(&t->w);
    part_end(t, block, known);
}

static void write_part(struct translation *t, uint32_t block)
{
    if (block_is(t, block, "text"))
        write_text_part(t, block);
    else if (block_is(t, block, "image"))
        write_image(t, block);
    else if (block_is(t, block, "document"))
        write_document(t, block);
    else
        write_verbatim(t, block, "opaque");
}

/* -- Results of tools ------------------------------------------------------------------------- */

static void write_result(struct translation *t, uint32_t block)
{
    static const char *const known[] = { "type",     "tool_use_id",   "content",
                                         "is_error", "cache_control", NULL };
    uint32_t content = weir_json_find(t->doc, block, "content");
    bool failed = false;

    weir_write_begin_object(&t->w);
    member_literal(t, "role", "tool");
    ant_translate_member(t, block, "tool_use_id", "tool_call_id");
    weir_write_key(&t->w, "content");
    if (weir_json_is_array(t->doc, content)) {
        weir_write_begin_array(&t->w);
        WEIR_JSON_EACH_ITEM(t->doc, content, part)
        {
            write_part(t, part);
        }
        weir_write_end_array(&t->w);
    } else {
        weir_write_text(&t->w, weir_json_text(t->doc, content));
    }
    weir_json_bool(t->doc, weir_json_find(t->doc, block, "is_error"), &failed);
    if (failed) {
        weir_write_key(&t->w, "is_error");
        weir_write_bool(&t->w, true);
    }
    part_end(t, block, known);
}

/* -- Messages --------------------------------------------------------------------------------- */

static const char *const message_known[] = { "role", "content", NULL };

/* A message of user or system: what is no result of a tool. */
static void write_parts(struct translation *t, uint32_t message, const char *role)
{
    uint32_t content = weir_json_find(t->doc, message, "content");

    weir_write_begin_object(&t->w);
    member_literal(t, "role", role);
    weir_write_key(&t->w, "content");
    if (weir_json_is_array(t->doc, content)) {
        weir_write_begin_array(&t->w);
        WEIR_JSON_EACH_ITEM(t->doc, content, block)
        {
            if (!block_is(t, block, "tool_result"))
                write_part(t, block);
        }
        weir_write_end_array(&t->w);
    } else {
        weir_write_value(&t->w, t->doc, content);
    }
    ant_translate_rest(t, message, message_known, nothing);
    weir_write_end_object(&t->w);
}

static void translate_user(struct translation *t, uint32_t message)
{
    uint32_t content = weir_json_find(t->doc, message, "content");
    bool says = !weir_json_count(t->doc, content);

    WEIR_JSON_EACH_ITEM(t->doc, content, block)
    {
        if (block_is(t, block, "tool_result"))
            write_result(t, block);
        else
            says = true;
    }
    if (says)
        write_parts(t, message, "user");
}

/* Whether the plain form says all that an assistant's blocks say. */
static bool assistant_is_plain(const struct translation *t, uint32_t content)
{
    static const char *const text_known[] = { "type", "text", NULL };
    static const char *const call_known[] = { "type", "id", "name", "input", NULL };
    bool called = false;

    WEIR_JSON_EACH_ITEM(t->doc, content, block)
    {
        bool call = block_is(t, block, "tool_use");

        if (!call && (called || !block_is(t, block, "text")))
            return false;
        called = called || call;
        WEIR_JSON_EACH_MEMBER(t->doc, block, key, value)
        {
            const char *const *known = call ? call_known : text_known;
            bool found = weir_json_is_null(t->doc, value);

            for (; *known && !found; known++)
                found = weir_json_is(t->doc, key, *known);
            if (!found)
                return false;
        }
    }
    return true;
}

/* The input of a call: JSON inside a string. */
static void write_arguments(struct translation *t, uint32_t block)
{
    uint32_t input = weir_json_find(t->doc, block, "input");

    weir_write_key(&t->w, "arguments");
    if (weir_json_is_object(t->doc, input))
        weir_write_string(&t->w, weir_json_raw(t->doc, input));
    else
        weir_write_literal(&t->w, "{}");
}

static void assistant_plain(struct translation *t, uint32_t content)
{
    uint32_t texts = 0, calls = 0;

    WEIR_JSON_EACH_ITEM(t->doc, content, block)
    {
        texts += block_is(t, block, "text");
        calls += block_is(t, block, "tool_use");
    }
    weir_write_key(&t->w, "content");
    if (texts == 1) {
        uint32_t text = weir_json_find(t->doc, weir_json_first_item(t->doc, content), "text");

        weir_write_text(&t->w, weir_json_text(t->doc, text));
    } else if (texts) {
        weir_write_begin_array(&t->w);
        WEIR_JSON_EACH_ITEM(t->doc, content, block)
        {
            if (block_is(t, block, "text"))
                write_text_part(t, block);
        }
        weir_write_end_array(&t->w);
    } else {
        weir_write_null(&t->w);
    }
    if (!calls)
        return;
    weir_write_key(&t->w, "tool_calls");
    weir_write_begin_array(&t->w);
    WEIR_JSON_EACH_ITEM(t->doc, content, call)
    {
        if (!block_is(t, call, "tool_use"))
            continue;
        weir_write_begin_object(&t->w);
        ant_translate_member(t, call, "id", "id");
        member_literal(t, "type", "function");
        weir_write_key(&t->w, "function");
        weir_write_begin_object(&t->w);
        ant_translate_member(t, call, "name", "name");
        write_arguments(t, call);
        weir_write_end_object(&t->w);
        weir_write_end_object(&t->w);
    }
    weir_write_end_array(&t->w);
}

static void write_thought(struct translation *t, uint32_t block, bool redacted)
{
    static const char *const known[] = { "type", "thinking",      "signature",
                                         "data", "cache_control", NULL };

    weir_write_begin_object(&t->w);
    member_literal(t, "type", "reasoning");
    weir_write_key(&t->w, "text");
    weir_write_text(&t->w, weir_json_text(t->doc, weir_json_find(t->doc, block, "thinking")));
    if (redacted)
        ant_translate_member(t, block, "data", "redacted_data");
    else if (weir_json_text(t->doc, weir_json_find(t->doc, block, "signature")).len)
        ant_translate_member(t, block, "signature", "signature");
    part_end(t, block, known);
}

static void write_call(struct translation *t, uint32_t block)
{
    static const char *const known[] = { "type", "id", "name", "input", "cache_control", NULL };

    weir_write_begin_object(&t->w);
    member_literal(t, "type", "tool_call");
    ant_translate_member(t, block, "id", "id");
    ant_translate_member(t, block, "name", "name");
    write_arguments(t, block);
    part_end(t, block, known);
}

static void assistant_block(struct translation *t, uint32_t block)
{
    weir_str type = weir_json_inner(t->doc, weir_json_find(t->doc, block, "type"));

    if (weir_str_is(type, "text"))
        write_text_part(t, block);
    else if (weir_str_is(type, "thinking"))
        write_thought(t, block, false);
    else if (weir_str_is(type, "redacted_thinking"))
        write_thought(t, block, true);
    else if (weir_str_is(type, "tool_use"))
        write_call(t, block);
    else
        write_verbatim(t, block,
                       weir_str_ends(type, "_tool_use") || weir_str_ends(type, "_tool_result")
                           ? "server_tool"
                           : "opaque");
}

static void translate_assistant(struct translation *t, uint32_t message)
{
    uint32_t content = weir_json_find(t->doc, message, "content");

    weir_write_begin_object(&t->w);
    member_literal(t, "role", "assistant");
    if (!weir_json_is_array(t->doc, content)) {
        weir_write_key(&t->w, "content");
        weir_write_value(&t->w, t->doc, content);
    } else if (assistant_is_plain(t, content)) {
        assistant_plain(t, content);
    } else {
        weir_write_key(&t->w, "content");
        weir_write_begin_array(&t->w);
        WEIR_JSON_EACH_ITEM(t->doc, content, block)
        {
            assistant_block(t, block);
        }
        weir_write_end_array(&t->w);
    }
    ant_translate_rest(t, message, message_known, nothing);
    weir_write_end_object(&t->w);
}

static void translate_system(struct translation *t)
{
    uint32_t system = weir_json_find(t->doc, 0, "system");

    if (!weir_json_is_string(t->doc, system) && !weir_json_count(t->doc, system))
        return;
    weir_write_begin_object(&t->w);
    member_literal(t, "role", "system");
    weir_write_key(&t->w, "content");
    if (weir_json_is_string(t->doc, system)) {
        weir_write_value(&t->w, t->doc, system);
    } else {
        weir_write_begin_array(&t->w);
        WEIR_JSON_EACH_ITEM(t->doc, system, block)
        {
            write_part(t, block);
        }
        weir_write_end_array(&t->w);
    }
    weir_write_end_object(&t->w);
}

void ant_translate_messages(struct translation *t)
{
    weir_write_key(&t->w, "messages");
    weir_write_begin_array(&t->w);
    translate_system(t);
    WEIR_JSON_EACH_ITEM(t->doc, weir_json_find(t->doc, 0, "messages"), message)
    {
        uint32_t role = weir_json_find(t->doc, message, "role");

        if (weir_json_is(t->doc, role, "assistant"))
            translate_assistant(t, message);
        else if (weir_json_is(t->doc, role, "system"))
            write_parts(t, message, "system");
        else
            translate_user(t, message);
    }
    weir_write_end_array(&t->w);
}
