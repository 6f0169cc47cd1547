/*
 * write_answer.c - a gathered answer as one chat.completion, documents, and the words both ways of
 * writing share.
 */
#include "openai.h"

#include <weir/sdk/failure.h>

const char *oai_finish_word(uint16_t reason, bool *has_word)
{
    *has_word = true;
    switch (reason) {
    case WEIR_FINISH_STOP:
    case WEIR_FINISH_STOP_SEQUENCE:
        return "stop";
    case WEIR_FINISH_LENGTH:
        return "length";
    case WEIR_FINISH_TOOL_CALLS:
        return "tool_calls";
    case WEIR_FINISH_FUNCTION_CALL:
        return "function_call";
    case WEIR_FINISH_CONTENT_FILTER:
        return "content_filter";
    default:
        *has_word = false;
        return "stop";
    }
}

bool oai_is_legacy(const weir_exchange *x)
{
    const weir_json *doc = x->request;

    return doc && weir_json_is_array(doc, weir_json_find(doc, 0, "functions")) &&
           !weir_json_is_array(doc, weir_json_find(doc, 0, "tools"));
}

bool oai_is_custom(weir_str extra)
{
    return weir_str_mentions(extra, OAI_CUSTOM);
}

static void write_count(weir_writer *w, const char *key, int64_t n)
{
    if (n < 0)
        return;
    weir_write_key(w, key);
    weir_write_int64(w, n);
}

/* What was not reported is not written, but for the three that every client expects. */
void oai_write_usage(weir_writer *w, const weir_usage *u)
{
    int64_t input = u->input_total < 0 ? 0 : u->input_total;
    int64_t output = u->output_total < 0 ? 0 : u->output_total;

    weir_write_begin_object(w);
    weir_write_key(w, "prompt_tokens");
    weir_write_int64(w, input);
    weir_write_key(w, "completion_tokens");
    weir_write_int64(w, output);
    weir_write_key(w, "total_tokens");
    weir_write_int64(w, input + output);
    if (u->input_cache_read >= 0 || u->input_cache_write >= 0 || u->input_audio >= 0) {
        weir_write_key(w, "prompt_tokens_details");
        weir_write_begin_object(w);
        write_count(w, "cached_tokens", u->input_cache_read);
        write_count(w, "cache_write_tokens", u->input_cache_write);
        write_count(w, "audio_tokens", u->input_audio);
        weir_write_end_object(w);
    }
    if (u->output_reasoning >= 0 || u->output_audio >= 0) {
        weir_write_key(w, "completion_tokens_details");
        weir_write_begin_object(w);
        write_count(w, "reasoning_tokens", u->output_reasoning);
        write_count(w, "audio_tokens", u->output_audio);
        weir_write_end_object(w);
    }
    weir_write_end_object(w);
}

/* Members of an extra that belong into the message; all others stand beside it in the choice. */
static const char *const message_members[] = { "annotations", "audio", "reasoning_details",
                                               "executed_tools" };

/* Opaque state of blocks, and blocks of other APIs: written where they have a place, see opaque.c,
 * and nowhere else. */
static const char *const block_members[] = {
    "signature", "redacted_data", "thought_signature", "encrypted_content", "item_id",
    "api",       "block"
};

enum { BLOCK_MEMBERS = sizeof(block_members) / sizeof(block_members[0]) };
enum { MESSAGE_MEMBERS = sizeof(message_members) / sizeof(message_members[0]) };

void oai_write_extra(weir_writer *w, const weir_json_service *json, const weir_arena *arena,
                     weir_str extra, bool message)
{
    bool mixed = false;
    weir_json doc;

    for (size_t i = 0; i < MESSAGE_MEMBERS; i++)
        mixed = mixed || weir_str_mentions(extra, message_members[i]);
    for (size_t i = 0; extra.len && i < BLOCK_MEMBERS; i++)
        mixed = mixed || weir_str_mentions(extra, block_members[i]);
    if (!mixed) { /* nearly always: nothing has to be scanned */
        if (!message)
            weir_write_members(w, extra);
        return;
    }
    if (!weir_members_scan(json, arena, extra, &doc))
        return;
    WEIR_JSON_EACH_MEMBER(&doc, 0, key, value)
    {
        bool belongs = false, opaque = false;

        for (size_t i = 0; i < MESSAGE_MEMBERS; i++)
            belongs = belongs || weir_json_is(&doc, key, message_members[i]);
        for (size_t i = 0; i < BLOCK_MEMBERS; i++)
            opaque = opaque || weir_json_is(&doc, key, block_members[i]);
        if (belongs != message || opaque)
            continue;
        weir_write_key_text(w, weir_json_text(&doc, key));
        weir_write_value(w, &doc, value);
    }
}

