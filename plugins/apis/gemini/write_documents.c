/*
 * write_documents.c - embeddings, models and counts as this API has them.
 */
#include "gemini.h"

#include <weir/sdk/embedding.h>
#include <weir/sdk/failure.h>

static weir_result documents_send(weir_writer *w, const weir_reply_sink *out)
{
    weir_str json;

    WEIR_TRY(weir_writer_finish(w, &json));
    return weir_reply_document(out, 200, GEM_JSON, json);
}

/* -- Embeddings ------------------------------------------------------------------------------- */

static weir_result embedding_write(weir_writer *w, const weir_exchange *x, const weir_json *doc,
                                   uint32_t item)
{
    uint32_t embedding = weir_json_find(doc, item, "embedding");

    weir_write_begin_object(w);
    weir_write_key(w, "values");
    WEIR_TRY(weir_embedding_numbers(w, &x->arena, doc, embedding));
    weir_write_end_object(w);
    return WEIR_OK;
}

static weir_result documents_embeddings(const weir_exchange *x, const weir_json *doc,
                                        const weir_reply_sink *out)
{
    uint32_t data = weir_json_find(doc, 0, "data");
    bool batch = weir_str_is(gem_path_method(x->path), "batchEmbedContents");
    int64_t tokens = -1;
    weir_writer w;

    if (!batch && weir_json_count(doc, data) != 1)
        return WEIR_INVALID;
    weir_writer_init(&w, &x->arena, doc->bytes.len + 128);
    weir_write_begin_object(&w);
    weir_write_key(&w, batch ? "embeddings" : "embedding");
    if (batch)
        weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, data, item)
    {
        WEIR_TRY(embedding_write(&w, x, doc, item));
    }
    if (batch)
        weir_write_end_array(&w);
    if (weir_json_int64(doc, weir_json_path(doc, 0, "usage.prompt_tokens"), &tokens) &&
        tokens >= 0) {
        weir_write_key(&w, "usageMetadata");
        weir_write_begin_object(&w);
        weir_write_key(&w, "promptTokenCount");
        weir_write_int64(&w, tokens);
        weir_write_end_object(&w);
    }
    weir_write_end_object(&w);
    return documents_send(&w, out);
}

/* -- Models ----------------------------------------------------------------------------------- */

static bool model_can(const weir_json *doc, uint32_t entry, const char *capability)
{
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, entry, "capabilities"), item)
    {
        if (weir_json_is(doc, item, capability))
            return true;
    }
    return false;
}

static void model_methods(weir_writer *w, const weir_json *doc, uint32_t entry)
{
    uint32_t methods = gem_find(doc, entry, "supportedGenerationMethods");

    weir_write_key(w, "supportedGenerationMethods");
    if (weir_json_is_array(doc, methods)) {
        weir_write_value(w, doc, methods);
        return;
    }
    weir_write_begin_array(w);
    if (model_can(doc, entry, "embeddings")) {
        weir_write_literal(w, "embedContent");
        weir_write_literal(w, "batchEmbedContents");
    } else {
        weir_write_literal(w, "generateContent");
        weir_write_literal(w, "streamGenerateContent");
        weir_write_literal(w, "countTokens");
    }
    weir_write_end_array(w);
}

static void model_member(weir_writer *w, const char *key, const weir_json *doc, uint32_t value)
{
    if (value == WEIR_JSON_NONE || weir_json_is_null(doc, value))
        return;
    weir_write_key(w, key);
    weir_write_value(w, doc, value);
}

static weir_result model_write(weir_writer *w, const weir_exchange *x, const weir_json *doc,
                               uint32_t entry)
{
    static const char *const kept[] = { "version",     "description",    "baseModelId",
                                        "temperature", "maxTemperature", "topP",
                                        "topK",        "thinking",       NULL };
    weir_str id = weir_json_str(doc, weir_json_find(doc, entry, "id"), &x->arena);
    uint32_t name = weir_json_find(doc, entry, "name");
    weir_str parts[2] = { WEIR_S("models/"), id };

    if (weir_str_starts(id, "tunedModels/") || weir_str_starts(id, "models/"))
        parts[0].len = 0;
    parts[0] = weir_str_join(&x->arena, parts, 2);
    if (!parts[0].ptr)
        return WEIR_NO_MEMORY;
    weir_write_begin_object(w);
    weir_write_key(w, "name");
    weir_write_string(w, parts[0]);
    weir_write_key(w, "displayName");
    weir_write_string(w, weir_json_is_string(doc, name) ? weir_json_str(doc, name, &x->arena) : id);
    model_member(w, "inputTokenLimit", doc, weir_json_find(doc, entry, "context_window"));
    model_member(w, "outputTokenLimit", doc, weir_json_find(doc, entry, "max_output_tokens"));
    model_methods(w, doc, entry);
    for (const char *const *key = kept; *key; key++)
        model_member(w, *key, doc, weir_json_find(doc, entry, *key));
    weir_write_end_object(w);
    return WEIR_OK;
}

static weir_result documents_model(const weir_exchange *x, const weir_json *doc,
                                   const weir_reply_sink *out)
{
    weir_str parts[3] = { WEIR_S("models/"), x->asked_model, WEIR_S(" is not found") };
    weir_failure f;
    weir_writer w;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "data"), entry)
    {
        weir_text id = weir_json_text(doc, weir_json_find(doc, entry, "id"));

        if (!weir_text_equal(id, weir_text_from(x->asked_model)))
            continue;
        weir_writer_init(&w, &x->arena, 512);
        WEIR_TRY(model_write(&w, x, doc, entry));
        return documents_send(&w, out);
    }
    f = weir_failure_make(WEIR_CLASS_NO_ROUTE, 0, weir_str_join(&x->arena, parts, 3));
    return gem_write_failure(NULL, NULL, x, &f, out);
}

static weir_result documents_models(const weir_exchange *x, const weir_json *doc,
                                    const weir_reply_sink *out)
{
    weir_writer w;

    weir_writer_init(&w, &x->arena, doc->bytes.len + 256);
    weir_write_begin_object(&w);
    weir_write_key(&w, "models");
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "data"), entry)
    {
        WEIR_TRY(model_write(&w, x, doc, entry));
    }
    weir_write_end_array(&w);
    weir_write_end_object(&w);
    return documents_send(&w, out);
}

/* -- Counts ----------------------------------------------------------------------------------- */

static weir_result documents_count(const weir_exchange *x, const weir_json *doc,
                                   const weir_reply_sink *out)
{
    uint32_t tokens = weir_json_find(doc, 0, "input_tokens");
    weir_writer w;

    if (!weir_json_is_number(doc, tokens))
        return WEIR_INVALID;
    weir_writer_init(&w, &x->arena, 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "totalTokens");
    weir_write_value(&w, doc, tokens);
    weir_write_end_object(&w);
    return documents_send(&w, out);
}

weir_result gem_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out)
{
    weir_json doc;

    if (!cfg->json)
        return WEIR_UNSUPPORTED;
    WEIR_TRY(cfg->json->scan(&x->arena, json, &doc, NULL));
    switch (x->op) {
    case WEIR_OP_EMBED:
        return documents_embeddings(x, &doc, out);
    case WEIR_OP_COUNT:
        return documents_count(x, &doc, out);
    default:
        return x->asked_model.len ? documents_model(x, &doc, out) : documents_models(x, &doc, out);
    }
}
