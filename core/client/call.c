/*
 * call.c - calls: from the thread that asks to the loop's, and back.
 */
#include "client/client.h"
#include "base/str.h"
#include "model/failure.h"

/* Packed bytes that may wait for the thread that waits, before the stream is held up. */
enum { QUEUE_FULL = 256 * 1024 };

static const char cancelled_text[] = "cancelled by the caller";

/* -- memory ----------------------------------------------------------------------------------- */

static struct weir_call *call_new(struct weir_client *c)
{
    struct weir_call *call = g_new0(struct weir_call, 1);

    call->refs = 1;
    call->client = client_ref(c);
    call->method = S("POST");
    call->queue = g_byte_array_new();
    arena_init(&call->memory, 0);
    g_mutex_init(&call->lock);
    g_cond_init(&call->changed);
    call->response = response_new(c->generation);
    return call;
}

struct weir_call *call_ref(struct weir_call *call)
{
    g_atomic_int_inc(&call->refs);
    return call;
}

void call_unref(struct weir_call *call)
{
    if (!g_atomic_int_dec_and_test(&call->refs))
        return;
    weir_response_free(call->response);
    g_byte_array_unref(call->queue);
    arena_reset(&call->memory);
    arena_thread_trim();
    g_mutex_clear(&call->lock);
    g_cond_clear(&call->changed);
    client_unref(call->client);
    g_free(call);
}

/* -- on the loop's thread --------------------------------------------------------------------- */

static bool is_cancelled(struct weir_call *call)
{
    return g_atomic_int_get(&call->cancelled) != 0;
}

static void link_call(struct weir_call *call)
{
    struct weir_client *c = call->client;

    call->linked = true;
    call->next = c->calls;
    if (call->next)
        call->next->prev = call;
    c->calls = call;
}

static void unlink_call(struct weir_call *call)
{
    if (!call->linked)
        return;
    call->linked = false;
    if (call->next)
        call->next->prev = call->prev;
    if (call->prev)
        call->prev->next = call->next;
    else
        call->client->calls = call->next;
    call->next = call->prev = NULL;
}

/* Hands the response to its owner. `call` may be gone afterwards. */
void call_over(struct weir_call *call)
{
    weir_failure cancelled = failure_local(WEIR_CLASS_CANCELLED, str_of(cancelled_text));

    unlink_call(call);
    if (is_cancelled(call)) /* events may have been left out: it is no answer any more */
        response_fail(call->response, &cancelled);
    if (call->on_done) {
        struct weir_response *response = g_steal_pointer(&call->response);

        response_complete(response);
        call->on_done(call->ctx, response);
    } else {
        g_mutex_lock(&call->lock);
        call->over = true;
        g_cond_signal(&call->changed);
        g_mutex_unlock(&call->lock);
    }
    call_unref(call);
}

static void begin(void *arg)
{
    struct weir_call *call = arg;

    link_call(call);
    if (is_cancelled(call))
        front_refuse(call, WEIR_CLASS_CANCELLED, cancelled_text);
    else if (call->response->outcome.failure) /* the request was refused before it was sent */
        call_over(call);
    else if (g_atomic_int_get(&call->client->closing))
        front_refuse(call, WEIR_CLASS_CANCELLED, "the client was closed");
    else
        front_begin(call);
}

static void cancel(void *arg)
{
    struct weir_call *call = arg;

    if (call->exchange)
        front_cancel(call, cancelled_text);
    call_unref(call);
}

static void resume(void *arg)
{
    struct weir_call *call = arg;

    if (call->exchange)
        exchange_writable(call->exchange);
    call_unref(call);
}

static void post(struct weir_call *call, void (*fn)(void *))
{
    if (!client_post(call->client, fn, call_ref(call)))
        call_unref(call);
}

/* Tells the application and the response about what came, until the application has had enough. */
static void take(struct weir_call *call, const void *bytes, size_t len)
{
    if (is_cancelled(call))
        return;
    if (!response_take(call->response, (weir_str){ bytes, len }, call->on_event, call->ctx))
        weir_call_cancel(call);
}

