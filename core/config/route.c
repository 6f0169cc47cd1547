/*
 * route.c - `routes:`, the reserved keys beside a strategy, and how routes refer to each other.
 */
#include "config/options.h"
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

static const char *const reserved[] = { "filters", "loss",   "mid_stream", "opaque",
                                        "timeout", "budget", "priority",   NULL };

enum {
    ROUTE_LIMIT_DEPTH = 64, /* routes that lead into each other */
    ROUTE_LIMIT_LEAVES = 4096,
};

/* -- One route -------------------------------------------------------------------------------- */

/* A target or route by itself is a failover of one. */
static struct config_node *read_bare(struct load *l, const struct config_route *route,
                                     const struct ynode *n)
{
    const struct plugin_part *part = plugin_find(l->registry, PLUGIN_STRATEGY, "failover");
    if (!part) {
        fault_at(&l->faults, &n->at,
                 "a target by itself needs the strategy 'failover', which is not there; install "
                 "failover.so, or write a strategy");
        return NULL;
    }
    return tree_node(l, part, n, n, route->name);
}

static void read_reserved(struct load *l, struct config_route *route, const struct ynode *map)
{
    static const char *const losses[] = { "allow", "strict", NULL };
    static const char *const opaques[] = { "owner", "strip", NULL };
    static const char *const ways[] = { "error", "splice", "continue", NULL };
    g_autofree char *timeout = g_strdup_printf("routes.%s.timeout", route->name);
    g_autofree char *budget = g_strdup_printf("routes.%s.budget", route->name);
    const struct ynode *loss = ynode_get(map, "loss"), *mid = ynode_get(map, "mid_stream");
    const struct ynode *opaque = ynode_get(map, "opaque"), *priority = ynode_get(map, "priority");
    gint64 number;

    filters_read(l, ynode_get(map, "filters"), route->filters);
    settings_timeouts(l, ynode_get(map, "timeout"), timeout, FALSE, &route->timeouts);
    limits_budget(l, ynode_get(map, "budget"), budget, &route->budget);
    if (priority && value_int(&l->faults, priority, "priority", -1000, 1000, &number))
        route->priority = (gint)number;
    if (loss)
        route->strict_loss = value_choice(&l->faults, loss, "loss", losses) == 1;
    if (opaque)
        route->opaque_strip = value_choice(&l->faults, opaque, "opaque", opaques) == 1;
    gint way = mid ? value_choice(&l->faults, mid, "mid_stream", ways) : -1;
    if (way >= 0)
        route->mid_stream = (enum config_mid_stream)way;
}

/* The key of the route's strategy, or NULL with faults noted. */
static const struct ynode *find_strategy(struct load *l, const struct config_route *route,
                                         const struct ynode *map)
{
    const struct ynode *found = NULL;
    gboolean faulty = FALSE;

    for (guint i = 0; i < ynode_count(map); i++) {
        const struct ynode *key = ynode_key_at(map, i);
        if (g_strv_contains(reserved, key->raw))
            continue;
        g_autofree char **names = part_names(l, PLUGIN_STRATEGY, reserved);
        const char *near = config_nearest(key->raw, (const char *const *)names);
        if (found && plugin_find(l->registry, PLUGIN_STRATEGY, key->raw)) {
            fault_at(&l->faults, &key->at,
                     "route '%s' has two strategies, '%s' and '%s'; keep one, or nest one in the "
                     "other",
                     route->name, found->raw, key->raw);
            return NULL;
        }
        if (plugin_find(l->registry, PLUGIN_STRATEGY, key->raw)) {
            found = key;
        } else {
            faulty = TRUE;
            if (near && g_strv_contains(reserved, near))
                fault_at(&l->faults, &key->at, "unknown key '%s' in routes.%s (did you mean '%s'?)",
                         key->raw, route->name, near);
            else
                part_find(l, PLUGIN_STRATEGY, key->raw, &key->at);
        }
    }
    if (!found && !faulty) {
        g_autofree char **names = part_names(l, PLUGIN_STRATEGY, NULL);
        g_autofree char *list = g_strjoinv(", ", names);
        fault_at(&l->faults, &map->at, "route '%s' has no strategy; add one of: %s", route->name,
                 *list ? list : "none is there");
    }
    return found;
}

static void read_route(struct load *l, struct config_route *route, const struct ynode *n)
{
    if (n->bad)
        return;
    if (ynode_is_null(n) || n->kind == YNODE_LIST) {
        fault_at(&l->faults, &n->at,
                 "route '%s' must be a target such as openai/gpt-4o, another route, or a map with "
                 "a strategy such as failover: [a, b]",
                 route->name);
        return;
    }
    if (n->kind == YNODE_SCALAR) {
        route->root = read_bare(l, route, n);
        return;
    }
    read_reserved(l, route, n);
    const struct ynode *key = find_strategy(l, route, n);
    if (key)
        route->root = tree_node(l, plugin_find(l->registry, PLUGIN_STRATEGY, key->raw), key,
                                ynode_get(n, key->raw), route->name);
}

