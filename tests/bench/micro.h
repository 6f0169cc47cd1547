/*
 * micro.h - what the micro benchmarks share: time, memory, a host for parts out of plugin files.
 *
 * Each program prints lines of name, value and unit with tabs between them.
 */
#pragma once

#include <stdbool.h>
#include <weir/plugin.h>

/* Seconds of CPU time of this thread: others on the machine do not count. */
double micro_seconds(void);
void micro_report(const char *name, double value, const char *unit);

/* Calls `body` for a while; the best round's time for one call, in ns. */
double micro_ns(void (*body)(void *ctx), void *ctx);

/* An arena that starts again after micro_arena_reset(), behind what micro_arena_keep() kept. */
extern const weir_arena micro_arena;
void micro_arena_reset(void);
void micro_arena_keep(void);

/* Scans in the arena; ends the program if it is not JSON. */
weir_json micro_scan(weir_str text);

/* Offers weir.json/1. */
extern const weir_host micro_host;

/* The part of that face in a plugin file; ends the program if there is none. */
const void *micro_part(const char *directory, const char *plugin, const char *face);
