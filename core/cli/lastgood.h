/*
 * lastgood.h - the last configuration that was good, kept where a crash of the worker cannot take
 * it.
 *
 * What was accepted is served on: a worker that is started again while a broken file lies on the
 * disk reads this instead. It is a memory file made by `weir serve` and inherited from then on.
 */
#pragma once

#include "config/config.h"

/* In `weir serve`: makes the file and names it in the environment. */
void lastgood_make(void);

/* In the worker: keeps what `config` was read from. */
void lastgood_keep(const struct config *config);

/* In a worker that was started again: what was kept, or NULL. Free with g_free(). */
char *lastgood_read(gsize *len);
