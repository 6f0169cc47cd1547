/*
 * load.h - from a file's verified bytes to parts that can be called.
 */
#pragma once

#include "plugin/note.h"
#include "plugin/registry.h"
#include "plugin/trust.h"

/*
 * [init] Loads the image, compares it with its note, normalises its parts into file->parts and
 * initialises it if that was not done before. False with a PLUGIN_ERROR; file->parts is empty then.
 */
gboolean plugin_load(struct plugin_file *file, const struct plugin_note *note,
                     const struct plugin_bytes *bytes, gint64 trial_timeout_us,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
