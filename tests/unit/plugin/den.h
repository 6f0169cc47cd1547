/*
 * den.h - a directory of its own for a test, with copies of plugins of the zoo in it, and the
 * program that tries them.
 */
#pragma once

#include <glib.h>
#include <plugin/registry.h>

struct den {
    char *root;    /* of everything below */
    char *plugins; /* the search path */
};

/* g_test fixture functions. */
void den_setup(struct den *d, gconstpointer unused);
void den_teardown(struct den *d, gconstpointer unused);

/* Removes a file, or a directory with all that is in it. */
void den_remove(const char *path);

/* Copies NAME.so of the zoo to plugins/AS.so; returns its path. */
char *den_copy(const struct den *d, const char *name, const char *as);
/* The same into any directory. */
char *den_copy_to(const char *directory, const char *name, const char *as);

/* Scans the den's directory. */
struct plugin_registry *den_scan(const struct den *d, struct plugin_registry *previous);

/* The record of plugins/AS.so, which must be there. */
const struct plugin_file *den_file(const struct plugin_registry *r, const char *as);

/* The value of a plugin's counter; 0 if there is none. */
guint64 den_counter(const char *plugin, const char *name);

/* Between the two, what is written to standard error goes to a file; its text is returned. */
void den_listen(const struct den *d);
char *den_heard(const struct den *d);
