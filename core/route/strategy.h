/*
 * strategy.h - what is made of a strategy that makes no sense: it is counted, told in the log, and
 * costs its node the request and nobody anything else.
 */
#pragma once

#include "route/walk.h"

#define STRATEGY_WROTE_BEYOND "wrote beyond its state"

/* The account of such a fault. It is counted, and stands in the log now and then, also where
 * another node saves the request. */
const weir_failure *strategy_fault(struct walk *walk, const struct node *node, const char *what);

/* Whether the strategy kept to its blocks of state. Under the node's lock, after a call. */
bool strategy_kept_state(const struct node *node);
