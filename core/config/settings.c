/*
 * settings.c - the keys at the top: where to listen, limits, log, plugins, dialects.
 */
#include "config/options.h"
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

#define AT(member)   G_STRUCT_OFFSET(struct config, member)
#define TIME(member) G_STRUCT_OFFSET(struct config_timeouts, member)

static const struct key top_keys[] = {
    { "listen", KEY_OTHER, 0, 0, 0 },
    { "admin", KEY_OTHER, 0, 0, 0 },
    { "auth", KEY_OTHER, 0, 0, 0 },
    { "keys", KEY_OTHER, 0, 0, 0 },
    { "allowed_hosts", KEY_OTHER, 0, 0, 0 },
    { "allowed_origins", KEY_OTHER, 0, 0, 0 },
    { "workers", KEY_UINT, AT(workers), 1, 64 },
    { "providers", KEY_OTHER, 0, 0, 0 },
    { "routes", KEY_OTHER, 0, 0, 0 },
    { "default_route", KEY_OTHER, 0, 0, 0 },
    { "default_provider", KEY_OTHER, 0, 0, 0 },
    { "unknown_model", KEY_OTHER, 0, 0, 0 },
    { "expose", KEY_OTHER, 0, 0, 0 },
    { "plugins", KEY_OTHER, 0, 0, 0 },
    { "limits", KEY_OTHER, 0, 0, 0 },
    { "breaker", KEY_OTHER, 0, 0, 0 },
    { "budget", KEY_OTHER, 0, 0, 0 },
    { "tenants", KEY_OTHER, 0, 0, 0 },
    { "log", KEY_OTHER, 0, 0, 0 },
    { "filters", KEY_OTHER, 0, 0, 0 },
    { "dialects", KEY_OTHER, 0, 0, 0 },
    { "tags", KEY_OTHER, 0, 0, 0 },
    { "tenant_header", KEY_OTHER, 0, 0, 0 },
    { "timeout", KEY_OTHER, 0, 0, 0 },
    { "catalogue", KEY_OTHER, 0, 0, 0 },
    { "models_refresh", KEY_DURATION, AT(models_refresh_us), 0, 0 },
};

static const struct key limit_keys[] = {
    { "head_size", KEY_SIZE, AT(head_bytes), 1 << 10, 16 << 20 },
    { "json_size", KEY_SIZE, AT(json_bytes), 1 << 10, 2147483647 },
    { "hold_size", KEY_SIZE, AT(hold_bytes), 1 << 10, 2147483647 },
    { "forward_size", KEY_SIZE64, AT(forward_bytes), 0, 0 },
    { "head_timeout", KEY_DURATION, AT(head_us), 0, 0 },
    { "body_timeout", KEY_DURATION, AT(body_us), 0, 0 },
    { "idle_timeout", KEY_DURATION, AT(idle_us), 0, 0 },
    { "write_timeout", KEY_DURATION, AT(write_us), 0, 0 },
    { "drain_timeout", KEY_DURATION, AT(drain_us), 0, 0 },
    { "connections", KEY_UINT, AT(connections), 1, 1000000 },
    { "queue", KEY_UINT, AT(queue), 0, 1000000 },
    { "wait", KEY_DURATION, AT(wait_us), 0, 0 },
    { "shadows", KEY_UINT, AT(shadows), 0, 1000000 },
    { "owners", KEY_UINT, AT(owners), 0, 10000000 },
    { "owner_ttl", KEY_DURATION, AT(owner_us), 0, 0 },
};

static const struct key timeout_keys[] = {
    { "connect", KEY_DURATION, TIME(connect_us), 0, 0 },
    { "first_byte", KEY_DURATION, TIME(first_byte_us), 0, 0 },
    { "first_token", KEY_DURATION, TIME(first_token_us), 0, 0 },
    { "idle", KEY_DURATION, TIME(idle_us), 0, 0 },
    { "total", KEY_DURATION, TIME(total_us), 0, 0 },
};

static const struct key log_keys[] = {
    { "access", KEY_OTHER, 0, 0, 0 },
    { "level", KEY_OTHER, 0, 0, 0 },
    { "decisions", KEY_OTHER, 0, 0, 0 },
    { "decisions_text", KEY_BOOL, AT(decisions_text), 0, 0 },
};

