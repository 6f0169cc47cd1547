/*
 * request.c - from a body to facts: the dialect reads it, the core adds what headers say.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "transport/http.h"

#include <weir/sdk/write.h>

/* -- the dialect's sink ----------------------------------------------------------------------- */

/* What `read` or `translate` is writing into. An answer or a refusal is only noted: the dialect
 * still borrows the request, and is not to be called from inside its own call. */
struct reading {
    struct exchange *e;
    weir_writer canonical;
    weir_str whole; /* the ingress body, if that is all there was so far: not copied */
    bool translating;
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
    e->app_key = e->key ? S("") : app_key;
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

static weir_result on_opaque(void *ctx, weir_text value, bool required)
{
    struct reading *r = ctx;

    return r->translating ? WEIR_OK : owned_found(r->e, value, required);
}

static weir_result on_dropped(void *ctx, weir_str pointer, weir_str why)
{
    struct reading *r = ctx;
    struct exchange *e = r->e;

    if (!e->route || !e->route->config->strict_loss) {
        exchange_warn(e, &(struct warning){ pointer, why, .translation = r->translating });
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
    struct reading r = { .e = e, .translating = true };
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

/* Google's APIs take the application's key as `key=` in the query. */
static bool is_key(weir_str parameter)
{
    const char *equals = memchr(parameter.ptr, '=', parameter.len);
    size_t len = equals ? (size_t)(equals - parameter.ptr) : parameter.len;
    g_autofree char *name = NULL;

    if (len == 3 && memcmp(parameter.ptr, "key", 3) == 0)
        return true;
    if (!memchr(parameter.ptr, '%', len))
        return false;
    name = g_uri_unescape_segment(parameter.ptr, parameter.ptr + len, NULL);
    return name && strcmp(name, "key") == 0;
}

weir_str exchange_public_target(struct exchange *e, const struct exchange_start *start)
{
    const char *p = start->query.ptr, *end = p + start->query.len;
    char *out = arena_alloc(&e->arena, start->target.len + 1);
    size_t used = start->path.len;
    bool found = false;

    if (!out)
        return start->path;
    memcpy(out, start->path.ptr, used);
    while (p < end) {
        const char *next = memchr(p, '&', (size_t)(end - p));
        weir_str parameter = { p, (size_t)((next ? next : end) - p) };

        p = next ? next + 1 : end;
        if (is_key(parameter)) {
            found = true;
            continue;
        }
        out[used] = used == start->path.len ? '?' : '&';
        memcpy(out + used + 1, parameter.ptr, parameter.len);
        used += parameter.len + 1;
    }
    return found ? (weir_str){ out, used } : start->target;
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
        else if (http_name_is(h->name, "x-weir-session"))
            e->facts.session = h->value;
        else if (http_name_is(h->name, "x-weir-deadline"))
            e->asked_us = exchange_deadline(h->value);
    }
    if (e->key) { /* whatever it says of itself */
        e->facts.tenant = str_of(e->key->tenant);
        e->facts.key = str_of(e->key->name);
    }
}

/* Scans the body. The table lies as long as the exchange does, so it gets no more room than it
 * needs. False: the body is not JSON. */
static bool scan_body(struct exchange *e, struct jscan_fault *fault)
{
    weir_token *tok;
    size_t size;

    if (jscan(&e->worker->tokens, e->in.body, &e->json, fault) < 0)
        return false;
    size = e->json.count * sizeof(*tok);
    tok = arena_alloc(&e->arena, size);
    if (!tok) {
        *fault = (struct jscan_fault){ 0, "it takes more memory than an exchange may have" };
        return false;
    }
    memcpy(tok, e->json.tok, size);
    e->json.tok = tok;
    return true;
}

static bool read_request(struct exchange *e)
{
    struct reading r = { .e = e };
    weir_request_sink sink = sink_for(&r);
    struct jscan_fault fault;
    weir_result result;
    uint32_t crumb;

    if (has_json_body(e->facts.op)) {
        if (!scan_body(e, &fault)) {
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
