/*
 * resp_read.c - the facts of a request to the Responses API, in one shallow pass, and what in it
 * only its owner can read.
 */
#include "responses.h"

#include <weir/sdk/reading.h>

static weir_result read_part(weir_reading *r, uint32_t part)
{
    const weir_json *doc = r->doc;
    uint32_t type = weir_json_find(doc, part, "type");

    if (weir_json_is(doc, type, "input_image")) {
        weir_reading_media(r, WEIR_CAN_IMAGES);
    } else if (weir_json_is(doc, type, "input_file")) {
        weir_reading_media(r, WEIR_CAN_DOCUMENTS);
    } else if (weir_json_is(doc, type, "input_audio")) {
        weir_reading_media(r, WEIR_CAN_AUDIO);
    } else {
        weir_reading_text(r, weir_json_find(doc, part, "text"));
    }
    return weir_reading_opaque(r, weir_json_find(doc, part, "file_id"), true);
}

static weir_result read_content(weir_reading *r, uint32_t content)
{
    if (weir_json_is_string(r->doc, content))
        weir_reading_text(r, content);
    WEIR_JSON_EACH_ITEM(r->doc, content, part)
    {
        WEIR_TRY(read_part(r, part));
    }
    return WEIR_OK;
}

static weir_result read_item(weir_reading *r, uint32_t item)
{
    const weir_json *doc = r->doc;
    uint32_t type = weir_json_find(doc, item, "type");

    if (weir_json_is(doc, type, "item_reference"))
        return weir_reading_opaque(r, weir_json_find(doc, item, "id"), true);
    if (weir_json_is(doc, type, "reasoning")) {
        WEIR_TRY(weir_reading_opaque(r, weir_json_find(doc, item, "id"), false));
        return weir_reading_opaque(r, weir_json_find(doc, item, "encrypted_content"), false);
    }
    WEIR_TRY(weir_reading_opaque(r, weir_json_find(doc, item, "encrypted_content"), true));
    WEIR_TRY(weir_reading_opaque(r, weir_json_find(doc, item, "container_id"), true));
    if (weir_json_find(doc, item, "role") != WEIR_JSON_NONE || weir_json_is(doc, type, "message")) {
        weir_reading_message(r);
    }
    weir_reading_text(r, weir_json_find(doc, item, "arguments"));
    weir_reading_text(r, weir_json_find(doc, item, "input"));
    WEIR_TRY(read_content(r, weir_json_find(doc, item, "content")));
    return read_content(r, weir_json_find(doc, item, "output"));
}

/* Ids that tools are configured with: files in a container, vector stores. */
static weir_result read_tools(weir_reading *r, uint32_t tools)
{
    const weir_json *doc = r->doc;

    weir_reading_tools(r, tools);
    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        uint32_t container = weir_json_find(doc, tool, "container");

        WEIR_TRY(weir_reading_opaque(r, container, true));
        WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, container, "file_ids"), file)
        {
            WEIR_TRY(weir_reading_opaque(r, file, true));
        }
        WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, tool, "vector_store_ids"), store)
        {
            WEIR_TRY(weir_reading_opaque(r, store, true));
        }
    }
    return WEIR_OK;
}

static void read_needs(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t format = weir_json_path(doc, 0, "text.format.type");
    uint32_t effort = weir_json_path(doc, 0, "reasoning.effort");
    bool stream = false;

    if (weir_json_is(doc, format, "json_object"))
        r->facts.needs |= WEIR_CAN_JSON_MODE;
    if (weir_json_is(doc, format, "json_schema"))
        r->facts.needs |= WEIR_CAN_JSON_SCHEMA;
    if (weir_json_is_string(doc, effort) && !weir_json_is(doc, effort, "none"))
        r->facts.needs |= WEIR_CAN_REASONING;
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "include"), what)
    {
        if (weir_json_is(doc, what, "message.output_text.logprobs"))
            r->facts.needs |= WEIR_CAN_LOGPROBS;
    }
    if (r->facts.op != WEIR_OP_CHAT)
        return;
    weir_json_bool(doc, weir_json_find(doc, 0, "stream"), &stream);
    weir_reading_stream(r, stream, false);
    weir_json_int64(doc, weir_json_find(doc, 0, "max_output_tokens"), &r->facts.output_tokens);
}

