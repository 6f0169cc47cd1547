/*
 * tree.c - see tree.h.
 */
#include "route/tree.h"
#include "base/crumb.h"
#include "base/str.h"
#include "plugin/configure.h"

#include <jansson.h>
#include <string.h>

static pthread_mutex_t states_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *states; /* path -> struct node_state, the one in use */

static void state_unref(struct node_state *s)
{
    if (!s || !g_atomic_int_dec_and_test(&s->ref_count))
        return;
    pthread_mutex_destroy(&s->lock);
    g_hash_table_unref(s->children);
    g_free(s->strategy);
    g_free(s->state);
    g_free(s);
}

static struct node_state *state_new(const struct plugin_part *part)
{
    struct node_state *s = g_new0(struct node_state, 1);

    pthread_mutex_init(&s->lock, NULL);
    s->strategy = g_strdup(part->name);
    s->version = part->strategy.state_version;
    s->state_size = part->strategy.state_size;
    s->child_size = part->strategy.child_state_size;
    s->state = g_malloc0(s->state_size + STATE_GUARD);
    s->children = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    s->ref_count = 1;
    return s;
}

static bool state_fits(const struct node_state *s, const struct plugin_part *part)
{
    return s && strcmp(s->strategy, part->name) == 0 &&
           s->version == part->strategy.state_version &&
           s->state_size == part->strategy.state_size &&
           s->child_size == part->strategy.child_state_size;
}

/* The state of the node at `path`: what the last generation left if it fits, else a new one, which
 * takes the other's place with tree_adopt(). */
static struct node_state *state_get(const char *path, const struct plugin_part *part)
{
    struct node_state *s;

    pthread_mutex_lock(&states_lock);
    s = states ? g_hash_table_lookup(states, path) : NULL;
    if (state_fits(s, part))
        g_atomic_int_inc(&s->ref_count);
    else
        s = state_new(part);
    pthread_mutex_unlock(&states_lock);
    return s;
}

void tree_adopt(const struct tree *tree)
{
    pthread_mutex_lock(&states_lock);
    if (!states)
        states =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)state_unref);
    for (guint i = 0; i < tree->nodes->len; i++) {
        const struct node *n = g_ptr_array_index(tree->nodes, i);

        if (g_hash_table_lookup(states, n->path) == n->state)
            continue;
        g_atomic_int_inc(&n->state->ref_count);
        g_hash_table_replace(states, g_strdup(n->path), n->state);
    }
    pthread_mutex_unlock(&states_lock);
}

void tree_faults_each(void (*each)(void *ctx, const char *path, const char *strategy, uint64_t n),
                      void *ctx)
{
    GHashTableIter iter;
    gpointer path, value;

    pthread_mutex_lock(&states_lock);
    if (states)
        g_hash_table_iter_init(&iter, states);
    while (states && g_hash_table_iter_next(&iter, &path, &value)) {
        const struct node_state *s = value;
        uint64_t n = __atomic_load_n(&s->faults, __ATOMIC_RELAXED);

        if (n)
            each(ctx, path, s->strategy, n);
    }
    pthread_mutex_unlock(&states_lock);
}

static void *state_of_child(struct node_state *s, const char *name)
{
    void *block;

    pthread_mutex_lock(&s->lock);
    block = g_hash_table_lookup(s->children, name);
    if (!block) {
        block = g_malloc0(s->child_size + STATE_GUARD);
        g_hash_table_insert(s->children, g_strdup(name), block);
    }
    pthread_mutex_unlock(&s->lock);
    return block;
}

static void provider_free(gpointer data)
{
    struct provider *p = data;

    if (p->cfg)
        p->face->release(p->cfg);
    plugin_host_free(p->host);
    g_free(p);
}

/* What the part is configured with: its options, and where it is. */
static char *provider_options(const struct config_provider *config)
{
    const char *options = config->options ? config->options : "{}";
    const char *rest = strchr(options, '{');
    json_t *url = json_string(config->base_url ? config->base_url : "");
    char *quoted = url ? json_dumps(url, JSON_ENCODE_ANY) : NULL;
    char *all;

    rest = rest ? rest + 1 : "}";
    while (g_ascii_isspace(*rest))
        rest++;
    all = g_strdup_printf("{\"base_url\":%s%s%s", quoted ? quoted : "\"\"", *rest == '}' ? "" : ",",
                          rest);
    free(quoted);
    json_decref(url);
    return all;
}

static struct provider *provider_new(const struct config_provider *config, struct known *known,
                                     uint32_t number, GError **error)
{
    struct provider *p = g_new0(struct provider, 1);
    g_autofree char *options = provider_options(config);

    p->config = config;
    p->face = &config->part->provider;
    p->crumb = config->part->crumb;
    p->stand_in = config->part->stand_in;
    p->name = str_of(config->name);
    p->base_url = str_of(config->base_url);
    p->key = config->api_key ? str_of(config->api_key) : S("");
    p->limits = limit_pair(&config->rate, "provider", p->name, p->base_url);
    p->known = known;
    p->number = number;
    p->host = plugin_host_new(config->part, config->name);
    if (!plugin_configure(config->part, p->host, options, config->where, &p->cfg, error)) {
        provider_free(p);
        return NULL;
    }
    return p;
}

static void node_free(gpointer data)
{
    struct node *n = data;

    if (n->cfg)
        n->part->strategy.release(n->cfg);
    plugin_host_free(n->host);
    state_unref(n->state);
    g_free(n->children);
    g_free(n);
}

static struct node *node_build(struct tree *tree, const struct config_node *config, GError **error);

/* The node of a route is built when something first refers to it; cycles were refused before. */
static struct node *route_root(struct tree *tree, const struct config_route *config, GError **error)
{
    struct route *route = g_hash_table_lookup(tree->by_name, config->name);

