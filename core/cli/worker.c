/*
 * worker.c - `weir worker`: the process that serves. Started by the supervisor.
 *
 * The main thread is the control thread: a GLib main loop for signals and reloads. The work is done
 * by the engine's own threads.
 */
#include "base/crash.h"
#include "base/crumb.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/lastgood.h"
#include "cli/listen.h"
#include "cli/watch.h"
#include "gateway/gateway.h"
#include "transport/upstream.h"

#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct service {
    struct cli_common common;
    gboolean from_environment;
    struct engine *engine;
    struct gateway *gateway;
    const GArray *sockets;
    guint admin_sockets; /* the last of them */
    GMainLoop *main_loop;
    struct watch *watch;
    struct crumb_page *crumbs;
    gboolean stopping;
};

static struct config *load(const struct service *s, GError **error)
{
    const struct config_source source = { .path = s->common.config_path };
    struct plugin_registry *previous = s->engine ? s->engine->config->plugins : NULL;

    if (s->from_environment)
        return config_from_environment(NULL, previous, NULL, error);
    return config_load(&source, previous, error);
}

static void set_log(const struct service *s, const struct config *config)
{
    const char *levels = s->common.log ? s->common.log : config->log_levels;

    if (levels && !log_setup(levels))
        log_write(LOG_LEVEL_WARNING, "config", "log levels \"%s\" are not valid", levels);
}

/* The sockets stay as they were opened: a configuration without keys may not lay them open. */
static bool may_serve(const struct service *s, const struct config *config, GError **error)
{
    for (guint i = 0; i < s->sockets->len; i++) {
        g_autofree char *address = listen_address(g_array_index(s->sockets, int, i));
        g_autofree char *fault = config_exposed(config, address);

        if (!fault)
            continue;
        g_set_error_literal(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, fault);
        return false;
    }
    return true;
}

/* NULL: it is in force; else why not, to be freed. */
static char *reload(void *ctx)
{
    struct service *s = ctx;
    g_autoptr(GError) error = NULL;
    struct config *config = load(s, &error);

    if (config && may_serve(s, config, &error) && engine_switch(s->engine, config, &error)) {
        set_log(s, config);
        lastgood_keep(config);
        s->crumbs->generation++;
        log_write(LOG_LEVEL_INFO, "config", "reloaded: generation %u",
                  s->engine->generation->number);
    } else {
        log_write(LOG_LEVEL_ERROR, "config", "not reloaded, the old configuration stays: %s",
                  error->message);
    }
    if (config)
        config_unref(config);
    watch_config(s->watch, s->engine->config);
    return error ? g_strdup_printf("not reloaded, the old configuration stays: %s", error->message)
                 : NULL;
}

static gboolean on_reload(gpointer data)
{
    g_free(reload(data));
    return G_SOURCE_CONTINUE;
}

static void on_change(void *ctx)
{
    g_free(reload(ctx));
}

static gboolean quit(gpointer data)
{
    struct service *s = data;

    g_main_loop_quit(s->main_loop);
    return G_SOURCE_REMOVE;
}

static void on_drained(void *ctx)
{
    g_idle_add(quit, ctx);
}

static gboolean on_drain_over(gpointer data)
{
    log_write(LOG_LEVEL_WARNING, "gateway", "the drain time is over; ending what still runs");
    return quit(data);
}

static gboolean on_stop(gpointer data)
{
    struct service *s = data;

    if (s->stopping)
        return G_SOURCE_CONTINUE;
    s->stopping = TRUE;
    log_write(LOG_LEVEL_INFO, "gateway", "draining");
    gateway_drain(s->gateway, on_drained, s);
    g_timeout_add((guint)(s->engine->config->drain_us / 1000), on_drain_over, s);
    return G_SOURCE_CONTINUE;
}

/* Every connection takes a descriptor, with TLS upstream three. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* After a crash, a broken file must not keep the worker down. */
static struct config *load_kept(GError **error)
{
    struct config_source source = { .path = NULL };
    g_autofree char *kept = lastgood_read(&source.snapshot_len);
    struct config *config;

    if (!kept)
        return NULL;
    source.snapshot = kept;
    config = config_load(&source, NULL, NULL);
    if (config)
        log_write(LOG_LEVEL_ERROR, "config",
                  "the last good configuration is served, because the one on disk is not: %s",
                  (*error)->message);
    if (config)
        g_clear_error(error);
    return config;
}

/* Makes the engine; what it could be made of is kept. Takes `config`, which may be NULL. */
static bool make_engine(struct service *s, struct config *config, guint workers, GError **error)
{
    if (!config)
        return false;
    if (!may_serve(s, config, error)) {
        config_unref(config);
        return false;
    }
    set_log(s, config);
    s->engine = engine_new(config, workers ? workers : config->workers, error);
    if (s->engine)
        lastgood_keep(config);
    config_unref(config);
    return s->engine != NULL;
}

/* Bodies come and go: memory that is freed is kept for the next one instead of being given back and
 * faulted in again, within bounds. */
static void set_allocator(void)
{
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    mallopt(M_TOP_PAD, 256 << 10);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

static int run(struct service *s, guint workers)
{
    g_autoptr(GError) error = NULL;

    if (!make_engine(s, load(s, &error), workers, &error) &&
        !make_engine(s, load_kept(&error), workers, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return EX_CONFIG;
    }
    s->main_loop = g_main_loop_new(NULL, FALSE);
    s->gateway = gateway_new(s->engine, (const int *)(const void *)s->sockets->data,
                             s->sockets->len, s->admin_sockets);
    gateway_on_reload(s->gateway, reload, s);
    g_unix_signal_add(SIGHUP, on_reload, s);
    g_unix_signal_add(SIGTERM, on_stop, s);
    g_unix_signal_add(SIGINT, on_stop, s);
    s->watch = watch_new(on_change, s);
    watch_config(s->watch, s->engine->config);
    engine_list_models(s->engine);
    gateway_start(s->gateway);
    s->crumbs->ready = 1;
    g_main_loop_run(s->main_loop);
    watch_free(s->watch);
    engine_stop(s->engine);
    gateway_free(s->gateway);
    engine_free(s->engine);
    g_main_loop_unref(s->main_loop);
    return 0;
}

int cli_worker(int argc, char **argv)
{
    struct service s = { 0 };
    gint workers = 0;
    const GOptionEntry entries[] = {
        { "workers", 0, 0, G_OPTION_ARG_INT, &workers, NULL, NULL },
        { "admin-sockets", 0, 0, G_OPTION_ARG_INT, &s.admin_sockets, NULL, NULL },
        { "environment", 0, 0, G_OPTION_ARG_NONE, &s.from_environment, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GArray) sockets = listen_inherited();
    int code;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker without its supervisor */
    signal(SIGPIPE, SIG_IGN);
    if (!cli_parse(&argc, &argv, "- serve (started by weir-supervisor)", NULL, entries, &s.common,
                   &code))
        return code;
    if (!sockets->len) {
        cli_error("no listening sockets were handed over; run `weir serve`");
        return EX_USAGE;
    }
    s.crumbs = crumb_open();
    crumb_thread();
    crumb_crash_handler_install();
    raise_limits();
    set_allocator();
    if (!up_global_init()) {
        cli_error("libcurl cannot be set up");
        return EX_UNAVAILABLE;
    }
    s.sockets = sockets;
    return run(&s, (guint)workers);
}
