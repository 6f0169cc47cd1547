/*
 * http_head.c - one pass over a message head.
 *
 * Every step takes the bytes from the cursor on and either moves the cursor, asks for more, or
 * refuses. A head that arrives in pieces is parsed again from its beginning, which is cheap enough
 * for the rare case, and keeps the parser without state.
 */
#include "transport/http.h"
#include "transport/http_scan.h"

#include <string.h>

struct cursor {
    const char *p;
    const char *end;
    bool cut; /* the limit ends the input, not what was received */
    const char **why;
};

/* What has been seen of the headers that may not be repeated. */
struct seen {
    bool host, length, coding, expect;
    bool close, keep_alive;
};

/* RFC 9110 5.6.2: "!#$%&'*+-.^_`|~", digits and letters. */
const uint8_t http_token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1, ['0'] = 1,
    ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,  ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,  ['F'] = 1, ['G'] = 1,
    ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1,  ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,  ['V'] = 1, ['W'] = 1,
    ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,  ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,  ['l'] = 1, ['m'] = 1,
    ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,  ['t'] = 1, ['u'] = 1,
    ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

enum { OK = 1 };

static int bad(const struct cursor *c, const char *why)
{
    *c->why = why;
    return HTTP_BAD;
}

static int more(const struct cursor *c)
{
    if (!c->cut)
        return HTTP_MORE;
    *c->why = "the head is larger than the limit";
    return HTTP_LARGE;
}

static weir_str span(const char *from, const char *to)
{
    return (weir_str){ from, (size_t)(to - from) };
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool http_name_same(const char *name, const char *want, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (name[i] != want[i] && lower(name[i]) != want[i])
            return false;
    }
    return true;
}

weir_str http_header(const struct http_head *head, const char *name)
{
    size_t len = strlen(name);

    for (uint32_t i = 0; i < head->header_count; i++) {
        const weir_header *h = &head->headers[i];

        if (h->name.len == len && http_name_same(h->name.ptr, name, len))
            return h->value;
    }
    return (weir_str){ NULL, 0 };
}

/* CR LF, or what is wrong with what stands there. */
static int take_line_end(struct cursor *c)
{
    if (c->p == c->end)
        return more(c);
    if (*c->p == '\n')
        return bad(c, "a line ends in LF without CR");
    if (*c->p != '\r')
        return bad(c, "a control character stands in the head");
    if (c->end - c->p < 2)
        return more(c);
    if (c->p[1] != '\n')
        return bad(c, "CR stands without LF");
    c->p += 2;
    return OK;
}

/* "HTTP/1.x"; major versions other than 1 are told apart from what is not HTTP. */
static int take_version(struct cursor *c, uint8_t *minor)
{
    static const char prefix[] = "HTTP/";
    size_t have = (size_t)(c->end - c->p);
    size_t n = sizeof(prefix) - 1;
    if (memcmp(c->p, prefix, have < n ? have : n) != 0)
        return bad(c, "the HTTP version is missing or malformed");
    if (have < n + 3)
        return more(c);
    const char *v = c->p + n;
    if (v[0] < '0' || v[0] > '9' || v[1] != '.' || v[2] < '0' || v[2] > '9')
        return bad(c, "the HTTP version is missing or malformed");
    if (v[0] != '1') {
        *c->why = "only HTTP/1.x is spoken here";
        return HTTP_VERSION;
    }
    *minor = v[2] == '0' ? 0 : 1;
    c->p += n + 3;
    return OK;
}

/* "http://host:80/path", as proxies are asked: what stands behind the host is the target. */
static bool strip_origin(weir_str *target)
{
    static const char *const schemes[] = { "http://", "https://" };
    const char *from = NULL, *end = target->ptr + target->len;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i]);
        if (target->len > n && http_name_is(span(target->ptr, target->ptr + n), schemes[i]))
            from = target->ptr + n;
    }
    const char *p = from;
    while (p && p < end && !strchr("/?#@\\,\"<>", *p))
        p++;
    if (p == from || (p < end && *p != '/' && *p != '?'))
        return false;
    /* Without a path it is "/": one that stands in front of the host. */
    *target = p < end && *p == '/' ? span(p, end) : span(from - 1, from);
    return true;
}

