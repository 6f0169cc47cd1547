/*
 * dialect.h - the face of a dialect: what an application sends, and what it expects to read.
 */
#ifndef WEIR_DIALECT_H
#define WEIR_DIALECT_H

#include <weir/exchange.h>
#include <weir/host.h>
#include <weir/option.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_PART_DIALECT "weir.dialect/1"

/*
 * A path the dialect serves. Patterns: "/v1/chat/completions"; {name} captures one segment up to
 * the next literal ("/models/{model}:generate"); a final "/" + "**" takes any rest. The longest
 * literal match over all dialects wins; two dialects may share a path if `when_header` tells them
 * apart.
 */
typedef struct weir_endpoint {
    uint32_t struct_size;
    uint8_t op;           /* WEIR_OP_* */
    uint8_t optional_key; /* 1: may be asked without an application key */
    uint16_t zero;
    const char *method; /* "POST"; "*": any */
    const char *pattern;
    const char *when_header; /* present in the request; NULL: always */
} weir_endpoint;

/* A request as it came in. Valid as long as the exchange. */
typedef struct weir_ingress {
    uint32_t struct_size;
    uint32_t endpoint; /* index into the dialect's endpoints */
    weir_str id;       /* of the exchange, as in the log */
    weir_str method;
    weir_str path; /* without the query */
    weir_str query;
    const weir_str *captures; /* in the order of the pattern, percent-decoded */
    uint32_t capture_count;
    uint32_t header_count;
    const weir_header *headers;
    weir_str body;
    const weir_json *json; /* scanned body; NULL if there is none or the op is forward */
    int64_t unix_us;
    weir_arena arena;
} weir_ingress;

/* Where a dialect says what it read. [any] */
typedef struct weir_request_sink {
    uint32_t struct_size;
    uint32_t zero;
    void *ctx;
    /* Once. `app_key` is the credential the application sent, bare; empty: none. */
    weir_result (*facts)(void *ctx, const weir_facts *facts, weir_str app_key);
    /* translate: the next piece of the canonical request. Bytes inside the ingress body are taken
     * by reference. */
    weir_result (*body)(void *ctx, weir_str bytes);
    /* Something in the request that only the provider that made it can read: a response or file
     * id, a signature, encrypted reasoning. `required`: the request makes no sense without it. */
    weir_result (*opaque)(void *ctx, weir_text value, bool required);
    weir_result (*dropped)(void *ctx, weir_str pointer, weir_str why);
    /* The dialect answers by itself. */
    weir_result (*answer)(void *ctx, uint32_t status, weir_str content_type, weir_str body);
    /* The request is refused, before any provider is asked. */
    weir_result (*refuse)(void *ctx, const weir_failure *failure);
} weir_request_sink;

/* Where a dialect writes a reply. [any] Bytes are copied. */
typedef struct weir_reply_sink {
    uint32_t struct_size;
    uint32_t zero;
    void *ctx;
    /* Status and headers; once, first. Content-Length and the x-weir-* headers are the host's. */
    weir_result (*head)(void *ctx, uint32_t status, const weir_header *headers, uint32_t count);
    weir_result (*bytes)(void *ctx, weir_str bytes);
} weir_reply_sink;

/* One block of a gathered answer. */
typedef struct weir_block {
    uint32_t struct_size;
    uint16_t kind; /* WEIR_BLOCK_* */
    uint16_t zero;
    int32_t choice;
    int32_t index; /* position in its choice, from 0 */
    weir_text text;
    weir_str id;
    weir_str name;
    weir_str extra;
} weir_block;

/* How a choice of a gathered answer ended. */
typedef struct weir_choice {
    uint32_t struct_size;
    int32_t choice;
    uint16_t reason; /* WEIR_FINISH_* */
    uint16_t zero;
    uint32_t zero2;
    weir_str raw_reason;
    weir_str extra;
} weir_choice;

/* An answer that was gathered whole, for requests that did not ask for a stream. */
typedef struct weir_answer {
    uint32_t struct_size;
    uint32_t zero;
    weir_str id;
    weir_str model;
    weir_array blocks;  /* of weir_block, by choice, then index */
    weir_array choices; /* of weir_choice, by number */
    const weir_usage *usage;
    weir_str extra; /* of the `start` event */
} weir_answer;

/* What a dialect asks of the events it is given; bits of weir_dialect_v1.flags. */
enum {
    /* One block at a time: another begins when the one before has ended. The core holds back what
     * comes in between. Choices count as blocks of one another. */
    WEIR_DIALECT_SEQUENTIAL = 1,
    /* A tool call comes whole: its start, one delta with all arguments (JSON, never empty), its
     * end, with nothing between them. */
    WEIR_DIALECT_WHOLE_CALLS = 2,
    /* The dialect repeats at the end what it has written: BLOCK_END events carry all that was said
     * of their block (text, id, name, extra), and `end` finds the answer in weir_exchange.answer.
     */
    WEIR_DIALECT_GATHERED = 4,
};

typedef struct weir_dialect_v1 {
    uint32_t struct_size;
    uint32_t encoder_size; /* bytes of state per exchange, zeroed by the host, pointer-free */
    const char *id;        /* "openai.chat": what provider parts list in `native` */
    weir_array endpoints;  /* of weir_endpoint */
    weir_array options;    /* of weir_option */

    /* [init] As in weir_provider_v1. */
    weir_result (*configure)(const weir_host *host, const weir_json *options, void **cfg,
                             weir_error *error);
    /* [init] */
    void (*release)(void *cfg);

    /* [any] One shallow pass: facts, the application's key, opaque state; or a refusal. */
    weir_result (*read)(void *cfg, const weir_ingress *in, const weir_request_sink *out);
    /* [any] Writes the canonical request. Called only if some target or filter needs it. */
    weir_result (*translate)(void *cfg, const weir_ingress *in, const weir_request_sink *out);
    /* [any] Streams: one event. The host calls `head` of the sink never for you: write it with
     * `start`. `document` events come here too, streamed or not. Here and in `answer`,
     * WEIR_PROTOCOL says that what the provider sent is no answer: the failure counts as its own.
     */
    weir_result (*event)(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                         const weir_reply_sink *out);
    /* [any] Not a stream: the whole answer. */
    weir_result (*answer)(void *cfg, const weir_exchange *x, const weir_answer *answer,
                          const weir_reply_sink *out);
    /* [any] A failure in the dialect's own form. `st` NULL: nothing was sent yet, write a head with
     * a status; else the stream has begun: write the dialect's error event. */
    weir_result (*failure)(void *cfg, void *st, const weir_exchange *x, const weir_failure *failure,
                           const weir_reply_sink *out);
    /* [any] Optional. The end of a stream after the last `finish` ("data: [DONE]"). */
    weir_result (*end)(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out);
    uint32_t flags; /* WEIR_DIALECT_*; default 0 */
    uint32_t zero;
} weir_dialect_v1;

#ifdef __cplusplus
}
#endif

#endif
