/*
 * read.c - the facts of a chat or embeddings request, in one shallow pass; no text is looked into.
 *
 * The input estimate follows canonical.md: a token for every four bytes of text as it stands in the
 * JSON, and fixed amounts for messages and pictures.
 */
#include "openai.h"

#include <weir/sdk/failure.h>

enum {
    READ_BYTES_PER_TOKEN = 4,
    READ_MESSAGE_TOKENS = 4,
    READ_IMAGE_TOKENS = 800,
    READ_AUDIO_TOKENS = 400,
};

/* A request on its way to being facts. */
struct reading {
    const weir_ingress *in;
    const weir_json *doc;
    const weir_request_sink *out;
    weir_facts facts;
    int64_t text_bytes;
    int64_t tokens; /* beside the text */
};

weir_str oai_application_key(const weir_ingress *in)
{
    weir_str value = weir_header_find(in->headers, in->header_count, "authorization");

    if (value.len > 7 && weir_str_is_nocase(weir_str_make(value.ptr, 7), "bearer "))
        return weir_str_trim(weir_str_skip(value, 7));
    /* Azure's SDKs */
    return weir_header_find(in->headers, in->header_count, "api-key");
}

static weir_result read_refuse(const struct reading *r, const char *message, const char *param,
                               const char *code)
{
    weir_failure f = weir_failure_make(WEIR_CLASS_INVALID_REQUEST, 0, weir_str_of(message));

    f.local = 1;
    f.param = weir_str_of(param);
    f.code = weir_str_of(code);
    return r->out->refuse(r->out->ctx, &f);
}

/* Opaque state that belongs to the provider that issued it. */
static weir_result read_opaque(const struct reading *r, uint32_t token, bool required)
{
    if (!weir_json_is_string(r->doc, token) || !r->doc->tok[token].len)
        return WEIR_OK;
    return r->out->opaque(r->out->ctx, token, required);
}

static weir_result read_part(struct reading *r, uint32_t part)
{
    const weir_json *doc = r->doc;
    uint32_t type = weir_json_find(doc, part, "type");

    if (weir_json_is(doc, type, "image_url")) {
        r->facts.needs |= WEIR_CAN_IMAGES;
        r->tokens += READ_IMAGE_TOKENS;
    } else if (weir_json_is(doc, type, "input_audio")) {
        r->facts.needs |= WEIR_CAN_AUDIO;
        r->tokens += READ_AUDIO_TOKENS;
    } else if (weir_json_is(doc, type, "file")) {
        r->facts.needs |= WEIR_CAN_DOCUMENTS;
        r->tokens += READ_IMAGE_TOKENS;
        return read_opaque(r, weir_json_path(doc, part, "file.file_id"), true);
    } else {
        r->text_bytes += (int64_t)weir_json_inner(doc, weir_json_find(doc, part, "text")).len;
    }
    return WEIR_OK;
}

static weir_result read_message(struct reading *r, uint32_t message)
{
    const weir_json *doc = r->doc;
    uint32_t content = weir_json_find(doc, message, "content");
    uint32_t calls = weir_json_find(doc, message, "tool_calls");

    r->facts.messages++;
    r->tokens += READ_MESSAGE_TOKENS;
    if (weir_json_is_string(doc, content))
        r->text_bytes += doc->tok[content].len;
    WEIR_JSON_EACH_ITEM(doc, content, part)
    {
        WEIR_TRY(read_part(r, part));
    }
    if (weir_json_is_array(doc, calls))
        r->text_bytes += (int64_t)weir_json_raw(doc, calls).len;
    WEIR_TRY(read_opaque(r, weir_json_path(doc, message, "audio.id"), true));
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, message, "reasoning_details"), detail)
    {
        WEIR_TRY(read_opaque(r, weir_json_find(doc, detail, "data"), false));
        WEIR_TRY(read_opaque(r, weir_json_find(doc, detail, "signature"), false));
    }
    return WEIR_OK;
}

