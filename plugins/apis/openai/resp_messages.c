/*
 * resp_messages.c - `instructions` and `input` of a request as canonical messages.
 *
 * What the assistant made stands in several items here, and in one message there: its items are
 * gathered, in their order, until somebody else says something. Items that no other API has are
 * blocks of that message, verbatim.
 */
#include "responses.h"

/* A list of messages being written. */
struct messages {
    weir_writer *w;
    const weir_json *doc;
    bool said; /* the message of an assistant is open */
    bool text; /* its last block is part of a message */
};

static bool item_done_status(const weir_json *doc, uint32_t key, uint32_t value)
{
    return weir_json_is(doc, key, "status") && weir_json_is(doc, value, "completed");
}

static bool key_in(const weir_json *doc, uint32_t key, const char *const *names)
{
    for (; *names; names++) {
        if (weir_json_is(doc, key, *names))
            return true;
    }
    return false;
}

/* Members of `object` that are not among `names`, as members. Whether there were any. What is
 * empty, or says that an item is complete, says nothing. */
static bool rest_write(struct messages *m, uint32_t object, const char *const *names,
                       const char *open)
{
    const weir_json *doc = m->doc;
    bool any = false;

    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        if (key_in(doc, key, names) || item_done_status(doc, key, value) ||
            weir_json_is_null(doc, value) ||
            (weir_json_is_array(doc, value) && !weir_json_count(doc, value)))
            continue;
        if (!any && *open) {
            weir_write_members(m->w, weir_str_of(open));
            m->w->comma = false;
        }
        any = true;
        weir_write_key_text(m->w, weir_json_text(doc, key));
        weir_write_value(m->w, doc, value);
    }
    return any;
}

#define VENDOR_OPEN "\"vendor\":{\"" RESP_API "\":{"
#define ITEM_OPEN   VENDOR_OPEN "\"item\":{"

static void rest_vendor(struct messages *m, uint32_t object, const char *const *names)
{
    if (rest_write(m, object, names, VENDOR_OPEN))
        weir_write_bytes(m->w, "}}", 2);
}

static void rest_item(struct messages *m, uint32_t object, const char *const *names)
{
    if (rest_write(m, object, names, ITEM_OPEN))
        weir_write_bytes(m->w, "}}}", 3);
}

static void copy_as(struct messages *m, uint32_t object, const char *from, const char *to)
{
    uint32_t value = weir_json_find(m->doc, object, from);

    if (value == WEIR_JSON_NONE || weir_json_is_null(m->doc, value))
        return;
    weir_write_key(m->w, to);
    weir_write_value(m->w, m->doc, value);
}

static void block_type(struct messages *m, const char *type)
{
    weir_write_begin_object(m->w);
    weir_write_key(m->w, "type");
    weir_write_literal(m->w, type);
}

static void block_verbatim(struct messages *m, uint32_t item)
{
    uint32_t type = weir_json_find(m->doc, item, "type");
    bool runs = weir_str_mentions(weir_json_inner(m->doc, type), "_call");

    block_type(m, runs ? "server_tool" : "opaque");
    weir_write_key(m->w, "api");
    weir_write_literal(m->w, RESP_API);
    weir_write_key(m->w, "block");
    weir_write_value(m->w, m->doc, item);
    weir_write_end_object(m->w);
}

/* -- Parts of what others say ----------------------------------------------------------------- */

static void part_image(struct messages *m, uint32_t part)
{
    static const char *const known[] = { "type", "image_url", "detail", "file_id", NULL };

    block_type(m, "image_url");
    weir_write_key(m->w, "image_url");
    weir_write_begin_object(m->w);
    copy_as(m, part, "image_url", "url");
    copy_as(m, part, "detail", "detail");
    weir_write_end_object(m->w);
    copy_as(m, part, "file_id", "file_id");
    rest_vendor(m, part, known);
    weir_write_end_object(m->w);
}

static void part_file(struct messages *m, uint32_t part)
{
    static const char *const known[] = { "type",      "file_id",  "filename",
                                         "file_data", "file_url", NULL };

    block_type(m, "file");
    weir_write_key(m->w, "file");
    weir_write_begin_object(m->w);
    copy_as(m, part, "file_id", "file_id");
    copy_as(m, part, "filename", "filename");
    copy_as(m, part, "file_data", "file_data");
    copy_as(m, part, "file_url", "file_url");
    weir_write_end_object(m->w);
    rest_vendor(m, part, known);
    weir_write_end_object(m->w);
}

static void part_text(struct messages *m, uint32_t part)
{
    static const char *const known[] = { "type", "text", "annotations", NULL };

    block_type(m, "text");
    copy_as(m, part, "text", "text");
    rest_vendor(m, part, known);
    weir_write_end_object(m->w);
}

