/*
 * tree.h - the route trees of one generation: strategies configured, children resolved.
 *
 * A tree is immutable. What a strategy remembers (node state) belongs to the process and is found
 * again by the node's path, so that it survives a reload.
 */
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "route/known.h"
#include "route/target.h"

/* A configured provider: its part, ready to be called. */
struct provider {
    const struct config_provider *config;
    const weir_provider_v1 *face;
    uint32_t crumb;
    void *cfg;
    weir_host *host;
    weir_str name;
    weir_str base_url;
    weir_str key;
    struct limits limits;
    bool stand_in;       /* its plugin is in quarantine: never asked */
    struct known *known; /* what is known of its models; the tree's */
    struct node *direct; /* the provider by itself, for requests that name it; may be NULL */
    uint32_t number;     /* in its generation, from 0 */
};

/* Bytes behind each block of state that stay zero: a strategy that writes there is found out. */
enum { STATE_GUARD = 32 };

/* What a strategy remembers at one node; one per process, shared by generations. */
struct node_state {
    pthread_mutex_t lock;
    char *strategy;
    uint32_t version;
    size_t state_size, child_size;
    void *state;
    GHashTable *children; /* child name -> its block */
    uint64_t faults;      /* of the strategy's; atomic, as is the next */
    int64_t told_us;      /* when the log last had one */
    gint ref_count;
};

struct node;

enum { CHILD_LEAF, CHILD_NODE };

struct child {
    int kind;
    weir_str name;
    void *state; /* child_state_size bytes inside the node_state */
    bool copy;   /* it only gets copies of requests: nothing waits for it, nothing depends on it */
    /* CHILD_LEAF */
    const struct provider *provider;
    weir_str model;        /* empty: the one asked for */
    struct target *target; /* the record, when `model` is fixed */
    /* CHILD_NODE */
    struct node *node;
};

struct node {
    const struct plugin_part *part;
    void *cfg;
    weir_host *host;
    struct node_state *state;
    const char *path;
    struct child *children;
    uint32_t count;
    uint32_t needs; /* WEIR_NEEDS_* of this node and all below */
};

struct route {
    const struct config_route *config;
    const char *name; /* interned */
    struct node *root;
};

struct tree {
    GPtrArray *providers; /* of struct provider, in the order of the configuration */
    GPtrArray *routes;    /* of struct route */
    struct known *known;  /* what is known of the models of its targets */
    GHashTable *by_name;  /* name -> struct route */
    GPtrArray *nodes;     /* of struct node: every one, for release */
};

/* [init] Configures providers and strategies. NULL: something did not like its options. */
struct tree *tree_build(const struct config *config, GError **error);
void tree_free(struct tree *tree);

/* [init] The tree is going to be used: trees built from now on find its nodes' states. Before that
 * it may be freed, and nothing has changed. */
void tree_adopt(const struct tree *tree);

/* [safe] Each node in use whose strategy has made no sense since it was there. */
void tree_faults_each(void (*each)(void *ctx, const char *path, const char *strategy, uint64_t n),
                      void *ctx);

const struct provider *tree_provider(const struct tree *tree, weir_str name);
const struct route *tree_route(const struct tree *tree, weir_str name);

/*
 * The model that a leaf sends for a request that asked for `asked`: fixed, aliased, asked or
 * default, in the order of the design. False: the provider has no model for it.
 */
bool provider_model(const struct provider *p, weir_str fixed, weir_str asked, weir_str *model);

/* Whether its part takes requests of that dialect as they are. */
bool provider_speaks(const struct provider *p, weir_str dialect);

/* Whether the provider lists, aliases or (by its part's globs) claims the model. */
bool provider_lists(const struct provider *p, weir_str model);
bool provider_claims(const struct provider *p, weir_str model);
