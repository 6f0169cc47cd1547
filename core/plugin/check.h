/*
 * check.h - whether a loaded object is a plugin that this host can speak to.
 *
 * Libc only: the trial program (try.c) asks the same questions as the host, so that a file is
 * refused for the same reason in both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <weir/plugin.h>

/* Bytes for a reason, its NUL included. */
enum { PLUGIN_WHY = 400 };

/* Bytes of a struct up to and with one of its members. */
#define PLUGIN_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Each gives false and the reason if the answer is no. */
bool plugin_check_abi(unsigned major, unsigned minor, unsigned minor_min, char why[PLUGIN_WHY]);
bool plugin_check_service(const char *id, char why[PLUGIN_WHY]);

/* Whether the bytes of a plugin's struct behind what we know are all zero: anything else is
 * something newer that we would silently leave out. */
bool plugin_check_tail(const void *object, size_t size, size_t known);

/* Finds the plugin in what dlopen() returned and checks all that its head says, functions and parts
 * not yet. NULL with the reason. */
const weir_plugin *plugin_check_symbol(void *handle, char why[PLUGIN_WHY]);
