/*
 * load.c - tests of whole configurations: the design's example, defaults, several files, faults.
 */
#include "helper.h"

#include <glib/gstdio.h>
#include <string.h>

static const char design_example[] =
    "listen: 127.0.0.1:8080\n"
    "providers:\n"
    "  openai:\n"
    "    plugin: openai\n"
    "    api_key: ${OPENAI_API_KEY}\n"
    "    timeout: { connect: 5s, first_token: 30s, idle: 20s, total: 120s }\n"
    "    max_retries: 3\n"
    "    default_model: gpt-4o\n"
    "    model_aliases: { gpt-4-latest: gpt-4o, gpt-3.5: gpt-3.5-turbo }\n"
    "    rate_limit: { requests_per_minute: 3500, tokens_per_minute: 90000 }\n"
    "  anthropic: { plugin: anthropic, api_key: \"${ANTHROPIC_API_KEY}\", default_model: "
    "claude-sonnet-4-5, timeout: 45s }\n"
    "  local:     { plugin: ollama, base_url: http://localhost:11434 }\n"
    "routes:\n"
    "  main:\n"
    "    failover: { try: [openai/gpt-4o, anthropic], on: [rate_limit, timeout, server_error], "
    "retries: 3, delay: 1s }\n"
    "    mid_stream: splice\n"
    "  spread:\n"
    "    weighted: { across: { openai: 0.7, anthropic: 0.3 } }\n"
    "  smart:\n"
    "    content:\n"
    "      - { contains: [code, program], to: openai/gpt-4o }\n"
    "      - { contains: [creative, story], to: anthropic }\n"
    "      - { longer_than: 500, to: anthropic }\n"
    "      - { to: { failover: { try: [openai, spread] } } }\n"
    "  by-tenant:\n"
    "    tenant: { enterprise: anthropic, \"*\": main }\n"
    "default_route: main\n";

static void test_example(void)
{
    g_autoptr(config_t) c = helper_load(design_example);
    const struct config_provider *openai = config_find_provider(c, "openai");
    const struct config_provider *anthropic = config_find_provider(c, "anthropic");

    g_assert_cmpstr(openai->api_key, ==, "sk-openai-secret");
    g_assert_cmpstr(openai->base_url, ==, "https://api.openai.com/v1");
    g_assert_cmpstr(openai->where, ==, "weir.yaml:3:3");
    g_assert_cmpint(openai->timeouts.connect_us, ==, 5000000);
    g_assert_cmpint(openai->timeouts.first_byte_us, ==, 60000000);
    g_assert_cmpint(openai->timeouts.idle_us, ==, 20000000);
    g_assert_cmpint(openai->max_retries, ==, 3);
    g_assert_cmpint(openai->rate.requests_per_minute, ==, 3500);
    g_assert_cmpint(openai->rate.tokens_per_minute, ==, 90000);
    g_assert_cmpstr(g_hash_table_lookup(openai->aliases, "gpt-3.5"), ==, "gpt-3.5-turbo");
    g_assert_cmpstr(anthropic->base_url, ==, "https://api.anthropic.com");
    g_assert_cmpint(anthropic->timeouts.total_us, ==, 45000000);
    g_assert_cmpint(anthropic->timeouts.connect_us, ==, 10000000);
    g_assert_cmpint(anthropic->max_retries, ==, -1);
    g_assert_cmpstr(config_find_provider(c, "local")->part->name, ==, "ollama");
    g_assert_true(c->default_route == config_find_route(c, "main"));
    g_assert_cmpstr(c->default_route->root->options, ==,
                    "{\"try\":[{\"child\":0},{\"child\":1}],\"on\":[\"rate_limit\",\"timeout\","
                    "\"server_error\"],\"retries\":3,\"delay\":1000000}");
    g_assert_cmpuint(c->routes->len, ==, 4);
    g_assert_null(config_find_route(c, "none"));
}

