/*
 * admin.h - what the gateway answers by itself: health, metrics, and requests nobody serves.
 */
#pragma once

#include "engine/engine.h"
#include "transport/server.h"

/* Answers a request that no dialect serves: /healthz, /readyz, /metrics, else 404 or 405. */
void admin_answer(struct worker *worker, struct http_request *req, bool draining);

/* The body of a refusal by the HTTP server itself (400, 408, 413, ...). */
weir_str admin_refusal(const struct worker *worker, unsigned status, const char *why);
