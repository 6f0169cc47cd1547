/*
 * models.c - `weir models`: which models there are, and what is known of them.
 */
#include "cli/models.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 7 };

struct options {
    struct cli_common common;
    char *provider;
    gint timeout;
    gboolean json, catalogue;
};

/* -- tables ----------------------------------------------------------------------------------- */

/* Rows of texts; the first is the head. All owned. */
static void add_row(GPtrArray *table, char *const cells[COLUMNS])
{
    char **row = g_new0(char *, COLUMNS + 1);

    for (int i = 0; i < COLUMNS; i++)
        row[i] = cells[i] && *cells[i] ? cells[i] : (g_free(cells[i]), g_strdup("-"));
    g_ptr_array_add(table, row);
}

static GPtrArray *new_table(const char *first)
{
    GPtrArray *table = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    add_row(table, (char *[COLUMNS]){ g_strdup(first), g_strdup("MODEL"), g_strdup("CONTEXT"),
                                      g_strdup("OUTPUT"), g_strdup("IN $/M"), g_strdup("OUT $/M"),
                                      g_strdup("CAPABILITIES") });
    return table;
}

static bool is_number(int column)
{
    return column >= 2 && column <= 5;
}

static void print_table(const GPtrArray *table)
{
    int width[COLUMNS] = { 0 };

    for (guint i = 0; i < table->len; i++)
        for (int k = 0; k < COLUMNS; k++)
            width[k] = MAX(width[k], (int)strlen(((char **)g_ptr_array_index(table, i))[k]));
    for (guint i = 0; i < table->len; i++) {
        char **row = g_ptr_array_index(table, i);

        for (int k = 0; k + 1 < COLUMNS; k++)
            printf("%*s  ", is_number(k) ? width[k] : -width[k], row[k]);
        puts(row[COLUMNS - 1]);
    }
}

static char *count_text(gint64 n)
{
    return n < 0 ? NULL : g_strdup_printf("%" G_GINT64_FORMAT, n);
}

static char *price_text(gint64 price)
{
    return price < 0 ? NULL : g_strdup_printf("%.10g", (double)price / 1e6);
}

static void add_record(GPtrArray *table, const char *first, const char *model,
                       const struct catalogue_record *r)
{
    add_row(table, (char *[COLUMNS]){
                       g_strdup(first), g_strdup(model), count_text(r->context_window),
                       count_text(r->max_output_tokens), price_text(r->price.input),
                       price_text(r->price.output), catalogue_capability_list(r->can, ",") });
}

static json_t *record_json(const char *id, struct catalogue_record *r)
{
    json_t *object = json_pack("{s:s}", "id", id), *known;

    catalogue_record_write(r);
    known = json_loads(r->text, 0, NULL);
    json_object_update(object, known);
    json_decref(known);
    return object;
}

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(object);
}

/* -- what providers offer --------------------------------------------------------------------- */

/* The names of a provider's models, each once: those of the configuration, then those told. */
struct names {
    GPtrArray *list;
    GHashTable *seen;
};

static void add_name(struct names *n, const char *name)
{
    if (name && !strchr(name, '*') && g_hash_table_add(n->seen, (gpointer)name))
        g_ptr_array_add(n->list, (gpointer)name);
}

static void add_leaves(struct names *n, const struct config_node *node,
                       const struct config_provider *p)
{
    for (guint i = 0; i < node->children->len; i++) {
        const struct config_child *c = g_ptr_array_index(node->children, i);

        if (c->kind == CONFIG_NODE)
            add_leaves(n, c->node, p);
        else if (c->kind == CONFIG_TARGET && c->provider == p && c->model &&
                 !g_hash_table_contains(p->aliases, c->model))
            add_name(n, c->model);
    }
}

static GPtrArray *names_of(const struct config *config, const struct models_answer *a)
{
    struct names n = { g_ptr_array_new(), g_hash_table_new(g_str_hash, g_str_equal) };
    const struct config_provider *p = a->provider;
    g_autoptr(GList) real = g_list_sort(g_hash_table_get_values(p->aliases), (GCompareFunc)strcmp);

    add_name(&n, p->default_model);
    for (guint i = 0; i < p->models->len; i++)
        add_name(&n, g_ptr_array_index(p->models, i));
    for (const GList *r = real; r; r = r->next)
        add_name(&n, r->data);
    for (guint i = 0; i < config->routes->len; i++)
        add_leaves(&n, ((struct config_route *)g_ptr_array_index(config->routes, i))->root, p);
    for (guint i = 0; a->list && i < a->list->models->len; i++)
        add_name(&n, g_array_index(a->list->models, struct listed_model, i).id);
    g_hash_table_unref(n.seen);
    return n.list;
}

