/*
 * names.h - members of the Gemini API by name. Each has two spellings, inlineData and inline_data,
 * and requests hold either; Google's own parser takes both.
 */
#ifndef WEIR_PLUGINS_GEMINI_NAMES_H
#define WEIR_PLUGINS_GEMINI_NAMES_H

#include <weir/sdk/json.h>
#include <weir/sdk/str.h>

/* Whether a name is `camel`, in either spelling. */
static inline bool gem_name_is(weir_str name, const char *camel)
{
    size_t i = 0;

    for (; *camel; camel++) {
        bool upper = *camel >= 'A' && *camel <= 'Z';

        if (upper && i + 1 < name.len && name.ptr[i] == '_' && name.ptr[i + 1] == (*camel | 0x20)) {
            i += 2;
            continue;
        }
        if (i == name.len || name.ptr[i] != *camel)
            return false;
        i++;
    }
    return i == name.len;
}

/* The same of a key. No name of the API needs an escape. */
static inline bool gem_key_is(const weir_json *doc, uint32_t key, const char *camel)
{
    return gem_name_is(weir_json_inner(doc, key), camel);
}

/* The value of the last member of that name, in either spelling. */
static inline uint32_t gem_find(const weir_json *doc, uint32_t object, const char *camel)
{
    uint32_t found = WEIR_JSON_NONE;

    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        if (gem_key_is(doc, key, camel))
            found = value;
    }
    return found;
}

/* Whether a key is one of a NULL-terminated list, in either spelling. */
static inline bool gem_key_listed(const weir_json *doc, uint32_t key, const char *const *names)
{
    for (; *names; names++) {
        if (gem_key_is(doc, key, *names))
            return true;
    }
    return false;
}

#endif
