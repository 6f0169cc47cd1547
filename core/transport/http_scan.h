/*
 * http_scan.h - the inner loops of HTTP parsing: character classes and "where does this run end".
 */
#pragma once

#include <weir/base.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* 1 for the characters of a token (RFC 9110 5.6.2): methods and header names. */
extern const uint8_t http_token_chars[256];

/* Whether a byte may not stand in a header value: control characters other than a tab. */
static inline bool http_is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

#ifdef __SSE2__
/* A bit for each byte that is no letter, digit or dash, of which nearly all names are made. */
static inline unsigned http_unusual(__m128i x)
{
    const __m128i letters = _mm_set1_epi8('z' - 'a'), digits = _mm_set1_epi8(9);
    __m128i letter = _mm_sub_epi8(_mm_or_si128(x, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i digit = _mm_sub_epi8(x, _mm_set1_epi8('0'));
    __m128i usual = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(letter, letters), letter),
                                 _mm_cmpeq_epi8(_mm_min_epu8(digit, digits), digit));
    usual = _mm_or_si128(usual, _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
    return ~(unsigned)_mm_movemask_epi8(usual) & 0xffff;
}

/* A bit for each byte that is one of http_is_control(). */
static inline unsigned http_controls(__m128i x)
{
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    low = _mm_andnot_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\t')), low);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f))));
}
#endif

/* The first byte in [p, end) that is not of a token, or end. */
static inline const char *http_token_end(const char *p, const char *end)
{
#ifdef __SSE2__
    unsigned found = 0;
    for (; !found && end - p >= 16; p += found ? __builtin_ctz(found) : 16)
        found = http_unusual(_mm_loadu_si128((const __m128i *)(const void *)p));
    if (!found && end - p >= 8) {
        found = http_unusual(_mm_loadl_epi64((const __m128i *)(const void *)p)) | 0x100;
        p += __builtin_ctz(found);
    }
#endif
    while (p < end && http_token_chars[(uint8_t)*p])
        p++;
    return p;
}

/* The first control character in [p, end), or end. Most often the CR of a line. */
static inline const char *http_value_end(const char *p, const char *end)
{
#ifdef __SSE2__
    unsigned found;
    for (; end - p >= 16; p += 16) {
        found = http_controls(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (found)
            return p + __builtin_ctz(found);
    }
    if (end - p >= 8) {
        found = http_controls(_mm_loadl_epi64((const __m128i *)(const void *)p)) & 0xff;
        if (found)
            return p + __builtin_ctz(found);
        p += 8;
    }
#endif
    while (p < end && !http_is_control((uint8_t)*p))
        p++;
    return p;
}
