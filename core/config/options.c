/*
 * options.c - option tables applied.
 */
#include "config/options.h"

#include "config/schema.h"
#include "config/value.h"

#include <string.h>

/* Names of failure classes, as they may stand in lists such as `on:`. */
#define CLASS_NAME(id, number, name, family, local) name,
static const char *const class_names[] = { WEIR_CLASSES(CLASS_NAME) NULL };
#undef CLASS_NAME

char **options_names(const weir_option *options, guint count)
{
    char **names = g_new0(char *, count + 1);
    for (guint i = 0; i < count; i++)
        names[i] = (char *)options[i].name;
    return names;
}

const weir_option *options_find(const weir_option *options, guint count, const char *name)
{
    for (guint i = 0; i < count; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

char *options_text(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    char *copy = g_strdup(text);
    free(text);
    return copy;
}

static gboolean chosen(struct load *l, const weir_option *option, const struct ynode *n,
                       const char *what, const char *text)
{
    if (!option->choices)
        return TRUE;
    g_auto(GStrv) choices = g_strsplit(option->choices, "|", -1);
    return g_strv_contains((const char *const *)choices, text) ||
           value_choice(&l->faults, n, what, (const char *const *)choices) >= 0;
}

static json_t *read_string(struct load *l, const weir_option *option, const struct ynode *n,
                           const char *what)
{
    const char *text = value_text(&l->faults, n, what, "a text");
    if (!text || !chosen(l, option, n, what, text))
        return NULL;
    return json_string(text);
}

static json_t *read_secret(struct load *l, const struct ynode *n, const char *what)
{
    g_autofree char *secret = NULL;
    if (!value_secret(&l->faults, n, what, l->config->secrets, &secret))
        return NULL;
    return json_string(secret ? secret : "");
}

/* A list of texts from which `one` makes (or refuses) elements. One text is a list of itself. */
static json_t *read_list(struct load *l, const weir_option *option, const struct ynode *n,
                         const char *what)
{
    g_autoptr(GPtrArray) texts = value_strings(&l->faults, n, what);
    if (!texts)
        return NULL;
    json_t *list = json_array();
    gboolean ok = TRUE;
    for (guint i = 0; i < texts->len; i++) {
        const struct ynode *item = n->kind == YNODE_LIST ? ynode_at(n, i) : n;
        const char *text = g_ptr_array_index(texts, i);
        if (option->type == WEIR_OPTION_CLASSES)
            ok &= value_choice(&l->faults, item, what, class_names + 1) >= 0;
        else
            ok &= chosen(l, option, item, what, text);
        json_array_append_new(list, json_string(text));
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *read_map(struct load *l, const struct ynode *n, const char *what)
{
    g_autoptr(GHashTable) texts = value_string_map(&l->faults, n, what);
    if (!texts)
        return NULL;
    json_t *map = json_object();
    for (guint i = 0; n->kind == YNODE_MAP && i < ynode_count(n); i++) {
        const char *key = ynode_key_at(n, i)->raw;
        json_object_set_new(map, key, json_string(g_hash_table_lookup(texts, key)));
    }
    return map;
}

static json_t *read_plain(const struct ynode *n)
{
    gint64 integer;
    double number;
    if (ynode_is_null(n))
        return json_null();
    if (n->plain && g_ascii_strcasecmp(n->text, "true") == 0)
        return json_true();
    if (n->plain && g_ascii_strcasecmp(n->text, "false") == 0)
        return json_false();
    if (n->plain && value_parse_int(n->text, &integer))
        return json_integer(integer);
    if (n->plain && value_parse_number(n->text, &number))
        return json_real(number);
    return json_string(n->text);
}

/* Any value as it is written. Depth is bounded by the tree's. */
static json_t *read_json(const struct ynode *n)
{
    if (n->bad)
        return NULL;
    if (n->kind == YNODE_SCALAR)
        return read_plain(n);
    json_t *json = n->kind == YNODE_LIST ? json_array() : json_object();
    for (guint i = 0; i < ynode_count(n); i++) {
        json_t *item = read_json(ynode_at(n, i));
        if (!item ||
            (n->kind == YNODE_LIST ? json_array_append_new(json, item)
                                   : json_object_set_new(json, ynode_key_at(n, i)->raw, item))) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

json_t *options_value(struct load *l, const weir_option *option, const struct ynode *n,
                      const char *what, const struct option_children *children)
{
    struct faults *f = &l->faults;
    gint64 integer;
    gboolean yes;
    double number;

    switch (option->type) {
    case WEIR_OPTION_STRING:
        return read_string(l, option, n, what);
    case WEIR_OPTION_BOOL:
        return value_bool(f, n, what, &yes) ? json_boolean(yes) : NULL;
    case WEIR_OPTION_INT:
        return value_int(f, n, what, G_MININT64, G_MAXINT64, &integer) ? json_integer(integer)
                                                                       : NULL;
    case WEIR_OPTION_NUMBER:
        return value_number(f, n, what, &number) ? json_real(number) : NULL;
    case WEIR_OPTION_DURATION:
        return value_duration(f, n, what, &integer) ? json_integer(integer) : NULL;
    case WEIR_OPTION_SIZE:
        return value_size(f, n, what, &integer) ? json_integer(integer) : NULL;
    case WEIR_OPTION_SECRET:
        return read_secret(l, n, what);
    case WEIR_OPTION_LIST:
    case WEIR_OPTION_CLASSES:
        return read_list(l, option, n, what);
    case WEIR_OPTION_MAP:
        return read_map(l, n, what);
    case WEIR_OPTION_JSON:
        return read_json(n);
    case WEIR_OPTION_CHILD:
        return children && children->child ? children->child(children->ctx, n) : NULL;
    case WEIR_OPTION_CHILDREN:
        return children && children->children ? children->children(children->ctx, n) : NULL;
    }
    fault_at(f, &n->at,
             "%s has a type (%u) that this weir does not know; use a plugin built for "
             "this version",
             what, option->type);
    return NULL;
}

/* The default of an option, which stands in the plugin as it would in a file, as a node. */
static struct ynode *default_node(struct load *l, const weir_option *option, struct faults *faults)
{
    g_autofree char *text = g_strdup_printf("v: %s", option->default_value);
    if (option->type == WEIR_OPTION_STRING) {
        /* `*` and other signs of YAML are meant as they stand. JSON's quoting is YAML's, too. */
        json_t *string = json_string(option->default_value);
        g_autofree char *quoted = options_text(string);
        json_decref(string);
        g_free(text);
        text = g_strdup_printf("v: %s", quoted);
    }
    return ynode_get(ytree_parse(l->tree, "default", text, strlen(text), faults), "v");
}

static json_t *read_default(struct load *l, const weir_option *option, const struct place *at,
                            const char *what, const struct option_children *children)
{
    struct faults kept = l->faults, own;
    json_t *json = NULL;

    faults_init(&own);
    const struct ynode *n = default_node(l, option, &own);
    if (n) {
        l->faults = own;
        json = options_value(l, option, n, what, children);
        l->faults = kept;
    }
    if (!json) {
        g_autofree char *why = faults_text(&own);
        fault_at(&l->faults, at,
                 "the plugin's own default of %s does not fit its type: %s; give a value, and tell "
                 "the plugin's author",
                 what, why);
    }
    faults_clear(&own);
    return json;
}

json_t *options_read(struct load *l, const weir_option *options, guint count,
                     const struct ynode *map, const struct place *at, const char *what,
                     const struct option_children *children)
{
    json_t *json = json_object();
    gboolean ok = TRUE;

    for (guint i = 0; i < count; i++) {
        const weir_option *o = &options[i];
        const struct ynode *n = ynode_get(map, o->name);
        g_autofree char *name = g_strdup_printf("%s.%s", what, o->name);
        json_t *value = NULL;
        if (n) {
            value = options_value(l, o, n, name, children);
        } else if (o->flags & WEIR_OPTION_REQUIRED) {
            fault_at(&l->faults, at, "%s needs '%s'%s%s; add it", what, o->name,
                     o->help && *o->help ? ": " : "", o->help ? o->help : "");
        } else if (!o->default_value || o->type == WEIR_OPTION_SECRET) {
            continue;
        } else {
            value = read_default(l, o, at, name, children);
        }
        ok &= value && json_object_set_new(json, o->name, value) == 0;
    }
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

json_t *options_read_all(struct load *l, const weir_option *options, guint count,
                         const struct ynode *map, const struct place *at, const char *what,
                         const struct option_children *children)
{
    if (map && !ynode_is_null(map)) {
        if (map->kind != YNODE_MAP) {
            fault_at(&l->faults, &map->at, "%s must be a map of its options, not %s", what,
                     map->kind == YNODE_LIST ? "a list" : "a single value");
            return NULL;
        }
        g_autofree char **names = options_names(options, count);
        if (!count && ynode_count(map)) {
            const struct ynode *key = ynode_key_at(map, 0);
            fault_at(&l->faults, &key->at, "%s has no options; remove '%s'", what, key->raw);
            return NULL;
        }
        schema_known(l, map, what, (const char *const *)names);
    }
    return options_read(l, options, count, map, at, what, children);
}
