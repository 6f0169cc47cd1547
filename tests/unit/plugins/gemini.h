/*
 * gemini.h - what the tests of the gemini plugin share.
 */
#pragma once

#include "records.h"
#include "told.h"

/* The dialect, configured; for the life of the program. */
void *gemini_dialect(void);

/* Reads and translates a request. `path` with its query; `headers` may be NULL ("name: value\n");
 * `body` may be NULL. */
void told_read(struct told *t, const char *method, const char *path, const char *headers,
               const char *body);

/* Something that is being written. */
struct writing {
    const weir_dialect_v1 *face;
    void *cfg;
    void *st;
    struct host_exchange *e;
    struct host_reply reply;
};

/* For a request of `op` at `path`, with its query. */
void writing_begin(struct writing *w, uint8_t op, const char *path);
void writing_end(struct writing *w);
/* Writes an event; the context is a struct writing. State moves to another address before. */
weir_result writing_event(void *ctx, const weir_event *event);

/* A request of the API in a form in which two that mean the same are equal. Takes the reference. */
json_t *gemini_normal(json_t *request);
