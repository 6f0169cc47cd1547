/*
 * write.h - writes JSON into an arena.
 *
 *     weir_writer w;
 *     weir_writer_init(&w, arena, 256);
 *     weir_write_begin_object(&w);
 *     weir_write_key(&w, "model");
 *     weir_write_string(&w, model);
 *     weir_write_end_object(&w);
 *     result = weir_writer_finish(&w, &out);
 *
 * Commas and colons come by themselves. Memory running out is remembered, everything after it does
 * nothing, and weir_writer_finish reports it. Several values, or bare members, may be written one
 * after another: they come out separated by commas. What is outgrown stays in the arena, so that a
 * good guess of the size saves memory.
 *
 * A request holds text that goes from one document into another as it is. A writer that has been
 * told of the first with weir_writer_refer() does not copy long runs of it, and weir_writer_send()
 * hands them to a sink in their place, between the pieces that were written:
 *
 *     weir_writer_refer(&w, x->request->bytes);
 *     ...
 *     result = weir_writer_send(&w, out->body, out->ctx);
 */
#ifndef WEIR_SDK_WRITE_H
#define WEIR_SDK_WRITE_H

#include <string.h>

#include <weir/json.h>
#include <weir/sdk/json.h>
#include <weir/sdk/number.h>
#include <weir/sdk/text.h>
#include <weir/sdk/utf8.h>

/* What is done seldom is not copied into the code of every call: a plugin is a fifth smaller for
 * it. */
#if defined(__GNUC__)
#define WEIR_WRITER_COLD static __attribute__((noinline, cold, unused))
#define WEIR_WRITER_FOLD static inline __attribute__((always_inline))
#else
#define WEIR_WRITER_COLD static inline
#define WEIR_WRITER_FOLD static inline
#endif

enum { WEIR_WRITER_LONG = 1024 }; /* bytes that are worth a piece of their own */

/* Bytes that were not copied. They stand in front of byte `at` of what was. */
struct weir_writer_piece {
    size_t at;
    weir_str bytes;
};

typedef struct weir_writer {
    const weir_arena *arena;
    char *buf;
    size_t len;
    size_t cap;
    uint32_t depth; /* containers still open */
    bool comma;     /* what comes next is not the first of its kind */
    bool unbalanced;
    bool failed;
    weir_str source; /* what need not be copied, or empty */
    struct weir_writer_piece *pieces;
    uint32_t piece_count;
    uint32_t piece_cap;
} weir_writer;

WEIR_WRITER_COLD bool weir_writer_grow(weir_writer *w, size_t more)
{
    size_t cap = w->cap <= SIZE_MAX / 2 ? w->cap * 2 : SIZE_MAX;
    char *buf;

    if (w->failed)
        return false;
    if (more > SIZE_MAX - w->len) {
        w->failed = true;
        return false;
    }
    if (cap < w->len + more)
        cap = w->len + more;
    if (cap < 64)
        cap = 64;
    buf = (char *)w->arena->alloc(w->arena->owner, cap);
    if (!buf) {
        w->failed = true;
        return false;
    }
    if (w->len)
        memcpy(buf, w->buf, w->len);
    w->buf = buf;
    w->cap = cap;
    return true;
}

static inline bool weir_writer_room(weir_writer *w, size_t more)
{
    return more <= w->cap - w->len || weir_writer_grow(w, more);
}

/* `size` is a guess at what will be written, 0 for none. The arena must outlive the writer. */
static inline void weir_writer_init(weir_writer *w, const weir_arena *arena, size_t size)
{
    memset(w, 0, sizeof(*w));
    w->arena = arena;
    if (size)
        weir_writer_room(w, size);
}

/* From now on long runs of `source` are not copied. It must stay until what was written is sent or
 * finished. */
static inline void weir_writer_refer(weir_writer *w, weir_str source)
{
    w->source = source;
}

static inline bool weir_writer_refers(const weir_writer *w, const char *ptr, size_t len)
{
    return len >= WEIR_WRITER_LONG && w->source.len >= len && ptr >= w->source.ptr &&
           ptr + len <= w->source.ptr + w->source.len;
}

