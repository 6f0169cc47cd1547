/*
 * worker.h - the worker process: how it is started and what it is told.
 */
#pragma once

#include <sys/types.h>

#include "supervisor/options.h"

/*
 * Starts `program worker ARGS...`, restart number `restarts`. It finds in its environment
 *   WEIR_LISTEN_FDS   "3,4": sockets that already listen
 *   WEIR_CRUMB_FD     the page of base/crumb.h
 *   WEIR_QUARANTINED  sha256 of files that must not be loaded, divided by ':'
 *   WEIR_RESTARTS     how many workers there were before it
 * and has no signal blocked. SIGHUP, SIGUSR1 and SIGUSR2 are ignored until it sets handlers; SIGINT
 * is ignored and should stay so: a terminal sends it to us both, and we answer it. It is up to the
 * worker to set PR_SET_PDEATHSIG, first thing, so that it ends if the supervisor is killed:
 * posix_spawn cannot.
 *
 * Returns its pid, or -1 after saying why not.
 */
pid_t worker_start(const struct options *o, int crumb_fd, const char *quarantined,
                   unsigned restarts);
