/*
 * dial.c - one connection being made by libcurl.
 *
 * libcurl could say which sockets to watch, and for what, but a CURLM that is used so keeps a table
 * of sockets of 29 KB for as long as it lives, which is as long as a TLS connection. So we open the
 * sockets for it, watch them for every change, and let libcurl see for itself how far it gets. The
 * name being resolved, which has no socket of ours, it asks for at its own times.
 */
#include "transport/dial.h"

#include <curl/curl.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often it is looked at anyway, should a change have gone unseen. */
enum { DIAL_LOOK_MS = 100 };

/* One socket that was opened for libcurl: it may try two address families at once. */
struct watch {
    struct loop_io io;
    struct watch *next;
    struct dial *dial;
};

struct dial {
    struct loop *loop;
    struct dial_plan *plan;
    CURLM *multi;
    CURL *easy;
    struct loop_timer timer;
    struct watch *watches;
    void (*done)(void *arg, enum up_end end, const char *message);
    void *arg;
    curl_socket_t taken; /* closing leaves this one alone */
    bool tls;            /* libcurl made an SSL_CTX: for the origin, or for the proxy */
    char error[CURL_ERROR_SIZE];
    char no_store[200]; /* why no certificates could be loaded */
};

void *dial_share_new(void)
{
    CURLSH *share = curl_share_init();

    if (!share)
        return NULL;
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return share;
}

void dial_share_free(void *share)
{
    if (share)
        curl_share_cleanup(share);
}

/* How an ended dial is told: what it was, and a sentence. */
static enum up_end explain_refused(struct dial *d, GString *message)
{
    long error = 0;
    char host[256];
    unsigned port;

    /* With a proxy it may not have been the origin that did not answer: libcurl knows who. */
    curl_easy_getinfo(d->easy, CURLINFO_OS_ERRNO, &error);
    if (sscanf(d->error, "Failed to connect to %255s port %u", host, &port) != 2)
        g_string_printf(message, "could not connect to %s", d->plan->label);
    else if (strchr(host, ':'))
        g_string_printf(message, "could not connect to [%s]:%u", host, port);
    else
        g_string_printf(message, "could not connect to %s:%u", host, port);
    g_string_append_printf(message, ": %s", error ? g_strerror((int)error) : "no address answered");
    return UP_CONNECT_FAILED;
}

static enum up_end explain_certificate(struct dial *d, GString *message)
{
    static const char prefix[] = "SSL certificate problem: ";
    bool untrusted = g_str_has_prefix(d->error, prefix);
    const char *why = untrusted ? d->error + strlen(prefix) : d->error;

    g_string_printf(message, "the certificate of %s is not %s: %s", d->plan->host,
                    untrusted ? "trusted" : "accepted", why);
    return UP_TLS_FAILED;
}

static enum up_end explain(struct dial *d, CURLcode code, GString *message)
{
    const char *why = *d->no_store ? d->no_store : *d->error ? d->error : curl_easy_strerror(code);

    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        g_string_printf(message, "could not resolve the name %s", d->plan->host);
        return UP_RESOLVE_FAILED;
    case CURLE_COULDNT_RESOLVE_PROXY:
        g_string_printf(message, "could not resolve the name of the proxy for %s", d->plan->label);
        return UP_RESOLVE_FAILED;
    case CURLE_OPERATION_TIMEDOUT:
        g_string_printf(message, "no connection to %s within %ld ms", d->plan->label,
                        d->plan->timeout_ms);
        return UP_CONNECT_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
        return explain_refused(d, message);
    case CURLE_PEER_FAILED_VERIFICATION:
        return explain_certificate(d, message);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        g_string_printf(message, "TLS with %s failed: %s", d->plan->label, why);
        return UP_TLS_FAILED;
    default:
        g_string_printf(message, "could not connect to %s: %s", d->plan->label, why);
        return UP_CONNECT_FAILED;
    }
}

static void on_timer(struct loop_timer *timer);

static void set_timer(struct dial *d, long timeout_ms)
{
    /* The clock itself, not loop_now(), and a little late: libcurl does not ask again for a timer
     * that was fired early. */
    int64_t late_us = timeout_ms > 0 ? 1000 : 0;

    loop_timer_set(d->loop, &d->timer, g_get_monotonic_time() + timeout_ms * 1000 + late_us,
                   on_timer);
}

static void unwatch(struct dial *d, struct watch *w)
{
    struct watch **link = &d->watches;

    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    loop_unwatch(d->loop, &w->io);
    g_free(w);
}

static void unwatch_all(struct dial *d)
{
    while (d->watches)
        unwatch(d, d->watches);
}

/* The last touch of the dial. */
static void ended(struct dial *d, CURLcode code)
{
    loop_timer_clear(d->loop, &d->timer);
    unwatch_all(d);
    if (code == CURLE_OK) {
        /* From here on it only limits how much one dial_recv() gets: a TLS record at most. */
        curl_easy_setopt(d->easy, CURLOPT_BUFFERSIZE, 16L * 1024);
        d->done(d->arg, UP_COMPLETE, "");
        return;
    }
    g_autoptr(GString) message = g_string_new(NULL);
    enum up_end end = explain(d, code, message);
    d->done(d->arg, end, message->str);
}

/* As far as it gets. */
static void go_on(struct dial *d)
{
    int running, left;
    long ms = -1;
    CURLMsg *m;

    curl_multi_perform(d->multi, &running);
    m = curl_multi_info_read(d->multi, &left);
    if (m && m->msg == CURLMSG_DONE) {
        ended(d, m->data.result);
        return;
    }
    curl_multi_timeout(d->multi, &ms);
    set_timer(d, ms < 0 || ms > DIAL_LOOK_MS ? DIAL_LOOK_MS : ms);
}

