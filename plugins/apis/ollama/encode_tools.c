/*
 * encode_tools.c - tools that the model may call. Ollama has no tool_choice: what it says is done
 * by leaving tools out, or told as dropped.
 */
#include "ollama.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/vendor.h>

/* Which tools are offered. */
struct tools_choice {
    bool none;
    uint32_t only;    /* name of the one, or NONE */
    uint32_t allowed; /* list of those that are, or NONE */
};

/* More names than anybody allows; each tool is looked for among them. */
enum { TOOLS_ALLOWED_MAX = 256 };

static weir_result tools_choose(const struct olm_encoding *n, struct tools_choice *c)
{
    const weir_json *doc = n->doc;
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");
    const char *key = "tool_choice";
    uint32_t type, allowed;

    c->none = false;
    c->only = c->allowed = WEIR_JSON_NONE;
    if (choice == WEIR_JSON_NONE) {
        choice = weir_json_find(doc, 0, "function_call");
        key = "function_call";
    }
    type = weir_json_find(doc, choice, "type");
    if (weir_json_is(doc, choice, "none")) {
        c->none = true;
        return WEIR_OK;
    }
    if (choice == WEIR_JSON_NONE || weir_json_is_null(doc, choice) ||
        weir_json_is(doc, choice, "auto"))
        return WEIR_OK;
    if (weir_json_is(doc, type, "allowed_tools")) {
        allowed = weir_json_find(doc, choice, "allowed_tools");
        c->allowed = weir_json_find(doc, allowed, "tools");
        if (weir_json_count(doc, c->allowed) > TOOLS_ALLOWED_MAX) {
            c->allowed = WEIR_JSON_NONE;
            return olm_dropped_top(n, key, "it allows more than 256 tools: all are offered");
        }
        if (!weir_json_is(doc, weir_json_find(doc, allowed, "mode"), "required"))
            return WEIR_OK;
        return olm_dropped_top(n, key, "Ollama cannot be made to call a tool");
    }
    /* With no other to choose from it is at least this tool, if it is one. */
    c->only = weir_json_path(doc, choice, "function.name");
    if (c->only == WEIR_JSON_NONE && type == WEIR_JSON_NONE)
        c->only = weir_json_find(doc, choice, "name");
    return olm_dropped_top(n, key, "Ollama cannot be made to call a tool");
}

static bool tools_offers(const struct olm_encoding *n, const struct tools_choice *c, uint32_t name)
{
    weir_text text = weir_json_text(n->doc, name);

    if (weir_json_is_string(n->doc, c->only))
        return weir_text_equal(weir_json_text(n->doc, c->only), text);
    if (c->allowed == WEIR_JSON_NONE)
        return true;
    WEIR_JSON_EACH_ITEM(n->doc, c->allowed, item)
    {
        if (weir_text_equal(weir_json_text(n->doc, weir_json_path(n->doc, item, "function.name")),
                            text))
            return true;
    }
    return false;
}

/* {name, description, parameters}; `strict` is told if it asks for something. */
static weir_result tools_function(struct olm_encoding *n, uint32_t function, weir_str number)
{
    weir_str parts[4] = { WEIR_S("tools"), number, WEIR_S("function"), WEIR_S("strict") };

    weir_write_key(&n->w, "function");
    weir_write_begin_object(&n->w);
    WEIR_JSON_EACH_MEMBER(n->doc, function, key, value)
    {
        if (!weir_json_is(n->doc, key, "strict")) {
            weir_write_key_text(&n->w, weir_json_text(n->doc, key));
            weir_write_value(&n->w, n->doc, value);
        } else if (!olm_says_nothing(n->doc, value)) {
            WEIR_TRY(olm_dropped(n, "Ollama does not hold calls to their schema", parts, 4));
        }
    }
    weir_write_end_object(&n->w);
    return WEIR_OK;
}

