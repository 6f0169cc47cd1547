/*
 * write_answer.c - a gathered answer as one message.
 */
#include "anthropic.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/sink.h>

/* An answer that is being written. */
struct writing {
    const weir_dialect_config *cfg;
    const weir_exchange *x;
    weir_writer w;
    bool missed; /* a call was left out */
};

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

static void block_begin(struct writing *a, const char *type)
{
    weir_write_begin_object(&a->w);
    weir_write_key(&a->w, "type");
    weir_write_literal(&a->w, type);
}

static void write_text(struct writing *a, const weir_block *b, const weir_json *extra)
{
    uint32_t count = extra ? ant_count_citations(extra) : 0;

    if (!b->text.len && !count)
        return;
    block_begin(a, "text");
    weir_write_key(&a->w, "text");
    weir_write_text(&a->w, b->text);
    if (count) {
        weir_write_key(&a->w, "citations");
        weir_write_begin_array(&a->w);
        for (uint32_t i = 0; i < count; i++)
            ant_write_citation(&a->w, extra, i);
        weir_write_end_array(&a->w);
    }
    weir_write_end_object(&a->w);
}

static void write_thought(struct writing *a, const weir_block *b, const weir_json *extra)
{
    uint32_t redacted = extra ? weir_json_find(extra, 0, "redacted_data") : WEIR_JSON_NONE;
    uint32_t signature = extra ? weir_json_find(extra, 0, "signature") : WEIR_JSON_NONE;

    if (redacted != WEIR_JSON_NONE) {
        block_begin(a, "redacted_thinking");
        weir_write_key(&a->w, "data");
        weir_write_value(&a->w, extra, redacted);
        weir_write_end_object(&a->w);
        return;
    }
    if (!b->text.len && signature == WEIR_JSON_NONE)
        return;
    block_begin(a, "thinking");
    weir_write_key(&a->w, "thinking");
    weir_write_text(&a->w, b->text);
    weir_write_key(&a->w, "signature");
    if (signature != WEIR_JSON_NONE)
        weir_write_value(&a->w, extra, signature);
    else
        weir_write_literal(&a->w, "");
    weir_write_end_object(&a->w);
}

static void write_call(struct writing *a, const weir_block *b, const weir_json *extra)
{
    static const char *const more[] = { "caller", "toolset_name" };
    bool custom = ant_is_custom(b->extra);
    weir_str object = weir_str_make("", 0);

    /* A call that was cut, or is no JSON, is left out: applications run what they are given. */
    if (!custom && !weir_arguments_good(a->cfg->json, &a->x->arena, b->text, &object)) {
        a->missed = true;
        return;
    }
    block_begin(a, "tool_use");
    weir_write_key(&a->w, "id");
    weir_write_string(&a->w, b->id);
    weir_write_key(&a->w, "name");
    weir_write_string(&a->w, b->name);
    ant_write_input(&a->w, object, b->text, custom);
    for (size_t i = 0; extra && i < sizeof(more) / sizeof(more[0]); i++) {
        uint32_t value = weir_json_find(extra, 0, more[i]);

        if (value == WEIR_JSON_NONE)
            continue;
        weir_write_key(&a->w, more[i]);
        weir_write_value(&a->w, extra, value);
    }
    weir_write_end_object(&a->w);
}

static void write_block(struct writing *a, const weir_block *b)
{
    weir_json doc;
    const weir_json *extra = weir_extra_scan(a->cfg, &a->x->arena, b->extra, &doc) ? &doc : NULL;

    switch (b->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REFUSAL:
        write_text(a, b, extra);
        return;
    case WEIR_BLOCK_REASONING:
        write_thought(a, b, extra);
        return;
    case WEIR_BLOCK_TOOL_CALL:
        write_call(a, b, extra);
        return;
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        if (extra && weir_json_is(extra, weir_json_find(extra, 0, "api"), "anthropic"))
            weir_write_value(&a->w, extra, weir_json_find(extra, 0, "block"));
        return;
    default: /* there is no place for it here */
        return;
    }
}

/* The usage, with what a server tool did. */
static void write_usage(struct writing *a, const weir_usage *usage, const weir_json *extra)
{
    weir_usage unknown = weir_usage_unknown();
    uint32_t tools = extra ? weir_json_find(extra, 0, "server_tool_use") : WEIR_JSON_NONE;

    weir_write_key(&a->w, "usage");
    weir_write_begin_object(&a->w);
    ant_write_usage(&a->w, usage ? usage : &unknown);
    if (tools != WEIR_JSON_NONE) {
        weir_write_key(&a->w, "server_tool_use");
        weir_write_value(&a->w, extra, tools);
    }
    weir_write_end_object(&a->w);
}

weir_result ant_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                             const weir_reply_sink *out)
{
    static const weir_choice no_choice = { .struct_size = sizeof(no_choice) };
    const weir_choice *choice = answer->choices.count ? answer_choice(answer, 0) : &no_choice;
    struct writing a = { (const weir_dialect_config *)cfg, x, { 0 }, false };
    const weir_json *extra;
    weir_json doc;
    weir_str json;

    extra = weir_extra_scan(a.cfg, &x->arena, choice->extra, &doc) ? &doc : NULL;
    weir_writer_init(&a.w, &x->arena, 1024);
    weir_write_begin_object(&a.w);
    weir_write_key(&a.w, "id");
    weir_write_string(&a.w, answer->id.len ? answer->id : x->id);
    weir_write_key(&a.w, "type");
    weir_write_literal(&a.w, "message");
    weir_write_key(&a.w, "role");
    weir_write_literal(&a.w, "assistant");
    weir_write_key(&a.w, "model");
    weir_write_string(&a.w, answer->model);
    weir_write_key(&a.w, "content");
    weir_write_begin_array(&a.w);
    for (uint32_t i = 0; i < answer->blocks.count; i++) {
        if (answer_block(answer, i)->choice == choice->choice)
            write_block(&a, answer_block(answer, i));
    }
    weir_write_end_array(&a.w);
    if (a.missed)
        WEIR_TRY(weir_arguments_missed(choice->reason));
    ant_write_stop(&a.w, choice->reason, choice->raw_reason, extra);
    if (extra && weir_json_find(extra, 0, "context_management") != WEIR_JSON_NONE) {
        weir_write_key(&a.w, "context_management");
        weir_write_value(&a.w, extra, weir_json_find(extra, 0, "context_management"));
    }
    write_usage(&a, answer->usage, extra);
    weir_write_end_object(&a.w);
    WEIR_TRY(weir_writer_finish(&a.w, &json));
    return weir_reply_document(out, 200, ANT_JSON, json);
}
