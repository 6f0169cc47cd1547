/*
 * permit.c - what the application's key allows it to ask for.
 *
 * A key that names routes or models may ask for those only. A model is named with its provider, or
 * without it, and then means that of any provider: `openai/gpt-4o`, `gpt-4o`, `gpt-*`.
 */
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <glib.h>

bool permit_some(const struct exchange *e)
{
    return e->key && (e->key->routes || e->key->models);
}

bool permit_route(const struct exchange *e, const char *route)
{
    return !permit_some(e) ||
           (e->key->routes && g_strv_contains((const char *const *)e->key->routes, route));
}

/* Names of models may have slashes, too: a pattern with one is never held against such a name
 * alone. */
static bool is_listed(const struct config_key *key, weir_str full, weir_str model)
{
    for (char **m = key->models; m && *m; m++) {
        if (str_glob(strchr(*m, '/') ? full : model, str_of(*m)))
            return true;
    }
    return false;
}

bool permit_model(const struct exchange *e, weir_str provider, weir_str model)
{
    char full[512];
    size_t len = provider.len + 1 + model.len;

    if (!permit_some(e))
        return true;
    if (len > sizeof full)
        return false;
    memcpy(full, provider.ptr, provider.len);
    full[provider.len] = '/';
    if (model.len)
        memcpy(full + provider.len + 1, model.ptr, model.len);
    return is_listed(e->key, (weir_str){ full, len }, model);
}

/* What names no model asks the provider for its default. */
static weir_str model_of(const struct exchange *e, weir_str model)
{
    const struct config_provider *p = e->explicit_provider->config;

    if (model.len || e->facts.op == WEIR_OP_FORWARD || e->facts.op == WEIR_OP_MODELS)
        return model;
    return p->default_model ? str_of(p->default_model) : S("");
}

static bool is_permitted(const struct exchange *e, weir_str model)
{
    if (!e->route)
        return permit_model(e, e->explicit_provider->name, model_of(e, model));
    /* Forwarded requests go by a route to whatever model they name. */
    if (model.len && !is_listed(e->key, S(""), model))
        return false;
    return permit_route(e, e->route->name);
}

bool permit_check(struct exchange *e, weir_str model)
{
    weir_failure *failure;
    weir_str name;

    if (!permit_some(e) || is_permitted(e, model))
        return true;
    name = e->facts.model.len ? e->facts.model
           : e->route         ? str_of(e->route->name)
                              : e->explicit_provider->name;
    failure =
        failure_format(&e->arena, WEIR_CLASS_PERMISSION,
                       "the key '%s' may not ask for '%.*s'; GET /v1/models lists what it may",
                       e->key->name, S_ARG(name));
    failure->param = S("model");
    exchange_fail(e, failure);
    return false;
}
