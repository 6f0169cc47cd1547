/*
 * load.h - what the readers of a configuration share. Private to core/config.
 */
#pragma once

#include "config/config.h"
#include "config/yaml.h"

#include <jansson.h>

/* One loading. */
struct load {
    struct config *config; /* being filled in */
    const struct plugin_registry *registry;
    struct faults faults;
    struct ytree *tree;
    char **env;
    GHashTable *kept;        /* path -> GBytes: other files that a snapshot holds; may be NULL */
    gboolean reserved_names; /* "default" may name a route: it is ours */
    struct config_timeouts timeouts; /* for providers that say nothing else */
};

/* As config_load(), with a registry that is there already (a reference is taken): plugins.path is
 * checked but not searched. For tests and for configurations made here. */
struct config *config_load_with(const struct config_source *source,
                                struct plugin_registry *registry, GError **error);

/* As config_load_with(); routes may use reserved names. */
struct config *config_load_own(const struct config_source *source, struct plugin_registry *registry,
                               GError **error);

/* As config_from_environment(), with a registry that is there already. */
struct config *config_from_environment_with(char **env, struct plugin_registry *registry,
                                            char **told, GError **error);

/* files.c: parses `source` and conf.d beside it into one root. NULL with faults noted, or with
 * `error` set if the file cannot be read. */
struct ynode *files_read(struct load *l, const struct config_source *source, GError **error);

/* The text of another file that the configuration names, from the snapshot if one is read; it goes
 * into the next. Free `*text` with g_free(). */
gboolean files_kept(struct load *l, const char *path, char **text, gsize *len, GError **error);

/* settings.c: plugins.path and plugins.pins. */
void settings_plugins(struct load *l, const struct ynode *root);
/* Everything at the top that is not a provider, route or filter. */
void settings_read(struct load *l, const struct ynode *root);
/* Addresses of `n`, a text or a list, into `out`. */
void settings_listen(struct load *l, const struct ynode *n, const char *what, GPtrArray *out);
/* A `timeout`: a duration is the total, a map names limits. Changes only what is given. */
void settings_timeouts(struct load *l, const struct ynode *n, const char *what,
                       gboolean none_allowed, struct config_timeouts *out);

/* limits.c: `rate_limit`, `breaker` and `budget`, wherever they stand. Change only what is given.
 */
void limits_rate(struct load *l, const struct ynode *n, const char *what, struct limit_rule *out);
void limits_breaker(struct load *l, const struct ynode *n, const char *what,
                    struct target_breaker *out);
void limits_budget(struct load *l, const struct ynode *n, const char *what,
                   struct config_budget *out);
void tenants_read(struct load *l, const struct ynode *root);
/* keys.c: `keys`, `auth`, `admin` and what is allowed from where. After the routes. */
void keys_read(struct load *l, const struct ynode *root);

/* provider.c */
void providers_read(struct load *l, const struct ynode *map);

/* filters.c: a list of filters into `out` (of struct config_filter). */
void filters_read(struct load *l, const struct ynode *list, GPtrArray *out);

/* route.c */
void routes_read(struct load *l, const struct ynode *root);

/* tree.c: the node for `part`, as configured by `value`; `path` names it. NULL with faults noted.
 */
struct config_node *tree_node(struct load *l, const struct plugin_part *part,
                              const struct ynode *key, const struct ynode *value, const char *path);

/* parts.c */
/* The part called `name`, or NULL with a fault that says what is there and what was refused. */
const struct plugin_part *part_find(struct load *l, enum plugin_face face, const char *name,
                                    const struct place *at);
/* Names of all parts of a face, and of `more` (may be NULL); free the array only. */
char **part_names(const struct load *l, enum plugin_face face, const char *const *more);

/* Name arrays for guesses: free the array only. */
char **provider_and_route_names(const struct load *l, const struct plugin_part *also);

/* config.c */
struct config *config_new(void);
void config_filter_free(gpointer filter);
void config_provider_free(gpointer provider);
void config_route_free(gpointer route);
void config_tenant_free(gpointer tenant);
void config_key_free(gpointer key);
void config_node_free(gpointer node);
void config_child_free(gpointer child);

/* A name given by people: what is wrong with it, or NULL. */
const char *config_name_fault(const char *name, gboolean slash_allowed);
