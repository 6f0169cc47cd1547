/*
 * routes.c - `weir routes`: the route trees, drawn.
 */
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>

static void draw_node(const struct config_node *node, const char *indent);

static void draw_child(const struct config_child *c, const char *indent, bool last)
{
    g_autofree char *deeper = g_strconcat(indent, last ? "   " : "│  ", NULL);

    printf("%s%s", indent, last ? "└─ " : "├─ ");
    switch (c->kind) {
    case CONFIG_TARGET:
        printf("%s/%s\n", c->provider->name,
               c->model                     ? c->model
               : c->provider->default_model ? c->provider->default_model
                                            : "(model asked for)");
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

static json_t *node_json(const struct config_node *node)
{
    json_t *children = json_array();

    for (guint i = 0; i < node->children->len; i++) {
        const struct config_child *c = g_ptr_array_index(node->children, i);

        if (c->kind == CONFIG_TARGET)
            json_array_append_new(children, json_pack("{s:s, s:s?}", "provider", c->provider->name,
                                                      "model", c->model));
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

int cli_routes(int argc, char **argv)
{
    struct cli_common common = { 0 };
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    struct config *config;
    int code;

    if (!cli_parse(&argc, &argv, "- draw the route trees",
                   "Inner nodes are strategies, leaves are targets (provider/model).", entries,
                   &common, &code))
        return code;
    if (cli_left_over(argc, argv, 1))
        return EX_USAGE;
    config = cli_config(&common, NULL);
    if (!config)
        return EX_CONFIG;
    if (as_json) {
        print_json(config);
        config_unref(config);
        return 0;
    }
    for (guint i = 0; i < config->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(config->routes, i);

        printf("%s%s: ", r->name, r == config->default_route ? " (default)" : "");
        draw_node(r->root, "");
    }
    config_unref(config);
    return 0;
}
