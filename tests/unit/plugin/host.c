/*
 * host.c - the services that a plugin may ask for.
 */
#include <string.h>
#include <weir/host.h>

#include "base/log.h"
#include "den.h"

static weir_host *host_for(const char *plugin, const char *instance)
{
    static struct plugin_file file;
    static struct plugin_part part = { .file = &file };
    g_free(file.id);
    file.id = g_strdup(plugin);
    return plugin_host_new(&part, instance);
}

static void test_services(void)
{
    weir_host *host = host_for("test.host", "provider one");
    g_assert_cmpuint(host->struct_size, ==, sizeof(weir_host));
    g_assert_cmpuint(host->abi_major, ==, WEIR_ABI_MAJOR);
    g_assert_cmpuint(host->abi_minor, ==, WEIR_ABI_MINOR);
    g_assert_nonnull(host->service(host, WEIR_SERVICE_LOG));
    g_assert_nonnull(host->service(host, WEIR_SERVICE_JSON));
    g_assert_nonnull(host->service(host, WEIR_SERVICE_METRIC));
    g_assert_null(host->service(host, "weir.log/2"));
    g_assert_null(host->service(host, "weir.log/1 "));
    g_assert_null(host->service(host, ""));
    g_assert_null(host->service(host, NULL));
    plugin_host_free(host);
    plugin_host_free(NULL);
}

static void test_log(struct den *d, gconstpointer unused)
{
    (void)unused;
    weir_host *host = host_for("test.host", "provider one");
    const weir_log *log = host->service(host, WEIR_SERVICE_LOG);
    g_assert_true(log_setup("warning"));
    g_assert_false(log->enabled(log->ctx, WEIR_LOG_INFO));
    g_assert_true(log->enabled(log->ctx, WEIR_LOG_WARNING));
    g_assert_true(log->enabled(log->ctx, WEIR_LOG_HOST_MISBEHAVING));
    den_listen(d);
    log->write(log->ctx, WEIR_LOG_INFO, (weir_str){ "unheard", 7 });
    log->write(log->ctx, WEIR_LOG_WARNING, (weir_str){ "beware\nof 100%s---", 15 });
    log->write(log->ctx, WEIR_LOG_HOST_MISBEHAVING, (weir_str){ "it lied", 7 });
    log->write(log->ctx, 77, (weir_str){ NULL, 0 });
    g_autofree char *heard = den_heard(d);
    g_auto(GStrv) line = g_strsplit(heard, "\n", -1);
    g_assert_cmpuint(g_strv_length(line), ==, 4); /* three and the end */
    g_assert_true(
        g_str_has_suffix(line[0], "Z warning plugin: test.host provider one: beware of 100%s"));
    g_assert_true(g_str_has_suffix(
        line[1], "Z error plugin: test.host provider one: the host misbehaves: it lied"));
    g_assert_true(g_str_has_suffix(line[2], "Z error plugin: test.host provider one: "));
    g_assert_true(log_setup("info"));
    plugin_host_free(host);
}

static void *take(void *owner, size_t size)
{
    GPtrArray *blocks = owner;
    void *block = g_aligned_alloc(1, size, 16);
    g_ptr_array_add(blocks, block);
    return block;
}

static void test_json(void)
{
    weir_host *host = host_for("test.host", "");
    const weir_json_service *json = host->service(host, WEIR_SERVICE_JSON);
    g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(g_aligned_free);
    weir_arena arena = { blocks, take };
    weir_json out = { 0 };
    size_t offset = 99;
    static const char good[] = "{\"a\":[1,true]}";
    g_assert_cmpint(json->scan(&arena, (weir_str){ good, strlen(good) }, &out, &offset), ==,
                    WEIR_OK);
    g_assert_cmpuint(out.count, ==, 5);
    g_assert_cmpuint(out.tok[1].flags & WEIR_TOKEN_KEY, !=, 0);
    g_assert_cmpint(json->scan(&arena, (weir_str){ "[1,]", 4 }, &out, &offset), ==, WEIR_INVALID);
    g_assert_cmpuint(offset, ==, 3);
    g_assert_cmpint(json->scan(&arena, (weir_str){ "[1,]", 4 }, &out, NULL), ==, WEIR_INVALID);
    plugin_host_free(host);
}

