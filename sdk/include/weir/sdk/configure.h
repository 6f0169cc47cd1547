/*
 * configure.h - for [init] functions: saying what is wrong with an option, keeping a string.
 */
#ifndef WEIR_SDK_CONFIGURE_H
#define WEIR_SDK_CONFIGURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base.h>
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