/* What is known of a model; the provider's own word goes first. */
static struct catalogue_record *known_of_model(const struct config *config,
                                               const struct models_answer *a, const char *name)
{
    struct catalogue_record *r = config_known(config, a->provider, str_of(name));
    const struct listed_model *told = a->list ? g_hash_table_lookup(a->list->by_id, name) : NULL;

    if (!r)
        r = catalogue_record_new();
    if (told && told->context_window > 0)
        r->context_window = told->context_window;
    if (told && told->max_output_tokens > 0)
        r->max_output_tokens = told->max_output_tokens;
    if (told) {
        r->can |= told->can;
        r->lacks &= ~told->can;
    }
    return r;
}

static json_t *models_json(const struct config *config, const struct models_answer *a)
{
    g_autoptr(GPtrArray) names = names_of(config, a);
    json_t *list = json_array();

    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autoptr(catalogue_record_t) r = known_of_model(config, a, name);
        const struct listed_model *told =
            a->list ? g_hash_table_lookup(a->list->by_id, name) : NULL;
        json_t *m = record_json(name, r);

        json_object_set_new(m, "told", json_boolean(told));
        if (told && told->name)
            json_object_set_new(m, "name", json_string(told->name));
        json_array_append_new(list, m);
    }
    return list;
}

static json_t *aliases_json(const struct config_provider *p)
{
    json_t *out = json_object();
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(p->aliases), (GCompareFunc)strcmp);

    for (const GList *k = keys; k; k = k->next)
        json_object_set_new(out, k->data, json_string(g_hash_table_lookup(p->aliases, k->data)));
    return out;
}

static void offer_json(const struct config *config, const GPtrArray *answers)
{
    json_t *providers = json_array(), *routes = json_array();

    for (guint i = 0; i < answers->len; i++) {
        const struct models_answer *a = g_ptr_array_index(answers, i);

        json_array_append_new(
            providers, json_pack("{s:s, s:s, s:s?, s:b, s:s?, s:o, s:o}", "name", a->provider->name,
                                 "plugin", a->provider->part->name, "vendor", a->provider->vendor,
                                 "asked", a->asked, "failure", a->failure, "models",
                                 models_json(config, a), "aliases", aliases_json(a->provider)));
    }
    for (guint i = 0; i < config->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(config->routes, i);

        json_array_append_new(routes, json_pack("{s:s, s:s, s:b}", "name", r->name, "strategy",
                                                r->root->part->name, "default",
                                                r == config->default_route));
    }
    print_json(json_pack("{s:o, s:o}", "providers", providers, "routes", routes));
}

static void print_aliases(const GPtrArray *answers)
{
    bool any = false;

    for (guint i = 0; i < answers->len; i++) {
        const struct config_provider *p =
            ((const struct models_answer *)g_ptr_array_index(answers, i))->provider;
        g_autoptr(GList) keys =
            g_list_sort(g_hash_table_get_keys(p->aliases), (GCompareFunc)strcmp);

        for (const GList *k = keys; k; k = k->next) {
            printf("%s  %s = %s/%s\n", any ? "" : "\naliases\n", (char *)k->data, p->name,
                   (char *)g_hash_table_lookup(p->aliases, k->data));
            any = true;
        }
    }
}

static void print_routes(const struct config *config)
{
    for (guint i = 0; i < config->routes->len; i++) {
        const struct config_route *r = g_ptr_array_index(config->routes, i);

        printf("%s  %s%s: %s\n", i ? "" : "\nroutes\n", r->name,
               r == config->default_route ? " (default)" : "", r->root->part->name);
    }
}

static void offer_table(const struct config *config, const GPtrArray *answers)
{
    g_autoptr(GPtrArray) table = new_table("PROVIDER");

    for (guint i = 0; i < answers->len; i++) {
        const struct models_answer *a = g_ptr_array_index(answers, i);
        g_autoptr(GPtrArray) names = names_of(config, a);

        for (guint k = 0; k < names->len; k++) {
            const char *name = g_ptr_array_index(names, k);
            g_autoptr(catalogue_record_t) r = known_of_model(config, a, name);

            add_record(table, a->provider->name, name, r);
        }
    }
    print_table(table);
    print_aliases(answers);
    print_routes(config);
}

static int offer(struct config *config, const struct options *o)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *answers =
        models_ask(config, o->provider, (gint64)o->timeout * G_USEC_PER_SEC, &error);
    guint asked = 0, answered = 0;

    if (!answers) {
        fprintf(stderr, "%s\n", error->message);
        return EX_CONFIG;
    }
    if (o->json)
        offer_json(config, answers);
    else
        offer_table(config, answers);
    fflush(stdout);
    for (guint i = 0; i < answers->len; i++) {
        const struct models_answer *a = g_ptr_array_index(answers, i);

        asked += a->asked;
        answered += a->list != NULL;
        if (a->failure)
            cli_error("%s: %s", a->provider->name, a->failure);
    }
    g_ptr_array_unref(answers);
    return asked && !answered ? 1 : 0;
}

/* -- what the catalogue says ------------------------------------------------------------------ */

