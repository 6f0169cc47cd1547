/*
 * config.h - the configuration as the engine uses it: validated, typed, immutable.
 *
 * config_load() reads YAML (file plus conf.d), checks every key against the schema and against the
 * option tables of the plugins in the registry, resolves secrets, and answers with either a whole
 * configuration or a list of everything that is wrong, each with file, line, column and advice.
 */
#pragma once

#include "plugin/registry.h"

/* Time limits of an attempt, microseconds; 0: none. */
struct config_timeouts {
    gint64 connect_us;     /* DNS, TCP, TLS */
    gint64 first_byte_us;  /* until the response head */
    gint64 first_token_us; /* streams: until the first content */
    gint64 idle_us;        /* streams: between two frames */
    gint64 total_us;       /* of one attempt */
};

struct config_provider {
    char *name;
    const struct plugin_part *part;
    char *base_url;      /* no trailing slash */
    char *api_key;       /* resolved; NULL: none. Never printed */
    char *default_model; /* NULL: none */
    GHashTable *aliases; /* asked model -> model; of strings */
    GPtrArray *models;   /* globs it serves, beside the part's own; of strings */
    struct config_timeouts timeouts;
    gint max_retries; /* default for `retries` of a failover; -1: not given */
    gint64 requests_per_minute, tokens_per_minute; /* 0: no limit */
    guint max_connections;                         /* 0: no limit */
    char *proxy;                                   /* NULL: from the environment */
    char *ca_file;                                 /* NULL: the system's */
    gboolean insecure;                             /* do not verify the peer's certificate */
    char *options;              /* JSON object in the normal form of option.h, for `configure` */
    struct config_node *direct; /* asked by name: a failover of one; NULL: no such strategy */
    char *where;                /* "weir.yaml:7:3" */
};

enum config_child_kind { CONFIG_TARGET, CONFIG_ROUTE, CONFIG_NODE };

struct config_child {
    enum config_child_kind kind;
    const struct config_provider *provider; /* CONFIG_TARGET */
    char *model;                            /* CONFIG_TARGET; NULL: the asked one, see design */
    const struct config_route *route;       /* CONFIG_ROUTE */
    struct config_node *node;               /* CONFIG_NODE */
    char *name; /* unique among its siblings: "openai/gpt-4o", "spread", "failover#3" */
    char *where;
};

/* An inner node: a strategy and its children. */
struct config_node {
    const struct plugin_part *part;
    char *options;       /* JSON object for `configure`, children as numbers */
    GPtrArray *children; /* of struct config_child, in order */
    char *path;          /* unique: "main", "main/failover#3"; keys node state across reloads */
    char *where;
};

enum config_mid_stream {
    CONFIG_MID_STREAM_ERROR,
    CONFIG_MID_STREAM_SPLICE,
    CONFIG_MID_STREAM_CONTINUE
};

struct config_filter {
    const struct plugin_part *part;
    char *options; /* JSON object for `configure` */
    gboolean continue_on_error;
    char *where;
};

struct config_route {
    char *name;
    struct config_node *root;
    GPtrArray *filters; /* of struct config_filter */
    gboolean strict_loss;
    enum config_mid_stream mid_stream;
    struct config_timeouts timeouts; /* over the providers' where not 0 */
    gint64 deadline_us;              /* budget of one exchange; 0: the default, 10 min */
    guint attempts;                  /* likewise; 0: the default, 16 */
    char *where;
};

enum config_log_target { CONFIG_LOG_STDERR, CONFIG_LOG_FILE, CONFIG_LOG_OFF };

struct config {
    gint ref_count;
    struct plugin_registry *plugins;
    GString *snapshot;       /* the files as they were read, for config_source.snapshot */
    GPtrArray *files;        /* paths read, in order; empty: made from the environment */
    GPtrArray *listen;       /* "127.0.0.1:8080", "[::1]:8080", "unix:/path"; of strings */
    guint workers;           /* threads */
    GPtrArray *plugin_dirs;  /* absolute; of strings */
    GHashTable *plugin_pins; /* file name -> sha256 */
    GPtrArray *providers;    /* of struct config_provider, in order */
    GPtrArray *routes;       /* of struct config_route, in order */
    GPtrArray *filters;      /* of struct config_filter: for every request, before a route's */
    const struct config_route *default_route; /* NULL: none */
    gboolean unknown_to_default;              /* unknown_model: default_route */
    gboolean expose_body;                     /* expose: body */
    /* limits: */
    gsize head_bytes, json_bytes, hold_bytes;
    guint64 forward_bytes;
    gint64 head_us, body_us, idle_us, write_us, drain_us;
    guint connections; /* per worker */
    guint queue;       /* exchanges that may wait for a target to recover */
    /* breaker: */
    guint breaker_failures; /* consecutive ones that open it; 0: off */
    gint64 breaker_cooldown_us;
    /* log: */
    enum config_log_target access_log;
    char *access_file;
    char *log_levels; /* "info", "info,plugin=debug" */
    /* Dialects: name -> JSON options, for every dialect part in the registry. */
    GHashTable *dialect_options;
    GHashTable *tag_headers; /* header (lower case) -> tag name, shown to strategies */
    char *tenant_header;     /* NULL: none */
    GPtrArray *secrets; /* resolved secrets, for whoever prints: never to be shown; of strings */
};

/* Where configuration comes from. */
struct config_source {
    const char *path;     /* file; NULL: none */
    const char *text;     /* instead of a file; `path` is then only its name in messages */
    char **env;           /* for ${VARIABLE}; NULL: the process's own */
    const char *snapshot; /* instead of files: what config->snapshot of an earlier loading held */
    gsize snapshot_len;
};

#define CONFIG_ERROR (config_error_quark())
GQuark config_error_quark(void);
enum config_error { CONFIG_ERROR_SYNTAX, CONFIG_ERROR_INVALID, CONFIG_ERROR_IO };

/*
 * [init] Loads in two steps, because plugins are found where the configuration says: first the keys
 * that say where plugins are, then, with the registry, everything. `previous` lends its images.
 * NULL with one error that lists every fault, a line each: "weir.yaml:12:5: ...".
 */
struct config *config_load(const struct config_source *source, struct plugin_registry *previous,
                           GError **error);

/*
 * [init] Without a file: providers from the keys in the environment, a local Ollama if it answers,
 * else the simulator. `*told` gets sentences for a person, one a line. Free with g_free().
 */
struct config *config_from_environment(char **env, struct plugin_registry *previous, char **told,
                                       GError **error);

struct config *config_ref(struct config *c);
void config_unref(struct config *c);
typedef struct config config_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(config_t, config_unref)

const struct config_provider *config_find_provider(const struct config *c, const char *name);
const struct config_route *config_find_route(const struct config *c, const char *name);

/* The nearest of `names` (NULL-terminated) to `word`, or NULL if none is near. */
const char *config_nearest(const char *word, const char *const *names);

/* An address to listen on in full: "8080", ":8080", "localhost:8080", "[::1]:8080", "unix:/path".
 * NULL if it is none. Free with g_free(). */
char *config_listen_address(const char *text);

/* What `weir init` writes; config_load() accepts it. `env` decides which providers are on. */
char *config_template(char **env);

/* Where a configuration is looked for when none is named: ./weir.yaml, then the user's, then
 * /etc/weir/weir.yaml. NULL: there is none. */
char *config_find_file(void);

/* The configuration in force as JSON text, for a person: defaults filled in, every secret replaced
 * by "(secret)". Free with g_free(). */
char *config_dump(const struct config *c);
