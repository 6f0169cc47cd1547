/*
 * read.c - the facts of a chat, generate or embeddings request, in one shallow pass; no text is
 * looked into. The input estimate follows canonical.md.
 */
#include "ollama.h"

#include <weir/sdk/reading.h>

weir_str olm_application_key(const weir_ingress *in)
{
    return weir_application_bearer(in);
}

weir_str olm_plain_name(weir_str model)
{
    if (model.len > strlen(":latest") && weir_str_ends(model, ":latest"))
        model.len -= strlen(":latest");
    return model;
}

weir_result olm_refuse(const struct olm_request *r, const char *message, const char *param)
{
    return weir_refuse(r->out, message, param, "");
}

/* A member that has to be of one type, if it is there at all. */
static bool read_is(const weir_reading *s, uint32_t object, const char *name, unsigned type)
{
    uint32_t value = weir_json_find(s->doc, object, name);

    return value == WEIR_JSON_NONE || weir_json_is_null(s->doc, value) ||
           weir_json_type(s->doc, value) == type;
}

static void read_images(weir_reading *s, uint32_t object)
{
    uint32_t count = weir_json_count(s->doc, weir_json_find(s->doc, object, "images"));

    s->tokens += (int64_t)count * WEIR_READING_MEDIA;
    if (count)
        s->facts.needs |= WEIR_CAN_IMAGES;
}

static weir_result read_message(weir_reading *s, uint32_t message)
{
    uint32_t calls = weir_json_find(s->doc, message, "tool_calls");

    if (!weir_json_is_object(s->doc, message))
        return weir_reading_refuse(s, "messages must be an array of objects", "messages", "");
    if (!weir_json_is_string(s->doc, weir_json_find(s->doc, message, "role")))
        return weir_reading_refuse(s, "every message needs a role", "messages", "");
    if (!read_is(s, message, "content", WEIR_JSON_STRING))
        return weir_reading_refuse(s, "the content of a message must be a string", "messages", "");
    if (!read_is(s, message, "images", WEIR_JSON_ARRAY) ||
        !read_is(s, message, "tool_calls", WEIR_JSON_ARRAY))
        return weir_reading_refuse(s, "images and tool_calls of a message must be arrays",
                                   "messages", "");
    weir_reading_message(s);
    weir_reading_text(s, weir_json_find(s->doc, message, "content"));
    weir_reading_text(s, weir_json_find(s->doc, message, "thinking"));
    read_images(s, message);
    if (weir_json_count(s->doc, calls))
        weir_reading_raw(s, calls);
    return WEIR_OK;
}

static weir_result read_messages(weir_reading *s)
{
    uint32_t messages = weir_json_find(s->doc, 0, "messages");

    if (!read_is(s, 0, "messages", WEIR_JSON_ARRAY))
        return weir_reading_refuse(s, "messages must be an array of objects", "messages", "");
    WEIR_JSON_EACH_ITEM(s->doc, messages, message)
    {
        WEIR_TRY(read_message(s, message));
    }
    return WEIR_OK;
}

/* The tokens of an earlier answer are nothing to any other server. */
static weir_result read_prompt(weir_reading *s)
{
    uint32_t context = weir_json_find(s->doc, 0, "context");
    weir_str tokens;

    if (!read_is(s, 0, "prompt", WEIR_JSON_STRING) || !read_is(s, 0, "system", WEIR_JSON_STRING))
        return weir_reading_refuse(s, "prompt and system must be strings", "prompt", "");
    if (!read_is(s, 0, "images", WEIR_JSON_ARRAY))
        return weir_reading_refuse(s, "images must be an array", "images", "");
    weir_reading_message(s);
    weir_reading_text(s, weir_json_find(s->doc, 0, "prompt"));
    weir_reading_text(s, weir_json_find(s->doc, 0, "system"));
    weir_reading_text(s, weir_json_find(s->doc, 0, "suffix"));
    read_images(s, 0);
    if (!weir_json_is_array(s->doc, context) || !weir_json_count(s->doc, context))
        return WEIR_OK;
    tokens = olm_compact(&s->in->arena, weir_json_raw(s->doc, context));
    if (!tokens.ptr)
        return WEIR_NO_MEMORY;
    s->tokens += weir_json_count(s->doc, context);
    return s->out->opaque(s->out->ctx, weir_text_from(tokens), true);
}

