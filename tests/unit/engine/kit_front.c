/*
 * kit_front.c - the fronts of the kit: they record what an exchange tells them.
 */
#include "kit.h"
#include "base/str.h"

uint32_t kit_cancel_at;

/* False: the call ended the exchange. */
static bool called(struct front *f)
{
    g_assert_false(f->ended);
    if (++f->calls != f->cancel_at)
        return true;
    f->ended = true;
    exchange_cancel(f->e, 0);
    return false;
}

static void on_head(void *front, unsigned status, const weir_header *headers, size_t count,
                    int64_t length)
{
    struct front *f = front;

    g_assert_cmpuint(f->status, ==, 0);
    if (!called(f))
        return;
    f->status = status;
    f->length = length;
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(f->headers, "%.*s: %.*s\n", S_ARG(headers[i].name),
                               S_ARG(headers[i].value));
}

static void on_bytes(void *front, const void *bytes, size_t len)
{
    struct front *f = front;

    g_assert_cmpuint(f->status, !=, 0);
    if (called(f))
        g_string_append_len(f->body, bytes, (gssize)len);
}

static void on_end(void *front)
{
    struct front *f = front;

    g_assert_false(f->ended);
    g_assert_cmpuint(f->status, !=, 0);
    if (f->length >= 0)
        g_assert_cmpint((int64_t)f->body->len, ==, f->length);
    f->ended = true;
    f->ends++;
}

static void on_abort(void *front)
{
    struct front *f = front;

    g_assert_false(f->ended);
    f->ended = true;
    f->aborts++;
}

static bool is_full(void *front)
{
    return ((struct front *)front)->full;
}

static const struct front_ops ops = { on_head, on_bytes, on_end, on_abort, is_full };

/* The exchange to be, so that a front can cancel at its first call. */
static struct front *open_front(struct kit *k, const char *method, const char *path)
{
    static const weir_header headers[] = { { S("content-type"), S("application/json") } };
    struct endpoint_match match;
    struct front *f = g_new0(struct front, 1);
    struct exchange_start start = {
        .front_ops = &ops,
        .front = f,
        .match = &match,
        .method = str_of(method),
        .target = str_of(path),
        .path = str_of(path),
        .headers = headers,
        .header_count = 1,
        .start_us = loop_now(k->w->loop),
    };

    g_assert_cmpuint(generation_match(k->w->generation->generation, start.method, start.path,
                                      headers, 1, &match),
                     ==, 200);
    f->headers = g_string_new(NULL);
    f->body = g_string_new(NULL);
    f->cancel_at = kit_cancel_at;
    f->e = exchange_new(k->w, &start);
    return f;
}

struct front *kit_ask(struct kit *k, const char *method, const char *path, const char *body)
{
    struct front *f = open_front(k, method, path);

    exchange_request(f->e, str_of(body));
    return f;
}

struct front *kit_chat(struct kit *k, const char *model, bool stream)
{
    struct front *f = open_front(k, "POST", "/v1/chat/completions");
    g_autofree char *text = g_strdup_printf(
        "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]%s}", model,
        stream ? ",\"stream\":true" : "");
    /* Lives as long as the process: exchanges borrow it. */
    const char *body = g_intern_string(text);

    exchange_request(f->e, str_of(body));
    return f;
}

void front_free(struct front *f)
{
    g_string_free(f->headers, TRUE);
    g_string_free(f->body, TRUE);
    g_free(f);
}
