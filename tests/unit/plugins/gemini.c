/*
 * gemini.c - see gemini.h.
 */
#include "gemini.h"

#include <string.h>

/* One for the whole program: it holds no options. */
void *gemini_dialect(void)
{
    static void *cfg;

    if (!cfg)
        cfg = host_dialect();
    return cfg;
}

/* -- Requests --------------------------------------------------------------------------------- */

/* Captures of a pattern that the path fits, or -1. Only what our patterns have: one or two names
 * with a method behind them. */
static int match(const char *pattern, const char *path, weir_str captures[4])
{
    int count = 0;

    while (*pattern && *path) {
        if (*pattern == '*')
            return count;
        if (*pattern == '{') {
            const char *end = strchr(pattern, '}') + 1;
            size_t len = strcspn(path, *end == ':' ? ":/" : "/");

            if (!len || count == 4)
                return -1;
            captures[count++] = weir_str_make(path, len);
            pattern = end;
            path += len;
        } else if (*pattern++ != *path++) {
            return -1;
        }
    }
    return *pattern || *path ? -1 : count;
}

/* The first endpoint that takes it: the table has the longest ones first. */
static void find_endpoint(weir_ingress *in, const char *path, weir_str captures[4])
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    const weir_endpoint *endpoints = face->endpoints.items;
    g_autofree char *method = host_text(in->method);

    for (uint32_t i = 0; i < face->endpoints.count; i++) {
        int count = match(endpoints[i].pattern, path, captures);

        if (count < 0 || (*endpoints[i].method != '*' && !g_str_equal(endpoints[i].method, method)))
            continue;
        in->endpoint = i;
        in->captures = captures;
        in->capture_count = (uint32_t)count;
        return;
    }
    g_error("no endpoint for %s %s", method, path);
}

void told_read(struct told *t, const char *method, const char *path, const char *headers,
               const char *body)
{
    const weir_dialect_v1 *face = host_part(WEIR_PART_DIALECT);
    g_auto(GStrv) lines = g_strsplit(headers ? headers : "", "\n", -1);
    weir_header list[8];
    weir_str captures[4];
    weir_ingress in = { .struct_size = sizeof(in),
                        .method = weir_str_of(method),
                        .headers = list,
                        .body = weir_str_of(body ? body : "") };
    weir_str rest = weir_str_of(path);
    g_autofree char *bare = NULL;
    weir_json json;

    told_init(t);
    in.arena = t->arena.arena;
    in.path = weir_str_split(&rest, '?');
    in.query = rest;
    for (char **line = lines; *line && in.header_count < 8; line++) {
        char *colon = strstr(*line, ": ");

        if (colon)
            list[in.header_count++] =
                (weir_header){ { *line, (size_t)(colon - *line) }, weir_str_of(colon + 2) };
    }
    bare = host_text(in.path);
    find_endpoint(&in, bare, captures);
    if (body && (body[0] == '{' || body[0] == '[')) {
        json = host_scan(&t->arena, body);
        in.json = &json;
    }
    face->read(gemini_dialect(), &in, &t->sink);
    g_assert_true((t->facts.struct_size != 0) != (t->refusal != NULL));
    if (in.json && !t->refusal)
        g_assert_cmpint(face->translate(gemini_dialect(), &in, &t->sink), ==, WEIR_OK);
}

/* -- Replies ---------------------------------------------------------------------------------- */

void writing_begin(struct writing *w, uint8_t op, const char *path)
{
    w->face = host_part(WEIR_PART_DIALECT);
    w->cfg = gemini_dialect();
    w->st = g_malloc0(w->face->encoder_size);
    w->e = host_exchange_new(op, NULL, "m");
    w->e->x.path = weir_str_of(path);
    w->e->x.dialect = WEIR_S("gemini.generateContent");
    host_reply_init(&w->reply);
}

void writing_end(struct writing *w)
{
    host_reply_clear(&w->reply);
    host_exchange_free(w->e);
    g_free(w->st);
}

weir_result writing_event(void *ctx, const weir_event *event)
{
    struct writing *w = ctx;
    void *moved = g_memdup2(w->st, w->face->encoder_size);
    weir_result result;

    g_free(w->st);
    w->st = moved;
    result = w->face->event(w->cfg, w->st, &w->e->x, event, &w->reply.sink);
    g_assert_cmpint(result, ==, WEIR_OK);
    return result;
}
