/*
 * translate_contents.c - systemInstruction and contents as canonical messages.
 *
 * A content of the user may hold results of tools beside what the user says: each result becomes a
 * message of its own. What the model said keeps its order.
 */
#include "gemini.h"

#include <weir/sdk/media.h>

/* The parts of a content, which may be one part without the list. */
static uint32_t parts_first(const weir_json *doc, uint32_t parts)
{
    return weir_json_is_object(doc, parts) ? parts : weir_json_first_item(doc, parts);
}

static uint32_t parts_next(const weir_json *doc, uint32_t parts, uint32_t part)
{
    return part == parts ? WEIR_JSON_NONE : weir_json_next(doc, parts, part);
}

#define EACH_PART(doc, parts, part)                                             \
    for (uint32_t part = parts_first((doc), (parts)); (part) != WEIR_JSON_NONE; \
         part = parts_next((doc), (parts), (part)))

static void contents_signature(struct gem_translation *t, uint32_t part)
{
    uint32_t signature = gem_find(t->doc, part, "thoughtSignature");

    if (!weir_json_is_string(t->doc, signature))
        return;
    weir_write_key(&t->w, "thought_signature");
    weir_write_value(&t->w, t->doc, signature);
}

static void contents_type(struct gem_translation *t, const char *type)
{
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, type);
}

/* -- Parts that both sides have --------------------------------------------------------------- */

static void part_text(struct gem_translation *t, uint32_t part, bool model)
{
    static const char *const known[] = { "text", "thoughtSignature", "thought", NULL };
    static const char *const known_user[] = { "text", "thoughtSignature", NULL };
    bool thought = false;

    weir_json_bool(t->doc, gem_find(t->doc, part, "thought"), &thought);
    weir_write_begin_object(&t->w);
    contents_type(t, model && thought ? "reasoning" : "text");
    weir_write_key(&t->w, "text");
    weir_write_text(&t->w, weir_json_text(t->doc, gem_find(t->doc, part, "text")));
    contents_signature(t, part);
    gem_write_vendor(&t->w, gem_members_but(&t->in->arena, t->doc, part,
                                            model || !thought ? known : known_user));
    weir_write_end_object(&t->w);
}

static void part_verbatim(struct gem_translation *t, uint32_t part, bool server_tool)
{
    weir_write_begin_object(&t->w);
    contents_type(t, server_tool ? "server_tool" : "opaque");
    weir_write_key(&t->w, "api");
    weir_write_literal(&t->w, "gemini");
    weir_write_key(&t->w, "block");
    weir_write_value(&t->w, t->doc, part);
    weir_write_end_object(&t->w);
}

/* `"key":"data:TYPE;base64,DATA"` */
static void media_data_url(struct gem_translation *t, const char *key, weir_str type, weir_str data)
{
    weir_write_key(&t->w, key);
    weir_write_byte(&t->w, '"');
    weir_write_bytes(&t->w, "data:", 5);
    weir_write_bytes(&t->w, type.ptr, type.len);
    weir_write_bytes(&t->w, ";base64,", 8);
    weir_write_bytes(&t->w, data.ptr, data.len);
    weir_write_byte(&t->w, '"');
    t->w.comma = true;
}

/* Begins {"type":NAME,NAME:{ */
static void media_open(struct gem_translation *t, const char *type)
{
    weir_write_begin_object(&t->w);
    contents_type(t, type);
    weir_write_key(&t->w, type);
    weir_write_begin_object(&t->w);
}

/* What stands beside the media, and in its object. */
static void media_close(struct gem_translation *t, uint32_t part, const char *name,
                        const char *const *inner_known)
{
    const char *const known[] = { "inlineData", "fileData", "thoughtSignature", NULL };
    uint32_t media = gem_find(t->doc, part, name);
    weir_str inner = gem_members_but(&t->in->arena, t->doc, media, inner_known), rest;
    weir_writer w;

    contents_signature(t, part);
    rest = gem_members_but(&t->in->arena, t->doc, part, known);
    weir_writer_init(&w, &t->in->arena, rest.len + inner.len + 32);
    weir_write_members(&w, rest);
    if (inner.len) {
        weir_write_key(&w, name);
        weir_write_begin_object(&w);
        weir_write_members(&w, inner);
        weir_write_end_object(&w);
    }
    weir_writer_finish(&w, &rest);
    gem_write_vendor(&t->w, rest);
    weir_write_end_object(&t->w);
}

