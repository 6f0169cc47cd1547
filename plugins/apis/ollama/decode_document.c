/*
 * decode_document.c - embeddings and lists of models in the canonical form.
 */
#include "ollama.h"

#include <weir/sdk/date.h>
#include <weir/sdk/sink.h>

weir_str olm_compact(const weir_arena *arena, weir_str json)
{
    char *copy = (char *)arena->alloc(arena->owner, json.len ? json.len : 1);
    size_t n = 0;

    for (size_t i = 0; copy && i < json.len; i++) {
        if (!strchr(" \t\r\n", json.ptr[i]) || !json.ptr[i])
            copy[n++] = json.ptr[i];
    }
    return weir_str_make(copy, n);
}

static void document_begin(weir_writer *w, const weir_exchange *x, size_t size)
{
    weir_writer_init(w, &x->arena, size);
    weir_write_begin_object(w);
    weir_write_key(w, "object");
    weir_write_literal(w, "list");
    weir_write_key(w, "data");
    weir_write_begin_array(w);
}

static weir_result document_send(weir_writer *w, struct olm_decoder *d, const weir_events *out)
{
    weir_str text;

    weir_write_end_object(w);
    WEIR_TRY(weir_writer_finish(w, &text));
    d->over = 1;
    return weir_emit_document(out, text);
}

/* -- Embeddings ------------------------------------------------------------------------------- */

static void embedding_write(weir_writer *w, const weir_json *doc, uint32_t value, int64_t index)
{
    weir_write_begin_object(w);
    weir_write_key(w, "object");
    weir_write_literal(w, "embedding");
    weir_write_key(w, "index");
    weir_write_int64(w, index);
    weir_write_key(w, "embedding");
    weir_write_value(w, doc, value);
    weir_write_end_object(w);
}

static weir_result decode_embeddings(struct olm_decoder *d, const weir_exchange *x,
                                     const weir_json *doc, const weir_events *out)
{
    uint32_t list = weir_json_find(doc, 0, "embeddings");
    uint32_t single = weir_json_find(doc, 0, "embedding");
    weir_str model = weir_json_str(doc, weir_json_find(doc, 0, "model"), &x->arena);
    weir_usage u = weir_usage_unknown();
    int64_t index = 0;
    weir_writer w;

    if (!weir_json_is_array(doc, list) && !weir_json_is_array(doc, single))
        return olm_emit_protocol(d, "the answer has no embeddings", out);
    document_begin(&w, x, doc->bytes.len + 256);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        if (!weir_json_is_array(doc, item))
            return olm_emit_protocol(d, "an embedding is not a list of numbers", out);
        embedding_write(&w, doc, item, index++);
    }
    if (!weir_json_is_array(doc, list))
        embedding_write(&w, doc, single, 0);
    weir_write_end_array(&w);
    weir_write_key(&w, "model");
    weir_write_string(&w, model.len ? model : x->target->model);
    if (weir_json_int64(doc, weir_json_find(doc, 0, "prompt_eval_count"), &u.input_total) &&
        u.input_total >= 0) {
        WEIR_TRY(weir_emit_usage(out, &u));
        weir_write_key(&w, "usage");
        weir_write_begin_object(&w);
        weir_write_key(&w, "prompt_tokens");
        weir_write_int64(&w, u.input_total);
        weir_write_key(&w, "total_tokens");
        weir_write_int64(&w, u.input_total);
        weir_write_end_object(&w);
    }
    return document_send(&w, d, out);
}

/* -- Models ----------------------------------------------------------------------------------- */

/* "x:latest" is what "x" means, so it goes by the shorter name. */
static void model_begin(weir_writer *w, weir_str name)
{
    if (weir_str_ends(name, ":latest"))
        name.len -= strlen(":latest");
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, name);
    weir_write_key(w, "object");
    weir_write_literal(w, "model");
}

static void model_created(weir_writer *w, const weir_exchange *x, const weir_json *doc,
                          uint32_t model)
{
    weir_str date = weir_json_str(doc, weir_json_find(doc, model, "modified_at"), &x->arena);
    int64_t unix_us = weir_date_read(date);

    weir_write_key(w, "created");
    weir_write_int64(w, unix_us > 0 ? unix_us / 1000000 : 0);
    weir_write_key(w, "owned_by");
    weir_write_literal(w, "ollama");
}

