/*
 * try.c - see try.h. Does to the plugin what the host will do: loads it, initialises it, and reads
 * every table and string it will read, so that a wild pointer fails here.
 */
#include "plugin/try.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "plugin/check.h"

enum { VERDICT_FD = 3 };

static _Noreturn void verdict(int status, const char *text)
{
    ssize_t n = write(VERDICT_FD, text, strlen(text));
    _exit(n < 0 ? 2 : status);
}

/* -- A host with every service, none of which does anything ------------------------------------ */

static bool log_enabled(void *ctx, uint32_t level)
{
    (void)ctx;
    (void)level;
    return false;
}

static void log_nothing(void *ctx, uint32_t level, weir_str message)
{
    (void)ctx;
    (void)level;
    (void)message;
}

static weir_result json_scan(const weir_arena *arena, weir_str bytes, weir_json *out,
                             size_t *offset)
{
    (void)arena;
    (void)bytes;
    (void)out;
    (void)offset;
    return WEIR_UNSUPPORTED;
}

static int32_t metric_counter(void *ctx, const char *name, const char *help)
{
    (void)ctx;
    (void)name;
    (void)help;
    return 0;
}

static void metric_add(void *ctx, int32_t counter, uint64_t n)
{
    (void)ctx;
    (void)counter;
    (void)n;
}

static const void *service(const weir_host *host, const char *id)
{
    static const weir_log log = { sizeof(log), 0, NULL, log_enabled, log_nothing };
    static const weir_json_service json = { sizeof(json), 0, json_scan };
    static const weir_metric metric = { sizeof(metric), 0, NULL, metric_counter, metric_add };
    (void)host;
    if (strcmp(id, WEIR_SERVICE_LOG) == 0) {
        return &log;
    }
    if (strcmp(id, WEIR_SERVICE_JSON) == 0) {
        return &json;
    }
    return strcmp(id, WEIR_SERVICE_METRIC) == 0 ? &metric : NULL;
}

/* -- Reading what the host will read ----------------------------------------------------------- */

/* Keeps the reads below from being optimised away. */
static volatile unsigned touched;

static void touch(const void *from, size_t size)
{
    const volatile unsigned char *p = from;
    for (size_t i = 0; p && i < size; i++) {
        touched += p[i];
    }
}

static void touch_string(const char *s)
{
    if (s) {
        touch(s, strlen(s) + 1);
    }
}

/* Every vtable and table element begins with its size. */
static void touch_sized(const void *object)
{
    if (object) {
        uint32_t size;
        memcpy(&size, object, sizeof(size));
        touch(object, size <= 4096 ? size : 0);
    }
}

static void touch_plugin(const weir_plugin *p)
{
    touch_string(p->id);
    touch_string(p->version);
    for (uint32_t i = 0; i < p->part_count; i++) {
        const weir_part *part = p->parts[i];
        touch_sized(part);
        if (part && part->struct_size >= PLUGIN_UP_TO(weir_part, vtable)) {
            touch_string(part->face);
            touch_string(part->name);
            touch_sized(part->vtable);
        }
    }
}

/* The file's name is the host's to say; dlerror() would name the private copy. */
static void load_failed(const char *path, char why[PLUGIN_WHY])
{
    const char *text = dlerror();
    size_t len = strlen(path);
    text = text ? text : "no reason was given";
    if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0) {
        text += len + 2;
    }
    snprintf(why, PLUGIN_WHY,
             "it cannot be loaded (%.250s): link it with -Wl,--no-undefined and install the "
             "libraries it needs",
             text);
}

/* Tools that were linked or preloaded may catch signals; the parent wants to see them. */
static void settle(void)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        signal(fatal[i], SIG_DFL);
    }
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int plugin_try_main(const char *path)
{
    char why[PLUGIN_WHY];
    settle();
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        load_failed(path, why);
        verdict(1, why);
    }
    const weir_plugin *plugin = plugin_check_symbol(handle, why);
    if (!plugin) {
        verdict(1, why);
    }
    touch_plugin(plugin);

    static const weir_host host = { sizeof(host), WEIR_ABI_MAJOR, WEIR_ABI_MINOR, NULL, service };
    weir_error error = { .struct_size = sizeof(error) };
    weir_result result = plugin->init ? plugin->init(&host, &error) : WEIR_OK;
    if (result < 0) {
        error.message[sizeof(error.message) - 1] = '\0';
        snprintf(why, sizeof(why), "its init failed with %d: %.300s", result,
                 *error.message ? error.message : "it gives no reason");
        verdict(1, why);
    }
    verdict(0, "ok");
}
