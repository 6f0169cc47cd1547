/*
 * filters.c - lists of filters: `noop`, or `noop: { options }` with `on_error` beside it.
 */
#include "config/options.h"
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

/* The entry's key that names the filter, or NULL with a fault noted. */
static const struct ynode *filter_key(struct load *l, const struct ynode *n)
{
    static const char *const also[] = { "on_error", NULL };
    const struct ynode *found = NULL;

    for (guint i = 0; i < ynode_count(n); i++) {
        const struct ynode *key = ynode_key_at(n, i);
        if (strcmp(key->raw, "on_error") == 0)
            continue;
        if (found) {
            g_autofree char **names = part_names(l, PLUGIN_FILTER, also);
            g_autofree char *guess = fault_guess(key->raw, (const char *const *)names);
            fault_at(&l->faults, &key->at,
                     "'%s' stands beside the filter '%s'%s; put its options under its name, and "
                     "each filter into an item of its own",
                     key->raw, found->raw, guess);
            return NULL;
        }
        found = key;
    }
    if (!found)
        fault_at(&l->faults, &n->at, "no filter is named; write its name: noop, or noop: { ... }");
    return found;
}

static void read_filter(struct load *l, const struct ynode *n, GPtrArray *out)
{
    static const char *const reactions[] = { "refuse", "continue", NULL };
    const struct ynode *key = n, *options = NULL;

    if (n->kind == YNODE_MAP) {
        key = filter_key(l, n);
        if (!key)
            return;
        options = ynode_get(n, key->raw);
    }
    const char *name = value_text(&l->faults, key, "filters", "the name of a filter");
    const struct plugin_part *part = name ? part_find(l, PLUGIN_FILTER, name, &key->at) : NULL;
    if (!part)
        return;
    struct config_filter *filter = g_new0(struct config_filter, 1);
    g_ptr_array_add(out, filter);
    filter->part = part;
    filter->where = place_text(&key->at);
    const struct ynode *on_error = ynode_get(n, "on_error");
    if (on_error)
        filter->continue_on_error = value_choice(&l->faults, on_error, "on_error", reactions) == 1;
    g_autofree char *what = g_strdup_printf("filter %s", name);
    json_t *json = part->stand_in ? json_object()
                                  : options_read_all(l, part->options, part->option_count, options,
                                                     &key->at, what, NULL);
    if (json)
        filter->options = options_text(json);
    json_decref(json);
}

void filters_read(struct load *l, const struct ynode *list, GPtrArray *out)
{
    if (!list || list->bad || ynode_is_null(list))
        return;
    if (list->kind != YNODE_LIST) {
        read_filter(l, list, out);
        return;
    }
    for (guint i = 0; i < ynode_count(list); i++)
        read_filter(l, ynode_at(list, i), out);
}
