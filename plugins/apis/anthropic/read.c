/*
 * read.c - the facts of a messages or count request, in one pass; no text is looked into.
 *
 * The input estimate follows canonical.md: a token for every four bytes of text as it stands in the
 * JSON, and fixed amounts for messages, images and documents.
 */
#include "anthropic.h"

#include <weir/sdk/reading.h>

/* What is opaque anywhere inside a block. */
static weir_result read_inside(const weir_reading *r, uint32_t value)
{
    static const char *const keys[] = { "encrypted_content", "encrypted_index", "encrypted_stdout",
                                        "signature" };
    const weir_json *doc = r->doc;

    for (uint32_t i = value; i < doc->tok[value].next; i++) {
        if (!(doc->tok[i].flags & WEIR_TOKEN_KEY))
            continue;
        if (weir_json_is(doc, i, "file_id"))
            WEIR_TRY(weir_reading_opaque(r, i + 1, true));
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            if (weir_json_is(doc, i, keys[k]))
                WEIR_TRY(weir_reading_opaque(r, i + 1, false));
        }
    }
    return WEIR_OK;
}

static weir_result read_content(weir_reading *r, uint32_t content, unsigned depth);

static weir_result read_block(weir_reading *r, uint32_t block, unsigned depth)
{
    const weir_json *doc = r->doc;
    uint32_t type = weir_json_find(doc, block, "type");

    if (weir_json_is(doc, type, "text")) {
        weir_reading_text(r, weir_json_find(doc, block, "text"));
        return weir_json_count(doc, weir_json_find(doc, block, "citations"))
                   ? read_inside(r, weir_json_find(doc, block, "citations"))
                   : WEIR_OK;
    }
    if (weir_json_is(doc, type, "image") || weir_json_is(doc, type, "document")) {
        weir_reading_media(r,
                           weir_json_is(doc, type, "image") ? WEIR_CAN_IMAGES : WEIR_CAN_DOCUMENTS);
        return weir_reading_opaque(r, weir_json_path(doc, block, "source.file_id"), true);
    }
    if (weir_json_is(doc, type, "thinking")) {
        weir_reading_text(r, weir_json_find(doc, block, "thinking"));
        return weir_reading_opaque(r, weir_json_find(doc, block, "signature"), false);
    }
    if (weir_json_is(doc, type, "redacted_thinking"))
        return weir_reading_opaque(r, weir_json_find(doc, block, "data"), false);
    if (weir_json_is(doc, type, "tool_use")) {
        weir_reading_raw(r, weir_json_find(doc, block, "input"));
        return WEIR_OK;
    }
    if (weir_json_is(doc, type, "tool_result") && depth == 0)
        return read_content(r, weir_json_find(doc, block, "content"), depth + 1);
    weir_reading_raw(r, block);
    return read_inside(r, block);
}

static weir_result read_content(weir_reading *r, uint32_t content, unsigned depth)
{
    if (weir_json_is_string(r->doc, content))
        weir_reading_text(r, content);
    WEIR_JSON_EACH_ITEM(r->doc, content, block)
    {
        WEIR_TRY(read_block(r, block, depth));
    }
    return WEIR_OK;
}

/* What is wrong with a message; NULL: nothing. */
static const char *read_message_fault(const weir_reading *r, uint32_t message)
{
    const weir_json *doc = r->doc;
    uint32_t role = weir_json_find(doc, message, "role");
    uint32_t content = weir_json_find(doc, message, "content");

    if (!weir_json_is_object(doc, message))
        return "messages: every message must be an object";
    if (!weir_json_is(doc, role, "user") && !weir_json_is(doc, role, "assistant") &&
        !weir_json_is(doc, role, "system"))
        return "messages: the role of a message must be \"user\" or \"assistant\"";
    if (!weir_json_is_string(doc, content) && !weir_json_is_array(doc, content))
        return "messages: the content of a message must be a string or an array of blocks";
    WEIR_JSON_EACH_ITEM(doc, content, block)
    {
        if (!weir_json_is_string(doc, weir_json_find(doc, block, "type")))
            return "messages: every block of the content must be an object with a type";
    }
    return NULL;
}