static void read_needs(weir_reading *s)
{
    const weir_json *doc = s->doc;
    uint32_t format = weir_json_find(doc, 0, "format");
    uint32_t think = weir_json_find(doc, 0, "think");
    bool on = false, logprobs = false;

    weir_reading_tools(s, weir_json_find(doc, 0, "tools"));
    if (weir_json_is(doc, format, "json"))
        s->facts.needs |= WEIR_CAN_JSON_MODE;
    if (weir_json_is_object(doc, format))
        s->facts.needs |= WEIR_CAN_JSON_SCHEMA;
    weir_json_bool(doc, think, &on);
    if (on || (weir_json_is_string(doc, think) && doc->tok[think].len))
        s->facts.needs |= WEIR_CAN_REASONING;
    weir_json_bool(doc, weir_json_find(doc, 0, "logprobs"), &logprobs);
    if (logprobs)
        s->facts.needs |= WEIR_CAN_LOGPROBS;
    if (weir_json_is_number(doc, weir_json_path(doc, 0, "options.seed")))
        s->facts.needs |= WEIR_CAN_SEED;
}

static weir_result read_chat(weir_reading *s, unsigned endpoint)
{
    bool stream = true; /* unless it says otherwise */
    int64_t limit = -1;

    if (!read_is(s, 0, "tools", WEIR_JSON_ARRAY))
        return weir_reading_refuse(s, "tools must be an array", "tools", "");
    if (!read_is(s, 0, "options", WEIR_JSON_OBJECT))
        return weir_reading_refuse(s, "options must be an object", "options", "");
    WEIR_TRY(endpoint == OLM_GENERATE ? read_prompt(s) : read_messages(s));
    read_needs(s);
    weir_json_bool(s->doc, weir_json_find(s->doc, 0, "stream"), &stream);
    weir_reading_stream(s, stream, true); /* the last line has the usage, always */
    weir_json_int64(s->doc, weir_json_path(s->doc, 0, "options.num_predict"), &limit);
    s->facts.output_tokens = limit > 0 ? limit : -1;
    return WEIR_OK;
}

static weir_result read_embed(weir_reading *s, unsigned endpoint)
{
    bool single = endpoint == OLM_EMBEDDINGS;
    uint32_t input = weir_json_find(s->doc, 0, single ? "prompt" : "input");

    if (single && !weir_json_is_string(s->doc, input))
        return weir_reading_refuse(s, "prompt must be a string", "prompt", "");
    if (!weir_json_is_string(s->doc, input) && !weir_json_is_array(s->doc, input))
        return weir_reading_refuse(s, "input must be a string or an array of strings", "input", "");
    s->facts.needs |= WEIR_CAN_EMBEDDINGS;
    s->text_bytes = (int64_t)weir_json_raw(s->doc, input).len;
    return WEIR_OK;
}

weir_result olm_read_body(const struct olm_request *r, uint8_t op)
{
    weir_reading s = weir_reading_begin(r->in, op, r->out);

    if (!r->in->json || !weir_json_is_object(s.doc, 0))
        return olm_refuse(r, "the request body is not a JSON object", "");
    if (!read_is(&s, 0, "model", WEIR_JSON_STRING))
        return olm_refuse(r, "model must be a string", "model");
    weir_reading_names(&s, weir_json_find(s.doc, 0, "model"));
    s.facts.model = olm_plain_name(s.facts.model);
    WEIR_TRY(op == WEIR_OP_EMBED ? read_embed(&s, r->endpoint) : read_chat(&s, r->endpoint));
    return weir_reading_end(&s, olm_application_key(r->in));
}
