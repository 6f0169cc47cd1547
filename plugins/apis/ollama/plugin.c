/*
 * ollama - the API of Ollama on both sides: the provider part "ollama" for a local Ollama or
 * ollama.com, and the dialect "ollama" for applications that know nothing else.
 */
#include "ollama.h"

#include "options.h"

#include <weir/plugin.h>

static const weir_part provider_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "ollama",
                                         &olm_provider };
static const weir_part dialect_part = { sizeof(weir_part), 0, WEIR_PART_DIALECT, "ollama",
                                        &olm_dialect };
static const weir_part *const ollama_parts[] = { &provider_part, &dialect_part };

WEIR_PLUGIN("weir.ollama", "1.0", ollama_parts,
            WEIR_TEXT_PART("provider", "ollama", OLLAMA_OPTIONS)
                WEIR_TEXT_PART("dialect", "ollama", WEIR_NO_OPTIONS))