static const struct key plugin_keys[] = {
    { "path", KEY_OTHER, 0, 0, 0 },
    { "pins", KEY_OTHER, 0, 0, 0 },
};

#undef AT
#undef TIME

#define READ(l, map, what, keys, to) schema_read(l, map, what, keys, G_N_ELEMENTS(keys), NULL, to)

void settings_timeouts(struct load *l, const struct ynode *n, const char *what,
                       gboolean none_allowed, struct config_timeouts *out)
{
    if (!n)
        return;
    if (n->kind == YNODE_SCALAR)
        value_duration(&l->faults, n, what, &out->total_us);
    else
        READ(l, n, what, timeout_keys, out);
    if (none_allowed)
        return;
    /* On a route or a model 0 would read as "no limit" but means "the provider's". */
    for (guint i = 0; i < G_N_ELEMENTS(timeout_keys); i++) {
        const struct ynode *limit = n->kind == YNODE_MAP ? ynode_get(n, timeout_keys[i].name) : n;
        gint64 us;
        if (limit && limit->kind == YNODE_SCALAR && value_parse_duration(limit->text, &us) && !us)
            fault_at(&l->faults, &limit->at,
                     "%s cannot be 0 here; remove it to use the "
                     "provider's, or set 0 there for no limit",
                     what);
    }
}

/* -- listen ----------------------------------------------------------------------------------- */

static gboolean port_is_good(const char *port)
{
    gint64 number;
    return g_ascii_isdigit(*port) && value_parse_int(port, &number) && number <= 65535;
}

char *config_listen_address(const char *text)
{
    if (g_str_has_prefix(text, "unix:"))
        return text[5] == '/' ? g_strdup(text) : NULL;
    if (port_is_good(text))
        return g_strdup_printf("127.0.0.1:%s", text);
    const char *colon = strrchr(text, ':');
    if (!colon || !port_is_good(colon + 1))
        return NULL;
    g_autofree char *host = g_strndup(text, (gsize)(colon - text));
    if (!*host || strcmp(host, "*") == 0)
        return g_strdup_printf("0.0.0.0%s", colon);
    if (strcmp(host, "localhost") == 0)
        return g_strdup_printf("127.0.0.1%s", colon);
    gsize len = strlen(host);
    if (*host == '[' && host[len - 1] == ']') {
        g_autofree char *inside = g_strndup(host + 1, len - 2);
        return strchr(inside, ':') && g_hostname_is_ip_address(inside) ? g_strdup(text) : NULL;
    }
    return !strchr(host, ':') && g_hostname_is_ip_address(host) ? g_strdup(text) : NULL;
}

static gboolean string_equal(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b) == 0;
}

void settings_listen(struct load *l, const struct ynode *n, const char *what, GPtrArray *out)
{
    guint count = !n ? 0 : n->kind == YNODE_LIST ? ynode_count(n) : 1;

    for (guint i = 0; i < count; i++) {
        const struct ynode *item = n->kind == YNODE_LIST ? ynode_at(n, i) : n;
        const char *form = "an address such as 127.0.0.1:8080, [::1]:8080 or unix:/run/weir.sock";
        const char *text = value_text(&l->faults, item, what, form);
        if (!text)
            continue;
        g_autofree char *address = config_listen_address(text);
        g_autofree char *shown = ynode_show(item);
        if (!address)
            fault_at(&l->faults, &item->at, "%s must be %s, not %s", what, form, shown);
        else if (g_ptr_array_find_with_equal_func(out, address, string_equal, NULL) &&
                 !g_str_has_suffix(address, ":0"))
            fault_at(&l->faults, &item->at, "%s has %s twice; remove one", what, address);
        else
            g_ptr_array_add(out, g_steal_pointer(&address));
    }
    if (n && !count)
        fault_at(&l->faults, &n->at, "%s is empty; give an address, or remove the key", what);
    if (!n)
        g_ptr_array_add(out, g_strdup("127.0.0.1:8080"));
}

/* -- log -------------------------------------------------------------------------------------- */