static void part_write(struct messages *m, uint32_t part)
{
    uint32_t type = weir_json_find(m->doc, part, "type");

    if (weir_json_is(m->doc, type, "input_image"))
        part_image(m, part);
    else if (weir_json_is(m->doc, type, "input_file"))
        part_file(m, part);
    else if (weir_json_is(m->doc, type, "input_audio"))
        weir_write_value(m->w, m->doc, part);
    else if (weir_json_is_string(m->doc, weir_json_find(m->doc, part, "text")))
        part_text(m, part);
    else
        block_verbatim(m, part);
}

static void content_write(struct messages *m, uint32_t content)
{
    weir_write_key(m->w, "content");
    if (!weir_json_is_array(m->doc, content)) {
        weir_write_text(m->w, weir_json_text(m->doc, content));
        return;
    }
    weir_write_begin_array(m->w);
    WEIR_JSON_EACH_ITEM(m->doc, content, part)
    {
        part_write(m, part);
    }
    weir_write_end_array(m->w);
}

/* -- What the assistant said ------------------------------------------------------------------ */

static void said_open(struct messages *m)
{
    if (m->said)
        return;
    m->said = true;
    m->text = false;
    weir_write_begin_object(m->w);
    weir_write_key(m->w, "role");
    weir_write_literal(m->w, "assistant");
    weir_write_key(m->w, "content");
    weir_write_begin_array(m->w);
}

static void said_close(struct messages *m)
{
    if (!m->said)
        return;
    m->said = false;
    weir_write_end_array(m->w);
    weir_write_end_object(m->w);
}

static void said_annotations(struct messages *m, uint32_t list)
{
    const weir_json *doc = m->doc;

    if (!weir_json_count(doc, list))
        return;
    weir_write_key(m->w, "annotations");
    weir_write_begin_array(m->w);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        resp_write_annotation(m->w, doc, item);
    }
    weir_write_end_array(m->w);
}

/* A part of a message; the first one holds what the message has beside. */
static void said_part(struct messages *m, uint32_t message, uint32_t part, bool first)
{
    static const char *const item[] = { "type", "role", "content", NULL };
    static const char *const known[] = { "type", "text", "refusal", "annotations", NULL };
    const weir_json *doc = m->doc;
    bool refusal = weir_json_is(doc, weir_json_find(doc, part, "type"), "refusal");

    block_type(m, refusal ? "refusal" : "text");
    if (weir_json_is_string(doc, part)) {
        weir_write_key(m->w, "text");
        weir_write_value(m->w, doc, part);
    } else {
        copy_as(m, part, refusal ? "refusal" : "text", refusal ? "refusal" : "text");
        said_annotations(m, weir_json_find(doc, part, "annotations"));
    }
    /* Two messages behind one another stay two. */
    if (first && rest_write(m, message, item, ITEM_OPEN)) {
        weir_write_bytes(m->w, "}", 1);
        m->w->comma = true;
        rest_write(m, part, known, "");
        weir_write_bytes(m->w, "}}", 2);
    } else if (first && m->text) {
        weir_write_members(m->w, WEIR_S(ITEM_OPEN "}"));
        rest_write(m, part, known, "");
        weir_write_bytes(m->w, "}}", 2);
    } else {
        rest_vendor(m, part, known);
    }
    weir_write_end_object(m->w);
    m->text = true;
}

static void said_message(struct messages *m, uint32_t message)
{
    uint32_t content = weir_json_find(m->doc, message, "content");
    bool first = true;

    said_open(m);
    if (!weir_json_is_string(m->doc, content) && !weir_json_count(m->doc, content)) {
        m->text = false;
        block_verbatim(m, message); /* it says nothing, and stands there nevertheless */
        return;
    }
    if (weir_json_is_string(m->doc, content))
        said_part(m, message, content, true);
    WEIR_JSON_EACH_ITEM(m->doc, content, part)
    {
        uint32_t text = weir_json_find(m->doc, part, "text");
        uint32_t refusal = weir_json_find(m->doc, part, "refusal");

        if (weir_json_is_string(m->doc, text) || weir_json_is_string(m->doc, refusal))
            said_part(m, message, part, first);
        else
            part_write(m, part);
        first = false;
    }
}

static void said_call(struct messages *m, uint32_t item, bool custom)
{
    static const char *const known[] = {
        "type", "id", "call_id", "name", "arguments", "input", NULL
    };

    said_open(m);
    m->text = false;
    block_type(m, "tool_call");
    copy_as(m, item, "call_id", "id");
    copy_as(m, item, "name", "name");
    copy_as(m, item, custom ? "input" : "arguments", "arguments");
    copy_as(m, item, "id", "item_id");
    if (custom) {
        weir_write_key(m->w, "custom");
        weir_write_bool(m->w, true);
    }
    rest_vendor(m, item, known);
    weir_write_end_object(m->w);
}

