/*
 * filter.h - the face of a filter: sees, changes, answers or refuses requests and events.
 */
#ifndef WEIR_FILTER_H
#define WEIR_FILTER_H

#include <weir/exchange.h>
#include <weir/host.h>
#include <weir/option.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_PART_FILTER "weir.filter/1"

/* What a filter looks at. The host skips the work nobody needs: without EVENTS an answer can be
 * passed through, without REQUEST a request can. */
enum {
    WEIR_SEES_REQUEST = 1, /* the canonical request */
    WEIR_SEES_EVENTS = 2,
};

/* What a filter may do to a request. [any] */
typedef struct weir_edit_sink {
    uint32_t struct_size;
    uint32_t zero;
    void *ctx;
    /* Replaces the value of `token` of x->request with raw JSON. The edits apply together, after
     * the filter has returned; overlapping ones are refused. */
    weir_result (*replace)(void *ctx, uint32_t token, weir_str json);
    /* Answers instead of a provider: events of a complete answer, one call each. */
    weir_result (*answer)(void *ctx, const weir_event *event);
    /* Ends the exchange. The class is `policy` unless the failure says otherwise. */
    weir_result (*refuse)(void *ctx, const weir_failure *failure);
} weir_edit_sink;

typedef struct weir_filter_v1 {
    uint32_t struct_size;
    uint32_t ops;        /* WEIR_OP_BIT() of what it wants to see */
    uint32_t sees;       /* WEIR_SEES_* */
    uint32_t state_size; /* bytes per exchange, zeroed, pointer-free */
    weir_array options;  /* of weir_option */

    /* [init] As in weir_provider_v1. */
    weir_result (*configure)(const weir_host *host, const weir_json *options, void **cfg,
                             weir_error *error);
    /* [init] */
    void (*release)(void *cfg);

    /* [any] Optional. Before the request is routed. */
    weir_result (*request)(void *cfg, void *st, const weir_exchange *x, const weir_edit_sink *out);
    /* [any] Optional. One event in, none to many out: emit what should go on. */
    weir_result (*event)(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                         const weir_events *next);
} weir_filter_v1;

#ifdef __cplusplus
}
#endif

#endif
