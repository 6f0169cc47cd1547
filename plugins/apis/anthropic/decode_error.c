/*
 * decode_error.c - which failure an error stands for.
 *
 * {"type":"error","error":{"type","message","details":{"error_code"}},"request_id"}; proxies in
 * front of the API bring forms of their own: {"error":"text"}, {"message":...}, plain text, none.
 */
#include "decode.h"

#include <weir/sdk/sink.h>

enum { ERROR_TEXT_MAX = 600 };

bool ant_is_error(const weir_json *doc)
{
    uint32_t error = weir_json_find(doc, 0, "error");

    return weir_json_is_object(doc, error) ||
           (weir_json_is_string(doc, error) && doc->tok[error].len) ||
           weir_json_is(doc, weir_json_find(doc, 0, "type"), "error");
}

/* By type; 0 if it says nothing. */
static uint16_t error_class_named(weir_str type)
{
    static const struct {
        const char *type;
        uint16_t class_id;
    } table[] = {
        { "invalid_request_error", WEIR_CLASS_INVALID_REQUEST },
        { "conflict_error", WEIR_CLASS_INVALID_REQUEST },
        { "authentication_error", WEIR_CLASS_AUTHENTICATION },
        { "billing_error", WEIR_CLASS_QUOTA },
        { "permission_error", WEIR_CLASS_PERMISSION },
        { "not_found_error", WEIR_CLASS_NOT_FOUND },
        { "request_too_large", WEIR_CLASS_CONTEXT_LENGTH },
        { "rate_limit_error", WEIR_CLASS_RATE_LIMIT },
        { "timeout_error", WEIR_CLASS_TIMEOUT },
        { "api_error", WEIR_CLASS_SERVER_ERROR },
        { "overloaded_error", WEIR_CLASS_OVERLOADED },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_is(type, table[i].type))
            return table[i].class_id;
    }
    return 0;
}

static bool error_mentions(weir_str message, const char *const *words)
{
    for (; *words; words++) {
        if (weir_str_mentions(message, *words))
            return true;
    }
    return false;
}

/* What "invalid request" means, in the words of the message. */
static uint16_t error_class_said(weir_str message)
{
    static const char *const context[] = { "prompt is too long", "exceed context limit",
                                           "context window", "too many total text bytes", NULL };
    static const char *const quota[] = { "credit balance", "usage limit", "spend limit", NULL };
    static const char *const content[] = { "content filtering policy", "content policy", NULL };

    if (error_mentions(message, context))
        return WEIR_CLASS_CONTEXT_LENGTH;
    if (error_mentions(message, quota))
        return WEIR_CLASS_QUOTA;
    return error_mentions(message, content) ? WEIR_CLASS_CONTENT_FILTER
                                            : WEIR_CLASS_INVALID_REQUEST;
}

/* What the status says, where the body says nothing. */
static uint16_t error_class_status(unsigned status)
{
    if (status == 413)
        return WEIR_CLASS_CONTEXT_LENGTH;
    return status >= 200 && status < 300 ? WEIR_CLASS_SERVER_ERROR : weir_class_from_status(status);
}

static uint16_t error_class(weir_str type, weir_str code, weir_str message, unsigned status)
{
    uint16_t named = error_class_named(type);

    if (!named)
        named = error_class_status(status);
    if (named == WEIR_CLASS_INVALID_REQUEST)
        return error_class_said(message);
    if (named == WEIR_CLASS_RATE_LIMIT &&
        (weir_str_ends(code, "spend_limit_reached") || weir_str_mentions(message, "spend limit")))
        return WEIR_CLASS_QUOTA;
    return named;
}

weir_result ant_emit_error(struct ant_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out)
{
    static const weir_json no_json = { { "", 0 }, NULL, 0 };
    const weir_json *doc = json ? json : &no_json;
    uint32_t error = weir_json_find(doc, 0, "error");
    uint32_t at = weir_json_is_object(doc, error) ? error : 0;
    weir_str message = weir_json_str(doc, weir_json_find(doc, at, "message"), &x->arena);
    weir_str type = weir_json_str(doc, weir_json_find(doc, at, "type"), &x->arena);
    weir_str code = weir_json_str(doc, weir_json_path(doc, at, "details.error_code"), &x->arena);
    weir_failure f;

    if (!message.len)
        message = weir_json_str(doc, error, &x->arena);
    data = weir_str_trim(data);
    if (!message.len && !json && data.len && *data.ptr != '<') /* a page is no message */
        message = data;
    if (!message.len)
        message = type.len ? type : WEIR_S("the answer says no more than its status");
    if (message.len > ERROR_TEXT_MAX)
        message.len = ERROR_TEXT_MAX;
    f = weir_failure_make(error_class(type, code, message, d->status), d->status, message);
    f.code = code.len ? code : type;
    f.retry_after_us = d->retry_after_us;
    d->failed = 1;
    return weir_emit_error(out, &f);
}

weir_result ant_emit_protocol(struct ant_decoder *d, const char *message, const weir_events *out)
{
    d->failed = 1;
    return weir_emit_protocol(out, d->status, message);
}
