/*
 * models.c - the model list, from the configuration and from what providers told last: none of them
 * is asked on the request path.
 *
 * Applications see routes, aliases and models under the names they can send.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "engine/lister.h"
#include "model/failure.h"

#include <weir/sdk/write.h>

struct listing {
    weir_writer w;
    const struct exchange *of;
    GHashTable *seen;
    const struct generation *generation;
    const struct model_lists *lists; /* what providers told; NULL: nothing */
    weir_str only;                   /* one model was asked for by name; empty: all */
    int64_t created;
    uint32_t count;
};

/* What is known of a model besides its name. */
struct details {
    const struct listed_model *told; /* by its provider; NULL: nothing */
    const struct catalogue_record *known;
};

static void write_count(struct listing *l, const char *key, int64_t told, int64_t known)
{
    if (told < 0 && known < 0)
        return;
    weir_write_key(&l->w, key);
    weir_write_int64(&l->w, told >= 0 ? told : known);
}

static void write_capabilities(struct listing *l, guint32 can)
{
    if (!can)
        return;
    weir_write_key(&l->w, "capabilities");
    weir_write_begin_array(&l->w);
    for (int i = 0; catalogue_capabilities[i]; i++) {
        if (can & catalogue_capability(catalogue_capabilities[i]))
            weir_write_literal(&l->w, catalogue_capabilities[i]);
    }
    weir_write_end_array(&l->w);
}

static void write_details(struct listing *l, const struct details *d)
{
    const struct listed_model *told = d->told;
    const struct catalogue_record *known = d->known;

    if (told && told->name) {
        weir_write_key(&l->w, "name");
        weir_write_string(&l->w, str_of(told->name));
    }
    write_count(l, "context_window", told ? told->context_window : -1,
                known ? known->context_window : -1);
    write_count(l, "max_output_tokens", told ? told->max_output_tokens : -1,
                known ? known->max_output_tokens : -1);
    write_capabilities(l, (told ? told->can : 0) | (known ? known->can : 0));
}

static void add_model(struct listing *l, const char *id, const char *owner, const struct details *d)
{
    if (l->only.len && !str_is(l->only, id))
        return;
    if (!g_hash_table_add(l->seen, g_strdup(id)))
        return;
    l->count++;
    weir_write_begin_object(&l->w);
    weir_write_key(&l->w, "id");
    weir_write_literal(&l->w, id);
    weir_write_key(&l->w, "object");
    weir_write_literal(&l->w, "model");
    weir_write_key(&l->w, "created");
    weir_write_int64(&l->w, d && d->told && d->told->created > 0 ? d->told->created : l->created);
    weir_write_key(&l->w, "owned_by");
    weir_write_literal(&l->w, owner);
    if (d)
        write_details(l, d);
    weir_write_end_object(&l->w);
}

static bool is_asked_for(const struct listing *l, const char *model, const char *full)
{
    return !l->only.len || str_is(l->only, model) || str_is(l->only, full);
}

/* "openai/gpt-oss-20b" is a plain name at some vendors; asked for, it would go to the provider of
 * that name, if there is one. */
static bool names_another(const struct listing *l, const char *model)
{
    const char *slash = strchr(model, '/');

    return slash &&
           tree_provider(l->generation->tree, (weir_str){ model, (size_t)(slash - model) });
}

/* A model under both its names: plain, and with its provider's. `real` is what the provider calls
 * it; `list` is what it told, or NULL. */
static void add_both(struct listing *l, const struct config_provider *p,
                     const struct model_list *list, const char *model, const char *real)
{
    g_autofree char *full = g_strdup_printf("%s/%s", p->name, model);
    g_autoptr(catalogue_record_t) known = NULL;
    struct details d = { NULL, NULL };

    if (!is_asked_for(l, model, full) || !permit_model(l->of, str_of(p->name), str_of(model)))
        return;
    d.told = list ? g_hash_table_lookup(list->by_id, real) : NULL;
    d.known = known = config_known(l->generation->config, p, str_of(real));
    if (!names_another(l, model))
        add_model(l, model, p->name, &d);
    add_model(l, full, p->name, &d);
}

static const struct model_list *list_of(const struct listing *l, const struct config_provider *p)
{
    return p->list_models ? model_lists_of(l->lists, str_of(p->name)) : NULL;
}

