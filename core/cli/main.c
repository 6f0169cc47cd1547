/*
 * main.c - the command line: finds the command and runs it.
 */
#include "cli/cli.h"
#include "cli/program.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    { "serve", cli_serve, "run the gateway" },
    { "chat", cli_chat, "ask a question, without a server" },
    { "check", cli_check, "validate a configuration without starting anything" },
    { "explain", cli_explain, "show how a request would be routed, and why" },
    { "init", cli_init, "write a commented configuration to start from" },
    { "key", cli_key, "make a key for applications, or hash one" },
    { "models", cli_models, "list the models that the providers offer" },
    { "plugins", cli_plugins, "list plugin files, or show one, without running it" },
    { "routes", cli_routes, "draw the route trees" },
    { "simulate", cli_simulate, "decide recorded requests again, by another configuration" },
    { "worker", cli_worker, NULL },
};

void cli_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("weir: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void print_help(FILE *out)
{
    fputs("usage: weir COMMAND [options]\n\n"
          "Puts any application in front of any large-language-model provider.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].help)
            fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
    }
    fputs("\n`weir COMMAND --help` explains one. `weir --version` prints the version.\n"
          "Start with `weir serve`: without a configuration it uses the provider keys in the\n"
          "environment, a local Ollama, or the simulator, and says which.\n",
          out);
}

bool cli_parse(int *argc, char ***argv, const char *usage, const char *summary,
               const GOptionEntry *entries, struct cli_common *common, int *code)
{
    GOptionEntry shared[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &common->config_path,
          "configuration file (default: ./weir.yaml, the user's, /etc/weir/weir.yaml)", "FILE" },
        { "log", 0, 0, G_OPTION_ARG_STRING, &common->log,
          "log levels by topic: debug, info, warning, error; \"info,plugin=debug\"", "LEVELS" },
        G_OPTION_ENTRY_NULL,
    };
    static char *options[2]
        __attribute__((used)); /* they live as long as the process, and can be found there */
    GOptionContext *context = g_option_context_new(usage);
    g_autoptr(GError) error = NULL;
    bool ok;

    g_option_context_set_summary(context, summary);
    for (const GOptionEntry *e = entries; e && e->long_name; e++) {
        if (strcmp(e->long_name, "log") == 0) /* the command's own, another thing */
            shared[1].long_name = NULL;
    }
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, shared, NULL);
    ok = g_option_context_parse(context, argc, argv, &error);
    g_option_context_free(context);
    if (ok) {
        options[0] = common->config_path;
        options[1] = common->log;
        return true;
    }
    cli_error("%s; see --help", error->message);
    *code = EX_USAGE;
    return false;
}

bool cli_left_over(int argc, char **argv, int known)
{
    if (argc <= known)
        return false;
    cli_error("there is no use for '%s' here; see --help", argv[known]);
    return true;
}

struct config *cli_config(const struct cli_common *common, char **told)
{
    g_autofree char *found = common->config_path ? NULL : config_find_file();
    struct config_source source = { .path = common->config_path ? common->config_path : found };
    g_autoptr(GError) error = NULL;
    struct config *config = source.path ? config_load(&source, NULL, &error)
                                        : config_from_environment(NULL, NULL, told, &error);

    if (!config)
        fprintf(stderr, "%s\n", error->message);
    return config;
}

static void unknown_command(const char *name)
{
    const char *names[G_N_ELEMENTS(commands) + 1] = { NULL };
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].help)
            names[n++] = commands[i].name;
    }
    near = config_nearest(name, names);
    cli_error("there is no command '%s'%s%s%s; see weir --help", name,
              near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int weir_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";

    setlocale(LC_ALL, "");
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        puts("weir " WEIR_VERSION
             " (plugin ABI " WEIR_STRING(WEIR_ABI_MAJOR) "." WEIR_STRING(WEIR_ABI_MINOR) ")");
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return argc > 1 ? 0 : EX_USAGE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        g_autofree char *title = g_strdup_printf("weir %s", name);
        g_set_prgname(title);
        return commands[i].run(argc - 1, argv + 1);
    }
    unknown_command(name);
    return EX_USAGE;
}
