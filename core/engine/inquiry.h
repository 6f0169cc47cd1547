/*
 * inquiry.h - asks one provider which models it has, outside any application's request.
 *
 * An inquiry is an exchange without an application: the same attempts, limits and connections, but
 * no dialect of anybody's, no filters, no log line and no place in the counters.
 */
#pragma once

#include "engine/worker.h"

struct inquiry;

/* `document` is the canonical list (canonical.md), or `failure` says why there is none. Both are
 * borrowed. */
typedef void (*inquiry_done)(void *ctx, weir_str document, const weir_failure *failure);

/* Whether the provider's part can be asked at all. */
bool inquiry_possible(const struct provider *p);

/* On the worker's thread; `p` is of its current generation. Ends within `limit_us`: `done` is
 * called once, never from inside this call. Never NULL. */
struct inquiry *inquiry_start(struct worker *w, const struct provider *p, int64_t limit_us,
                              inquiry_done done, void *ctx);

/* Stops it; `done` is not called. */
void inquiry_cancel(struct inquiry *i);
