/*
 * encode_tell.c - what is told as left out, and what only Anthropic has words for.
 */
#include "encode.h"

#include <weir/sdk/number.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* -- Telling what is left out ----------------------------------------------------------------- */

weir_result ant_drop(const struct ant_encoding *e, const char *pointer, const char *why)
{
    return weir_http_dropped(e->out, pointer, why);
}

weir_result ant_drop_in(const struct ant_encoding *e, const char *list, uint32_t number,
                        const char *member, const char *why)
{
    char digits[WEIR_NUMBER_ROOM];
    weir_str parts[6] = { WEIR_S("/"),
                          weir_str_of(list),
                          WEIR_S("/"),
                          { digits, weir_number_print_uint64(digits, number) },
                          weir_str_of(member[0] ? "/" : ""),
                          weir_str_of(member) };
    weir_str pointer = weir_str_join(&e->x->arena, parts, 6);

    return pointer.ptr ? e->out->dropped(e->out->ctx, pointer, weir_str_of(why)) : WEIR_NO_MEMORY;
}

static weir_result drop_part_member(const struct ant_encoding *e, uint32_t number,
                                    const char *member, const char *why)
{
    char place[96];

    if (e->part != WEIR_JSON_NONE)
        snprintf(place, sizeof(place), "content/%u%s%s", e->part, *member ? "/" : "", member);
    else
        snprintf(place, sizeof(place), "content%s%s", *member ? "/" : "", member);
    return ant_drop_in(e, "messages", number, place, why);
}

weir_result ant_drop_part(const struct ant_encoding *e, uint32_t number, const char *why)
{
    return drop_part_member(e, number, "", why);
}

static bool is_known(const weir_json *doc, uint32_t key, const char *const *known)
{
    weir_str name = weir_json_inner(doc, key);
    char first = name.len ? *name.ptr : '\0';

    for (; *known; known++) {
        if ((first == **known || first == '\\') && weir_json_is(doc, key, *known))
            return true;
    }
    return false;
}

weir_result ant_drop_unknown(const struct ant_encoding *e, const char *list, uint32_t number,
                             uint32_t part, uint32_t object, const char *const *known)
{
    WEIR_JSON_EACH_MEMBER(e->doc, object, key, value)
    {
        char place[64];
        weir_str parts[2], pointer;

        if (weir_json_is_null(e->doc, value) || is_known(e->doc, key, known))
            continue;
        if (part == WEIR_JSON_NONE)
            snprintf(place, sizeof(place), "/%s/%u/", list, number);
        else
            snprintf(place, sizeof(place), "/%s/%u/content/%u/", list, number, part);
        parts[0] = weir_str_of(place);
        parts[1] = weir_json_str(e->doc, key, &e->x->arena);
        pointer = weir_str_join(&e->x->arena, parts, 2);
        if (!pointer.ptr)
            return WEIR_NO_MEMORY;
        WEIR_TRY(
            e->out->dropped(e->out->ctx, pointer, WEIR_S("the Anthropic API has no such member")));
    }
    return WEIR_OK;
}

weir_result ant_drop_key(const struct ant_encoding *e, weir_text key, const char *why)
{
    weir_str parts[2] = { WEIR_S("/"), weir_text_to_utf8(&e->x->arena, key) };
    weir_str pointer = weir_str_join(&e->x->arena, parts, 2);

    return pointer.ptr ? e->out->dropped(e->out->ctx, pointer, weir_str_of(why)) : WEIR_NO_MEMORY;
}

/* -- What Anthropic alone has ----------------------------------------------------------------- */

uint32_t ant_vendor_of(const weir_json *doc, uint32_t value)
{
    return weir_json_find(doc, weir_json_find(doc, value, "vendor"), "anthropic");
}

void ant_encode_cache(struct ant_encoding *e, uint32_t value)
{
    uint32_t cache = weir_json_find(e->doc, value, "cache_control");

    if (!weir_json_is_object(e->doc, cache))
        cache = weir_json_find(e->doc, e->cached, "cache_control");
    if (!weir_json_is_object(e->doc, cache))
        return;
    weir_write_key(&e->w, "cache_control");
    weir_write_value(&e->w, e->doc, cache);
}