    if (route)
        return route->root;
    route = g_new0(struct route, 1);
    route->config = config;
    route->name = g_intern_string(config->name);
    g_ptr_array_add(tree->routes, route);
    route->root = node_build(tree, config->root, error);
    if (!route->root)
        return NULL;
    g_hash_table_insert(tree->by_name, config->name, route);
    return route->root;
}

static bool child_build(struct tree *tree, struct child *child, const struct config_child *config,
                        GError **error)
{
    child->name = str_of(config->name);
    child->copy = config->copy;
    if (config->kind == CONFIG_TARGET) {
        child->kind = CHILD_LEAF;
        child->provider = tree_provider(tree, str_of(config->provider->name));
        if (config->model) {
            provider_model(child->provider, str_of(config->model), S(""), &child->model);
            child->target =
                target_configured(child->provider->name, child->provider->base_url, child->model);
            known_of(tree->known, child->provider->config, child->target, child->model);
        }
        return true;
    }
    child->kind = CHILD_NODE;
    child->node = config->kind == CONFIG_ROUTE ? route_root(tree, config->route, error)
                                               : node_build(tree, config->node, error);
    return child->node != NULL;
}

static struct node *node_build(struct tree *tree, const struct config_node *config, GError **error)
{
    struct node *n = g_new0(struct node, 1);

    g_ptr_array_add(tree->nodes, n);
    n->part = config->part;
    n->path = g_intern_string(config->path);
    n->host = plugin_host_new(config->part, config->path);
    n->needs = config->part->strategy.needs;
    n->count = config->children->len;
    n->children = g_new0(struct child, n->count + 1);
    n->state = state_get(n->path, config->part);
    if (!plugin_configure(config->part, n->host, config->options, config->where, &n->cfg, error))
        return NULL;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct config_child *child = g_ptr_array_index(config->children, i);

        if (!child_build(tree, &n->children[i], child, error))
            return NULL;
        n->children[i].state = state_of_child(n->state, child->name);
        if (n->children[i].kind == CHILD_NODE)
            n->needs |= n->children[i].node->needs;
    }
    return n;
}

struct tree *tree_build(const struct config *config, GError **error)
{
    struct tree *tree = g_new0(struct tree, 1);

    tree->providers = g_ptr_array_new_with_free_func(provider_free);
    tree->routes = g_ptr_array_new_with_free_func(g_free);
    tree->nodes = g_ptr_array_new_with_free_func(node_free);
    tree->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    tree->known = known_new(config);
    for (guint i = 0; i < config->providers->len; i++) {
        struct provider *p =
            provider_new(g_ptr_array_index(config->providers, i), tree->known, i, error);

        if (!p) {
            tree_free(tree);
            return NULL;
        }
        g_ptr_array_add(tree->providers, p);
    }
    for (guint i = 0; i < tree->providers->len; i++) {
        struct provider *p = g_ptr_array_index(tree->providers, i);

        if (p->config->direct && !(p->direct = node_build(tree, p->config->direct, error))) {
            tree_free(tree);
            return NULL;
        }
    }
    for (guint i = 0; i < config->routes->len; i++) {
        if (!route_root(tree, g_ptr_array_index(config->routes, i), error)) {
            tree_free(tree);
            return NULL;
        }
    }
    return tree;
}

void tree_free(struct tree *tree)
{
    if (!tree)
        return;
    g_hash_table_unref(tree->by_name);
    g_ptr_array_unref(tree->routes);
    g_ptr_array_unref(tree->nodes);
    g_ptr_array_unref(tree->providers);
    known_free(tree->known);
    g_free(tree);
}

const struct provider *tree_provider(const struct tree *tree, weir_str name)
{
    for (guint i = 0; i < tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(tree->providers, i);

        if (str_eq(p->name, name))
            return p;
    }
    return NULL;
}

const struct route *tree_route(const struct tree *tree, weir_str name)
{
    for (guint i = 0; i < tree->routes->len; i++) {
        const struct route *r = g_ptr_array_index(tree->routes, i);

        if (str_is(name, r->name))
            return r;
    }
    return NULL;
}

static const char *alias_of(const struct provider *p, weir_str model)
{
    GHashTableIter iter;
    gpointer key, value;

    if (!p->config->aliases)
        return NULL;
    g_hash_table_iter_init(&iter, p->config->aliases);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (str_is(model, key))
            return value;
    }
    return NULL;
}

bool provider_lists(const struct provider *p, weir_str model)
{
    if (alias_of(p, model) || (p->config->default_model && str_is(model, p->config->default_model)))
        return true;
    for (guint i = 0; p->config->models && i < p->config->models->len; i++) {
        if (str_glob(model, str_of(g_ptr_array_index(p->config->models, i))))
            return true;
    }
    return false;
}

bool provider_claims(const struct provider *p, weir_str model)
{
    return str_in(model, p->face->model_globs);
}

bool provider_speaks(const struct provider *p, weir_str dialect)
{
    for (const char *const *id = p->face->native; id && *id; id++) {
        if (str_is(dialect, *id))
            return p->face->speaks(p->cfg, dialect);
    }
    return false;
}

bool provider_model(const struct provider *p, weir_str fixed, weir_str asked, weir_str *model)
{
    weir_str wanted = fixed;
    const char *alias;

    if (!wanted.len && asked.len && (provider_lists(p, asked) || provider_claims(p, asked)))
        wanted = asked;
    if (!wanted.len && p->config->default_model)
        wanted = str_of(p->config->default_model);
    if (!wanted.len)
        return false;
    alias = alias_of(p, wanted);
    *model = alias ? str_of(alias) : wanted;
    return true;
}
