/*
 * target_fixture.h - target records of a test's own, and attempts on them. Time is what is passed
 * in.
 */
#pragma once

#include "route/target.h"
#include "base/str.h"
#include "model/failure.h"

#include <glib.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define T0     (1000 * SECOND)

static const struct limits no_limits;
static const struct target_breaker breaker = { .failures = 3,
                                               .cooldown_us = 10 * SECOND,
                                               .cooldown_max_us = 300 * SECOND };

static inline struct target *fresh(void)
{
    static int number;
    g_autofree char *name = g_strdup_printf("m%d", number++);

    return target_get(S("test"), S("http://test"), str_of(name));
}

static inline uint32_t blocked(struct target *t, int64_t now, int64_t *ready)
{
    int64_t unused;

    return target_blocked(t, &no_limits, now, 0, ready ? ready : &unused);
}

/* An attempt that began at `start` ends. class_id 0: success. */
static inline void end_late(struct target *t, int64_t start, int64_t end, unsigned class_id)
{
    weir_failure failure = { .struct_size = sizeof(failure),
                             .class_id = (uint16_t)class_id,
                             .retry_after_us = -1 };
    struct target_result r = { .failure = class_id ? &failure : NULL,
                               .now_us = end,
                               .start_us = start,
                               .used_tokens = -1,
                               .output_tokens = -1 };

    target_end(t, &no_limits, &breaker, &r);
}

/* One attempt from `start` to `end`. */
static inline void attempt(struct target *t, int64_t start, int64_t end, unsigned class_id)
{
    g_assert_true(target_begin(t, &no_limits, start, 0));
    end_late(t, start, end, class_id);
}

static inline int64_t open_at(struct target *t, int64_t now)
{
    for (int i = 0; i < 3; i++)
        attempt(t, now, now, WEIR_CLASS_SERVER_ERROR);
    g_assert_cmpint(t->open_us, >, now);
    return t->open_us;
}
