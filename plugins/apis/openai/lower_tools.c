/*
 * lower_tools.c - canonical tools in the form of Chat Completions: what runs at another vendor, and
 * what another API or a cache has to say about a tool, is left out and told.
 */
#include "openai.h"

#include <weir/sdk/sink.h>

static bool tools_skip(const weir_json *doc, uint32_t key)
{
    return weir_json_is(doc, key, "vendor") || weir_json_is(doc, key, "cache_control");
}

static bool tools_runs_elsewhere(const weir_json *doc, uint32_t tool)
{
    return weir_json_is(doc, weir_json_find(doc, tool, "type"), "server_tool");
}

static bool tools_needed(const weir_json *doc, uint32_t tools)
{
    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        if (tools_runs_elsewhere(doc, tool))
            return true;
        WEIR_JSON_EACH_MEMBER(doc, tool, key, value)
        {
            (void)value;
            if (tools_skip(doc, key))
                return true;
        }
    }
    return false;
}

static weir_result tools_extensions(const weir_exchange *x, const weir_http_sink *out,
                                    uint32_t number, uint32_t tool)
{
    weir_str at = oai_at(x, WEIR_S(""), "tools", number);

    return at.ptr ? oai_drop_extensions(x, out, at, tool, NULL) : WEIR_NO_MEMORY;
}

static weir_result tools_dropped(const weir_exchange *x, const weir_http_sink *out, uint32_t number,
                                 uint32_t tool)
{
    weir_str at = oai_at(x, WEIR_S(""), "tools", number);

    return at.ptr ? oai_drop_foreign_part(x, out, at, tool) : WEIR_NO_MEMORY;
}

weir_result oai_lower_tools(const weir_exchange *x, const weir_http_sink *out, weir_str *json,
                            bool *none)
{
    const weir_json *doc = x->request;
    uint32_t tools = weir_json_find(doc, 0, "tools");
    uint32_t number = 0, kept = 0;
    weir_writer w;

    *json = weir_str_make("", 0);
    *none = false;
    if (!tools_needed(doc, tools))
        return WEIR_OK;
    weir_writer_init(&w, &x->arena, weir_json_raw(doc, tools).len + 2);
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        number++;
        if (tools_runs_elsewhere(doc, tool)) {
            WEIR_TRY(tools_dropped(x, out, number - 1, tool));
            continue;
        }
        kept++;
        weir_write_begin_object(&w);
        WEIR_JSON_EACH_MEMBER(doc, tool, key, value)
        {
            if (tools_skip(doc, key))
                continue;
            weir_write_key_text(&w, weir_json_text(doc, key));
            weir_write_value(&w, doc, value);
        }
        weir_write_end_object(&w);
        WEIR_TRY(tools_extensions(x, out, number - 1, tool));
    }
    weir_write_end_array(&w);
    *none = kept == 0;
    return weir_writer_finish(&w, json);
}

/* Whether a tool that may be called is one that is sent. */
static bool choice_is_ours(const weir_json *doc, uint32_t tool)
{
    return weir_json_is_object(doc, weir_json_find(doc, tool, "function")) ||
           weir_json_is_object(doc, weir_json_find(doc, tool, "custom"));
}

/* {type, allowed_tools: {mode, tools}} without what `choice_is_ours` leaves out. */
static weir_result choice_write(const weir_exchange *x, const weir_http_sink *out, uint32_t allowed,
                                weir_str *json)
{
    const weir_json *doc = x->request;
    uint32_t number = 0;
    weir_writer w;

    weir_writer_init(&w, &x->arena, weir_json_raw(doc, allowed).len + 64);
    weir_write_begin_object(&w);
    weir_write_key(&w, "type");
    weir_write_literal(&w, "allowed_tools");
    weir_write_key(&w, "allowed_tools");
    weir_write_begin_object(&w);
    WEIR_JSON_EACH_MEMBER(doc, allowed, key, value)
    {
        weir_write_key_text(&w, weir_json_text(doc, key));
        if (!weir_json_is(doc, key, "tools")) {
            weir_write_value(&w, doc, value);
            continue;
        }
        weir_write_begin_array(&w);
        WEIR_JSON_EACH_ITEM(doc, value, tool)
        {
            weir_str at = oai_at(x, WEIR_S("/tool_choice/allowed_tools"), "tools", number++);

            if (choice_is_ours(doc, tool))
                weir_write_value(&w, doc, tool);
            else if (!at.ptr)
                return WEIR_NO_MEMORY;
            else
                WEIR_TRY(out->dropped(out->ctx, at, WEIR_S("it runs at another vendor")));
        }
        weir_write_end_array(&w);
    }
    weir_write_end_object(&w);
    weir_write_end_object(&w);
    return weir_writer_finish(&w, json);
}

weir_result oai_lower_choice(const weir_exchange *x, const weir_http_sink *out, weir_str *json)
{
    const weir_json *doc = x->request;
    uint32_t allowed = weir_json_path(doc, 0, "tool_choice.allowed_tools");

    *json = weir_str_make("", 0);
    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, allowed, "tools"), tool)
    {
        if (!choice_is_ours(doc, tool))
            return choice_write(x, out, allowed, json);
    }
    return WEIR_OK;
}
