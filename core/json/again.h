/*
 * again.h - scans documents that come one after the other and look alike, as the events of a
 * stream do.
 *
 * Most events differ from the one before in a word of text. Where the bytes agree, the scanner
 * would do again what it has done: so only strings and numbers that differ are scanned, and the
 * token table of the document before is moved to fit. What is accepted, and the table, are the
 * same as jscan()'s; anything that is not alike is scanned whole.
 */
#ifndef WEIR_CORE_JSON_AGAIN_H
#define WEIR_CORE_JSON_AGAIN_H

#include "json/scan.h"

enum {
    JAGAIN_CHANGES = 4,       /* values that may differ between documents that count as alike */
    JAGAIN_MAX_BYTES = 4096,  /* larger documents are neither compared nor kept */
    JAGAIN_MAX_TOKENS = 1024, /* the same */
    JAGAIN_MAX_OPEN = 32,     /* arrays and objects: the same */
};

/* The document before. Zeroed at first; jagain_finish() gives its memory back. */
struct jagain {
    char *bytes;
    weir_token *tok;
    uint32_t len, cap;
    uint32_t count, tok_cap;             /* count 0: there is none */
    uint32_t container[JAGAIN_MAX_OPEN]; /* tokens that are arrays or objects */
    uint32_t container_count;
    uint32_t hint[JAGAIN_CHANGES]; /* tokens that differed last time: they will again */
};

/* How a document compares to the one before. */
struct jagain_changes {
    bool alike; /* the same tokens, but for the values of these: strings or numbers */
    uint32_t count;
    uint32_t token[JAGAIN_CHANGES];
};

/*
 * As jscan(). `out` borrows `bytes`, and the table of `a` or of `spare`; it is good until either is
 * used again.
 */
weir_result jagain_scan(struct jagain *a, struct jscan_tokens *spare, weir_str bytes,
                        weir_json *out, struct jagain_changes *changes)
    __attribute__((warn_unused_result));

void jagain_finish(struct jagain *a);

#endif
