/*
 * read.c - the facts of a chat or embeddings request, in one shallow pass; no text is looked into.
 *
 * The input estimate follows canonical.md: a token for every four bytes of text as it stands in the
 * JSON, and fixed amounts for messages and pictures.
 */
#include "openai.h"

#include <weir/sdk/format.h>
#include <weir/sdk/reading.h>

weir_str oai_application_key(const weir_ingress *in)
{
    weir_str key = weir_application_bearer(in);

    /* Azure's SDKs */
    return key.len ? key : weir_header_find(in->headers, in->header_count, "api-key");
}

static weir_result read_part(weir_reading *r, uint32_t part)
{
    const weir_json *doc = r->doc;
    uint32_t type = weir_json_find(doc, part, "type");

    if (weir_json_is(doc, type, "image_url")) {
        weir_reading_media(r, WEIR_CAN_IMAGES);
    } else if (weir_json_is(doc, type, "input_audio")) {
        weir_reading_media(r, WEIR_CAN_AUDIO);
    } else if (weir_json_is(doc, type, "file")) {
        weir_reading_media(r, WEIR_CAN_DOCUMENTS);
        return weir_reading_opaque(r, weir_json_path(doc, part, "file.file_id"), true);
    } else {
        weir_reading_text(r, weir_json_find(doc, part, "text"));
    }
    return WEIR_OK;
}

static weir_result read_message(weir_reading *r, uint32_t message)
{
    const weir_json *doc = r->doc;
    uint32_t content = weir_json_find(doc, message, "content");
    uint32_t calls = weir_json_find(doc, message, "tool_calls");

    weir_reading_message(r);
    if (weir_json_is_string(doc, content))
        weir_reading_text(r, content);
    WEIR_JSON_EACH_ITEM(doc, content, part)
    {
        WEIR_TRY(read_part(r, part));
    }
    if (weir_json_is_array(doc, calls))
        weir_reading_raw(r, calls);
    WEIR_JSON_EACH_ITEM(doc, calls, call)
    {
        WEIR_TRY(weir_reading_opaque(
            r, weir_json_path(doc, call, "extra_content.google.thought_signature"), false));
    }
    WEIR_TRY(weir_reading_opaque(r, weir_json_path(doc, message, "audio.id"), true));
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, message, "reasoning_details"), detail)
    {
        WEIR_TRY(weir_reading_opaque(r, weir_json_find(doc, detail, "data"), false));
        WEIR_TRY(weir_reading_opaque(r, weir_json_find(doc, detail, "signature"), false));
    }
    return WEIR_OK;
}

static void read_needs(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t format = weir_json_path(doc, 0, "response_format.type");
    uint32_t effort = weir_json_find(doc, 0, "reasoning_effort");
    const char *where;
    bool logprobs = false;
    int64_t n = 1;

    weir_reading_tools(r, weir_json_find(doc, 0, "tools"));
    if (weir_json_count(doc, weir_json_find(doc, 0, "functions")))
        r->facts.needs |= WEIR_CAN_TOOLS;
    if (weir_json_is(doc, format, "json_schema") ||
        weir_format_schema(doc, &where) != WEIR_JSON_NONE)
        r->facts.needs |= WEIR_CAN_JSON_SCHEMA;
    else if (weir_json_is(doc, format, "json_object"))
        r->facts.needs |= WEIR_CAN_JSON_MODE;
    if (weir_json_is_string(doc, effort) && !weir_json_is(doc, effort, "none"))
        r->facts.needs |= WEIR_CAN_REASONING;
    weir_json_bool(doc, weir_json_find(doc, 0, "logprobs"), &logprobs);
    if (logprobs)
        r->facts.needs |= WEIR_CAN_LOGPROBS;
    if (weir_json_int64(doc, weir_json_find(doc, 0, "n"), &n) && n > 1)
        r->facts.needs |= WEIR_CAN_CHOICES;
    if (weir_json_is_number(doc, weir_json_find(doc, 0, "seed")))
        r->facts.needs |= WEIR_CAN_SEED;
}

/* What both operations have. */
static void read_names(weir_reading *r)
{
    const weir_json *doc = r->doc;
    const weir_arena *arena = &r->in->arena;
    uint32_t session = weir_json_find(doc, 0, "prompt_cache_key");

    weir_reading_names(r, weir_json_find(doc, 0, "model"));
    r->facts.user = weir_json_str(doc, weir_json_find(doc, 0, "user"), arena);
    if (!weir_json_is_string(doc, session))
        session = weir_json_path(doc, 0, "metadata.session_id");
    r->facts.session = weir_json_str(doc, session, arena);
}

static weir_result read_chat(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t messages = weir_json_find(doc, 0, "messages");
    bool stream = false, asked = false;

    if (messages == WEIR_JSON_NONE)
        return weir_reading_refuse(r, "Missing required parameter: 'messages'.", "messages",
                                   "missing_required_parameter");
    if (!weir_json_is_array(doc, messages))
        return weir_reading_refuse(r, "Invalid type for 'messages': expected an array of objects.",
                                   "messages", "invalid_type");
    WEIR_JSON_EACH_ITEM(doc, messages, message)
    {
        if (!weir_json_is_object(doc, message))
            return weir_reading_refuse(r,
                                       "Invalid type for 'messages': expected an array of objects.",
                                       "messages", "invalid_type");
        WEIR_TRY(read_message(r, message));
    }
    read_needs(r);
    weir_json_bool(doc, weir_json_find(doc, 0, "stream"), &stream);
    weir_json_bool(doc, weir_json_path(doc, 0, "stream_options.include_usage"), &asked);
    weir_reading_stream(r, stream, asked);
    if (!weir_json_int64(doc, weir_json_find(doc, 0, "max_completion_tokens"),
                         &r->facts.output_tokens))
        weir_json_int64(doc, weir_json_find(doc, 0, "max_tokens"), &r->facts.output_tokens);
    return WEIR_OK;
}

static weir_result read_embed(weir_reading *r)
{
    uint32_t input = weir_json_find(r->doc, 0, "input");

    if (input == WEIR_JSON_NONE)
        return weir_reading_refuse(r, "Missing required parameter: 'input'.", "input",
                                   "missing_required_parameter");
    r->facts.needs |= WEIR_CAN_EMBEDDINGS;
    r->text_bytes = (int64_t)weir_json_raw(r->doc, input).len;
    return WEIR_OK;
}

/* What makes a body no request at all. NULL: nothing. */
static const char *read_fault(const weir_reading *r, const char **param)
{
    uint32_t model = weir_json_find(r->doc, 0, "model");

    *param = "";
    if (!weir_json_is_object(r->doc, 0))
        return "The body of the request must be a JSON object.";
    *param = "model";
    if (model != WEIR_JSON_NONE && !weir_json_is_string(r->doc, model) &&
        !weir_json_is_null(r->doc, model))
        return "Invalid type for 'model': expected a string.";
    return NULL;
}

weir_result oai_read_body(const weir_ingress *in, uint8_t op, const weir_request_sink *out)
{
    weir_reading r = weir_reading_begin(in, op, out);
    const char *fault, *param;

    if (!in->json)
        return weir_reading_refuse(
            &r, "We could not parse the JSON body of your request: it is not JSON.", "", "");
    fault = read_fault(&r, &param);
    if (fault)
        return weir_reading_refuse(&r, fault, param, "");
    read_names(&r);
    WEIR_TRY(op == WEIR_OP_EMBED ? read_embed(&r) : read_chat(&r));
    return weir_reading_end(&r, oai_application_key(in));
}
