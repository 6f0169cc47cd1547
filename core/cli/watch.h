/*
 * watch.h - notices that a file of the configuration or a plugin directory changed.
 */
#pragma once

#include "config/config.h"

struct watch;

/* Calls `changed` on the main context's thread, once things have been quiet for a moment. NULL: the
 * system has no inotify to give; SIGHUP still reloads. */
struct watch *watch_new(void (*changed)(void *ctx), void *ctx);
void watch_free(struct watch *w);

/* Watches what this configuration was read from, instead of what was watched before. */
void watch_config(struct watch *w, const struct config *config);