static void test_metric(void)
{
    weir_host *one = host_for("test.metric", "provider one");
    const weir_metric *m = one->service(one, WEIR_SERVICE_METRIC);
    int32_t hits = m->counter(m->ctx, "hits", "what was hit");
    g_assert_cmpint(hits, >=, 0);
    g_assert_cmpint(m->counter(m->ctx, "hits", NULL), ==, hits);
    g_assert_cmpint(m->counter(m->ctx, "misses", "what was not"), !=, hits);
    g_assert_cmpint(m->counter(m->ctx, "Hits", ""), ==, WEIR_INVALID);
    g_assert_cmpint(m->counter(m->ctx, "hits{", ""), ==, WEIR_INVALID);
    g_assert_cmpint(m->counter(m->ctx, "", ""), ==, WEIR_INVALID);
    g_assert_cmpint(m->counter(m->ctx, NULL, ""), ==, WEIR_INVALID);
    m->add(m->ctx, hits, 40);
    m->add(m->ctx, -1, 1000);
    m->add(m->ctx, 1023, 1000);
    m->add(m->ctx, INT32_MAX, 1000);
    plugin_host_free(one);

    /* After a reload the same instance goes on counting; another one has its own. */
    weir_host *again = host_for("test.metric", "provider one");
    weir_host *other = host_for("test.metric", "provider two");
    m = again->service(again, WEIR_SERVICE_METRIC);
    g_assert_cmpint(m->counter(m->ctx, "hits", "what was hit"), ==, hits);
    m->add(m->ctx, hits, 2);
    g_assert_cmpuint(den_counter("test.metric", "hits"), ==, 42);
    const weir_metric *n = other->service(other, WEIR_SERVICE_METRIC);
    g_assert_cmpint(n->counter(n->ctx, "hits", "what was hit"), !=, hits);
    plugin_host_free(again);
    plugin_host_free(other);
}

static gpointer count(gpointer data)
{
    const weir_metric *m = data;
    int32_t number = m->counter(m->ctx, "races", "");
    for (int i = 0; i < 10000; i++) {
        m->add(m->ctx, number, 1);
    }
    return NULL;
}

static void test_metric_threads(void)
{
    weir_host *host = host_for("test.threads", "x");
    const weir_metric *m = host->service(host, WEIR_SERVICE_METRIC);
    GThread *thread[4];
    for (int i = 0; i < 4; i++) {
        thread[i] = g_thread_new("count", count, (gpointer)m);
    }
    for (int i = 0; i < 4; i++) {
        g_thread_join(thread[i]);
    }
    g_assert_cmpuint(den_counter("test.threads", "races"), ==, 40000);
    plugin_host_free(host);
}

static void test_metric_limit(void)
{
    weir_host *host = host_for("test.many", "x");
    const weir_metric *m = host->service(host, WEIR_SERVICE_METRIC);
    int32_t last = 0;
    for (int i = 0; i < 2000 && last >= 0; i++) {
        g_autofree char *name = g_strdup_printf("c%d", i);
        last = m->counter(m->ctx, name, "");
    }
    g_assert_cmpint(last, ==, WEIR_TOO_LARGE);
    plugin_host_free(host);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plugin/host/services", test_services);
    g_test_add("/plugin/host/log", struct den, NULL, den_setup, test_log, den_teardown);
    g_test_add_func("/plugin/host/json", test_json);
    g_test_add_func("/plugin/host/metric", test_metric);
    g_test_add_func("/plugin/host/metric-threads", test_metric_threads);
    g_test_add_func("/plugin/host/metric-limit", test_metric_limit);
    return g_test_run();
}
