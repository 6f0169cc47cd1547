/*
 * write_error.c - failures in Anthropic's words.
 */
#include "anthropic.h"

#include <weir/sdk/failure.h>

/* Status and type of each class, as Anthropic's SDKs know them. */
static const struct error_words {
    uint16_t class_id;
    uint16_t status;
    const char *type;
} words[] = {
    { WEIR_CLASS_AUTHENTICATION, 401, "authentication_error" },
    { WEIR_CLASS_PERMISSION, 403, "permission_error" },
    { WEIR_CLASS_NOT_FOUND, 404, "not_found_error" },
    { WEIR_CLASS_INVALID_REQUEST, 400, "invalid_request_error" },
    { WEIR_CLASS_CONTEXT_LENGTH, 400, "invalid_request_error" },
    { WEIR_CLASS_CONTENT_FILTER, 400, "invalid_request_error" },
    { WEIR_CLASS_RATE_LIMIT, 429, "rate_limit_error" },
    { WEIR_CLASS_QUOTA, 402, "billing_error" },
    { WEIR_CLASS_OVERLOADED, 529, "overloaded_error" },
    { WEIR_CLASS_SERVER_ERROR, 500, "api_error" },
    { WEIR_CLASS_TIMEOUT, 504, "timeout_error" },
    { WEIR_CLASS_CONNECTION, 502, "api_error" },
    { WEIR_CLASS_PROTOCOL, 502, "api_error" },
    { WEIR_CLASS_CANCELLED, 499, "api_error" },
    { WEIR_CLASS_NO_PROVIDER, 404, "not_found_error" },
    { WEIR_CLASS_NO_ROUTE, 404, "not_found_error" },
    { WEIR_CLASS_UNSUPPORTED, 400, "invalid_request_error" },
    { WEIR_CLASS_BUDGET, 504, "timeout_error" },
    { WEIR_CLASS_POLICY, 403, "permission_error" },
    { WEIR_CLASS_INTERNAL, 500, "api_error" },
};

static const struct error_words *error_words_of(const weir_failure *f)
{
    static const struct error_words too_large = { WEIR_CLASS_CONTEXT_LENGTH, 413,
                                                  "request_too_large" };

    if (weir_class_of(f) == WEIR_CLASS_CONTEXT_LENGTH && f->http_status == 413)
        return &too_large;
    return (const struct error_words *)weir_class_pick(words, sizeof(words) / sizeof(words[0]),
                                                       sizeof(words[0]), f);
}

weir_result ant_write_failure(void *cfg, void *st, const weir_exchange *x, const weir_failure *f,
                              const weir_reply_sink *out)
{
    const struct error_words *word = error_words_of(f);
    weir_writer w;
    weir_str json;

    (void)cfg;
    weir_writer_init(&w, &x->arena, f->message.len + 160);
    if (st)
        weir_write_bytes(&w, "event: error\ndata: ", 19);
    weir_write_begin_object(&w);
    weir_write_key(&w, "type");
    weir_write_literal(&w, "error");
    weir_write_key(&w, "error");
    weir_write_begin_object(&w);
    weir_write_key(&w, "type");
    weir_write_literal(&w, word->type);
    weir_write_key(&w, "message");
    weir_write_string(&w, f->message.len ? f->message : weir_str_of(weir_class_name(f->class_id)));
    weir_write_end_object(&w);
    weir_write_key(&w, "request_id");
    weir_write_string(&w, x->id);
    weir_write_end_object(&w);
    if (st)
        weir_write_bytes(&w, "\n\n", 2);
    WEIR_TRY(weir_writer_finish(&w, &json));
    /* A stream that fails gets no message_stop: it has not ended, it broke. */
    return st ? out->bytes(out->ctx, json) : weir_reply_document(out, word->status, ANT_JSON, json);
}
