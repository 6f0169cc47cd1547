/*
 * listen.c - see listen.h.
 */
#include "cli/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static GQuark listen_error(void)
{
    return g_quark_from_static_string("weir-listen");
}

static void fail(GError **error, const char *address, int why)
{
    if (why == EADDRINUSE)
        g_set_error(error, listen_error(), why,
                    "cannot listen on %s: the address is in use. Stop what uses it, or choose "
                    "another with `listen:` or --listen",
                    address);
    else
        g_set_error(error, listen_error(), why, "cannot listen on %s: %s", address,
                    g_strerror(why));
}

static int bind_one(const struct sockaddr *sa, socklen_t len, bool shared)
{
    int one = 1, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (sa->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, sa, len) == 0 && listen(fd, 4096) == 0)
        return fd;
    one = errno;
    close(fd);
    errno = one;
    return -1;
}

static char *describe(int fd, const char *host)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    guint port = 0;

    if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        port = ss.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&ss)->sin6_port)
                                        : ntohs(((struct sockaddr_in *)&ss)->sin_port);
    return g_strdup_printf(strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u", host, port);
}

/* Several sockets on one port: all but the probe share it. With SO_REUSEPORT alone, a second weir
 * would silently take half of the first one's connections. */
static gboolean bind_inet(const char *address, struct addrinfo *ai, const char *host, guint workers,
                          GArray *sockets, GPtrArray *urls, GError **error)
{
    struct sockaddr_storage ss;
    socklen_t len = ai->ai_addrlen;
    int probe = bind_one(ai->ai_addr, len, false);

    memcpy(&ss, ai->ai_addr, len);
    if (probe >= 0)
        getsockname(probe, (struct sockaddr *)&ss, &len);
    if (probe < 0) {
        fail(error, address, errno);
        return FALSE;
    }
    close(probe);
    for (guint i = 0; i < workers; i++) {
        int fd = bind_one((struct sockaddr *)&ss, len, true);

        if (fd < 0) {
            fail(error, address, errno);
            return FALSE;
        }
        g_array_append_val(sockets, fd);
        if (i == 0)
            g_ptr_array_add(urls, describe(fd, host));
    }
    return TRUE;
}

static gboolean bind_unix(const char *address, guint workers, GArray *sockets, GPtrArray *urls,
                          GError **error)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    const char *path = address + strlen("unix:");
    int fd;

    if (g_strlcpy(sun.sun_path, path, sizeof sun.sun_path) >= sizeof sun.sun_path) {
        fail(error, address, ENAMETOOLONG);
        return FALSE;
    }
    fd = bind_one((struct sockaddr *)&sun, sizeof sun, false);
    if (fd < 0 && errno == EADDRINUSE) { /* nobody there? then it was left behind */
        int s = socket(AF_UNIX, SOCK_STREAM, 0);

        if (connect(s, (struct sockaddr *)&sun, sizeof sun) < 0 && errno == ECONNREFUSED) {
            unlink(path);
            fd = bind_one((struct sockaddr *)&sun, sizeof sun, false);
        } else {
            errno = EADDRINUSE;
        }
        close(s);
    }
    if (fd < 0) {
        fail(error, address, errno);
        return FALSE;
    }
    g_array_append_val(sockets, fd);
    for (guint i = 1; i < workers; i++) { /* one socket; every worker accepts from it */
        int copy = dup(fd);

        g_array_append_val(sockets, copy);
    }
    g_ptr_array_add(urls, g_strdup(address));
    return TRUE;
}

static gboolean bind_address(const char *address, guint workers, GArray *sockets, GPtrArray *urls,
                             GError **error)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *ai = NULL;
    const char *colon = strrchr(address, ':');
    g_autofree char *host = NULL;
    gboolean ok;
    int rc;

    if (g_str_has_prefix(address, "unix:"))
        return bind_unix(address, workers, sockets, urls, error);
    host = colon ? g_strndup(address, (gsize)(colon - address)) : g_strdup(address);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    rc = getaddrinfo(*host ? host : NULL, colon ? colon + 1 : "8080", &hints, &ai);
    if (rc != 0) {
        g_set_error(error, listen_error(), EINVAL, "cannot listen on %s: %s", address,
                    gai_strerror(rc));
        return FALSE;
    }
    ok = bind_inet(address, ai, *host ? host : "0.0.0.0", workers, sockets, urls, error);
    freeaddrinfo(ai);
    return ok;
}

gboolean listen_bind(const GPtrArray *addresses, guint workers, GArray *sockets, GPtrArray *urls,
                     GError **error)
{
    for (guint i = 0; i < addresses->len; i++) {
        if (!bind_address(g_ptr_array_index(addresses, i), workers, sockets, urls, error))
            return FALSE;
    }
    return TRUE;
}

char *listen_address(int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN] = "?";

    if (getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.ss_family == AF_UNIX)
        return g_strconcat("unix:", ((struct sockaddr_un *)&at)->sun_path, NULL);
    if (at.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)&at;

        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
        return g_strdup_printf("[%s]:%u", host, ntohs(in->sin6_port));
    }
    inet_ntop(AF_INET, &((struct sockaddr_in *)&at)->sin_addr, host, sizeof host);
    return g_strdup_printf("%s:%u", host, ntohs(((struct sockaddr_in *)&at)->sin_port));
}

GArray *listen_inherited(void)
{
    GArray *sockets = g_array_new(FALSE, FALSE, sizeof(int));
    const char *list = g_getenv("WEIR_LISTEN_FDS");
    g_auto(GStrv) numbers = g_strsplit(list ? list : "", ",", -1);

    for (char **n = numbers; *n; n++) {
        int fd = atoi(*n);

        if (fd > STDERR_FILENO)
            g_array_append_val(sockets, fd);
    }
    return sockets;
}
