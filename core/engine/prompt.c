/*
 * prompt.c - what strategies may know of a request's text: read from the canonical request, and
 * only for trees that ask for it.
 *
 * Text is bounded: what a strategy looks for is not worth more than MAX_TEXT bytes of copying.
 */
#include "base/str.h"
#include "engine/exchange.h"

#include <weir/sdk/json.h>
#include <weir/sdk/str.h>

enum {
    MAX_TEXT = 64 * 1024, /* bytes of the last message, and of all together */
    MAX_METADATA = 16,    /* members shown */
};

static const char metadata_prefix[] = "metadata.";

/* Text being put together. */
struct text {
    char *bytes;
    size_t len, most;
};

/* No text of the request is longer than the request, decoded or not. Room for one byte more than
 * is used in the end: a text that reaches it did not fit. */
static bool text_init(struct text *t, struct exchange *e)
{
    t->most = e->canonical.bytes.len < MAX_TEXT ? e->canonical.bytes.len : MAX_TEXT;
    t->bytes = arena_alloc(&e->arena, t->most + 1);
    t->len = 0;
    return t->bytes != NULL;
}

/* Takes back the last code point if the bound cut it. */
static void text_trim(struct text *t)
{
    while (t->len && ((unsigned char)t->bytes[t->len - 1] & 0xC0) == 0x80)
        t->len--;
    if (t->len)
        t->len--;
}

static void text_add(struct text *t, weir_text piece)
{
    size_t room = t->most - t->len, len;

    if (!piece.len || !room)
        return;
    if (t->len) {
        t->bytes[t->len++] = '\n';
        room--;
    }
    len = weir_text_decode(piece, t->bytes + t->len, room + 1);
    if (len <= room) {
        t->len += len;
        return;
    }
    t->len += room + 1;
    text_trim(t);
}

/* Content is a string or parts; of the parts those with a text count. */
static void add_content(struct text *t, const weir_json *doc, uint32_t content)
{
    if (weir_json_is_string(doc, content))
        text_add(t, weir_json_text(doc, content));
    if (!weir_json_is_array(doc, content))
        return;
    WEIR_JSON_EACH_ITEM(doc, content, i)
    {
        if (weir_json_is_string(doc, i))
            text_add(t, weir_json_text(doc, i));
        else
            add_content(t, doc, weir_json_find(doc, i, "text"));
    }
}

static weir_str text_str(const struct text *t)
{
    return (weir_str){ t->bytes, t->len };
}

/* The message that the user said last; WEIR_JSON_NONE: none. */
static uint32_t last_user(const weir_json *doc, uint32_t messages)
{
    uint32_t last = WEIR_JSON_NONE;

    WEIR_JSON_EACH_ITEM(doc, messages, i)
    {
        if (weir_json_is(doc, weir_json_find(doc, i, "role"), "user"))
            last = i;
    }
    return last;
}

static void read_text(struct exchange *e, const weir_json *doc, uint32_t messages)
{
    uint32_t user = last_user(doc, messages);
    struct text t;

    if (!text_init(&t, e))
        return;
    if (messages == WEIR_JSON_NONE) /* embeddings */
        add_content(&t, doc, weir_json_find(doc, 0, "input"));
    else if (user != WEIR_JSON_NONE)
        add_content(&t, doc, weir_json_find(doc, user, "content"));
    e->facts.text = text_str(&t);
}

static void read_all_text(struct exchange *e, const weir_json *doc, uint32_t messages)
{
    struct text t;

    if (!text_init(&t, e))
        return;
    if (messages == WEIR_JSON_NONE)
        add_content(&t, doc, weir_json_find(doc, 0, "input"));
    WEIR_JSON_EACH_ITEM(doc, messages, i)
    add_content(&t, doc, weir_json_find(doc, i, "content"));
    e->facts.all_text = text_str(&t);
}

/* -- the prefix -------------------------------------------------------------------------------- */

static uint64_t hash_more(uint64_t h, weir_str bytes)
{
    size_t at = 0;

    for (; at + 8 <= bytes.len; at += 8) {
        uint64_t word;

        memcpy(&word, bytes.ptr + at, 8);
        h = (h ^ word) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    for (; at < bytes.len; at++)
        h = (h ^ (unsigned char)bytes.ptr[at]) * 0x100000001B3u;
    h = (h ^ bytes.len) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

/* Tools and everything up to the first thing the user said: what stays when a conversation grows,
 * and what a vendor's prompt cache finds again. Never 0: that says "not computed". */
static uint64_t prefix_hash(const weir_json *doc, uint32_t messages)
{
    uint32_t tools = weir_json_find(doc, 0, "tools");
    uint64_t h = 0;

    if (tools != WEIR_JSON_NONE)
        h = hash_more(h, weir_json_raw(doc, tools));
    WEIR_JSON_EACH_ITEM(doc, messages, i)
    {
        h = hash_more(h, weir_json_raw(doc, i));
        if (weir_json_is(doc, weir_json_find(doc, i, "role"), "user"))
            break;
    }
    return h ? h : 1;
}

/* -- metadata ---------------------------------------------------------------------------------- */

static weir_str metadata_name(struct exchange *e, const weir_json *doc, uint32_t key)
{
    const weir_str parts[] = { S(metadata_prefix), weir_json_str(doc, key, &e->in.arena) };

    return weir_str_join(&e->in.arena, parts, 2);
}

/* The texts in `metadata`, behind the tags that came as headers. */
static void read_metadata(struct exchange *e, const weir_json *doc)
{
    uint32_t object = weir_json_find(doc, 0, "metadata"), count = e->facts.tag_count;
    weir_header *tags;

    if (!weir_json_is_object(doc, object) || !weir_json_count(doc, object))
        return;
    tags = arena_alloc(&e->arena, (count + MAX_METADATA) * sizeof(*tags));
    if (!tags)
        return;
    if (count)
        memcpy(tags, e->facts.tags, count * sizeof(*tags));
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        if (!weir_json_is_string(doc, value) || count == e->facts.tag_count + MAX_METADATA)
            continue;
        tags[count].name = metadata_name(e, doc, key);
        tags[count++].value = weir_json_str(doc, value, &e->in.arena);
    }
    e->facts.tags = tags;
    e->facts.tag_count = count;
}

void prompt_facts(struct exchange *e, uint32_t needs)
{
    const uint32_t of_text =
        WEIR_NEEDS_TEXT | WEIR_NEEDS_ALL_TEXT | WEIR_NEEDS_PREFIX_HASH | WEIR_NEEDS_METADATA;
    uint32_t messages;

    if (!(needs & of_text) || (e->facts.op != WEIR_OP_CHAT && e->facts.op != WEIR_OP_EMBED &&
                               e->facts.op != WEIR_OP_COUNT))
        return;
    if (!exchange_translate(e)) /* said when a target needs the translation */
        return;
    messages = weir_json_find(&e->canonical, 0, "messages");
    if (needs & WEIR_NEEDS_TEXT)
        read_text(e, &e->canonical, messages);
    if (needs & WEIR_NEEDS_ALL_TEXT)
        read_all_text(e, &e->canonical, messages);
    if (needs & WEIR_NEEDS_PREFIX_HASH)
        e->facts.prefix_hash = prefix_hash(&e->canonical, messages);
    if (needs & WEIR_NEEDS_METADATA)
        read_metadata(e, &e->canonical);
}
