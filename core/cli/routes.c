/*
 * routes.c - `weir routes`: the route trees, drawn.
 */
#include "cli/cli.h"
#include "cli/health.h"

#include <jansson.h>
#include <stdio.h>

/* Of the gateway that runs; NULL: none does. */
static struct health_page *health;

static const char *model_of(const struct config_child *c)
{
    return c->model ? c->model : c->provider->default_model;
}

static const struct health *health_of(const struct config_child *c)
{
    g_autofree char *name =
        model_of(c) ? g_strdup_printf("%s/%s", c->provider->name, model_of(c)) : NULL;

    return health && name ? g_hash_table_lookup(health->targets, name) : NULL;
}

static const char *const kinds[HEALTH_KINDS] = { "requests", "tokens" };

/* What the vendor allows, as far as it is known. */
static void draw_vendor(const struct health *h)
{
    if (h->learned > 0)
        printf(", its vendor lets %.0f requests a minute through", h->learned);
    for (int i = 0; i < HEALTH_KINDS; i++) {
        if (h->told[i])
            printf(", %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " %s left by its vendor's word",
                   h->left[i], h->told[i], kinds[i]);
    }
}

static void draw_target(const struct config_child *c)
{
    const struct health *h = health_of(c);

    printf("%s/%s", c->provider->name, model_of(c) ? model_of(c) : "(model asked for)");
    if (h) {
        printf("  [%s, %u in flight, %" G_GUINT64_FORMAT " good, %" G_GUINT64_FORMAT " failed",
               h->up ? "up" : "resting", h->inflight, h->good, h->failed);
        draw_vendor(h);
        putchar(']');
    } else if (health)
        printf("  [not asked yet]");
    putchar('\n');
}

static void draw_node(const struct config_node *node, const char *indent);

static void draw_child(const struct config_child *c, const char *indent, bool last)
{
    g_autofree char *deeper = g_strconcat(indent, last ? "   " : "│  ", NULL);

    printf("%s%s%s", indent, last ? "└─ " : "├─ ", c->copy ? "copy to " : "");
    switch (c->kind) {
    case CONFIG_TARGET:
        draw_target(c);
        break;
    case CONFIG_ROUTE:
        printf("route %s\n", c->route->name);
        break;
    default:
        draw_node(c->node, deeper);
        break;
    }
}

static void draw_node(const struct config_node *node, const char *indent)
{
    printf("%s\n", node->part->name);
    for (guint i = 0; i < node->children->len; i++)
        draw_child(g_ptr_array_index(node->children, i), indent, i + 1 == node->children->len);
}

/* -- limits ----------------------------------------------------------------------------------- */

static const struct health_limit *limit_of(const char *kind, const char *name)
{
    g_autofree char *key = g_strconcat(kind, " ", name, NULL);

    return health ? g_hash_table_lookup(health->limits, key) : NULL;
}

static void draw_limit(const char *kind, const char *name, const struct limit_rule *r)
{
    const struct health_limit *l = limit_of(kind, name);
    const gint64 per_minute[HEALTH_KINDS] = { r->requests_per_minute, r->tokens_per_minute };
    const char *comma = "";

    if (!r->requests_per_minute && !r->tokens_per_minute && !r->concurrency)
        return;
    printf("limits of %s %s: ", kind, name);
    for (int i = 0; i < HEALTH_KINDS; i++) {
        if (!per_minute[i])
            continue;
        printf("%s%" G_GINT64_FORMAT " %s a minute", comma, per_minute[i], kinds[i]);
        if (l)
            printf(" (booked for %.1f s)", l->booked_s[i]);
        comma = ", ";
    }
    if (r->concurrency && l)
        printf("%s%u of %" G_GINT64_FORMAT " at once", comma, l->inflight, r->concurrency);
    else if (r->concurrency)
        printf("%s%" G_GINT64_FORMAT " at once", comma, r->concurrency);
    putchar('\n');
}

static void draw_limits(const struct config *config)
{
    for (guint i = 0; i < config->providers->len; i++) {
        const struct config_provider *p = g_ptr_array_index(config->providers, i);

        draw_limit("provider", p->name, &p->rate);
    }
    for (guint i = 0; i < config->tenants->len; i++) {
        const struct config_tenant *t = g_ptr_array_index(config->tenants, i);

        draw_limit("tenant", t->name, &t->rule);
    }
}

/* -- JSON ------------------------------------------------------------------------------------- */

