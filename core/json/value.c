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

/* What stands where in a block of 64 bytes, a bit for each. */
struct block {
    uint64_t quotes;
    uint64_t backslashes;
    uint64_t others;  /* controls, and everything from 0x80 up */
    uint64_t letters; /* what may stand behind a backslash in an escape of two */
};

/* The bytes that an escape of two ends in, by their halves: a byte is one of them if the entries of
 * its upper and its lower half have a bit in common. */
#define LETTERS_LOW  0, 0, 13, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1
#define LETTERS_HIGH 0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0

/* The characters that backslashes stand in front of, where a run of them escapes each other.
 * `*pending`: the block before ended in a backslash of that kind; then whether this one does. */
static inline uint64_t escaped_bytes(uint64_t backslashes, uint64_t *pending)
{
    const uint64_t odd = UINT64_C(0xAAAAAAAAAAAAAAAA);
    uint64_t first = backslashes & ~*pending;
    uint64_t ends = (((first << 1) | odd) - first) ^ odd;
    uint64_t escaped = ends ^ (backslashes | *pending);

    *pending = (ends & backslashes) >> 63;
    return escaped;
}

/* Goes on over block after block, whatever stands in them: no branch depends on where the escapes
 * are, which nobody could foresee. Returns where the run ends: `*p`, if the block belongs to it. */
static inline const char *after_block(const char *p, const struct block *b, uint64_t *pending,
                                      uint8_t *flags)
{
    uint64_t before = *pending;
    uint64_t escaped = escaped_bytes(b->backslashes, pending);
    uint64_t bad = escaped & ~b->letters; /* an escape of another kind: the run ends before it */
    uint64_t stop = (b->quotes & ~escaped) | b->others | bad >> 1;
    unsigned at;

    if (before & bad & 1)
        return p - 1;
    if (!stop) {
        *flags |= b->backslashes ? WEIR_TOKEN_ESCAPED : 0;
        return NULL;
    }
    at = (unsigned)__builtin_ctzll(stop);
    if (b->backslashes & ((UINT64_C(1) << at) - 1))
        *flags |= WEIR_TOKEN_ESCAPED;
    return p + at;
}

__attribute__((target("avx2"))) static inline uint64_t bits(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 |
           (uint32_t)_mm256_movemask_epi8(low);
}

__attribute__((target("avx2"))) static inline __m256i letters_avx2(__m256i v)
{
    const __m256i low = _mm256_setr_epi8(LETTERS_LOW, LETTERS_LOW);
    const __m256i high = _mm256_setr_epi8(LETTERS_HIGH, LETTERS_HIGH);
    const __m256i half = _mm256_set1_epi8(15);
    __m256i l = _mm256_shuffle_epi8(low, _mm256_and_si256(v, half));
    __m256i h = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), half));

    return _mm256_cmpgt_epi8(_mm256_and_si256(l, h), _mm256_setzero_si256());
}

__attribute__((target("avx2,bmi"))) const char *jvalue_skip_avx2(const char *p, const char *end,
                                                                 uint8_t *flags)
{
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i backslash = _mm256_set1_epi8('\\');
    const __m256i space = _mm256_set1_epi8(' ');
    uint64_t pending = 0;

    for (; end - p > 64; p += 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
        /* Signed: controls, and everything from 0x80 up, are less than a space. */
        const struct block block = {
            bits(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
            bits(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash)),
            bits(_mm256_cmpgt_epi8(space, a), _mm256_cmpgt_epi8(space, b)),
            bits(letters_avx2(a), letters_avx2(b)),
        };
        const char *stop = after_block(p, &block, &pending, flags);

        if (stop)
            return stop;
    }
    return p - pending; /* an escape goes on behind here */
}

__attribute__((target("avx512bw,bmi"))) const char *
jvalue_skip_avx512(const char *p, const char *end, uint8_t *flags)
{
    const __m512i quote = _mm512_set1_epi8('"');
    const __m512i backslash = _mm512_set1_epi8('\\');
    const __m512i space = _mm512_set1_epi8(' ');
    const __m512i low = _mm512_broadcast_i32x4(_mm_setr_epi8(LETTERS_LOW));
    const __m512i high = _mm512_broadcast_i32x4(_mm_setr_epi8(LETTERS_HIGH));
    const __m512i half = _mm512_set1_epi8(15);
    uint64_t pending = 0;

    for (; end - p > 64; p += 64) {
        __m512i v = _mm512_loadu_si512((const void *)p);
        __m512i l = _mm512_shuffle_epi8(low, _mm512_and_si512(v, half));
        __m512i h = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(v, 4), half));
        const struct block block = {
            _mm512_cmpeq_epi8_mask(v, quote),
            _mm512_cmpeq_epi8_mask(v, backslash),
            _mm512_cmplt_epi8_mask(v, space),
            _mm512_test_epi8_mask(l, h),
        };
        const char *stop = after_block(p, &block, &pending, flags);

        if (stop)
            return stop;
    }
    return p - pending;
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
