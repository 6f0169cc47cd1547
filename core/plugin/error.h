/*
 * error.h - why a plugin file is not loaded, as a GError.
 *
 * The code is the enum plugin_state the file ends up in, the message is its reason: what it says,
 * what we say, what to do. The file's name is put in front by whoever reports it.
 */
#pragma once

#include <glib.h>

#include "plugin/registry.h"

#define PLUGIN_ERROR (plugin_error_quark())
GQuark plugin_error_quark(void);

/* Sets a PLUGIN_REFUSED error; FALSE, so that checks can return it. `error` may be NULL. */
gboolean plugin_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
