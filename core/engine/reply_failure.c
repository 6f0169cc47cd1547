/*
 * reply_failure.c - replies that are no answer of a provider: failures, and documents of our own.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "engine/reply.h"
#include "model/failure.h"
#include "transport/http.h"

#include <stdio.h>

/* A reply that is written whole before it is sent, outside any attempt. */
struct plain {
    struct exchange *e;
    struct head head;
    unsigned status;
    struct buf body;
};

static weir_result plain_head(void *ctx, uint32_t status, const weir_header *headers,
                              uint32_t count)
{
    struct plain *p = ctx;

    p->status = status;
    for (uint32_t i = 0; i < count; i++)
        head_add(&p->head, arena_copy(&p->e->arena, headers[i].name),
                 arena_copy(&p->e->arena, headers[i].value));
    return WEIR_OK;
}

static weir_result plain_bytes(void *ctx, weir_str bytes)
{
    struct plain *p = ctx;

    return buf_add(&p->body, bytes.ptr, bytes.len) ? WEIR_OK : WEIR_NO_MEMORY;
}

/* The last attempt that got as far as sending. */
static struct attempt *last_attempt(const struct exchange *e)
{
    struct attempt *last = NULL;

    for (struct attempt *a = e->attempts; a; a = a->next)
        last = a->begun || !last ? a : last;
    return last && last->begun ? last : NULL;
}

static void add_failure_headers(struct exchange *e, const weir_failure *failure, struct head *h)
{
    if (failure->retry_after_us > 0)
        head_add(h, S("retry-after"),
                 head_number(e, (uint64_t)(failure->retry_after_us + 999999) / 1000000));
    /* What could be done about it was done here: the SDKs' own retries would only repeat it. */
    if (e->attempt_count > 0)
        head_add(h, S("x-should-retry"), S("false"));
}

/* A vendor's own words do not say whose they are; the application must know. */
static weir_str name_provider(struct exchange *e, const struct attempt *a,
                              const weir_failure *failure)
{
    weir_str name, message = failure->message;
    char *text;

    if (!a || failure->local)
        return message;
    name = a->provider->name;
    if (message.len && memmem(message.ptr, message.len, name.ptr, name.len))
        return message;
    text = arena_alloc(&e->arena, name.len + message.len + 32);
    if (!text)
        return message;
    return (weir_str){ text,
                       (size_t)sprintf(text, "provider %.*s: %.*s", S_ARG(name), S_ARG(message)) };
}

/* A forwarded request that nobody could serve: the last vendor's own answer. */
static void reply_spare(struct attempt *a, const weir_failure *failure)
{
    struct exchange *e = a->exchange;
    struct head h;

    h.count = 0;
    for (uint32_t i = 0; i < a->relay_header_count; i++) {
        if (!http_name_is(a->relay_headers[i].name, "retry-after"))
            head_add(&h, a->relay_headers[i].name, a->relay_headers[i].value);
    }
    add_failure_headers(e, failure, &h);
    head_add_own(e, a, &h);
    head_send(e, a->status, &h, (int64_t)a->spare_body.len);
    reply_send(e, a->spare_body);
    e->closing = CLOSING_END;
}

void reply_failure(struct exchange *e, const weir_failure *failure)
{
    struct plain p = { .e = e };
    weir_reply_sink sink = {
        .struct_size = sizeof(sink), .ctx = &p, .head = plain_head, .bytes = plain_bytes
    };
    struct attempt *a = last_attempt(e);
    weir_failure told = *failure;
    weir_exchange x = a ? a->x : exchange_view(e);
    uint32_t crumb;

    if (e->head_sent) {
        reply_break(e, failure);
        return;
    }
    if (a && a->spare && !failure->local) {
        reply_spare(a, failure);
        return;
    }
    told.message = name_provider(e, a, failure);
    crumb = reply_enter(e);
    e->speaker->face->failure(e->speaker->cfg, NULL, &x, &told, &sink);
    crumb_leave(crumb);
    add_failure_headers(e, failure, &p.head);
    head_add_own(e, a, &p.head);
    head_send(e, p.status ? p.status : 500, &p.head, (int64_t)buf_len(&p.body));
    reply_send(e, (weir_str){ buf_at(&p.body), buf_len(&p.body) });
    e->closing = CLOSING_END;
    buf_free(&p.body);
}

void reply_plain(struct exchange *e, unsigned status, weir_str content_type, weir_str body)
{
    struct head h;

    h.count = 0;
    head_add(&h, S("content-type"), content_type);
    head_add_own(e, NULL, &h);
    head_send(e, status, &h, (int64_t)body.len);
    reply_send(e, body);
    e->closing = CLOSING_END;
}
