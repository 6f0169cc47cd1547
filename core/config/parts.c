/*
 * parts.c - parts looked up by name, and a helpful answer when they are not there.
 */
#include "config/load.h"

#include <string.h>

char **part_names(const struct load *l, enum plugin_face face, const char *const *more)
{
    g_autoptr(GPtrArray) parts = plugin_parts(l->registry, face);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < parts->len; i++)
        g_ptr_array_add(names,
                        (gpointer)((const struct plugin_part *)g_ptr_array_index(parts, i))->name);
    for (; more && *more; more++)
        g_ptr_array_add(names, (gpointer)*more);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* Whether a file that was found would have offered the part: by its note, or by its name. */
static gboolean would_offer(const struct plugin_file *file, enum plugin_face face, const char *name)
{
    g_autofree char *base = g_path_get_basename(file->path);
    g_autofree char *expected = g_strdup_printf("%s.so", name);
    g_autofree char *line = g_strdup_printf("part\t%s\t%s\n", plugin_face_name(face), name);
    return strcmp(base, expected) == 0 || (file->note && strstr(file->note, line));
}

static const struct plugin_file *refused_file(const struct load *l, enum plugin_face face,
                                              const char *name)
{
    for (guint i = 0; l->registry->files && i < l->registry->files->len; i++) {
        const struct plugin_file *file = g_ptr_array_index(l->registry->files, i);
        if (file->state != PLUGIN_LOADED && would_offer(file, face, name))
            return file;
    }
    return NULL;
}

const struct plugin_part *part_find(struct load *l, enum plugin_face face, const char *name,
                                    const struct place *at)
{
    const struct plugin_part *part = plugin_find(l->registry, face, name);
    if (part)
        return part;
    const char *kind = plugin_face_name(face);
    const struct plugin_file *file = refused_file(l, face, name);
    if (file) {
        fault_at(&l->faults, at, "the %s '%s' is not there because %s is %s: %s", kind, name,
                 file->path, plugin_state_name(file->state), file->reason ? file->reason : "");
        return NULL;
    }
    g_autofree char **names = part_names(l, face, NULL);
    g_autofree char *there = g_strjoinv(", ", names);
    g_autofree char *guess = fault_guess(name, (const char *const *)names);
    g_ptr_array_add(l->config->plugin_dirs, NULL);
    g_autofree char *dirs = g_strjoinv(":", (char **)l->config->plugin_dirs->pdata);
    g_ptr_array_set_size(l->config->plugin_dirs, (gint)l->config->plugin_dirs->len - 1);
    fault_at(&l->faults, at,
             "no plugin offers a %s called '%s'%s; there is: %s. Install %s.so in %s, or correct "
             "the name",
             kind, name, guess, *there ? there : "none", name, *dirs ? dirs : "the plugin folder");
    return NULL;
}

char **provider_and_route_names(const struct load *l, const struct plugin_part *also)
{
    const struct config *c = l->config;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < c->providers->len; i++)
        g_ptr_array_add(names,
                        ((struct config_provider *)g_ptr_array_index(c->providers, i))->name);
    for (guint i = 0; i < c->routes->len; i++)
        g_ptr_array_add(names, ((struct config_route *)g_ptr_array_index(c->routes, i))->name);
    for (guint i = 0; also && i < also->option_count; i++)
        g_ptr_array_add(names, (gpointer)also->options[i].name);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}
