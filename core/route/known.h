/*
 * known.h - what is known of the model of each target of one generation.
 *
 * The catalogues are asked once per target; from then on a request reads a pointer.
 */
#pragma once

#include "config/config.h"
#include "route/target.h"

struct known;

/* [init] `config` outlives it. */
struct known *known_new(const struct config *config);
void known_free(struct known *k);

/*
 * [safe] The record of `model` at provider `p`, whose target is `t`; lives as long as `k`. NULL:
 * nothing is known, or `t` is shared by models of any name. `k` may be NULL (tests).
 */
const struct catalogue_record *known_of(struct known *k, const struct config_provider *p,
                                        const struct target *t, weir_str model);
