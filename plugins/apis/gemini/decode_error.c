/*
 * decode_error.c - which failure an error body stands for.
 *
 * Google's errors are {"error":{code,message,status,details}}, in a stream without alt=sse inside
 * an array. `details` is a list of typed objects: RetryInfo tells when to come back, QuotaFailure
 * which limit it was, ErrorInfo has a reason. A bad key is answered with status 400.
 */
#include "decode.h"

#include "names.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>

enum { ERROR_TEXT_MAX = 600 };

uint32_t gem_error_find(const weir_json *doc)
{
    uint32_t top = weir_json_is_array(doc, 0) ? weir_json_item(doc, 0, 0) : 0;
    uint32_t error = weir_json_find(doc, top, "error");

    if (weir_json_is_object(doc, error) || weir_json_is_string(doc, error))
        return error;
    return WEIR_JSON_NONE;
}

/* The detail of a type, e.g. "RetryInfo". */
static uint32_t error_detail(const weir_json *doc, uint32_t error, const char *type)
{
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, error, "details"), detail)
    {
        if (weir_str_ends(weir_json_inner(doc, weir_json_find(doc, detail, "@type")), type))
            return detail;
    }
    return WEIR_JSON_NONE;
}

static int64_t error_retry(const weir_json *doc, uint32_t error, const weir_arena *arena)
{
    uint32_t delay = weir_json_find(doc, error_detail(doc, error, ".RetryInfo"), "retryDelay");
    weir_str text = weir_json_str(doc, delay, arena);

    return text.len ? weir_duration_us(text) : -1;
}

/* Limits of a day, or of no requests at all, do not pass by waiting a little. */
static bool error_is_quota(const weir_json *doc, uint32_t error)
{
    uint32_t failure = error_detail(doc, error, ".QuotaFailure");

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, failure, "violations"), violation)
    {
        weir_str id = weir_json_inner(doc, weir_json_find(doc, violation, "quotaId"));

        if (weir_str_mentions(id, "perday") ||
            weir_json_is(doc, weir_json_find(doc, violation, "quotaValue"), "0"))
            return true;
    }
    return false;
}

static uint16_t error_by_status_word(weir_str word)
{
    static const struct {
        const char *word;
        uint16_t class_id;
    } table[] = {
        { "UNAUTHENTICATED", WEIR_CLASS_AUTHENTICATION },
        { "PERMISSION_DENIED", WEIR_CLASS_PERMISSION },
        { "NOT_FOUND", WEIR_CLASS_NOT_FOUND },
        { "INVALID_ARGUMENT", WEIR_CLASS_INVALID_REQUEST },
        { "FAILED_PRECONDITION", WEIR_CLASS_INVALID_REQUEST },
        { "OUT_OF_RANGE", WEIR_CLASS_INVALID_REQUEST },
        { "RESOURCE_EXHAUSTED", WEIR_CLASS_RATE_LIMIT },
        { "UNAVAILABLE", WEIR_CLASS_OVERLOADED },
        { "DEADLINE_EXCEEDED", WEIR_CLASS_TIMEOUT },
        { "INTERNAL", WEIR_CLASS_SERVER_ERROR },
        { "UNKNOWN", WEIR_CLASS_SERVER_ERROR },
        { "ABORTED", WEIR_CLASS_SERVER_ERROR },
        { "CANCELLED", WEIR_CLASS_CANCELLED },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_is(word, table[i].word))
            return table[i].class_id;
    }
    return 0;
}

/* Requests that are refused for what the message says. */
static uint16_t error_by_message(weir_str message)
{
    static const struct {
        const char *words;
        uint16_t class_id;
    } table[] = {
        { "api key not valid", WEIR_CLASS_AUTHENTICATION },
        { "api key expired", WEIR_CLASS_AUTHENTICATION },
        { "api_key_invalid", WEIR_CLASS_AUTHENTICATION },
        { "input token count", WEIR_CLASS_CONTEXT_LENGTH },
        { "maximum number of tokens allowed", WEIR_CLASS_CONTEXT_LENGTH },
        { "user location is not supported", WEIR_CLASS_PERMISSION },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_mentions(message, table[i].words))
            return table[i].class_id;
    }
    return 0;
}

