/*
 * front.h - where the reply of an exchange goes: an HTTP connection, or a caller of the library.
 */
#pragma once

#include <weir/base.h>

struct front_ops {
    /* `length` is the body's, or -1. Once, first. */
    void (*head)(void *front, unsigned status, const weir_header *headers, size_t count,
                 int64_t length);
    void (*bytes)(void *front, const void *bytes, size_t len);
    /* The last call: the reply is whole. */
    void (*end)(void *front);
    /* The last call: the reply must not be taken for whole. */
    void (*abort)(void *front);
    /* Whether to wait for exchange_writable() before writing more. */
    bool (*full)(void *front);
    /* Stops or resumes the request's body, if it comes in pieces. NULL: it never does. */
    void (*pause)(void *front, bool paused);
};