WEIR_WRITER_COLD void weir_writer_piece_add(weir_writer *w, const char *ptr, size_t len)
{
    struct weir_writer_piece *piece;

    if (w->failed)
        return;
    if (w->piece_count == w->piece_cap) {
        uint32_t cap = w->piece_cap ? w->piece_cap * 2 : 16;

        piece = (struct weir_writer_piece *)w->arena->alloc(w->arena->owner, cap * sizeof(*piece));
        if (!piece) {
            w->failed = true;
            return;
        }
        if (w->piece_count)
            memcpy(piece, w->pieces, w->piece_count * sizeof(*piece));
        w->pieces = piece;
        w->piece_cap = cap;
    }
    piece = &w->pieces[w->piece_count++];
    piece->at = w->len;
    piece->bytes.ptr = ptr;
    piece->bytes.len = len;
}

static inline weir_result weir_writer_state(const weir_writer *w)
{
    if (w->failed)
        return WEIR_NO_MEMORY;
    return w->unbalanced || w->depth ? WEIR_INTERNAL : WEIR_OK;
}

/* Copies what was only referred to. */
WEIR_WRITER_COLD void weir_writer_join(weir_writer *w)
{
    weir_writer whole;
    size_t at = 0, size = w->len;

    for (uint32_t i = 0; i < w->piece_count; i++)
        size += w->pieces[i].bytes.len;
    memset(&whole, 0, sizeof(whole));
    whole.arena = w->arena;
    if (!weir_writer_room(&whole, size)) {
        w->failed = true;
        return;
    }
    for (uint32_t i = 0; i <= w->piece_count; i++) {
        size_t end = i < w->piece_count ? w->pieces[i].at : w->len;

        if (end > at)
            memcpy(whole.buf + whole.len, w->buf + at, end - at);
        whole.len += end - at;
        at = end;
        if (i < w->piece_count) {
            memcpy(whole.buf + whole.len, w->pieces[i].bytes.ptr, w->pieces[i].bytes.len);
            whole.len += w->pieces[i].bytes.len;
        }
    }
    w->buf = whole.buf;
    w->len = w->cap = size;
    w->piece_count = 0;
}

/* What was written, in the arena. WEIR_NO_MEMORY, or WEIR_INTERNAL if begins and ends do not
 * match; *out is empty then. */
static inline weir_result weir_writer_finish(weir_writer *w, weir_str *out)
{
    out->ptr = "";
    out->len = 0;
    if (w->piece_count)
        weir_writer_join(w);
    if (weir_writer_state(w) < 0)
        return weir_writer_state(w);
    if (w->len) {
        out->ptr = w->buf;
        out->len = w->len;
    }
    return WEIR_OK;
}

/* Hands what was written to a sink, piece by piece; those of the source are the source's own
 * bytes. As weir_writer_finish, or what the sink says. */
static inline weir_result weir_writer_send(const weir_writer *w,
                                           weir_result (*out)(void *ctx, weir_str bytes), void *ctx)
{
    weir_result r = weir_writer_state(w);
    size_t at = 0;

    for (uint32_t i = 0; r >= 0 && i <= w->piece_count; i++) {
        size_t end = i < w->piece_count ? w->pieces[i].at : w->len;
        weir_str copied = { w->buf + at, end - at };

        if (copied.len)
            r = out(ctx, copied);
        if (r >= 0 && i < w->piece_count)
            r = out(ctx, w->pieces[i].bytes);
        at = end;
    }
    return r;
}

/* A place to come back to, between two values or members. */
typedef struct weir_writer_mark {
    size_t len;
    uint32_t piece_count;
    uint32_t depth;
    bool comma;
} weir_writer_mark;

static inline weir_writer_mark weir_writer_here(const weir_writer *w)
{
    weir_writer_mark mark = { w->len, w->piece_count, w->depth, w->comma };
    return mark;
}

/* Takes back what was written since, with the containers that were begun. None may have ended that
 * was open then. */
static inline void weir_writer_back(weir_writer *w, weir_writer_mark mark)
{
    w->len = mark.len;
    w->piece_count = mark.piece_count;
    w->depth = mark.depth;
    w->comma = mark.comma;
}

