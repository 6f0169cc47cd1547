/*
 * upstream_request.c - the request: its head, and writing it.
 *
 * Over our own socket the body goes out by reference, together with the head. Over TLS it is
 * copied in any case, so that as much of it as fits goes into the record that carries the head.
 */
#include "transport/http_scan.h"
#include "transport/upstream_private.h"

#include <string.h>

enum { IOV_COUNT = 64 };

static bool is_token(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!http_token_chars[(uint8_t)s.ptr[i]])
            return false;
    }
    return s.len > 0;
}

static bool is_target(weir_str s)
{
    if (s.len == 0 || s.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_value(weir_str s)
{
    return s.len == 0 || http_value_end(s.ptr, s.ptr + s.len) == s.ptr + s.len;
}

/* Headers that say where the message ends, or whom it is for, are written here and only here. */
static bool is_ours(weir_str name)
{
    return http_name_is(name, "host") || http_name_is(name, "content-length") ||
           http_name_is(name, "transfer-encoding") || http_name_is(name, "connection");
}

bool up_request_valid(const struct up_request *request, char *why, size_t why_size)
{
    if (!is_token(request->method)) {
        g_snprintf(why, why_size, "the request was not sent: its method is not a word");
        return false;
    }
    if (!is_target(request->path)) {
        g_snprintf(why, why_size,
                   "the request was not sent: its path does not begin with / or holds a space or "
                   "a control character");
        return false;
    }
    for (uint32_t i = 0; i < request->header_count; i++) {
        const weir_header *h = &request->headers[i];
        int len = (int)MIN(h->name.len, 60);
        if (!is_token(h->name)) {
            g_snprintf(why, why_size, "the request was not sent: the name of header %u is not one",
                       i + 1);
            return false;
        }
        if (is_ours(h->name)) {
            g_snprintf(why, why_size, "the request was not sent: header %.*s cannot be set", len,
                       h->name.ptr);
            return false;
        }
        if (!is_value(h->value)) {
            g_snprintf(why, why_size,
                       "the request was not sent: header %.*s holds a line break or another "
                       "control character",
                       len, h->name.ptr);
            return false;
        }
    }
    return true;
}

static bool equals(weir_str s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.ptr, word, s.len) == 0;
}

static char *put(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static char *put_str(char *at, weir_str s)
{
    return s.len ? put(at, s.ptr, s.len) : at;
}

/* Not through printf: it would cost more than the rest of the head. */
static char *put_length(char *at, uint64_t len)
{
    static const char name[] = "Content-Length: ";
    char digits[20];
    size_t first = sizeof digits;

    do
        digits[--first] = (char)('0' + len % 10);
    while (len /= 10);
    at = put(at, name, sizeof(name) - 1);
    at = put(at, digits + first, sizeof digits - first);
    return put(at, "\r\n", 2);
}

static uint64_t body_len(const struct up_request *request)
{
    uint64_t len = 0;

    if (request->body_stream >= 0)
        return (uint64_t)request->body_stream;
    for (uint32_t i = 0; i < request->body_count; i++)
        len += request->body[i].len;
    return len;
}

/* The header that frames the body, or nothing. */
static size_t framing(const struct up_request *request, char line[64])
{
    uint64_t len = body_len(request);

    if (request->body_stream == INT64_MAX)
        return g_strlcpy(line, "Transfer-Encoding: chunked\r\n", 64);
    /* Methods that are expected to have a body must say that they have none. */
    if (len == 0 && request->body_stream < 0 && !equals(request->method, "POST") &&
        !equals(request->method, "PUT") && !equals(request->method, "PATCH"))
        return 0;
    return (size_t)(put_length(line, len) - line);
}

static size_t head_room(const struct up_conn *conn)
{
    const struct up_request *r = &conn->call->request;
    size_t room = r->method.len + r->path.len + strlen(conn->pool->host_header) + 128;

    for (uint32_t i = 0; i < r->header_count; i++)
        room += r->headers[i].name.len + r->headers[i].value.len + 4;
    return room;
}

static bool write_head(struct up_conn *conn)
{
    static const char version[] = " HTTP/1.1\r\nHost: ";
    const struct up_request *r = &conn->call->request;
    const char *host = conn->pool->host_header;
    struct buf *out = &conn->tx.out;
    char line[64];
    size_t line_len = framing(r, line);

    if (!buf_reserve(out, head_room(conn)))
        return false;
    char *at = out->mem + out->end;
    at = put_str(at, r->method);
    *at++ = ' ';
    at = put_str(at, r->path);
    at = put(at, version, sizeof(version) - 1);
    at = put(at, host, strlen(host));
    at = put(at, "\r\n", 2);
    for (uint32_t i = 0; i < r->header_count; i++) {
        at = put_str(at, r->headers[i].name);
        at = put(at, ": ", 2);
        at = put_str(at, r->headers[i].value);
        at = put(at, "\r\n", 2);
    }
    at = put(at, line, line_len);
    at = put(at, "\r\n", 2);
    out->end = (size_t)(at - out->mem);
    return true;
}

/* Moves `len` bytes on in the body spans, past empty ones too. */
static void advance(struct up_conn *conn, size_t len)
{
    const struct up_request *r = &conn->call->request;
    struct up_tx *tx = &conn->tx;

    while (tx->span < r->body_count) {
        size_t left = r->body[tx->span].len - tx->offset;
        if (len < left) {
            tx->offset += len;
            return;
        }
        len -= left;
        tx->span++;
        tx->offset = 0;
    }
}

static bool fill_record(struct up_conn *conn)
{
    const struct up_request *r = &conn->call->request;
    struct up_tx *tx = &conn->tx;

    while (tx->span < r->body_count && buf_len(&tx->out) < UP_BLOCK) {
        const weir_str *span = &r->body[tx->span];
        size_t len = MIN(span->len - tx->offset, UP_BLOCK - buf_len(&tx->out));
        if (!buf_add(&tx->out, span->ptr + tx->offset, len))
            return false;
        advance(conn, len);
    }
    return true;
}

const char *up_tx_begin(struct up_conn *conn)
{
    static const char no_memory[] = "out of memory for the request";
    const struct up_request *r = &conn->call->request;
    struct up_tx *tx = &conn->tx;

    buf_free(&tx->out);
    *tx = (struct up_tx){ .left = r->body_stream };
    if (!write_head(conn))
        return no_memory;
    if (r->body_stream >= 0) {
        tx->span = r->body_count;
        return conn->call->state & CALL_FINISHED ? up_tx_finish(conn) : NULL;
    }
    return conn->dial && !fill_record(conn) ? no_memory : NULL;
}

const char *up_tx_finish(struct up_conn *conn)
{
    struct up_tx *tx = &conn->tx;

    if (conn->call->request.body_stream == INT64_MAX)
        return buf_add(&tx->out, "0\r\n\r\n", 5) ? NULL : "out of memory for the request";
    return tx->left > 0 ? "the request body is shorter than announced" : NULL;
}

static int gather(struct up_conn *conn, struct iovec *iov, size_t *total)
{
    const struct up_request *r = &conn->call->request;
    struct up_tx *tx = &conn->tx;
    int count = 0;

    *total = buf_len(&tx->out);
    if (*total)
        iov[count++] = (struct iovec){ buf_at(&tx->out), *total };
    size_t offset = tx->offset;
    for (uint32_t i = tx->span; i < r->body_count && count < IOV_COUNT; i++, offset = 0) {
        size_t len = r->body[i].len - offset;
        if (len == 0)
            continue;
        /* The kernel only reads what an iovec names; its type cannot say so. */
        iov[count++] = (struct iovec){ (void *)(uintptr_t)(r->body[i].ptr + offset), len };
        *total += len;
    }
    return count;
}

static void account(struct up_conn *conn, size_t n)
{
    size_t head = MIN(n, buf_len(&conn->tx.out));

    conn->call->report.request_started = true;
    conn->call->report.bytes_out += n;
    if (head)
        buf_eat(&conn->tx.out, head);
    advance(conn, n - head);
}

/* Whether the owner has given all there is to send. */
static bool all_given(const struct up_conn *conn)
{
    int64_t stream = conn->call->request.body_stream;

    if (stream < 0)
        return true;
    if (stream != INT64_MAX && conn->tx.left == 0)
        return true;
    return conn->call->state & CALL_FINISHED;
}

static void after_writing(struct up_conn *conn)
{
    struct up_tx *tx = &conn->tx;

    if (!tx->blocked && !tx->done && all_given(conn)) {
        tx->done = true;
        conn->call->report.sent_us = loop_now(conn->pool->loop);
    }
    if (tx->refused && buf_len(&tx->out) <= UP_PUSH_LOW) {
        tx->refused = false;
        conn->writable_due = true;
        up_call_defer(conn);
    }
    up_io_watch(conn);
}

void up_tx_run(struct up_conn *conn)
{
    struct iovec iov[IOV_COUNT];
    struct up_tx *tx = &conn->tx;

    if (tx->failed || tx->done)
        return;
    tx->blocked = false;
    for (;;) {
        size_t total;
        int count = gather(conn, iov, &total);
        if (count == 0)
            break;
        ssize_t n = up_io_write(conn, iov, count);
        if (n == DIAL_AGAIN) {
            tx->blocked = true;
            break;
        }
        if (n < 0) {
            /* The peer may have answered before it stopped reading: that decides. */
            tx->failed = true;
            conn->read_due = true;
            up_call_defer(conn);
            return;
        }
        account(conn, (size_t)n);
    }
    after_writing(conn);
}
