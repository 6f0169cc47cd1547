/*
 * registry.h - every plugin file found, what became of it, and the parts that are there to use.
 *
 * A registry is an immutable snapshot. Scanning again makes a new one that shares the images which
 * have not changed; generations hold the snapshot they were built from. Images are never unloaded.
 */
#pragma once

#include <glib.h>
#include <weir/plugin.h>

enum plugin_face {
    PLUGIN_PROVIDER,
    PLUGIN_DIALECT,
    PLUGIN_STRATEGY,
    PLUGIN_FILTER,
    PLUGIN_FACES,
};

/* "provider", "dialect", "strategy", "filter". */
const char *plugin_face_name(enum plugin_face face);

/* One part, its vtable normalised: full size, every optional function filled in with a default that
 * does nothing, so that callers never test for NULL. */
struct plugin_part {
    enum plugin_face face;
    const char *name;
    const struct plugin_file *file;
    uint32_t crumb;    /* see base/crumb.h */
    gboolean stand_in; /* for a plugin in quarantine, see standin.h: takes any options */
    union {
        weir_provider_v1 provider;
        weir_dialect_v1 dialect;
        weir_strategy_v1 strategy;
        weir_filter_v1 filter;
    };
    /* Tables as plain arrays of our own size. */
    const weir_option *options;
    uint32_t option_count;
    const weir_option *child_options; /* strategies */
    uint32_t child_option_count;
    weir_children children;         /* strategies */
    const weir_endpoint *endpoints; /* dialects */
    uint32_t endpoint_count;
};

enum plugin_state {
    PLUGIN_LOADED,
    PLUGIN_REFUSED,     /* not a plugin, wrong ABI, contents not acceptable */
    PLUGIN_UNTRUSTED,   /* permissions, owner or pin */
    PLUGIN_CRASHED,     /* in its trial */
    PLUGIN_HUNG,        /* in its trial */
    PLUGIN_QUARANTINED, /* crashed the worker too often */
    PLUGIN_SHADOWED,    /* another file earlier in the search path has the same id */
};

const char *plugin_state_name(enum plugin_state state);

/* One file that was found in the search path. */
struct plugin_file {
    char *path;
    char *sha256;
    enum plugin_state state;
    char *reason; /* why it is not loaded: what it says, what we say, what to do; NULL if loaded */
    char *note;   /* the text of its identity note; NULL if it has none */
    char *id;     /* from the note */
    char *version;
    guint16 abi_major, abi_minor;
    gsize size;
    GPtrArray *parts; /* of struct plugin_part; empty unless loaded (or quarantined: stand-ins) */
};

/* Where to look and what to trust. */
struct plugin_search {
    const char *const *directories; /* absolute, in order; NULL-terminated */
    GHashTable *pins;               /* file name -> sha256; may be NULL */
    const char *const *quarantined; /* sha256 of files not to load; NULL-terminated; may be NULL */
    gint64 trial_timeout_us;        /* 0: 5 s */
};

struct plugin_registry {
    gint ref_count;
    GPtrArray *files;   /* of struct plugin_file, in search order */
    GPtrArray *retired; /* of struct plugin_file: loaded once, no longer the file on disk */
    GHashTable *by_name[PLUGIN_FACES]; /* name -> struct plugin_part */
};

/*
 * [init] Looks at every *.so in the search path, loads what is acceptable. Never fails as a whole:
 * what is wrong with a file stands in its record and is logged. `previous` (may be NULL) lends its
 * images.
 */
struct plugin_registry *plugin_scan(const struct plugin_search *search,
                                    struct plugin_registry *previous);

struct plugin_registry *plugin_registry_ref(struct plugin_registry *r);
void plugin_registry_unref(struct plugin_registry *r);
typedef struct plugin_registry plugin_registry;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(plugin_registry, plugin_registry_unref)

/* The part of that name, or NULL. In names of strategies '-' and '_' are the same. */
const struct plugin_part *plugin_find(const struct plugin_registry *r, enum plugin_face face,
                                      const char *name);

/* All parts of a face, sorted by name; free the list only. */
GPtrArray *plugin_parts(const struct plugin_registry *r, enum plugin_face face);

/*
 * The default search path: WEIR_PLUGIN_PATH (divided by ':') if set, else `configured` (may be
 * NULL), then the installed directory. Free with g_strfreev().
 */
char **plugin_search_path(const char *const *configured);

/* Reads one file's identity without running any of its code. Free with plugin_file_free(). */
struct plugin_file *plugin_inspect(const char *path);
void plugin_file_free(struct plugin_file *file);

/* The host object for one instance of a part ("provider openai", "route main"). [init] */
weir_host *plugin_host_new(const struct plugin_part *part, const char *instance);
void plugin_host_free(weir_host *host);

/* Counters that plugins registered, for /metrics: calls `each` for every one. */
void plugin_metrics_each(void (*each)(void *ctx, const char *name, const char *help,
                                      const char *plugin, const char *instance, uint64_t value),
                         void *ctx);
