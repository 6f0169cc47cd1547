/*
 * encode.c - the body of a request.
 *
 * The application's own passes with nothing but the model changed. A canonical one is written anew,
 * and whatever Ollama has no word for is told.
 */
#include "ollama.h"

#include <weir/sdk/forward.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* -- What is left out ------------------------------------------------------------------------- */

weir_result olm_dropped(const struct olm_encoding *n, const char *why, const weir_str *parts,
                        size_t count)
{
    const char *tail = weir_pointer_tail(&n->x->arena, parts, count);
    weir_str pointer[2] = { WEIR_S("/") };

    if (!tail)
        return WEIR_NO_MEMORY;
    pointer[1] = weir_str_of(tail);
    pointer[0] = weir_str_join(&n->x->arena, pointer, 2);
    return pointer[0].ptr ? n->out->dropped(n->out->ctx, pointer[0], weir_str_of(why))
                          : WEIR_NO_MEMORY;
}

weir_result olm_dropped_top(const struct olm_encoding *n, const char *key, const char *why)
{
    weir_str part = weir_str_of(key);

    return olm_dropped(n, why, &part, 1);
}

bool olm_says_nothing(const weir_json *doc, uint32_t value)
{
    bool truth = true;

    weir_json_bool(doc, value, &truth);
    return weir_json_is_null(doc, value) || !truth || weir_json_is(doc, value, "") ||
           (weir_json_type(doc, value) >= WEIR_JSON_ARRAY && weir_json_count(doc, value) == 0);
}

/* Where a vendor's member is told of. */
struct vendor_place {
    const struct olm_encoding *n;
    const weir_str *where;
    size_t count;
};

static weir_result vendor_dropped(void *ctx, const weir_str *parts, size_t count)
{
    const struct vendor_place *p = (const struct vendor_place *)ctx;
    weir_str all[5 + WEIR_VENDOR_PARTS];

    if (p->count > 5)
        return WEIR_INTERNAL;
    for (size_t i = 0; i < p->count; i++)
        all[i] = p->where[i];
    for (size_t i = 0; i < count; i++)
        all[p->count + i] = parts[i];
    return olm_dropped(p->n, WEIR_VENDOR_WHY, all, p->count + count);
}

weir_result olm_drop_vendors_at(const struct olm_encoding *n, uint32_t object,
                                const weir_str *where, size_t count)
{
    struct vendor_place place = { n, where, count };

    return weir_vendor_others(&n->x->arena, n->doc, object, "ollama", vendor_dropped, &place);
}

weir_result olm_write_vendor(struct olm_encoding *n, uint32_t object, const weir_str *where,
                             size_t count)
{
    uint32_t own = weir_json_path(n->doc, object, "vendor.ollama");

    if (weir_json_is_object(n->doc, own))
        weir_write_members(&n->w, weir_json_inner(n->doc, own));
    return olm_drop_vendors_at(n, object, where, count);
}

/* -- A canonical request ---------------------------------------------------------------------- */

/* Members that are written or told elsewhere. */
static bool encode_knows(const weir_json *doc, uint32_t key)
{
    static const char *const known[] = {
        "model",
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
        "stop",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "response_format",
        "reasoning_effort",
        "reasoning_budget_tokens",
        "logprobs",
        "top_logprobs",
        "vendor",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (weir_json_is(doc, key, known[i]))
            return true;
    }
    return false;
}

/* Values that ask for what Ollama does anyway. */
static bool encode_is_default(const weir_json *doc, uint32_t key, uint32_t value)
{
    int64_t number = 0;

    if (olm_says_nothing(doc, value))
        return !weir_json_is(doc, key, "parallel_tool_calls") || weir_json_is_null(doc, value);
    if (weir_json_is(doc, key, "parallel_tool_calls"))
        return true;
    if (weir_json_is(doc, key, "n"))
        return weir_json_int64(doc, value, &number) && number == 1;
    if (weir_json_is(doc, key, "service_tier"))
        return weir_json_is(doc, value, "auto") || weir_json_is(doc, value, "default");
    if (weir_json_is(doc, key, "reasoning_summary"))
        return !weir_json_is(doc, value, "none");
    if (weir_json_is(doc, key, "modalities"))
        return weir_json_count(doc, value) == 1 &&
               weir_json_is(doc, weir_json_item(doc, value, 0), "text");
    return weir_json_is(doc, key, "provider") && weir_json_is_string(doc, value);
}

