/*
 * encode.c - the body of a request: the application's own with the model put right, or one written
 * from the canonical form.
 */
#include "gemini.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/splice.h>
#include <weir/sdk/vendor.h>

/* -- What was left out ------------------------------------------------------------------------ */

weir_result gem_dropped(const struct gem_encoding *e, const struct gem_place *at, const char *tail,
                        const char *why)
{
    weir_str pointer;
    weir_writer w;

    weir_writer_init(&w, &e->x->arena, 64);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? at->sub : at->list;
        char digits[WEIR_NUMBER_ROOM];

        if (!name || !*name)
            continue;
        weir_write_byte(&w, '/');
        weir_write_bytes(&w, name, strlen(name));
        weir_write_byte(&w, '/');
        weir_write_bytes(&w, digits,
                         weir_number_print_uint64(digits, i ? at->subindex : at->index));
    }
    if (*tail) {
        weir_write_byte(&w, '/');
        weir_write_bytes(&w, tail, strlen(tail));
    }
    WEIR_TRY(weir_writer_finish(&w, &pointer));
    return e->out->dropped(e->out->ctx, pointer, weir_str_of(why));
}

/* Where a vendor's member is told of. */
struct vendor_place {
    const struct gem_encoding *e;
    const struct gem_place *at;
};

static weir_result vendor_dropped(void *ctx, const weir_str *parts, size_t count)
{
    const struct vendor_place *p = (const struct vendor_place *)ctx;
    const char *tail = weir_pointer_tail(&p->e->x->arena, parts, count);

    return tail ? gem_dropped(p->e, p->at, tail, WEIR_VENDOR_WHY) : WEIR_NO_MEMORY;
}

weir_result gem_vendor(const struct gem_encoding *e, uint32_t object, const struct gem_place *at,
                       uint32_t *vendor)
{
    uint32_t all = weir_json_find(e->doc, object, "vendor");
    struct vendor_place place = { e, at };

    *vendor = weir_json_find(e->doc, all, "gemini");
    if (!weir_json_is_object(e->doc, *vendor))
        *vendor = WEIR_JSON_NONE;
    return weir_vendor_others(&e->x->arena, e->doc, object, "gemini", vendor_dropped, &place);
}

/* null, false and empty things ask for nothing. */
static bool asks_nothing(const weir_json *doc, uint32_t value)
{
    unsigned type = weir_json_type(doc, value);

    return type == WEIR_JSON_NULL || type == WEIR_JSON_FALSE || weir_json_is(doc, value, "") ||
           (type >= WEIR_JSON_ARRAY && weir_json_count(doc, value) == 0);
}

weir_result gem_drop_unknown(const struct gem_encoding *e, const struct gem_place *at,
                             uint32_t object, const char *under, const char *const *known)
{
    weir_str parts[2] = { weir_str_of(under) };
    size_t count = *under ? 2 : 1;
    const char *tail;

    WEIR_JSON_EACH_MEMBER(e->doc, object, key, value)
    {
        bool is_known = asks_nothing(e->doc, value);

        for (const char *const *name = known; *name && !is_known; name++)
            is_known = weir_json_is(e->doc, key, *name);
        if (is_known)
            continue;
        parts[count - 1] = weir_json_str(e->doc, key, &e->x->arena);
        tail = weir_pointer_tail(&e->x->arena, parts, count);
        if (!tail)
            return WEIR_NO_MEMORY;
        WEIR_TRY(gem_dropped(e, at, tail, "the Gemini API has no such member"));
    }
    return WEIR_OK;
}

/* -- Requests of this API --------------------------------------------------------------------- */

/* Whether a member names another model than the target's. */
static bool native_wrong(const weir_exchange *x, uint32_t model)
{
    weir_str named = weir_json_str(x->request, model, &x->arena);

    return weir_json_is_string(x->request, model) && x->target->model.len &&
           !weir_str_equal(gem_model_bare(named), gem_model_bare(x->target->model));
}

static void native_object(weir_writer *w, const weir_json *doc, uint32_t object, weir_str model)
{
    if (!weir_json_is_object(doc, object)) {
        weir_write_value(w, doc, object);
        return;
    }
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        weir_write_key_text(w, weir_json_text(doc, key));
        if (weir_json_is(doc, key, "model"))
            weir_write_string(w, model);
        else
            weir_write_value(w, doc, value);
    }
    weir_write_end_object(w);
}

