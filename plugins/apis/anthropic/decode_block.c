/*
 * decode_block.c - blocks of the content.
 *
 * text, thinking, redacted_thinking and tool_use have kinds of their own. What a server tool calls
 * or brings, and every block that is not known here, is handed on as it is, in the end of a block.
 */
#include "decode.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static const weir_str nothing = { "", 0 };

/* The number of the open block. */
static int32_t block_number(const struct ant_reading *r)
{
    return r->d->next - 1;
}

static weir_result block_emit_start(struct ant_reading *r, uint16_t kind, weir_str id,
                                    weir_str name, weir_str extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_START);

    e.block = block_number(r);
    e.kind = kind;
    e.id = id;
    e.name = name;
    e.extra = extra;
    return r->out->emit(r->out->ctx, &e);
}

static weir_result block_emit_end(struct ant_reading *r, uint16_t kind, weir_str extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_END);

    e.block = block_number(r);
    e.kind = kind;
    e.extra = extra;
    r->d->open = ANT_OPEN_ENDED;
    return r->out->emit(r->out->ctx, &e);
}

static weir_result block_emit_text(struct ant_reading *r, uint16_t kind, uint32_t value)
{
    weir_text text = weir_json_text(r->doc, value);

    if (value != WEIR_JSON_NONE && !weir_json_is_null(r->doc, value) &&
        !weir_json_is_string(r->doc, value))
        return ant_emit_protocol(r->d, "the text of the answer is not a string", r->out);
    return text.len ? weir_emit_delta(r->out, 0, block_number(r), kind, text, nothing) : WEIR_OK;
}

/* -- Owned state ------------------------------------------------------------------------------ */

weir_result ant_owned_string(struct ant_reading *r, uint32_t string)
{
    weir_event e = weir_event_make(WEIR_EVENT_OWNED);

    e.text = weir_json_text(r->doc, string);
    return e.text.len ? r->out->emit(r->out->ctx, &e) : WEIR_OK;
}

weir_result ant_owned_emit(struct ant_reading *r, uint32_t value)
{
    static const char *const keys[] = { "file_id", "encrypted_content", "encrypted_index",
                                        "encrypted_stdout", "signature" };
    const weir_json *doc = r->doc;

    for (uint32_t i = value; i < doc->tok[value].next; i++) {
        if (!(doc->tok[i].flags & WEIR_TOKEN_KEY))
            continue;
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            if (weir_json_is(doc, i, keys[k]))
                WEIR_TRY(ant_owned_string(r, i + 1));
        }
    }
    return WEIR_OK;
}

/* -- Text ------------------------------------------------------------------------------------- */

/* A source that OpenAI has a form for: one with an address. */
static void block_write_annotation(weir_writer *w, const weir_json *doc, uint32_t citation)
{
    uint32_t url = weir_json_find(doc, citation, "url");
    uint32_t title = weir_json_find(doc, citation, "title");

    if (!weir_json_is_string(doc, url))
        return;
    weir_write_key(w, "annotations");
    weir_write_begin_array(w);
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "url_citation");
    weir_write_key(w, "url_citation");
    weir_write_begin_object(w);
    weir_write_key(w, "url");
    weir_write_value(w, doc, url);
    if (weir_json_is_string(doc, title)) {
        weir_write_key(w, "title");
        weir_write_value(w, doc, title);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
    weir_write_end_array(w);
}

static weir_result block_citation(struct ant_reading *r, uint32_t citation)
{
    weir_str extra;
    weir_writer w;

    if (!weir_json_is_object(r->doc, citation))
        return WEIR_OK;
    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, citation).len + 256);
    block_write_annotation(&w, r->doc, citation);
    weir_write_key(&w, "citations");
    weir_write_begin_array(&w);
    weir_write_value(&w, r->doc, citation);
    weir_write_end_array(&w);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    WEIR_TRY(ant_owned_emit(r, citation));
    return weir_emit_delta(r->out, 0, block_number(r), WEIR_BLOCK_TEXT, weir_text_from(nothing),
                           extra);
}

