/*
 * upstream_call.c - the public calls: start, cancel, pause, push; and how a call ends.
 */
#include "transport/upstream_private.h"

#include <string.h>

static unsigned state_of(const struct up_call *call)
{
    return call->state & CALL_STATE_MASK;
}

static void set_state(struct up_call *call, unsigned state)
{
    call->state = (uint8_t)((call->state & CALL_FINISHED) | state);
}

/* The last touch of the call: it may be gone or begun anew when this returns. */
static void tell(struct up_call *call, enum up_end end, const char *message)
{
    struct up_report report = call->report;

    report.end = end;
    g_strlcpy(report.message, message, sizeof(report.message));
    call->state = CALL_OVER;
    call->conn = NULL;
    call->ops->done(call, &report);
}

/* ---- ends ---- */

static bool may_keep(const struct up_conn *conn)
{
    return conn->rx.keep && conn->rx.complete && !conn->rx.ended && conn->tx.done &&
           conn->pool->max_idle > 0;
}

void up_call_over(struct up_conn *conn, enum up_end end, const char *message)
{
    struct up_call *call = conn->call;
    struct up_pool *pool = conn->pool;

    conn->call = NULL;
    /* Copied first: it may be the connection's own. */
    g_strlcpy(call->report.message, message, sizeof(call->report.message));
    if (end == UP_COMPLETE && may_keep(conn))
        up_pool_keep(conn);
    else
        up_conn_close(conn);
    up_pool_dispatch(pool);
    tell(call, end, call->report.message);
}

/* A kept connection may have been closed by the peer just before the request reached it. Then, and
 * only while nothing was answered and all of the request is still at hand, another one is tried. */
static bool may_retry(const struct up_conn *conn, enum up_end end)
{
    return (end == UP_CUT || end == UP_SEND_FAILED) && conn->reused && !conn->call->retried &&
           !conn->rx.any && !conn->tx.pushed;
}

void up_call_failed(struct up_conn *conn, enum up_end end, const char *message)
{
    struct up_call *call = conn->call;
    struct up_pool *pool = conn->pool;

    if (!may_retry(conn, end)) {
        up_call_over(conn, end, message);
        return;
    }
    conn->call = NULL;
    call->conn = NULL;
    up_conn_close(conn);
    call->retried = true;
    call->report.connected_us = call->report.sent_us = 0;
    call->report.bytes_out = 0;
    pool->stats.stale_retries++;
    up_pool_dial(pool, call);
}

/* One a run: `done` may free the pool, so nothing is touched behind it. */
static void on_fail_task(struct loop_task *task)
{
    struct up_pool *pool =
        (struct up_pool *)((char *)task - G_STRUCT_OFFSET(struct up_pool, fail_task));
    struct up_call *call = pool->failing.first;

    if (!call)
        return;
    up_calls_remove(&pool->failing, call);
    if (pool->failing.first)
        loop_defer(pool->loop, &pool->fail_task, on_fail_task);
    tell(call, call->report.end, call->report.message);
}

void up_call_fail_later(struct up_call *call, enum up_end end, const char *message)
{
    struct up_pool *pool = call->pool;

    call->report.end = end;
    if (message != call->report.message)
        g_strlcpy(call->report.message, message, sizeof(call->report.message));
    call->conn = NULL;
    set_state(call, CALL_FAILING);
    up_calls_add(&pool->failing, call);
    loop_defer(pool->loop, &pool->fail_task, on_fail_task);
}

/* ---- what a connection has to do, from the loop ---- */

static void call_writable(struct up_conn *conn)
{
    struct up_call *call = conn->call;

    conn->writable_due = false;
    if (call->ops->writable && !conn->tx.failed && !conn->tx.done)
        call->ops->writable(call);
}

static void on_task(struct loop_task *task)
{
    struct up_conn *conn = (struct up_conn *)((char *)task - G_STRUCT_OFFSET(struct up_conn, task));

    up_conn_enter(conn);
    if (conn->doom && !conn->call)
        up_conn_close(conn);
    if (conn->call && conn->doom)
        up_call_over(conn, UP_SEND_FAILED, conn->doom);
    if (conn->call && conn->writable_due)
        call_writable(conn);
    if (conn->call && conn->write_due) {
        conn->write_due = false;
        up_tx_run(conn);
    }
    if (conn->call && conn->read_due) {
        conn->read_due = false;
        up_rx_run(conn);
    }
    up_conn_leave(conn);
}

void up_call_defer(struct up_conn *conn)
{
    loop_defer(conn->pool->loop, &conn->task, on_task);
}