void call_bytes(struct weir_call *call, const void *bytes, size_t len)
{
    if (call->on_done) {
        take(call, bytes, len);
        return;
    }
    g_mutex_lock(&call->lock);
    g_byte_array_append(call->queue, bytes, (guint)len);
    g_cond_signal(&call->changed);
    g_mutex_unlock(&call->lock);
}

bool call_full(struct weir_call *call)
{
    bool full;

    g_mutex_lock(&call->lock);
    full = call->full = call->queue->len > QUEUE_FULL;
    g_mutex_unlock(&call->lock);
    return full;
}

/* -- waiting ---------------------------------------------------------------------------------- */

/* Waits for bytes. NULL: there are no more. */
static GByteArray *next_bytes(struct weir_call *call, bool *was_full)
{
    GByteArray *bytes = NULL;

    g_mutex_lock(&call->lock);
    while (!call->queue->len && !call->over)
        g_cond_wait(&call->changed, &call->lock);
    if (call->queue->len) {
        bytes = call->queue;
        call->queue = g_byte_array_new();
    }
    *was_full = call->full;
    call->full = false;
    g_mutex_unlock(&call->lock);
    return bytes;
}

static struct weir_response *wait_for(struct weir_call *call)
{
    GByteArray *bytes;
    bool was_full;

    while ((bytes = next_bytes(call, &was_full))) {
        take(call, bytes->data, bytes->len);
        g_byte_array_unref(bytes);
        if (was_full)
            post(call, resume);
    }
    return g_steal_pointer(&call->response);
}

static struct weir_response *run(struct weir_call *call)
{
    struct weir_client *c = call->client;
    struct weir_response *response;
    weir_failure failure;

    if (g_atomic_pointer_get(&c->thread) == g_thread_self()) {
        failure = failure_local(WEIR_CLASS_INTERNAL,
                                S("a callback of the client cannot wait for the client; use "
                                  "weir_chat_start()"));
        response_fail(call->response, &failure);
        response = g_steal_pointer(&call->response);
    } else if (client_post(c, begin, call_ref(call))) {
        response = wait_for(call);
    } else {
        call_unref(call);
        failure = failure_local(WEIR_CLASS_CANCELLED, S("the client is being closed"));
        response_fail(call->response, &failure);
        response = g_steal_pointer(&call->response);
    }
    call_unref(call);
    response_complete(response);
    return response;
}

/* -- the public face -------------------------------------------------------------------------- */

static struct weir_call *chat_call(struct weir_client *c, const struct weir_request *request,
                                   weir_on_event on_event, void *ctx)
{
    struct weir_call *call = call_new(c);
    weir_failure failure;

    call->path = S("/v1/chat/completions");
    call->on_event = on_event;
    call->ctx = ctx;
    if (!request_write(request, on_event != NULL, &call->memory, &call->body, &failure))
        response_fail(call->response, &failure);
    return call;
}

weir_response *weir_chat(weir_client *client, const weir_request *request)
{
    return run(chat_call(client, request, NULL, NULL));
}

weir_response *weir_chat_stream(weir_client *client, const weir_request *request,
                                weir_on_event on_event, void *ctx)
{
    return run(chat_call(client, request, on_event, ctx));
}

weir_response *weir_embed(weir_client *client, const weir_request *request)
{
    struct weir_call *call = chat_call(client, request, NULL, NULL);

    call->path = S("/v1/embeddings");
    return run(call);
}

weir_response *weir_models(weir_client *client)
{
    struct weir_call *call = call_new(client);

    call->method = S("GET");
    call->path = S("/v1/models");
    return run(call);
}

weir_call *weir_chat_start(weir_client *client, const weir_request *request, weir_on_event on_event,
                           weir_on_done on_done, void *ctx)
{
    struct weir_call *call = chat_call(client, request, on_event, ctx);

    call->on_done = on_done;
    if (client_post(client, begin, call_ref(call)))
        return call;
    call_unref(call);
    call_unref(call);
    return NULL;
}

void weir_call_cancel(weir_call *call)
{
    if (!g_atomic_int_compare_and_exchange(&call->cancelled, 0, 1))
        return;
    post(call, cancel);
}

void weir_call_release(weir_call *call)
{
    if (call)
        call_unref(call);
}