static uint16_t error_class(const weir_json *doc, uint32_t error, const weir_failure *f)
{
    weir_str reason =
        weir_json_inner(doc, weir_json_find(doc, error_detail(doc, error, ".ErrorInfo"), "reason"));
    uint16_t class_id = error_by_status_word(f->code);
    uint16_t told = 0;

    if (!class_id)
        class_id = weir_class_from_status(f->http_status);
    if (class_id == WEIR_CLASS_INVALID_REQUEST) {
        uint32_t detail = weir_json_find(doc, error_detail(doc, error, ".DebugInfo"), "detail");

        told = error_by_message(f->message);
        if (weir_str_is(reason, "API_KEY_INVALID"))
            told = WEIR_CLASS_AUTHENTICATION;
        if (!told)
            told = error_by_message(weir_json_inner(doc, detail));
    }
    if (class_id == WEIR_CLASS_RATE_LIMIT && error_is_quota(doc, error))
        told = WEIR_CLASS_QUOTA;
    if (told)
        return told;
    return class_id ? class_id : (uint16_t)WEIR_CLASS_SERVER_ERROR;
}

/* Fills in what the error object tells. */
static void error_read(const weir_json *doc, uint32_t error, const weir_exchange *x,
                       weir_failure *f)
{
    int64_t code = 0;

    if (weir_json_is_string(doc, error)) {
        f->message = weir_json_str(doc, error, &x->arena);
        return;
    }
    f->message = weir_json_str(doc, weir_json_find(doc, error, "message"), &x->arena);
    f->code = weir_json_str(doc, weir_json_find(doc, error, "status"), &x->arena);
    if (!weir_json_int64(doc, weir_json_find(doc, error, "code"), &code))
        return;
    if (code >= 400 && code < 600 && f->http_status >= 200 && f->http_status < 300)
        f->http_status = (uint16_t)code;
}

weir_result gem_emit_error(struct gem_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out)
{
    static const weir_json no_json = { { "", 0 }, NULL, 0 };
    const weir_json *doc = json ? json : &no_json;
    uint32_t error = gem_error_find(doc);
    weir_failure f = weir_failure_make(0, d->status, weir_str_make("", 0));

    error_read(doc, error, x, &f);
    data = weir_str_trim(data);
    if (!f.message.len && error == WEIR_JSON_NONE && data.len && *data.ptr != '<')
        f.message = data; /* but a page is no message */
    if (!f.message.len)
        f.message = f.code.len ? f.code : WEIR_S("the answer says no more than its status");
    if (f.message.len > ERROR_TEXT_MAX)
        f.message.len = ERROR_TEXT_MAX;
    f.class_id = error_class(doc, error, &f);
    f.family = weir_class_rows()[f.class_id].family;
    f.retry_after_us = d->retry_after_us;
    if (f.retry_after_us < 0)
        f.retry_after_us = error_retry(doc, error, &x->arena);
    d->failed = 1;
    return weir_emit_error(out, &f);
}

weir_result gem_emit_protocol(struct gem_decoder *d, const char *message, const weir_events *out)
{
    d->failed = 1;
    return weir_emit_protocol(out, d->status, message);
}

weir_result gem_emit_blocked(struct gem_reading *r, uint32_t feedback)
{
    const weir_arena *arena = &r->x->arena;
    uint32_t reason = gem_find(r->doc, feedback, "blockReason");
    weir_str message =
        weir_json_str(r->doc, gem_find(r->doc, feedback, "blockReasonMessage"), arena);
    weir_str parts[2] = { WEIR_S("the prompt was blocked: "), weir_json_raw(r->doc, reason) };
    weir_failure f = weir_failure_make(WEIR_CLASS_CONTENT_FILTER, r->d->status, message);

    if (weir_json_is_string(r->doc, reason))
        parts[1] = weir_json_str(r->doc, reason, arena);
    f.code = parts[1];
    if (!message.len)
        f.message = weir_str_join(arena, parts, 2);
    r->d->failed = 1;
    return f.message.ptr ? weir_emit_error(r->out, &f) : WEIR_NO_MEMORY;
}

weir_result gem_emit_no_answer(struct gem_decoder *d, weir_str reason, weir_str message,
                               const weir_events *out)
{
    weir_failure f = weir_failure_make(WEIR_CLASS_SERVER_ERROR, d->status, message);

    f.code = reason;
    if (!message.len)
        f.message = WEIR_S("the model ended without an answer");
    d->failed = 1;
    return weir_emit_error(out, &f);
}