/* Bytes as they are, without any thought for commas. */
static inline void weir_write_bytes(weir_writer *w, const char *ptr, size_t len)
{
    if (weir_writer_refers(w, ptr, len))
        weir_writer_piece_add(w, ptr, len);
    else if (len && weir_writer_room(w, len)) {
        memcpy(w->buf + w->len, ptr, len);
        w->len += len;
    }
}

static inline void weir_write_byte(weir_writer *w, char c)
{
    if (weir_writer_room(w, 1))
        w->buf[w->len++] = c;
}

static inline void weir_write_comma(weir_writer *w)
{
    if (w->comma)
        weir_write_byte(w, ',');
    w->comma = true;
}

/* A value or several, separated by commas, that are JSON already. Nothing if it is empty. */
static inline void weir_write_raw(weir_writer *w, weir_str json)
{
    if (json.len) {
        weir_write_comma(w);
        weir_write_bytes(w, json.ptr, json.len);
    }
}

/* Members that are JSON already, without the braces around them. May be empty or white space. */
static inline void weir_write_members(weir_writer *w, weir_str members)
{
    while (members.len && strchr(" \t\r\n", *members.ptr) && *members.ptr) {
        members.ptr++;
        members.len--;
    }
    weir_write_raw(w, members);
}

/* A value of another document. */
static inline void weir_write_value(weir_writer *w, const weir_json *doc, uint32_t i)
{
    weir_write_raw(w, weir_json_raw(doc, i));
}

static inline void weir_write_begin(weir_writer *w, char bracket)
{
    weir_write_comma(w);
    weir_write_byte(w, bracket);
    w->comma = false;
    w->depth++;
}

static inline void weir_write_end(weir_writer *w, char bracket)
{
    if (w->depth)
        w->depth--;
    else
        w->unbalanced = true;
    weir_write_byte(w, bracket);
    w->comma = true;
}

static inline void weir_write_begin_object(weir_writer *w)
{
    weir_write_begin(w, '{');
}

static inline void weir_write_end_object(weir_writer *w)
{
    weir_write_end(w, '}');
}

static inline void weir_write_begin_array(weir_writer *w)
{
    weir_write_begin(w, '[');
}

static inline void weir_write_end_array(weir_writer *w)
{
    weir_write_end(w, ']');
}

/* One byte that cannot stand in a JSON string as it is. */
WEIR_WRITER_COLD void weir_write_escape(weir_writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    const char *letter = "";
    char escape[6] = { '\\', 'u', '0', '0', '0', '0' };

    if (c >= 0x80) {
        weir_write_bytes(w, "\xEF\xBF\xBD", 3);
        return;
    }
    switch (c) {
    case '"':
        letter = "\"";
        break;
    case '\\':
        letter = "\\";
        break;
    case '\b':
        letter = "b";
        break;
    case '\f':
        letter = "f";
        break;
    case '\n':
        letter = "n";
        break;
    case '\r':
        letter = "r";
        break;
    case '\t':
        letter = "t";
        break;
    default:
        escape[4] = hex[c >> 4];
        escape[5] = hex[c & 15];
        weir_write_bytes(w, escape, 6);
        return;
    }
    escape[1] = *letter;
    weir_write_bytes(w, escape, 2);
}

/* The inside of a string. Every byte that is not UTF-8 becomes a U+FFFD. */
static inline void weir_write_escaped(weir_writer *w, const char *ptr, size_t len)
{
    const char *p = len ? ptr : "";
    const char *end = p + len;

    while (p < end) {
        const char *run = p;

        for (;;) {
            size_t n;

            p = weir_utf8_skip_plain(p, end);
            if (p == end || (unsigned char)*p < 0x80)
                break;
            n = weir_utf8_length(p, (size_t)(end - p));
            if (!n)
                break;
            p += n;
        }
        weir_write_bytes(w, run, (size_t)(p - run));
        if (p < end)
            weir_write_escape(w, (unsigned char)*p++);
    }
}

