/*
 * upstream_tls.c - the upstream client over TLS: whom it trusts, large bodies, reuse, cuts.
 *
 * The authority and the server's certificate are made here; the server is OpenSSL in a thread and
 * does as the path says.
 */
#include "upstream_fixture.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- certificates ---- */

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    g_assert_nonnull(e);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
}

/* Signed by `issuer`, or by itself. `names`: NULL for an authority. */
static X509 *certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer,
                         const char *names)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    extend(cert, issuer ? issuer : cert, NID_basic_constraints,
           names ? "CA:FALSE" : "critical,CA:TRUE");
    if (names)
        extend(cert, issuer, NID_subject_alt_name, names);
    g_assert_cmpint(X509_sign(cert, signer, EVP_sha256()), >, 0);
    return cert;
}

/* ---- the server ---- */

struct tls_server {
    SSL_CTX *ctx;
    int fd;
    int port;
    GThread *thread;
    gint accepted, resumed;
};

static bool read_all(SSL *ssl, char *bytes, size_t len)
{
    while (len > 0) {
        int n = SSL_read(ssl, bytes, (int)len);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_head(SSL *ssl, GString *head)
{
    char c;

    g_string_truncate(head, 0);
    while (!g_str_has_suffix(head->str, "\r\n\r\n")) {
        if (!read_all(ssl, &c, 1))
            return false;
        g_string_append_c(head, c);
    }
    return true;
}

static void send_big(SSL *ssl, size_t len)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n";
    g_autofree char *bytes = g_malloc(BIG);

    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern_at(i);
    SSL_write(ssl, head, sizeof(head) - 1);
    SSL_write(ssl, bytes, (int)len);
}

/* How many of the bytes that follow the head are as they should be. */
static size_t read_big(SSL *ssl, const char *head)
{
    const char *length = strstr(head, "Content-Length: ");
    size_t len = length ? (size_t)g_ascii_strtoull(length + 16, NULL, 10) : 0;
    g_autofree char *bytes = g_malloc(len + 1);
    size_t good = 0;

    if (!read_all(ssl, bytes, len))
        return 0;
    while (good < len && bytes[good] == pattern_at(good))
        good++;
    return good;
}

/* False: the connection is to end, without TLS's own goodbye. */
static bool answer(SSL *ssl, const char *head)
{
    if (strstr(head, " /big ")) {
        send_big(ssl, BIG);
    } else if (strstr(head, " /cut ")) {
        send_big(ssl, BIG / 2);
        return false;
    } else if (strstr(head, " /cut-to-close ")) {
        static const char part[] = "HTTP/1.1 200 OK\r\n\r\nhello";
        SSL_write(ssl, part, sizeof(part) - 1);
        return false;
    } else if (strstr(head, " /to-close ")) {
        static const char all[] = "HTTP/1.1 200 OK\r\n\r\nhello";
        SSL_write(ssl, all, sizeof(all) - 1);
        SSL_shutdown(ssl);
        return false;
    } else {
        char good[24];
        g_snprintf(good, sizeof(good), "%zu", read_big(ssl, head));
        g_autofree char *all =
            g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(good), good);
        SSL_write(ssl, all, (int)strlen(all));
    }
    return true;
}

