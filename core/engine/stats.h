/*
 * stats.h - the counters behind /metrics, kept per worker and added up when somebody looks.
 */
#pragma once

#include <glib.h>

struct stats;
struct exchange;
struct worker;

struct stats *stats_new(void);
void stats_free(struct stats *stats);

/* Counts a finished exchange and its attempts. */
void stats_exchange(struct stats *stats, struct exchange *e);

/* Counts a copy of its request that was not sent. */
void stats_no_shadow(struct stats *stats, const struct exchange *e);

/* [safe] Prometheus text of all workers' counters together. */
char *stats_text(struct worker *const *workers, guint count);
