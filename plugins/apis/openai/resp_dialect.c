/*
 * resp_dialect.c - the dialect "openai-responses": its paths, and which reader and writer they
 * belong to.
 *
 * Answers that a vendor has kept, and conversations, are forwarded: their ids, in the path, say to
 * whom.
 */
#include "responses.h"

#include <weir/sdk/failure.h>

static const weir_endpoint endpoints[] = {
    WEIR_ENDPOINT(CHAT, "POST", "/v1/responses"),
    WEIR_ENDPOINT(CHAT, "POST", "/responses"),
    WEIR_ENDPOINT(COUNT, "POST", "/v1/responses/input_tokens"),
    WEIR_ENDPOINT(COUNT, "POST", "/responses/input_tokens"),
    WEIR_ENDPOINT(FORWARD, "POST", "/v1/responses/compact"),
    WEIR_ENDPOINT(FORWARD, "GET", "/v1/responses/{id}"),
    WEIR_ENDPOINT(FORWARD, "DELETE", "/v1/responses/{id}"),
    WEIR_ENDPOINT(FORWARD, "POST", "/v1/responses/{id}/cancel"),
    WEIR_ENDPOINT(FORWARD, "POST", "/v1/responses/{id}/compact"),
    WEIR_ENDPOINT(FORWARD, "GET", "/v1/responses/{id}/input_items"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1/conversations"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1/conversations/{id}"),
    WEIR_ENDPOINT(FORWARD, "*", "/v1/conversations/{id}/**"),
};

static weir_result dialect_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    uint8_t op = endpoints[in->endpoint].op;

    if (op == WEIR_OP_FORWARD)
        return resp_read_forward((const weir_dialect_config *)cfg, in, out);
    return resp_read(in, op, out);
}

/* The count, as this API says it. */
static weir_result dialect_count(const weir_dialect_config *cfg, const weir_exchange *x,
                                 weir_str text, const weir_reply_sink *out)
{
    weir_json doc;
    weir_writer w;
    weir_str json;

    if (!cfg->json)
        return WEIR_UNSUPPORTED;
    WEIR_TRY(cfg->json->scan(&x->arena, text, &doc, NULL));
    weir_writer_init(&w, &x->arena, 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "object");
    weir_write_literal(&w, "response.input_tokens");
    weir_write_key(&w, "input_tokens");
    weir_write_value(&w, &doc, weir_json_find(&doc, 0, "input_tokens"));
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OAI_JSON, json);
}

static weir_result dialect_event(void *cfg, void *st, const weir_exchange *x,
                                 const weir_event *event, const weir_reply_sink *out)
{
    if (event->type == WEIR_EVENT_DOCUMENT)
        return dialect_count((const weir_dialect_config *)cfg, x,
                             weir_text_to_utf8(&x->arena, event->text), out);
    return resp_stream_event(cfg, st, x, event, out);
}

const weir_dialect_v1 resp_dialect = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = sizeof(struct resp_encoder),
    .id = RESP_DIALECT,
    .endpoints = WEIR_ARRAY_OF(endpoints),
    .configure = weir_dialect_configure,
    .release = weir_dialect_release,
    .read = dialect_read,
    .translate = resp_translate,
    .event = dialect_event,
    .answer = resp_write_answer,
    .failure = resp_write_failure,
    .end = resp_stream_end,
    .flags = WEIR_DIALECT_SEQUENTIAL | WEIR_DIALECT_GATHERED,
};
