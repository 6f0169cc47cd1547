/*
 * resolve.c - from the names in a request to the node that is asked first.
 */
#include "base/str.h"
#include "engine/decisions.h"
#include "engine/exchange.h"
#include "engine/lister.h"
#include "model/failure.h"

/* Where a request goes, as far as its names say. */
struct resolved {
    const struct route *route;
    const struct provider *provider;
    weir_str model;
    bool forced; /* the model was asked for by name: send it as it is */
};

static bool names_default(weir_str model)
{
    return model.len == 0 || str_is(model, "default") || str_is(model, "auto");
}

/* provider/model or route/model, if what stands before the slash is one. */
static bool split_model(const struct tree *tree, weir_str name, struct resolved *r)
{
    const char *slash = name.len ? memchr(name.ptr, '/', name.len) : NULL;
    weir_str front;

    if (!slash)
        return false;
    front = (weir_str){ name.ptr, (size_t)(slash - name.ptr) };
    r->provider = tree_provider(tree, front);
    r->route = r->provider ? NULL : tree_route(tree, front);
    r->model = (weir_str){ slash + 1, name.len - (size_t)(slash + 1 - name.ptr) };
    r->forced = r->provider != NULL; /* a route's targets need not have it */
    return r->provider || r->route;
}

static const struct provider *find_by_model(const struct tree *tree, weir_str model,
                                            bool (*knows)(const struct provider *, weir_str))
{
    for (guint i = 0; i < tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(tree->providers, i);

        if (knows(p, model))
            return p;
    }
    return NULL;
}

/* A model that some provider says it has: the name is sent as it is. */
static void find_told(const struct exchange *e, weir_str model, struct resolved *r)
{
    const struct tree *tree = e->generation->tree;
    const struct model_lists *lists = lister_lists(e->worker);

    for (guint i = 0; lists && i < tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(tree->providers, i);

        if (!p->config->list_models || !model_lists_has(lists, p->name, model))
            continue;
        r->provider = p;
        r->forced = true;
        return;
    }
}

static void add_names(const struct generation *g, GPtrArray *names)
{
    for (guint i = 0; i < g->tree->routes->len; i++)
        g_ptr_array_add(names,
                        (gpointer)((struct route *)g_ptr_array_index(g->tree->routes, i))->name);
    for (guint i = 0; i < g->tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(g->tree->providers, i);
        GHashTableIter iter;
        gpointer key;

        g_ptr_array_add(names, p->config->name);
        if (p->config->default_model)
            g_ptr_array_add(names, p->config->default_model);
        for (guint k = 0; p->config->models && k < p->config->models->len; k++)
            g_ptr_array_add(names, g_ptr_array_index(p->config->models, k));
        if (!p->config->aliases)
            continue;
        g_hash_table_iter_init(&iter, p->config->aliases);
        while (g_hash_table_iter_next(&iter, &key, NULL))
            g_ptr_array_add(names, key);
    }
}

enum { NAMES_MAX = 2000 }; /* that a wrong one is compared with */

static void add_told(const struct model_lists *lists, GPtrArray *names)
{
    for (guint i = 0; lists && i < lists->lists->len; i++) {
        const struct model_list *l = g_ptr_array_index(lists->lists, i);

        for (guint k = 0; k < l->models->len && names->len < NAMES_MAX; k++)
            g_ptr_array_add(names, (gpointer)g_array_index(l->models, struct listed_model, k).id);
    }
}

static void fail_unknown(struct exchange *e, const char *what, weir_str name, unsigned class_id)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *word = g_strndup(name.ptr, name.len);
    const char *near;
    weir_failure *failure;

    if (!permit_some(e)) { /* others' names are not told */
        add_names(e->generation, names);
        add_told(lister_lists(e->worker), names);
    }
    g_ptr_array_add(names, NULL);
    near = config_nearest(word, (const char *const *)names->pdata);
    failure = failure_format(&e->arena, class_id, "%s '%.*s' is not configured%s%s%s", what,
                             S_ARG(name), near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "; GET /v1/models lists what is");
    failure->param = S("model");
    exchange_fail(e, failure);
}

void exchange_unknown_model(struct exchange *e)
{
    fail_unknown(e, "model", e->facts.model, WEIR_CLASS_NOT_FOUND);
}

