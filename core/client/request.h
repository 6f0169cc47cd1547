/*
 * request.h - a request that is being built: the members of a JSON object, as raw JSON.
 *
 * What came as JSON goes out byte by byte as it came; what is built here is written as JSON at
 * once. So there is no other form of a request in between, and nothing is lost on the way.
 */
#pragma once

#include "base/arena.h"

#include <glib.h>
#include <weir/weir.h>

/* The canonical request with `stream` as said, in `arena`. NULL `request` gives {}. False: the
 * request is faulty, and `failure` says how (its strings live as long as the request). */
bool request_write(const struct weir_request *request, bool stream, struct arena *arena,
                   weir_str *out, weir_failure *failure) __attribute__((warn_unused_result));
