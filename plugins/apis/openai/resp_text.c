/*
 * resp_text.c - texts that come in pieces and are told again when they are whole: both must be the
 * same. Of the pieces a hash is kept.
 */
#include "responses.h"

#include <weir/sdk/sink.h>

static const weir_str text_nothing = { "", 0 };

static void text_hash(struct resp_part *part, weir_text text)
{
    struct weir_text_cursor c = weir_text_open(text);

    for (;;) {
        weir_str piece = weir_text_piece(&c);

        if (!piece.len)
            return;
        for (size_t i = 0; i < piece.len; i++)
            part->hash = (part->hash ^ (unsigned char)piece.ptr[i]) * UINT64_C(1099511628211);
        part->len += piece.len;
    }
}

static uint16_t text_kind(uint8_t what)
{
    switch (what) {
    case RESP_TEXT:
        return WEIR_BLOCK_TEXT;
    case RESP_REFUSAL:
        return WEIR_BLOCK_REFUSAL;
    case RESP_ARGUMENTS:
        return WEIR_BLOCK_TOOL_CALL;
    default:
        return WEIR_BLOCK_REASONING;
    }
}

/* How far the parts of that list have come. */
static int64_t *text_parts(struct resp_item *item, uint8_t what)
{
    return &item->parts[what == RESP_SUMMARY];
}

struct resp_part *resp_part_find(struct resp_decoder *d, int64_t item, int64_t number, uint8_t what)
{
    for (uint16_t i = 0; i < d->part_count; i++) {
        struct resp_part *p = &d->part[i];

        if (p->item == item && p->number == number && p->what == what)
            return p;
    }
    return NULL;
}

void resp_part_forget(struct resp_decoder *d, struct resp_part *part)
{
    *part = d->part[--d->part_count];
}

struct resp_part *resp_part_begin(struct resp_reading *r, struct resp_item *item, int64_t number,
                                  uint8_t what, weir_result *result)
{
    struct resp_decoder *d = r->d;
    uint32_t id = weir_json_find(r->doc, 0, "item_id");
    bool message = item->kind == 0 && (what == RESP_TEXT || what == RESP_REFUSAL);
    struct resp_part *part;

    if (d->part_count == RESP_PARTS) {
        *result = resp_protocol(r, "the answer has more than 64 texts at once");
        return NULL;
    }
    part = &d->part[d->part_count++];
    memset(part, 0, sizeof(*part));
    part->item = item->index;
    part->number = number;
    part->what = what;
    part->block = -1;
    if (message)
        part->block =
            resp_block_open(r, text_kind(what), text_nothing, text_nothing, text_nothing, result);
    else if (item->kind == WEIR_BLOCK_REASONING && (what == RESP_REASONING || what == RESP_SUMMARY))
        *result = resp_thought_open(r, item, id);
    if (item->kind == text_kind(what))
        part->block = item->block;
    if (*text_parts(item, what) <= number)
        *text_parts(item, what) = number + 1;
    return part;
}

static weir_result text_emit(struct resp_reading *r, struct resp_part *part, weir_text text,
                             weir_str extra)
{
    text_hash(part, text);
    if (part->block < 0 || (!text.len && !extra.len))
        return WEIR_OK;
    return weir_emit_delta(r->out, 0, part->block, text_kind(part->what), text, extra);
}

/* Which part an event is about. False: told as a fault. */
static bool text_place(struct resp_reading *r, const char *index, struct resp_item **item,
                       int64_t *number, weir_result *result)
{
    *number = 0;
    *item = resp_item_find(r);
    if (!*item) {
        *result = resp_protocol(r, "an event is about an item that is not there");
        return false;
    }
    if (!index)
        return true;
    if (weir_json_int64(r->doc, weir_json_find(r->doc, 0, index), number) && *number >= 0 &&
        *number < INT32_MAX)
        return true;
    *result = resp_protocol(r, "an event does not say which part it is about");
    return false;
}

