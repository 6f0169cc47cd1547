/*
 * str.h - small helpers over weir_str.
 */
#pragma once

#include <string.h>
#include <weir/base.h>

#define S(literal) ((weir_str){ (literal), sizeof(literal) - 1 })

/* For "%.*s". */
#define S_ARG(s) (int)(s).len, (s).len ? (s).ptr : ""

static inline weir_str str_of(const char *z)
{
    return (weir_str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(weir_str a, weir_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_is(weir_str a, const char *z)
{
    return a.len == strlen(z) && memcmp(a.ptr, z, a.len) == 0;
}

static inline bool str_begins(weir_str s, weir_str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

static inline weir_str str_trim(weir_str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s.ptr++, s.len--;
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Whether `s` matches a pattern in which '*' stands for any run of bytes. */
static inline bool str_glob(weir_str s, weir_str pattern)
{
    size_t i = 0, p = 0, star = SIZE_MAX, mark = 0;

    while (i < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.len && pattern.ptr[p] == s.ptr[i]) {
            p++, i++;
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

/* Whether `s` matches one of a NULL-terminated list of patterns. */
static inline bool str_in(weir_str s, const char *const *patterns)
{
    for (; patterns && *patterns; patterns++) {
        if (str_glob(s, str_of(*patterns)))
            return true;
    }
    return false;
}
