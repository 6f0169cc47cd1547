/*
 * dump.c - the configuration in force, for a person: JSON, secrets hidden.
 */
#include "config/options.h"
#include "config/secret.h"

#include <string.h>

static json_t *text_json(const struct config *c, const char *text)
{
    if (!text)
        return json_null();
    g_autofree char *shown = secret_hide(c->secrets, text);
    return json_string(shown);
}

/* A URL without the user and password it may hold. */
static json_t *url_json(const struct config *c, const char *url)
{
    const char *start = url ? strstr(url, "://") : NULL;
    const char *at = start ? strchr(start, '@') : NULL;
    if (!at)
        return text_json(c, url);
    g_autofree char *shown =
        g_strdup_printf("%.*s" SECRET_HIDDEN "%s", (int)(start + 3 - url), url, at);
    return text_json(c, shown);
}

static json_t *hide(const struct config *c, const json_t *json)
{
    const char *key;
    json_t *value, *out;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_STRING:
        return text_json(c, json_string_value(json));
    case JSON_ARRAY:
        out = json_array();
        json_array_foreach(json, i, value) json_array_append_new(out, hide(c, value));
        return out;
    case JSON_OBJECT:
        out = json_object();
        json_object_foreach((json_t *)json, key, value)
            json_object_set_new(out, key, hide(c, value));
        return out;
    default:
        return json_deep_copy(json);
    }
}

static json_t *options_json(const struct config *c, const char *text, const weir_option *options,
                            guint count)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    if (!json)
        return json_object();
    for (guint i = 0; i < count; i++)
        if (options[i].type == WEIR_OPTION_SECRET && json_object_get(json, options[i].name))
            json_object_set_new(json, options[i].name, json_string(SECRET_HIDDEN));
    json_t *out = hide(c, json);
    json_decref(json);
    return out;
}

static json_t *part_options(const struct config *c, const struct plugin_part *part,
                            const char *text)
{
    json_t *json = options_json(c, text, part->options, part->option_count);
    for (guint i = 0; i < part->option_count; i++) {
        size_t j;
        json_t *element;
        if (part->options[i].type != WEIR_OPTION_CHILDREN)
            continue;
        json_array_foreach(json_object_get(json, part->options[i].name), j, element)
        {
            for (guint k = 0; k < part->child_option_count; k++) {
                const weir_option *o = &part->child_options[k];
                if (o->type == WEIR_OPTION_SECRET && json_object_get(element, o->name))
                    json_object_set_new(element, o->name, json_string(SECRET_HIDDEN));
            }
        }
    }
    return json;
}

static json_t *duration_json(gint64 us)
{
    if (!us)
        return json_string("none");
    char text[32];
    if (us % 1000000 == 0)
        g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT "s", us / 1000000);
    else if (us % 1000 == 0)
        g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT "ms", us / 1000);
    else
        g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT "us", us);
    return json_string(text);
}

static json_t *strings_json(const struct config *c, const GPtrArray *strings)
{
    json_t *out = json_array();
    for (guint i = 0; i < strings->len; i++)
        json_array_append_new(out, text_json(c, g_ptr_array_index(strings, i)));
    return out;
}

static json_t *map_json(const struct config *c, GHashTable *map)
{
    json_t *out = json_object();
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(map), (GCompareFunc)strcmp);
    for (const GList *k = keys; k; k = k->next)
        json_object_set_new(out, k->data, text_json(c, g_hash_table_lookup(map, k->data)));
    return out;
}

static json_t *timeouts_json(const struct config_timeouts *t)
{
    json_t *out = json_object();
    json_object_set_new(out, "connect", duration_json(t->connect_us));
    json_object_set_new(out, "first_byte", duration_json(t->first_byte_us));
    json_object_set_new(out, "first_token", duration_json(t->first_token_us));
    json_object_set_new(out, "idle", duration_json(t->idle_us));
    json_object_set_new(out, "total",
                        t->total_us == CONFIG_TOTAL_UNSAID
                            ? json_string("600s; of whole answers half of the time left")
                            : duration_json(t->total_us));
    return out;
}

