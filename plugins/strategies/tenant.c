/*
 * tenant - chooses by who asks.
 *
 *   tenant: { enterprise: anthropic, "trial-*": local, "*": main }
 *   tenant:
 *     by: metadata.team
 *     tenants: { research: openai/gpt-4o, "*": main }
 *
 * by       what names the tenant: `tenant` (of the application's key, or the tenant_header), `key`
 *          (the key's name), `user` (the end user that the request names), `session`,
 *          `metadata.NAME` (a text in the request's metadata), or the name of one of the headers
 *          and tags under `tags`
 * tenants  names and where they go, first match first: '*' stands for any run of characters,
 *          /between slashes/ stands a regular expression; `*` and `default` match everybody, also
 *          who has no name
 *
 * Who matches nothing is refused with no_route. If the child that matched cannot serve, the node
 * gives up: put a failover inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/pattern.h>
#include <weir/sdk/router.h>

#define TENANT_OPTIONS(O)                                                  \
    O(STRING, "by", "tenant", NULL, 0,                                     \
      "tenant, key, user, session, metadata.NAME, or a name under `tags`") \
    O(CHILDREN, "tenants", NULL, NULL, WEIR_OPTION_REQUIRED,               \
      "names, with '*' for any characters or as /regular expression/, and where they go")
#define TENANT_CHILD_OPTIONS(O)                         \
    O(STRING, "name", NULL, NULL, WEIR_OPTION_REQUIRED, \
      "name of a tenant; '*' for any characters, /regular expression/")

static const weir_option tenant_options[] = { TENANT_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option tenant_child_options[] = { TENANT_CHILD_OPTIONS(WEIR_OPTION_ROW) };
static const weir_children tenant_children = { sizeof(weir_children), 0, NULL, "name" };

struct tenant_rule {
    struct weir_pattern name;
    uint32_t child;
};

struct tenant {
    char *by;
    uint32_t count;
    struct tenant_rule rules[];
};

static void tenant_release(void *cfg)
{
    struct tenant *t = (struct tenant *)cfg;

    for (uint32_t i = 0; t && i < t->count; i++)
        weir_pattern_clear(&t->rules[i].name);
    if (t)
        free(t->by);
    free(t);
}

static weir_result tenant_read(struct tenant *t, const weir_json *options, uint32_t item,
                               weir_error *error)
{
    struct tenant_rule *rule = &t->rules[t->count++];
    uint32_t name = weir_json_find(options, item, "name");

    rule->child = weir_route_child(options, item);
    if (!weir_json_unescape(options, name, NULL, 0) || rule->child == WEIR_NO_CHILD)
        return weir_error_set(error, WEIR_INVALID, "name",
                              "every child needs the name of a tenant; '*' matches all");
    return weir_pattern_read(&rule->name, options, name, "name", error);
}

static weir_result tenant_configure(const weir_host *host, const weir_json *options, void **cfg,
                                    weir_error *error)
{
    uint32_t list = weir_json_find(options, 0, "tenants");
    uint32_t count = weir_json_count(options, list);
    struct tenant *t = (struct tenant *)calloc(1, sizeof(*t) + (size_t)count * sizeof(t->rules[0]));
    weir_result result = WEIR_OK;
    (void)host;

    if (!t || !(t->by = weir_option_string(options, "by"))) {
        tenant_release(t);
        return weir_error_memory(error);
    }
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        result = tenant_read(t, options, item, error);
        if (result == WEIR_OK && weir_pattern_is_any(&t->rules[t->count - 1].name))
            result = weir_route_rest(count - t->count, "tenants", error);
        if (result != WEIR_OK) {
            tenant_release(t);
            return result;
        }
    }
    *cfg = t;
    return WEIR_OK;
}

/* Who asks; empty: nobody says. */
static weir_str tenant_of(const struct tenant *t, const weir_facts *f)
{
    if (!t->by[0] || strcmp(t->by, "tenant") == 0)
        return f->tenant;
    if (strcmp(t->by, "key") == 0)
        return f->key;
    if (strcmp(t->by, "user") == 0)
        return f->user;
    if (strcmp(t->by, "session") == 0)
        return f->session;
    return weir_header_find(f->tags, f->tag_count, t->by);
}

static weir_result tenant_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct tenant *t = (const struct tenant *)cfg;
    weir_str who;

    if (weir_route_is_over(ask, d))
        return WEIR_OK;
    who = tenant_of(t, ask->facts);
    for (uint32_t i = 0; i < t->count; i++) {
        if (weir_pattern_is_any(&t->rules[i].name))
            return weir_route_to(ask, d, t->rules[i].child, i, "where everybody else goes");
        if (who.len && weir_pattern_matches(&t->rules[i].name, who))
            return weir_route_to(ask, d, t->rules[i].child, i, "matches the tenant's name");
    }
    return weir_decide_refuse(d, WEIR_CLASS_NO_ROUTE,
                              who.len ? "no name matches the tenant" : "the request has no tenant");
}

static const weir_strategy_v1 tenant_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_METADATA,
    .options = WEIR_ARRAY_OF(tenant_options),
    .child_options = WEIR_ARRAY_OF(tenant_child_options),
    .children = &tenant_children,
    .configure = tenant_configure,
    .release = tenant_release,
    .next = tenant_next,
};

static const weir_part tenant_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "tenant",
                                       &tenant_face };
static const weir_part *const tenant_parts[] = { &tenant_part };

WEIR_PLUGIN("weir.tenant", "1.0", tenant_parts,
            WEIR_TEXT_PART("strategy", "tenant", TENANT_OPTIONS)
                WEIR_TEXT_CHILD(TENANT_CHILD_OPTIONS))
