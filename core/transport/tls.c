/*
 * tls.c - the certificates that upstream servers are checked against, loaded once per process.
 */
#include "transport/tls.h"

#include <curl/curl.h>
#include <errno.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>

/* A loaded file; `path` is "" for the system's certificates. The table is never longer than the
 * configuration has certificate files. */
struct entry {
    struct entry *next;
    char *path;
    tls_store *store;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

static GMutex lock;
static struct entry *entries;

/* The file and the directory that libcurl was built to read. Owned by nobody: they are copies. */
static void system_places(char **file, char **directory)
{
    CURL *easy = curl_easy_init();
    char *cainfo = NULL;
    char *capath = NULL;

    if (easy) {
        curl_easy_getinfo(easy, CURLINFO_CAINFO, &cainfo);
        curl_easy_getinfo(easy, CURLINFO_CAPATH, &capath);
    }
    *file = g_strdup(cainfo);
    *directory = g_strdup(capath);
    curl_easy_cleanup(easy);
}

static bool load_system(tls_store *store)
{
    g_autofree char *file = NULL;
    g_autofree char *directory = NULL;

    system_places(&file, &directory);
    if (file && X509_STORE_load_file(store, file) == 1)
        return true;
    if (directory && X509_STORE_load_path(store, directory) == 1)
        return true;
    return X509_STORE_set_default_paths(store) == 1;
}

static tls_store *load(const char *ca_file, char *why, size_t why_size)
{
    tls_store *store = X509_STORE_new();

    ERR_clear_error();
    if (store && (ca_file ? X509_STORE_load_file(store, ca_file) == 1 : load_system(store))) {
        /* A certificate that the file names is trusted, be it a root or not, as libcurl has it. */
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        ERR_clear_error();
        return store;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    g_snprintf(why, why_size, "cannot load certificates from %s: %s",
               ca_file ? ca_file : "the system's certificate store",
               reason ? reason : "none found");
    ERR_clear_error();
    X509_STORE_free(store);
    return NULL;
}

static bool same_file(const struct entry *e, const struct stat *st)
{
    return e->device == st->st_dev && e->inode == st->st_ino && e->size == st->st_size &&
           e->changed.tv_sec == st->st_mtim.tv_sec && e->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static struct entry *find(const char *path)
{
    struct entry *e = entries;

    while (e && strcmp(e->path, path) != 0)
        e = e->next;
    if (e)
        return e;
    e = g_new0(struct entry, 1);
    e->path = g_strdup(path);
    e->next = entries;
    entries = e;
    return e;
}

/* Under the lock. */
static tls_store *cached(const char *ca_file, const struct stat *st, char *why, size_t why_size)
{
    struct entry *e = find(ca_file ? ca_file : "");

    if (!e->store || !same_file(e, st)) {
        tls_store *store = load(ca_file, why, why_size);
        if (!store)
            return NULL;
        X509_STORE_free(e->store);
        e->store = store;
        e->device = st->st_dev;
        e->inode = st->st_ino;
        e->size = st->st_size;
        e->changed = st->st_mtim;
    }
    X509_STORE_up_ref(e->store);
    return e->store;
}

tls_store *tls_store_get(const char *ca_file, char *why, size_t why_size)
{
    struct stat st = { 0 };

    if (ca_file && stat(ca_file, &st) != 0) {
        g_snprintf(why, why_size, "cannot load certificates from %s: %s", ca_file,
                   g_strerror(errno));
        return NULL;
    }
    g_mutex_lock(&lock);
    tls_store *store = cached(ca_file, &st, why, why_size);
    g_mutex_unlock(&lock);
    return store;
}

void tls_store_unref(tls_store *store)
{
    X509_STORE_free(store);
}

void tls_prepare(void *ssl_ctx, tls_store *store)
{
    SSL_CTX *ctx = ssl_ctx;

    if (store)
        SSL_CTX_set1_cert_store(ctx, store);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS); /* a quiet connection keeps no buffers */
}

bool tls_said_goodbye(void *ssl)
{
    return ssl && SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN;
}
