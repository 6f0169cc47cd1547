/*
 * recorded.c - see recorded.h.
 */
#include "cli/recorded.h"
#include "base/str.h"
#include "model/failure.h"

#include <string.h>

int64_t record_number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

weir_str record_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return str_of(s ? s : "");
}

bool record_is(const json_t *o, const char *key, const char *value)
{
    return str_is(record_text(o, key), value);
}

void record_fields(const json_t *o, const struct field *fields, size_t count, void *to)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(o, fields[i].name);

        if (json_is_integer(v))
            field_set(&fields[i], to, json_integer_value(v));
    }
}

void record_state(const json_t *o, void *to, size_t size)
{
    weir_str hex = record_text(o, "state");
    unsigned char *out = to;

    if (hex.len != size * 2)
        return;
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)(g_ascii_xdigit_value(hex.ptr[2 * i]) << 4 |
                                 g_ascii_xdigit_value(hex.ptr[2 * i + 1]));
}

bool record_failure(const json_t *o, weir_failure *failure)
{
    weir_str name = record_text(o, "class");
    int class_id = failure_class_find(name);

    if (!name.len)
        return false;
    *failure =
        failure_local(class_id < 0 ? WEIR_CLASS_INTERNAL : (unsigned)class_id, S("as recorded"));
    RECORD_FIELDS(o, fields_failure, failure);
    failure->code = str_of(g_intern_string(record_text(o, "code").ptr));
    return true;
}

void record_outcome(const json_t *attempt, struct outcome *o)
{
    int64_t start = record_number(attempt, "start_us"), first = record_number(attempt, "first_us");

    *o = (struct outcome){
        .took_us = MAX(record_number(attempt, "end_us") - start, 0),
        .first_us = first ? first - start : 0,
        .silent = json_is_true(json_object_get(attempt, "silent")),
    };
    usage_clear(&o->usage);
    RECORD_FIELDS(attempt, fields_usage, &o->usage);
    o->failed = record_failure(attempt, &o->failure);
}

void record_facts(const json_t *from, struct arena *arena, weir_facts *f)
{
    const json_t *tags = json_object_get(from, "tags");
    weir_header *out = arena_alloc(arena, sizeof(*out) * (json_array_size(tags) + 1));

    *f = (weir_facts){
        .struct_size = sizeof(*f),
        .model = record_text(from, "model"),
        .provider = record_text(from, "provider"),
        .tenant = record_text(from, "tenant"),
        .user = record_text(from, "user"),
        .session = record_text(from, "session"),
        .dialect = record_text(from, "dialect"),
        .key = record_text(from, "key"),
        .text = record_text(from, "text"),
        .all_text = record_text(from, "all_text"),
        .tags = out,
    };
    RECORD_FIELDS(from, fields_facts, f);
    for (size_t i = 0; out && i + 1 < json_array_size(tags); i += 2) {
        const char *name = json_string_value(json_array_get(tags, i));
        const char *value = json_string_value(json_array_get(tags, i + 1));

        if (name && value)
            out[f->tag_count++] = (weir_header){ str_of(name), str_of(value) };
    }
}

int64_t record_cost(const weir_usage *u, int64_t in, int64_t out)
{
    if (u->input_total < 0 && u->output_total < 0)
        return 0; /* nothing was used, as far as anybody said */
    if (in < 0 || out < 0)
        return -1;
    return (int64_t)(((double)MAX(u->input_total, 0) * (double)in +
                      (double)MAX(u->output_total, 0) * (double)out) /
                     1e6);
}

void record_add_cost(struct replayed *out, int64_t cost)
{
    out->cost = cost < 0 || out->cost < 0 ? -1 : out->cost + cost;
}

/* The price of a target as the strategies saw it. */
static void recorded_price(const json_t *record, const char *target, int64_t *in, int64_t *out)
{
    const json_t *ask, *child;
    size_t i, k;

    *in = *out = -1;
    json_array_foreach(json_object_get(record, "asks"), i, ask)
    {
        json_array_foreach(json_object_get(ask, "children"), k, child)
        {
            if (!record_is(child, "target", target))
                continue;
            *in = record_number(child, "price_in");
            *out = record_number(child, "price_out");
            return;
        }
    }
}

bool replay_is_copy(const json_t *record)
{
    return record_text(record, "shadow_of").len > 0;
}

void replay_recorded(const json_t *record, struct replayed *out)
{
    const json_t *a;
    size_t i;

    memset(out, 0, sizeof(*out));
    out->failed = !record_is(record, "result", "ok");
    out->took_us = record_number(record, "end_us") - record_number(record, "start_us");
    json_array_foreach(json_object_get(record, "attempts"), i, a)
    {
        struct outcome o;
        int64_t in, price;

        record_outcome(a, &o);
        recorded_price(record, record_text(a, "target").ptr, &in, &price);
        record_add_cost(out, record_cost(&o.usage, in, price));
    }
}

void replay_learn(struct replay *r, const json_t *record)
{
    const json_t *a;
    size_t i;

    json_array_foreach(json_object_get(record, "attempts"), i, a)
    {
        const char *target = json_string_value(json_object_get(a, "target"));
        GArray *pool;
        struct outcome o;

        if (!target || !json_is_true(json_object_get(a, "sent")) ||
            record_is(a, "class", "cancelled"))
            continue;
        pool = g_hash_table_lookup(r->pools, target);
        if (!pool) {
            pool = g_array_new(FALSE, FALSE, sizeof(struct outcome));
            g_hash_table_insert(r->pools, g_strdup(target), pool);
        }
        record_outcome(a, &o);
        g_array_append_val(pool, o);
    }
}
