/*
 * host.h - services a plugin may ask the host for. Each is optional: ask by id, accept NULL.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <weir/base.h>
#include <weir/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What `configure` is given. Valid, with every service got from it, until the matching `release`.
 */
typedef struct weir_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *ctx;
    /* [safe] The service called `id`, or NULL. The result is a pointer to its struct. */
    const void *(*service)(const struct weir_host *host, const char *id);
} weir_host;

/* -- weir.log/1 ------------------------------------------------------------------------------- */

#define WEIR_SERVICE_LOG "weir.log/1"

enum {
    WEIR_LOG_DEBUG = 0,
    WEIR_LOG_INFO = 1,
    WEIR_LOG_WARNING = 2,
    WEIR_LOG_ERROR = 3,
    WEIR_LOG_HOST_MISBEHAVING = 4, /* the host broke the contract */
};

typedef struct weir_log {
    uint32_t struct_size;
    uint32_t zero;
    void *ctx;
    /* [safe] Whether a message would be written; lets the caller skip the formatting. */
    bool (*enabled)(void *ctx, uint32_t level);
    /* [safe] One line without its newline. The host adds time, plugin and instance. Never pass a
     * secret or an application's text. */
    void (*write)(void *ctx, uint32_t level, weir_str message);
} weir_log;

/* -- weir.json/1 ------------------------------------------------------------------------------ */

#define WEIR_SERVICE_JSON "weir.json/1"

typedef struct weir_json_service {
    uint32_t struct_size;
    uint32_t zero;
    /* [safe] Scans `bytes`; the token table comes from `arena`. WEIR_INVALID if it is not JSON;
     * then
     * `*offset` (may be NULL) is where. For JSON inside JSON; what arrived whole is scanned
     * already. */
    weir_result (*scan)(const weir_arena *arena, weir_str bytes, weir_json *out, size_t *offset);
} weir_json_service;

/* -- weir.metric/1 ---------------------------------------------------------------------------- */

#define WEIR_SERVICE_METRIC "weir.metric/1"

typedef struct weir_metric {
    uint32_t struct_size;
    uint32_t zero;
    void *ctx;
    /* [init] A counter shown at /metrics as weir_plugin_<name>{plugin=,instance=}. `name` matches
     * [a-z][a-z0-9_]*. Returns its number, or a negative result. */
    int32_t (*counter)(void *ctx, const char *name, const char *help);
    /* [safe] */
    void (*add)(void *ctx, int32_t counter, uint64_t n);
} weir_metric;

#ifdef __cplusplus
}
#endif

#endif
