/*
 * catalogue.c - tests of core/config/catalogue.c: what a configuration says of models.
 */
#include "helper.h"
#include "base/str.h"

#include <glib/gstdio.h>
#include <string.h>

#define LOCAL "providers:\n  local:\n    plugin: openai\n    base_url: http://127.0.0.1:1/v1\n"

static struct catalogue_record *known(const struct config *c, const char *provider,
                                      const char *model)
{
    return config_known(c, config_find_provider(c, provider), str_of(model));
}

static const char *vendor(const struct config *c, const char *provider)
{
    return config_find_provider(c, provider)->vendor;
}

/* -- whose models ----------------------------------------------------------------------------- */

static void test_vendor(void)
{
    struct config *c = helper_load(
        "providers:\n"
        "  openai: {}\n"
        "  local: { plugin: openai, base_url: \"http://127.0.0.1:1/v1\" }\n"
        "  upper: { plugin: openai, base_url: \"https://API.OpenAI.com/v1\" }\n"
        "  groq: { plugin: openai, base_url: \"https://api.groq.com/openai/v1\" }\n"
        "  proxy: { plugin: openai, base_url: \"http://127.0.0.1:1/v1\", vendor: mistral }\n"
        "  nobody: { plugin: openai, vendor: none }\n"
        "  near: { plugin: openai, base_url: \"https://api.openai.com.example.com/v1\" }\n");

    g_assert_cmpstr(vendor(c, "openai"), ==, "openai");
    g_assert_null(vendor(c, "local")); /* the API of OpenAI, not its models */
    g_assert_cmpstr(vendor(c, "upper"), ==, "openai");
    g_assert_cmpstr(vendor(c, "groq"), ==, "groq");
    g_assert_cmpstr(vendor(c, "proxy"), ==, "mistral");
    g_assert_null(vendor(c, "nobody"));
    g_assert_null(vendor(c, "near"));
    config_unref(c);
    helper_refuses(LOCAL "    vendor: mistrl\n",
                   "weir.yaml:5:13: providers.local.vendor: the catalogue knows no vendor "
                   "'mistrl' (did you mean 'mistral'?)");
}

/* -- details ---------------------------------------------------------------------------------- */

static void test_models(void)
{
    struct config *c = helper_load(
        LOCAL
        "    models:\n"
        "      - plain\n"
        "      - { name: \"big-*\", context_window: 200000, price: { input: 0.5, output: 1 } }\n"
        "      - name: big-one\n"
        "        max_output_tokens: 4096\n"
        "        capabilities: [tools, stream]\n"
        "        lacks: images\n"
        "    catalogue:\n"
        "      pla*: { deprecated: yes, superseded_by: big-one, source: our own }\n");
    const struct config_provider *p = config_find_provider(c, "local");
    g_autoptr(catalogue_record_t) r = known(c, "local", "big-two");

    g_assert_cmpuint(p->models->len, ==, 3);
    g_assert_cmpstr(g_ptr_array_index(p->models, 1), ==, "big-*");
    g_assert_cmpint(r->context_window, ==, 200000);
    g_assert_cmpint(r->price.input, ==, 500000);
    g_assert_cmpint(r->price.cache_read, ==, -1);
    g_assert_cmpstr(r->source, ==, "configuration");
    catalogue_record_free(r);
    r = known(c, "local", "big-one"); /* its name alone counts */
    g_assert_cmpint(r->context_window, ==, -1);
    g_assert_cmpint(r->max_output_tokens, ==, 4096);
    g_assert_cmpuint(r->can, ==, WEIR_CAN_TOOLS | WEIR_CAN_STREAM);
    g_assert_cmpuint(r->lacks, ==, WEIR_CAN_IMAGES);
    catalogue_record_free(r);
    r = known(c, "local", "plain");
    g_assert_cmpint(r->deprecated, ==, 1);
    g_assert_cmpstr(r->superseded_by, ==, "big-one");
    g_assert_cmpstr(r->source, ==, "our own");
    g_assert_null(known(c, "local", "other"));
    config_unref(c);
}

