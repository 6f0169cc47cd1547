/*
 * resp_translate.c - a request to the Responses API in the canonical form: the members beside the
 * input. What Chat Completions has no word for stays under vendor.openai_responses.
 */
#include "responses.h"

#include <weir/sdk/failure.h>

/* What becomes of a member. */
enum { MEMBER_COPY, MEMBER_WRITTEN, MEMBER_DROPPED };

static const struct member {
    const char *key;
    int how;
} members[] = {
    { "model", MEMBER_COPY },
    { "stream", MEMBER_COPY },
    { "temperature", MEMBER_COPY },
    { "top_p", MEMBER_COPY },
    { "top_logprobs", MEMBER_COPY },
    { "parallel_tool_calls", MEMBER_COPY },
    { "metadata", MEMBER_COPY },
    { "user", MEMBER_COPY },
    { "safety_identifier", MEMBER_COPY },
    { "prompt_cache_key", MEMBER_COPY },
    { "prompt_cache_retention", MEMBER_COPY },
    { "service_tier", MEMBER_COPY },
    { "store", MEMBER_COPY },
    { "input", MEMBER_WRITTEN },
    { "instructions", MEMBER_WRITTEN },
    { "tools", MEMBER_WRITTEN },
    { "tool_choice", MEMBER_WRITTEN },
    { "text", MEMBER_WRITTEN },
    { "reasoning", MEMBER_WRITTEN },
    { "max_output_tokens", MEMBER_WRITTEN },
    { "previous_response_id", MEMBER_DROPPED }, /* null: otherwise it is refused */
    { "conversation", MEMBER_DROPPED },
};

static const struct member *member_find(const weir_json *doc, uint32_t key)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (weir_json_is(doc, key, members[i].key))
            return &members[i];
    }
    return NULL;
}

/* -- Tools ------------------------------------------------------------------------------------ */

/* Members that go under `function` or `custom`. */
static bool tool_is_own(const weir_json *doc, uint32_t key)
{
    return weir_json_is(doc, key, "name") || weir_json_is(doc, key, "description") ||
           weir_json_is(doc, key, "parameters") || weir_json_is(doc, key, "strict");
}

/* {"vendor":{"openai_responses":{...}}} of what an object has beside the known. */
static void write_vendor(weir_writer *w, const weir_json *doc, uint32_t object,
                         bool (*known)(const weir_json *doc, uint32_t key))
{
    bool any = false;

    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        if (known(doc, key))
            continue;
        if (!any) {
            weir_write_key(w, "vendor");
            weir_write_begin_object(w);
            weir_write_key(w, RESP_API);
            weir_write_begin_object(w);
        }
        any = true;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    if (any) {
        weir_write_end_object(w);
        weir_write_end_object(w);
    }
}

static bool tool_function_knows(const weir_json *doc, uint32_t key)
{
    return tool_is_own(doc, key) || weir_json_is(doc, key, "type");
}

static bool tool_custom_knows(const weir_json *doc, uint32_t key)
{
    return weir_json_is(doc, key, "type") || weir_json_is(doc, key, "name") ||
           weir_json_is(doc, key, "description") || weir_json_is(doc, key, "format");
}

/* null stands for what is not said. */
static void tool_copy(weir_writer *w, const weir_json *doc, uint32_t tool)
{
    WEIR_JSON_EACH_MEMBER(doc, tool, key, value)
    {
        if (!tool_is_own(doc, key) || weir_json_is_null(doc, value))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
}

static void tool_format(weir_writer *w, const weir_json *doc, uint32_t format)
{
    weir_write_key(w, "format");
    if (!weir_json_is(doc, weir_json_find(doc, format, "type"), "grammar")) {
        weir_write_value(w, doc, format);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "grammar");
    weir_write_key(w, "grammar");
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, format, key, value)
    {
        if (weir_json_is(doc, key, "type"))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
}

static void tool_write(weir_writer *w, const weir_json *doc, uint32_t tool)
{
    uint32_t type = weir_json_find(doc, tool, "type");
    uint32_t format = weir_json_find(doc, tool, "format");
    bool custom = weir_json_is(doc, type, "custom");

    weir_write_begin_object(w);
    weir_write_key(w, "type");
    if (custom || weir_json_is(doc, type, "function")) {
        weir_write_literal(w, custom ? "custom" : "function");
        weir_write_key(w, custom ? "custom" : "function");
        weir_write_begin_object(w);
        tool_copy(w, doc, tool);
        if (custom && weir_json_is_object(doc, format))
            tool_format(w, doc, format);
        weir_write_end_object(w);
        write_vendor(w, doc, tool, custom ? tool_custom_knows : tool_function_knows);
    } else {
        weir_write_literal(w, "server_tool");
        weir_write_key(w, "api");
        weir_write_literal(w, RESP_API);
        weir_write_key(w, "tool");
        weir_write_value(w, doc, tool);
    }
    weir_write_end_object(w);
}

void resp_translate_tools(weir_writer *w, const weir_json *doc, uint32_t tools)
{
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        tool_write(w, doc, tool);
    }
    weir_write_end_array(w);
}

