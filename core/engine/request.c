/*
 * request.c - from a body to a route: the dialect reads it, the core resolves the names in it.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "transport/http.h"

#include <weir/sdk/json.h>
#include <weir/sdk/write.h>

/* -- the dialect's sink ----------------------------------------------------------------------- */

/* What `read` or `translate` is writing into. An answer or a refusal is only noted: the dialect
 * still borrows the request, and is not to be called from inside its own call. */
struct reading {
    struct exchange *e;
    weir_writer canonical;
    weir_str whole; /* the ingress body, if that is all there was so far: not copied */
    weir_failure *refusal;
    uint32_t status; /* of an answer; 0: there is none */
    weir_str type, body;
};

static weir_result on_facts(void *ctx, const weir_facts *facts, weir_str app_key)
{
    struct reading *r = ctx;
    struct exchange *e = r->e;
    uint8_t op = e->facts.op;
    size_t size = facts->struct_size < sizeof(e->facts) ? facts->struct_size : sizeof(e->facts);

    memcpy(&e->facts, facts, size);
    e->facts.struct_size = sizeof(e->facts);
    e->facts.op = op;
    e->app_key = app_key;
    return WEIR_OK;
}

static weir_result on_body(void *ctx, weir_str bytes)
{
    struct reading *r = ctx;
    weir_str body = r->e->in.body;

    if (!r->whole.len && !r->canonical.len && bytes.ptr == body.ptr && bytes.len == body.len) {
        r->whole = bytes;
        return WEIR_OK;
    }
    if (r->whole.len)
        weir_write_bytes(&r->canonical, r->whole.ptr, r->whole.len);
    r->whole.len = 0;
    weir_write_bytes(&r->canonical, bytes.ptr, bytes.len);
    return WEIR_OK;
}

static weir_result on_opaque(void *ctx, uint32_t token, bool required)
{
    (void)ctx, (void)token, (void)required;
    return WEIR_OK;
}

static weir_result on_dropped(void *ctx, weir_str pointer, weir_str why)
{
    struct reading *r = ctx;
    struct exchange *e = r->e;

    if (!e->route || !e->route->config->strict_loss) {
        exchange_warn(e, pointer, why);
        return WEIR_OK;
    }
    e->loss = failure_format(&e->arena, WEIR_CLASS_UNSUPPORTED, "%.*s cannot be passed on: %.*s",
                             S_ARG(pointer), S_ARG(why));
    e->loss->param = arena_copy(&e->arena, pointer);
    return WEIR_UNSUPPORTED;
}

static weir_result on_answer(void *ctx, uint32_t status, weir_str type, weir_str body)
{
    struct reading *r = ctx;

    r->status = status;
    r->type = arena_copy(&r->e->arena, type);
    r->body = arena_copy(&r->e->arena, body);
    return WEIR_STOPPED;
}

static weir_result on_refuse(void *ctx, const weir_failure *failure)
{
    struct reading *r = ctx;

    r->refusal = failure_copy(&r->e->arena, failure);
    r->refusal->local = 1;
    return WEIR_STOPPED;
}

/* Ends the exchange the way the dialect asked for, if it did. */
static bool end_early(const struct reading *r)
{
    if (r->refusal) {
        exchange_fail(r->e, r->refusal);
        return true;
    }
    if (r->status) {
        reply_plain(r->e, r->status, r->type, r->body);
        exchange_finish(r->e);
        return true;
    }
    return false;
}

static weir_request_sink sink_for(struct reading *r)
{
    return (weir_request_sink){
        .struct_size = sizeof(weir_request_sink),
        .ctx = r,
        .facts = on_facts,
        .body = on_body,
        .opaque = on_opaque,
        .dropped = on_dropped,
        .answer = on_answer,
        .refuse = on_refuse,
    };
}

static uint32_t crumb_of(const struct dialect *d)
{
    return crumb_enter(d->part ? d->part->crumb : 0);
}

bool exchange_translate(struct exchange *e)
{
    struct reading r = { .e = e };
    weir_request_sink sink = sink_for(&r);
    weir_result result;
    uint32_t crumb;

    if (e->translated)
        return true;
    weir_writer_init(&r.canonical, &e->in.arena, 0);
    crumb = crumb_of(e->dialect);
    result = e->dialect->face->translate(e->dialect->cfg, &e->in, &sink);
    crumb_leave(crumb);
    if (end_early(&r))
        return false;
    if (result < 0)
        return false;
    if (r.whole.len) { /* the dialect's own form is the canonical one */
        e->canonical_bytes = e->in.body;
        e->canonical = e->json;
        e->translated = true;
        return true;
    }
    if (weir_writer_finish(&r.canonical, &e->canonical_bytes) < 0)
        return false;
    if (jscan_arena(&e->in.arena, e->canonical_bytes, &e->canonical, NULL) < 0)
        return false;
    e->translated = true;
    return true;
}

/* -- names ------------------------------------------------------------------------------------ */

/* Where a request goes, as far as its names say. */
struct resolved {
    const struct route *route;
    const struct provider *provider;
    weir_str model;
    bool forced; /* the model was asked for by name: send it as it is */
};

