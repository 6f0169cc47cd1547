/*
 * exchange.h - one request of an application, from its first byte to the log line.
 *
 * Files: exchange.c (life and death), request.c (reading and resolving), attempt.c (one try at one
 * target), response.c (bytes to events), reply.c (events to the application), filters.c.
 */
#pragma once

#include "engine/front.h"
#include "engine/worker.h"
#include "model/framer.h"
#include "model/gather.h"
#include "model/order.h"
#include "route/walk.h"

enum { EXCHANGE_MAX_WARNINGS = 16 };

/* What becomes of an answer on its way to the application. */
enum reply_mode {
    REPLY_RELAY,  /* the provider's bytes go out as they came */
    REPLY_STREAM, /* events are written by the dialect as they come */
    REPLY_WHOLE,  /* events are gathered and written at the end */
};

/* The front's last call. It comes after the log line: what the request was made of goes with it. */
enum closing { CLOSING_NONE, CLOSING_END, CLOSING_ABORT };

/* One try at one target. */
struct attempt {
    struct attempt *next;
    struct exchange *exchange;
    struct walk_try *t;
    const struct provider *provider;
    struct target *target;
    weir_str model;
    uint32_t number; /* from 1 */
    weir_exchange x; /* as the provider part sees it */
    weir_target abi_target;
    void *decoder;
    struct framer framer;
    struct order order;
    enum reply_mode mode;
    void *encoder;        /* of the dialect, for this attempt */
    void *filter_state;   /* one block per filter, end to end */
    struct gather gather; /* REPLY_WHOLE */
    struct buf held;      /* reply bytes that wait for the commit */
    weir_str run;         /* bytes of the response being taken that are to be relayed together */
    unsigned reply_status;
    weir_header reply_headers[8];
    uint32_t reply_header_count;
    /* the request */
    weir_str method, url;
    weir_header *headers;
    uint32_t header_count, header_cap;
    weir_str *body;
    uint32_t body_count, body_cap;
    const weir_script *script;
    /* the response */
    struct up_call call;
    struct script_player *player;
    struct loop_timer timer; /* the next of the time limits */
    struct config_timeouts limits;
    unsigned status;
    weir_header *relay_headers; /* of the response, those that cross to the application */
    uint32_t relay_header_count;
    weir_failure *failure;
    weir_usage usage;
    int64_t start_us, head_us, first_us, active_us, end_us;
    int64_t complete_us; /* the answer was whole; 0: it is not yet */
    int64_t booked_tokens;
    uint64_t bytes_out, bytes_in;
    bool request_sent;  /* at least one byte of it */
    bool body_sent;     /* ... of a body that comes in pieces */
    bool begun;         /* counted at the target */
    weir_failure *late; /* met in the last bytes: told when the transport has said done */
    bool ending;        /* the last bytes are being taken */
    bool running;       /* the transport has not said done */
    bool over;
    bool committed;
    bool paused;    /* the application does not keep up: silence is not the target's */
    bool misplaced; /* an event of the decoder could have no place in an answer */
    bool refused;   /* a filter or the dialect did not take an event: the target is not at fault */
    bool raw;       /* forward: the response goes out whatever its status */
    bool spare;     /* forward: the response is only kept, another target is asked */
    weir_str spare_body;
    int64_t retry_after_us;
};

struct warning {
    weir_str topic;
    weir_str text;
};

struct exchange {
    struct worker *worker;
    struct worker_generation *wg;
    struct generation *generation;
    struct exchange *next, *prev;
    struct arena arena;
    uint64_t seed; /* what parts get to be random with */
    char id[20];
    /* the application's side */
    const struct front_ops *front_ops;
    void *front; /* NULL: it is gone, or the reply has ended */
    const struct dialect *dialect;
    const struct dialect *speaker; /* writes the reply; differs from `dialect` for the library */
    weir_ingress in;
    weir_str target_path; /* path and query as sent */
    weir_json json;
    weir_facts facts;
    weir_str app_key;
    weir_str canonical_bytes;
    weir_json canonical;
    bool translated;    /* `canonical` is there */
    weir_failure *loss; /* what the canonical request would lose, where nothing may be lost */
    bool edited;        /* a filter changed it: the original bytes are no longer the request */
    const struct route *route;
    const struct provider *explicit_provider;
    const struct node *root; /* of the route, or the provider's own */
    const struct filter **filters;
    uint32_t filter_count;
    void *filter_state; /* as the request filters left it; each attempt gets a copy */
    size_t filter_state_size;
    bool filter_events;
    /* routing */
    struct walk walk;
    struct attempt *attempts, **attempts_end;
    struct attempt *winner; /* the one committed */
    struct attempt *local;  /* stands for a filter that answers itself */
    uint32_t attempt_count;
    /* a body in pieces */
    int64_t body_stream; /* 0: it is held */
    struct buf upload;   /* what the provider has not taken yet */
    bool upload_ended;
    /* time */
    struct loop_timer timer; /* deadline, or end of waiting */
    struct loop_task cleanup;
    int64_t start_us, unix_us, first_us, end_us;
    bool waiting;
    /* outcome */
    unsigned status; /* sent to the application */
    weir_failure *failure;
    struct warning warnings[EXCHANGE_MAX_WARNINGS];
    uint32_t warning_count;
    uint64_t bytes_in, bytes_out;
    uint8_t closing; /* enum closing: what the front is told last */
    bool head_sent;
    bool started; /* the request was handed over */
    bool over;
    char peer[64];
};