/* Bytes of the user: a picture, a sound in one of the two forms that Chat Completions know, or a
 * file. Strings stay in the form they are in: base64 and media types hold no escapes that matter.
 */
static void media_inline_user(struct gem_translation *t, uint32_t part, uint32_t blob)
{
    static const char *const known[] = { "mimeType", "data", NULL };
    weir_str type = weir_json_inner(t->doc, gem_find(t->doc, blob, "mimeType"));
    uint32_t data = gem_find(t->doc, blob, "data");
    bool wav = weir_str_is(type, "audio/wav"), mp3 = weir_str_is(type, "audio/mp3");

    if (weir_media_kind(type) == WEIR_MEDIA_IMAGE) {
        media_open(t, "image_url");
        media_data_url(t, "url", type, weir_json_inner(t->doc, data));
    } else if (wav || mp3) {
        media_open(t, "input_audio");
        weir_write_key(&t->w, "data");
        weir_write_text(&t->w, weir_json_text(t->doc, data));
        weir_write_key(&t->w, "format");
        weir_write_literal(&t->w, wav ? "wav" : "mp3");
    } else {
        media_open(t, "file");
        media_data_url(t, "file_data", type, weir_json_inner(t->doc, data));
    }
    weir_write_end_object(&t->w);
    media_close(t, part, "inlineData", known);
}

/* The media type stays in the API's words: a URL has no place for it. */
static void media_file(struct gem_translation *t, uint32_t part, uint32_t file)
{
    static const char *const known[] = { "fileUri", NULL };
    weir_str type = weir_json_inner(t->doc, gem_find(t->doc, file, "mimeType"));
    bool image = weir_media_kind(type) == WEIR_MEDIA_IMAGE;

    media_open(t, image ? "image_url" : "file");
    weir_write_key(&t->w, image ? "url" : "file_url");
    weir_write_text(&t->w, weir_json_text(t->doc, gem_find(t->doc, file, "fileUri")));
    weir_write_end_object(&t->w);
    media_close(t, part, "fileData", known);
}

/* Bytes that the model made. */
static void media_inline_model(struct gem_translation *t, uint32_t part, uint32_t blob)
{
    static const char *const known[] = { "mimeType", "data", NULL };
    uint32_t type = gem_find(t->doc, blob, "mimeType");
    uint16_t kind = weir_media_kind(weir_json_inner(t->doc, type));

    weir_write_begin_object(&t->w);
    contents_type(t, kind == WEIR_MEDIA_IMAGE ? "image" : "audio");
    weir_write_key(&t->w, "source");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "media_type");
    weir_write_text(&t->w, weir_json_text(t->doc, type));
    weir_write_key(&t->w, "data");
    weir_write_text(&t->w, weir_json_text(t->doc, gem_find(t->doc, blob, "data")));
    weir_write_end_object(&t->w);
    media_close(t, part, "inlineData", known);
}

/* -- Parts of the user ------------------------------------------------------------------------ */

static void user_part(struct gem_translation *t, uint32_t part)
{
    const weir_json *doc = t->doc;
    uint32_t blob = gem_find(doc, part, "inlineData");
    uint32_t file = gem_find(doc, part, "fileData");
    bool thought = false;

    weir_json_bool(doc, gem_find(doc, part, "thought"), &thought);
    if (weir_json_is_string(doc, gem_find(doc, part, "text")))
        part_text(t, part, false);
    else if (weir_json_is_object(doc, blob) &&
             weir_json_inner(doc, gem_find(doc, blob, "mimeType")).len)
        media_inline_user(t, part, blob);
    else if (weir_json_is_string(doc, gem_find(doc, file, "fileUri")))
        media_file(t, part, file);
    else
        part_verbatim(t, part, false);
}

static void message_open(struct gem_translation *t, const char *role)
{
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "role");
    weir_write_literal(&t->w, role);
    weir_write_key(&t->w, "content");
}

static bool part_is_result(const weir_json *doc, uint32_t part)
{
    return weir_json_is_object(doc, gem_find(doc, part, "functionResponse"));
}

