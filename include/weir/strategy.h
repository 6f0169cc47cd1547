/*
 * strategy.h - the face of a strategy: which child next?
 *
 * A strategy is pure: the same configuration, ask and state bytes give the same decision and the
 * same state bytes. It reads no clock but ask->now_us and draws no randomness but ask->seed.
 */
#ifndef WEIR_STRATEGY_H
#define WEIR_STRATEGY_H

#include <weir/exchange.h>
#include <weir/host.h>
#include <weir/option.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_PART_STRATEGY "weir.strategy/1"

/* Why a node is asked. */
enum {
    WEIR_ASK_START = 0,  /* for the first time in this request */
    WEIR_ASK_FAILED = 1, /* a try ended in a failure */
    WEIR_ASK_TIMER = 2,  /* the time it asked for has come */
    WEIR_ASK_READY = 3,  /* it waited, and a blocked child is ready */
};

/* Why a child may not be picked: id, bit, name. Picking a blocked child counts as a failed try. */
#define WEIR_BLOCKS(X)             \
    X(CAPABILITY, 0, "capability") \
    X(LOSS, 1, "loss")             \
    X(OWNER, 2, "owner")           \
    X(BREAKER, 3, "breaker")       \
    X(COOLDOWN, 4, "cooldown")     \
    X(LIMIT, 5, "limit")           \
    X(SILENT, 6, "silent")         \
    X(PREFILL, 7, "prefill")       \
    X(MODEL, 8, "model")           \
    X(OPERATION, 9, "operation")

#define WEIR_BLOCKED_ENUM(id, bit, name) WEIR_BLOCKED_##id = 1u << bit,
enum { WEIR_BLOCKS(WEIR_BLOCKED_ENUM) };
#undef WEIR_BLOCKED_ENUM

/* A child as it stands now. Estimates are -1 when nothing is known. */
typedef struct weir_child {
    uint32_t struct_size;
    uint32_t blocked; /* WEIR_BLOCKED_* bits; 0: may be picked */
    weir_str name;
    void *state;      /* child_state_size bytes; the strategy's, the core's memory */
    int64_t ready_us; /* when the block heals by itself; INT64_MAX: not by time; 0: not blocked */
    uint32_t inflight;
    uint32_t can; /* WEIR_CAN_* */
    int64_t inflight_tokens;
    int64_t ttft_us; /* time to first token: peak-EWMA */
    int64_t ttft_p95_us;
    int64_t tpot_ns;       /* time per output token, in nanoseconds */
    uint32_t samples;      /* what the estimates stand on */
    uint32_t error_ppm;    /* failures per million attempts, decayed */
    uint32_t headroom_ppm; /* what is left of the tightest limit, per million */
    int32_t max_retries;   /* further tries that its provider wants; 0: a node; -1: not said */
    int64_t price_in;      /* per million tokens, in millionths of the currency unit */
    int64_t price_out;
    int64_t context_window;    /* tokens that its model takes, the answer's included */
    int64_t max_output_tokens; /* that its model writes at most */
} weir_child;

/* One try of this request at a child of this node, in order of start. */
typedef struct weir_try {
    uint32_t struct_size;
    uint32_t child;
    uint8_t running;   /* not over yet */
    uint8_t committed; /* its answer has begun to reach the application */
    uint8_t silent;    /* it failed by saying nothing: is not asked again */
    uint8_t zero;
    uint32_t zero2;
    int64_t start_us;
    int64_t end_us;              /* 0 while running */
    const weir_failure *failure; /* NULL while running */
} weir_try;

typedef struct weir_budget {
    uint32_t struct_size;
    uint32_t attempts_left;
    int64_t deadline_us; /* INT64_MAX: none */
    int64_t money_left;  /* millionths of the currency unit; -1: no limit */
} weir_budget;

typedef struct weir_ask {
    uint32_t struct_size;
    uint32_t why; /* WEIR_ASK_* */
    int64_t now_us;
    uint64_t seed; /* differs from ask to ask */
    const weir_facts *facts;
    const weir_budget *budget;
    void *state;         /* state_size bytes of this node, shared by all requests */
    weir_array children; /* of weir_child, in the order of the configuration */
    weir_array tries;    /* of weir_try: this request's tries at this node */
} weir_ask;

enum {
    WEIR_PICK = 1,    /* start `child`, at `start_us` if that is later than now */
    WEIR_WAIT = 2,    /* for what runs, or until `ask_again_us` */
    WEIR_GIVE_UP = 3, /* the parent is told, as of a failed child */
    WEIR_REFUSE = 4,  /* the request ends, parents are not asked; `failure_class` says how */
};

#define WEIR_NO_CHILD UINT32_MAX

/* Zeroed by the host (child and shadow_child: WEIR_NO_CHILD) before the call. */
typedef struct weir_decision {
    uint32_t struct_size;
    uint32_t verb;
    uint32_t child;
    uint32_t shadow_child; /* gets a copy; its answer is only recorded */
    int64_t start_us;      /* 0: now */
    int64_t ask_again_us;  /* 0: not before the child is done; else hedging */
    uint32_t failure_class;
    uint32_t zero;
    const char *reason; /* static text, for `weir explain` */
    int64_t number[2];  /* what the reason stands on */
} weir_decision;

/* How a try at a child ended, for estimators of a strategy's own. */
typedef struct weir_outcome {
    uint32_t struct_size;
    uint32_t child;
    int64_t now_us;
    int64_t start_us;
    int64_t first_us; /* first content; 0: none came */
    int64_t end_us;
    const weir_failure *failure; /* NULL: success */
    const weir_usage *usage;     /* NULL: none was reported */
} weir_outcome;

/* What a strategy needs computed before it is asked; costs are only paid then. */
enum {
    WEIR_NEEDS_TEXT = 1,
    WEIR_NEEDS_TOKENS = 2,
    WEIR_NEEDS_PREFIX_HASH = 4,
    WEIR_NEEDS_PRICE = 8,
    WEIR_NEEDS_ALL_TEXT = 16,
    WEIR_NEEDS_METADATA = 32,
};

typedef struct weir_strategy_v1 {
    uint32_t struct_size;
    uint32_t needs;            /* WEIR_NEEDS_* */
    uint32_t state_size;       /* bytes per node, one per process; zeroed when the node is new */
    uint32_t child_state_size; /* bytes per child, kept by the child's name across a reload */
    uint32_t state_version;    /* state of another version is dropped at a reload */
    uint32_t zero;
    weir_array options;            /* of weir_option; at most one of type CHILDREN */
    weir_array child_options;      /* of weir_option: what may stand beside each child */
    const weir_children *children; /* how children may be written; NULL: as a list */

    /* [init] As in weir_provider_v1; children are numbers here. */
    weir_result (*configure)(const weir_host *host, const weir_json *options, void **cfg,
                             weir_error *error);
    /* [init] */
    void (*release)(void *cfg);

    /* [any] The one question. The host serialises calls on one node. */
    weir_result (*next)(void *cfg, const weir_ask *ask, weir_decision *decision);
    /* [any] Optional. A try ended; called also for tries that nobody waits for any more. */
    void (*observe)(void *cfg, void *state, void *child_state, const weir_outcome *outcome);
} weir_strategy_v1;

#ifdef __cplusplus
}
#endif

#endif
