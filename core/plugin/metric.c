/*
 * metric.c - the counters of plugins: one table per process, so that a reload does not set them
 * back. Adding is one atomic addition; entries are never removed.
 */
#include <stdatomic.h>
#include <string.h>

#include "plugin/host.h"
#include "plugin/registry.h"

enum {
    COUNTERS = 1024,
    NAME_MAX_BYTES = 64,
};

struct counter {
    char *name;
    char *help;
    char *plugin;
    char *instance;
    _Atomic uint64_t value;
};

static struct counter *_Atomic table[COUNTERS];
static _Atomic int32_t count;
static GMutex adding;

static gboolean name_ok(const char *name)
{
    if (!name || !g_ascii_islower(*name) || strlen(name) > NAME_MAX_BYTES) {
        return FALSE;
    }
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int32_t find(const char *plugin, const char *instance, const char *name)
{
    for (int32_t i = 0; i < count; i++) {
        const struct counter *c = table[i];
        if (g_str_equal(c->name, name) && g_str_equal(c->plugin, plugin) &&
            g_str_equal(c->instance, instance)) {
            return i;
        }
    }
    return -1;
}

int32_t plugin_metric_counter(const char *plugin, const char *instance, const char *name,
                              const char *help)
{
    if (!name_ok(name)) {
        return WEIR_INVALID;
    }
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&adding);
    int32_t i = find(plugin, instance, name);
    if (i >= 0) {
        return i;
    }
    if (count == COUNTERS) {
        return WEIR_TOO_LARGE;
    }
    struct counter *c = g_new0(struct counter, 1);
    c->name = g_strdup(name);
    c->help = g_strdup(help ? help : "");
    c->plugin = g_strdup(plugin);
    c->instance = g_strdup(instance);
    i = count;
    table[i] = c;
    count = i + 1; /* last: whoever sees the number sees the counter */
    return i;
}

void plugin_metric_add(int32_t counter, uint64_t n)
{
    if (counter >= 0 && counter < atomic_load_explicit(&count, memory_order_acquire)) {
        struct counter *c = atomic_load_explicit(&table[counter], memory_order_acquire);
        atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
    }
}

void plugin_metrics_each(void (*each)(void *ctx, const char *name, const char *help,
                                      const char *plugin, const char *instance, uint64_t value),
                         void *ctx)
{
    int32_t n = count;
    for (int32_t i = 0; i < n; i++) {
        const struct counter *c = table[i];
        each(ctx, c->name, c->help, c->plugin, c->instance,
             atomic_load_explicit(&c->value, memory_order_relaxed));
    }
}