static void read_names(weir_reading *r)
{
    const weir_json *doc = r->doc;
    const weir_arena *arena = &r->in->arena;
    uint32_t user = weir_json_find(doc, 0, "safety_identifier");
    uint32_t session = weir_json_find(doc, 0, "prompt_cache_key");

    if (!weir_json_is_string(doc, user))
        user = weir_json_find(doc, 0, "user");
    if (!weir_json_is_string(doc, session))
        session = weir_json_path(doc, 0, "metadata.session_id");
    weir_reading_names(r, weir_json_find(doc, 0, "model"));
    r->facts.user = weir_json_str(doc, user, arena);
    r->facts.session = weir_json_str(doc, session, arena);
}

/* What makes a body no request at all. NULL: nothing. */
static const char *read_fault(const weir_reading *r, const char **param)
{
    uint32_t model = weir_json_find(r->doc, 0, "model");
    uint32_t input = weir_json_find(r->doc, 0, "input");

    *param = "";
    if (!weir_json_is_object(r->doc, 0))
        return "The body of the request must be a JSON object.";
    *param = "model";
    if (model != WEIR_JSON_NONE && !weir_json_is_string(r->doc, model) &&
        !weir_json_is_null(r->doc, model))
        return "Invalid type for 'model': expected a string.";
    *param = "input";
    if (input != WEIR_JSON_NONE && !weir_json_is_string(r->doc, input) &&
        !weir_json_is_array(r->doc, input) && !weir_json_is_null(r->doc, input))
        return "Invalid type for 'input': expected a string or an array of objects.";
    WEIR_JSON_EACH_ITEM(r->doc, input, item)
    {
        if (!weir_json_is_object(r->doc, item))
            return "Invalid type for 'input': expected a string or an array of objects.";
    }
    return NULL;
}

static weir_result read_all(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t input = weir_json_find(doc, 0, "input");
    uint32_t conversation = weir_json_find(doc, 0, "conversation");

    if (weir_json_is_object(doc, conversation))
        conversation = weir_json_find(doc, conversation, "id");
    WEIR_TRY(weir_reading_opaque(r, weir_json_find(doc, 0, "previous_response_id"), true));
    WEIR_TRY(weir_reading_opaque(r, conversation, true));
    WEIR_TRY(weir_reading_opaque(r, weir_json_path(doc, 0, "prompt.id"), true));
    if (weir_json_is_string(doc, input)) {
        weir_reading_message(r);
        weir_reading_text(r, input);
    }
    WEIR_JSON_EACH_ITEM(doc, input, item)
    {
        WEIR_TRY(read_item(r, item));
    }
    weir_reading_text(r, weir_json_find(doc, 0, "instructions"));
    return read_tools(r, weir_json_find(doc, 0, "tools"));
}

weir_result resp_read(const weir_ingress *in, uint8_t op, const weir_request_sink *out)
{
    weir_reading r = weir_reading_begin(in, op, out);
    const char *fault, *param;

    if (!in->json)
        return weir_reading_refuse(
            &r, "We could not parse the JSON body of your request: it is not JSON.", "", "");
    fault = read_fault(&r, &param);
    if (fault)
        return weir_reading_refuse(&r, fault, param, *param ? "invalid_type" : "");
    read_names(&r);
    WEIR_TRY(read_all(&r));
    read_needs(&r);
    return weir_reading_end(&r, oai_application_key(in));
}

weir_result resp_read_forward(const weir_dialect_config *cfg, const weir_ingress *in,
                              const weir_request_sink *out)
{
    weir_reading r = weir_reading_begin(in, WEIR_OP_FORWARD, out);
    bool stream = false;
    weir_json doc;

    if (in->capture_count)
        WEIR_TRY(out->opaque(out->ctx, weir_text_from(in->captures[0]), true));
    if (weir_forwarded_json(cfg, in, &doc) && weir_json_is_object(&doc, 0)) {
        r.doc = &doc;
        read_names(&r);
        WEIR_TRY(read_all(&r));
        r.facts.needs = 0; /* whoever is asked must have this very API */
        weir_json_bool(&doc, weir_json_find(&doc, 0, "stream"), &stream);
        r.facts.stream = stream;
    }
    return out->facts(out->ctx, &r.facts, oai_application_key(in));
}
