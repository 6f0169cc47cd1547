/*
 * resp_items.c - the items of an answer as blocks: a message is a block for each part, reasoning
 * one for all its texts, a call of a function or custom tool one, and whatever runs at the vendor,
 * or is not known here, one that holds the item as it is.
 */
#include "responses.h"

#include <weir/sdk/sink.h>

static const weir_str item_nothing = { "", 0 };

int32_t resp_block_open(struct resp_reading *r, uint16_t kind, weir_str id, weir_str name,
                        weir_str extra, weir_result *result)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_START);

    e.kind = kind;
    e.block = r->d->next++;
    e.id = id;
    e.name = name;
    e.extra = extra;
    *result = r->out->emit(r->out->ctx, &e);
    return e.block;
}

static weir_result block_end(struct resp_reading *r, int32_t block, uint16_t kind, weir_str extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_END);

    e.kind = kind;
    e.block = block;
    e.extra = extra;
    return r->out->emit(r->out->ctx, &e);
}

static uint16_t item_kind(weir_str type)
{
    static const char *const runs[] = { "_call", "mcp_", "tool_search", "program" };

    if (weir_str_is(type, "message"))
        return 0;
    if (weir_str_is(type, "reasoning"))
        return WEIR_BLOCK_REASONING;
    if (weir_str_is(type, "function_call") || weir_str_is(type, "custom_tool_call"))
        return WEIR_BLOCK_TOOL_CALL;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        if (weir_str_mentions(type, runs[i]))
            return WEIR_BLOCK_SERVER_TOOL;
    }
    return WEIR_BLOCK_OPAQUE;
}

static struct resp_item *item_at(struct resp_decoder *d, int64_t index)
{
    for (uint16_t i = 0; i < d->item_count; i++) {
        if (d->item[i].index == index)
            return &d->item[i];
    }
    return NULL;
}

struct resp_item *resp_item_find(struct resp_reading *r)
{
    int64_t index;

    if (!weir_json_int64(r->doc, weir_json_find(r->doc, 0, "output_index"), &index))
        return NULL;
    return item_at(r->d, index);
}

/* `"name":value` of a member, if it is a string. */
static void extra_member(weir_writer *w, const weir_json *doc, const char *name, uint32_t value)
{
    if (!weir_json_is_string(doc, value) || !doc->tok[value].len)
        return;
    weir_write_key(w, name);
    weir_write_value(w, doc, value);
}

/* -- Reasoning -------------------------------------------------------------------------------- */

weir_result resp_thought_open(struct resp_reading *r, struct resp_item *item, uint32_t id)
{
    weir_result result = WEIR_OK;
    weir_str extra;
    weir_writer w;

    if (item->block >= 0) /* another text of the same item */
        return weir_emit_delta(r->out, 0, item->block, WEIR_BLOCK_REASONING,
                               weir_text_from(WEIR_S("\n\n")), item_nothing);
    weir_writer_init(&w, &r->x->arena, 0);
    extra_member(&w, r->doc, "item_id", id);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    item->block =
        resp_block_open(r, WEIR_BLOCK_REASONING, item_nothing, item_nothing, extra, &result);
    return result;
}

/* One list of a reasoning item's texts, told whole: what came in pieces must be the same. */
static weir_result thought_list(struct resp_reading *r, struct resp_item *item, uint32_t token,
                                const char *name, uint8_t what)
{
    bool fresh = !item->parts[0] && !item->parts[1];
    weir_result result = WEIR_OK;
    int64_t number = 0;

    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, token, name), content)
    {
        struct resp_part *part = resp_part_find(r->d, item->index, number, what);
        weir_text text = weir_json_text(r->doc, weir_json_find(r->doc, content, "text"));

        number++;
        if (!part && (!fresh || !text.len))
            continue;
        if (!part)
            part = resp_part_begin(r, item, number - 1, what, &result);
        if (!part || result < 0)
            return result;
        WEIR_TRY(resp_text_end(r, part, content));
        if (r->d->failed)
            return WEIR_OK;
    }
    return WEIR_OK;
}

