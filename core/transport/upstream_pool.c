/*
 * upstream_pool.c - the connections to one origin: dialled, kept, reused, dropped; and the calls
 * that wait for one.
 *
 * The connection used last is reused first, so that those no longer needed grow old and end. A kept
 * connection holds no buffer and is watched: the peer's close ends it here too.
 */
#include "transport/upstream_private.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

bool up_global_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- lists of calls ---- */

void up_calls_add(struct up_calls *list, struct up_call *call)
{
    call->next = NULL;
    call->prev = list->last;
    if (list->last)
        list->last->next = call;
    else
        list->first = call;
    list->last = call;
}

void up_calls_remove(struct up_calls *list, struct up_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        list->first = call->next;
    if (call->next)
        call->next->prev = call->prev;
    else
        list->last = call->prev;
    call->next = call->prev = NULL;
}

/* ---- the end of a connection ---- */

void up_conn_enter(struct up_conn *conn)
{
    conn->entered++;
}

static void free_conn(struct up_conn *conn)
{
    buf_free(&conn->tx.out);
    buf_free(&conn->rx.in);
    g_free(conn);
}

/* Not before: the owner may cancel while it looks at bytes that are in our buffer. */
void up_conn_leave(struct up_conn *conn)
{
    if (--conn->entered == 0 && conn->closed)
        free_conn(conn);
}

/* Which of the two lists `conn` is in shows in idle_until_us. */
static GQueue *list_of(struct up_conn *conn)
{
    return conn->idle_until_us ? &conn->pool->idle : &conn->pool->busy;
}

void up_conn_close(struct up_conn *conn)
{
    struct loop *loop = conn->pool->loop;

    g_queue_unlink(list_of(conn), &conn->link);
    loop_unwatch(loop, &conn->io);
    loop_defer_cancel(loop, &conn->task);
    if (conn->dial)
        dial_free(conn->dial);
    else if (conn->fd >= 0)
        close(conn->fd);
    conn->closed = true;
    if (conn->entered == 0)
        free_conn(conn);
}

/* ---- keeping ---- */

static void on_idle_timer(struct loop_timer *timer)
{
    struct up_pool *pool =
        (struct up_pool *)((char *)timer - G_STRUCT_OFFSET(struct up_pool, idle_timer));
    struct up_conn *oldest;

    while ((oldest = g_queue_peek_tail(&pool->idle))) {
        if (oldest->idle_until_us > loop_now(pool->loop)) {
            loop_timer_set(pool->loop, timer, oldest->idle_until_us, on_idle_timer);
            return;
        }
        up_conn_close(oldest);
    }
}

void up_pool_keep(struct up_conn *conn)
{
    struct up_pool *pool = conn->pool;

    buf_free(&conn->tx.out);
    buf_free(&conn->rx.in);
    loop_defer_cancel(pool->loop, &conn->task);
    conn->writable_due = conn->read_due = conn->write_due = false;
    if (pool->idle.length >= pool->max_idle)
        up_conn_close(g_queue_peek_tail(&pool->idle));
    g_queue_unlink(&pool->busy, &conn->link);
    conn->idle_until_us = loop_now(pool->loop) + pool->idle_timeout_us;
    g_queue_push_head_link(&pool->idle, &conn->link);
    up_io_watch(conn);
    if (!pool->idle_timer.slot)
        loop_timer_set(pool->loop, &pool->idle_timer, conn->idle_until_us, on_idle_timer);
}

/* A kept connection that is still good, or NULL. */
static struct up_conn *reuse(struct up_pool *pool)
{
    struct up_conn *conn;

    while ((conn = g_queue_peek_head(&pool->idle))) {
        /* Its end, or an answer to nothing, may have come since the loop last looked. */
        if (up_io_quiet(conn)) {
            g_queue_unlink(&pool->idle, &conn->link);
            conn->idle_until_us = 0;
            g_queue_push_head_link(&pool->busy, &conn->link);
            pool->stats.reused++;
            return conn;
        }
        up_conn_close(conn);
    }
    return NULL;
}

/* ---- dialling ---- */

static void on_dialled(void *arg, enum up_end end, const char *message)
{
    struct up_conn *conn = arg;

    up_conn_enter(conn);
    if (end != UP_COMPLETE) {
        up_call_over(conn, end, message);
    } else {
        conn->fd = dial_socket(conn->dial);
        if (dial_take_socket(conn->dial)) {
            dial_free(conn->dial);
            conn->dial = NULL;
        }
        up_call_begin(conn, conn->call, false);
    }
    up_conn_leave(conn);
}

void up_pool_dial(struct up_pool *pool, struct up_call *call)
{
    if (*pool->fault) {
        up_call_fail_later(call, UP_CONNECT_FAILED, pool->fault);
        return;
    }
    struct up_conn *conn = g_new0(struct up_conn, 1);
    conn->pool = pool;
    conn->fd = -1;
    conn->link.data = conn;
    conn->dial = dial_new(pool->loop, &pool->plan, on_dialled, conn);
    if (!conn->dial) {
        g_free(conn);
        up_call_fail_later(call, UP_CONNECT_FAILED, "libcurl could not be set up: out of memory");
        return;
    }
    g_queue_push_head_link(&pool->busy, &conn->link);
    pool->stats.dialled++;
    conn->call = call;
    call->conn = conn;
    call->state = (uint8_t)((call->state & CALL_FINISHED) | CALL_ACTIVE);
}

