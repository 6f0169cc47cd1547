/*
 * host.h - what plugins are given of the host. Instances of parts get theirs from
 * plugin_host_new() in registry.h; this is for the plugin as a whole.
 */
#pragma once

#include <weir/host.h>

/* [init] A host object for a plugin's init; `instance` may be "". Free with plugin_host_free(). */
weir_host *plugin_host_make(const char *plugin, const char *instance);

/* -- Counters, metric.c ------------------------------------------------------------------------ */

/* [init] The number of a counter, which goes on counting where an earlier instance of the same
 * plugin and name left off; or a negative result. */
int32_t plugin_metric_counter(const char *plugin, const char *instance, const char *name,
                              const char *help);

/* [safe] A number that was never handed out counts nothing. */
void plugin_metric_add(int32_t counter, uint64_t n);
