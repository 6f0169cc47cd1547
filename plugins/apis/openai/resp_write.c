/*
 * resp_write.c - the response object and its items: what a whole answer is, and what the events of
 * a stream are about.
 */
#include "responses.h"

#include <weir/sdk/failure.h>

weir_str resp_make_id(char buf[48], const char *prefix, const weir_exchange *x, uint32_t place)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t n = x->seed + (place + 1) * UINT64_C(0x9E3779B97F4A7C15);
    size_t len = strlen(prefix);

    memcpy(buf, prefix, len);
    for (int i = 0; i < 32; i++) {
        if (i % 16 == 0) { /* the finaliser of splitmix64 */
            n = (n ^ n >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
            n = (n ^ n >> 27) * UINT64_C(0x94D049BB133111EB);
            n ^= n >> 31;
        }
        buf[len++] = hex[n >> (60 - 4 * (i % 16)) & 15];
    }
    return weir_str_make(buf, len);
}

weir_str resp_answer_id(const weir_exchange *x, weir_str id, char buf[48])
{
    /* One of this API is good to go on from. */
    if (weir_str_starts(id, "resp_") && id.len <= RESP_ID_MAX)
        return id;
    return resp_make_id(buf, "resp_", x, UINT32_MAX - 1);
}

weir_str resp_block_id(const weir_dialect_config *cfg, const weir_exchange *x, weir_str extra)
{
    weir_json doc;

    if (!weir_str_mentions(extra, "\"item_id\"") || !weir_extra_scan(cfg, &x->arena, extra, &doc))
        return weir_str_make("", 0);
    return weir_json_str(&doc, weir_json_find(&doc, 0, "item_id"), &x->arena);
}

const char *resp_item_prefix(uint16_t kind, bool custom)
{
    switch (kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REFUSAL:
        return "msg_";
    case WEIR_BLOCK_REASONING:
        return "rs_";
    case WEIR_BLOCK_TOOL_CALL:
        return custom ? "ctc_" : "fc_";
    default:
        return NULL;
    }
}

void resp_write_flat(weir_writer *w, const weir_json *doc, uint32_t annotation)
{
    uint32_t type = weir_json_find(doc, annotation, "type");
    weir_str name = weir_json_inner(doc, type);
    uint32_t deep = weir_json_find_n(doc, annotation, name.ptr, name.len);

    if (!weir_json_is_object(doc, deep)) {
        weir_write_value(w, doc, annotation);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_value(w, doc, type);
    weir_write_members(w, weir_json_inner(doc, deep));
    weir_write_end_object(w);
}

/* -- Items ------------------------------------------------------------------------------------ */

/* The entries of all members called `name` as one list; of logprobs those of `content`. */
static void part_list(weir_writer *w, const weir_json *extra, const char *name, bool logprobs)
{
    weir_write_key(w, name);
    weir_write_begin_array(w);
    WEIR_JSON_EACH_MEMBER(extra, 0, key, value)
    {
        if (!weir_json_is(extra, key, name))
            continue;
        WEIR_JSON_EACH_ITEM(extra, logprobs ? weir_json_find(extra, value, "content") : value, item)
        {
            if (logprobs)
                weir_write_value(w, extra, item);
            else
                resp_write_flat(w, extra, item);
        }
    }
    weir_write_end_array(w);
}

void resp_write_part(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                     const weir_block *b, bool whole)
{
    static const weir_json nothing = { { "", 0 }, NULL, 0 };
    weir_text none = weir_text_from(weir_str_make("", 0));
    bool refusal = b->kind == WEIR_BLOCK_REFUSAL;
    weir_json extra;

    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, refusal ? "refusal" : "output_text");
    if (!refusal) {
        if (!whole || !weir_extra_scan(cfg, &x->arena, b->extra, &extra))
            extra = nothing;
        part_list(w, &extra, "annotations", false);
        part_list(w, &extra, "logprobs", true);
    }
    weir_write_key(w, refusal ? "refusal" : "text");
    weir_write_text(w, whole ? b->text : none);
    weir_write_end_object(w);
}

