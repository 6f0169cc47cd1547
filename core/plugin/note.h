/*
 * note.h - what a plugin file says about itself, read without running any of it.
 */
#pragma once

#include <glib.h>

/* One `part` line. Borrowed from the note's fields. */
struct plugin_note_part {
    char *kind; /* "provider", or the whole face id of a face that is not ours */
    char *name;
};

struct plugin_note {
    char *text; /* as it stands in the file; valid UTF-8, no control characters but tab, newline */
    char *id;
    char *version;
    guint16 abi_major, abi_minor, abi_minor_min;
    GPtrArray *requires_; /* of char * */
    GArray *parts;        /* of struct plugin_note_part */
};

/*
 * Reads the note from the bytes of an ELF file. Any thread. False with a PLUGIN_ERROR; what could
 * be read up to the fault is in `note` all the same, for the report. Clear it in both cases.
 */
gboolean plugin_note_read(struct plugin_note *note, const guint8 *bytes, gsize size,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same from the text of a note. */
gboolean plugin_note_parse(struct plugin_note *note, const char *text, gsize size,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether this host can live with what the note says of ABI and services. */
gboolean plugin_note_accept(const struct plugin_note *note,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

void plugin_note_clear(struct plugin_note *note);
typedef struct plugin_note plugin_note;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(plugin_note, plugin_note_clear)
