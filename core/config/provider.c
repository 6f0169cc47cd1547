/*
 * provider.c - `providers:` and what may stand in each.
 */
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
    { "rate_limit", KEY_OTHER, 0, 0, 0 },
    { "max_connections", KEY_UINT, AT(max_connections), 0, 1000000 },
    { "proxy", KEY_STRING, AT(proxy), 0, 0 },
    { "ca_file", KEY_OTHER, 0, 0, 0 },
    { "insecure", KEY_BOOL, AT(insecure), 0, 0 },
};

static const struct key rate_keys[] = {
    { "requests_per_minute", KEY_INT64, AT(requests_per_minute), 0, 0 },
    { "tokens_per_minute", KEY_INT64, AT(tokens_per_minute), 0, 0 },
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

static void read_models(struct load *l, struct config_provider *p, const struct ynode *map,
                        const char *what)
{
    const struct ynode *models = ynode_get(map, "models");
    const struct ynode *aliases = ynode_get(map, "model_aliases");
    g_autofree char *models_name = g_strdup_printf("%s.models", what);
    g_autofree char *aliases_name = g_strdup_printf("%s.model_aliases", what);

    p->models = models ? value_strings(&l->faults, models, models_name) : NULL;
    if (!p->models)
        p->models = g_ptr_array_new_with_free_func(g_free);
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
    const struct ynode *ca_file = ynode_get(map, "ca_file");

    schema_read(l, map, what, provider_keys, G_N_ELEMENTS(provider_keys), p->part, p);
    schema_read(l, ynode_get(map, "rate_limit"), rate, rate_keys, G_N_ELEMENTS(rate_keys), NULL, p);
    settings_timeouts(l, ynode_get(map, "timeout"), timeout, TRUE, &p->timeouts);
    read_base_url(l, p, map, &key->at, what);
    read_api_key(l, p, map, what);
    read_models(l, p, map, what);
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
    p->timeouts = l->timeouts;

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