static void item_message(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                         const weir_block *b, bool whole)
{
    weir_write_key(w, "type");
    weir_write_literal(w, "message");
    weir_write_key(w, "status");
    weir_write_literal(w, whole ? "completed" : "in_progress");
    weir_write_key(w, "role");
    weir_write_literal(w, "assistant");
    weir_write_key(w, "content");
    weir_write_begin_array(w);
    if (whole)
        resp_write_part(w, cfg, x, b, true);
    weir_write_end_array(w);
}

/* The ciphertext only if it is this API's: signatures of others have another name. */
static void item_reasoning(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                           const weir_block *b, bool whole)
{
    weir_json extra;

    weir_write_key(w, "type");
    weir_write_literal(w, "reasoning");
    weir_write_key(w, "summary");
    weir_write_begin_array(w);
    if (whole && b->text.len) {
        weir_write_begin_object(w);
        weir_write_key(w, "type");
        weir_write_literal(w, "summary_text");
        weir_write_key(w, "text");
        weir_write_text(w, b->text);
        weir_write_end_object(w);
    }
    weir_write_end_array(w);
    if (whole && weir_extra_scan(cfg, &x->arena, b->extra, &extra)) {
        uint32_t cipher = weir_json_find(&extra, 0, "encrypted_content");

        if (weir_json_is_string(&extra, cipher)) {
            weir_write_key(w, "encrypted_content");
            weir_write_value(w, &extra, cipher);
        }
    }
}

/* Arguments that broke off are no object; a call may have none. */
static bool call_is_whole(const weir_dialect_config *cfg, const weir_exchange *x,
                          const weir_block *b)
{
    weir_json doc;

    return !b->text.len || !cfg->json ||
           (cfg->json->scan(&x->arena, weir_text_to_utf8(&x->arena, b->text), &doc, NULL) ==
                WEIR_OK &&
            weir_json_is_object(&doc, 0));
}

static void item_call(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                      const weir_block *b, bool whole)
{
    bool custom = oai_is_custom(b->extra);
    const char *status = "in_progress";

    if (whole)
        status = custom || call_is_whole(cfg, x, b) ? "completed" : "incomplete";
    weir_write_key(w, "type");
    weir_write_literal(w, custom ? "custom_tool_call" : "function_call");
    weir_write_key(w, "status");
    weir_write_literal(w, status);
    weir_write_key(w, custom ? "input" : "arguments");
    weir_write_text(w, whole ? b->text : weir_text_from(weir_str_make("", 0)));
    weir_write_key(w, "call_id");
    weir_write_string(w, b->id);
    weir_write_key(w, "name");
    weir_write_string(w, b->name);
}

/* What ran at a vendor of this API, as it was. */
static bool item_verbatim(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                          const weir_block *b)
{
    weir_json extra;
    uint32_t block;

    if ((b->kind != WEIR_BLOCK_SERVER_TOOL && b->kind != WEIR_BLOCK_OPAQUE) ||
        !weir_extra_scan(cfg, &x->arena, b->extra, &extra))
        return false;
    block = weir_json_find(&extra, 0, "block");
    if (!weir_json_is(&extra, weir_json_find(&extra, 0, "api"), RESP_API) ||
        !weir_json_is_object(&extra, block))
        return false;
    weir_write_value(w, &extra, block);
    return true;
}

bool resp_write_item(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                     const weir_block *b, weir_str id, bool whole)
{
    if (!resp_item_prefix(b->kind, false))
        return item_verbatim(w, cfg, x, b);
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, id);
    if (b->kind == WEIR_BLOCK_REASONING)
        item_reasoning(w, cfg, x, b, whole);
    else if (b->kind == WEIR_BLOCK_TOOL_CALL)
        item_call(w, cfg, x, b, whole);
    else
        item_message(w, cfg, x, b, whole);
    weir_write_end_object(w);
    return true;
}

static const weir_block *answer_block(const weir_answer *a, uint32_t i)
{
    return (const weir_block *)(const void *)((const char *)a->blocks.items +
                                              (size_t)i * a->blocks.stride);
}

