/*
 * decode_calls.c - tool calls, from fragments that vendors number in ways of their own.
 *
 * OpenAI sends id and name with the first fragment of an `index`, arguments with the following
 * ones. Others send whole calls, several in one chunk, all with index 0 or with none, the id of a
 * call again with every fragment or never, arguments as an object instead of a string.
 */
#include "decode.h"

#include <weir/sdk/sink.h>

/* One entry of `tool_calls`. */
struct oai_fragment {
    int32_t index; /* -1: not told */
    uint32_t id;   /* tokens */
    uint32_t name;
    uint32_t arguments;
    bool custom; /* the arguments are free text */
    bool alone;  /* there is no other call: the old spelling */
};

static uint32_t calls_hash(weir_str s)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    return s.len ? h | 1u : 0;
}

static bool calls_has(const struct oai_reading *r, uint32_t value)
{
    return weir_json_is_string(r->doc, value) && r->doc->tok[value].len > 0;
}

/* The call a fragment goes on with, or NULL if it begins one. */
static struct oai_call *calls_find(struct oai_reading *r, const struct oai_fragment *f)
{
    uint32_t id = calls_hash(weir_json_inner(r->doc, f->id));
    bool named = calls_has(r, f->name);
    struct oai_call *found = NULL;

    for (uint16_t i = 0; i < r->d->call_count; i++) {
        struct oai_call *c = &r->d->call[i];

        if (c->choice != r->number)
            continue;
        if (f->index >= 0 ? c->index == f->index : (!id || c->id_hash == id))
            found = c; /* the latest of them */
    }
    if (!found || !named || f->alone)
        return found;
    /* It has a name again: the same call if the vendor repeats itself, another one if the id is
     * another, or if calls have no ids here. */
    return id && found->id_hash == id ? found : NULL;
}

/* Where a call has no id, one is made up: the same for the same place in the same exchange. */
static weir_str calls_make_id(const struct oai_reading *r, char buf[40])
{
    static const char hex[] = "0123456789abcdef";
    uint64_t n = r->x->seed ^ (uint64_t)r->d->call_count * UINT64_C(0x9E3779B97F4A7C15) ^
                 (uint64_t)(uint32_t)r->number << 56;

    memcpy(buf, "call_", 5);
    for (int i = 0; i < 16; i++)
        buf[5 + i] = hex[n >> (60 - 4 * i) & 15];
    return weir_str_make(buf, 21);
}

/* Why a call cannot be the next one, by its index; NULL: it can. Indexes rise by one, from 0 or,
 * where blocks are counted, from the number of those before the first call; those who number every
 * call 0 have their way. A call with a higher index is one whose predecessor is lost. */
static const char *calls_fault(const struct oai_reading *r, const struct oai_fragment *f)
{
    int32_t first = -1, last = -1, bound;

    if (f->index < 0)
        return NULL;
    for (uint16_t i = 0; i < r->d->call_count; i++) {
        const struct oai_call *c = &r->d->call[i];

        if (c->choice != r->number || c->index < 0)
            continue;
        if (first < 0)
            first = c->index;
        if (c->index > last)
            last = c->index;
    }
    if (last > f->index)
        return "the tool calls of the answer are out of order";
    bound = last + 1;
    if (first != 0 && r->choice->next > bound)
        bound = r->choice->next;
    return f->index > bound ? "a tool call of the answer is missing" : NULL;
}

static weir_result calls_begin(struct oai_reading *r, const struct oai_fragment *f)
{
    struct oai_decoder *d = r->d;
    struct oai_call *call;
    weir_str id = weir_json_str(r->doc, f->id, &r->x->arena);
    weir_str name = weir_json_str(r->doc, f->name, &r->x->arena);
    const char *fault = calls_fault(r, f);
    char made[40];

    if (d->call_count == OAI_CALLS)
        return oai_emit_protocol(d, "the answer has more than 96 tool calls", r->out);
    if (fault)
        return oai_emit_protocol(d, fault, r->out);
    if (!d->call)
        d->call = (struct oai_call *)r->x->keep.alloc(r->x->keep.owner, OAI_CALLS * sizeof(*call));
    if (!d->call)
        return WEIR_NO_MEMORY;
    call = &d->call[d->call_count];
    call->choice = (uint16_t)r->number;
    call->index = f->index;
    if (!id.len && d->pending && d->pending_choice == r->number && d->pending_index == f->index)
        id = weir_str_make(d->pending_id, d->pending_len);
    call->id_hash = calls_hash(id);
    if (!id.len)
        id = calls_make_id(r, made);
    d->pending = 0;
    d->call_count++;
    r->choice->called = 1;
    if (f->custom)
        r->open_extra = WEIR_S(OAI_CUSTOM);
    WEIR_TRY(oai_block_open(r, WEIR_BLOCK_TOOL_CALL, id, name));
    call->block = r->choice->open;
    return WEIR_OK;
}

