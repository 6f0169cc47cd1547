/*
 * secret.c - see secret.h. Secrets are hidden where they stand by type; this is for everywhere
 * else: a header built around a key is as secret as the key.
 */
#include "config/secret.h"

#include <string.h>

enum { SECRET_MIN = 6 };

char *secret_hide(const GPtrArray *secrets, const char *text)
{
    char *shown = g_strdup(text);
    for (guint i = 0; i < secrets->len; i++) {
        const char *secret = g_ptr_array_index(secrets, i);
        if (strlen(secret) < SECRET_MIN || !strstr(shown, secret))
            continue;
        g_auto(GStrv) parts = g_strsplit(shown, secret, -1);
        g_free(shown);
        shown = g_strjoinv(SECRET_HIDDEN, parts);
    }
    return shown;
}

static gint by_length(gconstpointer a, gconstpointer b)
{
    gsize x = strlen(*(const char *const *)a), y = strlen(*(const char *const *)b);
    return (x < y) - (x > y);
}

void secret_sort(GPtrArray *secrets)
{
    g_ptr_array_sort(secrets, by_length);
}