static void response_output(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                            const weir_answer *a)
{
    uint32_t place = 0;
    char buf[48];

    weir_write_key(w, "output");
    weir_write_begin_array(w);
    for (uint32_t i = 0; a && i < a->blocks.count; i++) {
        const weir_block *b = answer_block(a, i);
        const char *prefix = resp_item_prefix(b->kind, oai_is_custom(b->extra));
        weir_str id = weir_str_make("", 0);

        if (b->choice != 0)
            continue;
        if (prefix)
            id = resp_block_id(cfg, x, b->extra);
        if (prefix && (!id.len || id.len > RESP_ID_MAX))
            id = resp_make_id(buf, prefix, x, place);
        place += resp_write_item(w, cfg, x, b, id, true);
    }
    weir_write_end_array(w);
}

/* -- The response ----------------------------------------------------------------------------- */

static const weir_choice *response_choice(const weir_answer *a)
{
    return a && a->choices.count ? (const weir_choice *)a->choices.items : NULL;
}

const char *resp_status(const weir_answer *a)
{
    const weir_choice *c = response_choice(a);

    if (!c)
        return "completed";
    /* Arguments that are none, in an answer that ended otherwise, are told of by their item: the
     * only reason there is would be an invented one. */
    return c->reason == WEIR_FINISH_LENGTH || c->reason == WEIR_FINISH_CONTENT_FILTER ? "incomplete"
                                                                                      : "completed";
}

static void response_ends(weir_writer *w, const struct resp_answer *a)
{
    const weir_choice *c = response_choice(a->answer);

    weir_write_key(w, "status");
    weir_write_literal(w, a->status);
    weir_write_key(w, "error");
    if (a->failure)
        oai_write_error(w, a->failure);
    else
        weir_write_null(w);
    weir_write_key(w, "incomplete_details");
    if (c && strcmp(a->status, "incomplete") == 0) {
        weir_write_begin_object(w);
        weir_write_key(w, "reason");
        weir_write_literal(w, c->reason == WEIR_FINISH_LENGTH ? "max_output_tokens"
                                                              : "content_filter");
        weir_write_end_object(w);
    } else {
        weir_write_null(w);
    }
}

static int64_t usage_or_zero(int64_t n)
{
    return n < 0 ? 0 : n;
}

/* Clients of this API read the details without asking whether they are there. */
static void response_usage(weir_writer *w, const weir_answer *a)
{
    const weir_usage *u = a ? a->usage : NULL;

    weir_write_key(w, "usage");
    if (!u || (u->input_total < 0 && u->output_total < 0)) {
        weir_write_null(w);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "input_tokens");
    weir_write_int64(w, usage_or_zero(u->input_total));
    weir_write_key(w, "input_tokens_details");
    weir_write_begin_object(w);
    weir_write_key(w, "cached_tokens");
    weir_write_int64(w, usage_or_zero(u->input_cache_read));
    weir_write_end_object(w);
    weir_write_key(w, "output_tokens");
    weir_write_int64(w, usage_or_zero(u->output_total));
    weir_write_key(w, "output_tokens_details");
    weir_write_begin_object(w);
    weir_write_key(w, "reasoning_tokens");
    weir_write_int64(w, usage_or_zero(u->output_reasoning));
    weir_write_end_object(w);
    weir_write_key(w, "total_tokens");
    weir_write_int64(w, usage_or_zero(u->input_total) + usage_or_zero(u->output_total));
    weir_write_end_object(w);
}

/* A member of the request, by its name in either form; else what the API takes for it. */
static void echo(weir_writer *w, const weir_exchange *x, const char *name, const char *canonical,
                 const char *otherwise)
{
    const weir_json *doc = x->request;
    uint32_t value = WEIR_JSON_NONE;

    if (doc)
        value = weir_json_find(doc, 0, x->native || !canonical ? name : canonical);
    if (doc && value == WEIR_JSON_NONE && !x->native)
        value = weir_json_find(doc, resp_vendor(doc, 0), name);
    weir_write_key(w, name);
    if (value == WEIR_JSON_NONE || weir_json_is_null(doc, value))
        weir_write_raw(w, weir_str_of(otherwise));
    else
        weir_write_value(w, doc, value);
}

