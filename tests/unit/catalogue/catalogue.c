/*
 * catalogue.c - tests of core/catalogue, and of the catalogue that comes with weir.
 */
#include "../config/helper.h"
#include "base/str.h"

#include <jansson.h>
#include <string.h>

static GPtrArray *entries_of(const char *const *patterns)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func(catalogue_entry_free);

    for (gint64 i = 0; patterns[i]; i++) {
        struct catalogue_entry *e = catalogue_entry_new(catalogue_record_new());
        g_auto(GStrv) names = g_strsplit(patterns[i], "|", -1);

        e->record->context_window = i;
        for (char **n = names; *n; n++)
            g_ptr_array_add(e->match, g_strdup(*n));
        g_ptr_array_add(entries, e);
    }
    return entries;
}

/* The number of the entry that is about `model`, or -1. */
static gint64 found(const GPtrArray *entries, const char *model)
{
    const struct catalogue_record *r = catalogue_find(entries, str_of(model));

    return r ? r->context_window : -1;
}

static void test_find(void)
{
    static const char *const patterns[] = {
        "gpt-*", "gpt-4o|gpt-4o-20*", "gpt-4o-2024-05-13", "gpt-4o-mini", "*-mini", "claude-*|o1",
        NULL,
    };
    g_autoptr(GPtrArray) entries = entries_of(patterns);

    g_assert_cmpint(found(entries, "gpt-4o"), ==, 1);
    g_assert_cmpint(found(entries, "gpt-4o-2024-08-06"), ==, 1);
    g_assert_cmpint(found(entries, "gpt-4o-2024-05-13"), ==, 2); /* its name goes before patterns */
    g_assert_cmpint(found(entries, "gpt-4o-mini"), ==, 3);
    g_assert_cmpint(found(entries, "gpt-5-mini"), ==, 4); /* the pattern that says more */
    g_assert_cmpint(found(entries, "gpt-5"), ==, 0);
    g_assert_cmpint(found(entries, "o1"), ==, 5);
    g_assert_cmpint(found(entries, "o1-pro"), ==, -1);
    g_assert_cmpint(found(entries, "GPT-4o"), ==, -1);
    g_assert_cmpint(found(entries, ""), ==, -1);
    g_assert_null(catalogue_find(NULL, S("gpt-4o")));
}

static void test_merge(void)
{
    g_autoptr(catalogue_record_t) r = catalogue_record_new();
    g_autoptr(catalogue_record_t) over = catalogue_record_new();

    g_assert_true(catalogue_record_is_empty(r));
    r->can = WEIR_CAN_TOOLS | WEIR_CAN_IMAGES;
    r->lacks = WEIR_CAN_AUDIO;
    r->context_window = 1000;
    r->max_output_tokens = 100;
    r->priced = true;
    r->price.input = 5;
    r->price.cache_read = 1;
    r->source = g_strdup("the vendor");
    over->can = WEIR_CAN_AUDIO;
    over->lacks = WEIR_CAN_IMAGES;
    over->max_output_tokens = 50;
    over->priced = true;
    over->price.input = 7;
    catalogue_record_merge(r, over);
    g_assert_cmpuint(r->can, ==, WEIR_CAN_TOOLS | WEIR_CAN_AUDIO);
    g_assert_cmpuint(r->lacks, ==, WEIR_CAN_IMAGES);
    g_assert_cmpint(r->context_window, ==, 1000);
    g_assert_cmpint(r->max_output_tokens, ==, 50);
    g_assert_cmpint(r->price.input, ==, 7);
    g_assert_cmpint(r->price.cache_read, ==, -1); /* of another price */
    g_assert_null(r->source);                     /* likewise */
    g_assert_false(catalogue_record_is_empty(r));
}

static void test_write(void)
{
    g_autoptr(catalogue_record_t) r = catalogue_record_new();

    catalogue_record_write(r);
    g_assert_cmpstr(r->text, ==, "{}");
    r->can = WEIR_CAN_TOOLS | WEIR_CAN_STREAM;
    r->lacks = WEIR_CAN_IMAGES;
    r->context_window = 128000;
    r->max_output_tokens = 4096;
    r->priced = true;
    r->price = (struct catalogue_price){ 2500000, 10000000, 1250000, 0, -1 };
    r->long_above = 200000;
    r->long_price.input = 2800;
    r->deprecated = 0;
    r->superseded_by = g_strdup("next");
    r->source = g_strdup("a \"page\"");
    catalogue_record_write(r);
    g_assert_cmpstr(
        r->text, ==,
        "{\"capabilities\":[\"stream\",\"tools\"],\"lacks\":[\"images\"],"
        "\"context_window\":128000,\"max_output_tokens\":4096,"
        "\"price\":{\"input\":2.5,\"output\":10,\"cache_read\":1.25,\"cache_write\":0,"
        "\"long_prompt\":{\"input\":0.0028,\"above\":200000}},"
        "\"deprecated\":false,\"superseded_by\":\"next\",\"source\":\"a \\\"page\\\"\"}");
}

