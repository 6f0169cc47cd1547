/*
 * decode_error.c - which failure an error stands for.
 *
 * Ollama says {"error": "text"}, with a status or as a line of a stream. Proxies before it say
 * {"error": {message, code, status}}, {"message": ...}, plain text, or nothing.
 */
#include "ollama.h"

#include <weir/sdk/failure.h>
#include <weir/sdk/sink.h>

enum { ERROR_TEXT_MAX = 600 };

bool olm_is_error(const weir_json *doc)
{
    uint32_t error = weir_json_find(doc, 0, "error");

    return weir_json_is_object(doc, error) ||
           (weir_json_is_string(doc, error) && doc->tok[error].len);
}

static weir_str error_text(const weir_exchange *x, const weir_json *json, weir_str data)
{
    uint32_t error = json ? weir_json_find(json, 0, "error") : WEIR_JSON_NONE;
    weir_str text;

    if (!json) {
        text = weir_str_trim(data);
        return text.len && *text.ptr != '<' ? text
                                            : weir_str_make("", 0); /* a page is no message */
    }
    if (weir_json_is_object(json, error))
        error = weir_json_find(json, error, "message");
    text = weir_json_str(json, error, &x->arena);
    if (!text.len)
        text = weir_json_str(json, weir_json_find(json, 0, "message"), &x->arena);
    return text;
}

/* The status that the text tells of, where the real one says 200 or 500 whatever happened. 0: it
 * tells of none. */
static uint16_t error_class_told(weir_str text)
{
    static const struct {
        const char *words;
        uint16_t class_id;
    } table[] = {
        { "context length", WEIR_CLASS_CONTEXT_LENGTH },
        { "context size", WEIR_CLASS_CONTEXT_LENGTH },
        { "context window", WEIR_CLASS_CONTEXT_LENGTH },
        { "prompt too long", WEIR_CLASS_CONTEXT_LENGTH },
        { "prompt is too long", WEIR_CLASS_CONTEXT_LENGTH },
        { "server busy", WEIR_CLASS_OVERLOADED },
        { "maximum pending requests", WEIR_CLASS_OVERLOADED },
        { "too many requests", WEIR_CLASS_RATE_LIMIT },
        { "usage limit", WEIR_CLASS_QUOTA },
        { "unauthorized", WEIR_CLASS_AUTHENTICATION },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_mentions(text, table[i].words))
            return table[i].class_id;
    }
    /* "model 'x' not found", "model \"x\" not found, try pulling it first" */
    if (weir_str_mentions(text, "model") && weir_str_mentions(text, "not found"))
        return WEIR_CLASS_NOT_FOUND;
    /* "registry.ollama.ai/library/x does not support tools" */
    if (weir_str_mentions(text, "does not support"))
        return WEIR_CLASS_INVALID_REQUEST;
    return 0;
}

static uint16_t error_class(weir_str text, unsigned status)
{
    uint16_t told = error_class_told(text);

    if (status < 400)
        return told ? told : WEIR_CLASS_SERVER_ERROR;
    if (status == 413)
        return WEIR_CLASS_CONTEXT_LENGTH;
    if (status == 429)
        return told == WEIR_CLASS_QUOTA ? told : WEIR_CLASS_RATE_LIMIT;
    if (told && (status == 400 || status == 500))
        return told;
    return weir_class_from_status(status);
}

weir_result olm_emit_error(struct olm_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out)
{
    weir_str text = error_text(x, json, data);
    weir_failure f;

    if (!text.len)
        text = WEIR_S("the answer says no more than its status");
    if (text.len > ERROR_TEXT_MAX)
        text.len = ERROR_TEXT_MAX;
    f = weir_failure_make(error_class(text, d->status), d->status, text);
    f.retry_after_us = d->retry_after_us;
    d->failed = 1;
    return weir_emit_error(out, &f);
}

weir_result olm_emit_protocol(struct olm_decoder *d, const char *message, const weir_events *out)
{
    d->failed = 1;
    return weir_emit_protocol(out, d->status, message);
}