/* Log probabilities in the form of Chat Completions. */
static weir_result text_logprobs(struct resp_reading *r, weir_str *extra)
{
    uint32_t list = weir_json_find(r->doc, 0, "logprobs");
    weir_writer w;

    *extra = text_nothing;
    if (!weir_json_is_array(r->doc, list) || !weir_json_count(r->doc, list))
        return WEIR_OK;
    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, list).len + 32);
    weir_write_key(&w, "logprobs");
    weir_write_begin_object(&w);
    weir_write_key(&w, "content");
    weir_write_value(&w, r->doc, list);
    weir_write_end_object(&w);
    return weir_writer_finish(&w, extra);
}

weir_result resp_text_delta(struct resp_reading *r, uint8_t what, const char *index)
{
    uint32_t delta = weir_json_find(r->doc, 0, "delta");
    weir_result result = WEIR_OK;
    struct resp_item *item;
    struct resp_part *part;
    int64_t number;
    weir_str extra = text_nothing;

    if (!text_place(r, index, &item, &number, &result))
        return result;
    if (!weir_json_is_string(r->doc, delta))
        return resp_protocol(r, "a delta is not a string");
    part = resp_part_find(r->d, item->index, number, what);
    if (!part && number < *text_parts(item, what))
        return resp_protocol(r, "a delta came after its part was done");
    if (!part)
        part = resp_part_begin(r, item, number, what, &result);
    if (!part || result < 0)
        return result;
    if (what == RESP_TEXT)
        WEIR_TRY(text_logprobs(r, &extra));
    return text_emit(r, part, weir_json_text(r->doc, delta), extra);
}

weir_result resp_text_whole(struct resp_reading *r, struct resp_part *part, uint32_t whole)
{
    weir_text text = weir_json_text(r->doc, whole);
    struct resp_part same;

    if (!part->len)
        return text_emit(r, part, text, text_nothing);
    memset(&same, 0, sizeof(same));
    text_hash(&same, text);
    if (same.len != part->len || same.hash != part->hash)
        return resp_protocol(r, "a text is not what its deltas were");
    return WEIR_OK;
}

weir_result resp_text_done(struct resp_reading *r, uint8_t what, const char *index,
                           const char *member)
{
    uint32_t whole = weir_json_find(r->doc, 0, member);
    weir_result result = WEIR_OK;
    struct resp_item *item;
    struct resp_part *part;
    int64_t number;

    if (!text_place(r, index, &item, &number, &result))
        return result;
    part = resp_part_find(r->d, item->index, number, what);
    if (!weir_json_is_string(r->doc, whole))
        return WEIR_OK; /* it is told again with its item */
    if (!part && number < *text_parts(item, what))
        return resp_protocol(r, "a part was done twice");
    if (!part)
        part = resp_part_begin(r, item, number, what, &result);
    return part && result >= 0 ? resp_text_whole(r, part, whole) : result;
}

/* -- Annotations ------------------------------------------------------------------------------ */

/* One annotation in the form of Chat Completions. */
void resp_write_annotation(weir_writer *w, const weir_json *doc, uint32_t annotation)
{
    if (!weir_json_is(doc, weir_json_find(doc, annotation, "type"), "url_citation")) {
        weir_write_value(w, doc, annotation);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "url_citation");
    weir_write_key(w, "url_citation");
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, annotation, key, value)
    {
        if (weir_json_is(doc, key, "type"))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
}

static weir_result annotation_emit(struct resp_reading *r, struct resp_part *part,
                                   uint32_t annotation)
{
    weir_writer w;
    weir_str extra;

    part->annotated++;
    WEIR_TRY(resp_owned(r, weir_json_find(r->doc, annotation, "file_id")));
    WEIR_TRY(resp_owned(r, weir_json_find(r->doc, annotation, "container_id")));
    weir_writer_init(&w, &r->x->arena, 0);
    weir_write_key(&w, "annotations");
    weir_write_begin_array(&w);
    resp_write_annotation(&w, r->doc, annotation);
    weir_write_end_array(&w);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    return text_emit(r, part, weir_text_from(text_nothing), extra);
}

