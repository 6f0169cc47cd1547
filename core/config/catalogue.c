/*
 * catalogue.c - what is known of models: catalogue files, and what providers say of their own.
 *
 * A catalogue is read by the same parser as the configuration (JSON is YAML), so what is wrong with
 * it is told in the same way.
 */
#include "config/catalogue.h"
#include "base/log.h"
#include "base/str.h"
#include "config/schema.h"
#include "config/value.h"

/* -- one record ------------------------------------------------------------------------------- */

#define KNOWN_KEYS                                                                         \
    "capabilities", "lacks", "context_window", "max_output_tokens", "price", "deprecated", \
        "superseded_by", "source"

static const char *const price_keys[] = { "input",       "output",         "cache_read",
                                          "cache_write", "cache_write_1h", "long_prompt",
                                          NULL };
static const char *const long_keys[] = { "above",       "input",          "output", "cache_read",
                                         "cache_write", "cache_write_1h", NULL };

static guint32 read_capabilities(struct load *l, const struct ynode *n, const char *what)
{
    g_autoptr(GPtrArray) names = value_strings(&l->faults, n, what);
    guint32 can = 0;

    for (guint i = 0; names && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        guint32 bit = catalogue_capability(name);

        if (!bit) {
            const struct ynode *item = n->kind == YNODE_LIST ? ynode_at(n, i) : n;
            g_autofree char *guess = fault_guess_or_list(name, catalogue_capabilities);

            fault_at(&l->faults, &item->at, "%s: '%s' is no capability%s", what, name, guess);
        }
        can |= bit;
    }
    return can;
}

/* Dollars for a million tokens. */
static void read_price(struct load *l, const struct ynode *map, const char *key, const char *what,
                       gint64 *out)
{
    const struct ynode *n = ynode_get(map, key);
    g_autofree char *name = g_strdup_printf("%s.%s", what, key);
    double dollars;

    if (!n || !value_number(&l->faults, n, name, &dollars))
        return;
    if (dollars < 0 || dollars > 1e6)
        fault_at(&l->faults, &n->at,
                 "%s must be dollars for a million tokens, from 0 to 1000000, not %s", name,
                 n->raw);
    else
        *out = (gint64)(dollars * 1e6 + 0.5);
}

static void read_prices(struct load *l, const struct ynode *map, const char *what,
                        struct catalogue_price *out)
{
    read_price(l, map, "input", what, &out->input);
    read_price(l, map, "output", what, &out->output);
    read_price(l, map, "cache_read", what, &out->cache_read);
    read_price(l, map, "cache_write", what, &out->cache_write);
    read_price(l, map, "cache_write_1h", what, &out->cache_write_1h);
}

static void read_price_map(struct load *l, const struct ynode *map, const char *what,
                           struct catalogue_record *r)
{
    const struct ynode *more = ynode_get(map, "long_prompt"), *above = ynode_get(more, "above");
    g_autofree char *long_what = g_strdup_printf("%s.long_prompt", what);
    g_autofree char *above_what = g_strdup_printf("%s.above", long_what);

    if (!schema_is_map(l, map, what))
        return;
    r->priced = true;
    schema_known(l, map, what, price_keys);
    read_prices(l, map, what, &r->price);
    if (!more || !schema_is_map(l, more, long_what))
        return;
    schema_known(l, more, long_what, long_keys);
    read_prices(l, more, long_what, &r->long_price);
    if (!above)
        fault_at(&l->faults, &more->at,
                 "%s needs 'above': the prompts it is about have more tokens than that; add it",
                 long_what);
    else
        value_int(&l->faults, above, above_what, 1, G_MAXINT64, &r->long_above);
}

static void read_text(struct load *l, const struct ynode *map, const char *key, const char *what,
                      char **out)
{
    const struct ynode *n = ynode_get(map, key);
    g_autofree char *name = g_strdup_printf("%s.%s", what, key);

    if (n)
        *out = g_strdup(value_text(&l->faults, n, name, "a text"));
}

