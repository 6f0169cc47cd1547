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

static inline const char *http_token_end(const char *p, const char *end)
{
    while (p < end && http_token_chars[(uint8_t)*p])
        p++;
    return p;
}

/* The first control character in [p, end), or end. Most often the CR of a line. */
static inline const char *http_value_end(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i high = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, high), x);
        low = _mm_andnot_si128(_mm_cmpeq_epi8(x, tab), low);
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(x, del)));
        if (found)
            return p + __builtin_ctz(found);
    }
#endif
    while (p < end && !http_is_control((uint8_t)*p))
        p++;
    return p;
}