static weir_result begin_text(struct ant_reading *r, uint32_t block)
{
    r->d->open = ANT_OPEN_TEXT;
    WEIR_TRY(block_emit_start(r, WEIR_BLOCK_TEXT, nothing, nothing, nothing));
    WEIR_TRY(block_emit_text(r, WEIR_BLOCK_TEXT, weir_json_find(r->doc, block, "text")));
    if (r->d->failed)
        return WEIR_OK;
    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, block, "citations"), citation)
    {
        WEIR_TRY(block_citation(r, citation));
    }
    return WEIR_OK;
}

/* -- Thinking --------------------------------------------------------------------------------- */

/* The signature is the last that comes of a block: with it, the block is told. */
static weir_result block_signature(struct ant_reading *r, uint32_t signature)
{
    weir_str extra;
    weir_writer w;

    if (!weir_json_text(r->doc, signature).len)
        return WEIR_OK;
    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, signature).len + 16);
    weir_write_key(&w, "signature");
    weir_write_value(&w, r->doc, signature);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    WEIR_TRY(ant_owned_string(r, signature));
    return block_emit_end(r, WEIR_BLOCK_REASONING, extra);
}

static weir_result begin_thinking(struct ant_reading *r, uint32_t block)
{
    r->d->open = ANT_OPEN_THINKING;
    WEIR_TRY(block_emit_start(r, WEIR_BLOCK_REASONING, nothing, nothing, nothing));
    WEIR_TRY(block_emit_text(r, WEIR_BLOCK_REASONING, weir_json_find(r->doc, block, "thinking")));
    return r->d->failed ? WEIR_OK : block_signature(r, weir_json_find(r->doc, block, "signature"));
}

static weir_result begin_redacted(struct ant_reading *r, uint32_t block)
{
    uint32_t data = weir_json_find(r->doc, block, "data");
    weir_str extra;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, data).len + 24);
    if (weir_json_is_string(r->doc, data)) {
        weir_write_key(&w, "redacted_data");
        weir_write_value(&w, r->doc, data);
    }
    WEIR_TRY(weir_writer_finish(&w, &extra));
    WEIR_TRY(block_emit_start(r, WEIR_BLOCK_REASONING, nothing, nothing, nothing));
    WEIR_TRY(ant_owned_string(r, data));
    return block_emit_end(r, WEIR_BLOCK_REASONING, extra);
}

/* -- Calls of the application's tools --------------------------------------------------------- */

/* Members of a call that have no event, but for the caller that every call has by default. */
static weir_result call_extra(struct ant_reading *r, uint32_t block, weir_str *extra)
{
    static const char *const known[] = { "type", "id", "name", "input" };
    const weir_json *doc = r->doc;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    WEIR_JSON_EACH_MEMBER(doc, block, key, value)
    {
        bool skip = weir_json_is_null(doc, value) ||
                    (weir_json_is(doc, key, "caller") &&
                     weir_json_is(doc, weir_json_find(doc, value, "type"), "direct"));

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            skip = skip || weir_json_is(doc, key, known[i]);
        if (skip)
            continue;
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_value(&w, doc, value);
    }
    return weir_writer_finish(&w, extra);
}

static weir_result call_fragment(struct ant_reading *r, weir_text text)
{
    uint16_t kind = r->d->open == ANT_OPEN_ANSWER ? WEIR_BLOCK_TEXT : WEIR_BLOCK_TOOL_CALL;

    if (!text.len)
        return WEIR_OK;
    weir_json_check_text(&r->d->input, text);
    return weir_emit_delta(r->out, 0, block_number(r), kind, text, nothing);
}

/* A call that was made up to get an answer in a schema: its input is the answer. */
static weir_result begin_answer(struct ant_reading *r)
{
    r->d->open = ANT_OPEN_ANSWER;
    r->d->answered = 1;
    return block_emit_start(r, WEIR_BLOCK_TEXT, nothing, nothing, nothing);
}

static weir_result end_call(struct ant_reading *r, uint16_t kind)
{
    if (!weir_json_check_any(&r->d->input))
        WEIR_TRY(call_fragment(r, weir_text_from(WEIR_S("{}"))));
    r->d->incomplete = !weir_json_check_object(&r->d->input);
    return block_emit_end(r, kind, nothing);
}

