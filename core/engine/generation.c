/*
 * generation.c - see generation.h.
 */
#include "engine/generation.h"
#include "base/str.h"
#include "plugin/configure.h"
#include "transport/http.h"

static uint32_t literal_length(const char *pattern)
{
    uint32_t n = 0;
    bool capture = false;

    for (const char *p = pattern; *p; p++) {
        if (*p == '{')
            capture = true;
        n += !capture && *p != '*';
        if (*p == '}')
            capture = false;
    }
    return n;
}

static int by_literal(gconstpointer a, gconstpointer b)
{
    const struct endpoint *x = a, *y = b;

    if (x->literal != y->literal)
        return x->literal > y->literal ? -1 : 1;
    return (y->abi->when_header != NULL) - (x->abi->when_header != NULL);
}

static void dialect_free(gpointer data)
{
    struct dialect *d = data;

    if (d->cfg)
        d->face->release(d->cfg);
    plugin_host_free(d->host);
    g_free(d);
}

static bool add_dialect(struct generation *g, const struct plugin_part *part, GError **error)
{
    struct dialect *d = g_new0(struct dialect, 1);
    const char *options = g_hash_table_lookup(g->config->dialect_options, part->name);

    g_ptr_array_add(g->dialects, d);
    d->part = part;
    d->face = &part->dialect;
    d->name = g_intern_string(part->name);
    d->host = plugin_host_new(part, part->name);
    for (uint32_t i = 0; i < part->endpoint_count; i++) {
        const char *pattern = part->endpoints[i].pattern;
        struct endpoint e = { d, &part->endpoints[i], i, literal_length(pattern),
                              !strpbrk(pattern, "{*") };
        g_array_append_val(g->endpoints, e);
    }
    return plugin_configure(part, d->host, options, "dialects", &d->cfg, error);
}

static void filter_free(gpointer data)
{
    struct filter *f = data;

    if (f->cfg)
        f->face->release(f->cfg);
    plugin_host_free(f->host);
    g_free(f);
}

static bool add_filters(struct generation *g, const GPtrArray *list, const struct route *route,
                        GError **error)
{
    for (guint i = 0; list && i < list->len; i++) {
        const struct config_filter *config = g_ptr_array_index(list, i);
        struct filter *f = g_new0(struct filter, 1);

        g_ptr_array_add(g->filters, f);
        f->part = config->part;
        f->face = &config->part->filter;
        f->config = config;
        f->route = route;
        f->host = plugin_host_new(f->part, route ? route->name : "filters");
        if (!plugin_configure(f->part, f->host, config->options, config->where, &f->cfg, error))
            return false;
    }
    return true;
}

static void add_tenants(struct generation *g)
{
    const GPtrArray *all = g->config->tenants;

    if (!all || !all->len)
        return;
    g->tenants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    for (guint i = 0; i < all->len; i++) {
        const struct config_tenant *config = g_ptr_array_index(all, i);
        struct tenant *t = g_new0(struct tenant, 1);

        t->config = config;
        t->limits = limit_pair(&config->rule, "tenant", str_of(config->name), S(""));
        g_hash_table_insert(g->tenants, config->name, t);
    }
}

static bool fill(struct generation *g, GError **error)
{
    g_autoptr(GPtrArray) parts = plugin_parts(g->config->plugins, PLUGIN_DIALECT);

    g->tree = tree_build(g->config, error);
    if (!g->tree)
        return false;
    for (guint i = 0; i < parts->len; i++) {
        if (!add_dialect(g, g_ptr_array_index(parts, i), error))
            return false;
    }
    g_array_sort(g->endpoints, by_literal);
    add_tenants(g);
    if (!add_filters(g, g->config->filters, NULL, error))
        return false;
    for (guint i = 0; i < g->tree->routes->len; i++) {
        const struct route *route = g_ptr_array_index(g->tree->routes, i);

        if (!add_filters(g, route->config->filters, route, error))
            return false;
    }
    if (g->config->default_route)
        g->default_route = tree_route(g->tree, str_of(g->config->default_route->name));
    tree_adopt(g->tree);
    return true;
}

/* The last exchange of a generation may end on any worker, while the control thread makes the next
 * generation: parts are promised that configure and release run on one thread at a time. */
