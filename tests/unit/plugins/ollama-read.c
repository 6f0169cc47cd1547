/*
 * ollama-read.c - see ollama-read.h.
 */
#include "ollama-read.h"

#include "json/scan.h"

void told_release(void *cfg)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);

    face->release(cfg);
}

/* The endpoint with that method and path. */
static uint32_t told_endpoint(const weir_dialect_v1 *face, const char *method, const char *path)
{
    const weir_endpoint *rest = NULL;

    for (uint32_t i = 0; i < face->endpoints.count; i++) {
        const weir_endpoint *e = (const void *)((const char *)face->endpoints.items +
                                                (size_t)i * face->endpoints.stride);

        if (g_str_has_suffix(e->pattern, "**"))
            rest = e;
        else if (g_str_equal(e->method, method) && g_str_equal(e->pattern, path))
            return i;
    }
    g_assert_nonnull(rest);
    return (uint32_t)(rest - (const weir_endpoint *)face->endpoints.items);
}

void told_read(struct told *t, void *cfg, const char *method, const char *path, const char *body)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    const weir_header key = { WEIR_S("Authorization"), WEIR_S("Bearer app-key") };
    weir_ingress in = { .struct_size = sizeof(in),
                        .method = weir_str_of(method ? method : "POST"),
                        .path = weir_str_of(path),
                        .headers = &key,
                        .header_count = 1,
                        .body = weir_str_of(body),
                        .unix_us = INT64_C(1700000000) * 1000000 };
    const weir_endpoint *endpoint;
    weir_json json;
    weir_result result;

    told_init(t);
    in.arena = t->arena.arena;
    in.endpoint = told_endpoint(face, method ? method : "POST", path);
    endpoint = (const weir_endpoint *)face->endpoints.items + in.endpoint;
    if ((endpoint->op == WEIR_OP_CHAT || endpoint->op == WEIR_OP_EMBED) &&
        jscan_arena(&t->arena.arena, in.body, &json, NULL) == WEIR_OK)
        in.json = &json;
    result = face->read(cfg, &in, &t->sink);
    g_assert_true(result >= 0 || t->refusal || t->status);
    if (t->refusal)
        g_assert_cmpuint(t->class_id, ==, WEIR_CLASS_INVALID_REQUEST);
    if (!in.json || t->refusal || t->status)
        return;
    result = face->translate(cfg, &in, &t->sink);
    g_assert_true(result >= 0 || t->status);
}
