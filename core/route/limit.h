/*
 * limit.h - limits of our own: how much of a provider, or how much by a tenant, in a minute and at
 * once.
 *
 * What is used belongs to the process and outlives a reload; how much there is belongs to a
 * configuration. All workers share one record by compare-and-swap, and only where a limit is
 * configured: what is let through is booked in the same step, so two workers cannot both take the
 * last of it.
 *
 * Per minute is GCRA: one number, the theoretical arrival time of the next unit, says everything.
 * An estimate is booked before, what was really used is settled after; a debt moves the number into
 * the future and is paid by waiting.
 */
#pragma once

#include "route/settings.h"

#include <stdbool.h>
#include <weir/base.h>

enum {
    LIMIT_MAX = 4096,           /* records made for names of strangers; those beyond share one */
    LIMIT_BURST_PERCENT = 2,    /* of a minute's quota, if nothing else is configured */
    LIMIT_SLOT_WAIT_US = 50000, /* after this it is worth asking whether something has ended */
};

#define LIMIT_MINUTE_NS (INT64_C(60) * 1000000000)

/* What of it is used. */
struct limit {
    const char *name;     /* "openai", "acme"; for ever */
    int64_t requests_tat; /* nanoseconds; atomic, like all of them */
    int64_t tokens_tat;
    int64_t tokens_hold; /* a large request was sent away until then: small ones do not keep it out
                            for ever */
    int64_t inflight;
};

/* Both, as a provider or tenant of one configuration has them. */
struct limits {
    struct limit_rule rule;
    struct limit *used; /* NULL: there is no limit at all */
};

enum limit_kind { LIMIT_NONE, LIMIT_REQUESTS, LIMIT_TOKENS, LIMIT_CONCURRENCY };

/* [safe] The record of `kind` ("provider", "tenant") and a name that a stranger may have made up,
 * made if need be. Never NULL. */
struct limit *limit_get(const char *kind, weir_str name);

/* [safe] Both, of a name that is configured. `place` sets namesakes apart; may be empty. */
struct limits limit_pair(const struct limit_rule *rule, const char *kind, weir_str name,
                         weir_str place);

/* [safe] Which limit does not let a request of so many tokens (-1: of none that count) through now;
 * `*ready_us` is when it would (0: it does). For concurrency that is a guess. */
enum limit_kind limit_blocks(const struct limits *l, int64_t now_us, int64_t tokens,
                             int64_t *ready_us);

/* [safe] The same, and books it if it may pass. */
enum limit_kind limit_take(const struct limits *l, int64_t now_us, int64_t tokens,
                           int64_t *ready_us);

/* [safe] What was taken was not used at all. */
void limit_return(const struct limits *l, int64_t tokens);

/* [safe] What was taken has ended. `booked` as given to limit_take(); `used`: tokens, -1 if nobody
 * knows: then what was booked stays. */
void limit_settle(const struct limits *l, int64_t now_us, int64_t booked, int64_t used);

/* [safe] How much is left of the tightest limit, per million. */
uint32_t limit_headroom(const struct limits *l, int64_t now_us);

/* "3500 requests a minute", into `text`. */
void limit_words(const struct limit_rule *rule, enum limit_kind kind, char *text, size_t size);

/* [safe] Calls `each` for every record in use. */
void limit_each(void (*each)(void *ctx, const char *kind, const struct limit *l), void *ctx);

/* -- GCRA ------------------------------------------------------------------------------------- */

/* What `units` cost of a minute that holds `per_minute`: rounded up, so that no rounding lets more
 * through. */
int64_t gcra_cost_ns(int64_t units, int64_t per_minute);

/* When a cost conforms, in nanoseconds; 0: now. What costs more than the burst has to find it
 * whole. */
static inline int64_t gcra_ready_ns(int64_t tat, int64_t cost, int64_t burst, int64_t now)
{
    int64_t at = tat - (burst > cost ? burst - cost : 0);

    return at > now ? at : 0;
}

/* Books a cost if it conforms. */
bool gcra_take(int64_t *tat, int64_t cost, int64_t burst, int64_t now);

/* Books a cost, or gives one back, whatever it comes to. */
void gcra_add(int64_t *tat, int64_t cost, int64_t now);

/* What is left, per million: of the burst while there is some of it, 0 with a debt. */
uint32_t gcra_left_ppm(int64_t tat, int64_t burst, int64_t now);