static int check_target(struct http_head *head, const struct cursor *c)
{
    if (head->target.ptr[0] != '/' && strip_origin(&head->target))
        return check_target(head, c);
    weir_str t = head->target;
    if (t.ptr[0] != '/' && !(t.len == 1 && t.ptr[0] == '*' && head->method.len == 7 &&
                             memcmp(head->method.ptr, "OPTIONS", 7) == 0))
        return bad(c, "the request target must begin with '/'");
    if (memchr(t.ptr, '#', t.len))
        return bad(c, "the request target contains '#'");
    const char *mark = memchr(t.ptr, '?', t.len);
    const char *end = t.ptr + t.len;
    head->path = span(t.ptr, mark ? mark : end);
    head->query = mark ? span(mark + 1, end) : (weir_str){ NULL, 0 };
    return OK;
}

static int take_request_line(struct cursor *c, struct http_head *head)
{
    if (c->p < c->end && *c->p == '\r') {
        int r = take_line_end(c);
        if (r != OK)
            return r;
    }
    const char *from = c->p;
    c->p = http_token_end(from, c->end);
    if (c->p == c->end)
        return more(c);
    if (c->p == from || *c->p != ' ')
        return bad(c, "the request does not begin with a method");
    head->method = span(from, c->p);
    if (head->method.len == 7 && memcmp(from, "CONNECT", 7) == 0) {
        *c->why = "CONNECT is not served here";
        return HTTP_METHOD;
    }

    from = ++c->p;
    while (c->p < c->end && (uint8_t)*c->p > ' ' && (uint8_t)*c->p < 0x7f)
        c->p++;
    if (c->p == c->end)
        return more(c);
    if (c->p == from)
        return bad(c, "the request target is empty");
    if (*c->p == '\r' || *c->p == '\n')
        return bad(c, "the HTTP version is missing or malformed");
    if (*c->p != ' ')
        return bad(c, "the request target contains a character that must be percent-encoded");
    head->target = span(from, c->p);
    c->p++;

    int r = take_version(c, &head->minor);
    if (r != OK)
        return r;
    r = check_target(head, c);
    return r == OK ? take_line_end(c) : r;
}

static int take_status_line(struct cursor *c, struct http_head *head)
{
    int r = take_version(c, &head->minor);
    if (r != OK)
        return r;
    if (c->end - c->p < 5)
        return more(c);
    const char *s = c->p;
    for (int i = 1; i <= 3; i++) {
        if (s[i] < '0' || s[i] > '9')
            return bad(c, "the status is not three digits");
    }
    if (s[0] != ' ' || s[1] == '0' || (s[4] != ' ' && s[4] != '\r'))
        return bad(c, "the status line is malformed");
    head->status = (uint16_t)((s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0'));
    c->p += s[4] == ' ' ? 5 : 4;
    const char *from = c->p;
    c->p = http_value_end(from, c->end);
    head->reason = span(from, c->p);
    return take_line_end(c);
}

static int note_length(struct http_head *head, const struct cursor *c, weir_str v)
{
    int64_t n = 0;
    if (v.len == 0 || v.len > 18)
        return bad(c, "Content-Length is not a number that can be");
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return bad(c, "Content-Length is not a number");
        n = n * 10 + (v.ptr[i] - '0');
    }
    head->content_length = n;
    return OK;
}

static int note_host(const struct cursor *c, weir_str v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t b = (uint8_t)v.ptr[i];
        if (b == ':' || (http_token_chars[b] && b != '#')) /* nearly all, without a search */
            continue;
        if (b <= ' ' || b >= 0x7f || strchr("/\\?#@,\"<>", b))
            return bad(c, "Host is malformed");
    }
    return OK;
}

