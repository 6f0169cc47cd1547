/*
 * serve.c - `weir serve`: checks the configuration, binds the sockets, says where it is, and
 * becomes the supervisor.
 */
#include "base/crumb.h"
#include "cli/cli.h"
#include "cli/lastgood.h"
#include "cli/listen.h"
#include "engine/generation.h"
#include "plugin/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A model that a first request can name. */
static char *first_model(const struct config *config)
{
    const struct config_provider *p;

    if (config->default_route)
        return g_strdup("default");
    if (config->routes->len)
        return g_strdup(((struct config_route *)g_ptr_array_index(config->routes, 0))->name);
    if (!config->providers->len)
        return g_strdup("MODEL");
    p = g_ptr_array_index(config->providers, 0);
    if (p->default_model)
        return g_strdup_printf("%s/%s", p->name, p->default_model);
    if (p->models->len && !strchr(g_ptr_array_index(p->models, 0), '*'))
        return g_strdup_printf("%s/%s", p->name, (char *)g_ptr_array_index(p->models, 0));
    return g_strdup_printf("%s/%s", p->name, "MODEL");
}

/* What a person needs to know to make a first request. */
static void announce(const struct config *config, const GPtrArray *urls,
                     const GPtrArray *admin_urls, const char *told)
{
    const char *url = g_ptr_array_index(urls, 0);
    g_autofree char *model = first_model(config);

    if (told)
        fputs(told, stdout);
    for (guint i = 0; i < urls->len; i++)
        printf("listening on %s\n", (char *)g_ptr_array_index(urls, i));
    for (guint i = 0; i < admin_urls->len; i++)
        printf("admin paths on %s\n", (char *)g_ptr_array_index(admin_urls, i));
    if (config->keys->len)
        printf("keys: %u\n", config->keys->len);
    printf("providers:");
    for (guint i = 0; i < config->providers->len; i++) {
        const struct config_provider *p = g_ptr_array_index(config->providers, i);

        printf("%s %s (%s)", i ? "," : "", p->name, p->part->name);
    }
    printf("\n\nTry:\n  curl %s/v1/chat/completions -H 'content-type: application/json' %s\\\n"
           "    -d '{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}'\n"
           "  export OPENAI_BASE_URL=%s/v1 OPENAI_API_KEY=%s\n\n",
           url, config->keys->len ? "-H 'authorization: Bearer KEY' " : "", model, url,
           config->keys->len ? "KEY" : "unused");
    fflush(stdout);
}

/* Those that the configuration does not let be open to everybody. */
static gboolean may_listen(const struct config *config)
{
    for (guint i = 0; i < config->listen->len; i++) {
        g_autofree char *fault = config_exposed(config, g_ptr_array_index(config->listen, i));

        if (fault) {
            cli_error("--listen %s", fault);
            return FALSE;
        }
    }
    return TRUE;
}

static char *join_fds(const GArray *sockets)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < sockets->len; i++)
        g_string_append_printf(list, "%s%d", i ? "," : "", g_array_index(sockets, int, i));
    return g_string_free(list, FALSE);
}

static char *own_program(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    return n > 0 ? g_strndup(path, (gsize)n) : g_strdup("weir");
}

