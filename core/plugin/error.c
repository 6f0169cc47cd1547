/*
 * error.c - see error.h.
 */
#include "plugin/error.h"

GQuark plugin_error_quark(void)
{
    return g_quark_from_static_string("weir-plugin-error");
}

gboolean plugin_refuse(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (error) {
        *error = g_error_new_valist(PLUGIN_ERROR, PLUGIN_REFUSED, format, args);
    }
    va_end(args);
    return FALSE;
}