/* Whether a part is text and nothing else. */
static bool part_is_plain(const weir_json *doc, uint32_t part)
{
    return weir_json_count(doc, part) == 1 && weir_json_is_string(doc, gem_find(doc, part, "text"));
}

/* Parts from one on until a result comes, as one message. Returns where it stopped. */
static uint32_t user_message(struct gem_translation *t, uint32_t parts, uint32_t part)
{
    const weir_json *doc = t->doc;
    uint32_t next = parts_next(doc, parts, part);

    message_open(t, "user");
    if (part_is_plain(doc, part) && (next == WEIR_JSON_NONE || part_is_result(doc, next))) {
        weir_write_value(&t->w, doc, gem_find(doc, part, "text"));
        weir_write_end_object(&t->w);
        return next;
    }
    weir_write_begin_array(&t->w);
    while (part != WEIR_JSON_NONE && !part_is_result(doc, part)) {
        user_part(t, part);
        part = parts_next(doc, parts, part);
    }
    weir_write_end_array(&t->w);
    weir_write_end_object(&t->w);
    return part;
}

/* -- Calls and results ------------------------------------------------------------------------ */

/* An id for a call that has none: its place in the document. */
static void call_made_id(weir_writer *w, uint32_t call)
{
    char digits[WEIR_NUMBER_ROOM];

    weir_write_comma(w);
    weir_write_bytes(w, "\"" GEM_MADE_ID, 1 + strlen(GEM_MADE_ID));
    weir_write_bytes(w, digits, weir_number_print_uint64(digits, call));
    weir_write_byte(w, '"');
}

static void call_id(struct gem_translation *t, uint32_t call)
{
    weir_text id = weir_json_text(t->doc, gem_find(t->doc, call, "id"));

    if (id.len)
        weir_write_text(&t->w, id);
    else
        call_made_id(&t->w, call);
}

static bool call_is_named(const weir_json *doc, uint32_t call, weir_text name)
{
    return weir_text_equal(weir_json_text(doc, gem_find(doc, call, "name")), name);
}

/* How far to look for the call of a result that has no id: not many are made at once, and requests
 * of strangers must not cost more than their length. */
enum { RESULT_LOOK_MAX = 256 };

/* Of the results since the calls, how many of that name and without an id came before this one. */
static uint32_t result_number(const struct gem_translation *t, uint32_t result, weir_text name)
{
    const weir_json *doc = t->doc;
    uint32_t contents = t->contents, content = t->calls, n = 0, looked = 0;

    for (; content != WEIR_JSON_NONE && content < result && looked < RESULT_LOOK_MAX; looked++) {
        uint32_t parts = gem_find(doc, content, "parts");

        EACH_PART(doc, parts, part)
        {
            uint32_t other = gem_find(doc, part, "functionResponse");

            if (part > result || looked++ > RESULT_LOOK_MAX)
                break;
            if (other != WEIR_JSON_NONE && other < result && call_is_named(doc, other, name) &&
                !weir_json_text(doc, gem_find(doc, other, "id")).len)
                n++;
        }
        content = content == contents ? WEIR_JSON_NONE : weir_json_next(doc, contents, content);
    }
    return n;
}

/* The call that a result without an id answers: those of its name, in their order. */
static uint32_t result_call(const struct gem_translation *t, uint32_t result)
{
    const weir_json *doc = t->doc;
    weir_text name = weir_json_text(doc, gem_find(doc, result, "name"));
    uint32_t parts = gem_find(doc, t->calls, "parts");
    uint32_t number = result_number(t, result, name), found = WEIR_JSON_NONE, looked = 0;

    EACH_PART(doc, parts, part)
    {
        uint32_t call = gem_find(doc, part, "functionCall");

        if (looked++ > RESULT_LOOK_MAX)
            break;
        if (call == WEIR_JSON_NONE || !call_is_named(doc, call, name))
            continue;
        found = call;
        if (number-- == 0)
            break;
    }
    return found;
}

static void result_id(struct gem_translation *t, uint32_t result)
{
    weir_text id = weir_json_text(t->doc, gem_find(t->doc, result, "id"));
    uint32_t call;

    weir_write_key(&t->w, "tool_call_id");
    if (id.len) {
        weir_write_text(&t->w, id);
        return;
    }
    call = result_call(t, result);
    if (call == WEIR_JSON_NONE)
        call_made_id(&t->w, result);
    else
        call_id(t, call);
}

