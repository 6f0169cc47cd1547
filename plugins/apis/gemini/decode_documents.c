/*
 * decode_documents.c - embeddings, models and counts as canonical documents, and where an answer's
 * text comes from as annotations.
 */
#include "decode.h"

#include "gemini.h"
#include "names.h"

#include <weir/sdk/sink.h>

/* -- Sources ---------------------------------------------------------------------------------- */

/* One annotation. Places are left out: they are counted in bytes of one part here, and in
 * characters of the answer there. */
static void annotation_write(weir_writer *w, const weir_json *doc, uint32_t source)
{
    uint32_t uri = gem_find(doc, source, "uri");
    uint32_t title = gem_find(doc, source, "title");

    if (!weir_json_is_string(doc, uri))
        return;
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "url_citation");
    weir_write_key(w, "url_citation");
    weir_write_begin_object(w);
    weir_write_key(w, "url");
    weir_write_value(w, doc, uri);
    if (weir_json_is_string(doc, title)) {
        weir_write_key(w, "title");
        weir_write_value(w, doc, title);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
}

weir_result gem_annotations(struct gem_reading *r, uint32_t candidate, weir_str *extra)
{
    const weir_json *doc = r->doc;
    uint32_t grounding = gem_find(doc, candidate, "groundingMetadata");
    uint32_t citations = gem_find(doc, candidate, "citationMetadata");
    weir_str list;
    weir_writer w;

    *extra = weir_str_make("", 0);
    weir_writer_init(&w, &r->x->arena, 256);
    WEIR_JSON_EACH_ITEM(doc, gem_find(doc, grounding, "groundingChunks"), chunk)
    {
        WEIR_JSON_EACH_MEMBER(doc, chunk, key, source)
        {
            (void)key; /* web, maps, retrievedContext */
            annotation_write(&w, doc, source);
        }
    }
    WEIR_JSON_EACH_ITEM(doc, gem_find(doc, citations, "citationSources"), source)
    {
        annotation_write(&w, doc, source);
    }
    WEIR_JSON_EACH_ITEM(doc, gem_find(doc, citations, "citations"), vertex)
    {
        annotation_write(&w, doc, vertex);
    }
    WEIR_TRY(weir_writer_finish(&w, &list));
    if (!list.len)
        return WEIR_OK;
    weir_writer_init(&w, &r->x->arena, list.len + 32);
    weir_write_key(&w, "annotations");
    weir_write_begin_array(&w);
    weir_write_raw(&w, list);
    weir_write_end_array(&w);
    return weir_writer_finish(&w, extra);
}

/* -- Embeddings ------------------------------------------------------------------------------- */

static bool embedding_write(weir_writer *w, const weir_json *doc, uint32_t embedding, int64_t index)
{
    uint32_t values = gem_find(doc, embedding, "values");

    if (!weir_json_is_array(doc, values))
        return false;
    weir_write_begin_object(w);
    weir_write_key(w, "object");
    weir_write_literal(w, "embedding");
    weir_write_key(w, "index");
    weir_write_int64(w, index);
    weir_write_key(w, "embedding");
    weir_write_value(w, doc, values);
    weir_write_end_object(w);
    return true;
}

static void documents_list(weir_writer *w, const weir_exchange *x, size_t size)
{
    weir_writer_init(w, &x->arena, size);
    weir_write_begin_object(w);
    weir_write_key(w, "object");
    weir_write_literal(w, "list");
    weir_write_key(w, "data");
    weir_write_begin_array(w);
}

static weir_result documents_embeddings(struct gem_decoder *d, const weir_exchange *x,
                                        const weir_json *doc, const weir_events *out)
{
    uint32_t list = gem_find(doc, 0, "embeddings");
    uint32_t one = gem_find(doc, 0, "embedding");
    int64_t count = 0;
    bool good = true;
    weir_usage usage;
    weir_writer w;
    weir_str json;

    documents_list(&w, x, doc->bytes.len + 256);
    if (weir_json_is_object(doc, one))
        good = embedding_write(&w, doc, one, count++);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        good = good && embedding_write(&w, doc, item, count++);
    }
    if (!good || !count)
        return gem_emit_protocol(d, "the answer has no embeddings that can be read", out);
    weir_write_end_array(&w);
    weir_write_key(&w, "model");
    weir_write_string(&w, gem_model_bare(x->target->model));
    if (gem_usage_read(doc, gem_find(doc, 0, "usageMetadata"), &usage)) {
        weir_write_key(&w, "usage");
        weir_write_begin_object(&w);
        weir_write_key(&w, "prompt_tokens");
        weir_write_int64(&w, usage.input_total);
        weir_write_key(&w, "total_tokens");
        weir_write_int64(&w, usage.input_total);
        weir_write_end_object(&w);
        WEIR_TRY(weir_emit_usage(out, &usage));
    }
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    d->over = 1;
    return weir_emit_document(out, json);
}