void up_call_begin(struct up_conn *conn, struct up_call *call, bool reused)
{
    conn->call = call;
    conn->reused = reused;
    conn->rx = (struct up_rx){ 0 };
    call->conn = conn;
    set_state(call, CALL_ACTIVE);
    call->report.fresh = !reused;
    call->report.connected_us = loop_now(conn->pool->loop);
    conn->doom = up_tx_begin(conn);
    if (conn->doom) {
        up_call_defer(conn);
        return;
    }
    /* Requests that begin in one iteration are written together at its end: those who wait for
     * them are woken once and not for each. A head whose body follows goes ahead of it. */
    if (call->request.body_stream < 0)
        conn->write_due = true;
    else
        up_tx_run(conn);
    conn->writable_due = call->request.body_stream >= 0 && !(call->state & CALL_FINISHED);
    up_call_defer(conn);
}

/* ---- the public functions ---- */

void up_start(struct up_pool *pool, struct up_call *call, const struct up_ops *ops,
              const struct up_request *request)
{
    *call = (struct up_call){ .ops = ops, .pool = pool, .request = *request };
    if (!up_request_valid(request, call->report.message, sizeof(call->report.message)))
        up_call_fail_later(call, UP_GARBAGE, call->report.message);
    else
        up_pool_serve(pool, call);
}

void up_cancel(struct up_call *call)
{
    struct up_conn *conn = call->conn;
    unsigned state = state_of(call);

    call->state = CALL_OVER;
    call->conn = NULL;
    if (state == CALL_WAITING)
        up_calls_remove(&call->pool->waiting, call);
    else if (state == CALL_FAILING)
        up_calls_remove(&call->pool->failing, call);
    if (state != CALL_ACTIVE)
        return;
    conn->call = NULL;
    up_conn_close(conn);
    up_pool_dispatch(call->pool);
}

void up_pause(struct up_call *call, bool paused)
{
    struct up_conn *conn = call->conn;

    if (call->paused == paused)
        return;
    call->paused = paused;
    if (!conn || conn->fd < 0)
        return;
    up_io_watch(conn);
    if (paused)
        return;
    /* Bytes may be here already: unconsumed, not yet looked at, or decrypted inside libcurl. */
    conn->rx.shown = 0;
    conn->read_due = true;
    up_call_defer(conn);
}

/* Adds pushed bytes, framed if need be. */
static bool add_pushed(struct up_conn *conn, weir_str bytes)
{
    struct buf *out = &conn->tx.out;
    char size[24];

    if (conn->call->request.body_stream != INT64_MAX)
        return buf_add(out, bytes.ptr, bytes.len);
    size_t len = (size_t)g_snprintf(size, sizeof(size), "%zx\r\n", bytes.len);
    if (!buf_reserve(out, len + bytes.len + 2))
        return false;
    return buf_add(out, size, len) && buf_add(out, bytes.ptr, bytes.len) && buf_add(out, "\r\n", 2);
}

static void doom(struct up_conn *conn, const char *why)
{
    conn->doom = why;
    up_call_defer(conn);
}

bool up_body_push(struct up_call *call, weir_str bytes)
{
    struct up_conn *conn = call->conn;

    /* Before the connection is ready nothing is taken; `writable` will say when it is. */
    if (!conn || conn->fd < 0)
        return false;
    struct up_tx *tx = &conn->tx;
    if (bytes.len == 0 || tx->failed || tx->done || conn->doom)
        return true;
    if (buf_len(&tx->out) > UP_PUSH_HIGH) {
        tx->refused = true;
        return false;
    }
    bool chunked = call->request.body_stream == INT64_MAX;
    if (!chunked && bytes.len > (uint64_t)tx->left) {
        doom(conn, "the request body is longer than announced");
        return true;
    }
    if (!add_pushed(conn, bytes)) {
        doom(conn, "out of memory for the request");
        return true;
    }
    tx->pushed = true;
    if (!chunked)
        tx->left -= (int64_t)bytes.len;
    conn->write_due = true;
    up_call_defer(conn);
    return true;
}

void up_body_finish(struct up_call *call)
{
    struct up_conn *conn = call->conn;

    if (state_of(call) == CALL_OVER || call->state & CALL_FINISHED)
        return;
    call->state |= CALL_FINISHED;
    if (!conn || conn->fd < 0 || conn->tx.done || conn->tx.failed)
        return;
    if (!conn->doom)
        conn->doom = up_tx_finish(conn);
    conn->write_due = true;
    up_call_defer(conn);
}
