/*
 * image.c - see image.h.
 *
 * Why a copy: the file may change between being checked and being mapped, and the loader, which
 * goes by names and inodes, would silently give back the old code for a path that it knows. A name
 * made of the content cannot lie, and a directory of our own cannot be tampered with.
 */
#include "plugin/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crumb.h"
#include "base/log.h"
#include "plugin/check.h"
#include "plugin/error.h"
#include "plugin/trial.h"

/* sha256 -> struct plugin_image; grows only. */
static GHashTable *images;

/* A private directory in the first place that allows code to be mapped. */
static char *directory_new(GError **error)
{
    const char *places[] = { g_get_tmp_dir(), g_getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/var/tmp" };
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        struct statvfs fs;
        if (!places[i] || statvfs(places[i], &fs) != 0 || (fs.f_flag & (ST_NOEXEC | ST_RDONLY))) {
            continue;
        }
        g_autofree char *path = g_build_filename(places[i], "weir-image-XXXXXX", NULL);
        if (mkdtemp(path)) { /* mode 0700 */
            return g_steal_pointer(&path);
        }
    }
    plugin_refuse(error,
                  "there is no place for the private copy that it is loaded from: %s cannot be "
                  "written or is mounted noexec; set TMPDIR to a directory that may hold programs",
                  places[0]);
    return NULL;
}

static gboolean copy_write(const char *path, const struct plugin_bytes *bytes, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500);
    gsize at = 0;
    while (fd >= 0 && at < bytes->size) {
        ssize_t n = write(fd, bytes->data + at, bytes->size - at);
        if (n < 0 && errno != EINTR) {
            break;
        }
        at += n > 0 ? (gsize)n : 0;
    }
    int saved = errno;
    gboolean ok = fd >= 0 && at == bytes->size;
    if (fd >= 0 && close(fd) != 0 && ok) {
        saved = errno;
        ok = FALSE;
    }
    return ok || plugin_refuse(error,
                               "its private copy %s could not be written (%s): make room, "
                               "or set TMPDIR to another directory",
                               path, g_strerror(saved));
}

/* Maps a file that has passed its trial. */
static struct plugin_image *image_map(const char *copy, const struct plugin_bytes *bytes,
                                      GError **error)
{
    char why[PLUGIN_WHY];
    void *handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        plugin_refuse(error,
                      "it passed its trial but cannot be loaded here (%s): see whether its "
                      "libraries are the same for both",
                      dlerror());
        return NULL;
    }
    const weir_plugin *plugin = plugin_check_symbol(handle, why);
    if (!plugin) {
        plugin_refuse(error, "%s", why);
        return NULL; /* stays mapped, unreachable: nothing is ever unloaded */
    }
    struct plugin_image *image = g_new0(struct plugin_image, 1);
    image->sha256 = g_strdup(bytes->sha256);
    image->size = bytes->size;
    image->plugin = plugin;
    return image;
}

static struct plugin_image *image_new(const struct plugin_bytes *bytes, const char *path,
                                      gint64 trial_timeout_us, GError **error)
{
    g_autofree char *directory = directory_new(error);
    if (!directory) {
        return NULL;
    }
    g_autofree char *copy = g_strdup_printf("%s/%s.so", directory, bytes->sha256);
    struct plugin_image *image = NULL;
    if (copy_write(copy, bytes, error) && plugin_trial(copy, trial_timeout_us, error)) {
        image = image_map(copy, bytes, error);
    }
    /* Debuggers and sanitizers want to find the file again. */
    if (g_getenv("WEIR_KEEP_IMAGES")) {
        log_write(LOG_LEVEL_INFO, "plugin", "%s: its image is kept in %s", path, copy);
    } else {
        unlink(copy);
        rmdir(directory);
    }
    return image;
}

struct plugin_image *plugin_image_get(const struct plugin_bytes *bytes, const char *path,
                                      const char *id, gint64 trial_timeout_us, GError **error)
{
    if (!images) {
        images = g_hash_table_new(g_str_hash, g_str_equal);
    }
    struct plugin_image *image = g_hash_table_lookup(images, bytes->sha256);
    if (!image) {
        image = image_new(bytes, path, trial_timeout_us, error);
        if (!image) {
            return NULL;
        }
        image->crumb = crumb_image(path, image->sha256, id);
        g_hash_table_insert(images, image->sha256, image);
    }
    if (image->failure) {
        plugin_refuse(error, "%s", image->failure);
        return NULL;
    }
    return image;
}
