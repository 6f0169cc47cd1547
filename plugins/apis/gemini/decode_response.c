/*
 * decode_response.c - a GenerateContentResponse, or a chunk of one, as events.
 *
 * Every chunk has the same form: candidates with some parts, usage so far. Older models name a
 * finish reason in every chunk, so that only the end of the body tells which was the last.
 */
#include "decode.h"

#include "names.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static const weir_str nothing = { "", 0 };

weir_result gem_block_close(struct gem_reading *r, weir_str extra)
{
    weir_event e;

    if (r->d->partial.active && r->d->partial.choice == r->number)
        return gem_emit_protocol(r->d, "a function call was begun and not ended", r->out);
    if (!r->choice->kind)
        return WEIR_OK;
    e = weir_event_make(WEIR_EVENT_BLOCK_END);
    e.choice = r->number;
    e.block = r->choice->open;
    e.kind = r->choice->kind;
    e.extra = extra;
    r->choice->kind = 0;
    return r->out->emit(r->out->ctx, &e);
}

weir_result gem_block_open(struct gem_reading *r, uint16_t kind, weir_str id, weir_str name,
                           weir_str extra)
{
    weir_event e;

    if (r->choice->kind == kind && (kind == WEIR_BLOCK_TEXT || kind == WEIR_BLOCK_REASONING))
        return WEIR_OK;
    WEIR_TRY(gem_block_close(r, nothing));
    if (r->d->failed)
        return WEIR_OK;
    r->choice->kind = (uint8_t)kind;
    r->choice->open = r->choice->next++;
    e = weir_event_make(WEIR_EVENT_BLOCK_START);
    e.choice = r->number;
    e.block = r->choice->open;
    e.kind = kind;
    e.id = id;
    e.name = name;
    e.extra = extra;
    return r->out->emit(r->out->ctx, &e);
}

weir_result gem_block_delta(struct gem_reading *r, weir_text text, weir_str extra)
{
    return weir_emit_delta(r->out, r->number, r->choice->open, r->choice->kind, text, extra);
}

static uint16_t response_reason(weir_str raw)
{
    /* By name and, for clients that asked for enum-encoding=int, by number. */
    static const struct {
        const char *name;
        const char *number;
        uint16_t reason;
    } table[] = {
        { "STOP", "1", WEIR_FINISH_STOP },
        { "MAX_TOKENS", "2", WEIR_FINISH_LENGTH },
        { "SAFETY", "3", WEIR_FINISH_CONTENT_FILTER },
        { "RECITATION", "4", WEIR_FINISH_CONTENT_FILTER },
        { "LANGUAGE", "6", WEIR_FINISH_CONTENT_FILTER },
        { "BLOCKLIST", "7", WEIR_FINISH_CONTENT_FILTER },
        { "PROHIBITED_CONTENT", "8", WEIR_FINISH_CONTENT_FILTER },
        { "SPII", "9", WEIR_FINISH_CONTENT_FILTER },
        { "IMAGE_SAFETY", "11", WEIR_FINISH_CONTENT_FILTER },
        { "IMAGE_PROHIBITED_CONTENT", "", WEIR_FINISH_CONTENT_FILTER },
        { "IMAGE_RECITATION", "", WEIR_FINISH_CONTENT_FILTER },
        { "CONTINUATION", "", WEIR_FINISH_PAUSE },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_is(raw, table[i].name) || (raw.len && weir_str_is(raw, table[i].number)))
            return table[i].reason;
    }
    return WEIR_FINISH_UNKNOWN;
}

static void response_end(struct gem_reading *r, uint32_t reason)
{
    struct gem_choice *c = r->choice;
    weir_str raw = weir_json_is_string(r->doc, reason) ? weir_json_inner(r->doc, reason)
                                                       : weir_json_raw(r->doc, reason);

    if (!weir_json_is_string(r->doc, reason) && !weir_json_is_number(r->doc, reason))
        return;
    if (!raw.len || weir_str_is(raw, "FINISH_REASON_UNSPECIFIED") || weir_str_is(raw, "0"))
        return;
    c->ended = 1;
    c->reason = response_reason(raw);
    c->raw_len = 0;
    while (c->raw_len < raw.len && c->raw_len < GEM_REASON_MAX && raw.ptr[c->raw_len] >= ' ' &&
           raw.ptr[c->raw_len] != '\\') { /* plain ASCII, as all words so far */
        c->raw[c->raw_len] = raw.ptr[c->raw_len];
        c->raw_len++;
    }
}

/* Members of a candidate that are read elsewhere. */
static const char *const candidate_known[] = { "content", "finishReason", "index", NULL };
/* Those worth a block of their own, if none is open. */
static const char *const candidate_sources[] = { "groundingMetadata", "citationMetadata",
                                                 "urlContextMetadata", NULL };

/* null, {} and [] say nothing. */
static bool response_says_nothing(const weir_json *doc, uint32_t value)
{
    return weir_json_is_null(doc, value) || weir_json_is(doc, value, "") ||
           (weir_json_type(doc, value) >= WEIR_JSON_ARRAY && weir_json_count(doc, value) == 0);
}

