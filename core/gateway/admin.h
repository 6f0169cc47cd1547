/*
 * admin.h - what the gateway answers by itself: health, metrics, and requests nobody serves.
 */
#pragma once

#include "engine/engine.h"
#include "gateway/guard.h"

/* Whether it asks for health only, as load balancers do. */
bool admin_is_probe(const struct http_request *req);

/* Whether it is POST /reload. */
bool admin_is_reload(const struct http_request *req);

/* Refuses a request that no dialect serves, if it may not be answered: foreign ones, and those for
 * admin paths by others than administrators. False: it may. */
bool admin_refuses(struct http_request *req, const struct admission *in);

/* Answers a request that no dialect serves, /reload apart: /healthz, /readyz, /metrics, else 404 or
 * 405. */
void admin_answer(struct worker *worker, struct http_request *req, bool draining);

/* The body of a refusal by the HTTP server itself (400, 408, 413, ...). */
weir_str admin_refusal(const struct worker *worker, unsigned status, const char *why);
