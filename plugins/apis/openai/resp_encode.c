/*
 * resp_encode.c - the body of a request to the Responses API: the application's own with the model
 * put right, or one written from the canonical form.
 */
#include "responses.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/splice.h>

/* What becomes of a member of the canonical request. */
enum { TOP_COPY, TOP_COUNT, TOP_WRITTEN, TOP_SILENT, TOP_DROP };

static const struct top {
    const char *key;
    int how; /* TOP_COUNT: copied for both operations */
} top_members[] = {
    { "previous_response_id", TOP_COUNT },
    { "parallel_tool_calls", TOP_COUNT },
    { "temperature", TOP_COPY },
    { "top_p", TOP_COPY },
    { "top_logprobs", TOP_COPY },
    { "metadata", TOP_COPY },
    { "user", TOP_COPY },
    { "safety_identifier", TOP_COPY },
    { "prompt_cache_key", TOP_COPY },
    { "prompt_cache_retention", TOP_COPY },
    { "prompt_cache_options", TOP_COPY },
    { "service_tier", TOP_COPY },
    { "store", TOP_COPY },
    { "stream", TOP_COPY },
    { "model", TOP_WRITTEN },
    { "messages", TOP_WRITTEN },
    { "tools", TOP_WRITTEN },
    { "tool_choice", TOP_WRITTEN },
    { "functions", TOP_WRITTEN },
    { "function_call", TOP_WRITTEN },
    { "response_format", TOP_WRITTEN },
    { "verbosity", TOP_WRITTEN },
    { "reasoning_effort", TOP_WRITTEN },
    { "reasoning_summary", TOP_WRITTEN },
    { "max_completion_tokens", TOP_WRITTEN },
    { "max_tokens", TOP_WRITTEN },
    { "logprobs", TOP_WRITTEN },
    { "vendor", TOP_WRITTEN },
    { "n", TOP_WRITTEN },
    { "reasoning_budget_tokens", TOP_DROP },
    { "stream_options", TOP_SILENT }, /* usage always comes */
};

static const struct top *top_find(const weir_json *doc, uint32_t key)
{
    for (size_t i = 0; i < sizeof(top_members) / sizeof(top_members[0]); i++) {
        if (weir_json_is(doc, key, top_members[i].key))
            return &top_members[i];
    }
    return NULL;
}

uint32_t resp_vendor(const weir_json *doc, uint32_t object)
{
    return weir_json_find(doc, weir_json_find(doc, object, "vendor"), RESP_API);
}

void resp_merge(weir_writer *w, const weir_json *doc, uint32_t object)
{
    WEIR_JSON_EACH_MEMBER(doc, resp_vendor(doc, object), key, value)
    {
        if (weir_json_is(doc, key, "item"))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
}

weir_result resp_dropped(const struct resp_encode *r, const char *list, uint32_t number,
                         const char *what, const char *why)
{
    char digits[WEIR_NUMBER_ROOM];
    weir_str parts[6] = { WEIR_S("/"), weir_str_of(list), WEIR_S("/"),
                          WEIR_S("0"), WEIR_S("/"),       weir_str_of(what) };
    weir_str pointer;

    if (!r->out)
        return WEIR_OK;
    parts[3] = weir_str_make(digits, weir_number_print_uint64(digits, number));
    pointer = weir_str_join(&r->x->arena, parts, *what ? 6 : 4);
    if (!pointer.ptr)
        return WEIR_NO_MEMORY;
    return r->out->dropped(r->out->ctx, pointer, weir_str_of(why));
}

static weir_result top_dropped(const struct resp_encode *r, uint32_t key, const char *why)
{
    weir_str parts[2] = { WEIR_S("/"), weir_json_inner(r->doc, key) };
    weir_str pointer = weir_str_join(&r->x->arena, parts, 2);

    if (!pointer.ptr)
        return WEIR_NO_MEMORY;
    return r->out->dropped(r->out->ctx, pointer, weir_str_of(why));
}

/* Members that go over as they are, and those that cannot. What the vendor extension says of the
 * same member counts more. */
static weir_result top_copy(const struct resp_encode *r)
{
    const weir_json *doc = r->doc;
    uint32_t vendor = resp_vendor(doc, 0);

    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        const struct top *top = top_find(doc, key);
        weir_str name = weir_json_inner(doc, key);
        bool provider = weir_json_is(doc, key, "provider") && weir_json_is_string(doc, value);

        if (weir_json_is_null(doc, value) || provider || (top && top->how == TOP_SILENT) ||
            (top && top->how == TOP_WRITTEN))
            continue;
        if (top && top->how == TOP_DROP) {
            WEIR_TRY(top_dropped(r, key, "told as an effort, which the Responses API has instead"));
        } else if (!top) {
            WEIR_TRY(top_dropped(r, key, "the Responses API has no such parameter"));
        } else if ((r->x->op == WEIR_OP_CHAT || top->how == TOP_COUNT) &&
                   weir_json_find_n(doc, vendor, name.ptr, name.len) == WEIR_JSON_NONE) {
            weir_write_key_text(r->w, weir_json_text(doc, key));
            weir_write_value(r->w, doc, value);
        }
    }
    return WEIR_OK;
}

