/*
 * fault.h - everything that is wrong with a configuration, collected while it is read.
 *
 * Readers go on after a fault, so that a person sees all of them at once, in the order of the
 * files. Messages show values as they are written, never after ${VARIABLE} was resolved.
 */
#pragma once

#include <glib.h>

/* Where something stands. `file` is owned by the tree it was read into. */
struct place {
    const char *file;
    guint order; /* of the file among the files of this configuration */
    guint line, column;
};

struct faults {
    GPtrArray *list; /* of struct fault */
};

void faults_init(struct faults *f);
void faults_clear(struct faults *f);

/* Notes one fault. The message says what is wrong, then what to do. */
void fault_at(struct faults *f, const struct place *at, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* How many there are. */
guint faults_count(const struct faults *f);

/* All of them as "file:line:column: message", a line each, sorted by place. Free with g_free(). */
char *faults_text(struct faults *f);

/* "weir.yaml:7:3". Free with g_free(). */
char *place_text(const struct place *at);

/* " (did you mean 'x'?)" for the nearest of `names`, else "". Free with g_free(). */
char *fault_guess(const char *word, const char *const *names);
/* As above, but without a near name: "; there is: a, b, c". */
char *fault_guess_or_list(const char *word, const char *const *names);
