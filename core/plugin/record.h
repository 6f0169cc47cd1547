/*
 * record.h - what is known of one file, loaded or not.
 */
#pragma once

#include "plugin/note.h"
#include "plugin/registry.h"
#include "plugin/trust.h"

/* An empty record, PLUGIN_REFUSED until somebody says better. Free with plugin_file_free(). */
struct plugin_file *plugin_record_new(const char *path);

/*
 * Reads the file and its note, and fills in what is found, also of a file that is not acceptable.
 * False with a PLUGIN_ERROR: it cannot be loaded by this host. For `distrust` see trust.h.
 */
gboolean plugin_record_read(struct plugin_file *file, struct plugin_bytes *bytes,
                            struct plugin_note *note, GError **distrust,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes state and reason from a PLUGIN_ERROR, and logs it: once for the same path, content and
 * reason. Callers take turns. */
void plugin_record_fail(struct plugin_file *file, const GError *error);

/* A copy for the list of retired ones: without parts. */
struct plugin_file *plugin_record_retired(const struct plugin_file *file);