static void read_log_level(struct load *l, const struct ynode *n)
{
    static const char *const levels[] = { "debug", "info", "warning", "error", "none", NULL };
    const char *text = value_text(&l->faults, n, "log.level", "a level such as info");
    if (!text)
        return;
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    for (char **item = items; *item; item++) {
        const char *equals = strchr(g_strstrip(*item), '=');
        const char *level = equals ? equals + 1 : *item;
        if (g_strv_contains(levels, level))
            continue;
        g_autofree char *guess = fault_guess(level, levels);
        fault_at(&l->faults, &n->at,
                 "log.level must be debug, info, warning, error or none, or a list "
                 "such as info,plugin=debug, not '%s'%s",
                 level, guess);
        return;
    }
    g_free(l->config->log_levels);
    l->config->log_levels = g_strjoinv(",", items);
}

static void read_decisions(struct load *l, const struct ynode *n)
{
    const char *text = n ? value_text(&l->faults, n, "log.decisions", "a path or off") : NULL;
    gboolean on;

    if (!text || (value_parse_bool(text, &on) && !on))
        return;
    if (strchr(text, '/'))
        l->config->decisions_file = value_path(&n->at, text);
    else
        fault_at(&l->faults, &n->at, "log.decisions must be a path or off; write ./%s for a file",
                 text);
}

static void read_log(struct load *l, const struct ynode *map)
{
    struct config *c = l->config;
    gboolean on;

    READ(l, map, "log", log_keys, c);
    const struct ynode *access = ynode_get(map, "access"), *level = ynode_get(map, "level");
    const char *text =
        access ? value_text(&l->faults, access, "log.access", "stderr, off or a path") : NULL;
    if (level)
        read_log_level(l, level);
    read_decisions(l, ynode_get(map, "decisions"));
    if (!text || strcmp(text, "stderr") == 0)
        return;
    if (value_parse_bool(text, &on)) {
        c->access_log = on ? CONFIG_LOG_STDERR : CONFIG_LOG_OFF;
        return;
    }
    if (!strchr(text, '/')) {
        g_autofree char *shown = ynode_show(access);
        fault_at(&l->faults, &access->at,
                 "log.access must be stderr, off or a path, not %s; write ./%s for a file", shown,
                 access->raw);
        return;
    }
    c->access_log = CONFIG_LOG_FILE;
    c->access_file = value_path(&access->at, text);
}

/* -- plugins and dialects --------------------------------------------------------------------- */

static gboolean is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

static void read_pins(struct load *l, const struct ynode *pins)
{
    if (!schema_is_map(l, pins, "plugins.pins"))
        return;
    for (guint i = 0; i < ynode_count(pins); i++) {
        const struct ynode *n = ynode_at(pins, i);
        const char *file = ynode_key_at(pins, i)->raw;
        const char *text = value_text(&l->faults, n, "plugins.pins", "the SHA-256 of a file");
        if (text && !is_sha256(text))
            fault_at(&l->faults, &n->at,
                     "the pin of %s must be a SHA-256, 64 hexadecimal digits; "
                     "sha256sum %s tells it",
                     file, file);
        else if (text)
            g_hash_table_insert(l->config->plugin_pins, g_strdup(file), g_ascii_strdown(text, -1));
    }
}

void settings_plugins(struct load *l, const struct ynode *root)
{
    const struct ynode *map = ynode_get(root, "plugins");
    const struct ynode *path = ynode_get(map, "path");

    READ(l, map, "plugins", plugin_keys, l->config);
    g_autoptr(GPtrArray) dirs = path ? value_strings(&l->faults, path, "plugins.path") : NULL;
    for (guint i = 0; dirs && i < dirs->len; i++) {
        char *dir = value_path(&path->at, g_ptr_array_index(dirs, i));
        g_ptr_array_add(l->config->plugin_dirs, dir);
        if (!g_file_test(dir, G_FILE_TEST_IS_DIR)) {
            const struct ynode *item = path->kind == YNODE_LIST ? ynode_at(path, i) : path;
            fault_at(&l->faults, &item->at, "plugins.path: there is no folder %s; correct the path",
                     dir);
        }
    }
    read_pins(l, ynode_get(map, "pins"));
}

