/*
 * http_chunks.c - chunked framing (RFC 9112 7.1), byte states and whole runs of data.
 *
 * Extensions and trailers are checked and dropped. Lines must end in CR LF, sizes are hexadecimal
 * digits and nothing else: what one side of a proxy reads leniently, the other reads as a request.
 */
#include "transport/http.h"
#include "transport/http_scan.h"

#include <string.h>

enum {
    LINE_MAX_BYTES = 1024,    /* a size with its extensions, or one trailer */
    TRAILERS_MAX = 16 * 1024, /* all trailers */
    SIZE_DIGITS = 15,         /* 60 bits */
};

enum state {
    SIZE, /* `line` counts the digits */
    EXTENSION_SPACE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the beginning of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static const char *size_step(struct http_chunks *c, char byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        if (c->line++ == SIZE_DIGITS)
            return "a chunk's size is too large";
        c->left = c->left * 16 + (uint64_t)digit;
        return NULL;
    }
    if (c->line == 0)
        return "a chunk does not begin with its size";
    if (byte == '\r')
        c->state = SIZE_LF;
    else if (byte == ';')
        c->state = EXTENSION;
    else if (byte == ' ' || byte == '\t')
        c->state = EXTENSION_SPACE;
    else
        return "a chunk's size is malformed";
    return NULL;
}

static const char *extension_step(struct http_chunks *c, char byte)
{
    if (++c->line > LINE_MAX_BYTES)
        return "a chunk extension is too long";
    if (byte == '\r' && c->state == EXTENSION)
        c->state = SIZE_LF;
    else if (byte == ';')
        c->state = EXTENSION;
    else if (http_is_control((uint8_t)byte))
        return "a chunk extension contains a control character";
    else if (c->state == EXTENSION_SPACE && byte != ' ' && byte != '\t')
        return "a chunk's size is malformed";
    return NULL;
}

static const char *trailer_step(struct http_chunks *c, char byte)
{
    if (++c->trailer > TRAILERS_MAX || ++c->line > LINE_MAX_BYTES)
        return "the trailers are too large";
    switch (c->state) {
    case TRAILER:
        c->line = 0;
        if (byte == '\r')
            c->state = END_LF;
        else if (http_token_chars[(uint8_t)byte])
            c->state = TRAILER_NAME;
        else
            return "a trailer is malformed";
        return NULL;
    case TRAILER_NAME:
        if (byte == ':')
            c->state = TRAILER_VALUE;
        else if (!http_token_chars[(uint8_t)byte])
            return "a trailer's name is malformed";
        return NULL;
    default:
        if (byte == '\r')
            c->state = TRAILER_LF;
        else if (http_is_control((uint8_t)byte))
            return "a trailer contains a control character";
        return NULL;
    }
}

/* The LF behind a CR, and what it leads to. */
static const char *line_feed_step(struct http_chunks *c, char byte)
{
    if (byte != '\n')
        return "CR stands without LF in chunked framing";
    switch (c->state) {
    case SIZE_LF:
        c->state = c->left ? DATA : TRAILER;
        break;
    case DATA_LF:
        c->state = SIZE;
        break;
    case TRAILER_LF:
        c->state = TRAILER;
        break;
    default:
        c->state = DONE;
        break;
    }
    c->line = 0;
    return NULL;
}

static const char *step(struct http_chunks *c, char byte)
{
    switch (c->state) {
    case SIZE:
        return size_step(c, byte);
    case EXTENSION_SPACE:
    case EXTENSION:
        return extension_step(c, byte);
    case DATA_CR:
        if (byte != '\r')
            return "a chunk is longer than its size";
        c->state = DATA_LF;
        return NULL;
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return trailer_step(c, byte);
    default:
        return line_feed_step(c, byte);
    }
}

static bool is_line_end(const char *bytes, size_t len)
{
    return len >= 2 && bytes[0] == '\r' && bytes[1] == '\n';
}

/* A size as most come: its line whole, and without extensions. Returns the line's length; 0: it is
 * something else, to be looked at byte by byte. */
static size_t plain_size(struct http_chunks *c, const char *bytes, size_t len)
{
    uint64_t size = 0;
    size_t n = 0;
    int digit;

    if (c->line)
        return 0;
    for (; n < len && n < SIZE_DIGITS && (digit = hex_digit(bytes[n])) >= 0; n++)
        size = size * 16 + (uint64_t)digit;
    if (n == 0 || !is_line_end(bytes + n, len - n))
        return 0;
    c->left = size;
    c->state = size ? DATA : TRAILER;
    return n + 2;
}

int http_chunks_decode(struct http_chunks *c, char *bytes, size_t *len, size_t *out,
                       const char **why)
{
    size_t at = 0, put = 0, end = *len;

    *why = "";
    while (at < end && c->state != DONE) {
        if (c->state == DATA) {
            size_t n = end - at < c->left ? end - at : (size_t)c->left;
            if (put != at)
                memmove(bytes + put, bytes + at, n);
            at += n;
            put += n;
            c->left -= n;
            if (c->left > 0)
                continue;
            bool ended = is_line_end(bytes + at, end - at);
            at += ended ? 2 : 0;
            c->state = ended ? SIZE : DATA_CR;
            continue;
        }
        size_t line = c->state == SIZE ? plain_size(c, bytes + at, end - at) : 0;
        if (line) {
            at += line;
            continue;
        }
        const char *wrong = step(c, bytes[at]);
        if (wrong) {
            *why = wrong;
            *len = at;
            *out = put;
            return HTTP_BAD;
        }
        at++;
    }
    *len = at;
    *out = put;
    return c->state == DONE ? 1 : 0;
}
