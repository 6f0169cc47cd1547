/*
 * schema_run.h - what <weir/sdk/schema.h> is made of: its rules, where in a schema it is, and what
 * references refer to. Include that one.
 */
#ifndef WEIR_SDK_SCHEMA_RUN_H
#define WEIR_SDK_SCHEMA_RUN_H

#include <weir/sdk/json.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

enum {
    WEIR_SCHEMA_NO_CONST = 1,    /* const becomes an enum of one */
    WEIR_SCHEMA_NO_REFS = 2,     /* $ref is replaced by what it refers to */
    WEIR_SCHEMA_NULLABLE = 4,    /* null among the types, or in an anyOf, becomes nullable: true */
    WEIR_SCHEMA_ONE_TYPE = 8,    /* several types become an anyOf */
    WEIR_SCHEMA_TEXT_ENUMS = 16, /* an enum is of strings, or left out */
    WEIR_SCHEMA_STRICT = 32,     /* arrays have items; what is required is a property; formats are
                                    those of OpenAPI 3.0 that Google names */
};

enum {
    WEIR_SCHEMA_DEPTH = 32,        /* schemas inside schemas */
    WEIR_SCHEMA_NODES = 4096,      /* schemas written */
    WEIR_SCHEMA_KEYWORDS = 256,    /* of one schema */
    WEIR_SCHEMA_LOOKUPS = 1000000, /* of required names among properties */
    WEIR_SCHEMA_REFS = 16,         /* references inside references */
    WEIR_SCHEMA_LAYERS = 8,        /* references to references */
};

typedef struct weir_schema_rules {
    const char *const *keywords; /* NULL-terminated; NULL: all */
    unsigned flags;              /* WEIR_SCHEMA_* */
    /* Something was left out: a JSON pointer into the schema, and why. Negative: stop, return it.
     */
    weir_result (*dropped)(void *ctx, weir_str pointer, const char *why);
    void *ctx;
} weir_schema_rules;

static inline weir_schema_rules
weir_schema_rules_make(const char *const *keywords,
                       weir_result (*dropped)(void *ctx, weir_str pointer, const char *why),
                       void *ctx)
{
    weir_schema_rules rules;

    memset(&rules, 0, sizeof(rules));
    rules.keywords = keywords;
    rules.dropped = dropped;
    rules.ctx = ctx;
    return rules;
}

/* One schema on its way, with those around it. */
struct weir_schema_at {
    const struct weir_schema_at *around;
    weir_str name;  /* as a step of the pointer; empty: the same place as the one around */
    uint32_t index; /* of a list, if `name` is empty and this is not NONE */
    uint32_t depth;
};

/* What is the same for all of them. */
struct weir_schema_run {
    weir_writer *w;
    const weir_json *doc;
    uint32_t root;
    const weir_schema_rules *rules;
    uint32_t nodes;
    uint32_t ref_count;
    uint32_t refs[WEIR_SCHEMA_REFS]; /* being followed */
};

static inline bool weir_schema_is(const struct weir_schema_run *r, unsigned flag)
{
    return (r->rules->flags & flag) != 0;
}

static inline void weir_schema_pointer(weir_writer *w, const struct weir_schema_at *at)
{
    char digits[WEIR_NUMBER_ROOM];

    if (!at)
        return;
    weir_schema_pointer(w, at->around);
    if (at->name.len) {
        weir_write_byte(w, '/');
        weir_write_bytes(w, at->name.ptr, at->name.len);
    }
    if (at->index != WEIR_JSON_NONE) {
        weir_write_byte(w, '/');
        weir_write_bytes(w, digits, weir_number_print_uint64(digits, at->index));
    }
}

static inline weir_result weir_schema_drop(struct weir_schema_run *r,
                                           const struct weir_schema_at *at, weir_str keyword,
                                           const char *why)
{
    weir_str pointer;
    weir_writer w;

    if (!r->rules->dropped)
        return WEIR_OK;
    weir_writer_init(&w, r->w->arena, 128);
    weir_schema_pointer(&w, at);
    if (keyword.len) {
        weir_write_byte(&w, '/');
        weir_write_bytes(&w, keyword.ptr, keyword.len);
    }
    WEIR_TRY(weir_writer_finish(&w, &pointer));
    return r->rules->dropped(r->rules->ctx, pointer, why);
}

static inline struct weir_schema_at weir_schema_inside(const struct weir_schema_at *around,
                                                       weir_str name, uint32_t index)
{
    struct weir_schema_at at;

    at.around = around;
    at.name = name;
    at.index = index;
    at.depth = around->depth + 1;
    return at;
}

static inline bool weir_schema_keeps(const struct weir_schema_run *r, const char *keyword)
{
    const char *const *k = r->rules->keywords;

    if (!k)
        return true;
    while (*k && strcmp(*k, keyword) != 0)
        k++;
    return *k != NULL;
}

static inline bool weir_schema_keeps_key(const struct weir_schema_run *r, uint32_t key)
{
    const char *const *k = r->rules->keywords;

    if (!k)
        return true;
    while (*k && !weir_json_is(r->doc, key, *k))
        k++;
    return *k != NULL;
}

/* -- References ------------------------------------------------------------------------------- */

/* One step of a pointer: the member or item of that name, "~1" and "~0" decoded. */
static inline uint32_t weir_schema_step(const weir_json *doc, uint32_t at, weir_str step,
                                        const weir_arena *arena)
{
    char *name;
    size_t len = 0;
    int64_t n;

    if (weir_json_is_array(doc, at))
        return weir_number_to_int64(step.ptr, step.len, &n) && n >= 0 && n < WEIR_JSON_NONE
                   ? weir_json_item(doc, at, (uint32_t)n)
                   : WEIR_JSON_NONE;
    name = (char *)arena->alloc(arena->owner, step.len + 1);
    for (size_t i = 0; name && i < step.len; i++) {
        bool tilde = step.ptr[i] == '~' && i + 1 < step.len &&
                     (step.ptr[i + 1] == '0' || step.ptr[i + 1] == '1');

        name[len++] = !tilde ? step.ptr[i] : step.ptr[i + 1] == '1' ? '/' : '~';
        i += tilde;
    }
    return name ? weir_json_find_n(doc, at, name, len) : WEIR_JSON_NONE;
}

/* What "#/$defs/node" refers to; NONE if it is not within this schema. */
static inline uint32_t weir_schema_resolve(const weir_json *doc, uint32_t root, weir_str ref,
                                           const weir_arena *arena)
{
    uint32_t at = root;

    if (!weir_str_starts(ref, "#") || (ref.len > 1 && ref.ptr[1] != '/'))
        return WEIR_JSON_NONE;
    ref = weir_str_skip(ref, 2);
    while (ref.len && at != WEIR_JSON_NONE)
        at = weir_schema_step(doc, at, weir_str_split(&ref, '/'), arena);
    return at;
}

#endif
