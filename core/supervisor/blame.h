/*
 * blame.h - which plugin a worker died of, and which plugins have been at it too often.
 *
 * Reads the crumb page after the worker is gone. The page was written by a process that crashed:
 * nothing in it is trusted to be in range or terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crumb.h"

enum {
    BLAME_TIMES = 3,                /* so many crashes ... */
    BLAME_WITHIN_US = 60 * 1000000, /* ... in this time mean quarantine */
};

/* Whether some thread of the worker was inside a plugin when it ended. */
bool blame_any(const struct crumb_page *page);

/*
 * Writes " in plugin ID (FILE)" for each plugin that may have been at fault into `text`, " outside
 * any plugin" if there is none, and, if `counts`, notes their crashes at time `now`. True if one
 * of them is now in quarantine that was not; that is logged.
 */
bool blame_crash(const struct crumb_page *page, bool counts, int64_t now, char *text, size_t size);

/* The sha256 of everything in quarantine, divided by ':'; "" if there is nothing. */
const char *blame_quarantined(void);

/* Forgets what the last worker left in the page, before the next one starts. */
void blame_clear(struct crumb_page *page);
