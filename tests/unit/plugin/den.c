/*
 * den.c - see den.h.
 */
#include "den.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *zoo(void)
{
    const char *path = g_getenv("WEIR_TEST_PLUGINS");
    g_assert_nonnull(path);
    return path;
}

/* All under one root in /tmp, because a build directory may well be writable by everybody. */
void den_setup(struct den *d, gconstpointer unused)
{
    (void)unused;
    umask(022);
    d->root = g_strdup("/tmp/weir-den-XXXXXX");
    g_assert_nonnull(g_mkdtemp(d->root));
    d->plugins = g_build_filename(d->root, "plugins", NULL);
    g_autofree char *libexec = g_build_filename(d->root, "libexec", NULL);
    g_assert_cmpint(g_mkdir(d->plugins, 0755), ==, 0);
    g_assert_cmpint(g_mkdir(libexec, 0755), ==, 0);

    g_autofree char *program = g_build_filename(zoo(), "weir-try", NULL);
    g_autofree char *link = g_build_filename(libexec, "weir-supervisor", NULL);
    g_assert_cmpint(symlink(program, link), ==, 0);
    g_setenv("WEIR_LIBEXEC", libexec, TRUE);
}

void den_remove(const char *path)
{
    if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK) && g_file_test(path, G_FILE_TEST_IS_DIR)) {
        GDir *dir = g_dir_open(path, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
            g_autofree char *child = g_build_filename(path, name, NULL);
            den_remove(child);
        }
        if (dir) {
            g_dir_close(dir);
        }
    }
    g_remove(path);
}

void den_teardown(struct den *d, gconstpointer unused)
{
    (void)unused;
    den_remove(d->root);
    g_free(d->root);
    g_free(d->plugins);
}

char *den_copy_to(const char *directory, const char *name, const char *as)
{
    g_autofree char *from = g_strdup_printf("%s/%s.so", zoo(), name);
    g_autofree char *to = g_strdup_printf("%s/%s.so", directory, as);
    g_autofree char *next = g_strconcat(to, ".next", NULL);
    g_autofree char *data = NULL;
    gsize size;
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_get_contents(from, &data, &size, &error));
    g_assert_true(g_file_set_contents(next, data, (gssize)size, &error));
    g_assert_cmpint(g_chmod(next, 0644), ==, 0);
    g_assert_cmpint(g_rename(next, to), ==, 0);
    return g_steal_pointer(&to);
}

char *den_copy(const struct den *d, const char *name, const char *as)
{
    return den_copy_to(d->plugins, name, as);
}

struct plugin_registry *den_scan(const struct den *d, struct plugin_registry *previous)
{
    const char *const directories[] = { d->plugins, NULL };
    struct plugin_search search = { .directories = directories,
                                    .trial_timeout_us = 60 * G_USEC_PER_SEC };
    return plugin_scan(&search, previous);
}

const struct plugin_file *den_file(const struct plugin_registry *r, const char *as)
{
    g_autofree char *end = g_strdup_printf("/%s.so", as);
    for (guint i = 0; i < r->files->len; i++) {
        const struct plugin_file *file = r->files->pdata[i];
        if (g_str_has_suffix(file->path, end)) {
            return file;
        }
    }
    g_error("no record of %s", as);
}

struct wanted {
    const char *plugin;
    const char *name;
    guint64 value;
};

static void take(void *ctx, const char *name, const char *help, const char *plugin,
                 const char *instance, uint64_t value)
{
    struct wanted *w = ctx;
    (void)help;
    (void)instance;
    if (g_str_equal(plugin, w->plugin) && g_str_equal(name, w->name)) {
        w->value += value;
    }
}

guint64 den_counter(const char *plugin, const char *name)
{
    struct wanted w = { plugin, name, 0 };
    plugin_metrics_each(take, &w);
    return w.value;
}

static int stderr_before = -1;

void den_listen(const struct den *d)
{
    g_autofree char *path = g_build_filename(d->root, "stderr", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    g_assert_cmpint(fd, >=, 0);
    stderr_before = fcntl(2, F_DUPFD_CLOEXEC, 10);
    g_assert_cmpint(dup2(fd, 2), ==, 2);
    close(fd);
}

char *den_heard(const struct den *d)
{
    g_autofree char *path = g_build_filename(d->root, "stderr", NULL);
    char *text = NULL;
    g_assert_cmpint(dup2(stderr_before, 2), ==, 2);
    close(stderr_before);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}
