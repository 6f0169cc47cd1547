/*
 * micro.c - see micro.h.
 */
#include "micro.h"

#include "json/scan.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ARENA = 16 << 20, ROUNDS = 9 };

static const double ROUND_S = 0.03;

double micro_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void micro_report(const char *name, double value, const char *unit)
{
    printf("%s\t%.2f\t%s\n", name, value, unit);
}

double micro_ns(void (*body)(void *ctx), void *ctx)
{
    unsigned long calls = 1;
    double best = 1e9;

    for (int round = 0; round < ROUNDS;) {
        double begin = micro_seconds();

        for (unsigned long i = 0; i < calls; i++)
            body(ctx);

        double took = micro_seconds() - begin;

        if (took < ROUND_S) {
            calls *= 2;
            continue;
        }
        if (took / (double)calls < best)
            best = took / (double)calls;
        round++;
    }
    return best * 1e9;
}

/* -- Memory ----------------------------------------------------------------------------------- */

static char memory[ARENA] __attribute__((aligned(16)));
static size_t used, kept;

static void *arena_alloc(void *owner, size_t size)
{
    char *at = memory + used;

    (void)owner;
    size = (size + 15) & ~(size_t)15;
    if (size > ARENA - used)
        return NULL;
    used += size;
    return at;
}

const weir_arena micro_arena = { NULL, arena_alloc };

void micro_arena_reset(void)
{
    used = kept;
}

void micro_arena_keep(void)
{
    kept = used;
}

weir_json micro_scan(weir_str text)
{
    weir_json doc;

    if (jscan_arena(&micro_arena, text, &doc, NULL) != WEIR_OK) {
        fprintf(stderr, "not JSON: %.*s\n", (int)text.len, text.ptr);
        exit(1);
    }
    return doc;
}

/* -- Parts ------------------------------------------------------------------------------------ */

static weir_result scan(const weir_arena *arena, weir_str bytes, weir_json *out, size_t *offset)
{
    (void)offset;
    return jscan_arena(arena, bytes, out, NULL);
}

static const void *service(const weir_host *host, const char *id)
{
    static const weir_json_service json = { sizeof(json), 0, scan };

    (void)host;
    return strcmp(id, WEIR_SERVICE_JSON) == 0 ? &json : NULL;
}

const weir_host micro_host = { sizeof(weir_host), WEIR_ABI_MAJOR, WEIR_ABI_MINOR, NULL, service };

const void *micro_part(const char *directory, const char *plugin, const char *face)
{
    char path[4096];
    void *file;

    snprintf(path, sizeof path, "%s/%s.so", directory, plugin);
    file = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    const weir_plugin *p = file ? dlsym(file, "weir_plugin_v1") : NULL;

    for (uint32_t i = 0; p && i < p->part_count; i++)
        if (strcmp(p->parts[i]->face, face) == 0)
            return p->parts[i]->vtable;
    fprintf(stderr, "no %s in %s: %s\n", face, path, file ? "no such part" : dlerror());
    exit(1);
}
