/*
 * load.c - a configuration from its files, in two steps: where plugins are, then everything.
 */
#include "config/load.h"
#include "plugin/program.h"

#include "config/catalogue.h"
#include "config/expand.h"
#include "config/secret.h"

/* Time limits of an attempt unless something else is said. */
static const struct config_timeouts default_timeouts = {
    .connect_us = 10 * G_USEC_PER_SEC,
    .first_byte_us = 60 * G_USEC_PER_SEC,
    .first_token_us = 60 * G_USEC_PER_SEC,
    .idle_us = 60 * G_USEC_PER_SEC,
    .total_us = CONFIG_TOTAL_UNSAID,
};

/* Finds the plugins where the configuration says. */
static struct plugin_registry *scan(struct load *l, struct plugin_registry *previous)
{
    struct config *c = l->config;
    g_ptr_array_add(c->plugin_dirs, NULL);
    g_auto(GStrv) directories = plugin_search_path((const char *const *)c->plugin_dirs->pdata);
    g_ptr_array_set_size(c->plugin_dirs, 0);
    for (char **dir = directories; *dir; dir++)
        g_ptr_array_add(c->plugin_dirs, g_strdup(*dir));

    struct plugin_search search = { .directories = (const char *const *)directories,
                                    .pins = c->plugin_pins,
                                    .quarantined = program_quarantined() };
    return plugin_scan(&search, previous);
}

static void fill(struct load *l, const struct ynode *root)
{
    settings_read(l, root);
    tenants_read(l, root);
    filters_read(l, ynode_get(root, "filters"), l->config->filters);
    catalogues_read(l, root);
    providers_read(l, ynode_get(root, "providers"));
    routes_read(l, root);
    keys_read(l, root);
}

/* `registry` NULL: the plugins are looked for, `previous` lends its images. */
static struct config *load(const struct config_source *source, struct plugin_registry *registry,
                           struct plugin_registry *previous, gboolean own, GError **error)
{
    struct load l = { .timeouts = default_timeouts, .reserved_names = own };
    g_autoptr(config_t) config = config_new();
    g_autoptr(ytree) tree = ytree_new();
    g_auto(GStrv) env = source->env ? g_strdupv(source->env) : g_get_environ();

    l.config = config;
    l.tree = tree;
    l.env = env;
    faults_init(&l.faults);
    struct ynode *root = files_read(&l, source, error);
    if (root) {
        expand_tree(tree, env, config->secrets, &l.faults);
        settings_plugins(&l, root);
        config->plugins = registry ? plugin_registry_ref(registry) : scan(&l, previous);
        l.registry = config->plugins;
        fill(&l, root);
    }
    guint wrong = faults_count(&l.faults);
    secret_sort(config->secrets);
    if (wrong) {
        g_autofree char *all = faults_text(&l.faults);
        g_autofree char *text = secret_hide(config->secrets, all);
        g_set_error_literal(error, CONFIG_ERROR, root ? CONFIG_ERROR_INVALID : CONFIG_ERROR_SYNTAX,
                            text);
    }
    faults_clear(&l.faults);
    g_clear_pointer(&l.kept, g_hash_table_unref);
    return root && !wrong ? g_steal_pointer(&config) : NULL;
}

struct config *config_load(const struct config_source *source, struct plugin_registry *previous,
                           GError **error)
{
    return load(source, NULL, previous, FALSE, error);
}

struct config *config_load_with(const struct config_source *source,
                                struct plugin_registry *registry, GError **error)
{
    return load(source, registry, NULL, FALSE, error);
}

struct config *config_load_own(const struct config_source *source, struct plugin_registry *registry,
                               GError **error)
{
    return load(source, registry, NULL, TRUE, error);
}
