/*
 * decode_error.c - which failure an error body stands for.
 *
 * The body of OpenAI is {"error":{message,type,param,code}}. Also read: {"error":"text"} and
 * {"error":"text","code":...} (xAI), {"object":"error","message":...} (Mistral, vLLM),
 * {"detail":...} (FastAPI), {"message":...}, one of these inside an array (Gemini), plain text, and
 * none.
 *
 * A status that is plain decides the class. Of the others, 400 above all, code, type and at last
 * the words of the message say more.
 */
#include "decode.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>

enum { ERROR_TEXT_MAX = 600 };

/* The parts of an error, wherever they stood. */
struct oai_error {
    weir_str message;
    weir_str type;
    weir_str code;
    weir_str param;
    int64_t status; /* what the body says it was; 0: nothing */
};

bool oai_is_error(const weir_json *doc)
{
    uint32_t error = weir_json_find(doc, 0, "error");

    if (weir_json_is_object(doc, error) || (weir_json_is_string(doc, error) && doc->tok[error].len))
        return true;
    return weir_json_is(doc, weir_json_find(doc, 0, "object"), "error");
}

/* A member as text: a string decoded, anything else but null as it stands. */
static weir_str error_text(const weir_json *doc, uint32_t value, const weir_arena *arena)
{
    if (weir_json_is_string(doc, value))
        return weir_json_str(doc, value, arena);
    if (value == WEIR_JSON_NONE || weir_json_is_null(doc, value))
        return weir_str_make("", 0);
    return weir_json_raw(doc, value);
}

static weir_str error_first(const weir_json *doc, uint32_t object, const char *const *names,
                            const weir_arena *arena)
{
    weir_str found = weir_str_make("", 0);

    for (; *names && !found.len; names++)
        found = error_text(doc, weir_json_find(doc, object, *names), arena);
    return found;
}

#define ERROR_FIRST(doc, object, arena, ...) \
    error_first(doc, object, (const char *const[]){ __VA_ARGS__, NULL }, arena)

static void error_read(const weir_json *doc, const weir_arena *arena, struct oai_error *e)
{
    uint32_t top = weir_json_is_array(doc, 0) ? weir_json_item(doc, 0, 0) : 0;
    uint32_t error = weir_json_find(doc, top, "error");
    uint32_t at = weir_json_is_object(doc, error) ? error : top;

    e->message = ERROR_FIRST(doc, at, arena, "message", "error", "detail", "msg", "errors",
                             "error_description");
    e->type = ERROR_FIRST(doc, at, arena, "type", "error_type");
    e->code = ERROR_FIRST(doc, at, arena, "code");
    e->param = ERROR_FIRST(doc, at, arena, "param");
    if (!e->type.len)
        e->type = ERROR_FIRST(doc, top, arena, "type");
    if (!e->code.len && at != top)
        e->code = ERROR_FIRST(doc, top, arena, "code");
    if (!weir_number_to_int64(e->code.ptr, e->code.len, &e->status) || e->status < 400 ||
        e->status > 599)
        e->status = 0;
    weir_json_int64(doc, weir_json_find(doc, at, "status_code"), &e->status);
}

static bool error_named(const struct oai_error *e, const char *name)
{
    return weir_str_is_nocase(e->code, name) || weir_str_is_nocase(e->type, name);
}

static bool error_says_context(const struct oai_error *e)
{
    static const char *const words[] = { "context length",    "context_length",
                                         "context size",      "context window",
                                         "prompt too long",   "prompt is too long",
                                         "too many tokens",   "maximum number of tokens",
                                         "reduce the length", "input is too long" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (weir_str_mentions(e->message, words[i]))
            return true;
    }
    return false;
}

