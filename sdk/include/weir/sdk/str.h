/*
 * str.h - what plugins do with weir_str all day: literals, comparisons, splitting, header look-up,
 * globs. Nothing here allocates unless it takes an arena.
 */
#ifndef WEIR_SDK_STR_H
#define WEIR_SDK_STR_H

#include <string.h>

#include <weir/base.h>
#include <weir/sdk/text.h>

/* A weir_str over a string literal. */
#ifdef __cplusplus
#define WEIR_S(literal) (weir_str{ "" literal, sizeof(literal) - 1 })
#else
#define WEIR_S(literal) ((weir_str){ "" literal, sizeof(literal) - 1 })
#endif

/* Returns from the caller with the result of `call` if it is negative. */
#define WEIR_TRY(call)             \
    do {                           \
        weir_result try_ = (call); \
        if (try_ < 0)              \
            return try_;           \
    } while (0)

static inline weir_str weir_str_make(const char *ptr, size_t len)
{
    weir_str s;

    s.ptr = ptr;
    s.len = len;
    return s;
}

static inline bool weir_str_is(weir_str s, const char *literal)
{
    return weir_str_equal(s, weir_str_of(literal));
}

static inline bool weir_str_starts(weir_str s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && (len == 0 || memcmp(s.ptr, prefix, len) == 0);
}

static inline bool weir_str_ends(weir_str s, const char *suffix)
{
    size_t len = strlen(suffix);
    return s.len >= len && (len == 0 || memcmp(s.ptr + s.len - len, suffix, len) == 0);
}

/* What is behind the first n bytes; empty if there are fewer. */
static inline weir_str weir_str_skip(weir_str s, size_t n)
{
    return n < s.len ? weir_str_make(s.ptr + n, s.len - n) : weir_str_make("", 0);
}

static inline unsigned char weir_ascii_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* Equal but for the case of ASCII letters. */
static inline bool weir_str_is_nocase(weir_str s, const char *literal)
{
    if (s.len != strlen(literal))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != literal[i] && weir_ascii_lower((unsigned char)s.ptr[i]) !=
                                          weir_ascii_lower((unsigned char)literal[i]))
            return false;
    }
    return true;
}

/* Whether `word` occurs in s, the case of ASCII letters aside. `word` is in lower case. */
static inline bool weir_str_mentions(weir_str s, const char *word)
{
    size_t len = strlen(word);

    for (size_t at = 0; at + len <= s.len; at++) {
        size_t i = 0;

        while (i < len && weir_ascii_lower((unsigned char)s.ptr[at + i]) == (unsigned char)word[i])
            i++;
        if (i == len)
            return true;
    }
    return false;
}

/* Without blanks, tabs and line ends around it. */
static inline weir_str weir_str_trim(weir_str s)
{
    while (s.len && (*s.ptr == ' ' || (*s.ptr >= '\t' && *s.ptr <= '\r'))) {
        s.ptr++;
        s.len--;
    }
    while (s.len &&
           (s.ptr[s.len - 1] == ' ' || (s.ptr[s.len - 1] >= '\t' && s.ptr[s.len - 1] <= '\r')))
        s.len--;
    return s;
}

/* Takes what is before the next `separator`, or all, off the front of *rest. */
static inline weir_str weir_str_split(weir_str *rest, char separator)
{
    const char *at = rest->len ? (const char *)memchr(rest->ptr, separator, rest->len) : NULL;
    weir_str piece = *rest;

    if (at)
        piece.len = (size_t)(at - rest->ptr);
    *rest = weir_str_skip(*rest, at ? piece.len + 1 : piece.len);
    return piece;
}

/* The bytes copied into the arena; ptr is NULL if it is exhausted. */
static inline weir_str weir_str_copy(const weir_arena *arena, weir_str s)
{
    char *copy = (char *)arena->alloc(arena->owner, s.len ? s.len : 1);

    if (copy && s.len)
        memcpy(copy, s.ptr, s.len);
    return weir_str_make(copy, copy ? s.len : 0);
}

/* Several strings behind one another, in the arena; ptr is NULL if it is exhausted. */
static inline weir_str weir_str_join(const weir_arena *arena, const weir_str *parts, size_t count)
{
    weir_str all = weir_str_make("", 0);
    char *at;

    for (size_t i = 0; i < count; i++)
        all.len += parts[i].len;
    at = (char *)arena->alloc(arena->owner, all.len ? all.len : 1);
    if (!at)
        return weir_str_make(NULL, 0);
    all.ptr = at;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return all;
}

/* The value of the first header of that name, trimmed, or empty. `name` may be in any case. */
static inline weir_str weir_header_find(const weir_header *headers, uint32_t count,
                                        const char *name)
{
    size_t len = strlen(name);

    for (uint32_t i = 0; i < count; i++) {
        if (headers[i].name.len == len && weir_str_is_nocase(headers[i].name, name))
            return weir_str_trim(headers[i].value);
    }
    return weir_str_make("", 0);
}

/* Whether s matches a pattern in which '*' stands for any run of bytes, also none. */
static inline bool weir_glob(weir_str pattern, weir_str s)
{
    size_t p = 0, i = 0;
    size_t star = SIZE_MAX, mark = 0; /* where to go on if what follows the last star fails */

    while (i < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.len && pattern.ptr[p] == s.ptr[i]) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

#endif
