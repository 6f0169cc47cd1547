/*
 * settings.h - what a configuration says of limits and breakers. 0 means: none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How much of a provider, or how much by a tenant. */
struct limit_rule {
    int64_t requests_per_minute;
    int64_t tokens_per_minute;
    int64_t concurrency;
    int64_t burst_percent; /* of a minute's quota, at once after a silence; at least one request; 0:
                              LIMIT_BURST_PERCENT */
    bool unlearned;        /* what the vendor's answers teach is not kept to */
};

/* How a target's breaker is set. It opens when either is reached. */
struct target_breaker {
    int64_t failures;     /* consecutive ones */
    int64_t rate_percent; /* of failures among the requests of the last `window_us` */
    int64_t requests;     /* that a rate needs to say anything */
    int64_t window_us;
    int64_t cooldown_us;     /* at first; it doubles with every probe that fails ... */
    int64_t cooldown_max_us; /* ... up to this, or the first if that is longer */
};
