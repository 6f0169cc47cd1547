/*
 * scan.c - the single pass over a JSON document.
 *
 * One loop and an explicit stack of open containers, no recursion; strings and numbers are those of
 * value.h. Never reads past the end of the bytes.
 */
#include "json/scan.h"
#include "json/value.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(JSCAN_DEPTH_MAX == 128, "one of the messages below names the limit");

struct scan {
    const char *begin;
    const char *end;
    weir_token *tok;
    size_t count;
    size_t cap;
    struct jscan_tokens *table; /* where the tokens live, or */
    const weir_arena *arena;
    uint32_t depth;
    weir_result result;
    const char *what;
    const char *at;
    uint32_t open[JSCAN_DEPTH_MAX]; /* token indices of the open containers */
};

/* NULL, so that callers can hand it on: the scan is over. */
static const char *fail(struct scan *s, weir_result result, const char *at, const char *what)
{
    s->result = result;
    s->at = at;
    s->what = what;
    return NULL;
}

static const char *invalid(struct scan *s, const char *at, const char *what)
{
    return fail(s, WEIR_INVALID, at, at == s->end ? "the document ends too early" : what);
}

/* A first guess at the number of tokens: small documents are mostly structure, large ones mostly
 * text. */
static size_t estimate(size_t len)
{
    return len <= 4096 ? 16 + len / 8 : 528 + (len - 4096) / 64;
}

static bool reserve(struct scan *s, size_t cap)
{
    if (cap > SIZE_MAX / sizeof(weir_token))
        return false;

    size_t size = cap * sizeof(weir_token);
    weir_token *tok;

    if (s->table) {
        tok = realloc(s->table->tok, size);
        if (!tok)
            return false;
        s->table->tok = tok;
        s->table->cap = cap;
    } else {
        tok = s->arena->alloc(s->arena->owner, size);
        if (!tok)
            return false;
        if (s->count)
            memcpy(tok, s->tok, s->count * sizeof(*tok));
    }
    s->tok = tok;
    s->cap = cap;
    return true;
}

