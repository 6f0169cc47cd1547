/*
 * tree.c - the nodes of a route: a strategy, its options, and its children in every way they may
 * be written (see weir_children). Children become numbers in the options and records in the node.
 */
#include "base/str.h"
#include "config/options.h"
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

/* The node being built. */
struct builder {
    struct load *l;
    struct config_node *node;
    GHashTable *names; /* of the children so far */
};

static const char child_form[] = "a target (provider or provider/model), a route, a node such as "
                                 "{ failover: [a, b] }, or { to: a, ... }";

/* -- Children --------------------------------------------------------------------------------- */

/* Appends a child called `name`, or `name#2` if there is one already. */
static struct config_child *add_child(struct builder *b, enum config_child_kind kind,
                                      const char *name, const struct place *at)
{
    struct config_child *c = g_new0(struct config_child, 1);
    c->kind = kind;
    c->where = place_text(at);
    c->name = g_strdup(name);
    for (guint i = 2; g_hash_table_contains(b->names, c->name); i++) {
        g_free(c->name);
        c->name = g_strdup_printf("%s#%u", name, i);
    }
    g_hash_table_add(b->names, c->name);
    g_ptr_array_add(b->node->children, c);
    return c;
}

/* provider/model; the model is what the provider's aliases make of it. */
static gboolean add_target(struct builder *b, const char *text, const struct place *at)
{
    const char *slash = strchr(text, '/');
    g_autofree char *name = slash ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    const struct config_provider *provider = config_find_provider(b->l->config, name);

    if (!provider || (slash && !slash[1]))
        return FALSE;
    struct config_child *c = add_child(b, CONFIG_TARGET, text, at);
    c->provider = provider;
    if (slash) {
        const char *alias =
            provider->aliases ? g_hash_table_lookup(provider->aliases, slash + 1) : NULL;
        c->model = g_strdup(alias ? alias : slash + 1);
    }
    return TRUE;
}

/* The first provider that has a model of that name, or NULL. */
static const char *provider_of_model(const struct config *config, const char *model)
{
    const weir_str name = str_of(model);

    for (guint i = 0; i < config->providers->len; i++) {
        const struct config_provider *p = g_ptr_array_index(config->providers, i);

        if (p->part && str_in(name, p->part->provider.model_globs))
            return p->name;
        if ((p->aliases && g_hash_table_contains(p->aliases, model)) ||
            g_strcmp0(p->default_model, model) == 0)
            return p->name;
        for (guint j = 0; p->models && j < p->models->len; j++)
            if (str_glob(name, str_of(g_ptr_array_index(p->models, j))))
                return p->name;
    }
    return NULL;
}

static void unknown_child(struct builder *b, const struct ynode *n, const char *text)
{
    const char *slash = strchr(text, '/');
    g_autofree char *word = slash ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    g_autofree char **any = provider_and_route_names(b->l, b->node->part);
    g_autofree char **names = provider_and_route_names(b->l, NULL);
    const char *near = config_nearest(word, (const char *const *)any);
    g_autofree char *guess = fault_guess_or_list(word, (const char *const *)(near ? any : names));
    g_autofree char *shown = ynode_show(n);
    const char *provider = near ? NULL : provider_of_model(b->l->config, text);

    if (provider)
        fault_at(&b->l->faults, &n->at,
                 "%s is a model without its provider; write '%s/%s', or '%s' for any of its models",
                 shown, provider, text, provider);
    else if (slash && !slash[1] && config_find_provider(b->l->config, word))
        fault_at(&b->l->faults, &n->at,
                 "%s names no model; write '%s' for any model, or '%s/MODEL'", shown, word, word);
    else
        fault_at(&b->l->faults, &n->at, "%s is neither a provider nor a route%s", shown, guess);
}

static gboolean add_reference(struct builder *b, const struct ynode *n)
{
    const char *text = value_text(&b->l->faults, n, "a child", child_form);
    if (!text)
        return FALSE;
    const struct config_route *route = config_find_route(b->l->config, text);
    if (route) {
        add_child(b, CONFIG_ROUTE, text, &n->at)->route = route;
        return TRUE;
    }
    if (add_target(b, text, &n->at))
        return TRUE;
    unknown_child(b, n, text);
    return FALSE;
}

/* The key of `map` that names a strategy, or NULL. */
static const struct ynode *strategy_key(const struct load *l, const struct ynode *map)
{
    for (guint i = 0; i < ynode_count(map); i++)
        if (plugin_find(l->registry, PLUGIN_STRATEGY, ynode_key_at(map, i)->raw))
            return ynode_key_at(map, i);
    return NULL;
}

