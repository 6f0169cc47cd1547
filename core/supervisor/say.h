/*
 * say.h - the supervisor's log: whole lines on stderr, and the clock it keeps time by.
 */
#pragma once

#include <stdint.h>

/* Writes one line, "weir-supervisor: " before and a newline behind it, in one write. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Monotonic microseconds. */
int64_t now_us(void);