static weir_result begin_call(struct ant_reading *r, uint32_t block)
{
    const weir_json *doc = r->doc;
    uint32_t id = weir_json_find(doc, block, "id");
    uint32_t name = weir_json_find(doc, block, "name");
    uint32_t input = weir_json_find(doc, block, "input");
    weir_str extra;

    if (!weir_json_text(doc, id).len || !weir_json_text(doc, name).len)
        return ant_emit_protocol(r->d, "a tool call came without an id or a name", r->out);
    if (input != WEIR_JSON_NONE && !weir_json_is_null(doc, input) &&
        !weir_json_is_object(doc, input))
        return ant_emit_protocol(r->d, "the input of a tool call is not an object", r->out);
    if (r->d->schema_tool && weir_json_is(doc, name, ANT_SCHEMA_TOOL_NAME)) {
        WEIR_TRY(begin_answer(r));
    } else {
        r->d->open = ANT_OPEN_CALL;
        WEIR_TRY(call_extra(r, block, &extra));
        WEIR_TRY(block_emit_start(r, WEIR_BLOCK_TOOL_CALL, weir_json_str(doc, id, &r->x->arena),
                                  weir_json_str(doc, name, &r->x->arena), extra));
    }
    /* In a stream an empty object stands for what is to come. */
    if (!weir_json_count(doc, input))
        return WEIR_OK;
    r->d->given = 1;
    return call_fragment(r, weir_text_from(weir_json_raw(doc, input)));
}

/* -- Server tools, and blocks that are not known ---------------------------------------------- */

/* Room for so many bytes; what was held before stays. */
static bool hold_room(struct ant_reading *r, size_t need)
{
    struct ant_decoder *d = r->d;
    size_t cap = d->held_cap ? d->held_cap * 2 : 512;
    char *room;

    if (need <= d->held_cap)
        return true;
    cap = cap < need ? need : cap;
    room = (char *)r->x->keep.alloc(r->x->keep.owner, cap);
    if (!room)
        return false;
    if (d->held_len)
        memcpy(room, d->held, d->held_len);
    d->held = room;
    d->held_cap = (uint32_t)cap;
    return true;
}

bool ant_hold(struct ant_reading *r, weir_str bytes)
{
    struct ant_decoder *d = r->d;

    if (bytes.len > ANT_HELD_MAX - d->held_len || !hold_room(r, d->held_len + bytes.len))
        return false;
    if (bytes.len)
        memcpy(d->held + d->held_len, bytes.ptr, bytes.len);
    d->held_len += (uint32_t)bytes.len;
    return true;
}

static void block_hold(struct ant_reading *r, weir_str bytes)
{
    if (!r->d->lost && !ant_hold(r, bytes))
        r->d->lost = 1;
}

/* The end of a block that is handed on as it is. */
static weir_result block_emit_verbatim(struct ant_reading *r, uint16_t kind, weir_str json)
{
    weir_str parts[2] = { WEIR_S("\"api\":\"anthropic\",\"block\":"), json };
    weir_str extra = weir_str_join(&r->x->arena, parts, 2);

    return extra.ptr ? block_emit_end(r, kind, extra) : WEIR_NO_MEMORY;
}

/* What has an input is a call, whatever its name. */
static uint16_t block_server_kind(const weir_json *doc, uint32_t block, uint32_t type)
{
    return weir_json_is_object(doc, weir_json_find(doc, block, "input")) ||
                   weir_str_ends(weir_json_inner(doc, type), "_tool_result")
               ? WEIR_BLOCK_SERVER_TOOL
               : WEIR_BLOCK_OPAQUE;
}

