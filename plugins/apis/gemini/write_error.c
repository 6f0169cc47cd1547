/*
 * write_error.c - failures in Google's words.
 */
#include "gemini.h"

#include <weir/sdk/failure.h>

/* HTTP status and word of google.rpc.Code for each class. */
static const struct error_words {
    uint16_t class_id;
    uint16_t status;
    const char *word;
} words[] = {
    { WEIR_CLASS_AUTHENTICATION, 401, "UNAUTHENTICATED" },
    { WEIR_CLASS_PERMISSION, 403, "PERMISSION_DENIED" },
    { WEIR_CLASS_NOT_FOUND, 404, "NOT_FOUND" },
    { WEIR_CLASS_INVALID_REQUEST, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_CONTEXT_LENGTH, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_CONTENT_FILTER, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_RATE_LIMIT, 429, "RESOURCE_EXHAUSTED" },
    { WEIR_CLASS_QUOTA, 429, "RESOURCE_EXHAUSTED" },
    { WEIR_CLASS_OVERLOADED, 503, "UNAVAILABLE" },
    { WEIR_CLASS_SERVER_ERROR, 502, "INTERNAL" },
    { WEIR_CLASS_TIMEOUT, 504, "DEADLINE_EXCEEDED" },
    { WEIR_CLASS_CONNECTION, 502, "UNAVAILABLE" },
    { WEIR_CLASS_PROTOCOL, 502, "INTERNAL" },
    { WEIR_CLASS_CANCELLED, 499, "CANCELLED" },
    { WEIR_CLASS_NO_PROVIDER, 404, "NOT_FOUND" },
    { WEIR_CLASS_NO_ROUTE, 404, "NOT_FOUND" },
    { WEIR_CLASS_UNSUPPORTED, 400, "INVALID_ARGUMENT" },
    { WEIR_CLASS_BUDGET, 504, "DEADLINE_EXCEEDED" },
    { WEIR_CLASS_POLICY, 403, "PERMISSION_DENIED" },
    { WEIR_CLASS_INTERNAL, 500, "INTERNAL" },
};

static const struct error_words *error_words_of(const weir_failure *f)
{
    return (const struct error_words *)weir_class_pick(words, sizeof(words) / sizeof(words[0]),
                                                       sizeof(words[0]), f);
}

static void error_detail(weir_writer *w, const char *type)
{
    weir_write_begin_object(w);
    weir_write_key(w, "@type");
    weir_write_literal(w, type);
}

/* When to come back, which field it was, and our own word for what happened. */
static void error_details(weir_writer *w, const weir_failure *f)
{
    char delay[WEIR_NUMBER_ROOM + 1];

    weir_write_key(w, "details");
    weir_write_begin_array(w);
    if (f->retry_after_us > 0) {
        size_t len = weir_number_print_int64(delay, (f->retry_after_us + 999999) / 1000000);

        delay[len++] = 's';
        error_detail(w, "type.googleapis.com/google.rpc.RetryInfo");
        weir_write_key(w, "retryDelay");
        weir_write_string(w, weir_str_make(delay, len));
        weir_write_end_object(w);
    }
    if (f->param.len) {
        error_detail(w, "type.googleapis.com/google.rpc.BadRequest");
        weir_write_key(w, "fieldViolations");
        weir_write_begin_array(w);
        weir_write_begin_object(w);
        weir_write_key(w, "field");
        weir_write_string(w, f->param);
        weir_write_key(w, "description");
        weir_write_string(w, f->message);
        weir_write_end_object(w);
        weir_write_end_array(w);
        weir_write_end_object(w);
    }
    error_detail(w, "type.googleapis.com/google.rpc.ErrorInfo");
    weir_write_key(w, "reason");
    weir_write_literal(w, weir_class_name(f->class_id));
    if (f->code.len) {
        weir_write_key(w, "metadata");
        weir_write_begin_object(w);
        weir_write_key(w, "code");
        weir_write_string(w, f->code);
        weir_write_end_object(w);
    }
    weir_write_end_object(w);
    weir_write_end_array(w);
}

static weir_result error_body(const weir_exchange *x, const weir_failure *f,
                              const struct error_words *word, weir_str *json)
{
    weir_writer w;

    weir_writer_init(&w, &x->arena, f->message.len * 2 + 320);
    weir_write_begin_object(&w);
    weir_write_key(&w, "error"); /* the SDKs want it first */
    weir_write_begin_object(&w);
    weir_write_key(&w, "code");
    weir_write_int64(&w, word->status);
    weir_write_key(&w, "message");
    weir_write_string(&w, f->message.len ? f->message : weir_str_of(weir_class_name(f->class_id)));
    weir_write_key(&w, "status");
    weir_write_literal(&w, word->word);
    error_details(&w, f);
    weir_write_end_object(&w);
    weir_write_end_object(&w);
    return weir_writer_finish(&w, json);
}

/* A call of which no end has come is closed, so that what follows can be read. */
static weir_result error_close_part(struct gem_encoder *e, const weir_reply_sink *out)
{
    bool begun = e->open == GEM_CALL_BEGUN;
    weir_str rest = weir_str_of(begun ? ",\"text\":\"\"}]}}]}" : "}}]}}]}");

    if (!e->open || (begun && !e->is_signed))
        return WEIR_OK;
    e->open = GEM_CALL_NONE;
    WEIR_TRY(out->bytes(out->ctx, rest));
    return e->array ? WEIR_OK : out->bytes(out->ctx, WEIR_S("\r\n\r\n"));
}

/* The stream has begun. An array stays open: it has not ended, it broke. What was relayed is not in
 * our state, but then something was. */
static weir_result error_in_stream(struct gem_encoder *e, const weir_exchange *x, weir_str json,
                                   const weir_reply_sink *out)
{
    bool array = e->started ? e->array : !gem_path_sse(x->path);

    WEIR_TRY(error_close_part(e, out));
    if (array) {
        WEIR_TRY(out->bytes(out->ctx, weir_str_of(e->started && !e->pieces ? "[" : "\n,\n")));
        return out->bytes(out->ctx, json);
    }
    WEIR_TRY(out->bytes(out->ctx, WEIR_S("data: ")));
    WEIR_TRY(out->bytes(out->ctx, json));
    return out->bytes(out->ctx, WEIR_S("\r\n\r\n"));
}

weir_result gem_write_failure(void *cfg, void *st, const weir_exchange *x, const weir_failure *f,
                              const weir_reply_sink *out)
{
    const struct error_words *word = error_words_of(f);
    weir_str json;

    (void)cfg;
    WEIR_TRY(error_body(x, f, word, &json));
    if (st)
        return error_in_stream((struct gem_encoder *)st, x, json, out);
    return weir_reply_document(out, word->status, GEM_JSON, json);
}
