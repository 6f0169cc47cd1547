/*
 * config.h - the configuration as the engine uses it: validated, typed, immutable.
 *
 * config_load() reads YAML (file plus conf.d), checks every key against the schema and against the
 * option tables of the plugins in the registry, resolves secrets, and answers with either a whole
 * configuration or a list of everything that is wrong, each with file, line, column and advice.
 */
#pragma once

#include "catalogue/catalogue.h"
#include "plugin/registry.h"
#include "route/settings.h"

/* `total` where nothing is said: 10 min; or, where another target could be asked as well, of an
 * answer that is not streamed half of the time its request has left, so that there is time for the
 * other. */
#define CONFIG_TOTAL_US (600 * G_USEC_PER_SEC)
enum { CONFIG_TOTAL_UNSAID = -1 };

/* Time limits of an attempt, microseconds; 0: none. */
struct config_timeouts {
    gint64 connect_us;     /* DNS, TCP, TLS */
    gint64 first_byte_us;  /* until the response head */
    gint64 first_token_us; /* streams: until the first content */
    gint64 idle_us;        /* streams: between two frames */
    gint64 total_us;       /* of one attempt; may be CONFIG_TOTAL_UNSAID */
};

/* Those of some models of a provider, where they are not its own; 0: they are. */
struct config_model_timeouts {
    char *model; /* '*' for any characters */
    struct config_timeouts timeouts;
};

struct config_provider {
    char *name;
    const struct plugin_part *part;
    char *base_url;       /* no trailing slash */
    char *api_key;        /* resolved; NULL: none. Never printed */
    char *default_model;  /* NULL: none */
    GHashTable *aliases;  /* asked model -> model; of strings */
    GPtrArray *models;    /* globs it serves, beside the part's own; of strings */
    gboolean list_models; /* it may be asked which models it has */
    char *vendor;         /* whose models they are, in the catalogues; NULL: nobody's */
    GPtrArray *details;   /* of struct catalogue_entry: what is said here of its models */
    struct config_timeouts timeouts;
    GPtrArray *model_timeouts; /* of struct config_model_timeouts */
    gint max_retries;          /* default for `retries` of a failover; -1: not given */
    struct limit_rule rate;    /* over all its models */
    struct target_breaker breaker;
    guint max_connections;      /* 0: no limit */
    char *proxy;                /* NULL: from the environment */
    char *ca_file;              /* NULL: the system's */
    gboolean insecure;          /* do not verify the peer's certificate */
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
    gboolean copy; /* it only gets copies of requests: see CONTRACT.md, `copy` */
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
    CONFIG_MID_STREAM_CONTINUE,
    CONFIG_MID_STREAM_UNSAID /* while a file is read */
};

struct config_filter {
    const struct plugin_part *part;
    char *options; /* JSON object for `configure` */
    gboolean continue_on_error;
    char *where;
};

/* Of one exchange, over all that is done for it; 0: what is general, in the end the default. */
struct config_budget {
    gint64 deadline_us; /* 10 min */
    guint attempts;     /* 16 */
    gint64 money;       /* millionths of a dollar; no limit */
};

enum { CONFIG_NO_PRIORITY = G_MININT };

/* Who asks: limits over all its requests. */
struct config_tenant {
    char *name; /* "*": each of those that are not named, and those without a name together */
    struct limit_rule rule;
    gint priority;  /* in the wait queue; CONFIG_NO_PRIORITY: the route's */
    gint64 wait_us; /* how long a request may wait for these limits; 0: it is refused at once */
};

enum { CONFIG_DIGEST = 32 };

/* A key that applications send. Only its hash is kept. */
struct config_key {
    char *name;
    guint8 digest[CONFIG_DIGEST]; /* SHA-256 */
    char *tenant;                 /* its own name, unless said */
    /* What it may ask for: routes by name, models as globs over `model` and `provider/model`. Both
     * NULL: everything; one of them: nothing else. */
    char **routes, **models;
    gboolean admin;
};

struct config_route {
    char *name;
    struct config_node *root;
    GPtrArray *filters; /* of struct config_filter */
    gboolean strict_loss;
    gboolean opaque_strip;             /* opaque: strip */
    guint targets;                     /* that it leads to, as often as they are reached */
    enum config_mid_stream mid_stream; /* not said: splice, if there is more than one target */
    struct config_timeouts timeouts;   /* over the providers' where not 0 */
    struct config_budget budget;
    gint priority; /* in the wait queue, of tenants without one of their own; higher is first */
    char *where;
};