static gpointer serve(gpointer arg)
{
    struct tls_server *s = arg;
    GString *head = g_string_new(NULL);
    sigset_t pipe;
    int fd;

    /* Here only: that the client raises none is part of what is tested. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        SSL *ssl = SSL_new(s->ctx);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            g_atomic_int_inc(&s->accepted);
            if (SSL_session_reused(ssl))
                g_atomic_int_inc(&s->resumed);
            while (read_head(ssl, head) && answer(ssl, head->str))
                ;
        }
        SSL_free(ssl);
        close(fd);
    }
    g_string_free(head, TRUE);
    return NULL;
}

static void listen_somewhere(struct tls_server *s)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(listen(s->fd, 16), ==, 0);
    g_assert_cmpint(getsockname(s->fd, (struct sockaddr *)&at, &len), ==, 0);
    s->port = ntohs(at.sin_port);
}

/* ---- the fixture ---- */

struct fix {
    struct loop *loop;
    struct tls_server server;
    char *dir, *ca_file, *url;
    struct up_origin origin;
    struct up_pool *pool;
};

static void write_pem(const char *path, X509 *cert)
{
    FILE *file = fopen(path, "w");

    g_assert_nonnull(file);
    g_assert_cmpint(PEM_write_X509(file, cert), ==, 1);
    fclose(file);
}

/* `arg`: the names in the server's certificate. */
static void make_certificates(struct fix *f, const char *names)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = certificate("Test authority", ca_key, NULL, ca_key, NULL);
    X509 *cert = certificate("server", key, ca, ca_key, names);

    f->dir = g_dir_make_tmp("weir-tls-XXXXXX", NULL);
    g_assert_nonnull(f->dir);
    f->ca_file = g_build_filename(f->dir, "ca.pem", NULL);
    write_pem(f->ca_file, ca);
    f->server.ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(f->server.ctx, cert);
    SSL_CTX_use_PrivateKey(f->server.ctx, key);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

static void setup(struct fix *f, gconstpointer arg)
{
    make_certificates(f, arg ? arg : "IP:127.0.0.1");
    listen_somewhere(&f->server);
    f->server.thread = g_thread_new("tls", serve, &f->server);
    f->loop = loop_new();
    f->url = g_strdup_printf("https://127.0.0.1:%d", f->server.port);
    f->origin = (struct up_origin){ .url = f->url,
                                    .proxy = "",
                                    .ca_file = f->ca_file,
                                    .connect_timeout_us = 10 * G_USEC_PER_SEC,
                                    .max_idle = 4,
                                    .idle_timeout_us = 60 * G_USEC_PER_SEC };
    f->pool = up_pool_new(f->loop, &f->origin);
}

/* For tests whose argument is not for the certificate. */
static void setup_plain(struct fix *f, gconstpointer arg)
{
    (void)arg;
    setup(f, NULL);
}

static void again(struct fix *f)
{
    up_pool_free(f->pool);
    f->pool = up_pool_new(f->loop, &f->origin);
}

static void teardown(struct fix *f, gconstpointer arg)
{
    (void)arg;
    up_pool_free(f->pool);
    shutdown(f->server.fd, SHUT_RDWR);
    g_thread_join(f->server.thread);
    close(f->server.fd);
    SSL_CTX_free(f->server.ctx);
    loop_free(f->loop);
    g_unlink(f->ca_file);
    g_rmdir(f->dir);
    g_free(f->dir);
    g_free(f->ca_file);
    g_free(f->url);
    buf_thread_trim();
}

static void get(struct fix *f, struct client *c, const char *path)
{
    client_init(c, f->pool);
    client_start(c, "GET", path, NULL);
    run_until(f->loop, c->dones);
}

static void assert_message(const struct client *c, const char *part)
{
    if (!strstr(c->report.message, part))
        g_error("the message is: %s", c->report.message);
}

/* ---- tests ---- */

static void test_reuse(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    for (int i = 0; i < 3; i++) {
        get(f, &c, "/");
        g_assert_cmpstr(c.report.message, ==, "");
        g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
        g_assert_cmpstr(c.body->str, ==, "0");
        g_assert_true(c.report.fresh == (i == 0));
        client_clear(&c);
        settle(f->loop);
    }
    g_assert_cmpint(g_atomic_int_get(&f->server.accepted), ==, 1);
}

/* A new connection takes up the session of an earlier one. */
static void test_resumption(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    f->origin.max_idle = 0;
    again(f);
    for (int i = 0; i < 3; i++) {
        get(f, &c, "/");
        g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
        g_assert_true(c.report.fresh);
        client_clear(&c);
    }
    g_assert_cmpint(g_atomic_int_get(&f->server.resumed), >, 0);
}

static void test_untrusted(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    f->origin.ca_file = NULL;
    again(f);
    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_TLS_FAILED);
    assert_message(&c, "the certificate of 127.0.0.1 is not trusted: ");
    g_assert_false(c.report.request_started);
    client_clear(&c);

    f->origin.insecure = true;
    again(f);
    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    client_clear(&c);
}

static void test_wrong_host(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_TLS_FAILED);
    assert_message(&c, "the certificate of 127.0.0.1 is not accepted: ");
    g_assert_false(c.report.request_started);
    client_clear(&c);
}

/* A file that is missing fails the call, names the file, and is looked for again. */
static void test_no_ca_file(struct fix *f, gconstpointer arg)
{
    g_autofree char *path = g_build_filename(f->dir, "later.pem", NULL);
    struct client c;

    (void)arg;
    f->origin.ca_file = path;
    again(f);
    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_TLS_FAILED);
    assert_message(&c, "later.pem");
    client_clear(&c);

    g_assert_cmpint(g_rename(f->ca_file, path), ==, 0);
    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    client_clear(&c);
    g_assert_cmpint(g_rename(path, f->ca_file), ==, 0);
}

static int64_t pause_each(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)bytes;
    if (!end)
        up_pause(&c->call, true);
    return (int64_t)len;
}

