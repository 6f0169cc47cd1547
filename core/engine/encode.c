/*
 * encode.c - the request of an attempt, as the provider part writes it.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "transport/http.h"

static bool inside(weir_str whole, weir_str part)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

/* Bytes of the request's body are taken by reference; nothing else outlives the call. */
static weir_str keep(struct attempt *a, weir_str bytes)
{
    struct exchange *e = a->exchange;

    if (inside(e->in.body, bytes) || (e->translated && inside(e->canonical_bytes, bytes)))
        return bytes;
    return arena_copy(&e->arena, bytes);
}

static weir_result on_line(void *ctx, weir_str method, weir_str url)
{
    struct attempt *a = ctx;

    a->method = keep(a, method);
    a->url = keep(a, url);
    return WEIR_OK;
}

static bool grow(struct arena *arena, void **array, uint32_t count, uint32_t *cap, size_t size)
{
    uint32_t more = *cap ? *cap * 2 : 8;
    void *bigger;

    if (count < *cap)
        return true;
    bigger = arena_alloc(arena, more * size);
    if (!bigger)
        return false;
    if (count)
        memcpy(bigger, *array, count * size);
    *array = bigger;
    *cap = more;
    return true;
}

/* A header with a control character in it would be another request altogether. */
static bool is_clean(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t')
            return false;
    }
    return true;
}

static weir_result on_header(void *ctx, weir_str name, weir_str value)
{
    struct attempt *a = ctx;
    struct arena *arena = &a->exchange->arena;

    if (!name.len || !is_clean(name) || !is_clean(value))
        return WEIR_INVALID;
    if (!grow(arena, (void **)&a->headers, a->header_count, &a->header_cap, sizeof(*a->headers)))
        return WEIR_NO_MEMORY;
    a->headers[a->header_count].name = arena_copy(arena, name);
    a->headers[a->header_count++].value = arena_copy(arena, value);
    return WEIR_OK;
}

static weir_result on_body(void *ctx, weir_str bytes)
{
    struct attempt *a = ctx;

    if (!bytes.len)
        return WEIR_OK;
    if (!grow(&a->exchange->arena, (void **)&a->body, a->body_count, &a->body_cap,
              sizeof(*a->body)))
        return WEIR_NO_MEMORY;
    a->body[a->body_count++] = keep(a, bytes);
    return WEIR_OK;
}

static weir_result on_dropped(void *ctx, weir_str pointer, weir_str why)
{
    struct attempt *a = ctx;
    const struct route *route = a->exchange->route;

    if (!route || !route->config->strict_loss) {
        exchange_warn(a->exchange, &(struct warning){ pointer, why, a });
        return WEIR_OK;
    }
    a->failure = failure_format(&a->exchange->arena, WEIR_CLASS_UNSUPPORTED,
                                "%.*s cannot be expressed at %s: %.*s", S_ARG(pointer),
                                a->target->name, S_ARG(why));
    a->failure->param = arena_copy(&a->exchange->arena, pointer);
    return WEIR_UNSUPPORTED;
}

static weir_result on_script(void *ctx, const weir_script *script)
{
    struct attempt *a = ctx;

    a->script = script_copy(&a->exchange->arena, script);
    return a->script ? WEIR_OK : WEIR_NO_MEMORY;
}

static bool has_header(const struct attempt *a, weir_str name)
{
    for (uint32_t i = 0; i < a->header_count; i++) {
        if (a->headers[i].name.len == name.len &&
            g_ascii_strncasecmp(a->headers[i].name.ptr, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

/* Headers that the provider part lists; but the application's own credentials, and what belongs to
 * its connection or to us, never cross. */
static bool may_cross(const struct attempt *a, weir_str name)
{
    static const char *const never[] = {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "host",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "content-length",
        "x-weir-*",
        NULL,
    };

    return http_name_listed(name, a->provider->face->forward_headers) &&
           !http_name_listed(name, never);
}

/* Headers of the application that the provider part lists, unless it has written them itself. */
static weir_result add_app_headers(struct attempt *a)
{
    const struct exchange *e = a->exchange;

    for (uint32_t i = 0; i < e->in.header_count; i++) {
        const weir_header *h = &e->in.headers[i];
        weir_result r;

        if (!may_cross(a, h->name) || has_header(a, h->name))
            continue;
        r = on_header(a, h->name, h->value);
        if (r < 0)
            return r;
    }
    return WEIR_OK;
}

weir_result attempt_encode(struct attempt *a)
{
    const weir_http_sink sink = {
        .struct_size = sizeof(sink),
        .ctx = a,
        .line = on_line,
        .header = on_header,
        .body = on_body,
        .dropped = on_dropped,
        .script = on_script,
    };
    uint32_t crumb = crumb_enter(a->provider->crumb);
    weir_result r = a->provider->face->encode(a->provider->cfg, &a->x, &sink);

    if (r >= 0 && !a->script)
        r = add_app_headers(a);
    if (r >= 0 && !a->script)
        r = a->provider->face->sign(a->provider->cfg, &a->x, a->method, a->url, a->headers,
                                    a->header_count, a->body, a->body_count, &sink);
    crumb_leave(crumb);
    return r;
}
