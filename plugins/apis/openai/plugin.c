/*
 * openai - the OpenAI API on both sides: the provider part "openai" for OpenAI and those who speak
 * its API, and the dialects "openai" and "openai-responses" for applications that do.
 */
#include "openai.h"

#include "options.h"
#include "responses.h"

#include <weir/plugin.h>

static const weir_part provider_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "openai",
                                         &oai_provider };
static const weir_part dialect_part = { sizeof(weir_part), 0, WEIR_PART_DIALECT, "openai",
                                        &oai_dialect };
static const weir_part responses_part = { sizeof(weir_part), 0, WEIR_PART_DIALECT,
                                          "openai-responses", &resp_dialect };
static const weir_part *const openai_parts[] = { &provider_part, &dialect_part, &responses_part };

WEIR_PLUGIN("weir.openai", "1.0", openai_parts,
            WEIR_TEXT_PART("provider", "openai", OPENAI_OPTIONS)
                WEIR_TEXT_PART("dialect", "openai", WEIR_NO_OPTIONS)
                    WEIR_TEXT_PART("dialect", "openai-responses", WEIR_NO_OPTIONS))
