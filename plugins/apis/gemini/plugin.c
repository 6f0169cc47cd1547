/*
 * gemini - the Gemini API on both sides: the provider part "gemini" for Google and those who speak
 * its API, and the dialect "gemini" for applications that do.
 */
#include "gemini.h"

#include "options.h"

#include <weir/plugin.h>

static const weir_part provider_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "gemini",
                                         &gem_provider };
static const weir_part dialect_part = { sizeof(weir_part), 0, WEIR_PART_DIALECT, "gemini",
                                        &gem_dialect };
static const weir_part *const gemini_parts[] = { &provider_part, &dialect_part };

WEIR_PLUGIN("weir.gemini", "1.0", gemini_parts,
            WEIR_TEXT_PART("provider", "gemini", GEMINI_OPTIONS)
                WEIR_TEXT_PART("dialect", "gemini", WEIR_NO_OPTIONS))