/* What a candidate says beside its content, as `extra` of a delta. */
static weir_result response_extras(struct gem_reading *r, uint32_t candidate)
{
    const weir_json *doc = r->doc;
    weir_str annotations = nothing, extra;
    bool sources = false;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    WEIR_JSON_EACH_MEMBER(doc, candidate, key, value)
    {
        if (gem_key_listed(doc, key, candidate_known) || response_says_nothing(doc, value))
            continue;
        sources = sources || gem_key_listed(doc, key, candidate_sources);
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_raw(&w, gem_flat(r, value));
    }
    if (sources)
        WEIR_TRY(gem_annotations(r, candidate, &annotations));
    weir_write_members(&w, annotations);
    WEIR_TRY(weir_writer_finish(&w, &extra));
    if (!extra.len || (!r->choice->kind && !sources))
        return WEIR_OK;
    if (r->choice->kind != WEIR_BLOCK_TEXT && r->choice->kind != WEIR_BLOCK_REASONING)
        WEIR_TRY(gem_block_open(r, WEIR_BLOCK_TEXT, nothing, nothing, nothing));
    return r->d->failed ? WEIR_OK : gem_block_delta(r, weir_text_from(nothing), extra);
}

/* A candidate that ended with a word for "it went wrong", and said nothing before. Applications of
 * this API know these words; for all others the answer would look empty and good. */
static weir_result response_no_answer(struct gem_reading *r, uint32_t candidate)
{
    static const char *const words[] = { "OTHER",
                                         "MALFORMED_FUNCTION_CALL",
                                         "UNEXPECTED_TOOL_CALL",
                                         "TOO_MANY_TOOL_CALLS",
                                         "NO_IMAGE",
                                         "IMAGE_OTHER",
                                         NULL };
    struct gem_choice *c = r->choice;
    weir_str raw = weir_str_make(c->raw, c->raw_len);
    weir_str message =
        weir_json_str(r->doc, gem_find(r->doc, candidate, "finishMessage"), &r->x->arena);

    if (!c->ended || c->next || weir_str_is(r->x->dialect, "gemini.generateContent"))
        return WEIR_OK;
    for (const char *const *word = words; *word; word++) {
        if (weir_str_is(raw, *word))
            return gem_emit_no_answer(r->d, raw, message, r->out);
    }
    return WEIR_OK;
}

/* Whether a value is of that type, null, or not there. */
static bool response_is(const weir_json *doc, uint32_t value, unsigned type)
{
    return value == WEIR_JSON_NONE || weir_json_is_null(doc, value) ||
           weir_json_type(doc, value) == type;
}

/* What a candidate must not be, in words; NULL: it is fine. Passing over a member of a wrong type
 * would deliver an answer with a hole in it. */
static const char *response_fault(const weir_json *doc, uint32_t candidate)
{
    uint32_t content = gem_find(doc, candidate, "content");
    uint32_t parts = gem_find(doc, content, "parts");
    uint32_t reason = gem_find(doc, candidate, "finishReason");
    int64_t numbered;

    if (!weir_json_is_object(doc, candidate))
        return "a candidate of the answer is not an object";
    if (!response_is(doc, content, WEIR_JSON_OBJECT))
        return "the content of the answer is not an object";
    if (!response_is(doc, parts, WEIR_JSON_ARRAY))
        return "the parts of the answer are not a list";
    if (!response_is(doc, reason, WEIR_JSON_STRING) && !weir_json_int64(doc, reason, &numbered))
        return "the finishReason of the answer is not a word";
    WEIR_JSON_EACH_ITEM(doc, parts, part)
    {
        if (!weir_json_is_object(doc, part))
            return "a part of the answer is not an object";
        if (!response_is(doc, gem_find(doc, part, "text"), WEIR_JSON_STRING))
            return "the text of the answer is not a string";
        if (!response_is(doc, gem_find(doc, part, "functionCall"), WEIR_JSON_OBJECT))
            return "a function call is not an object";
        if (!response_is(doc, gem_find(doc, part, "inlineData"), WEIR_JSON_OBJECT))
            return "the bytes of the answer are not an object";
    }
    return NULL;
}

static weir_result response_candidate(struct gem_reading *r, uint32_t candidate, uint32_t position)
{
    const weir_json *doc = r->doc;
    uint32_t content = gem_find(doc, candidate, "content");
    const char *fault = response_fault(doc, candidate);
    int64_t number = position;

    if (fault)
        return gem_emit_protocol(r->d, fault, r->out);
    weir_json_int64(doc, gem_find(doc, candidate, "index"), &number);
    if (number < 0 || number >= GEM_CHOICES)
        return gem_emit_protocol(r->d, "the answer has a candidate of an impossible number",
                                 r->out);
    r->number = (int32_t)number;
    r->choice = &r->d->choice[number];
    r->choice->seen = 1;
    if (r->d->choice_count <= number)
        r->d->choice_count = (uint16_t)(number + 1);
    WEIR_JSON_EACH_ITEM(doc, gem_find(doc, content, "parts"), part)
    {
        WEIR_TRY(gem_decode_part(r, part));
        if (r->d->failed)
            return WEIR_OK;
    }
    response_end(r, gem_find(doc, candidate, "finishReason"));
    WEIR_TRY(response_no_answer(r, candidate));
    return r->d->failed ? WEIR_OK : response_extras(r, candidate);
}

