/*
 * registry.c - see registry.h. One scan: every file in turn is read, judged from outside, and only
 * then loaded.
 */
#include "plugin/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plugin/error.h"
#include "plugin/load.h"
#include "plugin/note.h"
#include "plugin/record.h"
#include "plugin/standin.h"
#include "plugin/trust.h"

#ifndef WEIR_PLUGINDIR
#define WEIR_PLUGINDIR "/usr/local/lib/weir/plugins"
#endif

/* Scans take turns: images, and what was logged, are one per process. */
static GMutex scanning;

const char *plugin_face_name(enum plugin_face face)
{
    static const char *const names[PLUGIN_FACES] = { "provider", "dialect", "strategy", "filter" };
    return names[face];
}

/* -- One file ---------------------------------------------------------------------------------- */

struct scan {
    const struct plugin_search *search;
    struct plugin_registry *registry;
    GHashTable *by_id;       /* id -> struct plugin_file that is loaded */
    GHashTable *directories; /* real paths that were looked through */
};

static gboolean quarantine_check(const struct scan *s, const struct plugin_file *file,
                                 GError **error)
{
    if (s->search->quarantined && g_strv_contains(s->search->quarantined, file->sha256)) {
        g_set_error(error, PLUGIN_ERROR, PLUGIN_QUARANTINED,
                    "it crashed the gateway too often (sha256 %s): put another version in its "
                    "place",
                    file->sha256);
        return FALSE;
    }
    return TRUE;
}

static gboolean duplicate_check(const struct scan *s, const struct plugin_note *note,
                                GError **error)
{
    const struct plugin_file *other = g_hash_table_lookup(s->by_id, note->id);
    if (other) {
        g_set_error(error, PLUGIN_ERROR, PLUGIN_SHADOWED,
                    "its id is \"%s\", and so is that of %s, which comes first in the search path: "
                    "remove one of the two",
                    note->id, other->path);
        return FALSE;
    }
    for (guint i = 0; i < note->parts->len; i++) {
        const struct plugin_note_part *part =
            &g_array_index(note->parts, struct plugin_note_part, i);
        for (int f = 0; f < PLUGIN_FACES; f++) {
            const struct plugin_part *taken =
                g_str_equal(part->kind, plugin_face_name((enum plugin_face)f))
                    ? plugin_find(s->registry, (enum plugin_face)f, part->name)
                    : NULL;
            if (taken) {
                return plugin_refuse(error,
                                     "it offers the %s \"%s\", and so does %s (%s), which comes "
                                     "first: remove one of the two",
                                     part->kind, part->name, taken->file->path, taken->file->id);
            }
        }
    }
    return TRUE;
}

static void parts_register(struct scan *s, const struct plugin_file *file)
{
    g_hash_table_insert(s->by_id, file->id, (gpointer)file);
    for (guint i = 0; i < file->parts->len; i++) {
        struct plugin_part *part = file->parts->pdata[i];
        g_hash_table_insert(s->registry->by_name[part->face], (gpointer)part->name, part);
    }
}

/* `distrust`: what speaks against the directory; NULL if nothing. */
static void file_scan(struct scan *s, const char *path, const GError *distrust)
{
    g_auto(plugin_bytes) bytes = { 0 };
    g_auto(plugin_note) note = { 0 };
    g_autoptr(GError) untrusted = distrust ? g_error_copy(distrust) : NULL;
    g_autoptr(GError) error = NULL;
    struct plugin_file *file = plugin_record_new(path);
    g_ptr_array_add(s->registry->files, file);

    gboolean known = plugin_record_read(file, &bytes, &note, untrusted ? NULL : &untrusted, &error);
    if (untrusted) {
        g_clear_error(&error);
        error = g_steal_pointer(&untrusted);
    }
    /* A file that is not the pinned one is not even asked what it says. */
    GError *unpinned = NULL;
    if (bytes.data && (!error || error->code == PLUGIN_REFUSED) &&
        !plugin_trust_pin(&bytes, path, s->search->pins, &unpinned)) {
        g_clear_error(&error);
        error = unpinned;
    }
    if (known && !error && quarantine_check(s, file, &error) && duplicate_check(s, &note, &error) &&
        plugin_load(file, &note, &bytes, s->search->trial_timeout_us, &error)) {
        file->state = PLUGIN_LOADED;
        parts_register(s, file);
        log_write(LOG_LEVEL_DEBUG, "plugin", "%s: loaded %s %s", path, file->id, file->version);
        return;
    }
    plugin_record_fail(file, error);
    if (file->state == PLUGIN_QUARANTINED) {
        plugin_standins(file);
    }
}