/* An id came and the name has not: some send them one after the other. */
static weir_result calls_hold(struct oai_reading *r, const struct oai_fragment *f)
{
    struct oai_decoder *d = r->d;
    weir_str id = weir_json_str(r->doc, f->id, &r->x->arena);

    if (calls_has(r, f->arguments) || id.len > OAI_ID_MAX || (d->pending && id.len))
        return oai_emit_protocol(d, "a tool call came without a name", r->out);
    if (!id.len)
        return WEIR_OK;
    d->pending = 1;
    d->pending_choice = (uint16_t)r->number;
    d->pending_index = f->index;
    d->pending_len = (uint8_t)id.len;
    memcpy(d->pending_id, id.ptr, id.len);
    return WEIR_OK;
}

static weir_result calls_arguments(struct oai_reading *r, const struct oai_call *call,
                                   uint32_t arguments)
{
    weir_text text = weir_json_text(r->doc, arguments);
    weir_str extra = r->extra;

    if (weir_json_is_object(r->doc, arguments))
        text = weir_text_from(weir_json_raw(r->doc, arguments));
    if (!text.len)
        return WEIR_OK;
    /* Fragments of parallel calls may come in turns: each goes to its own block. */
    r->extra = weir_str_make("", 0);
    return weir_emit_delta(r->out, r->number, call->block, WEIR_BLOCK_TOOL_CALL, text, extra);
}

static weir_result calls_fragment(struct oai_reading *r, const struct oai_fragment *f)
{
    const struct oai_call *call;
    const unsigned string = 1u << WEIR_JSON_STRING;

    if (!oai_is_or_null(r->doc, f->id, string) || !oai_is_or_null(r->doc, f->name, string) ||
        !oai_is_or_null(r->doc, f->arguments, string | 1u << WEIR_JSON_OBJECT))
        return oai_emit_protocol(r->d, "a tool call has a member of a wrong type", r->out);
    call = calls_find(r, f);
    if (r->choice->ended && call && weir_json_inner(r->doc, f->arguments).len)
        return oai_emit_protocol(r->d, OAI_AFTER_END, r->out);
    if (r->choice->ended && !call && calls_has(r, f->name)) {
        /* Together ends every call of a choice with a reason. */
        if (!r->choice->called)
            return oai_emit_protocol(r->d, OAI_AFTER_END, r->out);
        r->choice->ended = 0;
    }
    if (!call) {
        if (!calls_has(r, f->name))
            return calls_hold(r, f);
        WEIR_TRY(calls_begin(r, f));
        if (r->d->failed)
            return WEIR_OK;
        call = &r->d->call[r->d->call_count - 1];
    }
    return calls_arguments(r, call, f->arguments);
}

weir_result oai_decode_calls(struct oai_reading *r, uint32_t list)
{
    const weir_json *doc = r->doc;

    if (!oai_is_or_null(doc, list, 1u << WEIR_JSON_ARRAY))
        return oai_emit_protocol(r->d, "the tool_calls of the answer are no array", r->out);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        uint32_t custom = weir_json_find(doc, item, "custom");
        bool is_custom = weir_json_is_object(doc, custom);
        uint32_t function = is_custom ? custom : weir_json_find(doc, item, "function");
        struct oai_fragment f = { -1,
                                  weir_json_find(doc, item, "id"),
                                  weir_json_find(doc, function, "name"),
                                  weir_json_find(doc, function, is_custom ? "input" : "arguments"),
                                  is_custom,
                                  false };
        int64_t index = -1;

        if (!weir_json_is_object(doc, item) ||
            !oai_is_or_null(doc, function, 1u << WEIR_JSON_OBJECT))
            return oai_emit_protocol(r->d, "a tool call of the answer is no object", r->out);
        weir_json_int64(doc, weir_json_find(doc, item, "index"), &index);
        if (index >= 0 && index < INT32_MAX)
            f.index = (int32_t)index;
        WEIR_TRY(calls_fragment(r, &f));
        if (r->d->failed)
            return WEIR_OK;
    }
    return WEIR_OK;
}

weir_result oai_decode_function(struct oai_reading *r, uint32_t function)
{
    struct oai_fragment f = { 0,
                              WEIR_JSON_NONE,
                              weir_json_find(r->doc, function, "name"),
                              weir_json_find(r->doc, function, "arguments"),
                              false,
                              true };

    return calls_fragment(r, &f);
}

weir_result oai_calls_end(struct oai_reading *r)
{
    for (uint16_t i = 0; i < r->d->call_count; i++) {
        const struct oai_call *c = &r->d->call[i];

        WEIR_TRY(weir_emit_block_end(r->out, c->choice, c->block, WEIR_BLOCK_TOOL_CALL));
    }
    return WEIR_OK;
}

bool oai_calls_pending(const struct oai_decoder *d)
{
    return d->pending;
}
