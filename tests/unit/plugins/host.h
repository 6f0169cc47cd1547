/*
 * host.h - a small host for tests of parts: it gives them exchanges, feeds them bytes and writes
 * down what they say.
 *
 * It is as strict as the contract allows: what was borrowed for a call is overwritten and freed
 * behind it, and state moves to another address between two calls.
 */
#pragma once

#include <glib.h>
#include <weir/plugin.h>
#include <weir/sdk/json.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/str.h>

/* The part of that face that the linked plugin offers. */
const void *host_part(const char *face);
const void *host_part_named(const char *face, const char *name);

/* Its provider part and its dialect, configured: the `cfg` of their calls. A dialect gets no
 * options. */
void *host_provider(const char *options);
void *host_dialect(void);

/* An arena of GLib memory; everything is freed by host_arena_clear(). */
struct host_arena {
    weir_arena arena;
    GPtrArray *pieces;
};

void host_arena_init(struct host_arena *a);
void host_arena_clear(struct host_arena *a);

/* Scans JSON in the arena; aborts the test if it is none. */
weir_json host_scan(struct host_arena *a, const char *json);
/* A weir_str as a terminated string; g_free() it. */
char *host_text(weir_str s);

/* Offers weir.json/1 and nothing else. */
extern const weir_host host_services;

/* An exchange with everything it points to. */
struct host_exchange {
    weir_exchange x;
    weir_target target;
    weir_json request;
    struct host_arena arena;
};

/* `body` may be NULL. The target is "test/<model>" at https://upstream.test/v1 with key "KEY". */
struct host_exchange *host_exchange_new(uint8_t op, const char *body, const char *model);
void host_exchange_free(struct host_exchange *e);

/* What a provider part sent. */
struct host_sent {
    GString *line;    /* "POST /chat/completions" */
    GString *headers; /* "name: value\n" */
    GString *body;
    GString *dropped; /* "pointer\n" */
    /* The script, if it answered itself. */
    bool scripted;
    unsigned status;
    int64_t head_us;
    int64_t total_us;      /* of the steps */
    uint32_t end;          /* the last step, WEIR_STEP_* */
    GString *reply;        /* all bytes of the steps */
    GString *reply_header; /* like headers */
};

struct host_sent *host_encode(const weir_provider_v1 *face, void *cfg, struct host_exchange *e);
void host_sent_free(struct host_sent *s);

/* What a provider part made of a response. */
struct host_heard {
    GString *log;     /* an event in a line */
    GString *relayed; /* data of the frames that were to be relayed, a line each */
    /* Gathered. */
    GString *text[4]; /* by choice, as UTF-8 */
    GString *reasoning;
    GString *refusal;
    GPtrArray *calls; /* of choice 0: GString "name(arguments)", in order */
    GPtrArray *other_calls;
    GString *finish;  /* "stop" or "0:stop 1:length", the vendor's words */
    weir_usage usage; /* struct_size 0: none */
    weir_rate rate;   /* likewise */
    int errors;
    uint16_t class_id;
    uint16_t http_status;
    int64_t retry_after_us;
    char *message;
    char *code;
    char *document;
    bool broken; /* events came in an order they must not */
    GHashTable *open;
};

/* Feeds a response in pieces of `split` bytes (0: whole). `headers` is "name: value\n"; `cut`: the
 * connection ends early. */
struct host_heard *host_decode(const weir_provider_v1 *face, void *cfg, struct host_exchange *e,
                               unsigned status, const char *headers, weir_str body, size_t split,
                               bool cut);
void host_heard_free(struct host_heard *h);

/* The answers of a reply sink. */
struct host_reply {
    weir_reply_sink sink;
    unsigned status;
    GString *headers;
    GString *bytes;
};

void host_reply_init(struct host_reply *r);
void host_reply_clear(struct host_reply *r);

/* A strategy's node. */
struct host_node {
    const weir_strategy_v1 *face;
    void *cfg;
    uint32_t count;
    weir_child child[8];
    weir_try tries[32];
    weir_failure failure[32];
    weir_budget budget;
    weir_facts facts;
    weir_ask ask;
    void *state;
    void *child_state[8];
};

struct host_node *host_node_new(const weir_strategy_v1 *face, const char *options, uint32_t count);
void host_node_free(struct host_node *n);
/* Asks; asks the same again from a copy of the state and wants the same decision and state. */
weir_decision host_ask(struct host_node *n, uint32_t why);
/* A new request. */
void host_node_reset(struct host_node *n);
/* The last pick ended so. */
void host_node_failed(struct host_node *n, uint32_t child, uint16_t class_id);
