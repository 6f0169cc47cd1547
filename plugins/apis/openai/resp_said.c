/*
 * resp_said.c - what an assistant said, as items of `input`.
 *
 * There is an item for each block: runs of text and refusals share a message, pieces of reasoning
 * with one item_id are one item. vendor.openai_responses holds what an item had beside; its member
 * `item`, on a block, belongs to the item that the block begins.
 */
#include "responses.h"

#include <weir/sdk/blocks.h>
#include <weir/sdk/vendor.h>

/* vendor.openai_responses.item of a block: members of the item it begins. */
static uint32_t said_item(const struct resp_encode *r, const weir_message_block *b)
{
    return weir_json_find(r->doc, resp_vendor(r->doc, b->token), "item");
}

static void said_item_members(struct resp_encode *r, uint32_t item)
{
    if (weir_json_is_object(r->doc, item))
        weir_write_members(r->w, weir_json_inner(r->doc, item));
}

static void said_message_open(struct resp_encode *r, const weir_message_block *b)
{
    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, "message");
    weir_write_key(r->w, "role");
    weir_write_literal(r->w, "assistant");
    resp_merge(r->w, r->doc, r->message);
    said_item_members(r, said_item(r, b));
    weir_write_key(r->w, "content");
    weir_write_begin_array(r->w);
}

static void said_message_close(struct resp_encode *r)
{
    weir_write_end_array(r->w);
    weir_write_end_object(r->w);
}

/* Annotations: Chat Completions has the members of one under its type. */
static void said_annotations(struct resp_encode *r, uint32_t list)
{
    const weir_json *doc = r->doc;

    weir_write_key(r->w, "annotations");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        resp_write_flat(r->w, doc, item);
    }
    weir_write_end_array(r->w);
}

static void said_text(struct resp_encode *r, const weir_message_block *b)
{
    bool refusal = b->kind == WEIR_BLOCK_REFUSAL;
    uint32_t annotations = weir_json_find(r->doc, b->token, "annotations");

    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, refusal ? "refusal" : "output_text");
    weir_write_key(r->w, refusal ? "refusal" : "text");
    weir_write_text(r->w, b->text);
    if (weir_json_is_array(r->doc, annotations))
        said_annotations(r, annotations);
    resp_merge(r->w, r->doc, b->token);
    weir_write_end_object(r->w);
}

static weir_result said_call(struct resp_encode *r, const weir_message_block *b)
{
    uint32_t id = weir_json_find(r->doc, b->token, "item_id");

    weir_write_begin_object(r->w);
    weir_write_key(r->w, "type");
    weir_write_literal(r->w, b->custom ? "custom_tool_call" : "function_call");
    if (weir_json_is_string(r->doc, id) && !r->x->foreign) {
        weir_write_key(r->w, "id");
        weir_write_value(r->w, r->doc, id);
    }
    weir_write_key(r->w, "call_id");
    weir_write_text(r->w, b->id);
    weir_write_key(r->w, "name");
    weir_write_text(r->w, b->name);
    weir_write_key(r->w, b->custom ? "input" : "arguments");
    weir_write_text(r->w, b->text);
    resp_merge(r->w, r->doc, b->token);
    said_item_members(r, said_item(r, b));
    weir_write_end_object(r->w);
    if (weir_json_is_string(r->doc, id) && r->x->foreign)
        return resp_input_dropped(r, "content", "the id of a call at another provider");
    return WEIR_OK;
}

/* Whether two pieces of reasoning are of one item. */
static bool said_same_item(const struct resp_encode *r, const weir_message_block *a,
                           const weir_message_block *b)
{
    uint32_t first = weir_json_find(r->doc, a->token, "item_id");
    uint32_t second = weir_json_find(r->doc, b->token, "item_id");

    return b->kind == WEIR_BLOCK_REASONING && weir_json_is_string(r->doc, first) &&
           weir_json_is_string(r->doc, second) &&
           weir_text_equal(weir_json_text(r->doc, first), weir_json_text(r->doc, second)) &&
           !weir_json_is_object(r->doc, said_item(r, b));
}

