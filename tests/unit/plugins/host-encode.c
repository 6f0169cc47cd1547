/*
 * host-encode.c - see host.h: requests that a provider part sends.
 */
#include "host.h"

static weir_result sent_line(void *ctx, weir_str method, weir_str url)
{
    struct host_sent *s = ctx;

    g_assert_cmpuint(s->line->len, ==, 0);
    g_string_printf(s->line, "%.*s %.*s", (int)method.len, method.ptr, (int)url.len, url.ptr);
    return WEIR_OK;
}

static weir_result sent_header(void *ctx, weir_str name, weir_str value)
{
    struct host_sent *s = ctx;

    g_string_append_printf(s->headers, "%.*s: %.*s\n", (int)name.len, name.ptr, (int)value.len,
                           value.ptr);
    return WEIR_OK;
}

static weir_result sent_body(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct host_sent *)ctx)->body, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

static weir_result sent_dropped(void *ctx, weir_str pointer, weir_str why)
{
    g_assert_cmpuint(why.len, >, 0);
    g_string_append_len(((struct host_sent *)ctx)->dropped, pointer.ptr, (gssize)pointer.len);
    g_string_append_c(((struct host_sent *)ctx)->dropped, '\n');
    return WEIR_OK;
}

static weir_result sent_script(void *ctx, const weir_script *script)
{
    struct host_sent *s = ctx;

    s->scripted = true;
    s->status = script->status;
    s->head_us = script->head_after_us;
    for (uint32_t i = 0; i < script->header_count; i++)
        g_string_append_printf(s->reply_header, "%.*s: %.*s\n", (int)script->headers[i].name.len,
                               script->headers[i].name.ptr, (int)script->headers[i].value.len,
                               script->headers[i].value.ptr);
    for (uint32_t i = 0; i < script->steps.count; i++) {
        const weir_step *step =
            (const void *)((const char *)script->steps.items + (size_t)i * script->steps.stride);

        s->total_us += step->after_us;
        s->end = step->what;
        if (step->what == WEIR_STEP_BYTES)
            g_string_append_len(s->reply, step->bytes.ptr, (gssize)step->bytes.len);
        else
            g_assert_cmpuint(i + 1, ==, script->steps.count);
    }
    return WEIR_OK;
}

struct host_sent *host_encode(const weir_provider_v1 *face, void *cfg, struct host_exchange *e)
{
    struct host_sent *s = g_new0(struct host_sent, 1);
    const weir_http_sink sink = { sizeof(sink), 0,          s, sent_line, sent_header, sent_body,
                                  sent_dropped, sent_script };

    s->line = g_string_new(NULL);
    s->headers = g_string_new(NULL);
    s->body = g_string_new(NULL);
    s->dropped = g_string_new(NULL);
    s->reply = g_string_new(NULL);
    s->reply_header = g_string_new(NULL);
    g_assert_cmpint(face->encode(cfg, &e->x, &sink), ==, WEIR_OK);
    return s;
}

void host_sent_free(struct host_sent *s)
{
    g_string_free(s->line, TRUE);
    g_string_free(s->headers, TRUE);
    g_string_free(s->body, TRUE);
    g_string_free(s->dropped, TRUE);
    g_string_free(s->reply, TRUE);
    g_string_free(s->reply_header, TRUE);
    g_free(s);
}
