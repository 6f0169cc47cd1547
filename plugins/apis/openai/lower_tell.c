/*
 * lower_tell.c - tells of what a request in Chat Completions has no place for, each member by name.
 */
#include "openai.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

weir_str oai_at(const weir_exchange *x, weir_str at, const char *list, uint32_t number)
{
    char digits[WEIR_NUMBER_ROOM];
    weir_str parts[5] = { at, WEIR_S("/"), weir_str_of(list), WEIR_S("/"), WEIR_S("") };

    parts[4] = weir_str_make(digits, weir_number_print_uint64(digits, number));
    return weir_str_join(&x->arena, parts, 5);
}

weir_result oai_drop(const weir_exchange *x, const weir_http_sink *out, weir_str at, weir_str what,
                     const char *why)
{
    weir_str parts[3] = { at, WEIR_S("/"), what };
    weir_str pointer = weir_str_join(&x->arena, parts, 3);

    return pointer.ptr ? out->dropped(out->ctx, pointer, weir_str_of(why)) : WEIR_NO_MEMORY;
}

/* Where a vendor's member is told of. */
struct tell_place {
    const weir_exchange *x;
    const weir_http_sink *out;
    weir_str at;
};

static weir_result tell_vendor(void *ctx, const weir_str *parts, size_t count)
{
    const struct tell_place *p = (const struct tell_place *)ctx;
    const char *tail = weir_pointer_tail(&p->x->arena, parts, count);

    return tail ? oai_drop(p->x, p->out, p->at, weir_str_of(tail), WEIR_VENDOR_WHY)
                : WEIR_NO_MEMORY;
}

weir_result oai_drop_vendors(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                             uint32_t object, const char *own)
{
    struct tell_place place = { x, out, at };

    return weir_vendor_others(&x->arena, x->request, object, own, tell_vendor, &place);
}

weir_result oai_drop_extensions(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                                uint32_t object, const char *own)
{
    if (weir_json_find(x->request, object, "cache_control") != WEIR_JSON_NONE)
        WEIR_TRY(oai_drop(x, out, at, WEIR_S("cache_control"),
                          "the OpenAI API does not say what to cache"));
    return oai_drop_vendors(x, out, at, object, own);
}

/* Members of a block that its plain form has a place for. */
static bool tell_is_written(const weir_json *doc, uint32_t key)
{
    static const weir_str known[] = { { "type", 4 },          { "text", 4 },   { "id", 2 },
                                      { "name", 4 },          { "custom", 6 }, { "arguments", 9 },
                                      { "refusal", 7 },       { "vendor", 6 }, { "function", 8 },
                                      { "cache_control", 13 } };

    return weir_json_key_in(doc, key, known, sizeof(known) / sizeof(known[0]));
}

weir_result oai_drop_unwritten(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                               uint32_t block)
{
    WEIR_JSON_EACH_MEMBER(x->request, block, key, value)
    {
        (void)value;
        if (!tell_is_written(x->request, key))
            WEIR_TRY(oai_drop(x, out, at, weir_json_inner(x->request, key),
                              "the OpenAI API has no such member there"));
    }
    return WEIR_OK;
}

weir_result oai_drop_foreign_part(const weir_exchange *x, const weir_http_sink *out, weir_str at,
                                  uint32_t part)
{
    const char *why = weir_vendor_why(&x->arena, x->request, part);

    return why ? out->dropped(out->ctx, at, weir_str_of(why)) : WEIR_NO_MEMORY;
}