static gboolean add_node(struct builder *b, const struct ynode *map)
{
    struct faults *f = &b->l->faults;
    const struct ynode *key = strategy_key(b->l, map);
    const struct ynode *only = ynode_count(map) == 1 ? ynode_key_at(map, 0) : NULL;
    const struct plugin_part *above = b->node->part;

    if (!key && only && !options_find(above->child_options, above->child_option_count, only->raw)) {
        part_find(b->l, PLUGIN_STRATEGY, only->raw, &only->at);
        return FALSE;
    }
    if (!key) {
        static const char *const to[] = { "to", NULL };
        const char *near = NULL;
        for (guint i = 0; i < ynode_count(map) && !near; i++)
            near = config_nearest(ynode_key_at(map, i)->raw, to);
        fault_at(f, &map->at, "this child has no 'to'%s; a child is %s",
                 near ? " (one of its keys is nearly that)" : "", child_form);
        return FALSE;
    }
    for (guint i = 0; i < ynode_count(map); i++) {
        const struct ynode *other = ynode_key_at(map, i);
        if (other != key) {
            fault_at(f, &other->at,
                     "'%s' cannot stand beside '%s' in a nested node; write { to: { %s: ... }, %s: "
                     "... } if it is an option of the child",
                     other->raw, key->raw, key->raw, other->raw);
            return FALSE;
        }
    }
    struct config_child *c = add_child(b, CONFIG_NODE, key->raw, &key->at);
    g_autofree char *path = g_strdup_printf("%s/%s", b->node->path, c->name);
    c->node = tree_node(b->l, plugin_find(b->l->registry, PLUGIN_STRATEGY, key->raw), key,
                        ynode_get(map, key->raw), path);
    return c->node != NULL;
}

/* For options of type CHILD, and what stands behind `to`. */
static json_t *read_child(void *ctx, const struct ynode *n)
{
    struct builder *b = ctx;
    guint number = b->node->children->len;

    if (n->kind == YNODE_MAP ? !add_node(b, n) : !add_reference(b, n))
        return NULL;
    return json_integer(number);
}

/* -- The ways of writing them ----------------------------------------------------------------- */

/* {"child": i, ...} from the child at `n` and a map of its options (and maybe `to`). */
static json_t *read_element(struct builder *b, const struct ynode *n, const struct ynode *options,
                            const struct place *at)
{
    const struct plugin_part *part = b->node->part;
    g_autofree char *what = g_strdup_printf("a child of %s", part->name);
    json_t *child = read_child(b, n);
    json_t *json =
        options_read(b->l, part->child_options, part->child_option_count, options, at, what, NULL);
    if (options) {
        g_autofree char **names = options_names(part->child_options, part->child_option_count);
        g_autoptr(GPtrArray) known = g_ptr_array_new();
        g_ptr_array_add(known, (gpointer) "to");
        for (char **name = names; *name; name++)
            g_ptr_array_add(known, *name);
        g_ptr_array_add(known, NULL);
        schema_known(b->l, options, what, (const char *const *)known->pdata);
    }
    if (!child || !json) {
        json_decref(child);
        json_decref(json);
        return NULL;
    }
    json_t *element = json_object();
    json_object_set_new(element, "child", child);
    json_object_update(element, json);
    json_decref(json);
    return element;
}

static json_t *read_item(struct builder *b, const struct ynode *n)
{
    const struct ynode *to = ynode_get(n, "to");
    return to ? read_element(b, to, n, &n->at) : read_element(b, n, NULL, &n->at);
}

static struct ynode *new_key(struct builder *b, const char *name, const struct place *at)
{
    struct ynode *key = ynode_new(b->l->tree, YNODE_SCALAR, at);
    key->raw = key->text = g_strdup(name);
    return key;
}

/* { child: value } */
static json_t *read_valued(struct builder *b, struct ynode *key, struct ynode *value)
{
    const struct plugin_part *part = b->node->part;
    const weir_option *option =
        options_find(part->child_options, part->child_option_count, part->children.value_option);
    gboolean takes_map =
        option && (option->type == WEIR_OPTION_MAP || option->type == WEIR_OPTION_JSON);

    if (value->kind == YNODE_MAP && !takes_map)
        return read_element(b, key, value, &key->at);
    struct ynode *options = ynode_new(b->l->tree, YNODE_MAP, &key->at);
    ynode_add(options, new_key(b, part->children.value_option, &value->at), value);
    return read_element(b, key, options, &key->at);
}

