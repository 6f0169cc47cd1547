/*
 * again.c - see again.h.
 *
 * Both documents are walked in step. At a difference, the token of the old document that it lies
 * in says what the new one must have there: a string or a number that begins at the same place.
 * It is scanned, and behind it both scanners would be in the same state, so that comparing goes
 * on there.
 */
#include "json/again.h"

#include <stdlib.h>
#include <string.h>

#include "json/value.h"

/* The walk, and what it has found. */
struct walk {
    const struct jagain *old;
    const char *new;
    size_t new_len;
    size_t at_old, at_new; /* up to here both are understood */
    uint32_t token;        /* the last one that begins at or before `at_old` */
    int64_t shift[JAGAIN_CHANGES];
    uint8_t flags[JAGAIN_CHANGES];
    struct jagain_changes *changes;
};

#if JSCAN_SSE2
static inline __m128i same(const char *a, const char *b)
{
    return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                          _mm_loadu_si128((const __m128i *)(const void *)b));
}

/* Whether 64 bytes agree. */
static inline bool same_block(const char *a, const char *b)
{
    __m128i low = _mm_and_si128(same(a, b), same(a + 16, b + 16));
    __m128i high = _mm_and_si128(same(a + 32, b + 32), same(a + 48, b + 48));

    return _mm_movemask_epi8(_mm_and_si128(low, high)) == 0xFFFF;
}
#endif

/* How many bytes agree. */
static size_t common(const char *a, const char *b, size_t len)
{
    size_t i = 0;

#if JSCAN_SSE2
    while (i + 64 <= len && same_block(a + i, b + i))
        i += 64;
    for (; i + 16 <= len; i += 16) {
        unsigned equal = (unsigned)_mm_movemask_epi8(same(a + i, b + i));

        if (equal != 0xFFFF)
            return i + (size_t)__builtin_ctz(~equal);
    }
    if (i && i < len) { /* the last sixteen, some of them again */
        unsigned equal = (unsigned)_mm_movemask_epi8(same(a + len - 16, b + len - 16));

        return equal == 0xFFFF ? len : len - 16 + (size_t)__builtin_ctz(~equal);
    }
#endif
    for (; i + 8 <= len; i += 8) {
        uint64_t x, y;

        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y)
            break;
    }
    while (i < len && a[i] == b[i])
        i++;
    return i;
}

/* The token that offset `at` of the old document lies in, or right behind. */
static const weir_token *token_at(struct walk *w, size_t at)
{
    const struct jagain *old = w->old;
    uint32_t hint = old->hint[w->changes->count];

    if (hint > w->token && old->tok[hint].start <= at &&
        at <= (size_t)old->tok[hint].start + old->tok[hint].len) {
        w->token = hint;
        return &old->tok[hint];
    }
    while (w->token + 1 < old->count && old->tok[w->token + 1].start <= at)
        w->token++;
    return &old->tok[w->token];
}

/* Steps over a value that differs. False: the documents are not alike. */
static bool step_over(struct walk *w, size_t at)
{
    struct jagain_changes *c = w->changes;
    const weir_token *tok;
    struct jvalue v;
    const char *end;
    size_t start; /* in the new document */
    bool string;

    if (c->count == JAGAIN_CHANGES)
        return false;
    tok = token_at(w, at);
    start = tok->start - w->at_old + w->at_new;
    string = tok->type == WEIR_JSON_STRING;
    if ((!string && tok->type != WEIR_JSON_NUMBER) || tok->flags & WEIR_TOKEN_KEY)
        return false;
    if (tok->start < w->at_old || at > (size_t)tok->start + tok->len)
        return false;
    end = string ? jvalue_short(w->new + start, w->new + w->new_len) : NULL;
    v.flags = 0;
    if (!end)
        end = string ? jvalue_string(w->new + start, w->new + w->new_len, &v)
                     : jvalue_number(w->new + start, w->new + w->new_len, &v);
    if (!end)
        return false;
    w->flags[c->count] = v.flags;
    w->shift[c->count] = (int64_t)(end - (w->new + start)) - (int64_t)tok->len;
    c->token[c->count++] = w->token;
    w->at_old = (size_t)tok->start + tok->len;
    w->at_new = (size_t)(end - w->new);
    /* At the end of a number the bytes must agree again, or nothing has been gained. */
    return w->at_old < w->old->len && w->at_new < w->new_len &&
           w->old->bytes[w->at_old] == w->new[w->at_new];
}