static weir_result thought_end(struct resp_reading *r, struct resp_item *item, uint32_t token)
{
    uint32_t id = weir_json_find(r->doc, token, "id");
    uint32_t cipher = weir_json_find(r->doc, token, "encrypted_content");
    weir_str extra;
    weir_writer w;

    WEIR_TRY(thought_list(r, item, token, "summary", RESP_SUMMARY));
    if (!r->d->failed && !item->parts[1]) /* of the two, the one that was meant to be read */
        WEIR_TRY(thought_list(r, item, token, "content", RESP_REASONING));
    if (r->d->failed)
        return WEIR_OK;
    if (item->block < 0)
        WEIR_TRY(resp_thought_open(r, item, id));
    WEIR_TRY(resp_owned(r, id));
    WEIR_TRY(resp_owned(r, cipher));
    weir_writer_init(&w, &r->x->arena, 0);
    extra_member(&w, r->doc, "item_id", id);
    extra_member(&w, r->doc, "encrypted_content", cipher);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    return block_end(r, item->block, WEIR_BLOCK_REASONING, extra);
}

/* -- Calls ------------------------------------------------------------------------------------ */

/* Opens the block of a call, if id and name are there; else it waits until the item is done. */
static weir_result call_open(struct resp_reading *r, struct resp_item *item, uint32_t token)
{
    const weir_json *doc = r->doc;
    uint32_t id = weir_json_find(doc, token, "id");
    bool custom = weir_json_is(doc, weir_json_find(doc, token, "type"), "custom_tool_call");
    weir_str name = weir_json_str(doc, weir_json_find(doc, token, "name"), &r->x->arena);
    weir_str call = weir_json_str(doc, weir_json_find(doc, token, "call_id"), &r->x->arena);
    weir_result result = WEIR_OK;
    weir_str extra;
    weir_writer w;

    if (!call.len)
        call = weir_json_str(doc, id, &r->x->arena);
    if (!name.len || !call.len)
        return WEIR_OK;
    weir_writer_init(&w, &r->x->arena, 0);
    if (custom)
        weir_write_members(&w, WEIR_S(OAI_CUSTOM));
    extra_member(&w, doc, "item_id", id);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    item->block = resp_block_open(r, WEIR_BLOCK_TOOL_CALL, call, name, extra, &result);
    r->d->called = 1;
    return result;
}

static weir_result call_end(struct resp_reading *r, struct resp_item *item, uint32_t token)
{
    const weir_json *doc = r->doc;
    bool custom = weir_json_is(doc, weir_json_find(doc, token, "type"), "custom_tool_call");
    uint32_t whole = weir_json_find(doc, token, custom ? "input" : "arguments");
    struct resp_part *part = resp_part_find(r->d, item->index, 0, RESP_ARGUMENTS);
    weir_result result = WEIR_OK;
    weir_str extra;
    weir_writer w;

    if (item->block < 0) { /* what came of its arguments was not passed on yet */
        if (part)
            resp_part_forget(r->d, part);
        part = NULL;
        WEIR_TRY(call_open(r, item, token));
    }
    if (item->block < 0)
        return resp_protocol(r, "a tool call came without a name");
    if (!part)
        part = resp_part_begin(r, item, 0, RESP_ARGUMENTS, &result);
    if (!part || result < 0)
        return result;
    if (weir_json_is_string(doc, whole))
        WEIR_TRY(resp_text_whole(r, part, whole));
    if (r->d->failed)
        return WEIR_OK;
    resp_part_forget(r->d, part);
    WEIR_TRY(resp_owned(r, weir_json_find(doc, token, "id")));
    weir_writer_init(&w, &r->x->arena, 0);
    extra_member(&w, doc, "item_id", weir_json_find(doc, token, "id"));
    WEIR_TRY(weir_writer_finish(&w, &extra));
    return block_end(r, item->block, WEIR_BLOCK_TOOL_CALL, extra);
}

/* -- Messages, and the rest ------------------------------------------------------------------- */

