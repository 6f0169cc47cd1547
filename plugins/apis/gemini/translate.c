/*
 * translate.c - a request of this API in the canonical form.
 *
 * What Chat Completions have no word for stays in this API's words under `vendor.gemini`, in the
 * place where it stood.
 */
#include "gemini.h"

static bool translate_given(const weir_json *doc, uint32_t value)
{
    return value != WEIR_JSON_NONE && !weir_json_is_null(doc, value);
}

weir_str gem_members_but(const weir_arena *arena, const weir_json *doc, uint32_t object,
                         const char *const *known)
{
    weir_str members;
    weir_writer w;

    weir_writer_init(&w, arena, 0);
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        if (gem_key_listed(doc, key, known))
            continue;
        weir_write_key_text(&w, weir_json_text(doc, key));
        weir_write_value(&w, doc, value);
    }
    weir_writer_finish(&w, &members);
    return members;
}

void gem_write_vendor(weir_writer *w, weir_str members)
{
    if (!members.len)
        return;
    weir_write_key(w, "vendor");
    weir_write_begin_object(w);
    weir_write_key(w, "gemini");
    weir_write_begin_object(w);
    weir_write_members(w, members);
    weir_write_end_object(w);
    weir_write_end_object(w);
}

static void translate_member(struct gem_translation *t, const char *name, uint32_t value)
{
    if (!translate_given(t->doc, value))
        return;
    weir_write_key(&t->w, name);
    weir_write_value(&t->w, t->doc, value);
}

/* -- generationConfig ------------------------------------------------------------------------- */

static const struct {
    const char *from;
    const char *to;
} config_plain[] = {
    { "maxOutputTokens", "max_completion_tokens" },
    { "temperature", "temperature" },
    { "topP", "top_p" },
    { "topK", "top_k" },
    { "seed", "seed" },
    { "candidateCount", "n" },
    { "stopSequences", "stop" },
    { "presencePenalty", "presence_penalty" },
    { "frequencyPenalty", "frequency_penalty" },
    { "responseLogprobs", "logprobs" },
    { "logprobs", "top_logprobs" },
};

/* Members that have a canonical form; one with a value that has none stays as well. */
static const char *const config_known[] = { "maxOutputTokens",
                                            "temperature",
                                            "topP",
                                            "topK",
                                            "seed",
                                            "candidateCount",
                                            "stopSequences",
                                            "presencePenalty",
                                            "frequencyPenalty",
                                            "responseLogprobs",
                                            "logprobs",
                                            "responseMimeType",
                                            "responseSchema",
                                            "responseJsonSchema",
                                            "responseModalities",
                                            "thinkingConfig",
                                            NULL };

static void config_format(struct gem_translation *t, uint32_t config, bool *kept)
{
    const weir_json *doc = t->doc;
    uint32_t type = gem_find(doc, config, "responseMimeType");
    uint32_t schema = gem_find(doc, config, "responseJsonSchema");
    bool openapi = !weir_json_is_object(doc, schema);

    if (openapi)
        schema = gem_find(doc, config, "responseSchema");
    *kept = translate_given(doc, type) && !weir_json_is(doc, type, "application/json");
    if (*kept || (!translate_given(doc, type) && !weir_json_is_object(doc, schema)))
        return;
    weir_write_key(&t->w, "response_format");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, weir_json_is_object(doc, schema) ? "json_schema" : "json_object");
    if (weir_json_is_object(doc, schema)) {
        weir_write_key(&t->w, "json_schema");
        weir_write_begin_object(&t->w);
        weir_write_key(&t->w, "name");
        weir_write_literal(&t->w, "answer");
        weir_write_key(&t->w, "schema");
        if (openapi)
            gem_translate_schema(t, schema);
        else
            weir_write_value(&t->w, doc, schema);
        weir_write_end_object(&t->w);
    }
    weir_write_end_object(&t->w);
}

static void config_modalities(struct gem_translation *t, uint32_t config)
{
    uint32_t list = gem_find(t->doc, config, "responseModalities");

    if (!weir_json_count(t->doc, list))
        return;
    weir_write_key(&t->w, "modalities");
    weir_write_begin_array(&t->w);
    WEIR_JSON_EACH_ITEM(t->doc, list, item)
    {
        weir_str name = weir_json_inner(t->doc, item);
        char lower[24];
        size_t len = name.len < sizeof(lower) ? name.len : sizeof(lower);

        for (size_t i = 0; i < len; i++)
            lower[i] = (char)weir_ascii_lower((unsigned char)name.ptr[i]);
        weir_write_string(&t->w, weir_str_make(lower, len));
    }
    weir_write_end_array(&t->w);
}