static weir_result tools_write_one(struct olm_encoding *n, uint32_t tool, weir_str number)
{
    weir_str parts[3] = { WEIR_S("tools"), number, WEIR_S("") };

    weir_write_begin_object(&n->w);
    weir_write_key(&n->w, "type"); /* some leave it out */
    weir_write_literal(&n->w, "function");
    WEIR_JSON_EACH_MEMBER(n->doc, tool, key, value)
    {
        if (weir_json_is(n->doc, key, "vendor") || weir_json_is(n->doc, key, "type"))
            continue;
        if (weir_json_is(n->doc, key, "function") && weir_json_is_object(n->doc, value)) {
            WEIR_TRY(tools_function(n, value, number));
        } else if (weir_json_is(n->doc, key, "cache_control")) {
            parts[2] = WEIR_S("cache_control");
            WEIR_TRY(olm_dropped(n, "Ollama has no such marks", parts, 3));
        } else {
            weir_write_key_text(&n->w, weir_json_text(n->doc, key));
            weir_write_value(&n->w, n->doc, value);
        }
    }
    WEIR_TRY(olm_write_vendor(n, tool, parts, 2));
    weir_write_end_object(&n->w);
    return WEIR_OK;
}

static weir_result tools_write(struct olm_encoding *n, const struct tools_choice *c, uint32_t tool,
                               uint32_t index)
{
    const weir_json *doc = n->doc;
    uint32_t type = weir_json_find(doc, tool, "type");
    char digits[WEIR_NUMBER_ROOM];
    weir_str number = weir_str_make(digits, weir_number_print_uint64(digits, index));
    weir_str parts[2] = { WEIR_S("tools"), number };

    if (weir_json_is(doc, type, "server_tool") &&
        weir_json_is(doc, weir_json_find(doc, tool, "api"), "ollama")) {
        weir_write_value(&n->w, doc, weir_json_find(doc, tool, "tool"));
        return WEIR_OK;
    }
    if (weir_json_is(doc, type, "server_tool")) {
        const char *why = weir_vendor_why(&n->x->arena, doc, tool);

        return why ? olm_dropped(n, why, parts, 2) : WEIR_NO_MEMORY;
    }
    if (!weir_json_is_object(doc, weir_json_find(doc, tool, "function")))
        return olm_dropped(n, "Ollama knows functions only", parts, 2);
    if (!tools_offers(n, c, weir_json_path(doc, tool, "function.name")))
        return WEIR_OK;
    return tools_write_one(n, tool, number);
}

/* The old spelling: the functions themselves. */
static weir_result tools_write_old(struct olm_encoding *n, const struct tools_choice *c,
                                   uint32_t list)
{
    WEIR_JSON_EACH_ITEM(n->doc, list, function)
    {
        if (!tools_offers(n, c, weir_json_find(n->doc, function, "name")))
            continue;
        weir_write_begin_object(&n->w);
        weir_write_key(&n->w, "type");
        weir_write_literal(&n->w, "function");
        weir_write_key(&n->w, "function");
        weir_write_value(&n->w, n->doc, function);
        weir_write_end_object(&n->w);
    }
    return WEIR_OK;
}

weir_result olm_write_tools(struct olm_encoding *n)
{
    uint32_t tools = weir_json_find(n->doc, 0, "tools");
    uint32_t functions = weir_json_find(n->doc, 0, "functions");
    struct tools_choice choice;
    uint32_t index = 0;

    if (!weir_json_count(n->doc, tools) && !weir_json_count(n->doc, functions))
        return WEIR_OK;
    if (n->endpoint == OLM_GENERATE)
        return olm_dropped_top(n, "tools", "Ollama offers tools to chats only");
    WEIR_TRY(tools_choose(n, &choice));
    if (choice.none)
        return WEIR_OK;
    weir_write_key(&n->w, "tools");
    weir_write_begin_array(&n->w);
    WEIR_JSON_EACH_ITEM(n->doc, tools, tool)
    {
        WEIR_TRY(tools_write(n, &choice, tool, index++));
    }
    if (!weir_json_count(n->doc, tools))
        WEIR_TRY(tools_write_old(n, &choice, functions));
    weir_write_end_array(&n->w);
    return WEIR_OK;
}
