/*
 * framer.h - cuts a response body into the frames a decoder reads.
 *
 * Works on the bytes in place: what is not a whole frame yet stays in the transport's buffer and
 * is presented again with what comes next. Only an SSE event with several `data:` lines is copied.
 */
#pragma once

#include "base/buf.h"
#include "json/scan.h"

#include <weir/provider.h>

struct framer {
    uint8_t framing; /* WEIR_FRAME_WHOLE, ... */
    uint8_t array_state;
    bool ended;
    bool begun;      /* SSE: the first event is through, a byte order mark can no longer come */
    bool quoted;     /* array: the element's bytes scanned so far end inside a string */
    size_t depth;    /* array: brackets open there */
    size_t scanned;  /* bytes at the front (array: of the element) known to hold no frame's end */
    size_t seen;     /* SSE: bytes at the front known to hold no line break behind `scanned` */
    struct buf join; /* data lines of one SSE event, when there are several */
};

struct framer_frame {
    weir_frame frame; /* json is not filled in */
    weir_str raw;     /* the bytes as they came, separator included */
};

void framer_init(struct framer *f, unsigned framing);
void framer_finish(struct framer *f);

/*
 * Takes the next frame from the front of `bytes`. Returns the number of bytes it stands in (0: no
 * whole frame there), or a negative result if the body cannot be framed. `end` says that the body
 * is complete with these bytes; then the last frame carries WEIR_FRAME_END, and framer->ended is
 * set. SSE comments and empty events are returned with empty data, so that they can be relayed.
 */
int64_t framer_next(struct framer *f, const char *bytes, size_t len, bool end,
                    struct framer_frame *out);
