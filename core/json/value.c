/*
 * value.c - long runs of plain text, with the widest registers this processor has.
 */
#include "json/value.h"

#if JSCAN_SSE2
#include <immintrin.h>

static const char *skip_nothing(const char *p, const char *end, uint8_t *flags)
{
    (void)end, (void)flags;
    return p;
}

__attribute__((target("avx2"))) static inline __m256i odd_bytes(__m256i v)
{
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i backslash = _mm256_set1_epi8('\\');
    const __m256i space = _mm256_set1_epi8(' ');

    /* Signed: controls, and everything from 0x80 up, are less than a space. */
    return _mm256_or_si256(
        _mm256_or_si256(_mm256_cmpeq_epi8(v, quote), _mm256_cmpeq_epi8(v, backslash)),
        _mm256_cmpgt_epi8(space, v));
}

/* The first byte of a block of 64 at `p` that ends the run, given which are odd; NULL: none does,
 * and
 * `*p` moves on to the next block. */
static inline const char *first_odd(const char **p, uint64_t odd, uint8_t *flags)
{
    const char *block = *p, *next = block + 64;

    while (odd) {
        unsigned at = (unsigned)__builtin_ctzll(odd);

        if (block[at] != '\\' || !jvalue_is_short_escape(block[at + 1]))
            return block + at;
        *flags = WEIR_TOKEN_ESCAPED;
        odd &= ~(UINT64_C(3) << at);
        if (at == 63) /* the escape ends in the next block */
            next++;
    }
    *p = next;
    return NULL;
}

/* Block by block, whatever stands in them: what the next one is does not wait for the escapes of
 * this one to be looked at. */
__attribute__((target("avx2,bmi"))) const char *jvalue_skip_avx2(const char *p, const char *end,
                                                                 uint8_t *flags)
{
    while (end - p > 64) {
        __m256i a = odd_bytes(_mm256_loadu_si256((const __m256i *)(const void *)p));
        __m256i b = odd_bytes(_mm256_loadu_si256((const __m256i *)(const void *)(p + 32)));
        uint64_t odd =
            (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 | (uint32_t)_mm256_movemask_epi8(a);
        const char *found = first_odd(&p, odd, flags);

        if (found)
            return found;
    }
    return p;
}

__attribute__((target("avx512bw,bmi"))) const char *
jvalue_skip_avx512(const char *p, const char *end, uint8_t *flags)
{
    const __m512i quote = _mm512_set1_epi8('"');
    const __m512i backslash = _mm512_set1_epi8('\\');
    const __m512i space = _mm512_set1_epi8(' ');

    while (end - p > 64) {
        __m512i v = _mm512_loadu_si512((const void *)p);
        uint64_t odd = _mm512_cmpeq_epi8_mask(v, quote) | _mm512_cmpeq_epi8_mask(v, backslash) |
                       _mm512_cmplt_epi8_mask(v, space);
        const char *found = first_odd(&p, odd, flags);

        if (found)
            return found;
    }
    return p;
}

/* Chooses, the first time. Threads that meet here choose the same. */
static const char *skip_first(const char *p, const char *end, uint8_t *flags)
{
    const char *(*skip)(const char *, const char *, uint8_t *) = skip_nothing;

    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi"))
        skip = jvalue_skip_avx512;
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        skip = jvalue_skip_avx2;
    __atomic_store_n(&jvalue_skip_long, skip, __ATOMIC_RELAXED);
    return skip(p, end, flags);
}

const char *(*jvalue_skip_long)(const char *p, const char *end, uint8_t *flags) = skip_first;
#endif