static weir_result encode_drop_rest(const struct olm_encoding *n)
{
    WEIR_JSON_EACH_MEMBER(n->doc, 0, key, value)
    {
        weir_str name;

        if (encode_knows(n->doc, key) || encode_is_default(n->doc, key, value))
            continue;
        name = weir_json_str(n->doc, key, &n->x->arena);
        if (weir_str_is(name, "parallel_tool_calls"))
            WEIR_TRY(olm_dropped(n, "Ollama cannot be kept to one call at a time", &name, 1));
        else if (weir_str_is(name, "n"))
            WEIR_TRY(olm_dropped(n, "Ollama gives one answer", &name, 1));
        else
            WEIR_TRY(olm_dropped(n, "Ollama has no such parameter", &name, 1));
    }
    return WEIR_OK;
}

static void encode_copy(struct olm_encoding *n, const char *key)
{
    uint32_t value = weir_json_find(n->doc, 0, key);

    if (value == WEIR_JSON_NONE || weir_json_is_null(n->doc, value))
        return;
    weir_write_key(&n->w, key);
    weir_write_value(&n->w, n->doc, value);
}

static weir_result encode_chat(struct olm_encoding *n)
{
    WEIR_TRY(n->endpoint == OLM_GENERATE ? olm_write_prompt(n) : olm_write_messages(n));
    weir_write_key(&n->w, "stream"); /* Ollama streams unless told not to */
    weir_write_bool(&n->w, n->x->stream);
    WEIR_TRY(olm_write_tools(n));
    encode_copy(n, "logprobs");
    encode_copy(n, "top_logprobs");
    WEIR_TRY(olm_write_options(n));
    return encode_drop_rest(n);
}

/* A text or a list of texts. */
static bool encode_is_text(const weir_json *doc, uint32_t input)
{
    if (weir_json_is_string(doc, input))
        return true;
    WEIR_JSON_EACH_ITEM(doc, input, item)
    {
        if (!weir_json_is_string(doc, item))
            return false;
    }
    return weir_json_is_array(doc, input);
}

static weir_result encode_embed(struct olm_encoding *n)
{
    static const char *const kept[] = { "model", "input", "dimensions", "encoding_format",
                                        "vendor" };
    uint32_t input = weir_json_find(n->doc, 0, "input");
    bool single = n->endpoint == OLM_EMBEDDINGS;

    if (!encode_is_text(n->doc, input) || (single && weir_json_count(n->doc, input) > 1)) {
        WEIR_TRY(olm_dropped_top(n, "input", "Ollama makes embeddings of text, not of tokens"));
        return WEIR_UNSUPPORTED;
    }
    if (single && weir_json_is_array(n->doc, input))
        input = weir_json_item(n->doc, input, 0);
    weir_write_key(&n->w, single ? "prompt" : "input");
    weir_write_value(&n->w, n->doc, input);
    if (!single)
        encode_copy(n, "dimensions");
    WEIR_JSON_EACH_MEMBER(n->doc, 0, key, value)
    {
        weir_str name = weir_json_str(n->doc, key, &n->x->arena);
        bool known = olm_says_nothing(n->doc, value) || weir_str_is(name, "provider");

        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
            known = known || weir_str_is(name, kept[i]);
        if (!known || (single && weir_str_is(name, "dimensions")))
            WEIR_TRY(olm_dropped(n, "Ollama has no such parameter", &name, 1));
    }
    return olm_write_vendor(n, 0, NULL, 0);
}

weir_result olm_write_body(const struct olm_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out)
{
    struct olm_encoding n;
    weir_str json;

    if (x->native)
        return weir_forward_native(x, out);
    memset(&n, 0, sizeof(n));
    n.cfg = cfg;
    n.x = x;
    n.doc = x->request;
    n.out = out;
    n.endpoint = olm_target_endpoint(x);
    n.vendor = weir_json_path(n.doc, 0, "vendor.ollama");
    weir_writer_init(&n.w, &x->arena, n.doc->bytes.len + 256);
    weir_write_begin_object(&n.w);
    weir_write_key(&n.w, "model");
    weir_write_string(&n.w, x->target->model);
    WEIR_TRY(x->op == WEIR_OP_EMBED ? encode_embed(&n) : encode_chat(&n));
    weir_write_end_object(&n.w);
    WEIR_TRY(weir_writer_finish(&n.w, &json));
    return out->body(out->ctx, json);
}
