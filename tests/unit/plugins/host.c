/*
 * host.c - see host.h.
 */
#include "host.h"

#include "json/scan.h"

#include <string.h>

extern const weir_plugin weir_plugin_v1;

const void *host_part(const char *face)
{
    for (uint32_t i = 0; i < weir_plugin_v1.part_count; i++) {
        if (g_str_equal(weir_plugin_v1.parts[i]->face, face))
            return weir_plugin_v1.parts[i]->vtable;
    }
    g_assert_not_reached();
}

const void *host_part_named(const char *face, const char *name)
{
    for (uint32_t i = 0; i < weir_plugin_v1.part_count; i++) {
        if (g_str_equal(weir_plugin_v1.parts[i]->face, face) &&
            g_str_equal(weir_plugin_v1.parts[i]->name, name))
            return weir_plugin_v1.parts[i]->vtable;
    }
    g_assert_not_reached();
}

void *host_provider(const char *options)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    struct host_arena arena;
    weir_json doc;
    void *cfg = NULL;

    host_arena_init(&arena);
    doc = host_scan(&arena, options);
    g_assert_cmpint(face->configure(&host_services, &doc, &cfg, NULL), ==, WEIR_OK);
    host_arena_clear(&arena);
    return cfg;
}

void *host_dialect(void)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    const weir_json none = { { "", 0 }, NULL, 0 };
    void *cfg = NULL;

    g_assert_cmpint(face->configure(&host_services, &none, &cfg, NULL), ==, WEIR_OK);
    return cfg;
}

/* -- Memory ----------------------------------------------------------------------------------- */

static void *arena_alloc(void *owner, size_t size)
{
    struct host_arena *a = owner;
    void *piece = g_malloc(size ? size : 1);

    memset(piece, 0xA5, size);
    g_ptr_array_add(a->pieces, piece);
    return piece;
}

void host_arena_init(struct host_arena *a)
{
    a->arena.owner = a;
    a->arena.alloc = arena_alloc;
    a->pieces = g_ptr_array_new_with_free_func(g_free);
}

void host_arena_clear(struct host_arena *a)
{
    g_ptr_array_unref(a->pieces);
}

weir_json host_scan(struct host_arena *a, const char *json)
{
    weir_json doc;

    g_assert_cmpint(jscan_arena(&a->arena, weir_str_of(json), &doc, NULL), ==, WEIR_OK);
    return doc;
}

char *host_text(weir_str s)
{
    return g_strndup(s.ptr, s.len);
}

static weir_result service_scan(const weir_arena *arena, weir_str bytes, weir_json *out,
                                size_t *offset)
{
    struct jscan_fault fault = { 0, NULL };
    weir_result result = jscan_arena(arena, bytes, out, &fault);

    if (offset)
        *offset = fault.offset;
    return result;
}

static const void *service_find(const weir_host *host, const char *id)
{
    static const weir_json_service json = { sizeof(json), 0, service_scan };

    return g_str_equal(id, WEIR_SERVICE_JSON) ? &json : NULL;
}

const weir_host host_services = { sizeof(weir_host), 1, 0, NULL, service_find };

/* -- Exchanges -------------------------------------------------------------------------------- */

struct host_exchange *host_exchange_new(uint8_t op, const char *body, const char *model)
{
    struct host_exchange *e = g_new0(struct host_exchange, 1);
    bool stream = false;

    host_arena_init(&e->arena);
    e->target.struct_size = sizeof(e->target);
    e->target.name = WEIR_S("test/model");
    e->target.provider = WEIR_S("test");
    e->target.base_url = WEIR_S("https://upstream.test/v1");
    e->target.model = weir_str_of(model);
    e->target.credential = WEIR_S("KEY");
    e->x.struct_size = sizeof(e->x);
    e->x.op = op;
    e->x.attempt = 1;
    e->x.id = WEIR_S("x-1");
    e->x.dialect = WEIR_S("openai.chat");
    e->x.unix_us = INT64_C(1700000000) * 1000000;
    e->x.seed = 42;
    e->x.arena = e->x.keep = e->arena.arena;
    e->x.request = &e->request;
    e->x.target = &e->target;
    if (body) {
        char *copy = arena_alloc(&e->arena, strlen(body) + 1);

        e->request = host_scan(&e->arena, strcpy(copy, body));
        e->x.body = e->request.bytes;
        weir_json_bool(&e->request, weir_json_find(&e->request, 0, "stream"), &stream);
        e->x.stream = stream;
    }
    return e;
}

void host_exchange_free(struct host_exchange *e)
{
    host_arena_clear(&e->arena);
    g_free(e);
}

/* -- Replies ---------------------------------------------------------------------------------- */

static weir_result reply_head(void *ctx, uint32_t status, const weir_header *headers,
                              uint32_t count)
{
    struct host_reply *r = ctx;

    g_assert_cmpuint(r->status, ==, 0);
    r->status = status;
    for (uint32_t i = 0; i < count; i++)
        g_string_append_printf(r->headers, "%.*s: %.*s\n", (int)headers[i].name.len,
                               headers[i].name.ptr, (int)headers[i].value.len,
                               headers[i].value.ptr);
    return WEIR_OK;
}

static weir_result reply_bytes(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct host_reply *)ctx)->bytes, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

void host_reply_init(struct host_reply *r)
{
    memset(r, 0, sizeof(*r));
    r->sink.struct_size = sizeof(r->sink);
    r->sink.ctx = r;
    r->sink.head = reply_head;
    r->sink.bytes = reply_bytes;
    r->headers = g_string_new(NULL);
    r->bytes = g_string_new(NULL);
}

void host_reply_clear(struct host_reply *r)
{
    g_string_free(r->headers, TRUE);
    g_string_free(r->bytes, TRUE);
}