/* What the tutorials do in code: a default provider, fallbacks, weights, tenants, a local model. */
static void test_tutorials(void)
{
    g_autoptr(config_t) c = helper_load(
        "default_provider: openai\n"
        "providers:\n"
        "  openai: { api_key: \"${OPENAI_API_KEY}\", timeout: 30.0, max_retries: 3 }\n"
        "  anthropic: { api_key: \"${ANTHROPIC_API_KEY}\", timeout: 45.0, max_retries: 2 }\n"
        "  ollama: { plugin: openai, base_url: \"http://localhost:11434/v1/\" }\n"
        "routes:\n"
        "  fallback: { failover: { try: [openai/gpt-4o, anthropic/claude-3-opus-20240229],\n"
        "      retries: 3, delay: 1, on: [rate_limit, timeout, server_error] } }\n"
        "  balanced: { round-robin: [openai, anthropic] }\n"
        "  weighted: { weighted: { openai: 0.7, anthropic: 0.3 } }\n"
        "  tenants: { tenant: { enterprise: anthropic, \"*\": openai } }\n");
    g_assert_cmpstr(c->default_route->name, ==, "default");
    g_assert_cmpuint(c->default_route->root->children->len, ==, 1);
    g_assert_cmpint(config_find_provider(c, "openai")->timeouts.total_us, ==, 30000000);
    g_assert_cmpstr(config_find_provider(c, "ollama")->base_url, ==, "http://localhost:11434/v1");
}

static void test_defaults(void)
{
    g_autoptr(config_t) c = helper_load("providers: { sim: }\n");
    const struct config_provider *sim = config_find_provider(c, "sim");
    g_assert_cmpstr(g_ptr_array_index(c->listen, 0), ==, "127.0.0.1:8080");
    g_assert_cmpuint(c->workers, >=, 1);
    g_assert_cmpuint(c->head_bytes, ==, 65536);
    g_assert_cmpuint(c->json_bytes, ==, 64 << 20);
    g_assert_cmpuint(c->breaker.failures, ==, 5);
    g_assert_cmpstr(c->log_levels, ==, "info");
    g_assert_cmpint(c->access_log, ==, CONFIG_LOG_STDERR);
    g_assert_false(c->expose_body || c->unknown_to_default);
    g_assert_null(c->default_route);
    g_assert_null(c->tenant_header);
    g_assert_null(sim->api_key);
    g_assert_null(sim->default_model);
    g_assert_cmpint(sim->timeouts.total_us, ==, CONFIG_TOTAL_UNSAID);
    g_assert_cmpint(sim->max_retries, ==, -1);
    g_assert_cmpuint(sim->max_connections, ==, 0);
}

static void test_settings(void)
{
    g_autoptr(config_t) c = helper_load(
        "listen: [\"8081\", \":9000\", localhost:9001, \"[::1]:80\", unix:/run/w.sock]\n"
        "workers: 3\n"
        "auth: none\n"
        "expose: body\n"
        "timeout: { idle: 5s, total: 0 }\n"
        "limits: { json_size: 1MB, queue: 0, write_timeout: 3s, connections: 10,\n"
        "  owners: 7, owner_ttl: 2h }\n"
        "breaker: { failures: 0, cooldown: 1m }\n"
        "log: { access: ./access.log, level: \"warning, plugin=debug\" }\n"
        "tags: { X-Team: team }\n"
        "tenant_header: X-Tenant\n"
        "plugins: { pins: { a.so: "
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef } }\n"
        "providers: { sim: { timeout: { connect: 1s } }, other: { plugin: sim } }\n"
        "default_provider: sim\n"
        "unknown_model: default_route\n");
    static const char *const listen[] = { "127.0.0.1:8081", "0.0.0.0:9000", "127.0.0.1:9001",
                                          "[::1]:80", "unix:/run/w.sock" };
    for (guint i = 0; i < G_N_ELEMENTS(listen); i++)
        g_assert_cmpstr(g_ptr_array_index(c->listen, i), ==, listen[i]);
    g_assert_cmpuint(c->workers, ==, 3);
    g_assert_true(c->expose_body && c->unknown_to_default);
    g_assert_cmpuint(c->json_bytes, ==, 1 << 20);
    g_assert_cmpuint(c->queue, ==, 0);
    g_assert_cmpuint(c->owners, ==, 7);
    g_assert_cmpint(c->owner_us, ==, G_GINT64_CONSTANT(7200000000));
    g_assert_cmpint(c->write_us, ==, 3000000);
    g_assert_cmpuint(c->breaker.failures, ==, 0);
    g_assert_cmpint(c->breaker.cooldown_us, ==, 60000000);
    g_assert_cmpint(c->access_log, ==, CONFIG_LOG_FILE);
    g_assert_true(g_path_is_absolute(c->access_file));
    g_assert_cmpstr(c->log_levels, ==, "warning,plugin=debug");
    g_assert_cmpstr(g_hash_table_lookup(c->tag_headers, "x-team"), ==, "team");
    g_assert_cmpstr(c->tenant_header, ==, "x-tenant");
    g_assert_cmpstr(g_hash_table_lookup(c->plugin_pins, "a.so"), ==,
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    const struct config_timeouts *t = &config_find_provider(c, "sim")->timeouts;
    g_assert_cmpint(t->connect_us, ==, 1000000);
    g_assert_cmpint(t->idle_us, ==, 5000000);
    g_assert_cmpint(t->total_us, ==, 0);
    /* One provider's limits are not the next one's. */
    g_assert_cmpint(config_find_provider(c, "other")->timeouts.connect_us, ==, 10000000);
}

