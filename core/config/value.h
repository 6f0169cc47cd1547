/*
 * value.h - what scalars mean. The schema decides the type, so quotes make no difference.
 *
 * Readers answer TRUE, or note a fault and answer FALSE; a node that is `bad` fails without
 * another fault. `what` names the value in messages ("timeout", "limits.queue").
 */
#pragma once

#include "config/yaml.h"

/* "250ms", "1.5s", "1m30s", "2h", "1d", "500us", a bare number of seconds. Not negative. */
gboolean value_parse_duration(const char *text, gint64 *us);
/* "64KB", "8 MiB", "1.5GB", a bare number of bytes. K, M, G, T are powers of 1024, with or without
 * B or iB, in any case. */
gboolean value_parse_size(const char *text, gint64 *bytes);
/* true, false, yes, no, on, off in any of the usual cases. */
gboolean value_parse_bool(const char *text, gboolean *out);
gboolean value_parse_int(const char *text, gint64 *out);
/* A finite number. */
gboolean value_parse_number(const char *text, double *out);

/* The text of a scalar that is given and good; NULL with a fault otherwise. `form` says what is
 * expected. Owned by the node. */
const char *value_text(struct faults *f, const struct ynode *n, const char *what, const char *form);

gboolean value_duration(struct faults *f, const struct ynode *n, const char *what, gint64 *us);
gboolean value_size(struct faults *f, const struct ynode *n, const char *what, gint64 *bytes);
gboolean value_bool(struct faults *f, const struct ynode *n, const char *what, gboolean *out);
gboolean value_int(struct faults *f, const struct ynode *n, const char *what, gint64 min,
                   gint64 max, gint64 *out);
gboolean value_number(struct faults *f, const struct ynode *n, const char *what, double *out);

/* One of `names` (NULL-terminated); its position, or -1. */
gint value_choice(struct faults *f, const struct ynode *n, const char *what,
                  const char *const *names);

/* A list of strings; one string stands for a list of itself, nothing for an empty list. NULL:
 * fault. Of strings, owned. */
GPtrArray *value_strings(struct faults *f, const struct ynode *n, const char *what);
/* A map of strings; nothing is an empty map. NULL: fault. Strings owned. */
GHashTable *value_string_map(struct faults *f, const struct ynode *n, const char *what);

/*
 * A secret: written with at least one ${VARIABLE}, or as file:PATH (relative to the file it is
 * written in; newlines at its end are dropped). Added to `secrets`. `*out` is NULL when the
 * reference resolves to nothing by its own default, as in ${KEY:-}.
 */
gboolean value_secret(struct faults *f, const struct ynode *n, const char *what, GPtrArray *secrets,
                      char **out);

/* `path` as seen from the folder of the file that `at` is in; absolute. Free with g_free(). */
char *value_path(const struct place *at, const char *path);