/* -- Whole answers ---------------------------------------------------------------------------- */

static const weir_block *answer_block(const weir_answer *a, uint32_t i)
{
    return (const weir_block *)(const void *)((const char *)a->blocks.items +
                                              (size_t)i * a->blocks.stride);
}

static const weir_choice *answer_choice(const weir_answer *a, uint32_t i)
{
    return (const weir_choice *)(const void *)((const char *)a->choices.items +
                                               (size_t)i * a->choices.stride);
}

static uint32_t answer_count(const weir_answer *a, int32_t choice, uint16_t kind)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->blocks.count; i++)
        n += answer_block(a, i)->choice == choice && answer_block(a, i)->kind == kind;
    return n;
}

/* All text of one kind as one string. */
static void answer_write_text(weir_writer *w, const weir_answer *a, int32_t choice, uint16_t kind)
{
    weir_write_comma(w);
    weir_write_byte(w, '"');
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        const weir_block *b = answer_block(a, i);

        if (b->choice != choice || b->kind != kind)
            continue;
        if (b->text.form == WEIR_FORM_JSON)
            weir_write_bytes(w, b->text.ptr, b->text.len);
        else
            weir_write_escaped(w, b->text.ptr, b->text.len);
    }
    weir_write_byte(w, '"');
}

static void answer_write_function(weir_writer *w, const weir_block *b)
{
    weir_write_begin_object(w);
    weir_write_key(w, "name");
    weir_write_string(w, b->name);
    weir_write_key(w, oai_is_custom(b->extra) ? "input" : "arguments");
    weir_write_text(w, b->text);
    weir_write_end_object(w);
}

static void answer_write_calls(weir_writer *w, const weir_dialect_config *cfg,
                               const weir_exchange *x, const weir_answer *a, int32_t choice,
                               bool legacy)
{
    weir_write_key(w, legacy ? "function_call" : "tool_calls");
    if (!legacy)
        weir_write_begin_array(w);
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        const weir_block *b = answer_block(a, i);

        if (b->choice != choice || b->kind != WEIR_BLOCK_TOOL_CALL)
            continue;
        if (legacy) { /* there can be only one */
            answer_write_function(w, b);
            return;
        }
        weir_write_begin_object(w);
        weir_write_key(w, "id");
        weir_write_string(w, b->id);
        weir_write_key(w, "type");
        weir_write_literal(w, oai_is_custom(b->extra) ? "custom" : "function");
        weir_write_key(w, oai_is_custom(b->extra) ? "custom" : "function");
        answer_write_function(w, b);
        oai_write_thought(w, cfg, x, b->extra);
        weir_write_end_object(w);
    }
    if (!legacy)
        weir_write_end_array(w);
}

static void answer_write_extras(weir_writer *w, const weir_dialect_config *cfg,
                                const weir_exchange *x, const weir_answer *a,
                                const weir_choice *choice, bool message)
{
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        if (answer_block(a, i)->choice == choice->choice &&
            !oai_is_custom(answer_block(a, i)->extra))
            oai_write_extra(w, cfg->json, &x->arena, answer_block(a, i)->extra, message);
    }
    oai_write_extra(w, cfg->json, &x->arena, choice->extra, message);
}

static void answer_write_details(weir_writer *w, const weir_dialect_config *cfg,
                                 const weir_exchange *x, const weir_answer *a, int32_t choice)
{
    bool open = false;

    for (uint32_t i = 0; i < a->blocks.count; i++) {
        const weir_block *b = answer_block(a, i);

        if (b->choice != choice || b->kind != WEIR_BLOCK_REASONING || !oai_has_details(b->extra))
            continue;
        if (!open) {
            weir_write_key(w, "reasoning_details");
            weir_write_begin_array(w);
        }
        open = true;
        oai_write_details(w, cfg, x, b->extra, &b->text);
    }
    if (open)
        weir_write_end_array(w);
}