/* Adds a token of which only the end is still unknown. */
static inline weir_token *push(struct scan *s, const char *start, uint8_t type, uint8_t flags)
{
    if (__builtin_expect(s->count == s->cap, 0) && !reserve(s, s->cap * 2)) {
        fail(s, WEIR_NO_MEMORY, start, "out of memory for the token table");
        return NULL;
    }

    weir_token *tok = &s->tok[s->count++];

    tok->start = (uint32_t)(start - s->begin);
    tok->len = 0;
    tok->next = (uint32_t)s->count;
    tok->type = type;
    tok->flags = flags;
    tok->depth = (uint16_t)s->depth;
    return tok;
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* p is at the opening quote; returns what follows the closing one. */
static inline const char *scan_string(struct scan *s, const char *p, uint8_t flags)
{
    struct jvalue v = { 0 };
    const char *start = p + 1;
    const char *end = jvalue_short(start, s->end);

    if (!end)
        end = jvalue_string(start, s->end, &v);
    if (__builtin_expect(!end, 0))
        return invalid(s, v.at, v.what);

    weir_token *tok = push(s, start, WEIR_JSON_STRING, flags | v.flags);

    if (!tok)
        return NULL;
    tok->len = (uint32_t)(end - start);
    return end + 1;
}

static const char *scan_number(struct scan *s, const char *p)
{
    struct jvalue v;
    const char *end = jvalue_number(p, s->end, &v);

    if (!end)
        return invalid(s, v.at, v.what);

    weir_token *tok = push(s, p, WEIR_JSON_NUMBER, 0);

    if (!tok)
        return NULL;
    tok->len = (uint32_t)(end - p);
    return end;
}

static const char *scan_literal(struct scan *s, const char *p, const char *word, uint32_t len,
                                uint8_t type)
{
    if ((size_t)(s->end - p) < len || memcmp(p, word, len) != 0)
        return invalid(s, p, "a value was expected: null, true and false are the only words");

    weir_token *tok = push(s, p, type, 0);

    if (!tok)
        return NULL;
    tok->len = len;
    return p + len;
}

static const char *scan_scalar(struct scan *s, const char *p)
{
    switch (*p) {
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return scan_number(s, p);
    case 'n':
        return scan_literal(s, p, "null", 4, WEIR_JSON_NULL);
    case 't':
        return scan_literal(s, p, "true", 4, WEIR_JSON_TRUE);
    case 'f':
        return scan_literal(s, p, "false", 5, WEIR_JSON_FALSE);
    case '\xEF':
        if (p == s->begin && s->end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
            return invalid(s, p, "a byte order mark is not allowed");
        return invalid(s, p, "a value was expected");
    default:
        return invalid(s, p, "a value was expected");
    }
}

/* p is where a key must be; returns what follows the colon. */
static inline const char *scan_key(struct scan *s, const char *p)
{
    p = skip_space(p, s->end);
    if (p == s->end || *p != '"')
        return invalid(s, p, "a key in double quotes was expected");
    p = scan_string(s, p, WEIR_TOKEN_KEY);
    if (!p)
        return NULL;
    p = skip_space(p, s->end);
    if (p == s->end || *p != ':')
        return invalid(s, p, "a colon was expected");
    return p + 1;
}

/* p is at the bracket; returns what follows it. */
static inline const char *open_container(struct scan *s, const char *p, uint8_t type)
{
    if (s->depth == JSCAN_DEPTH_MAX)
        return fail(s, WEIR_TOO_LARGE, p, "nested deeper than 128 levels");
    if (!push(s, p, type, 0))
        return NULL;
    s->open[s->depth++] = (uint32_t)(s->count - 1);
    return p + 1;
}

/* p is behind a complete value. Closes what is closed there and returns where the next value must
 * be, or NULL when the scan is over, well or not. */
static inline const char *after_value(struct scan *s, const char *p)
{
    const char *end = s->end;

    for (;;) {
        p = skip_space(p, end);
        if (s->depth == 0)
            return p == end ? NULL : invalid(s, p, "something follows the end of the document");

        weir_token *top = &s->tok[s->open[s->depth - 1]];
        bool object = top->type == WEIR_JSON_OBJECT;

        if (p == end)
            return invalid(s, p, "");
        if (*p == ',')
            return object ? scan_key(s, p + 1) : p + 1;
        if (*p != (object ? '}' : ']'))
            return invalid(s, p,
                           object ? "a comma or } was expected" : "a comma or ] was expected");
        p++;
        top->len = (uint32_t)(p - s->begin) - top->start;
        top->next = (uint32_t)s->count;
        s->depth--;
    }
}

/* p is where a value must be. Returns what follows it, or the place of a first child with
 * *complete false. */
static inline const char *scan_value(struct scan *s, const char *p, bool *complete)
{
    const char *end = s->end;

    *complete = true;
    p = skip_space(p, end);
    if (p == end)
        return invalid(s, p, "");
    switch (*p) {
    case '"':
        return scan_string(s, p, 0);
    case '{':
        p = open_container(s, p, WEIR_JSON_OBJECT);
        if (!p)
            return NULL;
        p = skip_space(p, end);
        if (p < end && *p == '}')
            return p; /* nothing in it: left to after_value */
        *complete = false;
        return scan_key(s, p);
    case '[':
        p = open_container(s, p, WEIR_JSON_ARRAY);
        if (!p)
            return NULL;
        p = skip_space(p, end);
        *complete = p < end && *p == ']';
        return p;
    default:
        return scan_scalar(s, p);
    }
}

static weir_result run(struct scan *s, weir_str bytes, weir_json *out, struct jscan_fault *fault)
{
    const char *p = bytes.ptr;
    bool complete;

    if (bytes.len == 0)
        p = fail(s, WEIR_INVALID, p, "the document is empty");
    else if (bytes.len > UINT32_MAX)
        p = fail(s, WEIR_TOO_LARGE, p, "larger than 4 GiB");
    else if (s->cap == 0 && !reserve(s, estimate(bytes.len)))
        p = fail(s, WEIR_NO_MEMORY, p, "out of memory for the token table");
    else
        s->end = p + bytes.len;

    while (p) {
        p = scan_value(s, p, &complete);
        if (p && complete)
            p = after_value(s, p);
    }

    *out = (weir_json){ 0 };
    if (s->result == WEIR_OK)
        *out = (weir_json){ .bytes = bytes, .tok = s->tok, .count = s->count };
    if (fault) {
        fault->offset = s->result == WEIR_OK ? 0 : (size_t)(s->at - s->begin);
        fault->what = s->what;
    }
    return s->result;
}

static void begin(struct scan *s, weir_str bytes)
{
    s->begin = s->end = s->at = bytes.ptr;
    s->tok = NULL;
    s->count = s->cap = 0;
    s->table = NULL;
    s->arena = NULL;
    s->depth = 0;
    s->result = WEIR_OK;
    s->what = NULL;
}

void jscan_tokens_init(struct jscan_tokens *t)
{
    t->tok = NULL;
    t->cap = 0;
}

void jscan_tokens_finish(struct jscan_tokens *t)
{
    free(t->tok);
    jscan_tokens_init(t);
}

weir_result jscan(struct jscan_tokens *t, weir_str bytes, weir_json *out, struct jscan_fault *fault)
{
    struct scan s;

    if (t->cap > JSCAN_KEEP_TOKENS && estimate(bytes.len) <= JSCAN_KEEP_TOKENS)
        jscan_tokens_finish(t);
    begin(&s, bytes);
    s.table = t;
    s.tok = t->tok;
    s.cap = t->cap;
    return run(&s, bytes, out, fault);
}

weir_result jscan_arena(const weir_arena *arena, weir_str bytes, weir_json *out,
                        struct jscan_fault *fault)
{
    struct scan s;

    begin(&s, bytes);
    s.arena = arena;
    return run(&s, bytes, out, fault);
}