/* What only Ollama tells stays in its words, for an application that speaks its API. */
static void model_rest(weir_writer *w, const weir_json *doc, uint32_t model)
{
    static const char *const members[] = { "size", "digest", "details" };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t value = weir_json_find(doc, model, members[i]);

        if (value == WEIR_JSON_NONE || weir_json_is_null(doc, value))
            continue;
        weir_write_key(w, members[i]);
        weir_write_value(w, doc, value);
    }
}

static const struct {
    const char *ollama;
    const char *canonical;
} capabilities[] = {
    { "tools", "tools" },        { "vision", "images" },        { "audio", "audio" },
    { "thinking", "reasoning" }, { "embedding", "embeddings" },
};

static void model_capabilities(weir_writer *w, const weir_json *doc, uint32_t list)
{
    if (!weir_json_is_array(doc, list))
        return;
    weir_write_key(w, "capabilities");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
            if (weir_json_is(doc, item, capabilities[i].ollama))
                weir_write_literal(w, capabilities[i].canonical);
        }
        if (weir_json_is(doc, item, "completion"))
            weir_write_literal(w, "stream");
    }
    weir_write_end_array(w);
}

/* "llama.context_length", whatever the architecture is called. */
static void model_context(weir_writer *w, const weir_exchange *x, const weir_json *doc,
                          uint32_t info)
{
    int64_t tokens;

    WEIR_JSON_EACH_MEMBER(doc, info, key, value)
    {
        if (!weir_str_ends(weir_json_str(doc, key, &x->arena), ".context_length") ||
            !weir_json_int64(doc, value, &tokens) || tokens <= 0)
            continue;
        weir_write_key(w, "context_window");
        weir_write_int64(w, tokens);
        return;
    }
}

static weir_result decode_tags(struct olm_decoder *d, const weir_exchange *x, const weir_json *doc,
                               const weir_events *out)
{
    uint32_t list = weir_json_find(doc, 0, "models");
    weir_writer w;

    /* A server without models says null. */
    if (!weir_json_is_array(doc, list) && !weir_json_is_null(doc, list))
        return olm_emit_protocol(d, "the list of models has no models", out);
    document_begin(&w, x, doc->bytes.len + 256);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        weir_str name = weir_json_str(doc, weir_json_find(doc, item, "model"), &x->arena);

        if (!name.len)
            name = weir_json_str(doc, weir_json_find(doc, item, "name"), &x->arena);
        if (!name.len)
            continue;
        model_begin(&w, name);
        model_created(&w, x, doc, item);
        model_capabilities(&w, doc, weir_json_find(doc, item, "capabilities"));
        model_rest(&w, doc, item);
        weir_write_end_object(&w);
    }
    weir_write_end_array(&w);
    return document_send(&w, d, out);
}

/* What /api/show tells of one model. */
static weir_result decode_show(struct olm_decoder *d, const weir_exchange *x, const weir_json *doc,
                               const weir_events *out)
{
    weir_str name = x->asked_model.len ? x->asked_model : x->target->model;
    weir_writer w;

    document_begin(&w, x, 512);
    model_begin(&w, name);
    model_created(&w, x, doc, 0);
    model_context(&w, x, doc, weir_json_find(doc, 0, "model_info"));
    model_capabilities(&w, doc, weir_json_find(doc, 0, "capabilities"));
    model_rest(&w, doc, 0);
    weir_write_end_object(&w);
    weir_write_end_array(&w);
    return document_send(&w, d, out);
}

weir_result olm_decode_document(struct olm_decoder *d, const weir_exchange *x, const weir_json *doc,
                                const weir_events *out)
{
    if (x->op == WEIR_OP_EMBED)
        return decode_embeddings(d, x, doc, out);
    if (weir_json_find(doc, 0, "models") == WEIR_JSON_NONE &&
        weir_json_is_object(doc, weir_json_find(doc, 0, "details")))
        return decode_show(d, x, doc, out);
    return decode_tags(d, x, doc, out);
}
