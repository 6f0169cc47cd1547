/*
 * blocks.h - walks a canonical message as blocks, whichever way it is written.
 *
 *     weir_blocks blocks = weir_blocks_of(doc, message);
 *     weir_message_block b;
 *     while (weir_blocks_next(&blocks, &b)) ...
 *
 * The plain form keeps text in `content` (a string or a list of parts), reasoning in
 * `reasoning_content`, a refusal in `refusal` and calls in `tool_calls`; it is read as reasoning,
 * content, refusal, calls. The ordered form has all of them in `content`, in the order in which
 * they were made. See canonical.md.
 */
#ifndef WEIR_SDK_BLOCKS_H
#define WEIR_SDK_BLOCKS_H

#include <weir/event.h>
#include <weir/sdk/json.h>

/* One block. What does not apply is empty. */
typedef struct weir_message_block {
    uint16_t kind;   /* WEIR_BLOCK_*; 0: a kind this header does not know, see `token` */
    uint16_t custom; /* tool calls: 1 if `text` is not JSON but free text */
    uint32_t token;  /* the part, the tool call, or the string */
    weir_text text;  /* tool calls: the arguments, JSON inside a string */
    weir_text id;    /* tool calls */
    weir_text name;  /* tool calls */
    uint32_t media;  /* image, audio, document: the value that describes it; else NONE */
    uint32_t zero2;
} weir_message_block;

typedef struct weir_blocks {
    const weir_json *doc;
    uint32_t message;
    uint32_t list; /* that `item` is in */
    uint32_t item; /* the next one; WEIR_JSON_NONE: the list is at its end */
    uint32_t step; /* which member of the message is read */
} weir_blocks;

static inline weir_blocks weir_blocks_of(const weir_json *doc, uint32_t message)
{
    weir_blocks b;

    memset(&b, 0, sizeof(b));
    b.doc = doc;
    b.message = message;
    b.item = WEIR_JSON_NONE;
    return b;
}

static inline void weir_block_clear(weir_message_block *b, uint16_t kind, uint32_t token)
{
    memset(b, 0, sizeof(*b));
    b->kind = kind;
    b->token = token;
    b->media = WEIR_JSON_NONE;
}

/* The kind of a part by its `type`. OpenAI's own names and those of blocks. */
static inline uint16_t weir_block_kind(const weir_json *doc, uint32_t type)
{
    static const struct {
        const char *name;
        uint16_t kind;
    } more[] = { { "input_text", WEIR_BLOCK_TEXT },
                 { "output_text", WEIR_BLOCK_TEXT },
                 { "image_url", WEIR_BLOCK_IMAGE },
                 { "input_audio", WEIR_BLOCK_AUDIO },
                 { "thinking", WEIR_BLOCK_REASONING } };

#define WEIR_BLOCK_NAMED(id, number, name_) \
    if (weir_json_is(doc, type, name_))     \
        return number;
    WEIR_BLOCK_KINDS(WEIR_BLOCK_NAMED)
#undef WEIR_BLOCK_NAMED
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (weir_json_is(doc, type, more[i].name))
            return more[i].kind;
    }
    return 0;
}

static inline weir_text weir_block_member(const weir_json *doc, uint32_t object, const char *name)
{
    return weir_json_text(doc, weir_json_find(doc, object, name));
}

/* A tool call: {id, function: {name, arguments}}, {id, custom: {name, input}}, or {id, name,
 * arguments, custom} as an ordered block. */
static inline void weir_block_read_call(const weir_json *doc, uint32_t call, weir_message_block *b)
{
    uint32_t function = weir_json_find(doc, call, "function");
    uint32_t custom = weir_json_find(doc, call, "custom");
    bool free_text = weir_json_is_object(doc, custom);
    uint32_t at = free_text ? custom : weir_json_is_object(doc, function) ? function : call;
    uint32_t arguments = weir_json_find(doc, at, free_text ? "input" : "arguments");

    weir_block_clear(b, WEIR_BLOCK_TOOL_CALL, call);
    weir_json_bool(doc, custom, &free_text);
    b->custom = free_text;
    b->id = weir_block_member(doc, call, "id");
    b->name = weir_block_member(doc, at, "name");
    b->text = weir_json_is_object(doc, arguments) ? weir_text_from(weir_json_raw(doc, arguments))
                                                  : weir_json_text(doc, arguments);
}

static inline void weir_block_read_part(const weir_json *doc, uint32_t part, weir_message_block *b)
{
    uint32_t type = weir_json_find(doc, part, "type");
    uint16_t kind =
        weir_json_is_string(doc, part) ? (uint16_t)WEIR_BLOCK_TEXT : weir_block_kind(doc, type);

    if (kind == WEIR_BLOCK_TOOL_CALL) {
        weir_block_read_call(doc, part, b);
        return;
    }
    weir_block_clear(b, kind, part);
    if (weir_json_is_string(doc, part))
        b->text = weir_json_text(doc, part);
    else if (kind == WEIR_BLOCK_REFUSAL)
        b->text = weir_block_member(doc, part, "refusal");
    else
        b->text = weir_block_member(doc, part, "text");
    if (kind == WEIR_BLOCK_IMAGE || kind == WEIR_BLOCK_AUDIO || kind == 0)
        b->media = weir_json_find(doc, part,
                                  weir_json_is(doc, type, "image_url")     ? "image_url"
                                  : weir_json_is(doc, type, "input_audio") ? "input_audio"
                                  : weir_json_is(doc, type, "file")        ? "file"
                                                                           : "source");
}

/* A message member that is a string: one block if it says anything. */
static inline bool weir_blocks_string(weir_blocks *i, const char *name, uint16_t kind,
                                      weir_message_block *b)
{
    uint32_t value = weir_json_find(i->doc, i->message, name);

    if (!weir_json_is_string(i->doc, value) || i->doc->tok[value].len == 0)
        return false;
    weir_block_clear(b, kind, value);
    b->text = weir_json_text(i->doc, value);
    return true;
}

/* Enters the list that a message member is. */
static inline void weir_blocks_enter(weir_blocks *i, const char *name)
{
    i->list = weir_json_find(i->doc, i->message, name);
    i->item = weir_json_first_item(i->doc, i->list);
}

/* The next block, or false. */
static inline bool weir_blocks_next(weir_blocks *i, weir_message_block *b)
{
    for (;;) {
        if (i->item != WEIR_JSON_NONE) {
            if (i->step == 4)
                weir_block_read_call(i->doc, i->item, b);
            else
                weir_block_read_part(i->doc, i->item, b);
            i->item = weir_json_next(i->doc, i->list, i->item);
            return true;
        }
        switch (i->step++) {
        case 0:
            if (weir_blocks_string(i, "reasoning_content", WEIR_BLOCK_REASONING, b))
                return true;
            break;
        case 1:
            if (weir_blocks_string(i, "content", WEIR_BLOCK_TEXT, b))
                return true;
            weir_blocks_enter(i, "content");
            break;
        case 2:
            if (weir_blocks_string(i, "refusal", WEIR_BLOCK_REFUSAL, b))
                return true;
            break;
        case 3:
            weir_blocks_enter(i, "tool_calls");
            break;
        default:
            return false;
        }
    }
}

#endif