/* Sources that are named by what only their provider can read. */
static bool vendor_is_foreign(const struct ant_encoding *e, uint32_t key, uint32_t member)
{
    return e->x->foreign && weir_json_is(e->doc, key, "citations") &&
           (weir_str_mentions(weir_json_raw(e->doc, member), "encrypted_index") ||
            weir_str_mentions(weir_json_raw(e->doc, member), "file_id"));
}

/* Members that say again, and otherwise, what stands in the canonical form. A tool may well say
 * that it is a custom one. */
static bool vendor_is_taken(const struct ant_encoding *e, uint32_t key, uint32_t member)
{
    static const char *const taken[] = {
        "role",   "content",     "text",          "id",           "name",        "input",
        "source", "thinking",    "signature",     "data",         "tool_use_id", "is_error",
        "strict", "description", "cache_control", "input_schema", NULL
    };

    if (weir_json_is(e->doc, key, "type"))
        return !weir_json_is(e->doc, member, "custom");
    return is_known(e->doc, key, taken);
}

void ant_encode_vendor(struct ant_encoding *e, uint32_t value)
{
    WEIR_JSON_EACH_MEMBER(e->doc, ant_vendor_of(e->doc, value), key, member)
    {
        if (vendor_is_foreign(e, key, member) || vendor_is_taken(e, key, member))
            continue;
        weir_write_key_text(&e->w, weir_json_text(e->doc, key));
        weir_write_value(&e->w, e->doc, member);
    }
}

/* Where a vendor's member is told of. `list` NULL: at the top. */
struct vendor_place {
    const struct ant_encoding *e;
    const char *list;
    uint32_t number;
    uint32_t part; /* NONE: it is of the thing itself */
};

static weir_result vendor_dropped(void *ctx, const weir_str *parts, size_t count)
{
    const struct vendor_place *p = (const struct vendor_place *)ctx;
    weir_str all[2 + WEIR_VENDOR_PARTS] = { WEIR_S("content") };
    char digits[WEIR_NUMBER_ROOM];
    size_t before = 0;
    const char *tail;

    if (p->part != WEIR_JSON_NONE) {
        all[1] = weir_str_make(digits, weir_number_print_uint64(digits, p->part));
        before = 2;
    }
    for (size_t i = 0; i < count; i++)
        all[before + i] = parts[i];
    tail = weir_pointer_tail(&p->e->x->arena, all, before + count);
    if (!tail)
        return WEIR_NO_MEMORY;
    if (p->list)
        return ant_drop_in(p->e, p->list, p->number, tail, WEIR_VENDOR_WHY);
    return ant_drop_key(p->e, weir_text_from(weir_str_of(tail)), WEIR_VENDOR_WHY);
}

weir_result ant_drop_part_vendors(struct ant_encoding *e, uint32_t value, uint32_t number)
{
    struct vendor_place place = { e, "messages", number, e->part };

    WEIR_JSON_EACH_MEMBER(e->doc, ant_vendor_of(e->doc, value), own, member)
    {
        if (vendor_is_foreign(e, own, member))
            WEIR_TRY(ant_drop_part(e, number, "only the provider that found a source can read it"));
        if (vendor_is_taken(e, own, member))
            WEIR_TRY(drop_part_member(e, number, "vendor/anthropic",
                                      "it says otherwise what is said already"));
    }
    return weir_vendor_others(&e->x->arena, e->doc, value, "anthropic", vendor_dropped, &place);
}

weir_result ant_drop_vendors(struct ant_encoding *e, uint32_t value, const char *list,
                             uint32_t number)
{
    struct vendor_place place = { e, list, number, WEIR_JSON_NONE };

    WEIR_JSON_EACH_MEMBER(e->doc, ant_vendor_of(e->doc, value), own, member)
    {
        if (list && vendor_is_taken(e, own, member))
            WEIR_TRY(ant_drop_in(e, list, number, "vendor/anthropic",
                                 "it says otherwise what is said already"));
    }
    return weir_vendor_others(&e->x->arena, e->doc, value, "anthropic", vendor_dropped, &place);
}
