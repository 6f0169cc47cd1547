/*
 * encode.c - the body of a request, out of one that is already nearly it: the application's own, or
 * the canonical one, which is the same schema with extensions.
 *
 * Only what must change is changed; everything else goes out as spans of what came in.
 */
#include "openai.h"

#include <weir/sdk/choice.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/splice.h>

/* stream_options with usage asked for; what the application put there stays. */
static weir_result encode_stream_options(const weir_exchange *x, weir_str *json)
{
    const weir_json *doc = x->request;
    weir_writer w;

    weir_writer_init(&w, &x->arena, 64);
    weir_write_begin_object(&w);
    WEIR_JSON_EACH_MEMBER(doc, weir_json_find(doc, 0, "stream_options"), key, value)
    {
        if (weir_json_is(doc, key, "include_usage"))
            continue;
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_value(&w, doc, value);
    }
    weir_write_key(&w, "include_usage");
    weir_write_bool(&w, true);
    weir_write_end_object(&w);
    return weir_writer_finish(&w, json);
}

/* Also if the member is there more than once: a vendor that goes by the first one would read
 * another model than was routed. */
static bool encode_needs_model(const weir_exchange *x)
{
    weir_text model = weir_text_from(x->target->model);
    uint32_t times = 0;

    if (!model.len)
        return false;
    WEIR_JSON_EACH_MEMBER(x->request, 0, key, value)
    {
        if (!weir_json_key_is(x->request, key, "model", 5))
            continue;
        if (!weir_text_equal(weir_json_text(x->request, value), model))
            return true;
        times++;
    }
    return times != 1;
}

const char *oai_effort_of(int64_t budget)
{
    if (budget < 0)
        return NULL;
    if (budget == 0)
        return "none";
    return budget <= 4096 ? "low" : budget <= 16384 ? "medium" : "high";
}

/* Models known to be told an effort; others refuse a request that names one. */
static bool encode_takes_effort(weir_str model)
{
    static const char *const takes[] = { "o1*", "o3*", "o4*", "gpt-5*", "gpt-oss*", "codex-*" };
    static const char *const not [] = { "o1-mini*", "o1-preview*", "gpt-5*chat*" };
    weir_str rest = model;

    while (rest.len) /* "openai/gpt-5" */
        model = weir_str_split(&rest, '/');
    for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++) {
        if (weir_glob(weir_str_of(not [i]), model))
            return false;
    }
    for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
        if (weir_glob(weir_str_of(takes[i]), model))
            return true;
    }
    return false;
}

/* A budget for reasoning, told as an effort where the model takes one. Without a budget for it not
 * every model can be kept from reasoning, so that is not told. */
static weir_result encode_budget(const weir_exchange *x, const weir_http_sink *out,
                                 weir_splice *edits, size_t *count)
{
    const weir_json *doc = x->request;
    uint32_t budget = weir_json_find(doc, 0, "reasoning_budget_tokens");
    weir_writer w;
    weir_str json;
    int64_t tokens;

    if (budget == WEIR_JSON_NONE)
        return WEIR_OK;
    edits[(*count)++] = weir_splice_remove("reasoning_budget_tokens");
    if (!weir_json_int64(doc, budget, &tokens) || tokens <= 0 ||
        !encode_takes_effort(x->target->model))
        return weir_http_dropped(out, "/reasoning_budget_tokens",
                                 "the OpenAI API has no such parameter");
    weir_writer_init(&w, &x->arena, 16);
    weir_write_literal(&w, oai_effort_of(tokens));
    WEIR_TRY(weir_writer_finish(&w, &json));
    edits[(*count)++] = weir_splice_set("reasoning_effort", json);
    return weir_http_dropped(out, "/reasoning_budget_tokens",
                             "told as an effort, which the OpenAI API has instead");
}

