/*
 * reading.h - a request on its way to being facts (weir_dialect_v1.read), in one shallow pass.
 *
 *     weir_reading r = weir_reading_begin(in, op, out);
 *     if (!in->json)
 *         return weir_reading_refuse(&r, "the body is not JSON", "", "");
 *     ... r.facts.model = ..., weir_reading_text(&r, content), weir_reading_opaque(&r, id, true)
 * ... return weir_reading_end(&r, key);
 *
 * The estimate of the input follows canonical.md: a token for every four bytes of text as it stands
 * in the JSON, and fixed amounts for what is no text. No text is looked into.
 */
#ifndef WEIR_SDK_READING_H
#define WEIR_SDK_READING_H

#include <weir/sdk/dialect.h>
#include <weir/sdk/failure.h>

enum {
    WEIR_READING_BYTES_PER_TOKEN = 4,
    WEIR_READING_MESSAGE = 4, /* tokens */
    WEIR_READING_MEDIA = 800, /* a picture or a document */
    WEIR_READING_AUDIO = 400,
};

typedef struct weir_reading {
    const weir_ingress *in;
    const weir_json *doc; /* of the body; empty if there is none */
    const weir_request_sink *out;
    weir_facts facts;
    int64_t text_bytes;
    int64_t tokens; /* beside the text */
} weir_reading;

static inline weir_reading weir_reading_begin(const weir_ingress *in, uint8_t op,
                                              const weir_request_sink *out)
{
    static const weir_json nothing = { { "", 0 }, NULL, 0 };
    weir_reading r;

    memset(&r, 0, sizeof(r));
    r.in = in;
    r.doc = in->json ? in->json : &nothing;
    r.out = out;
    r.facts = weir_facts_make(in, op);
    return r;
}

/* Refuses the request, naming the member that is wrong (`param`) and a word for it (`code`); both
 * may be "". Never WEIR_OK, so that nothing is said after it. */
static inline weir_result weir_refuse(const weir_request_sink *out, const char *message,
                                      const char *param, const char *code)
{
    weir_failure f = weir_failure_make(WEIR_CLASS_INVALID_REQUEST, 0, weir_str_of(message));

    f.local = 1;
    f.param = weir_str_of(param);
    f.code = weir_str_of(code);
    WEIR_TRY(out->refuse(out->ctx, &f));
    return WEIR_STOPPED;
}

static inline weir_result weir_reading_refuse(const weir_reading *r, const char *message,
                                              const char *param, const char *code)
{
    return weir_refuse(r->out, message, param, code);
}

/* Opaque state that belongs to the provider that issued it; what is no text says nothing. */
static inline weir_result weir_reading_opaque(const weir_reading *r, uint32_t token, bool required)
{
    if (!weir_json_is_string(r->doc, token) || !r->doc->tok[token].len)
        return WEIR_OK;
    return r->out->opaque(r->out->ctx, weir_json_text(r->doc, token), required);
}

/* Counts a string without its quotes; any other value as it is written. */
static inline void weir_reading_text(weir_reading *r, uint32_t token)
{
    r->text_bytes += (int64_t)weir_json_inner(r->doc, token).len;
}

/* Counts a value as it is written. */
static inline void weir_reading_raw(weir_reading *r, uint32_t token)
{
    r->text_bytes += (int64_t)weir_json_raw(r->doc, token).len;
}

static inline void weir_reading_message(weir_reading *r)
{
    r->facts.messages++;
    r->tokens += WEIR_READING_MESSAGE;
}

/* A picture, a document or a piece of audio: `need` is WEIR_CAN_IMAGES, ..._DOCUMENTS, ..._AUDIO.
 */
static inline void weir_reading_media(weir_reading *r, uint32_t need)
{
    r->facts.needs |= need;
    r->tokens += need == WEIR_CAN_AUDIO ? WEIR_READING_AUDIO : WEIR_READING_MEDIA;
}

/* A list of tools, if it has any. */
static inline void weir_reading_tools(weir_reading *r, uint32_t tools)
{
    if (!weir_json_count(r->doc, tools))
        return;
    r->facts.needs |= WEIR_CAN_TOOLS;
    weir_reading_raw(r, tools);
}

/* Whether a stream is asked for, and whether usage is to come with it. */
static inline void weir_reading_stream(weir_reading *r, bool stream, bool usage)
{
    r->facts.stream = stream;
    r->facts.asked_usage = stream && usage;
    if (stream)
        r->facts.needs |= WEIR_CAN_STREAM;
}

/* Model, as `model` names it, and provider, where the request names one. */
static inline void weir_reading_names(weir_reading *r, uint32_t model)
{
    uint32_t provider = weir_json_find(r->doc, 0, "provider");

    r->facts.model = weir_json_str(r->doc, model, &r->in->arena);
    if (weir_json_is_string(r->doc, provider))
        r->facts.provider = weir_json_str(r->doc, provider, &r->in->arena);
}

/* Tells the facts, with the estimate. `key` is the application's, bare. */
static inline weir_result weir_reading_end(weir_reading *r, weir_str key)
{
    if (r->facts.output_tokens < 0) /* no limit at all, or none that could be one */
        r->facts.output_tokens = -1;
    r->facts.input_tokens =
        (r->text_bytes + WEIR_READING_BYTES_PER_TOKEN - 1) / WEIR_READING_BYTES_PER_TOKEN +
        r->tokens;
    return r->out->facts(r->out->ctx, &r->facts, key);
}

#endif
