/*
 * http_head.c - fuzz target: any bytes as a message head. The first byte chooses the side.
 *
 * Spans lie inside the input, a head that is taken is taken whatever follows it, and every cut of
 * it asks for more.
 */
#include "transport/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 8192 };

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_span(weir_str s, const char *bytes, size_t len)
{
    if (s.ptr)
        check(s.ptr >= bytes && s.len <= len && s.ptr + s.len <= bytes + len);
    else
        check(s.len == 0);
}

static void check_spans(const struct http_head *h, const char *bytes, size_t len)
{
    check_span(h->method, bytes, len);
    check_span(h->target, bytes, len);
    check_span(h->path, bytes, len);
    check_span(h->query, bytes, len);
    check_span(h->reason, bytes, len);
    check(h->header_count <= HTTP_MAX_HEADERS);
    for (uint32_t i = 0; i < h->header_count; i++) {
        check_span(h->headers[i].name, bytes, len);
        check_span(h->headers[i].value, bytes, len);
        check(h->headers[i].name.len > 0);
        check(!memchr(h->headers[i].value.ptr, '\n', h->headers[i].value.len));
        check(!memchr(h->headers[i].value.ptr, '\r', h->headers[i].value.len));
    }
    check(!(h->chunked && h->content_length >= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static weir_header headers[HTTP_MAX_HEADERS];
    static struct http_head head = { .headers = headers };
    const char *why = NULL;
    if (size == 0)
        return 0;
    bool response = data[0] & 1;
    size_t len = size - 1;
    char *bytes = malloc(len ? len : 1);
    memcpy(bytes, data + 1, len);

    int r = http_head_parse(&head, response, bytes, len, LIMIT, &why);
    check(r >= HTTP_VERSION && r <= (int)len && r <= LIMIT);
    check(why != NULL && (r >= 0 || *why));
    if (r > 0) {
        check_spans(&head, bytes, (size_t)r);
        check(http_head_parse(&head, response, bytes, (size_t)r, LIMIT, &why) == r);
        size_t step = (size_t)r / 16 + 1;
        for (size_t cut = 0; cut < (size_t)r; cut += step)
            check(http_head_parse(&head, response, bytes, cut, LIMIT, &why) == HTTP_MORE);
    } else if (r < 0) {
        /* What is refused is not taken when it comes in pieces either. */
        for (size_t cut = 0; cut < len; cut += len / 16 + 1)
            check(http_head_parse(&head, response, bytes, cut, LIMIT, &why) <= 0);
    }
    free(bytes);
    return 0;
}