/* Members of the response that are read elsewhere. */
static const char *const response_known[] = { "candidates",     "usageMetadata", "modelVersion",
                                              "promptFeedback", "responseId",    NULL };

static weir_result response_start(struct gem_reading *r)
{
    const weir_json *doc = r->doc;
    weir_str model = weir_json_str(doc, gem_find(doc, 0, "modelVersion"), &r->x->arena);
    weir_str id = weir_json_str(doc, gem_find(doc, 0, "responseId"), &r->x->arena);
    weir_str extra;
    weir_writer w;

    if (r->d->started)
        return WEIR_OK;
    r->d->started = 1;
    weir_writer_init(&w, &r->x->arena, 0);
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        if (gem_key_listed(doc, key, response_known) || response_says_nothing(doc, value))
            continue;
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_raw(&w, gem_flat(r, value));
    }
    WEIR_TRY(weir_writer_finish(&w, &extra));
    if (!model.len && r->x->target)
        model = r->x->target->model;
    return weir_emit_start(r->out, id, model, extra);
}

/* Whether every candidate has ended without a word: then a total that is the prompt's does say that
 * there was no output. */
static bool response_is_silent(const struct gem_decoder *d)
{
    for (uint16_t i = 0; i < d->choice_count; i++) {
        if (d->choice[i].seen && (!d->choice[i].ended || d->choice[i].next))
            return false;
    }
    return d->choice_count > 0;
}

weir_result gem_decode_response(struct gem_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t candidates = gem_find(doc, 0, "candidates");
    uint32_t feedback = gem_find(doc, 0, "promptFeedback");
    uint32_t position = 0;
    int64_t total = -1;
    weir_usage usage;

    if (!weir_json_is_object(doc, 0))
        return gem_emit_protocol(r->d, "the answer is not a JSON object", r->out);
    if (!response_is(doc, candidates, WEIR_JSON_ARRAY))
        return gem_emit_protocol(r->d, "the candidates of the answer are not a list", r->out);
    if (!weir_json_count(doc, candidates) &&
        gem_find(doc, feedback, "blockReason") != WEIR_JSON_NONE)
        return gem_emit_blocked(r, feedback);
    WEIR_TRY(response_start(r));
    WEIR_JSON_EACH_ITEM(doc, candidates, candidate)
    {
        WEIR_TRY(response_candidate(r, candidate, position++));
        if (r->d->failed)
            return WEIR_OK;
    }
    if (!gem_usage_read(doc, gem_find(doc, 0, "usageMetadata"), &usage))
        return WEIR_OK;
    weir_json_int64(doc, gem_find(doc, gem_find(doc, 0, "usageMetadata"), "totalTokenCount"),
                    &total);
    if (usage.output_total < 0 && total == usage.input_total && response_is_silent(r->d))
        usage.output_total = 0;
    return weir_emit_usage(r->out, &usage);
}

/* The word for why a candidate ended, by what it has said. */
static uint16_t response_final(const struct gem_choice *c)
{
    bool other = c->reason == WEIR_FINISH_STOP || c->reason == WEIR_FINISH_UNKNOWN;

    return c->called && other ? WEIR_FINISH_TOOL_CALLS : c->reason;
}

weir_result gem_decode_finish(struct gem_reading *r)
{
    struct gem_decoder *d = r->d;
    uint16_t count = 0;

    for (uint16_t i = 0; i < d->choice_count; i++) {
        if (d->choice[i].seen && !d->choice[i].ended)
            return gem_emit_protocol(d, "the answer ended without a finishReason", r->out);
        count = (uint16_t)(count + d->choice[i].seen);
    }
    if (!count)
        return gem_emit_protocol(d, "the answer has no candidates", r->out);
    for (uint16_t i = 0; i < d->choice_count; i++) {
        r->number = i;
        r->choice = &d->choice[i];
        /* At the limit of tokens a call may end in its middle. The core knows what to do with it.
         */
        if (r->choice->reason == WEIR_FINISH_LENGTH && d->partial.choice == i)
            d->partial.active = 0;
        WEIR_TRY(gem_block_close(r, nothing));
        if (d->failed)
            return WEIR_OK;
    }
    d->over = 1;
    for (uint16_t i = 0; i < d->choice_count; i++) {
        const struct gem_choice *c = &d->choice[i];

        if (c->seen)
            WEIR_TRY(
                weir_emit_finish(r->out, i, response_final(c), weir_str_make(c->raw, c->raw_len)));
    }
    return WEIR_OK;
}