static void test_over_own(void)
{
    struct config *c = helper_load("providers:\n"
                                   "  openai:\n"
                                   "    catalogue:\n"
                                   "      gpt-4o: { price: { input: 1, output: 2 } }\n"
                                   "      \"gpt-4o-mini*\": { lacks: [tools] }\n");
    g_autoptr(catalogue_record_t) r = known(c, "openai", "gpt-4o");

    g_assert_cmpint(r->context_window, ==, 128000);
    g_assert_cmpint(r->price.input, ==, 1000000);
    g_assert_cmpint(r->price.cache_read, ==, -1); /* not the vendor's beside ours */
    g_assert_cmpstr(r->source, ==, "configuration");
    catalogue_record_free(r);
    r = known(c, "openai", "gpt-4o-mini");
    g_assert_true(r->lacks & WEIR_CAN_TOOLS);
    g_assert_false(r->can & WEIR_CAN_TOOLS);
    g_assert_cmpint(r->price.input, ==, 150000);
    config_unref(c);
}

static void test_one_model(void)
{
    struct config *c = helper_load(LOCAL "    models: only\n");

    g_assert_cmpuint(config_find_provider(c, "local")->models->len, ==, 1);
    config_unref(c);
    c = helper_load(LOCAL "    models: { name: only, context_window: 5 }\n");
    g_assert_cmpstr(g_ptr_array_index(config_find_provider(c, "local")->models, 0), ==, "only");
    config_unref(c);
    c = helper_load(LOCAL "    models:\n");
    g_assert_cmpuint(config_find_provider(c, "local")->models->len, ==, 0);
    config_unref(c);
}

static void test_details_refused(void)
{
    helper_refuses(LOCAL "    models: [{ context_window: 5 }]\n",
                   "weir.yaml:5:14: providers.local.models[0] needs 'name': the model, or a "
                   "pattern; add it");
    helper_refuses(LOCAL "    models: [{ name: a, context_windw: 5 }]\n",
                   "weir.yaml:5:25: unknown key 'context_windw' in providers.local.models[0] (did "
                   "you mean 'context_window'?)");
    helper_refuses(LOCAL "    models: [{ name: a, context_window: 0 }]\n",
                   "weir.yaml:5:41: providers.local.models[0].context_window must be an integer "
                   "from 1 to 2147483647, not '0'");
    helper_refuses(LOCAL "    models: [[a]]\n",
                   "weir.yaml:5:14: providers.local.models must be a text or a list of texts, not "
                   "a list");
    helper_refuses(LOCAL "    models: [{ name: a, capabilities: [tool] }]\n",
                   "weir.yaml:5:40: providers.local.models[0].capabilities: 'tool' is no "
                   "capability (did you mean 'tools'?)");
    helper_refuses(LOCAL "    catalogue: { a: { price: { input: -1 } } }\n",
                   "weir.yaml:5:39: providers.local.catalogue.a.price.input must be dollars for a "
                   "million tokens, from 0 to 1000000, not -1");
    helper_refuses(LOCAL "    catalogue: { a: { price: { inpt: 1 } } }\n",
                   "weir.yaml:5:32: unknown key 'inpt' in providers.local.catalogue.a.price (did "
                   "you mean 'input'?)");
    helper_refuses(LOCAL "    catalogue: { a: { price: { long_prompt: { input: 1 } } } }\n",
                   "weir.yaml:5:45: providers.local.catalogue.a.price.long_prompt needs 'above': "
                   "the prompts it is about have more tokens than that; add it");
    helper_refuses(LOCAL "    catalogue: { a: { lacks: tools, capabilities: tools } }\n",
                   "weir.yaml:5:30: providers.local.catalogue.a: tools cannot be both had and "
                   "lacked; remove it from one");
    helper_refuses(LOCAL "    models: [{ name: a, context_window: 5 }]\n"
                         "    catalogue: { a: { lacks: tools } }\n",
                   "weir.yaml:6:18: providers.local: 'a' is described twice; remove one");
}

