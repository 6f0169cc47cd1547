/*
 * kit.c - see kit.h.
 */
#include "kit_parts.h"
#include "config/load.h"
#include "plugin/normalise.h"

/* Puts the parts of a table into the registry. */
static void add_parts(struct plugin_registry *r, struct plugin_file *file,
                      const struct kit_part *list)
{
    for (const struct kit_part *p = list; p->part.name; p++) {
        struct plugin_part *ours = g_new0(struct plugin_part, 1); /* as long as the registry */
        g_autoptr(GError) error = NULL;

        ours->file = file;
        if (!plugin_normalise(ours, p->face, &p->part, &error))
            g_error("%s", error->message);
        g_hash_table_insert(r->by_name[p->face], (gpointer)ours->name, ours);
    }
}

static struct plugin_registry *registry(void)
{
    static char id[] = "test.kit";
    static struct plugin_file file = { .id = id };
    static struct plugin_registry *r;
    const char *directories[] = { g_getenv("WEIR_PLUGIN_PATH"), NULL };
    const struct plugin_search search = { .directories = directories };

    if (r)
        return r;
    r = plugin_scan(&search, NULL);
    add_parts(r, &file, kit_providers);
    add_parts(r, &file, kit_dialects);
    add_parts(r, &file, kit_filters);
    add_parts(r, &file, kit_strategies);
    return r;
}

/* Different for each test, so that none finds the target records of another. */
static int kit_number;

struct config *kit_config(const char *yaml)
{
    g_autofree char *number = g_strdup_printf("%d", kit_number);
    g_auto(GStrv) pieces = g_strsplit(yaml, "@", -1);
    g_autofree char *own = g_strjoinv(number, pieces);
    g_autofree char *text = g_strconcat("log: { access: \"off\" }\n", own, NULL);
    const struct config_source source = { "weir.yaml", text, NULL };
    g_autoptr(GError) error = NULL;
    struct config *config = config_load_with(&source, registry(), &error);

    if (!config)
        g_error("%s", error->message);
    return config;
}

void kit_begin(struct kit *k, const char *yaml)
{
    g_autoptr(config_t) config = NULL;
    g_autoptr(GError) error = NULL;

    kit_number++;
    config = kit_config(yaml);
    k->engine = engine_new(config, 1, &error);
    g_assert_no_error(error);
    k->w = k->engine->workers[0];
    if (kit_mock.seen)
        g_string_truncate(kit_mock.seen, 0);
    kit_mock.asked = 0;
    kit_pass(k, 0);
}

void kit_switch(struct kit *k, const char *yaml)
{
    g_autoptr(config_t) config = kit_config(yaml);
    g_autoptr(GError) error = NULL;

    g_assert_true(engine_switch(k->engine, config, &error));
    kit_pass(k, 0);
}

static void add_inflight(void *ctx, struct target *t)
{
    *(int64_t *)ctx += t->inflight;
    g_assert_cmpint(t->inflight, >=, 0);
    g_assert_cmpint(t->inflight_tokens, >=, 0);
}

int64_t kit_inflight(void)
{
    int64_t n = 0;

    target_each(add_inflight, &n);
    return n;
}

void kit_end(struct kit *k)
{
    kit_pass(k, 0);
    g_assert_cmpuint(k->w->exchange_count, ==, 0);
    g_assert_cmpuint(k->w->waiting, ==, 0);
    g_assert_null(k->w->exchanges);
    g_assert_cmpint(kit_inflight(), ==, 0);
    g_assert_cmpuint(k->w->generation->exchanges, ==, 0);
    engine_free(k->engine);
    g_assert_cmpint(kit_configured, ==, 0);
}

void kit_pass(struct kit *k, int64_t us)
{
    clock_pass(us);
    for (int i = 0; i < 4; i++) {
        clock_pass(1); /* what was set for now is due in the next iteration */
        loop_step(k->w->loop, 0);
    }
}
