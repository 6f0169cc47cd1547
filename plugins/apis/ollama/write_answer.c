/*
 * write_answer.c - a gathered answer as one object of chat or generate.
 */
#include "ollama.h"

#include <weir/sdk/arguments.h>

static const weir_block *answer_block(const weir_answer *a, uint32_t i)
{
    return (const weir_block *)(const void *)((const char *)a->blocks.items +
                                              (size_t)i * a->blocks.stride);
}

static const weir_choice *answer_choice(const weir_answer *a)
{
    return a->choices.count ? (const weir_choice *)a->choices.items : NULL;
}

/* This API has one answer: the first choice. */
static bool answer_is(const weir_answer *a, uint32_t i, uint16_t kind)
{
    return answer_block(a, i)->choice == 0 && answer_block(a, i)->kind == kind;
}

static bool answer_has(const weir_answer *a, uint16_t kind)
{
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        if (answer_is(a, i, kind))
            return true;
    }
    return false;
}

/* All text of two kinds as one string. */
static void answer_text(weir_writer *w, const weir_answer *a, uint16_t kind, uint16_t other)
{
    weir_write_comma(w);
    weir_write_byte(w, '"');
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        const weir_block *b = answer_block(a, i);

        if (!answer_is(a, i, kind) && !answer_is(a, i, other))
            continue;
        if (b->text.form == WEIR_FORM_JSON)
            weir_write_bytes(w, b->text.ptr, b->text.len);
        else
            weir_write_escaped(w, b->text.ptr, b->text.len);
    }
    weir_write_byte(w, '"');
}

/* False: a call was left out, as it was cut or is no JSON. */
static bool answer_calls(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                         const weir_answer *a)
{
    uint32_t index = 0;
    bool all = true;

    if (!answer_has(a, WEIR_BLOCK_TOOL_CALL))
        return true;
    weir_write_key(w, "tool_calls");
    weir_write_begin_array(w);
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        const weir_block *b = answer_block(a, i);
        struct olm_call call = { index, olm_is_custom(b->extra), b->id, b->name, b->text };

        if (!answer_is(a, i, WEIR_BLOCK_TOOL_CALL))
            continue;
        if (olm_write_call(w, cfg, arena, &call))
            index++;
        else
            all = false;
    }
    weir_write_end_array(w);
    return all;
}

/* Log probabilities of all blocks, one list. */
static void answer_logprobs(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                            const weir_answer *a)
{
    bool any = false;

    for (uint32_t i = 0; i < a->blocks.count; i++) {
        weir_str extra = answer_block(a, i)->extra;
        weir_json doc;

        if (answer_block(a, i)->choice != 0 || !weir_str_mentions(extra, "\"logprobs\"") ||
            !weir_extra_scan(cfg, arena, extra, &doc))
            continue;
        /* A block that was gathered may have the member once for each of its pieces. */
        WEIR_JSON_EACH_MEMBER(&doc, 0, key, value)
        {
            uint32_t content = weir_json_find(&doc, value, "content");

            if (!weir_json_is(&doc, key, "logprobs") || !weir_json_count(&doc, content))
                continue;
            if (!any) {
                weir_write_key(w, "logprobs");
                weir_write_begin_array(w);
            }
            any = true;
            weir_write_raw(w, weir_json_inner(&doc, content));
        }
    }
    if (any)
        weir_write_end_array(w);
}

/* False: a call was left out. */
static bool answer_said(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                        const weir_answer *a, bool generate)
{
    bool all;

    if (!generate) {
        weir_write_key(w, "message");
        weir_write_begin_object(w);
        weir_write_key(w, "role");
        weir_write_literal(w, "assistant");
    }
    weir_write_key(w, generate ? "response" : "content");
    answer_text(w, a, WEIR_BLOCK_TEXT, WEIR_BLOCK_REFUSAL);
    if (answer_has(a, WEIR_BLOCK_REASONING)) {
        weir_write_key(w, "thinking");
        answer_text(w, a, WEIR_BLOCK_REASONING, WEIR_BLOCK_REASONING);
    }
    all = answer_calls(w, cfg, &x->arena, a);
    if (!generate)
        weir_write_end_object(w);
    return all;
}

weir_result olm_write_answer(void *cfg, const weir_exchange *x, const weir_answer *a,
                             const weir_reply_sink *out)
{
    const weir_dialect_config *c = (const weir_dialect_config *)cfg;
    const weir_choice *choice = answer_choice(a);
    weir_str nothing = weir_str_make("", 0);
    struct olm_end end = { WEIR_FINISH_UNKNOWN, nothing, nothing, -1, a->usage };
    weir_writer w;
    weir_str json;

    weir_writer_init(&w, &x->arena, 1024);
    weir_write_begin_object(&w);
    weir_write_key(&w, "model");
    weir_write_string(&w, a->model.len ? a->model : x->asked_model);
    olm_write_created(&w, x->unix_us);
    if (!answer_said(&w, c, x, a, olm_endpoint(x->path) == OLM_GENERATE))
        WEIR_TRY(weir_arguments_missed(choice ? choice->reason : WEIR_FINISH_UNKNOWN));
    answer_logprobs(&w, c, &x->arena, a);
    if (choice) {
        end.reason = choice->reason;
        end.raw = choice->raw_reason;
        end.extra = choice->extra;
    }
    olm_write_done(&w, c, &x->arena, &end);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OLM_JSON, json);
}
