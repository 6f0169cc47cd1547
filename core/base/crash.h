/*
 * crash.h - tells the supervisor which thread of the worker crashed, and of what.
 *
 * The crumbs of all threads stand in the shared page; without this the supervisor could not tell
 * the plugin that crashed from those that happened to run at the time.
 */
#pragma once

/*
 * [init] Once, in the worker: from now on SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP and
 * SIGSYS leave the thread's slot and their number in the crumb page before they take their course.
 * Includes crumb_crash_thread() for the calling thread.
 */
void crumb_crash_handler_install(void);

/*
 * What a crash must not lose: then, all that `*bytes` holds is written to `*fd`, if that is not
 * negative. Both stay the caller's, who takes them back before they go. There is room for few: what
 * finds none is not saved.
 */
struct buf;
void crash_save(const int *fd, const struct buf *bytes);
void crash_save_not(const struct buf *bytes);

/*
 * Gives the calling thread a stack of its own to crash on, so that an overflow of its normal stack
 * is told as well. For threads that have a crumb slot; they keep it until the process ends.
 */
void crumb_crash_thread(void);