static void answer_write_message(weir_writer *w, const weir_dialect_config *cfg,
                                 const weir_exchange *x, const weir_answer *a,
                                 const weir_choice *choice)
{
    int32_t n = choice->choice;
    bool calls = answer_count(a, n, WEIR_BLOCK_TOOL_CALL) > 0;
    bool refusal = answer_count(a, n, WEIR_BLOCK_REFUSAL) > 0;

    weir_write_key(w, "message");
    weir_write_begin_object(w);
    weir_write_key(w, "role");
    weir_write_literal(w, "assistant");
    if (answer_count(a, n, WEIR_BLOCK_REASONING)) {
        weir_write_key(w, "reasoning_content");
        answer_write_text(w, a, n, WEIR_BLOCK_REASONING);
        answer_write_details(w, cfg, x, a, n);
    }
    weir_write_key(w, "content");
    if ((calls || refusal) && !answer_count(a, n, WEIR_BLOCK_TEXT))
        weir_write_null(w);
    else
        answer_write_text(w, a, n, WEIR_BLOCK_TEXT);
    weir_write_key(w, "refusal");
    if (refusal)
        answer_write_text(w, a, n, WEIR_BLOCK_REFUSAL);
    else
        weir_write_null(w);
    if (calls)
        answer_write_calls(w, cfg, x, a, n, oai_is_legacy(x));
    answer_write_extras(w, cfg, x, a, choice, true);
    weir_write_end_object(w);
}

static void answer_write_choice(weir_writer *w, const weir_dialect_config *cfg,
                                const weir_exchange *x, const weir_answer *a,
                                const weir_choice *choice)
{
    bool has_word;
    const char *word = oai_finish_word(choice->reason, &has_word);

    weir_write_begin_object(w);
    weir_write_key(w, "index");
    weir_write_int64(w, choice->choice);
    answer_write_message(w, cfg, x, a, choice);
    answer_write_extras(w, cfg, x, a, choice, false);
    weir_write_key(w, "finish_reason");
    weir_write_literal(w, word);
    if (!has_word && choice->raw_reason.len) {
        weir_write_key(w, "native_finish_reason");
        weir_write_string(w, choice->raw_reason);
    }
    weir_write_end_object(w);
}

weir_result oai_write_answer(void *cfg, const weir_exchange *x, const weir_answer *a,
                             const weir_reply_sink *out)
{
    weir_writer w;
    weir_str json;

    weir_writer_init(&w, &x->arena, 1024);
    weir_write_begin_object(&w);
    weir_write_key(&w, "id");
    weir_write_string(&w, a->id.len ? a->id : x->id);
    weir_write_key(&w, "object");
    weir_write_literal(&w, "chat.completion");
    weir_write_key(&w, "created");
    weir_write_int64(&w, oai_created((const weir_dialect_config *)cfg, x, a->extra));
    weir_write_key(&w, "model");
    weir_write_string(&w, a->model);
    weir_write_key(&w, "choices");
    weir_write_begin_array(&w);
    for (uint32_t i = 0; i < a->choices.count; i++)
        answer_write_choice(&w, (const weir_dialect_config *)cfg, x, a, answer_choice(a, i));
    weir_write_end_array(&w);
    if (a->usage) {
        weir_write_key(&w, "usage");
        oai_write_usage(&w, a->usage);
    }
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OAI_JSON, json);
}

/* -- Documents -------------------------------------------------------------------------------- */

weir_result oai_write_document(const weir_dialect_config *cfg, const weir_exchange *x,
                               weir_str json, const weir_reply_sink *out)
{
    weir_str parts[3] = { WEIR_S("The model '"), x->asked_model, WEIR_S("' does not exist") };
    weir_failure f;
    weir_json doc;

    if (x->op == WEIR_OP_EMBED)
        return oai_write_embeddings(cfg, x, json, out);
    if (x->op != WEIR_OP_MODELS || !x->asked_model.len)
        return weir_reply_document(out, 200, OAI_JSON, json);
    if (!cfg->json)
        return WEIR_UNSUPPORTED;
    WEIR_TRY(cfg->json->scan(&x->arena, json, &doc, NULL));
    WEIR_JSON_EACH_ITEM(&doc, weir_json_find(&doc, 0, "data"), entry)
    {
        weir_text id = weir_json_text(&doc, weir_json_find(&doc, entry, "id"));

        if (weir_text_equal(id, weir_text_from(x->asked_model)))
            return weir_reply_document(out, 200, OAI_JSON, weir_json_raw(&doc, entry));
    }
    f = weir_failure_make(WEIR_CLASS_NO_ROUTE, 0, weir_str_join(&x->arena, parts, 3));
    f.param = WEIR_S("model");
    return oai_write_failure(NULL, NULL, x, &f, out);
}