/* All members but `input`, which comes in fragments, or is last in what is held. */
static weir_result begin_server(struct ant_reading *r, uint32_t block)
{
    const weir_json *doc = r->doc;
    uint32_t input = weir_json_find(doc, block, "input");
    weir_str json;
    weir_writer w;

    r->d->open = ANT_OPEN_SERVER;
    weir_writer_init(&w, &r->x->arena, 256);
    WEIR_JSON_EACH_MEMBER(doc, block, key, value)
    {
        if (weir_json_is(doc, key, "input"))
            continue;
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_value(&w, doc, value);
    }
    weir_write_key(&w, "input");
    WEIR_TRY(weir_writer_finish(&w, &json));
    block_hold(r, WEIR_S("{"));
    block_hold(r, json);
    if (!weir_json_count(doc, input))
        return WEIR_OK;
    r->d->given = 1;
    weir_json_check_bytes(&r->d->input, weir_json_raw(doc, input));
    block_hold(r, weir_json_raw(doc, input));
    return WEIR_OK;
}

static weir_result begin_other(struct ant_reading *r, uint32_t block, uint32_t type)
{
    const weir_json *doc = r->doc;
    uint16_t kind = block_server_kind(doc, block, type);

    WEIR_TRY(block_emit_start(r, kind, nothing, weir_json_str(doc, type, &r->x->arena), nothing));
    WEIR_TRY(ant_owned_emit(r, block));
    if (r->d->whole)
        return block_emit_verbatim(r, kind, weir_json_raw(doc, block));
    if (weir_json_is_object(doc, weir_json_find(doc, block, "input")))
        return begin_server(r, block);
    if (weir_json_is(doc, type, "compaction")) {
        r->d->open = ANT_OPEN_COMPACTION;
        block_hold(r, weir_json_raw(doc, block));
        return WEIR_OK;
    }
    return block_emit_verbatim(r, kind, weir_json_raw(doc, block));
}

static weir_result server_fragment(struct ant_reading *r, weir_text text)
{
    struct weir_text_cursor cursor = weir_text_open(text);
    weir_str piece;

    weir_json_check_text(&r->d->input, text);
    while ((piece = weir_text_piece(&cursor)).len)
        block_hold(r, piece);
    return WEIR_OK;
}

static weir_result block_emit_lost(struct ant_reading *r, uint16_t kind)
{
    WEIR_TRY(weir_emit_warning(r->out, "server_tool",
                               WEIR_S("the call of a server tool was too long to be kept, or broke "
                                      "off: it is left out")));
    return block_emit_end(r, kind, nothing);
}

static weir_result end_server(struct ant_reading *r)
{
    struct ant_decoder *d = r->d;

    if (!weir_json_check_any(&d->input))
        block_hold(r, WEIR_S("{}"));
    else if (!weir_json_check_object(&d->input))
        d->incomplete = 1;
    block_hold(r, WEIR_S("}"));
    if (d->lost || d->incomplete)
        return block_emit_lost(r, WEIR_BLOCK_SERVER_TOOL);
    return block_emit_verbatim(r, WEIR_BLOCK_SERVER_TOOL, weir_str_make(d->held, d->held_len));
}

/* The delta has what the block was begun without. */
static weir_result compaction_delta(struct ant_reading *r, uint32_t delta)
{
    weir_str json;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, delta).len + 32);
    weir_write_begin_object(&w);
    weir_write_key(&w, "type");
    weir_write_literal(&w, "compaction");
    WEIR_JSON_EACH_MEMBER(r->doc, delta, key, value)
    {
        if (weir_json_is(r->doc, key, "type"))
            continue;
        weir_write_key_text(&w, weir_json_text(r->doc, key));
        weir_write_value(&w, r->doc, value);
    }
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    WEIR_TRY(ant_owned_emit(r, delta));
    return block_emit_verbatim(r, WEIR_BLOCK_OPAQUE, json);
}

static weir_result end_compaction(struct ant_reading *r)
{
    if (r->d->lost)
        return block_emit_lost(r, WEIR_BLOCK_OPAQUE);
    return block_emit_verbatim(r, WEIR_BLOCK_OPAQUE, weir_str_make(r->d->held, r->d->held_len));
}

/* -- All of them ------------------------------------------------------------------------------ */

