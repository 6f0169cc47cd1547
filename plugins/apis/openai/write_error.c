/*
 * write_error.c - failures in OpenAI's words.
 */
#include "openai.h"

#include <weir/sdk/failure.h>

/* Status, type and code of each class, as OpenAI's SDKs know them. */
static const struct error_words {
    uint16_t class_id;
    uint16_t status;
    const char *type;
    const char *code;
} words[] = {
    { WEIR_CLASS_AUTHENTICATION, 401, "invalid_request_error", "invalid_api_key" },
    { WEIR_CLASS_PERMISSION, 403, "invalid_request_error", "permission_denied" },
    { WEIR_CLASS_NOT_FOUND, 404, "invalid_request_error", "model_not_found" },
    { WEIR_CLASS_INVALID_REQUEST, 400, "invalid_request_error", NULL },
    { WEIR_CLASS_CONTEXT_LENGTH, 400, "invalid_request_error", "context_length_exceeded" },
    { WEIR_CLASS_CONTENT_FILTER, 400, "invalid_request_error", "content_filter" },
    { WEIR_CLASS_RATE_LIMIT, 429, "requests", "rate_limit_exceeded" },
    { WEIR_CLASS_QUOTA, 429, "insufficient_quota", "insufficient_quota" },
    { WEIR_CLASS_OVERLOADED, 503, "server_error", "overloaded" },
    { WEIR_CLASS_SERVER_ERROR, 502, "server_error", "server_error" },
    { WEIR_CLASS_TIMEOUT, 504, "server_error", "timeout" },
    { WEIR_CLASS_CONNECTION, 502, "server_error", "connection_error" },
    { WEIR_CLASS_PROTOCOL, 502, "server_error", "protocol_error" },
    { WEIR_CLASS_CANCELLED, 499, "invalid_request_error", "cancelled" },
    { WEIR_CLASS_NO_PROVIDER, 404, "invalid_request_error", "provider_not_found" },
    { WEIR_CLASS_NO_ROUTE, 404, "invalid_request_error", "model_not_found" },
    { WEIR_CLASS_UNSUPPORTED, 400, "invalid_request_error", "unsupported" },
    { WEIR_CLASS_BUDGET, 504, "server_error", "budget_exhausted" },
    { WEIR_CLASS_POLICY, 403, "invalid_request_error", "policy" },
    { WEIR_CLASS_INTERNAL, 500, "server_error", "internal_error" },
};

static const struct error_words *error_words_of(const weir_failure *f)
{
    return (const struct error_words *)weir_class_pick(words, sizeof(words) / sizeof(words[0]),
                                                       sizeof(words[0]), f);
}

static void error_write_or_null(weir_writer *w, const char *key, weir_str value)
{
    weir_write_key(w, key);
    if (value.len)
        weir_write_string(w, value);
    else
        weir_write_null(w);
}

void oai_write_error(weir_writer *w, const weir_failure *f)
{
    const struct error_words *word = error_words_of(f);
    weir_str code = f->code;

    /* Our word tells more reliably than the vendor's, whichever vendor it was; where we have none,
     * theirs. */
    if (word->code)
        code = weir_str_of(word->code);
    weir_write_begin_object(w);
    weir_write_key(w, "message");
    weir_write_string(w, f->message.len ? f->message : weir_str_of(weir_class_name(f->class_id)));
    weir_write_key(w, "type");
    weir_write_literal(w, word->type);
    error_write_or_null(w, "param", f->param);
    error_write_or_null(w, "code", code);
    weir_write_end_object(w);
}

weir_result oai_write_failure(void *cfg, void *st, const weir_exchange *x, const weir_failure *f,
                              const weir_reply_sink *out)
{
    const struct error_words *word = error_words_of(f);
    weir_writer w;
    weir_str json;

    (void)cfg;
    weir_writer_init(&w, &x->arena, f->message.len + 160);
    if (st)
        weir_write_bytes(&w, "data: ", 6);
    weir_write_begin_object(&w);
    weir_write_key(&w, "error");
    oai_write_error(&w, f);
    weir_write_end_object(&w);
    if (st)
        weir_write_bytes(&w, "\n\n", 2);
    WEIR_TRY(weir_writer_finish(&w, &json));
    /* A stream that fails gets no [DONE]: it has not ended, it broke. */
    return st ? out->bytes(out->ctx, json) : weir_reply_document(out, word->status, OAI_JSON, json);
}
