/*
 * env.c - a configuration without a file: what the environment and this machine offer.
 *
 * The result is written as text and loaded like any other, so that there is one reader only.
 */
#include "config/load.h"
#include "plugin/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OLLAMA_WAIT_MS = 200 };

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

/* Whether something accepts connections there, found out within the limit. */
static gboolean answers(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return FALSE;
    gboolean up = connect(fd, ai->ai_addr, ai->ai_addrlen) == 0;
    if (!up && errno == EINPROGRESS) {
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        int failure = 0;
        socklen_t len = sizeof(failure);
        up = poll(&p, 1, OLLAMA_WAIT_MS) == 1 &&
             getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0 && !failure;
    }
    close(fd);
    return up;
}

static gboolean answers_at(const char *host, guint port)
{
    g_autofree char *service = g_strdup_printf("%u", port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    gboolean up = FALSE;

    if (getaddrinfo(host, service, &hints, &found))
        return FALSE;
    for (const struct addrinfo *ai = found; ai && !up; ai = ai->ai_next)
        up = answers(ai);
    freeaddrinfo(found);
    return up;
}

/* OLLAMA_HOST in any of its forms ("host", "host:port", ":port", a URL) as a URL. NULL: none. */
static GUri *ollama_uri(char **env)
{
    const char *value = g_environ_getenv(env, "OLLAMA_HOST");
    if (!value || !*value)
        value = "127.0.0.1:11434";
    g_autofree char *url = strstr(value, "://") ? g_strdup(value)
                           : *value == ':'      ? g_strdup_printf("http://127.0.0.1%s", value)
                                                : g_strdup_printf("http://%s", value);
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (!uri || !g_uri_get_host(uri) || !*g_uri_get_host(uri))
        return NULL;
    gboolean any = strcmp(g_uri_get_host(uri), "0.0.0.0") == 0;
    gint port = g_uri_get_port(uri) > 0                       ? g_uri_get_port(uri)
                : strcmp(g_uri_get_scheme(uri), "https") == 0 ? 443
                                                              : 11434;
    return g_uri_build(G_URI_FLAGS_NONE, g_uri_get_scheme(uri), NULL,
                       any ? "127.0.0.1" : g_uri_get_host(uri), port, "", NULL, NULL);
}

static void find_ollama(struct finder *f)
{
    g_autoptr(GUri) uri = ollama_uri(f->env);
    if (!uri || !answers_at(g_uri_get_host(uri), (guint)g_uri_get_port(uri)))
        return;
    g_autofree char *url = g_uri_to_string(uri);
    gboolean own = plugin_find(f->registry, PLUGIN_PROVIDER, "ollama") != NULL;
    if (!own && !plugin_find(f->registry, PLUGIN_PROVIDER, "openai")) {
        g_string_append_printf(f->told, "Ollama answers at %s, but no plugin speaks to it.\n", url);
        return;
    }
    g_string_append_printf(f->told, "Provider 'ollama' is on: it answers at %s.\n", url);
    g_autofree char *more = g_strdup_printf(", base_url: \"%s%s\"", url, own ? "" : "/v1");
    add_provider(f, "ollama", own ? "ollama" : "openai", more);
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