weir_result resp_annotation(struct resp_reading *r)
{
    uint32_t annotation = weir_json_find(r->doc, 0, "annotation");
    weir_result result = WEIR_OK;
    struct resp_item *item;
    struct resp_part *part;
    int64_t number;

    if (!text_place(r, "content_index", &item, &number, &result))
        return result;
    part = resp_part_find(r->d, item->index, number, RESP_TEXT);
    if (!part && number < *text_parts(item, RESP_TEXT))
        return resp_protocol(r, "an annotation came after its part was done");
    if (!part)
        part = resp_part_begin(r, item, number, RESP_TEXT, &result);
    return part && result >= 0 ? annotation_emit(r, part, annotation) : result;
}

/* -- Parts ------------------------------------------------------------------------------------ */

/* What a part of an item is; 0: something else. */
static uint8_t part_what(const weir_json *doc, uint32_t part)
{
    static const struct {
        const char *type;
        uint8_t what;
    } table[] = { { "output_text", RESP_TEXT },
                  { "refusal", RESP_REFUSAL },
                  { "reasoning_text", RESP_REASONING },
                  { "summary_text", RESP_SUMMARY } };
    uint32_t type = weir_json_find(doc, part, "type");

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_json_is(doc, type, table[i].type))
            return table[i].what;
    }
    return 0;
}

static uint32_t part_text(const weir_json *doc, uint32_t part, uint8_t what)
{
    return weir_json_find(doc, part, what == RESP_REFUSAL ? "refusal" : "text");
}

weir_result resp_part_added(struct resp_reading *r, const char *index)
{
    uint32_t part = weir_json_find(r->doc, 0, "part");
    uint8_t what = part_what(r->doc, part);
    weir_result result = WEIR_OK;
    struct resp_part *begun;
    struct resp_item *item;
    int64_t number;

    if (!text_place(r, index, &item, &number, &result))
        return result;
    if (!what || resp_part_find(r->d, item->index, number, what))
        return WEIR_OK;
    begun = resp_part_begin(r, item, number, what, &result);
    if (!begun || result < 0)
        return result;
    return text_emit(r, begun, weir_json_text(r->doc, part_text(r->doc, part, what)), text_nothing);
}

weir_result resp_text_end(struct resp_reading *r, struct resp_part *part, uint32_t content)
{
    uint16_t known = part->annotated, n = 0, kind = text_kind(part->what);
    int32_t block = part->block;
    bool message = part->what == RESP_TEXT || part->what == RESP_REFUSAL;

    WEIR_TRY(resp_text_whole(r, part, part_text(r->doc, content, part->what)));
    if (r->d->failed)
        return WEIR_OK;
    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, content, "annotations"), annotation)
    {
        if (n++ >= known) /* not told one by one */
            WEIR_TRY(annotation_emit(r, part, annotation));
    }
    resp_part_forget(r->d, part);
    return message && block >= 0 ? weir_emit_block_end(r->out, 0, block, kind) : WEIR_OK;
}

weir_result resp_part_done(struct resp_reading *r, const char *index)
{
    uint32_t content = weir_json_find(r->doc, 0, "part");
    uint8_t what = part_what(r->doc, content);
    weir_result result = WEIR_OK;
    struct resp_part *part;
    struct resp_item *item;
    int64_t number;

    if (!text_place(r, index, &item, &number, &result))
        return result;
    if (!what)
        return WEIR_OK; /* it is told again with its item */
    part = resp_part_find(r->d, item->index, number, what);
    if (!part && number < *text_parts(item, what))
        return resp_protocol(r, "a part was done twice");
    if (!part)
        part = resp_part_begin(r, item, number, what, &result);
    return part && result >= 0 ? resp_text_end(r, part, content) : result;
}
