/*
 * shadow.c - copies of a request that go to another child, where a strategy says so: their answers
 * reach nobody, and are only logged and counted.
 *
 * A copy is an exchange of its own, without a front. It has all it needs of the request in its own
 * memory, so that the first exchange may end when it likes; it walks the child's part of the tree
 * with a budget of its own. The first exchange does nothing for it but copying, once, when an
 * attempt of its own is on the way: it never waits for the copy, and hears nothing of it.
 */
#include "base/str.h"
#include "engine/decisions.h"
#include "engine/exchange.h"
#include "engine/stats.h"
#include "model/failure.h"

enum { SHADOW_BYTES = 64 << 20 }; /* of request bodies, in all copies of a worker together */

/* -- what is copied --------------------------------------------------------------------------- */

static void copy_str(struct exchange *c, weir_str *s)
{
    *s = arena_copy(&c->arena, *s);
}

static void copy_text(struct exchange *c, weir_text *t)
{
    t->ptr = arena_copy(&c->arena, (weir_str){ t->ptr, t->len }).ptr;
    t->len = t->ptr ? t->len : 0;
}

/* Headers that are for us have said what they had to say. */
static const weir_header *copy_headers(struct exchange *c, const weir_header *from, uint32_t *count)
{
    weir_header *to = *count ? arena_alloc(&c->arena, sizeof(*to) * *count) : NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; to && i < *count; i++) {
        if (from[i].name.len >= 7 && g_ascii_strncasecmp(from[i].name.ptr, "x-weir-", 7) == 0)
            continue;
        to[n] = from[i];
        copy_str(c, &to[n].name);
        copy_str(c, &to[n++].value);
    }
    *count = n;
    return to;
}

/* The table over `bytes`, which are a copy of the document's. */
static bool copy_json(struct exchange *c, const weir_json *from, weir_str bytes, weir_json *to)
{
    size_t size = from->count * sizeof(*from->tok);
    weir_token *tok = arena_alloc(&c->arena, size + 1);

    if (!tok)
        return false;
    if (size)
        memcpy(tok, from->tok, size);
    *to = (weir_json){ bytes, tok, from->count };
    return true;
}

/* As it came, and as it is in canonical form, if it was put into that. */
static bool copy_body(struct exchange *c, const struct exchange *e)
{
    copy_str(c, &c->in.body);
    if (c->in.body.len != e->in.body.len || !copy_json(c, &e->json, c->in.body, &c->json))
        return false;
    c->in.json = e->in.json ? &c->json : NULL;
    if (!e->translated)
        return true;
    c->edited = e->edited;
    c->translated = true;
    if (e->canonical_bytes.ptr == e->in.body.ptr) {
        c->canonical_bytes = c->in.body;
        c->canonical = c->json;
        return true;
    }
    c->canonical_bytes = arena_copy(&c->arena, e->canonical_bytes);
    return c->canonical_bytes.len == e->canonical_bytes.len &&
           copy_json(c, &e->canonical, c->canonical_bytes, &c->canonical);
}

static void copy_facts(struct exchange *c)
{
    weir_facts *f = &c->facts;
    weir_str *const strings[] = { &f->model,   &f->provider, &f->tenant,   &f->user,
                                  &f->session, &f->text,     &f->all_text, &f->key };

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        copy_str(c, strings[i]);
    f->tags = copy_headers(c, f->tags, &f->tag_count);
}

static void copy_ingress(struct exchange *c)
{
    weir_ingress *in = &c->in;
    weir_str *captures =
        in->capture_count ? arena_alloc(&c->arena, sizeof(*captures) * in->capture_count) : NULL;

    for (uint32_t i = 0; captures && i < in->capture_count; i++)
        captures[i] = arena_copy(&c->arena, in->captures[i]);
    in->captures = captures;
    in->capture_count = captures ? in->capture_count : 0;
    copy_str(c, &in->method);
    copy_str(c, &in->path);
    copy_str(c, &in->query);
    in->headers = copy_headers(c, in->headers, &in->header_count);
    copy_str(c, &c->target_path);
    copy_str(c, &c->app_key);
}

static void copy_owners(struct exchange *c, struct opaque_owners *owners)
{
    for (uint32_t i = 0; i < owners->count; i++)
        copy_text(c, &owners->value[i]);
}

static bool copy_opaque(struct exchange *c, const struct exchange *e)
{
    if (!e->opaque)
        return true;
    c->opaque = arena_alloc(&c->arena, sizeof(*c->opaque));
    if (!c->opaque)
        return false;
    *c->opaque = *e->opaque;
    copy_owners(c, &c->opaque->required);
    copy_owners(c, &c->opaque->optional);
    copy_text(c, &c->opaque->unknown_required);
    return true;
}

