/*
 * worker.c - see worker.h.
 */
#include "supervisor/worker.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/say.h"

static void set_number(const char *name, unsigned value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    setenv(name, text, 1);
}

static char **worker_argv(const struct options *o)
{
    size_t count = 0;
    char **argv;

    while (o->args[count])
        count++;
    argv = calloc(count + 3, sizeof(*argv));
    if (!argv)
        return NULL;
    argv[0] = strdup(o->program);
    argv[1] = strdup("worker");
    memcpy(argv + 2, o->args, count * sizeof(*argv));
    return argv;
}

static void worker_argv_free(char **argv)
{
    if (!argv)
        return;
    free(argv[0]);
    free(argv[1]);
    free(argv);
}

pid_t worker_start(const struct options *o, int crumb_fd, const char *quarantined,
                   unsigned restarts)
{
    char **argv = worker_argv(o);
    posix_spawnattr_t attributes;
    sigset_t none, reset;
    pid_t pid;
    int error;

    setenv("WEIR_LISTEN_FDS", o->listen_fds, 1);
    set_number("WEIR_CRUMB_FD", (unsigned)crumb_fd);
    setenv("WEIR_QUARANTINED", quarantined, 1);
    set_number("WEIR_RESTARTS", restarts);

    sigemptyset(&none);
    sigfillset(&reset);
    sigdelset(&reset, SIGINT);
    sigdelset(&reset, SIGHUP);
    sigdelset(&reset, SIGUSR1);
    sigdelset(&reset, SIGUSR2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &reset);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = argv ? posix_spawn(&pid, o->program, NULL, &attributes, argv, environ) : ENOMEM;
    posix_spawnattr_destroy(&attributes);
    worker_argv_free(argv);
    if (error) {
        say("cannot start the worker %s: %s", o->program, strerror(error));
        return -1;
    }
    return pid;
}
