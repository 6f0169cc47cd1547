/*
 * prometheus.h - the counters as Prometheus text (exposition format 0.0.4).
 *
 * Names follow OpenTelemetry's GenAI conventions where they have one (weir_gen_ai_*), else weir_*.
 */
#pragma once

#include <glib.h>

enum stats_kind {
    STATS_REQUESTS,        /* a: route, b: dialect, n: op << 16 | status */
    STATS_FAILURES,        /* a: route, n: class */
    STATS_SECONDS,         /* a: route, b: dialect, n: op; histogram */
    STATS_SHADOWS,         /* a: route, n: class, STATS_NOT_SENT */
    STATS_ATTEMPTS,        /* a: target, n: class */
    STATS_TOKENS,          /* a: target, n: kind of token */
    STATS_ATTEMPT_SECONDS, /* a: target; histogram, successes */
    STATS_TTFT,            /* a: target; histogram */
    STATS_TPOT,            /* a: target; histogram */
};

enum { STATS_BUCKETS = 14, STATS_TOKEN_KINDS = 5, STATS_NOT_SENT = 0xffff };

/* Upper bounds in seconds. */
extern const double stats_bounds[STATS_BUCKETS];

/* One time series. Names are interned. */
struct stats_row {
    enum stats_kind kind;
    const char *a;
    const char *b;
    guint32 n;
    guint64 count;
    double sum;
    guint64 bucket[STATS_BUCKETS + 1];
};

/* `rows` is a set of struct stats_row. Free with g_free(). */
char *prometheus_text(GHashTable *rows, guint inflight, guint waiting);
