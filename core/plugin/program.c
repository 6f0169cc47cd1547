/*
 * program.c - see program.h.
 */
#include "plugin/program.h"

#include <unistd.h>

#ifndef WEIR_LIBEXECDIR
#define WEIR_LIBEXECDIR "/usr/local/libexec/weir"
#endif

static GQuark program_error(void)
{
    return g_quark_from_static_string("weir-program");
}

char *program_find(const char *name, GError **error)
{
    const char *set = g_getenv("WEIR_LIBEXEC");
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *beside = g_path_get_dirname(self ? self : "/");
    const char *const directories[] = { set && *set ? set : WEIR_LIBEXECDIR,
                                        set && *set ? NULL : beside, NULL };

    for (const char *const *d = directories; *d; d++) {
        g_autofree char *path = g_build_filename(*d, name, NULL);

        if (access(path, X_OK) == 0)
            return g_steal_pointer(&path);
    }
    if (set && *set)
        g_set_error(error, program_error(), 0,
                    "there is no program %s/%s, where the environment variable WEIR_LIBEXEC says "
                    "it is; correct or unset it",
                    set, name);
    else
        g_set_error(error, program_error(), 0,
                    "there is no program %s in " WEIR_LIBEXECDIR " or %s; install weir completely, "
                    "or set WEIR_LIBEXEC to its directory",
                    name, beside);
    return NULL;
}

const char *const *program_quarantined(void)
{
    static char **list;

    if (!list) {
        const char *value = g_getenv("WEIR_QUARANTINED");

        list = g_strsplit(value ? value : "", ":", -1);
    }
    return (const char *const *)list;
}
