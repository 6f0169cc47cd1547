/*
 * driver.h - what the fuzz targets of wire APIs share: a host for one plugin, which is linked with
 * the target as it is, and the ways an answer and a request take through the core.
 *
 * The host is as hard as the contract allows. Each piece of an arena is memory of its own; what was
 * borrowed for a call is given back behind it, and state moves between two calls; so a byte too far
 * and a pointer kept too long are seen.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "model/gather.h"
#include "model/order.h"
#include "model/sequence.h"

#include <stdlib.h>
#include <string.h>

#include <weir/plugin.h>
#include <weir/sdk/json.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/str.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, saying what did not hold. */
#define FUZZ_CHECK(holds, what) fuzz_check(!!(holds), what, __FILE__, __LINE__)
void fuzz_check(bool holds, const char *what, const char *file, int line);

/* -- The host --------------------------------------------------------------------------------- */

struct fuzz_arena;

struct fuzz_arena *fuzz_arena_new(void);
void fuzz_arena_free(struct fuzz_arena *a);
/* The arena as parts see it. NULL past 64 MiB. */
weir_arena fuzz_arena_abi(struct fuzz_arena *a);

/* One wire API: its provider part with options, and its dialect. */
struct fuzz_api {
    const char *provider;
    const char *options; /* JSON */
    const char *dialect;
    /* Configured by fuzz_setup(). */
    const weir_provider_v1 *provider_face;
    const weir_dialect_v1 *dialect_face;
    void *provider_cfg, *dialect_cfg;
};

/* Finds and configures the parts; does nothing the second time. */
void fuzz_setup(struct fuzz_api *api);

bool fuzz_is_json(weir_str bytes);
/* Whether `members` may stand between the braces of an object. */
bool fuzz_is_members(weir_str members);
/* Whether a text is what its form says: UTF-8, or the inside of a JSON string. */
bool fuzz_is_text(weir_text text);

/* -- Answers: answer.c, reply.c --------------------------------------------------------------- */

/* A kind of answer that a target is about. */
struct fuzz_case {
    uint8_t op; /* WEIR_OP_* */
    uint8_t stream;
    uint16_t status;
    const char *type;    /* Content-Type of the response; "": none is sent */
    const char *path;    /* that the application asked; NULL: "/" */
    const char *request; /* canonical JSON; NULL: "{}" */
    bool unread;         /* what the dialect writes here the provider part never asks for */
    bool single;         /* whoever asks so gets one choice: a script has no others */
};

/* Bits of the second byte of an input. The lower four say how large the pieces are that the body
 * comes in (0: whole). */
enum {
    FUZZ_CUT = 16,         /* the connection breaks behind the last byte */
    FUZZ_ASKED_USAGE = 32, /* the application asked for usage in its stream */
    FUZZ_NATIVE = 64,      /* passed through: the application speaks the same API */
    FUZZ_OWN = 128,        /* the application speaks this dialect, else another */
};

/*
 * Reads the input as an answer: its first byte chooses among the cases, the second has the bits
 * above, the rest is the body. Events take the way through order and sequence to the dialect, and
 * what that writes is read again by the provider part.
 *
 * What must hold: see on_raw() in answer.c for the events, and fuzz_reply_check() for the reply.
 */
void fuzz_answer(struct fuzz_api *api, const struct fuzz_case *cases, size_t count,
                 const uint8_t *data, size_t size);

/* The same for events that no decoder made: the input is a script of them, see script.c. */
void fuzz_events(struct fuzz_api *api, const struct fuzz_case *cases, size_t count,
                 const uint8_t *data, size_t size);

/* An answer on its way through the core. */
struct fuzz_run {
    struct fuzz_api *api;
    const struct fuzz_case *what;
    weir_exchange x;
    weir_target target;
    weir_json request;
    struct fuzz_arena *arena;
    struct arena core; /* for the core's own parts */
    void *decoder;     /* moves with every call */
    void *encoder;
    struct order order;
    struct sequence *sequence; /* NULL: the dialect takes events as they come */
    struct gather told;        /* all that went through in order */
    struct gather written;     /* what the dialect was told */
    bool streams;              /* events are written one by one */
    bool invented;             /* no decoder made the events, so that kinds may be new to the API */
    bool ended[ORDER_MAX_CHOICES];
    bool failed;    /* an error was told */
    bool misplaced; /* an event had no place */
    bool refused;   /* the dialect could not go on */
    bool over;      /* ended by a frame that nobody could read */
    bool cut;       /* the frame that tells of a broken connection is being read */
    bool native;
    uint32_t status; /* of the reply; 0: no head was written */
    char type[64];   /* its Content-Type */
    struct buf reply;
};

void fuzz_run_begin(struct fuzz_run *r, struct fuzz_api *api, const struct fuzz_case *what,
                    uint8_t flags);
void fuzz_run_end(struct fuzz_run *r);
/* An event as a decoder tells it. */
weir_result fuzz_run_event(void *run, const weir_event *event);
/* Frames a body and feeds the decoder. `step`: the size of the pieces, 0: whole. */
void fuzz_run_body(struct fuzz_run *r, weir_str body, size_t step, bool cut);
/* Whether the core would take it for a whole answer. */
bool fuzz_run_complete(const struct fuzz_run *r);
/* Lets the dialect write the end: a good one, or a failure. */
void fuzz_run_close(struct fuzz_run *r);
/* Checks what the dialect has written. `good`: it was told of a whole answer. */
void fuzz_reply_check(struct fuzz_run *r, bool good);

/* -- Requests: request.c ---------------------------------------------------------------------- */

enum {
    FUZZ_CANONICAL = 128, /* the body is a canonical request already */
    FUZZ_FOREIGN = 64,    /* opaque state in it is another provider's */
    FUZZ_OTHER = 32,      /* the application speaks another dialect */
    FUZZ_STREAM = 16,     /* of a canonical request: a stream is asked for */
};

/* How to ask for one wire API. */
struct fuzz_target {
    struct fuzz_api *api;
    const char *const *models; /* that requests go to; ends with NULL */
    /* Whether the dialect reads what the provider part writes as a request again; NULL: always. */
    bool (*rereads)(uint8_t op, const weir_json *canonical);
};

/*
 * Reads the input as a request: its first byte chooses the endpoint of the dialect (for a canonical
 * request: the operation), the second the model (lower four bits) and has the bits above, the rest
 * is the body.
 *
 * What must hold: the request is told, answered or refused, just one of these, once; what is told
 * is translated into JSON; the provider part makes JSON of that, and of the request as it is where
 * it passes through.
 */
void fuzz_request(const struct fuzz_target *target, const uint8_t *data, size_t size);
