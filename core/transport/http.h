/*
 * http.h - HTTP/1.1 message heads and chunked bodies, parsed strictly; one parser for both sides.
 *
 * RFC 9112 with no leniency where leniency has led to request smuggling: see http_head_parse().
 */
#pragma once

#include <string.h>

#include <weir/base.h>

enum { HTTP_MAX_HEADERS = 128 };

struct http_head {
    bool response;
    uint8_t minor;   /* HTTP/1.minor */
    uint16_t status; /* responses */
    weir_str method; /* requests */
    weir_str target; /* requests: path and query as sent, without an origin in front */
    weir_str path;   /* requests: the target up to '?' */
    weir_str query;  /* requests: behind '?', without it */
    weir_str reason; /* responses */
    uint32_t header_count;
    weir_header *headers;   /* values trimmed; spans of the input */
    int64_t content_length; /* -1: not told */
    bool chunked;
    bool keep_alive; /* what the version and Connection header say */
    bool expect_continue;
    bool upgrade; /* an Upgrade header is present */
};

/* Results of the parsers besides a length. */
enum {
    HTTP_MORE = 0,    /* not complete yet */
    HTTP_BAD = -1,    /* not HTTP; `why` says what */
    HTTP_LARGE = -2,  /* head over the limit */
    HTTP_METHOD = -3, /* a method token we do not know how to frame (CONNECT) */
    HTTP_VERSION = -4,
};

/*
 * Parses one head from the front of `bytes`. Returns its length (blank line included), or one of
 * the above. On success `head` holds spans of `bytes`; otherwise `*why` is a static string.
 * `head->headers` is the caller's, with room for HTTP_MAX_HEADERS; the rest need not be set.
 *
 * Refused: bare CR or LF, obs-fold, spaces around a header name, control characters, absence or
 * repetition of Host (requests), Content-Length that is not digits, repeated or a list (even if
 * equal), Transfer-Encoding other than exactly "chunked", both of them together, either one in a
 * 1.0 message with Transfer-Encoding, over-long heads (`max_bytes`) and more than HTTP_MAX_HEADERS.
 * Tolerated, as RFC 9112 asks of servers: one empty line before a request, and a target with its
 * origin ("http://host/path"), of which the Host header decides nothing here either.
 */
int http_head_parse(struct http_head *head, bool response, const char *bytes, size_t len,
                    size_t max_bytes, const char **why);

/* The value of a header, or an empty str with ptr NULL. `name` in lower case. */
weir_str http_header(const struct http_head *head, const char *name);

/* Whether `len` bytes are the same as those of `lower`, the case of ASCII letters aside. */
bool http_name_same(const char *name, const char *lower, size_t len);

/* Whether a header name is `lower`; ASCII case ignored. */
static inline bool http_name_is(weir_str name, const char *lower)
{
    return name.len == strlen(lower) && http_name_same(name.ptr, lower, name.len);
}

/* Whether a header name matches one of the patterns: lower case, '*' at the end stands for
 * anything; NULL-terminated. `patterns` may be NULL. */
bool http_name_listed(weir_str name, const char *const *patterns);

/* State of a chunked body. Zero to begin. */
struct http_chunks {
    uint64_t left; /* of the current chunk's data */
    uint32_t line; /* bytes of the current size or trailer line so far */
    uint8_t state;
    uint32_t trailer; /* bytes of trailers so far */
};

/*
 * Decodes chunked framing in place: reads `*len` bytes at `bytes`, leaves the data bytes at their
 * front and their number in `*out`, and the number of input bytes used in `*len`. Returns 1 when
 * the terminating chunk and its trailers have been read, 0 for more, HTTP_BAD otherwise.
 */
int http_chunks_decode(struct http_chunks *c, char *bytes, size_t *len, size_t *out,
                       const char **why);

/* The registered reason phrase, or "Status". */
const char *http_reason(unsigned status);
