/*
 * generation.h - one loaded configuration, ready to serve: plugins configured, trees built, paths
 * sorted. Immutable; an exchange finishes on the generation it started on.
 */
#pragma once

#include "route/tree.h"

struct dialect {
    const struct plugin_part *part; /* NULL for the library's own */
    const weir_dialect_v1 *face;
    const char *name; /* interned */
    void *cfg;
    weir_host *host;
};

struct filter {
    const struct plugin_part *part;
    const weir_filter_v1 *face;
    const struct config_filter *config;
    void *cfg;
    weir_host *host;
    const struct route *route; /* NULL: for every request */
};

/* One path of one dialect, as the matcher wants it. */
struct endpoint {
    const struct dialect *dialect;
    const weir_endpoint *abi;
    uint32_t number;  /* in the dialect */
    uint32_t literal; /* bytes of the pattern that are not captures: the longer match wins */
    bool exact;       /* there is nothing else in it */
};

/* Who asks, and what it may. */
struct tenant {
    const struct config_tenant *config;
    struct limits limits; /* of "*", without a name of its own: only what there is */
};

struct generation {
    gint ref_count;
    uint32_t number;
    struct config *config;
    struct tree *tree;
    GPtrArray *dialects; /* of struct dialect */
    GPtrArray *filters;  /* of struct filter: general ones first, then by route */
    GArray *endpoints;   /* of struct endpoint, best match first */
    const struct route *default_route;
    GHashTable *tenants; /* name -> struct tenant; NULL: none is configured */
    bool log_each;       /* an access log is kept */
};

/* [init] Takes its own reference to `config`. */
struct generation *generation_new(struct config *config, GError **error);
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);

enum { ENDPOINT_CAPTURES = 8 };

struct endpoint_match {
    const struct endpoint *endpoint;
    weir_str captures[ENDPOINT_CAPTURES]; /* as they stand in the path, not decoded */
    uint32_t capture_count;
};

/*
 * Finds who serves a path. Returns 200, or 404 if nobody knows the path, or 405 if only with
 * another method.
 */
unsigned generation_match(const struct generation *g, weir_str method, weir_str path,
                          const weir_header *headers, uint32_t header_count,
                          struct endpoint_match *match);

/* The dialect of that id, or NULL. */
const struct dialect *generation_dialect(const struct generation *g, const char *id);
