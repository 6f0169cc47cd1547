/*
 * log.h - the log for people: one line per message on standard error.
 *
 *   2026-11-23T01:02:03.456Z warning plugin: text
 *
 * Every line is one write(2), so lines of threads and processes do not mix. Libc only, because the
 * supervisor may use it. No secret and no application's text belongs in here.
 */
#pragma once

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_NONE, /* only in a specification: writes nothing */
};

/*
 * Sets what is written: a level for everything, then levels by topic: "info,plugin=debug". Without
 * a call it is "info". False: the specification is not valid, and what was set before stays. One
 * thread at a time; others may be writing meanwhile.
 */
bool log_setup(const char *spec) __attribute__((warn_unused_result));

/* [safe] Whether a message of that level would be written; saves the work of making it. */
bool log_on(enum log_level level, const char *topic);

/*
 * [safe] Writes one line. Control characters in it become spaces; what passes 4 KiB is cut. Takes
 * no lock and keeps errno.
 */
void log_write(enum log_level level, const char *topic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