static void on_timer(struct loop_timer *timer)
{
    go_on((struct dial *)((char *)timer - G_STRUCT_OFFSET(struct dial, timer)));
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    go_on(((struct watch *)io)->dial);
}

/* Watched for changes, not for states: while the peer is waited for it can be written to all the
 * time. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct dial *d = arg;
    struct watch *w;
    int fd = socket(to->family, to->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->protocol);

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    w = g_new0(struct watch, 1);
    w->dial = d;
    w->next = d->watches;
    d->watches = w;
    if (loop_watch(d->loop, &w->io, fd, EPOLLIN | EPOLLOUT | EPOLLET, on_ready))
        return fd;
    unwatch(d, w);
    close(fd);
    return CURL_SOCKET_BAD;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct dial *d = arg;

    for (struct watch *w = d->watches; w; w = w->next) {
        if (w->io.fd == fd) {
            unwatch(d, w);
            break;
        }
    }
    return fd == d->taken ? 0 : close(fd);
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    struct dial *d = arg;

    struct dial_plan *plan = d->plan;

    (void)easy;
    d->tls = true;
    if (plan->verify && !plan->store)
        plan->store = tls_store_get(plan->ca_file, d->no_store, sizeof(d->no_store));
    if (plan->verify && !plan->store)
        return CURLE_SSL_CACERT_BADFILE;
    tls_prepare(ssl_ctx, plan->store);
    return CURLE_OK;
}

/* What a proxy says besides opening the tunnel is not for us. */
static size_t discard(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static void configure_tls(struct dial *d)
{
    CURL *e = d->easy;
    long verify = d->plan->verify;

    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYPEER, verify);
    curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYHOST, verify ? 2L : 0L);
    /* Our store instead of reading the bundle for each connection. */
    curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, d);
}

static void configure(struct dial *d)
{
    CURL *e = d->easy;

    curl_easy_setopt(e, CURLOPT_URL, d->plan->url);
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* Giving up must not wait for a resolver thread that waits for a name server. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, d->plan->timeout_ms);
    curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Our bytes must reach the origin as they are, even if it speaks plaintext. */
    curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L);
    if (d->plan->proxy)
        curl_easy_setopt(e, CURLOPT_PROXY, d->plan->proxy);
    curl_easy_setopt(e, CURLOPT_SHARE, d->plan->share);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, d->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, discard);
    /* Of a buffer that a TLS connection keeps for life, and that nothing is ever read into. */
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 1024L);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, d);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, d);
    configure_tls(d);
}

struct dial *dial_new(struct loop *loop, struct dial_plan *plan,
                      void (*done)(void *arg, enum up_end end, const char *message), void *arg)
{
    struct dial *d = g_new0(struct dial, 1);

    d->loop = loop;
    d->plan = plan;
    d->done = done;
    d->arg = arg;
    d->taken = CURL_SOCKET_BAD;
    d->multi = curl_multi_init();
    d->easy = curl_easy_init();
    if (!d->multi || !d->easy) {
        dial_free(d);
        return NULL;
    }
    configure(d);
    if (curl_multi_add_handle(d->multi, d->easy) != CURLM_OK) {
        dial_free(d);
        return NULL;
    }
    set_timer(d, 0);
    return d;
}

void dial_free(struct dial *d)
{
    if (!d)
        return;
    if (d->multi && d->easy)
        curl_multi_remove_handle(d->multi, d->easy);
    curl_easy_cleanup(d->easy);
    curl_multi_cleanup(d->multi);
    loop_timer_clear(d->loop, &d->timer);
    unwatch_all(d);
    g_free(d);
}

int dial_socket(struct dial *d)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    curl_easy_getinfo(d->easy, CURLINFO_ACTIVESOCKET, &fd);
    return fd;
}

bool dial_take_socket(struct dial *d)
{
    if (d->tls)
        return false;
    d->taken = dial_socket(d);
    return true;
}

static ssize_t progress(struct dial *d, CURLcode code, size_t n)
{
    if (code == CURLE_OK)
        return (ssize_t)n;
    if (code == CURLE_AGAIN)
        return DIAL_AGAIN;
    if (!*d->error)
        g_strlcpy(d->error, curl_easy_strerror(code), sizeof(d->error));
    return DIAL_FAILED;
}

ssize_t dial_send(struct dial *d, const void *bytes, size_t len)
{
    size_t n = 0;

    d->error[0] = '\0';
    CURLcode code = curl_easy_send(d->easy, bytes, len, &n);
    return progress(d, code, n);
}

/* libcurl forgives a peer that ends without TLS's own goodbye. But whoever can cut a connection can
 * do that, and where a body ends only with its connection, the two must be told apart. */
static bool orderly_end(struct dial *d)
{
    struct curl_tlssessioninfo *info = NULL;

    curl_easy_getinfo(d->easy, CURLINFO_TLS_SSL_PTR, &info);
    if (info && tls_said_goodbye(info->internals))
        return true;
    g_strlcpy(d->error, "TLS was cut off, not closed", sizeof(d->error));
    return false;
}

ssize_t dial_recv(struct dial *d, void *bytes, size_t room)
{
    size_t n = 0;

    d->error[0] = '\0';
    CURLcode code = curl_easy_recv(d->easy, bytes, room, &n);
    if (code == CURLE_OK && n == 0 && !orderly_end(d))
        return DIAL_FAILED;
    return progress(d, code, n);
}

const char *dial_error(const struct dial *d)
{
    return d->error;
}
