/*
 * learned.c - see learned.h.
 */
#include "route/learned.h"
#include "route/limit.h"

#define LOAD(p)     __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELAXED)

enum {
    CUT_PPM = 50000,       /* of the ceiling, at a 429 */
    CLIMB_REQUESTS = 200,  /* answers in which it grows back, at least; so 429s stay rare */
    CLIMB_US = 30000000,   /* and the time that takes, at least; so it is not over by the time
                              slow answers come */
    CLIMB_DOUBLINGS = 4,   /* a ceiling nobody complains of grows faster and faster */
    EVIDENCE = 10,         /* answers that a first ceiling stands on */
    SETTLE_US = 2000000,   /* after a cut, before another */
    WINDOW_US = 10000000,  /* over which answers are counted */
    ROUND_US = 120000000,  /* the longest that a vendor counts in one */
    FORGET_US = 600000000, /* without a 429, and not all used */
    PAUSE_US = 1000000,    /* after a 429 that no answer came before, doubling ... */
    PAUSE_DOUBLINGS = 4,   /* ... up to this many times */
    CEILING_MIN = 6000,    /* thousandths of a request a minute */
};

static int64_t cost_ns(int64_t ceiling)
{
    return gcra_cost_ns(1000, ceiling);
}

static int64_t burst_ns(int64_t ceiling)
{
    int64_t burst = LIMIT_MINUTE_NS / 100 * LIMIT_BURST_PERCENT, cost = cost_ns(ceiling);

    return burst > cost ? burst : cost;
}

int64_t learned_ready(struct learned *l, int64_t now_us)
{
    int64_t ceiling = LOAD(l->ceiling), at;

    if (!ceiling)
        return 0;
    at = gcra_ready_ns(LOAD(l->tat), cost_ns(ceiling), burst_ns(ceiling), now_us * 1000);
    return (at + 999) / 1000;
}

bool learned_take(struct learned *l, int64_t now_us)
{
    int64_t ceiling = LOAD(l->ceiling);

    return !ceiling || gcra_take(&l->tat, cost_ns(ceiling), burst_ns(ceiling), now_us * 1000);
}

/* Answers a minute lately, in thousandths. */
static int64_t measured(const struct learned *l, int64_t now_us)
{
    int64_t us = now_us - l->since_us;

    return (int64_t)((double)l->accepted * 60e9 / (double)(us > 1000000 ? us : 1000000));
}

/* Counts over a window that fades instead of ending. */
static void count(struct learned *l, int64_t now_us)
{
    if (!l->since_us)
        l->since_us = now_us;
    if (now_us - l->since_us >= 2 * WINDOW_US) {
        bool idle = now_us - l->since_us >= 4 * WINDOW_US;

        l->accepted = idle ? 0 : l->accepted / 2;
        l->since_us = idle ? now_us : l->since_us + (now_us - l->since_us) / 2;
    }
    l->accepted++;
}

/* The ceiling is all used: the next request would have to wait, or nearly so. */
static bool is_used(const struct learned *l, int64_t now_us)
{
    return LOAD(l->tat) > now_us * 1000;
}

/* How fast it may grow from here. */
static void set_ceiling(struct learned *l, int64_t ceiling)
{
    if (ceiling < CEILING_MIN)
        ceiling = CEILING_MIN;
    l->climb = ceiling / 60000 * (CLIMB_US / 1000000);
    if (l->climb < CLIMB_REQUESTS)
        l->climb = CLIMB_REQUESTS;
    l->step = ceiling / (1000000 / CUT_PPM) / l->climb;
    if (l->step < 1)
        l->step = 1;
    STORE(l->ceiling, ceiling);
}

/* A vendor that counts by the minute lets all through and then nothing: what it allows shows when
 * it lets something through again. */