enum config_log_target { CONFIG_LOG_STDERR, CONFIG_LOG_FILE, CONFIG_LOG_OFF };

struct config {
    gint ref_count;
    struct plugin_registry *plugins;
    GString *snapshot;       /* the files as they were read, for config_source.snapshot */
    GPtrArray *files;        /* paths read, in order; empty: made from the environment */
    GPtrArray *listen;       /* "127.0.0.1:8080", "[::1]:8080", "unix:/path"; of strings */
    GPtrArray *admin_listen; /* likewise, for admin paths only */
    GPtrArray *keys;         /* of struct config_key, by digest; empty: nobody is asked for one */
    gboolean open;           /* auth: none */
    char **hosts, **origins; /* allowed ones, '*' stands for anything; NULL: none are named */
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
    guint connections;             /* per worker */
    guint shadows;                 /* copies of requests that may be under way, per worker */
    guint queue;                   /* exchanges that may wait for a target to recover */
    gint64 wait_us;                /* for how long at most */
    guint owners;                  /* values whose makers are remembered */
    gint64 owner_us;               /* for how long */
    struct target_breaker breaker; /* for providers that say nothing else */
    struct config_budget budget;   /* likewise for routes, and where there is none */
    GPtrArray *tenants;            /* of struct config_tenant */
    /* log: */
    enum config_log_target access_log;
    char *access_file;
    char *decisions_file;    /* log.decisions; NULL: off */
    gboolean decisions_text; /* ... with the text that strategies saw */
    char *log_levels;        /* "info", "info,plugin=debug" */
    /* Dialects: name -> JSON options, for every dialect part in the registry. */
    GHashTable *dialect_options;
    GHashTable *tag_headers;  /* header (lower case) -> tag name, shown to strategies */
    char *tenant_header;      /* NULL: none */
    GPtrArray *catalogues;    /* of struct catalogue: weir's own, then the file's */
    char *catalogue_file;     /* NULL: none */
    gint64 models_refresh_us; /* how often providers are asked for their models; 0: never */
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

/* The budget of an exchange on a route (NULL: on none), with defaults. Money 0: no limit. */
struct config_budget config_budget_of(const struct config *c, const struct config_route *route);
const struct config_provider *config_find_provider(const struct config *c, const char *name);
const struct config_route *config_find_route(const struct config *c, const char *name);

/* What the catalogues and the configuration know of a provider's model, without `text`. NULL:
 * nothing. Free with catalogue_record_free(). */
struct catalogue_record *config_known(const struct config *c, const struct config_provider *p,
                                      weir_str model);

/* The nearest of `names` (NULL-terminated) to `word`, or NULL if none is near. */
const char *config_nearest(const char *word, const char *const *names);

/* The time limits of a model beyond those of its provider; NULL: it has none. */
const struct config_timeouts *config_model_timeouts(const struct config_provider *p,
                                                    weir_str model);

/* An address to listen on in full: "8080", ":8080", "localhost:8080", "[::1]:8080", "unix:/path".
 * NULL if it is none. Free with g_free(). */
char *config_listen_address(const char *text);

/* The SHA-256 of a key. */
void config_key_digest(const char *key, guint8 digest[CONFIG_DIGEST]);

/* [any] The key with that hash, compared in constant time; NULL: there is none. */
const struct config_key *config_find_key(const struct config *c,
                                         const guint8 digest[CONFIG_DIGEST]);

/* Whether a listening address, in full, can be reached from other machines. */
gboolean config_address_exposed(const char *address);

/* Why that address may not be listened on with this configuration, for a person; NULL: it may. Free
 * with g_free(). */
char *config_exposed(const struct config *c, const char *address);

/* What `weir init` writes; config_load() accepts it. `env` decides which providers are on. */
char *config_template(char **env);

/* Where a configuration is looked for when none is named: ./weir.yaml, then the user's, then
 * /etc/weir/weir.yaml. NULL: there is none. */
char *config_find_file(void);

/* The configuration in force as JSON text, for a person: defaults filled in, every secret replaced
 * by "(secret)". Free with g_free(). */
char *config_dump(const struct config *c);