/* -- Names ------------------------------------------------------------------------------------ */

static void check_name(struct load *l, const struct ynode *key)
{
    const char *name = key->raw, *slash = strchr(name, '/');
    const char *wrong = config_name_fault(name, TRUE);
    const struct config_provider *same = config_find_provider(l->config, name);
    g_autofree char *first = slash ? g_strndup(name, (gsize)(slash - name)) : NULL;
    g_autofree char *shown = ynode_show(key);

    if (!wrong && !l->reserved_names && (strcmp(name, "default") == 0 || strcmp(name, "auto") == 0))
        wrong = "is reserved for requests that name no model; choose another";
    if (wrong)
        fault_at(&l->faults, &key->at, "the route name %s %s", shown, wrong);
    else if (same)
        fault_at(&l->faults, &key->at, "%s is a provider already, in %s; rename one of them", shown,
                 same->where);
    else if (first && config_find_provider(l->config, first))
        fault_at(&l->faults, &key->at,
                 "the route name %s would be taken for a model of the provider '%s'; rename it",
                 shown, first);
}

static struct config_route *new_route(struct load *l, const char *name, const struct place *at)
{
    struct config_route *route = g_new0(struct config_route, 1);
    route->name = g_strdup(name);
    route->where = place_text(at);
    route->mid_stream = CONFIG_MID_STREAM_UNSAID;
    route->filters = g_ptr_array_new_with_free_func(config_filter_free);
    g_ptr_array_add(l->config->routes, route);
    return route;
}

/* -- How routes hang together ----------------------------------------------------------------- */

/* What a walk from the root of a route goes through, other routes included. */
struct extent {
    guint depth;  /* routes on the longest way down */
    guint leaves; /* targets, as often as they are reached */
};

struct walk {
    struct load *l;
    GPtrArray *path;  /* of struct config_route: from the first route to the present one */
    GHashTable *done; /* route -> struct extent */
    const struct ynode *map;
};

static struct extent walk_route(struct walk *w, const struct config_route *route);

static void report_cycle(struct walk *w, guint from)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const struct config_route *first = g_ptr_array_index(w->path, from);
    for (guint i = from; i < w->path->len; i++)
        g_string_append_printf(text, "%s -> ",
                               ((const struct config_route *)g_ptr_array_index(w->path, i))->name);
    fault_at(&w->l->faults, &ynode_key(w->map, first->name)->at,
             "the routes %s%s lead in a circle; take one of them out of it", text->str,
             first->name);
}

static struct extent walk_node(struct walk *w, const struct config_node *node)
{
    struct extent all = { 0 };
    for (guint i = 0; node && i < node->children->len; i++) {
        const struct config_child *c = g_ptr_array_index(node->children, i);
        struct extent one = { 0, 1 };
        if (c->kind == CONFIG_NODE)
            one = walk_node(w, c->node);
        else if (c->kind == CONFIG_ROUTE)
            one = walk_route(w, c->route);
        all.depth = MAX(all.depth, one.depth);
        all.leaves = MIN(all.leaves + one.leaves, ROUTE_LIMIT_LEAVES + 1);
    }
    return all;
}

/* A walk must stay short: small files can write enormous trees by naming routes repeatedly. What
 * is too large counts as nothing above, so that it is reported once. */
static void check_extent(struct walk *w, const struct config_route *route, struct extent *e)
{
    if (e->depth <= ROUTE_LIMIT_DEPTH && e->leaves <= ROUTE_LIMIT_LEAVES)
        return;
    const struct ynode *key = ynode_key(w->map, route->name);
    if (e->depth > ROUTE_LIMIT_DEPTH)
        fault_at(&w->l->faults, &key->at,
                 "from route '%s' more than %d routes lead into each other; make the chain shorter",
                 route->name, ROUTE_LIMIT_DEPTH);
    else
        fault_at(&w->l->faults, &key->at,
                 "route '%s' leads to more than %d targets, counted each time they are reached; "
                 "make it smaller",
                 route->name, ROUTE_LIMIT_LEAVES);
    *e = (struct extent){ 0 };
}

static struct extent walk_route(struct walk *w, const struct config_route *route)
{
    const struct extent *known = g_hash_table_lookup(w->done, route);
    guint from;
    if (known)
        return *known;
    if (g_ptr_array_find(w->path, route, &from)) {
        report_cycle(w, from);
        return (struct extent){ 0 };
    }
    struct extent e = { ROUTE_LIMIT_DEPTH + 1, 0 };
    if (w->path->len < ROUTE_LIMIT_DEPTH) {
        g_ptr_array_add(w->path, (gpointer)route);
        e = walk_node(w, route->root);
        e.depth++;
        g_ptr_array_set_size(w->path, (gint)w->path->len - 1);
    }
    check_extent(w, route, &e);
    g_hash_table_insert(w->done, (gpointer)route, g_memdup2(&e, sizeof(e)));
    return e;
}