static void test_limits(void)
{
    g_autoptr(config_t) c = helper_load(
        "breaker: { failures: 3, rate_percent: 0 }\n"
        "budget: 90s\n"
        "limits: { wait: 5s }\n"
        "tenants:\n"
        "  acme: { requests_per_minute: 60, tokens_per_minute: 9000, concurrency: 4, priority: 2,\n"
        "          burst_percent: 10, wait: 3s }\n"
        "  \"*\": { concurrency: 1 }\n"
        "providers:\n"
        "  sim: { rate_limit: { concurrency: 7 }, breaker: { cooldown: 4s } }\n"
        "  other: { plugin: sim }\n");
    const struct config_tenant *acme = g_ptr_array_index(c->tenants, 0);
    const struct config_tenant *rest = g_ptr_array_index(c->tenants, 1);
    const struct target_breaker *breaker = &config_find_provider(c, "sim")->breaker;

    g_assert_cmpint(acme->rule.requests_per_minute, ==, 60);
    g_assert_cmpint(acme->rule.tokens_per_minute, ==, 9000);
    g_assert_cmpint(acme->rule.concurrency, ==, 4);
    g_assert_cmpint(acme->rule.burst_percent, ==, 10);
    g_assert_cmpint(acme->priority, ==, 2);
    g_assert_cmpint(acme->wait_us, ==, 3000000);
    g_assert_cmpstr(rest->name, ==, "*");
    g_assert_cmpint(rest->priority, ==, CONFIG_NO_PRIORITY);
    g_assert_cmpint(config_find_provider(c, "sim")->rate.concurrency, ==, 7);
    /* What a provider does not say is the general setting. */
    g_assert_cmpint(breaker->failures, ==, 3);
    g_assert_cmpint(breaker->rate_percent, ==, 0);
    g_assert_cmpint(breaker->cooldown_us, ==, 4000000);
    g_assert_cmpint(config_find_provider(c, "other")->breaker.cooldown_us, ==, 2000000);
    g_assert_cmpint(c->budget.deadline_us, ==, 90000000);
    g_assert_cmpint(c->wait_us, ==, 5000000);
}