/* `requests` of a batch, or the request that is counted: each names its model. Empty: it is right
 * as it is. */
static weir_result native_nested(const weir_exchange *x, uint32_t value, weir_str model,
                                 weir_str *json)
{
    const weir_json *doc = x->request;
    bool wrong = native_wrong(x, weir_json_find(doc, value, "model"));
    weir_writer w;

    *json = weir_str_make("", 0);
    WEIR_JSON_EACH_ITEM(doc, value, item)
    {
        wrong = wrong || native_wrong(x, weir_json_find(doc, item, "model"));
    }
    if (!wrong)
        return WEIR_OK;
    weir_writer_init(&w, &x->arena, weir_json_raw(doc, value).len + 256);
    if (weir_json_is_array(doc, value)) {
        weir_write_begin_array(&w);
        WEIR_JSON_EACH_ITEM(doc, value, item)
        {
            native_object(&w, doc, item, model);
        }
        weir_write_end_array(&w);
    } else {
        native_object(&w, doc, value, model);
    }
    return weir_writer_finish(&w, json);
}

static weir_result native_body(const weir_exchange *x, const weir_http_sink *out)
{
    static const char *const nested[] = { "requests", "generateContentRequest",
                                          "generate_content_request" };
    const weir_json *doc = x->request;
    weir_str model = gem_model_resource(&x->arena, x->target->model);
    weir_splice edits[6];
    size_t count = 0;
    weir_writer w;

    if (!model.ptr)
        return WEIR_NO_MEMORY;
    if (native_wrong(x, weir_json_find(doc, 0, "model"))) {
        edits[count] = weir_splice_replace("model", weir_str_make("", 0));
        weir_writer_init(&w, &x->arena, model.len + 8);
        weir_write_string(&w, model);
        WEIR_TRY(weir_writer_finish(&w, &edits[count++].json));
    }
    for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++) {
        weir_str json;

        WEIR_TRY(native_nested(x, weir_json_find(doc, 0, nested[i]), model, &json));
        if (json.len)
            edits[count++] = weir_splice_replace(nested[i], json);
    }
    if (weir_json_is_string(doc, weir_json_find(doc, 0, "provider")))
        edits[count++] = weir_splice_remove("provider");
    return weir_splice_write(doc, 0, edits, count, out->body, out->ctx);
}

/* -- Chat and counts -------------------------------------------------------------------------- */

/* Members of the canonical request that are written somewhere, or say nothing here. */
static const char *const chat_known[] = { "model",
                                          "messages",
                                          "stream",
                                          "stream_options",
                                          "max_completion_tokens",
                                          "max_tokens",
                                          "temperature",
                                          "top_p",
                                          "top_k",
                                          "frequency_penalty",
                                          "presence_penalty",
                                          "seed",
                                          "n",
                                          "logprobs",
                                          "top_logprobs",
                                          "stop",
                                          "tools",
                                          "tool_choice",
                                          "functions",
                                          "function_call",
                                          "response_format",
                                          "reasoning_effort",
                                          "reasoning_budget_tokens",
                                          "reasoning_summary",
                                          "modalities",
                                          "service_tier",
                                          "vendor",
                                          NULL };

/* Parallel calls are what this API makes anyway. */
static bool chat_asks_nothing(const weir_json *doc, uint32_t key, uint32_t value)
{
    if (weir_json_is(doc, key, "parallel_tool_calls"))
        return weir_json_type(doc, value) != WEIR_JSON_FALSE;
    return asks_nothing(doc, value);
}

static weir_result chat_drop_unknown(const struct gem_encoding *e)
{
    weir_str parts[2] = { WEIR_S("/"), WEIR_S("") };

    WEIR_JSON_EACH_MEMBER(e->doc, 0, key, value)
    {
        bool known = chat_asks_nothing(e->doc, key, value);
        weir_str pointer;

        for (const char *const *name = chat_known; *name && !known; name++)
            known = weir_json_is(e->doc, key, *name);
        if (known)
            continue;
        parts[1] = weir_json_inner(e->doc, key);
        pointer = weir_str_join(&e->x->arena, parts, 2);
        if (!pointer.ptr)
            return WEIR_NO_MEMORY;
        WEIR_TRY(
            e->out->dropped(e->out->ctx, pointer, WEIR_S("the Gemini API has no such parameter")));
    }
    return WEIR_OK;
}