static json_t *health_json(const struct health *h)
{
    json_t *out = json_pack("{s:b,s:i,s:I,s:I}", "up", h->up, "in_flight", (int)h->inflight, "good",
                            (json_int_t)h->good, "failed", (json_int_t)h->failed);

    if (h->learned > 0)
        json_object_set_new(out, "learned_requests_per_minute", json_real(h->learned));
    for (int i = 0; i < HEALTH_KINDS; i++) {
        g_autofree char *limit = g_strconcat(kinds[i], "_limit_told", NULL);
        g_autofree char *left = g_strconcat(kinds[i], "_left_told", NULL);

        if (!h->told[i])
            continue;
        json_object_set_new(out, limit, json_integer(h->told[i]));
        json_object_set_new(out, left, json_integer(h->left[i]));
    }
    return out;
}

static json_t *target_json(const struct config_child *c)
{
    const struct health *h = health_of(c);
    const struct limit_rule *r = &c->provider->rate;
    const struct health_limit *l = limit_of("provider", c->provider->name);
    json_t *out = json_pack("{s:s, s:s?}", "provider", c->provider->name, "model", c->model);

    if (h)
        json_object_set_new(out, "health", health_json(h));
    if (r->requests_per_minute || r->tokens_per_minute || r->concurrency)
        json_object_set_new(out, "rate_limit",
                            json_pack("{s:I,s:I,s:I}", "requests_per_minute",
                                      (json_int_t)r->requests_per_minute, "tokens_per_minute",
                                      (json_int_t)r->tokens_per_minute, "concurrency",
                                      (json_int_t)r->concurrency));
    if (l)
        json_object_set_new(out, "booked",
                            json_pack("{s:f,s:f,s:i}", "requests_s", l->booked_s[HEALTH_REQUESTS],
                                      "tokens_s", l->booked_s[HEALTH_TOKENS], "in_flight",
                                      (int)l->inflight));
    return out;
}

static json_t *node_json(const struct config_node *node)
{
    json_t *children = json_array();

    for (guint i = 0; i < node->children->len; i++) {
        const struct config_child *c = g_ptr_array_index(node->children, i);

        if (c->kind == CONFIG_TARGET)
            json_array_append_new(children, target_json(c));
        else if (c->kind == CONFIG_ROUTE)
            json_array_append_new(children, json_pack("{s:s}", "route", c->route->name));
        else
            json_array_append_new(children, node_json(c->node));
    }
    return json_pack("{s:s, s:o, s:o}", "strategy", node->part->name, "options",
                     json_loads(node->options, 0, NULL), "children", children);
}

static void print_json(const struct config *config)
{
    json_t *all = json_object();

    for (guint i = 0; i < config->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(config->routes, i);

        json_object_set_new(all, r->name, node_json(r->root));
    }
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

/* Where to ask: what was given, else where admin paths are, else the first address, and rather one
 * of this machine alone, where without keys everybody is told. */
static char *where(const struct config *config, const char *given)
{
    const GPtrArray *listen = config->admin_listen->len ? config->admin_listen : config->listen;
    char *whole = given ? config_listen_address(given) : NULL;

    if (whole || given)
        return whole ? whole : g_strdup(given);
    for (guint i = 0; i < listen->len; i++) {
        if (!config_address_exposed(g_ptr_array_index(listen, i)))
            return g_strdup(g_ptr_array_index(listen, i));
    }
    return g_strdup(g_ptr_array_index(listen, 0));
}

int cli_routes(int argc, char **argv)
{
    struct cli_common common = { 0 };
    gboolean as_json = FALSE;
    char *address = NULL, *key = NULL, *why = NULL;
    g_autofree char *asked = NULL;
    const GOptionEntry entries[] = {
        { "address", 'a', 0, G_OPTION_ARG_STRING, &address,
          "where the gateway runs whose health is shown (default: the first of admin.listen, or of "
          "listen)",
          "ADDRESS" },
        { "key", 0, 0, G_OPTION_ARG_STRING, &key, "the key of an admin, if it wants one", "KEY" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    struct config *config;
    int code;

    if (!cli_parse(&argc, &argv, "- draw the route trees",
                   "Inner nodes are strategies, leaves are targets (provider/model). If the "
                   "gateway runs, each target has its health beside it, and what its vendor "
                   "allows as far as that is known; and below stands how much of our own limits is "
                   "booked.",
                   entries, &common, &code))
        return code;
    if (cli_left_over(argc, argv, 1))
        return EX_USAGE;
    config = cli_config(&common, NULL);
    if (!config)
        return EX_CONFIG;
    asked = where(config, address);
    health = health_ask(asked, key, &why);
    if (why || (address && !health))
        cli_error("%s; the trees are drawn without health",
                  why ? why : "no gateway answers at that address");
    if (as_json)
        print_json(config);
    for (guint i = 0; !as_json && i < config->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(config->routes, i);

        printf("%s%s: ", r->name, r == config->default_route ? " (default)" : "");
        draw_node(r->root, "");
    }
    if (!as_json)
        draw_limits(config);
    g_clear_pointer(&health, health_free);
    g_free(address);
    g_free(key);
    g_free(why);
    config_unref(config);
    return 0;
}