/* Models that answer with reasoning: of others its ciphertext must not be asked for. */
static bool body_reasons(const struct resp_encode *r)
{
    static const char *const globs[] = { "o1*",    "o3*",     "o4*",
                                         "gpt-5*", "*codex*", "*deep-research*",
                                         "grok*",  "gpt-oss*" };
    uint32_t effort = weir_json_find(r->doc, 0, "reasoning_effort");
    weir_str model = r->x->target->model;

    if (weir_json_is_string(r->doc, effort))
        return !weir_json_is(r->doc, effort, "none");
    if (weir_glob(WEIR_S("gpt-5*chat*"), model))
        return false;
    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
        if (weir_glob(weir_str_of(globs[i]), model))
            return true;
    }
    return false;
}

static void include_add(const struct resp_encode *r, uint32_t have, const char *what)
{
    WEIR_JSON_EACH_ITEM(r->doc, have, item)
    {
        if (weir_json_is(r->doc, item, what))
            return;
    }
    weir_write_literal(r->w, what);
}

/* What the application included, logprobs, and reasoning in a form that can be sent back, since it
 * is kept nowhere. */
static void body_include(const struct resp_encode *r, bool store)
{
    const weir_json *doc = r->doc;
    uint32_t have = weir_json_find(doc, resp_vendor(doc, 0), "include");
    bool ours = weir_str_is(r->x->dialect, RESP_DIALECT);
    bool logprobs = false, reasoning = !store && !ours && body_reasons(r);

    weir_json_bool(doc, weir_json_find(doc, 0, "logprobs"), &logprobs);
    if (!weir_json_count(doc, have) && !logprobs && !reasoning)
        return;
    weir_write_key(r->w, "include");
    weir_write_begin_array(r->w);
    WEIR_JSON_EACH_ITEM(doc, have, item)
    {
        weir_write_value(r->w, doc, item);
    }
    if (logprobs)
        include_add(r, have, "message.output_text.logprobs");
    if (reasoning)
        include_add(r, have, "reasoning.encrypted_content");
    weir_write_end_array(r->w);
}

/* Nobody asked for the answer to be kept: it is not. An application that speaks this API knows its
 * default, and has it. */
static void body_store(const struct resp_encode *r)
{
    bool ours = weir_str_is(r->x->dialect, RESP_DIALECT);
    bool store = ours;

    if (!weir_json_bool(r->doc, weir_json_find(r->doc, 0, "store"), &store) && !ours) {
        weir_write_key(r->w, "store");
        weir_write_bool(r->w, false);
    }
    body_include(r, store);
}

/* Members of vendor.openai_responses that are not merged into something else. */
static void body_vendor(const struct resp_encode *r)
{
    static const char *const merged[] = { "text", "reasoning", "include", "tool_choice" };
    static const char *const counted[] = { "truncation", "conversation" };
    const weir_json *doc = r->doc;

    WEIR_JSON_EACH_MEMBER(doc, resp_vendor(doc, 0), key, value)
    {
        bool skip = false, counts = r->x->op == WEIR_OP_CHAT;

        for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++)
            skip = skip || weir_json_is(doc, key, merged[i]);
        for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
            counts = counts || weir_json_is(doc, key, counted[i]);
        if (skip || !counts)
            continue;
        weir_write_key_text(r->w, weir_json_text(doc, key));
        weir_write_value(r->w, doc, value);
    }
}

static weir_result body_limits(const struct resp_encode *r)
{
    static const char *const names[] = { "/max_completion_tokens", "/max_tokens" };
    const weir_json *doc = r->doc;
    bool written = false;
    int64_t n = 1;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !written; i++) {
        uint32_t limit = weir_json_find(doc, 0, names[i] + 1);

        written = weir_json_is_number(doc, limit);
        if (written) {
            weir_write_key(r->w, "max_output_tokens");
            weir_write_value(r->w, doc, limit);
        } else if (limit != WEIR_JSON_NONE && !weir_json_is_null(doc, limit)) {
            WEIR_TRY(weir_http_dropped(r->out, names[i], "it is no number of tokens"));
        }
    }
    if (!weir_json_int64(doc, weir_json_find(doc, 0, "n"), &n) || n <= 1)
        return WEIR_OK;
    WEIR_TRY(weir_http_dropped(r->out, "/n", "the Responses API has one answer"));
    return WEIR_UNSUPPORTED;
}

