/*
 * http_chunks.c - fuzz target: any bytes as a chunked body. The first byte is the size of the
 * pieces it is fed in; the result must be that of feeding it at once.
 */
#include "transport/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = data[0] ? data[0] : 1;
    size_t len = size - 1;
    char *whole = malloc(len ? len : 1);
    char *parts = malloc(len ? len : 1);
    const char *why = NULL;
    memcpy(whole, data + 1, len);

    struct http_chunks c = { 0 };
    size_t used = len, out = 0;
    int r = http_chunks_decode(&c, whole, &used, &out, &why);
    check(r == 0 || r == 1 || r == HTTP_BAD);
    check(out <= used && used <= len);
    check(r != 0 || used == len);
    check(r != HTTP_BAD || *why);

    struct http_chunks d = { 0 };
    size_t at = 0, total = 0;
    int s = 0;
    while (s == 0 && at < len) {
        size_t n = len - at < step ? len - at : step, got = 0;
        char *piece = malloc(n);
        memcpy(piece, data + 1 + at, n);
        s = http_chunks_decode(&d, piece, &n, &got, &why);
        memcpy(parts + total, piece, got);
        total += got;
        at += n;
        free(piece);
    }
    check(s == r);
    check(at == used && total == out);
    check(memcmp(parts, whole, out) == 0);
    free(whole);
    free(parts);
    return 0;
}