static weir_result chat_service_tier(struct gem_encoding *e)
{
    static const struct gem_place top = { "", 0, NULL, 0 };
    uint32_t tier = weir_json_find(e->doc, 0, "service_tier");

    if (!weir_json_is_string(e->doc, tier) || weir_json_is(e->doc, tier, "auto"))
        return WEIR_OK;
    if (weir_json_is(e->doc, tier, "default") || weir_json_is(e->doc, tier, "standard")) {
        weir_write_key(&e->w, "serviceTier");
        weir_write_literal(&e->w, "standard");
        return WEIR_OK;
    }
    if (!weir_json_is(e->doc, tier, "flex") && !weir_json_is(e->doc, tier, "priority"))
        return gem_dropped(e, &top, "service_tier", "the Gemini API has no such tier");
    weir_write_key(&e->w, "serviceTier");
    weir_write_value(&e->w, e->doc, tier);
    return WEIR_OK;
}

static weir_result chat_request(struct gem_encoding *e)
{
    weir_write_begin_object(&e->w);
    if (e->x->op == WEIR_OP_COUNT) {
        weir_write_key(&e->w, "model");
        weir_write_string(&e->w, gem_model_resource(&e->x->arena, e->x->target->model));
    }
    WEIR_TRY(gem_write_contents(e));
    WEIR_TRY(gem_write_tools(e));
    WEIR_TRY(gem_write_config(e));
    WEIR_TRY(chat_service_tier(e));
    WEIR_TRY(chat_drop_unknown(e));
    weir_write_end_object(&e->w);
    return WEIR_OK;
}

void gem_write_merged(weir_writer *w, const weir_json *ours, uint32_t a, const weir_json *theirs,
                      uint32_t b)
{
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(ours, a, key, value)
    {
        weir_text name = weir_json_text(ours, key);
        uint32_t over = weir_json_find_n(theirs, b, name.ptr, name.len);

        weir_write_key_text(w, name);
        if (weir_json_is_object(ours, value) && weir_json_is_object(theirs, over))
            gem_write_merged(w, ours, value, theirs, over); /* as deep as we write: four */
        else if (over != WEIR_JSON_NONE)
            weir_write_value(w, theirs, over);
        else
            weir_write_value(w, ours, value);
    }
    WEIR_JSON_EACH_MEMBER(theirs, b, key, value)
    {
        weir_text name = weir_json_text(theirs, key);

        if (weir_json_find_n(ours, a, name.ptr, name.len) != WEIR_JSON_NONE)
            continue;
        weir_write_key_text(w, name);
        weir_write_value(w, theirs, value);
    }
    weir_write_end_object(w);
}

/* The request with what the application said in this API's own words. */
static weir_result chat_merge(struct gem_encoding *e, uint32_t vendor, weir_str *json)
{
    weir_json ours;

    if (vendor == WEIR_JSON_NONE)
        return WEIR_OK;
    if (!e->cfg->json)
        return WEIR_UNSUPPORTED;
    WEIR_TRY(e->cfg->json->scan(&e->x->arena, *json, &ours, NULL));
    weir_writer_init(&e->w, &e->x->arena, json->len + weir_json_raw(e->doc, vendor).len + 64);
    gem_write_merged(&e->w, &ours, 0, e->doc, vendor);
    return weir_writer_finish(&e->w, json);
}

static weir_result chat_body(struct gem_encoding *e)
{
    static const struct gem_place top = { "", 0, NULL, 0 };
    const weir_http_sink *out = e->out;
    uint32_t vendor;
    weir_str json;

    weir_writer_init(&e->w, &e->x->arena, e->doc->bytes.len + 512);
    WEIR_TRY(gem_vendor(e, 0, &top, &vendor));
    WEIR_TRY(chat_request(e));
    WEIR_TRY(weir_writer_finish(&e->w, &json));
    WEIR_TRY(chat_merge(e, vendor, &json));
    if (e->x->op != WEIR_OP_COUNT)
        return out->body(out->ctx, json);
    WEIR_TRY(out->body(out->ctx, WEIR_S("{\"generateContentRequest\":")));
    WEIR_TRY(out->body(out->ctx, json));
    return out->body(out->ctx, WEIR_S("}"));
}

/* -- Embeddings ------------------------------------------------------------------------------- */