static json_t *model_timeouts_json(const struct config_provider *p)
{
    json_t *out = json_object();

    for (guint i = 0; i < p->model_timeouts->len; i++) {
        const struct config_model_timeouts *t = g_ptr_array_index(p->model_timeouts, i);

        json_object_set_new(out, t->model, timeouts_json(&t->timeouts));
    }
    return out;
}

/* What is said of models here; not what the catalogues say. */
static json_t *details_json(const struct config_provider *p)
{
    json_t *out = json_object();

    for (guint i = 0; i < p->details->len; i++) {
        const struct catalogue_entry *e = g_ptr_array_index(p->details, i);

        json_object_set_new(out, g_ptr_array_index(e->match, 0),
                            json_loads(e->record->text, 0, NULL));
    }
    return out;
}

static json_t *rule_json(const struct limit_rule *r)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "requests_per_minute", (json_int_t)r->requests_per_minute,
                     "tokens_per_minute", (json_int_t)r->tokens_per_minute, "concurrency",
                     (json_int_t)r->concurrency, "burst_percent",
                     (json_int_t)(r->burst_percent ? r->burst_percent : 2));
}

static json_t *rate_json(const struct limit_rule *r)
{
    json_t *out = rule_json(r);

    json_object_set_new(out, "learn", json_boolean(!r->unlearned));
    return out;
}

static json_t *breaker_json(const struct target_breaker *b)
{
    return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o}", "failures", (json_int_t)b->failures,
                     "rate_percent", (json_int_t)b->rate_percent, "requests",
                     (json_int_t)b->requests, "window", duration_json(b->window_us), "cooldown",
                     duration_json(b->cooldown_us), "max_cooldown",
                     duration_json(b->cooldown_max_us));
}

/* Only what is said. */
static json_t *budget_json(const struct config_budget *b)
{
    json_t *out = json_object();

    if (b->deadline_us)
        json_object_set_new(out, "deadline", duration_json(b->deadline_us));
    if (b->attempts)
        json_object_set_new(out, "attempts", json_integer(b->attempts));
    if (b->money)
        json_object_set_new(out, "money", json_real((double)b->money / 1e6));
    return out;
}

static json_t *provider_json(const struct config *c, const struct config_provider *p)
{
    json_t *out = json_object();
    json_object_set_new(out, "plugin", json_string(p->part->name));
    json_object_set_new(out, "base_url", url_json(c, p->base_url));
    json_object_set_new(out, "api_key", p->api_key ? json_string(SECRET_HIDDEN) : json_null());
    json_object_set_new(out, "timeout", timeouts_json(&p->timeouts));
    if (p->max_retries >= 0)
        json_object_set_new(out, "max_retries", json_integer(p->max_retries));
    json_object_set_new(out, "default_model", text_json(c, p->default_model));
    json_object_set_new(out, "model_aliases", map_json(c, p->aliases));
    json_object_set_new(out, "models", strings_json(c, p->models));
    if (p->model_timeouts->len)
        json_object_set_new(out, "model_timeouts", model_timeouts_json(p));
    json_object_set_new(out, "list_models", json_boolean(p->list_models));
    json_object_set_new(out, "vendor", text_json(c, p->vendor ? p->vendor : "none"));
    json_object_set_new(out, "catalogue", details_json(p));
    json_object_set_new(out, "rate_limit", rate_json(&p->rate));
    json_object_set_new(out, "breaker", breaker_json(&p->breaker));
    json_object_set_new(out, "max_connections", json_integer(p->max_connections));
    json_object_set_new(out, "proxy", url_json(c, p->proxy));
    json_object_set_new(out, "ca_file", text_json(c, p->ca_file));
    json_object_set_new(out, "insecure", json_boolean(p->insecure));
    json_object_set_new(out, "options", part_options(c, p->part, p->options));
    json_object_set_new(out, "where", text_json(c, p->where));
    return out;
}