/* The order of the design: explicit provider, route, alias or listed model, claimed model. */
static bool resolve(struct exchange *e, struct resolved *r)
{
    const struct tree *tree = e->generation->tree;
    weir_str model = e->facts.model;

    *r = (struct resolved){ .model = model };
    if (e->facts.provider.len) {
        r->provider = tree_provider(tree, e->facts.provider);
        if (!r->provider) {
            fail_unknown(e, "provider", e->facts.provider, WEIR_CLASS_NO_PROVIDER);
            return false;
        }
        if (model.len) {
            struct resolved named = { 0 };

            if (split_model(tree, model, &named) && named.provider == r->provider)
                r->model = named.model;
            r->forced = !names_default(model);
        }
        if (!r->forced)
            r->model = S("");
        return true;
    }
    if (names_default(model)) {
        r->route = e->generation->default_route;
        r->model = S("");
        return true;
    }
    if (split_model(tree, model, r))
        return true;
    r->model = model;
    r->forced = false;
    r->route = tree_route(tree, model);
    if (r->route) {
        r->model = S("");
        return true;
    }
    r->provider = find_by_model(tree, model, provider_lists);
    if (!r->provider)
        find_told(e, model, r);
    if (!r->provider)
        r->provider = find_by_model(tree, model, provider_claims);
    if (!r->provider)
        r->provider = tree_provider(tree, model); /* a provider's name asks for its default */
    if (r->provider) {
        if (str_eq(r->provider->name, model))
            r->model = S("");
        return true;
    }
    if (e->generation->config->unknown_to_default && e->generation->default_route) {
        exchange_warn(e, &(struct warning){
                             S("model"), S("unknown model: the default route was asked instead") });
        r->route = e->generation->default_route;
        r->model = S("");
        return true;
    }
    if (e->facts.op == WEIR_OP_FORWARD) { /* the vendor knows its own names */
        r->route = e->generation->default_route;
        return true;
    }
    fail_unknown(e, "model", model, WEIR_CLASS_NO_ROUTE);
    return false;
}

/* With a single provider there is nothing to choose. */
static const struct provider *only_provider(const struct generation *g)
{
    return g->tree->providers->len == 1 ? g_ptr_array_index(g->tree->providers, 0) : NULL;
}

/* What only one provider can read goes there, where the application leaves the choice to us. */
static void follow_owner(const struct exchange *e, struct resolved *r)
{
    const struct opaque_owners *optional = &e->opaque->optional;
    const struct provider *required = opaque_owner(e->opaque), *owner = required;

    if (!owner && optional->count == 1)
        owner = optional->provider[0];
    if (!owner || e->facts.provider.len || r->forced)
        return;
    if (required && (!r->route || r->route == e->generation->default_route) &&
        (e->facts.op == WEIR_OP_FORWARD || (!r->route && !r->provider))) {
        r->route = NULL;
        r->provider = owner;
    }
    if (r->provider && (provider_lists(owner, r->model) || provider_claims(owner, r->model)))
        r->provider = owner;
}

void exchange_route(struct exchange *e)
{
    struct resolved r;

    if (!resolve(e, &r))
        return;
    if (e->opaque)
        follow_owner(e, &r);
    if (!r.route && !r.provider)
        r.provider = only_provider(e->generation);
    if (!r.route && !r.provider) {
        weir_failure *failure = failure_format(
            &e->arena, WEIR_CLASS_NO_ROUTE,
            "the request names no model and there is no default_route; name a model, a route or "
            "provider/model, or send x-weir-provider");
        failure->param = S("model");
        exchange_fail(e, failure);
        return;
    }
    e->route = r.route;
    e->explicit_provider = r.provider;
    if (r.route && r.model.len)
        e->facts.model = r.model; /* what the tree is asked for: route/model without the route */
    if (!permit_check(e, r.model))
        return;
    e->walk = (struct walk){
        .ops = &exchange_walk_ops,
        .loop = e->worker->loop,
        .arena = &e->arena,
        .facts = &e->facts,
        .asked = r.model,
        .forced = r.forced,
        .native = e->facts.op == WEIR_OP_FORWARD ? str_of(e->dialect->face->id) : S(""),
        .opaque = e->opaque,
        .strict = r.route && r.route->config->strict_loss,
        .seed = worker_random(e->worker),
    };
    e->root = r.route ? r.route->root : r.provider->direct;
    if (e->opaque && !owned_check(e))
        return;
    if (!filters_select(e))
        return;
    exchange_budget(e);
    if (!filters_request(e))
        return;
    if (e->root && e->root->needs)
        prompt_facts(e, e->root->needs);
    if (e->over) /* the dialect did not like what it had to translate */
        return;
    decisions_begin(e);
    if (e->root)
        exchange_go(e);
    else
        exchange_refuse(e, WEIR_CLASS_INTERNAL,
                        "a provider can only be asked by name if the failover strategy is there");
}
