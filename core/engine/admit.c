/*
 * admit.c - what a request may use: its tenant's limits before anything is sent, its route's money
 * with every attempt; and its way into the wait queue and out of it.
 */
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <weir/sdk/retry.h>

/* Applications and vendors say what they like: sums of these have to fit. */
static int64_t bounded(int64_t tokens)
{
    return tokens < 0 ? 0 : tokens > INT32_MAX ? INT32_MAX : tokens;
}

static int64_t estimated_tokens(const struct exchange *e)
{
    if (e->facts.op == WEIR_OP_COUNT) /* nothing is generated, nothing is charged */
        return -1;
    return bounded(e->facts.input_tokens) + bounded(e->facts.output_tokens);
}

int64_t attempt_tokens(const struct attempt *a)
{
    const weir_usage *u = &a->usage;

    if (u->input_total < 0 && u->output_total < 0)
        return -1;
    return bounded(u->input_total) + bounded(u->output_total);
}

/* -- tenants ---------------------------------------------------------------------------------- */

static const struct tenant *find_tenant(const struct exchange *e)
{
    weir_str name = e->facts.tenant;
    const struct tenant *t = NULL;
    char text[257];

    if (!e->generation->tenants)
        return NULL;
    if (name.len && name.len < sizeof text && !memchr(name.ptr, '\0', name.len)) {
        memcpy(text, name.ptr, name.len);
        text[name.len] = '\0';
        t = g_hash_table_lookup(e->generation->tenants, text);
    }
    return t ? t : g_hash_table_lookup(e->generation->tenants, "*");
}

/* Those that "*" stands for have a record each, by their names. */
static struct limits limits_for(const struct exchange *e)
{
    struct limits l = e->tenant->limits;

    if (e->admitted)
        l.used = e->admitted;
    else if (l.used && strcmp(e->tenant->config->name, "*") == 0 && e->facts.tenant.len)
        l.used = limit_get("tenant", e->facts.tenant);
    return l;
}

int exchange_priority(const struct exchange *e)
{
    if (e->tenant && e->tenant->config->priority != CONFIG_NO_PRIORITY)
        return e->tenant->config->priority;
    return e->route ? e->route->config->priority : 0;
}

/* The tenant is at a limit: the request waits for it if it may, or is refused. */
static void hold_back(struct exchange *e, const struct limits *limits, enum limit_kind kind,
                      int64_t ready_us)
{
    int64_t last = e->start_us + e->tenant->config->wait_us, now = loop_now(e->worker->loop);
    weir_failure *failure;
    char words[64];

    if (e->facts.op != WEIR_OP_FORWARD && ready_us < last &&
        ready_us < e->walk.budget.deadline_us && now < last &&
        queue_join(e, (uintptr_t)limits->used, ready_us, last))
        return;
    limit_words(&limits->rule, kind, words, sizeof words);
    if (e->facts.tenant.len)
        failure =
            failure_format(&e->arena, WEIR_CLASS_RATE_LIMIT, "tenant %.*s is at its limit of %s",
                           S_ARG(e->facts.tenant), words);
    else
        failure = failure_format(&e->arena, WEIR_CLASS_RATE_LIMIT,
                                 "requests without a tenant are at their limit of %s", words);
    failure->retry_after_us = ready_us - now;
    exchange_fail(e, failure);
}

static bool admit(struct exchange *e)
{
    struct limits limits;
    enum limit_kind kind;
    int64_t ready;

    if (e->rehearsal || !e->tenant || e->admitted || !e->tenant->limits.used ||
        e->facts.op == WEIR_OP_MODELS)
        return true;
    limits = limits_for(e);
    kind = limit_take(&limits, loop_now(e->worker->loop), e->walk.tokens, &ready);
    if (kind)
        hold_back(e, &limits, kind, ready);
    else
        e->admitted = limits.used;
    return !kind;
}

int64_t exchange_deadline(weir_str text)
{
    int64_t us = weir_duration_us(text);

    return us > 0 ? us : -1;
}

static void refuse_deadline(struct exchange *e)
{
    weir_str value = weir_header_find(e->in.headers, e->in.header_count, "x-weir-deadline");

    exchange_fail(e, failure_format(&e->arena, WEIR_CLASS_INVALID_REQUEST,
                                    "x-weir-deadline must be a time such as 30s or 800ms, not "
                                    "'%.*s'",
                                    (int)MIN(value.len, 64), value.ptr));
}

void exchange_go(struct exchange *e)
{
    if (e->asked_us < 0) {
        refuse_deadline(e);
        return;
    }
    e->walk.tokens = estimated_tokens(e);
    e->tenant = find_tenant(e);
    if (admit(e))
        walk_start(&e->walk, e->root, WEIR_ASK_START);
}

void exchange_again(struct exchange *e)
{
    if (admit(e))
        walk_start(&e->walk, e->root, e->walk.root ? WEIR_ASK_READY : WEIR_ASK_START);
}

/* What one attempt used, or may have used. */
static int64_t counted_tokens(const struct attempt *a)
{
    int64_t used = attempt_tokens(a);
    const weir_failure *f = a->failure;

    if (used >= 0 || !a->begun)
        return used >= 0 ? used : 0;
    if (f && (f->http_status >= 400 || f->class_id == WEIR_CLASS_CONNECTION))
        return 0;
    return a->booked_tokens;
}

void exchange_settle(struct exchange *e)
{
    int64_t used = 0;
    struct limits limits;

    if (!e->admitted)
        return;
    limits = limits_for(e);
    for (const struct attempt *a = e->attempts; a; a = a->next)
        used += counted_tokens(a);
    limit_settle(&limits, loop_now(e->worker->loop), e->walk.tokens, used);
    e->admitted = NULL;
    queue_wake(e->worker);
}

/* -- money ------------------------------------------------------------------------------------ */

static void pay(struct exchange *e, int64_t money)
{
    int64_t *left = &e->walk.budget.money_left;

    *left = *left > money ? *left - money : 0;
}

void exchange_spend(struct attempt *a)
{
    struct exchange *e = a->exchange;
    char text[TARGET_NAME_MAX + 300];

    if (e->walk.budget.money_left < 0)
        return;
    a->booked_money = walk_price(&e->walk, a->provider, a->target, a->model);
    if (a->booked_money >= 0) {
        pay(e, a->booked_money);
        return;
    }
    g_snprintf(text, sizeof text, "the price of %s is not known: it is not counted",
               a->target->name);
    exchange_warn(e, &(struct warning){ S("budget.money"), str_of(text), a });
}

void exchange_spent(struct attempt *a)
{
    struct exchange *e = a->exchange;
    const struct provider *p = a->provider;
    int64_t cost;

    if (e->walk.budget.money_left < 0 || a->booked_money < 0)
        return;
    cost = catalogue_cost(known_of(p->known, p->config, a->target, a->model), &a->usage);
    if (cost < 0)
        cost = counted_tokens(a) ? a->booked_money : 0;
    pay(e, cost - a->booked_money);
}
