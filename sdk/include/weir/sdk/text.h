/*
 * text.h - weir_text: text in the form it arrived in, decoded only when somebody must look.
 *
 * Decoding never makes text longer. An escaped surrogate without its partner becomes U+FFFD. A
 * backslash that begins no valid escape, which no scanned document has, stands for itself.
 */
#ifndef WEIR_SDK_TEXT_H
#define WEIR_SDK_TEXT_H

#include <string.h>

#include <weir/base.h>
#include <weir/sdk/utf8.h>

static inline weir_text weir_text_from(weir_str utf8)
{
    weir_text text = { utf8.ptr, utf8.len, WEIR_FORM_UTF8, 0 };
    return text;
}

static inline weir_str weir_str_of(const char *terminated)
{
    weir_str str = { terminated, strlen(terminated) };
    return str;
}

static inline bool weir_str_equal(weir_str a, weir_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The value of four hexadecimal digits, or UINT32_MAX. */
static inline uint32_t weir_text_hex4(const char *p, const char *end)
{
    uint32_t value = 0;

    if (end - p < 4)
        return UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        unsigned char lower = (unsigned char)(c | 0x20);

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return value;
}

/* *p is behind "\u". Steps over the digits, and over a second half if one belongs to it. */
static inline size_t weir_text_unicode_escape(const char **p, const char *end, char out[4])
{
    uint32_t code = weir_text_hex4(*p, end);

    if (code == UINT32_MAX) {
        (*p)--; /* the u is a letter like any other */
        out[0] = '\\';
        return 1;
    }
    *p += 4;
    if (code >= 0xD800 && code <= 0xDFFF) {
        uint32_t low = UINT32_MAX;

        if (code <= 0xDBFF && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u')
            low = weir_text_hex4(*p + 2, end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            *p += 6;
        } else {
            code = WEIR_UTF8_REPLACEMENT;
        }
    }
    return weir_utf8_put(out, code);
}

/* *p is at a backslash, before end. Steps over the escape; returns how many bytes it stands for. */
static inline size_t weir_text_escape(const char **p, const char *end, char out[4])
{
    (*p)++;
    out[0] = '\\';
    if (*p == end)
        return 1;
    switch (**p) {
    case '"':
    case '\\':
    case '/':
        out[0] = **p;
        break;
    case 'b':
        out[0] = '\b';
        break;
    case 'f':
        out[0] = '\f';
        break;
    case 'n':
        out[0] = '\n';
        break;
    case 'r':
        out[0] = '\r';
        break;
    case 't':
        out[0] = '\t';
        break;
    case 'u':
        (*p)++;
        return weir_text_unicode_escape(p, end, out);
    default:
        return 1;
    }
    (*p)++;
    return 1;
}

/* What text decodes to, piece by piece. */
struct weir_text_cursor {
    const char *p;
    const char *end;
    bool escapes;
    char bytes[4]; /* where a decoded escape is kept */
};

static inline struct weir_text_cursor weir_text_open(weir_text text)
{
    struct weir_text_cursor c;

    memset(&c, 0, sizeof(c));
    c.p = text.len ? text.ptr : "";
    c.end = c.p + text.len;
    c.escapes = text.form == WEIR_FORM_JSON;
    return c;
}

/* The next piece, valid until the one after it; an empty one is the end. */
static inline weir_str weir_text_piece(struct weir_text_cursor *c)
{
    weir_str piece = { c->p, (size_t)(c->end - c->p) };

    if (c->escapes && piece.len) {
        const char *backslash = (const char *)memchr(c->p, '\\', piece.len);

        if (backslash == c->p) {
            piece.ptr = c->bytes;
            piece.len = weir_text_escape(&c->p, c->end, c->bytes);
            return piece;
        }
        if (backslash)
            piece.len = (size_t)(backslash - c->p);
    }
    c->p += piece.len;
    return piece;
}

/* Decodes into buf, at most `room` bytes; not terminated. Returns the length of the whole, which
 * is at most text.len: more than `room` means that the rest is missing. */
static inline size_t weir_text_decode(weir_text text, char *buf, size_t room)
{
    struct weir_text_cursor c = weir_text_open(text);
    size_t len = 0;

    for (;;) {
        weir_str piece = weir_text_piece(&c);

        if (piece.len == 0)
            return len;
        if (len < room)
            memcpy(buf + len, piece.ptr, piece.len < room - len ? piece.len : room - len);
        len += piece.len;
    }
}

/* The text as UTF-8: itself if it holds no escape, else decoded into the arena. Never has a NULL
 * ptr unless the arena is exhausted. */
static inline weir_str weir_text_to_utf8(const weir_arena *arena, weir_text text)
{
    weir_str str = { text.ptr, text.len };
    char *buf;

    if (text.len == 0) {
        str.ptr = "";
        return str;
    }
    if (text.form != WEIR_FORM_JSON || !memchr(text.ptr, '\\', text.len))
        return str;
    buf = (char *)arena->alloc(arena->owner, text.len);
    str.ptr = buf;
    str.len = buf ? weir_text_decode(text, buf, text.len) : 0;
    return str;
}

/* Whether both mean the same, whatever their forms. */
static inline bool weir_text_equal(weir_text a, weir_text b)
{
    struct weir_text_cursor ca = weir_text_open(a);
    struct weir_text_cursor cb = weir_text_open(b);
    weir_str pa = { NULL, 0 };
    weir_str pb = { NULL, 0 };

    if (a.form == WEIR_FORM_UTF8 && b.form == WEIR_FORM_UTF8 && a.len != b.len)
        return false;
    for (;;) {
        if (pa.len == 0)
            pa = weir_text_piece(&ca);
        if (pb.len == 0)
            pb = weir_text_piece(&cb);
        if (pa.len == 0 || pb.len == 0)
            return pa.len == pb.len;

        size_t n = pa.len < pb.len ? pa.len : pb.len;

        if (memcmp(pa.ptr, pb.ptr, n) != 0)
            return false;
        pa.ptr += n;
        pa.len -= n;
        pb.ptr += n;
        pb.len -= n;
    }
}

static inline bool weir_text_is(weir_text text, const char *literal)
{
    return weir_text_equal(text, weir_text_from(weir_str_of(literal)));
}

#endif
