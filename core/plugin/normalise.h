/*
 * normalise.h - makes of a plugin's part, whatever ABI minor it was built with, one of ours.
 */
#pragma once

#include "plugin/registry.h"

/* "provider" for WEIR_PART_PROVIDER; the id itself for a face that is not ours. */
const char *plugin_face_kind(const char *face_id);

/*
 * [init] Copies the part's vtable and tables into `out` (zeroed by the caller), in our sizes and
 * with every optional function filled in. Strings stay the plugin's. False with a PLUGIN_ERROR that
 * names the part and what is wrong. Clear `out` in both cases.
 */
gboolean plugin_normalise(struct plugin_part *out, enum plugin_face face, const weir_part *in,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void plugin_part_clear(struct plugin_part *part);

/*
 * For tables.c and defaults.c. Copies a sized struct of a plugin into one of ours, which is bigger
 * or smaller; `least` is what it must have. With `strict` a non-zero tail behind what we know is
 * refused. `what` names it in messages.
 */
gboolean plugin_copy_sized(void *to, gsize to_size, const void *from, gsize least, gboolean strict,
                           const char *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Makes options, children and endpoints into plain arrays. */
gboolean plugin_tables(struct plugin_part *part, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Refuses a missing mandatory function by its name and fills in the optional ones. */
gboolean plugin_defaults(struct plugin_part *part, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Names of parts and options: what can stand in a configuration file without quotes. */
gboolean plugin_name_ok(const char *name);