static json_t *node_json(const struct config *c, const struct config_node *node)
{
    json_t *out = json_object(), *children = json_array();
    for (guint i = 0; i < node->children->len; i++) {
        const struct config_child *child = g_ptr_array_index(node->children, i);
        json_array_append_new(children, child->kind == CONFIG_NODE ? node_json(c, child->node)
                                                                   : text_json(c, child->name));
    }
    json_object_set_new(out, "strategy", json_string(node->part->name));
    json_object_set_new(out, "children", children);
    json_object_set_new(out, "options", part_options(c, node->part, node->options));
    return out;
}

static json_t *filters_json(const struct config *c, const GPtrArray *filters)
{
    json_t *out = json_array();
    for (guint i = 0; i < filters->len; i++) {
        const struct config_filter *f = g_ptr_array_index(filters, i);
        json_t *one = json_object();
        json_object_set_new(one, f->part->name, part_options(c, f->part, f->options));
        json_object_set_new(one, "on_error",
                            json_string(f->continue_on_error ? "continue" : "refuse"));
        json_array_append_new(out, one);
    }
    return out;
}

static json_t *route_json(const struct config *c, const struct config_route *r)
{
    static const char *const ways[] = { "error", "splice", "continue" };
    json_t *out = node_json(c, r->root);
    json_object_set_new(out, "filters", filters_json(c, r->filters));
    json_object_set_new(out, "loss", json_string(r->strict_loss ? "strict" : "allow"));
    json_object_set_new(out, "opaque", json_string(r->opaque_strip ? "strip" : "owner"));
    json_object_set_new(out, "mid_stream", json_string(ways[r->mid_stream]));
    json_t *limits = timeouts_json(&r->timeouts);
    const char *key;
    json_t *value;
    void *next;
    /* On a route, no limit means the provider's. */
    json_object_foreach_safe(limits, next, key, value)
    {
        if (strcmp(json_string_value(value), "none") == 0)
            json_object_del(limits, key);
    }
    json_object_set_new(out, "timeout", limits);
    json_object_set_new(out, "budget", budget_json(&r->budget));
    json_object_set_new(out, "priority", json_integer(r->priority));
    return out;
}

static json_t *limits_json(const struct config *c)
{
    json_t *out = json_object();
    json_object_set_new(out, "head_size", json_integer((json_int_t)c->head_bytes));
    json_object_set_new(out, "json_size", json_integer((json_int_t)c->json_bytes));
    json_object_set_new(out, "hold_size", json_integer((json_int_t)c->hold_bytes));
    json_object_set_new(out, "forward_size", json_integer((json_int_t)c->forward_bytes));
    json_object_set_new(out, "head_timeout", duration_json(c->head_us));
    json_object_set_new(out, "body_timeout", duration_json(c->body_us));
    json_object_set_new(out, "idle_timeout", duration_json(c->idle_us));
    json_object_set_new(out, "write_timeout", duration_json(c->write_us));
    json_object_set_new(out, "drain_timeout", duration_json(c->drain_us));
    json_object_set_new(out, "connections", json_integer(c->connections));
    json_object_set_new(out, "queue", json_integer(c->queue));
    json_object_set_new(out, "wait", duration_json(c->wait_us));
    json_object_set_new(out, "shadows", json_integer(c->shadows));
    json_object_set_new(out, "owners", json_integer(c->owners));
    json_object_set_new(out, "owner_ttl", duration_json(c->owner_us));
    return out;
}

static json_t *list_json(char **list)
{
    json_t *out = list ? json_array() : json_null();
    for (; list && *list; list++)
        json_array_append_new(out, json_string(*list));
    return out;
}

static void access_json(const struct config *c, json_t *out)
{
    json_t *keys = json_object();
    for (guint i = 0; i < c->keys->len; i++) {
        const struct config_key *k = g_ptr_array_index(c->keys, i);
        json_object_set_new(keys, k->name,
                            json_pack("{s:s,s:s,s:o,s:o,s:b}", "key", SECRET_HIDDEN, "tenant",
                                      k->tenant, "routes", list_json(k->routes), "models",
                                      list_json(k->models), "admin", k->admin));
    }
    json_object_set_new(out, "auth", text_json(c, c->keys->len ? "keys" : c->open ? "none" : NULL));
    json_object_set_new(out, "keys", keys);
    json_object_set_new(out, "admin",
                        json_pack("{s:o}", "listen", strings_json(c, c->admin_listen)));
    json_object_set_new(out, "allowed_hosts", list_json(c->hosts));
    json_object_set_new(out, "allowed_origins", list_json(c->origins));
}

