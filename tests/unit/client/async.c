/*
 * async.c - calls that do not wait, threads, and the end of a client.
 */
#include "fixture.h"

/* One call, as its callbacks see it. */
struct watch {
    GMutex lock;
    GCond changed;
    GString *text;
    guint deltas, done;
    guint stop_at; /* cancels from the callback; 0: never */
    weir_call *call;
    weir_client *client; /* asked again from on_done; NULL: not */
    weir_response *response, *nested;
};

static void watch_init(struct watch *w)
{
    *w = (struct watch){ .text = g_string_new(NULL) };
    g_mutex_init(&w->lock);
    g_cond_init(&w->changed);
}

static void watch_finish(struct watch *w)
{
    weir_call_release(w->call);
    weir_response_free(w->response);
    weir_response_free(w->nested);
    g_string_free(w->text, TRUE);
    g_mutex_clear(&w->lock);
    g_cond_clear(&w->changed);
}

static int on_event(void *ctx, const weir_event *event)
{
    struct watch *w = ctx;
    int stop;

    if (event->type != WEIR_EVENT_DELTA)
        return 0;
    g_mutex_lock(&w->lock);
    g_string_append_len(w->text, event->text.ptr, (gssize)event->text.len);
    w->deltas++;
    stop = w->deltas == w->stop_at;
    g_cond_signal(&w->changed);
    g_mutex_unlock(&w->lock);
    return stop;
}

static void on_done(void *ctx, weir_response *response)
{
    struct watch *w = ctx;
    weir_response *nested = w->client ? fixture_ask(w->client, "sim/echo", "x") : NULL;

    g_mutex_lock(&w->lock);
    w->response = response;
    w->nested = nested;
    w->done++;
    g_cond_signal(&w->changed);
    g_mutex_unlock(&w->lock);
}

static void start(struct watch *w, weir_client *client, const char *model, weir_on_event events)
{
    weir_request *request = fixture_request(model, "to be echoed");

    w->call = weir_chat_start(client, request, events, on_done, w);
    g_assert_nonnull(w->call);
    weir_request_free(request);
}

static void wait_until(struct watch *w, const guint *count, guint at_least)
{
    g_mutex_lock(&w->lock);
    while (*count < at_least)
        g_cond_wait(&w->changed, &w->lock);
    g_mutex_unlock(&w->lock);
}

static void test_whole(void)
{
    weir_client *client = fixture_open();
    struct watch w;

    watch_init(&w);
    start(&w, client, "sim/echo", NULL);
    wait_until(&w, &w.done, 1);
    fixture_no_failure(w.response);
    g_assert_cmpstr(weir_response_text(w.response, 0).ptr, ==, "to be echoed");
    weir_call_cancel(w.call); /* too late to matter */
    weir_client_close(client);
    g_assert_cmpuint(w.done, ==, 1);
    /* A response outlives its client. */
    g_assert_nonnull(strstr(weir_response_json(w.response).ptr, "to be echoed"));
    watch_finish(&w);
}

static void test_stream(void)
{
    weir_client *client = fixture_open();
    struct watch w;

    watch_init(&w);
    start(&w, client, "main", on_event);
    wait_until(&w, &w.done, 1);
    fixture_no_failure(w.response);
    g_assert_cmpstr(w.text->str, ==, "to be echoed");
    g_assert_cmpstr(weir_response_text(w.response, 0).ptr, ==, "to be echoed");
    weir_client_close(client);
    watch_finish(&w);
}

/* Each of these has 100 s to go when it is told to stop. */
static const char slow[] = "sim/count:10000+slow:10ms";

static void test_cancel(void)
{
    weir_client *client = fixture_open();
    struct watch w;

    watch_init(&w);
    start(&w, client, slow, on_event);
    wait_until(&w, &w.deltas, 3);
    weir_call_cancel(w.call);
    weir_call_cancel(w.call);
    wait_until(&w, &w.done, 1);
    fixture_failed(w.response, WEIR_CLASS_CANCELLED);
    g_assert_cmpuint(w.deltas, <, 10000);
    g_assert_cmpstr(weir_response_text(w.response, 0).ptr, ==, w.text->str);
    g_assert_cmpstr(weir_response_provider(w.response).ptr, ==, "sim");
    weir_client_close(client);
    g_assert_cmpuint(w.done, ==, 1);
    watch_finish(&w);
}

static void test_cancel_in_callback(void)
{
    weir_client *client = fixture_open();
    struct watch w;

    watch_init(&w);
    w.stop_at = 2;
    start(&w, client, slow, on_event);
    wait_until(&w, &w.done, 1);
    fixture_failed(w.response, WEIR_CLASS_CANCELLED);
    g_assert_cmpuint(w.deltas, ==, 2);
    weir_client_close(client);
    watch_finish(&w);
}

