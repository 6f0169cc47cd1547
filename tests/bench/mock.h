/*
 * mock.h - the provider that the benchmark's candidates send to: connections and what they answer.
 *
 * It has to be far cheaper than what is measured, so every answer is rendered once at the start and
 * written by reference, and bodies of requests are thrown away unread where the kernel can do that.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An answer: pieces, sent one by one, `gap_us` apart. */
struct mock_answer {
    char *bytes;
    size_t *ends; /* of the pieces, ascending */
    unsigned pieces;
    int64_t gap_us;
    int queue; /* which line its connections wait in between two pieces */
};

enum {
    MOCK_JSON,
    MOCK_MESSAGE,
    MOCK_SSE,
    MOCK_SPACED,
    MOCK_HOLD,
    MOCK_FAIL,
    MOCK_REFUSE,
    MOCK_ANSWERS
};

/* Renders all answers. */
void mock_answers_init(void);
/* By the request's target: /sse/, /spaced/, /hold/ anywhere in it, else one JSON document. */
const struct mock_answer *mock_answer_for(const char *target, size_t len);
const struct mock_answer *mock_answer(int which);

struct mock_conn {
    int fd;
    SSL *ssl; /* NULL: plain */
    bool fails;
    bool dead;
    bool waits_to_write;
    char head[8192];
    size_t head_len;
    uint64_t body_left; /* of the request */
    const struct mock_answer *answer;
    unsigned piece;  /* the next one */
    size_t sent, to; /* what is being written: bytes [sent, to) of the answer */
    int64_t due_us;
    struct mock_conn *next, *prev; /* in its line, or among the free */
    bool queued;
};