weir_result ant_block_begin(struct ant_reading *r, uint32_t block)
{
    struct ant_decoder *d = r->d;
    uint32_t type = weir_json_find(r->doc, block, "type");

    if (!weir_json_is_string(r->doc, type))
        return ant_emit_protocol(d, "a block of the answer has no type", r->out);
    if (d->incomplete)
        return ant_emit_protocol(d, "the input of a tool call is not JSON", r->out);
    d->next++;
    d->given = d->lost = 0;
    d->held_len = 0;
    d->input = weir_json_check_begin();
    if (weir_json_is(r->doc, type, "text"))
        return begin_text(r, block);
    if (weir_json_is(r->doc, type, "thinking"))
        return begin_thinking(r, block);
    if (weir_json_is(r->doc, type, "redacted_thinking"))
        return begin_redacted(r, block);
    if (weir_json_is(r->doc, type, "tool_use"))
        return begin_call(r, block);
    return begin_other(r, block, type);
}

weir_result ant_block_delta(struct ant_reading *r, uint32_t delta)
{
    const weir_json *doc = r->doc;
    struct ant_decoder *d = r->d;
    uint32_t type = weir_json_find(doc, delta, "type");
    uint32_t partial = weir_json_find(doc, delta, "partial_json");
    weir_text json = weir_json_text(doc, partial);

    if (partial != WEIR_JSON_NONE && !weir_json_is_null(doc, partial) &&
        !weir_json_is_string(doc, partial))
        return ant_emit_protocol(d, "the input of a tool call is not a string", r->out);
    if (d->open == ANT_OPEN_TEXT && weir_json_is(doc, type, "text_delta"))
        return block_emit_text(r, WEIR_BLOCK_TEXT, weir_json_find(doc, delta, "text"));
    if (d->open == ANT_OPEN_TEXT && weir_json_is(doc, type, "citations_delta"))
        return block_citation(r, weir_json_find(doc, delta, "citation"));
    if (d->open == ANT_OPEN_THINKING && weir_json_is(doc, type, "thinking_delta"))
        return block_emit_text(r, WEIR_BLOCK_REASONING, weir_json_find(doc, delta, "thinking"));
    if (d->open == ANT_OPEN_THINKING && weir_json_is(doc, type, "signature_delta"))
        return block_signature(r, weir_json_find(doc, delta, "signature"));
    if (d->open == ANT_OPEN_COMPACTION && weir_json_is(doc, type, "compaction_delta"))
        return compaction_delta(r, delta);
    if (weir_json_is(doc, type, "input_json_delta") && json.len && d->given)
        return ant_emit_protocol(d, "the input of a tool came twice", r->out);
    if ((d->open == ANT_OPEN_CALL || d->open == ANT_OPEN_ANSWER) &&
        weir_json_is(doc, type, "input_json_delta"))
        return call_fragment(r, json);
    if (d->open == ANT_OPEN_SERVER && weir_json_is(doc, type, "input_json_delta"))
        return server_fragment(r, json);
    if (!weir_json_is_string(doc, type))
        return ant_emit_protocol(d, "a delta has no type", r->out);
    for (size_t i = 0; i < 5; i++) {
        static const char *const known[] = { "text_delta", "citations_delta", "thinking_delta",
                                             "signature_delta", "input_json_delta" };

        if (weir_json_is(doc, type, known[i]))
            return ant_emit_protocol(d, "a delta came that its block does not take", r->out);
    }
    return weir_emit_warning(r->out, "delta", WEIR_S("a delta of an unknown type was left out"));
}

weir_result ant_block_end(struct ant_reading *r)
{
    struct ant_decoder *d = r->d;
    uint8_t open = d->open;
    weir_result result = WEIR_OK;

    if (open == ANT_OPEN_TEXT) {
        result = block_emit_end(r, WEIR_BLOCK_TEXT, nothing);
    } else if (open == ANT_OPEN_THINKING) {
        result = block_emit_end(r, WEIR_BLOCK_REASONING, nothing);
    } else if (open == ANT_OPEN_CALL) {
        result = end_call(r, WEIR_BLOCK_TOOL_CALL);
    } else if (open == ANT_OPEN_ANSWER) {
        result = end_call(r, WEIR_BLOCK_TEXT);
    } else if (open == ANT_OPEN_SERVER) {
        result = end_server(r);
    } else if (open == ANT_OPEN_COMPACTION) {
        result = end_compaction(r);
    }
    d->open = ANT_OPEN_NONE;
    return result;
}