static void test_names(void)
{
    for (int i = 0; catalogue_capabilities[i]; i++) {
        guint32 bit = catalogue_capability(catalogue_capabilities[i]);
        g_autofree char *list = catalogue_capability_list(bit, ",");

        g_assert_cmpuint(bit, !=, 0);
        g_assert_cmpstr(list, ==, catalogue_capabilities[i]);
    }
    g_assert_cmpuint(catalogue_capability("tool"), ==, 0);
    g_assert_cmpuint(catalogue_capability(""), ==, 0);
    g_autofree char *two = catalogue_capability_list(WEIR_CAN_SEED | WEIR_CAN_TOOLS, ", ");
    g_assert_cmpstr(two, ==, "tools, seed");
}

/* -- what comes with weir --------------------------------------------------------------------- */

static void check_record(const struct catalogue_vendor *v, const char *name,
                         const struct catalogue_record *r)
{
    const struct catalogue_price *p = &r->price;

    g_test_message("%s/%s", v->name, name);
    g_assert_nonnull(r->source);
    g_assert_true(strstr(r->source, ", 20") != NULL); /* names its date */
    g_assert_true(r->can || r->priced);               /* or why is it there */
    if (r->max_output_tokens >= 0 && r->context_window >= 0)
        g_assert_cmpint(r->max_output_tokens, <=, r->context_window);
    if (!r->priced)
        return;
    g_assert_cmpint(p->input, >, 0);
    if (!(r->can & WEIR_CAN_EMBEDDINGS))
        g_assert_cmpint(p->output, >, p->input);
    if (p->cache_read >= 0)
        g_assert_cmpint(p->cache_read, <, p->input);
    if (p->cache_write >= 0)
        g_assert_cmpint(p->cache_write, >=, p->input);
    if (p->cache_write_1h >= 0)
        g_assert_cmpint(p->cache_write_1h, >, p->cache_write);
    if (r->long_price.input >= 0) {
        g_assert_cmpint(r->long_price.input, >=, p->input);
        g_assert_cmpint(r->long_price.output, >=, p->output);
    }
}

static void test_own(void)
{
    struct config *c = helper_load("providers: { openai: {} }");
    static const char *const vendors[] = { "openai",   "anthropic", "google", "groq",
                                           "deepseek", "mistral",   "xai" };
    const struct catalogue *own;

    g_assert_cmpuint(c->catalogues->len, ==, 1);
    own = g_ptr_array_index(c->catalogues, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(vendors); i++) {
        const struct catalogue_vendor *v = catalogue_vendor(own, vendors[i]);

        g_assert_nonnull(v);
        g_assert_cmpuint(v->hosts->len, >, 0);
        for (guint k = 0; k < v->entries->len; k++) {
            const struct catalogue_entry *e = g_ptr_array_index(v->entries, k);

            g_assert_cmpuint(e->match->len, >, 0);
            check_record(v, g_ptr_array_index(e->match, 0), e->record);
        }
    }
    config_unref(c);
}

/* What is superseded is so by something the catalogue knows. */
static void test_own_successors(void)
{
    struct config *c = helper_load("providers: { openai: {} }");
    const struct catalogue *own = g_ptr_array_index(c->catalogues, 0);

    for (guint i = 0; i < own->vendors->len; i++) {
        const struct catalogue_vendor *v = g_ptr_array_index(own->vendors, i);

        for (guint k = 0; k < v->entries->len; k++) {
            const struct catalogue_record *r =
                ((struct catalogue_entry *)g_ptr_array_index(v->entries, k))->record;

            if (r->superseded_by)
                g_assert_nonnull(catalogue_find(v->entries, str_of(r->superseded_by)));
        }
    }
    config_unref(c);
}

static void test_own_lookup(void)
{
    struct config *c = helper_load("providers: { openai: {}, anthropic: {}, sim: {} }");
    const struct config_provider *p = config_find_provider(c, "openai");
    g_autoptr(catalogue_record_t) r = config_known(c, p, S("gpt-4o-2024-08-06"));

    g_assert_cmpstr(p->vendor, ==, "openai");
    g_assert_cmpint(r->context_window, ==, 128000);
    g_assert_cmpint(r->price.input, ==, 2500000);
    g_assert_null(config_known(c, p, S("gpt-99")));
    p = config_find_provider(c, "anthropic");
    catalogue_record_free(r);
    r = config_known(c, p, S("claude-sonnet-4-5-20250929"));
    g_assert_cmpint(r->price.cache_write_1h, ==, 6000000);
    g_assert_null(config_known(c, p, S("gpt-4o"))); /* of another vendor */
    p = config_find_provider(c, "sim");
    g_assert_null(p->vendor);
    g_assert_null(config_known(c, p, S("gpt-4o")));
    config_unref(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/catalogue/find", test_find);
    g_test_add_func("/catalogue/merge", test_merge);
    g_test_add_func("/catalogue/write", test_write);
    g_test_add_func("/catalogue/names", test_names);
    g_test_add_func("/catalogue/own", test_own);
    g_test_add_func("/catalogue/own-successors", test_own_successors);
    g_test_add_func("/catalogue/own-lookup", test_own_lookup);
    return g_test_run();
}
