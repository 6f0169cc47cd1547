/*
 * decode_models.c - answers that are documents: the list of models, a count of tokens.
 */
#include "decode.h"

#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static bool model_has(const weir_json *doc, uint32_t model, const char *capability)
{
    uint32_t all = weir_json_find(doc, model, "capabilities");
    bool supported = false;

    weir_json_bool(doc, weir_json_find(doc, weir_json_find(doc, all, capability), "supported"),
                   &supported);
    return supported;
}

static void model_write_capabilities(weir_writer *w, const weir_json *doc, uint32_t model)
{
    static const struct {
        const char *theirs;
        const char *ours;
    } names[] = {
        { "image_input", "images" },
        { "pdf_input", "documents" },
        { "structured_outputs", "json_schema" },
        { "thinking", "reasoning" },
    };

    if (!weir_json_is_object(doc, weir_json_find(doc, model, "capabilities")))
        return;
    weir_write_key(w, "capabilities");
    weir_write_begin_array(w);
    weir_write_literal(w, "stream");
    weir_write_literal(w, "tools");
    weir_write_literal(w, "parallel_tools");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (model_has(doc, model, names[i].theirs))
            weir_write_literal(w, names[i].ours);
    }
    weir_write_end_array(w);
}

static void model_write_number(weir_writer *w, const weir_json *doc, uint32_t value,
                               const char *key)
{
    if (!weir_json_is_number(doc, value))
        return;
    weir_write_key(w, key);
    weir_write_value(w, doc, value);
}

static void model_write(weir_writer *w, struct ant_reading *r, uint32_t model)
{
    const weir_json *doc = r->doc;
    uint32_t name = weir_json_find(doc, model, "display_name");
    weir_str created = weir_json_str(doc, weir_json_find(doc, model, "created_at"), &r->x->arena);
    int64_t unix_s = weir_rfc3339(created);

    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_value(w, doc, weir_json_find(doc, model, "id"));
    weir_write_key(w, "object");
    weir_write_literal(w, "model");
    weir_write_key(w, "created");
    weir_write_int64(w, unix_s < 0 ? 0 : unix_s);
    weir_write_key(w, "owned_by");
    weir_write_literal(w, "anthropic");
    if (weir_json_is_string(doc, name)) {
        weir_write_key(w, "name");
        weir_write_value(w, doc, name);
    }
    model_write_number(w, doc, weir_json_find(doc, model, "max_input_tokens"), "context_window");
    model_write_number(w, doc, weir_json_find(doc, model, "max_tokens"), "max_output_tokens");
    model_write_capabilities(w, doc, model);
    weir_write_end_object(w);
}

weir_result ant_decode_models(struct ant_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t data = weir_json_find(doc, 0, "data");
    bool more = false;
    weir_str text;
    weir_writer w;

    if (!weir_json_is_array(doc, data))
        return ant_emit_protocol(r->d, "the list of models has no data", r->out);
    weir_writer_init(&w, &r->x->arena, doc->bytes.len + 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "object");
    weir_write_literal(&w, "list");
    weir_write_key(&w, "data");
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, data, model)
    {
        if (weir_json_is_string(doc, weir_json_find(doc, model, "id")))
            model_write(&w, r, model);
    }
    weir_write_end_array(&w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &text));
    weir_json_bool(doc, weir_json_find(doc, 0, "has_more"), &more);
    if (more)
        WEIR_TRY(weir_emit_warning(r->out, "models",
                                   WEIR_S("there are more models than the "
                                          "vendor lists at once")));
    r->d->over = 1;
    return weir_emit_document(r->out, text);
}

weir_result ant_decode_count(struct ant_reading *r)
{
    int64_t tokens = -1;
    weir_str text;
    weir_writer w;

    if (!weir_json_int64(r->doc, weir_json_find(r->doc, 0, "input_tokens"), &tokens) || tokens < 0)
        return ant_emit_protocol(r->d, "the count has no input_tokens", r->out);
    weir_writer_init(&w, &r->x->arena, 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "input_tokens");
    weir_write_int64(&w, tokens);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &text));
    r->d->over = 1;
    return weir_emit_document(r->out, text);
}