/* Whether a text would be read as an object when it comes back. */
static bool result_looks_like_object(const struct gem_translation *t, uint32_t text)
{
    weir_str plain = weir_str_trim(weir_json_str(t->doc, text, &t->in->arena));

    return plain.len && *plain.ptr == '{';
}

/* The text in {"result": text} or {"error": text}; NONE: the response is something else. */
static uint32_t result_wrapped(const struct gem_translation *t, uint32_t response, bool *error)
{
    uint32_t result = weir_json_find(t->doc, response, "result");
    uint32_t fault = weir_json_find(t->doc, response, "error");
    uint32_t text = result != WEIR_JSON_NONE ? result : fault;

    *error = false;
    if (weir_json_count(t->doc, response) != 1 || !weir_json_is_string(t->doc, text) ||
        result_looks_like_object(t, text))
        return WEIR_JSON_NONE;
    *error = text == fault;
    return text;
}

static void result_text(struct gem_translation *t, uint32_t response, bool *error)
{
    uint32_t text = result_wrapped(t, response, error);

    if (text != WEIR_JSON_NONE)
        weir_write_value(&t->w, t->doc, text);
    else
        weir_write_string(&t->w, weir_json_raw(t->doc, response));
}

static void result_message(struct gem_translation *t, uint32_t part)
{
    static const char *const known[] = { "id", "name", "response", "parts", NULL };
    const weir_json *doc = t->doc;
    uint32_t result = gem_find(doc, part, "functionResponse");
    uint32_t response = gem_find(doc, result, "response");
    uint32_t media = gem_find(doc, result, "parts");
    bool error = false;

    message_open(t, "tool");
    if (weir_json_count(doc, media)) {
        weir_write_begin_array(&t->w);
        weir_write_begin_object(&t->w);
        contents_type(t, "text");
        weir_write_key(&t->w, "text");
        result_text(t, response, &error);
        weir_write_end_object(&t->w);
        WEIR_JSON_EACH_ITEM(doc, media, item)
        {
            user_part(t, item);
        }
        weir_write_end_array(&t->w);
    } else {
        result_text(t, response, &error);
    }
    result_id(t, result);
    weir_write_key(&t->w, "name");
    weir_write_text(&t->w, weir_json_text(doc, gem_find(doc, result, "name")));
    if (error) {
        weir_write_key(&t->w, "is_error");
        weir_write_bool(&t->w, true);
    }
    gem_write_vendor(&t->w, gem_members_but(&t->in->arena, doc, result, known));
    weir_write_end_object(&t->w);
}

/* -- Parts of the model ----------------------------------------------------------------------- */

static void model_call(struct gem_translation *t, uint32_t part, uint32_t call)
{
    static const char *const known[] = { "functionCall", "thoughtSignature", "thought", NULL };
    uint32_t args = gem_find(t->doc, call, "args");

    weir_write_begin_object(&t->w);
    contents_type(t, "tool_call");
    weir_write_key(&t->w, "id");
    call_id(t, call);
    weir_write_key(&t->w, "name");
    weir_write_text(&t->w, weir_json_text(t->doc, gem_find(t->doc, call, "name")));
    weir_write_key(&t->w, "arguments");
    weir_write_string(&t->w, weir_json_is_object(t->doc, args) ? weir_json_raw(t->doc, args)
                                                               : WEIR_S("{}"));
    contents_signature(t, part);
    gem_write_vendor(&t->w, gem_members_but(&t->in->arena, t->doc, part, known));
    weir_write_end_object(&t->w);
}

static bool model_is_server_tool(const weir_json *doc, uint32_t part)
{
    static const char *const tools[] = { "executableCode", "codeExecutionResult", "toolCall",
                                         "toolResponse",   "functionResponse",    NULL };

    WEIR_JSON_EACH_MEMBER(doc, part, key, value)
    {
        (void)value;
        if (gem_key_listed(doc, key, tools))
            return true;
    }
    return false;
}