static uint8_t content_what(const weir_json *doc, uint32_t content)
{
    uint32_t type = weir_json_find(doc, content, "type");

    if (weir_json_is(doc, type, "refusal"))
        return RESP_REFUSAL;
    return weir_json_is(doc, type, "output_text") || weir_json_is(doc, type, "text") ? RESP_TEXT
                                                                                     : 0;
}

static weir_result verbatim_extra(struct resp_reading *r, uint32_t token, weir_str *extra)
{
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, token).len + 48);
    weir_write_key(&w, "api");
    weir_write_literal(&w, RESP_API);
    weir_write_key(&w, "block");
    weir_write_value(&w, r->doc, token);
    return weir_writer_finish(&w, extra);
}

/* A part of a message that has no kind here keeps its form. */
static weir_result content_verbatim(struct resp_reading *r, uint32_t content)
{
    weir_result result = WEIR_OK;
    weir_str extra;
    int32_t block = resp_block_open(
        r, WEIR_BLOCK_OPAQUE, item_nothing,
        weir_json_str(r->doc, weir_json_find(r->doc, content, "type"), &r->x->arena), item_nothing,
        &result);

    WEIR_TRY(result);
    WEIR_TRY(verbatim_extra(r, content, &extra));
    return block_end(r, block, WEIR_BLOCK_OPAQUE, extra);
}

/* It would be kept as it is, and be something else where it is written: an item. */
static bool part_is_item(const weir_json *doc, uint32_t type)
{
    uint16_t kind = item_kind(weir_json_inner(doc, type));

    return kind == 0 || kind == WEIR_BLOCK_REASONING || kind == WEIR_BLOCK_TOOL_CALL;
}

static weir_result message_end(struct resp_reading *r, struct resp_item *item, uint32_t token)
{
    weir_result result = WEIR_OK;
    int64_t number = 0;

    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, token, "content"), content)
    {
        uint8_t what = content_what(r->doc, content);
        uint32_t type = weir_json_find(r->doc, content, "type");
        struct resp_part *part = what ? resp_part_find(r->d, item->index, number, what) : NULL;

        number++;
        if (!what && (!weir_json_is_string(r->doc, type) || weir_json_is(r->doc, type, "")))
            return resp_protocol(r, "a part of a message has no type");
        if (!what && part_is_item(r->doc, type))
            return resp_protocol(r, "a part of a message is an item of its own");
        if (!what)
            WEIR_TRY(content_verbatim(r, content));
        if (!what || (!part && number <= item->parts[0]))
            continue;
        if (!part)
            part = resp_part_begin(r, item, number - 1, what, &result);
        if (!part || result < 0)
            return result;
        WEIR_TRY(resp_text_end(r, part, content));
        if (r->d->failed)
            return WEIR_OK;
    }
    for (uint16_t i = 0; i < r->d->part_count; i++) {
        if (r->d->part[i].item == item->index)
            return resp_protocol(r, "a message is done, and a part of it is missing");
    }
    return WEIR_OK;
}

static weir_result verbatim_end(struct resp_reading *r, struct resp_item *item, uint32_t token)
{
    static const char *const owned[] = { "id", "encrypted_content", "container_id" };
    weir_str extra;

    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        WEIR_TRY(resp_owned(r, weir_json_find(r->doc, token, owned[i])));
    WEIR_TRY(verbatim_extra(r, token, &extra));
    return block_end(r, item->block, item->kind, extra);
}

/* -- Items ------------------------------------------------------------------------------------ */

static struct resp_item *item_begin(struct resp_reading *r, int64_t index, uint32_t token,
                                    weir_result *result)
{
    weir_str type = weir_json_str(r->doc, weir_json_find(r->doc, token, "type"), &r->x->arena);
    struct resp_decoder *d = r->d;
    struct resp_item *item;

    *result = WEIR_OK;
    if (!weir_json_is_object(r->doc, token) || !type.len)
        *result = resp_protocol(r, "an item of the answer has no type");
    else if (d->item_count == RESP_ITEMS)
        *result = resp_protocol(r, "the answer has more than 48 items at once");
    if (d->failed)
        return NULL;
    item = &d->item[d->item_count++];
    memset(item, 0, sizeof(*item));
    item->index = index;
    item->block = -1;
    item->kind = item_kind(type);
    d->items++;
    if (item->kind == WEIR_BLOCK_TOOL_CALL)
        *result = call_open(r, item, token);
    else if (item->kind == WEIR_BLOCK_SERVER_TOOL || item->kind == WEIR_BLOCK_OPAQUE)
        item->block = resp_block_open(r, item->kind, item_nothing, type, item_nothing, result);
    return item;
}

