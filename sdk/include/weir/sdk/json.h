/*
 * json.h - reads the token table of weir/json.h.
 *
 * Values are named by their token index; 0 is the document. Every function takes WEIR_JSON_NONE
 * for "no such value" and answers it with "no", so that look-ups can be nested and checked once.
 * Of duplicate keys the last one counts. All functions are [safe] as long as nobody frees the
 * document; nothing is copied or allocated unless it says so.
 */
#ifndef WEIR_SDK_JSON_H
#define WEIR_SDK_JSON_H

#include <string.h>

#include <weir/json.h>
#include <weir/sdk/number.h>
#include <weir/sdk/text.h>

#define WEIR_JSON_NONE UINT32_MAX

/* Names are known when the compiler comes by, and so are their lengths. */
#if defined(__GNUC__)
#define WEIR_JSON_FOLD static inline __attribute__((always_inline))
#else
#define WEIR_JSON_FOLD static inline
#endif

/* WEIR_JSON_*, or 0 if there is no such value. */
static inline unsigned weir_json_type(const weir_json *doc, uint32_t i)
{
    return i < doc->count ? doc->tok[i].type : 0u;
}

static inline bool weir_json_is_null(const weir_json *doc, uint32_t i)
{
    return weir_json_type(doc, i) == WEIR_JSON_NULL;
}

static inline bool weir_json_is_bool(const weir_json *doc, uint32_t i)
{
    unsigned type = weir_json_type(doc, i);
    return type == WEIR_JSON_TRUE || type == WEIR_JSON_FALSE;
}

static inline bool weir_json_is_number(const weir_json *doc, uint32_t i)
{
    return weir_json_type(doc, i) == WEIR_JSON_NUMBER;
}

static inline bool weir_json_is_string(const weir_json *doc, uint32_t i)
{
    return weir_json_type(doc, i) == WEIR_JSON_STRING;
}

static inline bool weir_json_is_array(const weir_json *doc, uint32_t i)
{
    return weir_json_type(doc, i) == WEIR_JSON_ARRAY;
}

static inline bool weir_json_is_object(const weir_json *doc, uint32_t i)
{
    return weir_json_type(doc, i) == WEIR_JSON_OBJECT;
}

/*
 * Children. An array's are its items; an object's are key, value, key, value.
 *
 *     WEIR_JSON_EACH_ITEM(doc, array, item) { ... }
 *     WEIR_JSON_EACH_MEMBER(doc, object, key, value) { ... }
 *
 * Both do nothing if the container is of another type or not there.
 */
static inline uint32_t weir_json_first(const weir_json *doc, uint32_t container)
{
    if (!weir_json_is_array(doc, container) && !weir_json_is_object(doc, container))
        return WEIR_JSON_NONE;
    return container + 1 < doc->tok[container].next ? container + 1 : WEIR_JSON_NONE;
}

/* The child behind child i, which must be one of this container's. */
static inline uint32_t weir_json_next(const weir_json *doc, uint32_t container, uint32_t i)
{
    uint32_t next = doc->tok[i].next;
    return next < doc->tok[container].next ? next : WEIR_JSON_NONE;
}

static inline uint32_t weir_json_first_item(const weir_json *doc, uint32_t array)
{
    return weir_json_is_array(doc, array) ? weir_json_first(doc, array) : WEIR_JSON_NONE;
}

static inline uint32_t weir_json_first_key(const weir_json *doc, uint32_t object)
{
    return weir_json_is_object(doc, object) ? weir_json_first(doc, object) : WEIR_JSON_NONE;
}

#define WEIR_JSON_EACH_ITEM(doc, array, item)                                            \
    for (uint32_t item = weir_json_first_item((doc), (array)); (item) != WEIR_JSON_NONE; \
         item = weir_json_next((doc), (array), (item)))

#define WEIR_JSON_EACH_MEMBER(doc, object, key, value)                           \
    for (uint32_t key = weir_json_first_key((doc), (object)), value = (key) + 1; \
         (key) != WEIR_JSON_NONE;                                                \
         key = weir_json_next((doc), (object), (value)), value = (key) + 1)

/* How many items or members, duplicates included; 0 for anything else. Walks them. */
static inline uint32_t weir_json_count(const weir_json *doc, uint32_t container)
{
    uint32_t n = 0;
    uint32_t i = weir_json_first(doc, container);

    for (; i != WEIR_JSON_NONE; i = weir_json_next(doc, container, i))
        n++;
    return weir_json_is_object(doc, container) ? n / 2 : n;
}

/* Item number n, counted from 0. */
static inline uint32_t weir_json_item(const weir_json *doc, uint32_t array, uint32_t n)
{
    WEIR_JSON_EACH_ITEM(doc, array, item)
    {
        if (n-- == 0)
            return item;
    }
    return WEIR_JSON_NONE;
}

/* The value as it stands in the document, a string with its quotes. */
static inline weir_str weir_json_raw(const weir_json *doc, uint32_t i)
{
    weir_str raw = { "", 0 };

    if (i < doc->count) {
        uint32_t quote = doc->tok[i].type == WEIR_JSON_STRING;

        raw.ptr = doc->bytes.ptr + doc->tok[i].start - quote;
        raw.len = doc->tok[i].len + (size_t)2 * quote;
    }
    return raw;
}