/* A named tool as a choice. */
static void choice_named(weir_writer *w, const weir_json *doc, uint32_t choice)
{
    uint32_t type = weir_json_find(doc, choice, "type");
    const char *kind = weir_json_is(doc, type, "custom") ? "custom" : "function";

    if (!weir_json_is(doc, type, kind)) {
        weir_write_value(w, doc, choice);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, kind);
    weir_write_key(w, kind);
    weir_write_begin_object(w);
    weir_write_key(w, "name");
    weir_write_text(w, weir_json_text(doc, weir_json_find(doc, choice, "name")));
    weir_write_end_object(w);
    weir_write_end_object(w);
}

bool resp_translate_tool_choice(weir_writer *w, const weir_json *doc, uint32_t choice)
{
    uint32_t type = weir_json_find(doc, choice, "type");

    if (weir_json_is_string(doc, choice)) {
        weir_write_key(w, "tool_choice");
        weir_write_value(w, doc, choice);
        return true;
    }
    if (weir_json_is(doc, type, "function") || weir_json_is(doc, type, "custom")) {
        weir_write_key(w, "tool_choice");
        choice_named(w, doc, choice);
        return true;
    }
    if (!weir_json_is(doc, type, "allowed_tools"))
        return false;
    weir_write_key(w, "tool_choice");
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "allowed_tools");
    weir_write_key(w, "allowed_tools");
    weir_write_begin_object(w);
    weir_write_key(w, "mode");
    weir_write_text(w, weir_json_text(doc, weir_json_find(doc, choice, "mode")));
    weir_write_key(w, "tools");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, choice, "tools"), tool)
    {
        choice_named(w, doc, tool);
    }
    weir_write_end_array(w);
    weir_write_end_object(w);
    weir_write_end_object(w);
    return true;
}

/* -- Text and reasoning ----------------------------------------------------------------------- */

static void translate_format(weir_writer *w, const weir_json *doc, uint32_t format)
{
    if (!weir_json_is_object(doc, format))
        return;
    weir_write_key(w, "response_format");
    if (!weir_json_is(doc, weir_json_find(doc, format, "type"), "json_schema")) {
        weir_write_value(w, doc, format);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "json_schema");
    weir_write_key(w, "json_schema");
    weir_write_begin_object(w);
    WEIR_JSON_EACH_MEMBER(doc, format, key, value)
    {
        if (weir_json_is(doc, key, "type") || weir_json_is_null(doc, value))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
}

static void translate_named(weir_writer *w, const weir_json *doc, uint32_t object, const char *from,
                            const char *to)
{
    uint32_t value = weir_json_find(doc, object, from);

    if (value == WEIR_JSON_NONE || weir_json_is_null(doc, value))
        return;
    weir_write_key(w, to);
    weir_write_value(w, doc, value);
}

static bool translate_wants_logprobs(const weir_json *doc)
{
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "include"), what)
    {
        if (weir_json_is(doc, what, "message.output_text.logprobs"))
            return true;
    }
    return false;
}

static bool text_knows(const weir_json *doc, uint32_t key)
{
    return weir_json_is(doc, key, "format") || weir_json_is(doc, key, "verbosity");
}

static bool reasoning_knows(const weir_json *doc, uint32_t key)
{
    return weir_json_is(doc, key, "effort") || weir_json_is(doc, key, "summary");
}

/* -- All of it -------------------------------------------------------------------------------- */

