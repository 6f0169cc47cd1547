/*
 * tables.c - the static tables of a part as plain arrays: options, children, endpoints.
 *
 * Defaults and choices of options are read where values are: in the configuration.
 */
#include <string.h>

#include "plugin/check.h"
#include "plugin/error.h"
#include "plugin/normalise.h"

enum {
    ROWS_MAX = 256,
    STRIDE_MAX = 4096,
};

#define OPTION_COUNT_ENUM(id, number, name, form) OPTION_TYPE_##id,
enum { OPTION_TYPE_NONE, WEIR_OPTION_TYPES(OPTION_COUNT_ENUM) OPTION_TYPE_END };
#undef OPTION_COUNT_ENUM

/* Copies each row into one of our size. NULL with an error; an empty table gives a NULL `*rows`. */
static gboolean rows_copy(void **rows, const weir_array *in, gsize row_size, gsize least,
                          const char *what, GError **error)
{
    *rows = NULL;
    if (in->count == 0) {
        return TRUE;
    }
    if (!in->items || in->count > ROWS_MAX || in->stride < least || in->stride > STRIDE_MAX) {
        return plugin_refuse(
            error,
            "%s: a table of %u rows of %u bytes; possible are %d rows of %" G_GSIZE_FORMAT
            " to %d bytes; use WEIR_ARRAY_OF",
            what, in->count, in->stride, ROWS_MAX, least, STRIDE_MAX);
    }
    g_autofree guint8 *copy = g_malloc0_n(in->count, row_size);
    for (uint32_t i = 0; i < in->count; i++) {
        const guint8 *row = (const guint8 *)in->items + (gsize)i * in->stride;
        uint32_t size;
        memcpy(&size, row, sizeof(size));
        if (size > in->stride) {
            return plugin_refuse(error,
                                 "%s: row %u says it has %u bytes, the rows are %u bytes "
                                 "apart: set struct_size to its sizeof",
                                 what, i, size, in->stride);
        }
        g_autofree char *which = g_strdup_printf("%s: row %u", what, i);
        if (!plugin_copy_sized(copy + i * row_size, row_size, row, least, TRUE, which, error)) {
            return FALSE;
        }
    }
    *rows = g_steal_pointer(&copy);
    return TRUE;
}

static gboolean option_check(const struct plugin_part *part, const weir_option *table, uint32_t i,
                             const char *what, GError **error)
{
    const weir_option *o = &table[i];
    if (!plugin_name_ok(o->name)) {
        return plugin_refuse(error, "%s: row %u has no good name (\"%.80s\")", what, i,
                             o->name ? o->name : "");
    }
    if (o->type == 0 || o->type >= OPTION_TYPE_END) {
        return plugin_refuse(error,
                             "%s: \"%s\" is of type %u, this host knows 1 to %d: install a "
                             "newer weir, or correct the type",
                             what, o->name, o->type, OPTION_TYPE_END - 1);
    }
    gboolean child = o->type == WEIR_OPTION_CHILD || o->type == WEIR_OPTION_CHILDREN;
    if (child && (part->face != PLUGIN_STRATEGY || table == part->child_options)) {
        return plugin_refuse(error,
                             "%s: \"%s\" takes children, which only the options of a "
                             "strategy can: correct its type",
                             what, o->name);
    }
    for (uint32_t k = 0; k < i; k++) {
        if (strcmp(table[k].name, o->name) == 0) {
            return plugin_refuse(error, "%s: \"%s\" stands there twice: remove one", what, o->name);
        }
        if (o->type == WEIR_OPTION_CHILDREN && table[k].type == WEIR_OPTION_CHILDREN) {
            return plugin_refuse(error,
                                 "%s: \"%s\" and \"%s\" are both lists of children, one is "
                                 "possible",
                                 what, table[k].name, o->name);
        }
    }
    return TRUE;
}

static gboolean options_copy(struct plugin_part *part, const weir_array *in, const char *table_name,
                             const weir_option **to, uint32_t *count, GError **error)
{
    g_autofree char *what = g_strdup_printf("the %s of the %s \"%s\"", table_name,
                                            plugin_face_name(part->face), part->name);
    void *rows;
    if (!rows_copy(&rows, in, sizeof(weir_option), PLUGIN_UP_TO(weir_option, help), what, error)) {
        return FALSE;
    }
    *to = rows; /* part owns it, also when a check fails */
    *count = in->count;
    for (uint32_t i = 0; i < *count; i++) {
        if (!option_check(part, *to, i, what, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean endpoints_copy(struct plugin_part *part, GError **error)
{
    g_autofree char *what = g_strdup_printf("the endpoints of the dialect \"%s\"", part->name);
    void *rows;
    if (!rows_copy(&rows, &part->dialect.endpoints, sizeof(weir_endpoint),
                   PLUGIN_UP_TO(weir_endpoint, when_header), what, error)) {
        return FALSE;
    }
    part->endpoints = rows;
    part->endpoint_count = part->dialect.endpoints.count;
    for (uint32_t i = 0; i < part->endpoint_count; i++) {
        const weir_endpoint *e = &part->endpoints[i];
        if (!e->method || !*e->method || !e->pattern || *e->pattern != '/') {
            return plugin_refuse(error,
                                 "%s: row %u must have a method and a pattern that begins "
                                 "with '/'",
                                 what, i);
        }
        if (e->op >= WEIR_OP_COUNT_) {
            return plugin_refuse(error,
                                 "%s: row %u (%s) is for operation %u, this host knows 0 to "
                                 "%d: install a newer weir, or correct it",
                                 what, i, e->pattern, e->op, WEIR_OP_COUNT_ - 1);
        }
    }
    return TRUE;
}

static gboolean child_option_known(const struct plugin_part *part, const char *name)
{
    for (uint32_t i = 0; i < part->child_option_count; i++) {
        if (strcmp(part->child_options[i].name, name) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean children_copy(struct plugin_part *part, GError **error)
{
    part->children.struct_size = sizeof(part->children);
    if (!part->strategy.children) {
        return TRUE;
    }
    g_autofree char *what = g_strdup_printf("the children of the strategy \"%s\"", part->name);
    if (!plugin_copy_sized(&part->children, sizeof(part->children), part->strategy.children,
                           PLUGIN_UP_TO(weir_children, key_option), TRUE, what, error)) {
        return FALSE;
    }
    const char *value = part->children.value_option, *key = part->children.key_option;
    if (value && key) {
        return plugin_refuse(error, "%s: value_option and key_option are both set, one is possible",
                             what);
    }
    const char *named = value ? value : key;
    if (named && !child_option_known(part, named)) {
        return plugin_refuse(error, "%s: \"%s\" is not one of its child_options: add it there",
                             what, named);
    }
    return TRUE;
}

static const weir_array *options_of(const struct plugin_part *part)
{
    switch (part->face) {
    case PLUGIN_PROVIDER:
        return &part->provider.options;
    case PLUGIN_DIALECT:
        return &part->dialect.options;
    case PLUGIN_STRATEGY:
        return &part->strategy.options;
    default:
        return &part->filter.options;
    }
}

gboolean plugin_tables(struct plugin_part *part, GError **error)
{
    if (!options_copy(part, options_of(part), "options", &part->options, &part->option_count,
                      error)) {
        return FALSE;
    }
    if (part->face == PLUGIN_DIALECT) {
        return endpoints_copy(part, error);
    }
    if (part->face == PLUGIN_STRATEGY) {
        return options_copy(part, &part->strategy.child_options, "child_options",
                            &part->child_options, &part->child_option_count, error) &&
               children_copy(part, error);
    }
    return TRUE;
}