static int make_crumbs(void)
{
    int fd = memfd_create("weir-crumbs", 0);

    if (fd >= 0 && ftruncate(fd, sizeof(struct crumb_page)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Whoever reads the announcement may send a signal at once. Blocked, it waits until the supervisor
 * takes it: the mask and what is pending outlive exec. */
static void hold_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Replaces this process. Returns only on failure. */
static int become_supervisor(const struct config *config, const struct cli_common *common,
                             const GArray *sockets, guint admin_count, guint workers)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *supervisor = program_find("weir-supervisor", &error);
    g_autofree char *program = own_program();
    g_autofree char *fds = join_fds(sockets);
    g_autofree char *crumbs = g_strdup_printf("%d", make_crumbs());
    g_autofree char *drain =
        g_strdup_printf("%" G_GINT64_FORMAT, (config->drain_us + 999999) / 1000000);
    g_autofree char *count = g_strdup_printf("%u", workers);
    g_autofree char *admin = g_strdup_printf("%u", admin_count);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    const char *fixed[] = { supervisor,   "--program", program,           "--listen-fds", fds,
                            "--crumb-fd", crumbs,      "--drain-seconds", drain,          "--",
                            "--workers",  count,       "--admin-sockets", admin };

    if (!supervisor) {
        cli_error("%s", error->message);
        return EX_UNAVAILABLE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
        g_ptr_array_add(argv, (gpointer)fixed[i]);
    if (config->files->len) {
        g_ptr_array_add(argv, (gpointer) "-c");
        g_ptr_array_add(argv, g_ptr_array_index(config->files, 0));
    } else {
        g_ptr_array_add(argv, (gpointer) "--environment");
    }
    if (common->log) {
        g_ptr_array_add(argv, (gpointer) "--log");
        g_ptr_array_add(argv, common->log);
    }
    g_ptr_array_add(argv, NULL);
    execv(supervisor, (char **)argv->pdata);
    cli_error("cannot run %s: %s", supervisor, g_strerror(errno));
    return EX_UNAVAILABLE;
}

/* The addresses of the command line take the place of the configuration's. */
static gboolean use_addresses(struct config *config, char **addresses)
{
    g_ptr_array_set_size(config->listen, 0);
    for (char **a = addresses; *a; a++) {
        char *address = config_listen_address(*a);

        if (!address) {
            cli_error("--listen must be an address such as 127.0.0.1:8080, [::1]:8080 or "
                      "unix:/run/weir.sock, not '%s'",
                      *a);
            return FALSE;
        }
        g_ptr_array_add(config->listen, address);
    }
    return TRUE;
}

int cli_serve(int argc, char **argv)
{
    struct cli_common common = { 0 };
    g_auto(GStrv) listen = NULL;
    gint workers = -1;
    const GOptionEntry entries[] = {
        { "listen", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &listen,
          "address instead of the configuration's: 127.0.0.1:8080, [::1]:8080, unix:/path",
          "ADDRESS" },
        { "workers", 'w', 0, G_OPTION_ARG_INT, &workers,
          "threads that serve, 1 to 64 (default: cores)", "N" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GArray) sockets = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) urls = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) admin_urls = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autofree char *told = NULL;
    g_autoptr(config_t) config = NULL;
    struct generation *generation;
    guint admin_count;
    int code;

    if (!cli_parse(&argc, &argv, "- run the gateway",
                   "Serves until it is told to stop (SIGTERM, Ctrl-C). SIGHUP reloads the "
                   "configuration and the plugins.",
                   entries, &common, &code))
        return code;
    if (cli_left_over(argc, argv, 1))
        return EX_USAGE;
    if (workers != -1 && (workers < 1 || workers > 64)) {
        cli_error("--workers must be an integer from 1 to 64, not %d", workers);
        return EX_USAGE;
    }
    config = cli_config(&common, &told);
    if (!config)
        return EX_CONFIG;
    generation = generation_new(config, &error); /* the plugins have their say too */
    if (!generation) {
        fprintf(stderr, "%s\n", error->message);
        return EX_CONFIG;
    }
    generation_unref(generation);
    if (listen && !use_addresses(config, listen))
        return EX_USAGE;
    if (!may_listen(config))
        return EX_CONFIG;
    if (workers == -1)
        workers = (gint)config->workers;
    admin_count = 0;
    if (listen_bind(config->listen, (guint)workers, sockets, urls, &error)) {
        admin_count = sockets->len;
        listen_bind(config->admin_listen, 1, sockets, admin_urls, &error);
        admin_count = sockets->len - admin_count;
    }
    if (error) {
        cli_error("%s", error->message);
        return EX_UNAVAILABLE;
    }
    lastgood_make();
    hold_signals();
    announce(config, urls, admin_urls, told);
    return become_supervisor(config, &common, sockets, admin_count, (guint)workers);
}
