/*
 * vendor.h - what an application said in the words of other APIs, in `vendor` of canonical objects
 * or verbatim, and has to be told as dropped.
 */
#ifndef WEIR_SDK_VENDOR_H
#define WEIR_SDK_VENDOR_H

#include <weir/sdk/json.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

enum {
    WEIR_VENDOR_DEPTH = 3, /* below that, an object is told as a whole */
    WEIR_VENDOR_PARTS = 2 + WEIR_VENDOR_DEPTH,
};

/* Why such a member is left out. */
#define WEIR_VENDOR_WHY "it is in another API's words"

/* Told of one member: the keys that lead to it from the object, "vendor" first, not escaped. They
 * are good until the arena is. */
typedef weir_result (*weir_vendor_told)(void *ctx, const weir_str *parts, size_t count);

/* A walk through `vendor`. */
struct weir_vendor_walk {
    const weir_arena *arena;
    const weir_json *doc;
    weir_vendor_told told;
    void *ctx;
    weir_str parts[WEIR_VENDOR_PARTS];
};

/* How a thing was numbered at another vendor, and that it was complete: nobody misses either. */
static inline bool weir_vendor_is_number(const struct weir_vendor_walk *w, uint32_t key,
                                         size_t count)
{
    if (count != 2 && !(count == 3 && weir_str_is(w->parts[2], "item")))
        return false;
    return weir_json_is(w->doc, key, "id") || weir_json_is(w->doc, key, "status");
}

/* The members of `object`, to which `count` keys lead. */
static inline weir_result weir_vendor_members(struct weir_vendor_walk *w, uint32_t object,
                                              size_t count)
{
    WEIR_JSON_EACH_MEMBER(w->doc, object, key, value)
    {
        bool deeper = weir_json_is_object(w->doc, value) && count + 1 < WEIR_VENDOR_PARTS;

        if (weir_vendor_is_number(w, key, count))
            continue;
        w->parts[count] = weir_json_str(w->doc, key, w->arena);
        /* An empty `item` is a mark that one begins. */
        if (deeper && (weir_json_count(w->doc, value) ||
                       (count == 2 && weir_str_is(w->parts[count], "item"))))
            WEIR_TRY(weir_vendor_members(w, value, count + 1));
        else
            WEIR_TRY(w->told(w->ctx, w->parts, count + 1));
    }
    return WEIR_OK;
}

/*
 * Tells of each member of `vendor` that is not of the API `own` (NULL: of any); of an object, of
 * each member in it, as deep as WEIR_VENDOR_DEPTH. `object` may be NONE. Stops at the first error
 * of `told`, and returns it.
 */
static inline weir_result weir_vendor_others(const weir_arena *arena, const weir_json *doc,
                                             uint32_t object, const char *own,
                                             weir_vendor_told told, void *ctx)
{
    uint32_t vendor = weir_json_find(doc, object, "vendor");
    struct weir_vendor_walk w;

    if (vendor == WEIR_JSON_NONE)
        return WEIR_OK;
    memset(&w, 0, sizeof(w));
    w.arena = arena;
    w.doc = doc;
    w.told = told;
    w.ctx = ctx;
    w.parts[0] = weir_str_of("vendor");
    WEIR_JSON_EACH_MEMBER(doc, vendor, api, members)
    {
        if (own && weir_json_is(doc, api, own))
            continue;
        w.parts[1] = weir_json_str(doc, api, arena);
        if (!weir_json_is_object(doc, members) || !weir_json_count(doc, members))
            WEIR_TRY(told(ctx, w.parts, 2));
        WEIR_TRY(weir_vendor_members(&w, members, 2));
    }
    return WEIR_OK;
}

/* What a block or tool in another API's words is, for people: its type, or, where it has none, the
 * member that it is named by. */
static inline weir_str weir_vendor_name(const weir_arena *arena, const weir_json *doc,
                                        uint32_t verbatim)
{
    uint32_t type = weir_json_find(doc, verbatim, "type");

    if (weir_json_is_string(doc, type))
        return weir_json_str(doc, type, arena);
    WEIR_JSON_EACH_MEMBER(doc, verbatim, key, value)
    {
        (void)value;
        if (!weir_str_starts(weir_json_inner(doc, key), "thought"))
            return weir_json_str(doc, key, arena);
    }
    return weir_str_make("", 0);
}

/* Why a part or tool is left out that is verbatim in another API's words, with what it is, and a
 * NUL behind it: a part has it in `block`, a tool in `tool`. NULL: out of memory. */
static inline const char *weir_vendor_why(const weir_arena *arena, const weir_json *doc,
                                          uint32_t part)
{
    uint32_t block = weir_json_find(doc, part, "block");
    weir_str api = weir_json_str(doc, weir_json_find(doc, part, "api"), arena);
    weir_str parts[5] = { weir_str_of("only "), api, weir_str_of(" has it"), weir_str_of(""),
                          weir_str_make("", 1) };

    if (block == WEIR_JSON_NONE)
        block = weir_json_find(doc, part, "tool");
    parts[3] = weir_vendor_name(arena, doc, block);
    if (parts[3].len)
        parts[2] = weir_str_of(" has it: ");
    return weir_str_join(arena, parts, 5).ptr;
}

/* Keys as the tail of a JSON pointer, "vendor/api/member", escaped, with a NUL behind it. NULL: out
 * of memory. */
static inline const char *weir_pointer_tail(const weir_arena *arena, const weir_str *parts,
                                            size_t count)
{
    weir_str tail;
    weir_writer w;

    weir_writer_init(&w, arena, 64);
    for (size_t i = 0; i < count; i++) {
        if (i)
            weir_write_byte(&w, '/');
        for (size_t k = 0; k < parts[i].len; k++) {
            char c = parts[i].ptr[k];

            if (c == '~' || c == '/')
                weir_write_byte(&w, '~');
            weir_write_byte(&w, c == '~' ? '0' : c == '/' ? '1' : c);
        }
    }
    weir_write_byte(&w, '\0');
    return weir_writer_finish(&w, &tail) == WEIR_OK ? tail.ptr : NULL;
}

#endif
