/*
 * configure.h - for [init] functions: the host's services, saying what is wrong with an option,
 * keeping a string.
 */
#ifndef WEIR_SDK_CONFIGURE_H
#define WEIR_SDK_CONFIGURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base.h>
#include <weir/host.h>
#include <weir/sdk/json.h>

/* Fills `error` (may be NULL) and returns `result`. */
static inline weir_result weir_error_set(weir_error *error, weir_result result, const char *option,
                                         const char *message)
{
    if (error) {
        error->result = result;
        snprintf(error->option, sizeof(error->option), "%s", option);
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    return result;
}

static inline weir_result weir_error_memory(weir_error *error)
{
    return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
}

/* The host's JSON scanner. NULL: it has none; `host` may be NULL. */
static inline const weir_json_service *weir_host_json(const weir_host *host)
{
    return host ? (const weir_json_service *)host->service(host, WEIR_SERVICE_JSON) : NULL;
}

/* A string option as a terminated copy for free(); "" if it is absent, NULL without memory. */
static inline char *weir_option_string(const weir_json *options, const char *name)
{
    uint32_t value = weir_json_find(options, 0, name);
    size_t len = weir_json_unescape(options, value, NULL, 0);
    char *copy = (char *)malloc(len + 1);

    if (copy) {
        weir_json_unescape(options, value, copy, len);
        copy[len] = '\0';
    }
    return copy;
}

/* The names of a list option, separated by commas, as a terminated copy for free(); "" if it is
 * absent, NULL without memory. */
static inline char *weir_option_names(const weir_json *options, const char *name)
{
    uint32_t list = weir_json_find(options, 0, name);
    char *joined = (char *)malloc(weir_json_raw(options, list).len + 1);
    size_t len = 0;

    if (!joined)
        return NULL;
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        if (len)
            joined[len++] = ',';
        len += weir_json_unescape(options, item, joined + len, options->tok[item].len);
    }
    joined[len] = '\0';
    return joined;
}

/* The place of a string option among its choices, which end with NULL; 0 if it is none of them. */
static inline uint8_t weir_option_choice(const weir_json *options, const char *name,
                                         const char *const *choices)
{
    uint32_t value = weir_json_find(options, 0, name);

    for (uint8_t i = 0; choices[i]; i++) {
        if (weir_json_is(options, value, choices[i]))
            return i;
    }
    return 0;
}

static inline int64_t weir_option_int64(const weir_json *options, const char *name,
                                        int64_t fallback)
{
    weir_json_int64(options, weir_json_find(options, 0, name), &fallback);
    return fallback;
}

static inline double weir_option_double(const weir_json *options, const char *name, double fallback)
{
    weir_json_double(options, weir_json_find(options, 0, name), &fallback);
    return fallback;
}

static inline bool weir_option_bool(const weir_json *options, const char *name, bool fallback)
{
    weir_json_bool(options, weir_json_find(options, 0, name), &fallback);
    return fallback;
}

#endif