static weir_result read_messages(weir_reading *r, uint32_t messages)
{
    uint32_t last = WEIR_JSON_NONE;

    WEIR_JSON_EACH_ITEM(r->doc, messages, message)
    {
        weir_reading_message(r);
        WEIR_TRY(read_content(r, weir_json_find(r->doc, message, "content"), 0));
        last = message;
    }
    if (weir_json_is(r->doc, weir_json_find(r->doc, last, "role"), "assistant"))
        r->facts.needs |= WEIR_CAN_PREFILL;
    return WEIR_OK;
}

static void read_needs(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t thinking = weir_json_path(doc, 0, "thinking.type");

    weir_reading_tools(r, weir_json_find(doc, 0, "tools"));
    if (weir_json_is_string(doc, thinking) && !weir_json_is(doc, thinking, "disabled"))
        r->facts.needs |= WEIR_CAN_REASONING;
    if (weir_json_is(doc, weir_json_path(doc, 0, "output_config.format.type"), "json_schema") ||
        weir_json_is(doc, weir_json_path(doc, 0, "output_format.type"), "json_schema"))
        r->facts.needs |= WEIR_CAN_JSON_SCHEMA;
}

static void read_names(weir_reading *r)
{
    const weir_json *doc = r->doc;

    weir_reading_names(r, weir_json_find(doc, 0, "model"));
    r->facts.user = weir_json_str(doc, weir_json_path(doc, 0, "metadata.user_id"), &r->in->arena);
    /* Claude Code puts user, account and session into the one. */
    if (weir_str_mentions(r->facts.user, "session"))
        r->facts.session = r->facts.user;
}

/* What makes a body no request at all. NULL: nothing. */
static const char *read_fault(const weir_reading *r, const char **param)
{
    const weir_json *doc = r->doc;
    uint32_t model = weir_json_find(doc, 0, "model");
    uint32_t messages = weir_json_find(doc, 0, "messages");
    uint32_t limit = weir_json_find(doc, 0, "max_tokens");
    uint32_t system = weir_json_find(doc, 0, "system");
    int64_t tokens;

    *param = "";
    if (!weir_json_is_object(doc, 0))
        return "The body of the request must be a JSON object.";
    *param = "model";
    if (model != WEIR_JSON_NONE && !weir_json_is_string(doc, model) &&
        !weir_json_is_null(doc, model))
        return "model: Input should be a valid string";
    *param = "max_tokens";
    if (limit != WEIR_JSON_NONE && (!weir_json_int64(doc, limit, &tokens) || tokens < 0))
        return "max_tokens: Input should be a valid integer, 0 or greater";
    *param = "system";
    if (system != WEIR_JSON_NONE && !weir_json_is_string(doc, system) &&
        !weir_json_is_array(doc, system) && !weir_json_is_null(doc, system))
        return "system: Input should be a string or an array of text blocks";
    *param = "messages";
    if (messages == WEIR_JSON_NONE)
        return "messages: Field required";
    if (!weir_json_is_array(doc, messages))
        return "messages: Input should be a valid array";
    WEIR_JSON_EACH_ITEM(doc, messages, message)
    {
        const char *fault = read_message_fault(r, message);

        if (fault)
            return fault;
    }
    return NULL;
}

static weir_result read_container(weir_reading *r)
{
    uint32_t container = weir_json_find(r->doc, 0, "container");

    return weir_reading_opaque(r,
                               weir_json_is_object(r->doc, container)
                                   ? weir_json_find(r->doc, container, "id")
                                   : container,
                               true);
}

weir_result ant_read_body(const weir_ingress *in, uint8_t op, const weir_request_sink *out)
{
    weir_reading r = weir_reading_begin(in, op, out);
    const char *fault, *param;
    bool stream = false;

    if (!in->json)
        return weir_reading_refuse(&r, "The request body is not valid JSON.", "", "");
    fault = read_fault(&r, &param);
    if (fault)
        return weir_reading_refuse(&r, fault, param, "");
    read_names(&r);
    WEIR_TRY(read_content(&r, weir_json_find(r.doc, 0, "system"), 0));
    WEIR_TRY(read_messages(&r, weir_json_find(r.doc, 0, "messages")));
    WEIR_TRY(read_container(&r));
    read_needs(&r);
    if (op == WEIR_OP_CHAT) {
        weir_json_bool(r.doc, weir_json_find(r.doc, 0, "stream"), &stream);
        weir_json_int64(r.doc, weir_json_find(r.doc, 0, "max_tokens"), &r.facts.output_tokens);
    }
    weir_reading_stream(&r, stream, true); /* usage always comes */
    return weir_reading_end(&r, ant_application_key(in));
}
