/*
 * nearest.c - which known name was probably meant: edit distance with transpositions.
 */
#include "config/config.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64 }; /* longer names are compared by their first bytes */

/* Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours. Case and
 * the choice between '-' and '_' count for nothing, as they are the commonest slips. */
static guint distance(const char *a, const char *b)
{
    guint row[3][NAME_MAX_BYTES + 1];
    gsize n = MIN(strlen(a), NAME_MAX_BYTES), m = MIN(strlen(b), NAME_MAX_BYTES);
    char x[NAME_MAX_BYTES], y[NAME_MAX_BYTES];

    for (gsize i = 0; i < n; i++)
        x[i] = a[i] == '_' ? '-' : g_ascii_tolower(a[i]);
    for (gsize j = 0; j < m; j++)
        y[j] = b[j] == '_' ? '-' : g_ascii_tolower(b[j]);
    for (gsize j = 0; j <= m; j++)
        row[0][j] = (guint)j;
    for (gsize i = 1; i <= n; i++) {
        guint *now = row[i % 3], *before = row[(i - 1) % 3], *earlier = row[(i + 1) % 3];
        now[0] = (guint)i;
        for (gsize j = 1; j <= m; j++) {
            guint best = before[j - 1] + (x[i - 1] != y[j - 1]);
            best = MIN(best, MIN(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
                best = MIN(best, earlier[j - 2] + 1);
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *config_nearest(const char *word, const char *const *names)
{
    gsize len = strlen(word);
    guint best = len <= 2 ? 0 : len <= 4 ? 1 : len <= 7 ? 2 : 3;
    const char *found = NULL;

    for (; names && *names; names++) {
        guint d = distance(word, *names);
        if (d < best || (d == best && !found)) {
            best = d;
            found = *names;
        }
    }
    return found;
}