static void settings_json(const struct config *c, json_t *out)
{
    json_object_set_new(out, "files", strings_json(c, c->files));
    json_object_set_new(out, "listen", strings_json(c, c->listen));
    access_json(c, out);
    json_object_set_new(out, "workers", json_integer(c->workers));
    json_object_set_new(out, "plugins",
                        json_pack("{s:o,s:o}", "path", strings_json(c, c->plugin_dirs), "pins",
                                  map_json(c, c->plugin_pins)));
    json_object_set_new(out, "limits", limits_json(c));
    json_object_set_new(out, "catalogue", text_json(c, c->catalogue_file));
    json_object_set_new(out, "models_refresh", duration_json(c->models_refresh_us));
    json_object_set_new(out, "breaker", breaker_json(&c->breaker));
    json_object_set_new(out, "budget", budget_json(&c->budget));
    json_t *tenants = json_object();
    for (guint i = 0; i < c->tenants->len; i++) {
        const struct config_tenant *t = g_ptr_array_index(c->tenants, i);
        json_t *tenant = rule_json(&t->rule);
        if (t->priority != CONFIG_NO_PRIORITY)
            json_object_set_new(tenant, "priority", json_integer(t->priority));
        json_object_set_new(tenant, "wait", duration_json(t->wait_us));
        json_object_set_new(tenants, t->name, tenant);
    }
    json_object_set_new(out, "tenants", tenants);
    const char *access = c->access_log == CONFIG_LOG_OFF      ? "off"
                         : c->access_log == CONFIG_LOG_STDERR ? "stderr"
                                                              : c->access_file;
    json_object_set_new(out, "log",
                        json_pack("{s:s,s:s,s:s,s:b}", "access", access, "level", c->log_levels,
                                  "decisions", c->decisions_file ? c->decisions_file : "off",
                                  "decisions_text", c->decisions_text));
    json_object_set_new(out, "expose", json_string(c->expose_body ? "body" : "headers"));
    json_object_set_new(out, "unknown_model",
                        json_string(c->unknown_to_default ? "default_route" : "error"));
    json_object_set_new(out, "tags", map_json(c, c->tag_headers));
    json_object_set_new(out, "tenant_header", text_json(c, c->tenant_header));
}

static json_t *dialects_json(const struct config *c)
{
    json_t *out = json_object();
    g_autoptr(GPtrArray) parts = plugin_parts(c->plugins, PLUGIN_DIALECT);
    for (guint i = 0; i < parts->len; i++) {
        const struct plugin_part *part = g_ptr_array_index(parts, i);
        const char *text = g_hash_table_lookup(c->dialect_options, part->name);
        json_object_set_new(out, part->name, part_options(c, part, text));
    }
    return out;
}

char *config_dump(const struct config *c)
{
    json_t *out = json_object(), *providers = json_object(), *routes = json_object();

    settings_json(c, out);
    for (guint i = 0; i < c->providers->len; i++) {
        const struct config_provider *p = g_ptr_array_index(c->providers, i);
        json_object_set_new(providers, p->name, provider_json(c, p));
    }
    for (guint i = 0; i < c->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(c->routes, i);
        json_object_set_new(routes, r->name, route_json(c, r));
    }
    json_object_set_new(out, "filters", filters_json(c, c->filters));
    json_object_set_new(out, "dialects", dialects_json(c));
    json_object_set_new(out, "providers", providers);
    json_object_set_new(out, "routes", routes);
    json_object_set_new(out, "default_route",
                        c->default_route ? json_string(c->default_route->name) : json_null());
    char *text = json_dumps(out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    char *copy = g_strdup(text);
    free(text);
    json_decref(out);
    return copy;
}