/* Last of all: whatever is loaded comes before a stand-in of the same name. */
static void standins_register(struct plugin_registry *r)
{
    for (guint i = 0; i < r->files->len; i++) {
        const struct plugin_file *file = r->files->pdata[i];
        for (guint k = 0; file->state == PLUGIN_QUARANTINED && k < file->parts->len; k++) {
            struct plugin_part *part = file->parts->pdata[k];
            if (!plugin_find(r, part->face, part->name)) {
                g_hash_table_insert(r->by_name[part->face], (gpointer)part->name, part);
            }
        }
    }
}

/* -- The search path --------------------------------------------------------------------------- */

static gint by_string(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A directory that cannot be searched stands in the list like a file that cannot be loaded. */
static void directory_fail(struct scan *s, const char *path, enum plugin_state state,
                           const char *reason)
{
    g_autoptr(GError) error = g_error_new_literal(PLUGIN_ERROR, state, reason);
    struct plugin_file *file = plugin_record_new(path);
    g_ptr_array_add(s->registry->files, file);
    plugin_record_fail(file, error);
}

/* Whether the directory is new to this scan; two names of one are searched once. */
static gboolean directory_first(struct scan *s, const char *path)
{
    char *real = realpath(path, NULL);
    char *name = g_strdup(real ? real : path);
    free(real);
    return g_hash_table_add(s->directories, name);
}

static GPtrArray *directory_list(struct scan *s, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(path, 0, &error);
    if (!dir) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            directory_fail(s, path, PLUGIN_REFUSED, error->message);
        } else if (!g_str_equal(path, WEIR_PLUGINDIR)) {
            directory_fail(s, path, PLUGIN_REFUSED,
                           "there is no such directory: create it, or take it out of the search "
                           "path");
        }
        return NULL;
    }
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".so")) {
            g_ptr_array_add(names, g_strdup(name));
        }
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, by_string); /* so that who comes first is no accident */
    return g_steal_pointer(&names);
}

static void directory_scan(struct scan *s, const char *path)
{
    if (!g_path_is_absolute(path)) {
        directory_fail(s, path, PLUGIN_UNTRUSTED,
                       "it is a relative directory, so what it means depends on where the gateway "
                       "is started: write the absolute path");
        return;
    }
    g_autoptr(GPtrArray) names = directory_first(s, path) ? directory_list(s, path) : NULL;
    g_autoptr(GError) distrust = NULL;
    if (names) {
        (void)!plugin_trust_directory(path, &distrust);
    }
    for (guint i = 0; names && i < names->len; i++) {
        g_autofree char *file = g_build_filename(path, names->pdata[i], NULL);
        file_scan(s, file, distrust);
    }
}

char **plugin_search_path(const char *const *configured)
{
    GPtrArray *path = g_ptr_array_new();
    const char *set = g_getenv("WEIR_PLUGIN_PATH");
    g_auto(GStrv) parts = set && *set ? g_strsplit(set, ":", -1) : NULL;
    const char *const *from = parts ? (const char *const *)parts : configured;
    for (gsize i = 0; from && from[i]; i++) {
        if (*from[i]) {
            g_ptr_array_add(path, g_strdup(from[i]));
        }
    }
    g_ptr_array_add(path, g_strdup(WEIR_PLUGINDIR));
    g_ptr_array_add(path, NULL);
    return (char **)g_ptr_array_free(path, FALSE);
}

/* -- The registry ------------------------------------------------------------------------------ */

