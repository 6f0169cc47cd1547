/*
 * host.c - the services of weir/host.h: log, JSON, counters.
 */
#include "plugin/host.h"

#include <string.h>

#include "base/log.h"
#include "json/scan.h"
#include "plugin/registry.h"

/* `base` comes first: a weir_host is what the plugin gets and gives back. */
struct host {
    weir_host base;
    weir_log log;
    weir_metric metric;
    char *plugin;
    char *instance;
};

/* -- weir.log/1 -------------------------------------------------------------------------------- */

static enum log_level level_of(uint32_t level)
{
    switch (level) {
    case WEIR_LOG_DEBUG:
        return LOG_LEVEL_DEBUG;
    case WEIR_LOG_INFO:
        return LOG_LEVEL_INFO;
    case WEIR_LOG_WARNING:
        return LOG_LEVEL_WARNING;
    default: /* errors, complaints about the host, and whatever is newer than we are */
        return LOG_LEVEL_ERROR;
    }
}

static bool log_service_enabled(void *ctx, uint32_t level)
{
    (void)ctx;
    return log_on(level_of(level), "plugin");
}

static void log_service_write(void *ctx, uint32_t level, weir_str message)
{
    const struct host *h = ctx;
    log_write(level_of(level), "plugin", "%s%s%s: %s%.*s", h->plugin, *h->instance ? " " : "",
              h->instance, level == WEIR_LOG_HOST_MISBEHAVING ? "the host misbehaves: " : "",
              (int)MIN(message.len, G_MAXINT16), message.ptr ? message.ptr : "");
}

/* -- weir.json/1 ------------------------------------------------------------------------------- */

static weir_result json_service_scan(const weir_arena *arena, weir_str bytes, weir_json *out,
                                     size_t *offset)
{
    struct jscan_fault fault = { 0 };
    weir_result result = jscan_arena(arena, bytes, out, &fault);
    if (result < 0 && offset) {
        *offset = fault.offset;
    }
    return result;
}

static const weir_json_service json_service = { sizeof(weir_json_service), 0, json_service_scan };

/* -- weir.metric/1 ----------------------------------------------------------------------------- */

static int32_t metric_service_counter(void *ctx, const char *name, const char *help)
{
    const struct host *h = ctx;
    return plugin_metric_counter(h->plugin, h->instance, name, help);
}

static void metric_service_add(void *ctx, int32_t counter, uint64_t n)
{
    (void)ctx;
    plugin_metric_add(counter, n);
}

/* -- The host ---------------------------------------------------------------------------------- */

static const void *host_service(const weir_host *host, const char *id)
{
    const struct host *h = host->ctx;
    if (!id) {
        return NULL;
    }
    if (strcmp(id, WEIR_SERVICE_LOG) == 0) {
        return &h->log;
    }
    if (strcmp(id, WEIR_SERVICE_JSON) == 0) {
        return &json_service;
    }
    return strcmp(id, WEIR_SERVICE_METRIC) == 0 ? &h->metric : NULL;
}

weir_host *plugin_host_make(const char *plugin, const char *instance)
{
    struct host *h = g_new0(struct host, 1);
    h->base = (weir_host){ sizeof(weir_host), WEIR_ABI_MAJOR, WEIR_ABI_MINOR, h, host_service };
    h->log = (weir_log){ sizeof(weir_log), 0, h, log_service_enabled, log_service_write };
    h->metric =
        (weir_metric){ sizeof(weir_metric), 0, h, metric_service_counter, metric_service_add };
    h->plugin = g_strdup(plugin);
    h->instance = g_strdup(instance);
    return &h->base;
}

weir_host *plugin_host_new(const struct plugin_part *part, const char *instance)
{
    return plugin_host_make(part->file->id, instance);
}

void plugin_host_free(weir_host *host)
{
    if (host) {
        struct host *h = host->ctx;
        g_free(h->plugin);
        g_free(h->instance);
        g_free(h);
    }
}
