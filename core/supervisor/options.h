/*
 * options.h - the command line of weir-supervisor. `weir serve` writes it, people seldom do.
 */
#pragma once

#include <stdbool.h>

struct options {
    const char *program;    /* what the worker is an image of */
    const char *listen_fds; /* "3,4": inherited by the worker; "" if there are none */
    int crumb_fd;           /* -1: make a page of our own */
    int drain_seconds;
    char **args;          /* for the worker, NULL-terminated */
    const char *try_file; /* not NULL: only try this plugin */
    bool help;
};

extern const char options_usage[];

/* Reads argv into `*o`; says what is wrong and returns false if it is not valid. */
bool options_read(struct options *o, int argc, char **argv) __attribute__((warn_unused_result));
