/*
 * clock.h - a monotonic clock that goes on only when a test says so. It takes the place of the C
 * library's for the whole program, so loops and timers run on it.
 */
#pragma once

#include <stdint.h>

/* Moves the clock on by `us` microseconds. */
void clock_pass(int64_t us);

/* What the clock shows. */
int64_t clock_now(void);