/* -- files ------------------------------------------------------------------------------------ */

/* A folder with weir.yaml and a catalogue. */
struct den {
    char *dir, *config, *catalogue;
};

static void den_make(struct den *d, const char *catalogue)
{
    g_autoptr(GError) error = NULL;

    d->dir = g_dir_make_tmp("weir-catalogue-XXXXXX", &error);
    g_assert_no_error(error);
    d->config = g_build_filename(d->dir, "weir.yaml", NULL);
    d->catalogue = g_build_filename(d->dir, "models.yaml", NULL);
    g_assert_true(g_file_set_contents(
        d->config,
        "catalogue: models.yaml\nproviders: { openai: {}, ours: { plugin: openai, "
        "base_url: \"https://llm.example.com/v1\" } }\n",
        -1, NULL));
    if (catalogue)
        g_assert_true(g_file_set_contents(d->catalogue, catalogue, -1, NULL));
}

static struct config *den_load(const struct den *d, GError **error)
{
    struct config_source source = { .path = d->config, .env = (char **)helper_env };

    return config_load_with(&source, fake_registry(), error);
}

static void den_end(struct den *d)
{
    g_unlink(d->config);
    g_unlink(d->catalogue);
    g_rmdir(d->dir);
    g_free(d->config);
    g_free(d->catalogue);
    g_free(d->dir);
}

static const char good[] =
    "vendors:\n"
    "  openai:\n"
    "    models: [{ match: gpt-4o, max_output_tokens: 7 }, { match: new, context_window: 9 }]\n"
    "  example:\n"
    "    hosts: \"*.Example.com\"\n"
    "    source: our page, 2026-01-01\n"
    "    models: [{ match: [a, \"b-*\"], price: { input: 1 } }]\n";

static void test_file(void)
{
    struct den d;
    g_autoptr(GError) error = NULL;
    struct config *c;
    g_autoptr(catalogue_record_t) r = NULL;

    den_make(&d, good);
    c = den_load(&d, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(c->catalogue_file, ==, d.catalogue);
    r = known(c, "openai", "gpt-4o"); /* over what weir knows by itself */
    g_assert_cmpint(r->max_output_tokens, ==, 7);
    g_assert_cmpint(r->context_window, ==, 128000);
    catalogue_record_free(r);
    r = known(c, "openai", "new");
    g_assert_cmpint(r->context_window, ==, 9);
    catalogue_record_free(r);
    g_assert_cmpstr(vendor(c, "ours"), ==, "example");
    r = known(c, "ours", "b-1");
    g_assert_cmpint(r->price.input, ==, 1000000);
    g_assert_cmpstr(r->source, ==, "our page, 2026-01-01");
    config_unref(c);
    den_end(&d);
}

/* The last good configuration is read without the disk, and so is the catalogue it was good with.
 */
static void test_snapshot(void)
{
    struct den d;
    g_autoptr(GError) error = NULL;
    struct config *c, *again;
    struct config_source source = { .env = (char **)helper_env };
    g_autoptr(catalogue_record_t) r = NULL;

    den_make(&d, good);
    c = den_load(&d, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_set_contents(d.catalogue, "vendors: [", -1, NULL));
    source.snapshot = c->snapshot->str;
    source.snapshot_len = c->snapshot->len;
    again = config_load_with(&source, fake_registry(), &error);
    g_assert_no_error(error);
    r = known(again, "ours", "a");
    g_assert_cmpint(r->price.input, ==, 1000000);
    g_assert_cmpstr(again->snapshot->str, ==, c->snapshot->str);
    config_unref(again);
    config_unref(c);
    den_end(&d);
}

static void refuses_file(const char *catalogue, const char *expected)
{
    struct den d;
    g_autoptr(GError) error = NULL;

    den_make(&d, catalogue);
    g_assert_null(den_load(&d, &error));
    g_assert_nonnull(error);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, expected));
    den_end(&d);
}

