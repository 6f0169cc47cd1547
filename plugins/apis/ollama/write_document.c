/*
 * write_document.c - embeddings, the list of models, and what is known of one, from the canonical
 * documents.
 *
 * Clients expect members that a gateway has nothing for (a size, a format, a quantization): strings
 * are empty and the size is 0, as Ollama itself writes them for models that are not on its disk.
 */
#include "ollama.h"

#include <weir/sdk/date.h>
#include <weir/sdk/embedding.h>
#include <weir/sdk/failure.h>

/* -- Embeddings ------------------------------------------------------------------------------- */

static weir_result document_embeddings(const weir_exchange *x, const weir_json *doc,
                                       const weir_reply_sink *out)
{
    bool single = olm_endpoint(x->path) == OLM_EMBEDDINGS;
    uint32_t data = weir_json_find(doc, 0, "data");
    weir_text model = weir_json_text(doc, weir_json_find(doc, 0, "model"));
    int64_t tokens = -1;
    weir_str json;
    weir_writer w;

    weir_writer_init(&w, &x->arena, doc->bytes.len + 128);
    weir_write_begin_object(&w);
    if (!single) {
        weir_write_key(&w, "model");
        weir_write_text(&w, model.len ? model : weir_text_from(x->asked_model));
    }
    weir_write_key(&w, single ? "embedding" : "embeddings");
    if (!single)
        weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, data, entry)
    {
        WEIR_TRY(
            weir_embedding_numbers(&w, &x->arena, doc, weir_json_find(doc, entry, "embedding")));
        if (single)
            break;
    }
    if (!single)
        weir_write_end_array(&w);
    else if (!weir_json_count(doc, data))
        return WEIR_INVALID;
    weir_json_int64(doc, weir_json_path(doc, 0, "usage.prompt_tokens"), &tokens);
    if (!single && tokens >= 0) {
        weir_write_key(&w, "prompt_eval_count");
        weir_write_int64(&w, tokens);
    }
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OLM_JSON, json);
}

/* -- Models ----------------------------------------------------------------------------------- */

static void model_modified(weir_writer *w, const weir_json *doc, uint32_t entry)
{
    int64_t created = 0;
    char date[WEIR_DATE_ROOM];

    weir_json_int64(doc, weir_json_find(doc, entry, "created"), &created);
    if (created < 0 || created > INT64_C(253402300799)) /* the year 9999 */
        created = 0;
    weir_write_key(w, "modified_at");
    weir_write_string(w, weir_str_make(date, weir_date_print(date, created * 1000000)));
}

/* Clients take twelve characters of a digest without asking. There is no file to make one of, so it
 * is made of the name: the same name, the same digest. */
static void model_digest(weir_writer *w, const weir_arena *arena, const weir_json *doc,
                         uint32_t entry)
{
    static const char hex[] = "0123456789abcdef";
    uint32_t told = weir_json_find(doc, entry, "digest");
    weir_str id = weir_json_str(doc, weir_json_find(doc, entry, "id"), arena);
    uint64_t h = UINT64_C(14695981039346656037);
    char digest[64];

    weir_write_key(w, "digest");
    if (weir_json_is_string(doc, told) && doc->tok[told].len >= 12) {
        weir_write_value(w, doc, told);
        return;
    }
    for (int word = 0; word < 4; word++) {
        for (size_t i = 0; i < id.len; i++)
            h = (h ^ (unsigned char)id.ptr[i]) * UINT64_C(1099511628211);
        h = (h ^ (uint64_t)word) * UINT64_C(1099511628211);
        for (int i = 0; i < 16; i++)
            digest[word * 16 + i] = hex[h >> (60 - 4 * i) & 15];
    }
    weir_write_string(w, weir_str_make(digest, sizeof(digest)));
}

static void model_details(weir_writer *w, const weir_json *doc, uint32_t entry)
{
    uint32_t told = weir_json_find(doc, entry, "details");
    weir_text owner = weir_json_text(doc, weir_json_find(doc, entry, "owned_by"));

    weir_write_key(w, "details");
    if (weir_json_is_object(doc, told)) {
        weir_write_value(w, doc, told);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "parent_model");
    weir_write_literal(w, "");
    weir_write_key(w, "format");
    weir_write_literal(w, "");
    weir_write_key(w, "family");
    weir_write_text(w, owner);
    weir_write_key(w, "families");
    weir_write_begin_array(w);
    weir_write_text(w, owner);
    weir_write_end_array(w);
    weir_write_key(w, "parameter_size");
    weir_write_literal(w, "");
    weir_write_key(w, "quantization_level");
    weir_write_literal(w, "");
    weir_write_end_object(w);
}

