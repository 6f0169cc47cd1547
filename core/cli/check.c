/*
 * check.c - `weir check`: everything that can be wrong with a configuration, without starting.
 */
#include "cli/cli.h"
#include "engine/generation.h"

#include <stdio.h>

static void print_summary(const struct config *config)
{
    const char *name = config->files->len ? g_ptr_array_index(config->files, 0) : "environment";

    printf("%s: good. %u provider%s, %u route%s, %u plugin file%s\n", name, config->providers->len,
           config->providers->len == 1 ? "" : "s", config->routes->len,
           config->routes->len == 1 ? "" : "s", config->plugins->files->len,
           config->plugins->files->len == 1 ? "" : "s");
}

int cli_check(int argc, char **argv)
{
    struct cli_common common = { 0 };
    gboolean print = FALSE;
    const GOptionEntry entries[] = {
        { "print", 'p', 0, G_OPTION_ARG_NONE, &print,
          "print the configuration as it is understood, secrets left out", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GError) error = NULL;
    struct generation *generation;
    struct config *config;
    int code;

    if (!cli_parse(&argc, &argv, "[FILE] - validate a configuration",
                   "Reads the file (and conf.d beside it), the plugins and their options. Exit "
                   "code 0: good; 78: it says what is wrong, where, and what to do.",
                   entries, &common, &code))
        return code;
    if (cli_left_over(argc, argv, common.config_path ? 1 : 2))
        return EX_USAGE;
    if (argc > 1)
        common.config_path = argv[1];
    config = cli_config(&common, NULL);
    if (!config)
        return EX_CONFIG;
    generation = generation_new(config, &error);
    if (!generation) {
        fprintf(stderr, "%s\n", error->message);
        config_unref(config);
        return EX_CONFIG;
    }
    if (print) {
        g_autofree char *text = config_dump(config);

        fputs(text, stdout);
    } else {
        print_summary(config);
    }
    generation_unref(generation);
    config_unref(config);
    return 0;
}
