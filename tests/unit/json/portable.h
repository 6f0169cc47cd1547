/*
 * portable.h - the scanner built without SSE2, under names of its own, to compare the two.
 */
#ifndef WEIR_TEST_JSON_PORTABLE_H
#define WEIR_TEST_JSON_PORTABLE_H

#include "json/scan.h"

weir_result jscan_portable(struct jscan_tokens *t, weir_str bytes, weir_json *out,
                           struct jscan_fault *fault);

#endif
