/*
 * elf.h - finds the identity note in the bytes of an ELF file, without mapping it as code.
 *
 * The bytes are hostile until proven otherwise: every offset is checked before it is followed.
 * Constructors (DT_INIT_ARRAY) are not looked for: what the compiler adds differs between C, C++
 * and Rust, so their number says nothing. What one does while loading is contained by the trial.
 */
#pragma once

#include <glib.h>

/* Text of our note, borrowed from `bytes`; NULL with a PLUGIN_ERROR if the file is not a shared
 * object for this machine or has no such note. */
const char *plugin_elf_note(const guint8 *bytes, gsize size, gsize *text_size,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