void up_pool_serve(struct up_pool *pool, struct up_call *call)
{
    call->state = CALL_WAITING;
    up_calls_add(&pool->waiting, call);
    up_pool_dispatch(pool);
}

void up_pool_dispatch(struct up_pool *pool)
{
    struct up_call *call;

    while ((call = pool->waiting.first)) {
        struct up_conn *conn = reuse(pool);
        if (!conn && pool->max_connections && pool->busy.length >= pool->max_connections)
            return;
        up_calls_remove(&pool->waiting, call);
        if (conn)
            up_call_begin(conn, call, true);
        else
            up_pool_dial(pool, call);
    }
}

/* ---- the pool ---- */

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *value = NULL;

    if (curl_url_get(url, part, &value, flags) != CURLUE_OK)
        return NULL;
    char *copy = g_strdup(value);
    curl_free(value);
    return copy;
}

/* Takes the origin's URL apart; false if it is none. */
static bool parse_url(struct up_pool *pool, CURLU *url, const char *text)
{
    static const CURLUPart ignored[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                         CURLUPART_PATH, CURLUPART_QUERY,    CURLUPART_FRAGMENT };

    if (!url || !text || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        curl_url_set(url, ignored[i], NULL, 0);
    g_autofree char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    g_autofree char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (!scheme || !port)
        return false;
    pool->secure = strcmp(scheme, "https") == 0;
    if (!pool->secure && strcmp(scheme, "http") != 0)
        return false;
    pool->url = url_part(url, CURLUPART_URL, 0);
    pool->host = url_part(url, CURLUPART_HOST, CURLU_PUNYCODE);
    if (!pool->host)
        pool->host = url_part(url, CURLUPART_HOST, 0);
    if (!pool->url || !pool->host)
        return false;
    pool->label = g_strdup_printf("%s:%s", pool->host, port);
    bool usual = strcmp(port, pool->secure ? "443" : "80") == 0;
    pool->host_header = g_strdup(usual ? pool->host : pool->label);
    return true;
}

static void set_plan(struct up_pool *pool, const struct up_origin *origin)
{
    struct dial_plan *plan = &pool->plan;
    char why[200];

    plan->url = pool->url;
    plan->label = pool->label;
    plan->host = pool->host;
    plan->proxy = pool->proxy;
    plan->timeout_ms = (long)((origin->connect_timeout_us + 999) / 1000);
    plan->share = dial_share_new();
    plan->ca_file = pool->ca_file;
    plan->verify = !origin->insecure;
    /* Loaded now rather than when somebody waits. If it cannot be, dialling tries again and tells.
     */
    if (pool->secure && plan->verify)
        plan->store = tls_store_get(pool->ca_file, why, sizeof(why));
}

struct up_pool *up_pool_new(struct loop *loop, const struct up_origin *origin)
{
    struct up_pool *pool = g_new0(struct up_pool, 1);
    CURLU *url = curl_url();

    pool->loop = loop;
    pool->proxy = g_strdup(origin->proxy);
    pool->ca_file = g_strdup(origin->ca_file);
    pool->max_connections = origin->max_connections;
    pool->max_idle = origin->max_idle;
    pool->idle_timeout_us = origin->idle_timeout_us;
    if (parse_url(pool, url, origin->url))
        set_plan(pool, origin);
    else
        g_snprintf(pool->fault, sizeof(pool->fault), "\"%s\" is not a http:// or https:// URL",
                   origin->url ? origin->url : "");
    curl_url_cleanup(url);
    return pool;
}

void up_pool_free(struct up_pool *pool)
{
    if (!pool)
        return;
    while (pool->waiting.first)
        up_cancel(pool->waiting.first);
    while (pool->failing.first)
        up_cancel(pool->failing.first);
    while (pool->busy.length)
        up_cancel(((struct up_conn *)g_queue_peek_head(&pool->busy))->call);
    while (pool->idle.length)
        up_conn_close(g_queue_peek_head(&pool->idle));
    loop_timer_clear(pool->loop, &pool->idle_timer);
    loop_defer_cancel(pool->loop, &pool->fail_task);
    dial_share_free(pool->plan.share);
    tls_store_unref(pool->plan.store);
    g_free(pool->url);
    g_free(pool->label);
    g_free(pool->host);
    g_free(pool->host_header);
    g_free(pool->proxy);
    g_free(pool->ca_file);
    g_free(pool);
}

void up_pool_stats(const struct up_pool *pool, struct up_pool_stats *stats)
{
    *stats = pool->stats;
    stats->idle = pool->idle.length;
    stats->busy = pool->busy.length;
    stats->waiting = 0;
    for (const struct up_call *call = pool->waiting.first; call; call = call->next)
        stats->waiting++;
}
