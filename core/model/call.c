/*
 * call.c - see call.h.
 */
#include "model/call.h"
#include "base/str.h"

#include <weir/sdk/text.h>

/* Bits of call_args.state. */
enum {
    IN_STRING = 1,
    ESCAPED = 2, /* the byte before was a backslash inside a string */
    WHOLE = 4,   /* the object is closed */
    BAD = 8,     /* this is no object */
    FREE_TEXT = 16,
};

enum { DEPTH_MAX = 255 };

struct call_args call_args_begin(bool free_text)
{
    return (struct call_args){ 0, free_text ? FREE_TEXT : 0 };
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void in_string(struct call_args *args, char c)
{
    if (args->state & ESCAPED)
        args->state &= (uint8_t)~ESCAPED;
    else if (c == '\\')
        args->state |= ESCAPED;
    else if (c == '"')
        args->state &= (uint8_t)~IN_STRING;
}

static void outside(struct call_args *args, char c)
{
    if (is_space(c))
        return;
    if (args->state & WHOLE || (!args->depth && c != '{')) {
        args->state |= BAD;
    } else if (c == '"') {
        args->state |= IN_STRING;
    } else if (c == '{' || c == '[') {
        if (args->depth == DEPTH_MAX)
            args->state |= BAD;
        else
            args->depth++;
    } else if (c == '}' || c == ']') {
        if (!--args->depth)
            args->state |= WHOLE;
    }
}

void call_args_add(struct call_args *args, weir_text piece)
{
    struct weir_text_cursor cursor = weir_text_open(piece);

    if (args->state & FREE_TEXT)
        return;
    for (;;) {
        weir_str bytes = weir_text_piece(&cursor);

        if (!bytes.len || args->state & BAD)
            return;
        for (size_t i = 0; i < bytes.len; i++) {
            if (args->state & IN_STRING)
                in_string(args, bytes.ptr[i]);
            else
                outside(args, bytes.ptr[i]);
        }
    }
}

bool call_args_whole(const struct call_args *args)
{
    if (args->state & BAD)
        return false;
    return args->state & (WHOLE | FREE_TEXT) || !args->depth;
}

/* The end of a string whose first quote is at `at`: behind its last quote. */
static size_t string_end(weir_str s, size_t at)
{
    for (at++; at < s.len && s.ptr[at] != '"'; at++)
        at += s.ptr[at] == '\\';
    return at < s.len ? at + 1 : s.len;
}

static size_t skip_space(weir_str s, size_t at)
{
    while (at < s.len && is_space(s.ptr[at]))
        at++;
    return at;
}

static bool is_at(weir_str s, size_t at, weir_str what)
{
    return at <= s.len && str_begins((weir_str){ s.ptr + at, s.len - at }, what);
}

bool call_is_custom(weir_str extra)
{
    int depth = 0;

    for (size_t at = 0; at < extra.len;) {
        char c = extra.ptr[at];

        if (c == '"' && !depth && is_at(extra, at, S("\"type\""))) {
            size_t value = skip_space(extra, at + 6);

            if (is_at(extra, value, S(":")))
                return is_at(extra, skip_space(extra, value + 1), S("\"custom\""));
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        at = c == '"' ? string_end(extra, at) : at + 1;
    }
    return false;
}

bool call_is_blank(weir_text text)
{
    struct weir_text_cursor cursor = weir_text_open(text);

    for (;;) {
        weir_str bytes = weir_text_piece(&cursor);

        if (!bytes.len)
            return true;
        if (skip_space(bytes, 0) < bytes.len)
            return false;
    }
}
