/*
 * write.c - a record as the JSON object that provider parts are given.
 */
#include "catalogue/catalogue.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *capabilities_json(guint32 can)
{
    json_t *list = json_array();

#define ADD(id, bit, name)   \
    if (can & WEIR_CAN_##id) \
        json_array_append_new(list, json_string(name));
    WEIR_CAPABILITIES(ADD)
#undef ADD
    return list;
}

static void add_price(json_t *object, const char *name, gint64 price)
{
    if (price < 0)
        return;
    if (price % 1000000 == 0)
        json_object_set_new(object, name, json_integer(price / 1000000));
    else
        json_object_set_new(object, name, json_real((double)price / 1e6));
}

static json_t *price_json(const struct catalogue_price *p)
{
    json_t *object = json_object();

    add_price(object, "input", p->input);
    add_price(object, "output", p->output);
    add_price(object, "cache_read", p->cache_read);
    add_price(object, "cache_write", p->cache_write);
    add_price(object, "cache_write_1h", p->cache_write_1h);
    return object;
}

static void add_prices(json_t *object, const struct catalogue_record *r)
{
    json_t *price = price_json(&r->price), *more;

    if (r->long_above >= 0) {
        more = price_json(&r->long_price);
        json_object_set_new(more, "above", json_integer(r->long_above));
        json_object_set_new(price, "long_prompt", more);
    }
    json_object_set_new(object, "price", price);
}

void catalogue_record_write(struct catalogue_record *r)
{
    json_t *object = json_object();
    char *text;

    if (r->can)
        json_object_set_new(object, "capabilities", capabilities_json(r->can));
    if (r->lacks)
        json_object_set_new(object, "lacks", capabilities_json(r->lacks));
    if (r->context_window >= 0)
        json_object_set_new(object, "context_window", json_integer(r->context_window));
    if (r->max_output_tokens >= 0)
        json_object_set_new(object, "max_output_tokens", json_integer(r->max_output_tokens));
    if (r->priced)
        add_prices(object, r);
    if (r->deprecated >= 0)
        json_object_set_new(object, "deprecated", json_boolean(r->deprecated));
    if (r->superseded_by)
        json_object_set_new(object, "superseded_by", json_string(r->superseded_by));
    if (r->source)
        json_object_set_new(object, "source", json_string(r->source));
    text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
    g_free(r->text);
    r->text = g_strdup(text ? text : "{}");
    free(text);
    json_decref(object);
}