/* What was met before there was any attempt. */
static void copy_warnings(struct exchange *c, const struct exchange *e)
{
    for (uint32_t i = 0; i < e->warning_count; i++) {
        if (!e->warnings[i].of)
            exchange_warn(c, &e->warnings[i]);
    }
}

static bool copy_request(struct exchange *c, const struct exchange *e)
{
    c->in.endpoint = e->in.endpoint;
    c->in.method = e->in.method;
    c->in.path = e->in.path;
    c->in.query = e->in.query;
    c->in.headers = e->in.headers;
    c->in.header_count = e->in.header_count;
    c->in.captures = e->in.captures;
    c->in.capture_count = e->in.capture_count;
    c->in.body = e->in.body;
    c->target_path = e->target_path;
    c->app_key = e->app_key;
    c->facts = e->facts;
    c->bytes_in = e->bytes_in;
    g_strlcpy(c->peer, e->peer, sizeof c->peer);
    copy_ingress(c);
    copy_facts(c);
    copy_warnings(c, e);
    return copy_body(c, e) && copy_opaque(c, e);
}

/* -- its way ---------------------------------------------------------------------------------- */

/* A target is asked as if it had been named: with the retries of its provider. */
static void aim(struct exchange *c, const struct exchange *e, const struct child *child)
{
    bool named = child->kind == CHILD_LEAF && child->model.len;

    c->route = e->route;
    c->explicit_provider = e->explicit_provider;
    c->root = child->kind == CHILD_LEAF ? child->provider->direct : child->node;
    c->walk = (struct walk){
        .ops = &exchange_walk_ops,
        .loop = c->worker->loop,
        .arena = &c->arena,
        .facts = &c->facts,
        .asked = arena_copy(&c->arena, named ? child->model : e->walk.asked),
        .forced = named || e->walk.forced,
        .opaque = c->opaque,
        .strict = e->walk.strict,
        .seed = worker_random(c->worker),
        .tokens = e->walk.tokens,
    };
}

/* At the end of the iteration, so that what the first exchange has to do comes first. */
static void begin(struct loop_task *task)
{
    struct exchange *c = (struct exchange *)((char *)task - offsetof(struct exchange, cleanup));

    walk_start(&c->walk, c->root, WEIR_ASK_START);
}

static uint64_t size_of(const struct exchange *e)
{
    bool twice = e->translated && e->canonical_bytes.ptr != e->in.body.ptr;

    return e->in.body.len + (twice ? e->canonical_bytes.len : 0);
}

/* NULL: it is on its way. */
static const char *send(struct exchange *e, struct shadow *s)
{
    struct worker *w = e->worker;
    struct exchange *c;

    if (s->child->kind == CHILD_LEAF && !s->child->provider->direct)
        return "a provider can only be asked by itself if the failover strategy is there";
    if (w->shadows >= e->generation->config->shadows)
        return "as many as limits.shadows are under way";
    if (w->shadow_bytes + size_of(e) > SHADOW_BYTES)
        return "those under way take all the memory that they may";
    c = exchange_copy(e);
    c->started = true;
    c->copy_of = arena_copy(&c->arena, str_of(e->id)).ptr;
    c->copy_name = s->child->name;
    w->shadows++;
    if (!copy_request(c, e)) {
        c->started = false;
        exchange_finish(c);
        return "out of memory";
    }
    c->copy_bytes = size_of(c);
    w->shadow_bytes += c->copy_bytes;
    aim(c, e, s->child);
    exchange_budget(c);
    decisions_begin(c);
    g_strlcpy(s->id, c->id, sizeof s->id);
    loop_defer(w->loop, &c->cleanup, begin);
    return NULL;
}

void shadow_due(struct walk *walk, const struct child *child)
{
    struct exchange *e = (struct exchange *)((char *)walk - offsetof(struct exchange, walk));
    struct shadow **at = &e->shadows, *s;

    if (e->copy_of || e->rehearsal || (e->facts.op != WEIR_OP_CHAT && e->facts.op != WEIR_OP_EMBED))
        return;
    for (; *at; at = &(*at)->next) {
        if ((*at)->child == child) /* however often the request comes by, it is the same one */
            return;
    }
    s = arena_zalloc(&e->arena, sizeof(*s));
    if (!s)
        return;
    s->child = child;
    *at = s;
}

void shadow_send(struct exchange *e)
{
    for (struct shadow *s = e->shadows; s; s = s->next) {
        if (s->id[0] || s->why_not)
            continue;
        s->why_not = send(e, s);
        if (s->why_not)
            stats_no_shadow(e->worker->stats, e);
    }
}

void shadow_over(struct exchange *e)
{
    e->worker->shadows--;
    e->worker->shadow_bytes -= e->copy_bytes;
}
