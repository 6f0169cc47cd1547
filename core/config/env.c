/*
 * env.c - a configuration without a file: what the environment and this machine offer.
 *
 * The result is written as text and loaded like any other, so that there is one reader only.
 */
#include "config/load.h"
#include "config/ollama.h"
#include "plugin/program.h"

#include <string.h>

static const char own_address[] = "127.0.0.1:8080";

struct finder {
    char **env;
    struct plugin_registry *registry;
    GString *providers; /* YAML */
    GString *names;     /* "a, b" */
    GString *told;
    guint count;
};

static void add_provider(struct finder *f, const char *name, const char *plugin, const char *more)
{
    g_string_append_printf(f->providers, "  %s: { plugin: \"%s\"%s }\n", name, plugin, more);
    g_string_append_printf(f->names, "%s%s", f->count++ ? ", " : "", name);
}

/* An address of our own in X_BASE_URL is meant for applications: following it would be a loop. */
static gboolean points_at_us(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (!uri || !g_uri_get_host(uri) || g_uri_get_port(uri) != 8080)
        return FALSE;
    const char *host = g_uri_get_host(uri);
    return strcmp(host, "localhost") == 0 || g_str_has_prefix(host, "127.") ||
           strcmp(host, "::1") == 0 || strcmp(host, "0.0.0.0") == 0;
}

/* ", base_url: ..." if the variable that goes with the key's is set. */
static char *base_url_option(struct finder *f, const char *key_variable)
{
    if (!g_str_has_suffix(key_variable, "_API_KEY"))
        return g_strdup("");
    g_autofree char *variable = g_strdup_printf(
        "%.*s_BASE_URL", (int)(strlen(key_variable) - strlen("_API_KEY")), key_variable);
    const char *url = g_environ_getenv(f->env, variable);
    if (!url || !*url)
        return g_strdup("");
    if (points_at_us(url)) {
        g_string_append_printf(f->told, "%s is the gateway itself; it is not followed.\n",
                               variable);
        return g_strdup("");
    }
    g_string_append_printf(f->told, "Its address is taken from %s.\n", variable);
    return g_strdup_printf(", base_url: \"${%s}\"", variable);
}

static void find_keys(struct finder *f)
{
    g_autoptr(GPtrArray) parts = plugin_parts(f->registry, PLUGIN_PROVIDER);
    for (guint i = 0; i < parts->len; i++) {
        const struct plugin_part *part = g_ptr_array_index(parts, i);
        const char *variable = part->provider.key_variable;
        const char *key = variable ? g_environ_getenv(f->env, variable) : NULL;
        if (!key || !*key || config_name_fault(part->name, FALSE))
            continue;
        g_string_append_printf(f->told, "Provider '%s' is on: %s is set.\n", part->name, variable);
        g_autofree char *url = base_url_option(f, variable);
        g_autofree char *more = g_strdup_printf(", api_key: \"${%s}\"%s", variable, url);
        add_provider(f, part->name, part->name, more);
    }
}

/* -- Ollama ----------------------------------------------------------------------------------- */

/* ", models: [...], default_model: ..." of what it has. */
static char *ollama_models(const struct ollama *o)
{
    GString *more = g_string_new(o->models->len ? ", models: [ " : "");
    for (guint i = 0; i < o->models->len; i++)
        g_string_append_printf(more, "%s\"%s\"", i ? ", " : "",
                               (const char *)g_ptr_array_index(o->models, i));
    g_string_append(more, o->models->len ? " ]" : "");
    if (o->chat_model)
        g_string_append_printf(more, ", default_model: \"%s\"", o->chat_model);
    return g_string_free(more, FALSE);
}

static void tell_ollama(struct finder *f, const struct ollama *o)
{
    g_string_append_printf(f->told, "Provider 'ollama' is on: it answers at %s", o->url);
    if (o->chat_model)
        g_string_append_printf(f->told, ", with %u model%s; '%s' is its default.\n", o->models->len,
                               o->models->len == 1 ? "" : "s", o->chat_model);
    else
        g_string_append(f->told, ", but has no model to chat with; get one, e.g. with 'ollama pull "
                                 "llama3.2'.\n");
}

static void find_ollama(struct finder *f)
{
    g_autofree char *odd = NULL;
    struct ollama *o = ollama_find(f->env, &odd);
    gboolean own = plugin_find(f->registry, PLUGIN_PROVIDER, "ollama") != NULL;
    if (odd)
        g_string_append_printf(f->told, "%s\n", odd);
    if (!o)
        return;
    if (!own && !plugin_find(f->registry, PLUGIN_PROVIDER, "openai")) {
        g_string_append_printf(f->told, "Ollama answers at %s, but no plugin speaks to it.\n",
                               o->url);
    } else {
        g_autofree char *models = ollama_models(o);
        g_autofree char *more =
            g_strdup_printf(", base_url: \"%s%s\"%s", o->url, own ? "" : "/v1", models);
        tell_ollama(f, o);
        add_provider(f, "ollama", own ? "ollama" : "openai", more);
    }
    ollama_free(o);
}

/* -- Together --------------------------------------------------------------------------------- */

static gboolean find_all(struct finder *f, GError **error)
{
    find_keys(f);
    find_ollama(f);
    if (f->count)
        return TRUE;
    if (plugin_find(f->registry, PLUGIN_PROVIDER, "sim")) {
        add_provider(f, "sim", "sim", ", default_model: sim-fast");
        g_string_append(f->told, "No provider key is set and no Ollama answers: the simulator "
                                 "answers, and its answers say so. Set a key such as "
                                 "OPENAI_API_KEY, or write a configuration with 'weir init'.\n");
        return TRUE;
    }
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                "there is no provider: no key is set in the environment, no Ollama answers, and "
                "the simulator's plugin is not there; set a key such as OPENAI_API_KEY, install "
                "the plugins, or write a configuration with 'weir init'");
    return FALSE;
}

struct config *config_from_environment_with(char **env, struct plugin_registry *registry,
                                            char **told, GError **error)
{
    g_auto(GStrv) own = env ? g_strdupv(env) : g_get_environ();
    g_autoptr(GString) providers = g_string_new(NULL);
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GString) sentences = g_string_new(NULL);
    struct finder f = { own, registry, providers, names, sentences, 0 };
    struct config *config = NULL;

    if (find_all(&f, error)) {
        g_autofree char *text = g_strdup_printf("listen: \"%s\"\n"
                                                "providers:\n%s"
                                                "routes: { default: { failover: [ %s ] } }\n"
                                                "default_route: default\n",
                                                own_address, providers->str, names->str);
        struct config_source source = { .path = "environment", .text = text, .env = own };
        config = config_load_own(&source, registry, error);
    }
    if (told)
        *told = g_strdup(sentences->str);
    return config;
}

struct config *config_from_environment(char **env, struct plugin_registry *previous, char **told,
                                       GError **error)
{
    g_auto(GStrv) directories = plugin_search_path(NULL);
    struct plugin_search search = { .directories = (const char *const *)directories,
                                    .quarantined = program_quarantined() };
    g_autoptr(plugin_registry) registry = plugin_scan(&search, previous);
    struct config *config = config_from_environment_with(env, registry, told, error);

    for (char **dir = directories; config && *dir; dir++)
        g_ptr_array_add(config->plugin_dirs, g_strdup(*dir));
    return config;
}
