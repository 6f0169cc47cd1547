/*
 * files.c - the files of a configuration: one, and conf.d beside it, merged key by key.
 */
#include "config/load.h"

#include <string.h>

/* A map that holds the entries of both. What both set, unless it is a map in both, is a fault.
 * Nodes may be shared by aliases, so a new map is made. */
static struct ynode *merge_maps(struct load *l, struct ynode *a, struct ynode *b)
{
    struct ynode *map = ynode_new(l->tree, YNODE_MAP, &a->at);
    for (guint i = 0; i < ynode_count(a); i++) {
        struct ynode *key = ynode_key_at(a, i), *value = ynode_at(a, i);
        struct ynode *other = ynode_get(b, key->raw);
        if (other && ynode_is_null(value))
            value = other;
        else if (other && value->kind == YNODE_MAP && other->kind == YNODE_MAP)
            value = merge_maps(l, value, other);
        else if (other && !ynode_is_null(other)) {
            const struct ynode *again = ynode_key(b, key->raw);
            g_autofree char *first = place_text(&key->at);
            fault_at(&l->faults, &again->at, "'%s' is set here and in %s; remove one", key->raw,
                     first);
        }
        ynode_add(map, key, value);
    }
    for (guint i = 0; i < ynode_count(b); i++)
        ynode_add(map, ynode_key_at(b, i), ynode_at(b, i));
    return map;
}

/* A snapshot is a run of: path, newline, length, newline, that many bytes. A tab before the path:
 * it is no file of the configuration, but one that is named there. */
static void keep(struct load *l, const char *mark, const char *path, const char *text, gsize len)
{
    g_string_append_printf(l->config->snapshot, "%s%s\n%" G_GSIZE_FORMAT "\n", mark, path, len);
    g_string_append_len(l->config->snapshot, text, (gssize)len);
}

static struct ynode *parse(struct load *l, const char *path, const char *text, gsize len)
{
    g_ptr_array_add(l->config->files, g_strdup(path));
    keep(l, "", path, text, len);
    return ytree_parse(l->tree, path, text, len, &l->faults);
}

static struct ynode *read_one(struct load *l, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    gsize len;

    if (!g_file_get_contents(path, &text, &len, &why)) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_IO, "%s: %s", path, why->message);
        return NULL;
    }
    return parse(l, path, text, len);
}

gboolean files_kept(struct load *l, const char *path, char **text, gsize *len, GError **error)
{
    GBytes *kept = l->kept ? g_hash_table_lookup(l->kept, path) : NULL;

    if (kept) {
        const char *bytes = g_bytes_get_data(kept, len);

        *text = g_strndup(bytes ? bytes : "", *len);
    } else if (!g_file_get_contents(path, text, len, error)) {
        return FALSE;
    }
    keep(l, "\t", path, *text, *len);
    return TRUE;
}

static void take_kept(struct load *l, const char *path, const char *text, gsize len)
{
    if (!l->kept)
        l->kept =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    g_hash_table_replace(l->kept, g_strdup(path), g_bytes_new(text, len));
}

static struct ynode *read_snapshot(struct load *l, const struct config_source *source,
                                   GError **error)
{
    const char *p = source->snapshot, *end = p + source->snapshot_len;
    struct ynode *root = NULL;

    while (p < end) {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        const char *body = line ? memchr(line + 1, '\n', (size_t)(end - line - 1)) : NULL;
        gsize len = body ? g_ascii_strtoull(line + 1, NULL, 10) : 0;

        if (!body || len > (gsize)(end - body - 1)) {
            g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_IO, "the kept configuration is damaged");
            return NULL;
        }
        g_autofree char *path = g_strndup(p, (gsize)(line - p));
        p = body + 1 + len;
        if (*path == '\t') {
            take_kept(l, path + 1, body + 1, len);
            continue;
        }
        struct ynode *next = parse(l, path, body + 1, len);
        root = root && next ? merge_maps(l, root, next) : root ? root : next;
    }
    return faults_count(&l->faults) ? NULL : root;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The *.yaml files in conf.d beside `path`, sorted. */
static GPtrArray *conf_d(const char *path)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *dir =
        strchr(path, '/') ? g_build_filename(folder, "conf.d", NULL) : g_strdup("conf.d");
    g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name(entries)))
        if (g_str_has_suffix(name, ".yaml") && *name != '.')
            g_ptr_array_add(found, g_build_filename(dir, name, NULL));
    g_ptr_array_sort(found, by_name);
    return found;
}

struct ynode *files_read(struct load *l, const struct config_source *source, GError **error)
{
    if (source->snapshot)
        return read_snapshot(l, source, error);
    if (source->text)
        return ytree_parse(l->tree, source->path ? source->path : "configuration", source->text,
                           strlen(source->text), &l->faults);
    if (!source->path) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_IO, "no configuration file was named");
        return NULL;
    }
    g_autoptr(GPtrArray) more = conf_d(source->path);
    struct ynode *root = read_one(l, source->path, error);
    gboolean readable = root || faults_count(&l->faults);
    for (guint i = 0; readable && i < more->len; i++) {
        guint before = faults_count(&l->faults);
        struct ynode *next = read_one(l, g_ptr_array_index(more, i), error);
        readable = next || faults_count(&l->faults) > before;
        if (root && next)
            root = merge_maps(l, root, next);
    }
    if (!readable) {
        /* A file that cannot be read is the whole message. */
        faults_clear(&l->faults);
        faults_init(&l->faults);
    }
    return readable && !faults_count(&l->faults) ? root : NULL;
}
