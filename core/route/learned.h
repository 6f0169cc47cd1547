/*
 * learned.h - what a target's vendor allows, as far as it shows: by the rate limit headers of its
 * answers, and by answers of 429.
 *
 * The headers are taken at their word: when nothing is left, the target is left alone until it is
 * said to be more. 429s teach a ceiling (additive increase, multiplicative decrease): requests are
 * spaced under it, it grows while it is all used and nobody complains, and is cut by a few per cent
 * when one does. Most vendors limit an account, and others may use it as well: so a ceiling is
 * never more than a guess that goes on being checked, and is forgotten when nothing speaks for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <weir/event.h>

/* What a header said of one limit. All atomic. */
struct learned_told {
    int64_t limit; /* 0: nothing was said */
    int64_t left;
    int64_t until_us; /* good until then */
};

struct learned {
    int64_t
        ceiling; /* thousandths of a request a minute; 0: none known; atomic, like what follows */
    int64_t tat; /* GCRA, nanoseconds */
    struct learned_told requests, tokens;
    /* under the target's lock */
    int64_t since_us; /* of which `accepted` were answered */
    int64_t accepted;
    int64_t cut_us;   /* when the ceiling was last cut; attempts from before say nothing new */
    int64_t grown;    /* answers since, while the ceiling was all used */
    int64_t climb;    /* in so many of them it makes up for a cut */
    int64_t step;     /* by which it grows with each of these */
    int64_t round_us; /* since it let something through again, or from the beginning */
    int64_t round;    /* answers since */
    int64_t refused;  /* 429s since the last answer */
};

/* [safe] When the ceiling lets a request through; 0: now. */
int64_t learned_ready(struct learned *l, int64_t now_us);

/* [safe] Thousandths of a request a minute; 0: none is known. */
static inline int64_t learned_ceiling(const struct learned *l)
{
    return __atomic_load_n(&l->ceiling, __ATOMIC_RELAXED);
}

/* [safe] A request begins: false if the ceiling does not let it through. */
bool learned_take(struct learned *l, int64_t now_us);

/* Under the target's lock: an attempt that began at `start_us` was answered. */
void learned_accept(struct learned *l, int64_t now_us);
/* ... was turned away with a 429. Returns for how long nothing should be asked; 0: no matter. */
int64_t learned_refuse(struct learned *l, int64_t start_us, int64_t now_us);

/* Under the target's lock: nobody goes by it any more. */
void learned_forget(struct learned *l);

/* [safe] What the headers of an answer say. */
void learned_headers(struct learned *l, const weir_rate *rate, int64_t now_us);

/* [safe] How much is left, by what is known, per million. */
uint32_t learned_headroom(struct learned *l, int64_t now_us);
