/*
 * upload.c - request bodies that are passed on as they come.
 *
 * Large or unmeasured bodies of forwarded requests are never held: what the provider does not take
 * at once waits in a small buffer, and the application is made to wait with it.
 */
#include "engine/exchange.h"

/* The attempt that the body goes to; the first one, for there is no second. */
static struct attempt *receiver(const struct exchange *e)
{
    for (struct attempt *a = e->attempts; a; a = a->next) {
        if (a->running)
            return a;
    }
    return NULL;
}

static void pause_front(struct exchange *e, bool paused)
{
    if (e->front && e->front_ops->pause)
        e->front_ops->pause(e->front, paused);
}

void exchange_upload(struct exchange *e)
{
    struct attempt *a = receiver(e);

    if (!a || !e->body_stream)
        return;
    if (a->script) { /* nobody reads what a simulator is sent */
        a->body_sent |= buf_len(&e->upload) > 0;
        buf_eat(&e->upload, buf_len(&e->upload));
        pause_front(e, false);
        return;
    }
    if (buf_len(&e->upload)) {
        if (!up_body_push(&a->call, (weir_str){ buf_at(&e->upload), buf_len(&e->upload) }))
            return;
        a->body_sent = true;
        buf_eat(&e->upload, buf_len(&e->upload));
    }
    if (e->upload_ended)
        up_body_finish(&a->call);
    else
        pause_front(e, false);
}

void exchange_body(struct exchange *e, weir_str piece, bool end)
{
    if (e->over)
        return;
    e->bytes_in += piece.len;
    e->upload_ended |= end;
    if (!buf_add(&e->upload, piece.ptr, piece.len)) {
        exchange_refuse(e, WEIR_CLASS_INTERNAL, "out of memory");
        return;
    }
    exchange_upload(e);
    if (!e->over && buf_len(&e->upload))
        pause_front(e, true);
}
