/*
 * failure.c - see failure.h.
 */
#include "model/failure.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <weir/event.h>
#include <weir/exchange.h>

static const struct {
    const char *name;
    uint16_t family;
    uint16_t local;
} classes[WEIR_CLASS_COUNT] = {
#define ROW(id, number, name, family, local) [number] = { name, WEIR_CLASS_##family, local },
    WEIR_CLASSES(ROW)
#undef ROW
};

const char *failure_class_name(unsigned class_id)
{
    return class_id < WEIR_CLASS_COUNT ? classes[class_id].name : "internal";
}

int failure_class_find(weir_str name)
{
    for (int i = 1; i < WEIR_CLASS_COUNT; i++) {
        if (str_is(name, classes[i].name))
            return i;
    }
    return -1;
}

unsigned failure_family(unsigned class_id)
{
    return class_id < WEIR_CLASS_COUNT ? classes[class_id].family : WEIR_CLASS_INTERNAL;
}

bool failure_is_unhealthy(unsigned class_id)
{
    unsigned family = failure_family(class_id);

    return family == WEIR_CLASS_SERVER_ERROR || family == WEIR_CLASS_TIMEOUT;
}

weir_failure failure_local(unsigned class_id, weir_str message)
{
    return (weir_failure){
        .struct_size = sizeof(weir_failure),
        .class_id = (uint16_t)class_id,
        .family = (uint16_t)failure_family(class_id),
        .local = 1,
        .retry_after_us = -1,
        .message = message,
    };
}

/* There is always a failure to tell of, even if there is no memory to say it in. */
static weir_failure *out_of_memory(void)
{
    static _Thread_local weir_failure failure;

    failure = failure_local(WEIR_CLASS_INTERNAL, S("out of memory"));
    return &failure;
}

weir_failure *failure_copy(struct arena *arena, const weir_failure *failure)
{
    weir_failure *copy = arena_zalloc(arena, sizeof(*copy));
    size_t size = failure->struct_size < sizeof(*copy) ? failure->struct_size : sizeof(*copy);

    if (!copy)
        return out_of_memory();
    memcpy(copy, failure, size);
    copy->struct_size = sizeof(*copy);
    if (copy->class_id == 0 || copy->class_id >= WEIR_CLASS_COUNT)
        copy->class_id = copy->family && copy->family < WEIR_CLASS_COUNT ? copy->family
                                                                         : WEIR_CLASS_SERVER_ERROR;
    copy->family = (uint16_t)failure_family(copy->class_id);
    copy->code = arena_copy(arena, copy->code);
    copy->message = arena_copy(arena, copy->message);
    copy->param = arena_copy(arena, copy->param);
    return copy;
}

weir_failure *failure_format(struct arena *arena, unsigned class_id, const char *format, ...)
{
    char text[512];
    weir_failure failure;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        n = 0;
    if ((size_t)n >= sizeof text)
        n = sizeof text - 1;
    failure = failure_local(class_id, (weir_str){ text, (size_t)n });
    return failure_copy(arena, &failure);
}

/* Shorter ones are no secrets ("none", "ollama") and would garble words. */
enum { SECRET_MIN = 8 };

/* In place: what stands for the secret is shorter than it. */
static void redact(weir_str *s, weir_str secret)
{
    static const char instead[] = "[key]";
    char *from = (char *)(uintptr_t)s->ptr, *to = from, *end = from + s->len, *hit;

    while (from < end && (hit = memmem(from, (size_t)(end - from), secret.ptr, secret.len))) {
        memmove(to, from, (size_t)(hit - from));
        to += hit - from;
        memcpy(to, instead, sizeof(instead) - 1);
        to += sizeof(instead) - 1;
        from = hit + secret.len;
    }
    if (to == s->ptr)
        return;
    memmove(to, from, (size_t)(end - from));
    s->len = (size_t)(to - s->ptr) + (size_t)(end - from);
}

void failure_redact(weir_failure *failure, weir_str secret)
{
    if (secret.len < SECRET_MIN)
        return;
    redact(&failure->message, secret);
    redact(&failure->code, secret);
    redact(&failure->param, secret);
}

unsigned failure_class_of_status(unsigned status)
{
    switch (status) {
    case 401:
        return WEIR_CLASS_AUTHENTICATION;
    case 402:
        return WEIR_CLASS_QUOTA;
    case 403:
        return WEIR_CLASS_PERMISSION;
    case 404:
        return WEIR_CLASS_NOT_FOUND;
    case 408:
    case 504:
        return WEIR_CLASS_TIMEOUT;
    case 429:
        return WEIR_CLASS_RATE_LIMIT;
    case 503:
    case 529:
        return WEIR_CLASS_OVERLOADED;
    default:
        break;
    }
    if (status >= 500)
        return WEIR_CLASS_SERVER_ERROR;
    return status >= 400 ? WEIR_CLASS_INVALID_REQUEST : WEIR_CLASS_PROTOCOL;
}

/* The counters of a usage are one run of int64_t from input_total to output_image. */
enum {
    USAGE_FIRST = offsetof(weir_usage, input_total) / sizeof(int64_t),
    USAGE_END = offsetof(weir_usage, output_image) / sizeof(int64_t) + 1,
};

/* No answer has so many tokens, and sums of such counts stay far from overflow. */
static const int64_t usage_most = INT64_C(1) << 50;

void usage_clear(weir_usage *usage)
{
    int64_t *field = (int64_t *)(void *)usage;

    usage->struct_size = sizeof(*usage);
    usage->zero = 0;
    for (size_t i = USAGE_FIRST; i < USAGE_END; i++)
        field[i] = -1;
}

void usage_merge(weir_usage *usage, const weir_usage *later)
{
    int64_t *to = (int64_t *)(void *)usage;
    const int64_t *from = (const int64_t *)(const void *)later;
    size_t end = later->struct_size / sizeof(int64_t);

    for (size_t i = USAGE_FIRST; i < USAGE_END && i < end; i++) {
        if (from[i] >= 0 && from[i] <= usage_most)
            to[i] = from[i];
    }
}

bool usage_is_empty(const weir_usage *usage)
{
    const int64_t *field = (const int64_t *)(const void *)usage;

    for (size_t i = USAGE_FIRST; i < USAGE_END; i++) {
        if (field[i] >= 0)
            return false;
    }
    return true;
}

const char *op_name(unsigned op)
{
    static const char *const names[] = {
#define ROW(id, number, name) [number] = name,
        WEIR_OPS(ROW)
#undef ROW
    };

    return op < WEIR_OP_COUNT_ ? names[op] : "unknown";
}
