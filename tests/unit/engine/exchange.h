/*
 * exchange.h - what the tests of exchanges share: a configuration, a script, and looks at what a
 * front was given.
 */
#pragma once

#include "kit.h"

#define MS INT64_C(1000)

#define PROVIDERS                                                                   \
    "providers:\n"                                                                  \
    "  mock: { plugin: mock, base_url: \"http://m-@\", max_retries: 0 }\n"          \
    "  twin: { plugin: twin, base_url: \"http://t-@\", max_retries: 0 }\n"          \
    "  sim: { plugin: sim, base_url: \"http://s-@\", reply: Hello., mark: false,\n" \
    "         max_retries: 0 }\n"

#define ROUTE(children, rest) \
    PROVIDERS "routes:\n  main:\n    failover: { try: [" children "] }\n" rest

static inline bool has(const struct front *f, const char *text)
{
    return strstr(f->body->str, text) != NULL;
}

static inline bool has_header(const struct front *f, const char *line)
{
    return strstr(f->headers->str, line) != NULL;
}

/* "Hel", "lo", usage and the end, each 10 ms after the one before. */
static inline void script_hello(void)
{
    kit_script(200);
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: nothing\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:Hel\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: t:lo\n\ndata: u\n\n");
    kit_step(WEIR_STEP_BYTES, 10 * MS, "data: f\n\n");
    kit_step(WEIR_STEP_END, 10 * MS, NULL);
}