static void model_tag(weir_writer *w, const weir_exchange *x, const weir_json *doc, uint32_t entry)
{
    weir_text id = weir_json_text(doc, weir_json_find(doc, entry, "id"));
    int64_t size = 0;

    weir_json_int64(doc, weir_json_find(doc, entry, "size"), &size);
    weir_write_begin_object(w);
    weir_write_key(w, "name");
    weir_write_text(w, id);
    weir_write_key(w, "model");
    weir_write_text(w, id);
    model_modified(w, doc, entry);
    weir_write_key(w, "size");
    weir_write_int64(w, size);
    model_digest(w, &x->arena, doc, entry);
    model_details(w, doc, entry);
    weir_write_end_object(w);
}

static weir_result document_tags(const weir_exchange *x, const weir_json *doc,
                                 const weir_reply_sink *out)
{
    weir_str json;
    weir_writer w;

    weir_writer_init(&w, &x->arena, doc->bytes.len * 3 + 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "models");
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "data"), entry)
    {
        model_tag(&w, x, doc, entry);
    }
    weir_write_end_array(&w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OLM_JSON, json);
}

/* -- One model -------------------------------------------------------------------------------- */

/* A name of Ollama's is written once, though two of ours may mean it. */
static void show_capabilities(weir_writer *w, const weir_json *doc, uint32_t list)
{
    static const struct {
        const char *canonical;
        const char *ollama;
    } names[] = {
        { "tools", "tools" },        { "images", "vision" },        { "audio", "audio" },
        { "reasoning", "thinking" }, { "embeddings", "embedding" },
    };
    bool embeds = false;

    if (!weir_json_is_array(doc, list)) /* nobody knows */
        return;
    weir_write_key(w, "capabilities");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        embeds = embeds || weir_json_is(doc, item, "embeddings");
    }
    if (!embeds)
        weir_write_literal(w, "completion");
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (weir_json_is(doc, item, names[i].canonical))
                weir_write_literal(w, names[i].ollama);
        }
    }
    weir_write_end_array(w);
}

/* Clients look for the context window under the name of the architecture, which stands beside it.
 */
static weir_result show_info(weir_writer *w, const weir_exchange *x, const weir_json *doc,
                             uint32_t entry)
{
    weir_str parts[2] = { weir_json_str(doc, weir_json_find(doc, entry, "owned_by"), &x->arena),
                          WEIR_S(".context_length") };
    int64_t window = 0;
    weir_str key;

    if (!parts[0].len)
        parts[0] = WEIR_S("weir");
    key = weir_str_join(&x->arena, parts, 2);
    if (!key.ptr)
        return WEIR_NO_MEMORY;
    weir_json_int64(doc, weir_json_find(doc, entry, "context_window"), &window);
    weir_write_key(w, "model_info");
    weir_write_begin_object(w);
    weir_write_key(w, "general.architecture");
    weir_write_string(w, parts[0]);
    weir_write_key(w, "general.basename");
    weir_write_text(w, weir_json_text(doc, weir_json_find(doc, entry, "id")));
    if (window > 0) {
        weir_write_key_text(w, weir_text_from(key));
        weir_write_int64(w, window);
    }
    weir_write_end_object(w);
    return WEIR_OK;
}

static weir_result document_show(const weir_exchange *x, const weir_json *doc, uint32_t entry,
                                 const weir_reply_sink *out)
{
    weir_str json;
    weir_writer w;

    weir_writer_init(&w, &x->arena, 1024);
    weir_write_begin_object(&w);
    weir_write_key(&w, "modelfile");
    weir_write_literal(&w, "");
    weir_write_key(&w, "parameters");
    weir_write_literal(&w, "");
    weir_write_key(&w, "template");
    weir_write_literal(&w, "");
    model_details(&w, doc, entry);
    WEIR_TRY(show_info(&w, x, doc, entry));
    show_capabilities(&w, doc, weir_json_find(doc, entry, "capabilities"));
    model_modified(&w, doc, entry);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OLM_JSON, json);
}

static weir_result document_find(const weir_exchange *x, const weir_json *doc,
                                 const weir_reply_sink *out)
{
    weir_str parts[3] = { WEIR_S("model '"), x->asked_model, WEIR_S("' not found") };
    weir_str message;
    weir_failure f;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "data"), entry)
    {
        if (weir_text_equal(weir_json_text(doc, weir_json_find(doc, entry, "id")),
                            weir_text_from(x->asked_model)))
            return document_show(x, doc, entry, out);
    }
    message = weir_str_join(&x->arena, parts, 3);
    if (!message.ptr)
        return WEIR_NO_MEMORY;
    f = weir_failure_make(WEIR_CLASS_NOT_FOUND, 0, message);
    return olm_write_failure(NULL, NULL, x, &f, out);
}

weir_result olm_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out)
{
    weir_json doc;

    if (!cfg->json)
        return WEIR_UNSUPPORTED;
    WEIR_TRY(cfg->json->scan(&x->arena, json, &doc, NULL));
    if (x->op == WEIR_OP_EMBED)
        return document_embeddings(x, &doc, out);
    return olm_endpoint(x->path) == OLM_SHOW ? document_find(x, &doc, out)
                                             : document_tags(x, &doc, out);
}