/* By code and type; 0 if they say nothing. */
static uint16_t error_class_named(const struct oai_error *e)
{
    static const struct {
        const char *name;
        uint16_t class_id;
    } table[] = {
        { "context_length_exceeded", WEIR_CLASS_CONTEXT_LENGTH },
        { "exceed_context_size_error", WEIR_CLASS_CONTEXT_LENGTH },
        { "string_above_max_length", WEIR_CLASS_CONTEXT_LENGTH },
        { "insufficient_quota", WEIR_CLASS_QUOTA },
        { "billing_hard_limit_reached", WEIR_CLASS_QUOTA },
        { "billing_not_active", WEIR_CLASS_QUOTA },
        { "insufficient_balance", WEIR_CLASS_QUOTA },
        { "content_filter", WEIR_CLASS_CONTENT_FILTER },
        { "content_policy_violation", WEIR_CLASS_CONTENT_FILTER },
        { "responsibleaipolicyviolation", WEIR_CLASS_CONTENT_FILTER },
        { "data_inspection_failed", WEIR_CLASS_CONTENT_FILTER },
        { "model_not_found", WEIR_CLASS_NOT_FOUND },
        { "invalid_model", WEIR_CLASS_NOT_FOUND },
        { "model_decommissioned", WEIR_CLASS_NOT_FOUND },
        { "model_terms_required", WEIR_CLASS_PERMISSION },
        { "deploymentnotfound", WEIR_CLASS_NOT_FOUND },
        { "not_found_error", WEIR_CLASS_NOT_FOUND },
        { "invalid_api_key", WEIR_CLASS_AUTHENTICATION },
        { "authentication_error", WEIR_CLASS_AUTHENTICATION },
        { "permission_error", WEIR_CLASS_PERMISSION },
        { "rate_limit_exceeded", WEIR_CLASS_RATE_LIMIT },
        { "rate_limit_error", WEIR_CLASS_RATE_LIMIT },
        { "ratelimitreached", WEIR_CLASS_RATE_LIMIT },
        { "requests", WEIR_CLASS_RATE_LIMIT },
        { "tokens", WEIR_CLASS_RATE_LIMIT },
        { "overloaded_error", WEIR_CLASS_OVERLOADED },
        { "engine_overloaded_error", WEIR_CLASS_OVERLOADED },
        { "service_unavailable", WEIR_CLASS_OVERLOADED },
        { "timeout", WEIR_CLASS_TIMEOUT },
        { "timeout_error", WEIR_CLASS_TIMEOUT },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (error_named(e, table[i].name))
            return table[i].class_id;
    }
    return 0;
}

static uint16_t error_class(const struct oai_error *e, unsigned status)
{
    uint16_t named = error_class_named(e);

    switch (status) {
    case 401:
    case 402:
    case 403:
    case 404:
        return weir_class_from_status(status);
    case 429:
        return named == WEIR_CLASS_QUOTA ? WEIR_CLASS_QUOTA : WEIR_CLASS_RATE_LIMIT;
    case 413:
        return WEIR_CLASS_CONTEXT_LENGTH;
    default:
        break;
    }
    if (named)
        return named;
    if (status < 500 && error_says_context(e))
        return WEIR_CLASS_CONTEXT_LENGTH;
    if (status == 400 && weir_str_mentions(e->message, "incorrect api key")) /* xAI */
        return WEIR_CLASS_AUTHENTICATION;
    if (status < 200 || status >= 300)
        return weir_class_from_status(status);
    /* An error inside a good answer. */
    return error_named(e, "invalid_request_error") ? WEIR_CLASS_INVALID_REQUEST
                                                   : WEIR_CLASS_SERVER_ERROR;
}

/* OpenRouter tells the reset of its limits in the body only. */
static int64_t error_reset(const weir_json *doc, const weir_exchange *x)
{
    uint32_t reset = weir_json_path(doc, 0, "error.metadata.headers.X-RateLimit-Reset");
    weir_str value = error_text(doc, reset, &x->arena);

    return value.len ? weir_reset_us(value, x->unix_us) : -1;
}

weir_result oai_emit_error(struct oai_decoder *d, const weir_exchange *x, const weir_json *json,
                           weir_str data, const weir_events *out)
{
    bool bad_status = d->status < 200 || d->status >= 300;
    struct oai_error e;
    weir_failure f;

    memset(&e, 0, sizeof(e));
    if (json)
        error_read(json, &x->arena, &e);
    else if (weir_str_trim(data).len && *weir_str_trim(data).ptr != '<') /* a page is no message */
        e.message = weir_str_trim(data);
    if (!e.message.len)
        e.message = e.type.len ? e.type : WEIR_S("the answer says no more than its status");
    if (e.message.len > ERROR_TEXT_MAX)
        e.message.len = ERROR_TEXT_MAX;

    f = weir_failure_make(0, bad_status || !e.status ? d->status : (unsigned)e.status, e.message);
    f.class_id = error_class(&e, f.http_status);
    f.family = weir_class_rows()[f.class_id].family;
    f.code = e.code.len ? e.code : e.type;
    f.param = e.param;
    f.retry_after_us = d->retry_after_us;
    if (json && f.retry_after_us < 0 && f.class_id == WEIR_CLASS_RATE_LIMIT)
        f.retry_after_us = error_reset(json, x);
    d->failed = 1;
    return weir_emit_error(out, &f);
}

weir_result oai_emit_protocol(struct oai_decoder *d, const char *message, const weir_events *out)
{
    d->failed = 1;
    return weir_emit_protocol(out, d->status, message);
}