static void echo_instructions(weir_writer *w, const weir_exchange *x)
{
    const weir_json *doc = x->request;
    uint32_t first = doc ? weir_json_path(doc, 0, "messages.0") : WEIR_JSON_NONE;

    if (!doc || x->native || !weir_json_is(doc, weir_json_find(doc, first, "role"), "system")) {
        echo(w, x, "instructions", NULL, "null");
        return;
    }
    weir_write_key(w, "instructions");
    weir_write_text(w, weir_json_text(doc, weir_json_find(doc, first, "content")));
}

/* Something that one of the writers of requests writes, if it is there; else what it would be. */
static void echo_written(weir_writer *w, const weir_exchange *x, const char *name,
                         weir_result (*write)(struct resp_encode *r), const char *otherwise)
{
    struct resp_encode r = { .x = x, .doc = x->request, .w = w };
    size_t before = w->len;

    if (!x->request || x->native) {
        echo(w, x, name, NULL, otherwise);
        return;
    }
    write(&r);
    if (w->len == before) {
        weir_write_key(w, name);
        weir_write_raw(w, weir_str_of(otherwise));
    }
}

static weir_result echo_text(struct resp_encode *r)
{
    resp_write_text_config(r);
    return WEIR_OK;
}

static weir_result echo_reasoning(struct resp_encode *r)
{
    resp_write_reasoning(r);
    return WEIR_OK;
}

void resp_write_response(weir_writer *w, const weir_dialect_config *cfg, const weir_exchange *x,
                         const struct resp_answer *a)
{
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, a->id);
    weir_write_key(w, "object");
    weir_write_literal(w, "response");
    weir_write_key(w, "created_at");
    weir_write_int64(w, a->created);
    response_ends(w, a);
    weir_write_key(w, "background");
    weir_write_bool(w, false);
    echo_instructions(w, x);
    echo(w, x, "max_output_tokens", "max_completion_tokens", "null");
    echo(w, x, "max_tool_calls", NULL, "null");
    echo(w, x, "metadata", NULL, "{}");
    weir_write_key(w, "model");
    weir_write_string(w, a->model.len ? a->model : x->asked_model);
    response_output(w, cfg, x, a->answer);
    echo(w, x, "parallel_tool_calls", NULL, "true");
    weir_write_key(w, "previous_response_id");
    weir_write_null(w);
    echo(w, x, "prompt_cache_key", NULL, "null");
    echo_written(w, x, "reasoning", echo_reasoning, "{\"effort\":null,\"summary\":null}");
    echo(w, x, "safety_identifier", NULL, "null");
    echo(w, x, "service_tier", NULL, "\"default\"");
    weir_write_key(w, "store"); /* nobody keeps it */
    weir_write_bool(w, false);
    echo(w, x, "temperature", NULL, "1.0");
    echo_written(w, x, "text", echo_text, "{\"format\":{\"type\":\"text\"}}");
    echo_written(w, x, "tool_choice", resp_write_tool_choice, "\"auto\"");
    echo_written(w, x, "tools", resp_write_tools, "[]");
    echo(w, x, "top_logprobs", NULL, "0");
    echo(w, x, "top_p", NULL, "1.0");
    echo(w, x, "truncation", NULL, "\"disabled\"");
    response_usage(w, a->answer);
    echo(w, x, "user", NULL, "null");
    weir_write_end_object(w);
}

weir_result resp_write_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                              const weir_reply_sink *out)
{
    char buf[48];
    struct resp_answer a = { .id = resp_answer_id(x, answer->id, buf),
                             .model = answer->model,
                             .created =
                                 oai_created((const weir_dialect_config *)cfg, x, answer->extra),
                             .status = resp_status(answer),
                             .answer = answer };
    weir_writer w;
    weir_str json;

    weir_writer_init(&w, &x->arena, 2048);
    resp_write_response(&w, (const weir_dialect_config *)cfg, x, &a);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return weir_reply_document(out, 200, OAI_JSON, json);
}
