/*
 * catalogue.c - see catalogue.h.
 */
#include "catalogue/catalogue.h"
#include "base/str.h"

/* -- making and ending ------------------------------------------------------------------------ */

static const struct catalogue_price no_price = { -1, -1, -1, -1, -1 };

struct catalogue_record *catalogue_record_new(void)
{
    struct catalogue_record *r = g_new0(struct catalogue_record, 1);

    r->context_window = r->max_output_tokens = r->long_above = -1;
    r->price = r->long_price = no_price;
    r->deprecated = -1;
    return r;
}

void catalogue_record_free(struct catalogue_record *r)
{
    if (!r)
        return;
    g_free(r->superseded_by);
    g_free(r->source);
    g_free(r->text);
    g_free(r);
}

struct catalogue_entry *catalogue_entry_new(struct catalogue_record *record)
{
    struct catalogue_entry *e = g_new0(struct catalogue_entry, 1);

    e->match = g_ptr_array_new_with_free_func(g_free);
    e->record = record;
    return e;
}

void catalogue_entry_free(gpointer entry)
{
    struct catalogue_entry *e = entry;

    g_ptr_array_unref(e->match);
    catalogue_record_free(e->record);
    g_free(e);
}

static void vendor_free(gpointer vendor)
{
    struct catalogue_vendor *v = vendor;

    g_ptr_array_unref(v->hosts);
    g_ptr_array_unref(v->entries);
    g_free(v->name);
    g_free(v);
}

struct catalogue *catalogue_new(void)
{
    struct catalogue *c = g_new0(struct catalogue, 1);

    c->vendors = g_ptr_array_new_with_free_func(vendor_free);
    return c;
}

void catalogue_free(struct catalogue *c)
{
    if (!c)
        return;
    g_ptr_array_unref(c->vendors);
    g_free(c);
}

struct catalogue_vendor *catalogue_add_vendor(struct catalogue *c, const char *name)
{
    struct catalogue_vendor *v = g_new0(struct catalogue_vendor, 1);

    v->name = g_strdup(name);
    v->hosts = g_ptr_array_new_with_free_func(g_free);
    v->entries = g_ptr_array_new_with_free_func(catalogue_entry_free);
    g_ptr_array_add(c->vendors, v);
    return v;
}

/* -- finding ---------------------------------------------------------------------------------- */

const struct catalogue_vendor *catalogue_vendor(const struct catalogue *c, const char *name)
{
    for (guint i = 0; i < c->vendors->len; i++) {
        const struct catalogue_vendor *v = g_ptr_array_index(c->vendors, i);

        if (strcmp(v->name, name) == 0)
            return v;
    }
    return NULL;
}

const struct catalogue_vendor *catalogue_vendor_at(const struct catalogue *c, const char *host)
{
    g_autofree char *lower = g_ascii_strdown(host, -1);

    for (guint i = 0; i < c->vendors->len; i++) {
        const struct catalogue_vendor *v = g_ptr_array_index(c->vendors, i);

        for (guint k = 0; k < v->hosts->len; k++) {
            if (str_glob(str_of(lower), str_of(g_ptr_array_index(v->hosts, k))))
                return v;
        }
    }
    return NULL;
}

/* How much a pattern says of `model`; 0: it is about others. Its very name says the most. */
static size_t how_well(weir_str model, const char *pattern)
{
    size_t literal = 0;

    if (!strchr(pattern, '*'))
        return str_is(model, pattern) ? SIZE_MAX : 0;
    if (!str_glob(model, str_of(pattern)))
        return 0;
    for (const char *p = pattern; *p; p++)
        literal += *p != '*';
    return literal + 1;
}

const struct catalogue_record *catalogue_find(const GPtrArray *entries, weir_str model)
{
    const struct catalogue_record *best = NULL;
    size_t most = 0;

    for (guint i = 0; entries && model.len && i < entries->len; i++) {
        const struct catalogue_entry *e = g_ptr_array_index(entries, i);

        for (guint k = 0; k < e->match->len; k++) {
            size_t well = how_well(model, g_ptr_array_index(e->match, k));

            if (well > most) {
                most = well;
                best = e->record;
            }
        }
    }
    return best;
}

/* -- what is known ---------------------------------------------------------------------------- */

static void replace(char **to, const char *from)
{
    if (!from)
        return;
    g_free(*to);
    *to = g_strdup(from);
}

void catalogue_record_merge(struct catalogue_record *r, const struct catalogue_record *over)
{
    r->can = (r->can & ~over->lacks) | over->can;
    r->lacks = (r->lacks & ~over->can) | over->lacks;
    if (over->context_window >= 0)
        r->context_window = over->context_window;
    if (over->max_output_tokens >= 0)
        r->max_output_tokens = over->max_output_tokens;
    if (over->priced) {
        r->priced = true;
        r->price = over->price;
        r->long_above = over->long_above;
        r->long_price = over->long_price;
        g_clear_pointer(&r->source, g_free); /* it was about another price */
    }
    if (over->deprecated >= 0)
        r->deprecated = over->deprecated;
    replace(&r->superseded_by, over->superseded_by);
    replace(&r->source, over->source);
    g_clear_pointer(&r->text, g_free);
}

bool catalogue_record_is_empty(const struct catalogue_record *r)
{
    return !r->can && !r->lacks && r->context_window < 0 && r->max_output_tokens < 0 &&
           !r->priced && r->deprecated < 0 && !r->superseded_by;
}

/* -- names of capabilities -------------------------------------------------------------------- */

#define NAME(id, bit, name) name,
const char *const catalogue_capabilities[] = { WEIR_CAPABILITIES(NAME) NULL };
#undef NAME

guint32 catalogue_capability(const char *name)
{
#define CHECK(id, bit, text)       \
    if (strcmp(name, (text)) == 0) \
        return WEIR_CAN_##id;
    WEIR_CAPABILITIES(CHECK)
#undef CHECK
    return 0;
}

char *catalogue_capability_list(guint32 can, const char *divider)
{
    GString *list = g_string_new(NULL);

#define ADD(id, bit, name)   \
    if (can & WEIR_CAN_##id) \
        g_string_append_printf(list, "%s%s", list->len ? divider : "", name);
    WEIR_CAPABILITIES(ADD)
#undef ADD
    return g_string_free(list, FALSE);
}

/* -- where it is ------------------------------------------------------------------------------ */

#ifndef WEIR_SHAREDIR
#define WEIR_SHAREDIR "/usr/local/share/weir"
#endif

char *catalogue_default_path(void)
{
    const char *set = g_getenv("WEIR_CATALOGUE");
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *beside = g_path_get_dirname(self ? self : "/");
    g_autofree char *installed = g_build_filename(beside, "..", "share", "weir", NULL);
    g_autofree char *built = g_build_filename(beside, "catalogue", NULL);
    const char *const directories[] = { WEIR_SHAREDIR, installed, built };

    if (set)
        return *set ? g_strdup(set) : NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], "models.json", NULL);

        if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
            return g_steal_pointer(&path);
    }
    return NULL;
}
