/*
 * arguments.h - arguments of tool calls: a string that holds JSON in some APIs, an object in
 * others.
 */
#ifndef WEIR_SDK_ARGUMENTS_H
#define WEIR_SDK_ARGUMENTS_H

#include <weir/event.h>
#include <weir/host.h>
#include <weir/sdk/json.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

/*
 * The text of a call as one JSON object: `{}` for no text at all. False: it is none; then `*object`
 * is `{}` as well, and what was there must be told as dropped, or kept another way. `json` may not
 * be NULL. The object lies in the arena, or in `text` itself.
 */
static inline bool weir_arguments_object(const weir_json_service *json, const weir_arena *arena,
                                         weir_text text, weir_str *object)
{
    weir_str plain = weir_str_trim(weir_text_to_utf8(arena, text));
    weir_json doc;

    *object = weir_str_of("{}");
    if (!plain.len)
        return text.len == 0 || plain.ptr != NULL;
    if (json->scan(arena, plain, &doc, NULL) < 0 || !weir_json_is_object(&doc, 0))
        return false;
    *object = plain;
    return true;
}

/*
 * Whether a call may be delivered whole: its arguments are one object. An application runs what it
 * is given, so a call that was cut, or is no JSON, is left out where arguments are an object.
 * Without a scanner (`json` NULL) only what is plainly none is found.
 */
static inline bool weir_arguments_good(const weir_json_service *json, const weir_arena *arena,
                                       weir_text text, weir_str *object)
{
    if (json)
        return weir_arguments_object(json, arena, text, object);
    *object = weir_str_trim(weir_text_to_utf8(arena, text));
    if (!object->len)
        *object = weir_str_of("{}");
    return object->ptr[0] == '{' && object->ptr[object->len - 1] == '}';
}

/* Whether the reason for an end tells by itself that a call may be missing: WEIR_OK. Else an answer
 * without a call that was begun would look whole: WEIR_PROTOCOL. */
static inline weir_result weir_arguments_missed(uint16_t reason)
{
    bool told = reason == WEIR_FINISH_LENGTH || reason == WEIR_FINISH_CONTENT_FILTER ||
                reason == WEIR_FINISH_REFUSAL;

    return told ? WEIR_OK : WEIR_PROTOCOL;
}

/* An object (any JSON value) as the text of a call: raw JSON as it stands in the document. */
static inline weir_text weir_arguments_text(const weir_json *doc, uint32_t value)
{
    return weir_text_from(weir_json_raw(doc, value));
}

#endif
