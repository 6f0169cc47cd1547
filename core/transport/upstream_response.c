/*
 * upstream_response.c - the response: reading it, its framing, handing it over.
 *
 * Everything that has come is read first and handed over in one go. Body bytes stay where they were
 * read to until they are consumed; chunked framing is removed in place.
 */
#include "transport/upstream_private.h"

#include <string.h>

static void garbage(struct up_conn *conn, const char *why)
{
    g_autofree char *message =
        g_strdup_printf("%s did not answer in HTTP: %s", conn->pool->plan.label, why);

    up_call_over(conn, UP_GARBAGE, message);
}

static void too_large(struct up_conn *conn, const char *what, uint64_t limit)
{
    g_autofree char *message =
        g_strdup_printf("%s of the answer of %s is larger than %" G_GUINT64_FORMAT " bytes", what,
                        conn->pool->plan.label, limit);

    up_call_over(conn, UP_TOO_LARGE, message);
}

static bool has_no_body(const struct up_conn *conn, const struct http_head *head)
{
    weir_str method = conn->call->request.method;

    return head->status == 204 || head->status == 304 ||
           (method.len == 4 && memcmp(method.ptr, "HEAD", 4) == 0);
}

static void set_framing(struct up_conn *conn, const struct http_head *head)
{
    struct up_rx *rx = &conn->rx;

    rx->keep = head->keep_alive && head->minor >= 1;
    if (has_no_body(conn, head)) {
        rx->framing = RX_LENGTH;
    } else if (head->chunked) {
        rx->framing = RX_CHUNKED;
    } else if (head->content_length >= 0) {
        rx->framing = RX_LENGTH;
        rx->left = (uint64_t)head->content_length;
    } else {
        rx->framing = RX_TO_CLOSE;
        rx->keep = false;
    }
}

/* The final head: tells the owner. False: the call is over. */
static bool take_final(struct up_conn *conn, const struct http_head *head, size_t len)
{
    struct up_call *call = conn->call;

    set_framing(conn, head);
    int answer = call->ops->head(call, head);
    if (conn->closed)
        return false;
    buf_eat(&conn->rx.in, len);
    if (answer < 0) {
        up_call_over(conn, UP_STOPPED, "");
        return false;
    }
    return true;
}

/* 1xx: nobody asked for a protocol switch, and of the others none matters to us. */
static bool take_interim(struct up_conn *conn, const struct http_head *head, size_t len)
{
    if (head->status == 101) {
        garbage(conn, "it switches to a protocol that was not asked for");
        return false;
    }
    if (++conn->rx.interim > UP_INTERIM_MAX) {
        garbage(conn, "too many interim answers");
        return false;
    }
    buf_eat(&conn->rx.in, len);
    return true;
}

/* Heads, as far as they have come. False: the call is over. */
static bool take_head(struct up_conn *conn)
{
    size_t limit = conn->call->request.head_limit;
    struct up_rx *rx = &conn->rx;
    weir_header headers[HTTP_MAX_HEADERS];
    struct http_head head = { .headers = headers };

    if (limit == 0)
        limit = UP_HEAD_LIMIT;
    while (rx->framing == RX_HEAD && buf_len(&rx->in) > 0) {
        const char *why = "";
        int len = http_head_parse(&head, true, buf_at(&rx->in), buf_len(&rx->in), limit, &why);
        if (len == HTTP_MORE)
            return true;
        if (len == HTTP_LARGE) {
            too_large(conn, "the head", limit);
            return false;
        }
        if (len < 0) {
            garbage(conn, why);
            return false;
        }
        bool interim = head.status >= 100 && head.status < 200;
        if (!(interim ? take_interim : take_final)(conn, &head, (size_t)len))
            return false;
    }
    return true;
}

/* What came behind the end of the response answers nothing that was asked. */
static void drop_junk(struct up_conn *conn, size_t len)
{
    conn->rx.complete = true;
    conn->rx.in.end -= len;
    if (len)
        conn->rx.keep = false;
}

static bool take_chunks(struct up_conn *conn, char *bytes, size_t len)
{
    struct up_rx *rx = &conn->rx;
    const char *why = "";
    size_t used = len;
    size_t data = 0;

    int result = http_chunks_decode(&rx->chunks, bytes, &used, &data, &why);
    if (result < 0) {
        garbage(conn, why);
        return false;
    }
    rx->held += data;
    /* What is left of the input closes up to the data. */
    if (used < len && used > data)
        memmove(bytes + data, bytes + used, len - used);
    rx->in.end -= used - data;
    if (result > 0)
        drop_junk(conn, len - used);
    return true;
}

