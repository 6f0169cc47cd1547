/*
 * decisions.h - how a request was routed, told: in the header x-weir-explain, and as a line of the
 * decision log, from which `weir simulate` can ask the strategies again.
 */
#pragma once

#include <weir/base.h>

struct exchange;

/* Before the walk: keeps a trace where somebody will want to read it. */
void decisions_begin(struct exchange *e);

/* The value of x-weir-explain, one line of JSON; empty: it was not asked for. */
weir_str decisions_header(struct exchange *e);

/* At the end: a line in the decision log. */
void decisions_log(struct exchange *e);
