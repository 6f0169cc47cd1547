/*
 * lists.c - see lists.h.
 */
#include "engine/lists.h"
#include "base/arena.h"
#include "base/str.h"
#include "catalogue/catalogue.h"
#include "json/scan.h"

#include <weir/sdk/json.h>

/* -- reading ---------------------------------------------------------------------------------- */

/* A list being read. */
struct reading {
    const weir_json *doc;
    weir_arena arena;
    struct model_list *list;
};

/* Names go into JSON, logs and metrics: they are what a name can be, or left out. */
static bool is_name(weir_str s)
{
    if (!s.len || s.len > LIST_MAX_ID)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static weir_str read_string(const struct reading *r, uint32_t object, const char *key)
{
    uint32_t at = weir_json_find(r->doc, object, key);

    return weir_json_is_string(r->doc, at) ? weir_json_str(r->doc, at, &r->arena) : S("");
}

static const char *read_text(const struct reading *r, uint32_t object, const char *key)
{
    weir_str s = read_string(r, object, key);

    if (!s.len || s.len > LIST_MAX_ID || memchr(s.ptr, '\0', s.len))
        return NULL;
    return g_string_chunk_insert_len(r->list->text, s.ptr, (gssize)s.len);
}

static gint64 read_number(const struct reading *r, uint32_t object, const char *key)
{
    int64_t n;

    if (!weir_json_int64(r->doc, weir_json_find(r->doc, object, key), &n) || n < 0)
        return -1;
    return n;
}

static guint32 read_capabilities(const struct reading *r, uint32_t object)
{
    uint32_t array = weir_json_find(r->doc, object, "capabilities");
    guint32 can = 0;

    if (!weir_json_is_array(r->doc, array))
        return 0;
    WEIR_JSON_EACH_ITEM(r->doc, array, item)
    {
        weir_str name = weir_json_inner(r->doc, item);
        g_autofree char *word = g_strndup(name.ptr ? name.ptr : "", name.len);

        can |= catalogue_capability(word);
    }
    return can;
}

static void read_model(struct reading *r, uint32_t object)
{
    struct model_list *l = r->list;
    weir_str id = read_string(r, object, "id");
    struct listed_model m = { .created = -1 };

    if (!weir_json_is_object(r->doc, object) || !is_name(id))
        return;
    m.id = g_string_chunk_insert_len(l->text, id.ptr, (gssize)id.len);
    if (g_hash_table_contains(l->by_id, m.id))
        return;
    m.name = read_text(r, object, "name");
    m.owner = read_text(r, object, "owned_by");
    m.created = read_number(r, object, "created");
    m.context_window = read_number(r, object, "context_window");
    m.max_output_tokens = read_number(r, object, "max_output_tokens");
    m.can = read_capabilities(r, object);
    g_hash_table_add(l->by_id,
                     (gpointer)m.id); /* the value comes when the array has stopped growing */
    g_array_append_val(l->models, m);
}

static void index_models(struct model_list *l)
{
    for (guint i = 0; i < l->models->len; i++) {
        struct listed_model *m = &g_array_index(l->models, struct listed_model, i);

        g_hash_table_replace(l->by_id, (gpointer)m->id, m);
    }
}

static struct model_list *list_new(const char *provider)
{
    struct model_list *l = g_new0(struct model_list, 1);

    l->ref_count = 1;
    l->provider = g_strdup(provider);
    l->models = g_array_new(FALSE, FALSE, sizeof(struct listed_model));
    l->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    l->text = g_string_chunk_new(4096);
    return l;
}

static struct model_list *read_list(const char *provider, const weir_json *doc, weir_arena arena)
{
    struct reading r = { .doc = doc, .arena = arena, .list = list_new(provider) };

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "data"), entry)
    {
        if (r.list->models->len == LIST_MAX_MODELS)
            break;
        read_model(&r, entry);
    }
    index_models(r.list);
    return r.list;
}

struct model_list *model_list_read(const char *provider, weir_str document, const char **why)
{
    struct jscan_tokens tokens;
    struct arena memory;
    struct model_list *list = NULL;
    weir_json doc;

    jscan_tokens_init(&tokens);
    arena_init(&memory, 0);
    if (jscan(&tokens, document, &doc, NULL) != WEIR_OK)
        *why = "the list is not JSON";
    else if (!weir_json_is_object(&doc, 0) ||
             !weir_json_is_array(&doc, weir_json_find(&doc, 0, "data")))
        *why = "the list has no data";
    else
        list = read_list(provider, &doc, arena_abi(&memory));
    arena_reset(&memory);
    jscan_tokens_finish(&tokens);
    return list;
}

/* -- life ------------------------------------------------------------------------------------- */

struct model_list *model_list_ref(struct model_list *l)
{
    g_atomic_int_inc(&l->ref_count);
    return l;
}

void model_list_unref(struct model_list *l)
{
    if (!l || !g_atomic_int_dec_and_test(&l->ref_count))
        return;
    g_hash_table_unref(l->by_id);
    g_array_unref(l->models);
    g_string_chunk_free(l->text);
    g_free(l->provider);
    g_free(l);
}

struct model_lists *model_lists_new(void)
{
    struct model_lists *all = g_new0(struct model_lists, 1);

    all->ref_count = 1;
    all->lists = g_ptr_array_new_with_free_func((GDestroyNotify)model_list_unref);
    return all;
}

void model_lists_add(struct model_lists *all, struct model_list *list)
{
    g_ptr_array_add(all->lists, model_list_ref(list));
}

struct model_lists *model_lists_ref(struct model_lists *all)
{
    g_atomic_int_inc(&all->ref_count);
    return all;
}

void model_lists_unref(struct model_lists *all)
{
    if (!all || !g_atomic_int_dec_and_test(&all->ref_count))
        return;
    g_ptr_array_unref(all->lists);
    g_free(all);
}

/* -- finding ---------------------------------------------------------------------------------- */

const struct model_list *model_lists_of(const struct model_lists *all, weir_str provider)
{
    for (guint i = 0; all && i < all->lists->len; i++) {
        const struct model_list *l = g_ptr_array_index(all->lists, i);

        if (str_is(provider, l->provider))
            return l;
    }
    return NULL;
}

bool model_lists_has(const struct model_lists *all, weir_str provider, weir_str model)
{
    const struct model_list *l = model_lists_of(all, provider);
    char id[LIST_MAX_ID + 1];

    if (!l || model.len > LIST_MAX_ID || memchr(model.ptr, '\0', model.len))
        return false;
    memcpy(id, model.ptr, model.len);
    id[model.len] = '\0';
    return g_hash_table_contains(l->by_id, id);
}