static void read_count(struct load *l, const struct ynode *map, const char *key, const char *what,
                       gint64 *out)
{
    const struct ynode *n = ynode_get(map, key);
    g_autofree char *name = g_strdup_printf("%s.%s", what, key);

    if (n)
        value_int(&l->faults, n, name, 1, G_MAXINT32, out);
}

/* The known members of `map`; never NULL. Other keys are the caller's to judge. */
static struct catalogue_record *read_record(struct load *l, const struct ynode *map,
                                            const char *what)
{
    struct catalogue_record *r = catalogue_record_new();
    const struct ynode *can = ynode_get(map, "capabilities"), *lacks = ynode_get(map, "lacks");
    const struct ynode *price = ynode_get(map, "price"), *old = ynode_get(map, "deprecated");
    g_autofree char *can_what = g_strdup_printf("%s.capabilities", what);
    g_autofree char *lacks_what = g_strdup_printf("%s.lacks", what);
    g_autofree char *price_what = g_strdup_printf("%s.price", what);
    g_autofree char *old_what = g_strdup_printf("%s.deprecated", what);
    gboolean deprecated;

    r->can = can ? read_capabilities(l, can, can_what) : 0;
    r->lacks = lacks ? read_capabilities(l, lacks, lacks_what) : 0;
    if (r->can & r->lacks) {
        g_autofree char *both = catalogue_capability_list(r->can & r->lacks, ", ");

        fault_at(&l->faults, &lacks->at, "%s: %s cannot be both had and lacked; remove it from one",
                 what, both);
    }
    read_count(l, map, "context_window", what, &r->context_window);
    read_count(l, map, "max_output_tokens", what, &r->max_output_tokens);
    if (price)
        read_price_map(l, price, price_what, r);
    if (old && value_bool(&l->faults, old, old_what, &deprecated))
        r->deprecated = deprecated;
    read_text(l, map, "superseded_by", what, &r->superseded_by);
    read_text(l, map, "source", what, &r->source);
    return r;
}

/* -- a catalogue file ------------------------------------------------------------------------- */

static void read_entry(struct load *l, const struct ynode *map, const char *what,
                       struct catalogue_vendor *v, const char *source, GHashTable *seen)
{
    static const char *const keys[] = { "match", KNOWN_KEYS, NULL };
    const struct ynode *match = ynode_get(map, "match");
    g_autofree char *match_what = g_strdup_printf("%s.match", what);
    struct catalogue_entry *e;

    if (!schema_is_map(l, map, what))
        return;
    schema_known(l, map, what, keys);
    e = catalogue_entry_new(read_record(l, map, what));
    g_ptr_array_add(v->entries, e);
    if (!e->record->source)
        e->record->source = g_strdup(source);
    if (!match) {
        fault_at(&l->faults, &map->at, "%s needs 'match': the names it is about; add them", what);
        return;
    }
    g_autoptr(GPtrArray) names = value_strings(&l->faults, match, match_what);
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        const struct ynode *item = match->kind == YNODE_LIST ? ynode_at(match, i) : match;

        if (!g_hash_table_add(seen, g_strdup(name)))
            fault_at(&l->faults, &item->at, "%s: '%s' has its entry already; remove one", what,
                     name);
        g_ptr_array_add(e->match, g_strdup(name));
    }
}

static void read_vendor(struct load *l, struct catalogue *c, const struct ynode *key,
                        const struct ynode *map)
{
    static const char *const keys[] = { "hosts", "source", "models", NULL };
    const struct ynode *hosts = ynode_get(map, "hosts"), *models = ynode_get(map, "models");
    g_autofree char *what = g_strdup_printf("vendors.%s", key->raw);
    g_autofree char *source = NULL;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct catalogue_vendor *v;

    if (!schema_is_map(l, map, what))
        return;
    schema_known(l, map, what, keys);
    v = catalogue_add_vendor(c, key->raw);
    read_text(l, map, "source", what, &source);
    if (hosts) {
        g_autofree char *name = g_strdup_printf("%s.hosts", what);
        GPtrArray *list = value_strings(&l->faults, hosts, name);

        for (guint i = 0; list && i < list->len; i++)
            g_ptr_array_add(v->hosts, g_ascii_strdown(g_ptr_array_index(list, i), -1));
        if (list)
            g_ptr_array_unref(list);
    }
    if (models && models->kind != YNODE_LIST) {
        fault_at(&l->faults, &models->at, "%s.models must be a list of entries", what);
        return;
    }
    for (guint i = 0; models && i < ynode_count(models); i++) {
        g_autofree char *entry = g_strdup_printf("%s.models[%u]", what, i);

        read_entry(l, ynode_at(models, i), entry, v, source, seen);
    }
}