static void embed_member(struct gem_encoding *e, const char *name, const char *canonical)
{
    uint32_t value = weir_json_find(e->doc, 0, canonical);

    if (value == WEIR_JSON_NONE || weir_json_is_null(e->doc, value))
        return;
    weir_write_key(&e->w, name);
    weir_write_value(&e->w, e->doc, value);
}

static void embed_one(struct gem_encoding *e, uint32_t text, weir_str model, uint32_t vendor)
{
    weir_writer *w = &e->w;

    weir_write_begin_object(w);
    weir_write_key(w, "model");
    weir_write_string(w, model);
    weir_write_key(w, "content");
    weir_write_begin_object(w);
    weir_write_key(w, "parts");
    weir_write_begin_array(w);
    weir_write_begin_object(w);
    weir_write_key(w, "text");
    weir_write_value(w, e->doc, text);
    weir_write_end_object(w);
    weir_write_end_array(w);
    weir_write_end_object(w);
    embed_member(e, "taskType", "task_type");
    embed_member(e, "title", "title");
    embed_member(e, "outputDimensionality", "dimensions");
    weir_write_members(w, weir_json_inner(e->doc, vendor));
    weir_write_end_object(w);
}

static weir_result embed_drop_unknown(const struct gem_encoding *e)
{
    static const char *const known[] = { "model",     "input", "dimensions", "encoding_format",
                                         "task_type", "title", "vendor",     NULL };
    weir_str parts[2] = { WEIR_S("/"), WEIR_S("") };

    WEIR_JSON_EACH_MEMBER(e->doc, 0, key, value)
    {
        bool is_known = chat_asks_nothing(e->doc, key, value);

        for (const char *const *name = known; *name && !is_known; name++)
            is_known = weir_json_is(e->doc, key, *name);
        if (is_known)
            continue;
        parts[1] = weir_json_inner(e->doc, key);
        parts[1] = weir_str_join(&e->x->arena, parts, 2);
        if (!parts[1].ptr)
            return WEIR_NO_MEMORY;
        WEIR_TRY(
            e->out->dropped(e->out->ctx, parts[1], WEIR_S("the Gemini API has no such parameter")));
    }
    return WEIR_OK;
}

/* Token numbers instead of text are another vendor's, and mean nothing here. */
static weir_result embed_check(const struct gem_encoding *e, uint32_t input)
{
    static const struct gem_place top = { "", 0, NULL, 0 };
    bool good = weir_json_is_string(e->doc, input) || weir_json_count(e->doc, input);

    WEIR_JSON_EACH_ITEM(e->doc, input, item)
    {
        good = good && weir_json_is_string(e->doc, item);
    }
    if (good)
        return WEIR_OK;
    WEIR_TRY(gem_dropped(e, &top, "input", "only texts can be embedded, not numbers of tokens"));
    return WEIR_UNSUPPORTED;
}

static weir_result embed_body(struct gem_encoding *e)
{
    static const struct gem_place top = { "", 0, NULL, 0 };
    uint32_t input = weir_json_find(e->doc, 0, "input"), vendor;
    weir_str model = gem_model_resource(&e->x->arena, e->x->target->model), json;

    weir_writer_init(&e->w, &e->x->arena, e->doc->bytes.len + 512);
    WEIR_TRY(embed_check(e, input));
    WEIR_TRY(gem_vendor(e, 0, &top, &vendor));
    WEIR_TRY(embed_drop_unknown(e));
    if (weir_json_is_string(e->doc, input)) {
        embed_one(e, input, model, vendor);
    } else {
        weir_write_begin_object(&e->w);
        weir_write_key(&e->w, "requests");
        weir_write_begin_array(&e->w);
        WEIR_JSON_EACH_ITEM(e->doc, input, item)
        {
            embed_one(e, item, model, vendor);
        }
        weir_write_end_array(&e->w);
        weir_write_end_object(&e->w);
    }
    WEIR_TRY(weir_writer_finish(&e->w, &json));
    return e->out->body(e->out->ctx, json);
}

weir_result gem_write_body(const struct gem_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out)
{
    struct gem_encoding e;

    if (x->native)
        return native_body(x, out);
    memset(&e, 0, sizeof(e));
    e.cfg = cfg;
    e.x = x;
    e.doc = x->request;
    e.out = out;
    e.takes = gem_model_takes(x->target->model);
    return x->op == WEIR_OP_EMBED ? embed_body(&e) : chat_body(&e);
}
