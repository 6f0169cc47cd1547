/*
 * cli.h - the commands of `weir`. Each takes its own arguments and returns an exit code.
 *
 * Exit codes: 0 done; 1 it did not work; 64 wrong usage; 69 something it needs is not there
 * (EX_UNAVAILABLE); 70 a defect; 78 the configuration is wrong (EX_CONFIG).
 */
#pragma once

#include "config/config.h"

#include <sysexits.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
};

int cli_serve(int argc, char **argv);
int cli_worker(int argc, char **argv); /* started by the supervisor, not by people */
int cli_chat(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_init(int argc, char **argv);
int cli_key(int argc, char **argv);
int cli_models(int argc, char **argv);
int cli_plugins(int argc, char **argv);
int cli_routes(int argc, char **argv);
int cli_simulate(int argc, char **argv);

/* Options every command knows, and how it reads them. */
struct cli_common {
    char *config_path; /* -c */
    char *log;         /* --log */
};

/*
 * Parses `entries` (may be NULL) and the common options. False: `*code` is the exit code (--help
 * was answered, or the usage was wrong and has been explained).
 */
bool cli_parse(int *argc, char ***argv, const char *usage, const char *summary,
               const GOptionEntry *entries, struct cli_common *common, int *code);

/* Whether arguments are left after the first `known` (the command's name counts); then it said so.
 */
bool cli_left_over(int argc, char **argv, int known);

/*
 * The configuration that the options mean: the file named, else the one found, else the
 * environment. `*told` (may be NULL) gets sentences for a person. NULL: it was explained on stderr.
 */
struct config *cli_config(const struct cli_common *common, char **told);

/* Writes "weir: ..." to stderr. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