static struct catalogue *read_catalogue(struct load *l, const struct ynode *root)
{
    static const char *const keys[] = { "format", "vendors", NULL };
    const struct ynode *format = ynode_get(root, "format"), *vendors = ynode_get(root, "vendors");
    struct catalogue *c = catalogue_new();
    gint64 number;

    if (!schema_is_map(l, root, "a catalogue"))
        return c;
    schema_known(l, root, "a catalogue", keys);
    if (format)
        value_int(&l->faults, format, "format", 1, 1, &number);
    if (!vendors)
        fault_at(&l->faults, &root->at, "a catalogue needs 'vendors'; add it");
    else if (schema_is_map(l, vendors, "vendors"))
        for (guint i = 0; i < ynode_count(vendors); i++)
            read_vendor(l, c, ynode_key_at(vendors, i), ynode_at(vendors, i));
    return c;
}

static void add_catalogue(struct load *l, const char *path, const char *text, gsize len)
{
    const struct ynode *root = ytree_parse(l->tree, path, text, len, &l->faults);

    if (root)
        g_ptr_array_add(l->config->catalogues, read_catalogue(l, root));
}

static void read_default(struct load *l)
{
    g_autofree char *path = catalogue_default_path();
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    const char *set = g_getenv("WEIR_CATALOGUE");
    gsize len;

    if (!path && set)
        return;
    if (!path)
        log_write(LOG_LEVEL_WARNING, "config",
                  "there is no model catalogue: prices and limits of models are not known; install "
                  "weir completely, or set WEIR_CATALOGUE");
    else if (g_file_get_contents(path, &text, &len, &why))
        add_catalogue(l, path, text, len);
    else
        log_write(LOG_LEVEL_WARNING, "config",
                  "the model catalogue cannot be read, prices and limits of models are not known: "
                  "%s",
                  why->message);
}

void catalogues_read(struct load *l, const struct ynode *root)
{
    const struct ynode *n = ynode_get(root, "catalogue");
    const char *path = n ? value_text(&l->faults, n, "catalogue", "a path") : NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    gsize len;

    read_default(l);
    if (!path)
        return;
    l->config->catalogue_file = value_path(&n->at, path);
    if (!files_kept(l, l->config->catalogue_file, &text, &len, &why)) {
        fault_at(&l->faults, &n->at, "catalogue: %s; correct the path", why->message);
        return;
    }
    add_catalogue(l, l->config->catalogue_file, text, len);
}

/* -- providers -------------------------------------------------------------------------------- */

static char **vendor_names(const struct config *c)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < c->catalogues->len; i++) {
        const struct catalogue *catalogue = g_ptr_array_index(c->catalogues, i);

        for (guint k = 0; k < catalogue->vendors->len; k++) {
            const struct catalogue_vendor *v = g_ptr_array_index(catalogue->vendors, k);

            if (!g_ptr_array_find_with_equal_func(names, v->name, g_str_equal, NULL))
                g_ptr_array_add(names, v->name);
        }
    }
    g_ptr_array_add(names, (gpointer) "none");
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* Whose API is at the base URL; the catalogue read last is asked first. */
static const char *vendor_of(const struct config *c, const char *base_url)
{
    g_autoptr(GUri) uri = base_url ? g_uri_parse(base_url, G_URI_FLAGS_NONE, NULL) : NULL;

    for (guint i = uri && g_uri_get_host(uri) ? c->catalogues->len : 0; i > 0; i--) {
        const struct catalogue_vendor *v =
            catalogue_vendor_at(g_ptr_array_index(c->catalogues, i - 1), g_uri_get_host(uri));

        if (v)
            return v->name;
    }
    return NULL;
}

