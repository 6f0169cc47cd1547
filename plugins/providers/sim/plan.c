/*
 * plan.c - the little language in the model's name: words joined by '+', see plugin.c.
 */
#include "sim.h"

#include <weir/sdk/failure.h>
#include <weir/sdk/retry.h>
#include <weir/sdk/strategy.h>

/* One word: what is before the colon, and behind it. */
struct plan_word {
    weir_str name;
    weir_str value;
};

static bool plan_count(weir_str value, int64_t fallback, int64_t *out)
{
    if (!value.len) {
        *out = fallback;
        return true;
    }
    return weir_number_to_int64(value.ptr, value.len, out) && *out >= 0 && *out <= 1000000;
}

static bool plan_duration(weir_str value, int64_t *out)
{
    *out = weir_duration_us(value);
    return *out >= 0;
}

static bool plan_fail(struct sim_plan *plan, weir_str value)
{
    plan->fail = weir_class_by_name(value);
    return plan->fail != 0;
}

static bool plan_status(struct sim_plan *plan, weir_str value)
{
    int64_t status;

    if (!weir_number_to_int64(value.ptr, value.len, &status) || status < 400 || status > 599)
        return false;
    plan->status = (unsigned)status;
    plan->fail = weir_class_from_status(plan->status);
    return true;
}

static bool plan_retry_after(struct sim_plan *plan, weir_str value)
{
    if (!plan->fail)
        plan->fail = WEIR_CLASS_RATE_LIMIT;
    if (value.len)
        return plan_duration(value, &plan->retry_after_us);
    plan->retry_after_us = 1000000;
    return true;
}

static bool plan_fault(struct sim_plan *plan, enum sim_fault fault, weir_str value)
{
    plan->fault = fault;
    return plan_count(value, 0, &plan->fault_at);
}

/* Words with a value. 1: understood, 0: not one of them, -1: the value is wrong. */
static int plan_valued(struct sim_plan *plan, const struct plan_word *w)
{
    static const struct {
        const char *name;
        enum sim_fault fault;
    } faults[] = {
        { "cut", SIM_FAULT_CUT },
        { "half-chunk", SIM_FAULT_HALF },
        { "stall", SIM_FAULT_STALL },
        { "garbage", SIM_FAULT_GARBAGE },
        { "error-in-200", SIM_FAULT_ERROR },
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (weir_str_is(w->name, faults[i].name))
            return plan_fault(plan, faults[i].fault, w->value) ? 1 : -1;
    }
    if (weir_str_is(w->name, "fail"))
        return plan_fail(plan, w->value) ? 1 : -1;
    if (weir_str_is(w->name, "status"))
        return plan_status(plan, w->value) ? 1 : -1;
    if (weir_str_is(w->name, "retry-after"))
        return plan_retry_after(plan, w->value) ? 1 : -1;
    if (weir_str_is(w->name, "slow"))
        return plan_duration(w->value, &plan->each_us) ? 1 : -1;
    if (weir_str_is(w->name, "head"))
        return plan_duration(w->value, &plan->head_us) ? 1 : -1;
    if (weir_str_is(w->name, "first"))
        return plan_duration(w->value, &plan->first_us) ? 1 : -1;
    if (weir_str_is(w->name, "count"))
        return plan_count(w->value, -1, &plan->count) ? 1 : -1;
    if (weir_str_is(w->name, "reason"))
        return plan_count(w->value, 8, &plan->reasoning) ? 1 : -1;
    return 0;
}

static void plan_bare(struct sim_plan *plan, weir_str word)
{
    plan->echo |= weir_str_is(word, "echo");
    plan->tools |= weir_str_is(word, "tools");
    plan->json |= weir_str_is(word, "json");
    plan->no_finish |= weir_str_is(word, "no-finish");
    plan->no_done |= weir_str_is(word, "no-done");
    plan->no_usage |= weir_str_is(word, "no-usage");
    plan->refused |= weir_str_is(word, "refused");
    plan->silent |= weir_str_is(word, "silent");
}

/* Whether this attempt is one of the `fail_every`: drawn by the exchange, so that a retry can
 * fare better and a replay fares the same. */
static bool plan_fails(const struct sim_config *cfg, const weir_exchange *x)
{
    uint64_t draw = cfg->seed ^ x->seed ^ (uint64_t)x->attempt << 32;

    return cfg->fail_every <= 1 || weir_random(&draw) % (uint64_t)cfg->fail_every == 0;
}

struct sim_plan sim_plan_read(const struct sim_config *cfg, const weir_exchange *x)
{
    weir_str rest = x->target ? x->target->model : weir_str_make("", 0);
    struct sim_plan plan;

    memset(&plan, 0, sizeof(plan));
    plan.retry_after_us = -1;
    plan.count = -1;
    plan.head_us = cfg->latency_us;
    plan.first_us = cfg->first_token_us;
    if (cfg->tokens_per_second > 0)
        plan.each_us = (int64_t)(1e6 / cfg->tokens_per_second);
    if ((cfg->fail || cfg->status) && plan_fails(cfg, x)) {
        plan.fail = cfg->fail;
        plan.status = (unsigned)cfg->status;
        if (!plan.fail)
            plan.fail = weir_class_from_status(plan.status);
    }
    while (rest.len) {
        weir_str word = weir_str_split(&rest, '+');
        struct plan_word w = { word, word };

        w.name = weir_str_split(&w.value, ':');
        int known = plan_valued(&plan, &w);

        if (known < 0)
            plan.wrong = word;
        else if (known == 0)
            plan_bare(&plan, word);
    }
    return plan;
}