/* `arg`: pause at each delivery. Bytes that libcurl holds decrypted do not show on the socket. */
static void test_big_answer(struct fix *f, gconstpointer arg)
{
    struct client c;

    client_init(&c, f->pool);
    c.pattern = true;
    if (strcmp(arg, "pause") == 0)
        c.on_body = pause_each;
    client_start(&c, "GET", "/big", NULL);
    while (!c.dones) {
        int before = c.bodies;
        run_until(f->loop, c.bodies > before || c.dones);
        up_pause(&c.call, false);
    }
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    g_assert_cmpuint(c.count, ==, BIG);
    g_assert_false(c.wrong);
    client_clear(&c);
}

static void test_big_request(struct fix *f, gconstpointer arg)
{
    g_autofree char *body = g_malloc(BIG);
    struct client c;

    (void)arg;
    for (size_t i = 0; i < BIG; i++)
        body[i] = pattern_at(i);
    weir_str spans[] = { { body, 10 }, { body + 10, 50000 }, { body + 50010, BIG - 50010 } };
    client_init(&c, f->pool);
    client_send(&c, &(struct up_request){ .method = str("POST"),
                                          .path = str("/"),
                                          .body = spans,
                                          .body_count = 3,
                                          .body_stream = -1 });
    run_until(f->loop, c.dones);
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    g_assert_cmpstr(c.body->str, ==, "2000000");
    client_clear(&c);
}

static void test_cut(struct fix *f, gconstpointer arg)
{
    struct client c;

    get(f, &c, arg);
    g_assert_cmpint(c.report.end, ==, UP_CUT);
    g_assert_cmpint(c.ends, ==, 0);
    assert_message(&c, "inside its answer");
    client_clear(&c);
}

static void test_to_close(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    get(f, &c, "/to-close");
    g_assert_cmpint(c.report.end, ==, UP_CLOSED);
    g_assert_cmpint(c.ends, ==, 1);
    g_assert_cmpstr(c.body->str, ==, "hello");
    client_clear(&c);
}

static int64_t cancel(struct client *c, const char *bytes, size_t len, bool end)
{
    (void)bytes;
    (void)end;
    up_cancel(&c->call);
    return (int64_t)len;
}

/* While dialling, and inside a body; the server takes the next connection only when it noticed. */
static void test_cancel(struct fix *f, gconstpointer arg)
{
    struct client c;

    (void)arg;
    client_init(&c, f->pool);
    client_start(&c, "GET", "/big", NULL);
    loop_step(f->loop, 0);
    loop_step(f->loop, 0);
    up_cancel(&c.call);
    client_clear(&c);

    client_init(&c, f->pool);
    c.on_body = cancel;
    client_start(&c, "GET", "/big", NULL);
    run_until(f->loop, c.bodies);
    client_clear(&c);

    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_COMPLETE);
    client_clear(&c);
}

/* A server that does not speak TLS. */
static void test_not_tls(struct fix *f, gconstpointer arg)
{
    static const struct step script[] = { { BYTES, NULL, 10 },
                                          { SEND, "HTTP/1.1 400 Bad Request\r\n\r\n" },
                                          { CLOSE } };
    struct server plain;
    struct client c;

    (void)arg;
    server_start(&plain, f->loop);
    plain.scripts[0] = script;
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%d", plain.port);
    f->origin.url = url;
    again(f);
    get(f, &c, "/");
    g_assert_cmpint(c.report.end, ==, UP_TLS_FAILED);
    assert_message(&c, "TLS with 127.0.0.1:");
    client_clear(&c);
    server_stop(&plain);
}

#define ADD(path, fn, arg) g_test_add("/upstream-tls/" path, struct fix, arg, setup, fn, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(up_global_init());
    ADD("reuse", test_reuse, NULL);
    ADD("resumption", test_resumption, NULL);
    ADD("untrusted", test_untrusted, NULL);
    ADD("wrong-host", test_wrong_host, "DNS:example.test,IP:127.0.0.2");
    ADD("no-ca-file", test_no_ca_file, NULL);
    g_test_add("/upstream-tls/big-answer", struct fix, "read", setup_plain, test_big_answer,
               teardown);
    g_test_add("/upstream-tls/big-answer-paused", struct fix, "pause", setup_plain, test_big_answer,
               teardown);
    ADD("big-request", test_big_request, NULL);
    g_test_add("/upstream-tls/cut", struct fix, "/cut", setup_plain, test_cut, teardown);
    g_test_add("/upstream-tls/cut-to-close", struct fix, "/cut-to-close", setup_plain, test_cut,
               teardown);
    ADD("to-close", test_to_close, NULL);
    ADD("cancel", test_cancel, NULL);
    ADD("not-tls", test_not_tls, NULL);
    return g_test_run();
}
