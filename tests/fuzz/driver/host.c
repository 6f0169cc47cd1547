/*
 * host.c - memory, services and configured parts; see driver.h.
 */
#include "driver.h"

#include "json/scan.h"

#include <stdio.h>
#include <weir/sdk/utf8.h>

extern const weir_plugin weir_plugin_v1;

void fuzz_check(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/* -- Memory ----------------------------------------------------------------------------------- */

enum { ARENA_MAX = 64 << 20 };

/* A piece is its own allocation, so that the sanitizer knows where it ends. */
struct piece {
    struct piece *next;
    size_t size;
};

struct fuzz_arena {
    struct piece *pieces;
    size_t total;
};

struct fuzz_arena *fuzz_arena_new(void)
{
    struct fuzz_arena *a = (struct fuzz_arena *)calloc(1, sizeof(*a));

    FUZZ_CHECK(a, "memory");
    return a;
}

void fuzz_arena_free(struct fuzz_arena *a)
{
    struct piece *next;

    for (struct piece *p = a->pieces; p; p = next) {
        next = p->next;
        free(p);
    }
    free(a);
}

static void *arena_piece(void *owner, size_t size)
{
    struct fuzz_arena *a = (struct fuzz_arena *)owner;
    struct piece *p;

    if (size > ARENA_MAX - a->total)
        return NULL;
    p = (struct piece *)malloc(sizeof(*p) + size);
    FUZZ_CHECK(p, "memory");
    p->next = a->pieces;
    p->size = size;
    a->pieces = p;
    a->total += size;
    memset(p + 1, 0xA5, size);
    return p + 1;
}

weir_arena fuzz_arena_abi(struct fuzz_arena *a)
{
    weir_arena abi = { 0 };

    abi.owner = a;
    abi.alloc = arena_piece;
    return abi;
}

/* -- Services --------------------------------------------------------------------------------- */

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

    (void)host;
    return strcmp(id, WEIR_SERVICE_JSON) == 0 ? &json : NULL;
}

static const void *find_part(const char *face, const char *name)
{
    for (uint32_t i = 0; i < weir_plugin_v1.part_count; i++) {
        const weir_part *part = weir_plugin_v1.parts[i];

        if (strcmp(part->face, face) == 0 && strcmp(part->name, name) == 0)
            return part->vtable;
    }
    FUZZ_CHECK(false, "the plugin has no such part");
    return NULL;
}

void fuzz_setup(struct fuzz_api *api)
{
    static const weir_host host = { sizeof(host), 1, 0, NULL, service_find };
    static const weir_json none = { { "", 0 }, NULL, 0 };
    struct fuzz_arena *arena;
    weir_arena abi;
    weir_json options;

    if (api->provider_face)
        return;
    arena = fuzz_arena_new();
    abi = fuzz_arena_abi(arena);
    FUZZ_CHECK(jscan_arena(&abi, weir_str_of(api->options), &options, NULL) == WEIR_OK, "options");
    api->provider_face = (const weir_provider_v1 *)find_part(WEIR_PART_PROVIDER, api->provider);
    api->dialect_face = (const weir_dialect_v1 *)find_part(WEIR_PART_DIALECT, api->dialect);
    FUZZ_CHECK(api->provider_face->configure(&host, &options, &api->provider_cfg, NULL) == WEIR_OK,
               "the provider part takes its options");
    FUZZ_CHECK(api->dialect_face->configure(&host, &none, &api->dialect_cfg, NULL) == WEIR_OK,
               "the dialect can be configured");
    fuzz_arena_free(arena);
}

/* -- What is well-formed ---------------------------------------------------------------------- */

/* Too deep, too large: JSON for all we know. */
bool fuzz_is_json(weir_str bytes)
{
    struct jscan_tokens tokens;
    weir_result result;
    weir_json doc;

    jscan_tokens_init(&tokens);
    result = jscan(&tokens, bytes, &doc, NULL);
    jscan_tokens_finish(&tokens);
    return result != WEIR_INVALID;
}

static bool is_json_between(const char *before, weir_str bytes, const char *after)
{
    struct buf whole = { 0 };
    bool good = buf_add(&whole, before, 1) && buf_add(&whole, bytes.ptr, bytes.len) &&
                buf_add(&whole, after, 1) &&
                fuzz_is_json(weir_str_make(buf_at(&whole), buf_len(&whole)));

    buf_free(&whole);
    return good;
}

bool fuzz_is_members(weir_str members)
{
    return !members.len || is_json_between("{", members, "}");
}

bool fuzz_is_text(weir_text text)
{
    if (text.form == WEIR_FORM_JSON)
        return is_json_between("\"", weir_str_make(text.ptr, text.len), "\"");
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t n = c < 0x80 ? 1 : weir_utf8_length(text.ptr + i, text.len - i);

        if (!n)
            return false;
        i += n;
    }
    return true;
}
