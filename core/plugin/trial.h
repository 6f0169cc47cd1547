/*
 * trial.h - loads a file first where it can do no harm: in a process of its own.
 */
#pragma once

#include <glib.h>

/*
 * [init] Runs `weir-supervisor --try file` and waits for it, `timeout_us` at most (0: 5 s). False
 * with a PLUGIN_ERROR: PLUGIN_CRASHED, PLUGIN_HUNG, or PLUGIN_REFUSED with the trial's own reason.
 */
gboolean plugin_trial(const char *file, gint64 timeout_us,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