static void test_faults(void)
{
    /* All of them, in order. */
    helper_refuses(
        "listn: 8080\n"
        "providers:\n"
        "  openai:\n"
        "    plugin: opneai\n"
        "  anthropic:\n"
        "    api_key: sk-literal\n"
        "    tiemout: 5s\n"
        "    rate_limit: { requests: 5 }\n"
        "  ghost:\n"
        "    api_key: ${GHOST_KEY}\n"
        "    plugin: bare\n"
        "default_route: mian\n",
        "weir.yaml:1:1: unknown key 'listn' (did you mean 'listen'?)\n"
        "weir.yaml:4:13: no plugin offers a provider called 'opneai' (did you mean "
        "'openai'?); there is: anthropic, bare, ollama, openai, sim. Install opneai.so "
        "in the plugin folder, or correct the name\n"
        "weir.yaml:6:14: providers.anthropic.api_key is a secret and may not stand in "
        "the file; write ${NAME} or file:PATH\n"
        "weir.yaml:7:5: unknown key 'tiemout' in providers.anthropic (did you mean "
        "'timeout'?)\n"
        "weir.yaml:8:19: unknown key 'requests' in providers.anthropic.rate_limit; there "
        "is: requests_per_minute, tokens_per_minute, concurrency, burst_percent, learn\n"
        "weir.yaml:9:3: providers.ghost needs 'base_url': the plugin 'bare' has no "
        "address of its own; add it\n"
        "weir.yaml:10:14: the variable GHOST_KEY is not set; set it in the environment "
        "of weir, or give a default with ${GHOST_KEY:-default}\n"
        "weir.yaml:12:16: default_route: there is no route 'mian'");
    helper_refuses("providers: { cohere: }\n",
                   "weir.yaml:1:14: the provider 'cohere' is not there because /plugins/cohere.so "
                   "is refused: built for ABI 2, this host speaks 1; install a newer weir");
    helper_refuses(
        "tenants: { acme: { requests: 5 }, \"\": { concurrency: -1, burst_percent: 200 } }\n"
        "breaker: { rate_percent: 50, window: 0 }\n"
        "budget: { money: 0 }\n"
        "providers: { sim: { breaker: { failure: 1 } } }\n"
        "routes: { r: { failover: [sim], priority: 2000, budget: { money: much } } }\n",
        "weir.yaml:1:20: unknown key 'requests' in tenants.acme; there is: requests_per_minute, "
        "tokens_per_minute, concurrency, burst_percent, priority, wait\n"
        "weir.yaml:1:35: a tenant's name has from 1 to 256 bytes\n"
        "weir.yaml:1:54: tenants..concurrency must be an integer from 0 to 1000000000, not '-1'\n"
        "weir.yaml:1:73: tenants..burst_percent must be an integer from 1 to 100, not '200'\n"
        "weir.yaml:2:38: breaker: rate_percent needs a window longer than 0; or set it to 0\n"
        "weir.yaml:3:18: budget.money must be dollars, from 0.000001 to 1000000, not 0; remove it "
        "for no limit\n"
        "weir.yaml:4:32: unknown key 'failure' in providers.sim.breaker (did you mean "
        "'failures'?)\n"
        "weir.yaml:5:43: priority must be an integer from -1000 to 1000, not '2000'\n"
        "weir.yaml:5:66: routes.r.budget.money must be a number, not 'much'");
    helper_refuses("providers: { openai: sk-pasted }\n",
                   "weir.yaml:1:22: providers.openai must be a map of keys, not a single value");
}

/* A secret where none belongs is hidden even where messages show what was resolved. */
static void test_hidden(void)
{
    helper_refuses(
        "providers: { a: { plugin: \"${OPENAI_API_KEY}\" } }\n"
        "tenant_header: \"<${OPENAI_API_KEY}>\"\n",
        "weir.yaml:1:27: no plugin offers a provider called '(secret)'; there is: "
        "anthropic, bare, ollama, openai, sim. Install (secret).so in the plugin folder, "
        "or correct the name\n"
        "weir.yaml:2:16: tenant_header: '<(secret)>' is no name of a header; write one "
        "such as x-team");
}

static void test_base_url(void)
{
    helper_refuses("providers: { sim: { base_url: localhost:80 } }\n",
                   "weir.yaml:1:31: providers.sim.base_url must be an address such as "
                   "https://api.example.com/v1, beginning with http:// or https:// and without ? "
                   "or #, not 'localhost:80'");
    helper_refuses(
        "providers: { sim: { base_url: \"https://me:sk-pw@host/v1\" } }\n",
        "weir.yaml:1:31: providers.sim.base_url holds a user name or password; write the "
        "key as api_key: ${NAME}");
    g_autoptr(config_t) c =
        helper_load("providers: { sim: { base_url: \"http://${HOST}:80/v1//\" } }\n");
    g_assert_cmpstr(config_find_provider(c, "sim")->base_url, ==, "http://10.0.0.7:80/v1");
}

