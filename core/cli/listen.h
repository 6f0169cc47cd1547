/*
 * listen.h - the listening sockets: bound once by `weir serve`, kept by the supervisor.
 */
#pragma once

#include <glib.h>

/*
 * Binds every address once per worker (SO_REUSEPORT: the kernel spreads the connections). Appends
 * the descriptors to `sockets`, and to `urls` what each address turned out to be. The order is
 * address by address, so that socket i belongs to worker i % workers.
 */
gboolean listen_bind(const GPtrArray *addresses, guint workers, GArray *sockets, GPtrArray *urls,
                     GError **error);

/* Where a bound socket listens, as a configuration writes it. Free with g_free(). */
char *listen_address(int fd);

/* The descriptors named by WEIR_LISTEN_FDS. */
GArray *listen_inherited(void);
