/*
 * image.h - the code of plugins as it is mapped: one image per content, for as long as the process
 * lives.
 *
 * An image is loaded from a private copy of verified bytes. Nothing is ever unloaded, so pointers
 * into an image stay good for ever.
 */
#pragma once

#include <weir/plugin.h>

#include "plugin/trust.h"

struct plugin_image {
    char *sha256;
    gsize size;
    const weir_plugin *plugin; /* its head is checked */
    guint32 crumb;
    weir_host *host; /* what init was given */
    gboolean initialised;
    char *failure; /* why it cannot be used although it is mapped; NULL if it can */
};

/*
 * [init] The image of these bytes: the one there is, or a new one, tried in another process first.
 * `path` and `id` are told in messages only. NULL with a PLUGIN_ERROR. Callers take turns.
 */
struct plugin_image *plugin_image_get(const struct plugin_bytes *bytes, const char *path,
                                      const char *id, gint64 trial_timeout_us,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