/* What of thinkingConfig has a canonical form. */
static weir_str config_thinking(struct gem_translation *t, uint32_t config)
{
    static const char *const known[] = { "thinkingBudget", "thinkingLevel", "includeThoughts",
                                         NULL };
    static const char *const words[] = { "minimal", "low", "medium", "high", NULL };
    const weir_json *doc = t->doc;
    uint32_t thinking = gem_find(doc, config, "thinkingConfig");
    weir_str level = weir_json_inner(doc, gem_find(doc, thinking, "thinkingLevel"));
    bool shown = false;

    translate_member(t, "reasoning_budget_tokens", gem_find(doc, thinking, "thinkingBudget"));
    for (const char *const *word = words; *word; word++) {
        if (weir_str_is_nocase(level, *word)) {
            weir_write_key(&t->w, "reasoning_effort");
            weir_write_literal(&t->w, *word);
        }
    }
    if (weir_json_bool(doc, gem_find(doc, thinking, "includeThoughts"), &shown)) {
        weir_write_key(&t->w, "reasoning_summary");
        weir_write_literal(&t->w, shown ? "auto" : "none");
    }
    return gem_members_but(&t->in->arena, doc, thinking, known);
}

static void config_object(weir_writer *w, const char *name, weir_str members)
{
    if (!members.len)
        return;
    weir_write_key(w, name);
    weir_write_begin_object(w);
    weir_write_members(w, members);
    weir_write_end_object(w);
}

/* Writes what is canonical; returns what is left, as members of vendor.gemini. */
static weir_str translate_config(struct gem_translation *t)
{
    const weir_json *doc = t->doc;
    uint32_t config = gem_find(doc, t->root, "generationConfig");
    weir_str rest = gem_members_but(&t->in->arena, doc, config, config_known), thinking;
    bool keeps_type = false;
    weir_writer w;

    for (size_t i = 0; i < sizeof(config_plain) / sizeof(config_plain[0]); i++)
        translate_member(t, config_plain[i].to, gem_find(doc, config, config_plain[i].from));
    config_format(t, config, &keeps_type);
    config_modalities(t, config);
    thinking = config_thinking(t, config);

    weir_writer_init(&w, &t->in->arena, rest.len + 64);
    weir_write_members(&w, rest);
    config_object(&w, "thinkingConfig", thinking);
    if (keeps_type) {
        static const char *const with_type[] = { "responseMimeType", "responseSchema",
                                                 "responseJsonSchema", NULL };

        WEIR_JSON_EACH_MEMBER(doc, config, key, value)
        {
            if (!gem_key_listed(doc, key, with_type))
                continue;
            weir_write_key_text(&w, weir_json_text(doc, key));
            weir_write_value(&w, doc, value);
        }
    }
    weir_writer_finish(&w, &rest);
    return rest;
}

/* -- toolConfig ------------------------------------------------------------------------------- */

static void choice_names(struct gem_translation *t, uint32_t names)
{
    WEIR_JSON_EACH_ITEM(t->doc, names, name)
    {
        weir_write_begin_object(&t->w);
        weir_write_key(&t->w, "type");
        weir_write_literal(&t->w, "function");
        weir_write_key(&t->w, "function");
        weir_write_begin_object(&t->w);
        weir_write_key(&t->w, "name");
        weir_write_value(&t->w, t->doc, name);
        weir_write_end_object(&t->w);
        weir_write_end_object(&t->w);
    }
}

static void choice_allowed(struct gem_translation *t, uint32_t names, const char *mode)
{
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "type");
    weir_write_literal(&t->w, "allowed_tools");
    weir_write_key(&t->w, "allowed_tools");
    weir_write_begin_object(&t->w);
    weir_write_key(&t->w, "mode");
    weir_write_literal(&t->w, mode);
    weir_write_key(&t->w, "tools");
    weir_write_begin_array(&t->w);
    choice_names(t, names);
    weir_write_end_array(&t->w);
    weir_write_end_object(&t->w);
    weir_write_end_object(&t->w);
}