/* One of the two lists of texts that a reasoning item has. */
static void said_thoughts(struct resp_encode *r, weir_blocks blocks, const weir_message_block *from,
                          const char *key, bool content)
{
    weir_message_block b = *from;
    bool any = !content;
    uint32_t parts = 0;

    do {
        bool full = weir_json_is(
            r->doc, weir_json_find(r->doc, resp_vendor(r->doc, b.token), "type"), "reasoning_text");

        if (full != content || !b.text.len)
            continue;
        if (!parts++) {
            weir_write_key(r->w, key);
            weir_write_begin_array(r->w);
        }
        weir_write_begin_object(r->w);
        weir_write_key(r->w, "type");
        weir_write_literal(r->w, content ? "reasoning_text" : "summary_text");
        weir_write_key(r->w, "text");
        weir_write_text(r->w, b.text);
        weir_write_end_object(r->w);
    } while (weir_blocks_next(&blocks, &b) && said_same_item(r, from, &b));
    if (parts) {
        weir_write_end_array(r->w);
    } else if (any) {
        weir_write_key(r->w, key);
        weir_write_begin_array(r->w);
        weir_write_end_array(r->w);
    }
}

/* Reasoning is of use only to who can decipher it, or finds it by its id; or, in the open, to a
 * vendor of this API. */
static weir_result said_reasoning(struct resp_encode *r, weir_blocks *blocks,
                                  const weir_message_block *first)
{
    const weir_json *doc = r->doc;
    uint32_t id = weir_json_find(doc, first->token, "item_id");
    uint32_t cipher = weir_json_find(doc, first->token, "encrypted_content");
    bool known = weir_json_is_string(doc, id) || weir_json_is_string(doc, cipher) ||
                 weir_json_is_object(doc, resp_vendor(doc, first->token));
    weir_blocks ahead = *blocks;
    weir_message_block b;

    if (known && !r->x->foreign) {
        weir_write_begin_object(r->w);
        weir_write_key(r->w, "type");
        weir_write_literal(r->w, "reasoning");
        if (weir_json_is_string(doc, id)) {
            weir_write_key(r->w, "id");
            weir_write_value(r->w, doc, id);
        }
        said_thoughts(r, *blocks, first, "summary", false);
        said_thoughts(r, *blocks, first, "content", true);
        if (weir_json_is_string(doc, cipher)) {
            weir_write_key(r->w, "encrypted_content");
            weir_write_value(r->w, doc, cipher);
        }
        said_item_members(r, said_item(r, first));
        weir_write_end_object(r->w);
    }
    while (weir_blocks_next(&ahead, &b) && said_same_item(r, first, &b))
        *blocks = ahead;
    if (known && !r->x->foreign)
        return WEIR_OK;
    return resp_input_dropped(r, "content", "earlier reasoning of another provider");
}

static weir_result said_verbatim(struct resp_encode *r, const weir_message_block *b)
{
    uint32_t block = weir_json_find(r->doc, b->token, "block");

    if (!weir_json_is(r->doc, weir_json_find(r->doc, b->token, "api"), RESP_API) ||
        !weir_json_is_object(r->doc, block))
        return resp_input_foreign(r, b->token);
    if (r->x->foreign)
        return resp_input_dropped(r, "content", "an item of another provider");
    weir_write_value(r->w, r->doc, block);
    return WEIR_OK;
}

static weir_result said_block(struct resp_encode *r, weir_blocks *blocks,
                              const weir_message_block *b)
{
    switch (b->kind) {
    case WEIR_BLOCK_TOOL_CALL:
        r->custom |= b->custom;
        return said_call(r, b);
    case WEIR_BLOCK_REASONING:
        return said_reasoning(r, blocks, b);
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        return said_verbatim(r, b);
    default:
        return resp_input_dropped(r, "content",
                                  "the Responses API has no such blocks in an answer");
    }
}

/* The old spelling of a call has no id: its result names the function, and so does the call. */
static weir_result said_legacy_call(struct resp_encode *r)
{
    uint32_t function = weir_json_find(r->doc, r->message, "function_call");
    weir_message_block b;

    if (!weir_json_is_object(r->doc, function))
        return WEIR_OK;
    weir_block_read_call(r->doc, function, &b);
    b.id = b.name;
    return said_call(r, &b);
}

weir_result resp_write_said(struct resp_encode *r)
{
    weir_blocks blocks = weir_blocks_of(r->doc, r->message);
    weir_message_block b;
    bool open = false;

    while (weir_blocks_next(&blocks, &b)) {
        bool text = b.kind == WEIR_BLOCK_TEXT || b.kind == WEIR_BLOCK_REFUSAL;

        if (open && (!text || weir_json_is_object(r->doc, said_item(r, &b)))) {
            said_message_close(r);
            open = false;
        }
        if (!text) {
            WEIR_TRY(said_block(r, &blocks, &b));
            continue;
        }
        if (!open)
            said_message_open(r, &b);
        open = true;
        said_text(r, &b);
    }
    if (open)
        said_message_close(r);
    return said_legacy_call(r);
}