/* One text of a reasoning item. The first one has what belongs to the item. */
static void said_thought(struct messages *m, uint32_t item, uint32_t text, bool full, bool first)
{
    static const char *const known[] = { "type", "id", "summary", "content", "encrypted_content",
                                         NULL };

    block_type(m, "reasoning");
    weir_write_key(m->w, "text");
    weir_write_text(m->w, weir_json_text(m->doc, text));
    copy_as(m, item, "id", "item_id");
    if (first)
        copy_as(m, item, "encrypted_content", "encrypted_content");
    if (full) {
        weir_write_members(m->w, WEIR_S(VENDOR_OPEN "\"type\":\"reasoning_text\""));
        if (first && rest_write(m, item, known, "\"item\":{"))
            weir_write_bytes(m->w, "}", 1);
        weir_write_bytes(m->w, "}}", 2);
    } else if (first) {
        rest_item(m, item, known);
    }
    weir_write_end_object(m->w);
}

static void said_reasoning(struct messages *m, uint32_t item)
{
    bool first = true;

    said_open(m);
    m->text = false;
    WEIR_JSON_EACH_ITEM(m->doc, weir_json_find(m->doc, item, "summary"), part)
    {
        said_thought(m, item, weir_json_find(m->doc, part, "text"), false, first);
        first = false;
    }
    WEIR_JSON_EACH_ITEM(m->doc, weir_json_find(m->doc, item, "content"), part)
    {
        said_thought(m, item, weir_json_find(m->doc, part, "text"), true, first);
        first = false;
    }
    if (first)
        said_thought(m, item, WEIR_JSON_NONE, false, true);
}

/* -- Items ------------------------------------------------------------------------------------ */

static void item_plain(struct messages *m, uint32_t item)
{
    static const char *const known[] = { "type", "role", "content", NULL };

    said_close(m);
    weir_write_begin_object(m->w);
    copy_as(m, item, "role", "role");
    content_write(m, weir_json_find(m->doc, item, "content"));
    rest_vendor(m, item, known);
    weir_write_end_object(m->w);
}

static void item_result(struct messages *m, uint32_t item)
{
    static const char *const known[] = { "type", "call_id", "output", NULL };

    said_close(m);
    weir_write_begin_object(m->w);
    weir_write_key(m->w, "role");
    weir_write_literal(m->w, "tool");
    copy_as(m, item, "call_id", "tool_call_id");
    content_write(m, weir_json_find(m->doc, item, "output"));
    rest_vendor(m, item, known);
    weir_write_end_object(m->w);
}

static void item_write(struct messages *m, uint32_t item)
{
    const weir_json *doc = m->doc;
    uint32_t type = weir_json_find(doc, item, "type");
    uint32_t role = weir_json_find(doc, item, "role");
    bool message = type == WEIR_JSON_NONE || weir_json_is(doc, type, "message");

    if (message && weir_json_is(doc, role, "assistant"))
        said_message(m, item);
    else if (message && (weir_json_is(doc, role, "user") || weir_json_is(doc, role, "system") ||
                         weir_json_is(doc, role, "developer")))
        item_plain(m, item);
    else if (weir_json_is(doc, type, "function_call_output") ||
             weir_json_is(doc, type, "custom_tool_call_output"))
        item_result(m, item);
    else if (weir_json_is(doc, type, "function_call"))
        said_call(m, item, false);
    else if (weir_json_is(doc, type, "custom_tool_call"))
        said_call(m, item, true);
    else if (weir_json_is(doc, type, "reasoning"))
        said_reasoning(m, item);
    else {
        said_open(m);
        m->text = false;
        block_verbatim(m, item);
    }
}

static void write_message(weir_writer *w, const char *role, const weir_json *doc, uint32_t text)
{
    weir_write_begin_object(w);
    weir_write_key(w, "role");
    weir_write_literal(w, role);
    weir_write_key(w, "content");
    weir_write_value(w, doc, text);
    weir_write_end_object(w);
}

weir_result resp_translate_input(weir_writer *w, const weir_json *doc)
{
    uint32_t instructions = weir_json_find(doc, 0, "instructions");
    uint32_t input = weir_json_find(doc, 0, "input");
    struct messages m = { w, doc, false, false };

    weir_write_key(w, "messages");
    weir_write_begin_array(w);
    if (weir_json_is_string(doc, instructions))
        write_message(w, "system", doc, instructions);
    if (weir_json_is_string(doc, input))
        write_message(w, "user", doc, input);
    WEIR_JSON_EACH_ITEM(doc, input, item)
    {
        item_write(&m, item);
    }
    said_close(&m);
    weir_write_end_array(w);
    return WEIR_OK;
}