static void note_connection(struct seen *seen, weir_str v)
{
    const char *p = v.ptr, *end = v.ptr + v.len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *to = comma ? comma : end;
        const char *next = comma ? comma + 1 : end;
        while (p < to && (*p == ' ' || *p == '\t'))
            p++;
        while (to > p && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        if (http_name_is(span(p, to), "close"))
            seen->close = true;
        else if (http_name_is(span(p, to), "keep-alive"))
            seen->keep_alive = true;
        p = next;
    }
}

/* The headers that decide about framing and the connection. Told apart by length first. */
static int note_header(struct http_head *head, struct seen *seen, const struct cursor *c,
                       const weir_header *h)
{
    switch (h->name.len) {
    case 4:
        if (!http_name_is(h->name, "host"))
            return OK;
        if (seen->host && !head->response)
            return bad(c, "Host is repeated");
        seen->host = true;
        return head->response ? OK : note_host(c, h->value);
    case 6:
        if (!http_name_is(h->name, "expect"))
            return OK;
        head->expect_continue =
            !seen->expect && head->minor > 0 && http_name_is(h->value, "100-continue");
        seen->expect = true;
        return OK;
    case 7:
        if (http_name_is(h->name, "upgrade"))
            head->upgrade = true;
        return OK;
    case 10:
        if (http_name_is(h->name, "connection"))
            note_connection(seen, h->value);
        return OK;
    case 14:
        if (!http_name_is(h->name, "content-length"))
            return OK;
        if (seen->length)
            return bad(c, "Content-Length is repeated");
        seen->length = true;
        return note_length(head, c, h->value);
    case 17:
        if (!http_name_is(h->name, "transfer-encoding"))
            return OK;
        if (seen->coding)
            return bad(c, "Transfer-Encoding is repeated");
        seen->coding = true;
        head->chunked = true;
        if (!http_name_is(h->value, "chunked"))
            return bad(c, "Transfer-Encoding is not \"chunked\"");
        return OK;
    default:
        return OK;
    }
}

static int take_header(struct cursor *c, weir_header *h)
{
    const char *from = c->p;
    c->p = http_token_end(from, c->end);
    if (c->p == c->end)
        return more(c);
    if (*c->p != ':' || c->p == from) {
        if (c->p == from && (*from == ' ' || *from == '\t'))
            return bad(c, "a header is folded onto a second line");
        return bad(c, "a header's name is malformed");
    }
    h->name = span(from, c->p);
    from = c->p + 1;
    while (from < c->end && (*from == ' ' || *from == '\t'))
        from++;
    c->p = http_value_end(from, c->end);
    const char *to = c->p;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    h->value = span(from, to);
    return take_line_end(c);
}

static int check_whole(struct http_head *head, const struct seen *seen, const struct cursor *c)
{
    if (!head->response && !seen->host && head->minor > 0)
        return bad(c, "Host is missing");
    if (seen->coding && seen->length)
        return bad(c, "Content-Length and Transfer-Encoding stand together");
    if (seen->coding && head->minor == 0)
        return bad(c, "Transfer-Encoding stands in an HTTP/1.0 message");
    head->keep_alive = !seen->close && (head->minor > 0 || seen->keep_alive);
    return OK;
}

static void clear(struct http_head *head, bool response)
{
    const weir_str none = { NULL, 0 };
    head->response = response;
    head->minor = 0;
    head->status = 0;
    head->method = head->target = head->path = head->query = head->reason = none;
    head->header_count = 0;
    head->content_length = -1;
    head->chunked = head->keep_alive = head->expect_continue = head->upgrade = false;
}