/* Whether a member of an item has a type that nobody can read. */
static bool item_is_wrong(const weir_json *doc, uint32_t item)
{
    static const char *const lists[] = { "content", "summary" };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        uint32_t list = weir_json_find(doc, item, lists[i]);

        if (weir_json_is_number(doc, list) || weir_json_is_bool(doc, list))
            return true;
        WEIR_JSON_EACH_ITEM(doc, list, part)
        {
            if (!weir_json_is_object(doc, part) ||
                !oai_is_or_null(doc, weir_json_find(doc, part, "text"), 1u << WEIR_JSON_STRING))
                return true;
        }
    }
    return !oai_is_or_null(doc, weir_json_find(doc, item, "arguments"),
                           1u << WEIR_JSON_STRING | 1u << WEIR_JSON_OBJECT);
}

/* What an item says at its end is of the kind that it began as. */
static bool item_has_turned(const struct resp_reading *r, const struct resp_item *item,
                            uint32_t token)
{
    weir_str type = weir_json_inner(r->doc, weir_json_find(r->doc, token, "type"));

    return !type.len || item_kind(type) != item->kind;
}

static weir_result item_end(struct resp_reading *r, struct resp_item *item, uint32_t token)
{
    struct resp_decoder *d = r->d;

    if (item_has_turned(r, item, token))
        return resp_protocol(r, "an item of the answer has another type than it began with");
    if (item_is_wrong(r->doc, token))
        return resp_protocol(r, "an item of the answer has a member of a wrong type");
    switch (item->kind) {
    case 0:
        WEIR_TRY(message_end(r, item, token));
        break;
    case WEIR_BLOCK_REASONING:
        WEIR_TRY(thought_end(r, item, token));
        break;
    case WEIR_BLOCK_TOOL_CALL:
        WEIR_TRY(call_end(r, item, token));
        break;
    default:
        WEIR_TRY(verbatim_end(r, item, token));
        break;
    }
    for (uint16_t i = d->part_count; i > 0; i--) {
        if (d->part[i - 1].item == item->index)
            resp_part_forget(d, &d->part[i - 1]);
    }
    *item = d->item[--d->item_count];
    return WEIR_OK;
}

weir_result resp_item_whole(struct resp_reading *r, uint32_t token)
{
    weir_result result;
    struct resp_item *item = item_begin(r, -1 - (int64_t)r->d->items, token, &result);

    return item && result >= 0 ? item_end(r, item, token) : result;
}

weir_result resp_item_added(struct resp_reading *r)
{
    uint32_t token = weir_json_find(r->doc, 0, "item");
    weir_result result;
    int64_t index;

    if (!weir_json_int64(r->doc, weir_json_find(r->doc, 0, "output_index"), &index) || index < 0)
        return resp_protocol(r, "an item was added without its output_index");
    if (item_at(r->d, index))
        return resp_protocol(r, "an item was added twice");
    if (index >= r->d->outputs && index < INT64_MAX)
        r->d->outputs = index + 1;
    item_begin(r, index, token, &result);
    return result;
}

weir_result resp_item_done(struct resp_reading *r)
{
    uint32_t token = weir_json_find(r->doc, 0, "item");
    struct resp_item *item = resp_item_find(r);
    int64_t index;

    if (!item && weir_json_int64(r->doc, weir_json_find(r->doc, 0, "output_index"), &index)) {
        if (index < r->d->outputs)
            return resp_protocol(r, "an item of the answer was done twice");
        r->d->outputs = index < INT64_MAX ? index + 1 : index;
    }
    if (!item)
        return resp_item_whole(r, token); /* some leave out that it was added */
    if (!weir_json_is_object(r->doc, token))
        return resp_protocol(r, "an item of the answer has no type");
    return item_end(r, item, token);
}

