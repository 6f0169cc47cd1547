/*
 * write_document.c - documents: the list of models and a count of tokens, in Anthropic's form.
 */
#include "anthropic.h"

#include <weir/sdk/failure.h>
#include <weir/sdk/json.h>
#include <weir/sdk/retry.h>

/* Unix seconds as "2026-07-24T00:00:00Z". */
static void write_time(weir_writer *w, int64_t unix_s)
{
    int64_t days, seconds, year = 1970, month = 1;
    char text[32];
    int n;

    if (unix_s < 0 || unix_s > INT64_C(253402300799)) /* the year 9999 */
        unix_s = 0;
    days = unix_s / 86400;
    seconds = unix_s % 86400;
    year += days / 366;
    while (weir_date_days(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && weir_date_days(year, month + 1, 1) <= days)
        month++;
    days -= weir_date_days(year, month, 1);
    n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month,
                 (int)days + 1, (int)(seconds / 3600), (int)(seconds / 60 % 60),
                 (int)(seconds % 60));
    weir_write_string(w, weir_str_make(text, n > 0 && n < 32 ? (size_t)n : 0));
}

static void write_number(weir_writer *w, const weir_json *doc, uint32_t model, const char *from,
                         const char *to)
{
    uint32_t value = weir_json_find(doc, model, from);

    if (!weir_json_is_number(doc, value))
        return;
    weir_write_key(w, to);
    weir_write_value(w, doc, value);
}

static void write_model(weir_writer *w, const weir_json *doc, uint32_t model)
{
    uint32_t name = weir_json_find(doc, model, "name");
    uint32_t id = weir_json_find(doc, model, "id");
    int64_t created = 0;

    weir_json_int64(doc, weir_json_find(doc, model, "created"), &created);
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "model");
    weir_write_key(w, "id");
    weir_write_value(w, doc, id);
    weir_write_key(w, "display_name");
    weir_write_value(w, doc, weir_json_is_string(doc, name) ? name : id);
    weir_write_key(w, "created_at");
    write_time(w, created);
    write_number(w, doc, model, "context_window", "max_input_tokens");
    write_number(w, doc, model, "max_output_tokens", "max_tokens");
    weir_write_end_object(w);
}

static void write_id_or_null(weir_writer *w, const char *key, const weir_json *doc, uint32_t model)
{
    weir_write_key(w, key);
    if (model == WEIR_JSON_NONE)
        weir_write_null(w);
    else
        weir_write_value(w, doc, weir_json_find(doc, model, "id"));
}

static weir_result write_list(const weir_exchange *x, const weir_json *doc, uint32_t data,
                              const weir_reply_sink *out)
{
    uint32_t first = WEIR_JSON_NONE, last = WEIR_JSON_NONE;
    weir_writer w;
    weir_str json;

    weir_writer_init(&w, &x->arena, doc->bytes.len * 2 + 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "data");
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, data, model)
    {
        if (!weir_json_is_string(doc, weir_json_find(doc, model, "id")))
            continue;
        write_model(&w, doc, model);
        first = first == WEIR_JSON_NONE ? model : first;
        last = model;
    }
    weir_write_end_array(&w);
    weir_write_key(&w, "has_more");
    weir_write_bool(&w, false);
    write_id_or_null(&w, "first_id", doc, first);
    write_id_or_null(&w, "last_id", doc, last);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, ANT_JSON, json);
}

static weir_result write_one(const weir_exchange *x, const weir_json *doc, uint32_t data,
                             const weir_reply_sink *out)
{
    weir_str parts[2] = { WEIR_S("model: "), x->asked_model };
    weir_failure f;
    weir_writer w;
    weir_str json;

    WEIR_JSON_EACH_ITEM(doc, data, model)
    {
        weir_text id = weir_json_text(doc, weir_json_find(doc, model, "id"));

        if (!weir_text_equal(id, weir_text_from(x->asked_model)))
            continue;
        weir_writer_init(&w, &x->arena, 256);
        write_model(&w, doc, model);
        WEIR_TRY(weir_writer_finish(&w, &json));
        return weir_reply_document(out, 200, ANT_JSON, json);
    }
    f = weir_failure_make(WEIR_CLASS_NO_ROUTE, 0, weir_str_join(&x->arena, parts, 2));
    f.param = WEIR_S("model");
    return ant_write_failure(NULL, NULL, x, &f, out);
}

weir_result ant_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out)
{
    uint32_t data;
    weir_json doc;

    if (x->op != WEIR_OP_MODELS) /* a count is the same here */
        return weir_reply_document(out, 200, ANT_JSON, json);
    if (!cfg->json)
        return WEIR_UNSUPPORTED;
    WEIR_TRY(cfg->json->scan(&x->arena, json, &doc, NULL));
    data = weir_json_find(&doc, 0, "data");
    return x->asked_model.len ? write_one(x, &doc, data, out) : write_list(x, &doc, data, out);
}