/* The choice; what is left of functionCallingConfig is returned. */
static weir_str translate_choice(struct gem_translation *t, uint32_t calling)
{
    static const char *const known[] = { "mode", "allowedFunctionNames", NULL };
    const weir_json *doc = t->doc;
    uint32_t names = gem_find(doc, calling, "allowedFunctionNames");
    uint32_t count = weir_json_count(doc, names);
    uint32_t mode = gem_find(doc, calling, "mode");
    weir_str word = weir_json_inner(doc, mode);
    bool any = weir_str_is_nocase(word, "any");

    if (!word.len || weir_str_is_nocase(word, "mode_unspecified"))
        return gem_members_but(&t->in->arena, doc, calling, known + 2);
    if (!any && !weir_str_is_nocase(word, "auto") && !weir_str_is_nocase(word, "none") &&
        !weir_str_is_nocase(word, "validated"))
        return gem_members_but(&t->in->arena, doc, calling, known + 2);
    weir_write_key(&t->w, "tool_choice");
    if (count == 1 && any) {
        choice_names(t, names);
    } else if (count && !weir_str_is_nocase(word, "none")) {
        choice_allowed(t, names, any ? "required" : "auto");
    } else {
        weir_write_literal(&t->w, any                                ? "required"
                                  : weir_str_is_nocase(word, "none") ? "none"
                                                                     : "auto");
    }
    if (weir_str_is_nocase(word, "validated")) /* stricter than auto, which is the nearest word */
        return gem_members_but(&t->in->arena, doc, calling, known + 1);
    return gem_members_but(&t->in->arena, doc, calling, known);
}

static weir_str translate_tool_config(struct gem_translation *t)
{
    static const char *const known[] = { "functionCallingConfig", NULL };
    uint32_t config = gem_find(t->doc, t->root, "toolConfig");
    weir_str calling = translate_choice(t, gem_find(t->doc, config, "functionCallingConfig"));
    weir_str rest = gem_members_but(&t->in->arena, t->doc, config, known);
    weir_writer w;

    weir_writer_init(&w, &t->in->arena, rest.len + calling.len + 64);
    weir_write_members(&w, rest);
    config_object(&w, "functionCallingConfig", calling);
    weir_writer_finish(&w, &rest);
    return rest;
}

/* -- The request ------------------------------------------------------------------------------ */

static const char *const request_known[] = { "contents",    "systemInstruction",
                                             "tools",       "generationConfig",
                                             "toolConfig",  "model",
                                             "serviceTier", NULL };

/* What stands beside all that, but for what is addressed to us. */
static weir_str translate_rest(struct gem_translation *t, weir_str config, weir_str tool_config)
{
    uint32_t provider = weir_json_find(t->doc, 0, "provider");
    weir_str rest;
    weir_writer w;

    weir_writer_init(&w, &t->in->arena, 256);
    WEIR_JSON_EACH_MEMBER(t->doc, t->root, key, value)
    {
        if (gem_key_listed(t->doc, key, request_known) ||
            (value == provider && weir_json_is_string(t->doc, value)))
            continue;
        weir_write_key_text(&w, weir_json_text(t->doc, key));
        weir_write_value(&w, t->doc, value);
    }
    config_object(&w, "generationConfig", config);
    config_object(&w, "toolConfig", tool_config);
    weir_writer_finish(&w, &rest);
    return rest;
}

static void translate_tier(struct gem_translation *t)
{
    uint32_t tier = gem_find(t->doc, t->root, "serviceTier");

    if (weir_json_is(t->doc, tier, "standard")) {
        weir_write_key(&t->w, "service_tier");
        weir_write_literal(&t->w, "default");
    } else {
        translate_member(t, "service_tier", tier);
    }
}