/* { value: child } */
static json_t *read_keyed(struct builder *b, struct ynode *key, struct ynode *value)
{
    struct ynode *options = ynode_new(b->l->tree, YNODE_MAP, &key->at);
    struct ynode *to = ynode_get(value, "to");

    ynode_add(options, new_key(b, b->node->part->children.key_option, &key->at), key);
    for (guint i = 0; to && i < ynode_count(value); i++) {
        struct ynode *option = ynode_key_at(value, i);
        if (!ynode_add(options, option, ynode_at(value, i)))
            fault_at(&b->l->faults, &option->at, "'%s' is said by the key already; remove it",
                     option->raw);
    }
    return read_element(b, to ? to : value, options, &key->at);
}

static json_t *read_pair(struct builder *b, struct ynode *key, struct ynode *value)
{
    return b->node->part->children.value_option ? read_valued(b, key, value)
                                                : read_keyed(b, key, value);
}

static json_t *read_children(void *ctx, const struct ynode *n)
{
    struct builder *b = ctx;
    const struct plugin_part *part = b->node->part;
    gboolean pairs = part->children.value_option || part->children.key_option;
    gboolean is_map = n->kind == YNODE_MAP;

    if (is_map && !pairs && (ynode_get(n, "to") || ynode_count(n) == 1))
        is_map = FALSE; /* one child, written without a list */
    if (is_map && !pairs) {
        fault_at(&b->l->faults, &n->at, "the children of %s are a list; write - before each",
                 part->name);
        return NULL;
    }
    json_t *list = json_array();
    gboolean ok = TRUE;
    guint count = n->kind == YNODE_SCALAR || (n->kind == YNODE_MAP && !is_map) ? 1 : ynode_count(n);
    for (guint i = 0; i < count; i++) {
        json_t *element = is_map ? read_pair(b, ynode_key_at(n, i), ynode_at(n, i))
                                 : read_item(b, n->kind == YNODE_LIST ? ynode_at(n, i) : n);
        ok &= element && json_array_append_new(list, element) == 0;
    }
    if (!count)
        fault_at(&b->l->faults, &n->at, "%s has no children; name at least one", part->name);
    if (ok && count)
        return list;
    json_decref(list);
    return NULL;
}

/* -- The node --------------------------------------------------------------------------------- */

static const weir_option *children_option(const struct plugin_part *part)
{
    for (guint i = 0; i < part->option_count; i++)
        if (part->options[i].type == WEIR_OPTION_CHILDREN)
            return &part->options[i];
    return NULL;
}

/* Whether the value of the strategy's key is its children, and not its options. */
static gboolean is_shorthand(const struct plugin_part *part, const struct ynode *value)
{
    if (ynode_is_null(value) || !children_option(part))
        return FALSE;
    if (value->kind != YNODE_MAP)
        return TRUE;
    if (!part->children.value_option && !part->children.key_option)
        return FALSE;
    for (guint i = 0; i < ynode_count(value); i++)
        if (options_find(part->options, part->option_count, ynode_key_at(value, i)->raw))
            return FALSE;
    return ynode_count(value) > 0;
}

/* A child in an option called `copy` is none of those that answer. */
static void mark_copy(const struct config_node *node, const json_t *options)
{
    const weir_option *o = options_find(node->part->options, node->part->option_count, "copy");
    const json_t *number = o ? json_object_get(options, o->name) : NULL;

    if (o && o->type == WEIR_OPTION_CHILD && json_integer_value(number) < node->children->len)
        ((struct config_child *)node->children->pdata[json_integer_value(number)])->copy =
            json_is_integer(number);
}

struct config_node *tree_node(struct load *l, const struct plugin_part *part,
                              const struct ynode *key, const struct ynode *value, const char *path)
{
    struct builder b = { .l = l, .names = g_hash_table_new(g_str_hash, g_str_equal) };
    struct option_children hooks = { &b, read_child, read_children };
    struct config_node *node = g_new0(struct config_node, 1);
    const struct ynode *options = value;

    b.node = node;
    node->part = part;
    node->path = g_strdup(path);
    node->where = place_text(&key->at);
    node->children = g_ptr_array_new_with_free_func(config_child_free);
    if (!part->stand_in && is_shorthand(part, value)) {
        struct ynode *map = ynode_new(l->tree, YNODE_MAP, &value->at);
        ynode_add(map, new_key(&b, children_option(part)->name, &value->at), (struct ynode *)value);
        options = map;
    }
    json_t *json = value->bad       ? NULL
                   : part->stand_in ? json_object()
                                    : options_read_all(l, part->options, part->option_count,
                                                       options, &key->at, part->name, &hooks);
    if (json) {
        node->options = options_text(json);
        mark_copy(node, json);
    }
    json_decref(json);
    g_hash_table_unref(b.names);
    if (node->options)
        return node;
    config_node_free(node);
    return NULL;
}