static weir_result body_canonical(const weir_exchange *x, const weir_http_sink *out)
{
    struct resp_encode r = { .x = x, .doc = x->request, .out = out };
    bool chat = x->op == WEIR_OP_CHAT;
    weir_writer w;
    weir_str body;

    weir_writer_init(&w, &x->arena, x->body.len + 512);
    r.w = &w;
    weir_write_begin_object(&w);
    weir_write_key(&w, "model");
    if (x->target->model.len)
        weir_write_string(&w, x->target->model);
    else
        weir_write_text(&w, weir_json_text(r.doc, weir_json_find(r.doc, 0, "model")));
    WEIR_TRY(resp_write_input(&r));
    WEIR_TRY(resp_write_tools(&r));
    WEIR_TRY(resp_write_tool_choice(&r));
    resp_write_text_config(&r);
    resp_write_reasoning(&r);
    if (chat) {
        WEIR_TRY(body_limits(&r));
        body_store(&r);
    }
    WEIR_TRY(top_copy(&r));
    body_vendor(&r);
    WEIR_TRY(oai_drop_vendors(x, out, WEIR_S(""), 0, RESP_API));
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));
    return out->body(out->ctx, body);
}

/* The id of an item that is of use without it. */
static uint32_t native_item_id(const weir_json *doc, uint32_t item)
{
    uint32_t type = weir_json_find(doc, item, "type");

    if (type != WEIR_JSON_NONE && !weir_json_is(doc, type, "message") &&
        !weir_json_is(doc, type, "function_call") && !weir_json_is(doc, type, "custom_tool_call"))
        return WEIR_JSON_NONE;
    return weir_json_find(doc, item, "id");
}

static bool native_is_reasoning(const weir_json *doc, uint32_t item)
{
    return weir_json_is(doc, weir_json_find(doc, item, "type"), "reasoning");
}

/* Items without what only another provider can read or find: its reasoning, and its ids, since an
 * item that is known by its id must not come without the reasoning before it. */
static weir_result native_input(const weir_exchange *x, const weir_http_sink *out, weir_str *json)
{
    const weir_json *doc = x->request;
    struct resp_encode r = { .x = x, .doc = doc, .out = out };
    uint32_t input = weir_json_find(doc, 0, "input"), number = 0;
    weir_writer w;

    *json = WEIR_S("");
    if (!weir_json_is_array(doc, input))
        return WEIR_OK;
    weir_writer_init(&w, &x->arena, weir_json_raw(doc, input).len + 16);
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, input, item)
    {
        uint32_t id = native_item_id(doc, item);

        if (native_is_reasoning(doc, item)) {
            WEIR_TRY(resp_dropped(&r, "input", number++, "", "another provider made it"));
            continue;
        }
        if (id == WEIR_JSON_NONE) {
            weir_write_value(&w, doc, item);
            number++;
            continue;
        }
        WEIR_TRY(resp_dropped(&r, "input", number++, "id", "it is another provider's"));
        weir_write_begin_object(&w);
        WEIR_JSON_EACH_MEMBER(doc, item, key, value)
        {
            if (weir_json_is(doc, key, "id"))
                continue;
            weir_write_key_text(&w, weir_json_text(doc, key));
            weir_write_value(&w, doc, value);
        }
        weir_write_end_object(&w);
    }
    weir_write_end_array(&w);
    return weir_writer_finish(&w, json);
}

/* The model as it is routed; more than one member of that name would be read by some as another. */
static weir_result body_native(const weir_exchange *x, const weir_http_sink *out)
{
    const weir_json *doc = x->request;
    weir_text model = weir_text_from(x->target->model);
    uint32_t times = 0, same = 0;
    weir_splice edits[3];
    size_t count = 0;
    weir_str json;
    weir_writer w;

    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        if (weir_json_is(doc, key, "model")) {
            times++;
            same += weir_text_equal(weir_json_text(doc, value), model);
        }
    }
    if (model.len && (times != 1 || !same)) {
        weir_writer_init(&w, &x->arena, model.len + 8);
        weir_write_string(&w, x->target->model);
        WEIR_TRY(weir_writer_finish(&w, &json));
        edits[count++] = weir_splice_set("model", json);
    }
    if (weir_json_is_string(doc, weir_json_find(doc, 0, "provider")))
        edits[count++] = weir_splice_remove("provider");
    if (x->foreign) {
        WEIR_TRY(native_input(x, out, &json));
        if (json.len)
            edits[count++] = weir_splice_replace("input", json);
    }
    return weir_splice_write(doc, 0, edits, count, out->body, out->ctx);
}

weir_result resp_write_body(const weir_exchange *x, const weir_http_sink *out)
{
    return x->native ? body_native(x, out) : body_canonical(x, out);
}