static gboolean is_loaded(const struct plugin_registry *r, const char *sha256)
{
    for (guint i = 0; i < r->files->len; i++) {
        const struct plugin_file *file = r->files->pdata[i];
        if (file->state == PLUGIN_LOADED && g_str_equal(file->sha256, sha256)) {
            return TRUE;
        }
    }
    return FALSE;
}

static void retire(struct plugin_registry *r, const struct plugin_file *old, gboolean newly)
{
    if (old->state != PLUGIN_LOADED || is_loaded(r, old->sha256)) {
        return;
    }
    g_ptr_array_add(r->retired, plugin_record_retired(old));
    if (newly) {
        log_write(LOG_LEVEL_INFO, "plugin",
                  "%s: %s %s is retired; its code (%" G_GSIZE_FORMAT " bytes) stays in memory "
                  "until a restart",
                  old->path, old->id, old->version, old->size);
    }
}

static void retired_inherit(struct plugin_registry *r, const struct plugin_registry *previous)
{
    for (guint i = 0; previous && i < previous->retired->len; i++) {
        retire(r, previous->retired->pdata[i], FALSE);
    }
    for (guint i = 0; previous && i < previous->files->len; i++) {
        retire(r, previous->files->pdata[i], TRUE);
    }
}

struct plugin_registry *plugin_scan(const struct plugin_search *search,
                                    struct plugin_registry *previous)
{
    struct plugin_registry *r = g_new0(struct plugin_registry, 1);
    r->ref_count = 1;
    r->files = g_ptr_array_new_with_free_func((GDestroyNotify)plugin_file_free);
    r->retired = g_ptr_array_new_with_free_func((GDestroyNotify)plugin_file_free);
    for (int f = 0; f < PLUGIN_FACES; f++) {
        r->by_name[f] = g_hash_table_new(g_str_hash, g_str_equal);
    }

    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&scanning);
    g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) directories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct scan s = { search, r, by_id, directories };
    for (gsize i = 0; search->directories && search->directories[i]; i++) {
        directory_scan(&s, search->directories[i]);
    }
    standins_register(r);
    retired_inherit(r, previous);
    return r;
}

struct plugin_registry *plugin_registry_ref(struct plugin_registry *r)
{
    g_atomic_int_inc(&r->ref_count);
    return r;
}

void plugin_registry_unref(struct plugin_registry *r)
{
    if (!r || !g_atomic_int_dec_and_test(&r->ref_count)) {
        return;
    }
    for (int f = 0; f < PLUGIN_FACES; f++) {
        g_hash_table_unref(r->by_name[f]);
    }
    g_ptr_array_unref(r->files);
    g_ptr_array_unref(r->retired);
    g_free(r);
}

static gboolean same_but_dashes(const char *a, const char *b)
{
    for (; *a && (*a == '_' ? '-' : *a) == (*b == '_' ? '-' : *b); a++, b++)
        ;
    return *a == *b;
}

const struct plugin_part *plugin_find(const struct plugin_registry *r, enum plugin_face face,
                                      const char *name)
{
    const struct plugin_part *part = g_hash_table_lookup(r->by_name[face], name);
    GHashTableIter each;
    gpointer other;

    if (part || face != PLUGIN_STRATEGY || !strpbrk(name, "-_"))
        return part;
    g_hash_table_iter_init(&each, r->by_name[face]);
    while (g_hash_table_iter_next(&each, &other, (gpointer *)&part))
        if (same_but_dashes(other, name))
            return part;
    return NULL;
}

static gint by_part_name(gconstpointer a, gconstpointer b)
{
    const struct plugin_part *pa = *(struct plugin_part *const *)a;
    const struct plugin_part *pb = *(struct plugin_part *const *)b;
    return strcmp(pa->name, pb->name);
}

GPtrArray *plugin_parts(const struct plugin_registry *r, enum plugin_face face)
{
    GPtrArray *parts = g_ptr_array_new();
    GHashTableIter iter;
    gpointer part;
    g_hash_table_iter_init(&iter, r->by_name[face]);
    while (g_hash_table_iter_next(&iter, NULL, &part)) {
        g_ptr_array_add(parts, part);
    }
    g_ptr_array_sort(parts, by_part_name);
    return parts;
}