weir_result resp_items_end(struct resp_reading *r, uint32_t output)
{
    struct resp_decoder *d = r->d;

    WEIR_JSON_EACH_ITEM(r->doc, output, whole)
    {
        /* Told again: what has been read is right, but applications look here as well. */
        if (!weir_json_is_object(r->doc, whole) || item_is_wrong(r->doc, whole))
            return resp_protocol(r, "an item of the output has a member of a wrong type");
    }
    for (uint16_t i = d->item_count; i > 0 && !d->failed; i--) {
        struct resp_item *item = &d->item[i - 1];
        uint32_t token = item->index >= 0 && item->index < INT32_MAX
                             ? weir_json_item(r->doc, output, (uint32_t)item->index)
                             : WEIR_JSON_NONE;

        if (weir_json_find(r->doc, token, "type") != WEIR_JSON_NONE &&
            !item_has_turned(r, item, token))
            WEIR_TRY(item_end(r, item, token));
    }
    return WEIR_OK;
}

weir_result resp_close_all(struct resp_reading *r)
{
    struct resp_decoder *d = r->d;

    for (uint16_t i = 0; i < d->part_count; i++) {
        const struct resp_part *p = &d->part[i];
        uint16_t kind = p->what == RESP_REFUSAL ? WEIR_BLOCK_REFUSAL : WEIR_BLOCK_TEXT;

        if (p->block >= 0 && (p->what == RESP_TEXT || p->what == RESP_REFUSAL))
            WEIR_TRY(block_end(r, p->block, kind, item_nothing));
    }
    for (uint16_t i = 0; i < d->item_count; i++) {
        if (d->item[i].block >= 0)
            WEIR_TRY(block_end(r, d->item[i].block, d->item[i].kind, item_nothing));
    }
    if (d->audio)
        WEIR_TRY(block_end(r, d->audio - 1, WEIR_BLOCK_AUDIO, item_nothing));
    d->part_count = d->item_count = 0;
    d->audio = 0;
    return WEIR_OK;
}

/* -- Usage ------------------------------------------------------------------------------------ */

static int64_t usage_at(const weir_json *doc, uint32_t usage, const char *path)
{
    int64_t n = -1;

    weir_json_int64(doc, weir_json_path(doc, usage, path), &n);
    return weir_usage_count(n);
}

bool resp_usage_read(const weir_json *doc, uint32_t usage, weir_usage *out)
{
    weir_usage u = weir_usage_unknown();

    u.input_total = usage_at(doc, usage, "input_tokens");
    u.output_total = usage_at(doc, usage, "output_tokens");
    if (u.input_total < 0 && u.output_total < 0)
        return oai_usage_read(doc, usage, out); /* in the words of Chat Completions */
    u.input_cache_read = usage_at(doc, usage, "input_tokens_details.cached_tokens");
    u.input_cache_write = usage_at(doc, usage, "input_tokens_details.cache_write_tokens");
    u.input_audio = usage_at(doc, usage, "input_tokens_details.audio_tokens");
    u.input_image = usage_at(doc, usage, "input_tokens_details.image_tokens");
    u.output_reasoning = usage_at(doc, usage, "output_tokens_details.reasoning_tokens");
    u.output_audio = usage_at(doc, usage, "output_tokens_details.audio_tokens");
    u.output_image = usage_at(doc, usage, "output_tokens_details.image_tokens");
    if (u.input_total >= 0) {
        int64_t cached = (u.input_cache_read > 0 ? u.input_cache_read : 0) +
                         (u.input_cache_write > 0 ? u.input_cache_write : 0);

        if (cached <= u.input_total)
            u.input_uncached = u.input_total - cached;
        else
            u.input_cache_read = u.input_cache_write = -1;
    }
    if (u.output_total >= 0 && u.output_reasoning >= 0 && u.output_reasoning <= u.output_total)
        u.output_text = u.output_total - u.output_reasoning;
    *out = u;
    return true;
}