static void check_walks(struct load *l, const struct ynode *map)
{
    struct walk w = { l, g_ptr_array_new(), g_hash_table_new_full(NULL, NULL, NULL, g_free), map };
    for (guint i = 0; i < l->config->routes->len; i++) {
        struct config_route *route = g_ptr_array_index(l->config->routes, i);
        route->targets = walk_route(&w, route).leaves;
    }
    g_ptr_array_unref(w.path);
    g_hash_table_unref(w.done);
}

/* -- The default ------------------------------------------------------------------------------ */

static void read_default_route(struct load *l, const struct ynode *n)
{
    const char *name = value_text(&l->faults, n, "default_route", "the name of a route");
    if (!name)
        return;
    l->config->default_route = config_find_route(l->config, name);
    if (l->config->default_route)
        return;
    g_autofree char *shown = ynode_show(n);
    if (config_find_provider(l->config, name)) {
        fault_at(&l->faults, &n->at,
                 "default_route: %s is a provider, not a route; write "
                 "default_provider: %s",
                 shown, n->raw);
        return;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < l->config->routes->len; i++)
        g_ptr_array_add(names,
                        ((struct config_route *)g_ptr_array_index(l->config->routes, i))->name);
    g_ptr_array_add(names, NULL);
    g_autofree char *guess = fault_guess_or_list(name, (const char *const *)names->pdata);
    fault_at(&l->faults, &n->at, "default_route: there is no route %s%s", shown, guess);
}

static void read_default_provider(struct load *l, const struct ynode *n)
{
    const char *name = value_text(&l->faults, n, "default_provider", "the name of a provider");
    if (!name)
        return;
    if (!config_find_provider(l->config, name)) {
        g_autofree char *shown = ynode_show(n);
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (guint i = 0; i < l->config->providers->len; i++)
            g_ptr_array_add(
                names,
                ((struct config_provider *)g_ptr_array_index(l->config->providers, i))->name);
        g_ptr_array_add(names, NULL);
        g_autofree char *guess = fault_guess_or_list(name, (const char *const *)names->pdata);
        fault_at(&l->faults, &n->at, "default_provider: there is no provider %s%s", shown, guess);
        return;
    }
    struct config_route *route = new_route(l, "default", &n->at);
    route->root = read_bare(l, route, n);
    l->config->default_route = route;
}

static void read_default(struct load *l, const struct ynode *root)
{
    const struct ynode *route = ynode_get(root, "default_route");
    const struct ynode *provider = ynode_get(root, "default_provider");
    const struct ynode *unknown = ynode_get(root, "unknown_model");

    if (route && provider)
        fault_at(&l->faults, &ynode_key(root, "default_provider")->at,
                 "default_route and default_provider are both set; remove one");
    else if (route)
        read_default_route(l, route);
    else if (provider)
        read_default_provider(l, provider);
    if (l->config->unknown_to_default && !route && !provider)
        fault_at(&l->faults, &unknown->at,
                 "unknown_model: default_route needs a default_route or default_provider; add one");
}

/* What a request gets that asks for a provider by name. */
static void read_direct(struct load *l, const struct ynode *root)
{
    const struct plugin_part *part = plugin_find(l->registry, PLUGIN_STRATEGY, "failover");
    const struct ynode *map = ynode_get(root, "providers");

    for (guint i = 0; part && i < l->config->providers->len; i++) {
        struct config_provider *p = g_ptr_array_index(l->config->providers, i);
        const struct ynode *key = ynode_key(map, p->name);

        if (key)
            p->direct = tree_node(l, part, key, key, p->name);
    }
}

/* Another target takes over where there is one: it sends nothing that does not agree with what was
 * sent, and where it does not agree that shows early. */
static void settle_mid_stream(struct config_route *route)
{
    if (route->mid_stream == CONFIG_MID_STREAM_UNSAID)
        route->mid_stream = route->targets > 1 ? CONFIG_MID_STREAM_SPLICE : CONFIG_MID_STREAM_ERROR;
}

void routes_read(struct load *l, const struct ynode *root)
{
    const struct ynode *map = ynode_get(root, "routes");

    if (schema_is_map(l, map, "routes")) {
        guint first = l->config->routes->len;
        /* All names first: routes may refer to later ones. */
        for (guint i = 0; i < ynode_count(map); i++) {
            check_name(l, ynode_key_at(map, i));
            new_route(l, ynode_key_at(map, i)->raw, &ynode_key_at(map, i)->at);
        }
        for (guint i = 0; i < ynode_count(map); i++)
            read_route(l, g_ptr_array_index(l->config->routes, first + i), ynode_at(map, i));
        check_walks(l, map);
    }
    read_default(l, root);
    read_direct(l, root);
    for (guint i = 0; i < l->config->routes->len; i++)
        settle_mid_stream(g_ptr_array_index(l->config->routes, i));
}
