/*
 * pack.c - see pack.h.
 */
#include "client/pack.h"
#include "base/str.h"

/* Begins every record, and can begin no JSON document. */
static const char mark[4] = { 'w', 'e', 'v', '1' };

/* What stands in front of the strings, in their order: text, id, name, extra. */
struct record {
    char mark[4];
    uint32_t has_usage;
    uint64_t size; /* of everything */
    weir_event event;
    weir_usage usage;
};

weir_result pack_event(const weir_arena *arena, const weir_event *event, weir_str *out)
{
    const weir_str parts[] = {
        { event->text.ptr, event->text.len }, event->id, event->name, event->extra
    };
    struct record r = { .event = *event, .size = sizeof(r) };
    char *bytes, *at;

    memcpy(r.mark, mark, sizeof(mark));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        r.size += parts[i].len;
    if (event->usage) {
        r.usage = *event->usage;
        r.has_usage = 1;
    }
    bytes = at = arena->alloc(arena->owner, r.size);
    if (!bytes)
        return WEIR_NO_MEMORY;
    memcpy(at, &r, sizeof(r));
    at += sizeof(r);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    *out = (weir_str){ bytes, r.size };
    return WEIR_OK;
}

size_t unpack_event(weir_str bytes, weir_event *event, weir_usage *usage)
{
    struct record r;
    const char *at = bytes.ptr + sizeof(r);

    if (bytes.len < sizeof(r) || memcmp(bytes.ptr, mark, sizeof(mark)) != 0)
        return 0;
    memcpy(&r, bytes.ptr, sizeof(r));
    if (r.size > bytes.len)
        return 0;
    *event = r.event;
    *usage = r.usage;
    event->text.ptr = at;
    event->id.ptr = at += r.event.text.len;
    event->name.ptr = at += r.event.id.len;
    event->extra.ptr = at + r.event.name.len;
    event->usage = r.has_usage ? usage : NULL;
    event->rate = NULL;
    event->failure = NULL;
    return r.size;
}
