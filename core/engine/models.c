/*
 * models.c - the model list, from the configuration: no provider is asked on the request path.
 *
 * Applications see routes, aliases and models under the names they can send.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <weir/sdk/write.h>

struct listing {
    weir_writer w;
    GHashTable *seen;
    weir_str only; /* one model was asked for by name; empty: all */
    int64_t created;
    uint32_t count;
};

static void add_model(struct listing *l, const char *id, const char *owner)
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
    weir_write_int64(&l->w, l->created);
    weir_write_key(&l->w, "owned_by");
    weir_write_literal(&l->w, owner);
    weir_write_end_object(&l->w);
}

static void add_both(struct listing *l, const char *provider, const char *model)
{
    g_autofree char *full = g_strdup_printf("%s/%s", provider, model);

    add_model(l, model, provider);
    add_model(l, full, provider);
}

static void add_provider(struct listing *l, const struct config_provider *p)
{
    GHashTableIter iter;
    gpointer key;

    if (p->default_model)
        add_both(l, p->name, p->default_model);
    for (guint i = 0; p->models && i < p->models->len; i++) {
        const char *model = g_ptr_array_index(p->models, i);

        if (!strchr(model, '*'))
            add_both(l, p->name, model);
    }
    if (!p->aliases)
        return;
    g_hash_table_iter_init(&iter, p->aliases);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        add_both(l, p->name, key);
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
            add_both(l, c->provider->config->name, model);
        }
    }
}

static bool list_models(struct exchange *e, weir_str *document, uint32_t *count)
{
    const struct generation *g = e->generation;
    struct listing l = {
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .only = e->facts.model,
        .created = e->unix_us / 1000000,
    };

    weir_writer_init(&l.w, &e->in.arena, 4096);
    weir_write_begin_object(&l.w);
    weir_write_key(&l.w, "object");
    weir_write_literal(&l.w, "list");
    weir_write_key(&l.w, "data");
    weir_write_begin_array(&l.w);
    for (guint i = 0; i < g->tree->routes->len; i++)
        add_model(&l, ((const struct route *)g_ptr_array_index(g->tree->routes, i))->name, "weir");
    for (guint i = 0; i < g->config->providers->len; i++)
        add_provider(&l, g_ptr_array_index(g->config->providers, i));
    add_leaves(&l, g);
    weir_write_end_array(&l.w);
    weir_write_end_object(&l.w);
    g_hash_table_unref(l.seen);
    *count = l.count;
    return weir_writer_finish(&l.w, document) == WEIR_OK;
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
        exchange_route(e); /* an unknown name: says so, with near names; or a provider knows it */
        return;
    }
    event.text = (weir_text){ document.ptr, document.len, WEIR_FORM_UTF8, 0 };
    if (reply_local_event(e, &event) == WEIR_OK)
        reply_local_end(e);
    else
        exchange_refuse(e, WEIR_CLASS_INTERNAL, "the model list could not be written");
}
