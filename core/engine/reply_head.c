/*
 * reply_head.c - the head of a reply: status, headers, and what is ours among them.
 */
#include "base/str.h"
#include "engine/decisions.h"
#include "engine/reply.h"

#include <stdio.h>

/* One header for all warnings: "pointer: why; pointer: why", without what headers cannot hold. */
static weir_str warnings_text(struct exchange *e)
{
    char *text = arena_alloc(&e->arena, 1024);
    const struct warning *w;
    uint32_t at = 0;
    size_t used = 0;

    while (text && (w = exchange_warning(e, &at))) {
        int n = snprintf(text + used, 1024 - used, "%s%.*s: %.*s", used ? "; " : "",
                         S_ARG(w->topic), S_ARG(w->text));

        if (n < 0 || (size_t)n >= 1024 - used)
            break;
        used += (size_t)n;
    }
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            text[i] = ' ';
    }
    return (weir_str){ text, text ? used : 0 };
}

weir_str head_number(struct exchange *e, uint64_t n)
{
    char digits[24];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return arena_copy(&e->arena, (weir_str){ digits + at, sizeof digits - at });
}

void head_add_own(struct exchange *e, const struct attempt *a, struct head *h)
{
    weir_str warnings, told;

    head_add(h, S("x-weir-id"), str_of(e->id));
    if (a && a->provider) {
        head_add(h, S("x-weir-provider"), a->provider->name);
        if (a->model.len)
            head_add(h, S("x-weir-model"), a->model);
    }
    head_add(h, S("x-weir-attempts"), head_number(e, e->attempt_count));
    if (e->explain && (told = decisions_header(e)).len)
        head_add(h, S("x-weir-explain"), told);
    if (e->warning_count && (warnings = warnings_text(e)).len)
        head_add(h, S("x-weir-warnings"), warnings);
}

void head_send(struct exchange *e, unsigned status, const struct head *h, int64_t length)
{
    e->status = status;
    e->head_sent = true;
    if (e->front)
        e->front_ops->head(e->front, status, h->headers, h->count, length);
}