weir_result gem_translate_chat(const weir_dialect_config *cfg, const weir_ingress *in, uint8_t op,
                               weir_str model, bool stream, const weir_request_sink *out)
{
    struct gem_translation t;
    weir_str config, tool_config, json;

    memset(&t, 0, sizeof(t));
    t.in = in;
    t.doc = in->json;
    t.root = gem_request_root(in->json, op);
    t.out = out;
    t.json = cfg->json;
    t.calls = WEIR_JSON_NONE;
    weir_writer_init(&t.w, &in->arena, in->body.len + in->body.len / 4 + 512);
    weir_write_begin_object(&t.w);
    weir_write_key(&t.w, "model");
    weir_write_string(&t.w, model);
    WEIR_TRY(gem_translate_contents(&t));
    if (stream) {
        weir_write_key(&t.w, "stream");
        weir_write_bool(&t.w, true);
        weir_write_key(&t.w, "stream_options");
        weir_write_raw(&t.w, WEIR_S("{\"include_usage\":true}"));
    }
    WEIR_TRY(gem_translate_tools(&t));
    tool_config = translate_tool_config(&t);
    config = translate_config(&t);
    translate_tier(&t);
    gem_write_vendor(&t.w, translate_rest(&t, config, tool_config));
    weir_write_end_object(&t.w);
    WEIR_TRY(weir_writer_finish(&t.w, &json));
    return out->body(out->ctx, json);
}

/* -- Embeddings ------------------------------------------------------------------------------- */

/* The text of a content, its parts one after the other. */
static weir_result embed_text(weir_writer *w, const weir_ingress *in, uint32_t content,
                              const weir_request_sink *out)
{
    const weir_json *doc = in->json;
    uint32_t parts = gem_find(doc, content, "parts");
    uint32_t part = weir_json_is_object(doc, parts) ? parts : weir_json_first_item(doc, parts);
    bool other = false;

    weir_write_comma(w);
    weir_write_byte(w, '"');
    for (; part != WEIR_JSON_NONE;
         part = part == parts ? WEIR_JSON_NONE : weir_json_next(doc, parts, part)) {
        weir_str text = weir_json_inner(doc, gem_find(doc, part, "text"));

        weir_write_bytes(w, text.ptr, text.len);
        other = other || !weir_json_is_string(doc, gem_find(doc, part, "text"));
    }
    weir_write_byte(w, '"');
    return other ? out->dropped(out->ctx, WEIR_S("/content/parts"),
                                WEIR_S("only texts have a canonical form here"))
                 : WEIR_OK;
}

static void embed_member(weir_writer *w, const weir_json *doc, const char *name, uint32_t value)
{
    if (!translate_given(doc, value))
        return;
    weir_write_key(w, name);
    weir_write_value(w, doc, value);
}

weir_result gem_translate_embed(const weir_ingress *in, weir_str model, bool batch,
                                const weir_request_sink *out)
{
    static const char *const known[] = {
        "model", "content", "taskType", "title", "outputDimensionality", "provider", NULL
    };
    const weir_json *doc = in->json;
    uint32_t requests = gem_find(doc, 0, "requests");
    uint32_t first = batch ? weir_json_first_item(doc, requests) : 0;
    weir_writer w;
    weir_str json;

    weir_writer_init(&w, &in->arena, in->body.len + 128);
    weir_write_begin_object(&w);
    weir_write_key(&w, "model");
    weir_write_string(&w, model);
    weir_write_key(&w, "input");
    if (batch)
        weir_write_begin_array(&w);
    else
        WEIR_TRY(embed_text(&w, in, gem_find(doc, 0, "content"), out));
    WEIR_JSON_EACH_ITEM(doc, batch ? requests : WEIR_JSON_NONE, request)
    {
        static const char *const shared[] = { "taskType", "title", "outputDimensionality" };

        WEIR_TRY(embed_text(&w, in, gem_find(doc, request, "content"), out));
        for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
            weir_str mine = weir_json_raw(doc, gem_find(doc, request, shared[i]));

            if (!weir_str_equal(mine, weir_json_raw(doc, gem_find(doc, first, shared[i]))))
                WEIR_TRY(out->dropped(out->ctx, WEIR_S("/requests"),
                                      WEIR_S("one setting is for all texts: the first one's")));
        }
    }
    if (batch)
        weir_write_end_array(&w);
    embed_member(&w, doc, "task_type", gem_find(doc, first, "taskType"));
    embed_member(&w, doc, "title", gem_find(doc, first, "title"));
    embed_member(&w, doc, "dimensions", gem_find(doc, first, "outputDimensionality"));
    gem_write_vendor(&w, gem_members_but(&in->arena, doc, first, known));
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return out->body(out->ctx, json);
}