static void test_file_refused(void)
{
    refuses_file(NULL, "weir.yaml:1:12: catalogue: ");
    refuses_file("vendors: [", "models.yaml:2:1: this is not YAML");
    refuses_file("vendor: {}", "models.yaml:1:1: unknown key 'vendor' in a catalogue (did you mean "
                               "'vendors'?)");
    refuses_file("{}", "models.yaml:1:1: a catalogue needs 'vendors'; add it");
    refuses_file("format: 2\nvendors: {}", "models.yaml:1:9: format must be an integer from 1 to "
                                           "1, not '2'");
    refuses_file("vendors: { x: { models: a } }",
                 "models.yaml:1:25: vendors.x.models must be a list of entries");
    refuses_file("vendors: { x: { models: [{ match: [a, b] }, { match: b }] } }",
                 "models.yaml:1:54: vendors.x.models[1]: 'b' has its entry already; remove one");
    refuses_file("vendors: { x: { models: [{ context_window: 1 }] } }",
                 "models.yaml:1:26: vendors.x.models[0] needs 'match': the names it is about; add "
                 "them");
    refuses_file("vendors: { x: { models: [{ match: a, contxt: 1 }] } }",
                 "models.yaml:1:38: unknown key 'contxt' in vendors.x.models[0]");
}

/* -- lists ------------------------------------------------------------------------------------ */

static void test_refresh(void)
{
    struct config *c = helper_load("providers: { openai: {}, sim: { list_models: no } }");

    g_assert_cmpint(c->models_refresh_us, ==, 600 * G_USEC_PER_SEC);
    g_assert_true(config_find_provider(c, "openai")->list_models);
    g_assert_false(config_find_provider(c, "sim")->list_models);
    config_unref(c);
    c = helper_load("models_refresh: 0\nproviders: { openai: {} }");
    g_assert_cmpint(c->models_refresh_us, ==, 0);
    config_unref(c);
    helper_refuses("models_refresh: often\nproviders: { openai: {} }",
                   "weir.yaml:1:17: models_refresh must be a duration such as 250ms, 30s, 5m, 1h "
                   "or a number of seconds, not 'often'");
    helper_refuses("providers: { openai: { list_models: maybe } }",
                   "weir.yaml:1:37: providers.openai.list_models must be true or false, not "
                   "'maybe'");
}

static void test_dump(void)
{
    struct config *c = helper_load(LOCAL "    list_models: no\n    vendor: mistral\n"
                                         "    catalogue: { a: { price: { input: 1.5 } } }\n");
    g_autofree char *text = config_dump(c);

    g_assert_nonnull(strstr(text, "\"list_models\": false"));
    g_assert_nonnull(strstr(text, "\"vendor\": \"mistral\""));
    g_assert_nonnull(strstr(text, "\"input\": 1.5"));
    g_assert_nonnull(strstr(text, "\"models_refresh\": \"600s\""));
    config_unref(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/catalogue/vendor", test_vendor);
    g_test_add_func("/config/catalogue/models", test_models);
    g_test_add_func("/config/catalogue/over-own", test_over_own);
    g_test_add_func("/config/catalogue/one-model", test_one_model);
    g_test_add_func("/config/catalogue/details-refused", test_details_refused);
    g_test_add_func("/config/catalogue/file", test_file);
    g_test_add_func("/config/catalogue/snapshot", test_snapshot);
    g_test_add_func("/config/catalogue/file-refused", test_file_refused);
    g_test_add_func("/config/catalogue/refresh", test_refresh);
    g_test_add_func("/config/catalogue/dump", test_dump);
    return g_test_run();
}
