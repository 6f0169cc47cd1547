/*
 * splice.h - an answer that broke off, carried on by another one.
 *
 * `delivered` remembers what of an answer has reached the application. A splice holds a second
 * answer to the same request against it, block by block: what agrees is swallowed, what lies beyond
 * is passed on as if the first answer had not stopped. The first difference ends it; nothing has
 * been passed on by then.
 *
 * Text has to agree byte by byte, a tool call by name and by what its arguments mean. Reasoning is
 * not compared: models do not think the same thing twice.
 */
#pragma once

#include <glib.h>
#include <weir/event.h>

enum { DELIVERED_MAX_BLOCKS = 256 };

struct delivered_block {
    int32_t number;
    uint16_t kind;
    bool open;
    char *id, *name; /* of a tool call */
    GString *text;   /* UTF-8, so far */
    uint32_t deltas; /* in so many pieces */
};

struct delivered {
    char *id, *model; /* of the answer, as its vendor says; NULL: it did not */
    struct delivered_block *blocks;
    uint32_t count;
    size_t held, limit; /* bytes */
    int32_t highest;    /* block number */
    uint32_t events;    /* how many came */
    bool lost; /* something came that cannot be compared, or too much: there is no going on */
    bool finished;
};

/* At most `limit` bytes of text are remembered. */
void delivered_init(struct delivered *d, size_t limit);
void delivered_free(struct delivered *d);

/* Takes an event as the dialect's encoder is given it. */
void delivered_event(struct delivered *d, const weir_event *event);

/*
 * Tells all of it once more, block by block and each in as many pieces as it came in: what an
 * encoder has to hear to be in step with bytes that it did not write. The first negative result
 * ends it.
 */
weir_result delivered_replay(const struct delivered *d, const weir_events *to);

/* Whether another answer can go on from there. */
bool delivered_open(const struct delivered *d);

/* Whether some of it is text. */
bool delivered_has_text(const struct delivered *d);

/* Whether it is text, and reasoning perhaps, and nothing else. */
bool delivered_is_text(const struct delivered *d);

/* All text of it. */
GString *delivered_text(const struct delivered *d);

/* A block of the second answer. */
struct splice_block {
    int32_t number; /* its emitter's */
    int32_t out;    /* the number it is passed on with */
    uint8_t state;
    uint32_t at; /* the delivered block it is held against */
    size_t pos;  /* how far it agrees */
    GString *held;
    bool in_string, escaped; /* where a call's arguments are being compared */
};

struct splice {
    const struct delivered *d;
    struct splice_block *blocks;
    uint32_t count;
    uint32_t due;  /* delivered blocks to be held against, as there were at first */
    uint32_t next; /* the first of them that no block of this answer has come for */
    int32_t base;  /* new blocks are numbered from here */
    bool past;     /* it has begun to be passed on */
    bool diverged;
    weir_usage usage; /* told before there was anything to pass on */
    bool has_usage;
    bool goes_on;   /* the second answer was asked to go on from the delivered text */
    weir_str again; /* white space that was delivered but not shown to it: it may come once more */
    GString *scratch;
};

/* Of an answer to the same request. */
void splice_init(struct splice *s, const struct delivered *d);

/* Of an answer that goes on from the delivered text, which ends with `again`. */
void splice_init_on(struct splice *s, const struct delivered *d, weir_str again);

void splice_free(struct splice *s);

/*
 * Takes the next event of the second answer, ordered as order.h has it. WEIR_PROTOCOL with
 * s->diverged set: it is another answer. Else what `next` returns.
 */
weir_result splice_event(struct splice *s, const weir_event *event, const weir_events *next);
