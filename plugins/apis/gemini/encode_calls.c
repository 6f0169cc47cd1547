/*
 * encode_calls.c - calls by their ids: a result says which call it answers, but this API wants the
 * name of the function. A table, so that long conversations cost no more than their length.
 */
#include "gemini.h"

struct gem_known_call {
    uint32_t hash; /* 0: the slot is free */
    weir_text id;
    weir_text name;
};

static uint32_t calls_hash(weir_text id)
{
    struct weir_text_cursor cursor = weir_text_open(id);
    uint32_t h = 2166136261u;
    weir_str piece;

    while ((piece = weir_text_piece(&cursor)).len) {
        for (size_t i = 0; i < piece.len; i++)
            h = (h ^ (unsigned char)piece.ptr[i]) * 16777619u;
    }
    return h ? h : 1;
}

/* The slot of an id: the one that has it, or the free one where it belongs. There are twice as many
 * slots as calls. */
static struct gem_known_call *calls_slot(const struct gem_calls *calls, weir_text id, uint32_t hash)
{
    uint32_t at = hash & calls->mask;

    while (calls->slots[at].hash &&
           (calls->slots[at].hash != hash || !weir_text_equal(calls->slots[at].id, id)))
        at = (at + 1) & calls->mask;
    return &calls->slots[at];
}

weir_result gem_calls_init(const struct gem_encoding *e, struct gem_calls *calls)
{
    const weir_json *doc = e->doc;
    size_t count = 0, slots = 16;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "messages"), message)
    {
        uint32_t content = weir_json_find(doc, message, "content");

        count += weir_json_count(doc, weir_json_find(doc, message, "tool_calls"));
        if (weir_json_is_array(doc, content))
            count += weir_json_count(doc, content);
    }
    while (slots < count * 2)
        slots *= 2;
    calls->mask = (uint32_t)(slots - 1);
    calls->slots = (struct gem_known_call *)e->x->arena.alloc(e->x->arena.owner,
                                                              slots * sizeof(*calls->slots));
    if (!calls->slots)
        return WEIR_NO_MEMORY;
    memset(calls->slots, 0, slots * sizeof(*calls->slots));
    return WEIR_OK;
}

void gem_calls_add(struct gem_calls *calls, weir_text id, weir_text name)
{
    uint32_t hash = calls_hash(id);
    struct gem_known_call *slot = calls_slot(calls, id, hash);

    slot->hash = hash;
    slot->id = id;
    slot->name = name;
}

bool gem_calls_find(const struct gem_calls *calls, weir_text id, weir_text *name)
{
    const struct gem_known_call *slot = calls_slot(calls, id, calls_hash(id));

    if (!id.len || !slot->hash)
        return false;
    *name = slot->name;
    return true;
}
