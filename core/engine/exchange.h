/*
 * exchange.h - one request of an application, from its first byte to the log line.
 *
 * Files: exchange.c (life and death), request.c (reading and resolving), admit.c (limits of tenants
 * and money), prompt.c (text for
 * strategies), shadow.c (copies to other children), resume.c (going on with an answer that broke
 * off), attempt.c (one try at one target), response.c (bytes to events), reply.c (events to the
 * application), filters.c.
 */
#pragma once

#include "engine/front.h"
#include "engine/worker.h"
#include "json/again.h"
#include "model/framer.h"
#include "model/gather.h"
#include "model/order.h"
#include "model/sequence.h"
#include "model/splice.h"
#include "route/opaque.h"
#include "route/trace.h"
#include "route/walk.h"

enum { EXCHANGE_MAX_WARNINGS = 16 };

/* What becomes of an answer on its way to the application. */
enum reply_mode {
    REPLY_RELAY,  /* the provider's bytes go out as they came */
    REPLY_NONE,   /* nobody gets it: it is only read */
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
    void *decoder; /* its state; NULL before the response's head */
    struct framer framer;
    struct jagain last; /* the frame before, of a stream */
    enum reply_mode mode;
    void *encoder;        /* of the dialect, for this attempt */
    void *filter_state;   /* one block per filter, end to end */
    struct gather gather; /* REPLY_WHOLE, and streams of dialects that ask for it */
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
    int64_t booked_money; /* -1: nobody knows the price */
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
    struct label *label; /* where in the reply the provider's name goes; NULL: nowhere yet */
    struct delivered *delivered; /* what reached the application; NULL: nobody will go on from it */
    struct splice *splice;       /* it carries on an answer that broke off; else NULL */
    weir_json *prefilled;        /* the request with that answer's text in it; NULL: as it was */
    bool dry;                    /* what the encoder writes is not sent: bytes said it before */
    struct sequence *sequence;   /* REPLY_STREAM, for dialects that ask for it; else NULL */
    struct order order;
};

/* Something that the application should know of. What concerns the way to one target only is told
 * if its answer is the one delivered. */
struct warning {
    weir_str topic;
    weir_str text;
    const struct attempt *of; /* one attempt's; NULL: the exchange's */
    bool translation;         /* what the canonical request cannot say */
};

/* A child that gets a copy of the request. */
struct shadow {
    struct shadow *next;
    const struct child *child;
    const char *why_not; /* it was not sent; NULL: it was, or is due */
    char id[20];         /* of the copy's exchange; empty: not sent */
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
    const struct config_key *key; /* the application's, by which it was let in; NULL: none */
    bool admin;                   /* it may ask what only an administrator may */
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
    struct attempt *winner; /* the one committed last: whose answer it is */
    struct attempt *voice;  /* the one committed first: whose encoder writes the reply */
    weir_failure *broken;   /* why its answer broke off, if others are asked to go on; else NULL */
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
    int64_t asked_us; /* the deadline that the application asked for, from the start on; 0: none;
                         -1: what it wrote is no time */
    bool waiting;     /* as `waiter` */
    struct waiter waiter;
    const struct tenant *tenant; /* NULL: nothing is configured of it */
    struct limit *admitted;      /* of the tenant, and booked there; NULL: no */
    /* outcome */
    unsigned status; /* sent to the application */
    weir_failure *failure;
    struct warning *warnings; /* made with the first */
    uint32_t warning_count;
    uint64_t bytes_in, bytes_out;
    uint8_t closing; /* enum closing: what the front is told last */
    bool head_sent;
    bool started; /* the request was handed over */
    bool over;
    char peer[64];
    struct trace *trace; /* what the nodes were asked; NULL: nobody wants to know */
    bool explain;        /* ... in the reply's head */
    const weir_failure *rehearsal;
    struct opaque *opaque;  /* what in it only one provider can read; NULL: nothing */
    struct shadow *shadows; /* who gets a copy of it */
    const char *copy_of;    /* of such a copy: the id of the exchange that was copied; else NULL */
    weir_str copy_name;     /* ... and the name of the child that it is for */
    uint64_t copy_bytes;    /* ... and what of it counts in worker.shadow_bytes */
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
    const weir_failure *rehearsal; /* what every attempt ends with, unsent; NULL: it is sent */
    const struct config_key *key;  /* of the worker's current generation; NULL: none */
    bool admin;
};

/* Begins an exchange; the request's body follows. Never NULL. */
struct exchange *exchange_new(struct worker *w, const struct exchange_start *start);

/* One of the same generation, application and dialect, that replies to nobody. What it asks for is
 * still to be copied. Never NULL. */
struct exchange *exchange_copy(const struct exchange *e);

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

/* Keeps a copy, once. */
void exchange_warn(struct exchange *e, const struct warning *warning);

/* The next warning from `*at` on (0 at first) that concerns the answer as it was given; NULL: there
 * is no further one. */
const struct warning *exchange_warning(const struct exchange *e, uint32_t *at);

/* What parts are told about the exchange outside an attempt. */
weir_exchange exchange_view(struct exchange *e);

/* Makes the canonical request if there is none yet. False: it cannot be made, or the dialect ended
 * the exchange. */
bool exchange_translate(struct exchange *e);

/* prompt.c: completes the facts with what `needs` (WEIR_NEEDS_*) asks for of the request's text. */
void prompt_facts(struct exchange *e, uint32_t needs);