static GMutex init_lock;

static void free_generation(struct generation *g)
{
    if (g->tenants)
        g_hash_table_unref(g->tenants);
    g_array_unref(g->endpoints);
    g_ptr_array_unref(g->filters);
    g_ptr_array_unref(g->dialects);
    tree_free(g->tree);
    config_unref(g->config);
    g_free(g);
}

struct generation *generation_new(struct config *config, GError **error)
{
    static gint numbers;
    struct generation *g = g_new0(struct generation, 1);
    bool good;

    g->ref_count = 1;
    g->number = (uint32_t)g_atomic_int_add(&numbers, 1) + 1;
    g->config = config_ref(config);
    g->dialects = g_ptr_array_new_with_free_func(dialect_free);
    g->filters = g_ptr_array_new_with_free_func(filter_free);
    g->endpoints = g_array_new(FALSE, FALSE, sizeof(struct endpoint));
    g->log_each = config->access_log != CONFIG_LOG_OFF;
    g_mutex_lock(&init_lock);
    good = fill(g, error);
    if (!good)
        free_generation(g);
    g_mutex_unlock(&init_lock);
    if (!good)
        return NULL;
    return g;
}

struct generation *generation_ref(struct generation *g)
{
    g_atomic_int_inc(&g->ref_count);
    return g;
}

void generation_unref(struct generation *g)
{
    if (!g || !g_atomic_int_dec_and_test(&g->ref_count))
        return;
    g_mutex_lock(&init_lock);
    free_generation(g);
    g_mutex_unlock(&init_lock);
}

/* -- matching --------------------------------------------------------------------------------- */

/* A capture runs to the end of its segment, or to the last `stop` in it: names may hold colons. */
static size_t capture_end(weir_str path, size_t at, char stop)
{
    size_t last = SIZE_MAX;

    for (; at < path.len && path.ptr[at] != '/'; at++) {
        if (stop && path.ptr[at] == stop)
            last = at;
    }
    return last == SIZE_MAX ? at : last;
}

/* Matches a path against a pattern. */
static bool match_path(const char *p, weir_str path, struct endpoint_match *m)
{
    size_t at = 0;

    m->capture_count = 0;
    while (*p) {
        if (*p == '{') {
            const char *close = strchr(p, '}');
            size_t from = at;
            char stop = close ? close[1] : '\0';

            if (!close || m->capture_count == ENDPOINT_CAPTURES)
                return false;
            at = capture_end(path, at, stop);
            if (at == from)
                return false;
            m->captures[m->capture_count++] = (weir_str){ path.ptr + from, at - from };
            p = close + 1;
        } else if (strcmp(p, "**") == 0) {
            return true;
        } else {
            if (at == path.len || path.ptr[at] != *p)
                return false;
            at++, p++;
        }
    }
    return at == path.len;
}

static bool has_header(const char *name, const weir_header *headers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (http_name_is(headers[i].name, name))
            return true;
    }
    return false;
}

unsigned generation_match(const struct generation *g, weir_str method, weir_str path,
                          const weir_header *headers, uint32_t header_count,
                          struct endpoint_match *match)
{
    bool known = false;

    for (guint i = 0; i < g->endpoints->len; i++) {
        const struct endpoint *e = &g_array_index(g->endpoints, struct endpoint, i);

        if (path.len < e->literal || (e->exact && path.len != e->literal))
            continue;
        if (!match_path(e->abi->pattern, path, match))
            continue;
        if (e->abi->when_header && !has_header(e->abi->when_header, headers, header_count))
            continue;
        known = true;
        if (strcmp(e->abi->method, "*") != 0 && !str_is(method, e->abi->method) &&
            !(str_is(method, "HEAD") && strcmp(e->abi->method, "GET") == 0))
            continue; /* HEAD is GET; the transport leaves the body out */
        match->endpoint = e;
        return 200;
    }
    return known ? 405 : 404;
}

const struct dialect *generation_dialect(const struct generation *g, const char *id)
{
    for (guint i = 0; i < g->dialects->len; i++) {
        const struct dialect *d = g_ptr_array_index(g->dialects, i);

        if (strcmp(d->face->id, id) == 0)
            return d;
    }
    return NULL;
}