static void test_setting_faults(void)
{
    helper_refuses(
        "listen: [example.com:80, 127.0.0.1:99999, \"8080\", \"127.0.0.1:8080\"]\n"
        "workers: 0\nlog: { level: loud, access: stdout }\n"
        "limits: { json_size: 10 }\nunknown_model: default_route\n"
        "tenant_header: \"x tenant\"\nplugins: { path: /nonexistent/plugins }\n",
        "weir.yaml:1:10: listen must be an address such as 127.0.0.1:8080, [::1]:8080 or "
        "unix:/run/weir.sock, not 'example.com:80'\n"
        "weir.yaml:1:26: listen must be an address such as 127.0.0.1:8080, [::1]:8080 or "
        "unix:/run/weir.sock, not '127.0.0.1:99999'\n"
        "weir.yaml:1:51: listen has 127.0.0.1:8080 twice; remove one\n"
        "weir.yaml:2:10: workers must be an integer from 1 to 64, not '0'\n"
        "weir.yaml:3:15: log.level must be debug, info, warning, error or none, or a "
        "list such as info,plugin=debug, not 'loud'\n"
        "weir.yaml:3:29: log.access must be stderr, off or a path, not 'stdout'; write "
        "./stdout for a file\n"
        "weir.yaml:4:22: limits.json_size is out of range: '10'; from 1024 to 2147483647 "
        "bytes\n"
        "weir.yaml:5:16: unknown_model: default_route needs a default_route or "
        "default_provider; add one\n"
        "weir.yaml:6:16: tenant_header: 'x tenant' is no name of a header; write one such "
        "as x-team\n"
        "weir.yaml:7:18: plugins.path: there is no folder /nonexistent/plugins; correct "
        "the path");
    helper_refuses("providers: { sim: }\nroutes: { m: sim }\ndefault_route: sim\n",
                   "weir.yaml:3:16: default_route: 'sim' is a provider, not a route; write "
                   "default_provider: sim");
    helper_refuses("providers: { sim: }\nroutes: { m: sim }\ndefault_route: m\n"
                   "default_provider: sim\n",
                   "weir.yaml:4:1: default_route and default_provider are both set; remove one");
}

/* -- Several files ---------------------------------------------------------------------------- */

struct folder {
    char *dir, *conf_d, *main, *first, *second;
};

static void folder_setup(struct folder *f, gconstpointer data)
{
    f->dir = g_dir_make_tmp("weir-XXXXXX", NULL);
    f->conf_d = g_build_filename(f->dir, "conf.d", NULL);
    f->main = g_build_filename(f->dir, "weir.yaml", NULL);
    f->first = g_build_filename(f->conf_d, "10-a.yaml", NULL);
    f->second = g_build_filename(f->conf_d, "20-b.yaml", NULL);
    g_assert_cmpint(g_mkdir(f->conf_d, 0700), ==, 0);
}

static void folder_teardown(struct folder *f, gconstpointer data)
{
    g_unlink(f->first);
    g_unlink(f->second);
    g_unlink(f->main);
    g_rmdir(f->conf_d);
    g_rmdir(f->dir);
    g_free(f->dir);
    g_free(f->conf_d);
    g_free(f->main);
    g_free(f->first);
    g_free(f->second);
}

static void put(const char *path, const char *text)
{
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static struct config *load_folder(struct folder *f, GError **error)
{
    struct config_source source = { f->main, NULL, (char **)helper_env };
    return config_load_with(&source, fake_registry(), error);
}

static void test_conf_d(struct folder *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    put(f->main, "workers: 2\nproviders:\n  sim: { delay: 1s }\nroutes:\n");
    put(f->first,
        "providers:\n  openai: { api_key: \"${OPENAI_API_KEY}\" }\n  sim: { echo: no }\n");
    put(f->second, "routes: { main: openai }\ndefault_route: main\n");
    g_autoptr(config_t) c = load_folder(f, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(c->files->len, ==, 3);
    g_assert_cmpstr(g_ptr_array_index(c->files, 1), ==, f->first);
    g_assert_cmpstr(config_find_provider(c, "sim")->options, ==,
                    "{\"delay\":1000000,\"size\":1024,\"echo\":false}");
    g_assert_cmpstr(c->default_route->name, ==, "main");
}

static void test_conf_d_conflict(struct folder *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    put(f->main, "workers: 2\nproviders:\n  sim: { delay: 1s }\n");
    put(f->first, "workers: 3\nproviders:\n  sim: { delay: 2s }\n");
    g_assert_null(load_folder(f, &error));
    g_autofree char *expected =
        g_strdup_printf("%s:1:1: 'workers' is set here and in %s:1:1; remove one\n"
                        "%s:3:10: 'delay' is set here and in %s:3:10; remove one",
                        f->first, f->main, f->first, f->main);
    g_assert_cmpstr(error->message, ==, expected);
    g_assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_SYNTAX));
}

static void test_files_missing(struct folder *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(load_folder(f, &error));
    g_assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_IO));
    g_assert_true(g_str_has_prefix(error->message, f->main));
    g_clear_error(&error);
    /* Both files' faults are told. */
    put(f->main, "a: [\n");
    put(f->first, "b: {\n");
    g_assert_null(load_folder(f, &error));
    g_assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_SYNTAX));
    g_assert_nonnull(strstr(error->message, f->main));
    g_assert_nonnull(strstr(error->message, f->first));
}

