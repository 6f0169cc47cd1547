/*
 * program.h - where the programs that come with weir are.
 */
#pragma once

#include <glib.h>

/*
 * [init] The path of a program of ours: in the directory WEIR_LIBEXEC names if that is set, else
 * where it was installed, else beside the running program. NULL with an error that says where it
 * was looked for. Free with g_free().
 */
char *program_find(const char *name, GError **error);

/* [init] The sha256 of plugins that crashed the worker too often, as the supervisor says in
 * WEIR_QUARANTINED. Owned by this function; NULL-terminated. */
const char *const *program_quarantined(void);