/* A short string of which no byte needs an escape, as most are. False: it is not one. */
static inline bool weir_write_plain(weir_writer *w, weir_str utf8)
{
    const char *end = utf8.ptr + utf8.len;

    if (utf8.len >= WEIR_WRITER_LONG || weir_utf8_skip_plain(utf8.ptr, end) != end ||
        !weir_writer_room(w, utf8.len + 2))
        return false;
    w->buf[w->len] = '"';
    memcpy(w->buf + w->len + 1, utf8.ptr, utf8.len);
    w->buf[w->len + 1 + utf8.len] = '"';
    w->len += utf8.len + 2;
    return true;
}

static inline void weir_write_string(weir_writer *w, weir_str utf8)
{
    weir_write_comma(w);
    if (utf8.len && weir_write_plain(w, utf8))
        return;
    if (!weir_writer_refers(w, utf8.ptr, utf8.len))
        weir_writer_room(w, utf8.len + 2);
    weir_write_byte(w, '"');
    weir_write_escaped(w, utf8.ptr, utf8.len);
    weir_write_byte(w, '"');
}

/* What cannot stand in a JSON string. */
#define WEIR_WRITER_SPECIAL                                                    \
    "\"\\\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\021" \
    "\022\023\024\025\026\027\030\031\032\033\034\035\036\037"

/* A string whose bytes can all stand as they are. */
static inline void weir_write_quoted(weir_writer *w, const char *plain, size_t len)
{
    char *p;

    if (!weir_writer_room(w, len + 3))
        return;
    p = w->buf + w->len;
    if (w->comma)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, plain, len);
    p[len] = '"';
    w->len = (size_t)(p + len + 1 - w->buf);
    w->comma = true;
}

/* Text of the program: where the compiler sees all of it, it is looked through there and then. */
WEIR_WRITER_FOLD void weir_write_literal(weir_writer *w, const char *terminated)
{
#if defined(__GNUC__)
    if (__builtin_constant_p(strcspn(terminated, WEIR_WRITER_SPECIAL)) &&
        __builtin_constant_p(strlen(terminated)) &&
        strcspn(terminated, WEIR_WRITER_SPECIAL) == strlen(terminated)) {
        weir_write_quoted(w, terminated, strlen(terminated));
        return;
    }
#endif
    weir_write_string(w, weir_str_of(terminated));
}

/* A string; what is in JSON form already is copied as it is. */
static inline void weir_write_text(weir_writer *w, weir_text text)
{
    weir_str utf8 = { text.ptr, text.len };

    if (text.form != WEIR_FORM_JSON) {
        weir_write_string(w, utf8);
        return;
    }
    weir_write_comma(w);
    weir_write_byte(w, '"');
    weir_write_bytes(w, text.ptr, text.len);
    weir_write_byte(w, '"');
}

static inline void weir_write_colon(weir_writer *w)
{
    weir_write_byte(w, ':');
    w->comma = false;
}

WEIR_WRITER_FOLD void weir_write_key(weir_writer *w, const char *key)
{
    weir_write_literal(w, key);
    weir_write_colon(w);
}

static inline void weir_write_key_text(weir_writer *w, weir_text key)
{
    weir_write_text(w, key);
    weir_write_colon(w);
}

static inline void weir_write_int64(weir_writer *w, int64_t value)
{
    char buf[WEIR_NUMBER_ROOM];

    weir_write_comma(w);
    weir_write_bytes(w, buf, weir_number_print_int64(buf, value));
}

static inline void weir_write_uint64(weir_writer *w, uint64_t value)
{
    char buf[WEIR_NUMBER_ROOM];

    weir_write_comma(w);
    weir_write_bytes(w, buf, weir_number_print_uint64(buf, value));
}

static inline void weir_write_null(weir_writer *w)
{
    weir_write_comma(w);
    weir_write_bytes(w, "null", 4);
}

static inline void weir_write_bool(weir_writer *w, bool value)
{
    weir_write_comma(w);
    weir_write_bytes(w, value ? "true" : "false", value ? 4 : 5);
}

/* JSON has no infinities and no NaN: they become null. */
static inline void weir_write_double(weir_writer *w, double value)
{
    char buf[WEIR_NUMBER_ROOM];

    if (!isfinite(value)) {
        weir_write_null(w);
        return;
    }
    weir_write_comma(w);
    weir_write_bytes(w, buf, weir_number_print_double(buf, value));
}

#endif
