/*
 * tls.h - the certificates that upstream servers are checked against, loaded once per process.
 *
 * libcurl by itself reads the whole bundle for every connection, which costs more than all the
 * rest of a connection together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct x509_store_st tls_store;

/*
 * [safe] The certificates in `ca_file` (PEM), or the system's when it is NULL. Every later call
 * gets the same store until the file changes. The caller owns one reference and gives it back with
 * tls_store_unref(). NULL: nothing could be loaded, and `why` tells a person what and where.
 */
tls_store *tls_store_get(const char *ca_file, char *why, size_t why_size);

/* [safe] Takes NULL. */
void tls_store_unref(tls_store *store);

/* Prepares an SSL_CTX for our use: certificates from `store` (NULL: none are checked), and writes
 * that may be cut anywhere and continued from another address. */
void tls_prepare(void *ssl_ctx, tls_store *store);

/* Whether the peer of this SSL has said that it will send no more. */
bool tls_said_goodbye(void *ssl);
