/*
 * access.h - the access log: one JSON line a request.
 */
#pragma once

#include "config/config.h"
#include "transport/loop.h"

#include <weir/base.h>

struct access_log;
struct exchange;

struct access_log *access_log_new(struct loop *loop);
void access_log_free(struct access_log *log);

/* Where lines go from now on. The file is opened again, so that a reload follows a rotation. */
void access_log_target(struct access_log *log, enum config_log_target target, const char *path);

/* Adds a line of any kind, without its line break; dropped if the file cannot be written. */
void access_log_line(struct access_log *log, weir_str text);

/* Writes the line of a finished exchange. To a file, those that come close together are written
 * together, a tenth of a second later at most; a crash of the worker does not lose them. */
void access_log_exchange(struct access_log *log, struct exchange *e);