/* Calls `each` for every name that the catalogues have for a vendor, each once. */
static void each_name(const struct config *config, const char *vendor, struct names *n)
{
    for (guint i = 0; i < config->catalogues->len; i++) {
        const struct catalogue_vendor *v =
            catalogue_vendor(g_ptr_array_index(config->catalogues, i), vendor);

        for (guint k = 0; v && k < v->entries->len; k++) {
            const struct catalogue_entry *e = g_ptr_array_index(v->entries, k);

            for (guint m = 0; m < e->match->len; m++)
                add_name(n, g_ptr_array_index(e->match, m));
        }
    }
}

/* One vendor's models, as `p` has them. */
static void add_vendor(const struct config *config, const struct config_provider *p,
                       const char *first, GPtrArray *table, json_t *list)
{
    struct names n = { g_ptr_array_new(), g_hash_table_new(g_str_hash, g_str_equal) };

    if (p->vendor)
        each_name(config, p->vendor, &n);
    for (guint i = 0; p->details && i < p->details->len; i++)
        add_name(&n, g_ptr_array_index(
                         ((struct catalogue_entry *)g_ptr_array_index(p->details, i))->match, 0));
    for (guint i = 0; i < n.list->len; i++) {
        const char *name = g_ptr_array_index(n.list, i);
        g_autoptr(catalogue_record_t) r = config_known(config, p, str_of(name));

        if (!r)
            continue;
        add_record(table, first, name, r);
        json_array_append_new(list, record_json(name, r));
    }
    g_hash_table_unref(n.seen);
    g_ptr_array_unref(n.list);
}

static void add_vendors(const struct config *config, GPtrArray *table, json_t *object)
{
    for (guint i = 0; i < config->catalogues->len; i++) {
        const struct catalogue *c = g_ptr_array_index(config->catalogues, i);

        for (guint k = 0; k < c->vendors->len; k++) {
            const struct catalogue_vendor *v = g_ptr_array_index(c->vendors, k);
            const struct config_provider nobody = { .vendor = v->name };
            json_t *list;

            if (json_object_get(object, v->name))
                continue;
            list = json_array();
            add_vendor(config, &nobody, v->name, table, list);
            json_object_set_new(object, v->name, list);
        }
    }
}

static int show_catalogue(const struct config *config, const struct options *o)
{
    const struct config_provider *p =
        o->provider ? config_find_provider(config, o->provider) : NULL;
    g_autoptr(GPtrArray) table = new_table(p ? "PROVIDER" : "VENDOR");
    json_t *object = json_object();

    if (p) {
        json_t *list = json_array();

        add_vendor(config, p, p->name, table, list);
        json_object_set_new(object, p->name, list);
    } else {
        add_vendors(config, table, object);
    }
    if (o->json) {
        print_json(object);
        return 0;
    }
    json_decref(object);
    print_table(table);
    return 0;
}

/* -- the command ------------------------------------------------------------------------------ */

static bool provider_is_known(const struct config *config, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    if (!name || config_find_provider(config, name))
        return true;
    for (guint i = 0; i < config->providers->len; i++)
        g_ptr_array_add(names,
                        ((struct config_provider *)g_ptr_array_index(config->providers, i))->name);
    g_ptr_array_add(names, NULL);
    near = config_nearest(name, (const char *const *)names->pdata);
    cli_error("there is no provider '%s'%s%s%s", name, near ? "; did you mean '" : "",
              near ? near : "", near ? "'?" : "");
    return false;
}

static int run(const struct options *o)
{
    struct config *config;
    int code;

    if (!log_setup(o->common.log ? o->common.log : "error")) {
        cli_error("--log: \"%s\" is not valid", o->common.log);
        return EX_USAGE;
    }
    config = cli_config(&o->common, NULL);
    if (!config)
        return EX_CONFIG;
    if (!provider_is_known(config, o->provider))
        code = 1;
    else
        code = o->catalogue ? show_catalogue(config, o) : offer(config, o);
    config_unref(config);
    return code;
}

int cli_models(int argc, char **argv)
{
    struct options o = { .timeout = 15 };
    const GOptionEntry entries[] = {
        { "provider", 'p', 0, G_OPTION_ARG_STRING, &o.provider, "only this provider", "NAME" },
        { "catalogue", 0, 0, G_OPTION_ARG_NONE, &o.catalogue,
          "ask nobody: print what the catalogue knows", NULL },
        { "timeout", 't', 0, G_OPTION_ARG_INT, &o.timeout,
          "how long a provider may take, 1 to 600 (default: 15)", "SECONDS" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    int code;

    if (!cli_parse(&argc, &argv, "- what the configured providers offer",
                   "Asks the providers for their models, and prints what they and the catalogue "
                   "tell: tokens of\ncontext and output, dollars for a million tokens, "
                   "capabilities; \"-\" is what nobody tells.\nA provider that does not answer is "
                   "told on standard error. Exit code 1: none answered.",
                   entries, &o.common, &code))
        return code;
    if (cli_left_over(argc, argv, 1))
        return EX_USAGE;
    if (o.timeout < 1 || o.timeout > 600) {
        cli_error("--timeout must be an integer from 1 to 600, not %d", o.timeout);
        return EX_USAGE;
    }
    code = run(&o);
    g_free(o.provider);
    return code;
}