static void model_part(struct gem_translation *t, uint32_t part)
{
    const weir_json *doc = t->doc;
    uint32_t call = gem_find(doc, part, "functionCall");
    uint32_t blob = gem_find(doc, part, "inlineData");
    weir_str type = weir_json_inner(doc, gem_find(doc, blob, "mimeType"));
    bool thought = false;

    weir_json_bool(doc, gem_find(doc, part, "thought"), &thought);
    if (weir_json_is_object(doc, call) && gem_find(doc, call, "partialArgs") == WEIR_JSON_NONE)
        model_call(t, part, call);
    else if (weir_json_is_string(doc, gem_find(doc, part, "text")))
        part_text(t, part, true);
    else if (weir_media_kind(type) != WEIR_MEDIA_FILE && !thought)
        media_inline_model(t, part, blob);
    else
        part_verbatim(t, part, model_is_server_tool(doc, part));
}

static void model_message(struct gem_translation *t, uint32_t content, uint32_t parts)
{
    const weir_json *doc = t->doc;
    uint32_t first = parts_first(doc, parts);

    message_open(t, "assistant");
    if (first != WEIR_JSON_NONE && part_is_plain(doc, first) &&
        parts_next(doc, parts, first) == WEIR_JSON_NONE) {
        weir_write_value(&t->w, doc, gem_find(doc, first, "text"));
        weir_write_end_object(&t->w);
        return;
    }
    weir_write_begin_array(&t->w);
    EACH_PART(doc, parts, part)
    {
        if (weir_json_is_object(doc, gem_find(doc, part, "functionCall")))
            t->calls = content;
        model_part(t, part);
    }
    weir_write_end_array(&t->w);
    weir_write_end_object(&t->w);
}

/* -- Contents --------------------------------------------------------------------------------- */

static void contents_system(struct gem_translation *t)
{
    const weir_json *doc = t->doc;
    uint32_t system = gem_find(doc, t->root, "systemInstruction");
    uint32_t parts = gem_find(doc, system, "parts");
    uint32_t first = parts_first(doc, parts);

    if (weir_json_is_string(doc, system)) {
        message_open(t, "system");
        weir_write_value(&t->w, doc, system);
        weir_write_end_object(&t->w);
        return;
    }
    if (first == WEIR_JSON_NONE)
        return;
    message_open(t, "system");
    if (part_is_plain(doc, first) && parts_next(doc, parts, first) == WEIR_JSON_NONE) {
        weir_write_value(&t->w, doc, gem_find(doc, first, "text"));
    } else {
        weir_write_begin_array(&t->w);
        EACH_PART(doc, parts, part)
        {
            user_part(t, part);
        }
        weir_write_end_array(&t->w);
    }
    weir_write_end_object(&t->w);
}

/* Whether a content is results and nothing else. Google's own SDK gives those of MCP servers the
 * role of the model. */
static bool contents_are_results(const weir_json *doc, uint32_t parts)
{
    EACH_PART(doc, parts, part)
    {
        if (!part_is_result(doc, part))
            return false;
    }
    return parts_first(doc, parts) != WEIR_JSON_NONE;
}

static void contents_one(struct gem_translation *t, uint32_t content)
{
    const weir_json *doc = t->doc;
    uint32_t parts = gem_find(doc, content, "parts");
    uint32_t part = parts_first(doc, parts);

    if (weir_json_is(doc, gem_find(doc, content, "role"), "model") &&
        !contents_are_results(doc, parts)) {
        model_message(t, content, parts);
        return;
    }
    while (part != WEIR_JSON_NONE) {
        if (part_is_result(doc, part)) {
            result_message(t, part);
            part = parts_next(doc, parts, part);
        } else {
            part = user_message(t, parts, part);
        }
    }
}

weir_result gem_translate_contents(struct gem_translation *t)
{
    uint32_t contents = gem_find(t->doc, t->root, "contents");

    t->contents = contents;
    weir_write_key(&t->w, "messages");
    weir_write_begin_array(&t->w);
    contents_system(t);
    if (weir_json_is_object(t->doc, contents))
        contents_one(t, contents);
    WEIR_JSON_EACH_ITEM(t->doc, contents, content)
    {
        contents_one(t, content);
    }
    weir_write_end_array(&t->w);
    return WEIR_OK;
}