/* What an exchange begins with. Everything borrowed stays valid until the front's last call. */
struct exchange_start {
    const struct front_ops *front_ops;
    void *front;
    const struct endpoint_match *match;
    const struct dialect *speaker;        /* NULL: the endpoint's */
    weir_str method, target, path, query; /* target: path and query as sent */
    const weir_header *headers;
    uint32_t header_count;
    const char *peer;
    int64_t start_us;
};

/* Begins an exchange; the request's body follows. Never NULL. */
struct exchange *exchange_new(struct worker *w, const struct exchange_start *start);

/* The body is whole (maybe empty): read it, route it. May end the exchange. */
void exchange_request(struct exchange *e, weir_str body);

/*
 * Instead: a forwarded request whose body is too large to be held, or of unknown length. It is
 * routed now; `length` is the body's, or INT64_MAX. The pieces follow. Such a request cannot be
 * repeated once a byte of its body has been sent.
 */
void exchange_stream(struct exchange *e, int64_t length);
void exchange_body(struct exchange *e, weir_str piece, bool end);

/* Refuses the request before it is read. */
void exchange_refuse(struct exchange *e, unsigned class_id, const char *message);

/* The front can take more. */
void exchange_writable(struct exchange *e);

/* The application is gone: everything done for it stops now. The front is not touched again.
 * `status` is what was sent on its behalf, or 0. */
void exchange_cancel(struct exchange *e, unsigned status);

/* -- between the files of this folder -----------------------------------------------------------
 */

/* Stops everything that runs and closes the books; the memory goes at the end of the iteration. */
void exchange_finish(struct exchange *e);

/* Ends with a failure: the dialect's error reply if nothing was sent, else its error event. */
void exchange_fail(struct exchange *e, const weir_failure *failure);

void exchange_warn(struct exchange *e, weir_str topic, weir_str text);

/* What parts are told about the exchange outside an attempt. */
weir_exchange exchange_view(struct exchange *e);

/* Makes the canonical request if there is none yet. False: it cannot be made, or the dialect ended
 * the exchange. */
bool exchange_translate(struct exchange *e);

/* Sets the budget and its timer from the route, or from the defaults. */
void exchange_budget(struct exchange *e);

/* Percent-decodes what the path captured. */
void exchange_captures(struct exchange *e, const struct endpoint_match *match);

/* models.c: answers a model list from the configuration. */
void models_answer(struct exchange *e);

/* Hands on what has gathered of a body in pieces. */
void exchange_upload(struct exchange *e);

/* Resolves the model and begins to walk. */
void exchange_route(struct exchange *e);

extern const struct walk_ops exchange_walk_ops;

/* attempt.c */
void attempt_start(struct walk *walk, struct walk_try *t, const struct child *leaf,
                   struct target *target, weir_str model);
/* Ends the attempt with a failure and tells the walk (or, committed, the exchange). */
void attempt_fail(struct attempt *a, const weir_failure *failure);
void attempt_fail_as(struct attempt *a, unsigned class_id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The answer is whole, though the response has not ended: it need not be waited for for long. */
void attempt_complete(struct attempt *a);
/* Stops the transport, without a word to anybody. `failure` is what the books say. */
void attempt_cancel(struct attempt *a, const weir_failure *failure);
/* The transport is done and the answer is whole. */
void attempt_succeed(struct attempt *a);
void attempt_pause(struct attempt *a, bool paused);
/* Sets the timer to the next of the time limits. */
void attempt_arm(struct attempt *a);

/* encode.c: lets the provider part write the request into the attempt. */
weir_result attempt_encode(struct attempt *a);

/* response.c: what the transport (or a script) brings. */
int response_head(struct attempt *a, unsigned status, const weir_header *headers, uint32_t count);
int64_t response_body(struct attempt *a, const char *bytes, size_t len, bool end);
/* The body ended (cut: early). Decides between success and failure. */
void response_done(struct attempt *a, bool cut, const char *message);

/* filters.c */
/* Finds the filters of the request. False: it was refused. */
bool filters_select(struct exchange *e);
/* Runs the request filters. False: the exchange was answered or refused. */
bool filters_request(struct exchange *e);
/* Hands an event to the filters, in reverse order, and what comes out to reply_event(). */
weir_result filters_event(struct attempt *a, const weir_event *event);

/* reply.c */
weir_result reply_event(struct attempt *a, const weir_event *event);
/* Relays raw response bytes (held until the commit). WEIR_TOO_LARGE: more than may be held. */
weir_result reply_relay(struct attempt *a, weir_str bytes);
/* The first content is there: from now on bytes go out, and there is no other target. */
void reply_commit(struct attempt *a);
/* The answer is whole: writes what is left and ends the reply. */
void reply_finish(struct attempt *a);
void reply_failure(struct exchange *e, const weir_failure *failure);
/* A filter answers instead of a provider: its events, one by one, then the end. */
weir_result reply_local_event(struct exchange *e, const weir_event *event);
void reply_local_end(struct exchange *e);
void reply_plain(struct exchange *e, unsigned status, weir_str content_type, weir_str body);

/* script.c: plays a scripted response. */
void script_start(struct attempt *a, const weir_script *script);
void script_stop(struct attempt *a);
void script_pause(struct attempt *a, bool paused);
const weir_script *script_copy(struct arena *arena, const weir_script *script);