/* shadow.c: copies of a request. */
/* A strategy says that the child is to get one. */
void shadow_due(struct walk *walk, const struct child *child);
/* An attempt is on its way: sends the copies that are due. */
void shadow_send(struct exchange *e);
/* A copy has ended. */
void shadow_over(struct exchange *e);

/* admit.c: what this request may use. */
/* Begins to walk, if the tenant's limits let it, or waits, or fails. */
void exchange_go(struct exchange *e);
/* What the application wrote for its deadline; -1: that is no time. */
int64_t exchange_deadline(weir_str text);
/* It waited: tries again. */
void exchange_again(struct exchange *e);
int exchange_priority(const struct exchange *e);
/* What the tenant used is settled; once, at the end. */
void exchange_settle(struct exchange *e);
/* An attempt has begun, has ended: what it costs. */
void exchange_spend(struct attempt *a);
void exchange_spent(struct attempt *a);
/* Tokens that the books of an attempt show; -1: nobody knows. */
int64_t attempt_tokens(const struct attempt *a);

/* Sets the budget and its timer from the route, or from the defaults. */
void exchange_budget(struct exchange *e);

/* Percent-decodes what the path captured. */
void exchange_captures(struct exchange *e, const struct endpoint_match *match);

/* owned.c: what a provider made and only it can read. `note`: of an answer; `found`: of a request,
 * borrowed for the call. */
void owned_note(struct attempt *a, weir_text value);
weir_result owned_found(struct exchange *e, weir_text value, bool required);
/* Only with e->opaque. False: the request can go nowhere, and was refused. */
bool owned_check(struct exchange *e);
/* Likewise: warns why nobody else was asked. */
void owned_explain(struct exchange *e);

/* The target as parts and logs may see it: without the application's key, if it stands there. */
weir_str exchange_public_target(struct exchange *e, const struct exchange_start *start);

/* permit.c: what the application's key allows. */
/* Whether it may ask a provider for a model under that name; empty: for whatever it has. */
bool permit_model(const struct exchange *e, weir_str provider, weir_str model);
bool permit_route(const struct exchange *e, const char *route);
/* Whether there is anything that it may not. */
bool permit_some(const struct exchange *e);
/* Whether it may go where its names led. False: it was refused. */
bool permit_check(struct exchange *e, weir_str model);

/* models.c: answers a model list from the configuration. */
void models_answer(struct exchange *e);

/* Hands on what has gathered of a body in pieces. */
void exchange_upload(struct exchange *e);

/* resolve.c */
/* Fails: nobody knows the model that was asked about. */
void exchange_unknown_model(struct exchange *e);

/* Resolves the model and begins to walk. */
void exchange_route(struct exchange *e);

extern const struct walk_ops exchange_walk_ops;

/* attempt.c */
void attempt_start(struct walk *walk, struct walk_try *t, const struct child *leaf,
                   struct target *target, weir_str model);
/* It is another answer than the one that it was to carry on: the target is not at fault. */
void attempt_diverge(struct attempt *a);
/* Ends the attempt with a failure and tells the walk (or, committed, the exchange). */
void attempt_fail(struct attempt *a, const weir_failure *failure);
void attempt_fail_as(struct attempt *a, unsigned class_id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Stops the transport, without a word to anybody. `failure` is what the books say. */
void attempt_cancel(struct attempt *a, const weir_failure *failure);
/* The transport is done and the answer is whole. */
void attempt_succeed(struct attempt *a);
void attempt_pause(struct attempt *a, bool paused);
/* attempt_limits.c: what the route, the model and the provider say of time. */
void attempt_limits(struct attempt *a);
/* Sets the timer to the next of the time limits. */
void attempt_arm(struct attempt *a);
/* The answer is whole, though the response has not ended: it need not be waited for for long. */
void attempt_complete(struct attempt *a);

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

/* resume.c: an answer that breaks off after it began. */
/* Lets an attempt remember what it delivers, if the route may need it. False: out of memory. */
bool resume_remember(struct attempt *a);
/* A committed attempt failed. True: others may be asked to go on with its answer. */
bool resume_begin(struct attempt *a, weir_failure *failure);
/* Makes a further attempt one that goes on. False: it cannot. */
bool resume_prepare(struct attempt *a);
weir_result resume_event(struct attempt *a, const weir_event *event);
void resume_free(struct attempt *a);

/* reply.c */
weir_result reply_event(struct attempt *a, const weir_event *event);
/* Relays raw response bytes (held until the commit). WEIR_TOO_LARGE: more than may be held. */
weir_result reply_relay(struct attempt *a, weir_str bytes);
/* The first content is there: from now on bytes go out, and there is no other target. */
void reply_commit(struct attempt *a);
/* Bytes were passed through, and from here on the dialect is to write: lets it hear first what they
 * said. False: it is out of step. */
bool reply_catch_up(struct attempt *a);
/* From now on this attempt's answer is what the application gets. */
void reply_take_over(struct attempt *a);
/* The answer is whole: writes what is left and ends the reply. */
void reply_finish(struct attempt *a);
/* A filter answers instead of a provider: its events, one by one, then the end. */
weir_result reply_local_event(struct exchange *e, const weir_event *event);
void reply_local_end(struct exchange *e);
/* reply_failure.c */
void reply_failure(struct exchange *e, const weir_failure *failure);
void reply_plain(struct exchange *e, unsigned status, weir_str content_type, weir_str body);

/* script.c: plays a scripted response. */
void script_start(struct attempt *a, const weir_script *script);
void script_stop(struct attempt *a);
void script_pause(struct attempt *a, bool paused);
const weir_script *script_copy(struct arena *arena, const weir_script *script);
