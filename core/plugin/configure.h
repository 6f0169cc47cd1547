/*
 * configure.h - hands a part its options.
 */
#pragma once

#include "plugin/registry.h"

/*
 * [init] Calls the part's `configure` with `options` (a JSON object in normal form). `where` is the
 * place in the configuration, for the error. False: the part did not like them.
 */
bool plugin_configure(const struct plugin_part *part, const weir_host *host, const char *options,
                      const char *where, void **cfg, GError **error);
