/*
 * value.h - where a JSON string or number ends, and whether it is one.
 *
 * String bodies, which are most of what a gateway sees, are skipped 16 bytes at a time with SSE2
 * (long ones 64 at a time where the processor has AVX2 or AVX-512), or 8 at a time without
 * (JSCAN_PORTABLE chooses the latter, for tests). Nothing reads past `end`.
 */
#ifndef WEIR_CORE_JSON_VALUE_H
#define WEIR_CORE_JSON_VALUE_H

#include <weir/json.h>
#include <weir/sdk/utf8.h>

#if defined(__SSE2__) && !defined(JSCAN_PORTABLE)
#define JSCAN_SSE2 1
#include <emmintrin.h>
#else
#define JSCAN_SSE2 0
#endif

struct jvalue {
    uint8_t flags;    /* of a string: WEIR_TOKEN_ESCAPED or 0 */
    const char *at;   /* after a failure: where */
    const char *what; /* and what; static text */
};

static inline const char *jvalue_fault(struct jvalue *v, const char *at, const char *what)
{
    v->at = at;
    v->what = what;
    return NULL;
}

/* The character behind a backslash, in an escape of two. */
static inline bool jvalue_is_short_escape(char c)
{
    return c == 'n' || c == '"' || c == '\\' || c == 't' || c == '/' || c == 'r' || c == 'b' ||
           c == 'f';
}

#if JSCAN_SSE2
/* Skips plain bytes and short escapes in the middle of a long string. May stop early: in front of
 * what is neither, or of the end. */
extern const char *(*jvalue_skip_long)(const char *p, const char *end, uint8_t *flags);
/* What it is by the processor; for tests. */
const char *jvalue_skip_avx2(const char *p, const char *end, uint8_t *flags);
const char *jvalue_skip_avx512(const char *p, const char *end, uint8_t *flags);

/* A bit for each byte that is no plain character. */
static inline unsigned jvalue_odd_bytes(__m128i v)
{
    /* Signed, so that "less than space" finds controls and everything from 0x80 up. */
    __m128i odd =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmplt_epi8(v, _mm_set1_epi8(' ')));

    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (unsigned)_mm_movemask_epi8(odd);
}
#endif

static inline const char *jvalue_skip_plain(const char *p, const char *end, uint8_t *flags)
{
#if JSCAN_SSE2
    const char *far = p + 64;

    while (end - p >= 16) {
        unsigned mask = jvalue_odd_bytes(_mm_loadu_si128((const __m128i *)(const void *)p));

        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
        if (p == far)
            p = jvalue_skip_long(p, end, flags);
    }
#endif
    (void)flags;
    return weir_utf8_skip_plain(p, end);
}

/* The closing quote of a string of fewer than sixteen plain characters, as nearly all keys are.
 * NULL: it is not one of those, or stands too close to the end. */
static inline const char *jvalue_short(const char *p, const char *end)
{
#if JSCAN_SSE2
    unsigned odd;

    if (end - p < 16)
        return NULL;
    odd = jvalue_odd_bytes(_mm_loadu_si128((const __m128i *)(const void *)p));
    if (odd && p[__builtin_ctz(odd)] == '"')
        return p + __builtin_ctz(odd);
#endif
    (void)p, (void)end;
    return NULL;
}

static inline bool jvalue_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool jvalue_is_hex(char c)
{
    return jvalue_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* p is at the backslash; returns what follows the escape. */
static inline const char *jvalue_escape(const char *p, const char *end, struct jvalue *v)
{
    if (++p == end)
        return jvalue_fault(v, p, "");
    switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 1;
    case 'u':
        for (int i = 0; i < 4; i++)
            if (++p == end || !jvalue_is_hex(*p))
                return jvalue_fault(v, p, "\\u needs four hexadecimal digits");
        return p + 1;
    default:
        return jvalue_fault(v, p, "no such escape; a backslash itself is written \\\\");
    }
}

/* What is no plain character: an escape, or characters beyond ASCII. Returns what follows. */
static inline const char *jvalue_odd(const char *p, const char *end, struct jvalue *v)
{
    unsigned char c = (unsigned char)*p;

    if (c == '\\') {
        v->flags = WEIR_TOKEN_ESCAPED;
        return jvalue_escape(p, end, v);
    }
    if (c < 0x20)
        return jvalue_fault(v, p, "a control character in a string must be escaped");
    do {
        size_t len = weir_utf8_length(p, (size_t)(end - p));

        if (!len)
            return jvalue_fault(v, p, "not valid UTF-8");
        p += len;
    } while (p < end && (unsigned char)*p >= 0x80);
    return p;
}

/* p is behind the opening quote. Returns the closing one; NULL: see `v`. */
static inline const char *jvalue_string(const char *p, const char *end, struct jvalue *v)
{
    v->flags = 0;
    for (;;) {
        p = jvalue_skip_plain(p, end, &v->flags);
        if (p == end)
            return jvalue_fault(v, p, "");
        if (*p == '"')
            return p;
        p = jvalue_odd(p, end, v);
        if (!p)
            return NULL;
    }
}

static inline const char *jvalue_skip_digits(const char *p, const char *end)
{
    while (p < end && jvalue_is_digit(*p))
        p++;
    return p;
}

/* p is at the first character. Returns what follows the last; NULL: see `v`. */
static inline const char *jvalue_number(const char *p, const char *end, struct jvalue *v)
{
    static const char wanted[] = "a digit was expected";

    v->flags = 0;
    if (p < end && *p == '-')
        p++;
    if (p == end || !jvalue_is_digit(*p))
        return jvalue_fault(v, p, wanted);
    if (*p == '0')
        p++;
    else
        p = jvalue_skip_digits(p, end);
    if (p < end && jvalue_is_digit(*p))
        return jvalue_fault(v, p, "a number must not begin with 0");
    if (p < end && *p == '.') {
        if (++p == end || !jvalue_is_digit(*p))
            return jvalue_fault(v, p, wanted);
        p = jvalue_skip_digits(p, end);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        if (++p < end && (*p == '+' || *p == '-'))
            p++;
        if (p == end || !jvalue_is_digit(*p))
            return jvalue_fault(v, p, wanted);
        p = jvalue_skip_digits(p, end);
    }
    return p;
}

#endif
