/*
 * trust.c - see trust.h.
 *
 * Whoever can write the file, or put another one in its place, decides what runs inside the
 * gateway. So both are asked: the file, and the directories it lies in.
 */
#include "plugin/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"

enum { FILE_SIZE_MAX = 256 * 1024 * 1024 };

static gboolean untrusted(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean untrusted(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (error && !*error) {
        *error = g_error_new_valist(PLUGIN_ERROR, PLUGIN_UNTRUSTED, format, args);
    }
    va_end(args);
    return FALSE;
}

/* The object behind a descriptor: nobody but root and us may have made or changed it. */
static gboolean owner_check(const struct stat *st, const char *what, const char *path,
                            GError **error)
{
    if (st->st_mode & S_IWOTH) {
        return untrusted(error,
                         "the %s %s is writable by everybody (mode %04o), so anybody could run "
                         "code in the gateway: chmod o-w %s",
                         what, path, st->st_mode & 07777, path);
    }
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        return untrusted(error,
                         "the %s %s belongs to user %u, only root and the user of the gateway (%u) "
                         "are trusted: chown %u %s",
                         what, path, st->st_uid, geteuid(), geteuid(), path);
    }
    return TRUE;
}

/* Further up a sticky directory such as /tmp is as good as any: nobody can rename what is ours. */
static gboolean ancestors_check(const char *directory, GError **error)
{
    g_autofree char *at = g_path_get_dirname(directory);
    for (;;) {
        struct stat st;
        if (stat(at, &st) == 0 && (st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) {
            return untrusted(error,
                             "the directory %s above it is writable by everybody (mode %04o), so "
                             "anybody could put another in its place: chmod o-w %s",
                             at, st.st_mode & 07777, at);
        }
        if (g_str_equal(at, "/")) {
            return TRUE;
        }
        char *up = g_path_get_dirname(at);
        g_free(at);
        at = up;
    }
}

gboolean plugin_trust_directory(const char *path, GError **error)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &st) != 0) {
        free(real);
        return TRUE; /* nothing there, nothing to run */
    }
    gboolean ok = owner_check(&st, "directory", real, error) && ancestors_check(real, error);
    free(real);
    return ok;
}

/* Opens the file within its own directory, both free of symbolic links. */
static int open_within(const char *real, GError **distrust)
{
    g_autofree char *directory = g_path_get_dirname(real);
    g_autofree char *name = g_path_get_basename(real);
    int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return -1;
    }
    struct stat st;
    if (fstat(dir, &st) == 0 && owner_check(&st, "directory", directory, distrust)) {
        (void)ancestors_check(directory, distrust);
    }
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int saved = errno;
    close(dir);
    errno = saved;
    return fd;
}

static gboolean read_all(int fd, struct plugin_bytes *bytes)
{
    gsize at = 0;
    while (at < bytes->size) {
        ssize_t n = read(fd, bytes->data + at, bytes->size - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return FALSE;
        }
        if (n == 0) {
            break;
        }
        at += (gsize)n;
    }
    bytes->size = at; /* somebody may be cutting it; then this is what it is */
    return TRUE;
}

static gboolean read_fd(struct plugin_bytes *bytes, int fd, const struct stat *st, GError **error)
{
    if (!S_ISREG(st->st_mode)) {
        return plugin_refuse(error, "it is not a regular file: a plugin is a shared object");
    }
    if (st->st_size <= 0 || st->st_size > FILE_SIZE_MAX) {
        return plugin_refuse(error,
                             "it has %" G_GINT64_FORMAT " bytes, a plugin has 1 to %d: copy "
                             "it again",
                             (gint64)st->st_size, FILE_SIZE_MAX);
    }
    /* A mapping of its own goes back to the system whole as soon as the file is loaded. */
    bytes->size = (gsize)st->st_size;
    void *p = mmap(NULL, bytes->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return plugin_refuse(error, "there is no memory for its %" G_GSIZE_FORMAT " bytes",
                             bytes->size);
    }
    gsize mapped = bytes->size;
    bytes->data = p;
    gboolean complete = read_all(fd, bytes);
    if (!complete || bytes->size != mapped) {
        const char *why = complete ? "it became shorter meanwhile" : g_strerror(errno);
        munmap(p, mapped);
        memset(bytes, 0, sizeof(*bytes));
        return plugin_refuse(error,
                             "it could not be read to its end (%s): copy it again, under "
                             "another name, then rename it",
                             why);
    }
    bytes->sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->size);
    return TRUE;
}

gboolean plugin_trust_read(struct plugin_bytes *bytes, const char *path, GError **distrust,
                           GError **error)
{
    memset(bytes, 0, sizeof(*bytes));
    char *real = realpath(path, NULL);
    int fd = real ? open_within(real, distrust) : -1;
    if (fd < 0) {
        plugin_refuse(error, "it cannot be opened (%s): make it readable for user %u, or remove it",
                      g_strerror(errno), geteuid());
        free(real);
        return FALSE;
    }
    struct stat st;
    gboolean ok = fstat(fd, &st) == 0 && read_fd(bytes, fd, &st, error);
    if (ok) {
        (void)owner_check(&st, "file", real, distrust);
    }
    close(fd);
    free(real);
    return ok;
}

gboolean plugin_trust_pin(const struct plugin_bytes *bytes, const char *path, GHashTable *pins,
                          GError **error)
{
    g_autofree char *name = g_path_get_basename(path);
    const char *pin = pins ? g_hash_table_lookup(pins, name) : NULL;
    if (pin && g_ascii_strcasecmp(pin, bytes->sha256) != 0) {
        return untrusted(error,
                         "its sha256 is %s, the configuration pins %s: put the pinned file back, "
                         "or change the pin if the new file is wanted",
                         bytes->sha256, pin);
    }
    return TRUE;
}

void plugin_bytes_clear(struct plugin_bytes *bytes)
{
    if (bytes->data) {
        munmap(bytes->data, bytes->size);
    }
    g_free(bytes->sha256);
    memset(bytes, 0, sizeof(*bytes));
}
