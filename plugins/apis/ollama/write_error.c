/*
 * write_error.c - failures in Ollama's words: {"error": "text"}, with a status or as the last line
 * of a stream.
 */
#include "ollama.h"

#include <weir/sdk/failure.h>

static const struct error_status {
    uint16_t class_id;
    uint16_t status;
} statuses[] = {
    { WEIR_CLASS_AUTHENTICATION, 401 }, { WEIR_CLASS_PERMISSION, 403 },
    { WEIR_CLASS_NOT_FOUND, 404 },      { WEIR_CLASS_INVALID_REQUEST, 400 },
    { WEIR_CLASS_CONTEXT_LENGTH, 400 }, { WEIR_CLASS_CONTENT_FILTER, 400 },
    { WEIR_CLASS_RATE_LIMIT, 429 },     { WEIR_CLASS_QUOTA, 429 },
    { WEIR_CLASS_OVERLOADED, 503 },     { WEIR_CLASS_SERVER_ERROR, 502 },
    { WEIR_CLASS_TIMEOUT, 504 },        { WEIR_CLASS_CONNECTION, 502 },
    { WEIR_CLASS_PROTOCOL, 502 },       { WEIR_CLASS_CANCELLED, 499 },
    { WEIR_CLASS_NO_PROVIDER, 404 },    { WEIR_CLASS_NO_ROUTE, 404 },
    { WEIR_CLASS_UNSUPPORTED, 400 },    { WEIR_CLASS_BUDGET, 504 },
    { WEIR_CLASS_POLICY, 403 },         { WEIR_CLASS_INTERNAL, 500 },
};

static uint32_t error_status(const weir_failure *f)
{
    const struct error_status *row = (const struct error_status *)weir_class_pick(
        statuses, sizeof(statuses) / sizeof(statuses[0]), sizeof(statuses[0]), f);

    return row->status;
}

weir_result olm_write_failure(void *cfg, void *st, const weir_exchange *x, const weir_failure *f,
                              const weir_reply_sink *out)
{
    weir_writer w;
    weir_str json;

    (void)cfg;
    weir_writer_init(&w, &x->arena, f->message.len + 32);
    weir_write_begin_object(&w);
    weir_write_key(&w, "error");
    weir_write_string(&w, f->message.len ? f->message : weir_str_of(weir_class_name(f->class_id)));
    weir_write_end_object(&w);
    if (st)
        weir_write_byte(&w, '\n');
    WEIR_TRY(weir_writer_finish(&w, &json));
    /* A stream that fails gets no `done`: it has not ended, it broke. */
    return st ? out->bytes(out->ctx, json)
              : weir_reply_document(out, error_status(f), OLM_JSON, json);
}
