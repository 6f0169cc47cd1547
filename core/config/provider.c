/*
 * provider.c - `providers:` and what may stand in each.
 */
#include "base/str.h"
#include "config/catalogue.h"
#include "config/options.h"
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

#define AT(member) G_STRUCT_OFFSET(struct config_provider, member)

static const struct key provider_keys[] = {
    { "plugin", KEY_OTHER, 0, 0, 0 },
    { "api_key", KEY_OTHER, 0, 0, 0 },
    { "base_url", KEY_OTHER, 0, 0, 0 },
    { "timeout", KEY_OTHER, 0, 0, 0 },
    { "max_retries", KEY_INT, AT(max_retries), 0, 100 },
    { "default_model", KEY_STRING, AT(default_model), 0, 0 },
    { "model_aliases", KEY_OTHER, 0, 0, 0 },
    { "models", KEY_OTHER, 0, 0, 0 },
    { "list_models", KEY_BOOL, AT(list_models), 0, 0 },
    { "vendor", KEY_OTHER, 0, 0, 0 },
    { "catalogue", KEY_OTHER, 0, 0, 0 },
    { "rate_limit", KEY_OTHER, 0, 0, 0 },
    { "breaker", KEY_OTHER, 0, 0, 0 },
    { "max_connections", KEY_UINT, AT(max_connections), 0, 1000000 },
    { "proxy", KEY_STRING, AT(proxy), 0, 0 },
    { "ca_file", KEY_OTHER, 0, 0, 0 },
    { "insecure", KEY_BOOL, AT(insecure), 0, 0 },
};

#undef AT