static bool names_default(weir_str model)
{
    return model.len == 0 || str_is(model, "default") || str_is(model, "auto");
}

/* provider/model, if what stands before the slash is a provider. */
static bool split_model(const struct tree *tree, weir_str name, struct resolved *r)
{
    const char *slash = name.len ? memchr(name.ptr, '/', name.len) : NULL;

    if (!slash)
        return false;
    r->provider = tree_provider(tree, (weir_str){ name.ptr, (size_t)(slash - name.ptr) });
    r->model = (weir_str){ slash + 1, name.len - (size_t)(slash + 1 - name.ptr) };
    r->forced = true;
    return r->provider != NULL;
}

static const struct provider *find_by_model(const struct tree *tree, weir_str model,
                                            bool (*knows)(const struct provider *, weir_str))
{
    for (guint i = 0; i < tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(tree->providers, i);

        if (knows(p, model))
            return p;
    }
    return NULL;
}

static void add_names(const struct generation *g, GPtrArray *names)
{
    for (guint i = 0; i < g->tree->routes->len; i++)
        g_ptr_array_add(names,
                        (gpointer)((struct route *)g_ptr_array_index(g->tree->routes, i))->name);
    for (guint i = 0; i < g->tree->providers->len; i++) {
        const struct provider *p = g_ptr_array_index(g->tree->providers, i);
        GHashTableIter iter;
        gpointer key;

        g_ptr_array_add(names, p->config->name);
        if (p->config->default_model)
            g_ptr_array_add(names, p->config->default_model);
        for (guint k = 0; p->config->models && k < p->config->models->len; k++)
            g_ptr_array_add(names, g_ptr_array_index(p->config->models, k));
        if (!p->config->aliases)
            continue;
        g_hash_table_iter_init(&iter, p->config->aliases);
        while (g_hash_table_iter_next(&iter, &key, NULL))
            g_ptr_array_add(names, key);
    }
    g_ptr_array_add(names, NULL);
}

static void fail_unknown(struct exchange *e, const char *what, weir_str name, unsigned class_id)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *word = g_strndup(name.ptr, name.len);
    const char *near;
    weir_failure *failure;

    add_names(e->generation, names);
    near = config_nearest(word, (const char *const *)names->pdata);
    failure = failure_format(&e->arena, class_id, "%s '%.*s' is not configured%s%s%s", what,
                             S_ARG(name), near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "; GET /v1/models lists what is");
    failure->param = S("model");
    exchange_fail(e, failure);
}

/* The order of the design: explicit provider, route, alias or listed model, claimed model. */
static bool resolve(struct exchange *e, struct resolved *r)
{
    const struct tree *tree = e->generation->tree;
    weir_str model = e->facts.model;

    *r = (struct resolved){ .model = model };
    if (e->facts.provider.len) {
        r->provider = tree_provider(tree, e->facts.provider);
        if (!r->provider) {
            fail_unknown(e, "provider", e->facts.provider, WEIR_CLASS_NO_PROVIDER);
            return false;
        }
        if (model.len) {
            struct resolved named = { 0 };

            if (split_model(tree, model, &named) && named.provider == r->provider)
                r->model = named.model;
            r->forced = !names_default(model);
        }
        if (!r->forced)
            r->model = S("");
        return true;
    }
    if (names_default(model)) {
        r->route = e->generation->default_route;
        r->model = S("");
        return true;
    }
    if (split_model(tree, model, r))
        return true;
    r->model = model;
    r->forced = false;
    r->route = tree_route(tree, model);
    if (r->route) {
        r->model = S("");
        return true;
    }
    r->provider = find_by_model(tree, model, provider_lists);
    if (!r->provider)
        r->provider = find_by_model(tree, model, provider_claims);
    if (!r->provider)
        r->provider = tree_provider(tree, model); /* a provider's name asks for its default */
    if (r->provider) {
        if (str_eq(r->provider->name, model))
            r->model = S("");
        return true;
    }
    if (e->generation->config->unknown_to_default && e->generation->default_route) {
        exchange_warn(e, S("model"), S("unknown model: the default route was asked instead"));
        r->route = e->generation->default_route;
        r->model = S("");
        return true;
    }
    if (e->facts.op == WEIR_OP_FORWARD) { /* the vendor knows its own names */
        r->route = e->generation->default_route;
        return true;
    }
    fail_unknown(e, "model", model, WEIR_CLASS_NO_ROUTE);
    return false;
}

/* With a single provider there is nothing to choose. */
static const struct provider *only_provider(const struct generation *g)
{
    return g->tree->providers->len == 1 ? g_ptr_array_index(g->tree->providers, 0) : NULL;
}

