/*
 * watch.c - see watch.h. Directories are watched, not files: editors replace a file by another.
 */
#include "cli/watch.h"
#include "base/log.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    QUIET_MS = 300, /* a copy or a build writes many times */
    EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR,
};

/* A directory that is watched. */
struct place {
    char *path;
    const char *suffix; /* of files that count */
};

struct watch {
    int fd;
    guint source, timer;
    GHashTable *watched; /* watch descriptor -> struct place */
    void (*changed)(void *ctx);
    void *ctx;
};

static gboolean on_quiet(gpointer data)
{
    struct watch *w = data;

    w->timer = 0;
    w->changed(w->ctx);
    return G_SOURCE_REMOVE;
}

static void place_free(gpointer data)
{
    struct place *p = data;

    g_free(p->path);
    g_free(p);
}

static void watch_directory(struct watch *w, const char *path, const char *suffix)
{
    int wd = inotify_add_watch(w->fd, path, EVENTS);
    struct place *p;

    if (wd < 0)
        return;
    p = g_new0(struct place, 1);
    p->path = g_strdup(path);
    p->suffix = suffix;
    g_hash_table_insert(w->watched, GINT_TO_POINTER(wd), p);
}

/* A conf.d that comes is watched from now on, and may hold something already. */
static gboolean folder_counts(struct watch *w, const struct place *p,
                              const struct inotify_event *event)
{
    g_autofree char *path = NULL;

    if (!g_str_equal(p->suffix, ".yaml") || !g_str_equal(event->name, "conf.d"))
        return FALSE;
    path = g_build_filename(p->path, event->name, NULL);
    watch_directory(w, path, ".yaml");
    return TRUE;
}

/* Logs and editors' scratch files in the same directory are nobody's business; of a file that was
 * created, its first writing tells. */
static gboolean counts(struct watch *w, const struct inotify_event *event)
{
    const struct place *p = g_hash_table_lookup(w->watched, GINT_TO_POINTER(event->wd));

    if (!p || !event->len)
        return FALSE;
    if (event->mask & IN_ISDIR)
        return folder_counts(w, p, event);
    if (event->mask & IN_CREATE)
        return FALSE;
    return g_str_has_suffix(event->name, p->suffix) || /* a catalogue may be written either way */
           (g_str_equal(p->suffix, ".yaml") && g_str_has_suffix(event->name, ".json"));
}

static gboolean on_events(gint fd, GIOCondition condition, gpointer data)
{
    struct watch *w = data;
    union {
        struct inotify_event event;
        char bytes[4096];
    } buffer;
    ssize_t n = read(fd, &buffer, sizeof buffer);
    gboolean any = FALSE;

    (void)condition;
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event =
            (const struct inotify_event *)(const void *)(buffer.bytes + at);

        any |= counts(w, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    if (!any)
        return G_SOURCE_CONTINUE;
    if (w->timer)
        g_source_remove(w->timer);
    w->timer = g_timeout_add(QUIET_MS, on_quiet, w);
    return G_SOURCE_CONTINUE;
}

struct watch *watch_new(void (*changed)(void *ctx), void *ctx)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    struct watch *w;

    if (fd < 0) {
        log_write(LOG_LEVEL_WARNING, "config", "changes will not be noticed (%s); send SIGHUP",
                  g_strerror(errno));
        return NULL;
    }
    w = g_new0(struct watch, 1);
    w->fd = fd;
    w->changed = changed;
    w->ctx = ctx;
    w->watched = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, place_free);
    w->source = g_unix_fd_add(fd, G_IO_IN, on_events, w);
    return w;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    g_source_remove(w->source);
    if (w->timer)
        g_source_remove(w->timer);
    g_hash_table_unref(w->watched);
    close(w->fd);
    g_free(w);
}

/* A directory that stays keeps its number: what happened in it meanwhile still counts. */
static void drop_others(struct watch *w, GHashTable *before)
{
    GHashTableIter iter;
    gpointer wd;

    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &wd, NULL)) {
        if (!g_hash_table_contains(w->watched, wd))
            inotify_rm_watch(w->fd, GPOINTER_TO_INT(wd));
    }
    g_hash_table_unref(before);
}

void watch_config(struct watch *w, const struct config *config)
{
    GHashTable *before;

    if (!w)
        return;
    before = w->watched;
    w->watched = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, place_free);
    for (guint i = 0; i < config->files->len; i++) {
        g_autofree char *dir = g_path_get_dirname(g_ptr_array_index(config->files, i));
        g_autofree char *more = g_build_filename(dir, "conf.d", NULL);

        watch_directory(w, dir, ".yaml");
        watch_directory(w, more, ".yaml");
    }
    if (config->catalogue_file) {
        g_autofree char *dir = g_path_get_dirname(config->catalogue_file);

        watch_directory(w, dir, ".yaml");
    }
    for (guint i = 0; i < config->plugin_dirs->len; i++)
        watch_directory(w, g_ptr_array_index(config->plugin_dirs, i), ".so");
    drop_others(w, before);
}