/* What is between the brackets of an array or object, or between the quotes of a string. */
static inline weir_str weir_json_inner(const weir_json *doc, uint32_t i)
{
    weir_str inner = weir_json_raw(doc, i);

    if (weir_json_type(doc, i) >= WEIR_JSON_STRING) {
        inner.ptr++;
        inner.len -= 2;
    }
    return inner;
}

/* A string or key as text; empty text for anything else. */
static inline weir_text weir_json_text(const weir_json *doc, uint32_t i)
{
    weir_text text = { "", 0, WEIR_FORM_UTF8, 0 };

    if (weir_json_is_string(doc, i)) {
        const weir_token *tok = &doc->tok[i];

        text.ptr = doc->bytes.ptr + tok->start;
        text.len = tok->len;
        text.form = tok->flags & WEIR_TOKEN_ESCAPED ? WEIR_FORM_JSON : WEIR_FORM_UTF8;
    }
    return text;
}

/* Whether i is a string or key that means these bytes, however it is escaped. */
static inline bool weir_json_key_is(const weir_json *doc, uint32_t i, const char *key, size_t len)
{
    weir_str str = { key, len };

    if (!weir_json_is_string(doc, i))
        return false;
    if (doc->tok[i].flags & WEIR_TOKEN_ESCAPED)
        return weir_text_equal(weir_json_text(doc, i), weir_text_from(str));
    return doc->tok[i].len == len && memcmp(doc->bytes.ptr + doc->tok[i].start, key, len) == 0;
}

/* Whether key i is one of `names`. */
static inline bool weir_json_key_in(const weir_json *doc, uint32_t i, const weir_str *names,
                                    size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if ((doc->tok[i].len == names[k].len || doc->tok[i].flags & WEIR_TOKEN_ESCAPED) &&
            weir_json_key_is(doc, i, names[k].ptr, names[k].len))
            return true;
    }
    return false;
}

WEIR_JSON_FOLD bool weir_json_is(const weir_json *doc, uint32_t i, const char *literal)
{
    return weir_json_key_is(doc, i, literal, strlen(literal));
}

/* The value of the last member of that name. */
static inline uint32_t weir_json_find_n(const weir_json *doc, uint32_t object, const char *name,
                                        size_t len)
{
    uint32_t found = WEIR_JSON_NONE, end, i;
    const weir_token *tok = doc->tok;

    if (!weir_json_is_object(doc, object))
        return WEIR_JSON_NONE;
    end = tok[object].next;
    for (i = object + 1; i < end; i = tok[i + 1].next) {
        if (tok[i].flags & WEIR_TOKEN_ESCAPED) {
            if (weir_json_key_is(doc, i, name, len))
                found = i + 1;
        } else if (tok[i].len == len && memcmp(doc->bytes.ptr + tok[i].start, name, len) == 0) {
            found = i + 1;
        }
    }
    return found;
}

WEIR_JSON_FOLD uint32_t weir_json_find(const weir_json *doc, uint32_t object, const char *name)
{
    return weir_json_find_n(doc, object, name, strlen(name));
}

/* Follows names and item numbers separated by dots, e.g. "choices.0.delta.content". */
static inline uint32_t weir_json_path(const weir_json *doc, uint32_t from, const char *path)
{
    for (;;) {
        size_t len = strcspn(path, ".");

        if (weir_json_is_array(doc, from)) {
            int64_t n;

            if (!weir_number_to_int64(path, len, &n) || n < 0 || n >= WEIR_JSON_NONE)
                return WEIR_JSON_NONE;
            from = weir_json_item(doc, from, (uint32_t)n);
        } else {
            from = weir_json_find_n(doc, from, path, len);
        }
        if (from == WEIR_JSON_NONE || !path[len])
            return from;
        path += len + 1;
    }
}

/* The typed getters leave *out alone and return false if the value is missing, of another type or
 * out of range. An int64 is written without fraction and exponent; 1.0 is not one. */
static inline bool weir_json_bool(const weir_json *doc, uint32_t i, bool *out)
{
    if (!weir_json_is_bool(doc, i))
        return false;
    *out = doc->tok[i].type == WEIR_JSON_TRUE;
    return true;
}

static inline bool weir_json_int64(const weir_json *doc, uint32_t i, int64_t *out)
{
    return weir_json_is_number(doc, i) &&
           weir_number_to_int64(doc->bytes.ptr + doc->tok[i].start, doc->tok[i].len, out);
}

static inline bool weir_json_double(const weir_json *doc, uint32_t i, double *out)
{
    return weir_json_is_number(doc, i) &&
           weir_number_to_double(doc->bytes.ptr + doc->tok[i].start, doc->tok[i].len, out);
}

/* A string decoded into buf; see weir_text_decode. 0 for anything but a string. */
static inline size_t weir_json_unescape(const weir_json *doc, uint32_t i, char *buf, size_t room)
{
    return weir_text_decode(weir_json_text(doc, i), buf, room);
}

/* A string as UTF-8; see weir_text_to_utf8. Empty for anything but a string. */
static inline weir_str weir_json_str(const weir_json *doc, uint32_t i, const weir_arena *arena)
{
    return weir_text_to_utf8(arena, weir_json_text(doc, i));
}

#endif