/* Extensions of the canonical form at the top level that this API has no word for. */
static weir_result encode_drop_top(const weir_exchange *x, const weir_http_sink *out,
                                   weir_splice *edits, size_t *count)
{
    static const struct {
        const char *key;
        const char *pointer;
    } extensions[] = {
        { "top_k", "/top_k" },
        { "cache_control", "/cache_control" },
        { "reasoning_summary", "/reasoning_summary" },
        { "previous_response_id", "/previous_response_id" },
    };

    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (weir_json_find(x->request, 0, extensions[i].key) == WEIR_JSON_NONE)
            continue;
        edits[(*count)++] = weir_splice_remove(extensions[i].key);
        WEIR_TRY(
            weir_http_dropped(out, extensions[i].pointer, "the OpenAI API has no such parameter"));
    }
    if (weir_json_find(x->request, 0, "vendor") != WEIR_JSON_NONE)
        edits[(*count)++] = weir_splice_remove("vendor");
    return oai_drop_vendors(x, out, WEIR_S(""), 0, NULL);
}

/* The limit under the one name that the vendor knows. If both are there, the newer one counts. */
static void encode_limit(const struct oai_config *cfg, const weir_exchange *x, weir_splice *edits,
                         size_t *count)
{
    static const char *const names[] = { "max_completion_tokens", "max_tokens" };
    const char *name = names[oai_is_classic(cfg, x)], *other = names[!oai_is_classic(cfg, x)];
    const weir_json *doc = x->request;
    uint32_t limit = weir_json_find(doc, 0, names[0]);

    if (!weir_json_is_number(doc, limit))
        limit = weir_json_find(doc, 0, names[1]);
    if (!weir_json_is_number(doc, limit) || weir_json_find(doc, 0, other) == WEIR_JSON_NONE)
        return;
    edits[(*count)++] = weir_splice_remove(other);
    edits[(*count)++] = weir_splice_set(name, weir_json_raw(doc, limit));
}

/* Messages and tools in the plain form, where they are not in it. */
static weir_result encode_lower(const struct oai_config *cfg, const weir_exchange *x,
                                const weir_http_sink *out, weir_splice *edits, size_t *count)
{
    weir_str json;
    bool none;

    WEIR_TRY(oai_lower_messages(cfg, x, out, &json));
    if (json.len)
        edits[(*count)++] = weir_splice_replace("messages", json);
    WEIR_TRY(oai_lower_tools(x, out, &json, &none));
    if (none) {
        edits[(*count)++] = weir_splice_remove("tools");
        edits[(*count)++] = weir_splice_remove("tool_choice");
        edits[(*count)++] = weir_splice_remove("parallel_tool_calls");
        return weir_choice_forces(x->request)
                   ? weir_http_dropped(out, "/tool_choice", "there is no tool left to choose")
                   : WEIR_OK;
    }
    if (json.len)
        edits[(*count)++] = weir_splice_replace("tools", json);
    WEIR_TRY(oai_lower_choice(x, out, &json));
    if (json.len)
        edits[(*count)++] = weir_splice_replace("tool_choice", json);
    return WEIR_OK;
}

weir_result oai_write_body(const struct oai_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out)
{
    const weir_json *doc = x->request;
    weir_splice edits[20];
    size_t count = 0;
    weir_str json;
    weir_writer w;

    if (encode_needs_model(x)) {
        weir_writer_init(&w, &x->arena, x->target->model.len + 8);
        weir_write_string(&w, x->target->model);
        WEIR_TRY(weir_writer_finish(&w, &json));
        edits[count++] = weir_splice_set("model", json);
    }
    /* A string is addressed to us; OpenRouter has an object of that name. */
    if (weir_json_is_string(doc, weir_json_find(doc, 0, "provider")))
        edits[count++] = weir_splice_remove("provider");
    if (oai_forces_usage(cfg, x)) {
        WEIR_TRY(encode_stream_options(x, &json));
        edits[count++] = weir_splice_set("stream_options", json);
    }
    if (!x->native && x->op == WEIR_OP_CHAT) {
        WEIR_TRY(encode_drop_top(x, out, edits, &count));
        WEIR_TRY(encode_budget(x, out, edits, &count));
        encode_limit(cfg, x, edits, &count);
        WEIR_TRY(encode_lower(cfg, x, out, edits, &count));
    } else if (x->foreign && x->op == WEIR_OP_CHAT) {
        WEIR_TRY(oai_lower_messages(cfg, x, out, &json));
        if (json.len)
            edits[count++] = weir_splice_replace("messages", json);
    }
    return weir_splice_write(doc, 0, edits, count, out->body, out->ctx);
}
