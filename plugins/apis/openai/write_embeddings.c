/*
 * write_embeddings.c - embeddings in the form that was asked for, whichever the vendor sent.
 */
#include "openai.h"

#include <weir/sdk/embedding.h>

static weir_result embedding_write(weir_writer *w, const weir_arena *arena, const weir_json *doc,
                                   uint32_t entry, bool base64)
{
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, entry, key, value)
    {
        weir_write_key_text(w, weir_json_text(doc, key));
        if (!weir_json_is(doc, key, "embedding"))
            weir_write_value(w, doc, value);
        else if (base64)
            WEIR_TRY(weir_embedding_base64(w, arena, doc, value));
        else
            WEIR_TRY(weir_embedding_numbers(w, arena, doc, value));
    }
    weir_write_end_object(w);
    return WEIR_OK;
}

weir_result oai_write_embeddings(const weir_dialect_config *cfg, const weir_exchange *x,
                                 weir_str json, const weir_reply_sink *out)
{
    const weir_json *asked = x->request;
    bool base64 =
        asked && weir_json_is(asked, weir_json_find(asked, 0, "encoding_format"), "base64");
    weir_json doc;
    weir_writer w;
    uint32_t first;

    if (!cfg->json || cfg->json->scan(&x->arena, json, &doc, NULL) != WEIR_OK)
        return weir_reply_document(out, 200, OAI_JSON, json);
    first = weir_json_path(&doc, 0, "data.0.embedding");
    if (base64 ? !weir_json_is_array(&doc, first) : !weir_json_is_string(&doc, first))
        return weir_reply_document(out, 200, OAI_JSON, json);
    weir_writer_init(&w, &x->arena, json.len);
    weir_write_begin_object(&w);
    WEIR_JSON_EACH_MEMBER(&doc, 0, key, value)
    {
        weir_write_key_text(&w, weir_json_text(&doc, key));
        if (!weir_json_is(&doc, key, "data")) {
            weir_write_value(&w, &doc, value);
            continue;
        }
        weir_write_begin_array(&w);
        WEIR_JSON_EACH_ITEM(&doc, value, entry)
        {
            WEIR_TRY(embedding_write(&w, &x->arena, &doc, entry, base64));
        }
        weir_write_end_array(&w);
    }
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OAI_JSON, json);
}