static bool compare(struct walk *w)
{
    for (;;) {
        size_t old_left = w->old->len - w->at_old, new_left = w->new_len - w->at_new;
        size_t len = old_left < new_left ? old_left : new_left;
        size_t n = common(w->old->bytes + w->at_old, w->new + w->at_new, len);

        if (n == old_left && n == new_left)
            return true;
        if (n == old_left || !step_over(w, w->at_old + n))
            return false;
    }
}

/* Moves the old table to where the new document has its tokens. */
static void move(struct jagain *a, const struct walk *w)
{
    const struct jagain_changes *c = w->changes;
    weir_token *tok = a->tok;

    for (uint32_t k = 0; k < c->count; k++) {
        weir_token *t = &tok[c->token[k]];
        uint32_t by = (uint32_t)w->shift[k]; /* wraps where it is negative */

        t->len += by;
        a->hint[k] = c->token[k];
        t->flags = w->flags[k];
        if (!by)
            continue;
        for (uint32_t i = 0; i < a->container_count && a->container[i] < c->token[k]; i++) {
            weir_token *around = &tok[a->container[i]];

            if (around->next > c->token[k])
                around->len += by;
        }
        for (uint32_t i = c->token[k] + 1; i < a->count; i++)
            tok[i].start += by;
    }
}

/* Room for a document to be remembered. */
static bool reserve(struct jagain *a, size_t len, size_t count)
{
    if (len > a->cap) {
        char *bytes = realloc(a->bytes, len + len / 2);

        if (!bytes)
            return false;
        a->bytes = bytes;
        a->cap = (uint32_t)(len + len / 2);
    }
    if (count > a->tok_cap) {
        weir_token *tok = realloc(a->tok, count * sizeof(*tok));

        if (!tok)
            return false;
        a->tok = tok;
        a->tok_cap = (uint32_t)count;
    }
    return true;
}

static bool find_containers(struct jagain *a, const weir_json *doc)
{
    a->container_count = 0;
    for (uint32_t i = 0; i < doc->count; i++) {
        if (doc->tok[i].type < WEIR_JSON_ARRAY)
            continue;
        if (a->container_count == JAGAIN_MAX_OPEN)
            return false;
        a->container[a->container_count++] = i;
    }
    return true;
}

static void keep(struct jagain *a, const weir_json *doc)
{
    a->count = 0;
    if (doc->bytes.len > JAGAIN_MAX_BYTES || doc->count > JAGAIN_MAX_TOKENS ||
        !reserve(a, doc->bytes.len, doc->count) || !find_containers(a, doc))
        return;
    memset(a->hint, 0, sizeof(a->hint));
    memcpy(a->bytes, doc->bytes.ptr, doc->bytes.len);
    memcpy(a->tok, doc->tok, doc->count * sizeof(*doc->tok));
    a->len = (uint32_t)doc->bytes.len;
    a->count = (uint32_t)doc->count;
}

weir_result jagain_scan(struct jagain *a, struct jscan_tokens *spare, weir_str bytes,
                        weir_json *out, struct jagain_changes *changes)
{
    struct walk w = { .old = a, .new = bytes.ptr, .new_len = bytes.len, .changes = changes };
    weir_result r;

    changes->count = 0;
    changes->alike =
        a->count && bytes.len <= JAGAIN_MAX_BYTES && reserve(a, bytes.len, 0) && compare(&w);
    if (changes->alike) {
        move(a, &w);
        memcpy(a->bytes, bytes.ptr, bytes.len);
        a->len = (uint32_t)bytes.len;
        *out = (weir_json){ .bytes = bytes, .tok = a->tok, .count = a->count };
        return WEIR_OK;
    }
    r = jscan(spare, bytes, out, NULL);
    if (r == WEIR_OK)
        keep(a, out);
    else
        a->count = 0;
    return r;
}

void jagain_finish(struct jagain *a)
{
    free(a->bytes);
    free(a->tok);
    *a = (struct jagain){ 0 };
}
