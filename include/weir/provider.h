/*
 * provider.h - the face of a provider part: requests out, bytes back in, events.
 *
 * A provider part does no I/O. It says what the request looks like, how the response is framed, and
 * turns each frame into events. So it can be replayed, fuzzed, cancelled and started anew at will.
 */
#ifndef WEIR_PROVIDER_H
#define WEIR_PROVIDER_H

#include <weir/exchange.h>
#include <weir/host.h>
#include <weir/option.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_PART_PROVIDER "weir.provider/1"

struct weir_script;

/*
 * Where a provider part writes the request of an attempt. [any]
 * Bytes inside weir_exchange.body or .request are taken by reference, others are copied.
 */
typedef struct weir_http_sink {
    uint32_t struct_size;
    uint32_t zero;
    void *ctx;
    /* Once, first. `url` is a path (with query), put behind the base URL. */
    weir_result (*line)(void *ctx, weir_str method, weir_str url);
    weir_result (*header)(void *ctx, weir_str name, weir_str value);
    /* The next piece of the body; without a call there is no body. */
    weir_result (*body)(void *ctx, weir_str bytes);
    /* Something that the API cannot express was left out: which (JSON pointer into the request)
     * and why. Negative under `loss: strict`: return it. Where the request makes no sense without
     * it, return WEIR_UNSUPPORTED yourself: that is then the reason given. */
    weir_result (*dropped)(void *ctx, weir_str pointer, weir_str why);
    /* No request is needed: the part answers itself with a scripted response, in its own API. For
     * simulators: pieces of a response with times, see weir_script. */
    weir_result (*script)(void *ctx, const struct weir_script *script);
} weir_http_sink;

/* What a scripted response does at one step. */
enum {
    WEIR_STEP_BYTES = 0,   /* body bytes arrive */
    WEIR_STEP_END = 1,     /* the body is complete */
    WEIR_STEP_CUT = 2,     /* the connection breaks */
    WEIR_STEP_STALL = 3,   /* nothing comes any more */
    WEIR_STEP_REFUSED = 4, /* the connection could not be made (first step only) */
};

typedef struct weir_step {
    uint32_t struct_size;
    uint32_t what;    /* WEIR_STEP_* */
    int64_t after_us; /* after the step before */
    weir_str bytes;
} weir_step;

/* A response without a network: head, then steps. Copied by the host. */
typedef struct weir_script {
    uint32_t struct_size;
    uint32_t status;
    int64_t head_after_us;
    const weir_header *headers;
    uint32_t header_count;
    uint32_t zero;
    weir_array steps; /* of weir_step */
} weir_script;

/* Framing of a response body, answered by `head`. */
enum {
    WEIR_FRAME_WHOLE = 0, /* all of it as one frame, when it is complete */
    WEIR_FRAME_SSE = 1,   /* server-sent events */
    WEIR_FRAME_LINES = 2, /* newline-delimited JSON */
    WEIR_FRAME_ARRAY = 3, /* the elements of one JSON array, as they come */
    WEIR_FRAME_RAW = 4,   /* pieces as they come; for forward */
};

typedef struct weir_response_head {
    uint32_t struct_size;
    uint32_t status;
    const weir_header *headers;
    uint32_t header_count;
    uint32_t zero;
} weir_response_head;

enum {
    WEIR_FRAME_END = 1,      /* the body is complete; data may be empty */
    WEIR_FRAME_CUT = 2,      /* the connection ended early, nothing more will come; data is empty */
    WEIR_FRAME_BAD_JSON = 4, /* data begins with '{' and is not JSON */
};

/* One frame. `json` is set if `data` is JSON (a whole body: if it is JSON at all). */
typedef struct weir_frame {
    uint32_t struct_size;
    uint32_t flags; /* WEIR_FRAME_END, ... */
    weir_str name;  /* SSE: the `event:` field; else empty */
    weir_str data;
    const weir_json *json; /* NULL: not JSON */
    /* 1: `json` has the same tokens as the frame of this response that was JSON before, but for the
     * values of those in `changed`, which are strings (no keys) or numbers. What a decoder did with
     * the frame before it would do with this one: it need only look at what changed. */
    uint32_t alike;
    uint32_t changed_count;
    const uint32_t *changed; /* indices of tokens, rising */
} weir_frame;

/* Answers of `frame`, besides negative results. */
enum {
    WEIR_RELAY = 0, /* pass-through: this frame goes to the application as it came */
    WEIR_HIDE = 1,  /* pass-through: it does not */
};

typedef struct weir_provider_v1 {
    uint32_t struct_size;
    uint32_t ops;          /* WEIR_OP_BIT() of what is served */
    uint32_t decoder_size; /* bytes of state per attempt, zeroed by the host, pointer-free */
    uint32_t can;          /* WEIR_CAN_* the API has at all; the catalogue narrows it */

    /* Ids of the dialects whose requests `encode` takes with `native` set; NULL-terminated. */
    const char *const *native;
    /* Application headers that may cross, lower case, '*' at the end allowed; NULL-terminated. */
    const char *const *forward_headers;
    /* Models this vendor is known to serve, '*' allowed; NULL-terminated. May be NULL. */
    const char *const *model_globs;
    /* Used when the configuration names none. NULL: the configuration must. */
    const char *default_base_url;
    /* Environment variable of the API key, for a start without configuration. NULL: none. */
    const char *key_variable;

    weir_array options; /* of weir_option, beyond those every provider has */

    /* [init] Checks and keeps the options. `*cfg` is given to every other call. Besides the options
     * there is "base_url", as in weir_target, for parts that know vendors by it. */
    weir_result (*configure)(const weir_host *host, const weir_json *options, void **cfg,
                             weir_error *error);
    /* [init] */
    void (*release)(void *cfg);

    /* [any] Writes the request for x->op to x->target. */
    weir_result (*encode)(void *cfg, const weir_exchange *x, const weir_http_sink *out);
    /* [any] Optional. The response head came. Returns WEIR_FRAME_*; failures are events. Default:
     * SSE for text/event-stream, else WHOLE. */
    weir_result (*head)(void *cfg, void *st, const weir_exchange *x, const weir_response_head *head,
                        const weir_events *out);
    /* [any] One frame. Returns WEIR_RELAY or WEIR_HIDE. An answer is complete only when `finish`
     * (or `document`) was emitted; a body that ends without is an error the host raises. Of a
     * forwarded request only the end of the body counts. */
    weir_result (*frame)(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                         const weir_events *out);
    /* [any] Optional. Runs last; sees the final request and may add headers (request signing). */
    weir_result (*sign)(void *cfg, const weir_exchange *x, weir_str method, weir_str url,
                        const weir_header *headers, uint32_t header_count, const weir_str *body,
                        uint32_t body_count, const weir_http_sink *out);
    /* [any] Optional. Whether a provider configured like this takes requests of `dialect`, which is
     * one of `native`, as they are. Default: it does. */
    bool (*speaks)(void *cfg, weir_str dialect);
} weir_provider_v1;

#ifdef __cplusplus
}
#endif

#endif
