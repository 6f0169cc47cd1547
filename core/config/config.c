/*
 * config.c - the life of a configuration, and finding things in it.
 */
#include "config/load.h"

#include <string.h>

G_DEFINE_QUARK(weir - config - error, config_error)

void config_child_free(gpointer p)
{
    struct config_child *c = p;
    if (!c)
        return;
    config_node_free(c->node);
    g_free(c->model);
    g_free(c->name);
    g_free(c->where);
    g_free(c);
}

void config_node_free(gpointer p)
{
    struct config_node *n = p;
    if (!n)
        return;
    g_clear_pointer(&n->children, g_ptr_array_unref);
    g_free(n->options);
    g_free(n->path);
    g_free(n->where);
    g_free(n);
}

void config_filter_free(gpointer p)
{
    struct config_filter *f = p;
    g_free(f->options);
    g_free(f->where);
    g_free(f);
}

void config_route_free(gpointer p)
{
    struct config_route *r = p;
    config_node_free(r->root);
    g_clear_pointer(&r->filters, g_ptr_array_unref);
    g_free(r->name);
    g_free(r->where);
    g_free(r);
}

void config_provider_free(gpointer p)
{
    struct config_provider *c = p;
    config_node_free(c->direct);
    g_free(c->name);
    g_free(c->base_url);
    g_free(c->api_key);
    g_free(c->default_model);
    g_clear_pointer(&c->aliases, g_hash_table_unref);
    g_clear_pointer(&c->models, g_ptr_array_unref);
    g_clear_pointer(&c->details, g_ptr_array_unref);
    g_clear_pointer(&c->model_timeouts, g_ptr_array_unref);
    g_free(c->vendor);
    g_free(c->proxy);
    g_free(c->ca_file);
    g_free(c->options);
    g_free(c->where);
    g_free(c);
}

static GHashTable *string_map(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

struct config *config_new(void)
{
    struct config *c = g_new0(struct config, 1);
    c->ref_count = 1;
    c->snapshot = g_string_new(NULL);
    c->files = g_ptr_array_new_with_free_func(g_free);
    c->listen = g_ptr_array_new_with_free_func(g_free);
    c->admin_listen = g_ptr_array_new_with_free_func(g_free);
    c->keys = g_ptr_array_new_with_free_func(config_key_free);
    c->workers = CLAMP(g_get_num_processors(), 1, 64);
    c->plugin_dirs = g_ptr_array_new_with_free_func(g_free);
    c->plugin_pins = string_map();
    c->providers = g_ptr_array_new_with_free_func(config_provider_free);
    c->routes = g_ptr_array_new_with_free_func(config_route_free);
    c->filters = g_ptr_array_new_with_free_func(config_filter_free);
    c->head_bytes = 64 << 10;
    c->json_bytes = 64 << 20;
    c->hold_bytes = 8 << 20;
    c->forward_bytes = 512 << 20;
    c->head_us = 10 * G_USEC_PER_SEC;
    c->body_us = 30 * G_USEC_PER_SEC;
    c->idle_us = 75 * G_USEC_PER_SEC;
    c->write_us = 60 * G_USEC_PER_SEC;
    c->drain_us = 30 * G_USEC_PER_SEC;
    c->connections = 10000;
    c->queue = 1000;
    c->shadows = 100;
    c->owners = 100000;
    c->owner_us = G_GINT64_CONSTANT(30) * 24 * 3600 * G_USEC_PER_SEC;
    c->wait_us = 30 * G_USEC_PER_SEC;
    c->breaker = (struct target_breaker){
        .failures = 5,
        .rate_percent = 50,
        .requests = 20,
        .window_us = 30 * G_USEC_PER_SEC,
        .cooldown_us = 2 * G_USEC_PER_SEC,
        .cooldown_max_us = 10 * G_USEC_PER_SEC,
    };
    c->tenants = g_ptr_array_new_with_free_func(config_tenant_free);
    c->access_log = CONFIG_LOG_STDERR;
    c->log_levels = g_strdup("info");
    c->dialect_options = string_map();
    c->tag_headers = string_map();
    c->catalogues = g_ptr_array_new_with_free_func((GDestroyNotify)catalogue_free);
    c->models_refresh_us = 600 * G_USEC_PER_SEC;
    c->secrets = g_ptr_array_new_with_free_func(g_free);
    return c;
}

struct config *config_ref(struct config *c)
{
    g_atomic_int_inc(&c->ref_count);
    return c;
}

void config_unref(struct config *c)
{
    if (!c || !g_atomic_int_dec_and_test(&c->ref_count))
        return;
    g_string_free(c->snapshot, TRUE);
    g_ptr_array_unref(c->files);
    g_ptr_array_unref(c->listen);
    g_ptr_array_unref(c->admin_listen);
    g_ptr_array_unref(c->keys);
    g_strfreev(c->hosts);
    g_strfreev(c->origins);
    g_ptr_array_unref(c->plugin_dirs);
    g_hash_table_unref(c->plugin_pins);
    g_ptr_array_unref(c->routes);
    g_ptr_array_unref(c->filters);
    g_ptr_array_unref(c->providers);
    g_free(c->access_file);
    g_free(c->log_levels);
    g_free(c->decisions_file);
    g_hash_table_unref(c->dialect_options);
    g_hash_table_unref(c->tag_headers);
    g_free(c->tenant_header);
    g_ptr_array_unref(c->tenants);
    g_ptr_array_unref(c->catalogues);
    g_free(c->catalogue_file);
    g_ptr_array_unref(c->secrets);
    if (c->plugins)
        plugin_registry_unref(c->plugins);
    g_free(c);
}

struct config_budget config_budget_of(const struct config *c, const struct config_route *route)
{
    const struct config_budget *general = &c->budget, *own = route ? &route->budget : general;
    struct config_budget b = { 600 * G_USEC_PER_SEC, 16, 0 };

    if (own->deadline_us || general->deadline_us)
        b.deadline_us = own->deadline_us ? own->deadline_us : general->deadline_us;
    if (own->attempts || general->attempts)
        b.attempts = own->attempts ? own->attempts : general->attempts;
    b.money = own->money ? own->money : general->money;
    return b;
}

const struct config_provider *config_find_provider(const struct config *c, const char *name)
{
    for (guint i = 0; i < c->providers->len; i++) {
        const struct config_provider *p = g_ptr_array_index(c->providers, i);
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

const struct config_route *config_find_route(const struct config *c, const char *name)
{
    for (guint i = 0; i < c->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(c->routes, i);
        if (strcmp(r->name, name) == 0)
            return r;
    }
    return NULL;
}

const char *config_name_fault(const char *name, gboolean slash_allowed)
{
    if (!*name)
        return "is empty";
    if (strlen(name) > 128)
        return "is longer than 128 bytes";
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("._-", *p) && !(slash_allowed && strchr("/:", *p)))
            return slash_allowed ? "may hold letters, digits and . _ - / : only"
                                 : "may hold letters, digits and . _ - only";
    return NULL;
}

char *config_find_file(void)
{
    g_autofree char *own = g_build_filename(g_get_user_config_dir(), "weir", "weir.yaml", NULL);
    const char *const places[] = { "weir.yaml", own, "/etc/weir/weir.yaml" };
    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        if (g_file_test(places[i], G_FILE_TEST_IS_REGULAR))
            return g_strdup(places[i]);
    return NULL;
}
