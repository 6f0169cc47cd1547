/*
 * fold.h - UTF-8 made comparable without regard to case: every letter of Latin, Greek, Cyrillic and
 * Armenian becomes its small form. No locale takes part, and nothing grows.
 */
#ifndef WEIR_SDK_FOLD_H
#define WEIR_SDK_FOLD_H

#include <weir/sdk/str.h>
#include <weir/sdk/utf8.h>

/* Where capital and small letter stand side by side, the capital at an even number. */
static inline bool weir_fold_even(uint32_t c)
{
    return (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) || (c >= 0x3D8 && c <= 0x3EF) ||
           (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F) ||
           (c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF);
}

/* ... and at an odd one. */
static inline bool weir_fold_odd(uint32_t c)
{
    return (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E) || (c >= 0x4C1 && c <= 0x4CE);
}

static inline uint32_t weir_fold_greek(uint32_t c)
{
    if (c >= 0x391 && c <= 0x3AB && c != 0x3A2)
        return c + 32;
    if (c >= 0x388 && c <= 0x38A)
        return c + 37;
    switch (c) {
    case 0x386:
        return 0x3AC;
    case 0x38C:
        return 0x3CC;
    case 0x38E:
    case 0x38F:
        return c + 63;
    case 0x3C2: /* the sigma at the end of a word */
        return 0x3C3;
    default:
        return c;
    }
}

static inline uint32_t weir_fold_code(uint32_t c)
{
    if (c < 0x80)
        return weir_ascii_lower((unsigned char)c);
    if (c >= 0xC0 && c <= 0xDE)
        return c == 0xD7 ? c : c + 32;
    if (c == 0x130) /* dotted I; its dotless brother is small already */
        return 'i';
    if (c == 0x178)
        return 0xFF;
    if (c == 0x1E9E)
        return 0xDF;
    if (c != 0x131 && weir_fold_even(c))
        return c | 1;
    if (weir_fold_odd(c))
        return c + (c & 1);
    if (c >= 0x386 && c <= 0x3C2)
        return weir_fold_greek(c);
    if (c >= 0x400 && c <= 0x40F)
        return c + 80;
    if ((c >= 0x410 && c <= 0x42F) || (c >= 0xFF21 && c <= 0xFF3A))
        return c + 32;
    return c >= 0x531 && c <= 0x556 ? c + 48 : c;
}

/* The valid sequence of `len` bytes at p as a code point. */
static inline uint32_t weir_fold_get(const char *p, size_t len)
{
    uint32_t c = (unsigned char)p[0];

    if (len > 1)
        c &= 0xFFu >> (len + 1);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3Fu);
    return c;
}

/* Writes the folded text, no longer than it was, as far as there is room. Bytes that are no UTF-8
 * stay. Returns the length. */
static inline size_t weir_fold(weir_str s, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len;) {
        size_t len = weir_utf8_length(s.ptr + i, s.len - i);

        if (n + (len ? len : 1) > room)
            break;
        if (len > 3 || !len)
            memcpy(out + n, s.ptr + i, len ? len : 1);
        if (len && len <= 3)
            n += weir_utf8_put(out + n, weir_fold_code(weir_fold_get(s.ptr + i, len)));
        else
            n += len ? len : 1;
        i += len ? len : 1;
    }
    return n;
}

#endif
