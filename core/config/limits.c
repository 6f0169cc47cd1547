/*
 * limits.c - `rate_limit:`, `breaker:`, `budget:` and `tenants:`.
 */
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

enum { LIMIT_MOST = 1000000000 };

#define RULE(member)    G_STRUCT_OFFSET(struct limit_rule, member)
#define BREAKER(member) G_STRUCT_OFFSET(struct target_breaker, member)
#define BUDGET(member)  G_STRUCT_OFFSET(struct config_budget, member)
#define TENANT(member)  G_STRUCT_OFFSET(struct config_tenant, member)

#define RULE_KEYS(base)                                                                      \
    { "requests_per_minute", KEY_INT64, (base) + RULE(requests_per_minute), 0, LIMIT_MOST }, \
        { "tokens_per_minute", KEY_INT64, (base) + RULE(tokens_per_minute), 0, LIMIT_MOST }, \
        { "concurrency", KEY_INT64, (base) + RULE(concurrency), 0, LIMIT_MOST },             \
    {                                                                                        \
        "burst_percent", KEY_INT64, (base) + RULE(burst_percent), 1, 100                     \
    }

static const struct key rate_keys[] = { RULE_KEYS(0), { "learn", KEY_OTHER, 0, 0, 0 } };

static const struct key tenant_keys[] = {
    RULE_KEYS(TENANT(rule)),
    { "priority", KEY_INT, TENANT(priority), -1000, 1000 },
    { "wait", KEY_DURATION, TENANT(wait_us), 0, 0 },
};

static const struct key breaker_keys[] = {
    { "failures", KEY_INT64, BREAKER(failures), 0, 1000000 },
    { "rate_percent", KEY_INT64, BREAKER(rate_percent), 0, 100 },
    { "requests", KEY_INT64, BREAKER(requests), 1, 1000000 },
    { "window", KEY_DURATION, BREAKER(window_us), 0, 0 },
    { "cooldown", KEY_DURATION, BREAKER(cooldown_us), 0, 0 },
    { "max_cooldown", KEY_DURATION, BREAKER(cooldown_max_us), 0, 0 },
};

static const struct key budget_keys[] = {
    { "deadline", KEY_DURATION, BUDGET(deadline_us), 0, 0 },
    { "attempts", KEY_UINT, BUDGET(attempts), 1, 1000 },
    { "money", KEY_OTHER, 0, 0, 0 },
};

void limits_rate(struct load *l, const struct ynode *n, const char *what, struct limit_rule *out)
{
    g_autofree char *name = g_strdup_printf("%s.learn", what);
    gboolean learns = TRUE;

    schema_read(l, n, what, rate_keys, G_N_ELEMENTS(rate_keys), NULL, out);
    const struct ynode *learn = n && n->kind == YNODE_MAP ? ynode_get(n, "learn") : NULL;
    if (learn)
        value_bool(&l->faults, learn, name, &learns);
    out->unlearned = !learns;
}

void limits_breaker(struct load *l, const struct ynode *n, const char *what,
                    struct target_breaker *out)
{
    schema_read(l, n, what, breaker_keys, G_N_ELEMENTS(breaker_keys), NULL, out);
    const struct ynode *window = n && n->kind == YNODE_MAP ? ynode_get(n, "window") : NULL;
    if (window && out->rate_percent && !out->window_us)
        fault_at(&l->faults, &window->at,
                 "%s: rate_percent needs a window longer than 0; or set it to 0", what);
}

void limits_budget(struct load *l, const struct ynode *n, const char *what,
                   struct config_budget *out)
{
    g_autofree char *name = g_strdup_printf("%s.money", what);
    double dollars;

    if (n && n->kind == YNODE_SCALAR) {
        value_duration(&l->faults, n, what, &out->deadline_us);
        return;
    }
    schema_read(l, n, what, budget_keys, G_N_ELEMENTS(budget_keys), NULL, out);
    const struct ynode *money = n && n->kind == YNODE_MAP ? ynode_get(n, "money") : NULL;
    if (!money || !value_number(&l->faults, money, name, &dollars))
        return;
    out->money = (gint64)(dollars * 1e6 + 0.5);
    if (dollars > 0 && dollars <= 1e6 && out->money > 0)
        return;
    fault_at(&l->faults, &money->at,
             "%s must be dollars, from 0.000001 to 1000000, not %s; remove it for no limit", name,
             money->raw);
}

void tenants_read(struct load *l, const struct ynode *root)
{
    const struct ynode *map = ynode_get(root, "tenants");

    if (!schema_is_map(l, map, "tenants"))
        return;
    for (guint i = 0; i < ynode_count(map); i++) {
        const struct ynode *key = ynode_key_at(map, i);
        g_autofree char *what = g_strdup_printf("tenants.%s", key->raw);
        struct config_tenant *t = g_new0(struct config_tenant, 1);

        t->name = g_strdup(key->raw);
        t->priority = CONFIG_NO_PRIORITY;
        g_ptr_array_add(l->config->tenants, t);
        if (!*t->name || strlen(t->name) > 256)
            fault_at(&l->faults, &key->at, "a tenant's name has from 1 to 256 bytes");
        schema_read(l, ynode_at(map, i), what, tenant_keys, G_N_ELEMENTS(tenant_keys), NULL, t);
    }
}

void config_tenant_free(gpointer tenant)
{
    struct config_tenant *t = tenant;

    g_free(t->name);
    g_free(t);
}
