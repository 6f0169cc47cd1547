/*
 * fields.h - which numbers of what strategies see stand in a decision record, and under what name.
 * One table for writing and for reading, so that the two cannot differ.
 */
#pragma once

#include <weir/strategy.h>

struct field {
    const char *name;
    uint16_t offset;
    uint8_t size; /* in bytes: 1, 2, 4 or 8 */
    uint8_t is_signed;
};

#define FIELD(type, member, is_signed)                                          \
    {                                                                           \
#member, offsetof(type, member), sizeof(((type *)0)->member), is_signed \
    }

static const struct field fields_child[] = {
    FIELD(weir_child, blocked, 0),         FIELD(weir_child, ready_us, 1),
    FIELD(weir_child, inflight, 0),        FIELD(weir_child, can, 0),
    FIELD(weir_child, inflight_tokens, 1), FIELD(weir_child, ttft_us, 1),
    FIELD(weir_child, ttft_p95_us, 1),     FIELD(weir_child, tpot_ns, 1),
    FIELD(weir_child, samples, 0),         FIELD(weir_child, error_ppm, 0),
    FIELD(weir_child, headroom_ppm, 0),    FIELD(weir_child, max_retries, 1),
    FIELD(weir_child, price_in, 1),        FIELD(weir_child, price_out, 1),
    FIELD(weir_child, context_window, 1),  FIELD(weir_child, max_output_tokens, 1),
};

static const struct field fields_try[] = {
    FIELD(weir_try, child, 0),  FIELD(weir_try, running, 0),  FIELD(weir_try, committed, 0),
    FIELD(weir_try, silent, 0), FIELD(weir_try, start_us, 1), FIELD(weir_try, end_us, 1),
};

static const struct field fields_budget[] = {
    FIELD(weir_budget, attempts_left, 0),
    FIELD(weir_budget, deadline_us, 1),
    FIELD(weir_budget, money_left, 1),
};

static const struct field fields_decision[] = {
    FIELD(weir_decision, verb, 0),         FIELD(weir_decision, child, 0),
    FIELD(weir_decision, shadow_child, 0), FIELD(weir_decision, start_us, 1),
    FIELD(weir_decision, ask_again_us, 1), FIELD(weir_decision, failure_class, 0),
};

static const struct field fields_facts[] = {
    FIELD(weir_facts, op, 0),
    FIELD(weir_facts, stream, 0),
    FIELD(weir_facts, needs, 0),
    FIELD(weir_facts, messages, 0),
    FIELD(weir_facts, body_bytes, 1),
    FIELD(weir_facts, input_tokens, 1),
    FIELD(weir_facts, output_tokens, 1),
    FIELD(weir_facts, prefix_hash, 1),
    FIELD(weir_facts, asked_usage, 0),
};

static const struct field fields_failure[] = {
    FIELD(weir_failure, family, 0),
    FIELD(weir_failure, http_status, 0),
    FIELD(weir_failure, local, 0),
    FIELD(weir_failure, retry_after_us, 1),
};

static const struct field fields_usage[] = {
    FIELD(weir_usage, input_total, 1),
    FIELD(weir_usage, input_cache_read, 1),
    FIELD(weir_usage, output_total, 1),
};

#undef FIELD

static inline int64_t field_get(const struct field *f, const void *from)
{
    const char *at = (const char *)from + f->offset;

    switch (f->size) {
    case 1:
        return *(const uint8_t *)at;
    case 2:
        return *(const uint16_t *)(const void *)at;
    case 4:
        return f->is_signed ? *(const int32_t *)(const void *)at
                            : (int64_t) * (const uint32_t *)(const void *)at;
    default:
        return *(const int64_t *)(const void *)at;
    }
}

static inline void field_set(const struct field *f, void *to, int64_t value)
{
    char *at = (char *)to + f->offset;

    switch (f->size) {
    case 1:
        *(uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)(void *)at = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)(void *)at = (uint32_t)value;
        break;
    default:
        *(int64_t *)(void *)at = value;
    }
}
