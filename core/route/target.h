/*
 * target.h - what is known about one target: health, cool-down, limits, how fast it is.
 *
 * Records belong to the process, not to a configuration: they outlive reloads, and all workers
 * share them. Counters and deadlines are atomics; the estimators change under a lock that is taken
 * once at the end of an attempt.
 */
#pragma once

#include "route/learned.h"
#include "route/limit.h"

#include <pthread.h>
#include <weir/strategy.h>

enum {
    TARGET_MAX = 4096,       /* records kept; names beyond that share their provider's record */
    TARGET_ASKED_MAX = 3072, /* of them, for names that applications ask for */
    TARGET_NUMBERS = TARGET_MAX + 1,
    TARGET_NAME_MAX = 256,
};

/* Stands for the model where a provider is asked for its list: how that fares says nothing about
 * the models, and the other way round. */
#define TARGET_LIST "(models)"

struct target_estimates {
    int64_t ttft_us; /* peak-EWMA; -1: nothing known */
    int64_t ttft_p95_us;
    int64_t tpot_ns;
    uint32_t samples;
    uint32_t error_ppm;
};

struct target {
    const char *name; /* "provider/model"; the same pointer for the same name */
    uint32_t number;  /* from 1, below TARGET_NUMBERS; 0: models of any name share the record */
    int64_t inflight; /* attempts running; atomic, like all up to the lock */
    int64_t inflight_tokens;
    int64_t cooldown_us;    /* not to be asked before this; only ever extended */
    int64_t open_us;        /* breaker: closed when 0, else open until this */
    int64_t probe_us;       /* half-open: when the probe in flight was claimed; 0: none is */
    uint32_t failures;      /* consecutive ones that say something about health */
    uint32_t opened;        /* times in a row the breaker opened: the cool-down grows with it */
    struct learned learned; /* what its vendor allows */
    pthread_mutex_t lock;   /* guards what follows */
    struct target_estimates estimates;
    int64_t updated_us;
    int64_t errors_us;
    double error_rate;
    int64_t window_us; /* of the breaker: when the one that counts now began */
    uint32_t window_good, window_bad;
};

/* [safe] The record of that name, made if need be. Never NULL. Records are for ever and models may
 * be named by applications: a name longer than TARGET_NAME_MAX has no record of its own either. */
struct target *target_get(weir_str provider, weir_str base_url, weir_str model);

/* [safe] The same for a model that the configuration names: strangers' names leave it room. */
struct target *target_configured(weir_str provider, weir_str base_url, weir_str model);

/* [safe] WEIR_BLOCKED_* bits in force at `now_us` for a request of so many tokens; `*ready_us` is
 * when they heal (0: not blocked). `limits` are its provider's. */
uint32_t target_blocked(struct target *t, const struct limits *limits, int64_t now_us,
                        int64_t tokens, int64_t *ready_us);

/* [safe] An attempt begins: counts it, books it against the limits, claims the probe of a half-open
 * breaker. False: somebody else was quicker, the target is blocked after all, and nothing is
 * booked. */
bool target_begin(struct target *t, const struct limits *limits, int64_t now_us, int64_t tokens);

/* How an attempt ended, for target_end(). */
struct target_result {
    const weir_failure *failure; /* NULL: success */
    int64_t now_us;
    int64_t start_us;      /* as given to target_begin() */
    int64_t end_us;        /* when the answer was whole; the connection's own end may come later */
    int64_t first_us;      /* first content of a streamed attempt; 0: none, or not streamed */
    int64_t booked_tokens; /* as given to target_begin() */
    int64_t used_tokens;   /* input + output as reported; -1: unknown */
    int64_t output_tokens; /* -1: unknown */
};

/* [safe] The attempt is over, whichever way. */
void target_end(struct target *t, const struct limits *limits, const struct target_breaker *breaker,
                const struct target_result *result);

/* [safe] Extends the cool-down. */
void target_cool_down(struct target *t, int64_t until_us);

/* [safe] The same for what a vendor asks for; more than a day counts as a day. */
void target_leave_alone(struct target *t, int64_t now_us, int64_t for_us);

/* [safe] A copy of the estimators. */
struct target_estimates target_estimate(struct target *t);

/* [safe] Calls `each` for every record, for /metrics and `weir routes`. */
void target_each(void (*each)(void *ctx, struct target *t), void *ctx);
