/*
 * options.h - values checked against a part's option table become the JSON object that the part's
 * `configure` is given, in the normal form of <weir/option.h>, defaults filled in.
 */
#pragma once

#include "config/load.h"

/* How children are read where the table has CHILD or CHILDREN; NULL functions: it may not. Each
 * returns a new reference, or NULL with a fault noted. */
struct option_children {
    void *ctx;
    json_t *(*child)(void *ctx, const struct ynode *n);
    json_t *(*children)(void *ctx, const struct ynode *n);
};

/*
 * `map` holds the options (NULL or nothing: none are given); other keys in it are not looked at.
 * `at` is where a missing one is reported, `what` how messages name the whole ("provider openai").
 * A new reference; NULL with faults noted.
 */
json_t *options_read(struct load *l, const weir_option *options, guint count,
                     const struct ynode *map, const struct place *at, const char *what,
                     const struct option_children *children);

/* As above for a map that holds nothing but options: other keys are faults. */
json_t *options_read_all(struct load *l, const weir_option *options, guint count,
                         const struct ynode *map, const struct place *at, const char *what,
                         const struct option_children *children);

/* One value. A new reference; NULL with a fault noted. */
json_t *options_value(struct load *l, const weir_option *option, const struct ynode *n,
                      const char *what, const struct option_children *children);

/* The names of a table, NULL-terminated; free the array only. */
char **options_names(const weir_option *options, guint count);
const weir_option *options_find(const weir_option *options, guint count, const char *name);

/* JSON as text, with numbers as people write them. Free with g_free(). */
char *options_text(const json_t *json);
