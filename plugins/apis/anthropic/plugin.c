/*
 * anthropic - the Anthropic Messages API on both sides: the provider part "anthropic" for Anthropic
 * and those who speak its API, and the dialect "anthropic" for applications that do.
 */
#include "anthropic.h"

#include "options.h"

#include <weir/plugin.h>

static const weir_part provider_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "anthropic",
                                         &ant_provider };
static const weir_part dialect_part = { sizeof(weir_part), 0, WEIR_PART_DIALECT, "anthropic",
                                        &ant_dialect };
static const weir_part *const anthropic_parts[] = { &provider_part, &dialect_part };

WEIR_PLUGIN("weir.anthropic", "1.0", anthropic_parts,
            WEIR_TEXT_PART("provider", "anthropic", ANTHROPIC_OPTIONS)
                WEIR_TEXT_PART("dialect", "anthropic", WEIR_NO_OPTIONS))
