/*
 * trust.h - reads a plugin file once, and says whether what was read may be run.
 */
#pragma once

#include <glib.h>

/* A copy of a file. Everything later works on these bytes, never on the file again. */
struct plugin_bytes {
    guint8 *data;
    gsize size;
    char *sha256; /* hexadecimal, lower case */
};

/*
 * Reads the file through descriptors, so that what is checked is what is read. False with a
 * PLUGIN_ERROR if it cannot be read. `distrust` (set apart, because such a file is still shown):
 * the file or its directory is writable by everybody, or belongs to somebody else than root and us.
 */
gboolean plugin_trust_read(struct plugin_bytes *bytes, const char *path, GError **distrust,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same question for a directory that is searched; what lies in it may be a link to elsewhere.
 */
gboolean plugin_trust_directory(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Compares with the pin for this file's name, if there is one. `pins` may be NULL. */
gboolean plugin_trust_pin(const struct plugin_bytes *bytes, const char *path, GHashTable *pins,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

void plugin_bytes_clear(struct plugin_bytes *bytes);
typedef struct plugin_bytes plugin_bytes;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(plugin_bytes, plugin_bytes_clear)