static void test_relative_secret(struct folder *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    put(f->main, "providers:\n  openai: { api_key: file:conf.d/10-a.yaml.key }\n");
    g_autofree char *key = g_strdup_printf("%s.key", f->first);
    put(key, "sk-from-file\n");
    g_autoptr(config_t) c = load_folder(f, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(config_find_provider(c, "openai")->api_key, ==, "sk-from-file");
    g_unlink(key);
}

/* The whole way, with a plugin folder that is empty. */
static void test_search(struct folder *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_setenv("WEIR_PLUGIN_PATH", f->conf_d, TRUE);
    put(f->main, "workers: 2\n");
    struct config_source source = { f->main, NULL, (char **)helper_env };
    g_autoptr(config_t) c = config_load(&source, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(c->workers, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(c->plugin_dirs, 0), ==, f->conf_d);
    put(f->main, "providers: { openai: }\n");
    g_assert_null(config_load(&source, c->plugins, &error));
    g_autofree char *expected = g_strdup_printf(
        "%s:1:14: no plugin offers a provider called 'openai'; there is: none. Install openai.so "
        "in %s",
        f->main, f->conf_d);
    g_assert_true(g_str_has_prefix(error->message, expected));
}

static void test_find_file(struct folder *f, gconstpointer data)
{
    g_autofree char *before = g_get_current_dir();
    put(f->main, "");
    g_assert_cmpint(g_chdir(f->dir), ==, 0);
    g_autofree char *found = config_find_file();
    g_assert_cmpstr(found, ==, "weir.yaml");
    g_assert_cmpint(g_chdir(before), ==, 0);
}

/* -- Dump ------------------------------------------------------------------------------------- */

static void test_dump(void)
{
    g_autoptr(config_t) c = helper_load(
        "providers:\n  openai:\n    api_key: ${OPENAI_API_KEY}\n    admin_key: "
        "${ANTHROPIC_API_KEY}\n"
        "    headers: { authorization: \"Bearer ${OPENAI_API_KEY}\" }\n"
        "    proxy: http://user:pass@proxy:3128\n"
        "routes: { main: { weighted: { openai/a: 0.7, openai/b: 3 }, filters: noop } }\n"
        "default_route: main\n");
    g_autofree char *text = config_dump(c);
    g_assert_null(strstr(text, "sk-"));
    g_assert_null(strstr(text, "pass"));
    json_t *json = json_loads(text, 0, NULL);
    g_assert_nonnull(json);
    json_t *openai = json_object_get(json_object_get(json, "providers"), "openai");
    g_assert_cmpstr(json_string_value(json_object_get(openai, "api_key")), ==, "(secret)");
    json_t *options = json_object_get(openai, "options");
    g_assert_cmpstr(json_string_value(json_object_get(options, "admin_key")), ==, "(secret)");
    g_assert_cmpstr(
        json_string_value(json_object_get(json_object_get(options, "headers"), "authorization")),
        ==, "Bearer (secret)");
    g_assert_cmpstr(json_string_value(json_object_get(json, "default_route")), ==, "main");
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(openai, "timeout"), "total")),
                    ==, "600s; of whole answers half of the time left");
    json_decref(json);
}

#define ADD(name, function) \
    g_test_add(name, struct folder, NULL, folder_setup, function, folder_teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/load/example", test_example);
    g_test_add_func("/load/tutorials", test_tutorials);
    g_test_add_func("/load/defaults", test_defaults);
    g_test_add_func("/load/settings", test_settings);
    g_test_add_func("/load/limits", test_limits);
    g_test_add_func("/load/faults", test_faults);
    g_test_add_func("/load/hidden", test_hidden);
    g_test_add_func("/load/base-url", test_base_url);
    g_test_add_func("/load/setting-faults", test_setting_faults);
    ADD("/load/conf-d", test_conf_d);
    ADD("/load/conf-d-conflict", test_conf_d_conflict);
    ADD("/load/files-missing", test_files_missing);
    ADD("/load/relative-secret", test_relative_secret);
    ADD("/load/search", test_search);
    ADD("/load/find-file", test_find_file);
    g_test_add_func("/load/dump", test_dump);
    return g_test_run();
}