void provider_vendor(struct load *l, struct config_provider *p, const struct ynode *map,
                     const char *what)
{
    const struct ynode *n = ynode_get(map, "vendor");
    g_autofree char *name = g_strdup_printf("%s.vendor", what);
    g_autofree char **names = vendor_names(l->config);
    const char *text;

    if (!n) {
        p->vendor = g_strdup(vendor_of(l->config, p->base_url));
        return;
    }
    text = value_text(&l->faults, n, name, "a vendor of the catalogue, or none");
    if (!text || strcmp(text, "none") == 0)
        return;
    if (g_strv_contains((const char *const *)names, text)) {
        p->vendor = g_strdup(text);
        return;
    }
    g_autofree char *guess = fault_guess_or_list(text, (const char *const *)names);
    fault_at(&l->faults, &n->at, "%s: the catalogue knows no vendor '%s'%s", name, text, guess);
}

static gboolean has_details(const struct config_provider *p, const char *name)
{
    for (guint i = 0; i < p->details->len; i++) {
        const struct catalogue_entry *e = g_ptr_array_index(p->details, i);

        if (g_str_equal(g_ptr_array_index(e->match, 0), name))
            return TRUE;
    }
    return FALSE;
}

/* Takes `r`. */
static void add_details(struct load *l, struct config_provider *p, const struct place *at,
                        const char *name, struct catalogue_record *r)
{
    struct catalogue_entry *e = catalogue_entry_new(r);

    if (has_details(p, name))
        fault_at(&l->faults, at, "providers.%s: '%s' is described twice; remove one", p->name,
                 name);
    if (r->priced && !r->source)
        r->source = g_strdup("configuration");
    catalogue_record_write(r);
    g_ptr_array_add(e->match, g_strdup(name));
    g_ptr_array_add(p->details, e);
}

char *provider_model_entry(struct load *l, struct config_provider *p, const struct ynode *n,
                           const char *what)
{
    static const char *const keys[] = { "name", "timeout", KNOWN_KEYS, NULL };
    const struct ynode *name = ynode_get(n, "name");
    g_autofree char *name_what = g_strdup_printf("%s.name", what);
    struct catalogue_record *r = read_record(l, n, what);
    const char *text = name ? value_text(&l->faults, name, name_what, "a text") : NULL;

    schema_known(l, n, what, keys);
    if (!name)
        fault_at(&l->faults, &n->at, "%s needs 'name': the model, or a pattern; add it", what);
    if (text)
        add_details(l, p, &name->at, text, r);
    else
        catalogue_record_free(r);
    return g_strdup(text);
}

void provider_catalogue(struct load *l, struct config_provider *p, const struct ynode *map,
                        const char *what)
{
    static const char *const keys[] = { KNOWN_KEYS, NULL };
    const struct ynode *all = ynode_get(map, "catalogue");
    g_autofree char *name = g_strdup_printf("%s.catalogue", what);

    if (!all || !schema_is_map(l, all, name))
        return;
    for (guint i = 0; i < ynode_count(all); i++) {
        const struct ynode *key = ynode_key_at(all, i), *n = ynode_at(all, i);
        g_autofree char *entry = g_strdup_printf("%s.%s", name, key->raw);

        if (!schema_is_map(l, n, entry))
            continue;
        schema_known(l, n, entry, keys);
        add_details(l, p, &key->at, key->raw, read_record(l, n, entry));
    }
}

/* -- asking ----------------------------------------------------------------------------------- */

struct catalogue_record *config_known(const struct config *c, const struct config_provider *p,
                                      weir_str model)
{
    g_autoptr(catalogue_record_t) r = catalogue_record_new();
    const struct catalogue_record *found;

    for (guint i = 0; p->vendor && i < c->catalogues->len; i++) {
        const struct catalogue_vendor *v =
            catalogue_vendor(g_ptr_array_index(c->catalogues, i), p->vendor);

        found = v ? catalogue_find(v->entries, model) : NULL;
        if (found)
            catalogue_record_merge(r, found);
    }
    found = catalogue_find(p->details, model);
    if (found)
        catalogue_record_merge(r, found);
    if (catalogue_record_is_empty(r))
        return NULL;
    return g_steal_pointer(&r);
}
