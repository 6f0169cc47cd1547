/*
 * client.c - clients: opening, closing, and the thread between.
 */
#include "client/client.h"
#include "base/crumb.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/upstream.h"

#include <signal.h>

/* -- the process ------------------------------------------------------------------------------ */

/* Plugins are configured and released on one thread at a time, whoever asks for it. */
static GMutex init_lock;
static bool set_up;
static bool levels_chosen;

void client_init_lock(void)
{
    g_mutex_lock(&init_lock);
}

void client_init_unlock(void)
{
    g_mutex_unlock(&init_lock);
}

const char *weir_version(void)
{
    return WEIR_VERSION;
}

weir_result weir_log_levels(const char *levels)
{
    bool good;

    client_init_lock();
    good = levels && log_setup(levels);
    levels_chosen = levels_chosen || good;
    client_init_unlock();
    return good ? WEIR_OK : WEIR_INVALID;
}

/* What a process needs once. A program that asked for no words of ours gets errors only. */
static bool set_up_process(void)
{
    if (set_up)
        return true;
    if (!levels_chosen && !log_setup("error"))
        return false;
    crumb_open(); /* not safe for threads, so before the first of them */
    set_up = up_global_init();
    return set_up;
}

/* -- opening ---------------------------------------------------------------------------------- */

static void tell(weir_error *error, weir_result result, const char *message)
{
    size_t len = strlen(message);

    if (!error)
        return;
    *error = (weir_error){ .struct_size = sizeof(*error), .result = result };
    while (len && message[len - 1] == '\n')
        len--;
    if (len >= sizeof(error->message)) {
        len = sizeof(error->message) - 4;
        while (len && ((unsigned char)message[len] & 0xc0) == 0x80) /* not inside a character */
            len--;
        memcpy(error->message + len, "...", 3);
    }
    memcpy(error->message, message, len);
}

/* Applications' signals are for applications' threads; a broken connection must not raise SIGPIPE.
 */
static void begin_loop(struct worker *w, void *ctx)
{
    struct weir_client *c = ctx;
    static const int own[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
    sigset_t set;

    (void)w;
    g_atomic_pointer_set(&c->thread, g_thread_self());
    sigfillset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        sigdelset(&set, own[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* The exchanges have been cancelled; whoever waits for them has to hear of it. */
static void end_loop(struct worker *w, void *ctx)
{
    struct weir_client *c = ctx;

    (void)w;
    while (c->calls) {
        c->calls->exchange = NULL;
        front_refuse(c->calls, WEIR_CLASS_CANCELLED, "the client was closed");
    }
}

/* Whether the dialect that reads canonical requests is there and answers to its own path. */
static bool can_read(const struct generation *g)
{
    struct endpoint_match m;
    unsigned status = generation_match(g, S("POST"), S("/v1/chat/completions"), NULL, 0, &m);

    return status == 200 && strcmp(m.endpoint->dialect->face->id, "openai.chat") == 0;
}

static struct weir_client *client_new(struct config *config, weir_error *error)
{
    g_autoptr(GError) fault = NULL;
    struct weir_client *c;
    struct engine *engine;

    config->access_log = CONFIG_LOG_OFF; /* the log of a program is its own */
    g_clear_pointer(&config->decisions_file, g_free);
    engine = engine_new(config, 1, &fault);
    if (!engine) {
        tell(error, WEIR_INVALID, fault->message);
        return NULL;
    }
    if (!can_read(engine->generation)) {
        tell(error, WEIR_INVALID,
             "requests are read by the dialect openai.chat, and no plugin offers it; install the "
             "openai plugin where plugins.path or WEIR_PLUGIN_PATH says");
        engine_free(engine);
        return NULL;
    }
    c = g_new0(struct weir_client, 1);
    c->refs = 1;
    g_mutex_init(&c->lock);
    c->engine = engine;
    c->generation = generation_ref(engine->generation);
    engine_start(engine, begin_loop, end_loop, c);
    return c;
}

/* `source` NULL: the environment. */
static struct weir_client *open_from(const struct config_source *source, weir_error *error)
{
    g_autoptr(GError) fault = NULL;
    struct weir_client *c = NULL;
    struct config *config = NULL;
    char *told = NULL;

    client_init_lock();
    if (!set_up_process())
        tell(error, WEIR_INTERNAL, "libcurl cannot be set up");
    else if (!(config = source ? config_load(source, NULL, &fault)
                               : config_from_environment(NULL, NULL, &told, &fault)))
        tell(error,
             g_error_matches(fault, CONFIG_ERROR, CONFIG_ERROR_IO) ? WEIR_NOT_FOUND : WEIR_INVALID,
             fault->message);
    else
        c = client_new(config, error);
    if (c)
        c->notes = told ? g_steal_pointer(&told) : g_strdup("");
    if (config)
        config_unref(config);
    client_init_unlock();
    g_free(told);
    return c;
}

weir_client *weir_client_open(const char *path, weir_error *error)
{
    g_autofree char *found = path ? NULL : config_find_file();
    struct config_source source = { .path = path ? path : found };

    return open_from(source.path ? &source : NULL, error);
}

weir_client *weir_client_open_text(const char *yaml, weir_error *error)
{
    struct config_source source = { .path = "text", .text = yaml };

    if (!yaml) {
        tell(error, WEIR_INVALID, "there is no text");
        return NULL;
    }
    return open_from(&source, error);
}

weir_client *weir_client_open_environment(weir_error *error)
{
    return open_from(NULL, error);
}

const char *weir_client_notes(const weir_client *client)
{
    return client->notes;
}

/* -- the loop's thread ------------------------------------------------------------------------ */

bool client_post(struct weir_client *c, void (*fn)(void *arg), void *arg)
{
    bool posted;

    g_mutex_lock(&c->lock);
    posted = !g_atomic_int_get(&c->closing) && loop_post(c->engine->workers[0]->loop, fn, arg);
    g_mutex_unlock(&c->lock);
    return posted;
}

/* -- closing ---------------------------------------------------------------------------------- */

struct weir_client *client_ref(struct weir_client *c)
{
    g_atomic_int_inc(&c->refs);
    return c;
}

void client_unref(struct weir_client *c)
{
    if (!g_atomic_int_dec_and_test(&c->refs))
        return;
    client_init_lock();
    generation_unref(c->generation);
    client_init_unlock();
    g_mutex_clear(&c->lock);
    g_free(c->notes);
    g_free(c);
}

void weir_client_close(weir_client *client)
{
    if (!client)
        return;
    if (g_atomic_pointer_get(&client->thread) == g_thread_self()) {
        log_write(LOG_LEVEL_ERROR, "client", "a client cannot be closed from its own callback");
        return;
    }
    g_mutex_lock(&client->lock);
    g_atomic_int_set(&client->closing, 1);
    g_mutex_unlock(&client->lock);
    engine_stop(client->engine);
    client_init_lock();
    engine_free(client->engine);
    client_init_unlock();
    client->engine = NULL;
    client_unref(client);
}