void exchange_route(struct exchange *e)
{
    struct resolved r;

    if (!resolve(e, &r))
        return;
    if (!r.route && !r.provider)
        r.provider = only_provider(e->generation);
    if (!r.route && !r.provider) {
        weir_failure *failure = failure_format(
            &e->arena, WEIR_CLASS_NO_ROUTE,
            "the request names no model and there is no default_route; name a model, a route or "
            "provider/model, or send x-weir-provider");
        failure->param = S("model");
        exchange_fail(e, failure);
        return;
    }
    e->route = r.route;
    e->explicit_provider = r.provider;
    e->walk = (struct walk){
        .ops = &exchange_walk_ops,
        .loop = e->worker->loop,
        .arena = &e->arena,
        .facts = &e->facts,
        .asked = r.model,
        .forced = r.forced,
        .native = e->facts.op == WEIR_OP_FORWARD ? str_of(e->dialect->face->id) : S(""),
        .seed = worker_random(e->worker),
    };
    e->root = r.route ? r.route->root : r.provider->direct;
    if (!filters_select(e))
        return;
    exchange_budget(e);
    if (!filters_request(e))
        return;
    if (e->root)
        walk_start(&e->walk, e->root);
    else
        exchange_refuse(e, WEIR_CLASS_INTERNAL,
                        "a provider can only be asked by name if the failover strategy is there");
}

/* -- the request ------------------------------------------------------------------------------ */

/* Replaces %XX in the captures; a capture with a bad escape is left as it is. */
void exchange_captures(struct exchange *e, const struct endpoint_match *match)
{
    weir_str *captures = NULL;

    if (match->capture_count)
        captures = arena_alloc(&e->arena, sizeof(*captures) * match->capture_count);

    for (uint32_t i = 0; captures && i < match->capture_count; i++) {
        g_autofree char *plain = g_uri_unescape_segment(
            match->captures[i].ptr, match->captures[i].ptr + match->captures[i].len, NULL);

        captures[i] = arena_copy(&e->arena, plain ? str_of(plain) : match->captures[i]);
    }
    e->in.captures = captures;
    e->in.capture_count = captures ? match->capture_count : 0;
}

static bool has_json_body(unsigned op)
{
    return op == WEIR_OP_CHAT || op == WEIR_OP_EMBED || op == WEIR_OP_COUNT;
}

/* Headers that the configuration shows to strategies, under the names it gives them. */
static void read_tags(struct exchange *e)
{
    GHashTable *wanted = e->generation->config->tag_headers;
    weir_header *tags;
    GHashTableIter iter;
    gpointer header, tag;

    if (!wanted || !g_hash_table_size(wanted))
        return;
    tags = arena_alloc(&e->arena, sizeof(*tags) * g_hash_table_size(wanted));
    if (!tags)
        return;
    g_hash_table_iter_init(&iter, wanted);
    while (g_hash_table_iter_next(&iter, &header, &tag)) {
        for (uint32_t i = 0; i < e->in.header_count; i++) {
            if (!http_name_is(e->in.headers[i].name, header))
                continue;
            tags[e->facts.tag_count].name = str_of(tag);
            tags[e->facts.tag_count++].value = e->in.headers[i].value;
            break;
        }
    }
    e->facts.tags = tags;
}

/* Headers that are ours, whatever the dialect. */
static void read_headers(struct exchange *e)
{
    const struct config *config = e->generation->config;

    for (uint32_t i = 0; i < e->in.header_count; i++) {
        const weir_header *h = &e->in.headers[i];

        if (http_name_is(h->name, "x-weir-provider"))
            e->facts.provider = h->value;
        else if (config->tenant_header && http_name_is(h->name, config->tenant_header))
            e->facts.tenant = h->value;
    }
}

static bool read_request(struct exchange *e)
{
    struct reading r = { .e = e };
    weir_request_sink sink = sink_for(&r);
    struct jscan_fault fault;
    weir_result result;
    uint32_t crumb;

    if (has_json_body(e->facts.op)) {
        if (jscan_arena(&e->in.arena, e->in.body, &e->json, &fault) < 0) {
            exchange_fail(e, failure_format(&e->arena, WEIR_CLASS_INVALID_REQUEST,
                                            "the request body is not JSON: %s at byte %zu",
                                            fault.what, fault.offset));
            return false;
        }
        e->in.json = &e->json;
    }
    crumb = crumb_of(e->dialect);
    result = e->dialect->face->read(e->dialect->cfg, &e->in, &sink);
    crumb_leave(crumb);
    if (end_early(&r))
        return false;
    if (result < 0) {
        exchange_refuse(e, WEIR_CLASS_INVALID_REQUEST, "the request could not be read");
        return false;
    }
    e->facts.body_bytes = (int64_t)e->in.body.len;
    e->facts.dialect = str_of(e->dialect->face->id);
    read_headers(e);
    read_tags(e);
    return true;
}

void exchange_request(struct exchange *e, weir_str body)
{
    e->started = true;
    e->in.body = body;
    e->bytes_in = body.len;
    if (!read_request(e))
        return;
    if (e->facts.op == WEIR_OP_MODELS && !e->facts.provider.len)
        models_answer(e);
    else
        exchange_route(e);
}

void exchange_stream(struct exchange *e, int64_t length)
{
    e->started = true;
    e->body_stream = length;
    if (read_request(e))
        exchange_route(e);
}
