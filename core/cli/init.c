/*
 * init.c - `weir init`: a commented configuration to start from.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_new(const char *path, const char *text, bool force)
{
    int fd = open(path, O_WRONLY | O_CREAT | (force ? O_TRUNC : O_EXCL) | O_CLOEXEC, 0640);
    size_t len = strlen(text);
    bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;

    if (fd >= 0 && close(fd) < 0)
        ok = false;
    if (ok)
        return true;
    if (errno == EEXIST)
        cli_error("%s is there already; name another file, or --force to replace it", path);
    else
        cli_error("cannot write %s: %s", path, strerror(errno));
    return false;
}

int cli_init(int argc, char **argv)
{
    struct cli_common common = { 0 };
    gboolean force = FALSE, to_stdout = FALSE;
    const GOptionEntry entries[] = {
        { "force", 'f', 0, G_OPTION_ARG_NONE, &force, "replace a file that is there", NULL },
        { "stdout", 0, 0, G_OPTION_ARG_NONE, &to_stdout, "print instead of writing a file", NULL },
        G_OPTION_ENTRY_NULL,
    };
    const char *path;
    g_autofree char *text = NULL;
    int code;

    if (!cli_parse(&argc, &argv, "[FILE] - write a configuration to start from",
                   "Writes ./weir.yaml unless another file is named. Providers whose keys are in "
                   "the environment are on, the others are there as comments.",
                   entries, &common, &code))
        return code;
    if (cli_left_over(argc, argv, 2))
        return EX_USAGE;
    path = argc > 1 ? argv[1] : common.config_path ? common.config_path : "weir.yaml";
    text = config_template(NULL);
    if (to_stdout || strcmp(path, "-") == 0) {
        fputs(text, stdout);
        return 0;
    }
    if (!write_new(path, text, force))
        return 1;
    printf("wrote %s\nNext: weir check %s && weir serve -c %s\n", path, path, path);
    return 0;
}
