/*
 * choice.h - what `tool_choice` of a canonical request asks for.
 */
#ifndef WEIR_SDK_CHOICE_H
#define WEIR_SDK_CHOICE_H

#include <weir/sdk/json.h>

/* Whether the request has tools to choose from. */
static inline bool weir_choice_has_tools(const weir_json *doc)
{
    return weir_json_count(doc, weir_json_find(doc, 0, "tools")) ||
           weir_json_count(doc, weir_json_find(doc, 0, "functions"));
}

/* Whether the word means that some tool must be called; "any" is Mistral's for it. */
static inline bool weir_choice_is_required(const weir_json *doc, uint32_t word)
{
    return weir_json_is(doc, word, "required") || weir_json_is(doc, word, "any");
}

/* Whether the model must call a function, so that its answer is that call and no text. */
static inline bool weir_choice_forces(const weir_json *doc)
{
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");
    uint32_t allowed = weir_json_find(doc, choice, "allowed_tools");

    if (!weir_choice_has_tools(doc))
        return false;
    if (choice == WEIR_JSON_NONE) /* the old spelling: {name} */
        return weir_json_is_object(doc, weir_json_find(doc, 0, "function_call"));
    if (!weir_json_is_object(doc, choice))
        return weir_choice_is_required(doc, choice);
    if (weir_json_is_object(doc, allowed))
        return weir_choice_is_required(doc, weir_json_find(doc, allowed, "mode"));
    return weir_json_is_object(doc, weir_json_find(doc, choice, "function")) ||
           weir_json_is_string(doc, weir_json_find(doc, choice, "name")) ||
           weir_choice_is_required(doc, weir_json_find(doc, choice, "type"));
}

#endif