/* -- Counts ----------------------------------------------------------------------------------- */

static weir_result documents_count(struct gem_decoder *d, const weir_exchange *x,
                                   const weir_json *doc, const weir_events *out)
{
    uint32_t total = gem_find(doc, 0, "totalTokens");
    weir_writer w;
    weir_str json;
    int64_t n = 0;

    if (!weir_json_int64(doc, total, &n) || n < 0)
        return gem_emit_protocol(d, "the answer has no totalTokens", out);
    weir_writer_init(&w, &x->arena, 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "input_tokens");
    weir_write_int64(&w, n);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    d->over = 1;
    return weir_emit_document(out, json);
}

/* -- Models ----------------------------------------------------------------------------------- */

static void model_member(weir_writer *w, const char *key, const weir_json *doc, uint32_t value)
{
    if (value == WEIR_JSON_NONE)
        return;
    weir_write_key(w, key);
    weir_write_value(w, doc, value);
}

/* What a model can do, as far as the list says. */
static void model_capabilities(weir_writer *w, const weir_json *doc, uint32_t model)
{
    uint32_t methods = gem_find(doc, model, "supportedGenerationMethods");
    bool thinking = false;

    if (!weir_json_is_array(doc, methods))
        return;
    weir_json_bool(doc, gem_find(doc, model, "thinking"), &thinking);
    weir_write_key(w, "capabilities");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, methods, method)
    {
        if (weir_json_is(doc, method, "generateContent"))
            weir_write_literal(w, "stream"); /* every such model does */
        if (weir_json_is(doc, method, "embedContent"))
            weir_write_literal(w, "embeddings");
    }
    if (thinking)
        weir_write_literal(w, "reasoning");
    weir_write_end_array(w);
}

static void model_write(weir_writer *w, const weir_exchange *x, const weir_json *doc,
                        uint32_t model)
{
    static const char *const known[] = { "name", "displayName", "inputTokenLimit",
                                         "outputTokenLimit", NULL };
    weir_str name = weir_json_str(doc, gem_find(doc, model, "name"), &x->arena);

    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, gem_model_bare(name));
    weir_write_key(w, "object");
    weir_write_literal(w, "model");
    weir_write_key(w, "created");
    weir_write_int64(w, 0);
    weir_write_key(w, "owned_by");
    weir_write_literal(w, "google");
    model_member(w, "name", doc, gem_find(doc, model, "displayName"));
    model_member(w, "context_window", doc, gem_find(doc, model, "inputTokenLimit"));
    model_member(w, "max_output_tokens", doc, gem_find(doc, model, "outputTokenLimit"));
    model_capabilities(w, doc, model);
    WEIR_JSON_EACH_MEMBER(doc, model, key, value)
    {
        if (gem_key_listed(doc, key, known))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    weir_write_end_object(w);
}

static weir_result documents_models(struct gem_decoder *d, const weir_exchange *x,
                                    const weir_json *doc, const weir_events *out)
{
    uint32_t list = gem_find(doc, 0, "models");
    weir_writer w;
    weir_str json;

    if (!weir_json_is_object(doc, 0) ||
        (!weir_json_is_array(doc, list) && gem_find(doc, 0, "name") == WEIR_JSON_NONE &&
         weir_json_count(doc, 0)))
        return gem_emit_protocol(d, "the list of models has no models", out);
    documents_list(&w, x, doc->bytes.len + 256);
    if (gem_find(doc, 0, "name") != WEIR_JSON_NONE)
        model_write(&w, x, doc, 0);
    WEIR_JSON_EACH_ITEM(doc, list, model)
    {
        model_write(&w, x, doc, model);
    }
    weir_write_end_array(&w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    d->over = 1;
    return weir_emit_document(out, json);
}

weir_result gem_decode_document(struct gem_decoder *d, const weir_exchange *x, const weir_json *doc,
                                const weir_events *out)
{
    switch (x->op) {
    case WEIR_OP_EMBED:
        return documents_embeddings(d, x, doc, out);
    case WEIR_OP_COUNT:
        return documents_count(d, x, doc, out);
    default:
        return documents_models(d, x, doc, out);
    }
}