/* What the provider told itself comes last: names of the configuration are the older promise. */
static void add_told(struct listing *l, const struct config_provider *p)
{
    const struct model_list *list = list_of(l, p);

    for (guint i = 0; list && i < list->models->len; i++) {
        const char *id = g_array_index(list->models, struct listed_model, i).id;

        add_both(l, p, list, id, id);
    }
}

static void add_provider(struct listing *l, const struct config_provider *p)
{
    const struct model_list *list = list_of(l, p);
    GHashTableIter iter;
    gpointer key, real;

    if (p->default_model)
        add_both(l, p, list, p->default_model, p->default_model);
    for (guint i = 0; p->models && i < p->models->len; i++) {
        const char *model = g_ptr_array_index(p->models, i);

        if (!strchr(model, '*'))
            add_both(l, p, list, model, model);
    }
    if (!p->aliases)
        return;
    g_hash_table_iter_init(&iter, p->aliases);
    while (g_hash_table_iter_next(&iter, &key, &real))
        add_both(l, p, list, key, real);
}

static void add_leaves(struct listing *l, const struct generation *g)
{
    for (guint i = 0; i < g->tree->nodes->len; i++) {
        const struct node *n = g_ptr_array_index(g->tree->nodes, i);

        for (uint32_t k = 0; k < n->count; k++) {
            const struct child *c = &n->children[k];
            g_autofree char *model = NULL;

            if (c->kind != CHILD_LEAF || !c->model.len)
                continue;
            model = g_strndup(c->model.ptr, c->model.len);
            add_both(l, c->provider->config, list_of(l, c->provider->config), model, model);
        }
    }
}

static bool list_models(struct exchange *e, weir_str *document, uint32_t *count)
{
    const struct generation *g = e->generation;
    struct listing l = {
        .of = e,
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .only = e->facts.model,
        .created = e->unix_us / 1000000,
        .generation = g,
        .lists = lister_lists(e->worker),
    };

    weir_writer_init(&l.w, &e->in.arena, 4096);
    weir_write_begin_object(&l.w);
    weir_write_key(&l.w, "object");
    weir_write_literal(&l.w, "list");
    weir_write_key(&l.w, "data");
    weir_write_begin_array(&l.w);
    for (guint i = 0; i < g->tree->routes->len; i++) {
        const char *route = ((const struct route *)g_ptr_array_index(g->tree->routes, i))->name;

        if (permit_route(e, route))
            add_model(&l, route, "weir", NULL);
    }
    for (guint i = 0; i < g->config->providers->len; i++)
        add_provider(&l, g_ptr_array_index(g->config->providers, i));
    add_leaves(&l, g);
    for (guint i = 0; i < g->config->providers->len; i++)
        add_told(&l, g_ptr_array_index(g->config->providers, i));
    weir_write_end_array(&l.w);
    weir_write_end_object(&l.w);
    g_hash_table_unref(l.seen);
    *count = l.count;
    return weir_writer_finish(&l.w, document) == WEIR_OK;
}

/* Whether some provider can be asked about the model: by its prefix, or because its API has such
 * names. */
static bool is_claimed(const struct exchange *e)
{
    const struct tree *tree = e->generation->tree;
    weir_str model = e->facts.model;
    const char *slash = memchr(model.ptr, '/', model.len);

    if (slash && tree_provider(tree, (weir_str){ model.ptr, (size_t)(slash - model.ptr) }))
        return true;
    for (guint i = 0; i < tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(tree->providers, i);

        if (provider_lists(p, model) || provider_claims(p, model))
            return true;
    }
    return false;
}

void models_answer(struct exchange *e)
{
    weir_event event = { .struct_size = sizeof(event), .type = WEIR_EVENT_DOCUMENT };
    weir_str document;
    uint32_t count;

    if (!list_models(e, &document, &count)) {
        exchange_refuse(e, WEIR_CLASS_INTERNAL, "out of memory");
        return;
    }
    if (e->facts.model.len && !count) {
        if (is_claimed(e))
            exchange_route(e); /* that provider knows it, or does not */
        else
            exchange_unknown_model(e);
        return;
    }
    event.text = (weir_text){ document.ptr, document.len, WEIR_FORM_UTF8, 0 };
    if (reply_local_event(e, &event) == WEIR_OK)
        reply_local_end(e);
    else
        exchange_refuse(e, WEIR_CLASS_INTERNAL, "the model list could not be written");
}
