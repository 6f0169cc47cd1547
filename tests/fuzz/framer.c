/*
 * framer.c - fuzz target: any bytes as a response body. The first byte chooses the framing, the
 * second the size of the pieces. The raw spans must string together to a prefix of the body (to all
 * of it unless it is refused), and the frames must be those of feeding it at once.
 */
#include "model/framer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* What came out: the frames' data with a byte behind each, and how far the body was used. */
struct result {
    struct buf frames;
    size_t used;
    int64_t bad;
};

static void run(unsigned framing, const char *body, size_t size, size_t step, struct result *r)
{
    struct framer f;
    size_t fed = 0;

    *r = (struct result){ 0 };
    framer_init(&f, framing);
    do {
        fed = size - fed < step ? size : fed + step;
        while (!f.ended) {
            size_t len = fed - r->used;
            char *piece = malloc(len ? len : 1); /* so that a byte too far is seen */
            struct framer_frame frame;
            int64_t n;

            memcpy(piece, body + r->used, len);
            n = framer_next(&f, piece, len, fed == size, &frame);
            check(n <= (int64_t)len);
            if (n > 0 || f.ended) {
                check(frame.raw.len == (size_t)n && (n == 0 || frame.raw.ptr == piece));
                check(!!(frame.frame.flags & WEIR_FRAME_END) == f.ended);
                check(buf_add(&r->frames, frame.frame.data.ptr, frame.frame.data.len));
                check(buf_add(&r->frames, "|", frame.frame.data.len ? 1 : 0));
                r->used += (size_t)n;
            }
            free(piece);
            r->bad = n < 0 ? n : 0;
            if (n <= 0)
                break;
        }
    } while (fed < size && !r->bad);
    check(r->bad || (f.ended && r->used == size));
    framer_finish(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, parts;
    const char *body = (const char *)data + 2;
    size_t len = size - 2;

    if (size < 2)
        return 0;
    run(data[0] % 5, body, len, len + 1, &whole);
    run(data[0] % 5, body, len, data[1] ? data[1] : 1, &parts);
    check(whole.bad == parts.bad);
    if (data[0] % 5 != WEIR_FRAME_RAW) { /* raw pieces are as they come */
        check(buf_len(&whole.frames) == buf_len(&parts.frames));
        check(!buf_len(&whole.frames) ||
              memcmp(buf_at(&whole.frames), buf_at(&parts.frames), buf_len(&whole.frames)) == 0);
    }
    buf_free(&whole.frames);
    buf_free(&parts.frames);
    return 0;
}