/* Turns what was read into held body bytes. False: the call is over. */
static bool take(struct up_conn *conn)
{
    struct up_rx *rx = &conn->rx;

    if (rx->framing == RX_HEAD && !take_head(conn))
        return false;
    if (rx->framing == RX_HEAD)
        return true;
    size_t len = buf_len(&rx->in) - rx->held;
    if (rx->framing == RX_CHUNKED)
        return len == 0 || take_chunks(conn, buf_at(&rx->in) + rx->held, len);
    if (rx->framing == RX_TO_CLOSE) {
        rx->held += len;
        return true;
    }
    size_t body = (size_t)MIN((uint64_t)len, rx->left);
    rx->held += body;
    rx->left -= body;
    if (rx->left == 0)
        drop_junk(conn, len - body);
    return true;
}

/* Room for the next read: never little, all of a body whose length is known, within reason. */
static size_t make_room(struct up_rx *rx)
{
    size_t room = UP_BLOCK;

    /* One more than the body, so that a byte too many shows. */
    if (rx->framing == RX_LENGTH)
        room = (size_t)CLAMP(rx->left + 1, UP_BLOCK / 4, UP_WAKE_BYTES);
    else if (rx->in.cap - rx->in.end >= UP_BLOCK / 4)
        return rx->in.cap - rx->in.end;
    return buf_reserve(&rx->in, room) ? rx->in.cap - rx->in.end : 0;
}

/* Reads what has come. False: the call is over. */
static bool fill(struct up_conn *conn)
{
    struct up_rx *rx = &conn->rx;
    size_t budget = UP_WAKE_BYTES;

    while (!rx->ended && !rx->complete && !conn->call->paused) {
        size_t room = MIN(make_room(rx), UP_WAKE_BYTES);
        if (room == 0) {
            up_call_over(conn, UP_TOO_LARGE, "out of memory for the answer");
            return false;
        }
        ssize_t n = up_io_read(conn, rx->in.mem + rx->in.end, room);
        if (n == DIAL_AGAIN)
            break;
        if (n <= 0) {
            rx->ended = true;
            rx->broken = n < 0;
            break;
        }
        rx->any = true;
        rx->in.end += (size_t)n;
        conn->call->report.bytes_in += (uint64_t)n;
        if (!take(conn))
            return false;
        if (!conn->dial && (size_t)n < room)
            break;
        if ((size_t)n >= budget) {
            /* What libcurl has decrypted already does not show on the socket. */
            conn->read_due = conn->dial != NULL;
            if (conn->read_due)
                up_call_defer(conn);
            break;
        }
        budget -= (size_t)n;
    }
    if (buf_len(&rx->in) == 0)
        buf_free(&rx->in);
    return true;
}

static bool at_end(const struct up_rx *rx)
{
    return rx->complete || (rx->framing == RX_TO_CLOSE && rx->ended && !rx->broken);
}

/* Presents the body bytes there are. False: the call is over, or somebody else's. */
static bool deliver(struct up_conn *conn, bool end)
{
    struct up_call *call = conn->call;
    struct up_rx *rx = &conn->rx;
    uint64_t limit = call->request.hold_limit;

    int64_t used = call->ops->body(call, rx->held ? buf_at(&rx->in) : "", rx->held, end);
    if (conn->closed)
        return false;
    if (used < 0) {
        up_call_over(conn, UP_STOPPED, "");
        return false;
    }
    size_t eaten = (size_t)MIN((uint64_t)used, rx->held);
    if (eaten)
        buf_eat(&rx->in, eaten);
    rx->held -= eaten;
    rx->shown = rx->held;
    if (limit == 0)
        limit = UP_HOLD_LIMIT;
    if (!end && rx->held > limit) {
        too_large(conn, "the body", limit);
        return false;
    }
    return true;
}

/* The connection ended, or takes no more of the request, and the response is not there. */
static void cut(struct up_conn *conn)
{
    const char *label = conn->pool->plan.label;
    const char *why = conn->rx.broken || !conn->rx.ended ? up_io_error(conn) : NULL;
    enum up_end end = conn->tx.failed && !conn->rx.any ? UP_SEND_FAILED : UP_CUT;
    const char *when = end == UP_SEND_FAILED         ? "while the request was being sent"
                       : conn->rx.framing == RX_HEAD ? "before it had answered"
                                                     : "inside its answer";
    g_autofree char *message = g_strdup_printf("%s ended the connection %s%s%s", label, when,
                                               why ? ": " : "", why ? why : "");

    up_call_failed(conn, end, message);
}

void up_rx_run(struct up_conn *conn)
{
    struct up_rx *rx = &conn->rx;

    if (!fill(conn) || conn->call->paused)
        return;
    if (rx->framing != RX_HEAD) {
        bool end = at_end(rx);
        if ((end || rx->held > rx->shown) && !deliver(conn, end))
            return;
        if (end) {
            up_call_over(conn, rx->complete ? UP_COMPLETE : UP_CLOSED, "");
            return;
        }
        if (conn->call->paused)
            return;
    }
    if (rx->ended || conn->tx.failed)
        cut(conn);
}