int http_head_parse(struct http_head *head, bool response, const char *bytes, size_t len,
                    size_t max_bytes, const char **why)
{
    *why = "";
    if (len == 0)
        return HTTP_MORE;
    bool cut = len >= max_bytes;
    struct cursor c = { bytes, bytes + (cut ? max_bytes : len), cut, why };
    struct seen seen = { 0 };

    clear(head, response);
    int r = response ? take_status_line(&c, head) : take_request_line(&c, head);
    while (r == OK) {
        if (c.p == c.end)
            return more(&c);
        if (*c.p == '\r' || *c.p == '\n') {
            r = take_line_end(&c);
            break;
        }
        if (head->header_count == HTTP_MAX_HEADERS) {
            *why = "there are too many headers";
            return HTTP_LARGE;
        }
        weir_header *h = &head->headers[head->header_count];
        r = take_header(&c, h);
        if (r != OK)
            return r;
        head->header_count++;
        r = note_header(head, &seen, &c, h);
    }
    if (r == OK)
        r = check_whole(head, &seen, &c);
    return r == OK ? (int)(c.p - bytes) : r;
}

const char *http_reason(unsigned status)
{
    switch (status) {
#define REASON(code, text) \
    case code:             \
        return text;
        REASON(100, "Continue")
        REASON(101, "Switching Protocols")
        REASON(200, "OK")
        REASON(201, "Created")
        REASON(202, "Accepted")
        REASON(203, "Non-Authoritative Information")
        REASON(204, "No Content")
        REASON(205, "Reset Content")
        REASON(206, "Partial Content")
        REASON(300, "Multiple Choices")
        REASON(301, "Moved Permanently")
        REASON(302, "Found")
        REASON(303, "See Other")
        REASON(304, "Not Modified")
        REASON(307, "Temporary Redirect")
        REASON(308, "Permanent Redirect")
        REASON(400, "Bad Request")
        REASON(401, "Unauthorized")
        REASON(402, "Payment Required")
        REASON(403, "Forbidden")
        REASON(404, "Not Found")
        REASON(405, "Method Not Allowed")
        REASON(406, "Not Acceptable")
        REASON(407, "Proxy Authentication Required")
        REASON(408, "Request Timeout")
        REASON(409, "Conflict")
        REASON(410, "Gone")
        REASON(411, "Length Required")
        REASON(412, "Precondition Failed")
        REASON(413, "Content Too Large")
        REASON(414, "URI Too Long")
        REASON(415, "Unsupported Media Type")
        REASON(416, "Range Not Satisfiable")
        REASON(417, "Expectation Failed")
        REASON(421, "Misdirected Request")
        REASON(422, "Unprocessable Content")
        REASON(424, "Failed Dependency")
        REASON(425, "Too Early")
        REASON(426, "Upgrade Required")
        REASON(428, "Precondition Required")
        REASON(429, "Too Many Requests")
        REASON(431, "Request Header Fields Too Large")
        REASON(451, "Unavailable For Legal Reasons")
        REASON(500, "Internal Server Error")
        REASON(501, "Not Implemented")
        REASON(502, "Bad Gateway")
        REASON(503, "Service Unavailable")
        REASON(504, "Gateway Timeout")
        REASON(505, "HTTP Version Not Supported")
        REASON(507, "Insufficient Storage")
        REASON(511, "Network Authentication Required")
#undef REASON
    default:
        return "Status";
    }
}

static bool name_matches(weir_str name, const char *pattern)
{
    for (size_t i = 0; i < name.len; i++) {
        if (pattern[i] == '*')
            return true;
        if (pattern[i] != lower(name.ptr[i]))
            return false;
    }
    return pattern[name.len] == '\0' || pattern[name.len] == '*';
}

bool http_name_listed(weir_str name, const char *const *patterns)
{
    char first = name.len ? lower(name.ptr[0]) : '\0';

    for (; patterns && *patterns; patterns++) {
        if ((**patterns == first || **patterns == '*') && name_matches(name, *patterns))
            return true;
    }
    return false;
}
