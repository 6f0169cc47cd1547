/*
 * ollama-read.h - for tests of the dialect ollama: a request read and translated, with all that it
 * said.
 */
#pragma once

#include "told.h"

void told_release(void *cfg);

/* Reads, and translates if it was not refused or answered. `method` NULL: POST. A body that is JSON
 * comes scanned, as for chat. */
void told_read(struct told *t, void *cfg, const char *method, const char *path, const char *body);