static gboolean url_is_good(const char *url, GUri *uri)
{
    if (!uri || !g_uri_get_host(uri) || !*g_uri_get_host(uri))
        return FALSE;
    const char *scheme = g_uri_get_scheme(uri);
    return (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && !g_uri_get_query(uri) &&
           !g_uri_get_fragment(uri) && !strpbrk(url, " \t\r\n");
}

static void read_base_url(struct load *l, struct config_provider *p, const struct ynode *map,
                          const struct place *at, const char *what)
{
    const struct ynode *n = ynode_get(map, "base_url");
    g_autofree char *name = g_strdup_printf("%s.base_url", what);
    const char *form = "an address such as https://api.example.com/v1";
    const char *url =
        n ? value_text(&l->faults, n, name, form) : p->part->provider.default_base_url;

    if (!url && n)
        return;
    if (!url) {
        fault_at(&l->faults, at,
                 "%s needs 'base_url': the plugin '%s' has no address of its own; add it", what,
                 p->part->name);
        return;
    }
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (uri && g_uri_get_userinfo(uri)) {
        fault_at(&l->faults, n ? &n->at : at,
                 "%s holds a user name or password; write the key as api_key: ${NAME}", name);
        return;
    }
    if (!url_is_good(url, uri)) {
        g_autofree char *shown = n ? ynode_show(n) : g_strdup("the plugin's own");
        fault_at(&l->faults, n ? &n->at : at,
                 "%s must be %s, beginning with http:// or https:// and without ? or #, not %s",
                 name, form, shown);
        return;
    }
    p->base_url = g_strdup(url);
    for (gsize len = strlen(url); p->base_url[len - 1] == '/'; len--)
        p->base_url[len - 1] = 0;
}

static void read_api_key(struct load *l, struct config_provider *p, const struct ynode *map,
                         const char *what)
{
    const struct ynode *n = ynode_get(map, "api_key");
    g_autofree char *name = g_strdup_printf("%s.api_key", what);

    if (!n || !value_secret(&l->faults, n, name, l->config->secrets, &p->api_key) || !p->api_key)
        return;
    for (const char *c = p->api_key; *c; c++) {
        if ((unsigned char)*c >= ' ' && *c != 127)
            continue;
        fault_at(&l->faults, &n->at,
                 "%s holds a line break or another control character; a key is "
                 "one line",
                 name);
        return;
    }
}

static void free_model_timeouts(gpointer timeouts)
{
    struct config_model_timeouts *t = timeouts;

    g_free(t->model);
    g_free(t);
}

static void read_model_timeouts(struct load *l, struct config_provider *p,
                                const struct ynode *entry, const char *model, const char *what)
{
    const struct ynode *n = ynode_get(entry, "timeout");
    g_autofree char *name = g_strdup_printf("%s.timeout", what);
    struct config_model_timeouts *t;

    if (!n)
        return;
    t = g_new0(struct config_model_timeouts, 1);
    t->model = g_strdup(model);
    settings_timeouts(l, n, name, FALSE, &t->timeouts);
    g_ptr_array_add(p->model_timeouts, t);
}

/* Its own name before patterns, and these in their order. */
const struct config_timeouts *config_model_timeouts(const struct config_provider *p, weir_str model)
{
    const struct config_timeouts *found = NULL;

    for (guint i = 0; i < p->model_timeouts->len; i++) {
        const struct config_model_timeouts *t = g_ptr_array_index(p->model_timeouts, i);

        if (str_is(model, t->model))
            return &t->timeouts;
        if (!found && str_glob(model, str_of(t->model)))
            found = &t->timeouts;
    }
    return found;
}

/* A list of names and patterns, each by itself or as a map with more about it; or one of them. */
static void read_model_list(struct load *l, struct config_provider *p, const struct ynode *n,
                            const char *what)
{
    guint count = n->kind == YNODE_LIST ? ynode_count(n) : 1;

    for (guint i = 0; !ynode_is_null(n) && i < count; i++) {
        const struct ynode *item = n->kind == YNODE_LIST ? ynode_at(n, i) : n;
        g_autofree char *entry = g_strdup_printf("%s[%u]", what, i);
        char *name =
            item->kind == YNODE_MAP
                ? provider_model_entry(l, p, item, entry)
                : g_strdup(value_text(&l->faults, item, what, "a text or a list of texts"));

        if (name && item->kind == YNODE_MAP)
            read_model_timeouts(l, p, item, name, entry);
        if (name)
            g_ptr_array_add(p->models, name);
    }
}

static void read_models(struct load *l, struct config_provider *p, const struct ynode *map,
                        const char *what)
{
    const struct ynode *models = ynode_get(map, "models");
    const struct ynode *aliases = ynode_get(map, "model_aliases");
    g_autofree char *models_name = g_strdup_printf("%s.models", what);
    g_autofree char *aliases_name = g_strdup_printf("%s.model_aliases", what);

    p->models = g_ptr_array_new_with_free_func(g_free);
    p->details = g_ptr_array_new_with_free_func(catalogue_entry_free);
    p->model_timeouts = g_ptr_array_new_with_free_func(free_model_timeouts);
    if (models)
        read_model_list(l, p, models, models_name);
    provider_catalogue(l, p, map, what);
    p->aliases = aliases ? value_string_map(&l->faults, aliases, aliases_name) : NULL;
    if (!p->aliases)
        p->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const char *real = p->default_model ? g_hash_table_lookup(p->aliases, p->default_model) : NULL;
    if (real) {
        g_free(p->default_model);
        p->default_model = g_strdup(real);
    }
}

static void read_general(struct load *l, struct config_provider *p, const struct ynode *key,
                         const struct ynode *map, const char *what)
{
    g_autofree char *timeout = g_strdup_printf("%s.timeout", what);
    g_autofree char *rate = g_strdup_printf("%s.rate_limit", what);
    g_autofree char *breaker = g_strdup_printf("%s.breaker", what);
    const struct ynode *ca_file = ynode_get(map, "ca_file");

    schema_read(l, map, what, provider_keys, G_N_ELEMENTS(provider_keys), p->part, p);
    limits_rate(l, ynode_get(map, "rate_limit"), rate, &p->rate);
    limits_breaker(l, ynode_get(map, "breaker"), breaker, &p->breaker);
    settings_timeouts(l, ynode_get(map, "timeout"), timeout, TRUE, &p->timeouts);
    read_base_url(l, p, map, &key->at, what);
    read_api_key(l, p, map, what);
    read_models(l, p, map, what);
    provider_vendor(l, p, map, what);
    if (ca_file) {
        const char *path = value_text(&l->faults, ca_file, "ca_file", "a path");
        p->ca_file = path ? value_path(&ca_file->at, path) : NULL;
        if (p->ca_file && !g_file_test(p->ca_file, G_FILE_TEST_IS_REGULAR))
            fault_at(&l->faults, &ca_file->at, "%s.ca_file: there is no file %s; correct the path",
                     what, p->ca_file);
    }
}

static const struct plugin_part *read_part(struct load *l, const char *name,
                                           const struct ynode *key, const struct ynode *map)
{
    const struct ynode *n = ynode_get(map, "plugin");
    const char *plugin = n ? value_text(&l->faults, n, "plugin", "the name of a plugin") : name;
    if (!plugin)
        return NULL;
    return part_find(l, PLUGIN_PROVIDER, plugin, n ? &n->at : &key->at);
}

static gboolean name_is_good(struct load *l, const struct ynode *key)
{
    const char *wrong = config_name_fault(key->raw, FALSE);
    if (!wrong && (strcmp(key->raw, "default") == 0 || strcmp(key->raw, "auto") == 0))
        wrong = "is reserved for requests that name no model; choose another";
    if (!wrong)
        return TRUE;
    g_autofree char *shown = ynode_show(key);
    fault_at(&l->faults, &key->at, "the provider name %s %s", shown, wrong);
    return FALSE;
}

static void read_provider(struct load *l, const struct ynode *key, const struct ynode *map)
{
    struct config_provider *p = g_new0(struct config_provider, 1);
    g_autofree char *what = g_strdup_printf("providers.%s", key->raw);
    /* Kept even when it is faulty, so that references to it are not reported as well. */
    g_ptr_array_add(l->config->providers, p);
    p->name = g_strdup(key->raw);
    p->where = place_text(&key->at);
    p->max_retries = -1;
    p->list_models = TRUE;
    p->timeouts = l->timeouts;
    p->breaker = l->config->breaker;

    gboolean is_map = schema_is_map(l, map, what);
    if (!name_is_good(l, key) || (!is_map && !ynode_is_null(map)))
        return;
    if (!is_map)
        map = NULL;
    p->part = read_part(l, p->name, key, map);
    if (!p->part)
        return;
    read_general(l, p, key, map, what);
    json_t *options = p->part->stand_in ? json_object()
                                        : options_read(l, p->part->options, p->part->option_count,
                                                       map, &key->at, what, NULL);
    if (options)
        p->options = options_text(options);
    json_decref(options);
}

void providers_read(struct load *l, const struct ynode *map)
{
    if (!schema_is_map(l, map, "providers"))
        return;
    for (guint i = 0; i < ynode_count(map); i++)
        read_provider(l, ynode_key_at(map, i), ynode_at(map, i));
}