static void read_needs(struct reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t tools = weir_json_find(doc, 0, "tools");
    uint32_t format = weir_json_path(doc, 0, "response_format.type");
    uint32_t effort = weir_json_find(doc, 0, "reasoning_effort");
    bool logprobs = false;
    int64_t n = 1;

    if (weir_json_count(doc, tools) || weir_json_count(doc, weir_json_find(doc, 0, "functions"))) {
        r->facts.needs |= WEIR_CAN_TOOLS;
        r->text_bytes += (int64_t)weir_json_raw(doc, tools).len;
    }
    if (weir_json_is(doc, format, "json_object"))
        r->facts.needs |= WEIR_CAN_JSON_MODE;
    if (weir_json_is(doc, format, "json_schema"))
        r->facts.needs |= WEIR_CAN_JSON_SCHEMA;
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
static void read_names(struct reading *r)
{
    const weir_json *doc = r->doc;
    const weir_arena *arena = &r->in->arena;
    uint32_t provider = weir_json_find(doc, 0, "provider");
    uint32_t session = weir_json_find(doc, 0, "prompt_cache_key");

    r->facts.model = weir_json_str(doc, weir_json_find(doc, 0, "model"), arena);
    if (weir_json_is_string(doc, provider))
        r->facts.provider = weir_json_str(doc, provider, arena);
    r->facts.user = weir_json_str(doc, weir_json_find(doc, 0, "user"), arena);
    if (!weir_json_is_string(doc, session))
        session = weir_json_path(doc, 0, "metadata.session_id");
    r->facts.session = weir_json_str(doc, session, arena);
}

static weir_result read_chat(struct reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t messages = weir_json_find(doc, 0, "messages");
    bool stream = false, asked = false;

    if (messages == WEIR_JSON_NONE)
        return read_refuse(r, "Missing required parameter: 'messages'.", "messages",
                           "missing_required_parameter");
    if (!weir_json_is_array(doc, messages))
        return read_refuse(r, "Invalid type for 'messages': expected an array of objects.",
                           "messages", "invalid_type");
    WEIR_JSON_EACH_ITEM(doc, messages, message)
    {
        if (!weir_json_is_object(doc, message))
            return read_refuse(r, "Invalid type for 'messages': expected an array of objects.",
                               "messages", "invalid_type");
        WEIR_TRY(read_message(r, message));
    }
    read_needs(r);
    weir_json_bool(doc, weir_json_find(doc, 0, "stream"), &stream);
    weir_json_bool(doc, weir_json_path(doc, 0, "stream_options.include_usage"), &asked);
    r->facts.stream = stream;
    r->facts.asked_usage = stream && asked;
    if (stream)
        r->facts.needs |= WEIR_CAN_STREAM;
    if (!weir_json_int64(doc, weir_json_find(doc, 0, "max_completion_tokens"),
                         &r->facts.output_tokens))
        weir_json_int64(doc, weir_json_find(doc, 0, "max_tokens"), &r->facts.output_tokens);
    return WEIR_OK;
}

static weir_result read_embed(struct reading *r)
{
    uint32_t input = weir_json_find(r->doc, 0, "input");

    if (input == WEIR_JSON_NONE)
        return read_refuse(r, "Missing required parameter: 'input'.", "input",
                           "missing_required_parameter");
    r->facts.needs |= WEIR_CAN_EMBEDDINGS;
    r->text_bytes = (int64_t)weir_json_raw(r->doc, input).len;
    return WEIR_OK;
}

/* What makes a body no request at all. NULL: nothing. */
static const char *read_fault(const struct reading *r, const char **param)
{
    uint32_t model = weir_json_find(r->doc, 0, "model");

    *param = "";
    if (!r->doc)
        return "We could not parse the JSON body of your request.";
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
    static const weir_json no_json = { { "", 0 }, NULL, 0 };
    struct reading r;
    const char *fault, *param;
    weir_result result;

    memset(&r, 0, sizeof(r));
    r.in = in;
    r.doc = in->json ? in->json : &no_json;
    r.out = out;
    r.facts.struct_size = sizeof(r.facts);
    r.facts.op = op;
    r.facts.body_bytes = (int64_t)in->body.len;
    r.facts.output_tokens = -1;
    fault = in->json ? read_fault(&r, &param)
                     : "We could not parse the JSON body of your request: it is not JSON.";
    if (fault)
        return read_refuse(&r, fault, in->json ? param : "", "");
    read_names(&r);
    result = op == WEIR_OP_EMBED ? read_embed(&r) : read_chat(&r);
    if (result != WEIR_OK)
        return result;
    r.facts.input_tokens =
        (r.text_bytes + READ_BYTES_PER_TOKEN - 1) / READ_BYTES_PER_TOKEN + r.tokens;
    return out->facts(out->ctx, &r.facts, oai_application_key(in));
}