/* The provider has not said a word yet. */
static void test_cancel_early(void)
{
    weir_client *client = fixture_open();
    struct watch w;

    watch_init(&w);
    start(&w, client, "sim/silent", NULL);
    weir_call_cancel(w.call);
    wait_until(&w, &w.done, 1);
    fixture_failed(w.response, WEIR_CLASS_CANCELLED);
    weir_client_close(client);
    watch_finish(&w);
}

/* Wherever the cancel falls, the call ends once, and never as a whole answer with parts missing. */
static void test_cancel_anywhere(void)
{
    weir_client *client = fixture_open();

    for (guint i = 0; i < 200; i++) {
        struct watch w;

        watch_init(&w);
        w.stop_at = i % 3 ? 0 : i % 12 + 1;
        start(&w, client, i % 2 ? "sim/count:10" : "sim/count:10+slow:50us", on_event);
        for (guint k = 0; k < i % 7; k++)
            g_thread_yield();
        if (i % 3)
            weir_call_cancel(w.call);
        wait_until(&w, &w.done, 1);
        g_assert_cmpstr(weir_response_text(w.response, 0).ptr, ==, w.text->str);
        if (!weir_response_failure(w.response))
            g_assert_cmpint(weir_response_usage(w.response)->output_total, ==, 10);
        else
            fixture_failed(w.response, WEIR_CLASS_CANCELLED);
        g_assert_cmpuint(w.done, ==, 1);
        watch_finish(&w);
    }
    weir_client_close(client);
}

static void test_close(void)
{
    weir_client *client = fixture_open();
    struct watch running, silent;

    watch_init(&running);
    watch_init(&silent);
    start(&running, client, slow, on_event);
    start(&silent, client, "sim/silent", NULL);
    wait_until(&running, &running.deltas, 1);
    weir_client_close(client);
    g_assert_cmpuint(running.done, ==, 1);
    g_assert_cmpuint(silent.done, ==, 1);
    fixture_failed(running.response, WEIR_CLASS_CANCELLED);
    fixture_failed(silent.response, WEIR_CLASS_CANCELLED);
    weir_call_cancel(running.call);
    watch_finish(&running);
    watch_finish(&silent);
}

/* A callback that waits for its own client gets a failure, not a deadlock. */
static void test_wait_in_callback(void)
{
    weir_client *client = fixture_open();
    struct watch w;

    watch_init(&w);
    w.client = client;
    start(&w, client, "sim/echo", NULL);
    wait_until(&w, &w.done, 1);
    fixture_no_failure(w.response);
    fixture_failed(w.nested, WEIR_CLASS_INTERNAL);
    weir_client_close(client);
    watch_finish(&w);
}

/* -- threads ---------------------------------------------------------------------------------- */

struct asker {
    weir_client *client;
    guint number;
};

static gpointer ask_often(gpointer data)
{
    const struct asker *a = data;

    for (guint i = 0; i < 50; i++) {
        g_autofree char *text = g_strdup_printf("thread %u, question %u", a->number, i);
        weir_response *r = fixture_ask(a->client, i % 2 ? "sim/echo" : "main", text);

        fixture_no_failure(r);
        g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, text);
        weir_response_free(r);
    }
    return NULL;
}

static void test_threads(void)
{
    weir_client *client = fixture_open();
    struct asker askers[4];
    GThread *threads[4];

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
        askers[i] = (struct asker){ client, i };
        threads[i] = g_thread_new("asker", ask_often, &askers[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    weir_client_close(client);
}

/* Many calls of one client run at once: one that is silent holds up no other. */
static void test_side_by_side(void)
{
    weir_client *client = fixture_open();
    weir_response *r;
    struct watch w;

    watch_init(&w);
    start(&w, client, "sim/silent", NULL);
    r = fixture_ask(client, "sim/echo", "meanwhile");
    fixture_no_failure(r);
    g_assert_cmpstr(weir_response_text(r, 0).ptr, ==, "meanwhile");
    g_assert_cmpuint(w.done, ==, 0);
    weir_response_free(r);
    weir_client_close(client);
    watch_finish(&w);
}

static gpointer open_and_close(gpointer data)
{
    weir_client *client = fixture_open();
    weir_response *r = fixture_ask(client, "sim/echo", "x");

    (void)data;
    fixture_no_failure(r);
    weir_client_close(client);
    weir_response_free(r);
    return NULL;
}

static void test_clients(void)
{
    GThread *threads[3];

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("opener", open_and_close, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/async/whole", test_whole);
    g_test_add_func("/client/async/stream", test_stream);
    g_test_add_func("/client/async/cancel", test_cancel);
    g_test_add_func("/client/async/cancel-in-callback", test_cancel_in_callback);
    g_test_add_func("/client/async/cancel-early", test_cancel_early);
    g_test_add_func("/client/async/cancel-anywhere", test_cancel_anywhere);
    g_test_add_func("/client/async/close", test_close);
    g_test_add_func("/client/async/wait-in-callback", test_wait_in_callback);
    g_test_add_func("/client/async/threads", test_threads);
    g_test_add_func("/client/async/side-by-side", test_side_by_side);
    g_test_add_func("/client/async/clients", test_clients);
    return g_test_run();
}
