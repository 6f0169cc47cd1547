/*
 * value.c - scalars and the simple collections of them.
 */
#include "config/value.h"

#include <math.h>
#include <string.h>

/* The longest number at `*p`, digits with at most one point; moves `*p` behind it. */
static gboolean take_decimal(const char **p, double *out)
{
    const char *start = *p, *q = start;
    guint digits = 0, points = 0;

    for (; g_ascii_isdigit(*q) || *q == '.'; q++)
        *(*q == '.' ? &points : &digits) += 1;
    if (!digits || points > 1 || digits > 18)
        return FALSE;
    g_autofree char *number = g_strndup(start, (gsize)(q - start));
    *out = g_ascii_strtod(number, NULL);
    *p = q;
    return TRUE;
}

static const char *skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Scales by the unit at `*p` and moves behind it. A unit ends where its letters end. */
static gboolean take_unit(const char **p, const char *const *names, const double *factors,
                          double *number)
{
    const char *start = skip_spaces(*p), *q = start;
    while (g_ascii_isalpha(*q))
        q++;
    for (guint i = 0; names[i]; i++) {
        if (strlen(names[i]) == (gsize)(q - start) &&
            g_ascii_strncasecmp(names[i], start, (gsize)(q - start)) == 0) {
            *number *= factors[i];
            *p = q;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean value_parse_duration(const char *text, gint64 *us)
{
    static const char *const units[] = { "us", "ms", "s", "m", "h", "d", NULL };
    static const double factors[] = { 1, 1e3, 1e6, 60e6, 3600e6, 86400e6 };
    const double most = 86400e6 * 36500;
    const char *start = skip_spaces(text), *p = start;
    double sum = 0;

    do {
        gboolean first = p == start;
        double number;
        if (!take_decimal(&p, &number))
            return FALSE;
        if (!*p && first)
            number *= 1e6;
        else if (!take_unit(&p, units, factors, &number))
            return FALSE;
        sum += number;
        p = skip_spaces(p);
    } while (*p);
    if (sum > most)
        return FALSE;
    *us = (gint64)(sum + 0.5);
    return TRUE;
}

gboolean value_parse_size(const char *text, gint64 *bytes)
{
    static const char *const units[] = { "b", "k",  "kb",  "kib", "m",  "mb",  "mib",
                                         "g", "gb", "gib", "t",   "tb", "tib", NULL };
    static const double k = 1024;
    const double factors[] = { 1,
                               k,
                               k,
                               k,
                               k * k,
                               k * k,
                               k * k,
                               k * k * k,
                               k * k * k,
                               k * k * k,
                               k * k * k * k,
                               k * k * k * k,
                               k * k * k * k };
    const char *p = skip_spaces(text);
    double number;

    if (!take_decimal(&p, &number))
        return FALSE;
    p = skip_spaces(p);
    if (*p && (!take_unit(&p, units, factors, &number) || *skip_spaces(p)))
        return FALSE;
    if (number > 9e15)
        return FALSE;
    *bytes = (gint64)(number + 0.5);
    return TRUE;
}

gboolean value_parse_bool(const char *text, gboolean *out)
{
    static const char *const yes[] = { "true", "yes", "on" };
    static const char *const no[] = { "false", "no", "off" };
    for (guint i = 0; i < G_N_ELEMENTS(yes); i++) {
        if (g_ascii_strcasecmp(text, yes[i]) == 0 || g_ascii_strcasecmp(text, no[i]) == 0) {
            *out = g_ascii_strcasecmp(text, yes[i]) == 0;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean value_parse_int(const char *text, gint64 *out)
{
    return *text != '+' && g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, out, NULL);
}

gboolean value_parse_number(const char *text, double *out)
{
    char *end;
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return FALSE;
    *out = g_ascii_strtod(text, &end);
    return !*end && isfinite(*out);
}

/* -- Nodes ------------------------------------------------------------------------------------ */

static gboolean misfit(struct faults *f, const struct ynode *n, const char *what, const char *form)
{
    g_autofree char *shown = ynode_show(n);
    fault_at(f, &n->at, "%s must be %s, not %s", what, form, shown);
    return FALSE;
}

const char *value_text(struct faults *f, const struct ynode *n, const char *what, const char *form)
{
    if (n->bad)
        return NULL;
    if (n->kind != YNODE_SCALAR) {
        misfit(f, n, what, form);
        return NULL;
    }
    if (ynode_is_null(n)) {
        fault_at(f, &n->at, "%s has no value; give it %s, or remove the key", what, form);
        return NULL;
    }
    return n->text;
}

gboolean value_duration(struct faults *f, const struct ynode *n, const char *what, gint64 *us)
{
    const char *form = "a duration such as 250ms, 30s, 5m, 1h or a number of seconds";
    const char *text = value_text(f, n, what, form);
    return text && (value_parse_duration(text, us) || misfit(f, n, what, form));
}

gboolean value_size(struct faults *f, const struct ynode *n, const char *what, gint64 *bytes)
{
    const char *form = "a size such as 64KB, 8MB, 1GB or a number of bytes";
    const char *text = value_text(f, n, what, form);
    return text && (value_parse_size(text, bytes) || misfit(f, n, what, form));
}

gboolean value_bool(struct faults *f, const struct ynode *n, const char *what, gboolean *out)
{
    const char *form = "true or false";
    const char *text = value_text(f, n, what, form);
    return text && (value_parse_bool(text, out) || misfit(f, n, what, form));
}

gboolean value_int(struct faults *f, const struct ynode *n, const char *what, gint64 min,
                   gint64 max, gint64 *out)
{
    g_autofree char *form = NULL;
    if (max == G_MAXINT64 && min == G_MININT64)
        form = g_strdup("an integer");
    else if (max == G_MAXINT64)
        form = g_strdup_printf("an integer of at least %" G_GINT64_FORMAT, min);
    else
        form =
            g_strdup_printf("an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min, max);
    gint64 number;
    const char *text = value_text(f, n, what, form);
    if (!text)
        return FALSE;
    if (!value_parse_int(text, &number) || number < min || number > max)
        return misfit(f, n, what, form);
    *out = number;
    return TRUE;
}

gboolean value_number(struct faults *f, const struct ynode *n, const char *what, double *out)
{
    const char *form = "a number";
    const char *text = value_text(f, n, what, form);
    return text && (value_parse_number(text, out) || misfit(f, n, what, form));
}

gint value_choice(struct faults *f, const struct ynode *n, const char *what,
                  const char *const *names)
{
    g_autofree char *list = g_strjoinv(", ", (char **)names);
    g_autofree char *form = g_strdup_printf("one of %s", list);
    const char *text = value_text(f, n, what, form);
    if (!text)
        return -1;
    for (gint i = 0; names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    g_autofree char *shown = ynode_show(n);
    g_autofree char *guess = fault_guess(n->raw, names);
    fault_at(f, &n->at, "%s must be %s, not %s%s", what, form, shown, guess);
    return -1;
}

GPtrArray *value_strings(struct faults *f, const struct ynode *n, const char *what)
{
    g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);
    gboolean ok = TRUE;

    if (ynode_is_null(n))
        return g_steal_pointer(&out);
    if (n->kind == YNODE_MAP) {
        misfit(f, n, what, "a text or a list of texts");
        return NULL;
    }
    guint count = n->kind == YNODE_LIST ? ynode_count(n) : 1;
    for (guint i = 0; i < count; i++) {
        const struct ynode *item = n->kind == YNODE_LIST ? ynode_at(n, i) : n;
        const char *text = value_text(f, item, what, "a text or a list of texts");
        if (text)
            g_ptr_array_add(out, g_strdup(text));
        ok &= text != NULL;
    }
    return ok ? g_steal_pointer(&out) : NULL;
}

GHashTable *value_string_map(struct faults *f, const struct ynode *n, const char *what)
{
    g_autoptr(GHashTable) out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    gboolean ok = TRUE;

    if (ynode_is_null(n))
        return g_steal_pointer(&out);
    if (n->kind != YNODE_MAP) {
        misfit(f, n, what, "a map of texts");
        return NULL;
    }
    for (guint i = 0; i < ynode_count(n); i++) {
        const char *text = value_text(f, ynode_at(n, i), what, "a map of texts");
        if (text)
            g_hash_table_insert(out, g_strdup(ynode_key_at(n, i)->raw), g_strdup(text));
        ok &= text != NULL;
    }
    return ok ? g_steal_pointer(&out) : NULL;
}

/* -- Secrets ---------------------------------------------------------------------------------- */

char *value_path(const struct place *at, const char *path)
{
    if (g_path_is_absolute(path))
        return g_strdup(path);
    g_autofree char *dir = g_path_get_dirname(at->file);
    g_autofree char *relative = g_build_filename(dir, path, NULL);
    return g_canonicalize_filename(relative, NULL);
}

static gboolean secret_file(struct faults *f, const struct ynode *n, const char *what,
                            const char *path, char **out)
{
    g_autofree char *full = value_path(&n->at, path);
    g_autoptr(GError) error = NULL;
    gsize len;

    if (!g_file_get_contents(full, out, &len, &error)) {
        fault_at(f, &n->at, "%s cannot be read from %s: %s", what, full, error->message);
        return FALSE;
    }
    if (strlen(*out) != len || !g_utf8_validate(*out, -1, NULL)) {
        fault_at(f, &n->at, "%s: %s is not a text file", what, full);
        g_clear_pointer(out, g_free);
        return FALSE;
    }
    while (len && ((*out)[len - 1] == '\n' || (*out)[len - 1] == '\r'))
        (*out)[--len] = 0;
    if (len)
        return TRUE;
    fault_at(f, &n->at, "%s: %s is empty; put the secret into it", what, full);
    g_clear_pointer(out, g_free);
    return FALSE;
}

gboolean value_secret(struct faults *f, const struct ynode *n, const char *what, GPtrArray *secrets,
                      char **out)
{
    const char *form = "${NAME} or file:PATH";
    g_autofree char *secret = NULL;

    *out = NULL;
    if (n->kind == YNODE_SCALAR && !n->bad && !ynode_is_null(n) &&
        !g_str_has_prefix(n->raw, "file:") && (!n->variables || n->given_default)) {
        /* What stands there may be the secret itself: it is not shown. */
        fault_at(f, &n->at, "%s is a secret and may not stand in the file; write %s", what, form);
        return FALSE;
    }
    const char *text = value_text(f, n, what, form);
    if (!text)
        return FALSE;
    if (g_str_has_prefix(n->raw, "file:")) {
        if (!secret_file(f, n, what, text + strlen("file:"), &secret))
            return FALSE;
    } else if (*text) {
        secret = g_strdup(text);
    } else if (!strstr(n->raw, ":-")) {
        fault_at(f, &n->at, "%s is empty: the variable in %s is; set it, or remove the key", what,
                 n->raw);
        return FALSE;
    }
    if (secret)
        g_ptr_array_add(secrets, g_strdup(secret));
    *out = g_steal_pointer(&secret);
    return TRUE;
}
