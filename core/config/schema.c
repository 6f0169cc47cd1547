/*
 * schema.c - reading a map by its table.
 */
#include "config/schema.h"

#include "config/value.h"

#include <string.h>

gboolean schema_is_map(struct load *l, const struct ynode *n, const char *what)
{
    if (!n || n->bad || ynode_is_null(n))
        return FALSE;
    if (n->kind == YNODE_MAP)
        return TRUE;
    /* A text here may be a misplaced key: it is not shown. */
    fault_at(&l->faults, &n->at, "%s must be a map of keys, not %s", what,
             n->kind == YNODE_LIST ? "a list" : "a single value");
    return FALSE;
}

void schema_known(struct load *l, const struct ynode *map, const char *what,
                  const char *const *names)
{
    for (guint i = 0; i < ynode_count(map); i++) {
        const struct ynode *key = ynode_key_at(map, i);
        if (g_strv_contains(names, key->raw))
            continue;
        g_autofree char *shown = ynode_show(key);
        g_autofree char *guess = fault_guess_or_list(key->raw, names);
        fault_at(&l->faults, &key->at, "unknown key %s%s%s%s", shown, what ? " in " : "",
                 what ? what : "", guess);
    }
}

static gint64 read_integer(struct load *l, const struct ynode *n, const char *what,
                           const struct key *key, gint64 most, gint64 standing)
{
    gint64 number = standing;
    value_int(&l->faults, n, what, key->min, key->max ? key->max : most, &number);
    return number;
}

static void read_size(struct load *l, const struct ynode *n, const char *what,
                      const struct key *key, guint64 *to)
{
    gint64 bytes;
    if (!value_size(&l->faults, n, what, &bytes))
        return;
    if (bytes < key->min || (key->max && bytes > key->max)) {
        g_autofree char *shown = ynode_show(n);
        fault_at(&l->faults, &n->at,
                 "%s is out of range: %s; from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " bytes",
                 what, shown, key->min, key->max ? key->max : G_MAXINT64);
        return;
    }
    *to = (guint64)bytes;
}

static void read_key(struct load *l, const struct ynode *n, const char *what, const struct key *key,
                     void *field)
{
    const char *text;
    guint64 size = 0;

    switch (key->type) {
    case KEY_OTHER:
        break;
    case KEY_STRING:
        text = value_text(&l->faults, n, what, "a text");
        if (text) {
            g_free(*(char **)field);
            *(char **)field = g_strdup(text);
        }
        break;
    case KEY_BOOL:
        value_bool(&l->faults, n, what, field);
        break;
    case KEY_UINT:
        *(guint *)field =
            (guint)read_integer(l, n, what, key, G_MAXINT32, (gint64) * (guint *)field);
        break;
    case KEY_INT:
        *(gint *)field = (gint)read_integer(l, n, what, key, G_MAXINT32, *(gint *)field);
        break;
    case KEY_INT64:
        *(gint64 *)field = read_integer(l, n, what, key, G_MAXINT64, *(gint64 *)field);
        break;
    case KEY_DURATION:
        value_duration(&l->faults, n, what, field);
        break;
    case KEY_SIZE:
        size = *(gsize *)field;
        read_size(l, n, what, key, &size);
        *(gsize *)field = (gsize)size;
        break;
    case KEY_SIZE64:
        read_size(l, n, what, key, field);
        break;
    }
}

static char **known_names(const struct key *keys, guint count, const struct plugin_part *options)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(names, (gpointer)keys[i].name);
    for (guint i = 0; options && i < options->option_count; i++)
        g_ptr_array_add(names, (gpointer)options->options[i].name);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

void schema_read(struct load *l, const struct ynode *map, const char *what, const struct key *keys,
                 guint count, const struct plugin_part *options, void *to)
{
    if (!schema_is_map(l, map, what ? what : "the configuration"))
        return;
    g_autofree char **names = known_names(keys, count, options);
    if (!options || !options->stand_in)
        schema_known(l, map, what, (const char *const *)names);
    for (guint i = 0; i < count; i++) {
        const struct ynode *n = ynode_get(map, keys[i].name);
        if (!n || keys[i].type == KEY_OTHER)
            continue;
        g_autofree char *name =
            what ? g_strdup_printf("%s.%s", what, keys[i].name) : g_strdup(keys[i].name);
        read_key(l, n, name, &keys[i], (char *)to + keys[i].offset);
    }
}
