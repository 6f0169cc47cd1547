/*
 * utf8.h - the byte-level tests that JSON scanner, reader and writer share.
 *
 * Strict UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#ifndef WEIR_SDK_UTF8_H
#define WEIR_SDK_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WEIR_UTF8_REPLACEMENT 0xFFFDu

static inline int weir_utf8_is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* The length, 1 to 4, of the valid sequence at ptr, or 0. `left` is what may be read, at least 1.
 */
static inline size_t weir_utf8_length(const char *ptr, size_t left)
{
    const unsigned char *p = (const unsigned char *)ptr;
    unsigned char lead = p[0];

    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    if (left < 2 || !weir_utf8_is_tail(p[1]))
        return 0;
    if (lead < 0xE0)
        return 2;
    if (left < 3 || !weir_utf8_is_tail(p[2]))
        return 0;
    if (lead < 0xF0) {
        if ((lead == 0xE0 && p[1] < 0xA0) || (lead == 0xED && p[1] > 0x9F))
            return 0;
        return 3;
    }
    if (left < 4 || !weir_utf8_is_tail(p[3]))
        return 0;
    if ((lead == 0xF0 && p[1] < 0x90) || (lead == 0xF4 && p[1] > 0x8F))
        return 0;
    return 4;
}

/* Writes a code point, up to four bytes. It must not be a surrogate nor past U+10FFFF. Returns the
 * length. */
static inline size_t weir_utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* The high bit of some byte is set if and only if one of the eight is not plain: a borrow can only
 * come out of a byte that already is not. */
static inline uint64_t weir_utf8_odd(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return (word | (word - ones * 0x20) | ((word ^ (ones * '"')) - ones) |
            ((word ^ (ones * '\\')) - ones)) &
           (ones * 0x80);
}

/* Skips what stands for itself inside a JSON string: ASCII but quote, backslash and controls. */
static inline const char *weir_utf8_skip_plain(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t word;

        memcpy(&word, p, 8);
        if (weir_utf8_odd(word))
            break;
    }
    if (end - p >= 4) { /* keys and words are short */
        uint32_t half;

        memcpy(&half, p, 4);
        if (!weir_utf8_odd(half | (uint64_t)half << 32))
            p += 4;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

#endif