static void read_dialects(struct load *l, const struct ynode *map, const struct place *top)
{
    if (schema_is_map(l, map, "dialects")) {
        for (guint i = 0; i < ynode_count(map); i++)
            part_find(l, PLUGIN_DIALECT, ynode_key_at(map, i)->raw, &ynode_key_at(map, i)->at);
    }
    g_autoptr(GPtrArray) parts = plugin_parts(l->registry, PLUGIN_DIALECT);
    for (guint i = 0; i < parts->len; i++) {
        const struct plugin_part *part = g_ptr_array_index(parts, i);
        const struct ynode *n = ynode_get(map, part->name);
        g_autofree char *what = g_strdup_printf("dialects.%s", part->name);
        json_t *options = options_read_all(l, part->options, part->option_count, n,
                                           n ? &ynode_key(map, part->name)->at : top, what, NULL);
        if (options)
            g_hash_table_insert(l->config->dialect_options, g_strdup(part->name),
                                options_text(options));
        json_decref(options);
    }
}

/* -- headers ---------------------------------------------------------------------------------- */

/* The header's name in lower case, or NULL with a fault noted. */
static char *header_name(struct load *l, const struct place *at, const char *what, const char *name)
{
    gboolean good = *name != 0;
    for (const char *p = name; *p; p++)
        good &= g_ascii_isalnum(*p) || strchr("!#$%&'*+-.^_`|~", *p) != NULL;
    if (good)
        return g_ascii_strdown(name, -1);
    fault_at(&l->faults, at, "%s: '%s' is no name of a header; write one such as x-team", what,
             name);
    return NULL;
}

static void read_tag(struct load *l, const struct place *at, const char *header, const char *tag)
{
    char *name = header_name(l, at, "tags", header);
    if (name)
        g_hash_table_replace(l->config->tag_headers, name, g_strdup(tag ? tag : name));
}

static void read_headers(struct load *l, const struct ynode *root)
{
    const struct ynode *tags = ynode_get(root, "tags");
    const struct ynode *tenant = ynode_get(root, "tenant_header");

    if (tags && tags->kind == YNODE_MAP) {
        g_autoptr(GHashTable) map = value_string_map(&l->faults, tags, "tags");
        for (guint i = 0; map && i < ynode_count(tags); i++) {
            const struct ynode *key = ynode_key_at(tags, i);
            read_tag(l, &key->at, key->raw, g_hash_table_lookup(map, key->raw));
        }
    } else if (tags) {
        g_autoptr(GPtrArray) list = value_strings(&l->faults, tags, "tags");
        for (guint i = 0; list && i < list->len; i++)
            read_tag(l, &tags->at, g_ptr_array_index(list, i), NULL);
    }
    const char *name = tenant ? value_text(&l->faults, tenant, "tenant_header", "a header") : NULL;
    if (name)
        l->config->tenant_header = header_name(l, &tenant->at, "tenant_header", name);
}

void settings_read(struct load *l, const struct ynode *root)
{
    static const char *const exposures[] = { "headers", "body", NULL };
    static const char *const unknown[] = { "error", "default_route", NULL };
    const struct ynode *expose = ynode_get(root, "expose");
    const struct ynode *model = ynode_get(root, "unknown_model");

    READ(l, root, NULL, top_keys, l->config);
    READ(l, ynode_get(root, "limits"), "limits", limit_keys, l->config);
    limits_breaker(l, ynode_get(root, "breaker"), "breaker", &l->config->breaker);
    limits_budget(l, ynode_get(root, "budget"), "budget", &l->config->budget);
    settings_listen(l, ynode_get(root, "listen"), "listen", l->config->listen);
    read_log(l, ynode_get(root, "log"));
    read_dialects(l, ynode_get(root, "dialects"), &root->at);
    read_headers(l, root);
    settings_timeouts(l, ynode_get(root, "timeout"), "timeout", TRUE, &l->timeouts);
    if (expose)
        l->config->expose_body = value_choice(&l->faults, expose, "expose", exposures) == 1;
    if (model)
        l->config->unknown_to_default =
            value_choice(&l->faults, model, "unknown_model", unknown) == 1;
}
