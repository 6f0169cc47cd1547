/*
 * try.h - the trial of a plugin, from inside the process that may die of it.
 *
 * Linked into weir-supervisor, which runs it for `--try FILE`. Libc only.
 */
#pragma once

/*
 * Loads and initialises the plugin and ends the process: with status 0 after writing "ok" to
 * descriptor 3, with 1 after writing a reason there. Whatever else becomes of the process is the
 * plugin's doing, and the parent sees it. The result is there so that main() can return it.
 */
int plugin_try_main(const char *path);
