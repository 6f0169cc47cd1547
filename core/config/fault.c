/*
 * fault.c - the list of faults and how it is told.
 */
#include "config/fault.h"

#include "config/config.h"

#include <stdarg.h>
#include <string.h>

enum { FAULTS_TOLD = 100 }; /* more would bury the first ones */

struct fault {
    guint order, line, column;
    char *text;
};

static void fault_free(gpointer p)
{
    struct fault *f = p;
    g_free(f->text);
    g_free(f);
}

void faults_init(struct faults *f)
{
    f->list = g_ptr_array_new_with_free_func(fault_free);
}

void faults_clear(struct faults *f)
{
    g_clear_pointer(&f->list, g_ptr_array_unref);
}

guint faults_count(const struct faults *f)
{
    return f->list->len;
}

char *place_text(const struct place *at)
{
    return g_strdup_printf("%s:%u:%u", at->file, at->line, at->column);
}

void fault_at(struct faults *f, const struct place *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *where = place_text(at);
    struct fault *fault = g_new0(struct fault, 1);
    fault->order = at->order;
    fault->line = at->line;
    fault->column = at->column;
    fault->text = g_strdup_printf("%s: %s", where, message);
    g_ptr_array_add(f->list, fault);
}

static gint by_place(gconstpointer a, gconstpointer b)
{
    const struct fault *x = *(const struct fault *const *)a;
    const struct fault *y = *(const struct fault *const *)b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

char *faults_text(struct faults *f)
{
    g_autoptr(GString) all = g_string_new(NULL);
    const char *last = NULL;
    guint told = 0;

    g_ptr_array_sort(f->list, by_place);
    for (guint i = 0; i < f->list->len; i++) {
        const struct fault *fault = g_ptr_array_index(f->list, i);
        /* What stands behind an alias is read, and found wrong, once for every use. */
        if (last && strcmp(last, fault->text) == 0)
            continue;
        last = fault->text;
        if (++told > FAULTS_TOLD) {
            g_string_append(all, "\n... and more; mend these first");
            break;
        }
        if (all->len)
            g_string_append_c(all, '\n');
        g_string_append(all, fault->text);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

char *fault_guess(const char *word, const char *const *names)
{
    const char *near = config_nearest(word, names);
    return near ? g_strdup_printf(" (did you mean '%s'?)", near) : g_strdup("");
}

char *fault_guess_or_list(const char *word, const char *const *names)
{
    const char *near = config_nearest(word, names);
    if (near || !names || !names[0])
        return fault_guess(word, names);
    g_autofree char *list = g_strjoinv(", ", (char **)names);
    return g_strdup_printf("; there is: %s", list);
}