/* What an object has beside the known, as a member of vendor.openai_responses. */
static void vendor_rest(weir_writer *w, const weir_json *doc, const char *name,
                        bool (*known)(const weir_json *doc, uint32_t key))
{
    bool any = false;

    WEIR_JSON_EACH_MEMBER(doc, weir_json_find(doc, 0, name), key, value)
    {
        if (known(doc, key) || weir_json_is_null(doc, value))
            continue;
        if (!any) {
            weir_write_key(w, name);
            weir_write_begin_object(w);
        }
        any = true;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    if (any)
        weir_write_end_object(w);
}

/* The members of vendor.openai_responses. */
static void translate_vendor(weir_writer *w, const weir_json *doc, bool choice_told)
{
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");

    vendor_rest(w, doc, "text", text_knows);
    vendor_rest(w, doc, "reasoning", reasoning_knows);
    if (!choice_told && weir_json_is_object(doc, choice)) {
        weir_write_key(w, "tool_choice");
        weir_write_value(w, doc, choice);
    }
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        bool ours = weir_json_is(doc, key, "provider") && weir_json_is_string(doc, value);

        if (member_find(doc, key) || ours || weir_json_is_null(doc, value))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
}

static weir_result translate_members(weir_writer *w, const weir_arena *arena, const weir_json *doc)
{
    uint32_t tools = weir_json_find(doc, 0, "tools");
    bool choice_told;
    weir_str vendor;
    weir_writer v;

    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        const struct member *m = member_find(doc, key);

        if (!m || m->how != MEMBER_COPY || weir_json_is_null(doc, value))
            continue;
        weir_write_key_text(w, weir_json_text(doc, key));
        weir_write_value(w, doc, value);
    }
    translate_named(w, doc, 0, "max_output_tokens", "max_completion_tokens");
    if (weir_json_is_array(doc, tools)) {
        weir_write_key(w, "tools");
        resp_translate_tools(w, doc, tools);
    }
    choice_told = resp_translate_tool_choice(w, doc, weir_json_find(doc, 0, "tool_choice"));
    translate_format(w, doc, weir_json_path(doc, 0, "text.format"));
    translate_named(w, doc, weir_json_find(doc, 0, "text"), "verbosity", "verbosity");
    translate_named(w, doc, weir_json_find(doc, 0, "reasoning"), "effort", "reasoning_effort");
    translate_named(w, doc, weir_json_find(doc, 0, "reasoning"), "summary", "reasoning_summary");
    if (translate_wants_logprobs(doc)) {
        weir_write_key(w, "logprobs");
        weir_write_bool(w, true);
    }
    weir_writer_init(&v, arena, 0);
    translate_vendor(&v, doc, choice_told);
    WEIR_TRY(weir_writer_finish(&v, &vendor));
    if (vendor.len) {
        weir_write_key(w, "vendor");
        weir_write_begin_object(w);
        weir_write_key(w, RESP_API);
        weir_write_begin_object(w);
        weir_write_members(w, vendor);
        weir_write_end_object(w);
        weir_write_end_object(w);
    }
    return WEIR_OK;
}

/* What another API cannot take up. NULL: nothing. */
static const char *translate_fault(const weir_json *doc, const char **param)
{
    uint32_t previous = weir_json_find(doc, 0, "previous_response_id");
    uint32_t conversation = weir_json_find(doc, 0, "conversation");
    uint32_t prompt = weir_json_find(doc, 0, "prompt");
    bool background = false;

    *param = "previous_response_id";
    if (weir_json_is_string(doc, previous))
        return "'previous_response_id' names an answer that only its own provider has kept.";
    *param = "conversation";
    if (conversation != WEIR_JSON_NONE && !weir_json_is_null(doc, conversation))
        return "'conversation' names a conversation that only its own provider has kept.";
    *param = "prompt";
    if (weir_json_is_object(doc, prompt))
        return "'prompt' names a template that only its own provider has kept.";
    *param = "background";
    weir_json_bool(doc, weir_json_find(doc, 0, "background"), &background);
    return background ? "'background' needs a provider that has the Responses API." : NULL;
}

weir_result resp_translate(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    const weir_json *doc = in->json;
    const char *param, *fault;
    bool store = false;
    weir_str body;
    weir_writer w;

    (void)cfg;
    if (!doc)
        return WEIR_OK;
    fault = translate_fault(doc, &param);
    if (fault) {
        weir_failure f = weir_failure_make(WEIR_CLASS_UNSUPPORTED, 0, weir_str_of(fault));

        f.local = 1;
        f.param = weir_str_of(param);
        return out->refuse(out->ctx, &f);
    }
    weir_json_bool(doc, weir_json_find(doc, 0, "store"), &store);
    if (store)
        WEIR_TRY(out->dropped(out->ctx, WEIR_S("/store"),
                              WEIR_S("the answer cannot be asked for again by its id")));
    weir_writer_init(&w, &in->arena, in->body.len + in->body.len / 4 + 256);
    weir_write_begin_object(&w);
    WEIR_TRY(translate_members(&w, &in->arena, doc));
    WEIR_TRY(resp_translate_input(&w, doc));
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));
    return out->body(out->ctx, body);
}