static void count_round(struct learned *l, int64_t now_us)
{
    int64_t us = now_us - l->round_us, seen;

    if (l->refused && l->round_us) {
        seen = (int64_t)((double)l->round * 60e9 / (double)(us > 1000000 ? us : 1000000));
        if (l->ceiling && seen < l->ceiling)
            set_ceiling(l, seen);
    }
    if (l->refused || !l->round_us || us > ROUND_US) {
        l->round_us = now_us;
        l->round = 0;
    }
    l->round++;
    l->refused = 0;
}

void learned_accept(struct learned *l, int64_t now_us)
{
    int64_t doublings;

    count(l, now_us);
    count_round(l, now_us);
    if (!l->ceiling)
        return;
    if (!is_used(l, now_us)) {
        if (now_us - l->cut_us > FORGET_US)
            STORE(l->ceiling, 0);
        return;
    }
    doublings = l->grown++ / (3 * l->climb);
    STORE(l->ceiling,
          l->ceiling + (l->step << (doublings < CLIMB_DOUBLINGS ? doublings : CLIMB_DOUBLINGS)));
}

static void cut(struct learned *l, int64_t ceiling, int64_t now_us)
{
    set_ceiling(l, ceiling - ceiling / (1000000 / CUT_PPM));
    l->cut_us = l->since_us = now_us;
    l->accepted = l->grown = 0;
}

int64_t learned_refuse(struct learned *l, int64_t start_us, int64_t now_us)
{
    int64_t seen, doublings;

    if (!l->ceiling) {
        if (l->accepted >= EVIDENCE)
            cut(l, measured(l, now_us), now_us);
        return 0;
    }
    if (start_us <= l->cut_us) /* it was on its way when the ceiling was cut */
        return 0;
    if (!l->accepted) { /* a wall, not a rate: it may be another limit, or the vendor's window */
        doublings = l->refused < PAUSE_DOUBLINGS ? l->refused : PAUSE_DOUBLINGS;
        l->refused++;
        return (int64_t)PAUSE_US << doublings;
    }
    if (l->accepted < EVIDENCE || now_us - l->cut_us < SETTLE_US)
        return 0; /* what was too much before the cut is not paid back yet */
    seen = measured(l, now_us);
    if (l->accepted >= CLIMB_REQUESTS / 4 || seen > l->ceiling)
        seen = l->ceiling; /* as it was: a little too high */
    cut(l, seen, now_us);
    return 0;
}

void learned_forget(struct learned *l)
{
    STORE(l->ceiling, 0);
    l->accepted = l->refused = l->round = 0;
    l->since_us = l->round_us = 0;
}

/* -- what the vendor says -----------------------------------------------------------------------
 */

static void hear(struct learned_told *told, int64_t limit, int64_t left, int64_t reset_us,
                 int64_t now_us)
{
    if (limit <= 0 || left < 0)
        return;
    STORE(told->limit, limit);
    STORE(told->left, left < limit ? left : limit);
    STORE(told->until_us,
          now_us +
              (reset_us > 0 && reset_us < INT64_C(86400000000) ? reset_us : INT64_C(60000000)));
}

void learned_headers(struct learned *l, const weir_rate *rate, int64_t now_us)
{
    hear(&l->requests, rate->requests_limit, rate->requests_left, rate->requests_reset_us, now_us);
    hear(&l->tokens, rate->tokens_limit, rate->tokens_left, rate->tokens_reset_us, now_us);
}

static uint32_t told_left(const struct learned_told *told, int64_t now_us)
{
    int64_t limit = LOAD(told->limit);

    if (!limit || LOAD(told->until_us) <= now_us)
        return 1000000;
    return (uint32_t)((double)LOAD(told->left) / (double)limit * 1e6);
}

uint32_t learned_headroom(struct learned *l, int64_t now_us)
{
    uint32_t left = told_left(&l->requests, now_us), other = told_left(&l->tokens, now_us);
    int64_t ceiling = LOAD(l->ceiling);

    left = other < left ? other : left;
    if (ceiling) {
        other = gcra_left_ppm(LOAD(l->tat), burst_ns(ceiling), now_us * 1000);
        left = other < left ? other : left;
    }
    return left;
}
